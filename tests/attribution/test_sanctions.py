"""Lists of designations carry their day and no more; a payment's sentence says what is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from chainwatch.addresses import canonical
from chainwatch.attribution.sanctions import read_sanctions, statement
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError, TagError

AS_OF = date(2024, 9, 27)
BTC = canonical.text(b"\x01" + bytes(20), "btc")
ETH = canonical.text(b"\x10" + bytes(20), "eth")
TRON = canonical.text(b"\x11" + bytes(20), "tron")


def lists(folder: Path, **content: str) -> Path:
    folder.mkdir(exist_ok=True)
    for asset, lines in content.items():
        (folder / f"sanctioned_addresses_{asset}.txt").write_text(lines)
    return folder


def test_a_folder_of_lists(tmp_path: Path) -> None:
    folder = lists(
        tmp_path / "lists", XBT=f"{BTC}\n", USDT=f"{ETH}\n{TRON}\n{BTC}\n", BSC=f"{ETH}\n"
    )
    (folder / "README.txt").write_text("about")
    read = read_sanctions(folder, publisher="OFAC", as_of=AS_OF)
    assert set(read.frame["chain"]) == {chain(name).id for name in ("btc", "eth", "tron")}
    row = read.where(chain="btc").frame.row(0, named=True)
    assert row == {
        "chain": chain("btc").id,
        "address": b"\x01" + bytes(20),
        "label": "OFAC sanctions list",
        "concept": "sanction",
        "actor": None,
        "source": "OFAC",
        "confidence": "authority_data",
        "level": 60,
        "first_day": None,
        "last_day": None,
        "as_of": AS_OF,
        "pack": "sanctioned_addresses_XBT.txt",
        "definer": None,
        "context": None,
    }
    reasons = {(row[0], row[1]): row[3] for row in read.rejected.rows()}
    assert reasons == {
        ("README.txt", ""): "file not read: its name ends in no asset code",
        ("sanctioned_addresses_BSC.txt", "line 1"): "network 'BSC' is not supported",
        ("sanctioned_addresses_USDT.txt", "line 3"): (
            "USDT without a network, and the address has the form of neither ETH nor TRX"
        ),
    }
    assert read.record is not None
    assert read.record.params["publisher"] == "OFAC"


def test_one_list_or_several_and_a_label(tmp_path: Path) -> None:
    folder = lists(tmp_path / "lists", XBT=BTC, TRX=TRON)
    files = sorted(folder.iterdir())
    read = read_sanctions(files, publisher="OFAC", as_of=AS_OF, label="SDN")
    assert read.frame["label"].to_list() == ["SDN", "SDN"]
    assert len(read_sanctions(files[0], publisher="OFAC", as_of=AS_OF)) == 1


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="there is no such list"):
        read_sanctions(tmp_path / "x_XBT.txt", publisher="OFAC", as_of=AS_OF)
    with pytest.raises(TagError, match="the folder holds no list"):
        read_sanctions(tmp_path, publisher="OFAC", as_of=AS_OF)
    with pytest.raises(TagError, match="a list without its publisher"):
        read_sanctions(tmp_path, publisher=" ", as_of=AS_OF)
    (tmp_path / "list.txt").write_text(BTC)
    with pytest.raises(TagError, match="a list without its chain"):
        read_sanctions(tmp_path / "list.txt", publisher="OFAC", as_of=AS_OF)


@pytest.mark.parametrize("day", ["2024-09-27", datetime(2024, 9, 27, 12, tzinfo=UTC)])
def test_the_day_may_be_a_text_or_a_time(tmp_path: Path, day: Any) -> None:
    folder = lists(tmp_path / "lists", XBT=BTC)
    read = read_sanctions(folder, publisher="OFAC", as_of=day)
    assert read.frame["as_of"].to_list() == [AS_OF]


@pytest.mark.parametrize(
    ("day", "error", "words"),
    [
        ("27.9.2024", TagError, "'27.9.2024' is no day; write it as YYYY-MM-DD"),
        ("", TagError, "'' is no day"),
        (20240927, ArgumentError, "a day is a whole number; write it as YYYY-MM-DD"),
        (None, ArgumentError, "a day is None"),
    ],
)
def test_what_is_no_day_is_refused(
    tmp_path: Path, day: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_sanctions(lists(tmp_path / "lists", XBT=BTC), publisher="OFAC", as_of=day)


def row(concept: str | None, **days: date | None) -> dict[str, Any]:
    return {"concept": concept, "first_day": None, "last_day": None, "as_of": None, **days}


FIRST, LAST = date(2018, 11, 28), date(2022, 1, 1)

SENTENCES = [
    (
        row("sanction", as_of=AS_OF), date(2019, 5, 2),
        "listed as of 2024-09-27; designation date unknown; payment 2019-05-02",
    ),
    (
        row("sanction"), date(2019, 5, 2),
        "listed, on a day not stated; designation date unknown; payment 2019-05-02",
    ),
    (
        row("sanction", first_day=FIRST, as_of=AS_OF), date(2019, 5, 2),
        "designated 2018-11-28; payment 2019-05-02 (after designation)",
    ),
    (
        row("sanction", first_day=FIRST), date(2018, 11, 27),
        "designated 2018-11-28; payment 2018-11-27"
        " (before designation: not a payment to a listed party)",
    ),
    (
        row("sanction", first_day=FIRST), FIRST,
        "designated 2018-11-28; payment 2018-11-28"
        " (on the day of designation: before or after is not known)",
    ),
    (
        row("sanction", first_day=FIRST, last_day=LAST), date(2022, 1, 2),
        "designated 2018-11-28; listed until 2022-01-01; payment 2022-01-02"
        " (after delisting: not a payment to a listed party)",
    ),
    (
        row("sanction", first_day=FIRST, last_day=LAST), LAST,
        "designated 2018-11-28; listed until 2022-01-01; payment 2022-01-01 (after designation)",
    ),
    (
        row("sanction", last_day=LAST, as_of=FIRST), date(2022, 1, 2),
        "listed as of 2018-11-28; designation date unknown; listed until 2022-01-01;"
        " payment 2022-01-02 (after delisting: not a payment to a listed party)",
    ),
    (
        row("market", as_of=AS_OF), date(2019, 5, 2),
        "tagged as of 2024-09-27; first valid day unknown; payment 2019-05-02",
    ),
    (
        row(None, first_day=FIRST), date(2018, 1, 1),
        "holds from 2018-11-28; payment 2018-01-01 (before its first valid day: it did not hold)",
    ),
    (
        row("market", first_day=FIRST, last_day=LAST), date(2019, 5, 2),
        "holds from 2018-11-28; holds until 2022-01-01; payment 2019-05-02 (held)",
    ),
    (
        row("market", last_day=LAST), date(2023, 1, 1),
        "tagged, on a day not stated; first valid day unknown; holds until 2022-01-01;"
        " payment 2023-01-01 (after its last valid day: it did not hold)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "day", "sentence"), SENTENCES)
def test_statement(tag: dict[str, Any], day: date, sentence: str) -> None:
    assert statement(tag, day) == sentence


def test_the_day_of_a_payment_is_that_of_utc() -> None:
    tag = row("sanction", first_day=date(2020, 1, 2))
    west = timezone(timedelta(hours=-5))
    assert "payment 2020-01-02" in statement(tag, datetime(2020, 1, 1, 23, tzinfo=west))
    assert "payment 2020-01-01" in statement(tag, datetime(2020, 1, 1, 23, tzinfo=UTC))
    naive = datetime(2020, 1, 1, 23)  # noqa: DTZ001  # a time without a zone is the case tested
    assert "payment 2020-01-01" in statement(tag, naive)
