"""Traces to internal movements: the same from every form in which nodes give them.

``trace_block`` lists calls with their address in the tree, ``debug_traceBlockByNumber`` nests them
(``callTracer``) or lists them (``flatCallTracer``). All become one tree for each transaction. A
call to a precompiled contract without value is left out before calls are counted, because some
nodes list it and others do not: the place of a call is then the same from all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import msgspec
from msgspec import Struct, field

from chainwatch.sources.evm.fields import Contradiction, address_of, decoded, quantity, wrong

_PRECOMPILED = frozenset({f"0x{number:040x}" for number in (*range(1, 0x12), 0x100)})


class Action(Struct):
    """What a call of a flat trace did."""

    call: str | None = field(name="callType", default=None)
    sender: str | None = field(name="from", default=None)
    receiver: str | None = field(name="to", default=None)
    value: str | None = None
    address: str | None = None
    heir: str | None = field(name="refundAddress", default=None)
    balance: str | None = None
    author: str | None = None


class Outcome(Struct):
    """What came of it."""

    address: str | None = None


class Flat(Struct):
    """One line of a flat trace."""

    type: str
    action: Action
    path: list[int] = field(name="traceAddress", default_factory=list)
    position: int | None = field(name="transactionPosition", default=None)
    tx_hash: str | None = field(name="transactionHash", default=None)
    block_hash: str | None = field(name="blockHash", default=None)
    result: Outcome | None = None
    error: str | None = None


class Nested(Struct):
    """One call of a nested trace."""

    type: str
    sender: str = field(name="from", default="")
    receiver: str | None = field(name="to", default=None)
    value: str | None = None
    error: str | None = None
    calls: list[Nested] = field(default_factory=list)


class Traced(Struct):
    """One transaction of a ``debug_`` answer: nested, or flat."""

    result: Nested | list[Flat] | None = None
    tx_hash: str | None = field(name="txHash", default=None)
    error: str | None = None


@dataclass
class Call:
    """A call, in one form: what it is, between whom, with how much, and whether it failed."""

    kind: str
    sender: str
    receiver: str | None
    value: int
    failed: bool
    calls: list[Call] = dataclass_field(default_factory=list)


@dataclass(frozen=True)
class Movement:
    """The coin moved inside a transaction, by the call at a place of its tree."""

    path: str
    sender: bytes
    receiver: bytes
    amount: int
    success: bool


def read_flat(
    raw: bytes | msgspec.Raw, ids: Sequence[str], block: str, where: str,
    unlisted: Call | None = None,
) -> list[Call]:  # fmt: skip
    """Return the tree of each transaction of a block, of what ``trace_block`` answered.

    Parameters
    ----------
    raw : bytes
        The answer.
    ids : sequence of str
        Ids of the transactions of the block, in order.
    block : str
        Its hash.
    where : str
        Who was asked what.
    unlisted : Call, optional
        Stands for the last transaction where no call of it is listed; refused, if not given.

    Raises
    ------
    SourceError
        If it is of another block, or its calls make no tree.
    """
    lists: list[list[Flat]] = [[] for _ in ids]
    for line in decoded(raw, list[Flat], where):
        if line.block_hash is not None and line.block_hash != block:
            raise wrong(f"the traces are of block {line.block_hash}, not {block}", where)
        if line.type == "reward":
            continue
        at = line.position
        if at is None or not 0 <= at < len(ids) or line.tx_hash not in (None, ids[at]):
            raise wrong("a trace names a transaction that the block does not have there", where)
        lists[at].append(line)
    if unlisted is not None and not lists[-1]:
        return [*(_tree(lines, where) for lines in lists[:-1]), unlisted]
    return [_tree(lines, where) for lines in lists]


def read_debug(
    raw: bytes | msgspec.Raw, ids: Sequence[str], where: str, unlisted: Call | None = None
) -> list[Call]:
    """Return the same of what ``debug_traceBlockByNumber`` answered, nested or flat."""
    if unlisted is None:
        return _roots(decoded(raw, list[Traced], where), ids, where)
    parts = decoded(raw, list[msgspec.Raw], where)
    others = [decoded(part, Traced, where) for part in parts[: len(ids) - 1]]
    last = parts[len(ids) - 1 :]
    try:
        read = [decoded(part, Traced, where) for part in last]
    except Contradiction:  # some nodes trace it in no form at all
        read = []
    if len(last) > 1 or any(one.result is not None for one in read):
        return _roots([*others, *read], ids, where)
    return [*_roots(others, ids[:-1], where), unlisted]


def _roots(traced: Sequence[Traced], ids: Sequence[str], where: str) -> list[Call]:
    if len(traced) != len(ids):
        raise wrong(f"{len(traced)} transactions are traced of {len(ids)}", where)
    made = []
    for one, name in zip(traced, ids, strict=True):
        if one.tx_hash not in (None, name) or one.result is None:
            raise wrong(f"transaction {name} is not traced ({one.error})", where)
        flat = isinstance(one.result, list)
        made.append(_tree(one.result, where) if flat else _call(one.result, where))  # type: ignore[arg-type]  # told apart by flat
    return made


def _tree(lines: Sequence[Flat], where: str) -> Call:
    """Put the lines of one transaction together by their places."""
    by_path: dict[tuple[int, ...], Call] = {}
    for line in sorted(lines, key=lambda one: one.path):
        path, made = tuple(line.path), _of_line(line, where)
        if path:
            parent = by_path.get(path[:-1])
            if parent is None or len(parent.calls) != path[-1]:
                raise wrong(f"the call {list(path)} of a trace has no place in it", where)
            parent.calls.append(made)
        elif by_path:
            raise wrong("a trace begins twice", where)
        by_path[path] = made
    if () not in by_path:
        raise wrong("a transaction has no trace", where)
    return by_path[()]


def _of_line(line: Flat, where: str) -> Call:
    action, failed = line.action, line.error is not None
    if line.type == "suicide":
        value = quantity(action.balance or "0x0", "balance", where)
        return Call("selfdestruct", action.address or "", action.heir, value, failed)
    value = quantity(action.value or "0x0", "value", where)
    if line.type == "create":
        created = line.result.address if line.result else None
        return Call("create", action.sender or "", created, value, failed)
    return Call(action.call or "call", action.sender or "", action.receiver, value, failed)


def _call(root: Nested, where: str) -> Call:
    """Return a nested trace in one form, without recursion."""

    def made(one: Nested) -> Call:
        kind = one.type.lower()
        kind = "create" if kind == "create2" else kind
        value = quantity(one.value or "0x0", "value", where)
        return Call(kind, one.sender, one.receiver, value, one.error is not None)

    top = made(root)
    waiting = [(top, root)]
    while waiting:
        call, given = waiting.pop()
        call.calls = [made(one) for one in given.calls]
        waiting += zip(call.calls, given.calls, strict=True)
    return top


def _counted(calls: Sequence[Call]) -> list[Call]:
    """Return the calls that every node lists."""
    return [
        call for call in calls
        if call.calls or call.value or call.kind in ("create", "selfdestruct")
        or (call.receiver or "").lower() not in _PRECOMPILED
    ]  # fmt: skip


def tells_all(root: Call) -> bool:
    """Return whether a tree names who paid and who was paid, also where a contract ended."""
    return all(
        call.sender and (call.receiver or call.kind != "selfdestruct") for _, call in plain(root)
    )


def coherent(root: Call, where: str) -> bool:
    """Return whether each call is made by the account that runs: the one called by the call around.

    A delegated call runs in the account that makes it.

    Raises
    ------
    SourceError
        If one is made by what is no address.
    """
    waiting = [root]
    while waiting:
        call = waiting.pop()
        delegated = call.kind in ("delegatecall", "callcode")
        runs = call.sender if delegated else call.receiver
        others = [one for one in call.calls if runs and one.sender.lower() != runs.lower()]
        if others:
            address_of(others[0].sender, "from", where)
            return False
        waiting += call.calls
    return True


def effective(root: Call) -> Iterator[Call]:
    """Yield the calls that took effect, each before those inside it, the transaction's own first.

    A call to a precompiled contract without value is passed over, as its places are.
    """
    waiting = [root]
    while waiting:
        call = waiting.pop()
        if not call.failed:
            yield call
            waiting += reversed(_counted(call.calls))


def movements(root: Call, where: str, *, burns: bool | None) -> list[Movement]:
    """Return what moved inside a transaction, in the order of the calls.

    What a transaction itself pays is not among it. A call that failed, or stands in one that
    failed, moved nothing and is kept as such. A contract that destroys itself in its own favour
    burns what it holds where ``burns`` says so (before Cancun), and where it was made in the same
    transaction; where nobody says so it pays nobody.

    Parameters
    ----------
    root : Call
        Its tree.
    where : str
        Who was asked what.
    burns : bool or None
        Whether that holds of every contract; None where the chain's rule is not known.
    """
    found: list[Movement] = []
    created: set[str | None] = {root.receiver} if root.kind == "create" else set()
    waiting: list[tuple[Call, str, bool]] = [(root, "", root.failed)]
    while waiting:
        call, path, failed = waiting.pop()
        inside = _counted(call.calls)
        for number, one in reversed(list(enumerate(inside))):
            place = f"{path}.{number}" if path else str(number)
            waiting.append((one, place, failed or one.failed))
        if call.kind == "create":
            created.add(call.receiver)
        if path and call.value and call.kind in ("call", "create", "selfdestruct"):
            gone = True if call.sender in created else burns
            moved = _moved(call, path, failed, where, gone)
            found += [moved] if moved else []
    return found


def _moved(call: Call, path: str, failed: bool, where: str, burns: bool | None) -> Movement | None:
    if call.kind == "create" and call.failed:  # some nodes name the address that it would have had
        return None
    if call.receiver is None:  # a contract that was not made has no address
        if failed:
            return None
        raise wrong(f"the call {path} of a trace pays nobody", where)
    sender = address_of(call.sender, "from", where)
    receiver = address_of(call.receiver, "to", where)
    if call.kind == "selfdestruct" and sender == receiver and burns is None:
        return None
    if call.kind == "selfdestruct" and sender == receiver and burns:
        receiver = bytes([sender[0]]) + bytes(20)
    return Movement(path, sender, receiver, call.value, not failed)


def plain(call: Call) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield every call with its place, none left out: what an export of traces lists."""
    waiting: list[tuple[tuple[int, ...], Call]] = [((), call)]
    while waiting:
        path, one = waiting.pop()
        yield path, one
        waiting += [((*path, at), inner) for at, inner in reversed(list(enumerate(one.calls)))]
