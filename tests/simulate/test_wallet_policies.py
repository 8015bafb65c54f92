"""Wallets choose, order and return change as their policy says."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.errors import ConservationError
from chainwatch.simulate.locks import make_lock
from chainwatch.simulate.transactions import INPUT_VBYTES, Coin, Output
from chainwatch.simulate.wallets import CORE, DUST, Policy, choose, draft, fee_for, shuffled
from chainwatch.simulate.world import World

PAYEE, CHANGE = make_lock("p2wpkh", "payee"), make_lock("p2wpkh", "change")


def seeded(seed):
    return Random(seed)  # noqa: S311 - a simulation, not a secret


def coins(*values, kind="p2wpkh"):
    lock = make_lock(kind, "own")
    return [Coin(bytes([n + 1]) * 32, 0, value, lock, 1) for n, value in enumerate(values)]


def spend(policy, held, amount, change=CHANGE):
    target = Output(amount, PAYEE, "payment")
    return draft(policy, held, [target], change, seeded(1), tip=200)


@pytest.mark.parametrize(
    ("select", "values"),
    [("oldest", [30_000]), ("largest", [90_000]), ("smallest", [20_000]),
     ("all", [30_000, 90_000, 20_000])],
)  # fmt: skip
def test_which_coins_are_spent(select, values):
    held = coins(30_000, 90_000, 20_000)
    picked = choose(Policy(select=select), held, 10_000, [PAYEE, CHANGE])
    assert [coin.value for coin in picked] == values


def test_exact_coins_leave_no_change():
    held = coins(30_000, 90_000, 20_000, 55_000)
    policy = Policy(select="exact")
    amount = 75_000 - fee_for(policy, held[2:], [PAYEE]) - 500
    picked = choose(policy, held, amount, [PAYEE, CHANGE], seeded(1))
    assert sorted(coin.value for coin in picked) == [20_000, 55_000]
    assert len(spend(policy, picked, amount).outputs) == 1


def test_where_no_coins_are_exact_random_ones_are_spent():
    held = coins(*range(50_000, 90_000, 4_000))
    policy = Policy(select="exact")
    drawn = {choose(policy, held, 40_123, [PAYEE, CHANGE], seeded(n))[0].value for n in range(20)}
    assert len(drawn) > 4


def test_exact_gives_up_on_many_coins():
    held = coins(*[70_000 + 3_001 * n for n in range(40)])
    picked = choose(Policy(select="exact"), held, 1_999_999, [PAYEE, CHANGE], seeded(1))
    assert sum(coin.value for coin in picked) > 1_999_999


def test_a_poor_wallet_says_so():
    with pytest.raises(ConservationError, match="cannot pay 10000"):
        choose(CORE, coins(10_000), 10_000, [PAYEE])


@pytest.mark.parametrize(("order", "first"), [("change_first", CHANGE), ("change_last", PAYEE)])
def test_place_of_change(order, first):
    tx = spend(replace(CORE, order=order), coins(90_000), 20_000)
    assert tx.outputs[0].lock == first


def test_bip69_sorts_inputs_and_outputs():
    tx = spend(replace(CORE, order="bip69"), coins(90_000, 80_000)[::-1], 20_000)
    assert [coin.value for coin in tx.inputs] == [90_000, 80_000]
    assert [out.value for out in tx.outputs] == sorted(out.value for out in tx.outputs)


def test_round_change_and_dust_go_to_the_miner():
    tx = spend(replace(CORE, round_change=10_000, order="change_last"), coins(90_000), 20_000)
    assert tx.outputs[1].value == 60_000
    fee = fee_for(CORE, coins(1), [PAYEE, CHANGE])
    assert len(spend(CORE, coins(20_000 + fee + DUST), 20_000).outputs) == 1
    assert len(spend(CORE, coins(20_000 + fee + DUST + 1), 20_000).outputs) == 2


def test_locktime_is_the_tip_or_nothing():
    assert spend(CORE, coins(90_000), 20_000).locktime == 200
    assert spend(replace(CORE, locktime=False), coins(90_000), 20_000).locktime == 0


@given(st.lists(st.integers(50_000, 10**9), min_size=1, max_size=8), st.integers(1_000, 20_000))
def test_value_is_conserved_and_the_fee_is_what_was_reckoned(values, amount):
    held = coins(*values)
    tx = spend(CORE, held, amount)
    reckoned = fee_for(CORE, held, [PAYEE, CHANGE])
    assert reckoned <= tx.fee <= reckoned + DUST
    assert sum(out.value for out in tx.outputs) + tx.fee == sum(values)


@given(st.lists(st.integers(), max_size=20), st.integers(0, 1000))
def test_shuffling_loses_nothing(items, seed):
    assert sorted(shuffled(items, seeded(seed))) == sorted(items)


@pytest.mark.parametrize("kind", ["p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr"])
def test_reckoned_size_is_near_the_real_one(kind):
    tx = spend(Policy(), coins(*[90_000] * 4, kind=kind), 20_000)
    real = (3 * len(tx.stripped) + len(tx.raw) + 3) // 4
    reckoned = 11 + 4 * INPUT_VBYTES[kind] + sum(9 + len(out.lock.script) for out in tx.outputs)
    assert abs(real - reckoned) <= 5


def test_a_joint_transaction_must_name_its_payments():
    world = World(1, seeded(1))
    pair = [world.wallet(owner, "person", CORE) for owner in ("a", "b")]
    locks = [world.lock(wallet) for wallet in pair]
    spent = [Coin(bytes([n]) * 32, 0, 50_000, lock, 1) for n, lock in enumerate(locks)]
    tx = draft(CORE, spent, [Output(60_000, locks[0], "?")], None, world.rng, 0)
    with pytest.raises(ConservationError, match="name its payments"):
        world.submit(tx)
