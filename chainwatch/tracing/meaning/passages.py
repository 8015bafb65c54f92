"""What a walk in one asset is told of what transactions mean: payments, ends and arrivals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.tracing import stops
from chainwatch.tracing.meaning.exchanges import NO_POOL
from chainwatch.tracing.meaning.flows import Flow, Payment
from chainwatch.tracing.meaning.kinds import (
    BY_OPERATION,
    CARRYING,
    ENDS_AT,
    OPERATION_GAS,
    PAIRS,
    Meaning,
)
from chainwatch.tracing.meaning.pools import (
    BY_TAG,
    BY_TRADE,
    LENDING,
    LISTED,
    STAKING,
    UNDECIDED,
    WRAPPED,
    DefiPool,
    DefiPools,
)
from chainwatch.tracing.meaning.reading import AssetKey, Transaction
from chainwatch.tracing.stops import (
    EXCHANGE_UNDECIDED,
    EXCHANGED,
    LENDING_POOL,
    LIQUIDITY_POOL,
    PAYEE_UNDECIDED,
    STAKING_POOL,
    End,
    Stops,
)
from chainwatch.tracing.walks.passage import MoveKey, Passage, Rewritten


class Meant(NamedTuple):
    """A transaction with its flows and what they mean."""

    transaction: Transaction
    flows: tuple[Flow, ...]
    meanings: tuple[Meaning, ...]


class Swapped(NamedTuple):
    """What ends in one asset, and what begins for it in another: payments to pools, and of pools.

    Followed forward what was given ends and what was got begins; backward it is the reverse.
    """

    transaction: Transaction
    part: int
    meaning: Meaning
    ending: tuple[Payment, ...]
    beginning: tuple[Payment, ...]

    @property
    def gave(self) -> AssetKey:
        """The asset in which it ends."""
        return self.ending[0].asset

    @property
    def got(self) -> AssetKey:
        """The asset in which it begins."""
        return self.beginning[0].asset

    def turned(self) -> Swapped:
        """Return the same as it is followed backward."""
        return self._replace(ending=self.beginning, beginning=self.ending)


class Standing(NamedTuple):
    """What passes nothing on: where following ends, and subjects; transfers of which one is chosen
    stand as they are."""

    at: Stops
    named: frozenset[bytes]


def swapped(
    meant: Iterable[Meant], pools: DefiPools, standing: Standing, chain: str
) -> Iterator[Swapped]:
    """Yield what goes on in another asset: swaps and wraps of which it is known what was got.

    What passes through a contract at which following ends, or through a subject, comes to that one.
    """
    for each in meant:
        for part, one in enumerate(each.meanings):
            if one.kind not in CARRYING or one.certainty == UNDECIDED:
                continue
            if not any(stands(pay.via, each.transaction, pools, standing, chain)
                       for pay in (*one.paid, *one.got)):  # fmt: skip
                yield Swapped(each.transaction, part, one, tuple(one.paid), tuple(one.got))


def passage_of(
    meant: Sequence[Meant], pools: DefiPools, asset: Asset, standing: Standing, made_by: str
) -> Passage:
    """Return what a walk in an asset is told.

    A contract at which following is asked to end passes nothing on, unless it is a pool: what comes
    to a mixer or a bridge ends there, even if it leaves in the same transaction. Nor do subjects.
    """
    mine: AssetKey = (asset.contract, None)
    flows: list[Mapping[MoveKey, Rewritten | None]] = []
    ends: dict[MoveKey, End] = {}
    came: dict[MoveKey, End] = {}
    arriving: set[MoveKey] = set()
    left = sha256()
    for each in meant:
        for flow in each.flows:
            if flow.asset == mine and (flow.via or flow.returning):
                if _left(flow, each.transaction, pools, standing, asset.chain):
                    left.update(flow.moves[0].key[0])
                elif flow.payments is None:
                    _open_ends(flow, ends, came)
                else:
                    flows.append(_rewritten(flow))
        for one in each.meanings:
            _end(one, mine, pools, ends, came)
    for swap in swapped(meant, pools, standing, asset.chain):
        both = (*swap.ending, *swap.beginning)
        arriving |= {pay.key.key for pay in both if pay.asset == mine}
    around = {
        address: End(*_at_pool(pool)) for address, pool in pools.by_address.items()
        if pool.kind != WRAPPED and pool.deals_in(mine)
    }  # fmt: skip
    return Passage(
        f"{made_by} {left.hexdigest()}", tuple(flows), ends, came, around, frozenset(arriving)
    )


def _left(flow: Flow, one: Transaction, pools: DefiPools, standing: Standing, chain: str) -> bool:
    """Tell whether a flow is left as it is; also where a pool that gave back is a subject."""
    subject = not standing.named.isdisjoint(flow.returning)
    return subject or stands(flow.via, one, pools, standing, chain)


def stands(
    via: Iterable[bytes], one: Transaction, pools: DefiPools, standing: Standing, chain: str
) -> bool:
    """Tell whether movements through some contracts are left as they are."""
    at, named = standing
    through = tuple(via)
    if one.txid in named or not named.isdisjoint(through):
        return True
    ends = (at.at(chain, contract, one.time) for contract in through if not pools.decided(contract))
    return any(ends)


def _rewritten(flow: Flow) -> dict[MoveKey, Rewritten | None]:
    found: dict[MoveKey, Rewritten | None] = dict.fromkeys(move.key for move in flow.moves)
    for pay in flow.payments or ():
        found[pay.key.key] = Rewritten(pay.payer, pay.payee, pay.amount)
    return found


def _open_ends(flow: Flow, ends: dict[MoveKey, End], came: dict[MoveKey, End]) -> None:
    """End what comes to contracts of which it is not known whom they paid with it."""
    passing = set(flow.via)
    for move in flow.moves:
        if move.receiver in passing and move.sender not in passing:
            ends[move.key] = End(PAYEE_UNDECIDED, _PAYEES, certainty=UNDECIDED)
        elif move.sender in passing and move.receiver not in passing:
            came[move.key] = End(PAYEE_UNDECIDED, _PAYERS, certainty=UNDECIDED)


_PAYEES = "paid to several together with others, through a contract: whose went to whom is open"
_PAYERS = "paid by several together to others, through a contract: whose went to whom is open"


def _end(
    one: Meaning, asset: AssetKey, pools: DefiPools, ends: dict[MoveKey, End],
    came: dict[MoveKey, End],
) -> None:  # fmt: skip
    if one.kind == PAIRS or one.kind not in ENDS_AT or one.detail == NO_POOL:
        return
    reason = ENDS_AT[one.kind]
    if reason == EXCHANGED and one.certainty == UNDECIDED:
        reason = EXCHANGE_UNDECIDED
    for side, found, pays in (("payee", ends, one.paid), ("payer", came, one.got)):
        for pay in pays:
            if pay.asset == asset:
                name = _name(pay, getattr(pay, side), pools)
                found[pay.key.key] = End(reason, one.detail, name, one.certainty, _BASES[one.basis])
    if one.kind == OPERATION_GAS:
        came |= {pay.key.key: ends[pay.key.key] for pay in one.paid if pay.key.key in ends}


def _name(pay: Payment, address: bytes, pools: DefiPools) -> str | None:
    pool = pools.get(address) or (pools.get(pay.asset[0]) if pay.asset[0] else None)
    return pool.name if pool else None


def _at_pool(pool: DefiPool) -> tuple[str, str, str | None, str, str]:
    """Return the end at a pool that was paid, whatever else its transaction means."""
    reason = {LENDING: LENDING_POOL, STAKING: STAKING_POOL}.get(pool.kind, LIQUIDITY_POOL)
    told = f"paid to a pool, and nothing that is known came back for it; {pool.detail}"
    return reason, told, pool.name, pool.certainty, _BASES[pool.basis]


_BASES = {BY_TAG: stops.BY_TAG, BY_TRADE: stops.BY_TRADE, LISTED: stops.BY_LIST,
          BY_OPERATION: stops.BY_OPERATION}  # fmt: skip
