"""Every rule on accounts at once, with custody judged: what their rates are measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import tags_of
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.simulated_accounts import simulated_account_worlds
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.links import Links
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody.hosted import hosted


def links_by_every_rule(ledger: Ledger) -> Links:
    """Return the links of every rule on accounts of a simulated chain.

    Services are those of the tags that its ledger keeps; custody is judged of the token that
    people pay with there.
    """
    tags = tags_of(ledger)
    paid = ledger.transfers.filter(pl.col("symbol") == "TOK").select("chain", "contract")
    chain, contract = paid.first().collect().row(0)
    judged = hosted(ledger, tags, asset=Asset(chain, contract, "TOK", 6))
    rules = [make() for make in ACCOUNT_RULES]
    return account_links(ledger, tags=tags, hosted=judged, rules=rules)


def every_account_rule(ledger: Ledger) -> Clusters:
    """Return what all rules would join together: nobody's recipe, made for the links alone."""
    return cluster(links_by_every_rule(ledger))


def account_worlds(seeds: Sequence[int], part: Literal["fit", "test"]) -> Iterator[World]:
    """Yield simulated chains of accounts: honest, then adversarial, each of both networks."""
    for hostile in (False, True):
        yield from simulated_account_worlds(seeds, part=part, adversarial=hostile)
        yield from simulated_account_worlds(seeds, part=part, adversarial=hostile, network="tron")
