"""``custody_rates``: how often rules for deposit addresses are right, where everybody is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.evaluate.measured import KNOWN_FROM, Counts, Measured, judged_by_basis
from chainwatch.evaluate.shares import Share, cases_of
from chainwatch.evaluate.simulated import tags_on_wallets
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import SERVICE, Column, Privacy, Rows, Table
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.simulate.services.simulation import SimulatedServices
from chainwatch.simulate.services.world import DEPOSIT, NETWORK
from chainwatch.tracing.custody.roles import service_roles
from chainwatch.tracing.custody.service_side import MIN_UNRELATED

PROBABLE, ONE_DESTINATION, VICTOR, PRODUCTION, MANY = (
    "probable: the service's side",
    "one destination",
    "Victor",
    "production",
    "several depositors",
)
"""Rules that are judged. The last calls a one-destination address a deposit address where several
pay it: what that would show by itself."""

ALL = "all services"

CUSTODY_RATES = Table(
    "custody_rates",
    ("basis", "rule", "service"),
    "One row per rule and service: whom it calls a deposit address, and who is one.",
    (
        KNOWN_FROM,
        Column.kind("rule", "what calls an address a deposit address"),
        SERVICE,
        Column.count("worlds", "independent chains"),
        Column.count("called", "addresses that the rule calls deposit addresses of the service"),
        Column.count("wrong", "of these those whose keys the service does not hold"),
        Column.count("called_cases", "independent holders and customers behind them"),
        Column.count("deposits", "deposit addresses of the service that paid it at least twice"),
        Column.count("found", "of these those that the rule calls so"),
        Column.count("deposit_cases", "independent customers behind them"),
        Column.count("twins", "self-held wallets that pay the service alone, at least twice"),
        Column.count("twins_called", "of these those that the rule calls deposit addresses"),
        Column.count("twin_cases", "independent owners behind them"),
    ),
)

TWIN_KINDS = Table(
    "twins",
    ("basis", "kind"),
    "Self-held wallets that pay one service alone, by what their holder does, and what is said.",
    (
        KNOWN_FROM,
        Column("kind", pl.String, Privacy.KIND, "what the holder does"),
        Column.count("wallets", "such wallets"),
        Column.count("owners", "who hold them"),
        Column.count("probable", "called probable deposit addresses, which is wrong"),
        Column.count("undecided", "whose custody is called undecided"),
        Column.count("victor", "called deposit addresses by Victor's rule"),
        Column.count("production", "called deposit addresses by the production rule"),
    ),
)


class KnownCustody(NamedTuple):
    """A ledger in which it is known whose keys every address is held by.

    ``truth`` has ``address, role, holder, customer, kind``.
    """

    basis: str
    ledger: Ledger
    tags: Tags
    asset: Asset
    truth: pl.DataFrame


@dataclass(frozen=True, repr=False, eq=False)
class CustodyRates(Measured, Result):
    """How often rules for deposit addresses are right; every figure is conditional on its basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`CUSTODY_RATES`.
    twins : polars.DataFrame
        Rows in :data:`TWIN_KINDS`.
    """

    frame: pl.DataFrame
    twins: pl.DataFrame

    table: ClassVar[Table] = CUSTODY_RATES
    shares: ClassVar[Mapping[str, Counts]] = {
        "wrong": ("called", "called_cases"), "found": ("deposits", "deposit_cases"),
        "twins_called": ("twins", "twin_cases"),
    }  # fmt: skip
    measured: ClassVar[str] = "{rule!r} at {service!r} was measured on {basis!r}"

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {**super().tables(), TWIN_KINDS.name: TWIN_KINDS.rows(self.twins)}

    def share(self, name: str, *, basis: str, rule: str, service: str = ALL) -> Share:
        """Return a measured share: ``wrong``, ``found`` or ``twins_called``.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        return self.share_of(name, basis=basis, rule=rule, service=service)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        found = []
        for row in self.frame.iter_rows(named=True):
            of = {"basis": row["basis"], "rule": row["rule"], "service": row["service"]}
            wrong, hit, twins = (
                self.share(name, **of) for name in ("wrong", "found", "twins_called")
            )
            found += [
                f"{row['rule']} at {row['service']}, {row['basis']} ({row['worlds']} worlds):",
                f"    called deposit addresses that are not: {wrong}",
                f"    deposit addresses found: {hit}",
                f"    self-held wallets called so: {twins}",
            ]
        return found


def known_custody(made: SimulatedServices) -> KnownCustody:
    """Return a simulated chain with tags on the hot wallets that tags name."""
    tags = make_tags(tags_on_wallets(NETWORK, made.wallets))
    basis = basis_of("services", made)
    return KnownCustody(basis, made.ledger(), tags, made.asset, made.truth)


@recorded
def custody_rates(
    worlds: Iterable[KnownCustody], *, min_unrelated: int = MIN_UNRELATED
) -> CustodyRates:
    """Count whom each rule calls a deposit address, and who is one.

    Parameters
    ----------
    worlds : iterable of KnownCustody
        Taken one after the other; those of one basis are added up.
    min_unrelated : int
        As :func:`chainwatch.tracing.custody.hosted.hosted` has it.

    Returns
    -------
    CustodyRates
        Customers and owners are the independent cases: addresses of one are right or wrong for one
        reason.

    Raises
    ------
    InputError
        If there is no world.

    Fails when
    ----------
    The worlds were looked at while a rule was chosen: the figures are then too good.
    """
    judged = judged_by_basis(
        worlds,
        lambda one: one.basis,
        lambda one, place: _judged(one, place, min_unrelated),
        "custody",
    )
    rates = [row for basis, rows in judged for row in _rates(basis, rows)]
    kinds = [row for basis, rows in judged for row in _kinds(basis, rows)]
    return CustodyRates(CUSTODY_RATES.frame(rates), TWIN_KINDS.frame(kinds))


def _judged(world: KnownCustody, place: int, min_unrelated: int) -> pl.DataFrame:
    """Return one row per address that paid a service, with what each rule says and the truth."""
    found = service_roles(
        world.ledger, world.tags, asset=world.asset, min_unrelated=min_unrelated
    ).rules
    certain = pl.col("certainty") == "probable"
    rows = found.join(world.truth, on="address", how="left").with_columns(
        (pl.col("one_destination") & certain.fill_null(False)).alias(PROBABLE),
        pl.col("one_destination").alias(ONE_DESTINATION),
        pl.col("victor").alias(VICTOR),
        pl.col("production").alias(PRODUCTION),
        (pl.col("one_destination") & (pl.col("depositors") >= min_unrelated)).alias(MANY),
    )
    deposit = (pl.col("role") == DEPOSIT) & (pl.col("holder") == pl.col("service"))
    return rows.with_columns(
        deposit.alias("deposit"),
        (pl.lit(f"{place} ") + pl.col("holder") + " " + pl.col("customer")).alias("case"),
    )


def _rates(basis: str, worlds: Sequence[pl.DataFrame]) -> Iterator[tuple[object, ...]]:
    rows = pl.concat(worlds)
    services = sorted(rows["service"].unique())
    for rule in (PROBABLE, ONE_DESTINATION, VICTOR, PRODUCTION, MANY):
        for service in (ALL, *services):
            mine = rows if service == ALL else rows.filter(service=service)
            called = mine.filter(pl.col(rule))
            twice = mine.filter("deposit", pl.col("payments") > 1)
            twins = mine.filter(~pl.col("deposit"), pl.col("one_destination"))
            yield (
                basis, rule, service, len(worlds),
                called.height, called.filter(~pl.col("deposit")).height, cases_of(called["case"]),
                twice.height, twice.filter(pl.col(rule)).height, cases_of(twice["case"]),
                twins.height, twins.filter(pl.col(rule)).height, cases_of(twins["case"]),
            )  # fmt: skip


def _kinds(basis: str, worlds: Sequence[pl.DataFrame]) -> Iterator[tuple[object, ...]]:
    rows = pl.concat(worlds).filter(~pl.col("deposit"), pl.col("one_destination"))
    for kind in sorted(rows["kind"].unique()):
        mine = rows.filter(kind=kind)
        counts = [int(mine[rule].sum()) for rule in (PROBABLE, VICTOR, PRODUCTION)]
        probable, victor, production = counts
        yield (
            basis, kind, mine.height, mine["case"].n_unique(), probable,
            mine.height - probable, victor, production,
        )  # fmt: skip
