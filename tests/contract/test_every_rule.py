"""What every rule keeps: it explains itself, can say yes and no, and speaks of one row.

A new rule is a line of the catalogue, and is added to ``CASES`` with one ledger on which it fires
and one on which it does not.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import change_cases
import duckdb
import polars as pl
import pytest
from rule_cases import Case, column, in_turn, instead, on_chain

from chainwatch import heuristics
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.assets import token as of_contract
from chainwatch.chains import catalogue
from chainwatch.chains.base import Consensus, utxo_chain
from chainwatch.heuristics import coinjoin, heights, poisoning
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.joint.protocols import WASABI_COORDINATORS, WHIRLPOOL_GENESIS
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS

ETH = native("eth")
TOKEN = of_contract("eth", "0x" + "7e" * 20, "T", 0)
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


TOY = utxo_chain(
    "toy", "Toycoin", "TOY", genesis="11" * 32, magic="01020304", p2pkh=1, p2sh=2,
    consensus=Consensus(supply=10**15, easiest=2**255), denominations=(100_001, 1_000_010),
)  # fmt: skip
"""A chain whose wallets mix by amounts, as Dash's do."""

SHOP = hashlib.sha256(b"W").digest()[:20]
FIRST = hashlib.sha256(b"transaction first").digest()
TEN = " ".join(f"A{n}=11000000" for n in range(10))
TEN_PAID = " ".join(f"X{n}=10000000" for n in range(10))

CASES = {
    "batch_payout": Case(
        coinjoin.batch_payout(),
        "pay: A=900000 -> X=80000 Y=80000 Z=80000 A=600000\nplain: B=50000 -> C=40000",
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\nplain: B=50000 -> C=40000",
    ),
    "cash_fusion": Case(
        coinjoin.cash_fusion(),
        "fuse: A=90000 B=70000 -> data=0 X=60000 Y=50000 Z=40000\npay: A=90000 -> data=0 X=60000",
        "fuse: A=90000 B=70000 -> data=0 X=60000 Y=9000\npay: A=90000 B=90000 -> X=60000",
        change=in_turn(
            column("transactions", "version", pl.lit(1)),
            instead("outputs", "script", b"\x6a\x04note", b"\x6a\x04FUZ\0\x20" + bytes(32)),
            on_chain(catalogue.chain("bch").id),
        ),
    ),
    "denominated_mix": Case(
        coinjoin.denominated_mix(),
        "mix: A=100001 B=100001 C=100001 -> X=100001 Y=100001 Z=100001\n"
        "cut: A=300100 -> X=100001 Y=100001 Z=100001",
        "fee: A=1000010 B=100001 C=100001 -> X=100001 Y=100001 Z=100001\n"
        "two: A=100001 B=100001 -> X=100001 Y=100001",
        change=on_chain(TOY.id),
    ),
    "equal_by_address": Case(
        coinjoin.equal_by_address(),
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\npay: D=90000 -> E=1000 D=88000",
        "pay: A=90000 B=90000 C=90000 -> X=260000 Y=9000\nsplit: D=9 D=9 -> E=40000 F=40000",
        change=column("inputs", "value", pl.lit(None)),
    ),
    "equal_outputs": Case(
        coinjoin.equal_outputs(),
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\npay: D=90000 ? -> E=1000 D=88000",
        "pay: A=90000 B=90000 C=90000 -> X=260000 Y=9000\nsplit: D=90000 -> E=40000 F=40000",
    ),
    "joinmarket_mix": Case(
        coinjoin.joinmarket_mix(),
        "mix: A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000\n"
        "pay: D=900000 -> X=80000 Y=80000 Z=80000 D=600000",
        "bare: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\n"
        "data: A=90000 B=95000 C=99000 -> data=0 X=80000 Y=80000 Z=80000 P=7000",
    ),
    "payjoin_suspicion": Case(
        coinjoin.payjoin_suspicion(),
        "join: A=90000 B=20000 -> C=40000 D=69000\npay: A=90000 -> C=40000 D=49000",
        "pay: A=60000 B=50000 -> C=70000 D=39000\nown: A=90000 A=20000 -> C=40000 D=69000",
        answer=None,
    ),
    "possible_mix": Case(
        coinjoin.possible_mix(),
        "mix: A=90000 B=90000 -> X=80000 Y=80000 P=7000 Q=9000\npay: D=90000 -> E=1000 F=88000",
        "split: A=90000 -> X=40000 Y=40000 A=9000\nplain: B=50000 C=50000 -> X=50000 Y=40000",
        answer=None,
    ),
    "since": Case(
        heights.since(2), "one: A=9000 -> B=8000\ntwo: C=9000 -> D=8000", "one: A=9000 -> B=8000"
    ),
    "stonewall_shape": Case(
        coinjoin.stonewall_shape(),
        "wall: A=90000 B=90000 -> X=40000 Y=40000 P=50000 Q=40001\npay: A=90000 -> X=80000",
        "own: A=90000 A=90000 -> X=40000 Y=40000 P=50000\n"
        "split: A=90000 B=90000 -> X=40000 Y=40000",
        answer=None,
    ),
    "wasabi1_coordinator": Case(
        coinjoin.wasabi1_coordinator(),
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000 W=9000\npay: D=9000 -> W=8000",
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000",
        change=instead("outputs", "address", b"\x03" + SHOP, WASABI_COORDINATORS[0]),
    ),
    "wasabi1_levels": Case(
        coinjoin.wasabi1_levels(),
        f"mix: {TEN} -> {TEN_PAID} P=3000000 Q=900000\npay: D=9000 -> W=8000",
        f"few: A=11000000 B=11000000 -> {TEN_PAID.rsplit(' ', 8)[0]} P=3000\n"
        f"even: {TEN} -> {TEN_PAID}",
    ),
    "wasabi1_mix": Case(
        coinjoin.wasabi1_mix(),
        f"mix: {TEN} -> {TEN_PAID} P=3000000 Q=900000\npay: D=9000 -> W=8000",
        f"even: {TEN} -> {TEN_PAID}\nbare: {TEN} -> {TEN_PAID} pk:P=3000000 Q=900000",
    ),
    "wasabi2_mix": Case(
        coinjoin.wasabi2_mix(min_inputs=5),
        "mix: A=90000 B=80000 C=9000 D=8000 E=7000 -> V=65536 W=65536 X=20000 Y=8192 Z=5000\n"
        "pay: D=9000 -> W=8000",
        "order: A=90000 B=80000 C=9000 D=8000 E=7000 -> V=65536 W=20000 X=65536 Y=8192 Z=5000\n"
        "other: A=90000 B=80000 C=9000 D=8000 E=7000 -> V=65535 W=65535 X=20000 Y=8192 Z=5000\n"
        "one: A=90000 B=80000 C=9000 D=8000 E=7000 -> V=100000",
    ),
    "whirlpool_lineage": Case(
        coinjoin.whirlpool_lineage(),
        "first: A=100300 B=100300 C=100300 D=100300 E=100300"
        " -> V=100000 W=100000 X=100000 Y=100000 Z=100000\n"
        "next: first/0 A=100300 B=100300 C=100300 D=100300"
        " -> F=100000 G=100000 H=100000 I=100000 J=100000\n"
        "pay: next/0 next/1 -> K=199000",
        "first: A=100300 B=100300 -> V=100000 W=100000\npay: first/0 -> K=99000",
        change=in_turn(
            instead("transactions", "txid", FIRST, WHIRLPOOL_GENESIS[0]),
            instead("inputs", "prev_txid", FIRST, WHIRLPOOL_GENESIS[0]),
        ),
    ),
    "whirlpool_mix": Case(
        coinjoin.whirlpool_mix(),
        "mix: A=100000 B=100000 C=100300 D=100300 E=100300"
        " -> V=100000 W=100000 X=100000 Y=100000 Z=100000\npay: D=9000 -> W=8000",
        "new: A=100300 B=100300 C=100300 D=100300 E=100300"
        " -> V=100000 W=100000 X=100000 Y=100000 Z=100000\n"
        "rich: A=100000 B=100000 C=100300 D=100300 E=310300"
        " -> V=100000 W=100000 X=100000 Y=100000 Z=100000",
    ),
    "possible_tx0": Case(
        coinjoin.possible_tx0(),
        "cut: A=5300000 -> data=0 F=50000 X=1000302 Y=1000302 A=3000000\npay: D=9000 -> W=8000",
        "free: A=5300000 -> data=0 X=1000302 Y=1000302 A=3000000",
        answer=None,
    ),
    "whirlpool_tx0": Case(
        coinjoin.whirlpool_tx0(),
        "cut: A=5300000 -> data=0 F=50000 X=1000302 Y=1000302 A=3000000\npay: D=9000 -> W=8000",
        "free: A=5300000 -> data=0 X=1000302 Y=1000302 A=3000000\n"
        "bare: A=5300000 -> F=50000 X=1000302 Y=1000302 A=3000000",
    ),
    "zero_value": Case(
        poisoning.zero_value(),
        "ann>shop:500 ann>shop':0",
        "ann>shop:500 shop>ann:1",
        change=in_turn(
            column("transfers", "contract", pl.lit(TOKEN.contract)),
            column("transfers", "kind", pl.lit("erc20")),
        ),
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
CASES |= change_cases.CASES


def asset_of(ledger: Ledger) -> Asset:
    """Return what the transfers of a ledger move: the coin, or the token."""
    return TOKEN if ledger.frames["transfers"]["contract"].count() else ETH


FEATURES: dict[str, Callable[[Ledger], pl.DataFrame]] = {
    "transactions": features.transactions,
    "transfers": lambda ledger: features.transfers(ledger, asset_of(ledger)),
    "outputs": features.outputs,
}


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture
def ledgers(case, small_ledger, monkeypatch) -> tuple[Ledger, Ledger]:
    read = {
        "transactions": small_ledger,
        "transfers": transfers,
        "outputs": lambda text: change_cases.ledger_with(small_ledger, text),
    }[case.rule.on]
    monkeypatch.setattr(catalogue, "_known", [*catalogue._known, TOY])
    return case.change(read(case.fires)), case.change(read(case.is_still))


def answers(ledger: Ledger, rule: Rule) -> pl.DataFrame:
    return apply(FEATURES[rule.on](ledger), rule)


def key(rule: Rule) -> list[str]:
    keys = {"transactions": ["chain", "tx"], "outputs": ["chain", "tx", "n"]}
    return keys.get(rule.on, list(TRANSFERS.key))


def makers() -> set[object]:
    """Return every maker of rules in the package."""
    found = set()
    for module in pkgutil.walk_packages(heuristics.__path__, f"{heuristics.__name__}."):
        names = vars(importlib.import_module(module.name)).values()
        found |= {maker for maker in names if callable(maker) and hasattr(maker, "spec")}
    return found


def test_the_catalogue_is_complete():
    assert len(set(RULES)) == len(RULES)
    assert set(RULES) == makers()
    assert {maker.spec.name for maker in RULES} == set(CASES)


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


def renumbered(ledger: Ledger) -> Ledger:
    """Return the ledger with other numbers of its transactions, in the same order."""
    old = ledger.frames["transactions"]["tx"].unique().sort()
    new = [(7 << 24) + 1000 * place for place in range(len(old))]
    renames = {
        "transactions": ["tx"], "outputs": ["tx"], "inputs": ["tx", "prev_tx"],
    }  # fmt: skip
    return Ledger.from_tables({
        **ledger.frames,
        **{
            table: ledger.frames[table].with_columns(
                pl.col(columns).replace_strict(old, new, default=None, return_dtype=pl.Int64)
            )
            for table, columns in renames.items()
        },
    })  # fmt: skip


def test_numbers_of_transactions_mean_nothing(case, ledgers):
    if case.rule.on == "transfers":
        return  # transfers have no number of ours
    place = ["txid", *key(case.rule)[2:]]
    for ledger in ledgers:
        expected = answers(ledger, case.rule).select(*place, VERDICT).sort(place)
        found = answers(renumbered(ledger), case.rule).select(*place, VERDICT).sort(place)
        assert found.equals(expected)


def test_nothing_known_is_unknown(case, ledgers):
    frame = FEATURES[case.rule.on](ledgers[0])
    nothing = frame.select(pl.lit(None, dtype=kind).alias(name)
                           for name, kind in frame.schema.items())  # fmt: skip
    assert apply(nothing, case.rule)[VERDICT].to_list() == [None]


def test_what_is_not_known_never_turns_an_answer_round(case, ledgers):
    """Without any one column a yes stays or is unknown, and so does a no."""
    for ledger in ledgers:
        frame = FEATURES[case.rule.on](ledger)
        known = apply(frame, case.rule)[VERDICT]
        for name, kind in frame.schema.items():
            without = frame.with_columns(pl.lit(None, dtype=kind).alias(name))
            found = apply(without, case.rule)[VERDICT]
            assert all(
                then is None or then == now for now, then in zip(known, found, strict=True)
            ), name


REVISED = {"equal_by_address", "joinmarket_mix"}
"""Where amounts were not read these say *yes* by addresses; the amounts may tell otherwise."""


def test_inputs_that_were_not_read_decide_nothing(case, ledgers):
    """Whoever reads less may know less, and never the contrary."""
    if case.rule.on != "transactions":
        return
    for ledger in ledgers:
        full = answers(ledger, case.rule)[VERDICT].to_list()
        hidden = pl.lit(None)
        unread = in_turn(column("inputs", "value", hidden), column("inputs", "address", hidden))
        outside = instead("inputs", "prev_txid", FIRST, bytes(32))
        less = answers(outside(unread(ledger)), case.rule)[VERDICT].to_list()
        turned = [(now, then) for now, then in zip(full, less, strict=True)
                  if then is not None and then != now]  # fmt: skip
        assert not turned or (case.rule.spec.name in REVISED and set(turned) == {(False, True)})


def earlier(ledger: Ledger, rows: int) -> Ledger:
    """Return what had been read when the chain was that many rows long."""
    if "transfers" in ledger.frames:
        return Ledger.from_tables({"transfers": ledger.frames["transfers"][:rows]})
    first = ledger.frames["transactions"].sort("tx")[:rows]
    known, top = first["tx"].implode(), first["height"].max()
    return Ledger.from_tables({
        name: frame.filter(
            pl.col("tx").is_in(known) if "tx" in frame.columns else pl.col("height") <= top
        )
        for name, frame in ledger.frames.items()
    })  # fmt: skip


def test_an_answer_once_given_stays_unless_it_looks_ahead(case, ledgers):
    (leaf,) = case.rule.leaves()
    for ledger in ledgers:
        last = answers(ledger, case.rule).select(*key(case.rule), last=VERDICT)
        for rows in range(1, last.height):
            then = answers(earlier(ledger, rows), case.rule)
            both = then.join(last, on=key(case.rule), nulls_equal=True)
            assert both.height == then.height > 0
            changed = both.filter(pl.col(VERDICT) != pl.col("last"))
            assert changed.is_empty() or leaf.spec.looks_ahead


def test_only_rules_on_who_spends_look_ahead():
    """Who is genuine is judged by the trade before a transfer: later trade changes nothing."""
    marked = {name for name, case in CASES.items() for leaf in case.rule.leaves()
              if leaf.spec.looks_ahead}  # fmt: skip
    assert marked == change_cases.AHEAD


def test_unknown_becomes_known_and_never_yes_becomes_no(small_ledger):
    """A later reading of what inputs spend may decide what was open."""
    ledger = small_ledger("""
        coins: Q=300000 -> A=90000 B=90000 C=90000
        mix: coins/0 coins/1 coins/2 -> X=80000 Y=80000 Z=80000
    """)
    late = {name: frame.filter(pl.col("tx") == frame["tx"].max())
            for name, frame in ledger.frames.items()}  # fmt: skip
    rule = CASES["equal_outputs"].rule
    assert answers(Ledger.from_tables(late), rule)[VERDICT].to_list() == [None]
    assert answers(ledger, rule)[VERDICT].to_list() == [False, True]
