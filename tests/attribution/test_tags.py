"""Tags are narrowed, merged, dated and shown without loss and without naming a bystander."""

from __future__ import annotations

import gzip
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical
from chainwatch.attribution import conflicts
from chainwatch.attribution.rejections import quoted
from chainwatch.attribution.roles import holds
from chainwatch.attribution.tags import Tags, make_tags, read_tags, tags_of
from chainwatch.attribution.taxonomy import TREE
from chainwatch.chains.catalogue import chain
from chainwatch.errors import TagError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import digest_result
from chainwatch.tracing.stops import HOSTED, TAGGED, reason_of

BTC = chain("btc").id
DAY = date(2020, 1, 1)


def tag(number: int = 1, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "chain": BTC,
        "address": b"\x01" + bytes(19) + bytes([number]),
        "label": "A label",
        "concept": None,
        "actor": None,
        "source": "a source",
        "confidence": "unknown",
        "level": 5,
        "first_day": None,
        "last_day": None,
        "as_of": None,
        "pack": "pack.yaml",
        "definer": False,
        "context": None,
    }
    return {**row, **fields}


def tags(*rows: dict[str, Any]) -> Tags:
    return make_tags(pl.DataFrame(list(rows), schema=TAGS.schema))


def text(number: int) -> str:
    return canonical.text(b"\x01" + bytes(19) + bytes([number]), "btc")


def labels(found: Tags) -> list[str]:
    return found.frame["label"].to_list()


def test_a_concept_finds_narrower_ones() -> None:
    concepts = ("exchange", "defi_bridge", "vendor", "service", None, "tumbler")
    all_tags = tags(*(tag(n, concept=name) for n, name in enumerate(concepts)))
    found = all_tags.where(concept="service").frame["concept"]
    assert sorted(found) == ["defi_bridge", "exchange", "service", "tumbler"]
    assert all_tags.where(concept="vendor").frame["concept"].to_list() == ["vendor"]
    assert all_tags.where(concept="mixing_service").frame["concept"].to_list() == ["tumbler"]
    with pytest.raises(TagError, match="did you mean vendor"):
        all_tags.where(concept="vendors")


def test_services_are_all_with_whom_following_ends() -> None:
    """Wallets of a service and banks are no ``service`` of the tree; a trace ends there as well."""
    ending = ("bank", "coinjoin", "cold_wallet", "defi_bridge", "exchange", "hot_wallet", "mixing")
    others = ("vendor", "victim", "scam", None)
    all_tags = tags(*(tag(n, concept=name) for n, name in enumerate((*ending, *others))))
    assert tuple(sorted(all_tags.services().frame["concept"])) == ending
    for name in (*ending, *others):
        assert (reason_of([name]) != TAGGED) is (name in ending)


def test_where_joins_what_is_given() -> None:
    all_tags = tags(
        tag(1, label="a", actor="x", level=60, confidence="authority_data"),
        tag(2, label="b", actor="x", source="other"),
        tag(3, label="c", chain="eip155:1", address=b"\x10" + bytes(20)),
    )
    assert labels(all_tags.where(actor="x")) == ["a", "b"]
    assert labels(all_tags.where(actor="x", source="other")) == ["b"]
    assert labels(all_tags.where(chain="eth")) == ["c"]
    assert labels(all_tags.where(label="b")) == ["b"]
    assert labels(all_tags.where(min_level=20)) == ["a"]
    assert labels(all_tags.where(min_level="authority_data")) == ["a"]
    assert labels(all_tags.where()) == ["a", "b", "c"]


def test_addresses_are_distinct() -> None:
    all_tags = tags(tag(2), tag(1, concept="market"), tag(1, concept="drugs"))
    assert all_tags.addresses().rows() == [
        (BTC, b"\x01" + bytes(19) + b"\x01"),
        (BTC, b"\x01" + bytes(19) + b"\x02"),
    ]
    assert all_tags.addresses("eth").height == 0


def test_of_an_address_as_text_or_bytes() -> None:
    all_tags = tags(tag(1), tag(2))
    assert all_tags.of(text(2), "btc").height == 1
    assert all_tags.of(b"\x01" + bytes(19) + b"\x02", "btc").height == 1
    assert all_tags.of(text(3), "btc").height == 0
    assert all_tags.of(b"\x01" + bytes(19) + b"\x02", "ltc").height == 0


def test_on_a_day_undated_tags_stay_and_are_counted() -> None:
    one = timedelta(days=1)
    all_tags = tags(
        tag(label="undated"),
        tag(label="ended", last_day=DAY - one),
        tag(label="ends today", last_day=DAY),
        tag(label="begins today", first_day=DAY),
        tag(label="not yet", first_day=DAY + one),
        tag(label="holds", first_day=DAY - one, last_day=DAY + one),
    )
    view = all_tags.on(DAY)
    assert sorted(labels(view)) == ["begins today", "ends today", "holds", "undated"]
    assert view.undated == 2
    assert labels(all_tags.on("2020-01-01")) == labels(view)
    with pytest.raises(TagError, match="'yesterday' is no day"):
        all_tags.on("yesterday")


def test_conflicting_actors_at_the_same_time() -> None:
    all_tags = tags(
        tag(1, actor="huobi", first_day=date(2020, 1, 1), last_day=date(2020, 12, 31)),
        tag(1, actor="kraken", first_day=date(2020, 6, 1), source="b"),
        tag(1, actor="bittrex", first_day=date(2013, 1, 1), last_day=date(2013, 2, 1)),
        tag(1, label="only a label"),
        tag(2, actor="huobi"),
    )
    found = all_tags.conflicts().drop("chain", "address").rows()
    assert found == [
        ("actor", "huobi", "kraken", "a source", "b", date(2020, 6, 1), date(2020, 12, 31))
    ]


def test_conflicting_labels_where_no_actor_is_stated() -> None:
    all_tags = tags(tag(1, label="B"), tag(1, label="A"), tag(1, label="A", concept="market"))
    row = all_tags.conflicts().row(0, named=True)
    assert (row["basis"], row["first"], row["second"], row["from_day"]) == ("label", "A", "B", None)
    assert all_tags.conflicts().height == 1
    assert tags(tag(1), tag(1, concept="market"), tag(2, label="B")).conflicts().is_empty()


def test_a_flood_of_claims_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "MOST_CLAIMS", 3)
    with pytest.raises(TagError, match="one address has 4 distinct claims"):
        tags(*(tag(1, label=str(n)) for n in range(4))).conflicts()


def test_merging_keeps_the_latest_and_lists_the_other() -> None:
    old = tags(tag(1, as_of=date(2020, 1, 1), confidence="ownership", level=100), tag(2))
    new = tags(tag(1, as_of=date(2021, 1, 1)), tag(2), tag(3))
    both = old + new
    assert both.frame["as_of"].to_list() == [date(2021, 1, 1), None, None]
    assert both.rejected["text"].to_list() == [text(1)]
    assert "confidence ownership, as_of 2020-01-01" in both.rejected["reason"][0]


SETS = st.lists(
    st.builds(
        lambda n, concept, day, level: tag(n, concept=concept, as_of=day, **level),
        st.integers(1, 3),
        st.sampled_from([None, "market", "drugs"]),
        st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 3)),
        st.sampled_from([
            {"confidence": "unknown", "level": 5}, {"confidence": "forensic", "level": 50},
        ]),
    ),
    max_size=6,
).map(lambda rows: tags(*rows))  # fmt: skip


@settings(max_examples=40)
@given(SETS, SETS, SETS)
def test_merging_is_the_same_in_any_order_and_loses_nothing(a: Tags, b: Tags, c: Tags) -> None:
    assert digest_result(a + b) == digest_result(b + a)
    assert digest_result((a + b) + c) == digest_result(a + (b + c))
    assert digest_result(a + a) == digest_result(a)
    keys = pl.concat([a.frame, b.frame]).select(TAGS.key).unique()
    assert (a + b).frame.select(TAGS.key).height == keys.height
    whole = pl.concat([a.frame, b.frame]).unique().height
    noted = (a + b).rejected.height - pl.concat([a.rejected, b.rejected]).unique().height
    assert keys.height + noted <= whole <= (a + b).frame.height + (a + b).rejected.height


def test_the_order_of_rows_is_not_in_the_digest() -> None:
    rows = [tag(n, concept=concept) for n in range(3) for concept in (None, "market")]
    assert digest_result(tags(*rows)) == digest_result(tags(*reversed(rows)))


def test_verbs_are_recorded(tmp_path: Path) -> None:
    write(tmp_path / "one.yaml")
    found = read_tags(tmp_path).where(concept="market").on("2020-01-01")
    assert found.record is not None
    assert [line.split("(")[0].strip() for line in found.record.tree().splitlines()] == [
        "on", "where", "read_tags",
    ]  # fmt: skip
    assert found.record.content == digest_result(found)


def test_tags_of_a_ledger() -> None:
    ledger = Ledger.from_tables({"tags": pl.DataFrame([tag(1)], schema=TAGS.schema)})
    found = tags_of(ledger)
    assert found.frame.equals(tags(tag(1)).frame)
    assert found.record is not None


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "formula": '=HYPERLINK("http://example.org","x")',
    "override": "abc\u202etxt.exe",
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "newline": "a\r\nb",
    "long": "x" * 10_000,
    "NUL": "a\x00b",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_labels_are_kept_exactly_and_shown_safely(name: str) -> None:
    label = HOSTILE[name]
    found = tags(tag(1, label=label, source=label, context=label, concept="market"))
    assert labels(found) == [label]
    assert labels(found.where(label=label)) == [label]
    for column in ("label", "source", "context"):
        said = found.plain()[column][0]
        assert said.isprintable()
        assert len(said) <= 1_000
    assert "<script" not in found._repr_html_()


def test_hostile_concepts_of_a_foreign_ledger_are_escaped_in_html() -> None:
    found = tags(tag(1, concept="<script>alert(1)</script>\u202e"))
    assert "&lt;script&gt;" in found._repr_html_()
    assert "<script" not in found._repr_html_()
    assert "\u202e" not in found._repr_html_()


def test_representations_count_and_name_nobody() -> None:
    found = tags(tag(1, concept="market", label="Somebody"), tag(2, first_day=DAY))
    assert repr(found) == "Tags(2 rows on 2 addresses, 1 undated, 0 not taken)"
    assert len(found) == 2
    html = found._repr_html_()
    assert "<td>market</td><td>1</td><td>1</td>" in html
    assert "<td>none stated</td><td>1</td><td>0</td>" in html
    for part in (text(1), text(2), "Somebody"):
        assert part not in html + repr(found)


def test_plain_says_undated() -> None:
    rows = tags(tag(1), tag(2, first_day=DAY)).plain()
    assert rows["first_day"].to_list() == ["undated", "2020-01-01"]
    assert rows["address"].to_list() == [text(1), text(2)]
    assert rows["chain"].to_list() == ["btc", "btc"]


def test_empty_tags_work_throughout() -> None:
    empty = tags()
    assert (len(empty), empty.undated, empty.addresses().height) == (0, 0, 0)
    assert empty.plain().height == empty.conflicts().height == 0
    assert "0 rows" in empty._repr_html_()
    assert len(empty + empty) == 0


@given(st.text(max_size=300))
def test_shown_is_printable_and_bounded(whole: str) -> None:
    said = quoted(whole, 50)
    assert said.isprintable()
    assert len(said) <= 50 * 10 + 3
    if whole.isascii() and whole.isprintable() and len(whole) <= 50:
        assert said == whole


def write(path: Path, address: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "title: T\ncreator: C\nlabel: L\nsource: S\ncurrency: BTC\ncategory: market\n"
    path.write_text(f"{head}tags:\n- address: {address or text(1)}\n")


def test_a_folder_is_read_in_order_and_notes_what_is_no_pack(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml"):
        write(tmp_path / name)
    for name in ("config.yaml", "sub/my.actorpack.yaml", "ex_actorpack.yaml", "notes.csv"):
        (tmp_path / name).write_text("unread: [")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "build.yaml").write_text("unread: [")
    read = read_tags(tmp_path)
    assert read.frame["pack"].to_list() == ["a.yml", "b.yaml", "sub/c.yaml"]
    assert read.rejected.select("file", "reason").rows() == [
        ("config.yaml", "file not read: a configuration of the TagPack tool"),
        ("ex_actorpack.yaml", "file not read: an ActorPack describes actors and holds no tags"),
        ("notes.csv", "file not read: its name does not end in .yaml or .yml"),
        ("sub/my.actorpack.yaml", "file not read: an ActorPack describes actors and holds no tags"),
    ]


def test_the_folder_it_lies_in_changes_nothing(tmp_path: Path) -> None:
    for folder in ("here", "there and a space"):
        write(tmp_path / folder / "one.yaml")
    here, there = (read_tags(tmp_path / folder) for folder in ("here", "there and a space"))
    assert digest_result(here) == digest_result(there)
    assert str(tmp_path) not in str(here.frame.rows())


def test_links_that_leave_the_folder_are_not_read(tmp_path: Path) -> None:
    write(tmp_path / "outside.yaml")
    write(tmp_path / "packs" / "inside.yaml")
    (tmp_path / "packs" / "linked.yaml").symlink_to(tmp_path / "outside.yaml")
    (tmp_path / "packs" / "loop").symlink_to(tmp_path)
    read = read_tags(tmp_path / "packs")
    assert read.frame["pack"].to_list() == ["inside.yaml"]
    reasons = dict(read.rejected.select("file", "reason").rows())
    assert reasons["linked.yaml"] == "file not read: a link that leaves the folder"


def test_several_paths_are_read_together(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / f"{number}.yaml", text(number))
    read = read_tags([tmp_path / "1.yaml", str(tmp_path / "2.yaml")])
    assert read.frame["pack"].to_list() == ["1.yaml", "2.yaml"]


def test_a_file_name_of_other_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff<b>.yaml")
    try:
        write(tmp_path / name)
    except OSError:
        pytest.skip("this system holds no file of such a name")
    assert read_tags(tmp_path).frame["pack"].to_list() == ["a\\udcff<b>.yaml"]


def test_a_plain_list_leaves_unsaid_what_it_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "victims.txt"
    path.write_bytes(f"\ufeff# a comment\r\n{text(1)}\r\n\r\nnothing\r\n{text(1)}\r\n".encode())
    read = read_tags(path, chain="btc")
    row = read.frame.row(0, named=True)
    assert (row["label"], row["concept"], row["confidence"]) == ("victims", None, "unknown")
    assert row["source"] == "list victims.txt, publisher not stated"
    assert (row["first_day"], row["as_of"]) == (None, None)
    assert read.rejected["position"].to_list() == ["line 4", "line 5"]
    assert read.rejected["reason"][1] == "says again what line 2 says"


def test_a_list_names_its_chain(tmp_path: Path) -> None:
    (tmp_path / "some_XBT.txt").write_text(text(1))
    assert read_tags(tmp_path / "some_XBT.txt").frame["chain"].to_list() == [BTC]
    (tmp_path / "some.txt").write_text(text(1))
    with pytest.raises(TagError, match=r"a list without its chain at some\.txt; name the chain"):
        read_tags(tmp_path / "some.txt")
    assert len(read_tags(tmp_path / "some.txt", chain="btc")) == 1
    (tmp_path / "data.csv").write_text(text(1))
    assert len(read_tags(tmp_path / "data.csv", chain="btc", kind="list")) == 1
    (tmp_path / "some_XBT.txt.gz").write_bytes(gzip.compress(text(1).encode()))
    assert read_tags(tmp_path / "some_XBT.txt.gz").frame["chain"].to_list() == [BTC]
    for name in ("data.json", "data.xlsx", "data.parquet.gz"):
        (tmp_path / name).write_text(text(1))
        with pytest.raises(TagError, match=r"tags in a \.\w+ file cannot be read .*\.yaml.*\.txt"):
            read_tags(tmp_path / name, chain="btc")


@pytest.mark.parametrize("data", [b"a\x00b", b"\xff\xfe\xfa"])
def test_a_list_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(TagError, match=r"at x\.txt"):
        read_tags(tmp_path / "x.txt", chain="btc")


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="no such file or folder"):
        read_tags(tmp_path / "nothing")
    with pytest.raises(TagError, match="the folder holds no tag file"):
        read_tags(tmp_path)
    write(tmp_path / "a.yaml")
    with pytest.raises(
        TagError, match="no kind 'csv' of tag file; write tagpack, list, table or feed"
    ):
        read_tags(tmp_path, kind="csv")


def test_who_holds_the_money_of_others_is_whom_a_trace_ends_at_as_hosted():
    names = [line.strip() for line in TREE.splitlines()]
    for one in names:
        for other in ("mixing", "defi_bridge", "exchange", "vendor", one):
            assert holds([one, None, other]) == (reason_of([one, None, other]) == HOSTED)
    assert not holds([None])


PACK = """
title: {title}
creator: somebody
tags:
  - {{address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa, currency: BTC, label: shop, actor: {title},
     source: https://example.org/list, confidence: {confidence}, lastmod: {said}}}
"""


def test_files_of_one_name_in_two_folders_are_two_packs(tmp_path: Path) -> None:
    for folder, title, confidence, said in (
        ("old/north", "north", "authority_data", "2020-01-01"),
        ("old/south", "south", "unknown", "2024-01-01"),
    ):
        place = tmp_path / folder
        place.mkdir(parents=True)
        text = PACK.format(title=title, confidence=confidence, said=said)
        (place / "tags.yaml").write_text(text, encoding="utf-8")
    north, south = tmp_path / "old/north", tmp_path / "old/south"
    for paths in ([north, south], [north / "tags.yaml", south / "tags.yaml"]):
        tags = read_tags(paths)
        said = tags.frame.select("pack", "actor", "confidence").rows()
        assert said == [
            ("north/tags.yaml", "north", "authority_data"), ("south/tags.yaml", "south", "unknown"),
        ]  # fmt: skip
        assert tags.rejected.is_empty()
        assert read_tags(paths[::-1]).digest == tags.digest
    # One path, or one file by two paths, has nothing to be told apart from.
    assert read_tags(north).frame["pack"].to_list() == ["tags.yaml"]
    assert read_tags([north, north]).digest == read_tags(north).digest
    assert len(read_tags([north, north / "tags.yaml"])) == 1


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path: Path) -> None:
    for folder, title in (("one/packs", "one"), ("two/packs", "two")):
        place = tmp_path / folder
        place.mkdir(parents=True)
        text = PACK.format(title=title, confidence="unknown", said="2020-01-01")
        (place / "tags.yaml").write_text(text, encoding="utf-8")
    tags = read_tags([tmp_path / "one/packs", tmp_path / "two/packs"])
    assert tags.frame["pack"].to_list() == ["one/packs/tags.yaml", "two/packs/tags.yaml"]
