"""Who paid whom in a transaction: payments behind the contracts that only pass value on.

A contract whose net change of an asset is zero in a transaction is no party to it: who is negative
paid, and who is positive was paid. Movements that meet at such contracts are one *flow*. With one
payer, or one payee, it is known who paid whom; with several of both it is not, and nothing here
guesses: the pairs are *undecided*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chainwatch.addresses.assets import ZERO
from chainwatch.tracing.meaning.reading import AssetKey, Move, Transaction


class Payment(NamedTuple):
    """An amount of one asset from who paid it to who was paid.

    ``key`` is the movement that stands for it: the last one into the payee, or where several pay
    one payee the last one out of the payer. ``via`` are the contracts that it passed through.
    """

    asset: AssetKey
    payer: bytes
    payee: bytes
    amount: int
    key: Move
    via: tuple[bytes, ...] = ()


class Flow(NamedTuple):
    """Movements of one asset that meet at contracts which pass all on.

    ``payments`` are None where pairs are undecided: ``payers`` and ``payees`` are then all who can
    have paid and been paid, with the net amount of each. ``returning`` are pools that gave back
    some of what they were given: the payments are without it. ``several`` are the payments that
    tell of each payer alone what he paid, where all payees are as good as one.
    """

    asset: AssetKey
    moves: tuple[Move, ...]
    via: tuple[bytes, ...]
    payers: Mapping[bytes, int]
    payees: Mapping[bytes, int]
    payments: tuple[Payment, ...] | None
    returning: tuple[bytes, ...] = ()


Passes = Callable[[bytes], bool]
"""Tells whether an address may be one that only passes value on: a contract, as far as is known."""


def net_of(moves: Iterable[Move]) -> dict[bytes, int]:
    """Return by how much each address came out of some movements of one asset."""
    net: dict[bytes, int] = {}
    for one in moves:
        net[one.sender] = net.get(one.sender, 0) - one.amount
        net[one.receiver] = net.get(one.receiver, 0) + one.amount
    return net


def flows_of(one: Transaction, may_pass: Passes) -> Iterator[Flow]:
    """Yield the flows of a transaction, asset by asset; each movement is in one of them.

    Movements of an address to itself are left out: they move nothing. So are those of an asset of
    which something is not known in the transaction.

    Parameters
    ----------
    one : Transaction
        What moved.
    may_pass : callable
        Of an address whose net change is zero, whether it may be a contract.

    Fails when
    ----------
    Somebody's account is taken for a contract because nothing shows that he holds a key: who
    received and paid exactly the same in one transaction is then passed over.
    """
    by_asset: dict[AssetKey, list[Move]] = {}
    for move in one.moves:
        if move.sender != move.receiver and move.asset not in one.lost:
            by_asset.setdefault(move.asset, []).append(move)
    for asset, moves in by_asset.items():
        net = net_of(moves)
        touched = {move.receiver for move in moves} & {move.sender for move in moves}
        passing = {at for at in touched if not net[at] and at not in ZERO and may_pass(at)}
        for group in _meeting(moves, passing):
            yield _flow(asset, group, passing)


def _meeting(moves: Sequence[Move], passing: set[bytes]) -> Iterator[tuple[Move, ...]]:
    """Yield the movements that meet at passing addresses together, each other alone, in order."""
    groups: dict[int, list[Move]] = {}
    of: dict[bytes, int] = {}
    for number, move in enumerate(sorted(moves, key=lambda one: one.place)):
        mine = {at for at in (move.sender, move.receiver) if at in passing}
        joined = sorted({of[at] for at in mine if at in of})
        home = joined[0] if joined else number
        groups.setdefault(home, [])
        for other in joined[1:]:
            groups[home] += groups.pop(other)
            of |= {at: home for at, group in of.items() if group == other}
        groups[home].append(move)
        of |= dict.fromkeys(mine, home)
    for home in sorted(groups):
        yield tuple(sorted(groups[home], key=lambda one: one.place))


def _flow(asset: AssetKey, moves: tuple[Move, ...], passing: set[bytes]) -> Flow:
    net = {at: amount for at, amount in net_of(moves).items() if at not in passing}
    via = tuple(dict.fromkeys(
        at for one in moves for at in (one.sender, one.receiver) if at in passing
    ))  # fmt: skip
    payers = {at: -amount for at, amount in net.items() if amount < 0}
    payees = {at: amount for at, amount in net.items() if amount > 0}
    paid_back = {one.sender for one in moves if one.sender not in passing} - payers.keys()
    # Who received some and paid some out of it, and is no contract that passes on, is a party of
    # his own: what he paid may be what he received.
    # What comes to one of several payers may be another's payment and not what is left of his own.
    got_some = payers.keys() & {one.receiver for one in moves}
    known = not paid_back and (len(payers) == 1 or (len(payees) == 1 and not got_some))
    payments = tuple(_payments(asset, moves, via, payers, payees)) if known else None
    return Flow(asset, moves, via, payers, payees, payments)


def _payments(
    asset: AssetKey, moves: Sequence[Move], via: tuple[bytes, ...],
    payers: Mapping[bytes, int], payees: Mapping[bytes, int],
) -> Iterator[Payment]:  # fmt: skip
    into = {move.receiver: move for move in moves}
    out_of = {move.sender: move for move in moves}
    for payer, paid in payers.items():
        for payee, got in payees.items():
            amount, key = (got, into[payee]) if len(payers) == 1 else (paid, out_of[payer])
            yield Payment(asset, payer, payee, amount, key, via)
