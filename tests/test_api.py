"""The public names: sorted, documented, loaded on use, and those of the design's example."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

import chainwatch
from chainwatch import figures, heuristics, sources, tracing
from chainwatch.heuristics import co_spend, coinjoin
from chainwatch.tracing import policies

ROOT = Path(__file__).resolve().parent.parent

DESIGNED = {
    "Case",
    "cluster",
    "co_spends",
    "exposure",
    "open_ledger",
    "read_tags",
    "set_edition",
    "trace",
}
"""Names of the design's example that exist so far; the list grows, none is taken out."""

OFFERED = sorted(
    [*chainwatch.__all__, "__version__", "figures", "heuristics", "sources", "tracing",
     "typologies"]
)  # fmt: skip
"""What completion offers of the package."""

PACKAGES = [found for found in pkgutil.walk_packages(chainwatch.__path__, "chainwatch.")
            if found.ispkg]  # fmt: skip


def test_the_list_is_sorted_and_without_repeats() -> None:
    names = chainwatch.__all__
    classes = [name for name in names if name[0].isupper()]
    assert names == [*sorted(classes), *sorted(set(names) - set(classes))]
    assert set(names) >= DESIGNED


def test_completion_stays_so_when_names_were_used() -> None:
    code = "import chainwatch as cw; cw.trace, cw.verify; print(*dir(cw))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == OFFERED


def test_no_module_hides_a_name_of_its_package() -> None:
    for package in (chainwatch, figures):
        modules = {one.name for one in pkgutil.iter_modules(package.__path__)}
        functions = {name for name in package.__all__ if callable(getattr(package, name))}
        assert modules & functions == set(), "loading the module would hide the function"


def test_completion_offers_what_a_module_is_for_and_nothing_that_it_imports() -> None:
    assert dir(figures) == [
        "FlowFigure", "GraphFigure", "InteractiveFigure", "activity_map", "case_figure",
        "cluster_evidence", "coverage_chart", "exposure_bars", "flow", "flow_graph", "interactive",
        "path", "policy_range", "rates", "reliability", "routes", "save", "sum_check", "timeline",
        "typology_card",
    ]  # fmt: skip
    assert {"DETECTORS", "JOINT", "equal_outputs", "whirlpool_mix"} <= set(dir(coinjoin))
    assert dir(coinjoin.equal) == ["equal_by_address", "equal_outputs", "possible_mix"]
    assert dir(co_spend) == ["co_spends"]
    assert dir(policies) == sorted(policy.name for policy in policies.POLICIES)
    assert {"coinjoin", "co_spend", "poisoning"} <= set(dir(heuristics))
    assert {"policies", "trace"} <= set(dir(tracing))
    assert dir(sources)[0] == "bitcoin_core"
    assert "register" in dir(sources)


@pytest.mark.parametrize("package", [chainwatch.__name__, *(found.name for found in PACKAGES)])
def test_a_package_offers_its_modules_and_its_public_names_alone(package: str) -> None:
    module = importlib.import_module(package)
    parts = {found.name for found in pkgutil.iter_modules(module.__path__)}
    offered = {name for name in dir(module) if not name.startswith("_")}
    assert offered <= parts | set(getattr(module, "__all__", ())), package


def test_a_module_of_a_package_loads_when_it_is_used() -> None:
    code = (
        "import sys, chainwatch as cw; assert 'polars' not in sys.modules;"
        "rule = cw.heuristics.coinjoin.possible_mix(); print(rule, cw.__version__);"
        "print(cw.tracing.policies.fifo.__name__, cw.figures.flow.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == f"possible_mix() {version('chainwatch')}\nfifo flow\n"


def test_the_first_steps_name_what_is_there() -> None:
    doc = inspect.getdoc(chainwatch) or ""
    assert len(doc.splitlines()) > 20
    used = set(re.findall(r"\bcw\.(\w+)", doc))
    assert used >= {"pull", "open_ledger", "read_tags", "cluster", "co_spends", "trace"}
    assert used <= set(OFFERED)


@pytest.mark.parametrize("home", sorted(set(chainwatch._HOMES.values())))
def test_each_home_is_a_module(home: str) -> None:
    assert find_spec(f"chainwatch.{home}") is not None


@pytest.mark.parametrize("name", chainwatch.__all__)
def test_a_name_is_there_documented_and_of_its_home(name: str) -> None:
    found = getattr(chainwatch, name)
    assert inspect.getdoc(found), name
    assert found.__module__ == f"chainwatch.{chainwatch._HOMES[name]}"


def test_the_stub_is_the_one_list_of_names() -> None:
    """What the type checker reads is what the package loads and what completion offers."""
    lines = (ROOT / "chainwatch" / "__init__.pyi").read_text("utf-8").split('"""')[2].splitlines()
    *lines, last = filter(None, lines)
    assert last == "__version__: str"
    found = [re.fullmatch(r"from chainwatch(\.[\w.]+)? import (\w+) as (\w+)", line)
             for line in lines]  # fmt: skip
    assert all(found), "each line of the stub is one name"
    names = {match[2]: match[1] for match in found if match and match[2] == match[3]}
    assert {name: home[1:] for name, home in names.items() if home} == chainwatch._HOMES
    assert [name for name, home in names.items() if not home] == chainwatch._PACKAGES
    assert len(names) == len(found)
    assert dir(chainwatch) == OFFERED, "completion offers other names"


def test_an_unknown_name() -> None:
    for module in (chainwatch, figures, heuristics, coinjoin):
        with pytest.raises(AttributeError, match="has no attribute 'change_links_'"):
            _ = module.change_links_


def test_figures_load_on_use() -> None:
    code = (
        "import sys; from chainwatch import figures; assert 'matplotlib' not in sys.modules;"
        "figures.flow; import chainwatch; print(chainwatch.figures.flow.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "flow\n"
    assert sorted(figures.__all__) == dir(figures)


def test_results_print_by_the_desk_as_soon_as_a_name_is_used() -> None:
    code = (
        "import chainwatch as cw; cw.chain;"
        "from chainwatch.results.mask import shown_address;"
        "from chainwatch.addresses.canonical import parse;"
        "word = 'TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC';"
        "print(shown_address(cw.chain('tron').id, parse(word, 'tron')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith("masked-")


def test_errors_have_one_base() -> None:
    assert issubclass(chainwatch.ChainwatchError, Exception)
    with pytest.raises(chainwatch.ChainwatchError):
        chainwatch.chain("nowhere")
