"""Addresses and transaction ids: round trips, columns, and the spellings of real lists."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical as addresses
from chainwatch.addresses.canonical import (
    Kind,
    chains_of,
    kind_of,
    parse,
    parse_txid,
    text,
    txid_text,
)
from chainwatch.chains.catalogue import CHAINS, chain
from chainwatch.errors import AddressError, ChainError

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
P2SH = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
MISFILED = "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq"
COINBASE = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

PAYLOADS = dict.fromkeys(Kind, 20) | {Kind.P2WSH: 32, Kind.P2TR: 32, Kind.P2SH32: 32}


def kinds_of(alias: str) -> list[Kind]:
    family = chain(alias).family
    if family != "utxo":
        return [Kind.EVM if family == "evm" else Kind.TRON]
    plain = [Kind.P2PKH, Kind.P2SH]
    witness = [Kind.P2WPKH, Kind.P2WSH, Kind.P2TR, Kind.WITNESS_UNKNOWN]
    if chain(alias).cashaddr:
        return [*plain, Kind.P2SH32]
    return plain + witness if chain(alias).hrp else plain


@st.composite
def canonical(draw: st.DrawFn) -> tuple[bytes, str]:
    alias = draw(st.sampled_from([item.alias for item in CHAINS]))
    kind = draw(st.sampled_from(kinds_of(alias)))
    if kind is not Kind.WITNESS_UNKNOWN:
        size = PAYLOADS[kind]
        return bytes([kind]) + draw(st.binary(min_size=size, max_size=size)), alias
    version = draw(st.integers(1, 16))
    program = draw(st.binary(min_size=2, max_size=40))
    if (version, len(program)) == (1, 32):
        program = program[:31]
    return bytes([kind, version]) + program, alias


def test_tron_hex_and_old_litecoin_p2sh_become_the_canonical_text() -> None:
    assert text(parse("41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "tron"), "tron") == USDT
    old = "3MSvaVbVFFLML86rt5eqgA9SvW23upaXdY"
    assert text(parse(old, "ltc"), "ltc") == "MTf4tP1TCNBn8dNkyxeBVoPrFCcVzxJvvh"
    assert [item.alias for item in chains_of(old)] == ["btc", "bch", "ltc"]


@given(canonical())
@settings(deadline=None)
def test_every_kind_on_every_chain_goes_round(pair) -> None:
    address, alias = pair
    written = text(address, alias)
    assert parse(written, alias) == address
    assert chain(alias) in chains_of(written)
    if chain(alias).hrp is None or address[0] < Kind.P2WPKH:
        assert parse(written, chain(alias).id) == address
    else:
        assert parse(written.upper(), alias) == address


_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@st.composite
def like_bech32(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw an address in base58 whose text begins with the letters of Litecoin's bech32."""
    start = draw(st.sampled_from(["LTC1", "LTc1"]))  # "Lt" is beyond the version byte
    rest = "5" + draw(st.text(_DIGITS, min_size=29, max_size=29))
    number = 0
    for digit in start + rest:
        number = number * 58 + _DIGITS.index(digit)
    whole = number.to_bytes(25)
    return bytes([Kind.P2PKH]) + whole[1:21], start


@given(like_bech32())
@settings(deadline=None)
def test_base58_that_begins_like_bech32_is_base58(pair) -> None:
    address, start = pair
    written = text(address, "ltc")
    assert written.startswith(start)
    assert parse(written, "ltc") == address
    assert chains_of(written) == (chain("ltc"),)
    with pytest.raises(AddressError, match=r"is an address of Litecoin, not of Bitcoin"):
        parse(written, "btc")


def test_a_listed_address_that_begins_like_bech32() -> None:
    listed = "LTc1PGgnhgC7dYEkw9EKsmjcqSsf5GZmBs"
    address = parse(listed, "ltc")
    assert (kind_of(address), text(address, "ltc")) == (Kind.P2PKH, listed)
    with pytest.raises(AddressError, match="bech32 in mixed case is not valid"):
        parse("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmN4N9", "ltc")
    with pytest.raises(AddressError, match="bech32 checksum does not match"):
        parse("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n8", "ltc")


@given(canonical(), st.data())
@settings(deadline=None, max_examples=300)
def test_one_changed_character_never_gives_the_same_address(pair, data) -> None:
    address, alias = pair
    written = text(address, alias)
    at = data.draw(st.integers(0, len(written) - 1))
    new = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = written[:at] + new + written[at + 1 :]
    if changed.lower() == written.lower() and chain(alias).family == "evm":
        return  # capitals of a hexadecimal text carry a check, not the address
    try:
        read = parse(changed, alias)
    except AddressError:
        return
    assert (read == address) == (changed == written)


@pytest.mark.parametrize("value", [None, 12345, b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"])
def test_value_that_is_no_text_is_refused(value) -> None:
    with pytest.raises(AddressError, match="of type"):
        parse(value, "btc")
    with pytest.raises(AddressError, match="of type"):
        parse_txid(value, "btc")


@pytest.mark.parametrize(
    "bad",
    ["", "00", "07" + "00" * 20, "01" + "00" * 19, "03" + "00" * 32, "0601" + "00" * 32,
     "0600" + "00" * 20, "0611" + "00" * 20, "060200", "0602" + "00" * 41],
)  # fmt: skip
def test_bytes_that_are_no_canonical_address_are_refused(bad) -> None:
    with pytest.raises(AddressError, match="are not an address"):
        kind_of(bytes.fromhex(bad))


@pytest.mark.parametrize(
    ("address", "alias"),
    [("03" + "00" * 20, "doge"), ("01" + "00" * 20, "eth"), ("10" + "00" * 20, "tron"),
     ("11" + "00" * 20, "btc")],
)  # fmt: skip
def test_kind_that_a_chain_does_not_write_has_no_text_there(address, alias) -> None:
    with pytest.raises(AddressError, match="has no text on"):
        text(bytes.fromhex(address), alias)


def test_unknown_chain_is_an_error_of_its_own() -> None:
    with pytest.raises(ChainError, match="unknown chain"):
        parse(GENESIS, "bitcoin-cash")


def test_txid_is_reversed_for_bitcoin_like_chains_only() -> None:
    wire = bytes.fromhex(COINBASE)[::-1]
    assert parse_txid(COINBASE, "btc") == parse_txid(COINBASE.upper(), "btc") == wire
    assert txid_text(wire, "btc") == COINBASE
    for alias, shown in [("eth", f"0x{COINBASE}"), ("tron", COINBASE)]:
        assert parse_txid(shown, alias) == bytes.fromhex(COINBASE)
        assert txid_text(bytes.fromhex(COINBASE), alias) == shown


@pytest.mark.parametrize(
    ("given_text", "alias", "sentence"),
    [(GENESIS, "btc", "is an address of Bitcoin or Bitcoin Cash, not a transaction id"),
     (f"0x{COINBASE}", "btc", "not of Bitcoin"), (COINBASE[:-1], "btc", "id has 64"),
     (f"{COINBASE} ", "btc", "white space"), ("\uff11" * 64, "eth", "64 hexadecimal")],
)  # fmt: skip
def test_text_that_is_no_txid_is_refused(given_text, alias, sentence) -> None:
    with pytest.raises(AddressError, match=sentence):
        parse_txid(given_text, alias)
    with pytest.raises(AddressError, match="32 bytes"):
        txid_text(b"short", alias)


def test_series_keep_order_name_and_nulls() -> None:
    texts = pl.Series("payee", [P2SH, None, GENESIS, P2SH, None])
    found = addresses.parse_series(texts, "btc")
    assert found.to_list() == [parse(P2SH, "btc"), None, parse(GENESIS, "btc"),
                               parse(P2SH, "btc"), None]  # fmt: skip
    assert (found.name, found.dtype) == ("payee", pl.Binary)
    assert addresses.text_series(found, "btc").equals(texts)
    for empty in (pl.Series("n", [None, None]), pl.Series("n", [], dtype=pl.String)):
        assert addresses.parse_series(empty, "btc").null_count() == len(empty)


def test_series_names_the_first_row_that_is_wrong() -> None:
    texts = pl.Series("payee\x1b", [None, GENESIS, USDT, "nonsense"])
    with pytest.raises(
        AddressError, match=r"Tron.*row 3 of column 'payee\\x1b'; name the chain: tron"
    ):
        addresses.parse_series(texts, "btc")
    with pytest.raises(AddressError, match="row 2"):
        addresses.text_series(pl.Series([parse(GENESIS, "btc"), b"\x00"]), "btc")
    with pytest.raises(AddressError, match="type Int64"):
        addresses.parse_series(pl.Series([1]), "btc")


_PEER = """
import json, sys
from bitcoinlib.encoding import pubkeyhash_to_addr_base58, pubkeyhash_to_addr_bech32
made = []
for prefix, version, payload in json.load(sys.stdin):
    data = bytes.fromhex(payload)
    if isinstance(prefix, int):
        made.append(pubkeyhash_to_addr_base58(data, prefix=bytes([prefix])))
    else:
        made.append(pubkeyhash_to_addr_bech32(data, prefix=prefix, witver=version))
print(json.dumps(made))
"""


def test_texts_agree_with_bitcoinlib(tmp_path: Path) -> None:
    found = importlib.util.find_spec("bitcoinlib")
    assert found is not None
    assert found.origin is not None
    shutil.copy(Path(found.origin).parent / "data" / "networks.json", tmp_path)
    (tmp_path / "install.log").write_text("prepared\n")
    (tmp_path / "providers.json").write_text("{}")
    (tmp_path / "config.ini").write_text(
        "[common]\nservice_caching_enabled=False\n[logs]\nenable_bitcoinlib_logging=False\n"
    )
    asked, ours = [], []
    for item in (item for item in CHAINS if item.family == "utxo" and not item.cashaddr):
        for kind in kinds_of(item.alias)[:5] * 20:
            payload = hashlib.sha256(str(len(asked)).encode()).digest()[: PAYLOADS[kind]]
            prefix = {Kind.P2PKH: item.p2pkh, Kind.P2SH: item.p2sh}.get(kind, item.hrp)
            asked.append((prefix, int(kind is Kind.P2TR), payload.hex()))
            ours.append(text(bytes([kind]) + payload, item))
    done = subprocess.run(
        [sys.executable, "-c", _PEER], input=json.dumps(asked), capture_output=True, text=True,
        check=True, env={**os.environ, "BCL_DATA_DIR": str(tmp_path), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert json.loads(done.stdout) == ours


@pytest.fixture
def data() -> Path:
    folder = os.environ.get("CHAINWATCH_DATA")
    if not folder:
        pytest.skip("CHAINWATCH_DATA names no folder of real data")
    return Path(folder)


@pytest.mark.parametrize(
    ("asset", "alias", "count"),
    [("XBT", "btc", 434), ("ETH", "eth", 152), ("TRX", "tron", 6), ("LTC", "ltc", 10)],
)  # fmt: skip
def test_sanctioned_addresses_are_read_and_written(data, asset, alias, count) -> None:
    path = data / f"labels/ofac_2024-09-27/sanctioned_addresses_{asset}.txt"
    texts = pl.Series([item for item in path.read_text().split() if item != MISFILED])
    found = addresses.parse_series(texts, alias)
    written = addresses.text_series(found, alias)
    assert found.n_unique() == len(texts) == count
    if alias == "eth":  # the list writes some in lower case
        assert written.to_list() == [to_checksum_address(item) for item in texts]
    else:
        assert written.equals(texts)


def test_tron_address_that_the_sanctions_list_files_under_bitcoin_is_noticed(data) -> None:
    path = data / "labels/ofac_2024-09-27/sanctioned_addresses_XBT.txt"
    assert MISFILED in path.read_text().split()
    assert [item.alias for item in chains_of(MISFILED)] == ["tron"]
    with pytest.raises(AddressError, match="is an address of Tron, not of Bitcoin"):
        addresses.parse_series(pl.Series(path.read_text().split()), "btc")


def test_listed_tron_wallets_are_read_and_written(data) -> None:
    with (data / "tron/listed_wallets.csv").open(newline="") as file:
        wallets = [row["wallet"] for row in csv.DictReader(file)]
    assert [text(parse(wallet, "tron"), "tron") for wallet in wallets] == wallets
    assert len(set(wallets)) == 20
