"""Multisig escrow: coins of 2-of-3 scripts pay sellers, less a constant rate for one party."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY, in_band
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import WEAK, Answer, Claim, Lacking, typology


class _Sale(NamedTuple):
    """A transaction out of escrow: the fee, what the seller got, the fee in 1/10,000 of both."""

    fee: int
    payout: int
    rate: int


@typology(
    fatf="source_of_funds",
    benign="A lawful escrow agent or a wallet service with a co-signer keeps a rate of each one.",
    needs=("coin chain",),
    strength=WEAK,
    refs=("blocksci2020", "fatf2020"),
)
def multisig_escrow(
    flows: Flows, sales: int = 6, fee_least: int = 1, fee_most: int = 12, spread: int = 10,
    sellers: int = 3, quorum: str = "2-of-3",
) -> Iterator[Answer]:  # fmt: skip
    """Many scripts of three keys pay two parties each, and one of these the same rate every time.

    That one is the escrow agent, or its fee address: nothing is said of buyers, and of sellers that
    they were paid out of such an escrow. One key that stands in all of the scripts is told where
    keys were read: it is the agent's. **It is weak**: lawful agents and wallets that co-sign keep
    such a rate too.

    Parameters
    ----------
    sales : int
        Transactions of different escrows, at least.
    fee_least : int
        The fee is so many percent of what is paid, at least.
    fee_most : int
        And at most so many.
    spread : int
        All fees are within so many ten-thousandths of their median.
    sellers : int
        Different others that are paid beside the fee, at least.
    quorum : str
        What the scripts ask for.

    Fails when
    ----------
    The market takes its fee by the month or out of another coin; the fee is drawn anew each time;
    scripts are taproot's and show nothing; payers of several escrows stand in one transaction; a
    service for multisig wallets charges a rate. Other scripts of three keys are not told apart.

    References
    ----------
    BlockSci (Kalodner et al., USENIX Security 2020) for keys that several multisigs share. The
    numbers are of practice, and no source measured them.
    """
    if flows.unlocked is None:
        yield Lacking("scripts that inputs show when they are unlocked")
        return
    found: dict[int, list[_Sale]] = {}
    for sale in _sales(flows, quorum, fee_least, fee_most):
        found.setdefault(int(flows.payee[sale.fee]), []).append(sale)
    able = np.zeros(len(flows.parties), np.bool_)
    able[[party for party, some in found.items() if len(some) >= max(sales, 1)]] = True
    yield from services_left_out(flows, able)
    for party in np.flatnonzero(able & ~flows.services).tolist():
        kept = _constant(found[party], spread)
        payouts = np.array([one.payout for one in kept], np.int64)
        escrows = len(set(flows.payer[payouts].tolist()))
        if escrows >= sales and len(set(flows.payee[payouts].tolist())) >= sellers:
            yield _claim(flows, party, kept, quorum)


def _sales(flows: Flows, quorum: str, least: int, most: int) -> Iterator[_Sale]:
    """Yield the transactions of two payments, the smaller of which may be a fee."""
    rows = np.flatnonzero(flows.unlocked_by(quorum) & (flows.payer != NOBODY))
    rows = rows[np.lexsort((rows, flows.deed[rows]))]
    _, begins, sizes = np.unique(flows.deed[rows], return_index=True, return_counts=True)
    for begin in begins[sizes == 2].tolist():
        fee, payout = sorted(rows[begin : begin + 2].tolist(), key=lambda row: flows.amount[row])
        paid = int(flows.amount[fee]) + int(flows.amount[payout])
        part, whole = np.array([int(flows.amount[fee])], object), np.array([paid], object)
        if in_band(part, whole, least, most)[0] and flows.payee[fee] != flows.payee[payout]:
            yield _Sale(fee, payout, 10_000 * int(flows.amount[fee]) // paid)


def _constant(some: list[_Sale], spread: int) -> list[_Sale]:
    """Return the sales whose rate is that of the one in the middle, or near it."""
    middle = sorted(one.rate for one in some)[len(some) // 2]
    return [one for one in some if abs(one.rate - middle) <= spread]


def _claim(flows: Flows, party: int, kept: list[_Sale], quorum: str) -> Claim:
    fees: Rows = np.array(sorted(one.fee for one in kept), np.int64)
    payouts: Rows = np.array(sorted(one.payout for one in kept), np.int64)
    rate = sorted(one.rate for one in kept)[len(kept) // 2]
    keys = flows.unlocked.keys(payouts) if flows.unlocked else []
    shared = frozenset.intersection(*keys) if keys and all(keys) else None
    said = ""
    if shared is not None:
        said = f"; {len(shared)} of the keys stand in all of the scripts"
    sellers = len(set(flows.payee[payouts].tolist()))
    return Claim(
        party,
        f"as escrow agents are paid: {len(kept)} scripts of {quorum} paid {sellers} others, and"
        f" it a rate of about {rate} in 10,000 each time{said}",
        {"fee": fees, "payout": payouts},
        unknown="" if keys and all(keys) else "the keys of all scripts were not read",
    )
