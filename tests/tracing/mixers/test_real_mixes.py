"""Recorded mixes of mainnet: those of Whirlpool are perfect, however their fees are shared."""

from __future__ import annotations

import gzip
import json

import chainwatch as cw

PERFECT = {5: 1_496, 6: 22_482, 7: 426_833, 8: 9_934_563}


def test_recorded_mixes_of_whirlpool_have_the_interpretations_of_perfect_ones(
    real_data, real_ledger
):
    with gzip.open(real_data / "bitcoin" / "coinjoins" / "whirlpool_early.jsonl.gz") as lines:
        mixes = [json.loads(line) for _, line in zip(range(60), lines, strict=False)]
    rows = [
        (
            bytes.fromhex(tx["txid"])[::-1],
            [(value, bytes.fromhex(script)) for _, _, value, script in tx["ins"]],
            [(value, bytes.fromhex(script)) for value, script in tx["outs"]],
        )
        for tx in mixes
    ]
    ledger, seen = real_ledger(rows), set()
    for txid, spent, paid in rows:
        found = cw.interpretations(ledger, txid)
        assert found.count == PERFECT[len(paid)]
        assert found.always == ()
        seen.add(len(spent))
    assert seen == {*PERFECT}
    sets = cw.anonymity_sets(ledger)
    assert sets.frame.height == sum(len(paid) for *_, paid in rows)
    assert (sets.frame["set_after"] == sets.frame["equal"]).all()
