"""The FATF's categories: each has flags that no chain shows, and four are asked of payments."""

from __future__ import annotations

from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.red_flags import NOT_OBSERVABLE
from chainwatch.typologies.typology import FATF


def test_every_category_has_flags_that_no_chain_shows() -> None:
    assert {one.fatf for one in NOT_OBSERVABLE} == set(FATF)
    assert len({one.flag for one in NOT_OBSERVABLE}) == len(NOT_OBSERVABLE)
    for one in NOT_OBSERVABLE:
        assert one.needs
        assert not one.flag.endswith(".")


def test_which_categories_typologies_ask_of_payments() -> None:
    """Mixers and coins that hide are told by other verbs; where somebody is, no chain tells."""
    assert {one.fatf for one in DEFAULT} == set(FATF) - {"anonymity", "geography"}
