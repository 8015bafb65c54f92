"""The questions that the other side will ask of a finding, and what the case has to say to each.

A question is asked of kinds of findings. Its answer is computed from the results of the case and
names no party and no amount: *answered* where what was read decides it, *in part* where it narrows
it, *open* of all else. Open does not mean that the finding is wrong.

References
----------
Walton, Reed and Macagno, Argumentation Schemes, 2008, for arguments that are judged by the critical
questions that belong to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import polars as pl

from chainwatch.attribution.tags import Tags
from chainwatch.case.report.elements import Notes, TableBlock
from chainwatch.case.report.strength import (
    COUNTS,
    CUSTODY,
    FLOW,
    NAMES,
    OTHER,
    OWNERS,
    PAYMENTS,
    TOKEN,
    Kind,
)
from chainwatch.figures.case_figures import CaseFigure
from chainwatch.heuristics.links import Links
from chainwatch.results.result import Result
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.custody.hosted import Hosted
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import MIXER, UNDECIDED, UNREAD

ANSWERED, PART, OPEN = "answered", "in part", "open"

HEADING = "Critical questions"

R = TypeVar("R", bound=Result)


class Answer(NamedTuple):
    """Whether the case answers a question, and how."""

    status: str
    how: str


@dataclass(frozen=True)
class Evidence:
    """The results of a case, asked by kind."""

    results: Sequence[Result]

    def of(self, kind: type[R]) -> list[R]:
        """Return the results of a kind."""
        return [one for one in self.results if isinstance(one, kind)]

    @property
    def ranges(self) -> list[TraceRange]:
        """The traces under every policy, also those that are only drawn."""
        drawn = [one.of for one in self.of(CaseFigure) if isinstance(one.of, TraceRange)]
        return [*self.of(TraceRange), *drawn]

    def ends_at(self, *reasons: str) -> bool:
        """Return whether followed value ends for one of some reasons."""
        return any(not one.ends.filter(pl.col("reason").is_in(reasons)).is_empty()
                   for one in self.of(Trace))  # fmt: skip


def _mix(found: Evidence) -> Answer:
    if not found.of(Trace):
        return Answer(OPEN, "no value was followed")
    seen = found.ends_at(MIXER, UNDECIDED)
    said = (
        "value ends at what looks like a mix, and is not followed behind it" if seen
        else "no followed value met what looks like a mix"
    )  # fmt: skip
    return Answer(PART, f"{said}; a mix of a form that no rule knows is not seen")


def _keys(_: Evidence) -> Answer:
    return Answer(OPEN, "a chain shows that a key signed, and not who held it")


def _joined(found: Evidence) -> Answer:
    if not found.of(Links):
        return Answer(OPEN, "no addresses were joined by what they spend")
    return Answer(
        PART, "what looks like a CoinJoin joins nobody; a payment that payer and payee sign"
        " together (PayJoin) looks like any other"
    )  # fmt: skip


def _stale(found: Evidence) -> Answer:
    frames = [one.frame for one in found.of(Tags) if not one.frame.is_empty()]
    if not frames:
        return Answer(OPEN, "no tags were read")
    stated = [day for frame in frames for day in frame["first_day"].is_not_null()]
    if not any(stated):
        return Answer(OPEN, "no tag states the days on which it holds")
    return Answer(PART, f"{'all' if all(stated) else 'some'} tags state from when they hold")


def _hands(_: Evidence) -> Answer:
    return Answer(OPEN, "a change of hands leaves no trace where the key is handed over")


def _shared(found: Evidence) -> Answer:
    if not found.of(Hosted):
        return Answer(OPEN, "it was not asked whose addresses a service holds")
    return Answer(
        PART, "addresses that behave like deposit addresses were looked for, and following ends at"
        " each; a service that no tag names is not seen"
    )  # fmt: skip


def _method(found: Evidence) -> Answer:
    if not found.ranges:
        return Answer(OPEN, "no other method was computed")
    return Answer(
        ANSWERED, "the value was followed under every method; the policy interval is said"
    )


def _read(found: Evidence) -> Answer:
    if not found.of(Trace):
        return Answer(PART, "what was not read is listed")
    if found.ends_at(*UNREAD):
        return Answer(PART, "followed value ends at what was not read: it is a row of its own")
    return Answer(
        PART, "no followed value ended at what was not read; what lies outside of it is listed"
    )


def _lure(found: Evidence) -> Answer:
    direct = found.of(Counterparties)
    if not direct:
        return Answer(OPEN, "it was not asked")
    return Answer(PART, "payments of a trifle from look-alike addresses are set apart; how small a"
                  " trifle is stands among the parameters")  # fmt: skip


def _contract(found: Evidence) -> Answer:
    tokens = [one.asset.contract for one in found.of(Trace)]
    if any(tokens):
        return Answer(ANSWERED, "the token is known by its contract and not by its name")
    return Answer(ANSWERED, "it is the chain's own coin")


def _order(found: Evidence) -> Answer:
    open_ = [one for one in found.of(Trace) if one.order_open()]
    if open_:
        return Answer(PART, "transfers bear one time; other orders were computed where they matter")
    return Answer(ANSWERED, "what was read states the order, or it changes nothing")


def _knew(_: Evidence) -> Answer:
    return Answer(OPEN, "a chain shows payments, and not what a payer knew or meant")


class CriticalQuestion(NamedTuple):
    """A question, the kinds of findings it is asked of, what would answer it, and what does."""

    text: str
    asked_of: tuple[str, ...]
    would_answer: str
    answered: Callable[[Evidence], Answer]


CATALOGUE: tuple[CriticalQuestion, ...] = (
    CriticalQuestion("Could a mix lie between?", (FLOW,),
                     "records of the mixing service; wallets of those who took part", _mix),
    CriticalQuestion("Does it depend on the method of following?", (FLOW,),
                     "the same under every method", _method),
    CriticalQuestion("Was all read that it rests on?", (FLOW, PAYMENTS, OTHER),
                     "the blocks and histories that are listed as not read", _read),
    CriticalQuestion("Could it be a shared service, whose customers have nothing in common?",
                     (FLOW, OWNERS, PAYMENTS, CUSTODY),
                     "the service's records of its customers", _shared),
    CriticalQuestion("Do transfers that bear one time change it in another order?", (FLOW, TOKEN),
                     "the position of each transfer in its block", _order),
    CriticalQuestion("Could strangers have signed together?", (OWNERS,),
                     "wallets or testimony of those who signed", _joined),
    CriticalQuestion("Were keys imported, shared or sold?", (OWNERS, CUSTODY),
                     "the wallet itself; records of whoever kept the keys", _keys),
    CriticalQuestion("Did an address change hands?", (OWNERS, CUSTODY, PAYMENTS),
                     "records of a sale or of a seizure", _hands),
    CriticalQuestion("Is a tag stale or wrong?", (FLOW, CUSTODY, PAYMENTS, NAMES),
                     "the tag's source, asked for days and grounds", _stale),
    CriticalQuestion("Could it only look like a payment?", (PAYMENTS,),
                     "the payee's own records", _lure),
    CriticalQuestion("Is it the genuine token?", (TOKEN, PAYMENTS),
                     "the issuer's statement of its contract", _contract),
    CriticalQuestion("Did the payer know whom he paid?", (PAYMENTS,),
                     "messages, contracts, testimony", _knew),
)  # fmt: skip
"""Every question, in the order in which it is asked."""

ASKED_NOTHING = (COUNTS,)
"""Kinds of findings that only count what was read."""


def answers(kind: Kind, found: Evidence) -> Iterator[tuple[CriticalQuestion, Answer]]:
    """Yield the questions of a kind of finding with the answers of the case."""
    for question in CATALOGUE:
        if kind.name in question.asked_of:
            yield question, question.answered(found)


def critical_questions(kind: Kind, found: Evidence) -> Iterator[Notes]:
    """Yield the questions that are asked of a kind of finding, as a table; nothing if none is."""
    rows = tuple(
        (one.text, f"{answer.status}: {answer.how}", one.would_answer)
        for one, answer in answers(kind, found)
    )
    if rows:
        head = ("question", "does this case answer it?", "what would answer it")
        yield Notes(HEADING, (), TableBlock("Questions asked of this finding", head, rows))
