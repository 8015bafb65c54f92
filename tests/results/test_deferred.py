"""What is put off is made once, when asked, of what was there when it was put off."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from chainwatch.results import result as module
from chainwatch.results.deferred import Deferred, Deferring
from chainwatch.results.provenance import Record, digest_frame
from chainwatch.results.result import Result, digest_result, recorded
from chainwatch.results.table import Column, Rows, Table

NUMBERS = Table("numbers", ("n",), "Numbers.", (Column.number("n", "a number"),))


@dataclass(frozen=True, repr=False, eq=False)
class Counted(Result):
    """A result of one column."""

    frame: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        return {"numbers": NUMBERS.rows(self.frame)}


@recorded
def count(end: int) -> Counted:
    return Counted(pl.DataFrame({"n": range(end)}, schema=NUMBERS.schema))


@recorded
def again(numbers: Counted, beside: tuple[Counted, ...] = ()) -> Counted:
    return Counted(numbers.frame)


@dataclass(frozen=True)
class Box(Deferring):
    what: str
    held: int

    def __post_init__(self) -> None:
        self.put_off()


def put_off(made: list[int]) -> Any:
    return Box("box", Deferred(lambda: made.append(7) or 7))  # type: ignore[arg-type, func-returns-value]  # what is put off stands for the value


def test_a_field_is_made_once_and_when_it_is_read() -> None:
    made: list[int] = []
    box = put_off(made)
    assert (box.deferred("held"), box.deferred("what"), made) == (True, False, [])
    assert (box.held, box.held, made) == (7, 7, [7])
    assert not box.deferred("held")
    assert box == Box("box", 7)


def test_a_copy_makes_nothing_and_shares_what_is_made() -> None:
    made: list[int] = []
    box = put_off(made)
    other = copy.copy(box)
    assert made == []
    assert (other.held, box.held, made) == (7, 7, [7])


def test_what_is_sent_elsewhere_is_the_value() -> None:
    later = Deferred(lambda: 7)
    assert pickle.loads(pickle.dumps(later)).get() == 7  # noqa: S301 - our own bytes
    assert copy.deepcopy(put_off([])).held == 7


def test_a_name_that_is_no_field_is_an_error_as_ever() -> None:
    with pytest.raises(AttributeError, match="'Box' object has no attribute 'wide'"):
        put_off([]).wide  # noqa: B018 - reading it is the test


def test_what_it_was_made_of_is_let_go() -> None:
    class Large:
        pass

    large = Large()
    seen = weakref.ref(large)
    later = Deferred(lambda held=large: bool(held))  # type: ignore[misc]  # it is held by the default
    del large
    gc.collect()
    assert seen() is not None
    assert later.get()
    gc.collect()
    assert seen() is None


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the rows of every frame that is digested."""
    rows: list[int] = []
    whole = digest_frame
    monkeypatch.setattr(
        module, "digest_frame",
        lambda frame, key=(): rows.append(frame.height) or whole(frame, key),
    )  # fmt: skip
    return rows


def test_a_verb_digests_nothing_until_it_is_asked(digested: list[int]) -> None:
    made = again(count(5), (count(2),))
    assert digested == []
    record = made.record
    assert record is not None
    assert record.content == digest_result(count(5))
    assert digested == [5, 5]
    assert record.params["numbers"] == f"sha256:{record.content}"
    assert record.params["beside"] == [f"sha256:{digest_result(count(2))}"]


def test_a_record_tells_of_the_rows_as_they_were() -> None:
    """Whoever changes a frame in place changes what the result says, and not what was recorded."""
    made, same = count(5), count(5)
    later = again(made)
    made.frame[0, "n"] = 99
    assert made.record is not None
    assert same.record is not None
    assert later.record is not None
    assert made.record.content == same.record.content == later.record.content
    assert later.record.params["numbers"] == f"sha256:{same.record.content}"
    assert made.digest != made.record.content


def test_records_are_equal_by_what_they_say() -> None:
    assert count(3).record == count(3).record
    assert count(3).record != count(4).record
    record = count(3).record
    assert isinstance(pickle.loads(pickle.dumps(record)), Record)  # noqa: S301 - our own bytes
