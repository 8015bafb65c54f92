"""Blocks of a node over its REST interface: the same bytes as by JSON-RPC, without a password."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from chainwatch.bitcoin.block import Block
from chainwatch.bitcoin.hashes import double_sha256, hash_text
from chainwatch.bitcoin.header import HEADER_SIZE
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Batch, Reader, Span
from chainwatch.ingest.reorg import Tip
from chainwatch.net.client import Answer, Client, Expect
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sources.bitcoin_core.answers import Spent, prevouts_of, tip_of
from chainwatch.sources.bitcoin_core.jsonrpc import LARGEST_ANSWER
from chainwatch.sources.bitcoin_core.node import NODE_URL, NodeSource
from chainwatch.sources.bitcoin_core.walk import BlockMissing, SentBlock, names_missing, walk
from chainwatch.sources.parameters import Argument, Asked, AtLeast, OnlyInPython

if TYPE_CHECKING:
    import httpx2

_HASH = 32
_HEADERS_AT_ONCE = 500
_NOT_THERE, _ABSENT = 404, " not found"


class BitcoinRest(NodeSource):
    """A node's REST interface (``-rest=1``) as a source.

    Parameters
    ----------
    url : str
        The node's address.
    chain : str or Chain
        Alias or CAIP-2 id; the node's genesis block must be that of it.
    span : (int, int or None), optional
        Heights, half-open; the whole chain, if not given.
    keep_raw : bool
        Keep the bytes of the blocks in ``answers``, and what the node says of what they spend.
    own : bool, optional
        The node is yours, and may be at a private address; seen from the URL, if not given.
    per_second : float, optional
        Requests a second; no limit for your own node, else 4.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.

    Examples
    --------
    chainwatch pull rest http://127.0.0.1:8332 --span 800000: --follow --ledger ledger

    Fails when
    ----------
    What inputs spend outside of the blocks read is the node's word: no hash covers it. Before
    Bitcoin Core 23 it is not said at all and stays unread, which a note of the pull says.

    References
    ----------
    Bitcoin Core, REST interface.
    """

    name = "bitcoin_rest"
    unread = (
        "what some inputs spend stays unread: the node does not tell it by REST, as Bitcoin Core "
        "does from version 23 on; ask a newer node, and read into a new ledger"
    )

    def __init__(
        self, url: Annotated[str, Argument(), Asked()] = NODE_URL, *,
        chain: str | Chain = "btc", span: Span | None = None, keep_raw: bool = False,
        own: bool | None = None, per_second: float | None = None, timeout: float = 60.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        super().__init__(chain=chain, span=span, keep_raw=keep_raw)
        mine = is_own_host(split_url(url, self.name).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=mine, per_second=per_second, timeout=timeout,
            attempts=attempts, max_bytes=LARGEST_ANSWER, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"BitcoinRest({self._client.host!r}, chain={self.network.alias!r}, span={self.span})"

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per block of the best chain that the ledger lacks, lowest first.

        Raises as :func:`chainwatch.sources.bitcoin_core.walk.walk` does.
        """
        with self._client:
            yield from walk(self, reader, self.span)

    def tip(self) -> Tip:
        """Return where the node stands."""
        answer = self._get("/rest/chaininfo.json", "json")
        return tip_of(answer.value, self._where(answer))

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height, in wire order."""
        found = [self._get(f"/rest/blockhashbyheight/{height}.bin") for height in heights]
        for answer in found:
            self._check_size(answer, _HASH)
        return [answer.value for answer in found]

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the header of each block, which follow each other in the best chain."""
        found: list[bytes] = []
        for low in range(0, len(hashes), _HEADERS_AT_ONCE):
            names = hashes[low : low + _HEADERS_AT_ONCE]
            answer = self._get(f"/rest/headers/{len(names)}/{hash_text(names[0])}.bin")
            self._check_size(answer, HEADER_SIZE * len(names))
            for at, name in enumerate(names):
                header = answer.value[HEADER_SIZE * at : HEADER_SIZE * (at + 1)]
                if double_sha256(header) != name:
                    raise SourceError(
                        "the node sent other headers than it was asked for",
                        where=self._where(answer),
                        remedy="ask another node",
                    )
                found.append(header)
        return found

    def raw_blocks(self, hashes: Sequence[bytes]) -> Iterator[SentBlock]:
        """Yield the bytes of each block."""
        for name in hashes:
            path = f"/rest/block/{hash_text(name)}.bin"
            answer = self._block(path)
            yield SentBlock(answer.value, answer.host, answer.time, path[1:])

    def _spent(self, block: Block) -> tuple[Spent, Answer]:
        answer = self._get(f"/rest/block/{hash_text(block.hash)}.json", "json")
        return prevouts_of(answer.value, block, self.network, self._where(answer)), answer

    def _block(self, path: str) -> Answer:
        """Ask for a block of its chain; before Core 26 *not found* means not there yet."""
        try:
            return self._client.get(path, expect="bytes")
        except SourceError as error:
            if error.status == _NOT_THERE and (names_missing(error.what) or _ABSENT in error.what):
                raise BlockMissing(error.what, self._client.host) from None
            raise self._explained(error) from None

    def _get(self, path: str, expect: Expect = "bytes") -> Answer:
        try:
            return self._client.get(path, expect=expect)
        except SourceError as error:
            raise self._explained(error) from None

    @staticmethod
    def _explained(error: SourceError) -> SourceError:
        """Say what a node means by 404."""
        if error.status != _NOT_THERE:
            return error
        return SourceError(
            f"the node does not answer this by REST ({error.what})",
            where=error.where,
            remedy="start it with -rest=1, or check the heights asked for",
        )

    def _check_size(self, answer: Answer, size: int) -> None:
        if len(answer.value) != size:
            raise SourceError(
                f"the answer has {len(answer.value):,} bytes instead of {size:,}",
                where=self._where(answer),
                remedy="check that the address is that of a node with -rest=1",
            )

    def _where(self, answer: Answer) -> str:
        return f"{answer.host}, {answer.request}"
