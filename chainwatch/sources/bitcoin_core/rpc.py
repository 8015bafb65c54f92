"""Blocks of a node over JSON-RPC: any node of the Bitcoin Core family, in batches.

Blocks are asked for as bytes (``getblock`` with verbosity 0, or ``false`` where the node takes
truth values) and parsed and checked here, so all columns are exact and nothing depends on the
node's version. What inputs spend is found in the
ledger; only where the ledger lacks earlier blocks is the node asked for it too (verbosity 3, since
Core 23; before it, the spent transactions one by one, which needs the node's ``txindex``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from chainwatch.bitcoin.block import LARGEST_BLOCK, Block, raw_transaction
from chainwatch.bitcoin.hashes import double_sha256, hash_text
from chainwatch.bitcoin.header import HEADER_SIZE
from chainwatch.bitcoin.json_fields import bytes_of, hash_of
from chainwatch.bitcoin.spent import Output
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError, SourceError
from chainwatch.ingest.protocol import Batch, Reader, Span
from chainwatch.ingest.reorg import Tip
from chainwatch.net.response import Answer
from chainwatch.sources.bitcoin_core.answers import Spent, prevouts_of, tip_of
from chainwatch.sources.bitcoin_core.jsonrpc import (
    ASKED_AT_ONCE,
    NOT_FOUND,
    Call,
    JsonRpc,
    RpcRefused,
)
from chainwatch.sources.bitcoin_core.node import NODE_URL, NodeSource
from chainwatch.sources.bitcoin_core.walk import BlockMissing, SentBlock, names_missing, walk
from chainwatch.sources.parameters import Argument, Asked, AtLeast, OnlyInPython, Secret

if TYPE_CHECKING:
    import httpx2

AIM = 16_000_000
"""Bytes of blocks that one question asks for, as far as the last blocks let it be foreseen."""

LOOKED_UP = 20_000
"""Transactions looked up one by one that are remembered."""


class BitcoinRpc(NodeSource):
    """A node's JSON-RPC as a source.

    Parameters
    ----------
    url : str
        The node's address.
    cookie : path, optional
        The node's cookie file, read anew for each request.
    user : str, optional
        Instead of a cookie, with a password.
    password : str, optional
        The user's, as it is, or the place of it: ``env:NAME`` or ``keyring:SERVICE``.
    chain : str or Chain
        Alias or CAIP-2 id; the node's genesis block must be that of it.
    span : (int, int or None), optional
        Heights, half-open; the whole chain, if not given.
    batch : int
        Most blocks asked for at once; fewer where they are large.
    keep_raw : bool
        Keep the bytes of the blocks in ``answers``, and what the node says of what they spend.
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
    chainwatch pull rpc --cookie ~/.bitcoin/.cookie --span 800000:800100 --ledger ledger

    Fails when
    ----------
    What inputs spend outside of the blocks read is the node's word: no hash covers it.

    References
    ----------
    Bitcoin Core, JSON-RPC interface; JSON-RPC 2.0, section 6 (batch).
    """

    name = "bitcoin_rpc"
    unread = (
        "what some inputs spend stays unread: the node does not tell it with the block, as Bitcoin "
        "Core does from version 23 on, and has no index of those transactions; set txindex=1 or "
        "ask a newer node, and read into a new ledger"
    )

    def __init__(
        self, url: Annotated[str, Argument(), Asked()] = NODE_URL, *,
        cookie: str | Path | None = None, user: str | None = None,
        password: Annotated[str | None, Secret(user="user", looked_up=True)] = None,
        chain: str | Chain = "btc", span: Span | None = None,
        batch: Annotated[int, AtLeast(1)] = 100, keep_raw: bool = False, own: bool | None = None,
        per_second: float | None = None, timeout: float = 60.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        super().__init__(chain=chain, span=span, keep_raw=keep_raw)
        if not 1 <= batch <= ASKED_AT_ONCE:
            raise InputError(
                f"{batch} blocks at once are not between 1 and {ASKED_AT_ONCE}",
                remedy="give a batch within that, or none",
            )
        self._most, self._size, self._boolean = batch, LARGEST_BLOCK // 16, False
        self._looked_up: OrderedDict[bytes, list[Output]] = OrderedDict()
        self._rpc = JsonRpc(
            url, source=self.name, cookie=cookie, user=user, password=password, own=own,
            per_second=per_second, timeout=timeout, attempts=attempts, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"BitcoinRpc({self._rpc.host!r}, chain={self.network.alias!r}, span={self.span})"

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per block of the best chain that the ledger lacks, lowest first.

        Raises as :func:`chainwatch.sources.bitcoin_core.walk.walk` does.
        """
        with self._rpc:
            yield from walk(self, reader, self.span)

    def tip(self) -> Tip:
        """Return where the node stands."""
        found = self._rpc.ask([("getblockchaininfo", [])])[0]
        return tip_of(found, self._rpc.where("getblockchaininfo"))

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height, in wire order."""
        found = self._rpc.ask([("getblockhash", [height]) for height in heights])
        return [hash_of(text, self._rpc.where("getblockhash")) for text in found]

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the header of each block; one that does not hash to it is refused."""
        found = self._rpc.ask([("getblockheader", [hash_text(name), False]) for name in hashes])
        where = self._rpc.where("getblockheader")
        data = [bytes_of(text, where, HEADER_SIZE) for text in found]
        if [double_sha256(header) for header in data] != list(hashes):
            raise SourceError(
                "the node sent other headers than it was asked for",
                where=where,
                remedy="ask another node",
            )
        return data

    def raw_blocks(self, hashes: Sequence[bytes]) -> Iterator[SentBlock]:
        """Yield the bytes of each block; how many are asked for at once depends on their size."""
        at = 0
        while at < len(hashes):
            count = max(1, min(self._most, AIM // max(1, self._size)))
            names = hashes[at : at + count]
            answer, found = self._raw(names)
            for name, text in zip(names, found, strict=True):
                if isinstance(text, RpcRefused):
                    # The blocks before it are not lost with it.
                    raise BlockMissing(text.said, answer.host) if names_missing(text.said) else text
                asked = f"getblock {hash_text(name)} {'false' if self._boolean else 0}"
                data = bytes_of(text, self._rpc.where(asked))
                # Two blocks' memory: large ones among small ones shrink the next question.
                self._size = max(len(data), self._size // 2)
                yield SentBlock(data, answer.host, answer.time, asked)
            at += len(names)

    def _raw(self, names: Sequence[bytes]) -> tuple[Answer, list[Any]]:
        """Ask for blocks as bytes, in the form that the node takes; refusals stand in their places.

        Dogecoin's nodes of 1.14, and all before Core 0.15, take a truth value; the newest take a
        number only.
        """
        while True:
            form = False if self._boolean else 0
            made = self._rpc.post_all([("getblock", [hash_text(name), form]) for name in names])
            refused = any(isinstance(text, RpcRefused) and text.wants_boolean for text in made[1])
            if self._boolean or not refused:
                return made
            self._boolean = True

    def _spent(self, block: Block) -> tuple[Spent, Answer | None]:
        spent, answer = self._told(block)
        lacking = [place for place, output in spent.items() if output is None]
        if lacking:
            own = {tx.txid: tx.outputs for tx in block.txs}
            looked = self._look_up([txid for txid, _ in lacking if txid not in own])
            for txid, n in lacking:
                outputs = own.get(txid) or looked.get(txid, [])
                spent[txid, n] = outputs[n] if n < len(outputs) else None
        return spent, answer

    def _told(self, block: Block) -> tuple[Spent, Answer | None]:
        """Return what the node says beside a block of what it spends; an older one says nothing."""
        unsaid: Spent = {(txid, n): None for tx in block.txs[1:] for txid, n, _ in tx.inputs}
        if self._boolean:
            return unsaid, None
        asked = f"getblock {hash_text(block.hash)} 3"
        answer, found = self._rpc.post_all([("getblock", [hash_text(block.hash), 3])])
        if isinstance(found[0], RpcRefused):
            if found[0].refuses_detail:
                return unsaid, None
            raise found[0]
        spent = prevouts_of(found[0], block, self.network, self._rpc.where(asked))
        return spent, replace(answer, request=asked)

    # Transactions one by one, for nodes before Core 23 -------------------------------------

    def _look_up(self, txids: Sequence[bytes]) -> dict[bytes, list[Output]]:
        """Return the outputs of transactions, as far as the node has an index of them."""
        wanted = list(dict.fromkeys(txids))
        found = {txid: self._looked_up[txid] for txid in wanted if txid in self._looked_up}
        rest = [txid for txid in wanted if txid not in found]
        for low in range(0, len(rest), ASKED_AT_ONCE):
            found.update(self._transactions(rest[low : low + ASKED_AT_ONCE]))
        for txid in found:
            self._looked_up[txid] = found[txid]
            self._looked_up.move_to_end(txid)
        while len(self._looked_up) > LOOKED_UP:
            self._looked_up.popitem(last=False)
        return found

    def _transactions(self, txids: Sequence[bytes]) -> dict[bytes, list[Output]]:
        # No word on its form: number or truth value, each is refused by some version.
        calls: list[Call] = [("getrawtransaction", [hash_text(txid)]) for txid in txids]
        found = {}
        for txid, text in zip(txids, self._rpc.post_all(calls)[1], strict=True):
            if isinstance(text, RpcRefused):
                if text.code not in NOT_FOUND:
                    raise text
                continue  # not in its index: what was spent stays unread, and the batch says so
            where = self._rpc.where(f"getrawtransaction {hash_text(txid)}")
            tx = raw_transaction(bytes_of(text, where), self.network, where=where)
            if tx.txid != txid:
                raise SourceError(
                    "the node sent another transaction than asked for",
                    where=where,
                    remedy="ask another node",
                )
            found[txid] = tx.outputs
        return found
