"""Numbering keys: first seen, first numbered; whole keys compared, whatever their hashes do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.errors import InputError
from chainwatch.kernels import intern as module
from chainwatch.kernels.intern import Interner, bytes_of, intern, order_of, series_of


def by_hand(keys: list[bytes]) -> tuple[list[int], list[bytes]]:
    known: dict[bytes, int] = {}
    return [known.setdefault(key, len(known)) for key in keys], list(known)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=3) | st.binary(min_size=18, max_size=42), max_size=300))
def test_both_ways_number_as_a_dictionary_would(keys: list[bytes]) -> None:
    ids, known = by_hand(keys)
    for compiled in (True, False):
        made = intern(pl.Series(keys, dtype=pl.Binary), compiled=compiled)
        assert made.ids.tolist() == ids
        assert made.keys.to_list() == known
        assert made.ids.dtype == np.uint32


def colliding() -> list[bytes]:
    """Return keys that share their first 8, 16 or 20 bytes, their last bytes, or a prefix."""
    front = bytes(range(32))
    keys = [front[:size] + bytes([k]) for size in (8, 16, 20) for k in range(200)]
    keys += [bytes([k]) + front for k in range(200)]
    keys += [front[:size] for size in range(33)] + [bytes(size) for size in range(1, 33)]
    return keys + keys[::-3]


def test_keys_that_share_a_prefix_stay_apart() -> None:
    keys = colliding()
    ids, known = by_hand(keys)
    made = intern(pl.Series(keys), compiled=True)
    assert (made.ids.tolist(), made.keys.to_list()) == (ids, known)


def test_keys_of_one_hash_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hash that is the same for all keys, only the comparison of whole keys is left."""
    monkeypatch.setattr(module, "_seed", lambda: np.zeros(11, np.uint64))
    keys = [bytes([k % 256, k // 256]) + bytes(19) for k in range(400)] * 2
    ids, known = by_hand(keys)
    made = intern(pl.Series(keys), compiled=True)
    assert (made.ids.tolist(), made.keys.to_list()) == (ids, known)


def test_the_table_grows() -> None:
    numbers = np.random.default_rng(1).integers(0, 30_000, 60_000)
    keys = [int(number).to_bytes(21, "big") for number in numbers]
    ids, known = by_hand(keys)
    made = intern(pl.Series(keys), compiled=True)
    assert made.ids.tolist() == ids
    assert made.keys.to_list() == known


def test_bytes_and_their_starts() -> None:
    values, starts = bytes_of(pl.Series([b"ab", b"", b"c\x00"]))
    assert (values.tobytes(), starts.tolist()) == (b"abc\x00", [0, 2, 2, 4])


PROBE = """
import polars as pl
from chainwatch.kernels.intern import intern
whole = 0
for keys in ([b""] * 200, [b"ab", b""] * 100, [b"a", b"bc"] * 100 + [b""] * 200):
    made = intern(pl.Series(keys), compiled=True)
    whole += [made.keys[number] for number in made.ids.tolist()] == keys
print(whole)
"""


def test_an_empty_key_at_the_end_reads_no_byte_behind_it(probed: Callable[[str], int]) -> None:
    """It begins where the bytes end; numba's own bounds checks are compiled in to see."""
    assert probed(PROBE) == 3


def test_nulls_are_refused() -> None:
    with pytest.raises(InputError, match="never null"):
        intern(pl.Series([b"a", None]))


@pytest.mark.parametrize("compiled", [True, False])
def test_what_comes_later_keeps_the_numbers(compiled: bool) -> None:
    numbers = np.random.default_rng(2).integers(0, 9_000, 30_000)
    keys = [int(number).to_bytes(int(number) % 4 + 2, "big") for number in numbers] + [b""]
    ids, known = by_hand(keys)
    made, found = Interner(compiled=compiled), []
    for begin in range(0, len(keys), 7_001):
        found += made.add(pl.Series(keys[begin : begin + 7_001])).tolist()
    assert found == ids
    assert made.keys().to_list() == known
    values, starts = made.columns()
    assert series_of(values, starts).to_list() == known


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=3) | st.binary(min_size=14, max_size=42), max_size=60)
    | st.lists(st.lists(st.sampled_from([0, 1]), max_size=25).map(bytes), max_size=60)
)
def test_keys_are_ordered_by_their_bytes(keys: list[bytes]) -> None:
    """Also keys that begin alike, that are part of others, and equal ones, which stay in order."""
    values, starts = bytes_of(pl.Series(keys, dtype=pl.Binary))
    expected = sorted(range(len(keys)), key=lambda n: (keys[n], n))
    assert order_of(values, starts).tolist() == expected
    assert series_of(values, starts).to_list() == keys


def test_keys_that_all_begin_alike_are_ordered() -> None:
    keys = colliding()
    values, starts = bytes_of(pl.Series(keys))
    assert [keys[n] for n in order_of(values, starts)] == sorted(keys)
