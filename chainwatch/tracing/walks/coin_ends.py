"""How following ends at coins, in words: one sentence for each way, whoever walked there."""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.addresses.assets import Asset
from chainwatch.ledger.output_status import AsOf
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.tracing.stops import (
    BURNT,
    BY_INPUT,
    BY_ORDER,
    BY_ORIGIN,
    BY_SILENCE,
    EARLIER,
    FEE,
    HOPS,
    LATER,
    MINTED,
    NOT_READ,
    POOL,
    THRESHOLD,
    UNSPENT,
    End,
)

POOLED = ("mweb_pegin", "mweb_hogaddr")
"""Kinds of output by which coins go where they cannot be followed: everybody's are mixed there."""


def burnt(kind: str | None) -> End:
    """Return the end at an output that no key moves."""
    told = "OP_RETURN" if kind == "null_data" else f"{kind} output that cannot be spent"
    return End(BURNT, f"{told}: no key moves it")


def pooled(*, back: bool) -> End:
    """Return the end at an output that leads into, or out of, an extension block."""
    way = "came from" if back else "moved to"
    return End(POOL, f"{way} where amounts and parties are hidden (MimbleWimble)")


def too_far(hops: int) -> End:
    """Return the end at so many hops."""
    return End(HOPS, f"{hops} hops from the subject")


def too_little(amount: int) -> End:
    """Return the end of what is less than an amount."""
    return End(THRESHOLD, f"less than {amount} base units")


def outside(height: int, *, back: bool) -> End:
    """Return the end at a coin that is spent, or was made, outside the span."""
    if back:
        return End(EARLIER, f"made at height {height}, outside the span")
    return End(LATER, f"spent at height {height}, outside the span")


def misplaced(by: int) -> End:
    """Return the end at a coin that a transaction of some number spends before it was made."""
    told = f"spent at height {by >> POSITION_BITS}, before it was made: run check(ledger)"
    return End(NOT_READ, told, basis=BY_ORDER)


def unspent(known: AsOf | str) -> End:
    """Return the end at a coin without a spender: up to which block that is known, or why not."""
    if isinstance(known, str):
        return End(NOT_READ, f"no spender was read: {known}", basis=BY_SILENCE)
    return End(UNSPENT, f"unspent as of {known}", as_of=known.height, as_of_time=known.time)


def no_maker() -> End:
    """Return the end at a coin whose own transaction was not read."""
    return End(NOT_READ, "the transaction that made it was not read", basis=BY_ORIGIN)


def unread_input(*, back: bool) -> End:
    """Return the end of what goes into a transaction of which an input was not read."""
    whose, which = ("an", "") if back else ("another", "spending ")
    return End(NOT_READ, f"{whose} input of the {which}transaction was not read", basis=BY_INPUT)


def lacking(told: str) -> End:
    """Return the end of what goes into a transaction of which not all rows were read."""
    return End(NOT_READ, f"{told} of the transaction were read", basis=BY_INPUT)


def remaining(*, back: bool) -> End:
    """Return the end of what a transaction pays as its fee, or of what a block newly makes."""
    if back:
        return End(MINTED, "newly made by a block, with the fees of its transactions")
    return End(FEE, "paid to whoever mined the block")


def mixed(
    joint: End, bound: Sequence[int], together: Sequence[int], asset: Asset, *, back: bool
) -> End:
    """Return the end in a mix, with which of its coins are followed, and for how much of them.

    ``bound`` has what one subject must have sent to each coin, and last to the fee; ``together``
    what all subjects must have sent there, whichever of them it was.
    """
    side, how = ("input", "came from") if back else ("output", "stayed in")
    places = list(enumerate(zip(bound[:-1], together[:-1], strict=True)))
    own = [
        f"at least {asset.shown(one)} provably {how} {side} {n}" for n, (one, _) in places if one
    ]
    shared = [
        f"at least {asset.shown(both)} of all subjects together {how} {side} {n}, and whose is not"
        " known beyond what is each one's"
        for n, (one, both) in places
        if both > one
    ]
    more = "; " + ", ".join(own) + ": followed there" if own else ""
    more += "; " + ", ".join(shared) + ": it ends here" if shared else ""
    return joint._replace(detail=joint.detail + more)
