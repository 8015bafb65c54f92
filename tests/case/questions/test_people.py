"""``[[people]]`` in a case file: its keys, its tables, and that nothing of the case leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from case_texts import USDT, token_case
from pydantic import ValidationError

import chainwatch as cw
from chainwatch.addresses.canonical import Kind, text
from chainwatch.case.ground import Ground
from chainwatch.case.questions.people import People
from chainwatch.case.recipes.run import run_case
from chainwatch.errors import CaseError


def account(name: str) -> str:
    return text(bytes([Kind.TRON]) + name.encode().rjust(20, b"\x01"), "tron")


SUBJECT, PARTNER = account("subject"), account("partner")
BUYERS = [account(f"buyer {n}") for n in range(7)]
HEAD = "tx,time,from,to,quant,token,symbol,decimals"
OPEN = """editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "a court"
"""
ASKED = """[follow]
policy = "fifo"
[[people]]
role = "vendor"
small = 100_000_000
"""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven buyers pay a vendor 50 each; the vendor pays a partner."""
    folder = tmp_path_factory.mktemp("people")
    rows = [(one, SUBJECT, 50_000_000) for one in BUYERS] + [(SUBJECT, PARTNER, 300_000_000)]
    lines = [
        f"{number:064x},{1640995200000 + number * 10**9},{sender},{receiver},{amount},{USDT},USDT,6"
        for number, (sender, receiver, amount) in enumerate(rows, 1)
    ]
    (folder / "t.csv").write_text("\n".join([HEAD, *lines, ""]))
    (folder / "people.toml").write_text(token_case(SUBJECT, name="people", head=OPEN, more=ASKED))
    run_case(folder / "people.toml", folder / "out", data=folder)
    return folder / "out"


def test_the_buyers_are_consumers_and_stand_nowhere(worked: Path) -> None:
    rows = pl.read_csv(worked / "working" / "tables" / "people.csv", infer_schema=False)
    roles = dict(rows.select("address", "role").iter_rows())
    assert roles[SUBJECT] == "vendor"
    assert {roles[one] for one in BUYERS} <= {"likely consumer", "unknown"}
    assert set(rows.filter(pl.col("address").is_in(BUYERS))["masked"]) == {"true"}
    page = (worked / "disclosure" / "report.html").read_text("utf-8")
    assert "People by role" in page
    assert not any(one in page for one in BUYERS)
    manifest = json.loads((worked / "disclosure" / "manifest.json").read_text("utf-8"))
    assert "roles" in {row["what"] for row in manifest["results"]}


def test_no_artefact_of_it_leaks(worked: Path) -> None:
    found = cw.leaks(worked)
    assert found.clean, found
    assert found.searched.filter(kind="masked address")["number"][0] == len(BUYERS) + 1
    assert not cw.leaks(worked / "working", annex=worked / "annex").frame.is_empty()


def test_keys_that_do_not_go_together() -> None:
    with pytest.raises(ValidationError, match="not both"):
        People(small=1, currency="USD")
    with pytest.raises(ValidationError):
        People(role="victim")  # type: ignore[arg-type]  # the point


def test_on_coins_owners_of_the_case_are_used(desk: Any) -> None:
    (answer,) = People(small=1).answer(desk.ground)
    found = answer.result
    assert isinstance(found, cw.PeopleRoles)
    assert found.asset == cw.native("btc-regtest")
    dollars = cw.token(*(desk.usd[one] for one in ("chain", "contract", "symbol", "decimals")))
    (answer,) = People(currency="EUR", asset=desk.usd).answer(desk.ground)  # type: ignore[arg-type]  # as TOML has it
    assert answer.result.asset == dollars  # type: ignore[attr-defined]  # of these roles
    with pytest.raises(CaseError, match="was read"):
        list(People(chain="tron").answer(desk.ground))
    with pytest.raises(CaseError, match="nothing of the chain eth was read"):
        list(People(chain="eth").answer(desk.coins))
    bare = Ground(desk.ground.ledger, desk.ground.tags, desk.ground.base, desk.ground.parts[:1])
    with pytest.raises(CaseError, match="the case has no subject on eth"):
        list(People(chain="eth").answer(bare))
