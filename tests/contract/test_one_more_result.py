"""A kind of result and an export are one file each: nothing else needs to know of them.

This file is that file: it stands outside the package, and what it makes reaches the log with its
digest, the report, the tables and the annex of both editions, and every format.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import regtest_chain

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.addresses.scripts import classify
from chainwatch.case import analyses
from chainwatch.case.exports import catalogue as exports
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.file.schema import case_schema
from chainwatch.case.registry import Line
from chainwatch.cli import app
from chainwatch.errors import CaseError
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.table import TXID, Column, Rows, Table
from chainwatch.sanitize import preformatted

GIFTS = Table(
    "gifts",
    ("giver", "txid"),
    "Gifts of one address to others.",
    (
        Column.party("giver", "who gives"),
        Column.party("taker", "who is given"),
        TXID,
        Column.amount("amount", "how much"),
        Column.text("words", "what stood beside it"),
    ),
)


CASE = """\
[case]
name = "gifts"
title = "Gifts"
question = "Who gave?"
editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "a court"
analyses = ["gifts"]

[[sources]]
kind = "block-files"
paths = ["blk.dat"]
chain = "btc-regtest"

[subjects]
chain = "btc-regtest"
addresses = ["{address}"]
"""


def main(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["chainwatch", *command])
    try:
        app.main()
    except SystemExit as stop:
        if stop.code:
            raise


@dataclass(frozen=True, repr=False, eq=False)
class Gifts(Result):
    """A kind of result that the package has never heard of."""

    frame: pl.DataFrame
    asset: Asset

    def tables(self) -> Mapping[str, Rows]:
        return {"gifts": GIFTS.rows(self.frame)}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        rows = GIFTS.pick("giver", "amount", name="gifts_by_giver").rows(
            self.frame.select("giver", "amount")
        )
        words = f"{self.frame.height} gifts were found."
        return (Finding("Gifts", (words,), rows, self.asset, ("A loan looks alike.",), words),)

    def roles(self) -> Roles:
        return Roles(
            spreading=dict.fromkeys(parties_of(self.frame, "giver", self.asset.chain), SUBJECT)
        )


def address(number: int) -> bytes:
    return b"\x03" + bytes([number]) * 20


@recorded
def gifts(givers: int) -> Gifts:
    """Find gifts."""
    rows = [
        (address(1), address(100 + n), bytes([n]) * 32, 1_234_567, "for Jane")
        for n in range(givers)
    ]
    return Gifts(GIFTS.frame(rows), native("btc"))


def export_names_list(case: ShownCase, folder: Path) -> None:
    """Write the names of all tables: a format that the package has never heard of."""
    (folder / "names.txt").write_text("\n".join(sorted(case.view.tables)), encoding="utf-8")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[cw.Case, Path]:
    monkeypatch.setattr(exports.registry, "lines", list(exports.EXPORTS))
    exports.register("names", export_names_list, "a text editor")
    case = cw.Case("gifts", "Who gave?", mask_key=bytes(16)).add(gifts(3), note="Look.")
    wanted = ("graphml", "tables", "names")
    case.write(tmp_path / "disclosure", exports=wanted)
    case.write(
        tmp_path / "working", edition="working", reason="a test", authority="a court",
        exports=wanted,
    )  # fmt: skip
    case.write_annex(tmp_path / "annex")
    return case, tmp_path


def test_its_digest_stands_in_the_log_and_it_is_added_once(written: tuple[cw.Case, Path]) -> None:
    case, folder = written
    first = json.loads((folder / "working" / "log.jsonl").read_text("utf-8").splitlines()[0])
    assert (first["what"], first["why"]) == ("add gifts", "Look.")
    assert first["content"] == gifts(3).digest != gifts(2).digest
    assert len(case.add(gifts(3)).results) == 1
    assert "gifts(givers=3)" in gifts(3).lineage()


def test_both_editions_hold_its_table_each_by_the_class_of_its_columns(
    written: tuple[cw.Case, Path],
) -> None:
    masked, whole = (
        pl.read_csv(written[1] / edition / "tables" / "gifts.csv", infer_schema=False)
        for edition in ("disclosure", "working")
    )
    giver = text(address(1), "btc")
    assert whole.height == 3
    assert set(whole["giver"]) == {giver} == set(masked["giver"])
    assert text(address(100), "btc") in whole["taker"].to_list()
    told = masked.write_csv()
    for secret in (text(address(100), "btc"), "Jane", bytes([1] * 32).hex(), "1234567"):
        assert secret not in told


def test_its_finding_is_in_the_report_and_on_the_first_page(written: tuple[cw.Case, Path]) -> None:
    for edition in ("disclosure", "working"):
        page = (written[1] / edition / "report.html").read_text("utf-8")
        assert page.count("3 gifts were found.") == 2
        assert "A loan looks alike." in page
        assert (written[1] / edition / "tables" / "gifts_by_giver.csv").is_file()


def test_the_format_is_written_named_and_sealed(written: tuple[cw.Case, Path]) -> None:
    for edition in ("disclosure", "working"):
        folder = written[1] / edition
        assert (folder / "names.txt").read_text("utf-8") == "gifts\ngifts_by_giver"
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["exports"] == ["graphml", "names", "tables"]
        assert "names.txt" in {item["path"] for item in manifest["files"]}
        cw.verify(folder)


def test_what_is_masked_stands_in_the_annex(written: tuple[cw.Case, Path]) -> None:
    key = pl.read_csv(written[1] / "annex" / "pseudonyms.csv")
    assert set(key["address"]) == {text(address(100 + n), "btc") for n in range(3)}


def test_it_has_what_every_result_has() -> None:
    found = gifts(2)
    assert found.plain()["amount_coins"].to_list() == ["0.01234567"] * 2
    assert repr(found) == "Gifts(2 gifts)"
    assert found._repr_html_() == preformatted("Gifts(2 gifts)")


def test_registering_again_changes_nothing_and_another_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cell of a notebook is run twice."""
    monkeypatch.setattr(exports.registry, "lines", list(exports.EXPORTS))
    monkeypatch.setattr(analyses.registry, "lines", list(analyses.ANALYSES))
    for _ in range(2):
        exports.register("names", export_names_list, "a text editor")
        analyses.register("gifts", "elsewhere:gifts", "Who gave.")
    assert exports.registry.names() == sorted(["names", *(one.name for one in exports.EXPORTS)])
    assert analyses.registry.names() == ["gifts", "meanings", "net-changes", "tag-hits"]
    for wrong in ("x y", "A", ""):
        with pytest.raises(CaseError, match="write small letters"):
            exports.register(wrong, export_names_list, "nothing")
        with pytest.raises(CaseError, match="write small letters"):
            analyses.register(wrong, "a:b", "Something.")


def test_a_result_that_would_print_everything_is_refused() -> None:
    @dataclass(frozen=True)
    class Loud(Gifts):
        """Its generated repr shows the frame in clear."""

    @recorded
    def loud() -> Loud:
        return Loud(GIFTS.empty(), native("btc"))

    with pytest.raises(TypeError, match="repr=False, as every"):
        loud()


def test_two_formats_of_one_name_are_refused() -> None:
    with pytest.raises(CaseError, match="an export 'tables' already; give it another name"):
        exports.register("tables", export_names_list, "nothing")


def test_a_case_file_asks_for_it_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the command line, with nothing touched but the one call of ``register``."""
    monkeypatch.setattr(analyses.registry, "lines", list(analyses.ANALYSES))
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)  # a relative path is then the file's own
    (tmp_path / "blk.dat").write_bytes(regtest_chain.framed(*regtest_chain.Chain().grow(6).blocks))
    payee = classify(regtest_chain.p2pkh(2)).address
    assert payee is not None
    (tmp_path / "case.toml").write_text(
        CASE.format(address=text(payee, "btc-regtest")), encoding="utf-8"
    )
    command = ["run", str(tmp_path / "case.toml"), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="1"):
        main(monkeypatch, command)
    said = capsys.readouterr().err
    assert "'analyses' in [case] is 'gifts'" in said
    assert 'write "meanings" or "net-changes" or "tag-hits"' in said
    analyses.register("gifts", lambda ledger, subjects, tags: gifts(3), "Who gave what to whom.")
    assert "gifts" in str(case_schema()["$defs"]["Head"]["properties"]["analyses"])
    main(monkeypatch, command)
    assert "3 gifts were found." in capsys.readouterr().out
    for edition in ("disclosure", "working"):
        assert (tmp_path / "out" / edition / "tables" / "gifts.csv").is_file()
        assert "3 gifts were found." in (tmp_path / "out" / edition / "report.html").read_text()


@pytest.mark.parametrize("line", analyses.ANALYSES, ids=lambda line: line.name)
def test_the_text_of_an_analysis_leads_to_its_verb(line: Line) -> None:
    assert str(line.target).startswith("chainwatch.")
    assert list(inspect.signature(line.load()).parameters) == ["ledger", "subjects", "tags"]


def test_analyses_are_refused_twice_and_unknown() -> None:
    with pytest.raises(CaseError, match="an analysis 'tag-hits' already"):
        analyses.register("tag-hits", "nowhere:nothing", "Nothing.")
    with pytest.raises(CaseError, match='no analysis \'lost\'; write "meanings" or "net'):
        analyses.registry.line("lost")
