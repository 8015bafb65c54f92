"""Following balances: from account to account in order of time, under one policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import polars as pl

from chainwatch.addresses import Kind
from chainwatch.assets import Asset
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.rules import VERDICT, Rule, apply
from chainwatch.tracing.ends import BURNT, HOPS, HOSTED, NOT_READ, THRESHOLD, UNSPENT, End, Stops
from chainwatch.tracing.policies import Lot, Lots, Mark, Policy, joined

OPENING = "opening, not read"
RECEIVED = "received"

Row = dict[str, Any]


def movements(ledger: Ledger, asset: Asset, poisoning: Rule | None) -> pl.DataFrame:
    """Return the transfers that moved value, in order; what only looks like a payment is marked.

    Failed transfers and transfers of zero moved nothing and are left out. A transfer that
    ``poisoning`` calls a lure stays with ``poison`` true: its trifle is in the balance, but it
    makes no edge. A rule that cannot tell lets the transfer count.
    """
    rows = features.transfers(ledger, asset).filter(
        (pl.col("amount") > 0) & pl.col("success").fill_null(True)
    )
    lure = pl.lit(False) if poisoning is None else pl.col(VERDICT).fill_null(False)
    judged = rows if poisoning is None else apply(rows, poisoning)
    placed = ["tx"] if rows["tx"].null_count() == 0 else ["time", "txid"]
    return judged.with_columns(lure.alias("poison")).sort(
        *placed, "log_index", "trace_path", "occurrence"
    )


def tied(rows: pl.DataFrame) -> int:
    """Return how many transfers share their time with another and have no place to order them."""
    uncertain = rows.filter("order_uncertain")
    return uncertain.filter(pl.len().over("time") > 1).height


def other_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the transfers with those of one time in the opposite order, where it is uncertain."""
    times = rows["time"].to_list()
    sure = (~rows["order_uncertain"]).to_list()
    order: list[int] = []
    for _, group in groupby(range(rows.height), key=lambda i: times[i]):
        tie = list(group)
        order += tie if any(sure[i] for i in tie) else tie[::-1]
    return rows[order]


@dataclass
class AccountWalk:
    """One walk over balances: the state while it runs, and the rows it leaves."""

    asset: Asset
    subjects: tuple[bytes, ...]
    subject_of: dict[bytes, int]
    read: frozenset[bytes]
    policy: Policy
    stops: Stops
    max_hops: int | None
    min_amount: int
    balance: dict[bytes, Lots] = field(default_factory=dict)
    last: dict[bytes, Row] = field(default_factory=dict)
    origins: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)
    overlaps: list[Row] = field(default_factory=list)

    def run(self, rows: Iterable[Row]) -> None:
        """Move every transfer in order, then end what is still held."""
        for row in rows:
            # A payment to oneself moves nothing; taking it would turn the queue round.
            if row["sender"] != row["receiver"]:
                self._move(row)
        for address in sorted(self.balance):
            end = End(UNSPENT, "held at the end of what was read")
            self._end(address, self.balance[address], end, self.last[address])

    def _hosted(self, address: bytes) -> End | None:
        end = self.stops.at(self.asset.chain, address)
        return end if end and end.reason == HOSTED else None

    def _move(self, row: Row) -> None:
        sender, receiver = row["sender"], row["receiver"]
        if self._hosted(sender):
            lots: Lots = (Lot(int(row["amount"]), None),)  # a service's own affair is not drawn
        else:
            lots = self._take(sender, int(row["amount"]), row)
        if row["poison"] and not any(lot.mark for lot in lots):
            if receiver in self.read:
                self._put(receiver, lots, row)  # a lure's trifle is there, but nobody paid
            return
        self._step(row, lots)
        if receiver in self.subject_of:
            lots = self._originate(row, lots)
        if not any(lot.mark for lot in lots):
            if receiver in self.read:
                self._put(receiver, lots, row)
            return
        end = self._why_here(receiver, lots)
        if end:
            self._end(receiver, lots, end, row)
        else:
            self._put(receiver, lots, row)

    def _take(self, sender: bytes, amount: int, row: Row) -> Lots:
        """Pay from the sender's balance; what was not read to have come in is named."""
        held = self.balance.get(sender, ())
        short = max(0, amount - sum(lot.amount for lot in held))
        if short:
            held = (self._opening(sender, short, row), *held)
        parts, left = self.policy(held, [amount])
        if left or sender in self.balance:
            self.balance[sender] = left
        step = [
            Lot(lot.amount, lot.mark and lot.mark._replace(hop=lot.mark.hop + 1))
            for lot in parts[0]
        ]
        return joined(step)

    def _opening(self, sender: bytes, short: int, row: Row) -> Lot:
        """Return the lot a balance must have held before what was read: the oldest of all."""
        if sender not in self.subject_of:
            return Lot(short, None)
        me = self.subject_of[sender]
        self.origins.append(
            {
                "subject": self.subjects[me],
                "address": sender,
                "kind": OPENING,
                "paid_by": None,
                "amount": short,
                **_place(row),
            }
        )
        return Lot(short, Mark(me, 0, 0))

    def _put(self, address: bytes, lots: Lots, row: Row) -> None:
        self.balance[address] = joined((*self.balance.get(address, ()), *lots))
        self.last[address] = row

    def _originate(self, row: Row, lots: Lots) -> Lots:
        me = self.subject_of[row["receiver"]]
        for mark, amount in _sums(lots):
            if mark.subject != me:
                self.overlaps.append(
                    {
                        "subject": self.subjects[me],
                        "txid": row["txid"],
                        "n": row["n"],
                        "other": self.subjects[mark.subject],
                        "amount": amount,
                    }
                )
        clean = sum(lot.amount for lot in lots if lot.mark is None)
        if clean:
            self.origins.append(
                {
                    "subject": self.subjects[me],
                    "address": row["receiver"],
                    "kind": RECEIVED,
                    "paid_by": row["sender"],
                    "amount": clean,
                    **_place(row),
                }
            )
        return tuple(Lot(lot.amount, lot.mark or Mark(me, 0, 0)) for lot in lots)

    def _why_here(self, address: bytes, lots: Lots) -> End | None:
        end = self.stops.at(self.asset.chain, address)
        marked = [lot for lot in lots if lot.mark]
        if end:
            return end
        if address == bytes([Kind.EVM]) + bytes(20):
            return End(BURNT, "sent to the zero address")
        if address in self.subject_of:
            return None
        if address not in self.read:
            return End(NOT_READ, "the history of this address was not read")
        if self.max_hops is not None and max(x.mark.hop for x in marked if x.mark) >= self.max_hops:
            return End(HOPS, f"{self.max_hops} hops from the subject")
        if sum(lot.amount for lot in marked) < self.min_amount:
            return End(THRESHOLD, f"less than {self.min_amount} base units")
        return None

    def _step(self, row: Row, lots: Lots) -> None:
        for mark, amount in _sums(lots):
            self.steps.append(
                {
                    "subject": self.subjects[mark.subject],
                    "source": row["sender"],
                    "target": row["receiver"],
                    "source_tx": None,
                    "source_n": None,
                    "amount": amount,
                    "hop": mark.hop,
                    **_place(row),
                }
            )

    def _end(self, address: bytes, lots: Lots, end: End, row: Row) -> None:
        by_subject: dict[int, tuple[int, int]] = {}
        for mark, amount in _sums(lots):
            sum_, hop = by_subject.get(mark.subject, (0, mark.hop))
            by_subject[mark.subject] = (sum_ + amount, max(hop, mark.hop))
        for subject, (amount, hop) in sorted(by_subject.items()):
            self.ends.append(
                {
                    "subject": self.subjects[subject],
                    "address": address,
                    "amount": amount,
                    "hop": hop,
                    **end._asdict(),
                    **_place(row),
                }
            )


def _place(row: Row) -> Row:
    return {"tx": row["tx"], "txid": row["txid"], "n": row["n"], "time": row["time"]}


def _sums(lots: Lots) -> Iterator[tuple[Mark, int]]:
    sums: dict[Mark, int] = {}
    for lot in lots:
        if lot.mark:
            sums[lot.mark] = sums.get(lot.mark, 0) + lot.amount
    yield from sorted(sums.items())
