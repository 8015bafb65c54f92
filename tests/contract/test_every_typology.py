"""What every typology keeps: it explains itself, finds its shape, and is silent at its twin.

A new typology is a line of ``TYPOLOGIES``, and is added to ``CASES`` with a ledger that has its
shape, and one of the innocent business that looks most like it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from typing import Any

import change_cases
import polars as pl
import pytest
from account_chains import DAY, HOUR, Accounts
from crime_cases import CRIMES, Case

import chainwatch as cw
from chainwatch import typologies as package
from chainwatch.addresses.assets import Asset, native
from chainwatch.errors import ArgumentError, RuleError
from chainwatch.ledger.ledger import Ledger
from chainwatch.typologies.alerts import alerts_of, flows_of
from chainwatch.typologies.catalogue import DEFAULT, TYPOLOGIES
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.tables import OPEN
from chainwatch.typologies.typology import FATF, Answer, Typology, typology

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)


M = 1_000_000
"""One token."""

MONTH = 30 * DAY


def gathered(count: int, every: int) -> list[Any]:
    return [(f"p{n}>hub:{M + n}", n * every) for n in range(count)]


def scattered(count: int, every: int, begin: int = 0) -> list[Any]:
    return [(f"hub>q{n}:{M - n}", begin + n * every) for n in range(count)]


def monthly(payments: list[Any]) -> list[Any]:
    """Return payments that are made each month for three months."""
    return [(text, minute + month * MONTH) for month in range(3) for text, minute in payments]


def funded(count: int) -> list[Any]:
    return [(f"s{n}>w{n}:{M + n}", n) for n in range(count)]


def swept(count: int, begin: int) -> list[Any]:
    return [(f"w{n}>cold:{M + n}", begin + n * HOUR) for n in range(count)]


SOURCES = [(f"a{k}>m{n}:{M}", 10 * k + n) for k in range(2) for n in range(2)]
SINKS = [(f"m{n}>b{k}:{M - 9}", DAY + 10 * k + n) for k in range(2) for n in range(2)]

SOON = [("x>mule:1000", 0), ("mule>y:950", 30), ("x>mule:2000", 100), ("mule>z:1800", 160),
        ("w>mule:500", 300), ("mule>y:500", 301)]  # fmt: skip

BRIEF = [("x>brief:500", 0), ("y>brief:300", HOUR), ("x>brief:200", DAY), ("brief>u:600", 2 * DAY),
         ("brief>v:390", 3 * DAY), ("other>one:5", 20 * DAY)]  # fmt: skip


PEELED = """
    h1: A=1_000 -> P=100 B=890
    h2: h1/1 -> C=800 Q=85
    h3: h2/0 -> D=700 R=95
    h4: h3/0 -> E=600 S=90
    h5: h4/0 -> F=500 T=90
"""
HALVED = """
    h1: A=1_000 -> P=400 B=590
    h2: h1/1 -> C=300 Q=285
    h3: h2/0 -> D=150 R=145
    h4: h3/0 -> E=70 S=70
    h5: h4/0 -> F=40 T=30
"""


WEAK_ONES = {
    "address_per_donor", "affiliate_split", "arms_escrow", "changer_funded_payouts", "fan_in",
    "gather_scatter", "many_ads", "many_services", "multisig_escrow", "night_amounts",
    "otc_cash_out", "published_appeal", "rotating_addresses", "structuring", "vendor_income",
}  # fmt: skip
"""Lawful business has the very same payments as these."""

ACCUSING = re.compile(
    r"launder|traffick|recruit|crim|illicit|terror|abuse|drug|pill|arms|weapon|precursor|vendor"
)

CASES = {
    "consolidation": Case(
        cw.typologies.consolidation(), funded(5) + swept(5, DAY),
        monthly(funded(5) + swept(5, DAY)), "cold",
    ),
    "cycle": Case(
        cw.typologies.cycle(), [("a>b:100", 0), ("b>c:90", 5), ("c>a:80", 9)],
        [("a>b:100", 0), ("b>a:90", 5), ("d>e:100", 0), ("e>f:100", 5), ("f>d:49", 9)], "a", False,
    ),
    "dormant_reactivation": Case(
        cw.typologies.dormant_reactivation(), [("x>old:100", 0), ("old>y:60", 366 * DAY)],
        [("x>old:100", 0), ("old>y:10", 366 * DAY),
         *((f"x>saver:{10 + n}", n * MONTH) for n in range(20)),
         *((f"saver>y:{9 + n}", n * MONTH + DAY) for n in range(20))], "old",
    ),
    "fan_in": Case(
        cw.typologies.fan_in(), gathered(6, HOUR), monthly(gathered(6, HOUR)), "hub",
    ),
    "fan_out": Case(
        cw.typologies.fan_out(), scattered(6, HOUR), monthly(scattered(6, HOUR)), "hub",
    ),
    "gather_scatter": Case(
        cw.typologies.gather_scatter(), gathered(6, HOUR) + scattered(6, HOUR, DAY),
        [one for n in range(6) for one in ((f"p{n}>hub:{M}", n * HOUR),
                                           (f"hub>q{n}:{M - 9}", n * HOUR + 30))], "hub",
    ),
    "layering": Case(
        cw.typologies.layering(), SOURCES + SINKS,
        SOURCES + SINKS + [(text, minute + 2 * DAY) for text, minute in SOURCES + SINKS], "m0",
    ),
    "pass_through": Case(
        cw.typologies.pass_through(), BRIEF,
        [(text.replace(">u:", ">v:"), minute) for text, minute in BRIEF], "brief",
    ),
    "peel_chain": Case(
        cw.typologies.peel_chain(), PEELED, HALVED, "A", False,
    ),
    "rapid_movement": Case(
        cw.typologies.rapid_movement(), SOON,
        [(text.replace(">z:", ">y:"), minute) for text, minute in SOON], "mule",
    ),
    "round_amounts": Case(
        cw.typologies.round_amounts(),
        [(f"hub>q{n}:{(n + 1) * M // 10 + (n > 5)}", n * DAY) for n in range(11)],
        monthly([(f"hub>q{n}:{M}", n) for n in range(5)]), "hub",
    ),
    "scatter_gather": Case(
        cw.typologies.scatter_gather(),
        [(f"a>m{n}:100", n) for n in range(3)] + [(f"m{n}>b:90", DAY + n) for n in range(3)],
        [(f"a>m{n}:100", n) for n in range(9)] + [(f"m{n}>b:50", DAY + n) for n in range(9)],
        "a",
    ),
    "structuring": Case(
        cw.typologies.structuring(units=1_000),
        [("a>b:900", 0), ("a>b:800", HOUR), ("a>b:999", 24 * HOUR)],
        [("a>b:900", n * 13 * HOUR) for n in range(9)], "a", False,
    ),
    **CRIMES,
}  # fmt: skip
"""The twins of shapes: deposit addresses swept each month; a refund, and a ring that returns too
little; a saver; a subscription; wages; a shop that pays as it is paid; agents who deal again; a
wallet swept to one place; a coin spent in large parts; the same, soon; wages; one employer and one
landlord; a daily purchase."""


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def made(small_ledger: Any) -> Callable[..., Ledger]:
    """Return what makes a ledger of payments, of accounts or of coins; that of a case once."""
    kept: dict[str, Ledger] = {}

    def make(payments: Any, **more: Any) -> Ledger:
        text = f"{payments!r} {more!r}"
        if text not in kept:
            kept[text] = (
                change_cases.ledger_with(small_ledger, payments)
                if isinstance(payments, str)
                else ON.ledger(payments, **more)
            )
        return kept[text]

    return make


def asset_of(ledger: Ledger) -> Asset:
    return TOKEN if ledger.chains[0].family != "utxo" else native(ledger.chains[0].id)


def asked(case: Case, ledger: Ledger, **more: Any) -> cw.Alerts:
    ledger = case.changed(ledger)
    return cw.alerts(ledger, asset_of(ledger), [case.typology], **{**case.given, **more})


def changed(payments: list[Any], **columns: Any) -> list[Any]:
    return [(*one[:2], {**(one[2] if len(one) > 2 else {}), **columns}) for one in payments]


def makers() -> set[object]:
    """Return every maker of typologies in the package."""
    found = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        names = vars(importlib.import_module(module.name)).values()
        found |= {maker for maker in names if callable(maker) and hasattr(maker, "typology")}
    return found


def test_the_catalogue_is_complete() -> None:
    assert len(set(TYPOLOGIES)) == len(TYPOLOGIES)
    assert set(TYPOLOGIES) == makers()
    assert [make().name for make in TYPOLOGIES] == sorted(CASES)
    assert {one.name for one in DEFAULT} <= set(CASES)
    assert dir(package) == sorted(CASES)
    assert package.fan_in is not None


def test_it_says_when_it_fails_what_it_rests_on_and_what_looks_the_same(case: Case) -> None:
    for section in ("Fails when\n-----", "References\n-----"):
        assert section in case.typology.doc
    assert case.typology.refs
    assert case.typology.fatf in FATF
    assert case.typology.benign.endswith(".")
    for name, _ in case.typology.params:
        assert f"\n{name} : " in case.typology.doc, f"parameter {name} is not described"


def test_it_prints_itself_and_its_record_has_it(case: Case, made: Any) -> None:
    assert str(case.typology).startswith(f"{case.typology.name}(")
    assert case.typology.identity() in asked(case, made(case.shape)).lineage()


def test_it_finds_its_shape_and_says_whose(case: Case, made: Any, named: Any) -> None:
    found = asked(case, made(case.shape))
    assert found.frame["typology"].unique().to_list() == [case.typology.name]
    whose = (named if isinstance(case.shape, str) else ON)(case.whose)
    assert whose in found.frame["entity"].to_list()
    assert found.frame["verdict"].unique().to_list() == ["fits"]
    assert not found.frame["benign"].null_count()
    symbol = asset_of(made(case.shape)).symbol
    assert not any(symbol in one for one in found.frame["why"]), "an amount escapes its rounding"


def test_it_is_silent_at_its_twin(case: Case, made: Any) -> None:
    given = case.given if case.twin_given is None else case.twin_given
    assert asked(case, made(case.twin), **given).frame.is_empty()


def test_evidence_adds_up_and_every_alert_has_some(case: Case, made: Any) -> None:
    found = asked(case, made(case.shape))
    for row in found.frame.iter_rows(named=True):
        rows = found.of(row["alert"]).unique(["txid", "place", "payee"])
        assert rows.height == row["payments"]
        assert row["amount"] <= rows["amount"].sum()
        assert (row["first"], row["last"]) == (rows["time"].min(), rows["time"].max())


def test_the_order_of_rows_makes_no_difference(case: Case, made: Any) -> None:
    for payments in (case.shape, case.twin):
        ledger = made(payments)
        mixed = Ledger.from_tables({
            name: rows.sample(fraction=1, shuffle=True, seed=7)
            for name, rows in (ledger.frames or {}).items()
        })  # fmt: skip
        assert asked(case, mixed).digest == asked(case, ledger).digest


def test_what_was_not_read_leaves_it_open_and_makes_no_new_alert(case: Case, made: Any) -> None:
    ledger = made(case.shape)
    blind = Ledger.from_tables(
        {name: rows for name, rows in (ledger.frames or {}).items() if name != "coverage"}
    )
    full, less = asked(case, ledger).frame, asked(case, blind).frame
    said = ["alert", "verdict", "unknown"]
    assert less.drop(said).join(full.drop(said), on=full.drop(said).columns, how="anti",
                                nulls_equal=True).is_empty()  # fmt: skip
    if case.rests_on_history:
        assert less.height == full.height
        assert set(less["verdict"]) == {OPEN}
        assert not less["unknown"].null_count()


def test_forged_logs_make_no_alert(case: Case, made: Any) -> None:
    if isinstance(case.shape, str):
        return  # coins cannot be forged
    assert asked(case, made(changed(case.shape, signed=False))).frame.is_empty()


def test_where_authority_was_not_read_it_is_open(case: Case, made: Any) -> None:
    if isinstance(case.shape, str):
        return
    found = asked(case, made(changed(case.shape, signed=None)))
    assert set(found.frame["verdict"]) == {OPEN}


def test_what_failed_or_moved_nothing_makes_no_alert(case: Case, made: Any) -> None:
    if isinstance(case.shape, str):
        return
    for columns in ({"success": False}, {"amount": 0}):
        assert asked(case, made(changed(case.shape, **columns))).frame.is_empty()


def test_an_alert_is_of_the_span_in_which_its_last_payment_lies(case: Case, made: Any) -> None:
    ledger = made(case.shape)
    last = asked(case, ledger).frame["last"].max()
    assert asked(case, ledger, since=last).frame.height
    assert asked(case, ledger, until=last).frame["last"].max() != last
    assert asked(case, ledger.between(last, None)).frame.height


def test_it_is_asked_of_payments_alone(case: Case, made: Any) -> None:
    ledger = case.changed(made(case.shape))
    flows = flows_of(ledger, asset_of(ledger), **case.given)
    assert case.typology.find(flows).claims
    assert alerts_of(flows, [case.typology]).frame.equals(asked(case, made(case.shape)).frame)


@pytest.mark.parametrize("make", TYPOLOGIES)
def test_parameters_are_plain_and_not_below_zero(make: Callable[..., Typology]) -> None:
    for name, value in make().params:
        if type(value) is int:
            with pytest.raises(RuleError, match=f"parameter {name}"):
                make(**{name: -1})
            with pytest.raises(ArgumentError, match=f"parameter {name}"):
                make(**{name: True})
        with pytest.raises(RuleError, match=f"parameter {name}"):
            make(**{name: 1.5})


def test_two_typologies_are_equal_by_digest() -> None:
    make = package.fan_in
    assert make() == make(senders=5)
    assert make() != make(senders=6)
    assert len({make(), make(senders=5)}) == 1


def test_one_that_does_not_explain_itself_is_refused() -> None:
    def silent(flows: Flows) -> list[Answer]:
        """Find nothing."""
        return []

    def told(flows: Flows) -> list[Answer]:
        """Find nothing.

        Fails when
        ----------
        Always.
        """
        return []

    good: dict[str, Any] = {"fatf": "patterns", "benign": "A shop.", "refs": ("nobody",)}
    with pytest.raises(RuleError, match="does not say when it fails"):
        typology(**good)(silent)
    for wrong, words in (
        ({"fatf": "bad"}, "of the category 'bad'"),
        ({"benign": ""}, "does not say in a sentence"),
        ({"needs": ("luck",)}, "needs 'luck'"),
        ({"strength": "strong"}, "of the strength 'strong'"),
    ):
        with pytest.raises(RuleError, match=words):
            typology(**{**good, **wrong})(told)


def test_a_weak_typology_says_so_wherever_it_is_shown(made: Any) -> None:
    weak = {name for name, case in CASES.items() if case.typology.strength == "weak"}
    assert weak == WEAK_ONES
    for name in sorted(weak):
        case = CASES[name]
        assert str(case.typology).endswith(") (weak)")
        found = asked(case, made(case.shape))
        assert found.frame["strength"].unique().to_list() == ["weak"]
        assert "(weak)" in found.typologies[0]
        if isinstance(case.shape, str):
            continue
        subjects = pl.DataFrame({"chain": [ON.chain], "address": [ON(case.whose)]})
        (finding,) = found.findings(subjects)
        assert "of a weak kind" in finding.headline
        assert "strength" in finding.rows.frame.columns
    plain = asked(CASES["fan_out"], made(CASES["fan_out"].shape))
    assert plain.frame["strength"].to_list() == ["plain"]
    assert "(" not in str(CASES["fan_out"].typology).rpartition(")")[2]


def test_a_weak_typology_says_the_lawful_twin_first_and_accuses_nobody(made: Any) -> None:
    for name in sorted(WEAK_ONES):
        case = CASES[name]
        for why in asked(case, made(case.shape)).frame["why"]:
            assert re.match(r"as [a-z' ]+: ", why), f"{name} does not begin with its twin"
            assert not ACCUSING.search(why), why


def test_two_of_one_name_are_refused_and_what_is_none(made: Any) -> None:
    ledger = made(CASES["fan_in"].shape)
    with pytest.raises(RuleError, match="two typologies are called fan_in"):
        cw.alerts(ledger, TOKEN, [package.fan_in(), package.fan_in(senders=3)])
    with pytest.raises(ArgumentError, match="a typology"):
        cw.alerts(ledger, TOKEN, [package.fan_in])  # type: ignore[list-item]


def test_a_flag_that_no_chain_shows_is_not_observable_and_never_clean() -> None:
    found = cw.alerts(Ledger.from_tables({}), TOKEN, [])
    assert found.frame.is_empty()
    assert set(found.not_observable["fatf"]) == set(FATF)
    assert not found.not_observable["needs"].null_count()


def test_what_needs_what_was_not_given_is_not_observable(made: Any) -> None:
    @typology(fatf="anonymity", benign="A shop.", needs=("tags", "prices"), refs=("nobody",))
    def of_services(flows: Flows) -> list[Answer]:
        """Find nothing.

        Fails when
        ----------
        Always.
        """
        raise AssertionError("it is not asked")

    found = cw.alerts(made(CASES["fan_in"].shape), TOKEN, [of_services()])
    rows = found.not_observable.filter(pl.col("typology") == "of_services")
    assert rows["needs"].to_list() == ["prices", "tags"]
