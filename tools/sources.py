"""Write docs/sources.md from the catalogue of sources, so that the page and the code agree."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from chainwatch.cli.pulling.source_options import option_name
from chainwatch.sources.catalogue import Entry, entries
from chainwatch.sources.parameters import Addresses, Asked, Parameter, Secret

PAGE = Path(__file__).parent.parent / "docs" / "sources.md"

HEAD = """\
# Sources

What is outside becomes rows of a ledger through a source. Each is a command, `chainwatch pull
NAME`, a kind of `[[sources]]` in a case file, and a class in Python; the parameters of the class
are the options of the command and the keys of the table. Values are written alike in both:

* **heights** as `"800000:800100"`, from the first until before the second; either may be left out.
* **bytes** in hexadecimal; **a table** is a TOML file on the command line, and a table in a case
  file.
* **a secret** is never written out, only where it is kept: `env:NAME` or `keyring:SERVICE`. A case
  file, which may be a stranger's, can only name `env:CHAINWATCH_SECRET_...` and
  `keyring:chainwatch...`.
* **addresses** can also come from a file (`--addresses-file`, `addresses_file`) or be all those of
  an extended public key (`--xpub-file`, `xpub_file`; `--xpub` asks for it; with `--gap`, `--kind`
  and `--branch`, or `gap`, `kinds` and `branches`).

Paths of a case file lie inside the data folder. A case file asks no server unless `chainwatch run`
is told so by `--only-hosts HOST` or `--online`. A ledger that exists is used as it is by
`kind = "ledger"` with its `path`, alone. `chainwatch schema` prints the JSON Schema of a case file,
which lies in the package as `case/file/case.schema.json`.

A source of your own is added by one call, before the command line or the case file is read:
`chainwatch.sources.register("my-source", MySource, "Read what I have.")`.

The page is written by `tools/sources.py` from `chainwatch/sources/catalogue.py`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join("\n".join(_section(entry)) + "\n" for entry in entries())


def _section(entry: Entry) -> Iterator[str]:
    yield from ("", f"## {entry.name}", "", entry.sentence, "")
    yield f"In Python: `{entry.place.replace(':', '.')}`."
    for line in entry.text("Examples").split("\n\n"):
        yield from ("", "```sh", line, "```") if line else ()
    yield from ("", "| key | option | value | default | meaning |", "|---|---|---|---|---|")
    yield from map(_row, entry.parameters())
    for heading in ("Notes", "Fails when"):
        if text := entry.text(heading):
            yield from ("", f"*{heading}*: {text}")


def _row(item: Parameter) -> str:
    cells = (f"`{item.name}`", f"`{_option(item)}`", _value(item), _default(item), item.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _option(item: Parameter) -> str:
    asked = item.mark(Asked)
    name = option_name(item)
    return "HOST:PORT" if asked and asked.port else name if name.startswith("--") else name.upper()


def _value(item: Parameter) -> str:
    one = " or ".join(f"`{word}`" for word in item.choices) or item.kind
    if item.mark(Secret):
        one = "place of a secret"
    if item.mark(Addresses):
        one = "address"
    return f"list: {one}" if item.several else f"names, each: {one}" if item.keyed else one


def _default(item: Parameter) -> str:
    if item.required:
        return "required"
    value = str(item.default).lower() if isinstance(item.default, bool) else item.default
    return "" if value is None or value == () else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
