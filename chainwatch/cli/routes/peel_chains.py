"""``chainwatch peel-chains``: chains that peel small parts off one coin, by their shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, names_in, say, show, write_csv
from chainwatch.cli.owners import TagsOption, only_chain, opened, tags_in

if TYPE_CHECKING:
    from chainwatch.clusters.peeling.chains import PeelChains


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(peel_chains)


def peel_chains(
    ledger: LedgerOption,
    tags: TagsOption = None,
    hops: Annotated[int, typer.Option("--hops", help="Payments of the rest, at least.")] = 5,
    percent: Annotated[
        int, typer.Option("--percent", help="The small part of each is at most so much.")
    ] = 20,
    csv: Annotated[
        Path | None, typer.Option(help="Also write every small part here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """List chains of transactions that peel small parts off one coin, by their shape alone.

    A chain between parties whom the disclosure edition masks is counted and not listed.

    Example: chainwatch peel-chains --ledger out/otter/ledger --hops 2 --percent 50
    """
    check_named(csv, replace=replace)
    from chainwatch.clusters.peeling.chains import Shape
    from chainwatch.units import counted

    with interruptible():
        read = opened(ledger)
        said = tags_in(tags, only_chain(read))
        found = cw.peel_chains(read, tags=said, shape=Shape(hops, percent))
    names = names_in([] if said is None else [said])
    rows = list(_shown(found))
    for row in rows[:MOST_SHOWN]:
        say(_told(row), names)
    if (more := len(rows) - MOST_SHOWN) > 0:
        say(f"  and {more:,} more chains")
    if masked := found.frame.height - len(rows):
        say(f"{counted(masked, 'chain', 'chains')} between parties whom this edition masks")
    show(found)
    if csv:
        write_csv(csv, found.plain("peels"), replace=replace)


def _shown(found: PeelChains) -> Iterator[dict[str, Any]]:
    """Yield the chains that the edition of the desk lists, as it shows them."""
    from chainwatch.results.mask import shown_tables

    _, tables = shown_tables(found)
    for row in tables["peel_chains"].to_dicts():
        if row.get("summed") is None:
            yield row


def _told(row: dict[str, Any]) -> str:
    """Return a chain in one line."""
    from chainwatch.addresses.assets import native

    about, coin = "≈ " if row.get("rounded") else "", native(row["chain"])
    paid, peeled, rest = (
        f"{about}{coin.shown(int(row[name]))}" for name in ("amount", "peeled", "rest")
    )
    named = f": {row['rest_name']}" if row["rest_name"] else ""
    return (
        f"{row['txid']}: {row['hops']} hops, {paid} paid out, of which {peeled} peeled off and"
        f" {rest} left; {row['end']}{named}"
    )
