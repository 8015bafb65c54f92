"""Change beside inputs whose owners the flags leave open: undecided, as their co-spending is."""

from __future__ import annotations

from itertools import permutations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.scripts import script_of
from chainwatch.clusters.recipe import Recipe
from chainwatch.errors import InputError
from chainwatch.heuristics import change
from chainwatch.heuristics.change import change_links
from chainwatch.heuristics.co_spend import co_spends

PAID = ((1_000_000, "C"), (3_000_000, "D"), (1_990_123, "E"))
RULE = change.power_of_ten()


@pytest.fixture
def sale(real_ledger, named):
    """Return a ledger of one transaction that spends some addresses, with their flags."""

    def make(*spent):
        paid = [(value, script_of(named(name))) for value, name in PAID]
        coins = [(5_000_000, script_of(named(name)), None, flags) for name, flags in spent]
        return real_ledger([(b"\1" * 32, coins, paid)])

    return make


@pytest.mark.parametrize("names", [*permutations("AB"), *permutations("XY")])
@pytest.mark.parametrize(
    ("flags", "unread_flags", "joins"),
    [
        ((None, None), "undecided", False),
        ((None, None), "by_height", True),  # below the height of the first sales
        ((None, None), "join", True),
        (("ALL", None), "undecided", False),
        (("ALL", "ALL"), "undecided", True),
        (("SINGLE|ANYONECANPAY", "ALL"), "join", False),
        (("UNSIGNED", "ALL"), "join", False),
    ],
)
def test_change_is_as_sure_as_its_inputs(sale, names, flags, unread_flags, joins):
    """Whichever input is the smaller, the seller is not joined to the buyer's change."""
    ledger = sale(*zip(names, flags, strict=True))
    spent = co_spends(ledger, unread_flags=unread_flags).frame["veto"].to_list()
    links = change_links(ledger, RULE, unread_flags=unread_flags).frame
    assert spent == [False if joins else None]
    assert [one for one in links["veto"].to_list() if one is not None] == [False] * joins
    recipe = Recipe(change=RULE, unread_flags=unread_flags)
    assert cw.owners(ledger, recipe=recipe).frame.height == (3 if joins else 0)


def test_one_address_alone_is_nobody_elses(sale):
    ledger = sale(("A", None), ("A", None))
    assert change_links(ledger, RULE, unread_flags="undecided").frame["veto"].to_list() == [False]


def test_revealed_addresses_can_be_left_out_of_owners(sale):
    ledger = sale(("A", "ALL"), ("B", "ALL"))
    revealed = ledger.frames["inputs"].with_columns(address_basis=pl.lit("revealed"))
    ledger = cw.Ledger.from_tables({**ledger.frames, "inputs": revealed})
    assert change_links(ledger, RULE).frame["basis"].to_list() == ["revealed"]
    assert change_links(ledger, RULE, revealed=False).frame.is_empty()
    assert cw.owners(ledger, recipe=Recipe(change=RULE)).frame.height == 3
    assert cw.owners(ledger, recipe=Recipe(change=RULE, revealed=False)).frame.is_empty()


def test_a_word_without_meaning_is_refused(sale):
    with pytest.raises(InputError, match="unread_flags cannot be 'never'"):
        Recipe(unread_flags="never")
    with pytest.raises(InputError, match="unread_flags cannot be 'never'"):
        change_links(sale(("A", None)), RULE, unread_flags="never")
