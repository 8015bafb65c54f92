"""The case in CASE/UCO as JSON-LD, ``case-uco/case.jsonld``: for tools of digital forensics.

The case is an *Investigation*. Each of its results is an *InvestigativeAction* by chainwatch, whose
*ProvenanceRecord* holds an *AnalyticResult* with the digest of the content; findings are the
statements that result from theirs. An address that the edition shows is a *DigitalAccount*: the
ontology has no wallets. Payments, links of owners and what tags say are *Relationships*; how
sure they are is said in their descriptions, and no number of a *ConfidenceFacet* is made of it.
Somebody masked is an *Identity* under the pseudonym.

Written by hand, for the libraries that build such graphs give each thing a new id on each run. Ids
are of this edition of the case alone; times are those of the data.

References
----------
Cyber Domain Ontology, *CASE 1.4.0* and *UCO 1.4.0* (2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.ids import Ids
from chainwatch.case.exports.shown.parts import Name, Ref, ShownFinding, ShownParty, chain_words
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
from chainwatch.results.provenance import canonical_json

FILE = "case.jsonld"

CASE = "https://ontology.caseontology.org/case/"
UCO = "https://ontology.unifiedcyberontology.org/uco/"

CONTEXT = {
    "kb": "https://chainwatch.invalid/kb/",
    "investigation": f"{CASE}investigation/",
    "action": f"{UCO}action/",
    "analysis": f"{UCO}analysis/",
    "core": f"{UCO}core/",
    "identity": f"{UCO}identity/",
    "marking": f"{UCO}marking/",
    "observable": f"{UCO}observable/",
    "tool": f"{UCO}tool/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""What the prefixes stand for; ``kb`` is a place that no network knows."""

TO_THE_MONTH = len("2023-07")

Node = dict[str, Any]


def export_case_uco(case: ShownCase, folder: Path) -> None:
    """Write the graph of a case."""
    write_new(folder / "case-uco" / FILE, case_uco_bytes(case))


def case_uco_bytes(case: ShownCase) -> bytes:
    """Return the graph of a case, the same bytes on each run."""
    made = {one["@id"]: one for one in _Graph(case).nodes()}
    graph = [made[name] for name in sorted(made)]
    return canonical_json({"@context": CONTEXT, "@graph": graph}) + b"\n"


class _Graph:
    """The nodes of one case."""

    def __init__(self, case: ShownCase) -> None:
        self.case = case
        self.ids = Ids(case.scope)
        self.investigation = self._iri("investigation")
        self.marking = self._iri("marking", case.head.tlp) if case.head.tlp else ""
        self.tool = self._iri("tool", "chainwatch")

    def nodes(self) -> Iterator[Node]:
        """Yield every node, what belongs to another beside it."""
        made = [
            *self._people(), *self._parties(), *self._payments(), *self._links(), *self._named(),
            *self._statements(), *self._actions(), *self._markings(),
        ]  # fmt: skip
        yield from made
        parts = {FACET, EXTERNAL, MODEL}
        yield self._investigation([one["@id"] for one in made if one["@type"] not in parts])

    def _iri(self, kind: str, *parts: Any) -> str:
        """Return the name of a node: its kind, and an id of what tells it from others."""
        return f"kb:{kind.replace(' ', '-')}-{self.ids.of(kind, *parts)}"

    def _node(self, kind: str, name: str, **properties: Any) -> Node:
        said = {key.replace("__", ":"): value for key, value in properties.items()}
        marked = {"core:objectMarking": _ref(self.marking)} if self.marking else {}
        kept = {key: value for key, value in (said | marked).items() if value not in ("", [], None)}
        return {"@id": name, "@type": kind, **kept}

    def _investigation(self, parts: Sequence[str]) -> Node:
        head = self.case.head
        return self._node(
            "investigation:Investigation", self.investigation, core__name=head.title,
            core__description=head_words(head), investigation__focus=head.question,
            investigation__investigationForm="case", core__object=[_ref(one) for one in parts],
        )  # fmt: skip

    def _markings(self) -> Iterator[Node]:
        if self.marking:
            model = self._iri("marking model", self.case.head.tlp)
            said = f"TLP:{self.case.head.tlp.upper()}"
            kind = {"marking:definitionType": "statement"}
            whole = {"@id": self.marking, "@type": "marking:MarkingDefinition"}
            yield {**whole, **kind, "marking:definition": _ref(model)}
            yield {"@id": model, "@type": MODEL, **kind, "marking:statement": said}

    def _people(self) -> Iterator[Node]:
        yield self._node("tool:Tool", self.tool, core__name="chainwatch")
        if self._author():
            yield self._node("identity:Identity", self._author(), core__name=self._investigator())

    def _investigator(self) -> str:
        said = self.case.head.investigator
        return "" if said == "not stated" else said

    def _author(self) -> str:
        return self._iri("investigator", self._investigator()) if self._investigator() else ""

    def _parties(self) -> Iterator[Node]:
        for one in self.case.parties:
            yield from self._masked(one) if one.masked else self._account(one)
        if any(None in (one.source, one.target) for one in self.case.payments):
            yield self._node("identity:Identity", self._of(None), core__name=NO_ADDRESS)

    def _account(self, party: ShownParty) -> Iterator[Node]:
        facet = self._iri("account facet", *party.ref)
        cluster = f" Cluster {party.cluster}." if party.cluster else ""
        words = f"Address on {chain_words(party.chain)}; role: {party.role}.{cluster}"
        yield self._node(
            "observable:DigitalAccount", self._of(party.ref), core__name=party.name or party.text,
            core__description=words, core__hasFacet=[_ref(facet)],
        )  # fmt: skip
        yield {"@id": facet, "@type": FACET, "observable:accountIdentifier": party.text}

    def _masked(self, party: ShownParty) -> Iterator[Node]:
        words = f"{SHARED if party.shared else PSEUDONYM} Chain: {chain_words(party.chain)}."
        yield self._node(
            "identity:Identity", self._of(party.ref), core__name=party.text, core__description=words
        )

    def _of(self, ref: Ref | None) -> str:
        return self._iri("party", *(ref or ()))

    def _payments(self) -> Iterator[Node]:
        for one in self.case.payments:
            yield from self._relation(
                "Paid", self._of(one.source), self._of(one.target), payment_words(one),
                ("payment", repr(one)), reference=(one.chain, one.txid), time=one.time,
            )  # fmt: skip

    def _links(self) -> Iterator[Node]:
        for one in self.case.links:
            yield from self._relation(
                "May_Have_One_Owner", self._of(one.a), self._of(one.b), link_words(one),
                ("link", repr(one)), reference=(one.a[0], one.txid), time=one.time,
                directed=False,
            )  # fmt: skip

    def _named(self) -> Iterator[Node]:
        for party in self.case.parties:
            for name in party.names:
                yield from self._tag(party, name)

    def _tag(self, party: ShownParty, name: Name) -> Iterator[Node]:
        said = name.actor or name.label or "unnamed"
        who = self._iri("named", said)
        yield self._node("identity:Identity", who, core__name=said)
        yield from self._relation(
            "Tagged_As", self._of(party.ref), who, name_words(name), ("tag", repr(name)),
            reference=("source of the tag", name.source),
        )  # fmt: skip

    def _relation(
        self, kind: str, source: str, target: str, words: str, key: tuple[str, ...], *,
        reference: tuple[str, str], time: str = "", directed: bool = True,
    ) -> Iterator[Node]:  # fmt: skip
        name = f"kb:relationship-{self.ids.new('relationship', source, target, *key)}"
        external = self._iri("external", name)
        context, identifier = reference
        yield self._node(
            "core:Relationship", name, core__source=_ref(source), core__target=_ref(target),
            core__kindOfRelationship=kind, core__isDirectional=directed, core__description=words,
            core__externalReference=[_ref(external)] if identifier else [],
            core__startTime=_time(time) if len(time) > TO_THE_MONTH else None,
        )  # fmt: skip
        if identifier:
            yield {"@id": external, "@type": EXTERNAL, "core:definingContext": context,
                   "core:externalIdentifier": identifier}  # fmt: skip

    def _statements(self) -> Iterator[Node]:
        for one in self.case.findings:
            yield self._annotation(one.title, finding_words(one), self._finding(one))
        for end in self.case.ends:
            about = self.investigation if end.party is None else self._of(end.party)
            yield self._annotation("Where following stops", end_words(end), about=about)
        for unread in self.case.unread:
            yield self._annotation("Not read", unread.text)

    def _finding(self, one: ShownFinding) -> str:
        return self._iri("finding", one.digest)

    def _annotation(self, title: str, text: str, name: str = "", about: str = "") -> Node:
        made = name or f"kb:annotation-{self.ids.new('annotation', title, text, about)}"
        return self._node(
            "core:Annotation", made, core__name=title, core__statement=text,
            core__object=[_ref(about or self.investigation)],
        )  # fmt: skip

    def _actions(self) -> Iterator[Node]:
        """Yield the acts of the case: reading the data, then each result, in their order."""
        head = self.case.head
        read = self._iri("reading")
        reached = "; ".join(f"{chain}: {words}" for chain, words in head.reached)
        yield self._node(
            "investigation:InvestigativeAction", read, core__name="read the data",
            core__description=f"What the case rests on. Read up to: {reached or 'not stated'}.",
            action__instrument=[_ref(self.tool)], action__performer=self._performer(),
            action__endTime=_time(f"{head.acquired:%Y-%m-%dT%H:%M:%SZ}") if head.acquired else None,
        )  # fmt: skip
        findings = {one.digest: one for one in self.case.findings}
        for number, (called, digest) in enumerate(self.case.digests, 1):
            yield from self._action(number, called, digest, read, findings.get(digest))

    def _performer(self) -> Any:
        return _ref(self._author()) if self._author() else None

    def _action(
        self, number: int, called: str, digest: str, read: str, finding: ShownFinding | None
    ) -> Iterator[Node]:
        result, record = self._iri("result", digest), self._iri("record", digest)
        yield self._node(
            "analysis:AnalyticResult", result, core__name=called,
            core__statement=f"Digest of its content: {digest}.",
            analysis__resultContent=[_ref(self._finding(finding))] if finding else [],
        )  # fmt: skip
        yield self._node(
            "investigation:ProvenanceRecord", record, core__description=f"Result: {called}",
            investigation__exhibitNumber=f"{number}", core__object=[_ref(result)],
        )  # fmt: skip
        yield self._node(
            "investigation:InvestigativeAction", self._iri("action", number, called, digest),
            core__name=called, action__instrument=[_ref(self.tool)],
            action__performer=self._performer(), action__result=[_ref(record)],
            investigation__wasInformedBy=[_ref(read)],
        )  # fmt: skip


FACET = "observable:AccountFacet"
EXTERNAL, MODEL = "core:ExternalReference", "marking:StatementMarking"
"""Types of nodes that are parts of another and no objects by themselves."""


def _ref(name: str) -> dict[str, str]:
    return {"@id": name}


def _time(text: str) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": text}
