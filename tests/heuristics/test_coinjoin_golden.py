"""Equal outputs on real mainnet transactions of which every input is known.

The lists were found by other people's rules, of which some ask for equal outputs too. What is
pinned is agreement with those lists. It is not recall: a CoinJoin that their rules missed is in no
list, and nobody who took part has confirmed one.
"""

from __future__ import annotations

import gzip
import json
import runpy
from collections import Counter
from pathlib import Path

import pytest

from chainwatch.heuristics.coinjoin import (
    JOINT,
    batch_payout,
    equal_outputs,
    joinmarket_mix,
    possible_mix,
    wasabi2_mix,
    whirlpool_mix,
)
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ingest.pull import pull
from chainwatch.ledger.features import transactions
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.block_files import BlockFiles

ROOT = Path(__file__).parent.parent.parent

AGREEMENT = {
    # file: {(label, min_equal): (yes, unknown, all)}
    # Of the 6 that are left open one party fewer than equal outputs can be shown.
    "wasabi1_2018": {("wasabi1", 2): (147, 5, 152), ("wasabi1", 3): (146, 6, 152),
                     ("wasabi1", 5): (146, 6, 152)},
    "whirlpool_early": {("whirlpool", 2): (769, 0, 769), ("whirlpool", 3): (769, 0, 769),
                        ("whirlpool", 5): (769, 0, 769)},
    # One wallet's split before mixing: not joint, so a yes here is a link lost.
    "whirlpool_tx0_early": {
        ("whirlpool_tx0", 2): (93, 77, 598), ("whirlpool_tx0", 3): (81, 77, 598),
        ("whirlpool_tx0", 5): (79, 62, 598)},
    # Spends of mixed coins, some into further mixes: neither yes nor no is right for all.
    "postmix_wasabi1": {("postmix_wasabi1", 2): (88, 1, 577), ("postmix_wasabi1", 3): (87, 1, 577),
                        ("postmix_wasabi1", 5): (87, 1, 577)},
}  # fmt: skip

SINGLE = {
    # file: verdict with min_equal 2 and 3
    "whirlpool-coinjoin": (True, True),
    "wabisabi-coinjoin": (True, True),
    # Two parties and two equal outputs: an even payment to this rule, doubtful to possible_mix.
    "joinmarket-coinjoin": (True, False),
    "batch-withdrawal-143": (False, False),
    "dust-attack-555": (False, False),
    "bare-multisig": (False, False),
    "taproot-op-return": (False, False),
    "simple-legacy-p2pkh": (False, False),
}


def listed(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def row(item):
    spent = [(value, bytes.fromhex(script)) for _, _, value, script in item["ins"]]
    paid = [(value, bytes.fromhex(script)) for value, script in item["outs"]]
    return bytes.fromhex(item["txid"])[::-1], spent, paid


@pytest.mark.parametrize("name", AGREEMENT)
def test_agreement_with_published_lists(real_data, real_ledger, name):
    """Agreement, not recall: see the head of this file."""
    items = listed(real_data / "bitcoin" / "coinjoins" / f"{name}.jsonl.gz")
    labels = {row(item)[0]: item["label"] for item in items}
    features = transactions(real_ledger(row(item) for item in items))
    assert features["inputs_unread"].sum() == 0
    found = {}
    for least in (2, 3, 5):
        answered = apply(features, equal_outputs(least)).select("txid", VERDICT).rows()
        counts = Counter((labels[txid], verdict) for txid, verdict in answered)
        for label in sorted(set(labels.values())):
            whole = sum(count for (of, _), count in counts.items() if of == label)
            found[label, least] = (counts[label, True], counts[label, None], whole)
    assert found == AGREEMENT[name]


@pytest.mark.parametrize("name", SINGLE)
def test_single_transactions(real_data, real_ledger, name):
    item = json.loads((real_data / "bitcoin" / "esplora" / f"{name}.json").read_text())
    spent = [
        (coin["prevout"]["value"], bytes.fromhex(coin["prevout"]["scriptpubkey"]))
        for coin in item["vin"]
    ]
    paid = [(out["value"], bytes.fromhex(out["scriptpubkey"])) for out in item["vout"]]
    features = transactions(real_ledger([(bytes.fromhex(item["txid"])[::-1], spent, paid)]))
    assert features["fee"].to_list() == [item["fee"]]
    answers = tuple(apply(features, equal_outputs(least))[VERDICT][0] for least in (2, 3))
    assert answers == SINGLE[name]


@pytest.mark.parametrize(
    ("name", "unread", "known"),
    [("574200", 4083, (3315, 0, 3311, 4)), ("629999", 5811, (2481, 0, 2471, 10))],
)
def test_whole_blocks_whose_inputs_are_mostly_unread(real_data, tmp_path, name, unread, known):
    """Transactions; yes, no and unknown. What was not read makes no yes, and no silent no.

    Inputs that name the same address are one party, whatever they hold.
    """
    pull(tmp_path / "ledger", BlockFiles(real_data / "bitcoin" / "blocks" / f"{name}.raw"))
    features = transactions(open_ledger(tmp_path / "ledger"))
    answered = apply(features, equal_outputs())
    counts = Counter(answered[VERDICT].to_list())
    assert features["inputs_unread"].sum() == unread
    assert (features.height, counts[True], counts[False], counts[None]) == known
    open_ones = answered.filter(answered[VERDICT].is_null())
    assert (open_ones["input_count"] >= 2).all()
    assert (open_ones["fundable"] >= 3).all()


def test_two_parties_of_joinmarket_are_doubted(real_data, real_ledger):
    item = json.loads((real_data / "bitcoin" / "esplora" / "joinmarket-coinjoin.json").read_text())
    spent = [
        (coin["prevout"]["value"], bytes.fromhex(coin["prevout"]["scriptpubkey"]))
        for coin in item["vin"]
    ]
    paid = [(out["value"], bytes.fromhex(out["scriptpubkey"])) for out in item["vout"]]
    features = transactions(real_ledger([(bytes.fromhex(item["txid"])[::-1], spent, paid)]))
    assert apply(features, equal_outputs() | possible_mix())[VERDICT].to_list() == [None]


PROTOCOLS = {
    # file: the detector of its kind, and what it and the default veto say
    "whirlpool-coinjoin": (whirlpool_mix(), True, True),
    "wabisabi-coinjoin": (wasabi2_mix(), True, None),  # its height is not in the file
    "joinmarket-coinjoin": (joinmarket_mix(), False, None),  # two parties
    "batch-withdrawal-143": (batch_payout(), False, False),  # no three are alike
    "dust-attack-555": (batch_payout(), False, False),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_protocol_of_single_transactions(real_data, real_ledger, name):
    rule, expected, joint = PROTOCOLS[name]
    item = json.loads((real_data / "bitcoin" / "esplora" / f"{name}.json").read_text())
    spent = [
        (coin["prevout"]["value"], bytes.fromhex(coin["prevout"]["scriptpubkey"]))
        for coin in item["vin"]
    ]
    paid = [(out["value"], bytes.fromhex(out["scriptpubkey"])) for out in item["vout"]]
    features = transactions(real_ledger([(bytes.fromhex(item["txid"])[::-1], spent, paid)]))
    assert apply(features, rule)[VERDICT].to_list() == [expected]
    assert apply(features, JOINT)[VERDICT].to_list() == [joint]


def test_the_page_says_what_is_found(real_data):
    """Agreement with each list by its numbers, what is not agreed upon, and all alarms."""
    tool = runpy.run_path(str(ROOT / "tools" / "coinjoins.py"))
    made = tool["page"](real_data / "bitcoin")
    assert (ROOT / "docs" / "coinjoins.md").read_text(encoding="utf-8") == made, (
        "run: python tools/coinjoins.py"
    )
    assert "| `wasabi1_coordinator` | 152 of 152 (98.0 to 100.0 %) | 0 | 0 |" in made
    assert "| `whirlpool_mix` | 769 of 769 (99.6 to 100.0 %) | 0 | 0 |" in made


@pytest.mark.parametrize(
    ("count", "whole", "told"),
    [(0, 30, "0 of 30 (0.0 to 10.0 %)"), (30, 30, "30 of 30 (90.0 to 100.0 %)"),
     (15, 30, "15 of 30 (33.2 to 66.8 %)")],
)  # fmt: skip
def test_shares_are_told_with_their_interval(count, whole, told):
    assert runpy.run_path(str(ROOT / "tools" / "coinjoins.py"))["share"](count, whole) == told
