"""What each rule says of transactions that a reader can check by eye.

A case is a rule, a ledger as ``change_cases`` reads it, and the answers about the outputs of its
last transaction but those named ``later``: ``+`` cannot be ruled out, ``-`` is, ``?`` is unknown.
"""

from __future__ import annotations

import change_cases
import polars as pl
import pytest

from chainwatch.errors import RuleError
from chainwatch.heuristics import change
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import outputs
from chainwatch.ledger.ledger import Ledger

SIGN = {True: "+", False: "-", None: "?"}


def said(ledger: Ledger, rule, txid: bytes) -> str:
    rows = apply(outputs(ledger), rule).filter(pl.col("txid") == txid)
    return "".join(SIGN[one] for one in rows.sort("n")[VERDICT])


@pytest.fixture
def answers(small_ledger, txid):
    def ask(rule, text: str, gaps=(), of: str = "t") -> str:
        return said(change_cases.ledger_with(small_ledger, text, gaps=gaps), rule, txid(of))

    return ask


WAIT = change.one_time_change(wait_days=7)
PAY = "t: A=9000 -> B=5000 C=3000"

GOLDEN = [
    # Back to an input, as far as all inputs are known.
    (change.address_reuse(), "t: A=90 B=80 -> A=50 C=30 data=0", "+--"),
    (change.address_reuse(), "t: A=90 ? -> A=50 C=30", "+?"),
    (change.address_reuse(), "t: A=90 pk:K=80 -> A=50 C=30 pk:K=9", "+??"),
    (change.address_reuse(), "t: A=90 -> pk:K=50", "-"),
    # Of the kind of all inputs.
    (change.address_type(), "t: A=90 B=80 -> C=50 pk:K=30", "+-"),
    (change.address_type(), "t: A=90 ? -> C=50 pk:K=30", "?-"),
    (change.address_type(), "t: pk:K=90 -> C=50 pk:L=30", "-+"),
    (change.address_type(), "t: A=90 pk:K=80 ? -> C=50 pk:L=30", "--"),
    (change.address_type(), "t: ? -> C=50 pk:L=30", "??"),
    # Smaller than every input.
    (change.optimal_change(), "t: A=90 B=80 -> C=79 D=80 E=9", "+-+"),
    (change.optimal_change(), "t: A=90 ? -> C=89 D=90", "?-"),
    (change.optimal_change(), "t: A=90 -> C=50 D=30", "++"),
    (change.optimal_change(), "t: ? -> C=50", "?"),
    # Round amounts.
    (change.power_of_ten(), "t: A=9000000 -> B=1000000 C=1000001 D=999999", "-++"),
    (change.power_of_ten(digits=2), "t: A=900 -> B=100 C=110 D=500", "-+-"),
    # New addresses; B is seen first as an input that was paid before.
    (change.fresh_address(), "o: X=9 -> C=5\nt: A=90 -> B=50 C=30", "+-"),
    (change.fresh_address(), "o: B=9 -> D=5\nt: A=90 -> B=50 C=30 D=5", "-+-"),
    (change.fresh_address(), "t: A=90 -> A=50 C=30", "-+"),
    (change.fresh_address(), "t: A=90 -> C=50 C=30", "++"),
    (change.fresh_address(), "t: A=90 -> B=50 pk:K=30", "+?"),
    (change.fresh_address(), "t: A=90 -> B=50\nlater: B=50 -> C=5", "+"),
    # A wallet that sets locktimes.
    (change.locktime(), f"{PAY}\nlater: t/0 -> D=1\n! later locktime=7", "-+"),
    (change.locktime(), f"{PAY}\nlater: t/0 -> D=1\n! later locktime=7\n! t locktime=2", "++"),
    (change.locktime(), f"{PAY}\nlater: t/1 t/0 -> D=1", "++"),
    # 1,000 of fee in 200 bytes, and the same again.
    (change.fixed_fee(), f"{PAY}\nlater: t/0 -> D=4000\nmore: t/1 -> E=2001", "+-"),
    (change.fixed_fee(), f"{PAY}\nlater: t/0 ? -> D=4000", "?+"),
    (change.fixed_fee(), "t: A=9000 ? -> B=5000 C=3000\nlater: t/0 -> D=4000", "?+"),
    # Chains of payments, each from one coin to two.
    (change.peeling_chain(), f"{PAY}\nlater: t/0 -> D=9 E=9", "++"),
    (change.peeling_chain(), f"{PAY}\nlater: t/0 -> D=9 E=9\nmore: t/1 F=9 -> G=9", "+-"),
    (change.peeling_chain(), f"o: X=9 Y=9 -> A=9000\n{PAY.replace('A=9000', 'o/0')}", "--"),
    (change.peeling_chain(), f"o: X=9 -> A=9000 Z=1\n{PAY.replace('A=9000', 'o/0')}", "++"),
    (change.peeling_chain(), PAY, "??"),
    (change.peeling_chain(), "t: A=9 B=9 -> C=9 D=8", "--"),
    (change.peeling_chain(), "t: A=9 -> C=9 D=8 data=0", "---"),
    # One new address smaller than every input.
    (change.legacy(), "t: A=90 B=80 -> A=100 D=60", "-+"),
    (change.legacy(), "t: A=90 B=80 -> C=100 D=60", "-+"),
    (change.legacy(), "t: A=90 B=80 -> C=70 D=60", "--"),
    (change.legacy(), "t: A=90 B=80 -> D=60", "-"),
    (change.legacy(), "t: A=90 ? -> A=100 D=60", "-?"),
    (change.legacy(), "t: A=90 B=80 -> D=60 pk:K=50", "??"),
    (change.legacy(), "t: A=90 B=80 -> D=60 data=0", "--"),
    # The only new address, which nobody pays again for a week.
    (WAIT, "o: X=9 -> C=5\nt: A=90 -> B=50 C=30\nlater: Y=9 -> Z=1\n! later hours=200", "+-"),
    (WAIT, "o: X=9 -> C=5\nt: A=90 -> B=50 C=30\nlater: Y=9 -> B=1\n! later hours=200", "+-"),
    (WAIT, "o: X=9 -> C=5\nt: A=90 -> B=50 C=30\nlater: Y=9 -> B=1\n! later hours=9", "--"),
    (WAIT, "o: X=9 -> C=5\nt: A=90 -> B=50 C=30\nlater: Y=9 -> Z=1\n! later hours=9", "?-"),
    (WAIT, "t: A=90 -> B=50 C=30\nlater: Y=9 -> Z=1\n! later hours=200", "--"),
    (WAIT, "t: A=90 -> B=50 A=30\nlater: Y=9 -> Z=1\n! later hours=200", "--"),
    (WAIT, "t: coinbase -> B=50\nlater: Y=9 -> Z=1\n! later hours=200", "-"),
    # The wallet that spends it.
    (change.same_version(), f"{PAY}\nlater: t/1 -> D=1\n! later version=1", "+-"),
    (change.same_sequence(), f"{PAY}\nlater: t/1 -> D=1\n! later sequence=0", "+-"),
    (change.same_sequence(), f"{PAY}\nlater: t/1 -> D=1\n! later version=1", "++"),
    (change.same_order(), "t: A=9000 -> B=5 C=8\nlater: t/1 -> D=7 E=1", "+-"),
    (change.same_order(), "t: A=9000 -> B=8 C=5\nlater: t/1 -> D=7 E=1", "++"),
    (change.same_order(), "t: A=9000 -> B=8 C=5\nlater: t/1 -> D=7", "+?"),
    (change.same_wallet(), f"{PAY}\nlater: t/1 -> D=1", "++"),
    (change.same_wallet(), f"{PAY}\nlater: t/1 -> D=1\n! later sequence=0", "+-"),
    (change.spent(), f"{PAY}\nlater: t/1 -> D=1", "-+"),
    # An input that was not needed.
    (change.unnecessary_input(), "t: A=90 B=80 -> C=100 D=60", "-+"),
    (change.unnecessary_input(), "t: A=90 B=80 -> C=85 D=81", "??"),
    (change.unnecessary_input(), "t: A=90 B=80 -> C=75 D=70", "++"),
    (change.unnecessary_input(), "t: A=90 -> C=50 D=30", "++"),
    (change.unnecessary_input(), "t: A=90 B=80 -> C=85 D=81 E=2", "+++"),
    (change.unnecessary_input(), "t: A=90 ? -> C=95 D=60", "-?"),
    # New coins are nobody's change.
    *((case.rule, "t: coinbase -> A=50", "-") for case in change_cases.CASES.values()),
    # Rules together.
    (change.fresh_address() & change.power_of_ten(1), "t: A=90 -> A=51 C=30 D=9", "--+"),
    (change.address_reuse() | change.power_of_ten(1), "t: A=90 -> A=50 C=30 D=9", "+-+"),
    (~change.power_of_ten(1), "t: A=90 -> C=30 D=9", "+-"),
]


@pytest.mark.parametrize(("rule", "text", "expected"), GOLDEN)
def test_answers(answers, rule, text, expected):
    assert answers(rule, text) == expected


@pytest.mark.parametrize("gaps", [(0,), (1,), tuple(range(9))])
def test_where_earlier_blocks_were_not_read_nothing_is_called_new(answers, gaps):
    text = "o: X=9 -> C=5\nt: A=90 -> B=50 C=30 A=9"
    assert answers(change.fresh_address(), text, gaps) == "?--"
    assert answers(change.legacy(), text, gaps) == "?--"
    assert answers(change.one_time_change(0), text, gaps) == "---"  # A goes back to an input
    assert answers(change.one_time_change(0), text.replace("A=9", ""), gaps).endswith("-")


@pytest.mark.parametrize("gaps", [(2,), tuple(range(9))])
def test_where_nothing_says_that_an_output_is_unspent_nothing_is_known_of_its_spender(
    answers, gaps
):
    text = f"o: X=9 -> C=5\n{PAY}\nlater: t/1 -> D=1\n! later version=1"
    for rule in (change.same_version(), change.spent()):
        assert answers(rule, text, gaps)[0] == "?"
    assert answers(change.same_version(), text, gaps)[1] == "-"
    assert answers(change.peeling_chain(), text, gaps) == "?-"


def test_the_history_of_an_address_tells_that_it_is_new(small_ledger, txid):
    """Single histories know of their own addresses, and of no other."""
    read = change_cases.ledger_with(small_ledger, "t: A=90 -> B=50 C=30", gaps=(0, 1))
    address = read.frames["outputs"]["address"][0]
    unit = {
        "chain": read.frames["outputs"]["chain"][0], "unit": f"address/{address.hex()}/aa",
        "kind": "address", "height": 9, "block": b"\xaa" * 32, "address": address,
        "complete": True, "source": "a test", "answer": bytes(32),
    }  # fmt: skip
    rows = pl.DataFrame(
        [{name: unit.get(name) for name in read.frames["coverage"].schema}],
        schema=read.frames["coverage"].schema,
    )
    ledger = Ledger.from_tables({**read.frames, "coverage": rows})
    assert said(ledger, change.fresh_address(), txid("t")) == "+?"
    assert said(ledger, change.same_version(), txid("t")) == "+?"
    partial = rows.with_columns(complete=pl.lit(None, pl.Boolean))
    assert said(Ledger.from_tables({**read.frames, "coverage": partial}),
                change.fresh_address(), txid("t")) == "??"  # fmt: skip


def _with(ledger: Ledger, table: str, **columns) -> Ledger:
    changed = ledger.frames[table].with_columns(**columns)
    return Ledger.from_tables({**ledger.frames, table: changed})


RULES = [case.rule for case in change_cases.CASES.values()]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_of_what_may_belong_to_several_no_rule_knows(small_ledger, txid, rule):
    """A bare 2-of-2, a channel closed from one side, and a signature that lets others in."""
    two = change_cases.ledger_with(small_ledger, "o: X=90 -> ms:K=80\nt: o/0 -> B=50 C=20 data=0")
    places = two.frames["outputs"].filter(pl.col("script_kind") == "multisig")
    keys = pl.concat([
        places.select("chain", "tx", "n").with_columns(
            k=pl.lit(k, pl.Int64), required=pl.lit(2, pl.Int64), key=pl.lit(bytes([2, k]))
        )
        for k in (0, 1)
    ])  # fmt: skip
    bare = Ledger.from_tables({**two.frames, "output_keys": keys})
    assert said(bare, rule, txid("t")) == "??-"
    single = keys[:1].with_columns(required=pl.lit(1, pl.Int64))
    one_key = Ledger.from_tables({**two.frames, "output_keys": single})
    assert outputs(one_key)["shared"].sum() == 0

    closing = change_cases.ledger_with(small_ledger, "t: A=90 -> B=50 C=20 data=0")
    closing = _with(closing, "transactions", locktime=pl.lit(0x20123456, pl.Int64))
    closing = _with(closing, "inputs", sequence=pl.lit(0x80ABCDEF, pl.Int64))
    assert said(closing, rule, txid("t")) == "??-"

    sale = change_cases.ledger_with(small_ledger, "t: A=90 B=80 -> C=50 D=20 data=0")
    flags = pl.Series("sighash", ["ALL", "SINGLE|ANYONECANPAY"])
    assert said(_with(sale, "inputs", sighash=flags), rule, txid("t")) == "??-"
    assert outputs(_with(sale, "inputs", sighash=pl.lit("ALL")))["shared"].sum() == 0


def test_parameters_out_of_range_are_refused():
    for make, value in ((change.power_of_ten, 0), (change.power_of_ten, 19),
                        (change.one_time_change, -1)):  # fmt: skip
        with pytest.raises(RuleError):
            make(value)


def test_an_empty_ledger_has_the_same_columns(small_ledger):
    full = outputs(change_cases.ledger_with(small_ledger, "t: A=90 -> B=50 C=30"))
    assert outputs(Ledger()).schema == full.schema
    assert outputs(Ledger()).is_empty()


def test_a_span_narrows_the_rows_and_not_what_is_known(small_ledger):
    whole = change_cases.ledger_with(
        small_ledger, "o: X=90 -> C=50\nt: A=90 -> B=50 C=30\nlater: t/0 -> D=40"
    )
    times = whole.frames["transactions"].sort("tx")["time"].to_list()
    within = outputs(whole.between(times[1], times[2]))
    assert within.equals(outputs(whole).filter(pl.col("time") == times[1]))
    assert within["spent"].to_list() == [True, False]
