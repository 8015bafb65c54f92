"""``plan_case``: what a run of a case file would read, ask and follow, without doing any of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import polars as pl

from chainwatch.atomic import absolute, check_free, check_writable
from chainwatch.case.file.model import CaseFile, data_folder, inside, load_case
from chainwatch.case.file.source_tables import LedgerTable, SourceTable, paths_of, what_is_read
from chainwatch.case.recipes.named_parties import unnamed_so_far
from chainwatch.case.recipes.run import check_apart, check_ready, is_ours, steps_of
from chainwatch.case.recipes.sources import (
    Leave,
    hosts_asked,
    look_into,
    opened,
    without_leave,
)
from chainwatch.case.recipes.subjects import subjects_of, whom_told
from chainwatch.case.recipes.tags import as_they_stood, tags_of_case
from chainwatch.ledger.coverage import coverage, unread
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.text_frame import alias_of
from chainwatch.units import counted


@dataclass(frozen=True)
class Plan:
    """What a run of a case file would do.

    Attributes
    ----------
    lines : tuple of str
        What it would read, ask, follow and write, in words.
    hosts : tuple of str
        Whom it would ask.
    refused : tuple of str
        Those of them that it has no leave to ask: it would not run.
    """

    lines: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def plan_case(
    case_file: str | Path, out: str | Path, *, data: str | Path | None = None,
    replace: bool = False, only_hosts: Iterable[str] = (), online: bool = False,
) -> Plan:  # fmt: skip
    """Check a case file and its data as a run would, and say what that run would do.

    No server is asked and nothing is written. Files are there and of their kind, subjects are
    addresses of their chain, tags are read and name somebody; a ledger that exists is opened, and
    what it holds told.

    Parameters
    ----------
    case_file, out, data, replace, only_hosts, online
        As :func:`chainwatch.run_case` takes them.

    Raises
    ------
    ChainwatchError
        What the run would fail by before it reads; a lack of leave is told in the plan.

    Fails when
    ----------
    What is wrong stands further on in the data of a source: it is found when that is read.
    """
    config = load_case(case_file)
    base = data_folder(data, Path(case_file))
    target = absolute(out)
    check_apart(target, base, Path(case_file))
    check_free(target, is_ours, replace=replace)
    check_writable(target)
    check_ready(config, base)
    look_into(config.sources, base)
    hosts = tuple(hosts_asked(config.sources))
    leave = Leave.of(only_hosts, online=online, beside=target)
    refused = tuple(without_leave(config.sources, leave))
    lines = [
        f"{config.case.name}: {config.case.question.strip()}",
        *_read(config.sources, base), *_asked(hosts, refused), *_tagged(config, base),
        *(f"follows {one}" for one in whom_told(config, base)),
        *_questions(config),
        f"writes {' and '.join(sorted(set(config.case.editions)))} into {target},"
        f" in {steps_of(config)} steps",
    ]  # fmt: skip
    return Plan(tuple(lines), hosts, refused)


def _read(tables: Sequence[SourceTable], base: Path) -> Iterator[str]:
    for table in tables:
        if isinstance(table, LedgerTable):
            ledger = opened(table, base)
            number = ledger.commit.number if ledger.commit else 0
            yield f"uses the ledger {table.path} as of its commit {number}"
            yield from _known(ledger)
            continue
        sizes = [_size(inside(base, one)) for one in paths_of(table)]
        much = f" ({sum(sizes):,} bytes)" if sizes else ""
        yield f"reads {what_is_read(table)}, as {table.kind}{much}"


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _known(ledger: Ledger) -> Iterator[str]:
    """Yield what a ledger holds, chain by chain, and what it lacks."""
    for row in coverage(ledger).iter_rows(named=True):
        held = [f"{row[name]:,} {name}" for name in ("blocks", "transactions", "transfers")]
        span = f", {row['first_time']:%Y-%m-%d} to {row['last_time']:%Y-%m-%d}"
        yield (
            f"  {alias_of(row['chain'])}: {', '.join(held)}{span if row['last_time'] else ''};"
            f" {counted(row['unread_inputs'], 'input', 'inputs')} of which nobody knows what is"
            " spent"
        )
    lacking = unread(ledger).filter(pl.col("count").is_null())["what"].unique(maintain_order=True)
    if lacking.len():
        yield f"  not read, and nobody knows how much: {', '.join(lacking)}"


def _asked(hosts: Sequence[str], refused: Sequence[str]) -> Iterator[str]:
    if not hosts:
        yield "asks nobody: no third party learns anything"
    for host in hosts:
        no = f"; it has no leave: --only-hosts {','.join(hosts)}" if host in refused else ""
        yield f"asks {host}, which learns what is asked, and who asks{no}"


def _tagged(config: CaseFile, base: Path) -> Iterator[str]:
    """Yield how many tags count, and whether those name somebody who is to be followed."""
    ledger = config.sources[0]
    known = opened(ledger, base) if isinstance(ledger, LedgerTable) else Ledger.from_tables({})
    tags, _ = as_they_stood(config, tags_of_case(config, base, known))
    yield f"knows {counted(len(tags), 'tag', 'tags')} before it reads"
    for one in config.parts():
        if not isinstance(ledger, LedgerTable) and (one.subjects.concept or one.subjects.label):
            if tags.where(concept=one.subjects.concept, label=one.subjects.label).frame.height:
                continue
            yield "  none of them names its subjects: what is read must"
        elif one.subjects.concept or one.subjects.label:
            subjects_of(one, base, tags)
    yield from unnamed_so_far(config, tags)


def _questions(config: CaseFile) -> Iterator[str]:
    names = [*config.case.analyses, *(one.line.name for one in config.asked())]
    if names:
        yield f"answers {', '.join(names)}"


__all__ = ["Plan", "plan_case"]
