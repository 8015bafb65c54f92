"""Explorers to a ledger: the same history whoever lists it, past every cap, and each fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from explorer_site import EvmWorld, ExplorerSite, Inside, account, served

from chainwatch.addresses import canonical
from chainwatch.errors import ChainError, ChainwatchError, InputError, NoAnswer, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.unread.rows_apart import moved_by_asset
from chainwatch.net.policy import use_network
from chainwatch.sources.explorer.source import Explorer

TABLES = {table.name: table for table in schema.TABLES}
PATHS = {"etherscan": "/v2/api", "compatible": "/api", "blockscout": "/api"}
every_api = pytest.mark.parametrize("api", PATHS)


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "asked.jsonl"
    with use_network(log_file=path), stamina.set_testing(True, attempts=3, cap=True):
        yield path


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def busy() -> EvmWorld:
    world = EvmWorld()
    world.do("mint", "ann", 10**20)
    world.do("ann", "bob", 5)
    world.do("ann", "bob", 7, ok=False)
    world.do("bob", "shop", 9, inside=(("shop", "ann", 4), ("shop", "ann", 4), ("shop", "cy", 1)))
    world.do("ann", None, 3, creates="made")
    world.do("ann", "coin", tokens=(("erc20", "coin", "ann", "bob", 3),
                                    ("erc20", "coin", "ann", "bob", 3),
                                    ("erc20", "coin", "ann", "cy", 2**200)))  # fmt: skip
    world.do("ann", "art", tokens=(("erc721", "art", "ann", "bob", 77),), same_block=True)
    world.do("ann", "many", tokens=(("erc1155", "many", "ann", "bob", 8, 50),))
    world.do("cy", "coin", tokens=(("erc20", "coin", "cy", "bob", 0),))
    return world


def of(name: str) -> bytes:
    return b"\x10" + bytes.fromhex(account(name)[2:])


def source(url: str, *names: str, api: str = "etherscan", **more: Any) -> Explorer:
    given: Any = {"api": api, **more}
    return Explorer(url + PATHS[api], [account(name) for name in names], **given)


def batches(url: str, *names: str, api: str = "etherscan", **more: Any) -> list[Batch]:
    return list(source(url, *names, api=api, **more).batches(Empty()))


def transfers(found: list[Batch]) -> pl.DataFrame:
    frames = [one.tables["transfers"] for one in found if "transfers" in one.tables]
    return pl.concat([TABLES["transfers"].empty(), *frames])


TOLD = ["kind", "sender", "receiver", "amount", "amount_hex", "success", "height", "contract",
        "token_id"]  # fmt: skip


@every_api
def test_a_history(api: str) -> None:
    with served(ExplorerSite(busy())) as url:
        found = batches(url, "ann", api=api)
    [covered] = found[0].tables["coverage"].rows(named=True)
    assert (covered["complete"], covered["height"], covered["address"]) == (True, 8, of("ann"))
    ann, bob, cy, coin = (of(name) for name in ("ann", "bob", "cy", "coin"))
    rows = [
        ("native", of("mint"), ann, 10**20, None, True, 1, None, None),
        ("native", ann, bob, 5, None, True, 2, None, None),
        ("native", ann, bob, 7, None, False, 3, None, None),
        ("internal", of("shop"), ann, 4, None, True, 4, None, None),
        ("internal", of("shop"), ann, 4, None, True, 4, None, None),
        ("native", ann, of("made"), 3, None, True, 5, None, None),
        ("native", ann, coin, 0, None, True, 6, None, None),
        ("native", ann, of("art"), 0, None, True, 6, None, None),
        ("erc20", ann, bob, 3, None, True, 6, coin, None),
        ("erc20", ann, bob, 3, None, True, 6, coin, None),
        ("erc20", ann, cy, None, hex(2**200), True, 6, coin, None),
        ("erc721", ann, bob, 1, None, True, 6, of("art"), "77"),
        ("native", ann, of("many"), 0, None, True, 7, None, None),
        ("erc1155", ann, bob, 50, None, True, 7, of("many"), "8"),
    ]
    wanted = pl.DataFrame(rows, schema={name: TABLES["transfers"].schema[name] for name in TOLD},
                          orient="row")  # fmt: skip
    assert transfers(found).select(TOLD).sort(TOLD).equals(wanted.sort(TOLD))
    for name, frame in found[0].tables.items():
        assert TABLES[name].conform(frame).equals(frame)
        assert not frame.select(TABLES[name].key).is_duplicated().any()


@every_api
def test_tokens_that_are_made_and_burnt_are_called_so(api: str) -> None:
    """As in whole blocks: else the same transfer read both ways would count twice."""
    nobody = "0x" + "00" * 20
    world = EvmWorld()
    world.do("ann", "coin", tokens=(("erc20", "coin", nobody, "ann", 9),
                                    ("erc20", "coin", "ann", nobody, 4),
                                    ("erc721", "art", nobody, "ann", 77)))  # fmt: skip
    with served(ExplorerSite(world)) as url:
        rows = transfers(batches(url, "ann", api=api)).filter(pl.col("contract").is_not_null())
    assert sorted(rows["kind"]) == ["erc20_burn", "erc20_mint", "erc721_mint"]


def test_wrapped_coins_are_no_transfer_of_their_contract() -> None:
    """Blockscout lists a deposit as a transfer from the zero address, of listed contracts."""
    nobody, wrapped = "0x" + "00" * 20, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
    world = EvmWorld()
    world.do("ann", wrapped, 9, tokens=(("erc20", wrapped, nobody, "ann", 9),
                                        ("erc20", wrapped, "ann", nobody, 4),
                                        ("erc20", wrapped, "ann", "bob", 5)))  # fmt: skip
    with served(ExplorerSite(world)) as url:
        rows = transfers(batches(url, "ann", api="blockscout")).filter(
            pl.col("contract").is_not_null()
        )
    assert dict(zip(rows["kind"], rows["amount"], strict=True)) == {
        "wrap": 9, "unwrap": 4, "erc20": 5,
    }  # fmt: skip


@every_api
def test_the_coin_that_a_contract_shows_as_a_token_is_told_once(api: str) -> None:
    coin = f"0x{0x1010:040x}"
    world = EvmWorld()
    tokens = (("erc20", coin, "ann", "bob", 9), ("erc20", "coin", "ann", "bob", 5))
    world.do("ann", coin, 9, inside=((coin, "ann", 4),), tokens=tokens)
    with served(ExplorerSite(world, chain=137)) as url:
        rows = transfers(batches(url, "ann", api=api, chain="polygon"))
    assert sorted(zip(rows["kind"], rows["amount"], strict=True)) == [
        ("erc20", 5), ("internal", 4), ("native", 9),
    ]  # fmt: skip


@every_api
def test_calls_that_move_nothing_are_no_transfers(api: str) -> None:
    """A call that runs the code of another states the value of the call around it."""
    world = EvmWorld()
    still = [Inside("ann", "code", 9, f"{place}", kind) for place, kind in enumerate(
        ("delegatecall", "callcode", "staticcall"))]  # fmt: skip
    calls = (*still, Inside("ann", "bob", 0, "3"), Inside("ann", "bob", 5, "4"))
    world.do("zed", "ann", 9, inside=calls)  # type: ignore[arg-type]  # calls in full
    site = ExplorerSite(world)
    site.change = rows_in(INSIDE, lambda rows: [
        {**one, "type": kind} for one in rows for kind in ("call", "delegatecall")])  # fmt: skip
    with served(site) as url:
        rows = transfers(batches(url, "ann", api=api)).filter(kind="internal")
    assert rows["amount"].to_list() == [5]


def test_where_the_order_is_known() -> None:
    """Blockscout names the place of a log; Etherscan does not."""
    with served(ExplorerSite(busy())) as url:
        by = {api: transfers(batches(url, "ann", api=api)) for api in PATHS}
    for api, rows in by.items():
        native = rows.filter(kind="native")
        assert native["tx"].null_count() == 0
        assert not native["order_uncertain"].any()
        assert native["signed"].all()
        assert rows.filter(pl.col("kind") != "native")["signed"].is_null().all()
        token = rows.filter(kind="erc20")
        assert (token["log_index"].null_count() == 0) == (api == "blockscout")
        assert token["order_uncertain"].all()
    assert by["etherscan"].filter(kind="internal")["trace_path"].to_list() == ["0.0", "0.1"]


@every_api
def test_two_accounts_that_pay_each_other_report_it_once(api: str, tmp_path: Path) -> None:
    with served(ExplorerSite(busy())) as url:
        pull(tmp_path / "both", source(url, "ann", "bob", api=api))
        pull(tmp_path / "turn", source(url, "bob", api=api))
        pull(tmp_path / "turn", source(url, "ann", api=api))
    both, turn = (open_ledger(tmp_path / name) for name in ("both", "turn"))
    assert both.digest("transfers") == turn.digest("transfers")


def many(count: int = 2_300, *, in_one_block: int = 30) -> EvmWorld:
    world = EvmWorld()
    for number in range(count):
        world.do("ann", "bob", number % 5)
    for number in range(in_one_block):
        world.do("ann", "bob", number, same_block=bool(number))
    return world


@pytest.mark.parametrize("most", [10_000, 1_000, 400, 40])
def test_silent_caps_are_passed(most: int) -> None:
    """Fewer rows than were asked for come in silence: what follows is asked for by blocks.

    A row says how many blocks stand above it: it is the same row when it says another number.
    """
    with served(ExplorerSite(many(), most=most, counting=True)) as url:
        rows = transfers(batches(url, "bob"))
    assert rows.height == 2_330


def test_a_block_that_fills_a_page_is_read_by_page() -> None:
    site = ExplorerSite(many(50, in_one_block=90), most=20)
    with served(site) as url:
        assert transfers(batches(url, "bob")).height == 140
    assert any("page=2" in line for line in site.asked)


@pytest.mark.parametrize("by", ["asked", "given"])
def test_a_page_that_is_cut_inside_one_block(by: str) -> None:
    """Whether pages count by the size that was asked for or by what the server gives."""
    world = EvmWorld()
    for number in range(150):
        world.do("ann", "bob", number, same_block=bool(number))
    world.do("ann", "bob", 1_000)
    site = ExplorerSite(world, most=100)
    if by == "asked":
        rows = list(site._rows("txlist"))

        def page(asked: str, value: Any) -> Any:
            query = dict(part.split("=") for part in asked.partition("?")[2].split("&"))
            if query.get("action") != "txlist":
                return value
            first, size = int(query["startblock"]), int(query["offset"])
            begin = (int(query["page"]) - 1) * size
            mine = [row for row in rows if int(row["blockNumber"]) >= first]
            found = mine[begin : begin + min(size, 100)]
            return {"status": "1", "message": "OK", "result": found}

        site.change = page
    with served(site) as url:
        found = batches(url, "bob")
    assert sorted(transfers(found)["amount"].to_list()) == [*range(150), 1_000]
    assert found[0].tables["coverage"]["complete"].to_list() == [True]


def test_a_block_with_more_rows_than_can_be_reached_is_no_whole_history() -> None:
    with (
        served(ExplorerSite(many(10, in_one_block=90), most=20)) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("chainwatch.sources.explorer.lists.WINDOW", 60)
        with pytest.raises(SourceError, match="more rows than the server lets be reached"):
            batches(url, "bob")


def test_blockscout_s_pages() -> None:
    with served(ExplorerSite(many(400))) as url:
        assert transfers(batches(url, "bob", api="blockscout")).height == 430


@every_api
def test_what_is_cut_is_said_to_be(api: str) -> None:
    with served(ExplorerSite(many(200))) as url:
        found = batches(url, "bob", api=api, max_rows=60)
    assert transfers(found).height == 60
    assert not found[0].tables["coverage"]["complete"][0]
    assert any("was cut" in note for note in found[0].notes)


@every_api
def test_an_account_that_did_nothing(api: str) -> None:
    """*No transactions found* is an answer, and no refusal."""
    with served(ExplorerSite(busy())) as url:
        found = batches(url, "nobody", api=api)
    assert transfers(found).is_empty()
    assert found[0].tables["coverage"]["complete"][0]


def test_only_new_blocks_are_asked_for(tmp_path: Path) -> None:
    world = busy()
    site = ExplorerSite(world)
    with served(site) as url:
        pull(tmp_path / "l", source(url, "ann"))
        world.do("ann", "bob", 99)
        site.asked.clear()
        report = pull(tmp_path / "l", source(url, "ann"))
    assert report.frame.filter(table="transfers")["rows"].to_list() == [1]
    assert all("startblock=0" not in line for line in site.asked)


def test_asked_too_often_with_status_200() -> None:
    with served(ExplorerSite(busy(), refuse=2)) as url:
        assert transfers(batches(url, "ann")).height == 14
    with (
        served(ExplorerSite(busy(), refuse=99)) as url,
        pytest.raises(NoAnswer, match="Max rate limit reached"),
    ):
        batches(url, "ann")


def test_a_key_is_sent_and_never_shown(tmp_path: Path, log: Path) -> None:
    site = ExplorerSite(busy(), key="SECRETKEY0123456789")
    with served(site) as url:
        pull(tmp_path / "l", source(url, "ann", key="SECRETKEY0123456789"))
        with pytest.raises(SourceError, match="check the key") as caught:
            batches(url, "ann", key="OTHERKEY9876543210")
    answers = open_ledger(tmp_path / "l").answers.collect()
    shown = [str(caught.value), log.read_text() if log.exists() else "", str(answers.rows())]
    assert not any("SECRETKEY" in text or "OTHERKEY" in text for text in shown)


def test_a_server_of_another_chain() -> None:
    with served(ExplorerSite(busy(), chain=137)) as url:
        with pytest.raises(ChainError, match="eip155:137"):
            batches(url, "ann", api="blockscout")
        with pytest.raises(SourceError, match="chainid"):
            batches(url, "ann")


def test_questions_that_make_no_sense() -> None:
    with pytest.raises(ChainError, match="no EVM chain"):
        Explorer("https://a.example", chain="tron")
    with pytest.raises(InputError, match="is no API"):
        Explorer("https://a.example", api="other")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 1"):
        Explorer("https://a.example", max_rows=0)


def test_a_ledger_of_one_account_shows_its_tokens(tmp_path: Path) -> None:
    from chainwatch.ledger.lookup.lookup import address_summary

    with served(ExplorerSite(busy())) as url:
        pull(tmp_path / "l", source(url, "bob"))
    ledger: Ledger = open_ledger(tmp_path / "l")
    found = address_summary(ledger, of("bob"), "eth")
    [coin] = found.totals.filter(contract=of("coin")).rows(named=True)
    assert (int(coin["received"]), int(coin["balance"])) == (6, 6)
    [eth] = found.totals.filter(pl.col("contract").is_null()).rows(named=True)
    assert eth["balance"] is None  # fees are in no list


# Faults ------------------------------------------------------------------------------------------

TXS, TOKENS, INSIDE = "action=txlist&", "action=tokentx&", "action=txlistinternal&"


def rows_in(part: str, change: Callable[[list[Any]], Any]) -> Callable[[str, Any], Any]:
    def changed(asked: str, value: Any) -> Any:
        if part in asked and isinstance(value, dict) and value.get("result"):
            rows = json.loads(json.dumps(value["result"]))
            made = change(rows)
            return {**value, "result": rows if made is None else made}
        return value

    return changed


def put(name: str, to: Any, place: int = 0) -> Callable[[list[Any]], None]:
    def change(rows: list[Any]) -> None:
        rows[place][name] = to

    return change


def whole(part: str, to: Any) -> Callable[[str, Any], Any]:
    return lambda asked, value: to if part in asked else value


BLOCK = "action=eth_getBlockByNumber"

LIES: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "a hash cut short": (rows_in(TXS, put("hash", "0x12")), "no hash"),
    "a hash of the wrong type": (rows_in(TXS, put("hash", 12)), "no hash"),
    "a sender that is none": (rows_in(TXS, put("from", "0x12")), "no address"),
    "a sender with a wrong capital": (rows_in(TXS, put(
        "from", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046")), "no address"),
    "a receiver of the wrong type": (rows_in(TXS, put("to", 7)), "no address"),
    "a value below zero": (rows_in(TXS, put("value", "-1")), "no whole number"),
    "a value as a fraction": (rows_in(TXS, put("value", "1.5")), "no whole number"),
    "a value beyond 2**256": (rows_in(TXS, put("value", str(2**256))), "no whole number"),
    "a value of the wrong type": (rows_in(TXS, put("value", None)), "no whole number"),
    "a height that is huge": (rows_in(TXS, put("blockNumber", str(2**60))), "no whole number"),
    "a height above what was asked": (rows_in(TXS, put("blockNumber", "900", -1)), "of the span"),
    "rows out of order": (rows_in(TXS, lambda rows: rows[::-1]), "out of order"),
    "a time in the future": (rows_in(TXS, put("timeStamp", "4000000000", -1)), "after the block"),
    "a time as a text": (rows_in(TXS, put("timeStamp", "now")), "no whole number"),
    "a stranger's transaction": (rows_in(TXS, lambda rows: rows[0].update(
        {"from": account("zed"), "to": account("yul")})), "nothing to do"),
    "an error flag that is none": (rows_in(TXS, put("isError", "maybe")), "isError"),
    "a row that is a text": (rows_in(TXS, lambda rows: ["row"]), "list of objects"),
    "a list that is no list": (whole(TXS, {"status": "1", "result": "rows"}), "list of objects"),
    "a list of the wrong type": (whole(TXS, {"status": "1", "result": {"a": 1}}),
                                 "list of objects"),
    "no result": (whole(TXS, {"status": "1"}), "form of Etherscan"),
    "a list in place of an answer": (whole(TXS, []), "form of Etherscan"),
    "half an answer, cut": (whole(TXS, b'{"status": "1", "resu'), "no JSON"),
    "a page in place of an answer": (whole(TXS, b"<html>busy</html>"), "no JSON"),
    "more rows than asked for": (rows_in(TXS, lambda rows: rows[:1] * 1_001), "a page of"),
    "a place in the block that is huge": (rows_in(TXS, put("transactionIndex", str(2**30))),
                                          "no whole number"),
    "a call at no place": (rows_in(INSIDE, put("traceId", "left")), "no place of a call"),
    "a stranger's call": (rows_in(INSIDE, lambda rows: rows[0].update(
        {"from": account("zed"), "to": account("yul")})), "nothing to do"),
    "a call of a huge amount": (rows_in(INSIDE, put("value", str(2**300))), "no whole number"),
    "a token of no amount": (rows_in(TOKENS, put("value", "many")), "no whole number"),
    "a token of an amount beyond 2**256": (rows_in(TOKENS, put("value", str(2**256))),
                                           "no whole number"),
    "a token of no contract": (rows_in(TOKENS, put("contractAddress", "")), "no address"),
    "a stranger's token": (rows_in(TOKENS, lambda rows: rows[0].update(
        {"from": account("zed"), "to": account("yul")})), "nothing to do"),
    "a tip of another height": (whole(BLOCK, {"result": {
        "number": "0x1", "hash": "0x" + "11" * 32, "timestamp": "0x1"}}), "another block"),
    "a tip without a hash": (whole(BLOCK, {"result": {"number": "0x8", "timestamp": "0x1"}}),
                             "no hash"),
    "a tip of a time that is huge": (whole(BLOCK, {"result": {
        "number": "0x8", "hash": "0x" + "11" * 32, "timestamp": "0xffffffffffff"}}), "time of the"),
    "no tip": (whole(BLOCK, {"result": None}), "another block"),
    "a height that is no number": (whole("action=eth_blockNumber", {"result": "high"}),
                                   "no.* in hexadecimal"),
    "an error of its own": (whole(BLOCK, {"error": {"code": -32000, "message": "no such block"}}),
                            "no such block"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_an_error_and_no_wrong_row(lie: str) -> None:
    change, words = LIES[lie]
    site = ExplorerSite(busy())
    site.change = change
    with served(site) as url, pytest.raises(ChainwatchError, match=words) as caught:
        batches(url, "ann")
    assert "127.0.0.1" in str(caught.value)


NONSENSE: tuple[Any, ...] = (
    None, "", "0x", "zz", -1, 1.5, [], {}, True, "0x" + "f" * 70, "9" * 90,
)  # fmt: skip
FIELDS = [
    (part, name, value)
    for part, names in (
        (TXS, ("hash", "from", "blockNumber", "timeStamp", "value", "isError")),
        (INSIDE, ("hash", "from", "to", "blockNumber", "timeStamp", "value")),
        (TOKENS, ("hash", "from", "to", "contractAddress", "blockNumber", "timeStamp", "value")),
    )
    for name in names
    for value in NONSENSE
]
"""Every field that rows are made of, with every kind of nonsense: 209 faults."""


@pytest.mark.fault
def test_there_are_enough_of_them() -> None:
    assert len(FIELDS) + len(LIES) >= 200


@pytest.mark.fault
@pytest.mark.parametrize(("part", "name"), list(dict.fromkeys(one[:2] for one in FIELDS)))
def test_nonsense_in_a_field_is_refused_or_changes_nothing(part: str, name: str) -> None:
    """What is nobody's, such as a call that came to nothing, is left out; no row is a wrong one."""
    site = ExplorerSite(busy())
    with served(site) as url:
        right = {tuple(row) for row in transfers(batches(url, "ann")).rows()}
        for value in [one[2] for one in FIELDS if one[:2] == (part, name)]:
            site.change = rows_in(part, put(name, value))
            told, rows = "", pl.DataFrame()
            try:
                rows = transfers(batches(url, "ann", attempts=1))
            except ChainwatchError as error:
                told = str(error)
            assert not told or "127.0.0.1" in told, (value, told)
            assert {tuple(row) for row in rows.rows()} <= right, (name, value)


def test_two_answers_to_one_question_are_refused() -> None:
    """A list that changes while it is read out of order is no list."""
    turns = iter(range(10**6))

    def change(rows: list[Any]) -> Any:
        return rows if next(turns) % 2 else rows[::-1]

    site = ExplorerSite(busy(), most=3)
    site.change = rows_in(TXS, change)
    with served(site) as url, pytest.raises(SourceError, match="out of order"):
        batches(url, "ann")


def items(part: str, change: Callable[[list[Any]], Any]) -> Callable[[str, Any], Any]:
    def changed(asked: str, value: Any) -> Any:
        if part in asked and isinstance(value, dict) and value.get("items"):
            rows = json.loads(json.dumps(value["items"]))
            made = change(rows)
            return {**value, "items": rows if made is None else made}
        return value

    return changed


BLOCKSCOUT_LIES: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "a row twice": (items("/transactions", lambda rows: rows * 2), "comes twice"),
    "pages that never end": (
        lambda asked, value: {**value, "items": [], "next_page_params": {"index": 1}}
        if "/transactions" in asked else value, "comes again"),
    "a mark of the wrong type": (
        lambda asked, value: {**value, "next_page_params": 7}
        if "/transactions" in asked else value, "next page is none"),
    "a page that is a text": (
        lambda asked, value: b'"page"' if "/transactions" in asked else value, "no object"),
    "items of the wrong type": (
        lambda asked, value: {**value, "items": 7} if "/transactions" in asked else value,
        "list of objects"),
    "a status that is none": (items("/transactions", put("status", "fine")), "status"),
    "a time without a zone": (items("/transactions", put("timestamp", "2023-11-14T22:13:20")),
                              "no zone"),
    "a time that is none": (items("/transactions", put("timestamp", "yesterday")), "no time"),
    "a call without success": (items("/internal", put("success", None)), "took effect"),
    "a token whose amount is a list": (items("/token", put("total", [])), "is no object"),
    "a place of a log that is huge": (items("/token", put("log_index", 2**50)),
                                      "no whole number"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("lie", BLOCKSCOUT_LIES)
def test_a_lie_of_blockscout_is_an_error_and_no_wrong_row(lie: str) -> None:
    change, words = BLOCKSCOUT_LIES[lie]
    site = ExplorerSite(busy())
    site.change = change
    with served(site) as url, pytest.raises(ChainwatchError, match=words):
        batches(url, "ann", api="blockscout")


def test_a_token_of_77_decimals_or_a_long_symbol_is_flagged() -> None:
    site = ExplorerSite(busy())
    site.change = rows_in(
        TOKENS,
        lambda rows: (
            rows[0].update(tokenDecimal="77"),
            rows[1].update(tokenSymbol="S" * 10**6),
            None,
        )[2],
    )
    with served(site) as url:
        found = batches(url, "ann")
    token = transfers(found).filter(kind="erc20")
    assert sorted(token["amount"].drop_nulls().to_list()) == [3, 3]
    assert token["decimals"].null_count() == 2
    assert any("cannot be right" in note for note in found[0].notes)


def test_a_token_of_a_kind_of_its_own_is_set_apart(tmp_path: Path) -> None:
    """Anybody may send one: the rest of the history is read, and the row is counted."""
    site = ExplorerSite(busy())
    site.change = items("/token", lambda rows: rows[0]["token"].update(type="ERC-404"))
    with served(site) as url:
        report = pull(tmp_path / "l", source(url, "ann", api="blockscout"))
    assert any("1 movement of tokens set apart: 'ERC-404'" in note for note in report.notes)
    ledger = open_ledger(tmp_path / "l")
    kept = ledger.transfers.filter(pl.col("contract").is_not_null()).collect()
    assert kept.height == 4
    [apart] = ledger.coverage.filter(pl.col("kind") == "apart").collect().rows(named=True)
    assert (apart["apart"], apart["complete"]) == (1, None)


@pytest.mark.parametrize(
    ("api", "change"),
    [
        ("blockscout", items("/token", lambda rows: rows[0].update(total=None))),
        ("blockscout", items("/token", lambda rows: rows[0]["total"].update(value=None))),
        ("etherscan", rows_in(TOKENS, put("value", None))),
        ("etherscan", rows_in(TOKENS, put("value", "0x"))),
    ],
)
def test_a_movement_without_an_amount_leaves_that_token_unknown(
    api: str, change: Any, tmp_path: Path
) -> None:
    site = ExplorerSite(busy())
    with served(site) as url:
        pull(tmp_path / "plain", source(url, "ann", api=api))
    site.change = change
    with served(site) as url:
        report = pull(tmp_path / "l", source(url, "ann", api=api))
    assert any("1 movement of tokens set apart: without an amount" in one for one in report.notes)
    plain, ledger = (open_ledger(tmp_path / name) for name in ("plain", "l"))
    [lost] = plain.transfers.collect().join(
        ledger.transfers.collect(), on=schema.TRANSFERS.key, how="anti", nulls_equal=True
    ).rows(named=True)  # fmt: skip
    [apart] = ledger.coverage.filter(pl.col("kind") == "apart").collect().rows(named=True)
    assert (apart["apart"], apart["contract"]) == (1, lost["contract"])
    moved = moved_by_asset(ledger, ledger.chains[0], apart["address"])[lost["contract"]]
    way = "paid" if lost["sender"] == apart["address"] else "got"
    assert {name: found.rows for name, found in moved.items()} == {way: 1}
    told = address_summary(ledger, apart["address"], ledger.chains[0])
    assert f"it may have {way} an amount that cannot be read of" in " ".join(told.coverage)
    token = canonical.text(lost["contract"], ledger.chains[0])
    assert not any(token in one and "do not add up" in one for one in told.coverage)


def test_a_token_that_is_not_named_is_set_apart(tmp_path: Path) -> None:
    site = ExplorerSite(busy())
    site.change = items("/token", put("token", None))
    with served(site) as url:
        report = pull(tmp_path / "l", source(url, "ann", api="blockscout"))
    assert any("set apart: of a token that is not named" in one for one in report.notes)
    apart = open_ledger(tmp_path / "l").coverage.filter(pl.col("kind") == "apart").collect()
    assert (apart["apart"].sum(), apart["contract"].to_list()) == (1, [None])


def test_numbers_in_hexadecimal_are_the_same_numbers(tmp_path: Path) -> None:
    site = ExplorerSite(busy())
    with served(site) as url:
        pull(tmp_path / "plain", source(url, "ann", api="etherscan"))
    site.change = rows_in(TOKENS, lambda rows: [
        row.update(value=hex(int(row["value"])), blockNumber=hex(int(row["blockNumber"])))
        for row in rows] and None)  # fmt: skip
    with served(site) as url:
        pull(tmp_path / "l", source(url, "ann", api="etherscan"))
    plain, told = (open_ledger(tmp_path / name).transfers.collect() for name in ("plain", "l"))
    assert plain.equals(told)


def test_a_batch_that_lists_one_id_twice_is_no_lie(tmp_path: Path) -> None:
    """Anybody may send one: an item is kept, and how many came again is said and counted."""
    site = ExplorerSite(busy())

    def again(rows: list[Any]) -> list[Any]:
        return rows + [row for row in rows if row["token"]["type"] == "ERC-1155"]

    site.change = items("/token", again)
    with served(site) as url:
        report = pull(tmp_path / "l", source(url, "ann", api="blockscout"))
    (note,) = [note for note in report.notes if "set apart" in note]
    assert note.endswith("1 movement of tokens set apart: a batch of ERC-1155 that may list one id"
                         " twice")  # fmt: skip
    ledger = open_ledger(tmp_path / "l")
    assert ledger.transfers.filter(pl.col("kind") == "erc1155").collect().height == 1
    assert ledger.coverage.filter(pl.col("kind") == "apart").collect()["apart"].to_list() == [1]


STATUSES: list[tuple[dict[str, Any], bool | None]] = [
    ({"isError": "0", "txreceipt_status": "1"}, True),
    ({"isError": "1", "txreceipt_status": "0"}, False),
    ({"isError": "0", "txreceipt_status": ""}, True),
    ({"txreceipt_status": "0"}, False),
    ({"txreceipt_status": "1"}, True),
    ({}, None),
]
"""What fields say, and whether the transaction took effect."""


@pytest.mark.parametrize(("fields", "wanted"), STATUSES)
def test_success_is_what_is_said_and_nothing_else(
    fields: dict[str, Any], wanted: bool | None
) -> None:
    def said(rows: list[Any]) -> None:
        for row in rows:
            if row["blockNumber"] == "2":
                del row["isError"], row["txreceipt_status"]
                row.update(fields)

    site = ExplorerSite(busy())
    site.change = rows_in(TXS, said)
    with served(site) as url:
        rows = transfers(batches(url, "ann")).filter(kind="native", height=2)
    assert rows["success"].to_list() == [wanted]


def test_two_fields_that_contradict_each_other_are_refused() -> None:
    site = ExplorerSite(busy())
    site.change = rows_in(TXS, lambda rows: rows[0].update(isError="0", txreceipt_status="0"))
    with served(site) as url, pytest.raises(SourceError, match="contradict each other"):
        batches(url, "ann")


TROUBLE: dict[str, Any] = {
    "429": (429, {"message": "slow down"}),
    "500": (500, b"oops"),
    "503": (503, b"busy"),
    "200 with a refusal": (200, {"status": "0", "message": "NOTOK",
                                 "result": "Max calls per sec rate limit reached (3/sec)"}),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
@every_api
def test_trouble_that_passes_changes_nothing(trouble: str, api: str) -> None:
    site = ExplorerSite(busy())
    turns = iter(range(10**6))
    with served(site) as url:
        site.change = lambda _, value: TROUBLE[trouble] if next(turns) % 2 == 0 else value
        found = transfers(batches(url, "ann", api=api))
        site.change = None
        assert found.equals(transfers(batches(url, "ann", api=api)))


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("after", [0, 1, 4])
def test_trouble_that_stays_is_an_error(trouble: str, after: int) -> None:
    site = ExplorerSite(busy())
    turns = iter(range(10**6))
    with served(site) as url:
        site.change = lambda _, value: value if next(turns) < after else TROUBLE[trouble]
        with pytest.raises(NoAnswer, match=r"127\.0\.0\.1"):
            batches(url, "ann")
