"""Who made the contracts that hold tokens, and who called them: what traces say of authority.

A transfer of tokens names whom the contract says that they come from. Whether that account asked
for it itself, being a contract or acting through one, only the calls of the transaction tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.accounts import rows_of
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.authority import CALLED, MADE
from chainwatch.sources.evm import events
from chainwatch.sources.evm.blocks import Sent
from chainwatch.sources.evm.fields import Receipt, address_of, hash_of
from chainwatch.sources.evm.traces import Call, effective

PERMIT2 = "0x000000000022d473030f116ddee9f6b43ac78ba3"
"""Uniswap's contract that moves what owners sign; some tokens let it from birth on."""

_FROM = {events.TRANSFER: 1, events.TRANSFER_SINGLE: 2, events.TRANSFER_BATCH: 2}
"""Which topic of an event of a transfer is whom the tokens come from."""

Row = tuple[str, str, str, str]
"""Kind, contract, owner, spender."""


def caller_rows(sent: Sequence[Sent], chain: Chain) -> pl.DataFrame:
    """Return rows of ``approvals`` that the traces of blocks give.

    ``creation`` is a contract that was made, by ``owner``. ``call`` says that who paid tokens, as
    the contract logs it, called the contract in that transaction; ``permit`` that Permit2 did for
    them. Each once in a transaction; ``log_index`` counts them in the order of the calls.

    References
    ----------
    https://docs.uniswap.org/contracts/permit2/overview
    """
    names = ("txid", "log_index", "tx", "time", "kind", "contract", "owner", "spender")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for one in sent:
        where = one.where
        for place, (tx, root) in enumerate(
            zip(one.block.transactions, one.traces or (), strict=True)
        ):
            if one.receipts[place].status == "0x0":
                continue
            txid, at = hash_of(tx.hash, "hash", where), schema.pack_tx(one.height, place)
            told = dict.fromkeys(_told(root, _payers(one.receipts[place])))
            for number, (kind, *who) in enumerate(told):
                parties = [address_of(text, "address of a call", where) for text in who]
                for name, value in zip(
                    names, (txid, number, at, one.time, kind, *parties), strict=True
                ):
                    columns[name].append(value)
    given = {**columns, "granted": True}
    return rows_of(schema.APPROVALS, chain.id, given, len(columns["txid"]))


def _payers(receipt: Receipt) -> dict[str, set[str]]:
    """Return by contract whom its transfers come from, as it logged them."""
    found: dict[str, set[str]] = {}
    topics = {f"0x{events.topic(event)}": place for event, place in _FROM.items()}
    for log in receipt.logs:
        place = topics.get(log.topics[0].lower()) if log.topics else None
        if place is not None and len(log.topics) > place:
            payer = "0x" + log.topics[place].lower()[-40:]
            found.setdefault(log.address.lower(), set()).add(payer)
    return found


def _told(root: Call, payers: dict[str, set[str]]) -> Iterator[Row]:
    for call in effective(root):
        sender, receiver = call.sender.lower(), (call.receiver or "").lower()
        if call.kind == "create" and receiver:
            yield MADE, receiver, sender, sender
        elif call.kind == "call" and sender in payers.get(receiver, ()):
            yield CALLED, receiver, sender, sender
        elif call.kind == "call" and sender == PERMIT2:
            for payer in sorted(payers.get(receiver, ())):
                yield "permit", receiver, payer, PERMIT2
