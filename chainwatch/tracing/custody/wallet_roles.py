"""Wallets of services by what they do: tagged ones, cold ones, and those that collect unnamed."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import TagStatement
from chainwatch.attribution.taxonomy import is_a
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody.one_destination import one_destination
from chainwatch.tracing.custody.service_side import Bars
from chainwatch.tracing.custody.sweeps import Wallets, account_flows
from chainwatch.tracing.walks.transfer_order import movements
from chainwatch.units import exact_sum

DEPOSIT, ONE_WAY, HOT, COLD, GAS_WALLET, WALLET = (
    "deposit address",
    "one-destination wallet",
    "hot wallet",
    "cold wallet",
    "gas wallet",
    "wallet",
)

MIN_COLD = 50
"""Of 1,000 units that a service's wallets paid out, those that a cold wallet must have been paid: a
customer who withdraws and deposits again has less."""

MIN_COLLECTED = 20
"""Addresses that pass all on to a collecting wallet: with fewer they may be one person's."""


class Wallet(NamedTuple):
    """One row of :data:`chainwatch.tracing.custody.tables.ROLES`, without its chain."""

    address: bytes
    role: str
    service: str | None
    certainty: str
    rule: str
    evidence: str
    rests_on: int


def tagged_role(said: tuple[TagStatement, ...]) -> str:
    """Return what tags say that a wallet is used for; *wallet* where they say nothing of it."""
    kinds = (("hot_wallet", HOT), ("cold_wallet", COLD), ("deposit_wallet", DEPOSIT))
    for concept, role in kinds:
        if any(one.concept is not None and is_a(one.concept, concept) for one in said):
            return role
    return WALLET


def _moved(ledger: Ledger, asset: Asset, poisoning: Rule | None) -> pl.DataFrame:
    rows = movements(ledger.history, asset, poisoning)
    kept = rows.filter(~pl.col("poison") & (pl.col("sender") != pl.col("receiver")))
    return kept.select("sender", "receiver", "amount")


def cold_wallets(
    ledger: Ledger, asset: Asset, wallets: Wallets, known: Set[bytes], poisoning: Rule | None
) -> Iterator[Wallet]:
    """Yield addresses that deal with the wallets of one service alone, in large amounts.

    Fails when
    ----------
    A single customer holds a twentieth of a service, and pays its wallets straight.
    """
    named = pl.DataFrame(
        [(address, said[0].actor) for address, said in wallets.items()],
        schema={"wallet": pl.Binary, "service": pl.String}, orient="row",
    )  # fmt: skip
    rows = _moved(ledger, asset, poisoning)
    sides = pl.concat([
        rows.select(wallet="sender", address="receiver", amount="amount", into=pl.lit(True)),
        rows.select(wallet="receiver", address="sender", amount="amount", into=pl.lit(False)),
    ])  # fmt: skip
    with_service = sides.join(named, on="wallet", how="left")
    paid_out = dict(
        with_service.filter(pl.col("into") & pl.col("service").is_not_null())
        .group_by("service").agg(exact_sum("amount")).iter_rows()
    )  # fmt: skip
    alone = (
        with_service.filter(~pl.col("address").is_in(list(known)))
        .group_by("address")
        .agg(
            pl.col("service").n_unique().alias("services"),
            pl.col("service").null_count().alias("strangers"),
            pl.col("service").first(),
            exact_sum(pl.when("into").then("amount")).alias("got"),
            pl.col("into").sum().alias("times"),
        )
        .filter(pl.col("services") == 1, pl.col("strangers") == 0, pl.col("times") > 1)
        .sort("address")
    )
    for row in alone.iter_rows(named=True):
        got, whole = int(row["got"]), int(paid_out[row["service"]])
        if got * 1000 >= whole * MIN_COLD:
            told = (
                f"it was paid {asset.shown(got)} of {asset.shown(whole)} that wallets of this"
                " service paid out, and has dealt with nobody else"
            )
            yield Wallet(
                row["address"], COLD, row["service"], "probable", "one counterparty", told,
                int(row["times"]),
            )  # fmt: skip


def collecting_wallets(
    ledger: Ledger,
    asset: Asset,
    known: Set[bytes],
    poisoning: Rule | None,
    asked: tuple[int, int, Bars],
) -> Iterator[Wallet]:
    """Yield wallets into which many addresses pass all that they get, with those addresses.

    Such a wallet is a service's that no tag names: its deposit addresses show its side as those of
    a named one do, and it pays as many others. It stands without a name.

    Fails when
    ----------
    A payment processor or a ring collects so: it is a service then, or looks like one.
    """
    min_share, min_sweeps, bars = asked
    rows = _moved(ledger, asset, poisoning)
    sole = rows.group_by("sender").agg(
        pl.col("receiver").n_unique().alias("receivers"), pl.col("receiver").first()
    ).filter(pl.col("receivers") == 1)  # fmt: skip
    many = sole.group_by("receiver").len().filter(pl.col("len") >= MIN_COLLECTED)
    pays = rows.group_by("sender").agg(pl.col("receiver").n_unique().alias("paid"))
    both = many.join(pays, left_on="receiver", right_on="sender").filter(
        pl.col("paid") >= MIN_COLLECTED, ~pl.col("receiver").is_in(list(known))
    )
    unnamed: dict[bytes, tuple[TagStatement, ...]] = {
        one: (TagStatement(one.hex(), "a wallet that no tag names", None, "", "", 0, None, None),)
        for one in both["receiver"].sort()
    }
    flows = account_flows(ledger.history, asset, unnamed, poisoning)
    found = one_destination(flows, unnamed, known | unnamed.keys(), asset, min_share, bars)
    shown = found.filter((pl.col("certainty") == "probable") & (pl.col("sweeps") >= min_sweeps))
    for one in unnamed:
        mine = shown.filter(service=one.hex())
        if mine.height < MIN_COLLECTED:
            continue
        told = (
            f"{mine.height:,} addresses pass all they get on to it, and what shows the side of a"
            " service is there of each; no tag names it"
        )
        yield Wallet(one, HOT, None, "probable", "collects", told, mine.height)
        for row in mine.iter_rows(named=True):
            yield Wallet(
                row["address"], DEPOSIT, None, "probable", row["shown_by"], row["evidence"],
                row["sweeps"],
            )  # fmt: skip
