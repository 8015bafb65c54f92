"""Custody by behaviour on the command line: what ``--custody`` and ``--open`` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.errors import InputError, TraceError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.addresses.assets import Asset
    from chainwatch.attribution.tags import Tags
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.tracing.custody.hosted import Hosted
    from chainwatch.tracing.custody.roles import WalletRoles

    Custody = Hosted | WalletRoles

DEPOSITS, ROLES = "deposits", "roles"
"""Deposit addresses and one-destination wallets; or these with hot, cold and gas wallets."""

CustodyOption = Annotated[
    str | None,
    typer.Option(
        "--custody",
        help="Value also ends where an address does what a service's does: deposits, or roles.",
    ),
]
OpenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--open",
        metavar="ADDRESS=WHY",
        help="Go on behind an end by custody, for this reason. May be repeated.",
    ),
]


def custody(
    kind: str | None, opened: list[str] | None, ledger: Ledger, tags: Tags | None,
    asset: Asset | None, chain: str | None,
) -> Custody | None:  # fmt: skip
    """Return the addresses at which value ends by what they do, if that is asked for.

    Parameters
    ----------
    kind : str, optional
        :data:`DEPOSITS` or :data:`ROLES`.
    opened : list of str, optional
        Each ``ADDRESS=WHY``: following goes on behind these.
    ledger : Ledger
        What was read.
    tags : Tags, optional
        Who is a service; they are needed.
    asset, chain : Asset, str, optional
        What is followed; of a coin chain its coin.

    Raises
    ------
    InputError
        If what is asked for is unknown, or lacks tags, an asset or a reason.
    """
    if kind is None:
        if opened:
            raise InputError(
                "--open without --custody", remedy="say which ends: --custody deposits"
            )
        return None
    if kind not in (DEPOSITS, ROLES):
        raise InputError(
            f"unknown custody {kind!r}", remedy=f"write --custody {DEPOSITS} or {ROLES}"
        )
    if tags is None:
        raise InputError(
            "--custody without tags: nobody knows whose wallets are paid",
            remedy="pass the tags of services",
        )
    verb: Any = cw.hosted if kind == DEPOSITS else cw.service_roles
    with watched("custody"):
        found: Custody = verb(ledger, tags.services(), asset=_asset(asset, chain))
    for address, why in map(_opened, opened or ()):
        try:
            found = found.open(address, why=why)
        except TraceError:
            raise InputError(
                f"--open {address}: value does not end there by --custody {kind}, so that there is"
                " nothing to open",
                remedy="run without --open to see where value ends, and name each end once",
            ) from None
    return found


def _opened(text: str) -> tuple[str, str]:
    address, _, why = (part.strip() for part in text.partition("="))
    if not address or not why:
        raise InputError(
            f"{text[:100]!r} says no address and reason", remedy="write --open ADDRESS=WHY"
        )
    return address, why


def _asset(asset: Asset | None, chain: str | None) -> Asset:
    """Return what is followed: the asset that is named, or the coin of a coin chain."""
    if asset is not None:
        return asset
    if chain is None:
        raise InputError("--custody without a chain", remedy="name it with --chain")
    if cw.chain(chain).family != "utxo":
        raise InputError(
            "--custody without an asset", remedy="write --asset native, or CONTRACT,SYMBOL,DECIMALS"
        )
    return cw.native(chain)
