"""When the entries of a log were made: bound to them by their digests, and in their order.

Times are no part of an entry, so that a case that is run again has the same log. They stand in
``run.json``, under the digest of the entry that each is of, and the seal covers them. A time that
was put on another entry, left out or moved before what came before it shows, also where somebody
sealed the folder anew; one that was moved within its neighbours shows by the seal alone, or by a
timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chainwatch.case.log import Log
from chainwatch.errors import CaseError


def moment_of(log: Log, times: Mapping[str, str], now: datetime) -> str:
    """Return the time of the last entry of a log: now, or that of a parent if clocks went back."""
    parents = (times[one] for one in log.entries[-1].parents if one in times)
    return max([now, *map(datetime.fromisoformat, parents)]).isoformat()


def check_times(log: Log, run: Mapping[str, object], where: str) -> None:
    """Refuse times that are not those of the entries of a log, or run backwards.

    Raises
    ------
    CaseError
        Naming the first entry whose time is wrong.
    """
    times = run.get("times")
    given = dict(times) if isinstance(times, Mapping) else {}
    found: dict[str, datetime] = {}
    for place, entry in enumerate(log.entries, 1):
        digest = entry.digest()
        time = _time(given.pop(digest, None))
        before = max((found[one] for one in entry.parents), default=None)
        if time is None or (before is not None and time < before):
            what = "has no time" if time is None else "bears a time before that of its parent"
            raise _wrong(f"entry {place} of the log {what}", where)
        found[digest] = time
    if given:
        raise _wrong("a time is of no entry of the log", where)
    finished = _time(run.get("finished"))
    if found and (finished is None or max(found.values()) > finished):
        raise _wrong("an entry of the log bears a time after the case was written", where)


def latest(run: Mapping[str, object]) -> datetime | None:
    """Return the last time that ``run.json`` has: of an entry of the log, or of its end.

    Where it was stated when data was acquired, entries bear that day, and the end is later.
    """
    times = run.get("times")
    told = [*(times.values() if isinstance(times, Mapping) else ()), run.get("finished")]
    return max((one for one in map(_time, told) if one is not None), default=None)


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _wrong(what: str, where: str) -> CaseError:
    return CaseError(
        f"a timestamp is wrong: {what}", where=where,
        remedy="compare with the copy that was sealed",
    )  # fmt: skip
