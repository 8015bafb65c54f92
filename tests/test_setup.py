"""Set-up: lock files that fit pyproject.toml, and failures that say what to do."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tool(name: str) -> ModuleType:
    path = ROOT / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"chainwatch_tool_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup, lock = tool("setup"), tool("lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = lock.layers(PROJECT)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[ ;<>=!~\[]", name)[0]).lower()


@pytest.mark.parametrize("layer", LAYERS)
def test_lock_fits_what_is_asked(layer: str) -> None:
    text = setup.lock_file(layer).read_text(encoding="utf-8")
    assert f"# asked: {lock.asked(LAYERS[layer])}\n" in text, "run `make lock`"
    pins = {plain(pin) for pin in setup.pinned(layer)}
    assert {plain(name) for name in LAYERS[layer]} <= pins


@pytest.mark.parametrize("layer", LAYERS)
def test_every_pin_is_exact_and_has_hashes(layer: str) -> None:
    text = setup.lock_file(layer).read_text(encoding="utf-8")
    assert "://" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    pins = [block for block in blocks if not block.startswith("#")]
    assert pins
    assert all(re.match(r"[\w.-]+==\S+", pin) for pin in pins)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", pin) for pin in pins)


def test_layers_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    run = set(setup.pinned("run"))
    names = {plain(pin) for pin in run}
    for layer in LAYERS:
        for pin in setup.pinned(layer):
            versions.setdefault(plain(pin), set()).add(pin)
            assert plain(pin) not in names or pin in run
    clashes = {name for name, pins in versions.items() if len(pins) > 1} - names
    assert clashes == set()


def test_stages_name_layers_that_exist() -> None:
    for stage, layers in setup.STAGES.items():
        assert set(layers) <= {*LAYERS, "project"}, stage
    assert set(setup.OPTIONAL) == set(PROJECT["project"]["optional-dependencies"])


OFFLINE = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError()'
ERROR: Could not find a version that satisfies the requirement rlp==5.0.0 (from versions: none)
ERROR: No matching distribution found for rlp==5.0.0
"""
ABSENT = "ERROR: No matching distribution found for rlp==5.0.0\n"
UNBUILT = """  ERROR: Failed building wheel for ckzg
ERROR: Could not build wheels for ckzg, which is required to install pyproject.toml-based projects
"""
ALTERED = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
    typst==0.15.2 from somewhere (from -r requirements/report.lock (line 3)):
        Expected sha256 00
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("words", "says", "passing"),
    [
        (OFFLINE, "rlp==5.0.0 could not be fetched", True),
        (ABSENT, "rlp==5.0.0 is not in the package index", False),
        (UNBUILT, "ckzg has no ready-made build", False),
        (ALTERED, "what was sent as typst==0.15.2", False),
        (FULL, "the disk is full", True),
        ("ERROR: something new\n", "the packages of run", False),
    ],
)
def test_a_failure_is_one_sentence_with_a_log(words: str, says: str, passing: bool) -> None:
    failure = setup.diagnosis(words, "run")
    assert says in str(failure)
    assert ".venv/chainwatch-setup.log" in str(failure)
    assert str(failure).endswith(".")
    assert "\n" not in str(failure)
    assert failure.passing is passing


def test_an_unreadable_stamp_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / "stamp.json"
    monkeypatch.setattr(setup, "STAMP", stamp)
    assert setup.read_stamp() == {}
    stamp.write_text('{"run": ', encoding="utf-8")
    assert setup.read_stamp() == {}
    setup.write_stamp({"run": "1"})
    assert setup.read_stamp() == {"run": "1"}


def test_a_required_layer_that_fails_leaves_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(setup, "reason_to_make_anew", lambda done: "")

    def pip(*arguments: str, layer: str) -> None:
        if layer == "test":
            raise setup.PipFailed("no network.", passing=True)

    monkeypatch.setattr(setup, "pip", pip)
    with pytest.raises(setup.SetupStopped, match="no network"):
        setup.prepare("test")
    assert setup.read_stamp()["run"] == setup.layer_key("run")
    assert "test" not in setup.read_stamp()


def test_an_optional_layer_that_fails_is_said_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(setup, "reason_to_make_anew", lambda done: "")
    asked: list[str] = []

    def pip(*arguments: str, layer: str) -> None:
        asked.append(layer)
        if layer == "layout":
            raise setup.PipFailed("no build for this machine.", passing=False)

    monkeypatch.setattr(setup, "pip", pip)
    for _ in range(2):
        setup.prepare("demo")
        assert "plainer layout" in capsys.readouterr().out
    assert asked == ["run", "layout", "report", "typefaces", "interactive", "project"]
