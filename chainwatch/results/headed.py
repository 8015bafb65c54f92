"""Findings under headings that tell them apart: two results of one kind have the same ones."""

from __future__ import annotations

from dataclasses import replace

from chainwatch.results.result import Finding
from chainwatch.results.sentence import sentence


def headed(finding: Finding, called: str) -> Finding:
    """Return a finding whose heading and headline say whose it is.

    Parameters
    ----------
    finding : Finding
        Of a result beside which there may be others of its kind.
    called : str
        What tells it from those; nothing leaves it as it is.
    """
    if not called:
        return finding
    headline = sentence(f"{called}: ", finding.headline) if finding.headline else ""
    return replace(finding, title=f"{finding.title}: {called}", headline=headline)
