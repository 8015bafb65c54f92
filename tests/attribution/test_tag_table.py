"""Tables of tags are read by their columns, packed or not; a bad row refuses no other."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from chainwatch import packed
from chainwatch.addresses.canonical import text
from chainwatch.attribution.tags import Tags, read_tags
from chainwatch.errors import TagError

ONE, TWO, THREE = (text(b"\x01" + bytes(19) + bytes([number]), "btc") for number in (1, 2, 3))


def read(folder: Path, table: str, *, name: str = "labels.csv", **said: object) -> Tags:
    data = table.encode()
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return read_tags(path, **{"chain": "btc", **said})  # type: ignore[arg-type]


def rejected(tags: Tags) -> dict[str, str]:
    return dict(tags.rejected.select("position", "reason").iter_rows())


@pytest.mark.parametrize("name", ["labels.csv", "labels.CSV.gz", "labels.tsv", "labels.txt"])
def test_columns_say_what_they_are_told_to_say(tmp_path: Path, name: str) -> None:
    table = f"\ufeffaddr,name,kind,since,memo\r\n{ONE},Otter,Exchange;shop,2023-01-05,x\r\n\r\n"
    table = table.replace(",", "\t") if name.endswith("tsv") else table
    columns = {"address": "addr", "label": "name", "concept": "kind", "first_day": "since"}
    kind = "table" if name.endswith("txt") else None
    tags = read(tmp_path, table, name=name, columns=columns, kind=kind)
    first, second = tags.frame.sort("concept").rows(named=True)
    assert (first["concept"], second["concept"]) == ("exchange", "shop")
    for row in (first, second):
        assert (row["label"], row["first_day"]) == ("Otter", date(2023, 1, 5))
        assert (row["source"], row["confidence"]) == (
            f"table {name}, publisher not stated", "unknown",
        )  # fmt: skip
        assert row["context"] is None, "memo is a column that nobody named"


def test_a_column_by_the_name_of_what_it_says_needs_no_mapping(tmp_path: Path) -> None:
    tags = read(
        tmp_path,
        f"chain;address;label;actor;source;as_of\nltc;{ONE};a;b;c;2024-01-01\nbtc;{TWO};d;;e;\n",
    )
    assert tags.plain().select("chain", "label", "actor", "source", "as_of").rows() == [
        ("btc", "d", None, "e", None)
    ], "an address of one chain is none of another"
    assert list(rejected(tags)) == ["tag 1, line 2"]


def test_one_row_that_is_no_tag_is_set_apart(tmp_path: Path) -> None:
    rows = (
        f"{ONE},good,exchange", "nothing,x,", f"{TWO},y,no concept", f"{THREE}", ",z,",
        f"{ONE},good,exchange", f'{TWO},"two\nlines",',
    )  # fmt: skip
    tags = read(tmp_path, "address,label,concept\n" + "\n".join(rows) + "\n")
    assert sorted(tags.frame["label"]) == ["good", "two\nlines"]
    said = rejected(tags)
    assert list(said) == ["tag 2, line 3", "line 4", "line 5", "tag 5, line 6", "tag 6, line 7"]
    assert said["line 4"].startswith("no concept 'no concept' in the taxonomy")
    assert said["line 5"] == "the row has 1 cells, fewer than the line of column names"
    assert said["tag 5, line 6"] == "a tag needs exactly one of address and tx_hash"
    assert said["tag 6, line 7"] == "says again what tag 1 says"


@pytest.mark.parametrize(
    ("table", "columns", "sentence"),
    [
        ("a,b\n1,2\n", None, r"no column is said to hold the addresses; the columns are a, b at"),
        ("", None, "the columns are none"),
        ("a,b\n", {"address": "c"}, r"the column 'c' is not there, but a, b at labels\.csv line 1"),
        ("a,a\n", {"address": "a"}, "the column 'a' stands there twice"),
        ("a\n", {"adress": "a"}, "a tag has no field 'adress'; name one of address"),
        ('address\n"open\n', None, r"not readable as a table: .* at labels\.csv line 2"),
        ("address\n\x00\n", None, "a NUL byte in a table"),
    ],
)
def test_what_is_no_table_says_what_is_wrong(
    tmp_path: Path, table: str, columns: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(TagError, match=sentence):
        read(tmp_path, table, columns=columns)


def test_a_packed_file_is_bounded_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.csv.gz"
    for data in (b"address\n", gzip.compress(b"address\n" * 99)[:-9]):
        path.write_bytes(data)
        with pytest.raises(TagError, match=r"named \.gz and cannot be unpacked at labels\.csv\.gz"):
            read_tags(path, chain="btc")
    monkeypatch.setattr(packed, "MAX_BYTES", 1000)
    path.write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(TagError, match="holds more than 1,000 bytes"):
        read_tags(path, chain="btc")


def test_a_folder_of_tables_is_read_where_it_is_said_to_be_one(tmp_path: Path) -> None:
    for number, address in enumerate((ONE, TWO)):
        (tmp_path / f"{number}.csv").write_text(f"addr\n{address}\n")
    with pytest.raises(TagError, match=r"holds no tag file .*tagpack, list, table"):
        read_tags(tmp_path, chain="btc")
    with pytest.raises(TagError, match="no column is said"):
        read_tags(tmp_path, chain="btc", kind="table")
    assert len(read_tags(tmp_path, chain="btc", columns={"address": "addr"})) == 2


def test_labels_are_found_by_a_part_and_nothing_found_is_said(tmp_path: Path) -> None:
    tags = read(tmp_path, f"address,label,actor\n{ONE},Otter Market,\n{TWO},a,OTTER\n{THREE},b,c\n")
    assert sorted(tags.where(matching="otter").frame["label"]) == ["Otter Market", "a"]
    none = tags.where(matching="seal", concept="vendor")
    assert repr(none) == "Tags(no row fits concept='vendor', matching='seal')"
    assert "no row fits" in none._repr_html_()
