"""The example in the help of a command runs as it stands, on what the demo leaves."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from chainwatch.cli import app
from chainwatch.cli.demo import run_demo

Run = Callable[..., tuple[int, str, str]]


def commands(group: Any, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield every command, as the words by which it is called."""
    for name in group.list_commands(None):
        found = group.get_command(None, name)
        if hasattr(found, "list_commands"):
            yield from commands(found, *before, name)
        else:
            yield (*before, name)


ALL = sorted(commands(typer.main.get_command(app.app)))
ACCOUNTS = (("meanings",), ("pools",), ("through-swaps",))
"""The demo leaves coins; these look at accounts: tests/cli/test_account_commands.py."""
OF_BUNDLES = (("replay",), ("sign",), ("timestamp",))
"""They work on a bundle, or with a key: tests/cli/test_bundle_commands.py."""

ASKING = (
    ("resolve",),
    *OF_BUNDLES,
    *ACCOUNTS,
    *(one for one in ALL if one[0] == "pull" and one[1] != "block-files"),
)
OFFLINE = [one for one in ALL if one not in ASKING]
"""Others need a server, a node or somebody's table: tests/cli/test_pull_commands.py."""

NEEDS = {("health", "release"): "opendp", ("health", "warn"): "scipy"}
"""Packages without which a command does not run."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "otter"
    for _ in run_demo(folder, say=lambda line: None):
        pass
    return folder


def example(run: Run, *words: str) -> list[str]:
    """Return the words of the example of a command, behind the name of the program."""
    said = " ".join(run(*words, "--help")[1].split())
    found = re.search(rf"Example: chainwatch ({' '.join(words)}\b.*?) (Arguments|Options):", said)
    assert found, f"the help of {' '.join(words)} has no example"
    return shlex.split(found[1].split(" Fails when: ")[0])


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_an_example(run: Run, words: tuple[str, ...]) -> None:
    assert example(run, *words)[: len(words)] == list(words)


@pytest.mark.parametrize("words", OFFLINE, ids=" ".join)
def test_an_example_runs_on_what_the_demo_leaves(
    run: Run, tmp_path: Path, demo: Path, words: tuple[str, ...]
) -> None:
    _check_example(run, tmp_path, demo, words)


def test_the_example_of_new_runs_where_another_folder_of_data_is_named(
    run: Run, tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("CHAINWATCH_DATA", str(tmp_path / "elsewhere"))
    _check_example(run, tmp_path, demo, ("new",))


def _check_example(run: Run, tmp_path: Path, demo: Path, words: tuple[str, ...]) -> None:
    if words in NEEDS:
        pytest.importorskip(NEEDS[words], reason=f"{NEEDS[words]} is not installed")
    if words != ("demo",):
        shutil.copytree(demo, tmp_path / "out" / "otter")
    asked, _, file = " ".join(map(shlex.quote, example(run, *words))).partition(" '>' ")
    status, said, told = run(*shlex.split(asked))
    assert status == 0, told
    assert said or told
    assert "No route was found" not in said, "an example shows what the command is for"
    assert not file or file.endswith(".json")
