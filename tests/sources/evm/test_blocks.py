"""Blocks of a made-up EVM chain to rows, held against a slow decoder that reads the node's JSON."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evm_chain import (
    BASE,
    GAS,
    MINER,
    PRICE,
    TOKEN,
    Call,
    Chain,
    Node,
    Tx,
    address,
    log,
    pay,
    small,
    split,
    transfer,
    word,
)

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset, native
from chainwatch.heuristics.poisoning import unsigned
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ingest.pull import pull
from chainwatch.ledger import features
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

NOBODY = address(0)


def read(folder: Path, node: Node, **given: Any) -> Ledger:
    """Return the ledger of all that a node says."""
    source = EvmBlocks(
        "https://node.example", chain=f"eip155:{node.chain.chain_id}", per_second=1e9,
        transport=node.transport, **given,
    )  # fmt: skip
    pull(folder, source, progress=False)
    return open_ledger(folder)


def moved(ledger: Ledger) -> Counter[tuple[Any, ...]]:
    """Return what was moved, in words: kind, token, from, to, amount, success, height and place."""
    rows = ledger.transfers.collect().rows(named=True)
    return Counter(
        (row["kind"], text(row["contract"]), text(row["sender"]), text(row["receiver"]),
         int(row["amount"]), row["success"], row["height"], row["trace_path"], row["log_index"])
        for row in rows
    )  # fmt: skip


def text(address: bytes | None) -> str | None:
    return None if address is None else "0x" + address[1:].hex()


def slowly(chain: Chain) -> Counter[tuple[Any, ...]]:
    """Return the same of the blocks themselves, one transaction after the other."""
    found: Counter[tuple[Any, ...]] = Counter()
    for height, block in enumerate(chain.blocks):
        receipts, calls = chain.receipts[height], chain.calls[height]
        for tx, receipt, call in zip(block["transactions"], receipts, calls, strict=True):
            good, payer = receipt["status"] == "0x1", tx["from"]
            to = tx["to"] or receipt["contractAddress"]
            found["native", None, payer, to, int(tx["value"], 16), good, height, None, None] += 1
            fee = "fee", None, payer, MINER, GAS * (PRICE - BASE), True, height, None, None
            burnt = "fee_burnt", None, payer, NOBODY, GAS * BASE, True, height, None, None
            found.update((fee, burnt))
            for path, inner, failed in inside(call, (), call.error is not None):
                if path and inner.value and inner.kind in ("call", "create", "selfdestruct"):
                    place = ".".join(map(str, path))
                    found["internal", None, inner.sender, inner.receiver, inner.value, not failed,
                          height, place, None] += 1  # fmt: skip
            for one in receipt["logs"]:
                found[token_row(one, height)] += 1
    return found


def inside(call: Call, path: tuple[int, ...], failed: bool) -> Any:
    yield path, call, failed
    for at, one in enumerate(call.calls):
        yield from inside(one, (*path, at), failed or one.error is not None)


def token_row(one: dict[str, Any], height: int) -> tuple[Any, ...]:
    sender, receiver = ("0x" + topic[-40:] for topic in one["topics"][1:])
    kind = {sender: "erc20_mint", receiver: "erc20_burn"}.get(NOBODY, "erc20")
    return (kind, one["address"], sender, receiver, int(one["data"], 16), True, height, None,
            int(one["logIndex"], 16))  # fmt: skip


def test_every_movement_is_read_once(tmp_path: Path) -> None:
    chain = small()
    ledger = read(tmp_path / "l", Node(chain))
    assert moved(ledger) == slowly(chain)
    assert check(ledger).ok
    assert ledger.blocks.select(pl.len()).collect().item() == len(chain.blocks)


@pytest.mark.parametrize("lacks", [(), ("trace_block",)])
@pytest.mark.parametrize("form", ["nested", "flat"])
def test_traces_of_every_form_say_the_same(
    tmp_path: Path, lacks: tuple[str, ...], form: str
) -> None:
    chain = small()
    ledger = read(tmp_path / "l", Node(chain, lacks=frozenset(lacks), form=form))
    assert moved(ledger) == slowly(chain)


def test_a_node_without_traces_says_that_calls_were_not_read(tmp_path: Path) -> None:
    chain = small()
    lacks = frozenset({"trace_block", "debug_traceBlockByNumber"})
    node = Node(chain, lacks=lacks)
    source = EvmBlocks("https://n.example", chain="eth-dev", per_second=1e9,
                       transport=node.transport)  # fmt: skip
    report = pull(tmp_path / "l", source, progress=False)
    assert any("internal transfers not read" in note for note in report.notes)
    ledger = open_ledger(tmp_path / "l")
    kept = Counter({row: count for row, count in slowly(chain).items() if row[0] != "internal"})
    assert moved(ledger) == kept
    facts = unread(ledger).filter(pl.col("what") == "internal transfers")
    assert facts["count"].to_list() == [sum(bool(calls) for calls in chain.calls)]
    assert facts["amount"].to_list() == [None]


def test_traces_that_a_later_node_has_are_added(tmp_path: Path) -> None:
    """The ledger is then that of a node that had them at once."""
    chain = small()
    lacks = frozenset({"trace_block", "debug_traceBlockByNumber"})
    read(tmp_path / "l", Node(chain, lacks=lacks))
    grown, fresh = read(tmp_path / "l", Node(chain)), read(tmp_path / "fresh", Node(chain))
    assert grown.digest("transfers") == fresh.digest("transfers")
    assert not unread(grown).filter(pl.col("what") == "internal transfers")["count"].sum()


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_batch_that_is_too_much_is_halved(tmp_path: Path, most: int) -> None:
    chain = small()
    node = Node(chain, most=max(2, most))
    assert moved(read(tmp_path / "l", node, batch=7)) == slowly(chain)


def test_a_node_without_batches_and_without_receipts_of_blocks_serves_too(tmp_path: Path) -> None:
    chain = small()
    node = Node(chain, single=True, lacks=frozenset({"eth_getBlockReceipts"}))
    assert moved(read(tmp_path / "l", node)) == slowly(chain)
    assert "eth_getTransactionReceipt" in node.asked


def test_one_contract_burns_what_it_holds_by_destroying_itself(tmp_path: Path) -> None:
    """Before Cancun always; since then only in the transaction that made it."""
    gone = Call(address(9), address(9), 40, kind="selfdestruct")
    made = Call(address(9), address(8), 10, kind="create",
                calls=[Call(address(8), address(8), 10, kind="selfdestruct")])  # fmt: skip
    for blob, wanted in ((None, NOBODY), ("0x0", address(9))):
        chain = Chain().add().add(Tx(Call(address(1), address(9), 50, calls=[gone, made])))
        chain.blocks[1]["blobGasUsed"] = blob
        ledger = read(tmp_path / f"l{blob}", Node(chain))
        ends = {row[7]: row[3] for row in moved(ledger) if row[0] == "internal"}
        assert ends == {"0": wanted, "1": address(8), "1.0": NOBODY}


def test_calls_to_precompiled_contracts_do_not_move_the_places_of_others(tmp_path: Path) -> None:
    inner = [Call(address(9), address(1), kind="staticcall"), Call(address(9), address(3), 5)]
    chain = Chain().add().add(Tx(Call(address(1), address(9), 5, calls=inner)))
    places = [row[7] for row in moved(read(tmp_path / "l", Node(chain))) if row[0] == "internal"]
    assert places == ["0"]


def test_calls_may_nest_as_deep_as_the_machine_lets_them(tmp_path: Path) -> None:
    deepest = Call(address(9), address(3), 5)
    for _ in range(1_022):
        deepest = Call(address(9), address(9), calls=[deepest])
    deepest = Call(address(1), address(9), 3, calls=[deepest])
    text, node = _nested_text(deepest), Node(Chain().add().add(pay(1, 9, 3)))
    node.lacks = frozenset({"trace_block"})
    raw = node.handle

    def handle(request: Any) -> Any:
        answer = raw(request)
        body = answer.content.decode()
        if "debug_traceBlockByNumber" not in request.content.decode() or '"txHash"' not in body:
            return answer
        head, _, tail = body.partition('"result": {"type"')
        cut = tail.index("}}")
        import httpx2

        return httpx2.Response(200, content=(head + '"result": ' + text + tail[cut + 1 :]).encode())

    import httpx2

    source = EvmBlocks("https://n.example", chain="eth-dev", per_second=1e9,
                       transport=httpx2.MockTransport(handle))  # fmt: skip
    pull(tmp_path / "l", source, progress=False)
    rows = open_ledger(tmp_path / "l").transfers.filter(pl.col("kind") == "internal").collect()
    assert rows["trace_path"].to_list() == [".".join(["0"] * 1_023)]


def _nested_text(call: Call) -> str:
    text = ""
    chain = [call]
    while chain[-1].calls:
        chain.append(chain[-1].calls[0])
    for one in reversed(chain):
        inner = f', "calls": [{text}]' if text else ""
        text = (f'{{"type": "CALL", "from": "{one.sender}", "to": "{one.receiver}",'
                f' "value": "{hex(one.value)}"{inner}}}')  # fmt: skip
    return text


def test_withdrawals_stand_under_their_numbers(tmp_path: Path) -> None:
    two = [{"index": hex(7 + k), "validatorIndex": "0x1", "address": address(4), "amount": "0x2"}
           for k in range(2)]  # fmt: skip
    ledger = read(tmp_path / "l", Node(Chain().add().add(pay(1, 2, 3), withdrawals=two)))
    rows = ledger.transfers.filter(pl.col("kind") == "withdrawal").collect().sort("trace_path")
    assert rows["trace_path"].to_list() == ["7", "8"]
    assert rows["amount"].to_list() == [Decimal(2 * 10**9)] * 2
    assert set(rows["txid"]) == set(ledger.blocks.filter(pl.col("height") == 1).collect()["hash"])


def test_a_chain_nobody_listed_gives_transfers_and_no_fees(tmp_path: Path) -> None:
    chain = small()
    chain.chain_id = 424242
    for block in chain.blocks:
        for tx in block["transactions"]:
            tx["chainId"] = hex(424242)
    ledger = read(tmp_path / "l", Node(chain))
    kinds = {row[0] for row in moved(ledger)}
    assert kinds == {"native", "internal", "erc20", "erc20_mint", "erc20_burn"}
    assert ledger.chains[0].id == "eip155:424242"


def test_an_amount_that_no_column_holds_is_kept_as_it_is(tmp_path: Path) -> None:
    huge = 2**256 - 1
    sizes = [huge, 10**38, 10**38 - 1, 2**128, 2**127, 2**64, 2**63, 0]
    logs = [log([TRANSFER_TOPIC, "0x" + word(address(1)), "0x" + word(address(2))],
                "0x" + word(size)) for size in sizes]  # fmt: skip
    ledger = read(tmp_path / "l", Node(Chain().add().add(Tx(Call(address(1), TOKEN), logs))))
    rows = ledger.transfers.filter(pl.col("kind") == "erc20").collect().sort("log_index")
    told = [
        int(row["amount_hex"], 16) if row["amount"] is None else int(row["amount"])
        for row in rows.rows(named=True)
    ]
    assert told == sizes
    assert [size for size, wide in zip(sizes, rows["amount_hex"], strict=True) if wide] == [
        huge, 10**38, 2**128, 2**127,
    ]  # fmt: skip


TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def test_an_address_shows_its_tokens(tmp_path: Path) -> None:
    ledger = read(tmp_path / "l", Node(small()))
    who = canonical.parse(address(2), "eth-dev")
    found = address_summary(ledger, who, "eth-dev")
    totals = {row["contract"]: row for row in found.totals.rows(named=True)}
    token = totals[canonical.parse(TOKEN, "eth-dev")]
    assert (token["received"], token["spent"]) == (1_000, 400)
    coin = totals[None]
    assert coin["received"] == 500
    assert coin["spent"] == 150 + 2 * GAS * PRICE


def test_times_are_those_of_blocks(tmp_path: Path) -> None:
    ledger = read(tmp_path / "l", Node(small()))
    rows = ledger.transfers.select("height", "time").unique().collect()
    for height, time in rows.iter_rows():
        assert time == datetime.fromtimestamp(1_700_000_000 + 12 * height, UTC)


def test_split_is_followed_to_who_got_it(tmp_path: Path) -> None:
    chain = Chain().add().add(pay(1, 2, 10**6)).add(split(2, 9, {3: 100, 4: 50}))
    ledger = read(tmp_path / "l", Node(chain))
    found = trace(
        ledger, [canonical.parse(address(2), "eth-dev")], asset=native("eth-dev"), policy=fifo
    )
    ends = {row["reason"] for row in found.ends.rows(named=True)}
    assert "fee" in ends
    assert "burnt" in ends


def test_rewards_of_blocks_and_uncles_by_proof_of_work(tmp_path: Path) -> None:
    """Five ether a block at first, a 32nd more for each uncle, who gets an eighth less a step."""
    uncles = [{"number": hex(at), "hash": f"0x{at:064x}", "parentHash": "0x" + "00" * 32,
               "miner": address(80 + at)} for at in (1, 2)]  # fmt: skip
    chain = Chain(chain_id=1).add()
    for height in (1, 2, 3):
        named = [one["hash"] for one in uncles] if height == 3 else []
        chain.add(difficulty="0x5", uncles=named)
    node = Node(chain)
    plain = node.result
    node.result = lambda method, params: (  # type: ignore[method-assign]  # one question more
        uncles[int(params[1], 16)] if method.startswith("eth_getUncle") else plain(method, params)
    )
    source = EvmBlocks("https://n.example", chain="eth", per_second=1e9, transport=node.transport)
    pull(tmp_path / "l", source, progress=False)
    rows = open_ledger(tmp_path / "l").transfers.filter(pl.col("kind") == "reward").collect()
    ether = 10**18
    found = {(row["height"], row["trace_path"]): (text(row["receiver"]), int(row["amount"]))
             for row in rows.rows(named=True)}  # fmt: skip
    assert found == {
        (1, "block"): (MINER, 5 * ether), (2, "block"): (MINER, 5 * ether),
        (3, "block"): (MINER, 5 * ether + 2 * 5 * ether // 32),
        (3, "uncle 0"): (address(81), 5 * ether * 6 // 8),
        (3, "uncle 1"): (address(82), 5 * ether * 7 // 8),
    }  # fmt: skip


def test_who_pays_signed_it_where_he_sent_the_transaction(tmp_path: Path) -> None:
    """Of a token that somebody else moved nothing is known: it is not called unsigned."""
    logs = [transfer(address(1), address(2), 10), transfer(address(3), address(2), 20)]
    chain = Chain().add().add(Tx(Call(address(1), TOKEN), logs), split(2, 9, {3: 5, 4: 6}))
    rows = read(tmp_path / "l", Node(chain)).transfers.collect().rows(named=True)
    told = {(row["kind"], int(row["amount"])): row["signed"] for row in rows}
    assert told == {
        ("native", 0): True, ("native", 11): True, ("erc20", 10): True, ("erc20", 20): None,
        ("internal", 5): None, ("internal", 6): None,
        ("fee", GAS * (PRICE - BASE)): True, ("fee_burnt", GAS * BASE): True,
    }  # fmt: skip
    ledger = open_ledger(tmp_path / "l")
    token = Asset(ledger.chains[0].id, canonical.parse(TOKEN, "eth-dev"), "T", 0)
    verdicts = apply(features.transfers(ledger, token).sort("amount"), unsigned())
    assert verdicts[VERDICT].to_list() == [False, None]
