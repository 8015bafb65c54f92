"""Litecoin: scrypt, blocks every 2.5 minutes, MimbleWimble extension blocks since 2022."""

from __future__ import annotations

from chainwatch.chains.base import COIN, Consensus, utxo_chain

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
    consensus=Consensus(
        supply=84_000_000 * COIN,
        easiest=(1 << 236) - 1,
        scrypt=True,
        bip34_height=710_000,
        segwit_height=1_201_536,
        extension_height=2_257_920,
        first_subsidy=50 * COIN,
        halving=840_000,
    ),
)
