"""TronGrid to a ledger: every movement, balances that add up, refusals, pages, and each fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from tron_grid import TronGridServer, served
from tron_world import ZERO, World, account, approved, base58, moved_unique

from chainwatch.addresses import canonical
from chainwatch.errors import ChainError, ChainwatchError, InputError, NoAnswer, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.pull import PullReport, pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.net.policy import use_network
from chainwatch.sources.tron.source import TronGrid
from chainwatch.sources.tron.totals import balance

TRX = 1_000_000
TABLES = {table.name: table for table in schema.TABLES}


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "asked.jsonl"
    with use_network(log_file=path), stamina.set_testing(True, attempts=3, cap=True):
        yield path


def busy() -> World:
    """Return a world in which two people do all that moves or binds TRX, and tokens."""
    world = World()
    for name in ("ann", "bob"):
        world.mint(name, 10_000 * TRX)
    world.pay("ann", "bob", 5 * TRX, fee=1_100_000)
    world.stake("ann", 1_000 * TRX)
    world.stake("bob", 300 * TRX, "BANDWIDTH")
    world.vote("ann", sr1=600, sr2=400)
    world.lend("ann", "bob", 200 * TRX)
    world.lend("ann", "bob", 200 * TRX, back=True)
    world.unstake("ann", 100 * TRX)
    world.unstake("ann", 50 * TRX, matured=100 * TRX)  # the implicit sweep
    world.reward("ann", 7 * TRX)
    world.withdraw("ann")
    world.unstake("ann", 30 * TRX)
    world.cancel("ann", 20 * TRX, 10 * TRX)
    world.stake_old("bob", 40 * TRX, to="ann")
    world.unstake_old("bob", 40 * TRX)
    world.call("bob", "shop", sent=9 * TRX, fee=345_000,
               passed=[("shop", "ann", 4 * TRX), ("shop", "bob", 1 * TRX)])  # fmt: skip
    world.call("bob", "shop", sent=9 * TRX, fee=200_000, ok=False, passed=[("shop", "ann", TRX)])
    world.token("ann", "coin", ("ann", "bob", 3), ("ann", "bob", 3), ("ann", "cy", 4))
    world.token("cy", "coin", ("cy", "bob", 0))
    world.call("ann", "coin", logs=[approved("coin", "ann", "shop", 2**256 - 1)])
    world.unique.add(account("art"))
    world.call("ann", "art", logs=[moved_unique("art", "ann", "bob", 77)])
    world.token("ann", "coin", ("ann", "bob", 2**200))
    world.numbered("ann", "bob", "1002000", 55)
    return world


def read(url: str, folder: Path, *names: str, **more: Any) -> tuple[Ledger, PullReport]:
    addresses = [base58(account(name)) for name in names]
    report = pull(folder, TronGrid(url, addresses, **more), progress=False)
    return open_ledger(folder), report


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def batches(url: str, *names: str) -> list[Batch]:
    return list(TronGrid(url, [base58(account(name)) for name in names]).batches(Empty()))


def of(name: str) -> bytes:
    return b"\x11" + bytes.fromhex(account(name))[1:]


def rows(ledger: Ledger, table: str, **where: Any) -> pl.DataFrame:
    return ledger.table(table).filter(**where).collect()


def held(ledger: Ledger, name: str) -> int | None:
    return balance({one: rows(ledger, one) for one in ("transfers", "stakes")}, of(name))


@pytest.fixture(scope="module")
def world() -> World:
    return busy()


@pytest.fixture(scope="module")
def pulled(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, PullReport]:
    folder = tmp_path_factory.mktemp("busy")
    with use_network(log_file=folder / "log"), served(TronGridServer(world)) as url:
        return read(url, folder / "l", "ann", "bob")


@pytest.fixture(scope="module")
def ledger(pulled: tuple[Ledger, PullReport]) -> Ledger:
    return pulled[0]


class TestHistory:
    def test_it_says_what_it_leaves_out(self, pulled: tuple[Ledger, PullReport]) -> None:
        ann = base58(account("ann"))
        assert pulled[1].notes == (f"{ann}: 1 approval of tokens, listed without place, in no row",)

    @pytest.mark.parametrize("name", ["ann", "bob"])
    def test_the_balance_adds_up_to_the_node_s(
        self, ledger: Ledger, world: World, name: str
    ) -> None:
        """Fees, rewards, stakes, the implicit sweep and calls that failed are all in it."""
        assert held(ledger, name) == world.spendable[account(name)] > 0
        [covered] = rows(ledger, "coverage", address=of(name)).rows(named=True)
        assert covered["complete"]
        assert covered["height"] == len(world.blocks) - 1
        assert covered["block"].hex() == world.tip["blockID"]

    def test_tokens(self, ledger: Ledger) -> None:
        token = rows(ledger, "transfers", kind="trc20").sort("time", "amount", "occurrence")
        ann, bob, cy = (of(name) for name in ("ann", "bob", "cy"))
        told = token.select("sender", "receiver", "amount", "amount_hex", "occurrence").rows()
        assert told == [
            (ann, bob, 3, None, 0), (ann, bob, 3, None, 1), (ann, cy, 4, None, 0),
            (cy, bob, 0, None, 0), (ann, bob, None, hex(2**200), 0),
        ]  # fmt: skip
        assert set(token["contract"]) == {of("coin")}
        assert token["order_uncertain"].all()
        assert set(token["symbol"]) == {"TOK"}

    def test_a_unique_token_is_one_and_its_id_no_amount(self, ledger: Ledger) -> None:
        [one] = rows(ledger, "transfers", kind="trc721").rows(named=True)
        assert (one["amount"], one["token_id"], one["contract"]) == (1, "77", of("art"))

    def test_what_failed_moved_nothing_but_its_fee(self, ledger: Ledger) -> None:
        failed = rows(ledger, "transfers", success=False)
        assert failed.sort("kind").select("kind", "amount").rows() == [
            ("internal", TRX), ("native", 9 * TRX)
        ]  # fmt: skip
        fees = rows(ledger, "transfers", kind="fee_burnt").filter(txid=failed["txid"][0])
        assert fees.select("amount", "success").rows() == [(200_000, True)]
        assert set(rows(ledger, "transfers", kind="fee_burnt")["receiver"]) == {
            b"\x11" + bytes.fromhex(ZERO)[1:]
        }

    def test_calls_between_contracts(self, ledger: Ledger) -> None:
        inside = rows(ledger, "transfers", kind="internal", success=True).sort("amount")
        assert inside.select("sender", "receiver", "amount").rows() == [
            (of("shop"), of("bob"), TRX), (of("shop"), of("ann"), 4 * TRX)
        ]  # fmt: skip
        assert inside["trace_path"].str.len_chars().to_list() == [64, 64]

    def test_stakes_votes_and_loans_are_facts_of_their_own(self, ledger: Ledger) -> None:
        found = rows(ledger, "stakes", address=of("ann")).filter(pl.col("kind") != "use")
        told = found.sort("time", "kind", "n").select("kind", "amount", "moved", "resource").rows()
        assert told == [
            ("stake", 1_000 * TRX, -1_000 * TRX, "energy"),
            ("vote", 600, 0, None), ("vote", 400, 0, None),
            ("lend", 200 * TRX, 0, "energy"), ("recall", 200 * TRX, 0, "energy"),
            ("unstake", 100 * TRX, 0, "energy"),
            ("sweep", 100 * TRX, 100 * TRX, None), ("unstake", 50 * TRX, 0, "energy"),
            ("withdraw", 50 * TRX, 50 * TRX, None),
            ("unstake", 30 * TRX, 0, "energy"),
            ("restake", 20 * TRX, 0, "energy"), ("sweep", 10 * TRX, 10 * TRX, None),
        ]  # fmt: skip
        [old, lent, back] = rows(ledger, "stakes", address=of("bob")).filter(
            pl.col("contract_type").is_in(["FreezeBalanceContract", "UnfreezeBalanceContract"])
            & (pl.col("kind") != "use")
        ).sort("time", "kind").rows(named=True)[-3:]  # fmt: skip
        assert (lent["moved"], back["moved"]) == (-40 * TRX, 40 * TRX)
        assert (old["kind"], old["other"]) == ("lend", of("ann"))
        votes = rows(ledger, "stakes", kind="vote").sort("n")["other"].to_list()
        assert votes == [of("sr1"), of("sr2")]

    def test_used_resources(self, ledger: Ledger) -> None:
        used = rows(ledger, "stakes", kind="use").filter(address=of("bob"), resource="energy")
        assert set(used["amount"]) == {100}

    def test_tokens_with_a_number_are_in_no_total_of_trx(
        self, ledger: Ledger, world: World
    ) -> None:
        [one] = rows(ledger, "transfers", kind="trc10").rows(named=True)
        assert (one["token_id"], one["contract"], one["amount"]) == ("1002000", None, 55)
        found = address_summary(ledger, of("bob"), "tron")
        assert any("1 transfer of a TRC-10 token is" in note for note in found.coverage)
        [coin] = found.totals.filter(pl.col("contract").is_null()).rows(named=True)
        bound = sum(map(int, rows(ledger, "stakes", address=of("bob"))["moved"]))
        assert coin["received"] - coin["spent"] == world.spendable[account("bob")] - bound

    def test_rewards_are_made_of_nothing(self, ledger: Ledger) -> None:
        [one] = rows(ledger, "transfers", kind="reward").rows(named=True)
        assert (one["sender"][1:], one["receiver"], one["amount"]) == (
            bytes(20), of("ann"), 7 * TRX
        )  # fmt: skip


def test_two_accounts_that_pay_each_other_report_it_once(tmp_path: Path) -> None:
    with served(TronGridServer(busy())) as url:
        both, _ = read(url, tmp_path / "both", "ann", "bob")
        read(url, tmp_path / "turn", "bob")
        turn, _ = read(url, tmp_path / "turn", "ann")
    for table in ("transfers", "stakes"):
        assert both.digest(table) == turn.digest(table)


def test_addresses_in_base58_and_hexadecimal(tmp_path: Path) -> None:
    world = busy()
    with served(TronGridServer(world)) as url:
        given = [account("ann"), base58(account("ann")), of("ann")]
        source = TronGrid(url, given)
        assert source.addresses == (of("ann"),)
        assert base58(account("ann")) not in repr(source)
        with pytest.raises(InputError, match="Ethereum"):
            TronGrid(url, ["0x" + account("ann")[2:]])
    server = TronGridServer(world)

    def plain(_: str, value: Any) -> Any:
        text = json.dumps(value)
        return json.loads(re.sub(r'"(41[0-9a-f]{40})"', lambda it: f'"{base58(it[1])}"', text))

    server.change = plain
    with served(server) as url:
        ledger, _ = read(url, tmp_path / "l", "ann")
    assert held(ledger, "ann") == world.spendable[account("ann")]


class TestPages:
    def many(self, count: int = 450) -> World:
        world = World()
        world.mint("ann", 10**12)
        world.same_block = True
        world.token("ann", "coin", *[("ann", "bob", 1)] * 3)
        world.same_block = False
        for number in range(count):
            world.token("ann", "coin", ("ann", "bob", number % 7))
        return world

    @pytest.mark.parametrize("most", [200, 50, 7])
    def test_every_row_is_read_whatever_the_page(self, tmp_path: Path, most: int) -> None:
        """A server that gives fewer rows than asked for, in silence, is read on behind them."""
        server = TronGridServer(self.many(), most=most)
        with served(server) as url:
            ledger, report = read(url, tmp_path / "l", "bob")
        assert rows(ledger, "transfers", kind="trc20").height == 453
        assert any("shorter" in note for note in report.notes) == (most < 200)

    def test_a_cap_without_a_fingerprint_is_found_out(self, tmp_path: Path) -> None:
        """A list that ends with a full page, and says that nothing follows."""
        server = TronGridServer(self.many())

        def capped(_: str, value: Any) -> Any:
            if isinstance(value, dict):
                value.get("meta", {}).pop("fingerprint", None)
            return value

        server.change = capped
        with served(server) as url:
            ledger, _ = read(url, tmp_path / "l", "bob")
        assert rows(ledger, "transfers", kind="trc20").height == 453

    def test_what_is_cut_is_said_to_be(self, tmp_path: Path) -> None:
        with served(TronGridServer(self.many())) as url:
            ledger, report = read(url, tmp_path / "l", "bob", max_rows=120)
        [covered] = rows(ledger, "coverage").rows(named=True)
        assert not covered["complete"]
        assert covered["unit"].endswith("/oldest/120")
        found = rows(ledger, "transfers", kind="trc20")
        assert found.height == 120
        assert covered["to_time"] == found["time"].max()
        assert any("was cut" in note for note in report.notes)

    def test_only_what_is_new_is_asked_for(self, tmp_path: Path) -> None:
        world = self.many(5)
        server = TronGridServer(world)
        with served(server) as url:
            read(url, tmp_path / "l", "bob")
            world.token("ann", "coin", ("ann", "bob", 50))
            server.asked.clear()
            ledger, report = read(url, tmp_path / "l", "bob")
        assert report.frame.filter(table="transfers")["rows"].to_list() == [1]
        assert rows(ledger, "transfers", kind="trc20").height == 9
        last = rows(ledger, "coverage").sort("height").row(-1, named=True)
        assert last["complete"]
        assert all("min_timestamp=0" not in line for line in server.asked)

    def test_a_second_pull_asks_for_the_tip_alone(self, tmp_path: Path) -> None:
        server = TronGridServer(self.many(5))
        with served(server) as url:
            read(url, tmp_path / "l", "bob")
            server.asked.clear()
            _, report = read(url, tmp_path / "l", "bob")
        assert (report.commits, report.skipped) == (0, 1)
        assert len(server.asked) == 2


class TestRefusals:
    def test_asked_too_often_with_status_200(self, tmp_path: Path) -> None:
        """It is asked again: outside the form of a page, such an answer is no empty list."""
        server = TronGridServer(busy(), refuse=2)
        with served(server) as url:
            ledger, _ = read(url, tmp_path / "l", "ann")
        assert held(ledger, "ann") == server.world.spendable[account("ann")]

    def test_asked_too_often_and_it_stays_so(self, tmp_path: Path) -> None:
        server = TronGridServer(busy(), refuse=10**6)
        with served(server) as url, pytest.raises(NoAnswer, match="allowed_rps") as caught:
            read(url, tmp_path / "l", "ann")
        assert caught.value.passing
        assert not (tmp_path / "l").exists()

    def test_a_key_is_sent_and_never_shown(self, tmp_path: Path, log: Path) -> None:
        server = TronGridServer(busy(), key="0123-secret-4567")
        with served(server) as url:
            ledger, _ = read(url, tmp_path / "l", "ann", key="0123-secret-4567")
            with pytest.raises(SourceError, match="check the key") as caught:
                read(url, tmp_path / "m", "ann", key="another-secret-99")
        shown = [log.read_text() if log.exists() else "", str(caught.value)]
        shown += [str(row) for row in rows(ledger, "answers").rows()]
        assert not any("secret" in text for text in shown)
        assert "‹key›" in str(caught.value)

    def test_a_server_of_another_chain(self, tmp_path: Path) -> None:
        world = busy()
        world.blocks[0]["blockID"] = world.blocks[0]["blockID"][:-8] + "cd8690dc"
        with served(TronGridServer(world)) as url, pytest.raises(ChainError, match="cd8690dc"):
            read(url, tmp_path / "l", "ann")
        assert not (tmp_path / "l").exists()

    def test_what_is_no_chain_of_tron(self) -> None:
        with pytest.raises(ChainError, match="no chain of Tron"):
            TronGrid("https://api.example", chain="eth")
        with pytest.raises(InputError, match="at least 1"):
            TronGrid("https://api.example", max_rows=0)


def test_a_history_that_lacks_something_is_not_called_whole(tmp_path: Path) -> None:
    """What the lists add up to is not the balance that the server states."""
    world = busy()
    server = TronGridServer(world)

    def hiding(asked: str, value: Any) -> Any:
        if "/transactions?" in asked:
            value["data"] = [one for one in value["data"] if "internal_tx_id" not in one]
        return value

    server.change = hiding
    with served(server) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    [covered] = rows(ledger, "coverage").rows(named=True)
    assert covered["complete"] is False
    assert any("leaves something out" in note for note in report.notes)


def test_a_type_that_nobody_knows_leaves_the_balance_unknown(tmp_path: Path) -> None:
    world = busy()
    world.do("ExchangeTransactionContract", "ann", {"exchange_id": 1, "quant": 5})
    with served(TronGridServer(world)) as url:
        ledger, _ = read(url, tmp_path / "l", "ann")
    [other] = rows(ledger, "stakes", kind="other").rows(named=True)
    assert (other["moved"], other["contract_type"]) == (None, "ExchangeTransactionContract")
    assert held(ledger, "ann") is None


# Faults ------------------------------------------------------------------------------------------


def in_list(part: str, change: Callable[[list[Any]], Any]) -> Callable[[str, Any], Any]:
    """Change the rows of the pages of a list."""

    def changed(asked: str, value: Any) -> Any:
        if part in asked and isinstance(value, dict) and value.get("data"):
            rows_now = json.loads(json.dumps(value["data"]))
            made = change(rows_now)
            return {**value, "data": rows_now if made is None else made}
        return value

    return changed


def at(*path: Any, to: Any) -> Callable[[list[Any]], None]:
    def change(data: list[Any]) -> None:
        here: Any = data
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = to

    return change


def swapped(data: list[Any]) -> list[Any]:
    return data[::-1]


TXS, TOKENS = "/transactions?", "/transactions/trc20?"
VALUE = ("raw_data", "contract", 0, "parameter", "value")


def again(asked: str, value: Any) -> Any:
    """Give the first page whatever is asked for, and a new mark each time."""
    if TOKENS not in asked:
        return value
    if "data" in value:
        FIRST[asked] = value
    [first] = [one for name, one in FIRST.items() if asked.startswith(name)]
    return {**first, "meta": {"fingerprint": f"{len(asked)}"}}


FIRST: dict[str, Any] = {}

LIES: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "a row is a text": (in_list(TXS, at(0, to="row")), "has no time"),
    "a row without a time": (in_list(TXS, lambda rows: rows[0].pop("block_timestamp") and None),
                             "has no time"),
    "a time as a text": (in_list(TXS, at(0, "block_timestamp", to="yesterday")), "has no time"),
    "a time that is huge": (in_list(TOKENS, at(-1, "block_timestamp", to=2**80)), "form of Tron"),
    "a time in the future": (in_list(TOKENS, at(-1, "block_timestamp", to=4_000_000_000_000)),
                             "a time of"),
    "a list against time": (in_list(TXS, swapped), "against time"),
    "a page that is repeated in itself": (in_list(TXS, lambda rows: rows * 2), "against time"),
    "a page of more rows than asked for": (in_list(TXS, lambda rows: rows * 20), "a page of"),
    "an amount as a text": (in_list(TXS, at(0, *VALUE, "amount", to="5")), "no amount"),
    "an amount below zero": (in_list(TXS, at(0, *VALUE, "amount", to=-5)), "no amount"),
    "an amount of type float": (in_list(TXS, at(0, *VALUE, "amount", to=5.5)), "no amount"),
    "an amount beyond 2**63": (in_list(TXS, at(0, *VALUE, "amount", to=2**63)), "no amount"),
    "an amount that is true": (in_list(TXS, at(0, *VALUE, "amount", to=True)), "no amount"),
    "a sender of the wrong type": (in_list(TXS, at(0, *VALUE, "owner_address", to=7)),
                                   "no address"),
    "a sender that is none": (in_list(TXS, at(0, *VALUE, "owner_address", to="41" + "zz" * 20)),
                              "no address"),
    "a receiver cut short": (in_list(TXS, at(0, *VALUE, "to_address", to="41" + "00" * 19)),
                             "no address|nothing to do"),
    "an id that is cut short": (in_list(TXS, at(0, "txID", to="00")), "form of Tron"),
    "bytes of another transaction": (in_list(TXS, at(0, "raw_data_hex", to="00")), "do not hash"),
    "bytes that are no hexadecimal": (in_list(TXS, at(0, "raw_data_hex", to="xx")), "do not hash"),
    "no contract": (in_list(TXS, at(0, "raw_data", "contract", to=[])), "form of Tron"),
    "two contracts": (in_list(TXS, lambda rows: rows[0]["raw_data"]["contract"].append(
        rows[0]["raw_data"]["contract"][0])), "form of Tron"),
    "a fee beyond 2**63": (in_list(TXS, at(0, "ret", 0, "fee", to=2**63)), "form of Tron"),
    "a fee below zero": (in_list(TXS, at(0, "ret", 0, "fee", to=-1)), "form of Tron"),
    "a height above the tip": (in_list(TXS, at(-1, "blockNumber", to=10**6)), "above what"),
    "a height that is huge": (in_list(TXS, at(-1, "blockNumber", to=2**70)), "form of Tron"),
    "a stranger's transaction": (in_list(TXS, lambda rows: rows[0]["raw_data"]["contract"][0][
        "parameter"].update(value={"owner_address": account("zed"), "to_address": account("yul"),
                                   "amount": 1})), "nothing to do"),
    "a stranger's call": (in_list(TXS, lambda rows: [
        {**row, "from_address": account("zed"), "to_address": account("yul")}
        if "internal_tx_id" in row else row for row in rows]), "nothing to do"),
    "a call of a negative amount": (in_list(TXS, lambda rows: [
        {**row, "data": {"call_value": {"_": -1}}} if "internal_tx_id" in row else row
        for row in rows]), "form of Tron"),
    "a resource that is none": (in_list(TXS, lambda rows: [
        row for row in rows if "raw_data" in row and (row["raw_data"]["contract"][0]["parameter"][
            "value"].update(resource="LUCK") or True)]), "no resource"),
    "votes of the wrong type": (in_list(TXS, lambda rows: [
        row for row in rows if "raw_data" in row and (row["raw_data"]["contract"][0]["parameter"][
            "value"].update(votes="all") or True)]), "no list"),
    "a token of no amount": (in_list(TOKENS, at(0, "value", to="many")), "no amount"),
    "a token of a negative amount": (in_list(TOKENS, at(0, "value", to="-3")), "no amount"),
    "a token of an amount beyond 2**256": (in_list(TOKENS, at(0, "value", to=str(2**256))),
                                           "no amount"),
    "a token amount of type number": (in_list(TOKENS, at(0, "value", to=3)), "form of Tron"),
    "a stranger's token": (in_list(TOKENS, lambda rows: [
        {**row, "from": base58(account("zed")), "to": base58(account("yul"))} for row in rows]),
        "nothing to do"),
    "a kind of movement that is a number": (in_list(TOKENS, at(0, "type", to=7)), "form of Tron"),
    "a token amount in bare hexadecimal": (in_list(TOKENS, at(0, "value", to="1f")), "no amount"),
    "a token amount in too much hexadecimal": (
        in_list(TOKENS, at(0, "value", to="0x1" + "0" * 64)), "no amount"),
    "a call of an amount that is a word": (in_list(TXS, lambda rows: [
        {**row, "data": {"call_value": {"_": "much"}}} if "internal_tx_id" in row else row
        for row in rows]), "no amount"),
    "a call of an amount beyond 2**63": (in_list(TXS, lambda rows: [
        {**row, "data": {"call_value": {"_": hex(2**63)}}} if "internal_tx_id" in row else row
        for row in rows]), "no amount"),
    "a contract that is none": (in_list(TOKENS, at(0, "token_info", "address", to="T")),
                                "no address"),
    "an address with a wrong checksum": (in_list(TOKENS, at(
        0, "to", to=base58(account("bob"))[:-1] + "1")), "no address"),
    "two answers to one question, of one transaction": (
        in_list(TXS, lambda rows: [*rows, {**rows[-1], "ret": [{"contractRet": "SUCCESS",
                                                                "fee": 77}]}]), "two things|time"),
    "no success": (lambda asked, value: {**value, "success": False} if TOKENS in asked else value,
                   "refuses|no success"),
    "no data": (lambda asked, value: {"success": True, "meta": {}} if TXS in asked else value,
                "form of Tron"),
    "data that is no list": (lambda asked, value: {**value, "data": {}} if TXS in asked else value,
                             "form of Tron"),
    "half an answer, cut": (lambda asked, value: json.dumps(value).encode()[:-9]
                            if TXS in asked else value, "no JSON"),
    "a text in place of an answer": (lambda asked, value: b"busy" if TOKENS in asked else value,
                                     "no JSON"),
    "an empty object": (lambda asked, value: {} if TOKENS in asked else value, "form of Tron"),
    "a number as an answer": (lambda asked, value: 7 if TOKENS in asked else value, "form of Tron"),
    "pages that never end": (
        lambda asked, value: {"data": [], **value, "success": True, "meta": {"fingerprint": "on"}}
        if TOKENS in asked else value, "comes twice"),
    "a page that is repeated under another mark": (again, "comes twice|against time"),
    "a tip of another height": (
        lambda asked, value: {**value, "blockID": "0" * 64} if "getnowblock" in asked else value,
        "begin with its height"),
    "a tip without a hash": (
        lambda asked, value: {"block_header": value["block_header"]}
        if "getnowblock" in asked else value, "form of Tron"),
    "a tip of a time that is huge": (
        lambda asked, value: {**value, "block_header": {"raw_data": {
            **value["block_header"]["raw_data"], "timestamp": 2**60}}}
        if "getnowblock" in asked else value, "form of Tron"),
    "a balance of type text": (
        lambda asked, value: {"balance": "much"} if "getaccount" in asked else value, "no amount"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_an_error_and_no_wrong_row(lie: str) -> None:
    change, words = LIES[lie]
    server = TronGridServer(busy())
    server.change = change
    with served(server) as url, pytest.raises(ChainwatchError, match=words) as caught:
        batches(url, "ann")
    assert re.search(r"127\.0\.0\.1.*; ", str(caught.value))


def test_a_token_of_77_decimals_or_a_long_symbol_is_flagged(tmp_path: Path) -> None:
    """Its amount counts in base units all the same; what it says of itself is only shown."""
    world = busy()
    for one, said in zip(world.tokens, ({"decimals": 77}, {"symbol": "S" * 10**6}), strict=False):
        one["token_info"].update(said)
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    token = rows(ledger, "transfers", kind="trc20").sort("time", "occurrence")
    assert sorted(token["amount"].drop_nulls().to_list()) == [3, 3, 4]
    assert token["decimals"].null_count() == token["symbol"].null_count() == 2
    assert any("cannot be right" in note for note in report.notes)


@pytest.mark.parametrize("said", [39, 255, 2**256 - 1, -1, "6", 1.5, True, [6], {}])
def test_decimals_that_cannot_be_right_are_left_out_and_told(tmp_path: Path, said: Any) -> None:
    """A contract says what it likes of itself, and anybody can send its token to anybody."""
    world = busy()
    whole = len(world.tokens)
    world.tokens[0]["token_info"]["decimals"] = said
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    token = rows(ledger, "transfers", kind="trc20")
    assert token["decimals"].null_count() == 1
    assert whole >= token.height
    assert any("1 movement of tokens with a symbol or decimals that" in one for one in report.notes)
    assert ledger.coverage.collect()["complete"].all()


def test_a_token_that_is_not_named_is_that_of_its_log(tmp_path: Path) -> None:
    """TronGrid leaves ``token_info`` empty for contracts that it has not registered."""
    world = busy()
    with served(TronGridServer(world)) as url:
        plain, _ = read(url, tmp_path / "plain", "ann")
    key = ["txid", "contract", "sender", "receiver", "amount"]
    wanted = rows(plain, "transfers", kind="trc20").select(key).sort(key)
    for one in world.tokens:
        one["token_info"] = {}
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    assert rows(ledger, "transfers", kind="trc20").select(key).sort(key).equals(wanted)
    assert ledger.coverage.collect()["complete"].all()
    assert not any("does not name" in note for note in report.notes)


def test_a_token_that_nobody_names_is_told_and_the_history_not_called_whole(tmp_path: Path) -> None:
    world = busy()
    world.tokens[0]["token_info"] = {}
    server = TronGridServer(world)
    server.change = lambda asked, value: {} if "infobyid" in asked else value
    with served(server) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    [said] = [note for note in report.notes if "does not name" in note]
    assert world.tokens[0]["transaction_id"] in said
    assert not ledger.coverage.collect()["complete"].any()


@pytest.mark.parametrize("told", [hex, lambda amount: f"0X{amount:064X}"])
def test_amounts_in_hexadecimal_are_the_same_amounts(told: Any, tmp_path: Path) -> None:
    world = busy()
    with served(TronGridServer(world)) as url:
        plain, _ = read(url, tmp_path / "plain", "ann")
    for one in world.tokens:
        one["value"] = told(int(one["value"]))
    for one in world.listed:
        if "internal_tx_id" in one:
            values = one["data"].get("call_value") or {}
            one["data"]["call_value"] = {name: told(much) for name, much in values.items()}
    with served(TronGridServer(world)) as url:
        ledger, _ = read(url, tmp_path / "l", "ann")
    for table in ("transfers", "stakes", "coverage"):
        left, right = (one.table(table).collect() for one in (plain, ledger))
        drop = [name for name in ("answer",) if name in left.columns]
        assert left.drop(drop).equals(right.drop(drop))


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("type", "Wish", "of type 'Wish' not read"),
        ("type", "transfer", "of type 'transfer' not read"),
        ("value", None, "without an amount not read"),
        ("value", "", "without an amount not read"),
        ("value", "0x", "without an amount not read"),
    ],
)
def test_an_entry_of_tokens_that_cannot_be_read_is_named(
    name: str, said: Any, words: str, tmp_path: Path
) -> None:
    """With the digest of its answer; the other rows stay, and no balance of that token is known."""
    world = busy()
    with served(TronGridServer(world)) as url:
        plain, _ = read(url, tmp_path / "plain", "ann")
    world.tokens[0][name] = said
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    before, left = (rows(one, "transfers", kind="trc20").height for one in (plain, ledger))
    assert left == before - 1
    [note] = [note for note in report.notes if words in note]
    assert world.tokens[0]["transaction_id"] in note
    answers = [one.hex() for one in ledger.answers.collect()["digest"]]
    assert any(f"(in the answer with SHA-256 {one})" in note for one in answers)
    covered = ledger.coverage.collect()
    assert not covered["complete"].any()
    [unit] = covered.filter(pl.col("kind") == "apart").rows(named=True)
    contract = world.tokens[0]["token_info"]["address"]
    assert (unit["apart"], canonical.text(unit["contract"], ledger.chains[0])) == (1, contract)
    found = address_summary(ledger, of("ann"), ledger.chains[0]).totals
    assert found.filter(pl.col("contract") == unit["contract"])["balance"].to_list() == [None]


def test_an_approval_without_an_amount_is_an_approval(tmp_path: Path) -> None:
    world = busy()
    world.tokens[0].update(type="Approval", value=None)
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    assert any("approval" in note for note in report.notes)
    assert not any("not read" in note for note in report.notes)
    assert ledger.coverage.collect()["complete"].all()


def test_a_call_without_its_amount_leaves_the_balance_unknown(tmp_path: Path) -> None:
    world = busy()
    call = next(one for one in world.listed if "internal_tx_id" in one)
    call["data"]["call_value"] = {"_": None}
    with served(TronGridServer(world)) as url:
        ledger, report = read(url, tmp_path / "l", "ann")
    other = rows(ledger, "stakes", kind="other")
    assert set(other["contract_type"]) == {"call without its amount"}
    assert other["moved"].null_count() == other.height
    assert held(ledger, "ann") is None
    assert any("what they moved is unknown" in note for note in report.notes)


@pytest.mark.parametrize("form", ["listed", "node"])
def test_calls_that_stand_in_their_transaction_count_once(form: str, tmp_path: Path) -> None:
    """TronGrid tells them there in the form of its lists, beside rows of their own."""
    world = busy()
    with served(TronGridServer(world)) as url:
        plain, _ = read(url, tmp_path / "plain", "ann")
    for call in [one for one in world.listed if "internal_tx_id" in one]:
        [outer] = [one for one in world.listed if one.get("txID") == call["tx_id"]] or [None]
        if outer is None:
            continue
        told = {name: call[name] for name in ("internal_tx_id", "from_address", "to_address",
                                              "data")}  # fmt: skip
        values = call["data"].get("call_value") or {}
        node = {
            "hash": call["internal_tx_id"], "caller_address": call["from_address"],
            "transferTo_address": call["to_address"], "note": call["data"].get("note", ""),
            "callValueInfo": [{"callValue": much} if name == "_" else
                              {"callValue": much, "tokenId": name}
                              for name, much in values.items()],
        }  # fmt: skip
        outer.setdefault("internal_transactions", []).append(told if form == "listed" else node)
    assert any(one.get("internal_transactions") for one in world.listed)
    with served(TronGridServer(world)) as url:
        ledger, _ = read(url, tmp_path / "l", "ann")
    key = ["txid", "kind", "trace_path", "sender", "receiver", "amount"]
    calls = [rows(one, "transfers").select(key).sort(key) for one in (plain, ledger)]
    assert calls[0].equals(calls[1])
    assert held(ledger, "ann") == held(plain, "ann")


TROUBLE: dict[str, Any] = {
    "429": (429, {"Error": "too many"}),
    "500": (500, {"Error": "oops"}),
    "502": (502, b"<html>bad gateway</html>"),
    "503": (503, {"Error": "busy"}),
    "200 outside the form": (200, {"Error": "request rate exceeded, suspended for 0 s"}),
    "403 for the rate": (403, {"Error": "request rate exceeded, suspended for 0 s"}),
}


def told(found: list[Batch]) -> list[tuple[Any, ...]]:
    """Return what batches say, without the answers, which bear the time of asking."""
    return [
        (batch.units, batch.notes, {name: frame.to_dicts() for name, frame in batch.tables.items()
                                    if name != "answers"})
        for batch in found
    ]  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("every", [2, 3])
def test_trouble_that_passes_changes_nothing(trouble: str, every: int) -> None:
    server = TronGridServer(busy())
    turns = iter(range(10**6))
    with served(server) as url:
        server.change = lambda _, value: TROUBLE[trouble] if next(turns) % every == 0 else value
        found = batches(url, "ann")
        server.change = None
        assert told(found) == told(batches(url, "ann"))


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_trouble_that_stays_is_an_error(trouble: str, after: int) -> None:
    server = TronGridServer(busy())
    turns = iter(range(10**6))
    with served(server) as url:
        server.change = lambda _, value: value if next(turns) < after else TROUBLE[trouble]
        with pytest.raises(NoAnswer, match=r"127\.0\.0\.1"):
            batches(url, "ann", "bob")


@pytest.mark.fault
def test_what_was_read_before_trouble_is_kept_and_the_next_pull_goes_on(tmp_path: Path) -> None:
    server = TronGridServer(busy())
    turns = iter(range(10**6))
    with served(server) as url:
        server.change = lambda _, value: value if next(turns) < 8 else TROUBLE["503"]
        with pytest.raises(NoAnswer) as caught:
            read(url, tmp_path / "l", "ann", "bob")
        assert caught.value.commits == 1
        server.change = None
        found, report = read(url, tmp_path / "l", "ann", "bob")
        assert report.skipped == 1
        wanted, _ = read(url, tmp_path / "m", "ann", "bob")
    for table in ("transfers", "stakes", "coverage"):
        assert found.digest(table) == wanted.digest(table)


def test_rows_conform_to_the_schema(world: World) -> None:
    with served(TronGridServer(world)) as url:
        [batch] = [one for one in batches(url, "ann") if one.units]
    for name, frame in batch.tables.items():
        assert TABLES[name].conform(frame).equals(frame)
    assert canonical.text(of("ann"), "tron") == base58(account("ann"))
