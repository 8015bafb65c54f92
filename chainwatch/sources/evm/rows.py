"""Blocks that were checked to rows: transfers, authority, freezes, logs, coverage and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import FEE_KINDS
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.accounts import rows_of, transfer_rows, wide_amounts
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import LOGS, logs_unit
from chainwatch.ledger.block_readings import INTERNAL
from chainwatch.sources.evm.blocks import Said, Sent
from chainwatch.sources.evm.callers import caller_rows
from chainwatch.sources.evm.delegations import delegation_rows
from chainwatch.sources.evm.fees import Moved, fee_of, rewards_of, withdrawals_of
from chainwatch.sources.evm.fields import address_of, hash_of, quantity
from chainwatch.sources.evm.logs import Read, log_columns, read_logs
from chainwatch.sources.evm.traces import Movement, movements

_COLUMNS = ("txid", "tx", "height", "time", "kind", "trace_path", "sender", "receiver", "success",
            "signed")  # fmt: skip

_SIGNED = ("native", *FEE_KINDS)
"""Kinds of what a transaction itself moves: who pays has signed it."""


class _Rows:
    """Transfers of the coin, one after the other."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self.amounts: list[int] = []

    def add(
        self, place: tuple[bytes, int, int, datetime], moved: Moved, success: bool | None = True
    ) -> None:
        txid, tx, height, time = place
        signed = True if moved.kind in _SIGNED else None
        said = moved.kind, moved.path, moved.sender, moved.receiver
        row = (txid, tx, height, time, *said, success, signed)
        for name, value in zip(_COLUMNS, row, strict=True):
            self.columns[name].append(value)
        self.amounts.append(moved.amount)

    def frame(self, chain: Chain) -> pl.DataFrame:
        amount, wide = wide_amounts(self.amounts)
        given = {**self.columns, "amount": amount, "amount_hex": wide}
        return rows_of(schema.TRANSFERS, chain.id, given, len(self.amounts))


def unit_of(kind: str, block: bytes, chain: Chain) -> str:
    """Return the name of a unit of reading of a block: ``block/<hash>``, ``internal/<hash>``."""
    name = canonical.txid_text(block, chain)
    return logs_unit(name) if kind == LOGS else f"{kind}/{name}"


def block_tables(
    sent: Sequence[Sent], chain: Chain, *, source: str, keep: bool
) -> dict[str, pl.DataFrame]:
    """Return the rows of blocks: all but what moved inside their transactions.

    Parameters
    ----------
    sent : sequence of Sent
        Blocks that were checked.
    chain : Chain
        Their chain; where nobody has said how its coin moves, fees are left unknown.
    source : str
        As coverage and answers list it.
    keep : bool
        Keep the answers themselves.
    """
    coins, senders = _Rows(), {}
    for one in sent:
        _payments(one, coins, chain)
        for tx in one.block.transactions[: _signed(one)]:
            txid = hash_of(tx.hash, "hash", one.where)
            senders[txid] = address_of(tx.sender, "from", one.where)
    read = _read(sent, chain, senders)
    approvals = pl.concat([read.approvals, delegation_rows(sent, chain)])
    said = [part for one in sent for part in (one.said, one.receipts_said) if part]
    covered = [_block_unit(one, chain, source) for one in sent]
    covered += [_logs_unit(one, chain, source) for one in sent if not is_partial(one)]
    covered += _apart(sent, read, chain, source)
    return {
        "blocks": _blocks(sent, chain),
        "transfers": transfer_rows([coins.frame(chain), read.transfers]),
        "approvals": approvals,
        "freezes": read.freezes,
        "contract_logs": read.contract_logs,
        "coverage": coverage_frame(covered),
        "answers": answer_rows(said, source, keep),
    }  # fmt: skip


def log_tables(
    sent: Sequence[Sent], chain: Chain, *, source: str, keep: bool
) -> dict[str, pl.DataFrame]:
    """Return the logs of blocks that were read before, when other events were listed."""
    return {
        "contract_logs": _read(sent, chain, {}).contract_logs,
        "coverage": coverage_frame([_logs_unit(one, chain, source) for one in sent]),
        "answers": answer_rows([one.receipts_said or one.said for one in sent], source, keep),
    }


def internal_tables(
    sent: Sequence[Sent], chain: Chain, *, source: str, keep: bool,
    late: Collection[int] = (),
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return what moved inside the transactions of blocks whose traces were read.

    ``late`` are heights of blocks whose payments were read before, when fees may have been unknown:
    what is known of them now is among the rows.
    """
    coins = _Rows()
    rows, said = [], []
    for one in sent:
        if one.traces is None or one.traces_said is None:
            continue
        if one.height in late and one.coin is not None:
            _coin(one, coins)
        said.append(one.traces_said)
        rows.append(_unit(INTERNAL, one, chain, source, one.traces_said))
        burns = _burns(one, chain)
        where = f"{one.traces_said.host}, {one.traces_said.request}"
        for position, (tx, root) in enumerate(zip(one.block.transactions, one.traces, strict=True)):
            place = _place(one, hash_of(tx.hash, "hash", where), position)
            for found in _told_by_calls(one, position, movements(root, where, burns=burns)):
                moved = Moved(INTERNAL, found.sender, found.receiver, found.amount, found.path)
                coins.add(place, moved, found.success and _took_effect(one, position) is not False)
    return {
        "transfers": transfer_rows([coins.frame(chain)]),
        "approvals": caller_rows([one for one in sent if one.traces is not None], chain),
        "coverage": coverage_frame(rows),
        "answers": answer_rows(said, source, keep),
    }


def _place(sent: Sent, txid: bytes, position: int) -> tuple[bytes, int, int, datetime]:
    return txid, schema.pack_tx(sent.height, position), sent.height, sent.time


def _took_effect(sent: Sent, position: int) -> bool | None:
    """Return whether a transaction took effect; None where neither receipt nor trace says so."""
    status = sent.receipts[position].status
    if status is not None:
        return status == "0x1"
    return None if sent.traces is None else not sent.traces[position].failed


def is_partial(sent: Sent) -> bool:
    """Return whether a transaction of a block may be lacking."""
    return sent.coin is not None and sent.coin.partial


def _block_unit(sent: Sent, chain: Chain, source: str) -> dict[str, Any]:
    """Return the unit of a block: of one of which a part may be lacking, it claims nothing."""
    if not is_partial(sent):
        return _unit("block", sent, chain, source, sent.said)
    return {**_unit("part", sent, chain, source, sent.said), "complete": False}


def _logs_unit(sent: Sent, chain: Chain, source: str) -> dict[str, Any]:
    """Return the unit of the logs of a block; the receipts show them."""
    return _unit(LOGS, sent, chain, source, sent.receipts_said or sent.said)


def _signed(sent: Sent) -> int:
    """Return how many transactions of a block, from the first on, somebody sent."""
    beside = None if sent.coin is None else sent.coin.states
    return len(sent.block.transactions) if beside is None else beside


def _burns(sent: Sent, chain: Chain) -> bool | None:
    """Return whether a contract that destroys itself in its own favour burns what it holds."""
    if chain.moves is None:
        return None
    if chain.moves.bor is not None:
        return sent.height < chain.moves.bor.cancun
    return sent.block.blob_gas is None


def _told_by_calls(sent: Sent, position: int, found: Sequence[Movement]) -> Iterator[Movement]:
    """Yield what calls alone tell: deposits are told by logs, traced or not."""
    deposits = sent.coin.deposits if sent.coin and position == sent.coin.states else ()
    logged = Counter((one.sender, one.receiver, one.amount) for one in deposits)
    for one in found:
        moved = one.sender, one.receiver, one.amount
        if one.success and logged[moved]:
            logged[moved] -= 1
        else:
            yield one


def _coin(sent: Sent, coins: _Rows) -> None:
    """Add fees and deposits of a block of a chain that runs Bor."""
    if sent.coin is None:
        return
    by_place = dict(sent.coin.fees)
    if sent.coin.states is not None:
        by_place[sent.coin.states] = sent.coin.deposits
    for position, moves in sorted(by_place.items()):
        txid = hash_of(sent.block.transactions[position].hash, "hash", sent.where)
        for moved in moves:
            coins.add(_place(sent, txid, position), moved)


def _payments(sent: Sent, coins: _Rows, chain: Chain) -> None:
    block, where = sent.block, sent.where
    signed = list(zip(block.transactions, sent.receipts, strict=True))[: _signed(sent)]
    for position, (tx, receipt) in enumerate(signed):
        place = _place(sent, hash_of(tx.hash, "hash", where), position)
        sender = address_of(tx.sender, "from", where)
        receiver = address_of(tx.receiver or receipt.created, "to or contractAddress", where)
        value = quantity(tx.value, "value", where)
        coins.add(place, Moved("native", sender, receiver, value), _took_effect(sent, position))
        if chain.moves is not None and sent.coin is None:
            for moved in fee_of(tx, receipt, block, where, chain.moves.rollup):
                coins.add(place, moved)
    _coin(sent, coins)
    last = _place(sent, sent.hash, len(block.transactions))
    made: Iterator[Moved] = iter(())
    if chain.moves is not None:
        made = rewards_of(block, sent.uncles or (), chain.moves, where)
    for moved in (*made, *withdrawals_of(block, where)):
        coins.add(last, moved)


def _read(sent: Sequence[Sent], chain: Chain, senders: dict[bytes, bytes]) -> Read:
    logs = [log for one in sent for receipt in one.receipts for log in receipt.logs]
    columns = log_columns(logs, sent[0].where)
    return read_logs(columns, chain, {one.height: one.time for one in sent}, senders)


def _blocks(sent: Sequence[Sent], chain: Chain) -> pl.DataFrame:
    columns = {
        "height": [one.height for one in sent],
        "hash": [one.hash for one in sent],
        "parent": [one.parent for one in sent],
        "time": [one.time for one in sent],
        "tx_count": [_signed(one) for one in sent],
        "size": [quantity(one.block.size, "size", one.where) for one in sent],
    }
    return rows_of(schema.BLOCKS, chain.id, columns, len(sent))


def _unit(kind: str, sent: Sent, chain: Chain, source: str, said: Said) -> dict[str, Any]:
    return {
        "chain": chain.id, "unit": unit_of(kind, sent.hash, chain), "kind": kind,
        "height": sent.height, "block": sent.hash, "from_time": sent.time, "to_time": sent.time,
        "complete": True, "source": source, "answer": said.digest,
    }  # fmt: skip


def _apart(sent: Sequence[Sent], read: Read, chain: Chain, source: str) -> list[dict[str, Any]]:
    """Return a unit for each block with logs that make no sense; the receipts show them."""
    rows = []
    for one in sent:
        count = read.apart.get(one.height, 0)
        if count and one.receipts_said:
            of = "part" if is_partial(one) else "block"
            unit = f"{unit_of(of, one.hash, chain)}/apart/log"
            rows.append({
                **_unit("block", one, chain, source, one.receipts_said), "unit": unit,
                "kind": "apart", "complete": None, "apart": count,
            })  # fmt: skip
    return rows


def answer_rows(said: Sequence[Said], source: str, keep: bool) -> pl.DataFrame:
    """Return a row of ``answers`` for each answer, with its bytes if they are to be kept."""
    rows = [
        {
            "digest": one.digest, "source": source, "request": one.request, "host": one.host,
            "time": one.time, "size": len(one.raw), "body": one.raw if keep else None,
        }
        for one in said
    ]  # fmt: skip
    return answers_frame(rows)
