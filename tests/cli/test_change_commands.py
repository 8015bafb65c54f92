"""``chainwatch change-labels``, and owners and rates by a model that was written to a file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.change_models.features import NAMES
from chainwatch.change_models.measure import MEASURED
from chainwatch.change_models.model import TERMS, ChangeModel
from chainwatch.change_models.trees import LEAF, WHOLE, Thresholds, Trees, rows_of
from chainwatch.clusters.recipe import Recipe, owners
from chainwatch.heuristics.link_rules import PREDICTED

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def otter(otter_case: Any, tmp_path: Path) -> Path:
    """Return a copy of the ledger of the simulated case."""
    shutil.copytree(otter_case.ledger.store.path, tmp_path / "l")
    return tmp_path / "l"


@pytest.fixture
def model(tmp_path: Path) -> ChangeModel:
    """Return a model that calls change what goes to a new address, and write it."""
    leaf = (LEAF, 0, LEAF, LEAF)
    nodes = rows_of([[(NAMES.index("fresh"), 0, 1, 2, 0), (*leaf, 0), (*leaf, WHOLE)]])
    terms = dict.fromkeys(TERMS, "a test") | {"features": list(NAMES)}
    made = ChangeModel(MEASURED.empty(), Trees(nodes), Thresholds(WHOLE, WHOLE), terms)
    made.write(tmp_path / "model.json")
    return made


def test_labels_are_counted_with_why_others_have_none(run: Run, otter: Path) -> None:
    status, out, err = run("change-labels", "--ledger", otter)
    assert (status, err) == (0, "")
    assert out.startswith("ChangeLabels(")
    assert "    an output is not spent, or that is not known: " in out


def test_a_model_of_too_few_owners_is_refused_and_nothing_written(run: Run, otter: Path) -> None:
    if find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")
    status, _, err = run("change-labels", "--ledger", otter, "--fit", "fitted.json")
    assert status == 1
    assert "of the labelled owners fall to the part" in err
    assert not Path("fitted.json").exists()


def test_owners_are_joined_by_a_model(run: Run, otter: Path, model: ChangeModel) -> None:
    def joined(text: str) -> int:
        return int(text.splitlines()[-1].split(" of two or more addresses, ")[1].split()[0])

    plain = run("clusters", "--ledger", otter)[1]
    status, out, _ = run("clusters", "--ledger", otter, "--change-model", "model.json")
    assert status == 0
    assert joined(out) > joined(plain)
    status, _, err = run("clusters", "--ledger", otter, "--change-model", "none.json")
    assert (status, "there is no such file" in err) == (1, True)


def test_why_says_the_votes_behind_a_prediction(
    run: Run, otter: Path, model: ChangeModel, otter_case: Any
) -> None:
    rounds = owners(otter_case.ledger, recipe=Recipe(change=model.rule())).forest
    row = rounds.filter(pl.col("rule").is_in(PREDICTED)).row(0, named=True)
    ends = [text(row[side], row["chain"]) for side in ("a", "b")]
    words = ("why", *ends, "--ledger", otter, "--change-model", "model.json")
    status, out, _ = run(*words)
    assert status == 0
    assert f"ChangeVotes of {model.rule()}:" in out
    assert "change; 1 of 1 trees, score 10,000 (change from 10,000 on" in out
    assert "fresh = 1 (1: its address was never seen before); without it 0 to 10,000" in out


def test_chains_are_listed_with_their_sums(run: Run, otter: Path) -> None:
    words = ("peel-chains", "--ledger", otter, "--hops", 2, "--percent", 50)
    status, out, err = run(*words, "--csv", "peels.csv")
    assert (status, err) == (0, "")
    rows = Path("peels.csv").read_text("utf-8").splitlines()
    assert f"{len(rows) - 1:,} hops)" in out.splitlines()[-1]
    assert not re.search(r"[0-9a-f]{64}|paid out", out), "whoever stands in them is masked"
    count = int(re.match(r"([\d,]+) chains? between parties whom this edition masks", out)[1])
    assert f"PeelChains({count:,} chain" in out
    status, _, err = run("peel-chains", "--ledger", otter, "--hops", 1)
    assert (status, "no chain has the shape" in err) == (1, True)


def test_chains_are_named_in_the_working_edition(run: Run, otter: Path, working: None) -> None:
    status, out, _ = run("peel-chains", "--ledger", otter, "--hops", 2, "--percent", 50)
    line = r"[0-9a-f]{64}: \d+ hops, [\d.]+ rBTC paid out, of which [\d.]+ rBTC peeled off"
    assert (status, bool(re.match(line, out))) == (0, True)
    assert "this edition masks" not in out


def test_a_model_is_judged_beside_the_rules(run: Run, model: ChangeModel) -> None:
    words = ("evaluate", "change", "--worlds", 1, "--blocks", 4, "--fit")
    told = json.loads(run(*words, "--change-model", "model.json", "--json")[1])
    assert set(told) == {"digest", "change_rates"}
    rules = [row["rule"] for row in told["change_rates"]]
    assert str(model.rule()) in rules
    assert {"with change", "optimal_change()"} <= set(rules)
    status, _, err = run(*words, "--picture", "rates.svg")
    assert (status, "have no picture" in err) == (1, True)
