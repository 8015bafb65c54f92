"""What a result prints in the disclosure edition: no exact amount that its tables round there."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from module_of import module_of

from chainwatch.results.mask import shown_tables
from chainwatch.results.result import Result
from chainwatch.results.table import Privacy

EVERY = module_of("contract/test_every_result")
made = EVERY.made
DIGITS = 5
"""An amount of fewer digits may stand in a text for another reason."""

SUMS = {"Exposure", "HandPath", "HandTrace", "ThroughSwaps", "TraceRange"}
"""These still print exact sums by reason or party on the screen: docs/limits.md says so."""

NAMES = sorted(set(EVERY.MAKERS) - {"Fetched"})
"""What was fetched leaves the desk with its trace alone."""


def significant(amount: object) -> str:
    return str(int(Decimal(str(amount)))).rstrip("0")


def rounded_away(result: Result) -> set[str]:
    """Return the digits of amounts in the tables of a result that the edition shows nowhere."""
    _, shown = shown_tables(result)
    exact, told = set(), set()
    for name, rows in result.tables().items():
        for column in (one.name for one in rows.table.columns if one.privacy is Privacy.AMOUNT):
            exact |= {significant(one) for one in rows.frame[column].drop_nulls()}
            told |= {significant(one) for one in shown[name][column].drop_nulls()}
    return {one for one in exact - told if len(one) >= DIGITS}


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_more_exact_than_the_tables(name: str, made: object) -> None:
    result = EVERY.MAKERS[name](made)
    printed = repr(result) + re.sub(r"<[^>]*>", " ", result._repr_html_() or "")
    numbers = {one.replace(",", "").replace(".", "").strip("0")
               for one in re.findall(r"\d[\d,]*(?:\.\d+)?", printed)}  # fmt: skip
    assert bool(rounded_away(result) & numbers) is (name in SUMS)
