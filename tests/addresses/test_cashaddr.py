"""Bitcoin Cash: CashAddr and the old form are one address, and its chain is one of its own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.addresses.canonical import Kind, chains_of, parse, text
from chainwatch.addresses.codecs import cashaddr_decode, cashaddr_encode
from chainwatch.addresses.scripts import classify, script_of
from chainwatch.bitcoin.header_tree import BlockLink, place
from chainwatch.chains.bitcoin import BITCOIN
from chainwatch.chains.bitcoin_cash import BITCOIN_CASH
from chainwatch.chains.catalogue import CHAINS, chain
from chainwatch.errors import AddressError, BlockError

PAIRS = [
    # The examples of the specification: old form, CashAddr.
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
     "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR",
     "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb",
     "bitcoincash:qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
     "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4",
     "bitcoincash:pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw",
     "bitcoincash:pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"),
]  # fmt: skip

VECTORS = [
    # Of the specification, one per size: payload, type, text.
    ("F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9", 0,
     "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2"),
    ("F5BF48B397DAE70BE82B3CCA4793F8EB2B6CDAC9", 1,
     "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t"),
    ("7ADBF6C17084BC86C1706827B41A56F5CA32865925E946EA", 0,
     "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0"),
    ("3173EF6623C6B48FFD1A3DCC0CC6489B0A07BB47A37F47CFEF4FE69DE825C060", 1,
     "bchtest:pvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq7fqng6m6"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_both_forms_are_one_address(old: str, new: str) -> None:
    address = parse(new, "bch")
    assert address == parse(old, "bch") == parse(old, "btc")
    assert address == parse(new.partition(":")[2], "bch") == parse(new.upper(), "bch")
    assert text(address, "bch") == new
    assert text(address, "btc") == old
    assert [item.alias for item in chains_of(new)] == ["bch"]


def test_an_address_that_takes_tokens_is_the_same_address() -> None:
    address = parse(PAIRS[0][0], "bch")
    for kind, written in ((2, address), (3, parse(PAIRS[3][0], "bch"))):
        form = cashaddr_encode("bitcoincash", kind, written[1:])
        assert form.startswith(("bitcoincash:z", "bitcoincash:r"))
        assert parse(form, "bch") == written


@pytest.mark.parametrize(("payload", "kind", "written"), VECTORS)
def test_vectors(payload: str, kind: int, written: str) -> None:
    prefix = written.partition(":")[0]
    assert cashaddr_encode(prefix, kind, bytes.fromhex(payload)) == written
    assert cashaddr_decode(written, prefix) == (kind, bytes.fromhex(payload))


MISTAKES = {
    PAIRS[0][1][:-1] + "q": "CashAddr checksum does not match",
    PAIRS[0][1].replace("q", "Q", 1): "mixed case",
    VECTORS[1][2]: "is a link or a prefixed text",
    PAIRS[0][1] + "?amount=1": "is a link or a prefixed text",
    "bitcoincash:" + "q" * 60: "checksum",
    "bitcoincash:": "too short, with 12 characters",
    "bitcoincash:bbbbbbbbbbbb": "not in the CashAddr alphabet",
    cashaddr_encode("bitcoincash", 0, bytes(32)): "type 0 with 32 bytes is not supported",
    cashaddr_encode("bitcoincash", 1, bytes(24)): "type 1 with 24 bytes is not supported",
    cashaddr_encode("bitcoincash", 2, bytes(32)): "type 2 with 32 bytes is not supported",
    cashaddr_encode("bitcoincash", 15, bytes(20)): "type 15 with 20 bytes is not supported",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq": "an address of Bitcoin, not of Bitcoin Cash",
}


@pytest.mark.parametrize("written", MISTAKES)
def test_mistakes(written: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(written, "bch")
    assert MISTAKES[written] in str(caught.value)


def test_another_prefix_is_another_network() -> None:
    with pytest.raises(AddressError, match="its prefix is 'bchtest', not 'bitcoincash'"):
        cashaddr_decode(VECTORS[1][2], "bitcoincash")


def test_a_cash_address_is_named_where_bitcoin_is_asked_for() -> None:
    with pytest.raises(AddressError, match=r"of Bitcoin Cash, not of Bitcoin; name the chain: bch"):
        parse(PAIRS[0][1], "btc")


P2SH32 = "bitcoincash:pd72l6tm39gcxehpsf57fthdjcwxrdswzxzmmrshc5xk2z5upjc8xvk32lxtz"


def test_a_script_behind_its_double_hash() -> None:
    address = parse(P2SH32, "bch")
    assert (address[0], len(address)) == (Kind.P2SH32, 33)
    assert text(address, "bch") == P2SH32
    assert parse(P2SH32.partition(":")[2], "bch") == parse(P2SH32.upper(), "bch") == address
    assert parse(cashaddr_encode("bitcoincash", 3, address[1:]), "bch") == address
    assert script_of(address) == b"\xaa\x20" + address[1:] + b"\x87"
    assert classify(script_of(address), chain("bch").forms).address == address
    assert classify(script_of(address), chain("btc").forms).kind == "nonstandard"
    for other in ("btc", "ltc", "doge"):
        with pytest.raises(AddressError, match="has no text on"):
            text(address, other)


def test_the_regression_network_writes_its_own_prefix() -> None:
    written = text(parse(PAIRS[0][0], "bch"), "bch-regtest")
    assert written.startswith("bchreg:")
    assert [item.alias for item in chains_of(written)] == ["bch-regtest"]


@given(st.sampled_from([(Kind.P2PKH, 20), (Kind.P2SH, 20), (Kind.P2SH32, 32)]), st.data())
def test_round_trip(form: tuple[Kind, int], data: st.DataObject) -> None:
    kind, size = form
    address = bytes([kind]) + data.draw(st.binary(min_size=size, max_size=size))
    for alias in ("bch", "bch-regtest"):
        assert parse(text(address, alias), alias) == address
    assert script_of(address)


@given(st.text("qpzry9x8gf2tvdw0s3jn54khce6mua7l:bitconcash", max_size=130))
def test_hostile_text_is_refused(written: str) -> None:
    with pytest.raises(AddressError):
        parse(written, "bch")


def test_chains_of_bitcoin_cash_and_testnet_4() -> None:
    cash = chain("bch")
    assert cash.id == "bip122:000000000000000000651ef99cb9fcbe"
    assert (cash.genesis, cash.magic) == (BITCOIN.genesis, BITCOIN.magic)
    assert (cash.hrp, cash.decimals, cash.family) == (None, 8, "utxo")
    fourth = chain("btc-testnet4")
    assert fourth.id == "bip122:00000000da84f2bafbbc53dee25a72ae"
    assert not fourth.mainnet
    assert len({item.id for item in CHAINS}) == len({item.alias for item in CHAINS}) == len(CHAINS)


def test_the_other_side_of_the_split_is_refused() -> None:
    """Below it the chains share every block, and above it the links alone do not tell."""
    cash = bytes.fromhex("000000000000000000651ef99cb9fcbe")[::-1].rjust(32, b"\x07")
    other = hashlib.sha256(b"other").digest()
    for name, right, wrong in ((cash, BITCOIN_CASH, BITCOIN), (other, BITCOIN, BITCOIN_CASH)):
        header = {name: BlockLink(name, b"\x01" * 32, 0x1D00FFFF, "a.dat byte 8")}
        assert place(header, right, height=478_559).heights == {name: 478_559}
        assert place(header, wrong, height=478_560).heights == {name: 478_560}
        with pytest.raises(BlockError, match=f"is of {right.name}, not of {wrong.name}"):
            place(header, wrong, height=478_559)


def test_sanctioned_addresses() -> None:
    place = os.environ.get("CHAINWATCH_DATA")
    if not place:
        pytest.skip("CHAINWATCH_DATA names no folder of real data")
    path = Path(place) / "labels/ofac_2024-09-27/sanctioned_addresses_BCH.txt"
    written = path.read_text().split()
    addresses = [parse(item, "bch") for item in written]
    assert len(set(addresses)) == len(written) == 7
    assert written[0].startswith("1")
    assert [text(item, "bch") for item in addresses[1:]] == [
        f"bitcoincash:{item}" for item in written[1:]
    ]
