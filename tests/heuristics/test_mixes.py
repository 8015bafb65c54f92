"""Mixes by protocol, in ledgers that a reader can check by eye: edges, unknowns, what is none."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import column, in_turn, instead

import chainwatch as cw
from chainwatch.errors import ArgumentError, RuleError
from chainwatch.heuristics import coinjoin
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.poisoning import zero_value
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import transactions
from chainwatch.ledger.joint.protocols import STANDARD, WHIRLPOOL_GENESIS
from chainwatch.ledger.schema import pack_tx


@pytest.fixture
def asked(small_ledger):
    """Return the answers of a rule to transactions written by hand."""

    def ask(rule, *lines):
        text = "\n".join(f"t{place}: {line}" for place, line in enumerate(lines))
        return apply(transactions(small_ledger(text)), rule)[VERDICT].to_list()

    return ask


FIVE = "V=100000 W=100000 X=100000 Y=100000 Z=100000"

WHIRLPOOL = {
    f"A=100000 B=100000 C=100300 D=100300 E=100300 -> {FIVE}": True,
    f"A=100000 B=100300 C=100300 D=100300 E=100300 -> {FIVE}": True,
    f"A=100000 B=100000 C=100000 D=100000 E=100000 -> {FIVE}": False,
    f"A=100300 B=100300 C=100300 D=100300 E=100300 -> {FIVE}": False,
    f"A=99999 B=100000 C=100300 D=100300 E=100300 -> {FIVE}": False,
    f"A=100000 B=210000 C=100300 D=100300 E=100300 -> {FIVE}": True,
    f"A=100000 B=210001 C=100300 D=100300 E=100300 -> {FIVE}": False,
    f"A=100000 B=100000 C=100300 D=100300 ? -> {FIVE}": None,
    f"? ? ? ? ? -> {FIVE}": None,
    f"A=99999 ? ? ? ? -> {FIVE}": False,
    f"? ? ? ? -> {FIVE[:-9]}": False,
    f"A=100000 B=100000 C=100300 D=100300 E=100300 -> {FIVE[:-8]}V=100000": False,
    "A=1 B=1 C=1 D=1 E=2 -> V=1 W=1 X=1 Y=1 Z=1": False,
    "? ? ? ? ? -> V=100001 W=100001 X=100001 Y=100001 Z=100001": False,
}  # fmt: skip


def test_whirlpool_pays_one_amount_to_all_who_bring_hardly_more(asked):
    assert asked(coinjoin.whirlpool_mix(), *WHIRLPOOL) == list(WHIRLPOOL.values())


def genesis(ledger, name, txid):
    """Return the ledger with a first mix of Whirlpool in the place of a transaction."""
    first = txid(name), WHIRLPOOL_GENESIS[1]
    put = in_turn(instead("transactions", "txid", *first), instead("inputs", "prev_txid", *first))
    return put(ledger)


LINES = """
    first: A=100300 B=100300 C=100300 D=100300 E=100300 -> {five}
    other: F=100300 G=100300 H=100300 I=100300 coins/1 -> {five}
    child: first/0 J=100300 K=100300 L=100300 M=100300 -> {five}
    grand: child/4 N=100300 O=100300 P=100300 Q=100300 -> {five}
    spend: grand/0 grand/1 -> R=199000
    after: spend/0 S=100300 T=100300 U=100300 AA=100300 -> {five}
    doubt: other/3 BB=100300 CC=100300 DD=100300 EE=100300 -> {five}
"""


def test_mixes_of_whirlpool_descend_from_the_first_ones(small_ledger, txid):
    ledger = genesis(small_ledger(LINES.format(five=FIVE)), "first", txid)
    answers = apply(transactions(ledger), coinjoin.whirlpool_lineage())
    # None descends from what was not read; and no payment hands the descent on.
    assert answers[VERDICT].to_list() == [True, None, True, True, False, None, None]


def test_where_all_was_read_what_does_not_descend_is_no_mix_of_whirlpool(small_ledger, txid):
    lines = (
        "mint: coinbase -> A=100300 B=100300 C=100300 D=100300 E=100300\n"
        f"five: mint/0 mint/1 mint/2 mint/3 mint/4 -> {FIVE}"
    )
    answers = apply(transactions(small_ledger(lines)), coinjoin.whirlpool_lineage())
    assert answers[VERDICT].to_list() == [False, False]


def test_children_may_stand_before_their_parents(small_ledger, txid):
    """On a chain ordered by ids the number of a child can be the smaller one."""
    lines = LINES.format(five=FIVE).strip().splitlines()
    ledger = genesis(small_ledger("\n".join(reversed(lines))), "first", txid)
    answers = apply(transactions(ledger), coinjoin.whirlpool_lineage())
    assert answers[VERDICT].to_list() == [None, None, False, True, True, None, True]


TX0 = {
    "A=5300000 -> data=0 F=50000 X=1000302 Y=1000302 A=3000000": True,
    "A=1200000 -> data=0 F=25000 X=1000100": True,
    "A=1200000 -> data=0 F=150000 X=1000100": True,
    "A=1200000 -> data=0 F=24999 X=1000100": False,
    "A=1400000 -> data=0 F=150001 X=1110000": False,
    "A=1200000 -> data=0 F=50000 X=1000099": False,
    "A=1400000 -> data=0 F=50000 X=1110001": False,
    "A=5300000 -> F=50000 X=1000302 Y=1000302 A=3000000": False,
    "A=5300000 -> data=0 data=0 F=50000 X=1000302 Y=1000302 A=3000000": False,
    "A=9300000 -> data=0 F=50000 X=1000302 A=3000000 B=2000000": True,
    "A=9300000 -> data=0 F=50000 X=1000302 A=3000000 B=2000000 C=2000000": False,
    "? ? -> data=0 F=50000 X=1000302 Y=1000302 A=3000000": True,
}  # fmt: skip


def test_whoever_prepares_coins_for_whirlpool_is_one_owner(asked):
    assert asked(coinjoin.whirlpool_tx0(), *TX0) == list(TX0.values())


LOOKS_ALIKE = [
    "A=1100000 B=1100000 C=1100000 -> data=0 F=50000 X=1000302 Y=1000302 Z=1000302 A=200000",
    "A=1100000 B=1100000 C=1100000 D=1150000 E=1100000 -> V=1000300 W=1000300 X=1000300"
    " Y=1000300 Z=1000300 K=50000 L=300000 data=0",
]
"""As many parties bring what equal outputs hold: a mix of strangers, or one wallet's Tx0."""


def at_height(ledger: cw.Ledger, height: int) -> cw.Ledger:
    """Return a ledger of one transaction with that height."""
    moved = {
        name: ledger.frames[name].with_columns(
            pl.lit(height if column == "height" else pack_tx(height, 1), pl.Int64).alias(column)
            for column in ("tx", "height")
            if column in ledger.frames[name].columns
        )
        for name in ("transactions", "inputs", "outputs")
    }
    return cw.Ledger.from_tables({**ledger.frames, **moved})


@pytest.mark.parametrize("line", LOOKS_ALIKE)
@pytest.mark.parametrize("alias", ["btc", "ltc", "doge", "bch"])
@pytest.mark.parametrize("height", [1, 569_999, 570_000, 900_000])
def test_the_shape_of_a_tx0_joins_nobody(small_ledger, line, alias, height):
    """Where pools were, it is doubted whether it is a mix; elsewhere the shape means nothing."""
    ledger = at_height(small_ledger(f"t: {line}", alias), height)
    doubted = alias == "btc" and height >= 570_000
    assert cw.ask(ledger, coinjoin.JOINT).frame[VERDICT].to_list() == [None if doubted else True]
    assert cw.mixes(ledger).frame.select(
        "is_mix", "maybe_mix", "protocols", "tx0_shape"
    ).rows() == [(not doubted, doubted, "equal outputs", doubted)]
    assert cw.owners(ledger).frame.is_empty()


@given(
    st.lists(st.integers(1_050_000, 3_000_000), min_size=3, max_size=8),
    st.integers(1, 8),
    st.booleans(),
)
def test_no_shape_turns_a_mix_into_one_owner(small_ledger, brought, premix, data):
    """Whatever of a Tx0 is added to what looks like a mix, its parties are never joined."""
    names = "ABCDEFGH"
    spent = " ".join(f"{names[n]}={value}" for n, value in enumerate(brought))
    paid = " ".join(f"{'STUVWXYZ'[n]}=1000300" for n in range(min(premix, len(brought))))
    ledger = at_height(
        small_ledger(f"t: {spent} -> {paid} F=50000{' data=0' * data}", "btc"), 600_000
    )
    plain = at_height(small_ledger(f"t: {spent} -> {paid} F=50000", "btc"), 600_000)
    with_shape, without = (cw.ask(one, coinjoin.JOINT).frame[VERDICT][0] for one in (ledger, plain))
    assert with_shape is not False or without is False


def test_links_of_one_wallet_that_looks_like_no_mix_are_kept(small_ledger):
    text = "t: A=700000 B=1600000 -> data=0 F=50000 X=1000302 Y=1000302 A=200000"
    assert co_spends(at_height(small_ledger(text, "btc"), 600_000)).counts()["joining"] == 1


JOINMARKET = {
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": True,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000 R=8000": True,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000 R=8000 S=1000": False,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000": False,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 P=9000": False,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 data=0 Q=9000": False,
    "A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=7000": False,
    "A=900000 B=9000 C=9000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": False,
    "A=90000 B=95000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": False,
    "A=90000 B=95000 ? -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": None,
    "A=90000 B=95000 A=9000 A=9000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": False,
}  # fmt: skip


def test_joinmarket_gives_each_one_equal_output_and_his_change(asked):
    assert asked(coinjoin.joinmarket_mix(), *JOINMARKET) == list(JOINMARKET.values())


unread = column("inputs", "value", pl.lit(None))
"""What makes of a ledger what a lone block shows: who spends, and not how much."""


ALONE = {
    # A mix in the one kind of wallet; a payer to two kinds; one with too much beside.
    "A=1 B=1 C=1 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": (True, True),
    "A=1 B=1 C=1 -> X=80000 Y=80000 Z=80000 pk:P=7000 Q=9000": (True, False),
    "A=1 B=1 C=1 -> V=1000 W=5000 X=80000 Y=80000 Z=80000 P=7000 Q=9000 R=8000": (None, False),
    "A=1 B=1 B=1 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": (None, False),
    "A=1 B=1 ? -> X=80000 Y=80000 Z=80000 P=7000 Q=9000": (None, None),
}  # fmt: skip


def test_a_lone_block_names_the_parties_and_no_amounts(small_ledger):
    text = "\n".join(f"t{place}: {line}" for place, line in enumerate(ALONE))
    frame = transactions(unread(small_ledger(text)))
    rules = coinjoin.DETECTORS["equal outputs"], coinjoin.joinmarket_mix()
    general, joinmarket = (apply(frame, rule)[VERDICT] for rule in rules)
    assert list(zip(general, joinmarket, strict=True)) == list(ALONE.values())


def test_inputs_of_one_address_are_one_party_also_where_no_amount_was_read(small_ledger):
    one = "t: A=1 A=1 A=1 -> X=80000 Y=80000 Z=80000 P=7000"
    joint = [
        apply(transactions(unread(small_ledger(line))), coinjoin.JOINT)[VERDICT][0]
        for line in (one, one.replace("A=1 A=1 A=1", "A=1 A=1 B=1"))
    ]
    assert joint == [False, None]


def test_a_payer_of_other_kinds_of_wallets_is_doubted(real_ledger):
    """As many addresses as equal outputs, and each holds the amount: the payees tell it."""
    key, nested = (b"\x00\x14" + bytes([n]) * 20 for n in range(1, 10)), b"\xa9\x14%s\x87"
    own = [next(key) for _ in range(6)]
    other = [nested % (bytes([n]) * 20) for n in range(1, 4)]
    spent = [(90_000, script) for script in own[:3]]
    for payees, expected in ((own[3:], True), ([*own[3:5], other[0]], True), (other, None)):
        ledger = real_ledger([(bytes(32), spent, [(80_000, script) for script in payees])])
        answer = apply(transactions(ledger), coinjoin.DETECTORS["equal outputs"])
        assert answer[VERDICT].to_list() == [expected]
        assert cw.mixes(ledger).frame["is_mix"].to_list() == [expected is True]


BATCH = {
    "A=900000 -> X=80000 Y=80000 Z=80000 A=600000": True,
    "A=900000 B=2000 C=2000 -> X=80000 Y=80000 Z=80000 A=600000": True,
    "A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000": False,
    "A=99000 B=99000 C=99000 -> X=80000 Y=80000 Z=80000 P=9000 Q=8000 R=7000 S=6000": False,
    "A=99000 B=99000 C=99000 -> X=80000 Y=80000 Z=80000 P=9000 Q=8000 R=7000 S=6000 T=5000": None,
    "A=900000 -> X=80000 Y=80000 A=600000": False,
    "? -> X=80000 Y=80000 Z=80000": True,
}  # fmt: skip


def test_one_payer_of_many_is_told_by_arithmetic_and_doubted_by_shape(asked):
    assert asked(coinjoin.batch_payout(), *BATCH) == list(BATCH.values())


def test_a_doubted_mix_joins_nobody(small_ledger):
    paid = "X=80000 Y=80000 Z=80000 P=9000 Q=8000 R=7000 S=6000 T=5000"
    ledger = small_ledger(f"t: A=99000 B=99000 C=99000 -> {paid}")
    counts = co_spends(ledger).counts()
    assert (counts["joining"], counts["refused"], counts["undecided"]) == (0, 0, 2)


def test_without_a_fixed_coordinator_ten_equal_outputs_of_one_kind_are_asked_for(asked):
    spent = [f"A{n}=11000000" for n in range(10)]
    paid = [f"X{n}=10000000" for n in range(10)]
    change = "P=3000000 Q=900000"
    lines = {
        f"{' '.join(spent)} -> {' '.join(paid)} {change}": True,
        f"{' '.join(spent[:9])} ? -> {' '.join(paid)} {change}": None,
        f"{' '.join(spent[:8])} pk:K=11000000 ? -> {' '.join(paid)} {change}": None,
        f"{' '.join(spent[:9])} -> {' '.join(paid)} {change}": False,
        f"{' '.join(spent)} -> {' '.join(paid[:9])} X=8000000 {change}": False,
        f"{' '.join(spent)} -> {' '.join(paid)} P=3000000": False,
    }
    assert asked(coinjoin.wasabi1_mix(), *lines) == list(lines.values())


def test_levels_count_the_doubles_of_a_tenth(asked):
    spent = " ".join(f"A{n}=61000000" for n in range(12))
    low = " ".join(f"X{n}=10000000" for n in range(6))
    high = " ".join(f"Y{n}=20900000" for n in range(6))
    out = " ".join(f"Z{n}=21100000" for n in range(6))
    change = " ".join(f"P{n}={30000000 + n}" for n in range(11))
    lines = {
        f"{spent} -> {low} {high} {change}": True,
        f"{spent} -> {low} {out} {change}": False,
        f"{spent.rsplit(' ', 3)[0]} -> {low} {high} {change}": False,
    }
    assert asked(coinjoin.wasabi1_levels(), *lines) == list(lines.values())


def test_wasabi_2_sorts_and_pays_standard_amounts(asked):
    spent = "A=90000 B=80000 C=9000 D=8000 E=7000"
    paid = "V=65536 W=65536 X=20000 Y=8192 Z=5000"
    lines = {
        f"{spent} -> {paid}": True,
        f"A=80000 B=90000 C=9000 D=8000 E=7000 -> {paid}": False,
        f"A=90000 B=80000 C=9000 D=8000 ? -> {paid}": None,
        f"A=90000 B=80000 C=9000 D=8000 pk:E=7000 -> {paid}": None,
        f"{spent} -> V=65536 W=65536 X=20000 Y=8192 Z=5001": False,
        f"{spent} -> V=65536 W=65536 X=20000 Y=8192 Z=5000 P=4000": True,
        f"{spent} -> V=65536 W=65536 X=20000 pk:Y=8192 Z=5000": False,
        f"{spent} -> V=131072": False,
        "A=90000 B=80000 C=9000 D=8000 -> V=65536 W=65536 X=20000 Y=8192 Z=5000": False,
    }
    assert asked(coinjoin.wasabi2_mix(min_inputs=5), *lines) == list(lines.values())
    later = coinjoin.wasabi2_mix(5, 80, 1, 5_000)
    assert asked(later, f"{spent} -> {paid}", f"{spent} -> {paid} P=4000") == [True, False]


def test_the_order_of_few_amounts_is_not_asked():
    for few in ({"min_inputs": 4}, {"min_outputs": 4}):
        with pytest.raises(RuleError, match="the order of 4 amounts means nothing"):
            coinjoin.wasabi2_mix(**few)


def test_standard_amounts_are_of_six_families():
    assert STANDARD[:6] == (5000, 6561, 8192, 10000, 13122, 16384)
    assert STANDARD[-1] <= 134_375_000_000
    assert {2**20, 3**12, 2 * 3**12, 10**8, 2 * 10**8, 5 * 10**8} <= set(STANDARD)


def test_heights_are_seen_and_moved(small_ledger):
    text = "\n".join(f"t{n}: ? ? ? ? ? -> {FIVE}" for n in range(3))
    frame = transactions(small_ledger(text))
    gated = coinjoin.whirlpool_mix(pools=(100_000,)) | coinjoin.equal_outputs()
    assert (
        apply(frame, gated & cw.heuristics.heights.since(3))[VERDICT].to_list()[:2] == [False] * 2
    )
    assert "since(height=570000)" in str(coinjoin.DETECTORS["Whirlpool"])


class TestMixes:
    TEXT = (
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\n"
        "two: D=90000 E=95000 -> V=80000 W=80000 D=7000 E=9000\n"
        "cut: F=1100000 G=1100000 H=1100000 -> data=0 F=50000 P=1000302 Q=1000302 R=1000302\n"
        "pay: I=90000 -> J=80000"
    )

    def test_what_is_sure_and_what_is_doubted(self, small_ledger):
        found = cw.mixes(small_ledger(self.TEXT))
        columns = ["is_mix", "maybe_mix", "protocols", "tx0_shape"]
        assert found.frame.select(columns).rows() == [
            (True, False, "equal outputs", False),
            (False, True, "equal outputs", False),
            (True, False, "equal outputs", False),  # below the height of the first pools
            (False, False, None, False),
        ]
        assert found.counts() == {"mixes": 2, "perhaps": 1, "none": 1}
        assert repr(found) == "Mixes(2 mixes, 1 perhaps, 1 none)"

    def test_it_says_what_stops_merges(self, small_ledger):
        ledger = small_ledger(self.TEXT)
        told = cw.mixes(ledger).frame
        veto = cw.ask(ledger, coinjoin.JOINT).frame[VERDICT].to_list()
        assert veto == [True, None, True, False]
        assert told["is_mix"].to_list() == [answer is True for answer in veto]
        assert told["maybe_mix"].to_list() == [answer is None for answer in veto]

    def test_detectors_of_your_own(self, small_ledger):
        ledger = small_ledger(self.TEXT)
        found = cw.mixes(ledger, {"walls": coinjoin.stonewall_shape()})
        assert found.frame["protocols"].to_list() == [None, "walls", None, None]
        assert found.digest != cw.mixes(ledger).digest
        assert "walls" in found.words()["detectors"]

    @pytest.mark.parametrize("wrong", [{}, {"lures": zero_value()}])
    def test_what_is_no_detector_is_refused(self, small_ledger, wrong):
        with pytest.raises(RuleError, match="detectors of mixes read transactions"):
            cw.mixes(small_ledger(self.TEXT), wrong)
        with pytest.raises(ArgumentError, match="a detector is"):
            cw.mixes(small_ledger(self.TEXT), {"text": "equal"})

    def test_an_empty_ledger(self):
        assert cw.mixes(cw.Ledger()).counts() == {"mixes": 0, "perhaps": 0, "none": 0}
