"""The index of a ledger at one commit: memory-mapped columns that answer a look-up at once.

It is derived from the tables, can be thrown away and built again, and gives out rows in the
columns of the schema: its dense numbers never leave it. It stands in ``index/<commit>/<chain>/``
in the ledger's folder and is put there whole or not at all. Account chains have none: their
transfers are looked up in the tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import LedgerError
from chainwatch.ledger.index.build import COMPRESSED, NONE, STORED
from chainwatch.ledger.index.growing import Columns, columns_of
from chainwatch.ledger.index.rows import STRAYS, Frames, inputs_at, rows_at
from chainwatch.ledger.index.searching import ranks_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.lock import locked
from chainwatch.ledger.storage.writer import COMPACTED, SELF
from chainwatch.units import counted

FORMAT = 4
_FOLDER = "index"
_FACTS = "index.json"
_REMEDY = "build it again with `chainwatch index`; the tables are not touched"


@dataclass(frozen=True, repr=False)
class Index:
    """The columns of one chain as of one commit; made by :func:`build_index`, :func:`open_index`.

    Attributes
    ----------
    chain : Chain
        The chain it is of.
    commit : int
        The commit it is of; 0 of a ledger in memory.
    columns : mapping of str to array
        See :data:`chainwatch.ledger.index.build.STORED`. Internal.
    """

    chain: Chain
    commit: int
    columns: Mapping[str, NDArray[Any]]

    def __repr__(self) -> str:
        made = self.columns
        return (
            f"Index({self.chain.alias}, commit {self.commit}: "
            f"{counted(len(made['tx_number']), 'transaction', 'transactions')},"
            f" {counted(len(made['addr_ptr']) - 1, 'address', 'addresses')})"
        )

    @property
    def nbytes(self) -> int:
        """Size of all columns, bytes."""
        return sum(int(column.nbytes) for column in self.columns.values())

    def rank_of(self, address: bytes) -> int | None:
        """Return the place of an address among all in the order of their bytes, if it is there."""
        with self._sound():
            place = self.ranked_below(address)
            there = place < len(self.columns["addr_order"]) and _key(self.columns, place) == address
            return place if there else None

    def number_of(self, address: bytes) -> int | None:
        """Return the dense number of an address, if it is there."""
        rank = self.rank_of(address)
        return None if rank is None else int(self.columns["addr_order"][rank])

    def ranks_of(self, addresses: pl.Series) -> NDArray[np.int64]:
        """Return the place of each address in the order of bytes, as :meth:`rank_of`; -1 for none.

        Half a million are looked up in ten million in about a second.
        """
        with self._sound():
            return ranks_of(self.columns, addresses)

    def ranked_below(self, address: bytes) -> int:
        """Return how many addresses have smaller bytes."""
        made = self.columns
        with self._sound():
            return _bisect(len(made["addr_order"]), lambda k: _key(made, k) < address)

    def touching(self, address: bytes) -> Frames:
        """Return the transactions, inputs and outputs of all transactions that name an address."""
        with self._sound():
            return self._touching(self.columns, address)

    def _touching(self, made: Mapping[str, NDArray[Any]], address: bytes) -> Frames:
        one = self.number_of(address)
        if one is None:
            return rows_at(made, np.empty(0, np.int64), self.chain)
        outs = made["addr_out"][made["addr_out_ptr"][one] : made["addr_out_ptr"][one + 1]]
        ins = made["addr_in"][made["addr_in_ptr"][one] : made["addr_in_ptr"][one + 1]]
        owners = [
            np.searchsorted(made["out_ptr"], outs, side="right") - 1,
            np.searchsorted(made["in_ptr"], ins, side="right") - 1,
        ]
        return rows_at(made, np.unique(np.concatenate(owners)), self.chain)

    def numbers_of(self, txid: bytes) -> list[int]:
        """Return the numbers of the transactions with an id: more than one is possible (BIP30)."""
        with self._sound():
            return self._numbers_of(self.columns, txid)

    def _numbers_of(self, made: Mapping[str, NDArray[Any]], txid: bytes) -> list[int]:
        order, ids = made["id_order"], made["tx_id"]
        low = _bisect(len(order), lambda k: ids[order[k]].tobytes() < txid)
        numbers = []
        while low < len(order) and ids[order[low]].tobytes() == txid:
            numbers.append(int(made["tx_number"][order[low]]))
            low += 1
        return sorted(numbers)

    def transaction(self, number: int) -> Frames:
        """Return one transaction with its inputs and outputs; no rows if it is not there."""
        numbers = self.columns["tx_number"]
        place = int(np.searchsorted(numbers, number))
        there = place < len(numbers) and numbers[place] == number
        with self._sound():
            return rows_at(self.columns, np.array([place] if there else [], np.int64), self.chain)

    def ids_of(self, numbers: Collection[int]) -> dict[int, bytes]:
        """Return ids of transactions by their numbers, without those that are not there."""
        read, found = self.columns["tx_number"], {}
        with self._sound():
            for number in numbers:
                place = int(np.searchsorted(read, number))
                if place < len(read) and read[place] == number:
                    found[number] = self.columns["tx_id"][place].tobytes()
        return found

    def strays(self, txids: Sequence[bytes] | None) -> pl.DataFrame:
        """Return the inputs that no transaction before them was read for.

        Parameters
        ----------
        txids : sequence of bytes or None
            Only those that say to spend from one of these; None is all.

        Returns
        -------
        polars.DataFrame
            ``tx, n, prev_txid, prev_n, value``; the value is null where no source told it.
        """
        with self._sound():
            made = self.columns
            places = np.flatnonzero(made["stray_tx"] < 0)
            if txids is not None:
                begin = np.frombuffer(b"".join(one[:8] for one in txids), "<u8")
                near = np.isin(made["stray_id"].view("<u8")[:, 0], begin)
                wanted, ids = set(txids), made["stray_id"]
                places = np.array(
                    [k for k in np.flatnonzero(near & (made["stray_tx"] < 0))
                     if ids[k].tobytes() in wanted], np.int64,
                )  # fmt: skip
            return inputs_at(made, made["stray_in"][places]).select(STRAYS)

    def bare_keys(self, hashed: bytes, *, compressed: bool) -> pl.DataFrame:
        """Return the P2PK outputs of the key that hashes to 20 bytes.

        Parameters
        ----------
        hashed : bytes
            RIPEMD-160 of SHA-256 of the key.
        compressed : bool
            Only where the key has 33 bytes.

        Returns
        -------
        polars.DataFrame
            ``tx, n``, in order.
        """
        made = self.columns
        with self._sound():
            ours = (made["bare_hash"] == np.frombuffer(hashed, np.uint8)).all(axis=1)
            if compressed:
                ours &= made["bare_size"] == COMPRESSED
            return pl.DataFrame(
                {"tx": made["bare_tx"][ours], "n": made["bare_n"][ours].astype(np.int64)}
            )

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Turn a number that leads out of a column into a sentence."""
        try:
            yield
        except (IndexError, OverflowError) as error:
            raise LedgerError("the index is damaged", where=repr(self), remedy=_REMEDY) from error


def build_index(ledger: Ledger, *, anew: bool = False, keep: int = 2) -> tuple[Index, ...]:
    """Build the index of a ledger at its commit, one per coin chain, and keep it on disk.

    An index of an earlier commit is continued where only later blocks were added since; where
    blocks came out of order or were replaced, all is built anew.

    Parameters
    ----------
    ledger : Ledger
        Its whole history is indexed, whatever its span. In memory, nothing is kept.
    anew : bool
        Use no earlier index.
    keep : int
        Indexes left on disk, this one included; of those of other commits the latest are left.

    Raises
    ------
    LedgerError
        If the tables do not fit together; see :meth:`Ledger.check`.
    LedgerLocked
        If another process is writing an index.
    """
    whole = ledger.history
    chains = [item for item in whole.chains if item.family == "utxo"]
    number = whole.commit.number if whole.commit else 0
    found = [
        Index(item, number, _columns(whole.chain_only(item), item, anew=anew)) for item in chains
    ]
    if whole.store is None or whole.commit is None:
        return tuple(found)
    folder = whole.store.path / _FOLDER
    folder.mkdir(exist_ok=True)
    with locked(folder):
        _write(folder, number, found)
        _drop(folder, number, keep)
    return tuple(_opened(folder / str(number), number, item) for item in chains)


def open_index(ledger: Ledger, chain: Chain | str) -> Index | None:
    """Return the index of a chain at the ledger's commit; ``None`` where none was built.

    Raises
    ------
    LedgerError
        If it is damaged.
    """
    network = chain_of(chain)
    if ledger.store is None or ledger.commit is None:
        return None
    folder = ledger.store.path / _FOLDER / str(ledger.commit.number)
    if not (folder / network.alias / _FACTS).is_file():
        return None
    return _opened(folder, ledger.commit.number, network)


def has_index(folder: Path) -> bool:
    """Tell whether an index of any commit is kept in a ledger's folder."""
    return bool(_numbers(folder / _FOLDER))


def only_index(ledger: Ledger) -> Index | None:
    """Return the index of a ledger that looks at one coin chain; None where there is another.

    None as well where no index was built at the ledger's commit.

    Raises
    ------
    LedgerError
        If it is damaged.
    """
    if ledger.store is None or ledger.commit is None:
        return None
    if ledger.chain is not None:
        return open_index(ledger, ledger.chain)
    # Every coin chain of a commit has an index or none has.
    folder = ledger.store.path / _FOLDER / str(ledger.commit.number)
    found = [item.parent.name for item in folder.glob(f"*/{_FACTS}")]
    return open_index(ledger, found[0]) if len(found) == 1 else None


def _columns(ledger: Ledger, chain: Chain, *, anew: bool) -> Columns:
    old = None if anew else _continued(ledger, chain)
    return columns_of(ledger, None if old is None else old.columns)


def _continued(ledger: Ledger, chain: Chain) -> Index | None:
    """Return the latest earlier index whose rows are all there still, with none between them."""
    if ledger.store is None or ledger.commit is None:
        return None
    for number in sorted(_numbers(ledger.store.path / _FOLDER), reverse=True):
        if number > ledger.commit.number:
            continue
        older = open_index(ledger.as_of(number), chain)
        if older is not None and _only_grew(ledger, older):
            return older
        return None
    return None


def _only_grew(ledger: Ledger, older: Index) -> bool:
    if ledger.store is None or ledger.commit is None:
        return False
    between = (pl.col("commit") > older.commit) & (pl.col("commit") <= ledger.commit.number)
    merged = (pl.col("source") == SELF) & (pl.col("what") == COMPACTED)
    # A commit that added nothing took something away: blocks that a reorganisation replaced.
    if ledger.store.commits().filter(between & (pl.col("rows") == 0) & ~merged).height:
        return False
    numbers = older.columns["tx_number"]
    last = int(numbers[-1]) if len(numbers) else -1
    counts = {"transactions": "tx_number", "inputs": "in_n", "outputs": "out_n"}
    return all(
        ledger.history._whole(table).filter(pl.col("tx") <= last).select(pl.len()).collect().item()
        == len(older.columns[column])
        for table, column in counts.items()
    )


def _key(made: Mapping[str, NDArray[Any]], rank: int) -> bytes:
    """Return an address by its place in the order of bytes."""
    one, ptr = int(made["addr_order"][rank]), made["addr_ptr"]
    return made["addr_bytes"][ptr[one] : ptr[one + 1]].tobytes()


def _bisect(size: int, below: Any) -> int:
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if below(middle) else (low, middle)
    return low


def _write(folder: Path, number: int, found: list[Index]) -> None:
    """Write all chains into a new folder and give it its name at the end."""
    for left in folder.glob(".*.new"):  # of builders that died: who holds the lock is alone
        shutil.rmtree(left)
    draft = folder / f".{number}.new"
    for one in found:
        place = draft / one.chain.alias
        place.mkdir(parents=True)
        for name, column in one.columns.items():
            np.save(place / f"{name}.npy", column, allow_pickle=False)
        facts = {name: list(column.shape) for name, column in one.columns.items()}
        text = json.dumps({"chainwatch index": FORMAT, "commit": number, "columns": facts})
        (place / _FACTS).write_text(text + "\n", encoding="utf-8")
    draft.mkdir(parents=True, exist_ok=True)
    delta.at("before index")
    shutil.rmtree(folder / str(number), ignore_errors=True)
    draft.replace(folder / str(number))
    delta.at("after index")


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return [int(item.name) for item in folder.iterdir() if item.name.isdecimal()]


def _drop(folder: Path, number: int, keep: int) -> None:
    """Remove the oldest indexes of other commits."""
    others = sorted(other for other in _numbers(folder) if other != number)
    for other in others[: max(len(others) - max(keep, 1) + 1, 0)]:
        shutil.rmtree(folder / str(other), ignore_errors=True)


def _opened(folder: Path, number: int, chain: Chain) -> Index:
    place = folder / chain.alias
    try:
        facts = json.loads((place / _FACTS).read_text("utf-8"))
        known = (facts["chainwatch index"], facts["commit"]) == (FORMAT, number)
        columns = {name: _mapped(place / f"{name}.npy") for name in STORED}
        fits = all(
            column.dtype == np.dtype(STORED[name]) and list(column.shape) == facts["columns"][name]
            for name, column in columns.items()
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise LedgerError("the index is damaged", where=str(place), remedy=_REMEDY) from error
    if not known or not fits:
        raise LedgerError("the index is of another make", where=str(place), remedy=_REMEDY)
    return Index(chain, number, columns)


def _mapped(path: Path) -> NDArray[Any]:
    """Map a column; a plain array, for numpy's memmap is six times slower to slice."""
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty")
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


__all__ = ["FORMAT", "NONE", "Index", "build_index", "has_index", "only_index", "open_index"]
