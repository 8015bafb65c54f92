"""Addresses that are anybody's: computed from scripts, and known as other people write them."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses import bip32
from chainwatch.addresses.bip32 import GENERATOR, compressed, point_of
from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.keyless import open_scripts, why_open, without_key
from chainwatch.addresses.scripts import classify, script_of

KNOWN = {
    "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH": "secret is 1",
    "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm": "secret is 1",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "secret is 1",
    "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN": "secret is 1",
    "bc1pmfr3p9j00pfxjh0zmgp99y8zftmd3s5pmedqhyptwy6lm87hf5sspknck9": "secret is 1",
    "bc1pfeessrawgf": "no rule gives a meaning",
}
"""As they stand in BIP 173 and in lists of well-known keys; the last is BIP 433's."""


@pytest.mark.parametrize("address", KNOWN)
def test_those_that_others_publish(address: str) -> None:
    why = why_open(parse(address, "btc"))
    assert why is not None
    assert KNOWN[address] in why


def test_the_secret_of_the_generator_is_one() -> None:
    assert point_of(compressed(GENERATOR)) == GENERATOR
    assert bip32._curve().G == GENERATOR


def test_the_column_says_what_the_function_says() -> None:
    mine = [parse(one, "btc") for one in KNOWN]
    others = [bytes((kind,)) + bytes(size) for kind, size in ((1, 20), (2, 20), (4, 32), (5, 32))]
    rows = pl.DataFrame({"address": [*mine, *others, None]}, schema={"address": pl.Binary})
    assert rows.select(without_key()).to_series().to_list() == [
        *[True] * len(mine), *[False] * len(others), None,
    ]  # fmt: skip
    assert [why_open(one) for one in others] == [None] * len(others)


def test_every_script_is_known_behind_each_hash() -> None:
    scripts = open_scripts()
    assert {bytes.fromhex(one) for one in ("", "51", "52", "60", "7551", "51b2", "51024e73")} <= {
        *scripts
    }
    assert not any(set(script) & {0xAC, 0xAD, 0xAE, 0xAF, 0xBA, 0x6A} for script in scripts)
    assert len(set(scripts.values())) == len(scripts)


def test_a_script_of_one_key_is_not_open() -> None:
    keyed = compressed(GENERATOR)
    assert classify(b"\x21" + keyed + b"\xac").address is None
    assert why_open(parse("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc")) is None


def test_taproot_without_a_key() -> None:
    found = [one for one in _taproot() if "OP_1" in str(why_open(one))]
    assert len(found) == 1
    assert script_of(found[0])[:2] == b"\x51\x20"
    assert text(found[0], "btc").startswith("bc1p")


def _taproot() -> list[bytes]:
    from chainwatch.addresses.keyless import _catalogue

    return [one for one in _catalogue() if one[:1] == b"\x05"]
