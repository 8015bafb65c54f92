"""What must not become one owner: pairs of addresses, and addresses that tags give to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import polars as pl

from chainwatch.attribution.naming import ACTOR, claimed, of_customers
from chainwatch.errors import InputError, refuse
from chainwatch.heuristics.links import CHAIN_B, canonical, told
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Privacy, Rows, Table
from chainwatch.results.text_frame import text_frame

APART = Table(
    "apart",
    ("chain", "a", "b", "reason"),
    "Pairs of addresses that must not be joined.",
    (
        CHAIN,
        Column.party("a", "the smaller address"),
        Column.party("b", "the larger address"),
        Column.text("reason", "why they must not be joined"),
        CHAIN_B,
    ),
)

ACTORS = Table(
    "actors",
    ("chain", "address", "actor"),
    "Whom tags name: addresses of different actors must not be joined.",
    (
        CHAIN,
        Column.party("address", "an address"),
        Column("actor", pl.String, Privacy.NAME, "whom the tags name"),
    ),
)


class Tagged(Protocol):
    """Tags, as far as clusters read them."""

    @property
    def frame(self) -> pl.DataFrame:
        """Rows with ``chain, address, actor, label``."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Apart(Result):
    """What must not come into one cluster.

    Attributes
    ----------
    frame : polars.DataFrame
        Pairs, in ``APART``: sorted, each once.
    actors : polars.DataFrame
        ``chain, address, actor``, each once: two addresses of different actors must not be
        joined. An address with several actors speaks for none of them.
    """

    frame: pl.DataFrame = field(default_factory=APART.empty)
    actors: pl.DataFrame = field(default_factory=ACTORS.empty)

    def __post_init__(self) -> None:
        for name, given, schema in (
            ("frame", self.frame, APART.schema),
            ("actors", self.actors, ACTORS.schema),
        ):
            if dict(given.schema) != schema:
                raise InputError(
                    f"{name} of what is kept apart has the columns {', '.join(schema)}",
                    remedy="make it with keep_apart(...)",
                )
        if self.frame.null_count().sum_horizontal().sum():
            raise InputError("a pair to be kept apart holds a null", remedy="drop what is unknown")
        same = (pl.col("chain") == pl.col("chain_b")) & (pl.col("a") == pl.col("b"))
        if self.frame.filter(same).height:
            raise InputError("an address cannot be kept apart from itself")
        super().__post_init__()

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"apart": told(self.frame, APART), "actors": ACTORS.rows(self.actors)}

    @cached_property
    def speaking(self) -> pl.DataFrame:
        """The addresses that have one actor alone: ``chain, address, actor``, sorted."""
        alone = pl.len().over("chain", "address") == 1
        return text_frame(self.actors.filter(alone).sort(ACTORS.names))

    def __add__(self, other: Apart) -> Apart:
        """Return what either keeps apart."""
        if not isinstance(other, Apart):
            refuse(other, "what is added", "add what keep_apart(...) returns")
        return both_apart(self, other)


@recorded
def both_apart(one: Apart, other: Apart) -> Apart:
    """Return what either of two keeps apart."""
    frame = pl.concat([one.frame, other.frame]).unique().sort(APART.names)
    actors = pl.concat([one.actors, other.actors]).unique().sort(ACTORS.names)
    return Apart(frame, actors)


def keep_apart(
    pairs: Sequence[tuple[str, str | bytes, str, str | bytes]] = (),
    *,
    reason: str = "stated",
    tags: Tagged | None = None,
) -> Apart:
    """Return what must not be joined, for ``cluster(links, apart=...)``.

    Parameters
    ----------
    pairs : sequence of (chain, address, chain, address)
        Addresses known to be of two owners, such as payer and payee of a predicted payment.
    reason : str
        Why, as a refused join will say.
    tags : Tags, optional
        Addresses for which tags state different actors must not be joined. A label keeps nothing
        apart: beside an actor it contradicts nothing. Nor does an address for which tags state
        several actors, which is an alarm of its cluster, where it is joined to another.

    Raises
    ------
    AddressError
        If one is no address of its chain.
    InputError
        If a pair names one address twice.

    Fails when
    ----------
    A pair, or a tag, is wrong: what belongs together then stays apart, in the order of the links,
    and every later link between the two sides is refused with it.
    """
    rows = []
    for chain, a, chain_b, b in pairs:
        smaller, larger = sorted((canonical(a, chain), canonical(b, chain_b)))
        rows.append((smaller[0], smaller[1], larger[1], reason, larger[0]))
    actors = ACTORS.empty()
    if tags is not None:
        stated = named(tags).filter(pl.col("basis") == ACTOR)
        actors = stated.select("chain", "address", actor="name")
    return stand_apart(APART.frame(sorted(set(rows))), actors)


@recorded
def stand_apart(pairs: pl.DataFrame, actors: pl.DataFrame) -> Apart:
    """Return rows in ``APART`` and ``ACTORS`` as what is kept apart; the record has digests."""
    return Apart(pairs, actors)


def named(tags: Tagged) -> pl.DataFrame:
    """Return whom tags name: ``chain, address, basis, name``, each once.

    Left out are deposit wallets of account chains: of their customer their tags say nothing.

    Raises
    ------
    ArgumentError
        If they are no tags.
    """
    frame = getattr(tags, "frame", None)
    if not {"chain", "address", "label"} <= {*getattr(frame, "columns", ())}:
        refuse(tags, "tags", "pass tags as read_tags(...) returns them")
    said = tags.frame.filter(~of_customers(tags.frame))
    rows = claimed(said).select("chain", "address", "basis", "name").unique()
    return rows.sort(rows.columns)
