"""The same transfer: by log index where there is one, over all tables that are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.pull import pull
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump

A, B, USDT = "0x" + "0a" * 20, "0x" + "0b" * 20, "0x" + "0c" * 20
NOON = "2023-05-01 12:00:00"
BARE = {
    "chain": "eth", "kind": "erc20", "source": "q", "txid": "tx", "time": "time",
    "time_unit": "iso", "sender": "from", "receiver": "to", "amount": "value", "contract": "token",
    "section": "wallet",
}  # fmt: skip
INDEXED = BARE | {"log_index": "log"}
PLACED = INDEXED | {"height": "height"}
NAMES = ("tx", "height", "log", "time", "token", "from", "to", "value", "wallet", "place")


def row(tx: int = 1, log: object = "", **how: object) -> dict[str, object]:
    """Return a row: A pays B 5, as A's history has it."""
    return {
        "tx": f"0x{tx:064x}", "height": 100 + tx, "log": log, "token": USDT, "from": A, "to": B,
        "time": f"2023-05-01 12:00:{tx:02}", "value": 5, "wallet": A, "place": "", **how,
    }  # fmt: skip


Read = Callable[..., tuple[Ledger, PullReport]]


@pytest.fixture
def read(put: Callable[..., Path], tmp_path: Path) -> Read:
    """Return a reader of several tables, each with its mapping, one after the other."""
    count = iter(range(100))

    def reader(*tables: tuple[dict[str, Any], list[dict[str, object]]]) -> Any:
        folder = tmp_path / f"l{next(count)}"
        report = None
        for mapping, rows in tables:
            lines = [",".join(NAMES), *(",".join(str(r[n]) for n in NAMES) for r in rows)]
            path = put(f"t{next(count)}.csv", "\n".join(lines).encode())
            report = pull(folder, TransferDump(path, DumpMapping.of(mapping)))
        return open_ledger(folder), report

    return reader


def logs(ledger: Ledger) -> list[int | None]:
    return sorted(ledger.transfers.collect()["log_index"], key=lambda one: (one is None, one or 0))


class TestInOneTable:
    def test_listed_twice_together_is_one(self, read: Read) -> None:
        bare = {key: value for key, value in INDEXED.items() if key != "section"}
        ledger, report = read((bare, [row(1, 171), row(1, 171), row(2, 5)]))
        assert logs(ledger) == [5, 171]
        assert "1 row lists a transfer again" in report.notes[0]

    def test_equal_transfers_of_one_transaction_are_two(self, read: Read) -> None:
        """Two histories that list one of them each: without the index they would be one."""
        rows = [row(1, 7), row(1, 9, wallet=B)]
        assert logs(read((INDEXED, rows))[0]) == [7, 9]
        assert logs(read((BARE, rows))[0]) == [None]

    def test_two_sections_report_one(self, read: Read) -> None:
        ledger, _ = read((INDEXED, [row(1, 7), row(1, 7, wallet=B)]))
        assert ledger.transfers.collect().select("log_index", "sections").rows() == [(7, 2)]

    def test_one_index_for_two_transfers_is_refused(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"have one log index.*line 2"):
            read((INDEXED, [row(1, 7), row(1, 7, value=6)]))

    def test_rows_without_the_index_are_those_alike_that_have_it(self, read: Read) -> None:
        ledger, report = read((INDEXED, [row(1, 7), row(1, wallet=B), row(1, wallet=B)]))
        assert logs(ledger) == [7, None], "two in B's history, one of them known by its index"
        assert any("without a log index repeat" in note for note in report.notes)

    def test_a_batch_in_one_log_is_told_apart_by_its_ids(self, read: Read) -> None:
        batch = INDEXED | {"kind": "erc1155", "token_id": "place"}
        ledger, _ = read((batch, [row(1, 7, place=1), row(1, 7, place=2)]))
        assert sorted(ledger.transfers.collect()["token_id"]) == ["1", "2"]

    def test_calls_are_told_apart_by_their_place(self, read: Read) -> None:
        calls = {key: value for key, value in BARE.items() if key != "contract"}
        calls |= {"kind": "internal", "trace_path": "place"}
        rows = [row(1, place="0_2"), row(1, place="0.10"), row(1, place="0.2", wallet=B)]
        ledger, _ = read((calls, rows))
        assert sorted(ledger.transfers.collect()["trace_path"]) == ["0.10", "0.2"]

    def test_success_may_be_said_by_any_of_the_rows(self, read: Read) -> None:
        words = INDEXED | {"result": "place", "success": "1"}
        rows = [row(1, 7, place="1"), row(1, 7, place=""), row(1, 7, place="1", wallet=B)]
        assert read((words, rows))[0].transfers.collect()["success"].to_list() == [True]
        with pytest.raises(DumpError, match="took effect in one section and failed"):
            read((words, [row(1, 7, place="1"), row(1, 7, place="0", wallet=B)]))


class TestOverAllTables:
    def test_the_same_index_is_stored_once(self, read: Read) -> None:
        ledger, _ = read((INDEXED, [row(1, 7)]), (INDEXED, [row(1, 7), row(1, 9)]))
        assert logs(ledger) == [7, 9]

    def test_a_table_without_index_adds_what_is_beyond(self, read: Read) -> None:
        again = [row(1), row(1), row(1), row(2)]
        ledger, report = read((INDEXED, [row(1, 7), row(1, 9)]), (BARE, again), (BARE, again[:1]))
        assert logs(ledger) == [7, 9, None, None]
        assert ledger.transfers.collect().height == 4
        assert "1 transfer is in the ledger with a log index" in report.notes[0]

    def test_the_index_is_to_be_read_first(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"of the log index.*read this table first"):
            read((BARE, [row(1)]), (INDEXED, [row(1, 7)]))

    def test_one_index_with_two_stories_is_refused(self, read: Read) -> None:
        with pytest.raises(DumpError, match="contradicts the ledger on what its log index"):
            read((INDEXED, [row(1, 7)]), (INDEXED, [row(1, 7, value=6)]))

    @pytest.mark.parametrize(("column", "value"), [("time", NOON), ("height", 99)])
    def test_two_blocks_are_refused(self, read: Read, column: str, value: object) -> None:
        with pytest.raises(InputError, match=f"contradicts the ledger on the {column}"):
            read((PLACED, [row(1, 7)]), (PLACED, [row(1, 9, **{column: value})]))

    def test_a_time_that_was_not_known_is_to_be_read_first(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"time of its block.*read this table first"):
            read((TIMELESS, [row(1, 7)]), (PLACED, [row(1, 7)]))

    def test_reading_again_changes_nothing(self, read: Read) -> None:
        once, _ = read((PLACED, [row(1, 7), row(2, 3)]))
        twice, _ = read((PLACED, [row(1, 7), row(2, 3)]), (BARE, [row(2), row(1)]))
        assert once.digest("transfers") == twice.digest("transfers")


TIMELESS = {key: value for key, value in PLACED.items() if key not in ("time", "time_unit")}


class TestPlaces:
    def test_a_height_and_no_time(self, read: Read) -> None:
        ledger, report = read((TIMELESS, [row(2, 0), row(1, 5)]))
        found = ledger.transfers.sort("height").collect()
        assert found.select("height", "log_index", "time", "order_uncertain").rows() == [
            (101, 5, None, False), (102, 0, None, False)
        ]  # fmt: skip
        assert any("2 transfers have a height and no time" in note for note in report.notes)
        assert any("1 section has no time" in note for note in report.notes)
        assert ledger.coverage.collect()["kind"].to_list() == ["dump"]

    def test_the_time_of_a_block_is_known_from_another_table(self, read: Read) -> None:
        other = [row(1, 5), row(9, 5)]
        ledger, _ = read((PLACED, other[:1]), (TIMELESS, [row(9, 3, height=101), row(2, 4)]))
        times = {
            r["log_index"]: r["time"] for r in ledger.transfers.collect().iter_rows(named=True)
        }
        assert times[3] == times[5] is not None
        assert times[4] is None

    @pytest.mark.parametrize(
        "rows",
        [
            [row(1, 1), row(2, 2, height=100)],
            [row(1, 1), row(2, 2, height=101)],
            [row(1, 1), row(1, 2, height=102)],
        ],
        ids=["higher and older", "one height, two times", "one transaction, two heights"],
    )
    def test_heights_that_contradict_the_times_are_refused(self, read: Read, rows: list) -> None:
        with pytest.raises(DumpError, match="height"):
            read((PLACED, rows))

    def test_two_positions_of_one_transaction_are_refused(self, read: Read) -> None:
        placed, same = PLACED | {"position": "place"}, {"height": 101, "time": NOON}
        rows = [row(1, 0, place=4, **same), row(1, 1, place=3, **same)]
        with pytest.raises(DumpError, match="has one position here and another in line 3"):
            read((placed, rows))
        ledger, _ = read((placed, [rows[0], rows[1] | {"place": 4}]))
        assert ledger.transfers.collect()["tx"].to_list() == [101 << 24 | 4] * 2

    def test_neither_time_nor_height(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"no time and no height.*line 3"):
            read((PLACED, [row(1, 1, height=""), row(2, 1, time="", height="")]))

    def test_an_index_counted_in_each_transaction_orders_nothing(self, read: Read) -> None:
        same = {"height": 101, "time": NOON}
        ledger, _ = read((PLACED, [row(1, 0, **same), row(2, 0, **same)]))
        assert ledger.transfers.collect()["order_uncertain"].all()
        placed = PLACED | {"position": "place"}
        ledger, _ = read((placed, [row(1, 0, place=4, **same), row(2, 0, place=3, **same)]))
        found = ledger.transfers.sort("tx").collect()
        assert not found["order_uncertain"].any()
        assert found["tx"].to_list() == [101 << 24 | 3, 101 << 24 | 4]


def test_a_table_read_with_another_mapping_is_refused(
    put: Callable[..., Path], tmp_path: Path
) -> None:
    """What the first reading left would stay, and the second would add nothing."""
    cells = [",".join(NAMES), ",".join(str(row()[name]) for name in NAMES)]
    path = put("t.csv", "\n".join(cells).encode())

    def pulled(**how: object) -> PullReport:
        return pull(tmp_path / "l", TransferDump(path, DumpMapping.of(BARE | how)))

    wrong = {"amount_unit": "whole", "decimals": 6}
    pulled(**wrong)
    assert open_ledger(tmp_path / "l").transfers.collect()["amount"].to_list() == [5_000_000]
    with pytest.raises(DumpError, match="read before with another mapping"):
        pulled()
    pulled(**wrong)  # the same again adds nothing, and is no error
    ledger = open_ledger(tmp_path / "l")
    assert ledger.transfers.collect()["amount"].to_list() == [5_000_000]
