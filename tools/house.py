"""Write docs/house.md from the first sentences of folders and modules, so that the map is true."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chainwatch"
PAGE = ROOT / "docs" / "house.md"

HEAD = """\
# The house

A folder is an idea of the field; a file is the word that you would look for. A line imports only
what stands in a layer below its own (`.importlinter` has the order, bottom to top below), and no
two modules import each other, however far round.

{questions}

How to add one thing of each kind stands in [CONTRIBUTING](../CONTRIBUTING.md). This page is written
by `tools/house.py`.
"""

QUESTIONS = (
    (
        "What are the facts of a chain? Where would Dash go?",
        "`chains/`, a file each; `chains/catalogue.py` lists them",
    ),
    (
        "What does a column of a ledger mean, and what may it give away?",
        "`ledger/schema.py` ([as a page](data-model.md))",
    ),
    (
        "Where would a new source go?",
        "`sources/`, a folder or file each; `sources/catalogue.py` lists them",
    ),
    (
        "Who may open a connection, and where is it written down?",
        "`net/policy.py`, `net/audit_log.py`",
    ),
    (
        "How do decoded transactions become rows?",
        "`ingest/rows/`",
    ),
    (
        "What happens when a chain is reorganised?",
        "`ingest/reorg.py`",
    ),
    (
        "What is known of an output, and what was not read?",
        "`ledger/coverage.py`",
    ),
    (
        "Where would a rule go, such as one for Dash's mixing?",
        "`heuristics/`",
    ),
    (
        "Why are two addresses one owner?",
        "`clusters/explain.py`",
    ),
    (
        "Where is FIFO?",
        "`tracing/policies.py`",
    ),
    (
        "Where does following stop, and why?",
        "`tracing/stops.py`, `tracing/custody/`",
    ),
    (
        "What can be said of a mix, or of a pool?",
        "`tracing/mixers/`; whether a transaction is one: `heuristics/coinjoin/`",
    ),
    (
        "Where would a typology go, such as one for a kind of crime?",
        "`typologies/`, a family a folder; `catalogue.py` lists them",
    ),
    (
        "Who says what a sentence of the report says?",
        "the result that brings it (`findings` in `tracing/`, `clusters/`), or "
        "`case/findings/` where only a case file's recipe can say it",
    ),
    (
        "Who is masked, and how?",
        "`privacy/`: roles, editions, `masked_view.py` from which all is written",
    ),
    (
        "Where would a question of a case file go?",
        "`case/questions/`, a file each; `case/analyses.py` lists them",
    ),
    (
        "Where would an export go?",
        "`case/exports/`, a file each; `catalogue.py` lists them",
    ),
    (
        "Where is a stranger's text made harmless?",
        "`sanitize.py`",
    ),
)
"""What a stranger asks first, and where it is answered."""


def page() -> str:
    """Return the page as Markdown: the layers bottom to top, each with its modules."""
    rooms = {path.parent for path in PACKAGE.rglob("*.py")}
    named = [line.strip() for line in _layers()]
    asked = "".join(f"\n| {question} | {answer} |" for question, answer in QUESTIONS)
    parts = [HEAD.format(questions=f"| you ask | look into |\n|---|---|{asked}")]
    for layer in reversed(named):
        for name in re.split(r"\s*[|:]\s*", layer):
            parts.append(_room(name.strip("() "), rooms))
    return "".join(parts)


def _layers() -> Iterator[str]:
    """Yield the layers of the linter's contract, top to bottom."""
    lines = (ROOT / ".importlinter").read_text("utf-8").splitlines()
    begin = lines.index("layers =") + 1
    for line in lines[begin:]:
        if not line.startswith("    "):
            return
        yield line


def _room(name: str, rooms: set[Path]) -> str:
    folder = PACKAGE / name
    if folder not in rooms:
        return f"\n## `{name}.py`\n\n{_sentence(folder.with_suffix('.py'))}\n"
    inner = sorted(path for path in rooms if path.is_relative_to(folder))
    return f"\n## `{name}/`\n" + "".join(_modules(one, top=one == folder) for one in inner)


def _modules(folder: Path, *, top: bool) -> str:
    head = f"\n{_sentence(folder / '__init__.py')}\n"
    if not top:
        head = f"\n**`{folder.relative_to(PACKAGE).as_posix()}/`** {head.strip()}\n"
    rows = [
        f"| `{path.name}` | {_sentence(path)} |\n"
        for path in sorted(folder.glob("*.py"))
        if path.name != "__init__.py"
    ]
    table = "\n| file | what it is |\n|---|---|\n" + "".join(rows)
    return head + (table if rows else "")


def _sentence(path: Path) -> str:
    """Return the first sentence of a module, on one line."""
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(doc.split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("tools/house.py takes no arguments")
    PAGE.write_text(page(), encoding="utf-8")
