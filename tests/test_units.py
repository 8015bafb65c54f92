"""Amounts as text and back: exact, and nothing but plain decimal numbers."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.errors import ConservationError, InputError
from chainwatch.units import AMOUNT, exact_sum, from_text, share_text, to_text, total


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_text_and_back(amount: int, decimals: int) -> None:
    assert from_text(to_text(amount, decimals), decimals) == amount


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [("0.388", 8, 38_800_000), ("-1.5", 1, -15), ("+2", 0, 2), (".5", 1, 5), ("1.500", 1, 15),
     ("5.", 2, 500)],
)  # fmt: skip
def test_plain_numbers(text: str, decimals: int, amount: int) -> None:
    assert from_text(text, decimals) == amount


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "+-5", "--5", "1e3", "1_000", "0x10", "1,000", "1.55", "NaN", "٣", "1.-5"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not an amount"):
        from_text(text, 1)


def test_a_total_is_exact_and_never_of_unknown_amounts() -> None:
    assert total([10**38, 1, 2]) == 10**38 + 3
    with pytest.raises(InputError, match="unknown"):
        total([1, None])


AMOUNTS = st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(-(10**37), 10**37)))


@given(AMOUNTS.filter(lambda rows: len(rows) < 9))
def test_sums_by_group_are_those_of_python(rows: list[tuple[str, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"of": pl.String, "amount": AMOUNT}, orient="row")
    positive = pl.col("amount").filter(pl.col("amount") > 0)
    sums = frame.group_by("of").agg(exact_sum("amount"), exact_sum(positive).alias("above"))
    for of, whole, above in sums.iter_rows():
        known = [amount for group, amount in rows if group == of and amount is not None]
        assert (int(whole), int(above)) == (sum(known), sum(one for one in known if one > 0))


def test_a_sum_that_does_not_fit_is_refused() -> None:
    frame = pl.DataFrame({"amount": [10**38 - 1, 1]}, schema={"amount": AMOUNT})
    with pytest.raises((ConservationError, pl.exceptions.PolarsError), match="exceeds 38 digits"):
        frame.select(exact_sum("amount"))


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.99961, "0.999"), (0.9996, "0.999"), (1.0, "1.000"), (0.57, "0.570"), (0, "0.000"),
     (1e-9, "0.000"), (0.1 + 0.2, "0.300")],
)  # fmt: skip
def test_a_share_is_cut_off_and_never_rounded_up(share, told):
    assert share_text(share) == told
    assert float(told) <= share
