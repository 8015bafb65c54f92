"""What a contract does inside a transaction: it pays, or binds and lends its own coin and energy.

A node tells both alike, from whom to whom with a value; only its note says which it is. A value
that is staked, lent or freed changes no hands. What a note that is not listed here moved is not
known.

Fails when
----------
A contract ends that has staked in the first way, or is owed a reward: what goes to its heir with
the rest is told by no node.

References
----------
java-tron, ``actuator/.../vm/program/Program.java``: every call of ``addInternalTx`` and its note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.sanitize import clipped
from chainwatch.sources.tron.contracts import ZERO, Fact, Paid, Stake
from chainwatch.sources.tron.fields import (
    LIAR,
    CallValue,
    InlineInternal,
    Internal,
    ListedInternal,
    address,
    typed,
)
from chainwatch.sources.tron.unread_entries import number_told
from chainwatch.units import counted

_LARGEST = 2**63 - 1
_RESOURCES = {"Bandwidth": "bandwidth", "Energy": "energy", "TronPower": "tron_power"}


@dataclass(frozen=True, slots=True)
class Move:
    """What happened inside a transaction, as its note says; ``token`` is null for TRX."""

    name: str
    sender: bytes
    receiver: bytes | None
    amount: int
    token: str | None
    success: bool
    note: str

    @property
    def number(self) -> int:
        """A number of its own among those of its transaction, out of its hash: every list of it
        gives the same, whichever part of the transaction it shows."""
        return 2 * int(self.name[:14], 16) + 2


def note_of(text: str) -> str:
    """Return a note in words: nodes write it in hexadecimal, some servers plain."""
    try:
        return bytes.fromhex(text).decode("ascii")
    except ValueError:
        return text


def moves_of(internal: Internal, chain: Chain, where: str) -> list[Move]:
    """Return what happened, a move for each value; one of zero where there is none.

    Raises
    ------
    SourceError
        If a party is no address.
    """
    sender = address(internal.caller_address, chain, where)
    to = internal.transferTo_address
    receiver = address(to, chain, where) if to else None
    values = [one for one in internal.callValueInfo if one.callValue] or [CallValue()]
    return [
        Move(internal.hash.lower(), sender, receiver, one.callValue, one.tokenId or None,
             not internal.rejected, note_of(internal.note))
        for one in values
    ]  # fmt: skip


def listed_moves(item: ListedInternal, chain: Chain, where: str) -> list[Move]:
    """Return what happened as TronGrid lists it among transactions."""
    return moves_of(as_node(item, where), chain, where)


def as_node(item: ListedInternal | InlineInternal, where: str) -> Internal:
    """Return what TronGrid tells as a node would; TRX is the token ``_``.

    Where an amount is not told the note says so, and is none that is known: what moved is unknown.

    Raises
    ------
    SourceError
        If an amount is none.
    """
    told = {
        token: _amount(much, where) for token, much in (item.data.call_value or {}).items()
    }  # fmt: skip
    known = [
        CallValue(much, None if token in ("_", "") else token)
        for token, much in told.items() if much is not None
    ]  # fmt: skip
    note = item.data.note
    if len(known) < len(told):
        known, note = [], f"{note_of(note)} {NO_AMOUNT}".strip()
    return Internal(
        item.internal_tx_id, item.from_address, known, item.to_address, note, item.data.rejected
    )


NO_AMOUNT = "without its amount"


def _amount(value: int | str | None, where: str) -> int | None:
    try:
        return number_told(value, _LARGEST)
    except ValueError:
        raise SourceError(
            f"the value of a call is {clipped(value, 60)!r}, and no amount", where=where,
            remedy=LIAR,
        ) from None  # fmt: skip


def inline_calls(rows: list[dict[str, Any]] | None, where: str) -> tuple[Internal, ...]:
    """Return the calls that stand in a transaction, in the form of nodes or of TronGrid's lists."""
    return tuple(
        as_node(typed(row, InlineInternal, where), where) if "internal_tx_id" in row
        else typed(row, Internal, where)
        for row in rows or ()
    )  # fmt: skip


def _call(move: Move, _: str | None) -> Iterator[Fact]:
    if move.amount and move.receiver is not None:
        kind = "internal" if move.token is None else "trc10"
        yield Paid(kind, move.sender, move.receiver, move.amount, move.token)


def _end(move: Move, _: str | None) -> Iterator[Fact]:
    """A contract that ends in its own favour leaves what it has to nobody."""
    to = ZERO if move.receiver == move.sender else move.receiver
    if move.amount and to is not None:
        yield Paid("internal", move.sender, to, move.amount)


def _stake(move: Move, resource: str | None) -> Iterator[Fact]:
    yield Stake("stake", move.amount, -move.amount, resource=resource)
    if move.receiver not in (None, move.sender):
        yield Stake("lend", move.amount, 0, move.receiver, resource)


def _unstake(move: Move, resource: str | None) -> Iterator[Fact]:
    """Of the first way: what is freed comes back at once."""
    yield Stake("unstake", move.amount, move.amount, resource=resource)
    if move.receiver not in (None, move.sender):
        yield Stake("recall", move.amount, 0, move.receiver, resource)


def _unstake_2(move: Move, resource: str | None) -> Iterator[Fact]:
    yield Stake("unstake", move.amount, 0, resource=resource)


def _lend(move: Move, resource: str | None) -> Iterator[Fact]:
    yield Stake("lend", move.amount, 0, move.receiver, resource)


def _recall(move: Move, resource: str | None) -> Iterator[Fact]:
    yield Stake("recall", move.amount, 0, move.receiver, resource)


def _withdraw(move: Move, _: str | None) -> Iterator[Fact]:
    yield Stake("withdraw", move.amount, move.amount)


def _sweep(move: Move, _: str | None) -> Iterator[Fact]:
    """It comes back beside another action; of a contract that ends, it is paid on with the rest."""
    yield Stake("sweep", move.amount, move.amount)


def _restake(_: Move, __: str | None) -> Iterator[Fact]:
    yield Stake("restake", None, 0)


def _reward(move: Move, _: str | None) -> Iterator[Fact]:
    if move.amount:
        yield Paid("reward", ZERO, move.sender, move.amount)


def _nothing(_: Move, __: str | None) -> Iterator[Fact]:
    """It changes no balance."""
    return iter(())


_NOTES: dict[str, Callable[[Move, str | None], Iterator[Fact]]] = {
    "call": _call, "create": _call, "suicide": _end,
    "voteWitness": _nothing, "withdrawReward": _reward,
    "withdrawExpireUnfreeze": _withdraw,
    "withdrawExpireUnfreezeWhileUnfreezing": _sweep,
    "withdrawExpireUnfreezeWhileCanceling": _sweep,
    "withdrawExpireUnfreezeWhileSuiciding": _sweep,
    "cancelAllUnfreezeV2": _restake,
}  # fmt: skip
_OF_RESOURCES: dict[str, Callable[[Move, str | None], Iterator[Fact]]] = {
    "freezeFor": _stake, "unfreezeFor": _unstake, "freezeBalanceV2For": _stake,
    "unfreezeBalanceV2For": _unstake_2, "delegateResourceOf": _lend,
    "unDelegateResourceOf": _recall,
}  # fmt: skip
"""Notes that end with the name of a resource."""


def facts_inside(move: Move) -> list[Fact] | None:
    """Return what happened; None where the note is none that is known."""
    if move.note in _NOTES:
        return list(_NOTES[move.note](move, None))
    for name, resource in _RESOURCES.items():
        begin = move.note.removesuffix(name)
        if begin != move.note and begin in _OF_RESOURCES:
            return list(_OF_RESOURCES[begin](move, resource))
    return None


def inside_unknown(count: int) -> str:
    """Return in words that something happened inside transactions whose note is not known."""
    several = counted(count, "action", "actions")
    return f"{several} inside transactions of a kind that is not known: what they moved is unknown"
