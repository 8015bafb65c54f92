"""Statements of exchanges and analysts in a case: tags and notes, and no payment of the chain."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.case.seal import verify
from chainwatch.errors import CaseError, InputError, TagError

A, B, C, D = (f"0x{digit * 40}" for digit in "1234")
CASE = f"""
[case]
name = "stated"
title = "A case with a production"
question = "Where did it go?"
editions = ["disclosure", "working"]
working_reason = "test"
working_authority = "a court"
[[sources]]
kind = "transfers"
path = "t.csv"
[sources.mapping]
chain = "eth"
kind = "native"
source = "test"
txid = "hash"
time = "time"
time_unit = "iso"
sender = "from"
receiver = "to"
amount = "value"
[subjects]
chain = "eth"
addresses = ["{A}"]
"""
ROWS = "hash,time,from,to,value\n" + "".join(
    f"0x{number:064x},2024-01-0{number}T00:00:00Z,{sender},{receiver},{value}\n"
    for number, sender, receiver, value in ((1, C, A, 5), (2, A, B, 3), (3, A, D, 2))
)
MAPPING = """
source = "Exchange X, production of 3 May 2026"
address = "Address"
asset = "Coin"
txid = "Hash"
customer = "User"
amount = "Sum"
chain = "eth"
way = "deposit"
"""
TAGGING = 'tag = "deposit address at Exchange X"\nactor = "x"\nconcept = "exchange"\n'
STATED = (
    "User,Coin,Sum,Address,Hash\n"
    f"7,ETH,3,{B},0x{2:064x}\n"  # as the chain has it
    f"7,ETH,9,{B},0x{3:064x}\n"  # the transaction pays somebody else
    f"7,ETH,1000000,{B},0x{9:064x}\n"  # not read
    f"8,ETH,4,{D},\n"  # no transaction
)


def run(folder: Path, more: str, name: str = "out") -> RunReport:
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text(ROWS)
    (folder / "x.csv").write_text(STATED)
    (folder / "x.toml").write_text(MAPPING)
    (folder / "tagging.toml").write_text(MAPPING + TAGGING)
    (folder / "case.toml").write_text(CASE + more)
    return run_case(
        folder / "case.toml", folder.parent / name, data=folder, mask_key=bytes(range(32))
    )


def entry(mapping: str = "x.toml", path: str = "x.csv") -> str:
    return f'[[statements]]\npath = "{path}"\nmapping = "{mapping}"\n'


def table(made: RunReport, name: str) -> list[dict[str, str]]:
    with (made.editions["working"] / "tables" / f"{name}.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


def test_a_statement_is_held_to_what_was_read(tmp_path: Path) -> None:
    made = run(tmp_path / "data", entry())
    found = {row["found"]: row["count"] for row in table(made, "stated")}
    assert found == {
        "it was read and pays the address": "1", "it was read and does not pay the address": "1",
        "the transaction was not read": "1", "no transaction is named": "1",
    }  # fmt: skip
    assert [row["amount"] for row in table(made, "notes")] == ["3", "9", "1000000", "4"]
    for folder in made.editions.values():
        said = (folder / "report.html").read_text()
        assert "1 note names a transaction that was read and does not pay the address" in said
        assert "1000000" not in said
        verify(folder)


def test_no_sum_and_no_step_is_of_a_statement(tmp_path: Path) -> None:
    with_, without = run(tmp_path / "data", entry()), run(tmp_path / "data", "", "without")
    for name in ("ends", "steps", "origins"):
        assert table(with_, name) == table(without, name)
    ours, theirs = (one.case.results for one in (with_, without))
    assert len(ours) == len(theirs) + 2


def test_a_statement_tags_whom_its_mapping_says(tmp_path: Path) -> None:
    made = run(tmp_path / "data", entry("tagging.toml"))
    assert {row["label"] for row in table(made, "tags")} == {"deposit address at Exchange X"}
    ends = {row["address"].lower(): row["reason"] for row in table(made, "ends")}
    assert ends[B] == ends[D] == "hosted service"


@pytest.mark.parametrize(
    ("entry_of", "error", "told"),
    [
        (entry("../x.toml"), InputError, "inside the data folder"),
        (entry(path="../x.csv"), InputError, "inside the data folder"),
        (entry("nothing.toml"), TagError, "the mapping of the statement cannot be read"),
        ('[[statements]]\npath = "x.csv"\n', TagError, "of no export that is known"),
        ('[[statements]]\npath = "x.csv"\nway = "up"\n', CaseError, "way"),
    ],
)
def test_a_statement_that_cannot_be_read(
    tmp_path: Path, entry_of: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        run(tmp_path / "data", entry_of)
