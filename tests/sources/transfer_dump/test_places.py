"""A place of a log that the mapping does not name: read by itself where that is safe, and said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump

A, B, C = ("0x" + one * 20 for one in ("0a", "0b", "0c"))
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
TOKENS = {
    "chain": "eth", "kind": "erc20", "source": "q", "txid": "tx", "time": "time",
    "time_unit": "iso", "sender": "from", "receiver": "to", "amount": "value", "contract": "token",
}  # fmt: skip
COINS = {key: value for key, value in TOKENS.items() if key != "contract"} | {"kind": "internal"}

Rows = list[dict[str, Any]]
Read = Callable[..., tuple[Ledger, str]]


def row(number: int, place: object, *, name: str = "evt_index", **more: Any) -> dict[str, Any]:
    return {
        "tx": f"0x{number:064x}", "time": "2023-05-01 10:00:00", "token": USDT, "from": A,
        "to": B, "value": "5", name: place,
    } | more  # fmt: skip


@pytest.fixture
def read(put: Callable[..., Path], tmp_path: Path) -> Read:
    """Return a reader of rows, as CSV or JSON, into a new ledger; it gives the notes too."""
    count = iter(range(100))

    def reader(rows: Rows, form: str = "csv", mapping: dict[str, Any] = TOKENS, **more: Any) -> Any:
        number = next(count)
        text = "\n".join(json.dumps({k: v for k, v in one.items() if v != ""}) for one in rows)
        if form == "csv":
            lines = [rows[0].keys(), *(one.values() for one in rows)]
            text = "\n".join(",".join(map(str, line)) for line in lines)
        path = put(f"t{number}.{form}", text.encode())
        source = TransferDump(path, DumpMapping.of(mapping | more))
        report = pull(tmp_path / f"l{number}", source)
        return open_ledger(tmp_path / f"l{number}"), " ".join(report.notes)

    return reader


def places(ledger: Ledger) -> list[Any]:
    return ledger.transfers.collect().sort("txid", "log_index")["log_index"].to_list()


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(
    "name",
    ["log_index", "logIndex", "evt_index", "event_index", "Log Index", "evt.index", "LOG-INDEX",
     "eventIndex"],
)  # fmt: skip
class TestAnIndexIsRead:
    def test_one_that_is_listed_twice_is_one(self, read: Read, name: str, form: str) -> None:
        ledger, notes = read([row(one, n, name=name) for one, n in [(1, 171), (1, 171), (2, 5)]],
                             form)  # fmt: skip
        assert places(ledger) == [171, 5]
        assert f"the column {name!r} is read as log_index" in notes

    def test_two_that_look_alike_are_two(self, read: Read, name: str, form: str) -> None:
        """Two histories list one of them each: by what they say else they would be one."""
        rows = [row(1, 171, name=name, of=A), row(1, 172, name=name, of=B)]
        ledger, _ = read(rows, form, section="of")
        assert places(ledger) == [171, 172]


@pytest.mark.parametrize("form", ["csv", "json"])
class TestWhatIsNoPlaceIsNotRead:
    @pytest.mark.parametrize(
        ("cells", "why"),
        [
            (["a", "b"], "'a' is no place"),
            (["1.5", "2"], "'1.5' is no place"),
            (["0x", "2"], "'0x' is no place"),
            (["-1", "2"], "'-1' is no place"),
        ],
    )
    def test_words(self, read: Read, cells: list[str], why: str, form: str) -> None:
        ledger, notes = read([row(n, cell) for n, cell in enumerate(cells)], form)
        assert places(ledger) == [None, None]
        assert f"'evt_index' is not read as log_index: {why}" in notes

    def test_one_that_two_different_transfers_share(self, read: Read, form: str) -> None:
        ledger, notes = read([row(1, 0), row(1, 0, value="6"), row(1, 0, to=C)], form)
        assert places(ledger) == [None] * 3
        assert "two different transfers of one transaction share it" in notes

    def test_one_of_two(self, read: Read, form: str) -> None:
        ledger, notes = read([row(1, 3, log_index=4), row(1, 5, log_index=6)], form)
        assert places(ledger) == [None, None]
        assert "'evt_index', 'log_index' may each be" in notes

    def test_one_that_the_mapping_reads_as_something_else(self, read: Read, form: str) -> None:
        ledger, notes = read([row(1, 3)], form, height="evt_index")
        assert places(ledger) == [None]
        assert "evt_index" not in notes

    def test_beside_one_that_the_mapping_names(self, read: Read, form: str) -> None:
        ledger, notes = read([row(1, 3, log_place=4)], form, log_index="log_place")
        assert places(ledger) == [4]
        assert "evt_index" not in notes


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("cell", ["171", "171.0", "0xab", "0xAB"])
def test_numbers_as_programs_write_them(read: Read, cell: str, form: str) -> None:
    """Pandas writes a column with gaps in it as floats, a node numbers in hexadecimal."""
    assert places(read([row(1, cell), row(2, "")], form)[0]) == [171, None]


def test_an_empty_column_says_nothing(read: Read) -> None:
    _, notes = read([row(1, ""), row(2, "")])
    assert "'evt_index' is not read as log_index: it is empty" in notes


def test_some_rows_may_lack_it(read: Read) -> None:
    ledger, _ = read([row(1, 3), row(2, ""), row(3, 4)])
    assert places(ledger) == [3, None, 4]


def test_calls_have_a_place_of_their_own(read: Read) -> None:
    rows = [row(1, place, name="trace_address") for place in ("0.2", "0.10", "0.2")]
    ledger, notes = read(rows, mapping=COINS)
    assert sorted(ledger.transfers.collect()["trace_path"]) == ["0.10", "0.2"]
    assert "'trace_address' is read as trace_path" in notes
    assert places(read([row(1, 7)], mapping=COINS)[0]) == [None], "a payment has no log"


def test_it_is_the_reading_of_a_mapping_that_names_it(
    put: Callable[..., Path], tmp_path: Path
) -> None:
    one = row(1, 171)
    path = put(
        "t.csv", "\n".join(",".join(map(str, line)) for line in (one, one.values())).encode()
    )
    pull(tmp_path / "l", TransferDump(path, DumpMapping.of(TOKENS)))
    named = DumpMapping.of(TOKENS | {"log_index": "evt_index"})
    assert pull(tmp_path / "l", TransferDump(path, named)).commits == 0
