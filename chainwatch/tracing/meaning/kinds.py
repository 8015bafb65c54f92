"""What a transaction can mean, in words: every kind, and how following ends at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainwatch.tracing.meaning.flows import Payment
from chainwatch.tracing.stops import (
    EXCHANGED,
    GAS,
    LENDING_POOL,
    LIQUIDITY_POOL,
    PAYEE_UNDECIDED,
    RECEIPT,
    STAKING_POOL,
)

SWAP, WRAP, UNWRAP = "swap", "wrap", "unwrap"
ROUTED, BATCH, COLLECTED, PAIRS = "passed through", "batch", "collected", "pairs undecided"
ADDED, REMOVED = "liquidity added", "liquidity removed"
DEPOSITED, REDEEMED = "deposited for a receipt", "receipt redeemed"
LENT, STAKED = "lending deposit", "staking deposit"
INTO_POOL, OUT_OF_POOL = "paid into a pool", "paid out of a pool"
OPERATION, OPERATION_GAS = "user operation", "gas of a user operation"
PAID = "payment beside"

KINDS: tuple[str, ...] = (
    SWAP, WRAP, UNWRAP, ROUTED, BATCH, COLLECTED, PAIRS, ADDED, REMOVED, DEPOSITED, REDEEMED, LENT,
    STAKED, INTO_POOL, OUT_OF_POOL, OPERATION, OPERATION_GAS, PAID,
)  # fmt: skip
"""Every meaning, written out. What one address pays another and nothing stands beside it, is none:
it is a payment as it stands. *payment beside* is one in a transaction that also means more."""

BY_CHANGE, BY_OPERATION = "net change", "user operation"
"""By what it is known who paid, beside what pools are known by."""

CARRYING = (SWAP, WRAP, UNWRAP)
"""In these what was given goes on as what was got."""

ONE_WAY = (INTO_POOL, OUT_OF_POOL)
"""Nothing is known to have come back for it, or to have been given."""

ENDS_AT: dict[str, str] = {
    SWAP: EXCHANGED,
    WRAP: EXCHANGED,
    UNWRAP: EXCHANGED,
    ADDED: LIQUIDITY_POOL,
    REMOVED: LIQUIDITY_POOL,
    DEPOSITED: RECEIPT,
    REDEEMED: RECEIPT,
    LENT: LENDING_POOL,
    STAKED: STAKING_POOL,
    INTO_POOL: LIQUIDITY_POOL,
    OPERATION_GAS: GAS,
    PAIRS: PAYEE_UNDECIDED,
}
"""The reason for which following ends at what is given under a meaning."""


class Meaning(NamedTuple):
    """One meaning of a transaction, or of a part of it.

    Attributes
    ----------
    kind, certainty, basis, detail : str
        Which; confirmed, probable or undecided; by what it is known; and what more is known.
    paid, got : sequence of Payment
        What was given or paid, and what was got for it.
    unpaired : bool
        Whether payers and payees are all who can have been: no pair of them is known.
    """

    kind: str
    certainty: str
    basis: str
    detail: str
    paid: Sequence[Payment]
    got: Sequence[Payment] = ()
    unpaired: bool = False
