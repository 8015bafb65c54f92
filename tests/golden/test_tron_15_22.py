"""Twenty listed Tron addresses: chainwatch against a recomputation that imports nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset, token
from chainwatch.addresses.canonical import text, text_series, txid_text
from chainwatch.attribution.tags import Tags, tags_of
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.tracing.counterparties import Counterparties, counterparties
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import HOSTED, ONE_DESTINATION
from chainwatch.tracing.trace import trace
from chainwatch.typologies.alerts import alerts
from chainwatch.typologies.catalogue import TYPOLOGIES
from chainwatch.typologies.facts import make_facts
from chainwatch.units import total

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "tron_15_22.toml"


class Case(NamedTuple):
    ledger: Ledger
    tags: Tags
    usdt: Asset
    listed: list[str]
    direct: Counterparties
    hosts: Hosted
    followed: Trace


@pytest.fixture(scope="module")
def plain(real_data: Path) -> dict[str, Any]:
    """Return what the independent script says."""
    command = [sys.executable, str(HERE / "tron_totals.py"), str(real_data / "tron")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(said))


@pytest.fixture(scope="module")
def case(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    config = tomllib.loads(EXAMPLE.read_text("utf-8"))
    [source], named, how = config["sources"], config["asset"], config["follow"]
    folder = tmp_path_factory.mktemp("tron_15_22")
    pull(
        folder / "ledger",
        TransferDump(real_data / source["path"], DumpMapping.model_validate(source["mapping"])),
    )
    ledger = open_ledger(folder / "ledger")
    tags = tags_of(ledger)
    usdt = token(named["chain"], named["contract"], named["symbol"], named["decimals"])
    listed = pl.read_csv(real_data / config["subjects"]["csv"])["wallet"].to_list()
    services, lure = tags.where(concept="service"), poisoning(how["trifle"])
    hosts = hosted(ledger, services, asset=usdt, poisoning=lure, min_share=how["min_share"])
    direct = counterparties(ledger, listed, asset=usdt, tags=tags, trifle=how["trifle"])
    stop = [services, hosts]
    followed = trace(ledger, listed, policy=fifo, stop=stop, asset=usdt, poisoning=lure)
    return Case(ledger, tags, usdt, listed, direct, hosts, followed)


@pytest.fixture(scope="module")
def ranges(case: Case) -> dict[str, TraceRange]:
    """Return the traces under every policy, by direction."""
    stop = [case.tags.where(concept="service"), case.hosts]
    lure = poisoning(tomllib.loads(EXAMPLE.read_text("utf-8"))["follow"]["trifle"])
    asked: dict[str, Any] = {"stop": stop, "asset": case.usdt, "poisoning": lure}
    return {
        way: trace_all(case.ledger, case.listed, direction=way, **asked)
        for way in ("forward", "backward")
    }


def test_the_script_imports_nothing_of_ours() -> None:
    assert "chainwatch" not in (HERE / "tron_totals.py").read_text("utf-8")


class TestAgainstTheScript:
    """Every figure equal to the last millionth of a USDT."""

    def test_rows(self, case: Case, plain: dict[str, Any]) -> None:
        every = case.ledger.transfers.collect()
        usdt = every.filter(case.usdt.of_transfers())
        assert [every.height, usdt.height] == [plain["rows"][1], plain["usdt"][1]]

    def test_poisoning(self, case: Case, plain: dict[str, Any]) -> None:
        apart = case.direct.poisoning
        zero = pl.col("amount") == 0
        for name, rows in (("zeros", apart.filter(zero)), ("lures", apart.filter(~zero))):
            assert sorted(txid_text(txid, "tron") for txid in rows["txid"]) == plain[name]

    def test_hosted(self, case: Case, plain: dict[str, Any]) -> None:
        columns = ("address", "service", "received", "forwarded", "sweeps")
        found = {
            text(address, "tron"): [service, int(received), int(forwarded), sweeps]
            for address, service, received, forwarded, sweeps in case.hosts.frame.select(
                columns
            ).iter_rows()
        }
        assert found == plain["hosted"]

    def test_direct_by_service(self, case: Case, plain: dict[str, Any]) -> None:
        rows = case.direct.by("direction", "service")
        found = [
            [side, service or "untagged", payments, int(amount)]
            for side, service, payments, amount in rows.select(
                "direction", "service", "payments", "amount"
            ).iter_rows()
        ]
        assert sorted(found) == plain["by_service"]

    def test_direct_by_month(self, case: Case, plain: dict[str, Any]) -> None:
        rows = case.direct.by("month", "direction").select(
            "month", "direction", "payments", "amount"
        )
        assert [[*row[:3], int(row[3])] for row in rows.iter_rows()] == plain["by_month"]

    def test_after_the_order(self, case: Case, plain: dict[str, Any]) -> None:
        late = case.direct.frame.filter(pl.col("time") >= datetime(2022, 3, 7, tzinfo=UTC))
        for side in ("in", "out"):
            amounts = late.filter(pl.col("direction") == side)["amount"]
            assert total(amounts) == plain["late"][side]

    def test_unhosted_payments(self, case: Case, plain: dict[str, Any]) -> None:
        out = case.direct.frame.filter(pl.col("direction") == "out")
        free = out.join(case.hosts.frame, left_on="subject", right_on="address", how="anti")
        assert total(free["amount"]) == plain["unhosted"]


class TestTrace:
    def test_it_conserves(self, case: Case) -> None:
        assert total(case.followed.ends["amount"]) == total(case.followed.origins["amount"])

    def test_it_rests_on_the_direct_payments(self, case: Case) -> None:
        """What comes in from outside the twenty is the origin; nothing was paid unread."""
        outside = case.direct.frame.filter(pl.col("direction") == "in", ~pl.col("other_subject"))
        assert set(case.followed.origins["kind"]) == {"received"}
        between = total(case.direct.frame.filter("other_subject", direction="in")["amount"])
        assert total(outside["amount"]) == case.direct.total("in") - between
        assert case.followed.amount == total(outside["amount"])

    def test_the_order_of_one_time_decides_nothing(self, case: Case) -> None:
        bounds = case.followed.bounds
        assert bounds.filter(pl.col("low") != pl.col("high")).is_empty()

    def test_no_edge_from_what_only_looks_like_a_payment(self, case: Case) -> None:
        steps, apart = case.followed.steps, case.direct.poisoning
        assert steps.filter(pl.col("amount") <= 0).is_empty()
        key = {"left_on": ["txid", "source", "target"], "right_on": ["txid", "sender", "receiver"]}
        assert steps.join(apart, how="semi", **key).is_empty()
        lures = apart.filter(pl.col("amount") > 0)
        origins = case.followed.origins
        assert origins.join(
            lures, left_on=["txid", "paid_by"], right_on=["txid", "sender"], how="semi"
        ).is_empty()

    def test_no_edge_leaves_a_hosted_address_or_a_service(self, case: Case) -> None:
        steps = case.followed.steps
        for barrier in (case.hosts.frame, case.tags.where(concept="service").addresses()):
            at = {"left_on": "source", "right_on": "address"}
            assert steps.join(barrier, how="semi", **at).is_empty()

    def test_every_payment_of_the_unhosted_is_a_step(self, case: Case) -> None:
        out = case.direct.frame.filter(pl.col("direction") == "out")
        free = out.join(case.hosts.frame, left_on="subject", right_on="address", how="anti")
        assert case.followed.steps.height == free.height
        # Lures' trifles are in the balance and are paid on with the rest, but are nobody's value.
        lures = case.direct.poisoning.filter(
            ~pl.col("receiver").is_in(case.hosts.frame["address"].implode())
        )
        trifles = total(free["amount"]) - total(case.followed.steps["amount"])
        assert trifles == total(lures["amount"]) == 608_600


class TestEveryPolicy:
    """Stopping at wallets that pay one exchange alone, every policy says the same of each exchange.

    The twenty hold nothing but what is traced and 0.6086 USDT of trifles, so there is next to
    nothing for a policy to choose: the range of an exchange is one number.
    """

    TRIFLES = 608_600

    def test_each_conserves(self, ranges: dict[str, TraceRange]) -> None:
        for name, each in ranges["forward"].traces.items():
            came, went = total(each.origins["amount"]), total(each.ends["amount"])
            assert came == went or name == "poison"
        came = ranges["forward"].came_in
        assert {came[name] for name in ranges["forward"].compared} == {10_463_753_852_030}
        assert ranges["backward"].compared == ("fifo", "lifo", "haircut")
        assert {ranges["backward"].came_in[name] for name in ranges["backward"].compared} == {
            10_463_753_852_030
        }

    def test_of_each_exchange_the_least_and_the_range(self, ranges: dict[str, TraceRange]) -> None:
        rows = ranges["forward"].summary().select("service", "low", "high", "in_all", "reason")
        found = {
            (service, reason): (int(low), int(high), int(in_all))
            for service, low, high, in_all, reason in rows.iter_rows()
            if service
        }
        assert found == {
            (service, reason): (amount, amount, amount)
            for service, amount, reason in (
                ("huobi", 4_855_904_586_052, ONE_DESTINATION),
                ("binance", 2_523_011_935_911, ONE_DESTINATION),
                ("binance", 2_500_000_000, HOSTED),
                ("okex", 592_530_539_802, ONE_DESTINATION),
            )
        }

    def test_where_policies_differ_they_differ_by_trifles(
        self, ranges: dict[str, TraceRange]
    ) -> None:
        apart = ranges["forward"].frame.filter(pl.col("low") != pl.col("high"))
        assert apart.height == 128
        assert set(apart["reason"]) == {"not read"}
        assert apart.select((pl.col("high") - pl.col("low")).max()).item() <= self.TRIFLES
        assert ranges["backward"].frame.filter(pl.col("low") != pl.col("high")).is_empty()

    def test_reach_holds_all_that_any_other_says(self, ranges: dict[str, TraceRange]) -> None:
        for one in ranges.values():
            beyond = one.frame.filter(pl.col("high") > pl.col("poison"))
            assert beyond.is_empty()

    def test_lowest_balance_follows_nothing_past_the_listed(
        self, ranges: dict[str, TraceRange], plain: dict[str, Any]
    ) -> None:
        """All that those who are not hosted paid is gone from where it came in, trifles apart."""
        (row,) = ranges["forward"].summary().filter(reason="paid away").iter_rows(named=True)
        assert int(row["lowest_balance"]) == plain["unhosted"] - self.TRIFLES
        assert ranges["forward"].came_in["lowest_balance"] == 10_710_450_313_668

    @pytest.mark.parametrize("policy", ["fifo", "lifo", "haircut"])
    def test_backward_each_exchange_paid_what_the_script_says(
        self, ranges: dict[str, TraceRange], plain: dict[str, Any], policy: str
    ) -> None:
        rows = ranges["backward"].summary().filter(pl.col("service").is_not_null())
        found = {row["service"]: int(row[policy]) for row in rows.iter_rows(named=True)}
        assert found == {
            service: amount
            for side, service, _, amount in plain["by_service"]
            if side == "in" and service != "untagged"
        }


def test_the_headline_numbers(case: Case, plain: dict[str, Any]) -> None:
    """Written out, so that both computations cannot drift together."""
    assert (plain["rows"], plain["usdt"]) == ([4232, 4213], [4196, 4177])
    assert (len(plain["zeros"]), len(plain["lures"])) == (123, 68)
    by = case.hosts.frame.group_by("service").len().sort("service")
    assert by.rows() == [("binance", 13), ("huobi", 1), ("okex", 1)]
    assert total(case.hosts.frame["received"]) == 7_971_447_061_765
    # Two more paid once, to a wallet of one exchange: 500 and 2,000 USDT. That shows nothing.
    assert sorted(map(int, case.hosts.few["forwarded"])) == [500_000_000, 2_000_000_000]
    assert (case.direct.total("in"), case.direct.total("out")) == (
        10_710_450_313_668,
        10_710_241_722_185,
    )
    assert plain["late"] == {"in": 1_210_053_362_329, "out": 1_217_656_243_087}
    assert plain["unhosted"] == 2_739_003_860_503
    assert case.followed.amount == 10_463_753_852_030
    assert case.followed.ties == 4
    assert [
        (row["reason"], row["service"], int(row["amount"]))
        for row in case.followed.summary().iter_rows(named=True)
    ] == [
        (ONE_DESTINATION, "huobi", 4_855_904_586_052),
        (ONE_DESTINATION, "binance", 2_523_011_935_911),
        ("not read", None, 2_489_806_790_265),
        (ONE_DESTINATION, "okex", 592_530_539_802),
        (HOSTED, "binance", 2_500_000_000),
    ]


def test_nothing_in_the_file_shows_whose_keys_they_are(case: Case) -> None:
    """It holds one token: who paid the gas is not in it, and no two of them paid together.

    Fifteen were called probable deposit addresses before the service's side was asked for. All of
    their depositors hang together too: that many paid each shows nothing.
    """
    assert set(case.hosts.frame["certainty"]) == {"undecided"}
    assert case.hosts.probable.is_empty()
    assert case.ledger.transfers.filter(pl.col("contract").is_null()).collect().is_empty()
    assert set(case.hosts.frame["batches"]) == {0}
    assert max(case.hosts.frame["depositors"]) == 60


def test_opened_all_of_it_is_at_the_same_exchanges(case: Case) -> None:
    """What follows behind is kept ready: the same amounts, at wallets that a tag names."""
    addresses = case.hosts.frame["address"].to_list()
    opened = case.hosts.open(*addresses, why="to see what is behind")
    how = tomllib.loads(EXAMPLE.read_text("utf-8"))["follow"]
    behind = trace(
        case.ledger, case.listed, policy=fifo, asset=case.usdt, poisoning=poisoning(how["trifle"]),
        stop=[case.tags.where(concept="service"), opened],
    )  # fmt: skip
    sums = behind.ends.filter(pl.col("reason") == HOSTED).group_by("service").agg(
        pl.col("amount").sum()
    )  # fmt: skip
    found = {service: int(amount) for service, amount in sums.iter_rows()}
    before = {"huobi": 4_855_904_586_052, "binance": 2_525_511_935_911, "okex": 592_530_539_802}
    assert found.keys() == before.keys()
    # All but what the fifteen never passed on.
    assert sum(before.values()) - sum(found.values()) == 209_200_083


def test_the_unhosted_five(case: Case) -> None:
    held = set(case.hosts.frame["address"])
    whose = case.direct.frame.select("subject", text_series(case.direct.frame["subject"], "tron")
                                     .alias("text")).unique()  # fmt: skip
    free = whose.filter(~pl.col("subject").is_in(sorted(held)))
    assert free.height == 5
    assert len(case.listed) == whose.height == 20


def test_typologies_of_crimes_link_no_customer_of_an_exchange_house(case: Case) -> None:
    """Told as published addresses: whoever paid an exchange house, or by one, is no donor of it."""
    published = pl.DataFrame({"chain": ["tron"] * len(case.listed), "address": case.listed})
    told = {"units": 10**6, "zone": "UTC+2"}
    asked = [
        make(**{name: said for name, said in told.items() if name in dict(make().params)})
        for make in TYPOLOGIES
        if not make.__module__.startswith("chainwatch.typologies.shapes")
    ]
    found = alerts(
        case.ledger, case.usdt, asked, tags=case.tags, facts=make_facts(published=published)
    )
    assert len(asked) == 18
    assert found.frame.is_empty()
    lacking = found.not_observable.filter(pl.col("typology").is_not_null())["typology"]
    assert set(lacking) == {
        "ad_payments", "escrow_payout", "many_ads", "migration", "multisig_escrow",
        "vendor_by_reviews",
    }  # fmt: skip
