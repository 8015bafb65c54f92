"""``change_rates``: how often rules on change, fitted or not, are right where owners are known.

Beside what a rule gets wrong stands what it finds: of the transactions whose change could be
linked, how many it links. A rule that links nothing is never wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.evaluate.evaluation import BASIS, World
from chainwatch.evaluate.link_rates import link_rates
from chainwatch.evaluate.measured import Measured
from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.change.links import change_links, linkable
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.progress import watched
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Table

CHANGE_RATES = Table(
    "change_rates",
    ("basis", "rule"),
    "One row per rule on change and kind of world: what its links got right and wrong.",
    (
        BASIS,
        Column.kind("rule", "what the rule is called here"),
        Column.count("worlds", "independent worlds that were judged"),
        Column.count("right", "links that join two addresses of one owner"),
        Column.count("wrong", "links that join addresses of two owners"),
        Column.count("undecided", "links that are left undecided"),
        Column.count("change", "transactions with an output that goes back to its payer"),
        Column.count("owners", "owners whose change that is"),
        Column.number("squares", "sum over owners of the square of their tested joining links"),
        Column.number("change_squares", "sum over owners of the square of their transactions"),
    ),
)

_TX = ["chain", "tx"]


class _Known(NamedTuple):
    """Transactions with change by the truth, and how they fall to owners."""

    change: int
    owners: int
    squares: int


@dataclass(frozen=True, repr=False, eq=False)
class ChangeRates(Measured, Result):
    """What rules on change got right, wrong and did not find; conditional on the basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``CHANGE_RATES``.
    rules : mapping
        The rules by their names here, as text with the digest of their code.
    """

    frame: pl.DataFrame
    rules: Mapping[str, str]

    table: ClassVar[Table] = CHANGE_RATES
    measured: ClassVar[str] = "rule {rule!r} was measured on {basis!r}"

    def words(self) -> Mapping[str, Mapping[str, str]]:
        """Return which rules were judged."""
        return {"rules": dict(self.rules)}

    def wrong(self, rule: str, basis: str) -> Share:
        """Return the share of the links of a rule that join two owners."""
        row = self.row(rule=rule, basis=basis)
        return Share.of_owners(row["wrong"], row["right"] + row["wrong"], row["squares"])

    def found(self, rule: str, basis: str) -> Share:
        """Return the share of the transactions with change in which a rule links it."""
        row = self.row(rule=rule, basis=basis)
        return Share.of_owners(row["right"], row["change"], row["change_squares"])

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        return [
            f"    {rule} on {basis}: wrong {self.wrong(rule, basis)};"
            f" found {self.found(rule, basis)}"
            for basis, rule in self.frame.select("basis", "rule").iter_rows()
        ]


@recorded
def change_rates(
    worlds: Iterable[World], rules: Mapping[str, Rule], *, unless: Rule | None = JOINT
) -> ChangeRates:
    """Link change by each rule in each world, and count what is right, wrong and not found.

    Links of one owner are right or wrong together, so that intervals count owners, weighed by what
    they have.

    Parameters
    ----------
    worlds : iterable of World
        Ledgers with known owners, taken one after the other; of one basis they are added up. None
        of them may have been looked at while a rule was chosen or fitted.
    rules : mapping of str to Rule
        Rules on outputs, by the names to tell.
    unless : Rule or None
        As :func:`chainwatch.heuristics.change.links.change_links` takes it.

    Raises
    ------
    InputError
        If there is no world or no rule, or the truth of a world was labelled by rules.

    Fails when
    ----------
    The truth names only some owners: then change is missing from what could be found, and wrong
    links to others are not counted.
    """
    if not rules:
        raise InputError("there is no rule to measure", remedy="pass some by their names")
    counted: list[pl.DataFrame] = []
    with watched("measuring rules on change") as tell:
        for world in worlds:
            if tell:
                tell(world.name)
            counted.append(_judged(world, rules, unless))
    if not counted:
        raise InputError("there is no world to measure on", remedy="pass at least one")
    order = {name: place for place, name in enumerate(rules)}
    added = pl.concat(counted).group_by("basis", "rule").agg(pl.all().sum())
    by = pl.col("rule").replace_strict(order, return_dtype=pl.Int64)
    frame = CHANGE_RATES.conform(added.sort("basis", by).select(CHANGE_RATES.names))
    return ChangeRates(frame, {name: rule.identity() for name, rule in rules.items()})


def _judged(world: World, rules: Mapping[str, Rule], unless: Rule | None) -> pl.DataFrame:
    """Return what each rule got right and wrong in one world."""
    expect(world, World, "a world", "pass World(name, ledger, truth)")
    world.truth.refuse_inferred("rules on change")
    known = _known(world.ledger, world.truth)
    rows = []
    for name, rule in rules.items():
        made = link_rates(change_links(world.ledger, rule, unless=unless), world.truth).sum()
        right, wrong, squares = (
            made[one][0] for one in ("joined_right", "joined_wrong", "squares")
        )
        undecided = made["undecided_right"][0] + made["undecided_wrong"][0]
        rows.append((world.truth.basis, name, 1, right, wrong, undecided, known.change,
                     known.owners, squares, known.squares))  # fmt: skip
    return CHANGE_RATES.frame(rows)


def _known(ledger: Ledger, truth: Truth) -> _Known:
    """Return the transactions of two or more payments of which one or more go back to the payer."""
    paid = features.outputs(ledger).filter(
        (pl.col("payments") > 1) & pl.col("payment") & ~pl.col("coinbase")
    )
    ends = paid.filter(linkable()).select(
        *_TX, "txid", a="first_input", b="address", chain_b="chain"
    )
    once = truth.judge(ends).filter("right").unique(_TX)
    sizes = once.group_by(pl.col("owners_a").list.first()).len()["len"].cast(pl.Int64)
    return _Known(once.height, sizes.len(), int((sizes**2).sum() or 0))
