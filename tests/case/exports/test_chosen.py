"""Which formats a case writes: by default, as asked for, and never one that there is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shown_cases import GOAML, token_case

from chainwatch.case.exports.catalogue import DEFAULT, chosen, registry
from chainwatch.case.file.model import parse_case
from chainwatch.case.recipes.run import _with_exports
from chainwatch.errors import CaseError


def table(**head: Any) -> dict[str, Any]:
    return {
        "case": {"name": "x", "title": "X", "question": "?", **head},
        "sources": [{"kind": "ledger", "path": "ledger"}],
        "subjects": {"chain": "btc", "addresses": ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"]},
    }


def test_a_case_is_written_in_the_formats_asked_for(tmp_path: Path) -> None:
    folder = token_case().write(
        tmp_path / "out", exports=("case-uco", "goaml"), settings={"goaml": GOAML}
    )
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["exports"] == ["case-uco", "goaml"]
    assert (folder / "goaml" / "report.xml").is_file()
    assert (folder / "case-uco" / "case.jsonld").is_file()
    assert not (folder / "tables").exists()
    assert not (folder / "graph").exists()
    listed = {one["path"] for one in manifest["files"]}
    assert {"goaml/report.xml", "case-uco/case.jsonld"} <= listed


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match='there is no export \'pdf\'; write "case-tags" or "case-u'):
        token_case().write(tmp_path / "out", exports=("pdf",))
    assert list(tmp_path.iterdir()) == []


def test_each_format_is_written_once_in_one_order() -> None:
    assert [line.name for line in chosen(["tables", "stix", "tables"])] == ["stix", "tables"]
    assert set(DEFAULT) <= set(registry.names())


def test_a_case_file_names_them() -> None:
    assert parse_case(table(), where="x").case.exports == DEFAULT
    assert parse_case(table(exports=["stix"]), where="x").case.exports == ("stix",)
    with pytest.raises(CaseError, match=r"exports.*case-uco"):
        parse_case(table(exports=["pdf"]), where="x")


def test_a_goaml_report_is_told_what_no_chain_says_or_refused_at_once() -> None:
    with pytest.raises(CaseError, match=r"give \[case.goaml\] with rentity_id"):
        parse_case(table(exports=["goaml"]), where="x")
    told = parse_case(table(exports=["goaml"], goaml=dict(GOAML)), where="x")
    assert told.case.goaml is not None
    assert told.case.goaml.rentity_id == 7
    with pytest.raises(CaseError, match="rentity_id"):
        parse_case(table(goaml={**GOAML, "rentity_id": "seven"}), where="x")


def test_the_command_line_adds_to_the_case_file() -> None:
    config = parse_case(table(exports=["tables"]), where="x")
    assert _with_exports(config, ["stix", "tables"]).case.exports == ("tables", "stix")
    with pytest.raises(CaseError, match="there is no export"):
        _with_exports(config, ["pdf"])
    with pytest.raises(CaseError, match=r"case.goaml.*write it into the case file"):
        _with_exports(config, ["goaml"])
