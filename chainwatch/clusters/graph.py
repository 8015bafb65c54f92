"""The part of the graph of owners that one looks at: clusters, their addresses, flows between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.clusters.numbering import PLACE
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.graph import Edges
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, CONTRACT, FIRST, LAST, Column, Rows, Table
from chainwatch.units import AMOUNT, counted, exact_sum

Looked = str | bytes | Sequence[str | bytes]
"""One address, or several, whose clusters one looks at."""

NODES = Table(
    "nodes",
    ("chain", "cluster"),
    "One row per cluster; an address that nothing joins is one by itself.",
    (
        CHAIN,
        Column.party("cluster", "smallest address of the cluster"),
        Column.number("addresses", "its addresses"),
        Column.flag("looked_at", "whether it was asked for; of the others only these flows stand"),
    ),
)

MEMBERS = Table(
    "members",
    ("chain", "address"),
    "The addresses of the clusters asked for.",
    (
        CHAIN,
        Column.party("address", "an address"),
        Column.party("cluster", "smallest address of its cluster"),
    ),
)

FLOWS = Table(
    "flows",
    ("chain", "source", "target", "contract"),
    "One row per pair of clusters and asset.",
    (
        CHAIN,
        Column.party("source", "who paid; null where that was not read, or has no address"),
        Column.party("target", "who was paid; null where the output has no address"),
        CONTRACT,
        Column.count("transactions", "transactions between them"),
        Column.count("unknown", "of these, with an amount that cannot be told"),
        Column.amount("amount", "what the others moved"),
        FIRST,
        LAST,
    ),
)

_MOVED = {
    "chain": pl.String, "txid": pl.Binary, "source": pl.Binary, "target": pl.Binary,
    "contract": pl.Binary, "amount": AMOUNT, "time": FIRST.dtype,
}  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class ClusterGraph(Result):
    """Clusters that one looks at, and what flowed between them and others.

    A transaction of a coin chain names no payer for an output. Where all its inputs are of one
    cluster, that one paid all its outputs, change to itself among them. Where they are of several,
    or some were not read, each may have paid each output: the flow is there, its amount is
    *unknown*, and the transaction is counted as such.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``FLOWS``; every one has a cluster asked for at one end.
    nodes, members : polars.DataFrame
        Rows in ``NODES`` and ``MEMBERS``.
    """

    frame: pl.DataFrame
    nodes: pl.DataFrame
    members: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "flows": FLOWS.rows(self.frame),
            "nodes": NODES.rows(self.nodes),
            "members": MEMBERS.rows(self.members),
        }

    def edges(self) -> Sequence[Edges]:
        """Return the flows as edges, and each address looked at with its cluster."""
        return Edges("flows", "source", "target"), Edges("members", "address", "cluster")

    def __repr__(self) -> str:
        looked = self.nodes.filter("looked_at").height
        return (
            f"ClusterGraph({counted(looked, 'cluster', 'clusters')} looked at,"
            f" {counted(self.nodes.height - looked, 'other', 'others')},"
            f" {counted(self.frame.height, 'flow', 'flows')})"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>"


@recorded
def cluster_graph(ledger: Ledger, owners: pl.DataFrame, looked: pl.DataFrame) -> ClusterGraph:
    """Return the clusters of some addresses, and what flowed between them and others.

    Parameters
    ----------
    ledger : Ledger
        Where the payments are. Failed transfers moved nothing; tokens with an id of their own
        (collectibles) are left out, for they have no amount.
    owners : polars.DataFrame
        ``chain, address, cluster``.
    looked : polars.DataFrame
        ``chain, address`` of the clusters that one looks at.

    Fails when
    ----------
    A cluster is wrong: its flows are then those of several. What a mix paid out shows as flows
    of unknown amount from each of its payers.
    """
    ids = _called(looked, owners).select("chain", "cluster").unique()
    inside = pl.concat([
        owners.join(ids, on=["chain", "cluster"], how="semi").select(MEMBERS.names),
        ids.select("chain", address="cluster", cluster="cluster"),
    ]).unique().sort(PLACE)  # fmt: skip
    moved = pl.concat([_paid(ledger, inside), _sent(ledger, inside)])
    for end in ("source", "target"):
        found = _called(moved.select("chain", address=end), owners)
        moved = moved.with_columns(found["cluster"].alias(end))
    moved = _told_once(moved.unique())
    touching = [
        moved.join(ids, left_on=["chain", end], right_on=["chain", "cluster"], how="semi")
        for end in ("source", "target")
    ]
    flows = _flows(pl.concat(touching).unique())
    return ClusterGraph(flows, _nodes(flows, owners, ids), inside)


def _called(rows: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the cluster of each address: itself where nothing joins it."""
    found = rows.join(owners.select(MEMBERS.names), on=PLACE, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("cluster", "address").alias("cluster"))


def _paid(ledger: Ledger, inside: pl.DataFrame) -> pl.DataFrame:
    """Return who paid whom in the transactions of coin chains that touch some addresses."""
    key = ["chain", "tx"]
    here = inside.select(PLACE).lazy()
    sides = [
        side.join(here, on=PLACE, how="semi").select(key)
        for side in (ledger.inputs, ledger.outputs)
    ]
    touching = pl.concat(sides).unique().collect().lazy()
    inputs, outputs, transactions = (
        table.join(touching, on=key, how="semi").collect()
        for table in (ledger.inputs, ledger.outputs, ledger.transactions)
    )
    counts = inputs.group_by(key).len("rows")
    lacking = (  # inputs of which there is no row are of somebody unknown too
        transactions.join(counts, on=key, how="left")
        .filter(
            pl.col("rows").fill_null(0) < pl.col("input_count") + pl.col("coinbase").cast(pl.Int64)
        )
        .select(*key, pl.lit(None, pl.Binary).alias("source"))
    )
    sources = pl.concat([inputs.select(*key, source="address"), lacking]).unique()
    targets = outputs.filter(pl.col("value") > 0).select(
        *key, "n", target="address", amount=pl.col("value").cast(AMOUNT)
    )
    return (
        sources.join(targets, on=key)
        .join(transactions.select(*key, "txid", "time"), on=key)
        .with_columns(pl.lit(None, pl.Binary).alias("contract"))
        .select("n", *_MOVED)
    )


def _sent(ledger: Ledger, inside: pl.DataFrame) -> pl.DataFrame:
    """Return who sent whom what on account chains, where some addresses are a party."""
    here = inside.select(PLACE).lazy()
    sound = pl.col("success").ne_missing(False) & pl.col("token_id").is_null()
    rows = ledger.transfers.filter(sound).with_row_index("row")
    parts = [
        rows.join(here, left_on=["chain", side], right_on=PLACE, how="semi")
        for side in ("sender", "receiver")
    ]
    return (
        pl.concat(parts)
        .select(
            n=pl.col("row").cast(pl.Int64), chain="chain", txid="txid", source="sender",
            target="receiver", contract="contract", amount=pl.col("amount").cast(AMOUNT),
            time="time",
        )
        .unique()
        .collect()
        .select("n", *_MOVED)
    )  # fmt: skip


def _told_once(moved: pl.DataFrame) -> pl.DataFrame:
    """Return each payment with its amount where one cluster alone can have paid it."""
    payment = ["chain", "txid", "n"]
    several = pl.col("source").n_unique().over(payment) > 1
    return moved.with_columns(pl.when(~several).then("amount").alias("amount"))


def _flows(moved: pl.DataFrame) -> pl.DataFrame:
    ends = ["chain", "source", "target", "contract"]
    one = moved.group_by(*ends, "txid", "time").agg(
        exact_sum("amount").alias("amount"), pl.col("amount").is_null().any().alias("unknown")
    )
    return (
        one.group_by(ends)
        .agg(
            pl.col("txid").n_unique().cast(pl.Int64).alias("transactions"),
            pl.col("txid").filter("unknown").n_unique().cast(pl.Int64).alias("unknown"),
            exact_sum(pl.col("amount").filter(~pl.col("unknown"))).alias("amount"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .with_columns(
            pl.when(pl.col("unknown") < pl.col("transactions")).then("amount").alias("amount")
        )
        .select(FLOWS.names)
        .sort(ends)
    )


def _nodes(flows: pl.DataFrame, owners: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    ends = [flows.select("chain", cluster=end) for end in ("source", "target")]
    sizes = owners.group_by("chain", "cluster").agg(pl.len().cast(pl.Int64).alias("addresses"))
    looked = ids.with_columns(pl.lit(True).alias("looked_at"))
    key = ["chain", "cluster"]
    return (
        pl.concat([*ends, ids.select(key)])
        .drop_nulls()
        .unique()
        .join(sizes, on=key, how="left")
        .join(looked, on=key, how="left")
        .with_columns(pl.col("addresses").fill_null(1), pl.col("looked_at").fill_null(False))
        .select(NODES.names)
        .sort(key)
    )
