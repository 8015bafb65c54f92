"""Sentences for mistakes: what a text is instead, and nothing that could harm a reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import chains_of, parse, parse_txid
from chainwatch.addresses.codecs import base58check_decode, base58check_encode
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
        "btc-testnet or btc-testnet4 or btc-signet or btc-regtest",
    ),
    (COINBASE, "btc", "is a transaction id or another hash, not an address"),
    (f"0x{COINBASE}", "eth", "is a transaction id or another hash, not an address"),
    ("vitalik.eth", "eth", "ENS names are not resolved; give the 0x address"),
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
    ("1" * 10_000, "btc", "too long for an address, with 10000 characters"),
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
