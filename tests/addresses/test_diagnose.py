"""Sentences for mistakes: what a text is instead, and nothing that could harm a reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import chains_of, parse, parse_txid
from chainwatch.addresses.codecs import base58check_decode, base58check_encode
from chainwatch.addresses.diagnose import is_name
from chainwatch.chains.catalogue import CHAINS
from chainwatch.errors import AddressError

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
COINBASE = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

MISTAKES = [
    (USDT, "btc", "is an address of Tron, not of Bitcoin; name the chain: tron."),
    (GENESIS, "tron", "of Bitcoin or Bitcoin Cash, not of Tron; name the chain: btc or bch."),
    (EVM, "btc", "name the chain: eth"),
    ("bc1qnope", "btc-regtest", "begins as an address of Bitcoin, not of Bitcoin regtest"),
    ("bc1qnope", "tron", "is not one either: it lacks the parts of a bech32 text"),
    (
        "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs",
        "btc",
        "name the chain: btc-testnet, btc-testnet4, btc-signet, btc-regtest, bch-regtest,",
    ),
    (COINBASE, "btc", "is a transaction id or another hash, not an address"),
    (f"0x{COINBASE}", "eth", "is a transaction id or another hash, not an address"),
    (
        "vitalik.eth",
        "eth",
        "`chainwatch resolve NAME --node URL`; `show` and `pull` with --names-node URL",
    ),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "btc", "base58 checksum does not match"),
    (GENESIS.lower(), "btc", "lost its capitals"),
    (USDT.upper(), "tron", "lost its small letters"),
    (f" {GENESIS}", "btc", "white space around it"),
    (f"{EVM}\n", "eth", "white space around it"),
    (f"{EVM[:-1]}D", "eth", "capitals do not match the EIP-55 checksum"),
    (EVM[2:], "eth", "lacks 0x"),
    (f"bitcoin:{GENESIS}", "btc", "is a link or a prefixed text; give the address alone"),
    ("", "btc", "an empty text is not an address"),
    ("\x1b[31m\u202e1A1z", "btc", r"'\x1b[31m\u202e1A1z' holds a character that no address has"),
    (GENESIS.replace("A", "\u0410"), "btc", r"\u0410"),
    ("1z" * 5_000, "btc", "too long for an address, with 10000 characters"),
    ("1" * 10_000, "btc", "is 10,000 hexadecimal digits"),
    ("hello", "tron", "is not an address of Tron"),
    (base58check_encode(b"\x00" * 20), "btc", "20 bytes where an address has 21"),
    (base58check_encode(b"\x99" * 21), "btc", "version byte 0x99"),
]


@pytest.mark.parametrize(("given_text", "alias", "sentence"), MISTAKES)
def test_mistake_is_answered_with_a_sentence_that_helps(given_text, alias, sentence) -> None:
    with pytest.raises(AddressError) as caught:
        parse(given_text, alias)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("padding", ["", " "])
def test_private_or_extended_key_is_never_repeated(padding) -> None:
    secret = base58check_encode(b"\x80" + bytes(range(32)))
    extended = base58check_encode(b"\x04\x88\xb2\x1e" + bytes(range(74)))
    for key in (secret, extended):
        for read in (parse, parse_txid):
            with pytest.raises(AddressError, match="private or extended key") as caught:
                read(key + padding, "btc")
            assert key[4:12] not in str(caught.value)


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=())),
        st.text("01lIO3bcTLtx. \n", max_size=130),
        st.from_regex(r"(bc1|tb1|0x|41|T|1|3|L)[0-9A-Za-z]{0,90}", fullmatch=True),
    )
)
@settings(deadline=None, max_examples=300)
def test_hostile_text_raises_only_a_short_printable_address_error(hostile) -> None:
    for item in CHAINS:
        for read in (parse, parse_txid):
            try:
                read(hostile, item)
            except AddressError as error:
                sentence = str(error)
                assert sentence.isascii()
                assert sentence.isprintable()
                assert len(sentence) < 400
    chains_of(hostile)


def test_a_million_characters_are_refused_before_any_arithmetic() -> None:
    with pytest.raises(AddressError, match="1000000 characters"):
        parse("z" * 1_000_000, "btc")
    with pytest.raises(AddressError, match="1000000 characters"):
        base58check_decode("z" * 1_000_000)


SEGWIT = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
CUT = [
    ("4a5e1e\u2026", "btc", "is a shortened transaction id (or another hash): some of it"),
    ("4a5e1e4b...eda33b", "btc", "is a shortened transaction id"),
    ("1A1zP1\u2026vfNa", "btc", "is a shortened address: some of it is left out; copy it in full"),
    ("0x5aAe...BeAed", "eth", "is a shortened address"),
    ("bc1qar0**5mdq", "btc", "is a shortened address"),
    (COINBASE[:-1], "btc", "has 63 hexadecimal digits, where a transaction id has 64"),
    (f"{COINBASE}0", "btc", "has 65 hexadecimal digits, where a transaction id has 64"),
    (COINBASE[:6], "btc", "has 6 hexadecimal digits, where"),
    (EVM[:-1], "eth", "has 39 hexadecimal digits, where an address has 40 and a transaction id"),
    (SEGWIT[:-1], "btc", "has 41 characters, and such an address of Bitcoin has 42 or 62"),
    (f"{SEGWIT}q", "btc", "has 43 characters, and such an address of Bitcoin has 42 or 62"),
    (SEGWIT[:20].upper(), "btc", "has 20 characters"),
    (
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqked",
        "btc",
        "has 59 characters, and such an address of Bitcoin has 62: it lacks 3",
    ),
    (f"{SEGWIT[:-1]}x", "btc", "its bech32 checksum does not match"),
    (f"{COINBASE}:0", "btc", "names one output of a transaction; give the transaction id alone"),
    (f"{COINBASE}#1", "btc", "names one output of a transaction"),
    (f"https://mempool.space/tx/{COINBASE}", "btc", "is a link to a transaction or a block"),
    ("satoshi", "btc", "is not an address of Bitcoin: it is too short, with 7 characters"),
    ("800000", "btc", "is a number, such as the height of a block"),
    (f"02{'ab' * 32}", "btc", "is a public key, not an address"),
    (f"04{'ab' * 64}", "btc", "is a public key, not an address"),
    ("01000000" * 30, "btc", "is 240 hexadecimal digits, such as of a raw transaction"),
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "alias", "sentence"), CUT)
def test_what_is_cut_short_or_something_else_is_called_so(given_text, alias, sentence) -> None:
    with pytest.raises(AddressError) as caught:
        parse(given_text, alias)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "given_text", [row[0] for row in CUT if "digits" in row[2] or "shortened" in row[2]]
)
def test_the_same_is_said_where_a_transaction_id_is_wanted(given_text) -> None:
    said = {row[0]: row[2] for row in CUT}[given_text]
    with pytest.raises(AddressError) as caught:
        parse_txid(given_text, "eth" if "39" in said else "btc")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("vitalik.eth", True), ("pay.vitalik.eth", True), ("vitalik.xyz", True),
        ("vit\u0430lik.eth", True), ("labels.csv", False), ("a.b.TXT", False), ("1.5", False),
        ("vitalik", False), (".eth", False), ("a..eth", False), ("me@vitalik.eth", False),
        ("https://vitalik.eth", False), ("bc1q...9x2f", False), (f"{'a' * 300}.eth", False),
    ],
)  # fmt: skip
def test_what_is_written_as_a_name(text: str, named: bool) -> None:
    assert is_name(text) is named
    with pytest.raises(AddressError) as caught:
        parse(text, "eth")
    assert ("chainwatch resolve NAME" in str(caught.value)) is named


BECH = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
DISGUISED = {
    "Cyrillic": ("b\u04411" + BECH[3:], "btc", "CYRILLIC SMALL LETTER ES (U+0441)", "'c'", 2),
    "Cyrillic at the end": (GENESIS[:-1] + "\u0430", "btc", "LETTER A (U+0430)", "'a'", 34),
    "Greek": (GENESIS.replace("A", "\u0391", 1), "btc", "GREEK CAPITAL LETTER ALPHA", "'A'", 2),
    "full width": ("\uff11" + GENESIS[1:], "btc", "FULLWIDTH DIGIT ONE (U+FF11)", "'1'", 1),
    "mathematical": (GENESIS[:4] + "\U0001d7cf" + GENESIS[5:], "btc", "DIGIT ONE", "'1'", 5),
    "0x in Cyrillic": ("0\u0445" + EVM[2:], "eth", "CYRILLIC SMALL LETTER HA", "'x'", 2),
    "Tron": (USDT[:-1] + "\u0442", "tron", "CYRILLIC SMALL LETTER TE", None, 34),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_letters_that_look_like_others_are_named(name) -> None:
    text, alias, called, like, place = DISGUISED[name]
    with pytest.raises(AddressError) as caught:
        parse(text, alias)
    sentence = str(caught.value)
    assert "holds a character that no address has" in sentence
    assert called in sentence
    assert f"in place {place}" in sentence
    assert like is None or f"which looks like {like}" in sentence


@pytest.mark.parametrize("mark", ["\u200b", "\u00ad", "\u202e", "\ufeff", "\u2060", "\u00a0", "\t"])
@pytest.mark.parametrize("place", [1, 17])
def test_characters_that_draw_nothing_are_named(mark, place) -> None:
    with pytest.raises(AddressError) as caught:
        parse(GENESIS[:place] + mark + GENESIS[place:], "btc")
    assert f"(U+{ord(mark):04X}), which draws nothing, in place {place + 1}" in str(caught.value)


def test_what_it_would_be_in_plain_letters_is_said_and_never_taken() -> None:
    with pytest.raises(AddressError, match=r"in plain letters it is an address of Bitcoin.*decoy"):
        parse("b\u0441\u200b1" + BECH[3:], "btc")
    with pytest.raises(AddressError, match=r"\(and 1 more\)"):
        parse("b\u0441\u200b1" + BECH[3:], "btc")
    wrong = GENESIS[:-1].replace("A", "\u0410", 1) + "b"
    with pytest.raises(AddressError, match="copy it again as plain text"):
        parse(wrong, "btc")  # in plain letters its checksum is wrong: it is nobody's
    assert chains_of("b\u0441" + BECH[2:]) == ()


def test_an_id_with_a_strange_character_is_told_so() -> None:
    with pytest.raises(AddressError, match=r"CYRILLIC SMALL LETTER A \(U\+0430\).*in place 1"):
        parse_txid("\u0430" + COINBASE[1:], "btc")


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff"])
def test_a_key_with_a_hidden_character_is_never_repeated(mark) -> None:
    secret = base58check_encode(b"\x80" + bytes(range(32)))
    hidden = secret[:9] + mark + secret[9:]
    for read in (parse, parse_txid):
        with pytest.raises(AddressError, match="private or extended key") as caught:
            read(hidden, "btc")
        assert secret[12:20] not in str(caught.value)
