"""What people write for a parameter of a source, made what its constructor takes.

It is the same on the command line and in a case file: heights as ``800000:800100``, bytes in
hexadecimal, and of a secret only the place where it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainwatch.errors import InputError
from chainwatch.sources.parameters import Asked, Parameter, Secret, Wanted

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Span

LARGEST_PORT = (1 << 16) - 1
PLACES = ("env:", "keyring:")
"""How the place of a secret begins."""


def heights(text: str) -> Span:
    """Return heights, half-open, of a text such as ``100:200``, ``100:`` or ``:200``.

    Raises
    ------
    InputError
        If it is no such text, or there is no height in it.
    """
    first, colon, last = text.partition(":")
    numbers = [part for part in (first, last) if part]
    if not colon or not all(part.isascii() and part.isdigit() for part in numbers):
        raise InputError(f"{text!r} is no span of heights", remedy="write it as 800000:800100")
    low, high = int(first or 0), int(last) if last else None
    if high is not None and high <= low:
        raise InputError(f"the span {text} is empty", remedy="the second height is not included")
    return low, high


def host_and_port(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 address stands in brackets.

    Raises
    ------
    InputError
        If it is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= LARGEST_PORT):
        raise InputError(f"{text!r} is no HOST:PORT", remedy="write it as 127.0.0.1:50001")
    return host.strip("[]"), int(port)


def server_asked(parameter: Parameter, values: Mapping[str, object]) -> tuple[str, int | None]:
    """Return the host that a source will ask, and its port where that is known."""
    from chainwatch.net.hosts import host_name, split_url, target_of

    mark, text = parameter.mark(Asked), str(values.get(parameter.name, parameter.default))
    if mark is None or not mark.port:
        return target_of(split_url(text, "the source"))
    port = values.get(mark.port)
    return host_name(text), port if isinstance(port, int) else None


def checked_url(url: str) -> str:
    """Return the address of a server; refuse one that holds a login, which others can read.

    Raises
    ------
    InputError
        Without repeating the address.
    """
    # Not parsed: what makes the parser fail would stand in its error, a password with it.
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise InputError(
            "a user or password stands in the address of the server",
            remedy="leave it out, and say where it is kept: env:NAME or keyring:SERVICE",
        )
    return url


def checked_place(text: str, named: str) -> str:
    """Return where a secret is kept; a secret itself is refused, and not repeated.

    Raises
    ------
    InputError
        If the text begins like no place.
    """
    if not text.startswith(PLACES):
        raise InputError(
            f"{named} takes the place of a secret, never the secret itself",
            remedy="write env:NAME or keyring:SERVICE",
        )
    return text


def hexadecimal(text: str) -> bytes:
    """Return the bytes of a hexadecimal text.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(
            "a text that is no bytes in hexadecimal", remedy="write two digits for each byte"
        ) from None


def constructor_values(
    parameters: Iterable[Parameter], written: Mapping[str, Any], *,
    path: Callable[[str], Path], named: Callable[[str], str] = str,
) -> dict[str, Any]:  # fmt: skip
    """Return the arguments of a constructor, of what was written for its parameters.

    Parameters
    ----------
    parameters : iterable of Parameter
        Those of the source.
    written : mapping of str to object
        Plain data by the name of the parameter; what is null counts as not given.
    path : callable
        Makes a path of a text; a case file may name files in its data folder only.
    named : callable
        How a parameter is called where it was written, such as ``--password``.

    Raises
    ------
    InputError
        If a value is none of its kind, or a secret is not where it should be.
    """
    found: dict[str, Any] = {}
    for item in parameters:
        value = written.get(item.name)
        if value is None:
            continue
        if item.keyed:
            pairs = dict(value).items()
            found[item.name] = {key: _one(item, v, written, path, named, key) for key, v in pairs}
        elif item.several:
            found[item.name] = [_one(item, v, written, path, named) for v in value]
        else:
            found[item.name] = _one(item, value, written, path, named)
    return found


def _one(
    item: Parameter, value: Any, written: Mapping[str, Any], path: Callable[[str], Path],
    named: Callable[[str], str], key: str = "",
) -> Any:  # fmt: skip
    secret = item.mark(Secret)
    if secret is not None:
        place = checked_place(str(value), named(item.name))
        return place if secret.looked_up else _looked_up(place, key, secret, item, written)
    if item.mark(Asked):
        return checked_url(str(value))
    match item.kind:
        case "path":
            return path(str(value))
        case "heights":
            return heights(str(value))
        case "bytes":
            return hexadecimal(str(value))
        case "table":
            return item.table.load(path(str(value))) if isinstance(value, str | Path) else value
        case _:
            return value


def _looked_up(
    place: str, key: str, secret: Secret, item: Parameter, written: Mapping[str, Any]
) -> str:
    from chainwatch.net.credentials import password_of

    return password_of(place, key or str(written.get(secret.user) or item.name))


def check_wanted(
    parameters: Iterable[Parameter], values: Mapping[str, object], named: Callable[[str], str] = str
) -> None:
    """Refuse a source that is not told what to read, where it must be.

    Raises
    ------
    InputError
        Naming what may be given.
    """
    wanted = [item.name for item in parameters if item.mark(Wanted)]
    if wanted and not any(values.get(name) for name in wanted):
        raise InputError(
            "nothing to read was named", remedy=f"give {' or '.join(map(named, wanted))}"
        )
