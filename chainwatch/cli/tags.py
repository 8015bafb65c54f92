"""``chainwatch tags``: what tags say, and the payments of a ledger to and from whom they name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, names_in, note, say, show, write_csv
from chainwatch.errors import InputError, TagError

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.attribution.tags import Tags

MOST_REJECTED = 10
"""Lines not taken that are shown one by one; the rest are counted."""

UNDATED = "undated"
"""First day of a tag that states none."""

MOST_NAMES = 8
"""Names that are offered where a filter fits nothing."""

tags_app = typer.Typer(help="Tags: who says that an address is what.", no_args_is_help=True)

TagsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--tags",
        help="TagPack, table (.csv), plain list, MISP event or STIX bundle (.json), each also as"
        " .gz; or a folder. May be repeated.",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        help="Of a table, what a column says: address=addr label=name. May be repeated.",
    ),
]
KindOption = Annotated[
    str | None,
    typer.Option(
        "--kind", help="tagpack, table, list or feed, where the file's name does not tell."
    ),
]
ChainOption = Annotated[
    str | None,
    typer.Option("--chain", help="Chain of lists, and of tags that state none; and only this one."),
]
FindOption = Annotated[
    str | None,
    typer.Option("--find", help="Only labels and actors that hold this text, in any capitals."),
]
ConceptOption = Annotated[
    str | None, typer.Option("--concept", help="Only this concept and narrower ones: service.")
]
SanctionsOption = Annotated[
    list[Path] | None, typer.Option("--sanctions", help="Sanctions lists, or a folder.")
]
PublisherOption = Annotated[str, typer.Option(help="Who keeps the sanctions lists.")]
DayOption = Annotated[str, typer.Option(help="Day of the sanctions lists: YYYY-MM-DD")]
CsvOption = Annotated[Path | None, typer.Option(help="Also write the rows here.")]
SaidByOption = Annotated[
    str | None,
    typer.Option("--said-by", help="Only what had been said by this day: YYYY-MM-DD"),
]
CompiledOption = Annotated[
    Path | None,
    typer.Option("--compiled", help="Keep here what is read of large files, for the next time."),
]


@tags_app.command("list")
def tag_list(
    tags: TagsOption = None,
    find: FindOption = None,
    concept: ConceptOption = None,
    chain: ChainOption = None,
    column: ColumnOption = None,
    kind: KindOption = None,
    said_by: SaidByOption = None,
    compiled: CompiledOption = None,
    csv: CsvOption = None,
    replace: ReplaceOption = False,
) -> None:
    """List what tags say, all or those that a filter fits.

    Example: chainwatch tags list --tags out/otter/data/tags --find kelp
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = _read(tags or [], chain, kind, column, compiled)
        found = _fitting(_said_by(read, said_by), find, concept, chain)
    rows, names = found.plain(), names_in([found])
    for row in rows.iter_rows(named=True):
        said = ", ".join(row[name] for name in ("concept", "actor", "confidence") if row[name])
        say(f"{row['chain']}  {row['address']}  {row['label']} ({said})", names)
        day = row["first_day"]
        say(f"    {row['source']}; {day if day == UNDATED else f'from {day}'}", names)
    show(found, names)
    write_csv(csv, rows, replace=replace)


@tags_app.command("hits")
def tag_hits(
    ledger: LedgerOption,
    tags: TagsOption = None,
    sanctions: SanctionsOption = None,
    publisher: PublisherOption = "",
    as_of: DayOption = "",
    chain: ChainOption = None,
    find: FindOption = None,
    concept: ConceptOption = None,
    column: ColumnOption = None,
    kind: KindOption = None,
    said_by: SaidByOption = None,
    compiled: CompiledOption = None,
    csv: CsvOption = None,
    replace: ReplaceOption = False,
) -> None:
    """List every payment to and from tagged addresses, and what its date allows to say.

    Example: chainwatch tags hits --ledger out/otter/ledger --tags out/otter/data/tags
    --concept vendor
    """
    from chainwatch.attribution.hits import BETWEEN_TAGS, hits
    from chainwatch.ledger.ledger import open_ledger

    check_named(csv, replace=replace)
    with interruptible():
        read = _all(tags or [], sanctions or [], chain, kind, column, publisher, as_of, compiled)
        found = _fitting(_said_by(read, said_by), find, concept, chain)
        result = hits(open_ledger(ledger), found)
    rows = result.plain()
    for row in rows.iter_rows(named=True):
        say(f"{row['time']}  {row['direction']} {row['address']}  {row['amount']}")
        say(f"    {row['txid']} n={row['n']}  height {row['height']}")
        for tag in row["tags"].split(BETWEEN_TAGS):
            say(f"    {tag}")
        if row["note"]:
            say(f"    {row['note']}")
    show(found)
    show(result)
    write_csv(csv, rows, replace=replace)


@tags_app.command("statement")
def tag_statement(
    file: Annotated[Path, typer.Argument(help="What an exchange produced, or a tool exported.")],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping", help="TOML file that says which column says what; not for known exports."
        ),
    ] = None,
    way: Annotated[
        str | None,
        typer.Option("--way", help="deposit or withdrawal, where a known export does not say it."),
    ] = None,
    csv: CsvOption = None,
    replace: ReplaceOption = False,
) -> None:
    """List what somebody states of payments and addresses: notes and tags, never chain data.

    A mapping for the return of an exchange names source, address and chain, and the columns of
    txid, time, asset, network, amount, customer, status; tag, actor and concept say what its
    addresses are. Exports of Binance and KuCoin are known by their header.

    Example: chainwatch tags statement out/otter/data/statement.csv
    --mapping out/otter/data/statement.toml
    """
    from chainwatch.attribution.statements.statement import read_statement

    check_named(csv, replace=replace)
    if way not in (None, "deposit", "withdrawal"):
        raise InputError(f"--way {way!r} is none", remedy="write deposit or withdrawal")
    with interruptible():
        found = read_statement(file, mapping, way=way)  # type: ignore[arg-type]
    _tell_rejected(found.rejected)
    rows = found.plain()
    for row in rows.iter_rows(named=True):
        said = [row[name] for name in ("time", "direction", "amount", "asset", "customer")]
        say(f"line {row['line']}  {row['chain']}  {row['address']}")
        say(f"    {', '.join(str(one) for one in said if one)}; {row['source']}")
        if row["txid"]:
            say(f"    names transaction {row['txid']}")
    show(found.tags, names_in([found.tags]))
    show(found)
    write_csv(csv, rows, replace=replace)


@tags_app.command("pack")
def tag_pack(
    out: Annotated[Path, typer.Option("--out", help="The TagPack to write.")],
    tags: TagsOption = None,
    title: Annotated[str | None, typer.Option(help="Title of the pack.")] = None,
    creator: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="A TagPack whose header, order and notation are kept; no title then."),
    ] = None,
    chain: ChainOption = None,
    column: ColumnOption = None,
    kind: KindOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Write tags as one TagPack, whatever they were read from.

    With --like the pack that is named keeps its header, order and notation.

    Example: chainwatch tags pack --tags out/otter/data/tags --title Otter --creator Us
    --out out/pack.yaml
    """
    from chainwatch.case.exports.tagpack import write_tagpack

    check_named(out, replace=replace)
    with interruptible():
        read = _read(tags or [], chain, kind, column)
        written = write_tagpack(read, out, title, creator, like=like, replace=replace)
    show(read, names_in([read]))
    say(f"written: {written}")


def _said_by(tags: Tags, day: str | None) -> Tags:
    """Return what had been said by a day, if one was named."""
    return tags if day is None else tags.as_of(day)


def _read(
    files: list[Path], chain: str | None, kind: str | None, columns: list[str] | None,
    compiled: Path | None = None,
) -> Tags:  # fmt: skip
    """Return the tags of the files that were named; say what was not taken."""
    from chainwatch.attribution.tags import read_tags

    if not files:
        raise InputError("no tags were named", remedy="pass --tags")
    named = _columns(columns or [])
    return _told(read_tags(files, chain=chain, kind=kind, columns=named, compiled=compiled))


def _all(
    files: list[Path], lists: list[Path], chain: str | None, kind: str | None,
    columns: list[str] | None, publisher: str, as_of: str, compiled: Path | None,
) -> Tags:  # fmt: skip
    """Return the tags of all that was named; say what was not taken, and stop if nothing was."""
    from chainwatch.attribution.sanctions import read_sanctions

    if not files and not lists:
        raise InputError("no tags were named", remedy="pass --tags or --sanctions")
    parts = [_read(files, chain, kind, columns, compiled)] if files else []
    if lists:
        if not publisher.strip():
            raise InputError(
                "sanctions lists without a publisher", remedy="say who keeps them with --publisher"
            )
        parts.append(_told(read_sanctions(lists, publisher=publisher, as_of=_day(as_of))))
    return reduce(add, parts)


def _tell_rejected(rejected: pl.DataFrame) -> None:
    for file, position, _, reason in rejected.head(MOST_REJECTED).iter_rows():
        place = f"{file} {position}".strip()
        note(f"not taken: {place}: {reason}")
    more = rejected.height - MOST_REJECTED
    if more > 0:
        note(f"not taken: {more:,} more")


def _told(tags: Tags) -> Tags:
    """Tell on stderr what was read and not taken, with its place and reason."""
    _tell_rejected(tags.rejected)
    if not len(tags):
        raise TagError("no tag was taken", remedy="mend what is listed above, or name other files")
    return tags


def _fitting(tags: Tags, find: str | None, concept: str | None, chain: str | None) -> Tags:
    """Return the tags that the filters fit; stop if they fit none, and say what there is."""
    given = {"--find": find, "--concept": concept, "--chain": chain}
    asked = " ".join(f"{name} {text}" for name, text in given.items() if text)
    if not asked:
        return tags
    found = tags.where(concept=concept, chain=chain, matching=find)
    if not len(found):
        labels = tags.frame["label"].unique().sort()
        more = f" and {len(labels) - MOST_NAMES:,} more" if len(labels) > MOST_NAMES else ""
        names = ", ".join(labels.head(MOST_NAMES))
        raise TagError(
            f"none of the {len(tags):,} tags fits {asked}", remedy=f"there are {names}{more}"
        )
    return found


def _columns(given: list[str]) -> Mapping[str, str] | None:
    """Return what ``--column field=name`` says."""
    pairs = [text.partition("=") for text in given]
    for text, (field, _, name) in zip(given, pairs, strict=True):
        if not field.strip() or not name.strip():
            raise InputError(
                f"{text!r} names no column of a table", remedy="write --column address=addr"
            )
    return {field.strip(): name.strip() for field, _, name in pairs} or None


def _day(text: str) -> date:
    remedy = "give the day of the list with --as-of YYYY-MM-DD"
    if not text:
        raise InputError("sanctions lists without their day", remedy=remedy)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a day", remedy=remedy) from None
