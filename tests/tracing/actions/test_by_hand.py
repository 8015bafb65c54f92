"""Paths by hand: what a person chose stands apart from what is computed, with the reason."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ArgumentError, TraceError
from chainwatch.tracing.actions.by_hand import PERSON, HandPath

CHAIN = "btc-regtest"
COINS: list[dict[str, Any]] = [
    {"id": "earn", "ins": [], "outs": [("a", 1_000)]},
    {"id": "other", "ins": [], "outs": [("s", 500)]},
    {"id": "mix", "ins": [("earn", 0), ("other", 0)], "outs": [("b", 700), ("t", 700)]},
    {"id": "on", "ins": [("mix", 1)], "outs": [("c", 600), ("d", 90)]},
    {"id": "in", "ins": [("on", 0)], "outs": [("x", 400), ("e", 195)]},
    {"id": "burn", "ins": [("on", 1)], "outs": [("gone", 80, "null_data")]},
]
"""A and a stranger mix; a person holds t to be a's, and c to be the payment of t."""


def place(desk: Any, name: str, n: int) -> str:
    return f"{txid_text(desk.txid(name), CHAIN)}:{n}"


def begun(desk: Any) -> HandPath:
    return cw.by_hand(desk.coins(COINS), place(desk, "earn", 0), why="the seized key")


def chosen(desk: Any) -> HandPath:
    path = begun(desk).step(to=1, why="its amount was agreed in a message")
    return path.step(to=place(desk, "on", 0), why="the invoice says so")


def test_each_step_is_an_output_of_the_transaction_that_spends_the_last(desk: Any) -> None:
    path = chosen(desk)
    rows = path.frame.select("step", "txid", "n", "address", "value", "why").rows()
    assert rows == [
        (0, desk.txid("earn"), 0, desk.coin("a"), 1_000, "the seized key"),
        (1, desk.txid("mix"), 1, desk.coin("t"), 700, "its amount was agreed in a message"),
        (2, desk.txid("on"), 0, desk.coin("c"), 600, "the invoice says so"),
    ]
    assert begun(desk).frame.height == 1


def test_a_policy_goes_on_from_the_last_output_and_from_nowhere_else(desk: Any) -> None:
    tags = desk.tags(("x", "Otter Exchange"))
    found = chosen(desk).trace(policy="fifo", stop=tags)
    told = [
        (row["hop"], row["target"][1:].decode().lstrip("."), row["amount"], row["chosen_by"],
         row["why"])
        for row in found.steps.iter_rows(named=True)
    ]  # fmt: skip
    assert told == [
        (1, "t", 700, PERSON, "its amount was agreed in a message"),
        (2, "c", 600, PERSON, "the invoice says so"),
        (3, "x", 400, "fifo", None),
        (3, "e", 195, "fifo", None),
    ]
    assert desk.ends(found) == {
        ("hosted service", "x"): 400,
        ("unspent", "e"): 195,
        ("fee", None): 5,
    }
    assert found.computed.amount == 600
    assert cw.action_sheet(found.computed, tags=tags).requests().keys() == {"Otter Exchange"}


def test_without_a_policy_it_says_that_one_must_be_chosen(desk: Any) -> None:
    with pytest.raises(TraceError, match="no policy was chosen"):
        chosen(desk).trace()


def test_what_is_no_output_of_the_spender_is_refused_with_what_there_is(desk: Any) -> None:
    path = begun(desk)
    by = txid_text(desk.txid("mix"), CHAIN)
    for wrong in (2, -1, place(desk, "on", 0), place(desk, "mix", 2)):
        with pytest.raises(TraceError, match="is not made by the transaction that spends") as said:
            path.step(to=wrong, why="a guess")
        assert f"that is {by}, with outputs 0, 1" in str(said.value)
    with pytest.raises(TraceError, match="names no output"):
        path.step(to=by, why="a transaction is no output")
    with pytest.raises(ArgumentError):
        path.step(to=1.5, why="no place")  # type: ignore[arg-type]  # that is what is tested


def test_an_output_that_is_unspent_or_burnt_leads_no_further(desk: Any) -> None:
    on = chosen(desk).step(to=1, why="the change")
    with pytest.raises(TraceError, match="leads no further: unspent as of block 5"):
        on.step(to=0, why="more")
    burnt = begun(desk).step(to=1, why="so").step(to=1, why="so").step(to=0, why="so")
    with pytest.raises(TraceError, match="no key moves it"):
        burnt.step(to=0, why="more")


@pytest.mark.parametrize("why", ["", "  \n"])
def test_a_choice_without_a_reason_is_refused(desk: Any, why: str) -> None:
    with pytest.raises(TraceError, match="no reason is given"):
        begun(desk).step(to=1, why=why)
    with pytest.raises(TraceError, match="no reason is given"):
        cw.by_hand(desk.coins(COINS), place(desk, "earn", 0), why=why)


def test_a_path_begins_at_one_output(desk: Any) -> None:
    ledger = desk.coins(COINS)
    with pytest.raises(TraceError, match="names no single output"):
        cw.by_hand(ledger, txid_text(desk.txid("mix"), CHAIN), why="all of it")
    with pytest.raises(TraceError, match="has no output 7"):
        cw.by_hand(ledger, place(desk, "mix", 7), why="none")
    paid = desk.paid([("s", "a", 10)], read="a")
    with pytest.raises(TraceError, match="and Ethereum has none"):
        cw.by_hand(paid, f"{txid_text(desk.txid('transfer 0'), 'eth')}:0", why="a transfer")


def test_the_reasons_are_digested_and_stand_in_the_lineage(desk: Any) -> None:
    one, other = (begun(desk).step(to=1, why=why) for why in ("a message", "a guess"))
    assert one.digest != other.digest
    assert one.digest == begun(desk).step(to=1, why="a message").digest
    traced = [path.trace(policy="fifo") for path in (one, other)]
    assert traced[0].digest != traced[1].digest
    assert traced[0].computed.digest == traced[1].computed.digest
    lineage = traced[0].lineage()
    for said in ("trace_by_hand", "step_by_hand", "by_hand", "a message", "the seized key"):
        assert said in lineage


def test_the_report_tells_apart_what_was_chosen_and_what_was_computed(
    desk: Any, tmp_path: Any
) -> None:
    case = cw.Case("hand", "Where did it go?", mask_key=bytes(16))
    case.add(chosen(desk).trace(policy="fifo")).look_beside(desk.coins(COINS))
    case.write(tmp_path / "working", edition="working", reason="a test", authority="a court")
    page = (tmp_path / "working" / "report.html").read_text("utf-8")
    assert "A path that a person chose" in page
    assert "nothing was computed of how much of the first is in the last" in page
    for why in ("the seized key", "its amount was agreed in a message", "the invoice says so"):
        assert why in page
    annex = page[page.rindex("every step") :]
    assert annex.count("a person") == 2
    steps = pl.read_csv(tmp_path / "working" / "tables" / "steps.csv", infer_schema=False)
    assert steps["chosen_by"].to_list() == [PERSON, PERSON, "fifo", "fifo"]
    case.write(tmp_path / "disclosure")
    masked = pl.read_csv(tmp_path / "disclosure" / "tables" / "choices.csv", infer_schema=False)
    assert "the seized key" not in masked.write_csv()


def test_what_prints_itself_names_nobody(desk: Any) -> None:
    path = chosen(desk)
    said = repr(path) + repr(path.trace(policy="fifo"))
    assert "chosen by a person" in said
    assert "invoice" not in said
