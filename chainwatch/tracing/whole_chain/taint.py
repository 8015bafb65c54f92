"""``taint``: how much of every output of a coin chain is traced from subjects, under one policy.

Where a question reaches a good part of a chain, one scan of all of it in order is faster than a
walk from coin to coin, and leaves a number for each output in place of each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import ConservationError, TraceError
from chainwatch.kernels import taint as kernel
from chainwatch.kernels.following.walk import made_of
from chainwatch.kernels.run import available
from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.spend_order import parents_first
from chainwatch.results.deferred import Deferred
from chainwatch.results.result import Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.table import TX, TXID, WHEN, Column, N, Rows, Table
from chainwatch.results.text_frame import text_frame
from chainwatch.tracing.arguments import check, policy_for
from chainwatch.tracing.chosen import chosen_outputs
from chainwatch.tracing.policies import Policy, fifo, haircut, lifo, poison
from chainwatch.tracing.stops import BURNT, BY_ORDER, FEE, LATER, NOT_READ, UNSPENT
from chainwatch.tracing.subjects import Named, Subjects, subjects_of, widened
from chainwatch.tracing.trace_tables import SUBJECTS
from chainwatch.tracing.walks.coin_rows import Places, frame_of
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.tracing.whole_chain.plain import PlainScan
from chainwatch.units import AMOUNT, exact_sum

Array = NDArray[Any]

WAYS: Mapping[Policy, str] = {
    haircut: kernel.BLENDED, poison: kernel.REACHED, fifo: kernel.OLDEST, lifo: kernel.NEWEST,
}  # fmt: skip
"""The policies by which a whole chain is scanned."""

SCREEN = "screen"
"""The haircut in floating point: for a first look, and never evidence."""

CAME, MOVED, SILENT = "came in", "paid on", "no spender read"

TAINTED = Table(
    "tainted",
    ("txid", "n"),
    "One row per output that holds traced value, whether it was spent since or not.",
    (
        Column.party("address", "whom it pays; null of a script without an address"),
        TX,
        TXID,
        N,
        WHEN,
        Column.amount("value", "what the output holds"),
        Column.amount("amount", "traced value in it; of a screen to the nearest base unit"),
        Column.kind(
            "state",
            "what became of it: paid on, unspent as far as blocks or histories tell, no spender"
            " read, burnt, spent outside the span; or spent before it was made: what spends it"
            " was read, but stands before it, and is not followed",
        ),
    ),
)

TOTALS = Table(
    "taint_totals",
    ("what",),
    "What came in traced and where it is. Where the policy conserves value, all but what was paid"
    " on add up to what came in, exactly; by reach and of a screen nothing is said to come in.",
    (
        Column.kind(
            "what",
            "came in; the state of what holds it; fee; or not read: what entered transactions of"
            " which not all was read",
        ),
        Column.amount("amount", "traced value"),
        Column.count("outputs", "outputs that hold it; 0 of fees and of what was not read"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Taint(Result):
    """How much of every output of a chain is traced; what lies unspent and ended adds up exactly.

    Attributes
    ----------
    asset : Asset
        The coins.
    policy : str
        Name of the policy, or *screen*.
    tainted : polars.DataFrame
        Table in ``TAINTED``; made when it is first asked for.
    totals : polars.DataFrame
        Table in ``TOTALS``.
    subjects : polars.DataFrame
        Who is followed, in ``SUBJECTS``.
    visited : int
        Transactions that traced value goes into, or in which it begins.
    error : float
        Largest relative error of an amount; 0 of all but a screen.
    read : str
        Up to where the chain was read: what holds for *unspent*.
    nbytes : int
        Memory that the scan held.
    """

    asset: Asset
    policy: str
    tainted: pl.DataFrame
    totals: pl.DataFrame
    subjects: pl.DataFrame
    visited: int = 0
    error: float = 0.0
    read: str = ""
    nbytes: int = 0

    @property
    def frame(self) -> pl.DataFrame:
        """The outputs that hold traced value."""
        return self.tainted

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "tainted": TAINTED.rows(self.tainted),
            "taint_totals": TOTALS.rows(self.totals),
            "subjects": SUBJECTS.rows(self.subjects),
        }

    def followed(self) -> pl.DataFrame:
        """Return those whom it follows: ``chain, address``."""
        rows = self.subjects.select(
            pl.lit(self.asset.chain).alias("chain"), pl.col("subject").alias("address")
        )
        return rows.unique().sort("chain", "address")

    def roles(self) -> Roles:
        """Return that those followed are subjects; that value reached somebody says nothing."""
        chain = self.asset.chain
        whose = [parties_of(self.subjects, name, chain) for name in ("address", "subject")]
        return Roles(spreading=dict.fromkeys(set().union(*whose), SUBJECT))

    def check(self) -> None:
        """Raise unless what came in is all where it ended, where the policy conserves value.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        if self.policy in (poison.name, SCREEN):
            return
        sums = dict(self.totals.select("what", "amount").iter_rows())
        came = int(sums.pop(CAME))
        ended = sum(int(amount) for what, amount in sums.items() if what != MOVED)
        if came != ended:
            raise ConservationError(
                f"{ended} of {came} traced base units are where they ended",
                remedy="report it: no figure of this scan may be used",
            )

    def __repr__(self) -> str:
        shown = self.asset.shown
        head = f"Taint({self.policy}, {self.visited:,} transactions"
        head += f", relative error up to {self.error:.1e})" if self.policy == SCREEN else ")"
        rows = [
            f"  {shown(int(amount)):>24}  {what}"
            for what, amount in self.totals.select("what", "amount").iter_rows()
        ]
        return "\n".join([head, *rows, f"  {self.read}"])


@recorded
def taint(
    ledger: Ledger,
    subjects: Subjects,
    *,
    policy: Policy | str | None = None,
    clusters: Owners | None = None,
    chain: str | None = None,
) -> Taint:
    """Say how much of every output of a chain is traced from subjects, to the end of what is read.

    All subjects are traced together, as one: whose value is where, and by which steps it came,
    :func:`chainwatch.trace` says. Nothing stops it but what was not read: value runs through
    services and mixes, where it is another's. Use it to rank and to count, and trace what matters.

    Parameters
    ----------
    ledger : Ledger
        Its span is followed.
    subjects : frame with ``chain`` and ``address``, tags, or one or several subjects
        As :func:`chainwatch.trace` takes them.
    policy : Policy or str
        ``haircut``, ``fifo``, ``lifo`` or ``poison``; ``screen`` is the haircut in floating point,
        with the largest relative error stated. There is no default.
    clusters : Clusters, optional
        Widens subjects to their clusters.
    chain : str, optional
        Alias or CAIP-2 id.

    Returns
    -------
    Taint
        Amounts in base units per output, and totals.

    Raises
    ------
    TraceError, AddressError, ConservationError
        If it is not clear what to follow, the chain has no coins, or pays out more than there is.

    Fails when
    ----------
    Read as a statement about people: under the haircut nearly everybody holds a trace of it after
    some hops. A haircut screen is no evidence: its amounts are rounded. Value that enters a
    transaction of which not all was read ends there, under every policy, and is told as *not
    read*: what lies behind it may be reached too.

    References
    ----------
    Möser, Böhme and Breuker, "Towards Risk Scoring of Bitcoin Transactions", 2014.
    """
    check(ledger=ledger, clusters=clusters)
    if chain is not None and find_chain(chain).family != "utxo":
        raise TraceError("balances of accounts are not scanned", remedy="use trace(ledger, ...)")
    of = subjects_of(subjects, None, chain, ledger)
    method = haircut if policy == SCREEN else policy_for(policy, of.asset.chain, "forward")
    if method not in WAYS:
        names = ", ".join([*(one.name for one in WAYS), SCREEN])
        raise TraceError(f"a whole chain is not scanned by {method.name}", remedy=f"use {names}")
    result = _followed(ledger, of, method, clusters, screen=policy == SCREEN)
    result.check()
    return result


def _followed(
    ledger: Ledger, of: Named, method: Policy, clusters: Owners | None, *, screen: bool
) -> Taint:
    network = of.asset.chain
    coins = Coins.read(ledger, network)
    chosen = chosen_outputs(of.chosen, coins, ledger, network)
    whose = widened(of.addresses, network, clusters)
    rows = {coins.row_of(tx, n) for tx, n in chosen}
    begin = _begin(coins, list(whose), [row for row in rows if row is not None])
    found = _scanned(coins, method, begin, screen=screen)
    named = {*((who, one) for one, who in whose.items()), *((one, one) for one in chosen.values())}
    said = pl.DataFrame([*named], schema=SUBJECTS.schema, orient="row")
    states = _states(coins, found.rows)
    return Taint(
        of.asset, SCREEN if screen else method.name,
        Deferred(lambda: _tainted(coins, found, states)),  # type: ignore[arg-type]  # made on use
        _totals(found, states, conserves=method.conserves and not screen),
        said.sort("subject", "address"), found.visited, found.error, _read(coins), found.nbytes,
    )  # fmt: skip


def _begin(coins: Coins, addresses: list[bytes], chosen: list[int]) -> tuple[Array, Array]:
    """Return the outputs that are traced in full, and inputs whose coins nothing in it made."""
    made = coins.ready.index.columns
    outs, ins = [np.array(chosen, np.int64)], [np.empty(0, np.int64)]
    for address in addresses:
        one = coins.number_of(address)
        if one is None:
            continue
        for side, into in (("out", outs), ("in", ins)):
            ptr = made[f"addr_{side}_ptr"]
            mine = made[f"addr_{side}"][ptr[one] : ptr[one + 1]].astype(np.int64)
            owner = np.searchsorted(made[f"{side}_ptr"], mine, side="right") - 1
            into.append(mine[_inside(coins, owner)])
    paid = np.concatenate(ins)
    makers = made["in_prev_tx"][paid]
    known = makers != NONE
    outside = ~known
    outside[known] = ~_inside(coins, makers[known])
    opened = paid[outside & (made["in_val"][paid] > 0)]
    seeds = np.concatenate(outs)
    return seeds[made["out_val"][seeds] > 0], opened


def _inside(coins: Coins, txs: Array) -> Array:
    times = coins.ready.index.columns["tx_time"][txs]
    found: Array = (times >= coins.first) & (times < coins.last)
    return found


def _scanned(
    coins: Coins, policy: Policy, begin: tuple[Array, Array], *, screen: bool
) -> kernel.Scanned:
    index = coins.ready.index
    compiled = available() and parents_first(index.chain)
    if screen and not compiled:
        raise TraceError("a screen needs the compiled loops", remedy="use policy='haircut'")
    if compiled:
        made = made_of(index.columns)
        asked = kernel.seeds(*begin, coins.first, coins.last)
        try:
            if screen:
                return _rounded(coins, kernel.scan(made, asked, kernel.SCREENED))
            return kernel.scan(made, asked, WAYS[policy])
        except OverflowError:
            pass  # the scan in Python follows it at any size, or says which transaction is wrong
    if not parents_first(index.chain):
        raise TraceError(
            f"{index.chain.name} orders its blocks by id, and is not scanned", remedy="use trace"
        )
    seeds, opened = (set(one.tolist()) for one in begin)
    plain = PlainScan(index, policy, seeds, opened, coins.first, coins.last)
    rows, amounts = (np.array([*one], np.int64) for one in (plain.amounts, plain.amounts.values()))
    return kernel.Scanned(
        rows, amounts, plain.origin, plain.fees, plain.unread, plain.visited, 0.0, 0
    )


def _rounded(coins: Coins, found: kernel.Scanned) -> kernel.Scanned:
    """Return a screen with its amounts to the nearest base unit, none above what an output holds.

    A double near the largest amount of 64 bits may be just above it.
    """
    values = coins.ready.index.columns["out_val"][found.rows].astype(np.int64)
    near = pl.Series(found.amounts).round().to_numpy()
    below = np.minimum(near, np.nextafter(2.0**63, 0)).astype(np.int64)
    return found._replace(amounts=np.where(near >= values, values, below))


def _states(coins: Coins, rows: Array) -> pl.Series:
    """Return what became of outputs."""
    made = coins.ready.index.columns
    by = made["out_spender"][rows]
    code = np.zeros(len(rows), np.int64)
    spent = by != NONE
    spender = np.searchsorted(made["in_ptr"], by[spent], side="right") - 1
    code[spent] = np.where(_inside(coins, spender), 1, 2)
    code[made["out_spendable"][rows] == 0] = 3
    open_ = np.flatnonzero(code == 0)
    code[open_] = _without_spender(coins, rows[open_])
    return pl.Series([UNSPENT, MOVED, LATER, BURNT, SILENT, BY_ORDER]).gather(code)


def _without_spender(coins: Coins, rows: Array) -> Array:
    """Return of outputs that nothing behind them spends 0 where it is known that nothing does, 4
    where it is not, 5 where what spends them stands before them: of blocks alone, once a height."""
    made, places = coins.ready.index.columns, Places(coins)
    txs = np.searchsorted(made["out_ptr"], rows, side="right") - 1
    asked, back = np.arange(len(rows)), np.arange(len(rows))
    if not coins.ready.status.histories and not len(made["stray_tx"]):
        heights = made["tx_number"][txs] >> POSITION_BITS
        _, asked, back = np.unique(heights, return_index=True, return_inverse=True)
    ends = [places.unspent(int(rows[k]), int(txs[k])) for k in asked]
    code = [0 if end.reason == UNSPENT else 5 if end.basis == BY_ORDER else 4 for end in ends]
    return np.array(code, np.int64)[back]


def _totals(found: kernel.Scanned, states: pl.Series, *, conserves: bool) -> pl.DataFrame:
    held = pl.DataFrame({"what": states, "amount": pl.Series(found.amounts).cast(AMOUNT)})
    rows = held.group_by("what").agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("outputs"))
    ended = [*([(FEE, found.fees, 0)] if conserves else []), (NOT_READ, found.unread, 0)]
    first = [(CAME, found.origin, 0)] if conserves else []
    return pl.concat(
        [
            pl.DataFrame(first, schema=TOTALS.schema, orient="row"),
            rows.sort("what").select(TOTALS.names),
            pl.DataFrame(ended, schema=TOTALS.schema, orient="row"),
        ]
    )


def _tainted(coins: Coins, found: kernel.Scanned, states: pl.Series) -> pl.DataFrame:
    made, rows = coins.ready.index.columns, found.rows
    txs = np.searchsorted(made["out_ptr"], rows, side="right") - 1
    places = Places(coins)
    frame = frame_of(TAINTED, {
        "address": places.addresses("out", rows), **places.at(rows, txs),
        "value": made["out_val"][rows], "amount": found.amounts, "state": states,
    }).sort("txid", "n")  # fmt: skip
    return text_frame(frame, coins.ready.index.chain.id)


def _read(coins: Coins) -> str:
    known = coins.ready.status.every_block()
    if known is None:
        return "unspent is what no transaction that was read spends: not every block was read"
    return f"every block was read up to {known}"
