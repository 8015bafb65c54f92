"""A case as somebody uses it in a notebook: out of order, twice, in both editions."""

from __future__ import annotations

import doctest
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.scripts import script_of
from chainwatch.attribution.tags import read_tags
from chainwatch.case import case as module
from chainwatch.case.case import Case
from chainwatch.case.exports import catalogue as exports
from chainwatch.case.registry import Line
from chainwatch.case.seal import verify
from chainwatch.cli.demo import run_demo
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import CaseError, InputError, OutputExists
from chainwatch.figures import flow
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.privacy import mask_tables
from chainwatch.privacy.edition import Edition
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Rows, Table
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.policies import fifo

KEY = bytes(range(32))
HOSTILE = "<script>alert(1)</script>\x1b[31m =HYPERLINK(1)"


def clock() -> datetime:
    return datetime(2023, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def results(otter_case):
    """What the example of the design computes."""
    ledger = otter_case.ledger.between("2023-06-01", "2023-10-01")
    tags = otter_case.tags
    services = tags.where(concept="service")
    mixes = equal_outputs(min_equal=3)
    clusters = cw.cluster(cw.co_spends(ledger, unless=mixes), tags=tags)
    vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
    hosted = cw.hosted(ledger, services, asset=cw.native("btc-regtest"))
    trace = cw.trace(ledger, vendor, policy=fifo, stop=[services, hosted, mixes], clusters=clusters)
    exposure = cw.exposure(trace, tags, clusters=clusters)
    return tags, clusters, hosted, trace, exposure


def make(**more: object) -> Case:
    return Case("otter", "Whom?", mask_key=KEY, clock=clock, **more)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "seal.json")
    }


def test_the_example_of_the_docstring() -> None:
    assert doctest.testmod(module).attempted >= 2
    assert doctest.testmod(module).failed == 0


@pytest.fixture(scope="module")
def written(results, tmp_path_factory) -> tuple[Case, Path]:
    """A case in which results were added out of order, one of them twice."""
    tags, clusters, hosted, trace, exposure = results
    case = make(title="Otter", investigator="me", statements=("Nobody exists.",))
    case.add(flow(trace, clusters, tags, top=10, title="Routes"), note="Main routes, FIFO.")
    case.add(exposure, trace).add(clusters).add(clusters, note="again").add(hosted, tags)
    case.add(replace(trace, steps=trace.steps.head(1), record=None), note="made by hand")
    out = tmp_path_factory.mktemp("case")
    case.write(out / "disclosure")
    case.write(out / "working", edition="working", reason="for the test", authority="a court")
    return case, out


def test_both_editions_are_whole(written) -> None:
    case, out = written
    for name in ("disclosure", "working"):
        found = verify(out / name)
        assert found.files == len(files(out / name)) - 1
        for item in ("report.pdf", "report.html", "figures/flow.png", "graph/flow.graphml"):
            assert (out / name / item).stat().st_size > 500
    assert verify(out / "disclosure").entries == len(case.log.entries) - 1
    assert verify(out / "working").entries == len(case.log.entries)


def test_every_table_has_a_name_of_its_own(written) -> None:
    _, out = written
    names = {path.stem for path in (out / "disclosure" / "tables").glob("*.csv")}
    assert {"clusters", "origins", "origins_2", "steps_2"} <= names
    assert "clusters_2" not in names  # added twice, held once
    one, other = (
        (out / "working" / "tables" / f"{name}.csv").read_bytes()
        for name in ("origins", "origins_2")
    )
    assert one == other


def test_the_manifest_lists_every_result_in_order(written) -> None:
    case, out = written
    manifest = json.loads((out / "disclosure" / "manifest.json").read_bytes())
    said = [row["what"] for row in manifest["results"]]
    assert said == [
        "flow",
        "exposure",
        "trace",
        "cluster",
        "hosted",
        "read_tags",
        "trace",
    ]
    assert [row["note"] for row in manifest["results"]][-1] == "made by hand"
    assert manifest["results"][-1]["record"] is None
    assert manifest["results"][2]["content"] != manifest["results"][-1]["content"]
    assert "sha256:" + case.results[1][0].record.content not in json.dumps(manifest)


def test_notes_and_reasons_stand_in_the_log(written) -> None:
    case, out = written
    told = [json.loads(line) for line in (out / "working" / "log.jsonl").read_text().splitlines()]
    assert told[0]["why"] == "Main routes, FIFO."
    assert told[-1]["what"] == "write the working edition"
    assert told[-1]["why"] == "for the test"
    assert {entry["who"] for entry in told} == {"me"}
    assert len(case.times) == len(told)


def test_run_times_stand_in_run_json_alone(written) -> None:
    _, out = written
    run = json.loads((out / "disclosure" / "run.json").read_bytes())
    assert set(run["times"].values()) == {clock().isoformat()}
    started, finished = (datetime.fromisoformat(run[name]) for name in ("started", "finished"))
    assert clock() < started < finished
    assert run["seconds"] > 0
    for name, data in files(out / "disclosure").items():
        assert run["started"][:13].encode() not in data, name


def test_the_ledger_is_named_by_what_was_read(written, otter_case) -> None:
    case, out = written
    coverage = otter_case.ledger.digest("coverage")
    record = next(item.record for item, _ in case.results if item.record.step == "trace")
    assert record.params["ledger"] == {
        "coverage": f"sha256:{coverage}",
        "span": ["2023-06-01T00:00:00+00:00", "2023-10-01T00:00:00+00:00"],
    }
    told = (out / "working" / "manifest.json").read_text()
    assert "commit" not in told.lower()
    assert coverage in told
    assert coverage not in (out / "disclosure" / "manifest.json").read_text()


def test_no_folder_is_named(written, otter_case) -> None:
    _, out = written
    parts = {str(otter_case.ledger.store.path.parent).encode(), str(out).encode()}
    for edition in ("disclosure", "working"):
        for name, data in files(out / edition).items():
            assert not [part for part in parts if part in data], name


def test_the_same_key_writes_the_same_bytes(results, tmp_path: Path) -> None:
    tags, clusters, _, trace, _ = results
    for name in ("one", "two"):
        case = make().add(tags, clusters, trace)
        case.write(tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    other = Case("otter", "Whom?", mask_key=KEY[::-1], clock=clock).add(tags, clusters, trace)
    other.write(tmp_path / "other")
    assert files(tmp_path / "other") != files(tmp_path / "one")


def test_what_is_refused(results, tmp_path: Path) -> None:
    case = make().add(results[0])
    before = len(case.log.entries)
    with pytest.raises(CaseError, match="without a reason"):
        case.write(tmp_path / "x", edition="working")
    with pytest.raises(CaseError, match="without an authority"):
        case.write(tmp_path / "x", edition="working", reason="a look")
    with pytest.raises(InputError, match="unknown edition"):
        case.write(tmp_path / "x", edition="secret")
    with pytest.raises(CaseError, match="a DataFrame cannot be added"):
        case.add(results[1], results[1].frame)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputExists):
        case.write(
            tmp_path / "taken", edition="working", reason="never written", authority="a court"
        )
    assert len(case.log.entries) == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["taken"]
    with pytest.raises(InputError, match="shorter than 16 bytes"):
        Case("x", "?", mask_key=b"short")


def test_an_error_at_any_stage_leaves_nothing(results, tmp_path: Path, monkeypatch) -> None:
    case = make().add(*results, flow(results[3], results[1]))

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    formats = exports.registry.names()
    for stage in ("document", "render_html", "render_pdf", "write_seal", *formats):
        written = (stage,) if stage in formats else exports.DEFAULT
        with monkeypatch.context() as patched:
            if stage in formats:
                patched.setattr(exports.registry, "lines", [Line(stage, fail, "nothing")])
            else:
                patched.setattr(module, stage, fail)
            with pytest.raises(OSError, match="No space"):
                case.write(tmp_path / "deep" / "x", exports=written)
            assert list(tmp_path.iterdir()) == [], stage


def address_in(results, role_kept: bool, among: Sequence[bytes] = ()) -> str:
    _, clusters, _, trace, _ = results
    case = make().add(*results)
    edition = case.edition("disclosure")
    chain = trace.asset.chain
    found = next(
        item
        for item in among or clusters.frame["address"].to_list()
        if edition.masks(chain, item) is not role_kept
    )
    return text(found, chain)


def test_texts_that_people_write_name_nobody_who_is_masked(results, tmp_path: Path) -> None:
    tags, clusters, _, trace, _ = results
    masked, shown = address_in(results, False), address_in(results, True)
    case = Case(
        "otter", f"Who is {masked}?", title=f"About {masked}", investigator=f"friend of {masked}",
        mask_key=KEY, statements=(f"{masked} and {shown}",),
    )  # fmt: skip
    case.add(*results, note=f"see {masked}")
    frame = pl.DataFrame({"what": [f"url://{masked}/"]})
    words = (f"{masked} paid {shown}",)
    told = Table("told", (), "What was told.", (Column.word("what", "a text"),)).rows(frame)
    case.add(Finding(f"On {masked}", words, told, innocent=words, headline=masked))
    case.add(flow(trace, clusters, tags, title=f"Routes of {masked}"))
    case.write(tmp_path / "x")
    for name, data in files(tmp_path / "x").items():
        assert masked.encode() not in data, name
    html = (tmp_path / "x" / "report.html").read_text()
    assert shown in html
    assert "masked" in html


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


def html_tags(html: str) -> set[str]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def test_notebook_forms_are_short_escaped_and_masked(results) -> None:
    _, clusters, _, trace, _ = results
    case = Case(HOSTILE, HOSTILE, mask_key=KEY, investigator=HOSTILE)
    finding = Finding(HOSTILE, (HOSTILE,))
    case.add(finding, note=HOSTILE)
    for item in (case, finding):
        found = item._repr_html_()
        assert "script" not in html_tags(found)
        assert "\x1b" not in found
    figure = flow(trace, clusters, title="Routes")
    assert repr(figure) == f"FlowFigure('Routes', {trace.steps.height} steps, top 40)"
    assert all(len(repr(item)) < 2_000 for item in (case, finding, figure))
    assert KEY.hex() not in repr(case)
    svg = figure._repr_html_()
    edition = case.edition("disclosure")
    others = [item for item in trace.steps["source"] if item not in set(trace.origins["address"])]
    assert others
    for item in others:
        assert text(item, trace.asset.chain) not in svg
    assert "masked-" in svg
    assert edition.name == "disclosure"


def test_the_annex_opens_every_pseudonym(written, tmp_path: Path) -> None:
    case, out = written
    case.write_annex(tmp_path / "annex")
    key = (tmp_path / "annex" / "mask_key.txt").read_text().strip()
    assert key == KEY.hex()
    assert (tmp_path / "annex" / "mask_key.txt").stat().st_mode & 0o077 == 0
    annex = pl.read_csv(tmp_path / "annex" / "pseudonyms.csv")
    told = "".join(
        path.read_text()
        for path in (out / "disclosure").rglob("*")
        if path.suffix in (".csv", ".graphml")
    )
    shown = set(re.findall(r"masked-[a-z2-7]{10}", told))
    assert shown
    # A cluster drawn as one entity stands under the pseudonym of its id, which is an address too.
    assert shown <= set(annex["pseudonym"].to_list())
    assert set(annex["shown"].to_list()) == shown | {"masked", ""}
    assert annex.filter(pl.col("shown") == "").height > 100


def test_figures_and_findings_are_told_apart_by_what_they_say(results):
    *_, trace, _ = results
    case = Case("figures", question="Which?", mask_key=bytes(32))
    case.add(flow(trace, top=40), flow(trace, top=1), flow(trace, top=40))
    case.add(Finding("One", ("is said",)), Finding("One", ("is denied",)))
    contents = [entry.content for entry in case.log.entries]
    assert [entry.what.endswith("already") for entry in case.log.entries] == [
        False, False, True, False, False,
    ]  # fmt: skip
    assert contents[0] == contents[2]
    assert len(set(contents)) == 4


def test_each_table_is_masked_once_for_an_edition(tmp_path: Path, monkeypatch) -> None:
    """The demo makes three: a draft that shows whom a pseudonym would single out, and the two."""
    seen: Counter[tuple[str, int, str]] = Counter()
    editions: list[Edition] = []
    plain = mask_tables.mask_table

    def counting(rows: Rows, chains: Any, edition: Edition) -> Any:
        if not any(edition is one for one in editions):
            editions.append(edition)
        place = next(number for number, one in enumerate(editions) if one is edition)
        seen[edition.name, place, f"{rows.table.name} {id(rows.frame)}"] += 1
        return plain(rows, chains, edition)

    monkeypatch.setattr(mask_tables, "mask_table", counting)
    list(run_demo(tmp_path / "otter", say=lambda _: None))
    assert set(seen.values()) == {1}
    assert [edition.name for edition in editions] == ["disclosure", "disclosure", "working"]
    assert len(seen) > 60


def test_a_view_is_made_anew_when_the_case_grows(results) -> None:
    case = make().add(results[3])
    first = case.view("working")
    assert case.view("working") is first
    case.add(results[0])
    assert set(case.view("working").tables) > set(first.tables)


VICTIM = """
title: Victims
creator: a test
tags:
- address: "{address}"
  currency: btc-regtest
  label: Mr Smith 12 Baker Street
  concepts: [{concept}]
  source: a file
  lastmod: 2023-06-01
"""


@pytest.mark.parametrize("concept", ["victim", "organization"])
@pytest.mark.parametrize("added", [True, False])
def test_the_name_of_somebody_who_is_masked_is_said_nowhere(
    concept: str, added: bool, results, otter_case, tmp_path: Path
) -> None:
    """Whom value passes through is masked, and so is what a tag calls him: he may be a victim."""
    _, clusters, _, trace, _ = results
    masked = address_in(results, False, trace.steps["target"].drop_nulls().to_list())
    pack = tmp_path / "pack.yaml"
    pack.write_text(VICTIM.format(address=masked, concept=concept), encoding="utf-8")
    tags = otter_case.tags + read_tags(pack)
    found = exposure(trace, tags)
    assert "Mr Smith 12 Baker Street" in found.frame["actor"].to_list()
    assert "Baker" not in repr(found)
    case = make().add(clusters, trace, found, note="Mr Smith 12 Baker Street was asked.")
    if added:
        case.add(tags)
    case.write(tmp_path / "x")
    for name, data in files(tmp_path / "x").items():
        assert b"Baker" not in data, name
    case.write(tmp_path / "whole", edition="working", reason="a test", authority="a court")
    assert "Baker" in (tmp_path / "whole" / "report.html").read_text("utf-8")


def test_a_number_of_32_bytes_that_no_table_shows_is_withheld(results, tmp_path: Path) -> None:
    """It may be a transaction of a masked party that was taken out, or the hash of a script."""
    _, clusters, _, trace, _ = results
    masked = parse(address_in(results, False), "btc-regtest")
    script = script_of(masked)
    secrets = [bytes(range(1, 33)).hex(), hashlib.sha256(script).digest()[::-1].hex(), script.hex()]
    case = make().add(trace, clusters, note=f"asked for {secrets[0]}, 0x{secrets[1]}, {secrets[2]}")
    case.add(cluster(clusters.links.without([clusters.links.frame["txid"][0]])))
    gone = clusters.links.frame["txid"][0]
    case.write(tmp_path / "x")
    for name, data in files(tmp_path / "x").items():
        for secret in (*secrets, gone.hex(), gone[::-1].hex()):
            assert secret.encode() not in data, name


def ids_of(case: Case) -> set[str]:
    """Return the transaction ids that the disclosure edition shows."""
    tables = case.view().tables.values()
    return {
        txid
        for frame in tables
        if "txid" in frame.columns
        for txid in frame["txid"].drop_nulls().to_list()
    } - {"withheld"}


def test_until_somebody_looked_no_transaction_is_shown(results, otter_case) -> None:
    """Its change may be of somebody who is masked: only a ledger tells."""
    case = make().add(*results[:4])
    shown = case.view().tables["steps"]["txid"].unique().to_list()
    assert shown in (["withheld"], [])
    assert ids_of(case) == set()
    case.look_beside(otter_case.ledger)
    assert ids_of(case)
    case.add(results[4])
    assert ids_of(case) == set()


def test_an_address_in_the_name_of_a_table_is_masked_in_the_name_of_its_file(
    results, tmp_path: Path
) -> None:
    masked = address_in(results, False)
    named = Table(masked, (), "A table.", (Column.word("what", "a text"),))
    case = make().add(results[3], results[1])
    case.add(Finding("One", (), named.rows(pl.DataFrame({"what": ["x"]}))))
    case.write(tmp_path / "x")
    assert not [path for path in (tmp_path / "x").rglob("*") if masked in path.name]
    assert masked not in (tmp_path / "x" / "manifest.json").read_text("utf-8")


def test_a_result_may_be_drawn_twice(results, tmp_path: Path) -> None:
    @dataclass(frozen=True, repr=False, eq=False)
    class Twice(FlowFigure):
        def drawings(self):
            return (self, replace(self, title="again"))

    case = make().add(Twice(results[3], None, None, 5, "once"))
    case.write(tmp_path / "x")
    names = sorted(path.name for path in (tmp_path / "x" / "figures").glob("*.svg"))
    assert names == ["flow.svg", "flow_2.svg"]
    assert (tmp_path / "x" / "report.html").read_text("utf-8").count("<figure") == 2
