"""What a block of a chain that runs Bor tells of the coin beside payments, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainwatch.chains.base import Chain
from chainwatch.sources.evm.bor.coin_logs import PAID, coin_logs, tell_the_same
from chainwatch.sources.evm.bor.fees import fees_by_place
from chainwatch.sources.evm.bor.state_syncs import deposits, is_traced, only_brings, place_of
from chainwatch.sources.evm.fees import Moved
from chainwatch.sources.evm.fields import Block, Receipt
from chainwatch.sources.evm.traces import Call


@dataclass(frozen=True)
class CoinTold:
    """Fees and deposits of a block.

    Attributes
    ----------
    states : int or None
        Place of the transaction by which states came from the chain below; None without one.
    fees : dict of int to list of Moved
        Fees by the place of their transaction.
    deposits : list of Moved
        What came of the coin.
    untold : str or None
        Why some of it is unknown; None where nothing is.
    untipped : bool
        Whether a base fee came without a tip, so that no log tells that it was paid.
    partial : bool
        Whether a transaction may be lacking: then tokens may have moved unseen, too.
    """

    states: int | None
    fees: dict[int, list[Moved]]
    deposits: list[Moved]
    untold: str | None = None
    untipped: bool = False
    partial: bool = False


def coin_told(
    block: Block, receipts: Sequence[Receipt], chain: Chain, where: str
) -> CoinTold | None:
    """Return what a block tells of the coin beside payments; None on chains of other kinds.

    Parameters
    ----------
    block, receipts : Block, sequence of Receipt
        A block that was checked, with a receipt for each transaction.
    chain : Chain
        Its chain.
    where : str
        Who was asked what.
    """
    bor = chain.moves.bor if chain.moves else None
    if bor is None:
        return None
    states = place_of(block, chain, where)
    signed = len(block.transactions) if states is None else states
    fees = fees_by_place(block, receipts, signed, bor, where)
    brought = [] if states is None else deposits(receipts[states], where)
    return CoinTold(states, fees.by_place, brought, fees.untold, fees.untipped)


def change_of(account: bytes, told: CoinTold, receipts: Sequence[Receipt], where: str) -> int:
    """Return by how much the balance of an account changed in a block, as it tells of the coin.

    What a contract leaves when it destroys itself is not among it: no log tells it.
    """
    moves = [
        *((one.sender, one.receiver, one.amount) for paid in told.fees.values() for one in paid),
        *(log[:3] for receipt in receipts for log in coin_logs(receipt, PAID, where)),
    ]
    got = sum(amount for _, payee, amount in moves if payee == account)
    return got - sum(amount for payer, _, amount in moves if payer == account)


def trees_untold(
    trees: Sequence[Call], receipts: Sequence[Receipt], told: CoinTold | None, where: str
) -> str | None:
    """Return why traces of a block do not tell all that the coin did; None where they do.

    Traces of chains that do not run Bor have nothing to be held to here.
    """
    if told is None:
        return None
    for place, (root, receipt) in enumerate(zip(trees, receipts, strict=True)):
        if place == told.states and not is_traced(root):
            if not only_brings(receipt, where):
                return "what contracts did with a state from the chain below is not traced"
        elif not tell_the_same(root, receipt, where):
            return "calls and the logs of the coin tell different payments"
    return None
