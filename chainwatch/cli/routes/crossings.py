"""The command ``crossings``: what became of deposits at bridges, on the chains that were read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.cli.trace import asset_named
from chainwatch.errors import ChainError, InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.addresses.assets import Asset
    from chainwatch.attribution.tags import Tags
    from chainwatch.chains.base import Chain

LedgersOption = Annotated[
    list[Path], typer.Option("--ledger", help="Folder of a ledger. May be repeated.")
]
BridgeTagsOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Tags of the concept defi_bridge. May be repeated."),
]
BridgeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--bridge",
        metavar="NAME=CHAIN:ADDRESS",
        help="An address of a bridge; without CHAIN: where one chain was read. May be repeated.",
    ),
]
AssetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--asset",
        metavar="CHAIN:ASSET[=...]",
        help="What is looked at: eth:native, or eth:CONTRACT,SYMBOL,DECIMALS; those that stand for"
        " one another joined by =. May be repeated; else the coin of each chain.",
    ),
]
MessagesOption = Annotated[
    Path | None,
    typer.Option(
        "--messages", help="CSV of what bridges logged, beside ledgers: chain, txid, id, side."
    ),
]
LogsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--logs",
        metavar="CHAIN=FILE",
        help="CSV or Parquet of logs of a chain, beside those in its ledger. May be repeated.",
    ),
]
WithinOption = Annotated[
    int, typer.Option("--within", help="Minutes after a deposit in which it is paid out.", min=1)
]
FeeOption = Annotated[
    str, typer.Option("--fee-at-most", help="How much less is paid out, as a share: 0.01.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(crossings)


def crossings(
    ledger: LedgersOption,
    tags: BridgeTagsOption = None,
    bridge: BridgeOption = None,
    asset: AssetsOption = None,
    messages: MessagesOption = None,
    logs: LogsOption = None,
    within: WithinOption = 120,
    fee_at_most: FeeOption = "0.01",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the rows as JSON, in base units and in clear.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a row for each deposit here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Say of every deposit at a bridge what became of it, and how often that is chance.

    Identifiers that both sides bear come first: memos, and messages in the logs of contracts that
    the ledgers keep, and in --messages and --logs. A match by amount and time is a lead.

    Example: chainwatch crossings --ledger out/otter/ledger
    --bridge ferry=bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = [cw.open_ledger(one) for one in ledger]
        chains = [chain for one in read for chain in one.chains]
        who = bridges_named(tags, bridge, chains)
        logged = messages_in(messages, logs, who)
        with watched("crossings"):
            found = cw.crossings(
                read, bridges=who, assets=assets_named(asset), messages=logged,
                within=timedelta(minutes=within), fee_at_most=fee_at_most,
            )  # fmt: skip
    if as_json:
        say(json.dumps({"digest": found.digest, **_rows(found)}, indent=2, default=str))
    else:
        for line in lines_of(found):
            say(line)
        show(found)
    write_csv(csv, found.plain(), replace=replace)


def _rows(found: cw.Crossings) -> dict[str, list[dict[str, Any]]]:
    return {name: found.plain(name).to_dicts() for name in found.tables()}


def lines_of(found: cw.Crossings) -> list[str]:
    """Return a line for each deposit and for each payout that answers it.

    Where the edition masks anybody they have no amounts, times, addresses and transactions: who
    paid in or was paid out is nobody's subject.
    """
    from chainwatch.results.mask import names_all

    of_deposit, of_payout = (_clear_in, _clear_out) if names_all() else (_masked_in, _masked_out)
    paid: dict[int, list[dict[str, Any]]] = {}
    for row in found.plain("crossing_payouts").iter_rows(named=True):
        paid.setdefault(row["crossing"], []).append(row)
    lines = []
    for row in found.plain().iter_rows(named=True):
        lines += of_deposit(row)
        lines += [of_payout(out) for out in paid.get(row["crossing"], ())]
    return lines


def _clear_in(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['time']}  {_amount(row)} to {row['bridge']} on {row['chain']}",
        f"    {row['txid']}:{row['n']}  {row['result']}: {_why(row)}",
    ]


def _clear_out(row: dict[str, Any]) -> str:
    return (
        f"    {row['time']}  {_amount(row)} to {row['receiver']} on {row['chain']}"
        f" in {row['txid']}:{row['n']}"
    )


def _masked_in(row: dict[str, Any]) -> list[str]:
    return [f"{row['symbol']} to {row['bridge']} on {row['chain']}  {row['result']}: {_why(row)}"]


def _masked_out(row: dict[str, Any]) -> str:
    return f"    {row['symbol']} paid out on {row['chain']}"


def _amount(row: dict[str, Any]) -> str:
    amount = row.get("amount_coins") or row["amount"]
    return f"{'an unknown amount' if amount is None else amount} {row['symbol']}"


def _why(row: dict[str, Any]) -> str:
    why = str(row["evidence"] or row["reason"])
    if not row["moves"]:
        return why
    return f"{why}; moved in time it matches {row['moves_matched']} times of {row['moves']}"


def bridges_named(
    files: Sequence[Path] | None, named: Sequence[str] | None, chains: Sequence[Chain]
) -> Tags | dict[str, dict[str, list[str]]]:
    """Return who is a bridge: tags, or what ``--bridge`` names; not both, and not nobody."""
    if bool(files) == bool(named):
        raise InputError(
            "--tags and --bridge" if files else "no bridge is named",
            remedy="give one of --tags and --bridge",
        )
    if files:
        from chainwatch.attribution.taxonomy import BRIDGING, is_a

        tags = cw.read_tags(list(files))
        said = tags.frame["concept"].unique().drop_nulls()
        if not any(is_a(one, broad) for one in said for broad in BRIDGING):
            raise InputError(
                f"no tag says that an address is a bridge ({', '.join(BRIDGING)})",
                remedy="tag its addresses with that concept, or name them by --bridge"
                " NAME=CHAIN:ADDRESS instead of --tags",
            )
        return tags
    found: dict[str, dict[str, list[str]]] = {}
    for one in named or ():
        name, _, place = one.partition("=")
        chain, address = of_chain(place)
        if not chain and len(chains) == 1:
            chain = chains[0].id
        if not name or not chain or not address:
            raise InputError(f"{one[:80]!r} names no bridge", remedy="write NAME=CHAIN:ADDRESS")
        found.setdefault(name, {}).setdefault(chain, []).append(address)
    return found


def of_chain(said: str) -> tuple[str, str]:
    """Return the chain that stands before a colon, as alias or CAIP-2 id, and what stands behind.

    Without one the chain is empty: addresses of Bitcoin Cash have a colon of their own.
    """
    parts = said.strip().split(":")
    for count in range(1, len(parts)):
        with suppress(ChainError):
            return cw.chain(":".join(parts[:count])).id, ":".join(parts[count:])
    return "", said.strip()


def assets_named(groups: Sequence[str] | None) -> list[tuple[Asset, ...]] | None:
    """Return the groups of assets that ``--asset`` names; None where it names none."""
    if not groups:
        return None
    return [tuple(one_asset(one) for one in group.split("=")) for group in groups]


def one_asset(said: str) -> Asset:
    """Return the asset of a chain that a text names."""
    chain, asset = of_chain(said)
    found = asset_named(asset, chain) if chain and asset else None
    if found is None:
        raise InputError(
            f"{said[:80]!r} names no asset",
            remedy="write CHAIN:native, or CHAIN:CONTRACT,SYMBOL,DECIMALS",
        )
    return found


def messages_in(
    path: Path | None, logs: Sequence[str] | None, bridges: Tags | dict[str, Any]
) -> pl.DataFrame | None:
    """Return the messages of a file, and those that bridges logged in tables of logs."""
    from chainwatch.tracing.crossings.messages import files

    by_chain: dict[str, Path] = {}
    for one in logs or ():
        chain, _, name = one.partition("=")
        if not chain or not name:
            raise InputError(f"{one[:80]!r} names no logs", remedy="write --logs CHAIN=FILE")
        by_chain[chain] = Path(name)
    return files.messages_in(path, by_chain, bridges)
