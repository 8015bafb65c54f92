"""``chainwatch rank``: what to look at first, by danger to the public."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    show,
    write_csv,
)
from chainwatch.cli.owners import ChainOption, only_chain, tags_in
from chainwatch.cli.received import AssetOption
from chainwatch.cli.trace import asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.triage.ranking.weights import Danger, Weights


SmallOption = Annotated[
    int | None,
    typer.Option(
        help="Largest payment that is little, in base units. Who paid no more is a likely consumer"
        " or a small donor; without it whoever paid seldom may be one. None of them is listed.",
        min=1,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(rank)


def rank(
    ledger: LedgerOption,
    tags: Annotated[
        list[Path], typer.Option(help="Who is a danger, and who a service. May be repeated.")
    ],
    clusters: Annotated[
        bool, typer.Option("--clusters", help="On coin chains: rank owners, not addresses.")
    ] = False,
    small: SmallOption = None,
    danger: Annotated[
        list[str] | None,
        typer.Option(
            help="Weight of a danger, per mille, and whose judgement it is:"
            " vendor=700:ministry order. May be repeated."
        ),
    ] = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    day: Annotated[
        str | None, typer.Option(help="Day of the ranking; later payments do not count.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write every reason here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
    authority: AuthorityOption = "",
) -> None:  # fmt: skip
    """Say what to look at first, by danger to the public.

    Ranked are owners whom tags name a danger, whom such a party pays, and who pay one whom to pay
    is itself a concern. Buying is no reason. In the disclosure edition those who are masked are
    counted and not listed.

    Example: chainwatch rank --ledger out/otter/ledger --tags out/otter/data/tags --clusters
    """
    check_named(csv, replace=replace)
    show_in(edition, reason, authority)
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or only_chain(read)
        said = tags_in(tags, of) or cw.read_tags(tags)
        what = asset_named(asset, of) or (cw.native(of) if of else None)
        given: dict[str, Any] = {}
        if clusters:
            with watched("clusters"):
                given["clusters"] = cw.owners(read)
        with watched("roles of people"):
            given["people"] = people_in(read, said, what, small, given.get("clusters"))
        with watched("ranking"):
            found = cw.rank(read, said, what, weights=weights_named(danger), day=day, **given)
    _tell(found, names_in([said]))
    if csv:
        write_csv(csv, found.plain("reasons"), replace=replace)


def people_in(
    read: cw.Ledger, tags: cw.Tags | None, asset: cw.Asset | None, small: int | None, clusters: Any
) -> Any:
    """Return who is a likely consumer, a donor or a victim: of all whom tags name.

    None where no tag names anybody.
    """
    if tags is None:
        return None
    chain = asset.chain if asset else read.chains[0].id
    named = tags.where(chain=chain)
    return cw.roles(read, named, tags=tags, clusters=clusters, asset=asset, small=small)


def weights_named(texts: list[str] | None) -> Weights | None:
    """Return the weights with some dangers as texts have them; None where nothing is said.

    Raises
    ------
    InputError
        If a text is no weight with its source.
    """
    if not texts:
        return None
    from chainwatch.triage.ranking.weights import Weights

    return Weights().with_dangers(**dict(_danger(one) for one in texts))


def _danger(text: str) -> tuple[str, Danger]:
    from chainwatch.triage.ranking.weights import Danger, Weights

    concept, _, rest = (part.strip() for part in text.partition("="))
    number, _, source = (part.strip() for part in rest.partition(":"))
    if not number.isdecimal() or not source:
        raise InputError(
            f"{text!r:.60} is no weight with its source",
            remedy="write it as vendor=700:whose judgement it is",
        )
    before = Weights().danger(concept)
    payers = before is not None and before[1].payers
    return concept, Danger(int(number), payers, source)


def _tell(found: cw.Ranking, names: frozenset[str]) -> None:
    hidden = "of the ranked is masked in this edition", "of the ranked are masked in this edition"
    list_rows(
        found, "ranking", partial(_told, found), most=MOST_SHOWN, names=names, more="",
        masked=hidden,
    )  # fmt: skip
    show(found)


def _told(found: cw.Ranking, row: dict[str, Any]) -> str:
    """Return one of the ranked in a line."""
    about = "≈ " if row.get("rounded") else ""
    amount = f"{about}{found.asset.shown(int(row['amount']))}"
    score = row["low"] if row["low"] == row["high"] else f"{row['low']} to {row['high']}"
    return (
        f"{row['rank']:>4}. {row['entity']}, {score} of 1000: danger {row['danger']}, evidence"
        f" {row['evidence']}, {amount} at stake, the last of it {row['last']}"
    )
