"""The case as a goAML report, ``goaml/report.xml``: for a financial intelligence unit.

It is an activity report. Every subject, finding and service that the edition shows is an account of
the type *crypto wallet*, with its names, payments and role in its comments; whoever is masked, or a
bystander, is no party. A payment is a transaction of the report only where the settings say what it
was worth in the local currency, which the schema demands and no chain knows. Findings, where
following stops and what was not read are additional information (goAML 5.2).

Nobody is invented. What the schema forces is a setting (:mod:`chainwatch.case.exports.
goaml_settings`) or the word that its own lists have for the unknown, ``-``; an account must have a
name, and it is called *Unknown holder*.

References
----------
United Nations Office on Drugs and Crime, *goAML schema 5.0.2*, as published by an authority of the
United Arab Emirates, whose code lists stand in ``goaml_codes.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from chainwatch.atomic import write_new
from chainwatch.case.exports.goaml_settings import (
    FRACTION,
    LARGEST,
    NEUTRAL,
    GoamlSettings,
    goaml_settings,
)
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.parts import Payment, Ref, ShownParty, chain_words
from chainwatch.case.exports.shown.transfers import transfers_of
from chainwatch.case.exports.shown.words import (
    end_words,
    finding_words,
    head_words,
    link_words,
    name_words,
    payment_words,
)
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import CaseError
from chainwatch.results.roles import BYSTANDER
from chainwatch.units import counted

FILE = "report.xml"

CURRENCIES = {"BTC": "XBT", "ETH": "XET", "LTC": "XLN", "BCH": "XTC"}
"""Codes of coins in the list ``currency_type``, by their symbols."""

COMMENT, SUBJECT, NUMBER = 8000, 255, 100
"""Characters of a comment, a heading and a number, in the schema."""

WALLET, CRYPTO, IN_WALLET = "CRYWT", "CRPTC", "DAWLT"
"""Codes of the account type *crypto wallet*, of funds in cryptocurrencies, and of moving them."""

PAYER, PAYEE = "RMITR", "BNFCR"

UNKNOWN_HOLDER = "Unknown holder"

WORTHS = "local_amounts of a goAML report"

TO_THE_SECOND = len("2023-07-17T18:01:04")


def export_goaml(case: ShownCase, folder: Path) -> None:
    """Write the report of a case."""
    write_new(folder / "goaml" / FILE, goaml_bytes(case))


def goaml_bytes(case: ShownCase) -> bytes:
    """Return the report of a case, the same bytes on each run.

    Raises
    ------
    CaseError
        If a setting that the schema forces is missing or does not fit, if nobody can be reported,
        or if nobody stated the day of submission, or else when the data was acquired.
    """
    root = _Report(case, goaml_settings(case.settings.get("goaml"))).element()
    indent(root, " ")
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


class _Report:
    """The report of one case."""

    def __init__(self, case: ShownCase, settings: GoamlSettings) -> None:
        self.case = case
        self.settings = settings
        self.parties = [one for one in case.parties if not one.masked and one.role != BYSTANDER]
        if not self.parties:
            raise CaseError(
                "this edition shows nobody whom a goAML report could be of",
                remedy="add a result with subjects, such as a trace",
            )

    def element(self) -> Element:
        """Return the whole report, in the order of the schema."""
        head, said = self.case.head, self.settings
        root = Element("report")
        _add(root, "rentity_id", str(said.rentity_id))
        _add(root, "rentity_branch", said.rentity_branch)
        _add(root, "submission_code", said.submission_code)
        _add(root, "report_code", said.report_code)
        _add(root, "entity_reference", said.entity_reference or head.number or head.name, SUBJECT)
        _add(root, "fiu_ref_number", said.fiu_ref_number)
        _add(root, "submission_date", self._submitted())
        _add(root, "currency_code_local", said.currency_code_local)
        _add(root, "reason", head_words(head), COMMENT)
        _add(root, "action", said.action, COMMENT)
        for name, worth in sorted(said.local_amounts.items()):
            root.append(self._transaction(name, worth))
        root.append(self._activity())
        listed = SubElement(root, "report_indicators")
        for code in said.indicators:
            _add(listed, "indicator", code)
        more = SubElement(root, "additional_information")
        for title, text in self._information():
            _information(more, title, text)
        return root

    def _submitted(self) -> str:
        if self.settings.submission_date is not None:
            return f"{self.settings.submission_date.isoformat()}T00:00:00"
        if self.case.head.acquired is None:
            raise CaseError(
                "a goAML report needs the day of its submission, and the case states none",
                remedy="give submission_date in the settings, or say when the data was acquired",
            )
        return f"{self.case.head.acquired:%Y-%m-%dT%H:%M:%S}"

    def _information(self) -> Iterator[tuple[str, str]]:
        for one in self.case.findings:
            yield one.title, finding_words(one)
        for end in self.case.ends:
            yield "Where following stops", end_words(end)
        for link in self.case.links:
            yield "Addresses that may have one owner", link_words(link)
        for unread in self.case.unread:
            yield "Not read", unread.text

    def _activity(self) -> Element:
        activity = Element("activity")
        listed = SubElement(activity, "report_parties")
        for party in self.parties:
            one = SubElement(listed, "report_party")
            one.append(self._account(party, self._payments.get(party.ref, ())))
            words = f"{party.role} of the case, on {chain_words(party.chain)}"
            _add(one, "reason", f"{words}. Consistent with what the findings say, no more.")
        return activity

    def _account(self, party: ShownParty, payments: Sequence[str] = ()) -> Element:
        account = Element("account")
        _add(account, "institution_code", self.settings.institution_code)
        _add(account, "account", party.text)
        _add(account, "currency_code", _currency(party.chain, ""))
        _add(account, "account_name", UNKNOWN_HOLDER)
        _add(account, "personal_account_type", WALLET)
        _add(account, "comments", _fitting([*_comments(party), *payments]))
        return account

    def _called(self, name: str) -> list[Payment]:
        """Return the payments of the transaction of a name: its id, or chain and id: ``eth:0x…``.

        One id can be of transactions of several chains, which are never taken for one.
        """
        said, _, txid = name.rpartition(":")
        chain = chain_of(said).id if said else ""
        some = [one for one in self.case.payments if one.txid == txid and chain in ("", one.chain)]
        chains = [chain_of(one).alias for one in sorted({one.chain for one in some})]
        if len(chains) > 1:
            raise CaseError(
                f"transaction {txid} is shown on several chains: {', '.join(chains)}",
                where=WORTHS,
                remedy=f'say which was worth that, such as "{chains[0]}:{txid}"',
            )
        return some

    def _transaction(self, name: str, worth: str) -> Element:
        some = self._called(name)
        times = sorted({one.time for one in some})
        if not some or not times[0]:
            raise CaseError(
                f"no transaction {name} is shown in this edition, or not its time",
                where=WORTHS,
                remedy="name one whose id stands in the tables of the edition",
            )
        made = Element("transaction")
        of = f"{chain_of(some[0].chain).alias}:" if ":" in name else ""
        _add(made, "transactionnumber", f"{of}{some[0].txid}", NUMBER)
        _add(made, "transaction_location", chain_words(some[0].chain), SUBJECT)
        _add(made, "transaction_description", _fitting(list(map(payment_words, some))), COMMENT)
        _add(made, "date_transaction", times[0][:TO_THE_SECOND].removesuffix("Z"))
        _add(made, "transmode_code", IN_WALLET)
        _add(made, "transmode_comment", NEUTRAL)
        _add(made, "amount_local", worth)
        involved = SubElement(made, "involved_parties")
        for role, ref, payments in self._sides(some):
            involved.append(self._involved(role, ref, payments))
        return made

    def _sides(self, some: Sequence[Payment]) -> Iterator[tuple[str, Ref, list[Payment]]]:
        """Yield whoever is shown in a transaction, with what it paid and what it was paid."""
        for role, side in ((PAYER, "source"), (PAYEE, "target")):
            refs = sorted({ref for one in some if (ref := getattr(one, side)) is not None})
            for ref in refs:
                if not self.case.party[ref].masked:
                    yield role, ref, [one for one in some if getattr(one, side) == ref]

    @cached_property
    def _payments(self) -> Mapping[Ref, list[str]]:
        """The payments in which each party stands, in words."""
        found: dict[Ref, list[str]] = {}
        for one in self.case.payments:
            words = payment_words(one)
            for ref in dict.fromkeys(filter(None, (one.source, one.target))):
                found.setdefault(ref, []).append(words)
        return found

    def _involved(self, role: str, ref: Ref, some: Sequence[Payment]) -> Element:
        party = Element("party")
        _add(party, "role", role)
        party.append(self._account(self.case.party[ref]))
        _add(party, "funds_code", CRYPTO)
        _foreign(party, some)
        _add(party, "country", NEUTRAL)
        _add(party, "comments", _fitting(list(map(payment_words, some))), COMMENT)
        return party


def _comments(party: ShownParty) -> list[str]:
    told = [f"Address on {chain_words(party.chain)}; role in the case: {party.role}."]
    told += [f"Cluster {party.cluster}."] if party.cluster else []
    return [*told, *map(name_words, party.names)]


def _foreign(party: Element, some: Sequence[Payment]) -> None:
    """Say what was moved in the coin, where the schema has a code and enough digits for it.

    It is one transfer of which a table says all that was moved: a traced value is a part of that,
    and stands in the comments alone, as do several transfers.
    """
    found = transfers_of(some)
    asset = some[0].asset
    code, amount = _currency(asset.chain, asset.contract), asset.coins(found[0].amount)
    if len(found) > 1 or not code or amount is None or not _fits(amount):
        return
    foreign = SubElement(party, "foreign_currency")
    _add(foreign, "foreign_currency_code", code)
    _add(foreign, "foreign_amount", amount)


def _fits(amount: str) -> bool:
    whole, _, fraction = amount.partition(".")
    return len(fraction) <= FRACTION and int(whole) < LARGEST


def _currency(chain: str, contract: str) -> str:
    return "" if contract else CURRENCIES.get(chain_of(chain).symbol, "")


def _information(parent: Element, title: str, text: str) -> None:
    one = SubElement(parent, "additional_info")
    _add(one, "info_subject", title, SUBJECT)
    _add(one, "info_text", text, COMMENT)


def _fitting(lines: Sequence[str]) -> str:
    """Return lines in a comment; of those that find no room it is said how many they are."""
    told: list[str] = []
    room = COMMENT - NUMBER
    for number, line in enumerate(lines):
        if len(line) + 1 > room:
            left = counted(len(lines) - number, "statement", "statements")
            told.append(f"{left} more: see the tables of the case.")
            break
        told.append(line)
        room -= len(line) + 1
    return "\n".join(told)


def _add(parent: Element, name: str, text: str, most: int = COMMENT) -> None:
    """Add an element with a text, cut with a mark where it is too long; none for an empty text."""
    if text:
        cut = text if len(text) <= most else f"{text[: most - len(CUT)]}{CUT}"
        SubElement(parent, name).text = cut


CUT = " [cut]"
"""Stands at the end of a text that the schema has no room for; the tables of the case have all."""
