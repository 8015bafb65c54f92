"""Following coins: from output to output in chain order, under one policy, forward or backward.

Backward is the same walk on the chain read from the end: a transaction is paid by what it makes
and makes what it spends, its fee is one more coin that pays, and the policy divides the other way.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ConservationError
from chainwatch.progress import count
from chainwatch.tracing.balances import Lot, Lots, Mark, joined
from chainwatch.tracing.policies import least
from chainwatch.tracing.stops import End
from chainwatch.tracing.walks import coin_ends as ends
from chainwatch.tracing.walks.base import (
    AGAIN,
    CHOSEN,
    HELD,
    OPENING,
    RECEIVED,
    Row,
    Walk,
    moved,
    sums,
    traced,
)
from chainwatch.tracing.walks.utxo_graph import Coin, Coins

FEE_PLACE = -1
"""``n`` of the end of what a transaction pays as its fee, or newly makes: it is no output."""

Key = tuple[int, int]


@dataclass(kw_only=True)
class CoinWalk(Walk):
    """One walk over the coins of a chain.

    ``joint`` has the ends in mixes, by the numbers of transactions. ``lots`` holds what is carried
    on; ``entered`` the numbers of the transactions that traced value went into; ``lost`` the
    subjects whose value went into a transaction and ended there, so that what they get back from
    it may be counted twice.
    """

    coins: Coins
    joint: Mapping[int, End]
    lots: dict[Key, Lots] = field(default_factory=dict)
    lost: dict[int, set[int]] = field(default_factory=dict)
    due: list[tuple[int, int, int]] = field(default_factory=list)
    queued: set[int] = field(default_factory=set)
    entered: list[int] = field(default_factory=list)
    visits: int = 0

    def run(self, most: int | None = None) -> bool:
        """Visit in chain order what brings a subject coins, or takes on what is traced.

        At most so many transactions are visited; tell whether that was all.
        """
        for tx in self.begin():
            self._queue(tx)
        while self.due and (most is None or self.visits < most):
            self.visits += 1
            count("transactions followed", self.visits)
            tx = heapq.heappop(self.due)[-1]
            self._visit(-tx if self.back else tx)
        return not self.due

    def begin(self) -> set[int]:
        """Return where value can begin: visiting the others as well would change nothing."""
        paying, makers = self.coins.paying(self.subject_of), {tx for tx, _ in self.chosen}
        if not self.back:
            return paying | self.coins.opened_by(self.subject_of) | makers
        # What is spent is met where it is spent; what is not, where it was made.
        spenders = (self.coins.spender(*place) for place in self.chosen)
        inside = {tx for tx in spenders if tx is not None and self.coins.inside(tx)}
        return self.coins.paid_by(self.subject_of) | paying | makers | inside

    def _queue(self, tx: int) -> None:
        if tx not in self.queued:
            self.queued.add(tx)
            height, depth = self.coins.height(tx), self.coins.depth(tx)
            sign = -1 if self.back else 1
            heapq.heappush(self.due, (sign * height, sign * depth, sign * tx))

    def _visit(self, tx: int) -> None:
        spent, made = self.coins.spent(tx), self.coins.made(tx)
        entering, leaving = (made, spent) if self.back else (spent, made)
        parts = self._flow(tx, entering, leaving)
        for n, coin in enumerate(leaving):
            lots = parts[n] if parts else joined([Lot(coin.value or 0, None)])
            for mark, amount in sums(lots):
                there, here = (n, mark.source) if self.back else (mark.source, n)
                self._note(tx, mark, amount, spent[there], made[here])
            me = self._whose(coin)
            if me is not None:
                kind = CHOSEN if coin.address not in self.subject_of else RECEIVED
                kind = AGAIN if me in self.lost.get(tx, ()) else kind
                lots = self._returned(tx, coin, lots)
                lots = self.receive(self._place(tx, coin), me, coin.address, lots, kind)
            self._settle(tx, coin, lots)

    def _returned(self, tx: int, coin: Coin, lots: Lots) -> Lots:
        """End, backward, what comes from a subject that is itself a stop; the rest is clean.

        Who paid the subject is what is asked, service or not; what it paid itself is a service's.
        """
        place = self._place(tx, coin)
        if not self.back or not (end := self.stopped(coin.address, place["time"])):
            return lots
        self.end(place, coin.address, lots, end)
        return joined([Lot(sum(lot.amount for lot in lots), None)])

    def _whose(self, coin: Coin) -> int | None:
        """Return whose coin it is, if it is a subject's or was chosen."""
        if coin.address in self.subject_of:
            return self.subject_of[coin.address]
        return None if coin.tx is None else self.chosen.get((coin.tx, coin.n))

    def _note(self, tx: int, mark: Mark, amount: int, spent: Coin, made: Coin) -> None:
        """Note that value moved from a coin that is spent to one that is made."""
        came = (spent.number if spent.tx is None else self.coins.number(spent.tx), spent.n)
        self.step(self._at(tx, made.n), mark, amount, spent.address, made.address, came)

    def _at(self, tx: int, n: int) -> Row:
        coins = self.coins
        return {"tx": coins.number(tx), "txid": coins.txid(tx), "n": n, "time": coins.time(tx)}

    def _place(self, tx: int, coin: Coin) -> Row:
        """Return the place of a coin; where its transaction was not read, at the spender's time."""
        if coin.tx is not None:
            return self._at(coin.tx, coin.n)
        return {"tx": coin.number, "txid": coin.txid, "n": coin.n, "time": self.coins.time(tx)}

    def _next(self, coin: Coin) -> int | None:
        """Return where a coin that leaves a transaction enters one."""
        if self.back or coin.tx is None:
            return coin.tx
        return self.coins.spender(coin.tx, coin.n)

    def _opens(self, coin: Coin) -> bool:
        """Tell whether a coin enters from where nothing is followed: it left nothing before."""
        if coin.address not in self.subject_of and not (
            self.back and self._whose(coin) is not None
        ):
            return False
        left = self.coins.spender(coin.tx or 0, coin.n) if self.back else coin.tx
        return not self.coins.inside(left)

    def _incoming(self, tx: int, entering: Sequence[Coin]) -> dict[int, Lots]:
        """Return the traced lots of what enters, coins of subjects from outside included."""
        found = {}
        for i, coin in enumerate(entering):
            key = None if coin.tx is None else (coin.tx, coin.n)
            if key in self.lots:
                found[i] = self.lots.pop(key)
            elif coin.value and self._opens(coin) and (lots := self._open(tx, coin)):
                found[i] = lots
        return found

    def _open(self, tx: int, coin: Coin) -> Lots:
        """Return the lots of a subject's coin that nothing before it brought."""
        place, me = self._place(tx, coin), self._whose(coin)
        if me is None or coin.value is None:
            return ()
        if not self.back and self.stopped(coin.address, place["time"]):
            return ()  # what a service held is its own
        kind = HELD if coin.tx is not None else OPENING
        if self.back:
            kind = RECEIVED if coin.address in self.subject_of else CHOSEN
        return (Lot(coin.value, self.origin(place, me, coin.address, coin.value, kind)),)

    def _lose(self, tx: int, coin: Coin, lots: Lots, why: End) -> None:
        """End lots that go into a transaction, and remember whose they were."""
        self.lost.setdefault(tx, set()).update(mark.subject for mark, _ in sums(lots))
        self.end(self._place(tx, coin), coin.address, lots, why)

    def _flow(self, tx: int, entering: Sequence[Coin], leaving: Sequence[Coin]) -> list[Lots]:
        """Return the lots of each coin that leaves; nothing where no traced value enters."""
        incoming = self._incoming(tx, entering)
        if not incoming:
            return []
        self.entered.append(self.coins.number(tx))
        joint = self.joint.get(self.coins.number(tx))
        if why := self._unread(tx, entering, leaving):
            for i, lots in incoming.items():
                self._lose(tx, entering[i], lots, joint or why)
            return []
        queue: list[Lot] = []
        for i, coin in enumerate(entering):
            queue += moved(incoming[i], i) if i in incoming else [Lot(coin.value or 0, None)]
        values = [coin.value or 0 for coin in leaving]
        if self.back and not self.coins.coinbase(tx):
            # The fee came out of the inputs as well, after all that was paid.
            queue.append(Lot(sum(values) - sum(coin.value or 0 for coin in entering), None))
        try:
            parts, rest = self._divided(tx, joined(queue), entering, values, joint)
        except ConservationError as error:
            where = f"transaction {txid_text(self.coins.txid(tx), self.asset.chain)}"
            raise ConservationError(error.what, where=where, remedy="run check(ledger)") from error
        self.end(self._at(tx, FEE_PLACE), None, rest, ends.remaining(back=self.back))
        return parts

    def _unread(self, tx: int, entering: Sequence[Coin], leaving: Sequence[Coin]) -> End | None:
        """Return that something of a transaction was not read without which it is not divided."""
        if any(coin.value is None for coin in (*entering, *leaving)):
            return ends.unread_input(back=self.back)
        told = self.coins.lacking(tx)
        return ends.lacking(told) if told else None

    def _divided(
        self, tx: int, lots: Lots, entering: Sequence[Coin], values: list[int], joint: End | None
    ) -> tuple[list[Lots], Lots]:
        """Return the lots of each coin and of the rest: by the policy, in a mix by arithmetic.

        There each subject's is what it alone must have sent, whatever the others sent: what is
        bound to a coin only of several together is nobody's, and ends in the mix.
        """
        parts, rest = self.policy(lots, values)
        if joint is None:
            return parts, rest
        paid = [*values, sum(lot.amount for lot in rest)]
        marked = [(lot, lot.mark) for lot in lots if lot.mark]
        together = least(sum(lot.amount for lot, _ in marked), paid)
        held: list[Lots] = [()] * len(paid)
        for subject in sorted({mark.subject for _, mark in marked}):
            own = [lot for lot, mark in marked if mark.subject == subject]
            bound = least(sum(lot.amount for lot in own), paid)
            mine, lost = self.policy(own, bound)
            told = ends.mixed(joint, bound, together, self.asset, back=self.back)
            self._lose_rest(tx, lost, entering, told)
            held = [(*before, *part) for before, part in zip(held, mine, strict=True)]
        # What is clean in an output comes after what is not: the order is of no transaction.
        full = [
            joined((*part, Lot(value - sum(lot.amount for lot in part), None)))
            for part, value in zip(held, paid, strict=True)
        ]
        return full[:-1], full[-1]

    def _lose_rest(self, tx: int, rest: Lots, entering: Sequence[Coin], why: End) -> None:
        """End what is not bound to any output, at the coins by which it came in."""
        by_coin: dict[int, list[Lot]] = {}
        for lot in rest:
            if lot.mark:
                before = lot.mark._replace(hop=lot.mark.hop - 1)
                by_coin.setdefault(lot.mark.source, []).append(Lot(lot.amount, before))
        for i, lots in sorted(by_coin.items()):
            self._lose(tx, entering[i], tuple(lots), why)

    def _settle(self, tx: int, coin: Coin, lots: Lots) -> None:
        """Carry the traced part of a coin on to where it enters, or end it here."""
        if not traced(lots):
            return
        place = self._place(tx, coin)
        end = self._why_here(place, coin, lots)
        if end is None and not traced(lots := self.aged(place, coin.address, lots)):
            return
        onward = self._next(coin)
        if end is None and onward is not None and coin.tx is not None:
            self.lots[coin.tx, coin.n] = lots
            self._queue(onward)
            return
        self.end(place, coin.address, lots, end or self._no_further(coin))

    def _why_here(self, place: Row, coin: Coin, lots: Lots) -> End | None:
        if not coin.spendable:
            return ends.burnt(coin.kind)
        if coin.kind in ends.POOLED:
            return ends.pooled(back=self.back)
        mine = self.back and self._whose(coin) is not None
        stop = None if mine else self.stopped(coin.address, place["time"])
        if end := stop or self.cut_off(coin.address, lots):
            return end
        onward = self._next(coin)
        if onward is None:
            return self._misplaced(coin)
        if self.coins.inside(onward):
            return None
        return ends.outside(self.coins.height(onward), back=self.back)

    def _misplaced(self, coin: Coin) -> End | None:
        by = None if self.back or coin.tx is None else self.coins.misplaced(coin.tx, coin.n)
        return None if by is None else ends.misplaced(by)

    def _no_further(self, coin: Coin) -> End:
        """Return the end of a coin of which nobody knows where it enters."""
        return ends.no_maker() if self.back else ends.unspent(self.coins.unspent(coin))
