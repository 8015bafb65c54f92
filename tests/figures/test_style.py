"""Safe text, and files that are the same bytes on each run and never replace others."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from chainwatch.errors import OutputExists
from chainwatch.figures import style, typefaces


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("$x$ <script> \\alpha", "$x$ <script> \\alpha"),
        ("a\u202egnp.exe", "a‹U+202E›gnp.exe"),
        ("\x1b[31mred\x00", "‹U+001B›[31mred‹U+0000›"),
        ("two\nlines\tand tab", "two lines and tab"),
        ("\u0905\ud800", "‹U+0905›‹U+D800›"),
        ("zero\u200bwidth\u3164", "zero‹U+200B›width‹U+3164›"),
        ("e\u0301\u0301\u0301", "é‹U+0301›‹U+0301›"),
    ],
)
def test_text_reads_as_what_it_is(text: str, drawn: str) -> None:
    assert typefaces.printable(text).replace("é\u0301", "é‹U+0301›") == drawn


@given(st.text(max_size=80))
def test_printable_text_has_a_glyph_for_every_character(text: str) -> None:
    glyphs = typefaces.glyphs()
    assert all(ord(char) in glyphs for char in typefaces.printable(text))


def test_a_long_text_is_cut_in_the_middle() -> None:
    address = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    assert style.shorten(address, 11) == "bc1qar…5mdq"
    assert len(typefaces.printable("x" * 10_000)) <= typefaces.LONGEST_TEXT + 1
    fitted = style.fit(address, 60.0, 7.0)
    assert style.text_width(fitted, 7.0) <= 60.0
    assert (fitted[:4], fitted[-2:]) == ("bc1q", "dq")


def test_wrapped_lines_fit_and_say_when_something_is_left_out() -> None:
    lines = style.wrap("one two three " * 40, 100.0, 7.0, lines=3)
    assert len(lines) == 3
    assert all(style.text_width(line, 7.0) <= 100.0 for line in lines)
    assert lines[-1].endswith(" …")


def test_what_is_written_by_its_number_is_never_cut() -> None:
    written = "‹U+9ED1›‹U+5E02›" * 12
    assert style.shorten(written, 5) == "‹U+9ED1›‹U+5E02›‹U+9ED1›…‹U+5E02›"
    lines = style.wrap(f"one {written} two", 200.0, 11.0, lines=9, bold=True)
    assert "".join(lines).replace(" ", "") == f"one{written}two"
    assert all(style.text_width(line, 11.0, bold=True) <= 200.0 for line in lines)
    assert all(line.count("‹") == line.count("›") for line in lines)
    (short,) = style.wrap(written, 100.0, 11.0, lines=1)
    assert short == "‹U+9ED1› …"


def test_every_role_is_told_apart_without_colour() -> None:
    assert len({role.letter for role in style.ROLES.values()}) == len(style.ROLES)
    assert set(style.ROLES) == {
        "subject", "finding", "service", "mixer", "bystander", "unread", "unspent", "burnt",
        "origin", "undecided",
    }  # fmt: skip
    assert len({(one.hatch, one.line, one.colour) for one in style.ROLES.values()}) == len(
        style.ROLES
    )


def test_an_svg_carries_name_and_description(tmp_path: Path) -> None:
    ax = style.new_axes(2, 1)
    ax.set_label("From <A> to B\x1b")
    digests = style.save_figure(ax.figure, tmp_path / "fig.v1", title="Routes & ends")
    assert set(digests) == {".png", ".svg"}
    root = ET.parse(tmp_path / "fig.v1.svg").getroot()  # noqa: S314 - our own file
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert (root[0].tag, root[0].text) == (f"{space}title", "Routes & ends")
    assert (root[1].tag, root[1].text) == (f"{space}desc", "From <A> to B‹U+001B›")
    assert root.get("aria-labelledby", "").split() == [root[0].get("id"), root[1].get("id")]


def drawing(name: str, words: str) -> Figure:
    ax = style.new_axes(2, 1)
    ax.plot([0, 1], [0, 1])
    style.describe(ax, name, words)
    return ax.figure


def test_two_figures_of_one_page_are_called_by_their_own_names() -> None:
    one, other = (
        ET.fromstring(style.svg_text(drawing(name, "From A to B")))  # noqa: S314 - our own text
        for name in ("Routes", "Ends")
    )
    assert [item.text for item in (one[0], other[0])] == ["Routes", "Ends"]
    spoken = [item.get("id") for root in (one, other) for item in root[:2]]
    assert len({*spoken}) == 4
    for root in (one, other):
        assert root.get("aria-labelledby", "").split() == [root[0].get("id"), root[1].get("id")]


def test_in_a_notebook_no_figure_is_wider_than_its_place() -> None:
    root = ET.fromstring(style.svg_text(drawing("Routes", "A")))  # noqa: S314 - our own text
    assert root.get("style") == "max-width: 100%; height: auto"
    assert root.get("viewBox") == "0 0 144 72"


def test_no_file_is_written_if_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "fig.svg").write_text("mine")
    with pytest.raises(OutputExists):
        style.save_figure(style.new_axes(2, 1).figure, tmp_path / "fig")
    assert [item.name for item in tmp_path.iterdir()] == ["fig.svg"]


def test_files_carry_no_time_and_no_program(tmp_path: Path) -> None:
    style.save_figure(style.new_axes(2, 1).figure, tmp_path / "fig")
    for suffix in (".png", ".svg"):
        data = (tmp_path / f"fig{suffix}").read_bytes().lower()
        assert b"software" not in data
        assert b"<dc:date" not in data


def test_pyplot_is_never_imported(tmp_path: Path) -> None:
    code = (
        "import sys, chainwatch.figures, chainwatch.figures.sankey, chainwatch.case.report.render\n"
        "import chainwatch.case.exports\n"
        "heavy = {'matplotlib', 'networkx', 'jinja2', 'typst', 'pygraphviz'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "ax = chainwatch.figures.style.new_axes(1, 1)\n"
        "ax.text(0, 0, 'x')\n"
        "chainwatch.figures.style.save_figure(ax.figure, sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "fig")], check=True)


def test_a_phrase_is_cut_behind_a_word_and_a_name_inside() -> None:
    phrase = "pays okex alone, custody undecided"
    room = style.text_width("pays okex alone, cust …", 8)
    assert style.fit(phrase, room, 8) == "pays okex alone …"
    name = "A Long Name of an Exchange (probable)"
    assert style.fit(name, style.text_width(name, 8) * 0.8, 8).endswith("able)")
    assert style.fit(name, style.text_width(name, 8) * 0.5, 8).endswith("…ge (probable)")
    undecided = "pays Exchange alone (custody undecided)"
    room = style.text_width("pays … (custody undecided)", 8)
    assert style.fit(undecided, room + 8, 8) == "pays…ne (custody undecided)"
    address = "bc1q" + "4k" * 20
    assert "…" in style.fit(address, style.text_width(address, 8) / 2, 8)[5:-5]
