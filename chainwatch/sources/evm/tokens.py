"""What contracts call their tokens: symbols and decimals, for display and never for identity.

Anybody's contract answers what it likes, and may answer otherwise tomorrow. A symbol that is none,
or that is longer than any, and decimals with which no whole token fits a column, are left out:
amounts are then shown in base units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from chainwatch.sources.evm.blocks import Said
from chainwatch.sources.evm.rpc import Call, EvmRefused, EvmRpc

SYMBOL, DECIMALS = "0x95d89b41", "0x313ce567"
"""Selectors of ``symbol()`` and ``decimals()``."""

LONGEST = 32
"""Characters of a symbol that are kept; a longer one is none."""

MOST_DECIMALS = 38
"""More digits than an amount can have behind its point."""

_WORD = 32
_TOGETHER = 100


@dataclass
class Tokens:
    """Contracts that were asked, and what they said; each is asked once.

    Attributes
    ----------
    rpc : EvmRpc
        Whom to ask.
    known : dict of bytes to (str or None, int or None)
        Symbol and decimals by canonical address.
    """

    rpc: EvmRpc
    known: dict[bytes, tuple[str | None, int | None]] = field(default_factory=dict)

    def ask(self, contracts: Iterable[bytes]) -> list[Said]:
        """Ask contracts that were not asked before; return the answers as they came."""
        new = sorted(set(contracts) - self.known.keys())
        said: list[Said] = []
        for low in range(0, len(new), _TOGETHER):
            some = new[low : low + _TOGETHER]
            calls = [_call(one, what) for one in some for what in (SYMBOL, DECIMALS)]
            found = self.rpc.each(calls)
            said += [one for one in found if isinstance(one, Said)]
            for place, contract in enumerate(some):
                symbol, decimals = (_data(one) for one in found[2 * place : 2 * place + 2])
                self.known[contract] = (symbol_of(symbol), decimals_of(decimals))
        return said

    def named(self, transfers: pl.DataFrame) -> pl.DataFrame:
        """Return transfers with what their contracts said."""
        symbols = {contract: said[0] for contract, said in self.known.items()}
        decimals = {contract: said[1] for contract, said in self.known.items()}
        if not symbols:
            return transfers
        of = pl.col("contract")
        return transfers.with_columns(
            of.replace_strict(symbols, default=None, return_dtype=pl.String).alias("symbol"),
            of.replace_strict(decimals, default=None, return_dtype=pl.Int64).alias("decimals"),
        )


def _call(contract: bytes, selector: str) -> Call:
    return "eth_call", [{"to": "0x" + contract[1:].hex(), "data": selector}, "latest"]


def _data(said: Said | EvmRefused) -> bytes:
    """Return what a contract answered; nothing where it does not know the question."""
    if isinstance(said, EvmRefused):
        return b""
    try:
        return bytes.fromhex(msgspec.json.decode(said.raw, type=str)[2:])
    except (msgspec.DecodeError, ValueError):
        return b""


def symbol_of(data: bytes) -> str | None:
    """Return a symbol, as a text or as older contracts give it, in one word; None for none."""
    if len(data) == _WORD:
        raw = data.rstrip(b"\0")
    else:
        size = int.from_bytes(data[_WORD : 2 * _WORD], "big")
        start = int.from_bytes(data[:_WORD], "big")
        if start != _WORD or size > 4 * LONGEST or len(data) < 2 * _WORD + size:
            return None
        raw = data[2 * _WORD : 2 * _WORD + size]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if 0 < len(text) <= LONGEST else None


def decimals_of(data: bytes) -> int | None:
    """Return decimals; None where there are none, or more than an amount has digits."""
    if len(data) != _WORD:
        return None
    number = int.from_bytes(data, "big")
    return number if number <= MOST_DECIMALS else None


def contracts_of(frames: Sequence[pl.DataFrame]) -> list[bytes]:
    """Return the contracts of the tokens that transfers move."""
    found = pl.concat([frame.select("contract") for frame in frames])
    return found["contract"].drop_nulls().unique().sort().to_list()
