"""Free text: however an address is written, a masked one is not said."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest
import shown_cases

from chainwatch.addresses.canonical import parse
from chainwatch.chains.catalogue import chain
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.redact_text import TextMask
from chainwatch.results.roles import SUBJECT

TRON, BTC, ETH = (chain(name).id for name in ("tron", "btc", "eth"))
SHOWN = "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC"
MASKED = "TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk"
SEGWIT = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TXID = bytes(range(32))
PARTIES = [
    (TRON, parse(SHOWN, "tron")),
    (TRON, parse(MASKED, "tron")),
    (BTC, parse(SEGWIT, "btc")),
    (ETH, parse(EVM, "eth")),
]


def spoken(name: str = DISCLOSURE, *, known: bool = True) -> TextMask:
    edition = Edition(
        name,
        bytes(16),
        {(TRON, parse(SHOWN, "tron")): SUBJECT},
        frozenset({(TRON, TXID)}),
    )
    return TextMask(edition, PARTIES if known else ())


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("word", [MASKED, SEGWIT, SEGWIT.upper(), EVM, EVM.lower()])
@pytest.mark.parametrize("around", ["paid to {}.", "{}", "https://x.invalid/{}/tx", "{}.csv"])
def test_a_masked_address_is_replaced(word: str, around: str, known: bool) -> None:
    said = spoken(known=known).text(around.format(word))
    assert word not in said
    assert "masked" in said


@pytest.mark.parametrize(
    "word",
    [
        parse(MASKED, "tron").hex(),
        parse(MASKED, "tron")[1:].hex(),
        "41" + parse(MASKED, "tron")[1:].hex(),
        parse(SEGWIT, "btc")[1:].hex(),
        "0x" + parse(SEGWIT, "btc").hex().upper(),
        TXID.hex(),
        TXID[::-1].hex(),
        "0x" + TXID.hex(),
    ],
)
def test_hexadecimal_is_replaced(word: str) -> None:
    assert word not in spoken().text(f"see {word} there")


def test_a_known_address_is_found_inside_a_longer_word() -> None:
    assert MASKED not in spoken().text(f"wallet{MASKED}copy")


@pytest.mark.parametrize(
    "text",
    [
        f"subject {SHOWN}",
        parse(SHOWN, "tron").hex(),
        "sha256:" + "ab" * 32,
        "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
        "masked-abcdefghij",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "T" * 34,
    ],
)
def test_what_may_be_said_stays(text: str) -> None:
    assert spoken().text(text) == text


def test_the_working_edition_says_everything() -> None:
    assert spoken(WORKING).text(f"{MASKED} {TXID.hex()}") == f"{MASKED} {TXID.hex()}"


def test_frames_and_plain_data() -> None:
    frame = pl.DataFrame({"note": [MASKED, None, "plain"], "number": [1, 2, 3]})
    said = spoken().frame(frame)
    assert said["note"].to_list()[1:] == [None, "plain"]
    assert MASKED not in str(said["note"][0])
    assert said["number"].to_list() == [1, 2, 3]

    @dataclass(frozen=True)
    class Words:
        title: str
        lines: tuple[str, ...]

    found = spoken().plain({MASKED: [Words(MASKED, (MASKED, "kept")), 5, None]})
    assert MASKED not in str(found)
    assert "kept" in str(found)


def test_an_id_stays_where_a_table_shows_it_even_if_it_reads_as_an_address() -> None:
    txid = bytes([6, 2]).hex() + "5a" * 30  # kind and version of a witness program not in use
    edition = Edition(DISCLOSURE, bytes(16))
    assert TextMask(edition, ids={txid}).text(f"in {txid}, 0x{txid}") == f"in {txid}, 0x{txid}"
    assert TextMask(edition, ids={f"0x{txid.upper()}"}).text(f"{txid}, 0x{txid}") == (
        f"{txid}, 0x{txid}"
    )
    assert TextMask(edition).text(f"in {txid}, 0x{txid}") == "in withheld, withheld"
    digest = f"sha256:{txid} hmac-sha256:{txid}"
    assert TextMask(edition).text(digest) == digest
    assert TextMask(Edition(WORKING, bytes(16))).text(txid) == txid


def test_a_name_gives_way_wherever_it_stands_as_a_word() -> None:
    mask = TextMask(Edition(DISCLOSURE, bytes(16)), names=["Jane", "Jane (2)", "", " "])
    assert mask.text("Jane (2), Jane and Janet; JaneDoe") == "masked, masked and Janet; JaneDoe"


@pytest.mark.parametrize(
    "written",
    ["Zebulon Quux", "ZEBULON QUUX", "zebulon  quux", "Zebulon\u00a0Quux", "Zebulon_Quux",
     "Zebulon-Quux", "ZebulonQuux", "https://names.example/Zebulon%20Quux", "x_zebulon_quux"],
)  # fmt: skip
def test_a_name_of_several_words_is_found_however_it_is_spelled(written: str) -> None:
    mask = TextMask(Edition(DISCLOSURE, bytes(16)), names=["Zebulon Quux"])
    assert "uux" not in mask.text(f"paid to {written}, twice").lower()
    assert mask.text("a quux of zebulon") == "a quux of zebulon"


def test_a_table_tells_a_name_from_a_word_like_it() -> None:
    mask = TextMask(Edition(DISCLOSURE, bytes(16)), names=["Hot Wallet"])
    frame = pl.DataFrame({"concept": ["hot_wallet"], "source": ["https://a.example/Hot%20Wallet"]})
    said = mask.frame(frame)
    assert said["concept"].to_list() == ["hot_wallet"]
    assert "Wallet" not in said["source"].item()


def test_an_id_between_two_who_are_shown_is_shown_on_every_kind_of_chain() -> None:
    """What kelp paid to the exchange alone names its transaction; what it paid to amy does not."""
    view = shown_cases.token_case().shown("disclosure").view
    steps = view.tables["steps"].filter(pl.col("txid").is_not_null())
    given = steps.filter(pl.col("txid") != "withheld")["txid"].to_list()
    assert given
    assert all(len(txid) == 66 and txid.startswith("0x") for txid in given)
    assert "withheld" in steps["txid"].to_list()
