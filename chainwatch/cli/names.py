"""Whom a name of ENS names, asked of a node on request alone: ``resolve``, and ``--names-node``."""

from __future__ import annotations

from typing import Annotated

import typer

from chainwatch.cli.options import HostsOption, LedgerOption, OfflineOption, asking
from chainwatch.cli.output import note, say

NamesOption = Annotated[
    str | None,
    typer.Option(
        "--names-node",
        help="Node that is asked whom a name of ENS names; without it nobody is asked.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(resolve)


def resolve(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of ENS, such as a.eth.")],
    ledger: LedgerOption,
    node: Annotated[str, typer.Option("--node", help="Address of a node, by JSON-RPC.")],
    chain: Annotated[str, typer.Option("--chain", help="Chain whose names are asked.")] = "eth",
    height: Annotated[
        int | None, typer.Option("--height", help="As of which block; else the highest.", min=0)
    ] = None,
    offline: OfflineOption = False,
    only_hosts: HostsOption = "",
) -> None:
    """Say whom a name of ENS names, as of one block; names that imitate others are refused.

    The node learns the name; what it was asked stands in LEDGER.disclosures.jsonl. A name is a lead
    to an address, and no proof of whose that is.

    Example: chainwatch resolve vitalik.eth --node http://127.0.0.1:8545 --ledger ledger
    """
    from chainwatch.sources.evm.names import resolve_name

    with asking(ledger, offline=offline, only_hosts=only_hosts):
        found = resolve_name(name, node, chain=chain, height=height)
    say(f"{found.name} names {found.address}")
    say(f"as of block {found.height:,} ({found.block}) of {found.chain}, as {found.host} says")


def address_named(text: str, node: str | None, chain: str) -> str:
    """Return a text, or the address that it names where it is a name and a node may be asked.

    Whoever calls it puts the policy of the command in force. Whom the name names is told.
    """
    from chainwatch.addresses.diagnose import is_name

    if node is None or not is_name(text):
        return text
    from chainwatch.sources.evm.names import resolve_name

    found = resolve_name(text, node, chain=chain)
    note(f"{found.name} names {found.address} as of block {found.height:,}, as {found.host} says")
    return found.address
