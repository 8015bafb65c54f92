"""Dogecoin: scrypt, merged mining; its early rewards were drawn at random, so none is judged."""

from __future__ import annotations

from chainwatch.chains.base import COIN, Consensus, utxo_chain

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
    consensus=Consensus(
        supply=10_000_000_000 * COIN,
        easiest=(1 << 236) - 1,
        scrypt=True,
        bip34_height=1_034_383,
        auxpow_chain=0x62,
    ),
)
