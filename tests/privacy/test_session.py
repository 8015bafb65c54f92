"""The edition of a notebook: disclosure until the reader gives a reason, and logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chainwatch.addresses.canonical import parse, text
from chainwatch.case.case import Case
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError, CaseError, InputError
from chainwatch.privacy import session
from chainwatch.privacy.session import Desk, on_desk, opened, set_edition
from chainwatch.results.mask import shown_address, shown_time, shown_txid

TRON = chain("tron").id
ONE = parse("TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC", "tron")
TIME = datetime(2022, 3, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clean_desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the session's desk as it was."""
    monkeypatch.setattr(session, "_desk", Desk())
    session.show_by(session._desk)
    yield
    monkeypatch.undo()
    session.show_by(session._desk)


def test_results_print_masked_until_a_reason_is_given() -> None:
    assert shown_address(TRON, ONE).startswith("masked-")
    assert shown_txid(TRON, bytes(32), ONE) == "withheld"
    assert shown_time(TRON, TIME, ONE) == "2022-03"
    set_edition("working", reason="the desk is mine", authority="a court")
    assert shown_address(TRON, ONE) == text(ONE, TRON)
    assert shown_txid(TRON, bytes(32), ONE) == "00" * 32
    set_edition("disclosure")
    assert shown_address(TRON, ONE).startswith("masked-")


def test_the_working_edition_needs_a_reason_and_an_authority() -> None:
    for nothing in ("", "  "):
        with pytest.raises(CaseError, match="without a reason"):
            set_edition("working", reason=nothing, authority="a court")
        with pytest.raises(CaseError, match=r"without an authority.*say it with authority="):
            set_edition("working", reason="a look", authority=nothing)
    with pytest.raises(ArgumentError, match="authority"):
        set_edition("working", reason="a look", authority=7)  # type: ignore[arg-type]  # the point
    with pytest.raises(InputError, match="unknown edition"):
        set_edition("secret")
    assert on_desk().name == "disclosure"
    assert opened() == ()


def test_reasons_go_into_the_log_of_every_case() -> None:
    before = Case("before", "?")
    set_edition("working", reason="first look", authority="a court")
    after = Case("after", "?")
    for case in (before, after):
        case.add()
        assert [(entry.what, entry.why, entry.authority) for entry in case.log.entries] == [
            ("open the working edition at the desk", "first look", "a court")
        ]
        assert "a court" in case._repr_html_()
    set_edition("working", reason="second look", authority="a court")
    before.add()
    assert [entry.why for entry in before.log.entries] == ["first look", "second look"]


def test_pseudonyms_last_for_the_session_and_the_key_is_hidden() -> None:
    name = shown_address(TRON, ONE)
    set_edition("working", reason="x", authority="a court")
    set_edition("disclosure")
    assert shown_address(TRON, ONE) == name
    assert session._desk.key.hex() not in repr(session._desk)
    assert "key" not in repr(session._desk)
