"""Bitcoin Cash: Bitcoin's blocks up to 478,558, its own from then on, in an order of their own.

Facts as in Bitcoin Cash Node's ``chainparams.cpp``. Its nodes write Bitcoin's magic into their
files, also on the regression network, which has Bitcoin's genesis block besides: a block without
witnesses may there be of either.
"""

from __future__ import annotations

from dataclasses import replace

from chainwatch.chains.base import COIN, Consensus
from chainwatch.chains.bitcoin import BITCOIN, BITCOIN_REGTEST

_FUSION = b"\x04FUZ\0"
"""Electron Cash, ``fusion.py``: the first push of the data in a transaction of CashFusion."""

BITCOIN_CASH = replace(
    BITCOIN,
    alias="bch",
    name="Bitcoin Cash",
    symbol="BCH",
    hrp=None,
    bitcoinlib=None,
    cashaddr="bitcoincash",
    fusion=_FUSION,
    pools=(),
    coin_type=145,
    token_sales=None,  # its tokens are others, and no first sale is on record
    # The hash of its first block of its own, 478,559: the blocks below are Bitcoin's.
    id="bip122:000000000000000000651ef99cb9fcbe",
    split_height=478_559,
    consensus=Consensus(
        supply=21_000_000 * COIN,
        easiest=0xFFFF << 208,
        bip34_height=227_931,
        bip34_time=1_364_083_200,
        order="by_id",
        by_id_height=556_767,  # the upgrade of November 2018
        fork_id=True,
        tokens=True,  # since that of May 2023
        first_subsidy=50 * COIN,
        halving=210_000,
        superseded=(91_722, 91_812),
    ),
)
BITCOIN_CASH_REGTEST = replace(
    BITCOIN_REGTEST,
    alias="bch-regtest",
    name="Bitcoin Cash regtest",
    symbol="rBCH",
    hrp=None,
    bitcoinlib=None,
    cashaddr="bchreg",
    fusion=_FUSION,
    pools=(),
    # Its genesis block is Bitcoin's, so it cannot name the network: CAIP-2 names it by its prefix.
    id="bch:bchreg",
    consensus=Consensus(
        supply=21_000_000 * COIN,
        easiest=2**255 - 1,
        bip34_height=1,
        order="by_id",
        fork_id=True,
        tokens=True,
        first_subsidy=50 * COIN,
        halving=150,
    ),
)
