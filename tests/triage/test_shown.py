"""Tables as an edition shows them: what stands beside a masked party is rounded or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from chainwatch.addresses import parse, text
from chainwatch.assets import Asset
from chainwatch.chains import chain
from chainwatch.errors import InputError
from chainwatch.triage.privacy import DISCLOSURE, SERVICE, SUBJECT, WORKING, Edition
from chainwatch.triage.shown import parties, shown_tables, transactions_of_masked
from chainwatch.units import AMOUNT

TRON = chain("tron").id
USDT = Asset(TRON, None, "USDT", 6)
SHOWN, HOST, ONE, TWO = (
    parse(word, "tron")
    for word in (
        "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC",
        "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt",
        "TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk",
        "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq",
    )
)
KEY = bytes(range(16))
TIME = datetime(2022, 3, 7, 12, 30, 1, 500_000, tzinfo=UTC)
ROLES = {(TRON, SHOWN): SUBJECT, (TRON, HOST): SERVICE}
ID, OTHER_ID = bytes([1]) * 32, bytes([2]) * 32


@dataclass(frozen=True)
class Table:
    """A result with one table."""

    frame: pl.DataFrame
    asset: Asset = USDT
    name: str = "payments"

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        return {self.name: (self.frame, ())}


def payments(*rows: tuple[object, ...]) -> Table:
    schema = {
        "subject": pl.Binary,
        "counterparty": pl.Binary,
        "txid": pl.Binary,
        "n": pl.Int64,
        "time": pl.Datetime("us", "UTC"),
        "amount": AMOUNT,
        "payments": pl.Int64,
        "label": pl.String,
        "evidence": pl.String,
    }
    return Table(pl.DataFrame(rows, schema=schema, orient="row"))


def row(other: bytes, txid: bytes = ID) -> tuple[object, ...]:
    return (SHOWN, other, txid, 7, TIME, Decimal(15_193), 7, "Jane's shop", "saw it")


def edition(name: str = DISCLOSURE, result: Table | None = None) -> Edition:
    plain = Edition(name, KEY, ROLES)
    withheld = transactions_of_masked([result], plain) if result else frozenset()
    return Edition(name, KEY, ROLES, withheld)


def shown(result: Table, name: str = DISCLOSURE) -> list[dict[str, object]]:
    return shown_tables(result, edition(name, result))[result.name].to_dicts()


def test_the_working_edition_shows_everything() -> None:
    (found,) = shown(payments(row(ONE)), WORKING)
    assert found == {
        "subject": text(SHOWN, TRON),
        "counterparty": text(ONE, TRON),
        "txid": ID.hex(),
        "n": 7,
        "time": "2022-03-07T12:30:01.5Z",
        "amount": Decimal(15_193),
        "payments": "7",
        "label": "Jane's shop",
        "evidence": "saw it",
    }


def test_beside_a_masked_party_everything_is_rounded_or_withheld() -> None:
    (found,) = shown(payments(row(ONE)))
    assert found == {
        "subject": text(SHOWN, TRON),
        "counterparty": edition().pseudonym(TRON, ONE),
        "txid": "withheld",
        "n": None,
        "time": "2022-03",
        "amount": Decimal(20_000),
        "payments": "6-20",
        "label": "withheld",
        "evidence": "withheld",
        "rounded": True,
    }


def test_between_parties_who_are_shown_all_is_exact() -> None:
    (found,) = shown(payments(row(HOST)))
    assert found["txid"] == ID.hex()
    assert found["amount"] == Decimal(15_193)
    assert found["label"] == "Jane's shop"
    assert found["rounded"] is False


def test_a_transaction_of_a_masked_party_is_withheld_in_every_row() -> None:
    found = shown(payments(row(HOST), row(ONE), row(HOST, OTHER_ID)))
    by_host = [item for item in found if item["counterparty"] == text(HOST, TRON)]
    withheld = [item for item in by_host if item["txid"] == "withheld"]
    assert len(by_host) == 2
    assert len(withheld) == 1
    assert withheld[0]["amount"] == Decimal(20_000)
    assert withheld[0]["time"] == "2022-03"
    # The text speaks of a party who is shown; what led to it may not be told.
    assert withheld[0]["label"] == "Jane's shop"
    assert withheld[0]["evidence"] == "withheld"


def test_withheld_in_one_result_is_withheld_in_another() -> None:
    masked, plain = payments(row(ONE)), payments(row(HOST))
    edition_ = Edition(DISCLOSURE, KEY, ROLES)
    both = Edition(DISCLOSURE, KEY, ROLES, transactions_of_masked([masked, plain], edition_))
    (found,) = shown_tables(plain, both)["payments"].to_dicts()
    assert found["txid"] == "withheld"


def test_rows_of_masked_parties_alone_are_left_out() -> None:
    frame = pl.DataFrame({"a": [ONE, SHOWN], "b": [TWO, ONE]})
    assert shown(Table(frame)) == [
        {
            "a": text(SHOWN, TRON),
            "b": edition().pseudonym(TRON, ONE),
            "rounded": True,
        }
    ]
    assert len(shown(Table(frame), WORKING)) == 2


def test_the_order_of_rows_tells_nothing() -> None:
    rows = [row(ONE), row(TWO), row(HOST)]
    assert shown(payments(*rows)) == shown(payments(*rows[::-1]))
    kept = shown(payments(*rows[::-1]), WORKING)
    assert [item["counterparty"] for item in kept] == [
        text(item, TRON) for item in (HOST, TWO, ONE)
    ]


def test_times_of_one_payment_out_of_several_are_months() -> None:
    frame = pl.DataFrame({"service": ["x"], "first": [TIME], "last": [TIME]})
    assert shown(Table(frame)) == [{"service": "x", "first": "2022-03", "last": "2022-03"}]
    assert shown(Table(frame), WORKING)[0]["first"] == "2022-03-07T12:30:01.5Z"


def test_what_was_not_taken_is_withheld() -> None:
    frame = pl.DataFrame(
        {"file": ["x.txt"], "position": ["line 1"], "text": ["a"], "reason": ["b"]}
    )
    (found,) = shown(Table(frame, name="rejected"))
    assert found == {
        "file": "x.txt",
        "position": "line 1",
        "text": "withheld",
        "reason": "withheld",
    }
    assert shown(Table(frame, name="rejected"), WORKING)[0]["text"] == "a"


def test_digests_of_what_was_read_are_keyed() -> None:
    frame = pl.DataFrame({"request": ["x.csv"], "sha256": ["ab" * 32]})
    assert "ab" * 32 not in str(shown(Table(frame)))
    assert shown(Table(frame), WORKING)[0]["sha256"] == "sha256:" + "ab" * 32


def test_contracts_are_nobodys_wallet() -> None:
    frame = pl.DataFrame({"contract": [ONE, None]})
    assert {item["contract"] for item in shown(Table(frame))} == {text(ONE, TRON), None}


def test_bytes_of_unknown_meaning_are_refused() -> None:
    with pytest.raises(InputError, match="secret holds bytes"):
        shown(Table(pl.DataFrame({"secret": [b"x"]})))


def test_parties_are_found_in_every_column() -> None:
    frame = pl.DataFrame({"sender": [ONE], "receiver": [SHOWN], "label": ["x"]})
    assert parties(Table(frame)) == {(TRON, ONE), (TRON, SHOWN)}


def test_amounts_of_128_bits_stay_exact() -> None:
    frame = pl.DataFrame({"amount": [10**37 + 1]}, schema={"amount": AMOUNT})
    assert shown(Table(frame))[0]["amount"] == Decimal(10**37 + 1)
