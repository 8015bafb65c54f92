"""An asset is (chain, contract, token id): a symbol is never identity and decimals only display."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.canonical import Kind, parse, text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import ChainError, InputError, expect
from chainwatch.units import to_text

PAYMENT_KINDS = ("native", "internal")
"""Kinds of transfers that pay in the native coin: transactions, and what contracts send on."""

FEE_KINDS = ("fee", "fee_burnt")
"""What a transaction pays to who made its block, and what of its fee is burnt."""

NATIVE_KINDS = (*PAYMENT_KINDS, *FEE_KINDS, "reward", "withdrawal", "deposit")
"""Kinds of transfers that move the native coin. A reward makes it anew; so does, on this side of
the protocol, what a validator withdraws: neither has a transaction, and the hash of the block
stands for its id. A deposit comes from the chain below (OP stack, Bor), by a transaction."""

TOKEN_KINDS = ("erc20", "erc721", "erc1155", "trc20", "trc721")
"""Kinds of transfers of tokens, by what the contract logs."""

ZERO = frozenset({bytes([Kind.EVM]) + bytes(20), bytes([Kind.TRON]) + bytes(20)})
"""The zero addresses: tokens are made from them, and what is paid to them is burnt."""


def made_or_burnt(kind: pl.Expr) -> pl.Expr:
    """Return the kind of a transfer of tokens: ``_mint`` or ``_burn`` where one side is nobody.

    Parameters
    ----------
    kind : polars.Expr
        One of :data:`TOKEN_KINDS`; any other stays as it is.
    """
    nobody = pl.Series(sorted(ZERO), dtype=pl.Binary).implode()
    tokens = kind.is_in(TOKEN_KINDS)
    return (
        pl.when(tokens & pl.col("sender").is_in(nobody))
        .then(pl.concat_str(kind, pl.lit("_mint")))
        .when(tokens & pl.col("receiver").is_in(nobody))
        .then(pl.concat_str(kind, pl.lit("_burn")))
        .otherwise(kind)
    )


def kinds_of(kind: str) -> tuple[str, ...]:
    """Return a kind of transfers and what it is called where one side is nobody."""
    return (kind, f"{kind}_mint", f"{kind}_burn") if kind in TOKEN_KINDS else (kind,)


@dataclass(frozen=True)
class Asset:
    """What is moved: the native coin of a chain, or the token of one contract.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    contract : bytes or None
        Canonical address of the token contract; None for the native coin.
    symbol : str
        For display only.
    decimals : int
        For display only.
    """

    chain: str
    contract: bytes | None
    symbol: str
    decimals: int

    def __post_init__(self) -> None:
        wanted = "use token(chain, contract, symbol, decimals), which reads its text"
        expect(self.contract, (bytes, type(None)), "contract", wanted)

    def shown(self, amount: int | None, *, symbol: bool = True) -> str:
        """Return an amount as text, thousands apart."""
        number = to_text(amount, self.decimals, group=True)
        return f"{number} {self.symbol}" if symbol else number

    @property
    def caip19(self) -> str | None:
        """Its CAIP-19 id, by which prices call it; None where its chain's coin has no number."""
        found = find_chain(self.chain)
        if self.contract is not None:
            kind = "trc20" if found.family == "tron" else "erc20"
            return f"{self.chain}/{kind}:{text(self.contract, self.chain)}"
        return None if found.coin_type is None else f"{self.chain}/slip44:{found.coin_type}"

    def of_transfers(self) -> pl.Expr:
        """Return the condition that selects this asset among transfers.

        What contracts send on inside a transaction is the same native coin.
        """
        here = pl.col("chain") == self.chain
        if self.contract is None:
            return here & pl.col("contract").is_null() & pl.col("kind").is_in(NATIVE_KINDS)
        return here & (pl.col("contract") == self.contract) & pl.col("token_id").is_null()

    def __str__(self) -> str:
        if self.contract is None:
            return f"{self.symbol} ({self.chain})"
        return f"{self.symbol} ({self.chain}, contract {text(self.contract, self.chain)})"


def native(chain: str) -> Asset:
    """Return the native coin of a chain."""
    found = find_chain(chain)
    return Asset(found.id, None, found.symbol, found.decimals)


def token(chain: str, contract: str, symbol: str, decimals: int) -> Asset:
    """Return the token of a contract; symbol and decimals are how it will be shown.

    Raises
    ------
    ChainError
        If the chain has no contracts.
    AddressError
        If the contract is no address of the chain.
    InputError
        If decimals are negative.
    """
    found = find_chain(chain)
    if found.family == "utxo":
        raise ChainError(f"{found.name} has no token contracts", remedy="use native() for its coin")
    expect(decimals, int, "decimals", "give a whole number from 0 on")
    if decimals < 0:
        raise InputError(f"{decimals} decimals", remedy="give a number from 0 on")
    return Asset(found.id, parse(contract, found), symbol, decimals)
