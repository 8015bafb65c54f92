"""``alerts``: every shape that typologies find in the payments of one asset, with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.resolve import Framed
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.completion import names_of
from chainwatch.errors import InputError, RuleError, expect
from chainwatch.ledger.dates import Moment, moment
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import Prices
from chainwatch.results.plotted import Plotted
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.typologies.account_flows import account_flows
from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.coin_flows import coin_flows
from chainwatch.typologies.facts import Facts
from chainwatch.typologies.finding import alerts_finding
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.red_flags import NOT_OBSERVABLE
from chainwatch.typologies.tables import ALERTS, EVIDENCE, FITS, JUDGED, OPEN, UNSEEN
from chainwatch.typologies.typology import Claim, Found, Typology
from chainwatch.units import counted

Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, repr=False, eq=False)
class Alerts(Plotted, Result):
    """Shapes that were found in payments, each with its evidence and its benign twin.

    An alert gives nobody a role: outside the desk its parties stay masked, unless something else of
    the case shows them.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``ALERTS``.
    evidence : polars.DataFrame
        Rows in ``EVIDENCE``.
    not_observable : polars.DataFrame
        Rows in ``UNSEEN``.
    judged : polars.DataFrame
        Rows in ``JUDGED``.
    asset : Asset
        What was paid.
    typologies : tuple of str
        The typologies that were asked, with their parameters.
    clusters : Clusters or None
        Owners, where any were given.
    """

    frame: pl.DataFrame
    evidence: pl.DataFrame
    not_observable: pl.DataFrame
    judged: pl.DataFrame
    asset: Asset
    typologies: tuple[str, ...]
    clusters: Framed | None = None

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "alerts": ALERTS.rows(self.frame),
            "evidence": EVIDENCE.rows(self.evidence),
            "not_observable": UNSEEN.rows(self.not_observable),
            "judged": JUDGED.rows(self.judged),
        }

    def words(self) -> Mapping[str, Any]:
        """Return which typologies were asked."""
        return {"typologies": list(self.typologies)}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the alerts on the subjects: those on others are nobody's business in a report."""
        return (alerts_finding(self.frame, self.asset, self._owners(subjects)),)

    def on(self, subjects: pl.DataFrame) -> pl.DataFrame:
        """Return the alerts whose doing is that of subjects, or of whom clusters join to them.

        ``subjects`` are ``chain, address``.
        """
        whose = pl.Series(sorted(self._owners(subjects)), dtype=pl.Binary)
        return self.frame.filter(pl.col("entity").is_in(whose.implode()))

    def _owners(self, subjects: pl.DataFrame) -> set[bytes]:
        """Return the owners of the subjects, by their ids."""
        mine = subjects.filter(pl.col("chain") == self.asset.chain).select("address").unique()
        if self.clusters is None:
            return set(mine["address"])
        here = self.clusters.frame.filter(pl.col("chain") == self.asset.chain)
        named = mine.join(here.select("address", "cluster"), on="address", how="left")
        return set(named.select(pl.coalesce("cluster", "address")).to_series())

    def of(self, alert: int) -> pl.DataFrame:
        """Return the evidence of one alert.

        Raises
        ------
        InputError
            If there is no alert of that number.
        """
        if not self.frame.filter(pl.col("alert") == alert).height:
            raise InputError(
                f"no alert {alert}", remedy=f"give a number from 1 to {self.frame.height}"
            )
        return self.evidence.filter(pl.col("alert") == alert)

    def __repr__(self) -> str:
        fit = self.frame.filter(pl.col("verdict") == FITS).height
        return (
            f"Alerts({counted(self.frame.height, 'alert', 'alerts')} of"
            f" {counted(len(self.typologies), 'typology', 'typologies')}: {fit} fit,"
            f" {self.frame.height - fit} open;"
            f" {counted(self.not_observable.height, 'sign', 'signs')} not observable)"
        )


@recorded
def alerts(
    ledger: Ledger, asset: Asset | None = None, typologies: Sequence[Typology] = DEFAULT, *,
    clusters: Framed | None = None, tags: Framed | None = None, prices: Prices | None = None,
    facts: Facts | None = None, since: Moment | None = None, until: Moment | None = None,
) -> Alerts:  # fmt: skip
    """Ask typologies of the payments of one asset, and list what they find with its evidence.

    Typologies rest on all that was read; alerts are those whose last payment lies in the span of
    the ledger, and from ``since`` until just before ``until``.

    Parameters
    ----------
    ledger : Ledger
        Coin chains and account chains.
    asset : Asset, optional
        What was paid; the coin, where the ledger is of one chain.
    typologies : sequence of Typology
        Which, from ``cw.typologies``, such as ``cw.typologies.fan_in(senders=10)``.
    clusters : Clusters, optional
        Owners. Without them each address stands alone, and on coin chains a payment out of several
        addresses has a payer who is not known.
    tags : Tags, optional
        Who is a service.
    prices : Prices, optional
        What the asset was worth, for thresholds in a currency.
    facts : Facts, optional
        What is known from outside, as ``make_facts`` returns it: such as reviews.
    since, until : str, date or datetime, optional
        ``since``: from when on the last payment of an alert is; ``until``: just before when.

    Returns
    -------
    Alerts
        Alerts, their evidence, what could not be asked, and what was judged.

    Raises
    ------
    InputError
        If it is not clear which asset is meant, or the asset is a token of a coin chain.
    RuleError
        If two typologies have one name, and could not be told apart.

    Fails when
    ----------
    As each typology says of itself. Change that no cluster joins to its owner looks like a payment
    to a stranger, and a service that no tag names like anybody.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators of Money Laundering and Terrorist Financing, 2020.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(clusters, (Framed, type(None)), "clusters", "pass clusters, as owners(...) returns them")
    expect(tags, (Framed, type(None)), "tags", "pass tags, as read_tags returns them")
    expect(prices, (Prices, type(None)), "prices", "pass prices, as read_prices returns them")
    expect(facts, (Facts, type(None)), "facts", "pass facts, as make_facts returns them")
    _check(typologies)
    what = asset_in(ledger, asset)
    span = _narrowed(ledger, moment(since), moment(until))
    return alerts_of(flows_of(ledger, what, clusters, tags, prices, facts), typologies, span)


def flows_of(
    ledger: Ledger, asset: Asset, clusters: Framed | None = None, tags: Framed | None = None,
    prices: Prices | None = None, facts: Facts | None = None,
) -> Flows:  # fmt: skip
    """Return the payments of one asset between owners, as typologies read them."""
    coins = find_chain(asset.chain).family == "utxo"
    return (coin_flows if coins else account_flows)(ledger, asset, clusters, tags, prices, facts)


def alerts_of(
    flows: Flows, typologies: Sequence[Typology] = DEFAULT, span: Span = (None, None)
) -> Alerts:
    """Return what typologies find in payments, whatever these were made of."""
    found = {one: one.find(flows) for one in typologies}
    claims = [
        (one, claim)
        for one, told in found.items()
        for claim in told.claims
        if _inside(flows, claim, span)
    ]
    return Alerts(
        _alerts(flows, claims), _evidence(flows, claims), _unseen(found), _judged(flows, found),
        flows.asset, tuple(map(str, typologies)), flows.clusters,
    )  # fmt: skip


def _check(typologies: Sequence[Typology]) -> None:
    for one in typologies:
        expect(one, Typology, "a typology", "pass one, such as cw.typologies.fan_in()")
    names = [one.name for one in typologies]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RuleError(
            f"two typologies are called {', '.join(twice)}", remedy="ask each in a call of its own"
        )


def asset_in(ledger: Ledger, asset: Asset | None) -> Asset:
    """Return the asset whose payments are asked for: the coin, where a ledger is of one chain.

    Raises
    ------
    InputError
        If it is not clear which is meant, or it is a token of a coin chain.
    """
    if asset is None:
        if len(ledger.chains) != 1:
            raise InputError(
                f"the ledger is of {len(ledger.chains)} chains, and no asset is named",
                remedy="pass asset=native('btc'), or token(...)",
            )
        return native(ledger.chains[0].id)
    expect(asset, Asset, "asset", "name one: native('eth') or token(...)")
    if find_chain(asset.chain).family == "utxo" and asset.contract is not None:
        raise InputError(
            f"{asset.symbol} is a token of a coin chain, whose payments are not read",
            remedy="name the coin: native('btc')",
        )
    return asset


def _narrowed(ledger: Ledger, since: datetime | None, until: datetime | None) -> Span:
    """Return the span that both the ledger and the bounds leave."""
    starts = [one for one in (ledger.start, since) if one is not None]
    ends = [one for one in (ledger.end, until) if one is not None]
    return max(starts, default=None), min(ends, default=None)


def _inside(flows: Flows, claim: Claim, span: Span) -> bool:
    last = int(flows.clock[claim.every()].max())
    start, end = (None if one is None else _micros(one) for one in span)
    return (start is None or last >= start) and (end is None or last < end)


def _micros(when: datetime) -> int:
    return int(pl.Series([when]).dt.epoch("us").item())


def _alerts(flows: Flows, claims: Sequence[tuple[Typology, Claim]]) -> pl.DataFrame:
    rows = []
    for number, (one, claim) in enumerate(claims, 1):
        every = claim.every()
        times = pl.Series(flows.time[every]).cast(ALERTS["first"].dtype)
        rows.append((
            number, one.name, one.strength, one.fatf, flows.parties[claim.party],
            flows.actor(claim.party),
            times.min(), times.max(), flows.total(claim.counted()), len(every),
            OPEN if claim.unknown else FITS, claim.why, claim.unknown or None, one.benign,
            _behind(flows, claim),
        ))  # fmt: skip
    return ALERTS.frame(rows)


def _behind(flows: Flows, claim: Claim) -> str:
    """Return the parties whose payments an alert adds up, as ``BEHIND`` holds them."""
    every = claim.every()
    codes = {*flows.payer[every].tolist(), *flows.payee[every].tolist()} - {-1, claim.party}
    return ",".join(flows.parties[code].hex() for code in sorted(codes))


def _evidence(flows: Flows, claims: Sequence[tuple[Typology, Claim]]) -> pl.DataFrame:
    parts = [
        flows.shown(pl.Series(rows, dtype=pl.Int64).to_numpy()).with_columns(
            pl.lit(number, pl.Int64).alias("alert"), pl.lit(role).alias("role")
        )
        for number, (_, claim) in enumerate(claims, 1)
        for role, rows in claim.rows.items()
        if len(rows)
    ]
    listed = pl.concat([EVIDENCE.empty(), *(part.select(EVIDENCE.names) for part in parts)])
    return listed.sort(EVIDENCE.key, nulls_last=True)


def _unseen(found: Mapping[Typology, Found]) -> pl.DataFrame:
    """Return the flags that no chain shows, and the typologies that were given too little."""
    asked = [
        (one.fatf, one.name, f"what {one.name} asks", told.what)
        for one, answer in found.items()
        for told in answer.lacking
    ]
    flags = [(one.fatf, None, one.flag, one.needs) for one in NOT_OBSERVABLE]
    return UNSEEN.frame([*asked, *flags]).sort(UNSEEN.key, nulls_last=False)


def _judged(flows: Flows, found: Mapping[Typology, Found]) -> pl.DataFrame:
    return JUDGED.frame(_counts(flows, found)).sort(JUDGED.key, nulls_last=False)


def _counts(flows: Flows, found: Mapping[Typology, Found]) -> Iterator[tuple[str | None, str, int]]:
    yield None, "parties", len(flows.parties)
    yield None, "payments", len(flows)
    yield None, "payments of a payer who is not known", flows.unknown
    yield (
        None,
        "payments of which it is not known whether the payer wanted them",
        int((~flows.agreed).sum()),
    )
    for why, count in flows.left.items():
        yield None, f"left out: {why}", count
    for one, answer in found.items():
        yield one.name, "claims, whenever they were", len(answer.claims)
        for told in answer.not_judged:
            yield one.name, f"not judged: {told.why}", told.number


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)


__all__ = ["Alerts", "alerts", "alerts_of", "asset_in", "flows_of"]
