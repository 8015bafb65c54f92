"""Free text as an edition may say it: addresses and transaction ids of masked parties taken out.

Notes, titles, labels, file names, web addresses and parameters are written by people, who name
addresses in them. Every masked party of the case is replaced by what the edition calls it, however
its address is written; so is whatever else reads as an address and is not one that the edition
shows. Ids of withheld transactions go in either byte order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

import polars as pl

from chainwatch.addresses.canonical import kind_of, parse, text
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import all_chains, chain
from chainwatch.errors import InputError
from chainwatch.privacy.edition import DISCLOSURE, POOLED, WITHHELD, Edition
from chainwatch.results.roles import Party

WORD = re.compile(r"((?:hmac-)?sha256:[0-9a-f]{16,})|([0-9A-Za-z]{26,})")
"""No address and no transaction id is shorter; what is said to be a digest is none of them."""

HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2})+)\Z", re.IGNORECASE)

BARE_BYTES = 20
"""An account's address, or the hash in an older coin address, written without a prefix."""

TXID_BYTES = 32
"""A transaction id, or the hash of a script: it can read as an address, and is none."""


class TextMask:
    """Says texts as an edition may; the working edition says everything.

    Parameters
    ----------
    edition : Edition
        Whose roles decide.
    parties : iterable of (chain, address)
        Every party of the case: these are found also inside longer words.
    names : iterable of str
        Names of masked parties, such as labels of tags: each gives way to one word.
    ids : set of str
        Ids of transactions and blocks that the edition shows; every other number of 32 bytes is
        withheld, for it may be the id of a transaction, or the hash of a masked party's script.
    """

    def __init__(
        self, edition: Edition, parties: Iterable[Party] = (), *, names: Iterable[str] = (),
        ids: Set[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.edition = edition
        self._ids = frozenset(_bare(one) for one in ids)
        longest = sorted({name for name in names if name.strip()}, key=len, reverse=True)
        self._names = _any_of(map(_as_written, longest))
        # In free text people spell names as they like; in a table a word like one may be another.
        self._spelled = _any_of(filter(None, map(_as_spelled, longest)), re.IGNORECASE)
        shown = {address for _, address in edition.roles}
        self._open = frozenset(shown | {address[1:] for address in shown})
        self._masked = dict(_written(edition, parties, self._open))
        self._sizes = sorted({len(word) for word in self._masked}, reverse=True)
        self._chains = [item.id for item in _known_first(edition)]

    def text(self, text: str) -> str:
        """Return a text without what may not be said."""
        if self.edition.name != DISCLOSURE:
            return text
        said = self._cell(text)
        return self._spelled.sub(POOLED, said) if self._spelled else said

    def _cell(self, text: str) -> str:
        """Return the text of a table without what may not be said."""
        if self.edition.name != DISCLOSURE:
            return text
        said = WORD.sub(lambda found: found[1] or self._word(found[2]), text)
        return self._names.sub(POOLED, said) if self._names else said

    def frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a table with all its texts as they may be said."""
        columns = []
        for name, dtype in frame.schema.items():
            column = pl.col(name)
            if dtype == pl.String:
                values = frame[name].unique().drop_nulls().to_list()
                said = {value: self._cell(value) for value in values}
                changed = {old: new for old, new in said.items() if old != new}
                column = column.replace(changed) if changed else column
            columns.append(column)
        return frame.select(columns)

    def plain(self, value: Any) -> Any:
        """Return plain data, or a dataclass of texts, with every text as it may be said."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.plain(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            said = {item.name: self.plain(getattr(value, item.name)) for item in fields(value)}
            return replace(cast(Any, value), **said)
        return value

    def _word(self, word: str) -> str:
        low = word.lower()
        for size in self._sizes:
            for start in range(len(word) - size + 1):
                found = self._masked.get(low[start : start + size])
                if found is not None:
                    return found
        digits = HEX.match(word)
        return self._hex(word, bytes.fromhex(digits[1])) if digits else self._address(word)

    def _hex(self, word: str, data: bytes) -> str:
        if data in self._open or data[1:] in self._open:
            return word
        if len(data) == TXID_BYTES:
            return word if _bare(word) in self._ids else WITHHELD
        return POOLED if len(data) == BARE_BYTES or _canonical(data) else word

    def _address(self, word: str) -> str:
        if len(word) > LONGEST_ADDRESS:
            return word
        for name in self._chains:
            try:
                address = parse(word, name)
            except InputError:
                continue
            return word if address in self._open else self.edition.name_of(name, address)
        return word


def _bare(txid: str) -> str:
    """Return an id in the one form by which two are compared: EVM chains write ``0x`` before it."""
    return txid.lower().removeprefix("0x")


LONGEST_ADDRESS = 128
"""No address of any chain is longer: CashAddr has 112 letters at most, Bech32 has 90."""

_BLANK = r"(?:\s|%20|\+)+"
_BETWEEN = r"(?:%20|[\W_])*"


def _any_of(patterns: Iterable[str], flags: int = 0) -> re.Pattern[str] | None:
    """Return what finds any of the names, the longest first; None without a name."""
    joined = "|".join(rf"(?<![^\W_]){one}(?![^\W_])" for one in patterns)
    return re.compile(joined, flags) if joined else None


def _as_written(name: str) -> str:
    """Return what finds a name with any blanks, also those of a web address."""
    return _BLANK.join(map(re.escape, name.split()))


def _as_spelled(name: str) -> str:
    """Return what finds a name of several words however they are joined; nothing for one word."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    return _BETWEEN.join(map(re.escape, words)) if len(words) > 1 else ""


def _written(
    edition: Edition, parties: Iterable[Party], open_: frozenset[bytes]
) -> Iterator[tuple[str, str]]:
    """Yield every way of writing a masked party or a withheld id, and what stands for it."""
    for name, address in sorted(parties):
        if edition.masks(name, address) and address not in open_:
            said = edition.name_of(name, address)
            yield text(address, name).lower(), said
            yield address.hex(), said
            yield address[1:].hex(), said
            yield from ((form, said) for form in _scripts(name, address))
    for _, txid in sorted(edition.withheld):
        yield txid.hex(), WITHHELD
        yield txid[::-1].hex(), WITHHELD


def _scripts(name: str, address: bytes) -> Iterator[str]:
    """Yield the output script of an address, which names it as well."""
    if chain(name).family == "utxo":
        yield script_of(address).hex()


def _known_first(edition: Edition) -> list[Any]:
    """Return all chains, those of the case first: a text can be an address of several."""
    known = {name for name, _ in edition.roles}
    return sorted((chain(item) for item in all_chains()), key=lambda item: item.id not in known)


def _canonical(data: bytes) -> bool:
    """Return whether bytes read as a canonical address."""
    try:
        kind_of(data)
    except InputError:
        return False
    return True
