"""The log only grows, and no entry can be changed, dropped, put in or moved unseen; two merge."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.case.log import FIRST, NOTED, Log, read_log
from chainwatch.errors import CaseError

TEXT = st.text(max_size=20).filter(lambda text: text.isprintable())
ACTS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6)


def log_of(acts: list[tuple[str, str, str]]) -> Log:
    log = Log()
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
        st.sampled_from(["number", "who", "what", "why", "content", "parents", "authority", "kind"])
    )
    told = lines(log)
    entry = json.loads(told[place])
    if field == "parents":
        entry[field] = [*entry[field], "0" * 64]
    else:
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


def test_entries_that_differ_in_masked_words_alone_stay_two() -> None:
    mine = Log()
    mine.append("Ada", "open", "", FIRST)
    theirs = Log(list(mine.entries))
    for log, whom in ((mine, "Jo"), (theirs, "Jim")):
        log.append("Ada", f"called {whom}", "", FIRST, kind=NOTED)
        log.append("Ada", "wrote it down", "", FIRST, kind=NOTED)
    mine.merge(theirs, "Ada", "one case")
    told = mine.told(str, lambda text: text.replace("Jo", "masked").replace("Jim", "masked"))
    assert len({entry.digest() for entry in told.entries}) == len(mine.entries) == 6
    again = read_log(told.lines().decode().splitlines(), where="here")
    assert again.entries == told.entries
    assert [entry.why for entry in told.entries].count("(2)") == 1


def test_an_authority_stands_in_its_entry_alone() -> None:
    log = Log()
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


def forked() -> tuple[Log, Log]:
    """Two logs with a common beginning, to each of which somebody added."""
    one = Log()
    one.append("a", "add trace", "first", "1" * 64)
    other = Log(list(one.entries))
    for log, who in ((one, "a"), (other, "b")):
        for number in range(3):
            log.append(who, f"add {number}", "", "2" * 64)
    return one, other


def test_a_merge_names_both_heads() -> None:
    one, other = forked()
    heads = {one.head(), other.head()}
    entry = one.merge(other, "a", "both are done")
    assert set(entry.parents) == heads
    assert (entry.number, entry.kind) == (5, "merged")
    assert [found.number for found in one.entries] == [1, 2, 3, 4, 2, 3, 4, 5]
    assert read_log(lines(one), where="log") == one
    told = one.told(lambda _: "f" * 64, str.upper)
    assert len(told.entries[-1].parents) == 2
    assert read_log(lines(told), where="log") == told
    one.append("a", "add more", "", "3" * 64)
    assert read_log(lines(one), where="log").head() == one.head()


@given(st.data())
def test_tampering_on_either_side_of_a_merge_shows(data: st.DataObject) -> None:
    one, other = forked()
    one.merge(other, "a", "")
    told = lines(one)
    place = data.draw(st.integers(0, len(told) - 2))
    entry = json.loads(told[place])
    dropped = told[:place] + told[place + 1 :]
    edited = [*told[:place], json.dumps({**entry, "why": "other"}), *told[place + 1 :]]
    for changed in (dropped, edited):
        with pytest.raises(CaseError, match="log entry"):
            read_log(changed, where="log")


def test_a_side_that_nobody_merged_is_told() -> None:
    one, other = forked()
    loose = [*lines(one), *lines(other)[1:]]
    with pytest.raises(CaseError, match="log entry 4"):
        read_log(loose, where="log")


def test_logs_of_two_cases_and_one_without_news() -> None:
    one, other = forked()
    stranger = Log()
    stranger.append("c", "add trace", "another", "1" * 64)
    with pytest.raises(CaseError, match="no common beginning"):
        one.merge(stranger, "a", "")
    with pytest.raises(CaseError, match="brings nothing new"):
        one.merge(Log(one.entries[:2]), "a", "")
    ahead = Log(list(other.entries))
    short = Log(other.entries[:2])
    assert set(short.merge(ahead, "a", "").parents) == {ahead.head(), other.entries[1].digest()}
    assert read_log(lines(short), where="log") == short
