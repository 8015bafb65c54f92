"""Following coins: from output to output in chain order, under one policy."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.ledger.coverage import spans
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.tracing.ends import BURNT, FEE, HOPS, NOT_READ, THRESHOLD, UNSPENT, End, Stops
from chainwatch.tracing.policies import Lot, Lots, Mark, Policy, joined

Place = tuple[int, int]


@dataclass(frozen=True)
class Coins:
    """A coin chain in memory: what each transaction spends and makes, and who spends what."""

    ids: dict[int, tuple[bytes, datetime]]
    spent: dict[int, list[tuple[int | None, int, int | None, bytes | None]]]
    made: dict[int, list[tuple[int, bytes | None, str, bool]]]
    spender: dict[Place, int]

    @classmethod
    def read(cls, ledger: Ledger, chain: str) -> Coins:
        """Load one chain of the ledger's span."""
        here = pl.col("chain") == chain
        ids = {
            tx: (txid, time)
            for tx, txid, time in ledger.transactions.filter(here)
            .select("tx", "txid", "time")
            .collect()
            .iter_rows()
        }
        coins = cls(ids, {}, {}, {})
        inputs = ledger.inputs.filter(here).sort("tx", "n")
        rows = inputs.select("tx", "prev_tx", "prev_n", "value", "address").collect().iter_rows()
        for tx, prev_tx, prev_n, value, address in rows:
            coins.spent.setdefault(tx, []).append((prev_tx, prev_n, value, address))
            if prev_tx is not None:
                coins.spender[prev_tx, prev_n] = tx
        outputs = ledger.outputs.filter(here).sort("tx", "n")
        columns = ("tx", "value", "address", "script_kind", "spendable")
        for tx, *made in outputs.select(columns).collect().iter_rows():
            value, address, kind, spendable = made
            coins.made.setdefault(tx, []).append((value, address, kind, spendable))
        return coins


@dataclass
class CoinWalk:
    """One walk: the state while it runs, and the rows it leaves."""

    chain: str
    coins: Coins
    subjects: tuple[bytes, ...]
    subject_of: dict[bytes, int]
    policy: Policy
    stops: Stops
    joint: dict[tuple[str, int], End]
    max_hops: int | None
    min_amount: int
    tip: dict[int, bool]
    lots: dict[Place, Lots] = field(default_factory=dict)
    origins: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Any]] = field(default_factory=list)
    overlaps: list[dict[str, Any]] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    queued: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Visit in chain order every transaction that pays a subject or spends traced value."""
        for tx, made in self.coins.made.items():
            if any(address in self.subject_of for _, address, _, _ in made if address):
                self._queue(tx)
        while self.due:
            self._visit(heapq.heappop(self.due))

    def _queue(self, tx: int) -> None:
        if tx not in self.queued:
            self.queued.add(tx)
            heapq.heappush(self.due, tx)

    def _visit(self, tx: int) -> None:
        made = self.coins.made.get(tx, [])
        parts = self._flow(tx, [value for value, *_ in made])
        for n, (value, address, _, _) in enumerate(made):
            lots = parts[n] if parts else (Lot(value, None),) if value else ()
            self._step(tx, n, address, lots)
            if address in self.subject_of:
                lots = self._originate(tx, n, address, lots)
            self._settle(tx, n, lots)

    def _flow(self, tx: int, values: list[int]) -> list[Lots]:
        """Return the lots of each output; nothing where no traced value comes in."""
        spent = self.coins.spent.get(tx, [])
        traced = {
            i: self.lots.pop((prev, n))
            for i, (prev, n, _, _) in enumerate(spent)
            if prev is not None and (prev, n) in self.lots
        }
        if not traced:
            return []
        if any(value is None for _, _, value, _ in spent):
            for i, lots in traced.items():
                prev, n, _, address = spent[i]
                end = End(NOT_READ, "another input of the spending transaction was not read")
                self._end((prev or 0, n), address, lots, end, tx)
            return []
        queue: list[Lot] = []
        for i, (_, _, value, _) in enumerate(spent):
            for lot in traced.get(i, (Lot(value or 0, None),)):
                mark = lot.mark and Mark(lot.mark.subject, lot.mark.hop + 1, i)
                queue.append(Lot(lot.amount, mark))
        parts, fee = self.policy(joined(queue), values)
        self._end((tx, -1), None, fee, End(FEE, "paid to whoever mined the block"), tx)
        return parts

    def _step(self, tx: int, n: int, target: bytes | None, lots: Lots) -> None:
        txid, time = self.coins.ids[tx]
        for mark, amount in _sums(lots):
            prev_tx, prev_n, _, source = self.coins.spent[tx][mark.source]
            self.steps.append(
                {
                    "subject": self.subjects[mark.subject],
                    "source": source,
                    "target": target,
                    "source_tx": prev_tx,
                    "source_n": prev_n,
                    "tx": tx,
                    "txid": txid,
                    "n": n,
                    "time": time,
                    "amount": amount,
                    "hop": mark.hop,
                }
            )

    def _originate(self, tx: int, n: int, address: bytes | None, lots: Lots) -> Lots:
        """Mark what a subject receives clean; list what it receives already traced."""
        me = self.subject_of[address] if address else 0
        txid, time = self.coins.ids[tx]
        for mark, amount in _sums(lots):
            if mark.subject != me:
                self.overlaps.append(
                    {
                        "subject": self.subjects[me],
                        "txid": txid,
                        "n": n,
                        "other": self.subjects[mark.subject],
                        "amount": amount,
                    }
                )
        clean = sum(lot.amount for lot in lots if lot.mark is None)
        if clean:
            self.origins.append(
                {
                    "subject": self.subjects[me],
                    "address": address,
                    "tx": tx,
                    "txid": txid,
                    "n": n,
                    "time": time,
                    "amount": clean,
                    "kind": "received",
                    "paid_by": None,
                }
            )
        return tuple(Lot(lot.amount, lot.mark or Mark(me, 0, 0)) for lot in lots)

    def _settle(self, tx: int, n: int, lots: Lots) -> None:
        """Carry the traced part of an output on to its spender, or end it here."""
        if not any(lot.mark for lot in lots):
            return
        _, address, _, _ = self.coins.made[tx][n]
        end = self._why_here(tx, n, lots)
        if end:
            self._end((tx, n), address, lots, end, tx)
        else:
            self.lots[tx, n] = lots
            self._queue(self.coins.spender[tx, n])

    def _why_here(self, tx: int, n: int, lots: Lots) -> End | None:
        _, address, kind, spendable = self.coins.made[tx][n]
        if not spendable:
            return End(BURNT, f"{kind}: no key can spend it")
        if end := self.stops.at(self.chain, address):
            return end
        marked = [lot for lot in lots if lot.mark]
        if self.max_hops is not None and max(x.mark.hop for x in marked if x.mark) >= self.max_hops:
            return End(HOPS, f"{self.max_hops} hops from the subject")
        if sum(lot.amount for lot in marked) < self.min_amount:
            return End(THRESHOLD, f"less than {self.min_amount} base units")
        spender = self.coins.spender.get((tx, n))
        if spender is not None:
            return self.joint.get((self.chain, spender))
        if self.tip[tx >> POSITION_BITS]:
            return End(UNSPENT, "no spender in the blocks read, which run on to the tip")
        return End(NOT_READ, "no spender in the blocks read, which leave gaps")

    def _end(self, at: Place, address: bytes | None, lots: Lots, end: End, tx: int) -> None:
        txid, time = self.coins.ids.get(at[0], self.coins.ids[tx])
        by_subject: dict[int, tuple[int, int]] = {}
        for mark, amount in _sums(lots):
            sum_, hop = by_subject.get(mark.subject, (0, mark.hop))
            by_subject[mark.subject] = (sum_ + amount, max(hop, mark.hop))
        for subject, (amount, hop) in sorted(by_subject.items()):
            self.ends.append(
                {
                    "subject": self.subjects[subject],
                    "address": address,
                    "tx": at[0],
                    "txid": txid,
                    "n": at[1],
                    "time": time,
                    "amount": amount,
                    "hop": hop,
                    **end._asdict(),
                }
            )


def _sums(lots: Lots) -> Iterator[tuple[Mark, int]]:
    sums: dict[Mark, int] = {}
    for lot in lots:
        if lot.mark:
            sums[lot.mark] = sums.get(lot.mark, 0) + lot.amount
    yield from sorted(sums.items())


def reads_on(ledger: Ledger, chain: str) -> dict[int, bool]:
    """Return for each height read whether the blocks run on from it to the highest one read."""
    runs = spans(ledger, chain).sort("from_height")
    last = runs["from_height"].max() if runs.height else None
    heights = ledger.blocks.filter(pl.col("chain") == chain).select("height").collect()["height"]
    return {height: last is not None and height >= last for height in heights.to_list()}
