"""``PeopleRoles``: who people are in a case, with the evidence, and whom no edition shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.privacy.people.tables import BY_ROLE, BYSTANDER, EVIDENCE, PEOPLE, TAG
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.table import Rows, behind
from chainwatch.units import counted

SHARED = (
    "Whoever pays or is paid by a service that many use is its customer, and by that alone nobody's"
    " accomplice: turnover and reach of such a service are not the amount that a network moved"
    " through it."
)
NEVER = (
    "Vendors, markets, services and networks are those whom a tag names, or subjects of the case."
    " No behaviour makes anybody one of them."
)
LIKELY = "A role by behaviour says what payments are like. It is no finding on a person."


@dataclass(frozen=True, repr=False, eq=False)
class PeopleRoles(Result):
    """One role for each party that deals with subjects and tagged parties, and the evidence.

    In a case, whoever is *masked* here stands in no disclosure, whatever a finding, a tag or a
    trace would show. Subjects of the case stay what they are.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``PEOPLE``.
    evidence : polars.DataFrame
        Rows in ``EVIDENCE``.
    asset : Asset
        What was paid.
    subjects : frozenset of bytes
        Addresses of the subjects.
    few : int
        The most payments that are *seldom*.
    little : str
        In words, what is little.
    payer_unread : int
        Transactions with these parties of whose payer nothing was read.
    """

    frame: pl.DataFrame
    evidence: pl.DataFrame
    asset: Asset
    subjects: frozenset[bytes]
    few: int
    little: str
    payer_unread: int = 0

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"people": PEOPLE.rows(self.frame), "people_evidence": EVIDENCE.rows(self.evidence)}

    def words(self) -> Mapping[str, Any]:
        """Return by what it was judged: it is digested as well."""
        return {"few": self.few, "little": self.little, "payer_unread": self.payer_unread}

    def roles(self) -> Roles:
        """Return that subjects are subjects, and whom nothing else may show."""
        chain = self.asset.chain
        return Roles(
            single={(chain, one): SUBJECT for one in sorted(self.subjects)},
            protected=parties_of(self.frame.filter("masked")),
        )

    def names(self) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Yield what tags call each of them."""
        for owner, label in self.evidence.select("owner", "label").drop_nulls("label").rows():
            yield label, (self.asset.chain, owner)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return how many have each role, and where roles contradict."""
        return (people_finding(self),)

    def of(self, address: str | bytes) -> str:
        """Return the role of an address.

        Who is not listed has no payment with these parties in what was read, and is a bystander.
        """
        found = self._row(address)
        return str(found["role"]) if found else BYSTANDER

    def why(self, address: str | bytes) -> RoleReasons:
        """Return why an address has its role: a sentence, and the tags and payments that tell.

        Raises
        ------
        AddressError
            If the text is no address of the chain.
        """
        row = self._row(address)
        if row is None:
            said = "It neither paid nor was paid by a subject or a tagged party, in what was read."
            return RoleReasons(f"Role: {BYSTANDER}", (said,), EVIDENCE.rows(EVIDENCE.empty()),
                               self.asset)  # fmt: skip
        mine = self.evidence.filter(pl.col("owner") == row["owner"])
        rows = EVIDENCE.rows(mine)
        return RoleReasons(f"Role: {row['role']}", tuple(_reasons(row, mine)), rows, self.asset)

    def _row(self, address: str | bytes) -> dict[str, Any] | None:
        raw = parse(address, self.asset.chain) if isinstance(address, str) else address
        found = self.frame.filter(pl.col("address") == raw)
        return found.row(0, named=True) if found.height else None

    def __repr__(self) -> str:
        rows = by_role(self.frame).iter_rows(named=True)
        said = [
            f"  {row['parties']:>8,}  {row['role']}"
            f"{', masked whatever shows them' if row['masked'] else ''}"
            for row in rows
        ]
        return "\n".join([f"PeopleRoles({counted(self.frame.height, 'address', 'addresses')})",
                          *said, *(f"  {one}" for one in self.open_questions())])  # fmt: skip

    def open_questions(self) -> Iterator[str]:
        """Yield what was not read or not stated, and where roles contradict, a sentence each."""
        if self.payer_unread:
            told = counted(self.payer_unread, "transaction", "transactions")
            yield f"Of {told} nothing was read of who paid: they give nobody a role."
        odd = _contradictions(self)
        if odd:
            told = counted(odd, "party", "parties")
            yield (
                f"{told} whom a tag names, or on whom the case is, paid like somebody who is"
                " masked: the tag and the case stand, and subjects stay shown."
            )


@dataclass(frozen=True, repr=False, eq=False)
class RoleReasons(Finding):
    """Why one party has its role: sentences, and the tags and payments that they rest on."""

    def __repr__(self) -> str:
        return "\n".join([self.title, *(f"  {one}" for one in self.text)])


def _contradictions(found: PeopleRoles) -> int:
    return found.frame.filter("contradiction")["owner"].n_unique()


def _reasons(row: Mapping[str, Any], evidence: pl.DataFrame) -> Iterator[str]:
    """Yield why a party has its role, without a name or an amount: those stand in the table."""
    yield f"It rests on: {row['basis']}."
    for one in evidence.filter(pl.col("fits") == TAG).iter_rows(named=True):
        since = f"from {one['first_day']}" if one["first_day"] else "undated"
        until = f" until {one['last_day']}" if one["last_day"] else ""
        yield f"A tag says {one['concept']}, {since}{until}: {one['says']}."
    told = evidence.filter(pl.col("fits") != TAG).select("says", "fits", "why").unique()
    for says, fits, why in told.sort("says").iter_rows():
        yield f"{says.capitalize()}: {fits}, {why}."
    if row["masked"]:
        yield "No disclosure shows it, unless it is a subject of the case."
    if row["contradiction"]:
        yield "Its payments are like those of one who is masked: the tag, or the case, stands."


def by_role(frame: pl.DataFrame) -> pl.DataFrame:
    """Return how many owners have each role, in the rows of ``BY_ROLE``."""
    rows = frame.group_by("role", "masked").agg(
        pl.col("owner").n_unique().cast(pl.Int64).alias("parties"), behind("owner")
    )
    return rows.select(BY_ROLE.names).sort("role", "masked")


def people_finding(found: PeopleRoles) -> Finding:
    """Return how many parties have each role, and by what they were judged."""
    judged = (
        f"Seldom is at most {counted(found.few, 'payment', 'payments')}; little is {found.little}."
        " Where a history was not read, or others may have paid, a role that is possible is called"
        " unknown, and whoever may have it is masked."
    )
    return Finding(
        "People by role",
        (NEVER, f"{LIKELY} {judged}", *found.open_questions()),
        BY_ROLE.rows(by_role(found.frame)),
        found.asset,
        (SHARED,),
    )
