"""Links: every reason to think that two addresses have one owner, kept with its veto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import polars as pl

from chainwatch.addresses.canonical import parse_txid
from chainwatch.errors import InputError
from chainwatch.results.graph import Edges
from chainwatch.results.provenance import Record, software
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import (
    CHAIN,
    TX,
    TXID,
    WHEN,
    Column,
    Privacy,
    Rows,
    Table,
)

LINK_KEY = ("chain", "tx", "a", "b", "rule")

LINKS = Table(
    "links",
    LINK_KEY,
    "One row per pair of addresses and transaction.",
    (
        CHAIN,
        Column.party("a", "the smaller address"),
        Column.party("b", "the larger address"),
        TX,
        TXID,
        replace(WHEN, nullable=True),
        Column.kind("rule", "the rule that links them"),
        Column(
            "confidence", pl.Float64, Privacy.FLAG,
            "share of such links that are right; null until a measured rate stands behind it",
            nullable=True,
        ),
        Column.flag("veto", "false joins, true was refused, null is undecided and joins nothing"),
    ),
)  # fmt: skip

FOREST = replace(LINKS, name="forest", meaning="The links of the evidence forest.")

NO_KEY = "no_key"
"""Rule of a link to an address that asks for no key: it is always refused."""

_ORDER = [*LINK_KEY, "confidence", "veto", "txid", "time"]
"""Two rules' links can be alike in their key: the order of rows is then that of the rest."""

_NEVER_NULL = ("chain", "a", "b", "tx", "rule")


@dataclass(frozen=True, repr=False, eq=False)
class Links(Result):
    """Pairs of addresses that a rule links through a transaction; none is ever dropped.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``LINKS``. The rules of this package sort them by ``LINK_KEY``; nothing
        depends on their order.

    Raises
    ------
    InputError
        If the columns are others, an address is null or linked to itself, or a confidence is
        not between 0 and 1.
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        if dict(self.frame.schema) != LINKS.schema:
            raise InputError(f"links have the columns {', '.join(LINKS.names)} and their types")
        for name in _NEVER_NULL:
            if self.frame[name].null_count():
                raise InputError(f"column {name} of a link is null", remedy="unknown never links")
        if self.frame.filter(pl.col("a") == pl.col("b")).height:
            raise InputError("a link joins an address to itself")
        if not self.frame["confidence"].drop_nulls().is_between(0, 1).all():
            raise InputError("the confidence of a link is not between 0 and 1")
        super().__post_init__()

    def edges(self) -> Sequence[Edges]:
        """Return every link as an edge: its direction means nothing."""
        return (Edges("links", "a", "b"),)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"links": LINKS.rows(self.frame)}

    @property
    def joining(self) -> pl.DataFrame:
        """The links that no veto stops."""
        return self.frame.filter(~pl.col("veto"))

    @property
    def contested(self) -> pl.DataFrame:
        """The links that a veto refused, or could not decide."""
        return self.frame.filter(pl.col("veto").is_null() | pl.col("veto"))

    def __add__(self, other: Links) -> Links:
        """Return the links of both, exact repeats once; the lineage of both is kept."""
        if not isinstance(other, Links):
            raise InputError(f"links add to links, not to {type(other).__name__}")
        both = Links(pl.concat([self.frame, other.frame]).unique().sort(_ORDER))
        inputs = (self._lineage(), other._lineage())
        record = Record("links +", {}, inputs, both.digest, software())
        return replace(both, record=record)

    @recorded
    def without(
        self, transactions: Sequence[str | bytes] = (), *, rules: Sequence[str] = ()
    ) -> Links:
        """Return the links that are left when transactions or rules are rejected.

        Cluster them again to see what an owner rests on: ``cluster(links.without([txid]))``.

        Parameters
        ----------
        transactions : sequence of str or bytes
            Ids, as text or in wire order.
        rules : sequence of str
            Names as in column ``rule``.

        Raises
        ------
        InputError
            If no link is of such a transaction or rule: nothing would be rejected.
        """
        chains = self.frame["chain"].unique().to_list()
        ids: set[bytes] = {
            parse_txid(one, chain) if isinstance(one, str) else one
            for one in transactions
            for chain in chains
        }
        gone = pl.lit(False)
        for column, items in (("txid", sorted(ids)), ("rule", list(rules))):
            these = pl.col(column).is_in(items)
            if items and self.frame.filter(these).is_empty():
                raise InputError(f"no link has such a {column}", remedy="see links.frame")
            gone = gone | these
        return Links(self.frame.filter(~gone))

    def _lineage(self) -> Record:
        """Return the record; of links made by hand, one that says so and names their content."""
        if self.record:
            return self.record
        return Record("links made by hand", {}, (), self.digest, software())

    def counts(self) -> dict[str, int]:
        """Return how many links join, were refused, are undecided, and lead to no key."""
        open_ = pl.col("rule") == NO_KEY
        return {
            "joining": self.joining.height,
            "refused": self.frame.filter(pl.col("veto") & ~open_).height,
            "undecided": self.frame["veto"].null_count(),
            "without_key": self.frame.filter(open_).height,
        }

    def __repr__(self) -> str:
        counts = self.counts()
        beside = f", {counts['without_key']} to no key" if counts["without_key"] else ""
        return (
            f"Links({counts['joining']} join, {counts['refused']} refused,"
            f" {counts['undecided']} undecided{beside})"
        )

    def _repr_html_(self) -> str:
        rules = ", ".join(sorted(self.frame["rule"].unique().to_list()))
        return f"<p><b>{escape(repr(self))}</b><br>{escape(rules)}</p>"
