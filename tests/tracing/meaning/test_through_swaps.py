"""Value followed through swaps: against a plain reference, and case by case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from chainwatch.errors import ArgumentError, InputError, TraceError
from chainwatch.heuristics.rule import rule
from chainwatch.tracing.balances import Lot, Mark
from chainwatch.tracing.meaning.carrying import spread
from chainwatch.tracing.meaning.meanings import meanings
from chainwatch.tracing.meaning.through_result import ThroughSwaps
from chainwatch.tracing.meaning.through_swaps import trace_through_swaps
from chainwatch.tracing.trace import trace

POLICIES = ("fifo", "lifo", "haircut", "seniority", "clean_first")
ME = Mark(0, 1, 0)


def follow(kit: Any, chain: Any, *, policy: str = "fifo", **more: Any) -> ThroughSwaps:
    ledger = chain.ledger()
    tags = kit.tags(("p", "Dex", "defi_dex"), ("q", "Dex", "defi_dex"))
    return trace_through_swaps(
        ledger, more.pop("subjects", [kit.at("a")]), asset=kit.asset("X"), policy=policy,
        through=meanings(ledger, tags), **more,
    )  # fmt: skip


def sums(kit: Any, found: ThroughSwaps) -> dict[str, tuple[int, int, int, int]]:
    """Return by asset what came, what was swapped in and out, and what ended."""
    names = ("came", "swapped_in", "swapped_out", "ended")
    return {
        kit.name(row["contract"]) or "ETH": tuple(int(row[name]) for name in names)  # type: ignore[misc]  # four of them
        for row in found.frame.iter_rows(named=True)
    }


def held(kit: Any, found: ThroughSwaps) -> dict[tuple[str, str], int]:
    """Return what ends at each address in each asset, but for what was swapped."""
    rows: dict[tuple[str, str], int] = defaultdict(int)
    for one in found.traces:
        for row in one.ends.filter(pl.col("reason") != "exchanged").iter_rows(named=True):
            rows[kit.name(one.asset.contract) or "ETH", kit.name(row["address"])] += int(
                row["amount"]
            )
    return dict(rows)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_swap_carries_all_of_it_on(kit: Any, policy: str) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 100))
    chain.tx("a", ("a", "r", "X", 100), ("r", "p", "X", 100), ("p", "r", "Y", 33),
             ("r", "a", "Y", 33), fee=2)  # fmt: skip
    chain.tx("a", ("a", "c", "Y", 33))
    found = follow(kit, chain, policy=policy)
    assert sums(kit, found) == {"X": (100, 0, 100, 0), "Y": (0, 33, 0, 33)}
    assert held(kit, found) == {("Y", "c"): 33}
    assert [kit.name(one) for one in found.of(kit.asset("Y")).steps["target"]] == ["c"]


def test_a_swap_to_somebody_else_begins_at_him(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "b", "Y", 7))
    found = follow(kit, chain)
    assert held(kit, found) == {("Y", "b"): 7}
    origin = found.of(kit.asset("Y")).origins.row(0, named=True)
    assert (kit.name(origin["subject"]), kit.name(origin["address"]), origin["kind"]) == (
        "a", "b", "swapped for what was followed",
    )  # fmt: skip


def test_the_share_is_that_of_what_was_given(kit: Any) -> None:
    """Ten of thirty that were swapped are the subject's: a third of what was got, rounded down."""
    chain = kit.chain()
    chain.tx("m", ("0", "b", "X", 20))
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "b", "X", 10))
    chain.tx("b", ("b", "p", "X", 30), ("p", "b", "Y", 100))
    for policy, share in (("fifo", 34), ("lifo", 33), ("haircut", 33)):
        found = follow(kit, chain, policy=policy)
        assert sums(kit, found)["Y"] == (0, share, 0, share), policy


def test_wrapped_and_unwrapped_it_is_the_same_to_the_last_unit(kit: Any) -> None:
    chain = kit.chain()
    amount = 123_456_789_012_345_678_901
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "a", "ETH", amount))
    chain.tx("a", ("a", "WETH", "ETH", amount), ("0", "a", "WETH", amount))
    chain.tx("a", ("a", "0", "WETH", amount), ("WETH", "a", "ETH", amount))
    chain.tx("a", ("a", "c", "ETH", amount))
    found = follow(kit, chain)
    assert sums(kit, found) == {
        "X": (10, 0, 10, 0), "ETH": (0, 2 * amount, amount, amount),
        "WETH": (0, amount, amount, 0),
    }  # fmt: skip
    assert held(kit, found) == {("ETH", "c"): amount}


def test_back_and_forth_comes_to_rest_and_is_no_new_money(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 100))
    for _ in range(6):
        chain.tx("a", ("a", "p", "X", 50), ("p", "a", "Y", 20))
        chain.tx("a", ("a", "p", "Y", 20), ("p", "a", "X", 49))
    found = follow(kit, chain)
    assert sums(kit, found)["Y"] == (0, 120, 120, 0)
    came, into, out, ended = sums(kit, found)["X"]
    assert (came, into, out) == (100, 6 * 49, 6 * 50)
    assert ended == 100 - 6


def test_several_subjects_keep_their_own(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("m", ("0", "b", "X", 20))
    chain.tx("a", ("a", "s", "X", 10))
    chain.tx("b", ("b", "s", "X", 20))
    chain.tx("s", ("s", "p", "X", 30), ("p", "s", "Y", 60))
    found = follow(kit, chain, subjects=[kit.at("a"), kit.at("b")])
    rows = found.swaps.filter(side="got").sort("subject").select("subject", "traced")
    assert [(kit.name(who), int(much)) for who, much in rows.iter_rows()] == [("a", 20), ("b", 40)]


def test_one_payment_alone_can_be_followed(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "s", "X", 50))
    theft = chain.tx("v", ("v", "s", "X", 10))
    chain.tx("s", ("s", "p", "X", 60), ("p", "s", "Y", 30))
    found = follow(kit, chain, subjects=[f"0x{theft.hex()}"])
    assert sums(kit, found) == {"X": (10, 0, 10, 0), "Y": (0, 5, 0, 5)}


def test_what_is_undecided_ends_there_and_is_not_carried(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "a", "Y", 5), ("p", "a", "Z", 1))
    found = follow(kit, chain)
    assert sums(kit, found) == {"X": (10, 0, 0, 10)}
    end = found.traces[0].ends.row(0, named=True)
    assert (end["reason"], end["certainty"], kit.name(end["address"])) == (
        "exchange undecided", "undecided", "p",
    )  # fmt: skip


def test_a_worthless_token_hides_no_payment(kit: Any) -> None:
    """Who pays a stranger through a contract that gives him a token back has paid him."""
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "own", "X", 10), ("own", "a", "JUNK", 10**9))
    chain.tx("x", ("own", "friend", "X", 10))
    found = follow(kit, chain)
    assert held(kit, found) == {("X", "friend"): 10}


def test_worthless_tokens_that_many_traded_make_no_pool_of_what_is_worth_something(
    kit: Any,
) -> None:
    """Three senders swap two tokens of their own: of X the contract is as strange as before."""
    chain = kit.chain()
    for who in ("s1", "s2", "s3"):
        chain.tx(who, (who, "e", "one", 1), ("e", who, "two", 1))
        chain.tx(who, (who, "e", "two", 1), ("e", who, "one", 1))
    chain.tx("m", ("0", "a", "X", 100))
    chain.tx("a", ("a", "e", "X", 100), ("e", "a", "two", 1))
    chain.tx("k", ("e", "out", "X", 100))
    found = follow(kit, chain)
    assert sums(kit, found) == {"X": (100, 0, 0, 100)}
    assert held(kit, found) == {("X", "out"): 100}
    chain.tx("k", ("k", "e", "two", 1), ("e", "k", "X", 1))
    assert sums(kit, follow(kit, chain)) == {"X": (100, 0, 0, 100)}, "one way back is not many"


def test_pools_lenders_and_stakers_are_ends_of_their_own(kit: Any) -> None:
    chain = kit.chain()
    chain.tx(
        "m",
        ("0", "a", "X", 60),
    )
    chain.tx("a", ("a", "p", "X", 10), ("a", "p", "Y", 1), ("0", "a", "p", 3))
    chain.tx("a", ("a", "lend", "X", 20), ("0", "a", "lend", 19))
    chain.tx("a", ("a", "stake", "X", 30))
    ledger = chain.ledger()
    tags = kit.tags(("p", "Dex", "defi_dex"), ("lend", "Lender", "defi_lending"),
                    ("stake", "Stakes", "defi_staking"))  # fmt: skip
    found = trace_through_swaps(ledger, [kit.at("a")], asset=kit.asset("X"), policy="fifo",
                                through=meanings(ledger, tags))  # fmt: skip
    ends = found.traces[0].ends.sort("amount").select("reason", "service", "certainty").rows()
    assert ends == [
        ("liquidity pool", "Dex", "confirmed"), ("lending pool", "Lender", "confirmed"),
        ("staking pool", "Stakes", "confirmed"),
    ]  # fmt: skip


def test_a_trace_of_one_asset_ends_at_swaps_and_says_so(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 60))
    chain.tx("m", ("0", "b", "X", 9))
    chain.tx("a", ("a", "r", "X", 10), ("r", "p", "X", 10), ("p", "a", "Y", 5))
    chain.tx("a", ("a", "r", "X", 20), ("r", "c", "X", 20))
    chain.tx("s", ("a", "r", "X", 7), ("b", "r", "X", 9), ("r", "d", "X", 8), ("r", "e", "X", 8))
    ledger = chain.ledger()
    through = meanings(ledger, kit.tags(("p", "Dex", "defi_dex")))
    found = trace(ledger, [kit.at("a")], asset=kit.asset("X"), policy="fifo", through=through)
    ends = {(row["reason"], kit.name(row["address"])): int(row["amount"])
            for row in found.ends.iter_rows(named=True)}  # fmt: skip
    assert ends == {
        ("exchanged", "p"): 10, ("unspent", "c"): 20, ("payee undecided", "r"): 7,
        ("unspent", "a"): 23,
    }  # fmt: skip
    assert {kit.name(one) for one in found.steps["target"]} == {"p", "c", "r"}
    (said,) = (str(one.headline) for one in found.findings(pl.DataFrame()))
    assert "10 X paid to Dex (exchanged, confirmed)" in said
    assert "7 X paid among others through a contract, of which it is open who paid whom" in said
    plain = trace(ledger, [kit.at("a")], asset=kit.asset("X"), policy="fifo")
    assert plain.digest != found.digest


def test_backward_it_ends_at_what_was_swapped_for_it(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "u", "X", 60))
    chain.tx("u", ("u", "p", "X", 10), ("p", "r", "Y", 50), ("r", "u", "Y", 50))
    chain.tx("u", ("u", "r", "Y", 20), ("r", "a", "Y", 20))
    ledger = chain.ledger()
    through = meanings(ledger, kit.tags(("p", "Dex", "defi_dex")))
    found = trace(ledger, [kit.at("a")], asset=kit.asset("Y"), policy="fifo", through=through,
                  direction="backward")  # fmt: skip
    row = found.ends.row(0, named=True)
    assert (kit.name(row["address"]), row["reason"], row["service"], int(row["amount"])) == (
        "p", "exchanged", "Dex", 20,
    )  # fmt: skip
    assert {kit.name(one) for one in found.steps["source"]} == {"u", "p"}


def test_sources_are_found_behind_swaps(kit: Any) -> None:
    """Two fifths of what was got are two fifths of what was given, the first of it: it was c's."""
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "c", "X", 30))
    chain.tx("m", ("0", "d", "X", 30))
    chain.tx("c", ("c", "b", "X", 30))
    chain.tx("d", ("d", "b", "X", 30))
    chain.tx("b", ("b", "r", "X", 60), ("r", "p", "X", 60), ("p", "b", "Y", 100))
    chain.tx("b", ("b", "a", "Y", 40))
    ledger = chain.ledger()
    through = meanings(ledger, kit.tags(("p", "Dex", "defi_dex")))
    found = trace_through_swaps(ledger, [kit.at("a")], asset=kit.asset("Y"), policy="fifo",
                                through=through, direction="backward")  # fmt: skip
    assert sums(kit, found) == {"Y": (40, 0, 40, 0), "X": (0, 24, 0, 24)}
    steps = found.of(kit.asset("X")).steps.select("source", "target", "amount").iter_rows()
    told = {(kit.name(source), kit.name(target), int(much)) for source, target, much in steps}
    assert told == {("0", "c", 24), ("c", "b", 24)}
    assert {*found.of(kit.asset("X")).ends["reason"]} == {"newly made"}
    forward = trace_through_swaps(ledger, [kit.at("c")], asset=kit.asset("X"), policy="fifo",
                                  through=through)  # fmt: skip
    assert held(kit, forward) == {("Y", "a"): 40, ("Y", "b"): 10}


@pytest.mark.parametrize("seed", range(6))
def test_backward_each_asset_adds_up(kit: Any, seed: int) -> None:
    chain, _ = random_world(kit, seed)
    found = follow(kit, chain, direction="backward")
    found.check()
    assert {one.direction for one in found.traces} == {"backward"}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("back", "ended"), [(("p", 40), {"p": 60, "d": 40}), (("q", 90), {"p": 10, "d": 90})]
)
def test_what_pools_give_back_is_no_new_money(
    kit: Any, policy: str, back: tuple[str, int], ended: dict[str, int]
) -> None:
    """Only a hundred came: whatever of it pools give back in the transaction was never given."""
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 100))
    chain.tx("a", ("a", "p", "X", 100), (back[0], "a", "X", back[1]), ("p", "a", "Y", 30))
    chain.tx("a", ("a", "d", "X", back[1]))
    ledger = chain.ledger()
    through = meanings(ledger, kit.tags(("p", "Dex", "defi_dex"), ("q", "Dex", "defi_dex")))
    given = {"asset": kit.asset("X"), "policy": policy, "through": through}
    found = trace(ledger, [kit.at("a")], **given)
    whole = follow(kit, chain, policy=policy)
    for one in (found, whole.of(kit.asset("X"))):
        assert one.origins["amount"].cast(int).to_list() == [100]
        ends = one.ends.select("address", pl.col("amount").cast(int)).iter_rows()
        assert {kit.name(at): much for at, much in ends} == ended
    assert sums(kit, whole)["X"] == (100, 0, ended["p"], back[1])
    assert sums(kit, whole)["Y"] == (0, 30, 0, 30)


def test_all_that_a_pool_gives_back_stays_where_it_was(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 100))
    chain.tx("a", ("a", "r", "X", 100), ("r", "p", "X", 100), ("p", "a", "X", 100))
    chain.tx("a", ("a", "d", "X", 100))
    found = follow(kit, chain)
    assert sums(kit, found) == {"X": (100, 0, 0, 100)}
    assert held(kit, found) == {("X", "d"): 100}


def test_what_a_pool_gives_first_is_paid_before_anything_is_given(kit: Any) -> None:
    """What was lent and paid on in between was there: it is not netted away."""
    chain = kit.chain()
    chain.tx("m", ("0", "b", "X", 100))
    chain.tx("a", ("p", "a", "X", 100), ("a", "b", "X", 100), ("b", "a", "X", 101),
             ("a", "p", "X", 101))  # fmt: skip
    moved = follow(kit, chain, subjects=[kit.at("b")]).traces[0]
    assert moved.origins["amount"].cast(int).to_list() == [100, 100]
    assert int(moved.ends["amount"].cast(int).sum()) == 200


def test_it_ends_at_the_services_that_the_tags_of_its_meanings_name(kit: Any) -> None:
    """What comes out of an exchange is its customers': nothing is followed out of it again."""
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "k", "X", 10))
    chain.tx("k", ("k", "client", "X", 10))
    chain.tx("client", ("client", "p", "X", 10), ("p", "client", "Y", 5))
    ledger = chain.ledger()
    tags = kit.tags(("p", "Dex", "defi_dex"), ("k", "Bank", "exchange"))
    given = {"asset": kit.asset("X"), "policy": "fifo", "through": meanings(ledger, tags)}
    found = trace_through_swaps(ledger, [kit.at("a")], **given)
    assert sums(kit, found) == {"X": (10, 0, 0, 10)}
    assert found.traces[0].ends.select("reason", "service").rows() == [("hosted service", "Bank")]
    on = trace_through_swaps(ledger, [kit.at("a")], stop=[], **given)
    assert sums(kit, on) == {"X": (10, 0, 10, 0), "Y": (0, 5, 0, 5)}


def test_a_contract_at_which_following_is_to_end_passes_nothing_on(kit: Any) -> None:
    """What comes to a mixer ends there, even if it leaves in the same transaction."""
    chain = kit.chain()
    chain.made("mix")
    chain.tx("m", ("0", "a", "X", 60))
    chain.tx("a", ("a", "mix", "X", 10), ("mix", "c", "X", 10))
    ledger, stop = chain.ledger(), kit.tags(("mix", "Mixer", "mixing_service"))
    through = meanings(ledger)
    given = {"asset": kit.asset("X"), "policy": "fifo", "through": through}
    found = trace(ledger, [kit.at("a")], stop=stop, **given)
    assert ("mixer", "Mixer", 10) in found.ends.select(
        "reason", "service", pl.col("amount").cast(int)
    ).rows()
    without = trace(ledger, [kit.at("a")], **given)
    assert "mixer" not in {*without.ends["reason"]}, "another stop is another passage"
    again = trace(ledger, [kit.at("a")], stop=stop, **given)
    assert again.digest == found.digest


def test_a_subject_passes_nothing_on(kit: Any) -> None:
    """Who asks of a contract asks what came to it, whatever it passed on."""
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 60))
    chain.tx("a", ("a", "r", "X", 10), ("r", "c", "X", 10))
    ledger = chain.ledger()
    found = trace(ledger, [kit.at("r")], asset=kit.asset("X"), policy="fifo",
                  through=meanings(ledger))  # fmt: skip
    assert (found.amount, [kit.name(one) for one in found.steps["target"]]) == (10, ["c"])


def test_a_transfer_into_a_contract_can_be_chosen(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 60))
    txid = chain.tx("a", ("a", "r", "X", 10), ("r", "c", "X", 10))
    ledger = chain.ledger()
    for chosen, steps in ((f"0x{txid.hex()}:0", ["c"]), (f"0x{txid.hex()}", [])):
        found = trace(ledger, [chosen], asset=kit.asset("X"), policy="fifo",
                      through=meanings(ledger))  # fmt: skip
        assert (found.amount, [kit.name(one) for one in found.steps["target"]]) == (10, steps)
        assert {kit.name(one) for one in found.ends["address"]} == {"c"}


def test_what_is_got_through_a_stop_came_to_the_stop(kit: Any) -> None:
    chain = kit.chain()
    chain.made("mix")
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "mix", "Y", 50), ("mix", "a", "Y", 30),
             ("mix", "a", "Y", 20))  # fmt: skip
    stop = kit.tags(("mix", "Mixer", "mixing_service"))
    assert sums(kit, follow(kit, chain))["Y"] == (0, 50, 0, 50)
    assert sums(kit, follow(kit, chain, stop=stop)) == {"X": (10, 0, 0, 10)}


def test_a_swap_whose_payment_counts_as_a_lure_is_refused(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "r", "Y", 50), ("r", "a", "Y", 49), ("r", "a", "Y", 1))
    assert sums(kit, follow(kit, chain))["Y"] == (0, 50, 0, 50)

    @rule(on="transfers")
    def one_is_bait() -> nw.Expr:
        """Call a payment of one a lure.

        Fails when
        ----------
        Always: it is a test.
        """
        return nw.col("amount") == 1

    with pytest.raises(TraceError, match="50 base units were got in a swap and 1 came"):
        follow(kit, chain, poisoning=one_is_bait())


def test_meanings_of_what_else_was_read_are_refused(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 60))
    ledger = chain.ledger()
    given = {"asset": kit.asset("X"), "policy": "fifo"}
    with pytest.raises(ArgumentError, match="pass what transactions mean"):
        trace(ledger, [kit.at("a")], through=chain, **given)
    with pytest.raises(TraceError, match="read before anything is fetched"):
        trace(ledger, [kit.at("a")], through=meanings(ledger), fetch=lambda _: None, **given)


def test_hops_go_on_behind_a_swap(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "b", "X", 10))
    chain.tx("b", ("b", "p", "X", 10), ("p", "b", "Y", 5))
    chain.tx("b", ("b", "c", "Y", 5))
    chain.tx("c", ("c", "d", "Y", 5))
    steps = follow(kit, chain).of(kit.asset("Y")).steps
    assert steps["hop"].to_list() == [3, 4]
    short = follow(kit, chain, max_hops=3).of(kit.asset("Y")).ends
    assert short.select("reason", "hop").rows() == [("hop limit", 3)]


def test_what_is_refused(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    with pytest.raises(TraceError, match="tells reach, and no share"):
        follow(kit, chain, policy="poison")
    with pytest.raises(TraceError, match="follows nothing that is paid away"):
        follow(kit, chain, policy="lowest_balance")
    with pytest.raises(TraceError, match="is a pool, which holds the value of many"):
        follow(kit, chain, subjects=[kit.at("p")])
    with pytest.raises(ArgumentError, match="pass what transactions mean"):
        trace_through_swaps(chain.ledger(), [kit.at("a")], asset=kit.asset("X"), policy="fifo",
                            through=None)  # type: ignore[arg-type]  # that is the mistake  # fmt: skip
    with pytest.raises(InputError, match="nothing was followed in this asset"):
        follow(kit, chain).of(kit.asset("Y"))


def test_lots_keep_their_order_and_add_up() -> None:
    key = (b"", "erc20", 0, None, 0)
    other = (b"", "erc20", 1, None, 0)
    lots = spread([Lot(3, ME), Lot(7, None)], [(key, 5), (other, 20)])
    assert lots == {key: (Lot(5, ME),), other: (Lot(2, ME), Lot(18, None))}
    assert spread([Lot(1, ME), Lot(2, None)], [(key, 1)]) == {key: (Lot(1, None),)}


# A plain reference ---------------------------------------------------------------------------


class Plain:
    """First in, first out in every asset at once, in the order of the chain, lot by lot."""

    def __init__(self) -> None:
        self.lots: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
        self.ended: dict[str, int] = defaultdict(int)
        self.came: dict[str, int] = defaultdict(int)

    def take(self, who: str, asset: str, amount: int) -> list[list[int]]:
        """Return lots ``[amount, is it the subject's]`` from the front."""
        out, mine = [], self.lots[who, asset]
        while amount:
            lot = mine[0]
            part = min(lot[0], amount)
            out.append([part, lot[1]])
            lot[0] -= part
            amount -= part
            if not lot[0]:
                mine.pop(0)
        return out

    def pay(self, sender: str, receiver: str, asset: str, amount: int, first: str) -> None:
        lots = [[amount, 0]] if sender == "0" else self.take(sender, asset, amount)
        if receiver == "a" and asset == first:
            self.came[asset] += sum(size for size, mine in lots if not mine)
            lots = [[size, 1] for size, _ in lots]
        self.lots[receiver, asset] += lots

    def swap(
        self, who: str, to: str, gave: tuple[str, int], got: tuple[str, int], first: str
    ) -> None:
        lots = self.take(who, *gave)
        self.ended[gave[0]] += sum(size for size, mine in lots if mine)
        upto, made = 0, []
        for size, mine in lots:
            before = upto * got[1] // gave[1]
            upto += size
            made.append([upto * got[1] // gave[1] - before, mine])
        self.came[got[0]] += sum(size for size, mine in made if mine)
        if to == "a" and got[0] == first:
            self.came[first] += sum(size for size, mine in made if not mine)
            made = [[size, 1] for size, _ in made]
        self.lots[to, got[0]] += [lot for lot in made if lot[0]]

    def held(self) -> dict[tuple[str, str], int]:
        sums = {(asset, who): sum(size for size, mine in lots if mine)
                for (who, asset), lots in self.lots.items()}  # fmt: skip
        return {at: amount for at, amount in sums.items() if amount}


PEOPLE, ASSETS = "abcde", ("X", "Y", "Z")


def random_world(kit: Any, seed: int) -> tuple[Any, Plain]:
    """Return a chain of payments, routed payments and swaps, with what a plain walk says of it."""
    chance, chain, plain = Random(seed), kit.chain(), Plain()  # noqa: S311 - the same each time
    chain.made("r", "t")
    for _ in range(40):
        who, to = chance.choice(PEOPLE), chance.choice(PEOPLE)
        asset, other = chance.sample(ASSETS, 2)
        has = sum(size for size, _ in plain.lots[who, asset])
        amount = chance.randint(1, 40)
        if not has or chance.random() < 0.15:
            chain.tx("m", ("0", who, asset, amount))
            plain.pay("0", who, asset, amount, "X")
            continue
        amount = min(amount, has)
        if chance.random() < 0.5:
            got = chance.randint(1, 60)
            pool = chance.choice("pq")
            into = _routed(chance, who, pool, asset, amount)
            chain.tx(who, *into, *_routed(chance, pool, to, other, got, router="t"))
            plain.swap(who, to, (asset, amount), (other, got), "X")
        elif who != to:
            chain.tx(who, *_routed(chance, who, to, asset, amount))
            plain.pay(who, to, asset, amount, "X")
    return chain, plain


def _routed(
    chance: Random, payer: str, payee: str, asset: str, amount: int, router: str = "r"
) -> Sequence[tuple[str, str, str, int]]:
    if chance.random() < 0.5:
        return [(payer, payee, asset, amount)]
    return [(payer, router, asset, amount), (router, payee, asset, amount)]


@pytest.mark.parametrize("seed", range(16))
def test_amounts_are_those_of_a_plain_walk(kit: Any, seed: int) -> None:
    chain, plain = random_world(kit, seed)
    found = follow(kit, chain)
    assert held(kit, found) == plain.held()
    for asset, (came, into, out, _) in sums(kit, found).items():
        assert (came + into, out) == (plain.came[asset], plain.ended[asset]), asset


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(25, 27))
def test_every_policy_adds_up(kit: Any, policy: str, seed: int) -> None:
    chain, _ = random_world(kit, seed)
    found = follow(kit, chain, policy=policy)
    found.check()
    assert found.digest == follow(kit, chain, policy=policy).digest
