"""A case on an account chain in its coin or in a token: what the file must say, and may not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chainwatch.case.file.model import parse_case
from chainwatch.case.findings.no_effect import no_effect_finding
from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.errors import CaseError

A, B, C = (f"0x{digit * 40}" for digit in "123")
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
CASE = f"""
[case]
name = "coin"
title = "A coin"
question = "Where did it go?"
[[sources]]
kind = "transfers"
path = "t.csv"
[sources.mapping]
chain = "eth"
kind = "KIND"
source = "test"
txid = "hash"
time = "time"
time_unit = "iso"
sender = "from"
receiver = "to"
amount = "value"
section = "wallet"
[subjects]
chain = "eth"
addresses = ["{A}"]
"""


def row(number: int, sender: str, receiver: str, value: int, wallet: str = A) -> str:
    time = f"2024-01-0{number}T00:00:00Z"
    return f"0x{number:064x},{time},{sender},{receiver},{value},{wallet},{WETH}\n"


HEAD = "hash,time,from,to,value,wallet,token\n"
PAID = HEAD + row(1, C, A, 5 * 10**18) + row(2, A, B, 3 * 10**18)


EDITIONS = """[case]
editions = ["disclosure", "working"]
working_reason = "test"
working_authority = "a court"
"""
OPEN = CASE.replace("[case]", EDITIONS)


def run(
    folder: Path, more: str = "", *, kind: str = "native", rows: str = PAID, case: str = CASE
) -> RunReport:
    text = case.replace("KIND", kind)
    if kind != "native":
        text = text.replace('section = "wallet"', 'section = "wallet"\ncontract = "token"')
    (folder / "t.csv").write_text(rows)
    (folder / "case.toml").write_text(text + more)
    return run_case(folder / "case.toml", folder / "out", data=folder, mask_key=bytes(range(32)))


@pytest.mark.parametrize(
    "asset",
    ["", '[asset]\nchain = "eth"\n', '[asset]\nchain = "eth"\nsymbol = "ETH"\ndecimals = 18\n'],
    ids=["none", "chain alone", "all"],
)
def test_a_case_in_the_coin_of_an_account_chain(tmp_path: Path, asset: str) -> None:
    text = (run(tmp_path, asset).editions["disclosure"] / "report.html").read_text()
    assert "5 ETH came in from outside" in text
    assert "3 ETH sent on to addresses whose history was not read" in text
    assert "2 ETH of which it was not read whether it was paid on or is still held" in text
    assert "unspent" not in text
    assert "Balances of ETH move without transfers: fees" in text


def ends_of(made: RunReport) -> list[dict[str, str]]:
    with (made.editions["working"] / "tables" / "ends.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_an_unread_subject_did_not_pay_is_not_said_to_be_sent_on(tmp_path: Path) -> None:
    """5 came in, 3 were paid on: of the other 2 nothing was read, in no section and no table."""
    made = run(tmp_path, case=OPEN.replace('section = "wallet"\n', ""))
    text = (made.editions["disclosure"] / "report.html").read_text()
    assert "3 ETH sent on to addresses whose history was not read" in text
    assert "2 ETH of which it was not read whether it was paid on or is still held" in text
    assert "5 ETH sent on" not in text
    assert "Not read: where ≈ 3 ETH went on to, whether 2 ETH was paid on or is still held" in text
    assert {(row["amount"], row["reason"], row["basis"]) for row in ends_of(made)} == {
        (str(3 * 10**18), "not read", ""), (str(2 * 10**18), "not read", "remainder"),
    }  # fmt: skip


def test_a_coin_whose_fees_are_not_listed_is_not_called_unspent(tmp_path: Path) -> None:
    """What A holds was read to day 2; the history of another goes on to day 6."""
    other = "0x" + "5" * 40
    rows = PAID + row(4, C, other, 10**18, other) + row(6, C, other, 10**18, other)
    made = run(tmp_path, rows=rows, case=OPEN)
    (told,) = [row for row in ends_of(made) if row["basis"] == "remainder"]
    assert (told["amount"], told["reason"]) == (str(2 * 10**18), "not read")
    assert told["as_of_time"] == ""
    assert told["detail"].startswith(
        "left of what was read to come in; balances of ETH move without"
    )


def test_a_balance_that_moved_beyond_its_own_history_is_not_unspent(tmp_path: Path) -> None:
    """A was read to day 2; the history of another shows that A paid 1 of its 2 on day 5."""
    other = "0x" + "5" * 40
    made = run(tmp_path, rows=PAID + row(5, A, other, 10**18, other), case=OPEN)
    text = (made.editions["disclosure"] / "report.html").read_text()
    assert "2 ETH of which it was not read whether it was paid on or is still held" in text
    moved = [row["detail"] for row in ends_of(made) if row["basis"] == "remainder"]
    assert [told for told in moved if not told.startswith("left of what")] == [
        "held as far as its history was read, until 2024-01-02; this address moved more on"
        " 2024-01-05"
    ]


def test_a_coin_under_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"names no contract, which is ETH of 18 decimals"):
        run(tmp_path, '[asset]\nchain = "eth"\nsymbol = "USDT"\n')


def test_a_table_of_tokens_needs_the_contract(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=f"no transfer of the coin ETH was read.*{WETH}"):
        run(tmp_path, kind="erc20")


def test_an_unwrapped_token_is_named_as_unknown(tmp_path: Path) -> None:
    rows = HEAD + row(1, C, A, 10**19) + row(2, A, B, 10**19) + row(3, C, B, 10**19, B)
    rows += row(2, A, B, 10**19, B) + row(4, B, "0x" + "4" * 40, 10**19, B)
    asset = f'[asset]\nchain = "eth"\ncontract = "{WETH}"\nsymbol = "WETH"\ndecimals = 18\n'
    text = run(tmp_path, asset, kind="erc20", rows=rows).editions["disclosure"] / "report.html"
    said = text.read_text()
    assert "10 WETH sent on to addresses whose history was not read, if it is the subject" in said
    assert "Balances of WETH move without transfers: holders wrap and unwrap" in said


def test_a_case_without_any_time_runs_and_says_so(tmp_path: Path) -> None:
    asset = f'[asset]\nchain = "eth"\ncontract = "{WETH}"\nsymbol = "WETH"\ndecimals = 18\n'
    dates = '[[dates]]\nday = 2024-01-02\nname = "order"\n'
    timeless = CASE.replace('time = "time"\ntime_unit = "iso"', 'height = "time"')
    rows = HEAD + row(1, C, A, 10**18) + row(2, A, B, 10**18)
    rows = rows.replace("2024-01-0", "19000").replace("T00:00:00Z", "")
    text = timeless.replace("KIND", "erc20") + asset + dates
    text = text.replace('section = "wallet"', 'section = "wallet"\ncontract = "token"')
    text = text.replace(
        "[case]",
        '[case]\neditions = ["working"]\nworking_reason = "test"\nworking_authority = "a court"',
    )
    (tmp_path / "t.csv").write_text(rows)
    (tmp_path / "case.toml").write_text(text)
    made = run_case(tmp_path / "case.toml", tmp_path / "out", data=tmp_path)
    for folder in made.editions.values():
        said = (folder / "report.html").read_text()
        assert "1 WETH came in from outside" in said
        assert "2 transfers have a height and no time" in said
        assert "2 payments have no time and count neither as before nor as after" in said


BITCOIN = {
    "case": {"name": "c", "title": "t", "question": "q"},
    "sources": [{"kind": "ledger", "path": "l"}],
    "subjects": {"chain": "btc", "addresses": ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]},
}


class TestWhatHasNoEffect:
    def test_is_said_in_a_coin_case(self) -> None:
        more = {"dates": [{"day": "2024-01-02", "name": "order"}], "follow": {"trifle": 5},
                "asset": {"chain": "btc"}}  # fmt: skip
        found = no_effect_finding(parse_case(BITCOIN | more, where="case.toml"))
        assert found is not None
        told = " ".join(found.text)
        assert "[dates] has no effect here: no payment is split at order (2024-01-02)" in told
        assert "[asset] has no effect here" in told
        assert "trifle in [follow] has no effect here" in told

    def test_nothing_is_said_where_all_has_one(self) -> None:
        assert no_effect_finding(parse_case(BITCOIN, where="case.toml")) is None
        tron = BITCOIN | {"subjects": {"chain": "eth", "addresses": [A]},
                          "dates": [{"day": "2024-01-02", "name": "order"}]}  # fmt: skip
        assert no_effect_finding(parse_case(tron, where="case.toml")) is None
        mixed = tron | {"follow": {"min_equal": 4}}
        found = no_effect_finding(parse_case(mixed, where="case.toml"))
        assert found is not None
        assert "min_equal" in found.text[0]
