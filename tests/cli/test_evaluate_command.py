"""``chainwatch evaluate``: figures with their numbers, as text, JSON and picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from chainwatch.heuristics.link_rules import OF_ACCOUNTS

Run = Callable[..., tuple[int, str, str]]

SMALL = ("evaluate", "--worlds", 1, "--blocks", 4)


def test_recipes_stand_beside_each_other(run: Run) -> None:
    status, out, _ = run(*SMALL, "--fit", "--picture", "rates.svg")
    assert status == 0
    assert "default on simulated owners, honest (fit part) (1 worlds):" in out
    assert "plain multi-input on simulated owners, adversarial (fit part)" in out
    assert "co_spend: links that join two owners" in out
    assert Path("rates.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_json_holds_the_tables_and_their_digest(run: Run) -> None:
    once, again = (json.loads(run(*SMALL, "--json")[1]) for _ in range(2))
    assert once == again
    assert {"digest", "recipes", "rules", "wrong_links"} == set(once)
    assert {row["basis"] for row in once["recipes"]} == {
        "simulated owners, honest (test part)", "simulated owners, adversarial (test part)"
    }  # fmt: skip


def test_more_worlds_than_there_are_seeds(run: Run) -> None:
    status, _, err = run("evaluate", "--worlds", 1_001)
    assert status == 1
    assert "there are 1,000 seeds to test; ask for fewer worlds" in err


def test_bridges_are_judged_where_it_is_asked_for(run: Run) -> None:
    told = json.loads(run("evaluate", "bridges", "--worlds", 1, "--fit", "--json")[1])
    assert {"digest", "crossing_rates"} == set(told)
    assert {row["basis"] for row in told["crossing_rates"]} == {
        f"simulated bridges, {kind} (fit part)" for kind in ("honest", "adversarial")
    }
    for word in ("--picture=r.svg", "--change-model=m.json"):
        status, _, err = run("evaluate", "bridges", word)
        assert (status, f"leave {word.partition('=')[0]} out" in err) == (1, True)


def test_what_nothing_measures_is_said_with_what_is_measured(run: Run) -> None:
    status, _, err = run("evaluate", "everything")
    assert status == 1
    assert "nothing measures 'everything'; ask for owners, accounts, change" in err


def test_typologies_are_judged_where_it_is_asked_for(run: Run) -> None:
    told = json.loads(run("evaluate", "typologies", "--worlds", 1, "--fit", "--json")[1])
    assert {"digest", "typology_rates", "by_campaign"} == set(told)
    assert {row["basis"] for row in told["typology_rates"]} == {
        f"simulated campaigns, {kind} (fit part)" for kind in ("honest", "adversarial")
    }
    assert not any(row["new"] for row in told["typology_rates"])
    status, _, err = run("evaluate", "typologies", "--picture", "rates.svg")
    assert (status, "have no picture" in err) == (1, True)


def test_custody_is_judged_where_it_is_asked_for(run: Run) -> None:
    once = json.loads(run("evaluate", "custody", "--worlds", 1, "--fit", "--json")[1])
    assert {"digest", "custody_rates", "twins"} == set(once)
    assert {row["basis"] for row in once["custody_rates"]} == {
        "simulated services, honest (fit part)", "simulated services, adversarial (fit part)"
    }  # fmt: skip
    status, _, err = run("evaluate", "custody", "--picture", "rates.svg")
    assert (status, "have no picture" in err) == (1, True)


def test_rules_on_accounts_are_judged_where_it_is_asked_for(run: Run) -> None:
    found = json.loads(run("evaluate", "accounts", "--worlds", 1, "--fit", "--json")[1])
    of_safes = {"safe_key_change", "safe_owner"}  # these chains have no account of several keys
    assert {row["rule"] for row in found["rules"]} == set(OF_ACCOUNTS) - of_safes
    assert {row["basis"] for row in found["rules"]} == {
        "simulated account owners, honest (fit part)",
        "simulated account owners, adversarial (fit part)",
    }
