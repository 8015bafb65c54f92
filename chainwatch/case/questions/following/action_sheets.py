"""``[[action_sheets]]``: where somebody could act on what is followed, and what happened since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import Flag
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.tracing.actions.sheet import action_sheet
from chainwatch.tracing.actions.watch import watch


class ActionSheets(Question):
    """Ask where somebody could act: services that hold value, issuers that can freeze it.

    With what was frozen and what the chain shows of what is left. The requests to services
    themselves are written by ``chainwatch action-sheet --out``: each tells its addressee of itself
    alone, so that none of them belongs into a report.
    """

    watch: Annotated[
        Flag, Field(description="Also what became of the ends by the end of what was read.")
    ] = False

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the sheet of each part, and what became of its ends."""
        for part in ground.parts:
            called = ", ".join(filter(None, (self.name, part.called)))
            yield Answer(action_sheet(part.trace, tags=ground.tags, ledger=ground.ledger), called)
            if self.watch:
                yield Answer(watch(part.trace, ground.ledger), called)
