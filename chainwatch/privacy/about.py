"""What a result says of itself beside its tables, as an edition may say it."""

from __future__ import annotations

from dataclasses import dataclass

from chainwatch.addresses.assets import Asset
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.mask_rows import asset_of
from chainwatch.privacy.mask_sentences import mask_sentence
from chainwatch.privacy.redact_text import TextMask
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result


@dataclass(frozen=True)
class About:
    """What a result says of itself.

    Attributes
    ----------
    called : str
        What the log of the case calls it.
    digest : str
        Digest of its content, keyed where the edition masks.
    asset : Asset or None
        What its amounts are of, where that is one asset.
    policy : str
        By which policy it follows value; empty where it follows none.
    edges : tuple of Edges
        Which of its tables are edges, and between which of their columns.
    title, headline : str
        Heading and summary of a finding; empty of other results.
    text, innocent : tuple of str
        What a finding says, and what could innocently explain it.
    """

    called: str
    digest: str
    asset: Asset | None = None
    policy: str = ""
    edges: tuple[Edges, ...] = ()
    title: str = ""
    headline: str = ""
    text: tuple[str, ...] = ()
    innocent: tuple[str, ...] = ()


def about(result: Result, edition: Edition, text: TextMask) -> About:
    """Return what a result says of itself, its sums rounded and its texts redacted as needed."""
    told = About(
        text.text(result.called),
        edition.digest(result.digest),
        asset_of(result),
        str(getattr(result, "policy", "")),
        tuple(result.edges()),
    )
    if not isinstance(result, Finding):
        return told

    def say(sentence: str) -> str:
        return text.text(mask_sentence(sentence, result, edition))

    return About(
        told.called, told.digest, told.asset,
        title=say(result.title),
        headline=say(result.headline),
        text=tuple(map(say, result.text)),
        innocent=tuple(map(say, result.innocent)),
    )  # fmt: skip
