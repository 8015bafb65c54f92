"""``meanings``: what transactions of an account chain mean, each with what shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse_txid, txid_text
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.tags import Tags
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError, TraceError, expect
from chainwatch.ledger.decimals import stated
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.tracing.arguments import check
from chainwatch.tracing.meaning.exchanges import dealing_of, dealt
from chainwatch.tracing.meaning.flows import Flow, Payment, flows_of
from chainwatch.tracing.meaning.kinds import (
    BATCH,
    BY_CHANGE,
    BY_OPERATION,
    COLLECTED,
    ONE_WAY,
    OPERATION,
    OPERATION_GAS,
    PAID,
    PAIRS,
    ROUTED,
    Meaning,
)
from chainwatch.tracing.meaning.passages import Meant, Standing, passage_of
from chainwatch.tracing.meaning.pools import (
    CONFIRMED,
    MIN_TRADERS,
    NO_POOLS,
    PROBABLE,
    UNDECIDED,
    DefiPools,
    pools_of,
    traders,
)
from chainwatch.tracing.meaning.reading import (
    AccountReading,
    Transaction,
    read_transactions,
)
from chainwatch.tracing.meaning.returned import without_returned
from chainwatch.tracing.meaning.strangers import beside_strangers, with_strangers
from chainwatch.tracing.meaning.tables import BY_MEANING, MEANINGS, PASSED, POOLS
from chainwatch.tracing.stops import Stops
from chainwatch.tracing.walks.passage import Passage
from chainwatch.units import counted


@dataclass(frozen=True, repr=False, eq=False)
class Meanings(Result):
    """What transactions mean: payments behind contracts, swaps, wraps, pools, user operations.

    Given to a trace as ``through``, contracts that pass value on are no parties there, and value
    that was swapped or put into a pool ends for that reason.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`chainwatch.tracing.meaning.tables.MEANINGS`.
    passed, pools : polars.DataFrame
        Rows in ``PASSED`` and ``POOLS``.
    chain : Chain
        Of which chain.
    unsigned : int
        Logs of transfers that nobody let happen, left out.
    meant, known : tuple of Meant, DefiPools
        The same, as a walk asks for it. They are in no digest: the tables say it.
    services : Tags, optional
        Those of its tags at whose addresses following ends, unless it is asked to end elsewhere.
    """

    frame: pl.DataFrame
    passed: pl.DataFrame
    pools: pl.DataFrame
    chain: Chain
    unsigned: int = 0
    meant: tuple[Meant, ...] = ()
    known: DefiPools = NO_POOLS
    services: Tags | None = None

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "meanings": MEANINGS.rows(self.frame), "passed": PASSED.rows(self.passed),
            "pools": POOLS.rows(self.pools),
        }  # fmt: skip

    def words(self) -> Mapping[str, int]:
        """Return how many logs were left out: that is digested as well."""
        return {"unsigned": self.unsigned}

    def why(self, txid: str | bytes) -> Meanings:
        """Return what one transaction means, with what it passed through and the pools it met.

        Parameters
        ----------
        txid : str or bytes
            As text, or as the ledger keeps it.

        Raises
        ------
        InputError
            If it is none of these: it was not read, or one address paid another and that was all.
        """
        one = parse_txid(txid, self.chain) if isinstance(txid, str) else txid
        rows = self.frame.filter(pl.col("txid") == one)
        if rows.is_empty():
            raise InputError(
                "the transaction means nothing beyond its payments, or was not read",
                where=txid_text(one, self.chain.id),
                remedy="look at it with show(ledger, ...), or at net_changes(ledger)",
            )
        met = pl.concat([rows["sender"], rows["receiver"], rows["contract"]]).drop_nulls()
        return replace(
            self, frame=rows, passed=self.passed.filter(pl.col("txid") == one),
            pools=self.pools.filter(pl.col("address").is_in(met.implode())),
            meant=tuple(each for each in self.meant if each.transaction.txid == one), record=None,
        )  # fmt: skip

    def passage(self, asset: Asset, at: Stops, standing: Collection[bytes]) -> Passage:
        """Return what a walk in one asset is told of them; see :mod:`passages`."""
        return passage_of(
            self.meant, self.known, asset, Standing(at, frozenset(standing)), self.digest
        )

    def edges(self) -> Sequence[Edges]:
        """Return every payment behind contracts as an edge."""
        return (Edges("meanings", "sender", "receiver"),)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return how many transactions mean what."""
        text = [
            "Contracts that only passed value on in a transaction are no parties to it. A swap is"
            " one where pools alone stand on the other side; with anybody else it is undecided, and"
            " what was given is a payment. Nothing is decided by an amount."
        ]
        if self.unsigned:
            said = counted(self.unsigned, "log of a transfer", "logs of transfers")
            text.append(f"Left out: {said} that nobody let happen.")
        rows = BY_MEANING.rows(self.summary())
        return (Finding("What transactions mean", tuple(text), rows),)

    def summary(self) -> pl.DataFrame:
        """Return how many there are of each meaning, by certainty and basis."""
        parts = self.frame.unique(["txid", "part"]).group_by("meaning", "certainty", "basis")
        return parts.agg(pl.len().cast(pl.Int64).alias("count")).sort(
            ["count", "meaning", "certainty", "basis"], descending=[True, False, False, False]
        )

    def __repr__(self) -> str:
        rows = self.summary().iter_rows(named=True)
        txids = self.frame["txid"].n_unique()
        return "\n".join([
            f"Meanings({counted(txids, 'transaction', 'transactions')},"
            f" {counted(self.pools.height, 'pool', 'pools')})",
            *(f"  {row['count']:>8,}  {row['meaning']} ({row['certainty']}, {row['basis']})"
              for row in rows),
        ])  # fmt: skip


@recorded
def meanings(
    ledger: Ledger, tags: Framed | None = None, *, chain: Chain | str | None = None,
    min_traders: int = MIN_TRADERS,
) -> Meanings:  # fmt: skip
    """Say what transactions of an account chain mean.

    A contract whose net change is zero in a transaction is no party to it. Who then paid whom is
    known with one payer or one payee; else the pairs are undecided. Who gave one asset to pools and
    got one other of them has swapped; with a wrapped coin of the chain one for one; for a token of
    the pool's own he holds a receipt. A user operation is its account's, whoever sends and pays it.

    Parameters
    ----------
    ledger : Ledger
        Its transactions in its span; who is a contract or a pool is asked of those too.
    tags : tags, optional
        Who is called a decentralised exchange, a lender or a place to stake.
    chain : Chain or str, optional
        Which account chain, where the ledger holds several.
    min_traders : int
        Initiators who must have swapped with a contract that no tag names, until it is *probably* a
        pool.

    Returns
    -------
    Meanings
        Transactions in which one address pays another and nothing else happens are not in it.

    Raises
    ------
    TraceError
        If it is not clear which chain is meant, it is one of coins, or ``min_traders`` is below 2.

    Fails when
    ----------
    Somebody makes a pool of his own, and swaps with it both ways from several addresses: with
    ``min_traders`` of them it looks like one of many. Pools that no tag names and few use in what
    was read are not known, so that their swaps are undecided. An account whose key is held by
    somebody, who never sent a transaction that was read, passes for a contract where he received
    and paid the same in one transaction.

    References
    ----------
    Wu et al., TRacer, IEEE TIFS 2023 (netting by transaction, redirection at swaps); ERC-4337.
    """
    check(ledger=ledger, tags=tags)
    _check_traders(min_traders)
    read = read_transactions(ledger, chain)
    kept = _keepers(read)
    flowing = [
        (one, tuple(flows_of(one, lambda at: at not in kept and read.may_pass(one, at))))  # noqa: B023 - asked at once
        for one in read.transactions()
    ]
    pools = pools_of(read, traders(read, flowing, min_traders), tags)
    settled = ((one, without_returned(flows, pools)) for one, flows in flowing)
    told = ((one, flows, tuple(_meanings(read, one, flows, pools))) for one, flows in settled)
    meant = [Meant(*each) for each in told if each[2] or any(one.returning for one in each[1])]
    found = _result(ledger, read, pools, meant)
    return found if tags is None else replace(found, services=Tags(tags.frame).services())


def _check_traders(count: int) -> None:
    expect(count, int, "min_traders", "pass a whole number from 2 on")
    if count < 2:
        raise TraceError(
            f"a pool of {counted(count, 'trader', 'traders')}",
            remedy="pass min_traders from 2 on: one swap with somebody makes nobody a pool",
        )


def _keepers(read: AccountReading) -> frozenset[bytes]:
    """Return smart accounts: contracts by their code, and parties of their own."""
    return frozenset(op.account for operations in read.operations.values() for op in operations)


def _meanings(
    read: AccountReading, one: Transaction, flows: Sequence[Flow], pools: DefiPools
) -> Iterator[Meaning]:
    open_ = [flow for flow in flows if flow.payments is None]
    payments = [pay for flow in flows for pay in flow.payments or ()]
    deal = dealing_of(payments, pools)
    found = list(dealt(read, one, deal, pools, open_))
    one_way = all(each.kind in ONE_WAY for each in found)
    odd = list(with_strangers(read, one, payments, pools)) if one_way else []
    if odd and found:
        found, odd = list(beside_strangers(found, odd)), []
    yield from (*found, *(_pairs(flow) for flow in open_), *odd)
    dealings = (*(each.payment for each in (*deal.given, *deal.got)),
                *(pay for each in (*found, *odd) for pay in (*each.paid, *each.got)))  # fmt: skip
    yield from _others(read, one, flows, dealings, pools, beside=bool(found))


def _others(
    read: AccountReading, one: Transaction, flows: Sequence[Flow], dealings: Sequence[Payment],
    pools: DefiPools, *, beside: bool,
) -> Iterator[Meaning]:  # fmt: skip
    """Yield what was paid beside dealings: through contracts, and by smart accounts."""
    dealt_with = {id(pay) for pay in dealings}
    for flow in flows:
        left = [
            pay for pay in flow.payments or ()
            if id(pay) not in dealt_with
            and not all(pools.holds(at, pay.asset) for at in (pay.payer, pay.payee))
        ]  # fmt: skip
        gas = [pay for pay in left if _is_gas(pay, one)]
        kept = [pay for pay in gas if pay.payee in {op.entry_point for op in one.operations}]
        if kept:
            yield Meaning(OPERATION_GAS, PROBABLE, BY_OPERATION, _KEPT, kept)
        if paid_out := [pay for pay in gas if pay not in kept]:
            yield Meaning(OPERATION_GAS, CONFIRMED, BY_OPERATION, _GAS, paid_out)
        paid = [pay for pay in left if pay not in gas]
        if paid and (kind := _kind(paid, flow, one, beside=beside)):
            yield _paid(kind, paid, flow, read, one)


_GAS = "paid to the bundler for what the operation cost him"
_KEPT = "kept by an entry point, which pays bundlers with it; its owner can also take it out again"


def _is_gas(pay: Payment, one: Transaction) -> bool:
    """Tell whether a payment is of the gas of user operations: into an entry point, or to bundlers.

    What an entry point pays to others is not: whoever keeps coins there can take them out.
    """
    entries = {op.entry_point for op in one.operations}
    bundlers = {op.bundler for op in one.operations}
    through = pay.payer in entries or not entries.isdisjoint(pay.via)
    return pay.asset == (None, None) and (
        pay.payee in entries or (through and pay.payee in bundlers)
    )


def _kind(paid: Sequence[Payment], flow: Flow, one: Transaction, *, beside: bool) -> str | None:
    accounts = {op.account for op in one.operations}
    if flow.via:
        payers, payees = ({pay[at] for pay in paid} for at in (1, 2))
        if len(payees) > 1:
            return BATCH
        return COLLECTED if len(payers) > 1 else ROUTED
    if any(pay.payer in accounts for pay in paid):
        return OPERATION
    return PAID if beside else None


def _paid(
    kind: str, paid: Sequence[Payment], flow: Flow, read: AccountReading, one: Transaction
) -> Meaning:
    known = all(read.is_contract(at) for at in flow.via)
    whole = not any(read.knows(one, at, flow.asset) for at in flow.via)
    by = BY_OPERATION if {pay.payer for pay in paid} & {o.account for o in one.operations} else ""
    parts = [] if known else ["nothing shows that what it passed through is a contract"]
    parts += [] if whole else ["not all of what it passed through was read"]
    sure = CONFIRMED if known and whole else PROBABLE
    return Meaning(kind, sure, by or BY_CHANGE, "; ".join(parts), paid)


def _pairs(flow: Flow) -> Meaning:
    """Return that it is not known who paid whom: a row for each who can have paid or been paid."""
    last = flow.moves[-1]
    rows = [Payment(flow.asset, at, b"", amount, last, flow.via)
            for at, amount in flow.payers.items()]  # fmt: skip
    rows += [Payment(flow.asset, b"", at, amount, last, flow.via)
             for at, amount in flow.payees.items()]  # fmt: skip
    told = (
        f"{counted(len(flow.payers), 'payer', 'payers')} and"
        f" {counted(len(flow.payees), 'payee', 'payees')} meet at contracts that pass all on"
    )
    return Meaning(PAIRS, UNDECIDED, BY_CHANGE, told, rows, unpaired=True)


def _result(
    ledger: Ledger, read: AccountReading, pools: DefiPools, meant: Sequence[Meant]
) -> Meanings:
    decimals = {
        contract: said.decimals
        for (chain, contract), said in stated(ledger).items()
        if chain == read.chain.id
    }
    rows: list[dict[str, Any]] = []
    passed: list[dict[str, Any]] = []
    for each in meant:
        for part, one in enumerate(each.meanings):
            rows += _rows(each.transaction, part, one, decimals)
            passed += _passed(each.transaction, part, one, read)
    chain = {"chain": read.chain.id}
    listed = [
        (read.chain.id, p.address, p.kind, p.certainty, p.basis, p.name, p.traders, p.detail)
        for p in pools.by_address.values()
    ]
    return Meanings(
        MEANINGS.conform(pl.DataFrame(
            [chain | row for row in rows], schema=MEANINGS.schema, orient="row"
        )).sort("txid", "part", "row"),
        PASSED.conform(pl.DataFrame(
            [chain | row for row in passed], schema=PASSED.schema, orient="row"
        )).unique(maintain_order=True).sort("txid", "part", "contract", "token_id", "address"),
        POOLS.frame(listed).sort("address"), read.chain, read.unsigned, tuple(meant), pools,
    )  # fmt: skip


def _rows(
    one: Transaction, part: int, meaning: Meaning, decimals: Mapping[bytes, int | None]
) -> Iterator[dict[str, Any]]:
    gave = "gave" if meaning.got or meaning.kind not in _PLAIN else "paid"
    sides = [(gave, pay) for pay in meaning.paid] + [("got", pay) for pay in meaning.got]
    for row, (side, pay) in enumerate(sides):
        contract, token_id = pay.asset
        yield {
            "txid": one.txid, "part": part, "row": row, "tx": one.tx, "time": one.time,
            "meaning": meaning.kind, "certainty": meaning.certainty, "basis": meaning.basis,
            "side": side, "sender": pay.payer or None, "receiver": pay.payee or None,
            "contract": contract, "token_id": token_id, "amount": pay.amount,
            "decimals": None if contract is None else decimals.get(contract),
            "passed": len(pay.via), "sent_by": one.sent_by, "detail": meaning.detail or None,
        }  # fmt: skip


_PLAIN = frozenset({ROUTED, BATCH, COLLECTED, PAIRS, OPERATION, OPERATION_GAS, PAID})


def _passed(
    one: Transaction, part: int, meaning: Meaning, read: AccountReading
) -> Iterator[dict[str, Any]]:
    for pay in (*meaning.paid, *meaning.got):
        for address in pay.via:
            yield {"txid": one.txid, "part": part, "contract": pay.asset[0],
                   "token_id": pay.asset[1], "address": address,
                   "is_contract": read.is_contract(address)}  # fmt: skip
