"""``chainwatch peel-chains``: chains that peel small parts off one coin, by their shape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.cli.owners import TagsOption, only_chain, opened, tags_in


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(peel_chains)


def peel_chains(
    ledger: LedgerOption,
    tags: TagsOption = None,
    hops: Annotated[int, typer.Option("--hops", help="Transactions of a chain, at least.")] = 5,
    percent: Annotated[
        int, typer.Option("--percent", help="The small part of each is at most so much.")
    ] = 20,
    csv: Annotated[Path | None, typer.Option(help="Also write every small part here.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """List chains of transactions that peel small parts off one coin, by their shape alone.

    Example: chainwatch peel-chains --ledger out/otter/ledger --hops 2 --percent 50
    """
    check_named(csv, replace=replace)
    from chainwatch.clusters.peeling.chains import Shape
    from chainwatch.clusters.peeling.chains import peel_chains as listed

    with interruptible():
        read = opened(ledger)
        said = tags_in(tags, only_chain(read))
        found = listed(read, tags=said, shape=Shape(hops, percent))
    for row in found.plain().head(MOST_SHOWN).iter_rows(named=True):
        say(
            f"{row['txid']}: {row['hops']} hops, {row['amount_coins']} paid out, of which"
            f" {row['peeled_coins']} peeled off and {row['rest_coins']} left; {row['end']}"
        )
    if (more := found.frame.height - MOST_SHOWN) > 0:
        say(f"  and {more:,} more chains")
    show(found)
    if csv:
        write_csv(csv, found.plain("peels"), replace=replace)
