"""``Paths``: the best routes between two parties, what ends them all, and where looking ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.graph import Edges
from chainwatch.results.mask import shown_tables
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.sentence import Sum, sentence
from chainwatch.results.table import Rows
from chainwatch.results.text_frame import text_frame
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.paths.ranking import RANKINGS
from chainwatch.tracing.paths.search import BUDGET
from chainwatch.tracing.paths.tables import (
    CONTROL,
    CUTS,
    HOPS,
    LIMITS,
    PARTIES,
    ROUTES,
    ROUTES_FOUND,
    SAME_AMOUNT,
    SOME,
)
from chainwatch.tracing.stops import BURNT, LATER, NOT_READ, UNREAD, UNSPENT, at_a_service
from chainwatch.units import counted

NONE_READ = "No route was found among what was read"
"""Never *there is none*: what was not read may hold one."""


NOT_BEGUN = (
    (UNSPENT, "{} is unspent: nothing of it went on", "{} are unspent: nothing of them went on"),
    (BURNT, "{} can never be spent", "{} can never be spent"),
    (LATER, "{} is spent outside the span", "{} are spent outside the span"),
    (NOT_READ, "it was not read whether {} was spent", "it was not read whether {} were spent"),
)
"""Why no route begins at an output, said of one and of several."""


@dataclass(frozen=True, repr=False, eq=False)
class Paths(Result):
    """The best routes from one party to another.

    A route carries three numbers apart, which are never multiplied: ``control``, how sure it is
    that one hand holds both ends of each step that no value flows in; ``flow``, what arrives along
    it under the haircut; ``attribution``, how sure the names at both ends are. ``amount`` is the
    smallest amount on it and an upper bound alone.

    Attributes
    ----------
    asset : Asset
        What moves.
    routes, hops, cuts, limits, parties : polars.DataFrame
        Tables in ``ROUTES``, ``HOPS``, ``CUTS``, ``LIMITS`` and ``PARTIES``.
    by : str
        By what routes are ranked.
    asked : int
        How many were asked for.
    budget, visited : int
        Edges that might be looked at, and that were.
    complete : bool
        Whether one side was looked at to its end: then no route among what was read is missing,
        and the ranking is that of all of them.
    cuts_told : str
        What the sets of ``cuts`` are proven for.
    arriving, arriving_at_least : int, bool
        What arrives along all routes together under the haircut, rounded down; and whether more
        may have, where a share is not known or the budget ended the search.
    doubts : tuple of str
        What is not known of transfers between those who stand on routes, in sentences.
    max_hops : int or None
        The most hops, which are payments, of a route; longer ones were not looked for.
    """

    asset: Asset
    routes: pl.DataFrame
    hops: pl.DataFrame
    cuts: pl.DataFrame
    limits: pl.DataFrame
    parties: pl.DataFrame
    by: str
    asked: int = 3
    budget: int = 0
    visited: int = 0
    complete: bool = True
    cuts_told: str = ""
    arriving: int | None = None
    arriving_at_least: bool = False
    doubts: tuple[str, ...] = ()
    max_hops: int | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The routes."""
        return self.routes

    @property
    def untried(self) -> pl.DataFrame:
        """What the budget left: each place by name, with what was met of it and its edges."""
        return text_frame(self.limits.filter(pl.col("reason") == BUDGET), self.asset.chain)

    @property
    def unread(self) -> pl.DataFrame:
        """Where looking ended at what was not read."""
        return text_frame(self.limits.filter(pl.col("reason").is_in(UNREAD)), self.asset.chain)

    @property
    def mixed(self) -> frozenset[int]:
        """Numbers of the routes on which several paid together, and several got one amount."""
        alike = pl.col("otherwise").str.contains(SAME_AMOUNT, literal=True)
        return frozenset(self.hops.filter(alike)["route"])

    def route(self, number: int) -> pl.DataFrame:
        """Return the payments of one route, in order."""
        return text_frame(self.hops.filter(pl.col("route") == number), self.asset.chain)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "routes": ROUTES.rows(self.routes), "hops": HOPS.rows(self.hops),
            "cuts": CUTS.rows(self.cuts), "limits": LIMITS.rows(self.limits),
            "parties": PARTIES.rows(self.parties),
        }  # fmt: skip

    def words(self) -> Mapping[str, Any]:
        """Return what is said beside the tables."""
        arriving = None if self.arriving is None else str(self.arriving)
        return {
            "by": self.by, "asked": self.asked, "budget": self.budget, "visited": self.visited,
            "complete": self.complete, "cuts": self.cuts_told, "arriving": arriving,
            "arriving_at_least": self.arriving_at_least, "doubts": list(self.doubts),
            "max_hops": self.max_hops,
        }  # fmt: skip

    def edges(self) -> Sequence[Edges]:
        """Return every payment of the routes."""
        return (Edges("hops", "source", "target"),)

    def followed(self) -> pl.DataFrame:
        """Return those whom was asked for: ``chain, address``."""
        found = self.parties.select(
            pl.lit(self.asset.chain).alias("chain"), pl.col("given").alias("address")
        )
        return found.unique().sort("chain", "address")

    def roles(self) -> Roles:
        """Return that both ends are subjects, and services services; others are on the way.

        A single output stands for itself: what else its owner has is no part of the question.
        """
        chain = self.asset.chain
        outputs = pl.col("txid").is_not_null()
        whose = [parties_of(self.parties.filter(~outputs), name, chain)
                 for name in ("address", "given")]  # fmt: skip
        single = parties_of(self.parties.filter(outputs), chain=chain)
        between = [parties_of(self.hops, name, chain) for name in ("source", "target")]
        return Roles(
            spreading=dict.fromkeys(set().union(*whose), SUBJECT),
            single=dict.fromkeys(single, SUBJECT),
            alone=parties_of(self.limits.filter(at_a_service()), chain=chain),
            on_the_way=set().union(*between).difference(single, *whose),
        )

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the routes, and what ends them all."""
        return (routes_finding(self),)

    def told(self) -> Iterator[str]:
        """Yield the payments of each route in words, as the edition of the desk may show them."""
        return told(self)

    def answer(self) -> str:
        """Return in a sentence whether a route was found, and how far that goes."""
        if self.routes.is_empty():
            return f"{NONE_READ}{self._how_far()}."
        found = counted(self.routes.height, "route", "routes")
        some = self.routes.filter(pl.col("order") == SOME).height
        tied = ""
        if some:
            rest = self.routes.height - some
            tied = (
                f"; {counted(some, 'rests', 'rest')} on an order of transfers of one time that"
                f" nobody knows, and {counted(rest, 'holds', 'hold')} in every order"
            )
        mixed = ""
        if several := len(self.mixed):
            mixed = (
                f"; {counted(several, 'goes', 'go')} through a transaction in which strangers may"
                " have mixed their coins, so that the money may have left it elsewhere"
            )
        return f"{found} by {RANKINGS[self.by]}{tied}{mixed}{self._how_far()}."

    def _how_far(self) -> str:
        """Return how far was looked, and what was left."""
        parts = []
        if self.max_hops is not None:
            most = counted(self.max_hops, "payment", "payments")
            parts.append(f"only routes of at most {most} were looked for")
        if not self.complete:
            parts.append(
                f"the budget of {self.budget:,} edges ended the search, and"
                f" {counted(self.untried.height, 'place was', 'places were')} not tried"
            )
        parts += self._not_begun()
        if self.unread.height:
            parts.append(
                f"{counted(self.unread.height, 'place was', 'places were')} not read, behind which"
                " a route may lead on"
            )
        return "".join(f"; {part}" for part in parts)

    def _not_begun(self) -> Iterator[str]:
        """Yield why no route begins at single outputs of the source, where none does."""
        single = self.parties.filter(pl.col("side") == "source").drop_nulls("txid")
        ends = self.limits.filter(pl.col("side") == "source")
        ends = ends.join(single.select("txid", "n"), on=["txid", "n"], how="semi")
        for reason, one, many in NOT_BEGUN:
            if count := ends.filter(reason=reason).height:
                whose = f"{counted(count, 'output', 'outputs')} of the source"
                yield (one if count == 1 else many).format(whose)

    def __repr__(self) -> str:
        lines = [f"Paths({self.answer()})"]
        seen = shown_routes(self)
        for row in self.routes.iter_rows(named=True):
            lines.append(f"  {_route_in_words(self.asset, row, seen.get(row['route']))}")
        lines += [f"  {one}" for one in (self.cuts_told, *self.doubts) if one]
        return "\n".join(lines)


WITHHELD = "an amount that this edition withholds"


def _route_in_words(asset: Asset, row: dict[str, Any], seen: dict[str, Any] | None) -> str:
    """Return the numbers of a route in one line; ``seen`` is its row as the edition shows it."""

    def said(name: str, unknown: str) -> str:
        if row[name] is None:
            return unknown
        if seen is None:
            return WITHHELD
        return f"{'≈ ' if seen.get('rounded') else ''}{asset.shown(int(seen[name]))}"

    control = "none claimed" if not row["owners"] else (
        "not measured" if row["control"] is None else f"{row['control']:.3f}"
    )  # fmt: skip
    level = "untagged" if row["attribution"] is None else f"level {row['attribution']}"
    return (
        f"{row['route']}. {counted(row['hops'], 'hop', 'hops')}, at most"
        f" {said('amount', 'an unknown amount')}; flow {said('flow', 'not known')}; owners"
        f" {control}; ends {level}; in {row['order']}"
    )


APART = (
    "Control, flow and attribution are three numbers and are never multiplied: how sure it is that"
    " one hand holds both ends of each step that no value flows in; how much value arrives along a"
    " route under the haircut; how sure the names at both ends are. The smallest amount on a route"
    " is an upper bound alone."
)
NO_PROOF = (
    "A route shows that coins or payments hang together in time. Whoever stands on it may have been"
    " paid for goods, may have changed money, or may hold a service's wallet."
)


def routes_finding(found: Paths) -> Finding:
    """Return the routes, what ends them all, and how far was looked."""
    text = [found.answer(), APART]
    text += [found.cuts_told] if found.cuts_told else []
    total = _arriving(found)
    text += [total] if total else []
    text += found.doubts
    text += list(limits_told(found))
    return Finding(
        "Routes from one party to the other",
        tuple(text),
        ROUTES_FOUND.rows(found.routes.select(ROUTES_FOUND.names)),
        found.asset,
        (CUSTODY, NO_PROOF),
        found.answer(),
    )


def _arriving(found: Paths) -> str:
    if found.arriving is None or not found.routes.height:
        return ""
    least = "at least " if found.arriving_at_least else ""
    between = [found.hops[side] for side in ("source", "target")]
    whom = frozenset(pl.concat([found.parties["address"], *between]).drop_nulls())
    alone = 0 if found.routes.height == 1 else None
    return sentence(
        f"Along all routes together {least}",
        Sum(found.arriving, found.asset, whom, alone),
        " of the source's value arrives under the haircut.",
    )


def _arriving_shown(found: Paths) -> str:
    """Return the same as the edition of the desk may say it."""
    total = _arriving(found)
    seen = shown_routes(found)
    exact = all(n in seen and not seen[n].get("rounded") for n in found.routes["route"])
    if not total or not found.arriving or exact:
        return total
    return f"What arrives along all routes together under the haircut is {WITHHELD}."


def limits_told(found: Paths) -> Iterator[str]:
    """Yield for each reason at how many places looking ended."""
    counts = found.limits.group_by("side", "reason").len().sort("side", "reason")
    by_side: dict[str, list[str]] = {}
    for side, reason, count in counts.iter_rows():
        by_side.setdefault(side, []).append(f"{reason} ({count:,})")
    for side, said in by_side.items():
        way = "forward from the source" if side == "source" else "backward from the target"
        yield f"Looking {way} ended at: {', '.join(said)}."


def told(found: Paths) -> Iterator[str]:
    """Yield the payments of each route in words, as the edition of the desk may show them."""
    for number, rows in shown_hops(found).items():
        through = ", through what may be a mix of strangers" if number in found.mixed else ""
        yield f"Route {number}{through}:"
        for hop, row in enumerate(rows, 1):
            said = f"a payment {MASKED}" if row is None else hop_in_words(found, row)
            yield f"  {hop}. {said}"
    total = _arriving_shown(found)
    yield from ([total] if total else [])
    yield from limits_told(found)


MASKED = "between parties whom this edition masks"


def shown_routes(found: Paths) -> dict[int, dict[str, Any]]:
    """Return the rows of routes as the edition of the desk shows them, by number."""
    if found.routes.is_empty():
        return {}
    _, tables = shown_tables(found)
    return {row["route"]: row for row in tables["routes"].to_dicts() if row["route"] is not None}


def shown_hops(found: Paths) -> dict[int, list[dict[str, Any] | None]]:
    """Return the payments of each route as the edition of the desk shows them, in order.

    One between parties of whom nobody may be shown is None.
    """
    if found.routes.is_empty():
        return {}
    _, tables = shown_tables(found)
    shown = {(row["route"], row["hop"]): row for row in tables["hops"].to_dicts()}
    counts = found.routes.select("route", "hops").iter_rows()
    return {n: [shown.get((n, hop)) for hop in range(1, hops + 1)] for n, hops in counts}


def hop_in_words(found: Paths, row: dict[str, Any]) -> str:
    """Return a payment in one line."""
    about = "≈ " if row.get("rounded") else ""
    amount = "an unknown amount" if row["amount"] is None else (
        f"{about}{found.asset.shown(int(row['amount']))}"
    )  # fmt: skip
    arrives = "" if row["arrives"] is None else (
        f", of it {about}{found.asset.shown(int(row['arrives']))} arrives"
    )  # fmt: skip
    step = " by CONTROL alone" if row["step"] == CONTROL else ""
    tied = ", in some order of one time" if row["order"] == SOME else ""
    return (
        f"{row['time'] or 'at an unknown time'}: {row['source'] or 'no address'} to"
        f" {row['target'] or 'no address'}, {amount}{arrives}{step}{tied}; transaction"
        f" {row['txid']}"
    )
