"""``chainwatch link-test``: whether vendors' links to a network are more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import (
    AuthorityOption,
    EditionOption,
    LedgerOption,
    ReasonOption,
    ReplaceOption,
    show_in,
)
from chainwatch.cli.output import check_named, interruptible, names_in, say, show, write_csv
from chainwatch.cli.owners import ChainOption, only_chain, tags_in
from chainwatch.cli.received import AssetOption, whom
from chainwatch.cli.trace import asset_named
from chainwatch.progress import watched

VendorsArgument = Annotated[
    str,
    typer.Argument(metavar="VENDORS", help="Addresses by commas, or a name or concept of --tags."),
]
NetworkArgument = Annotated[
    str, typer.Argument(metavar="NETWORK", help="The same: all of it is one network.")
]
ServicesOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Who is a service, and who is called what. May be repeated."),
]
OwnersOption = Annotated[
    bool, typer.Option("--clusters", help="On coin chains: payments between owners.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(link_test)


def link_test(
    vendors: VendorsArgument,
    network: NetworkArgument,
    ledger: LedgerOption,
    tags: ServicesOption = None,
    clusters: OwnersOption = False,
    chain: ChainOption = None,
    asset: AssetOption = None,
    hops: Annotated[int, typer.Option(help="The most payments of a route.")] = 3,
    days: Annotated[int, typer.Option(help="The most days from one payment to the next.")] = 7,
    rate: Annotated[str, typer.Option(help="The false discovery rate that is asked for.")] = "0.05",
    draws: Annotated[
        int | None, typer.Option(help="Draws of receivers; as many as needed, if not said.")
    ] = None,
    tests: Annotated[
        int | None, typer.Option(help="All tests that were run, those tried before with them.")
    ] = None,
    least: Annotated[str, typer.Option(help="The smallest share that is worth calling.")] = "0.01",
    crowd: Annotated[
        int, typer.Option(help="Who is paid by so many others ends a route, tagged or not.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="What the draws follow from.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Also write every test here, in clear.")] = None,
    replace: ReplaceOption = False,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
    authority: AuthorityOption = "",
) -> None:
    """Test each of many vendors for a link to one network, and say what else could explain it.

    The share of what a vendor paid that could have reached the network is compared with that of
    wallets of its size, age and activity, and of its payments to other receivers; p-values are
    corrected for all tests. A verdict says what payments are consistent with, and no more.

    Example: chainwatch link-test vendor "Lantern campaign" --clusters
    --tags out/otter/data/tags --ledger out/otter/ledger
    """
    check_named(csv, replace=replace)
    show_in(edition, reason, authority)
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or only_chain(read)
        said = tags_in(tags, of)
        given: dict[str, Any] = {"tags": said, "asset": asset_named(asset, of), "chain": of}
        if clusters:
            with watched("clusters"):
                given["clusters"] = cw.owners(read)
        with watched("testing links"):
            found = cw.link_test(
                read, whom(vendors.split(","), said, of), whom(network.split(","), said, of),
                hops=hops, days=days, rate=rate, draws=draws, tests=tests, least=least,
                crowd=crowd, seed=seed, **given,
            )  # fmt: skip
    _tell(found, names_in([] if said is None else [said]))
    if csv:
        write_csv(csv, found.plain("link_tests"), replace=replace)


def _tell(found: cw.LinkTests, names: frozenset[str]) -> None:
    lines = list(found.told())
    for line in lines[:MOST_SHOWN]:
        say(f"- {line}", names)
    if (more := len(lines) - MOST_SHOWN) > 0:
        say(f"  and {more:,} more vendors with a route")
    show(found)
