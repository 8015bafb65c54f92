"""Participants of small mixes of JoinMarket, against all divisions written out, and the truth."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from itertools import permutations

import pytest

import chainwatch as cw
from chainwatch.errors import InputError, TraceError
from chainwatch.tracing.mixers.slots import solved
from chainwatch.tracing.mixers.valued_rows import Row, ValuedRows

MIX = sha256(b"transaction mix").digest()
VALUE = 1_000_000


def of(small_ledger, line, **more):
    return cw.slots(small_ledger(f"mix: {line}"), MIX, **more)


THREE = "A=1500000 B=1200000 C=900000 C=106200 -> V=1000000 W=1000000 X=1000000 Y=501000 Z=202000"
"""Two makers earn 1,000 and 2,000; the taker pays both and a fee of 3,200, and has no change."""


def test_two_makers_and_a_taker(small_ledger):
    found = of(small_ledger, THREE)
    assert (found.participants, found.solutions, found.unknown) == (3, 1, None)
    assert found.frame["apart"].to_list() == [True] * 3
    kept = found.changes.filter("always").select("input", "output").rows()
    assert kept == [(0, 3), (1, 4)]
    assert repr(found) == "Slots(3 participants, 1 solution, 3 pairs of inputs apart in all)"


def test_one_unit_beyond_what_a_maker_may_earn_has_no_solution(small_ledger):
    """10,000 satoshi are more than 0.5 % of a million, and the most that a maker earns."""
    most = "A=1500000 B=1200000 C=1030000 -> V=1000000 W=1000000 X=1000000 Y=510000 Z=202000"
    assert of(small_ledger, most).solutions == 1
    more = most.replace("Y=510000", "Y=510001")
    assert of(small_ledger, more).solutions == 0
    assert of(small_ledger, more).frame["apart"].null_count() == 3


def test_alike_makers_have_several_solutions(small_ledger):
    line = "A=1200000 B=1200000 C=1030000 -> V=1000000 W=1000000 X=1000000 Y=201000 Z=202000"
    found = of(small_ledger, line)
    assert found.solutions == 2
    assert found.changes["linked"].to_list() == ["1", "1", "1", "1", "0", "0"]
    assert found.changes["always"].to_list() == [False] * 6
    assert found.frame["apart"].to_list() == [True] * 3


def test_clusters_that_join_what_is_apart_collide(small_ledger):
    text = f"mix: {THREE}\npay: A=5000 B=5000 -> Q=9000"
    ledger = small_ledger(text)
    found = cw.slots(ledger, MIX)
    joined = cw.cluster(cw.co_spends(ledger))
    assert found.collisions(joined).select("a", "b").rows() == [(0, 1)]
    apart = cw.cluster(cw.co_spends(small_ledger(f"mix: {THREE}\npay: A=5 Q=5 -> R=9")))
    assert found.collisions(apart).is_empty()


def test_what_was_not_read_and_too_much_work_are_unknown(small_ledger):
    found = of(small_ledger, THREE.replace("B=1200000", "?"))
    assert (found.solutions, found.unknown) == (None, "1 input was not read")
    assert found.frame["apart"].null_count() == found.frame.height > 0
    found = of(small_ledger, THREE, limit=10)
    assert (found.solutions, found.unknown) == (None, "it takes more than 10 steps of work")
    assert "unknown: it takes" in repr(found)
    for limit in (0, -5):
        with pytest.raises(InputError, match=f"a limit of {limit} steps; allow at least 1"):
            of(small_ledger, THREE, limit=limit)
    with pytest.raises(TraceError, match="makes new coins"):
        of(small_ledger, "coinbase -> A=50")


def test_what_is_no_mix_has_no_solution(small_ledger):
    assert of(small_ledger, "A=50000 B=50000 -> C=99000").solutions == 0
    assert of(small_ledger, "A=500000 -> C=100000 D=100000 E=299000").solutions == 0


def written_out(inputs, outputs, changes):
    """Return all solutions: each way to give inputs to participants, and changes to these."""
    found = set()
    for given in assignments(len(inputs), outputs):
        parts = [[i for i, part in enumerate(given) if part == k] for k in range(outputs)]
        if not all(parts):
            continue
        padded = [*range(len(changes)), *[None] * (outputs - len(changes))]
        for order in set(permutations(padded)):
            pays = [
                sum(inputs[i] for i in part) - VALUE - (0 if c is None else changes[c])
                for part, c in zip(parts, order, strict=True)
            ]
            for taker in range(outputs):
                makers = [pay for k, pay in enumerate(pays) if k != taker]
                if pays[taker] >= 0 and all(-10_000 <= pay <= 0 for pay in makers):
                    found.add(frozenset(
                        (tuple(part), c) for part, c in zip(parts, order, strict=True)
                    ))  # fmt: skip
    return found


def assignments(count, parts):
    if not count:
        yield ()
        return
    for rest in assignments(count - 1, parts):
        for part in range(parts):
            yield (*rest, part)


def mixed(rng):
    """Return a mix as JoinMarket makes it: inputs, changes, and who brought and kept what."""
    inputs, changes, truth = [], [], []
    fees = [rng.randint(0, 10_000) for _ in range(rng.randint(1, 2))]
    for fee in (*fees, -sum(fees) - rng.randint(0, 3_000)):
        kept = rng.choice((0, rng.randint(1, 20) * 10_000))
        held = VALUE + kept - fee
        parts = [held] if rng.random() < 0.6 else [held - VALUE // 3, VALUE // 3]
        mine = tuple(range(len(inputs), len(inputs) + len(parts)))
        inputs += parts
        truth.append((mine, len(changes) if kept else None))
        changes += [kept] if kept else []
    return inputs, changes, len(fees) + 1, frozenset(truth)


def test_random_mixes_agree_with_all_divisions_written_out_and_hold_the_truth():
    rng = random.Random(54)  # noqa: S311 - a fixed seed
    several = 0
    for _ in range(60):
        inputs, changes, outputs, truth = mixed(rng)
        paid = [VALUE] * outputs + changes
        rows = ValuedRows(
            tuple(Row(n, None, value) for n, value in enumerate(inputs)),
            tuple(Row(n, None, value) for n, value in enumerate(paid)),
            tuple(range(len(inputs))), 0, 0, 0,
        )  # fmt: skip
        found, slow = solved(rows, 10**6), written_out(inputs, outputs, changes)
        assert truth in slow
        assert found.ways == len(slow)
        for i in range(len(inputs)):
            for j in range(i):
                met = sum(any({i, j} <= set(part) for part, _ in one) for one in slow)
                assert found.together[j, i] == met
            for c in range(len(changes)):
                met = sum(any(i in part and c == kept for part, kept in one) for one in slow)
                assert found.linked[i, outputs + c] == met
        several += found.ways > 1
    assert several > 5


def test_a_mix_of_mainnet(real_data, real_ledger):
    tx = json.loads((real_data / "bitcoin/esplora/joinmarket-coinjoin.json").read_text())
    spent = [(one["prevout"]["value"], bytes.fromhex(one["prevout"]["scriptpubkey"]))
             for one in tx["vin"]]  # fmt: skip
    paid = [(one["value"], bytes.fromhex(one["scriptpubkey"])) for one in tx["vout"]]
    found = cw.slots(real_ledger([(MIX, spent, paid)]), MIX)
    assert found.solutions == 1
    assert found.changes.filter("always").select("input", "output").rows() == [(0, 0), (1, 2)]
