"""``docs/policies.md``: its table and its worked examples are what the policies do."""

from __future__ import annotations

import re
from pathlib import Path

from chainwatch.tracing.policies import POLICIES
from tests.tracing.test_policies_worked import ON_A_BALANCE, ON_COINS

PAGE = (Path(__file__).parents[2] / "docs/policies.md").read_text("utf-8")


def test_the_table_says_what_each_policy_can() -> None:
    rows = {
        name: cells.split("|")
        for name, cells in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE)
        if cells.count("|") == 3
    }
    assert list(rows) == [one.name for one in POLICIES]
    for one in POLICIES:
        coins, accounts, backward, adds_up = (cell.strip() for cell in rows[one.name])
        assert (coins == "has no meaning") == bool(one.coins)
        assert (accounts == "has no meaning") == bool(one.accounts)
        assert backward == ("no" if one.backward else "yes")
        assert adds_up.startswith("yes" if one.conserves else "no")


def test_the_worked_examples_are_those_of_the_tests() -> None:
    found = re.findall(r"^\| (`.*`) \|\n\|[-|]+\|\n\| (.*) \|$", PAGE, re.MULTILINE)
    assert len(found) == 2
    for (names, amounts), examples in zip(found, (ON_COINS, ON_A_BALANCE), strict=True):
        told = zip(names.split(" | "), amounts.split(" | "), strict=True)
        assert dict(told) == {
            f"`{one.name}`": ", ".join(map(str, expected)) for one, expected in examples
        }
