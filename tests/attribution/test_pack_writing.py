"""A pack goes in and out unchanged, and what is new to it follows in its own notation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.files.safe_yaml import Fields, Items, Text, load
from chainwatch.attribution.files.yaml_text import text_of, yaml_text
from chainwatch.errors import OutputExists, TagError

ONE, TWO, THREE = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in (1, 2, 3))
ETH = canonical.text(b"\x10" + bytes(20), "eth")

PACK = f"""\
title: A market
creator: 'A publisher'
description: "Wallets of a market"
confidence: authority_data
category: market
currency: BTC
label: Otter
is_cluster_definer: true
lastmod: 2023-05-10
source: https://example.org/a-page-whose-address-is-rather-long-and-is-not-broken/in-two
actor: otter
tags:
- address: {THREE}
- address: {ONE}
  context: '{{"transaction": "0x26e2265c66d7de39bdf0570a74118bbeec782ea11b10b9b075f3ef3866d70722",
    "token": "USDT"}}'
- address: 4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx
  currency: XMR
- tx_hash: {"ab" * 32}
- address: '{ETH}'
  currency: ETH
  concepts: [market, drugs]
"""


def packed(tmp_path: Path, text: str = PACK, name: str = "otter.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_was_read_is_written_to_the_byte(tmp_path: Path) -> None:
    path = packed(tmp_path)
    made = cw.write_tagpack(cw.read_tags(path), tmp_path / "again.yaml", like=path)
    assert made.read_bytes() == path.read_bytes()


def test_an_included_header_stays_included(tmp_path: Path) -> None:
    (tmp_path / "header.yaml").write_text(PACK.partition("tags:")[0])
    path = packed(tmp_path, f"header: !include header.yaml\ntags:\n- address: {ONE}\n")
    tags = cw.read_tags(path)
    made = cw.write_tagpack(tags, tmp_path / "again.yaml", like=path)
    assert made.read_bytes() == path.read_bytes()
    assert cw.read_tags(made).frame.drop("pack").equals(tags.frame.drop("pack"))


def test_tags_that_are_left_out_go_and_others_follow(tmp_path: Path) -> None:
    path = packed(tmp_path)
    tags = cw.read_tags(path)
    new = packed(tmp_path, PACK.partition("tags:")[0] + f"tags:\n- address: {TWO}\n", "new.yaml")
    three = canonical.parse(THREE, "btc")
    fewer = replace(tags, frame=tags.frame.filter(pl.col("address") != three))
    made = cw.write_tagpack(fewer + cw.read_tags(new), tmp_path / "again.yaml", like=path)
    wanted = PACK.replace(f"- address: {THREE}\n", "") + f"- address: {TWO}\n"
    assert made.read_text() == wanted


def test_a_tag_that_changed_is_written_anew(tmp_path: Path) -> None:
    path = packed(tmp_path)
    tags = cw.read_tags(path)
    three = pl.col("address") == canonical.parse(THREE, "btc")
    actor = pl.when(three).then(pl.lit("kelp")).otherwise("actor").alias("actor")
    changed = replace(tags, frame=tags.frame.with_columns(actor))
    made = cw.write_tagpack(changed, tmp_path / "again.yaml", like=path)
    end = f"- address: {THREE}\n  actor: kelp\n"
    assert made.read_text() == PACK.replace(f"- address: {THREE}\n", "") + end


def test_what_the_header_says_of_all_cannot_be_unsaid(tmp_path: Path) -> None:
    path = packed(tmp_path)
    tags = cw.read_tags(path)
    lost = replace(tags, frame=tags.frame.with_columns(actor=pl.lit(None, pl.String)))
    with pytest.raises(TagError, match=r"says of all its tags what is not said .* otter\.yaml"):
        cw.write_tagpack(lost, tmp_path / "again.yaml", like=path)
    assert not (tmp_path / "again.yaml").exists()


def test_a_pack_that_states_no_network_is_written_for_that_of_its_tags(tmp_path: Path) -> None:
    text = PACK.partition("tags:")[0].replace("currency: BTC\n", "") + f"tags:\n- address: {ONE}\n"
    path = packed(tmp_path, text)
    made = cw.write_tagpack(cw.read_tags(path, chain="btc"), tmp_path / "again.yaml", like=path)
    assert made.read_text() == text


def test_a_pack_made_anew_says_once_what_all_tags_say(tmp_path: Path) -> None:
    tags = cw.read_tags(packed(tmp_path))
    bitcoin = tags.where(chain="btc")
    made = cw.write_tagpack(bitcoin, tmp_path / "x.yaml", "T", "0x1", description="Two: of three")
    text = made.read_text()
    assert text.startswith(
        "title: T\ncreator: '0x1'\ndescription: 'Two: of three'\nlabel: Otter\ncurrency: BTC\n"
        "confidence: authority_data\nis_cluster_definer: true\ncategory: market\nactor: otter\n"
    )
    assert text.endswith(f"- address: {THREE}\n")
    assert text.count("market") == 1
    again = cw.read_tags(made)
    assert again.frame.drop("pack").equals(bitcoin.frame.drop("pack"))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({}, "a pack without title"),
        ({"title": "T"}, "a pack without creator"),
        ({"like": "otter.yaml", "title": "T"}, "a pack like another has its title"),
        ({"like": "nothing.yaml"}, "there is no such pack"),
        ({"title": "T", "creator": "a\0b"}, "cannot stand in a TagPack"),
    ],
)
def test_what_cannot_be_written_says_why(
    tmp_path: Path, how: dict[str, str], sentence: str
) -> None:
    tags = cw.read_tags(packed(tmp_path))
    given = {**how, **({"like": tmp_path / how["like"]} if "like" in how else {})}
    with pytest.raises(TagError, match=sentence):
        cw.write_tagpack(tags, tmp_path / "x.yaml", **given)
    assert not (tmp_path / "x.yaml").exists()


def test_no_pack_is_overwritten_by_itself(tmp_path: Path) -> None:
    path = packed(tmp_path)
    tags = cw.read_tags(path)
    with pytest.raises(OutputExists):
        cw.write_tagpack(tags, path, like=path)
    assert cw.write_tagpack(tags, path, like=path, replace=True).read_text() == PACK


HIDDEN = ("a\u202eb", "a\u200bb", "a\x1b[2Jb", "a\nb", "a\u2028b")


@pytest.mark.parametrize("text", HIDDEN)
def test_nothing_hidden_stands_in_a_file(tmp_path: Path, text: str) -> None:
    node = Fields({"a": text_of(text), "b": Items([text_of("ж")], 0)}, 0)
    written = yaml_text(node)
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    again = load(packed(tmp_path, written), "x")
    assert isinstance(again, Fields)
    assert isinstance(again.values["a"], Text)
    assert again.values["a"].value == text


@pytest.mark.parametrize(
    "text", ["0x00ab", "NO", "2020-01-02", "1_000", "012", "~", "", "a: b", "- a", "=", "<<", "ж"]
)
def test_a_text_reads_back_as_the_text_for_any_reader_of_yaml(text: str) -> None:
    import yaml

    written = yaml_text(Fields({"a": text_of(text)}, 0))
    assert yaml.safe_load(written) == {"a": text}
