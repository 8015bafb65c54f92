"""The index of transfers against the plain reading of its rows."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest

from chainwatch.ledger.index.transfers import History, TransferIndex
from chainwatch.units import AMOUNT

NAMES = [bytes([16]) + bytes([n]) * 20 for n in range(6)]


def rows_of(seed: int, largest: int) -> list[tuple[bytes, bytes, int]]:
    chance = Random(seed)  # noqa: S311 - the same each time
    return [
        (chance.choice(NAMES), chance.choice(NAMES), chance.randint(1, largest))
        for _ in range(chance.randint(0, 40))
    ]


def index_of(rows: list[tuple[bytes, bytes, int]]) -> TransferIndex:
    schema = {"sender": pl.Binary, "receiver": pl.Binary, "amount": AMOUNT}
    return TransferIndex(pl.DataFrame(rows, schema=schema, orient="row"))


@pytest.mark.parametrize("largest", [9, 10**37])
@pytest.mark.parametrize("seed", range(20))
def test_every_history_is_what_its_rows_say(seed: int, largest: int) -> None:
    """Amounts of 38 digits too, and sums beyond what any column holds."""
    rows = rows_of(seed, largest)
    index = index_of(rows)
    for name in NAMES:
        moves = [
            (place, amount if receiver == name else -amount)
            for place, (sender, receiver, amount) in enumerate(rows)
            if name in (sender, receiver) and sender != receiver
        ]
        history = index.history(name)
        assert list(zip(history.places, history.moved, strict=True)) == moves
        balance = opening = 0
        for _, amount in moves:
            balance += amount
            opening = max(opening, -balance)
        assert history.opening == opening == sum(short.amount for short in history.shorts())
        for place in range(len(rows) + 1):
            here = opening + sum(amount for at, amount in moves if at < place)
            assert history.before(place) == here >= 0


def test_an_address_without_transfers_has_an_empty_history() -> None:
    history = index_of([]).history(NAMES[0])
    assert (history.opening, history.before(5), history.shorts()) == (0, 0, [])
    assert history.next(0) is None is history.last_in(9)


class TestHistory:
    HISTORY = History.of([2, 5, 7, 11], [-4, 10, -8, 3])

    def test_what_was_there_is_shown_by_payments(self) -> None:
        assert self.HISTORY.opening == 4
        assert self.HISTORY.shorts() == [(4, 2)]
        assert History.of([1, 2, 3], [-4, 1, -5]).shorts() == [(4, 1), (4, 3)]

    @pytest.mark.parametrize(
        ("place", "after", "before"),
        [(-1, 2, None), (2, 5, None), (4, 5, 2), (11, None, 7), (99, None, 11)],
    )
    def test_neighbours(self, place: int, after: int | None, before: int | None) -> None:
        assert self.HISTORY.next(place) == after
        assert self.HISTORY.next(place, back=True) == before

    @pytest.mark.parametrize(("end", "place"), [(5, None), (6, 5), (11, 5), (12, 11)])
    def test_the_last_that_came_in(self, end: int, place: int | None) -> None:
        assert self.HISTORY.last_in(end) == place
