"""Sums of a figure: exact before they are rounded, and never sharper than what is published."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.privacy.flow_totals import Totals, as_summed, two_digits
from chainwatch.units import AMOUNT

HOST, PAYER = "service:harbour", "subject"
MANY = [f"masked-{number:010d}" for number in range(6)]


def sums(count: int, amount: int = 26_600, published: frozenset[int] = frozenset()) -> Totals:
    pairs = {(name, HOST): amount for name in MANY[:count]}
    masked = {pair: frozenset({pair[0].encode()}) for pair in pairs}
    return Totals(pairs | {(PAYER, HOST): 5}, masked | {(PAYER, HOST): frozenset()}, published, 99)


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, (5, False)), (1, (30_000, True)), (4, (100_000, True)), (5, (130_000, True))],
)
def test_a_sum_is_rounded_once_and_by_how_many_share_it(count: int, said: tuple[int, bool]) -> None:
    of = sums(count)
    assert of.of(of.amounts, HOST) == said


def test_what_is_published_of_a_shown_node_is_exact() -> None:
    of = sums(2, published=frozenset({53_205}))
    assert of.of(of.amounts, HOST) == (53_205, False)
    assert of.of(of.amounts) == (50_000, True)
    assert of.of(of.amounts, MANY[0]) == (50_000, True)


@pytest.mark.parametrize(("count", "said"), [(1, 30_000), (4, 100_000), (5, 130_000)])
def test_what_alone_reaches_a_node_is_said_as_the_node_is(count: int, said: int) -> None:
    """A flow to one party keeps one digit; one to several that share it as many as their sum."""
    pair = ("subject", "masked of subject: bystander")
    behind = frozenset(name.encode() for name in MANY[:count])
    of = Totals({pair: 26_600 * count}, {pair: behind}, frozenset(), 99)
    row = {"source": pair[0], "target": pair[1], "amount": 1, "coarse": True}
    exact = {"source": PAYER, "target": HOST, "amount": 5, "coarse": False}
    flows = pl.DataFrame([row, exact], schema_overrides={"amount": AMOUNT})
    assert as_summed(flows, of)["amount"].to_list() == [said, 5]
    assert of.of([pair], pair[1]) == (said, True)


def test_exact_flows_taken_off_do_not_give_the_masked_one() -> None:
    """Whoever knows all exact flows learns no more than the flow of the one masked party says."""
    exact = sums(1)
    amount, rounded = exact.of(exact.amounts, HOST)
    assert rounded
    fits = [
        x for x in range(25_000, 35_000) if sums(1, x).of(sums(1, x).amounts, HOST)[0] == amount
    ]
    assert len(fits) > 9_000


def test_two_digits() -> None:
    assert [two_digits(x) for x in (0, 7, 99, 134, 135, 995)] == [0, 7, 99, 130, 140, 1000]
