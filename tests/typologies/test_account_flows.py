"""Payments of account chains between owners: authority, batches, owners, order, what was read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from account_chains import Accounts

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.errors import InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.typologies.alerts import flows_of
from chainwatch.typologies.flows import OWN, Flows
from chainwatch.typologies.made_flows import make_flows

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)


def flows(ledger: Ledger, clusters: Any = None, tags: Any = None) -> Flows:
    return flows_of(ledger, TOKEN, clusters, tags)


def told(read: Flows) -> list[tuple[str | None, str, int]]:
    return [
        (ON.name(payer) if payer else None, ON.name(payee), int(amount))
        for payer, payee, amount in read.frame.select("payer", "payee", "amount").iter_rows()
    ]


class Owners:
    """Clusters, as far as payments read them."""

    def __init__(self, *joined: tuple[str, ...]) -> None:
        rows = [(ON.chain, ON(one), min(map(ON, some))) for some in joined for one in some]
        self.frame = pl.DataFrame(
            rows, schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary},
            orient="row",
        )  # fmt: skip


def test_only_what_its_payer_let_be_moved_is_a_payment() -> None:
    read = flows(ON.ledger([
        ("a>b:5", 0), ("a>b:6", 1, {"signed": False}), ("a>b:7", 2, {"signed": None}),
        ("a>b:8", 3, {"success": False}), ("a>b:0", 4), ("a>a:9", 5), ("0>a:3", 6),
        ("a>b:4", 7, {"token": "other"}), ("a>b:2", 8, {"coin": True}),
    ]))  # fmt: skip
    assert told(read) == [("a", "b", 5), ("a", "b", 7)]
    assert read.agreed.tolist() == [True, False]


def test_the_coin_is_an_asset_of_its_own() -> None:
    ledger = ON.ledger([("a>b:5", 0), ("a>c:2", 8, {"coin": True})])
    assert told(flows_of(ledger, native("eth"))) == [("a", "c", 2)]


def test_what_a_batch_contract_pays_is_its_payer_s() -> None:
    batch = [("a>many:9", 0, {"id": 1}), ("many>b:4", 0, {"id": 1}), ("many>c:5", 0, {"id": 1})]
    read = flows(ON.ledger([*batch, ("x>y:1", 3)]))
    assert told(read) == [("a", "b", 4), ("a", "c", 5), ("x", "y", 1)]
    assert read.deed[0] == read.deed[1] != read.deed[2]


def test_owners_are_one_party_and_pay_themselves_nothing() -> None:
    ledger = ON.ledger([("a>b:5", 0), ("b>c:4", 1), ("c>a:3", 2)])
    read = flows(ledger, Owners(("a", "b")))
    assert told(read) == [("a", "c", 4), ("c", "a", 3)]
    assert read.left[OWN] == 1


def test_without_a_place_two_of_one_time_have_no_order() -> None:
    payments = [("a>b:5", 0), ("b>c:4", 0), ("c>d:3", 1)]
    placed, loose = (flows(Accounts(placed=one).ledger(payments)) for one in (True, False))
    assert placed.order.tolist() == [1, 2, 3]
    assert loose.order.tolist() == [1, 1, 2]
    assert loose.later(pl.Series([0]).to_numpy()).tolist() == [2]


def test_a_transfer_without_a_time_is_counted_and_left_out() -> None:
    read = flows(ON.ledger([("a>b:5", 0), ("a>b:6", 1, {"time": None})]))
    assert told(read) == [("a", "b", 5)]
    assert read.left["without a time"] == 1


def test_tags_name_the_service_of_an_address_on_its_day() -> None:
    read = flows(ON.ledger([("a>hot:5", 0), ("hot>c:4", 1)]), tags=ON.tags())
    assert read.served("payee").tolist() == [True, False]
    assert read.served("payer").tolist() == [False, True]
    assert read.services.sum() == 1
    with pytest.raises(InputError, match="'sender' is no side"):
        read.served("sender")


def test_of_an_owner_each_address_must_have_been_read() -> None:
    ledger = ON.ledger([("a>c:5", 0), ("b>c:4", 1)], read=["a", "c"])
    read = flows(ledger, Owners(("a", "b")))
    said = {ON.name(read.parties[one]): read.lacking(one) for one in range(2)}
    assert said == {"a": "of 1 of its 2 addresses the history was not read whole", "c": ""}


def test_amounts_of_any_width_add_up_exactly() -> None:
    wide = 10**30 + 1
    read = flows(ON.ledger([(f"a>b:{wide}", 0), (f"a>b:{wide}", 1)]))
    assert read.total(read.out_of.of(0)) == 2 * wide
    assert read.frame["amount"].to_list() == [wide, wide]


def test_a_frame_that_lacks_what_a_payment_needs_is_refused() -> None:
    good = {"payer": ON("a"), "payee": ON("b"), "amount": 5, "time": 0}
    schema = {"payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int64, "time": pl.Int64}
    for wrong in ({"payee": None}, {"amount": 0}, {"amount": None}, {"time": None}):
        frame = pl.DataFrame([good | wrong], schema=schema).with_columns(
            pl.col("time").cast(pl.Datetime("us", "UTC"))
        )
        with pytest.raises(InputError, match="a payment lacks"):
            make_flows(frame, TOKEN)


def test_payments_of_nobody_are_no_error() -> None:
    read = flows(ON.ledger([]))
    assert len(read) == 0
    assert cw.alerts(ON.ledger([]), TOKEN).frame.is_empty()
