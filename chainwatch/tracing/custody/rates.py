"""``custody_rates``: how often rules for deposit addresses are right, where everybody is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.errors import InputError
from chainwatch.evaluate.shares import Share, effective_cases
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.progress import watched
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import SERVICE, Column, Privacy, Rows, Table
from chainwatch.sanitize import preformatted
from chainwatch.simulate.services.simulation import SimulatedServices
from chainwatch.simulate.services.world import DEPOSIT, NETWORK
from chainwatch.tracing.custody.roles import service_roles
from chainwatch.tracing.custody.service_side import MIN_UNRELATED
from chainwatch.units import counted

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
        Column.kind("basis", "where what is known comes from"),
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
        Column.kind("basis", "where what is known comes from"),
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
class CustodyRates(Result):
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

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "custody_rates": CUSTODY_RATES.rows(self.frame),
            "twins": TWIN_KINDS.rows(self.twins),
        }

    def share(self, name: str, *, basis: str, rule: str, service: str = ALL) -> Share:
        """Return a measured share: ``wrong``, ``found`` or ``twins_called``.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        of = {"wrong": ("called", "called_cases"), "found": ("deposits", "deposit_cases"),
              "twins_called": ("twins", "twin_cases")}  # fmt: skip
        rows = self.frame.filter(basis=basis, rule=rule, service=service)
        if name not in of or rows.is_empty():
            raise InputError(
                f"no {name} of {rule!r} at {service!r} was measured on {basis!r}",
                remedy=f"ask for one of {', '.join(of)}, and for a row of .frame",
            )
        return _share(rows.row(0, named=True), name, *of[name])

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

    def __repr__(self) -> str:
        return "\n".join(
            [f"CustodyRates({counted(self.frame.height, 'row', 'rows')})", *self.lines()]
        )

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


def _share(row: Mapping[str, int], name: str, of: str, cases: str) -> Share:
    return Share(row[name], row[of], row[cases] if row[of] else None)


def known_custody(made: SimulatedServices) -> KnownCustody:
    """Return a simulated chain with tags on the hot wallets that tags name."""
    kind = "adversarial" if made.adversarial else "honest"
    rows = [
        {
            "chain": NETWORK, "address": address, "label": f"{name} hot wallet", "actor": name,
            "concept": concept, "source": "simulated", "confidence": "service_data", "level": 50,
            "pack": "simulated", "definer": False,
        }
        for name, address in made.wallets.items() for concept in ("exchange", "hot_wallet")
    ]  # fmt: skip
    tags = make_tags(pl.DataFrame(rows, schema=TAGS.schema, orient="row"))
    basis = f"simulated services, {kind} ({made.part} part)"
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
    judged: dict[str, list[pl.DataFrame]] = {}
    with watched("judging custody") as tell:
        for world in worlds:
            mine = judged.setdefault(world.basis, [])
            if tell:
                tell(f"{world.basis}, chain {len(mine) + 1}")
            mine.append(_judged(world, len(mine), min_unrelated))
    if not judged:
        raise InputError("there is no world to judge custody on", remedy="pass at least one")
    rates = [row for basis, rows in sorted(judged.items()) for row in _rates(basis, rows)]
    kinds = [row for basis, rows in sorted(judged.items()) for row in _kinds(basis, rows)]
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
                called.height, called.filter(~pl.col("deposit")).height, _cases(called),
                twice.height, twice.filter(pl.col(rule)).height, _cases(twice),
                twins.height, twins.filter(pl.col(rule)).height, _cases(twins),
            )  # fmt: skip


def _cases(rows: pl.DataFrame) -> int:
    """Return how many independent customers and owners some addresses are worth."""
    of = Counter(rows["case"])
    return effective_cases(rows.height, sum(count * count for count in of.values()))


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
