"""All chains, a line each; a chain of your own joins them with one call of ``register``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainwatch.chains.base import Chain, Consensus
from chainwatch.chains.bitcoin import (
    BITCOIN,
    BITCOIN_REGTEST,
    BITCOIN_SIGNET,
    BITCOIN_TESTNET,
    BITCOIN_TESTNET4,
)
from chainwatch.chains.bitcoin_cash import BITCOIN_CASH, BITCOIN_CASH_REGTEST
from chainwatch.chains.dogecoin import DOGECOIN, DOGECOIN_REGTEST, DOGECOIN_TESTNET
from chainwatch.chains.ethereum import (
    ARBITRUM,
    BASE,
    BASE_SEPOLIA,
    BNB_CHAIN,
    ETHEREUM,
    ETHEREUM_DEVELOPMENT,
    ETHEREUM_HOODI,
    ETHEREUM_SEPOLIA,
    OP_MAINNET,
    POLYGON,
)
from chainwatch.chains.litecoin import LITECOIN, LITECOIN_REGTEST, LITECOIN_TESTNET
from chainwatch.chains.tron import TRON
from chainwatch.errors import ChainError

CHAINS: tuple[Chain, ...] = (
    BITCOIN,
    BITCOIN_TESTNET,
    BITCOIN_TESTNET4,
    BITCOIN_SIGNET,
    BITCOIN_REGTEST,
    BITCOIN_CASH,
    BITCOIN_CASH_REGTEST,
    LITECOIN,
    LITECOIN_TESTNET,
    LITECOIN_REGTEST,
    DOGECOIN,
    DOGECOIN_TESTNET,
    DOGECOIN_REGTEST,
    ETHEREUM,
    ETHEREUM_SEPOLIA,
    ETHEREUM_HOODI,
    ETHEREUM_DEVELOPMENT,
    BASE,
    BASE_SEPOLIA,
    OP_MAINNET,
    ARBITRUM,
    BNB_CHAIN,
    POLYGON,
    TRON,
)
"""Those that chainwatch brings, written out."""

_known: list[Chain] = list(CHAINS)


def all_chains() -> tuple[Chain, ...]:
    """Return the chains that chainwatch brings, and those that were registered."""
    return tuple(_known)


_ID = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
"""CAIP-2: namespace and reference."""

_EVM_ID = re.compile(r"(?:eip155:|evm-)([1-9][0-9]{0,19})")
"""The chain id of an EVM chain, by which every node of it names itself (EIP-155)."""

_ALIAS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _names(chain: Chain) -> set[str]:
    return {chain.id.casefold(), chain.alias.casefold()}


def register(chain: Chain) -> Chain:
    """Let a chain of your own be named wherever one is: by verbs, sources and case files.

    Parameters
    ----------
    chain : Chain
        Its facts; :func:`chainwatch.chains.base.utxo_chain` makes one that descends from Bitcoin.

    Returns
    -------
    Chain
        The same chain.

    Raises
    ------
    ChainError
        If another chain has its id or its alias, in capitals or small letters, or one of them is
        none.
    """
    if not _ID.fullmatch(chain.id) or not _ALIAS.fullmatch(chain.alias):
        raise ChainError(
            f"{chain.id!r} is no CAIP-2 id, or {chain.alias!r} is no alias",
            remedy="write an id such as bip122:0123..., an alias of small letters, digits and -",
        )
    for other in _known:
        if other != chain and _names(other) & _names(chain):
            raise ChainError(
                f"{other.name} has the id or the alias of {chain.name} already",
                where=f"{chain.alias} ({chain.id})",
                remedy="give the chain an alias of its own",
            )
    if chain not in _known:
        _known.append(chain)
    return chain


def chain(name: str | Chain) -> Chain:
    """Return the chain of a CAIP-2 id or alias.

    An EVM chain that is not listed, such as ``eip155:42161``, is one of which nothing but its id
    is known: its transfers can be read, its fees and balances are unknown.

    Raises
    ------
    ChainError
        If no chain has that name; the sentence lists those that exist.
    """
    if isinstance(name, Chain):
        return name
    names = {key: item for item in _known for key in (item.id, item.alias)}
    found = names.get(name.strip()) or names.get(name.strip().lower())
    if found is None and (number := _EVM_ID.fullmatch(name.strip().lower())):
        return _unlisted(number[1])
    if found is None:
        known = ", ".join(item.alias for item in _known)
        raise ChainError(f"unknown chain {name!r}", remedy=f"write one of {known}, or a CAIP-2 id")
    return found


def _unlisted(number: str) -> Chain:
    """Return an EVM chain of which only the id is known; its coin may have any name."""
    return Chain(f"eip155:{number}", f"evm-{number}", f"EVM chain {number}", "evm", "coins", 18)


def in_words(chains: Sequence[Chain]) -> str:
    """Return the names of chains as a list in words."""
    *most, last = [item.name for item in chains]
    return f"{', '.join(most)} or {last}" if most else last


def read_as(chains: Sequence[Chain]) -> str:
    """Return the advice to read something as one of these chains; nothing where there is none."""
    aliases = " or ".join(item.alias for item in chains)
    return f"it is of {in_words(chains)}: read it as {aliases}" if chains else ""


def of_magic(magic: bytes) -> tuple[Chain, ...]:
    """Return the chains whose nodes frame blocks with these bytes; regression networks share."""
    return tuple(item for item in _known if item.magic and item.magic == magic)


def of_genesis(block: bytes) -> tuple[Chain, ...]:
    """Return the chains that a block begins, given by its hash in wire order.

    Those that split from another later are not among them.
    """
    alike = (item for item in _known if item.genesis and item.genesis == block)
    return tuple(item for item in alike if item.split_height is None)


def splits_of(chain: Chain) -> tuple[Chain, ...]:
    """Return the chains that split from one with the same genesis block as this."""
    alike = (item for item in _known if item.genesis == chain.genesis)
    return tuple(item for item in alike if item.split_height is not None)


def other_side(chain: Chain, height: int, block: bytes) -> Chain | None:
    """Return the chain that a block is of, where it stands at a split and is not of this one.

    Below a split chains share every block, and above it the links alone do not tell.

    Parameters
    ----------
    chain : Chain
        The chain it should be of.
    height : int
        Its height.
    block : bytes
        Its hash, in wire order.
    """
    for branch in splits_of(chain):
        own = branch.id.endswith(block[::-1].hex()[:32])
        if branch.split_height == height and own != (chain == branch):
            return branch if own else _trunk(branch)
    return None


def _trunk(branch: Chain) -> Chain:
    """Return the chain that another split from."""
    alike = (item for item in _known if item.genesis == branch.genesis)
    return next(item for item in alike if item.split_height is None)


def consensus_of(chain: Chain) -> Consensus:
    """Return the facts of a chain whose blocks can be read.

    Raises
    ------
    ChainError
        If the chain has no blocks of this kind.
    """
    if chain.consensus is None:
        known = ", ".join(item.alias for item in _known if item.consensus)
        raise ChainError(f"{chain.name} has no block files", remedy=f"choose one of {known}")
    return chain.consensus
