"""What every rule keeps: it explains itself, can say yes and no, and speaks of one row.

A new rule is added to ``RULES`` with one ledger on which it fires and one on which it does not.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

from chainwatch import heuristics
from chainwatch.addresses.assets import native
from chainwatch.heuristics import coinjoin, poisoning
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS

ETH = native("eth")
START = datetime(2023, 6, 1, tzinfo=UTC)


def party(name: str) -> bytes:
    """Return an address: ``shop`` and ``shop'`` end alike."""
    tail = name.rstrip("'").encode().rjust(4, b"\0")
    return b"\x10" + bytes([name.count("'") + 1]) * 16 + tail[-4:]


def transfers(text: str) -> Ledger:
    """Return a ledger of transfers: ``ann>shop:500`` one hour after another.

    ``!`` failed; ``?`` was signed and ``~`` was not; of the others nothing is known.
    """
    rows = []
    for place, token in enumerate(text.split()):
        sender, _, rest = token.partition(">")
        receiver, _, amount = rest.partition(":")
        rows.append({
            "chain": ETH.chain, "txid": place.to_bytes(32, "big"), "kind": "native",
            "occurrence": 0, "time": START + timedelta(hours=place), "sender": party(sender),
            "receiver": party(receiver), "amount": int(amount.strip("!?~")),
            "signed": {"?": True, "~": False}.get(amount[-1]),
            "success": False if amount.endswith("!") else None,
            "order_uncertain": True, "sections": 1,
        })  # fmt: skip
    whole = [{name: row.get(name) for name in TRANSFERS.schema} for row in rows]
    return Ledger.from_tables({"transfers": pl.DataFrame(whole, schema=TRANSFERS.schema)})


@dataclass(frozen=True)
class Case:
    """A rule, a ledger of which some row is a yes, and one of which none is."""

    rule: Rule
    fires: str
    is_still: str
    answer: bool | None = True  # of a rule that can only doubt: unknown


RULES = {
    "equal_outputs": Case(
        coinjoin.equal_outputs(),
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\npay: D=90000 ? -> E=1000 D=88000",
        "pay: A=90000 B=90000 C=90000 -> X=260000 Y=9000\nsplit: D=90000 -> E=40000 F=40000",
    ),
    "possible_mix": Case(
        coinjoin.possible_mix(),
        "mix: A=90000 B=90000 -> X=80000 Y=80000 P=7000 Q=9000\npay: D=90000 -> E=1000 F=88000",
        "split: A=90000 -> X=40000 Y=40000 A=9000\nplain: B=50000 C=50000 -> X=50000 Y=50000",
        answer=None,
    ),
    "zero_value": Case(
        poisoning.zero_value(), "ann>shop:500 ann>shop':0", "ann>shop:500 shop>ann:1"
    ),
    "look_alike": Case(
        poisoning.look_alike(at_most=10),
        "ann>shop:500 shop'>ann:3",
        "ann>shop:500 shop>ann:3 bob>ann:3 shop'>ann:11",
    ),
    "paid_look_alike": Case(
        poisoning.paid_look_alike(),
        "ann>shop:500 ann>shop':3",
        "ann>shop':500 shop'>ann:3 bob>shop:3 ann>shop':0",
    ),
    "unsigned": Case(
        poisoning.unsigned(), "ann>shop:500? ann>shop':500~", "ann>shop:500? bob>shop:3?"
    ),
}

FEATURES: dict[str, Callable[[Ledger], pl.DataFrame]] = {
    "transactions": features.transactions,
    "transfers": lambda ledger: features.transfers(ledger, ETH),
}


@pytest.fixture(params=RULES)
def case(request) -> Case:
    return RULES[request.param]


@pytest.fixture
def ledgers(case, small_ledger) -> tuple[Ledger, Ledger]:
    read = small_ledger if case.rule.on == "transactions" else transfers
    return read(case.fires), read(case.is_still)


def answers(ledger: Ledger, rule: Rule) -> pl.DataFrame:
    return apply(FEATURES[rule.on](ledger), rule)


def key(rule: Rule) -> list[str]:
    return ["chain", "tx"] if rule.on == "transactions" else list(TRANSFERS.key)


def makers() -> dict[str, object]:
    """Return every maker of rules in the package."""
    found = {}
    for module in pkgutil.iter_modules(heuristics.__path__):
        names = vars(importlib.import_module(f"{heuristics.__name__}.{module.name}"))
        found |= {
            name: maker
            for name, maker in names.items()
            if callable(maker) and hasattr(maker, "spec")
        }
    return found


def test_the_list_is_complete():
    assert set(RULES) == set(makers())


def test_every_frame_is_made_by_the_function_of_its_name():
    assert tuple(FEATURES) == features.FRAMES
    assert all(callable(getattr(features, name)) for name in features.FRAMES)


def test_it_says_when_it_fails_and_what_it_rests_on(case):
    (leaf,) = case.rule.leaves()
    for section in ("Fails when\n-----", "References\n-----"):
        assert section in leaf.spec.doc
    assert leaf.spec.refs
    for name, _ in leaf.params:
        assert f"\n{name} : " in leaf.spec.doc, f"parameter {name} is not described"


def test_it_fires_and_is_still(case, ledgers):
    fires, is_still = (answers(ledger, case.rule)[VERDICT].to_list() for ledger in ledgers)
    assert case.answer in fires
    assert False in fires
    assert set(is_still) == {False}


def test_it_adds_columns_and_drops_no_row(case, ledgers):
    for ledger in ledgers:
        before, after = FEATURES[case.rule.on](ledger), answers(ledger, case.rule)
        assert after.select(before.columns).equals(before)
        assert after[VERDICT].dtype == pl.Boolean


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_makes_no_difference(case, ledgers, seed):
    for ledger in ledgers:
        mixed = Ledger.from_tables({
            name: rows.sample(fraction=1, shuffle=True, seed=seed)
            for name, rows in ledger.frames.items()
        })  # fmt: skip
        assert answers(mixed, case.rule).equals(answers(ledger, case.rule))


def test_it_speaks_of_one_row(case, ledgers):
    """Each row alone gets the answer that it gets among the others."""
    for ledger in ledgers:
        frame = FEATURES[case.rule.on](ledger)
        together = apply(frame, case.rule)
        alone = pl.concat(apply(frame[[row]], case.rule) for row in range(frame.height))
        assert alone.equals(together)


def test_it_runs_on_other_engines(case, ledgers):
    for ledger in ledgers:
        frame = FEATURES[case.rule.on](ledger)
        eager = apply(frame, case.rule)
        assert apply(frame.lazy(), case.rule).collect().equals(eager)


def test_it_runs_on_duckdb(case, ledgers):
    for ledger in ledgers:
        frame = FEATURES[case.rule.on](ledger)
        answered = apply(duckdb.from_arrow(frame.to_arrow()), case.rule).pl()
        order = key(case.rule)
        eager = apply(frame, case.rule).sort(order)
        assert answered.sort(order)[VERDICT].to_list() == eager[VERDICT].to_list()


def earlier(ledger: Ledger, rows: int) -> Ledger:
    """Return what had been read when the chain was that many rows long."""
    if "transfers" in ledger.frames:
        return Ledger.from_tables({"transfers": ledger.frames["transfers"][:rows]})
    known = ledger.frames["transactions"].sort("tx")["tx"][:rows].implode()
    return Ledger.from_tables(
        {name: frame.filter(pl.col("tx").is_in(known)) for name, frame in ledger.frames.items()}
    )


def test_an_answer_once_given_stays_unless_it_looks_ahead(case, ledgers):
    (leaf,) = case.rule.leaves()
    for ledger in ledgers:
        last = answers(ledger, case.rule).select(*key(case.rule), last=VERDICT)
        for rows in range(1, last.height):
            then = answers(earlier(ledger, rows), case.rule)
            both = then.join(last, on=key(case.rule), nulls_equal=True)
            assert both.height == rows
            changed = both.filter(pl.col(VERDICT) != pl.col("last"))
            assert changed.is_empty() or leaf.spec.looks_ahead


def test_no_rule_looks_ahead():
    """Who is genuine is judged by the trade before a transfer: later trade changes nothing."""
    marked = {name for name, case in RULES.items() for leaf in case.rule.leaves()
              if leaf.spec.looks_ahead}  # fmt: skip
    assert marked == set()


def test_unknown_becomes_known_and_never_yes_becomes_no(small_ledger):
    """A later reading of what inputs spend may decide what was open."""
    ledger = small_ledger("""
        coins: Q=300000 -> A=90000 B=90000 C=90000
        mix: coins/0 coins/1 coins/2 -> X=80000 Y=80000 Z=80000
    """)
    late = {name: frame.filter(pl.col("tx") == frame["tx"].max())
            for name, frame in ledger.frames.items()}  # fmt: skip
    rule = RULES["equal_outputs"].rule
    assert answers(Ledger.from_tables(late), rule)[VERDICT].to_list() == [None]
    assert answers(ledger, rule)[VERDICT].to_list() == [False, True]
