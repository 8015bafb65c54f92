"""Methods of counting what somebody received: which addresses are his, and which payments count.

Each is called by its parts: ``DD`` direct deposits to the addresses given; ``MI`` also to those
that co-spending joins to them, ``MICA`` to those that co-spending and change do; ``OW`` leaves out
addresses at a service (online wallets), ``DC`` what his own addresses paid him (double counting).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.naming import same
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TIME
from chainwatch.tracing.stops import HOSTED, Stops
from chainwatch.tracing.subjects import widened
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.units import AMOUNT

DIRECT, CO_SPENT, WITH_CHANGE = "DD", "MI", "MICA"
ONLINE, DOUBLE = "OW", "DC"

METHODS: tuple[str, ...] = tuple(
    "-".join([base, *filters])
    for base in (DIRECT, CO_SPENT, WITH_CHANGE)
    for filters in ((), (ONLINE,), (DOUBLE,), (ONLINE, DOUBLE))
)
"""Every method, written by its parts."""

DEPOSITS: dict[str, pl.DataType | type[pl.DataType]] = {
    "txid": pl.Binary, "n": pl.Int64, "time": TIME, "address": pl.Binary, "amount": AMOUNT,
    "own": pl.Boolean,
}  # fmt: skip
"""Columns of payments to addresses. ``own`` tells whether one of these addresses paid it; null
where a payer was not read."""


@dataclass(frozen=True)
class Counting:
    """What methods of counting are given.

    Attributes
    ----------
    seeds : tuple of bytes
        The addresses that were named.
    chain : str
        CAIP-2 id.
    names : frozenset of str
        What tags call them, as :func:`chainwatch.attribution.naming.same` writes it.
    expansions : mapping of str to Clusters
        By ``MI`` and ``MICA``, those that were given.
    services : Stops or None
        Whose addresses are at a service; None where it was not asked.
    """

    seeds: tuple[bytes, ...]
    chain: str
    names: frozenset[str] = frozenset()
    expansions: Mapping[str, Owners] = field(default_factory=dict)
    services: Stops | None = None

    def lacks(self, method: str) -> str:
        """Return what a method needs and was not given; nothing where it can be computed."""
        base, *filters = method.split("-")
        if base != DIRECT and base not in self.expansions:
            how = "co-spending and change" if base == WITH_CHANGE else "co-spending"
            return f"no clusters by {how} were given"
        if ONLINE in filters and self.services is None:
            return "no services were given"
        if not self.addresses(method):
            return "every address is at a service"
        return ""

    def lacking(self) -> dict[str, str]:
        """Return the methods that cannot be computed, and why."""
        return {one: why for one in METHODS if (why := self.lacks(one))}

    def addresses(self, method: str) -> frozenset[bytes]:
        """Return the addresses to which a method counts payments."""
        base, *filters = method.split("-")
        kept = [one for one in self.seeds if not (ONLINE in filters and self._at_service(one))]
        found: Set[bytes] = frozenset(kept)
        if base != DIRECT:
            found = widened(tuple(kept), self.chain, self.expansions[base]).keys()
        return frozenset(one for one in found if not (ONLINE in filters and self._at_service(one)))

    def _at_service(self, address: bytes) -> bool:
        """Tell whether an address is at a service at any time: at one that is not asked about."""
        end = self.services.at(self.chain, address, None) if self.services else None
        if end is None or end.reason != HOSTED:
            return False
        return end.service is None or same(end.service) not in self.names


def deposits(ledger: Ledger, asset: Asset, addresses: Collection[bytes]) -> pl.DataFrame:
    """Return the payments of the span to addresses, in the columns of :data:`DEPOSITS`.

    An output or transfer is one payment. Transfers of an amount that cannot be held are in none.
    """
    coins = find_chain(asset.chain).family == "utxo"
    found = (_coins if coins else _transfers)(ledger, asset, addresses)
    return found.select(list(DEPOSITS)).cast(DEPOSITS).sort("txid", "n")  # type: ignore[arg-type]  # polars types mix classes and instances


def _coins(ledger: Ledger, asset: Asset, addresses: Collection[bytes]) -> pl.DataFrame:
    """A payment is one's own where an address of one's own is among its inputs.

    That none is there is known only where every input was read, and what it spends.
    """
    here, wanted = ledger.chain_only(asset.chain), _listed(addresses)
    got = here.outputs.filter(pl.col("address").is_in(wanted), pl.col("value") > 0)
    got = got.select("tx", "n", "address", amount="value")
    mine = pl.col("address").is_in(wanted).fill_null(value=False)
    payers = here.inputs.join(got.select("tx").unique(), on="tx", how="semi")
    told = payers.group_by("tx").agg(mine=mine.any(), known=pl.col("value").count())
    all_known = pl.col("known").fill_null(0) == pl.col("input_count")
    own = (
        pl.when(pl.col("mine").fill_null(value=False))
        .then(statement=True)
        .when(all_known)
        .then(statement=False)
    )
    times = here.transactions.select("tx", "txid", "time", "input_count")
    rows = got.join(told, on="tx", how="left").join(times, on="tx", how="left")
    return rows.with_columns(own=own).collect()


def _transfers(ledger: Ledger, asset: Asset, addresses: Collection[bytes]) -> pl.DataFrame:
    rows, wanted = Transfers.read(ledger, asset, None).spanned(), _listed(addresses)
    got = rows.filter(pl.col("receiver").is_in(wanted), pl.col("amount") > 0)
    return got.with_columns(address="receiver", own=pl.col("sender").is_in(wanted))


def _listed(addresses: Collection[bytes]) -> pl.Series:
    return pl.Series(sorted(addresses), dtype=pl.Binary).implode()
