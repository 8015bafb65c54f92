"""Reveals of pools, where everybody is known: what they find, and how often they are right."""

from __future__ import annotations

import pytest

import chainwatch as cw
from chainwatch.errors import InputError
from chainwatch.simulate.pools import ALIKE, DEALS, GIVES, HABITS, REUSES, SIGNS, simulate_pools
from chainwatch.tracing.mixers.pool_rates import reveal_rates
from chainwatch.tracing.mixers.reveals import ADDRESS, GAS, LINKED, MULTI


@pytest.fixture(scope="module", params=range(3))
def world(request):
    made = simulate_pools(request.param)
    pools = [cw.MixingPool(*one) for one in made.pools]
    return made, cw.pool_withdrawals(made.ledger, pools, gas_prices=made.gas_prices)


def test_the_same_seed_makes_the_same_pools():
    one, same, other = (simulate_pools(seed).ledger.digest("transfers") for seed in (1, 1, 2))
    assert one == same != other


def test_every_habit_is_there():
    seen = {habit for seed in range(3) for habit in simulate_pools(seed).truth["habit"]}
    assert seen == {habit for habit, _ in HABITS}


def test_the_true_deposit_is_among_those_before_and_none_is_missing(world):
    made, found = world
    assert found.frame.height == made.truth.height
    assert found.frame["unread"].null_count() == found.frame.height
    assert found.odd.is_empty()
    assert (found.frame["set_most"] >= 1).all()


def test_each_habit_is_revealed_by_its_rule(world):
    made, found = world
    told = found.reveals.join(made.truth.select("txid", "habit"), on="txid")
    for rule, habit in ((ADDRESS, REUSES), (GAS, SIGNS), (LINKED, DEALS), (MULTI, ALIKE)):
        true = set(made.truth.filter(habit=habit)["txid"])
        assert true <= set(told.filter(rule=rule)["txid"]), rule


def test_rates_count_what_is_right_and_what_is_wrong():
    wrong = 0
    for seed in range(3):
        made = simulate_pools(seed)
        pools = [cw.MixingPool(*one) for one in made.pools]
        found = cw.pool_withdrawals(made.ledger, pools, gas_prices=made.gas_prices)
        rates = reveal_rates(found, made.truth)
        for rule, rate in rates.items():
            rows = found.candidates.filter(rule=rule).join(made.truth, on="txid")
            right = {txid for txid, one, true in rows.select("txid", "deposit", "deposit_right")
                     .iter_rows() if one == true}  # fmt: skip
            assert rate.right.count == len(right)
            assert rate.right.of == rows["txid"].n_unique() == rate.revealed.count
            assert rate.named.count <= rate.right.count
        gifts = set(made.truth.filter(habit=GIVES)["txid"])
        wrong += rates[ADDRESS].right.of - rates[ADDRESS].right.count
        assert rates[ADDRESS].right.of - rates[ADDRESS].right.count <= len(gifts)
    assert wrong > 0


def test_a_withdrawal_of_which_the_truth_is_not_known_is_refused(world):
    made, found = world
    with pytest.raises(InputError, match="not known which deposit"):
        reveal_rates(found, made.truth.head(1))
