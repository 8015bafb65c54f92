"""The list of outpoints of a ledger: what an input spends is found without reading the tables.

Each commit of a pull asks for some ten thousand earlier outputs. In a large ledger the tables
would be searched whole for them, so that a pull ten times as long took a hundred times the work.
The list grows with each commit instead: records are appended, and runs of sorted keys are merged
so that there are never more of them than the logarithm of the commits. It is derived from the
tables, names the commit that it is of, and is made anew where it does not fit.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import LedgerError
from chainwatch.kernels.intern import bytes_of
from chainwatch.ledger import schema
from chainwatch.ledger.outpoints.records import (
    SIZE,
    NotDense,
    read_heads,
    read_outputs,
    records_of,
)
from chainwatch.ledger.outpoints.sorted_runs import KEY, Damaged, Run, merged
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.store import Commit, Store
from chainwatch.ledger.storage.writer import COMPACTED, SELF

FORMAT = 2
LARGE = 500_000
"""Rows of a ledger from which on it has a list; a smaller one is searched as quickly."""

_STATE, _RECORDS = "outpoints.json", "records.bin"
_TX = ["tx", "txid", "output_count"]
_OUT = ["tx", "n", "value", "script_kind", "address"]
_FOUND = {"txid": pl.Binary, "tx": pl.Int64, "at": pl.Int64}


@dataclass
class Outpoints:
    """The outputs of one chain by txid and place, as of one commit; made by :meth:`of`."""

    store: Store
    chain: str
    folder: Path
    commit: int = 0
    records: int = 0
    runs: tuple[Run, ...] = ()

    @classmethod
    def of(cls, store: Store, chain: str) -> Outpoints | None:
        """Return the list as of the last commit, brought up to it first.

        Returns
        -------
        Outpoints or None
            None while the ledger is small.

        Raises
        ------
        NotDense
            If outputs are missing from the tables: then there is no list.
        """
        commits = store.commits()
        if not commits.height or int(commits["rows"].sum()) < LARGE:
            return None
        found = cls(store, chain, store.path / "index" / "outpoints" / chain_of(chain).alias)
        found.folder.mkdir(parents=True, exist_ok=True)
        try:
            try:
                found._open()
                found._catch_up(commits)
            except Damaged:
                found._anew(commits)
        except NotDense:
            shutil.rmtree(found.folder)
            raise
        return found

    # Look-ups -------------------------------------------------------------------------------

    def transactions(self, txids: pl.Series) -> pl.DataFrame:
        """Return ``txid, tx, at`` of all transactions that have one of these ids.

        ``at`` is the place of their records, for :meth:`outputs`. One id may be that of several.
        """
        rows = txids.unique()
        keys = np.unique(_keys(rows))
        parts = [self._confirmed(*_named(run, keys)) for run in self.runs]
        # Strangers make ids that begin alike: only the whole id tells.
        found = pl.concat([pl.DataFrame(schema=_FOUND), *parts])
        return found.join(rows.to_frame("txid"), on="txid", how="semi")

    def _confirmed(self, found: NDArray[np.uint64], places: NDArray[np.int64]) -> pl.DataFrame:
        """Return the transactions at some places, each of which a key named."""
        if len(places) and not 0 <= places.min() <= places.max() < self.records:
            raise Damaged("a key names a record that is not there")
        order = np.argsort(places)
        heads = read_heads(self.folder / _RECORDS, places[order])
        names = np.ascontiguousarray(heads["txid"]).view(np.uint8).reshape(-1, 32)
        if not np.array_equal(
            np.ascontiguousarray(names[:, :8]).view("<u8").reshape(-1), found[order]
        ):
            raise Damaged("a key names the record of another transaction")
        made = {"txid": [row.tobytes() for row in names], "tx": heads["tx"], "at": places[order]}
        return pl.DataFrame(made, schema=_FOUND)

    def outputs(self, spent: pl.DataFrame) -> pl.DataFrame:
        """Return ``tx, n, value, script_kind, address`` of the outputs that exist.

        Parameters
        ----------
        spent : polars.DataFrame
            ``tx, n, at``, each once, ``at`` as :meth:`transactions` gives it.
        """
        rows = spent.sort("at", "n")
        begins = rows["at"].unique().sort().to_numpy()
        counts = read_heads(self.folder / _RECORDS, begins)["count"].astype(np.int64)
        begin = np.searchsorted(begins, rows["at"].to_numpy())
        rows = rows.filter(pl.Series(rows["n"].to_numpy() < counts[begin]) & (rows["n"] >= 0))
        places = rows["at"].to_numpy() + 1 + rows["n"].to_numpy()
        values, long = read_outputs(self.folder / _RECORDS, places)
        found = pl.concat([rows.select("tx", "n"), values], how="horizontal")
        if not long.any():
            return found
        return pl.concat([found.filter(~pl.Series(long)), self._long(rows.filter(pl.Series(long)))])

    def _long(self, spent: pl.DataFrame) -> pl.DataFrame:
        """Return outputs whose addresses do not fit a record, of the tables."""
        held = self.store.scan("outputs", self.commit).filter(pl.col("chain") == self.chain)
        asked = spent.lazy().select("tx", "n")
        return held.select(_OUT).join(asked, on=["tx", "n"], how="semi").collect(engine="streaming")

    # Growing --------------------------------------------------------------------------------

    def add(self, tables: Mapping[str, pl.DataFrame], commit: Commit) -> None:
        """Take in the rows that a commit added; the list is then that of the commit.

        Raises
        ------
        NotDense
            If they are not whole transactions.
        """
        empty = {name: table.empty() for name, table in _COINS.items()}
        txs, outs = (tables.get(name, empty[name]) for name in _COINS)
        self._append(txs, outs)
        self._keep(commit.number)

    def _append(self, txs: pl.DataFrame, outs: pl.DataFrame) -> None:
        if not txs.height and not outs.height:
            return
        txs = txs.select(_TX).sort("tx")
        records, places = records_of(txs, outs.select(_OUT).sort("tx", "n"))
        with (self.folder / _RECORDS).open("r+b" if self.records else "wb") as handle:
            handle.seek(self.records * SIZE)
            handle.truncate()
            handle.write(records.tobytes())
        keys = np.zeros(txs.height, KEY)
        keys["key"], keys["place"] = _keys(txs["txid"]), places + self.records
        self.records += len(records)
        self._merge(Run.write(self._fresh(), iter([keys[np.argsort(keys["key"], kind="stable")]])))

    def _merge(self, run: Run) -> None:
        """Join runs until each is more than twice as long as the next."""
        runs = list(self.runs)
        while runs and runs[-1].count <= 2 * run.count:
            run = Run.write(self._fresh(), merged(runs.pop(), run))
        self.runs = (*runs, run)

    def _fresh(self) -> Path:
        taken = [int(path.stem) for path in self.folder.glob("*.run")]
        return self.folder / f"{max(taken, default=0) + 1}.run"

    def _keep(self, commit: int) -> None:
        """Write down of which commit the files are, and remove those that are no longer used."""
        self.commit = commit
        state = {
            "chainwatch outpoints": FORMAT, "commit": commit, "of": self._mark(commit),
            "records": self.records,
            "runs": [[run.path.name, run.count] for run in self.runs],
        }  # fmt: skip
        draft = self.folder / f"{_STATE}.new"
        draft.write_text(json.dumps(state) + "\n", encoding="utf-8")
        delta.at("before outpoints")
        draft.replace(self.folder / _STATE)
        delta.at("after outpoints")
        used = {run.path for run in self.runs}
        for path in self.folder.glob("*.run"):
            if path not in used:
                path.unlink()

    def renew(self) -> None:
        """Make the list anew of the tables as of the last commit."""
        self._anew(self.store.commits())

    # Beginning ------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            state = json.loads((self.folder / _STATE).read_text("utf-8"))
            if state["chainwatch outpoints"] != FORMAT:
                raise Damaged("it is of another make")
            names = [(str(name), int(count)) for name, count in state["runs"]]
            self.commit, self.records = int(state["commit"]), int(state["records"])
            mark = str(state["of"])
        except (
            OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError
        ) as error:  # fmt: skip
            raise Damaged(f"{_STATE} cannot be read") from error
        if mark != self._mark(self.commit):
            raise Damaged("it is of another history of this ledger")
        if any(Path(name).name != name or not name.endswith(".run") for name, _ in names):
            raise Damaged(f"{_STATE} names other files")
        records = self.folder / _RECORDS
        if not records.is_file() or records.stat().st_size < self.records * SIZE:
            raise Damaged(f"{_RECORDS} ends too early")
        self.runs = tuple(Run.open(self.folder / name, count) for name, count in names)

    def _mark(self, commit: int) -> str:
        """Return what only this history of the ledger has at a commit.

        A ledger that was put back from a copy and then went on has commits of the same numbers.
        The entries of Delta's log name files that no other history has.
        """
        digest = hashlib.sha256()
        try:
            versions = self.store.commit(commit).versions
            for name in _COINS:
                entry = self.store.path / name / "_delta_log" / f"{versions[name]:020}.json"
                digest.update(entry.read_bytes())
        except (OSError, LedgerError) as error:
            raise Damaged("it is of a commit that is not there") from error
        return digest.hexdigest()

    def _catch_up(self, commits: pl.DataFrame) -> None:
        """Take in what was committed since, if it was only added to."""
        later = commits.filter(pl.col("commit") > self.commit).rows(named=True)
        for row in later:
            merged_only = (row["source"], row["what"]) == (SELF, COMPACTED)
            if merged_only or row["chain"] != self.chain:
                continue
            if not row["rows"]:  # blocks were taken out
                raise Damaged("blocks of it were replaced")
            self._append(*(self._added(name, row["commit"]) for name in _COINS))
        if later:
            self._keep(commits.height)

    def _added(self, name: str, commit: int) -> pl.DataFrame:
        """Return the rows that a commit added to a table."""
        table = _COINS[name]
        numbers = [
            self.store.commit(item).versions[name] if item else 0 for item in (commit - 1, commit)
        ]
        rows = delta.added(self.store.path / name, table, *numbers)
        return rows.filter(pl.col("chain") == self.chain).collect()

    def _anew(self, commits: pl.DataFrame) -> None:
        """Make the list of the tables, a file of transactions at a time."""
        self.runs, self.records = (), 0
        head = self.store.commit(commits.height)
        outputs = self.store.scan("outputs", head).filter(pl.col("chain") == self.chain)
        for txs in self._tx_files(head):
            inside = pl.col("tx").is_between(txs["tx"].min(), txs["tx"].max())
            mine = outputs.select(_OUT).filter(inside)
            mine = mine.join(txs.lazy().select("tx"), on="tx", how="semi")
            self._append(txs, mine.collect(engine="streaming"))
        self._keep(head.number)

    def _tx_files(self, head: Commit) -> Iterator[pl.DataFrame]:
        folder, table = self.store.path / "transactions", schema.TRANSACTIONS
        for path in delta.files(folder, head.versions["transactions"]):
            held = pl.scan_parquet(path, glob=False, schema=table.schema)
            txs = held.filter(pl.col("chain") == self.chain).select(_TX).collect()
            if txs.height:
                yield txs


_COINS = {"transactions": schema.TRANSACTIONS, "outputs": schema.OUTPUTS}


def _keys(txids: pl.Series) -> NDArray[np.uint64]:
    return bytes_of(txids)[0].reshape(-1, 32)[:, :8].copy().view("<u8").reshape(-1)


def _named(run: Run, keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the keys that a run holds, each with its place."""
    rows, places = run.find(keys)
    return keys[rows], places.astype(np.int64)
