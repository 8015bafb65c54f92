"""The pages of a report as a reader sees them, and the data within it as a program reads it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from page_looks import Look, ends_of_parts, looks
from pypdf import PdfReader

from chainwatch.case.report.elements import (
    CaseDocument,
    Embedded,
    FigureBlock,
    Notes,
    Section,
    TableBlock,
)
from chainwatch.case.report.exhibits import arranged, listed
from chainwatch.case.report.render import render_html, render_pdf
from chainwatch.case.report.typeset import sections
from chainwatch.errors import CaseError
from chainwatch.figures import style

typst = pytest.importorskip("typst", reason="typst is not installed")

ADDRESS = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
TXID = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CSV = 'a,b\n"=cmd",2\n'
WORDS = "What was read says so, and what was not read is counted apart. " * 4


def findings(number: int) -> list[Section]:
    """Return findings whose words and tables are of all lengths, so that breaks fall anywhere."""
    found = []
    for at in range(number):
        rows = tuple((f"row {row}", ADDRESS, f"{row}.00000001") for row in range(3 + at * 7 % 90))
        table = TableBlock(
            f"Members {at}", ("name", "address", "amount"), rows, ("left", "left", "right"), "Note."
        )
        asked = TableBlock("Asked", ("question", "answer"), (("Was it?", WORDS),) * 3)
        found.append(
            Section(
                f"Finding {at}", (WORDS,) * (1 + at % 4), (table,),
                notes=(Notes("Innocent", (WORDS,) * (at % 3)), Notes("Asked of it", (), asked)),
                key=f"finding_{at}",
            )
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CaseDocument]:
    """A folder with figures and data, and a report that has all that reports have."""
    folder = tmp_path_factory.mktemp("pages")
    for name, size in {"upright": (8.0, 4.0), "tall": (8.0, 9.0), "broad": (10.7, 4.4)}.items():
        axes = style.new_axes(*size)
        axes.text(0.2, 0.5, name)
        style.save_figure(axes.figure, folder / "figures" / name)
    (folder / "tables").mkdir()
    (folder / "tables" / "members.csv").write_text(CSV)
    (folder / "results.json").write_text("{}\n")
    figures = [
        Section(f"Drawn {name}", ("Words.",), (), (FigureBlock(f"figures/{name}.svg", name, name),))
        for name in ("broad", "upright", "tall")
    ]
    steps = TableBlock(
        "Steps", ("hop", "transaction", "from", "to", "again", "amount"),
        tuple((str(row), TXID, ADDRESS, ADDRESS, ADDRESS, "1,234.00000001 BTC")
              for row in range(90)), file="members",
    )  # fmt: skip
    body = arranged([*figures, *findings(12), Section("Steps", (), (steps,), wide=True)])
    return folder, CaseDocument(
        title="Otter: where one vendor's money goes",
        question="Whom does it reach?",
        edition="disclosure",
        notice="For the parties only. More words.",
        summary=tuple(f"Read from the chain: {WORDS}" for _ in range(3)),
        sections=body,
        limits=(WORDS,) * 4,
        glossary=(("address", "A number."),),
        digests=tuple((f"result {at}", TXID) for at in range(9)),
        embedded=(
            Embedded("tables/members.csv", "Exhibit 1: members", TXID),
            Embedded("results.json", "Results", TXID),
        ),
        provenance="trace()\n  cluster()",
        tlp="TLP:AMBER",
        dated=datetime(2024, 9, 27, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def pdf(made: tuple[Path, CaseDocument]) -> bytes:
    folder, whole = made
    return render_pdf(whole, folder)


@pytest.fixture(scope="module")
def pages(pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[Look]:
    return looks(pdf, tmp_path_factory.mktemp("looks"))


@pytest.fixture(scope="module")
def said(pdf: bytes) -> list[list[str]]:
    """The lines of each page, without its head and foot."""
    read = PdfReader(io.BytesIO(pdf)).pages
    texts = [page.extract_text().replace("\xa0", " ") for page in read]
    return [[line for line in text.splitlines() if line.strip()] for text in texts]


def body_of(lines: list[str]) -> list[str]:
    """Return the lines between the head and the foot of a page."""
    foot = next(at for at, line in enumerate(lines) if re.search(r"Page \d+ of \d+$", line))
    rest = [*lines[:foot], *lines[foot + 1 :]]
    return [
        line for line in rest
        if not line.startswith(("Otter: where", "For the parties only")) and "EDITION" not in line
    ]  # fmt: skip


class TestLook:
    """What is seen on the pages."""

    def test_nothing_is_printed_in_the_margins(self, pages: list[Look]) -> None:
        assert [one.number for one in pages if not one.in_margins()] == []

    def test_no_page_is_nearly_empty_but_the_last_of_a_part(self, pages: list[Look]) -> None:
        short = {one.number for one in pages if one.filled() < 0.3}
        assert short <= ends_of_parts(pages)

    def test_broad_figures_and_wide_tables_alone_are_turned(self, pages, said) -> None:
        turned = ["".join(said[one.number - 1]) for one in pages if one.wide]
        assert "Drawn broad" in turned[0]
        assert all("Steps" in text or "Exhibit" in text for text in turned[1:])
        assert len(turned) < 6 < len(pages) - len(turned)

    def test_a_heading_is_never_the_last_on_a_page(self, made, said) -> None:
        heads = {part.heading for part in sections(made[1])}
        heads |= {note.heading for part in sections(made[1]) for note in part.notes}
        for number, lines in enumerate(said, 1):
            last = re.sub(r"^\d+ ?", "", body_of(lines)[-1]).strip()
            assert last not in heads, f"page {number}"
            assert not re.match(r"Exhibit \d+: Members", last), f"page {number}: {last}"

    def test_the_head_of_a_table_is_repeated_and_says_that_it_goes_on(self, said) -> None:
        breaks = [lines for lines in said if any("continued" in line for line in lines)]
        assert len(breaks) > 4
        for lines in breaks:
            text = " ".join(lines)
            assert re.search(r"Exhibit \d+, continued", text)
            assert "address" in text or "transaction" in text
        for lines in said:  # whoever meets the first row meets no table that goes on
            if any(re.match(r"row 0\b", line) for line in lines):
                assert any(re.match(r"Exhibit \d+: Members", line) for line in lines)

    def test_the_list_of_exhibits_names_the_page_of_each(self, made, said) -> None:
        exhibits = listed(made[1].sections)
        assert [one.number for one in exhibits] == list(range(1, len(exhibits) + 1))
        front = " ".join(" ".join(lines) for lines in said[:4])
        for one in exhibits:
            (page,) = [
                number for number, lines in enumerate(said, 1)
                if any(line.startswith(f"Exhibit {one.number}: ") for line in lines)
            ]  # fmt: skip
            caption = one.caption
            assert re.search(rf"Exhibit {one.number} ?{re.escape(caption)} ?{page}\b", front), one

    def test_each_page_bears_case_edition_marking_and_number(self, said) -> None:
        for number, lines in enumerate(said, 1):
            text = " ".join(lines)
            assert f"Page {number} of {len(said)}" in text
            for words in ("Otter: where", "DISCLOSURE EDITION", "TLP:AMBER"):
                assert words in text


class TestWithin:
    """What the file holds."""

    def test_it_says_that_it_is_an_archive_with_data_and_for_screen_readers(self, pdf) -> None:
        with pikepdf.open(io.BytesIO(pdf)) as read, read.open_metadata() as told:
            assert told["pdfaid:part"] == "3"
            assert told["pdfaid:conformance"] == "A"
            assert told["pdfuaid:part"] == "1"
            assert read.Root.MarkInfo.Marked
            assert read.Root.Lang == "en"

    def test_the_data_within_is_that_of_the_folder(self, made, pdf) -> None:
        folder, whole = made
        with pikepdf.open(io.BytesIO(pdf)) as read:
            assert set(read.attachments) == {one.path for one in whole.embedded}
            for name, one in read.attachments.items():
                assert one.get_file().read_bytes() == (folder / name).read_bytes()
                assert one.obj.AFRelationship == "/Data"
            kept = {str(one.UF) for one in read.Root.AF}
            assert kept == set(read.attachments)
        page = render_html(whole, folder).decode()
        assert page.count(" download=") == 2
        assert "bWVtYmVycw" not in page

    def test_it_is_the_same_again(self, made, pdf) -> None:
        folder, whole = made
        assert render_pdf(whole, folder) == pdf

    def test_every_typeface_is_embedded(self, pdf) -> None:
        fonts = {}
        for page in PdfReader(io.BytesIO(pdf)).pages:
            for name, font in page["/Resources"].get("/Font", {}).items():
                fonts[name] = font.get_object()["/DescendantFonts"][0].get_object()
        assert fonts
        for font in fonts.values():
            described = font["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(described)

    def test_pictures_have_words_for_those_who_cannot_see_them(self, pdf) -> None:
        with pikepdf.open(io.BytesIO(pdf)) as read:
            told = {str(one.Alt) for one in read.objects
                    if isinstance(one, pikepdf.Dictionary) and "/Alt" in one}  # fmt: skip
        assert told == {"broad", "upright", "tall"}

    def test_text_is_read_in_the_order_in_which_it_stands(self, made, said) -> None:
        text = " ".join(" ".join(lines) for lines in said[1:])
        at = [text.find(f"{part.heading}") for part in made[1].sections if not part.wide]
        assert -1 not in at
        assert at[1:] == sorted(at[1:])

    @pytest.mark.parametrize("path", ["../x.csv", "/etc/passwd", "tables/none.csv", "report.exe"])
    def test_nothing_from_outside_is_carried(self, made, path: str) -> None:
        folder, whole = made
        (folder / "report.exe").write_text("MZ")
        bad = replace(whole, embedded=(Embedded(path, "x"),))
        for render in (render_pdf, render_html):
            with pytest.raises(CaseError, match="carried"):
                render(bad, folder)


HOSTILE = (
    '#set page(paper: "a0") #panic("x") <script>alert(1)</script> =cmd|x \u202egnp.exe\x00 $x$ '
)


def test_hostile_words_in_notes_marking_and_data_are_words(made, tmp_path: Path) -> None:
    folder, whole = made
    asked = TableBlock(HOSTILE, ("question", HOSTILE), ((HOSTILE * 90, "z" * 10_000),))
    part = Section(HOSTILE, (), (), notes=(Notes(HOSTILE, (HOSTILE, "y" * 10_000), asked),))
    data = (Embedded("results.json", HOSTILE * 90, HOSTILE),)
    bad = replace(
        whole, sections=(part,), appendices=(part,), tlp=HOSTILE, embedded=data,
        glossary=((HOSTILE, HOSTILE),),
    )  # fmt: skip
    page = render_html(bad, folder).decode()
    assert "<script" not in page
    assert not [char for char in page if char in "\x00\x1b\u202e"]
    pdf = render_pdf(bad, folder)
    said = "".join("".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf)).pages).split())
    assert said.count('#setpage(paper:"a0")#panic("x")<script>') > 8
    seen = looks(pdf, tmp_path)
    assert [one.number for one in seen if not one.in_margins()] == []


@pytest.mark.parametrize("edition", ["disclosure", "working"])
def test_the_pages_of_the_market_look_as_they_should(demo_case, edition, tmp_path: Path) -> None:
    pdf = (demo_case.folder / edition / "report.pdf").read_bytes()
    seen = looks(pdf, tmp_path)
    assert [one.number for one in seen if not one.in_margins()] == []
    assert {one.number for one in seen if one.filled() < 0.25} <= ends_of_parts(seen)
    for name, (data,) in PdfReader(io.BytesIO(pdf)).attachments.items():
        assert data == (demo_case.folder / edition / name).read_bytes()
