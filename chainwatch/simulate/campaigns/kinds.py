"""Kinds of campaigns and of innocent business, each with its variants; some only the test has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chainwatch.simulate.campaigns import (
    cash_out,
    fundraising,
    markets,
    supply,
    trafficking,
)
from chainwatch.simulate.campaigns.town import Shown, Town

Run = Callable[[Town, str, Shown], None]


class Of(NamedTuple):
    """A kind: its name, what runs it, its variants, and those that no chain of the fit part has."""

    name: str
    run: Run
    known: tuple[str, ...]
    new: tuple[str, ...] = ()


CRIMES = (
    Of("market vendor", markets.vendor, ("weekly", "each sale"), ("hoards", "two wallets")),
    Of("market of escrow scripts", markets.escrow_market, ("one fee",), ("fee by size",)),
    Of("direct dealer", markets.direct_dealer, ("weekly", "monthly"), ("another wallet",)),
    Of("vendor who moves", markets.mover, ("soon",), ("late", "another wallet")),
    Of("reviewed vendor", markets.reviewed, ("most sales",), ("few reviews", "several at once")),
    Of("appeal", fundraising.appeal, ("one account",), ("monthly givers", "two accounts")),
    Of("rotating donations", fundraising.rotation, ("one by one",), ("overlapping",)),
    Of("address for each donor", fundraising.for_each_donor, ("soon",), ("gathered late",)),
    Of("advertiser of others", trafficking.advertiser, ("at once",),
       ("looked at first", "from a balance")),
    Of("recruiter", trafficking.recruiter, ("by a platform", "by a broker"), ("every month",)),
    Of("hidden site", trafficking.night_site, ("one amount",),
       ("priced in euros", "an address each")),
    Of("precursor supplier", supply.precursors, ("vendors pay", "straight from a market"),
       ("small lots", "by an exchange")),
    Of("pills by affiliates", supply.pills, ("within hours", "within a day"), ("by the week",)),
    Of("arms seller", supply.arms, ("whole",), ("in parts",)),
    Of("runner", cash_out.runner, ("the same day",), ("after days",)),
    Of("splitter", cash_out.splitter, ("at once",), ("over days",)),
)  # fmt: skip
"""Crimes, in the order in which they are run; each as often as asked."""

LAUNDRIES = tuple(
    Of(f"laundering: {name}", cash_out.laundry, (name,), (f"{name}, slow",))
    for name in cash_out.SHAPES
)
"""Laundering in the shapes of payments that are known from banks."""

TWINS = (
    Of("refunded buyer", markets.refunded_buyer, ("plain", "deposits from an exchange")),
    Of("lawful escrow", markets.lawful_escrow, ("one fee", "fee by agreement")),
    Of("flatmates", markets.flatmates, ("plain", "refunded")),
    Of("vendor at two markets", markets.at_both, ("plain",)),
    Of("shop of the same prices", markets.same_prices, ("plain",)),
    Of(
        "charity",
        fundraising.charity,
        ("spends", "cashed at one exchange", "one flood", "one flood, cashed"),
    ),
    Of("shop with new addresses", fundraising.rotating_shop, ("plain", "passing trade")),
    Of(
        "processor of payments",
        fundraising.invoices,
        ("invoices", "donations for many", "one charity"),
    ),
    Of("lawful advertiser", trafficking.at_home, ("at home", "jobs in many towns")),
    Of("customer of the site", trafficking.passer_by, ("plain",)),
    Of(
        "firm with contractors",
        trafficking.contractors,
        ("plain", "changes by a broker", "paid by a broker"),
    ),
    Of("subscription", trafficking.subscription, ("all day", "played at night")),
    Of("wholesaler of chemicals", supply.chemicals, ("plain", "a vendor among them")),
    Of("lawful affiliates", supply.lawful_affiliates, ("sale by sale", "by the month")),
    Of("private seller", supply.watches, ("watches", "cars")),
    Of("takings", cash_out.takings, ("plain", "a dear sale now and then", "dealer in gold")),
    Of("saver", cash_out.saver, ("below the limit of an app",)),
    Of("trader", cash_out.trader, ("plain", "parts a bonus")),
)
"""Innocent business that looks like a crime. A vendor at two markets is a vendor nonetheless."""

__all__ = ["CRIMES", "LAUNDRIES", "TWINS", "Of"]
