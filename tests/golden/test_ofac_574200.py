"""The case of one real block: what a listed address received in 574200, and what is unread."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from pypdf import PdfReader

from chainwatch.case.recipes.run import run_case
from chainwatch.case.seal import verify

ROOT = Path(__file__).resolve().parents[2]
PAID = 38_796_959
"""What output 0 of 41f366c2… pays, in satoshi, as any explorer of the chain shows."""


@pytest.fixture(scope="module")
def folder(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = run_case(
        ROOT / "examples" / "ofac_574200.toml",
        tmp_path_factory.mktemp("ofac") / "case",
        data=real_data,
        mask_key=bytes(range(32)),
        acquired=datetime(2024, 9, 27, tzinfo=UTC),
    )
    return made.folder / "disclosure"


def test_what_came_in_lies_there_at_the_end_of_the_block(folder: Path) -> None:
    ends = pl.read_csv(folder / "tables" / "ends_by_reason.csv")
    assert ends["amount"].sum() == PAID
    assert ends["reason"].to_list() == ["unspent"]


def test_the_answer_says_what_it_rests_on_and_what_was_not_read(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    answer = page.partition(">Answer</h2>")[2].partition("</ul>")[0]
    assert "Consistent with what was read: 0.38796959 BTC came in from outside." in answer
    assert "as of block 574,200 (2019-05-02)" in answer.replace("574200", "574,200")
    unread = page.partition(">Not read</h2>")[2].partition("</table>")[0]
    assert "earlier blocks" in unread
    assert "later blocks" in unread
    assert "a payment before a designation is no payment to a designated party" in page
    assert "no tag states from when it holds; all were stated as of 2024-09-27" in page


def test_it_is_sealed_with_its_data_within(folder: Path) -> None:
    verify(folder)
    pytest.importorskip("typst", reason="typst is not installed")
    within = PdfReader(folder / "report.pdf").attachments
    assert {"results.json", "lineage.json", "tables/ends_by_reason.csv"} <= set(within)
    for name, (data,) in within.items():
        assert data == (folder / name).read_bytes()
