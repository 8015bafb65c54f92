"""Ethereum, its test networks, the chain that development nodes run, and chains of its kind.

Of Base receipts tell all that moves its coin: it has had the rules of Bedrock since its first
block. OP Mainnet had others before; Arbitrum and BNB Smart Chain have fees and transactions of
their own: there payments are read, fees and balances are unknown. Polygon runs Bor: its heights are
those of the configurations of its clients, as of Lisovo (2026).

References
----------
EIP-1559 (the base fee is burnt), EIP-4895 (withdrawals), EIP-649 and EIP-1234 (block rewards);
https://specs.optimism.io/protocol/exec-engine.html (fees and fee vaults),
https://specs.optimism.io/protocol/deposits.html (deposits); https://github.com/0xPolygon/bor,
internal/cli/server/chains/mainnet.go, and PIP-82 (base fees of Polygon); ids as in
https://chainlist.org.
"""

from __future__ import annotations

from chainwatch.chains.base import Bor, Chain, CoinMoves, Rollup

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

_VAULTS = Rollup(
    base_fees="0x4200000000000000000000000000000000000019",
    data_fees="0x420000000000000000000000000000000000001A",
)

BASE = Chain(
    "eip155:8453", "base", "Base", "evm", "ETH", 18, coin_type=60, moves=CoinMoves(rollup=_VAULTS),
    wrapped=("0x4200000000000000000000000000000000000006",),
)  # fmt: skip

BASE_SEPOLIA = Chain(
    "eip155:84532", "base-sepolia", "Base Sepolia", "evm", "ETH", 18, mainnet=False,
    moves=CoinMoves(rollup=_VAULTS), wrapped=("0x4200000000000000000000000000000000000006",),
)  # fmt: skip

OP_MAINNET = Chain("eip155:10", "op", "OP Mainnet", "evm", "ETH", 18, coin_type=60)
ARBITRUM = Chain("eip155:42161", "arbitrum", "Arbitrum One", "evm", "ETH", 18, coin_type=60)
BNB_CHAIN = Chain("eip155:56", "bnb", "BNB Smart Chain", "evm", "BNB", 18, coin_type=9006)

POLYGON = Chain(
    "eip155:137", "polygon", "Polygon PoS", "evm", "POL", 18, coin_type=966,
    moves=CoinMoves(bor=Bor(
        base_fees=(
            (23_850_000, "0x70bcA57F4579f58670aB2d18Ef16e02C17553C38"),
            (50_523_000, "0x7A8ed27F4C30512326878652d20fC85727401854"),
            (83_756_500, "0x3ef57def668054dd750bd260526105c4eeef104f"),
        ),
        sprints=((0, 64), (38_189_056, 16)), listed_from=80_084_800, cancun=54_876_000,
    )),
    wrapped=("0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270",),
    coin_contracts=("0x0000000000000000000000000000000000001010",),
)  # fmt: skip
