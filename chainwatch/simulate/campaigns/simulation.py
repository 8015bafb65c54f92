"""``simulate_campaigns``: a town with crimes among innocent business, and the truth of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError
from chainwatch.ledger.prices import Prices, make_prices
from chainwatch.ledger.schema import DAY as OF_A_DAY
from chainwatch.ledger.schema import PRICES
from chainwatch.simulate.campaigns.evasion import evade
from chainwatch.simulate.campaigns.kinds import CRIMES, LAUNDRIES, TWINS, Of
from chainwatch.simulate.campaigns.population import close_the_first_market, settle, sweep
from chainwatch.simulate.campaigns.town import BLOCK, DAY, Campaign, Town
from chainwatch.simulate.owners.parts import FIT, part_of

CURRENCY = "EUR"
ASSET = native("btc")

TRUTH: dict[str, pl.DataType | type[pl.DataType]] = {
    "campaign": pl.Int64, "typology": pl.String, "party": pl.Binary, "due": pl.Boolean,
}  # fmt: skip
ENTITIES: dict[str, pl.DataType | type[pl.DataType]] = {
    "party": pl.Binary, "kind": pl.String, "campaign": pl.Int64, "crime": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class SimulatedCampaigns:
    """Payments of a town between owners, with the truth of who runs which campaign.

    Attributes
    ----------
    part, seed, adversarial : str, int, bool
        How it was made.
    payments : polars.DataFrame
        ``payer, payee, amount, time, tx, txid, place, rank, payer_name, payee_name, quorum, keys``
        of each payment, in order; the owners by their ids, names by their places in ``names``.
    names : tuple of (actor, concept)
        Whom tags name.
    reviews, listings, closures, published : polars.DataFrame
        What is told outside of the chain.
    prices : Prices
        What the coin cost in euros, by the day.
    campaigns : tuple of Campaign
        What is run: crimes, and innocent business that looks like them.
    truth : polars.DataFrame
        ``campaign, typology, party, due``: on whom it is right to claim a typology, for which
        campaign, and whether it is a miss if it is not claimed.
    entities : polars.DataFrame
        ``party, kind, campaign, crime`` of all who pay or are paid: the campaign is null where none
        is theirs, and ``crime`` is whether they take part in any.
    """

    part: str
    seed: int
    adversarial: bool
    payments: pl.DataFrame
    names: tuple[tuple[str, str], ...]
    reviews: pl.DataFrame
    listings: pl.DataFrame
    closures: pl.DataFrame
    published: pl.DataFrame
    prices: Prices
    campaigns: tuple[Campaign, ...]
    truth: pl.DataFrame
    entities: pl.DataFrame

    @property
    def asset(self) -> Asset:
        """The coin."""
        return ASSET


def simulate_campaigns(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    days: int = 240,
    people: int = 240,
    each: int = 2,
) -> SimulatedCampaigns:
    """Simulate people, shops, services and markets, and campaigns of crime among them.

    Owners are known: one party is one owner, as if clusters were right. Every kind of crime and of
    its innocent twins is run so many times, each time by one of its variants; some variants are
    only of the *test* part, so that numbers that were chosen on *fit* meet habits that nobody had
    seen. In an adversarial town every campaign of crime takes twice as long, pays sums a little
    less each time, or hides among payments to and from people and shops. Balances are not kept:
    what somebody held before is not told.

    Parameters
    ----------
    seed, part : int, str
        Seeds belong to a part: numbers are chosen by ``fit`` and judged on ``test``.
    adversarial : bool
        Whether crimes try to mislead.
    days, people, each : int
        How long it lasts, how many people there are, and how often each kind is run.

    Raises
    ------
    ArgumentError
        If the seed is not of the part, or it is too short or too small for the campaigns.
    """
    mine = part_of(part, seed)
    if days < 210 or people < 60 or each < 1:
        raise ArgumentError(
            f"{days} days of {people} people hold no campaigns {each} times",
            remedy="210 days, 60 people and once or more",
        )
    label = f"campaigns {part} {seed} {'adversarial' if adversarial else 'honest'}"
    town = Town(label, Random(label), mine.start, days)  # noqa: S311 - repeats itself
    settle(town, people)
    close_the_first_market(town)
    for crime, kinds in ((True, (*CRIMES, *LAUNDRIES)), (False, TWINS)):
        for kind in kinds:
            for _ in range(each):
                _run(town, kind, crime=crime, unseen=mine is not FIT)
    if adversarial:
        evade(town)
    sweep(town)
    return _made(town, part, seed, adversarial=adversarial)


def _run(town: Town, kind: Of, *, crime: bool, unseen: bool) -> None:
    """Run a campaign by one of the variants that the part has."""
    variant = town.one_of(kind.known + (kind.new if unseen else ()))
    with town.run(kind.name, variant, crime=crime, new=variant in kind.new) as shows:
        kind.run(town, variant, shows)


def _made(town: Town, part: str, seed: int, *, adversarial: bool) -> SimulatedCampaigns:
    names = tuple(sorted(set(town.tags.values())))
    payments = _payments(town, names)
    seen = {*payments["payer"], *payments["payee"]}
    truth = [
        (one.number, typology, party, due)
        for one in town.campaigns
        for due, said in ((True, one.shows), (False, one.allows))
        for typology, parties in said.items()
        for party in dict.fromkeys(parties)
        if party in seen
    ]
    crimes = {one.number for one in town.campaigns if one.crime}
    entities = [
        (party, kind, campaign, campaign in crimes or party in town.guilty)
        for party, (kind, campaign) in town.entities.items()
        if party in seen
    ]
    return SimulatedCampaigns(
        part, seed, adversarial, payments, names, _reviews(town), _listings(town), _closures(town),
        _published(town), _prices(town), tuple(town.campaigns),
        pl.DataFrame(truth, schema=TRUTH, orient="row"),
        pl.DataFrame(entities, schema=ENTITIES, orient="row"),
    )  # fmt: skip


def _payments(town: Town, names: tuple[tuple[str, str], ...]) -> pl.DataFrame:
    """Return the payments, those of one transaction together, as of the block after each."""
    place = {party: names.index(said) for party, said in town.tags.items()}
    begun: dict[int, int] = {}
    for row in town.rows:
        begun[row.deed] = min(begun.get(row.deed, row.second), row.second)
    order = sorted(begun, key=lambda deed: (begun[deed], deed))
    number = {deed: n for n, deed in enumerate(order)}
    rows = [
        (
            row.payer, row.payee, row.amount,
            datetime.fromtimestamp(town.start + (begun[row.deed] // BLOCK + 1) * BLOCK, UTC),
            number[row.deed], number[row.deed].to_bytes(32), n, number[row.deed],
            place.get(row.payer, -1), place.get(row.payee, -1), row.quorum, list(row.keys) or None,
        )
        for n, row in enumerate(town.rows)
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int64,
        "time": pl.Datetime("us", "UTC"), "tx": pl.Int64, "txid": pl.Binary, "place": pl.Int64,
        "rank": pl.Int64, "payer_name": pl.Int32, "payee_name": pl.Int32, "quorum": pl.String,
        "keys": pl.List(pl.Binary),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("rank", "place")


def _reviews(town: Town) -> pl.DataFrame:
    return pl.DataFrame(
        [(one["vendor"], _when(town, one["second"]), _euros(one["price"]), CURRENCY)
         for one in town.reviews],
        schema=["vendor", "time", "price", "currency"], orient="row",
    )  # fmt: skip


def _listings(town: Town) -> pl.DataFrame:
    return pl.DataFrame(
        [(one["place"], one["kind"], _when(town, one["second"]) if "second" in one else None,
          _euros(one["price"]), CURRENCY, one.get("region")) for one in town.listings],
        schema={"place": pl.String, "kind": pl.String, "time": pl.Datetime("us", "UTC"),
                "price": pl.String, "currency": pl.String, "region": pl.String}, orient="row",
    )  # fmt: skip


def _closures(town: Town) -> pl.DataFrame:
    return pl.DataFrame(
        [(one["market"], _when(town, one["day"] * DAY)) for one in town.closures],
        schema=["market", "time"], orient="row",
    )  # fmt: skip


def _published(town: Town) -> pl.DataFrame:
    return pl.DataFrame(
        [(ASSET.chain, one) for one in town.published],
        schema={"chain": pl.String, "address": pl.Binary}, orient="row",
    )  # fmt: skip


def _when(town: Town, second: int) -> datetime:
    return datetime.fromtimestamp(town.start + second, UTC)


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _prices(town: Town) -> Prices:
    rows = [
        (chain("btc").id, None, CURRENCY, OF_A_DAY, _when(town, day * DAY),
         _euros(cents).rstrip("0").rstrip("."), "simulated")
        for day, cents in enumerate(town.prices)
    ]  # fmt: skip
    return make_prices(PRICES.frame(rows))


__all__ = ["ASSET", "CURRENCY", "SimulatedCampaigns", "simulate_campaigns"]
