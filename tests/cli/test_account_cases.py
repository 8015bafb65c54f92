"""Cases in ether and in a token from their files by ``chainwatch run``: read, told and verified."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from chainwatch.case.seal import verify

SUBJECT, PAYER, FRIEND, EXCHANGE, TOKEN = (f"0x{digit * 40}" for digit in ("a", "b", "c", "d", "e"))
ETHER = 10**18

CASE = """
[case]
name = "NAME"
title = "Where it went"
question = "To whom did the subject pay what it received?"
editions = ["disclosure", "working"]
working_reason = "a made-up case"
working_authority = "a court"
[[sources]]
kind = "table"
path = "TABLE"
chain = "eth"
[[sources]]
kind = "prices"
path = "prices.csv"
chain = "eth"
publisher = "a bank"
[[tags]]
path = "tags.csv"
chain = "eth"
[subjects]
chain = "eth"
addresses = ["SUBJECT"]
[asset]
chain = "eth"
ASSET
"""

TOLD = {
    "ether": (
        "5 ETH came in from outside",
        "3 ETH sent on to addresses whose history was not read",
        "1.5 ETH",
        "0.5 ETH of which it was not read whether it was paid on or is still held",
    ),
    "token": (
        "1,500 USDX came in from outside",
        "400 USDX sent on to addresses whose history was not read",
        "1,000 USDX",
        "100 USDX of which it was not read whether it was paid on or is still held",
    ),
}


WORTH = {
    "ether": {("hosted service", "Example Exchange"): "3000.0000", ("not read", ""): "7000.0000"},
    "token": {("hosted service", "Example Exchange"): "900.0000", ("not read", ""): "450.0000"},
}
BY = {"ether": {("0", "1", "0"), ("0", "2", "0")}, "token": {("1", "0", "0"), ("2", "0", "0")}}
"""Ends by hour, by day and without a price: of ether the day was read, of the token the hour."""


def transaction(place: int, sender: str, receiver: str, value: int) -> list[object]:
    return [f"0x{place:064x}", place, 17_000_000 + place, 0, sender, receiver, value, 21000, 1,
            1_683_000_000 + place, 21000, 1, ""]  # fmt: skip


def transfer(place: int, sender: str, receiver: str, value: int) -> list[object]:
    return [TOKEN, sender, receiver, value, f"0x{place:064x}", 3, 17_000_000 + place,
            1_683_000_000 + place]  # fmt: skip


NATIVE = (
    "hash", "nonce", "block_number", "transaction_index", "from_address", "to_address", "value",
    "gas", "gas_price", "block_timestamp", "receipt_gas_used", "receipt_status",
    "receipt_contract_address",
)  # fmt: skip
TOKENS = ("token_address", "from_address", "to_address", "value", "transaction_hash", "log_index",
          "block_number", "block_timestamp")  # fmt: skip


def case(folder: Path, kind: str) -> Path:
    """Write a made-up case: 5 come in, 3 go to somebody, 1.5 to an exchange, the rest stays."""
    if kind == "ether":
        rows = [transaction(1, PAYER, SUBJECT, 5 * ETHER),
                transaction(2, SUBJECT, FRIEND, 3 * ETHER),
                transaction(3, SUBJECT, EXCHANGE, 15 * 10**17)]  # fmt: skip
        head, asset, prices = NATIVE, "", "2023-05-02,,EUR,2000,day\n"
    else:
        rows = [transfer(1, PAYER, SUBJECT, 1_500_000_000),
                transfer(2, SUBJECT, FRIEND, 400_000_000),
                transfer(3, SUBJECT, EXCHANGE, 1_000_000_000)]  # fmt: skip
        head, prices = TOKENS, f"2023-05-02 04:00:00,{TOKEN},EUR,0.9,hour\n"
        asset = f'contract = "{TOKEN}"\nsymbol = "USDX"\ndecimals = 6'
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    (folder / "prices.csv").write_text(f"time,contract,currency,price,granularity\n{prices}")
    (folder / "tags.csv").write_text(
        "address,label,concept,source\n" + f"{EXCHANGE},Example Exchange,exchange,a made-up list\n"
    )
    text = CASE.replace("NAME", kind).replace("TABLE", "table.csv")
    path = folder / f"{kind}.toml"
    path.write_text(text.replace("SUBJECT", SUBJECT).replace("ASSET", asset))
    return path


@pytest.mark.parametrize("kind", TOLD)
def test_a_case_from_its_file_in_both_editions(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]], kind: str
) -> None:
    out = tmp_path / "out"
    status, _, said = run("run", case(tmp_path, kind), "--out", out)
    assert status == 0, said
    for edition in ("disclosure", "working"):
        folder = out / edition
        assert verify(folder).entries > 5
        assert run("verify", folder)[0] == 0
        said = (folder / "report.html").read_text()
        for words in TOLD[kind]:
            assert words in said, (edition, words)
        assert "Example Exchange" in said
    assert FRIEND not in (out / "disclosure" / "report.html").read_text().lower()
    with (out / "working" / "tables" / "ends.csv").open(newline="") as file:
        ends = [*csv.DictReader(file)]
    whole = 5 * ETHER if kind == "ether" else 1_500_000_000
    assert sum(int(row["amount"]) for row in ends) == whole
    with (out / "working" / "tables" / "worth.csv").open(newline="") as file:
        worth = [*csv.DictReader(file)]
    values = {(row["reason"], row["service"]): row["value"] for row in worth}
    assert values == WORTH[kind]
    assert {row["publisher"] for row in worth} == {"a bank"}
    assert {(row["by_hour"], row["by_day"], row["unpriced"]) for row in worth} == BY[kind]
    assert "the price of the day of each payment" in said or kind == "token"
    assert FRIEND in {row["address"].lower() for row in ends}


def test_a_look_up_and_exposure_say_worth_and_by_what(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    out = tmp_path / "out"
    assert run("run", case(tmp_path, "ether"), "--out", out)[0] == 0
    status, said, _ = run("show", SUBJECT, "--ledger", out / "ledger")
    assert status == 0
    told = " ".join(said.split())
    assert "ETH received was worth 10,000 EUR by a bank, at the price of the day of 1" in told
    assert "ETH spent was worth 9,000 EUR by a bank, at the price of the day of 2" in told
    given = ("exposure", SUBJECT, "--policy", "fifo", "--tags", tmp_path / "tags.csv", "--chain",
             "eth", "--asset", "native", "--ledger", out / "ledger")  # fmt: skip
    status, said, _ = run(*given, "--currency", "EUR")
    assert status == 0
    assert "worth 3,000.00 EUR" in said
    assert "Worth is in EUR by a bank, at the day of each payment" in said
    status, said, told = run(*given, "--currency", "USD")
    assert "Prices of ETH in USD were not read: nothing has a worth." in said + told
    assert "worth" not in run(*given)[1]
