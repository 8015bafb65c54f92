"""``Actors``: who the actors of tags are, under which jurisdiction, and by what other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path

import polars as pl

from chainwatch.attribution.context import JURISDICTION, told, with_keys
from chainwatch.attribution.files.actorpack import ActorRows, read_actorpack
from chainwatch.attribution.files.readers import SUFFIXES, file_name, files_below
from chainwatch.attribution.naming import same
from chainwatch.attribution.rejections import REJECTED, quoted, rejected_frame
from chainwatch.attribution.tags import Tags
from chainwatch.errors import TagError, expect
from chainwatch.packed import stem_of
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.units import counted

ACTORS = Table(
    "actors",
    ("id", "pack"),
    "Actors, as packs describe them.",
    (
        Column("id", pl.String, Privacy.NAME, "id of the actor, as tags name it"),
        Column("uri", pl.String, Privacy.TEXT, "its page"),
        Column("label", pl.String, Privacy.NAME, "its name"),
        Column("lastmod", pl.Date, Privacy.TEXT, "day on which the pack said so"),
        Column.text("context", "anything else the pack says, as JSON"),
        Column("pack", pl.String, Privacy.TEXT, "file it came from"),
    ),
)

DETAILS = Table(
    "details",
    ("id", "field", "place", "pack"),
    "What packs say several times of an actor.",
    (
        Column("id", pl.String, Privacy.NAME, "id of the actor"),
        Column("field", pl.String, Privacy.WORD, "categories, jurisdictions or aliases"),
        Column("place", pl.Int64, Privacy.NUMBER, "which of them, from 0"),
        Column("value", pl.String, Privacy.NAME, "a concept, a country, or another name"),
        Column("pack", pl.String, Privacy.TEXT, "file it came from"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Actors(Result):
    """Who actors are; made by :func:`read_actors`.

    Attributes
    ----------
    frame : polars.DataFrame
        ``id, uri, label, lastmod, context, pack``: a row per actor of a pack, sorted.
    details : polars.DataFrame
        ``id, field, place, value, pack``: its categories, jurisdictions (ISO 3166) and aliases.
    rejected : polars.DataFrame
        What was read and not taken.
    """

    frame: pl.DataFrame
    details: pl.DataFrame = field(default_factory=DETAILS.empty)
    rejected: pl.DataFrame = field(default_factory=rejected_frame)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {
            "actors": ACTORS.rows(self.frame),
            "details": DETAILS.rows(self.details),
            "rejected": REJECTED.rows(self.rejected),
        }

    def told(self, actor: str, which: str) -> tuple[str, ...]:
        """Return the ``categories``, ``jurisdictions`` or ``aliases`` of an actor, each once."""
        return self._told.get((actor, which), ())

    @cached_property
    def _told(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], dict[str, None]] = {}
        for one, which, value in self.details.select("id", "field", "value").iter_rows():
            found.setdefault((one, which), {})[value] = None
        return {key: tuple(values) for key, values in found.items()}

    def ids_of(self, name: str) -> tuple[str, ...]:
        """Return the actors that bear a name as id, label or alias, in any capitals; sorted."""
        return self._by_name.get(same(name), ())

    @cached_property
    def _by_name(self) -> dict[str, tuple[str, ...]]:
        aliases = self.details.filter(pl.col("field") == "aliases").select("id", "value")
        named = [*self.frame.select("id", "label").iter_rows(), *aliases.iter_rows()]
        found: dict[str, set[str]] = {same(one): {one} for one in sorted(self.frame["id"])}
        for one, name in named:
            found.setdefault(same(name), set()).add(one)
        return {name: tuple(sorted(ids)) for name, ids in found.items()}

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return (
            f"Actors({counted(len(self), 'actor', 'actors')}, {self.rejected.height:,} not taken)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


@recorded
def read_actors(path_or_paths: str | Path | Sequence[str | Path]) -> Actors:
    """Read ActorPacks: who the actors are that tags name.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
        An ActorPack, or a folder: every file in it and below whose name ends in
        ``actorpack.yaml``. Each may be packed as ``.gz``.

    Raises
    ------
    TagError
        If a file breaks the format, or says two things of one actor; the sentence names file,
        actor, line and remedy. What two files say of one actor stands side by side.
    """
    expect(path_or_paths, (str, Path, Sequence), "the path", "name a file, a folder or several")
    given = [path_or_paths] if isinstance(path_or_paths, (str, Path)) else path_or_paths
    packs = [pack for path in given for pack in _packs(Path(path))]
    rows = ACTORS.frame(row for pack in packs for row in pack.rows).unique().sort(ACTORS.names)
    told = DETAILS.frame(row for pack in packs for row in pack.told).unique().sort(DETAILS.names)
    notes = rejected_frame(note for pack in packs for note in pack.rejected)
    return Actors(rows, told, notes)


def _packs(path: Path) -> Iterator[ActorRows]:
    if path.is_file():
        yield read_actorpack(path, name=file_name(Path(path.name)), root=path.parent)
        return
    if not path.is_dir():
        raise TagError(
            "there is no such file or folder", where=quoted(path), remedy="check the path"
        )
    taken = 0
    for file, reason in files_below(path, SUFFIXES["tagpack"]):
        if not reason and stem_of(file).lower().endswith("actorpack"):
            taken += 1
            yield read_actorpack(file, name=file_name(file.relative_to(path)), root=path)
    if not taken:
        raise TagError(
            "the folder holds no ActorPack", where=quoted(path),
            remedy="their names end in actorpack.yaml; name a file that is called otherwise",
        )  # fmt: skip


@recorded
def with_actors(tags: Tags, actors: Actors) -> Tags:
    """Return tags with what packs of actors say of those whom they name.

    A tag without an actor whose label is the id, the label or an alias of exactly one actor names
    that actor. A tag of an actor for which the packs state exactly one jurisdiction says it in its
    context, where it says none yet.

    Parameters
    ----------
    tags : Tags
        The tags.
    actors : Actors
        As :func:`read_actors` returns them.

    Fails when
    ----------
    Two that are not one bear the same name, and the packs know only one of them.
    """
    expect(tags, Tags, "tags", "pass tags as read_tags(...) returns them")
    expect(actors, Actors, "actors", "pass actors as read_actors(...) returns them")
    return tags.kept(lambda frame: _with(frame, actors))


def _with(frame: pl.DataFrame, actors: Actors) -> pl.DataFrame:
    said = [_named(row, actors) for row in frame.select("actor", "label", "context").iter_rows()]
    return frame.with_columns(
        pl.Series("actor", [actor for actor, _ in said], pl.String),
        pl.Series("context", [context for _, context in said], pl.String),
    )


def _named(
    row: tuple[str | None, str, str | None], actors: Actors
) -> tuple[str | None, str | None]:
    actor, label, context = row
    if actor is None:
        found = actors.ids_of(label)
        actor = found[0] if len(found) == 1 else None
    places = actors.told(actor, "jurisdictions") if actor is not None else ()
    if len(places) == 1 and JURISDICTION not in told(context):
        context = with_keys(context, {JURISDICTION: places[0]})
    return actor, context
