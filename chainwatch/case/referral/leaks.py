"""What must stand in no referral sheet: addresses, transactions, keys, and names of the parties.

A sheet is handed out. That somebody holds it must not tie him to a case, and nothing in it may lead
to a payment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from chainwatch.addresses.canonical import chains_of, text
from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import InputError
from chainwatch.privacy.mask_rows import parties
from chainwatch.results.result import Result

SHORTEST = 4
"""Characters of the shortest name that is looked for: a shorter one stands in many words."""

_WORD = re.compile(r"[0-9A-Za-z:]{14,}")
_HEX = re.compile(r"(?:0x)?[0-9a-f]{32,}", re.IGNORECASE)
_LONG = re.compile(r"(?=[0-9A-Za-z]*[0-9])(?=[0-9A-Za-z]*[A-Za-z])[0-9A-Za-z]{24,}")
_NAMED = re.compile(
    r"[\w-]+\.(?:eth|sol|bnb|trx|crypto|wallet|bitcoin|nft|dao|x|onion|i2p)(?!\w)", re.IGNORECASE
)
_CUT = re.compile(
    r"(?<!\w)(?:bc1|ltc1|tb1|bcrt1|0x|bitcoincash:|[13LMTD][1-9A-HJ-NP-Za-km-z]{3})[0-9A-Za-z]{0,20}"
    r"(?:\.{2,}|…|\*{2,})[0-9A-Za-z]{2,}"
)


def check_leaks(said: str, where: str, known: Known | None = None) -> None:
    """Refuse a text that names an address, a transaction, a key or a party.

    Parameters
    ----------
    said : str
        What somebody wrote.
    where : str
        The field.
    known : Known, optional
        Parties of the case.

    Raises
    ------
    InputError
        Saying what was found; the text itself is not repeated where it may be a key.
    """
    plain = unicodedata.normalize("NFKC", said)
    bare = "".join(one for one in plain if unicodedata.category(one) != "Cf")
    for what in (*_shapes(bare), *(known.named_in(bare) if known else ())):
        raise InputError(
            f"a referral sheet names nobody, and here stands {what}", where=where,
            remedy="leave it out: a sheet carries pathways alone",
        )  # fmt: skip


def _shapes(said: str) -> Iterator[str]:
    """Yield what reads as an address, a transaction id, a key or a name of a wallet."""
    for word in _WORD.findall(said):
        if chains_of(word) or chains_of(word.split(":")[-1]):
            yield f"an address, {quoted(word)}"
        elif _HEX.fullmatch(word):
            yield f"a transaction id, a key or a hash, {quoted(word)}"
        elif _LONG.search(word):
            yield f"what may be an address or a key, {quoted(word)}"
    for pattern, what in ((_NAMED, "the name of a wallet or a hidden site"),
                          (_CUT, "a shortened address")):  # fmt: skip
        if found := pattern.search(said):
            yield f"{what}, {quoted(found[0])}"


class Known:
    """The parties of a case, by every name and address that results give them.

    Parameters
    ----------
    results : sequence of Result
        What the case found.
    names : iterable of str
        More names.
    """

    def __init__(self, results: Sequence[Result] = (), names: Iterable[str] = ()) -> None:
        given = {*names, *(name for one in results for name, _ in one.names())}
        self._names = sorted({name for one in given if len(name := _folded(one)) >= SHORTEST})
        who = {party for one in results for party in (*parties(one), *one.roles().spreading)}
        self._addresses = {text(address, chain).casefold() for chain, address in who if chain}
        self._addresses |= {address.hex()[2:] for _, address in who}

    def named_in(self, said: str) -> Iterator[str]:
        """Yield what a text says of them, however it is spaced."""
        folded = _folded(said)
        joined = folded.replace(" ", "")
        for name in self._names:
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded):
                yield "the name of a party of the case"
        if any(one in joined for one in self._joined):
            yield "an address of the case"

    @property
    def _joined(self) -> set[str]:
        return {_folded(one).replace(" ", "") for one in self._addresses}


def _folded(said: str) -> str:
    """Return a text in small letters, with one blank for whatever stands between words."""
    return " ".join(re.findall(r"\w+", said.casefold().replace("_", " ")))


__all__ = ["Known", "check_leaks"]
