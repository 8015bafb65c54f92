"""Seizure orders expire or turn into forfeitures, and what had been ordered by a day is found."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.roles import role_of
from chainwatch.errors import TagError
from chainwatch.results.roles import FINDING

ONE, TWO, THREE = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in (1, 2, 3))
TRON = canonical.text(b"\x11" + bytes(20), "tron")

TABLE = f"""\
chain,address,order,updated,valid_until,forfeited_by,forfeited_on
btc,{ONE},44/21,2021-07-01,2023-06-30,,
btc,{TWO},44/21,2021-07-01,,15/22,2022-03-07
tron,{TRON},15/22,2022-03-07,,42/22,
btc,{THREE},15/22,,,,
btc,nothing,15/22,2022-03-07,,,
btc,{THREE},,2022-03-07,,,
xmr,4abc,15/22,2022-03-07,,,
btc,{THREE},16/22,soon,,,
btc,{THREE},17/22,2022-03-07,2021-01-01,,
"""


def orders(tmp_path: Path, text: str = TABLE, **how: object) -> cw.Tags:
    path = tmp_path / "orders.csv"
    path.write_text(text)
    return cw.read_seizures(path, publisher="An authority", as_of="2024-01-31", **how)  # type: ignore[arg-type]


def said(tags: cw.Tags) -> list[str]:
    return sorted(label.removesuffix(", An authority") for label in tags.frame["label"])


def test_an_order_is_a_tag_with_its_days(tmp_path: Path) -> None:
    tags = orders(tmp_path)
    row = tags.of(ONE, "btc").row(0, named=True)
    assert row == {
        "chain": cw.chain("btc").id, "address": canonical.parse(ONE, "btc"),
        "label": "seizure order 44/21, An authority", "concept": "seizure_order", "actor": None,
        "source": "An authority", "confidence": "authority_data", "level": 60, "first_day": None,
        "last_day": date(2023, 6, 30), "as_of": date(2021, 7, 1), "pack": "orders.csv",
        "definer": None, "context": '{"order": "44/21"}',
    }  # fmt: skip
    assert {role_of(one) for one in tags.frame["concept"]} == {FINDING}
    reasons = tags.rejected.select("position", "reason").rows()
    assert [place for place, _ in reasons] == ["line 6", "line 7", "line 8", "line 9"]
    assert "not an address of Bitcoin" in reasons[0][1]
    assert reasons[1][1].startswith("no order is stated")
    assert reasons[2][1] == "network 'xmr' is not supported."
    assert reasons[3][1].startswith("updated 'soon' is no date")


def test_an_order_expires(tmp_path: Path) -> None:
    tags = orders(tmp_path).where(chain="btc")
    held = tags.on("2023-06-30").of(ONE, "btc")
    assert held["concept"].to_list() == ["seizure_order"]
    assert tags.on("2023-07-01").of(ONE, "btc").is_empty()


def test_an_order_turns_into_a_forfeiture_on_its_day(tmp_path: Path) -> None:
    tags = orders(tmp_path)
    before, after = (tags.on(day).of(TWO, "btc") for day in ("2022-03-06", "2022-03-07"))
    assert before["concept"].to_list() == ["seizure_order"]
    assert after["concept"].to_list() == ["forfeiture"]
    assert after["first_day"].to_list() == [date(2022, 3, 7)]


def test_a_forfeiture_whose_day_is_not_told_is_undated(tmp_path: Path) -> None:
    """Since when it holds is not known, so both are said of every day."""
    rows = orders(tmp_path).of(TRON, "tron")
    assert sorted(rows["concept"]) == ["forfeiture", "seizure_order"]
    assert rows["first_day"].to_list() == rows["last_day"].to_list() == [None, None]
    contexts = dict(rows.select("concept", "context").iter_rows())
    assert contexts["forfeiture"] == '{"order": "15/22", "forfeited_by": "42/22"}'


def test_what_had_been_ordered_by_a_day(tmp_path: Path) -> None:
    tags = orders(tmp_path)
    assert said(tags.as_of("2021-06-30")) == []
    assert said(tags.as_of("2021-07-01")) == ["seizure order 44/21"] * 2
    early = tags.as_of("2022-03-06").of(TWO, "btc").row(0, named=True)
    assert (early["concept"], early["last_day"]) == ("seizure_order", None)
    assert early["as_of"] == date(2021, 7, 1)
    late = tags.as_of("2022-03-07").of(TWO, "btc")
    assert sorted(late["concept"]) == ["forfeiture", "seizure_order"]
    assert said(tags.as_of("2024-01-30")).count("seizure order 15/22") == 1
    assert tags.as_of("2024-01-31").frame.equals(tags.frame)


def test_columns_by_other_names_and_one_chain(tmp_path: Path) -> None:
    tags = orders(
        tmp_path, f"wallet;no;day\n{ONE};7/20;2020-01-02\n", chain="btc",
        columns={"address": "wallet", "order": "no", "updated": "day"},
    )  # fmt: skip
    assert said(tags) == ["seizure order 7/20"]


@pytest.mark.parametrize(
    ("table", "columns", "sentence"),
    [
        ("address,order\n", None, r"no column says the chain; the columns are address, order"),
        ("chain,order\n", None, r"no column says the address; .* name it, as columns="),
        ("chain,address,order\n", {"order": "no"}, "no column says the order"),
        ("chain,address,order\n", {"number": "order"}, "an order has no field 'number'"),
    ],
)
def test_what_is_no_list_of_orders_says_so(
    tmp_path: Path, table: str, columns: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(TagError, match=sentence):
        orders(tmp_path, table, columns=columns)


def test_no_publisher_no_day_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(TABLE)
    with pytest.raises(TagError, match="orders without their publisher"):
        cw.read_seizures(tmp_path / "x.csv", publisher=" ", as_of="2024-01-31")
    with pytest.raises(TagError, match="'May' is no day"):
        cw.read_seizures(tmp_path / "x.csv", publisher="A", as_of="May")
    with pytest.raises(TagError, match="there is no such file"):
        cw.read_seizures(tmp_path / "y.csv", publisher="A", as_of="2024-01-31")


def concepts(tags: cw.Tags) -> list[str]:
    return sorted(tags.frame["concept"])


@pytest.mark.parametrize("days", [",", "2023-06-01,", ",2022-01-01", "2022-01-01,2022-01-01"])
def test_what_was_forfeited_stood_the_day_before(tmp_path: Path, days: str) -> None:
    """Also where only the list tells it, or its last version is younger than the forfeiture."""
    head = "address,order,updated,first_day,forfeited_by,forfeited_on\n"
    tags = orders(tmp_path, f"{head}{ONE},O1,{days},F1,2022-03-10\n", chain="btc")
    assert concepts(tags.as_of("2022-03-09")) == ["seizure_order"]
    assert tags.as_of("2022-03-09").frame["last_day"].to_list() == [None]
    assert concepts(tags.as_of("2022-03-10")) == ["forfeiture", "seizure_order"]
    assert concepts(tags) == ["forfeiture", "seizure_order"]


def test_what_expired_had_been_made_by_its_last_day(tmp_path: Path) -> None:
    tags = orders(tmp_path, f"address,order,valid_until\n{ONE},O1,2023-06-30\n", chain="btc")
    assert concepts(tags.as_of("2023-06-30")) == ["seizure_order"]
    assert concepts(tags.as_of("2023-06-29")) == []


def test_what_is_forfeited_on_its_first_day_held_on_none(tmp_path: Path) -> None:
    head = "address,order,first_day,forfeited_by,forfeited_on\n"
    tags = orders(tmp_path, f"{head}{ONE},O1,2022-03-10,F1,2022-03-10\n", chain="btc")
    assert concepts(tags) == ["forfeiture"]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ("2024-02-01,,", "updated 2024-02-01 is after 2024-01-31, the day of the list"),
        (",F1,2031-01-01", "forfeited_on 2031-01-01 is after 2024-01-31, the day of the list"),
    ],
)
def test_a_list_does_not_tell_what_was_after_its_day(
    tmp_path: Path, days: str, reason: str
) -> None:
    head = "address,order,updated,forfeited_by,forfeited_on\n"
    tags = orders(tmp_path, f"{head}{ONE},O1,{days}\n{TWO},O2,2024-01-31,,\n", chain="btc")
    assert said(tags) == ["seizure order O2"]
    assert tags.rejected["position"].to_list() == ["line 2"]
    assert tags.rejected["reason"].to_list()[0].startswith(reason)
