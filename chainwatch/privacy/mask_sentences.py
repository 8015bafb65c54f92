"""Sentences as an edition may say them: a sum behind which few masked parties stand is rounded.

What a table rounds a sentence rounds in the same way, so that no exact figure stands beside a
coarse one. The rule is that of groups in tables (:mod:`chainwatch.privacy.mask_rows`).
"""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.addresses.assets import Asset
from chainwatch.privacy.edition import DISCLOSURE, FEWEST, Edition, band, coarse
from chainwatch.privacy.mask_rows import hidden_rows
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Finding
from chainwatch.results.sentence import Sentence, Sum
from chainwatch.results.table import Rows


def mask_sentence(text: str, finding: Finding, edition: Edition) -> str:
    """Return a sentence of a finding as an edition may say it.

    Parameters
    ----------
    text : str
        A paragraph or the headline; one that knows no sums is returned as it is.
    finding : Finding
        Whose it is: its table says which rows are rounded, its asset on which chain parties are.
    edition : Edition
        Who is shown.
    """
    if edition.name != DISCLOSURE or not isinstance(text, Sentence):
        return text
    return text.told(saying(finding.rows, finding.asset, edition))


def saying(rows: Rows | None, asset: Asset | None, edition: Edition) -> Callable[[Sum], str | None]:
    """Return what says a sum as an edition may say it, or None where it stands as it is.

    Parameters
    ----------
    rows : Rows or None
        The table that decides for sums that name one of its rows.
    asset : Asset or None
        On which chain those are who stand behind a row, or behind a count.
    edition : Edition
        Who is shown.
    """
    rounded = _rounded_rows(rows, asset, edition)

    def say(one: Sum) -> str | None:
        of = one.asset or asset
        masked = sum(edition.masks(of.chain if of else "", party) for party in one.behind)
        hide = rounded[one.row] if one.row is not None else 0 < masked < FEWEST
        return rounded_sum(one) if hide else None

    return say


def rounded_sum(one: Sum) -> str:
    """Return a sum to one digit, or a count as a band."""
    if one.asset is not None:
        return f"≈ {one.asset.shown(coarse(one.number))}" if one.number else str(one)
    said = band(one.number)
    return f"{said} {one.noun[0] if said == '1' else one.noun[1]}"


def _rounded_rows(rows: Rows | None, asset: Asset | None, edition: Edition) -> list[bool]:
    """Return which rows of a table its edition rounds."""
    if rows is None:
        return []
    hidden = hidden_rows(rows, chains_of(rows.frame, asset), edition)
    return [row.party or row.transaction for row in hidden]
