"""Dogecoin: scrypt, merged mining; its early rewards were drawn at random, so none is judged.

Facts as in Dogecoin Core's ``chainparams.cpp`` (1.14).
"""

from __future__ import annotations

from dataclasses import replace

from chainwatch.chains.base import COIN, Consensus, utxo_chain

_RULES = Consensus(
    supply=10_000_000_000 * COIN,
    easiest=(1 << 236) - 1,
    scrypt=True,
    bip34_height=1_034_383,
    auxpow_chain=0x62,
)

DOGECOIN = utxo_chain(
    "doge",
    "Dogecoin",
    "DOGE",
    genesis="1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
    magic="c0c0c0c0",
    p2pkh=0x1E,
    p2sh=0x16,
    bitcoinlib="dogecoin",
    extended_keys=((0x02FACAFD, "dgub", "p2pkh"),),
    coin_type=3,
    consensus=_RULES,
)
DOGECOIN_TESTNET = utxo_chain(
    "doge-testnet",
    "Dogecoin testnet",
    "tDOGE",
    genesis="bb0a78264637406b6360aad926284d544d7049f45189db5664f3c4d07350559e",
    magic="fcc1b7dc",
    p2pkh=0x71,
    p2sh=0xC4,
    mainnet=False,
    node_folder="testnet3",
    consensus=replace(_RULES, bip34_height=708_658),
)
DOGECOIN_REGTEST = utxo_chain(
    "doge-regtest",
    "Dogecoin regtest",
    "rDOGE",
    genesis="3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5",
    magic="fabfb5da",
    p2pkh=0x6F,
    p2sh=0xC4,
    mainnet=False,
    node_folder="regtest",
    consensus=replace(_RULES, easiest=2**255 - 1, bip34_height=100_000_000),
)
