"""``roles``: who people are, by tags and by what they paid; whom a disclosure may never show."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.naming import DEPOSIT
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.tags import Tags
from chainwatch.errors import InputError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import Prices
from chainwatch.ledger.schema import TAGS
from chainwatch.privacy.people.assigned import assigned
from chainwatch.privacy.people.behaviour import ANCHORS, Few, judged, pairs, to_anchors
from chainwatch.privacy.people.payments import Touching, owners_of, payments_of
from chainwatch.privacy.people.reading import pairs_unread
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.privacy.people.size import SMALL_WORTH, Little
from chainwatch.privacy.people.tables import ACCUSED, EVIDENCE, NETWORK, TAG
from chainwatch.privacy.people.tagged import first_role, payers_of_role, tagged
from chainwatch.results.result import recorded
from chainwatch.tracing.arguments import check, check_tags
from chainwatch.tracing.subjects import Named, Subjects, subjects_of, widened

FEW = 10
"""The most payments to vendors and markets, or to campaigns, that are seldom. A choice."""


@recorded
def roles(
    ledger: Ledger, subjects: Subjects, *, tags: Tags | None = None,
    clusters: Framed | None = None, asset: Asset | None = None, chain: str | None = None,
    subject_role: str = NETWORK, few: int = FEW, small: int | None = None,
    prices: Prices | None = None, currency: str = "USD", worth: int = SMALL_WORTH,
    price_source: str | None = None,
) -> PeopleRoles:  # fmt: skip
    """Give each party that deals with subjects and tagged parties one of eight roles.

    Vendors, markets, services and networks are those whom a tag names, or subjects. Who paid a
    vendor or a market seldom and little and got back less is a likely consumer; who so paid a
    published campaign a small donor; who paid somebody tagged with a scam, extortion or theft and
    got back less a victim. Who paid vendors often, and little each time, is *unknown*. These three
    are masked in every disclosure, and so is who may be one, whose role is *unknown*. All others
    are bystanders.

    Parameters
    ----------
    ledger : Ledger
        The span to read.
    subjects : frame with ``chain`` and ``address``, tags, or one or several addresses
        On whom the case is.
    tags, clusters : Tags, Clusters, optional
        ``tags``: who is what, on the days of each; ``clusters``: whose addresses are one party.
    asset, chain : Asset, str, optional
        As :func:`chainwatch.trace` takes them.
    subject_role : str
        What a subject is without a tag: vendor, market, service or network.
    few, small : int
        ``few``: most payments that are *seldom*; ``small``: base units that are *little* at most.
    prices, currency, worth, price_source : Prices, str, int, str, optional
        ``prices``: what a payment was worth on its day; ``currency``: of that; ``worth``: the most
        that is *little*, in whole units of it; ``price_source``: whose prices. With no bound of
        either kind nobody is a likely consumer or small donor.

    Raises
    ------
    InputError
        If a threshold is no whole number above zero, or a subject is an output.
    TraceError
        If it is not clear which chain or asset is meant.

    Fails when
    ----------
    Somebody buys or gives through a service that no tag names: it looks like a person. A vendor
    whom no tag names buys: it is masked. One address is many people, or no cluster joins one's.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, 2020; Chainalysis on money services, 2023.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(prices, (Prices, type(None)), "prices", "pass prices, as read_prices returns them")
    check(clusters=clusters)
    _check(subject_role, few)
    little = Little(small, prices, currency, worth, price_source)
    of = subjects_of(subjects, asset, chain, ledger)
    at = _Anchors.of(of, tags, clusters, subject_role)
    met = payments_of(ledger, of.asset, at.addresses, at.owners)
    return _found(ledger, of.asset, met, at, little, few, subject_role)


def _check(subject_role: str, few: int) -> None:
    if subject_role not in ACCUSED:
        raise InputError(
            f"{str(subject_role)[:40]!r} is no role of a subject",
            remedy=f"write one of {', '.join(ACCUSED)}",
        )
    if isinstance(few, bool) or not isinstance(few, int) or few < 1:
        raise InputError("few is no whole number above zero", remedy="write few=10")


def _tagged(tags: Tags | None, chain: str, owners: pl.DataFrame) -> pl.DataFrame:
    """Return the tags that give roles, those of whole clusters on each of their addresses.

    Tags of one cluster that name two parties speak of no other address of it.
    """
    if tags is not None:
        check_tags(tags)
    frame = TAGS.empty() if tags is None else tags.frame
    rows = tagged(frame, chain).with_columns(pl.lit(True).alias("direct"))
    said = rows.filter(pl.col("definer").fill_null(False) & (pl.col("concept") != DEPOSIT))
    named = said.join(owners, on="address").filter(pl.col("label").n_unique().over("owner") == 1)
    wider = (
        named.drop("address").join(owners, on="owner").with_columns(pl.lit(False).alias("direct"))
    )
    both = pl.concat([rows, wider.select(rows.columns)])
    keys = [name for name in rows.columns if name != "direct"]
    return both.sort("direct", descending=True).unique(keys, keep="first").sort(*keys)


@dataclass(frozen=True)
class _Anchors:
    """Of whom payments are read, and what whoever pays them may be.

    ``owners`` are ``address, owner`` of clusters; ``rows`` in ``ANCHORS``.
    """

    given: pl.DataFrame
    subjects: pl.Series
    rows: pl.DataFrame
    addresses: pl.Series
    owners: pl.DataFrame

    @classmethod
    def of(
        cls, of: Named, tags: Tags | None, clusters: Framed | None, subject_role: str
    ) -> _Anchors:
        """Return the subjects, and the tagged of whose payers a tag says something."""
        chain = of.asset.chain
        if of.chosen:
            raise InputError(
                f"{of.chosen[0].shown(chain)} is no address", remedy="give the one it pays"
            )
        owners = owners_of(clusters, chain)
        subjects = pl.Series(sorted(widened(of.addresses, chain, clusters)), dtype=pl.Binary)
        given = _tagged(tags, chain, owners)
        told = given.drop_nulls("payers").select("address", "payers", "first_day", "last_day")
        untold = subjects.to_frame("address").join(given, on="address", how="anti")
        mine = untold.with_columns(
            pl.lit(payers_of_role(subject_role), pl.String).alias("payers"),
            pl.lit(None, pl.Date).alias("first_day"),
            pl.lit(None, pl.Date).alias("last_day"),
        ).drop_nulls("payers")
        rows = pl.concat([told, mine.select(told.columns)])
        owned = _with_owner(rows, owners).rename({"owner": "payee"}).select(list(ANCHORS))
        both = pl.concat([rows["address"], subjects])
        return cls(given, subjects, owned.unique(), both.unique().sort(), owners)


def _with_owner(rows: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    found = rows.join(owners, on="address", how="left")
    return found.with_columns(pl.coalesce("owner", "address").alias("owner"))


def _found(
    ledger: Ledger, asset: Asset, met: Touching, at: _Anchors, little: Little, few: int,
    subject_role: str,
) -> PeopleRoles:  # fmt: skip
    paid = little.of(to_anchors(met.rows, at.rows), asset)
    found = pairs(paid, met.rows)
    told = judged(found, Few(few), pairs_unread(ledger, asset, found, at.owners))
    listed = pl.concat([
        met.rows["payer"], met.rows["payee"],
        _with_owner(at.addresses.to_frame("address"), at.owners)["owner"],
    ]).unique().to_frame("owner")  # fmt: skip
    addresses = listed.join(at.owners, on="owner", how="left").select(
        pl.coalesce("address", "owner").alias("address"), "owner"
    )
    frame = assigned(asset.chain, addresses, first_role(at.given), told, at.subjects, subject_role)
    evidence = pl.concat([_paid(asset.chain, found, told), _said(asset.chain, at, addresses)])
    return PeopleRoles(
        frame, evidence.sort(EVIDENCE.key, nulls_last=True), asset,
        frozenset(at.subjects), few, little.said(asset), met.payer_unread,
    )  # fmt: skip


def _paid(chain: str, found: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the payments that tell, in the rows of ``EVIDENCE``."""
    rows = found.join(told.drop("unread"), on=["payer", "payers"]).rename(
        {"payer": "owner", "payee": "other", "payers": "says"}
    )
    return _evidence(chain, rows)


def _said(chain: str, at: _Anchors, addresses: pl.DataFrame) -> pl.DataFrame:
    """Return the tags that give roles to those who are listed, in the rows of ``EVIDENCE``."""
    rows = at.given.join(addresses, on="address").rename({"role": "says"}).with_columns(
        pl.lit(TAG).alias("fits"), pl.lit("a tag says it").alias("why"),
        pl.lit(0, pl.Int64).alias("payments"), pl.lit(0, pl.Int64).alias("doubtful"),
    )  # fmt: skip
    return _evidence(chain, rows).unique()


def _evidence(chain: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in the columns of ``EVIDENCE``; what they do not say is null."""
    missing = {name: kind for name, kind in EVIDENCE.schema.items() if name not in rows.columns}
    whole = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in missing.items())
    return (
        whole.with_columns(pl.lit(chain).alias("chain"))
        .select(EVIDENCE.names)
        .cast(
            EVIDENCE.schema  # type: ignore[arg-type]  # polars types mix classes and instances
        )
    )
