"""``[[people]]``: who is a likely consumer, a small donor or a victim, and stays masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question


class People(Question):
    """Ask who people are who deal with subjects and with whom tags name, and protect them.

    Likely consumers, small donors and victims are then masked in the disclosure edition whatever a
    tag, a finding or a trace would show. Subjects of the case stay what they are.
    """

    small: Annotated[
        Whole | None,
        Field(
            ge=1,
            description="Largest payment that is little, in base units; without it whoever paid"
            " seldom may be one of them, and is masked.",
        ),
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the role of each of them, with its evidence."""
        yield Answer(ground.people(ground.asset(self.asset, self.chain), self.small), self.name)
