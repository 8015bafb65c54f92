"""The scan in Python: integers of any size, transaction by transaction, over the same columns.

It is what the compiled scan is held against, and what follows where numbers do not fit 64 bits.
"""

from __future__ import annotations

from typing import Any

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ConservationError
from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.index.index import Index
from chainwatch.tracing.balances import Lot, Lots, Mark
from chainwatch.tracing.policies import Policy

TRACED = Mark(0, 0, 0)
"""The one mark: whose value it is, and how far it came, a scan does not ask."""


class PlainScan:
    """What a scan found: how much of each output is traced, and sums of where it came and went.

    Parameters
    ----------
    index : Index
        The chain.
    policy : Policy
        How each transaction is divided.
    seeds, opened : set of int
        Rows of outputs that are traced in full, and of inputs that bring traced coins from
        outside.
    first, last : int
        The span, microseconds since 1970, half-open.
    """

    def __init__(
        self, index: Index, policy: Policy, seeds: set[int], opened: set[int], first: int, last: int
    ) -> None:
        self._index, self._made, self._policy = index, index.columns, policy
        self._seeds, self._opened = seeds, opened
        self._lots: dict[int, Lots] = {}
        self.origin = self.fees = self.unread = self.visited = 0
        for tx in range(len(self._made["tx_number"])):
            if first <= self._made["tx_time"][tx] < last:
                self._visit(tx)
        self.amounts = {row: _traced(lots) for row, lots in sorted(self._lots.items())}

    def _visit(self, tx: int) -> None:
        made = self._made
        ins = range(int(made["in_ptr"][tx]), int(made["in_ptr"][tx + 1]))
        outs = range(int(made["out_ptr"][tx]), int(made["out_ptr"][tx + 1]))
        queue = [lot for row in ins for lot in self._brought(row)]
        begins = any(row in self._seeds for row in outs)
        if not _traced(queue) and not begins:
            return
        self.visited += 1
        values = [int(made["out_val"][row]) for row in outs]
        parts: list[Lots] = [(Lot(value, None),) for value in values]
        if _traced(queue) and self._lacks(tx, ins, outs):
            self.unread += _traced(queue)
        elif _traced(queue):
            parts = self._divided(tx, queue, values)
        for row, value, lots in zip(outs, values, parts, strict=True):
            if row in self._seeds:
                self.origin += value - _traced(lots)
                self._lots[row] = (Lot(value, TRACED),)
            elif _traced(lots):
                self._lots[row] = lots

    def _brought(self, row: int) -> Lots:
        """Return the lots that an input brings; the first that says to spend an output does."""
        made = self._made
        value = int(made["in_val"][row])
        if row in self._opened:
            self.origin += value
            return (Lot(value, TRACED),)
        spent = int(made["in_prev_out"][row])
        if spent != NONE and spent in self._lots and int(made["out_spender"][spent]) == row:
            return self._lots[spent]
        return (Lot(max(value, 0), None),)

    def _divided(self, tx: int, queue: list[Lot], values: list[int]) -> list[Lots]:
        try:
            parts, rest = self._policy(queue, values)
        except ConservationError as error:
            txid = self._made["tx_id"][tx].tobytes()
            where = f"transaction {txid_text(txid, self._index.chain)}"
            raise ConservationError(error.what, where=where, remedy="run check(ledger)") from error
        self.fees += _traced(rest) if self._policy.conserves else 0
        return parts

    def _lacks(self, tx: int, ins: range, outs: range) -> bool:
        made = self._made
        counts = len(ins) != made["tx_inputs"][tx] or len(outs) != made["tx_outputs"][tx]
        return counts or any(made["in_val"][row] < 0 for row in ins)


def _traced(lots: Any) -> int:
    return sum(lot.amount for lot in lots if lot.mark)
