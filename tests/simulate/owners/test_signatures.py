"""What unlocks each input has the form of its kind, shows the address, and bears the flag told."""

from __future__ import annotations

import hashlib
from collections import Counter

import polars as pl
import pytest

from chainwatch.addresses.bip32 import hash160

FLAGS = {
    0x01: "ALL", 0x02: "NONE", 0x03: "SINGLE", 0x81: "ALL|ANYONECANPAY",
    0x82: "NONE|ANYONECANPAY", 0x83: "SINGLE|ANYONECANPAY",
}  # fmt: skip


def pushes(script):
    at, found = 0, []
    while at < len(script):
        size, at = script[at], at + 1
        if size == 0x4C:
            size, at = script[at], at + 1
        found.append(script[at : at + size])
        at += size
    return found


def inputs_of(world):
    kinds = {
        (txid, n): kind
        for txid, n, kind in world.truth.outputs.select("txid", "n", "script_kind").iter_rows()
    }
    for row in world.truth.inputs.iter_rows(named=True):
        tx = world.txs[row["txid"]]
        yield (
            row,
            kinds[row["prev_txid"], row["prev_n"]],
            tx.scripts[row["n"]],
            tx.witnesses[row["n"]],
        )


def der(item):
    return item[:1] == b"\x30" and item[1] == len(item) - 3


def read(kind, script, witness):
    """Return the address that an unlocking shows, and its signatures, by the rules of its kind."""
    if kind == "p2wpkh":
        return b"\x03" + hash160(witness[1]), witness[:1]
    if kind == "p2wsh":
        return b"\x04" + hashlib.sha256(witness[-1]).digest(), witness[:-1]
    if kind == "p2pkh":
        sig, key = pushes(script)
        return b"\x01" + hash160(key), (sig,)
    if kind == "p2sh":
        items = pushes(script)
        return b"\x02" + hash160(items[-1]), witness[:1] if witness else items[1:-1]
    return None, pushes(script) if kind == "p2pk" else witness[:1]


def test_unlocking_shows_address_and_flag(world):
    forged = world.truth.transactions.filter(trick="forged_key")["txid"].to_list()
    for row, kind, script, witness in inputs_of(world):
        address, signed = read(kind, script, witness)
        assert address is None or address == row["address"]
        signed = [item for item in signed if item]
        if kind == "p2a":
            assert (script, witness, row["sighash"]) == (b"", (), None)
        elif row["sighash"] is None:
            assert row["txid"] in forged
        elif kind == "p2tr":
            assert len(signed[0]) == 64 + (row["sighash"] != "DEFAULT")
            assert row["sighash"] == (FLAGS[signed[0][64]] if signed[0][64:] else "DEFAULT")
        else:
            assert signed
            assert all(map(der, signed))
            assert {FLAGS[item[-1]] for item in signed} == {row["sighash"]}


def test_multisigs_are_signed_twice(honest):
    counts = Counter(
        len([item for item in witness if der(item)])
        for _, kind, _, witness in inputs_of(honest)
        if kind == "p2wsh"
    )
    assert counts[2] > 20
    assert set(counts) <= {1, 2}


@pytest.mark.parametrize("name", ["honest", "hostile"])
def test_sales_have_the_flags_of_both_sides(name, request):
    world = request.getfixturevalue(name)
    sales = world.truth.transactions.filter(kind="token sale").select("txid", "protocol")
    rows = world.truth.inputs.join(sales, on="txid")
    offered = rows.filter(protocol="offer")
    sellers = offered.filter(pl.col("sighash") == "SINGLE|ANYONECANPAY")
    buyers = offered.filter(pl.col("sighash").is_in(["ALL", "DEFAULT"]))
    assert sellers.height + buyers.height == offered.height
    one = buyers.group_by("txid").agg(pl.col("owner").n_unique())
    assert one["owner"].unique().to_list() == [1], "one buyer, whose own inputs stay together"
    apart = sellers.join(buyers.select("txid", "owner"), on=["txid", "owner"], how="semi")
    assert apart.height == 0
    several = sellers.group_by("txid").agg(pl.col("owner").n_unique())
    assert several["owner"].max() > 1, "some buy from several sellers at once"
    full = rows.filter(protocol="signed in full")
    assert full.height
    assert set(full["sighash"]) <= {"ALL", "DEFAULT"}


def test_an_offer_stands_beside_the_output_that_pays_for_it(honest):
    rows = honest.truth.inputs.filter(sighash="SINGLE|ANYONECANPAY")
    paid = rows.join(honest.truth.outputs, on=["txid", "n"], suffix="_paid")
    assert paid.height == rows.height
    assert (paid["owner"] == paid["owner_paid"]).all()
    assert set(paid["purpose"]) == {"token price"}


def test_pledges_are_of_one_owner_or_of_many(honest):
    pledged = honest.truth.inputs.filter(sighash="ALL|ANYONECANPAY").select("txid").unique()
    kinds = honest.truth.transactions.join(pledged, on="txid")
    assert set(kinds["kind"]) == {"fee bump", "crowdfunding"}
    assert not kinds.filter(kind="fee bump")["joint"].any()
    assert kinds.filter(kind="crowdfunding")["joint"].all()


def test_a_forged_key_is_a_victims(hostile):
    """Its witness has the form of P2WPKH and names somebody who has nothing to do with it."""
    owners = {row["address"]: row["owner"] for row in hostile.truth.addresses.iter_rows(named=True)}
    forged = [
        (row, witness)
        for row, kind, script, witness in inputs_of(hostile)
        if kind == "p2tr" and len(witness) == 2 and not script
    ]
    assert forged
    for row, (item, key) in forged:
        named = b"\x03" + hash160(key)
        assert der(item)
        assert key[0] in (2, 3)
        assert len(key) == 33
        assert owners[named] not in (None, row["owner"])
