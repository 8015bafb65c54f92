"""Which addresses are pools: by their tags, or because many swap with them. Never by an amount.

A pool holds what many gave. Who gets a second asset out of one in the transaction in which he gives
a first has swapped; whoever gets both from a stranger may have been paid by him, and what he gave
is the stranger's. So nobody is a pool because of one swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainwatch.addresses.assets import ZERO
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.resolve import Framed, TagStatement, statements_of
from chainwatch.attribution.taxonomy import BRIDGING, ENDING, is_a
from chainwatch.chains.base import Chain
from chainwatch.tracing.meaning.flows import Flow, net_of
from chainwatch.tracing.meaning.reading import AccountReading, AssetKey, Transaction
from chainwatch.units import counted

EXCHANGE, LENDING, STAKING, WRAPPED = "exchange", "lending", "staking", "wrapped coin"
"""What a pool is for. Without a tag it is an exchange, or what issues a receipt."""

_BY_CONCEPT = (("defi_lending", LENDING), ("defi_staking", STAKING), ("defi_dex", EXCHANGE))

BY_TAG, BY_TRADE, LISTED = "tag", "trade", "list"
"""How it is known: a tag says it, several initiators swapped with it, or the chain lists it."""

CONFIRMED, PROBABLE, UNDECIDED = "confirmed", "probable", "undecided"

CONFIRMING = 50
"""Level of a tag from which it confirms, as :data:`chainwatch.tracing.stops.CONFIRMED` has it."""

MIN_TRADERS = 3
"""Initiators who swapped with a contract, from which on it is *probably* a pool. Chosen by hand on
the simulated chains to fit, and measured on those to test."""


class Pool(NamedTuple):
    """What is known of a pool."""

    address: bytes
    kind: str
    certainty: str
    basis: str
    name: str | None
    traders: int
    detail: str


@dataclass(frozen=True)
class Pools:
    """The pools of a chain, by address; wrapped coins are among them.

    Attributes
    ----------
    by_address : mapping of bytes to Pool
        Each once: a tag speaks before trade.
    """

    by_address: Mapping[bytes, Pool]

    def get(self, address: bytes) -> Pool | None:
        """Return the pool at an address, if it is one."""
        return self.by_address.get(address)

    def decided(self, address: bytes) -> bool:
        """Tell whether an address is one, and tags do not contradict each other on it."""
        pool = self.by_address.get(address)
        return address in ZERO or (pool is not None and pool.certainty != UNDECIDED)

    def holds(self, address: bytes) -> bool:
        """Tell whether an address is a pool, a wrapped coin, or nobody's: no party of its own."""
        return address in self.by_address or address in ZERO


NO_POOLS = Pools({})
"""None is known."""


def pools_of(
    read: AccountReading, traded: Mapping[bytes, int], tags: Framed | None
) -> Pools:  # fmt: skip
    """Return the pools of a chain.

    Parameters
    ----------
    read : AccountReading
        Whose chain lists wrapped coins.
    traded : mapping of bytes to int
        By address how many initiators swapped with it, as :func:`traders` counts them.
    tags : tags, optional
        Who is called an exchange without custody, a lender or a place to stake.
    """
    found = {address: _by_trade(address, count) for address, count in traded.items()}
    frame = tags.frame if tags is not None else None
    said = {} if frame is None else statements_of(frame, read.chain.id)
    for address, rows in said.items():
        if pool := _tagged(address, rows):
            found[address] = pool._replace(traders=traded.get(address, 0))
        elif any(row.concept and is_a(row.concept, "service") for row in rows):
            found.pop(address, None)  # somebody else's wallet, whatever it trades
    for contract in _wrapped(read.chain):
        told = "a wrapped coin of the chain: one for one"
        found[contract] = Pool(contract, WRAPPED, CONFIRMED, LISTED, None, 0, told)
    return Pools(found)


def _wrapped(chain: Chain) -> Iterator[bytes]:
    for text in chain.wrapped:
        yield parse(text, chain)


def _by_trade(address: bytes, count: int) -> Pool:
    told = f"{counted(count, 'initiator', 'initiators')} swapped with it or got receipts of it"
    return Pool(address, EXCHANGE, PROBABLE, BY_TRADE, None, count, told)


def _tagged(address: bytes, rows: Sequence[TagStatement]) -> Pool | None:
    """Return the pool that tags call an address: the most confident of those who call it one.

    Where others as confident call it something else, it is undecided whether it is one.
    """
    called = [
        (row, kind) for concept, kind in _BY_CONCEPT for row in rows
        if row.concept and is_a(row.concept, concept)
    ]  # fmt: skip
    if not called:
        return None
    best, kind = max(called, key=lambda one: one[0].level)
    told = f"tagged {best.label} by {best.source} ({best.confidence}, {best.dated()})"
    against = [row for row in rows if row.level >= best.level and _no_pool(row.concept)]
    if not against:
        sure = CONFIRMED if best.level >= CONFIRMING else PROBABLE
        return Pool(address, kind, sure, BY_TAG, best.actor, 0, told)
    other = against[0]
    told += f", but {other.label} ({other.concept}) by {other.source} ({other.confidence})"
    name = other.actor if other.level > best.level or other.actor == best.actor else None
    return Pool(address, kind, UNDECIDED, BY_TAG, name, 0, told)


def _no_pool(concept: str | None) -> bool:
    """Tell whether a concept is of those who hold the money of many, and not a pool's or wider."""
    if concept is None or is_a("defi_dex", concept):
        return False
    if any(is_a(concept, one) for one in BRIDGING):
        return True
    return not is_a(concept, "defi") and any(is_a(concept, one) for one in ENDING)


def traders(
    read: AccountReading, transactions: Iterable[tuple[Transaction, Sequence[Flow]]], least: int
) -> dict[bytes, int]:
    """Return the contracts with which so many initiators swapped, or of which they got receipts.

    Counted are transactions in which a contract got one asset and gave one other, and in which the
    one who wanted the transaction gave or got something; and those in which it got something from
    him and made tokens of its own for him, or the reverse. Of some asset it must have got in one of
    them and given in another: who only takes in what is worth something is a shop. Nobody who ever
    sent a transaction is a contract.

    Fails when
    ----------
    Somebody sends swaps from many addresses of his own, both ways, through a contract of his own:
    it is taken for a pool of many. A tag, or a higher ``min_traders``, decides then.
    """
    met: dict[bytes, _Met] = {}
    for one, flows in transactions:
        wanted = one.initiators
        if not wanted or not one.tokens_read:
            continue
        changes = _changes(flows)
        if not any(at in changes for at in wanted):
            continue
        aside = {*wanted, *ZERO, *_operating(one)}
        for address, net in changes.items():
            if address in aside or read.is_contract(address) is False:
                continue
            if _swaps(address, net, changes, wanted):
                met.setdefault(address, _Met()).add(address, wanted, net)
    return {
        address: len(one.whom) for address, one in met.items()
        if len(one.whom) >= least and one.got & one.gave
    }  # fmt: skip


@dataclass
class _Met:
    """Who dealt with a contract, and what it got of them and gave."""

    whom: set[bytes] = field(default_factory=set)
    got: set[AssetKey] = field(default_factory=set)
    gave: set[AssetKey] = field(default_factory=set)

    def add(self, address: bytes, whom: Iterable[bytes], net: Mapping[AssetKey, int]) -> None:
        self.whom |= set(whom)
        for asset, amount in net.items():
            if asset[0] != address:
                (self.got if amount > 0 else self.gave).add(asset)


def _changes(flows: Iterable[Flow]) -> dict[bytes, dict[AssetKey, int]]:
    """Return by how much each address came out of a transaction in each asset, where it did."""
    found: dict[bytes, dict[AssetKey, int]] = {}
    by_asset: dict[AssetKey, list[Flow]] = {}
    for flow in flows:
        by_asset.setdefault(flow.asset, []).append(flow)
    for asset, mine in by_asset.items():
        for address, amount in net_of(move for flow in mine for move in flow.moves).items():
            if amount:
                found.setdefault(address, {})[asset] = amount
    return found


def _operating(one: Transaction) -> frozenset[bytes]:
    """Return who runs user operations and pays for them: they trade with nobody."""
    parts = (whose for op in one.operations for whose in (op.entry_point, op.bundler, op.paymaster))
    return frozenset(whose for whose in parts if whose is not None)


def _swaps(
    address: bytes, net: Mapping[AssetKey, int],
    changes: Mapping[bytes, Mapping[AssetKey, int]], wanted: Iterable[bytes],
) -> bool:  # fmt: skip
    got = [asset for asset, amount in net.items() if amount > 0 and asset[1] is None]
    gave = [asset for asset, amount in net.items() if amount < 0 and asset[1] is None]
    if len(got) == 1 and len(gave) == 1 and len(net) == 2:
        return True
    own = (address, None)
    receipts = [changes[at][own] for at in wanted if own in changes.get(at, {})]
    return bool(receipts) and bool(got if receipts[0] > 0 else gave)
