"""Deposit-address reuse: whoever pays one deposit address of a service has an account there.

A service gives each customer a deposit address. The customer who pays it from two wallets shows
that both are his. Each wallet is linked to the deposit address, by the payments that show it, and
so to the other wallet. A payment that its payer is not known to have wanted links nobody: anybody's
contract can log it. The keys of the deposit address are the service's: what is said is whose
account it is. Nobody is ever linked through a wallet that serves everybody.
"""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.accounts.deposit_address import matches, production
from chainwatch.heuristics.accounts.facts import AccountFacts, Deposits, addresses
from chainwatch.heuristics.accounts.link_rule import CLAIMS, claims, link_rule
from chainwatch.units import sums

_PAIR = ["address", "payer"]


@link_rule(refs=("victor2020", "tutela2022"))
def deposit_reuse(
    facts: AccountFacts, *, hours: int = 12, part_of_coin: int = 100, sweeps: int = 2,
    payments: int = 2, share: int = 100, senders: int = 20, regulars: int = 3, deposits: int = 20,
) -> pl.DataFrame:  # fmt: skip
    """Whoever pays a deposit address again and again has the account behind it: Victor's rule.

    A deposit address passed on to one service, and to no other, what it got: each of ``sweeps``
    payments matches a deposit before it. A payer is linked to it by every payment of his own that
    was passed on so, from the ``payments``-th on.

    Parameters
    ----------
    hours : int
        Hours between a deposit and its sweep.
    part_of_coin : int
        Of the coin a sweep may leave one in so many of a whole one; of tokens nothing.
    sweeps : int
        Fewest matched sweeps of a deposit address.
    payments : int
        Fewest matched payments of a payer.
    share : int
        Of 1,000 units that came in, how many a payer must have brought: a trifle baits nobody.
    senders : int
        An address that more have paid is no one customer's, and joins nobody.
    regulars : int
        So many may pay one address again and again; more are customers of its holder.
    deposits : int
        Whoever pays more deposit addresses serves many, and joins nobody.

    Fails when
    ----------
    Somebody pays another's account again and again: rent, wages, an OTC desk, a small shop. Who
    cashes out at one service from a wallet of his own looks like a deposit address, and whoever
    pays him looks like its customer. A service that no tag names pays few of them.

    References
    ----------
    Victor, "Address Clustering Heuristics for Ethereum", FC 2020; Tutela (2022) for the time. The
    other numbers are ours, chosen on simulated services of the *fit* part.
    """
    caps = (payments, share, senders, regulars, deposits)
    found = []
    for contract in facts.served:
        flows = facts.deposits(contract)
        least = facts.least(hours, part_of_coin, senders, contract)
        placed = not flows.got["tx"].null_count()
        matched = _of_one_service(flows, matches(flows, least, before=not placed))
        on = flows.got.with_row_index("deposit").join(
            matched.select("deposit"), on="deposit", how="semi", maintain_order="left"
        )
        paid = on.filter(pl.col("txid").n_unique().over("address") >= sweeps)
        found.append(_paying(facts, contract, flows, paid, caps))
    return _claimed(found, caps)


@link_rule(refs=("victor2020", "deposit-recipe"))
def deposit_reuse_production(
    facts: AccountFacts, *, payments: int = 2, share: int = 100, senders: int = 20,
    regulars: int = 3, deposits: int = 20,
) -> pl.DataFrame:  # fmt: skip
    """Whoever pays a deposit address again and again: those that the production rule calls so.

    Deposit addresses are those whose first payment to a service came within a day of the first
    receipt, that pay one service alone, and that passed on between 0.9 and 1.1 of what came in.

    Parameters
    ----------
    payments : int
        Fewest payments of a payer.
    share : int
        Of 1,000 units that came in, how many a payer must have brought.
    senders : int
        An address that more have paid joins nobody.
    regulars : int
        So many may pay one address again and again.
    deposits : int
        Whoever pays more deposit addresses joins nobody.

    Fails when
    ----------
    As :func:`deposit_reuse`. What was not read of an address may tell that it paid others too: then
    it is undecided.

    References
    ----------
    An open recipe that labels deposit addresses on 17 chains, without an error rate. Linking by
    them is Victor's (FC 2020).
    """
    caps = (payments, share, senders, regulars, deposits)
    found = []
    for contract in facts.served:
        flows = facts.deposits(contract)
        called = production(flows).select("address")
        paid = flows.got.filter(~pl.col("by_service")).join(called, on="address", how="semi")
        found.append(_paying(facts, contract, flows, paid, caps))
    return _claimed(found, caps)


@link_rule(refs=("victor2020",))
def deposit_reuse_known(
    facts: AccountFacts, *, payments: int = 2, share: int = 100, senders: int = 20,
    regulars: int = 3, deposits: int = 20,
) -> pl.DataFrame:  # fmt: skip
    """Whoever pays a deposit address again and again: those whose custody is shown.

    Deposit addresses are those that a tag calls so (``deposit_wallet``), and those that
    ``cw.hosted`` calls probable, where its result is given as ``hosted``. Nobody who merely
    cashes out is among them, as far as either is right.

    Parameters
    ----------
    payments : int
        Fewest payments of a payer.
    share : int
        Of 1,000 units that came in, how many a payer must have brought.
    senders : int
        An address that more have paid joins nobody.
    regulars : int
        So many may pay one address again and again.
    deposits : int
        Whoever pays more deposit addresses joins nobody.

    Fails when
    ----------
    Somebody pays another's account again and again: rent, wages, a couple, an attacker who wants to
    look like its customer. Custody was judged wrongly.

    References
    ----------
    Linking by deposit addresses is Victor's (FC 2020); what shows custody stands with
    ``cw.hosted``.
    """
    caps = (payments, share, senders, regulars, deposits)
    found = []
    for contract in facts.paid_in:
        flows = facts.known_deposits(contract)
        paid = flows.got.filter(~pl.col("by_service"))
        if contract is None:  # what stays there of the coin is gas that the service pays
            passing = addresses(set(facts.of(None)["sender"])).implode()
            paid = paid.filter(pl.col("address").is_in(passing))
        found.append(_paying(facts, contract, flows, paid, caps))
    return _claimed(found, caps)


def _of_one_service(flows: Deposits, matched: pl.DataFrame) -> pl.DataFrame:
    """Return what was passed on by addresses that never paid a second service."""
    paid = flows.sent.drop_nulls("service").group_by("address").agg(pl.col("service").n_unique())
    return matched.join(paid.filter(pl.col("service") == 1), on="address", how="semi")


def _paying(
    facts: AccountFacts, contract: bytes | None, flows: Deposits, paid: pl.DataFrame,
    caps: tuple[int, ...],
) -> pl.DataFrame:  # fmt: skip
    """Return the payments into deposit addresses, with what is known of both sides.

    Returns
    -------
    polars.DataFrame
        ``address, payer, tx, txid, time, place`` (1, 2, ... of the pair), ``enough`` (the payer
        brought his share), ``crowd`` (the address serves many), ``sure`` (he is known to have
        wanted them), ``known`` (sure, and all of both was read).
    """
    payments, share, senders, regulars, _ = caps
    able = addresses(facts.read(contract) - facts.several).implode()
    public = addresses(facts.public).implode()
    mine = paid.filter(~pl.col("payer").is_in(public))
    # Two payments of one transaction are not again: whoever sends it decides how many there are.
    mine = _wanted(mine, payments)
    turns = mine.unique([*_PAIR, "txid"], keep="first", maintain_order=True).with_columns(
        place=pl.int_range(1, pl.len() + 1).over(_PAIR)
    )
    many = flows.payers.group_by("address").agg(pl.len().alias("senders"))
    often = turns.group_by(_PAIR).len().filter(pl.col("len") >= payments)
    often = often.group_by("address").agg(pl.len().alias("regulars"))
    read = addresses(facts.read(contract)).implode()
    return (
        turns.join(_bringing(mine, flows.got, share), on=_PAIR)
        .join(many, on="address")
        .join(often, on="address", how="left")
        .with_columns(
            crowd=(pl.col("senders") > senders) | (pl.col("regulars") > regulars).fill_null(False),
            known=pl.col("sure") & pl.col("address").is_in(read) & pl.col("payer").is_in(able),
        )
    )


def _wanted(mine: pl.DataFrame, payments: int) -> pl.DataFrame:
    """Return the payments that pairs are judged by, with ``sure``.

    Those that the payer is known to have wanted, where they are enough; else all, joining nobody.
    """
    wanted = pl.when("agreed").then("txid")
    sure = wanted.drop_nulls().n_unique().over(_PAIR) >= max(payments, 1)
    return mine.with_columns(sure=sure).filter(pl.col("agreed") | ~pl.col("sure"))


def _bringing(mine: pl.DataFrame, got: pl.DataFrame, share: int) -> pl.DataFrame:
    """Return of each pair whether the payer brought his share of what came in: ``enough``."""
    brought, came = (_totals(rows, key) for rows, key in ((mine, _PAIR), (got, ["address"])))
    rows = [(*pair, much * 1000 >= came[pair[:1]] * share) for pair, much in brought.items()]
    schema = {"address": pl.Binary, "payer": pl.Binary, "enough": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _totals(rows: pl.DataFrame, key: list[str]) -> dict[tuple[bytes, ...], int]:
    """Return the sum of amounts of each group, exact at any width."""
    wide = rows.with_columns(amount_hex=pl.lit(None, pl.String))
    return {group: much or 0 for group, much in sums(wide, key).items()}


def _claimed(found: list[pl.DataFrame], caps: tuple[int, ...]) -> pl.DataFrame:
    """Return claims of the payments of all assets: who pays too many addresses is refused."""
    if not found:
        return pl.DataFrame(schema=CLAIMS)
    payments, *_, most = caps
    columns = [*_PAIR, "tx", "txid", "time", "place", "enough", "crowd", "sure", "known"]
    rows = pl.concat([one.select(columns) for one in found])
    serves = pl.col("address").n_unique().over("payer") > most
    veto = pl.when(pl.col("crowd") | serves).then(True).when(pl.col("known")).then(False)
    shown = rows.with_columns(veto.alias("veto")).filter("enough", pl.col("place") >= payments)
    return claims(_strictest(shown.rename({"address": "one", "payer": "other"})))


def _strictest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return of each pair the strictest answer that any asset gives: refused, undecided, joins.

    An asset of which nobody knows whether the payer wanted it does not speak beside one of which it
    is known: else whoever makes a token could keep apart whom he likes.
    """
    pair = ["one", "other"]
    rows = rows.filter(pl.col("sure") | ~pl.col("sure").any().over(pair))
    refused = pl.col("veto").fill_null(False).any().over(pair)
    open_ = pl.col("veto").is_null().any().over(pair)
    veto = pl.when(refused).then(True).when(~open_).then(False)
    return rows.with_columns(veto.alias("veto"))
