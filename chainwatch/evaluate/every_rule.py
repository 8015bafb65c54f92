"""Every rule that links, each by itself: what its confidence is measured on."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.recipe import WITH_CHANGE
from chainwatch.errors import RuleError
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.change import change_links
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.keys import key_set_change
from chainwatch.heuristics.link_rules import KEY_SET_CHANGE, NO_KEY, OF_INPUTS, PREDICTED, UNREAD
from chainwatch.heuristics.links import ORDER, Links, one_chain
from chainwatch.heuristics.rates import made_by
from chainwatch.heuristics.rule import Rule, spec_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TABLES


def change_rules() -> Iterator[Rule]:
    """Yield every rule on change of the catalogue, with its default parameters."""
    for make in RULES:
        if spec_of(make).on == "outputs":
            yield make()


def every_link(ledger: Ledger) -> Links:
    """Return the links of all rules: of the widest recipe, and of each rule on change alone.

    Each stands as it was made, whatever another says of the same transaction.
    """
    found = [WITH_CHANGE(ledger).links.both_ends, _as_if_unsigned(ledger).both_ends]
    known = set(pl.concat(found)["rule"])
    for rule in change_rules():
        more = change_links(ledger, rule)
        names = set(more.frame["rule"])
        if names & known:
            raise RuleError(f"two rules link as {', '.join(sorted(names & known))}")
        known |= names
        found.append(more.both_ends)
    return Links(one_chain(pl.concat(found).unique().sort(ORDER)))


def terms() -> dict[str, str]:
    """Return on what terms the links of each rule are made, as their rates say it.

    Rules on accounts, and on keys that change, are measured on chains of their own, and each by
    itself.
    """
    change = {f"change: {rule}": made_by(JOINT, rule) for rule in change_rules()}
    rounds = dict.fromkeys(PREDICTED, made_by(WITH_CHANGE.unless, WITH_CHANGE.change))
    others = {rule.name: rule.made() for rule in (make() for make in ACCOUNT_RULES)}
    others[KEY_SET_CHANGE] = key_set_change.terms()
    return change | rounds | others | dict.fromkeys((*OF_INPUTS, NO_KEY), made_by(JOINT))


def _as_if_unsigned(ledger: Ledger) -> Links:
    """Return the links between inputs as an export without signatures would give them."""
    tables = {
        table.name: getattr(ledger, table.name).collect()
        for table in TABLES
        if table.name != "commits"
    }
    none = pl.lit(None, dtype=tables["inputs"].schema["sighash"]).alias("sighash")
    blind = Ledger.from_tables({**tables, "inputs": tables["inputs"].with_columns(none)})
    links = co_spends(blind, unread_flags="join").frame
    return Links(links.filter(pl.col("rule") == UNREAD))


def every_rule(ledger: Ledger) -> Clusters:
    """Return what all rules would join together: nobody's recipe, made for the links alone."""
    return cluster(every_link(ledger))
