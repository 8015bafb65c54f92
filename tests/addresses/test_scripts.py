"""Output scripts: every kind, the edges between them, and answers of a real explorer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.scripts import LARGEST_SCRIPT, classify, script_of
from chainwatch.chains.base import Forms
from chainwatch.errors import AddressError
from chainwatch.ledger.schema import OUTPUTS

GENESIS_KEY = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
    "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
)
SHORT_KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def push(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def multisig(required: bytes, keys: list[bytes], total: bytes) -> bytes:
    return required + b"".join(map(push, keys)) + total + b"\xae"


@pytest.mark.parametrize(
    ("script", "kind", "shown"),
    [
        ("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", "p2pkh",
         "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87", "p2sh",
         "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"),
        ("0014751e76e8199196d454941c45d1b3a323f1433bd6", "p2wpkh",
         "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("5120" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "p2tr",
         "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
        ("51024e73", "p2a", "bc1pfeessrawgf"),
        ("51024e74", "witness_unknown", "bc1pfe6q5vy3qs"),
        ("6002751e", "witness_unknown", "bc1sw50qgdz25j"),
    ],
)  # fmt: skip
def test_script_with_an_address(script, kind, shown) -> None:
    found = classify(bytes.fromhex(script))
    assert (found.kind, found.address) == (kind, parse(shown, "btc"))
    assert (found.keys, found.required, found.spendable) == ((), 0, True)
    assert script_of(found.address).hex() == script


def test_key_of_pay_to_public_key_is_listed_and_no_address_assumed() -> None:
    for key in (GENESIS_KEY, SHORT_KEY, b"\x06" + GENESIS_KEY[1:], b"\x07" + GENESIS_KEY[1:]):
        found = classify(push(key) + b"\xac")
        assert (found.kind, found.address) == ("p2pk", None)
        assert (found.keys, found.required, found.spendable) == ((key,), 1, True)


@pytest.mark.parametrize("size", [33, 65])
def test_data_that_does_not_begin_like_a_key_is_no_public_key(size) -> None:
    assert classify(push(b"\x05" * size) + b"\xac").kind == "nonstandard"
    wrong = b"\x04" if size == 33 else b"\x02"  # the start of a key of the other length
    assert classify(push(wrong * size) + b"\xac").kind == "nonstandard"


@pytest.mark.parametrize(
    ("required", "total"), [(1, 1), (1, 2), (2, 3), (3, 3), (15, 15), (16, 16), (1, 17), (20, 20)]
)
def test_bare_multisig_lists_its_keys_and_the_signatures_it_asks_for(required, total) -> None:
    def number(count: int) -> bytes:
        return bytes([0x50 + count]) if count <= 16 else bytes([1, count])

    keys = [SHORT_KEY, GENESIS_KEY] * total
    found = classify(multisig(number(required), keys[:total], number(total)))
    assert (found.kind, found.address) == ("multisig", None)
    assert (found.keys, found.required) == (tuple(keys[:total]), required)


@pytest.mark.parametrize(
    "script",
    [
        multisig(b"\x52", [SHORT_KEY], b"\x51"),
        multisig(b"\x51", [SHORT_KEY], b"\x52"),
        multisig(b"\x00", [SHORT_KEY], b"\x51"),
        multisig(b"\x01\x01", [SHORT_KEY], b"\x51"),
        multisig(b"\x51", [SHORT_KEY] * 21, b"\x01\x15"),
        multisig(b"\x51", [SHORT_KEY, b"\x09" * 33], b"\x52"),
        multisig(b"\x51", [SHORT_KEY], b"\x51\x75"),
        multisig(b"\x51", [], b"\x51"),
        multisig(b"\x51", [SHORT_KEY], b""),
        b"\x51\x21" + SHORT_KEY[:-1] + b"\xae\xae",
        b"\x51\x21\x02" + b"\xae" * 40,
        b"\xae" * 40,
        b"\x51\x01" + b"\xae" * 38,
    ],
)
def test_what_only_ends_like_a_multisig_is_nonstandard(script) -> None:
    assert classify(script).kind in {"nonstandard", "witness_unknown"}
    assert classify(script).keys == ()


@pytest.mark.parametrize("script", ["6a", "6a0568656c6c6f", "6a" + "ff" * 80, "6a4e", "6a02ae"])
def test_op_return_is_burnt(script) -> None:
    found = classify(bytes.fromhex(script))
    assert (found.kind, found.address, found.spendable) == ("null_data", None, False)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (b"", "nonstandard"),
        (b"\x51", "nonstandard"),
        (b"\x00\x02ab", "nonstandard"),  # version 0 takes 20 or 32 bytes
        (b"\x00\x15" + bytes(21), "nonstandard"),
        (b"\x51\x01a", "nonstandard"),  # a program has 2 to 40 bytes
        (b"\x51\x02ab", "witness_unknown"),
        (b"\x51\x28" + bytes(40), "witness_unknown"),
        (b"\x51\x29" + bytes(41), "nonstandard"),
        (b"\x52\x20" + bytes(32), "witness_unknown"),
        (b"\x61\x20" + bytes(32), "nonstandard"),
        (b"\x4f\x20" + bytes(32), "nonstandard"),
        (b"\x51\x20" + bytes(33), "nonstandard"),
        (b"\x76\xa9\x14" + bytes(20) + b"\x88\xad", "nonstandard"),
        (b"\xa9\x14" + bytes(20) + b"\x88", "nonstandard"),
    ],
)
def test_edge_between_kinds(script, kind) -> None:
    assert classify(script).kind == kind
    assert classify(script).spendable


def test_script_beyond_the_consensus_limit_can_never_be_spent() -> None:
    assert classify(b"\x75" * LARGEST_SCRIPT).spendable
    assert not classify(b"\x75" * (LARGEST_SCRIPT + 1)).spendable
    assert not classify(b"\x75" * LARGEST_SCRIPT + b"\xae").spendable


def test_chain_without_segregated_witness_has_no_witness_kinds() -> None:
    for script in (b"\x00\x14" + bytes(20), b"\x51\x20" + bytes(32), b"\x53\x02ab"):
        assert classify(script).address is not None
        found = classify(script, Forms.PLAIN)
        assert (found.kind, found.address) == ("nonstandard", None)


@pytest.mark.parametrize("address", [b"\x10" + bytes(20), b"\x11" + bytes(20)])
def test_account_address_has_no_script(address) -> None:
    with pytest.raises(AddressError, match="no output script"):
        script_of(address)


@given(st.sampled_from([(1, 20), (2, 20), (3, 20), (4, 32), (5, 32)]), st.data())
@settings(deadline=None)
def test_address_and_script_go_round(form, data) -> None:
    kind, size = form
    address = bytes([kind]) + data.draw(st.binary(min_size=size, max_size=size))
    assert classify(script_of(address)).address == address


HEADS = [b"", b"\x76\xa9\x14", b"\xa9\x14", b"\x00\x14", b"\x51\x21\x02", b"\x52\x41\x04", b"\x21"]


@given(st.sampled_from(HEADS), st.binary(max_size=120), st.sampled_from([b"", b"\xac", b"\xae"]))
@settings(deadline=None, max_examples=400)
def test_any_bytes_are_classified_and_an_address_gives_its_script_back(head, body, tail) -> None:
    script = head + body + tail
    found = classify(script)
    meaning = next(column.meaning for column in OUTPUTS.columns if column.name == "script_kind")
    assert found.kind in meaning
    assert found.spendable == (not script.startswith(b"\x6a"))
    assert bool(found.keys) == (found.kind in {"p2pk", "multisig"}) == (found.required > 0)
    if found.address is not None:
        assert script_of(found.address) == script


EXPLORER_KINDS = {
    "op_return": "null_data", "v0_p2wpkh": "p2wpkh", "v0_p2wsh": "p2wsh", "v1_p2tr": "p2tr",
}  # fmt: skip


def outputs_in(answer: Any) -> list[dict[str, Any]]:
    """Return every output of an explorer's answer, the spent ones with the new ones."""
    if isinstance(answer, list):
        return [found for item in answer for found in outputs_in(item)]
    if not isinstance(answer, dict):
        return []
    own = [answer] if "scriptpubkey_type" in answer else []
    return own + [found for item in answer.values() for found in outputs_in(item)]


def test_kinds_and_addresses_agree_with_a_real_explorer() -> None:
    folder = os.environ.get("CHAINWATCH_DATA")
    if not folder:
        pytest.skip("CHAINWATCH_DATA names no folder of real data")
    answers = [json.loads(path.read_text()) for path in Path(folder).glob("bitcoin/esplora/*.json")]
    outputs = outputs_in(answers)
    assert len(outputs) > 1000
    for output in outputs:
        found = classify(bytes.fromhex(output["scriptpubkey"]))
        shown = text(found.address, "btc") if found.address else None
        assert shown == output.get("scriptpubkey_address")
        kind = output["scriptpubkey_type"]
        assert found.kind == EXPLORER_KINDS.get(kind, kind)
