"""One address or one transaction looked up: what was read of it, and what was not.

The index answers where one was built for the ledger's commit, the tables otherwise; the answers
are the same. A span narrows the history that is shown and its totals; a balance is of all that was
read until the end of the span, and only given where nothing can be missing.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.diagnose import is_name, quoted
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, LedgerError, expect
from chainwatch.ledger.dates import bound_text as moment
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.account import account_address, account_transaction
from chainwatch.ledger.lookup.finder import finder
from chainwatch.ledger.lookup.summaries import AddressSummary, TransactionSummary
from chainwatch.ledger.lookup.utxo import coin_address, coin_transaction
from chainwatch.ledger.lookup.worth import worth_told
from chainwatch.ledger.schema import POSITION_BITS

TXID_BYTES = 32
"""No canonical address is as long: one begins with the byte of its kind."""

_TXID = re.compile(r"(0x)?[0-9a-fA-F]{64}")


def show(
    ledger: Ledger, what: str | bytes | int, chain: Chain | str | None = None
) -> AddressSummary | TransactionSummary:
    """Return what was read of an address or of a transaction: totals, history, and what is unread.

    Parameters
    ----------
    ledger : Ledger
        Where to look; a span narrows what is shown, never what is known.
    what : str, bytes or int
        An address or a transaction id, as text or as canonical bytes; a transaction number.
    chain : Chain or str, optional
        Where the ledger holds several chains on which it can be meant.

    Returns
    -------
    AddressSummary or TransactionSummary
        ``facts()`` are what it prints; the frames hold the rows.

    Raises
    ------
    AddressError
        If the text is no address of a chain of the ledger.
    LedgerError
        If no transaction of the ledger has the id, or several have.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    one = "pass one address or transaction id as text or bytes, or the number of a transaction"
    expect(what, (str, bytes, int), "what is looked up", one)
    if isinstance(what, int):
        return transaction_summary(ledger, what, chain)
    if len(what) == TXID_BYTES if isinstance(what, bytes) else _TXID.fullmatch(what.strip()):
        return transaction_summary(ledger, what, chain)
    return address_summary(ledger, what, chain)


def address_summary(
    ledger: Ledger, address: str | bytes, chain: Chain | str | None = None, *, index: bool = True
) -> AddressSummary:
    """Return what was read of an address; see :func:`show`.

    ``index=False`` scans the tables even where there is an index.
    """
    network = _chain_of_address(ledger, address, chain)
    wanted = canonical.parse(address, network) if isinstance(address, str) else address
    canonical.kind_of(wanted)
    one = ledger.chain_only(network)
    if network.family == "utxo":
        found = coin_address(one, wanted, network, finder(one, index=index))
    else:
        found = account_address(one, wanted, network)
    found = replace(found, worth=worth_told(one, found))
    if ledger.start is None and ledger.end is None:
        return found
    span = f"only what lies between {moment(ledger.start)} and {moment(ledger.end)} is shown"
    return replace(found, coverage=(span, *found.coverage))


def transaction_summary(
    ledger: Ledger, txid: str | bytes | int, chain: Chain | str | None = None, *,
    index: bool = True,
) -> TransactionSummary:  # fmt: skip
    """Return what was read of a transaction; see :func:`show`.

    ``index=False`` scans the tables even where there is an index.
    """
    found = [
        (one, number)
        for network in ([chain_of(chain)] if chain is not None else ledger.history.chains)
        for one in [ledger.chain_only(network)]
        for number in _numbers(one, network, txid, index=index)
    ]
    if len(found) != 1:
        other = None if found else _another_thing(ledger, txid)
        raise other or _not_one(
            txid, [(chain_of(one.chain or "").alias, number) for one, number in found]
        )
    one, number = found[0]
    network = chain_of(one.chain or "")
    if isinstance(number, bytes):
        return account_transaction(one, number, network)
    return coin_transaction(one, network, number, finder(one, index=index))


def _numbers(
    ledger: Ledger, network: Chain, txid: str | bytes | int, *, index: bool
) -> list[int] | list[bytes]:
    """Return what identifies the transaction on a chain: numbers of coins, the id on accounts."""
    if isinstance(txid, int):
        coins = network.family == "utxo"
        return [txid] if coins and finder(ledger, index=index).transaction(txid)[0].height else []
    wanted = canonical.parse_txid(txid, network) if isinstance(txid, str) else txid
    if network.family == "utxo":
        return finder(ledger, index=index).numbers_of(wanted)
    rows = ledger.history.transfers.filter(pl.col("txid") == wanted).head(1).collect()
    return [wanted] if rows.height else []


def _not_one(txid: str | bytes | int, found: list[tuple[str, int | bytes]]) -> LedgerError:
    given = txid.hex() if isinstance(txid, bytes) else str(txid)[:80]
    if not found:
        return LedgerError(
            "the ledger holds no such transaction",
            where=given,
            remedy="read the block or the address that it belongs to",
        )
    places = ", ".join(
        f"{alias} height {number >> POSITION_BITS}" if isinstance(number, int) else alias
        for alias, number in found
    )
    return LedgerError(
        f"{len(found)} transactions have this id ({places})",
        where=given,
        remedy=f"give the chain, or the number: {', '.join(str(n) for _, n in found[:4])}",
    )


def _another_thing(ledger: Ledger, txid: str | bytes | int) -> LedgerError | None:
    """Return what an id is that no transaction has, where the ledger knows or its zeros show it."""
    if isinstance(txid, int) or not (isinstance(txid, bytes) or _TXID.fullmatch(txid.strip())):
        return None
    shown = txid[::-1].hex() if isinstance(txid, bytes) else txid.strip().lower().removeprefix("0x")
    wire = bytes.fromhex(shown)[::-1]
    for form, how in ((wire, ""), (wire[::-1], ", written backwards")):
        held = ledger.history.blocks.filter(pl.col("hash") == form)
        for chain, height in held.select("chain", "height").head(1).collect().iter_rows():
            return LedgerError(
                f"this is the hash of block {height:,} of {chain_of(chain).name}{how}, not the id"
                " of a transaction",
                where=shown,
                remedy="give the id of one of its transactions, or an address",
            )
    backwards = ledger.history.transactions.filter(pl.col("txid") == wire[::-1])
    if backwards.head(1).collect().height:
        return LedgerError(
            "this is the id of a transaction, written backwards",
            where=shown,
            remedy=f"give it as explorers show it: {wire.hex()}",
        )
    if shown.startswith(_BLOCK_LIKE):
        return LedgerError(
            "the ledger holds no such transaction, and by its zeros this is the hash of a block",
            where=shown,
            remedy="give the id of a transaction in that block",
        )
    return None


_BLOCK_LIKE = "0" * 8
"""Digits that a hash of Bitcoin's begins with for its work; by chance one in four billion does."""


def _chain_of_address(ledger: Ledger, address: str | bytes, chain: Chain | str | None) -> Chain:
    """Return the one chain of the ledger on which an address can be meant."""
    if chain is not None or ledger.chain is not None:
        return chain_of(chain if chain is not None else ledger.chain or "")
    read = ledger.history.chains
    fitting = [item for item in read if _fits(address, item)]
    if len(fitting) == 1:
        return fitting[0]
    if read and isinstance(address, str) and (len(read) == 1 or is_name(address)):
        canonical.parse(address, read[0])  # says best why it is none of the one chain there is
    names = ", ".join(item.alias for item in fitting or read) or "none"
    raise AddressError(
        "this can be an address of several chains of the ledger" if fitting
        else f"this is an address of no chain of the ledger (it holds {names})",
        where=address.hex() if isinstance(address, bytes) else quoted(address).rstrip(","),
        remedy=f"say which with chain=..., of {names}" if fitting else "check it",
    )  # fmt: skip


def _fits(address: str | bytes, chain: Chain) -> bool:
    try:
        if isinstance(address, str):
            canonical.parse(address, chain)
        else:
            canonical.text(address, chain)
    except AddressError:
        return False
    return True
