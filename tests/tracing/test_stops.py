"""Where following stops: which of several reasons speaks, on which day, and for how sure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from chainwatch.attribution.taxonomy import broader
from chainwatch.errors import ArgumentError, TagError, TraceError
from chainwatch.tracing.custody.hosted import Hosted
from chainwatch.tracing.custody.tables import HOSTED_ADDRESSES
from chainwatch.tracing.stops import REASONS, End, reason_of, stops

CHAIN = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
WHEN = datetime(2023, 6, 1, tzinfo=UTC)


class Owners:
    def __init__(self, desk: Any, names: str) -> None:
        rows = [(CHAIN, desk.coin(name), desk.coin(names[0])) for name in names]
        schema = {"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary}
        self.frame = pl.DataFrame(rows, schema=schema, orient="row")


def held(desk: Any, name: str, service: str) -> Hosted:
    row = dict.fromkeys(HOSTED_ADDRESSES.names) | {
        "chain": CHAIN, "address": desk.coin(name), "service": service, "certainty": "probable",
        "evidence": "custody",
    }  # fmt: skip
    return Hosted(pl.DataFrame([row], schema=HOSTED_ADDRESSES.schema), desk.asset)


def at(desk: Any, stop: Any, name: str, when: datetime = WHEN, clusters: Any = None) -> End | None:
    return stops(stop, clusters, CHAIN).at(CHAIN, desk.coin(name), when)


class TestWhoSpeaks:
    def test_own_tag_then_cluster_then_custody_in_any_order(self, desk: Any) -> None:
        given = [held(desk, "x", "third"), held(desk, "y", "third"), held(desk, "z", "third")]
        given += [desk.tags(("x", "first", "exchange", {"level": 60})), desk.tags(("w", "second"))]
        owners = Owners(desk, "wyx"[:2])
        for stop in (given, given[::-1]):
            found = [at(desk, stop, name, clusters=owners) for name in "xyz"]
            assert [(end.service, end.certainty) for end in found if end] == [
                ("first", "confirmed"), ("second", "probable"), ("third", "probable"),
            ]  # fmt: skip

    @pytest.mark.parametrize(
        ("level", "certainty"),
        [(5, "probable"), (20, "probable"), (49, "probable"), (50, "confirmed"), (60, "confirmed")],
    )
    def test_a_weak_word_confirms_nothing(self, desk: Any, level: int, certainty: str) -> None:
        end = at(desk, desk.tags(("x", "shop", "exchange", {"level": level})), "x")
        assert (end.service, end.certainty) == ("shop", certainty)

    def test_a_later_set_of_tags_does_not_spread_over_an_address_with_its_own(
        self, desk: Any
    ) -> None:
        """Both sets name an address of one cluster: neither is said of the other's address."""
        given = [desk.tags(("x", "one")), desk.tags(("y", "two"))]
        owners = Owners(desk, "xyz")
        services = [at(desk, given, name, clusters=owners) for name in "xyz"]
        assert [end.service if end else None for end in services] == ["one", "two", None]

    def test_the_most_confident_tag_speaks_and_the_others_are_named(self, desk: Any) -> None:
        tags = desk.tags(("x", "a weak one"), ("x", "strong", "exchange", {"level": 60}))
        end = at(desk, tags, "x")
        assert end is not None
        assert end.service == "strong"
        assert end.detail.endswith("other tags name a weak one")

    def test_of_equals_the_order_of_rows_and_sets_decides_nothing(self, desk: Any) -> None:
        one, two = desk.tags(("x", "aa")), desk.tags(("x", "bb"))
        assert at(desk, [one, two], "x") == at(desk, [two, one], "x") == at(desk, one + two, "x")

    def test_an_address_without_a_tag_is_no_end(self, desk: Any) -> None:
        assert at(desk, desk.tags(("x", "one")), "y") is None
        assert stops(None, None, CHAIN).at(CHAIN, None, WHEN) is None

    def test_tags_of_another_chain_say_nothing(self, desk: Any) -> None:
        assert at(desk, desk.tags(("x", "one"), chain="eip155:1"), "x") is None


class TestDays:
    def tags(self, desk: Any, first: str | None, last: str | None) -> Any:
        days = {
            "first_day": date.fromisoformat(first) if first else None,
            "last_day": date.fromisoformat(last) if last else None,
        }
        return desk.tags(("x", "shop", "exchange", days))

    @pytest.mark.parametrize(
        ("first", "last", "holds"),
        [
            (None, None, True),
            ("2023-06-01", None, True),
            ("2023-06-02", None, False),
            (None, "2023-06-01", True),
            (None, "2023-05-31", False),
            ("2023-01-01", "2023-05-31", False),
            ("2023-01-01", "2023-12-31", True),
        ],
    )
    def test_a_tag_ends_what_is_paid_while_it_holds(
        self, desk: Any, first: str | None, last: str | None, holds: bool
    ) -> None:
        assert (at(desk, self.tags(desk, first, last), "x") is not None) is holds

    @pytest.mark.parametrize(
        ("first", "last", "words"),
        [
            (None, None, "(unknown, undated)"),
            ("2023-01-01", None, "(unknown, from 2023-01-01)"),
            (None, "2023-12-31", "(unknown, from an unstated day until 2023-12-31)"),
        ],
    )
    def test_the_end_says_what_the_dates_are(
        self, desk: Any, first: str | None, last: str | None, words: str
    ) -> None:
        end = at(desk, self.tags(desk, first, last), "x")
        assert end is not None
        assert words in end.detail

    def test_the_day_is_that_of_utc(self, desk: Any) -> None:
        tags = self.tags(desk, "2023-06-02", None)
        assert at(desk, tags, "x", datetime(2023, 6, 1, 23, 59, 59, tzinfo=UTC)) is None
        assert at(desk, tags, "x", datetime(2023, 6, 2, tzinfo=UTC)) is not None

    def test_a_weaker_tag_speaks_where_the_stronger_does_not_hold(self, desk: Any) -> None:
        later = {"level": 60, "first_day": date(2024, 1, 1)}
        tags = desk.tags(("x", "old"), ("x", "new", "exchange", later))
        assert [
            end.service
            for when in (WHEN, datetime(2024, 5, 1, tzinfo=UTC))
            if (end := at(desk, tags, "x", when))
        ] == ["old", "new"]

    def test_what_is_spread_over_a_cluster_keeps_its_dates(self, desk: Any) -> None:
        tags = self.tags(desk, "2023-06-02", None)
        assert at(desk, tags, "y", clusters=Owners(desk, "xy")) is None


class TestReasons:
    @pytest.mark.parametrize(
        ("concept", "reason"),
        [
            ("exchange", "hosted service"),
            ("coin_swapping", "hosted service"),
            ("dark_market", "hosted service"),
            ("bank", "hosted service"),
            ("deposit_wallet", "hosted service"),
            ("mixing_service", "mixer"),
            ("tumbler", "mixer"),
            ("coinjoin", "mixer"),
            ("defi_bridge", "bridge"),
            ("dex", "hosted service"),
            ("vendor", "tagged party"),
            ("terrorism_financing", "tagged party"),
            (None, "tagged party"),
        ],
    )
    def test_of_a_concept(self, concept: str | None, reason: str) -> None:
        assert reason_of([concept]) == reason

    def test_every_concept_has_one(self) -> None:
        assert {reason_of([concept]) for concept in broader()} <= set(REASONS)

    def test_a_concept_that_nobody_knows_is_an_error(self) -> None:
        with pytest.raises(TagError, match="no concept"):
            reason_of(["exchnage"])

    def test_a_sanctioned_exchange_is_an_exchange(self, desk: Any) -> None:
        """The list is surer than the tag that says what it is: both are of one actor."""
        tags = desk.tags(("x", "shop"), ("x", "shop", "sanction", {"level": 60, "source": "law"}))
        end = at(desk, tags, "x")
        assert end is not None
        assert (end.reason, end.service) == ("hosted service", "shop")
        assert "by law" in end.detail

    def test_who_is_no_service_is_not_named_as_one(self, desk: Any) -> None:
        end = at(desk, desk.tags(("x", "somebody", "victim")), "x")
        assert end is not None
        assert (end.reason, end.service) == ("tagged party", None)

    def test_reasons_are_written_once(self) -> None:
        assert len(set(REASONS)) == len(REASONS)


@pytest.mark.parametrize("stop", ["shop", 3, [3], {"a": 1}])
def test_what_cannot_stop_is_refused(stop: object) -> None:
    with pytest.raises(ArgumentError, match=r"^stop is .*; pass tags, hosted addresses, rules"):
        stops(stop, None, CHAIN)


def test_clusters_are_no_stops(desk: Any) -> None:
    with pytest.raises(TraceError, match="tags lack"):
        stops(Owners(desk, "xy"), None, CHAIN)
