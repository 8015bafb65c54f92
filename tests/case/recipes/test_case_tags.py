"""Which tags count in a case: designations, orders and packs, as they stood on a stated day."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.errors import CaseError

A, B, C, D = (f"0x{digit * 40}" for digit in "1234")
CASE = """
[case]
name = "tagged"
title = "A case with acts of authorities"
question = "Whom did it reach?"
editions = ["working"]
working_reason = "test"
working_authority = "test"
analyses = ["tag-hits"]
DAY
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
SUBJECTS
"""
ROWS = "hash,time,from,to,value\n" + "".join(
    f"0x{number:064x},2024-01-0{number}T00:00:00Z,{sender},{receiver},{value}\n"
    for number, sender, receiver, value in ((1, C, A, 9), (2, A, B, 3), (3, A, D, 2))
)
ORDERS = f"chain,address,order,updated,forfeited_by,forfeited_on\neth,{B},1/22,2022-02-02,,\n"
SANCTIONS = '[[tags]]\npath = "lists"\nkind = "sanctions"\npublisher = "OFAC"\nas_of = 2024-09-27\n'
SEIZURES = '[[tags]]\npath = "orders.csv"\nkind = "seizures"\npublisher = "P"\nas_of = 2023-01-01\n'
PACKS = '[[tags]]\npath = "north/p.yaml"\n[[tags]]\npath = "south/p.yaml"\n'
PACK = """
title: {title}
creator: c
tags:
  - {{address: "{address}", currency: ETH, label: hall, actor: {title}, category: exchange,
     source: https://example.org, confidence: {confidence}, lastmod: {said}}}
"""


def run(
    folder: Path, more: str, day: str = "", subjects: str = f'addresses = ["{A}"]'
) -> RunReport:
    """Work the case on its ledger, with tags of every kind at hand."""
    folder.mkdir()
    (folder / "t.csv").write_text(ROWS)
    (folder / "orders.csv").write_text(ORDERS)
    for place in ("lists", "north", "south"):
        (folder / place).mkdir()
    (folder / "lists" / "sanctioned_addresses_ETH.txt").write_text(f"{D}\n")
    for title, confidence, said in (("north", "ownership", 2020), ("south", "unknown", 2023)):
        pack = PACK.format(title=title, address=C, confidence=confidence, said=f"{said}-01-01")
        (folder / title / "p.yaml").write_text(pack)
    (folder / "case.toml").write_text(CASE.replace("DAY", day).replace("SUBJECTS", subjects) + more)
    return run_case(
        folder / "case.toml", folder.parent / f"{folder.name}.out", data=folder,
        mask_key=bytes(range(32)),
    )  # fmt: skip


def met(made: RunReport) -> dict[str, list[str]]:
    """Return by address what the tags say that a payment met."""
    table = made.editions["working"] / "tables" / "hits.csv"
    with table.open(newline="") as file:
        return {row["address"].lower(): row["tags"].split("\n") for row in csv.DictReader(file)}


def test_acts_of_authorities_are_named_with_their_publisher_and_day(tmp_path: Path) -> None:
    found = met(run(tmp_path / "acts", SANCTIONS + SEIZURES))
    assert set(found) == {B, D}
    assert "authority_data, says OFAC): listed as of 2024-09-27" in found[D][0]
    assert "seizure order 1/22, P (seizure_order, authority_data, says P)" in found[B][0]


def test_packs_of_one_name_are_two(tmp_path: Path) -> None:
    made = run(tmp_path / "packs", PACKS)
    said = " ".join(met(made)[C])
    assert "ownership, says" in said
    assert "unknown, says" in said


def test_what_was_said_later_does_not_count_and_the_report_says_so(tmp_path: Path) -> None:
    made = run(tmp_path / "then", PACKS + SANCTIONS + SEIZURES, "tags_as_of = 2022-06-01")
    found = met(made)
    assert set(found) == {B, C}
    assert "unknown, says" not in " ".join(found[C])
    report = (made.editions["working"] / "report.html").read_text()
    assert "what had been said by 2022-06-01: 2 rows of tags count, and 2 that were" in report
    now = run(tmp_path / "now", PACKS + SANCTIONS + SEIZURES)
    assert set(met(now)) == {B, C, D}
    assert "Tags as they stood" not in (now.editions["working"] / "report.html").read_text()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('kind = "sanctions"', "sanctions need publisher and as_of"),
        ('kind = "seizures"\npublisher = "P"', "seizures need publisher and as_of"),
        ('publisher = "P"', "publisher and as_of are of kind sanctions and seizures"),
        ('kind = "feed"\ncolumns = {address = "a"}', "feed have no columns to name"),
        ('kind = "list"\nlabel = "l"', "label is of kind sanctions"),
        (
            'kind = "sanctions"\npublisher = "P"\nas_of = 2024-01-01\nchain = "eth"',
            "leave chain out",
        ),
        ('kind = "packs"', "tagpack"),
    ],
)
def test_what_does_not_fit_its_kind_is_said(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        run(tmp_path / "bad", f'[[tags]]\npath = "lists"\n{keys}\n')


def test_a_day_before_all_tags_leaves_nobody_to_follow(tmp_path: Path) -> None:
    named = 'label = "hall"\nconcept = "exchange"'
    with pytest.raises(CaseError, match="the case has no subject"):
        run(tmp_path / "early", PACKS, "tags_as_of = 2000-01-01", named)
