"""A shown case as entities and relations, the form that link-analysis programs load.

An entity is an address, somebody masked, or where following ends; a relation is a payment, an end,
or a reason to think that two addresses have one owner. Every relation says in ``table`` where it
stands in the case and in ``measure`` what its amount is: amounts of one table, measure and asset
may be added up, those of two may not, for they tell of the same money twice. What a row of the case
says stands in one relation, however alike two rows are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import rate_words
from chainwatch.case.exports.shown.parts import (
    End,
    OwnerLink,
    Payment,
    Ref,
    ShownAsset,
    ShownParty,
)
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.sanitize import clipped

ADDRESS, MASKED, SEVERAL = "address", "masked party", "several parties"
SERVICE, END, NOBODY = "service", "end", "no address"
"""Kinds of entities; ``several parties`` stand under one word, so it is no entity of its own."""

PAID, ENDS = "PAID", "ENDS_AT"
OWNED = {True: "SAME_OWNER", False: "NOT_JOINED", None: "UNDECIDED_OWNER"}
"""Types of relations; a link that a veto refused, or could not judge, joined nobody."""

SUMMED = "several reasons"
"""The end of rows that the edition adds up across reasons."""

LONGEST = 240
"""Characters of a name or a label: programs cut at about 255. Tables hold it whole."""


@dataclass(frozen=True, order=True)
class Entity:
    """A node of the network.

    Attributes
    ----------
    id : str
        Its one name in this network, such as ``btc:1Boat…`` or ``end:unspent``.
    kind : str
        One of the kinds above.
    label : str
        What to write at it: the surest name that a tag gives it, or its address.
    chain, address : str
        Short name of the chain and address; empty where it has none.
    role : str
        ``subject``, ``finding``, ``service`` or ``bystander``; empty of ends.
    names, concepts : str
        All that tags say of it, separated by ``; ``.
    cluster : str
        Id of the entity by which its cluster is called; empty where nothing joins it.
    """

    id: str
    kind: str
    label: str
    chain: str = ""
    address: str = ""
    role: str = ""
    names: str = ""
    concepts: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Relation:
    """An edge of the network, from ``source`` to ``target``, both ids of entities.

    Attributes
    ----------
    type : str
        One of the types above.
    label : str
        What to write at it.
    time : str
        As the edition shows it: ISO 8601 in UTC, a month, or empty.
    txid : str
        Empty where it is withheld, or there is none.
    asset : ShownAsset or None
        What the amount is of.
    amount : int or None
        Base units; None is *unknown*, or that there is no amount.
    coarse : bool
        Whether the edition rounded amount and time.
    rows : str
        How many rows of the table it adds up, as a band; empty where it is one.
    measure, table : str
        What the amount is, and where the relation stands in the case.
    basis : str
        Which rule, custody or doubt stands behind it.
    rate : str
        Of a reason for one owner: how many such links were right, of how many, and on what they
        were counted, in words; empty of others, and where nothing was measured.
    moved : bool
        Whether the amount of a payment is what was moved, all of it.
    """

    type: str
    source: str
    target: str
    label: str
    time: str = ""
    txid: str = ""
    asset: ShownAsset | None = None
    amount: int | None = None
    coarse: bool = False
    rows: str = ""
    measure: str = ""
    table: str = ""
    basis: str = ""
    rate: str = ""
    moved: bool = False

    @property
    def moment(self) -> str | None:
        """The time where it is exact; None where it is a month, or not told."""
        return self.time if "T" in self.time else None

    @property
    def coins(self) -> str | None:
        """The amount in coins; None where it is unknown or there is none."""
        return None if self.asset is None else self.asset.coins(self.amount)


@dataclass(frozen=True)
class Network:
    """Entities sorted by their ids, and relations in an order that depends on them alone."""

    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]


def network_of(case: ShownCase) -> Network:
    """Return a shown case as entities and relations."""
    relations = [
        *map(_payment, case.payments), *map(_end, case.ends), *map(_owner, case.links)
    ]  # fmt: skip
    entities = {one.id: one for one in (_party(case, party) for party in case.parties)}
    for one in _other_ends(relations):
        entities.setdefault(one.id, one)
    return Network(tuple(sorted(entities.values())), tuple(sorted(relations, key=repr)))


def entity_id(ref: Ref) -> str:
    """Return the id of a party."""
    chain, said = ref
    return f"{chain_of(chain).alias}:{said}"


def _party(case: ShownCase, party: ShownParty) -> Entity:
    kind = SEVERAL if party.shared else MASKED if party.masked else ADDRESS
    named = "; ".join(dict.fromkeys(one.label for one in party.names if one.label))
    concepts = sorted({concept for one in party.names for concept in one.concepts})
    cluster = (party.chain, party.cluster)
    return Entity(
        entity_id(party.ref), kind, clipped(party.name or party.text, LONGEST),
        chain_of(party.chain).alias, "" if party.masked else party.text, party.role,
        clipped(named, LONGEST), clipped("; ".join(concepts), LONGEST),
        entity_id(cluster) if party.cluster else "",
    )  # fmt: skip


def _other_ends(relations: Iterable[Relation]) -> Iterator[Entity]:
    """Yield what is no party: ends, services by name, and what has no address."""
    for one in relations:
        for name in (one.source, one.target):
            kind, _, said = name.partition(":")
            if kind == "end":
                yield Entity(name, END, said)
            elif kind == "service":
                yield Entity(name, SERVICE, said, role=SERVICE)
            elif kind == "none":
                yield Entity(name, NOBODY, NOBODY, chain=said)


def _payment(one: Payment) -> Relation:
    return Relation(
        PAID, _end_of(one.chain, one.source), _end_of(one.chain, one.target),
        clipped(one.text, LONGEST), one.time, one.txid, one.asset, one.amount, one.coarse, one.rows,
        one.measure, one.table, one.doubt, moved=one.moved,
    )  # fmt: skip


def _end(one: End) -> Relation:
    reason = one.reason or SUMMED
    target = f"service:{_short(one.service)}" if one.service else f"end:{_short(reason)}"
    basis = "; ".join(filter(None, (one.certainty, one.basis, one.detail)))
    said = one.asset.text(one.amount, coarse=one.coarse)
    label = clipped(f"{said} ({reason})", LONGEST)
    return Relation(
        ENDS, _end_of(one.chain, one.party), target, label, one.time, one.txid,
        one.asset, one.amount, one.coarse, one.rows, one.measure, "ends", clipped(basis, LONGEST),
    )  # fmt: skip


def _owner(one: OwnerLink) -> Relation:
    return Relation(
        OWNED[one.joins], entity_id(one.a), entity_id(one.b), one.rule, one.time, one.txid,
        coarse=one.coarse, rows=one.rows, table="links", basis=one.rule,
        rate=rate_words(one.rule, one.rate),
    )  # fmt: skip


def _end_of(chain: str, ref: Ref | None) -> str:
    return entity_id(ref) if ref is not None else f"none:{chain_of(chain).alias}"


def _short(said: str) -> str:
    """Return a name that is short, and another one for every other name."""
    if len(said) <= LONGEST:
        return said
    return f"{said[: LONGEST - 20]}... {sha256(said.encode()).hexdigest()[:12]}"
