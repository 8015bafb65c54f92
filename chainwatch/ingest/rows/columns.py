"""The compiled way from whole blocks to rows: columns to frames without a step of Python per row.

It makes the tables of :mod:`chainwatch.ingest.rows.transactions`, and tests hold it to that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.scripts import classify
from chainwatch.addresses.unlocking import UNSIGNED, plain_multisig
from chainwatch.bitcoin.block import BlockSummary
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.frames import Columns, frame_of
from chainwatch.ingest.rows.transactions import TABLES
from chainwatch.kernels import block_columns as at
from chainwatch.kernels.parse import Parsed, runs
from chainwatch.kernels.undo import Coins
from chainwatch.kernels.unlock import Unlocked, unlocked
from chainwatch.ledger import schema

Places = Sequence[tuple[BlockSummary, int]]
"""Blocks and their heights."""

_WITH_ADDRESS = (*range(1, 8), at.P2A)
_UNKNOWN = (6, at.P2A)
_AT = {1: 3, 2: 2, 3: 2, 4: 2, 5: 2, 7: 2}
_SIZE = {1: 20, 2: 20, 3: 20, 4: 32, 5: 32, 7: 32}
"""Where the payload of a kind of address stands in its script, and its size."""

_WITH_KEYS = (at.P2PK, at.MULTISIG)
_OP_0, _BESIDE_KEYS, _BEFORE_KEY, _PUSHED = 0x50, 3, 2, 34
"""What the opcodes of small numbers count from; bytes of a multisig beside its keys, bytes before
its first key, and bytes of a short key with what pushes it."""

_BURNT = (at.NULL_DATA, at.OVERSIZED)


def compiled_rows(
    parsed: Parsed, places: Places, chain: Chain, coins: Coins | None
) -> dict[str, pl.DataFrame]:
    """Return the rows of the transactions of whole blocks, by table.

    Parameters
    ----------
    parsed : Parsed
        The blocks as columns.
    places : sequence of (BlockSummary, int)
        The same blocks and their heights.
    chain : Chain
        Their chain.
    coins : Coins or None
        What their inputs spend, where undo data says so.
    """
    columns = parsed.columns
    heights = np.array([height for _, height in places], np.int64)[columns["tx_block"]]
    numbers = heights << schema.POSITION_BITS | _positions(columns)
    address, script = _payees(parsed)
    payees = {"address": address, "script": script}
    spends = np.flatnonzero(_positions(columns)[columns["in_tx"]] > 0)
    owner = columns["in_tx"][spends]
    spots = {"tx": numbers[owner], "n": spends - columns["tx_first_in"][owner]}
    said = unlocked(parsed.data, columns["in_unlock"][spends], forms=chain.forms)
    made = (
        _transactions(columns, places, numbers, heights),
        spots | _inputs(parsed, spends, said, coins),
        _outputs(columns, numbers, _unburnt(places, chain)) | payees,
        _keys(parsed, numbers),
        _shown_keys(parsed.data, spots, said.scripts),
    )
    pairs = zip(TABLES, made, strict=True)
    return {table.name: frame_of(table, rows, chain.id) for table, rows in pairs}


def _fixed(rows: NDArray[np.uint8]) -> pl.Series:
    """Return rows of bytes of one length as a binary column."""
    if not len(rows):
        return pl.Series(dtype=pl.Binary)
    listed = pl.Series(rows.reshape(-1)).reshape(rows.shape).cast(pl.List(pl.UInt8))
    return listed.cast(pl.Binary)


def _placed(parts: Sequence[pl.Series], rows: Sequence[NDArray[np.int64]], size: int) -> pl.Series:
    """Return a column of ``size`` rows that has each part at its rows and is null elsewhere."""
    order = np.full(size, -1, np.int64)
    start = 0
    for part, places in zip(parts, rows, strict=True):
        order[places] = np.arange(start, start + len(part))
        start += len(part)
    picked = pl.Series(order)
    return pl.concat(parts).gather(picked.set(picked < 0, None).cast(pl.UInt32))


def _positions(columns: Columns) -> NDArray[np.int64]:
    owner = columns["tx_block"]
    positions: NDArray[np.int64] = np.arange(len(owner)) - columns["block_tx"][owner]
    return positions


def _transactions(
    columns: Columns, places: Places, numbers: NDArray[np.int64], heights: NDArray[np.int64]
) -> Columns:
    owner, positions = columns["tx_block"], _positions(columns)
    hashes = pl.Series([block.hash for block, _ in places], dtype=pl.Binary)
    wtxid = _fixed(columns["wtxid"])
    first = positions == 0
    inputs = np.diff(columns["tx_first_in"], append=len(columns["in_tx"]))
    return {
        "tx": numbers,
        "txid": _fixed(columns["txid"]),
        "wtxid": wtxid.set(pl.Series(~columns["tx_witnessed"]), None),
        "block": hashes.gather(owner),
        "height": heights,
        "position": positions,
        "time": np.array([block.header.time for block, _ in places], np.int64)[owner],
        "version": columns["tx_version"],
        "locktime": columns["tx_locktime"],
        "size": columns["tx_size"],
        "weight": columns["tx_weight"],
        "input_count": np.where(first, 0, inputs),
        "output_count": np.diff(columns["tx_first_out"], append=len(columns["out_tx"])),
        "output_value": columns["tx_value"],
        "coinbase": first,
    }


def _inputs(
    parsed: Parsed, spends: NDArray[np.int64], said: Unlocked, coins: Coins | None
) -> Columns:
    columns = parsed.columns
    return {
        "prev_txid": _fixed(runs(parsed.data, columns["in_at"][spends], 32)),
        "prev_n": columns["in_n"][spends],
        "sequence": columns["in_sequence"][spends],
        "sighash": said.flags.fill_null(UNSIGNED),  # blocks hold all that unlocks
        "quorum": said.quorums,
        **(_revealed(said.addresses) if coins is None else _spent(coins, said.addresses)),
    }


def _revealed(shown: pl.Series) -> Columns:
    """Return the addresses that only what unlocks the inputs names."""
    basis = pl.when(shown.is_not_null()).then(pl.lit(schema.REVEALED))
    return {"address": shown, "address_basis": pl.select(basis).to_series()}


def _outputs(columns: Columns, numbers: NDArray[np.int64], unburnt: NDArray[np.bool_]) -> Columns:
    owner, kinds = columns["out_tx"], columns["out_kind"]
    origin = _positions(columns)[owner] == 0
    alive = ~origin | unburnt[columns["tx_block"][owner]]
    return {
        "tx": numbers[owner],
        "n": np.arange(len(owner)) - columns["tx_first_out"][owner],
        "value": columns["out_value"],
        "script_kind": pl.Series(at.KINDS, dtype=pl.String).gather(kinds),
        "spendable": alive & ~np.isin(kinds, _BURNT),
    }


def _unburnt(places: Places, chain: Chain) -> NDArray[np.bool_]:
    """Return whether the coinbase of each block can be spent."""
    return np.array([not chain.burns_coinbase(block.hash, at) for block, at in places], np.bool_)


def _payees(parsed: Parsed) -> tuple[pl.Series, pl.Series]:
    """Return the addresses of the outputs, and the whole scripts that these do not give."""
    columns = parsed.columns
    kinds, starts, ends = columns["out_kind"], columns["out_script"], columns["out_script_end"]
    locks = columns["out_lock"]
    rows = np.flatnonzero(~np.isin(kinds, _WITH_ADDRESS) | (locks > starts))
    scripts = pl.Series(_scripts(parsed.data, starts[rows], ends[rows]), dtype=pl.Binary)
    script = _placed([scripts], [rows], len(kinds))
    return _addresses(parsed.data, kinds, locks, ends), script


def _spent(coins: Coins, shown: pl.Series) -> Columns:
    columns = coins.columns
    kinds, starts, ends = columns["coin_kind"], columns["coin_script"], columns["coin_script_end"]
    address = _addresses(coins.data, kinds, starts, ends)
    return {
        "value": columns["coin_value"],
        "script_kind": pl.Series(at.KINDS, dtype=pl.String).gather(kinds),
        "address": address,
        "address_basis": pl.select(
            pl.when(shown.is_not_null() & ~address.eq_missing(shown))
            .then(pl.lit(schema.DISPUTED))
            .when(address.is_not_null())
            .then(pl.lit(schema.READ))
        ).to_series(),
    }


def _addresses(
    data: NDArray[np.uint8], kinds: NDArray[np.int64], starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> pl.Series:  # fmt: skip
    """Return the addresses that scripts of these kinds name; null where one names none."""
    parts, places = [], []
    for kind, size in _SIZE.items():
        rows = np.flatnonzero(kinds == kind)
        parts.append(_fixed(runs(data, starts[rows] + _AT[kind], size, lead=kind)))
        places.append(rows)
    rows = np.flatnonzero(np.isin(kinds, _UNKNOWN))
    odd = [classify(script).address for script in _scripts(data, starts[rows], ends[rows])]
    parts.append(pl.Series(odd, dtype=pl.Binary))
    return _placed(parts, [*places, rows], len(kinds))


def _scripts(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[bytes]:
    """Return whole scripts: one step of Python per row, for the few rows that need it."""
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [bytes(data.data[start:end]) for start, end in pairs]


def _keys(parsed: Parsed, numbers: NDArray[np.int64]) -> Columns:
    columns = parsed.columns
    found = np.flatnonzero(np.isin(columns["out_kind"], _WITH_KEYS))
    owners = columns["out_tx"][found]
    places = (found - columns["tx_first_out"][owners]).tolist()
    starts, ends = columns["out_lock"][found], columns["out_script_end"][found]
    made: Columns = {name: [] for name in schema.OUTPUT_KEYS.schema if name != "chain"}
    named = zip(numbers[owners].tolist(), places, _scripts(parsed.data, starts, ends), strict=True)
    for tx, n, script in named:
        read = classify(script)
        for k, key in enumerate(read.keys):
            row = (tx, n, k, read.required, key)
            for name, value in zip(made, row, strict=True):
                made[name].append(value)
    return made


def _shown_keys(data: NDArray[np.uint8], spots: Columns, scripts: NDArray[np.int64]) -> Columns:
    """Return the keys of the plain multisigs that inputs show, in the order of the inputs."""
    rows = np.flatnonzero(scripts[:, 1])
    starts, ends = scripts[rows, 0], scripts[rows, 1]
    required, counts = (data[at].astype(np.int64) - _OP_0 for at in (starts, ends - 2))
    # No push of a key is shorter: a script of this length holds short keys, each pushed by a byte.
    short = ends - starts == _BESIDE_KEYS + _PUSHED * counts
    of = np.repeat(np.flatnonzero(short), counts[short])
    k = np.arange(len(of)) - np.repeat(np.cumsum(counts[short]) - counts[short], counts[short])
    keys = _fixed(runs(data, starts[of] + _BEFORE_KEY + _PUSHED * k, _PUSHED - 1))
    long = np.flatnonzero(~short)
    named = zip(long.tolist(), _scripts(data, starts[long], ends[long]), strict=True)
    read = [
        (row, place, key)
        for row, script in named
        if (found := plain_multisig(script))
        for place, key in enumerate(found.keys)
    ]
    of = np.concatenate([of, np.array([row for row, _, _ in read], np.int64)])
    k = np.concatenate([k, np.array([place for _, place, _ in read], np.int64)])
    order = np.lexsort((k, of))
    every = pl.concat([keys, pl.Series([key for _, _, key in read], dtype=pl.Binary)])
    return {
        **{name: column[rows][of][order] for name, column in spots.items()},
        "k": k[order],
        "required": required[of][order],
        "key": every.gather(order),
    }
