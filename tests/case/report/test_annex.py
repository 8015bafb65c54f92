"""A reader can check a report by hand: its head, every step, and whom a figure shows."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
from pypdf import PdfReader

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.tags import make_tags
from chainwatch.case.case import Case
from chainwatch.case.report.document import document
from chainwatch.chains.catalogue import chain
from chainwatch.errors import InputError
from chainwatch.figures import flow
from chainwatch.ledger.schema import TAGS, TRANSFERS

VENDOR = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


class Tables(HTMLParser):
    """Collects the head of a page, and the rows of its tables by caption."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self.head: list[str] = []
        self.within = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "caption":
            self.cells = []
        if tag in {"caption", "td", "th", "dt", "dd"}:
            self.within = tag
            self.cells.append("")
        if tag == "tr":
            self.cells = []

    def handle_data(self, data: str) -> None:
        if self.within:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self.rows[self.cells[-1]] = []
        elif tag in {"dt", "dd"}:
            self.head.append(self.cells[-1])
        elif tag == "tr":
            list(self.rows.values())[-1].append(self.cells)
        self.within = "" if tag == self.within else self.within

    def named(self, name: str) -> list[list[str]]:
        (rows,) = (rows for caption, rows in self.rows.items() if name in caption)
        return rows


@pytest.fixture(scope="module")
def pages(demo_case) -> dict[str, Tables]:
    return {
        name: Tables(demo_case.folder / name / "report.html") for name in ("working", "disclosure")
    }


def test_the_head_says_what_the_report_is_of(pages) -> None:
    head = dict(zip(pages["working"].head[::2], pages["working"].head[1::2], strict=True))
    assert re.fullmatch("[0-9a-f]{64}", head.pop("Hash of block 288 (btc-regtest)"))
    assert head == {
        "Case": "otter",
        "Case number": "not stated",
        "Subject": f"Kelp (vendor at Otter), {VENDOR}",
        "Investigator": "demo",
        "Data acquired": "2023-10-01 00:00 UTC",
        "Read up to (btc-regtest)": "block 288 (2023-09-30), by blocks; what came later is unknown",
    }
    assert pages["disclosure"].head == pages["working"].head


def test_what_was_read_lists_tags_and_says_what_its_digests_are(demo_case) -> None:
    for name, kind in (("working", "sha256:"), ("disclosure", "hmac-sha256:")):
        rows = pl.read_csv(demo_case.folder / name / "tables" / "what_was_read.csv")
        assert {"block_files", "tags"} == set(rows["source"])
        assert rows["digest"].str.starts_with(kind).all()
        page = (demo_case.folder / name / "report.html").read_text("utf-8")
        assert "not comparable with a plain digest of the file" in " ".join(page.split())


def test_the_pdf_bears_the_date_of_acquisition(demo_case) -> None:
    for name in ("working", "disclosure"):
        data = (demo_case.folder / name / "report.pdf").read_bytes()
        found = PdfReader(io.BytesIO(data)).metadata
        assert found is not None
        for key in ("/CreationDate", "/ModDate"):
            assert str(found[key]).startswith("D:20231001000000")


def test_every_step_stands_in_the_working_edition(pages, demo_case) -> None:
    steps = pl.read_csv(demo_case.folder / "working" / "tables" / "steps.csv")
    head, *rows = pages["working"].named("Steps")
    assert head == ["hop", "time", "transaction", "amount", "from", "to"]
    assert sorted((row[2], row[4], row[5]) for row in rows) == sorted(
        steps.select("txid", "source", "target").fill_null("").rows()
    )
    order = [(int(row[0]), row[1]) for row in rows]
    assert order == sorted(order)
    assert all(row[3].endswith(" rBTC") for row in rows)


def test_the_disclosure_has_them_as_its_table_does(pages, demo_case) -> None:
    steps = pl.read_csv(demo_case.folder / "disclosure" / "tables" / "steps.csv")
    head, *rows = pages["disclosure"].named("Steps")
    counted = sum(int(row[-1]) if head[-1] == "rows alike" else 1 for row in rows)
    assert counted == steps.height
    assert {row[2] for row in rows} <= {*steps["txid"]}


def test_every_node_of_a_figure_has_its_whole_address(pages, demo_case) -> None:
    graph = nx.read_graphml(demo_case.folder / "working" / "graph" / "flow.graphml")
    _, *rows = pages["working"].named("Whom the marks of the figure stand for")
    assert len(rows) == len(graph)
    assert {name for name in graph if name.startswith("bcrt1")} <= {row[2] for row in rows}
    services = [row for row in rows if row[4] == "hosted service"]
    assert [parse(row[2], "btc-regtest") for row in services]
    marks = [row[0] for row in rows]
    assert len(set(marks)) == len(marks)
    assert marks[0] == "S1"


def test_a_mark_means_the_same_party_in_both_editions(pages) -> None:
    """Whoever both show; those who are masked in one of them are folded there."""
    named = [
        {row[0]: row[1] for row in pages[name].named("Whom the marks")[1:] if row[0][0] in "SFHX"}
        for name in ("working", "disclosure")
    ]
    assert named[0] == named[1]
    # Whose keys the wallets are that pay the other exchange alone is undecided: it hosts nobody.
    assert {*named[0]} == {"S1", "F1", "H1", "X1"}
    assert named[0]["H1"] == "northbank (probable)"


def test_in_the_disclosure_it_has_its_pseudonym(pages, demo_case) -> None:
    hidden = set(pl.read_csv(demo_case.folder / "annex" / "pseudonyms.csv")["address"])
    _, *rows = pages["disclosure"].named("Whom the marks of the figure stand for")
    assert not hidden & {cell for row in rows for cell in row}
    unknown = [row for row in rows if row[4] == "not identified"]
    assert unknown
    assert all(row[2].startswith("masked") and row[3] == "" for row in unknown)


def test_tables_have_one_order_in_both_editions(pages) -> None:
    """By what is shown of amounts where an edition sorts, and as it was found elsewhere."""
    for caption, columns in (("Where the value ends", 4), ("Not read", 2), ("What was read", 2)):
        one, two = ([row[:columns] for row in pages[name].named(caption)] for name in pages)
        if caption != "Where the value ends":
            assert one == two, caption
        assert sorted(one) == sorted(two), caption
    # Of amounts that an edition rounds the order tells no more than what it shows of them.
    for name in pages:
        (head, *rows) = pages[name].named("Where the value ends")
        assert head[4] == "amount"
        shown = [Decimal(re.sub(r"[^0-9.]", "", row[4])) for row in rows]
        assert len(shown) > 3
        assert shown == sorted(shown, reverse=True), name


def test_what_is_lacking_nowhere_has_no_row_and_no_line(demo_case) -> None:
    for name in ("working", "disclosure"):
        page = (demo_case.folder / name / "report.html").read_text("utf-8")
        assert not re.search(r">\s*0 (transactions?|clusters?|links?|of them) ", page), name
        assert "Counted, and none was found: inputs (" in page
    rows = pl.read_csv(demo_case.folder / "working" / "tables" / "not_read.csv")
    assert rows["what"].to_list() == ["later blocks"]


def test_a_note_names_the_file_that_holds_its_table(demo_case) -> None:
    """Two tables are called *subjects*: each section says which file is its own."""
    page = (demo_case.folder / "working" / "report.html").read_text("utf-8")
    section = page.partition("Subjects and the addresses joined to them</h2>")[2]
    name = section.partition("Files: tables/")[2].partition(".csv")[0]
    columns = pl.read_csv(demo_case.folder / "working" / "tables" / f"{name}.csv").columns
    assert {"cluster", "addresses"} <= set(columns)


def test_tables_and_figures_are_numbered_alike_in_page_and_pdf(pages, demo_case) -> None:
    page = (demo_case.folder / "working" / "report.html").read_text("utf-8")
    numbered = re.findall(r"<(?:fig)?caption>Exhibit (\d+): ", page)
    assert numbered == [str(number) for number in range(1, len(numbered) + 1)]
    captions = [caption for caption in pages["working"].rows if caption.startswith("Exhibit ")]
    assert len(captions) > 8
    read = PdfReader(demo_case.folder / "working" / "report.pdf").pages
    said = "".join("".join(page.extract_text() for page in read).split())
    for caption in captions:
        assert "".join(caption.split()) in said


@pytest.fixture(scope="module")
def figure(otter_case):
    import chainwatch as cw
    from chainwatch.figures import flow

    ledger, tags = otter_case.ledger, otter_case.tags
    clusters = cw.cluster(cw.co_spends(ledger), tags=tags)
    vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
    stop = [tags.where(concept="service")]
    trace = cw.trace(ledger, vendor, policy="fifo", stop=stop, clusters=clusters)
    return flow(trace, clusters, tags, title="Routes")


def test_a_figure_is_saved_once_and_as_its_name_says(figure, tmp_path: Path) -> None:
    from chainwatch.errors import OutputExists

    for name, head in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        assert figure.save(tmp_path / name) == tmp_path / name
        data = (tmp_path / name).read_bytes()
        assert data.startswith(head)
        with pytest.raises(OutputExists):
            figure.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == data
    with pytest.raises(InputError, match=r"as \.jpg") as caught:
        figure.save(tmp_path / "a.jpg")
    assert "name it .svg" in str(caught.value)


def test_a_notebook_and_a_report_give_a_node_one_role(figure) -> None:
    from chainwatch.case.case import Case

    case = Case("otter", "Whom?", mask_key=bytes(range(32)))
    case.add(figure.trace, figure.clusters, figure.tags, figure)
    reported = case.view("working").drawn[0].flows
    shown = figure.flows(figure.desk())
    for rows in (reported, shown):
        assert "finding" in set(rows["target_role"])

    def roles(rows: pl.DataFrame) -> dict[str, set[str]]:
        ends = [rows.select(pl.col(end).alias("n"), pl.col(f"{end}_role").alias("r"))
                for end in ("source", "target")]  # fmt: skip
        named = pl.concat(ends).filter(~pl.col("n").str.starts_with("masked"))
        return {name: set(part["r"]) for (name,), part in named.group_by("n")}

    both = roles(shown)
    assert {name: roles(reported)[name] for name in both} == both


ETH, START = chain("eth").id, datetime(2024, 1, 1, tzinfo=UTC)
WHO, *WALLETS = (b"\x10" + bytes([k]) * 20 for k in range(1, 7))


@pytest.fixture(scope="module")
def five_wallets() -> cw.Trace:
    """A subject pays five wallets of one service: more than the key of a figure lists."""
    rows = [
        dict.fromkeys(TRANSFERS.schema) | {
            "chain": ETH, "txid": bytes([n]) * 32, "kind": "native", "occurrence": 0,
            "time": START + timedelta(days=n), "sender": WHO, "receiver": wallet, "amount": 10,
            "order_uncertain": True, "sections": 1,
        }
        for n, wallet in enumerate(WALLETS)
    ]  # fmt: skip
    tags = [
        dict.fromkeys(TAGS.schema) | {
            "chain": ETH, "address": wallet, "label": "shop", "actor": "shop", "source": "a list",
            "concept": "exchange", "confidence": "unknown", "level": 5, "pack": "p",
        }
        for wallet in WALLETS
    ]  # fmt: skip
    ledger = cw.Ledger.from_tables({"transfers": pl.DataFrame(rows, schema=TRANSFERS.schema)})
    services = make_tags(pl.DataFrame(tags, schema=TAGS.schema, orient="row"))
    return cw.trace(ledger, [WHO], policy="fifo", stop=services, asset=cw.native("eth"))


@pytest.mark.parametrize("with_trace", [True, False])
def test_a_key_names_the_table_of_ends_where_it_is_written(
    five_wallets: cw.Trace, with_trace: bool, tmp_path: Path
) -> None:
    case = Case("x", "?", mask_key=bytes(32))
    case.add(flow(five_wallets), *([five_wallets] if with_trace else []))
    told = document(case, case.view("working"))
    (key,) = (part for part in told.sections if part.heading.startswith("Key to the figure"))
    (row,) = (row for row in key.tables[0].rows if row[4] == "hosted service")
    assert row[2].endswith(" and 2 more addresses")
    files = case.view("working").tables
    named = re.findall(r"tables/(\w+)", key.tables[0].note)
    assert named == (["ends"] if with_trace else [])
    assert set(named) <= set(files)
