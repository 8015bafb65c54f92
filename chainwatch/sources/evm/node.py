"""What a node of an EVM chain is asked of blocks: itself, receipts, uncles, traces; and its tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.sources.evm.blocks import Said, Sent, check
from chainwatch.sources.evm.bor.state_syncs import (
    UNTRACED,
    count_calls,
    counted,
    each_state,
    place_of,
)
from chainwatch.sources.evm.bor.told import change_of, coin_told, trees_untold
from chainwatch.sources.evm.fields import (
    Block,
    Contradiction,
    Header,
    Receipt,
    address_of,
    decoded,
    hash_of,
    quantity,
    wrong,
)
from chainwatch.sources.evm.rpc import Call, EvmRefused, EvmRpc, halved
from chainwatch.sources.evm.traces import Call as Traced
from chainwatch.sources.evm.traces import coherent, read_debug, read_flat, tells_all

Tracer = Literal["auto", "trace_block", "debug", "none"]
"""How the calls inside transactions are read; *auto* takes the first that the node knows."""

TALLEST = 2**31
"""No chain is as high; a transaction number has room for no more."""

_OPTIONS = {"tracer": "callTracer", "timeout": "60s"}
_STATES: dict[str, Any] = {"borTraceEnabled": True}
"""Asks for the calls of what came from the chain below, too."""

_OTHERS = "who gets base fees by the rules known here did not get what receipts say"
_UNPROVEN = "whether a base fee was paid, with which no tip came, is not told"

_NULL = b"null"


class EvmNode:
    """A node, and in which ways it can be asked.

    Parameters
    ----------
    rpc : EvmRpc
        How it is reached.
    chain : Chain
        The chain that it must be of.
    tracer : Tracer
        How calls are read.
    """

    def __init__(self, rpc: EvmRpc, chain: Chain, tracer: Tracer) -> None:
        self.rpc, self.chain, self.tracer = rpc, chain, tracer
        self.untraced: dict[str, int] = {}
        """Words with which traces were refused, and of how many blocks."""
        self.untold: dict[tuple[bool, str], int] = {}
        """Whether tokens, too, or the coin alone was not wholly read in blocks, why, and in how
        many."""
        self._by_block = True

    def check_chain(self) -> None:
        """Refuse a node of another chain.

        Raises
        ------
        ChainError
            If its chain id is another.
        """
        text = self.rpc.value(str, "eth_chainId")
        number = quantity(text, "chain id", self.rpc.host)
        if f"eip155:{number}" != self.chain.id:
            raise ChainError(
                f"the node is of chain {number}, not of {self.chain.name}",
                where=self.rpc.host,
                remedy=f"name the chain that it is of (eip155:{number}), or ask another node",
            )

    def height(self) -> int:
        """Return the height of its highest block; one that no chain can have is refused."""
        height = quantity(self.rpc.value(str, "eth_blockNumber"), "block number", self.rpc.host)
        if height >= TALLEST:
            raise wrong(f"{height} is no height", f"{self.rpc.host}, eth_blockNumber")
        return height

    def hashes(self, heights: Sequence[int]) -> list[bytes | None]:
        """Return the hash of its block at each height; None where it has none."""
        said = self._all([("eth_getBlockByNumber", [hex(height), False]) for height in heights])
        found: list[bytes | None] = []
        for one, height in zip(said, heights, strict=True):
            where = f"{one.host}, {one.request}"
            if one.raw == _NULL:
                found.append(None)
                continue
            header = decoded(one.raw, Header, where)
            if quantity(header.number, "number", where) != height:
                raise wrong("the node sent another block than it was asked for", where, one.raw)
            found.append(hash_of(header.hash, "hash", where))
        return found

    def choose_tracer(self, height: int) -> None:
        """Find out how the calls of a block can be read, where that was left open."""
        if self.tracer != "auto":
            return
        for name, call in (("trace_block", _flat(height)), ("debug", self._nested(height))):
            found = self.rpc.each([call])[0]
            if not (isinstance(found, EvmRefused) and found.unknown):
                self.tracer = name  # type: ignore[assignment]  # one of them
                return
        self.tracer = "none"

    def blocks(self, first: int, last: int) -> list[Sent]:
        """Return the blocks of a range of heights, both included, with all that belongs to them.

        A range that is too much for the node is asked for in halves. What contradicts itself is
        asked for once more: the chain may have changed between two answers.

        Raises
        ------
        SourceError
            If the node lacks one, or what it says of one contradicts itself.
        ChainError
            If one is of another chain.
        """
        try:
            return halved(self._blocks, first, last)
        except Contradiction:
            return halved(self._blocks, first, last)

    def _blocks(self, first: int, last: int) -> list[Sent]:
        heights = range(first, last + 1)
        calls: list[Call] = []
        for height in heights:
            calls.append(("eth_getBlockByNumber", [hex(height), True]))
            if self._by_block:
                calls.append(("eth_getBlockReceipts", [hex(height)]))
        found = self.rpc.each(calls)
        if self._by_block and any(
            isinstance(one, EvmRefused) and one.unknown for one in found[1::2]
        ):
            self._by_block = False
            return self._blocks(first, last)
        step = 2 if self._by_block else 1
        said = [_or_raise(one) for one in found]
        blocks = [self._block(one) for one in said[::step]]
        receipts = said[1::2] if self._by_block else [None] * len(blocks)
        made = [
            self._sent(block, own, beside)
            for block, own, beside in zip(blocks, said[::step], receipts, strict=True)
        ]
        now = datetime.now(UTC)
        for one, height in zip(made, heights, strict=True):
            check(one, height, self.chain, now)
        return self._traced(self._with_coin(made))

    def _block(self, said: Said) -> Block:
        if said.raw == _NULL:
            raise SourceError(
                "the node does not have this block", where=f"{said.host}, {said.request}",
                remedy="wait until it has caught up, or ask another node", passing=True,
            )  # fmt: skip
        return decoded(said.raw, Block, f"{said.host}, {said.request}")

    def _sent(self, block: Block, said: Said, receipts: Said | None) -> Sent:
        if receipts is None:
            calls: list[Call] = [
                ("eth_getTransactionReceipt", [tx.hash]) for tx in block.transactions
            ]
            each = self._all(calls)
            whole = b"[" + b",".join(one.raw for one in each) + b"]"
            asked = f"eth_getTransactionReceipt of each of {block.hash}"
            receipts = Said(whole, asked, said.host, said.time)
        if receipts.raw == _NULL:
            raise SourceError(
                "the node has no receipts of this block",
                where=f"{receipts.host}, {receipts.request}", remedy="ask another node",
            )  # fmt: skip
        read = decoded(receipts.raw, list[Receipt], f"{receipts.host}, {receipts.request}")
        if len(read) == len(block.transactions) - 1:
            read += self._of_states(block, f"{said.host}, {said.request}")
        return Sent(block, read, said, receipts, uncles=self._uncles(block))

    def _of_states(self, block: Block, where: str) -> list[Receipt]:
        """Return the receipt of what stands beside a block, where it is not among those of it."""
        place = place_of(block, self.chain, where)
        if place is None:
            return []
        [said] = self._all([("eth_getTransactionReceipt", [block.transactions[place].hash])])
        if said.raw == _NULL:
            return []
        return [decoded(said.raw, Receipt, f"{said.host}, {said.request}")]

    def _with_coin(self, made: Sequence[Sent]) -> list[Sent]:
        """Add what blocks tell of the coin beside payments, where the chain runs Bor."""
        bor = self.chain.moves.bor if self.chain.moves else None
        told = [coin_told(one.block, one.receipts, self.chain, one.where) for one in made]
        asked = [
            one.height for one, coin in zip(made, told, strict=True)
            if bor and coin and coin.states is None and bor.may_bring(one.height)
        ]  # fmt: skip
        found = self.rpc.each([call for height in asked for call in count_calls(height)])
        counts = [counted(one.raw) if isinstance(one, Said) else None for one in found]
        untold = {}
        for number, height in enumerate(asked):
            after, before = counts[2 * number : 2 * number + 2]
            if after is None or before is None:
                untold[height] = "whether anything came from the chain below is not told"
            elif after != before:
                untold[height] = "what came from the chain below is left out"
        return self._held_to_balances([
            replace(one, coin=coin and replace(
                coin, untold=untold.get(one.height, coin.untold), partial=one.height in untold
            )) for one, coin in zip(made, told, strict=True)
        ])  # fmt: skip

    def _held_to_balances(self, made: list[Sent]) -> list[Sent]:
        """Leave fees unknown where who should get base fees does not hold what it then would.

        Who gets them changes by forks: asked of the highest block, it is right of those below, too.
        Whether one was paid at all is told by nothing else where no tip came with it.
        """
        bor = self.chain.moves.bor if self.chain.moves else None
        whole = [one for one in made if one.coin and one.coin.fees and one.coin.untold is None]
        asked = [
            (one, one.coin, account) for one in whole
            if bor and one.coin and (one is whole[-1] or one.coin.untipped)
            and (account := bor.base_fee_account(one.height))
        ]  # fmt: skip
        changes = self._changes([(account, one.height) for one, _, account in asked])
        untold: dict[int, str] = {}
        for (one, coin, account), change in zip(asked, changes, strict=True):
            payee = address_of(account, "account of base fees", one.where)
            if change is None:
                untold |= {one.height: _UNPROVEN} if coin.untipped else {}
            elif change != change_of(payee, coin, one.receipts, one.where):
                untold |= {each.height: _OTHERS for each in (made if one is whole[-1] else [one])}
        return [
            replace(one, coin=replace(one.coin, fees={}, untold=untold[one.height]))
            if one.coin and one.height in untold else one for one in made
        ]  # fmt: skip

    def _changes(self, asked: Sequence[tuple[str, int]]) -> list[int | None]:
        """Return by how much balances changed in blocks; None where the node does not know it."""
        found = self.rpc.each([
            ("eth_getBalance", [account, hex(height - before)])
            for account, height in asked for before in (0, 1)
        ])  # fmt: skip
        held = [
            quantity(decoded(said.raw, str, said.host), "balance", f"{said.host}, {said.request}")
            if isinstance(said, Said) else None for said in found
        ]  # fmt: skip
        pairs = zip(held[::2], held[1::2], strict=True)
        return [None if None in pair else pair[0] - pair[1] for pair in pairs]  # type: ignore[operator]  # no None is left

    def _uncles(self, block: Block) -> list[Header] | None:
        """Return the uncles of a block where they are paid; None where nobody asks for them."""
        if self.chain.moves is None or not self.chain.moves.rewards:
            return None
        said = self._all([
            ("eth_getUncleByBlockNumberAndIndex", [block.number, hex(place)])
            for place in range(len(block.uncles))
        ])  # fmt: skip
        return [decoded(one.raw, Header, f"{one.host}, {one.request}") for one in said]

    def _traced(self, sent: Sequence[Sent]) -> list[Sent]:
        """Add the traces of blocks; one without transactions has nothing to trace."""
        asked = [one for one in sent if one.block.transactions] if self.tracer != "none" else []
        call = _flat if self.tracer == "trace_block" else self._nested
        answers = self.rpc.each([call(one.height) for one in asked])
        by_hash = {one.block.hash: said for one, said in zip(asked, answers, strict=True)}
        made = []
        for one in sent:
            said = by_hash.get(one.block.hash)
            if isinstance(said, EvmRefused):
                if said.too_much and len(asked) > 1:
                    raise said
                self.untraced[said.said] = self.untraced.get(said.said, 0) + 1
            made.append(self._with_traces(one, said if isinstance(said, Said) else None))
        return made

    def _with_traces(self, sent: Sent, said: Said | None) -> Sent:
        """Return a block with its traces, as far as they were told, and tell all that moved."""
        if sent.coin is not None and sent.coin.untold is not None:
            self._count_untold(sent.coin.untold, sent.coin.partial)
            return sent
        if said is None:
            return sent if sent.block.transactions else sent.with_traces([], sent.said)
        told = "a contract ended, and whom it left its coins is not told"
        try:
            trees = self._trees(sent, said)
            _hold(trees, sent, said)
            made = [one for root in trees for one in each_state(root)]
            if not all(coherent(root, sent.where) for root in made):
                told = "a call is made by another than the one who was called"
            elif all(tells_all(root) for root in trees):
                reason = trees_untold(trees, sent.receipts, sent.coin, sent.where)
                if reason is None:
                    return sent.with_traces(trees, said)
                self._count_untold(reason)
                return sent
        except Contradiction as error:
            if self.chain.moves is not None:
                raise
            told = error.what  # what its own transactions look like in traces is not known
        self.untraced[told] = self.untraced.get(told, 0) + 1
        return sent

    def _trees(self, sent: Sent, said: Said) -> list[Traced]:
        ids = [tx.hash for tx in sent.block.transactions]
        where = f"{said.host}, {said.request}"
        brings = sent.coin is not None and sent.coin.states is not None
        unlisted = UNTRACED if brings else None
        if self.tracer == "trace_block":
            return read_flat(said.raw, ids, sent.block.hash, where, unlisted)
        return read_debug(said.raw, ids, where, unlisted)

    def _count_untold(self, reason: str, partial: bool = False) -> None:
        self.untold[partial, reason] = self.untold.get((partial, reason), 0) + 1

    def _nested(self, height: int) -> Call:
        bor = self.chain.moves is not None and self.chain.moves.bor is not None
        return "debug_traceBlockByNumber", [hex(height), {**_OPTIONS, **(_STATES if bor else {})}]

    def _all(self, calls: Sequence[Call]) -> list[Said]:
        return [_or_raise(one) for one in self.rpc.each(calls)]


def _hold(trees: Sequence[Traced], sent: Sent, said: Said) -> None:
    """Refuse traces that are not of the transactions of their block, as it and receipts tell."""
    where = f"{said.host}, {said.request}"
    states = None if sent.coin is None else sent.coin.states
    for place, (root, tx, receipt) in enumerate(
        zip(trees, sent.block.transactions, sent.receipts, strict=True)
    ):
        if place == states:
            continue
        failed = receipt.status == "0x0" if receipt.status is not None else root.failed
        told = (root.sender.lower(), root.value, root.failed)
        right = (tx.sender.lower(), quantity(tx.value, "value", where), failed)
        paid = (tx.receiver or receipt.created or "").lower()
        made = root.kind == "create" and (root.failed or tx.receiver is None)
        if told != right or ((root.receiver or "").lower() != paid and not (made and failed)):
            raise wrong(f"the trace of transaction {tx.hash} is of another one", where, said.raw)


def _flat(height: int) -> Call:
    return "trace_block", [hex(height)]


def _or_raise(found: Said | EvmRefused) -> Said:
    if isinstance(found, EvmRefused):
        raise found
    return found
