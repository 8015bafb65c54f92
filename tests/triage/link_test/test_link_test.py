"""``link_test``: its verdicts, what they rest on, what else explains them, and who is shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_world import (
    DAY,
    HOT,
    NETWORK,
    ON,
    TOKEN,
    VENDORS,
    answers,
    asked,
    ledger,
    payments,
    verdicts,
)
from link_world import tags as services

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.results.mask import shown_tables
from chainwatch.triage.link_test.discovery import adjusted, discovered, draws_needed
from chainwatch.triage.link_test.explanations import CATALOGUE
from chainwatch.triage.link_test.judged import (
    AT_CROWD,
    CHANCE,
    DRAWS,
    LINK,
    NO_ROUTE,
    NOT_TESTABLE,
    ONCE,
    TOO_SMALL,
)


@pytest.fixture(scope="module")
def found() -> cw.LinkTests:
    return asked()


def row(found: cw.LinkTests, name: str) -> dict[str, Any]:
    return found.frame.filter(pl.col("vendor") == pl.lit(ON(name))).row(0, named=True)


def test_who_pays_again_and_again_is_called_and_who_shares_a_service_is_not(
    found: cw.LinkTests,
) -> None:
    assert verdicts(found) == {
        "kelp": LINK, "moss": LINK, "fern": CHANCE, "reed": NO_ROUTE, "dill": NO_ROUTE,
    }  # fmt: skip
    assert row(found, "fern")["why"] == ONCE
    assert row(found, "fern")["p"] == 1


def test_what_a_verdict_rests_on_can_be_worked_out(found: cw.LinkTests) -> None:
    kelp = row(found, "kelp")
    mine = [one for one, *_ in payments() if one.startswith("kelp>")]
    assert kelp["paid"] == sum(int(one.partition(":")[2]) for one in mine)
    # Three gifts straight; of two of 600 by a go-between 590 went on, all of which it was paid for.
    assert kelp["reached"] in range(401 + 403 + 405 + 2 * 589, 401 + 403 + 405 + 2 * 590 + 1)
    assert kelp["reached"] - kelp["again"] in (589, 590)
    assert 0 <= kelp["again"] / kelp["paid"] - kelp["share"] < Decimal("1e-9"), "rounded down once"
    assert kelp["p_matched"] == (kelp["as_far"] + 1) / (kelp["matched"] + 1)
    assert kelp["p_drawn"] == (kelp["drawn_as_far"] + 1) / (kelp["draws"] + 1)
    assert kelp["p"] == max(kelp["p_matched"], kelp["p_drawn"])
    assert kelp["adjusted"] <= 0.05
    assert kelp["matched"] >= found.needed
    assert kelp["draws"] == DRAWS
    assert kelp["difference_low"] <= kelp["difference"] <= kelp["difference_high"]
    assert kelp["ratio_low"] > 1
    said = found.why(ON("kelp"))
    paid = TOKEN.shown(int(kelp["paid"]))
    assert f"are consistent with a link to the network. Of {paid} that it paid" in said
    assert f"at least {kelp['ratio_low']:,.1f} times the mean of theirs (p " in said
    assert "likelihood ratio of at least" in said
    assert "likelihood ratio" not in found.why(ON("fern"))
    assert "belongs" not in " ".join(found.told())


def test_the_steps_of_those_who_are_called_are_all_there(found: cw.LinkTests) -> None:
    steps = found.steps.filter(pl.col("vendor") == pl.lit(ON("kelp")))
    told = sorted(
        (hop, ON.name(payer), ON.name(payee))
        for hop, payer, payee in steps.select("hop", "payer", "payee").iter_rows()
    )
    assert told == [
        *[(1, "kelp", "lantern1")] * 3, (1, "kelp", "mule1"), (1, "kelp", "mule2"),
        (2, "mule1", "lantern2"), (2, "mule2", "lantern2"),
    ]  # fmt: skip
    assert set(found.steps["vendor"].unique()) == {ON("kelp"), ON("moss")}
    assert (steps["could_reach"] <= steps["amount"]).all()


def test_innocent_explanations_are_asked_one_by_one(found: cw.LinkTests) -> None:
    assert found.explanations.height == len(VENDORS) * len(CATALOGUE)
    kelp, reed, moss, fern = (answers(found, one) for one in ("kelp", "reed", "moss", "fern"))
    assert kelp["shared exchange"] == "open", "nobody names the go-betweens"
    assert (kelp["mixer"], kelp["airdrop"], kelp["stale tag"]) == ("excluded", "excluded", "open")
    assert reed["shared exchange"] == "likely", "there is no other connection"
    assert moss["payment processor"] == moss["shared exchange"] == "likely"
    assert fern["shared exchange"] == fern["market cash-out"] == "excluded", "it paid straight"
    assert "1 of them likely explained otherwise" in found.answer()


@pytest.mark.parametrize(("first", "last", "answer"), [
    (date(2023, 1, 1), date(2024, 1, 1), "excluded"),
    (date(2022, 1, 1), date(2022, 6, 1), "likely"),
    (date(2023, 6, 20), date(2024, 1, 1), "open"),
])  # fmt: skip
def test_a_tag_of_other_days_explains_a_link(first: date, last: date, answer: str) -> None:
    of = {"first_day": first, "last_day": last}
    dated = ON.tags(HOT, *((one, "lantern", "donation", of) for one in NETWORK))
    assert answers(asked(tags=dated, vendors=[ON("kelp")]), "kelp")["stale tag"] == answer


def test_without_tags_or_reading_nothing_of_services_is_excluded() -> None:
    blind = answers(asked(tags=None, vendors=[ON("fern")]), "fern")
    assert blind["shared exchange"] == blind["payment processor"] == "open"
    unread = asked(vendors=[ON("fern")], of=ledger(read=("dill",)))
    said = answers(unread, "fern")
    assert {said[one] for one in ("shared exchange", "mixer", "market cash-out", "airdrop")} == {
        "open"
    }


def test_a_drop_on_many_explains_what_it_reaches() -> None:
    """Kelp pays a fee, and the same amount goes to everybody, a collector among them."""
    many = [
        (f"drop>{one}:6000", week * 7 * DAY + 900)
        for week in (2, 4)
        for one in ("lantern1", *(f"w{n}" for n in range(30)))
    ]
    fees = [("dill>drop:6000", week * 7 * DAY + 100) for week in (2, 4)]
    made = ON.ledger(sorted([*payments(), *fees, *many], key=lambda one: one[1]))
    found = asked(of=made, vendors=[ON("dill")])
    assert answers(found, "dill")["airdrop"] == "likely"
    assert row(found, "dill")["why"] == TOO_SMALL
    assert verdicts(found) == {"dill": CHANCE}


def test_too_few_wallets_or_draws_are_not_testable(found: cw.LinkTests) -> None:
    many = asked(tests=200)
    assert many.needed == 23_512
    assert verdicts(many)["kelp"] == NOT_TESTABLE
    assert "wallets are like it and were wholly read" in row(many, "kelp")["why"]
    few = asked(draws=20)
    assert verdicts(few)["kelp"] == NOT_TESTABLE
    assert row(few, "kelp")["why"].startswith("20 draws were asked for")
    assert row(few, "kelp")["p"] is None
    assert verdicts(few)["dill"] == NO_ROUTE
    # A test that was tried before and not told costs all others.
    assert row(asked(tests=6), "kelp")["adjusted"] > row(found, "kelp")["adjusted"]


def test_the_same_seed_gives_the_same_result_whoever_else_is_tested(found: cw.LinkTests) -> None:
    again = asked()
    assert again.digest == found.digest
    assert "seed=0" in again.lineage()
    other = asked(seed=1)
    assert other.digest != found.digest
    turned = asked(vendors=[ON(one) for one in reversed(VENDORS)])
    assert turned.digest == found.digest
    alone = asked(vendors=[ON("kelp")], tests=len(VENDORS))
    assert row(alone, "kelp")["drawn_as_far"] == row(found, "kelp")["drawn_as_far"]


def test_the_order_of_payments_of_one_time_decides_nothing() -> None:
    turned = ON.ledger(list(reversed(payments())))
    assert verdicts(asked(of=turned)) == verdicts(asked())


def test_routes_and_values_are_made_when_they_are_asked_for(found: cw.LinkTests) -> None:
    values = dict(found.values(ON("kelp")).iter_rows())
    assert values["haircut"] == values["fifo"] == 401 + 403 + 405 + 2 * 590
    assert values["lowest_balance"] == 0
    routes = found.routes(ON("kelp"), k=5)
    assert routes.routes.height == 5
    assert routes.by == "weakest"
    assert dict(found.values(ON("dill")).iter_rows())["poison"] == 0
    with pytest.raises(InputError, match="was not tested"):
        found.why(ON("w1"))


def test_owners_are_tested_whole_and_once() -> None:
    class Owners:
        frame = pl.DataFrame({
            "chain": [ON.chain] * 5,
            "address": [ON(one) for one in ("kelp", "fern", "dill", "lantern1", "lantern2")],
            "cluster": [ON("fern")] * 2 + [ON("dill")] + [ON("lantern1")] * 2,
        })  # fmt: skip

    found = asked(clusters=Owners(), vendors=[ON("kelp"), ON("fern")])
    assert found.frame.height == 1
    paid = sum(row(asked(), one)["paid"] for one in ("kelp", "fern"))
    assert found.frame["paid"].to_list() == [paid]
    assert dict(found.values(ON("fern")).iter_rows())["fifo"] == 3000 + 2389
    with pytest.raises(ArgumentError, match="1 of the vendors are of the network"):
        asked(clusters=Owners(), vendors=[ON("lantern2")])


def test_who_neither_pays_nor_is_paid_has_no_route() -> None:
    found = asked(vendors=[ON("kelp"), ON("nobody")])
    assert verdicts(found)["nobody"] == NO_ROUTE
    assert row(found, "nobody")["paid"] == 0
    assert not answers(found, "nobody")


@pytest.mark.parametrize(("given", "said"), [
    ({"hops": 0}, "hops is 0"), ({"days": True}, "days is True"), ({"draws": -1}, "draws is -1"),
    ({"tests": 1.5}, "tests is 1.5"), ({"seed": -1}, "seed is -1"), ({"crowd": "x"}, "crowd is"),
    ({"rate": 2}, "between 0 and 1"), ({"least": 0}, "between 0 and 1"),
    ({"tags": "tags"}, "tags"), ({"vendors": [f"{'0' * 64}:0"]}, "outputs"),
])  # fmt: skip
def test_arguments_out_of_range_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises((ArgumentError, cw.errors.TraceError), match=said):
        asked(**given)


def test_a_report_shows_the_called_and_the_network_and_nobody_else(
    found: cw.LinkTests, tmp_path: Any
) -> None:
    edition, tables = shown_tables(found)
    assert edition == "disclosure"
    # Who was only tested is masked; who is called is a finding.
    assert set(tables["link_tests"]["vendor"]) >= {text(ON(one), "eth") for one in ("kelp", "moss")}
    for name in ("reed", "fern", "dill"):
        assert text(ON(name), "eth") not in str(tables["link_tests"].to_dicts())
    (finding,) = found.findings(pl.DataFrame())
    assert "consistent with" in finding.headline
    assert len(finding.innocent) == len(CATALOGUE)
    case = cw.Case("links", "Who pays the network?", mask_key=bytes(16)).add(found)
    case.write(tmp_path / "case")
    told = "".join(
        one.read_text("utf-8") for one in (tmp_path / "case").rglob("*")
        if one.suffix in (".csv", ".html", ".json")
    )  # fmt: skip
    assert text(ON("kelp"), "eth") in told
    assert text(ON("lantern1"), "eth") in told
    for name in ("mule1", "mule2", "agent", "hot", "w7", "reed", "fern", "dill"):
        assert text(ON(name), "eth") not in told, name


def test_terms_are_said_and_no_rate_is_claimed_on_others(found: cw.LinkTests) -> None:
    (finding,) = found.findings(pl.DataFrame())
    said = " ".join(finding.text)
    assert "at most 3 payments, each at most 7 days after" in said
    assert "false discovery rate of 0.05 over 5 tests" in said
    assert "likelihood ratio of at least" in said
    assert "conditional on the simulator" in said
    (other,) = asked(days=8).findings(pl.DataFrame())
    assert "was not measured on these terms" in " ".join(other.text)
    assert asked(rate="1/10").terms.rate == Fraction(1, 10)


def test_a_payer_who_is_not_known_is_told() -> None:
    assert "not known" not in " ".join(asked().findings(pl.DataFrame())[0].text)
    unsure = [*payments(), ("w1>lantern1:5", 71 * DAY, {"signed": None})]
    found = asked(of=ON.ledger(unsure))
    assert found.unknown == 1
    assert "not known to have wanted it" in " ".join(found.findings(pl.DataFrame())[0].text)


def test_what_was_not_read_of_vendors_and_network_is_told() -> None:
    found = asked(of=ledger(read=("kelp",)))
    said = dict(found.frame.select("vendor", "unread").iter_rows())
    assert [one for one in VENDORS if said[ON(one)] is None] == ["kelp"]
    assert "Not all payments of 4 subjects were read" in " ".join(
        found.findings(pl.DataFrame())[0].text
    )
    assert "Of its own payments it is not known: " in found.why(ON("dill"))
    assert "is not known: " not in found.why(ON("kelp"))
    blind = cw.link_test(ledger(), [ON("kelp")], [ON("nowhere")], asset=TOKEN)
    assert "None of the network's addresses was met" in blind.answer()
    half = cw.link_test(ledger(), [ON("kelp")], [ON("nowhere"), ON("lantern1")], asset=TOKEN)
    assert half.unmet == 1
    assert "None of" not in half.answer()


def test_tags_may_be_given_for_the_network_and_the_vendors() -> None:
    named = ON.tags(
        HOT, *((one, "lantern", "donation") for one in NETWORK), ("kelp", "k", "vendor")
    )
    found = cw.link_test(
        ledger(), named.where(concept="vendor"), named.where(actor="lantern"), tags=named,
        asset=TOKEN,
    )  # fmt: skip
    assert verdicts(found) == {"kelp": LINK}
    assert services().frame.height == 1


def test_nobody_is_called_a_vendor_whom_no_tag_calls_one() -> None:
    called = ON.tags(HOT, *((one, one, "vendor") for one in VENDORS))
    for tags, word in ((None, "subject"), (ON.tags(HOT), "subject"), (called, "vendor")):
        found = asked(tags=tags)
        (finding,) = found.findings(pl.DataFrame())
        said = " ".join((found.answer(), *finding.text, *finding.innocent, *found.against()))
        assert f"Of {len(VENDORS)} {word}s, payments of" in said
        assert finding.rows.frame.columns[0] == word == finding.rows.table.key[0]
        told = said.replace("simulated vendors", "")
        assert ("vendor" in told) == (word == "vendor")


def test_amounts_of_any_width_are_tested_alike(found: cw.LinkTests) -> None:
    """A thousand million millions of base units to each: more than 64 bits hold."""
    many = 10**18
    wide = [
        (f"{who}:{int(amount) * many}", *more)
        for one, *more in payments()
        for who, _, amount in (one.partition(":"),)
    ]
    told = asked(of=ON.ledger(wide))
    assert verdicts(told) == verdicts(found)
    assert row(told, "kelp")["paid"] == row(found, "kelp")["paid"] * many
    assert row(told, "kelp")["share"] >= row(found, "kelp")["share"], "no unit is lost to rounding"
    assert int(told.steps["amount"].max()) > 2**63  # type: ignore[arg-type]  # a decimal


def test_on_coins_routes_and_values_are_those_of_the_made_up_case(otter_case: Any) -> None:
    """Kelp paid the campaign from a mix, and once is no pattern; Reed shares two exchanges."""
    ledger, named = otter_case.ledger, otter_case.tags
    owners = cw.owners(ledger)
    told = cw.link_test(
        ledger, named.where(concept="vendor"), named.where(label="Lantern campaign"), tags=named,
        clusters=owners,
    )  # fmt: skip
    kelp, reed = (
        named.where(label=f"{one} (vendor at Otter)").frame["address"][0]
        for one in ("Kelp", "Reed")
    )
    said = dict(told.frame.select("vendor", "verdict").iter_rows())
    assert said == {kelp: CHANCE, reed: NO_ROUTE}
    values, route = dict(told.values(kelp).iter_rows()), told.routes(kelp)
    assert set(values.values()) == {3_000_000}
    assert route.routes.height == 1
    assert not told.routes(reed).routes.height
    assert set(dict(told.values(reed).iter_rows()).values()) == {0}


def test_a_screened_consumer_stays_masked(tmp_path: Any) -> None:
    """Two hundred wallets must not be unmasked by being tested."""
    paid = [*payments(), ("buyer>kelp:30", 5), ("buyer>kelp:20", 9)]
    ledger, said = (
        ON.ledger(sorted(paid, key=lambda one: one[1])),
        ON.tags(HOT, ("kelp", "kelp", "vendor")),
    )
    people = cw.roles(ledger, [ON("kelp")], tags=said, asset=TOKEN, small=1_000)
    assert people.of(ON("buyer")) == "likely consumer"
    found = asked(of=ledger, vendors=[ON("kelp"), ON("buyer")])
    case = cw.Case("l", "?", mask_key=bytes(16)).add(people).add(found)
    case.write(tmp_path / "case")
    told = "".join(one.read_text("utf-8", "replace") for one in (tmp_path / "case").rglob("*.csv"))
    assert text(ON("buyer"), "eth") not in told


def test_dust_makes_no_crowd_and_a_crowd_is_said() -> None:
    """Nine payments of one unit to a go-between erase no link."""
    dust = [(f"d{n}>mule{k}:1", 40 * DAY + n) for n in range(9) for k in (1, 2)]
    plain = asked()
    made = ON.ledger(sorted([*payments(), *dust], key=lambda one: one[1]))
    assert verdicts(asked(of=made))["kelp"] == verdicts(plain)["kelp"] == LINK
    crowd = [(f"d{n}>agent:700", 40 * DAY + n) for n in range(12)]
    many = ON.ledger(sorted([*payments(), *crowd], key=lambda one: one[1]))
    told = asked(of=many)
    assert verdicts(told)["moss"] == AT_CROWD
    assert "by somebody whom many pay" in str(told.why(ON("moss")))
    assert "by somebody whom many pay" in told.answer()


def test_a_p_value_of_exactly_the_rate_is_called() -> None:
    """As many draws as a lone discovery needs can make one: in whole numbers, not in floats."""
    for rate, tests in ((Fraction(1, 20), 1), (Fraction(1, 20), 2), (Fraction(1, 10), 1)):
        needed = draws_needed(tests, rate)
        values = [Fraction(1, needed + 1), *[Fraction(1)] * (tests - 1)]
        assert discovered(values, tests, rate)[0]
        assert not discovered([values[0] + Fraction(1, 10**9), *values[1:]], tests, rate)[0]


def test_wallets_that_were_not_wholly_read_are_not_compared() -> None:
    named = (*VENDORS, *NETWORK, "mule1", "mule2", "hot", "dep", "agent")
    found = asked(of=ledger(read=named))
    assert verdicts(found)["kelp"] == NOT_TESTABLE
    assert "were wholly read" in row(found, "kelp")["why"]


@given(
    st.lists(st.fractions(0, 1, max_denominator=40), min_size=1, max_size=8), st.integers(0, 4),
    st.sampled_from([Fraction(1, 20), Fraction(1, 3)]),
)  # fmt: skip
def test_exact_discoveries_are_those_of_scipy(
    values: list[Fraction], more: int, rate: Fraction
) -> None:
    tests = len(values) + more
    told = adjusted([float(one) for one in values], tests)
    for said, value in zip(discovered(values, tests, rate), told, strict=True):
        if abs(value - float(rate)) > 1e-9:
            assert said == (value < float(rate))


def test_a_table_that_tells_nobody_s_wish_is_not_read_as_nothing() -> None:
    """Transfers alone: all count, and the report says what that leaves open."""
    bare = [(paid, at, {"signed": None}) for paid, at in payments()]
    found = asked(of=ON.ledger(bare))
    assert verdicts(found)["kelp"] == LINK
    assert "made in a subject's name" in " ".join(found.findings(pl.DataFrame())[0].text)
    assert "'s name" not in " ".join(asked().findings(pl.DataFrame())[0].text)
