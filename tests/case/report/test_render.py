"""Reports: hostile text stays text, both forms are the same bytes again, all on the page."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from chainwatch.case.report import render
from chainwatch.case.report.columns import (
    LONGEST_WORD,
    PAGE_WIDTH,
    UPRIGHT_WIDTH,
    columns_of,
    halves,
)
from chainwatch.case.report.document import NOTICES
from chainwatch.case.report.exhibits import arranged
from chainwatch.case.report.render import (
    CaseDocument,
    FigureBlock,
    Section,
    TableBlock,
    render_html,
    render_pdf,
)
from chainwatch.case.report.typeset import (
    FIRST_ROWS,
    HEAD_WIDTH,
    cut,
    opening,
    sections,
    typeset,
)
from chainwatch.errors import CaseError, MissingExtra
from chainwatch.figures import style, typefaces

HOSTILE = (
    '#set page(paper: "a0") #panic("x") <script>alert(1)</script> =HYPERLINK("http://x") '
    "\u202egnp.exe \x1b[31m\x00 {{ 7*7 }} {% raw %} $x$ *b* _i_ @key // --- \\u{41} \u4e2d"
)
SHOWN = (
    '#set page(paper: "a0") #panic("x") <script>alert(1)</script> =HYPERLINK("http://x") '
    "‹U+202E›gnp.exe ‹U+001B›[31m‹U+0000› {{ 7*7 }} {% raw %} $x$ *b* _i_ @key // --- \\u{41}"
)
TXID = hashlib.sha256(b"tx").hexdigest()
ADDRESS = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"


def document(**changes: object) -> CaseDocument:
    members = TableBlock(
        "Members of the cluster",
        ("address", "transaction", "amount (BTC)"),
        tuple((ADDRESS, TXID, f"{row}.00000001") for row in range(90)),
        ("left", "left", "right"),
        "Times are UTC.",
    )
    wide = TableBlock(
        "Hostile",
        tuple(f"column {number}" for number in range(10)),
        ((TXID, HOSTILE, "y" * 10_000, ADDRESS, "", "5", "6", "7", "8", HOSTILE * 40),) * 3,
    )
    plain = CaseDocument(
        title="Otter",
        question="Whom does this vendor's money reach?",
        edition="disclosure",
        notice="For the parties only.",
        summary=("0.388 BTC is consistent with a payment to Exchange A.", HOSTILE, "z" * 10_000),
        sections=(
            Section("Clusters", ("First paragraph.", HOSTILE), (members, wide)),
            Section("Flows", (), (), (FigureBlock("figures/a b.svg", "Main routes", "A to B"),)),
        ),
        provenance=f"trace(policy=fifo)\n  cluster({HOSTILE})\n    {'w' * 500}",
        parameters=(("trace.policy", "fifo"),),
        limits=("An error rate of simulated data is conditional on its assumptions.",),
        digests=(("tables/members.csv", TXID),),
        software=(("chainwatch", "0.1.0"),),
    )
    made = replace(plain, **changes)  # type: ignore[arg-type]  # any field, for a test
    return replace(made, sections=arranged(made.sections))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ax = style.new_axes(6, 3)
    ax.text(0.2, 0.5, "Routes")
    style.save_figure(ax.figure, tmp_path / "figures" / "a b")
    return tmp_path


class Page(HTMLParser):
    """Collects tags, attributes, text and the order of headings."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_hostile_text_is_text_in_html(folder: Path) -> None:
    page = Page(render_html(document(title=HOSTILE, edition="<b>", notice=HOSTILE), folder))
    assert page.text.count(SHOWN) >= 5
    assert not page.all("script")
    assert not page.all("b")
    assert not [char for char in page.text if char in "\x00\x1b\u202e"]


def test_the_page_loads_and_runs_nothing(folder: Path) -> None:
    page = Page(render_html(document(), folder))
    rules = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert rules == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
    ]
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/svg+xml;base64,"))
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "iframe", "object", "form", "base"})


def test_the_page_is_accessible(folder: Path) -> None:
    page = Page(render_html(document(), folder))
    assert page.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {head["scope"] for head in page.all("th")} == {"col"}
    assert [image["alt"] for image in page.all("img")] == ["A to B"]
    assert page.all("a")[0]["href"] == "#content"
    assert page.all("main") == [{"id": "content"}]
    assert len(page.all("caption")) == len(page.all("table")) == 5


def test_the_page_says_everything_in_order(folder: Path) -> None:
    text = Page(render_html(document(), folder)).text
    said = (
        "disclosure edition", "For the parties only.", "Whom does this vendor's money reach?",
        "consistent with a payment", "First paragraph.", "89.00000001", "Times are UTC.",
        "Exhibit 2:", "Main routes", "Exhibit 3:", "conditional on its assumptions", "trace.policy",
        "tables/members.csv", "0.1.0", "trace(policy=fifo)\n  cluster(",
    )  # fmt: skip
    at = [text.rfind(words) if words.startswith("Exhibit") else text.find(words) for words in said]
    assert -1 not in at
    assert [one for one in at if one != at[8]] == sorted(one for one in at if one != at[8])


def test_what_is_too_long_says_so() -> None:
    assert cut("short", 10) == "short"
    assert cut("a" * 60 + "b" * 60, 4) == "aa […116 characters left out…] bb"
    assert cut("a" * 6 + "b" * 6, 4) == "a" * 6 + "b" * 6, "a mark longer than what it removes"
    said = cut("many small words " * 20, 60)
    assert (
        said
        == "many small words many small […284 characters left out…] small words many small words "
    )


def test_the_head_of_each_page_ends_between_words() -> None:
    title = "Where the money of the vendor of Otter went " * 6
    whole = document(title=title, sections=())
    head = "".join(typeset(whole, {})["short_title"]["runs"])
    assert head.endswith(" …")
    assert title.startswith(head.removesuffix("…"))
    assert HEAD_WIDTH * 0.85 < typefaces.set_width(head, 1.0) <= HEAD_WIDTH
    assert opening("short", HEAD_WIDTH) == "short"
    assert opening("黑" * 100, 10.0) == "黑" * 8 + " …"
    assert opening("‹U+4E2D›" * 90, 12.0) == "‹U+4E2D›‹U+4E2D› …"


class TestOnASmallScreen:
    """What a page is asked to do where 500 dots are all there is."""

    def rules(self, folder: Path) -> str:
        page = render_html(document(facts=(("Subject", ADDRESS),)), folder).decode()
        return " ".join(page.partition("<style>")[2].partition("</style>")[0].split())

    def test_no_address_widens_the_column_that_it_stands_in(self, folder: Path) -> None:
        rules = self.rules(folder)
        assert "dl { display: grid; grid-template-columns: max-content minmax(0, 1fr);" in rules
        assert "p, li, dt, dd, figcaption { overflow-wrap: anywhere;" in rules
        (narrow,) = re.findall(r"@media \(max-width: 40rem\) \{(.*?\}) \}", rules)
        assert "dl { grid-template-columns: minmax(0, 1fr);" in narrow

    def test_a_figure_is_scrolled_and_not_shrunk(self, folder: Path) -> None:
        page = render_html(document(), folder).decode()
        assert re.search(
            r'<figure id="exhibit-2">\s*<div class="scroll" role="region" tabindex="0"'
            r' aria-label="Main routes">'
            r'\s*<img [^>]*>\s*</div>', page
        )  # fmt: skip
        assert "max-width: max(100%, 64rem)" in self.rules(folder)


def test_the_edition_is_said_once(folder: Path) -> None:
    for edition, notice in NOTICES.items():
        page = Page(render_html(document(edition=edition, notice=notice), folder))
        assert page.text.lower().count(f"{edition} edition") == 2, "the title and the box"
    assert NOTICES["working"].startswith("Restricted: this must not leave the desk. ")


@pytest.mark.parametrize(
    "path",
    ["../secret.svg", "/etc/passwd", "figures/../../x.png", "figures/a b.txt", "figures/no.svg"],
)
def test_a_figure_comes_from_the_case_folder(folder: Path, path: str) -> None:
    (folder / "figures" / "a b.txt").write_text("text")
    bad = document(sections=(Section("s", figures=(FigureBlock(path, "c", "a"),)),))
    with pytest.raises(CaseError, match="figure"):
        render_html(bad, folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "case").mkdir()
    (folder / "case" / "x.svg").symlink_to(folder / "figures" / "a b.svg")
    bad = document(sections=(Section("s", figures=(FigureBlock("x.svg", "c", "a"),)),))
    with pytest.raises(CaseError, match="inside the case folder"):
        render_html(bad, folder / "case")


def test_a_row_of_the_wrong_length_is_refused(folder: Path) -> None:
    bad = document(sections=(Section("s", (), (TableBlock("t", ("a", "b"), (("1",),)),)),))
    with pytest.raises(CaseError, match="1 cells for 2 columns"):
        render_html(bad, folder)


def test_without_typst_the_remedy_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chainwatch\[report\]'"):
        render_pdf(document(), folder)


def test_the_template_gets_text_and_widths_only() -> None:
    data = typeset(replace(document(), sections=document().sections[::2]), {})
    assert data["sections"][0]["paragraphs"][1]["runs"][0].startswith("#set page")
    assert "".join(data["sections"][0]["paragraphs"][1]["runs"])[: len(SHOWN)] == SHOWN
    ((members,), (wide,)) = (part["tables"] for part in data["sections"][:2])
    assert [part["wide"] for part in data["sections"][:2]] == [False, True]
    assert sum(members["widths"]) <= UPRIGHT_WIDTH + 0.1 < sum(wide["widths"]) <= PAGE_WIDTH + 0.1
    assert members["size"] >= wide["size"]
    assert members["cells"][1]["runs"] == [TXID]
    assert members["cells"][1]["whole"]
    words = [word for cell in wide["cells"] for run in cell["runs"] for word in run.split(" ")]
    assert max(map(len, words)) <= LONGEST_WORD
    assert [line["indent"] for line in data["provenance"]] == [0, 2, 4]


def test_an_annex_without_rows_is_left_out() -> None:
    empty = document(parameters=(), digests=(), software=(), limits=(), sections=())
    assert sections(empty) == ()
    assert [part.heading for part in sections(document())] == [
        "Clusters", "Flows", "Clusters: the table", "Limits", "Parameters", "Digests", "Software",
    ]  # fmt: skip


class TestPdf:
    """What needs the compiler."""

    @pytest.fixture(autouse=True)
    def _compiler(self) -> None:
        pytest.importorskip("typst", reason="typst is not installed")

    def test_hostile_text_neither_runs_nor_stops_the_compiler(self, folder: Path) -> None:
        dated = datetime(2024, 9, 27, tzinfo=UTC)
        hostile = document(title=HOSTILE, edition=HOSTILE, notice=HOSTILE, dated=dated)
        data = render_pdf(hostile, folder)
        assert data.startswith(b"%PDF-1.7")
        assert b"<pdfaid:part>3</pdfaid:part>" in data
        assert b"<pdfaid:conformance>A</pdfaid:conformance>" in data
        assert b"<pdfuaid:part>1</pdfuaid:part>" in data
        assert "‹U+202E›gnp.exe".encode() in data  # the title, in the metadata
        assert b"1970" not in data

    def test_nothing_leaves_the_margins(self, folder: Path) -> None:
        pages = render._compile(document(notice=HOSTILE), folder, "png")
        pages = pages if isinstance(pages, list) else [pages]
        assert len(pages) > 5
        from matplotlib.image import imread

        margin = round(17 / 25.4 * 144)  # mm of margin less one, at 144 dots an inch
        for page in pages:
            ink = imread(io.BytesIO(page), format="png")[..., :3].min(axis=2) < 0.9
            assert not ink[:, :margin].any()
            assert not ink[:, -margin:].any()
            assert np.any(ink)

    def test_a_figure_that_would_shrink_stands_on_a_page_on_its_side(self, folder: Path) -> None:
        sizes = {"low": (8.9, 5.0), "high": (8.9, 10.5), "broad": (10.7, 4.5)}
        for name, size in sizes.items():
            style.save_figure(style.new_axes(*size).figure, folder / "figures" / name)
        parts = tuple(
            Section(name, ("Before.",), (), (FigureBlock(f"figures/{name}.svg", name, "words"),))
            for name in sizes
        )
        whole = document(summary=(), limits=(), provenance="", sections=(*parts, Section("next")))
        images = {part.figures[0].path: (folder / part.figures[0].path).read_bytes()
                  for part in parts}  # fmt: skip
        data = typeset(whole, images)["sections"][:4]
        assert [part["wide"] for part in data] == [False, False, True, False]
        assert [part["figures"][0]["width"] for part in data[:3]] == [174.0, 174.0, 261.0]
        read = PdfReader(io.BytesIO(render_pdf(whole, folder))).pages
        (turned,) = [page for page in read if page.mediabox.width > page.mediabox.height]
        said = "".join(turned.extract_text().split())
        assert "Before." in said
        assert "Exhibit3:broad" in said
        assert "next" not in said

    def test_every_page_is_a4(self, folder: Path) -> None:
        pages = PdfReader(io.BytesIO(render_pdf(document(), folder))).pages
        sizes = {tuple(round(float(end)) for end in page.mediabox[2:]) for page in pages}
        assert sizes == {(595, 842), (842, 595)}

    def test_the_date_is_that_of_acquisition_or_none(self, folder: Path) -> None:
        def dates(**changes: object) -> set[str]:
            read = PdfReader(io.BytesIO(render_pdf(document(**changes), folder))).metadata
            assert read is not None
            return {str(read.get(key)) for key in ("/CreationDate", "/ModDate")}

        acquired = datetime(2024, 9, 27, 12, 30, tzinfo=UTC)
        assert dates(dated=acquired) == {"D:20240927123000Z"}
        assert dates() == {"None"}

    def test_numbers_stand_on_one_line_and_ids_on_two_at_most(self, folder: Path) -> None:
        """In a full table, at the longest addresses there are, beside text that takes the room."""
        taproot, digest = "bc1p" + "q" * 58, "hmac-sha256:" + "f" * 64
        row = (TXID, taproot, taproot, "1,234,567,890.12345678 BTC", "words and more words " * 9)
        head = ("transaction", "from", "to", "amount (in whole coins)", "a remark")
        table = TableBlock("Steps", head, (row,) * 9, ("left", "left", "left", "right", "left"))
        keyed = TableBlock("Digests", ("name", "digest"), (("x", digest),))
        whole = document(sections=(Section("s", (), (table, keyed)),))
        pages = PdfReader(io.BytesIO(render_pdf(whole, folder))).pages
        lines = "\n".join(page.extract_text() for page in pages).splitlines()
        for text in ("1,234,567,890.12345678 BTC", digest, *halves(TXID), *halves(taproot)):
            assert any(text in line for line in lines), text

    def test_no_type_is_smaller_than_can_be_read(self, folder: Path) -> None:
        taproot = "bc1p" + "q" * 58
        row = ("1", "2023-06-20 10:11:12", TXID, "1,234.12345678 BTC", *[ADDRESS] * 3, "x " * 60)
        sides = (*["left"] * 3, "right", *["left"] * 4)
        steps = TableBlock("Steps", tuple("abcdefgh"), (row,), sides)
        wide = TableBlock("Wide", tuple("abcdefgh"), ((TXID, *[taproot] * 6, "9"),))
        tight = TableBlock("Tight", ("transaction", "to"), ((TXID, ADDRESS),))
        chosen = columns_of(steps)
        assert (chosen.size, chosen.halved) == (7.5, 25)
        assert sum(chosen.widths) <= PAGE_WIDTH + 0.1
        alone = (Section("s", (), (steps, wide, tight), wide=True),)
        first, second, third = typeset(replace(document(), sections=alone), {})["sections"][0][
            "tables"
        ]
        assert [cell["runs"] for cell in first["cells"][2:5:2]] == [halves(TXID), halves(ADDRESS)]
        assert not first["cells"][2]["whole"]
        assert first["cells"][3]["whole"]
        one = columns_of(TableBlock("One", tuple("abcd"), (row[1:3] + row[4:6],)))
        assert (one.size, one.halved) == (7.0, None), "smaller before broken"
        some = columns_of(TableBlock("Some", tuple("abcde"), (row[1:6],)))
        assert (some.size, some.halved) == (7.5, 50), "the longest ids first"
        assert [table["size"] for table in (first, second, third)] == [7.5, 6.5, 8.0]
        assert third["cells"][0]["runs"] == [TXID]

    def test_a_table_that_fits_on_a_page_is_not_broken(self, folder: Path) -> None:
        """Nor does a longer one begin with a few rows at the foot of a page."""
        rows = tuple((f"row {number}", ADDRESS) for number in range(100))
        made = TableBlock("Made", ("mark", "address"), rows[:20])
        long = TableBlock("Long", ("mark", "address"), rows)
        before = Section("before", tuple(["A line of text."] * 12))
        whole = document(
            summary=(), limits=(), provenance="", notice="",
            sections=(before, Section("key", (), (made,)), before, Section("all", (), (long,))),
        )  # fmt: skip
        read = PdfReader(io.BytesIO(render_pdf(whole, folder))).pages
        pages = ["".join(page.extract_text().split()) for page in read]
        (key,) = [page for page in pages if "Exhibit1:Made" in page and "row19" in page]
        assert key.count(ADDRESS) >= 20
        (first,) = [page for page in pages if "Exhibit2:Long" in page and "row0" in page]
        assert first.count(ADDRESS) >= FIRST_ROWS

    def test_the_text_can_be_copied_out(self, folder: Path) -> None:
        pages = PdfReader(io.BytesIO(render_pdf(document(), folder))).pages
        said = "".join(page.extract_text() for page in pages)
        joined = "".join(said.split())
        assert TXID in joined
        assert "".join(SHOWN.split()) in joined
        assert "\u200b" not in said


SCRIPT = """
import sys, hashlib; sys.path.insert(0, {folder!r})
from test_render import document, render_html, render_pdf, HOSTILE
case = document(title=HOSTILE)
print(hashlib.sha256(render_html(case, sys.argv[1])).hexdigest())
try:
    import typst
except ImportError:
    print("no typst")
else:
    print(hashlib.sha256(render_pdf(case, sys.argv[1])).hexdigest())
"""


def test_same_bytes_in_another_process_and_place(folder: Path) -> None:
    said = []
    for seed in ("1", "2"):
        place = folder / seed
        place.mkdir()
        if seed == "2":
            shutil.copytree(folder / "figures", place / "figures")
        source = folder if seed == "1" else place
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                SCRIPT.format(folder=str(Path(__file__).parent)),
                str(source),
            ],
            cwd=place,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "TZ": "Asia/Tokyo" if seed == "2" else "UTC",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(run.stdout)
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 2
