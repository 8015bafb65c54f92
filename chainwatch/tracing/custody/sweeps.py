"""What addresses paid to the wallets of services and what they received: the facts of custody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from chainwatch.addresses.assets import PAYMENT_KINDS, Asset, native
from chainwatch.addresses.keyless import without_key
from chainwatch.attribution.resolve import with_names
from chainwatch.attribution.roles import Wallets as Wallets
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.balances import Balances, histories
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import BY_BLOCKS, OutputStatus
from chainwatch.ledger.unread.rows_apart import may_have_paid
from chainwatch.tracing.custody.senders import Sent, senders
from chainwatch.tracing.walks.transfer_order import movements
from chainwatch.units import AMOUNT, exact_sum

APART = "rows set apart may have paid others"
MOST_PAID = 1_000
"""Who pays so many addresses relates nobody: a distribution of tokens (Victor's airdrop)."""

GAPS = "blocks or inputs are unread: other payments of it may be among them"
BESIDE = "an input beside its own was not read: with whom it spends together is not known"


@dataclass(frozen=True)
class Flows:
    """Payments and receipts of the addresses that may be deposit addresses.

    Attributes
    ----------
    sent : polars.DataFrame
        ``address, service, labels, amount, time, batch``: one row per payment; ``service`` is null
        where any of it went to somebody else, ``amount`` where it is unknown. ``batch`` names the
        transaction.
    got : polars.DataFrame
        ``address, amount, time, by_service``: one row per receipt; the last says whether tags give
        the wallet that paid it to a service. Of coins nobody asks, and it is null.
    joint : polars.DataFrame
        ``address, other``: who put coins into one transaction with whom.
    payers, before : polars.DataFrame
        ``address, payer``: who paid them; and ``payer, above``: who paid those. Left out is who
        pays half the world: wallets that tags give to a service, and whoever paid ``MOST_PAID``.
    gas : polars.DataFrame
        ``funder, paid``: whom those paid the coin of the chain who paid it to them. Empty where
        the coin itself is counted, and on coin chains.
    gap : str
        What may be unread of all of them; empty where nothing is.
    gaps : dict
        The same of single addresses.
    sent_by : dict or None
        Who sent the transactions in which several paid together, where that was read and nobody
        else's authority moved them. None on coin chains, where every owner signs.
    """

    sent: pl.DataFrame
    got: pl.DataFrame
    gap: str = ""
    gaps: Mapping[bytes, str] = field(default_factory=dict)
    joint: pl.DataFrame = field(default_factory=lambda: _pairs("address", "other"))
    payers: pl.DataFrame = field(default_factory=lambda: _pairs("address", "payer"))
    before: pl.DataFrame = field(default_factory=lambda: _pairs("payer", "above"))
    gas: pl.DataFrame = field(default_factory=lambda: _pairs("funder", "paid"))
    sent_by: Mapping[bytes, Sent] | None = None


def _pairs(*names: str) -> pl.DataFrame:
    """Return no pairs of addresses."""
    return pl.DataFrame(schema=dict.fromkeys(names, pl.Binary))


def account_flows(ledger: Ledger, asset: Asset, wallets: Wallets, poisoning: Rule | None) -> Flows:
    """Return what the addresses whose history was read paid and received."""
    rows = movements(ledger, asset, poisoning).filter(
        ~pl.col("poison") & (pl.col("sender") != pl.col("receiver"))
    )
    read = pl.Series("address", sorted(histories(ledger, asset)), dtype=pl.Binary)
    sent = with_names(rows.filter(pl.col("sender").is_in(read.implode())), "receiver", wallets)
    got = with_names(rows.filter(pl.col("receiver").is_in(read.implode())), "sender", wallets)
    able = sent.filter(pl.col("service").is_not_null())["sender"].unique()
    pairs = rows.lazy().select(pl.col("receiver").alias("address"), pl.col("sender").alias("payer"))

    def paid(side: str, whom: pl.Series) -> pl.LazyFrame:
        return pairs.filter(pl.col(side).is_in(whom.implode()))

    payers, before = _depositors(paid, able, wallets)
    return Flows(
        sent.select(
            pl.col("sender").alias("address"), _service(), _labels(), "amount", "time",
            pl.col("txid").alias("batch"),
        ),
        got.select(
            pl.col("receiver").alias("address"), "amount", "time",
            pl.col("label").is_not_null().alias("by_service"),
        ),
        gaps=_unclaimed(ledger, asset, rows),
        payers=payers,
        before=before,
        gas=_gas(ledger, asset, able),
        sent_by=senders(ledger, asset, sent, wallets),
    )  # fmt: skip


Paid = Callable[[str, pl.Series], pl.LazyFrame]
"""Pairs ``address, payer`` in which one of the two columns holds one of some addresses."""


def _depositors(paid: Paid, able: pl.Series, wallets: Wallets) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who paid these addresses, and who paid those, but nobody who pays half the world."""
    payers = _paying(paid, able, wallets)
    above = _paying(paid, payers["payer"].unique(), wallets)
    return payers, above.select(pl.col("address").alias("payer"), pl.col("payer").alias("above"))


def _paying(paid: Paid, whom: pl.Series, wallets: Wallets) -> pl.DataFrame:
    services = pl.Series("address", sorted(wallets), dtype=pl.Binary)
    free = paid("address", whom).filter(
        ~pl.col("payer").is_in(services.implode()), pl.col("payer") != pl.col("address")
    )
    found = free.unique().collect()
    everybody = (
        paid("payer", found["payer"].unique())
        .group_by("payer")
        .agg(pl.col("address").n_unique())
        .filter(pl.col("address") >= MOST_PAID)
    )
    return found.join(everybody.collect(), on="payer", how="anti").sort("address", "payer")


def _gas(ledger: Ledger, asset: Asset, able: pl.Series) -> pl.DataFrame:
    """Return whom the funders of these addresses paid gas: all that they paid the coin to."""
    coin = native(asset.chain)
    if asset.contract is None:
        return _pairs("funder", "paid")
    effective = pl.col("success").ne_missing(False) & (pl.col("amount") > 0).fill_null(True)
    payments = pl.col("kind").is_in(PAYMENT_KINDS)  # a fee is nobody's gas
    moved = ledger.transfers.filter(coin.of_transfers() & payments & effective)
    pairs = moved.select(pl.col("sender").alias("funder"), pl.col("receiver").alias("paid"))
    funders = pairs.filter(pl.col("paid").is_in(able.implode())).select("funder").unique()
    return pairs.join(funders, on="funder", how="semi").unique().collect()


def _service() -> pl.Expr:
    """Return the service of a payment: nobody's where two are named with equal confidence."""
    return pl.when(~pl.col("contested")).then("service").alias("service")


def _labels() -> pl.Expr:
    return pl.concat_list("label").alias("labels")


def _unclaimed(ledger: Ledger, asset: Asset, rows: pl.DataFrame) -> dict[bytes, str]:
    """Return why payments may be unread of each address whose history in an asset was read.

    What is known of a history is decided where balances are; ``rows`` are the asset's transfers.
    """
    known = Balances.read(ledger, asset, rows)
    apart = may_have_paid(ledger, asset)
    return {
        address: APART if address in apart else known.every_transfer(address).why
        for address in histories(ledger, asset)
    }


def coin_flows(ledger: Ledger, asset: Asset, wallets: Wallets) -> Flows:
    """Return what the addresses that ever paid a service's wallet paid and received.

    A payment is all that an address puts into one transaction. It goes to a service if every
    output does that holds value for anybody: OP_RETURN pays nobody, but a change output speaks
    against it. Where not every input and output of the transaction was read its amount is unknown,
    and it is nobody's: what is lacking may be change.
    """
    here = pl.col("chain") == asset.chain
    served = _served(ledger, here, wallets)
    spent = ledger.inputs.filter(here & pl.col("address").is_not_null())
    paying = served.filter(pl.col("service").is_not_null()).select("tx").lazy()
    able = spent.join(paying, on="tx", how="semi").select("address").unique()
    mine = spent.join(able, on="address", how="semi")
    sent = (
        mine.group_by("tx", "address")
        .agg(exact_sum("value").alias("amount"))
        .join(served.lazy(), on="tx", how="left")
        .join(ledger.transactions.filter(here).select("tx", "time"), on="tx")
        .join(_partly(ledger, here, mine.select("tx").unique()), on="tx", how="left")
        .with_columns(pl.when(pl.col("partly").is_null()).then("amount").alias("amount"))
        .select("address", "service", "labels", "amount", "time", pl.col("tx").alias("batch"))
    )
    got = ledger.outputs.filter(here).join(able, on="address", how="semi")
    times = ledger.transactions.filter(here).select("tx", "time")
    received = got.join(times, on="tx").select(
        "address", pl.col("value").cast(AMOUNT).alias("amount"), "time",
        pl.lit(None, pl.Boolean).alias("by_service"),
    )  # fmt: skip
    owners = spent.filter(~without_key()).select("tx", "address").unique()
    joint = owners.join(able, on="address", how="semi").join(
        owners.rename({"address": "other"}), on="tx"
    )
    apart = joint.filter(pl.col("address") != pl.col("other")).select("address", "other").unique()
    whose = able.collect()["address"]
    beside = mine.join(ledger.inputs.filter(here & pl.col("value").is_null()), on="tx", how="semi")
    gaps = dict.fromkeys(beside.select("address").unique().collect()["address"], BESIDE)
    payers, before = _depositors(_paid(ledger, here), whose, wallets)
    return Flows(
        sent.collect(),
        received.collect(),
        gaps=_gaps(ledger, asset, whose.to_list()) | gaps,
        joint=apart.collect(),
        payers=payers,
        before=before,
    )


def _partly(ledger: Ledger, here: pl.Expr, of: pl.LazyFrame) -> pl.LazyFrame:
    """Return which of these transactions have inputs or outputs that were not read: ``partly``."""
    read = [
        getattr(ledger, name).filter(here).join(of, on="tx", how="semi").group_by("tx")
        .agg(pl.len().alias(name))
        for name in ("inputs", "outputs")
    ]  # fmt: skip
    known = ledger.transactions.filter(here).join(of, on="tx", how="semi")
    return (
        known.join(read[0], on="tx", how="left")
        .join(read[1], on="tx", how="left")
        .filter(
            (pl.col("inputs").fill_null(0) != pl.col("input_count"))
            | (pl.col("outputs").fill_null(0) != pl.col("output_count"))
        )
        .select("tx", pl.lit(True).alias("partly"))
    )


def _paid(ledger: Ledger, here: pl.Expr) -> Paid:
    """Return who paid whom on a coin chain: whoever put coins in paid every output."""
    known = here & pl.col("address").is_not_null()
    ins = ledger.inputs.filter(known).select("tx", pl.col("address").alias("payer")).unique()
    outs = ledger.outputs.filter(known).select("tx", "address").unique()

    def paid(side: str, whom: pl.Series) -> pl.LazyFrame:
        chosen = pl.col(side).is_in(whom.implode())
        if side == "address":
            return outs.filter(chosen).join(ins, on="tx").select("address", "payer")
        return ins.filter(chosen).join(outs, on="tx").select("address", "payer")

    return paid


def _served(ledger: Ledger, here: pl.Expr, wallets: Wallets) -> pl.DataFrame:
    """Return ``tx, service, labels`` of the transactions whose every output is one service's."""
    known = pl.Series("address", sorted(wallets), dtype=pl.Binary)
    every = ledger.outputs.filter(here)
    named = (
        every.filter(pl.col("address").is_in(known.implode()))
        .join(ledger.transactions.filter(here).select("tx", "time"), on="tx")
        .select("tx", "address", "time")
        .collect()
    )
    aimed = with_names(named, "address", wallets).with_columns(_service())
    of = named.lazy().select("tx").unique()
    holds_value = pl.col("script_kind").ne_missing("null_data").sum().alias("outputs")
    counts = every.join(of, on="tx", how="semi").group_by("tx").agg(holds_value)
    whole = counts.join(_partly(ledger, here, of), on="tx", how="anti").collect()
    return (
        aimed.filter(pl.col("service").is_not_null())
        .group_by("tx")
        .agg(
            pl.len().alias("paid"),
            pl.col("service").n_unique().alias("services"),
            pl.col("service").first(),
            pl.col("label").unique().sort().alias("labels"),
        )
        .join(whole, on="tx")
        .filter(pl.col("paid") == pl.col("outputs"), pl.col("services") == 1)
        .select("tx", "service", "labels")
    )


def _gaps(ledger: Ledger, asset: Asset, addresses: list[bytes]) -> dict[bytes, str]:
    """Return the addresses of a coin chain of which payments may be unread."""
    known = OutputStatus.read(ledger, asset.chain)
    highest = known.blocks.highest
    tip = -1 if highest is None else known.blocks.place(highest)[0]
    lacking = (pl.col("chain") == asset.chain) & pl.col("value").is_null()
    unread = ledger.history.inputs.filter(lacking).head(1).collect().height > 0
    gaps = {}
    for address in addresses:
        told = known.history_of(address)
        # Where every block was read an input of unknown owner can be anybody's.
        open_ended = told is None or told.height < tip or (told.by == BY_BLOCKS and unread)
        gaps[address] = GAPS if open_ended else ""
    return gaps
