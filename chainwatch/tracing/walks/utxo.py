"""Following coins: from output to output in chain order, under one policy."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ConservationError
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.tracing.balances import Lot, Lots, joined
from chainwatch.tracing.policies import least
from chainwatch.tracing.stops import (
    BURNT,
    BY_INPUT,
    BY_ORDER,
    BY_SILENCE,
    FEE,
    LATER,
    NOT_READ,
    POOL,
    UNSPENT,
    End,
)
from chainwatch.tracing.walks.base import (
    AGAIN,
    HELD,
    OPENING,
    RECEIVED,
    Row,
    Walk,
    moved,
    sums,
    traced,
)
from chainwatch.tracing.walks.utxo_graph import Coins, Place

POOLED = ("mweb_pegin", "mweb_hogaddr")
"""Kinds of output by which coins go where they cannot be followed: everybody's are mixed there."""

FEE_PLACE = -1
"""``n`` of the end of what a transaction pays as its fee: it is no output."""


@dataclass(kw_only=True)
class CoinWalk(Walk):
    """One walk over the coins of a chain.

    ``lots`` holds what is carried on; ``lost`` the subjects whose value went into a transaction
    and ended there, so that what they get back from it may be counted twice.
    """

    coins: Coins
    joint: dict[tuple[str, int], End]
    lots: dict[Place, Lots] = field(default_factory=dict)
    lost: dict[int, set[int]] = field(default_factory=dict)
    due: list[tuple[int, int, int]] = field(default_factory=list)
    queued: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Visit in chain order what pays a subject, spends its older coins or traced value."""
        for tx, made in self.coins.made.items():
            if any(address in self.subject_of for _, address, _, _ in made if address):
                self._queue(tx)
        for tx, i in self.coins.older:
            if self.coins.spent[tx][i][3] in self.subject_of:
                self._queue(tx)
        while self.due:
            self._visit(heapq.heappop(self.due)[-1])

    def _queue(self, tx: int) -> None:
        if tx not in self.queued:
            self.queued.add(tx)
            heapq.heappush(self.due, (tx >> POSITION_BITS, self.coins.depth.get(tx, 0), tx))

    def _visit(self, tx: int) -> None:
        made = self.coins.made.get(tx, [])
        parts = self._flow(tx, [value for value, *_ in made])
        for n, (value, address, _, _) in enumerate(made):
            lots = parts[n] if parts else joined([Lot(value, None)])
            place = self._place(tx, n)
            for mark, amount in sums(lots):
                prev, prev_n, _, source = self.coins.spent[tx][mark.source]
                self.step(place, mark, amount, source, address, (prev, prev_n))
            if address in self.subject_of:
                mine = self.subject_of[address] in self.lost.get(tx, ())
                lots = self.receive(place, address, lots, AGAIN if mine else RECEIVED)
            self._settle(tx, n, lots)

    def _place(self, tx: int, n: int) -> Row:
        txid, time = self.coins.ids[tx]
        return {"tx": tx, "txid": txid, "n": n, "time": time}

    def _incoming(self, tx: int) -> dict[int, Lots]:
        """Return the traced lots of a transaction's inputs, older coins of subjects included."""
        found = {}
        for i, (prev, prev_n, value, address) in enumerate(self.coins.spent.get(tx, [])):
            if prev is not None and (prev, prev_n) in self.lots:
                found[i] = self.lots.pop((prev, prev_n))
            elif (tx, i) in self.coins.older and address in self.subject_of and value:
                lots = self._open(tx, i, value, address)
                if lots:
                    found[i] = lots
        return found

    def _open(self, tx: int, i: int, value: int, address: bytes) -> Lots:
        """Return the lots of a coin that a subject held before what is followed begins."""
        place = self._source(tx, i)
        if self.stopped(address, place["time"]):
            return ()  # what a service held is its own
        prev = self.coins.spent[tx][i][0]
        kind = HELD if prev in self.coins.earlier else OPENING
        return (Lot(value, self.origin(place, address, value, kind)),)

    def _source(self, tx: int, i: int) -> Row:
        """Return the place of the coin that an input spends, at the time of what is known of it."""
        prev, prev_n, _, _ = self.coins.spent[tx][i]
        if prev is not None and prev in self.coins.ids:
            return self._place(prev, prev_n)
        known = self.coins.earlier.get(prev) if prev is not None else None
        time: datetime = known or self.coins.ids[tx][1]
        return {"tx": prev, "txid": self.coins.older[tx, i], "n": prev_n, "time": time}

    def _lose(self, tx: int, place: Row, address: bytes | None, lots: Lots, why: End) -> None:
        """End lots that go into a transaction, and remember whose they were."""
        self.lost.setdefault(tx, set()).update(mark.subject for mark, _ in sums(lots))
        self.end(place, address, lots, why)

    def _flow(self, tx: int, values: list[int]) -> list[Lots]:
        """Return the lots of each output; nothing where no traced value comes in."""
        spent = self.coins.spent.get(tx, [])
        incoming = self._incoming(tx)
        if not incoming:
            return []
        joint = self.joint.get((self.asset.chain, tx))
        if any(value is None for _, _, value, _ in spent):
            told = "another input of the spending transaction was not read"
            why = End(NOT_READ, told, basis=BY_INPUT)
            for i, lots in incoming.items():
                self._lose(tx, self._source(tx, i), spent[i][3], lots, joint or why)
            return []
        queue: list[Lot] = []
        for i, (_, _, value, _) in enumerate(spent):
            queue += moved(incoming[i], i) if i in incoming else [Lot(value or 0, None)]
        try:
            parts, fee = self._divided(tx, joined(queue), values, joint)
        except ConservationError as error:
            where = f"transaction {txid_text(self.coins.ids[tx][0], self.asset.chain)}"
            raise ConservationError(error.what, where=where, remedy="run check(ledger)") from error
        paid = End(FEE, "paid to whoever mined the block")
        self.end(self._place(tx, FEE_PLACE), None, fee, paid)
        return parts

    def _divided(
        self, tx: int, lots: Lots, values: list[int], joint: End | None
    ) -> tuple[list[Lots], Lots]:
        """Return the lots of each output and of the fee: by the policy, in a mix by arithmetic."""
        parts, fee = self.policy(lots, values)
        if joint is None:
            return parts, fee
        paid = [*values, sum(lot.amount for lot in fee)]
        bound = least(sum(lot.amount for lot in lots if lot.mark), paid)
        held, rest = self.policy([lot for lot in lots if lot.mark], bound)
        self._lose_rest(tx, rest, joint._replace(detail=joint.detail + self._stayed(bound)))
        # What is clean in an output comes after what is not: the order is of no transaction.
        full = [
            joined((*part, Lot(value - amount, None)))
            for part, value, amount in zip(held, paid, bound, strict=True)
        ]
        return full[:-1], full[-1]

    def _lose_rest(self, tx: int, rest: Lots, why: End) -> None:
        """End what is not bound to any output, at the coins by which it came in."""
        by_input: dict[int, list[Lot]] = {}
        for lot in rest:
            if lot.mark:
                before = lot.mark._replace(hop=lot.mark.hop - 1)
                by_input.setdefault(lot.mark.source, []).append(Lot(lot.amount, before))
        for i, lots in sorted(by_input.items()):
            address = self.coins.spent[tx][i][3]
            self._lose(tx, self._source(tx, i), address, tuple(lots), why)

    def _stayed(self, bound: list[int]) -> str:
        """Return in words which outputs of a mix are followed, and for how much of them."""
        told = [
            f"at least {self.asset.shown(amount)} provably stayed in output {n}"
            for n, amount in enumerate(bound[:-1])
            if amount
        ]
        return "; " + ", ".join(told) + ": followed there" if told else ""

    def _settle(self, tx: int, n: int, lots: Lots) -> None:
        """Carry the traced part of an output on to its spender, or end it here."""
        if not traced(lots):
            return
        _, address, kind, spendable = self.coins.made[tx][n]
        spender = self.coins.spender.get((tx, n))
        place = self._place(tx, n)
        end = self._why_here(place, address, kind, spendable, lots)
        if end is None and spender is not None:
            self.lots[tx, n] = lots
            self._queue(spender)
            return
        self.end(place, address, lots, end or self._unspent(tx, n))

    def _why_here(
        self, place: Row, address: bytes | None, kind: str, spendable: bool, lots: Lots
    ) -> End | None:
        if not spendable:
            told = "OP_RETURN" if kind == "null_data" else f"{kind} output that cannot be spent"
            return End(BURNT, f"{told}: no key moves it")
        if kind in POOLED:
            return End(POOL, "moved to where amounts and parties are hidden (MimbleWimble)")
        if end := self.stopped(address, place["time"]) or self.cut_off(address, lots):
            return end
        spender = self.coins.spender.get((place["tx"], place["n"]))
        if spender is not None and spender not in self.coins.ids:
            return End(LATER, f"spent at height {spender >> POSITION_BITS}, outside the span")
        by = self.coins.misplaced.get((place["tx"], place["n"]))
        if spender is None and by is not None:
            height = by >> POSITION_BITS
            told = f"spent at height {height}, before it was made: run check(ledger)"
            return End(NOT_READ, told, basis=BY_ORDER)
        return None

    def _unspent(self, tx: int, n: int) -> End:
        known = self.coins.unspent(tx, n)
        if isinstance(known, str):
            return End(NOT_READ, f"no spender was read: {known}", basis=BY_SILENCE)
        return End(UNSPENT, f"unspent as of {known}", as_of=known.height, as_of_time=known.time)
