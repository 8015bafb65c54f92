"""Who an address is said to be on the day of a payment: the most confident tag that holds then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

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
    """What one tag says of an address, and from when to when."""

    actor: str
    label: str
    concept: str | None
    source: str
    confidence: str
    level: int
    first: date | None
    last: date | None

    def holds(self, day: date) -> bool:
        """Tell whether the tag holds on a day. A bound that is not stated excludes nothing."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def dated(self) -> str:
        """Return from when to when it holds, in words."""
        if self.first is None and self.last is None:
            return "undated"
        since = f"from {self.first}" if self.first else "from an unstated day"
        return f"{since} until {self.last}" if self.last else since


_COLUMNS = (
    "address", "actor", "label", "concept", "source", "confidence", "level", "first_day",
    "last_day",
)  # fmt: skip


def statements_of(tags: pl.DataFrame, chain: str) -> dict[bytes, tuple[TagStatement, ...]]:
    """Return for each tagged address of a chain what tags say, the most confident first.

    A tag without an actor speaks of the actor its label names. Ties of confidence go to the
    smaller label, then source, then concept, so that the order of rows decides nothing.

    Raises
    ------
    TraceError
        If the frame is not one of tags.
    """
    missing = {"chain", *_COLUMNS}.difference(tags.columns)
    if missing:
        raise TraceError(
            f"tags lack {', '.join(sorted(missing))}", remedy="pass tags as read_tags returns them"
        )
    found: dict[bytes, list[TagStatement]] = {}
    for address, actor, label, *rest in (
        tags.filter(pl.col("chain") == chain).select(_COLUMNS).iter_rows()
    ):
        found.setdefault(address, []).append(TagStatement(actor or label, label, *rest))
    return {address: ranked(rows) for address, rows in sorted(found.items())}


def ranked(sayings: Iterable[TagStatement]) -> tuple[TagStatement, ...]:
    """Return what tags say, each once, the most confident first."""
    return tuple(sorted(set(sayings), key=_rank))


def _rank(one: TagStatement) -> tuple[object, ...]:
    days = [day.isoformat() if day else "" for day in (one.first, one.last)]
    return (-one.level, one.label, one.source, one.concept or "", one.actor, one.confidence, *days)


def speaking(sayings: Sequence[TagStatement], day: date) -> TagStatement | None:
    """Return the most confident tag that holds on a day."""
    return next((one for one in sayings if one.holds(day)), None)


def contested(sayings: Sequence[TagStatement], day: date) -> bool:
    """Tell whether two actors are named with equal confidence on a day, so that neither is."""
    return len(rivals(sayings, day)) > 1


def rivals(sayings: Sequence[TagStatement], day: date) -> tuple[str, ...]:
    """Return the actors named with the highest confidence on a day, sorted; two are contested."""
    holding = [one for one in sayings if one.holds(day)]
    best = max((one.level for one in holding), default=0)
    return tuple(sorted({one.actor for one in holding if one.level == best}))


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
        named, on=[who, "day"], how="left", maintain_order="left"
    )
    return joined.with_columns(pl.col("contested").fill_null(False)).drop("day")


def _called(one: TagStatement, actors: tuple[str, ...]) -> tuple[str | None, str, bool]:
    if len(actors) > 1:
        return None, f"{' or '.join(actors)} (contested)", True
    return one.actor, one.label, False


def clustered(
    sayings: Mapping[bytes, tuple[TagStatement, ...]], clusters: Owners | None, chain: str
) -> dict[bytes, tuple[TagStatement, ...]]:
    """Return what tags say of the other addresses of the clusters they name.

    A cluster whose tags name two actors says nothing of its other addresses: it is left out here
    and stands among the alarms.
    """
    if clusters is None:
        return {}
    of = dict(
        clusters.frame.filter(pl.col("chain") == chain).select("address", "cluster").iter_rows()
    )
    by_cluster: dict[bytes, list[TagStatement]] = {}
    for address, rows in sayings.items():
        if address in of:
            by_cluster.setdefault(of[address], []).extend(rows)
    sole = {
        cluster: ranked(rows)
        for cluster, rows in by_cluster.items()
        if len({one.actor for one in rows}) == 1
    }
    return {address: sole[cluster] for address, cluster in of.items() if cluster in sole}
