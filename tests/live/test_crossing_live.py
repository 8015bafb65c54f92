"""Two real development nodes and a bridge between them: a theft followed from one to the other.

Coins go into a contract on one chain, which logs a message; an operator lets a contract on the
other pay them out and log it. What is found is held to what the nodes say of balances and logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from evm_contracts import LOGS_ALL, PAYS_AND_LOGS, deployed
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.tags import make_tags
from chainwatch.ledger.accounts.contract_events import LOGS
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.tracing.crossings.across_tables import FOLLOWED
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID
from chainwatch.tracing.crossings.tables import BY_AMOUNT, CROSSED, NOT_MATCHED

node_of = module_of("live/anvil_node")
LEDGER_TABLES = ("blocks", "transactions", "transfers", "coverage")
START, ETHER = 1_700_000_000, 10**18
HERE, THERE = "eth-dev", "eth-sepolia"
SENT = "85496b760a4b7f8d66384b9df21b381f5d1b1e79f229a47aaf4c232edc2fe59a"
RECEIVED = "efed6d3500546b29533b128a29e3a94d70788727f0507505ac12eaf2e578fd9c"
THIEF, MULE, CASHIER, OTHER = ("0x" + digits * 20 for digits in ("7a", "7b", "7c", "7d"))


@dataclass
class Pair:
    """Both nodes, the gates of the bridge, and its operator on the other side."""

    here: Any
    there: Any
    gate_in: str
    gate_out: str
    operator: str

    @property
    def bridges(self) -> dict[str, dict[str, list[str]]]:
        return {"ferry": {HERE: [self.gate_in], THERE: [self.gate_out, self.operator]}}

    def deposit(self, who: str, guid: int, amount: int, at: int) -> str:
        word = node_of.word
        due = amount * 199 // 200
        data = "0x" + SENT + word(guid) + word(who) + word(9) + word(amount) + word(due)
        self.here("evm_setNextBlockTimestamp", START + at)
        return str(self.here.send(who, self.gate_in, data, amount))

    def pay_out(self, to: str, guid: int, amount: int, at: int) -> str:
        word = node_of.word
        data = "0x" + RECEIVED + word(guid) + word(to) + word(8) + word(amount)
        self.there("evm_setNextBlockTimestamp", START + at)
        return str(self.there.send(self.operator, self.gate_out, data, amount))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Yield two chains: two cross with equal amounts at one time, and one of them is a thief."""
    folders = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    options = ("--timestamp", str(START), "--chain-id")
    with (
        node_of.running(folders[0], *options, "31337") as here,
        node_of.running(folders[1], *options, "11155111") as there,
    ):
        people, operator = here("eth_accounts"), there("eth_accounts")[3]
        gates = here.deploy(people[0], deployed(LOGS_ALL)), there.deploy(
            operator, deployed(PAYS_AND_LOGS))  # fmt: skip
        for node, who in ((here, THIEF), (here, OTHER), (there, MULE)):
            node("anvil_impersonateAccount", who)
        made = Pair(here, there, *gates, operator)
        here("evm_setNextBlockTimestamp", START + 100)
        here.send(people[1], THIEF, "0x", 5 * ETHER)
        here.send(people[2], OTHER, "0x", 5 * ETHER)
        made.deposit(THIEF, 1, 2 * ETHER, 200)
        made.deposit(OTHER, 2, 2 * ETHER, 201)
        made.pay_out(CASHIER, 2, 199 * ETHER // 100, 800)
        made.pay_out(MULE, 1, 199 * ETHER // 100, 900)
        there("evm_setNextBlockTimestamp", START + 1_000)
        there.send(MULE, CASHIER, "0x", ETHER)
        for node in (here, there):
            node("evm_setNextBlockTimestamp", START + 20_000)
            node("evm_mine")
        yield made


@pytest.fixture(scope="module")
def ledgers(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> list[Ledger]:
    found = []
    for node, chain in ((pair.here, HERE), (pair.there, THERE)):
        folder = tmp_path_factory.mktemp(chain) / "ledger"
        cw.pull(folder, cw.EvmBlocks(node.url, chain=chain), progress=False)
        found.append(cw.open_ledger(folder))
    return found


@pytest.fixture(scope="module")
def without_logs(ledgers: list[Ledger]) -> list[Ledger]:
    """Return the same ledgers, as a source that tells no logs would have made them."""
    found = []
    for ledger in ledgers:
        tables = {name: getattr(ledger, name).collect() for name in LEDGER_TABLES}
        tables["coverage"] = tables["coverage"].filter(pl.col("kind") != LOGS)
        found.append(Ledger.from_tables(tables))
    return found


@pytest.fixture(scope="module")
def messages(pair: Pair) -> pl.DataFrame:
    """Return what both nodes give as logs, asked with nothing of chainwatch."""
    found = []
    for node, chain in ((pair.here, HERE), (pair.there, THERE)):
        logs = node("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        rows = [
            {"address": one["address"], "transaction_hash": one["transactionHash"],
             "data": one["data"], "topics": one["topics"]}
            for one in logs
        ]  # fmt: skip
        found.append(cw.messages_of_logs(pl.DataFrame(rows), chain, pair.bridges))
    return pl.concat(found)


def coins() -> list[tuple[Any, ...]]:
    return [(cw.native(HERE), cw.native(THERE))]


def test_the_logs_of_both_nodes_are_read(messages: pl.DataFrame) -> None:
    told = messages.select("scheme", "side", "id").sort("id", "side")
    ids = [f"{n:064x}" for n in (1, 2)]
    assert list(told.iter_rows()) == [
        ("layerzero", side, id_) for id_ in ids for side in ("received", "sent")
    ]


def test_equal_amounts_at_one_time_are_told_apart_by_the_messages_alone(
    pair: Pair, ledgers: list[Ledger], without_logs: list[Ledger], messages: pl.DataFrame
) -> None:
    alone = cw.crossings(without_logs, bridges=pair.bridges, assets=coins())
    assert set(alone.frame["result"]) == {NOT_MATCHED}
    assert alone.frame["candidates"].to_list() == [2, 2]
    found = cw.crossings(without_logs, bridges=pair.bridges, assets=coins(), messages=messages)
    kept = cw.crossings(ledgers, bridges=pair.bridges, assets=coins())
    assert kept.frame["payer", "result", "evidence"].equals(
        found.frame["payer", "result", "evidence"]
    )
    assert set(found.frame.select("result", "evidence").iter_rows()) == {(CROSSED, BY_ID)}
    rows = found.plain().join(found.plain("crossing_payouts"), on="crossing", suffix="_out")
    paid = {row["payer"].lower(): row["receiver"].lower() for row in rows.iter_rows(named=True)}
    assert paid == {THIEF: MULE, OTHER: CASHIER}


def test_where_one_message_is_read_the_other_deposit_is_left_with_one_candidate(
    pair: Pair, without_logs: list[Ledger], messages: pl.DataFrame
) -> None:
    half = messages.filter(pl.col("id") == f"{2:064x}")
    found = cw.crossings(without_logs, bridges=pair.bridges, assets=coins(), messages=half)
    assert sorted(found.frame["evidence"]) == [BY_AMOUNT, BY_ID]


def test_a_theft_is_followed_to_the_other_chain(
    pair: Pair, ledgers: list[Ledger], messages: pl.DataFrame
) -> None:
    found = cw.crossings(ledgers, bridges=pair.bridges, assets=coins(), messages=messages)
    cashier = canonical.parse(CASHIER, THERE)
    row = {
        "chain": cw.chain(THERE).id, "address": cashier, "label": "cashier", "actor": "cashier",
        "concept": "exchange", "source": "a test", "confidence": "unknown", "level": 5,
        "pack": "a test",
    }  # fmt: skip
    stop = make_tags(pl.DataFrame([row], schema=TAGS.schema, orient="row"))
    way = cw.trace_across(ledgers, THIEF, found, policy="fifo", asset=cw.native(HERE), stop=[stop])
    assert way.frame["done"].unique().to_list() == [FOLLOWED]
    assert way.frame["evidence"].unique().to_list() == [BY_ID]
    here, there = way.legs
    assert here.amount == 5 * ETHER
    assert int(here.to("ferry")["amount"].sum()) == 2 * ETHER
    held = here.ends.filter(pl.col("reason") == "unspent")
    assert int(held["amount"].sum()) == pair.here.coins(THIEF, pair.here.height)
    assert there.amount == 199 * ETHER // 100
    assert int(there.to("cashier")["amount"].sum()) == ETHER
    left = there.ends.filter(pl.col("reason") == "unspent")
    assert int(left["amount"].sum()) == pair.there.coins(MULE, pair.there.height)
