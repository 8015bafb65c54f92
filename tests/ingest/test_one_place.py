"""One transaction has one time, block and position, and a height one block, whoever tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import evm_chain as evm
import polars as pl
import pytest
from evm_chain import Call, Chain, Node, Tx, address, log, word

from chainwatch.errors import ChainwatchError, InputError
from chainwatch.ingest.one_place import refuse_two_places
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.schema import pack_tx
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.tables.source import KnownTable

ETH, BTC = "eip155:1", "bip122:000000000019d6689c085ae165831e93"
NOON = datetime.fromisoformat("2024-05-01T12:00:00+00:00")
LATER = NOON + timedelta(seconds=1)
PLACED = {"time": NOON, "height": 7, "tx": pack_tx(7, 3)}
BARE = {"time": None, "height": None, "tx": None}


def rows(name: str, *given: dict[str, Any]) -> pl.DataFrame:
    table = next(one for one in schema.TABLES if one.name == name)
    whole = [{column: one.get(column) for column in table.schema} for one in given]
    return pl.DataFrame(whole, schema=table.schema, orient="row")


def transfer(**more: Any) -> pl.DataFrame:
    given = {
        "chain": ETH, "txid": b"\x01" * 32, "kind": "native", "sender": b"\x10" * 21,
        "receiver": b"\x10" + b"\x02" * 20, **PLACED,
    }  # fmt: skip
    return rows("transfers", {**given, **more})


def coin(**more: Any) -> pl.DataFrame:
    given = {"chain": BTC, "txid": b"\x01" * 32, "block": b"\x0b" * 32, "coinbase": False, **PLACED}
    return rows("transactions", {**given, **more})


def unit(source: str, answer: int, **more: Any) -> pl.DataFrame:
    given = {"chain": ETH, "unit": f"dump/{answer}", "kind": "dump", "source": source}
    return rows("coverage", {**given, "answer": bytes([answer]) * 32, **more})


@dataclass
class Held:
    """A ledger of a few rows."""

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def scan(self, name: str) -> pl.LazyFrame:
        return self.tables.get(name, rows(name)).lazy()


def held_to(come: dict[str, pl.DataFrame], held: dict[str, pl.DataFrame], chain: str = ETH) -> None:
    told = {"coverage": unit("theirs", 0xAA, chain=chain)}
    refuse_two_places({"coverage": unit("ours", 0xCC, chain=chain), **come},
                      Held({**told, **held}), chain)  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "other", "words"),
    [
        ("time", LATER, "two times, 2024-05-01 12:00:00 UTC and 2024-05-01 12:00:01 UTC"),
        ("height", 8, "two heights, 7 and 8"),
        ("tx", pack_tx(7, 5), "two positions, 3 and 5"),
    ],
)
@pytest.mark.parametrize("table", ["transfers", "approvals", "freezes", "stakes", "contract_logs"])
def test_two_answers_of_one_transaction_are_refused(
    table: str, fact: str, other: Any, words: str
) -> None:
    """Whatever the tables and kinds: a fee, a token, an authority, a freeze are of one place."""
    told = {**PLACED, fact: other}
    if fact == "height":
        told["tx"] = pack_tx(8, 3)
    mine = {"chain": ETH, "txid": b"\x01" * 32, "kind": "erc20", **told}
    for come, held in ((rows(table, mine), transfer()), (transfer(), rows(table, mine))):
        names = (table, "transfers") if held.columns == transfer().columns else ("transfers", table)
        with pytest.raises(InputError, match=words) as refused:
            held_to({names[0]: come}, {names[1]: held})
        assert f"what comes is told by ours (SHA-256 {'cc' * 32})" in str(refused.value)
        assert f"the ledger by theirs (SHA-256 {'aa' * 32})" in str(refused.value)


@pytest.mark.parametrize("fact", ["time", "height", "tx"])
def test_what_is_not_said_contradicts_nobody(fact: str) -> None:
    for told in (BARE, {**PLACED, fact: None}):
        held_to({"transfers": transfer(**told)}, {"transfers": transfer()})
        held_to({"transfers": transfer()}, {"transfers": transfer(**told)})


def test_two_answers_that_come_together_are_refused() -> None:
    both = pl.concat([transfer(), transfer(kind="erc20", time=LATER)])
    with pytest.raises(InputError, match=r"two times.*; what comes is told by ours"):
        held_to({"transfers": both}, {})


def test_another_chain_says_nothing() -> None:
    held_to({"transfers": transfer()}, {"transfers": transfer(chain="eip155:10", time=LATER)})


def test_a_position_has_one_transaction_and_a_height_one_time() -> None:
    other = {"txid": b"\x02" * 32}
    with pytest.raises(InputError, match=r"two transactions.* at height 7, position 3"):
        held_to({"transfers": transfer(**other)}, {"transfers": transfer()})
    with pytest.raises(InputError, match=r"one height two times.* at height 7"):
        held_to({"transfers": transfer(**other, tx=pack_tx(7, 4), time=LATER)},
                {"transfers": transfer()})  # fmt: skip


@pytest.mark.parametrize("chain", [ETH, BTC])
def test_a_height_has_one_block(chain: str) -> None:
    block = {"chain": chain, "height": 7, "time": NOON}
    one, other = (rows("blocks", {**block, "hash": bytes([n]) * 32}) for n in (1, 2))
    held_to({"blocks": one}, {"blocks": one}, chain)
    with pytest.raises(InputError, match=r"one height two blocks"):
        held_to({"blocks": other}, {"blocks": one}, chain)
    if chain == BTC:
        with pytest.raises(InputError, match=r"one height two blocks"):
            held_to({"transactions": coin()}, {"blocks": one}, chain)


def test_a_transaction_of_coins_has_one_height_but_for_early_coinbases() -> None:
    again = {"height": 9, "tx": pack_tx(9, 0), "block": b"\x0c" * 32}
    with pytest.raises(InputError, match="two heights, 7 and 9"):
        held_to({"transactions": coin(**again)}, {"transactions": coin()}, BTC)
    held_to({"transactions": coin(**again, coinbase=True)},
            {"transactions": coin(coinbase=True)}, BTC)  # fmt: skip
    late = {"coinbase": True, "height": 300_000, "tx": pack_tx(300_000, 0)}
    with pytest.raises(InputError, match="two heights"):
        held_to({"transactions": coin(**late)},
                {"transactions": coin(**late | {"height": 300_001, "tx": pack_tx(300_001, 0)})},
                BTC)  # fmt: skip


def chain_and_dump(seconds: int = 0, height: int = 1, *, bare: bool = False) -> tuple[Chain, str]:
    """Return a chain in which a token changes hands, and a table that tells a second of these."""
    sides = [f"0x{word(address(n))}" for n in (0xAA01, 0xAA02)]
    moved = [log([evm.TRANSFER, *sides], f"0x{word(n)}", evm.TOKEN) for n in (5, 6)]
    chain = Chain(chain_id=1).add().add(Tx(Call(address(0xAA01), evm.TOKEN), moved))
    block = chain.blocks[1]
    when = datetime.fromtimestamp(int(block["timestamp"], 16) + seconds).astimezone()
    cells: dict[str, Any] = {
        "token_address": evm.TOKEN, "from_address": address(0xAA01),
        "to_address": address(0xAA02), "value": 6,
        "transaction_hash": block["transactions"][0]["hash"], "block_number": height,
    }  # fmt: skip
    cells |= {"log_index": 1} if bare else {"log_index": 1, "block_timestamp": when.isoformat()}
    return chain, f"{','.join(cells)}\n{','.join(map(str, cells.values()))}\n"


@pytest.mark.parametrize("table_first", [True, False])
@pytest.mark.parametrize(
    ("more", "words"),
    [({}, ""), ({"bare": True}, ""), ({"seconds": 1}, "time"), ({"height": 2}, "height")],
)
def test_a_table_and_a_node(
    table_first: bool, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    chain, dump = chain_and_dump(**more)
    (tmp_path / "dump.csv").write_text(dump)
    node = EvmBlocks(
        "http://127.0.0.1:8545", chain="eth", transport=Node(chain).transport, names=False
    )
    sources = [KnownTable(tmp_path / "dump.csv", chain="eth"), node]
    for n, source in enumerate(sources if table_first else sources[::-1]):
        if n and words:
            with pytest.raises(ChainwatchError, match=words):
                pull(tmp_path / "ledger", source, progress=False)
        else:
            pull(tmp_path / "ledger", source, progress=False)
    moved = open_ledger(tmp_path / "ledger").transfers.filter(pl.col("kind") == "erc20").collect()
    once = moved["txid"].n_unique(), moved["height"].drop_nulls().n_unique()
    assert once == (1, 1)
    if not words:
        assert sorted(map(int, moved["amount"])) == [5, 6]
