"""Recipes of other tools, as far as they are published, for comparison: they are not ours.

They are written with the features of this package and answer as the tools do: *yes* or *no*, and
*no* where something was not read.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.change import change_links, legacy
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.rule import Rule, rule
from chainwatch.ledger.ledger import Ledger


@rule(on="transactions", refs=("blocksci2020",))
def blocksci_coinjoin() -> nw.Expr:
    """BlockSci's test for CoinJoins: exactly half of the outputs, rounded up, are equal.

    Two inputs and three outputs at least; as many input addresses as equal outputs; amounts of
    546 and 2,730 are taken for marks of tokens. GraphSense's clustering filters by the same test.

    Fails when
    ----------
    A mix has another share of equal outputs: Whirlpool (all), Wasabi 2 and most of Wasabi 1 are
    *no*, and strangers are merged.

    References
    ----------
    Kalodner et al., USENIX Security 2020, and the published source of BlockSci.
    """
    equal, outputs, inputs = nw.col("equal_outputs"), nw.col("output_count"), nw.col("input_count")
    half = (2 * equal == outputs) | (2 * equal == outputs + 1)
    tokens = nw.col("equal_value").is_in([546, 2_730])
    return (
        (inputs >= 2)
        & (outputs >= 3)
        & half
        & (equal <= inputs)
        & (equal <= nw.col("input_addresses"))
        & ~tokens
    ).fill_null(False)


BLOCKSCI: Rule = blocksci_coinjoin()


def plain_multi_input(ledger: Ledger) -> Clusters:
    """Return owners by shared spending alone, mixes joined: what everybody compares with."""
    return cluster(co_spends(ledger, unless=None))


def graphsense_style(ledger: Ledger) -> Clusters:
    """Return owners by shared spending but for CoinJoins as GraphSense's clustering sees them."""
    return cluster(co_spends(ledger, unless=BLOCKSCI))


def blocksci_style(ledger: Ledger) -> Clusters:
    """Return owners as BlockSci's clustering does: shared spending and its *legacy* change."""
    links = co_spends(ledger, unless=BLOCKSCI)
    return cluster(links + change_links(ledger, legacy(), unless=BLOCKSCI))
