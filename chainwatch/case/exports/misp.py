"""The case as a MISP event: ``misp/event.json``, to be loaded as it is.

An address that the edition shows is an object *coin-address*, a transfer whose transaction it shows
an object *cryptocurrency-transaction* that refers to payer and payee; it has a value where a table
says all that was moved, and a traced value stands in its comment. What a tag says of an address is
an object *annotation* on it, which the admiralty scale cannot judge: the confidence of its
publisher stands in its text. Links of owners are references between addresses. Whatever names
somebody masked is a comment of the event and no object: a pseudonym must never be looked for as an
address. Where following stops and what was not read are comments too.

Nothing is for detection (``to_ids``), the event is not published and stays with the organisation
that loads it, until somebody there says otherwise. Ids are of this edition of the case alone. Times
are those at which the data was acquired, or the last that the data tells.

References
----------
MISP project: objects *coin-address*, *cryptocurrency-transaction*, *annotation*; taxonomies *tlp*,
*admiralty-scale*.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import NOT_JUDGED, attribution
from chainwatch.case.exports.shown.ids import Ids, uuid_of
from chainwatch.case.exports.shown.parts import Name, OwnerLink, Ref, ShownParty, chain_words
from chainwatch.case.exports.shown.transfers import Transfer, transfers_of
from chainwatch.case.exports.shown.words import (
    end_words,
    finding_words,
    head_words,
    link_words,
    name_words,
    payment_words,
)
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import CaseError, extra
from chainwatch.results.provenance import canonical_json

FILE = "event.json"

OWN_ORGANISATION, UNDEFINED, COMPLETED = 0, 4, 2
"""Distribution, threat level and state of analysis, as MISP numbers them."""

MONTH = len("2023-07")


def pymisp() -> ModuleType:
    """Return the package that writes MISP.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    with extra("misp", "pymisp"):
        import pymisp
    return pymisp


def export_misp(case: ShownCase, folder: Path) -> None:
    """Write the event of a case."""
    write_new(folder / "misp" / FILE, misp_bytes(case))


def misp_bytes(case: ShownCase) -> bytes:
    """Return the event of a case, the same bytes on each run.

    Raises
    ------
    CaseError
        If nobody said when the data was acquired, and it tells no time: an event must bear one.
    MissingExtra
        If the extra ``misp`` is not installed.
    """
    made = _Event(case, pymisp()).filled()
    return canonical_json({"Event": json.loads(made.to_json())}) + b"\n"


class _Event:
    """The event of one case while it is filled."""

    def __init__(self, case: ShownCase, library: ModuleType) -> None:
        if case.dated is None:
            raise CaseError(
                "MISP needs the time at which the data was acquired, and the case states none",
                remedy="call case.look_beside(ledger) before it is written",
            )
        self.case = case
        self.library = library
        self.when = case.dated
        self.ids = Ids(case.scope)
        self.event = library.MISPEvent(force_timestamps=True)
        self.addresses: dict[Ref, Any] = {}

    def filled(self) -> Any:
        """Return the event with all that the edition shows."""
        head = self.case.head
        self.event.uuid = self.ids.of("event")
        self.event.info = head.title
        self.event.date = self.when.date()
        self.event.timestamp = self.when
        self.event.published = False
        self.event.distribution = OWN_ORGANISATION
        self.event.threat_level_id = UNDEFINED
        self.event.analysis = COMPLETED
        if head.tlp:
            self.event.add_tag(f"tlp:{head.tlp}")
        self._comment("The case, and what this edition hides", head_words(head))
        for party in self.case.parties:
            if not party.masked:
                self._address(party)
        for transfer in transfers_of(self.case.payments):
            self._transfer(transfer)
        for link in self.case.links:
            self._link(link)
        self._told()
        return self.event

    def _told(self) -> None:
        for one in self.case.findings:
            self._annotation(finding_words(one), f"Finding: {one.title}")
        for end in self.case.ends:
            self._comment("Where following stops", end_words(end))
        for unread in self.case.unread:
            self._comment("Not read", unread.text)

    def _comment(self, title: str, text: str) -> None:
        self.event.add_attribute(
            "comment", text, category="Other", comment=title, to_ids=False,
            disable_correlation=True, uuid=self.ids.new("comment", title, text),
        )  # fmt: skip

    def _object(self, name: str, comment: str, *key: Any) -> Any:
        made = self.library.MISPObject(name, strict=True, standalone=False)
        made.uuid = self.ids.new(name, *key)
        made.comment = comment
        made.distribution = OWN_ORGANISATION
        return made

    def _add(self, thing: Any, relation: str, value: str, tags: Iterable[str] = ()) -> Any:
        made = thing.add_attribute(
            relation, value=value, to_ids=False, uuid=uuid_of("attribute", thing.uuid, relation)
        )
        for tag in tags:
            made.add_tag(tag)
        return made

    def _address(self, party: ShownParty) -> None:
        chain = chain_of(party.chain)
        cluster = f"; cluster {party.cluster}" if party.cluster else ""
        words = f"{party.role}; on {chain_words(party.chain)}{cluster}"
        made = self._object("coin-address", words, *party.ref)
        bitcoin = chain.symbol == "BTC"
        self._add(made, "address" if bitcoin else "address-crypto", party.text)
        self._add(made, "symbol", chain.symbol)
        self.addresses[party.ref] = self.event.add_object(made)
        for name in party.names:
            self._named(name, made)

    def _named(self, name: Name, address: Any) -> None:
        made = self._annotation(name_words(name), "Attribution", NOT_JUDGED)
        self._refer(made, address, "annotates", attribution(name.level, name.confidence))

    def _annotation(self, text: str, title: str, tags: Iterable[str] = ()) -> Any:
        made = self._object("annotation", title, title, text)
        self._add(made, "text", text, tags)
        self._add(made, "type", "Annotation")
        return self.event.add_object(made)

    def _transfer(self, transfer: Transfer) -> None:
        one, words = transfer.payment, "\n".join(map(payment_words, transfer.told))
        if not one.txid:
            self._comment("Payment", words)
            return
        made = self._object("cryptocurrency-transaction", words, *transfer.key)
        self._add(made, "transaction-number", one.txid)
        if one.asset.symbol:
            self._add(made, "symbol", one.asset.symbol)
        if len(one.time) > MONTH:
            self._add(made, "time", one.time)
        if (value := one.asset.coins(transfer.amount)) is not None:
            self._add(made, "value", value)
        self.event.add_object(made)
        for ref, words in ((one.source, "paid by"), (one.target, "paid to")):
            if ref in self.addresses:
                self._refer(made, self.addresses[ref], "related-to", words)

    def _link(self, one: OwnerLink) -> None:
        words = link_words(one)
        if one.a in self.addresses and one.b in self.addresses:
            self._refer(self.addresses[one.a], self.addresses[one.b], "related-to", words)
        else:
            self._comment("Link of owners", words)

    def _refer(self, thing: Any, other: Any, kind: str, words: str) -> None:
        uuid = self.ids.new("reference", thing.uuid, other.uuid, kind, words)
        thing.add_reference(other.uuid, kind, words, uuid=uuid)
