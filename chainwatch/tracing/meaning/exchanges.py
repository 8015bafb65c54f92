"""What was swapped, wrapped or put into pools in a transaction: decided from pools, never amounts.

An exchange needs somebody who is no pool on one side and pools alone on the other. Who gives an
asset to a stranger, and gets another in the same transaction, may have been paid for it or not:
what he gave is the stranger's now, and is followed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chainwatch.addresses.assets import ZERO
from chainwatch.tracing.meaning.flows import Flow, Payment
from chainwatch.tracing.meaning.kinds import (
    ADDED,
    DEPOSITED,
    INTO_POOL,
    LENT,
    OUT_OF_POOL,
    REDEEMED,
    REMOVED,
    STAKED,
    SWAP,
    UNWRAP,
    WRAP,
    Meaning,
)
from chainwatch.tracing.meaning.pools import (
    CONFIRMED,
    LENDING,
    PROBABLE,
    STAKING,
    UNDECIDED,
    WRAPPED,
    DefiPool,
    DefiPools,
)
from chainwatch.tracing.meaning.reading import COIN, AccountReading, AssetKey, Transaction

NO_POOL = (
    "the other side is not shown to be a pool: what was given is followed there as a payment, and"
    " what was got is not taken for its price"
)


class Dealt(NamedTuple):
    """A payment between a party and a pool."""

    payment: Payment
    pool: DefiPool


class Dealing(NamedTuple):
    """What parties gave to pools and got of them in one transaction.

    ``beside`` is what pools by trade gave and got of assets that they are not known by.
    """

    given: tuple[Dealt, ...]
    got: tuple[Dealt, ...]
    beside: tuple[Payment, ...] = ()

    @property
    def pools(self) -> tuple[DefiPool, ...]:
        """The pools on the other side, each once."""
        return tuple(dict.fromkeys(one.pool for one in (*self.given, *self.got)))

    @property
    def parties(self) -> tuple[bytes, ...]:
        """Who gave or got, each once."""
        gave = (one.payment.payer for one in self.given)
        return tuple(dict.fromkeys((*gave, *(one.payment.payee for one in self.got))))


def dealing_of(payments: Sequence[Payment], pools: DefiPools) -> Dealing:
    """Return what was dealt with pools; payments among pools are no party's."""
    given, got = [], []
    beside = tuple(one for one in payments if _beside(one, pools))
    for one in payments:
        into, out_of = _pool(one.payee, one.asset, pools), _pool(one.payer, one.asset, pools)
        if into and not pools.holds(one.payer, one.asset):
            given.append(Dealt(one, into))
        elif out_of and not pools.holds(one.payee, one.asset):
            got.append(Dealt(one, out_of))
    return Dealing(tuple(given), tuple(got), beside)


def _beside(one: Payment, pools: DefiPools) -> bool:
    known = (pools.get(at) for at in (one.payer, one.payee))
    return any(pool is not None and not pool.deals_in(one.asset) for pool in known)


def _pool(address: bytes, asset: AssetKey, pools: DefiPools) -> DefiPool | None:
    """Return the pool at an address; a pool's own token is made and burnt by the pool."""
    if address in ZERO:
        return None if asset[0] is None else pools.get(asset[0])
    return pools.of(address, asset)


def dealt(
    read: AccountReading, one: Transaction, deal: Dealing, pools: DefiPools, open_: Sequence[Flow]
) -> Iterator[Meaning]:
    """Yield what a dealing with pools means.

    Parameters
    ----------
    read : AccountReading
        What is known of addresses.
    one : Transaction
        In which it happened.
    deal : Dealing
        What was given and got.
    pools : DefiPools
        Who is one.
    open_ : sequence of Flow
        Flows of the transaction whose pairs are undecided.

    Fails when
    ----------
    A pool pays interest, a premium or a reward with what it gives back: all that is got counts as
    got for what was given. A lender that no tag names, of whom people borrow in the transaction in
    which they give a pledge, looks like an exchange. A pool is one by trade and belongs to who
    gives: see :func:`chainwatch.tracing.meaning.pools.traders`.
    """
    if not deal.given and not deal.got:
        return
    sure, told = certainty_of(read, deal)
    why = _lacking(read, one, deal, open_)
    if not deal.given or not deal.got:
        yield from _one_way(deal, sure, told, why)
        return
    if all(pool.kind == WRAPPED for pool in deal.pools):
        yield _wrapped(deal, sure, told, why)
    elif _receipts(deal.got, pools):
        yield _deposited(deal, pools, sure, told)
    elif _receipts(deal.given, pools):
        many = len({each.payment.asset for each in deal.got}) > 1
        yield _of(REMOVED if many else REDEEMED, sure, told, deal.given, deal.got)
    elif {pool.kind for pool in deal.pools} <= {LENDING, STAKING, WRAPPED}:
        yield from _one_way(deal, sure, told, why)  # lent or staked, and borrowed or taken out
    else:
        yield from _swapped(deal, sure, told, why)


def _lacking(read: AccountReading, one: Transaction, deal: Dealing, open_: Sequence[Flow]) -> str:
    """Return why what a dealing led to is not known, if it is not."""
    if one.lost:
        return next(iter(one.lost.values()))
    if any(pool.certainty == UNDECIDED for pool in deal.pools):
        return "tags contradict each other on whether a pool stands on the other side"
    at_pools = {pool.address for pool in deal.pools}
    if any(not at_pools.isdisjoint((pay.payer, pay.payee)) for pay in deal.beside):
        return "a pool also gave or got what it is not seen to trade"
    if not _traded(deal):
        return "these assets were not seen to be traded with it both ways"
    for at in deal.parties:
        for asset in (
            COIN,
            *dict.fromkeys(each.payment.asset for each in (*deal.given, *deal.got)),
        ):
            if why := read.knows(one, at, asset):
                return why
        for flow in open_:
            if at in flow.payers or at in flow.payees:
                return "it is not known who of several paid whom beside"
    return ""


def _traded(deal: Dealing) -> bool:
    """Tell whether what was given to the one pool and got of it are a pair that it is known by."""
    pool, *more = deal.pools
    own = any(each.payment.asset[0] == pool.address for each in (*deal.given, *deal.got))
    if more or own or pool.traded is None:
        return True
    pairs = ({gave.payment.asset, got.payment.asset} for gave in deal.given for got in deal.got)
    return all(pair in pool.traded.pairs for pair in pairs)


def certainty_of(read: AccountReading, deal: Dealing) -> tuple[str, str]:
    """Return how sure a dealing with pools is, and by what its pools are known."""
    pools = [pool for pool in deal.pools if pool.kind != WRAPPED] or list(deal.pools)
    passed = {at for each in (*deal.given, *deal.got) for at in each.payment.via}
    known = all(read.is_contract(at) for at in passed)
    sure = known and all(pool.certainty == CONFIRMED for pool in pools)
    weakest = min(pools, key=lambda pool: (pool.certainty == CONFIRMED, pool.address))
    if any(pool.certainty == UNDECIDED for pool in pools):
        return UNDECIDED, weakest.basis
    return CONFIRMED if sure else PROBABLE, weakest.basis


def _of(
    kind: str, sure: str, basis: str, given: Sequence[Dealt], got: Sequence[Dealt], why: str = ""
) -> Meaning:
    pools = tuple(dict.fromkeys(each.pool for each in (*given, *got)))
    told = "; ".join(dict.fromkeys(pool.detail for pool in pools if pool.kind != WRAPPED or
                                   len(pools) == 1))  # fmt: skip
    detail = f"{why}: what was got for what is undecided; {told}" if why else told
    paid = tuple(each.payment for each in given)
    return Meaning(kind, UNDECIDED if why else sure, basis, detail, paid,
                   tuple(each.payment for each in got))  # fmt: skip


def _one_way(deal: Dealing, sure: str, basis: str, why: str) -> Iterator[Meaning]:
    kinds = {LENDING: LENT, STAKING: STAKED}
    for each in deal.given:
        if each.pool.kind != WRAPPED:
            yield _of(kinds.get(each.pool.kind, INTO_POOL), sure, basis, (each,), (), why)
    for each in deal.got:
        if each.pool.kind != WRAPPED:
            yield _of(OUT_OF_POOL, sure, basis, (), (each,), why)


def _wrapped(deal: Dealing, sure: str, basis: str, why: str) -> Meaning:
    """Return what was wrapped or unwrapped: as much as came back, or it is undecided."""
    gave, got = ({each.payment.asset for each in side} for side in (deal.given, deal.got))
    kind = WRAP if gave == {COIN} else UNWRAP
    even = sum(each.payment.amount for each in deal.given) == sum(
        each.payment.amount for each in deal.got
    )
    givers = {each.payment.payer for each in deal.given}
    if not why and not (even and len(gave) == len(got) == 1 and len(givers) == 1 and gave != got):
        why = "it is not one for one, or of several"
    return _of(kind, sure, basis, deal.given, deal.got, why)


def _receipts(side: Sequence[Dealt], pools: DefiPools) -> list[DefiPool]:
    """Return the pools whose own tokens stand on one side of a dealing."""
    found = [pools.get(each.payment.asset[0]) for each in side if each.payment.asset[0]]
    return [pool for pool in found if pool is not None and pool.kind != WRAPPED]


def _deposited(deal: Dealing, pools: DefiPools, sure: str, basis: str) -> Meaning:
    kinds = {LENDING: LENT, STAKING: STAKED}
    issuer = _receipts(deal.got, pools)[0]
    many = len({each.payment.asset for each in deal.given}) > 1
    kind = kinds.get(issuer.kind, ADDED if many else DEPOSITED)
    return _of(kind, sure, basis, deal.given, deal.got)


def _swapped(deal: Dealing, sure: str, basis: str, why: str) -> Iterator[Meaning]:
    """Yield the swaps of a dealing: by its one giver, or by each who gives and gets for himself."""
    gave, got = _by_party(deal.given, payer=True), _by_party(deal.got, payer=False)
    assets = {each.payment.asset for each in deal.given}, {each.payment.asset for each in deal.got}
    one_each = all(len(side) == 1 for side in assets) and assets[0] != assets[1]
    if not why and any(pool.kind in (LENDING, STAKING) for pool in deal.pools):
        why = "a lender or a place to stake stands on one side"
    if why:
        yield _of(SWAP, sure, basis, deal.given, deal.got, why)
    elif _unique(deal):
        told = "a unique token stands on one side"
        yield _of(SWAP, sure, basis, deal.given, deal.got, told)
    elif len(gave) == 1 and one_each:
        yield _of(SWAP, sure, basis, deal.given, deal.got)
    elif got.keys() <= gave.keys() and all(_alone(gave[at], got.get(at, ())) for at in gave):
        for at in gave:
            yield _of(SWAP, sure, basis, gave[at], got[at])
    else:
        told = "several gave or got, or in several assets"
        yield _of(SWAP, sure, basis, deal.given, deal.got, told)


def _by_party(side: Sequence[Dealt], *, payer: bool) -> Mapping[bytes, list[Dealt]]:
    found: dict[bytes, list[Dealt]] = {}
    for each in side:
        at = each.payment.payer if payer else each.payment.payee
        found.setdefault(at, []).append(each)
    return found


def _alone(gave: Sequence[Dealt], got: Sequence[Dealt]) -> bool:
    """Tell whether one party gave one asset and got one other."""
    sides = [{each.payment.asset for each in side} for side in (gave, got)]
    return all(len(side) == 1 for side in sides) and sides[0] != sides[1]


def _unique(deal: Dealing) -> bool:
    return any(each.payment.asset[1] is not None for each in (*deal.given, *deal.got))
