"""Swaps and receipts of whoever is not shown to be a pool: undecided, and nothing ends there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainwatch.addresses.assets import ZERO
from chainwatch.tracing.meaning.exchanges import NO_POOL
from chainwatch.tracing.meaning.flows import Payment
from chainwatch.tracing.meaning.kinds import BY_CHANGE, DEPOSITED, SWAP, Meaning
from chainwatch.tracing.meaning.pools import UNDECIDED, DefiPools
from chainwatch.tracing.meaning.reading import AccountReading, Transaction


def with_strangers(
    read: AccountReading, one: Transaction, payments: Sequence[Payment], pools: DefiPools
) -> Iterator[Meaning]:
    """Yield the exchanges of a transaction with whoever is not shown to be a pool.

    Where it is known who wanted the transaction, they alone are asked; else everybody in it who
    gave one asset and got another, of whom nothing shows that he is a contract.
    """
    parties = one.initiators or {
        pay.payer for pay in payments if not pools.holds(pay.payer, pay.asset)
        and not read.is_contract(pay.payer)
    }  # fmt: skip
    for at in sorted(parties):
        gave = [pay for pay in payments if pay.payer == at and pay.payee not in ZERO]
        whom = {pay.payee for pay in gave}
        got = [pay for pay in payments if pay.payee == at and (
            pay.payer not in ZERO or pay.asset[0] in whom)]  # fmt: skip
        assets = {pay.asset for pay in gave}, {pay.asset for pay in got}
        if gave and got and assets[0].isdisjoint(assets[1]):
            receipt = any(pay.payer in ZERO for pay in got)
            kind = DEPOSITED if receipt else SWAP
            yield Meaning(kind, UNDECIDED, BY_CHANGE, NO_POOL, gave, got)


ONE_SIDE = (
    "a pool stands on one side alone: what was got for what is undecided, for somebody else, or a"
    " contract of which not all was read, stands on the other"
)


def beside_strangers(found: Sequence[Meaning], odd: Sequence[Meaning]) -> Iterator[Meaning]:
    """Yield dealings with pools one way and with strangers the other as what they may be: swaps.

    What was given to a pool ends there, and is not carried on. Where the pool paid, what was given
    to the stranger is followed as a payment.
    """
    given = tuple(pay for one in found for pay in one.paid)
    got = tuple(dict.fromkeys(pay for one in odd for pay in one.got))
    if not given:
        yield from odd
        return
    yield Meaning(SWAP, UNDECIDED, found[0].basis, f"{ONE_SIDE}; {found[0].detail}", given, got)
