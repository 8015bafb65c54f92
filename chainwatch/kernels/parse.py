"""Block bytes to columns: numpy arrays of transactions, inputs and outputs, checked on the way.

The loops make the same checks as :mod:`chainwatch.bitcoin.block`, in the same order and
naming the same byte; that module is the reference, and tests compare the two on broken blocks.
Proof of work is not among them: it depends on the chain, and is one hash per block.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.addresses.scripts import classify
from chainwatch.chains.base import Forms
from chainwatch.errors import BlockError
from chainwatch.kernels import block_columns as at
from chainwatch.kernels.hashing.sha256 import compiled_way, double_sha256, fastest

Columns = dict[str, NDArray[Any]]

LARGEST_SUPPLY = 2**62
"""Base units; what the sums of the loops have room for."""

_SEED_WORDS = 9


class Failure(NamedTuple):
    """The first block that failed: its number among those given, what is wrong, at which byte."""

    block: int
    what: str
    byte: int


class Parsed(NamedTuple):
    """Columns of the blocks that passed, the bytes they point into, and the first that failed."""

    columns: Columns
    data: NDArray[np.uint8]
    failure: Failure | None


def parse_blocks(
    buffers: Sequence[bytes], *, supply: int, forms: Forms, way: str | None = None
) -> Parsed:
    """Read blocks up to the first that fails.

    Parameters
    ----------
    buffers : sequence of bytes
        One whole block each.
    supply : int
        Largest amount of the chain, base units.
    forms : Forms
        Forms of transactions and scripts that the chain gives a meaning.
    way : str, optional
        How to hash; see :mod:`chainwatch.kernels.hashing.sha256`.

    Returns
    -------
    Parsed
        ``columns`` by name; offsets are bytes of ``data``, all buffers joined.

        - ``block_begin, block_end, block_tx, block_txs, block_script, block_script_end``: bytes,
          first transaction (a row), number of transactions, coinbase script;
          ``block_hash`` (32 bytes); ``block_unchecked``: it commits to witnesses that are missing;
          ``block_extended``: an extension block follows it;
        - ``txid, wtxid`` (32 bytes; of a transaction without witness equal), ``tx_block,
          tx_witnessed, tx_version, tx_locktime, tx_value, tx_size, tx_stripped, tx_weight,
          tx_first_in, tx_first_out``;
        - ``in_tx, in_at, in_n, in_sequence, in_unlock``: transaction (a row), place of the
          outpoint, output spent, and start and end of the script and where the witness begins
          (-1 without one); a coinbase has an input here;
        - ``out_tx, out_value, out_script, out_lock, out_script_end, out_kind``: ``out_lock`` is
          where the script begins behind any tokens, the kind as in
          :data:`chainwatch.kernels.block_columns.KINDS`.
    """
    if not 0 < supply < LARGEST_SUPPLY:
        raise BlockError(
            f"a supply of {supply:,} base units is beyond the loops",
            remedy=f"state one from 1 to {LARGEST_SUPPLY - 1:,}",
        )
    chosen = fastest() if way is None else way
    data = np.frombuffer(b"".join(buffers), np.uint8)
    sizes = np.fromiter((len(buffer) for buffer in buffers), np.int64, len(buffers))
    ends = np.cumsum(sizes)
    begins = ends - sizes
    tables, failure = _scanned(data, begins, ends, (supply, int(forms)))
    columns = _hashed(data, tables, chosen)
    bound = _bound(data, tables[0], columns, chosen)
    return Parsed(columns, data, bound or failure)


def _scanned(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64],
    rules: tuple[int, int],
) -> tuple[list[NDArray[np.int64]], Failure | None]:  # fmt: skip
    """Run the pass; return tables cut to what was read of whole blocks."""
    from chainwatch.kernels.block_loops import scan

    # Untouched memory is not taken: room for the most rows that these bytes could hold is free.
    rooms = [
        begins.size,
        data.size // at.SMALLEST_TX + begins.size + 1,
        data.size // at.SMALLEST_INPUT + begins.size + 1,
        data.size // at.SMALLEST_OUTPUT + begins.size + 1,
    ]
    widths = (at.BLOCK_COLUMNS, at.TX_COLUMNS, at.IN_COLUMNS, at.OUT_COLUMNS)
    tables = [np.empty(size, np.int64) for size in zip(rooms, widths, strict=True)]
    filled, fail = np.zeros(3, np.int64), np.zeros(3, np.int64)
    limits = np.array(rules, np.int64)
    keyed = _seed(), _table(ends - begins)
    blocks, txs, ins, outs = tables
    passed = int(scan(data, begins, ends, limits, *keyed, blocks, txs, ins, outs, filled, fail))
    rows = [passed, *map(int, filled)]
    cut = [table[:count] for table, count in zip(tables, rows, strict=True)]
    return cut, None if passed == begins.size else _failure(fail, passed, begins)


def _seed() -> NDArray[np.uint64]:
    """Return a key of this process, so that no block can be made to fill one slot of a table."""
    words = [secrets.randbits(64) | 1 for _ in range(_SEED_WORDS)]
    return np.array(words, np.uint64)


def _table(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return room for twice the inputs that the largest block could hold, a power of two."""
    most = int(sizes.max(initial=0)) // at.SMALLEST_INPUT
    return np.empty(max(16, 1 << (2 * most).bit_length()), np.int64)


def _failure(fail: NDArray[np.int64], block: int, begins: NDArray[np.int64]) -> Failure:
    code, byte, number = map(int, fail)
    what = at.SENTENCES[code].format(number % 2**64, number)
    return Failure(block, what, byte - int(begins[block]))


def _hashed(data: NDArray[np.uint8], tables: list[NDArray[np.int64]], way: str) -> Columns:
    """Name the columns of the tables and add the ids."""
    blocks, txs, ins, outs = tables
    txids, wtxids = _ids(data, txs, way)
    begins = blocks[:, at.BLOCK_BEGIN]
    counts = np.diff(blocks[:, at.BLOCK_TX], append=len(txs))
    sizes = txs[:, at.TX_END] - txs[:, at.TX_START]
    stripped = txs[:, at.TX_BODY_END] - txs[:, at.TX_BODY] + 8  # version and locktime
    extended = txs[:, at.TX_EXTENDED] != 0
    return {
        "block_begin": begins,
        "block_end": blocks[:, at.BLOCK_END],
        "block_tx": blocks[:, at.BLOCK_TX],
        "block_txs": counts,
        "block_script": blocks[:, at.BLOCK_SCRIPT],
        "block_script_end": blocks[:, at.BLOCK_SCRIPT_END],
        "block_hash": double_sha256(data, np.stack([begins, begins + at.HEADER_SIZE], 1), way),
        "block_unchecked": (blocks[:, at.BLOCK_COMMITMENT] >= 0)
        & (blocks[:, at.BLOCK_WITNESSED] == 0),
        "txid": txids,
        "wtxid": wtxids,
        "block_extended": blocks[:, at.BLOCK_EXTENDED] != 0,
        "tx_block": np.repeat(np.arange(len(blocks)), counts),
        "tx_witnessed": txs[:, at.TX_WITNESSED] != 0,
        "tx_version": txs[:, at.TX_VERSION],
        "tx_locktime": txs[:, at.TX_LOCKTIME],
        "tx_value": txs[:, at.TX_VALUE],
        "tx_size": sizes,
        "tx_stripped": stripped,
        "tx_weight": 3 * stripped + sizes - np.where(extended, at.MARKS, 0),
        "tx_first_in": txs[:, at.TX_FIRST_IN],
        "tx_first_out": txs[:, at.TX_FIRST_OUT],
        "in_tx": ins[:, at.IN_TX],
        "in_at": ins[:, at.IN_AT],
        "in_n": ins[:, at.IN_N],
        "in_sequence": ins[:, at.IN_SEQUENCE],
        "in_unlock": ins[:, at.IN_SCRIPT : at.IN_WITNESS + 1],
        "out_tx": outs[:, at.OUT_TX],
        "out_value": outs[:, at.OUT_VALUE],
        "out_script": outs[:, at.OUT_SCRIPT],
        "out_lock": outs[:, at.OUT_LOCK],
        "out_script_end": outs[:, at.OUT_SCRIPT_END],
        "out_kind": settled(
            data, outs[:, at.OUT_KIND], outs[:, at.OUT_LOCK], outs[:, at.OUT_SCRIPT_END]
        ),
    }


def _ids(
    data: NDArray[np.uint8], txs: NDArray[np.int64], way: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return txids and wtxids; the two hashes differ only where there is a witness."""
    spans = np.zeros((len(txs), 6), np.int64)
    spans[:, 0], spans[:, 1] = txs[:, at.TX_START], txs[:, at.TX_END]
    witnessed = np.flatnonzero(txs[:, at.TX_WITNESSED])
    whole = spans[witnessed, :2]
    spliced = np.flatnonzero(txs[:, at.TX_WITNESSED] | txs[:, at.TX_EXTENDED])
    spans[spliced, 1] = txs[spliced, at.TX_START] + 4
    spans[spliced, 2], spans[spliced, 3] = txs[spliced, at.TX_BODY], txs[spliced, at.TX_BODY_END]
    spans[spliced, 4], spans[spliced, 5] = txs[spliced, at.TX_END] - 4, txs[spliced, at.TX_END]
    txids = double_sha256(data, spans, way)
    wtxids = txids.copy()
    wtxids[witnessed] = double_sha256(data, whole, way)
    return txids, wtxids


def settled(
    data: NDArray[np.uint8], kinds: NDArray[np.int64], starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    """Return the kinds of scripts; the few that may name keys are read in Python."""
    kinds = kinds.copy()
    for row in np.flatnonzero(kinds == at.WITH_KEYS):
        kinds[row] = at.KINDS.index(classify(data[starts[row] : ends[row]].tobytes()).kind)
    return kinds


def _bound(
    data: NDArray[np.uint8], blocks: NDArray[np.int64], columns: Columns, way: str
) -> Failure | None:
    """Check that headers and coinbases commit to what was read."""
    from chainwatch.kernels.block_loops import bind

    fail = np.zeros(3, np.int64)
    ids = columns["txid"], columns["wtxid"]
    # Merkle trees are few hashes: without instructions of its own, compiled is fast enough.
    chosen = compiled_way(way if way != "hashlib" else "compiled")
    passed = int(bind(data, blocks, columns["block_txs"], *ids, fail, chosen))
    return None if passed == len(blocks) else _failure(fail, passed, blocks[:, at.BLOCK_BEGIN])


def runs(
    data: NDArray[np.uint8], starts: NDArray[np.int64], size: int, *, lead: int = 0
) -> NDArray[np.uint8]:
    """Return runs of one length out of the data, each behind a byte ``lead`` unless that is 0.

    Raises
    ------
    IndexError
        If a run is not within the data.
    """
    from chainwatch.kernels.script_loops import copy_runs

    if starts.size and (starts.min() < 0 or starts.max() + size > data.size):
        raise IndexError("a run lies outside the data")
    made = np.empty((starts.size, size + (lead > 0)), np.uint8)
    copy_runs(data, np.ascontiguousarray(starts, np.int64), lead, made)
    return made
