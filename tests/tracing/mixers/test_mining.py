"""Claims of rewards for deposits: which pair each fits, by hand and against every pair."""

from __future__ import annotations

from collections import Counter
from random import Random

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import text
from chainwatch.errors import AddressError, ArgumentError, InputError
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import POINTS_SWAPPED
from chainwatch.simulate.pools import simulate_pools
from chainwatch.tracing.mixers.given_tables import Claim
from chainwatch.tracing.mixers.pool_sets import NO_MINING
from chainwatch.tracing.mixers.pools import histories
from chainwatch.tracing.mixers.reveals import MINED
from chainwatch.tracing.mixers.rewards.mining import MOVES, fits

COIN = native("eth")
RATES = {"pool": 4, "other": 20}


@pytest.fixture
def paid(desk):
    """Return a maker of ledgers: ``height: sender>receiver`` a line, each of the pool's amount."""

    def make(text):
        rows = []
        for number, line in enumerate(text.strip().splitlines()):
            head, _, move = line.strip().partition(": ")
            sender, receiver = move.split(">")
            row = {
                "chain": COIN.chain, "txid": desk.txid(str(number)), "kind": "internal",
                "trace_path": "0", "occurrence": 0, "height": int(head), "sections": 1,
                "tx": schema.pack_tx(int(head), number), "sender": desk.account(sender),
                "receiver": desk.account(receiver), "amount": 100, "success": True,
                "order_uncertain": False,
            }  # fmt: skip
            rows.append({name: row.get(name) for name in schema.TRANSFERS.schema})
        frame = pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row")
        return cw.Ledger.from_tables({"transfers": frame})

    return make


@pytest.fixture
def asked(desk, paid):
    """Return what claims ``(recipient, points[, height])`` fit in a ledger."""

    def ask(text, *claims, pools=("pool",)):
        rows = [
            {"txid": desk.txid(f"claim {n}"), "recipient": desk.account(who), "points": points,
             "height": height[0] if height else None}
            for n, (who, points, *height) in enumerate(claims)
        ]  # fmt: skip
        given = [cw.MixingPool(desk.account(name), COIN, 100, RATES[name]) for name in pools]
        table = pl.DataFrame(rows, schema={"txid": pl.Binary, "recipient": pl.Binary,
                                           "points": pl.Int64, "height": pl.Int64})  # fmt: skip
        return cw.pool_withdrawals(paid(text), given, claims=table)

    return ask


def mined(found):
    rows = found.candidates.filter(rule=MINED)
    return [(row["txid"], row["deposit"]) for row in rows.iter_rows(named=True)]


THREE = """
    1000: a>pool
    1100: b>pool
    1700: pool>x
    1950: pool>y
"""
"""Apart by 700, 950, 600 and 850 blocks, each of 4 points."""


def test_a_claim_of_one_deposit_tells_the_blocks_that_it_lay_there(asked, desk):
    found = asked(THREE, ("z", 4 * 950))
    assert mined(found) == [(desk.txid("3"), desk.txid("0"))]
    row = found.mined.row(0, named=True)
    assert (row["pairs"], row["own"], row["moves"]) == (1, False, len(MOVES))
    assert (row["pool"], row["deposit"], row["withdrawal"]) == (
        desk.account("pool"), desk.txid("0"), desk.txid("3"),
    )  # fmt: skip
    assert found.reveals.filter(rule=MINED)["candidates"].to_list() == [1]
    assert found.frame.filter(txid=desk.txid("3"))["candidates"].to_list() == [1]
    assert NO_MINING not in found.notes
    assert "Of 1 claim of rewards 1 fits one pair" in " ".join(found.notes)


@pytest.mark.parametrize("points", [4 * 950 + 1, 4 * 951, 20 * 190 + 2, 4 * 700 + 4 * 850, 3])
def test_what_is_off_by_a_point_or_of_several_deposits_fits_none(asked, points):
    found = asked(THREE, ("z", points))
    assert found.mined["pairs"].to_list() == [0]
    assert mined(found) == []


def test_several_pairs_reveal_nothing_unless_the_recipient_has_one(asked, desk):
    two = THREE + "    1050: c>pool\n    1750: pool>w\n"
    found = asked(two, ("z", 4 * 700), ("c", 4 * 700), ("x", 4 * 700))
    assert found.mined["pairs"].to_list() == [2, 1, 1]
    assert found.mined["own"].to_list() == [False, True, True]
    assert set(mined(found)) == {
        (desk.txid("5"), desk.txid("4")), (desk.txid("2"), desk.txid("0")),
    }  # fmt: skip
    assert "2 fit one pair of deposit and withdrawal alone, 1 several, 0 none" in " ".join(
        found.notes
    )


def test_of_who_paid_in_no_pair_of_others_is_looked_at(asked):
    found = asked(THREE + "    1990: z>pool\n", ("z", 4 * 950))
    assert found.mined.select("own", "pairs").rows() == [(True, 0)]


def test_a_withdrawal_after_the_claim_is_not_what_it_was_for(asked):
    assert asked(THREE, ("z", 4 * 950, 1949)).mined["pairs"].to_list() == [0]
    assert asked(THREE, ("z", 4 * 950, 1950)).mined["pairs"].to_list() == [1]


def test_the_rate_is_that_of_each_pool(asked, desk):
    """95 blocks at 20 points are 475 at 4: a pair in each pool fits, and one alone is not told."""
    both = THREE + "    2000: d>other\n    2190: other>v\n"
    found = asked(both, ("z", 4 * 950), pools=("pool", "other"))
    assert found.mined["pairs"].to_list() == [2]
    assert mined(found) == []
    alone = asked(both, ("z", 4 * 950), pools=("pool",))
    assert alone.mined["pairs"].to_list() == [1]


def test_two_claims_that_name_two_deposits_leave_two_candidates(asked, desk):
    found = asked(THREE, ("z", 4 * 950), ("q", 4 * 850))
    row = found.reveals.filter(rule=MINED).row(0, named=True)
    assert (row["txid"], row["candidates"]) == (desk.txid("3"), 2)


def slow(history, claim, rate, moved):
    """Count the pairs that a claim fits one by one."""
    blocks, rest = divmod(claim.points, rate)
    if rest or blocks + moved <= 0:
        return 0
    who = claim.recipient
    parties = {one.depositor for one in history.deposits} | {
        one.recipient for one in history.withdrawals
    }
    return sum(
        taken.at.height - paid.at.height == blocks + moved
        and (who not in parties or who in (paid.depositor, taken.recipient))
        for paid in history.deposits for taken in history.withdrawals
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_every_pair_written_out(desk, paid, seed):
    rng = Random(f"mining {seed}")  # noqa: S311 - a fixed seed
    lines = [f"{rng.randrange(100)}: {rng.choice('abc')}>pool" for _ in range(12)]
    lines += [f"{rng.randrange(60, 160)}: pool>{rng.choice('abxyz')}" for _ in range(10)]
    ledger = paid("\n".join(lines))
    pool = cw.MixingPool(desk.account("pool"), COIN, 100, 4)
    (history,) = histories(ledger, [pool])
    claims = [
        Claim(COIN.chain, bytes([n]) * 32, desk.account(rng.choice("abxyzq")),
              4 * rng.randrange(1, 150) + rng.choice((0, 0, 0, 1)), None)
        for n in range(40)
    ]  # fmt: skip
    seen = Counter()
    for fit in fits([history], claims):
        assert fit.pairs == slow(history, fit.claim, 4, 0)
        assert fit.matched == sum(slow(history, fit.claim, 4, k) == 1 for k in MOVES)
        assert (fit.pair is not None) == (fit.pairs == 1)
        if fit.pair:
            apart = fit.pair.withdrawal.at.height - fit.pair.deposit.at.height
            assert apart * 4 == fit.claim.points
        seen[min(fit.pairs, 2)] += 1
    assert set(seen) == {0, 1, 2}


def test_where_everybody_is_known_a_claim_of_one_deposit_is_right():
    """Whoever claims is nobody of the pools; what fits one pair alone is the true one."""
    made = simulate_pools(3, people=30)
    heights = dict(made.ledger.transfers.collect().select("txid", "height").unique().iter_rows())
    pools = [cw.MixingPool(address, asset, amount, 1) for address, asset, amount in made.pools]
    truth = {row["txid"]: row["deposit"] for row in made.truth.iter_rows(named=True)}
    claims = pl.DataFrame(
        [
            {"txid": bytes([n]) * 32, "recipient": b"\x10" + bytes([n]) * 20,
             "points": heights[taken] - heights[paid]}
            for n, (taken, paid) in enumerate(truth.items(), start=1)
        ]
    )  # fmt: skip
    found = cw.pool_withdrawals(made.ledger, pools, claims=claims)
    assert found.mined["pairs"].min() == 1
    told = dict(mined(found))
    assert len(told) > len(truth) // 2
    assert all(truth[taken] == paid for taken, paid in told.items())


CLAIM = {"txid": "0x" + "ab" * 32, "recipient": "0x" + "12" * 20, "points": "8"}


def test_a_table_of_texts_is_read_as_one_of_bytes(desk, paid):
    ledger, pool = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100, 4)
    who = text(desk.account("x"), "eth")
    table = pl.DataFrame([{**CLAIM, "recipient": who, "points": str(4 * 700), "height": ""}])
    found = cw.pool_withdrawals(ledger, [pool], claims=table)
    assert mined(found) == [(desk.txid("2"), desk.txid("0"))]
    assert found.mined["recipient"].to_list() == [desk.account("x")]
    assert found.record.params["pools"][0]["points"] == 4


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"txid": CLAIM["txid"], "points": "8"}], "no column 'recipient'"),
        ([{**CLAIM, "points": "0"}], "'0' is no number of points at row 1 of the table of claims"),
        ([{**CLAIM, "points": "1.5"}], "is no number of points"),
        ([{**CLAIM, "points": 8.0}], "is no number of points"),
        ([{**CLAIM, "points": str(2**70)}], "is no number of points"),
        ([{**CLAIM, "points": None}], "is no number of points"),
        ([{**CLAIM, "height": "-4"}], "is no height"),
        ([{**CLAIM, "recipient": None}], "a claim without a recipient"),
        ([CLAIM, {**CLAIM, "points": "12"}], "a transaction with two claims"),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_refused(desk, paid, rows, told):
    ledger, pool = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100, 4)
    with pytest.raises(InputError, match=told.replace("(", r"\(")):
        cw.pool_withdrawals(ledger, [pool], claims=pl.DataFrame(rows))


@pytest.fixture
def logged(desk, paid):
    """Return what logs of the contract ``swap`` tell: ``(claim, who, points[, topics])``."""

    def ask(text, *logs, contract="swap", at="swap"):
        rows = []
        for n, (claim, who, points, *topics) in enumerate(logs):
            words = [bytes(12) + desk.account(who)[1:], points.to_bytes(32, "big"), bytes(32)]
            row = {"chain": COIN.chain, "txid": desk.txid(claim), "log_index": n, "height": 1960,
                   "contract": desk.account(at), "topic0": POINTS_SWAPPED.topic,
                   "topic1": None if topics else words.pop(0), "data": b"".join(words)}  # fmt: skip
            rows.append({name: row.get(name) for name in schema.CONTRACT_LOGS.schema})
        made = pl.DataFrame(rows, schema=schema.CONTRACT_LOGS.schema, orient="row")
        ledger = cw.Ledger.from_tables(
            {"transfers": paid(text).transfers.collect(), "contract_logs": made}
        )
        pool = cw.MixingPool(desk.account("pool"), COIN, 100, 4)
        return cw.pool_withdrawals(ledger, [pool], claims=desk.account(contract))

    return ask


def test_claims_are_those_that_the_contract_logged(logged, desk):
    found = logged(THREE, ("one", "z", 4 * 950))
    assert mined(found) == [(desk.txid("3"), desk.txid("0"))]
    assert "Of no block is it known that all logs of claims were read" in " ".join(found.notes)
    assert logged(THREE, ("one", "z", 4 * 950), at="other").mined.is_empty()
    assert mined(logged(THREE, ("one", "z", 4 * 950, "none"))) == mined(found)


def test_what_a_relayer_is_paid_in_points_is_of_the_claim(logged, desk):
    found = logged(THREE, ("one", "z", 4 * 950 - 33), ("one", "relayer", 33))
    assert found.mined.select("recipient", "points", "pairs").rows() == [
        (desk.account("z"), 4 * 950, 1)
    ]


def test_what_the_contract_logs_that_is_no_claim_is_counted(logged):
    found = logged(THREE, ("one", "z", 0), ("two", "z", 2**200), ("three", "z", 4 * 950))
    assert found.mined["pairs"].to_list() == [1]
    assert "2 logs of the contract are no claim" in " ".join(found.notes)


def test_a_contract_that_pays_for_points_is_of_one_evm_chain(desk, paid):
    ledger, pool = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100, 4)
    other = cw.MixingPool(desk.account("base"), native("base"), 100)
    with pytest.raises(InputError, match="pools of several chains, and a contract of one"):
        cw.pool_withdrawals(ledger, [pool, other], claims=desk.account("swap"))
    tron = cw.MixingPool(b"\x41" + bytes(20), native("tron"), 100, 4)
    with pytest.raises(InputError, match="no contract on Tron logs claims"):
        cw.pool_withdrawals(ledger, [tron], claims=desk.account("swap"))
    with pytest.raises(AddressError):
        cw.pool_withdrawals(ledger, [pool], claims="0x12")


def test_what_else_is_refused(desk, paid):
    ledger, pool = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100, 4)
    bare = cw.MixingPool(desk.account("pool"), COIN, 100)
    table = pl.DataFrame([CLAIM])
    with pytest.raises(InputError, match="of no pool what a deposit earns"):
        cw.pool_withdrawals(ledger, [bare], claims=table)
    with pytest.raises(ArgumentError, match="pass a frame with txid"):
        cw.pool_withdrawals(ledger, [pool], claims=[CLAIM])
    with pytest.raises(AddressError):
        cw.pool_withdrawals(ledger, [pool], claims=pl.DataFrame([{**CLAIM, "txid": "ab"}]))
    with pytest.raises(InputError, match="rewards with nothing"):
        cw.MixingPool(desk.account("pool"), COIN, 100, 0)
    other = cw.MixingPool(desk.account("base"), native("base"), 100)
    with pytest.raises(InputError, match="does not say its chain"):
        cw.pool_withdrawals(ledger, [pool, other], claims=table)
    of = table.with_columns(chain=pl.lit("eth"))
    assert cw.pool_withdrawals(ledger, [pool, other], claims=of).mined["pairs"].to_list() == [0]


def test_prices_of_gas_are_checked_too(desk, paid):
    ledger, pool = paid(THREE), cw.MixingPool(desk.account("pool"), COIN, 100)
    same = pl.DataFrame({"txid": [CLAIM["txid"]] * 2, "gas_price": ["7", "7"]})
    cw.pool_withdrawals(ledger, [pool], gas_prices=same)
    for prices, told in ((["7", "8"], "two prices of gas"), (["7", "-1"], "no price of gas")):
        table = same.with_columns(gas_price=pl.Series(prices))
        with pytest.raises(InputError, match=told):
            cw.pool_withdrawals(ledger, [pool], gas_prices=table)
    with pytest.raises(InputError, match="no column 'gas_price'"):
        cw.pool_withdrawals(ledger, [pool], gas_prices=same.select("txid"))


def test_what_no_rate_or_height_is_known_of_is_said(desk, paid):
    table = pl.DataFrame([CLAIM])
    pools = [
        cw.MixingPool(desk.account("pool"), COIN, 100, 4),
        cw.MixingPool(desk.account("other"), COIN, 100),
    ]
    ledger = paid(THREE)
    assert "Of 1 pool no rate was given" in " ".join(
        cw.pool_withdrawals(ledger, pools, claims=table).notes
    )
    rows = ledger.transfers.collect().with_columns(
        pl.lit(None, pl.Int64).alias("height"), pl.lit(None, pl.Int64).alias("tx"),
    )  # fmt: skip
    dark = cw.Ledger.from_tables({"transfers": rows.select(schema.TRANSFERS.names)})
    found = cw.pool_withdrawals(dark, pools[:1], claims=table)
    assert "Of 4 deposits and withdrawals no height is known" in " ".join(found.notes)
