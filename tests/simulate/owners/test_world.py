"""The world refuses what cannot be, and keeps who holds what."""

from __future__ import annotations

from random import Random

import pytest

from chainwatch.errors import ConservationError
from chainwatch.simulate.owners.parts import FIT
from chainwatch.simulate.owners.software import SOFTWARE
from chainwatch.simulate.owners.world import World, joint_wallet
from chainwatch.simulate.transactions import Output, Transaction
from chainwatch.simulate.wallets import Policy, Wallet


@pytest.fixture
def world():
    """Return a world in which a miner's first rewards can be spent."""
    made = World("test", Random(1), FIT.start)  # noqa: S311 - a simulation, not a secret
    miner = Wallet("miner", "miner wallet", "pool", Policy())
    for _ in range(103):
        made.mine(miner)
    return made, miner


def somebody(name="ann", **habits):
    return Wallet(name, f"{name} wallet", "person", Policy(**habits))


def test_more_than_there_is_cannot_be_paid(world):
    made, miner = world
    coin = miner.coins[0]
    output = Output(coin.value + 1, made.lock(miner), "payment")
    with pytest.raises(ConservationError, match="payment makes more than it spends"):
        made.submit(Transaction((coin,), (output,)), "payment")
    assert coin in miner.coins


def test_a_coin_is_spent_once(world):
    made, miner = world
    coin = miner.coins[0]
    output = Output(1_000, made.lock(miner), "payment")
    with pytest.raises(ConservationError, match="spends a coin twice"):
        made.submit(Transaction((coin, coin), (output,)), "payment")
    made.submit(Transaction((coin,), (output,)), "payment")
    with pytest.raises(ConservationError, match="spends what is spent"):
        made.submit(Transaction((coin,), (output,)), "payment")


def test_who_cannot_pay_does_not(world):
    made, miner = world
    ann = somebody()
    assert made.pay(ann, [Output(1_000, made.lock(miner), "payment")], "payment") is None
    assert made.gather(ann, [], made.lock(ann), "consolidation") is None
    everything = Output(
        sum(coin.value for coin in made.spendable(miner)), made.lock(ann), "payment"
    )
    assert made.pay(miner, [everything], "payment") is None, "no fee is left"


def test_young_rewards_are_not_spent(world):
    made, miner = world
    assert len(miner.coins) == 103
    assert {coin.height for coin in made.spendable(miner)} == {1, 2, 3, 4}


def test_a_key_with_coins_is_not_handed_over(world):
    made, miner = world
    with pytest.raises(ConservationError, match="handed over with coins"):
        made.hand_over(miner.coins[0].lock, somebody())


def test_a_handed_over_key_is_paid_to_its_new_holder(world):
    made, miner = world
    ann, bob = somebody("ann"), somebody("bob")
    lock = made.lock(ann)
    assert ann.home == lock
    made.hand_over(lock, bob)
    assert ann.home is None
    made.pay(miner, [Output(70_000, lock, "payment")], "payment")
    assert [coin.value for coin in bob.coins] == [70_000]
    assert not ann.coins
    assert [held.to_height for held in made.former] == [made.height - 1]


def test_one_address_for_everything(world):
    made, _ = world
    ann = somebody(reuse=True)
    assert made.lock(ann) == made.lock(ann)
    assert made.lock(ann, "p2tr") != made.lock(ann)
    fresh = somebody("bob")
    assert made.lock(fresh) != made.lock(fresh)


def test_the_going_rate_is_paid_by_those_who_follow_it(world):
    made, _ = world
    made.rate = 31
    assert made.habits(somebody(fee_rate=0)).fee_rate == 31
    assert made.habits(somebody(fee_rate=5)).fee_rate == 5


def test_lock_times_lie_behind_now_and_then(world):
    made, _ = world
    drawn = [made.lock_time(Wallet("n", "n", "person", SOFTWARE["node"])) for _ in range(400)]
    assert max(drawn) == made.height - 1
    assert 10 < sum(height < made.height - 1 for height in drawn) < 90
    steady = {made.lock_time(somebody()) for _ in range(50)}
    assert steady == {made.height - 1}


def test_what_several_hold_is_an_owner_of_its_own():
    ann, bob = somebody("ann"), somebody("bob")
    both = joint_wallet("channel", "p2wsh_pair", bob, ann)
    assert both.owner == "ann & bob"
    assert both.name == "bob wallet & ann wallet"
