"""Peel chains by the habits of a cluster: by hand, by a slow search, and judged by no label."""

from __future__ import annotations

from collections import Counter

import change_cases
import polars as pl
import pytest

from chainwatch.change_models.labels import change_labels
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.peeling.expansion import peel_links
from chainwatch.clusters.peeling.facts import WITNESS, read_facts
from chainwatch.clusters.peeling.validation import BACK, FORWARD, PeelSteps, peel_steps
from chainwatch.errors import ArgumentError, InputError
from chainwatch.evaluate.peel_rates import peel_rates
from chainwatch.evaluate.simulated import simulated_worlds
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import PEEL
from chainwatch.ledger.ledger import Ledger

KNOWN = "known: A=90 K=90 -> P=50 C=30\nback: known/1 A=9 -> W=8"
"""A and K are one, and so is C; change stands last, and none of this has a locktime."""


@pytest.fixture
def read(small_ledger):
    return lambda text: change_cases.ledger_with(small_ledger, text)


def steps(ledger: Ledger, *, apart: bool = True) -> PeelSteps:
    return peel_steps(ledger, cluster(co_spends(ledger, unless=None)), unless=None, apart=apart)


def outcome(found: PeelSteps, txid: bytes, direction: str = FORWARD) -> dict[str, object]:
    (row,) = found.frame.filter(txid=txid, direction=direction).iter_rows(named=True)
    return row


def test_the_one_output_that_habits_allow_goes_on(read, named, txid):
    """Both outputs of ``pay`` are spent alike, and only the last stands where change does."""
    ledger = read(f"{KNOWN}\npay: A=70 -> Q=40 D=20\none: pay/0 -> R=30\ntwo: pay/1 -> S=10")
    row = outcome(steps(ledger), txid("pay"))
    assert (row["outcome"], row["n"], row["lands"]) == ("next", 1, "alone")
    assert (row["address"], row["next_txid"]) == (named("D"), txid("two"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("pay: A=70 -> Q=40 D=20\ntwo: pay/1 -> S=10\n! two locktime=5", "none"),
        ("pay: A=70 -> Q=40 D=20", "unknown"),  # it is not spent, and may be change that waits
        ("pay: A=70 -> Q=40 pk:K=20\ntwo: pay/1 -> S=10", "none"),  # of a kind that it never used
        ("pay: A=70 -> Q=40 D=20\ntwo: pay/1 ? -> S=10", "unknown"),  # who spends was not read
    ],
)
def test_where_habits_are_broken_a_chain_ends(read, txid, lines, said):
    assert outcome(steps(read(f"{KNOWN}\n{lines}")), txid("pay"))["outcome"] == said


def test_without_known_change_every_place_is_allowed(read, txid):
    text = "both: A=90 K=90 -> P=50\npay: A=70 -> Q=40 D=20\none: pay/0 -> R=30"
    apart = read(f"{text}\ntwo: pay/1 -> S=10\n! two version=1")
    assert outcome(steps(apart), txid("pay"))["n"] == 0
    twice = read(f"{text}\ntwo: pay/1 -> S=10")
    assert outcome(steps(twice), txid("pay"))["outcome"] == "several"


def test_a_cluster_does_not_confirm_itself(read, txid):
    """Only ``back`` itself has a locktime: without it, that form is none of the cluster's."""
    paid = "paid: known/0 -> V=40\n! paid version=1"  # not as the cluster spends
    ledger = read(f"{KNOWN}\n{paid}\n! back locktime=5")
    assert outcome(steps(ledger, apart=False), txid("known"))["lands"] == "same"
    assert outcome(steps(ledger), txid("known"))["outcome"] == "none"
    third = read(f"{KNOWN}\n{paid}\nmore: A=5 -> Z=2\n! back locktime=5\n! more locktime=7")
    assert outcome(steps(third), txid("known"))["lands"] == "same"


def test_it_goes_back_to_who_paid(read, named, txid):
    ledger = read("first: D=99 -> P=5 A=90\npay: first/1 K=90 -> Q=50\nmore: A=7 -> data=0")
    row = outcome(steps(ledger), txid("pay"), BACK)
    assert (row["outcome"], row["n"], row["lands"]) == ("unknown", None, None)  # K was not read
    alone = read("first: D=99 -> P=5 A=90\nother: A=7 K=5 -> Q=50\npay: first/1 -> R=4")
    row = outcome(steps(alone), txid("pay"), BACK)
    assert (row["outcome"], row["n"], row["lands"]) == ("next", 1, "alone")
    assert (row["address"], row["next_txid"]) == (named("D"), txid("first"))


CHAIN = f"""{KNOWN}
    pay: A=70 -> Q=40 D=20
    two: pay/1 -> S=5 E=14
    three: two/1 -> T=5 F=8
    four: three/1 -> data=0
    ! four locktime=9
"""


def test_a_chain_is_joined_to_its_cluster_hop_by_hop(read, named):
    ledger = read(CHAIN)
    owners = cluster(co_spends(ledger, unless=None))
    links = peel_links(ledger, owners, unless=None)
    assert set(links.frame["rule"]) == {PEEL}
    found = cluster(owners.links + links)
    for name in "DE":
        assert found.why(named("A"), named(name)).joined
    # Whoever spends F does so with a locktime, which the cluster never sets.
    assert not found.why(named("A"), named("F")).joined
    assert not found.why(named("A"), named("Q")).joined
    one = cluster(owners.links + peel_links(ledger, owners, unless=None, most_hops=1))
    assert one.why(named("A"), named("D")).joined
    assert not one.why(named("A"), named("E")).joined


def test_links_rest_on_the_clusters_whose_habits_they_follow(read, named, txid):
    ledger = read(CHAIN)
    owners = cluster(co_spends(ledger, unless=None))
    found = cluster(owners.links + peel_links(ledger, owners, unless=None))
    cut = found.cut(tx=txid("back"))
    assert cut.opened > 0
    assert not cut.why(named("A"), named("D")).joined


def test_what_has_no_meaning_is_refused(read):
    ledger = read(KNOWN)
    owners = cluster(co_spends(ledger, unless=None))
    with pytest.raises(InputError, match="0 hops"):
        peel_links(ledger, owners, most_hops=0)
    with pytest.raises(ArgumentError, match="clusters"):
        peel_steps(ledger, owners.links)
    with pytest.raises(InputError, match="no world"):
        peel_rates([])


def test_steps_are_never_judged_by_labels_of_shared_spending(read):
    more = "more: A=6 K=2 -> V=1 G=3\nspends: more/1 A=2 -> data=0"
    ledger = read(f"{KNOWN}\nrest: known/0 -> Y=40\n{more}")
    found, labels = steps(ledger), change_labels(ledger, unless=None)
    assert labels.frame.height == 1
    with pytest.raises(
        InputError, match="cannot be judged by owners inferred from shared spending"
    ):
        peel_rates([(found, labels.truth())])
    with pytest.raises(ArgumentError, match="labels of change are none"):
        peel_rates([(found, labels)])
    known = Truth(labels.truth().frame, "somebody knows")
    with pytest.raises(InputError, match="confirm themselves"):
        peel_rates([(steps(ledger, apart=False), known)])
    rates = peel_rates([(found, known), (found, known)])
    assert (
        str(rates.wrong("somebody knows", FORWARD, "same")) == "0 of 4 (0.00 %, at most 100.00 %)"
    )


class Slow:
    """A ledger that was read whole, followed transaction by transaction."""

    def __init__(self, ledger: Ledger, clusters: Clusters, *, waiting: bool) -> None:
        self.waiting = waiting
        rows = {name: getattr(ledger, name).collect().to_dicts()
                for name in ("transactions", "inputs", "outputs")}  # fmt: skip
        self.txs = {row["tx"]: row for row in rows["transactions"]}
        self.outs = {tx: [row for row in rows["outputs"] if row["tx"] == tx] for tx in self.txs}
        self.ins = {tx: [row for row in rows["inputs"] if row["tx"] == tx] for tx in self.txs}
        self.spender = {(row["prev_tx"], row["prev_n"]): row["tx"] for row in rows["inputs"]}
        facts = read_facts(ledger, JOINT).txs
        self.open = dict(facts.select("tx", "open").iter_rows())
        self.payer = dict(facts.select("tx", "payer").iter_rows())
        self.of = {row["address"]: row["cluster"] for row in clusters.frame.to_dicts()}
        self.kind = {row["address"]: row["script_kind"] for row in rows["outputs"]}

    def form(self, tx: int) -> tuple[object, ...]:
        low = min(row["sequence"] for row in self.ins[tx])
        kinds = {row["script_kind"] for row in self.ins[tx]}
        return (
            self.txs[tx]["version"], self.txs[tx]["locktime"] > 0,
            0xFFFFFFFF - min(0xFFFFFFFF, max(low, 0xFFFFFFFD)), bool(kinds & set(WITNESS)),
        )  # fmt: skip

    def own(self, cluster_: bytes, but: int | None = None) -> list[int]:
        return [tx for tx in self.txs if not self.open[tx] and tx != but
                and self.of.get(self.payer[tx]) == cluster_]  # fmt: skip

    def places(self, cluster_: bytes, but: int) -> set[str]:
        found = set()
        for tx in self.own(cluster_, but):
            mine = [row for row in self.outs[tx] if self.of.get(row["address"]) == cluster_]
            if len(self.outs[tx]) > 1 and len(mine) == 1:
                last = len(self.outs[tx]) - 1
                n = mine[0]["n"]
                found.add("first" if n == 0 else "last" if n == last else "between")
        return found

    def stands(self, cluster_: bytes, but: int, tx: int, n: int) -> bool:
        places = self.places(cluster_, but)
        last = len(self.outs[tx]) - 1
        if not places or "between" in places:
            return True
        return ("first" in places and n == 0) or ("last" in places and n == last)

    def kinds(self, cluster_: bytes, but: set[bytes]) -> Counter:
        return Counter(self.kind[one] for one, of in self.of.items()
                       if of == cluster_ and one not in but and one in self.kind)  # fmt: skip

    def forward(self, tx: int) -> tuple[str, int | None, int | None]:
        mine, kept, unknown = self.of[self.payer[tx]], [], 0
        for out in self.outs[tx]:
            if not out["spendable"] or out["script_kind"] == "null_data":
                continue
            spender = self.spender.get((tx, out["n"]))
            kinds = self.kinds(mine, {out["address"]})
            if not self.stands(mine, tx, tx, out["n"]) or not kinds[out["script_kind"]]:
                continue
            if spender is None and not self.waiting:
                continue
            if spender is None or self.open[spender]:
                unknown += 1
            elif self.form(spender) in {self.form(one) for one in self.own(mine, spender)}:
                kept.append((spender, out["n"]))
        return self.told(kept, unknown)

    def back(self, tx: int) -> tuple[str, int | None, int | None]:
        mine, kept, unknown = self.of[self.payer[tx]], [], 0
        for before in sorted({row["prev_tx"] for row in self.ins[tx]}):
            spent = [row["prev_n"] for row in self.ins[tx] if row["prev_tx"] == before]
            known = {row["address"] for row in self.ins[before]}
            kinds = self.kinds(mine, known)
            placed = [n for n in spent if self.stands(mine, before, before, n)]
            if not placed or not all(kinds[row["script_kind"]] for row in self.ins[before]):
                continue
            if self.open[before]:
                unknown += 1
            elif self.form(before) in {self.form(one) for one in self.own(mine, before)}:
                kept.append((before, min(placed)))
        return self.told(kept, unknown)

    @staticmethod
    def told(kept: list[tuple[int, int]], unknown: int) -> tuple[str, int | None, int | None]:
        if len(kept) > 1:
            return "several", None, None
        if unknown:
            return "unknown", None, None
        return ("next", *kept[0]) if kept else ("none", None, None)


@pytest.mark.parametrize("waiting", [True, False])
def test_steps_are_those_of_a_slow_search(waiting):
    for world in simulated_worlds([4], part="fit", blocks=25):
        owners = cluster(co_spends(world.ledger))
        slow = Slow(world.ledger, owners, waiting=waiting)
        found = peel_steps(world.ledger, owners, waiting=waiting)
        assert {row["tx"] for row in found.frame.to_dicts()} == {
            tx for tx, payer in slow.payer.items() if payer in slow.of and not slow.open[tx]
        }
        seen = Counter()
        for row in found.frame.to_dicts():
            search = slow.forward if row["direction"] == FORWARD else slow.back
            assert (row["outcome"], row["next_tx"], row["n"]) == search(row["tx"]), row
            seen[row["direction"], row["outcome"]] += 1
        assert len(seen) >= 7  # so that the search says something
        rates = peel_rates([(found, world.truth)])
        assert rates.frame["right"].sum() > rates.frame["wrong"].sum() > 0
        few = rates.frame.filter(pl.col("right") + pl.col("wrong") < pl.col("owners"))
        assert few.is_empty()


def test_beside_what_waits_nothing_goes_on(read, named, txid):
    """Without known change both stand where it may: Q is spent, and D waits."""
    text = "both: A=90 K=90 -> P=50\npay: A=70 -> Q=40 D=20\none: pay/0 -> R=30"
    owners = cluster(co_spends(read(text), unless=None))
    found = peel_steps(read(text), owners, unless=None)
    assert outcome(found, txid("pay"))["outcome"] == "unknown"
    published = peel_steps(read(text), owners, unless=None, waiting=False)
    assert outcome(published, txid("pay"))["address"] == named("Q")
    assert peel_links(read(text), owners, unless=None).frame.is_empty()
    links = peel_links(read(text), owners, unless=None, waiting=False).frame
    assert links.height == 1
