"""Hosts: the one form of their names, their addresses, and which of them are private."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from chainwatch.errors import InputError

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
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:
            return True
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


def split_url(url: str, source: str) -> SplitResult:
    """Return the parts of a base address.

    Raises
    ------
    InputError
        If it is no ``http`` or ``https`` address, or has a query.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise InputError(
            f"the address given to {source} is no plain http or https address",
            remedy="write it as https://host/path, and give a key as a header",
        )
    return parts


def target_of(parts: SplitResult) -> tuple[str, int]:
    """Return host and port that an address names."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return host_name(parts.hostname or ""), port
