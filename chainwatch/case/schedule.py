"""The schedule that goes with a disclosure: what was planned, tried and not used, and contrary.

An expert of the other side is owed the results that were left out, and those that speak against.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from chainwatch.case.log import ADDED, PLANNED, TRIED, Entry, Log
from chainwatch.case.seal import pretty
from chainwatch.case.trials import TESTS_RUN, Key, used
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.redact_text import TextMask
from chainwatch.results.result import Finding, Result
from chainwatch.sanitize import preformatted, visible
from chainwatch.units import counted

UNUSED = "unused.json"
TITLE = "What was tried and not used, and what speaks against"
POLICY = "policy"
NOT_HEARD = (
    "Before is before the results of this log: of a run of the case that was made earlier, or in"
    " another process, it knows nothing."
)


@dataclass(frozen=True, repr=False)
class Schedule:
    """What stands in the schedule of a case.

    Attributes
    ----------
    planned : tuple of Entry
        Hypotheses, with the policy that was planned, as the log has them.
    unused : tuple of Entry
        What was tried and is not in the case.
    against : tuple of (str, str)
        Which result speaks against what the case asks, and what it says.
    first : tuple of bool
        Of each hypothesis, whether every result goes on from it: only then it came before.
    departures : tuple of str
        Where what was done is not what was planned.
    tests : tuple of int
        Tests of significance that were run, added or not, and the least that a correction counts.
    """

    planned: tuple[Entry, ...]
    first: tuple[bool, ...]
    unused: tuple[Entry, ...]
    against: tuple[tuple[str, str], ...]
    departures: tuple[str, ...]
    tests: tuple[int, int]

    def __repr__(self) -> str:
        found = self.finding()
        lines = found.text if found else ("Nothing was tried and left out.",)
        return "\n".join(["Schedule", *(f"  {visible(line)}" for line in lines)])

    def _repr_html_(self) -> str:
        return preformatted(repr(self))

    def write(self, folder: Path, edition: Edition, text: TextMask) -> None:
        """Write it as the edition may tell it."""
        told = {
            "planned": [
                {"what": text.text(one.what), "policy": text.text(one.why), "before_all": first}
                for one, first in zip(self.planned, self.first, strict=True)
            ],
            "departures": [text.text(one) for one in self.departures],
            "unused": [
                {"what": text.text(one.what), "with": text.text(one.why),
                 "content": edition.digest(one.content)}
                for one in self.unused
            ],
            "against": [{"result": text.text(one), "says": text.text(said)}
                        for one, said in self.against],
            "tests_run": self.tests[0],
        }  # fmt: skip
        (folder / UNUSED).write_bytes(pretty(told))

    def finding(self) -> Finding | None:
        """Return its section of the report; None where there is nothing to say."""
        text = [
            *(f"{'Written down before' if first else 'Written down'}: "
              f"{one.what.partition(': ')[2]}{f' ({one.why})' if one.why else ''}."
              for one, first in zip(self.planned, self.first, strict=True)),
            *([NOT_HEARD] if any(self.first) else []),
            *self.departures,
            *(f"Not used: {one.what.removeprefix('try ')} ({one.why})." for one in self.unused),
            *(f"Against: {said}" for _, said in self.against),
        ]  # fmt: skip
        if self.tests[0]:
            text.append(self._tests_told())
        return Finding(TITLE, tuple(text)) if text else None

    def _tests_told(self) -> str:
        tried, counted_in = self.tests
        head = f"{counted(tried, 'test of significance was', 'tests of significance were')} run"
        if counted_in and counted_in < tried:
            return (
                f"{head}, and the correction of those shown counts {counted_in:,}: it is too mild;"
                f" test again with tests={tried}."
            )
        return f"{head}, added or not."


def schedule(
    log: Log, results: Sequence[Result], times: Mapping[str, str] | None = None
) -> Schedule:
    """Return the schedule of a case.

    Parameters
    ----------
    log : Log
        Its log.
    results : sequence of Result
        What was added.
    times : mapping of str to str, optional
        When each entry was made, by its digest: said of what two people did apart.
    """
    known = used(results)
    # What two people heard of, each in a log that was merged since, or tried twice, is one trial.
    tried = {_key(one): one for one in reversed(log.entries) if one.kind == TRIED}
    unused = tuple(one for key, one in reversed(tried.items()) if key not in known)
    planned = tuple(entry for entry in log.entries if entry.kind == PLANNED)
    orders = [_order(log, entry) for entry in planned]
    against = dict.fromkeys((one.called, said) for one in results for said in _against(one))
    return Schedule(
        planned, tuple(one.first for one in orders), unused, tuple(against),
        tuple(_departures(orders, planned, results, times or {})), _tests(unused, results),
    )  # fmt: skip


def _against(result: Result) -> Iterator[str]:
    """Yield what speaks against, of a result and of what a figure is of."""
    yield from result.against()
    drawn = getattr(result, "trace", None)
    if isinstance(drawn, Result):
        yield from drawn.against()


def _key(entry: Entry) -> Key:
    """Return which trial an entry is of, as :func:`chainwatch.case.trials.key_of` does."""
    return entry.what.removeprefix("try "), entry.why.partition(TESTS_RUN)[0], entry.content


class _Order(NamedTuple):
    """Results, tried or added, by how they stand to a plan: digests of their entries."""

    plan: str
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    apart: tuple[str, ...]

    @property
    def first(self) -> bool:
        return bool(self.later) and not self.earlier and not self.apart


def _order(log: Log, plan: Entry) -> _Order:
    """Return which results a plan goes on from, and which go on from it.

    The place in the list would not do: a merge puts one side behind the other, whatever was when.
    """
    results = [one.digest() for one in log.entries if one.kind in (ADDED, TRIED)]
    before, after = log.before(plan), log.after(plan)
    return _Order(
        plan.digest(),
        tuple(one for one in results if one in before),
        tuple(one for one in results if one in after),
        tuple(one for one in results if one not in before and one not in after),
    )


def _departures(
    orders: Sequence[_Order], planned: Sequence[Entry], results: Sequence[Result],
    times: Mapping[str, str],
) -> Iterator[str]:  # fmt: skip
    """Yield where what was done is not what was planned."""
    done = sorted({str(one.record.params[POLICY]) for one in results
                   if one.record and one.record.params.get(POLICY)})  # fmt: skip
    for order, entry in zip(orders, planned, strict=True):
        wanted = entry.why.removeprefix("planned policy: ")
        if wanted and wanted not in done:
            yield f"Planned was the policy {wanted}; used was {', '.join(done) or 'none'}."
        if known := len(order.earlier):
            yield (
                f"What was planned was written down after"
                f" {counted(known, 'result was', 'results were')} known."
            )
        if order.apart:
            yield (
                f"What was planned and {counted(len(order.apart), 'result', 'results')} stand"
                f" apart, on two sides of a merge; {_times_say(order, times)}."
            )


def _times_say(order: _Order, times: Mapping[str, str]) -> str:
    """Return in words how many results were there when a plan was made apart from them."""
    if order.plan not in times or any(one not in times for one in order.apart):
        return "no times say which was first"
    plan = datetime.fromisoformat(times[order.plan])
    later = sum(datetime.fromisoformat(times[one]) > plan for one in order.apart)
    return f"the times say that {len(order.apart) - later:,} came no later than it, {later:,} after"


def _tests(unused: Sequence[Entry], results: Sequence[Result]) -> tuple[int, int]:
    """Return how many tests were run, and the least number that a correction of those shown counts.

    The second is zero where none is shown, or none says what it counts.
    """
    shown = [one for one in results if one.tests_run()]
    left = sum(_number(one) for one in unused)
    counts = [int(getattr(one, "tests", 0)) for one in shown]
    return sum(one.tests_run() for one in shown) + left, min(counts, default=0)


def _number(entry: Entry) -> int:
    """Return how many tests a trial was, as the log says."""
    said = entry.why.rpartition(TESTS_RUN)[2]
    return int(said) if said.isdigit() else 0
