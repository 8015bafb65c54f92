"""Assets whose balances move without transfers: a line each, with who moves them and the source.

What transfers add up to is then no balance, and which part of it a later payment is made of is not
known from transfers alone. The list is short: that a token is not in it says nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chainwatch.addresses.canonical import parse
from chainwatch.chains.catalogue import chain as chain_of


class Mover(StrEnum):
    """Who can move a balance without a transfer."""

    HOLDER = "holder"
    """Everybody their own, at any time: by wrapping and unwrapping."""
    CONTRACT = "contract"
    """The contract all of them at once: a rebase."""
    ISSUER = "issuer"
    """The issuer single ones, seldom: by destroying what a listed address holds."""
    PROTOCOL = "protocol"
    """The protocol: fees, rewards, and calls that a table of payments does not list."""


@dataclass(frozen=True)
class SilentMoves:
    """An asset whose balances move without transfers.

    Attributes
    ----------
    chain : str
        Alias.
    contract : str or None
        Its contract as text; None is the native coin.
    name : str
        What people call it.
    mover : Mover
        Who moves them.
    how : str
        By what, in words that follow "balances of NAME move without transfers: ".
    source : str
        Where that can be read.
    """

    chain: str
    contract: str | None
    name: str
    mover: Mover
    how: str
    source: str

    @property
    def any_time(self) -> bool:
        """Whether any balance may have moved at any time: then no lot in it is known."""
        return self.mover in (Mover.HOLDER, Mover.CONTRACT)

    @property
    def caveat(self) -> str:
        """What is not known, in one clause."""
        return f"balances of {self.name} move without transfers: {self.how}"


_REBASE = "the contract changes all of them at once (rebase)"
_DESTROYED = "the issuer can destroy what a listed address holds (event DestroyedBlackFunds)"
_FEES = "fees, rewards and calls between contracts pay and are paid without a row of payments"

SILENT: tuple[SilentMoves, ...] = (
    SilentMoves("eth", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "WETH", Mover.HOLDER,
                "holders wrap and unwrap (events Deposit and Withdrawal)",
                "https://github.com/gnosis/canonical-weth/blob/master/contracts/WETH9.sol"),
    SilentMoves("eth", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", "stETH", Mover.CONTRACT,
                _REBASE, "https://docs.lido.fi/contracts/lido#rebasing"),
    SilentMoves("eth", "0xD46bA6D942050d489DBd938a2C909A5d5039A161", "AMPL", Mover.CONTRACT,
                _REBASE, "https://docs.ampleforth.org"),
    SilentMoves("eth", "0x2A8e1E676Ec238d8A992307B495b45B3fEAa5e86", "OUSD", Mover.CONTRACT,
                _REBASE, "https://docs.originprotocol.com"),
    SilentMoves("eth", "0x35fA164735182de50811E8e2E824cFb9B6118ac2", "eETH", Mover.CONTRACT,
                _REBASE, "https://etherscan.io/address/0x35fA164735182de50811E8e2E824cFb9B6118ac2"),
    SilentMoves("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", Mover.ISSUER,
                _DESTROYED,
                "https://etherscan.io/address/0xdac17f958d2ee523a2206206994597c13d831ec7#code"),
    SilentMoves("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", Mover.ISSUER, _DESTROYED,
                "https://tronscan.io/#/token20/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t/code"),
    SilentMoves("eth", None, "ETH", Mover.PROTOCOL, _FEES, "https://eips.ethereum.org/EIPS/eip-1559"),
    SilentMoves("tron", None, "TRX", Mover.PROTOCOL, _FEES,
                "https://developers.tron.network/docs/resource-model"),
)  # fmt: skip
"""All of them, written out."""

_by_asset = {
    (
        chain_of(one.chain).id,
        None if one.contract is None else parse(one.contract, one.chain),
    ): one
    for one in SILENT
}


def silent_moves(chain: str, contract: bytes | None) -> SilentMoves | None:
    """Return how balances of an asset move without transfers, or None where no such way is listed.

    Parameters
    ----------
    chain : str
        CAIP-2 id.
    contract : bytes or None
        Canonical address of the contract; None is the native coin.
    """
    return _by_asset.get((chain, contract))
