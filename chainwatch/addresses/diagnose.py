"""What a text that is no address of a chain is instead: one clear sentence, safe to print.

Texts come from strangers: they are shown shortened and with every character outside printable
ASCII escaped, and a private key is not shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chainwatch.addresses.codecs import bech32_decode, segwit_decode
from chainwatch.addresses.plain_letters import plain_letters, strange_characters
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import AddressError

LONGEST_TEXT = 128
"""Characters; no address or transaction id is as long."""

_SHORTEST = 14  # characters of the shortest witness program; of base58 an address has 26
_LONGEST_SHOWN = 62  # a taproot address in full; a 64-digit text, perhaps a private key, is not
_LONGEST_ESCAPED = 130  # the same with characters written out by their numbers
_DIGIT = "[1-9A-HJ-NP-Za-km-z]"
_KEY = re.compile(f"[xyztuvXYZTUV](?:pub|prv){_DIGIT}+|{_DIGIT}{{51,52}}|{_DIGIT}{{100,120}}")
_TXID = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}")
_BARE_EVM = re.compile(r"[0-9a-fA-F]{40}")
_ONE_CASE = re.compile(r"[0-9a-z]{25,35}|[0-9A-Z]{25,35}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.*", re.DOTALL)
_SHORTENED = re.compile(r"(\w+)(?:\.{2,}|…|\[\.\.\.\]|\*{2,})(\w*)", re.ASCII)
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]{6,}")
_PUBLIC_KEY = re.compile(r"0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128}")
_OUTPUT = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}[:#][0-9]{1,10}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_NAME = re.compile(r"[^\s./:?#@,;]+(?:\.[^\s./:?#@,;]+)*\.[^\W\d_]{2,63}")
_DATA = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def quoted(text: str) -> str:
    """Return a text quoted and escaped, without its middle where it is long; never a key."""
    bare = text.strip()
    if _is_key(bare) or _is_key(plain_letters(bare) or ""):
        return "what looks like a private or extended key, not repeated here,"
    if len(text) <= _LONGEST_SHOWN and len(ascii(text)) <= _LONGEST_ESCAPED:
        return ascii(text)
    return f"{ascii(text[:12])[:-1]}...{ascii(text[-6:])[1:]}"


def _is_key(text: str) -> bool:
    """Tell what has the form of a private or extended key from hexadecimal digits."""
    return bool(_KEY.fullmatch(text)) and not text.islower()


def names(chains: tuple[Chain, ...]) -> str:
    """Return the names of chains as a list in words."""
    return _either([item.name for item in chains])


def _either(words: list[str]) -> str:
    return " or ".join([part for part in (", ".join(words[:-1]), *words[-1:]) if part])


def explain(
    text: str, target: Chain, others: Callable[[str], tuple[Chain, ...]], error: AddressError
) -> AddressError:
    """Return the error that says best why a text is no address of a chain.

    Parameters
    ----------
    text : str
        The text that was refused.
    target : Chain
        Chain it was read as.
    others : callable
        Returns the chains whose address a text is.
    error : AddressError
        What the reader of that chain says; it stands where nothing plainer is known.
    """
    if found := _cut_out(text) or _hexadecimal(text, target) or _named(text):
        return found
    if found := _shape(text) or _disguised(text, others):
        return found
    if chains := _with_value(others(text)):
        aliases = _either([item.alias for item in chains])
        return AddressError(
            f"{quoted(text)} is an address of {names(chains)}, not of {target.name}",
            remedy=f"name the chain: {aliases}",
        )
    found = _other_thing(text, target) or _cut_off(text, target) or _foreign(text)
    found = found or _damaged(text, target)
    found = found or _bare_hex(text, target) or _lost_case(text, target)
    if not found and len(text) < _SHORTEST and not _is_whole(text):
        return AddressError(
            f"{quoted(text)} is not an address of {target.name}: it is too short, with {len(text)}"
            " characters",
            remedy="give the address in full",
        )
    return found or AddressError(
        f"{quoted(text)} is not an address of {target.name}: {error.what}", remedy=error.remedy
    )


def not_a_txid(
    text: object, target: Chain, others: Callable[[str], tuple[Chain, ...]]
) -> AddressError:
    """Return the error that says best why a value is no transaction id of a chain."""
    if not isinstance(text, str):
        return AddressError(f"a value of type {type(text).__name__} is not a transaction id")
    if cut := _cut_out(text) or _hexadecimal(text, target):
        return cut
    what = f"{quoted(text)} is not a transaction id of {target.name}"
    if strange := strange_in(text.strip()):
        what = f"{what}: it holds {strange}"
    elif found := _with_value(others(text)):
        what = f"{quoted(text)} is an address of {names(found)}, not a transaction id"
    elif text != text.strip():
        what = f"{quoted(text)} has white space around it"
    return AddressError(what, remedy="give 64 hexadecimal digits")


def _with_value(chains: tuple[Chain, ...]) -> tuple[Chain, ...]:
    """Return the chains whose coins have value; those without, where there are no others."""
    return tuple(item for item in chains if item.mainnet) or chains


def _cut_out(text: str) -> AddressError | None:
    """Say of a text without its middle, as pages and people shorten them, that it is one."""
    found = _SHORTENED.fullmatch(text.strip())
    if not found:
        return None
    ends = "".join(found.groups()).removeprefix("0x")
    hexadecimal = not ends.strip("0123456789abcdefABCDEF") and not text.strip().startswith("0x")
    thing = "transaction id (or another hash)" if hexadecimal else "address"
    return AddressError(
        f"{quoted(text)} is a shortened {thing}: some of it is left out",
        remedy="copy it in full, for instance from the address of the page that shows it",
    )


def _hexadecimal(text: str, target: Chain) -> AddressError | None:
    """Say what hexadecimal digits are that are neither an address nor a transaction id."""
    bare = text.strip()
    digits = len(bare.lower().removeprefix("0x"))
    if _PUBLIC_KEY.fullmatch(bare):
        what, remedy = "is a public key, not an address", "give the address that was paid"
    elif _NUMBER.fullmatch(bare):
        what = "is a number, such as the height of a block or a place in it"
        remedy = "give an address, or a transaction id of 64 hexadecimal digits"
    elif not _HEX.fullmatch(bare) or digits in _MEANT or _is_key(bare):
        return None
    elif digits > _TXID_DIGITS + 2:
        what = f"is {digits:,} hexadecimal digits, such as of a raw transaction or a script"
        remedy = "give the transaction's id: 64 hexadecimal digits"
    else:
        address = "an address has 40 and " if target.family == "evm" else ""
        what = f"has {digits} hexadecimal digits, where {address}a transaction id has 64"
        remedy = "copy it again in full"
    return AddressError(f"{quoted(bare)} {what}", remedy=remedy)


_TXID_DIGITS = 64
_MEANT = (40, 42, _TXID_DIGITS)
"""Digits of an EVM address, of one of Tron as nodes write it, and of a transaction id."""


def _cut_off(text: str, target: Chain) -> AddressError | None:
    """Say of a bech32 address of the chain that characters are missing, or too many."""
    lower = text.lower()
    start = f"{target.hrp}1"
    data = lower.removeprefix(start)
    if not target.hrp or data == lower or data.strip(_DATA) or text not in (lower, text.upper()):
        return None
    # Version, 20 or 32 bytes in groups of five bits, checksum; from version 1 on only 32 are used.
    sizes = [len(start) + 1 + groups + 6 for groups in (32, 52)]
    usual = sizes if data[:1] == "q" else sizes[1:]
    if not data or data[0] not in "qp" or len(text) in usual or _is_whole(text):
        return None
    nearest = min(usual, key=lambda size: abs(size - len(text)))
    count = abs(nearest - len(text))
    verb = f"lacks {count}" if nearest > len(text) else f"has {count} more"
    return AddressError(
        f"{quoted(text)} has {len(text)} characters, and such an address of {target.name} has"
        f" {' or '.join(map(str, usual))}: it {verb}",
        remedy="copy it again in full",
    )


def _is_whole(text: str) -> bool:
    """Tell whether nothing is missing of a bech32 text: its checksum is right."""
    try:
        bech32_decode(text)
    except AddressError:
        return False
    return True


def is_name(text: str) -> bool:
    """Tell whether a text is written as names are, in parts with points between, and no address.

    Examples
    --------
    >>> is_name("vitalik.eth"), is_name("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045")
    (True, False)
    """
    bare = text.strip()
    if len(bare) > _LONGEST_NAME or bare.lower().endswith(_FILES):
        return False
    return bool(_NAME.fullmatch(bare))


_LONGEST_NAME = 255
_FILES = (".csv", ".tsv", ".txt", ".json", ".toml", ".yaml", ".yml", ".parquet", ".xlsx", ".pdf")
"""How names end that are of files."""


def _named(text: str) -> AddressError | None:
    """Say of a name that it is one, and how it becomes an address; letters are shown escaped."""
    if not is_name(text):
        return None
    of = "an ENS name" if text.strip().lower().endswith(".eth") else "a name, perhaps of ENS"
    return AddressError(
        f"{quoted(text)} is {of}, and no address",
        remedy="ask a node whom it names (`chainwatch resolve NAME --node URL`; `show` and `pull`"
        " with --names-node URL; cw.resolve_name in Python), and give the 0x address",
    )


def _shape(text: str) -> AddressError | None:
    if not text:
        return AddressError("an empty text is not an address")
    what, remedy = None, AS_PLAIN_TEXT
    if text != text.strip():
        what, remedy = "has white space around it", "give the address alone"
    elif len(text) > LONGEST_TEXT:
        what = f"is too long for an address, with {len(text)} characters"
    return AddressError(f"{quoted(text)} {what}", remedy=remedy) if what else None


def _disguised(text: str, others: Callable[[str], tuple[Chain, ...]]) -> AddressError | None:
    """Say of letters that look like others, and of characters that draw nothing, what they are."""
    strange = strange_in(text)
    if not strange:
        return None
    what = f"{quoted(text)} holds a character that no address has: {strange}"
    plain = plain_letters(text)
    chains = _with_value(others(plain)) if plain else ()
    if not chains:
        return AddressError(what, remedy=AS_PLAIN_TEXT)
    return AddressError(
        what,
        remedy=f"in plain letters it is an address of {names(chains)}: copy it again from where it"
        " was published, it may be a decoy",
    )


AS_PLAIN_TEXT = "copy it again as plain text"


def strange_in(text: str) -> str:
    """Return the first character of a text that is not plain, in words, and how many more."""
    strange = list(strange_characters(text[:LONGEST_TEXT]))
    more = f" (and {len(strange) - 1} more)" if len(strange) > 1 else ""
    return f"{strange[0]}{more}" if strange else ""


def _other_thing(text: str, target: Chain) -> AddressError | None:
    prefixed = bool(target.cashaddr) and text.lower().startswith(f"{target.cashaddr}:")
    if _is_key(text):
        what, remedy = "is not an address", "keep keys out of case files"
    elif _TXID.fullmatch(text):
        what = "is a transaction id or another hash, not an address"
        remedy = "give the address of one of its inputs or outputs"
    elif _OUTPUT.fullmatch(text):
        what, remedy = "names one output of a transaction", "give the transaction id alone"
    elif _SCHEME.fullmatch(text) and _TXID.search(text):
        what, remedy = "is a link to a transaction or a block", "give the id in it alone"
    elif _SCHEME.fullmatch(text) and ("?" in text or not prefixed):
        what, remedy = "is a link or a prefixed text", "give the address alone"
    else:
        return None
    return AddressError(f"{quoted(text)} {what}", remedy=remedy)


def _foreign(text: str) -> AddressError | None:
    try:
        prefix, _, _ = segwit_decode(text)
    except AddressError:
        return None
    return AddressError(f"{quoted(text)} has the prefix {prefix!a} of a chain not known here")


def _damaged(text: str, target: Chain) -> AddressError | None:
    """Return what is wrong with a bech32 address of another chain; base58 has no say in it."""
    start = text.lower().partition("1")[0] + "1"
    owners = tuple(item for item in all_chains() if item.hrp and start == f"{item.hrp}1")
    if not owners or target in owners:
        return None
    try:
        segwit_decode(text)
    except AddressError as error:
        return AddressError(
            f"{quoted(text)} begins as an address of {names(owners)}, not of {target.name}, and is"
            f" not one either: {error.what}",
            remedy=error.remedy,
        )
    return None


def _bare_hex(text: str, target: Chain) -> AddressError | None:
    if target.family != "evm" or not _BARE_EVM.fullmatch(text):
        return None
    return AddressError(f"{quoted(text)} lacks 0x", remedy="write 0x before it if it is an address")


def _lost_case(text: str, target: Chain) -> AddressError | None:
    if target.family == "evm" or not _ONE_CASE.fullmatch(text):
        return None
    lost = "capitals" if text.islower() else "small letters"
    return AddressError(
        f"{quoted(text)} seems to have lost its {lost}; base58 cannot be read without them",
        remedy="give the address as its source wrote it",
    )
