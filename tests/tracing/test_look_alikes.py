"""A lure that worked: the trifle is a lure, the payment is a payment, and where it went is told."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from chainwatch.case.findings.custody import hosting_finding
from chainwatch.case.findings.set_aside import other_tokens_finding, unread_finding
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.counterparties import Counterparties, counterparties
from chainwatch.tracing.custody.hosted import hosted
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace

PARTNER, TWIN = "pp.........xxxx", "qq.........xxxx"
LARGE = 49_999_950_000_000

STORY = [
    ("o", "v", 50_000_000_000_000),
    ("v", PARTNER, 50_000_000),
    (TWIN, "v", 5_000),
    ("v", TWIN, LARGE),
]


@pytest.fixture(scope="module")
def ledger(desk: Any) -> Ledger:
    found: Ledger = desk.paid(STORY, read="v")
    return found


@pytest.fixture(scope="module")
def direct(desk: Any, ledger: Ledger) -> Counterparties:
    return counterparties(ledger, [desk.account("v")], asset=desk.asset, trifle=100_000)


@pytest.fixture(scope="module")
def followed(desk: Any, ledger: Ledger) -> Trace:
    return trace(
        ledger, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=poisoning(100_000)
    )


def test_the_trifle_is_a_lure(desk: Any, direct: Counterparties) -> None:
    columns = ("sender", "amount", "imitates")
    assert direct.poisoning.select(columns).rows() == [
        (desk.account(TWIN), 5_000, desk.account(PARTNER))
    ]


def test_the_payment_is_a_payment_and_told(desk: Any, direct: Counterparties) -> None:
    assert direct.total("out") == LARGE + 50_000_000
    astray = direct.frame.filter(direct.frame["imitates"].is_not_null())
    assert astray.select("counterparty", "amount", "imitates").rows() == [
        (desk.account(TWIN), LARGE, desk.account(PARTNER))
    ]
    told = {finding.title: finding for finding in direct.findings(NOBODY)}
    found = told["Payments to look-alikes of earlier partners"]
    assert found.headline.startswith("1 payment, 49,999,950,000,000 TOK in all, went to a look-al")


def test_the_trace_follows_it_and_says_so(desk: Any, followed: Trace) -> None:
    assert desk.ends(followed)["not read", TWIN] == LARGE
    astray = followed.steps.filter(followed.steps["imitates"].is_not_null())
    assert astray.select("target", "imitates").rows() == [
        (desk.account(TWIN), desk.account(PARTNER))
    ]
    (finding,) = followed.findings(NOBODY)
    assert "49,999,950,000,000 TOK of it was paid, in 1 payment, to an address that looks like" in (
        " ".join(finding.text)
    )


def test_as_many_characters_as_the_rule_compares(desk: Any, ledger: Ledger) -> None:
    """The two share eleven first characters: dots, and half of a letter."""
    rule = poisoning(100_000, head=12)
    got = trace(ledger, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=rule)
    assert got.steps["imitates"].null_count() == got.steps.height
    apart = counterparties(
        ledger, [desk.account("v")], asset=desk.asset, trifle=100_000, head=12, tail=3
    )
    assert (apart.poisoning.height, apart.frame["imitates"].null_count()) == (0, apart.frame.height)


@pytest.mark.parametrize(("asked", "imitated"), [(0, None), (60_000, TWIN)])
def test_an_unasked_trifle_makes_nobody_a_partner(
    desk: Any, asked: int, imitated: str | None
) -> None:
    """The trifle came before the genuine payment; whom the payer paid before is a partner."""
    story = [STORY[0], ("v", TWIN, asked)] if asked else [STORY[0]]
    made = desk.paid([*story, (TWIN, "v", 5_000), ("v", PARTNER, 50_000_000)], read="v")
    direct = counterparties(made, [desk.account("v")], asset=desk.asset, trifle=100_000)
    rule = poisoning(100_000)
    steps = trace(made, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=rule).steps
    expected = [desk.account(imitated)] if imitated else []
    assert direct.poisoning.height == 0
    assert direct.frame["imitates"].drop_nulls().to_list() == expected
    assert steps["imitates"].drop_nulls().unique().to_list() == expected


def test_a_trifle_before_does_not_hide_that_a_payment_went_astray(desk: Any) -> None:
    made = desk.paid([STORY[0], STORY[2], STORY[1], STORY[3]], read="v")
    direct = counterparties(made, [desk.account("v")], asset=desk.asset, trifle=100_000)
    assert direct.frame["imitates"].drop_nulls().to_list() == [desk.account(PARTNER)]


def test_nothing_is_said_where_nothing_went_astray(desk: Any) -> None:
    direct = counterparties(desk.paid(STORY[:2], read="v"), [desk.account("v")], asset=desk.asset)
    assert "look-alike" not in str([finding.title for finding in direct.findings(NOBODY)])


def test_without_a_trifle_nothing_is_said_to_come_of_one(desk: Any) -> None:
    """A subject that is a service is not followed: that is another reason."""
    made = desk.paid(STORY[:2], read="v")
    direct = counterparties(made, [desk.account("v")], asset=desk.asset)
    followed = trace(made, [desk.account("v")], policy=fifo, asset=desk.asset)
    paid = direct.frame.filter(pl.col("direction") == "out").with_columns(
        pl.lit("history not read").alias("onward"), (pl.col("amount") * 0).alias("traced")
    )
    told = unread_finding(made, followed, direct, paid)
    assert "trifles" not in str(told.headline)
    assert "not followed from a service" in str(told.headline)


def test_many_lures_of_one_tail_are_judged_in_time(desk: Any) -> None:
    """A stranger chooses how many: a thousand look-alikes of one partner, two lures each."""
    body = [("v", PARTNER, 9_000_000)]
    body += [(f"{n:04}.......xxxx", "v", 5_000 + n % 7) for n in range(1_000)] * 2
    ledger = desk.paid(body, read="v")
    found = counterparties(ledger, [desk.account("v")], asset=desk.asset, trifle=100_000)
    assert found.poisoning.height == 2_000
    assert set(found.poisoning["imitates"]) == {desk.account(PARTNER)}


def test_what_was_not_looked_for_is_said(desk: Any, direct: Counterparties) -> None:
    """No size of a trifle, and nothing read of who signed: both are told beside the numbers."""
    plain = counterparties(desk.paid(STORY, read="v"), [desk.account("v")], asset=desk.asset)
    assert plain.unasked()[0].startswith("No size of a trifle was given: whether")
    assert direct.unasked() == (
        "Of 4 transfers it was not read whether the sender signed it or gave authority: a"
        " contract can write down a transfer in anybody's name, and would look the same.",
    )
    told = {finding.title: " ".join(finding.text) for finding in plain.findings(NOBODY)}
    assert "No size of a trifle was given" in told["Address poisoning attempts"]
    assert "0 trifles" not in told["Address poisoning attempts"]
    (heading,) = [
        str(one.headline) for one in plain.findings(NOBODY) if "only look like" in str(one.headline)
    ]
    assert heading.endswith("Trifles of look-alikes were not judged.")
    assert "1 transfer only looks like a payment (address poisoning) and stands in no total." in [
        str(one.headline) for one in direct.findings(NOBODY)
    ]
    assert repr(plain).endswith("0 poisoning attempts apart, trifles not judged)")
    assert repr(direct).endswith("1 poisoning attempt apart)")
    followed = trace(desk.paid(STORY, read="v"), [desk.account("v")], policy=fifo, asset=desk.asset)
    assert "No size of a trifle was given" in " ".join(map(str, followed.findings(NOBODY)[0].text))


def test_what_was_not_judged_is_no_zero(desk: Any, ledger: Ledger, direct: Counterparties) -> None:
    """The amount of trifles is null where none was judged, and a number where they were."""
    plain = counterparties(ledger, [desk.account("v")], asset=desk.asset)
    for found, rule, amount in ((plain, None, None), (direct, poisoning(100_000), 5_000)):
        followed = trace(ledger, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=rule)
        paid = found.frame.filter(pl.col("direction") == "out").with_columns(
            pl.lit("history not read").alias("onward"), (pl.col("amount") * 0).alias("traced")
        )
        rows = unread_finding(ledger, followed, found, paid).frame
        of = rows.filter(pl.col("what").str.starts_with("trifles of address poisoning"))
        assert of["amount"].to_list() == [amount]
        assert of["what"].str.contains("not judged").to_list() == [amount is None]
        at = hosted(ledger, desk.tags(("s", "shop")), asset=desk.asset)
        subjects = pl.DataFrame({"address": [desk.account("v")]})
        told = hosting_finding(subjects, at, found, followed, 980)
        assert told.frame["trifles"].to_list() == [amount]
        assert ("5,000 TOK of trifles" in " ".join(told.text)) is (amount is not None)
        assert " 0 TOK of trifles" not in " ".join(told.text)


def test_an_unknown_order_makes_an_edge_and_is_marked_and_counted(desk: Any) -> None:
    """One second, no places: whether the trifle came after the payment nobody can say."""
    story = [
        ("o", "v", 50_000_000, 0), ("v", PARTNER, 40_000_000, 1), (TWIN, "v", 5_000, 1),
        ("v", TWIN, 60_000, 1),
    ]  # fmt: skip
    made = desk.paid(story, read="v")
    found = counterparties(made, [desk.account("v")], asset=desk.asset, trifle=10_000)
    assert found.poisoning.height == 0
    doubts = dict(found.frame.select("amount", "doubt").iter_rows())
    assert doubts == {
        50_000_000: None, 40_000_000: "perhaps to a look-alike", 5_000: "perhaps a lure",
        60_000: "perhaps to a look-alike",
    }  # fmt: skip
    assert found.unasked()[0].startswith("Of 1 payment it is not known whether it is a lure:")
    assert found.unasked()[1].startswith("Of 2 payments it is not known whether it went to a look")
    rule = poisoning(10_000)
    got = trace(made, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=rule)
    came = got.origins.filter(pl.col("doubt").is_not_null())
    assert came.select("amount", "doubt").rows() == [(5_000, "perhaps a lure")]
    went = got.steps.filter(pl.col("doubt").is_not_null())
    assert set(went["doubt"]) == {"perhaps to a look-alike"}
    assert set(went["target"]) == {desk.account(PARTNER), desk.account(TWIN)}
    assert went["imitates"].null_count() == went.height
    told = " ".join(map(str, got.findings(NOBODY)[0].text))
    assert "Of 1 payment it is not known whether it is a lure:" in told
    assert "Of 2 payments it is not known whether it went to a look-alike:" in told


def test_a_known_order_leaves_no_doubt(desk: Any, direct: Counterparties, followed: Trace) -> None:
    for frame in (direct.frame, followed.steps, followed.origins):
        assert frame["doubt"].null_count() == frame.height


def test_what_nobody_signed_makes_no_edge(desk: Any) -> None:
    """The third form: a contract that writes transfers of anybody's, here of the asset itself."""
    forged = [*STORY[:2], ("v", TWIN, 7_000_000, None, {"signed": False})]
    ledger = desk.paid(forged, read="v")
    found = counterparties(ledger, [desk.account("v")], asset=desk.asset)
    assert found.poisoning["why"].to_list() == ["unsigned()"]
    assert found.total("out") == 50_000_000
    got = trace(ledger, [desk.account("v")], policy=fifo, asset=desk.asset, poisoning=poisoning(0))
    assert desk.account(TWIN) not in set(got.steps["target"])


def test_counterfeits_stand_among_other_tokens(desk: Any) -> None:
    """Another contract with the asset's symbol: look-alike, and counterfeit where it was forged."""
    fakes = {
        name: {"contract": desk.account(name), "symbol": symbol, "signed": signed}
        for name, symbol, signed in (
            ("fake", "T\u039fK", False), ("bridge", "tok", None), ("other", "CAT", False),
        )
    }  # fmt: skip
    ledger = desk.paid([*STORY, *(("v", TWIN, 9, None, more) for more in fakes.values())], read="v")
    subjects = pl.DataFrame({"address": [desk.account("v")]})
    finding = other_tokens_finding(ledger, subjects, desk.asset)
    assert dict(finding.frame.select("contract", "looks").iter_rows()) == {
        desk.account("fake"): "counterfeit",
        desk.account("bridge"): "look-alike symbol",
        desk.account("other"): None,
    }
    assert "2 contracts bear a symbol that looks like" in finding.text[1]


def test_other_tokens_are_told_by_contract(desk: Any) -> None:
    """Rows of one contract that differ in what they call it are of one, and the coin is of none."""
    cat, coin = desk.account("cat"), {"contract": None, "kind": "native"}
    rows = [
        {"contract": cat, "symbol": "CAT", "decimals": 6},
        {"contract": cat, "symbol": "t0k", "decimals": None},
        {"contract": cat, "symbol": None, "decimals": 6},
        {"contract": desk.account("dog"), "symbol": "DOG", "decimals": 6},
        {"contract": desk.account("dog"), "symbol": "DOG", "decimals": 18},
        coin,
    ]
    ledger = desk.paid([("v", "w", 9, None, more) for more in rows], read="v")
    finding = other_tokens_finding(
        ledger, pl.DataFrame({"address": [desk.account("v")]}), desk.asset
    )
    assert finding.frame.select("contract", "symbol", "decimals", "count").rows() == [
        (cat, "CAT | t0k", 6, 3), (desk.account("dog"), "DOG", None, 2), (None, None, None, 1),
    ]  # fmt: skip
    assert finding.text[0].startswith("5 transfers are of 2 other contracts, and 1 of ETH.")
    assert (
        "its rows state 6 and 18 decimals, so that its amounts are in base units."
        in (finding.text[-1])
    )
