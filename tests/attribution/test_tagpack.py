"""A TagPack is read as its publisher wrote it, or refused with file, tag, line and remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical
from chainwatch.attribution.files import tagpack
from chainwatch.attribution.tags import Tags, make_tags, read_tags
from chainwatch.attribution.taxonomy import LEVELS, broader
from chainwatch.case.exports.tagpack import write_tagpack
from chainwatch.chains.catalogue import chain
from chainwatch.errors import OutputExists, TagError
from chainwatch.ledger.schema import TAGS

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ZERO = "0x" + "0" * 40
TRON = canonical.text(b"\x11" + bytes(20), "tron")

HEADER = """\
title: A market
creator: A publisher
source: https://example.org/list
currency: BTC
label: A label
"""


def pack(tmp_path: Path, tags: str, header: str = HEADER) -> Tags:
    path = tmp_path / "pack.yaml"
    path.write_text(f"{header}tags:\n{tags}", encoding="utf-8")
    return read_tags(path)


def only(tags: Tags) -> dict[str, Any]:
    assert tags.rejected.height == 0, tags.rejected.rows()
    return tags.frame.row(0, named=True)


def test_header_holds_for_every_tag_and_a_tag_overrides_it(tmp_path: Path) -> None:
    read = pack(
        tmp_path,
        f"- address: {GENESIS}\n- address: '{ZERO}'\n  currency: ETH\n  label: Another\n"
        "  confidence: web_crawl\n",
        HEADER + "confidence: authority_data\nlastmod: 2023-05-10\nis_cluster_definer: true\n",
    )
    rows = {row["label"]: row for row in read.frame.iter_rows(named=True)}
    assert rows["A label"] == {
        "chain": chain("btc").id,
        "address": canonical.parse(GENESIS, "btc"),
        "label": "A label",
        "concept": None,
        "actor": None,
        "source": "https://example.org/list",
        "confidence": "authority_data",
        "level": 60,
        "first_day": None,
        "last_day": None,
        "as_of": date(2023, 5, 10),
        "pack": "pack.yaml",
        "definer": True,
        "context": None,
    }
    assert rows["Another"]["chain"] == "eip155:1"
    assert rows["Another"]["level"] == 20


def test_category_abuse_and_concepts_become_rows(tmp_path: Path) -> None:
    read = pack(
        tmp_path,
        f"- address: {GENESIS}\n  category: market\n  abuse: drugs\n"
        "  concepts: [market, dark_web]\n  tag_type: mention\n",
    )
    assert sorted(read.frame["concept"]) == ["dark_web", "drugs", "market", "mention"]


def test_confidence_is_unknown_where_it_is_not_stated(tmp_path: Path) -> None:
    row = only(pack(tmp_path, f"- address: {GENESIS}\n"))
    assert (row["confidence"], row["level"], row["definer"]) == ("unknown", 5, None)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2021-11-04", date(2021, 11, 4)),
        ("'2021-11-04'", date(2021, 11, 4)),
        ("2021-1-4", date(2021, 1, 4)),
        ("2023-08-16 12:18:52.619444", date(2023, 8, 16)),
        ("2023-08-16T23:59:59Z", date(2023, 8, 16)),
    ],
)
def test_dates_as_yaml_or_text(tmp_path: Path, written: str, day: date) -> None:
    read = pack(tmp_path, f"- address: {GENESIS}\n  lastmod: {written}\n  first_day: {written}\n")
    assert (only(read)["as_of"], only(read)["first_day"]) == (day, day)


@pytest.mark.parametrize(
    ("fields", "address", "alias"),
    [
        ("currency: btc", GENESIS, "btc"),
        ("currency: USDT", ZERO, "eth"),
        ("currency: USDT", TRON, "tron"),
        ("currency: USDC", ZERO, "eth"),
        ("currency: USDT\n  network: TRX", TRON, "tron"),
        ("currency: USDT\n  network: ETH", ZERO, "eth"),
        ("currency: SHIB\n  network: ETH", ZERO, "eth"),
        ("network: btc-testnet", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "btc-testnet"),
        ("network: eip155:1", ZERO, "eth"),
    ],
)
def test_network_and_currency(tmp_path: Path, fields: str, address: str, alias: str) -> None:
    row = only(pack(tmp_path, f"- address: '{address}'\n  {fields}\n"))
    assert row["chain"] == chain(alias).id


REJECTED = {
    "trailing space": (f"- address: '{GENESIS} '", "white space"),
    "too short": ("- address: '0x1234'\n  currency: ETH", "not an address of Ethereum"),
    "checksum": (f"- address: {GENESIS[:-1]}b", "not an address of Bitcoin"),
    "another chain": (f"- address: {TRON}", "address of Tron"),
    "unknown network": ("- address: 4abc\n  currency: XMR", "network 'XMR' is not supported"),
    "same key elsewhere": (f"- address: '{ZERO}'\n  currency: BEP20", "'BEP20' is not supported"),
    "omni": (f"- address: {GENESIS}\n  currency: USDT", "form of neither ETH nor TRX"),
    "transaction": (f"- tx_hash: {'ab' * 32}", "a tag on a transaction"),
    "no subject": ("- label: x", "exactly one of address and tx_hash"),
    "two subjects": (f"- address: {GENESIS}\n  tx_hash: {'ab' * 32}", "exactly one of"),
    "a private key": ("- address: " + "5" * 51, "not an address"),
    "a key with a hidden character": (
        "- address: 55\u200b" + "5" * 49,
        "holds a character that no",
    ),
    "a Cyrillic letter": (f"- address: {GENESIS[:-1]}\u0430", "it is an address of Bitcoin"),
    "a full-width digit": (f"- address: \uff11{GENESIS[1:]}", "FULLWIDTH DIGIT ONE"),
    "a zero-width space": (f"- address: {GENESIS[:9]}\u200b{GENESIS[9:]}", "which draws nothing"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejected_with_its_reason_and_the_rest_is_taken(tmp_path: Path, name: str) -> None:
    tag, reason = REJECTED[name]
    read = pack(tmp_path, f"{tag}\n- address: {GENESIS}\n")
    assert len(read) == 1
    assert read.rejected.height == 1
    row = read.rejected.row(0, named=True)
    assert (row["file"], row["position"]) == ("pack.yaml", "tag 1, line 7")
    assert reason in row["reason"]
    assert "5" * 49 not in str(row)


@pytest.mark.parametrize("name", ["source", "label", "currency"])
def test_a_tag_without_a_mandatory_field_is_rejected(tmp_path: Path, name: str) -> None:
    header = "".join(line + "\n" for line in HEADER.splitlines() if not line.startswith(name))
    read = pack(tmp_path, f"- address: {GENESIS}\n", header)
    assert len(read) == 0
    assert f"no {name} is stated" in read.rejected["reason"][0]


def test_chain_is_for_tags_that_state_none(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    header = HEADER.replace("currency: BTC\n", "")
    path.write_text(f"{header}tags:\n- address: {GENESIS}\n- address: '{ZERO}'\n  currency: ETH\n")
    read = read_tags(path, chain="btc")
    assert set(read.frame["chain"]) == {chain("btc").id, "eip155:1"}


def test_a_tag_said_twice_is_counted(tmp_path: Path) -> None:
    again = f"- address: {GENESIS}\n"
    other = "  confidence: forensic\n  actor: somebody\n  is_cluster_definer: true\n"
    read = pack(tmp_path, again * 2 + again + other)
    assert len(read) == 1
    assert read.frame["confidence"].to_list() == ["unknown"]
    assert read.rejected.select("position", "reason").rows() == [
        ("tag 2, line 8", "says again what tag 1 says"),
        (
            "tag 3, line 9",
            "says again what tag 1 says, with another actor and confidence and definer",
        ),
    ]


BROKEN = {
    "unknown field": ("- address: X\n  colour: red", r"unknown field 'colour' .*tag 1, line 8"),
    "header field in a tag": ("- address: X\n  title: T", r"unknown field 'title' in a tag"),
    "null": ("- address: X\n  actor:", r"actor is empty at pack\.yaml tag 1, line 8"),
    "null by tilde": ("- address: X\n  context: ~", r"context is empty"),
    "blank": ("- address: X\n  label: '  '", r"label is empty"),
    "null concept": ("- address: X\n  concepts: [market, null]", r"concepts is empty"),
    "NUL": ('- address: X\n  label: "a\\0b"', r"NUL byte in a text at pack\.yaml line 8"),
    "unknown concept": ("- address: X\n  abuse: terorism", r"no concept 'terorism'.*did you mean"),
    "unknown in XMR": ("- address: X\n  currency: XMR\n  category: foo", r"no concept 'foo'"),
    "unknown level": ("- address: X\n  confidence: high", r"no confidence level 'high' at pack"),
    "unknown type": ("- address: X\n  tag_type: rumour", r"no tag_type 'rumour'"),
    "list as text": ("- address: [X]", r"address is no single text"),
    "text as list": ("- address: X\n  concepts: market", r"concepts is no list"),
    "mapping": ("- address: X\n  context: {a: b}", r"context is no single text"),
    "list in concepts": ("- address: X\n  concepts: [[market]]", r"concepts is no list of ids"),
    "no date": ("- address: X\n  lastmod: 2021-02-30", r"lastmod '2021-02-30' is no date"),
    "date in words": ("- address: X\n  first_day: May", r"first_day 'May' is no date.*2024-09-27"),
    "backwards": (
        "- address: X\n  first_day: 2021-01-02\n  last_day: 2021-01-01",
        r"last_day is before first_day at pack\.yaml tag 1, line 9",
    ),
    "no truth": ("- address: X\n  is_cluster_definer: maybe", r"is_cluster_definer is no truth"),
    "a tag that is a text": ("- X", r"a tag is no mapping at pack\.yaml tag 1"),
    "include in a tag": ("- address: !include x.yaml", r"address is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pack_is_refused(tmp_path: Path, name: str) -> None:
    tags, sentence = BROKEN[name]
    with pytest.raises(TagError, match=sentence):
        pack(tmp_path, tags.replace("X", GENESIS) + "\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a\n", "the file is no mapping"),
        ("title: T\ncreator: C\n", "a pack without tags"),
        ("title: T\ntags: [{address: x}]\n", "a pack without creator"),
        ("title: T\ncreator: C\ntags: []\n", "tags is no list of tags"),
        ("title: T\ncreator: C\ntags: x\n", "tags is no list"),
        ("title: T\ncreator: C\naddress: x\ntags: [{label: x}]\n", "unknown field 'address'"),
        ("title:\ncreator: C\ntags: [{label: x}]\n", "title is empty"),
    ],
)
def test_a_broken_header_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(text)
    with pytest.raises(TagError, match=sentence):
        read_tags(path)


def test_unfolding_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagpack, "MAX_UNFOLDED", 5_000)
    header = HEADER.replace("A label", "x" * 900)
    tags = "".join(f"- address: {GENESIS}\n  actor: a{n}\n  source: s{n}\n" for n in range(9))
    with pytest.raises(TagError, match="unfolds to more than 5,000 characters"):
        pack(tmp_path, tags, header)


BOMBS = {
    "a label of the header": ("label: " + "x" * 99_000, "  actor: a\n", "unfolds to more than 20"),
    "concepts of the header": (f"label: x\nconcepts: [{', '.join(sorted(broader()))}]",
                               "  actor: a\n", "unfolds to more than"),
    "an alias": ("label: &a " + "x" * 99_000, "  label: *a\n", "aliases repeat more than 4,"),
    "short aliases": ("label: &a " + "x" * 2_000, "  label: *a\n", "aliases repeat more than 4,"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_does_not_become_gigabytes(tmp_path: Path, name: str) -> None:
    field, more, sentence = BOMBS[name]
    path = tmp_path / "bomb.yaml"
    tags = "".join(f"- address: '0x{n:040x}'\n{more}" for n in range(2_100))
    head = f"title: T\ncreator: C\nsource: x\nconfidence: web_crawl\nnetwork: ETH\n{field}\n"
    path.write_text(f"{head}tags:\n{tags}")
    with pytest.raises(TagError, match=sentence) as refused:
        read_tags(path)
    assert "bomb.yaml" in str(refused.value)
    assert refused.value.remedy


def test_what_is_not_taken_is_bounded_as_well(tmp_path: Path) -> None:
    tags = "- address: &a " + "y" * 99_000 + "\n" + "- address: *a\n" * 30
    with pytest.raises(TagError, match="unfolds to more than 2,500,000 characters"):
        _with_less(tmp_path, tags, 2_500_000)


def _with_less(tmp_path: Path, tags: str, least: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tagpack, "LEAST_UNFOLDED", least)
        patch.setattr(tagpack, "MOST_UNFOLDED", 1)
        pack(tmp_path, tags)


def test_a_pack_with_a_long_header_and_many_tags_is_read(tmp_path: Path) -> None:
    """Aliases and a header of ordinary length stay far below the bound."""
    header = HEADER.replace("A label", "&l " + "x" * 90)
    tags = "".join(f"- address: '0x{n:040x}'\n  network: ETH\n  label: *l\n" for n in range(4_000))
    assert len(pack(tmp_path, tags, header)) == 4_000


def including(tmp_path: Path, include: str) -> Tags:
    folder = tmp_path / "packs" / "2021"
    folder.mkdir(parents=True)
    (tmp_path / "packs" / "header.yaml").write_text(HEADER)
    (tmp_path / "secret.yaml").write_text(HEADER)
    (folder / "pack.yaml").write_text(f"header: !include {include}\ntags:\n- address: {GENESIS}\n")
    return read_tags(tmp_path / "packs")


def test_a_header_is_included_from_above(tmp_path: Path) -> None:
    read = including(tmp_path, "header.yaml")
    assert read.frame["label"].to_list() == ["A label"]
    assert read.frame["pack"].to_list() == ["2021/pack.yaml"]
    assert read.rejected["reason"].to_list() == ["file not read: a header that packs include"]


@pytest.mark.parametrize("include", ["../../secret.yaml", "/etc/passwd", "secret.yaml", "."])
def test_an_include_does_not_leave_the_folder(tmp_path: Path, include: str) -> None:
    with pytest.raises(TagError, match="is no file inside the folder that is read"):
        including(tmp_path, include)


def test_an_include_by_a_link_does_not_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(HEADER)
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "header.yaml").symlink_to(tmp_path / "secret.yaml")
    text = f"header: !include header.yaml\ntags:\n- address: {GENESIS}\n"
    (tmp_path / "packs" / "pack.yaml").write_text(text)
    with pytest.raises(TagError, match="is no file inside the folder"):
        read_tags(tmp_path / "packs")


def test_a_field_in_pack_and_included_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "header.yaml").write_text(HEADER)
    text = f"header: !include header.yaml\nlabel: x\ntags:\n- address: {GENESIS}\n"
    (tmp_path / "pack.yaml").write_text(text)
    with pytest.raises(TagError, match="field 'label' stands both in the pack and in"):
        read_tags(tmp_path)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda text: bool(text.strip())
)
DAYS = st.none() | st.dates(date(1000, 1, 1))
PLACES = st.sampled_from([
    (chain("btc").id, b"\x01"), (chain("btc-regtest").id, b"\x03"), (chain("ltc").id, b"\x02"),
    (chain("doge").id, b"\x01"), ("eip155:1", b"\x10"), (chain("tron").id, b"\x11"),
])  # fmt: skip


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    network, kind = draw(PLACES)
    first, last = draw(DAYS), draw(DAYS)
    if first and last and last < first:
        first, last = last, first
    confidence = draw(st.sampled_from(list(LEVELS)))
    return {
        "chain": network,
        "address": kind + draw(st.sampled_from([bytes(20), b"\x01" * 20])),
        "label": draw(st.just("one") | TEXTS),
        "concept": draw(st.none() | st.sampled_from(sorted(broader()))),
        "actor": draw(st.none() | TEXTS),
        "source": draw(TEXTS),
        "confidence": confidence,
        "level": LEVELS[confidence],
        "first_day": first,
        "last_day": last,
        "as_of": draw(DAYS),
        "pack": "again.yaml",
        "definer": draw(st.none() | st.booleans()),
        "context": draw(st.none() | TEXTS),
    }


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows(), min_size=1, max_size=8))
def test_round_trip_is_exact(tmp_path: Path, many: list[dict[str, Any]]) -> None:
    tags = make_tags(pl.DataFrame(many, schema=TAGS.schema))
    path = tmp_path / "again.yaml"
    path.unlink(missing_ok=True)
    write_tagpack(tags, path, "A title: 'x'", 'A "creator"')
    again = read_tags(path)
    assert again.rejected.height == 0
    assert again.frame.equals(tags.frame)


def test_writing_is_deterministic_and_never_overwrites(tmp_path: Path) -> None:
    tags = pack(tmp_path, f"- address: {GENESIS}\n  concepts: [market, drugs]\n")
    first = write_tagpack(tags, tmp_path / "one.yaml", "T", "C").read_bytes()
    assert write_tagpack(tags, tmp_path / "two.yaml", "T", "C").read_bytes() == first
    assert first.count(b"- address") == 1
    with pytest.raises(OutputExists, match=r"the file exists already at .*one\.yaml"):
        write_tagpack(tags, tmp_path / "one.yaml", "T", "C")
    assert (tmp_path / "one.yaml").read_bytes() == first


def test_writing_refuses_what_would_be_lost(tmp_path: Path) -> None:
    tags = pack(tmp_path, f"- address: {GENESIS}\n")
    other = tags.frame.with_columns(pack=pl.lit("b.yaml"), confidence=pl.lit("forensic"))
    both = tags + make_tags(other)
    with pytest.raises(TagError, match="two packs say the same with different values"):
        write_tagpack(both, tmp_path / "x.yaml", "T", "C")
    with pytest.raises(TagError, match="no tags to write"):
        write_tagpack(make_tags(TAGS.empty()), tmp_path / "x.yaml", "T", "C")
    with pytest.raises(TagError, match="cannot stand in a TagPack"):
        write_tagpack(tags, tmp_path / "x.yaml", "", "C")
    assert not (tmp_path / "x.yaml").exists()


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "formula": '=HYPERLINK("http://example.org","x")',
    "override": "abc\u202etxt.exe",
    "isolate": "a\u2066b\u2069c",
    "zero width": "Bin\u200bance",
    "a byte that YAML knows": "a\x1b[2Jb",
    "look-alike": "\u0412inance",
    "page": "#set page(width: 1pt)",
    "path": "../../etc/passwd",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_labels_of_a_pack_are_kept_and_shown_safely(tmp_path: Path, name: str) -> None:
    """They go through every writer and reader, and nothing of them acts on what stands beside."""
    label = HOSTILE[name]
    written = "".join(f"\\u{ord(one):04x}" for one in label)
    read = pack(tmp_path, f'- address: {GENESIS}\n  label: "{written}"\n  actor: "{written}"\n')
    assert read.frame["label"].to_list() == [label]
    shown = read.plain()
    assert shown["label"][0].isprintable()
    assert "<script" not in read._repr_html_() + shown._repr_html_()
    made = write_tagpack(read, tmp_path / "made.yaml", "T", "C")
    assert made.read_text(encoding="utf-8").replace("\n", "").isprintable()
    assert read_tags(made).frame["label"].to_list() == [label]
    table = tmp_path / "t.csv"
    table.write_text(f'address,label\n{GENESIS},"{label.replace(chr(34), chr(34) * 2)}"\n')
    assert read_tags(table, chain="btc").frame["label"].to_list() == [label]


def test_a_raw_control_character_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="not readable as YAML"):
        pack(tmp_path, f"- address: {GENESIS}\n  label: a\x1b[2Jb\n")


def test_a_tag_of_another_chain_is_no_tag_of_this_one(tmp_path: Path) -> None:
    """The same text on two chains is two addresses, and one of another chain is none here."""
    read = pack(
        tmp_path, f"- address: '{ZERO}'\n  currency: ETH\n- address: '{ZERO}'\n  currency: BTC\n"
    )
    assert set(read.frame["chain"]) == {"eip155:1"}
    assert "is an address of Ethereum" in read.rejected["reason"][0]
    assert read.of(ZERO, "base").is_empty()
