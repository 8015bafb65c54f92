"""Fetching as a trace goes: what it needs and the ledger lacks is asked for, best first.

The walk is made anew after every history that was read, so that what is followed is always what
the ledger says; a trace of the ledger that is left, without fetching, is the same. For that the
ledger also keeps where the budget ended: see :mod:`chainwatch.ledger.unread.left_by_budget`. Which
branch is read next decides nothing about amounts: see
:func:`chainwatch.tracing.ends.bounds.open_bounds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import BudgetSpent, SourceError, TraceError
from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.ledger.unread.left_by_budget import SOURCE, budget_units
from chainwatch.net.policy import use_network
from chainwatch.progress import watched
from chainwatch.results.result import Result
from chainwatch.results.table import Column, Rows, Table
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import UNREAD
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.units import counted

MakeSource = Callable[[list[bytes]], Source]
"""Makes the source that reads the histories of these addresses."""

LARGEST = 2_000
"""Inputs and outputs of what is known of an address; a larger one is a service, and is not read."""

SPENT, TOO_LARGE, FAILED = "budget spent", "too large", "no answer"

LEFT = Table(
    "left",
    ("address",),
    "Addresses at which value is not read any further, and why they were not asked for.",
    (
        Column.party("address", "where value was followed to"),
        Column.amount("amount", "traced value that is there"),
        Column.number("explosion", "inputs and outputs of the transactions known of it"),
        Column.kind("why", f"{SPENT}, {TOO_LARGE}, or {FAILED}"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Fetched(Result):
    """What a trace asked for on its way.

    Attributes
    ----------
    ledger : Ledger
        As of the last commit, with the span that was looked at.
    asked : tuple of bytes
        Addresses whose histories were read, in turn.
    requests, budget : int
        Requests made and allowed.
    left : polars.DataFrame
        Table in :data:`LEFT`.
    failure : str
        What the server said where it stopped answering; empty where it did not.
    """

    ledger: Ledger
    asked: tuple[bytes, ...]
    requests: int
    budget: int
    left: pl.DataFrame = field(default_factory=LEFT.empty)
    failure: str = ""

    @property
    def frame(self) -> pl.DataFrame:
        """What was left."""
        return self.left

    def tables(self) -> dict[str, Rows]:
        """Return what was left."""
        return {"left": LEFT.rows(self.left)}

    def __repr__(self) -> str:
        read = counted(len(self.asked), "history", "histories")
        made = f"Fetched({read} read with {self.requests:,} of {self.budget:,} requests"
        told = [
            f"{counted(rows, 'address', 'addresses')} left: {why}"
            for why, rows in self.left.group_by("why").len().sort("why").iter_rows()
        ]
        return "; ".join([made, *told, *([self.failure] if self.failure else [])]) + ")"


def fetched(
    ledger: Ledger,
    follow: Callable[[Ledger], Trace],
    make: MakeSource,
    budget: int,
) -> Fetched:
    """Read what a trace needs into the folder of its ledger, until nothing more is needed.

    Parameters
    ----------
    ledger : Ledger
        In a folder; each history that is read is a commit, and so is where the budget ended.
    follow : callable
        Traces a ledger.
    make : callable
        Makes the source that reads the histories of addresses, such as
        ``lambda addresses: Esplora(url, addresses)``.
    budget : int
        Requests that may be made.

    Raises
    ------
    TraceError
        If the ledger is in memory, or the budget allows nothing.

    Fails when
    ----------
    The server lists less than there is: what it leaves out is not followed.
    """
    if ledger.store is None:
        raise TraceError(
            "a ledger in memory cannot keep what is fetched",
            remedy="pull into a folder first, and open that",
        )
    if budget < 1:
        raise TraceError(f"a budget of {budget} requests", remedy="allow one at least")
    with watched("trace") as shown, use_network(most_requests=budget) as allowed:
        run = _Run(ledger, follow, make, shown or _silent)
        run.go()
        run.keep()
        used = allowed.budget.used if allowed.budget else 0
    left = pl.DataFrame(run.left(), schema=LEFT.schema, orient="row").sort("address")
    return Fetched(run.ledger, tuple(run.asked), used, budget, left, run.failure)


def _silent(_: str) -> None:
    """Show nothing."""


class _Run:
    """One run: the ledger as it grows, and what was asked."""

    def __init__(
        self,
        ledger: Ledger,
        follow: Callable[[Ledger], Trace],
        make: MakeSource,
        tell: Callable[[str], None],
    ) -> None:
        self.ledger, self._follow, self._make, self._tell = ledger, follow, make, tell
        self.asked: list[bytes] = []
        self._open: list[tuple[int, int, bytes]] = []
        self._why, self.failure, self._chain = "", "", ""

    def go(self) -> None:
        """Trace, and read the best of what is missing, until nothing is or nothing may be asked.

        What is open is looked at once more where nothing may be asked any longer: of a history a
        part may have been read before that, and what it leads to is open too.
        """
        while True:
            found = self._follow(self.ledger)
            self._chain = found.asset.chain
            self._open = self._wanted(found)
            best = [row for row in self._open if row[0] <= LARGEST]
            if self._why or not best:
                return
            self._read(best[0][2])

    def _wanted(self, found: Trace) -> list[tuple[int, int, bytes]]:
        """Return what was not read and was not asked for: the least explosive first.

        Subjects whose own history was not read come before all, whatever is known of them from
        the histories of others: what they receive is what is followed.
        """
        unread = found.ends.filter(pl.col("reason").is_in(UNREAD) & pl.col("address").is_not_null())
        amounts: dict[bytes, int] = {}
        for address, amount in unread.select("address", "amount").iter_rows():
            amounts[address] = amounts.get(address, 0) + int(amount)
        idle = set(found.subjects["address"]) - set(found.origins["address"])
        first = idle | found.unread
        amounts |= {address: 0 for address in first if address not in amounts}
        due = [address for address in amounts if address not in self.asked]
        size = explosions(self.ledger, found.asset, due)
        ranked = [(0 if one in first else size[one], -amounts[one], one) for one in due]
        return sorted(ranked)

    def _read(self, address: bytes) -> None:
        store = self.ledger.store
        if store is None:
            return
        whose = text(address, self._chain)
        self._tell(f"{whose}: reading its history, {len(self.asked)} read before")
        self.asked.append(address)
        try:
            pull(store.path, self._make([address]), progress=False)
        except BudgetSpent:
            self._why = SPENT
        except SourceError as error:
            self._why, self.failure = FAILED, str(error)
        if self._why:
            self.asked.pop()
        self._reopen(store.path)

    def _reopen(self, folder: Path) -> None:
        """Take the ledger as of its last commit, with the span that was looked at."""
        look = self.ledger
        self.ledger = replace(open_ledger(folder), start=look.start, end=look.end, chain=look.chain)

    def keep(self) -> None:
        """Commit which addresses the budget left, and which it does not leave any longer."""
        why = {address: why for address, _, _, why in self.left()}
        left = {address for address, one in why.items() if one == SPENT}
        units = budget_units(self.ledger, self._chain, left, {*self.asked, *why} - left)
        store = self.ledger.store
        if units.is_empty() or store is None:
            return
        what = f"what a budget of requests left: {counted(len(left), 'address', 'addresses')}"
        with open_writer(store) as writer:
            writer.commit({"coverage": units}, source=SOURCE, chain=self._chain, what=what)
        self._reopen(store.path)

    def left(self) -> list[tuple[bytes, int, int, str]]:
        """Return what is not read any further, and why."""
        return [
            (address, -amount, size, TOO_LARGE if size > LARGEST else self._why)
            for size, amount, address in self._open
            if address not in self.asked
        ]


def explosions(ledger: Ledger, asset: Asset, addresses: Sequence[bytes]) -> dict[bytes, int]:
    """Return how many inputs and outputs the transactions known of each address have.

    On account chains, how many transfers are known of it. A small one leads to few others; a
    large one is a service or a mix, behind which everybody is reached.
    """
    if not addresses:
        return {}
    if find_chain(asset.chain).family == "utxo":
        coins = Coins.read(ledger.history, asset.chain)
        return {one: coins.size_of(coins.paying([one]) | coins.paid_by([one])) for one in addresses}
    wanted = pl.Series(addresses, dtype=pl.Binary).implode()
    rows = ledger.history.transfers.filter(asset.of_transfers())
    sides = [rows.select(address=side) for side in ("sender", "receiver")]
    near = pl.concat(sides).filter(pl.col("address").is_in(wanted))
    counts = dict(near.group_by("address").len().collect().iter_rows())
    return {one: int(counts.get(one, 0)) for one in addresses}
