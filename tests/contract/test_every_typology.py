"""What every typology keeps: it explains itself, finds its shape, and is silent at its twin.

A new typology is a line of ``TYPOLOGIES``, and is added to ``CASES`` with a ledger that has its
shape, and one of the innocent business that looks most like it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl
import pytest
from account_chains import DAY, HOUR, Accounts

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


class Case(NamedTuple):
    """A typology, payments that have its shape, and payments of its twin.

    ``rests_on_history`` is whether something that was not read could explain the shape away.
    """

    typology: Typology
    shape: list[Any]
    twin: list[Any]
    whose: str
    rests_on_history: bool = True


def to_hub(count: int, every: int, amount: int = 1_000_000) -> list[Any]:
    return [(f"p{n}>hub:{amount + n}", n * every) for n in range(count)]


CASES = {
    "fan_in": Case(
        cw.typologies.fan_in(),
        to_hub(6, HOUR),
        [one for month in range(3) for one in [
            (text, minute + month * 30 * DAY) for text, minute in to_hub(6, HOUR)
        ]],
        "hub",
    ),
}  # fmt: skip
"""The twin of fan-in: six customers with a subscription."""


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def asset_of(ledger: Ledger) -> Asset:
    return TOKEN if ledger.chains[0].family != "utxo" else native(ledger.chains[0].id)


def asked(case: Case, ledger: Ledger, **more: Any) -> cw.Alerts:
    return cw.alerts(ledger, asset_of(ledger), [case.typology], **more)


def made(payments: list[Any], **more: Any) -> Ledger:
    """Return a ledger of payments; one that is written already stays as it is."""
    return payments if isinstance(payments, Ledger) else ON.ledger(payments, **more)


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


def test_it_prints_itself_and_its_record_has_it(case: Case) -> None:
    assert str(case.typology).startswith(f"{case.typology.name}(")
    assert case.typology.identity() in asked(case, made(case.shape)).lineage()


def test_it_finds_its_shape_and_says_whose(case: Case) -> None:
    found = asked(case, made(case.shape))
    assert found.frame["typology"].unique().to_list() == [case.typology.name]
    assert ON(case.whose) in found.frame["entity"].to_list()
    assert found.frame["verdict"].unique().to_list() == ["fits"]
    assert not found.frame["benign"].null_count()


def test_it_is_silent_at_its_twin(case: Case) -> None:
    assert asked(case, made(case.twin)).frame.is_empty()


def test_evidence_adds_up_and_every_alert_has_some(case: Case) -> None:
    found = asked(case, made(case.shape))
    for row in found.frame.iter_rows(named=True):
        rows = found.of(row["alert"]).unique(["txid", "place", "payee"])
        assert rows.height == row["payments"]
        assert row["amount"] <= rows["amount"].sum()
        assert (row["first"], row["last"]) == (rows["time"].min(), rows["time"].max())


def test_the_order_of_rows_makes_no_difference(case: Case) -> None:
    for payments in (case.shape, case.twin):
        ledger = made(payments)
        mixed = Ledger.from_tables({
            name: rows.sample(fraction=1, shuffle=True, seed=7)
            for name, rows in (ledger.frames or {}).items()
        })  # fmt: skip
        assert asked(case, mixed).digest == asked(case, ledger).digest


def test_what_was_not_read_leaves_it_open_and_makes_no_new_alert(case: Case) -> None:
    ledger = made(case.shape)
    blind = Ledger.from_tables(
        {name: rows for name, rows in (ledger.frames or {}).items() if name != "coverage"}
    )
    full, less = asked(case, ledger).frame, asked(case, blind).frame
    assert less.drop("verdict", "unknown").equals(full.drop("verdict", "unknown"))
    if case.rests_on_history:
        assert set(less["verdict"]) == {OPEN}
        assert not less["unknown"].null_count()


def test_forged_logs_make_no_alert(case: Case) -> None:
    if isinstance(case.shape, Ledger):
        return  # coins cannot be forged
    assert asked(case, made(changed(case.shape, signed=False))).frame.is_empty()


def test_where_authority_was_not_read_it_is_open(case: Case) -> None:
    if isinstance(case.shape, Ledger):
        return
    found = asked(case, made(changed(case.shape, signed=None)))
    assert set(found.frame["verdict"]) == {OPEN}


def test_what_failed_or_moved_nothing_makes_no_alert(case: Case) -> None:
    if isinstance(case.shape, Ledger):
        return
    for columns in ({"success": False}, {"amount": 0}):
        assert asked(case, made(changed(case.shape, **columns))).frame.is_empty()


def test_an_alert_is_of_the_span_in_which_its_last_payment_lies(case: Case) -> None:
    ledger = made(case.shape)
    last = asked(case, ledger).frame["last"].max()
    assert asked(case, ledger, since=last).frame.height
    assert asked(case, ledger, until=last).frame["last"].max() != last
    assert asked(case, ledger.between(last, None)).frame.height


def test_it_is_asked_of_payments_alone(case: Case) -> None:
    ledger = made(case.shape)
    flows = flows_of(ledger, asset_of(ledger))
    assert case.typology.find(flows).claims
    assert alerts_of(flows, [case.typology]).frame.equals(asked(case, ledger).frame)


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
    ):
        with pytest.raises(RuleError, match=words):
            typology(**{**good, **wrong})(told)


def test_two_of_one_name_are_refused_and_what_is_none() -> None:
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


def test_what_needs_what_was_not_given_is_not_observable() -> None:
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
