"""The log only grows, and no entry can be changed, dropped, put in or moved unseen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.case.log import FIRST, Log, read_log
from chainwatch.errors import CaseError

TEXT = st.text(max_size=20).filter(lambda text: text.isprintable())
ACTS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6)


def log_of(acts: list[tuple[str, str, str]]) -> Log:
    log = Log([])
    for who, what, why in acts:
        log.append(who, what, why, "0" * 64, "a court" if len(why) % 2 else "")
    return log


def lines(log: Log) -> list[str]:
    return log.lines().decode().split("\n")[:-1]


@given(ACTS)
def test_it_reads_back(acts: list[tuple[str, str, str]]) -> None:
    log = log_of(acts)
    assert read_log(lines(log), where="log") == log
    assert log.head() == (log.entries[-1].digest() if acts else FIRST)


@given(ACTS.filter(bool), st.data())
def test_any_change_of_an_entry_shows(
    acts: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    log = log_of(acts)
    place = data.draw(st.integers(0, len(acts) - 1))
    field = data.draw(
        st.sampled_from(["number", "who", "what", "why", "content", "previous", "authority"])
    )
    told = lines(log)
    entry = json.loads(told[place])
    entry[field] = 99 if field == "number" else entry.get(field, "") + "x"
    told[place] = json.dumps(entry)
    try:
        changed = read_log(told, where="log").head() != log.head()
    except CaseError as error:
        changed = "log entry" in str(error)
    assert changed


@given(ACTS.filter(lambda acts: len(acts) > 1), st.data())
def test_dropping_moving_and_repeating_show(
    acts: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    told = lines(log_of(acts))
    place = data.draw(st.integers(0, len(told) - 2))
    for changed in (
        told[:place] + told[place + 1 :],
        [*told[:place], told[place + 1], told[place], *told[place + 2 :]],
        told[: place + 1] + told[place:],
    ):
        with pytest.raises(CaseError, match="does not follow"):
            read_log(changed, where="log")


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "{}", "1", '{"number": 1}', '{"number":1,"more":2}', "[" * 100_000]
)
def test_what_is_no_entry_is_named(line: str) -> None:
    with pytest.raises(CaseError, match=r"log\.jsonl entry 1; compare"):
        read_log([line], where="log.jsonl")


def test_an_edition_tells_it_in_its_own_words() -> None:
    log = log_of([("a", "b", "secret"), ("a", "c", "secret")])
    told = log.told(lambda _: "f" * 64, lambda text: text.replace("secret", "-"))
    assert [entry.why for entry in told.entries] == ["-", "-"]
    assert {entry.content for entry in told.entries} == {"f" * 64}
    assert read_log(lines(told), where="log") == told
    assert told.head() != log.head()


def test_an_authority_stands_in_its_entry_alone() -> None:
    log = Log([])
    log.append("x", "open the working edition", "a look", "0" * 64, "a court")
    log.append("x", "add trace", "", "0" * 64)
    first, second = map(json.loads, lines(log))
    assert first["authority"] == "a court"
    assert "authority" not in second, "logs that were written before authorities still read"
    told = log.told(str, lambda text: text.replace("court", "masked"))
    assert told.entries[0].authority == "a masked"
    del first["authority"]
    with pytest.raises(CaseError, match="the log was changed"):
        read_log([json.dumps(first), json.dumps(second)], where="log")
