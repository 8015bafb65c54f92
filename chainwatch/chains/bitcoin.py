"""Bitcoin and its test networks; facts as in Bitcoin Core's ``chainparams.cpp``."""

from __future__ import annotations

from dataclasses import replace

from chainwatch.chains.base import COIN, Consensus, utxo_chain

_RULES = Consensus(
    supply=21_000_000 * COIN,
    easiest=0xFFFF << 208,
    bip34_height=227_931,
    bip34_time=1_364_083_200,  # 2013-03-24, the day of block 227,931
    segwit_height=481_824,
    first_subsidy=50 * COIN,
    halving=210_000,
    superseded=(91_722, 91_812),  # overwritten by the coinbases of 91,880 and 91,842
)
_TEST_RULES = replace(_RULES, bip34_time=0, superseded=())

_POOLS = ((100_000, 5_000), (1_000_000, 50_000), (5_000_000, 175_000), (50_000_000, 1_750_000))
"""As Samourai ran them: am-i-exposed, and GraphSense's ``heuristics_service.py``."""

BITCOIN = utxo_chain(
    "btc",
    "Bitcoin",
    "BTC",
    genesis="000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    magic="f9beb4d9",
    p2pkh=0x00,
    p2sh=0x05,
    hrp="bc",
    bitcoinlib="bitcoin",
    # The first inscription (ord, ``chain.rs``); markets that sell them opened in early 2023.
    token_sales=767_430,
    pools=_POOLS,
    coin_type=0,
    consensus=_RULES,
)
BITCOIN_TESTNET = utxo_chain(
    "btc-testnet",
    "Bitcoin testnet 3",
    "tBTC",
    genesis="000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    magic="0b110907",
    p2pkh=0x6F,
    p2sh=0xC4,
    hrp="tb",
    mainnet=False,
    node_folder="testnet3",
    bitcoinlib="testnet",
    pools=_POOLS,
    consensus=replace(_TEST_RULES, bip34_height=21_111, segwit_height=834_624),
)
BITCOIN_TESTNET4 = utxo_chain(
    "btc-testnet4",
    "Bitcoin testnet 4",
    "tBTC4",
    genesis="00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    magic="1c163f28",
    p2pkh=0x6F,
    p2sh=0xC4,
    hrp="tb",
    mainnet=False,
    node_folder="testnet4",
    bitcoinlib="testnet4",
    pools=_POOLS,
    consensus=replace(_TEST_RULES, bip34_height=1, segwit_height=1),
)
BITCOIN_SIGNET = utxo_chain(
    "btc-signet",
    "Bitcoin signet",
    "sBTC",
    genesis="00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    magic="0a03cf40",
    p2pkh=0x6F,
    p2sh=0xC4,
    hrp="tb",
    mainnet=False,
    node_folder="signet",
    bitcoinlib="signet",
    pools=_POOLS,
    consensus=replace(_TEST_RULES, easiest=0x377AE << 216, bip34_height=1, segwit_height=1),
)
BITCOIN_REGTEST = utxo_chain(
    "btc-regtest",
    "Bitcoin regtest",
    "rBTC",
    genesis="0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    magic="fabfb5da",
    p2pkh=0x6F,
    p2sh=0xC4,
    hrp="bcrt",
    mainnet=False,
    node_folder="regtest",
    bitcoinlib="regtest",
    pools=_POOLS,
    consensus=replace(
        _TEST_RULES, easiest=2**255 - 1, bip34_height=1, segwit_height=None, halving=150
    ),
)
