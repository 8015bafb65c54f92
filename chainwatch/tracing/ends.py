"""Where following stops, and why: tagged services, hosted deposits, joint transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

from chainwatch.errors import TraceError
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.rules import VERDICT, Rule, apply

HOSTED, MIXER, BRIDGE, UNDECIDED = "hosted service", "mixer", "bridge", "undecided mixer"
UNSPENT, BURNT, FEE = "unspent", "burnt", "fee"
THRESHOLD, HOPS, NOT_READ = "threshold", "hop limit", "not read"

REASONS: tuple[str, ...] = (
    HOSTED,
    MIXER,
    BRIDGE,
    UNDECIDED,
    UNSPENT,
    BURNT,
    FEE,
    THRESHOLD,
    HOPS,
    NOT_READ,
)
"""Every reason for which a branch ends, written out."""

_BY_CONCEPT = {
    "mixing_service": MIXER,
    "tumbler": MIXER,
    "coinjoin": MIXER,
    "defi_bridge": BRIDGE,
    "bridge": BRIDGE,
}


class End(NamedTuple):
    """Why a branch ends at an address or transaction, and how sure that is."""

    reason: str
    detail: str
    service: str | None = None
    certainty: str | None = None


@runtime_checkable
class Framed(Protocol):
    """Tags or hosted addresses, as far as stopping reads them."""

    @property
    def frame(self) -> pl.DataFrame: ...


class Owners(Protocol):
    """Clusters, as far as stopping reads them."""

    @property
    def frame(self) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Stops:
    """Ends by (chain, address) and by the verdict of joint-transaction rules."""

    by_address: dict[tuple[str, bytes], End] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def at(self, chain: str, address: bytes | None) -> End | None:
        """Return the end at an address, if it is one."""
        return None if address is None else self.by_address.get((chain, address))


def stops(stop: object, clusters: Owners | None) -> Stops:
    """Collect what to stop at: tags, hosted addresses, rules, or a sequence of them.

    A tagged address is *confirmed*; another address of its cluster, and a hosted one by custody,
    are *probable*. Where several tags name an address the most confident one speaks.
    """
    items = [] if stop is None else list(stop) if isinstance(stop, (list, tuple)) else [stop]
    found: dict[tuple[str, bytes], End] = {}
    for item in items:
        if isinstance(item, Framed) and "certainty" in item.frame.columns:
            for row in item.frame.iter_rows(named=True):
                end = End(HOSTED, row["evidence"], row["service"], row["certainty"])
                found.setdefault((row["chain"], row["address"]), end)
        elif isinstance(item, Framed):
            found |= _tagged(item.frame, clusters)
        elif not isinstance(item, Rule):
            raise TraceError(
                f"cannot stop at {type(item).__name__}",
                remedy="pass tags, hosted addresses, rules, or a list of them",
            )
    return Stops(found, tuple(item for item in items if isinstance(item, Rule)))


def _tagged(tags: pl.DataFrame, clusters: Owners | None) -> dict[tuple[str, bytes], End]:
    ranked = tags.sort(
        ["level", "label", "source", "concept"], descending=[True, False, False, False]
    )
    direct: dict[tuple[str, bytes], End] = {}
    for row in ranked.iter_rows(named=True):
        reason = _BY_CONCEPT.get(row["concept"] or "", HOSTED)
        detail = f"tagged {row['label']} by {row['source']} ({row['confidence']})"
        end = End(reason, detail, row["actor"] or row["label"], "confirmed")
        direct.setdefault((row["chain"], row["address"]), end)
    return _spread(direct, clusters) | direct


def _spread(
    direct: dict[tuple[str, bytes], End], clusters: Owners | None
) -> dict[tuple[str, bytes], End]:
    """Return the ends of the addresses that share a cluster with a tagged one.

    A cluster tagged with two services says nothing of its other addresses: it is left out here
    and stands among the alarms.
    """
    if clusters is None:
        return {}
    rows = list(clusters.frame.select("chain", "address", "cluster").iter_rows())
    of = {(chain, address): (chain, cluster) for chain, address, cluster in rows}
    by_cluster: dict[tuple[str, bytes], list[End]] = {}
    for key, end in sorted(direct.items()):
        if key in of:
            by_cluster.setdefault(of[key], []).append(end)
    out = {}
    for chain, address, cluster in rows:
        ends = by_cluster.get((chain, cluster), [])
        if len({end.service for end in ends}) == 1:
            detail = f"in one cluster with an address {ends[0].detail}"
            out[chain, address] = ends[0]._replace(detail=detail, certainty="probable")
    return out


def joint_transactions(
    ledger: Ledger, rules: Sequence[Rule], chains: Iterable[str]
) -> dict[tuple[str, int], End]:
    """Return the transactions at which a rule says, or cannot deny, that strangers mix."""
    if not rules:
        return {}
    table = features.transactions(ledger).filter(pl.col("chain").is_in(list(chains)))
    found: dict[tuple[str, int], End] = {}
    for rule in rules:
        hits = apply(table, rule).filter(pl.col(VERDICT).is_null() | pl.col(VERDICT))
        for chain, tx, verdict in hits.select("chain", "tx", VERDICT).iter_rows():
            end = End(MIXER, f"{rule} holds") if verdict else End(UNDECIDED, f"{rule} is unknown")
            if found.get((chain, tx), end).reason != MIXER or verdict:
                found[chain, tx] = end
    return found
