"""The flows of a trace between entities, named for an edition: what figures are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

import polars as pl

from chainwatch.ledger.schema import TIME
from chainwatch.privacy.edition import DISCLOSURE, POOLED, Edition, band, coarse
from chainwatch.privacy.listed import list_names, listed, short
from chainwatch.privacy.peel_runs import PeelRuns
from chainwatch.privacy.redact_text import TextMask
from chainwatch.results.roles import BYSTANDER, SUBJECT
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import (
    BURNT,
    CUSTODY_UNDECIDED,
    FEE,
    HOSTED,
    MIXER,
    NOT_READ,
    ONE_DESTINATION,
    POOL,
    TAGGED,
    UNDECIDED,
    UNREAD_BUDGET,
    UNSPENT,
)
from chainwatch.tracing.walks.base import HELD, OPENING
from chainwatch.units import AMOUNT, exact_sum

FLOW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "target": pl.String,
    "source_label": pl.String,
    "target_label": pl.String,
    "source_role": pl.String,
    "target_role": pl.String,
    "amount": AMOUNT,
    "coarse": pl.Boolean,
    "folded": pl.Boolean,
    "count": pl.Int64,
    "first": TIME,
    "last": TIME,
}
"""One row per pair of entities. ``coarse`` amounts are rounded because a party is masked; a
``folded`` target stands for several parties that are not told apart."""

_ROLE = {
    MIXER: "mixer",
    UNDECIDED: "mixer",
    POOL: "mixer",
    TAGGED: "finding",
    UNSPENT: "unspent",
    BURNT: "burnt",
    FEE: "burnt",
}
_NOT_FOLLOWED = "unread"
"""Role of other ends: not read, outside the span, below a threshold, beyond a limit, a lure."""

_ALONE = "undecided"
"""Role of wallets that pay one service alone: nothing shows who holds their keys."""

_SAME = (NOT_READ, UNREAD_BUDGET, UNSPENT, BURNT)
_END_LABEL = {FEE: "network fees", **{reason: reason for reason in _SAME}}

Node = tuple[str, str, str]
"""Id, label and role of an entity."""


class Movement(NamedTuple):
    """One movement between entities, and the addresses whose entities they are.

    ``row`` is the key of the step or end that it is, ``sides`` the addresses that it leaves and
    reaches where it does so as one of an entity, and ``step`` whether it is a step.
    """

    source: str
    target: str
    amount: int
    time: datetime | None
    parties: tuple[bytes, ...]
    row: tuple[bytes, int, bytes] = (b"", 0, b"")
    sides: tuple[bytes | None, bytes | None] = (None, None)
    step: bool = False


class Owners(Protocol):
    """Clusters, as far as flows read them."""

    @property
    def frame(self) -> pl.DataFrame: ...


class Tagged(Protocol):
    """Tags, as far as flows read them."""

    @property
    def frame(self) -> pl.DataFrame: ...


def flows(
    trace: Trace, edition: Edition, clusters: Owners | None = None, tags: Tagged | None = None
) -> pl.DataFrame:
    """Add up a trace between entities and name them for an edition.

    An entity is a cluster, a single address, a service, or a reason for which value ends. What
    ends at a service is drawn as flowing to the service, whichever address received it. Movements
    inside one entity (change) are left out: they pass nothing on. Tags name entities that the
    edition shows; the tag held for surest speaks.

    Returns
    -------
    polars.DataFrame
        ``FLOW_SCHEMA``, sorted by source and target. The disclosure edition gives no times.
    """
    names, rows = movements(trace, edition, clusters, tags)
    frame = pl.DataFrame(
        [row[:4] for row in rows],
        schema=["from", "to", "amount", "time"],
        orient="row",
        schema_overrides={"amount": AMOUNT, "time": TIME},
    )
    if not rows:
        return pl.DataFrame(schema=FLOW_SCHEMA)
    summed = (
        frame.filter(pl.col("from") != pl.col("to"))
        .group_by("from", "to")
        .agg(
            exact_sum("amount"),
            pl.len().cast(pl.Int64).alias("count"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
    )
    out = [_row(names, edition, *row) for row in summed.iter_rows()]
    named = pl.DataFrame(out, schema=FLOW_SCHEMA, orient="row")
    return TextMask(edition).frame(named).sort("source", "target")


MOST_PLACES = 3
"""Addresses that are listed for a node that stands for several; the others are counted."""

MORE = "more addresses"
"""Stands behind the count of those that are not listed."""


def node_places(
    trace: Trace, edition: Edition, clusters: Owners | None = None, tags: Tagged | None = None
) -> dict[str, tuple[str, int | None]]:
    """Return for each entity of a trace its address and how many it has, where that may be said.

    Of a cluster it is the address by which it is called, of a service those at which value ended.
    """
    names, _ = movements(trace, edition, clusters, tags)
    said = TextMask(edition)
    found: dict[str, set[bytes]] = {}
    for service, certainty, reason, address in (
        trace.ends.filter(pl.col("service").is_not_null() & pl.col("address").is_not_null())
        .select("service", "certainty", "reason", "address")
        .iter_rows()
    ):
        found.setdefault(_service(names, service, certainty, reason), set()).add(address)
    places: dict[str, tuple[str, int | None]] = {
        node: (_listed(names, who), len(who)) for node, who in found.items()
    }
    for name in names.nodes:
        if name.startswith(f"{POOLED} "):
            places[name] = (POOLED, None)
        elif name in names.masked:
            places[name] = (name, None)
        elif name not in places and not name.startswith(("end:", "no address")):
            places[name] = (name, max(names.sizes[name], 1))
    return {said.text(name): (said.text(place), size) for name, (place, size) in places.items()}


def _listed(names: Names, addresses: set[bytes]) -> str:
    shown = sorted({names.edition.name_of(names.chain, item) for item in addresses})
    more = len(shown) - MOST_PLACES
    return " ".join(shown[:MOST_PLACES]) + (f" and {more} {MORE}" if more > 0 else "")


def movements(
    trace: Trace, edition: Edition, clusters: Owners | None, tags: Tagged | None
) -> tuple[Names, list[Movement]]:
    """Return the entities of a trace and all that moves between them, exactly.

    Masked entities that pass nothing on are folded, see :func:`fold`.
    """
    names = Names(trace, edition, clusters, tags)
    return names, fold(names, _moved(trace, names) + _ended(trace, names))


def fold(names: Names, rows: list[Movement]) -> list[Movement]:
    """Put masked entities at which value stops together, for each payer and way of stopping.

    One node for all masked parties would be a hub that is not there: it would join what different
    payers paid. And were only those put together who share the common word, small payments to
    parties of a crowd would be drawn one by one while the large ones stood in a sum. Whoever two
    payers pay keeps a node of their own, unless they have no pseudonym.
    """
    passing = {row.source for row in rows if row.source != row.target}
    payers: dict[str, set[str]] = {}
    for row in rows:
        if row.source != row.target and row.target in names.masked - passing:
            payers.setdefault(row.target, set()).add(row.source)
    groups: dict[tuple[str, str], list[str]] = {}
    for target, who in sorted(payers.items()):
        if len(who) == 1 or target in names.edition.pooled:
            for payer in sorted(who):
                groups.setdefault((payer, names.nodes[target][2]), []).append(target)
    into: dict[tuple[str, str], str] = {}
    for (payer, role), members in groups.items():
        if len(members) > 1 or members[0] in names.edition.pooled:
            into |= dict.fromkeys(
                ((payer, one) for one in members), names.pile(payer, role, members)
            )
    alone = names.nameless(names.masked & passing)
    return [
        row._replace(
            source=alone.get(row.source, row.source),
            target=into.get((row.source, row.target), alone.get(row.target, row.target)),
        )
        for row in rows
    ]


class Names:
    """Entities of a trace: which address belongs to which, and how each is called."""

    def __init__(
        self, trace: Trace, edition: Edition, clusters: Owners | None, tags: Tagged | None
    ) -> None:
        self.chain = trace.asset.chain
        self.edition = edition
        self.nodes: dict[str, Node] = {}
        self.masked: set[str] = set()
        self.folded: set[str] = set()
        self.shown: dict[str, bytes] = {}
        """Whoever both editions show, with what puts them in the order of the case."""
        self.subject_of = dict(trace.subjects.select("address", "subject").iter_rows())
        self.owner: Mapping[bytes, bytes] = {}
        self.runs = clusters if isinstance(clusters, PeelRuns) else None
        if clusters is not None:
            here = clusters.frame.filter(pl.col("chain") == self.chain)
            self.owner = dict(here.select("address", "cluster").iter_rows())
        joined = {*self.owner, *self.subject_of}
        self.sizes = Counter(
            edition.name_of(self.chain, whole)
            for whole in map(self.whole, joined)
            if not edition.masks(self.chain, whole)
        )
        self.lists = frozenset[str]()
        self.called = self._called(tags)
        self.hosted = {
            (tx, n): end
            for tx, n, *end in trace.ends.filter(pl.col("service").is_not_null())
            .select("txid", "n", "service", "certainty", "reason")
            .iter_rows()
        }
        self.passes_on = {self.of(item) for item in trace.steps["source"].unique().to_list()}
        self.lone = self._lone(trace)

    def _called(self, tags: Tagged | None) -> dict[bytes, str]:
        """Return what tags call each entity.

        An entity of several addresses is called by a tag that its publisher says of the cluster.
        One that a list names is called by its address, as listed there: the list was paid nothing.
        """
        if tags is None:
            return {}
        rows = tags.frame.filter(pl.col("chain") == self.chain).sort(
            ["level", "label", "address"], descending=[True, False, False]
        )
        self.lists = list_names(rows)
        called: dict[bytes, str] = {}
        on: dict[bytes, str] = {}
        for address, label, definer in rows.select("address", "label", "definer").iter_rows():
            whole = self.whole(address)
            alone = whole == address and (address in self.subject_of or address not in self.owner)
            if (definer or alone) and not self.edition.masks(self.chain, address):
                (on if label in self.lists else called).setdefault(whole, label)
        for whole, name in on.items():
            who = called.get(whole) or short(self.edition.name_of(self.chain, whole))
            called[whole] = listed(who, name)
        return called

    def whole(self, address: bytes) -> bytes:
        """Return the address by which the entity of an address is called."""
        return self.subject_of.get(address) or self.owner.get(address, address)

    def _lone(self, trace: Trace) -> dict[str, str]:
        """Return entities at which value ends, for one reason only, with that reason."""
        reasons: dict[str, set[str]] = {}
        plain = trace.ends.filter(pl.col("service").is_null() & pl.col("address").is_not_null())
        for address, reason in plain.select("address", "reason").iter_rows():
            reasons.setdefault(self.of(address), set()).add(reason)
        return {
            node: next(iter(found))
            for node, found in reasons.items()
            if len(found) == 1 and node not in self.passes_on and self.nodes[node][2] == BYSTANDER
        }

    def of(self, address: bytes | None) -> str:
        """Return the entity of an address."""
        if address is None:
            return self.add("no address", "scripts without an address", BYSTANDER)
        whole = self.whole(address)
        role = SUBJECT if address in self.subject_of else self.edition.role(self.chain, whole)
        if self.edition.masks(self.chain, whole):
            # Those who share one word are still several: they are told apart until they are folded.
            name = self.edition.pseudonym(self.chain, whole)
            self.masked.add(name)
            return self.add(name, self.run_of(whole) or name, role)
        name = self.edition.name_of(self.chain, whole)
        if role != BYSTANDER:
            self.shown[name] = whole
        return self.add(name, self.run_of(whole) or self.called.get(whole, name), role)

    def run_of(self, whole: bytes) -> str:
        """Return what a folded peel chain is called; empty for everybody else."""
        return "" if self.runs is None else self.runs.label(whole, self.edition, self.chain)

    def pile(self, payer: str, role: str, members: list[str]) -> str:
        """Return the node that stands for masked parties of one payer."""
        many = len(members) > 1
        label = f"{band(len(members))} masked parties" if many else "a masked party"
        key = self.add(f"{POOLED} of {payer}: {role}", label, role)
        self.folded |= {key} if many else set()
        return key

    def nameless(self, passing: set[str]) -> dict[str, str]:
        """Return nodes without a name for masked parties that pass value on under no pseudonym."""
        found = sorted(passing & self.edition.pooled)
        called = {
            name: "a masked party" if label == name else label
            for name, label, _ in (self.nodes[name] for name in found)
        }
        return {
            name: self.add(f"{POOLED} party {number}", called[name], self.nodes[name][2])
            for number, name in enumerate(found, 1)
        }

    def add(self, key: str, label: str, role: str) -> str:
        """Remember an entity and return its id."""
        self.nodes.setdefault(key, (key, label, role))
        if key.startswith(("service:", "end:", "no address")):
            self.shown[key] = key.encode()
        return key


def _moved(trace: Trace, names: Names) -> list[Movement]:
    rows = []
    columns = ("source", "target", "txid", "n", "amount", "time", "subject")
    for source, target, txid, n, amount, time, subject in trace.steps.select(columns).iter_rows():
        end = names.hosted.get((txid, n))
        to = _service(names, *end) if end else names.of(target)
        sides = (source, None if end else target)
        parties = tuple(item for item in sides if item is not None)
        row = (txid, n, subject)
        rows.append(Movement(names.of(source), to, amount, time, parties, row, sides, True))
    return rows


def _service(names: Names, service: str, certainty: str, reason: str) -> str:
    if service in names.lists:
        service = listed("addresses", service)
    if reason == ONE_DESTINATION:
        label = f"pays {service} alone ({CUSTODY_UNDECIDED})"
        return names.add(f"service:{label}", label, _ALONE)
    role = "service" if reason == HOSTED else "mixer" if reason == "mixer" else "service"
    sure = "" if certainty == "confirmed" else f" ({certainty})"
    return names.add(f"service:{service}{sure}", f"{service}{sure}", role)


def _ended(trace: Trace, names: Names) -> list[Movement]:
    """Return what flows from an entity to the reason for which it ends there."""
    rows = []
    payers = _payers(trace)
    received = trace.origins.filter(~pl.col("kind").is_in([OPENING, HELD]))
    origin = set(received.select("txid", "n").iter_rows())
    columns = (
        "subject", "address", "txid", "n", "amount", "time", "reason", "service", "certainty",
    )  # fmt: skip
    for subject, address, txid, n, amount, time, reason, service, certainty in trace.ends.select(
        columns
    ).iter_rows():
        here = names.of(address) if address is not None else None
        row = (txid, n, subject)
        if service is not None:
            if (txid, n) in origin and here:
                to = _service(names, service, certainty, reason)
                rows.append(Movement(here, to, amount, time, (address,), row, (address, None)))
        elif here in names.lone:
            key, label, _ = names.nodes[here or ""]
            names.nodes[key] = (key, label, _ROLE.get(reason, _NOT_FOLLOWED))
        else:
            label = _END_LABEL.get(reason, reason)
            node = names.add(f"end:{reason}", label, _ROLE.get(reason, _NOT_FOLLOWED))
            paid_by = address if here else payers.get((txid, subject))
            who = (address,) if here else ()
            rows.append(Movement(names.of(paid_by), node, amount, time, who, row, (paid_by, None)))
    return rows


def _payers(trace: Trace) -> dict[tuple[bytes, bytes], bytes | None]:
    """Return who pays in each transaction, by the subject whose value it is: the first source."""
    found: dict[tuple[bytes, bytes], bytes | None] = {}
    for txid, subject, source in trace.steps.select("txid", "subject", "source").iter_rows():
        found.setdefault((txid, subject), source)
    return found


def _row(
    names: Names,
    edition: Edition,
    source: str,
    target: str,
    amount: int,
    count: int,
    first: object,
    last: object,
) -> dict[str, object]:
    _, source_label, source_role = names.nodes[source]
    _, target_label, target_role = names.nodes[target]
    masked = source.startswith(POOLED) or target.startswith(POOLED)
    timeless = edition.name == DISCLOSURE
    return {
        "source": source,
        "target": target,
        "source_label": source_label,
        "target_label": target_label,
        "source_role": source_role,
        "target_role": target_role,
        "amount": coarse(int(amount)) if masked else int(amount),
        "coarse": masked,
        "folded": target in names.folded,
        "count": coarse(count) if masked else count,
        "first": None if timeless else first,
        "last": None if timeless else last,
    }
