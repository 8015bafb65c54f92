"""A node that lies, breaks off or talks nonsense: refused or set apart, and never a wrong row.

Every fault is put into one answer. A pull then either ends in an error of ours that says where, or
in the very rows of a node without the fault; what was committed before is right in any case.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import polars as pl
import pytest
import stamina
from evm_chain import (
    TOKEN,
    TRANSFER,
    Call,
    Chain,
    Node,
    Refusal,
    Tx,
    address,
    log,
    pay,
    small,
    word,
)
from module_of import module_of

from chainwatch.errors import ChainwatchError, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.evm.source import EvmBlocks

blocks = module_of("sources/evm/test_blocks")

Fault = Callable[[str, list[Any], Any], Any]


def source(transport: httpx2.BaseTransport, **given: Any) -> EvmBlocks:
    return EvmBlocks("https://node.example", chain="eth-dev", per_second=1e9, attempts=2,
                     transport=transport, **given)  # fmt: skip


def at(method: str, height: int, change: Callable[[Any], Any]) -> Fault:
    """Return a fault in the answer of one question at one height."""

    def spoil(asked: str, params: list[Any], result: Any) -> Any:
        if asked != method or not params or params[0] != hex(height):
            return result
        return change(json.loads(json.dumps(result)))

    return spoil


def put(*path: Any, to: Any) -> Callable[[Any], Any]:
    """Return the change that puts a value at a place; ``None`` leaves it out."""

    def change(result: Any) -> Any:
        inner = result
        for step in path[:-1]:
            inner = inner[step]
        if to is LEFT_OUT:
            del inner[path[-1]]
        else:
            inner[path[-1]] = to
        return result

    return change


LEFT_OUT = object()
BLOCK, RECEIPTS, FLAT, NESTED = (
    "eth_getBlockByNumber", "eth_getBlockReceipts", "trace_block", "debug_traceBlockByNumber",
)  # fmt: skip
OTHER = "0x" + "ee" * 32
NONSENSE: tuple[Any, ...] = (None, "", "0x", "0xzz", "12", -1, 1.5, [], {}, "0x" + "f" * 70)

_FIELDS = {
    BLOCK: [
        ("number",), ("hash",), ("parentHash",), ("timestamp",), ("gasUsed",),
        ("transactions", 0, "hash"), ("transactions", 0, "from"), ("transactions", 0, "value"),
        ("transactions", 0, "transactionIndex"), ("transactions", 0, "blockHash"),
    ],
    RECEIPTS: [
        (0, "transactionHash"), (0, "blockHash"), (0, "gasUsed"), (0, "cumulativeGasUsed"),
        (0, "transactionIndex"), (1, "logs", 0, "address"), (1, "logs", 0, "logIndex"),
        (1, "logs", 0, "transactionHash"), (1, "logs", 0, "topics"),
    ],
}  # fmt: skip

FIELDS = [
    (method, path, value)
    for method, paths in _FIELDS.items() for path in paths for value in NONSENSE
]  # fmt: skip
"""Every field that rows are made of, with every kind of nonsense: 190 faults."""


def test_there_are_enough_of_them() -> None:
    assert len(FIELDS) + len(TOLD) >= 100


def outcome(folder: Path, fault: Fault | None, chain: Chain, **node: Any) -> str:
    """Pull with a fault; return the error, or '' where the rows are those without a fault."""
    try:
        asked = source(Node(chain, spoil=fault, **node).transport, batch=2, at_once=1)
        pull(folder, asked, progress=False)
    except ChainwatchError as error:
        told = str(error)
    else:
        told = ""
    if (folder / "commits").exists():
        found, wanted = blocks.moved(open_ledger(folder)), blocks.slowly(chain)
        assert not found - wanted, (told, found - wanted)
        assert told or found == wanted
    return told


@pytest.mark.parametrize(("method", "path", "value"), FIELDS)
def test_nonsense_in_a_field_is_refused(
    tmp_path: Path, method: str, path: tuple[Any, ...], value: Any
) -> None:
    told = outcome(tmp_path / "l", at(method, 2, put(*path, to=value)), small())
    assert "node.example" in told, told


TOLD: dict[str, tuple[Fault, str]] = {
    "another block": (at(BLOCK, 3, lambda _: small().blocks[2]), "was sent for 3"),
    "no block": (at(BLOCK, 3, lambda _: None), "does not have this block"),
    "no receipts": (at(RECEIPTS, 3, lambda _: None), "no receipts"),
    "a receipt less": (at(RECEIPTS, 2, lambda found: found[:1]), "1 receipts were sent of 2"),
    "a receipt more": (at(RECEIPTS, 2, lambda found: [*found, found[0]]), "3 receipts"),
    "receipts in another order": (at(RECEIPTS, 2, lambda found: found[::-1]), "is not of"),
    "receipts of another block": (
        at(RECEIPTS, 2, lambda _: small().receipts[4]), "is not of transaction",
    ),
    "a transaction twice": (
        at(BLOCK, 2, lambda one: {**one, "transactions": [one["transactions"][0]] * 2}),
        "not in its place",
    ),
    "a transaction less": (
        at(BLOCK, 2, lambda one: {**one, "transactions": one["transactions"][:1]}), "receipts",
    ),
    "a log less": (
        at(RECEIPTS, 4, lambda found: [{**one, "logs": []} for one in found]), "filter",
    ),
    "a log twice": (at(RECEIPTS, 2, lambda found: [
        {**one, "logs": one["logs"] * 2} for one in found]), "not in its place"),
    "a removed log": (at(RECEIPTS, 2, put(1, "logs", 0, "removed", to=True)), "not in its place"),
    "a log of another block": (
        at(RECEIPTS, 2, put(1, "logs", 0, "blockHash", to=OTHER)), "not in its place",
    ),
    "a log at another height": (
        at(RECEIPTS, 2, put(1, "logs", 0, "blockNumber", to="0x9")), "not in its place",
    ),
    "five topics": (
        at(RECEIPTS, 2, put(1, "logs", 0, "topics", to=["0x" + "11" * 32] * 5)), "filter",
    ),
    "gas that does not add up": (at(RECEIPTS, 2, put(0, "gasUsed", to="0x1")), "does not add up"),
    "more gas than the block": (at(BLOCK, 2, put("gasUsed", to="0x1")), "not that of the block"),
    "a status of its own": (at(RECEIPTS, 2, put(0, "status", to="0x2")), "neither 0 nor 1"),
    "a transaction of another chain": (
        at(BLOCK, 2, put("transactions", 0, "chainId", to="0x5")), "is of chain 5",
    ),
    "a time in the future": (at(BLOCK, 6, put("timestamp", to="0xfffffffff")), "in the future"),
    "a time beyond all calendars": (
        at(BLOCK, 6, put("timestamp", to="0xffffffffffffffffff")), "in the future",
    ),
    "a time before the parent's": (at(BLOCK, 3, put("timestamp", to="0x1")), "older than its"),
    "traces of another block": (
        at(FLAT, 3, lambda found: [{**one, "blockHash": OTHER} for one in found]), "are of block",
    ),
    "traces of nothing": (at(FLAT, 3, lambda _: []), "has no trace"),
    "traces without their top": (at(FLAT, 3, lambda found: found[1:]), "has no place"),
    "a trace with a gap": (at(FLAT, 3, lambda found: [found[0], found[2]]), "has no place"),
    "a trace twice": (at(FLAT, 3, lambda found: [*found, found[0]]), "begins twice"),
    "a trace of no transaction": (
        at(FLAT, 3, put(0, "transactionPosition", to=7)), "does not have there",
    ),
    "a trace of another transaction": (
        at(FLAT, 3, put(0, "transactionHash", to=OTHER)), "does not have there",
    ),
    "a call without a receiver": (
        at(FLAT, 3, put(1, "action", "to", to=None)), "pays nobody",
    ),
    "a call with a value that is none": (at(FLAT, 3, put(1, "action", "value", to="x")), "number"),
    "a call from what is no address": (at(FLAT, 3, put(1, "action", "from", to="0x1")), "digits"),
    "a trace that pays another": (
        at(FLAT, 3, put(0, "action", "to", to=address(77))), "is of another one",
    ),
    "a trace of another amount": (
        at(FLAT, 2, put(0, "action", "value", to="0x999")), "is of another one",
    ),
    "a trace of another sender": (
        at(FLAT, 2, put(0, "action", "from", to=address(77))), "is of another one",
    ),
    "a trace that failed where the receipt says success": (
        at(FLAT, 2, put(0, "error", to="Reverted")), "is of another one",
    ),
    "a trace that took effect where the receipt says failure": (
        at(FLAT, 4, put(0, "error", to=None)), "is of another one",
    ),
    "traces that are a text": (at(FLAT, 3, lambda _: "none"), "not of its form"),
    "a refusal in place of a block": (at(BLOCK, 3, lambda _: Refusal(-32000, "disk")), "disk"),
    "a refusal with a hidden sign": (
        at(BLOCK, 3, lambda _: Refusal(-32000, "a\u202eb\x1b[31m")), "refuses and says",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_what_contradicts_itself_is_refused(tmp_path: Path, name: str) -> None:
    fault, words = TOLD[name]
    told = outcome(tmp_path / "l", fault, small())
    assert words in told, told
    assert "\x1b" not in told


NESTED_TOLD: dict[str, tuple[Fault, str]] = {
    "a transaction less": (at(NESTED, 2, lambda found: found[:1]), "1 transactions are traced"),
    "of another transaction": (at(NESTED, 2, put(0, "txHash", to=OTHER)), "is not traced"),
    "of another branch, without ids": (
        at(NESTED, 3, lambda _: [{"result": Node(small()).result(NESTED, ["0x2"])[0]["result"]}]),
        "is of another one",
    ),
    "an error inside": (
        at(NESTED, 2, lambda found: [{"txHash": one["txHash"], "error": "timeout"}
                                     for one in found]), "timeout",
    ),
    "a value that is none": (
        at(NESTED, 3, put(0, "result", "calls", 0, "value", to="9")), "number",
    ),
    "a call that is a list": (at(NESTED, 3, put(0, "result", "calls", to=[[1]])), "its form"),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED_TOLD)
def test_nested_traces_that_are_wrong_are_refused(tmp_path: Path, name: str) -> None:
    fault, words = NESTED_TOLD[name]
    told = outcome(tmp_path / "l", fault, small(), lacks=frozenset({FLAT}))
    assert words in told, told


def test_calls_of_others_than_who_was_called_are_not_read(tmp_path: Path) -> None:
    """Some nodes say that who called a contract destroyed it: whose coins it had is not told."""
    fault = at(FLAT, 3, put(1, "action", "from", to=address(77)))
    report = pull(tmp_path / "l", source(Node(small(), spoil=fault).transport), progress=False)
    assert any("by another than the one who was called" in note for note in report.notes)
    ledger = open_ledger(tmp_path / "l")
    facts = unread(ledger).filter(pl.col("what") == "internal transfers")
    assert facts["count"].to_list() == [1]
    inside = ledger.transfers.filter((pl.col("kind") == "internal") & (pl.col("height") == 3))
    assert inside.collect().is_empty()


DELEGATED = Call(address(9), address(8), 0, "delegatecall", [Call(address(9), address(5), 4)])


def test_a_delegated_call_acts_as_who_makes_it(tmp_path: Path) -> None:
    chain = Chain().add().add(Tx(Call(address(1), address(9), 4, calls=[DELEGATED])))
    for form in ("nested", "flat"):
        lacks = frozenset({FLAT}) if form == "nested" else frozenset[str]()
        pull(tmp_path / form, source(Node(chain, lacks=lacks).transport), progress=False)
        assert blocks.moved(open_ledger(tmp_path / form)) == blocks.slowly(chain)


@pytest.mark.parametrize("method", [RECEIPTS, FLAT])
def test_a_chain_that_changes_between_two_answers_is_asked_again(
    tmp_path: Path, method: str
) -> None:
    """Once: what contradicts itself again is refused."""
    ours, theirs = (Chain(salt=salt).add().add(pay(1, 2, 5)).add(pay(1, 2, last))
                    for salt, last in (("", 6), ("x", 7)))  # fmt: skip
    seen: Counter[str] = Counter()

    def change(asked: str, params: list[Any], result: Any) -> Any:
        if asked != method or params != ["0x2"]:
            return result
        seen[asked] += 1
        return Node(theirs).result(asked, params) if seen[asked] == 1 else result

    pull(tmp_path / "l", source(Node(ours, spoil=change).transport), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(ours)
    assert seen[method] >= 2


def other_chain(number: int) -> Chain:
    return Chain(chain_id=number).add()


def pulled(folder: Path, chain: Chain, **node: Any) -> Any:
    made = EvmBlocks("https://node.example", chain=f"eip155:{chain.chain_id}", per_second=1e9,
                     attempts=2, transport=Node(chain, **node).transport)  # fmt: skip
    return pull(folder, made, progress=False)


def test_transactions_of_a_chain_s_own_have_gas_of_their_own(tmp_path: Path) -> None:
    """A chain of which nobody said how its coin moves may count gas as it likes."""
    nobody = Call(address(0), address(0))
    free = Tx(nobody, receipt={"gasUsed": "0x0", "cumulativeGasUsed": "0x0"})
    chain = other_chain(250).add(pay(1, 2, 5), free)
    pulled(tmp_path / "l", chain)
    rows = open_ledger(tmp_path / "l").transfers.collect()
    assert sorted(rows.filter(kind="native")["amount"].to_list()) == [0, 5]
    uncounted = other_chain(324).add(pay(1, 2, 5))
    uncounted.receipts[1][0]["cumulativeGasUsed"] = "0x0"
    pulled(tmp_path / "m", uncounted)


def test_traces_that_leave_a_transaction_out_are_said_to_be_unread(tmp_path: Path) -> None:
    chain = other_chain(250).add(pay(1, 2, 5), Tx(Call(address(0), address(0))))
    fault = at(NESTED, 1, lambda found: found[:1])
    report = pulled(tmp_path / "l", chain, spoil=fault, lacks=frozenset({FLAT}))
    assert any("1 transactions are traced of 2" in note for note in report.notes)
    facts = unread(open_ledger(tmp_path / "l"))
    assert facts.filter(pl.col("what") == "internal transfers")["count"].to_list() == [1]


def test_what_destroys_itself_for_itself_is_not_burnt_where_nobody_says_so(tmp_path: Path) -> None:
    """Whether coins vanish then is a rule of the chain; made in the same transaction, they do."""
    for number, wanted in ((137, []), (31337, [70])):
        ends = Call(address(9), address(9), 70, "selfdestruct")
        chain = other_chain(number).add(pay(1, 9, 70)).add(
            Tx(Call(address(1), address(9), calls=[ends])))  # fmt: skip
        for block in chain.blocks:
            del block["blobGasUsed"]
        folder = tmp_path / str(number)
        if number == 31337:
            pull(folder, source(Node(chain).transport), progress=False)
        else:
            pulled(folder, chain)
        inside = open_ledger(folder).transfers.filter(pl.col("kind") == "internal").collect()
        assert inside["amount"].to_list() == wanted


def test_a_creation_that_failed_moved_nothing_whoever_traces_it(tmp_path: Path) -> None:
    """One way of tracing names the address that the contract would have had."""
    made = Call(address(9), address(70), 5, "create", error="reverted")
    chain = Chain().add().add(Tx(Call(address(1), address(9), 5, calls=[made])))

    def named(asked: str, params: list[Any], result: Any) -> Any:
        if asked == FLAT:
            for line in result:
                if line["type"] == "create":
                    line["result"] = {"address": address(70)}
        return result

    pull(tmp_path / "flat", source(Node(chain, spoil=named).transport), progress=False)
    pull(tmp_path / "nested", source(Node(chain, lacks=frozenset({FLAT})).transport),
         progress=False)  # fmt: skip
    flat, nested = (open_ledger(tmp_path / name) for name in ("flat", "nested"))
    assert flat.digest("transfers") == nested.digest("transfers")
    assert flat.transfers.filter(pl.col("kind") == "internal").collect().is_empty()


def test_traces_that_are_gone_are_said_to_be_unread(tmp_path: Path) -> None:
    """A node may keep the state of the last blocks only: others are read without their calls."""
    fault = at(FLAT, 3, lambda _: Refusal(-32000, "missing trie node"))
    report = pull(tmp_path / "l", source(Node(small(), spoil=fault).transport), progress=False)
    assert any("in 1 blocks: the node says 'missing trie node'" in note for note in report.notes)
    facts = unread(open_ledger(tmp_path / "l")).filter(pl.col("what") == "internal transfers")
    assert facts["count"].to_list() == [1]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"[" * 100_000, b"\xff\xfe", b'{"id": 0, "result": NaN}',
     b'<html>502</html>', b'[{"id": 7, "result": "0x1"}]', b'{"id": 0, "result": 5}',
     b'{"id": 0}', b'{"id": 0, "result": "0x1"}{"id": 0}'],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    with stamina.set_testing(True, attempts=1), pytest.raises(SourceError, match=r"node\.example"):
        pull(tmp_path / "l", source(transport), progress=False)
    assert not (tmp_path / "l").exists()


def test_two_answers_to_one_question_are_refused(tmp_path: Path) -> None:
    node = Node(small())

    def twice(request: httpx2.Request) -> httpx2.Response:
        answer = node.handle(request)
        told = json.loads(answer.content)
        return httpx2.Response(200, content=json.dumps([*told, told[0]])) if isinstance(
            told, list) else answer  # fmt: skip

    with pytest.raises(SourceError, match="not those to what was asked"):
        pull(tmp_path / "l", source(httpx2.MockTransport(twice)), progress=False)


def test_a_limit_that_comes_as_an_answer_is_waited_for(tmp_path: Path) -> None:
    """Some servers say it with status 200, inside of the answer."""
    seen: Counter[str] = Counter()

    def busy(method: str, params: list[Any], result: Any) -> Any:
        seen[method] += 1
        first = method == "eth_blockNumber" and seen[method] == 1
        return Refusal(429, "too many requests") if first else result

    chain = small()
    with stamina.set_testing(True, attempts=3, cap=True):
        pull(tmp_path / "l", source(Node(chain, spoil=busy).transport), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(chain)


ODD_LOGS = {
    "an address of more than twenty bytes": log(
        [TRANSFER, "0x" + "ff" * 32, "0x" + word(address(2))], "0x" + word(5)
    ),
    "no amount": log([TRANSFER, "0x" + word(address(1)), "0x" + word(address(2))], "0x"),
    "two amounts": log(
        [TRANSFER, "0x" + word(address(1)), "0x" + word(address(2))], "0x" + word(5) * 2
    ),
    "half a word": log([TRANSFER, "0x" + word(address(1)), "0x" + word(address(2))], "0xff"),
    "no topics but the first": log([TRANSFER], "0x"),
    "five tokens, one amount": log(
        ["0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb",
         *["0x" + word(address(k)) for k in range(3)]],
        "0x" + word(64) + word(96) + word(0) + word(1) + word(3),
    ),
    "a list of very many": log(
        ["0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb",
         *["0x" + word(address(k)) for k in range(3)]],
        "0x" + word(64) + word(2**200) + word(2**64),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_LOGS)
def test_a_log_that_is_nonsense_is_set_apart(tmp_path: Path, name: str) -> None:
    """It makes no row; the others of its block do, and the block says how many there were."""
    chain = Chain().add().add(pay(1, 2, 3), Tx(Call(address(1), TOKEN), [ODD_LOGS[name]]))
    report = pull(tmp_path / "l", source(Node(chain).transport), progress=False)
    assert any("1 log in the form of a transfer" in note for note in report.notes)
    ledger = open_ledger(tmp_path / "l")
    tokens = ledger.transfers.filter(pl.col("contract").is_not_null()).collect()
    assert tokens.is_empty()
    [apart] = ledger.coverage.filter(pl.col("kind") == "apart").collect().rows(named=True)
    assert apart["apart"] == 1
    assert apart["answer"] in ledger.answers.collect()["digest"].to_list()
    facts = unread(ledger).filter(pl.col("what") == "rows set apart")
    assert facts["count"].to_list() == [1]
    assert facts["amount"].to_list() == [None]


def test_more_topics_than_there_can_be_are_refused() -> None:
    import msgspec

    from chainwatch.sources.evm.fields import Log
    from chainwatch.sources.evm.logs import log_columns

    place = {"logIndex": "0x0", "transactionIndex": "0x0", "transactionHash": OTHER,
             "blockHash": OTHER, "blockNumber": "0x1"}  # fmt: skip
    for topics, data, words in (
        ([OTHER] * 5, "0x", "four topics"), ([OTHER[:-2]], "0x", "not 32 bytes"),
        ([OTHER], "0xzz", "not hexadecimal"), ([OTHER], "12", "not hexadecimal"),
        ([OTHER], "0x 1", "not hexadecimal"), ([OTHER], "0x123", "not hexadecimal"),
        (["0x0x" + OTHER[4:]], "0x", "not hexadecimal"),
    ):  # fmt: skip
        given = {"address": TOKEN, "topics": topics, "data": data, **place}
        with pytest.raises(SourceError, match=words):
            log_columns([msgspec.convert(given, Log)], "a file")


@pytest.mark.parametrize("tip", [hex(2**31), hex(2**63), "0x" + "f" * 64])
def test_a_tip_that_no_chain_has_is_refused_at_once(tmp_path: Path, tip: str) -> None:
    node = Node(small(), spoil=lambda asked, _, told: tip if asked == "eth_blockNumber" else told)
    with pytest.raises(SourceError, match="is no height"):
        pull(tmp_path / "l", source(node.transport), progress=False)


def test_a_price_below_the_base_fee_is_refused(tmp_path: Path) -> None:
    told = outcome(tmp_path / "l", at(RECEIPTS, 2, put(0, "effectiveGasPrice", to="0x1")), small())
    assert "below the base fee" in told


def test_white_space_is_no_part_of_a_hash(tmp_path: Path) -> None:
    spaced = "0x" + "ab " * 21 + "a"
    told = outcome(tmp_path / "l", at(BLOCK, 2, put("parentHash", to=spaced)), small())
    assert "parentHash" in told


def test_words_of_a_contract_stop_no_reading(tmp_path: Path) -> None:
    """A contract that refuses to tell its name may say that the node is asked too often."""

    def refuse(method: str, _: list[Any], result: Any) -> Any:
        words = "execution reverted: rate limit, too many requests"
        return Refusal(3, words) if method == "eth_call" else result

    chain = small()
    pull(tmp_path / "l", source(Node(chain, spoil=refuse).transport), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(chain)
