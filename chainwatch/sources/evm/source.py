"""Blocks of an EVM chain from any node by JSON-RPC: Ethereum, its test networks, and the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, InputError
from chainwatch.ingest.protocol import Batch, Reader, Span, checked_span
from chainwatch.sources.evm.node import EvmNode, Tracer
from chainwatch.sources.evm.rpc import EvmRpc
from chainwatch.sources.evm.tokens import Tokens
from chainwatch.sources.evm.walk import Reading, walk
from chainwatch.sources.parameters import (
    Argument,
    Asked,
    AtLeast,
    OnlyInPython,
    Option,
    Secret,
)

if TYPE_CHECKING:
    import httpx2

NODE_URL = "http://127.0.0.1:8545"
"""Where a node of an EVM chain answers on the same machine."""

MOST_TOGETHER = 500
"""Most blocks that one question asks for."""

MOST_AT_ONCE = 32
"""Most questions under way at one time."""


class EvmBlocks:
    """The JSON-RPC of an EVM node as a source: blocks, receipts, logs and traces.

    Parameters
    ----------
    url : str
        The node's address.
    chain : str or Chain
        Alias, or ``eip155:`` and the chain id; the node must be of it.
    span : (int, int or None), optional
        Heights, half-open; the whole chain, if not given.
    tracer : {"auto", "trace_block", "debug", "none"}
        How calls inside transactions are read: by ``trace_block``, by ``debug_traceBlockByNumber``,
        by the first of them that the node knows, or not.
    batch : int
        Blocks asked for in one question; fewer where the node says that it is too much.
    at_once : int
        Questions under way at one time.
    names : bool
        Ask each contract of a token once what it calls it, and how many decimals it has: for
        display, as it answers today.
    keep_raw : bool
        Keep the answers in ``answers``.
    headers : mapping of str to str, optional
        Header fields with a key in them; their values are shown nowhere.
    own : bool, optional
        The node is yours: it may be at a private address, and is not listed among third parties
        if it is at one. Seen from the URL, if not given.
    per_second : float, optional
        Requests a second, each of up to ``batch`` blocks; no limit for your own node, else 4.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.

    Examples
    --------
    chainwatch pull evm https://node.example --chain eth --span 17173049:17173051 --ledger ledger

    Notes
    -----
    Of a chain that is not in the catalogue transfers are read; its fees, and so balances of its
    coin, are unknown. On Polygon the node should know old states, as for traces: then what it has
    lost of what came from Ethereum is found out.

    Fails when
    ----------
    What a node says of a block is its word: nothing here proves it against the hash of the block.
    What a chain began with (its genesis) and what a fork moved by decree are in no block: balances
    of the coin need both. Some nodes list calls that failed before they began and others do not:
    the places of the calls beside them then differ.

    References
    ----------
    Ethereum execution APIs (JSON-RPC); OpenEthereum trace module; geth, built-in tracers.
    """

    name = "evm"
    unknown: tuple[str, ...] = (
        "blocks.version", "blocks.merkle_root", "blocks.bits", "blocks.nonce", "blocks.coinbase",
        "transfers.status",
    )  # fmt: skip

    def __init__(
        self, url: Annotated[str, Argument(), Asked()] = NODE_URL, *, chain: str | Chain = "eth",
        span: Span | None = None, tracer: Tracer = "auto",
        batch: Annotated[int, AtLeast(1)] = 20, at_once: Annotated[int, AtLeast(1)] = 4,
        names: bool = True, keep_raw: bool = False,
        headers: Annotated[Mapping[str, str] | None, Option("--header"), Secret()] = None,
        own: bool | None = None, per_second: float | None = None, timeout: float = 60.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        if self.network.family != "evm":
            raise ChainError(
                f"{self.network.name} is no EVM chain",
                remedy="name one by its alias, such as eth, or by eip155: and its chain id",
            )
        for number, most, what in ((batch, MOST_TOGETHER, "blocks in one question"),
                                   (at_once, MOST_AT_ONCE, "questions at one time")):  # fmt: skip
            if not 1 <= number <= most:
                raise InputError(
                    f"{number} {what} are not between 1 and {most}", remedy="give one within that"
                )
        self.span, self.keep_raw, self.tracer = checked_span(span), keep_raw, tracer
        self._batch, self._at_once, self._names = batch, at_once, names
        self._rpc = EvmRpc(
            url, source=self.name, headers=headers, own=own, per_second=per_second,
            timeout=timeout, attempts=attempts, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"EvmBlocks({self._rpc.host!r}, chain={self.network.alias!r}, span={self.span})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the blocks of the node's chain that the ledger lacks, and what moved inside them.

        Raises as :func:`chainwatch.sources.evm.walk.walk` does.
        """
        with self._rpc:
            node = EvmNode(self._rpc, self.network, self.tracer)
            reading = Reading(
                node, self.span, self._batch, self._at_once, self.name, self.keep_raw,
                Tokens(self._rpc) if self._names else None,
            )  # fmt: skip
            yield from walk(reading, reader)
