"""Rows of a masked view as parts of a shown case: which tables say who paid whom, and the like.

No table is known by its name where its declaration says enough: payments are rows of edges between
two parties with a transaction and an amount, links are such rows with a rule, ends are edges from
a party to a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.case.exports.shown.parts import (
    End,
    Name,
    OwnerLink,
    Payment,
    Ref,
    ShownAsset,
    Unread,
)
from chainwatch.case.exports.shown.whole_amounts import PLAIN, whole_amounts
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.heuristics.links import FOREST
from chainwatch.ledger.schema import TAGS
from chainwatch.privacy.about import About
from chainwatch.privacy.edition import WITHHELD
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.graph import Edges
from chainwatch.results.plain import chains_of
from chainwatch.results.table import Privacy, Table
from chainwatch.sanitize import visible
from chainwatch.tracing.direct_tables import MOVED
from chainwatch.tracing.stops import UNREAD
from chainwatch.tracing.trace_tables import ENDS_BY_REASON
from chainwatch.units import whole

Row = Mapping[str, Any]

MONTH = len("2023-07")


class Shown(NamedTuple):
    """A table of a result as the edition shows it, what declares it, and what its result says."""

    name: str
    frame: pl.DataFrame
    table: Table
    asset: Asset | None
    about: About

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield its rows, each with its chain."""
        chains = chains_of(self.frame, self.asset)
        yield from zip(chains, self.frame.iter_rows(named=True), strict=True)

    def of(self, privacy: Privacy) -> list[str]:
        """Return its columns of a privacy class."""
        return [one for one in self.frame.columns if self._is(one, privacy)]

    def _is(self, column: str, privacy: Privacy) -> bool:
        return column in self.table.names and self.table[column].privacy is privacy


def shown_tables(view: MaskedView) -> list[Shown]:
    """Return every table of a view with what is said of it, in the order of the results."""
    return [
        Shown(name, view.tables[name], one.table, one.asset, view.about[one.place])
        for name, one in view.declared.items()
    ]


def edges_in(tables: list[Shown]) -> Iterator[tuple[Shown, Edges]]:
    """Yield the tables whose rows are edges, with the columns of their ends."""
    for shown in tables:
        for edges in shown.about.edges:
            if edges.table == shown.table.name:
                yield shown, edges


def payments_in(tables: list[Shown]) -> Iterator[Payment]:
    """Yield the rows that say who paid whom in a transaction.

    A payment that a table lists several times, for each of its sides or for each of the reasons
    that :mod:`chainwatch.case.exports.shown.whole_amounts` names, is one.
    """
    for shown, edges in edges_in(tables):
        ends, ids = shown.of(Privacy.PARTY), shown.of(Privacy.TXID)
        amounts = {"amount", "amount_hex"} & set(shown.frame.columns)
        both = edges.source in ends and edges.target in ends and not edges.across
        if both and ids and amounts:
            yield from _payments(shown, edges)


def _payments(shown: Shown, edges: Edges) -> Iterator[Payment]:
    told: Counter[tuple[Any, ...]] = Counter()
    listed: Counter[tuple[Any, ...]] = Counter()
    turned: list[Payment] = []
    for chain, row in shown.rows():
        payment = _payment(shown, edges, chain, row)
        if row.get(edges.turned) == "in":
            turned.append(payment)
            continue
        same = _same(payment)
        if (reason := _listed(shown, payment, row)) is not None:
            listed[same, reason] += 1
            if listed[same, reason] <= told[same]:
                continue  # for another reason it was told already
        told[same] += 1
        yield payment
    for payment in turned:
        if told[_same(payment)]:
            told[_same(payment)] -= 1
        else:
            yield payment


def _same(one: Payment) -> tuple[Any, ...]:
    """Return what all tellings of one payment share."""
    return one.txid, one.place, one.source, one.target, one.time, one.amount, one.rows


def _listed(shown: Shown, one: Payment, row: Row) -> tuple[Any, ...] | None:
    """Return for what a payment is listed; None where it stands once, or none is shown to be it."""
    whole = whole_amounts(shown.table)
    if whole is None or not whole.listed or not one.txid or one.coarse:
        return None
    return tuple(row.get(name) for name in whole.listed)


def _payment(shown: Shown, edges: Edges, chain: str, row: Row) -> Payment:
    ends = [_ref(chain, row[name]) for name in (edges.source, edges.target)]
    source, target = ends[::-1] if row.get(edges.turned) == "in" else ends
    whole_in = whole_amounts(shown.table)
    said = whole_in or PLAIN
    txid, withheld = _txid(row, said.txid)
    outputs = chain_of(chain).family == "utxo" if chain else False
    policy = f" ({shown.about.policy})" if shown.about.policy else ""
    column = "amount" if "amount" in shown.table.names else "amount_hex"
    measure = MOVED if whole_in else f"{shown.table[column].meaning}{policy}"
    return Payment(
        chain, txid, withheld, row.get(said.place) if outputs or not said.of_a_log else None,
        _word(row, said.time), source, target, asset_of_row(shown, chain, row),
        _amount(row), bool(row.get("rounded")),
        _word(row, "summed"), measure, _word(row, "doubt"), shown.name, whole_in is not None,
    )  # fmt: skip


def links_in(tables: list[Shown]) -> Iterator[OwnerLink]:
    """Yield the reasons to think that two addresses have one owner, each once."""
    seen: set[OwnerLink] = set()
    for shown, edges in edges_in(tables):
        ends = shown.of(Privacy.PARTY)
        if not ({edges.source, edges.target} <= set(ends) and "rule" in shown.frame.columns):
            continue
        for one in _links(shown, edges):
            if one not in seen:
                seen.add(one)
                yield one


def _links(shown: Shown, edges: Edges) -> Iterator[OwnerLink]:
    halves: dict[Any, tuple[str, Row]] = {}
    joined = shown.table.name == FOREST.name  # what made the clusters: no other link stands in it
    for chain, row in shown.rows():
        number = row.get(edges.across) if edges.across else None
        if number is None or row.get("rounded"):
            yield _link(edges, chain, row, chain, row, joined=joined)
        elif number in halves:  # a link of two chains: each end has a row
            yield _link(edges, *halves.pop(number), chain, row, joined=joined)
        else:
            halves[number] = chain, row


def _link(
    edges: Edges, chain_a: str, row_a: Row, chain_b: str, row_b: Row, *, joined: bool
) -> OwnerLink:
    txid, withheld = _txid(row_a)
    a, b = row_a.get(edges.source), row_b.get(edges.target)
    veto = row_a.get("veto")
    joins = None if veto is None else not veto
    rate = row_a.get("confidence")
    return OwnerLink(
        (chain_a, visible(a or "")), (chain_b, visible(b or "")), _word(row_a, "rule"), txid,
        _word(row_a, "time"), withheld, None if rate is None else float(rate),
        joined or joins, bool(row_a.get("rounded")), _word(row_a, "summed"),
    )  # fmt: skip


def ends_in(tables: list[Shown]) -> Iterator[End]:
    """Yield where following stops."""
    for shown, edges in edges_in(tables):
        if edges.target != "reason" or edges.source not in shown.of(Privacy.PARTY):
            continue
        policy = f"traced value ({shown.about.policy})" if shown.about.policy else "traced value"
        for chain, row in shown.rows():
            txid, withheld = _txid(row)
            yield End(
                chain, _ref(chain, row[edges.source]), txid, withheld, _word(row, "time"),
                asset_of_row(shown, chain, row), whole(row.get("amount"), None),
                bool(row.get("rounded")), _word(row, "summed"), _word(row, "reason"),
                _word(row, "detail"), _word(row, "service"), _word(row, "certainty"),
                _word(row, "basis"), policy,
            )  # fmt: skip


def names_in(tables: list[Shown]) -> dict[Ref, list[Name]]:
    """Return what tags say of each party: one name for all concepts that a tag gives it."""
    said: dict[tuple[Ref, tuple[Any, ...]], set[str]] = {}
    for shown in tables:
        if not set(TAGS.names) <= set(shown.table.names):
            continue
        for chain, row in shown.rows():
            ref = _ref(chain, row["address"])
            if ref is not None:
                concepts = said.setdefault((ref, _tag(row)), set())
                concepts |= {_word(row, "concept")} - {""}
    found: dict[Ref, list[Name]] = {}
    for (ref, (label, actor, *rest)), concepts in said.items():
        found.setdefault(ref, []).append(Name(label, actor, tuple(sorted(concepts)), *rest))
    return found


def _tag(row: Row) -> tuple[Any, ...]:
    words = ("label", "actor", "source", "pack", "as_of", "first_day", "last_day")
    return (*(_word(row, name) for name in words), row["level"], _word(row, "confidence"))


def clusters_in(tables: list[Shown]) -> dict[Ref, str]:
    """Return of each party the address by which its cluster is called."""
    return {
        ref: visible(row["cluster"])
        for shown in tables
        if {"address", "cluster"} <= set(shown.of(Privacy.PARTY))
        for chain, row in shown.rows()
        if (ref := _ref(chain, row["address"])) is not None and row["cluster"]
    }


def unread_in(tables: list[Shown]) -> Iterator[Unread]:
    """Yield what was not read: as the case counts it, and value followed to where that begins."""
    for shown in tables:
        if shown.table.name != "not_read":
            continue
        for chain, row in shown.rows():
            amount = row.get("amount")
            asset = asset_of_row(shown, chain, row) if chain else None
            count = row.get("count", row.get("addresses"))
            yield Unread(
                _word(row, "what"), chain, "" if count is None else str(count), asset,
                None if amount is None else int(amount), bool(row.get("rounded")),
                _word(row, "note"),
            )  # fmt: skip


def unread_ends(tables: list[Shown]) -> Iterator[Unread]:
    """Yield value that was followed to where nothing was read, as the findings add it up."""
    for shown in tables:
        if shown.table.name != ENDS_BY_REASON.name:
            continue
        for chain, row in shown.rows():
            if row["reason"] in UNREAD:
                amount = row["amount"]
                yield Unread(
                    f"value that ends as {_word(row, 'reason')}", chain, _word(row, "ends"),
                    asset_of_row(shown, chain, row), None if amount is None else int(amount),
                    bool(row.get("rounded")), _word(row, "basis"),
                )  # fmt: skip


def last_told(tables: list[Shown]) -> datetime | None:
    """Return the last time of a payment, an end or a link; a month by its first day."""
    parts: tuple[Iterator[Payment | End | OwnerLink], ...] = (
        payments_in(tables), ends_in(tables), links_in(tables)
    )  # fmt: skip
    last = max((one.time for some in parts for one in some), default="")
    if not last:
        return None
    return datetime.fromisoformat(f"{last}-01T00:00:00Z" if len(last) == MONTH else last)


def refs_in(tables: list[Shown]) -> set[Ref]:
    """Return everybody who stands in a table, contracts of tokens not among them."""
    return {
        (chain, visible(row[name]))
        for shown in tables
        for chain, row in shown.rows()
        for name in shown.of(Privacy.PARTY)
        if row[name] and chain
    }


def asset_of_row(shown: Shown, chain: str, row: Row) -> ShownAsset:
    """Return what the amounts of a row are of; decimals that nobody states are not known."""
    contract = _word(row, "contract")
    if shown.asset is not None and not contract:
        return shown_asset(shown.asset)
    if contract:
        return ShownAsset(chain, contract, _word(row, "symbol"), row.get("decimals"))
    return shown_asset(native(chain))


def shown_asset(asset: Asset) -> ShownAsset:
    """Return an asset in texts."""
    contract = "" if asset.contract is None else text(asset.contract, chain_of(asset.chain))
    return ShownAsset(asset.chain, contract, visible(asset.symbol), asset.decimals)


def _ref(chain: str, name: str | None) -> Ref | None:
    return (chain, visible(name)) if name else None


def _txid(row: Row, column: str = "txid") -> tuple[str, bool]:
    txid = _word(row, column)
    return ("", True) if txid == WITHHELD else (txid, False)


def _amount(row: Row) -> int | None:
    """Return an amount, however wide; None where it is unknown or the edition withholds it."""
    wide = row.get("amount_hex")
    return whole(row.get("amount"), None if wide == WITHHELD else wide)


def _word(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else visible(str(value))
