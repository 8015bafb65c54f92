"""Routes over coins: a transaction spends a coin and makes the next, so time takes care of itself.

Where owners are given, a coin may also lead to another coin of its owner that is spent later: no
value moves there, one hand holds both. Such steps are of control and stand apart. A coin of 0 is no
payment, and stands on no route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.spend_order import parents_first
from chainwatch.tracing.paths.parties import Ends, Parties, Wallet
from chainwatch.tracing.paths.search import SOURCE, TARGET, Item, Limit
from chainwatch.tracing.stops import BURNT, BY_LAG, NOT_READ, UNSPENT, End, Mixes
from chainwatch.tracing.walks import coin_ends
from chainwatch.tracing.walks.utxo_graph import Coin, Coins, kind_of

TRANSACTION, WALLET = 0, 1
"""What is opened: a transaction, or all coins of an owner."""

NONE_SPENT = -1


@dataclass(eq=False)
class CoinGround:
    """The coins between two parties; see :class:`chainwatch.tracing.paths.search.Ground`.

    Attributes
    ----------
    coins : Coins
        The chain, in its span.
    parties : Parties
        The two ends.
    mixes : Mixes
        What rules say of transactions.
    rows : set of int
        Outputs that were met and that a route may pass, or end at.
    starts : dict of int to list of int
        Transactions that spend coins of the source, with the rows of these inputs.
    limits : dict
        Where looking ended, each place once.
    """

    coins: Coins
    parties: Parties
    mixes: Mixes
    rows: set[int] = field(default_factory=set)
    starts: dict[int, list[int]] = field(default_factory=dict)
    limits: dict[tuple[int, str, int, int], Limit] = field(default_factory=dict)
    wallets: dict[int, Wallet] = field(default_factory=dict)
    _fewest: tuple[dict[Item, int], dict[Item, int]] = field(default_factory=lambda: ({}, {}))
    _ends: dict[int, End | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up the addresses of both ends and of owners by their numbers."""
        self.made = self.coins.ready.index.columns
        self.ends = Ends.of(self.parties, self.coins)
        self.in_order = parents_first(self.coins.ready.index.chain)
        self._owners: dict[int, int] = {}

    # What the search asks.

    def begin(self, side: int) -> list[Item]:
        """Return the transactions that spend coins of the source, or that pay the target."""
        for address in self.parties.source if side == SOURCE else self.parties.target:
            self._history(side, address)
        if side == SOURCE:
            for one in sorted(self.ends.source):
                for row in self.coins.listed("in", one).tolist():
                    self._start(row)
                self._unspent_of(one)
            for row in sorted(self.ends.from_rows):
                self._start_at(row)
            return [
                Item(TRANSACTION, tx) for tx in sorted(self.starts) if self._news(SOURCE, tx, 0)
            ]
        listed = [self.coins.listed("out", one) for one in sorted(self.ends.target)]
        paid = np.concatenate([*listed, np.array(sorted(self.ends.to_rows), np.int64)])
        rows = paid[self.made["out_val"][paid] != 0]
        makers: set[int] = set()
        for row, tx in zip(rows.tolist(), self.coins.makers(rows), strict=True):
            if self.coins.inside(tx):
                self.rows.add(row)
                makers.add(tx)
            else:
                told = coin_ends.outside(self.coins.height(tx), back=True)
                self._limit(TARGET, told, tx, row)
        return [Item(TRANSACTION, tx) for tx in sorted(makers) if self._news(TARGET, tx, 1)]

    def _start(self, row: int, coin: int = -1) -> None:
        """Note where an input spends a coin of the source, which one if that alone was asked for.

        A coin of 0 pays for nothing.
        """
        tx = self.coins.spender_of(row)
        if not self.made["in_val"][row]:
            return
        if self.coins.inside(tx):
            self.starts.setdefault(tx, []).append(row)
        else:
            told = coin_ends.outside(self.coins.height(tx), back=False)
            self._limit(SOURCE, told, tx if coin < 0 else self.coins.makers([coin])[0], coin)

    def _start_at(self, row: int) -> None:
        """Note where a single output of the source is spent, or why no route begins there."""
        if int(self.made["out_addr"][row]) in self.ends.source:
            return  # its address is the source as well
        by = int(self.made["out_spender"][row])
        if by == NONE:
            self._without_spender(SOURCE, self.coins.makers([row])[0], row, alone=True)
        else:
            self._start(by, row)

    def size(self, item: Item) -> int:
        """Return the inputs and outputs of a transaction, or the coins of an owner."""
        if item.kind == TRANSACTION:
            return self.coins.size_of([item.number])
        wallet = self.wallets[item.number]
        return len(wallet.ins) + len(wallet.outs)

    def refused(self, side: int, item: Item, near: Iterable[Item]) -> bool:
        """Tell whether strangers mix in a transaction, or may: no route leads through it."""
        if item.kind != TRANSACTION or not self.mixes.rules:
            return False
        number = self.coins.number(item.number)
        asked = {self.coins.number(one.number) for one in near if one.kind == TRANSACTION}
        self.mixes.ask({number, *asked})
        why = self.mixes.found.get(number)
        if why is None:
            return False
        outs = int(self.made["tx_outputs"][item.number])
        told = f"{why.detail}: which of its {outs} outputs a coin became is not on the chain"
        self._limit(side, why._replace(detail=told), item.number, -1)
        return True

    def open(self, side: int, item: Item) -> list[Item]:
        """Open a transaction or an owner's coins towards the other end."""
        hops = self._fewest[side][item]
        most = self.parties.max_hops
        if item.kind == WALLET:
            return list(self._open_wallet(side, item.number, hops))
        lacking = self.coins.lacking(item.number)
        if lacking:
            self._limit(side, coin_ends.lacking(lacking), item.number, -1)
        if most is not None and hops >= most:
            self._limit(side, coin_ends.too_far(most), item.number, -1)
            return []
        return list(self._forward(item.number, hops) if side == SOURCE
                    else self._backward(item.number, hops))  # fmt: skip

    def left(self, side: int, item: Item) -> Iterator[Limit]:
        """Yield what is known of a transaction or an owner that was not opened."""
        size = self.size(item)
        if item.kind == TRANSACTION:
            told = f"{size} inputs and outputs were more than what was left of the budget"
            yield self._told(side, End("budget", told), item.number, -1, size)
            return
        told = f"{size} coins of one owner were more than what was left of the budget"
        address = self.coins.address(item.number)
        yield Limit(side, End("budget", told), None, None, None, None, address, None, size)

    # Opening.

    def _forward(self, tx: int, hops: int) -> Iterator[Item]:
        made = self.made
        a, b = int(made["out_ptr"][tx]), int(made["out_ptr"][tx + 1])
        spenders = made["out_spender"][a:b].astype(np.int64)
        by = np.searchsorted(made["in_ptr"], spenders, side="right") - 1
        known = made["out_spender"][a:b] != NONE
        for row, one, spent, spender in zip(
            range(a, b), made["out_addr"][a:b].tolist(), known.tolist(), by.tolist(), strict=True
        ):
            if not made["out_val"][row]:
                continue  # it paid nobody anything
            if self.ends.reached(one, row):
                self.rows.add(row)
            elif not self.ends.left(one, row) and self._passes(SOURCE, tx, row):
                yield from self._onward(tx, row, one, spender if spent else NONE_SPENT, hops + 1)

    def _onward(self, tx: int, row: int, one: int, spender: int, hops: int) -> Iterator[Item]:
        """Yield what a coin leads to: the transaction that spends it, and its owner's coins."""
        if spender == NONE_SPENT:
            self._without_spender(SOURCE, tx, row)
        elif not self.coins.inside(spender):
            self._limit(SOURCE, coin_ends.outside(self.coins.height(spender), back=False), tx, row)
        else:
            self.rows.add(row)
            if self._news(SOURCE, spender, hops):
                yield Item(TRANSACTION, spender)
        owner = self._owner(one)
        if owner is not None:
            self.rows.add(row)
            if self._later(owner, SOURCE, tx, hops):
                yield Item(WALLET, owner)

    def _backward(self, tx: int, hops: int) -> Iterator[Item]:
        made = self.made
        a, b = int(made["in_ptr"][tx]), int(made["in_ptr"][tx + 1])
        prevs = made["in_prev_tx"][a:b]
        columns = (one.tolist() for one in (prevs, made["in_prev_n"][a:b], made["in_addr"][a:b]))
        for place, (prev, n, one) in enumerate(zip(*columns, strict=True), a):
            row = None if prev == NONE else self.coins.row_of(prev, n)
            if self.ends.either(one, row):
                continue
            if row is None:
                self._limit_input(tx, place)
            elif self._passes(TARGET, prev, row):
                yield from self._back(prev, row, hops)
            yield from self._spent_by_owner(tx, place, one, hops)

    def _back(self, maker: int, row: int, hops: int) -> Iterator[Item]:
        if self.coins.inside(maker):
            self.rows.add(row)
            if self._news(TARGET, maker, hops + 1):
                yield Item(TRANSACTION, maker)
        else:
            height = self.coins.height(maker)
            self._limit(TARGET, coin_ends.outside(height, back=True), maker, row)

    def _spent_by_owner(self, tx: int, place: int, one: int, hops: int) -> Iterator[Item]:
        """Yield the coins of whoever spends a coin here: he may have got others before."""
        owner = self._owner(one)
        if owner is None or not self.may_leave(place):
            return
        self.wallet(owner).spends.setdefault(tx, set()).add(place)
        if self._later(owner, TARGET, tx, hops):
            yield Item(WALLET, owner)

    def _open_wallet(self, side: int, owner: int, hops: int) -> Iterator[Item]:
        wallet = self.wallet(owner)
        first, last = wallet.fresh(
            side, whole=self.parties.max_hops is not None or not self.in_order
        )
        if side == SOURCE:
            spending = np.searchsorted(self.made["in_ptr"], wallet.ins, side="right") - 1
            for row, tx in zip(wallet.ins.tolist(), spending.tolist(), strict=True):
                fits = tx <= last and self.follows(first, tx) and self.coins.inside(tx)
                if fits and self.may_leave(row):
                    wallet.spends.setdefault(tx, set()).add(row)
                    if self._news(SOURCE, tx, hops):
                        yield Item(TRANSACTION, tx)
            return
        for row, tx in zip(wallet.outs.tolist(), self.coins.makers(wallet.outs), strict=True):
            if tx < first or not self.follows(tx, last):
                continue
            here = int(self.made["out_addr"][row])
            if not self.ends.either(here, row) and self._passes(TARGET, tx, row):
                yield from self._back(tx, row, hops)

    # What is known of one place.

    def _news(self, side: int, tx: int, hops: int) -> bool:
        """Tell whether a transaction was not reached before, or with more hops where they count."""
        fewest, item = self._fewest[side], Item(TRANSACTION, tx)
        before = fewest.get(item)
        fewest[item] = hops if before is None else min(hops, before)
        return before is None or (self.parties.max_hops is not None and hops < before)

    def wallet(self, owner: int) -> Wallet:
        """Return the coins of an owner, by the number of the first of his addresses."""
        if owner not in self.wallets:
            address = self.coins.address(owner)
            numbers = [self.coins.number_of(one) for one in self.parties.owned(address)]
            mine = [one for one in numbers if one is not None]
            ins, outs = (
                np.sort(np.concatenate([self.coins.listed(side, one) for one in mine]))
                for side in ("in", "out")
            )
            self.wallets[owner] = Wallet(ins, outs)
        return self.wallets[owner]

    def _owner(self, one: int) -> int | None:
        """Return the number by which an owner is called; None where no owners were given."""
        if self.parties.clusters is None or one == NONE:
            return None
        if one not in self._owners:
            listed = self.parties.owned(self.coins.address(one))
            numbers = (self.coins.number_of(other) for other in listed)
            self._owners[one] = next((n for n in numbers if n is not None), one)
        return self._owners[one]

    def address_of(self, row: int) -> bytes | None:
        """Return the address of an output; of an end without one, that which it is called by."""
        one = int(self.made["out_addr"][row])
        return self.ends.called(row) if one == NONE else self.coins.address(one)

    def owner_of_row(self, row: int) -> int | None:
        """Return the owner of an output."""
        return self._owner(int(self.made["out_addr"][row]))

    def _later(self, owner: int, side: int, tx: int, hops: int) -> bool:
        """Note from where on an owner's coins matter; tell whether that, or hops, is news."""
        wallet, item = self.wallet(owner), Item(WALLET, owner)
        before = self._fewest[side].get(item)
        self._fewest[side][item] = hops if before is None else min(hops, before)
        news = before is None or (self.parties.max_hops is not None and hops < before)
        if side == SOURCE and tx < wallet.after:
            wallet.after, news = tx, True
        if side == TARGET and tx > wallet.before:
            wallet.before, news = tx, True
        return news

    def follows(self, tx: int, other: int) -> bool:
        """Tell whether a transaction can come after another, as far as their order is known."""
        if tx == other:
            return False
        return tx < other or (not self.in_order and self.same_block(tx, other))

    def same_block(self, tx: int, other: int) -> bool:
        """Tell whether two transactions that were read stand in one block."""
        read = range(len(self.made["tx_number"]))
        return tx in read and other in read and self.coins.height(tx) == self.coins.height(other)

    def may_leave(self, row: int) -> bool:
        """Tell whether the owner of what an input spends may be passed there."""
        prev, n = int(self.made["in_prev_tx"][row]), int(self.made["in_prev_n"][row])
        one = int(self.made["in_addr"][row])
        out = None if prev == NONE else self.coins.row_of(prev, n)
        if self.ends.either(one, out) or not self.made["in_val"][row]:
            return False
        if out is not None:
            return self.end_at(prev, out) is None
        when = self.coins.time(self.coins.spender_of(row))
        return (
            self.parties.stops.at(self.parties.asset.chain, self.coins.address(one), when) is None
        )

    def _passes(self, side: int, tx: int, row: int) -> bool:
        """Tell whether a route may go on from a coin; note why not, where that is worth telling.

        None goes on from a coin of 0, for nothing was paid.
        """
        if not self.made["out_val"][row]:
            return False
        end = self.end_at(tx, row)
        if end is not None and end.reason != BURNT:
            self._limit(side, end, tx, row)
        return end is None

    def end_at(self, tx: int, row: int) -> End | None:
        """Return why no route goes on from a coin, if none does."""
        if row not in self._ends:
            self._ends[row] = self._why(tx, row)
        return self._ends[row]

    def _why(self, tx: int, row: int) -> End | None:
        kind = kind_of(int(self.made["out_kind"][row]))
        if not self.made["out_spendable"][row]:
            return coin_ends.burnt(kind)
        if kind in coin_ends.POOLED:
            return coin_ends.pooled(back=False)
        if not self.parties.stops.by_address:
            return None
        address = self.coins.address(int(self.made["out_addr"][row]))
        return self.parties.stops.at(self.parties.asset.chain, address, self.coins.time(tx))

    def _history(self, side: int, address: bytes) -> None:
        """Note that the history of an address of an end was not read."""
        if self.coins.history_of(address) is None:
            what = "paid more" if side == SOURCE else "been paid by more"
            told = f"the history of this address was not read: it may have {what}"
            end = End(NOT_READ, told, basis=BY_LAG)
            told_of = Limit(side, end, None, None, None, None, address, None)
            self.limits.setdefault((side, address.hex(), 0, 0), told_of)

    def _unspent_of(self, one: int) -> None:
        """Note coins of the source of which nobody knows whether they were spent."""
        rows = self.coins.listed("out", one)
        open_ = (self.made["out_spender"][rows] == NONE) & (self.made["out_val"][rows] != 0)
        for row, tx in zip(rows[open_].tolist(), self.coins.makers(rows[open_]), strict=True):
            if self.made["out_spendable"][row] and self.coins.inside(tx):
                self._without_spender(SOURCE, tx, row)

    def _without_spender(self, side: int, tx: int, row: int, *, alone: bool = False) -> None:
        """Note why no route goes on from a coin without a spender.

        One that is known to be unspent is told only where it is ``alone`` what was asked for.
        """
        n = int(self.made["out_n"][row])
        by = self.coins.misplaced(tx, n)
        if by is not None:
            self._limit(side, coin_ends.misplaced(by), tx, row)
            return
        address = self.coins.address(int(self.made["out_addr"][row]))
        coin = Coin(tx, n, None, address, None, True, None, None)
        end = coin_ends.unspent(self.coins.unspent(coin))
        if alone and not self.made["out_spendable"][row]:
            end = coin_ends.burnt(kind_of(int(self.made["out_kind"][row])))
        if alone or end.reason != UNSPENT:
            self._limit(side, end, tx, row)

    def _limit(self, side: int, end: End, tx: int, row: int) -> None:
        key = (side, end.reason, tx, row)
        if key not in self.limits:
            self.limits[key] = self._told(side, end, tx, row)

    def _told(self, side: int, end: End, tx: int, row: int, size: int | None = None) -> Limit:
        """Return a limit at an output, or at a transaction as a whole."""
        coins, made = self.coins, self.made
        n, address, amount = None, None, None
        if row >= 0:
            n, amount = int(made["out_n"][row]), int(made["out_val"][row])
            address = self.address_of(row)
        else:
            amount = self._through(side, tx)
        place = (coins.number(tx), coins.txid(tx), n, coins.time(tx))
        return Limit(side, end, *place, address, amount, size)

    def _through(self, side: int, tx: int) -> int | None:
        """Return what of the coins that were met enters a transaction, or leaves it."""
        made = self.made
        total = 0
        if side == TARGET:
            a, b = int(made["out_ptr"][tx]), int(made["out_ptr"][tx + 1])
            return sum(int(made["out_val"][row]) for row in range(a, b) if row in self.rows)
        a, b = int(made["in_ptr"][tx]), int(made["in_ptr"][tx + 1])
        for place in range(a, b):
            prev, n = int(made["in_prev_tx"][place]), int(made["in_prev_n"][place])
            row = None if prev == NONE else self.coins.row_of(prev, n)
            if self.ends.left(int(made["in_addr"][place]), row) or row in self.rows:
                value = int(made["in_val"][place])
                if value < 0:
                    return None
                total += value
        return total

    def _limit_input(self, tx: int, place: int) -> None:
        made = self.made
        stray = self.coins._stray(place) if made["in_prev_tx"][place] == NONE else (None, None)
        value = int(made["in_val"][place])
        key = (TARGET, NOT_READ, tx, -2 - place)
        self.limits.setdefault(key, Limit(
            TARGET, coin_ends.no_maker(), stray[0], stray[1], int(made["in_prev_n"][place]),
            self.coins.time(tx), self.coins.address(int(made["in_addr"][place])),
            None if value < 0 else value,
        ))  # fmt: skip
