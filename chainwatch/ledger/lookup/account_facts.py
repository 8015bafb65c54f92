"""An address of an account chain in words: what was read of each asset, in coins where that can be.

A symbol is whoever's; so a token is named by its contract, in the form of its chain, and the symbol
only stands beside it. Amounts are in base units, and called so, where no one number of decimals was
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.silent_moves import silent_moves
from chainwatch.chains.base import Chain
from chainwatch.sanitize import visible
from chainwatch.units import counted, to_text, whole

MOST_NAMED = 10
"""Assets that are named one by one; the rest are counted."""

_LONGEST_SYMBOL = 20


class Account(Protocol):
    """What is asked of an address here; a summary has it."""

    @property
    def chain(self) -> Chain:
        """Its chain."""
        ...

    @property
    def text(self) -> str:
        """The address as people write it."""
        ...

    @property
    def transactions(self) -> int:
        """How many were read."""
        ...

    @property
    def totals(self) -> pl.DataFrame:
        """A row per asset."""
        ...

    @property
    def history(self) -> pl.DataFrame:
        """A row per transfer."""
        ...

    @property
    def counterparties(self) -> pl.DataFrame:
        """A row per other party."""
        ...

    @property
    def coverage(self) -> tuple[str, ...]:
        """What was read, in words."""
        ...

    @property
    def worth(self) -> tuple[str, ...]:
        """What it received and spent was worth, in words."""
        ...


def account_facts(found: Account) -> dict[str, str]:
    """Return what is shown of an address, by name: per asset, and of others only how many."""
    facts = {"address": found.text, "chain": found.chain.name}
    rows = found.totals.sort("contract", nulls_last=False).to_dicts()
    if not any(row["contract"] is None for row in rows):
        facts[found.chain.symbol] = "not read"
    for row in rows[:MOST_NAMED]:
        facts[_name(row, found.chain)] = _sums(row, found.chain)
    tokens = found.totals["contract"].drop_nulls().n_unique()
    more = max(0, len(rows) - MOST_NAMED)
    facts["tokens"] = f"{tokens:,}" + (f", {more:,} of them in the table of totals" if more else "")
    worth = {"worth": "; ".join(found.worth)} if found.worth else {}
    return (
        facts
        | worth
        | {
            "transactions": f"{found.transactions:,}",
            "seen": _seen(found.history),
            "counterparties": _parties(found.counterparties),
            "read": "; ".join((*found.coverage, *_doubts(rows))),
        }
    )


def account_brief(found: Account) -> str:
    """Return how many assets were read, for a line."""
    tokens = found.totals["contract"].drop_nulls().n_unique()
    coin = "read" if found.totals["contract"].null_count() else "not read"
    return f"{counted(tokens, 'token', 'tokens')}, {found.chain.symbol} {coin}"


def account_line(row: Mapping[str, Any], chain: Chain) -> str:
    """Return a row of a history in words: when, which way, how much, in which transaction."""
    when = "time not known" if row["time"] is None else f"{row['time']:%Y-%m-%d %H:%M:%S}"
    if row.get("height") is not None and row["time"] is None:
        when = f"block {row['height']:,}, time not known"
    failed = _effect(row)
    shown = canonical.txid_text(row["txid"], chain)
    return f"{when}  {row['direction']} {_amount(_of(row, 'amount'), row, chain)}{failed}  {shown}"


def transfer_line(row: Mapping[str, Any], chain: Chain) -> str:
    """Return a row of ``transfers`` in words, in clear: who paid whom, how much, and its kind."""
    sides = [
        "nobody" if row[side] is None else canonical.text(row[side], chain)
        for side in ("sender", "receiver")
    ]
    failed = _effect(row)
    return f"{' -> '.join(sides)}  {_amount(_of(row, 'amount'), row, chain)}  {row['kind']}{failed}"


def _effect(row: Mapping[str, Any]) -> str:
    """Return what is said behind a transfer that took no effect, or of which that is not known."""
    if row["success"] is False:
        return " (took no effect)"
    coin = row["contract"] is None and row.get("token_id") is None
    unread = coin and row["success"] is None and _of(row, "amount") != 0
    return " (whether it took effect is not known)" if unread else ""


def _name(row: Mapping[str, Any], chain: Chain) -> str:
    if row["contract"] is None:
        return chain.symbol
    symbol = visible(str(row["symbol"] or "token"))[:_LONGEST_SYMBOL]
    return f"{symbol} {canonical.text(row['contract'], chain)}"


def _of(row: Mapping[str, Any], name: str) -> int | None:
    """Return an amount of a row, however wide."""
    return whole(row[name], row.get(f"{name}_hex"))


def _amount(amount: int | None, row: Mapping[str, Any], chain: Chain, *, named: bool = True) -> str:
    """Return an amount in coins where the decimals are known, else in base units."""
    decimals = chain.decimals if row["contract"] is None else row["decimals"]
    whose = f" {_name(row, chain)}" if named else ""
    if amount is None:
        return f"an unknown amount{' of' if named else ''}{whose}"
    if decimals is None:
        return f"{amount:,} base units{' of' if named else ''}{whose}"
    return to_text(amount, decimals, group=True) + whose


def _sums(row: Mapping[str, Any], chain: Chain) -> str:
    moves = silent_moves(chain.id, row["contract"])
    balance = _of(row, "balance")
    held = "unknown" if balance is None else _amount(balance, row, chain, named=False)
    if moves is not None:
        held += " (it moves without transfers)"
    parts = [
        f"{what} {_amount(_of(row, what), row, chain, named=False)}"
        for what in ("received", "spent")
    ]
    return ", ".join([*parts, f"balance {held}"])


def _seen(history: pl.DataFrame) -> str:
    if not history.height:
        return "in nothing that was read"
    times = history["time"].drop_nulls().dt.date().cast(pl.String)
    timeless = history.height - times.len()
    if not times.len():
        return "at times that are not known"
    span = " to ".join(times.sort().gather([0, -1]))
    return (
        f"{span}, and in {counted(timeless, 'transfer', 'transfers')} of unknown time"
        if timeless
        else span
    )


def _parties(parties: pl.DataFrame) -> str:
    by = {
        way: parties.filter(pl.col("direction") == way)["counterparty"].n_unique()
        for way in ("in", "out")
    }
    return f"{by['in']:,} paid it, {by['out']:,} were paid by it"


def _doubts(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield why balances of what was read are not known."""
    for row in rows:
        moves = silent_moves(row["chain"], row["contract"])
        if moves is not None:
            yield moves.caveat
