"""The transactions of an account chain as their meaning is asked of: what moved, and what was read.

A transaction is all that moved value in it, in every asset, with who sent it, whose user operations
it holds, and of whom it is known that nothing else moved. What failed moved nothing; the log of a
transfer that nobody let happen is none; fees stand apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import FEE_KINDS
from chainwatch.addresses.canonical import parse
from chainwatch.chains.base import ENTRY_POINTS, Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.ledger.accounts.authority import CALLED, MADE, with_authority
from chainwatch.ledger.balances import Reading, covered, in_order
from chainwatch.ledger.block_readings import BlockRun, block_runs
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.unread.effect import effect_unread
from chainwatch.tracing.walks.passage import MoveKey

AssetKey = tuple[bytes | None, str | None]
"""Contract and token id; the coin has neither."""

COIN: AssetKey = (None, None)
"""The native coin of the chain."""

EVENTLESS = ("reward", "withdrawal")
"""Kinds of movements that no transaction makes: the hash of the block stands for its id."""


class Move(NamedTuple):
    """A movement that took effect: an amount in base units, more than nothing."""

    key: MoveKey
    asset: AssetKey
    sender: bytes
    receiver: bytes
    amount: int

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among movements of its asset in its transaction."""
        return (-1 if self.key[2] is None else self.key[2], _sortable(self.key[3] or ""))


class Operation(NamedTuple):
    """A user operation of a smart account, by a listed entry point; who pays for it, if another."""

    account: bytes
    entry_point: bytes
    bundler: bytes
    paymaster: bytes | None


@dataclass(frozen=True)
class Transaction:
    """What moved in one transaction.

    Attributes
    ----------
    txid, tx, time : bytes, int or None, datetime or None
        Which it is.
    moves : tuple of Move
        All that moved, fees apart, those of an amount too wide to hold left out.
    fees : tuple of (bytes, bytes, int)
        Who paid what of its fee, and to whom.
    sent_by : bytes or None
        Who sent it; None where no row says it.
    operations : tuple of Operation
        User operations that it ran.
    lost : mapping of AssetKey to str
        Assets of which something in it is not known, whoever's, and what.
    coin_read, tokens_read : bool
        Whether all that moved the coin in it was read, and all that moved tokens.
    """

    txid: bytes
    tx: int | None
    time: datetime | None
    moves: tuple[Move, ...]
    fees: tuple[tuple[bytes, bytes, int], ...] = ()
    sent_by: bytes | None = None
    operations: tuple[Operation, ...] = ()
    lost: Mapping[AssetKey, str] = field(default_factory=dict)
    coin_read: bool = False
    tokens_read: bool = False

    @property
    def initiators(self) -> frozenset[bytes]:
        """Who wanted it: the accounts of its user operations, or else who sent it."""
        if self.operations:
            return frozenset(one.account for one in self.operations)
        return frozenset() if self.sent_by is None else frozenset((self.sent_by,))


@dataclass(frozen=True, eq=False)
class AccountReading:
    """All transactions of an account chain that a ledger holds, and what is known of addresses.

    Attributes
    ----------
    chain : Chain
        Which chain.
    senders : frozenset of bytes
        Addresses that sent a transaction, or let code act for them: somebody holds their key.
    contracts : frozenset of bytes
        Addresses that are seen to be contracts: made in a transaction, paying or calling inside of
        one that another sent, or logging tokens.
    unsigned : int
        Logs of transfers that nobody let happen: they are left out.
    calls : frozenset of (bytes, bytes, bytes)
        Transaction, contract and payer, where who paid tokens called their contract himself.
    """

    chain: Chain
    senders: frozenset[bytes]
    contracts: frozenset[bytes]
    unsigned: int
    calls: frozenset[tuple[bytes, bytes, bytes]]
    _rows: pl.DataFrame
    operations: Mapping[bytes, tuple[Operation, ...]]
    _sent: Mapping[bytes, bytes]
    _runs: tuple[tuple[BlockRun, ...], tuple[BlockRun, ...]]
    _claimed: Mapping[bytes, tuple[Reading, ...]]

    def is_contract(self, address: bytes) -> bool | None:
        """Tell whether an address is a contract; None where nothing shows it.

        Whoever sent a transaction holds a key, whatever code acts for him (EIP-7702).
        """
        if address in self.senders:
            return False
        return True if address in self.contracts else None

    def may_pass(self, one: Transaction, address: bytes) -> bool:
        """Tell whether an address may be a contract that passes on what it gets in a transaction.

        Whose tokens another took, with leave, need be none: where calls were read, and nothing else
        shows a contract, who did not move them himself is a party.
        """
        known = self.is_contract(address)
        if known is not None or not one.coin_read:
            return known is not False
        paid = {move.asset[0] for move in one.moves if move.sender == address}
        return all(at is None or (one.txid, at, address) in self.calls for at in paid)

    def knows(self, one: Transaction, address: bytes, asset: AssetKey) -> str:
        """Return what is not known of what an address moved of an asset in a transaction.

        Nothing where all was read: of whole blocks with their calls, or by a history of the address
        in every asset that its source claims to be whole.
        """
        if lost := one.lost.get(asset):
            return lost
        if (one.coin_read if asset == COIN else one.tokens_read) or covered(
            self._claimed.get(address, ()), one.time
        ):
            return ""
        return CALLS_UNREAD if asset == COIN else LOGS_UNREAD

    def transactions(self) -> Iterator[Transaction]:
        """Yield every transaction, in the order of the chain as far as it is known."""
        rows = self._rows.iter_rows(named=True)
        for txid, mine in groupby(rows, key=itemgetter("txid")):
            yield self._transaction(txid, list(mine))

    def _transaction(self, txid: bytes, rows: Sequence[dict[str, Any]]) -> Transaction:
        first = rows[0]
        fees = tuple(
            (row["sender"], row["receiver"], int(row["amount"]))
            for row in rows
            if row["kind"] in FEE_KINDS
        )
        lost: dict[AssetKey, str] = {}
        for row in rows:
            if row["amount"] is None:
                lost[row["contract"], row["token_id"]] = TOO_WIDE
            elif row["effect_unread"]:
                lost[COIN] = EFFECT_UNREAD
        coin, tokens = (_inside(runs, first["height"]) for runs in self._runs)
        return Transaction(
            txid, first["tx"], first["time"],
            tuple(_move(txid, row) for row in rows
                  if row["kind"] not in FEE_KINDS and row["amount"]),
            fees, self._sent.get(txid), self.operations.get(txid, ()), lost, coin, tokens,
        )  # fmt: skip


CALLS_UNREAD = "calls between contracts were not read"
LOGS_UNREAD = "not every token was read"
TOO_WIDE = "an amount is wider than 38 digits"
EFFECT_UNREAD = "no source says whether it took effect"


_PLACES, _LAST = 1 << POSITION_BITS, 1 << 62


def account_chain(ledger: Ledger, chain: Chain | str | None) -> Chain:
    """Return the account chain that is meant: the one named, or the only one of the ledger.

    Raises
    ------
    TraceError
        If it is a coin chain, or none is named and the ledger has none or several.
    """
    if chain is not None:
        found = find_chain(chain)
        if found.family == "utxo":
            raise TraceError(
                f"{found.name} holds coins, not balances: its transactions pay what they spend",
                remedy="name an account chain",
            )
        return found
    several = [one for one in ledger.chains if one.family != "utxo"]
    if len(several) != 1:
        names = ", ".join(one.alias for one in several) or "none"
        raise TraceError(
            f"it is not clear which account chain is meant: the ledger holds {names}",
            remedy="pass chain=, such as chain='eth'" if several else "pull one into it first",
        )
    return several[0]


def read_transactions(ledger: Ledger, chain: Chain | str | None = None) -> AccountReading:
    """Read the transactions of an account chain of a ledger, in its span.

    What tells contracts from keys, and who let tokens move, is asked of the whole history.
    """
    network = account_chain(ledger, chain)
    here = ledger.chain_only(network)
    counts = pl.col("success").ne_missing(False) & ~pl.col("kind").is_in(EVENTLESS)
    moved = (pl.col("amount") > 0).fill_null(True)
    found = here.transfers.filter(counts & moved).collect()
    told = with_authority(here, found).with_columns(effect_unread().alias("effect_unread"))
    real = told.filter(pl.col("signed").ne_missing(False))
    path = pl.col("trace_path").fill_null("")
    whole = (pl.col(name).max().over("txid") for name in ("tx", "height", "time"))
    rows = (
        real.with_columns(*whole)
        .with_columns(place=pl.coalesce("tx", pl.col("height") * _PLACES, pl.lit(_LAST)))
        .sort("place", "time", "txid", "log_index", path, "kind", "occurrence")
    )
    runs = tuple(block_runs(here, network.id, coin=coin) for coin in (True, False))
    sent, calls = _sent(here), _calls(here)
    holders = frozenset(sent.values()) | _delegating(here)
    acting = frozenset(who for txid, _, who in calls if sent.get(txid, who) != who)
    return AccountReading(
        network, holders, _contracts(here, network) | acting, told.height - real.height, calls,
        rows, _operations(here, network), sent, (runs[0], runs[1]), _claimed(here),
    )  # fmt: skip


def _calls(ledger: Ledger) -> frozenset[tuple[bytes, bytes, bytes]]:
    rows = ledger.history.approvals.filter(pl.col("kind") == CALLED)
    return frozenset(rows.select("txid", "contract", "owner").collect().iter_rows())


def _delegating(ledger: Ledger) -> frozenset[bytes]:
    """Return the accounts that let code act for them (EIP-7702): each has a key."""
    rows = ledger.history.approvals.filter(pl.col("kind") == "delegation")
    return frozenset(rows.select("owner").collect()["owner"])


def _move(txid: bytes, row: dict[str, Any]) -> Move:
    key = (txid, row["kind"], row["log_index"], row["trace_path"], row["occurrence"])
    asset = (row["contract"], row["token_id"])
    return Move(key, asset, row["sender"], row["receiver"], int(row["amount"]))


def _inside(runs: Sequence[BlockRun], height: int | None) -> bool:
    return height is not None and any(run.first <= height <= run.last for run in runs)


def _sortable(path: str) -> str:
    return re.sub(r"\d+", lambda number: number[0].rjust(9, "0"), path)


def _sent(ledger: Ledger) -> dict[bytes, bytes]:
    """Return who sent each transaction, also one that failed or paid nothing."""
    rows = ledger.history.transfers.filter(pl.col("kind") == "native").select("txid", "sender")
    return dict(rows.unique("txid", keep="first", maintain_order=True).collect().iter_rows())


def _contracts(ledger: Ledger, chain: Chain) -> frozenset[bytes]:
    """Return the addresses that are seen to be contracts, at any time."""
    whole = ledger.history
    made = whole.approvals.filter(pl.col("kind") == MADE).select("contract")
    logging = whole.transfers.filter(pl.col("contract").is_not_null()).select("contract")
    calling = whole.transfers.filter(pl.col("kind") == "internal").select(contract="sender")
    found = pl.concat([made, logging, calling]).unique().collect()["contract"]
    return frozenset(found.drop_nulls()) | frozenset(
        parse(text, chain) for text in (*chain.wrapped, *chain.destroying)
    )


def _operations(ledger: Ledger, chain: Chain) -> dict[bytes, tuple[Operation, ...]]:
    """Return by transaction the user operations of listed entry points."""
    if chain.family != "evm":
        return {}
    listed = pl.Series([parse(text, chain) for text in ENTRY_POINTS], dtype=pl.Binary).implode()
    rows = (
        ledger.history.approvals.filter(
            pl.col("contract").is_in(listed) & pl.col("kind").is_in(["user_operation", "paymaster"])
        )
        .select("txid", "log_index", "kind", "owner", "spender", "contract")
        .sort("txid", "log_index", "kind")
        .collect()
    )
    payers = {
        (txid, log): owner for txid, log, kind, owner, *_ in rows.iter_rows() if kind == "paymaster"
    }
    found: dict[bytes, tuple[Operation, ...]] = {}
    for txid, log, kind, owner, spender, contract in rows.iter_rows():
        if kind == "user_operation":
            one = Operation(owner, contract, spender, payers.get((txid, log)))
            found[txid] = (*found.get(txid, ()), one)
    return found


def _claimed(ledger: Ledger) -> dict[bytes, tuple[Reading, ...]]:
    """Return of which addresses sources claim to hold all of every asset, from when to when."""
    rows = (
        ledger.history.coverage.filter(
            (pl.col("kind") == "address") & pl.col("contract").is_null()
            & pl.col("complete").fill_null(False) & pl.col("address").is_not_null()
        )
        .select("address", "from_time", "to_time")
        .collect()
    )  # fmt: skip
    found: dict[bytes, list[Reading]] = {}
    for address, first, last in rows.iter_rows():
        found.setdefault(address, []).append((first, last))
    return {address: in_order(readings) for address, readings in found.items()}
