"""From change to clusters and back: worked out by hand, and against a slow search."""

from __future__ import annotations

from itertools import combinations
from random import Random

import change_cases
import polars as pl
import pytest

from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.recipe import DEFAULT, WITH_CHANGE, Recipe, owners
from chainwatch.clusters.rounds import PAIRS, ROUNDS, Rounds, change_rounds
from chainwatch.errors import ArgumentError, InputError, RuleError
from chainwatch.heuristics import change
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.link_rules import AFTER, CHANGE
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import outputs
from chainwatch.ledger.ledger import Ledger

ROUND = ~change.power_of_ten(1)  # in these ledgers change is what ends in 0
NAMES = "ABCDEFGHPQRSTUVWXYZ"
WORLDS = 60


@pytest.fixture
def read(small_ledger):
    return lambda text: change_cases.ledger_with(small_ledger, text)


@pytest.fixture
def letters(named):
    back = {named(letter): letter for letter in NAMES}
    return lambda address: back.get(address, "?")


def by_hand(links: Links, letters) -> set[tuple]:
    rows = links.frame.select("a", "b", "tx", "rule", "veto").iter_rows()
    return {(*sorted((letters(a), letters(b))), tx >> 24, rule, veto)
            for a, b, tx, rule, veto in rows}  # fmt: skip


def fates(rounds: Rounds, letters) -> list[tuple]:
    rows = rounds.frame.sort("tx").select("tx", "round", "fate", "change", "payments").iter_rows()
    return [(tx >> 24, number, fate, change and letters(change), paid)
            for tx, number, fate, change, paid in rows]  # fmt: skip


def ask(ledger: Ledger, rule=ROUND, **more) -> Rounds:
    return change_rounds(ledger, co_spends(ledger, unless=None), rule, unless=None, **more)


def test_what_the_rule_alone_leaves_is_joined_in_the_first_round(read, letters):
    rounds = ask(read("one: A=90 -> B=50 P=33"))
    assert by_hand(rounds.links, letters) == {("A", "B", 1, CHANGE, False)}
    assert fates(rounds, letters) == [(1, 1, "joined", "B", 1)]
    assert [letters(one) for one in rounds.payments.row(0)[2:4]] == ["A", "P"]


def test_who_was_paid_once_is_no_change_the_next_time(read, letters):
    """Two are left of the second transaction; one of them was paid by the same owner before."""
    text = "one: A=90 -> B=50 P=33\ntwo: A=90 -> C=50 P=30"
    rounds = ask(read(text))
    assert by_hand(rounds.links, letters) == {
        ("A", "B", 1, CHANGE, False), ("A", "C", 2, AFTER, False),
    }  # fmt: skip
    assert [number for _, number, *_ in fates(rounds, letters)] == [1, 2]
    assert ask(read(text), most_rounds=1).last == 1
    # What a further round would join is undecided, not lost.
    assert by_hand(ask(read(text), most_rounds=1).links, letters) == {
        ("A", "B", 1, CHANGE, False), ("A", "C", 2, CHANGE, None),
    }  # fmt: skip


def test_what_was_joined_in_one_round_is_known_in_the_next(read, letters):
    """The change of the first is paid beside two others: it is the payer's, and they are not."""
    text = "one: A=90 -> B=50 P=33\ntwo: A=90 -> B=50 Q=30 R=20\nthree: A=90 -> Q=50 D=30"
    rounds = ask(read(text))
    assert fates(rounds, letters) == [
        (1, 1, "joined", "B", 1), (2, 2, "known", None, 2), (3, 2, "joined", "D", 1),
    ]  # fmt: skip
    assert ("A", "D", 3, AFTER, False) in by_hand(rounds.links, letters)


def test_clusters_carry_what_one_address_was_paid(read, letters):
    """P and Q spend together, so that whoever paid P has paid Q's owner."""
    text = "own: P=9 Q=9 -> X=11\none: A=90 -> B=50 P=33\ntwo: A=90 -> C=50 Q=30"
    assert ("A", "C", 2 + 1, AFTER, False) in by_hand(ask(read(text)).links, letters)


def test_what_co_spending_joins_is_known_whatever_the_rule_says(read, letters):
    """The rule would take P for the change; but B is spent beside A elsewhere."""
    text = "one: A=90 -> P=50 B=33\nown: A=9 B=9 -> X=11"
    rounds = ask(read(text))
    assert fates(rounds, letters)[0] == (1, 1, "known", None, 1)
    assert by_hand(rounds.links, letters) == set()


def test_a_prediction_that_contradicts_another_is_refused(read, letters):
    """A pays P and takes B as change; B pays A: P's change would be A's owner through B."""
    text = "one: A=90 -> B=50 P=33\ntwo: B=90 -> P=50 Q=33"
    rounds = ask(read(text))
    assert by_hand(rounds.links, letters) == {
        ("A", "B", 1, CHANGE, False), ("B", "P", 2, CHANGE, True),
    }  # fmt: skip
    assert fates(rounds, letters) == [(1, 1, "joined", "B", 1), (2, 1, "refused", "P", 1)]
    clusters = owners(read(text), recipe=Recipe(change=ROUND, unless=None))
    assert {frozenset(map(letters, one)) for one in groups(clusters)} == {frozenset("AB")}


def test_co_spending_is_not_refused_for_a_predictions_sake(read, letters):
    """The prediction comes first in the chain; what is spent together later outweighs it."""
    text = "one: A=90 -> B=50 P=33\nown: B=9 P=9 -> X=11"
    rounds = ask(read(text))
    assert by_hand(rounds.links, letters) == {("A", "B", 1, CHANGE, True)}
    clusters = owners(read(text), recipe=Recipe(change=ROUND, unless=None))
    assert {frozenset(map(letters, one)) for one in groups(clusters)} == {frozenset("BP")}
    assert clusters.refused.is_empty()


def test_what_the_user_keeps_apart_stays_apart(read, letters, named):
    ledger = read("one: A=90 -> B=50 P=33\ntwo: A=90 -> C=50 D=30")
    chain = ledger.frames["outputs"]["chain"][0]
    pairs = [(chain, named("A"), chain, named("B")), (chain, named("A"), chain, named("D"))]
    rounds = ask(ledger, apart=keep_apart(pairs))
    assert by_hand(rounds.links, letters) == {("A", "B", 1, CHANGE, True)}


def test_mixes_and_what_is_unknown_join_nobody_and_are_kept(read, letters):
    ledger = read("""
        mix: A=90000 B=90000 C=90000 -> X=70000 Y=71111 Z=71111 V=71111
        open: D=90 -> E=50 pk:K=30
        more: F=90 -> G=50 pk:K=33
    """)
    rule = change.fresh_address() & ROUND
    rounds = change_rounds(ledger, co_spends(ledger), rule, unless=equal_outputs())
    found = {(tx, rule, veto) for *_, tx, rule, veto in by_hand(rounds.links, letters)}
    assert found == {(1, CHANGE, True), (2, CHANGE, None), (3, CHANGE, False)}
    assert [tx for tx, *_ in fates(rounds, letters)] == [3]
    assert repr(rounds) == "Rounds(1 rounds, 0 known, 1 joined, 0 refused, 1 undecided)"


def groups(clusters) -> list[set[bytes]]:
    return [
        set(one) for one in clusters.frame.group_by("chain", "cluster").agg("address")["address"]
    ]


# --- the slow search -------------------------------------------------------------------------


def random_world(seed: int) -> str:
    """Return payments among few addresses, so that they meet again."""
    rng = Random(seed)  # noqa: S311 - a test, not a secret
    lines = []
    for number in range(rng.randrange(3, 9)):
        ins = rng.sample(NAMES[:10], rng.choice([1, 1, 1, 2]))
        outs = rng.sample(NAMES[:12], rng.choice([2, 2, 3]))
        paid = " ".join(f"{one}={rng.choice([30, 33, 33, 50])}" for one in outs)
        lines.append(f"t{number}: {' '.join(f'{one}=90' for one in ins)} -> {paid}")
    return "\n".join(lines)


def group(address: bytes, edges: list[tuple[bytes, bytes]]) -> set[bytes]:
    found = {address}
    while True:
        more = {end for edge in edges for end in edge if set(edge) & found}
        if more <= found:
            return found
        found |= more


def kept_apart(one: bytes, other: bytes, edges, pairs) -> bool:
    left, right = group(one, edges), group(other, edges)
    return any((a in left and b in right) or (b in left and a in right) for a, b in pairs)


def slow(ledger: Ledger, rule) -> tuple[set[tuple], dict[int, tuple], set[frozenset[bytes]]]:
    """Return links, decisions and groups, by sets and by searching everything every time."""
    judged = apply(outputs(ledger), rule).sort("tx", "n").to_dicts()
    paid = {tx: [row for row in judged if row["tx"] == tx] for tx in {row["tx"] for row in judged}}
    joined = co_spends(ledger, unless=None).joining.select("a", "b").rows()
    apart: list[tuple[bytes, bytes]] = []
    links, decided = set(), {}
    for number in range(1, 99):
        now, before, proposals = list(joined), len(decided), []
        open_ = sorted(set(paid) - set(decided))
        for tx in open_:
            payer = paid[tx][0]["first_input"]
            mine = group(payer, now)
            if any(row["address"] in mine for row in paid[tx]):
                others = {row["address"] for row in paid[tx]} - mine
                apart += [(payer, one) for one in others]
                decided[tx] = (number, "known", None, len(others))
        known_pairs = list(apart)
        for tx in sorted(set(open_) - set(decided)):
            payer = paid[tx][0]["first_input"]
            out = [row for row in paid[tx] if row[VERDICT] is False
                   or kept_apart(payer, row["address"], now, known_pairs)]  # fmt: skip
            left = [row for row in paid[tx] if row not in out]
            if len(left) == 1 and left[0][VERDICT]:
                by = CHANGE if all(row[VERDICT] is False for row in out) else AFTER
                others = {row["address"] for row in out}
                proposals.append((tx, payer, left[0]["address"], by, len(others)))
                apart += [(payer, one) for one in others]
        standing = [(a, b) for a, b in apart if b not in group(a, now)]
        for tx, payer, own, by, others in sorted(proposals, key=lambda proposal: proposal[0]):
            refused = kept_apart(payer, own, joined, standing)
            joined += [] if refused else [(payer, own)]
            links.add((*sorted((payer, own)), tx, by, refused))
            decided[tx] = (number, "refused" if refused else "joined", own, others)
        if len(decided) == before:
            break
    places = {end for edge in joined for end in edge}
    return links, decided, {frozenset(group(one, joined)) for one in places}


@pytest.mark.parametrize("start", range(0, WORLDS, 10))
def test_rounds_agree_with_a_slow_search(read, start):
    for seed in range(start, start + 10):
        ledger = read(random_world(seed))
        links, decided, joined = slow(ledger, ROUND)
        rounds = ask(ledger)
        sure = rounds.links.frame.filter(pl.col("veto").is_not_null())
        assert set(sure.select("a", "b", "tx", "rule", "veto").rows()) == links, seed
        told = {row["tx"]: (row["round"], row["fate"], row["change"], row["payments"])
                for row in rounds.frame.iter_rows(named=True)}  # fmt: skip
        assert told == decided, seed
        both = co_spends(ledger, unless=None) + rounds.links
        assert {frozenset(one) for one in groups(cluster(both))} == joined, seed
        check_apart(rounds, joined, co_spends(ledger, unless=None))


def check_apart(rounds: Rounds, joined, hard: Links) -> None:
    """No prediction joins payer and payee: where one cluster holds both, co-spending does."""
    together = {pair for group in groups(cluster(hard)) for pair in combinations(sorted(group), 2)}
    for a, b in rounds.payments.select("a", "b").rows():
        one = any({a, b} <= group for group in joined)
        assert not one or tuple(sorted((a, b))) in together


def test_the_random_worlds_need_several_rounds_and_refuse(read):
    seen, last = set(), 0
    for seed in range(WORLDS):
        rounds = ask(read(random_world(seed)))
        seen |= set(rounds.frame["fate"]) | set(rounds.links.frame["rule"])
        last = max(last, rounds.last)
    assert seen == {"known", "joined", "refused", CHANGE, AFTER}
    assert last >= 3


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_the_order_of_rows_makes_no_difference(read, seed):
    ledger = read(random_world(seed))
    turned = Ledger.from_tables({name: rows[::-1] for name, rows in ledger.frames.items()})
    recipe = Recipe(change=ROUND, unless=None)
    assert ask(turned).digest == ask(ledger).digest
    assert owners(turned, recipe=recipe).digest == owners(ledger, recipe=recipe).digest


def test_an_empty_ledger_has_no_rounds():
    rounds = ask(Ledger())
    assert rounds.last == 0
    assert dict(rounds.frame.schema) == ROUNDS.schema
    assert dict(rounds.payments.schema) == PAIRS.schema
    assert owners(Ledger(), recipe=WITH_CHANGE).frame.is_empty()


def test_a_recipe_says_what_it_cannot_do(read):
    with pytest.raises(RuleError, match="reads transactions"):
        Recipe(change=equal_outputs())
    with pytest.raises(RuleError, match="reads outputs"):
        Recipe(unless=change.spent())
    with pytest.raises(InputError, match="0 rounds"):
        Recipe(change=ROUND, most_rounds=0)
    with pytest.raises(ArgumentError):
        Recipe(change="fresh")
    with pytest.raises(ArgumentError):
        owners(read("t: A=9 -> B=1"), recipe=ROUND)


def test_the_default_links_no_change_and_says_what_it_rests_on(read, letters):
    ledger = read("one: A=90 C=80 -> B=50 P=33\ntwo: B=90 -> D=50 Q=33")
    clusters = owners(ledger)
    assert {frozenset(map(letters, one)) for one in groups(clusters)} == {frozenset("AC")}
    assert clusters.digest == DEFAULT(ledger).digest
    for step in ("co_spends", "same_key", "rates"):
        assert step in clusters.lineage()
    told = owners(ledger, recipe=Recipe(change=ROUND)).lineage()
    assert "predicted_links" in told
    assert str(ROUND) in told
