"""What no artefact of a disclosure may hold: who is masked, transactions that lead there, keys."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainwatch.addresses.canonical import parse, parse_txid
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, ChainError, InputError
from chainwatch.privacy.mask_key import read_mask_key
from chainwatch.results.roles import Party

KEY_FILE, PSEUDONYMS = "mask_key.txt", "pseudonyms.csv"
"""Files of an annex."""

MASKED = "masked"
"""Folder of a working edition that lists whom the disclosure masks."""

PARTIES, TRANSACTIONS = "masked_parties.csv", "withheld_transactions.csv"
"""Its tables: ``chain, address`` and ``chain, txid``, as text."""


@dataclass(frozen=True)
class Secrets:
    """What is searched for.

    Attributes
    ----------
    parties : frozenset of (chain, address)
        Who is masked; None where nothing says who.
    transactions : frozenset of (chain, txid)
        Transactions in which they stand; None where nothing says which.
    key : bytes or None
        The mask key, where it is known.
    """

    parties: frozenset[Party] | None = None
    transactions: frozenset[Party] | None = None
    key: bytes | None = None


def read_secrets(working: Path | None, annex: Path | None, key_file: Path | None) -> Secrets:
    """Read what may not stand in a disclosure.

    Parameters
    ----------
    working : Path, optional
        A working edition of the case: it lists whom the disclosure masks.
    annex : Path, optional
        The annex of the case: the pseudonyms and the key.
    key_file : Path, optional
        The key by itself.

    Raises
    ------
    InputError
        If nothing is given, or a file is missing or is none of these; no secret is repeated.
    """
    if working is None and annex is None and key_file is None:
        raise InputError(
            "nothing says whom to look for",
            remedy="name the working edition, the annex, or the file of the mask key",
        )
    parties: set[Party] | None = None
    transactions: set[Party] | None = None
    if working is not None:
        parties = set(_rows(working / MASKED / PARTIES, "address"))
        transactions = set(_rows(working / MASKED / TRANSACTIONS, "txid"))
    if annex is not None:
        parties = (parties or set()) | set(_rows(annex / PSEUDONYMS, "address"))
    file = key_file or (annex / KEY_FILE if annex is not None else None)
    return Secrets(
        None if parties is None else frozenset(parties),
        None if transactions is None else frozenset(transactions),
        None if file is None else read_mask_key(file),
    )


def _rows(path: Path, column: str) -> Iterator[Party]:
    """Yield chain and canonical bytes of the rows of a table."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "the list of who is masked cannot be read",
            where=str(path),
            remedy="name a working edition or an annex as this version writes them",
        ) from error
    for number, row in enumerate(rows, 2):  # the first line names the columns
        try:
            chain = chain_of(row["chain"] or "").id
            read = parse if column == "address" else parse_txid
            yield chain, read(row[column] or "", chain)
        except (KeyError, AddressError, ChainError):
            # The line is not quoted, nor is what it broke on: it may be of somebody masked.
            raise InputError(
                f"a line of the list of who is masked has no chain and {column}",
                where=f"{path} line {number}",
                remedy="write the working edition and the annex again",
            ) from None
