"""``vendor_identities``: which profiles are one seller, by key; what only looks so stays a lead."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from chainwatch.attribution.naming import same
from chainwatch.attribution.rejections import REJECTED, rejected_frame
from chainwatch.attribution.statements.statement import Statement
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.taxonomy import level
from chainwatch.completion import names_of
from chainwatch.errors import InputError, expect
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.triage.identity.keys import is_full
from chainwatch.triage.identity.profiles import Profile, Profiles
from chainwatch.triage.identity.tables import JOINS, LEAD, LINKED, NOT, PLACES, PROFILES
from chainwatch.units import counted

KEY, CONTACT, HANDLE = "key", "contact", "handle"
ADVERT, WITHDRAWAL = "advert", "withdrawal"

TITLE = "Who sells under several names"
"""Heading of what a report says of them."""

MOST = 5
"""Profiles that a key or a contact may stand in: one in more is a market's, or everybody's."""

SOLD = 10
"""Sales from which on a profile's key is taken for its seller's: who cannot read orders that are
encrypted to it cannot sell so often."""


class Link(NamedTuple):
    """What two profiles have in common, and whether it joins them."""

    a: int
    b: int
    by: str
    verdict: str
    why: str


@dataclass(frozen=True, repr=False, eq=False)
class VendorIdentities(Result):
    """Sellers by their profiles, what links these, and where they are paid.

    Outside the desk no handle, key or contact is shown.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``PROFILES``.
    links : polars.DataFrame
        Rows in ``LINKED``.
    places : polars.DataFrame
        Rows in ``PLACES``.
    rejected : polars.DataFrame
        Rows of profiles that were not taken, each with its reason.
    """

    frame: pl.DataFrame
    links: pl.DataFrame
    places: pl.DataFrame
    rejected: pl.DataFrame = field(default_factory=rejected_frame)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "profiles": PROFILES.rows(self.frame),
            "profile_links": LINKED.rows(self.links),
            "paid_at": PLACES.rows(self.places),
            "rejected": REJECTED.rows(self.rejected),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return how many sellers the profiles are of, and what joined them."""
        sellers = self.frame["identity"].n_unique()
        leads = self.links.filter(pl.col("verdict") == LEAD).height
        said = (
            f"{counted(self.frame.height, 'profile is', 'profiles are')} of"
            f" {counted(sellers, 'seller', 'sellers')}, joined by keys alone;"
            f" {counted(leads, 'link is a lead', 'links are leads')} and"
            f" {'joins' if leads == 1 else 'join'} nobody."
        )
        rest = (
            "A name can be copied, and so can a public key: profiles are joined by a full"
            " fingerprint of which both sides proved the key, or sold so often that they must read"
            " what is encrypted to it. No transaction is behind such a link."
        )
        return (Finding(TITLE, (said, rest), headline=said),)

    def of(self, market: str, handle: str) -> int:
        """Return the number of the seller of a profile.

        Raises
        ------
        InputError
            If there is no such profile, or several with keys of their own.
        """
        rows = self.frame.filter(
            pl.col("market") == market,
            pl.col("handle").map_elements(same, pl.String) == same(handle),
        )
        if rows.is_empty():
            raise InputError("no such profile", remedy="name a market and a handle of the profiles")
        if rows["identity"].n_unique() > 1:
            raise InputError(
                f"{rows.height} profiles have that name there, each with a key of its own",
                remedy="look at the table of profiles: whose it is is not known",
            )
        return int(rows["identity"][0])

    def why(self, identity: int) -> pl.DataFrame:
        """Return what links the profiles of one seller with each other and with others."""
        mine = self.frame.filter(pl.col("identity") == identity)["profile"].implode()
        return self.links.filter(pl.col("a").is_in(mine) | pl.col("b").is_in(mine))

    def tags(self, *, confidence: str = "web_crawl") -> Tags:
        """Return where sellers are paid as tags, one actor for each seller.

        Parameters
        ----------
        confidence : str
            How sure the sources are: a level of TagPacks.
        """
        named = dict(
            self.frame.select(
                "profile", pl.concat_str("handle", "market", separator=" at ")
            ).iter_rows()
        )
        actors = self._actors()
        rows = [
            {
                "chain": row["chain"], "address": row["address"], "label": named[row["profile"]],
                "concept": "vendor", "actor": actors[row["identity"]], "source": row["source"],
                "confidence": confidence, "level": level(confidence),
                "first_day": row["first_day"], "last_day": None, "as_of": row["last_day"],
                "pack": row["by"], "definer": None, "context": None,
            }
            for row in self.places.iter_rows(named=True)
        ]  # fmt: skip
        return make_tags(pl.DataFrame(rows, schema=TAGS.schema, orient="row"))

    def _actors(self) -> dict[int, str]:
        """Return a name for each seller that is the same in every reading and nobody else's."""
        firsts = self.frame.filter(pl.col("identity") == pl.col("profile"))
        return {
            row["identity"]: "vendor " + sha256(
                "\x00".join((row["market"], same(row["handle"]), row["fingerprint"] or "")).encode()
            ).hexdigest()[:12]
            for row in firsts.iter_rows(named=True)
        }  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"VendorIdentities({counted(self.frame.height, 'profile', 'profiles')} of"
            f" {counted(self.frame['identity'].n_unique(), 'seller', 'sellers')},"
            f" {counted(self.links.height, 'link', 'links')},"
            f" {self.places.select('chain', 'address').n_unique():,} addresses where they are paid)"
        )


@recorded
def vendor_identities(
    profiles: Profiles, *, records: Mapping[str, Statement] | None = None, most: int = MOST,
    sold: int = SOLD,
) -> VendorIdentities:  # fmt: skip
    """Say which profiles on markets are one seller, and where each seller is paid.

    A full fingerprint joins two profiles of which both proved the key, or sold under it so often
    that they must hold it. A copied key, a short id of a key, a contact and a name are leads.

    Parameters
    ----------
    profiles : Profiles
        As :func:`read_profiles` returns them.
    records : mapping of str to Statement, optional
        By market what its database says of withdrawals, as ``read_statement`` reads it: the
        customer is a handle there. Such an address is linked to the seller without a transaction.
    most : int
        Profiles in which a key or a contact may stand, and sellers whom an address may be said to
        be of; one of more is nobody's own.
    sold : int
        Sales from which on a key is taken for the seller's.

    Returns
    -------
    VendorIdentities
        Sellers, links with why, and the addresses where they are paid.

    Raises
    ------
    InputError
        If a number is none.

    Fails when
    ----------
    Two people share one key, or one sells a shop with its key. A market lets nobody see sales.
    """
    expect(profiles, Profiles, "the profiles", "read them first: read_profiles('profiles.csv')")
    for name, given in (("most", most), ("sold", sold)):
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise InputError(f"{name} is no whole number above zero", remedy=f"pass {name}=5")
    listed = _merged(profiles.listed)
    _check_records(records or {}, listed)
    links = sorted({*_by_key(listed, most, sold), *_by_contact(listed, most), *_by_handle(listed)})
    of = _identities(len(listed), links)
    return VendorIdentities(
        PROFILES.frame([_row(at, of[at], one) for at, one in enumerate(listed)]),
        LINKED.frame(links), _places(listed, of, records or {}, most), profiles.rejected,
    )  # fmt: skip


def _merged(listed: Iterable[Profile]) -> list[Profile]:
    """Return one profile per market, handle and key, in order: rows of several days are one."""
    found: dict[tuple[str, str, str], list[Profile]] = defaultdict(list)
    for one in listed:
        found[one.market, same(one.handle), one.fingerprint or ""].append(one)
    several = Counter((market, name) for market, name, _ in found)
    made = [_one(rows) for _, rows in sorted(found.items())]
    # Of a profile that showed several keys nobody knows under which it sold.
    return [
        replace(one, sales=None) if several[one.market, same(one.handle)] > 1 else one
        for one in made
    ]


def _check_records(records: Mapping[str, Statement], listed: Sequence[Profile]) -> None:
    markets = sorted({one.market for one in listed})
    for market, statement in records.items():
        expect(statement, Statement, f"the records of {market!r:.40}", "pass read_statement(...)")
        if market not in markets:
            raise InputError(
                f"no profile is of the market {market!r:.40}",
                remedy=f"write one of {', '.join(map(repr, markets[:8])) or 'none'}",
            )


def _one(rows: Sequence[Profile]) -> Profile:
    proven = {one.proven for one in rows}
    return Profile(
        rows[0].market, min(one.handle for one in rows), rows[0].fingerprint,
        tuple(sorted({contact for one in rows for contact in one.contacts})),
        True if True in proven else False if False in proven else None,
        max((one.sales for one in rows if one.sales is not None), default=None),
        min((one.first for one in rows if one.first), default=None),
        max((one.last for one in rows if one.last), default=None),
        tuple(sorted({place for one in rows for place in one.addresses})),
        "; ".join(sorted({one.source for one in rows})),
    )  # fmt: skip


def _row(at: int, identity: int, one: Profile) -> tuple[Any, ...]:
    return (
        at, identity, one.market, one.handle, one.fingerprint, "; ".join(one.contacts) or None,
        one.proven, *(None if it is None else str(it) for it in (one.sales, one.first, one.last)),
        one.source,
    )  # fmt: skip


def _shared(listed: Sequence[Profile], of: Mapping[int, Sequence[str]]) -> dict[str, list[int]]:
    """Return the profiles in which each of some words stands, where these are two or more."""
    found: dict[str, list[int]] = defaultdict(list)
    for at in range(len(listed)):
        for word in of[at]:
            found[word].append(at)
    return {word: places for word, places in found.items() if len(places) > 1}


def _pairs(places: Sequence[int], most: int) -> Iterable[tuple[int, int]]:
    """Return all pairs of a few; of many each with the first, as their number grows without end."""
    few = len(places) <= most
    return combinations(places, 2) if few else ((places[0], other) for other in places[1:])


def _by_key(listed: Sequence[Profile], most: int, sold: int) -> Iterator[Link]:
    keys = {at: [one.fingerprint] if one.fingerprint else [] for at, one in enumerate(listed)}
    for key, places in _shared(listed, keys).items():
        for a, b in _pairs(places, most):
            verdict, why = _key_verdict(key, len(places), (listed[a], listed[b]), most, sold)
            yield Link(a, b, KEY, verdict, why)


def _key_verdict(
    key: str, count: int, pair: Sequence[Profile], most: int, sold: int
) -> tuple[str, str]:
    if count > most:
        return NOT, f"the key stands in {count} profiles: it is no seller's own"
    if not is_full(key):
        return LEAD, "an id or an old fingerprint, for which other keys can be made"
    if any(one.proven is False for one in pair):
        return LEAD, "a side is known not to have proved the key: it may be a copy"
    held = [bool(one.proven) or (one.sales or 0) >= sold for one in pair]
    if all(held):
        return JOINS, "the same full fingerprint, and both sides proved the key or sold under it"
    return LEAD, "the same full fingerprint; that both sides hold the key is not shown"


def _by_contact(listed: Sequence[Profile], most: int) -> Iterator[Link]:
    told = {at: one.contacts for at, one in enumerate(listed)}
    for places in _shared(listed, told).values():
        few = len(places) <= most
        why = (
            "the same contact, which anybody can write down" if few
            else f"the contact stands in {len(places)} profiles: it is no seller's own"
        )  # fmt: skip
        for a, b in _pairs(places, most):
            yield Link(a, b, CONTACT, LEAD if few else NOT, why)


def _by_handle(listed: Sequence[Profile]) -> Iterator[Link]:
    names = {at: [same(one.handle)] for at, one in enumerate(listed)}
    for places in _shared(listed, names).values():
        for a, b in _pairs(places, MOST):
            one, two = listed[a], listed[b]
            other = bool(one.fingerprint and two.fingerprint) and one.fingerprint != two.fingerprint
            why = (
                "the same name with another key" if other else "the same name, which can be copied"
            )
            yield Link(a, b, HANDLE, LEAD, why)


def _identities(count: int, links: Sequence[Link]) -> list[int]:
    """Return of each profile the number of its seller: the profiles that links join share one."""
    parent = list(range(count))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one in links:
        if one.verdict == JOINS:
            low, high = sorted((root(one.a), root(one.b)))
            parent[high] = low
    return [root(at) for at in range(count)]


def _places(
    listed: Sequence[Profile], of: Sequence[int], records: Mapping[str, Statement], most: int
) -> pl.DataFrame:
    rows = [
        (of[at], at, chain, address, ADVERT, 1, one.first, one.last, one.source, None)
        for at, one in enumerate(listed)
        for chain, address in one.addresses
    ]
    frame = PLACES.frame([*rows, *_withdrawn(listed, of, records)]).sort(PLACES.key)
    # Where many are paid is a market's or a service's, and nobody's own.
    sellers = pl.col("identity").n_unique().over("chain", "address")
    return frame.filter(sellers <= most)


def _withdrawn(
    listed: Sequence[Profile], of: Sequence[int], records: Mapping[str, Statement]
) -> Iterator[tuple[Any, ...]]:
    """Yield where a market's records say that a seller withdrew to.

    A handle under which a market shows two keys is of two profiles: whose a withdrawal is, is then
    not known, and it is nobody's.
    """
    by_name = Counter((one.market, same(one.handle)) for one in listed)
    at = {(one.market, same(one.handle)): place for place, one in enumerate(listed)}
    for market, statement in sorted(records.items()):
        notes = statement.frame.filter(pl.col("direction") == WITHDRAWAL).drop_nulls("customer")
        grouped: dict[tuple[int, str, bytes, str], list[Any]] = defaultdict(list)
        for chain, address, customer, time, source in notes.select(
            "chain", "address", "customer", "time", "source"
        ).iter_rows():
            name = (market, same(customer))
            if by_name[name] == 1:
                grouped[at[name], chain, address, source].append(time)
        for (place, chain, address, source), times in grouped.items():
            days = sorted(time.date() for time in times if time is not None)
            yield (
                of[place], place, chain, address, WITHDRAWAL, len(times),
                days[0] if days else None, days[-1] if days else None, source, None,
            )  # fmt: skip


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)


__all__ = ["Link", "VendorIdentities", "vendor_identities"]
