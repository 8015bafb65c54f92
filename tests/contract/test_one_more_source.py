"""One more source is one class and one call: everything else finds it, and nothing is touched."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import regtest_chain

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.case.file.model import parse_case
from chainwatch.case.file.schema import case_schema
from chainwatch.case.recipes.run import run_case
from chainwatch.cli import app
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources import catalogue, register

ROOT = Path(__file__).resolve().parents[2]

FILE = '''
"""Blocks that lie in a text, in hexadecimal, one a line."""

from pathlib import Path
from typing import Annotated, Literal

from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.parameters import Argument, AtLeast, OnlyInPython, Option


class HexLines:
    """Blocks in hexadecimal as a source.

    Parameters
    ----------
    path : path
        A text with one block a line.
    chain : str
        Alias or CAIP-2 id.
    most : int
        Blocks that are read.
    order : str
        Which end comes first.
    clock : callable, optional
        For tests alone.

    Examples
    --------
    chainwatch pull hex-lines blocks.txt --ledger ledger

    Fails when
    ----------
    The text was cut between two lines.
    """

    name = "hex_lines"

    def __init__(
        self, path: Annotated[Path, Argument()], *, chain: str = "btc",
        most: Annotated[int, Option("--at-most"), AtLeast(1)] = 1000,
        order: Literal["rising", "falling"] = "rising",
        clock: Annotated[object, OnlyInPython()] = None,
    ) -> None:
        lines = path.read_text().split()[:most]
        made = path.with_suffix(".dat")
        made.write_bytes(b"".join(map(bytes.fromhex, lines)))
        self._blocks = BlockFiles(made, chain)
        self.order = order

    @property
    def chain(self) -> str:
        return self._blocks.chain

    def batches(self, reader):
        return self._blocks.batches(reader)
'''

CASE = """
[case]
name = "more"
title = "One more source"
question = "Where to?"
[[sources]]
kind = "hex-lines"
path = "blocks.txt"
chain = "btc-regtest"
most = 5
[subjects]
chain = "btc-regtest"
addresses = ["SUBJECT"]
"""

SENTENCE = "Read blocks that were written out in hexadecimal."

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Register a source that lies in one file outside of the package, as long as a test runs."""
    (tmp_path / "hex_lines.py").write_text(FILE)
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    register("hex-lines", "hex_lines:HexLines", SENTENCE)
    yield
    sys.modules.pop("hex_lines", None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    blocks = regtest_chain.Chain().grow(11).blocks
    lines = [regtest_chain.framed(block).hex() for block in blocks]
    (tmp_path / "blocks.txt").write_text("\n".join(lines))

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chainwatch", *map(str, arguments)])
        status = 0
        try:
            app.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return called


def test_the_command_line_lists_it_without_loading_it(run: Run) -> None:
    status, out, _ = run("pull", "--help")
    assert status == 0
    assert re.search(r"hex-lines +Read blocks that were written out", out)
    assert "hex_lines" not in sys.modules


def test_its_options_and_its_docstring_are_its_help(run: Run) -> None:
    status, out, _ = run("pull", "hex-lines", "--help")
    said = " ".join(out.split())
    assert status == 0
    for words in (
        SENTENCE, "A text with one block a line.", "--at-most", "Blocks that are read.",
        "x>=1", "--order", "Which end comes first.", "--chain", "--ledger",
        "Example: chainwatch pull hex-lines blocks.txt", "Fails when: The text was cut",
    ):  # fmt: skip
        assert words in said, words
    assert "--clock" not in said
    assert "--follow" not in said


def test_pulling_by_the_command_line(run: Run, tmp_path: Path) -> None:
    given = ("pull", "hex-lines", "blocks.txt", "--ledger", "l", "--chain", "btc-regtest")
    status, out, err = run(*given, "--at-most", "3", "--order", "falling")
    assert (status, err) == (0, "")
    assert "pull from hex_lines" in out
    assert "nothing failed" in out
    assert open_ledger(tmp_path / "l").blocks.collect().height == 3
    assert run(*given, "--order", "sideways")[0] == 2
    assert run(*given, "--at-most", "0")[0] == 2


def test_a_case_file(run: Run, tmp_path: Path) -> None:
    subject = canonical.text(classify(regtest_chain.p2pkh(1)).address or b"", "btc-regtest")
    (tmp_path / "more.toml").write_text(CASE.replace("SUBJECT", subject))
    report = run_case(tmp_path / "more.toml", tmp_path / "out")
    assert open_ledger(report.folder / "ledger").blocks.collect().height == 5
    case = {
        "case": {"name": "x", "title": "X", "question": "?"},
        "sources": [{"kind": "hex-lines", "path": "blocks.txt", "mots": 5}],
        "subjects": {"chain": "btc", "addresses": ["x"]},
    }
    with pytest.raises(CaseError, match=r"unknown key 'mots' .* perhaps 'most' is meant"):
        parse_case(case, where="x.toml")


def test_the_schema_and_the_page() -> None:
    made = case_schema()["$defs"]["HexLines"]
    assert made["description"] == SENTENCE
    assert made["properties"]["kind"]["const"] == "hex-lines"
    assert made["properties"]["most"]["minimum"] == 1
    assert made["properties"]["order"]["enum"] == ["rising", "falling"]
    assert "clock" not in made["properties"]
    assert "HexLines" in json.dumps(case_schema()["properties"]["sources"])
    page = runpy.run_path(str(ROOT / "tools" / "sources.py"))["page"]()
    assert "## hex-lines" in page
    assert SENTENCE in page
    assert "| `most` | `--at-most` | integer | `1000` | Blocks that are read. |" in page


def test_afterwards_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    assert "hex-lines" not in {line.name for line in catalogue.entries()}
    assert "HexLines" not in case_schema()["$defs"]
    assert importlib.util.find_spec("chainwatch.sources.hex_lines") is None
