"""The referral sheet: it carries the pathways, shames nobody, and names nobody of the case."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.case.referral.words import INSTEAD, check_words
from chainwatch.errors import InputError, OutputExists, TagError

WAY = {
    "name": "Open Door, a night service", "contact": "+31 20 555 0100, open.door@support.example",
    "hours": "every day 09:00-22:00", "languages": ["Nederlands", "English", "العربية"],
    "offers": "testing of substances, naloxone, a person to talk to", "cost": "nothing",
}  # fmt: skip


def sheet(**more: Any) -> cw.ReferralSheet:
    given: dict[str, Any] = {"pathways": [WAY], "region": "Amsterdam"} | more
    return cw.referral_sheet(**given)


class Text(HTMLParser):
    """What a page says, and what it would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def read(page: str) -> Text:
    found = Text()
    found.feed(page)
    return found


def test_it_carries_every_pathway_and_loads_nothing() -> None:
    made = sheet(substances=["nitazenes", "Cathinones"], emergency="call 112", note="Bring one.")
    found = read(made.html)
    said = " ".join(found.said)
    for value in (*(one for one in WAY.values() if isinstance(one, str)), "العربية", "call 112",
                  "Bring one.", "Nitazenes", "Cathinones", "Amsterdam"):  # fmt: skip
        assert value in said
    assert not found.tags & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not {one for one in found.attributes if one.startswith("on") or one in ("src", "href")}
    assert "default-src 'none'" in made.html


def test_it_is_the_same_bytes_again_and_written_once(tmp_path: Path) -> None:
    one, two = sheet(), sheet()
    assert one.digest == two.digest
    one.write(tmp_path / "sheet.html")
    assert (tmp_path / "sheet.html").read_text("utf-8") == two.html
    with pytest.raises(OutputExists):
        two.write(tmp_path / "sheet.html")


def test_what_strangers_write_stays_text() -> None:
    odd = '<script>alert(1)</script>{{ 7 * 7 }}\u202e<img src=x onerror="y">'
    made = sheet(pathways=[WAY | {"offers": odd}])
    assert read(made.html).tags == read(sheet().html).tags
    assert "{{ 7 * 7 }}" in made.html
    assert "\u202e" not in made.html


@pytest.mark.parametrize("field", ["name", "contact", "hours", "languages", "offers", "cost"])
@pytest.mark.parametrize(
    ("leak", "said"),
    [
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "an address"),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "an address"),
        ("0x00000000219ab540356cBB839Cbe05303d7705Fa", "an address"),
        ("TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC", "an address"),
        ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "an address"),
        ("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", "a transaction id"),
        ("0x4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", "a transaction id"),
        ("L1aW4aubDFB7yfras2S1mN3bqg9nwySY8nkoLmJebSLD5BWv3ENZ", "a key"),
        ("pay kelp.eth", "the name of a wallet"),
        ("bc1qar0s...5mdq", "a shortened address"),
        ("0x0000…05Fa", "a shortened address"),
        ("\uff11BoatSLRHtKNngkdXEeobR76b53LETtpyT", "an address"),
        ("1BoatSLRHtKNng\u200bkdXEeobR76b53LETtpyT", "an address"),
    ],
)
def test_no_field_takes_an_address_a_transaction_or_a_key(field: str, leak: str, said: str) -> None:
    with pytest.raises(InputError, match=f"names nobody, and here stands .*{said}") as told:
        sheet(pathways=[WAY, WAY | {field: f"see {leak}, please"}])
    assert "L1aW4" not in str(told.value)


@pytest.mark.parametrize("field", ["region", "emergency", "note"])
def test_nor_do_the_other_texts(field: str) -> None:
    with pytest.raises(InputError, match=field):
        sheet(**{field: "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"})


def test_parties_of_the_case_are_named_nowhere(otter_case: Any) -> None:
    tags = otter_case.tags
    label = next(one for one in tags.frame["label"].unique().sort() if len(one) > 5)
    chain, address = tags.frame.select("chain", "address").row(0)
    shown = text(address, chain)
    for leak in (label, label.upper(), label.replace(" ", "  "), shown, shown.upper(),
                 " ".join([shown[:9], shown[9:20], shown[20:]]), address.hex()[2:]):  # fmt: skip
        with pytest.raises(InputError, match="names nobody"):
            sheet(note=f"ask for {leak} there", results=[tags])
    made = sheet(results=[tags], names=["Somebody Known"])
    assert made.record is not None
    assert made.record.inputs == ()
    assert "Somebody" not in made.lineage()
    with pytest.raises(InputError, match="names nobody"):
        sheet(note="not for somebody   KNOWN", names=["Somebody Known"])


SHAMING = [
    "addict", "Former addicts", "addicted babies", "drug abuse", "substance abuser", "abusers",
    "drug users", "heroin user", "a drug habit", "junkies", "druggie", "drunks", "alcoholics",
    "crackhead", "stay clean", "dirty urine", "dirty needles", "relapsed", "opioid substitution",
    "offenders", "criminal", "felon", "inmates", "prostitute", "the homeless", "schizophrenic",
    "non-compliant", "drug of choice",
]  # fmt: skip


@pytest.mark.parametrize("word", SHAMING)
def test_words_that_shame_are_refused_with_what_to_say_instead(word: str) -> None:
    with pytest.raises(InputError, match="keeps people from care") as told:
        sheet(pathways=[WAY | {"offers": f"help for {word} here"}])
    assert told.value.remedy is not None
    assert told.value.remedy.startswith("write: ")
    check_words(told.value.remedy, "the remedy")


def test_every_refused_word_is_tried_and_other_words_are_taken() -> None:
    import re

    for pattern in INSTEAD:
        assert any(re.fullmatch(f".*(?:{pattern}).*", one, re.IGNORECASE) for one in SHAMING), (
            pattern
        )
    for fine in ("addiction medicine", "clean needles", "abusive partners: a shelter",
                 "cleaning", "user-friendly", "psychology", "recovery"):  # fmt: skip
        check_words(fine, "a field")


def test_pathways_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ways.toml"
    file.write_text(
        '[[pathway]]\nname = "Open Door"\ncontact = "555 0100"\nhours = "always"\n'
        'languages = ["English", "Français"]\n', "utf-8",
    )  # fmt: skip
    assert sheet(pathways=file).frame["languages"].to_list() == ["English, Français"]


@pytest.mark.parametrize(
    ("pathways", "said"),
    [
        ([], "0 pathways"),
        ([WAY] * 61, "61 pathways"),
        ([{"name": "x"}], "a pathway lacks contact, hours, languages"),
        ([WAY | {"hours": "  "}], "a pathway lacks hours"),
        ([WAY | {"colour": "red"}], "'colour' is no field"),
        ([WAY | {"cost": 5}], "cost is no text"),
        ([WAY | {"cost": "x" * 301}], "cost is no text of up to 300"),
        (["x"], "a pathway is no table"),
    ],
)
def test_what_is_no_pathway(pathways: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sheet(pathways=pathways)


@pytest.mark.parametrize("content", ["a = 1", "[[pathway", '[pathway]\nname = "x"', "\xff"])
def test_a_file_that_holds_no_pathways(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ways.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="pathways"):
        sheet(pathways=file)
    with pytest.raises(InputError, match="no file of pathways"):
        sheet(pathways=tmp_path / "none.toml")


def test_other_arguments_that_say_nothing() -> None:
    with pytest.raises(InputError, match="no region"):
        sheet(region=" ")
    with pytest.raises(InputError, match="note is too long"):
        sheet(note="x" * 601)
    with pytest.raises(TagError, match="no class of substances"):
        sheet(substances=["flour"])
