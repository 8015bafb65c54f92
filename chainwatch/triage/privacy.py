"""Who is shown and who is masked: roles, keyed pseudonyms, and the two editions of a result.

*Working* is for the desk and masks nothing. *Disclosure* leaves it: subjects, findings and
services are shown; everyone else stands under a keyed pseudonym, without transaction ids and with
amounts, times and counts made coarse. A mask hides which pseudonym is which; it cannot hide from
somebody who knows a subject's address whom that address pays on a public chain.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from chainwatch.addresses import text
from chainwatch.errors import InputError

WORKING, DISCLOSURE = "working", "disclosure"
EDITIONS = (DISCLOSURE, WORKING)

SUBJECT, FINDING, SERVICE, BYSTANDER = "subject", "finding", "service", "bystander"

FEWEST = 5
"""Fewer masked parties than this beside one subject are pooled: among so few a pseudonym hides
nobody."""

BANDS = ((1, "1"), (5, "2-5"), (20, "6-20"), (100, "21-100"))
"""Counts of masked parties are given as bands."""

Party = tuple[str, bytes]


@dataclass(frozen=True)
class Edition:
    """What a reader of this edition is shown of an address, a transaction, an amount, a time.

    Attributes
    ----------
    name : str
        ``working`` or ``disclosure``.
    key : bytes
        Secret of the case; pseudonyms cannot be undone without it. Never shown.
    roles : mapping
        ``(chain, address)`` to ``subject``, ``finding`` or ``service``; all else is a bystander.
    withheld : set of (chain, txid)
        Transactions in which a masked party stands anywhere in the case: a row that names none
        of them would still lead to them, by its transaction id or by its exact amount and time.
    """

    name: str
    key: bytes = field(repr=False)
    roles: Mapping[Party, str] = field(default_factory=dict, repr=False)
    withheld: frozenset[Party] = field(default_factory=frozenset, repr=False)

    def __post_init__(self) -> None:
        if self.name not in EDITIONS:
            raise InputError(
                f"unknown edition {self.name!r}", remedy=f"write one of {', '.join(EDITIONS)}"
            )
        if len(self.key) < 16:
            raise InputError("the mask key is shorter than 16 bytes", remedy="make a longer one")

    def role(self, chain: str, address: bytes) -> str:
        """Return the role of an address."""
        return self.roles.get((chain, address), BYSTANDER)

    def masks(self, chain: str, address: bytes | None) -> bool:
        """Return whether this edition hides an address."""
        return (
            self.name == DISCLOSURE
            and address is not None
            and self.role(chain, address) == BYSTANDER
        )

    def name_of(self, chain: str, address: bytes | None) -> str:
        """Return an address as this edition shows it: its text, or a keyed pseudonym."""
        if address is None:
            return ""
        if not self.masks(chain, address):
            return text(address, chain)
        seal = hmac.new(self.key, chain.encode() + b"\x00" + address, hashlib.sha256).digest()
        return "masked-" + base64.b32encode(seal)[:10].decode().lower()

    def seal(self, digest: str) -> str:
        """Return a digest that can leave the desk: keyed where the edition masks.

        A plain digest of a small table lets a reader try every address in turn.
        """
        if self.name == WORKING:
            return digest
        return hmac.new(self.key, digest.encode(), hashlib.sha256).hexdigest()


def coarse(amount: int) -> int:
    """Return an amount to one significant digit, halves up: 15,193 becomes 20,000."""
    size: int = 10 ** max(0, len(str(abs(amount))) - 1)
    return (abs(amount) + size // 2) // size * size * (1 if amount >= 0 else -1)


def band(count: int) -> str:
    """Return a count as a band: 7 becomes ``6-20``."""
    return next((name for top, name in BANDS if count <= top), "more than 100")


def annex(edition: Edition, parties: set[Party]) -> pl.DataFrame:
    """Return the key to the pseudonyms, for the court alone: ``chain, pseudonym, address``.

    Raises
    ------
    InputError
        If two addresses share a pseudonym (a chance of 2**-50 for each pair).
    """
    masked = sorted(party for party in parties if edition.masks(*party))
    rows = [(chain, edition.name_of(chain, item), text(item, chain)) for chain, item in masked]
    frame = pl.DataFrame(
        rows,
        schema=["chain", "pseudonym", "address"],
        orient="row",
        schema_overrides=dict.fromkeys(["chain", "pseudonym", "address"], pl.String),
    )
    if frame["pseudonym"].n_unique() != frame.height:
        raise InputError("two addresses share a pseudonym", remedy="choose another mask key")
    return frame.sort("pseudonym")
