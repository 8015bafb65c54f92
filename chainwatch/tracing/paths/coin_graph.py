"""The coins that were met as a graph of routes: transactions, coins, and what owners hold."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from chainwatch.ledger.index.build import NONE
from chainwatch.tracing.paths.coins import NONE_SPENT, CoinGround
from chainwatch.tracing.paths.graph import END, START, Pair, RouteGraph


@dataclass(eq=False)
class _Met:
    """The coins that were met, each with the transaction that makes it and that which spends it."""

    ground: CoinGround
    maker: dict[int, int] = field(default_factory=dict)
    spender: dict[int, int] = field(default_factory=dict)
    entering: dict[int, list[int]] = field(default_factory=dict)
    held: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, ground: CoinGround) -> _Met:
        made = ground.made
        rows = np.array(sorted(ground.rows), np.int64)
        makers = np.searchsorted(made["out_ptr"], rows, side="right") - 1
        inputs = made["out_spender"][rows]
        by = np.searchsorted(made["in_ptr"], inputs.astype(np.int64), side="right") - 1
        spenders = np.where(inputs == NONE, NONE_SPENT, by).tolist()
        met = cls(ground, dict(zip(rows.tolist(), makers.tolist(), strict=True)))
        for row, one, spender in zip(
            rows.tolist(), made["out_addr"][rows].tolist(), spenders, strict=True
        ):
            if ground.ends.reached(one, row):
                continue  # a route ends at the first coin of the target
            if spender != NONE_SPENT and ground.coins.inside(spender):
                met.spender[row] = spender
                met.entering.setdefault(spender, []).append(row)
            if ground.wallets and (owner := ground.owner_of_row(row)) is not None:
                met.held.setdefault(owner, []).append(row)
        return met

    def before(self) -> set[int]:
        """Return the transactions from which something leads to the target."""
        ground = self.ground
        spends: dict[int, list[int]] = {}
        for owner, wallet in ground.wallets.items():
            for tx in wallet.spends:
                spends.setdefault(tx, []).append(owner)
        due = [self.maker[row] for row in sorted(ground.rows) if self.ends(row)]
        found = set(due)
        while due:
            tx = due.pop()
            rows = list(self.entering.get(tx, ()))
            for owner in spends.get(tx, ()):
                rows += [r for r in self.held.get(owner, ()) if ground.follows(self.maker[r], tx)]
            for row in rows:
                if self.maker[row] not in found:
                    found.add(self.maker[row])
                    due.append(self.maker[row])
        return {tx for tx in found if not self._mixed(tx)} if self._judged(found) else found

    def ends(self, row: int) -> bool:
        """Tell whether a coin is the target's."""
        return self.ground.ends.reached(int(self.ground.made["out_addr"][row]), row)

    def _judged(self, txs: set[int]) -> bool:
        """Have rules on mixes speak of transactions; tell whether there are such rules."""
        self.ground.mixes.ask(self.ground.coins.number(tx) for tx in txs)
        return bool(self.ground.mixes.rules)

    def _mixed(self, tx: int) -> bool:
        """Tell whether rules say that strangers mix in a transaction, or may."""
        return self.ground.coins.number(tx) in self.ground.mixes.found


def graph_of(ground: CoinGround) -> RouteGraph:
    """Return what of the coins that were met lies between the two parties."""
    met = _Met.read(ground)
    alive = met.before()
    graph = RouteGraph()
    for tx in sorted(alive):
        graph.add(graph.node(("in", tx)), graph.node(("out", tx)), label=tx)
        if tx in ground.starts:
            _begin(graph, ground, tx)
    spent = {tx: spent_in_all(ground, tx) for tx in alive}
    for row in sorted(ground.rows):
        if met.maker[row] in alive:
            _coin(graph, met, row, spent)
    for owner in sorted(met.held):
        _control(graph, met, owner, alive)
    between = graph.between()
    hops = ground.parties.max_hops
    return between if hops is None else between.within(hops)


def _begin(graph: RouteGraph, ground: CoinGround, tx: int) -> None:
    """Begin routes at a transaction with all that the source spends there."""
    made = ground.made
    rows = ground.starts[tx]
    values = [int(made["in_val"][row]) for row in rows]
    paid = None if min(values) < 0 else sum(values)
    payers = {_payer(ground, row) for row in rows}
    graph.add(
        START, graph.node(("in", tx)), amount=paid,
        share=None if paid is None else Fraction(paid), clock=-int(made["tx_time"][tx]),
        owner=ground.parties.best_of(sorted(payers)),
    )  # fmt: skip


def _payer(ground: CoinGround, row: int) -> Pair:
    """Return whom the source spends a coin as: the address given for it, and that of the coin."""
    made, coins = ground.made, ground.coins
    prev, n = int(made["in_prev_tx"][row]), int(made["in_prev_n"][row])
    out = None if prev == NONE else coins.row_of(prev, n)
    alone = None if out is None else ground.ends.from_rows.get(out)
    if alone is not None:
        return alone, alone
    address = coins.address(int(made["in_addr"][row])) or b""
    return ground.parties.source[address], address


def _coin(graph: RouteGraph, met: _Met, row: int, alive: dict[int, int | None]) -> None:
    """Add a coin; ``alive`` has what each transaction of a route spends in all."""
    ground = met.ground
    made, maker, onward = ground.made, met.maker[row], met.spender.get(row)
    value, spent = int(made["out_val"][row]), alive[maker]
    here = graph.node(("coin", row))
    graph.add(
        graph.node(("out", maker)), here, hops=1, amount=value, move=row,
        share=None if spent is None else Fraction(value, spent or 1),
    )  # fmt: skip
    if met.ends(row):
        graph.add(here, END, clock=int(made["tx_time"][maker]), owner=_paid(ground, row))
    elif onward is not None:
        graph.lands[row] = onward
        if onward in alive:
            graph.add(here, graph.node(("in", onward)))


def _paid(ground: CoinGround, row: int) -> Pair:
    """Return whom a coin of the target pays: its address, and that which was given for it."""
    address = ground.address_of(row) or b""
    return address, address if row in ground.ends.to_rows else ground.parties.target[address]


def spent_in_all(ground: CoinGround, tx: int) -> int | None:
    """Return what a transaction spends in all; None where an input was not read."""
    made = ground.made
    values = made["in_val"][made["in_ptr"][tx] : made["in_ptr"][tx + 1]]
    if len(values) != int(made["tx_inputs"][tx]) or not len(values) or (values < 0).any():
        return None
    return int(sum(values.tolist()))


def _control(graph: RouteGraph, met: _Met, owner: int, alive: set[int]) -> None:
    """Add the steps from a coin of an owner to others that he spends later.

    For each address that a coin came to there is a line of the owner's later spendings: a route
    enters it behind the coin, waits along it and leaves it once.
    """
    ground = met.ground
    wallet = ground.wallet(owner)
    spends = [tx for tx in sorted(wallet.spends) if tx in alive]
    if not spends:
        return
    lines: set[int] = set()
    for row in met.held[owner]:
        maker = met.maker[row]
        if maker not in alive:
            continue
        one, here = int(ground.made["out_addr"][row]), graph.node(("coin", row))
        later = bisect_right(spends, maker)
        if not ground.in_order:
            for tx in spends:
                if tx != maker and ground.same_block(maker, tx):
                    _leave(graph, ground, here, one, tx, sorted(wallet.spends[tx]), open=True)
            while later < len(spends) and ground.same_block(maker, spends[later]):
                later += 1
        if later < len(spends):
            graph.add(here, graph.node(("line", one, spends[later])))
            lines.add(one)
    for one in sorted(lines):
        for place, tx in enumerate(spends):
            line = graph.node(("line", one, tx))
            _leave(graph, ground, line, one, tx, sorted(wallet.spends[tx]), open=False)
            if place + 1 < len(spends):
                graph.add(line, graph.node(("line", one, spends[place + 1])))


def _leave(
    graph: RouteGraph, ground: CoinGround, here: int, one: int, tx: int, rows: list[int],
    **told: Any,
) -> None:  # fmt: skip
    """Add the step to a transaction that spends other coins of the owner."""
    made, coins = ground.made, ground.coins
    values = [int(made["in_val"][row]) for row in rows]
    begin = coins.address(one) or b""
    payers = {coins.address(int(made["in_addr"][row])) or b"" for row in rows}
    graph.add(
        here, graph.node(("in", tx)), amount=None if min(values) < 0 else sum(values), share=None,
        control=True, leaves=tx, owner=ground.parties.best_of([(begin, y) for y in payers]), **told,
    )  # fmt: skip
