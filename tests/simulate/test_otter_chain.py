"""The blocks of the case obey every rule of consensus but signatures, by an independent walk."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.simulate import blocks
from chainwatch.simulate.locks import make_lock
from chainwatch.simulate.transactions import Coin, Lock, signature

NULL = (bytes(32), 0xFFFFFFFF)


def double(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def root_of(hashes):
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes = [*hashes, hashes[-1]]
        hashes = [double(a + b) for a, b in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def is_coinbase(tx):
    return (tx.inputs[0].txid, tx.inputs[0].n) == NULL


def test_it_starts_at_the_real_genesis_and_links_every_header(chain):
    assert chain[0].hash == BITCOIN_REGTEST.genesis
    for before, block in pairwise(chain):
        assert block.header[4:36] == before.hash


def test_times_rise_and_cover_the_summer(chain):
    times = [int.from_bytes(block.header[68:72], "little") for block in chain]
    assert times == sorted(set(times))
    assert times[1] == 1684540800  # 2023-05-20 00:00 UTC, start of the warm-up
    assert times[blocks.MATURITY + 6] // 86400 == 1685577600 // 86400  # 2023-06-01
    assert times[-1] // 86400 == 1696032000 // 86400  # 2023-09-30


def test_proof_of_work_meets_regtest_target(chain):
    for block in chain:
        assert block.header[72:76] == bytes.fromhex("ffff7f20")
        assert int.from_bytes(block.hash, "little") <= 0x7FFFFF << 232


def test_merkle_roots_are_over_the_txids(chain):
    for block in chain:
        assert block.header[36:68] == root_of([tx.txid for tx in block.txs])


def test_coinbase_leads_with_its_height_and_no_other_is_one(chain):
    for block in chain[1:]:
        script = block.txs[0].scripts[0]
        if block.height <= 16:
            assert script[0] == 0x50 + block.height
        else:
            assert int.from_bytes(script[1 : 1 + script[0]], "little") == block.height
            assert script[script[0]] < 0x80  # minimal and positive
        assert [is_coinbase(tx) for tx in block.txs] == [True] + [False] * (len(block.txs) - 1)


def test_witnesses_are_committed_to(chain):
    seen = 0
    for block in chain[1:]:
        if not any(any(tx.witnesses) for tx in block.txs[1:]):
            continue
        first = block.txs[0]
        root = root_of([bytes(32), *(tx.wtxid for tx in block.txs[1:])])
        made = [script for _, script in first.outputs if script[:6].hex() == "6a24aa21a9ed"]
        assert made == [bytes.fromhex("6a24aa21a9ed") + double(root + first.witnesses[0][0])]
        seen += 1
    assert seen > 100


def test_value_is_conserved_and_nothing_is_spent_twice_or_too_early(chain):
    unspent, issued, burnt = {}, 0, 0
    for block in chain[1:]:
        fees = 0
        for tx in block.txs[1:]:
            held = 0
            for spent in tx.inputs:
                value, height, coinbase = unspent.pop((spent.txid, spent.n))  # KeyError: twice
                assert not coinbase or block.height - height >= 100
                held += value
            fee = held - sum(value for value, _ in tx.outputs)
            assert fee > 0
            fees += fee
            assert tx.locktime < block.height
            add(unspent, tx, block.height, False)
        reward = sum(value for value, _ in block.txs[0].outputs)
        assert reward == (5_000_000_000 >> (block.height // 150)) + fees
        issued += reward - fees
        add(unspent, block.txs[0], block.height, True)
        burnt += sum(v for tx in block.txs for v, script in tx.outputs if script[:1] == b"\x6a")
    assert sum(value for value, _, _ in unspent.values()) + burnt == issued
    assert burnt == 12_345


def add(unspent, tx, height, coinbase):
    for n, (value, script) in enumerate(tx.outputs):
        assert type(value) is int
        assert value >= 0
        if script[:1] != b"\x6a":
            assert value >= 546
            unspent[tx.txid, n] = (value, height, coinbase)


def test_size_is_modest(case, chain):
    count = sum(len(block.txs) for block in chain)
    assert len(case.blocks) < 1_000_000
    assert 400 <= count <= 900
    assert 180 <= len(chain) <= 300


def test_every_kind_of_script_is_paid_and_spent(case):
    kinds = {"p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr", "p2pk", "multisig"}
    assert set(case.coins["script_kind"]) == kinds | {"null_data"}
    assert set(case.coins.drop_nulls("spent_by")["script_kind"]) == kinds


def test_habits_differ(txs):
    spends = [tx for tx in txs.values() if not is_coinbase(tx)]
    assert {tx.version for tx in spends} == {1, 2}
    assert {tx.locktime > 0 for tx in spends} == {True, False}
    sequences = {spent.sequence for tx in spends for spent in tx.inputs}
    assert sequences == {0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF}


@pytest.mark.parametrize(
    ("height", "script"), [(1, "51"), (16, "60"), (17, "0111"), (127, "017f"), (128, "028000")]
)
def test_height_script_is_minimal(height, script):
    assert blocks.height_script(height).hex() == script


def test_merkle_root_of_one_and_three():
    a, b, c = (bytes([x]) * 32 for x in (1, 2, 3))
    assert blocks.merkle_root([a]) == a
    assert blocks.merkle_root([a, b, c]) == double(double(a + b) + double(c + c))


def test_signatures_have_the_form_of_der_with_low_s():
    for n in range(50):
        coin = Coin(bytes(32), n, 1, Lock("p2pk", b"\x51"), 1)
        sig = signature(coin)
        assert len(sig) == 71
        assert sig[:4].hex() == "30440220"
        assert 0 < sig[4] < 0x80
        assert sig[36:38].hex() == "0220"
        assert 0 < sig[38] < 0x7F


def test_an_address_depends_on_its_origin_alone():
    assert make_lock("p2tr", 15, "Kelp", 1) == make_lock("p2tr", 15, "Kelp", 1)
    assert make_lock("p2tr", 15, "Kelp", 1) != make_lock("p2tr", 16, "Kelp", 1)
