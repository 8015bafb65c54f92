"""What was tried while a case was open: every policy, parameter set and test, added or not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainwatch.results.noticed import stop, watch
from chainwatch.results.provenance import Record
from chainwatch.results.result import Result

MOST_HELD = 16
"""Trials whose rows are held at a time: of older ones only the digest is kept."""

LONGEST = 400
"""Characters of parameters in one entry of the log; the manifest has those of what was added."""

TESTS_RUN = "; tests run: "
"""Says in the log how many tests a trial was."""


@dataclass(eq=False)
class Trials:
    """Hears of what its thread tries, from when it is made until it is stopped."""

    thread: int = field(default_factory=threading.get_ident)
    _heard: list[tuple[Record, int]] = field(default_factory=list)
    _older: list[tuple[Record, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        watch(self)

    def notice(self, result: Result) -> None:
        """Keep the record of a result, and how many tests it is."""
        if result.record is not None:
            self._heard.append((result.record, result.tests_run()))
        if len(self._heard) > MOST_HELD:  # each is made light once, however many there are
            old = self._heard[: -MOST_HELD // 2]
            self._older += [(_light(record), tests) for record, tests in old]
            del self._heard[: len(old)]

    def take(self) -> list[tuple[Record, int]]:
        """Return what was heard of since the last time."""
        heard, self._older, self._heard = self._older + self._heard, [], []
        return heard

    def stop(self) -> None:
        """Hear of nothing more."""
        stop(self)
        self._older, self._heard = [], []


def _light(record: Record) -> Record:
    """Return a record that holds no rows."""
    return Record(record.step, dict(record.params), (), record.content, record.software)


Key = tuple[str, str, str]
"""Which trial it was: the verb, its plain parameters, and the digest of what came out."""


def key_of(record: Record) -> Key:
    """Return which trial a step was; two policies may give one result and are two trials."""
    return record.step, said_of(record.params), record.content


def used(results: Iterable[Result]) -> set[Key]:
    """Return the steps by which results came about."""
    return {key for one in results if one.record for key in _steps(one.record)}


def _steps(record: Record) -> Iterator[Key]:
    yield key_of(record)
    for one in record.inputs:
        yield from _steps(one)


def said_of(params: Mapping[str, Any], tests: int = 0) -> str:
    """Return the plain parameters of a step in a line; digests, which stand for tables, are not."""
    plain = {name: _plain(value) for name, value in params.items()}
    told = ", ".join(f"{name}={value}" for name, value in plain.items() if value is not None)
    short = told if len(told) <= LONGEST else f"{told[:LONGEST]}..."
    return f"{short}{TESTS_RUN}{tests}" if tests else short


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        kept = [str(one) for one in map(_plain, value) if one is not None]
        return f"[{', '.join(kept)}]" if kept else None
    if isinstance(value, str):
        return None if value.startswith("sha256:") or not value else value
    return value if isinstance(value, (bool, int)) else None
