"""``alerts``: its arguments, its tables, who is masked in them, and what a report says of them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from account_chains import HOUR, Accounts

import chainwatch as cw
from chainwatch import typologies as typ
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.mask import shown_tables

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
FAN = [(f"p{n}>hub:{1_000_000 + 137 * n}", n * HOUR) for n in range(6)]
SMALL = typ.fan_in(senders=3)


def asked(payments: list[Any] = FAN, one: Any = SMALL, **more: Any) -> cw.Alerts:
    return cw.alerts(ON.ledger(payments), TOKEN, [one], **more)


def subjects(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"chain": [ON.chain] * len(names), "address": [ON(one) for one in names]})


def test_who_is_no_subject_stays_masked_with_all_that_is_told_of_him() -> None:
    edition, tables = shown_tables(asked())
    assert edition == "disclosure"
    assert tables["alerts"].is_empty()
    assert tables["evidence"].is_empty()
    assert tables["judged"].height


def test_few_parties_behind_an_alert_are_rounded_and_its_sentence_withheld(tmp_path: Any) -> None:
    """Three who are masked paid: the sum, the count and the sentence would tell of them."""
    for count, exact in ((3, False), (6, True)):
        ledger = ON.ledger(FAN[:count])
        case = cw.Case("fan", "Who?", mask_key=bytes(16)).add(
            cw.alerts(ledger, TOKEN, [SMALL]), cw.counterparties(ledger, [ON("hub")], asset=TOKEN)
        )
        case.write(tmp_path / str(count))
        tables = tmp_path / str(count) / "tables"
        (row,) = pl.read_csv(tables / "alerts.csv", infer_schema=False).to_dicts()
        assert row["entity"] == text(ON("hub"), "eth")
        paid = sum(int(one.partition(":")[2]) for one, _ in FAN[:count])
        assert (row["amount"] == str(paid)) is exact
        assert (row["why"] != "withheld") is exact
        told = (tables / "evidence.csv").read_text()
        for n in range(count):
            assert text(ON(f"p{n}"), "eth") not in told
            assert str(1_000_000 + 137 * n) not in told or not n
        assert ON.txid(1).hex() not in told


def test_a_report_tells_of_subjects_alone_and_of_their_other_addresses() -> None:
    class Owners:
        frame = pl.DataFrame({
            "chain": [ON.chain] * 2, "address": [ON("hub"), ON("zzz")], "cluster": [ON("hub")] * 2,
        })  # fmt: skip

    (one,) = asked(clusters=Owners()).findings(subjects("zzz"))
    assert one.frame["entity"].to_list() == [ON("hub")]
    assert one.innocent == (SMALL.benign,)
    assert "1 shape that lawful business has too was found" in one.headline
    (none,) = asked().findings(subjects("p1"))
    assert none.frame.is_empty()
    assert "0 shapes" in none.headline
    assert "proves nothing" in none.text[1]


def test_an_alert_names_the_service_whose_wallet_it_is() -> None:
    paid = [("a>b:100", 0), ("b>c:90", 5), ("c>a:80", 9)]
    found = asked(paid, typ.cycle(), tags=ON.tags(("a", "kelp", "vendor")))
    assert found.frame["service"].to_list() == ["kelp"]
    left = asked(paid, typ.cycle(), tags=ON.tags(("a", "shop", "exchange")))
    assert left.frame.is_empty()
    assert left.judged.filter(typology="cycle")["count"].sum() == 1


def test_evidence_is_given_by_number_and_others_are_refused() -> None:
    found = asked()
    assert found.of(1).height == 6
    with pytest.raises(InputError, match="no alert 2; give a number from 1 to 1"):
        found.of(2)


def test_an_alert_is_reported_where_its_last_payment_lies() -> None:
    late = "2023-06-01T05:00"
    assert asked(since=late).frame.height == 1
    assert asked(until=late).frame.height == 0
    assert asked(until="2023-06-01T05:00:01").frame.height == 1
    ledger = ON.ledger(FAN).between("2023-06-01T05:00", "2023-06-02")
    assert cw.alerts(ledger, TOKEN, [SMALL]).frame["payments"].to_list() == [6]


def test_the_asset_is_the_coin_of_the_one_chain() -> None:
    coins = [(one, minute, {"coin": True}) for one, minute in FAN]
    assert cw.alerts(ON.ledger(coins), typologies=[SMALL]).asset == native("eth")
    with pytest.raises(InputError, match="of 0 chains, and no asset is named"):
        cw.alerts(Ledger.from_tables({}))
    with pytest.raises(InputError, match="a token of a coin chain"):
        cw.alerts(Ledger.from_tables({}), Asset(native("btc").chain, ON("token"), "TOK", 6))


@pytest.mark.parametrize("name", ["clusters", "tags", "prices"])
def test_what_is_no_such_thing_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        cw.alerts(ON.ledger(FAN), TOKEN, **{name: "x"})


def test_the_module_offers_its_typologies_and_nothing_else() -> None:
    assert "structuring" in dir(typ)
    with pytest.raises(AttributeError, match="no attribute 'luck'"):
        _ = typ.luck
    assert repr(typ.cycle(longest=4)).startswith("cycle(shortest=3, longest=4")


def test_the_same_call_gives_the_same_digest() -> None:
    assert asked().digest == asked().digest != asked(FAN[1:]).digest
    assert "fan_in(senders=3" in asked().lineage()
