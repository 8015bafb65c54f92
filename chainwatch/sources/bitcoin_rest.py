"""Blocks of a node over its REST interface: the same bytes as by JSON-RPC, without a password."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chainwatch.chains import Chain
from chainwatch.chains import chain as chain_of
from chainwatch.errors import SourceError
from chainwatch.sources.base import Batch, Reader
from chainwatch.sources.block_checks import HEADER_SIZE, consensus_of, double_sha256
from chainwatch.sources.block_links import shown
from chainwatch.sources.block_parse import Block
from chainwatch.sources.forks import Tip
from chainwatch.sources.http import Answer, Client, Expect
from chainwatch.sources.network import is_own_host
from chainwatch.sources.node_walk import RawBlock, Span, checked_span, walk
from chainwatch.sources.rpc_rows import checked_block, prevouts_of, rows_of, tip_of
from chainwatch.sources.rpc_wire import LARGEST_ANSWER

if TYPE_CHECKING:
    import httpx2

_HASH = 32
_HEADERS_AT_ONCE = 500
_NOT_THERE = 404


class BitcoinRest:
    """A node's REST interface (``-rest=1``) as a source.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8332``.
    chain : str or Chain
        Alias or CAIP-2 id; the node's genesis block must be that of it.
    span : (int, int or None), optional
        Heights, half-open; the whole chain, if not given.
    keep_raw : bool
        Keep the bytes of the blocks in ``answers``.
    own : bool, optional
        The node is yours, and may be at a private address; seen from the URL, if not given.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.

    Fails when
    ----------
    What inputs spend outside of the blocks read is the node's word: no hash covers it. Before
    Bitcoin Core 23 it is not said at all and stays unread.

    References
    ----------
    Bitcoin Core, REST interface.
    """

    name = "bitcoin_rest"
    unknown: tuple[str, ...] = ()

    def __init__(
        self, url: str, *, chain: str | Chain = "btc", span: Span | None = None,
        keep_raw: bool = False, own: bool | None = None, timeout: float = 60.0, attempts: int = 5,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.span = checked_span(span)
        self.keep_raw = keep_raw
        mine = is_own_host(urlsplit(url).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=mine, timeout=timeout, attempts=attempts,
            max_bytes=LARGEST_ANSWER, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"BitcoinRest({self._client.host!r}, chain={self.network.alias!r}, span={self.span})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per block of the best chain that the ledger lacks, lowest first.

        Raises as :func:`chainwatch.sources.node_walk.walk` does.
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
        return [answer.body for answer in found]

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the header of each block, which follow each other in the best chain."""
        found: list[bytes] = []
        for low in range(0, len(hashes), _HEADERS_AT_ONCE):
            names = hashes[low : low + _HEADERS_AT_ONCE]
            answer = self._get(f"/rest/headers/{len(names)}/{shown(names[0])}.bin")
            self._check_size(answer, HEADER_SIZE * len(names))
            for at, name in enumerate(names):
                header = answer.body[HEADER_SIZE * at : HEADER_SIZE * (at + 1)]
                if double_sha256(header) != name:
                    raise SourceError(
                        "the node sent other headers than it was asked for",
                        where=self._where(answer),
                    )
                found.append(header)
        return found

    def raw_blocks(self, hashes: Sequence[bytes]) -> Iterator[RawBlock]:
        """Yield the bytes of each block."""
        for name in hashes:
            path = f"/rest/block/{shown(name)}.bin"
            answer = self._get(path)
            yield RawBlock(answer.body, answer.host, answer.time, path[1:])

    def batch(self, raw: RawBlock, height: int, *, whole: bool) -> tuple[Block, Batch]:
        """Check and turn one block into rows; without ``whole``, ask what its inputs spend."""
        block = checked_block(raw, height, self.network)
        spent, extra = None, []
        if not whole and len(block.txs) > 1:
            answer = self._get(f"/rest/block/{shown(block.hash)}.json", "json")
            spent = prevouts_of(answer.value, block, self.network, self._where(answer))
            extra = [answer.row(self.name)]
        made = rows_of(
            block, height, self.network, raw, source=self.name, keep_raw=self.keep_raw,
            spent=spent, extra=extra,
        )  # fmt: skip
        return block, made

    def _get(self, path: str, expect: Expect = "bytes") -> Answer:
        try:
            return self._client.get(path, expect=expect)
        except SourceError as error:
            if error.status != _NOT_THERE:
                raise
            raise SourceError(
                f"the node does not answer this by REST ({error.what})",
                where=error.where,
                remedy="start it with -rest=1, or check the heights asked for",
            ) from None

    def _check_size(self, answer: Answer, size: int) -> None:
        if len(answer.body) != size:
            raise SourceError(
                f"the answer has {len(answer.body):,} bytes instead of {size:,}",
                where=self._where(answer),
                remedy="check that the address is that of a node with -rest=1",
            )

    def _where(self, answer: Answer) -> str:
        return f"{answer.host}, {answer.request}"
