"""The catalogue of sources: complete, in order, of its layer, and told by each source itself."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest

from chainwatch import sources
from chainwatch.errors import InputError
from chainwatch.ingest.protocol import Source
from chainwatch.sources import catalogue
from chainwatch.sources.bitcoinlib_provider import requests
from chainwatch.sources.bitcoinlib_provider import source as bitcoinlib_provider
from chainwatch.sources.catalogue import ENTRIES, Entry, entry, register
from chainwatch.sources.documentation import parameter_texts, plain, sections
from chainwatch.sources.parameters import OnlyInPython, parameters_of

ROOT = Path(__file__).resolve().parents[2]

NAMES = (
    "bitcoinlib", "block-files", "electrum", "esplora", "etl", "evm", "explorer", "node-folder",
    "price-server", "prices", "rest", "rpc", "table", "transfers", "tron-node", "trongrid",
)  # fmt: skip
"""The names as they are typed: the list grows, none is taken out."""

CATALOGUES = {catalogue.__file__: "chainwatch.sources."}
"""Files with texts ``module:Class``, and what each of them must lie below."""

LAYERS = ("name", "chain", "batches")
"""What a source has, by the protocol."""

every = pytest.mark.parametrize("line", ENTRIES, ids=lambda line: line.name)


def test_the_names_are_in_the_order_of_the_alphabet() -> None:
    assert tuple(line.name for line in ENTRIES) == NAMES == tuple(sorted(NAMES))


def test_the_list_is_complete() -> None:
    """Every class of the package with ``batches`` that can be made stands in it, once."""
    found = set()
    for module in pkgutil.walk_packages(sources.__path__, "chainwatch.sources."):
        for item in vars(importlib.import_module(module.name)).values():
            whole = isinstance(item, type) and not inspect.isabstract(item) and item is not Source
            if whole and hasattr(item, "batches"):
                found.add(f"{item.__module__}:{item.__qualname__}")
    assert sorted(line.place for line in ENTRIES) == sorted(found)


@pytest.mark.parametrize(("file", "below"), CATALOGUES.items())
def test_each_text_of_a_catalogue_keeps_to_its_layer(file: str, below: str) -> None:
    texts = re.findall(r'"([a-z_][\w.]*):(\w+)"', Path(file).read_text(encoding="utf-8"))
    assert len(texts) == len(ENTRIES)
    for module, name in texts:
        assert module.startswith(below), module
        assert isinstance(getattr(importlib.import_module(module), name), type)


@every
def test_each_is_a_source(line: Entry) -> None:
    made = line.load()
    assert made.__module__.startswith("chainwatch.sources.")
    assert made.__qualname__ == line.place.partition(":")[2]
    for name in LAYERS:
        assert hasattr(made, name), name
    assert list(inspect.signature(made.batches).parameters) == ["self", "reader"]
    assert re.fullmatch(r"[A-Z][^\n]*\.", line.sentence)


@every
def test_each_parameter_is_told(line: Entry) -> None:
    """The constructor and its docstring speak of the same parameters, each with a sentence."""
    for item in line.parameters():
        assert re.search(r"\w.*\.$", item.help), (line.name, item.name)
        assert "`" not in item.help
    assert f"chainwatch pull {line.name} " in line.text("Examples") + " "
    assert line.text("Fails when")
    told = parameter_texts(inspect.getdoc(line.load()) or "")
    assert set(told) <= {item.name for item in line.all_parameters()}


@every
def test_what_is_only_for_python_stays_there(line: Entry) -> None:
    written = {item.name for item in line.parameters()}
    only = {"acquired", "transport", "auth", "progress", "folder"}
    assert not written & only
    assert all(item.mark(OnlyInPython) for item in line.all_parameters() if item.name in only)


def test_providers_are_those_that_are_read() -> None:
    assert sorted(requests.PROVIDERS) == list(get_args(bitcoinlib_provider.Provider))


def test_the_page_is_the_catalogue() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "sources.py"))["page"]()
    page = ROOT / "docs" / "sources.md"
    assert page.read_text(encoding="utf-8") == made, "run: python tools/sources.py"


def test_the_list_loads_no_source() -> None:
    code = (
        "import json, sys; import chainwatch.sources; chainwatch.sources.register;"
        "from chainwatch.sources.catalogue import entries; entries();"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = json.loads(done.stdout)
    assert not {"polars", "numpy", "pydantic"} & set(loaded)
    light = ("catalogue", "documentation", "parameters")
    ours = {name for name in loaded if name.startswith("chainwatch.sources.")}
    assert ours == {f"chainwatch.sources.{name}" for name in light}


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(InputError, match="perhaps 'esplora' is meant"):
        entry("esplroa")
    with pytest.raises(InputError, match="there are bitcoinlib, block-files"):
        entry("zzz")


class Fits:
    """A source of nothing."""

    name, chain = "fits", "x"

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth

    def batches(self, reader: object) -> object:
        return iter(())


class Clock(Fits):
    """A source with a parameter that nobody can type."""

    def __init__(self, clock: object = None) -> None: ...


class Taken(Fits):
    """A source with a parameter that every command has."""

    def __init__(self, ledger: str = "") -> None: ...


class Starred(Fits):
    """A source that takes whatever comes."""

    def __init__(self, **options: str) -> None: ...


@pytest.mark.parametrize(
    ("name", "target", "sentence", "said"),
    [
        ("esplora", Fits, "x", "the name 'esplora' is taken: it is that of chainwatch.sources.esp"),
        ("ledger", Fits, "x", "under another name"),
        ("My Source", Fits, "x", "is no name of a source"),
        ("../x", Fits, "x", "is no name of a source"),
        ("fits", Fits, " ", "say what it reads"),
        ("fits", str, "x", "builtins:str is no source; name a class with a name"),
        ("fits", Clock, "x", "the parameter 'clock' of Clock cannot be written as text"),
        ("fits", Starred, "x", "the parameter 'options' of Starred cannot be written"),
        ("fits", Taken, "x", "the parameter 'ledger' of Taken has a name that is taken"),
    ],
)
def test_what_cannot_be_registered(
    monkeypatch: pytest.MonkeyPatch, name: str, target: Any, sentence: str, said: str
) -> None:
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    with pytest.raises(InputError) as caught:
        register(name, target, sentence)
    assert said in str(caught.value)
    assert catalogue.entries() == ENTRIES


def test_two_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same class again, as when a notebook's cell is run twice, is no clash."""
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    register("fits", Fits, "Read nothing.")
    register("fits", Fits, "Read nothing at all.")
    assert entry("fits").sentence == "Read nothing at all."
    with pytest.raises(InputError, match="register it under another name"):
        register("fits", "somewhere:Else", "Read more.")
    register("esplora", "chainwatch.sources.esplora.source:Esplora", "Another sentence.")
    assert entry("esplora") in ENTRIES


@pytest.mark.parametrize("target", ["nowhere.at_all:X", "chainwatch.errors:Nothing", "chainwatch"])
def test_a_place_that_is_none(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    register("lost", target, "Read nothing.")
    with pytest.raises(InputError, match="cannot be loaded from") as caught:
        entry("lost").parameters()
    assert "module:Class" in str(caught.value)


def test_a_name_that_only_a_type_checker_loads() -> None:
    class Needs(Fits):
        def __init__(
            self,
            clock: Annotated[missing.Clock | None, OnlyInPython()] = None,  # noqa: F821
            n: int = 2,
        ) -> None: ...

    found = [(item.name, item.kind) for item in parameters_of(Needs)]
    assert found == [("clock", "unknown"), ("n", "integer")]


def test_a_docstring_as_plain_text() -> None:
    text = "Head.\n\nParameters\n----------\na, b : int\n"
    text += "    Of :class:`x.Y`\n    and ``c``.\nd\n    D.\n"
    assert plain(sections(text)[""]) == "Head."
    assert parameter_texts(text) == {"a": "Of Y and c.", "b": "Of Y and c.", "d": "D."}
