"""Words of strangers are harmless in every format: a matrix of hostile words over all files.

One case holds each word as the label of a tag, as actor and name of a service, and in a cell of a
finding; all of them stand in the title, the question, the number, a statement, a note and the name
of the investigator. It is written in every line of the catalogue of exports, beside a twin of the
same shape whose words are harmless. Each file is read by a reader of its format; a file of a kind
that no reader here knows fails.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import yaml
from lxml import etree
from pypdf import PdfReader
from shown_cases import GOAML
from worded_case import SUBJECTS, Words, results_of, worded_case

import chainwatch as cw
from chainwatch.case.exports.catalogue import registry
from chainwatch.sanitize import BLANKS

LONG = 10_000
HOSTILE: Mapping[str, str] = {
    "script": "<script>alert('z')</script>",
    "handler": "<img src=x onerror=alert(1)>\"' onmouseover=alert(2) x='",
    "link": "<a href=\"javascript:alert(1)\">z</a> <iframe src=//z.invalid></iframe>",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+cmd|z",
    "minus": "-2+3",
    "at": "@SUM(1+1)*cmd|z",
    "tab": "\t=1+2",
    "return": "\r=1+3",
    "second line": "a\n=1+4",
    "semicolon": "a;=1+5",
    "wide": "\uff1d1+6",
    "bidi": "z\u202egnp.exe\u2066\u200f",
    "typst": "#set page(width: 1cm)\n#panic(\"z\") $ x $ #image(\"/etc/passwd\") */ // `",
    "toml": "\"]\n[case]\nname = \"z\"\n'''",
    "yaml": "z: !!python/object/apply:os.system [\"echo\"]\n- &a *a {}",
    "mathtext": "$\\frac{1}{0} $ \\unknown $$ _z_ ^",
    "entity": "&lt;z&gt; <!ENTITY z SYSTEM \"file:///etc/passwd\"> ]]> <?z ?> &z;",
    "path": "../../z",
    "template": "{{7*7}} {% raw %} ${z} %s %n",
    "csv": "z\",\"b\nc",
    "json": "\"}, {\"z\": \"\\u202e\\",
    "terminal": "\x1b]0;z\x07\x1b[2J\x9b1m\x08",
    "control": "z\x00a\x01\x7f\x85\u2028",
    "zero width": "z\u200b\u2060\ufeff\u00adz\u3164",
    "tags": "z\U000e0041\U000e007f",
    "long": "z" * LONG,
    "long words": "z " * (LONG // 2),
}  # fmt: skip
LONE = "z\ud800\udfff"
"""Half a character each: tables cannot hold it, a title can."""

PLAIN = {name: f"{name} z" for name in HOSTILE}
FORMULA = re.compile(r"(^\s*|[;\t\r\n]\s*)[=+\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?\Z")
PATH = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*\Z")
MARKS = frozenset(range(0x2066, 0x206A))
"""Isolates: harmless in pairs, and set by us around words from right to left."""

SETTINGS = {"goaml": {**GOAML, "submission_date": date(2023, 7, 1)}}
"""What exports must be told that no case says."""

EXPORTS = registry.names()


def words_of(said: Mapping[str, str], lone: str) -> Words:
    """Return words in which each stands by itself, and all of them where there is one place."""
    short = {name: one for name, one in said.items() if not name.startswith("long")}
    whole = " ".join([said["formula"], *short.values()])
    typed = f"{said['typst']} {lone} {whole}"
    return Words(
        label="", actor=whole + said["long"], services=tuple(said.values()),
        subject=whole + said["long words"], symbol=said["script"] + said["long"],
        title=typed + said["long"], question=typed + said["long words"], number=typed,
        investigator=typed, statement=typed + said["long"], note=typed + said["long words"],
        finding=whole + said["long"],
    )  # fmt: skip


PAYMENTS = (
    ("giver>kelp:90000001", 1), ("giver>wrack:40000007", 2), ("kelp>amy:50000003", 10),
    ("wrack>carl:35000006", 15),
    *((f"kelp>host{n}:{1_000_000 + n}", 20 + n) for n in range(1, len(HOSTILE) + 1)),
)  # fmt: skip


class Written(NamedTuple):
    """A case with hostile words, and its harmless twin: their folders, by edition."""

    folder: Path
    twin: Path


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write both, in every format that there is, below a folder that has nothing else in it."""
    root = tmp_path_factory.mktemp("hostile")
    folders = []
    for name, said, lone in (("hostile", HOSTILE, LONE), ("twin", PLAIN, "z")):
        words = words_of(said, lone)
        case = worded_case(words, PAYMENTS)
        folders.append(root / name / "deep" / "out")
        case.write(folders[-1], exports=EXPORTS, settings=SETTINGS)
    return Written(*folders)


def files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def hidden(text: str, keep: str = "\n") -> set[str]:
    """Return the characters of a text that draw nothing or act on their neighbours."""
    return {
        f"U+{ord(one):04X}"
        for one in set(text) - set(keep)
        if (
            unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
            or ord(one) in BLANKS
        )
        and ord(one) not in MARKS
    }


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


FRAMED = "allow-scripts allow-downloads"
"""What the frame of a page to move about in may do; tests/browser/ opens such pages."""


class Elements(HTMLParser):
    """The elements of a page as a browser sees them, and what could act in them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.kinds: set[tuple[str, str]] = set()
        self.active: list[str] = []
        self.text: list[str] = []
        self.framed: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.kinds |= {(tag, "")} | {(tag, name) for name, _ in attrs}
        for name, value in attrs:
            said = (value or "").strip().lower()
            outward = said.startswith(("javascript:", "vbscript:", "//", "http"))
            if name.startswith("on") or (outward and not name.startswith("xmlns")):
                self.active.append(f"<{tag} {name}={said[:40]}>")
        given = dict(attrs)
        if tag == "iframe" and given.get("sandbox") == FRAMED and given.get("srcdoc"):
            self.framed.append(str(given["srcdoc"]))  # without our origin; it is read by itself
        elif tag in ("script", "iframe", "object", "embed", "form", "base"):
            self.active.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_decl(self, decl: str) -> None:
        assert decl.lower() == "doctype html"

    def handle_pi(self, data: str) -> None:
        pytest.fail(f"a processing instruction: {data[:40]}")


def read_csv(path: Path, twin: Path | None) -> None:
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))
    assert len({len(row) for row in rows}) <= 1
    for cell in {cell for row in rows for cell in row}:
        assert not hidden(cell, keep=""), cell[:40]
        assert NUMBER.match(cell) or not FORMULA.search(cell), cell[:40]
    if twin is not None:
        other = list(csv.reader(io.StringIO(twin.read_text("utf-8"), newline="")))
        assert len(rows) == len(other), "a row more or less than the twin"
        assert [len(row) for row in rows] == [len(row) for row in other]


def read_json(path: Path, twin: Path | None) -> None:
    text = path.read_text("utf-8")
    try:
        told = [json.loads(text)]
    except json.JSONDecodeError:  # a value on each line
        told = [json.loads(line) for line in text.split("\n") if line.strip()]
    for said in set(strings(told)):
        assert not hidden(said), said[:40]


def read_xml(path: Path, twin: Path | None) -> None:
    def parsed(file: Path) -> Any:
        strict = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        return etree.parse(file, strict)

    tree = parsed(path)
    assert tree.docinfo.internalDTD is None or not list(tree.docinfo.internalDTD.iterentities())
    kinds = {(str(one.tag), name) for one in tree.iter() for name in ("", *map(str, one.attrib))}
    names = {name.rpartition("}")[2].lower() for kind in kinds for name in kind}
    assert not names & {"script", "foreignobject", "iframe", "img", "handler"}
    assert not {name for name in names if name.startswith("on")}
    for one in tree.iter():
        for said in (one.text, one.tail, *one.attrib.values()):
            assert not hidden(said or "", keep="\n\t"), (said or "")[:40]
    if twin is not None:
        other = {
            (str(one.tag), name)
            for one in parsed(twin).iter()
            for name in ("", *map(str, one.attrib))
        }
        # matplotlib writes glyphs once each, by their number: other letters are other glyphs
        assert kinds <= other, kinds - other


def read_html(path: Path, twin: Path | None) -> None:
    page = Elements(path.read_text("utf-8"))
    assert not hidden("".join(page.text), keep="\n\t"), path.name
    if twin is not None:
        other = Elements(twin.read_text("utf-8"))
        # words from right to left are set apart: only these may bring an element of ours
        assert page.kinds - other.kinds <= {("bdi", ""), ("bdi", "dir")}
        assert page.active == other.active


def read_pdf(path: Path, twin: Path | None) -> None:
    reader, raw = PdfReader(path), path.read_bytes()
    assert twin is not None
    sizes = {tuple(map(float, page.mediabox)) for page in reader.pages}
    assert sizes == {tuple(map(float, page.mediabox)) for page in PdfReader(twin).pages}
    for mark in (b"/JavaScript", b"/JS ", b"/Launch", b"/SubmitForm", b"/OpenAction"):
        assert mark not in raw
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert not hidden(text, keep="\n\t"), hidden(text)
    assert "root:" not in text
    assert "#set page" in text


def read_yaml(path: Path, twin: Path | None) -> None:
    told = yaml.safe_load(path.read_text("utf-8"))
    assert told
    for said in strings(json.loads(json.dumps(told, default=str))):
        assert not hidden(said), said[:40]


def read_toml(path: Path, twin: Path | None) -> None:
    for said in strings(
        json.loads(json.dumps(tomllib.loads(path.read_text("utf-8")), default=str))
    ):
        assert not hidden(said), said[:40]


def read_parquet(path: Path, twin: Path | None) -> None:
    """Parquet is the evidence: it holds a word as it is, or withholds it."""
    frame = pl.read_parquet(path)
    assert twin is not None
    other = pl.read_parquet(twin)
    assert frame.schema == other.schema
    assert frame.height == other.height


def read_png(path: Path, twin: Path | None) -> None:
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert max(width, height) < 12_000
    assert b"<script" not in data


def read_text(path: Path, twin: Path | None) -> None:
    assert not hidden(path.read_text("utf-8"), keep="\n\t")


READERS: Mapping[str, Callable[[Path, Path | None], None]] = {
    ".csv": read_csv, ".gexf": read_xml, ".graphml": read_xml, ".html": read_html,
    ".json": read_json, ".jsonl": read_json, ".jsonld": read_json, ".ndjson": read_json,
    ".parquet": read_parquet, ".pdf": read_pdf, ".png": read_png, ".svg": read_xml,
    ".toml": read_toml, ".txt": read_text, ".xml": read_xml, ".yaml": read_yaml, ".yml": read_yaml,
}  # fmt: skip
"""A reader for each kind of file; text that another reads is at least legible text."""


def kinds() -> list[str]:
    return sorted(READERS)


@pytest.mark.parametrize("kind", kinds())
def test_no_word_acts_in_any_format(written: Written, kind: str) -> None:
    twins = files(written.twin)
    for name, path in files(written.folder).items():
        if path.suffix == kind:
            READERS[kind](path, twins.get(name))


def test_every_file_has_a_reader_and_every_export_wrote(written: Written) -> None:
    assert {path.suffix for path in files(written.folder).values()} <= set(READERS)
    manifest = json.loads((written.folder / "manifest.json").read_bytes())
    assert manifest["exports"] == EXPORTS
    for name in ("report.html", "report.pdf", "log.jsonl", "figures/flow.svg", "figures/flow.png"):
        assert name in files(written.folder)


def test_no_file_lies_elsewhere_or_under_a_strange_name(written: Written) -> None:
    names = files(written.folder)
    assert set(names) == set(files(written.twin))
    assert all(PATH.match(name) for name in names)
    root = written.folder.parents[2]
    assert sorted(item.name for item in root.iterdir()) == ["hostile", "twin"]
    assert [item.name for item in (root / "hostile").iterdir()] == ["deep"]
    assert [item.name for item in (root / "hostile" / "deep").iterdir()] == ["out"]
    cw.verify(written.folder)


def test_the_words_are_there(written: Written) -> None:
    """The matrix would prove nothing if no word came through."""
    page = "".join(Elements((written.folder / "report.html").read_text("utf-8")).text)
    for said in (
        "<script>alert('z')</script>",
        "‹U+202E›gnp.exe",
        "../../z",
        "‹U+001B›",
        "‹U+D800›",
    ):
        assert said in page, said
    whole = pl.read_parquet(written.folder / "tables" / "words.parquet")["said"].to_list()
    assert set(whole) >= set(HOSTILE.values())
    table = written.folder / "tables" / "words.csv"
    cells = list(csv.reader(io.StringIO(table.read_text("utf-8"), newline="")))
    told = {row[1] for row in cells}
    assert {"'=cmd|' /C calc'!A0", "'-2+3", "'@SUM(1+1)*cmd|z", " '=1+2"} <= told
    graph = (written.folder / "graph" / "flow.graphml").read_text("utf-8")
    assert "&lt;script&gt;" in graph


def test_negative_numbers_stay_numbers(written: Written) -> None:
    """Only texts are guarded: a number that begins with its sign is exact, and read as one."""
    frame = pl.read_csv(written.folder / "tables" / "words.csv")
    assert frame["change"].dtype == pl.Int64
    assert sorted(frame["change"].to_list())[0] == -5


def test_nothing_is_drawn_beyond_its_page(written: Written) -> None:
    """A word of 10,000 letters makes neither a figure nor a page wider than the twin's."""
    for name in ("figures/flow.png",):
        sizes = [
            struct.unpack(">II", (folder / name).read_bytes()[16:24])
            for folder in (written.folder, written.twin)
        ]
        assert sizes[0][0] <= 1.5 * sizes[1][0]
        assert sizes[0][1] <= 3 * sizes[1][1]
    pages = [len(PdfReader(folder / "report.pdf").pages) for folder in written]
    assert pages[0] <= pages[1] + 150


def test_results_in_a_notebook_and_a_terminal() -> None:
    words = words_of(HOSTILE, LONE)
    case = worded_case(words, PAYMENTS)
    for result in (*results_of(words, PAYMENTS), case):
        page = Elements(result._repr_html_())
        assert not page.active, page.active
        assert all("default-src 'none'" in framed for framed in page.framed)
        assert not hidden("".join(page.text), keep="\n\t"), type(result).__name__
        tags = {tag for tag, _ in page.kinds}
        ours = {"b", "bdi", "br", "div", "iframe", "p", "pre", "table", "td", "th", "tr"}
        assert tags <= ours or "svg" in tags, tags
        assert not hidden(repr(result), keep="\n\t"), type(result).__name__
    assert set(SUBJECTS) == {"kelp", "wrack"}
