"""``net_changes``: by how much each transaction changed what each address holds of each asset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.assets import ZERO
from chainwatch.chains.base import Chain
from chainwatch.errors import ConservationError, expect
from chainwatch.ledger.decimals import stated
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.roles import NO_ROLES, Roles
from chainwatch.results.table import Rows
from chainwatch.tracing.meaning.reading import (
    COIN,
    AccountReading,
    AssetKey,
    Transaction,
    read_transactions,
)
from chainwatch.tracing.meaning.tables import NET_CHANGES
from chainwatch.units import LARGEST_AMOUNT, counted

Change = tuple[int | None, int | None, str]
"""What changed, what of the fee was paid, and what is not known of the change."""


@dataclass(frozen=True, repr=False, eq=False)
class NetChanges(Result):
    """Net changes of balances, transaction by transaction; of each asset they add up to nothing.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`chainwatch.tracing.meaning.tables.NET_CHANGES`.
    chain : Chain
        Of which chain.
    unsigned : int
        Logs of transfers that nobody let happen, left out.
    """

    frame: pl.DataFrame
    chain: Chain
    unsigned: int = 0

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that makes up the content digest."""
        return {"net_changes": NET_CHANGES.rows(self.frame)}

    def words(self) -> Mapping[str, int]:
        """Return how many logs were left out: that is digested as well."""
        return {"unsigned": self.unsigned}

    def roles(self) -> Roles:
        """Return nothing: who took part in a transaction is nobody to show."""
        return NO_ROLES

    def __repr__(self) -> str:
        unknown = self.frame["change"].null_count()
        txids = self.frame["txid"].n_unique()
        head = counted(self.frame.height, "change", "changes")
        lines = [f"NetChanges({head} in {counted(txids, 'transaction', 'transactions')})"]
        whys = self.frame.drop_nulls("unknown").group_by("unknown").len().sort("unknown")
        lines += [f"  {unknown:,} unknown"] if unknown else []
        lines += [f"    {count:,}: {why}" for why, count in whys.iter_rows()]
        if self.unsigned:
            said = counted(self.unsigned, "log of a transfer", "logs of transfers")
            lines.append(f"  left out: {said} that nobody let happen")
        return "\n".join(lines)


@recorded
def net_changes(ledger: Ledger, *, chain: Chain | str | None = None) -> NetChanges:
    """Return by how much each transaction changed what each address holds of each asset.

    What came less what went, of all that took effect in the transaction, exactly. Where that is
    nothing there is no row; where not all was read the change is null, and says what was not. Fees
    stand apart: whoever sent a transaction paid its fee, whatever else it did.

    Parameters
    ----------
    ledger : Ledger
        Its transactions in its span.
    chain : Chain or str, optional
        Which account chain, where the ledger holds several.

    Returns
    -------
    NetChanges
        One row per transaction, address and asset.

    Raises
    ------
    TraceError
        If it is not clear which chain is meant, or it is one of coins.
    ConservationError
        If the changes of an asset in a transaction do not add up to nothing: a defect.

    Fails when
    ----------
    A token moves balances without a log, as those that rebase or take a fee of their own: what logs
    say adds up all the same, and is not what balances did. Of a transaction that paid nothing but
    its fee there are only rows of the fee.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    read = read_transactions(ledger, chain)
    decimals = stated(ledger)
    rows = [
        (read.chain.id, one.txid, one.tx, one.time, address, *asset, change, fee, why or None,
         _decimals(decimals, read.chain, asset))
        for one in read.transactions()
        for (address, asset), (change, fee, why) in changes_of(read, one)
    ]  # fmt: skip
    frame = NET_CHANGES.frame(rows).sort(list(NET_CHANGES.key), nulls_last=False)
    return NetChanges(frame, read.chain, read.unsigned)


def changes_of(
    read: AccountReading, one: Transaction
) -> Iterator[tuple[tuple[bytes, AssetKey], Change]]:
    """Yield what a transaction changed, by address and asset.

    Raises
    ------
    ConservationError
        If what came and what went of an asset differ.
    """
    net: dict[tuple[bytes, AssetKey], int] = {}
    for move in one.moves:
        net[move.sender, move.asset] = net.get((move.sender, move.asset), 0) - move.amount
        net[move.receiver, move.asset] = net.get((move.receiver, move.asset), 0) + move.amount
    _check(one, net)
    fees: dict[bytes, int] = {}
    for payer, getter, amount in one.fees:
        fees[payer] = fees.get(payer, 0) + amount
        fees[getter] = fees.get(getter, 0) - amount
    touched = {address for address, _ in net} | {address for address, _ in fees.items()}
    lost = {(address, asset) for address in touched for asset in one.lost}
    for at in sorted({*net, *lost, *((address, COIN) for address in touched)}, key=_order):
        address, asset = at
        why = "" if address in ZERO else read.knows(one, address, asset)
        fee = fees.get(address, 0) if asset == COIN and one.fees else None
        change = None if why else net.get(at, 0)
        if change is not None and abs(change) > LARGEST_AMOUNT:
            change, why = None, "the sum is wider than 38 digits"
        if why or change or fee:
            yield at, (change, fee, why)


def _check(one: Transaction, net: Mapping[tuple[bytes, AssetKey], int]) -> None:
    sums: dict[AssetKey, int] = {}
    for (_, asset), amount in net.items():
        sums[asset] = sums.get(asset, 0) + amount
    if any(sums.values()):
        raise ConservationError(
            "the net changes of an asset in a transaction do not add up to nothing",
            where=one.txid.hex(),
            remedy="report it: no figure of this result may be used",
        )


def _order(at: tuple[bytes, AssetKey]) -> tuple[bytes, bytes, str]:
    address, (contract, token_id) = at
    return address, contract or b"", token_id or ""


def _decimals(
    decimals: Mapping[tuple[str, bytes], object], chain: Chain, asset: AssetKey
) -> int | None:
    found = None if asset[0] is None else decimals.get((chain.id, asset[0]))
    number: int | None = getattr(found, "decimals", None)
    return number


__all__ = ["NetChanges", "changes_of", "net_changes"]
