"""Words that a referral sheet does not say, each with those to say instead.

A word that makes a person out of an illness keeps people from care; person-first words do not.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from chainwatch.errors import InputError

INSTEAD: MappingProxyType[str, str] = MappingProxyType(
    {
        r"(?:ex-?|former )?addicts?": "a person with a substance use disorder",
        r"addicted (?:babies|baby|infants?)": "a newborn exposed to substances",
        r"(?:drug|substance|opioid|alcohol|heroin|meth)[- ]?ab(?:use|uses|using|user|users|users')":
            "substance use, or a person who uses substances",
        r"abusers?": "a person who uses substances",
        r"(?:drug|substance|opioid|heroin|meth|crack)[- ]?users?": "a person who uses substances",
        r"(?:drug|substance)[- ]?habits?": "substance use disorder",
        r"junk(?:y|ies|ie)": "a person who uses substances",
        r"druggies?": "a person who uses substances",
        r"drunks?|drunkards?|winos?": "a person with an alcohol use disorder",
        r"alcoholics?": "a person with an alcohol use disorder",
        r"crackheads?|methheads?|pillheads?|potheads?|stoners?|tweakers?|dope ?fiends?":
            "a person who uses substances",
        r"(?:get|gets|getting|stay|stays|staying|been|being) clean": "in recovery",
        r"(?:clean|dirty) (?:urine|tests?|samples?|screens?)": "a negative or positive test",
        r"dirty needles?": "used needles",
        r"relapsed?|relapses|relapsing": "a return to use",
        r"(?:opioid|drug) (?:substitution|replacement)": "medication for opioid use disorder",
        r"offenders?|criminals?|felons?|convicts?|perpetrators?": "a person",
        r"inmates?|prisoners?": "a person in prison",
        r"prostitutes?|hookers?": "a person who sells sex",
        r"(?:the )?homeless people|(?:the )?homeless": "people without housing",
        r"schizophrenics?|psychos?|lunatics?": "a person with a mental illness",
        r"non-?compliant": "not in treatment now",
        r"(?:drug|substance) of choice": "the substance that a person uses",
    }
)  # fmt: skip
"""What is refused, as it is found in any capitals, and what to write instead."""

_REFUSED = tuple(
    (re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), instead)
    for pattern, instead in INSTEAD.items()
)


def check_words(text: str, where: str) -> None:
    """Refuse a text with a word that shames people.

    Raises
    ------
    InputError
        Naming the word, and what to write instead.

    Examples
    --------
    >>> check_words("support for people who use opioids", "a field")
    """
    for pattern, instead in _REFUSED:
        if found := pattern.search(text):
            raise InputError(
                f"the word {found[0]!r} keeps people from care", where=where,
                remedy=f"write: {instead}",
            )  # fmt: skip


__all__ = ["INSTEAD", "check_words"]
