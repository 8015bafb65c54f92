"""Blocks of Tron from a node (java-tron) or a service that answers like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, SourceError
from chainwatch.ingest.protocol import (
    Batch,
    Reader,
    Span,
    checked_span,
    heights_in_words,
    read_units,
)
from chainwatch.ledger.accounts.contract_events import logs_unit
from chainwatch.net.client import Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sources.parameters import Argument, Asked, AtLeast, OnlyInPython, Option, Secret
from chainwatch.sources.tron.blocks import block_tables, read_block
from chainwatch.sources.tron.fields import LIAR
from chainwatch.sources.tron.inside import inside_unknown
from chainwatch.sources.tron.server import LARGEST_PAGE, Server, Tip, judge
from chainwatch.sources.tron.source import KEY_HEADER
from chainwatch.units import counted

if TYPE_CHECKING:
    import httpx2


class TronNode:
    """A node of Tron as a source of blocks.

    Parameters
    ----------
    url : str
        Base of the API, such as ``http://127.0.0.1:8090`` or ``https://api.trongrid.io``.
    span : (int, int or None), optional
        Heights of blocks to read, half-open; without an end, up to the highest that is final.
    chain : str or Chain
        Alias or CAIP-2 id; the node's first block must be its own.
    internal : bool, optional
        The node keeps calls between contracts (``saveInternalTx``); by default told by what it
        sends.
    key : str, optional
        Key of the API; it is shown nowhere.
    own : bool, optional
        The node is one's own; by default if its host is a private or loopback address.
    keep_raw : bool
        Keep the answers in ``answers``.
    progress : callable, optional
        Called with one line of text after each block.
    per_second : float, optional
        Requests a second; no limit for your own node, else 4.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.
    transport
        As for :class:`chainwatch.net.client.Client`.

    Notes
    -----
    Read are blocks that the network calls final, so no reorganisation reaches them. Where a node
    keeps no calls between contracts, coverage has no unit *internal* of its blocks, and a note says
    so.

    Examples
    --------
    chainwatch pull tron-node http://127.0.0.1:8090 --span 60000000:60000100 --ledger ledger

    Fails when
    ----------
    The node lies: a block of Tron proves nothing by itself. A node that keeps calls between
    contracts in some blocks only is taken to keep them from the first on in which it sends one.

    References
    ----------
    https://developers.tron.network/reference (java-tron HTTP API).
    """

    name = "tron-node"

    unknown = ("blocks.size", "blocks.bits", "blocks.nonce")
    """Blocks of Tron bear no proof of work, and their size is not told."""

    def __init__(
        self, url: Annotated[str, Argument(), Asked()], *, span: Span | None = None,
        chain: str | Chain = "tron", internal: bool | None = None,
        key: Annotated[str | None, Option("--key"), Secret()] = None, own: bool | None = None,
        keep_raw: bool = False,
        progress: Annotated[Callable[[str], None] | None, OnlyInPython()] = None,
        per_second: float | None = None, timeout: float = 30.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        if self.network.family != "tron":
            raise ChainError(f"{self.network.name} is no chain of Tron", remedy="name it: tron")
        self.span, self.internal, self.keep_raw = checked_span(span), internal, keep_raw
        self._progress = progress
        self._own = is_own_host(split_url(url, self.name).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=self._own, per_second=per_second,
            headers={KEY_HEADER: key} if key else None, timeout=timeout, max_bytes=LARGEST_PAGE,
            attempts=attempts, judge=judge, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"TronNode({self._client.host!r}, span={self.span}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield each block of the span.

        Raises
        ------
        ChainError
            If the node is of another chain.
        SourceError
            If an answer is wrong in any way that can be seen; what was yielded before was right.
        NetworkRefused
            If the policy of the process forbids to ask.
        """
        with self._client as client:
            server = Server(client, self.network, self.name, self.keep_raw)
            server.check_chain()
            tip = server.tip()
            server.take()
            first, end = self.span or (0, None)
            above = tip.height + 1 if end is None else min(end, tip.height + 1)
            if end is not None and end > above:
                note = f"the highest block that is final has height {tip.height:,}"
                yield Batch({}, (), "", notes=(note,))
            yield from self._blocks(server, _held(reader, self.chain), range(first, above), tip,
                                    read_units(reader, self.chain))  # fmt: skip

    def _blocks(
        self, server: Server, held: dict[int, bytes], heights: range, tip: Tip, units: set[str]
    ) -> Iterator[Batch]:
        internal, unread, below = self.internal, 0, held.get(heights.start - 1)
        for height in heights:
            name = held.get(height)
            if name is not None:
                below, shown = name, txid_text(name, self.network)
                known = (f"block/{shown}", f"internal/{shown}", logs_unit(shown))
                kept = tuple(one for one in known if one in units)
                yield Batch({}, kept, "read before")
                continue
            sent = read_block(server, height, tip, internal=internal)
            if below is not None and sent.parent != below:
                raise SourceError(
                    f"block {height:,} is not the child of the one below it", where=sent.where,
                    remedy=LIAR,
                )  # fmt: skip
            below = sent.place.hash
            internal = True if sent.internal else internal
            told = sent.internal is not False
            unread += not told
            tables, done, odd, unknown = block_tables(sent, self.network, server, internal=told)
            notes = [_odd(odd)] if odd else []
            notes += [inside_unknown(unknown)] if unknown else []
            if self._progress:
                self._progress(f"block {height:,} of {heights.stop - 1:,}")
            yield Batch(tables, done, heights_in_words(height, height), tip=sent.place.hash,
                        notes=tuple(notes))  # fmt: skip
        if unread:
            what = counted(unread, "block", "blocks")
            note = (f"calls between contracts were not read in {what}: the node tells none,"
                    " and may keep none (saveInternalTx)")  # fmt: skip
            yield Batch({}, (), "", notes=(note,))


def _odd(count: int) -> str:
    logs = counted(count, "log has", "logs have")
    return f"{logs} not the form of the event they are called by, and give no row"


def _held(reader: Reader, chain: str) -> dict[int, bytes]:
    """Return the hashes of blocks of a chain that a ledger has, by height."""
    rows = reader.scan("blocks").filter(pl.col("chain") == chain).select("height", "hash")
    return dict(rows.collect().iter_rows())
