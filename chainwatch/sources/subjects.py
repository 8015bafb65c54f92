"""Whose histories are read: addresses, files of them, and extended public keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chainwatch.addresses import canonical
from chainwatch.addresses.descriptors import key_of
from chainwatch.errors import InputError
from chainwatch.ingest import pull as pulling
from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ingest.xpub import KeyAddresses, WalletKey, addresses_of_xpub
from chainwatch.ledger.ledger import open_ledger

LONGEST_KEY_FILE = 1_000_000
"""Bytes of a file with extended keys."""

LONGEST_LIST = 50_000_000
"""Bytes of a file of addresses."""

MakeSource = Callable[[list[bytes]], Source]
"""Makes the source that reads the histories of these addresses."""


@dataclass(frozen=True)
class Subjects:
    """Whose histories were asked for; the key is never shown.

    Attributes
    ----------
    addresses : tuple of str
        Addresses as text.
    keys : tuple of ExtendedKey or Descriptor
        Each stands for all addresses of a wallet, or of a part of one.
    gap, kinds, branches
        As :func:`chainwatch.ingest.xpub.addresses_of_xpub` takes them.
    """

    addresses: tuple[str, ...] = ()
    keys: tuple[WalletKey, ...] = field(default=(), repr=False)
    gap: int = 20
    kinds: tuple[str, ...] | None = None
    branches: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls, addresses: Sequence[str] | None, listed: Path | None, keys: Sequence[WalletKey], *,
        gap: int = 20, kinds: Sequence[str] | None = None, branches: Sequence[int] | None = None,
    ) -> Subjects:  # fmt: skip
        """Return what lists, a file and keys name; the branch -1 says that a key is one."""
        named = tuple(addresses or ()) + (tuple(read_addresses(listed)) if listed else ())
        numbers = None if not branches else tuple(number for number in branches if number != -1)
        return cls(named, tuple(keys), gap, tuple(kinds) if kinds else None, numbers)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.keys)

    def wanted(self, ledger: Path, chain: str) -> tuple[list[bytes], list[KeyAddresses]]:
        """Return the addresses to read, given what the ledger tells of those of each key so far."""
        found = [canonical.parse(text, chain) for text in self.addresses]
        used = open_ledger(ledger) if self.keys and ledger.exists() else None
        derived = [
            addresses_of_xpub(
                key, gap=self.gap, chain=chain, kinds=self.kinds, branches=self.branches, used=used
            )
            for key in self.keys
        ]
        for one in derived:
            found += one.frame["address"].to_list()
        return list(dict.fromkeys(found)), derived


def pull_histories(
    ledger: Path, source: MakeSource, subjects: Subjects, chain: str
) -> Iterator[PullReport | KeyAddresses]:
    """Pull what was named into a ledger; yield the report of each pull, and those of each key.

    The addresses of extended keys are read until a whole gap of each branch was never paid.

    Parameters
    ----------
    ledger : path
        Folder of the ledger.
    source : callable
        Makes the source of a list of addresses.
    subjects : Subjects
        Whose histories; a source that reads no histories is made once, of none.
    chain : str
        Alias or CAIP-2 id of the addresses' chain.
    """
    before: list[bytes] | None = None
    while True:
        wanted, derived = subjects.wanted(ledger, chain)
        if wanted == before:
            break
        yield pulling.pull(ledger, source(wanted))
        if not derived:
            return
        before = wanted
    yield from derived


def read_addresses(path: Path) -> Iterator[str]:
    """Yield the addresses of a file: one a line; what follows a # is a remark.

    Raises
    ------
    InputError
        If it cannot be read, or holds none.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(LONGEST_LIST + 1)
        _check_utf_8(data, path, _A_LINE)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"the list of addresses cannot be read ({error.strerror})",
            where=path.name,
            remedy=_A_LINE,
        ) from None
    except UnicodeDecodeError:
        raise InputError(
            "the list of addresses is no text in UTF-8", where=path.name, remedy=_A_LINE
        ) from None
    if len(data) > LONGEST_LIST:
        raise InputError(
            f"the list of addresses is longer than {LONGEST_LIST:,} bytes",
            where=path.name,
            remedy="give it in parts, one pull after the other",
        )
    found = [line.partition("#")[0].strip() for line in text.splitlines()]
    if not any(found):
        raise InputError("the list of addresses is empty", where=path.name, remedy=_A_LINE)
    yield from filter(None, found)


_A_LINE = "name a text file with one address a line"
_A_KEY = "name a text file that holds keys or descriptors, one a line, and nothing else"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_keys(path: Path) -> tuple[WalletKey, ...]:
    """Read extended public keys or output descriptors from a file, one a line.

    Wallets export two descriptors, of their receiving and of their change addresses; Bitcoin Core
    lists them in JSON.

    Raises
    ------
    InputError
        If there is none in it, or a line is none; what stands there is not repeated.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(LONGEST_KEY_FILE + 1)
            _check_utf_8(data, path, _A_KEY)
            text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"the extended key cannot be read ({error.strerror})",
            where=path.name,
            remedy=_A_KEY,
        ) from None
    except UnicodeDecodeError:
        raise InputError("the file holds no extended key", where=path.name, remedy=_A_KEY) from None
    if len(data) > LONGEST_KEY_FILE:
        raise InputError(
            f"the file is longer than {LONGEST_KEY_FILE:,} bytes", where=path.name, remedy=_A_KEY
        )
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if found and found[0][0] in "{[" and found[-1][-1] in "}]":
        found = _descriptors(text)
    if not found:
        raise InputError("the file holds no extended key", where=path.name, remedy=_A_KEY)
    try:
        return tuple(key_of(line) for line in dict.fromkeys(found))
    except InputError as error:
        wrong = next(line for line in found if not _is_key(line))
        line = f" line {lines.index(wrong) + 1:,}" if len(found) > 1 and wrong in lines else ""
        raise InputError(error.what, where=f"{path.name}{line}", remedy=error.remedy) from None


def _descriptors(text: str) -> list[str]:
    """Return the descriptors that Bitcoin Core lists in JSON (``listdescriptors``)."""
    try:
        held = [json.loads(text)]
    except (ValueError, RecursionError):
        return []
    found = []
    while held:
        one = held.pop()
        if isinstance(one, dict):
            found += [one["desc"]] if isinstance(one.get("desc"), str) else []
            held += one.values()
        elif isinstance(one, list):
            held += reversed(one)
    return found


def _is_key(line: str) -> bool:
    try:
        key_of(line)
    except InputError:
        return False
    return True


def _check_utf_8(data: bytes, path: Path, remedy: str) -> None:
    """Say of a file in UTF-16, as some editors save text, that it is one."""
    if data.startswith(_UTF_16) or b"\0" in data[:2]:
        raise InputError(
            "the file is text in UTF-16", where=path.name, remedy=f"save it as UTF-8; {remedy}"
        )
