"""``link_test``: whether vendors' links to a network are more than chance, one test for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners, TagStatement
from chainwatch.attribution.tags import Tags
from chainwatch.errors import ArgumentError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded
from chainwatch.tracing.subjects import Named, Subjects, addresses_of, subjects_of, widened
from chainwatch.triage.link_test.connection import Connection
from chainwatch.triage.link_test.discovery import draws_needed, rate_of, statistics
from chainwatch.triage.link_test.explanations import CATALOGUE
from chainwatch.triage.link_test.judged import LINK, Alike, Ground, Judged, Terms, ground_of, judged
from chainwatch.triage.link_test.reach import BILLION, Mask, tells_wish, wanted
from chainwatch.triage.link_test.result import Basis, LinkTests
from chainwatch.triage.link_test.tables import EXPLANATIONS, NETWORK, STEPS, TESTS
from chainwatch.triage.word import word_for
from chainwatch.typologies.alerts import flows_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.named_sides import sayings_of
from chainwatch.units import AMOUNT


class Asked(NamedTuple):
    """Who is tested against whom, by their addresses.

    ``vendors`` has for each address that a vendor is called by the number of its owner, or None
    where that neither pays nor is paid; ``network`` the addresses that were given.
    """

    vendors: dict[bytes, int | None]
    network: tuple[bytes, ...]


@recorded
def link_test(
    ledger: Ledger, vendors: Subjects, network: Subjects, *, tags: Tags | None = None,
    clusters: Owners | None = None, asset: Asset | None = None, chain: str | None = None,
    hops: int = 3, days: int = 7, rate: float | str | Fraction = "0.05",
    draws: int | None = None, tests: int | None = None, least: float | str | Fraction = "0.01",
    crowd: int = 10, seed: int = 0,
) -> LinkTests:  # fmt: skip
    """Test of each vendor whether its payments reach a network more than matched wallets' do.

    What is tested is the share of what a vendor paid that could have reached the network, by
    payments each later than the one before, its best week left out. It is compared with wallets of
    its size, age and activity, and with its own payments to receivers drawn among those of the same
    week and value; the larger p-value counts, corrected for all tests.

    Parameters
    ----------
    ledger : Ledger
        All that was read is compared, whatever its span.
    vendors, network : frame with ``chain`` and ``address``, tags, or addresses
        ``vendors``: who is tested, each by itself; ``network``: all its addresses, as one.
    tags, clusters, asset, chain : Tags, Clusters, Asset, str, optional
        ``tags``: where routes end, and when the network is named; ``clusters``: owners; ``asset``:
        what is paid, if not the coin; ``chain``: an alias or CAIP-2 id.
    hops, days : int
        ``hops``: the most payments of a route; ``days``: the most days from one to the next.
    rate, least : float, str or Fraction
        ``rate``: the false discovery rate asked for; ``least``: the smallest share worth calling.
    draws, tests : int, optional
        ``draws``: for each vendor, if not said as many as the correction needs and at least 9,999;
        ``tests``: all that were run, those tried before and not told with them.
    crowd, seed : int
        ``crowd``: who is paid by so many others ends routes; ``seed``: what the draws follow from.

    Returns
    -------
    LinkTests
        A verdict for each vendor with what it rests on, and the innocent explanations.

    Raises
    ------
    ArgumentError, TraceError, AddressError, MissingExtra
        If a number is out of range, a vendor is of the network, or no address; without scipy.

    Fails when
    ----------
    Who holds the money of many has no tag and is paid by fewer than ``crowd``: those who share him
    look linked. Vendors buy from the network's supporters for a reason of their own. Money goes
    over another chain, rests for longer than ``days``, or passes a service: no link is seen.

    References
    ----------
    Benjamini and Yekutieli, Annals of Statistics 29, 2001; Phipson and Smyth 2010, "Permutation
    p-values should never be zero"; Arnold et al., arXiv 2402.09272: why no motifs are counted.
    """
    _expect(ledger, tags)
    terms = _terms(hops, days, rate, draws, tests, least, crowd, seed)
    named = _wallets(subjects_of(vendors, asset, chain, ledger))
    flows = flows_of(ledger, named.asset, clusters, tags)
    asked = _asked(flows, named.addresses, addresses_of(network, named.asset), clusters)
    return tested(flows, asked, terms, Basis(ledger, tags, clusters))


def _expect(ledger: Ledger, tags: Tags | None) -> None:
    """Refuse what cannot be tested, and do so before anything is read."""
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, (Tags, type(None)), "tags", "pass tags, as read_tags returns them")
    statistics()


def _wallets(named: Named) -> Named:
    if named.chosen:
        raise ArgumentError("vendors are outputs", remedy="give addresses, for wallets are tested")
    return named


def _terms(
    hops: int, days: int, rate: Any, draws: int | None, tests: int | None, least: Any, crowd: int,
    seed: int,
) -> Terms:  # fmt: skip
    numbers = {"hops": hops, "days": days, "crowd": crowd, "draws": draws, "tests": tests}
    for name, one in numbers.items():
        if one is not None and (isinstance(one, bool) or not isinstance(one, int) or one < 1):
            raise ArgumentError(f"{name} is {one!r:.20}", remedy="give a whole number from 1 on")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"seed is {seed!r:.20}", remedy="give a whole number from 0 on")
    shares = rate_of(rate, "rate"), rate_of(least, "least")
    return Terms(hops, days, shares[0], draws, tests, shares[1], crowd, seed)


def _asked(
    flows: Flows, vendors: tuple[bytes, ...], network: tuple[bytes, ...], clusters: Owners | None
) -> Asked:
    """Return the parties of both sides; one owner of several vendors is one vendor."""
    chain = flows.asset.chain
    owner = _owners(clusters, chain)
    called = widened(vendors, chain, clusters)
    whose = {one: owner.get(one, one) for one in dict.fromkeys(called[one] for one in vendors)}
    theirs = {owner.get(one, one) for one in network}
    if both := [one for one, party in whose.items() if party in theirs]:
        raise ArgumentError(
            f"{len(both)} of the vendors are of the network, or of one owner with it",
            remedy="leave them out: a link of somebody with himself is no question",
        )
    return Asked({one: flows.number_of(party) for one, party in sorted(whose.items())}, network)


def _owners(clusters: Owners | None, chain: str) -> Mapping[bytes, bytes]:
    if clusters is None:
        return {}
    here = clusters.frame.filter(pl.col("chain") == chain)
    return dict(here.select("address", "cluster").iter_rows())


def tested(flows: Flows, asked: Asked, terms: Terms, basis: Basis) -> LinkTests:
    """Return the tests of vendors, whatever the payments were made of."""
    owner = _owners(basis.clusters, flows.asset.chain)
    numbers = [flows.number_of(owner.get(one, one)) for one in asked.network]
    mask = np.zeros(len(flows.parties), np.bool_)
    mask[[one for one in numbers if one is not None]] = True
    present = [one for one in asked.vendors.values() if one is not None]
    ground = ground_of(flows, np.array(present, np.int64), mask, terms)
    found = dict(zip(asked.vendors, judged(ground, [*asked.vendors.values()], terms), strict=True))
    said = _said(flows, asked.network)
    links = {
        one: Connection(ground, judgement.party, said, flows.tags is not None)
        for one, judgement in found.items()
        if judgement.party is not None
    }
    tests = max(len(found), terms.tests or 0)
    rows = None if basis.tags is None else basis.tags.frame
    return LinkTests(
        flows.asset, _tests(ground, found, links), _explained(links),
        _steps(ground, {one: links[one] for one in links if found[one].verdict == LINK}),
        NETWORK.frame([(one,) for one in asked.network]), terms, tests,
        draws_needed(tests, terms.rate), _unknown(flows, mask), sum(one is None for one in numbers),
        basis, tells_wish(flows) or not len(flows),
        word_for(asked.vendors, rows, flows.asset.chain),
    )  # fmt: skip


def _said(flows: Flows, network: Sequence[bytes]) -> tuple[TagStatement, ...]:
    told = sayings_of(flows.tags, flows.clusters, flows.asset.chain)
    return tuple(one for address in network for one in told.get(address, ()))


def _unknown(flows: Flows, network: Mask) -> int:
    """Return how many payments to the network have no payer who is known to have wanted them."""
    return int((network[flows.payee] & ((flows.payer == NOBODY) | ~wanted(flows))).sum())


def _tests(
    ground: Ground, found: Mapping[bytes, Judged], links: Mapping[bytes, Connection]
) -> pl.DataFrame:
    rows = [_row(ground, one, judgement, links.get(one)) for one, judgement in found.items()]
    return TESTS.conform(pl.DataFrame(rows, schema=TESTS.schema))


def _row(ground: Ground, vendor: bytes, one: Judged, link: Connection | None) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(TESTS.names)
    row |= {
        "vendor": vendor, "verdict": one.verdict, "why": one.why or None,
        "reached": Decimal(one.reached), "again": Decimal(one.again), "paid": Decimal(one.paid),
        "share": _share(one.share), "p_matched": one.p_matched, "p_drawn": one.p_drawn,
        "p": one.p, "adjusted": one.adjusted,
    }  # fmt: skip
    if link is not None:
        row["unread"] = link.flows.lacking(link.party) or None
    if link is not None and len(link.every):
        times = pl.Series(ground.reach.flows.time[link.steps[0]]).cast(TESTS.schema["first"])
        row |= {"first": times.min(), "last": times.max()}
    if one.alike is not None and one.matched is not None:
        row |= {
            "matched": one.alike.wallets, "as_far": one.alike.as_far, "at_all": one.alike.at_all,
            "matched_mean": _share(one.alike.mean), "times": one.matched.caliper.times,
        } | _effect(one.share, one.alike)  # fmt: skip
    if one.drawn is not None:
        row |= {
            "draws": one.drawn.draws, "drawn_as_far": one.drawn.as_far,
            "drawn_mean": _share(int(one.drawn.mean * BILLION)),
        }  # fmt: skip
    return row


def _share(billionths: int) -> Decimal:
    return Decimal(billionths).scaleb(-9)


def _effect(share: int, alike: Alike) -> dict[str, Decimal | None]:
    """Return how far a vendor's share lies above the mean of matched wallets, two ways."""
    if not alike.wallets:
        return {}
    ends = (("", alike.mean), ("_low", alike.high), ("_high", alike.low))
    more = {f"difference{end}": _share(share - whole) for end, whole in ends}
    times = {
        f"ratio{end}": Decimal(100 * share // whole).scaleb(-2) if whole else None
        for end, whole in ends
    }
    return {**more, **times}


def _explained(links: Mapping[bytes, Connection]) -> pl.DataFrame:
    rows = [(vendor, name, *ask(link)) for vendor, link in links.items() for name, ask in CATALOGUE]
    return EXPLANATIONS.frame(rows)


def _steps(ground: Ground, links: Mapping[bytes, Connection]) -> pl.DataFrame:
    """Return the payments of the routes of those who were called."""
    flows, found = ground.reach.flows, ground.reach
    parts = [STEPS.empty()]
    for vendor, link in links.items():
        for hop, rows in enumerate(link.steps, 1):
            reached = found.levels[len(found.levels) - hop][rows]
            parts.append(
                flows.shown(rows).with_columns(
                    pl.lit(vendor, pl.Binary).alias("vendor"), pl.lit(hop, pl.Int64).alias("hop"),
                    pl.Series("could_reach", reached.tolist(), pl.Int128).cast(AMOUNT),
                ).select(STEPS.names)
            )  # fmt: skip
    return pl.concat(parts).sort(STEPS.key, nulls_last=True)


__all__ = ["Asked", "link_test", "tested"]
