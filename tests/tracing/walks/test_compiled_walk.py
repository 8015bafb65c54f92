"""The compiled walk leaves the rows of the one in Python, and hands over what it cannot do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from coin_chains import coin_chains, coins_of
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ConservationError
from chainwatch.heuristics.coinjoin import equal_outputs, possible_mix
from chainwatch.kernels.following import walking  # noqa: F401  # loaded, it is used from the start
from chainwatch.tracing.policies import Policy, haircut
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks import coin_walks
from chainwatch.tracing.walks.compiled import WAYS, CompiledWalk
from chainwatch.units import total

CHAIN, START = "btc-regtest", datetime(2023, 6, 1, tzinfo=UTC)

every_policy = pytest.mark.parametrize("policy", WAYS, ids=lambda policy: policy.name)


def both(ledger: Any, who: Any, **asked: Any) -> tuple[Trace, Trace]:
    """Return the trace by the compiled walk, which must not give up, and by the one in Python."""
    ran: list[bool] = []
    run = CompiledWalk.run

    def noted(walk: CompiledWalk, most: int | None = None) -> bool:
        ran.append(False)
        done = run(walk, most)
        ran[-1] = True
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompiledWalk, "run", noted)
        fast = trace(ledger, who, chain=CHAIN, **asked)
    assert ran
    assert all(ran)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coin_walks, "can_follow", lambda _: False)
        slow = trace(ledger, who, chain=CHAIN, **asked)
    return fast, slow


def same(fast: Trace, slow: Trace) -> None:
    for name, (rows, _) in fast.tables().items():
        assert rows.equals(slow.tables()[name][0]), name
    assert fast.digest == slow.digest
    assert fast.asked == slow.asked


def places(desk: Any, txs: list[dict[str, Any]]) -> list[str]:
    return [f"{txid_text(desk.txid(tx), CHAIN)}:{n}" for tx, n in coins_of(txs)]


amounts = st.lists(st.integers(1, 30), min_size=1, max_size=4)


@every_policy
@given(ins=amounts, more=st.lists(st.sampled_from([1, 2, 40]), max_size=3), data=st.data())
@settings(max_examples=25, deadline=None)
def test_several_subjects_in_a_mix(
    desk: Any, policy: Policy, ins: list[int], more: list[int], data: st.DataObject
) -> None:
    """Inputs of subjects and of others, small outputs that make it a mix, and larger ones."""
    coins = [*zip(data.draw(st.permutations("abcd")), ins, strict=False), *(("x", n) for n in more)]
    coins = [("a", 40), *data.draw(st.permutations(coins))]
    left, outs = sum(value for _, value in coins) - 3, [("p", 1), ("q", 1), ("r", 1)]
    for name in "zwv":
        part = data.draw(st.integers(0, left))
        outs, left = [*outs, (name, part)], left - part
    txs = [
        {"id": "in", "ins": [], "outs": coins},
        {"id": "t", "ins": [("in", n) for n in range(len(coins))], "outs": outs},
        {"id": "u", "ins": [("t", 4), ("t", 3)], "outs": [("e", outs[3][1] + outs[4][1])]},
    ]
    who = [desk.coin(name) for name in data.draw(st.sampled_from(["ab", "abcd", "dca"]))]
    fast, slow = both(desk.coins(txs), who, policy=policy, stop=equal_outputs(min_equal=3))
    same(fast, slow)
    if policy.conserves:  # what is followed of a subject is what is followed of it alone
        bound = {
            subject: trace(desk.coins(txs), subject, policy=policy, chain=CHAIN,
                           stop=equal_outputs(min_equal=3)).ends.filter(reason="mixer")["amount"]
            for subject in who
        }  # fmt: skip
        for subject, amounts in bound.items():
            together = fast.ends.filter(pl.col("subject") == subject, reason="mixer")["amount"]
            assert total(together) == total(amounts)


@every_policy
@given(txs=coin_chains(), data=st.data())
@settings(max_examples=75, deadline=None)
def test_it_leaves_the_same_rows(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Five hundred ledgers in all: spans, stops, limits, several subjects, chosen coins, mixes."""
    last = txs[-1]["height"]
    first = data.draw(st.one_of(st.none(), st.integers(0, last)))
    start = None if first is None else START + timedelta(minutes=10 * first)
    ledger = desk.coins(txs).between(start, None)
    who: list[Any] = [desk.coin(name) for name in data.draw(st.sampled_from(["a", "ab", "bde"]))]
    if first is None and (chosen := places(desk, txs)):
        who.append(data.draw(st.sampled_from(chosen)))
    stop = [desk.tags(("s", "shop"))]
    stop += data.draw(st.sampled_from([[], [equal_outputs(min_equal=2)], [possible_mix()]]))
    same(*both(
        ledger, who, policy=policy, stop=stop,
        max_hops=data.draw(st.sampled_from([None, 1, 3])),
        min_amount=data.draw(st.sampled_from([0, 2])),
    ))  # fmt: skip


@every_policy
@given(txs=coin_chains(unread=False, largest=2**60), data=st.data())
@settings(max_examples=12, deadline=None)
def test_sums_beyond_floating_point_are_the_same(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """At most eight new coins: what enters a transaction stays below 2^63, mostly above 2^53."""
    if sum(1 for tx in txs if not tx["ins"]) > 7:
        return
    who = data.draw(st.sampled_from(places(desk, txs)))
    same(*both(desk.coins(txs), who, policy=policy))


def test_sums_of_more_than_64_bits_are_followed_in_python(desk: Any) -> None:
    """Two coins of Dogecoin's largest kind together: no number of the loops could hold them."""
    most = 2**62 + 1
    txs = [
        {"id": "t", "ins": [], "outs": [("a", most)]},
        {"id": "u", "ins": [], "outs": [("b", most)]},
        {"id": "v", "ins": [("t", 0), ("u", 0)], "outs": [("c", most)]},
    ]
    found = trace(desk.coins(txs), desk.coin("a"), policy=haircut, chain=CHAIN)
    assert desk.ends(found) == {("unspent", "c"): most // 2, ("fee", None): most - most // 2}


def test_a_transaction_that_pays_too_much_is_named(desk: Any) -> None:
    txs = [
        {"id": "t", "ins": [], "outs": [("a", 5)]},
        {"id": "u", "ins": [("t", 0)], "outs": [("c", 6)]},
    ]
    with pytest.raises(ConservationError, match="exceeds the balance by 1") as caught:
        trace(desk.coins(txs), desk.coin("a"), policy=haircut, chain=CHAIN)
    assert txid_text(desk.txid("u"), CHAIN) in str(caught.value)


@every_policy
def test_a_long_and_wide_chain_makes_room_as_it_goes(desk: Any, policy: Policy) -> None:
    """More lots, coins and rows than there is room for at first, in marks of many hops."""
    txs: list[dict[str, Any]] = [{"id": "t0", "ins": [], "outs": [("a", 10**6)]}]
    wide = 300
    free = [("t0", 0, 10**6)]
    for k in range(1, 120):
        spent, free = free[:40], free[40:]
        total = sum(value for *_, value in spent)
        count = wide if k % 3 == 1 else 7
        each = total // (count + 1)
        name = f"t{k}"
        outs = [(f"x{k % 17}", each) for _ in range(count)] + [("y", total - each * count)]
        own = {"id": f"c{k}", "ins": [], "outs": [("z", 1000 + k)]}
        txs += [own, {"id": name, "ins": [(i, n) for i, n, _ in spent] + [(own["id"], 0)],
                      "outs": outs, "height": None}]  # fmt: skip
        free += [(name, n, out[1]) for n, out in enumerate(outs)]
    for height, tx in enumerate(txs):
        tx["height"] = height
    fast, slow = both(desk.coins(txs), desk.coin("a"), policy=policy)
    same(fast, slow)
    assert fast.steps.height > 500
