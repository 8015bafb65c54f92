"""Fields of the JSON that nodes and servers answer: their types, hashes, amounts without floats."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from chainwatch.bitcoin.hashes import HASH_SIZE, hash_from_hex
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import SourceError

ANOTHER_NODE = "try again; if it stays, ask another node"
"""What to do about an answer that cannot be."""

_COIN = Decimal(10**8)
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])


def base_units(amount: int | Decimal, chain: Chain, where: str) -> int:
    """Return an amount of whole coins in base units, exactly.

    Raises
    ------
    SourceError
        If it has more decimals than the coin, is negative, or exceeds the supply.
    """
    supply = consensus_of(chain).supply
    try:
        # Not by the operator, which rounds to 28 digits, and so would a fraction of a unit away.
        units = _EXACT.multiply(Decimal(amount), _COIN)
        fits = 0 <= units <= supply and units == int(units)
    except (ArithmeticError, ValueError):
        fits = False
    if not fits:
        raise SourceError(
            "the node states an amount that cannot be", where=where, remedy=ANOTHER_NODE
        )
    return int(units)


def field_of(given: Any, name: str, kind: type | tuple[type, ...], where: str) -> Any:
    """Return a field of a JSON object; refuse one that is missing or of another type.

    Raises
    ------
    SourceError
        Naming the field.
    """
    value = given.get(name) if isinstance(given, dict) else None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SourceError(
            f"the answer of the node has no {name!r} of the right type",
            where=where,
            remedy="check that the address is that of a node of this chain",
        )
    return value


def bytes_of(text: Any, where: str, size: int | None = None) -> bytes:
    """Return the bytes of hexadecimal text, of a size if one is given.

    Raises
    ------
    SourceError
        If it is anything else; white space is.
    """
    try:
        # ``fromhex`` alone would pass over white space.
        fits = isinstance(text, str) and (text.isalnum() or not text)
        data = bytes.fromhex(text) if fits else None
    except ValueError:
        data = None
    if data is None or (size is not None and len(data) != size):
        wanted = "" if size is None else f" of {size} bytes"
        raise SourceError(
            f"the node's answer is no hexadecimal text{wanted}", where=where, remedy=ANOTHER_NODE
        )
    return data


def hash_of(text: Any, where: str) -> bytes:
    """Return a hash as it stands on the wire from its shown form.

    Raises
    ------
    SourceError
        If it is anything but 64 hexadecimal digits.
    """
    found = hash_from_hex(text)
    if found is None:
        raise SourceError(
            f"the node's answer is no hexadecimal text of {HASH_SIZE} bytes", where=where,
            remedy=ANOTHER_NODE,
        )  # fmt: skip
    return found
