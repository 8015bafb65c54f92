"""Labels of change by shared spending: each worked out by hand, and each reason for none."""

from __future__ import annotations

from dataclasses import dataclass

import change_cases
import polars as pl
import pytest

from chainwatch.change_models.labels import REASONS, ChangeLabels, change_labels
from chainwatch.change_models.measure import pooled
from chainwatch.errors import ArgumentError, InputError
from chainwatch.ledger.ledger import Ledger

(STRANGERS, UNREAD, UNSPENT, NEITHER, BOTH, SEEN, PERHAPS_SEEN, DOUBLED, TAGGED) = REASONS

PAY = "pay: A=90 -> B=50 C=30"
BESIDE = "beside: pay/1 A=5 -> X=20"  # C is spent beside coins of A
PAYEE = "payee: pay/0 -> Y=40"


@dataclass(frozen=True)
class Tags:
    """Tags, as far as clusters read them."""

    frame: pl.DataFrame


@pytest.fixture
def read(small_ledger):
    def reader(*lines: str, gaps: tuple[int, ...] = ()) -> Ledger:
        return change_cases.ledger_with(small_ledger, "\n".join(lines), gaps=gaps)

    return reader


def ask(ledger: Ledger, **more) -> ChangeLabels:
    return change_labels(ledger, unless=None, **more)


def reasons(found: ChangeLabels) -> dict[str, int]:
    return dict(found.left_out.iter_rows())


def test_what_is_spent_beside_the_payers_coins_is_his_change(read, named, txid):
    found = ask(read(PAY, PAYEE, BESIDE))
    (row,) = found.frame.iter_rows(named=True)
    assert (row["txid"], row["n"]) == (txid("pay"), 1)
    assert (row["payer"], row["change"], row["payee"]) == (named("A"), named("C"), named("B"))
    assert row["base"] == min(named("A"), named("C"))
    assert (row["evidence"], row["evidence_tx"] >> 24, row["hops"]) == (txid("beside"), 3, 1)
    assert found.base.why(row["payer"], row["change"]).joined
    told = found.examples.select("n", "is_change", "fresh", "version_agrees").rows()
    assert told == [(0, False, 1, 1), (1, True, 1, 1)]
    assert reasons(found) == {}
    assert found.source == "shared spending"


def test_who_joins_them_may_be_several_transactions_away(read, named, txid):
    """C is spent beside Z, and Z beside A: shared spending joins them all the same."""
    found = ask(read(PAY, PAYEE, "first: pay/1 Z=9 -> X=20", "then: Z=7 A=5 -> W=2"))
    (row,) = found.frame.iter_rows(named=True)
    assert (row["change"], row["hops"]) == (named("C"), 2)
    assert row["evidence"] == txid("then")  # before it, nothing joins C and A


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((PAY, BESIDE), UNSPENT),
        ((PAY, PAYEE, "alone: pay/1 -> X=20"), NEITHER),
        ((PAY, "all: pay/0 pay/1 A=5 -> X=70"), BOTH),
        (("old: X=60 -> C=50", PAY, PAYEE, BESIDE), SEEN),
        (("pay: A=90 ? -> B=50 C=30", PAYEE, BESIDE), UNREAD),
    ],
)
def test_each_reason_for_no_label_is_counted(read, lines, reason):
    found = ask(read(*lines))
    assert found.frame.is_empty()
    assert found.examples.is_empty()
    assert reasons(found) == {reason: 1}


def test_a_gap_before_leaves_it_unknown_whether_the_change_was_seen_before(read):
    assert reasons(ask(read(PAY, PAYEE, BESIDE, gaps=(0,)))) == {PERHAPS_SEEN: 1}


def test_what_strangers_built_has_no_label_even_where_they_spend_together(read):
    lines = ("pay: A=90_000 K=90_000 -> B=85_000 C=85_000", PAYEE, BESIDE)
    assert ask(read(*lines)).frame.height == 1
    vetoed = change_labels(read(*lines))  # two equal outputs that two can have funded
    assert reasons(vetoed) == {STRANGERS: 1}


def payments(doubled: int, single: int) -> list[str]:
    """Return payments of A: of some both outputs are spent beside A, of others the change."""
    names = iter("BCDEFGHIJKLMNOPQRSTUVWXYZ")
    lines = []
    for number in range(doubled + single):
        payee, change = next(names), next(names)
        lines.append(f"p{number}: A=90 -> {payee}=50 {change}=30")
        beside = f"p{number}/0 p{number}/1" if number < doubled else f"p{number}/1"
        lines.append(f"b{number}: {beside} A=5 -> data=0")
        if number >= doubled:
            lines.append(f"y{number}: p{number}/0 -> data=0")
    return lines


def test_a_cluster_with_two_candidates_too_often_gives_no_label(read):
    """One in ten is allowed, as it is not more than ten percent; one in nine is not."""
    assert ask(read(*payments(1, 9))).frame.height == 9
    assert reasons(ask(read(*payments(1, 9)))) == {BOTH: 1}
    over = ask(read(*payments(1, 8)))
    assert over.frame.is_empty()
    assert reasons(over) == {BOTH: 1, DOUBLED: 8}
    assert ask(read(*payments(1, 8)), most_doubled=12).frame.height == 8


def test_a_cluster_of_several_actors_has_collapsed(read, named):
    ledger = read(PAY, PAYEE, BESIDE)
    chain = ledger.frames["transactions"]["chain"][0]
    rows = [(chain, named(one), who, who) for one, who in (("A", "north"), ("C", "south"))]
    said = pl.DataFrame(rows, schema=["chain", "address", "actor", "label"], orient="row")
    assert reasons(ask(ledger, tags=Tags(said))) == {TAGGED: 1}
    assert ask(ledger, tags=Tags(said.head(1))).frame.height == 1


def test_labels_and_what_has_none_are_all_transactions_of_two_payments(read):
    found = ask(read(*payments(1, 8), PAY, "more: Z=9 -> data=0 Y=3 X=2"))
    assert found.frame.height + found.left_out["transactions"].sum() == 10


def test_owners_of_labels_say_what_they_were_inferred_from(read, named):
    truth = ask(read(PAY, PAYEE, BESIDE)).truth()
    owners = {address: owner for _, address, owner in truth.frame.iter_rows()}
    assert owners[named("A")] == owners[named("C")] != owners[named("B")]
    assert truth.inferred_from == "shared spending"
    with pytest.raises(
        InputError, match="cannot be judged by owners inferred from shared spending"
    ):
        truth.refuse_inferred("rules on change")


def test_a_transaction_is_labelled_in_one_set_alone(read):
    more = ("other: Z=90 -> Q=50 R=30", "rest: other/0 -> data=0", "both: other/1 Z=5 -> data=0")
    once, longer = ask(read(PAY, PAYEE, BESIDE)), ask(read(PAY, PAYEE, BESIDE, *more))
    assert (once.frame.height, longer.frame.height) == (1, 2)
    with pytest.raises(InputError, match="1 transaction is labelled in two sets"):
        pooled([once, longer])
    assert pooled([longer]).height == 4


def test_the_percentage_is_a_whole_number(read):
    with pytest.raises(ArgumentError, match="most_doubled"):
        ask(read(PAY), most_doubled=0.1)
