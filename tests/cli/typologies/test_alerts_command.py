"""``chainwatch alerts``: what the library finds, masked as the desk masks, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.errors import InputError
from chainwatch.typologies.written import typologies_written

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def where(otter_case: Any, tmp_path: Any) -> tuple[Any, ...]:
    return ("--ledger", otter_case.ledger.store.path)


def test_it_says_what_the_library_finds(run: Run, otter_case: Any, where: Any) -> None:
    status, out, err = run("alerts", *where, "--typology", "fan_in:senders=3,spread=900,of_all=1")
    assert (status, err) == (0, "")
    one = cw.typologies.fan_in(senders=3, spread=900, of_all=1)
    found = cw.alerts(otter_case.ledger, typologies=[one])
    assert repr(found) in out
    assert found.frame.height > 0
    assert f"{found.frame.height} alert" in out


def test_in_disclosure_parties_are_counted_and_in_the_working_edition_listed(
    run: Run, where: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    asked = ("alerts", *where, "--clusters", "--typology", "fan_in")
    _, masked, _ = run(*asked)
    assert "on parties whom this edition masks" in masked
    assert "bcrt1" not in masked
    request.getfixturevalue("working")
    _, whole, _ = run(*asked)
    assert "fan_in (weak): bcrt1" in whole
    assert "innocently: A shop" in whole


def test_it_writes_the_evidence_and_says_what_it_could_not_ask(
    run: Run, where: Any, tmp_path: Any
) -> None:
    status, out, _ = run(
        "alerts", *where, "--typology", "structuring", "--typology", "fan_out",
        "--csv", "evidence.csv", "--since", "2023-06-01", "--until", "2030-01-01",
    )  # fmt: skip
    assert status == 0
    assert "structuring: not observable, it needs prices in EUR" in out
    assert (tmp_path / "evidence.csv").read_text().startswith("alert,role,payer")


def test_facts_are_read_from_a_folder(run: Run, where: Any, tmp_path: Any) -> None:
    asked = ("alerts", *where, "--typology", "vendor_by_reviews")
    assert "vendor_by_reviews: not observable, it needs reviews" in run(*asked)[1]
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "reviews.csv").write_text(
        "vendor,time,price\nkelp,2023-06-02,5\n", "utf-8"
    )
    status, out, _ = run(*asked, "--facts", "told")
    assert (status, "vendor_by_reviews: not observable" in out) == (0, False)
    status, _, err = run(*asked, "--facts", "nowhere")
    assert (status, "there are no facts" in err) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fan", "'fan' is no typology"),
        ("fan_in:colour=3", "fan_in has no parameter 'colour'"),
        ("fan_in:senders=-3", "senders='-3' is no whole number"),
        ("Fan-in", "is no typology"),
    ],
)
def test_what_is_no_typology_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        typologies_written([text])


def test_parameters_are_taken_from_the_text() -> None:
    named = typologies_written(["fan_in:senders=9", "structuring:currency=USD,threshold=3000"])
    assert named == (
        cw.typologies.fan_in(senders=9),
        cw.typologies.structuring(threshold=3_000, currency="USD"),
    )
    assert typologies_written([]) == ()
