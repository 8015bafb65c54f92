"""What the inputs of checked blocks spend, from undo data: compiled where the blocks are.

Both ways make the checks of :mod:`chainwatch.bitcoin.undo` and refuse in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from chainwatch.bitcoin.block import Block
from chainwatch.bitcoin.block_batch import CheckedBlocks
from chainwatch.bitcoin.consensus import FieldError
from chainwatch.bitcoin.spent import Output, spent_output
from chainwatch.bitcoin.undo import check_half_key, check_spent, checksum, parse_undo
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.kernels.parse import Parsed
from chainwatch.kernels.undo import Coins, parse_undo_records

_AGAIN = "run the same command again; what is committed stays"
_WRONG_SUM = "the undo data does not match its checksum"


class RawUndo(NamedTuple):
    """Undo data of one block as it was read: the record, its checksum, and where it stood."""

    data: bytes
    check: bytes
    where: str


def check_undo(checked: CheckedBlocks, undo: Sequence[RawUndo | None]) -> CheckedBlocks:
    """Read and check what the inputs of blocks spend, and return the blocks with it.

    Parameters
    ----------
    checked : CheckedBlocks
        What :func:`chainwatch.bitcoin.block_batch.check_blocks` gave.
    undo : sequence of RawUndo or None
        The record of each block; None for the genesis block, which spends nothing.

    Raises
    ------
    BlockError
        For the first record that does not match its checksum, is cut off, has bytes left over or
        is out of range, is of another block, or lets a transaction pay more than it spends.
    """
    if isinstance(checked.parsed, Parsed):
        return replace(checked, coins=_compiled(checked, checked.parsed, undo))
    chain = checked.chain
    known = []
    for block, record in zip(checked.parsed, undo, strict=True):
        spent = coins_of(block, record, chain) if record else []
        known.append([[spent_output(coin, chain) for coin in coins] for coins in spent])
    return replace(checked, spent=tuple(known))


def coins_of(block: Block, record: RawUndo, chain: Chain) -> list[list[Output]]:
    """Return value and script of what each transaction of a block but the coinbase spent.

    Raises
    ------
    BlockError
        As :func:`check_undo`.
    """
    supply = consensus_of(chain).supply
    try:
        if checksum(block.header.parent, record.data) != record.check:
            raise FieldError(_WRONG_SUM, 0)
        spent = parse_undo(record.data, supply, extended=block.txs[-1].extended)
        check_spent(block.txs[1:], spent, supply)
    except FieldError as bad:
        raise _refused(record, bad.what) from None
    return spent


def _compiled(checked: CheckedBlocks, parsed: Parsed, undo: Sequence[RawUndo | None]) -> Coins:
    whole = [record or RawUndo(b"\0", b"", "") for record in undo]
    pairs = enumerate(zip(undo, checked.summaries, strict=True))
    wrong = next(
        (
            k for k, (record, block) in pairs
            if record and checksum(block.header.parent, record.data) != record.check
        ), None,
    )  # fmt: skip
    coins = parse_undo_records(
        [record.data for record in whole[:wrong]], parsed,
        supply=consensus_of(checked.chain).supply, forms=checked.chain.forms,
    )  # fmt: skip
    _check_half_keys(coins, whole)
    if coins.failure is not None:
        number, what = coins.failure
        raise _refused(whole[number], what)
    if wrong is not None:
        raise _refused(whole[wrong], _WRONG_SUM)
    return coins


def _check_half_keys(coins: Coins, undo: Sequence[RawUndo]) -> None:
    """Check keys before any failure is told: those listed all come before it."""
    columns = coins.columns
    for row in coins.half_keys.tolist():
        start, end = columns["coin_script"][row], columns["coin_script_end"][row]
        try:
            check_half_key(coins.data[start:end].tobytes(), int(start))
        except FieldError as bad:
            raise _refused(undo[coins.records[row]], bad.what) from None


def _refused(record: RawUndo, what: str) -> BlockError:
    return BlockError(what, where=record.where, remedy=_AGAIN)
