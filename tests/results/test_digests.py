"""The digest of a table is that of a plain definition, in pieces of any size, in any order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.errors import InputError
from chainwatch.results import provenance
from chainwatch.results.provenance import digest_columns, digest_frame, encoded, in_order

KINDS: dict[str, tuple[Any, Any]] = {
    "bytes": (pl.Binary, st.binary(max_size=3)),
    "flag": (pl.Boolean, st.booleans()),
    "large": (pl.UInt64, st.sampled_from([0, 7, 2**63 + 5])),
    "number": (pl.Int64, st.integers(-3, 3) | st.just(2**40)),
    "rate": (pl.Float64, st.sampled_from([0.0, -0.0, 0.5, float("inf"), float("nan")])),
    "text": (pl.String, st.sampled_from(["", "a", "é", "ab"])),
    "day": (pl.Date, st.dates(date(2020, 1, 1), date(2020, 1, 3))),
    "time": (
        pl.Datetime("us", "UTC"),
        st.sampled_from([datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 0, 0, 1, 5, UTC)]),
    ),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True))
    height = draw(st.integers(0, 9))
    return pl.DataFrame([
        pl.Series(
            name,
            draw(st.lists(st.none() | KINDS[name][1], min_size=height, max_size=height)),
            dtype=KINDS[name][0],
        )
        for name in names
    ])  # fmt: skip


def plainly(frame: pl.DataFrame, key: list[str]) -> str:
    """Return the digest as its definition says: value by value, sorted by polars."""
    order = key + sorted(set(frame.columns) - set(key))
    rows = frame.sort(order, nulls_last=False)
    sha = hashlib.sha256(str(frame.height).encode())
    for name in sorted(rows.columns):
        sha.update(b"\0" + hashlib.sha256(name.encode()).hexdigest().encode())
        values = rows[name].to_list()
        sha.update(bytes(value is not None for value in values))
        if name in ("flag", "number", "time") or (
            name == "large" and all(value is None or value < 2**63 for value in values)
        ):
            if name == "time":
                values = rows[name].dt.epoch("us").to_list()
            sha.update(b"".join(int(value or 0).to_bytes(8, "little", signed=True)
                                for value in values))  # fmt: skip
            continue
        held = [b"" if value is None else as_bytes(value) for value in values]
        sha.update(b"".join(len(one).to_bytes(8, "little") for one in held) + b"".join(held))
    return sha.hexdigest()


def as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, float):
        return repr(value + 0.0).encode()
    return (value.isoformat() if isinstance(value, date) else str(value)).encode()


@given(frames(), st.integers(1, 4), st.booleans())
def test_it_is_that_of_the_definition(frame: pl.DataFrame, piece: int, ordered: bool) -> None:
    key = frame.columns[:2]
    if ordered:
        frame = frame.sort(key + sorted(set(frame.columns) - set(key)))
    before = provenance.PIECE
    provenance.PIECE = piece
    try:
        assert digest_frame(frame, key) == plainly(frame, key)
    finally:
        provenance.PIECE = before


@given(frames())
def test_rows_in_order_are_known_as_such(frame: pl.DataFrame) -> None:
    order = frame.columns
    ordered = frame.sort(order, nulls_last=False, maintain_order=True)
    assert in_order(ordered, order)
    assert in_order(frame, order) == frame.equals(ordered)


def test_columns_may_come_in_pieces_of_their_own() -> None:
    frame = pl.DataFrame({"b": [None, b"x", b""], "n": [None, 1, 3]})

    def pieces(name: str) -> Iterator[pl.Series]:
        return (encoded(frame[name][k : k + 1]) for k in range(3))

    found = digest_columns(3, {name: partial(pieces, name) for name in frame.columns})
    assert found == digest_frame(frame, ["n"])


def test_objects_have_no_digest() -> None:
    with pytest.raises(InputError, match="no content to digest"):
        digest_frame(pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}))
