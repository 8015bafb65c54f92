"""The made-up case and the real one with all that is asked of vendors and a network, searched."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.case.seal import verify
from chainwatch.simulate.otter import otter

ROOT = Path(__file__).resolve().parents[3]
KEY = sha256(b"a key of nobody's case").digest()


def worked(name: str, data: Path, place: Path) -> RunReport:
    return run_case(
        ROOT / "examples" / f"{name}.toml", place / name, data=data, mask_key=KEY,
        acquired=datetime(2024, 9, 27, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    place = tmp_path_factory.mktemp("otter")
    otter().write(place / "data")
    return worked("otter_network", place / "data", place)


@pytest.fixture(scope="module")
def on_tron(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    return worked("tron_network", real_data, tmp_path_factory.mktemp("tron"))


def table(made: RunReport, name: str, edition: str = "working") -> list[dict[str, str]]:
    with (made.editions[edition] / "tables" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def nothing_leaks(made: RunReport, place: Path) -> None:
    """Search the disclosure for whoever is masked, in every form."""
    key = place / "key"
    key.write_text(KEY.hex())
    found = cw.leaks(made.editions["disclosure"], working=made.editions["working"], key_file=key)
    assert found.frame.is_empty()
    assert found.files > 100
    assert not found.unasked()
    assert verify(made.editions["disclosure"])


def test_otter_ranks_the_campaign_first_and_no_buyer_at_all(made_up: RunReport) -> None:
    ranked = table(made_up, "ranking")
    assert ranked[0]["service"] == "lantern"
    roles = {row["owner"]: row["role"] for row in table(made_up, "people")}
    told = {roles.get(row["entity"], "bystander") for row in ranked}
    assert not told & {"likely consumer", "victim", "unknown"}
    assert {"likely consumer", "donor", "vendor", "network"} <= set(roles.values())


def test_otter_s_link_is_consistent_with_chance_and_its_explanations_stay_open(
    made_up: RunReport,
) -> None:
    verdicts = sorted(row["verdict"] for row in table(made_up, "link_tests"))
    assert verdicts == ["consistent with chance", "no route found"]
    explained = {row["answer"] for row in table(made_up, "link_explanations")}
    assert explained == {"open", "excluded"}
    report = (made_up.editions["disclosure"] / "report.html").read_text()
    assert report.count("belongs to") == report.count("no address belongs to anybody")
    assert "likelihood ratio" in report


def test_otter_s_masks_hold_in_every_artefact(made_up: RunReport, tmp_path: Path) -> None:
    nothing_leaks(made_up, tmp_path)
    log = [json.loads(line) for line in
           (made_up.editions["working"] / "log.jsonl").read_text().splitlines()]  # fmt: skip
    assert any("nobody is real" in json.dumps(one) for one in log)


def test_tron_s_wallets_are_tested_against_later_orders(on_tron: RunReport) -> None:
    verdicts = [row["verdict"] for row in table(on_tron, "link_tests")]
    assert len(verdicts) == 20
    assert set(verdicts) == {"no route found", "consistent with chance", "not testable"}
    ranked = table(on_tron, "ranking")
    listed = {row["entity"] for row in table(on_tron, "reasons") if row["reason"] == "named"}
    assert ranked[0]["entity"] in listed
    # Of whoever was not read the score is a span.
    assert all(row["low"] != row["high"] for row in ranked if not row["reachable"])


def test_tron_s_masks_hold_in_every_artefact(on_tron: RunReport, tmp_path: Path) -> None:
    nothing_leaks(on_tron, tmp_path)


def test_an_exchange_is_in_no_ranking(on_tron: RunReport) -> None:
    services = {text(row, "tron") for row in _exchanges(on_tron)}
    assert services
    assert not services & {row["entity"] for row in table(on_tron, "ranking")}


def _exchanges(made: RunReport) -> list[Any]:
    tags = cw.tags_of(cw.open_ledger(made.folder / "ledger"))
    return tags.where(concept="exchange").frame["address"].unique().to_list()
