"""Options that commands of ``chainwatch pull`` share, and what is made of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from chainwatch.errors import InputError

LedgerOption = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger.")]
ChainOption = Annotated[str, typer.Option("--chain", help="Alias or CAIP-2 id.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Open no connection at all.")]
HostsOption = Annotated[
    str, typer.Option("--only-hosts", help="Ask only these: host or host:port, by commas.")
]
SpanOption = Annotated[
    str, typer.Option("--span", help="Heights A:B, from A until before B; either may be left out.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", help="Keep up with the tip until Ctrl-C is pressed.")
]
EveryOption = Annotated[float, typer.Option("--every", help="Seconds between two pulls.", min=1)]
OwnOption = Annotated[
    bool, typer.Option("--own", help="The server is yours: it may be at a private address.")
]
MostOption = Annotated[
    int, typer.Option("--max-transactions", help="Of one history; more are not read.", min=1)
]
RateOption = Annotated[
    float | None, typer.Option("--per-second", help="Requests a second; fewer for strangers.")
]
SecretOption = Annotated[
    str | None, typer.Option("--password", help="Where it is: env:NAME or keyring:SERVICE.")
]


@contextmanager
def asking(ledger: Path, *, offline: bool, only_hosts: str) -> Iterator[None]:
    """Put the policy of a command in force, and log what third parties are asked.

    The log lies beside the ledger, so that a copy of the ledger does not take it along.
    """
    from chainwatch.net.policy import use_network

    place = ledger.absolute()
    log = place.with_name(f"{place.name}.disclosures.jsonl")
    with use_network(offline=offline, only_hosts=hosts_of(only_hosts), log_file=log):
        yield


def hosts_of(text: str) -> tuple[str, ...]:
    """Return the hosts of a list with commas; a list of none but commas is an error."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if text and not found:
        raise InputError("--only-hosts names no host", remedy="write --only-hosts a.example,b")
    return found


def span_of(text: str) -> tuple[int, int | None] | None:
    """Return heights, half-open, of a text such as ``100:200``, ``100:`` or ``:200``."""
    if not text:
        return None
    first, colon, last = text.partition(":")
    numbers = [part for part in (first, last) if part]
    if not colon or not all(part.isascii() and part.isdigit() for part in numbers):
        raise InputError(f"{text!r} is no span of heights", remedy="write --span 800000:800100")
    low, high = int(first or 0), int(last) if last else None
    if high is not None and high <= low:
        raise InputError(f"the span {text} is empty", remedy="the second height is not included")
    return low, high


def server_of(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise InputError(f"{text!r} is no HOST:PORT", remedy="write it as 127.0.0.1:50001")
    return host.strip("[]"), int(port)


def checked_url(url: str) -> None:
    """Refuse an address that holds a login: others of this machine can read a command line."""
    # Not parsed: what makes the parser fail would stand in its error, a password with it.
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise InputError(
            "a user or password stands in the address of the server",
            remedy="leave it out, and name where it is kept with --password or --header",
        )


def checked_place(text: str, option: str) -> str:
    """Return where a secret is kept; a secret itself is refused, and not repeated."""
    if not text.startswith(("env:", "keyring:")):
        raise InputError(
            f"{option} takes the place of a secret, never the secret itself",
            remedy="write env:NAME or keyring:SERVICE",
        )
    return text


def headers_of(given: list[str]) -> dict[str, str] | None:
    """Return header fields with the secrets that the texts name."""
    from chainwatch.net.credentials import password_of

    found = {}
    for text in given:
        name, equals, place = text.partition("=")
        if not equals or not name.strip():
            raise InputError("--header takes NAME=env:VARIABLE or NAME=keyring:SERVICE")
        found[name.strip()] = password_of(checked_place(place, "--header"), name.strip())
    return found or None
