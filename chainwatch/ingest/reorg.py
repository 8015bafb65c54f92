"""Where a node's best chain and a ledger part, and what of the ledger is stale because of it.

The lowest block of the ledger that the node's chain lacks is the first that is stale, with all
above it, provided that the node's branch has no less work: then it is given up in a commit of its
own, and earlier commits keep it. A node whose chain ends on the ledger's is merely behind. Where
a ledger holds single blocks only, the branches may part lower, where it holds nothing to give up.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from chainwatch.bitcoin.consensus import work_of
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.header_tree import BlockLink
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains, other_side, splits_of
from chainwatch.errors import BlockError, ChainError, SourceError
from chainwatch.ingest.chain_work import kept_bits, shown_work
from chainwatch.ingest.protocol import Batch, Reader

DEEPEST = 100
"""Blocks of a main network that a reorganisation may replace: what a coinbase waits to be spent."""

MOST_RESTARTS = 5
"""Times that a reading is begun again because the chain went on or was reorganised meanwhile."""

_WINDOW = 50
_DEEPER = 4


class Moved(Exception):
    """The tip as of which something was read is no longer in the best chain."""


@dataclass(frozen=True)
class Tip:
    """Where a node stands: its best block, the headers it knows, the first block it still has."""

    height: int
    hash: bytes
    headers: int
    first: int = 0


class Headers(Protocol):
    """Who can tell the best chain: a node or an Electrum server."""

    @property
    def name(self) -> str:
        """Name of the source."""
        ...

    @property
    def network(self) -> Chain:
        """The chain it should be of."""
        ...

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height."""
        ...

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return 80 bytes for each hash."""
        ...


@dataclass
class Known:
    """What is known of a chain: the ledger, and ``recent``: hash and bits of blocks just read."""

    node: Headers
    reader: Reader
    recent: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def places(self) -> pl.LazyFrame:
        """Return kind, height and hash of every block that the ledger knows of this chain.

        A history vouches for the blocks of its transactions as well as for the tip it ends at.
        """
        mine = pl.col("chain") == self.node.network.id
        columns = ["kind", "height", "block"]
        read = self.reader.scan("coverage").filter(mine).select(columns)
        read = read.filter(pl.col("height").is_not_null(), pl.col("block").is_not_null())
        if not read.filter(pl.col("kind") != "block").head(1).collect().height:
            return read
        placed = self.reader.scan("transactions").filter(mine)
        return pl.concat([read, placed.select(pl.lit("transaction").alias("kind"), *columns[1:])])

    def highest(self, below: int | None, count: int) -> dict[int, set[bytes]]:
        """Return the blocks of the highest heights that are known; one each, unless it is broken.

        Parameters
        ----------
        below : int or None
            Highest height looked at; None is no bound.
        count : int
            Most heights.
        """
        near = pl.LazyFrame(
            {"height": list(self.recent), "block": [name for name, _ in self.recent.values()]},
            schema={"height": pl.Int64, "block": pl.Binary},
        )
        places = pl.concat([self.places().select("height", "block"), near])
        if below is not None:
            places = places.filter(pl.col("height") <= below)
        heights = places.select("height").unique().top_k(count, by="height")
        found: dict[int, set[bytes]] = {}
        for height, block in places.join(heights, on="height", how="semi").collect().iter_rows():
            found.setdefault(height, set()).add(block)
        return found

    def held(self, heights: range) -> dict[int, bytes]:
        """Return the blocks of these heights that the ledger holds whole."""
        inside = pl.col("height").is_between(heights[0], heights[-1]) & (pl.col("kind") == "block")
        held = self.places().filter(inside).select("height", "block").sort("height").collect()
        return dict(held.iter_rows())

    def whole_below(self, height: int) -> bool:
        """Tell whether the ledger holds every block below a height: then it knows what is spent."""
        below = self.places().filter(pl.col("height") < height, pl.col("kind") == "block")
        return int(below.select(pl.col("height").n_unique()).collect().item()) == height


def check_network(node: Headers, height: int) -> None:
    """Refuse a node of another chain than the one that was named.

    Parameters
    ----------
    node : Headers
        Whom to ask.
    height : int
        How far its chain reaches.

    Raises
    ------
    ChainError
        If its genesis block is not that of the chain, or it went the other way where the chain
        split from one with the same genesis block.
    """
    found = node.hashes([0])[0]
    if found != node.network.genesis:
        known = next((item for item in all_chains() if item.genesis == found), None)
        named = f"it is of {known.name} ({known.alias})" if known else "it is of no chain known"
        raise _other_network(node, f"{named}: its genesis block is {hash_text(found)}")
    for split in sorted(branch.split_height or 0 for branch in splits_of(node.network)):
        if height >= split and (other := other_side(node.network, split, node.hashes([split])[0])):
            raise _other_network(node, f"it is of {other.name}")


def _other_network(node: Headers, why: str) -> ChainError:
    return ChainError(
        f"the server is not of {node.network.name}: {why}",
        where=node.name,
        remedy="name the chain that it is of, or ask another server",
    )


def stale_part(known: Known, tip: Tip) -> Batch | None:
    """Return the batch that gives up what is stale; None where nothing is.

    Raises
    ------
    SourceError
        If the node's chain differs from the ledger's and has less work, or differs deeper than
        any reorganisation of a main network does. Of histories only the work of the blocks whose
        headers were kept is known: there a branch that is lower replaces nothing either.
    """
    _check_height(known, tip)
    fork = _fork(known, tip)
    if fork is None:
        return None
    top = max(known.highest(None, 1))
    if tip.height < top and not _weighed(known, fork):
        raise SourceError(
            "the server's chain differs from the ledger's, and is lower: it ends at height "
            f"{tip.height:,}",
            where=known.node.name,
            remedy="ask another server, or this one when it has caught up; if it stays, the height "
            "of the ledger is that of a server that was wrong: read into a new one",
            passing=True,
        )
    if known.node.network.mainnet and top - fork > DEEPEST:
        raise SourceError(
            f"the node's chain differs from the ledger's from height {fork + 1:,} on, which is "
            "deeper than any reorganisation",
            where=known.node.name,
            remedy="check that both are of one chain; if they are, read it into a new ledger",
        )
    return _given_up(known, fork, tip)


def _check_height(known: Known, tip: Tip) -> None:
    """Refuse a tip that the ledger has at another height: it would seem above every honest one."""
    places = known.places().filter(pl.col("block") == tip.hash, pl.col("height") != tip.height)
    for height in places.select("height").head(1).collect()["height"]:
        raise SourceError(
            f"the server states height {tip.height:,} of a block that stands at {height:,} in the "
            "ledger",
            where=known.node.name,
            remedy="ask another server; if the ledger is wrong, read into a new one",
        )


def _fork(known: Known, tip: Tip) -> int | None:
    """Return the height below the lowest block in which the ledger differs from a node, if any.

    A node whose chain ends on the ledger's is merely behind: nothing is stale then.
    """
    high, count, fork = tip.height, 1, None
    while places := known.highest(high, count):
        names = dict(zip(places, known.node.hashes(list(places)), strict=True))
        for height in sorted(places, reverse=True):
            if places[height] == {names[height]}:
                return fork
            fork = height - 1
        high, count = min(places) - 1, count * _DEEPER
    return fork


def _given_up(known: Known, fork: int, tip: Tip) -> Batch:
    """Return the batch that gives up what lies above a fork, if the node's branch has the work."""
    _check_work(known, fork, tip)
    for height in [height for height in known.recent if height > fork]:
        del known.recent[height]
    what = f"reorganisation above block {fork:,}" if fork >= 0 else "another chain from the start"
    note = (
        f"the chain was reorganised: what had been read of height {fork + 1:,} and above is left "
        "out from here on; earlier commits keep it"
    )
    return Batch({}, (), what, notes=(note,), stale=fork + 1)


def _check_work(known: Known, fork: int, tip: Tip) -> None:
    """Refuse a branch with less work than what it would replace."""
    lost = _work_above(known, fork)
    parent = known.node.hashes([fork])[0] if fork >= 0 else bytes(32)
    for low in range(fork + 1, tip.height + 1, _WINDOW):
        heights = range(low, min(low + _WINDOW, tip.height + 1))
        for data in known.node.headers(known.node.hashes(heights)):
            header = Header.parse(data)
            if header.parent != parent:
                raise SourceError(
                    f"the node's headers above height {low - 1:,} do not link",
                    where=known.node.name,
                    remedy="try again; if it stays, ask another node",
                    passing=True,
                )
            parent = header.hash
            lost -= shown_work(header, known.node.network, known.node.name)
        if lost <= 0:
            return
    raise SourceError(
        f"the node's chain differs from the ledger's above height {fork:,} and has less work",
        where=known.node.name,
        remedy="wait until the node has caught up, or ask one that is connected to the network",
        passing=True,
    )


def _weighed(known: Known, fork: int) -> bool:
    """Tell whether the ledger holds every block above a fork, so that their work is known."""
    above = pl.col("height") > fork
    top = max(known.highest(None, 1))
    whole = known.places().filter(above, pl.col("kind") == "block").select("height")
    heights = {*whole.collect()["height"], *(item for item in known.recent if item > fork)}
    return heights >= set(range(fork + 1, top + 1))


def _work_above(known: Known, fork: int) -> int:
    """Return the work of what is known above a fork: at least that much would be replaced."""
    blocks = known.reader.scan("blocks").filter(
        pl.col("chain") == known.node.network.id, pl.col("height") > fork
    )
    counted = dict(blocks.select("hash", "bits").collect().iter_rows())
    counted.update(item for height, item in known.recent.items() if height > fork)
    placed = known.places().filter(pl.col("height") > fork).select("block").unique().collect()
    counted |= kept_bits(known.reader, set(placed["block"]) - counted.keys())
    return sum(work_of(bits) for bits in counted.values())


def check_replaced(headers: dict[bytes, BlockLink], mine: Container[bytes], left: int) -> None:
    """Refuse to leave out what the ledger holds above a fork and beside the branch that lost."""
    held = [(at, one) for one in headers.values() if (at := one.height) is not None and at >= left]
    lost: set[bytes] = set()
    for at, header in sorted(held, key=lambda pair: pair[0]):
        if at == left or header.parent in lost:
            lost.add(header.hash)
        elif header.hash not in mine:
            raise BlockError(
                f"blocks from {left:,} on are replaced by a branch with more work, and block"
                f" {hash_text(header.hash)}, which the ledger holds at height {at:,}, links to"
                " neither",
                where="the ledger",
                remedy="give the file of that block as well, or read the chain into a new ledger",
            )


def ledger_headers(reader: Reader, chain: str) -> dict[bytes, BlockLink]:
    """Return the headers of the blocks that a ledger holds of a chain, by hash."""
    mine = reader.scan("blocks").filter(pl.col("chain") == chain)
    rows = mine.select("hash", "parent", "bits", "height").collect().iter_rows()
    return {
        name: BlockLink(name, parent, bits, "the ledger", at) for name, parent, bits, at in rows
    }
