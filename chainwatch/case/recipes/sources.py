"""The sources of a case file read into the ledger of a case, and nobody asked without leave.

A case file may be a stranger's, and a server learns whom one investigates: it is asked only if who
runs the case named its host, or allowed every public one. While sources are read a policy holds
them to that, whatever they do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from chainwatch.case.file.model import inside
from chainwatch.case.file.source_tables import (
    HistoriesTable,
    LedgerTable,
    SourceTable,
    paths_of,
    servers_of,
    what_is_read,
    written_of,
)
from chainwatch.case.recipes.steps import Say
from chainwatch.errors import CaseError, InputError, LedgerError, NetworkRefused
from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.net.policy import host_name, is_own_host, use_network
from chainwatch.sources import catalogue
from chainwatch.sources.catalogue import Entry
from chainwatch.sources.parameters import Secret
from chainwatch.sources.subjects import Subjects, pull_histories, read_keys
from chainwatch.sources.values import check_wanted, constructor_values, server_asked
from chainwatch.units import counted


class Reading(NamedTuple):
    """What was read for a case.

    Attributes
    ----------
    ledger : Ledger
        All of it.
    notes : tuple of str
        What the sources had to say.
    asked : tuple of (whom, what)
        Whom they asked, and how often.
    """

    ledger: Ledger
    notes: tuple[str, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Leave:
    """Whom the sources of a case may ask; without more, nobody.

    Attributes
    ----------
    only_hosts : tuple of str
        These, as ``host`` or ``host:port``; also where they are private.
    online : bool
        Any public host.
    log_file : path or None
        Where it is written down what third parties are asked.
    """

    only_hosts: tuple[str, ...] = ()
    online: bool = False
    log_file: Path | None = None

    @classmethod
    def of(cls, only_hosts: Iterable[str], *, online: bool, beside: Path) -> Leave:
        """Return the leave to ask these hosts, with its log beside an output folder."""
        hosts = [only_hosts] if isinstance(only_hosts, str) else only_hosts
        return cls(tuple(hosts), online, beside.with_name(f"{beside.name}.disclosures.jsonl"))

    def allows(self, host: str, port: int | None, *, own: bool) -> bool:
        """Tell whether a host may be asked; one's own must be named, for others point at it too."""
        name = host_name(host)
        if self.only_hosts:
            forms = {name, f"{name}:{port}", f"[{name}]:{port}"}
            return not forms.isdisjoint(entry.strip().lower() for entry in self.only_hosts)
        return self.online and not own and not is_own_host(name)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Hold the whole process to it for a while."""
        offline = not (self.online or self.only_hosts)
        hosts, log = self.only_hosts, self.log_file
        try:
            with use_network(offline=offline, only_hosts=hosts, log_file=log):
                yield
        except NetworkRefused as error:
            if not offline:
                raise
            raise CaseError(
                f"{error.what.partition(', but ')[0]}, and a case file asks nobody without leave",
                remedy="if it may be asked, name it with --only-hosts HOST",
            ) from error


def asked_since(log_file: Path | None, offset: int) -> tuple[tuple[str, str], ...]:
    """Return whom the sources asked, and how often, as the log of disclosures has it from a byte.

    What was asked stands there alone: a log of a case says to whom something was told.
    """
    if log_file is None or not log_file.is_file():
        return ()
    with log_file.open("rb") as handle:
        handle.seek(offset)
        rows = [json.loads(line) for line in handle.read().splitlines()]
    counts = Counter((f"{row['host']}:{row['port']}", str(row["source"])) for row in rows)
    return tuple(
        (host, f"{counted(count, 'line', 'lines')} of questions by {source}")
        for (host, source), count in sorted(counts.items())
    )


def check_leave(tables: Sequence[SourceTable], leave: Leave, where: str) -> None:
    """Refuse a case file that would ask a host that it was not allowed to ask.

    Raises
    ------
    CaseError
        Naming each such host, the places of the secrets that it would be sent, and the remedy.
    """
    asked: dict[str, str] = {}
    for table, entry, server in servers_of(tables):
        written = written_of(table, entry)
        host, port = server_asked(server, written)
        if not leave.allows(host, port, own=bool(written.get("own"))):
            at = _named(host, port)
            asked[at] = f"{at} ({', '.join([entry.name, *_secrets(entry, written)])})"
    if asked:
        raise CaseError(
            f"the case file would ask {' and '.join(asked.values())}, for which it has no leave",
            where=where,
            remedy=f"if they may learn what is asked, allow it with --only-hosts {','.join(asked)}"
            + (", or every public host with --online" if not leave.only_hosts else ""),
        )


def hosts_asked(tables: Sequence[SourceTable]) -> Iterator[str]:
    """Yield the hosts that sources would ask, as ``host`` or ``host:port``, each once."""
    seen: set[str] = set()
    for table, _, server in servers_of(tables):
        at = _named(*server_asked(server, written_of(table, catalogue.entry(table.kind))))
        if at not in seen:
            seen.add(at)
            yield at


def _named(host: str, port: int | None) -> str:
    """Return a host as ``--only-hosts`` takes it."""
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"


def _secrets(entry: Entry, written: dict[str, Any]) -> Iterator[str]:
    """Yield the places of the secrets that a server would be sent."""
    for item in entry.parameters():
        value = written.get(item.name)
        if item.mark(Secret) and value:
            yield from (f"with {place}" for place in (value.values() if item.keyed else [value]))


def without_leave(tables: Sequence[SourceTable], leave: Leave) -> Iterator[str]:
    """Yield the hosts that sources would ask and may not, each once."""
    for host in hosts_asked(tables):
        try:
            check_leave([one for one in tables if host in hosts_asked([one])], leave, "")
        except CaseError:
            yield host


def read_sources(
    tables: Sequence[SourceTable], base: Path, ledger: Path, *, leave: Leave,
    acquired: datetime | None, say: Say,
) -> tuple[Ledger, tuple[PullReport, ...]]:  # fmt: skip
    """Return the ledger of a case and what was pulled into it; a ledger that exists stays as it is.

    Parameters
    ----------
    tables : sequence of SourceTable
        What the case file names, in its order.
    base : path
        The data folder: no path of a case file leads out of it.
    ledger : path
        Where the ledger of the case is made.
    leave : Leave
        Whom its sources may ask.
    acquired : datetime or None
        When files were obtained.
    say : callable
        Told in one line what is read.
    """
    if isinstance(tables[0], LedgerTable):
        say(f"opening {tables[0].path}")
        return opened(tables[0], base), ()
    pulls: list[PullReport] = []
    with leave.in_force():
        for table in tables:
            say(f"reading {what_is_read(table)}")
            pulls += _pulled(table, base, ledger, acquired)
    return open_ledger(ledger), tuple(pulls)


def opened(table: LedgerTable, base: Path) -> Ledger:
    """Return a ledger that exists, as of the commit that a case keeps to.

    Raises
    ------
    LedgerError
        If there is none, or it lacks that commit.
    """
    try:
        return open_ledger(inside(base, table.path), commit=table.commit)
    except LedgerError as error:
        if table.commit is None:
            raise
        raise LedgerError(
            f"the case keeps to commit {table.commit} of a ledger, and {error.what}",
            where=error.where,
            remedy=f"{error.remedy}: name one of them in [[sources]], or leave commit out and take"
            " the last",
        ) from error


def check_paths(tables: Sequence[SourceTable], base: Path) -> None:
    """Refuse a case whose files are not there, before the first of them is read.

    Raises
    ------
    InputError, LedgerError
        Naming the first that is missing, with its table.
    """
    for number, table in enumerate(tables, 1):
        for said in paths_of(table):
            if not inside(base, said).exists():
                raise InputError(
                    f"there is no file or folder {said!r}, which [[sources]] number {number} reads",
                    where=str(base),
                    remedy="put it there, mend the path, or name another folder with --data",
                )
        if isinstance(table, LedgerTable):
            opened(table, base)


def look_into(tables: Sequence[SourceTable], base: Path) -> None:
    """Refuse files that are not of the kind that a case says, as far as a first look tells.

    A source of files that can be looked into has a method ``look``; no server is asked.

    Raises
    ------
    InputError
        Naming the first that is of another kind.
    """
    for table in tables:
        if isinstance(table, LedgerTable) or catalogue.entry(table.kind).server is not None:
            continue
        entry = catalogue.entry(table.kind)
        made, written = entry.load(), written_of(table, entry)
        if hasattr(made, "look"):
            made(
                **constructor_values(entry.parameters(), written, path=partial(inside, base))
            ).look()


def _pulled(
    table: SourceTable, base: Path, ledger: Path, acquired: datetime | None
) -> Iterator[PullReport]:
    entry = catalogue.entry(table.kind)
    written, whose = written_of(table, entry), entry.addresses.name if entry.addresses else ""
    listed = written.pop(whose, ())
    values = constructor_values(entry.parameters(), written, path=partial(inside, base))
    subjects = _subjects(table, base, listed)
    check_wanted(entry.parameters(), {**values, whose: subjects})
    if acquired is not None and "acquired" in {item.name for item in entry.all_parameters()}:
        values["acquired"] = acquired
    made = entry.load()

    def source(wanted: list[bytes]) -> Source:
        found: Source = made(**({**values, whose: wanted} if whose else values))
        return found

    chain = str(getattr(table, "chain", ""))
    for report in pull_histories(ledger, source, subjects, chain):
        if isinstance(report, PullReport):
            yield report


def _subjects(table: SourceTable, base: Path, listed: Sequence[str]) -> Subjects:
    if not isinstance(table, HistoriesTable):
        return Subjects()
    file, key = table.addresses_file, table.xpub_file
    return Subjects.of(
        listed, inside(base, file) if file else None, read_keys(inside(base, key)) if key else (),
        gap=table.gap, kinds=table.kinds, branches=table.branches,
    )  # fmt: skip
