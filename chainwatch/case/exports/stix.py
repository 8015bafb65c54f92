"""The case as a STIX 2.1 bundle, ``stix/bundle.json``: for OpenCTI and other platforms.

Addresses that the edition shows are ``cryptocurrency-wallet`` objects, transactions whose id it
shows ``cryptocurrency-transaction`` objects (the extensions of *stix2extensions*). Somebody masked
is an ``identity`` with the pseudonym for its name and no wallet: a pseudonym is no address that
another platform could look for. Payments and links of owners are relationships *related-to*; what a
payment was worth stands in its description, exactly, for the amounts of the extension are floats.
How sure a relationship is stands in its description. It has no ``confidence``: that is a scale of
how well a statement is confirmed (STIX 2.1, Appendix A), and nothing here was counted on that.
Findings, ends and what was not read are notes. A report holds all of it.

Ids are UUIDs of version 5 (:mod:`chainwatch.case.exports.shown.ids`), and of this edition of the
case alone; those of observables are by the namespace of the standard, the same wherever somebody
names them. Times are those at which the data was acquired, or the last that the data tells.

References
----------
OASIS, *STIX Version 2.1* (2021), and the extension definition *TLP 2.0* (2022).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from chainwatch.addresses.canonical import chains_of, parse
from chainwatch.addresses.canonical import text as address_text
from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.ids import Ids, uuid_of
from chainwatch.case.exports.shown.parts import (
    Name,
    OwnerLink,
    Payment,
    Ref,
    ShownParty,
    chain_words,
)
from chainwatch.case.exports.shown.words import (
    NO_ADDRESS,
    PSEUDONYM,
    SHARED,
    end_words,
    finding_words,
    head_words,
    link_words,
    name_words,
    payment_words,
)
from chainwatch.chains.catalogue import all_chains
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import CaseError, extra
from chainwatch.results.provenance import canonical_json
from chainwatch.sanitize import clipped

FILE = "bundle.json"

TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""Markings of the Traffic Light Protocol 2.0, as OASIS publishes them."""

LONGEST_NAME = 200
"""Characters of a name of an object: what is longer stands whole in its description."""

OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Namespace of the ids of observables (STIX 2.1, 2.9)."""

UNKNOWN = "unknown"
"""Symbol of a token of which no source states one."""


class Libraries(NamedTuple):
    """The packages of the extra ``stix``."""

    stix2: ModuleType
    extensions: ModuleType


def libraries() -> Libraries:
    """Return the packages that write STIX.

    Raises
    ------
    MissingExtra
        If they are not installed.
    """
    with extra("stix", "stix2"):
        import stix2
        import stix2extensions
    return Libraries(stix2, stix2extensions)


def export_stix(case: ShownCase, folder: Path) -> None:
    """Write the bundle of a case."""
    write_new(folder / "stix" / FILE, stix_bytes(case))


def stix_bytes(case: ShownCase) -> bytes:
    """Return the bundle of a case, the same bytes on each run.

    Raises
    ------
    CaseError
        If nobody said when the data was acquired, and it tells no time: every object bears one.
    MissingExtra
        If the extra ``stix`` is not installed.
    """
    made = [json.loads(one.serialize()) for one in Bundle(case, libraries()).objects()]
    listed = {one["id"]: one for one in made}
    objects = [listed[name] for name in sorted(listed)]
    bundle = f"bundle--{uuid_of('bundle', objects)}"
    return canonical_json({"type": "bundle", "id": bundle, "objects": objects}) + b"\n"


class Bundle:
    """The objects of one case.

    Parameters
    ----------
    case : ShownCase
        What is shown.
    libraries : Libraries
        The packages that make them.
    """

    def __init__(self, case: ShownCase, libraries: Libraries) -> None:
        if case.dated is None:
            raise CaseError(
                "STIX needs the time at which the data was acquired, and the case states none",
                remedy="call case.look_beside(ledger) before it is written",
            )
        self.case = case
        self.stix2, self.extensions = libraries
        self.when: datetime = case.dated
        self.ids = Ids(case.scope)

    @cached_property
    def common(self) -> dict[str, Any]:
        """What every object has that is not an observable."""
        author = self.author()
        marked = {"object_marking_refs": [self.marking.id]} if self.marking else {}
        made = {"created_by_ref": author.id} if author else {}
        return {"created": self.when, "modified": self.when, **made, **marked}

    @cached_property
    def marking(self) -> Any:
        """The marking of the case; None where it has none."""
        tlp = self.case.head.tlp
        if not tlp:
            return None
        return self.stix2.MarkingDefinition(
            id=f"marking-definition--{TLP[tlp]}",
            created="2022-10-01T00:00:00.000Z",
            name=f"TLP:{tlp.upper()}",
            extensions={TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}},
        )

    def objects(self) -> Iterator[Any]:
        """Yield every object, the report last."""
        made = [*self._parties(), *self._transactions(), *self._related(), *self._named()]
        observed = [one for one in made if one.type.startswith("cryptocurrency-")]
        made += [self._observed(observed)] if observed else []
        report = self.ids.of("report")
        made += self._notes(f"report--{report}")
        yield from self._definitions()
        yield from made
        yield self._report(f"report--{report}", made)

    def author(self) -> Any:
        """Return who made the report; None where the case states nobody."""
        said = self.case.head.investigator
        if not said or said == "not stated":
            return None
        return self.stix2.Identity(
            id=f"identity--{self.ids.of('investigator', said)}", created=self.when,
            modified=self.when, name=clipped(said, LONGEST_NAME), identity_class="unknown",
            description=f"Investigator of the case: {said}",
        )  # fmt: skip

    def _definitions(self) -> Iterator[Any]:
        """Yield what objects refer to: extensions as their publisher wrote them, marking, author.

        References of an extension to its publisher lead out of the bundle.
        """
        yield self.extensions.CryptocurrencyWallet.extension_definition
        yield self.extensions.CryptocurrencyTransaction.extension_definition
        yield from filter(None, (self.marking, self.author()))

    def _parties(self) -> Iterator[Any]:
        for one in self.case.parties:
            yield self._masked(one.ref) if one.masked else self._wallet(one)
        if any(None in ends for ends in self._ends_of_relations()):
            yield self._nobody()

    def _ends_of_relations(self) -> Iterator[tuple[Ref | None, Ref | None]]:
        yield from ((one.source, one.target) for one in self.case.payments)

    def _wallet(self, party: ShownParty) -> Any:
        return self.extensions.CryptocurrencyWallet(
            id=self._wallet_id(party.ref), value=party.text, **self._observable()
        )

    def _observable(self) -> dict[str, Any]:
        return {"object_marking_refs": [self.marking.id]} if self.marking else {}

    def _wallet_id(self, ref: Ref) -> str:
        """Return the id of an address, by the rule of the standard.

        Where the text is an address of another chain too the chain counts as well: the same text on
        two chains is never taken for one.
        """
        chain, text = ref
        if not on_another_chain(chain, text):
            return f"cryptocurrency-wallet--{_observable_id(value=text)}"
        return f"cryptocurrency-wallet--{uuid_of('wallet', chain, text)}"

    def _identity_id(self, ref: Ref) -> str:
        return f"identity--{self.ids.of('masked', *ref)}"

    def _masked(self, ref: Ref) -> Any:
        shared = self.case.party[ref].shared
        words = f"{SHARED if shared else PSEUDONYM} Chain: {chain_words(ref[0])}."
        return self.stix2.Identity(
            id=self._identity_id(ref), name=ref[1], description=words,
            identity_class="group" if shared else "unknown", **self.common,
        )  # fmt: skip

    @cached_property
    def _nobody_id(self) -> str:
        return f"identity--{self.ids.of('no address')}"

    def _nobody(self) -> Any:
        return self.stix2.Identity(
            id=self._nobody_id, name=NO_ADDRESS, identity_class="unknown",
            description="Stands where a payment has no address, or none was read.", **self.common,
        )  # fmt: skip

    def _id_of(self, ref: Ref | None) -> str:
        if ref is None:
            return self._nobody_id
        return self._identity_id(ref) if self.case.party[ref].masked else self._wallet_id(ref)

    def _transactions(self) -> Iterator[Any]:
        """Yield the transactions whose ids are shown, with the addresses that are shown in them."""
        found: dict[tuple[str, str, str], list[Payment]] = {}
        for one in self.case.payments:
            if one.txid:
                found.setdefault((one.chain, one.txid, one.asset.symbol), []).append(one)
        for (chain, txid, symbol), some in sorted(found.items()):
            yield self._transaction(chain, txid, symbol, some)

    def _transaction(self, chain: str, txid: str, symbol: str, some: list[Payment]) -> Any:
        sides: dict[str, list[dict[str, str]]] = {}
        for side, refs in (
            ("input", [p.source for p in some]),
            ("output", [p.target for p in some]),
        ):
            shown = sorted({self._id_of(r) for r in refs if r and not self.case.party[r].masked})
            if shown:
                sides[side] = [{"address_ref": one} for one in shown]
        times = sorted({one.time for one in some if len(one.time) > len("2023-07")})
        return self.extensions.CryptocurrencyTransaction(
            id=self._transaction_id(chain, txid, symbol), value=txid,
            symbol=symbol or UNKNOWN, **({"execution_time": times[0]} if times else {}),
            **sides, **self._observable(),
        )  # fmt: skip

    def _transaction_id(self, chain: str, txid: str, symbol: str) -> str:
        if not _ids_on_another_chain(chain):
            said = _observable_id(value=txid, symbol=symbol or UNKNOWN)
            return f"cryptocurrency-transaction--{said}"
        return f"cryptocurrency-transaction--{uuid_of('transaction', chain, txid, symbol)}"

    def _related(self) -> Iterator[Any]:
        for one in self.case.payments:
            yield self._relation(
                self._id_of(one.source), self._id_of(one.target), payment_words(one),
                ("payment", repr(one)), self._reference(one.chain, one.txid), time=one.time,
            )  # fmt: skip
        for link in self.case.links:
            yield self._link(link)

    def _link(self, one: OwnerLink) -> Any:
        return self._relation(
            self._id_of(one.a), self._id_of(one.b), link_words(one), ("link", repr(one)),
            self._reference(one.a[0], one.txid),
        )  # fmt: skip

    def _reference(self, chain: str, txid: str) -> list[dict[str, str]]:
        return [{"source_name": chain, "external_id": txid}] if txid else []

    def _relation(
        self, source: str, target: str, words: str, key: tuple[str, ...],
        references: list[dict[str, str]], *, time: str = "",
    ) -> Any:  # fmt: skip
        more: dict[str, Any] = {"external_references": references} if references else {}
        more |= {"start_time": time} if len(time) > len("2023-07") else {}
        return self.stix2.Relationship(
            id=f"relationship--{self.ids.new('relationship', source, target, *key)}",
            relationship_type="related-to", source_ref=source, target_ref=target,
            description=words, **more, **self.common,
        )  # fmt: skip

    def _named(self) -> Iterator[Any]:
        """Yield who is named by tags, and one relationship for each tag."""
        identities: dict[str, Any] = {}
        relations = []
        for party in self.case.parties:
            for name in party.names:
                who = self._tagged(name)
                identities.setdefault(who.id, who)
                relations.append(self._tag(party, name, who.id))
        yield from (identities[one] for one in sorted(identities))
        yield from relations

    def _tagged(self, name: Name) -> Any:
        said = name.actor or name.label or "unnamed"
        return self.stix2.Identity(
            id=f"identity--{self.ids.of('named', said)}", name=clipped(said, LONGEST_NAME),
            identity_class="unknown", description=f"Named by tags: {said}", **self.common,
        )  # fmt: skip

    def _tag(self, party: ShownParty, name: Name, who: str) -> Any:
        url = {"url": name.source} if _is_url(name.source) else {"description": name.source}
        reference = [{"source_name": name.pack or "tag", **url}] if name.source else []
        return self._relation(
            self._id_of(party.ref), who, name_words(name), ("tag", repr(name)), reference,
        )  # fmt: skip

    def _notes(self, report: str) -> list[Any]:
        head = self.case.head
        made = [self._note("The case, and what this edition hides", head_words(head), [report])]
        for finding in self.case.findings:
            made.append(self._note(finding.title, finding_words(finding), [report]))
        for one in self.case.ends:
            refs = [report] if one.party is None else [self._id_of(one.party)]
            made.append(self._note("Where following stops", end_words(one), refs))
        for unread in self.case.unread:
            made.append(self._note("Not read", unread.text, [report]))
        return made

    def _note(self, title: str, content: str, refs: list[str]) -> Any:
        return self.stix2.Note(
            id=f"note--{self.ids.new('note', title, content, refs)}", abstract=title,
            content=content, object_refs=refs, **self.common,
        )  # fmt: skip

    def _observed(self, observables: list[Any]) -> Any:
        head = self.case.head
        names = sorted({one.id for one in observables})
        return self.stix2.ObservedData(
            id=f"observed-data--{self.ids.new('observed', names)}",
            first_observed=head.first_acquired or self.when, last_observed=self.when,
            number_observed=1, object_refs=names, **self.common,
        )  # fmt: skip

    def _report(self, name: str, objects: Iterable[Any]) -> Any:
        head = self.case.head
        return self.stix2.Report(
            id=name, name=clipped(head.title, LONGEST_NAME), description=head_words(head),
            report_types=["observed-data"], published=self.when,
            object_refs=sorted({one.id for one in objects}), **self.common,
        )  # fmt: skip


@cache
def on_another_chain(chain: str, text: str) -> bool:
    """Tell whether an address is written the same on another chain of the catalogue.

    Old forms do not count: *1...* is read on Bitcoin Cash as well, and never written there.
    """
    here = chain_of(chain)
    return any(
        other.id != here.id and address_text(parse(text, other), other) == text
        for other in chains_of(text)
    )


def _ids_on_another_chain(name: str) -> bool:
    """Tell whether a transaction id and a symbol may be of another chain of the catalogue too.

    One signed transaction can be valid on several EVM chains; elsewhere symbols of coins differ,
    unless a chain was registered with that of another.
    """
    here = chain_of(name)
    same = [one for one in all_chains() if one.family == here.family and one.id != here.id]
    return any(here.family == "evm" or one.symbol == here.symbol for one in same)


def _observable_id(**contributing: str) -> uuid.UUID:
    """Return the id that the standard gives an observable (STIX 2.1, 2.9)."""
    return uuid.uuid5(OBSERVABLES, canonical_json(contributing).decode())


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and " " not in text
