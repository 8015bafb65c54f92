"""The command ``roles``: who people are, by tags and by what they paid, and who is masked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import chainwatch as cw
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, names_in, say, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.cli.received import AssetOption, whom
from chainwatch.cli.trace import asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainwatch.ledger.ledger import Ledger

FEW, WORTH = 10, 200
"""What the library has where nothing is said (:mod:`chainwatch.privacy.people`)."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(roles)


def roles(
    subjects: Annotated[
        list[str],
        typer.Argument(metavar="SUBJECT", help="Addresses, or a name that the tags give."),
    ],
    ledger: LedgerOption,
    tags: Annotated[
        list[Path] | None, typer.Option("--tags", help="Who is called what. May be repeated.")
    ] = None,
    role: Annotated[
        str, typer.Option("--role", help="Of a subject without a tag: vendor, market, service.")
    ] = "network",
    few: Annotated[int, typer.Option("--few", help="The most payments that are seldom.")] = FEW,
    small: Annotated[
        int | None, typer.Option("--small", help="The largest that is little, in base units.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Or by the ledger's prices in it: EUR.")
    ] = None,
    worth: Annotated[
        int, typer.Option("--worth", help="Its worth, at most, in whole units of the currency.")
    ] = WORTH,
    clusters: Annotated[
        bool, typer.Option("--clusters", help="On coin chains: the addresses of one owner are one.")
    ] = False,
    chain: ChainOption = None,
    asset: AssetOption = None,
    why: Annotated[
        list[str] | None, typer.Option("--why", help="Say it of an address. May be repeated.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a row for each address here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Count who is a vendor, market, service, network, donor, victim, consumer or bystander.

    The first four are those whom tags name, or subjects; the others by what they paid.

    Example: chainwatch roles bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --small 10000000
    --clusters --tags out/otter/data/tags --ledger out/otter/ledger
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or (read.chains[0].id if len(read.chains) == 1 else None)
        named = cw.read_tags(tags, chain=chain) if tags else None
        with watched("looking at payments"):
            found = cw.roles(
                read, whom(subjects, named, of), tags=named, subject_role=role, few=few,
                small=small, worth=worth, currency=currency or "USD", chain=of,
                prices=cw.prices_of(read) if currency else None, asset=asset_named(asset, of),
                clusters=_owners(read, clusters=clusters),
            )  # fmt: skip
        _tell(found, why or (), names_in([named] if named else []))
    write_csv(csv, found.plain(), replace=replace)


def _tell(found: cw.PeopleRoles, why: Iterable[str], names: Iterable[str]) -> None:
    """Print how many have each role, by what they were judged, and why whoever is asked about."""
    show(found, names)
    for said in found.findings(found.frame)[0].text[:2]:
        say(said)
    for address in why:
        show(found.why(address), names)


def _owners(ledger: Ledger, *, clusters: bool) -> cw.Clusters | None:
    if not clusters:
        return None
    if not any(one.family == "utxo" for one in ledger.chains):
        raise InputError(
            "--clusters on a ledger without coins", remedy="leave it out: nothing is spent together"
        )
    with watched("clusters"):
        return cw.owners(ledger)
