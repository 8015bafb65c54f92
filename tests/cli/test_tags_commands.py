"""``chainwatch tags``: any form in which people keep tags, found by a part of a label."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from chainwatch.addresses.canonical import text

Run = Callable[..., tuple[int, str, str]]

ONE, TWO = (text(b"\x01" + bytes(19) + bytes([number]), "btc-regtest") for number in (1, 2))
TABLE = f"addr,name\n{ONE},Otter Market\n{TWO},Seal Exchange\n"


def test_a_packed_table_is_listed_and_searched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    given = ("tags", "list", "--tags", "t.csv.gz", "--chain", "btc-regtest",
             "--column", "address=addr", "--column", "label=name")  # fmt: skip
    status, said, _ = run(*given, "--csv", "out.csv")
    assert status == 0
    assert said.count("btc-regtest  ") == 2
    assert "Otter Market" in (tmp_path / "out.csv").read_text()
    status, said, _ = run(*given, "--find", "otter")
    assert (status, said.count("btc-regtest  ")) == (0, 1)
    assert f"btc-regtest  {ONE}  Otter Market" in said


def test_a_filter_that_fits_nothing_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    given = ("--tags", "t.csv", "--chain", "btc-regtest", "--column", "address=addr",
             "--column", "label=name", "--find", "walrus", "--concept", "vendor")  # fmt: skip
    for command in (("list",), ("hits", "--ledger", "none")):
        status, said, told = run("tags", *command, *given)
        assert (status, said) == (1, "")
        assert "none of the 2 tags fits --find walrus --concept vendor" in told
        assert "there are Otter Market, Seal Exchange" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--column", "address"), "'address' names no column of a table"),
        (("--column", "address=x"), "the column 'x' is not there, but addr, name"),
        ((), "the columns are addr, name"),
        (("--kind", "csv"), "write tagpack, list, table or feed"),
    ],
)
def test_a_table_that_is_not_understood(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    status, _, told = run("tags", "list", "--tags", "t.csv", "--chain", "btc-regtest", *arguments)
    assert status == 1
    assert sentence in told


def test_a_chain_alone_is_a_filter_too(run: Run, tmp_path: Path) -> None:
    rows = f"addr,name,chain\n{ONE},Otter Market,btc-regtest\n"
    (tmp_path / "t.csv").write_text(rows)
    given = ("--tags", "t.csv", "--column", "address=addr", "--column", "label=name")
    status, said, _ = run("tags", "list", *given, "--column", "chain=chain")
    assert (status, said.count("btc-regtest  ")) == (0, 1)
    status, _, told = run("tags", "list", *given, "--column", "chain=chain", "--chain", "doge")
    assert status == 1
    assert "none of the 1 tags fits --chain doge" in told


def test_a_name_from_right_to_left_keeps_its_digits(run: Run, tmp_path: Path) -> None:
    name = "\u0635\u0631\u0627\u0641\u0629 12"
    (tmp_path / "t.csv").write_text(f"addr,name\n{ONE},{name}\n", encoding="utf-8")
    status, said, _ = run("tags", "list", "--tags", "t.csv", "--chain", "btc-regtest",
                          "--column", "address=addr", "--column", "label=name")  # fmt: skip
    assert status == 0
    assert f"\u2068{name}\u2069 (" in said
    assert "; undated\n" in said
    assert "Tags(1 row on 1 address, 1 undated, 0 not taken)" in said


def test_an_existing_file_is_replaced_only_where_that_is_asked_for(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "tags.csv").write_text("address,label\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT,Kelp\n")
    out = tmp_path / "out.csv"
    out.write_text("mine")
    asked = ("tags", "list", "--tags", tmp_path / "tags.csv", "--chain", "btc", "--csv", out)
    status, _, err = run(*asked)
    assert status == 1
    assert "the file exists already" in err
    assert "--replace" in err
    assert out.read_text() == "mine"
    assert run(*asked, "--replace")[0] == 0
    assert "Kelp" in out.read_text()


def test_a_statement_is_listed_and_what_is_not_taken_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(f"Address,Hash,Who\n{ONE},,7\nnobody,,8\n")
    (tmp_path / "s.toml").write_text(
        'source = "X"\naddress = "Address"\ntxid = "Hash"\ncustomer = "Who"\n'
        'chain = "btc-regtest"\nway = "deposit"\n'
    )
    given = ("tags", "statement", "s.csv", "--mapping", "s.toml")
    status, said, told = run(*given, "--csv", "out.csv")
    assert status == 0
    assert f"line 2  btc-regtest  {ONE}" in said
    assert "deposit, 7; X" in said
    assert "Statement(1 note, 0 tags, 1 not taken)" in said
    assert "not taken: s.csv line 3" in told
    assert ONE in (tmp_path / "out.csv").read_text()
    assert run(*given, "--way", "up")[0] == 1
    status, _, told = run("tags", "statement", "s.csv")
    assert (status, "write a mapping" in told) == (1, True)


PACK = f"""\
title: A market
creator: A publisher
label: Otter Market
source: https://example.org
currency: btc-regtest
tags:
- address: {ONE}
  lastmod: 2023-05-10
- address: {TWO}
  lastmod: 2024-05-10
"""


def test_a_pack_is_written_of_a_table_and_like_another(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    columns = ("--column", "address=addr", "--column", "label=name")
    given = ("tags", "pack", "--tags", "t.csv", "--chain", "btc-regtest", *columns)
    status, said, _ = run(*given, "--title", "T", "--creator", "C", "--out", "made.yaml")
    assert (status, said.splitlines()[-1]) == (0, "written: made.yaml")
    status, said, _ = run("tags", "list", "--tags", "made.yaml", "--find", "otter")
    assert (status, said.count("Otter Market")) == (0, 1)
    (tmp_path / "old.yaml").write_text(PACK)
    status, _, _ = run(
        "tags", "pack", "--tags", "old.yaml", "--like", "old.yaml", "--out", "x.yaml"
    )
    assert status == 0
    assert (tmp_path / "x.yaml").read_text() == PACK
    status, _, told = run("tags", "pack", "--tags", "old.yaml", "--out", "x.yaml")
    assert status == 1
    assert "the file exists already" in told
    status, _, told = run("tags", "pack", "--tags", "old.yaml", "--out", "y.yaml")
    assert status == 1
    assert "a pack without title" in told


def test_what_had_been_said_by_a_day_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(PACK)
    given = ("tags", "list", "--tags", "old.yaml", "--compiled", "kept")
    for day, count in (("2023-05-10", 1), ("2024-05-10", 2)):
        status, said, _ = run(*given, "--said-by", day)
        assert (status, said.count("btc-regtest  ")) == (0, count)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    status, _, told = run(*given, "--said-by", "May")
    assert status == 1
    assert "'May' is no day" in told
