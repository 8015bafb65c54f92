"""One key in several forms, on one chain and on two."""

from __future__ import annotations

import json
from hashlib import sha256

import polars as pl
import pytest

from chainwatch.addresses.bip32 import hash160
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.recipe import Recipe, owners
from chainwatch.heuristics.keys.same_key import same_key
from chainwatch.heuristics.links import LINKS
from chainwatch.heuristics.rates import Rates
from chainwatch.ledger.ledger import Ledger

X, Y = sha256(b"x").digest(), sha256(b"y").digest()
WHOLE = b"\x04" + X + Y
SHORT = bytes((2 + Y[-1] % 2,)) + X
H, W = hash160(SHORT), sha256(b"a script").digest()

P2PKH, P2WPKH, NESTED = b"\x01" + H, b"\x03" + H, b"\x02" + hash160(b"\x00\x14" + H)
P2WSH, NESTED_SCRIPT = b"\x04" + W, b"\x02" + hash160(b"\x00\x20" + W)
OLD = b"\x01" + hash160(WHOLE)


def script(address: bytes) -> bytes:
    starts = {1: (b"\x76\xa9\x14", b"\x88\xac"), 2: (b"\xa9\x14", b"\x87"), 3: (b"\x00\x14", b""),
              4: (b"\x00\x20", b"")}  # fmt: skip
    before, after = starts[address[0]]
    return before + address[1:] + after


@pytest.fixture
def paying(real_ledger):
    """Return a maker of ledgers in which each script is paid once."""

    def make(*scripts: bytes, alias: str = "btc") -> Ledger:
        paid = [(1000 + n, one) for n, one in enumerate(scripts)]
        return real_ledger([(sha256(alias.encode()).digest(), [(9000, None)], paid)], alias)

    return make


def rows(links):
    assert links.frame["tx"].null_count() == links.frame.height
    return {(row["a"], row["b"], row["rule"]) for row in links.frame.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([P2PKH, P2WPKH], {(P2PKH, P2WPKH, "same_key")}),
        ([P2PKH, NESTED], {(P2PKH, NESTED, "same_key")}),
        ([NESTED, P2WPKH], {(NESTED, P2WPKH, "same_key")}),
        ([NESTED, P2WPKH, P2PKH], {(P2PKH, P2WPKH, "same_key"), (P2PKH, NESTED, "same_key")}),
        ([P2WSH, NESTED_SCRIPT], {(NESTED_SCRIPT, P2WSH, "same_script")}),
        ([NESTED, NESTED_SCRIPT], set()),
        ([P2WPKH, b"\x03" + hash160(b"another")], set()),
        # Where coins are burnt nobody holds a key.
        ([b"\x01" + bytes(20), b"\x03" + bytes(20)], set()),
        ([OLD, P2PKH], set()),
    ],
)
def test_forms_of_one_key(paying, addresses, expected):
    assert rows(same_key(paying(*map(script, addresses)))) == expected


def test_a_program_is_of_a_key_only_where_it_locks(paying):
    """On chains without segregated witness whoever knows the hash can spend it."""
    for alias in ("doge", "bch"):
        assert rows(same_key(paying(script(P2PKH), script(P2WPKH), alias=alias))) == set()
        assert rows(same_key(paying(script(P2WSH), script(NESTED_SCRIPT), alias=alias))) == set()


@pytest.mark.parametrize("paid_too", [False, True])
def test_an_address_that_only_an_input_shows_is_told_and_can_be_left_out(paying, paid_too):
    """Where an output pays it as well it was read."""
    ledger = paying(script(P2PKH), *([script(P2WPKH)] if paid_too else []))
    inputs = ledger.inputs.collect().with_columns(
        address=pl.lit(P2WPKH), address_basis=pl.lit("revealed")
    )
    ledger = Ledger.from_tables({**ledger.frames, "inputs": inputs})
    links = same_key(ledger)
    assert rows(links) == {(P2PKH, P2WPKH, "same_key")}
    assert links.frame["basis"].to_list() == [None if paid_too else "revealed"]
    assert links.counts_apart()["revealed"] == (not paid_too)
    assert bool(same_key(ledger, revealed=False).frame.height) == paid_too
    assert bool(owners(ledger, recipe=Recipe(revealed=False)).frame.height) == paid_too


def test_a_key_shown_uncompressed_ties_both_of_its_hashes(paying):
    shown = b"\x41" + WHOLE + b"\xac"
    ledger = paying(shown, script(OLD), script(P2WPKH))
    key = ledger.frames["outputs"].select("chain", "tx", "n")[0].with_columns(
        k=pl.lit(0, pl.Int64), required=pl.lit(1, pl.Int64), key=pl.lit(WHOLE)
    )  # fmt: skip
    links = same_key(Ledger.from_tables({**ledger.frames, "output_keys": key}))
    assert same_key(ledger).frame.is_empty()
    assert rows(links) == {(OLD, P2WPKH, "same_key")}


def test_on_two_chains(paying):
    one, other = paying(script(P2PKH)), paying(script(P2PKH), script(P2WPKH), alias="btc-regtest")
    both = Ledger.from_tables({
        name: frame.vstack(other.frames[name]) for name, frame in one.frames.items()
    })  # fmt: skip
    links = same_key(both)
    assert links.frame.height == 2
    assert "chain_b" in links.frame.columns
    owners = cluster(links).owners
    assert owners["owner"].n_unique() == 1
    assert owners["chain"].n_unique() == 2
    within = same_key(both, across=False)
    assert dict(within.frame.schema) == LINKS.schema
    assert rows(within) == {(P2PKH, P2WPKH, "same_key")}


def test_order_of_rows_and_empty_ledgers(paying):
    ledger = paying(*map(script, (NESTED, P2WPKH, P2PKH, P2WSH)))
    turned = Ledger.from_tables({name: rows[::-1] for name, rows in ledger.frames.items()})
    assert same_key(turned).digest == same_key(ledger).digest
    assert same_key(Ledger()).frame.is_empty()


def test_its_confidence_is_what_was_measured(paying, tmp_path):
    path = tmp_path / "rates.json"
    rate = {"right": 999, "of": 1000, "cases": 1000, "basis": "a test"}
    path.write_text(json.dumps({"rules": {"same_key": rate}}))
    ledger = paying(script(P2PKH), script(P2WPKH), script(P2WSH), script(NESTED_SCRIPT))
    found = dict(same_key(ledger, rates=Rates(path)).frame.select("rule", "confidence").rows())
    assert found == {"same_key": 0.997, "same_script": None}
    assert Rates(path).identity()["rates"] in same_key(ledger, rates=Rates(path)).lineage()
