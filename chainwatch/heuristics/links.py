"""Links: every reason to think that two addresses have one owner, kept with its veto.

Most rest on a transaction. A link may rest on none, such as a statement or a register, and it may
join addresses of two chains; both say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape

import polars as pl

from chainwatch.addresses.canonical import kind_of, parse, parse_txid
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, expect
from chainwatch.heuristics.link_rules import APART, NO_KEY, OF_ALL
from chainwatch.heuristics.numbered import Columns
from chainwatch.heuristics.predicted import (
    Ground,
    fell_open,
    grounded,
    keys,
    opened,
    predicts,
    resting,
    settled,
)
from chainwatch.ledger.schema import REVEALED
from chainwatch.results.deferred import Deferred
from chainwatch.results.graph import Edges
from chainwatch.results.provenance import Record, software
from chainwatch.results.result import Result, recorded, with_record
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
from chainwatch.results.text_frame import text_frame

LINK_KEY = ("chain", "tx", "a", "b", "rule")

LINKS = Table(
    "links",
    LINK_KEY,
    "One row per pair of addresses and transaction, or statement.",
    (
        CHAIN,
        Column.party("a", "the smaller address"),
        Column.party("b", "the larger address"),
        replace(TX, meaning="transaction number; null where none is known: the link rests on no"
                " transaction, or an account chain's place in its block was not read"),
        replace(TXID, nullable=True),
        replace(WHEN, nullable=True),
        Column.kind("rule", "the rule that links them"),
        Column(
            "confidence", pl.Float64, Privacy.FLAG,
            "share of such links that were right where the rate was counted, no more than so few"
            " cases can show; all rates of chainwatch are of simulated chains, so it is no chance"
            " that this link is right; null until a measured rate stands behind it",
            nullable=True,
        ),
        Column.flag("veto", "false joins, true was refused, null is undecided and joins nothing"),
        Column(
            "basis", pl.String, Privacy.WORD,
            "read: both addresses were read; revealed: one is named by an unlocking script alone;"
            " null where the rule reads no input",
            nullable=True,
        ),
    ),
)  # fmt: skip

FOREST = replace(LINKS, name="forest", meaning="The links of the evidence forest.")

CHAIN_B = Column("chain_b", pl.String, Privacy.SIDE, "CAIP-2 id of the network of b")

BOTH_ENDS = LINKS.plus(CHAIN_B)
"""Links with the chain of either end: ``chain`` is that of a, and the smaller of the two."""

_ACROSS = (
    CHAIN_B,
    Column.number("across", "number of a link of two chains; each of its ends has a row"),
)

ORDER = [*LINK_KEY, "chain_b", "confidence", "veto", "txid", "time", "basis"]
"""Two rules' links can be alike in their key: the order of rows is then that of the rest."""

_ACROSS_CHAINS = pl.col("chain") != pl.col("chain_b")

_NEVER_NULL = ("chain", "a", "chain_b", "b", "rule")


@dataclass(frozen=True, repr=False, eq=False)
class Links(Result):
    """Pairs of addresses that a rule links through a transaction; none is ever dropped.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``LINKS``; where a link joins two chains, with ``chain_b`` (:data:`BOTH_ENDS`). The
        rules of this package sort them by ``LINK_KEY``; nothing depends on their order. A frame
        without the last column, ``basis``, is given one of nulls.
    columns : Columns or None
        The same links by the numbers of an index, where they were made of one: the frame is then
        made when it is first read. Internal.
    ground : Ground or None
        What predictions among them rest on, where rounds made them. Internal.

    Raises
    ------
    InputError
        If the columns are others, an address is null or linked to itself, a link has a number
        of a transaction without its id or the other way round, or a confidence is not between 0
        and 1.
    """

    frame: pl.DataFrame
    columns: Columns | None = field(default=None, kw_only=True)
    ground: Ground | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.columns is not None:  # made here, of what was checked before
            return super().__post_init__()
        if "basis" not in self.frame.columns and "veto" in self.frame.columns:
            at = self.frame.columns.index("veto") + 1
            none = pl.Series("basis", [None] * self.frame.height, pl.String)
            object.__setattr__(self, "frame", self.frame.clone().insert_column(at, none))
        if dict(self.frame.schema) not in (LINKS.schema, BOTH_ENDS.schema):
            raise InputError(f"links have the columns {', '.join(LINKS.names)} and their types")
        ends = self.both_ends
        for name in _NEVER_NULL:
            if ends[name].null_count():
                raise InputError(f"column {name} of a link is null", remedy="unknown never links")
        if not _told_transactions(ends):
            raise InputError(
                "column tx of a link is null and its txid is not, or the other way round",
                remedy="give both, or neither where the link rests on no transaction",
            )
        if ends.filter(_ACROSS_CHAINS.not_() & (pl.col("a") == pl.col("b"))).height:
            raise InputError("a link joins an address to itself")
        if not ends["confidence"].drop_nulls().is_between(0, 1).all():
            raise InputError("the confidence of a link is not between 0 and 1")
        super().__post_init__()

    def edges(self) -> Sequence[Edges]:
        """Return every link as an edge: its direction means nothing."""
        return (Edges("links", "a", "b", across="across"),)

    @property
    def both_ends(self) -> pl.DataFrame:
        """The links with the chain of either end: rows in ``BOTH_ENDS``."""
        return with_chain_b(self.frame)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"links": told(self.frame, LINKS)}

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digest of the table, of columns where the frame is made of them."""
        if self.columns is None:
            return super().table_digests()
        return {"links": Deferred(self.columns.digest)}

    @property
    def chains(self) -> list[str]:
        """The chains of the ends of all links, sorted CAIP-2 ids."""
        if self.columns is not None:
            return [self.columns.chain]
        ends = self.both_ends
        return sorted({*ends["chain"].unique(), *ends["chain_b"].unique()})

    def contested_at(self, ends: Sequence[tuple[str, bytes]]) -> pl.DataFrame:
        """Return the contested links that touch one of some addresses: rows in ``BOTH_ENDS``.

        Parameters
        ----------
        ends : sequence of (chain, address)
            CAIP-2 ids and canonical bytes.
        """
        if self.columns is not None:
            return self.columns.contested_at(ends)
        touched = [
            (pl.col(where) == chain) & (pl.col(side) == address)
            for where, side in (("chain", "a"), ("chain_b", "b"))
            for chain, address in ends
        ]
        return self.contested.filter(pl.any_horizontal(touched)).select(BOTH_ENDS.names)

    @cached_property
    def joining(self) -> pl.DataFrame:
        """The links that no veto stops: rows in ``BOTH_ENDS``."""
        if self.columns is not None:
            return text_frame(self.columns.vetoed(joining=True))
        return text_frame(self.both_ends.filter(~pl.col("veto")))

    @cached_property
    def contested(self) -> pl.DataFrame:
        """The links that a veto refused, or could not decide: rows in ``BOTH_ENDS``."""
        if self.columns is not None:
            return text_frame(self.columns.vetoed(joining=False))
        return text_frame(self.both_ends.filter(pl.col("veto").is_null() | pl.col("veto")))

    def __add__(self, other: Links) -> Links:
        """Return the links of both, exact repeats once; the lineage of both is kept.

        Where both tell of one transaction's inputs, the more doubtful stands. Predictions from
        clusters stay where the rest is what they were made of, and are undecided otherwise.
        """
        if not isinstance(other, Links):
            raise InputError(f"links add to links, not to {type(other).__name__}")
        rows = settled(pl.concat([self.both_ends, other.both_ends]).unique())
        frame, ground = grounded(rows.unique().sort(ORDER), [self.ground, other.ground])
        both = Links(one_chain(frame), ground=ground)
        inputs = (self._lineage(), other._lineage())
        record = Record("links +", {}, inputs, both.digest, software())
        return with_record(both, record)

    @recorded
    def without(
        self, transactions: Sequence[str | bytes] = (), *, rules: Sequence[str] = ()
    ) -> Links:
        """Return the links that are left when transactions or rules are rejected.

        Cluster them again to see what an owner rests on: ``cluster(links.without([txid]))``.
        What rests on a link that joined is left undecided: change on those of its transaction's
        inputs, predictions from clusters on all.

        Parameters
        ----------
        transactions : sequence of str or bytes
            Ids, as text or in wire order; also of those of which predictions took an output for
            a payment.
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
        decided = bool(self.ground and not ids.isdisjoint(self.ground.decided))
        for column, items in (("txid", sorted(ids)), ("rule", list(rules))):
            these = pl.col(column).is_in(items)
            known = column == "txid" and decided
            if items and not known and self.frame.filter(these).is_empty():
                raise InputError(f"no link has such a {column}", remedy="see links.frame")
            gone = gone | these
        left = self._left(self.frame.filter(~gone.fill_null(False)))
        return self.open() if decided and left.frame.height == self.frame.height else left

    def open(self) -> Links:
        """Return the links with all predictions from clusters undecided."""
        return self if self.columns is not None else Links(opened(self.frame))

    def fell_open(self, before: Links) -> int:
        """Return how many predictions from clusters joined before and are undecided here."""
        if self.columns is not None or before.columns is not None:
            return 0  # co-spending out of an index: nothing of it was predicted
        return fell_open(before.frame, self.frame)

    def grown_from(self, before: Links) -> Links:
        """Return the links; of no known ground, predictions are undecided where others join now."""
        if self.columns is not None or self.ground is not None or not predicts(self.frame):
            return self
        return self if keys(before.joining).equals(keys(self.joining)) else self.open()

    def _left(self, left: pl.DataFrame) -> Links:
        """Return some of these links; what rests on the others is undecided."""
        frame = resting(self.frame, left)
        return Links(one_chain(frame), ground=self.ground if predicts(frame) else None)

    def _lineage(self) -> Record:
        """Return the record; of links made by hand, one that says so and names their content."""
        if self.record:
            return self.record
        return Record("links made by hand", {}, (), self.digest, software())

    def counts(self) -> dict[str, int]:
        """Return how many links join, were refused, are undecided, and lead to no key."""
        if self.columns is not None:
            return self.columns.counts()
        open_ = pl.col("rule") == NO_KEY
        return {
            "joining": self.joining.height,
            "refused": self.frame.filter(pl.col("veto") & ~open_).height,
            "undecided": self.frame["veto"].null_count(),
            "without_key": self.frame.filter(open_).height,
        }

    def counts_apart(self) -> dict[str, int]:
        """Return how many of the links, whatever was decided of them, need a look of their own.

        Returns
        -------
        dict
            ``partly_signed``, to inputs whose signatures leave room for others, or that hold none;
            ``flags_unread``, of which none was read; ``shared_keys``, to an output of several keys;
            ``revealed``, of an address that only an unlocking script names.
        """
        if self.columns is not None:
            return self.columns.counts_apart()
        of = {name: pl.col("rule") == rule for name, rule in APART.items()}
        of["revealed"] = pl.col("basis") == REVEALED
        return {name: self.frame.filter(these).height for name, these in of.items()}

    def said_apart(self, form: str = " {0} {1},") -> str:
        """Return :meth:`counts_apart` in words, of each that there is."""
        counts = self.counts_apart()
        return "".join(
            form.format(counts[name], said) for name, said in OF_ALL.items() if counts[name]
        )

    @recorded
    def at_least(self, threshold: float, *, unmeasured: bool = False) -> Links:
        """Return the links whose own confidence is at least a threshold.

        The threshold is of each link: an owner of many links may still rest on several weak ones
        at once. A link without a measured rate is left out, unless ``unmeasured`` asks for it, and
        what rests on a link that is left out is undecided, as :meth:`without` has it. What was
        refused or is undecided is kept, whatever its confidence.

        Parameters
        ----------
        threshold : float
            From 0 to 1.
        unmeasured : bool
            Keep links that nobody measured.

        Raises
        ------
        InputError
            If the threshold is not between 0 and 1.
        """
        if not 0 <= threshold <= 1:
            raise InputError(
                f"a threshold of {threshold} is no share", remedy="give a number from 0 to 1"
            )
        enough = (pl.col("confidence") >= threshold).fill_null(unmeasured)
        return self._left(self.frame.filter(enough | pl.col("veto").fill_null(True)))

    def __repr__(self) -> str:
        counts = self.counts()
        stated = across = 0
        if self.columns is None:
            stated = self.frame["txid"].null_count()
            across = self.both_ends.filter(_ACROSS_CHAINS).height
        more = f", {counts['without_key']} to no key" if counts["without_key"] else ""
        more += self.said_apart(", {0} {1}")
        more += f", {stated} rest on no transaction" if stated else ""
        more += f", {across} of two chains" if across else ""
        return (
            f"Links({counts['joining']} join, {counts['refused']} refused,"
            f" {counts['undecided']} undecided{more})"
        )

    def _repr_html_(self) -> str:
        found = self.columns.rules_found() if self.columns else self.frame["rule"].unique()
        rules = ", ".join(sorted(found))
        return f"<p><b>{escape(repr(self))}</b><br>{escape(rules)}</p>"


def _told_transactions(ends: pl.DataFrame) -> bool:
    """Tell whether each link has number and id of its transaction, or none of them.

    On chains of accounts many sources tell no place in a block: there the id stands alone.
    """
    accounts = [one for one in ends["chain"].unique() if chain_of(one).family != "utxo"]
    numbered, named = pl.col("tx").is_not_null(), pl.col("txid").is_not_null()
    unplaced = pl.col("chain").is_in(accounts) & named & ~numbered
    return ends.filter((numbered != named) & ~unplaced).is_empty()


def with_chain_b(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows about two addresses with the chain of b: that of a, where nothing is said."""
    one = "chain_b" in frame.columns
    return frame if one else frame.with_columns(pl.col("chain").alias("chain_b"))


def one_chain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows without the chain of b where it is that of a in all of them."""
    if "chain_b" not in frame.columns or frame.filter(_ACROSS_CHAINS).height:
        return frame
    return frame.drop("chain_b")


def told(frame: pl.DataFrame, table: Table) -> Rows:
    """Return rows about two addresses with their declaration, each row about one chain.

    An edition judges the parties of a row by the chain of the row. A link of two chains is
    therefore told in two rows, one for each end, with its number in ``across``.
    """
    frame = one_chain(frame)
    if "chain_b" not in frame.columns:
        return table.rows(frame)
    ordered = frame.sort(frame.columns)
    two = ordered.filter(_ACROSS_CHAINS).with_row_index("across", 1)
    two = two.with_columns(pl.col("across").cast(pl.Int64))
    here = two.with_columns(pl.lit(None, dtype=pl.Binary).alias("b"))
    there = two.with_columns(
        pl.lit(None, dtype=pl.Binary).alias("a"),
        pl.col("chain_b").alias("chain"),
        pl.col("chain").alias("chain_b"),
    )
    one = ordered.filter(~_ACROSS_CHAINS).with_columns(pl.lit(None, pl.Int64).alias("across"))
    missing = tuple(column for column in _ACROSS if column.name not in table.names)
    return table.plus(*missing).rows(pl.concat([one, here, there], how="diagonal"))


def canonical(address: str | bytes, chain: str | Chain) -> tuple[str, bytes]:
    """Return the CAIP-2 id of a chain, and an address on it as canonical bytes."""
    expect(address, (str, bytes), "an address", "pass an address, as text or canonical bytes")
    where = chain_of(chain).id
    if isinstance(address, str):
        return where, parse(address, where)
    kind_of(address)  # raises where the bytes are no canonical address
    return where, address
