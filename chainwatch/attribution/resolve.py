"""Who an address is said to be on the day of a payment: the most confident tag that holds then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

from chainwatch.attribution.context import JURISDICTION, told
from chainwatch.attribution.naming import DEPOSIT, one_spelling, same
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import TraceError


@runtime_checkable
class Framed(Protocol):
    """Anything that keeps its rows in ``frame``: tags, hosted addresses, clusters."""

    @property
    def frame(self) -> pl.DataFrame:
        """The rows."""
        ...


class Owners(Protocol):
    """Clusters: rows of ``chain, address, cluster``."""

    @property
    def frame(self) -> pl.DataFrame:
        """The rows."""
        ...


class TagStatement(NamedTuple):
    """What one tag says of an address, and from when to when.

    ``definer`` is whether its publisher says it of the whole cluster, None where nothing is said;
    ``by_actor`` whether the actor is stated, or named after the label; ``place`` the jurisdiction
    that its context names.
    """

    actor: str
    label: str
    concept: str | None
    source: str
    confidence: str
    level: int
    first: date | None
    last: date | None
    definer: bool | None = None
    by_actor: bool = True
    place: str | None = None

    def holds(self, day: date | None) -> bool:
        """Tell whether the tag holds on a day. A bound that is not stated excludes nothing.

        On a day that is not known only an undated tag is known to hold.
        """
        if day is None:
            return self.first is None and self.last is None
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def dated(self) -> str:
        """Return from when to when it holds, in words."""
        if self.first is None and self.last is None:
            return "undated"
        since = f"from {self.first}" if self.first else "from an unstated day"
        return f"{since} until {self.last}" if self.last else since


Sayings = Mapping[bytes, tuple[TagStatement, ...]]
"""What tags say of each address, the most confident first."""

_COLUMNS = (
    "address", "actor", "label", "concept", "source", "confidence", "level", "first_day",
    "last_day", "definer",
)  # fmt: skip


def statements_of(
    tags: pl.DataFrame, chain: str, *more: pl.DataFrame, beside: Iterable[str] = ()
) -> dict[bytes, tuple[TagStatement, ...]]:
    """Return for each tagged address of a chain what tags say, the most confident first.

    A tag without an actor speaks of the actor whom another tag with its label names for the
    address, else of the one its label names. Spellings of a name are one actor. Ties of confidence
    go to a tag that states its actor, then to the smaller label, source and concept, so that the
    order of rows decides nothing. ``more`` are further frames of tags; ``beside`` are names that
    stand beside them and must be spelled alike.

    Raises
    ------
    TraceError
        If a frame is not one of tags.
    """
    rows = pl.concat([_rows(frame, chain) for frame in (tags, *more)])
    names = rows.select(pl.coalesce("actor", "label")).to_series().to_list()
    spelled = one_spelling([*names, *beside])
    found: dict[bytes, list[TagStatement]] = {}
    for address, actor, label, *rest, context in rows.iter_rows():
        one = TagStatement(spelled[actor or label], label, *rest)
        told = one._replace(by_actor=actor is not None, place=jurisdiction_of(context))
        found.setdefault(address, []).append(told)
    return {address: ranked(_adopted(said)) for address, said in sorted(found.items())}


def _rows(tags: pl.DataFrame, chain: str) -> pl.DataFrame:
    missing = {"chain", *_COLUMNS}.difference(tags.columns)
    if missing:
        raise TraceError(
            f"tags lack {', '.join(sorted(missing))}", remedy="pass tags as read_tags returns them"
        )
    context = pl.col("context") if "context" in tags.columns else pl.lit(None, pl.String)
    return tags.filter(pl.col("chain") == chain).select(*_COLUMNS, context.alias("context"))


def jurisdiction_of(context: str | None) -> str | None:
    """Return the jurisdiction that the context of a tag names: a key of that name in its JSON."""
    named = told(context).get(JURISDICTION)
    return named if isinstance(named, str) else None


def _adopted(sayings: Sequence[TagStatement]) -> Iterator[TagStatement]:
    """Yield what tags say of one address; a label that an actor also bears is that actor's."""
    bearers: dict[str, set[str]] = {}
    for one in sayings:
        if one.by_actor:
            bearers.setdefault(same(one.label), set()).add(one.actor)
    for one in sayings:
        actors = bearers.get(same(one.label), set())
        if not one.by_actor and len(actors) == 1:
            yield one._replace(actor=next(iter(actors)), by_actor=True)
        else:
            yield one


def ranked(sayings: Iterable[TagStatement]) -> tuple[TagStatement, ...]:
    """Return what tags say, each once, the most confident first."""
    return tuple(sorted(set(sayings), key=_rank))


def _rank(one: TagStatement) -> tuple[object, ...]:
    days = [day.isoformat() if day else "" for day in (one.first, one.last)]
    words = (one.label, one.source, one.concept or "", one.actor, one.confidence)
    return (-one.level, not one.by_actor, *words, *days, str(one.definer), one.place or "")


def speaking(sayings: Sequence[TagStatement], day: date | None) -> TagStatement | None:
    """Return the most confident tag that holds on a day."""
    return next((one for one in sayings if one.holds(day)), None)


def leading(sayings: Sequence[TagStatement]) -> tuple[TagStatement, ...]:
    """Return those of the highest confidence; labels only where none of these states an actor.

    A label is not compared with an actor: it may be another name of the same.
    """
    best = max((one.level for one in sayings), default=0)
    top = tuple(one for one in sayings if one.level == best)
    return tuple(one for one in top if one.by_actor) or top


def rivals(sayings: Sequence[TagStatement], day: date | None) -> tuple[str, ...]:
    """Return the actors named with the highest confidence on a day, sorted; two are contested."""
    return tuple(sorted({one.actor for one in leading([one for one in sayings if one.holds(day)])}))


def with_names(
    rows: pl.DataFrame, who: str, sayings: Mapping[bytes, Sequence[TagStatement]]
) -> pl.DataFrame:
    """Return rows with ``service`` and ``label``: whom tags name at ``who`` on the day of ``time``.

    Where two actors are named with equal confidence ``contested`` is true, the service is null, as
    it is nobody's, and the label names both.
    """
    day = pl.col("time").dt.date()
    pairs = rows.select(pl.col(who), day.alias("day")).drop_nulls(who).unique().sort(who, "day")
    told = [
        (address, on, *_called(one, rivals(sayings[address], on)))
        for address, on in pairs.iter_rows()
        if address in sayings and (one := speaking(sayings[address], on))
    ]
    schema = {
        who: pl.Binary,
        "day": pl.Date,
        "service": pl.String,
        "label": pl.String,
        "contested": pl.Boolean,
    }
    named = pl.DataFrame(told, schema=schema, orient="row")
    joined = rows.with_columns(day.alias("day")).join(
        named, on=[who, "day"], how="left", maintain_order="left", nulls_equal=True
    )
    return joined.with_columns(pl.col("contested").fill_null(False)).drop("day")


def _called(one: TagStatement, actors: tuple[str, ...]) -> tuple[str | None, str, bool]:
    if len(actors) > 1:
        return None, f"{' or '.join(actors)} (contested)", True
    return one.actor, one.label, False


def clustered(
    sayings: Sayings, clusters: Owners | None, chain: str, *, spread_unstated: bool = False
) -> dict[bytes, tuple[TagStatement, ...]]:
    """Return what tags say of the other addresses of the clusters they name.

    A tag spreads where its publisher says it of the whole cluster, never where the publisher says
    it of the address alone, and where nothing is said only on request. A cluster whose tags name
    two actors says nothing of its other addresses: it is left out here and stands among the
    alarms, whatever each of its tags says of spreading.
    """
    of, accounts = _clusters_of(clusters, chain), chain_of(chain).family != "utxo"
    by_cluster: dict[bytes, list[TagStatement]] = {}
    for address, rows in sayings.items():
        # A deposit wallet is its customer's account: its tags name the service that holds its keys.
        customers = accounts and any(one.concept == DEPOSIT for one in rows)
        if address in of and not customers:
            by_cluster.setdefault(of[address], []).extend(rows)
    sole = {
        cluster: spreading
        for cluster, rows in by_cluster.items()
        if len(_named(rows)) == 1 and (spreading := ranked(_spreads(rows, spread_unstated)))
    }
    return {address: sole[cluster] for address, cluster in of.items() if cluster in sole}


def unstated(sayings: Sayings, clusters: Owners | None, chain: str) -> int:
    """Return how many tags of clustered addresses do not say whether they are of the cluster."""
    of = _clusters_of(clusters, chain)
    return len(
        {
            (address, one.label, one.source)
            for address, rows in sayings.items()
            for one in rows
            if address in of and one.definer is None
        }
    )


def _clusters_of(clusters: Owners | None, chain: str) -> dict[bytes, bytes]:
    if clusters is None:
        return {}
    here = clusters.frame.filter(pl.col("chain") == chain)
    return dict(here.select("address", "cluster").iter_rows())


def _named(rows: Sequence[TagStatement]) -> set[str]:
    """Return whom tags name: actors; where none states one, labels."""
    return {one.actor for one in rows if one.by_actor} or {one.actor for one in rows}


def _spreads(rows: Sequence[TagStatement], spread_unstated: bool) -> list[TagStatement]:
    return [one for one in rows if one.definer or (one.definer is None and spread_unstated)]
