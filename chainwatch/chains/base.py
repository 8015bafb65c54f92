"""One ``Chain`` per network: its identity, its addresses, and the rules its blocks are held to.

A chain states facts as data and names its features; what a feature means is implemented once,
above, for every chain that has it: merged mining in :mod:`chainwatch.bitcoin.auxpow`, extension
blocks in :mod:`chainwatch.bitcoin.extension`, forms of scripts in
:mod:`chainwatch.addresses.scripts`, CashAddr in :mod:`chainwatch.addresses.codecs`, the order of
transactions in :mod:`chainwatch.ledger.spend_order`, and what cannot be spent where rows are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Literal

COIN = 10**8
"""Base units of one coin on every chain that descends from Bitcoin."""

ENTRY_POINTS = (
    "0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789",
    "0x0000000071727De22E5E9d8BAf0edAc6f37da032",
    "0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108",
)
"""Contracts by which user operations run (ERC-4337, versions 0.6 to 0.8), the same on every chain
of Ethereum's kind. Anybody's contract may log a user operation of anybody: that says nothing.

References
----------
https://github.com/eth-infinitism/account-abstraction/releases
"""


class Forms(IntFlag):
    """Forms of transactions and output scripts to which only some chains give a meaning."""

    PLAIN = 0
    WITNESS = 1
    """Segregated witness: witnesses, and witness programs as addresses."""
    TOKENS = 2
    """CashTokens: tokens stand before what locks an output; P2SH with 32 bytes."""
    EXTENSION = 4
    """MimbleWimble extension blocks, and the outputs through which coins go into them."""
    FORK_ID = 8
    """Signatures bear a fork id, and may be of Schnorr in scripts too (Bitcoin Cash)."""


@dataclass(frozen=True)
class Consensus:
    """The facts of one chain that its blocks are held to, and the features it names.

    Attributes
    ----------
    supply : int
        Largest amount there can be, in base units.
    easiest : int
        Largest proof-of-work target.
    scrypt : bool
        Proof of work over scrypt instead of double SHA-256.
    bip34_height, bip34_time : int
        From here on every coinbase states its height; the time (seconds) guards against older
        coinbases that read as a height by chance.
    segwit_height : int or None
        From here on a commitment must be checkable; None where that is not said.
    auxpow_chain : int or None
        Merged mining: the chain's id in it; None where its blocks must carry their own work.
    extension_blocks : bool
        Coins may be moved into and out of extension blocks (MimbleWimble on Litecoin).
    tokens : bool
        Outputs may carry tokens beside coins (CashTokens on Bitcoin Cash).
    fork_id : bool
        Signatures bear a fork id, so that none is valid on the chain it split from, and may be of
        Schnorr in scripts.
    order : str
        Order of the transactions in a block: ``parents_first``, or ``by_id`` (canonical order of
        Bitcoin Cash, in which a child may stand before its parent).
    by_id_height : int
        From here on that order holds; below it parents stand first.
    first_subsidy : int or None
        Base units that the first block created; None where rewards follow no fixed rule.
    halving : int or None
        Blocks after which the subsidy halves; None where rewards follow no fixed rule.
    superseded : tuple of int
        Heights whose coinbase a later one with the same txid overwrote (BIP30).
    """

    supply: int
    easiest: int
    scrypt: bool = False
    bip34_height: int = 0
    bip34_time: int = 0
    segwit_height: int | None = None
    auxpow_chain: int | None = None
    extension_blocks: bool = False
    tokens: bool = False
    fork_id: bool = False
    order: Literal["parents_first", "by_id"] = "parents_first"
    by_id_height: int = 0
    first_subsidy: int | None = None
    halving: int | None = None
    superseded: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rollup:
    """How a chain of the OP stack takes fees, and how coins come from the chain below.

    Nothing is burnt: the base fee goes to an account, and so does what a transaction pays for its
    place on the chain below, as its receipt states. Transactions of type 0x7e come from there: they
    pay no fee, and the coins that they bring are made even where they fail.

    Attributes
    ----------
    base_fees, data_fees : str
        Where the two go.
    """

    base_fees: str
    data_fees: str


@dataclass(frozen=True)
class Bor:
    """How a chain that runs Bor takes fees, and how coins come from the chain below.

    Nothing is burnt: the base fee goes to an account, and the rest to the one that a log of the
    transaction names. States come from below by a transaction that no account sent; what they bring
    of the coin is paid by the contract of the coin, which has held it since the genesis block.

    Attributes
    ----------
    base_fees : tuple of (int, str)
        First height and account of each that base fees go to.
    sprints : tuple of (int, int)
        First height and length of each size of sprints: states come in blocks at its multiples.
    listed_from : int
        First height whose states stand in the block as a transaction of type 0x7f. Below it nodes
        list them beside the block, if they have kept them.
    cancun : int
        First height at which a contract that destroys itself in its own favour keeps its coins.
    """

    base_fees: tuple[tuple[int, str], ...]
    sprints: tuple[tuple[int, int], ...]
    listed_from: int
    cancun: int

    def base_fee_account(self, height: int) -> str | None:
        """Return who gets the base fees of a block; None where nobody is known to."""
        return next((who for first, who in reversed(self.base_fees) if first <= height), None)

    def may_bring(self, height: int) -> bool:
        """Return whether states may have come in a block without being listed in it."""
        size = next((size for first, size in reversed(self.sprints) if first <= height), 0)
        return 0 < height < self.listed_from and size > 0 and height % size == 0


@dataclass(frozen=True)
class CoinMoves:
    """How the coin of a chain moves beside payments, where receipts and blocks tell all of it.

    A fee is what the receipt says; the base fee and the fee for blobs are burnt, and the rest goes
    to who made the block, as do rewards where it has a difficulty.

    Attributes
    ----------
    rewards : tuple of (int, int)
        First height and base units of each reward for a block by proof of work.
    rollup : Rollup or None
        Where it pays for a second chain below it.
    bor : Bor or None
        Where it runs Bor.
    """

    rewards: tuple[tuple[int, int], ...] = ()
    rollup: Rollup | None = None
    bor: Bor | None = None

    def reward(self, height: int) -> int:
        """Return the base units that a block of a height by proof of work made, without uncles."""
        return next((made for first, made in reversed(self.rewards) if first <= height), 0)


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
    node_folder : str or None
        Folder of the network inside the data folder of a node that serves several.
    bitcoinlib : str or None
        Its name in the library bitcoinlib; None where that does not know it.
    extended_keys : tuple of (int, str, str)
        Forms of extended public keys that are its own: version bytes, the name that they are
        written with, and the kind of script that they stand for (SLIP-132).
    split_height : int or None
        First height with a block of its own, where it split from a chain with the same genesis
        block; its id names that block.
    denominations : tuple of int
        The amounts of the outputs that its own wallets mix, in base units; empty where they mix
        none.
    pools : tuple of (int, int)
        The amounts of the pools in which Whirlpool mixed its coins, and the fee of each, in base
        units; empty where it did not.
    fusion : bytes
        What the data of an output begin with, pushes included, where its own wallets fuse coins of
        several owners; empty where they do not.
    token_sales : int or None
        First height at which tokens lay in its outputs that are sold by signatures of one input
        (``SINGLE|ANYONECANPAY``), so that seller and buyer spend together; None where no such
        market is known.
    coin_type : int or None
        Number of the coin (SLIP-44), by which prices call it; None where it has none of its own, as
        on test networks, or it is not known.
    consensus : Consensus or None
        What its blocks are held to; None where it has no blocks of Bitcoin's kind.
    moves : CoinMoves or None
        How its coin moves beside payments, on chains like Ethereum; None where receipts do not
        tell all of it, or nobody has said: then fees and balances of the coin are unknown.
    wrapped : tuple of str
        Contracts of WETH9: only there do Deposit and Withdrawal make and burn the token.
    destroying : tuple of str
        Contracts whose event of destroyed funds takes them from the balance, with no Transfer.
    coin_contracts : tuple of str
        Contracts that show the coin as if it were a token: what their events tell the coin itself
        has moved, and no token.
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
    node_folder: str | None = None
    bitcoinlib: str | None = None
    extended_keys: tuple[tuple[int, str, str], ...] = ()
    split_height: int | None = None
    denominations: tuple[int, ...] = ()
    pools: tuple[tuple[int, int], ...] = ()
    fusion: bytes = b""
    token_sales: int | None = None
    coin_type: int | None = None
    consensus: Consensus | None = None
    moves: CoinMoves | None = None
    wrapped: tuple[str, ...] = ()
    destroying: tuple[str, ...] = ()
    coin_contracts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.alias

    @property
    def witnesses(self) -> bool:
        """Whether the chain has segregated witness."""
        return self.hrp is not None

    @property
    def forms(self) -> Forms:
        """The forms of transactions and scripts that have a meaning on it."""
        rules = self.consensus
        return (
            (Forms.WITNESS if self.witnesses else Forms.PLAIN)
            | (Forms.TOKENS if rules and rules.tokens else Forms.PLAIN)
            | (Forms.EXTENSION if rules and rules.extension_blocks else Forms.PLAIN)
            | (Forms.FORK_ID if rules and rules.fork_id else Forms.PLAIN)
        )

    def burns_coinbase(self, block: bytes, height: int) -> bool:
        """Return whether the coinbase of a block can never be spent.

        That of the genesis block was never entered among the outputs; those that a later coinbase
        of the same txid overwrote are gone (BIP30).

        Parameters
        ----------
        block : bytes
            Its hash, in wire order.
        height : int
            Its height.
        """
        overwritten = self.consensus.superseded if self.consensus else ()
        return block == self.genesis or height in overwritten


def utxo_chain(
    alias: str,
    name: str,
    symbol: str,
    *,
    genesis: str,
    magic: str,
    p2pkh: int,
    p2sh: int,
    consensus: Consensus,
    hrp: str | None = None,
    old_p2sh: int | None = None,
    mainnet: bool = True,
    node_folder: str | None = None,
    bitcoinlib: str | None = None,
    extended_keys: tuple[tuple[int, str, str], ...] = (),
    denominations: tuple[int, ...] = (),
    pools: tuple[tuple[int, int], ...] = (),
    token_sales: int | None = None,
    coin_type: int | None = None,
) -> Chain:
    """Return a chain that descends from Bitcoin, its id taken from its genesis block (CAIP-2).

    Parameters
    ----------
    alias, name, symbol : str
        What a person types, what a person reads, and the coin.
    genesis : str
        Hash of the genesis block, 64 hexadecimal digits as shown.
    magic : str
        The four bytes of its network, hexadecimal.
    p2pkh, p2sh, old_p2sh : int
        Version bytes of base58check addresses.
    consensus : Consensus
        What its blocks are held to.
    hrp : str, optional
        Human-readable part of bech32 addresses.
    mainnet, node_folder, bitcoinlib, extended_keys, denominations, pools, token_sales, coin_type
        As of :class:`Chain`.
    """
    shown = bytes.fromhex(genesis)
    return Chain(
        id=f"bip122:{shown[:16].hex()}", alias=alias, name=name, family="utxo", symbol=symbol,
        decimals=8, p2pkh=p2pkh, p2sh=p2sh,
        old_p2sh=old_p2sh, hrp=hrp, magic=bytes.fromhex(magic), genesis=shown[::-1],
        mainnet=mainnet, node_folder=node_folder, bitcoinlib=bitcoinlib,
        extended_keys=extended_keys, denominations=denominations, pools=pools,
        token_sales=token_sales, coin_type=coin_type, consensus=consensus,
    )  # fmt: skip
