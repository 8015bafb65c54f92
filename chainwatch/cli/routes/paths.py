"""The command ``paths``: whether and how money of one party reached another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.custody import CustodyOption, OpenOption, custody
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, names_in, say, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.cli.received import AssetOption, whom
from chainwatch.cli.trace import StopOption, asset_named, stops_of
from chainwatch.errors import InputError
from chainwatch.progress import watched

SourceArgument = Annotated[
    str, typer.Argument(metavar="A", help="Who paid: an address, TXID:N, or a name of the tags.")
]
TargetArgument = Annotated[
    str, typer.Argument(metavar="B", help="Who may have been reached: the same.")
]
ByOption = Annotated[
    str, typer.Option("--by", help="value, hops, time, or weakest: the surest weakest step.")
]
CountOption = Annotated[int, typer.Option("--count", help="How many routes.")]
NamesOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Who is called what at both ends. May be repeated."),
]
OwnersOption = Annotated[
    bool, typer.Option("--clusters", help="On coin chains: also steps between one owner's coins.")
]
MixesOption = Annotated[
    bool, typer.Option("--mixes", help="On coin chains: no route through a mix, or perhaps one.")
]
HopsOption = Annotated[
    int | None, typer.Option("--max-hops", help="Routes of at most so many payments.")
]
EdgesOption = Annotated[
    int, typer.Option("--budget", help="Inputs and outputs, or transfers, that are looked at.")
]
PictureOption = Annotated[
    Path | None, typer.Option("--picture", help="Also draw them: an .svg or .png file.")
]
RowsOption = Annotated[
    Path | None, typer.Option("--csv", help="Also write every payment here, in clear.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(paths)


def paths(
    source: SourceArgument,
    target: TargetArgument,
    ledger: LedgerOption,
    by: ByOption = "value",
    count: CountOption = 3,
    stop: StopOption = None,
    tags: NamesOption = None,
    clusters: OwnersOption = False,
    mixes: MixesOption = False,
    held: CustodyOption = None,
    opened: OpenOption = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    max_hops: HopsOption = None,
    budget: EdgesOption = 200_000,
    picture: PictureOption = None,
    csv: RowsOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Find the best routes by which money of A reached B, and what ends them all.

    Each route has three numbers apart: how sure its claims on owners are, what arrives along it
    under the haircut, and how sure the names at both ends are. No route goes on through a service
    of --stop, or else of --tags. Where the budget ended the search it is said what was not tried.
    An output, as TXID:N, is meant alone: one that was stolen, or a deposit.

    Example: chainwatch paths bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 Lantern --clusters
    --tags out/otter/data/tags --ledger out/otter/ledger
    """
    for file in (csv, picture):
        check_named(file, replace=replace)
    with interruptible():
        from chainwatch.ledger.ledger import open_ledger

        read = open_ledger(ledger)
        of = chain or (read.chains[0].id if len(read.chains) == 1 else None)
        named, stopped = (cw.read_tags(files, chain=chain) if files else None
                          for files in (tags, stop))  # fmt: skip
        what = asset_named(asset, of)
        hosted = custody(held, opened, read, stopped or named, what, of)
        given: dict[str, Any] = {"stop": stops_of(stopped or named, hosted, mixes=mixes)}
        given["clusters"] = _owners(read, clusters=clusters)
        ends = [whom([one], named, of) for one in (source, target)]
        with watched("looking for routes"):
            found = cw.paths(
                read, *ends, k=count, by=by, tags=named, asset=what, chain=of,
                max_hops=max_hops, budget=budget, **given,
            )  # fmt: skip
    names = names_in([one for one in (named, stopped) if one is not None])
    show(found, names)
    for line in found.told():
        say(line, names)
    write_csv(csv, found.plain("hops"), replace=replace)
    if picture:
        from chainwatch.figures import routes, save

        with interruptible():
            save(routes(found, top=count), picture, replace=replace)


def _owners(ledger: Any, *, clusters: bool) -> Any:
    if not clusters:
        return None
    if not any(one.family == "utxo" for one in ledger.chains):
        raise InputError(
            "--clusters on a ledger without coins", remedy="leave it out: nothing is spent together"
        )
    with watched("clusters"):
        return cw.owners(ledger)
