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


class Traded(NamedTuple):
    """How many dealt with a contract, which pairs of assets both ways, and in which assets."""

    traders: int
    pairs: frozenset[frozenset[AssetKey]]
    assets: frozenset[AssetKey]


class DefiPool(NamedTuple):
    """What is known of a pool of decentralised finance: an exchange, a lender, a place to stake."""

    address: bytes
    kind: str
    certainty: str
    basis: str
    name: str | None
    traders: int
    detail: str
    traded: Traded | None = None

    def deals_in(self, asset: AssetKey) -> bool:
        """Tell whether it is a pool of an asset: one by trade only of what was traded with it."""
        return self.traded is None or asset[0] == self.address or asset in self.traded.assets


@dataclass(frozen=True)
class DefiPools:
    """The pools of a chain, by address; wrapped coins are among them.

    Attributes
    ----------
    by_address : mapping of bytes to DefiPool
        Each once: a tag speaks before trade.
    """

    by_address: Mapping[bytes, DefiPool]

    def get(self, address: bytes) -> DefiPool | None:
        """Return the pool at an address, if it is one."""
        return self.by_address.get(address)

    def decided(self, address: bytes) -> bool:
        """Tell whether an address is one, and tags do not contradict each other on it."""
        pool = self.by_address.get(address)
        return address in ZERO or (pool is not None and pool.certainty != UNDECIDED)

    def of(self, address: bytes, asset: AssetKey) -> DefiPool | None:
        """Return the pool at an address, if it is one of an asset."""
        pool = self.by_address.get(address)
        return pool if pool is not None and pool.deals_in(asset) else None

    def holds(self, address: bytes, asset: AssetKey) -> bool:
        """Tell whether an address is a pool of an asset, a wrapped coin, or nobody's: no party."""
        return address in ZERO or self.of(address, asset) is not None


NO_POOLS = DefiPools({})
"""None is known."""


def pools_of(
    read: AccountReading, traded: Mapping[bytes, Traded], tags: Framed | None
) -> DefiPools:  # fmt: skip
    """Return the pools of a chain.

    Parameters
    ----------
    read : AccountReading
        Whose chain lists wrapped coins.
    traded : mapping of bytes to Traded
        By address how many initiators swapped with it, and what, as :func:`traders` counts them.
    tags : tags, optional
        Who is called an exchange without custody, a lender or a place to stake.
    """
    found = {address: _by_trade(address, one) for address, one in traded.items()}
    frame = tags.frame if tags is not None else None
    said = {} if frame is None else statements_of(frame, read.chain.id)
    for address, rows in said.items():
        if pool := _tagged(address, rows):
            found[address] = pool._replace(
                traders=traded[address].traders if address in traded else 0
            )
        elif any(row.concept and is_a(row.concept, "service") for row in rows):
            found.pop(address, None)  # somebody else's wallet, whatever it trades
    for contract in _wrapped(read.chain):
        told = "a wrapped coin of the chain: one for one"
        found[contract] = DefiPool(contract, WRAPPED, CONFIRMED, LISTED, None, 0, told)
    return DefiPools(found)


def _wrapped(chain: Chain) -> Iterator[bytes]:
    for text in chain.wrapped:
        yield parse(text, chain)


def _by_trade(address: bytes, traded: Traded) -> DefiPool:
    many = counted(traded.traders, "initiator", "initiators")
    told = f"{many} swapped with it or got receipts of it"
    return DefiPool(address, EXCHANGE, PROBABLE, BY_TRADE, None, traded.traders, told, traded)


def _tagged(address: bytes, rows: Sequence[TagStatement]) -> DefiPool | None:
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
        return DefiPool(address, kind, sure, BY_TAG, best.actor, 0, told)
    other = against[0]
    told += f", but {other.label} ({other.concept}) by {other.source} ({other.confidence})"
    name = other.actor if other.level > best.level or other.actor == best.actor else None
    return DefiPool(address, kind, UNDECIDED, BY_TAG, name, 0, told)


def _no_pool(concept: str | None) -> bool:
    """Tell whether a concept is of those who hold the money of many, and not a pool's or wider."""
    if concept is None or is_a("defi_dex", concept):
        return False
    if any(is_a(concept, one) for one in BRIDGING):
        return True
    return not is_a(concept, "defi") and any(is_a(concept, one) for one in ENDING)


def traders(
    read: AccountReading, transactions: Iterable[tuple[Transaction, Sequence[Flow]]], least: int
) -> dict[bytes, Traded]:
    """Return the contracts with which so many initiators swapped, or of which they got receipts.

    Counted are transactions in which a contract got one asset and gave one other, and in which the
    one who wanted the transaction gave or got something; and those in which it got something from
    him and made tokens of its own for him, or the reverse. So many must have dealt in a pair of
    assets, and it must have been traded both ways; or it got and gave back an asset for its tokens:
    who only takes in what is worth something is a shop. Of other assets it is no pool. Nobody who
    ever sent a transaction is a contract.

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
    told = {address: one.traded(least) for address, one in met.items()}
    return {address: one for address, one in told.items() if one.assets}


@dataclass
class _Met:
    """Who dealt with a contract: by what it got and gave for it, and for tokens of its own."""

    swapped: dict[tuple[AssetKey, AssetKey], set[bytes]] = field(default_factory=dict)
    issued: set[bytes] = field(default_factory=set)
    got: set[AssetKey] = field(default_factory=set)
    gave: set[AssetKey] = field(default_factory=set)

    def add(self, address: bytes, whom: Iterable[bytes], net: Mapping[AssetKey, int]) -> None:
        got = [asset for asset, amount in net.items() if amount > 0 and asset[0] != address]
        gave = [asset for asset, amount in net.items() if amount < 0 and asset[0] != address]
        if len(got) == len(gave) == 1:
            self.swapped.setdefault((got[0], gave[0]), set()).update(whom)
        else:
            self.issued |= set(whom)
            self.got |= {*got}
            self.gave |= {*gave}

    def traded(self, least: int) -> Traded:
        """Return what so many traded with it, both ways, and what it took in and gave back."""
        pairs = {
            frozenset(pair): mine | self.swapped[pair[::-1]] | self.issued
            for pair, mine in self.swapped.items() if pair[::-1] in self.swapped
        }  # fmt: skip
        many = {pair: whom for pair, whom in pairs.items() if len(whom) >= least}
        kept = self.got & self.gave if len(self.issued) >= least else frozenset()
        whom = self.issued.union(*self.swapped.values())
        return Traded(len(whom), frozenset(many), frozenset(kept).union(*many))


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
