"""How sure chainwatch is, in the scales of others: STIX, the admiralty scale, estimative language.

Two kinds are kept apart, and each statement says of which it is. *Attribution*: how sure the
publisher of a tag is that an address is somebody's. TagPack's level ranks sources and is no
probability, so it becomes confidence, never a likelihood. *Control*: how often a rule that joins
addresses was right where truth is known; that is a share of cases, so it becomes a likelihood. A
link without a measured rate has none, and none is made up. The reliability of a source is ``f``
(cannot be judged): nobody told it.

References
----------
OASIS, *STIX Version 2.1*, Appendix A (2021): confidence scales and what they are as numbers.
Office of the Director of National Intelligence, *Intelligence Community Directive 203* (2015), D.6:
seven degrees of likelihood with their percentages, and that a likelihood and a confidence must not
be mixed. The same words are MISP's taxonomy ``estimative-language``.
NATO, *AJP-2.1*: the admiralty scale; MISP's taxonomy ``admiralty-scale``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

CREDIBILITY = ((80, "1"), (60, "2"), (40, "3"), (20, "4"), (0, "5"))
"""Least STIX confidence of each credibility of the admiralty scale (STIX 2.1, Appendix A)."""

CREDIBILITY_UNKNOWN = "6"
RELIABILITY_UNKNOWN = "f"

ANALYTIC = ((70, "high"), (30, "moderate"), (1, "low"))
"""Least STIX confidence of *high*, *medium* and *low* (STIX 2.1, Appendix A)."""

LIKELIHOOD = (
    (95, "almost-certain"),
    (80, "very-likely"),
    (55, "likely"),
    (45, "roughly-even-chance"),
    (20, "unlikely"),
    (5, "very-unlikely"),
    (0, "almost-no-chance"),
)
"""Least percentage of each degree of likelihood (ICD 203, D.6.e.2.a)."""


@dataclass(frozen=True)
class Confidence:
    """How sure a statement is, in every scale that an export may need.

    Attributes
    ----------
    of : str
        ``attribution`` or ``control``.
    stix : int or None
        0 to 100; None is *not specified*.
    words : str
        What it rests on, for people.
    tags : tuple of str
        Machine tags of MISP.
    """

    of: str
    stix: int | None
    words: str
    tags: tuple[str, ...]


def attribution(level: int | None, word: str = "") -> Confidence:
    """Return how sure the publisher of a tag is.

    Parameters
    ----------
    level : int or None
        TagPack's level, 0 to 100.
    word : str
        The same in TagPack's word.
    """
    if level is None:
        said, judged = "not stated by its publisher", CREDIBILITY_UNKNOWN
        analytic: tuple[str, ...] = ()
    else:
        stated = f"{word}, " if word else ""
        said, judged = (
            f"{stated}{level} of 100 in TagPack's ranking of sources",
            _least(CREDIBILITY, level),
        )
        found = _least(ANALYTIC, level)
        name = "estimative-language:confidence-in-analytic-judgment"
        analytic = (f'{name}="{found}"',) if found else ()
    return Confidence(
        "attribution", level, f"confidence in attribution: {said}",
        (
            f'admiralty-scale:source-reliability="{RELIABILITY_UNKNOWN}"',
            f'admiralty-scale:information-credibility="{judged}"',
            *analytic,
        ),
    )  # fmt: skip


def control(rate: float | None) -> Confidence:
    """Return how often such links were right, as the confidence in one of them.

    Parameters
    ----------
    rate : float or None
        Measured share, 0 to 1; None where nothing was measured.
    """
    if rate is None:
        return Confidence("control", None, "confidence in control: no measured rate", ())
    share = Fraction(str(rate)) * 100
    percent = int(share)  # never rounded up
    tag = f'estimative-language:likelihood-probability="{_least(LIKELIHOOD, percent)}"'
    said = f"confidence in control: {percent} of 100 such links were right where truth is known"
    return Confidence("control", percent, said, (tag,))


def custody(certainty: str) -> str:
    """Return what is said of the custody of an end: a kind of evidence, of which no rate is known.

    It is given in words alone: no scale of others fits a kind of evidence.
    """
    return f"confidence in control: {certainty}, no measured rate" if certainty else ""


def _least(scale: tuple[tuple[int, str], ...], number: int) -> str:
    return next((name for least, name in scale if number >= least), "")
