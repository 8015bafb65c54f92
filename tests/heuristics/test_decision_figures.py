"""Figures that decisions quote of pages that tools write are those of the pages."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def said_of_tx0(veto: str) -> tuple[int, int, int, int]:
    """Return of the recorded Tx0s how many a veto calls mixes, doubts and lets join, and of all."""
    row = re.escape(f"| `whirlpool_tx0_early` | {veto} |")
    page = (DOCS / "coinjoins.md").read_text("utf-8")
    (found,) = re.findall(rf"{row} (\d+) of (\d+) [^|]*\| (\d+) \| (\d+) \|", page)
    yes, of, unknown, no = map(int, found)
    assert yes + unknown + no == of
    return yes, unknown, no, of


def test_the_decisions_tell_of_tx0_what_the_page_does():
    _, _, alone, of = said_of_tx0("equal outputs, all rules")
    yes, unknown, no, _ = said_of_tx0("the default veto (`JOINT`)")
    (mixes,) = (path.read_text("utf-8") for path in DOCS.glob("decisions/0026-*.md"))
    (claims,) = (path.read_text("utf-8") for path in DOCS.glob("decisions/0035-*.md"))
    row = f"| {alone} of {of} | {no} of {of}; {unknown} unknown, {yes} are mixes |"
    assert row in mixes
    words = " ".join(claims.split())
    told = f"Of {of} transactions that Dumplings takes for Tx0s, {no} join (505 before),"
    assert f"{told} {unknown} are doubted and {yes} are mixes." in words
