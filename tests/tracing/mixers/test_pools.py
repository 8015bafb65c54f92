"""Withdrawals of pools: of which deposits they can be, in histories that a reader checks by eye."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.errors import ArgumentError, InputError
from chainwatch.ledger import schema
from chainwatch.tracing.mixers.pool_sets import NO_GAS
from chainwatch.tracing.mixers.pools import histories
from chainwatch.tracing.mixers.reveals import ADDRESS, GAS, LINKED, MULTI

COIN = native("eth")
BEFORE_1559 = datetime(2021, 1, 1, tzinfo=UTC)
SIZES = {"small": 10, "pool": 100}


@pytest.fixture
def paid(desk):
    """Return a maker of ledgers: ``hour signer: sender>receiver=amount ...`` a line.

    Amounts with a ``t`` are of a token; the txid is that of the number of the line.
    """

    def make(text, *, order=True, signers=True, read=""):
        rows = []
        for number, line in enumerate(text.strip().splitlines()):
            head, _, moves = line.strip().partition(":")
            hour, signer = head.split()
            when = BEFORE_1559 + timedelta(hours=float(hour))
            parts = [(*move.partition("=")[0].split(">"), move.partition("=")[2])
                     for move in moves.split()]  # fmt: skip
            parts += [(signer, "0", "1f")] if signers else []
            for place, (sender, receiver, amount) in enumerate(parts):
                kind = {"t": "erc20", "f": "fee"}.get(amount[-1], "internal")
                row = {
                    "chain": COIN.chain, "txid": desk.txid(str(number)), "kind": kind,
                    "trace_path": str(place), "occurrence": 0, "time": when,
                    "tx": schema.pack_tx(number + 1, 0) if order else None,
                    "contract": desk.account("token") if kind == "erc20" else None,
                    "sender": desk.account(sender), "receiver": desk.account(receiver),
                    "amount": int(amount.rstrip("tf")), "success": True, "order_uncertain": False,
                    "sections": 1,
                }  # fmt: skip
                rows.append({name: row.get(name) for name in schema.TRANSFERS.schema})
        covered = [
            {"chain": COIN.chain, "unit": name, "kind": "address", "address": desk.account(name),
             "complete": True, "source": "test", "answer": bytes(32)}
            for name in read.split()
        ]  # fmt: skip
        return cw.Ledger.from_tables({
            "transfers": pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row"),
            "coverage": pl.DataFrame(covered, schema=schema.COVERAGE.schema, orient="row"),
        })  # fmt: skip

    return make


@pytest.fixture
def asked(desk, paid):
    def ask(text, *, gas=None, pools=("pool",), **more):
        prices = None
        if gas is not None:
            rows = [(desk.txid(str(number)), price) for number, price in gas.items()]
            prices = pl.DataFrame(rows, schema=["txid", "gas_price"], orient="row")
        given = [cw.MixingPool(desk.account(name), COIN, SIZES[name]) for name in pools]
        return cw.pool_withdrawals(paid(text, **more), given, gas_prices=prices)

    return ask


THREE = """
    0 a: a>pool=100
    1 b: b>pool=100
    2 c: c>pool=100
    3 r: pool>x=98 pool>r=2
    4 r: pool>y=98 pool>r=2
"""


def sets(found):
    return list(found.frame.select("deposits_before", "set_least", "set_most").iter_rows())


def told(found):
    return [(row["rule"], row["candidates"]) for row in found.reveals.iter_rows(named=True)]


def test_a_withdrawal_can_be_of_what_came_before_and_is_still_there(asked, desk):
    found = asked(THREE, read="pool")
    assert sets(found) == [(3, 3, 3), (3, 2, 2)] or sets(found) == [(3, 2, 2), (3, 3, 3)]
    row = found.frame.filter(txid=desk.txid("3")).row(0, named=True)
    assert (row["recipient"], row["relayer"], row["signer"]) == tuple(
        map(desk.account, ("x", "r", "r"))
    )
    assert row["set_most"] == 3
    assert found.reveals.is_empty()
    assert not any("no source claims" in note for note in found.notes)
    assert any("no source claims" in note for note in asked(THREE).notes)


def test_a_later_deposit_is_no_candidate(asked):
    found = asked("0 a: a>pool=100\n1 r: pool>x=98 pool>r=2\n2 x: x>pool=100")
    assert sets(found) == [(1, 1, 1)]
    assert told(found) == []


def test_a_pool_with_one_deposit_says_so(asked):
    found = asked("0 a: a>pool=100\n1 r: pool>x=98 pool>r=2")
    assert "1 pool has one deposit" in " ".join(found.notes)
    assert sets(found) == [(1, 1, 1)]


def test_an_amount_altered_by_one_unit_is_no_deposit_and_is_never_matched(asked, desk):
    text = THREE + "    5 d: d>pool=101\n    6 d: d>pool=99\n    7 r: pool>d=99 pool>r=2"
    found = asked(text)
    assert found.frame.height == 2
    assert sorted(map(int, found.odd["amount"])) == [2, 99, 99, 101]
    assert found.odd.filter(direction="in")["party"].unique().to_list() == [desk.account("d")]
    assert told(found) == []


def test_deposits_that_were_not_read_are_missed_by_number(asked):
    found = asked("0 a: a>pool=100\n1 r: pool>x=98 pool>r=2\n2 r: pool>y=98 pool>r=2")
    rows = found.frame.sort("time").select("set_least", "set_most", "unread").rows()
    assert rows == [(1, 1, None), (None, None, 1)]


def test_where_nothing_tells_the_order_there_are_two_bounds(asked):
    text = "0 a: a>pool=100\n1 b: b>pool=100\n1 r: pool>x=98 pool>r=2"
    assert sets(asked(text, order=False)) == [(1, 1, 2)]
    assert sets(asked(text)) == [(2, 2, 2)]


def test_several_withdrawals_in_one_transaction_have_no_clear_recipient(asked):
    found = asked(THREE.replace("pool>x=98 pool>r=2", "pool>x=98 pool>z=98 pool>r=4"))
    row = found.frame.sort("time").row(0, named=True)
    assert (row["recipient"], row["set_most"]) == (None, 3)
    assert found.frame.sort("time")["set_most"].to_list() == [3, 1]


def test_the_address_that_paid_is_an_address_match(asked, desk):
    found = asked("0 a: a>pool=100\n1 b: b>pool=100\n2 a: a>pool=100\n3 r: pool>a=98 pool>r=2")
    assert told(found) == [(ADDRESS, 2)]
    assert set(found.candidates["deposit"]) == {desk.txid("0"), desk.txid("2")}
    assert found.reveals["depositors"].to_list() == [1]
    assert found.frame["candidates"].to_list() == [2]


def test_who_pays_through_a_router_is_who_signed(asked, desk):
    text = "0 a: a>router=100 router>pool=100\n1 b: b>pool=100\n2 r: pool>a=98 pool>r=2"
    assert told(asked(text)) == [(ADDRESS, 1)]
    silent = asked(text, signers=False)
    assert told(silent) == []
    assert "who sent them stands there, and may be a router" in " ".join(silent.notes)


OWN = "0 a: a>pool=100\n1 b: b>pool=100\n2 x: pool>x=100"


def test_a_price_of_gas_that_one_deposit_has(asked, desk):
    assert told(asked(OWN, gas={0: 7, 1: 8, 2: 7})) == [(GAS, 1)]
    assert told(asked(OWN, gas={0: 7, 1: 7, 2: 7})) == []
    assert told(asked(OWN, gas={0: 7, 1: 8, 2: 9})) == []
    assert NO_GAS in asked(OWN).notes
    assert NO_GAS in asked(OWN, gas={0: 7, 1: 8}).notes
    assert NO_GAS not in asked(OWN, gas={0: 7, 1: 8, 2: 9}).notes


def test_where_one_price_is_missing_none_is_known_to_be_unique(asked):
    found = asked(OWN, gas={0: 7, 2: 7})
    assert told(found) == []
    assert NO_GAS in found.notes


def test_counts_are_those_of_every_pair_of_moments(paid, desk):
    """Placed or not, what came before is what a comparison of each two says."""
    text = "".join(
        f"    {k // 2} p{k}: p{k}>pool=100\n" if k % 3 else f"    {k // 2} r: pool>x{k}=100\n"
        for k in range(1, 25)
    )
    for order in (True, False):
        ledger = paid(text, order=order)
        pool = cw.MixingPool(desk.account("pool"), COIN, 100)
        history = histories(ledger, [pool])[0]
        found = {row["txid"]: row for row in
                 cw.pool_withdrawals(ledger, [pool]).frame.iter_rows(named=True)}  # fmt: skip
        for one in history.withdrawals:
            before = [other.at.before(one.at) for other in history.deposits]
            taken = [other.at.before(one.at) for other in history.withdrawals if other != one]
            row = found[one.txid]
            assert row["deposits_before"] == before.count(True)
            assert row["deposits_perhaps"] == before.count(None)
            assert row["set_most"] == before.count(True) + before.count(None) - taken.count(True)
            least = before.count(True) - taken.count(True) - taken.count(None)
            assert row["set_least"] == max(1, least)


def test_a_relayers_price_tells_nothing_and_prices_that_follow_blocks_do_not(asked):
    relayed = OWN.replace("2 x: pool>x=100", "2 r: pool>x=98 pool>r=2")
    assert told(asked(relayed, gas={0: 7, 1: 8, 2: 7})) == []
    later = "\n".join(f"{8_000 + k} {line.split(' ', 1)[1]}" for k, line in
                      enumerate(OWN.splitlines()))  # fmt: skip
    assert told(asked(later, gas={0: 7, 1: 8, 2: 7})) == []


DEALT = "0 a: a>x=5\n1 a: a>x=5\n2 x: x>a=1\n" + "3 a: a>pool=100\n4 b: b>pool=100\n"


def test_three_transactions_outside_link_two_addresses(asked):
    taken = "5 r: pool>x=98 pool>r=2"
    assert told(asked(DEALT + taken)) == [(LINKED, 1)]
    assert told(asked(DEALT.replace("2 x: x>a=1", "2 x: x>q=1") + taken)) == []


def test_transfers_of_nothing_and_fees_link_nobody(asked):
    """Anybody can write a token's transfer of zero between any two."""
    lures = DEALT.replace("a>x=5", "a>x=0t").replace("x>a=1", "x>a=0t")
    assert told(asked(lures + "5 r: pool>x=98 pool>r=2")) == []


def test_several_pools_used_as_often(asked):
    uses = "".join(f"{k / 10} a: a>{pool}={SIZES[pool]}\n"
                   for k, pool in enumerate(["pool"] * 3 + ["small"] * 2))  # fmt: skip
    other = "1 b: b>pool=100\n1.1 b: b>small=10\n"
    takes = "".join(f"{5 + k / 10} r: {pool}>x={SIZES[pool] - 1} {pool}>r=1\n"
                    for k, pool in enumerate(["pool"] * 3 + ["small"] * 2))  # fmt: skip
    found = asked(uses + other + takes, pools=("pool", "small"))
    assert set(told(found)) == {(MULTI, 3), (MULTI, 2)}
    assert len(told(found)) == 5
    fewer = asked(uses + other + takes.rsplit("\n", 2)[0], pools=("pool", "small"))
    assert told(fewer) == []
    late = asked(uses + other + takes.replace("5.4", "99"), pools=("pool", "small"))
    assert told(late) == []


def test_a_span_narrows_withdrawals_and_no_deposits(desk, paid):
    ledger = paid(THREE).between("2021-01-01T04:00", None)
    found = cw.pool_withdrawals(ledger, [cw.MixingPool(desk.account("pool"), COIN, 100)])
    assert sets(found) == [(3, 2, 2)]


def test_what_is_no_pool_is_refused(desk, paid):
    ledger, one = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100)
    with pytest.raises(InputError, match="no pool was given"):
        cw.pool_withdrawals(ledger, [])
    with pytest.raises(InputError, match="stands there twice"):
        cw.pool_withdrawals(ledger, [one, one])
    with pytest.raises(ArgumentError, match="pass MixingPool"):
        cw.pool_withdrawals(ledger, ["pool"])
    with pytest.raises(InputError, match="a pool of nothing"):
        cw.MixingPool(desk.account("pool"), COIN, 0)


def test_the_same_question_has_the_same_digest(asked):
    assert asked(THREE).digest == asked(THREE).digest
    priced = dict.fromkeys(range(5), 1)
    assert asked(THREE).digest != asked(THREE, gas=priced).digest
