"""Leave to see everybody: why it is needed, and by whose authority; nothing opens without both."""

from __future__ import annotations

from typing import NamedTuple

from chainwatch.errors import CaseError, expect


class Leave(NamedTuple):
    """Why the working edition is opened, and by whose authority."""

    reason: str
    authority: str


def leave(reason: str, authority: str, *, asked: tuple[str, str] | None = None) -> Leave:
    """Return the leave to look at the working edition.

    Parameters
    ----------
    reason : str
        Why it is needed.
    authority : str
        On whose authority: an order, a file number, an office.
    asked : tuple of str, optional
        How the two are said where they are asked for, such as ``("--reason", "--authority")``.

    Raises
    ------
    CaseError
        If either is missing; the sentence names it.
    ArgumentError
        If either is no text.
    """
    said = asked or ("reason='...'", "authority='...'")
    for value, what, how in zip((reason, authority), _LACKS, said, strict=True):
        expect(value, str, what.removeprefix("a ").removeprefix("an "), f"say it with {how}")
        if not value.strip():
            raise CaseError(
                f"the working edition masks nobody and was asked for without {what}",
                remedy=f"say it with {how}",
            )
    return Leave(reason, authority)


_LACKS = ("a reason", "an authority")
