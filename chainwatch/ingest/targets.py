"""Whose history is read: an address, or an output script that has none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from chainwatch.addresses import canonical as address_book
from chainwatch.addresses.scripts import LARGEST_SCRIPT, classify, script_of
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError


@dataclass(frozen=True)
class Target:
    """A script whose history is read, its address if it has one, and its name in words."""

    script: bytes
    address: bytes | None
    name: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the script, by which servers know it."""
        return hashlib.sha256(self.script).digest()

    @property
    def key(self) -> str:
        """How its units of coverage begin."""
        if self.address is not None:
            return f"address/{self.address.hex()}"
        return f"script/{self.digest.hex()}"

    @property
    def kind(self) -> str:
        """Kind of its units of coverage."""
        return self.key.partition("/")[0]


def targets_of(
    addresses: Iterable[str | bytes], scripts: Iterable[bytes], chain: Chain
) -> tuple[Target, ...]:
    """Return the targets of addresses, as text or canonical bytes, and of scripts; each once.

    Raises
    ------
    InputError
        If an address is none of the chain, or a script none that can be spent.
    """
    given = [addresses] if isinstance(addresses, (str, bytes)) else addresses
    found = [_address(item, chain) for item in given]
    found += [_script(script, chain) for script in scripts]
    return tuple({target.script: target for target in found}.values())


def _address(given: str | bytes, chain: Chain) -> Target:
    address = address_book.parse(given, chain) if isinstance(given, str) else given
    return Target(script_of(address), address, address_book.text(address, chain))


def _script(script: bytes, chain: Chain) -> Target:
    if not 0 < len(script) <= LARGEST_SCRIPT:
        raise InputError(
            f"{len(script):,} bytes are no output script that can be spent",
            remedy=f"give the bytes of the script itself, 1 to {LARGEST_SCRIPT:,} of them",
        )
    address = classify(script, chain.forms).address
    if address is not None:
        return _address(address, chain)
    return Target(script, None, f"script {hashlib.sha256(script).hexdigest()}")
