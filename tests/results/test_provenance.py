"""Content digests are of rows and nothing else; records say how a result came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.errors import InputError
from chainwatch.results.provenance import (
    canonical_json,
    digest_bytes,
    digest_frame,
    digest_json,
)
from chainwatch.results.result import Result, digest_result, recorded
from chainwatch.results.table import Column, Rows, Table

SCHEMA = {
    "number": pl.Int64,
    "amount": pl.Decimal(38, 0),
    "raw": pl.Binary,
    "text": pl.String,
    "flag": pl.Boolean,
    "moment": pl.Datetime("us", "UTC"),
    "day": pl.Date,
    "share": pl.Float64,
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.none() | st.integers(-2, 2) | st.integers(-(2**63), 2**63 - 1),
    "amount": st.none() | st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "raw": st.none() | st.binary(max_size=3),
    "text": st.none() | st.text(max_size=3),
    "flag": st.none() | st.booleans(),
    "moment": st.none() | st.datetimes(timezones=st.just(UTC)),
    "day": st.none() | st.dates(),
    "share": st.none() | st.floats(allow_nan=True),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), max_size=6)
Row = dict[str, Any]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def one(name: str, *values: object, dtype: object = None) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(values, dtype=dtype, strict=False)})  # type: ignore[arg-type]  # a polars type


# -- digests do not depend on how rows are stored


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[Row], order: Any) -> None:
    expected = digest_frame(frame(rows))
    mixed, names = list(rows), list(SCHEMA)
    order.shuffle(mixed)
    order.shuffle(names)
    assert digest_frame(frame(mixed)) == expected
    assert digest_frame(frame(mixed), ["text", "number"]) == digest_frame(
        frame(rows), ["text", "number"]
    )
    assert digest_frame(frame(mixed).select(names)) == expected


@given(ROWS, ROWS)
def test_chunks_do_not_matter(first: list[Row], second: list[Row]) -> None:
    parts = [frame(first), frame(second).clear(), frame(second)]
    chunked = pl.concat(parts, rechunk=False)
    assert digest_frame(chunked) == digest_frame(frame(first + second))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int32, pl.UInt64, pl.Int128])
def test_the_width_of_integers_does_not_matter(dtype: pl.DataType) -> None:
    wide = digest_frame(one("n", 0, 1, None, 100, dtype=pl.Int64))
    assert digest_frame(one("n", 0, 1, None, 100, dtype=dtype)) == wide


def test_the_unit_of_times_does_not_matter() -> None:
    moment = datetime(2023, 6, 1, 12, tzinfo=UTC)
    digests = {
        digest_frame(one("t", moment, None, dtype=pl.Datetime(unit, "UTC")))
        for unit in ("ms", "us", "ns")
    }
    assert len(digests) == 1


def test_categories_are_their_text() -> None:
    plain = digest_frame(one("c", "b", "a", None, dtype=pl.String))
    assert digest_frame(one("c", "a", None, "b", dtype=pl.Categorical)) == plain


def test_zero_has_no_sign() -> None:
    first = pl.DataFrame({"x": [-0.0, 0.0], "y": [1, 2]})
    assert digest_frame(first) == digest_frame(first.with_columns(x=pl.lit(0.0)))
    assert digest_frame(first) == digest_frame(first.reverse())


# -- digests change with any cell


@given(ROWS.filter(bool), st.data())
def test_one_changed_cell_changes_the_digest(rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(sorted(SCHEMA)))
    old = rows[place][name]
    new = data.draw(VALUES[name].filter(lambda value: str(value) != str(old)))
    if old == new:  # minus zero is zero
        return
    changed = [{**row, name: new} if at == place else row for at, row in enumerate(rows)]
    assert digest_frame(frame(changed)) != digest_frame(frame(rows))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0, pl.Int64), (Decimal(0), pl.Decimal(38, 0)), (b"", pl.Binary), ("", pl.String),
        (False, pl.Boolean), (datetime(1970, 1, 1, tzinfo=UTC), pl.Datetime("us", "UTC")),
        (date(1970, 1, 1), pl.Date), (0.0, pl.Float64), (float("nan"), pl.Float64),
        ("", pl.Categorical), ([], pl.List(pl.Int64)), (timedelta(), pl.Duration("us")),
        (time(), pl.Time),
    ],
)  # fmt: skip
def test_null_is_neither_zero_nor_empty(value: object, dtype: object) -> None:
    assert digest_frame(one("x", value, dtype=dtype)) != digest_frame(one("x", None, dtype=dtype))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (one("a", 1), one("b", 1)),
        (one("a", 1), one("a", 1, 1)),
        (one("a", "ab", "c"), one("a", "a", "bc")),
        (one("a", b"\x00"), one("a", b"\x00\x00")),
        (one("a", dtype=pl.Int64), pl.DataFrame()),
        (pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"a": [2], "b": [1]})),
        (pl.DataFrame({"a": [1, 2], "b": [1, 2]}), pl.DataFrame({"a": [1, 2], "b": [2, 1]})),
        (pl.DataFrame({"a": [], "b": []}), pl.DataFrame({"a\x00\x00b": []})),
        (one("a", 2**63, dtype=pl.UInt64), one("a", 2**63 + 1, dtype=pl.UInt64)),
        (one("a", 2**100, dtype=pl.Int128), one("a", 2**101, dtype=pl.Int128)),
        (one("a", 1, dtype=pl.Datetime("ns")), one("a", 2, dtype=pl.Datetime("ns"))),
        (one("a", Decimal(10**38 - 1)), one("a", Decimal(10**38 - 2))),
        (one("a", [1, 2]), one("a", [12])),
        (one("a", {"x": 1}), one("a", {"x": 2})),
        (one("a", 0.1), one("a", 0.1 + 2**-56)),
    ],
)
def test_different_tables_have_different_digests(first: pl.DataFrame, second: pl.DataFrame) -> None:
    assert digest_frame(first) != digest_frame(second)


def test_python_objects_are_refused() -> None:
    with pytest.raises(InputError, match="'a' holds Python objects"):
        digest_frame(one("a", object(), dtype=pl.Object))


def test_a_digest_stays_what_it_is() -> None:
    """Kept cases name their digests, so the encoding may not change unnoticed."""
    kept = frame(
        [
            dict.fromkeys(SCHEMA),
            {
                "number": -1, "amount": Decimal(10**38 - 1), "raw": b"\x00\xff", "text": "é",
                "flag": True, "moment": datetime(2023, 6, 1, 0, 0, 0, 1, UTC),
                "day": date(2023, 6, 1), "share": 0.1,
            },
        ]
    )  # fmt: skip
    assert digest_frame(kept, ["number"]) == (
        "611ff071d23dcf073c1457e53fbbfe950d573159c794402f390ad6f4be380e2f"
    )


# -- plain data


def test_json_is_canonical() -> None:
    assert canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()
    assert digest_json({"b": 1, "a": 2}) == digest_json({"a": 2, "b": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])
    assert digest_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# -- records


NUMBERS = Table("numbers", ("n",), "Numbers.", (Column.number("n", "a number"),))


@dataclass(frozen=True, repr=False, eq=False)
class Numbers(Result):
    """A result with one table."""

    frame: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        return {"numbers": NUMBERS.rows(self.frame)}


@recorded
def count(upto: int, *, step: float = 1.0, odd: bool = False) -> Numbers:
    """Return the numbers below a bound."""
    return Numbers(pl.DataFrame({"n": list(range(upto))}))


@recorded
def join(parts: Mapping[str, Numbers] | list[Numbers], rule: object = None) -> Numbers:
    """Return the numbers of all parts."""
    given = list(parts.values()) if isinstance(parts, Mapping) else parts
    return Numbers(pl.concat([part.frame for part in given]))


def test_a_record_holds_all_parameters_and_the_content() -> None:
    made = count(3, odd=True)
    assert made.record is not None
    assert made.record.step == "count"
    assert made.record.params == {"upto": 3, "step": "1.0", "odd": True}
    assert made.record.content == digest_result(made)
    assert set(made.record.software) == {"chainwatch", "polars"}
    assert made.record == count(3, odd=True).record
    assert made.record.content != count(4, odd=True).record.content  # type: ignore[union-attr]  # recorded


@pytest.mark.parametrize("given", [[count(1), count(2)], {"a": count(1), "b": count(2)}])
def test_earlier_results_become_inputs(given: Any) -> None:
    made = join(given)
    assert made.record is not None
    assert [item.params["upto"] for item in made.record.inputs] == [1, 2]
    first = made.record.inputs[0].content
    assert f"sha256:{first}" in str(made.record.params["parts"])
    assert made.record.tree().splitlines()[1].startswith("  count(upto=1, ")
    assert made.record.as_dict()["inputs"][1]["step"] == "count"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), (1, 1), (True, True), ("x", "x"), (0.1, "0.1"), (b"\xff", "ff"),
        (digest_bytes, "digest_bytes"), ({"b", "a"}, ["a", "b"]), ((1, "x"), [1, "x"]),
        ({"k": b"\x00"}, {"k": "00"}), (Decimal("1.50"), "1.50"),
        (one("a", 1), f"sha256:{digest_frame(one('a', 1))}"),
    ],
)  # fmt: skip
def test_parameters_are_plain_data(value: object, shown: object) -> None:
    made = join([count(1)], rule=value)
    assert made.record is not None
    assert made.record.params["rule"] == shown
    assert canonical_json(made.record.as_dict())


def test_a_verb_must_return_a_result() -> None:
    @recorded
    def careless() -> Numbers:
        return {"numbers": 1}  # type: ignore[return-value]  # the point

    with pytest.raises(TypeError, match="careless must return a Result, not dict"):
        careless()
