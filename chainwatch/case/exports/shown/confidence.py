"""How sure chainwatch is, in words for all exports: what was counted, on what, and no more.

Two kinds are kept apart, and each statement says of which it is. *Attribution*: how sure the
publisher of a tag is that an address is somebody's, by TagPack's level. *Control*: how often a rule
that joins addresses was right where owners are known.

Neither becomes a number on a scale of others. TagPack's level ranks sources: it is no probability,
and it does not say that a second source confirms the first, which is what the upper ends of the
admiralty scale and of STIX's confidence mean. Whether packs are independent of each other is not
known, for they copy, so the admiralty scale *cannot judge* them. A rate is of the rule, where it
was counted, and all that come with chainwatch were counted on simulated chains: it is no chance
that one link is right, so it becomes neither a likelihood nor a confidence.

References
----------
OASIS, *STIX Version 2.1*, Appendix A (2021): confidence 90 is *confirmed by other sources*.
Office of the Director of National Intelligence, *Intelligence Community Directive 203* (2015), D.6:
degrees of likelihood, and that a likelihood and a confidence must not be mixed.
NATO, *AJP-2.1*: the admiralty scale; MISP's taxonomy ``admiralty-scale``.
"""

from __future__ import annotations

from chainwatch.heuristics.rates import MEASURED, Rate, Rates

NOT_JUDGED = (
    'admiralty-scale:source-reliability="f"',
    'admiralty-scale:information-credibility="6"',
)
"""Machine tags of MISP: neither the source nor what it says can be judged from here."""

SIMULATED = "simulat"
"""Stands in the basis of a rate that was counted in a simulation."""

ELSEWHERE = (
    "a rate stands behind it that does not come with chainwatch; on what it was counted is not"
    " known here, so it is not repeated"
)


def attribution(level: int | None, word: str = "") -> str:
    """Return how sure the publisher of a tag is.

    Parameters
    ----------
    level : int or None
        TagPack's level, 0 to 100.
    word : str
        The same in TagPack's word.
    """
    said = "not stated by its publisher"
    if level is not None:
        stated = f"{word}, " if word else ""
        said = f"{stated}{level} of 100 in TagPack's ranking of sources"
    return f"confidence in attribution: {said}"


def control(rule: str, rate: float | None, rates: Rates = MEASURED) -> str:
    """Return how often such links were right, and on what that was counted.

    Parameters
    ----------
    rule : str
        Which links the two addresses.
    rate : float or None
        What stands beside the link in the case; None where nothing was measured.
    rates : Rates
        What was measured.
    """
    return f"confidence in control: {rate_words(rule, rate, rates) or 'no measured rate'}"


def rate_words(rule: str, rate: float | None, rates: Rates = MEASURED) -> str:
    """Return the counts behind the rate of a link, with interval and basis; empty without one.

    The case holds a number alone. It is told by the counts of its rule where these give the very
    number; where they do not, others stand behind it, and no number is repeated.
    """
    if rate is None:
        return ""
    found = rates.by_rule.get(rule)
    return _counts(found) if found is not None and found.confidence == rate else ELSEWHERE


def _counts(rate: Rate) -> str:
    noun = "simulated links" if SIMULATED in rate.basis.casefold() else "links"
    least, part = divmod(int(rate.at_least * 10_000), 100)  # never rounded up
    return (
        f"{rate.right:,} of {rate.of:,} {noun} were right; at least {least}.{part:02} % by the"
        f" interval of 95 % over {rate.cases:,} independent cases; counted on: {rate.basis}"
    )


def custody(certainty: str) -> str:
    """Return what is said of the custody of an end: a kind of evidence, of which no rate is known.

    It is given in words alone: no scale of others fits a kind of evidence.
    """
    return f"confidence in control: {certainty}, no measured rate" if certainty else ""
