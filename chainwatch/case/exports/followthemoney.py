"""The case as FollowTheMoney entities, a line each: for Aleph, and all that reads the model.

They stand in ``followthemoney/entities.ftm.json``.

An address that the edition shows is a *CryptoWallet*. A *Payment* of the model joins legal entities
and no wallets, so each wallet has a *LegalEntity* for its holder: it is called *holder of* the
address, says that nobody knows who that is, and is nobody in particular. Two wallets of one cluster
keep two holders: that they have one owner is an *UnknownLink* with its rule, as is what a tag says
of an address. Somebody masked is such a holder without a wallet, under the pseudonym. Findings,
where following stops and what was not read are *Notes*.

A transfer is one *Payment*, however many tables tell of it, so that sums count it once. Its amount
stands in the field of numbers only where a table says exactly, and of a named transaction, all that
was moved; traced values and rounded amounts stand in the description. Ids are of this edition of
the case alone; ``retrievedAt`` is when the data was acquired, where that was stated.

References
----------
FollowTheMoney, schemata *CryptoWallet*, *Payment*, *LegalEntity*, *UnknownLink*, *Note* (4.x).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chainwatch.atomic import write_new
from chainwatch.attribution.taxonomy import broader, is_a
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.ids import Ids
from chainwatch.case.exports.shown.parts import End, Name, OwnerLink, Ref, ShownParty, chain_words
from chainwatch.case.exports.shown.transfers import Transfer, transfers_of
from chainwatch.case.exports.shown.words import (
    CONTROL,
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
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.results.provenance import canonical_json

FILE = "entities.ftm.json"

LONGEST_NAME = 384
"""Characters of a name in the model; the description has all of a longer one."""

LONGEST_TEXT = 65_000
"""Characters of a text in the model: what is longer is told in several values."""

LONGEST_CODE = 32
"""Characters of the symbol of a currency; the description has all of a longer one."""

SEVERAL = "several rules"

LONGEST_WORD = 1_024
"""Characters of a short text in the model."""

TO_THE_SECOND = len("2023-07-17T18:01:04")

UNKNOWN_HOLDER = (
    "Whoever holds the keys of the address: not known. Stands here because a payment of this model"
    " joins legal entities."
)

Entity = dict[str, Any]


def export_followthemoney(case: ShownCase, folder: Path) -> None:
    """Write the entities of a case."""
    write_new(folder / "followthemoney" / FILE, ftm_bytes(case))


def ftm_bytes(case: ShownCase) -> bytes:
    """Return the entities of a case, one a line, the same bytes on each run."""
    made = {one["id"]: one for one in _Entities(case).all()}
    return b"".join(canonical_json(made[name]) + b"\n" for name in sorted(made))


class _Entities:
    """The entities of one case."""

    def __init__(self, case: ShownCase) -> None:
        self.case = case
        self.ids = Ids(case.scope)
        when = case.head.acquired
        self.retrieved = [f"{when:%Y-%m-%dT%H:%M:%S}"] if when else []

    def all(self) -> Iterator[Entity]:
        """Yield every entity."""
        for party in self.case.parties:
            yield from self._party(party)
        if any(None in (one.source, one.target) for one in self.case.payments):
            yield self._entity("LegalEntity", self._holder(None), name=[NO_ADDRESS])
        for one in transfers_of(self.case.payments):
            yield self._payment(one)
        for link in self.case.links:
            yield self._link(link)
        yield from self._notes()

    def _entity(self, schema: str, id_: str, /, **properties: Sequence[str]) -> Entity:
        said = {key: [one for one in values if one] for key, values in properties.items()}
        if schema not in _EDGES:
            said["retrievedAt"] = self.retrieved
        kept = {key: values for key, values in said.items() if values}
        return {"id": id_, "schema": schema, "properties": kept}

    def _party(self, party: ShownParty) -> Iterator[Entity]:
        if party.masked:
            words = SHARED if party.shared else PSEUDONYM
            yield self._entity(
                "LegalEntity", self._holder(party.ref), name=[party.text],
                description=[f"{words} Chain: {chain_words(party.chain)}."],
            )  # fmt: skip
            return
        chain = chain_of(party.chain)
        yield self._entity(
            "CryptoWallet", self._wallet(party.ref), cryptoAddress=[party.text],
            name=[_short(one.label) for one in party.names] or [party.text],
            currencySymbol=[chain.symbol], blockchain=[f"{chain.alias} ({chain.id})"],
            holder=[self._holder(party.ref)], description=_role(party),
        )  # fmt: skip
        yield self._entity(
            "LegalEntity", self._holder(party.ref), name=[f"holder of {party.text}"],
            description=[UNKNOWN_HOLDER],
        )  # fmt: skip
        for name in party.names:
            yield from self._named(party, name)

    def _named(self, party: ShownParty, name: Name) -> Iterator[Entity]:
        """Yield who a tag says that it is, and that a tag says so."""
        said = name.actor or name.label or "unnamed"
        service = any(one in broader() and is_a(one, "service") for one in name.concepts)
        who = self.ids.of("named", said, service)
        schema = "Organization" if service else "LegalEntity"
        yield self._entity(schema, who, name=[_short(said)])
        url = name.source if name.source.startswith(("http://", "https://")) else ""
        yield self._entity(
            "UnknownLink", self.ids.new("tag", *party.ref, repr(name)),
            subject=[self._wallet(party.ref)], object=[who],
            role=[_short(f"tagged as {', '.join(name.concepts) or 'unspecified'}", LONGEST_WORD)],
            description=_texts(name_words(name)), date=[name.as_of],
            sourceUrl=[url] if " " not in url else [],
            publisher=[_short(name.source, LONGEST_WORD)] if not url else [],
        )  # fmt: skip

    def _holder(self, ref: Ref | None) -> str:
        return self.ids.of("holder", *(ref or ()))

    def _wallet(self, ref: Ref) -> str:
        return self.ids.of("wallet", *ref)

    def _thing(self, ref: Ref) -> str:
        """Return the id of a wallet, or of somebody masked."""
        return self._holder(ref) if self.case.party[ref].masked else self._wallet(ref)

    def _payment(self, transfer: Transfer) -> Entity:
        one = transfer.payment
        measures = "; ".join(dict.fromkeys(told.measure for told in transfer.told))
        return self._entity(
            "Payment", self.ids.new("payment", *transfer.key),
            payer=[self._holder(one.source)], beneficiary=[self._holder(one.target)],
            amount=[one.asset.coins(transfer.amount) or ""],
            currency=[_short(one.asset.symbol, LONGEST_CODE)], date=[_date(one.time)],
            transactionNumber=[one.txid],
            purpose=[f"{measures}; part of a chain analysis, no purpose is known"],
            description=[text for told in transfer.told for text in _texts(payment_words(told))],
            retrievedAt=self.retrieved,
        )  # fmt: skip

    def _link(self, one: OwnerLink) -> Entity:
        undecided = "" if one.coarse else "undecided"
        status = {True: "joins", False: "refused", None: undecided}[one.joins]
        a, b = (self._thing(ref) for ref in (one.a, one.b))
        return self._entity(
            "UnknownLink", self.ids.new("link", repr(one)), subject=[a], object=[b],
            role=[f"may have one owner: {one.rule or SEVERAL}"], status=[status],
            date=[_date(one.time)],
            recordId=[one.txid], description=_texts(link_words(one)), summary=[CONTROL],
            retrievedAt=self.retrieved,
        )  # fmt: skip

    def _notes(self) -> Iterator[Entity]:
        head = self.case.head
        yield self._note(head.title, head_words(head))
        for one in self.case.findings:
            yield self._note(one.title, finding_words(one))
        for end in self.case.ends:
            yield self._end(end)
        for unread in self.case.unread:
            yield self._note("Not read", unread.text)

    def _end(self, one: End) -> Entity:
        about = [] if one.party is None else [self._thing(one.party)]
        return self._note("Where following stops", end_words(one), about)

    def _note(self, title: str, text: str, about: Sequence[str] = ()) -> Entity:
        return self._entity(
            "Note", self.ids.new("note", title, text, list(about)), name=[_short(title)],
            description=_texts(text), entity=about,
        )  # fmt: skip


_EDGES = ("Payment", "UnknownLink")
"""Schemata of which each says itself when it was retrieved."""


def _date(time: str) -> str:
    """Return a time as the model keeps it: to the second, in UTC, which it does not say."""
    return time[:TO_THE_SECOND].removesuffix("Z")


def _role(party: ShownParty) -> list[str]:
    told = [f"Role in the case: {party.role}."]
    told += [f"Cluster {party.cluster}. {CONTROL}"] if party.cluster else []
    return [" ".join(told)]


def _short(text: str, most: int = LONGEST_NAME) -> str:
    """Return a text with single blanks, as the model keeps it, and no longer than it may be."""
    return " ".join(text.split())[:most].strip()


def _texts(text: str) -> list[str]:
    """Return a text in values that the model takes."""
    return [text[start : start + LONGEST_TEXT] for start in range(0, len(text), LONGEST_TEXT)]
