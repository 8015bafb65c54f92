"""Follows the chain of an EVM node: what of the ledger is stale, then block after block to the tip.

These chains are not weighed: which branch counts is not to be seen from blocks. The node's word is
taken, within the depth that a reorganisation can have, and earlier commits keep what is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Batch, Reader, Span, heights_in_words
from chainwatch.ingest.reorg import DEEPEST
from chainwatch.ledger.accounts import contract_events
from chainwatch.ledger.accounts.contract_events import LOGS, edition_of
from chainwatch.ledger.block_readings import INTERNAL
from chainwatch.sources.evm.blocks import Sent, check_links
from chainwatch.sources.evm.node import EvmNode
from chainwatch.sources.evm.rows import (
    answer_rows,
    block_tables,
    internal_tables,
    is_partial,
    log_tables,
    unit_of,
)
from chainwatch.sources.evm.tokens import Tokens, contracts_of
from chainwatch.units import counted

MOST_FORKS = 20
"""Times that the chain may change while it is read."""

_LOOK_BACK = 8


@dataclass(frozen=True)
class Reading:
    """How a chain is read.

    Attributes
    ----------
    node : EvmNode
        Whom to ask.
    span : (int, int or None) or None
        Heights, half-open.
    together : int
        Blocks that one question asks for.
    at_once : int
        Questions under way at one time.
    source : str
        As coverage lists it.
    keep : bool
        Keep the answers.
    tokens : Tokens or None
        Asks contracts what they call their tokens; None where nobody asks.
    """

    node: EvmNode
    span: Span | None
    together: int
    at_once: int
    source: str
    keep: bool
    tokens: Tokens | None = None


class _Forked(Exception):
    """A block does not link to the one before: the chain has changed meanwhile."""


@dataclass
class _State:
    """What the ledger holds, and what was just read: hashes of blocks by height.

    ``held`` are those whose payments were read, ``traced`` those whose calls were, ``logged`` those
    whose logs were, of every event that is listed by now.
    """

    held: dict[int, bytes]
    traced: dict[int, bytes]
    logged: dict[int, bytes]

    @classmethod
    def read(cls, reader: Reader, chain: str) -> _State:
        mine = reader.scan("coverage").filter(
            (pl.col("chain") == chain) & pl.col("block").is_not_null()
        )
        found: list[dict[int, bytes]] = []
        now = edition_of() == contract_events.EDITION
        for kind in ("block", INTERNAL, LOGS):
            units = mine.filter(pl.col("kind") == kind)
            rows = units.filter(now) if kind == LOGS else units
            found.append(dict(rows.select("height", "block").sort("height").collect().iter_rows()))
        return cls(*found)

    def forget(self, height: int) -> None:
        """Leave out what stands at a height and above."""
        for blocks in (self.held, self.traced, self.logged):
            for above in [one for one in blocks if one >= height]:
                del blocks[above]


def walk(reading: Reading, reader: Reader) -> Iterator[Batch]:
    """Yield the blocks of the node's chain that the ledger lacks, by height, and their traces.

    Raises
    ------
    ChainError
        If the node is of another chain.
    SourceError
        If it lacks blocks of the span, contradicts itself or the ledger's chain deeper than any
        reorganisation reaches.
    """
    node, (first, until) = reading.node, reading.span or (0, None)
    node.check_chain()
    state, forks = _State.read(reader, node.chain.id), 0
    again = tuple(_read_before(reading, state))
    while True:
        tip = node.height()
        _check_reach(reading, tip)
        stale = _stale(reading, state, tip)
        if stale is not None:
            state.forget(stale.stale or 0)
            again = tuple(_read_before(reading, state))
            yield stale
        if again:
            yield Batch({}, again, "read before")
            again = ()
        try:
            yield from _stretch(reading, state, first, tip + 1 if until is None else until)
        except _Forked:
            forks += 1
            if forks > MOST_FORKS:
                break
            continue
        if until is not None or node.height() <= tip:
            notes = tuple(_standing(reading))
            if notes:
                yield Batch({}, (), "nothing", notes=notes)
            return
    raise SourceError(
        f"the chain changed {MOST_FORKS} times while it was read",
        where=node.rpc.host,
        remedy="try again later, or ask another node",
        passing=True,
    )


def _check_reach(reading: Reading, tip: int) -> None:
    first, until = reading.span or (0, None)
    if first > tip or (until is not None and until > tip + 1):
        raise SourceError(
            f"the node's chain ends at height {tip:,}, before the span does",
            where=reading.node.rpc.host,
            remedy="wait until the node has caught up, or ask for lower heights",
            passing=True,
        )


def _read_before(reading: Reading, state: _State) -> Iterator[str]:
    """Yield the units of the span that the ledger has already."""
    first, until = reading.span or (0, None)
    each = (("block", state.held), (INTERNAL, state.traced), (LOGS, state.logged))
    for kind, blocks in each:
        for height, block in blocks.items():
            if height >= first and (until is None or height < until):
                yield unit_of(kind, block, reading.node.chain)


def _stale(reading: Reading, state: _State, tip: int) -> Batch | None:
    """Return the batch that gives up what the node's chain lacks; None where nothing is."""
    node, held = reading.node, state.held
    fork = _lowest_apart(node, held, sorted(height for height in held if height <= tip))
    if fork is None:
        return None
    top = max(held)
    if top > tip:
        raise SourceError(
            f"the node's chain differs from the ledger's, and is lower: it ends at height {tip:,}",
            where=node.rpc.host,
            remedy="ask another node, or this one when it has caught up",
            passing=True,
        )
    if node.chain.mainnet and top - fork >= DEEPEST:
        raise SourceError(
            f"the node's chain differs from the ledger's from height {fork:,} on, which is deeper"
            " than any reorganisation",
            where=node.rpc.host,
            remedy="check that both are of one chain; if they are, read it into a new ledger",
        )
    note = (
        f"the chain was reorganised: what had been read of height {fork:,} and above is left out"
        " from here on; earlier commits keep it"
    )
    what = f"reorganisation above block {fork - 1:,}" if fork else "another chain from the start"
    return Batch({}, (), what, notes=(note,), stale=fork)


def _lowest_apart(node: EvmNode, held: dict[int, bytes], known: Sequence[int]) -> int | None:
    """Return the lowest height whose block in the ledger is not the node's.

    Blocks link, so that all above a block that differs differ, and none below one that agrees.
    """
    if not known or node.hashes([known[-1]])[0] == held[known[-1]]:
        return None
    low, high = -1, len(known) - 1  # high differs; low, if there is one, agrees
    step = _LOOK_BACK
    while high - low > 1:
        middle = max(low + 1, high - step) if low < 0 else (low + high) // 2
        if node.hashes([known[middle]])[0] == held[known[middle]]:
            low = middle
        else:
            high = middle
            step *= 4
        if high == 0:
            break
    return known[high]


def _stretch(reading: Reading, state: _State, first: int, end: int) -> Iterator[Batch]:
    """Yield what is lacking of a range of heights; raise where blocks do not link."""
    node, heights = reading.node, range(first, end)
    probe = next((height for height in heights if height and height not in state.traced), None)
    if probe is not None:
        node.choose_tracer(probe)
    lacks = (
        height for height in heights
        if height not in state.held or height not in state.logged
        or (height not in state.traced and node.tracer != "none")
    )  # fmt: skip
    below: Sent | None = None
    for sent in _read(reading, _runs(lacks, reading.together)):
        _check_joined(sent, below, state.held)
        below = sent[-1]
        yield from _batches(reading, sent, state)


def _runs(heights: Iterable[int], most: int) -> Iterator[tuple[int, int]]:
    """Yield heights as ranges without a gap, each of at most so many."""
    begun: int | None = None
    last = -1
    for height in heights:
        if begun is not None and (height != last + 1 or height - begun >= most):
            yield begun, last
            begun = None
        begun = height if begun is None else begun
        last = height
    if begun is not None:
        yield begun, last


def _read(reading: Reading, runs: Iterable[tuple[int, int]]) -> Iterator[list[Sent]]:
    """Yield the blocks of each range in order; several are asked for at one time."""
    waiting: deque[Future[list[Sent]]] = deque()
    with ThreadPoolExecutor(reading.at_once, "chainwatch-evm") as pool:
        try:
            for run in runs:
                waiting.append(pool.submit(reading.node.blocks, *run))
                if len(waiting) >= reading.at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def _check_joined(sent: Sequence[Sent], below: Sent | None, held: dict[int, bytes]) -> None:
    """Raise where blocks do not link to each other, to those before, or to the ledger's."""
    follows = below is not None and below.height + 1 == sent[0].height
    chained = [below, *sent] if below is not None and follows else list(sent)
    linked = check_links(chained)
    under, over = held.get(sent[0].height - 1), held.get(sent[-1].height)
    same = under in (None, sent[0].parent) and over in (None, sent[-1].hash)
    if not linked or not same:
        raise _Forked


def _batches(reading: Reading, sent: Sequence[Sent], state: _State) -> Iterator[Batch]:
    chain = reading.node.chain
    lacking = [one for one in sent if one.height not in state.held]
    new = [one for one in lacking if not is_partial(one)]
    late = frozenset(one.height for one in sent if one.height in state.held)
    told = [one for one in sent if one.traces is not None and one.height not in state.traced]
    logged = [one for one in sent if one.height in late and one.height not in state.logged]
    state.held |= {one.height: one.hash for one in new}
    state.logged |= {one.height: one.hash for one in (*new, *logged)}
    state.traced |= {one.height: one.hash for one in told}
    given = {"source": reading.source, "keep": reading.keep}
    if new:
        tables = block_tables(new, chain, **given)  # type: ignore[arg-type]  # as named
        if reading.tokens is not None:
            tables = _named(tables, reading.tokens, reading)
        what = heights_in_words(new[0].height, new[-1].height)
        units = tuple(tables["coverage"]["unit"])
        yield Batch(tables, units, what, tip=new[-1].hash, notes=_nonsense(tables, what))
    if logged:
        tables = log_tables(logged, chain, **given)  # type: ignore[arg-type]  # as named
        what = f"logs of {heights_in_words(logged[0].height, logged[-1].height)}"
        yield Batch(tables, tuple(tables["coverage"]["unit"]), what)
    if told:
        tables = internal_tables(told, chain, late=late, **given)  # type: ignore[arg-type]  # as named
        what = f"calls of {heights_in_words(told[0].height, told[-1].height)}"
        yield Batch(tables, tuple(tables["coverage"]["unit"]), what)
    for one in lacking:
        if is_partial(one):  # each by itself: another node may tell the rest of some of them
            tables = block_tables([one], chain, **given)  # type: ignore[arg-type]  # as named
            if reading.tokens is not None:
                tables = _named(tables, reading.tokens, reading)
            units = tuple(tables["coverage"]["unit"])
            yield Batch(tables, units, f"part of {heights_in_words(one.height, one.height)}")


def _nonsense(tables: dict[str, pl.DataFrame], what: str) -> tuple[str, ...]:
    count = int(tables["coverage"]["apart"].sum())
    if not count:
        return ()
    logs = counted(count, "log", "logs")
    return (f"{what}: {logs} in the form of a transfer or of authority make no sense, and no row",)


def _named(
    tables: dict[str, pl.DataFrame], tokens: Tokens, reading: Reading
) -> dict[str, pl.DataFrame]:
    """Add what contracts call their tokens, and their answers."""
    said = tokens.ask(contracts_of([tables["transfers"]]))
    answers = [tables["answers"], answer_rows(said, reading.source, reading.keep)]
    return {
        **tables,
        "transfers": tokens.named(tables["transfers"]),
        "answers": pl.concat(answers),
    }


def _standing(reading: Reading) -> Iterator[str]:
    """Say what a reader should know of what this node does not tell."""
    node = reading.node
    if node.tracer == "none":
        yield (
            "internal transfers not read: the node answers neither trace_block nor"
            " debug_traceBlockByNumber, or was not to be asked"
        )
    for said, count in sorted(node.untraced.items()):
        yield f"internal transfers not read in {count:,} blocks: the node says {said!r}"
    for (partial, said), count in sorted(node.untold.items()):
        what = "the coin and tokens are" if partial else "the coin is"
        yield f"{what} not wholly read in {count:,} blocks: {said}"
    if node.chain.moves is None:
        yield (
            f"fees were not read: how the coin of {node.chain.name} moves is not known here, so"
            " that its balances are unknown; its transfers are read"
        )
