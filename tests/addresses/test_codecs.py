"""Base58check, bech32, bech32m and EIP-55 against the vectors of their standards."""

from __future__ import annotations

import pytest
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.codecs import (
    BECH32,
    BECH32M,
    base58check_decode,
    base58check_encode,
    bech32_decode,
    bech32_encode,
    eip55_encode,
)
from chainwatch.addresses.scripts import script_of
from chainwatch.errors import AddressError

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

# BIP 350 (which supersedes the lists of BIP 173): text, chain, output script.
WITNESS_VALID = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "btc",
     "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "btc-testnet",
     "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"),
    ("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "btc",
     "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"),
    ("BC1SW50QGDZ25J", "btc", "6002751e"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "btc", "5210751e76e8199196d454941c45d1b3a323"),
    ("tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy", "btc-signet",
     "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"),
    ("tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", "btc-testnet",
     "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "btc",
     "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
    ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "ltc",
     "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
]  # fmt: skip

# BIP 350 and BIP 173: text, a word of the sentence that says why.
WITNESS_INVALID = [
    ("tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", "prefix"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "bech32m"),
    ("tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", "bech32m"),
    ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "bech32m"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "checksum of bech32"),
    ("tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "checksum of bech32"),
    ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "alphabet"),
    ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "version 17"),
    ("bc1pw5dgrnzv", "1 bytes"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "41 bytes"),
    ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "16 bytes"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", "mixed case"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "padding"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", "padding"),
    ("bc1gmk9yu", "no program"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum does not match"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du", "bech32m"),
]

BECH32_TEXTS = {
    BECH32: [
        "A12UEL5L", "a12uel5l", "?1ezyfcl", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    ],
    BECH32M: [
        "A1LQFN3A", "a1lqfn3a", "?1v759aa", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    ],
}  # fmt: skip
BECH32_REFUSED = [
    "\x201nwldj5", "\x7f1axkwrx", "\x801eym55h", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v",
    "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8", "1qzzfhee", "y1b0jsk6g", "lt1igcx5c0",
    "in1muywd", "mm1crxm3i", "au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf", "qyrz8wqd2c9m",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
]  # fmt: skip

BASE58_VALID = [
    (GENESIS, "btc", "0162e907b15cbf27d5425399ebf6f0fb50ebb88f18"),
    ("1111111111111111111114oLvT2", "btc", "01" + "00" * 20),
    ("1AGNa15ZQXAZUgFiqJ2i7Z2DPU2J6hW62i", "btc", "0165a16059864a2fdbc7c99a4723a8395bc6f188eb"),
    ("3CMNFxN1oHBc4R1EpboAL5yzHGgE611Xou", "btc", "0274f209f6ea907e2ea48f74fae05782ae8a665257"),
    (
        "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs",
        "btc-testnet",
        "0153c0307d6851aa0ce7825ba883c6bd9ad242b486",
    ),
    (
        "2N2JD6wb56AfK4tfmM6PwdVmoYk2dCKf4Br",
        "btc-regtest",
        "026349a418fc4578d10a372b54b45c280cc8c4382f",
    ),
    ("MTf4tP1TCNBn8dNkyxeBVoPrFCcVzxJvvh", "ltc", "02d8b83ad7bf8795b9ff61464fcf06f156c28e3e1f"),
    ("DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "doge", "01830a7420e63d76244ff7cbd1c248e94c14463259"),
    (USDT, "tron", "11a614f803b6fd780986a42c78ec9c7f77e6ded13c"),
    ("TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL", "tron", "118840e6c55b9ada326d211d818c34a994aeced808"),
    ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "tron", "11" + "00" * 20),
]

EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", EVM,
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "alias", "script"), WITNESS_VALID)
def test_witness_address_of_the_standard_is_read_and_written(given_text, alias, script) -> None:
    address = parse(given_text, alias)
    assert script_of(address).hex() == script
    assert text(address, alias) == given_text.lower()


@pytest.mark.parametrize(("given_text", "why"), WITNESS_INVALID)
def test_invalid_witness_address_is_refused_with_its_reason(given_text, why) -> None:
    alias = "btc-testnet" if given_text.lower().startswith("tb") else "btc"
    with pytest.raises(AddressError, match=why):
        parse(given_text, alias)


@pytest.mark.parametrize("variant", [BECH32, BECH32M])
def test_bech32_texts_of_the_standard_are_read_and_written(variant) -> None:
    for given_text in BECH32_TEXTS[variant]:
        prefix, values, found = bech32_decode(given_text)
        assert found == variant
        assert bech32_encode(prefix, values, variant) == given_text.lower()


@pytest.mark.parametrize("given_text", BECH32_REFUSED)
def test_bech32_texts_that_the_standard_forbids_are_refused(given_text) -> None:
    with pytest.raises(AddressError):
        bech32_decode(given_text)


@pytest.mark.parametrize(("given_text", "alias", "address"), BASE58_VALID)
def test_base58_address_is_read_and_written(given_text, alias, address) -> None:
    assert parse(given_text, alias).hex() == address
    assert text(bytes.fromhex(address), alias) == given_text


@pytest.mark.parametrize("given_text", EIP55)
def test_eip55_text_is_canonical_and_one_case_is_accepted(given_text) -> None:
    address = parse(given_text, "eth")
    assert text(address, "eth") == given_text
    assert parse(given_text.lower(), "eth") == address
    assert parse(f"0x{given_text[2:].upper()}", "eth") == address


@given(st.binary(min_size=20, max_size=20))
@settings(deadline=None)
def test_eip55_agrees_with_another_implementation(payload) -> None:
    assert eip55_encode(payload) == to_checksum_address(payload)


@given(st.binary(min_size=2, max_size=80))
@settings(deadline=None)
def test_base58check_goes_round_and_notices_a_lost_byte(payload) -> None:
    written = base58check_encode(payload)
    assert base58check_decode(written) == payload
    with pytest.raises(AddressError):
        base58check_decode(written[:-1])
    with pytest.raises(AddressError):
        base58check_decode("1" + written)
