"""Which connections this process may open: every one is asked for here, and third parties logged.

A question to a stranger's server tells it whom you investigate. So nothing of chainwatch opens a
socket on its own: it asks :func:`network` for leave, which is refused offline, to hosts that were
not named, and to private addresses that were not given by the user. The name is looked up once
and the connection goes to the address that was judged, so a name that changes its address in
between gains nothing. What a third party is asked stands in the disclosure log before it is asked;
if the log cannot be written, nothing is asked.

A policy holds for the context that put it in force (``contextvars``), so that two cases read in
two threads have each a log of its own. Only what restricts, ``offline``, ``only_hosts`` and a
budget of requests, holds in the whole process as long as the block lasts.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path

from chainwatch.errors import BudgetSpent, NetworkRefused, NoAnswer
from chainwatch.net.audit_log import DisclosureLog
from chainwatch.net.hosts import (
    Resolve,
    host_name,
    is_own_host,
    is_private,
    system_addresses,
)
from chainwatch.sanitize import visible

__all__ = [
    "Network",
    "RequestBudget",
    "host_name",
    "is_own_host",
    "is_private",
    "network",
    "system_addresses",
    "use_network",
]


class RequestBudget:
    """So many requests, and no more.

    Parameters
    ----------
    most : int
        Requests that may be made.

    Attributes
    ----------
    used : int
        Requests made so far.
    """

    def __init__(self, most: int) -> None:
        self.most, self.used = most, 0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one request.

        Raises
        ------
        BudgetSpent
            If all were made.
        """
        with self._lock:
            if self.used >= self.most:
                raise BudgetSpent(
                    f"the budget of {self.most:,} requests is spent",
                    remedy="allow more requests, or go on from what was kept",
                )
            self.used += 1


@dataclass(frozen=True)
class Network:
    """What may be connected to, and where that is written down.

    Attributes
    ----------
    offline : bool
        Nothing at all, one's own machine included.
    only_hosts : tuple of str
        Only these hosts (``host`` or ``host:port``, exactly); empty means any.
    allow_private : bool
        Private addresses without further leave.
    log : DisclosureLog
        Where requests to third parties are written down.
    resolve : callable
        How a name becomes addresses.
    budget : RequestBudget or None
        How many requests may be made; None is any number.
    """

    offline: bool = False
    only_hosts: tuple[str, ...] = ()
    allow_private: bool = False
    log: DisclosureLog = field(default_factory=DisclosureLog)
    resolve: Resolve = system_addresses
    budget: RequestBudget | None = None

    def permit(
        self, host: str, port: int, asked: str, to: str, *, own: bool = False,
        known: Iterable[str] = (), look_up: bool = True,
    ) -> tuple[str, ...]:  # fmt: skip
        """Give leave for one request, log it if it goes to a third party, and return where to.

        Parameters
        ----------
        host, port : str, int
            Whom to ask.
        asked : str
            What is asked, without keys; goes into the log.
        to : str
            The source that asks it, by its name.
        own : bool
            The user gave this very host as their own: it may be private.
        known : iterable of str
            Addresses that an earlier leave returned; they are judged again, not looked up.
        look_up : bool
            False if nothing will be connected to: then only an address as such is judged.

        Returns
        -------
        tuple of str
            IP addresses; connect to these and to no other. Empty without ``look_up``.

        Raises
        ------
        NetworkRefused
            If the policy forbids it; no name was looked up then, unless its address is the reason.
        BudgetSpent
            If as many requests were made as were allowed.
        NoAnswer
            If the name has no address.
        """
        name = host_name(host)
        self._check_host(name, port, to)
        self._take_one()
        addresses = tuple(known) or self._addresses(name, port, to, look_up=look_up)
        private = [address for address in addresses if is_private(address)]
        if private and not (own or self.allow_private):
            at = "" if name == private[0] else f", which is at {private[0]},"
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}{at} a private address",
                remedy="say own=True (--own) if the machine is yours",
            )
        if not addresses or len(private) < len(addresses):
            self.log.add(name, port, asked, to)
        return addresses if look_up else ()

    def _check_host(self, name: str, port: int, to: str) -> None:
        """Hold a host against this policy and against every limit in force in the process."""
        limits = [self, *(block.policy for block in _in_force())]
        if any(limit.offline for limit in limits):
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}, but chainwatch is offline",
                remedy="leave out offline=True (--offline) to let it",
            )
        forms = {name, f"{name}:{port}", f"[{name}]:{port}"}
        named = [[entry.strip().lower() for entry in limit.only_hosts] for limit in limits]
        if any(hosts and not forms.intersection(hosts) for hosts in named):
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}, which is not among the hosts named",
                remedy="add it to only_hosts (--only-hosts) if it may learn what you ask",
            )

    def _take_one(self) -> None:
        """Count a request against every budget in force in the process."""
        limits = (self, *(block.policy for block in _in_force()))
        budgets = {id(limit.budget): limit.budget for limit in limits if limit.budget}
        for budget in budgets.values():
            budget.take()

    def _addresses(self, name: str, port: int, to: str, *, look_up: bool) -> tuple[str, ...]:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            if not look_up:
                return ()
        else:
            return (name,)
        try:
            found = self.resolve(name, port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise NoAnswer(
                f"{to} finds no address of {_shown(name, port)}",
                remedy="check the name and the connection",
            )
        return tuple(found)

    def connect(
        self, host: str, port: int, asked: str, to: str, *, own: bool = False, timeout: float = 20.0
    ) -> socket.socket:
        """Return a TCP connection to a host for which leave was given.

        Raises
        ------
        NetworkRefused
            If the policy forbids it.
        NoAnswer
            If none of its addresses answers.
        """
        last = "no address"
        for address in self.permit(host, port, asked, to, own=own):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                last = error.strerror or type(error).__name__
        raise NoAnswer(
            f"{to} reaches no server at {_shown(host_name(host), port)} ({last})",
            remedy="check that it runs and that the port is right",
        )


class _Block:
    """One ``use_network`` block: its policy, the block around it, and who put it in force."""

    def __init__(self, policy: Network, around: _Block | None) -> None:
        self.policy, self.around, self.over = policy, around, False
        self.thread = threading.get_ident()

    def covers(self, other: _Block) -> bool:
        """Tell whether it lies around another one of the same thread."""
        around = other.around
        while around is not None and around is not self:
            around = around.around
        return around is self and other.thread == self.thread


_blocks: list[_Block] = []
_lock = threading.Lock()
_here: ContextVar[_Block | None] = ContextVar("chainwatch_network", default=None)


def _in_force() -> list[_Block]:
    with _lock:
        return list(_blocks)


def network() -> Network:
    """Return the policy of this context.

    A thread begins with an empty context. Without a block of its own it has the policy of the main
    thread.

    Raises
    ------
    NetworkRefused
        If other threads have logs of their own: it cannot be told whose this thread's would be.
    """
    here = _here.get()
    if here is not None:
        return here.policy
    policy, main = _of_main(), threading.main_thread().ident
    for block in _inmost():
        theirs = (block.policy.log, block.policy.resolve)
        apart = block.thread == main or threading.get_ident() != main
        if apart and theirs != (policy.log, policy.resolve):
            raise NetworkRefused(
                "several policies are in force, and this thread was started under none of them",
                remedy="open a use_network block in the thread, or start what it does with "
                "contextvars.copy_context().run",
            )
    return policy


def _inmost() -> list[_Block]:
    blocks = _in_force()
    return [one for one in blocks if not any(one.covers(other) for other in blocks)]


def _of_main() -> Network:
    """Return what a context without a block begins with."""
    main = threading.main_thread().ident
    return next((one.policy for one in _inmost() if one.thread == main), Network())


@contextmanager
def use_network(
    *, offline: bool | None = None, only_hosts: Iterable[str] | None = None,
    allow_private: bool | None = None, log_file: str | Path | None = None,
    resolve: Resolve | None = None, most_requests: int | None = None,
) -> Iterator[Network]:  # fmt: skip
    """Put a policy in force for a while; what is not given stays as it was.

    Offline stays offline inside, and hosts can only become fewer: where none is left, it is
    offline. No hosts given means no new limit. ``most_requests`` counts every request, also to
    one's own servers. These limits hold for every thread of the process as
    long as the block lasts; the rest holds for this context, and what the main thread puts in
    force also for threads without a block of their own (see :func:`network`).

    Fails when
    ----------
    A thread that was started inside goes on after the end of the block: it is no longer under its
    limits, unless it was started in a copy of the context.
    """
    around = _here.get()
    before = _of_main() if around is None else around.policy
    hosts = before.only_hosts
    if named := tuple(dict.fromkeys(only_hosts or ())):
        hosts = tuple(host for host in named if not hosts or host in hosts)
        offline = offline or not hosts
    made = replace(
        before,
        offline=before.offline or bool(offline),
        only_hosts=hosts,
        allow_private=before.allow_private if allow_private is None else allow_private,
        log=before.log if log_file is None else DisclosureLog(Path(log_file)),
        resolve=resolve or before.resolve,
        budget=None if most_requests is None else RequestBudget(most_requests),
    )
    block = _Block(made, around)
    with _lock:
        _blocks.append(block)
    _here.set(block)
    try:
        yield made
    finally:
        with _lock:
            _blocks.remove(block)
        _leave(block)


def _leave(block: _Block) -> None:
    """Go back to the nearest block around that is not over: blocks may end out of order."""
    block.over = True
    here = _here.get()
    if here is block:
        while here is not None and here.over:
            here = here.around
        _here.set(here)


def _shown(name: str, port: int) -> str:
    return visible(f"[{name}]:{port}" if ":" in name else f"{name}:{port}")
