"""Places blocks in their chain: heights from links, then from BIP34, and one branch at a fork.

Blocks link to their parents, so blocks read together (and with those of the ledger) fall into
trees. A tree is anchored by the genesis block, by a block of the ledger, by heights that
coinbases state under BIP34, or by the height that the user gives; all that speak must agree. In
each tree the branch with the most work is kept, and what lies beside it is *stale*: reported,
never mixed in, and left out of a ledger that held it. Proof of work binds a block to its content,
not to the best chain: a block that links to nothing read is placed by its own word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chainwatch.bitcoin.consensus import work_of
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import (
    consensus_of,
    of_genesis,
    other_side,
    read_as,
    splits_of,
)
from chainwatch.errors import BlockError

_NO_BLOCK = bytes(32)
"""What the first block of a chain names as its parent."""


@dataclass(frozen=True, slots=True)
class BlockLink:
    """A block as it hangs in the tree: the parent it links to, and what placing it needs.

    Attributes
    ----------
    hash, parent : bytes
        Wire order.
    bits : int
        Compact difficulty target.
    where : str
        File and byte, for error messages.
    height : int or None
        Height where it is known already: a block of the ledger.
    claimed : int or None
        Height that the coinbase states.
    """

    hash: bytes
    parent: bytes
    bits: int
    where: str
    height: int | None = None
    claimed: int | None = None


Tree = dict[bytes, int]
"""Linked blocks by hash, with their distance from the lowest, lowest first."""


@dataclass(frozen=True)
class Placement:
    """Heights by hash, lowest first and without the ledger's own; the stale blocks apart.

    ``left`` is the height from which on the ledger holds a branch with less work, if it does.
    """

    heights: dict[bytes, int]
    stale: tuple[bytes, ...]
    left: int | None = None


def trusted_claim(chain: Chain, version: int, time: int, claimed: int | None) -> int | None:
    """Return the height that a coinbase states where BIP34 was in force, else None.

    Version 2 blocks exist before the rule was, and some older coinbases read as a height by
    chance (1,983,702 among them): both the number and the time must lie after its start.
    """
    rules = consensus_of(chain)
    if claimed is None or version < 2 or claimed < rules.bip34_height or time < rules.bip34_time:
        return None
    return claimed


def place(
    headers: Mapping[bytes, BlockLink], chain: Chain, *, height: int | None = None
) -> Placement:
    """Give every block its height and keep one branch of each fork.

    Parameters
    ----------
    headers : mapping of bytes to BlockLink
        Blocks to place and blocks of the ledger, by hash.
    chain : Chain
        Their chain.
    height : int, optional
        Height of the lowest block where nothing else says it; needs a single unplaced tree.

    Raises
    ------
    BlockError
        If no height can be had, two sources of it disagree, two trees claim one height, or a
        block is of the other side of a split.
    """
    linked = list(trees(headers))
    new = [tree for tree in linked if any(headers[name].height is None for name in tree)]
    if height is not None and len(new) > 1:
        raise BlockError(
            f"one height is given for {len(new)} runs of blocks that do not link",
            where=headers[next(iter(new[1]))].where,
            remedy="read each run on its own, with its own height",
        )
    heights: dict[bytes, int] = {}
    stale: list[bytes] = []
    for tree in linked:
        base = _base(tree, headers, chain, height)
        branch = _best_branch(tree, headers)
        heights.update((name, base + tree[name]) for name in tree if name in branch)
        stale += (name for name in tree if name not in branch)
    left = [at for name in stale if (at := headers[name].height) is not None]
    _check_once(heights, headers)
    _check_first(headers, chain)
    _check_side(heights, headers, chain)
    order = sorted(
        (name for name in heights if headers[name].height is None), key=heights.__getitem__
    )
    read = {name: heights[name] for name in order if headers[name].height is None}
    beside = sorted(name for name in stale if headers[name].height is None)
    return Placement(read, tuple(beside), min(left, default=None))


def unanchored(
    headers: Mapping[bytes, BlockLink], chain: Chain, *, height: int | None = None
) -> set[bytes]:
    """Return the blocks of trees of which nothing says at which height they stand.

    Parameters
    ----------
    headers, chain, height
        As of :func:`place`, which refuses such trees.
    """
    return {
        name
        for tree in trees(headers)
        if not any(True for _ in _anchors(tree, headers, chain, height))
        for name in tree
    }


def trees(headers: Mapping[bytes, BlockLink]) -> Iterator[Tree]:
    """Yield the blocks above each parent that was not read, with their distance to the lowest."""
    children: dict[bytes, list[bytes]] = {}
    for name in sorted(headers):
        children.setdefault(headers[name].parent, []).append(name)
    for root in sorted(parent for parent in children if parent not in headers):
        tree, level, depth = {}, children[root], 0
        while level:
            tree.update(dict.fromkeys(level, depth))
            level = [child for name in level for child in children.get(name, ())]
            depth += 1
        yield tree


def _base(tree: Tree, headers: Mapping[bytes, BlockLink], chain: Chain, height: int | None) -> int:
    """Return the height of a tree's lowest blocks; everything that speaks of it must agree."""
    anchors = list(_anchors(tree, headers, chain, height))
    first = headers[next(iter(tree))]
    if not anchors:
        raise BlockError(
            f"nothing read says the height of block {hash_text(first.hash)}",
            where=first.where,
            remedy="state the height of the first block, or read the blocks before it as well",
        )
    base, why, _ = anchors[0]
    for other, reason, header in anchors[1:]:
        if other != base:
            depth = tree[header.hash]
            raise BlockError(
                f"block {hash_text(header.hash)} is at height {base + depth:,} by {why}, "
                f"but at {other + depth:,} by {reason}",
                where=header.where,
                remedy="check that the files are of one chain, and the height if you gave it",
            )
    return base


def _anchors(
    tree: Tree, headers: Mapping[bytes, BlockLink], chain: Chain, height: int | None
) -> Iterator[tuple[int, str, BlockLink]]:
    """Yield (height of the lowest blocks, who says so, of which block), the surest first."""
    blocks = [(depth, headers[name]) for name, depth in tree.items()]
    new = [(depth, header) for depth, header in blocks if header.height is None]
    yield from ((-depth, "genesis", item) for depth, item in blocks if item.hash == chain.genesis)
    for depth, item in blocks:
        if item.height is not None:
            yield item.height - depth, "the ledger", item
    if height is not None and new:
        yield height - new[0][0], "the height given", new[0][1]
    for depth, item in new:
        if item.claimed is not None:
            yield item.claimed - depth, "its coinbase", item


def _best_branch(tree: Tree, headers: Mapping[bytes, BlockLink]) -> set[bytes]:
    """Return the blocks of the branch with most work.

    At a tie the branch of which the ledger holds more wins, then the smallest hash: so a pull
    that was interrupted and goes on chooses as it did at first.
    """
    rank: dict[bytes, tuple[int, int]] = {}
    for name in tree:
        header = headers[name]
        work, held = rank.get(header.parent, (0, 0))
        rank[name] = (work + work_of(header.bits), held + (header.height is not None))
    tip = max(tree, key=lambda name: (*rank[name], -int.from_bytes(name, "little")))
    branch = set()
    while tip in tree:
        branch.add(tip)
        tip = headers[tip].parent
    return branch


def _check_once(heights: Mapping[bytes, int], headers: Mapping[bytes, BlockLink]) -> None:
    seen: dict[int, bytes] = {}
    for name, height in heights.items():
        other = seen.setdefault(height, name)
        if other != name:
            raise BlockError(
                f"blocks {hash_text(other)} and {hash_text(name)} both claim height {height:,} "
                "and do not link",
                where=headers[name].where,
                remedy="read the blocks between them as well, or leave one out",
            )


def _check_first(headers: Mapping[bytes, BlockLink], chain: Chain) -> None:
    """Refuse a block that begins another chain: nothing but its hash tells one from the other."""
    for name, header in headers.items():
        if header.parent == _NO_BLOCK and name != chain.genesis:
            raise BlockError(
                f"block {hash_text(name)} begins a chain, and it is not {chain.name}",
                where=header.where,
                remedy=read_as(of_genesis(name)) or "it is of no chain known here",
            )


def _check_side(
    heights: Mapping[bytes, int], headers: Mapping[bytes, BlockLink], chain: Chain
) -> None:
    """Refuse the other branch of a chain that split: its blocks are as well proven."""
    at_split = {branch.split_height for branch in splits_of(chain)}
    for name, height in heights.items():
        if height in at_split and (other := other_side(chain, height, name)):
            raise BlockError(
                f"block {hash_text(name)} is of {other.name}, not of {chain.name}",
                where=headers[name].where,
                remedy=f"read it as {other.alias}",
            )
