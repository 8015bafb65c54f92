"""The house rules that a machine can check: cheap import, small parts, plain names, no traces."""

from __future__ import annotations

import ast
import json
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "chainwatch"
MODULES = sorted(PACKAGE.rglob("*.py"))
TOOLS = sorted((ROOT / "tools").glob("*.py"))

IMPORT_SECONDS = 0.4
"""Time of `import chainwatch` on an idle machine: a notebook or a command answers at once."""

ENGINE = "polars, narwhals.stable.v2"
"""What it cannot do without."""

HEAVY = ("matplotlib.pyplot", "numba", "web3", "bitcoinlib", "networkx", "deltalake", "typst",
         "sklearn")  # fmt: skip
"""Packages that load on use only: each is slow, or does something when imported."""

MODULE_LINES, FUNCTION_LINES, FOLDER_MODULES = 450, 60, 18
FORBIDDEN_NAMES = re.compile(
    r"Manager|Service(?!s?[a-z])|Helper|(^|_)(utils?|helpers?|manager)($|_)"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def definitions(tree: ast.Module) -> Iterator[Definition]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Definition))


def run(code: str, **environment: str) -> str:
    """Run code in a fresh Python without touching the tree, and return what it printed."""
    command = [sys.executable, "-B", "-c", code]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    made = subprocess.run(
        command, env=surroundings, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return made.stdout


def import_seconds(names: str) -> float:
    clock = f"import time; begun = time.perf_counter(); import {names}"
    return float(run(f"{clock}; print(time.perf_counter() - begun)"))


def test_import_is_quick() -> None:
    pairs = [(import_seconds("chainwatch"), import_seconds(ENGINE)) for _ in range(5)]
    ours, engine = (statistics.median(column) for column in zip(*pairs, strict=True))
    # A loaded machine slows both; ours may then cost as much again as the engine alone, no more.
    assert ours < max(IMPORT_SECONDS, 2 * engine), f"{ours:.2f} s, of which {ENGINE} {engine:.2f} s"


def test_import_loads_nothing_heavy() -> None:
    code = "import json, sys, chainwatch; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(run(code)))
    assert "chainwatch" in loaded
    assert not loaded.intersection(HEAVY)


AUDIT = """
import json, os, sys
seen = []
def hear(event, arguments):
    name = event.split(".")[0]
    if name == "open":
        mode, flags = arguments[1], arguments[2]
        writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        if writing or set(mode or "") & set("wax+"):
            seen.append(f"{event} {arguments[0]}")
    elif name in ("socket", "ssl", "urllib", "webbrowser", "subprocess") and "." in event:
        if event != "socket.gethostname":
            seen.append(event)
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.system", "os.posix_spawn", "os.fork"):
        seen.append(f"{event} {arguments[:1]}")
sys.addaudithook(hear)
CODE
print(json.dumps(seen))
"""


def test_import_opens_no_socket_and_writes_nothing(tmp_path: Path) -> None:
    code = AUDIT.replace("CODE", "import chainwatch")
    assert json.loads(run(code, HOME=str(tmp_path), USERPROFILE=str(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "deed",
    ["import socket; socket.socket()", "open(os.path.expanduser('~/x'), 'w')", "os.mkdir('y')"],
)
def test_the_audit_hears(deed: str, tmp_path: Path) -> None:
    code = AUDIT.replace("CODE", f"os.chdir({str(tmp_path)!r}); {deed}")
    assert json.loads(run(code, HOME=str(tmp_path)))


def test_modules_are_short() -> None:
    lines = {place(path): len(path.read_text("utf-8").splitlines()) for path in [*MODULES, *TOOLS]}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}


def test_folders_are_small() -> None:
    """A folder with more modules has a room too few."""
    rooms = Counter(place(path.parent) for path in MODULES)
    assert {name: count for name, count in rooms.items() if count > FOLDER_MODULES} == {}


def test_functions_are_short() -> None:
    long = {
        f"{place(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in [*MODULES, *TOOLS]
        for node in definitions(parsed(path))
        if isinstance(node, Function)
    }
    assert {name: count for name, count in long.items() if count > FUNCTION_LINES} == {}


def public_definitions(tree: ast.Module) -> Iterator[Definition]:
    """Yield what a reader may use: public functions and classes, and their public methods."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                methods = (part for part in node.body if isinstance(part, Function))
                yield from (part for part in methods if not part.name.startswith("_"))


def is_shape(node: Definition) -> bool:
    """Tell a signature without a body, as in an overload or a protocol."""
    return isinstance(node, Function) and [ast.unparse(part) for part in node.body] == ["..."]


def test_what_is_public_is_documented() -> None:
    bare = [place(path) for path in [*MODULES, *TOOLS] if not ast.get_docstring(parsed(path))]
    bare += [
        f"{place(path)}:{node.lineno} {node.name}"
        for path in [*MODULES, *TOOLS]
        for node in public_definitions(parsed(path))
        if not ast.get_docstring(node) and not is_shape(node)
    ]
    assert bare == []


def exported(tree: ast.Module) -> list[str] | None:
    """Return `__all__` as written, or None where there is none."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            return [str(name) for name in ast.literal_eval(value)] if value else None
    return None


def offered(tree: ast.Module, *, package: bool) -> set[str]:
    """Return the public names a module defines; a package also offers what it imports of ours."""
    names = {node.name for node in tree.body if isinstance(node, Definition)}
    if package:
        names |= {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chainwatch")
            for alias in node.names
        }
    return {name for name in names if not name.startswith("_")}


def rank(name: str) -> tuple[int, str]:
    """Order names as the linter does: constants, classes, the rest."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


def test_lists_of_exports_are_sorted_and_complete() -> None:
    wrong = {}
    for path in MODULES:
        tree = parsed(path)
        if path == PACKAGE / "__init__.py":
            continue  # its list is the stub: tests/test_api.py
        names = exported(tree)
        if names is None:
            continue
        if names != sorted(names, key=rank) or len(set(names)) != len(names):
            wrong[place(path)] = "not sorted, or a name twice"
        missing = offered(tree, package=path.name == "__init__.py") - set(names)
        if missing:
            wrong[place(path)] = f"lacks {sorted(missing)}"
    assert wrong == {}


def test_every_exported_name_is_there() -> None:
    code = (
        "import chainwatch, json; "
        "names = getattr(chainwatch, '__all__', []); "
        "print(json.dumps([name for name in names if not hasattr(chainwatch, name)]))"
    )
    assert json.loads(run(code)) == []


def test_names_are_plain() -> None:
    names = {place(path): path.stem for path in [*MODULES, *TOOLS]}
    for path in [*MODULES, *TOOLS]:
        names |= {f"{place(path)}:{node.lineno}": node.name for node in definitions(parsed(path))}
    assert {where: name for where, name in names.items() if FORBIDDEN_NAMES.search(name)} == {}


@pytest.mark.parametrize("name", ["TagManager", "Service", "HttpHelper", "utils", "text_utils"])
def test_the_name_check_bites(name: str) -> None:
    assert FORBIDDEN_NAMES.search(name)


def test_the_name_check_knows_the_words_of_the_field() -> None:
    assert not FORBIDDEN_NAMES.search("hosted_service")


def kept_files() -> list[Path]:
    """Return what git keeps or would keep; of a plain copy, everything outside hidden folders."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        said = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in said.split("\0") if name]
    else:
        left_out = {".venv", "out", "dist", "__pycache__"}
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        paths = [ROOT / path for path in found if not left_out.intersection(path.parts)]
        paths = [path for path in paths if "cache" not in str(path.relative_to(ROOT))]
    return [path for path in paths if path.is_file()]


def joined(*parts: str, by: str) -> str:
    """Spell a word that must not stand in any file, this one included."""
    return by.join(parts)


def foreign_words() -> dict[str, re.Pattern[str]]:
    """Return what belongs to a machine or a registry and never into the project."""
    hosts = [("py" + "pi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org")]
    hosts += [("deb", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org")]
    index = re.match(r"\w+://(?:[^/@]*@)?([^/:]+)", os.environ.get("PIP_INDEX_URL", ""))
    words = [re.escape(joined(*parts, by=".")) for parts in hosts]
    words += [re.escape(index[1])] if index else []
    homes = rf"(?<![\w.~-])/(?:home|{'Us' + 'ers'}|{'ro' + 'ot'}|{'wo' + 'rk'})/\w"
    folder = re.escape(str(ROOT)) + r"(?!\w)" if len(ROOT.parts) > 2 else r"(?!)"
    return {
        "a registry's host": re.compile("|".join(words)),
        "a machine's path": re.compile(f"{homes}|{folder}"),
    }


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in kept_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        for what, pattern in foreign_words().items():
            match = pattern.search(text)
            if match:
                line = text[: match.start()].count("\n") + 1
                found.append(f"{place(path)}:{line} {what}: {match[0]}")
    assert found == []


def test_only_the_ci_script_knows_where_data_lies() -> None:
    word = joined("shared", "data", by="/")
    holders = {place(path) for path in kept_files() if word.encode() in path.read_bytes()}
    assert holders <= {".ci/run"}
