"""Chains that run Bor: what everybody has by transfers, held against the books of such a chain."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bor_chain import (
    ACCOUNTS,
    CANCUN,
    CHAIN,
    COIN,
    LISTED,
    LONDON,
    MAKERS,
    NOBODY,
    RECEIVER,
    SPRINT,
    Act,
    Books,
    BorNode,
    State,
    held_log,
)
from evm_chain import GAS, TOKEN, Call, address, transfer

from chainwatch.addresses import canonical
from chainwatch.chains import catalogue
from chainwatch.errors import SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.block_readings import block_runs
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks

ANN, BOB, CAT, DAN, POOL, GOER = (address(number) for number in range(1, 7))
GENESIS = {COIN: 10**10, ANN: 10**8, BOB: 10**8, GOER: 900}
FLAT, NESTED = frozenset({"trace_block"}), frozenset({"debug_traceBlockByNumber"})


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_known", list(catalogue._known))
    catalogue.register(CHAIN)


def pay(payer: str, payee: str, amount: int, **more: Any) -> Act:
    error = "reverted" if more.get("failed") else None
    return Act(Call(payer, payee, amount, error=error), **more)


def as_token(payer: str, payee: str, amount: int) -> Act:
    """Return a payment of the coin as if it were a token: its contract sends it on, and logs it."""
    call = Call(payer, COIN, amount, calls=[Call(COIN, payee, amount)])
    return Act(call, [transfer(payer, payee, amount, COIN), held_log(COIN, payer, payee, amount)])


def busy() -> Books:
    """Return a chain through all its rules: pays, fails, ends contracts, and gets from below."""
    books = Books(GENESIS)
    books.add(pay(ANN, BOB, 500), pay(BOB, CAT, 7, tip=0))
    books.add(maker=MAKERS[1])
    split = Call(ANN, POOL, 90, calls=[Call(POOL, CAT, 60), Call(POOL, DAN, 30, error="out")])
    books.add(Act(split), pay(BOB, ANN, 1), maker=MAKERS[1])
    books.add(pay(ANN, BOB, 5), state=State([(DAN, 10**6), (CAT, 40)]))
    books.add(pay(ANN, BOB, 5, failed=True), pay(DAN, CAT, 77, tip=0))
    gone = Call(BOB, GOER, calls=[Call(GOER, CAT, 300, kind="selfdestruct")])
    itself = Call(BOB, GOER, calls=[Call(GOER, GOER, 100, kind="selfdestruct")])
    books.add(Act(gone), Act(itself), maker=MAKERS[1])
    books.add(as_token(ANN, DAN, 1_000), pay(DAN, COIN, 250))
    books.add(state=State([(BOB, 9)]))
    while books.height < CANCUN + 1:
        books.add(pay(ANN, BOB, books.height))
    books.add(Act(itself))
    while books.height < LISTED:
        books.add()
    receives = State(
        [(DAN, 5)], [Call(RECEIVER, CAT, calls=[Call(CAT, ANN, 3)])], [transfer(NOBODY, ANN, 11)]
    )
    books.add(pay(ANN, BOB, 5), as_token(BOB, ANN, 2), state=receives, maker=MAKERS[1])
    return books.add(pay(DAN, ANN, 8))


def read(folder: Path, books: Books, **node: Any) -> tuple[Ledger, list[str]]:
    """Read a chain; return the ledger and what is noted of it."""
    made = {"lacks": FLAT, **node}
    source = EvmBlocks("https://n.example", chain=CHAIN.alias, per_second=1e9, attempts=2,
                       transport=BorNode(books.chain, books=books, **made).transport)  # fmt: skip
    report = pull(folder, source, progress=False)
    return open_ledger(folder), list(report.notes)


def told(ledger: Ledger, genesis: dict[str, int], height: int) -> dict[str, int]:
    """Return what each address has after a block, by the transfers of the coin."""
    sums: dict[str, int] = defaultdict(int, genesis)
    rows = ledger.transfers.filter((pl.col("height") <= height) & pl.col("contract").is_null())
    for row in rows.collect().rows(named=True):
        if row["success"]:
            sums["0x" + row["sender"][1:].hex()] -= int(row["amount"])
            sums["0x" + row["receiver"][1:].hex()] += int(row["amount"])
    return {who: much for who, much in sums.items() if much}


def held(books: Books, height: int) -> dict[str, int]:
    return {who: much for who, much in books.history[height].items() if much}


def coin_blocks(ledger: Ledger) -> list[int]:
    """Return the heights at which every movement of the coin was read."""
    runs = block_runs(ledger, CHAIN.id, coin=True)
    return [height for run in runs for height in range(run.first, run.last + 1)]


@pytest.mark.parametrize("lacks", [FLAT, NESTED])
def test_what_everybody_has_is_what_the_books_say_after_every_block(
    tmp_path: Path, lacks: frozenset[str]
) -> None:
    books = busy()
    ledger, notes = read(tmp_path / "l", books, lacks=lacks)
    for height in range(books.height):
        assert told(ledger, GENESIS, height) == held(books, height), height
    assert sum(books.holds.values()) == sum(GENESIS.values())
    assert coin_blocks(ledger) == list(range(books.height))
    assert notes == []
    assert check(ledger).ok


def at_random(seed: int) -> Books:
    """Return a chain of anything that its rules allow, in any order."""
    any_ = random.Random(seed)  # noqa: S311  # the same each time
    books = Books({COIN: 10**9, **dict.fromkeys((ANN, BOB, CAT, DAN), 10**9)})
    for _ in range(LISTED + 6):
        acts = []
        for _ in range(any_.randrange(4)):
            payer, payee, other = any_.sample([ANN, BOB, CAT, DAN], 3)
            amount = any_.randrange(1, 1_000)
            error = any_.choice([None, None, "out of gas"])
            inner = [Call(payee, other, any_.randrange(amount), error=error)]
            plain = Call(payer, payee, amount, calls=inner)
            failed = Call(payer, payee, amount, error="reverted", calls=inner)
            acts.append(any_.choice([
                Act(plain, tip=any_.randrange(3)), Act(failed, failed=True),
                as_token(payer, payee, amount),
            ]))  # fmt: skip
        deposits = [(any_.choice([ANN, BOB]), any_.randrange(1, 99)) for _ in range(2)]
        brings = books.height % SPRINT == 0 and any_.random() < 0.7
        state = State(deposits) if brings else None
        books.add(*acts, state=state, maker=any_.choice(MAKERS))
    return books


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_adds_up(tmp_path: Path, seed: int) -> None:
    books = at_random(seed)
    ledger, notes = read(tmp_path / "l", books)
    assert notes == []
    for height in range(books.height):
        assert told(ledger, books.history[0], height) == held(books, height), height


def test_fees_go_to_whom_the_rules_of_a_height_name(tmp_path: Path) -> None:
    fees = read(tmp_path / "l", busy())[0].transfers.filter(pl.col("kind") == "fee").collect()
    paid = {
        (row["height"], "0x" + row["receiver"][1:].hex()): int(row["amount"])
        for row in fees.rows(named=True)
    }
    assert paid[1, MAKERS[0]] == paid[3, MAKERS[1]] == GAS * 5
    assert paid[LONDON, ACCOUNTS[0]] == paid[10, ACCOUNTS[1]] == GAS * 7
    assert not {who for height, who in paid if height < LONDON} & set(ACCOUNTS)
    assert {who for _, who in paid} == {*MAKERS, *ACCOUNTS}
    assert fees["signed"].all()


def test_the_coin_as_a_token_is_told_once(tmp_path: Path) -> None:
    rows = read(tmp_path / "l", busy())[0].transfers.collect()
    tokens = rows.filter(pl.col("contract").is_not_null())
    assert tokens["kind"].to_list() == ["erc20_mint"]
    assert tokens["contract"].to_list() == [canonical.parse(TOKEN, CHAIN)]
    sent_on = rows.filter(kind="internal", height=7)
    assert sent_on["amount"].to_list() == [1_000]


def test_deposits_name_the_contract_that_paid_them_and_nobody_signed(tmp_path: Path) -> None:
    rows = read(tmp_path / "l", busy())[0].transfers.collect()
    brought = rows.filter(kind="deposit").sort("height", "trace_path")
    assert brought["amount"].to_list() == [10**6, 40, 9, 5]
    assert set(brought["sender"]) == {canonical.parse(COIN, CHAIN)}
    assert brought["signed"].is_null().all()
    minted = rows.filter(kind="erc20_mint")
    assert minted["signed"].to_list() == [None]
    nobody = canonical.parse(NOBODY, CHAIN)
    assert rows.filter((pl.col("sender") == nobody) & (pl.col("kind") == "native")).height == 0


def test_look_ups_count_deposits_and_tips(tmp_path: Path) -> None:
    ledger, _ = read(tmp_path / "l", busy())
    for who, got in ((DAN, 10**6 + 1_000 + 5), (MAKERS[1], GAS * 5 * 6)):
        found = address_summary(ledger, canonical.parse(who, CHAIN), CHAIN.alias)
        [coin] = found.totals.rows(named=True)
        assert int(coin["received"]) == got


@pytest.mark.parametrize(
    ("states", "lacks"),
    [("left out", FLAT), ("left out", NESTED), ("empty", FLAT), ("of no form", FLAT),
     ("refused", FLAT)],
)  # fmt: skip
def test_deposits_are_told_by_logs_where_no_node_traces_them(
    tmp_path: Path, states: str, lacks: frozenset[str]
) -> None:
    """Only where a contract sends on what it holds are calls needed to tell all."""
    books = busy()
    ledger, notes = read(tmp_path / "l", books, states=states, lacks=lacks)
    for height in range(LISTED):
        assert told(ledger, GENESIS, height) == held(books, height), height
    assert coin_blocks(ledger) == [at for at in range(books.height) if at != LISTED]
    assert [note for note in notes if "not traced" in note]
    again, more = read(tmp_path / "l", books)
    assert coin_blocks(again) == list(range(books.height))
    assert more == []
    assert told(again, GENESIS, LISTED) == held(books, LISTED)


def test_receipts_of_states_may_be_told_apart(tmp_path: Path) -> None:
    books = busy()
    ledger, _ = read(tmp_path / "l", books, apart=True)
    assert told(ledger, GENESIS, books.height - 1) == held(books, books.height - 1)


def test_nodes_may_count_gas_of_states_as_they_like(tmp_path: Path) -> None:
    books = busy()
    books.chain.receipts[4][-1] |= {
        "gasUsed": "0x99", "cumulativeGasUsed": "0x77", "effectiveGasPrice": "0xffff",
    }  # fmt: skip
    ledger, _ = read(tmp_path / "l", books)
    assert told(ledger, GENESIS, 4) == held(books, 4)


def test_states_that_a_node_has_lost_leave_the_coin_unread(tmp_path: Path) -> None:
    books = busy()
    ledger, notes = read(tmp_path / "l", books, lost=frozenset({4}))
    assert coin_blocks(ledger) == [at for at in range(books.height) if at != 4]
    assert any("in 1 blocks: what came from the chain below is left out" in one for one in notes)
    found = address_summary(ledger, canonical.parse(DAN, CHAIN), CHAIN.alias)
    assert found.coverage[:2] == (
        "every transfer in blocks 0 to 3 was read",
        "every transfer in blocks 5 to 17 was read",
    )
    assert not ledger.transfers.filter(
        (pl.col("height") == 4) & (pl.col("kind") == "deposit")
    ).collect().height  # fmt: skip


@pytest.mark.parametrize("lost", [frozenset({4}), frozenset({4, 8})])
def test_another_node_tells_what_one_has_lost(tmp_path: Path, lost: frozenset[int]) -> None:
    """Rows and readings are added to those that there are, and nothing is told twice."""
    books = busy()
    ledger, first = read(tmp_path / "l", books, lost=lost, knows=False)
    rows = ledger.transfers.collect().height
    ledger, second = read(tmp_path / "l", books, lost=lost, knows=False)
    assert first == second
    assert ledger.transfers.collect().height == rows
    ledger, notes = read(tmp_path / "l", books)
    assert notes == []
    assert coin_blocks(ledger) == list(range(books.height))
    for height in range(books.height):
        assert told(ledger, GENESIS, height) == held(books, height), height
    whole, _ = read(tmp_path / "m", books)
    assert ledger.transfers.collect().height == whole.transfers.collect().height
    assert check(ledger).ok


def test_tokens_are_unread_where_what_came_from_below_may_be_lacking(tmp_path: Path) -> None:
    books = spoiled(4, state=State([], [Call(RECEIVER, CAT)], [transfer(NOBODY, ANN, 11)]))
    ledger, _ = read(tmp_path / "l", books, lost=frozenset({4}))
    assert [(run.first, run.last) for run in block_runs(ledger, CHAIN.id, coin=False)] == [(0, 3)]
    token = canonical.parse(TOKEN, CHAIN)
    assert not ledger.transfers.filter(pl.col("contract") == token).collect().height
    ledger, _ = read(tmp_path / "l", books)
    assert ledger.transfers.filter(pl.col("contract") == token).collect().height == 1
    assert [(run.first, run.last) for run in block_runs(ledger, CHAIN.id, coin=False)] == [(0, 4)]


def test_where_old_states_are_not_known_nothing_says_that_none_came(tmp_path: Path) -> None:
    books = busy()
    ledger, notes = read(tmp_path / "l", books, lost=frozenset({4}), knows=False)
    assert coin_blocks(ledger) == [at for at in range(books.height) if at not in (4, 5, 12)]
    assert any("whether anything came from the chain below is not told" in one for one in notes)
    assert any("base fee was paid, with which no tip came, is not told" in one for one in notes)
    assert not ledger.transfers.filter(
        (pl.col("height") == 5) & (pl.col("kind") == "fee")
    ).collect().height  # fmt: skip


def spoiled(height: int, *acts: Act, **more: Any) -> Books:
    """Return a short chain with one act of somebody that is told otherwise than it was."""
    books = Books(GENESIS)
    while books.height < height:
        books.add()
    return books.add(*acts, **more)


def test_a_tip_that_no_log_names_is_paid_to_nobody(tmp_path: Path) -> None:
    """Whether somebody sent for nothing, or paid whom, the receipt alone does not tell."""
    books = spoiled(5, pay(ANN, BOB, 5, unlogged=True))
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.collect()["kind"].to_list() == ["native"]
    assert coin_blocks(ledger) == [0, 1, 2, 3, 4]
    assert any("the log of a fee is missing" in note for note in notes)
    found = address_summary(ledger, canonical.parse(ANN, CHAIN), CHAIN.alias)
    assert found.totals["balance"].to_list() == [None]


@pytest.mark.parametrize("word", range(2))
def test_a_fee_log_that_says_otherwise_is_not_believed(tmp_path: Path, word: int) -> None:
    books = spoiled(5, pay(ANN, BOB, 5))
    [*_, logged] = books.chain.receipts[5][0]["logs"]
    if word:
        logged["data"] = logged["data"].replace(f"{GAS * 5:064x}", f"{GAS * 6:064x}", 1)
    else:
        logged["topics"][2] = "0x" + CAT[2:].rjust(64, "0")
    books.chain.blocks[5]["logsBloom"] = None
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.filter(pl.col("kind") == "fee").collect().height == 0
    assert any("says otherwise than the receipt" in note for note in notes)


def test_two_makers_of_one_block_leave_its_fees_unknown(tmp_path: Path) -> None:
    books = Books(GENESIS).add(pay(ANN, BOB, 5), pay(BOB, ANN, 5))
    [*_, logged] = books.chain.receipts[1][1]["logs"]
    logged["topics"][3] = "0x" + CAT[2:].rjust(64, "0")
    books.chain.blocks[1]["logsBloom"] = None
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.filter(pl.col("kind") == "fee").collect().height == 0
    assert coin_blocks(ledger) == [0]
    assert any("several who made one block" in note for note in notes)


def test_another_maker_than_the_filter_of_the_block_holds_is_refused(tmp_path: Path) -> None:
    books = spoiled(5, pay(ANN, BOB, 5))
    books.chain.receipts[5][0]["logs"][-1]["topics"][3] = "0x" + CAT[2:].rjust(64, "0")
    with pytest.raises(SourceError, match="filter of the block"):
        read(tmp_path / "l", books)


def test_who_sends_below_the_base_fee_may_have_paid_nothing(tmp_path: Path) -> None:
    books = spoiled(5, pay(ANN, BOB, 5, tip=0))
    books.chain.receipts[5][0]["effectiveGasPrice"] = "0x1"
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.collect()["kind"].to_list() == ["native"]
    assert any("paid less than the base fee" in note for note in notes)


def test_base_fees_that_others_got_are_told_of_nobody(tmp_path: Path) -> None:
    """A fork names another account: its balance shows what the receipts do not."""
    books = Books(GENESIS, accounts=(ACCOUNTS[0], CAT))
    while books.height < 12:
        books.add(pay(ANN, BOB, 5), pay(BOB, CAT, 1))
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.filter(pl.col("kind") == "fee").collect().height == 0
    assert coin_blocks(ledger) == []
    assert any("by the rules known here did not get what receipts say" in note for note in notes)
    assert read(tmp_path / "m", spoiled(9, pay(ANN, BOB, 5)))[1] == []


@pytest.mark.parametrize("tip", [0, 5])
def test_who_may_send_for_nothing_has_paid_nothing(tmp_path: Path, tip: int) -> None:
    books = spoiled(5, pay(ANN, BOB, 5), pay(BOB, CAT, 1, tip=tip, free=True))
    ledger, _ = read(tmp_path / "l", books.add(pay(ANN, BOB, 5)))
    fees = ledger.transfers.filter(pl.col("kind") == "fee").collect()
    bob = canonical.parse(BOB, CHAIN)
    assert not fees.filter(pl.col("sender") == bob).height
    assert 6 in fees["height"]
    assert coin_blocks(ledger) == [0, 1, 2, 3, 4, 6]


def test_an_account_of_base_fees_may_be_paid_and_pay(tmp_path: Path) -> None:
    split = Call(ANN, POOL, 90, calls=[Call(POOL, ACCOUNTS[0], 60)])
    books = spoiled(8, Act(split), state=State([(ACCOUNTS[0], 7)]), maker=ACCOUNTS[0])
    back = Call(BOB, ACCOUNTS[0], calls=[Call(ACCOUNTS[0], CAT, 50)])
    ledger, notes = read(tmp_path / "l", books.add(Act(back)))
    assert notes == []
    assert told(ledger, GENESIS, 9) == held(books, 9)
    fees = ledger.transfers.filter((pl.col("height") == 8) & (pl.col("kind") == "fee")).collect()
    assert fees["amount"].to_list() == [GAS * 12]


def test_calls_that_the_logs_of_the_coin_contradict_are_not_believed(tmp_path: Path) -> None:
    split = Call(ANN, POOL, 90, calls=[Call(POOL, CAT, 60)])
    books = spoiled(5, Act(split))
    books.chain.calls[5][0].calls.append(Call(POOL, DAN, 30))
    ledger, notes = read(tmp_path / "l", books)
    assert ledger.transfers.filter(pl.col("kind") == "internal").collect().height == 0
    assert coin_blocks(ledger) == [0, 1, 2, 3, 4]
    assert any("tell different payments" in note for note in notes)


def test_states_stand_last_in_their_block(tmp_path: Path) -> None:
    books = spoiled(LISTED, pay(ANN, BOB, 5), state=State([(DAN, 5)]))
    books.chain.blocks[LISTED]["transactions"][0]["type"] = "0x7f"
    with pytest.raises(SourceError, match="does not stand last"):
        read(tmp_path / "l", books)


def test_what_a_receipt_of_states_leaves_out_is_refused(tmp_path: Path) -> None:
    """Where it stands in the block the filter holds its logs; beside it, nothing does."""
    books = spoiled(LISTED, pay(ANN, BOB, 5), state=State([(DAN, 5)]))
    books.chain.receipts[LISTED][-1]["logs"] = []
    with pytest.raises(SourceError, match="filter of the block"):
        read(tmp_path / "l", books)


def test_polygon_has_the_heights_of_its_client() -> None:
    moves = catalogue.chain("polygon").moves
    bor = moves.bor if moves else None
    assert bor is not None
    named = [bor.base_fee_account(at) for at in (0, 23_849_999, 23_850_000, 50_523_000, 83_756_500)]
    assert named[:2] == [None, None]
    assert len(set(named)) == 4
    assert [bor.may_bring(at) for at in (0, 64, 16, 38_189_072, 80_084_800)] == [
        False, True, False, True, False,
    ]  # fmt: skip
