"""A ``Ledger``: the canonical tables as of one commit, lazily, over a span of time.

It is never changed: :meth:`Ledger.between`, :meth:`Ledger.as_of` and :meth:`Ledger.chain_only`
return another. Times of a span are half-open and UTC. A span narrows what is looked at and never
what is known: ``ledger.history`` is always the whole. What is asked of a ledger are verbs:
``cw.check(ledger)``, ``cw.coverage(ledger)``, ``cw.show(ledger, what)``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TypeVar, cast

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.dates import Moment, bound_text, moment
from chainwatch.ledger.prevouts import resolve
from chainwatch.ledger.storage.store import Commit, Snapshot, Store, table_named
from chainwatch.results.plain import plain_frame
from chainwatch.results.provenance import digest_frame, digest_json
from chainwatch.results.text_frame import text_frame

T = TypeVar("T")


@dataclass(frozen=True, repr=False, eq=False)
class Ledger:
    """Lazy polars tables of what was read from chains.

    Make one with :func:`open_ledger` or :meth:`from_tables`.

    Attributes
    ----------
    store, commit : Store, Commit or None
        Where it is kept, and the commit it is read as of; ``None`` in memory or before the first.
    frames : mapping of str to polars.DataFrame
        The tables, where it is held in memory.
    start, end : datetime or None
        The span looked at, half-open, UTC; ``None`` is open.
    chain : str or None
        CAIP-2 id of the one chain looked at; ``None`` is all.
    """

    store: Store | None = None
    commit: Commit | None = None
    frames: Mapping[str, pl.DataFrame] | None = None
    start: datetime | None = None
    end: datetime | None = None
    chain: str | None = None
    _kept: dict[Hashable, object] = field(default_factory=dict, compare=False)
    """What was worked out of it and cannot change, shared with every look at the same tables."""

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Ledger:
        """Hold tables in memory; those not given are empty.

        Raises
        ------
        LedgerError
            If a table is unknown or rows do not fit it.
        """
        return cls(frames={name: table_named(name).conform(rows) for name, rows in tables.items()})

    def _whole(self, name: str) -> pl.LazyFrame:
        """Return a table as stored, of the chains looked at and all times.

        Of inputs, what was read after them is not filled in.
        """
        table = table_named(name)
        if self.frames is not None:
            rows = self.frames.get(name, table.empty()).lazy()
        elif self.store is not None and self.commit is not None:
            rows = self._snapshot(self.store, self.commit).scan(name)
        else:
            rows = table.empty().lazy()
        narrowed = self.chain is not None and "chain" in table.schema
        return rows.filter(pl.col("chain") == self.chain) if narrowed else rows

    def _snapshot(self, store: Store, commit: Commit) -> Snapshot:
        return self.kept(("snapshot", commit.number), lambda: store.at(commit))

    def _spanned(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Keep rows whose ``time`` is in the span."""
        if self.start is not None:
            rows = rows.filter(pl.col("time") >= self.start)
        return rows if self.end is None else rows.filter(pl.col("time") < self.end)

    def _of_span(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Keep rows of transactions in the span."""
        if self.start is None and self.end is None:
            return rows
        return rows.join(self.transactions.select("chain", "tx"), on=["chain", "tx"], how="semi")

    @property
    def blocks(self) -> pl.LazyFrame:
        """Blocks whose header time is in the span."""
        return self._spanned(self._whole("blocks"))

    @property
    def transactions(self) -> pl.LazyFrame:
        """Transactions of coin chains in the span."""
        return self._spanned(self._whole("transactions"))

    @property
    def inputs(self) -> pl.LazyFrame:
        """Inputs of the transactions in the span, with all that is known of what they spend.

        What was unread when an input was committed is filled from outputs that were read since;
        what still is unread stays null.
        """
        # What is spent may be older than the span: only the inputs are narrowed.
        return resolve(
            self._of_span(self._whole("inputs")),
            self._whole("transactions"),
            self._whole("outputs"),
        )

    @property
    def outputs(self) -> pl.LazyFrame:
        """Outputs of the transactions in the span."""
        return self._of_span(self._whole("outputs"))

    @property
    def output_keys(self) -> pl.LazyFrame:
        """Public keys of the outputs in the span that have no address."""
        return self._of_span(self._whole("output_keys"))

    @property
    def input_keys(self) -> pl.LazyFrame:
        """Public keys of the multisigs that inputs in the span unlock, where these show them."""
        return self._of_span(self._whole("input_keys"))

    @property
    def transfers(self) -> pl.LazyFrame:
        """Transfers on account chains in the span."""
        return self._spanned(self._whole("transfers"))

    @property
    def approvals(self) -> pl.LazyFrame:
        """Authority over tokens that was given or taken back in the span."""
        return self._spanned(self._whole("approvals"))

    @property
    def freezes(self) -> pl.LazyFrame:
        """What issuers of tokens did to addresses in the span."""
        return self._spanned(self._whole("freezes"))

    @property
    def stakes(self) -> pl.LazyFrame:
        """What accounts did with their own coin beside paying in the span."""
        return self._spanned(self._whole("stakes"))

    @property
    def contract_logs(self) -> pl.LazyFrame:
        """What contracts logged in the span, of the events that are listed."""
        return self._spanned(self._whole("contract_logs"))

    @property
    def coverage(self) -> pl.LazyFrame:
        """What has been read, from whom, whatever the span."""
        return self._whole("coverage")

    @property
    def answers(self) -> pl.LazyFrame:
        """Raw replies and files that were read, whatever the span and chain."""
        return self._whole("answers")

    @property
    def tags(self) -> pl.LazyFrame:
        """Attributions kept with the ledger, whatever the span."""
        return self._whole("tags")

    @property
    def prices(self) -> pl.LazyFrame:
        """Prices that begin in the span, of all assets."""
        return self._spanned(self._whole("prices"))

    @property
    def history(self) -> Ledger:
        """The same ledger without a span: what was ever read."""
        return replace(self, start=None, end=None)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains that were read, in the order of the catalogue; then those it does not list."""
        names = ("blocks", "transactions", "transfers", "coverage")
        parts = [self._whole(name).select("chain").unique() for name in names]
        found = {chain_of(name) for name in pl.concat(parts).unique().collect()["chain"]}
        listed = tuple(item for item in all_chains() if item in found)
        return (*listed, *sorted(found.difference(listed), key=lambda item: item.id))

    def table(self, name: str) -> pl.LazyFrame:
        """Return a table by its name, as the property of that name does."""
        return getattr(self, table_named(name).name)  # type: ignore[no-any-return]  # one property each

    def plain(self, table: str = "transactions", *, rows: int | None = 1000) -> pl.DataFrame:
        """Return rows of a table as text for people, amounts in coins too; nobody is masked in it.

        Parameters
        ----------
        table : str
            Its name, such as ``transactions``, ``outputs`` or ``transfers``.
        rows : int or None
            Most rows that are read, in the order in which they are kept; None for all.

        Raises
        ------
        LedgerError
            If there is no such table.
        """
        wanted, lazy = table_named(table), self.table(table)
        frame = (lazy if rows is None else lazy.head(rows)).collect()
        return text_frame(plain_frame({table: wanted.rows(frame)}, table, None))

    def between(self, start: Moment | None, end: Moment | None) -> Ledger:
        """Look at a span of time only, from ``start`` until just before ``end``.

        Parameters
        ----------
        start, end : str, date, datetime or None
            ISO dates or times; a bound without a zone is UTC, a date is its midnight, ``None`` is
            open. Within a span that is set already, the part common to both.

        Raises
        ------
        InputError
            If a bound is no time, or the span does not end after it starts.
        """
        first, last = moment(start), moment(end)
        if first is not None and last is not None and first >= last:
            raise InputError(
                f"the span from {start} to {end} is empty",
                remedy="give the earlier time first; the second is not included",
            )
        starts = [bound for bound in (self.start, first) if bound is not None]
        ends = [bound for bound in (self.end, last) if bound is not None]
        return replace(self, start=max(starts, default=None), end=min(ends, default=None))

    def as_of(self, commit: Commit | int) -> Ledger:
        """Return the ledger as it was at a commit, with the same span.

        Raises
        ------
        LedgerError
            If there is no such commit, or the ledger is only in memory.
        """
        if self.store is None:
            raise LedgerError("a ledger in memory has no commits", remedy="open one from a folder")
        number = commit if isinstance(commit, int) else commit.number
        return replace(self, commit=self.store.commit(number))

    def chain_only(self, chain: Chain | str) -> Ledger:
        """Look at one chain only."""
        return replace(self, chain=chain_of(chain).id)

    def outputs_of(self, address: bytes | str, chain: Chain | str) -> pl.LazyFrame:
        """Return the outputs in the span that pay an address, given as text or canonical bytes."""
        wanted = _address(address, chain)
        ours = (pl.col("chain") == chain_of(chain).id) & (pl.col("address") == wanted)
        return self.outputs.filter(ours)

    def transfers_of(self, address: bytes | str, chain: Chain | str) -> pl.LazyFrame:
        """Return the transfers in the span that an address sends or receives."""
        wanted = _address(address, chain)
        either = (pl.col("sender") == wanted) | (pl.col("receiver") == wanted)
        return self.transfers.filter((pl.col("chain") == chain_of(chain).id) & either)

    def digest(self, table: str) -> str:
        """Return the content digest of a table: of its rows, not of its files."""
        return digest_frame(self.table(table).collect(), table_named(table).key)

    def digests(self) -> dict[str, str]:
        """Return the content digest of every table."""
        return {table.name: self.digest(table.name) for table in schema.TABLES}

    def identity(self) -> dict[str, object]:
        """Return what was read and what is looked at, wherever and in however many commits."""
        look = ("identity", self.commit and self.commit.number, self.start, self.end, self.chain)
        return dict(self.kept(look, self._identity))

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made under a key before, or make it now and keep it.

        The key says all that it depends on beside the tables: the commit, the span, the chain.
        """
        if key not in self._kept:
            self._kept[key] = make()
        return cast(T, self._kept[key])

    def _identity(self) -> dict[str, object]:
        bounds = [None if bound is None else bound.isoformat() for bound in (self.start, self.end)]
        facts: dict[str, object] = {"span": bounds} | ({"chain": self.chain} if self.chain else {})
        if self.frames:  # in memory, what was read is no more than its rows
            return {**facts, "tables": f"sha256:{digest_json(self.digests())}"}
        # No span is too wide or narrow for coverage: every look at a commit shares one digest.
        key = ("coverage", self.commit and self.commit.number, self.chain)
        return {**facts, "coverage": f"sha256:{self.kept(key, lambda: self.digest('coverage'))}"}

    def _facts(self) -> dict[str, str]:
        """Return what is known without reading a table."""
        facts = {"ledger": self.store.path.name if self.store else "in memory"}
        if self.commit is not None:
            facts["commit"] = f"{self.commit.number} ({self.commit.source}: {self.commit.what})"
        if self.chain is not None:
            facts["chain"] = chain_of(self.chain).alias
        if self.start is not None or self.end is not None:
            facts["span"] = f"{bound_text(self.start)} to {bound_text(self.end)}"
        return facts

    def __repr__(self) -> str:
        facts = self._facts()
        if self.commit is not None:
            facts["commit"] = f"commit {self.commit.number}"
        return f"Ledger({', '.join(facts.values())})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table>{rows}</table>"


def open_ledger(path: str | Path, *, commit: int | None = None) -> Ledger:
    """Open a ledger from its folder, as of its last commit or of an earlier one.

    Parameters
    ----------
    path : path
        Its folder.
    commit : int, optional
        The number of a commit, from 1: what was read since is not looked at. The last, if not
        given.

    Raises
    ------
    LedgerError
        If there is none, it is damaged, or lacks that commit.
    """
    store = Store.open(path)
    return Ledger(store=store, commit=store.head() if commit is None else store.commit(commit))


def _address(address: bytes | str, chain: Chain | str) -> bytes:
    return canonical.parse(address, chain) if isinstance(address, str) else address
