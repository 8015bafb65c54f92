"""Channels of contact and classes of substances stand in a tag's context, and are found there."""

from __future__ import annotations

from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution import contact
from chainwatch.attribution.contact import (
    CHANNELS,
    SUBSTANCES,
    channels_of,
    known_substance,
    narrower,
    substances_of,
)
from chainwatch.errors import TagError

ONE, TWO, THREE, FOUR = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in range(4))
HEAD = "title: T\ncreator: C\nlabel: L\nsource: S\ncurrency: BTC\ntags:\n"

TABLE = f"""\
address,label,channel,substance,context
{ONE},a,Messaging,Nitazenes,seen in a chat
{TWO},b,darknet_market;messaging,fentanyl_analogues|Cannabinoids,
{THREE},c,,,
{FOUR},d,carrier_pigeon,nitazenes,
"""


def table(tmp_path: Path) -> cw.Tags:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE)
    return cw.read_tags(path, chain="btc")


def labels(tags: cw.Tags) -> list[str]:
    return sorted(tags.frame["label"])


def test_a_table_says_them_in_columns(tmp_path: Path) -> None:
    tags = table(tmp_path)
    contexts = dict(tags.frame.select("label", "context").iter_rows())
    assert contexts == {
        "a": '{"note": "seen in a chat", "channel": ["messaging"], "substance": ["nitazenes"]}',
        "b": '{"channel": ["darknet_market", "messaging"],'
        ' "substance": ["fentanyl_analogues", "synthetic_cannabinoids"]}',
        "c": None,
    }
    assert tags.rejected["reason"].str.contains("no channel of contact 'carrier_pigeon'").all()
    assert tags.plain().sort("label").select("channel", "substance").rows() == [
        ("messaging", "nitazenes"),
        ("darknet_market; messaging", "fentanyl_analogues; synthetic_cannabinoids"),
        (None, None),
    ]


def test_tags_are_found_by_them(tmp_path: Path) -> None:
    tags = table(tmp_path)
    assert labels(tags.where(channel="messaging")) == ["a", "b"]
    assert labels(tags.where(channel="darknet_market")) == ["b"]
    assert labels(tags.where(substance="synthetic_opioids")) == ["a", "b"]
    assert labels(tags.where(substance="Nitazenes")) == ["a"]
    assert labels(tags.where(channel="darknet_market", substance="nitazenes")) == []
    with pytest.raises(TagError, match=r"no channel of contact 'mesaging'.*did you mean messaging"):
        tags.where(channel="mesaging")
    with pytest.raises(TagError, match=r"no class of substances 'flour'; write one of aminoind"):
        tags.where(substance="flour")


def test_they_travel_in_a_pack(tmp_path: Path) -> None:
    tags = table(tmp_path)
    made = cw.write_tagpack(tags, tmp_path / "pack.yaml", "T", "C")
    again = cw.read_tags(made)
    assert again.frame.drop("pack").equals(tags.frame.drop("pack"))
    assert labels(again.where(substance="nitazenes")) == ["a"]


def test_a_word_that_is_none_is_kept_and_told(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    contexts = (
        '{"channel": "mesaging"}',
        '{"substance": ["nitazenes", "flour"]}',
        '{"channel": 5}',
    )
    tags = "".join(f"- address: {one}\n  context: '{context}'\n"
                   for one, context in zip((ONE, TWO, THREE), contexts, strict=True))  # fmt: skip
    path.write_text(HEAD + tags)
    read = cw.read_tags(path)
    assert sorted(read.frame["context"]) == sorted(contexts)
    assert read.rejected.select("position", "text").rows() == [
        ("tag 1, line 7", "mesaging"), ("tag 2, line 9", "flour"),
    ]  # fmt: skip
    assert "it stays in the context; did you mean messaging?" in read.rejected["reason"][0]
    assert labels(read.where(substance="nitazenes")) == ["L"]


@pytest.mark.parametrize(
    "context",
    [None, "", "a page", "{", "[]", '{"channel": null}', '{"channel": {"a": 1}}', "{" * 5_000,
     '{"a":' * 5_000],
)  # fmt: skip
def test_a_context_that_says_nothing_of_it_says_nothing(context: str | None) -> None:
    assert channels_of(context) == substances_of(context) == ()
    assert list(contact.not_understood(context)) == []


def test_the_vocabularies_are_whole() -> None:
    assert set(CHANNELS) == {
        "darknet_market", "open_web", "social_media", "messaging", "in_person",
    }  # fmt: skip
    unodc = {said.unodc for said in SUBSTANCES.values()} - {None}
    assert len(unodc) == 15, "the groups of the Early Warning Advisory, other substances included"
    for name, said in SUBSTANCES.items():
        assert said.unodc or said.euda, name
        assert said.broader is None or SUBSTANCES[said.broader].broader is None
        for word in (said.unodc, said.euda):
            assert word is None or known_substance(word) == name
    assert narrower("synthetic_opioids") == {
        "synthetic_opioids", "fentanyl_analogues", "nitazenes",
    }  # fmt: skip
