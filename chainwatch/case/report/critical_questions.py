"""The questions that the other side will ask of a finding, and what the case has to say to each.

A question is asked of kinds of findings. Its answer is computed from the results of the case and
names no party and no amount: *answered* where what was read decides it, *in part* where it narrows
it, *open* of all else, and of whatever was not asked. An answer rests on results in the asset of
the finding alone. Open does not mean that the finding is wrong.

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

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.case.report.elements import Notes, TableBlock
from chainwatch.case.report.strength import (
    COUNTS,
    CUSTODY,
    FLOW,
    IDENTITIES,
    LACKING,
    LEADS,
    LOOKS,
    NAMES,
    OTHER,
    OWNERS,
    PAYMENTS,
    PEOPLE,
    REFUSALS,
    SCHEDULE,
    SHAPES,
    TOKEN,
    UNHOSTED,
    Kind,
)
from chainwatch.clusters.cluster import Clusters
from chainwatch.figures.case_figures import CaseFigure
from chainwatch.heuristics.links import Links
from chainwatch.results.provenance import Record
from chainwatch.results.result import Finding, Result
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.custody.hosted import Hosted
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import HOSTED, MIXER, UNDECIDED, UNREAD

ANSWERED, PART, OPEN = "answered", "in part", "open"

HEADING = "Critical questions"

R = TypeVar("R", bound=Result)


class Answer(NamedTuple):
    """Whether the case answers a question, and how."""

    status: str
    how: str


@dataclass(frozen=True)
class Evidence:
    """The results of a case, asked by kind.

    Attributes
    ----------
    results : sequence of Result
        All of them.
    asset : Asset or None
        What the finding is of that is asked about: results in another say nothing of it. Without
        one, those in every asset are asked.
    """

    results: Sequence[Result]
    asset: Asset | None = None

    def of(self, kind: type[R]) -> list[R]:
        """Return the results of a kind that are in the asset, or in none."""
        return [one for one in self.results if isinstance(one, kind) and self._fits(one)]

    def _fits(self, result: Result) -> bool:
        asset = getattr(result, "asset", None)
        return None in (asset, self.asset) or asset == self.asset

    @property
    def ranges(self) -> list[TraceRange]:
        """The traces under every policy, also those that are only drawn."""
        drawn = [one.of for one in self.of(CaseFigure) if isinstance(one.of, TraceRange)]
        return [*self.of(TraceRange), *drawn]

    @property
    def told(self) -> list[Trace]:
        """The traces by one policy that the case tells or draws."""
        drawn = [getattr(one, "of", getattr(one, "trace", None)) for one in self.results]
        among = [one for one in drawn if isinstance(one, Trace) and self._fits(one)]
        return [*self.of(Trace), *among]

    @property
    def traces(self) -> list[Trace]:
        """Every trace: those that are told, and those under each policy of a range."""
        return [*self.told, *(one for many in self.ranges for one in many.traces.values())]

    def ends_at(self, *reasons: str) -> bool:
        """Return whether followed value ends for one of some reasons."""
        return any(not one.ends.filter(pl.col("reason").is_in(reasons)).is_empty()
                   for one in self.traces)  # fmt: skip


def _mix(found: Evidence) -> Answer:
    if not found.traces:
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
    made = [*found.of(Links), *found.of(Clusters)]
    if not made:
        return Answer(OPEN, "no addresses were joined by what they spend")
    if not all(_asked_for_mixes(one.record) for one in made):
        return Answer(
            OPEN, "not all that joins addresses was asked whether it looks like a CoinJoin"
        )
    return Answer(
        PART, "what looks like a CoinJoin joins nobody; a payment that payer and payee sign"
        " together (PayJoin) looks like any other"
    )  # fmt: skip


def _asked_for_mixes(record: Record | None) -> bool:
    """Return whether a rule on joint transactions stands in how links came about."""
    if record is None:
        return False
    return bool(record.params.get("unless")) or any(map(_asked_for_mixes, record.inputs))


def _stale(found: Evidence) -> Answer:
    frames = [one.frame for one in found.of(Tags) if not one.frame.is_empty()]
    if not frames:
        return Answer(OPEN, "no tags were read")
    stated = [day for frame in frames for day in frame["first_day"].is_not_null()]
    said = [day for frame in frames for day in frame["as_of"]]
    days = sorted({day for day in said if day is not None})
    if not any(stated) and not days:
        return Answer(OPEN, "no tag states from when it holds, nor when that was said")
    held = "no tag states from when it holds"
    if any(stated):
        held = f"{'all' if all(stated) else 'some'} tags state from when they hold"
    if not days:
        return Answer(PART, held)
    span = f"as of {days[0]}" if len(days) == 1 else f"as of days from {days[0]} to {days[-1]}"
    whose = "some" if None in said else "all"
    return Answer(PART, f"{held}; {whose} were stated {span}, which says nothing of other days")


def _hands(_: Evidence) -> Answer:
    return Answer(OPEN, "a change of hands leaves no trace where the key is handed over")


def _shared(found: Evidence) -> Answer:
    if not found.of(Hosted):
        return Answer(OPEN, "it was not asked whose addresses a service holds")
    ends = ", and following ends at each that was met" if found.ends_at(HOSTED) else ""
    return Answer(
        PART, f"addresses that behave like deposit addresses were looked for{ends}; a service that"
        " no tag names is not seen"
    )  # fmt: skip


def _method(found: Evidence) -> Answer:
    if not found.ranges:
        return Answer(OPEN, "no other method was computed")
    if not all(any(is_of(many, one) for many in found.ranges) for one in found.told):
        return Answer(PART, "not all that was followed was followed under every method")
    if all(map(_agrees, found.ranges)):
        return Answer(ANSWERED, "no: every method that was compared says the same")
    if all(map(_alike_in_sum, found.ranges)):
        return Answer(PART, "of each kind of end every method says the same amount; at which single"
                      " address or payment it ends depends on the method")  # fmt: skip
    return Answer(PART, "yes, it depends: the policy interval says how far")


def is_of(many: TraceRange, one: Trace) -> bool:
    """Return whether a range follows what a trace follows: the same asset, way and subjects."""
    if (many.asset, many.direction) != (one.asset, one.direction):
        return False
    return any(each.subjects.equals(one.subjects) for each in many.traces.values())


def _agrees(found: TraceRange) -> bool:
    """Return whether every compared policy says the same of every destination, in any order."""
    came = {found.came_in[name] for name in found.compared}
    same = found.frame.filter(pl.col("low") != pl.col("high")).is_empty()
    bounded = all(found.traces[name].bounded for name in found.compared)
    return len(found.compared) > 1 and len(came) == 1 and same and bounded


def _alike_in_sum(found: TraceRange) -> bool:
    """Return whether every compared policy says the same of each kind of end, in any order."""
    came = {found.came_in[name] for name in found.compared}
    kinds = found.summary()
    same = kinds.filter(pl.col("low") != pl.col("high")).is_empty()
    bounded = all(found.traces[name].bounded for name in found.compared)
    return len(found.compared) > 1 and len(came) == 1 and same and bounded


def _read(found: Evidence) -> Answer:
    if not found.traces:
        listed = any(one.name in READINGS for one in found.of(Finding))
        return Answer(PART, "what was not read is listed") if listed else Answer(
            OPEN, "no value was followed, and what was not read is not listed"
        )  # fmt: skip
    if found.ends_at(*UNREAD):
        return Answer(PART, "followed value ends at what was not read: it is a row of its own")
    return Answer(
        PART, "no followed value ended at what was not read; what lies outside of it is not known"
    )


def _lure(found: Evidence) -> Answer:
    direct = found.of(Counterparties)
    if not direct:
        return Answer(OPEN, "it was not asked")
    if not all(one.trifle for one in direct):
        return Answer(PART, "transfers of nothing are set apart; no size of a trifle was given, so"
                      " that none from a look-alike was judged")  # fmt: skip
    return Answer(PART, "payments of a trifle from look-alike addresses are set apart; how small a"
                  " trifle is stands among the parameters")  # fmt: skip


def _contract(found: Evidence) -> Answer:
    if found.asset is None:
        return Answer(OPEN, "the finding names no token")
    if found.asset.contract is None:
        return Answer(ANSWERED, "it is the chain's own coin")
    return Answer(
        PART, "the token is known by its contract and not by its name; whether its issuer calls"
        " this contract its own was not asked"
    )  # fmt: skip


def _order(found: Evidence) -> Answer:
    if not found.traces:
        return Answer(OPEN, "no value was followed")
    open_ = [one for one in found.traces if one.order_open()]
    if not open_:
        return Answer(ANSWERED, "no: what was read states the order, or it changes nothing")
    if all(one.bounded for one in open_):
        return Answer(PART, "transfers bear one time; every order that matters was computed")
    return Answer(PART, "transfers bear one time; some of the orders that matter were computed")


def _sold(_: Evidence) -> Answer:
    return Answer(OPEN, "a key shows that somebody could use it, and not who")


def _lawful(_: Evidence) -> Answer:
    return Answer(OPEN, "a chain shows shapes of payments, and not what they were made for")


def _alike(_: Evidence) -> Answer:
    return Answer(OPEN, "how likely two addresses look so alike by chance was not computed")


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
    CriticalQuestion("Was all read that it rests on?",
                     (FLOW, PAYMENTS, UNHOSTED, SHAPES, LEADS, PEOPLE, OTHER),
                     "the blocks and histories that are listed as not read", _read),
    CriticalQuestion("Could it be a shared service, whose customers have nothing in common?",
                     (FLOW, OWNERS, LEADS, PEOPLE, PAYMENTS, UNHOSTED, SHAPES, CUSTODY),
                     "the service's records of its customers", _shared),
    CriticalQuestion("Do transfers that bear one time change it in another order?", (FLOW, TOKEN),
                     "the position of each transfer in its block", _order),
    CriticalQuestion("Could strangers have signed together?", (OWNERS,),
                     "wallets or testimony of those who signed", _joined),
    CriticalQuestion("Were keys imported, shared or sold?", (OWNERS, LEADS, CUSTODY),
                     "the wallet itself; records of whoever kept the keys", _keys),
    CriticalQuestion("Did an address change hands?",
                     (OWNERS, LEADS, PEOPLE, CUSTODY, PAYMENTS, UNHOSTED),
                     "records of a sale or of a seizure", _hands),
    CriticalQuestion("Is a tag stale or wrong?",
                     (FLOW, PEOPLE, CUSTODY, PAYMENTS, UNHOSTED, SHAPES, NAMES),
                     "the tag's source, asked for days and grounds", _stale),
    CriticalQuestion("Could it only look like a payment?", (PAYMENTS, UNHOSTED, LOOKS),
                     "the payee's own records", _lure),
    CriticalQuestion("Is it the genuine token?", (TOKEN, PAYMENTS, UNHOSTED),
                     "the issuer's statement of its contract", _contract),
    CriticalQuestion("Did the payer know whom he paid?", (PAYMENTS, UNHOSTED),
                     "messages, contracts, testimony", _knew),
    CriticalQuestion("Do two addresses look alike by chance?", (LOOKS,),
                     "how many look so alike among those that were read", _alike),
    CriticalQuestion("Does lawful business look the same?", (SHAPES,),
                     "the owner's books and contracts", _lawful),
    CriticalQuestion("Was an account or its key copied, shared or sold?", (IDENTITIES,),
                     "records of the market; whoever held the key", _sold),
)  # fmt: skip
"""Every question, in the order in which it is asked."""

ASKED_NOTHING = (COUNTS, LACKING, REFUSALS, SCHEDULE)
"""Kinds of findings that only count what was read, lacks, was refused, or was not used."""

READINGS = ("what_was_read", "not_read")
"""Tables of the findings that list what was read and what was not."""


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
