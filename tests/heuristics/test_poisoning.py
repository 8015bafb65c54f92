"""Address poisoning on account chains: who imitates whom."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import NATIVE_KINDS, Asset, native, token
from chainwatch.errors import RuleError
from chainwatch.heuristics.poisoning import (
    look_alike,
    paid_look_alike,
    poisoning,
    unsigned,
    zero_value,
)
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger import features, look_alikes
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS

ETH = native("eth")
ME, SHOP, FRIEND = (b"\x10" + bytes([n]) * 20 for n in (1, 2, 3))
TWIN = b"\x10" + b"\x77" * 18 + SHOP[-2:]
START = datetime(2023, 6, 1, tzinfo=UTC)


def ledger(*rows, asset=ETH):
    made = [
        dict.fromkeys(TRANSFERS.schema) | {
            "chain": asset.chain, "txid": place.to_bytes(32, "big"), "kind": "native",
            "contract": asset.contract, "occurrence": 0, "time": START + timedelta(hours=place),
            "sender": sender, "receiver": receiver, "amount": amount, "order_uncertain": True,
            "sections": 1, **(more[0] if more else {}),
        }
        for place, (sender, receiver, amount, *more) in enumerate(rows)
    ]  # fmt: skip
    return Ledger.from_tables({"transfers": pl.DataFrame(made, schema=TRANSFERS.schema)})


def verdicts(rule, *rows):
    return apply(features.transfers(ledger(*rows), ETH), rule)[VERDICT].to_list()


def test_a_trifle_from_a_twin_is_a_look_alike():
    assert verdicts(look_alike(5), (ME, SHOP, 900), (TWIN, ME, 5)) == [False, True]


@pytest.mark.parametrize("amount", [6, 900])
def test_more_than_a_trifle_is_none(amount):
    assert verdicts(look_alike(5), (ME, SHOP, 901), (TWIN, ME, amount)) == [False, False]


def test_what_the_subject_pays_is_none():
    assert verdicts(look_alike(5), (ME, SHOP, 900), (ME, TWIN, 3)) == [False, False]


def test_each_is_judged_by_the_trade_before_it():
    """Later trade makes nobody genuine, and takes no lure back."""
    assert verdicts(look_alike(5), (TWIN, ME, 3), (ME, SHOP, 900)) == [False, False]
    assert verdicts(look_alike(5), (ME, SHOP, 9), (TWIN, ME, 3), (ME, TWIN, 900)) == [
        False, True, False,
    ]  # fmt: skip


def test_a_lure_that_worked_does_not_become_the_genuine_partner():
    rows = [(ME, SHOP, 50), (TWIN, ME, 5), (ME, TWIN, 900), (TWIN, ME, 5), (SHOP, ME, 4)]
    assert verdicts(look_alike(5), *rows) == [False, True, False, True, False]
    assert verdicts(paid_look_alike(), *rows) == [False, False, True, False, False]


def test_each_is_judged_alone():
    """Eleven trifles make no payment, and no partner."""
    rows = [(SHOP, ME, 100), *[(TWIN, ME, n % 3 + 3) for n in range(11)], (ME, TWIN, 50)]
    assert verdicts(look_alike(5), *rows) == [False, *[True] * 11, False]
    assert verdicts(paid_look_alike(), *rows)[-1] is True


def test_a_partner_with_two_addresses_alike_is_told_by_who_came_first():
    """Neither trifle of somebody who was paid before: it may be the one that is imitated."""
    assert verdicts(look_alike(5), (ME, SHOP, 9), (ME, TWIN, 9), (SHOP, ME, 3)) == [False] * 3


def test_trifles_make_nobody_genuine():
    """A stranger who sent the trifle first is imitated by nobody."""
    assert verdicts(look_alike(5), (TWIN, ME, 3), (SHOP, ME, 3)) == [False, False]


def test_of_one_time_nobody_knows_which_is_earlier():
    same = {"time": START}
    assert verdicts(look_alike(5), (ME, SHOP, 900, same), (TWIN, ME, 5, same)) == [False, None]
    paid = [(ME, SHOP, 900, same), (ME, TWIN, 70, same)]
    assert verdicts(paid_look_alike(), *paid) == [None, None]
    assert verdicts(paid_look_alike(4), *paid) == [False, False], "not alike in any order"
    placed = [{"tx": 7, "log_index": n, **same} for n in range(2)]
    rows = [(ME, SHOP, 900, placed[0]), (TWIN, ME, 5, placed[1])]
    assert verdicts(look_alike(5), *rows) == [False, True]


def test_where_no_time_is_known_the_height_tells_what_is_earlier():
    rows = [
        (ME, SHOP, 900, {"time": None, "height": 5}),
        (TWIN, ME, 5, {"time": None, "height": 6}),
    ]
    assert verdicts(look_alike(5), *rows) == [False, True]
    assert verdicts(look_alike(5), rows[0], (*rows[1][:3], rows[0][3])) == [False, None]


def in_order(rows, order):
    """Return verdicts of rows that stand in one block, in this order, by row."""
    placed = [(*rows[n][:3], {"time": rows[n][3]["time"], "tx": place, "log_index": place,
                              "symbol": str(n)}) for place, n in enumerate(order)]  # fmt: skip
    table = features.transfers(ledger(*placed), ETH)
    found = [apply(table, rule)[VERDICT] for rule in (look_alike(5), paid_look_alike())]
    whose = map(int, table["symbol"])
    return {n: (found[0][place], found[1][place]) for place, n in enumerate(whose)}


@pytest.mark.parametrize("seed", range(60))
def test_what_is_said_without_an_order_holds_in_every_order(seed):
    """Against all orders, one by one: yes is yes in each, no is no in each."""
    rng = random.Random(seed)  # noqa: S311  # the same each time
    pairs = [(ME, SHOP), (SHOP, ME), (ME, TWIN), (TWIN, ME)]
    times = sorted(rng.choices([START, START + timedelta(hours=1)], k=4))
    rows = [(*rng.choice(pairs), rng.choice([3, 5, 40, 900]), {"time": time}) for time in times]
    table = features.transfers(ledger(*rows), ETH)
    asked = [apply(table, rule)[VERDICT].to_list() for rule in (look_alike(5), paid_look_alike())]
    said = dict(zip(table["txid"].to_list(), zip(*asked, strict=True), strict=True))
    orders = [
        in_order(rows, order) for order in permutations(range(4))
        if [rows[n][3]["time"] for n in order] == times
    ]  # fmt: skip
    for n in range(4):
        for k, answer in enumerate(said[n.to_bytes(32, "big")]):
            possible = {told[n][k] for told in orders}
            assert None not in possible
            assert answer is None or possible == {answer}


def test_a_place_of_another_number_tells_the_order_of_a_log():
    """On chains of the EVM a log is counted in its block, its transaction known or not."""
    rows = [(ME, SHOP, 900, {"time": START, "tx": 9, "log_index": 4}),
            (TWIN, ME, 5, {"time": START, "log_index": 5})]  # fmt: skip
    assert verdicts(look_alike(5), *rows) == [False, True]
    assert verdicts(look_alike(5), rows[0], (TWIN, ME, 5, {"time": START, "log_index": 3})) == [
        False, False,
    ]  # fmt: skip


def test_of_several_dealings_at_one_time_each_may_be_the_first():
    """One of them is known to come before the trifle: that is enough."""
    rows = [(ME, SHOP, 900, {"time": START}), (ME, SHOP, 8, {"time": START, "log_index": 1}),
            (TWIN, ME, 5, {"time": START, "log_index": 2})]  # fmt: skip
    assert verdicts(look_alike(5), *rows) == [False, False, True]
    assert verdicts(look_alike(5), rows[0], rows[2]) == [False, None]


def test_more_that_end_alike_than_are_compared_leave_a_doubt(monkeypatch):
    monkeypatch.setattr(look_alikes, "MOST_PARTNERS", 1)
    rows = [(ME, SHOP, 900), (ME, TWIN, 800), (b"\x10" + b"\x66" * 18 + SHOP[-2:], ME, 5)]
    assert verdicts(look_alike(5), *rows)[-1] is True
    assert verdicts(look_alike(5, head=1), *rows)[-1] is None, "the second was not compared"
    assert verdicts(look_alike(5, tail=5), *rows)[-1] is False, "it does not end alike"


def test_the_partner_that_is_named_is_one_that_the_rule_means():
    """The stronger one shares three last characters only; four are asked for."""
    rows = [(ME, address("00", "0234", 1), 900), (address("11", "1234", 2), ME, 20),
            (address("22", "1234", 3), ME, 5)]  # fmt: skip
    table = features.transfers(ledger(*rows), ETH)
    assert table["from_like_4"].to_list() == [None, None, rows[1][0]]
    assert table["from_like_3"].to_list() == [None, rows[0][1], rows[0][1]]


def test_a_payment_too_wide_to_hold_makes_a_partner():
    wide = {"amount_hex": "ff" * 20}
    assert verdicts(look_alike(5), (SHOP, ME, None, wide), (TWIN, ME, 5)) == [False, True]
    assert verdicts(paid_look_alike(), (ME, SHOP, 9), (ME, TWIN, None, wide)) == [False, True]
    assert verdicts(zero_value(), (ME, SHOP, None, wide)) == [False], "it is not nothing"
    assert verdicts(look_alike(5), (ME, SHOP, 9), (TWIN, ME, None, wide)) == [False, False]


def address(head, tail, middle=0x77):
    """Return an address whose text has a head and a tail, in hexadecimal."""
    inner = bytes([middle]) * 20
    text = head + inner.hex()[len(head) : 40 - len(tail)] + tail
    return b"\x10" + bytes.fromhex(text)


@pytest.mark.parametrize(
    ("head", "tail", "alike"),
    [(0, 4, True), (3, 4, True), (4, 4, False), (3, 5, True), (0, 6, False), (3, 3, True)],
)
def test_how_many_characters_is_a_parameter(head, tail, alike):
    """``0x`` does not count."""
    one, other = address("abc1", "de123", 0x11), address("abc2", "ce123"[1:].rjust(5, "d"), 0x22)
    rows = [(ME, one, 900), (other, ME, 5), (ME, other, 70)]
    assert verdicts(look_alike(5, head, tail), *rows) == [False, alike, False]
    assert verdicts(paid_look_alike(head, tail), *rows) == [False, False, alike]


def test_head_and_tail_are_of_one_partner():
    """One partner has the first characters and another the last: neither is looked like."""
    rows = [(ME, address("abcd", "0000", 1), 9), (ME, address("9999", "1234", 2), 9),
            (address("abcd", "1234", 3), ME, 5)]  # fmt: skip
    assert verdicts(look_alike(5, 4, 4), *rows) == [False] * 3
    assert verdicts(look_alike(5, 0, 4), *rows) == [False, False, True]


def test_the_first_letter_of_tron_does_not_count():
    """All addresses of Tron begin with T, and with one of few letters behind it."""
    tron = native("tron")
    bodies = [bytes([n // 256, n % 256]) + b"\x55" * 18 for n in range(3000)]
    texts = {canonical.text(b"\x11" + body, "tron"): b"\x11" + body for body in bodies}
    tails: dict[str, list[str]] = {}
    for item in texts:
        tails.setdefault(item[-3:], []).append(item)
    one, other = next(
        pair for pair in tails.values() if len(pair) > 1 and pair[0][1] != pair[1][1]
    )[:2]
    me = b"\x11" + bytes(19) + b"\x01"
    rows = [(texts[one], me, 9), (texts[other], me, 5)]
    table = features.transfers(ledger(*rows, asset=tron), tron)
    assert table["from_head_3"].to_list() == [-1, 0], "T is shared, and what follows is not"


@pytest.mark.parametrize(("head", "tail"), [(0, 2), (0, 9), (-1, 4)])
def test_what_cannot_be_compared_is_refused(head, tail):
    for rule in (lambda: look_alike(5, head, tail), lambda: paid_look_alike(head, tail)):
        with pytest.raises(RuleError, match=r"characters"):
            rule()


def test_what_nobody_signed_is_no_payment_and_no_trade():
    forged, signed = {"signed": False}, {"signed": True}
    rows = [(ME, SHOP, 900, signed), (TWIN, ME, 800, forged), (TWIN, ME, 5, signed),
            (SHOP, ME, 7)]  # fmt: skip
    assert verdicts(unsigned(), *rows) == [False, True, False, None]
    assert verdicts(poisoning(5), *rows) == [False, True, True, None]
    bought = [(ME, TWIN, 900, forged), (ME, SHOP, 9, signed), (TWIN, ME, 5, signed)]
    assert verdicts(look_alike(5), *bought) == [False, False, True], "it buys no better name"


def test_a_transfer_that_failed_is_no_trade():
    """Else a stranger could buy the better name with a transfer that never took effect."""
    failed = {"success": False}
    rows = (ME, SHOP, 900), (TWIN, ME, 10_000, failed), (SHOP, ME, 3), (TWIN, ME, 3)
    assert verdicts(look_alike(5), *rows) == [False, False, False, True]


def test_nobody_imitates_one_with_whom_only_others_traded():
    assert verdicts(look_alike(5), (FRIEND, SHOP, 900), (TWIN, ME, 3)) == [False, False]


def test_capitals_of_a_checksum_do_not_hide_a_twin():
    """EIP-55 capitals depend on the whole address: one ending, written in two ways."""
    tail = bytes.fromhex("abcdef")
    for number in range(200):
        one, other = (b"\x10" + bytes([number, side]) + b"\x55" * 15 + tail for side in (1, 2))
        texts = [canonical.text(item, "eth")[-4:] for item in (one, other)]
        if texts[0] != texts[1]:
            break
    assert texts[0] != texts[1]
    assert verdicts(look_alike(5), (ME, one, 900), (other, ME, 3)) == [False, True]


USD = token("eth", "0x" + "7e" * 20, "T", 0)


def of_nothing(asset, **more):
    """Return the verdicts on a transfer of nothing and on one of something."""
    rows = ledger((ME, SHOP, 0, more), (ME, SHOP, 1, more), asset=asset)
    return apply(features.transfers(rows, asset), zero_value())[VERDICT].to_list()


@pytest.mark.parametrize("signed", [True, False, None])
@pytest.mark.parametrize("kind", ["erc20", "trc20"])
def test_a_token_of_which_nothing_is_moved_imitates_a_payment(kind, signed):
    assert of_nothing(USD, kind=kind, signed=signed) == [True, False]


@pytest.mark.parametrize("signed", [True, False, None])
@pytest.mark.parametrize("kind", NATIVE_KINDS)
def test_a_call_that_moves_no_coin_imitates_no_payment(kind, signed):
    """Who stands there as the payer signed it, or is the contract that calls."""
    assert of_nothing(ETH, kind=kind, signed=signed) == [False, False]


def test_calls_inside_a_transaction_are_no_lures_by_any_rule():
    inside = {"kind": "internal", "trace_path": "0"}
    rows = [(ME, SHOP, 900, {"signed": True}), (SHOP, ME, 0, inside), (TWIN, ME, 0, inside)]
    assert verdicts(zero_value() | look_alike(5), *rows) == [False, False, False]


def test_an_amount_that_is_not_known_is_unknown():
    rows = [(ME, SHOP, 900, {"signed": True}), (TWIN, ME, None, {"signed": True})]
    assert verdicts(poisoning(5), *rows) == [False, None]


def test_no_transfers_no_rows():
    assert apply(features.transfers(Ledger(), ETH), poisoning(5)).height == 0


def test_order_of_rows_makes_no_difference():
    rows = [(ME, SHOP, 900), (TWIN, ME, 5), (FRIEND, ME, 7), (SHOP, ME, 1)]
    made = ledger(*rows)
    table = features.transfers(made, ETH)
    for seed in range(3):
        mixed = made.frames["transfers"].sample(fraction=1, shuffle=True, seed=seed)
        assert features.transfers(Ledger.from_tables({"transfers": mixed}), ETH).equals(table)


TRIFLE = 100_000
"""0.1 USDT in base units."""


def usdt_of(path):
    """Return the asset, and the USDT transfers of a table, each once though two wallets show it."""
    tron = native("tron").chain
    raw = pl.read_csv(path, infer_schema=False).filter(pl.col("token_abbr") == "USDT")
    asset = Asset(tron, canonical.parse(raw["token_id"].unique().item(), tron), "USDT", 6)
    said = ["timestamp", "tx_id", "from_address", "to_address", "quant"]
    rows = [
        (
            canonical.parse(row["from_address"], tron), canonical.parse(row["to_address"], tron),
            int(row["quant"]),
            {"txid": bytes.fromhex(row["tx_id"]), "kind": "trc20",
             "time": datetime.fromtimestamp(int(row["timestamp"]) / 1000, UTC)},
        )
        for row in raw.unique(said, maintain_order=True).iter_rows(named=True)
    ]  # fmt: skip
    return asset, ledger(*rows, asset=asset)


def test_listed_wallets_of_tron(real_data):
    """The figures in the docstring of ``look_alike``, counted again.

    They describe these transfers. Nobody labelled them: they are no rate of error.
    """
    asset, made = usdt_of(real_data / "tron" / "listed_wallet_transfers.csv")
    table = features.transfers(made, asset)
    twin = (pl.col("from_head_4") >= 0) | (pl.col("to_head_4") >= 0)
    groups = {
        "zero": pl.col("amount") == 0,
        "trifle": (pl.col("amount") > 0) & (pl.col("amount") < TRIFLE),
        "larger": pl.col("amount") >= TRIFLE,
    }
    counts = {
        name: (table.filter(group & twin).height, table.filter(group).height)
        for name, group in groups.items()
    }
    assert table.height == 4177
    assert counts == {"zero": (123, 123), "trifle": (68, 72), "larger": (0, 3982)}
