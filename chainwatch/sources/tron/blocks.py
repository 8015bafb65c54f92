"""A whole block of Tron: two answers of a node that must fit each other, and their rows.

A node tells a block's transactions in one answer (``getblockbynum``) and what came of them in
another (``gettransactioninfobyblocknum``). The second lists the same ids, of the same block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import LOGS, logs_unit
from chainwatch.sources.tron.fields import (
    LIAR,
    Block,
    BlockTransaction,
    Info,
    Told,
    address,
    cancelled,
    check_id,
    moment,
    typed,
)
from chainwatch.sources.tron.history import SUCCESS
from chainwatch.sources.tron.logs import Events
from chainwatch.sources.tron.rows import Rows
from chainwatch.sources.tron.server import Server, Tip

INTERNAL = "internal"
"""Kind of the units of coverage that tell that the calls inside the transactions of a block were
read; their names begin so."""

CALLS = ("TriggerSmartContract", "CreateSmartContract")


@dataclass(frozen=True)
class Sent:
    """A block as a node sent it.

    Attributes
    ----------
    place : Tip
        Its hash, height and time.
    parent : bytes
        Hash of the block below.
    transactions, infos : list
        Its transactions, and what came of each, in their order.
    internal : bool or None
        Whether the node tells calls between contracts; None where no call was made.
    where : str
        For errors.
    """

    place: Tip
    parent: bytes
    transactions: list[BlockTransaction]
    infos: list[Info]
    internal: bool | None
    where: str


def read_block(server: Server, height: int, tip: Tip, *, internal: bool | None) -> Sent:
    """Return a block of a node whose two answers fit each other.

    Parameters
    ----------
    server : Server
        Whom to ask.
    height : int
        Which.
    tip : Tip
        The highest that is final: no time is later.
    internal : bool or None
        Whether the node keeps calls between contracts; None to tell it by what it sends.

    Raises
    ------
    SourceError
        If they do not fit, or one is none.
    """
    value, answer = server.post("/wallet/getblockbynum", {"num": height})
    where = server.where(answer)
    block = typed(value, Block, where)
    place = server.tip_of(block, answer)
    if place.height != height or place.time > tip.time:
        raise SourceError("the answer is of another block", where=where, remedy=LIAR)
    told, answer = server.post("/wallet/gettransactioninfobyblocknum", {"num": height})
    given = typed(told, list[Info], server.where(answer))
    by_id = {info.id.lower(): info for info in given}
    ids = [one.txID.lower() for one in block.transactions]
    if len(by_id) != len(given) or len(set(ids)) != len(ids) or set(by_id) != set(ids):
        raise SourceError(
            "what came of a block's transactions is not of the transactions of that block",
            where=server.where(answer), remedy=LIAR,
        )  # fmt: skip
    infos = [by_id[one] for one in ids]
    if any(info.blockNumber != height for info in infos):
        raise SourceError("an answer is of another block", where=server.where(answer), remedy=LIAR)
    parent = bytes.fromhex(block.block_header.raw_data.parentHash)
    known = internal if internal is not None else _told_inside(infos, block.transactions)
    return Sent(place, parent, block.transactions, infos, known, where)


def _told_inside(infos: list[Info], transactions: list[BlockTransaction]) -> bool | None:
    """Tell whether a node keeps calls between contracts: only what it sends shows it."""
    if any(info.internal_transactions is not None for info in infos):
        return True
    calls = any(one.raw_data.contract[0].type in CALLS for one in transactions)
    return False if calls else None


def block_tables(
    sent: Sent, chain: Chain, server: Server, *, internal: bool
) -> tuple[dict[str, pl.DataFrame], tuple[str, ...], int, int]:
    """Return the rows of a block, its units, and how much of it is not understood.

    That is how many logs have not the form of their event, and how many actions inside of
    transactions have no note that is known.

    Parameters
    ----------
    sent : Sent
        The block.
    chain : Chain
        Of it.
    server : Server
        Whose answers stand beside.
    internal : bool
        Calls between contracts were read.
    """
    rows = Rows(chain)
    events = Events(rows, chain)
    for position, (one, info) in enumerate(zip(sent.transactions, sent.infos, strict=True)):
        where = f"{sent.where}, transaction {one.txID}"
        told = _told(one, info, position, sent, chain, where)
        rows.add(told, where)
        if told.success:
            for place, log in enumerate(info.log):
                events.add(told, place, log, where)
    name = txid_text(sent.place.hash, chain)
    kinds = ("block", INTERNAL) if internal else ("block",)
    names = [(kind, f"{kind}/{name}") for kind in kinds] + [(LOGS, logs_unit(name))]
    common: dict[str, Any] = {
        "chain": chain.id, "height": sent.place.height, "block": sent.place.hash,
        "from_time": sent.place.time, "to_time": sent.place.time, "complete": True,
        "source": server.source, "answer": sent.place.answer,
    }  # fmt: skip
    units = [{**common, "kind": kind, "unit": unit} for kind, unit in names]
    tables = {
        **rows.frames(), "blocks": _block_row(sent, chain), "coverage": coverage_frame(units),
        "answers": answers_frame(server.take()),
    }  # fmt: skip
    return tables, tuple(unit["unit"] for unit in units), events.odd, rows.odd_notes


def _block_row(sent: Sent, chain: Chain) -> pl.DataFrame:
    row = dict.fromkeys(schema.BLOCKS.schema) | {
        "chain": chain.id, "height": sent.place.height, "hash": sent.place.hash,
        "parent": sent.parent, "time": sent.place.time, "tx_count": len(sent.transactions),
    }  # fmt: skip
    return pl.DataFrame([row], schema=schema.BLOCKS.schema, orient="row")


def _told(
    one: BlockTransaction, info: Info, position: int, sent: Sent, chain: Chain, where: str
) -> Told:
    check_id(one.txID, one.raw_data_hex, where)
    [contract] = one.raw_data.contract
    ret = one.ret[0] if one.ret else None
    success = (ret is None or ret.contractRet in SUCCESS) and info.result != "FAILED"
    return Told(
        bytes.fromhex(one.txID), sent.place.height, position,
        moment(sent.place.millis, where), contract.type, contract.parameter.value, success,
        info.fee, info.receipt.energy_usage, info.receipt.net_usage, info.withdraw_amount,
        info.unfreeze_amount, info.withdraw_expire_amount,
        cancelled(info.cancel_unfreezeV2_amount, where),
        address(info.contract_address, chain, where) if info.contract_address else None,
        tuple(info.internal_transactions or ()),
    )  # fmt: skip
