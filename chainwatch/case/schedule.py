"""The schedule that goes with a disclosure: what was planned, tried and not used, and contrary.

An expert of the other side is owed the results that were left out, and those that speak against.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    departures : tuple of str
        Where what was done is not what was planned.
    tests : tuple of int
        Tests of significance that were run, added or not, and the least that a correction counts.
    """

    planned: tuple[Entry, ...]
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
            "planned": [{"what": text.text(one.what), "policy": text.text(one.why)}
                        for one in self.planned],
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
            *(f"Written down before: {one.what.partition(': ')[2]}"
              f"{f' ({one.why})' if one.why else ''}." for one in self.planned),
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


def schedule(log: Log, results: Sequence[Result]) -> Schedule:
    """Return the schedule of a case.

    Parameters
    ----------
    log : Log
        Its log.
    results : sequence of Result
        What was added.
    """
    known = used(results)
    unused = tuple(one for one in log.entries if one.kind == TRIED and _key(one) not in known)
    planned = tuple(entry for entry in log.entries if entry.kind == PLANNED)
    against = dict.fromkeys((one.called, said) for one in results for said in _against(one))
    return Schedule(
        planned, unused, tuple(against), tuple(_departures(log, planned, results)),
        _tests(unused, results),
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


def _departures(log: Log, planned: Sequence[Entry], results: Sequence[Result]) -> Iterator[str]:
    """Yield where what was done is not what was planned."""
    done = sorted({str(one.record.params[POLICY]) for one in results
                   if one.record and one.record.params.get(POLICY)})  # fmt: skip
    for entry in planned:
        wanted = entry.why.removeprefix("planned policy: ")
        if wanted and wanted not in done:
            yield f"Planned was the policy {wanted}; used was {', '.join(done) or 'none'}."
        before = [one for one in log.entries if one.kind in (ADDED, TRIED)]
        place = log.entries.index(entry)
        if earlier := sum(log.entries.index(one) < place for one in before):
            yield (
                f"What was planned was written down after"
                f" {counted(earlier, 'result was', 'results were')} known."
            )


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
