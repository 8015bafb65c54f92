"""What a result prints in the disclosure edition: no exact amount that its tables round there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from module_of import module_of

from chainwatch.privacy.edition import DISCLOSURE
from chainwatch.privacy.masked_view import masked_view
from chainwatch.results.mask import shown_tables
from chainwatch.results.result import Result
from chainwatch.results.table import Privacy

EVERY = module_of("contract/test_every_result")
made = EVERY.made
DIGITS = 5
"""An amount of fewer digits may stand in a text for another reason."""

SUMS = {"HandTrace"}
"""Its own tables round every row, as nobody looked who else stands in its transactions; it prints
what reached a named service to the last unit, as its findings do: docs/limits.md says so."""

NAMES = sorted(set(EVERY.MAKERS) - {"Fetched"})
"""What was fetched leaves the desk with its trace alone."""


def significant(amount: object) -> str:
    return str(int(Decimal(str(amount)))).rstrip("0")


def rounded_away(shown: Iterable[tuple[Result, Mapping[str, pl.DataFrame]]]) -> set[str]:
    """Return the digits of amounts in tables of results that an edition shows in none of them."""
    exact, told = set(), set()
    for result, tables in shown:
        for name, rows in result.tables().items():
            amounts = (one.name for one in rows.table.columns if one.privacy is Privacy.AMOUNT)
            for column in set(amounts) & set(rows.frame.columns):
                exact |= {significant(one) for one in rows.frame[column].drop_nulls()}
                told |= {significant(one) for one in tables[name][column].drop_nulls()}
    return {one for one in exact - told if len(one) >= DIGITS}


def printed_by(result: Result) -> set[str]:
    """Return the digits of the numbers that a result prints."""
    printed = repr(result) + re.sub(r"<[^>]*>", " ", result._repr_html_() or "")
    return {one.replace(",", "").replace(".", "").strip("0")
            for one in re.findall(r"\d[\d,]*(?:\.\d+)?", printed)}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_more_exact_than_the_tables(name: str, made: Any) -> None:
    result = EVERY.MAKERS[name](made)
    _, tables = shown_tables(result)
    assert bool(rounded_away([(result, tables)]) & printed_by(result)) is (name in SUMS)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_more_exact_than_a_report_of_it(name: str, made: Any) -> None:
    """A report shows the tables of its findings beside its own: what both round is rounded."""
    result = EVERY.MAKERS[name](made)
    findings = [one for one in result.findings(made.vendors.addresses()) if one.rows]
    every = [result, *findings]
    view = masked_view(every, DISCLOSURE, bytes(16))
    rounded = rounded_away(zip(every, view.by_result, strict=True))
    assert not rounded & printed_by(result)
