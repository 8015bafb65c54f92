"""Names of ENS to addresses, through web3, as of one block and only on request.

web3 knows how names are written (ENSIP-15), hashed and asked for. Its requests go the way of all
others: permitted and logged first, bounded, and without keys in what is told. What a name says
outside of the chain, by a server that it names, is never asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec

from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, ChainError, SourceError
from chainwatch.sanitize import clipped
from chainwatch.sources.evm.node import EvmNode
from chainwatch.sources.evm.rpc import EvmRefused, EvmRpc

_BY_BLOCK = ("eth_call", "eth_getCode")
"""Questions whose second word is a block."""


@dataclass(frozen=True)
class Named:
    """What a name says.

    Attributes
    ----------
    name : str
        As it is written.
    address : str
        Whom it names, with its capitals.
    chain : str
        CAIP-2 id of the chain that says so.
    height, block : int, str
        As of which block, and its hash.
    host : str
        Who was asked.
    """

    name: str
    address: str
    chain: str
    height: int
    block: str
    host: str


def resolve_name(
    name: str, url: str, *, chain: str | Chain = "eth", height: int | None = None,
    headers: Mapping[str, str] | None = None, own: bool | None = None, timeout: float = 60.0,
    attempts: int = 5, transport: httpx2.BaseTransport | None = None,
) -> Named:  # fmt: skip
    """Ask a node whom a name of ENS names, as of one block.

    Parameters
    ----------
    name : str
        Such as ``vitalik.eth``. One that is not written as ENS writes it is refused: letters that
        look like others are how names are imitated.
    url : str
        The node's address.
    chain : str or Chain
        The chain whose names are asked; the node must be of it.
    height : int, optional
        As of which block; the highest, if not given. Of older ones a node must keep the state.
    headers, own, timeout, attempts, transport
        As of :class:`chainwatch.sources.evm.source.EvmBlocks`.

    Returns
    -------
    Named
        The address, and the block as of which it was named.

    Raises
    ------
    AddressError
        If it is no name, looks like another, or names no address on the chain.
    ChainError
        If the chain is no EVM chain, or the node is of another.
    SourceError
        If the node does not answer, or lacks the block.

    Fails when
    ----------
    Names change hands, and say what their owner wants: a name is a lead to an address, and no
    proof of whose that is. What a server outside of the chain tells of a name is not asked.

    References
    ----------
    ENSIP-1, ENSIP-10 and ENSIP-15; web3.py, ``ens``.
    """
    network = chain_of(chain)
    if network.family != "evm":
        raise ChainError(f"{network.name} has no names of ENS", remedy="name one that has, eth")
    plain = written(name)
    rpc = EvmRpc(url, source="ens", headers=headers, own=own, per_second=None, timeout=timeout,
                 attempts=attempts, transport=transport, about=plain)  # fmt: skip
    with rpc:
        return _as_of(plain, EvmNode(rpc, network, "none"), height)


def _as_of(name: str, node: EvmNode, height: int | None) -> Named:
    """Ask whom a name names as of a block of a node that is of the right chain."""
    node.check_chain()
    top = node.height() if height is None else height
    block, host, chain = node.hashes([top])[0], node.rpc.host, node.chain
    if block is None:
        raise SourceError(
            f"the node has no block {top:,}", where=host, remedy="name one that it has"
        )
    found = _address(name, node.rpc, top)
    if found is None:
        raise AddressError(
            f"{quoted(name)} names no address on {chain.name} as of block {top:,}",
            where=host,
            remedy="check the name; one that a server outside of the chain tells is not asked",
        )
    return Named(name, found, chain.id, top, "0x" + block.hex(), host)


def written(name: str) -> str:
    """Return a name as ENS writes it; refuse one that is written otherwise, but for capitals A-Z.

    Raises
    ------
    AddressError
        If ENS allows no such name, or it is written like another.
    """
    from ens.exceptions import ENSException  # type: ignore[import-untyped]  # it brings none
    from ens.utils import normalize_name  # type: ignore[import-untyped]

    _mend()
    said = name.strip()
    small = "".join(letter.lower() if letter.isascii() else letter for letter in said)
    try:
        normal = normalize_name(small)
    except ENSException as error:
        raise AddressError(
            f"{quoted(said)} is no name of ENS: {clipped(str(error), 200)}",
            remedy="type the name yourself: letters of other scripts look like those of ours",
        ) from None
    if normal != small or "." not in normal:
        raise AddressError(
            f"{quoted(said)} is not written as ENS writes names",
            remedy=f"if {quoted(normal)} is meant, give that" if "." in normal else
            "give the whole name, such as vitalik.eth",
        )  # fmt: skip
    return str(normal)


def _mend() -> None:
    """Let web3 8.0 give a library for letters (pyunormalize) the text that it wants.

    It gives a list of letters, which the version that is installed with it (18.0) does not take.
    """
    from ens import _normalization as theirs  # type: ignore[import-untyped]
    from pyunormalize import NFC  # type: ignore[import-untyped]

    def composed(letters: list[str] | str) -> str:
        return str(NFC("".join(letters)))

    theirs.NFC = composed  # a name that the module imported


def _address(name: str, rpc: EvmRpc, height: int) -> str | None:
    from ens import ENS
    from web3.exceptions import Web3Exception
    from web3.providers.base import BaseProvider

    class Provider(BaseProvider):
        """web3's way to a node: ours, as of one block, and to no server that a name names."""

        global_ccip_read_enabled = False

        def make_request(self, method: Any, params: Any) -> Any:
            asked = list(params)
            if method in _BY_BLOCK and len(asked) > 1:
                asked[1] = hex(height)
            try:
                said = rpc.ask(str(method), *asked)
            except EvmRefused as refused:
                if not refused.reverted:
                    raise
                error = {"code": 3, "message": f"execution reverted: {refused.said}"}
                return {"jsonrpc": "2.0", "id": 0, "error": error}
            return {"jsonrpc": "2.0", "id": 0, "result": msgspec.json.decode(said.raw)}

    try:
        names = ENS(Provider())
        names.w3.middleware_onion.remove("stalecheck")  # which block is asked of is said above
        found = names.address(name)
    except (Web3Exception, ValueError, TypeError) as error:
        raise SourceError(
            f"what the node says of {quoted(name)} cannot be read: {clipped(str(error), 200)}",
            where=rpc.host,
            remedy="ask another node, of a chain that has names of ENS",
        ) from None
    return None if found is None else str(found)
