"""``converge``: who is reached by, or pays, several vendors, and more of them than by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.tags import Tags
from chainwatch.attribution.taxonomy import is_a
from chainwatch.completion import names_of
from chainwatch.errors import InputError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.tracing.subjects import Subjects, subjects_of
from chainwatch.triage.convergence.chance import expected, tail
from chainwatch.triage.convergence.finding import convergence_finding
from chainwatch.triage.convergence.meeting import Bounds, Mask, Numbers, Way, places, ways_of
from chainwatch.triage.convergence.tables import (
    BEHIND_ONE,
    CHANCE,
    MEETINGS,
    NO_MORE,
    SHARED,
    UNTESTED,
    VENDORS,
)
from chainwatch.triage.link_test.discovery import adjusted, discovered, rate_of
from chainwatch.triage.link_test.matching import Sizes, pool_of
from chainwatch.triage.people import Judged, judged_owners, marked
from chainwatch.triage.tagged import TaggedParties
from chainwatch.triage.views import merged
from chainwatch.triage.word import SUBJECT, word_for
from chainwatch.typologies.alerts import flows_of
from chainwatch.typologies.flows import NOBODY, Flows
from chainwatch.units import counted

PLATFORM = "guarantee_platform"
"""A service at which vendors meet because of what it is: it is no meeting place by accident."""

LIKE, FEWEST_LIKE, MOST_LIKE = 100, 20, 400
"""Wallets like a vendor that are looked for, the fewest with which it is tested, and the most."""

HUB = 500
"""Parties that somebody deals with in one direction, from which on he may be a service that no tag
names. A choice of this project."""


@dataclass(frozen=True, repr=False, eq=False)
class Convergence(Result):
    """Where the money of several vendors meets, each place held against chance.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``MEETINGS``.
    vendors : polars.DataFrame
        Rows in ``VENDORS``.
    asset : Asset
        What was paid.
    subjects : frozenset of bytes
        Addresses of the vendors.
    tests : int
        Parties that could have been such a place: what the correction is for.
    settings : mapping
        How far money was followed, and at what rate places are called.
    word : str
        What those who meet are called: vendors only where tags call all of them so.
    """

    trial = True

    frame: pl.DataFrame
    vendors: pl.DataFrame
    asset: Asset
    subjects: frozenset[bytes]
    tests: int
    settings: Mapping[str, Any]
    word: str = SUBJECT

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "meetings": MEETINGS.rows(self.frame),
            "vendors_met": VENDORS.rows(self.vendors),
        }

    def words(self) -> Mapping[str, Any]:
        """Return how far money was followed, and for how many tests it is corrected."""
        return {"tests": self.tests, "word": self.word, **self.settings}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return where vendors meet more often than by chance, and what that does not show."""
        terms = (self.tests, self.settings, self.word)
        return (convergence_finding(self.frame, self.asset, *terms),)

    def why(self, entity: bytes | str) -> pl.DataFrame:
        """Return which vendors meet at a place, and how many wallets like them do.

        Raises
        ------
        InputError
            If no vendors meet there.
        """
        raw = canonical.parse(entity, self.asset.chain) if isinstance(entity, str) else entity
        rows = self.vendors.filter(pl.col("entity") == raw)
        if rows.is_empty():
            raise InputError(
                "no vendors meet at that address", remedy="give an entity of the table of meetings"
            )
        return rows

    def __repr__(self) -> str:
        called = self.frame.filter(pl.col("verdict") == CHANCE).height
        return (
            f"Convergence({counted(self.frame.height, 'place', 'places')} where"
            f" {self.settings['least']} {self.word}s or more meet, {called:,} more than chance, of"
            f" {counted(self.tests, 'party', 'parties')} that could be one)"
        )


@recorded
def converge(
    ledger: Ledger, vendors: Subjects, *, tags: Tags | None = None,
    clusters: Framed | None = None, people: PeopleRoles | None = None, asset: Asset | None = None,
    least: int = 3, hops: int = 2, days: int = 14, rate: float | str = "0.05", hub: int = HUB,
) -> Convergence:  # fmt: skip
    """Find who is reached by the money of several vendors, or pays several, more than by chance.

    Services are left out as places and as ways. Each other place is held against wallets like the
    vendors, as large, as old, as active: how often would so many of them meet there?

    Parameters
    ----------
    ledger : Ledger
        Coin chains and account chains; its whole history is read.
    vendors : frame with ``chain`` and ``address``, tags, or several addresses
        Who they are.
    tags : Tags, optional
        Who is a service; brokers, guarantee platforms and suppliers are named by them.
    clusters : Clusters, optional
        Owners. Without them each address stands alone.
    people : PeopleRoles, optional
        Who is a likely consumer, a donor or a victim, or may be one: none of them is a place.
        Without it nobody is looked for who pays vendors: he may be their buyer.
    asset : Asset, optional
        What was paid; the coin, where the ledger is of one chain.
    least, hops, days : int
        ``least``: fewest vendors; ``hops``: the most payments to a place; ``days``: between two.
    rate : float or str
        The share of false ones among the places that are called more than chance.
    hub : int
        From so many payers or payees on somebody may be a service that no tag names: no route
        goes on there, and as a place he is shown and never called.

    Returns
    -------
    Convergence
        The places, and the vendors at each.

    Raises
    ------
    InputError
        If fewer than ``least`` vendors pay or are paid in what was read, or a number is none.

    Fails when
    ----------
    A service is small and no tag names it: a local exchange that serves mostly these vendors looks
    like their broker. Vendors are one person under several names that no cluster joins.

    References
    ----------
    Benjamini and Yekutieli, Annals of Statistics, 2001; for the tail see :func:`chance.tail`.
    """
    _expect(ledger, tags, clusters, people)
    of = subjects_of(vendors, asset, None, ledger)
    flows = flows_of(ledger, of.asset, clusters, tags)
    return converging(
        flows, frozenset(of.addresses), least=least, bounds=Bounds(hops, days), rate=str(rate),
        hub=hub, people=judged_owners(people, flows),
        tags=None if tags is None else tags.frame,
    )  # fmt: skip


def _expect(ledger: object, tags: object, clusters: object, people: object) -> None:
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, (Tags, type(None)), "tags", "pass tags, as read_tags returns them")
    expect(clusters, (Framed, type(None)), "clusters", "pass clusters, as owners(...) returns them")
    expect(people, (PeopleRoles, type(None)), "people", "pass people, as roles(...) returns them")


def converging(
    flows: Flows, addresses: frozenset[bytes], *, least: int = 3, bounds: Bounds | None = None,
    rate: str = "0.05", hub: int = HUB, people: Judged | None = None,
    tags: pl.DataFrame | None = None,
) -> Convergence:  # fmt: skip
    """Return where vendors meet in payments, whatever these were made of."""
    far = bounds or Bounds(2, 14)
    _check(least, far, hub)
    share = rate_of(rate)
    tagged = TaggedParties(flows, TAGS.empty() if tags is None else tags)
    # Several addresses of one actor are one vendor, who meets nobody by himself.
    flows = merged(flows, tagged.actors(addresses))
    vendors = _numbers(flows, addresses)
    if len(vendors) < least:
        raise InputError(
            f"{len(vendors)} of the vendors pay or are paid in what was read, fewer than {least}",
            remedy="read more of their history, or ask for fewer with least=2",
        )
    asked = _asked(flows, vendors, tagged, people, far, hub)
    judged = [one for way, out in asked for one in _judged(way, vendors, out, least)]
    tests = sum(_could_be(way, vendors, out) for way, out in asked)
    corrected = _corrected([one.p for one in judged], tests)
    # Whether a place is called is decided in whole numbers; what is shown is rounded.
    exact = [Fraction(1) if one.p is None else one.p for one in judged]
    stands = discovered(exact, max(tests, len(exact)), share)
    terms = _Terms(hub, least)
    rows = sorted(
        (
            _row(flows, one, q, terms, called=stood)
            for one, q, stood in zip(judged, corrected, stands, strict=True)
        ),
        key=lambda row: (row[7] is None, row[7], row[0], row[1]),
    )
    return Convergence(
        MEETINGS.frame(rows),
        VENDORS.frame([row for one in judged for row in one.rows(flows)]).sort(VENDORS.key),
        flows.asset, addresses, tests,
        {
            "least": least, "hops": far.hops, "days": far.days, "rate": rate, "hub": hub,
            "unread": sum(bool(flows.lacking(one)) for one in vendors.tolist()),
            "unknown": flows.unknown,
        },
        word_for(addresses, tags, flows.asset.chain),
    )  # fmt: skip


class _Terms(NamedTuple):
    """Where a place is not called, whatever chance says."""

    hub: int
    least: int


def _asked(
    flows: Flows, vendors: Numbers, tagged: TaggedParties, people: Judged | None, far: Bounds,
    hub: int,
) -> list[tuple[Way, Mask]]:  # fmt: skip
    """Return both ways in which vendors can meet, each with the parties that are no place there.

    No route goes on through a service, whoever deals with many, or who is or may be a buyer.
    """
    hidden = marked(flows, None if people is None else people.masked)
    services = flows.services | tagged.services
    buyers, refunded = _buyers(flows, vendors)
    many = (flows.payers >= hub) | (flows.payees >= hub)
    reached, pays = ways_of(flows, services | many | buyers | hidden, far)
    platforms = tagged.called([PLATFORM]) | flows.parties_named(PLATFORM)
    no_place = (services & ~platforms) | hidden
    asked = [(reached, no_place | buyers)]
    if people is not None:
        # Of whom nobody told a role, nobody says that he is no buyer.
        asked.append((pays, no_place | refunded | ~marked(flows, people.judged)))
    return asked


def _check(least: int, bounds: Bounds, hub: int) -> None:
    for name, given, fewest in (
        ("least", least, 2), ("hops", bounds.hops, 1), ("days", bounds.days, 1), ("hub", hub, 2),
    ):  # fmt: skip
        if isinstance(given, bool) or not isinstance(given, int) or given < fewest:
            raise InputError(
                f"{name} is no whole number of {fewest} or more", remedy=f"pass {name}={fewest}"
            )


def _numbers(flows: Flows, addresses: frozenset[bytes]) -> Numbers:
    """Return the parties of addresses, each once: those that pay or are paid."""
    owner: Mapping[bytes, bytes] = {}
    if flows.clusters is not None:
        of = flows.clusters.frame.filter(
            pl.col("chain") == flows.asset.chain,
            pl.col("address").is_in(pl.Series(sorted(addresses), dtype=pl.Binary).implode()),
        )
        owner = dict(of.select("address", "cluster").iter_rows())
    found = {flows.number_of(owner.get(one, one)) for one in addresses} - {None}
    numbers = np.array(sorted(one for one in found if one is not None), np.int64)
    return numbers[(flows.into.sizes + flows.out_of.sizes)[numbers] > 0]


def _buyers(flows: Flows, vendors: Numbers) -> tuple[Mask, Mask]:
    """Return who paid the vendors and got no more back, and who of them got anything back.

    What comes to a buyer are refunds.
    """
    found, refunded, mine = (np.zeros(len(flows.parties), np.bool_) for _ in range(3))
    mine[vendors] = True
    known = flows.payer != NOBODY
    to, of = known & mine[flows.payee], known & mine[flows.payer]
    for party in np.unique(flows.payer[to]).tolist():
        paid = flows.out_of.of(party)
        got = flows.into.of(party)
        back = flows.total(got[of[got]])
        found[party] = flows.total(paid[to[paid]]) >= back
        refunded[party] = found[party] and back > 0
    return found, refunded


def _could_be(way: Way, vendors: Numbers, excluded: Mask) -> int:
    """Return how many parties could have been a place: whoever is paid, or pays, by anybody.

    Which places are looked at follows from what is tested, so that all others count as tests too.
    """
    fits = ~excluded
    fits[vendors] = False
    return int((fits & (way.flows.into.sizes > 0)).sum())


@dataclass(frozen=True, eq=False)
class _Place:
    """A place with the vendors at it, the wallets like each, and what chance makes of it."""

    party: int
    direction: str
    amounts: Mapping[int, int]
    """Of each vendor at the place what its payments that lead there add up to."""
    like: Mapping[int, tuple[int, int]]
    """Of every vendor the wallets like it, and how many of them meet at the place."""
    hands: int
    """How many different parties paid it last."""
    came: int
    """What these payments add up to."""

    @property
    def tested(self) -> list[int]:
        """The vendors for whom like wallets were found."""
        return [one for one, (many, _) in self.like.items() if many >= FEWEST_LIKE]

    @property
    def shares(self) -> list[Fraction]:
        """Of each tested vendor the share of those like it, itself among them, that meet there."""
        return [
            Fraction(self.like[one][1] + (one in self.amounts), self.like[one][0] + 1)
            for one in self.tested
        ]

    @cached_property
    def p(self) -> Fraction | None:
        """How often at least so many would; None where nobody is like any of the vendors."""
        tested = self.tested
        return tail(self.shares, sum(one in self.amounts for one in tested)) if tested else None

    def rows(self, flows: Flows) -> Iterator[tuple[Any, ...]]:
        """Yield a row for each vendor that meets there."""
        entity = flows.parties[self.party]
        for one, amount in self.amounts.items():
            yield entity, self.direction, flows.parties[one], amount, *self.like[one], None


def _judged(way: Way, vendors: Numbers, excluded: Mask, least: int) -> Iterator[_Place]:
    """Yield the places of one direction, with the wallets like each vendor that meet there too."""
    flows = way.flows
    mine = np.zeros(len(flows.parties), np.bool_)
    mine[vendors] = True
    sizes, pool = Sizes(flows), pool_of(flows, mine, flows.services)
    wallets = {one: _like(flows, sizes, one, pool) for one in vendors.tolist()}
    for place, last in places(way, vendors, excluded, least):
        first = way.first_payments(place)
        there = np.zeros(len(flows.parties), np.bool_)
        there[flows.payer[first]] = True
        there[place] = False
        amounts = {
            one: flows.total(first[flows.payer[first] == one])
            for one in vendors.tolist()
            if there[one]
        }
        others = {one: some[some != place] for one, some in wallets.items()}
        like = {one: (len(some), int(there[some].sum())) for one, some in others.items()}
        hands = len(np.unique(flows.payer[last]))
        yield _Place(place, way.direction, amounts, like, hands, flows.total(last))


def _like(flows: Flows, sizes: Sizes, vendor: int, pool: Numbers) -> Numbers:
    """Return wallets like a vendor of which all was read: one that was not may meet unseen."""
    found = sizes.matched(vendor, pool, LIKE).wallets
    if len(found) > MOST_LIKE:
        # Evenly spread over all, so that no order of parties decides which are asked.
        found = found[np.linspace(0, len(found) - 1, MOST_LIKE).astype(np.int64)]
    return np.array([one for one in found.tolist() if not flows.lacking(one)], np.int64)


def _corrected(values: Sequence[Fraction | None], tests: int) -> list[float | None]:
    told = [float(one) for one in values if one is not None]
    found = iter(adjusted(told, max(tests, len(told))))
    return [None if one is None else next(found) for one in values]


def _row(
    flows: Flows, place: _Place, corrected: float | None, terms: _Terms, *, called: bool
) -> tuple[Any, ...]:
    party = place.party
    others = max(int(flows.payers[party]), int(flows.payees[party]))
    p = place.p
    return (
        flows.parties[party], place.direction, flows.actor(party), _concept(flows, party),
        len(place.amounts), len(place.tested), float(expected(place.shares)),
        None if p is None else float(p), corrected,
        _verdict(place, others, terms, called=called),
        min(sum(place.amounts.values()), place.came), place.hands, others,
        ",".join(flows.parties[one].hex() for one in sorted(place.amounts)),
    )  # fmt: skip


def _verdict(place: _Place, others: int, terms: _Terms, *, called: bool) -> str:
    if place.p is None:
        return UNTESTED
    if others >= terms.hub:
        return SHARED
    if not called:
        return NO_MORE
    return CHANCE if place.hands >= terms.least else BEHIND_ONE


def _concept(flows: Flows, party: int) -> str | None:
    """Return what tags call a party: the narrowest word for what it is, if any does."""
    sides = ((flows.into, flows.payee_name), (flows.out_of, flows.payer_name))
    codes = {int(code) for lists, name in sides for code in name[lists.of(party)].tolist()}
    said = sorted({c for code in codes - {NOBODY} if (c := flows.names[code].concept)})
    narrow = [one for one in said if not any(is_a(two, one) for two in said if two != one)]
    return narrow[0] if narrow else None


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)


__all__ = ["Convergence", "converge", "converging"]
