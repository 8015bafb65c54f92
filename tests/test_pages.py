"""Pages that are made of the code say what the code says."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator

from chainwatch.case.file.model import parse_case
from chainwatch.case.file.schema import case_schema

ROOT = Path(__file__).parent.parent


def test_the_page_is_the_schema() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "data_model.py"))["page"]()
    assert (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8") == made, (
        "run: python tools/data_model.py"
    )


def test_the_page_of_the_case_file_is_of_its_models() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "case_schema.py"))["page"]()
    text = (ROOT / "docs" / "case-file.md").read_text(encoding="utf-8")
    assert text == made, "run: python tools/case_schema.py"
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    whole = [one for one in blocks if "[case]" in one]
    more = [one for one in blocks if one not in whole]
    assert (len(whole), len(more)) == (4, 4)
    for said in (*whole, "\n".join([whole[0], *more])):
        _fits(said, "the page")


def test_case_files_in_all_pages_fit_the_schema_and_the_model() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = [
        (page, block)
        for page in pages
        for block in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        if "[case]" in block
    ]
    assert len(found) >= 4
    for page, block in found:
        _fits(block, page.name)


def _fits(said: str, where: str) -> None:
    table = tomllib.loads(said)
    assert parse_case(table, where=where, text=said).case.name
    plain = json.loads(json.dumps(table, default=str))
    assert not list(Draft202012Validator(case_schema()).iter_errors(plain)), where


def test_the_map_is_of_the_house() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "house.py"))["page"]()
    assert (ROOT / "docs" / "house.md").read_text(encoding="utf-8") == made, (
        "run: python tools/house.py"
    )
    modules = {path.name for path in (ROOT / "chainwatch").rglob("*.py")}
    modules -= {"__init__.py", "__main__.py"}
    assert {name for name in modules if f"`{name}`" not in made} == set()
