"""One ``Chain`` per network: its CAIP-2 id, short alias, asset, decimals, prefixes and genesis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainwatch.errors import ChainError


@dataclass(frozen=True)
class Chain:
    """A public network; a testnet is a chain of its own.

    Attributes
    ----------
    id : str
        CAIP-2 id: identity everywhere.
    alias : str
        What a person types.
    name : str
        What a person reads.
    family : str
        ``utxo``, ``evm`` or ``tron``.
    symbol, decimals : str, int
        The native asset, for display.
    p2pkh, p2sh : int or None
        Version bytes of base58check addresses.
    old_p2sh : int or None
        A version byte still seen for P2SH and read as the same address.
    hrp : str or None
        Human-readable part of bech32 addresses; None without segregated witness.
    cashaddr : str or None
        Prefix of CashAddr addresses, where the chain writes them so.
    magic : bytes
        Four bytes before each framed block in the files of a node.
    genesis : bytes
        Hash of the genesis block in wire order, shared by chains that split; empty where unused.
    mainnet : bool
        False where coins have no value.
    """

    id: str
    alias: str
    name: str
    family: str
    symbol: str
    decimals: int
    p2pkh: int | None = None
    p2sh: int | None = None
    old_p2sh: int | None = None
    hrp: str | None = None
    cashaddr: str | None = None
    magic: bytes = b""
    genesis: bytes = b""
    mainnet: bool = True

    def __str__(self) -> str:
        return self.alias


def _utxo(
    alias: str,
    name: str,
    symbol: str,
    genesis: str,
    magic: str,
    p2pkh: int,
    p2sh: int,
    hrp: str | None,
    *,
    old_p2sh: int | None = None,
    mainnet: bool = True,
) -> Chain:
    shown = bytes.fromhex(genesis)
    return Chain(
        id=f"bip122:{shown[:16].hex()}",
        alias=alias,
        name=name,
        family="utxo",
        symbol=symbol,
        decimals=8,
        p2pkh=p2pkh,
        p2sh=p2sh,
        old_p2sh=old_p2sh,
        hrp=hrp,
        magic=bytes.fromhex(magic),
        genesis=shown[::-1],
        mainnet=mainnet,
    )


BITCOIN = _utxo(
    "btc",
    "Bitcoin",
    "BTC",
    "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "f9beb4d9",
    0x00,
    0x05,
    "bc",
)
BITCOIN_TESTNET = _utxo(
    "btc-testnet",
    "Bitcoin testnet 3",
    "tBTC",
    "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "0b110907",
    0x6F,
    0xC4,
    "tb",
    mainnet=False,
)
BITCOIN_TESTNET4 = _utxo(
    "btc-testnet4",
    "Bitcoin testnet 4",
    "tBTC4",
    "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "1c163f28",
    0x6F,
    0xC4,
    "tb",
    mainnet=False,
)
BITCOIN_SIGNET = _utxo(
    "btc-signet",
    "Bitcoin signet",
    "sBTC",
    "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "0a03cf40",
    0x6F,
    0xC4,
    "tb",
    mainnet=False,
)
BITCOIN_REGTEST = _utxo(
    "btc-regtest",
    "Bitcoin regtest",
    "rBTC",
    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    "fabfb5da",
    0x6F,
    0xC4,
    "bcrt",
    mainnet=False,
)
BITCOIN_CASH = replace(
    BITCOIN,
    alias="bch",
    name="Bitcoin Cash",
    symbol="BCH",
    hrp=None,
    cashaddr="bitcoincash",
    # The hash of its first block of its own, 478,559: the blocks below are Bitcoin's.
    id="bip122:000000000000000000651ef99cb9fcbe",
)
LITECOIN = _utxo(
    "ltc",
    "Litecoin",
    "LTC",
    "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
    "fbc0b6db",
    0x30,
    0x32,
    "ltc",
    old_p2sh=0x05,
)
DOGECOIN = _utxo(
    "doge",
    "Dogecoin",
    "DOGE",
    "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
    "c0c0c0c0",
    0x1E,
    0x16,
    None,
)
ETHEREUM = Chain("eip155:1", "eth", "Ethereum", "evm", "ETH", 18)
TRON = Chain("tron:0x2b6653dc", "tron", "Tron", "tron", "TRX", 6)

CHAINS: tuple[Chain, ...] = (
    BITCOIN,
    BITCOIN_TESTNET,
    BITCOIN_TESTNET4,
    BITCOIN_SIGNET,
    BITCOIN_REGTEST,
    BITCOIN_CASH,
    LITECOIN,
    DOGECOIN,
    ETHEREUM,
    TRON,
)
"""All chains, written out."""

_NAMES = {name: chain for chain in CHAINS for name in (chain.id, chain.alias)}


def chain(name: str | Chain) -> Chain:
    """Return the chain of a CAIP-2 id or alias.

    Raises
    ------
    ChainError
        If no chain has that name; the sentence lists those that exist.
    """
    if isinstance(name, Chain):
        return name
    found = _NAMES.get(name.strip()) or _NAMES.get(name.strip().lower())
    if found is None:
        known = ", ".join(item.alias for item in CHAINS)
        raise ChainError(f"unknown chain {name!r}", remedy=f"write one of {known}, or a CAIP-2 id")
    return found
