"""Tables as people have them: explorers' exports, query engines' JSON, rows that are no payment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import token
from chainwatch.addresses.canonical import parse
from chainwatch.errors import AddressError, DumpError
from chainwatch.ingest.pull import pull
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.amounts import whole_coins
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.sources.transfer_dump.times import read_time
from chainwatch.tracing.walks.transfer_order import histories

A, B = "0x" + "0a" * 20, "0x" + "0b" * 20
USDT, WETH = "0xdac17f958d2ee523a2206206994597c13d831ec7", "0x" + "ee" * 20
TEN = datetime(2023, 5, 1, 10, tzinfo=UTC)
TOKENS = {
    "chain": "eth", "kind": "erc20", "source": "q", "txid": "tx", "time": "time",
    "time_unit": "iso", "sender": "from", "receiver": "to", "amount": "value", "contract": "token",
}  # fmt: skip
COINS = {key: value for key, value in TOKENS.items() if key != "contract"} | {"kind": "native"}

Read = Callable[..., tuple[Ledger, PullReport]]


def txid(number: int) -> str:
    return f"0x{number:064x}"


def line(number: int = 1, value: object = 5, *, time: str = "2023-05-01 10:00:00") -> str:
    return f"{txid(number)},{time},{USDT},{A},{B},{value}\n"


HEAD = "tx,time,token,from,to,value\n"


@pytest.fixture
def read(put: Callable[..., Path], tmp_path: Path) -> Read:
    """Return a reader of a text into a new ledger."""
    count = iter(range(100))

    def reader(text: str, mapping: dict[str, Any] = TOKENS, **more: Any) -> Any:
        number = next(count)
        path = put(f"t{number}.csv", text.encode())
        report = pull(tmp_path / f"l{number}", TransferDump(path, DumpMapping.of(mapping | more)))
        return open_ledger(tmp_path / f"l{number}"), report

    return reader


def amounts(ledger: Ledger) -> list[int]:
    return [int(one) for one in ledger.transfers.sort("txid").collect()["amount"]]


class TestRowsAsPeopleHaveThem:
    @pytest.mark.parametrize(
        "text",
        [
            HEAD + line() + "\n\n",
            HEAD + "\r\n" + line().replace("\n", "\r\n") + ",,,,,\r\n",
            "\ufeff\n" + HEAD + line(),
            HEAD.replace(",", " ,\t") + line(),
            HEAD.replace(",", ", ") + line().replace(",", ", "),
            HEAD.replace("\n", ",\n") + line().replace("\n", ",\n"),
            HEAD + line().replace("\n", ", ,\n"),
            HEAD + line().replace(A, A.upper().replace("X", "x")).replace(USDT, USDT.upper()),
            '"' + HEAD[:-1].replace(",", '","') + '"\n"' + line()[:-1].replace(",", '","') + '"\n',
            (HEAD + line()).replace(",", ";"),
            (HEAD + line()).replace(",", "\t"),
            HEAD.replace(",", "; ") + line().replace(",", "; "),
        ],
        ids=["blank lines", "blank rows", "a mark first", "names with blanks", "comma and blank",
             "a column more", "cells more", "capitals", "quoted", "semicolons", "tabs",
             "semicolon and blank"],
    )  # fmt: skip
    def test_are_read(self, read: Read, text: str) -> None:
        ledger, _ = read(text)
        assert amounts(ledger) == [5]
        assert ledger.transfers.collect()["time"].to_list() == [TEN]

    def test_a_truncated_row_is_still_refused(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"5 cells under 6 columns.*line 3"):
            read(HEAD + line() + line(2).rpartition(",")[0] + "\n")

    def test_a_wrong_capital_is_still_refused(self, read: Read) -> None:
        checked = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
        assert read(HEAD + line().replace(USDT, checked))[0]
        with pytest.raises(AddressError, match="column 'token'"):
            read(HEAD + line().replace(USDT, checked.replace("dAC", "Dac")))

    @pytest.mark.parametrize("listed", [False, True])
    def test_json_with_numbers_as_text_is_read(self, read: Read, listed: bool) -> None:
        rows = [
            {"tx": txid(1), "time": "2023-05-01 10:00:00 UTC", "token": USDT, "from": A, "to": B,
             "value": str(10**30)},
            {"tx": txid(2), "time": "2023-05-01 10:00:12.000 UTC", "token": USDT, "from": A,
             "to": B, "value": 10**30 + 1, "symbol": None, "unused": [1]},
            {"tx": txid(3), "time": "2023-05-01T10:00:24+00:00", "token": USDT, "from": A, "to": B,
             "value": 3, "symbol": "USDT"},
        ]  # fmt: skip
        text = json.dumps(rows, indent=1) if listed else "\n\n".join(map(json.dumps, rows))
        ledger, _ = read(text, symbol="symbol")
        assert amounts(ledger) == [10**30, 10**30 + 1, 3]
        assert ledger.transfers.sort("txid").collect()["symbol"].to_list() == [None, None, "USDT"]

    def test_the_place_of_a_call_may_be_a_list(self, read: Read) -> None:
        row = {"tx": txid(1), "time": "2023-05-01 10:00:00", "from": A, "to": B, "value": 5}
        text = "\n".join(json.dumps(row | {"place": place}) for place in ([0, 2], [0, 10]))
        ledger, _ = read(text, COINS | {"kind": "internal"}, trace_path="place")
        found = ledger.transfers.collect()["trace_path"].to_list()
        assert sorted(found) == ["0.10", "0.2"]

    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (lambda text: text.replace('"5"', "5e0"), "no amount in whole base units.*line 1"),
            (lambda text: text.replace('"5"', "[5]"), "list or a table.*line 1, column 'value'"),
            (lambda text: text.replace('"5"', "null"), "no amount"),
            (lambda text: text.replace('"5"', "NaN"), "no number"),
            (lambda text: text[:-3], "no JSON.*line 1"),
            (lambda text: text.replace('"value"', '"to"'), "twice in one row"),
            (lambda text: text.replace('"value"', '"quant"'), "no columns 'value'.*'quant'"),
            (lambda text: text + text, "more than one row in a line"),
            (lambda text: "[" + text, "list is cut off"),
            (lambda text: "[" + text + "] x", "stands behind it"),
            (lambda text: text.replace(txid(1), "\\ud800"), "half of a character"),
            (lambda _: "[[1]]", "a row is no object"),
            (lambda _: "[" * 100_000, "no JSON"),
        ],
    )
    def test_damaged_json_is_refused(
        self, read: Read, damage: Callable[[str], str], words: str
    ) -> None:
        row = {"tx": txid(1), "time": "2023-05-01 10:00:00", "token": USDT, "from": A, "to": B,
               "value": "5"}  # fmt: skip
        with pytest.raises(DumpError, match=words):
            read(damage(json.dumps(row)))


class TestTimes:
    @pytest.mark.parametrize(
        ("unit", "text"),
        [
            ("iso", "2023-05-01 10:00:00 UTC"), ("iso", "2023-05-01 10:00:00.000 UTC"),
            ("iso", "2023-05-01T10:00:00.000Z"), ("iso", "2023-05-01 12:00:00+02:00"),
            ("iso", "2023-05-01 10:00"), ("s", "1682935200"), ("s", "1.6829352E9"),
            ("s", "1682935200.000"), ("ms", "1682935200000"), ("us", "1682935200000000"),
            ("m/d/y", "5/1/2023 10:00:00 AM"), ("m/d/y", "05/01/2023 10:00"),
            ("d/m/y", "1/5/2023 10:00:00"), ("d/m/y", "01/05/2023, 10:00:00 UTC"),
        ],
    )  # fmt: skip
    def test_forms(self, unit: str, text: str) -> None:
        assert read_time(text, unit) == TEN

    def test_noon_and_midnight(self) -> None:
        hours = [read_time(f"5/1/2023 12:00:00 {half}", "m/d/y").hour for half in ("AM", "PM")]
        assert hours == [0, 12]

    @pytest.mark.parametrize(
        ("unit", "text"),
        [
            ("iso", "2023-05-01"), ("iso", "5/1/2023 10:00"), ("iso", "2023-05-01 10:00 CET"),
            ("iso", "2023-05-01T10:00:00Z UTC"), ("m/d/y", "13/1/2023 10:00"),
            ("m/d/y", "5/1/23 10:00"), ("m/d/y", "5/1/2023 13:00 PM"), ("d/m/y", "31/2/2023 10:00"),
            ("s", "1.6829352E99"), ("s", "-1"), ("us", "1682935200000000.5"), ("s", "1e9"),
        ],
    )  # fmt: skip
    def test_what_names_no_moment_is_refused(self, unit: str, text: str) -> None:
        with pytest.raises(DumpError, match="no time between"):
            read_time(text, unit)


class TestWholeCoins:
    def test_an_export_in_whole_tokens(self, read: Read) -> None:
        text = (
            '"Transaction Hash","Blockno","UnixTimestamp","From","To","TokenValue","Contract"\n'
            f'"{txid(1)}","17166000","1682935200","{A}","{B}","1,234.56","{USDT}"\n'
        )
        mapping = {
            "chain": "eth", "kind": "erc20", "source": "e", "txid": "Transaction Hash",
            "time": "UnixTimestamp", "time_unit": "s", "height": "Blockno", "sender": "From",
            "receiver": "To", "amount": "TokenValue", "contract": "Contract",
            "amount_unit": "whole", "decimals": 6,
        }  # fmt: skip
        ledger, _ = read(text, mapping)
        row = ledger.transfers.collect().row(0, named=True)
        assert (row["amount"], row["decimals"], row["height"]) == (1_234_560_000, 6, 17_166_000)
        with pytest.raises(DumpError, match=r"more digits than the 1 decimals.*'TokenValue'"):
            read(text, mapping, decimals=1)

    @pytest.mark.parametrize(
        ("text", "decimals", "units"),
        [
            ("0", 18, 0), ("1.50000", 1, 15), ("1,000,000", 0, 10**6), ("0.000001", 6, 1),
            ("123456789012345678901234567890.123456789012345678", 18,
             123456789012345678901234567890123456789012345678),
        ],
    )  # fmt: skip
    def test_are_exact(self, text: str, decimals: int, units: int) -> None:
        assert whole_coins(text, decimals) == str(units)

    @pytest.mark.parametrize(
        "text",
        ["", "1,23", "1.234,56", "1 234", "-1", "+1", "1e3", "1.2E-7", "$1", "1,,000", ",1", ".5",
         "1.", "0x1", "\N{ARABIC-INDIC DIGIT FIVE}", "1.0000001", str(2**256)],
    )  # fmt: skip
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(DumpError):
            whole_coins(text, 6)

    def test_one_number_is_not_for_two_tokens(self, read: Read) -> None:
        two = HEAD + line(1, "1.5") + line(2, "1.5").replace(USDT, WETH)
        with pytest.raises(DumpError, match="2 tokens, and one number"):
            read(two, amount_unit="whole", decimals=6)
        ledger, _ = read(two, amount_unit="whole", decimals={USDT: 6, WETH: 18})
        assert amounts(ledger) == [1_500_000, 15 * 10**17]

    def test_a_token_without_decimals_is_set_apart_and_named(self, read: Read) -> None:
        two = HEAD + line(1, "1.5") + line(2, "1.5").replace(USDT, WETH)
        ledger, report = read(two, amount_unit="whole", decimals={USDT: 6})
        assert amounts(ledger) == [1_500_000]
        assert any("1 row is set apart" in note and "EeeE" in note for note in report.notes)
        with pytest.raises(DumpError, match="no row of the table is a transfer"):
            read(two, amount_unit="whole", decimals={"0x" + "01" * 20: 6})

    def test_rows_without_decimals_are_read_where_the_mapping_says_how(self, read: Read) -> None:
        """That other rows state the decimals converts none unasked; the note says what would."""
        text = f"{HEAD[:-1]},places\n{line(1, '1.5')[:-1]},6\n{line(2, '2.5')[:-1]},\n"
        ledger, report = read(text, amount_unit="whole", decimals="places")
        assert amounts(ledger) == [1_500_000]
        (note,) = (one for one in report.notes if "set apart" in one)
        shown = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
        assert note.endswith(
            f"what they moved of {shown} is unknown; other rows state the decimals: to read these"
            f" so too, write into the mapping as decimals {shown} = 6"
        )
        ledger, report = read(text, amount_unit="whole", decimals={shown: 6})
        assert amounts(ledger) == [1_500_000, 2_500_000]

    def test_whole_tokens_of_one_contract_have_one_number_of_decimals(self, read: Read) -> None:
        """Else 1.5 would be two amounts, a million million times apart, in one sum."""
        text = f"{HEAD[:-1]},places\n{line(1, '1.5')[:-1]},6\n{line(2, '1.5')[:-1]},18\n"
        with pytest.raises(DumpError, match=r"has 18 decimals here and 6 in line 2.*line 3"):
            read(text, amount_unit="whole", decimals="places")
        units = text.replace("1.5", "15")
        assert amounts(read(units, decimals="places")[0]) == [15, 15]  # shown in base units

    def test_whole_tokens_fit_what_the_ledger_states(self, read: Read, put: Any) -> None:
        ledger, _ = read(HEAD + line(1, "1.5"), amount_unit="whole", decimals=6)
        path = put("more.csv", (HEAD + line(2, "1.5")).encode())
        again = TOKENS | {"amount_unit": "whole", "decimals": 18}
        with pytest.raises(DumpError, match=r"with 18 decimals, and rows of the ledger state 6"):
            pull(ledger.store.path, TransferDump(path, DumpMapping.of(again)))

    def test_the_decimals_of_the_coin_are_known(self, read: Read) -> None:
        head = "tx,time,from,to,in,out\n"
        rows = f"{txid(1)},2023-05-01 10:00:00,{A},{B},0,1.5\n"
        rows += f"{txid(2)},2023-05-01 10:00:12,{B},{A},0.000000000000000001,0\n"
        rows += f"{txid(3)},2023-05-01 10:00:24,{A},{A},0,0\n"
        mapping = COINS | {"amount": ["in", "out"], "amount_unit": "whole"}
        assert amounts(read(head + rows, mapping)[0]) == [15 * 10**17, 1, 0]
        with pytest.raises(DumpError, match="two amounts that differ"):
            read(head + rows.replace("0,1.5", "1,1.5"), mapping)
        with pytest.raises(DumpError, match="no amount in whole coins"):
            read(head + rows.replace("0,1.5", ","), mapping)


NATIVE = "tx,time,from,to,value,made,ok\n"


def coin(
    number: int, sender: str, receiver: str, value: object, made: str = "", ok: str = "1"
) -> str:
    return f"{txid(number)},2023-05-01 10:00:00,{sender},{receiver},{value},{made},{ok}\n"


class TestRowsThatAreNoPayment:
    def test_a_contract_creation_is_set_apart_and_counted(self, read: Read) -> None:
        ledger, report = read(NATIVE + coin(1, A, B, 1000) + coin(2, A, "", 0), COINS)
        assert amounts(ledger) == [1000]
        assert [note for note in report.notes if "1 row is set apart" in note]
        fact = unread(ledger).filter(pl.col("what") == "rows set apart").row(0, named=True)
        assert (fact["count"], fact["amount"]) == (1, 0)
        assert "a contract is created" in fact["note"]

    def test_what_a_creation_pays_is_named(self, read: Read) -> None:
        text = NATIVE + coin(1, A, B, 1) + coin(2, A, "", 3 * 10**18, B) + coin(3, A, "", 9, ok="0")
        ledger, report = read(text, COINS, result="ok", success="1")
        assert amounts(ledger) == [1]
        assert any(
            "2 rows are set apart" in note and "3 ETH moved so" in note for note in report.notes
        )
        ledger, report = read(text, COINS, result="ok", success="1", created="made")
        assert amounts(ledger) == [1, 3 * 10**18]

    def test_who_pays_the_coin_by_a_transaction_signed_it(self, read: Read) -> None:
        """Of two payments in one transaction nobody knows which is its own, nor of a call."""

        def signed(text: str, **more: Any) -> list[bool | None]:
            ledger, _ = read(NATIVE + text, COINS | more)
            return ledger.transfers.sort("txid", "amount").collect()["signed"].to_list()

        assert signed(coin(1, A, B, 0) + coin(2, A, B, 5)) == [True, True]
        assert signed(coin(1, A, B, 0) + coin(1, A, B, 5) + coin(2, A, B, 7)) == [None, None, True]
        assert signed(coin(1, A, B, 0), kind="internal") == [None]
        placed = coin(1, A, B, 0, made="") + coin(1, A, B, 5, made="0.1")
        assert signed(placed, trace_path="made") == [True, None]

    def test_rewards_are_set_apart(self, read: Read) -> None:
        reward = coin(1, "", B, 2 * 10**18).replace(txid(1), "")
        ledger, report = read(NATIVE + coin(2, A, B, 1) + reward + coin(3, "", B, 5), COINS)
        assert amounts(ledger) == [1]
        assert sum("set apart" in note for note in report.notes) == 2
        assert unread(ledger).filter(pl.col("what") == "rows set apart")["count"].sum() == 2

    @pytest.mark.parametrize("word", ["GENESIS", "genesis", "Block Reward", "COINBASE", "Mint"])
    def test_a_word_is_no_payer(self, read: Read, word: str) -> None:
        text = NATIVE + coin(1, A, B, 1) + coin(2, word, B, 5 * 10**18)
        ledger, report = read(text.replace(txid(2), f"GENESIS_{B[2:]}"), COINS)
        assert amounts(ledger) == [1]
        assert f"words stand where a payer should: '{word}' (1)" in report.notes
        assert any("5 ETH moved so" in note for note in report.notes)
        ledger, _ = read(text, COINS)
        fact = unread(ledger).filter(pl.col("what") == "rows set apart").row(0, named=True)
        assert (fact["count"], fact["amount"]) == (1, 5 * 10**18)

    @pytest.mark.parametrize(
        "word", ["Contract Creation", "[Contract Creation]", "null", "nan", "N/A", "-", "<NA>"]
    )
    def test_words_for_a_contract_creation(self, read: Read, word: str) -> None:
        ledger, report = read(NATIVE + coin(1, A, B, 1) + coin(2, A, word, 7), COINS)
        assert amounts(ledger) == [1]
        assert any("a contract is created" in note for note in report.notes)

    @pytest.mark.parametrize("cell", ["nan", "None", "-", "N/A", "\\N"])
    def test_what_programs_write_for_nothing_is_no_payer(self, read: Read, cell: str) -> None:
        ledger, report = read(NATIVE + coin(1, A, B, 1) + coin(2, cell, B, 5), COINS)
        assert amounts(ledger) == [1]
        assert not any("words stand" in note for note in report.notes)

    @pytest.mark.parametrize("damage", ["0x0a0a", "abcdef", A[2:20], "TXyzAbC", "x" * 25, "Gen3"])
    def test_what_is_left_of_an_address_is_no_word(self, read: Read, damage: str) -> None:
        for side in (0, 1):
            parties = [A, B]
            parties[side] = damage
            with pytest.raises(AddressError, match="line 3"):
                read(NATIVE + coin(1, A, B, 1) + coin(2, parties[0], parties[1], 5), COINS)

    def test_a_word_is_no_party_of_a_token(self, read: Read) -> None:
        with pytest.raises(AddressError, match="line 2, column 'from'"):
            read(HEAD + line().replace(A, "GENESIS"))

    def test_a_damaged_amount_is_never_set_apart(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"no amount.*line 3, column 'value'"):
            read(NATIVE + coin(1, A, B, 1) + coin(2, A, "", "1.5e3"), COINS)

    def test_a_token_has_a_payer_and_a_receiver(self, read: Read) -> None:
        for gone in (A, B, txid(1)):
            with pytest.raises(AddressError, match="line 2"):
                read(HEAD + line().replace(gone, ""))

    def test_a_table_without_any_transfer_is_refused(self, read: Read) -> None:
        with pytest.raises(DumpError, match=r"no row of the table is a transfer.*2 rows.*line 2"):
            read(NATIVE + coin(1, A, "", 5) + coin(2, A, "", 0), COINS)


def test_a_table_may_be_the_history_of_one_address(read: Read) -> None:
    """Explorers export one address at a time, and name it nowhere."""
    ledger, _ = read(HEAD + line(1) + line(2).replace("01 10", "02 10"), history_of=A)
    asset = token("eth", USDT, "USDT", 6)
    assert histories(ledger, asset) == {parse(A, "eth"): ((TEN, TEN + timedelta(days=1)),)}
    bare, _ = read(HEAD + line(1))
    assert histories(bare, asset) == {}


class TestSuccessWords:
    @pytest.mark.parametrize(("word", "yes", "no"), [("1", "0x1", "0x0"), ("0x1", "1", "0")])
    def test_a_number_is_one_in_any_form(self, read: Read, word: str, yes: str, no: str) -> None:
        text = NATIVE + coin(1, A, B, 1, ok=yes) + coin(2, A, B, 2, ok=no)
        ledger, _ = read(text, COINS, result="ok", success=word)
        assert ledger.transfers.sort("txid").collect()["success"].to_list() == [True, False]

    @pytest.mark.parametrize("word", ["SUCCESS", "true"])
    def test_a_word_that_never_occurs_is_refused(self, read: Read, word: str) -> None:
        text = NATIVE + coin(1, A, B, 1) + coin(2, A, B, 1)
        with pytest.raises(
            DumpError, match=rf"none has '{word}' in the column 'ok', which has '1'"
        ):
            read(text, COINS, result="ok", success=word)
        ledger, _ = read(text, COINS, result="ok", success="1")
        assert ledger.transfers.collect()["success"].to_list() == [True, True]

    @pytest.mark.parametrize(
        ("success", "words", "expected"),
        [
            ("True", ("True", "true", "null", "", "no"), [True, True, None, None, False]),
            ("1", ("1.0", "1", "NaN", "None", "0.0"), [True, True, None, None, False]),
        ],
    )
    def test_one_word_in_other_spellings_is_one_word(
        self, read: Read, success: str, words: tuple[str, ...], expected: list[bool | None]
    ) -> None:
        rows = [coin(n, A, B, 1, ok=word) for n, word in enumerate(words, 1)]
        ledger, report = read(NATIVE + "".join(rows), COINS, result="ok", success=success)
        assert ledger.transfers.sort("txid").collect()["success"].to_list() == expected
        beside = next(note for note in report.notes if note.startswith("beside"))
        assert beside.count("(1: unknown)") == 2
        assert beside.count("(1: took effect)") == 1
        assert f"'{words[-1]}' (1: failed)" in beside

    def test_all_may_have_failed_where_the_word_for_no_is_given(self, read: Read) -> None:
        ledger, _ = read(NATIVE + coin(1, A, B, 1, ok="0"), COINS, result="ok", success="1",
                         failure=["0"])  # fmt: skip
        assert ledger.transfers.collect()["success"].to_list() == [False]

    def test_an_empty_word_may_say_yes(self, read: Read) -> None:
        text = NATIVE + coin(1, A, B, 1, ok="") + coin(2, A, B, 1, ok="Error(0)")
        ledger, _ = read(text, COINS, result="ok", success="")
        assert ledger.transfers.sort("txid").collect()["success"].to_list() == [True, False]

    def test_a_word_that_is_neither_says_nothing(self, read: Read) -> None:
        text = NATIVE + coin(1, A, B, 1) + coin(2, A, B, 1, ok="?") + coin(3, A, B, 1, ok="0")
        ledger, _ = read(text, COINS, result="ok", success="1", failure="0")
        assert ledger.transfers.sort("txid").collect()["success"].to_list() == [True, None, False]

    def test_a_column_that_says_nothing_is_no_contradiction(self, read: Read) -> None:
        ledger, _ = read(NATIVE + coin(1, A, B, 1, ok=""), COINS, result="ok")
        assert ledger.transfers.collect()["success"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": None, "time_unit": None}, "time, or of the height"),
        ({"time_unit": None}, "time and time_unit together"),
        ({"position": "p"}, "give the height too"),
        ({"amount_unit": "whole"}, "whole tokens need decimals"),
        ({"decimals": {"x": 6}}, "not an address|no address|is not"),
        ({"decimals": 256}, "decimals"),
        ({"amount": []}, "amount"),
        ({"section": "s", "history_of": A}, "or the address that all rows are of"),
        ({"history_of": "0x12"}, "0x12"),
        ({"kind": "native", "contract": None, "decimals": 6}, "native coin are known"),
    ],
)
def test_a_mapping_that_says_too_little_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DumpError, match=words):
        DumpMapping.of(TOKENS | change)
