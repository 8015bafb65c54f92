"""Write the code lists of goAML from its schema, as an authority publishes it, for the package.

Run: ``python tools/goaml_codes.py ../shared/data/schemas/goAMLSchema-5.0.2.xsd``
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
FILE = ROOT / "chainwatch" / "case" / "exports" / "goaml_codes.csv"

LISTS = ("submission_type", "report_type", "currency_type", "country_type", "conduction_type",
         "funds_type", "account_type", "party_role_type", "report_indicator_type")  # fmt: skip
"""Those of which a report uses codes."""

XS = "{http://www.w3.org/2001/XMLSchema}"


def codes(schema: Path) -> Iterator[str]:
    """Yield the file, line by line."""
    data = schema.read_bytes()
    yield f"# Codes of {schema.name}, SHA-256 {hashlib.sha256(data).hexdigest()}: list, code\n"
    yield "# UNODC's schema goAML 5.0.2, as an authority of the United Arab Emirates has it.\n"
    yield "# Other authorities have other lists.\n"
    yield "# Written by tools/goaml_codes.py.\n"
    root = ElementTree.fromstring(data)  # noqa: S314 - a schema that whoever runs this chose
    for kind in root.iter(f"{XS}simpleType"):
        name = kind.get("name")
        if name in LISTS:
            for one in kind.iter(f"{XS}enumeration"):
                yield f"{name},{one.get('value')}\n"


if __name__ == "__main__":
    FILE.write_text("".join(codes(Path(sys.argv[1]))), encoding="utf-8")
    sys.stdout.write(f"{FILE.name} written\n")
