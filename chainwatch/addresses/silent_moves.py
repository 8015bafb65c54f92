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
_INTEREST = "they grow by interest with every block"
_AAVE = "https://aave.com/docs/aave-v3/smart-contracts/tokenization"
_DESTROYED = "the issuer can destroy what a listed address holds (event DestroyedBlackFunds)"
_FEES = "fees, rewards and calls between contracts pay and are paid without a row of payments"

# Contracts of Aave: markets V2 and V3 of Ethereum as https://github.com/bgd-labs/aave-address-book
# lists them.
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
    SilentMoves("tron", "TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR", "WTRX", Mover.HOLDER,
                "holders wrap and unwrap (events Deposit and Withdrawal)",
                "https://tronscan.org/#/token20/TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR/code"),
    SilentMoves("tron", "TThzxNRLrW2Brp9DcTQU8i4Wd9udCWEdZ3", "stUSDT", Mover.CONTRACT,
                _REBASE, "https://support.justlend.org/hc/en-us/articles/22001985405081"),
    *(
        SilentMoves("eth", contract, name, Mover.CONTRACT, _INTEREST, _AAVE)
        for contract, name in (
            ("0xBcca60bB61934080951369a648Fb03DF4F96263C", "aUSDC"),
            ("0x3Ed3B47Dd13EC9a98b44e6204A523E766B225811", "aUSDT"),
            ("0x028171bCA77440897B824Ca71D1c56caC55b68A3", "aDAI"),
            ("0x030bA81f1c18d280636F32af80b9AAd02Cf0854e", "aWETH"),
            ("0x98C23E9d8f34FEFb1B7BD6a91B7FF122F4e16F5c", "aEthUSDC"),
            ("0x23878914EFE38d27C4D67Ab83ed1b93A74D4086a", "aEthUSDT"),
            ("0x018008bfb33d285247A21d44E50697654f754e63", "aEthDAI"),
            ("0x4d5F47FA6A74757f35C14fD3a6Ef8E3C9BC514E8", "aEthWETH"),
            ("0x5Ee5bf7ae06D1Be5997A1A72006FE6C607eC6DE8", "aEthWBTC"),
        )
    ),
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
