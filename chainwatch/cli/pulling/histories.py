"""Which server a trace asks for histories that the ledger lacks: by its chain, and by its API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.errors import InputError

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Source

FetchOption = Annotated[
    str | None,
    typer.Option(
        "--fetch", help="Server asked for what the ledger lacks: Esplora, TronGrid, an explorer."
    ),
]
ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api",
        help="Whose interface it has: etherscan (if not given), blockscout or compatible; trongrid"
        " or esplora, where the chain says it already.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Where the server's key is kept: env:NAME or keyring:SERVICE."),
]
BudgetOption = Annotated[
    int, typer.Option("--budget", help="Requests that it may be asked.", min=1)
]

APIS = {"utxo": ("esplora",), "evm": ("etherscan", "blockscout", "compatible"),
        "tron": ("trongrid",)}  # fmt: skip
"""Interfaces by the family of a chain; the first where none is named."""


def histories_of(
    url: str, chain: str | None, api: str | None, key: str | None
) -> Callable[[list[bytes]], Source]:
    """Return what makes a source of the histories of addresses on a server.

    Parameters
    ----------
    url : str
        Base of its API.
    chain : str or None
        Alias or CAIP-2 id.
    api : str or None
        Whose interface it has, one of ``APIS``.
    key : str or None
        Where its key is kept: ``env:NAME`` or ``keyring:SERVICE``.

    Raises
    ------
    InputError
        If the chain is not said, has no such interface, or its interface takes no key.
    """
    from chainwatch.net.credentials import password_of
    from chainwatch.sources.values import checked_place

    if chain is None:
        raise InputError("--fetch without a chain", remedy="name it with --chain")
    network = cw.chain(chain)
    known = APIS[network.family]
    if api is not None and api not in known:
        raise InputError(
            f"--api {api} is none of {network.name}", remedy=f"write {' or '.join(known)}"
        )
    secret = password_of(checked_place(key, "--key"), "key") if key else None
    if network.family == "tron":
        return lambda addresses: cw.TronGrid(url, addresses, chain=chain, key=secret)
    if network.family == "evm":
        form: Any = api or known[0]
        return lambda addresses: cw.Explorer(url, addresses, chain=chain, api=form, key=secret)
    if key:
        raise InputError("--key where no key is asked for", remedy="leave it out")
    return lambda addresses: cw.Esplora(url, addresses, chain=chain)
