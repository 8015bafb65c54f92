"""Ethereum, its test networks, and the chain that development nodes run.

References
----------
EIP-1559 (the base fee is burnt), EIP-4895 (withdrawals), EIP-649 and EIP-1234 (block rewards);
ids as in https://chainlist.org.
"""

from __future__ import annotations

from chainwatch.chains.base import Chain, CoinMoves

_ETHER = 10**18

ETHEREUM = Chain(
    "eip155:1", "eth", "Ethereum", "evm", "ETH", 18, coin_type=60,
    moves=CoinMoves(rewards=((0, 5 * _ETHER), (4_370_000, 3 * _ETHER), (7_280_000, 2 * _ETHER))),
    wrapped=("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",),
    destroying=("0xdAC17F958D2ee523a2206206994597C13D831ec7",),  # USDT
)  # fmt: skip

ETHEREUM_SEPOLIA = Chain(
    "eip155:11155111", "eth-sepolia", "Ethereum Sepolia", "evm", "ETH", 18, mainnet=False,
    moves=CoinMoves(rewards=((0, 2 * _ETHER),)),
    wrapped=("0xfFf9976782d46CC05630D1f6eBAb18b2324d6B14",),
)  # fmt: skip

ETHEREUM_HOODI = Chain(
    "eip155:560048", "eth-hoodi", "Ethereum Hoodi", "evm", "ETH", 18, mainnet=False,
    moves=CoinMoves(),
)  # fmt: skip

ETHEREUM_DEVELOPMENT = Chain(
    "eip155:31337", "eth-dev", "Ethereum development chain", "evm", "ETH", 18, mainnet=False,
    moves=CoinMoves(),
)  # fmt: skip
"""What anvil and Hardhat run unless they are told otherwise."""
