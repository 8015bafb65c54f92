"""Explicit identifiers: what a message between chains bears on both sides, and where it was seen.

Memos of THORChain lie in the OP_RETURN outputs of a ledger, and what bridges log on account chains
in its logs of contracts. A table of messages may be given beside: a row for each message and side.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import parse, parse_txid, txid_text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.messages.memos import OUT, REFUND, SWAP, Memo, memo_of_script
from chainwatch.units import AMOUNT, LARGEST_AMOUNT

SENT, RECEIVED, GIVEN_BACK = "sent", "received", "given back"
SIDES = (SENT, RECEIVED, GIVEN_BACK)
"""Where a message was seen: where it was paid in, paid out, or given back to who had paid it in."""

THORCHAIN = "thorchain"
CCTP, CCTP_ALIKE = "cctp", "cctp alike"


class Scheme(NamedTuple):
    """A way of naming messages: what its identifier is made of, and who says so."""

    name: str
    identifier: str
    source: str


SCHEMES = (
    Scheme(THORCHAIN, "hash of the transaction that was paid in",
           "THORChain developer documentation, Transaction Memos"),
    Scheme(CCTP, "source domain and nonce, as 0:1234; of version 2 the nonce of 32 bytes",
           "Circle, CCTP message format; evm-cctp-contracts, MessageTransmitter.sol"),
    Scheme(CCTP_ALIKE, "hash of what both sides of a message of version 2 say alike, for its source"
           " knows no nonce; two burns may share it",
           "Circle, evm-cctp-contracts, MessageV2.sol and BurnMessageV2.sol"),
    Scheme("wormhole", "emitter chain, emitter address and sequence, as 2/0x.../77",
           "Wormhole documentation, VAAs"),
    Scheme("layerzero", "the guid of a packet", "LayerZero V2 documentation, Message Packet"),
    Scheme("across", "origin chain and deposit id, as 1:1234",
           "Across documentation, Tracking Events; SpokePool.sol"),
    Scheme("message", "whatever the bridge calls a message by, alike on both sides",
           "the bridge's own documentation"),
)  # fmt: skip
"""Schemes by name; the last is that of rows that name none."""

SHARED = frozenset({CCTP_ALIKE})
"""Schemes of which two messages may bear one identifier: where they do, it says nothing."""

MESSAGES: dict[str, Any] = {
    "scheme": pl.String, "id": pl.String, "side": pl.String, "chain": pl.String,
    "txid": pl.Binary, "receiver": pl.Binary, "amount": AMOUNT, "bridge": pl.String,
    "token": pl.Binary, "terms": pl.String, "other": pl.String, "due": AMOUNT,
    "whom": pl.Binary,
}  # fmt: skip
"""Columns of messages. ``receiver`` and ``amount`` (base units) say which payment of its
transaction is meant; null where that is not said. ``bridge`` is null where every bridge may be
meant. ``token`` is the contract of what moves on this side, where it is said. ``terms`` are what
both sides must say alike for one to answer the other, divided by ``/``, each empty where that side
leaves it open; null where a table of the caller's own has none: a match is as good as it is.
``other`` is the chain of the other side, where it is said; ``due`` what is to arrive there, in the
smallest unit of this side, and ``whom`` to pay there, both of what was sent alone."""

TOO_WIDE = -1
"""The amount of a message that says one wider than ledgers keep: no known payment is of it."""

_NEEDED = ("chain", "txid", "id", "side")
_OPTIONAL = ("scheme", "receiver", "amount", "bridge", "token", "terms")


def messages_of(given: pl.DataFrame | None) -> pl.DataFrame:
    """Return messages that the caller gives, in :data:`MESSAGES`; refuse what does not fit.

    Parameters
    ----------
    given : polars.DataFrame, optional
        ``chain`` (alias or CAIP-2 id), ``txid`` (text, or bytes as the ledger keeps them), ``id``,
        ``side`` (*sent*, *received* or *given back*); where known ``scheme, receiver, amount``,
        the ``bridge`` that says so, and ``token, terms`` as in :data:`MESSAGES`.

    Raises
    ------
    InputError, ChainError, AddressError
        Naming the first row that does not fit, or the column that is missing.
    """
    if given is None:
        return pl.DataFrame(schema=MESSAGES)
    if not isinstance(given, pl.DataFrame):
        refuse(given, "messages", "pass a frame with chain, txid, id and side")
    lacking = [name for name in _NEEDED if name not in given.columns]
    if lacking:
        raise InputError(
            f"the table of messages has no column {lacking[0]!r}",
            remedy=f"it needs {', '.join(_NEEDED)}, and may have {', '.join(_OPTIONAL)}",
        )
    rows = [_row(row, place) for place, row in enumerate(given.iter_rows(named=True), start=1)]
    return pl.DataFrame(rows, schema=MESSAGES, orient="row").unique(maintain_order=True)


def _row(row: Mapping[str, Any], place: int) -> dict[str, Any]:
    where = f"row {place} of the table of messages"
    scheme, side = row.get("scheme") or SCHEMES[-1].name, row["side"]
    names = [one.name for one in SCHEMES]
    for value, allowed, what in ((scheme, names, "scheme"), (side, SIDES, "side")):
        if value not in allowed:
            raise InputError(
                f"{what} {str(value)[:40]!r}", where=where,
                remedy=f"write one of {', '.join(allowed)}",
            )  # fmt: skip
    if row["id"] is None or not str(row["id"]).strip():
        raise InputError("a message without an id", where=where, remedy="leave the row out")
    network, txid, receiver = find_chain(row["chain"]), row["txid"], row.get("receiver")
    token = row.get("token")
    return {
        "scheme": scheme, "id": normal_id(str(row["id"])), "side": side, "chain": network.id,
        "txid": txid if isinstance(txid, bytes) else parse_txid(str(txid), network),
        "receiver": parse(receiver, network) if isinstance(receiver, str) else receiver,
        "amount": _amount(row.get("amount"), where), "bridge": row.get("bridge"),
        "token": parse(token, network) if isinstance(token, str) else token,
        "terms": row.get("terms"), "other": row.get("other"),
        "due": _amount(row.get("due"), where), "whom": row.get("whom"),
    }  # fmt: skip


def _amount(value: Any, where: str) -> int | None:
    """Return an amount in base units; None where there is none."""
    if value is None or value == "":
        return None
    try:
        found = -1 if isinstance(value, float) else int(value)
    except (TypeError, ValueError):
        found = -1
    if not 0 <= found <= LARGEST_AMOUNT and not (
        found == TOO_WIDE and isinstance(value, Decimal)
    ):  # of logs that were read
        raise InputError(
            f"the amount {str(value)[:40]!r}", where=where,
            remedy="write whole base units, of at most 38 digits",
        )  # fmt: skip
    return found


def normal_id(text: str) -> str:
    """Return an identifier so that two spellings of one are alike: small letters, without 0x."""
    return text.strip().lower().removeprefix("0x")


def id_of_paid_in(txid: bytes, chain: str) -> str:
    """Return the identifier of what was paid in by a transaction, in the scheme of THORChain."""
    return normal_id(txid_text(txid, chain))


def messages_of_memos(ledgers: Mapping[str, Ledger], payouts: pl.DataFrame) -> pl.DataFrame:
    """Return what the memos beside payouts of coin chains say, in :data:`MESSAGES`.

    They count because the bridge itself signed the transaction. What stands beside a deposit was
    written by who paid it: it says whom he wanted paid (:func:`destinations`), and nothing else.
    """
    found = []
    for chain, ledger in sorted(ledgers.items()):
        if find_chain(chain).family != "utxo":
            continue
        paid = payouts.filter(chain=chain).select("tx", "txid", "bridge").unique()
        told = memos_beside(ledger, chain, paid["tx"])
        for tx, txid, bridge in paid.sort("tx", "bridge").iter_rows():
            for memo in told.get(tx, ()):
                side = {OUT: RECEIVED, REFUND: GIVEN_BACK}.get(memo.kind)
                if side:
                    row = (THORCHAIN, memo.paid_in, side, chain, txid, None, None, bridge, None, "")
                    found.append((*row, None, None, None))
    return pl.DataFrame(found, schema=MESSAGES, orient="row").unique(maintain_order=True)


Destinations = dict[tuple[str, int], list[str]]
"""Whom a deposit asks to pay, by chain and number of its transaction."""


def destinations(ledgers: Mapping[str, Ledger], deposits: pl.DataFrame) -> Destinations:
    """Return whom the memos beside deposits of coin chains ask to pay, as text."""
    found: Destinations = {}
    for chain in sorted(deposits["chain"].unique()):
        if find_chain(chain).family == "utxo":
            told = memos_beside(ledgers[chain], chain, deposits.filter(chain=chain)["tx"])
            for tx, memos in told.items():
                asked = [one.destination for one in memos if one.kind == SWAP and one.destination]
                if asked:
                    found[chain, tx] = list(dict.fromkeys(asked))
    return found


def memos_beside(ledger: Ledger, chain: str, numbers: pl.Series) -> dict[int, list[Memo]]:
    """Return the memos in the OP_RETURN outputs of some transactions of a coin chain."""
    of = ledger.history.chain_only(chain).outputs.filter(pl.col("script_kind") == "null_data")
    wanted = pl.LazyFrame({"tx": numbers.unique().cast(pl.Int64)})
    rows = of.join(wanted, on="tx", how="semi").select("tx", "n", "script").sort("tx", "n")
    found: dict[int, list[Memo]] = {}
    for tx, _, script in rows.collect().iter_rows():
        memo = memo_of_script(script)
        if memo is not None:
            found.setdefault(tx, []).append(memo)
    return found
