"""``chainwatch clusters`` and ``why``: owners, the evidence, and what is left without it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainwatch.addresses.canonical import text
from chainwatch.clusters.cluster import cluster
from chainwatch.heuristics.co_spend import co_spends

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def otter(otter_case: Any, tmp_path: Path) -> Path:
    """Return a copy of the ledger of the simulated case."""
    shutil.copytree(otter_case.ledger.store.path, tmp_path / "l")
    return tmp_path / "l"


@pytest.fixture(scope="module")
def largest(otter_case: Any) -> list[str]:
    """Return the members of the largest cluster, as texts."""
    found = cluster(co_spends(otter_case.ledger))
    chain, first, _ = found.sizes().row(0)
    return [text(one, chain) for one in found.members(first)]


def test_the_largest_clusters_stand_first(run: Run, otter: Path, largest: list[str]) -> None:
    status, out, err = run("clusters", "--ledger", otter)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"btc-regtest  {largest[0]}  {len(largest)} addresses"
    sizes = [
        int(found[1]) for found in map(re.compile(r"  (\d+) addresses$").search, lines) if found
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 20
    assert re.fullmatch(r"  and \d+ more clusters", lines[20])
    assert lines[-1].startswith("Clusters(")


def test_a_cluster_is_listed_with_the_evidence_it_rests_on(
    run: Run, otter: Path, largest: list[str], tmp_path: Path
) -> None:
    status, out, _ = run("clusters", largest[-1], "--ledger", otter, "--csv", tmp_path / "c.csv")
    assert status == 0
    assert out.startswith(f"consistent with one owner: {len(largest)} addresses\n")
    assert "Fragility(" in out
    written = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()
    assert len(written) == 1 + len(largest)


def test_rejected_evidence_joins_nobody(run: Run, otter: Path, largest: list[str]) -> None:
    a, b = largest[0], largest[-1]
    status, joined, _ = run("why", a, b, "--ledger", otter, "--picture", "why.svg")
    assert status == 0
    assert joined.startswith(f"{a} and {b} are consistent with one owner")
    assert Path("why.svg").read_text(encoding="utf-8").startswith("<?xml")
    found = re.findall(r"[0-9a-f]{64}", joined)
    without = [word for txid in found for word in ("--without-tx", txid)]
    apart = run("why", a, b, "--ledger", otter, *without)[1]
    assert not set(found) & set(re.findall(r"[0-9a-f]{64}", apart))
    nothing = run("why", a, b, "--ledger", otter, "--without-rule", "co_spend")[1]
    assert nothing.startswith(f"Nothing joins {a} and {b}.")


def test_an_address_that_nothing_joins(run: Run, otter: Path) -> None:
    alone = "bcrt1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnard0ew"
    status, out, err = run("clusters", alone, "--ledger", otter)
    assert (status, err) == (0, "")
    assert out.startswith(f"nothing joins {alone} to any other address")


def test_what_is_no_evidence_is_refused(run: Run, otter: Path) -> None:
    status, _, err = run("clusters", "--ledger", otter, "--without-rule", "nonsense")
    assert status == 1
    assert "no link has such a rule" in err
    status, _, err = run("why", "nonsense", "nonsense", "--ledger", otter)
    assert status == 1
    assert "nonsense" in err


@pytest.fixture
def contradicted(largest: list[str], tmp_path: Path) -> Path:
    """Return tags that give two members of the largest cluster to two actors."""
    rows = [
        f"btc-regtest,{one},x,{who},s" for one, who in zip(largest, ("ann", "bob"), strict=False)
    ]
    file = tmp_path / "said.csv"
    file.write_text("chain,address,label,actor,source\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_a_contradiction_is_said_wherever_its_cluster_is(
    run: Run, otter: Path, largest: list[str], contradicted: Path
) -> None:
    said = f"tags contradict: {largest[0]} is said to be ann; bob"
    for command in (["clusters"], ["clusters", largest[-1]], ["why", largest[0], largest[1]]):
        status, out, _ = run(*command, "--ledger", otter, "--tags", contradicted)
        assert status == 0
        assert said in out.splitlines()
        assert said not in run(*command, "--ledger", otter)[1]


def test_what_is_named_apart_is_not_joined(run: Run, otter: Path, largest: list[str]) -> None:
    a, b = largest[:2]
    asked = ("why", a, b, "--ledger", otter)
    assert "consistent with one owner" in run(*asked)[1]
    status, out, _ = run(*asked, "--apart", f"{a},{b}")
    assert status == 0
    assert "must stay apart" in out
    status, _, err = run(*asked, "--apart", a)
    assert status != 0
    assert "names one address" in err


def test_a_word_for_unread_flags_without_meaning_is_refused(run: Run, otter: Path) -> None:
    status, _, err = run("clusters", "--ledger", otter, "--unread-flags", "never")
    assert status != 0
    assert "unread_flags cannot be 'never'" in err
    assert run("clusters", "--ledger", otter, "--unread-flags", "join")[0] == 0
    assert run("clusters", "--ledger", otter, "--without-revealed")[0] == 0
