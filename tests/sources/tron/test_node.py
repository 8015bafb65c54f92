"""A node of Tron to a ledger: every account adds up, and what the node leaves out is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from module_of import module_of
from tron_grid import TronGridServer, served
from tron_world import World, account, approved, base58, moved

from chainwatch.errors import ChainError, ChainwatchError, InputError, NoAnswer, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import SAFE, events_of
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import open_ledger
from chainwatch.net.policy import use_network
from chainwatch.sources.tron.node import TronNode
from chainwatch.sources.tron.source import TronGrid
from chainwatch.sources.tron.totals import balance
from chainwatch.tracing.actions.freezes import Freezes

TRX = 1_000_000
USDT = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
TABLES = {table.name: table for table in schema.TABLES}
ADDED = "42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc"
REMOVED = "d7e9ec6e6ecd65492dce6bf513cd6867560d49544421d0783ddf06e76c24470c"
DESTROYED = "61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6"


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "asked.jsonl"
    with use_network(log_file=path), stamina.set_testing(True, attempts=3, cap=True):
        yield path


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def busy() -> World:
    made: World = module_of("sources/tron/test_trongrid").busy()
    return made


def of(name: str) -> bytes:
    return b"\x11" + bytes.fromhex(account(name))[1:]


def batches(server: TronGridServer, **more: Any) -> list[Batch]:
    with served(server) as url:
        return list(TronNode(url, **more).batches(Empty()))


def table(found: list[Batch], name: str) -> pl.DataFrame:
    frames = [one.tables[name] for one in found if name in one.tables]
    return pl.concat([TABLES[name].empty(), *frames])


def test_every_account_adds_up() -> None:
    """TRX and tokens, of everybody who stands in a block: as the rules of the chain give them."""
    world = busy()
    found = batches(TronGridServer(world))
    everybody = {b"\x11" + bytes.fromhex(one)[1:]: held for one, held in world.spendable.items()}
    tables = {name: table(found, name) for name in ("transfers", "stakes")}
    assert len(everybody) >= 5
    for whose, held in everybody.items():
        assert balance(tables, whose) == held, whose
    tokens = tables["transfers"].filter(pl.col("kind").is_in(["trc20", "trc721"]))
    for (contract, whose), held in world.held.items():
        key, who = (b"\x11" + bytes.fromhex(one)[1:] for one in (contract, whose))
        mine = tokens.filter(contract=key)
        wide = sum(int(one, 16) if way else -int(one, 16) for one, way in mine.filter(
            pl.col("amount_hex").is_not_null() & pl.any_horizontal(
                pl.col("sender", "receiver") == who)
        ).select("amount_hex", pl.col("receiver") == who).iter_rows())  # fmt: skip
        got, gave = (sum(map(int, mine.filter(pl.col(side) == who)["amount"].drop_nulls()))
                     for side in ("receiver", "sender"))  # fmt: skip
        assert got - gave + wide == held


def test_the_same_movements_as_by_address(tmp_path: Path) -> None:
    """Blocks know the place of everything; in all that both know they say the same."""
    server = TronGridServer(busy())
    with served(server) as url:
        pull(tmp_path / "blocks", TronNode(url))
        pull(tmp_path / "grid", TronGrid(url, [base58(account(name)) for name in ("ann", "bob")]))
    blocks, grid = (open_ledger(tmp_path / name) for name in ("blocks", "grid"))
    both = ["txid", "kind", "trace_path", "contract", "sender", "receiver", "amount", "amount_hex",
            "token_id", "time", "height", "success"]  # fmt: skip
    ours = [of("ann"), of("bob")]
    for name, known in (("transfers", both), ("stakes", [
        one for one in schema.STAKES.schema if one not in ("chain", "tx")])):  # fmt: skip
        whose = ("sender", "receiver") if name == "transfers" else ("address",)
        one, other = (
            it.table(name).filter(pl.any_horizontal(pl.col(side).is_in(ours) for side in whose))
            .select(known).collect() for it in (blocks, grid)
        )  # fmt: skip
        if name == "transfers":  # lists of tokens and calls do not tell the height
            one, other = (it.drop("height") for it in (one, other))
        assert one.sort(one.columns).equals(other.sort(other.columns))
    assert check(blocks).ok
    placed = blocks.transfers.collect()
    assert placed["tx"].null_count() == 0
    assert not placed.filter(pl.col("log_index").is_not_null())["order_uncertain"].any()


def test_a_history_after_the_blocks_counts_nothing_twice(tmp_path: Path) -> None:
    """Lists tell no place of a movement of tokens: it is the one that the blocks have."""
    world = busy()
    with served(TronGridServer(world)) as url:
        pull(tmp_path / "l", TronNode(url))
        before = open_ledger(tmp_path / "l")
        report = pull(tmp_path / "l", TronGrid(url, [base58(account("ann"))]))
    after = open_ledger(tmp_path / "l")
    assert report.units == 1
    for name in ("transfers", "stakes", "approvals"):
        assert after.digest(name) == before.digest(name)


def test_blocks_after_a_history_are_refused(tmp_path: Path) -> None:
    """What is kept without its place cannot be given one, and must not stand there twice."""
    with served(TronGridServer(busy())) as url:
        pull(tmp_path / "l", TronGrid(url, [base58(account("ann"))]))
        before = open_ledger(tmp_path / "l").digests()
        with pytest.raises(InputError, match="which the ledger holds without"):
            pull(tmp_path / "l", TronNode(url))
    assert open_ledger(tmp_path / "l").digests() == before


def test_a_node_that_keeps_no_calls_says_so() -> None:
    """Without them balances are not known: coverage has no unit of them, and a note tells it."""
    server = TronGridServer(busy())

    def without(asked: str, value: Any) -> Any:
        if "infobyblocknum" in asked:
            return [{name: one for name, one in info.items() if name != "internal_transactions"}
                    for info in value]  # fmt: skip
        return value

    with_calls = batches(server)
    server.change = without
    found = batches(server)
    assert any("saveInternalTx" in note for one in found for note in one.notes)
    kinds = table(found, "coverage")
    read = table(with_calls, "coverage")
    assert kinds.filter(kind="internal").height < read.filter(kind="internal").height
    assert kinds.filter(kind="block").height == read.filter(kind="block").height
    told = batches(server, internal=True)
    assert table(told, "coverage").filter(kind="internal").height == kinds.filter(
        kind="block"
    ).height  # fmt: skip


def frozen(topic: str, name: str, amount: int | None = None) -> dict[str, Any]:
    """Return the log of an issuer of what it did to an address."""
    words = [account(name)[2:].rjust(64, "0")]
    words += [] if amount is None else [f"{amount:064x}"]
    indexed = amount is None
    return {"address": USDT[2:], "topics": [topic, *(words if indexed else [])],
            "data": "" if indexed else "".join(words), "name": "", "result": {}}  # fmt: skip


def test_what_an_issuer_froze(tmp_path: Path) -> None:
    from chainwatch.addresses.assets import token

    world = World()
    world.call("tether", "coin", logs=[frozen(ADDED, "ann"), frozen(ADDED, "bob")])
    world.call("tether", "coin", logs=[frozen(DESTROYED, "ann", 700), frozen(REMOVED, "bob")])
    with served(TronGridServer(world)) as url:
        pull(tmp_path / "l", TronNode(url))
    ledger = open_ledger(tmp_path / "l")
    found = ledger.freezes.collect().sort("tx", "log_index")
    assert found.select("address", "action", "amount").rows() == [
        (of("ann"), "freeze", None), (of("bob"), "freeze", None), (of("ann"), "destroy", 700),
        (of("bob"), "unfreeze", None),
    ]  # fmt: skip
    [gone] = ledger.transfers.filter(kind="destroy").collect().rows(named=True)
    assert (gone["sender"], gone["receiver"][1:], gone["amount"]) == (of("ann"), bytes(20), 700)
    usdt = token("tron", base58(USDT), "USDT", 6)
    assert Freezes.of(ledger, usdt).frozen() == {of("ann")}


def test_logs_of_listed_events_are_kept_word_for_word(tmp_path: Path) -> None:
    """Their place is that in their transaction; what failed logged nothing."""
    added = next(one.topic.hex() for one in events_of(SAFE) if one.text.startswith("Added"))
    other = "22" * 32
    told = {
        "address": account("coin")[2:],
        "topics": [added, other],
        "data": "00ff",
        "name": "AddedOwner",
        "result": {},
    }
    world = World()
    world.call("ann", "coin", logs=[moved("coin", "ann", "bob", 5), told])
    with served(TronGridServer(world)) as url:
        pull(tmp_path / "l", TronNode(url))
        assert not pull(tmp_path / "l", TronNode(url)).commits
    ledger = open_ledger(tmp_path / "l")
    [row] = ledger.contract_logs.collect().rows(named=True)
    assert (row["contract"], row["log_index"]) == (of("coin"), 1)
    assert [row[f"topic{n}"] for n in range(4)] == [
        bytes.fromhex(added), bytes.fromhex(other), None, None]  # fmt: skip
    assert row["data"] == bytes.fromhex("00ff")
    places = ledger.transfers.filter(kind="trc20").select("tx", "height", "time").collect()
    assert {name: row[name] for name in ("tx", "height", "time")} == places.row(0, named=True)
    assert [run.last for run in log_runs(ledger, "tron:0x2b6653dc")] == [
        int(ledger.blocks.select(pl.col("height").max()).collect().item())]  # fmt: skip
    assert check(ledger).ok


@pytest.mark.parametrize("wrong", [{"data": "zz"}, {"data": "abc"}, {"topics": ["33" * 32] * 5}])
def test_what_no_contract_can_log_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    added = next(one.topic.hex() for one in events_of(SAFE) if one.text.startswith("Added"))
    told = {
        "address": account("coin")[2:],
        "topics": [added],
        "data": "",
        "name": "AddedOwner",
        "result": {},
        **wrong,
    }
    if len(told["topics"]) > 1:
        told["topics"] = [added, *told["topics"][1:]]
    world = World()
    world.call("ann", "coin", logs=[told])
    with served(TronGridServer(world)) as url, pytest.raises(SourceError, match="no contract can"):
        pull(tmp_path / "l", TronNode(url))


def test_authority_over_tokens() -> None:
    found = table(batches(TronGridServer(busy())), "approvals")
    [one] = found.rows(named=True)
    assert (one["owner"], one["spender"], one["granted"]) == (of("ann"), of("shop"), True)
    assert (one["amount"], one["amount_hex"]) == (None, hex(2**256 - 1))


def test_a_log_that_decodes_to_nonsense_gives_no_row() -> None:
    world = World()
    short = moved("coin", "a", "b", 1)
    short["topics"] = short["topics"][:2]
    dirty = moved("coin", "a", "b", 1)
    dirty["topics"][1] = "ff" * 32
    world._log = lambda *_: None  # type: ignore[method-assign]  # the world cannot read them either
    world.call("ann", "coin", logs=[short, dirty, moved("coin", "a", "b", 5)])
    found = batches(TronGridServer(world))
    token = table(found, "transfers").filter(kind="trc20")
    assert token.select("amount", "log_index").rows() == [(5, 2)]
    assert any("2 logs have not the form" in note for one in found for note in one.notes)


def test_a_span_and_what_is_held_already(tmp_path: Path) -> None:
    server = TronGridServer(busy())
    with served(server) as url:
        pull(tmp_path / "l", TronNode(url, span=(3, 6)))
        server.asked.clear()
        report = pull(tmp_path / "l", TronNode(url, span=(2, 8)))
        assert sum("gettransactioninfo" in line for line in server.asked) == 3
        pull(tmp_path / "m", TronNode(url, span=(2, 8)))
    assert report.skipped == 9  # three blocks, the calls in them, and their logs
    one, two = (open_ledger(tmp_path / name) for name in ("l", "m"))
    for name in ("blocks", "transfers", "stakes"):
        assert one.digest(name) == two.digest(name)
    assert one.blocks.collect()["height"].sort().to_list() == [2, 3, 4, 5, 6, 7]


def test_no_further_than_what_is_final() -> None:
    found = batches(TronGridServer(busy(), final=4), span=(0, 99))
    assert table(found, "blocks")["height"].max() == 4
    assert any("final has height 4" in note for one in found for note in one.notes)


def test_another_chain() -> None:
    with pytest.raises(ChainError, match="no chain of Tron"):
        TronNode("http://127.0.0.1", chain="btc")
    world = busy()
    world.blocks[0]["blockID"] = world.blocks[0]["blockID"][:-8] + "94a9059e"
    with pytest.raises(ChainError, match="94a9059e"):
        batches(TronGridServer(world))


# Faults ------------------------------------------------------------------------------------------

BLOCK, INFOS = '/wallet/getblockbynum {"num":5}', '/wallet/gettransactioninfobyblocknum {"num":5}'


def told(which: str, change: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    def changed(asked: str, value: Any) -> Any:
        if which not in asked:
            return value
        copied = json.loads(json.dumps(value))
        made = change(copied)
        return copied if made is None else made

    return changed


LIES: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "a block of another height": (told(BLOCK, lambda it: it["block_header"]["raw_data"].update(
        number=9)), "begin with its height"),
    "a block again under another number": (
        told(BLOCK, lambda it: it.update(blockID="0" * 15 + "4" + "1" * 48) or it[
            "block_header"]["raw_data"].update(number=4)), "another block"),
    "a parent that is another": (told(BLOCK, lambda it: it["block_header"]["raw_data"].update(
        parentHash="11" * 32)), "not the child"),
    "a parent of the wrong type": (told(BLOCK, lambda it: it["block_header"]["raw_data"].update(
        parentHash=7)), "form of Tron"),
    "a time after the tip": (told(BLOCK, lambda it: it["block_header"]["raw_data"].update(
        timestamp=4_000_000_000_000)), "another block"),
    "no block": (told(BLOCK, lambda it: {}), "form of Tron"),
    "a block that is a text": (told(BLOCK, lambda it: b'"block"'), "form of Tron"),
    "half a block, cut": (told(BLOCK, lambda it: json.dumps(it).encode()[:-20]), "no JSON"),
    "a transaction twice": (told(BLOCK, lambda it: it.update(
        transactions=it["transactions"] * 2)), "not of the transactions"),
    "a transaction that is left out": (told(BLOCK, lambda it: it.update(transactions=[])),
                                       "not of the transactions"),
    "bytes of another transaction": (told(BLOCK, lambda it: it["transactions"][0].update(
        raw_data_hex="00")), "do not hash"),
    "what came of it is left out": (told(INFOS, lambda it: []), "not of the transactions"),
    "what came of it twice": (told(INFOS, lambda it: it * 2), "not of the transactions"),
    "what came of another": (told(INFOS, lambda it: it[0].update(id="22" * 32)),
                             "not of the transactions"),
    "what came of it in another block": (told(INFOS, lambda it: it[0].update(blockNumber=4)),
                                         "another block"),
    "a fee beyond 2**63": (told(INFOS, lambda it: it[0].update(fee=2**63)), "form of Tron"),
    "a fee of the wrong type": (told(INFOS, lambda it: it[0].update(fee="much")), "form of Tron"),
    "a log of no contract": (told(INFOS, lambda it: it[0].update(
        log=[{"address": "zz", "topics": [ADDED], "data": ""}])), "no address"),
    "a topic cut short": (told(INFOS, lambda it: it[0].update(
        log=[{"address": "11" * 20, "topics": ["dd"], "data": ""}])), "form of Tron"),
    "an object in place of a list": (told(INFOS, lambda it: {"a": 1}), "form of Tron"),
    "a call of nobody": (told(INFOS, lambda it: it[0].update(internal_transactions=[
        {"hash": "33" * 32, "caller_address": "nobody", "transferTo_address": account("ann"),
         "callValueInfo": [{"callValue": 1}]}])), "no address"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_an_error_and_no_wrong_row(lie: str) -> None:
    change, words = LIES[lie]
    server = TronGridServer(busy())
    server.change = change
    with pytest.raises(ChainwatchError, match=words) as caught:
        batches(server, span=(3, 8))
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.fault
@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_trouble_that_stays_is_an_error(status: int, after: int) -> None:
    server = TronGridServer(busy())
    turns = iter(range(10**6))
    server.change = lambda _, value: value if next(turns) < after else (status, {"Error": "no"})
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1"):
        batches(server)


def test_approvals_are_no_movements() -> None:
    world = World()
    world.call("ann", "coin", logs=[approved("coin", "ann", "bob", 0)])
    [one] = table(batches(TronGridServer(world)), "approvals").rows(named=True)
    assert one["granted"] is False


@pytest.mark.fault
@pytest.mark.parametrize("height", [3, 5, 7])
def test_two_answers_to_one_question_are_no_two_blocks(tmp_path: Path, height: int) -> None:
    """A node that tells a block otherwise the second time: the ledger keeps one story of it."""
    world = busy()
    with served(TronGridServer(world)) as url:
        pull(tmp_path / "l", TronNode(url, timeout=5.0))
    before = open_ledger(tmp_path / "l").digests()
    server = TronGridServer(world)
    server.change = told(
        f'/wallet/gettransactioninfobyblocknum {{"num":{height}}}',
        lambda it: it[0].update(fee=it[0].get("fee", 0) + 7),
    )
    with served(server) as url:
        again = pull(tmp_path / "l", TronNode(url, timeout=5.0))
    assert again.units == 0
    assert open_ledger(tmp_path / "l").digests() == before
