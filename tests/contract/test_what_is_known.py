"""Two hundred small chains, read in part by many ways: all that speak of an output say the same.

What is known is worked out anew here, plainly, height by height: of an output without a spender a
height is *closed* if its block was read whole, or if a whole history of its owner ends there or
above. It is unspent as of the last height of the closed ones that begin with its own.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
import regtest_chain as maker

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.block import Block, parse_block
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.spent import spent_by
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ingest.pull import pull
from chainwatch.ingest.rows.blocks import BlockRows
from chainwatch.ingest.rows.evidence import coverage_frame, time_of, transactions_covered
from chainwatch.ingest.rows.transactions import TransactionRows
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import read_to, unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary
from chainwatch.ledger.output_status import owner_key
from chainwatch.sources.block_files import BlockFiles
from chainwatch.tracing.result import Trace, ends_finding
from chainwatch.tracing.trace import trace

CHAINS, PULLED = 200, 8
BARE = b"\x21\x02" + b"k" * 32 + b"\xac"
OWNERS = [*(maker.p2pkh(200 + k) for k in range(6)), BARE]
Coin = tuple[bytes, int]
Known = tuple[str, int | None]


class At(NamedTuple):
    """A transaction at its place."""

    item: PlacedTx
    inputs: tuple[Coin, ...]
    outputs: tuple[tuple[int, bytes], ...]

    @property
    def height(self) -> int:
        return self.item.height


@dataclass
class World:
    """A chain, and what of it was read.

    Attributes
    ----------
    blocks : list
        Parsed blocks by height.
    txs : dict
        Every transaction by its id.
    whole : set
        Heights whose blocks were read whole.
    claims : list
        Of each history read its owner, its tip, and what its source claims of it.
    asked : list
        Whose histories were read, by script, and up to which block.
    read : dict
        Ids of the transactions read; true where the source told what they spend.
    """

    blocks: list[Block]
    raw: list[bytes]
    txs: dict[bytes, At]
    alias: str
    whole: set[int] = field(default_factory=set)
    claims: list[tuple[str, int, str]] = field(default_factory=list)
    asked: list[tuple[bytes, int]] = field(default_factory=list)
    read: dict[bytes, bool] = field(default_factory=dict)

    def owner(self, coin: Coin) -> bytes:
        return self.txs[coin[0]].outputs[coin[1]][1]

    def spender(self, coin: Coin) -> bytes | None:
        spenders = (txid for txid in self.read if coin in self.txs[txid].inputs)
        return next(spenders, None)

    def last_closed(self, height: int, owner: bytes) -> int | None:
        """Return the last of the closed heights that begin with this one."""
        mine = [(tip, claim) for key, tip, claim in self.claims if key == key_of(owner)]
        doubted = max((tip for tip, claim in mine if claim == "partial"), default=-1)
        ends = [tip for tip, claim in mine if claim == "whole" and tip > doubted]
        end, reached = max(ends, default=-1), height
        while reached < len(self.blocks) and (reached in self.whole or reached <= end):
            reached += 1
        return reached - 1 if reached > height else None

    def known(self, coin: Coin) -> Known:
        """Return what is known of an output of a transaction that was read."""
        if self.spender(coin) is not None:
            return "spent", None
        if self.txs[coin[0]].height == 0 or self.owner(coin)[:1] == b"\x6a":
            return "cannot be spent", None
        end = self.last_closed(self.txs[coin[0]].height, self.owner(coin))
        return ("not known", None) if end is None else ("unspent", end)

    def value_known(self, txid: bytes, coin: Coin) -> bool:
        return self.read[txid] or coin[0] in self.read

    def touching(self, owner: bytes, tip: int) -> list[At]:
        """Return the transactions that pay or spend from an owner, up to a height."""
        return [
            at for at in self.txs.values()
            if at.height <= tip and (
                any(script == owner for _, script in at.outputs)
                or any(self.owner(coin) == owner for coin in at.inputs)
            )
        ]  # fmt: skip

    def balance(self, owner: bytes, tip: int) -> int:
        """Return what an owner holds at a height, by the whole chain, read or not."""
        inside = [at for at in self.txs.values() if at.height <= tip]
        gone = {coin for at in inside for coin in at.inputs}
        return sum(
            value
            for at in inside
            for n, (value, script) in enumerate(at.outputs)
            if script == owner and (at.item.tx.txid, n) not in gone
        )


def key_of(script: bytes) -> str:
    return owner_key(classify(script).address, script)


def chain_blocks(rng: random.Random) -> list[bytes]:
    """Return a chain: payments of one to three coins, some spent in the block that made them."""
    made = maker.Chain()
    coins: list[tuple[bytes, int, int]] = []
    for _ in range(rng.randint(4, 9)):
        txs: list[maker.Made] = []
        for _ in range(rng.randint(0, 3)):
            rng.shuffle(coins)
            count = rng.randint(1, 2)
            spent, coins = coins[:count], coins[count:]
            if not spent:
                continue
            left, outputs = sum(value for *_, value in spent) - rng.randint(0, 50), []
            for _ in range(rng.randint(1, 3)):
                value = rng.randint(1, max(left // 2, 1))
                if left - value < 1:
                    break
                outputs.append((value, rng.choice(OWNERS)))
                left -= value
            if rng.random() < 0.2:
                outputs.append((min(left, 5), b"\x6a\x01x"))
            tx = maker.spend([coin[:2] for coin in spent], outputs or [(0, b"\x6a\x01y")])
            coins += [
                (tx.txid, n, value)
                for n, (value, script) in enumerate(outputs)
                if script[:1] != b"\x6a"
            ]
            txs.append(tx)
        made.add(txs)
        coins.append(made.coins[-1])
    return made.blocks


def world_of(rng: random.Random) -> World:
    raw = chain_blocks(rng)
    alias = rng.choice(["btc-regtest", "btc-regtest", "bch-regtest"])
    blocks = [parse_block(data, chain_of("btc-regtest"), name="made") for data in raw]
    if (
        alias == "bch-regtest"
    ):  # since 2018 the order in a block is free, and a spend may stand first
        for block in blocks:
            rest = block.txs[1:]
            rng.shuffle(rest)
            block.txs[1:] = rest
    txs = {}
    for height, block in enumerate(blocks):
        for position, tx in enumerate(block.txs):
            inputs = tuple((txid, n) for txid, n, _ in tx.inputs) if position else ()
            item = PlacedTx(tx, block.header, height, position)
            txs[tx.txid] = At(item, inputs, tuple(tx.outputs))
    return World(blocks, raw, txs, alias)


def read_by(world: World, rng: random.Random) -> Ledger:
    """Read some of a chain by one to four ways, in the order in which they come."""
    parts: list[dict[str, pl.DataFrame]] = []
    ways = [rng.choice([blocks_read, history_read, history_read, single_read])
            for _ in range(rng.randint(1, 5))]  # fmt: skip
    for way in ways:
        parts.append(way(world, rng))
    tables = {}
    for table in schema.TABLES:
        frames = [part[table.name] for part in parts if table.name in part]
        rows = pl.concat(frames) if frames else table.empty()
        tables[table.name] = rows.unique(table.key, keep="first", maintain_order=True)
    return Ledger.from_tables(tables)


def blocks_read(world: World, rng: random.Random) -> dict[str, pl.DataFrame]:
    """Read a run of blocks, or all, or single ones, in either order."""
    last = len(world.blocks) - 1
    first = rng.choice([0, rng.randint(0, last)])
    heights = list(range(first, rng.choice([last, rng.randint(first, last)]) + 1))
    if rng.random() < 0.3:
        heights = sorted(rng.sample(heights, rng.randint(1, len(heights))))
    if rng.random() < 0.5:
        heights.reverse()
    rows = BlockRows(chain_of(world.alias), source="files")
    for height in heights:
        rows.add(world.blocks[height], height, bytes(32))
        world.whole.add(height)
        for tx in world.blocks[height].txs:
            world.read.setdefault(tx.txid, False)
    return rows.frames()


def history_read(world: World, rng: random.Random) -> dict[str, pl.DataFrame]:
    """Read the history of an address or script: whole, in part, or of an unknown height."""
    last = len(world.blocks) - 1
    script, tip = rng.choice(OWNERS), max(rng.randint(0, last) for _ in range(2))
    claim = rng.choice(["whole", "whole", "whole", "newest", "partial", "undated"])
    if world.asked and rng.random() < 0.3:  # another server, or the same one anew
        script, tip = rng.choice(world.asked)
    world.asked.append((script, tip))
    listed = world.touching(script, tip)
    if claim in ("newest", "partial"):
        listed = rng.sample(listed, rng.randint(0, len(listed)))
    kind, _, name = key_of(script).partition("/")
    block = world.blocks[tip].hash
    unit = f"{kind}/{name}/{block[::-1].hex()}"
    row = {
        "chain": chain_of(world.alias).id, "kind": kind, "address": classify(script).address,
        "unit": unit if claim == "whole" else f"{unit}/{claim}/{len(listed)}",
        "height": None if claim == "undated" else tip,
        "block": None if claim == "undated" else block,
        "complete": claim in ("whole", "undated"), "source": "server", "answer": bytes(32),
        "to_time": time_of(world.blocks[tip].header),
    }  # fmt: skip
    world.claims.append((key_of(script), tip, claim))
    units = pl.concat([coverage_frame([row]), covered(world, listed)])
    return transactions_read(world, listed, told=rng.random() < 0.5) | {"coverage": units}


def single_read(world: World, rng: random.Random) -> dict[str, pl.DataFrame]:
    """Read one transaction alone."""
    at = rng.choice(list(world.txs.values()))
    return transactions_read(world, [at], told=False) | {"coverage": covered(world, [at])}


def covered(world: World, listed: list[At]) -> pl.DataFrame:
    """Return the units of transactions that were proven one by one."""
    alone = [(at.item, bytes(32)) for at in listed]
    return transactions_covered(alone, chain_of(world.alias), source="server")


def transactions_read(world: World, listed: list[At], *, told: bool) -> dict[str, pl.DataFrame]:
    """Return the rows of transactions; where ``told``, the server says what they spend."""
    network = chain_of(world.alias)
    rows = TransactionRows(network)
    made = {txid: at.item.tx.outputs for txid, at in world.txs.items()}
    for at in listed:
        spent = spent_by(at.item.tx, made, network) if told and at.item.position else None
        rows.add(at.item, spent)
        world.read.setdefault(at.item.tx.txid, told)
    return rows.frames()


def made_up(seed: int) -> tuple[World, Ledger, random.Random]:
    rng = random.Random(seed)  # noqa: S311 - the same chains in every run
    world = world_of(rng)
    return world, read_by(world, rng), rng


def pulled(seed: int, folder: Path) -> tuple[World, Ledger, random.Random]:
    """Read a chain from files of blocks, in either order and sometimes from the middle on."""
    rng = random.Random(f"pulled {seed}")  # noqa: S311 - the same in every run
    world = world_of(rng)
    while world.alias == "bch-regtest":
        world = world_of(rng)
    first = rng.choice([0, 0, rng.randint(1, len(world.raw) - 1)])
    order = world.raw[first:] if seed % 2 else world.raw[:first:-1] + world.raw[first : first + 1]
    path = folder / f"{seed}.dat"
    path.write_bytes(maker.framed(*order))
    pull(folder / f"ledger {seed}", BlockFiles(path, chain="btc-regtest"))
    world.whole = set(range(first, len(world.raw)))
    world.read = {tx.txid: False for height in world.whole for tx in world.blocks[height].txs}
    return world, open_ledger(folder / f"ledger {seed}"), rng


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[World, Ledger, random.Random]]:
    """All chains; each test asks other things of them."""
    folder = tmp_path_factory.mktemp("pulled")
    made = [made_up(seed) for seed in range(CHAINS - PULLED)]
    return [*made, *(pulled(seed, folder) for seed in range(PULLED))]


Cases = list[tuple[World, Ledger, random.Random]]


def test_the_chains_are_of_every_kind(cases: Cases) -> None:
    """Else the others show nothing."""
    counts: dict[str, int] = defaultdict(int)
    for world, _, _ in cases:
        for txid in world.read:
            for n in range(len(world.txs[txid].outputs)):
                status, end = world.known((txid, n))
                counts[status] += 1
                counts["above its run"] += end is not None and end not in world.whole
                counts["not the tip"] += end is not None and end + 1 < len(world.blocks)
    assert min(counts.values()) > 50, dict(counts)


def test_show_says_of_each_output_what_is_known(cases: Cases) -> None:
    for seed, (world, ledger, rng) in enumerate(cases):
        for txid in rng.sample(sorted(world.read), min(3, len(world.read))):
            rows = transaction_summary(ledger, txid, world.alias).outputs
            said = rows.select("status", "as_of").rows()
            assert said == [world.known((txid, n)) for n in range(rows.height)], seed


def test_show_gives_a_balance_where_nothing_can_be_missing(cases: Cases) -> None:
    given = 0
    for seed, (world, ledger, rng) in enumerate(cases):
        script = rng.choice(OWNERS[:-1])
        address = classify(script).address
        found = address_summary(ledger, address or b"", world.alias)
        end = world.last_closed(0, script)
        last = max((at.height for at in mine_read(world, script)), default=0)
        if end is None or end < last:
            assert (found.complete, found.balance, found.read_to) == (False, None, None), seed
            continue
        given += 1
        assert found.complete, seed
        assert found.read_to.height == end, seed
        assert found.balance == world.balance(script, end), seed
    assert given > 50


def mine_read(world: World, script: bytes) -> list[At]:
    """Return the transactions read of which it is known that they name an owner."""
    found = []
    for txid, at in ((txid, world.txs[txid]) for txid in world.read):
        spends = (world.owner(coin) == script and world.value_known(txid, coin)
                  for coin in at.inputs)  # fmt: skip
        if any(script == other for _, other in at.outputs) or any(spends):
            found.append(at)
    return found


def test_a_trace_ends_where_and_as_of_what_is_known(cases: Cases) -> None:
    seen: dict[str, int] = defaultdict(int)
    for seed, (world, ledger, rng) in enumerate(cases):
        subject = classify(rng.choice(OWNERS[:-1])).address
        followed = trace(ledger, [subject or b""], policy="fifo", chain=world.alias)
        for row in followed.ends.filter(pl.col("n") >= 0).iter_rows(named=True):
            status, end = known = world.known((row["txid"], row["n"]))
            kind = row["reason"] + row["detail"].partition(":")[0] * (row["reason"] == "not read")
            seen[kind] += 1
            if row["reason"] == "unspent":
                assert known == ("unspent", row["as_of"]), seed
                assert row["as_of_time"] == time_of(world.blocks[end or 0].header), seed
            elif row["reason"] == "burnt":
                assert status == "cannot be spent", seed
            elif row["detail"].startswith("another input"):
                assert status == "spent", seed
            else:
                assert row["detail"].startswith("no spender was read: "), seed
                assert status == "not known", seed
        assert_told(followed, seed)
    assert len(seen) == 4, seen


def assert_told(followed: Trace, seed: int) -> None:
    """The report's table and sentence of the ends are those of the trace."""
    finding = ends_finding(followed)
    held = followed.ends.filter(pl.col("reason") == "unspent")
    rows = finding.rows.frame.filter(pl.col("reason") == "unspent")
    assert rows["ends"].sum() == held.height, seed
    if held.height:
        first, last = held["as_of"].min(), held["as_of"].max()
        assert f"as of block {first} (" in finding.headline, seed
        assert first == last or f"up to block {last} (" in finding.headline, seed


def test_check_finds_nothing_wrong_and_counts_what_it_cannot_judge(cases: Cases) -> None:
    for seed, (world, ledger, _) in enumerate(cases[::8]):
        report = check(ledger)
        assert report.ok, (seed, report.frame.filter(pl.col("failed") > 0).to_dicts())
        fees = report.frame.filter(pl.col("name") == "fee")["unread"].sum()
        lacking = [
            txid for txid in world.read
            if not all(world.value_known(txid, coin) for coin in world.txs[txid].inputs)
        ]  # fmt: skip
        assert fees == len(lacking), seed


def test_what_is_unread_is_counted(cases: Cases) -> None:
    for seed, (world, ledger, _) in enumerate(cases[::2]):
        facts = {row[0]: row[2:] for row in unread(ledger).rows()}
        coins = [
            (txid, n, value)
            for txid in world.read
            for n, (value, _) in enumerate(world.txs[txid].outputs)
            if world.known((txid, n))[0] == "not known"
        ]
        count, amount, _ = facts["outputs not known to be spent or not"]
        assert (count, amount) == (len(coins), sum(value for *_, value in coins)), seed
        inputs = [
            coin for txid in world.read for coin in world.txs[txid].inputs
            if not world.value_known(txid, coin)
        ]  # fmt: skip
        assert facts["inputs"][0] == len(inputs), seed
        later, value, note = facts["later blocks"]
        assert (later, value) == (None, None), seed
        if world.whole:
            assert f"block {max(world.whole)} (" in note, seed
            assert read_to(ledger, world.alias)[0].height == max(world.whole), seed
