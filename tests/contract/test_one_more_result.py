"""A kind of result and an export are one file each: nothing else needs to know of them.

This file is that file: it stands outside the package, and what it makes reaches the log with its
digest, the report, the tables and the annex of both editions, and every format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.case.exports import catalogue as exports
from chainwatch.errors import CaseError
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.table import TXID, Column, Rows, Table

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


def export_names_list(view: MaskedView, folder: Path) -> None:
    """Write the names of all tables: a format that the package has never heard of."""
    (folder / "names.txt").write_text("\n".join(sorted(view.tables)), encoding="utf-8")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[cw.Case, Path]:
    monkeypatch.setattr(exports, "_known", list(exports.EXPORTS))
    exports.register("names", export_names_list, "a text editor")
    case = cw.Case("gifts", "Who gave?", mask_key=bytes(16)).add(gifts(3), note="Look.")
    case.write(tmp_path / "disclosure")
    case.write(tmp_path / "working", edition="working", reason="a test")
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
    assert found._repr_html_() == "<pre>Gifts(2 gifts)</pre>"


def test_two_formats_of_one_name_are_refused() -> None:
    with pytest.raises(CaseError, match="an export 'tables' already; give it another name"):
        exports.register("tables", export_names_list, "nothing")
