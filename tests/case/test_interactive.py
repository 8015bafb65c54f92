"""A case writes a page to move about in beside its report, in each edition, and seals it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.case.interactive import write_pages
from chainwatch.figures.interactive_page import page as page_module
from chainwatch.ledger.lookup.basis import Basis


@pytest.fixture(scope="module")
def case(otter_case: Any) -> cw.Case:
    """Return a case with two figures of one trace, and one page that was added by itself."""
    pytest.importorskip("bokeh", reason="bokeh is not installed")
    tags = otter_case.tags
    vendors = tags.where(concept="vendor").addresses()
    trace = cw.trace(otter_case.ledger, vendors, policy="fifo", stop=tags.services())
    case = cw.Case("otter", question="Whom does it reach?", mask_key=b"k" * 32)
    case.add(trace, tags, figures.flow(trace, None, tags, title="Main"))
    case.add(figures.flow(trace, None, tags, title="Main", top=3))
    case.add(figures.interactive(trace, None, tags, title="By itself"))
    case.look_beside(otter_case.ledger)
    return case


def titles(folder: Path) -> dict[str, str]:
    return {
        path.name: path.read_text("utf-8").partition("<title>")[2].partition("</title>")[0]
        for path in sorted(folder.glob("interactive*"))
    }


def test_each_figure_of_flows_has_its_page(case: cw.Case, tmp_path: Path) -> None:
    found = [result for result, _ in case.results]
    write_pages(found, case.basis, case.view("disclosure"), tmp_path)
    # Two figures of one trace that differ in how much is printed are one page.
    assert titles(tmp_path) == {"interactive.html": "Main", "interactive_2.html": "By itself"}
    page = (tmp_path / "interactive.html").read_text("utf-8")
    assert "Data acquired" in page
    assert "disclosure: all but subjects" in page
    again = tmp_path / "again"
    again.mkdir()
    write_pages(found, case.basis, case.view("disclosure"), again)
    assert (again / "interactive.html").read_bytes() == page.encode()


def test_it_stands_in_the_folder_and_under_its_seal(case: cw.Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path / "out")
    assert (folder / "interactive.html").is_file()
    assert cw.verify(folder)
    (folder / "interactive.html").write_text("<p>Another.</p>", encoding="utf-8")
    with pytest.raises(cw.ChainwatchError, match=r"interactive\.html"):
        cw.verify(folder)


def test_without_bokeh_a_file_says_so(
    case: cw.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_module.bokeh_script.cache_clear()
    monkeypatch.setattr(page_module, "find_spec", lambda name: None)
    write_pages([result for result, _ in case.results], Basis(), case.view("disclosure"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["interactive.html.missing.txt"]
    said = (tmp_path / "interactive.html.missing.txt").read_text("utf-8")
    assert said.startswith("bokeh is not installed")
    assert "pip install 'chainwatch[interactive]'" in said


def test_a_case_without_flows_has_no_page(case: cw.Case, tmp_path: Path) -> None:
    write_pages([], Basis(), case.view("disclosure"), tmp_path)
    assert not list(tmp_path.iterdir())
