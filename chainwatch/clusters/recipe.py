"""``owners``: clusters from a recipe, which may go from change to clusters and back again.

What clusters show, rules on change cannot know: an output whose address is the payer's already is
his change, and then the others are payments; and whoever was paid by an owner once is not his
change the next time. So predictions are made round by round, each from the clusters of all rounds
before, until nothing moves. A transaction is decided once, so that it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.attribution.resolve import Framed
from chainwatch.clusters.apart import Apart, Tagged
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.rounds import change_rounds, predicted_links
from chainwatch.errors import InputError, RuleError, expect
from chainwatch.heuristics.accounts import catalogue as account_rules
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.link_rule import LinkRule
from chainwatch.heuristics.change import (
    address_type,
    one_time_change,
    optimal_change,
    power_of_ten,
    same_wallet,
)
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.keys.key_set_change import key_set_changes
from chainwatch.heuristics.keys.same_key import same_key
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.signing import UnreadFlags, checked
from chainwatch.ledger.ledger import Ledger


@dataclass(frozen=True)
class Recipe:
    """What makes owners of a ledger; printed in full in the record of what it made.

    Attributes
    ----------
    change : Rule or None
        A rule on outputs that says which cannot be ruled out as change; None links no change.
    unless : Rule or None
        A rule on transactions that says whether strangers built one together.
    unread_flags : {"by_height", "join", "undecided"}
        What inputs do whose signatures were not read, as co-spending takes it.
    revealed : bool
        Count addresses that no output read, but only unlocking scripts name.
    one_key : bool
        Link addresses of one key in several forms, on one chain and across chains.
    key_sets : bool
        Link a multisig with one of nearly the same keys that takes its place; off by default.
    accounts : tuple of LinkRule
        Rules on accounts that link, on chains of accounts; none of them by default.
    accounts_at_least : float
        Links of accounts of a rule that is not shown to be right so often, by the lower end of the
        interval of its rate, are leads, and undecided.
    most_rounds : int or None
        After so many rounds no more change is predicted; None goes on until nothing moves.

    Raises
    ------
    RuleError
        If a rule reads other features than it must.
    InputError
        If no round is allowed, or ``unread_flags`` is no such word.
    """

    change: Rule | None = None
    unless: Rule | None = field(default=JOINT)
    unread_flags: UnreadFlags = "by_height"
    revealed: bool = True
    one_key: bool = True
    most_rounds: int | None = None
    accounts: tuple[LinkRule, ...] = ()
    accounts_at_least: float = 0.0
    key_sets: bool = False

    def __post_init__(self) -> None:
        for name, rule, on in (
            ("change", self.change, "outputs"),
            ("unless", self.unless, "transactions"),
        ):
            expect(rule, (Rule, type(None)), name, "pass a rule, or None")
            if rule is not None and rule.on != on:
                raise RuleError(f"{name}={rule} reads {rule.on}", remedy=f"pass a rule on {on}")
        checked(self.unread_flags)
        for name in ("revealed", "one_key", "key_sets"):
            expect(getattr(self, name), bool, name, "pass True or False")
        for one in self.accounts:
            expect(one, LinkRule, "a rule on accounts", "pass one, such as deposit_reuse()")
        if self.most_rounds is not None and self.most_rounds < 1:
            raise InputError(f"{self.most_rounds} rounds", remedy="give 1 or more, or None")

    def __call__(self, ledger: Ledger) -> Clusters:
        """Return the owners of a ledger by this recipe."""
        return owners(ledger, recipe=self)


DEFAULT = Recipe()
"""Co-spending and one key, and no change: no rule on change measures well enough by itself, as
decision 27 says with the figures."""

WITH_CHANGE = Recipe(
    change=one_time_change(wait_days=7)
    & optimal_change()
    & address_type()
    & power_of_ten()
    & same_wallet()
)
"""Change as well, where all that speaks against it is silent: for leads, and to be looked at."""


WITH_ACCOUNTS = Recipe(accounts=account_rules.DEFAULT, accounts_at_least=0.9)
"""Rules on accounts as well: those join that are shown to be right nine times in ten, by the lower
end of the interval of their rate, adversarial chains included. Today none is: all are leads, and
undecided."""

LEADS = Recipe(accounts=account_rules.DEFAULT)
"""All rules on accounts join, to be looked at: decision 50 says how often each is wrong."""


def owners(
    ledger: Ledger,
    *,
    recipe: Recipe = DEFAULT,
    tags: Tagged | None = None,
    apart: Apart | None = None,
    hosted: Framed | Sequence[Framed] | None = None,
    rates: Rates = MEASURED,
) -> Clusters:
    """Return the owners of a ledger by a recipe, with all links behind them.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; chains of accounts where the recipe has rules for them.
    recipe : Recipe
        What links and what stops links.
    tags : Tags, optional
        Raise an alarm for each cluster whose tags name more than one actor. They never join.
        Rules on accounts know services by them.
    apart : Apart, optional
        What must not come into one cluster, as :func:`keep_apart` returns it.
    hosted : Hosted or sequence of Hosted, optional
        Addresses whose custody was judged, of one asset or several: rules on accounts know probable
        ones to be deposit addresses.
    rates : Rates
        What confidences rest on; the record has its digest.

    Returns
    -------
    Clusters
        As :func:`chainwatch.clusters.cluster.cluster` makes them of the links of the recipe.

    Fails when
    ----------
    A link is wrong, as its rule says when: everything on both sides of it becomes one owner.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(recipe, Recipe, "recipe", "pass a Recipe, such as DEFAULT")
    links = _told(ledger, recipe, rates)
    if recipe.accounts:
        links += account_links(
            ledger, tags=tags, hosted=hosted, rules=recipe.accounts,
            at_least=recipe.accounts_at_least, rates=rates,
        )  # fmt: skip
    if recipe.change is not None:
        rounds = change_rounds(
            ledger, links, recipe.change, unless=recipe.unless,
            unread_flags=recipe.unread_flags, revealed=recipe.revealed, apart=apart,
            most_rounds=recipe.most_rounds, rates=rates,
        )  # fmt: skip
        links += predicted_links(rounds)
    return cluster(links, tags=tags, apart=apart)


def _told(ledger: Ledger, recipe: Recipe, rates: Rates) -> Links:
    """Return the links that coins tell by themselves: what was spent together, and keys."""
    links = co_spends(
        ledger, unless=recipe.unless, unread_flags=recipe.unread_flags, revealed=recipe.revealed,
        rates=rates,
    )  # fmt: skip
    if recipe.one_key:
        links += same_key(ledger, revealed=recipe.revealed, rates=rates)
    if recipe.key_sets:
        links += key_set_changes(
            ledger, unless=recipe.unless, revealed=recipe.revealed, rates=rates
        )  # fmt: skip
    return links
