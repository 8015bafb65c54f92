"""Payments of a coin chain between owners, out of the columns of its index.

A transaction names no payer for an output. Where all its inputs are of one owner, he paid every
output that is not his; what is his is change. Where they are of several, or were not all read, the
payer is not known, and what comes back to one of them may be change: it is left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.index.bytes import ids_at, keys_at, ranked_at
from chainwatch.ledger.index.ready import Ready, ready
from chainwatch.ledger.joint.two_of_two import quorums
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.ledger.schema import POSITION_BITS, TIME
from chainwatch.ledger.spend_order import parents_first
from chainwatch.typologies.facts import Facts
from chainwatch.typologies.flows import OWN, Flows
from chainwatch.typologies.lists import NOBODY, amounts_of
from chainwatch.typologies.made_flows import unlocked_of
from chainwatch.typologies.named_sides import NamedSides, sayings_of
from chainwatch.units import counted

Array = NDArray[Any]
Made = Mapping[str, Array]


class Owners(NamedTuple):
    """Owners by number, sorted by their ids, and the owner of each dense address."""

    ids: pl.Series
    of: NDArray[np.int32]


class Payers(NamedTuple):
    """Of each transaction its payer, or ``NOBODY``; and pairs of transaction and input's owner."""

    payer: NDArray[np.int32]
    pairs: NDArray[np.int64]


def coin_flows(
    ledger: Ledger, asset: Asset, clusters: Framed | None, tags: Framed | None, prices: Any,
    facts: Facts | None = None,
) -> Flows:  # fmt: skip
    """Return all payments of a coin chain that were read.

    Parameters
    ----------
    ledger : Ledger
        Its whole history is read, whatever its span.
    asset : Asset
        The coin of the chain.
    clusters : Framed or None
        Owners; None lets each address stand alone.
    tags, prices, facts
        As of :class:`chainwatch.typologies.flows.Flows`.
    """
    here = ready(ledger, asset.chain)
    made = here.index.columns
    owners = _owners(made, clusters, asset.chain)
    payers = _payers(made, owners)
    rows, tx, payee, left = _paid(made, owners, payers)
    side = NamedSides(sayings_of(tags, clusters, asset.chain))
    names = _names(made, side, rows, tx)
    shared = _shared(made, owners, payers)
    return Flows(
        asset, owners.ids, payers.payer[tx], payee, amounts_of(pl.Series(made["out_val"][rows])),
        _clock(made)[tx], made["tx_time"][tx], _order(here)[tx], made["tx_number"][tx],
        made["out_n"][rows].astype(np.int64), tx, np.ones(len(rows), np.bool_), *names, side.names,
        lambda some: ids_at(made, tx[some]), _reading(here, clusters), shared,
        _mined(made, owners), left, prices,
        ledger.history, tags, clusters, facts, lambda: unlocked_of(_scripts(here, tx)),
    )  # fmt: skip


def _scripts(here: Ready, tx: Array) -> pl.DataFrame:
    """Return of each payment what all inputs of its transaction asked for: ``quorum, keys``.

    The quorum is null where an input did not show it, or asked for another.
    """
    whole, count = here.ledger, here.index.columns["tx_inputs"]
    told = quorums(whole).group_by("tx").agg(
        pl.col("quorum").min(), pl.col("quorum").n_unique().alias("kinds"),
        pl.col("quorum").is_not_null().sum().alias("shown"),
    )  # fmt: skip
    keys = whole.input_keys.group_by("tx").agg(pl.col("key").unique().sort().alias("keys"))
    both = told.filter(pl.col("quorum").is_not_null()).join(keys, on="tx", how="left").collect()
    each = pl.DataFrame({"tx": here.index.columns["tx_number"][tx], "inputs": count[tx]})
    rows = each.join(both, on="tx", how="left", maintain_order="left")
    whole_ = (pl.col("kinds") == 1) & (pl.col("shown") == pl.col("inputs"))
    return rows.select(pl.when(whole_).then("quorum").alias("quorum"), "keys")


def _owners(made: Made, clusters: Framed | None, chain: str) -> Owners:
    addresses = ranked_at(made, np.arange(len(made["addr_order"]))).alias("address")
    rank = made["addr_rank"].astype(np.int64)
    if clusters is None:
        return Owners(addresses, rank.astype(np.int32))
    joined = clusters.frame.filter(pl.col("chain") == chain).select("address", "cluster")
    each = addresses.to_frame().join(joined, on="address", how="left", maintain_order="left")
    owner = each.select(pl.coalesce("cluster", "address").alias("owner"))
    ids = owner["owner"].unique().sort()
    numbered = ids.to_frame().with_row_index("number")
    found = owner.join(numbered, on="owner", how="left", maintain_order="left")["number"]
    return Owners(ids, found.cast(pl.Int32).to_numpy()[rank])


def _payers(made: Made, owners: Owners) -> Payers:
    """Return the payer of each transaction: the owner of all its inputs, where all were read."""
    count, starts = len(made["tx_number"]), made["in_ptr"]
    sizes = np.diff(starts)
    known = made["in_addr"] != NONE
    of = np.full(len(known), NOBODY, np.int32)
    of[known] = owners.of[made["in_addr"][known]]
    payer = np.full(count, NOBODY, np.int32)
    some = np.flatnonzero(sizes)
    if len(some):
        least = np.minimum.reduceat(of, starts[some])
        most = np.maximum.reduceat(of, starts[some])
        one = (least == most) & (sizes[some] == made["tx_inputs"][some])
        payer[some[one]] = least[one]
    tx = np.repeat(np.arange(count, dtype=np.int64), sizes)
    pairs = np.unique(tx[known] * len(owners.ids) + of[known])
    return Payers(payer, pairs)


def _paid(made: Made, owners: Owners, payers: Payers) -> tuple[Array, Array, Array, dict[str, int]]:
    """Return the outputs that are payments, their transactions and payees, and what is left out."""
    tx = np.repeat(np.arange(len(made["tx_number"]), dtype=np.int64), np.diff(made["out_ptr"]))
    worth, named = made["out_val"] > 0, made["out_addr"] != NONE
    mined = made["tx_coinbase"][tx].astype(np.bool_)
    rows = np.flatnonzero(worth & named & ~mined)
    payee = owners.of[made["out_addr"][rows]]
    keys = tx[rows] * len(owners.ids) + payee
    back = np.zeros(len(rows), np.bool_)
    if len(payers.pairs):
        at = np.minimum(np.searchsorted(payers.pairs, keys), len(payers.pairs) - 1)
        back = payers.pairs[at] == keys
    sure = payers.payer[tx[rows]] != NOBODY
    left = {
        OWN: int((back & sure).sum()),
        "perhaps change of a payer who is not known": int((back & ~sure).sum()),
        "to no address": int((worth & ~named & ~mined).sum()),
        "newly mined": int((worth & mined).sum()),
    }
    kept = ~back
    return rows[kept], tx[rows[kept]], payee[kept], left


def _shared(made: Made, owners: Owners, payers: Payers) -> NDArray[np.int64]:
    """Return of each owner the transactions of a payer who is not known that spend his coins."""
    tx, owner = np.divmod(payers.pairs, max(len(owners.ids), 1))
    return np.bincount(owner[payers.payer[tx] == NOBODY], minlength=len(owners.ids))


def _mined(made: Made, owners: Owners) -> NDArray[np.bool_]:
    """Return which owners were paid newly mined coins."""
    found = np.zeros(len(owners.ids), np.bool_)
    tx = np.repeat(np.arange(len(made["tx_number"]), dtype=np.int64), np.diff(made["out_ptr"]))
    here = (made["tx_coinbase"][tx] != 0) & (made["out_val"] > 0) & (made["out_addr"] != NONE)
    found[owners.of[made["out_addr"][here]]] = True
    return found


def _clock(made: Made) -> NDArray[np.int64]:
    """Return the time of each transaction, never before that of one before it."""
    times = made["tx_time"].astype(np.int64)
    return np.maximum.accumulate(times) if len(times) else times


def _order(here: Ready) -> NDArray[np.int64]:
    """Return the rank of each transaction: by its number, or by its block where that tells none."""
    numbers = here.index.columns["tx_number"].astype(np.int64)
    if parents_first(here.index.chain):
        return np.arange(len(numbers), dtype=np.int64)
    return numbers >> POSITION_BITS


def _names(made: Made, side: NamedSides, rows: Array, tx: Array) -> tuple[Array, Array]:
    """Return whom tags name as the payer and as the payee of each payment."""
    payer = np.full(len(made["tx_number"]), NOBODY, np.int32)
    payee = np.full(len(rows), NOBODY, np.int32)
    tagged = _tagged(made, side)
    if not len(tagged):
        return payer[tx], payee
    paid = np.flatnonzero(np.isin(made["out_addr"][rows], tagged))
    payee[paid] = side.of(keys_at(made, made["out_addr"][rows[paid]]), _times(made, tx[paid]))
    spent = np.flatnonzero(np.isin(made["in_addr"], tagged))
    by = np.searchsorted(made["in_ptr"], spent, side="right") - 1
    # Of several tagged inputs the smallest address speaks: the order of inputs says nothing.
    order = np.lexsort((made["addr_rank"][made["in_addr"][spent]], by))[::-1]
    said = side.of(keys_at(made, made["in_addr"][spent]), _times(made, by))
    payer[by[order]] = said[order]
    return payer[tx], payee


def _tagged(made: Made, side: NamedSides) -> Array:
    """Return the dense numbers of tagged addresses."""
    if not side.sayings:
        return np.empty(0, np.int64)
    every = ranked_at(made, np.arange(len(made["addr_order"]))).alias("address")
    found = every.to_frame().with_row_index("rank").join(
        side.addresses.to_frame(), on="address", how="semi"
    )  # fmt: skip
    dense: Array = made["addr_order"][found["rank"].to_numpy()]
    return dense


def _times(made: Made, tx: Array) -> pl.Series:
    return pl.Series(made["tx_time"][tx], dtype=pl.Int64).cast(TIME)


def _reading(here: Ready, clusters: Framed | None) -> Callable[[bytes], str]:
    """Return what tells of an owner which of his addresses were not read whole."""
    status, members = here.status, members_of(clusters, here.index.chain.id)
    every = status.every_block() is not None

    def told(party: bytes) -> str:
        if every:
            return ""
        addresses = members.get(party, [party])
        return histories_lacking(sum(not _read(status, one) for one in addresses), len(addresses))

    return told


def _read(status: OutputStatus, address: bytes) -> bool:
    return status.history_of(address) is not None


def members_of(clusters: Framed | None, chain: str) -> dict[bytes, list[bytes]]:
    """Return the addresses of each cluster of a chain, by its id."""
    if clusters is None:
        return {}
    rows = clusters.frame.filter(pl.col("chain") == chain)
    grouped = rows.group_by("cluster").agg(pl.col("address").sort())
    return dict(grouped.select("cluster", "address").iter_rows())


def histories_lacking(unread: int, addresses: int) -> str:
    """Say how many of an owner's addresses were not read whole; nothing where all were."""
    if not unread:
        return ""
    if addresses == 1:
        return "its history was not read whole"
    return f"of {unread} of its {counted(addresses, 'address', 'addresses')} the history was not" \
        " read whole"  # fmt: skip


__all__ = ["Owners", "Payers", "coin_flows", "histories_lacking", "members_of"]
