"""Pseudonyms stay only in a crowd: joining tables must not tell fewer than five apart."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.privacy.anonymity_sets import singled_out
from chainwatch.privacy.edition import FEWEST

NAMES = [f"masked-aaaaaaaaa{letter}" for letter in "abcdefghijklmnop"]


def payments(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    schema = {"subject": pl.String, "counterparty": pl.String, "amount": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_crowd_stays_and_a_lone_one_goes() -> None:
    rows = [("s", name, 10) for name in NAMES[:FEWEST]] + [("s", NAMES[9], 20)]
    assert singled_out({"payments": payments(rows)}) == {NAMES[9]}


def test_one_too_few_go() -> None:
    rows = [("s", name, 10) for name in NAMES[: FEWEST - 1]]
    assert singled_out({"payments": payments(rows)}) == set(NAMES[: FEWEST - 1])


def test_a_second_table_tells_apart() -> None:
    rows = [("s", name, 10) for name in NAMES[:6]]
    other = payments([("t", NAMES[0], 1)])
    assert singled_out({"payments": payments(rows), "other": other}) == {NAMES[0]}
    other = payments([("t", name, 1) for name in NAMES[:2]])
    found = singled_out({"payments": payments(rows), "other": other})
    assert found == set(NAMES[:6])


def test_the_same_row_in_two_tables_differs() -> None:
    one, other = payments([("s", NAMES[0], 1)]), payments([("s", NAMES[1], 1)])
    frame = payments([("s", name, 5) for name in NAMES[:5]])
    found = singled_out({"a": one, "b": other, "c": frame})
    assert set(NAMES[:5]) == found


def test_neighbours_tell_apart() -> None:
    """Ten parties read alike but for whom they pay: one of two others, who differ."""
    first = [(name, NAMES[10], 7) for name in NAMES[:5]]
    second = [(name, NAMES[11], 7) for name in NAMES[5:10]]
    known = payments([("s", NAMES[10], 1), ("s", NAMES[11], 2)])
    steps = payments([*first, *second])
    assert singled_out({"steps": steps, "known": known}) == {NAMES[10], NAMES[11]}
    steps = payments([*first, *second[:4]])
    assert singled_out({"steps": steps, "known": known}) >= set(NAMES[5:9])


def test_those_on_the_way_stay_and_tell_their_neighbours_apart() -> None:
    rows = [("s", name, 10) for name in NAMES[:6]] + [(NAMES[9], NAMES[0], 3)]
    found = singled_out({"steps": payments(rows)}, [NAMES[9]])
    assert found == {NAMES[0]}


def test_how_often_a_row_stands_counts() -> None:
    rows = [("s", name, 10) for name in NAMES[:6]] + [("s", NAMES[0], 10)]
    assert singled_out({"payments": payments(rows)}) == {NAMES[0]}


def test_nothing_to_tell_apart() -> None:
    assert singled_out({}) == frozenset()
    assert singled_out({"empty": payments([]), "plain": payments([("s", "t", 1)])}) == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from(["s", "t", *NAMES]), st.sampled_from(NAMES), st.integers(1, 2)),
        max_size=40,
    )
)
def test_whoever_stays_reads_like_four_others(rows: list[tuple[str, str, int]]) -> None:
    gone = singled_out({"payments": payments(rows)})
    looks: dict[str, list[tuple[str, str, int]]] = {}
    for source, target, amount in rows:
        for name in {source, target} & set(NAMES) - gone:
            said = [
                "itself" if item == name else "masked" if item in NAMES else item
                for item in (source, target)
            ]
            looks.setdefault(name, []).append((said[0], said[1], amount))
    seen = [sorted(look) for look in looks.values()]
    assert all(seen.count(look) >= FEWEST for look in seen)


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random) -> None:
    rows = [("s", name, number % 3) for number, name in enumerate(NAMES)]
    rows += [(NAMES[number], NAMES[number + 1], 1) for number in range(8)]
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert singled_out({"p": payments(rows)}) == singled_out({"p": payments(shuffled)})
