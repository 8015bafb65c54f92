"""Write the JSON Schema of a case file and its page in docs/ from the models, as they stand."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainwatch.case.analyses import questions, registry, table_of
from chainwatch.case.file.schema import case_schema, schema_text

ROOT = Path(__file__).parent.parent
FILE = ROOT / "chainwatch" / "case" / "file" / "case.schema.json"
PAGE = ROOT / "docs" / "case-file.md"

HEAD = """\
# The case file

A case file is a TOML file that `chainwatch run CASE.toml --out FOLDER` works from its sources to
sealed folders. It is for people who do not program; whatever it says can be typed in Python too.
`examples/` has whole ones. What does not fit is refused with table, key and line, before anything
is read. `chainwatch schema` prints the JSON Schema, which editors complete keys by.

Paths lie inside the data folder (`--data`, `CHAINWATCH_DATA`, or that of the case file). A case
file asks no server unless `--only-hosts HOST` or `--online` allow it.

The least case:

```toml
[case]
name = "mine"
title = "My case"
question = "Where did it go?"

[[sources]]
kind = "ledger"
path = "ledger"

[subjects]
chain = "btc"
addresses = ["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"]
```

**Several chains and assets.** Sources of several chains fill one ledger of the case; a ledger that
exists may hold several too, and stands alone: what lies in several folders is read into one first
(`chainwatch pull`). `[subjects]` and `[asset]` say whom the case follows, and in what;
every `[[also]]` follows further subjects, on the same chain or another, and its sections of the
report name asset and chain. Amounts of two assets are never added.

```toml
[[also]]
[also.subjects]
chain = "eth"
addresses = ["0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a"]
[also.asset]
chain = "eth"
contract = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
symbol = "USDT"
decimals = 6
```

**Questions** are asked by tables of their own, each as often as needed, and answered in the order
of the file behind what the recipe found. An answer reaches the report, its figures and tables, both
editions and the log with its digest, as all results do. The same parameters have the same names in
Python and on the command line.

```toml
[[paths]]                    # from the subjects to whom tags call harbour
target = "harbour"
by = "hops"

[[paths]]
source = ["0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a"]
target = "0x7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b"
chain = "eth"
custody = "deposits"
start = 2023-06-01
end = 2023-10-01

[[mixes]]                    # those that followed value ended in

[[crossings]]                # at bridges that tags name
assets = [[{ chain = "eth" }, { chain = "base" }]]
trace = true                 # and follow the subjects across them

[[account_links]]            # leads
```

Whoever is named as an end of `[[paths]]` is shown in every edition, as subjects are. Nobody is
joined by `[[account_links]]`: they are leads.

A question of your own is one class and one call, before the case file is read:
`chainwatch.case.analyses.register_question("my-question", MyQuestion, "What it finds.")`
(`tests/contract/test_one_more_question.py` is a whole one).

The tables of `[[sources]]` are told on [a page of their own](sources.md). This page is written by
`tools/case_schema.py` from the models.
"""

TABLES = {
    "[case]": "Head", "[case.goaml]": "GoamlSettings",
    "[[tags]]": "TagFiles", "[[statements]]": "StatementFile",
    "[subjects]": "Subjects", "[asset]": "Token", "[follow]": "Follow",
    "[[follow.opened]]": "OpenedEnd", "[[dates]]": "NamedDay", "[[also]]": "Also",
}  # fmt: skip
"""The tables of every case file, in its order, with the model of each."""

KINDS = {"string": "text", "integer": "whole number", "number": "number", "object": "table",
         "boolean": "`true` or `false`"}  # fmt: skip


def page() -> str:
    """Return the page as Markdown."""
    defined = case_schema()["$defs"]
    asked = {f"[[{table_of(line)}]]": line.load().__name__ for line in questions.lines}
    parts = [HEAD, "\n## Tables of every case file\n"]
    parts += [_section(*one, defined) for one in TABLES.items()]
    parts += ["\n## Questions\n"]
    parts += [_section(*one, defined) for one in asked.items()]
    parts += ["\n## Analyses by name\n\n", *_analyses()]
    return "".join(parts)


def _analyses() -> Iterator[str]:
    yield "`analyses` in `[case]` lists them.\n\n| name | what it finds |\n|---|---|\n"
    for name in registry.names():
        yield f"| `{name}` | {registry.line(name).sentence} |\n"


def _section(table: str, model: str, defined: dict[str, Any]) -> str:
    made = defined[model]
    told = re.sub(r"``", "`", str(made["description"])).strip()
    needed = set(made.get("required", ()))
    rows = (_row(name, one, name in needed) for name, one in made["properties"].items())
    head = "| key | value | default | meaning |\n|---|---|---|---|\n"
    return f"\n### `{table}`\n\n{told}\n\n{head}{''.join(rows)}"


def _row(name: str, one: dict[str, Any], needed: bool) -> str:
    default = "required" if needed else _default(one.get("default"))
    cells = (f"`{name}`", _value(one), default, str(one["description"]))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(value: object) -> str:
    return "" if value in (None, "", []) else f"`{json.dumps(value)}`"


def _value(one: dict[str, Any]) -> str:
    """Return what may be written, in words."""
    if "enum" in one:
        return " or ".join(f"`{json.dumps(item)}`" for item in one["enum"])
    if "const" in one:
        return f"`{json.dumps(one['const'])}`"
    if "anyOf" in one:
        return " or ".join(_value(way) for way in one["anyOf"])
    if "$ref" in one:
        return "table"
    if one["type"] == "array":
        return f"list: {_value(one['items'])}"
    if one.get("format") == "date":
        return "day"
    return KINDS[one["type"]]


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{FILE.name} and {PAGE.name} written\n")
