"""The history of one account from TronGrid: its transactions, calls that pay it, and its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chainwatch.addresses.canonical import text as address_text
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.sanitize import clipped
from chainwatch.sources.tron.fields import (
    LIAR,
    ListedInternal,
    ListedToken,
    ListedTransaction,
    Told,
    address,
    cancelled,
    check_id,
    moment,
    typed,
)
from chainwatch.sources.tron.inside import inline_calls, inside_unknown, listed_moves
from chainwatch.sources.tron.lists import Listed, read_list, whole_row
from chainwatch.sources.tron.rows import Rows, token_row
from chainwatch.sources.tron.server import Server, Tip
from chainwatch.sources.tron.unnamed import contract_of, unnamed_said
from chainwatch.sources.tron.unread_entries import (
    Unread,
    number_told,
    of_type,
    unread_said,
    without_amount,
)
from chainwatch.units import counted

SUCCESS = (None, "SUCCESS", "DEFAULT")
"""How a transaction ends that took effect; one without a contract of code has no word for it."""

_LARGEST_WORD = 2**256 - 1


@dataclass
class History:
    """What was read of an account.

    Attributes
    ----------
    rows : Rows
        Its rows.
    transactions, tokens : Listed
        The lists they are made of.
    approvals : int
        Authority over tokens that is listed without its place, and stands in no row.
    odd : int
        Tokens that claim decimals or a symbol that none has; these are left out of their rows.
    unnamed : list of str
        Transactions that moved a token which nobody names.
    unread : list of Unread
        Entries of tokens that cannot be read.
    """

    rows: Rows
    transactions: Listed = field(default_factory=Listed)
    tokens: Listed = field(default_factory=Listed)
    approvals: int = 0
    odd: int = 0
    unnamed: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was cut off."""
        return not (self.transactions.cut or self.tokens.cut)

    def notes(self, name: str) -> list[str]:
        """Return what is to be said of it."""
        short = self.transactions.short + self.tokens.short
        said = []
        if not self.whole:
            said.append(f"{name}: its history was cut, and the newest part of it was not read")
        if self.approvals:
            what = counted(self.approvals, "approval", "approvals")
            said.append(f"{name}: {what} of tokens, listed without place, in no row")
        if self.rows.odd_notes:
            said.append(f"{name}: {inside_unknown(self.rows.odd_notes)}")
        if self.unnamed:
            said.append(f"{name}: {unnamed_said(self.unnamed)}")
        said += [f"{name}: {one}" for one in unread_said(self.unread)]
        if short:
            pages = counted(short, "page", "pages")
            said.append(f"{name}: {pages} shorter than asked for, read on behind them")
        if self.odd:
            odd = counted(self.odd, "movement", "movements")
            said.append(f"{name}: {odd} of tokens with a symbol or decimals that cannot be right,"
                        " which are left out of the row")  # fmt: skip
        return said


def read_history(
    server: Server, whose: bytes, tip: Tip, since: int, most: int, unique: Uniques
) -> History:
    """Read what an account did and got, up to a block.

    Parameters
    ----------
    server : Server
        TronGrid.
    whose : bytes
        The account.
    tip : Tip
        The block.
    since : int
        Only from this time on, in milliseconds.
    most : int
        Rows of each list at most.
    unique : Uniques
        Tells which tokens are unique ones.

    Raises
    ------
    SourceError
        If a list is wrong in any way that can be seen.
    """
    found = History(Rows(server.chain))
    base = f"/v1/accounts/{address_text(whose, server.chain)}/transactions"
    asked: dict[str, str | int] = {
        "only_confirmed": "true", "min_timestamp": since, "max_timestamp": tip.millis,
    }  # fmt: skip
    found.transactions = read_list(server, base, asked, most, _name)
    for row in found.transactions.rows.values():
        _add(found, row, whose, tip, found.transactions.where)
    found.tokens = read_list(server, f"{base}/trc20", asked, most, whole_row)
    for key, row in found.tokens.rows.items():
        _add_token(found, row, found.tokens.told[key], whose, tip, unique)
    return found


def _name(row: Mapping[str, Any]) -> object:
    return row.get("internal_tx_id") or row.get("txID") or whole_row(dict(row))


def _add(found: History, row: dict[str, Any], whose: bytes, tip: Tip, where: str) -> None:
    chain = found.rows.chain
    if "internal_tx_id" in row:
        item = typed(row, ListedInternal, where)
        where = f"{where}, transaction {item.tx_id}"
        time = moment(item.block_timestamp, where, tip.time)
        at = token_row(chain, bytes.fromhex(item.tx_id), time)
        for move in listed_moves(item, chain, where):
            _check_party(whose, (move.sender, move.receiver), where)
            found.rows.inside(at, move)
        return
    told, where = listed(typed(row, ListedTransaction, where), chain, tip, where)
    if whose[1:].hex() not in _hex_of(row, chain):
        raise SourceError(
            "a transaction has nothing to do with the account it is listed of", where=where,
            remedy=LIAR,
        )  # fmt: skip
    found.rows.add(told, where)


def listed(item: ListedTransaction, chain: Chain, tip: Tip, where: str) -> tuple[Told, str]:
    """Return a transaction of a list, and its place for errors."""
    where = f"{where}, transaction {item.txID}"
    check_id(item.txID, item.raw_data_hex, where)
    if item.blockNumber is not None and item.blockNumber > tip.height:
        raise SourceError("its block lies above what was asked for", where=where, remedy=LIAR)
    [contract] = item.raw_data.contract
    ret = item.ret[0] if item.ret else None
    made = item.contract_address
    told = Told(
        bytes.fromhex(item.txID), item.blockNumber, None,
        moment(item.block_timestamp, where, tip.time), contract.type, contract.parameter.value,
        ret is None or ret.contractRet in SUCCESS, ret.fee if ret else 0,
        item.energy_usage, item.net_usage, item.withdraw_amount, item.unfreeze_amount,
        item.withdraw_expire_amount, cancelled(item.cancel_unfreezeV2_amount, where),
        address(made, chain, where) if made else None,
        inline_calls(item.internal_transactions, where),
    )  # fmt: skip
    return told, where


def _hex_of(row: Mapping[str, Any], chain: Chain) -> str:
    """Return all that a transaction says, its addresses in hexadecimal."""
    words = [msgspec.json.encode(row).decode().lower()]
    words += [one[1:].hex() for one in _base58(row, chain)]
    return " ".join(words)


def _base58(value: object, chain: Chain) -> list[bytes]:
    if isinstance(value, Mapping):
        return [one for part in value.values() for one in _base58(part, chain)]
    if isinstance(value, list):
        return [one for part in value for one in _base58(part, chain)]
    if isinstance(value, str) and len(value) == 34 and value.startswith("T"):
        try:
            return [address(value, chain, "")]
        except SourceError:
            return []
    return []


def _check_party(whose: bytes, parties: tuple[bytes | None, ...], where: str) -> None:
    if whose not in parties:
        raise SourceError(
            "a movement has nothing to do with the account it is listed of", where=where,
            remedy=LIAR,
        )  # fmt: skip


def _value(item: ListedToken, where: str) -> int | None:
    """Return the amount of a movement of tokens; None where none is told."""
    try:
        return number_told(item.value, _LARGEST_WORD)
    except ValueError:
        raise SourceError(
            f"{clipped(item.value, 90)!r} is no amount", where=where, remedy=LIAR
        ) from None


def _unread(item: ListedToken, chain: Chain, where: str, answer: bytes, *, paid: bool) -> Unread:
    named = item.info.address
    contract = None if named is None else address(named, chain, where)
    if item.type != "Transfer":
        return of_type(item.type, item.transaction_id, answer, contract, paid=paid)
    return without_amount(item.transaction_id, answer, contract, paid=paid)


def _add_token(
    found: History, row: dict[str, Any], answer: bytes, whose: bytes, tip: Tip, unique: Uniques
) -> None:
    chain = found.rows.chain
    item = typed(row, ListedToken, found.tokens.where)
    where = f"{found.tokens.where}, transaction {item.transaction_id}"
    sender, receiver = (address(one, chain, where) for one in (item.from_, item.to))
    _check_party(whose, (sender, receiver), where)
    if item.type == "Approval":
        found.approvals += 1
        return
    value = _value(item, where)
    if item.type != "Transfer" or value is None:
        found.unread.append(_unread(item, chain, where, answer, paid=sender == whose))
        return
    symbol, decimals, odd = item.info.shown()
    found.odd += odd
    named, txid = item.info.address, item.transaction_id
    contract = (
        contract_of(unique.server, txid, sender, receiver, value)
        if named is None else address(named, chain, where)
    )  # fmt: skip
    if contract is None:
        found.unnamed.append(txid)
        return
    one = not decimals and unique.is_unique(contract)
    found.rows.transfer(
        token_row(chain, bytes.fromhex(item.transaction_id),
                  moment(item.block_timestamp, where, tip.time)),
        kind="trc721" if one else "trc20", sender=sender, receiver=receiver,
        amount=1 if one else value, token_id=str(value) if one else None,
        contract=contract, symbol=symbol, decimals=decimals,
        success=True,
    )  # fmt: skip


@dataclass
class Uniques:
    """Which contracts are of unique tokens (TRC-721): their lists name an id as the amount.

    A token without decimals is asked for the interface of unique tokens; one that does not answer
    is none.

    References
    ----------
    TIP-721; ERC-165.
    """

    server: Server
    _known: dict[bytes, bool] = field(default_factory=dict)

    def is_unique(self, contract: bytes) -> bool:
        """Ask a contract whether its tokens are unique; each once."""
        if contract not in self._known:
            value, _ = self.server.post("/wallet/triggerconstantcontract", {
                "owner_address": address_text(contract, self.server.chain),
                "contract_address": address_text(contract, self.server.chain),
                "function_selector": "supportsInterface(bytes4)",
                "parameter": "80ac58cd".ljust(64, "0"), "visible": True,
            })  # fmt: skip
            said = value.get("constant_result") if isinstance(value, dict) else None
            first = said[0] if isinstance(said, list) and said else ""
            self._known[contract] = isinstance(first, str) and first == "1".rjust(64, "0")
        return self._known[contract]
