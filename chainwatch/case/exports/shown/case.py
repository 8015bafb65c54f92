"""``ShownCase``: all that an edition shows of a case, from which every export is written.

It is made of the masked view and of what stands at the head of the case. It masks nothing itself:
what the view withholds is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from chainwatch.addresses.canonical import parse
from chainwatch.case.exports.shown.ids import uuid_of
from chainwatch.case.exports.shown.parts import (
    End,
    Name,
    OwnerLink,
    Payment,
    Ref,
    ShownFinding,
    ShownParty,
    Unread,
    is_masked,
)
from chainwatch.case.exports.shown.rows import (
    Shown,
    clusters_in,
    ends_in,
    last_told,
    links_in,
    names_in,
    payments_in,
    refs_in,
    shown_tables,
    unread_ends,
    unread_in,
)
from chainwatch.case.record import CaseRecord
from chainwatch.privacy.aggregate import SEVERAL
from chainwatch.privacy.edition import DISCLOSURE, POOLED
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.roles import BYSTANDER
from chainwatch.sanitize import visible


@dataclass(frozen=True)
class CaseHead:
    """What stands at the head of a case, as the edition may say it.

    Attributes
    ----------
    name, title, question, number, investigator : str
        As the case states them; empty where it does not.
    edition : str
        ``disclosure`` or ``working``.
    statements : tuple of str
        What others state.
    acquired, first_acquired : datetime or None
        When the last and the first of the data was acquired. None where nobody said when files were
        obtained: when they were read is of the run, and another each time.
    reached : tuple of (str, str)
        How far each chain was read, in words.
    left_out : int
        Rows that name masked parties alone, which the edition leaves out.
    tlp : str
        Marking of the Traffic Light Protocol 2.0, such as ``amber+strict``; empty if not given.
    """

    name: str
    title: str
    question: str
    number: str
    investigator: str
    edition: str
    statements: tuple[str, ...] = ()
    acquired: datetime | None = None
    first_acquired: datetime | None = None
    reached: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    tlp: str = ""


@dataclass(frozen=True)
class ShownCase:
    """All that an edition shows of a case.

    Attributes
    ----------
    head : CaseHead
        What stands at its head.
    view : MaskedView
        The tables themselves, and what is drawn.
    settings : mapping
        What an export must be told that no chain says, by the name of the export: its texts as
        the edition may say them.
    """

    head: CaseHead
    view: MaskedView = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _tables(self) -> list[Shown]:
        return shown_tables(self.view)

    @cached_property
    def payments(self) -> tuple[Payment, ...]:
        """Who paid whom, in an order that depends on what is shown alone."""
        return tuple(sorted(payments_in(self._tables), key=repr))

    @cached_property
    def links(self) -> tuple[OwnerLink, ...]:
        """Why addresses are thought to have one owner, and which of these reasons were refused."""
        return tuple(sorted(links_in(self._tables), key=repr))

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """Where following stops, and why."""
        return tuple(sorted(ends_in(self._tables), key=repr))

    @cached_property
    def parties(self) -> tuple[ShownParty, ...]:
        """Everybody who stands in a table, sorted by chain and text."""
        names, clusters = names_in(self._tables), clusters_in(self._tables)
        whole = refs_in(self._tables)
        return tuple(
            self._party(ref, names.get(ref, []), clusters.get(ref, "")) for ref in sorted(whole)
        )

    @cached_property
    def party(self) -> Mapping[Ref, ShownParty]:
        """The parties, by what payments and links name them by."""
        return {one.ref: one for one in self.parties}

    @cached_property
    def clusters(self) -> Mapping[Ref, tuple[ShownParty, ...]]:
        """The parties of each cluster, by the address by which it is called."""
        found: dict[Ref, list[ShownParty]] = {}
        for one in self.parties:
            if one.cluster:
                found.setdefault((one.chain, one.cluster), []).append(one)
        return {ref: tuple(members) for ref, members in found.items()}

    @cached_property
    def findings(self) -> tuple[ShownFinding, ...]:
        """The sections of the report, in its order."""
        return tuple(
            ShownFinding(
                visible(one.title), visible(one.headline), tuple(map(visible, one.text)),
                tuple(map(visible, one.innocent)), one.digest,
            )
            for one in self.view.about
            if one.title
        )  # fmt: skip

    @cached_property
    def unread(self) -> tuple[Unread, ...]:
        """What was not read, each a statement of its own."""
        found = [*unread_in(self._tables), *unread_ends(self._tables)]
        return tuple(sorted(dict.fromkeys(found), key=repr))

    @cached_property
    def dated(self) -> datetime | None:
        """The time that objects of exports bear, never that of a clock.

        It is when the data was acquired, else the last time that the edition tells of a payment, an
        end or a link; None where it tells none.
        """
        return self.head.acquired or last_told(self._tables)

    @cached_property
    def scope(self) -> str:
        """What the ids of this edition of the case begin with: another for any other content.

        Digests are keyed where the edition masks, so another mask key makes another scope too.
        """
        head = self.head
        stated = (head.name, head.number, head.title, head.question, head.investigator)
        return uuid_of(
            "case", *stated, list(head.statements), head.edition, head.tlp,
            [list(one) for one in self.digests],
        )  # fmt: skip

    @property
    def digests(self) -> tuple[tuple[str, str], ...]:
        """What every result is called, and its digest as the edition may show it."""
        return tuple((visible(one.called), one.digest) for one in self.view.about)

    def _party(self, ref: Ref, names: list[Name], cluster: str) -> ShownParty:
        chain, said = ref
        several = said in (POOLED, SEVERAL)
        masked = self.head.edition == DISCLOSURE and is_masked(said)
        role = BYSTANDER if masked else self.view.edition.role(chain, parse(said, chain))
        surest = sorted(set(names), key=lambda one: (-(one.level or 0), repr(one)))
        return ShownParty(chain, said, masked, masked and several, role, tuple(surest), cluster)


def shown_case(
    case: CaseRecord, view: MaskedView, settings: Mapping[str, Any] | None = None, *,
    tlp: str = "",
) -> ShownCase:  # fmt: skip
    """Return what a case shows in the edition of a view.

    Parameters
    ----------
    case : CaseRecord
        The case; only what stands at its head is read of it.
    view : MaskedView
        Its results as the edition shows them.
    settings : mapping, optional
        What exports must be told, by their names.
    tlp : str
        Marking of the Traffic Light Protocol, such as ``TLP:AMBER+STRICT``; nothing if none.
    """

    def say(text: str) -> str:
        return visible(view.text.text(text.strip()))

    basis = case.basis
    acquired = (basis.last, basis.first) if basis.stated else (None, None)
    head = CaseHead(
        say(case.name), say(case.title or case.name), say(case.question), say(case.number),
        say(case.investigator), view.edition.name, tuple(map(say, case.statements)),
        *acquired,
        tuple((one.chain, say(one.words)) for one in basis.reached),
        sum(view.left_out.values()), tlp.lower().removeprefix("tlp:"),
    )  # fmt: skip
    return ShownCase(head, view, _said(settings or {}, view))


def _said(value: Any, view: MaskedView) -> Any:
    """Return settings with every text as the edition may say it, and nothing hidden in any.

    Names of settings, and ids under which something is given, are looked up and never written.
    """
    if isinstance(value, str):
        return visible(view.text.text(value))
    if isinstance(value, BaseModel):
        return _said(dict(value), view)
    if isinstance(value, Mapping):
        return {key: _said(item, view) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_said(item, view) for item in value)
    return value
