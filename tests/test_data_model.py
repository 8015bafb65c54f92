"""docs/data-model.md says what the schema says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_page_is_the_schema() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "data_model.py"))["page"]()
    assert (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8") == made, (
        "run: python tools/data_model.py"
    )
