"""Who is shown and who is masked: roles, keyed pseudonyms, and the two editions of a result.

*Working* is for the desk and masks nothing. *Disclosure* leaves it: subjects, findings and
services are shown; everyone else stands under a keyed pseudonym, without transaction ids and with
amounts, times and counts made coarse, or under one common word in sums over several. A mask hides
which pseudonym is which; it cannot hide from somebody who knows a subject's address whom that
address pays on a public chain.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.errors import InputError
from chainwatch.results.roles import BYSTANDER, Party

WORKING, DISCLOSURE = "working", "disclosure"
EDITIONS = (DISCLOSURE, WORKING)


FEWEST = 5
"""A pseudonym stands only where at least this many parties look alike: among fewer, the public
chain tells which is which. A choice of this project, usual in published statistics."""

POOLED = "masked"
"""The word under which all other masked parties stand; every pseudonym begins with it."""

WITHHELD = "withheld"

BANDS = ((0, "0"), (1, "1"), (5, "2-5"), (20, "6-20"), (100, "21-100"))
"""Counts of masked parties are given as bands."""


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
    withheld : mapping
        ``(chain, txid)`` of transactions in which a masked party stands anywhere in the case, to
        these parties: a row that names none of them would still lead to them, by its transaction
        id or by its exact amount and time.
    pooled : set of str
        Pseudonyms that would single a party out; those parties share the word ``masked``.
    rounded, published : set of int
        Sums that findings of this edition round, as few stand behind them, and sums that they
        give to the last unit: the same sum is said in the same way wherever else it stands.
    """

    name: str
    key: bytes = field(repr=False)
    roles: Mapping[Party, str] = field(default_factory=dict, repr=False)
    withheld: Mapping[Party, frozenset[bytes]] = field(default_factory=dict, repr=False)
    pooled: frozenset[str] = field(default_factory=frozenset, repr=False)
    rounded: frozenset[int] = field(default_factory=frozenset, repr=False)
    published: frozenset[int] = field(default_factory=frozenset, repr=False)

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
        """Return an address as this edition shows it: its text, a pseudonym, or ``masked``."""
        if address is None:
            return ""
        if not self.masks(chain, address):
            return text(address, chain)
        name = self.pseudonym(chain, address)
        return POOLED if name in self.pooled else name

    def pseudonym(self, chain: str, address: bytes) -> str:
        """Return the keyed pseudonym of an address, whether or not it is shown anywhere."""
        seal = hmac.new(self.key, chain.encode() + b"\x00" + address, hashlib.sha256).digest()
        return f"{POOLED}-{base64.b32encode(seal)[:10].decode().lower()}"

    def hides(self, chain: str, txid: bytes | None, *parties: bytes | None) -> bool:
        """Return whether a transaction leads to a masked party: one named beside it, or another."""
        return (chain, txid) in self.withheld or any(self.masks(chain, item) for item in parties)

    def txid(self, chain: str, txid: bytes | None, *parties: bytes | None) -> str:
        """Return a transaction id as this edition shows it beside parties."""
        if txid is None:
            return ""
        return WITHHELD if self.hides(chain, txid, *parties) else txid_text(txid, chain)

    def names_all(self) -> bool:
        """Return whether nobody is masked, so that every name may be said."""
        return self.name == WORKING

    def time(self, chain: str, time: datetime, *parties: bytes | None) -> str:
        """Return a time as this edition shows it beside parties: to the month if one is masked."""
        return month(time) if self.hides(chain, None, *parties) else moment(time)

    def seal(self, digest: str) -> str:
        """Return a digest that can leave the desk: keyed where the edition masks.

        A plain digest of a small table lets a reader try every address in turn.
        """
        if self.name == WORKING:
            return digest
        return hmac.new(self.key, digest.encode(), hashlib.sha256).hexdigest()

    def digest(self, digest: str) -> str:
        """Return a digest as `seal` does, with the name of what it is."""
        return f"{'sha256' if self.name == WORKING else 'hmac-sha256'}:{self.seal(digest)}"


def moment(time: datetime) -> str:
    """Return a time as ISO 8601 text in UTC."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"


def month(time: datetime) -> str:
    """Return the month of a time."""
    return f"{time:%Y-%m}"


def coarse(amount: int) -> int:
    """Return an amount to one significant digit, halves up: 15,193 becomes 20,000."""
    size: int = 10 ** max(0, len(str(abs(amount))) - 1)
    return (abs(amount) + size // 2) // size * size * (1 if amount >= 0 else -1)


def band(count: int) -> str:
    """Return a count as a band: 7 becomes ``6-20``."""
    return next((name for top, name in BANDS if count <= top), "more than 100")


def annex(edition: Edition, parties: set[Party], standing: Set[str]) -> pl.DataFrame:
    """Return whom each pseudonym stands for, for the court alone.

    Parameters
    ----------
    edition : Edition
        The edition that was disclosed.
    parties : set of (chain, address)
        Every party of the case.
    standing : set of str
        Pseudonyms that stand in what was disclosed.

    Returns
    -------
    polars.DataFrame
        ``chain, pseudonym, shown, address``: every masked party; ``shown`` is what the edition
        prints for it: its pseudonym, the common word, or nothing where its rows are left out.

    Raises
    ------
    InputError
        If two addresses share a pseudonym (a chance of 2**-50 for each pair).
    """
    rows = []
    for chain, item in sorted(party for party in parties if edition.masks(*party)):
        name = edition.pseudonym(chain, item)
        shown = POOLED if name in edition.pooled else name if name in standing else ""
        rows.append((chain, name, shown, text(item, chain)))
    schema = dict.fromkeys(["chain", "pseudonym", "shown", "address"], pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    if frame["pseudonym"].n_unique() != frame.height:
        raise InputError("two addresses share a pseudonym", remedy="choose another mask key")
    return frame.sort("pseudonym")
