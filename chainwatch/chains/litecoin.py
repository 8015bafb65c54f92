"""Litecoin: scrypt, blocks every 2.5 minutes, MimbleWimble extension blocks since 2022.

Facts as in Litecoin Core's ``chainparams.cpp``.
"""

from __future__ import annotations

from dataclasses import replace

from chainwatch.chains.base import COIN, Consensus, utxo_chain

_RULES = Consensus(
    supply=84_000_000 * COIN,
    easiest=(1 << 236) - 1,
    scrypt=True,
    bip34_height=710_000,
    segwit_height=1_201_536,
    extension_blocks=True,  # since block 2,257,920
    first_subsidy=50 * COIN,
    halving=840_000,
)

LITECOIN = utxo_chain(
    "ltc",
    "Litecoin",
    "LTC",
    genesis="12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
    magic="fbc0b6db",
    p2pkh=0x30,
    p2sh=0x32,
    old_p2sh=0x05,
    hrp="ltc",
    bitcoinlib="litecoin",
    extended_keys=((0x019DA462, "Ltub", "p2pkh"), (0x01B26EF6, "Mtub", "p2sh-p2wpkh")),
    token_sales=2_424_429,  # the first inscription (ord-litecoin, ``chain.rs``)
    coin_type=2,
    consensus=_RULES,
)
LITECOIN_TESTNET = utxo_chain(
    "ltc-testnet",
    "Litecoin testnet",
    "tLTC",
    genesis="4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
    magic="fdd2c8f1",
    p2pkh=0x6F,
    p2sh=0x3A,
    old_p2sh=0xC4,
    hrp="tltc",
    mainnet=False,
    node_folder="testnet4",
    consensus=replace(_RULES, bip34_height=76, segwit_height=6_048),
)
LITECOIN_REGTEST = utxo_chain(
    "ltc-regtest",
    "Litecoin regtest",
    "rLTC",
    genesis="530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
    magic="fabfb5da",
    p2pkh=0x6F,
    p2sh=0x3A,
    old_p2sh=0xC4,
    hrp="rltc",
    mainnet=False,
    node_folder="regtest",
    consensus=replace(
        _RULES, easiest=2**255 - 1, bip34_height=500, segwit_height=None, halving=150
    ),
)
