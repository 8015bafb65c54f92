"""Tables whose header is known: each kind gives the same movements, and says what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.errors import DumpError
from chainwatch.sources.tables.known import SHAPES

RECORDED = Path(__file__).parents[2] / "recorded"
made = module_of("recorded/make")

Row = tuple[str, str, str | None, str, str, int, bool | None]
"""Kind, transaction, place, payer, payee, amount, and whether it took effect."""


def native(*, status: bool = True, creation: bool = True, most: int = 2**256) -> set[Row]:
    return {
        ("native", tx.txid, None, tx.sender, tx.receiver or tx.created, tx.value,
         bool(tx.status) if status else None)
        for tx in made.TXS if (creation or tx.receiver) and tx.value < most
    }  # fmt: skip


def internal(*, success: bool | None = True, placed: bool = True, most: int = 2**256) -> set[Row]:
    return {
        ("internal", made.TXIDS[one.place], one.path if placed else None, one.sender, one.receiver,
         one.value, success)
        for one in made.moving() if one.value < most
    }  # fmt: skip


def tokens(*, placed: bool = True, most: int = 2**256, success: bool | None = None) -> set[Row]:
    return {
        ("erc20", made.TXIDS[log.place], str(log.index) if placed else None, log.sender,
         log.receiver, log.value, success)
        for log in made.LOGS if log.value < most
    }  # fmt: skip


LOST = 2**53
TOLD: dict[str, Callable[[], set[Row]]] = {
    "etl_transactions.csv": lambda: native(status=False, creation=False),
    "etl_transactions.json": lambda: native(status=False, creation=False),
    "etl_token_transfers.csv": tokens,
    "etl_token_transfers.json": tokens,
    "etl_traces.csv": lambda: native() | internal(),
    "etl_traces.json": lambda: native() | internal(),
    "bigquery_transactions.json": native,
    "bigquery_transactions.parquet": native,
    "bigquery_token_transfers.json": tokens,
    "bigquery_token_transfers.parquet": tokens,
    "bigquery_traces.parquet": lambda: native() | internal(),
    "aws_transactions.parquet": lambda: native(most=LOST),
    "aws_token_transfers.parquet": lambda: tokens(most=LOST),
    "aws_traces.parquet": lambda: native(most=LOST) | internal(most=LOST),
    "cryo_transactions.parquet": lambda: native(creation=False),
    "cryo_erc20_transfers.parquet": tokens,
    "cryo_traces.parquet": lambda: native() | internal(),
    "blockchair_calls.tsv": lambda: native() | internal(),
    "blockchair_erc20.tsv": lambda: tokens(placed=False),
    "etherscan.csv": native,
    "etherscan_internal.csv": lambda: internal(placed=False),
    "etherscan_tokens.csv": lambda: tokens(placed=False),
    "blockscout.csv": native,
    "blockscout_internal.csv": lambda: internal(placed=False),
    "blockscout_tokens.csv": lambda: tokens(placed=False, success=True),
}
"""What each dump says, from the five transactions that all are made of."""


def rows_of(folder: Path) -> set[Row]:
    found = set()
    for row in cw.open_ledger(folder).transfers.collect().iter_rows(named=True):
        index = row["log_index"]
        place = row["trace_path"] if index is None else str(index)
        amount = int(row["amount"]) if row["amount_hex"] is None else int(row["amount_hex"], 16)
        sides = [canonical.text(row[one], row["chain"]).lower() for one in ("sender", "receiver")]
        kind = row["kind"].partition("_")[0]
        found.add((kind, f"0x{row['txid'].hex()}", place, *sides, amount, row["success"]))
    return found


def table(path: Path, **given: Any) -> cw.KnownTable:
    more = {"decimals": {made.T: 6}} if path.name == "etherscan_tokens.csv" else {}
    return cw.KnownTable(path, chain="eth", **(more | given))


@pytest.mark.parametrize("name", TOLD)
def test_every_kind_gives_the_same_movements(tmp_path: Path, name: str) -> None:
    report = cw.pull(tmp_path / "ledger", table(RECORDED / name))
    assert rows_of(tmp_path / "ledger") == TOLD[name]()
    assert report.notes[0].startswith(f"{name} is read as '")
    assert cw.pull(tmp_path / "ledger", table(RECORDED / name)).rows("transfers") == 0
    cw.check(cw.open_ledger(tmp_path / "ledger")).raise_for_failures()


def test_every_dump_is_as_it_is_made() -> None:
    for name in made.TABLES:
        if not name.endswith(".parquet"):
            assert (RECORDED / name).read_bytes() == made.content(name), name
    others = {"etl_receipts.csv", "tronscan_tokens.csv"}
    others |= {name for name in made.TABLES if "_logs." in name}
    statements = {name for name in made.TABLES if name.startswith("statement_")}
    assert {*TOLD, *others, *statements} == set(made.TABLES)


def test_receipts_say_what_took_effect_and_what_was_created(tmp_path: Path) -> None:
    source = table(RECORDED / "etl_transactions.csv", receipts=RECORDED / "etl_receipts.csv")
    cw.pull(tmp_path / "ledger", source)
    assert rows_of(tmp_path / "ledger") == native()
    files = set(cw.open_ledger(tmp_path / "ledger").answers.collect()["request"])
    assert files == {"etl_transactions.csv", "etl_receipts.csv"}


def test_receipts_of_another_export_are_refused(tmp_path: Path) -> None:
    """Where not one fits; what some lack is said, with how many."""
    lines = (RECORDED / "etl_receipts.csv").read_text().splitlines(keepends=True)
    place = lines[0].split(",").index("transaction_hash")
    hashes = [line.split(",")[place] for line in lines[1:]]
    others = tmp_path / "others.csv"
    text = "".join(lines)
    for one in hashes:
        text = text.replace(one, "0x" + "ab" * 30 + one[-4:])
    others.write_text(text)
    source = table(RECORDED / "etl_transactions.csv", receipts=others)
    with pytest.raises(DumpError, match=r"no receipt in others\.csv is of a transaction"):
        cw.pull(tmp_path / "ledger", source)
    some = tmp_path / "some.csv"
    some.write_text("".join(lines[:2]))
    report = cw.pull(tmp_path / "some", table(RECORDED / "etl_transactions.csv", receipts=some))
    lacking = len(hashes) - 1
    assert any(f"'' ({lacking}: unknown)" in note for note in report.notes)


def test_dumps_of_one_chain_add_nothing_to_each_other(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    for name in ("bigquery_transactions.json", "bigquery_transactions.parquet"):
        cw.pull(ledger, table(RECORDED / name))
    before = rows_of(ledger)
    cw.pull(ledger, table(RECORDED / "bigquery_traces.parquet"))
    assert rows_of(ledger) == before | internal()


def test_what_a_double_lost_is_named_and_no_balance_is_given(tmp_path: Path) -> None:
    report = cw.pull(tmp_path / "ledger", table(RECORDED / "aws_transactions.parquet"))
    assert any("2 rows are set apart (amounts that passed through a double" in one
               for one in report.notes)  # fmt: skip
    payer = canonical.parse(made.A, "eth")
    units = cw.open_ledger(tmp_path / "ledger").coverage.filter(kind="apart", address=payer)
    assert units.collect()["amount"].to_list() == [None]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("3", 3), ("3.0", 3), ("9007199254740991", 2**53 - 1), ("1.5e3", 1500), ("1.5E+18", None),
     ("9007199254740992", None), ("0", 0)],
)  # fmt: skip
def test_a_double_is_exact_below_2_to_the_53(text: str, amount: int | None) -> None:
    from chainwatch.sources.transfer_dump.amounts import exact_double

    assert exact_double(text) == (None if amount is None else str(amount))


@pytest.mark.parametrize("text", ["", "-1", "0.5", "nan", "inf", "1e400", "0x10", "=1", "1,000"])
def test_what_is_no_amount_in_base_units_is_refused(text: str) -> None:
    from chainwatch.sources.transfer_dump.amounts import exact_double

    with pytest.raises(DumpError, match="no amount"):
        exact_double(text)


def renamed(folder: Path, name: str, old: str, new: str) -> Path:
    path = folder / name
    head, rest = (RECORDED / name).read_text().split("\n", 1)
    path.write_text(head.replace(old, new) + "\n" + rest)
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("etl_token_transfers.csv", "log_index", "logindex",
         "nearly 'ethereum-etl token_transfers', and lacks the column 'log_index' "
         r"\(the closest is 'logindex'\)"),
        ("blockscout_tokens.csv", "TokensTransferred", "Tokens Transfered",
         r"'TokensTransferred' \(the closest is 'Tokens Transfered'\)"),
        ("etherscan.csv", "Status", "<b>", "lacks the column 'Status'"),
    ],
)  # fmt: skip
def test_a_header_that_is_nearly_one(
    tmp_path: Path, name: str, old: str, new: str, told: str
) -> None:
    with pytest.raises(DumpError, match=told):
        cw.pull(tmp_path / "ledger", table(renamed(tmp_path, name, old, new)))
    assert not (tmp_path / "ledger").exists()


def test_a_header_of_nobody(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("who,what\na,b\n")
    with pytest.raises(DumpError, match="of no kind of table that is known; it has 'who', 'what'"):
        cw.pull(tmp_path / "ledger", cw.KnownTable(path, chain="eth"))


def test_a_header_of_two_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from chainwatch.sources.tables import choose

    twin = replace(SHAPES[1], name="another")
    monkeypatch.setattr(choose, "SHAPES", (*SHAPES, twin))
    path = RECORDED / "etl_token_transfers.csv"
    with pytest.raises(DumpError, match="fits 'ethereum-etl token_transfers' or 'another'"):
        cw.pull(tmp_path / "ledger", table(path))
    assert table(path, shape="another").name == "another"
    with pytest.raises(DumpError, match="perhaps 'another' is meant"):
        _ = table(path, shape="anothr").name
    with pytest.raises(DumpError, match="nearly 'Blockscout transactions'"):
        _ = table(path, shape="Blockscout transactions").name


def test_the_chain_is_asked_and_never_contradicted() -> None:
    with pytest.raises(DumpError, match="nothing in it says of which chain"):
        _ = cw.KnownTable(RECORDED / "etl_transactions.csv").chain
    assert cw.KnownTable(RECORDED / "cryo_transactions.parquet").chain == "eip155:1"
    with pytest.raises(DumpError, match="of Ethereum, not of Tron"):
        _ = cw.KnownTable(RECORDED / "cryo_transactions.parquet", chain="tron").chain


def test_whole_tokens_ask_for_decimals() -> None:
    with pytest.raises(DumpError, match="whole tokens without decimals"):
        _ = cw.KnownTable(RECORDED / "etherscan_tokens.csv", chain="eth").name


def test_decimals_are_written_contract_by_contract_on_the_command_line(tmp_path: Path) -> None:
    from chainwatch.cli.pulling.pull import source_command
    from chainwatch.sources.catalogue import entry

    given = [str(RECORDED / "etherscan_tokens.csv"), "--chain", "eth", "--ledger"]
    more = [str(tmp_path / "ledger"), "--decimals", f"{made.T}=6"]
    source_command(entry("table")).main([*given, *more], standalone_mode=False)
    assert rows_of(tmp_path / "ledger") == tokens(placed=False)


def test_77_decimals_and_one_more_digit(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    head, *_ = (RECORDED / "etherscan_tokens.csv").read_text().splitlines()
    cell = "0." + "0" * 76 + "1"
    row = [made.TXIDS[0], "1", "1683000000", "x", made.A, made.B, cell, "$1", made.T, "n", "s"]
    path.write_text(f"{head}\n{','.join(row)}\n")
    cw.pull(tmp_path / "one", table(path, decimals={made.T: "77"}))
    assert cw.open_ledger(tmp_path / "one").transfers.collect()["amount"].to_list() == [1]
    with pytest.raises(DumpError, match="more digits than the 76 decimals"):
        cw.pull(tmp_path / "other", table(path, decimals={made.T: 76}))


def test_formulas_pages_and_marks_of_direction_stay_texts(tmp_path: Path) -> None:
    cw.pull(tmp_path / "ledger", table(RECORDED / "etherscan_tokens.csv"))
    ledger = cw.open_ledger(tmp_path / "ledger")
    assert set(ledger.transfers.collect()["symbol"]) == {"=1+1"}
    assert "\u202e" not in str(ledger.plain("transfers"))


@pytest.mark.parametrize("cut", [1, 100, 2000])
def test_a_damaged_parquet_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes((RECORDED / "cryo_traces.parquet").read_bytes()[:-cut])
    with pytest.raises(DumpError, match="no Parquet that can be read"):
        cw.pull(tmp_path / "ledger", cw.KnownTable(path))


def test_a_list_where_one_value_should_be(tmp_path: Path) -> None:
    rows = [
        json.loads(one) for one in (RECORDED / "etl_token_transfers.json").read_text().splitlines()
    ]
    frame = pl.DataFrame([{**row, "value": [str(row["value"])]} for row in rows])
    frame.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DumpError, match="not one text or number"):
        cw.pull(tmp_path / "ledger", table(tmp_path / "t.parquet"))


def test_tronscan(tmp_path: Path) -> None:
    source = cw.KnownTable(RECORDED / "tronscan_tokens.csv")
    assert (source.name, source.chain) == ("Tronscan token transfers", "tron:0x2b6653dc")
    cw.pull(tmp_path / "ledger", source)
    ledger = cw.open_ledger(tmp_path / "ledger")
    found = ledger.transfers.collect().sort("amount", nulls_last=True)
    assert [one and int(one, 16) for one in found["amount_hex"]] == [None, made.HUGE]
    assert found["amount"].to_list() == [1_234_560_000, None]
    assert found["success"].to_list() == [False, True]
    assert found["kind"].to_list() == ["trc20", "trc20"]
    assert [canonical.text(one, "tron") for one in found["sender"]] == [
        made.ON_TRON[made.B], made.ON_TRON[made.A],
    ]  # fmt: skip
    assert cw.pull(tmp_path / "ledger", source).rows("transfers") == 0
    cw.check(ledger).raise_for_failures()


@pytest.mark.parametrize("name", ["etl_transactions.csv", "bigquery_traces.parquet"])
def test_a_call_that_pays_nothing_imitates_no_payment(tmp_path: Path, name: str) -> None:
    """Its sender signed the transaction; of calls inside it nobody says who did."""
    cw.pull(tmp_path / "ledger", table(RECORDED / name))
    ledger = cw.open_ledger(tmp_path / "ledger")
    rows = ledger.transfers.collect()
    assert {*rows.select("kind", "signed").rows()} <= {("native", True), ("internal", None)}
    payers = [*rows.filter(kind="native")["sender"].unique()]
    found = cw.counterparties(ledger, payers, asset=cw.native("eth"))
    assert found.poisoning.height == 0


GETH = (
    "block_number,transaction_hash,transaction_index,from_address,to_address,value,input,output,"
    "trace_type,call_type,reward_type,gas,gas_used,subtraces,trace_address,error,status,trace_id\n"
)


def test_traces_that_name_no_transaction(tmp_path: Path) -> None:
    """Who pays stands in the row: it is no reward, and no mapping would mend the table."""
    path = tmp_path / "traces.csv"
    path.write_text(f"{GETH}1000690,,0,{made.A},{made.B},7,0x,0x,call,call,,0,0,0,,,,\n")
    with pytest.raises(DumpError, match="no transaction id") as raised:
        cw.pull(tmp_path / "ledger", table(path))
    assert "reward" not in str(raised.value)
    assert "mapping" not in str(raised.value)
    assert "give traces of export_traces" in str(raised.value)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("number,hash,parent_hash,nonce,miner,timestamp,transaction_count",
         "is 'ethereum-etl blocks'.*give the transactions"),
        ("transaction_hash,transaction_index,cumulative_gas_used,gas_used,status",
         "is 'ethereum-etl receipts'.*give it as receipts beside the transactions"),
        ("log_index,transaction_hash,block_number,address,data,topics",
         "is 'ethereum-etl logs'.*give token_transfers"),
        ("address,symbol,name,decimals,total_supply,block_number",
         "is 'ethereum-etl tokens'.*CONTRACT=NUMBER"),
        ("address,bytecode,function_sighashes,is_erc20", "is 'ethereum-etl contracts'"),
        ("", "the file is empty: it has neither a header nor a row"),
    ],
)  # fmt: skip
def test_tables_beside_those_of_transfers_are_named(tmp_path: Path, header: str, told: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(header and f"{header}\n")
    with pytest.raises(DumpError, match=told):
        cw.pull(tmp_path / "ledger", table(path))


def test_inside_a_call_that_failed_nothing_took_effect(tmp_path: Path) -> None:
    """cryo says so in the row of that call alone, whatever its type."""
    rows = made.cryo_traces()
    three = [row for row in rows if row["transaction_hash"] == bytes.fromhex(made.TXIDS[3][2:])]
    around = next(row for row in three if row["trace_address"] == "1")
    assert around["action_call_type"] == "delegatecall"
    around["error"] = "Reverted"
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "t.parquet")
    cw.pull(tmp_path / "ledger", cw.KnownTable(tmp_path / "t.parquet"))
    inside = cw.open_ledger(tmp_path / "ledger").transfers.filter(kind="internal").collect()
    assert dict(inside.select("trace_path", "success").iter_rows()) == {
        "0": True, "1.0": False, "3": True,
    }  # fmt: skip


def test_a_token_transfer_of_a_failed_transaction_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    text = (RECORDED / "blockscout_tokens.csv").read_text()
    path.write_text(text.replace(",ok,", ",error,", 1))
    cw.pull(tmp_path / "ledger", table(path))
    found = cw.open_ledger(tmp_path / "ledger").transfers.collect()
    assert sorted(found["success"].to_list()) == [False, True]


def test_a_column_that_stands_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = (RECORDED / "etl_token_transfers.csv").read_text().splitlines()
    path.write_text("".join(f"{line},{'value' if k == 0 else 7}\n" for k, line in enumerate(lines)))
    with pytest.raises(DumpError, match="'value', which stands there 2 times"):
        cw.pull(tmp_path / "ledger", table(path))


def test_two_tables_in_one_header_are_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    names: list[str] = []
    for name in ("etl_transactions.csv", "etl_token_transfers.csv"):
        names += (RECORDED / name).read_text().splitlines()[0].split(",")
    path.write_text(",".join(dict.fromkeys(names)) + "\n")
    with pytest.raises(DumpError, match="and 'ethereum-etl transactions' together"):
        cw.pull(tmp_path / "ledger", table(path))


@pytest.mark.parametrize("written", ["1683000000.0", "1.683E9", "1683000000"])
def test_times_that_passed_through_a_double(tmp_path: Path, written: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text((RECORDED / "etl_transactions.csv").read_text().replace("1683000000", written))
    cw.pull(tmp_path / "ledger", table(path))
    found = cw.open_ledger(tmp_path / "ledger").transfers.collect()
    assert set(found["time"]) == {made.WHEN}


def test_a_time_after_the_file_was_obtained_is_told_with_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    text = (RECORDED / "etl_transactions.csv").read_text()
    path.write_text(text.replace("1683000000", "4000000000"))
    report = cw.pull(tmp_path / "ledger", table(path))
    [told] = [note for note in report.notes if "after the file was obtained" in note]
    assert told.startswith("4 rows are of a time after")
    assert "up to 2096-10-02" in told
    assert hashlib.sha256(path.read_bytes()).hexdigest() in told
    early = table(RECORDED / "etl_transactions.csv", acquired=made.WHEN - timedelta(hours=3))
    report = cw.pull(tmp_path / "early", early)
    assert any(note.startswith("4 rows are of a time after") for note in report.notes)
    right = table(RECORDED / "etl_transactions.csv", acquired=made.WHEN)
    assert not any("obtained" in note for note in cw.pull(tmp_path / "right", right).notes)
