"""Interpretations counted by what is left, against every division written out, and published ones.

``divisions`` is the slow reference: it lists all partitions of the inputs and all ways to give the
outputs to their parts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from math import factorial, prod

import pytest

from chainwatch.errors import InputError
from chainwatch.tracing.mixers.counting import Counted, Exceeded, Work, interpretations_of

PERFECT = {2: 3, 3: 16, 4: 131, 5: 1_496, 6: 22_482, 7: 426_833}
"""Mixes of so many equal inputs and outputs, and their interpretations."""


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """Yield every way to divide items into parts."""
    if not items:
        yield []
        return
    first, *rest = items
    for parts in partitions(rest):
        yield [[first], *parts]
        for place in range(len(parts)):
            yield [*parts[:place], [first, *parts[place]], *parts[place + 1 :]]


def divisions(
    inputs: Sequence[int], outputs: Sequence[int], received: int, paid: int
) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Return how many divisions keep the bounds, and how often each output meets each input."""
    count, links = 0, [[0] * len(inputs) for _ in outputs]
    for parts in partitions(list(range(len(inputs)))):
        for given in product(range(len(parts)), repeat=len(outputs)):
            pays = [sum(inputs[i] for i in part) for part in parts]
            for value, part in zip(outputs, given, strict=True):
                pays[part] -= value
            if all(-received <= amount <= paid for amount in pays):
                count += 1
                for output, part in enumerate(given):
                    for i in parts[part]:
                        links[output][i] += 1
    return count, tuple(map(tuple, links))


def counted(
    inputs: Sequence[int], outputs: Sequence[int], received: int = 0, paid: int | None = None
) -> Counted:
    most = sum(inputs) - sum(outputs) if paid is None else paid
    return interpretations_of(inputs, outputs, received=received, paid=most, work=Work(10**6))


def test_hundreds_of_random_transactions_agree_with_all_divisions_written_out() -> None:
    rng, tried, several = random.Random(52), 0, 0  # noqa: S311 - a fixed seed
    while tried < 300:
        inputs = [rng.randint(1, 9) for _ in range(rng.randint(1, 5))]
        outputs = [rng.randint(1, 6) for _ in range(rng.randint(1, 4))]
        fee = sum(inputs) - sum(outputs)
        if fee < 0:
            continue
        received = rng.choice((0, 0, 1, 2, 5))
        paid = fee + rng.choice((0, 0, 1, 3))
        found = counted(inputs, outputs, received, paid)
        assert found[:2] == divisions(inputs, outputs, received, paid), (inputs, outputs)
        tried += 1
        several += found.ways > 1
    assert several > 150


def test_large_amounts_and_fees_agree_too() -> None:
    rng = random.Random(53)  # noqa: S311 - a fixed seed
    for _ in range(60):
        outputs = [rng.choice((10**7, rng.randint(10**4, 10**9))) for _ in range(4)]
        inputs = [value + rng.randint(0, 5_000) for value in outputs[:3]]
        inputs.append(max(1, sum(outputs) - sum(inputs) + rng.randint(0, 20_000)))
        fee = sum(inputs) - sum(outputs)
        if fee < 0:
            continue
        for received in (0, 4_000, 50_000):
            paid = fee + 3 * received
            found = counted(inputs, outputs, received, paid)
            assert found[:2] == divisions(inputs, outputs, received, paid)


@pytest.mark.parametrize(("size", "ways"), PERFECT.items())
def test_perfect_mixes(size: int, ways: int) -> None:
    found = counted([5] * size, [5] * size)
    assert found.ways == ways
    assert len({times for row in found.links for times in row}) == 1


@pytest.mark.parametrize(("size", "pairs"), [(2, 2), (3, 8), (4, 53)])
def test_links_of_perfect_mixes(size: int, pairs: int) -> None:
    assert counted([5] * size, [5] * size).links == ((pairs,) * size,) * size


def formula(size: int) -> int:
    """Return the interpretations of a perfect mix, as a sum over the sizes of parts."""

    def sizes(left: int, most: int) -> Iterator[list[int]]:
        if not left:
            yield []
        for first in range(min(left, most), 0, -1):
            for rest in sizes(left - first, first):
                yield [first, *rest]

    return sum(
        factorial(size) ** 2
        // prod(factorial(part) ** 2 for part in parts)
        // prod(factorial(parts.count(part)) for part in set(parts))
        for parts in sizes(size, size)
    )


def test_mixes_of_many_equal_rows_are_exact_in_little_work() -> None:
    assert counted([7] * 30, [7] * 30).ways == formula(30)
    hundred = counted([7] * 100, [7] * 100)
    assert hundred.work < 100_000
    assert len(str(hundred.ways)) == 245
    assert all(0 < times < hundred.ways for row in hundred.links for times in row)


JOINED = [260_994_463, 98_615_817, 84_911_243, 20_112_774, 79_168_410]
PAID = [14_868_890, 84_077_613, 84_077_613, 15_369_204, 177_252_160, 84_077_613, 84_077_613]
NINE = [203_486, 5_000_000, 11_126, 9_829, 9_572_867, 13_796, 150_000, 82_835, 5_000_000]
FOUR = [791_116, 907_419, 9_136_520, 9_136_520]

PUBLISHED = {
    "two parties": ([10, 10], [8, 2, 3, 7], 0, 0, 3, None),
    "two parties, alike": ([10, 10], [8, 2, 2, 8], 0, 0, 5, ((3, 3),) * 4),
    "one output each": ([10, 10], [10, 2, 8], 0, 0, 3, None),
    "four equal": ([10, 10], [5, 5, 5, 5], 0, 0, 7, None),
    "three parties": (
        [10, 10, 2], [8, 2, 2, 8, 2], 0, 0, 28,
        ((16, 16, 7), (13, 13, 14), (13, 13, 14), (16, 16, 7), (13, 13, 14)),
    ),
    "an input that is all fee": ([5, 5, 5], [5, 3, 2], 0, 5, 28, None),
    "not all equal": ([5, 5, 10], [5, 5, 10], 0, 0, 9, None),
    "a swap": ([4_900_000_000, 100_000_000], [4_900_000_000, 100_000_000], 0, 0, 2, None),
    "8e563173": (
        [10_000_000, 1_380_000], [100_000, 9_850_000, 100_000, 1_270_000], 0, 60_000, 3,
        ((2, 2), (3, 1), (2, 2), (1, 3)),
    ),
    "7d588d52 without fees between": (JOINED, PAID, 0, 2_001, 1, ((1,) * 5,) * 7),
    "7d588d52 with fees between": (
        JOINED, PAID, 420_388, 2_001 + 3 * 420_388, 95,
        (
            (11, 73, 21, 27, 27), (35, 38, 46, 33, 33), (35, 38, 46, 33, 33),
            (9, 27, 43, 73, 73), (95, 9, 25, 11, 11), (35, 38, 46, 33, 33), (35, 38, 46, 33, 33),
        ),
    ),
    "015d9cf0 with fees between": (
        NINE, FOUR, 45_683, 72_364 + 45_683, 438,
        (
            (364, 126, 115, 115, 364, 119, 354, 99, 126),
            (126, 364, 111, 111, 126, 109, 136, 163, 364),
            (245, 245, 113, 113, 245, 114, 245, 131, 245),
            (245, 245, 113, 113, 245, 114, 245, 131, 245),
        ),
    ),
}  # fmt: skip
"""What Boltzmann's own tests and its ports state; amounts of mainnet where a txid is given."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers_and_matrices(name: str) -> None:
    inputs, outputs, received, paid, ways, links = PUBLISHED[name]
    found = counted(inputs, outputs, received, paid)
    assert found.ways == ways
    assert links in (None, found.links)


def test_the_order_of_rows_changes_nothing_but_the_order_of_the_matrix() -> None:
    found = counted(NINE, FOUR, 45_683, 118_047)
    turned = counted(NINE[::-1], FOUR[::-1], 45_683, 118_047)
    assert turned.ways == found.ways
    assert turned.work == found.work
    assert tuple(row[::-1] for row in turned.links[::-1]) == found.links


def test_one_unit_more_or_less_decides() -> None:
    """Amounts altered by one unit part what was alike; the count says so, and guesses nothing."""
    assert counted([10, 10], [10, 10]).ways == 3
    assert counted([11, 10], [11, 10]).ways == 2
    assert counted([11, 10], [11, 10], received=1, paid=1).ways == 3


def test_work_is_counted_and_bounded() -> None:
    inputs = [10**6 + 7**k for k in range(7)]
    outputs = [value - 1_000 for value in inputs]
    needed = interpretations_of(inputs, outputs, received=0, paid=9_000, work=Work(10**7)).work
    enough = Work(needed)
    interpretations_of(inputs, outputs, received=0, paid=9_000, work=enough)
    assert enough.done == needed
    with pytest.raises(Exceeded, match=f"more than {needed - 1:,} steps of work"):
        interpretations_of(inputs, outputs, received=0, paid=9_000, work=Work(needed - 1))


def test_a_transaction_of_a_thousand_values_stops_before_it_begins() -> None:
    work = Work(10**6)
    with pytest.raises(Exceeded):
        interpretations_of(
            range(2_001, 3_001), range(1_001, 2_001), received=0, paid=10**6, work=work
        )
    assert work.done == 0


def test_a_time_limit_is_one_only_where_it_is_given() -> None:
    with pytest.raises(Exceeded, match="more time than was given"):
        interpretations_of([5, 5], [5, 5], received=0, paid=0, work=Work(10**6, until=0.0))


@pytest.mark.parametrize(("inputs", "outputs"), [([5], [6]), ([0, 5], [5]), ([5], [5, 0])])
def test_values_that_do_not_add_up_are_refused(inputs: list[int], outputs: list[int]) -> None:
    with pytest.raises(InputError, match="do not add up has no interpretation"):
        counted(inputs, outputs, paid=0)
