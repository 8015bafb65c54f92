"""The ledger of releases: a budget per population, and what each release took of it, and why.

A release is paid for before anything is computed: the entry stands on the disk first. Whoever is
stopped between the two has spent, for nobody can show that nothing was seen. What was released is
kept here too: it cannot be computed again, since its noise is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.errors import InputError, ReleaseRefused, expect
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.triage.health.budget import Number, Population, exact
from chainwatch.triage.health.release_file import (
    COMPARE,
    Entry,
    alone,
    append,
    begin,
    head_of,
    read_entries,
)
from chainwatch.units import counted

BUDGET, RELEASE, ANSWER = "budget", "release", "answer"
"""Kinds of entries: a budget that was set, a release that was paid for, and what it said."""

BEGUN = (
    "  A new file was begun. Nothing here tells whether there was an earlier one, removed with its"
    " head, whose releases spent a budget of the same payments."
)

LONGEST = 500
"""Characters of who and why."""

RELEASES = Table(
    "releases",
    ("entry",),
    "The ledger of releases: budgets that were set, releases that were paid for, and their answers."
    " A release without an answer was stopped, and is spent.",
    (
        Column.number("entry", "number of the entry"),
        Column.kind("kind", "a budget that was set, a release that was paid for, or its answer"),
        Column("day", pl.String, Privacy.TEXT, "day of the entry, UTC"),
        Column.text("who", "who set the budget or asked for the release"),
        Column.text("why", "what for"),
        Column.number("budget", "number of the entry that set the budget"),
        Column.text("epsilon", "epsilon that was set or taken, in decimal"),
        Column.text("delta", "delta that was set or taken"),
        Column.text("epsilon_left", "epsilon that is left of the budget after this entry"),
        Column.text("delta_left", "delta that is left of it"),
        Column.text("population", "chains and period whose payments the budget is for"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Releases(Result):
    """What was released, what it took of which budget, and who asked for it.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``RELEASES``.
    head : str
        Digest of the last entry. Note it elsewhere: with ``read_releases(file, head=...)`` it shows
        that the file still holds all that it held.
    entries : tuple of Entry
        The entries as they are kept, noisy counts included.
    begun : bool
        Whether the file was begun just now: then nothing here tells of an earlier one.
    """

    frame: pl.DataFrame
    head: str
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    begun: bool = False

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the digest is of."""
        return {"releases": RELEASES.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return the digest of the last entry."""
        return {"head": self.head}

    def answer(self, release: int) -> Mapping[str, Any]:
        """Return what a release said, by the number of its entry, as it is kept.

        Raises
        ------
        InputError
            If there is no such release, or it was stopped before it said anything.
        """
        for one in self.entries:
            if one.kind == ANSWER and one.said["release"] == release:
                return one.said
        raise InputError(
            f"no answer of a release {release} is kept here", remedy="look at the table of entries"
        )

    def __repr__(self) -> str:
        left = [
            f"  budget {row['budget']}: epsilon {row['epsilon_left']}, delta {row['delta_left']}"
            f" left for {row['population']}"
            for row in self.frame.group_by("budget", maintain_order=True).last().to_dicts()
        ]
        made = self.frame.filter(pl.col("kind") == RELEASE).height
        head = f"Releases({counted(made, 'release', 'releases')}, head {self.head[:16]})"
        return "\n".join([head, *left, *([BEGUN] if self.begun else [])])


@recorded
def set_privacy_budget(
    file: str | Path, *, chains: Sequence[Chain | str] | Chain | str, since: date | str,
    until: date | str, epsilon: Number, delta: Number = 0, who: str, why: str,
) -> Releases:  # fmt: skip
    """Set how much may ever be released of the payments of a population; begin the ledger of it.

    Parameters
    ----------
    file : path
        The ledger of releases; it is begun where there is none, and the result says so. A link is
        another name of the file that it leads to.
    chains : chain or sequence of chains
        They share the budget, for one owner can have addresses on several.
    since, until : datetime.date or str
        ``since``: the first day of the period; ``until``: just before which day it ends.
    epsilon, delta : str, int, float or Decimal
        ``epsilon``: the most that all releases of the population may take together of it;
        ``delta``: the most that they may take together of that.
    who, why : str
        ``who``: who sets it; ``why``: on what ground.

    Returns
    -------
    Releases
        All that the file holds now; ``begun`` tells, and its repr says, that there was no file.

    Raises
    ------
    ReleaseRefused
        If a population that somebody's payment can be of has its budget already: it is set once.
    InputError
        If a number is none, or the file was changed, cut or removed.

    Fails when
    ----------
    Another file, a copy, or another desk releases the same payments: what is lost adds up. File and
    head are removed: only a head noted elsewhere shows it. Who pays in two periods loses in each.

    References
    ----------
    Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014, section 3.5.
    """
    signed = checked(who, "who"), checked(why, "why")
    of = Population.of(chains, since, until)
    said = {"population": of.said(), "epsilon": written(exact(epsilon, "epsilon")),
            "delta": written(exact(delta, "delta", zero=True))}  # fmt: skip
    with alone(Path(file)) as place:
        begin(place)
        entries = sound_entries(place)
        for one in entries:
            if one.kind == BUDGET and of.meets(Population.read(one.said["population"])):
                raise ReleaseRefused(
                    f"a budget for some of these payments is set already, by entry {one.number}",
                    where=str(file),
                    remedy="name another period or other chains; a budget is set once",
                )
        append(place, entries, _next(entries, BUDGET, *signed, said))
        return _releases(sound_entries(place), begun=not entries)


@recorded
def read_releases(file: str | Path, *, head: str | None = None) -> Releases:
    """Read a ledger of releases, and prove that no entry was changed, dropped or put in.

    Parameters
    ----------
    file : path
        The ledger of releases.
    head : str, optional
        A head that was noted earlier: of a ``HealthRelease``, or of this result.

    Raises
    ------
    InputError
        If the file was changed, cut or removed, or holds no entry of that head.

    Fails when
    ----------
    The file and its head were both made anew, and no head was noted elsewhere.
    """
    return _releases(sound_entries(Path(file), head))


def spend(
    file: Path, chain: str, period: tuple[date, date], cost: tuple[Decimal, Decimal],
    signed: tuple[str, str], asked: Mapping[str, Any],
) -> Entry:  # fmt: skip
    """Write down a release that is about to be made; when this returns it is paid for.

    Parameters
    ----------
    file : Path
        The ledger of releases.
    chain : str
        CAIP-2 id.
    period : two days
        Payments from the first until just before the second are read.
    cost : two Decimals
        Epsilon and delta.
    signed : two texts
        Who, and why.
    asked : mapping
        What is asked, as plain data; nothing that was counted.

    Raises
    ------
    ReleaseRefused
        If no budget is set for these payments, or what is left of it is less.
    """
    with alone(file) as place:
        entries = sound_entries(place)
        budget = _budget_of(entries, chain, period, file)
        for name, take, left in zip(
            ("epsilon", "delta"), cost, _left(entries, budget), strict=True
        ):
            if Fraction(take) > left:
                raise ReleaseRefused(
                    f"the release asks for {name} {written(take)} and {decimal_text(left)} is left"
                    f" of the budget of entry {budget.number}",
                    where=str(file),
                    remedy="ask for less, or use a release that was made before",
                )
        price = {"budget": budget.number, "epsilon": written(cost[0]), "delta": written(cost[1])}
        entry = _next(entries, RELEASE, *signed, {**asked, **price})
        append(place, entries, entry)
        return entry


def keep_answer(file: Path, paid: Entry, said: Mapping[str, Any]) -> str:
    """Keep what a release said, noisy counts alone, and return the new head."""
    with alone(file) as place:
        entries = read_entries(place, paid.digest())
        told = {"release": paid.number, "budget": paid.said["budget"], **said}
        return append(place, entries, _next(entries, ANSWER, paid.who, paid.why, told))


def sound_entries(file: Path, head: str | None = None) -> list[Entry]:
    """Return the entries of a file, each of which says what one of its kind must say.

    Raises
    ------
    InputError
        If one does not: an epsilon below zero would give a budget back.
    """
    entries, kinds = read_entries(file, head), dict[int, str]()
    for one in entries:
        try:
            _check(one, kinds)
        except (InputError, TypeError, KeyError, ValueError, AttributeError) as error:
            raise InputError(
                "the ledger of releases holds an entry that chainwatch did not write",
                where=f"{file} entry {one.number}", remedy=COMPARE,
            ) from error  # fmt: skip
        kinds[one.number] = one.kind
    return entries


def _check(one: Entry, kinds: Mapping[int, str]) -> None:
    said, before = one.said, {BUDGET: "", RELEASE: BUDGET, ANSWER: RELEASE}[one.kind]
    if one.kind == BUDGET:
        Population.read(said["population"])
    elif kinds[said[before]] != before:
        raise ValueError
    if one.kind == ANSWER:
        if kinds[said["budget"]] != BUDGET or not isinstance(said["counts"], (list, dict)):
            raise ValueError
    else:
        exact(said["epsilon"], "epsilon")
        exact(said["delta"], "delta", zero=True)


def _budget_of(
    entries: Sequence[Entry], chain: str, period: tuple[date, date], file: Path
) -> Entry:
    for one in entries:
        if one.kind == BUDGET:
            population = Population.read(one.said["population"])
            if population.covers(chain, *period):
                return one
    raise ReleaseRefused(
        f"no budget is set for payments of {chain} from {period[0]} until {period[1]}",
        where=str(file),
        remedy="ask within a period that has one, or set it: cw.set_privacy_budget(...)",
    )


def _left(entries: Sequence[Entry], budget: Entry) -> tuple[Fraction, Fraction]:
    """Return epsilon and delta that are left: what is spent adds up (basic composition)."""
    spent = [one for one in entries if one.kind == RELEASE and one.said["budget"] == budget.number]
    epsilon, delta = (
        Fraction(budget.said[name]) - sum((Fraction(one.said[name]) for one in spent), Fraction(0))
        for name in ("epsilon", "delta")
    )
    return epsilon, delta


def _next(
    entries: Sequence[Entry], kind: str, who: str, why: str, said: Mapping[str, Any]
) -> Entry:
    day = datetime.now(UTC).date().isoformat()
    return Entry(len(entries) + 1, kind, day, who, why, said, head_of(list(entries)))


def checked(text: str, name: str) -> str:
    """Return who or why, if it says anything.

    Raises
    ------
    InputError
        If it is empty or too long.
    """
    expect(text, str, name, "write it in words")
    if not text.strip() or len(text) > LONGEST:
        raise InputError(f"{name} is not said", remedy=f"write it in 1 to {LONGEST} characters")
    return text.strip()


def written(value: Decimal) -> str:
    """Return a decimal number as one text, whatever way it was written: 0.50 as 0.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimal_text(value: Fraction) -> str:
    """Return a fraction of decimals in full: sums of decimal numbers end."""
    places = next(n for n in range(80) if (value * 10**n).denominator == 1)
    whole = f"{abs(int(value * 10**places)):0{places + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{whole[: len(whole) - places]}.{whole[len(whole) - places :]}".rstrip(".")


def _releases(entries: list[Entry], *, begun: bool = False) -> Releases:
    rows, budgets = [], {one.number: one for one in entries if one.kind == BUDGET}
    for at, one in enumerate(entries, 1):
        number = one.number if one.kind == BUDGET else int(one.said["budget"])
        left = _left(entries[:at], budgets[number])
        population = str(Population.read(budgets[number].said["population"]))
        rows.append((
            one.number, one.kind, one.day, one.who, one.why, number, one.said.get("epsilon"),
            one.said.get("delta"), *map(decimal_text, left), population,
        ))  # fmt: skip
    return Releases(RELEASES.frame(rows), head_of(entries), tuple(entries), begun)


__all__ = [
    "ANSWER", "BUDGET", "RELEASE", "RELEASES", "Releases", "checked", "decimal_text",
    "keep_answer", "read_releases", "set_privacy_budget", "sound_entries",
    "spend", "written",
]  # fmt: skip
