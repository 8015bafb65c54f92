"""Rows added up: what is rounded elsewhere is told by no sum here."""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.privacy.aggregate import Part, Sum, sums


def parts(payer: str, amounts: Sequence[int]) -> list[Part]:
    """Return rows of one payer, each to a masked party of its own."""
    return [
        Part({"payer": payer, "amount": one}, {"amount": one}, frozenset({f"{payer}{n}".encode()}))
        for n, one in enumerate(amounts)
    ]


ROWS = [*parts("a", [10, 20, 30, 40, 50]), *parts("b", [1, 1, 1, 1, 1, 1])]


def told(found: Sequence[Sum]) -> list[tuple[object, object, bool]]:
    return [(one.cells["payer"], one.cells["amount"], one.rounded) for one in found]


def test_crowds_are_told_apart_and_exactly() -> None:
    found = sums(ROWS, ["payer"], [], [])
    assert told(found) == [("a", 150, False), ("b", 6, False)]


def test_a_sum_that_is_rounded_elsewhere_joins_another() -> None:
    """Were it left out alone, the other and the whole would tell it."""
    found = sums(
        ROWS, ["payer"], [], [], lambda some: sum(x.exact["amount"] or 0 for x in some) == 6
    )
    assert told(found) == [("several", 156, False)]


def test_where_there_is_no_other_it_is_rounded_here_too() -> None:
    found = sums(ROWS[:5], ["payer"], [], [], lambda some: True)
    assert told(found) == [("a", 200, True)]


def test_nor_is_it_told_as_a_part() -> None:
    rows = [
        Part(one.cells | {"payer": "c", "kind": one.cells["payer"]}, one.exact, one.masked)
        for one in ROWS
    ]
    finer = sums(rows, ["payer"], [], ["kind"])
    assert [one.cells["amount"] for one in finer] == [150, 6]
    whole = sums(rows, ["payer"], [], ["kind"],
                 lambda some: sum(x.exact["amount"] or 0 for x in some) == 6)  # fmt: skip
    assert [one.cells["amount"] for one in whole] == [156]
