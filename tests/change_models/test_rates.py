"""What rules on change get right, wrong and do not find: by hand, and on a simulated chain."""

from __future__ import annotations

import change_cases
import polars as pl
import pytest

from chainwatch.change_models.labels import change_labels
from chainwatch.change_models.rates import change_rates
from chainwatch.errors import InputError
from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.simulated import simulated_worlds
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.change import optimal_change, power_of_ten

TEXT = """
    one: A=9_000_000 -> B=5_000_000 C=3_999_000
    two: A=9_000_000 -> D=5_000_000 E=3_999_000
    three: A=9_000_000 -> F=5_000_001 G=3_999_000
    four: H=9_000_000 -> B=8_000_000
"""
BASIS = "a test"


@pytest.fixture
def world(small_ledger, named):
    """One links right, two links wrongly, three has change that is not found, four has none."""
    ledger = change_cases.ledger_with(small_ledger, TEXT)
    chain = ledger.frames["transactions"]["chain"][0]
    owners = {"A": "payer", "C": "payer", "D": "payer", "G": "payer", "H": "else"}
    rows = [(chain, named(one), owners.get(one, one)) for one in "ABCDEFGH"]
    truth = Truth(pl.DataFrame(rows, schema=["chain", "address", "owner"], orient="row"), BASIS)
    return World("a world", ledger, truth)


def test_rates_are_worked_out_by_hand(world):
    found = change_rates([world], {"round": power_of_ten()}, unless=None)
    (row,) = found.frame.iter_rows(named=True)
    assert [row[name] for name in ("right", "wrong", "undecided", "change", "owners")] == [
        1, 1, 0, 3, 1,
    ]  # fmt: skip
    assert str(found.wrong("round", BASIS)).startswith("1 of 2 (50.00 %")
    assert found.wrong("round", BASIS).cases == 1
    assert str(found.found("round", BASIS)).startswith("1 of 3 (33.33 %")
    assert found.found("round", BASIS).cases == 1


def test_worlds_of_one_basis_are_added_up(world):
    found = change_rates([world, world], {"round": power_of_ten()}, unless=None)
    assert found.frame.select("worlds", "right", "change").rows() == [(2, 2, 6)]
    assert found.found("round", BASIS).cases == 2


def test_what_has_no_meaning_is_refused(world):
    with pytest.raises(InputError, match="no rule to measure"):
        change_rates([world], {})
    with pytest.raises(InputError, match="no world to measure on"):
        change_rates([], {"round": power_of_ten()})
    with pytest.raises(InputError, match="no rule 'other' was measured"):
        change_rates([world], {"round": power_of_ten()}).wrong("other", BASIS)
    inferred = change_labels(world.ledger, unless=None).truth()
    with pytest.raises(InputError, match="cannot be judged by owners inferred"):
        change_rates([world._replace(truth=inferred)], {"round": power_of_ten()})


def test_rules_of_a_simulated_chain_stand_beside_each_other():
    rules = {"round": power_of_ten(), "optimal": optimal_change()}
    found = change_rates(simulated_worlds([3], part="fit", blocks=8), rules)
    assert found.frame["rule"].to_list() == ["round", "optimal"]
    basis = found.frame["basis"][0]
    for rule in rules:
        assert 0 < found.found(rule, basis).count <= found.found(rule, basis).of
