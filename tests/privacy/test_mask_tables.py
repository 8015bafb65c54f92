"""Tables as an edition shows them: what stands beside a masked party is rounded or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse, text
from chainwatch.attribution.rejections import REJECTED
from chainwatch.case.recipes.run import READ
from chainwatch.chains.catalogue import chain
from chainwatch.errors import InputError
from chainwatch.heuristics.links import LINKS
from chainwatch.ledger.schema import OUTPUTS, TRANSFERS
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.mask_rows import parties, transactions_of_masked
from chainwatch.privacy.mask_tables import mask_tables
from chainwatch.results.result import Result
from chainwatch.results.roles import SERVICE, SUBJECT
from chainwatch.results.table import BEHIND, Column, Privacy, Rows
from chainwatch.results.table import Table as Declaration
from chainwatch.tracing.custody.tables import HOSTED_ADDRESSES
from chainwatch.tracing.direct_tables import BY_COLUMNS, PAYMENTS
from chainwatch.tracing.trace_tables import STEPS
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


DECLARED = {
    column.name: column
    for table in (STEPS, TRANSFERS, LINKS, HOSTED_ADDRESSES, BY_COLUMNS, PAYMENTS, READ)
    for column in table.columns
}
"""Columns as the package declares them, by name."""


@dataclass(frozen=True, repr=False, eq=False)
class Table(Result):
    """A result with one table."""

    frame: pl.DataFrame
    asset: Asset = USDT
    name: str = "payments"
    declared: Mapping[str, Column] = field(default_factory=lambda: DECLARED)

    def tables(self) -> Mapping[str, Rows]:
        columns = [self.declared[name] for name in self.frame.columns if name in self.declared]
        return {self.name: Declaration(self.name, (), "", tuple(columns)).rows(self.frame)}


NOT_TAKEN = {column.name: column for column in REJECTED.columns}


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
    withheld = transactions_of_masked([result], plain) if result else {}
    return Edition(name, KEY, ROLES, withheld)


def shown(result: Table, name: str = DISCLOSURE) -> list[dict[str, object]]:
    return mask_tables(result, edition(name, result))[result.name].frame.to_dicts()


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
        "summed": None,
    }


def test_between_parties_who_are_shown_all_is_exact() -> None:
    (found,) = shown(payments(row(HOST)))
    assert found["txid"] == ID.hex()
    assert found["amount"] == Decimal(15_193)
    assert found["label"] == "Jane's shop"
    assert found["rounded"] is False


def test_a_transaction_of_a_masked_party_is_told_in_no_row() -> None:
    found = shown(payments(row(HOST), row(ONE), row(HOST, OTHER_ID)))
    by_host = [item for item in found if item["counterparty"] == text(HOST, TRON)]
    (withheld,) = [item for item in by_host if item["txid"] != OTHER_ID.hex()]
    assert len(by_host) == 2
    assert withheld["amount"] == Decimal(20_000)
    assert (withheld["txid"], withheld["time"], withheld["summed"]) == ("withheld", None, "1")


def test_withheld_in_one_result_is_withheld_in_another() -> None:
    masked, plain = payments(row(ONE)), payments(row(HOST))
    edition_ = Edition(DISCLOSURE, KEY, ROLES)
    withheld = transactions_of_masked([masked, plain], edition_)
    assert withheld == {(TRON, ID): frozenset({ONE})}
    (found,) = mask_tables(plain, Edition(DISCLOSURE, KEY, ROLES, withheld))[
        "payments"
    ].frame.to_dicts()
    assert (found["txid"], found["amount"]) == ("withheld", Decimal(20_000))


def test_rows_that_are_left_out_withhold_their_transactions() -> None:
    frame = pl.DataFrame({"sender": [ONE], "receiver": [TWO], "txid": [ID]})
    strangers = Table(frame, name="strangers")
    plain = Edition(DISCLOSURE, KEY, ROLES)
    assert mask_tables(strangers, plain)["strangers"].frame.height == 0
    assert transactions_of_masked([strangers], plain) == {(TRON, ID): frozenset({ONE, TWO})}


def crowd(count: int) -> list[bytes]:
    return [ONE[:1] + bytes([number]) * 20 for number in range(1, count + 1)]


def pooled(result: Table, *parties_: bytes) -> list[dict[str, object]]:
    """Return a table in an edition in which all its masked parties share the common word."""
    plain = edition(DISCLOSURE, result)
    names = frozenset(plain.pseudonym(TRON, item) for item in parties_)
    return mask_tables(result, replace(plain, pooled=names))[result.name].frame.to_dicts()


def test_rows_of_the_masked_are_added_up() -> None:
    others = crowd(5)
    rows = [row(other, bytes([number]) * 32) for number, other in enumerate(others)]
    (found,) = pooled(payments(*rows), *others)
    assert found["counterparty"] == "masked"
    assert found["amount"] == Decimal(5 * 15_193)
    assert (found["payments"], found["summed"]) == ("21-100", "2-5")
    assert (found["txid"], found["rounded"]) == ("withheld", False)


def test_a_sum_over_too_few_is_rounded() -> None:
    others = crowd(4)
    rows = [row(other, bytes([number]) * 32) for number, other in enumerate(others)]
    (found,) = pooled(payments(*rows), *others)
    assert found["amount"] == Decimal(60_000)
    assert (found["time"], found["rounded"]) == (None, True)


def test_small_crowds_are_taken_together_and_hide_behind_a_larger_one() -> None:
    others = crowd(7)
    rows = [row(other, bytes([number]) * 32) for number, other in enumerate(others)]
    rows[:2] = [(HOST, *item[1:]) for item in rows[:2]]
    (found,) = pooled(payments(*rows), *others)  # five by one subject and two by another
    assert (found["subject"], found["counterparty"]) == ("several", "masked")
    assert (found["amount"], found["rounded"]) == (Decimal(7 * 15_193), False)


def test_many_parties_of_one_transaction_are_no_crowd() -> None:
    mix = payments(row(HOST))
    edition_ = Edition(DISCLOSURE, KEY, ROLES, {(TRON, ID): frozenset(crowd(9))})
    (found,) = mask_tables(mix, edition_)["payments"].frame.to_dicts()
    assert (found["amount"], found["rounded"]) == (Decimal(20_000), True)


def groups(*counts: int) -> Table:
    """Return groups with so many masked parties each, no two of them sharing one."""
    names = iter(crowd(sum(counts)))
    behind = [",".join(next(names).hex() for _ in range(count)) for count in counts]
    frame = pl.DataFrame(
        {
            "direction": ["in"] * len(counts),
            "service": ["untagged"] * len(counts),
            "payments": [9] * len(counts),
            "amount": [15_193] * len(counts),
            BEHIND.name: [SHOWN.hex() + "," + item if item else SHOWN.hex() for item in behind],
        },
        schema_overrides={"amount": AMOUNT},
    )
    return Table(frame)


@pytest.mark.parametrize(
    ("counts", "exact"),
    [((0,), 1), ((5,), 1), ((1,), 0), ((4,), 0), ((0, 1, 4, 8), 2), ((1, 5, 8), 1), ((1, 4, 5), 1)],
)
def test_groups_of_too_few_are_rounded(counts: tuple[int, ...], exact: int) -> None:
    found = shown(groups(*counts))
    assert BEHIND.name not in found[0]
    assert sum(item["amount"] == Decimal(15_193) for item in found) == exact
    assert {(item["rounded"], item["payments"], str(item["amount"])) for item in found} <= {
        (False, "9", "15193"),
        (True, "6-20", "20000"),
    }
    assert {item["service"] for item in found} == {"untagged"}
    assert {item["payments"] for item in shown(groups(*counts), WORKING)} == {"9"}
    assert BEHIND.name not in shown(groups(*counts), WORKING)[0]


def test_rows_of_masked_parties_alone_are_left_out() -> None:
    frame = pl.DataFrame({"a": [ONE, SHOWN], "b": [TWO, ONE]})
    assert shown(Table(frame)) == [
        {
            "a": text(SHOWN, TRON),
            "b": edition().pseudonym(TRON, ONE),
            "rounded": True,
            "summed": None,
        }
    ]
    assert mask_tables(Table(frame), edition())["payments"].left_out == 1
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
    (found,) = shown(Table(frame, name="rejected", declared=NOT_TAKEN))
    assert found == {
        "file": "x.txt",
        "position": "line 1",
        "text": "withheld",
        "reason": "withheld",
    }
    assert shown(Table(frame, name="rejected", declared=NOT_TAKEN), WORKING)[0]["text"] == "a"


def test_digests_of_what_was_read_are_keyed() -> None:
    frame = pl.DataFrame({"request": ["x.csv"], "digest": ["ab" * 32]})
    assert "ab" * 32 not in str(shown(Table(frame)))
    assert shown(Table(frame), WORKING)[0]["digest"] == "sha256:" + "ab" * 32


def test_contracts_are_nobodys_wallet() -> None:
    frame = pl.DataFrame({"contract": [ONE, None]})
    assert {item["contract"] for item in shown(Table(frame))} == {text(ONE, TRON), None}


def test_a_column_that_nobody_declared_is_never_shown() -> None:
    with pytest.raises(InputError, match="'secret' of table 'payments' is not declared"):
        shown(Table(pl.DataFrame({"secret": [b"x"]})))


def test_bytes_that_anybody_may_have_written_are_withheld_like_texts() -> None:
    texts = DECLARED | {"script": OUTPUTS["script"]}
    frame = pl.DataFrame(
        {"sender": [ONE, HOST], "receiver": [SHOWN, SHOWN], "script": [b"x", b"y"]}
    )
    found = shown(Table(frame, declared=texts))
    assert {item["script"] for item in found} == {"withheld", "79"}


def test_parties_are_found_in_every_column() -> None:
    frame = pl.DataFrame({"sender": [ONE], "receiver": [SHOWN], "label": ["x"]})
    assert parties(Table(frame)) == {(TRON, ONE), (TRON, SHOWN)}


def test_amounts_of_128_bits_stay_exact() -> None:
    frame = pl.DataFrame({"amount": [10**37 + 1]}, schema={"amount": AMOUNT})
    assert shown(Table(frame))[0]["amount"] == Decimal(10**37 + 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("amount_hex", "0xc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"),
        ("token_id", "70461"),
        ("trace_path", "0.2.1"),
        ("status", "ticket 4711"),
    ],
)
def test_a_text_that_is_not_our_own_is_withheld_beside_the_masked(name: str, said: str) -> None:
    named = pl.lit(said).alias(name)
    table = Table(pl.DataFrame({"sender": [ONE], "receiver": [SHOWN]}).with_columns(named))
    reader = Edition(DISCLOSURE, KEY, ROLES)
    assert said not in str(mask_tables(table, reader)["payments"].frame.rows())
    whole = Table(pl.DataFrame({"sender": [HOST], "receiver": [SHOWN]}).with_columns(named))
    assert mask_tables(whole, reader)["payments"].frame[name].to_list() == [said]


def test_one_digit_of_a_share_is_left_as_of_an_amount() -> None:
    """A decimal with places keeps its size: 35 per cent are not none."""
    share = Column("share", pl.Decimal(12, 9), Privacy.NUMBER, "a share")
    frame = pl.DataFrame(
        {"sender": [ONE], "receiver": [SHOWN], "share": [Decimal("0.354000000")]},
        schema={"sender": pl.Binary, "receiver": pl.Binary, "share": pl.Decimal(12, 9)},
    )
    found = shown(Table(frame, declared={**DECLARED, "share": share}))
    assert found[0]["share"] == Decimal("0.4")
    wide = Column("worth", pl.Decimal(38, 2), Privacy.NUMBER, "worth")
    frame = pl.DataFrame(
        {"sender": [ONE], "receiver": [SHOWN], "worth": [Decimal("7" * 36 + ".25")]},
        schema={"sender": pl.Binary, "receiver": pl.Binary, "worth": pl.Decimal(38, 2)},
    )
    found = shown(Table(frame, declared={**DECLARED, "worth": wide}))
    assert found[0]["worth"] == Decimal(8 * 10**35)
