"""``chainwatch alerts``: the shapes that typologies find in the payments of one asset."""

from __future__ import annotations

from functools import partial
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
from chainwatch.cli.output import (
    check_named,
    interruptible,
    list_rows,
    names_in,
    say,
    show,
    write_csv,
)
from chainwatch.cli.owners import ChainOption, only_chain, tags_in
from chainwatch.cli.received import AssetOption
from chainwatch.cli.trace import asset_named
from chainwatch.progress import watched

ServicesOption = Annotated[
    list[Path] | None, typer.Option("--tags", help="Who is a service. May be repeated.")
]
AskedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--typology",
        help="Which, with its numbers: fan_in, or fan_in:senders=10,hours=24. May be repeated.",
    ),
]
OwnersOption = Annotated[
    bool, typer.Option("--clusters", help="On coin chains: payments between owners.")
]
FactsOption = Annotated[
    Path | None,
    typer.Option(
        "--facts",
        help="A folder of reviews.csv, listings.csv, closures.csv or published.csv.",
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Alerts whose last payment is at this time or later.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Alerts whose last payment is before this time.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(alerts)


def alerts(
    ledger: LedgerOption,
    typology: AskedOption = None,
    tags: ServicesOption = None,
    clusters: OwnersOption = False,
    facts: FactsOption = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write every payment of evidence here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
    authority: AuthorityOption = "",
) -> None:
    """List shapes of payments that laundering has, each with the business that looks the same.

    Alerts on parties whom the disclosure edition masks are counted and not listed. Prices that were
    pulled into the ledger are what thresholds in a currency rest on. What is known from outside
    (reviews, listings, closures of markets, published addresses) is read from a folder of tables.

    Example: chainwatch alerts --ledger out/otter/ledger --tags out/otter/data/tags --clusters
    """
    check_named(csv, replace=replace)
    show_in(edition, reason, authority)
    from chainwatch.typologies.written import typologies_written

    asked = typologies_written(typology or ())
    told = None if facts is None else cw.read_facts(facts)
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or only_chain(read)
        said = tags_in(tags, of)
        given: dict[str, Any] = {"typologies": asked} if asked else {}
        if clusters:
            with watched("clusters"):
                given["clusters"] = cw.owners(read)
        prices = cw.prices_of(read)
        with watched("asking typologies"):
            found = cw.alerts(
                read, asset_named(asset, of) or (cw.native(of) if of else None), tags=said,
                prices=prices if len(prices) else None, facts=told, since=since, until=until,
                **given,
            )  # fmt: skip
    _tell(found, names_in([] if said is None else [said]))
    if csv:
        write_csv(csv, found.plain("evidence"), replace=replace)


def _tell(found: cw.Alerts, names: frozenset[str]) -> None:
    hidden = "on parties whom this edition masks"
    list_rows(
        found, "alerts", partial(_told, found), most=MOST_SHOWN, names=names, more=" alerts",
        masked=(f"alert is {hidden}", f"alerts are {hidden}"),
    )  # fmt: skip
    for row in found.not_observable.filter(
        found.not_observable["typology"].is_not_null()
    ).to_dicts():
        say(f"{row['typology']}: not observable, it needs {row['needs']}")
    show(found)


def _told(found: cw.Alerts, row: dict[str, Any]) -> str:
    """Return an alert in one line."""
    about = "≈ " if row.get("rounded") else ""
    amount = f"{about}{found.asset.shown(int(row['amount']))}"
    open_ = f" (open: {row['unknown']})" if row["unknown"] else ""
    weak = "" if row["strength"] == "plain" else f" ({row['strength']})"
    return (
        f"{row['typology']}{weak}: {row['entity']}, {amount}, from {row['first']} to {row['last']};"
        f" innocently: {row['benign']} Found: {row['why']}{open_}"
    )
