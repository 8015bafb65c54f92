"""Write chainwatch/case/file/case.schema.json from the catalogue, so that they cannot differ."""

from __future__ import annotations

import sys
from pathlib import Path

from chainwatch.case.file.schema import schema_text

FILE = Path(__file__).parent.parent / "chainwatch" / "case" / "file" / "case.schema.json"

if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{FILE.name} written\n")
