"""``chainwatch health``: noisy counts, early warning, and a sheet that leads to support."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.cli.owners import ChainOption, only_chain, opened, tags_in
from chainwatch.cli.received import AssetOption
from chainwatch.cli.trace import asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    import polars as pl

health_app = typer.Typer(
    help="Public health: noisy counts, early warning, pathways to support.", no_args_is_help=True
)

LedgerOption = Annotated[Path | None, typer.Option("--ledger", help="Folder of the ledger.")]
TagsOption = Annotated[
    list[Path] | None, typer.Option("--tags", help="Who sells what. May be repeated.")
]
ReleasesOption = Annotated[
    Path, typer.Option("--releases", help="The ledger of releases: what was spent, by whom, why.")
]
SinceOption = Annotated[str | None, typer.Option("--since", help="First day: YYYY-MM-DD")]
UntilOption = Annotated[str | None, typer.Option("--until", help="The day after the last one.")]
CsvOption = Annotated[Path | None, typer.Option(help="Also write the rows here.")]


@health_app.command()
def release(
    ledger: LedgerOption = None,
    tags: TagsOption = None,
    releases: ReleasesOption = Path("releases.jsonl"),
    epsilon: Annotated[str, typer.Option(help="What this release costs.")] = "0.5",
    delta: Annotated[str, typer.Option(help="Above 0: only cells that tags bring.")] = "0",
    since: SinceOption = None,
    until: UntilOption = None,
    who: Annotated[str, typer.Option(help="Who asks.")] = "",
    why: Annotated[str, typer.Option(help="What for.")] = "",
    contributions: Annotated[
        int, typer.Option(help="Most payments of one owner that count.", min=1)
    ] = 4,
    by: Annotated[
        str, typer.Option(help="Some of substance, channel, region and week, by commas.")
    ] = "substance,channel,region,week",
    region: Annotated[
        list[str] | None, typer.Option(help="A region that is told apart. May be repeated.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Set this budget of epsilon for the period first; it is set once."),
    ] = None,
    budget_delta: Annotated[str, typer.Option(help="And this budget of delta.")] = "0",
    chain: ChainOption = None,
    asset: AssetOption = None,
    csv: CsvOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Release noisy counts of payments to sellers; a release beyond the budget is refused.

    Example: chainwatch health release --ledger out/otter/ledger --tags out/otter/data/tags
    --since 2023-06-01 --until 2023-09-01 --releases out/releases.jsonl --budget 2 --epsilon 0.5
    --who "desk 4" --why "bulletin 7" --by substance,week
    """
    check_named(csv, replace=replace)
    needed(ledger=ledger, tags=tags, since=since, until=until)
    with interruptible("interrupted; what was paid for is spent"):
        read = opened(Path(str(ledger)))
        of = chain or only_chain(read)
        said = tags_in(tags, of)
        if budget is not None:
            if of is None:
                raise InputError("a budget without a chain", remedy="name it with --chain")
            made = cw.set_privacy_budget(
                releases, chains=of, since=str(since), until=str(until), epsilon=budget,
                delta=budget_delta, who=who, why=why,
            )  # fmt: skip
            show(made)
        with watched("releasing"):
            found = cw.health_release(
                read, said, releases=releases, epsilon=epsilon, delta=delta,  # type: ignore[arg-type]  # asked for above
                since=str(since), until=str(until), who=who, why=why, contributions=contributions,
                by=[one.strip() for one in by.split(",")], regions=region or (),
                asset=asset_named(asset, of),
            )  # fmt: skip
    show(found)
    show(cw.read_releases(releases))
    write_csv(csv, found.plain(), replace=replace)


@health_app.command()
def warn(
    ledger: LedgerOption = None,
    tags: TagsOption = None,
    series: Annotated[
        Path | None,
        typer.Option("--series", help="A CSV with group, week (or day), count and dated_by."),
    ] = None,
    releases: Annotated[
        Path | None, typer.Option("--releases", help="A ledger of releases; with --entry.")
    ] = None,
    entry: Annotated[
        list[int] | None, typer.Option(help="A release of it, by its entry. May be repeated.")
    ] = None,
    by: Annotated[str, typer.Option(help="substance; of tags alone also actor.")] = "substance",
    since: SinceOption = None,
    until: UntilOption = None,
    weeks_per_false_alarm: Annotated[
        int, typer.Option(help="While nothing grows, one week in so many may raise an alarm.")
    ] = 104,
    chain: ChainOption = None,
    asset: AssetOption = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the alarms here, in clear.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Say which substances are new and which grow faster than chance allows.

    With a ledger buyers are counted week by week; with tags alone what they saw, dated by listing,
    seizure or report, never by the day on which a tag was written.

    Example: chainwatch health warn --ledger out/otter/ledger --tags out/otter/data/tags
    --since 2023-06-01 --until 2023-09-01
    """
    check_named(csv, replace=replace)
    with interruptible():
        source = _source(ledger, tags, series, releases, entry, by, (since, until), chain, asset)
        with watched("looking for growth"):
            found = cw.early_warning(
                source, by=by, since=since, until=until,
                weeks_per_false_alarm=weeks_per_false_alarm,
            )  # fmt: skip
    for line in _alarms(found):
        say(line)
    show(found)
    write_csv(csv, found.plain("alarms"), replace=replace)


def needed(**given: object) -> None:
    """Refuse a command that lacks an option.

    Raises
    ------
    InputError
        Naming the first that is not there.
    """
    for name, value in given.items():
        if not value:
            raise InputError(f"no --{name} is given", remedy=f"add --{name}")


def _source(
    ledger: Path | None, tags: list[Path] | None, series: Path | None, releases: Path | None,
    entry: list[int] | None, by: str, span: tuple[str | None, str | None], chain: str | None,
    asset: str | None,
) -> Any:  # fmt: skip
    """Return what is watched: a table, releases, tags, or what is paid to whom tags name."""
    if series is not None:
        return _series(series)
    if releases is not None:
        needed(entry=entry)
        return [cw.read_health_release(releases, one) for one in entry or ()]
    needed(tags=tags)
    if ledger is None:
        return tags_in(tags, chain)
    since, until = span
    needed(since=since, until=until)
    read = opened(ledger)
    of = chain or only_chain(read)
    return cw.market_activity(
        read, tags_in(tags, of), since=str(since), until=str(until), by=[by, "week"],  # type: ignore[arg-type]  # asked for above
        asset=asset_named(asset, of),
    )  # fmt: skip


def _series(file: Path) -> pl.DataFrame:
    import polars as pl

    if not file.is_file():
        raise InputError("no such file", where=str(file), remedy="name a CSV")
    try:
        return pl.read_csv(file, try_parse_dates=True)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            "the series cannot be read", where=str(file), remedy="write a CSV"
        ) from error


def _alarms(found: cw.EarlyWarning) -> list[str]:
    """Return the alarms in lines, as the edition of the desk shows them."""
    from chainwatch.results.mask import shown_tables

    _, tables = shown_tables(found)
    return [
        f"{row['kind']}: {row['group']}, week of {row['week']}, since {row['since']}; p"
        f" {row['p']:g}, q {row['q']:g}; dated by {row['dated_by']}; {row['why']}"
        for row in tables["alarms"].to_dicts()
        if row.get("summed") is None
    ]


@health_app.command()
def referral(
    region: Annotated[str, typer.Option(help="For where the sheet is.")],
    pathways: Annotated[
        Path | None,
        typer.Option(help="A TOML file: [[pathway]] with name, contact, hours, languages."),
    ] = None,
    pathway: Annotated[
        list[str] | None,
        typer.Option(help="One pathway: 'name; contact; hours; languages'. May be repeated."),
    ] = None,
    substance: Annotated[
        list[str] | None, typer.Option(help="A class that is about. May be repeated.")
    ] = None,
    emergency: Annotated[str, typer.Option(help="Whom to call in danger.")] = "",
    note: Annotated[str, typer.Option(help="Anything else that should stand on it.")] = "",
    tags: Annotated[
        list[Path] | None, typer.Option("--tags", help="Whose names must not stand on it.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("support.html"),
    replace: ReplaceOption = False,
) -> None:
    """Write a page that leads to support, in words that shame nobody and with no personal data.

    Example: chainwatch health referral --region Utrecht --substance nitazenes
    --pathway "Open Door; 555 0100; every day 9 to 22; English" --out support.html
    """
    check_named(out, replace=replace)
    given: Any = pathways
    if pathways is None:
        needed(pathways=pathway)
        given = [_pathway(one) for one in pathway or ()]
    with interruptible():
        named = tags_in(tags, None)
        made = cw.referral_sheet(
            pathways=given, region=region, substances=substance or (), emergency=emergency,
            note=note, results=[] if named is None else [named],
        )  # fmt: skip
        made.write(out, replace=replace)
    show(made)
    say(f"written: {out}; have somebody read it before it is handed out")


def _pathway(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != 4:
        raise InputError(
            "a pathway has four parts", remedy="write 'name; contact; hours; languages'"
        )
    return dict(zip(("name", "contact", "hours", "languages"), parts, strict=True))
