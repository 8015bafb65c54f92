"""A chain of owners made up for measuring: coins, reuse, consolidations, mixes, partial signing.

``python -m benchmarks.owners_chain FOLDER --transactions 1000000`` writes a ledger of Delta tables
and the arrays behind it, always the same for one number of transactions. Activity follows a power
law, so that a few owners make most transactions and one cluster holds a good part of all
addresses. No signature and no id is real; what is counted here follows no day of the real chain.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.catalogue import chain
from chainwatch.ledger import schema
from chainwatch.ledger.storage.store import Store, table_named
from chainwatch.ledger.storage.writer import open_writer

PARTIAL_PER_MILLE = 5
"""Transactions of several inputs of which one input signs for itself alone: sales of tokens."""

PER_BLOCK, PER_COMMIT = 2_500, 250_000
FIRST_HEIGHT, FIRST_TIME, SPACING = 790_000, datetime(2023, 5, 16, tzinfo=UTC), 600
POOL = 10_000_000
"""Satoshi that each party of a mix takes out."""

SERVICE = 0.1
"""Share of all payments that one owner makes and gets: a service, which sweeps what it is paid."""

KINDS = (
    (Kind.P2WPKH, "p2wpkh", 20), (Kind.P2PKH, "p2pkh", 20), (Kind.P2SH, "p2sh", 20),
    (Kind.P2TR, "p2tr", 32), (Kind.P2WSH, "p2wsh", 32),
)  # fmt: skip
SHARES = (45, 20, 15, 14, 6)
"""Percent of the addresses of each kind."""


@dataclass(frozen=True)
class Made:
    """The chain as arrays: what each transaction spends and pays, addresses as numbers.

    ``in_ptr`` and ``out_ptr`` have one entry more than transactions; ``in_out`` is the output that
    an input spends, ``out_addr`` the number of an address, ``out_value`` in satoshi.
    """

    in_ptr: NDArray[np.int64]
    in_out: NDArray[np.uint32]
    out_ptr: NDArray[np.int64]
    out_addr: NDArray[np.uint32]
    out_value: NDArray[np.int64]
    addresses: int

    @property
    def in_addr(self) -> NDArray[np.uint32]:
        """The address of what each input spends."""
        return self.out_addr[self.in_out]


@numba.njit(cache=True)  # type: ignore[untyped-decorator]  # numba's
def _somebody(active: int) -> int:
    """Return an owner: of the others, the first are the busiest."""
    if np.random.random() < SERVICE:
        return 0
    return int(active * np.random.random() ** 3)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]  # numba's
def _grow(
    transactions: int, owners: int, in_ptr: Any, in_out: Any, out_ptr: Any, out_addr: Any,
    out_value: Any, below: Any, top: Any, fixed: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Let owners pay each other; each owner's coins are a stack, ``below`` and ``top``."""
    np.random.seed(29)
    spent = paid = known = 0
    payees = np.empty(200, np.int64)
    amounts = np.empty(200, np.int64)
    for tx in range(transactions):
        active = max(500, owners * (tx + 1) // transactions)
        owner = _somebody(active)
        for _ in range(10):
            if top[owner] >= 0:
                break
            owner = _somebody(active)
        mined = tx % PER_BLOCK == 0 or top[owner] < 0
        mix = not mined and np.random.random() < 0.001
        brought = 0
        count = 0
        if mix:
            for _ in range(5 + int(10 * np.random.random())):
                one = int(active * np.random.random() ** 3)
                coin = top[one]
                if coin >= 0 and out_value[coin] > POOL + 10_000:
                    top[one] = below[coin]
                    in_out[spent] = coin
                    spent += 1
                    payees[count], amounts[count] = one, POOL
                    payees[count + 1], amounts[count + 1] = one, out_value[coin] - POOL - 5_000
                    count += 2
        if count < 4:
            # No mix, or too few came: whoever came then pays all to the owner.
            count = 0
            for row in range(in_ptr[tx], spent):
                brought += out_value[in_out[row]]
            draw = np.random.random()
            wanted = 1 if draw < 0.52 else 2 if draw < 0.72 else 3 if draw < 0.82 else 0
            if wanted == 0:
                wanted = min(400, int(4 / (0.008 + np.random.random())))
            if owner == 0 and draw < 0.1:
                wanted = 40
            while not mined and wanted > 0 and top[owner] >= 0:
                coin = top[owner]
                top[owner] = below[coin]
                in_out[spent] = coin
                brought += out_value[coin]
                spent += 1
                wanted -= 1
            if mined:
                brought = 5_000_000_000
            rest = brought - brought // 1_000
            draw = np.random.random()
            pays = 1 if mined or draw < 0.15 else 2 if draw < 0.85 else 3 if draw < 0.92 else 0
            if pays == 0:
                pays = min(200, int(4 / (0.0002 + np.random.random()) ** 0.7))
            for place in range(pays):
                last = place == pays - 1
                payees[place] = owner if last else _somebody(active)
                amount = rest if last else int(rest * np.random.random() * 0.6)
                if not last and amount > 1_000_000 and np.random.random() < 0.1:
                    amount -= amount % 1_000_000  # people like round sums, which repeat
                amounts[place] = amount
                rest -= amount
            count = pays
        in_ptr[tx + 1] = spent
        for place in range(count):
            one = payees[place]
            draw = np.random.random()
            if fixed[one] < 0 or draw >= 0.42:
                address = known
                known += 1
                if fixed[one] < 0 or (one > 0 and draw >= 0.998):
                    fixed[one] = address
            else:
                address = fixed[one]
            out_addr[paid], out_value[paid] = address, amounts[place]
            below[paid] = top[one]
            top[one] = paid
            paid += 1
        out_ptr[tx + 1] = paid
    return spent, paid, known


def grow(transactions: int) -> Made:
    """Return a chain of so many transactions."""
    owners, room = max(2_000, transactions // 16), int(transactions * 3.6) + 10_000
    in_ptr, out_ptr = (np.zeros(transactions + 1, np.int64) for _ in range(2))
    in_out, out_addr = (np.empty(room, np.uint32) for _ in range(2))
    out_value, below = np.empty(room, np.int64), np.empty(room, np.int32)
    top, fixed = np.full(owners, -1, np.int32), np.full(owners, -1, np.int64)
    spent, paid, known = _grow(
        transactions, owners, in_ptr, in_out, out_ptr, out_addr, out_value, below, top, fixed
    )
    if max(spent, paid) > room - 400:
        raise RuntimeError("the arrays of the made-up chain are too short")
    return Made(in_ptr, in_out[:spent], out_ptr, out_addr[:paid], out_value[:paid], known)


def mixed(numbers: NDArray[Any], salt: int) -> NDArray[np.uint64]:
    """Return numbers as random ones, the same each time: the finisher of splitmix64."""
    word = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt << 32)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    return word ^ (word >> np.uint64(31))


def words(numbers: NDArray[Any], salt: int) -> NDArray[np.uint8]:
    """Return 32 random bytes for each number."""
    made = np.stack([mixed(numbers, salt + place) for place in range(4)], axis=1)
    return made.view(np.uint8)


def as_bytes(rows: NDArray[np.uint8]) -> pl.Series:
    """Return rows of an array as byte strings."""
    return pl.Series(np.ascontiguousarray(rows)).arr.to_list().cast(pl.Binary)


def kinds_of(addresses: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the place in ``KINDS`` of each address."""
    bounds = np.cumsum(SHARES)
    percent = mixed(addresses, 90) % np.uint64(100)
    return np.searchsorted(bounds, percent, side="right").astype(np.uint8)


def addresses_of(numbers: NDArray[np.uint32]) -> tuple[pl.Series, pl.Series]:
    """Return canonical addresses by their numbers, and the kind of script of each."""
    codes = kinds_of(numbers)
    parts, places = [], []
    payload = words(numbers, 10)
    for code, (kind, _, size) in enumerate(KINDS):
        rows = np.flatnonzero(codes == code)
        head = np.full((len(rows), 1), kind, np.uint8)
        parts.append(as_bytes(np.concatenate([head, payload[rows, :size]], axis=1)))
        places.append(rows)
    order = np.argsort(np.concatenate(places), kind="stable")
    names = pl.Series([name for _, name, _ in KINDS]).gather(codes)
    return pl.concat(parts).gather(order), names


def tx_numbers(places: NDArray[Any]) -> NDArray[np.int64]:
    """Return the ledger's numbers of transactions by their places in the chain."""
    heights = FIRST_HEIGHT + places.astype(np.int64) // PER_BLOCK
    return heights << schema.POSITION_BITS | places.astype(np.int64) % PER_BLOCK


def tables(made: Made, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Return the rows of some transactions in the tables of a ledger."""
    network = chain("btc").id
    places = np.arange(first, end)
    heights = FIRST_HEIGHT + places // PER_BLOCK
    blocks = np.unique(heights)
    hashes = words(blocks, 40)
    times = pl.Series((heights - FIRST_HEIGHT) * SPACING + int(FIRST_TIME.timestamp()))
    stamp = (times * 1_000_000).cast(schema.TIME)
    ins, outs = np.diff(made.in_ptr)[first:end], np.diff(made.out_ptr)[first:end]
    begin = made.out_ptr[first:end] - made.out_ptr[first]
    values = made.out_value[made.out_ptr[first] : made.out_ptr[end]]
    txs = pl.DataFrame({
        "tx": tx_numbers(places), "txid": as_bytes(words(places, 20)),
        "wtxid": as_bytes(words(places, 30)), "block": as_bytes(hashes[heights - blocks[0]]),
        "height": heights, "position": places % PER_BLOCK, "time": stamp,
        "version": np.full(len(places), 2), "locktime": np.zeros(len(places), np.int64),
        "size": 60 + 150 * ins + 34 * outs, "weight": 240 + 500 * ins + 136 * outs,
        "input_count": ins, "output_count": outs,
        "output_value": np.add.reduceat(values, begin), "coinbase": ins == 0,
    })  # fmt: skip
    found = {
        "transactions": txs,
        "inputs": _inputs(made, first, end),
        "outputs": _outputs(made, first, end),
        "blocks": _blocks(blocks, hashes, stamp.gather(np.searchsorted(heights, blocks))),
    }
    found = {name: rows.with_columns(chain=pl.lit(network)) for name, rows in found.items()}
    found |= {"coverage": _coverage(found["blocks"])}
    return {name: _whole(table_named(name), rows) for name, rows in found.items()}


def _whole(table: schema.Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with all columns of their table, null where nothing was made up."""
    lacking = {name: pl.lit(None, dtype) for name, dtype in table.schema.items()
               if name not in rows.columns}  # fmt: skip
    return rows.with_columns(**lacking)


def _inputs(made: Made, first: int, end: int) -> pl.DataFrame:
    rows = np.arange(made.in_ptr[first], made.in_ptr[end])
    owner = np.repeat(np.arange(first, end), np.diff(made.in_ptr)[first:end])
    outs = made.in_out[rows].astype(np.int64)
    prev = np.searchsorted(made.out_ptr, outs, side="right") - 1
    addresses, kinds = addresses_of(made.out_addr[outs])
    partial = mixed(owner, 70) % np.uint64(1000) < np.uint64(PARTIAL_PER_MILLE)
    # Of such a transaction the first input is the seller's.
    partial &= (rows == made.in_ptr[owner]) & (np.diff(made.in_ptr)[owner] > 1)
    whole = (
        pl.when(pl.col("script_kind") == "p2tr").then(pl.lit("DEFAULT")).otherwise(pl.lit("ALL"))
    )
    return pl.DataFrame({
        "tx": tx_numbers(owner), "n": rows - made.in_ptr[owner],
        "prev_txid": as_bytes(words(prev, 20)), "prev_n": outs - made.out_ptr[prev],
        "prev_tx": tx_numbers(prev), "value": made.out_value[outs], "address": addresses,
        "script_kind": kinds, "sequence": np.full(len(rows), 0xFFFFFFFD),
        "partial": partial,
    }).with_columns(
        sighash=pl.when("partial").then(pl.lit("SINGLE|ANYONECANPAY")).otherwise(whole),
        address_basis=pl.lit(schema.READ),
    ).drop("partial")  # fmt: skip


def _outputs(made: Made, first: int, end: int) -> pl.DataFrame:
    rows = np.arange(made.out_ptr[first], made.out_ptr[end])
    owner = np.repeat(np.arange(first, end), np.diff(made.out_ptr)[first:end])
    addresses, kinds = addresses_of(made.out_addr[rows])
    return pl.DataFrame({
        "tx": tx_numbers(owner), "n": rows - made.out_ptr[owner], "value": made.out_value[rows],
        "script_kind": kinds, "address": addresses, "script": pl.Series([None], dtype=pl.Binary)
        .extend_constant(None, len(rows) - 1), "spendable": np.ones(len(rows), np.bool_),
    })  # fmt: skip


def _blocks(heights: NDArray[Any], hashes: NDArray[np.uint8], times: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({
        "height": heights, "hash": as_bytes(hashes), "parent": as_bytes(words(heights - 1, 40)),
        "time": times, "version": np.full(len(heights), 2),
        "merkle_root": as_bytes(words(heights, 50)), "bits": np.full(len(heights), 0x207FFFFF),
        "nonce": np.zeros(len(heights), np.int64), "tx_count": np.full(len(heights), PER_BLOCK),
        "size": np.full(len(heights), 10**6), "coinbase": as_bytes(words(heights, 60)),
    })  # fmt: skip


def _coverage(blocks: pl.DataFrame) -> pl.DataFrame:
    known = {
        "chain": pl.col("chain"), "unit": "block/" + pl.col("hash").bin.encode("hex"),
        "kind": pl.lit("block"), "height": pl.col("height"), "block": pl.col("hash"),
        "from_time": pl.col("time"), "to_time": pl.col("time"), "complete": pl.lit(True),
        "source": pl.lit("made up"), "answer": pl.col("merkle_root"),
    }  # fmt: skip
    return blocks.select(**known)


def write(folder: Path, transactions: int) -> Path:
    """Write a chain, unless it is there whole, and return the folder of its ledger."""
    done, ledger = folder / "made.txt", folder / "ledger"
    if done.exists():
        return ledger
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = grow(transactions)
    np.savez(folder / "inputs.npz", in_ptr=made.in_ptr, in_addr=made.in_addr, count=made.addresses)
    with open_writer(Store.create(ledger)) as writer:
        for first in range(0, transactions, PER_COMMIT):
            end = min(first + PER_COMMIT, transactions)
            writer.commit(
                tables(made, first, end), source="made up", chain=chain("btc").id,
                what=f"transactions {first} to {end}",
            )  # fmt: skip
    done.write_text(f"{transactions}\n", encoding="utf-8")
    return ledger


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    chosen = parser.parse_args()
    print(write(chosen.folder, chosen.transactions))  # noqa: T201 - run by hand
