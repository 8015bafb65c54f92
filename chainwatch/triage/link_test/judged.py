"""Each vendor's test: how many wallets like it reach the network as far, and what that is worth.

Two questions are asked of each vendor, and the larger p-value counts. How many *matched wallets*
reach the network with as large a share of what they pay? That holds whatever hangs together within
a wallet, for wallets are compared whole. And how often would *the vendor's own payments*, to
receivers of others in the same week and for as much? That holds its number and size of payments
exactly, which matching does within bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.evaluate.shares import Z95, Share
from chainwatch.triage.link_test.discovery import adjusted, discovered, draws_needed
from chainwatch.triage.link_test.matching import Matched, Sizes, pool_of
from chainwatch.triage.link_test.permuted import Drawn, Strata, strata_of
from chainwatch.triage.link_test.reach import BILLION, DAY, Mask, Reach, reach
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY

LINK, CHANCE, NO_ROUTE, AT_CROWD, NOT_TESTABLE = (
    "consistent with a link",
    "consistent with chance",
    "no route found",
    "routes end at whom many pay",
    "not testable",
)
"""Verdicts. None says that a vendor belongs to a network, or that it does not."""


ONCE = "all of it lies within one week, and once is no pattern"
TOO_SMALL = "what reached it again is too small a share to be called a link"
"""Why p is 1, whatever the comparison says, as it would be of any wallet of which that holds."""


DRAWS, TIMES = 9_999, 10
"""Draws where no more are needed, and how many times as many are made as the correction needs: with
as many as that one stray draw would decide."""

TRIFLE = 1_000
"""A crowd is made by those who paid at least such a part of what the largest payer did: no dust."""


@dataclass(frozen=True)
class Terms:
    """On what terms a link is tested.

    Attributes
    ----------
    hops, days : int
        The most payments of a route, and the most days from one to the next.
    rate : Fraction
        The false discovery rate that is asked for.
    draws : int or None
        Draws of receivers for each vendor; None for :data:`TIMES` as many as the correction needs,
        and at least :data:`DRAWS`.
    tests : int or None
        All tests that were run, those of earlier calls with them; None for these alone.
    least : Fraction
        The smallest share that is worth calling: below it p is 1.
    crowd : int
        Who is paid by so many different others may hold the money of many: routes end there.
    seed : int
        What the draws follow from.
    """

    hops: int = 3
    days: int = 7
    rate: Fraction = Fraction(1, 20)
    draws: int | None = None
    tests: int | None = None
    least: Fraction = Fraction(1, 100)
    crowd: int = 10
    seed: int = 0


class Alike(NamedTuple):
    """What matched wallets do.

    Attributes
    ----------
    wallets : int
        How many are matched, each another.
    as_far : int
        How many reach the network with a share that is as large or larger.
    at_all : int
        How many reach it at all.
    mean, low, high : int
        The mean of their shares in billionths, and its interval of 95 %.
    """

    wallets: int
    as_far: int
    at_all: int
    mean: int
    low: int
    high: int


class Judged(NamedTuple):
    """What was found of one vendor.

    Attributes
    ----------
    party : int or None
        Its number; None where it neither pays nor is paid.
    reached, paid : int
        What of its payments could have reached the network, and what it paid, base units.
    again : int
        What of it could have reached the network with its best week left out, base units.
    share : int
        The latter as a share of what it paid, billionths: what is tested.
    alike : Alike or None
        What matched wallets do; None where no route was found, so that nothing was compared.
    matched : Matched or None
        Who they are.
    drawn : Drawn or None
        How far draws of receivers reach.
    p_matched, p_drawn : float or None
        p-values of both questions.
    p : float or None
        The larger; 1 where no route was found or the share is too small; None where it cannot be
        tested.
    adjusted : float or None
        The same, corrected for all tests.
    verdict, why : str
        What is said, and why nothing can be said.
    """

    party: int | None
    reached: int = 0
    paid: int = 0
    again: int = 0
    share: int = 0
    alike: Alike | None = None
    matched: Matched | None = None
    drawn: Drawn | None = None
    p_matched: float | None = None
    p_drawn: float | None = None
    p: float | None = None
    adjusted: float | None = None
    verdict: str = NO_ROUTE
    why: str = ""


@dataclass(frozen=True, eq=False)
class Ground:
    """What all tests share: what reaches the network, who may be drawn, and the strata.

    Attributes
    ----------
    reach : Reach
        What of each payment could have reached the network.
    crowded : array of bool
        Who may be a service by its size, and no tag says so.
    pool : array of int64
        Who may be drawn.
    sizes : Sizes
        Size, age and activity of everybody.
    strata : Strata
        Payments by week and tenth of value.
    """

    reach: Reach
    crowded: Mask
    pool: NDArray[np.int64]
    sizes: Sizes
    strata: Strata

    def called(self, *concepts: str) -> Mask:
        """Return who is tagged with one of some concepts; each is looked up once."""
        if concepts not in self._called:
            self._called[concepts] = self.reach.flows.parties_named(*concepts)
        return self._called[concepts]

    @cached_property
    def _called(self) -> dict[tuple[str, ...], Mask]:
        return {}

    @cached_property
    def through_crowds(self) -> Reach:
        """What could have reached the network if whom many pay were people like others."""
        one, flows = self.reach, self.reach.flows
        open_ = one.stopping & ~self.crowded
        return reach(flows, one.network, open_, hops=len(one.levels), days=one.span // DAY)

    @cached_property
    def pays_network(self) -> Mask:
        """Who pays the network straight."""
        found = np.zeros(len(self.reach.flows.parties), np.bool_)
        payers = self.reach.flows.payer[self.reach.levels[0] > 0]
        found[payers[payers != NOBODY]] = True
        return found


def ground_of(flows: Flows, vendors: NDArray[np.int64], network: Mask, terms: Terms) -> Ground:
    """Return what all tests share.

    Parameters
    ----------
    flows : Flows
        Payments.
    vendors : array of int64
        Who is tested: none of them is drawn.
    network : array of bool
        Which parties are the network.
    terms : Terms
        On what terms.
    """
    services = flows.services
    crowded = (crowds(flows) >= terms.crowd) & ~services & ~network
    found = reach(flows, network, (services | crowded) & ~network, hops=terms.hops,
                  days=terms.days)  # fmt: skip
    tested = np.zeros(len(flows.parties), np.bool_)
    tested[vendors] = True
    pool = pool_of(flows, tested, network, services)
    return Ground(found, crowded, pool, Sizes(flows), strata_of(found, pool))


def crowds(flows: Flows) -> NDArray[np.int64]:
    """Return of each party how many pay it, without those who paid a trifle beside the largest."""
    known = np.flatnonzero(flows.payer != NOBODY)
    count = len(flows.parties)
    pair = flows.payee[known].astype(np.int64) * count + flows.payer[known]
    order = np.argsort(pair, kind="stable")
    pair, amount = pair[order], flows.amount[known][order]
    found = np.zeros(count, np.int64)
    if not len(pair):
        return found
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    paid, who = np.add.reduceat(amount, starts), pair[starts] // count
    first = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    most = np.repeat(np.maximum.reduceat(paid, first), np.diff(np.r_[first, len(who)]))
    np.add.at(found, who[paid >= most // TRIFLE], 1)
    return found


def judged(ground: Ground, vendors: list[int | None], terms: Terms) -> tuple[Judged, ...]:
    """Return what is found of each vendor, corrected for all tests.

    Parameters
    ----------
    ground : Ground
        What all tests share.
    vendors : list of int or None
        Numbers of parties; None is one without payments.
    terms : Terms
        On what terms.
    """
    tests = max(len(vendors), terms.tests or 0)
    needed = draws_needed(tests, terms.rate)
    draws = max(TIMES * needed, DRAWS) if terms.draws is None else terms.draws
    found = [_judge(ground, one, needed, draws, terms) for one in vendors]
    exact = [_exactly(one) for one in found]
    values = adjusted([float(one) for one in exact], tests)
    stands = discovered(exact, tests, terms.rate)
    return tuple(
        _called(one, value, said) for one, value, said in zip(found, values, stands, strict=True)
    )


def _exactly(one: Judged) -> Fraction:
    """Return the larger of both p-values, as the counts have it; 1 where nothing was compared."""
    if one.p is None or one.alike is None or one.drawn is None or one.p == 1.0:
        return Fraction(1)
    pairs = ((one.alike.as_far, one.alike.wallets), one.drawn[:2])
    return max(Fraction(k + 1, n + 1) for k, n in pairs)


def _called(one: Judged, value: float, stands: bool) -> Judged:
    """Return a test with its corrected p-value, and what that lets be said."""
    if one.p is None or one.drawn is None or one.why:
        return one._replace(adjusted=None if one.p is None else value)
    return one._replace(adjusted=value, verdict=LINK if stands else CHANCE)


def _judge(ground: Ground, party: int | None, needed: int, draws: int, terms: Terms) -> Judged:
    """Return one vendor's test, not corrected yet."""
    if party is None or not ground.reach.reached[party]:
        paid = 0 if party is None else int(ground.reach.paid[party])
        ends = party is not None and bool(ground.through_crowds.reached[party])
        return Judged(party, paid=paid, p=1.0, verdict=AT_CROWD if ends else NO_ROUTE)
    found, shares = ground.reach, ground.reach.shares
    base = Judged(
        party, reached=int(found.reached[party]), paid=int(found.paid[party]),
        again=int(found.again[party]), share=int(shares[party]),
    )  # fmt: skip
    if not base.share:
        return base._replace(p=1.0, verdict=CHANCE, why=ONCE)
    base = _compared(ground, party, base, needed, draws, terms)
    if base.share < terms.least * BILLION:
        return base._replace(p=1.0, verdict=CHANCE, why=TOO_SMALL)
    return base


def _compared(
    ground: Ground, party: int, base: Judged, needed: int, draws: int, terms: Terms
) -> Judged:
    """Return a vendor's test with what wallets like it do, and its payments to drawn receivers."""
    matched = _all_read(ground, ground.sizes.matched(party, ground.pool, needed))
    alike = _alike(ground.reach.shares[matched.wallets], base.share)
    base = base._replace(alike=alike, matched=matched)
    if why := _too_few(ground, party, alike.wallets, draws, needed):
        return base._replace(verdict=NOT_TESTABLE, why=why)
    drawn = ground.strata.test(party, draws, _seeds(ground, party, terms.seed))
    one, two = ((k + 1) / (n + 1) for k, n in ((alike.as_far, alike.wallets), drawn[:2]))
    return base._replace(drawn=drawn, p_matched=one, p_drawn=two, p=max(one, two), verdict=CHANCE)


def _all_read(ground: Ground, matched: Matched) -> Matched:
    """Return the matched wallets of which all was read: others may reach the network unseen."""
    flows = ground.reach.flows
    read = [one for one in matched.wallets.tolist() if not flows.lacking(one)]
    return matched._replace(wallets=np.array(read, np.int64))


def _too_few(ground: Ground, party: int, wallets: int, draws: int, needed: int) -> str:
    """Return why nothing can be tested; nothing where it can."""
    if wallets < needed:
        return (
            f"{wallets:,} wallets are like it and were wholly read, and a lone discovery among so"
            f" many tests needs {needed:,}"
        )
    if draws < needed:
        return f"{draws:,} draws were asked for, and so many tests need {needed:,}"
    if ground.strata.scarce(party):
        return "too few others paid as much in a week in which it paid"
    return ""


def _alike(shares: NDArray[np.int64], share: int) -> Alike:
    count = len(shares)
    if not count:
        return Alike(0, 0, 0, 0, 0, 0)
    some = shares[shares > 0]
    total, squares = (sum(int(one) ** k for one in some.tolist()) for k in (1, 2))
    reach_of = Z95 * sqrt(max(0, squares * count - total * total)) / count / sqrt(count)
    mean = total / count
    # Few reach it, and their spread says little: no more than so many do, each by no more than
    # the farthest; where none does, by all that it has.
    rate = Share(len(some), count).interval
    most = int(some.max()) if len(some) else BILLION
    high = max(mean + reach_of, (rate.high if rate else 1.0) * most)
    return Alike(
        count, int((shares >= share).sum()), len(some), total // count,
        max(0, int(mean - reach_of)), min(BILLION, int(high) + 1),
    )  # fmt: skip


def _seeds(ground: Ground, party: int, seed: int) -> list[int]:
    """Return what a vendor's draws follow from: the seed and who it is, not who else is tested."""
    named = sha256(ground.reach.flows.parties[party]).digest()
    return [seed, int.from_bytes(named[:8], "big")]


__all__ = ["AT_CROWD", "CHANCE", "LINK", "NOT_TESTABLE", "NO_ROUTE", "Alike", "Ground", "Judged",
           "Terms", "crowds", "ground_of", "judged"]  # fmt: skip
