"""``NAME 300 USDT`` in every script: the amount stays where it was written, in page and PDF."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from chainwatch.case.report import render
from chainwatch.case.report.elements import CaseDocument, Section, TableBlock
from chainwatch.case.report.render import render_html
from chainwatch.case.report.typeset import typeset
from chainwatch.figures import typefaces
from chainwatch.figures.drawing import called
from chainwatch.sanitize import WRITTEN_OUT

FSI, PDI = "\u2068", "\u2069"
TURNING = {"Arabic": "شركة النخيل 7 (فرع)", "Hebrew": "שוק הצללים 12"}
OTHERS = {
    "Chinese": "黑市交易所",
    "Korean": "서울거래소",
    "Japanese": "東京カナ取引所",
    "Latin": "Kelp",
}
QUESTION = "من تصل إليه أموال كشك، وعبر حسابات من؟"
DOTS = 144 / 72
"""Dots of a picture to a point."""


def document(name: str, cell: str) -> CaseDocument:
    table = TableBlock("Paid", ("to whom",), ((cell,),))
    return CaseDocument(
        title=name, question=QUESTION, edition="working", notice="",
        summary=(f"{name} received 300 USDT",), sections=(Section("Payments", (), (table,)),),
        names=(name,),
    )  # fmt: skip


@pytest.mark.parametrize("name", TURNING.values(), ids=TURNING)
def test_in_the_page_names_are_isolated(name: str, tmp_path: Path) -> None:
    page = render_html(document(name, f"{name} 300 USDT"), tmp_path).decode()
    assert f"><bdi>{name}</bdi> 300 USDT</td>" in page
    assert f'<li dir="ltr"><bdi>{name}</bdi> received 300 USDT</li>' in page
    assert f'<p dir="rtl">{QUESTION}</p>' in page
    assert f'<h1 dir="rtl">{name}</h1>' in page
    assert f"<title>{name} (working edition)</title>" in page


@pytest.mark.parametrize("name", OTHERS.values(), ids=OTHERS)
def test_in_the_page_other_names_need_nothing(name: str, tmp_path: Path) -> None:
    page = render_html(document(name, f"{name} 300 USDT"), tmp_path).decode()
    assert f">{name} 300 USDT</td>" in page
    assert "<bdi>" not in page


@pytest.mark.parametrize("name", TURNING.values(), ids=TURNING)
def test_what_the_pdf_is_given(name: str) -> None:
    data = typeset(document(name, f"{name} 300 USDT"), {})
    (cell,) = data["sections"][0]["tables"][0]["cells"]
    assert "".join(cell["runs"]) == f"{FSI}{name}{PDI} 300 USDT"
    assert (cell["dir"], data["question"]["dir"]) == ("ltr", "rtl")
    assert "".join(data["summary"][0]["runs"]) == f"{FSI}{name}{PDI} received 300 USDT"


def test_a_typeface_that_is_wanting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typefaces, "east_asian_file", lambda: None)
    typefaces.glyphs.cache_clear()
    data = typeset(document("黑市", "黑市 300 USDT"), {})
    plain = typeset(document("Kelp", "Kelp 300 USDT"), {})
    typefaces.glyphs.cache_clear()
    assert "pip install 'chainwatch[typefaces]'" in "".join(data["missing"]["runs"])
    assert "‹U+9ED1›‹U+5E02› 300 USDT" in "".join(
        data["sections"][0]["tables"][0]["cells"][0]["runs"]
    )
    assert "missing" not in plain


LRI, DATED = "\u2066", "تم ضبط 300 دولار بين 2023-06-01 و 2023-09-30 10:15:00Z (المادة 12/3)"


def test_dates_stay_in_their_order_between_words_from_right_to_left(tmp_path: Path) -> None:
    whole = replace(document("سوق 2023-06-20", "-"), question=DATED)
    said = "".join(typeset(whole, {})["question"]["runs"])
    assert f" {LRI}2023-06-01{PDI} و {LRI}2023-09-30 10:15:00Z{PDI} (المادة 12/3)" in said
    page = render_html(whole, tmp_path).decode()
    assert ' <bdi dir="ltr">2023-06-01</bdi> و <bdi dir="ltr">2023-09-30 10:15:00Z</bdi> (' in page
    assert '<li dir="ltr"><bdi>سوق <bdi dir="ltr">2023-06-20</bdi></bdi> received' in page
    assert called("سوق 2023-06-20") == f"{FSI}سوق {LRI}2023-06-20{PDI}{PDI}"


def test_all_facts_are_read_in_one_direction(tmp_path: Path) -> None:
    name = "محمد علي"
    facts = (("Subject", f"{name}, bc1q5"), ("Investigator", name))
    whole = replace(document(name, "-"), facts=facts)
    given = [value for _, value in typeset(whole, {})["facts"]]
    assert [(one["dir"], "".join(one["runs"])) for one in given] == [
        ("ltr", f"{FSI}{name}{PDI}, bc1q5"), ("ltr", f"{FSI}{name}{PDI}"),
    ]  # fmt: skip
    page = render_html(whole, tmp_path).decode()
    assert f"<dd><bdi>{name}</bdi>, bc1q5</dd>" in page
    assert f"<dd><bdi>{name}</bdi></dd>" in page


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Go on as if the typeface for Chinese, Japanese and Korean were not installed."""
    monkeypatch.setattr(typefaces, "east_asian_file", lambda: None)
    for known in (typefaces.glyphs, typefaces._in_turn, typefaces._advance):
        known.cache_clear()
    yield
    for known in (typefaces.glyphs, typefaces._in_turn, typefaces._advance):
        known.cache_clear()


@pytest.mark.usefixtures("without")
def test_what_is_written_by_its_number_never_breaks_nor_leaves_the_page(tmp_path: Path) -> None:
    """Nor in a title as long as this, in a question from right to left, or in a narrow cell."""
    name = "黑市交易所" * 5
    title = f"إلى أين تذهب أموال البائع {name}"
    whole = replace(document(name, f"{name} 300 USDT"), title=title, question=f"{QUESTION} {name}")
    data = typeset(whole, {})
    for part in (data["heading"], data["question"], data["sections"][0]["tables"][0]["cells"][0]):
        assert sum(run == "‹U+9ED1›" for run in part["runs"]) == 5
        assert all(WRITTEN_OUT.fullmatch(run) for run in part["runs"] if "‹" in run)
    pytest.importorskip("typst", reason="typst is not installed")
    margin = round(17 / 25.4 * 144)
    drawn = ink(whole, tmp_path)
    assert not drawn[:, :margin].any()
    assert not drawn[:, -margin:].any()
    pages = PdfReader(io.BytesIO(render.render_pdf(whole, tmp_path))).pages
    said = "".join(page.extract_text() for page in pages)
    assert not re.search(r"‹[^›]*\n", said)


def ink(whole: CaseDocument, folder: Path) -> np.ndarray:
    from matplotlib.image import imread

    page = render._compile(whole, folder, "png")
    first = page[0] if isinstance(page, list) else page
    return imread(io.BytesIO(first), format="png")[..., :3].min(axis=2) < 0.7


@pytest.mark.parametrize("name", [*TURNING.values(), *OTHERS.values()], ids=[*TURNING, *OTHERS])
def test_on_paper_the_amount_stands_behind_the_name(name: str, tmp_path: Path) -> None:
    """Whatever stands behind the name, it is at the same place: what differs is right of it."""
    pytest.importorskip("typst", reason="typst is not installed")
    if typefaces.unreadable(name):
        pytest.skip("noto-cjk-sans-otc is not installed")
    alone, paid = (
        ink(document(name, cell), tmp_path) for cell in (f"{name} |", f"{name} 300 USDT")
    )
    differ = np.flatnonzero((alone != paid).any(axis=0))
    left = (18 / 25.4 * 72 + 3.4) * DOTS
    wide = float(typefaces.set_width(name, 8.0)) * DOTS
    assert left + wide * 0.75 < differ[0]
    assert differ[-1] - differ[0] > typefaces.set_width("300 USDT", 8.0) * DOTS * 0.9


def test_in_a_figure_a_remark_of_ours_stays_outside() -> None:
    assert called("שוק 12 (probable)") == f"{FSI}שוק 12{PDI} (probable)"
    assert called("שוק (חדש)") == f"{FSI}שוק (חדש){PDI}"
    assert called("Kelp (probable)") == "Kelp (probable)"
