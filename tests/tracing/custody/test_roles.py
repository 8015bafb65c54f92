"""Wallets of services by role, and what the published rules say beside ours."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import TraceError
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.custody.roles import WalletRoles, service_roles
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.stops import HOSTED, ONE_DESTINATION
from chainwatch.tracing.trace import trace

COIN = native("btc-regtest")
DAY = 24 * 60


def listed(desk: Any, rows: list[Any], *tags: Any, read: Any = "dex", **more: Any) -> WalletRoles:
    named = desk.tags(*(tags or (("s", "shop"), ("t", "other"))), chain=desk.asset.chain)
    return service_roles(desk.paid(rows, read=read), named, asset=desk.asset, **more)


def said(desk: Any, found: WalletRoles, name: str) -> dict[str, Any]:
    (row,) = found.rules.filter(address=desk.account(name)).iter_rows(named=True)
    return row


def role(desk: Any, found: WalletRoles, name: str) -> tuple[str, str | None, str]:
    (row,) = found.frame.filter(address=desk.account(name)).iter_rows(named=True)
    return row["role"], row["service"], row["certainty"]


class TestVictor:
    TWICE = (("o", "d", 5, 0), ("d", "s", 5, 60), ("p", "d", 7, DAY), ("d", "s", 7, DAY + 60))

    def test_deposits_passed_on_one_by_one(self, desk: Any) -> None:
        row = said(desk, listed(desk, list(self.TWICE)), "d")
        assert (row["victor"], row["matched"], row["depositors"]) == (True, 2, 2)

    def test_once_is_not_twice(self, desk: Any) -> None:
        row = said(desk, listed(desk, list(self.TWICE[:2])), "d")
        assert (row["victor"], row["matched"]) == (False, 1)

    @pytest.mark.parametrize(
        ("sweep", "matched"),
        [
            (("d", "s", 7, DAY + 12 * 60), 2),
            (("d", "s", 7, DAY + 12 * 60 + 1), 1),  # too late
            (("d", "s", 6, DAY + 60), 1),  # a token is passed on whole
            (("d", "s", 8, DAY + 60), 1),
        ],
    )
    def test_soon_and_whole(self, desk: Any, sweep: Any, matched: int) -> None:
        rows = [*self.TWICE[:3], sweep, ("q", "d", 1, 2 * DAY)]
        assert said(desk, listed(desk, rows), "d")["matched"] == matched

    def test_what_may_be_left_and_how_late_are_asked(self, desk: Any) -> None:
        rows = [*self.TWICE[:3], ("d", "s", 6, DAY + 13 * 60)]
        assert said(desk, listed(desk, rows, max_hours=13, max_left=1), "d")["matched"] == 2

    @pytest.mark.parametrize(("payer", "matched"), [("s", 1), ("t", 1), ("x", 2)])
    def test_what_a_service_pays_out_is_no_deposit(
        self, desk: Any, payer: str, matched: int
    ) -> None:
        rows = [*self.TWICE[:2], (payer, "d", 7, DAY), self.TWICE[3]]
        assert said(desk, listed(desk, rows), "d")["matched"] == matched

    def test_a_day_on_which_no_tag_holds_names_no_service(self, desk: Any) -> None:
        rows = [*self.TWICE[:2], ("t", "d", 7, DAY), self.TWICE[3]]
        first = ("t", "other", "exchange", {"last_day": date(2023, 6, 1)})
        assert said(desk, listed(desk, rows, ("s", "shop"), first), "d")["matched"] == 2

    def test_a_deposit_is_swept_once(self, desk: Any) -> None:
        once = [("o", "d", 5, 0), ("p", "d", 2, 1), ("q", "d", 3, 2)]
        rows = [*once, ("d", "s", 5, 3), ("d", "s", 5, 4)]
        assert said(desk, listed(desk, rows), "d")["matched"] == 1
        again = [*rows[:1], ("o", "d", 5, 1), *rows[3:]]
        assert said(desk, listed(desk, again), "d")["matched"] == 2

    def test_of_several_the_latest_is_taken(self, desk: Any) -> None:
        """The first is left for nobody: the second sweep comes too late for it."""
        rows = [("o", "d", 5, 0), ("o", "d", 5, 60), ("d", "s", 5, 61), ("d", "s", 5, 12 * 60 + 1)]
        assert said(desk, listed(desk, rows), "d")["matched"] == 1
        assert said(desk, listed(desk, rows, max_hours=13), "d")["matched"] == 2

    def test_it_asks_nothing_of_other_payments(self, desk: Any) -> None:
        row = said(desk, listed(desk, [*self.TWICE, ("d", "x", 1, 2 * DAY)]), "d")
        assert (row["victor"], row["one_destination"], row["production"]) == (True, False, True)

    def test_many_senders_are_no_one_customer(self, desk: Any) -> None:
        rows = [*self.TWICE, *((f"o{n}", "d", 1, 2 * DAY + n) for n in range(19))]
        assert not said(desk, listed(desk, rows), "d")["victor"]
        assert said(desk, listed(desk, rows, max_senders=21), "d")["victor"]


class TestProduction:
    @pytest.mark.parametrize(
        ("rows", "found"),
        [
            ([("d", "s", 100, DAY)], True),
            ([("d", "s", 100, DAY + 1)], False),  # first sweep after more than a day
            ([("d", "s", 90, DAY)], True),
            ([("d", "s", 89, DAY)], False),
            ([("d", "s", 110, DAY)], True),
            ([("d", "s", 111, DAY)], False),
            ([("d", "s", 99, 60), ("d", "x", 1, 120)], False),  # within an hour of the last
            ([("d", "s", 99, 60), ("d", "x", 1, 121)], True),
            ([("d", "s", 50, 60), ("d", "t", 50, 120)], False),  # two services
        ],
    )
    def test_at_its_bounds(self, desk: Any, rows: list[Any], found: bool) -> None:
        said_of = listed(desk, [("o", "d", 100, 0), *rows]).rules
        assert said_of["production"].any() is found


class TestWallets:
    def test_a_tag_confirms_or_makes_probable(self, desk: Any) -> None:
        tags = (("s", "shop", "hot_wallet", {"level": 50}), ("t", "other"), ("v", "v", "vendor"))
        found = listed(desk, [("o", "d", 1)], *tags)
        assert role(desk, found, "s") == ("hot wallet", "shop", "confirmed")
        assert role(desk, found, "t") == ("wallet", "other", "probable")
        assert found.frame.height == 2  # a vendor is no service

    def test_custody_that_is_undecided(self, desk: Any) -> None:
        rows = [("o", "d", 5), ("d", "s", 2), ("d", "s", 3)]
        found = listed(desk, rows)
        assert role(desk, found, "d") == ("one-destination wallet", "shop", "undecided")
        assert found.roles().doubtful == {(desk.asset.chain, desk.account("d"))}
        assert "of 1 that pay one service alone (1 at shop)" in str(found.findings(NOBODY)[0].text)

    def test_a_cold_wallet_deals_with_one_service_alone(self, desk: Any) -> None:
        rows = [("s", "c", 30), ("s", "w", 4), ("s", "c", 6), ("c", "s", 20), ("s", "y", 60)]
        found = listed(desk, rows)
        assert role(desk, found, "c") == ("cold wallet", "shop", "probable")
        assert role(desk, listed(desk, [*rows, ("s", "w", 2)]), "w")[0] == "cold wallet"
        for more in ([("c", "x", 1)], [("x", "c", 1)], [("s", "y", 700)], [("t", "c", 1)]):
            frame = listed(desk, [*rows, *more]).frame
            assert frame.filter(address=desk.account("c")).is_empty(), more

    def test_a_trace_stops_at_each(self, desk: Any) -> None:
        rows = [("s", "c", 30), ("s", "c", 10), ("o", "c", 0), ("a", "d", 5), ("d", "s", 2),
                ("d", "s", 3), ("a", "s", 1)]  # fmt: skip
        found = listed(desk, rows, read="adc")
        got = trace(desk.paid(rows, read="adc"), [desk.account("a")], policy=fifo, stop=found,
                    asset=desk.asset)  # fmt: skip
        assert desk.ends(got) == {(ONE_DESTINATION, "d"): 5, (HOSTED, "s"): 1}
        assert set(got.ends["basis"]) == {"one destination", "tagged address"}

    def test_an_end_by_what_a_wallet_does_is_opened(self, desk: Any) -> None:
        rows = [("s", "c", 30), ("s", "c", 10), ("a", "d", 5), ("d", "s", 2), ("d", "s", 3)]
        found = listed(desk, rows, read="adc")
        opened = found.open(desk.account("d"), why="its holder told of it")
        assert opened.frame.height == found.frame.height - 1
        assert opened.opened.select("address", "why").rows() == [
            (desk.account("d"), "its holder told of it")
        ]
        assert opened.digest != found.digest
        ledger, of = desk.paid(rows, read="adc"), [desk.account("a")]
        got = trace(ledger, of, policy=fifo, stop=opened, asset=desk.asset)
        assert desk.ends(got) == {(HOSTED, "s"): 5}
        assert "1 such end was opened by a person" in str(got.findings(NOBODY)[0].text)
        assert "behind: its holder told of it." in str(opened.findings(NOBODY)[0].text)
        assert (desk.asset.chain, desk.account("d")) in opened.roles().doubtful
        with pytest.raises(TraceError, match="is none of the 2 addresses"):
            found.open(desk.account("s"), why="a tag names it, and the tag would speak")

    def test_wallets_by_role_are_counted_as_deposit_addresses_only_where_they_are(
        self, desk: Any
    ) -> None:
        rows = [("s", "c", 30), ("s", "c", 10), ("a", "d", 5), ("d", "s", 2), ("d", "s", 3)]
        found = listed(desk, rows, read="adc")
        assert sorted(set(found.frame["role"])) == [
            "cold wallet", "one-destination wallet", "wallet"
        ]  # fmt: skip
        got = trace(
            desk.paid(rows, read="adc"), [desk.account("a")], policy=fifo, stop=found,
            asset=desk.asset,
        )  # fmt: skip
        assert (got.asked.hosted, got.asked.one_destination) == (0, 1)

    def test_a_service_that_no_tag_names(self, desk: Any) -> None:
        who = tuple(f"d{number}" for number in range(20))
        rows = [("gas", one, 1, 0, {"contract": None, "kind": "native"}) for one in who]
        for turn in range(2):
            rows += [(f"p{one}", one, 5, 10 + turn) for one in who]
            rows += [(one, "h", 5, 20 + turn) for one in who]
        rows += [("h", f"x{number}", 3, 40) for number in range(20)]
        found = listed(desk, rows, read=(*who, "h"))
        assert role(desk, found, "h") == ("hot wallet", None, "probable")
        assert role(desk, found, "d3") == ("deposit address", None, "probable")
        rows.append(("o", "h", 4, 50))
        ledger, of = (
            desk.paid(rows, read=(*who, "h", "o")),
            [desk.account("o"), desk.account("pd1")],
        )
        got = trace(ledger, of, policy=fifo, stop=found, asset=desk.asset)
        assert {end[1] for end in desk.ends(got) if end[0] == HOSTED} == {"h", "d1"}
        assert "paid to a service that no tag names (probable)" in str(
            got.findings(NOBODY)[0].headline
        )
        few = [row for row in rows if row[0] != "d3"]
        assert listed(desk, few, read=(*who, "h")).frame.filter(role="hot wallet").is_empty()

    def test_coins_have_the_same_words(self, desk: Any) -> None:
        txs: list[dict[str, Any]] = [{"id": "in", "ins": [], "outs": [("d", 5), ("d", 5)]}]
        txs += [{"id": f"s{n}", "ins": [("in", n)], "outs": [("s", 5)]} for n in (0, 1)]
        found = service_roles(desk.coins(txs), desk.tags(("s", "shop")), asset=COIN)
        rows = found.frame.select("role", "certainty").sort("role").rows()
        assert rows == [("one-destination wallet", "undecided"), ("wallet", "probable")]
        assert found.rules.select("one_destination", "victor", "production").rows() == [
            (True, None, None)
        ]
        assert "victor: not a rule of this chain" in repr(found)


@pytest.mark.parametrize("more", [{"max_hours": 0}, {"max_left": -1}, {"max_senders": 0}])
def test_what_makes_no_sense_is_refused(desk: Any, more: dict[str, int]) -> None:
    with pytest.raises(TraceError, match="senders"):
        listed(desk, [("o", "d", 1)], **more)
