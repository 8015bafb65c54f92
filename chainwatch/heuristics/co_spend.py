"""Rules that link addresses to one owner through a transaction."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.completion import names_of
from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.links import LINK_KEY, LINKS, NO_KEY, Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded


@recorded
def co_spends(ledger: Ledger, *, unless: Rule | None = JOINT, rates: Rates = MEASURED) -> Links:
    """Link the addresses whose coins one transaction spends together.

    Whoever signs a transaction must hold the keys of all its inputs; as a rule that is one owner.
    Each transaction links its smallest input address to every other one, which joins the same
    addresses as all pairs would. Links are kept whatever ``unless`` says of the transaction:
    *yes* marks them refused, *unknown* marks them undecided, and neither joins. An address that
    asks for no key (:func:`chainwatch.addresses.keyless.without_key`), such as an anchor, which
    anybody may spend, joins nobody: its links stand under the rule ``no_key``, refused.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains give no links.
    unless : Rule or None
        A rule on transactions that says whether strangers built it together. None joins the
        inputs of CoinJoins as well: do so only to show what the veto changes.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        One row per transaction and further input address.

    Raises
    ------
    RuleError
        If ``unless`` reads other features than transactions.

    Fails when
    ----------
    Strangers sign together (CoinJoin, PayJoin, multi-party settlement), a service spends for many
    customers (the cluster is then the service, not a customer), or keys were imported or sold.
    Inputs that were not read, and inputs without an address, link nothing.

    References
    ----------
    Nakamoto 2008, section 10; Reid and Harrigan 2011; Meiklejohn et al., IMC 2013. Nick 2015
    found 69 % of a wallet's addresses by it on average; Harrigan and Fretter 2016 say why.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(unless, (Rule, type(None)), "unless", "pass a rule, such as equal_outputs()")
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    if unless is not None and unless.on != "transactions":
        raise RuleError(f"{unless} reads {unless.on}", remedy="pass a rule on transactions")
    pairs = _pairs(ledger)
    frame = pairs.join(_joint(ledger, pairs, unless), on=_TX, how="left").with_columns(
        rates.column().alias("confidence"),
        (pl.col("veto") | (pl.col("rule") == NO_KEY)).alias("veto"),
    )
    return Links(
        frame.select(pl.col(name).cast(kind) for name, kind in LINKS.schema.items()).sort(LINK_KEY)
    )


_TX = ["chain", "tx"]


def _pairs(ledger: Ledger) -> pl.DataFrame:
    """Return each transaction's smallest input address with a key beside each of the others."""
    spent = ledger.inputs.filter(pl.col("address").is_not_null())
    addresses = spent.select(*_TX, other="address", open=without_key()).unique().collect()
    keyed = addresses.filter(~pl.col("open"))
    first = keyed.group_by(_TX).agg(pl.col("other").min().alias("first"))
    both = pl.col("first"), pl.col("other")
    pairs = addresses.join(first, on=_TX).filter(both[0] != both[1])
    return pairs.select(
        *_TX,
        a=pl.when(both[0] < both[1]).then(both[0]).otherwise(both[1]),
        b=pl.when(both[0] < both[1]).then(both[1]).otherwise(both[0]),
        rule=pl.when("open").then(pl.lit(NO_KEY)).otherwise(pl.lit("co_spend")),
    )


def _joint(ledger: Ledger, pairs: pl.DataFrame, unless: Rule | None) -> pl.DataFrame:
    """Return for each transaction with links its id, time and what the veto says."""
    linked = pairs.select(_TX).unique()
    if unless is None:
        rows = ledger.transactions.join(linked.lazy(), on=_TX, how="semi")
        return rows.select(*_TX, "txid", "time", pl.lit(False).alias("veto")).collect()
    asked = features.transactions(ledger).join(linked, on=_TX, how="semi")
    return apply(asked, unless).select(*_TX, "txid", "time", pl.col(VERDICT).alias("veto"))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
