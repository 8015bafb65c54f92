"""Simulated swaps: amounts add up, what is true is what moved, and the parts never meet."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import polars as pl
import pytest

from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.ledger.checks.check import check
from chainwatch.simulate.swaps.simulation import SimulatedSwaps, simulate_swaps
from chainwatch.simulate.swaps.world import MEANINGS, NOBODY, SWAP, UNWRAP, WRAP, Chain, Pay

SMALL = {"deeds": 150, "people": 20}


@pytest.fixture(scope="module")
def made() -> SimulatedSwaps:
    return simulate_swaps(3, part="fit", adversarial=True, **SMALL)


def test_the_same_seed_makes_the_same_chain(made: SimulatedSwaps) -> None:
    again = simulate_swaps(3, part="fit", adversarial=True, **SMALL)
    assert again.ledger().digest("transfers") == made.ledger().digest("transfers")
    assert again.truth == made.truth
    other = simulate_swaps(4, part="fit", adversarial=True, **SMALL)
    assert not {one.account for one in other.people} & {one.account for one in made.people}


def test_nobody_pays_what_he_does_not_hold(made: SimulatedSwaps) -> None:
    """Added up in the order of blocks: the simulation's own balances are not asked."""
    held: dict[tuple[bytes, bytes | None], int] = defaultdict(int)
    outside = {row["sender"] for row in made.chain.transfers if row["kind"] == "native"}
    for row in made.chain.transfers:
        if row["kind"] == "fee_burnt":
            continue
        held[row["sender"], row["contract"]] -= row["amount"]
        held[row["receiver"], row["contract"]] += row["amount"]
        below = held[row["sender"], row["contract"]] < 0
        assert not below or row["sender"] == NOBODY or row["sender"] in outside


def test_what_is_true_is_what_moved(made: SimulatedSwaps) -> None:
    """Of each swap the giver is so much poorer in what he gave, and the receiver so much richer."""
    net: dict[tuple[bytes, bytes, bytes | None], int] = defaultdict(int)
    for row in made.chain.transfers:
        if row["kind"] != "fee_burnt":
            net[row["txid"], row["sender"], row["contract"]] -= row["amount"]
            net[row["txid"], row["receiver"], row["contract"]] += row["amount"]
    swapped = [one for one in made.truth if one.meaning in (SWAP, WRAP, UNWRAP)]
    assert len(swapped) > 50
    for one in swapped:
        assert net[one.txid, one.payer, one.asset] == -one.amount
        assert one.receiver is not None
        assert net[one.txid, one.receiver, one.got_asset] == one.got


def test_everything_that_is_listed_happens(made: SimulatedSwaps) -> None:
    assert {one.meaning for one in made.truth} == {*MEANINGS}


def test_the_ledger_holds_together(made: SimulatedSwaps) -> None:
    ledger = made.ledger()
    assert check(ledger).ok
    rows = ledger.transfers.collect()
    assert rows.select("txid", "kind", "log_index", "trace_path").is_unique().all()
    assert rows["txid"].n_unique() <= rows["height"].n_unique()


def test_parts_share_no_time_and_a_slip_is_refused() -> None:
    fit = simulate_swaps(0, part="fit", **SMALL).ledger().transfers.collect()["time"]
    test = simulate_swaps(1_000, part="test", **SMALL).ledger().transfers.collect()["time"]
    assert pl.Series([fit.max()])[0] < pl.Series([test.min()])[0]
    with pytest.raises(ArgumentError, match="none of the part"):
        simulate_swaps(1_000, part="fit")
    with pytest.raises(ArgumentError, match="show no meaning"):
        simulate_swaps(0, part="fit", deeds=5)


def test_a_payment_of_what_is_not_there_is_a_defect() -> None:
    chain = Chain("a test", Random(1), 0)  # noqa: S311 - the same each time
    one, other = chain.address(), chain.address()
    with pytest.raises(ConservationError, match="does not hold"):
        chain.send(one, [Pay(one, other, None, 1)])
