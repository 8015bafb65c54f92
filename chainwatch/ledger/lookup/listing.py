"""A transaction told line by line, in clear: who paid, who was paid, and where it went next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import polars as pl

from chainwatch import units
from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.ledger.lookup.account_facts import transfer_line


class Transaction(Protocol):
    """What is asked of a transaction here; a summary has it."""

    @property
    def chain(self) -> Chain:
        """Its chain."""
        ...

    @property
    def coinbase(self) -> bool:
        """Whether it is the origin of new coins."""
        ...

    @property
    def inputs(self) -> pl.DataFrame:
        """A row per input."""
        ...

    @property
    def outputs(self) -> pl.DataFrame:
        """A row per output, with what is known of its spending."""
        ...

    @property
    def transfers(self) -> pl.DataFrame:
        """A row per transfer, on account chains."""
        ...


def transaction_lines(found: Transaction) -> Iterator[str]:
    """Yield the inputs and outputs of a transaction, or its transfers; nobody is masked in them.

    Of an input it is said which output it spends, of an output what is known of its spending: the
    id of the spender, or up to which block and by what it is known to be unspent, or why that is
    not known.
    """
    if found.chain.family != "utxo":
        for row in found.transfers.iter_rows(named=True):
            yield f"  {transfer_line(row, found.chain)}"
        return
    if found.coinbase:
        yield from ("inputs", "        new coins: a coinbase spends nothing")
    else:
        rows = found.inputs.sort("n").iter_rows(named=True)
        yield from _aligned("inputs", [_input(row, found.chain) for row in rows])
    rows = found.outputs.sort("n").iter_rows(named=True)
    yield from _aligned("outputs", [_output(row, found.chain) for row in rows])


def _aligned(title: str, rows: list[tuple[int, str, str, str]]) -> Iterator[str]:
    """Yield rows of number, party, amount and the rest, their columns below each other."""
    yield title
    party = max((len(row[1]) for row in rows), default=0)
    amount = max((len(row[2]) for row in rows), default=0)
    for number, who, value, rest in rows:
        yield f"  {number:>4}  {who:<{party}}  {value:>{amount}}  {rest}"


def _input(row: Mapping[str, Any], chain: Chain) -> tuple[int, str, str, str]:
    spent = f"{canonical.txid_text(row['prev_txid'], chain)}:{row['prev_n']}"
    return row["n"], *_what(row, chain), f"spends {spent}"


def _output(row: Mapping[str, Any], chain: Chain) -> tuple[int, str, str, str]:
    said = row["known_by"]
    if row["spender_txid"] is not None:
        said = f"spent by {canonical.txid_text(row['spender_txid'], chain)}"
    return row["n"], *_what(row, chain), said


def _what(row: Mapping[str, Any], chain: Chain) -> tuple[str, str]:
    """Return who holds a coin and how much it is, each as far as it was read."""
    kind = row["script_kind"]
    who = "not read" if kind is None else f"no address ({kind})"
    if row["address"] is not None:
        who = canonical.text(row["address"], chain)
        if row["value"] is None:  # the output itself was not read
            who += " (as its unlocking says)"
    value = row["value"]
    amount = "" if value is None else f"{units.to_text(value, chain.decimals)} {chain.symbol}"
    return who, amount or "not read"
