"""What a look-up gives: summaries of one address and of one transaction.

They show themselves by amounts and counts. Who else takes part stands in their tables, which are
shown in an edition; never in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

import polars as pl

from chainwatch import units
from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.ledger.lookup.account_facts import account_brief, account_facts, account_line
from chainwatch.ledger.lookup.listing import transaction_lines
from chainwatch.ledger.output_status import UNSPENT, AsOf, block_text
from chainwatch.ledger.schema import INPUTS, OUTPUTS, TRANSFERS
from chainwatch.results.mask import names_all
from chainwatch.results.result import Result
from chainwatch.results.table import (
    CHAIN,
    CONTRACT,
    DIRECTION,
    TIME,
    TX,
    TXID,
    WHEN,
    Column,
    N,
    Privacy,
    Rows,
    Table,
)
from chainwatch.sanitize import preformatted, visible

MOST_LINES = 200
"""Inputs and outputs that a notebook shows of a transaction; all are in its tables."""

TOTALS = Table(
    "totals",
    ("chain", "contract"),
    "One row per asset of an address; sums of what was read.",
    (
        CHAIN,
        CONTRACT,
        Column.text("symbol", "symbol that the source shows; display only"),
        Column.number("decimals", "decimals of the contract, as its rows agree; display only"),
        Column.amount("received", "what it received; null where wider than 38 digits"),
        Column.amount("spent", "what it spent or sent; null where wider than 38 digits"),
        Column.amount(
            "balance", "what it holds; null where anything may be unread, and where wider"
        ),
        Column.text("received_hex", "exactly what it received, where it is wider"),
        Column.text("spent_hex", "exactly what it spent, where it is wider"),
        Column.text("balance_hex", "exactly what it holds, where it is wider"),
    ),
)

COIN_HISTORY = Table(
    "history",
    ("chain", "tx"),
    "One row per transaction that names an address of a coin chain.",
    (
        CHAIN,
        TX,
        TXID,
        WHEN,
        Column.amount("received", "what it received by it"),
        Column.amount("spent", "what it spent by it"),
    ),
)

DECIMALS = Column.number("decimals", "decimals of its contract, as all rows of it agree")

MOVED = TRANSFERS.with_column(DECIMALS)
"""Transfers of a transaction, with the decimals of their contracts."""

TRANSFER_HISTORY = TRANSFERS.pick(
    "chain", "tx", "txid", "height", "time", "kind", "log_index", "trace_path", "contract",
    "token_id", "occurrence", name="history",
).plus(
    DIRECTION,
    Column.party("counterparty", "the other side"),
    TRANSFERS["amount"],
    TRANSFERS["amount_hex"],
    TRANSFERS["symbol"],
    DECIMALS,
    TRANSFERS["success"],
)  # fmt: skip

BESIDE = Table(
    "counterparties",
    ("chain", "contract", "direction", "what", "counterparty"),
    "Who else stands in the transactions of an address.",
    (
        CHAIN,
        CONTRACT,
        DIRECTION,
        Column.word("what", "address, no address, or not read"),
        Column.party("counterparty", "who; null where there is no address or none was read"),
        Column.number("transactions", "in how many"),
        Column.amount(
            "amount",
            "what passed between the two; null on coin chains, where nobody can say, and where it"
            " is wider than 38 digits",
        ),
        Column.text("amount_hex", "exactly what passed, where it is wider"),
        Column.amount(
            "at_most", "upper bound: no more can have passed between the two; null where wider"
        ),
        Column.amount("beside", "coin chains: its whole inputs or outputs in these transactions"),
    ),
)

SPENT = INPUTS.pick(
    "chain", "tx", "n", "prev_txid", "prev_n", "prev_tx", "value", "address", "script_kind",
    key=INPUTS.key,
)  # fmt: skip

STATUS = Table(
    "status",
    (),
    "What is known of an output: as :mod:`chainwatch.ledger.output_status` decides it.",
    (
        Column.word("status", "spent, unspent, not known, or cannot be spent"),
        Column.place("as_of", "height of the block up to which it is known to be unspent"),
        Column("as_of_time", TIME, Privacy.TIME, "time of that block", nullable=True),
        Column.text("known_by", "the same in words: when, and by what that is known or is not"),
    ),
)

PAID = OUTPUTS.pick("chain", "tx", "n", "value", "address", "script_kind", key=OUTPUTS.key).plus(
    Column.place("spender", "number of the transaction that spends it; null where none was read"),
    Column(
        "spender_txid", pl.Binary, Privacy.TXID, "its id, as the ledger keeps it", nullable=True
    ),
    *STATUS.columns,
)


BARE = Table(
    "bare_keys",
    ("chain", "tx", "n"),
    "Outputs paid to the bare key of an address (P2PK), which is no address: in no total of it.",
    (
        CHAIN,
        TX,
        TXID,
        N,
        WHEN,
        Column.amount("value", "what the output holds"),
        *STATUS.columns,
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class AddressSummary(Result):
    """What was read of one address.

    Attributes
    ----------
    chain : Chain
        Its chain.
    address : bytes
        Canonical bytes.
    totals : polars.DataFrame
        ``chain, contract, symbol, decimals, received, spent, balance``: one row per asset that
        was read, base units; ``contract`` is null for the native one. Sums of what was read: lower
        bounds unless ``complete``. ``balance`` is null where anything may be unread, and of tokens
        whose balances move without transfers. ``symbol`` and ``decimals`` are of tokens alone. A
        sum wider than 38 digits is null and stands in ``received_hex, spent_hex, balance_hex``.
    history : polars.DataFrame
        Coins: one row per transaction, ``chain, tx, txid, time, received, spent``. Accounts: one
        row per transfer, ``chain, tx, txid, height, time, kind, log_index, trace_path, contract,
        token_id, occurrence, direction, counterparty, amount, amount_hex, symbol, decimals,
        success``.
    counterparties : polars.DataFrame
        ``chain, contract, direction, what, counterparty, transactions, amount, amount_hex,
        at_most, beside``.
        On coins, *in* is who else put coins into transactions that paid the address without its
        help; *with*, into such as it put coins into too; *out* is who else was paid by these.
        ``beside`` is all that the other put in or got there, and ``at_most`` an upper bound of
        what passed between the two: of each transaction the smaller of what the one put in and
        the other got; ``amount`` is null. On accounts ``amount`` passed, and is the bound too.
        ``what`` is *address*, *no address* or *not read*; of the latter two the counterparty is
        null.
    complete : bool
        All of its history was read; on coin chains until ``read_to``.
    coverage : tuple of str
        What was and was not read, in sentences.
    read_to : AsOf or None
        On coin chains the block as of which its history is complete and its balance holds.
    bare_keys : polars.DataFrame
        Rows of ``BARE``: outputs paid to the key of the address itself; they stand in no total.
    worth : tuple of str
        What it received and spent was worth, in sentences, where prices were read.
    first_seen, last_seen : datetime or None
        Of the history, within what was read.
    """

    chain: Chain
    address: bytes
    totals: pl.DataFrame
    history: pl.DataFrame
    counterparties: pl.DataFrame
    complete: bool
    coverage: tuple[str, ...]
    read_to: AsOf | None = None
    bare_keys: pl.DataFrame = field(default_factory=BARE.empty)
    worth: tuple[str, ...] = ()

    @property
    def received(self) -> int | None:
        """Native coins that it received, base units; what was read. None where none of it was."""
        return self._native("received")

    @property
    def spent(self) -> int | None:
        """Native coins that it spent or sent, base units; what was read. None where none was."""
        return self._native("spent")

    @property
    def balance(self) -> int | None:
        """Native coins that it holds, base units; None where anything may be unread."""
        return self._native("balance")

    def _native(self, name: str) -> int | None:
        rows = self.totals.filter(pl.col("contract").is_null())
        wider = f"{name}_hex" if f"{name}_hex" in rows.columns else pl.lit(None, pl.String)
        return units.whole(*rows.select(name, wider).row(0)) if rows.height else None

    @property
    def transactions(self) -> int:
        """Number of transactions that name it."""
        return self.history["txid"].n_unique()

    @property
    def first_seen(self) -> datetime | None:
        """Time of the first transaction read that names it."""
        return self.history["time"].min()  # type: ignore[return-value]  # a column of times

    @property
    def last_seen(self) -> datetime | None:
        """Time of the last transaction read that names it."""
        return self.history["time"].max()  # type: ignore[return-value]  # a column of times

    @property
    def text(self) -> str:
        """The address as people write it."""
        return canonical.text(self.address, self.chain)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables of this result."""
        history = COIN_HISTORY if self.chain.family == "utxo" else TRANSFER_HISTORY
        return {
            "totals": TOTALS.rows(self.totals),
            "history": history.rows(self.history),
            "counterparties": BESIDE.rows(self.counterparties),
            "bare_keys": BARE.rows(self.bare_keys),
        }

    def facts(self) -> dict[str, str]:
        """Return what is shown of it, by name: amounts and counts, of others only how many."""
        if self.chain.family != "utxo":
            return account_facts(self)

        def coins(value: int | None) -> str:
            return "unknown" if value is None else _amount(value, self.chain)

        facts = {
            "address": self.text,
            "chain": self.chain.name,
            "received": coins(self.received),
            "spent": coins(self.spent),
            "balance": coins(self.balance) + self._as_of(),
            "transactions": f"{self.transactions:,}",
            "seen": f"{_day(self.first_seen)} to {_day(self.last_seen)}"
            if self.history.height
            else "in nothing that was read",
            "counterparties": f"{self.counterparties['counterparty'].drop_nulls().n_unique():,}",
            "read": "; ".join(self.coverage),
        }
        if self.worth:
            facts["worth"] = "; ".join(self.worth)
        if self.bare_keys.height:
            facts["bare key"] = self._bare()
        return facts

    def _as_of(self) -> str:
        """Return up to which block the balance holds: what came later may have changed it."""
        if self.balance is None or self.read_to is None:
            return ""
        return f" as of {block_text(self.read_to.height, self.read_to.time)}"

    def _bare(self) -> str:
        """Return in words what was paid to the bare key of the address."""
        count = units.counted(self.bare_keys.height, "output", "outputs")
        amount = _amount(units.total(self.bare_keys["value"]), self.chain)
        unspent = self.bare_keys.filter(pl.col("status") == UNSPENT)["value"]
        return (
            f"{count}, {amount} in all, of which {_amount(units.total(unspent), self.chain)} are"
            " known to be unspent: paid to the bare key of this address; counted in no total of it"
        )

    def line(self, row: Mapping[str, Any]) -> str:
        """Return a row of its history in words: when, how much, in which transaction."""
        if self.chain.family != "utxo":
            return account_line(row, self.chain)
        when = f"{row['time']:%Y-%m-%d %H:%M:%S}"
        parts = [f"{name} {_amount(int(row[name]), self.chain)}" for name in
                 ("received", "spent") if row[name]]  # fmt: skip
        return f"{when}  {', '.join(parts) or 'no amount'}  {row['txid'][::-1].hex()}"

    def __repr__(self) -> str:
        facts, said = self.facts(), account_brief(self)
        if self.chain.family == "utxo":
            said = ", ".join(f"{name} {facts[name]}" for name in ("received", "spent", "balance"))
        count = units.counted(self.transactions, "transaction", "transactions")
        return f"AddressSummary({facts['address']} on {self.chain.alias}: {said}, {count})"

    def _repr_html_(self) -> str:
        return _table(self.facts())


@dataclass(frozen=True, repr=False, eq=False)
class TransactionSummary(Result):
    """What was read of one transaction.

    Attributes
    ----------
    chain : Chain
        Its chain.
    txid : bytes
        Id, as the ledger keeps it.
    tx, height : int or None
        Number and height; None where the source knew no height.
    block : bytes or None
        Hash of its block, wire order.
    time : datetime or None
        Time of its block; None where only the height is known.
    coinbase : bool
        The origin of new coins.
    fee : int or None
        Base units; None of a coinbase, where an input was not read, and on account chains.
    inputs : polars.DataFrame
        ``chain, tx, n, prev_txid, prev_n, prev_tx, value, address, script_kind``.
    outputs : polars.DataFrame
        ``chain, tx, n, value, address, script_kind, spender, spender_txid``: number and id of the
        transaction that spends it, null where none was read; and ``status, as_of, as_of_time,
        known_by``: whether it is known to be spent or unspent, as of which block, and by what.
    transfers : polars.DataFrame
        Rows of ``transfers``, on account chains, each with the decimals of its contract.
    proof : polars.DataFrame
        Rows of ``answers`` that prove the place of the transaction in its block, where kept.
    """

    chain: Chain
    txid: bytes
    tx: int | None
    height: int | None
    block: bytes | None
    time: datetime | None
    coinbase: bool
    fee: int | None
    inputs: pl.DataFrame
    outputs: pl.DataFrame
    transfers: pl.DataFrame
    proof: pl.DataFrame

    @property
    def text(self) -> str:
        """The id as people write it."""
        return canonical.txid_text(self.txid, self.chain)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables of this result; not the raw proofs."""
        return {
            "inputs": SPENT.rows(self.inputs),
            "outputs": PAID.rows(self.outputs),
            "transfers": MOVED.rows(self.transfers),
        }

    def facts(self) -> dict[str, str]:
        """Return what is shown of it, by name: amounts and counts, and nobody's address."""
        unread = self.inputs["value"].null_count()
        paid = units.total(self.outputs["value"])
        facts = {
            "transaction": self.text,
            "chain": self.chain.name,
            "height": "unknown" if self.height is None else f"{self.height:,}",
            "time": "unknown" if self.time is None else f"{self.time:%Y-%m-%d %H:%M:%S} UTC",
        }
        if self.chain.family != "utxo":
            return facts | {"transfers": f"{self.transfers.height:,}"}
        inputs = "a coinbase" if self.coinbase else f"{self.inputs.height:,} ({unread:,} not read)"
        fee = "none" if self.coinbase else "unknown"
        return facts | {
            "inputs": inputs,
            "outputs": f"{self.outputs.height:,}, {_amount(paid, self.chain)}",
            "fee": fee if self.fee is None else _amount(self.fee, self.chain),
            "proof": f"{self.proof.height:,} kept",
        }

    def lines(self) -> list[str]:
        """Return who paid and who was paid, line by line; nobody is masked in it.

        Of each output it is said which transaction spends it, or up to which block it is known to
        be unspent and by what, or why that is not known.
        """
        return list(transaction_lines(self))

    def __repr__(self) -> str:
        facts = self.facts()
        shown = ", ".join(
            f"{name} {text}" for name, text in facts.items() if name not in ("transaction", "chain")
        )
        return f"TransactionSummary({self.text} on {self.chain.alias}: {shown})"

    def _repr_html_(self) -> str:
        if not names_all():
            return _table(self.facts())
        lines = self.lines()
        rest = len(lines) - MOST_LINES
        more = [f"and {rest:,} more lines: .plain('inputs'), .plain('outputs')"] if rest > 0 else []
        told = "\n".join(visible(line) for line in [*lines[:MOST_LINES], *more])
        return f"{_table(self.facts())}{preformatted(told)}"


def _amount(value: int, chain: Chain) -> str:
    return f"{units.to_text(value, chain.decimals)} {chain.symbol}"


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d}"


def _table(facts: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items()
    )
    return f"<table>{rows}</table>"
