"""Traffic Light Protocol 2.0: how far a case may travel, in the words that its standard fixes.

References
----------
FIRST, *Traffic Light Protocol (TLP) version 2.0*, August 2022.
"""

from __future__ import annotations

from typing import Literal, get_args

from chainwatch.errors import CaseError
from chainwatch.privacy.edition import WORKING

Label = Literal["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
LABELS: tuple[str, ...] = get_args(Label)
"""From the narrowest to the widest."""

DEFAULT, OF_WORKING = "AMBER+STRICT", "RED"
"""Without a word a disclosure stays in the recipient's organisation, and a working edition with
the persons it was given to."""


def plain_label(text: str) -> str:
    """Return a text in the form that labels have: in capitals, without their prefix."""
    return text.strip().upper().removeprefix("TLP:")


def label(text: str) -> str:
    """Return a label as the standard writes it, without its prefix; nothing for nothing.

    Raises
    ------
    CaseError
        If it is none.
    """
    found = plain_label(text)
    if found and found not in LABELS:
        raise CaseError(
            f"{text!r} is no label of TLP 2.0",
            remedy=f"write one of {', '.join(LABELS)}",
        )
    return found


def marking(given: str, edition: str) -> str:
    """Return what an edition is marked with, as it is printed: ``TLP:AMBER+STRICT``."""
    return f"TLP:{label(given) or (OF_WORKING if edition == WORKING else DEFAULT)}"
