"""ActorPacks say who actors are; they go in and out unchanged, or are refused with their line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.files.countries import COUNTRIES
from chainwatch.errors import TagError

ADDRESS = canonical.text(b"\x01" + bytes(20), "btc")

PACK = """\
title: Actors
creator: A publisher
lastmod: '2023-02-17'
actors:
- id: '01'
  label: '01'
  jurisdictions: []
  categories:
  - defi_dex
  uri: 01.example
  context:
    defilama_ids:
    - '01'
    refs:
    - example.org/protocol/01
    active: false
    members: 12
    notes:
    - 'merged: one handle'
- id: otter
  label: Otter Exchange
  uri: otter.example
  categories: [exchange]
  jurisdictions:
  - SC
  aliases:
  - Otter.com
  - OTR
  lastmod: 2024-01-02
  context: '{"uris": ["otter.example"], "legal_name": "Otter Ltd"}'
- id: kelp
  label: Kelp
  uri: kelp.example
  categories: [exchange]
  jurisdictions: ['NO', SE]
  aliases: [OTR]
"""


def packed(tmp_path: Path, text: str = PACK, name: str = "x.actorpack.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    actors = cw.read_actors(packed(tmp_path))
    assert repr(actors) == "Actors(3 actors, 0 not taken)"
    assert actors.frame.select("id", "uri", "label", "lastmod").rows() == [
        ("01", "01.example", "01", date(2023, 2, 17)),
        ("kelp", "kelp.example", "Kelp", date(2023, 2, 17)),
        ("otter", "otter.example", "Otter Exchange", date(2024, 1, 2)),
    ]
    contexts = dict(actors.frame.select("id", "context").iter_rows())
    assert contexts["otter"] == '{"uris": ["otter.example"], "legal_name": "Otter Ltd"}'
    assert contexts["01"] == (
        '{"defilama_ids": ["01"], "refs": ["example.org/protocol/01"], "active": false,'
        ' "members": 12, "notes": ["merged: one handle"]}'
    )
    assert contexts["kelp"] is None
    assert actors.told("kelp", "jurisdictions") == ("NO", "SE")
    assert actors.told("otter", "categories") == ("exchange",)
    assert actors.told("nobody", "aliases") == ()


def test_an_actor_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    actors = cw.read_actors(packed(tmp_path))
    for name in ("otter", "OTTER EXCHANGE", "otter.com"):
        assert actors.ids_of(name) == ("otter",)
    assert actors.ids_of("OTR") == ("kelp", "otter")
    assert actors.ids_of("seal") == ()


def test_packs_are_written_to_the_byte_and_anew(tmp_path: Path) -> None:
    path = packed(tmp_path)
    actors = cw.read_actors(path)
    assert cw.write_actorpack(actors, tmp_path / "a.yaml", like=path).read_text() == PACK
    made = cw.write_actorpack(actors, tmp_path / "b.yaml", "T", "C")
    again = cw.read_actors(made)
    assert again.frame.drop("pack").equals(actors.frame.drop("pack"))
    assert again.details.drop("pack").equals(actors.details.drop("pack"))
    assert (
        made.read_bytes() == cw.write_actorpack(again, tmp_path / "c.yaml", "T", "C").read_bytes()
    )


def test_an_actor_that_changed_is_written_anew_behind_the_others(tmp_path: Path) -> None:
    path = packed(tmp_path)
    actors = cw.read_actors(path)
    label = pl.when(pl.col("id") == "01").then(pl.lit("One")).otherwise("label").alias("label")
    changed = replace(actors, frame=actors.frame.filter(pl.col("id") != "kelp").with_columns(label))
    made = cw.write_actorpack(changed, tmp_path / "a.yaml", like=path)
    text = made.read_text()
    assert text.index("id: otter") < text.index("label: One")
    assert "kelp" not in text
    assert cw.read_actors(made).frame.drop("pack").equals(changed.frame.drop("pack"))
    with pytest.raises(TagError, match="there are no actors to write"):
        cw.write_actorpack(
            replace(actors, frame=actors.frame.head(0)), tmp_path / "b.yaml", like=path
        )


BROKEN = {
    "no uri": ("  uri: kelp.example\n", "", r"no uri is stated.* actor 3, line 31"),
    "unknown field": ("  label: Kelp\n", "  label: Kelp\n  colour: red\n", r"'colour'.* line 33"),
    "no country": ("'NO', SE", "'NO', SWE", r"no country 'SWE' at .* actor 3, line 35"),
    "unknown concept": ("- defi_dex", "- dexx", r"no concept 'dexx' .* actor 1, line 9"),
    "no date": ("2024-01-02", "2024-02-30", r"lastmod '2024-02-30' is no date.* line 29"),
    "no JSON": ('\'{"uris"', "'{uris", r"the context is no JSON object.* actor 2, line 30"),
    "no list": ("  aliases: [OTR]", "  aliases: OTR", r"aliases is no list at .* line 36"),
    "no text": ("  label: Kelp", "  label: [Kelp]", r"label is no single text at .* line 32"),
    "field of the context": ("    refs:\n    - ", "    refs: ", r"refs of the context is no list"),
    "same id": ("- id: kelp", "- id: otter", r"two actors with the id 'otter' that say different"),
    "null": ("  label: Kelp", "  label:", r"label is empty at .* actor 3, line 32"),
    "null in a list": ("aliases: [OTR]", "aliases: [~]", r"aliases is empty"),
    "no creator": ("creator: A publisher\n", "", r"an ActorPack without creator"),
    "no actors": (PACK[PACK.index("actors:") :], "actors: []\n", r"actors is no list of actors"),
    "a mapping": ("  label: Kelp", "  label: {a: b}", r"label is no single text"),
    "public": ("creator:", "is_public: perhaps\ncreator:", r"is_public is no truth .* line 2"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pack_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    old, new, sentence = BROKEN[name]
    assert old in PACK
    with pytest.raises(TagError, match=sentence):
        cw.read_actors(packed(tmp_path, PACK.replace(old, new)))


def test_an_actor_said_twice_is_counted(tmp_path: Path) -> None:
    kelp = PACK[PACK.index("- id: kelp") :]
    actors = cw.read_actors(packed(tmp_path, PACK + kelp))
    assert len(actors) == 3
    assert actors.rejected["position"].to_list() == ["actor 4, line 37"]


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    packed(tmp_path)
    packed(tmp_path, "title: T\n", "pack.yaml")
    (tmp_path / "sub").mkdir()
    one = PACK[: PACK.index("- id: otter")].replace("'01'", "'02'")
    packed(tmp_path / "sub", one, "more_actorpack.yml")
    assert cw.read_actors(tmp_path).frame["id"].to_list() == ["01", "02", "kelp", "otter"]
    with pytest.raises(TagError, match="the folder holds no ActorPack"):
        cw.read_actors(_empty(tmp_path))
    with pytest.raises(TagError, match="no such file or folder"):
        cw.read_actors(tmp_path / "nothing")


def _empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_tags_take_actor_and_jurisdiction_from_actors(tmp_path: Path) -> None:
    head = "title: T\ncreator: C\nsource: s\ncurrency: BTC\ntags:\n"
    labels = ("otter.com", "OTR", "seal", "kelp")
    tags = head + "".join(f"- {{address: {ADDRESS}, label: {one}}}\n" for one in labels)
    tags += f"- {{address: {ADDRESS}, label: x, actor: otter, context: a page}}\n"
    tags += (
        f'- {{address: {ADDRESS}, label: y, actor: otter, context: \'{{"jurisdiction": "MT"}}\'}}\n'
    )
    read = cw.read_tags(packed(tmp_path, tags, "tags.yaml"))
    found = cw.with_actors(read, cw.read_actors(packed(tmp_path)))
    said = {row[0]: row[1:] for row in found.frame.select("label", "actor", "context").iter_rows()}
    assert said == {
        "otter.com": ("otter", '{"jurisdiction": "SC"}'),
        "OTR": (None, None),  # two bear the name
        "seal": (None, None),
        "kelp": ("kelp", None),  # two jurisdictions
        "x": ("otter", '{"note": "a page", "jurisdiction": "SC"}'),
        "y": ("otter", '{"jurisdiction": "MT"}'),
    }
    assert found.record is not None
    assert found.record.step == "with_actors"


def test_no_tags_take_nothing(tmp_path: Path) -> None:
    actors = cw.read_actors(packed(tmp_path))
    empty = cw.tags_of(cw.Ledger.from_tables({}))
    assert len(cw.with_actors(empty, actors)) == 0


def test_the_countries_are_those_of_the_standard() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(one) == 2 and one.isascii() and one.isupper() for one in COUNTRIES)
