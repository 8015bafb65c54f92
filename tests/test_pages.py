"""Pages that are made of the code say what the code says."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

from chainwatch.case.file.model import parse_case

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
    least, *more = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(more) == 2
    for said in (least, "\n".join([least, *more])):
        assert parse_case(tomllib.loads(said), where="the page").case.name == "mine"


def test_the_map_is_of_the_house() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "house.py"))["page"]()
    assert (ROOT / "docs" / "house.md").read_text(encoding="utf-8") == made, (
        "run: python tools/house.py"
    )
    modules = {path.name for path in (ROOT / "chainwatch").rglob("*.py")}
    modules -= {"__init__.py", "__main__.py"}
    assert {name for name in modules if f"`{name}`" not in made} == set()
