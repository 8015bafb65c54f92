"""Which connections this process may open: every one is asked for here, and third parties logged.

A question to a stranger's server tells it whom you investigate. So nothing of chainwatch opens a
socket on its own: it asks :func:`network` for leave, which is refused offline, to hosts that were
not named, and to private addresses that were not given by the user. The name is looked up once
and the connection goes to the address that was judged, so a name that changes its address in
between gains nothing. What a third party is asked stands in the disclosure log before it is asked;
if the log cannot be written, nothing is asked.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from chainwatch.errors import NetworkRefused, NoAnswer
from chainwatch.legible import clipped, visible

LONGEST_ASKED = 2_000
"""Characters of a question that the log keeps."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAMES = ("localhost", "ip6-localhost")

Resolve = Callable[[str, int], tuple[str, ...]]
"""Host and port to addresses, the first to try first."""


def system_addresses(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host by the system's own look-up, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_private(address: str) -> bool:
    """Tell whether an IP address is none of the public Internet: loopback, local, reserved.

    An IPv4 address that stands inside an IPv6 address (mapped, 6to4, Teredo, NAT64) is judged too.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_private(str(ip.ipv4_mapped))
        inner = [ip.sixtofour, ip.teredo[1] if ip.teredo else None]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(part is not None and is_private(str(part)) for part in inner):
            return True
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def is_own_host(host: str) -> bool:
    """Tell whether a host, as the user wrote it, names a private or loopback address."""
    name = host_name(host)
    try:
        return is_private(name)
    except ValueError:
        return name in _LOCAL_NAMES or name.endswith(".localhost")


def host_name(host: str) -> str:
    """Return a host in the one form that is compared: lower case, no brackets, no last dot."""
    return host.strip().strip("[]").rstrip(".").lower()


@dataclass(frozen=True)
class DisclosureLog:
    """Who was asked what, and when: one line of JSON per request to a third party.

    Attributes
    ----------
    path : Path or None
        A file that is only appended to; None is ``disclosures.jsonl`` in the user's own folder for
        the state of programs. Only its owner may read it: it names whom you investigate.
    """

    path: Path | None = None

    @property
    def file(self) -> Path:
        """The file that is written."""
        if self.path is not None:
            return self.path
        import platformdirs

        return Path(platformdirs.user_state_path("chainwatch")) / "disclosures.jsonl"

    def add(self, host: str, port: int, asked: str, source: str) -> None:
        """Append one line.

        Raises
        ------
        NetworkRefused
            If the line cannot be written: what cannot be logged is not asked.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"), "host": host,
            "port": port, "asked": clipped(asked, LONGEST_ASKED), "source": source,
        }  # fmt: skip
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            handle = os.open(self.file, flags, 0o600)
            try:
                os.write(handle, json.dumps(line, ensure_ascii=True).encode() + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            raise NetworkRefused(
                f"the disclosure log cannot be written ({error.strerror}), so nothing was asked",
                where=self.file.name,
                remedy="name a file that can be written as the log",
            ) from None


@dataclass(frozen=True)
class Network:
    """What the process may connect to.

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
    """

    offline: bool = False
    only_hosts: tuple[str, ...] = ()
    allow_private: bool = False
    log: DisclosureLog = field(default_factory=DisclosureLog)
    resolve: Resolve = system_addresses

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
        NoAnswer
            If the name has no address.
        """
        name = host_name(host)
        self._check_host(name, port, to)
        addresses = tuple(known) or self._addresses(name, port, to, look_up=look_up)
        private = [address for address in addresses if is_private(address)]
        if private and not (own or self.allow_private):
            at = "" if name == private[0] else f", which is at {private[0]},"
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}{at} a private address",
                remedy="allow private addresses if the machine is yours",
            )
        if not addresses or len(private) < len(addresses):
            self.log.add(name, port, asked, to)
        return addresses if look_up else ()

    def _check_host(self, name: str, port: int, to: str) -> None:
        if self.offline:
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}, but chainwatch is offline",
                remedy="leave out --offline to let it",
            )
        allowed = [entry.strip().lower() for entry in self.only_hosts]
        if allowed and not {name, f"{name}:{port}", f"[{name}]:{port}"}.intersection(allowed):
            raise NetworkRefused(
                f"{to} was about to ask {_shown(name, port)}, which is not among the hosts named",
                remedy="add it with --only-hosts if it may learn what you ask",
            )

    def _addresses(self, name: str, port: int, to: str, *, look_up: bool) -> tuple[str, ...]:
        try:
            ipaddress.ip_address(name.partition("%")[0])
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


_in_force = [Network()]
_lock = threading.Lock()


def network() -> Network:
    """Return the policy in force, for all threads of the process."""
    return _in_force[-1]


@contextmanager
def use_network(
    *, offline: bool | None = None, only_hosts: Iterable[str] | None = None,
    allow_private: bool | None = None, log_file: str | Path | None = None,
    resolve: Resolve | None = None,
) -> Iterator[Network]:  # fmt: skip
    """Put a policy in force for a while; what is not given stays as it was.

    Offline stays offline inside, and hosts can only become fewer: where none is left, it is
    offline. No hosts given means no new limit.
    """
    with _lock:
        before = network()
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
        )
        _in_force.append(made)
    try:
        yield made
    finally:
        with _lock:
            _in_force.remove(made)


def _shown(name: str, port: int) -> str:
    return visible(f"[{name}]:{port}" if ":" in name else f"{name}:{port}")
