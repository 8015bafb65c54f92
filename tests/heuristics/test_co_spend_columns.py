"""Links by the numbers of an index are those of the tables: the same rows, the same digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from link_ledgers import START, random_ledger

from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.co_spend_columns import Signing, co_spend_columns
from chainwatch.heuristics.coinjoin import DETECTORS, JOINT, equal_outputs, possible_mix
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.rates import MEASURED
from chainwatch.heuristics.rule import Rule, rule
from chainwatch.kernels import run
from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

LEDGERS = 60
SHARE = 20
"""Each test below looks at so many ledgers; together they are all."""


@rule(on="transactions")
def many_paid(least: int = 3) -> nw.Expr:
    """Several addresses are paid. *Fails when* one owner pays himself."""
    return nw.col("output_addresses") >= least


@rule(on="transactions")
def early_locked(height: int = 20) -> nw.Expr:
    """Its block is early, and nothing holds it back. *Fails when* that says nothing."""
    return (nw.col("height") < height) & (nw.col("locktime") == 0)


SIGNING = Signing()
WAYS = (SIGNING, Signing("join"), Signing("undecided", revealed=False), Signing(revealed=False))

RULES: tuple[Rule | None, ...] = (
    JOINT, None, equal_outputs(min_equal=2), equal_outputs() & ~possible_mix(), many_paid(),
    ~JOINT, many_paid() | equal_outputs(), early_locked(), *DETECTORS.values(),
)  # fmt: skip


def numbered(
    ledger: Ledger, unless: Rule | None = JOINT, signing: Signing = SIGNING
) -> Links:  # fmt: skip
    """Return the links of a ledger in memory by the numbers of an index of it."""
    (index,) = build_index(ledger.history)
    return co_spend_columns(ledger, index, unless, signing, MEASURED).links()


def assert_same(ours: Links, theirs: Links) -> None:
    assert ours.digest == theirs.digest  # read before the frame is made
    assert ours.counts() == theirs.counts()
    assert ours.counts_apart() == theirs.counts_apart()
    assert repr(ours) == repr(theirs)
    assert ours._repr_html_() == theirs._repr_html_()
    assert ours.chains == theirs.chains or theirs.frame.is_empty()
    assert ours.deferred("frame")
    for one, other in (
        (ours.joining, theirs.joining),
        (ours.contested, theirs.contested),
        (ours.frame, theirs.frame),
    ):
        assert one.equals(other)
        assert one.schema == other.schema


@pytest.mark.parametrize("start", range(0, LEDGERS, SHARE))
def test_they_are_those_of_the_tables(start: int, real_ledger: Callable[..., Ledger]) -> None:
    joining = vetoed = 0
    for seed in range(start, start + SHARE):
        ledger = random_ledger(real_ledger, seed)
        unless, signing = RULES[seed % len(RULES)], WAYS[seed % len(WAYS)]
        theirs = co_spends(
            ledger, unless=unless, unread_flags=signing.unread_flags, revealed=signing.revealed
        )
        assert_same(numbered(ledger, unless, signing), theirs)
        joining += theirs.joining.height
        vetoed += theirs.contested.height
    assert joining > 100
    assert vetoed > 20


def test_the_ledgers_hold_every_kind_of_tie(real_ledger: Callable[..., Ledger]) -> None:
    """Else what the tests above compare would say nothing of it."""
    counts: Counter[str] = Counter()
    for seed in range(8):
        links = co_spends(random_ledger(real_ledger, seed))
        counts.update(links.counts() | links.counts_apart())
    for name in ("joining", "refused", "undecided", "without_key", "partly_signed",
                 "flags_unread", "revealed", "shared_keys"):  # fmt: skip
        assert counts[name] > 5, name


def test_a_span_narrows_them_alike(real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, 7)
    for first, last in ((None, 20), (10, None), (10, 25), (30, 31)):
        bounds = [None if n is None else START + timedelta(hours=n) for n in (first, last)]
        spanned = ledger.between(*bounds)
        assert_same(numbered(spanned), co_spends(spanned))


def test_the_contested_at_an_address(real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, 3)
    ours, theirs = numbered(ledger), co_spends(ledger)
    chain = theirs.frame["chain"][0]
    for address in {*theirs.contested["a"], *theirs.contested["b"], b"\x03" + bytes(20)}:
        ends = [(chain, address), (chain, theirs.joining["a"][0])]
        assert ours.contested_at(ends).equals(theirs.contested_at(ends))
    assert ours.contested_at([("other", theirs.contested["a"][0])]).is_empty()


def test_what_is_left_of_them_is_the_same(real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, 5)
    ours, theirs = numbered(ledger), co_spends(ledger)
    txid = theirs.joining["txid"][0]
    assert ours.without([txid]).digest == theirs.without([txid]).digest
    assert (ours + theirs).frame.equals(theirs.frame)


def test_only_those_that_are_not_plain_are_read_from_the_tables(
    real_ledger: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainwatch.heuristics import co_spend_columns as module

    asked: list[int] = []
    whole = module._from_tables
    monkeypatch.setattr(
        module, "_from_tables",
        lambda ledger, index, places, unless: asked.append(len(places))
        or whole(ledger, index, places, unless),
    )  # fmt: skip
    ledger = random_ledger(real_ledger, 1)
    theirs = co_spends(ledger)
    linked = theirs.frame["tx"].n_unique()
    numbered(ledger)
    assert len(asked) == 1
    assert 0 < asked[0] < linked
    numbered(ledger, early_locked())  # a rule that reads more is asked of all
    assert asked[1:] == [linked]


def test_both_loops_say_the_same(
    real_ledger: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = random_ledger(real_ledger, 2)
    found = numbered(ledger)
    monkeypatch.setattr(run, "available", lambda: False)
    assert_same(numbered(ledger), co_spends(ledger))
    assert found.frame.equals(co_spends(ledger).frame)


def commit(folder: Path, ledger: Ledger, heights: tuple[int, int]) -> Ledger:
    """Append the blocks of some heights of a ledger in memory to one on disk."""
    low, high = (height << 24 for height in heights)
    assert ledger.frames is not None
    rows = {
        name: frame.filter((pl.col("tx") >= low) & (pl.col("tx") < high))
        for name, frame in ledger.frames.items()
    }
    with open_writer(Store.create(folder)) as writer:
        writer.commit(rows, source="test", chain=rows["inputs"]["chain"][0], what=str(heights))
    return open_ledger(folder)


def test_an_index_on_disk_is_used_at_its_own_commit(
    tmp_path: Path, real_ledger: Callable[..., Ledger]
) -> None:
    made = random_ledger(real_ledger, 4)
    first = commit(tmp_path / "l", made, (0, 25))
    before = co_spends(first)
    build_index(first)
    assert_same(co_spends(first), before)
    assert (before.columns is None, co_spends(first).columns is None) == (True, False)
    second = commit(tmp_path / "l", made, (25, 1000))
    assert co_spends(second).columns is None
    assert_same(co_spends(first), before)
    build_index(second)
    assert_same(co_spends(second), co_spends(made))


def test_where_two_coin_chains_were_read_the_tables_are_asked(
    tmp_path: Path, real_ledger: Callable[..., Ledger]
) -> None:
    one, two = random_ledger(real_ledger, 4), random_ledger(real_ledger, 5, "btc-testnet")
    commit(tmp_path / "l", one, (0, 1000))
    both = commit(tmp_path / "l", two, (0, 1000))
    build_index(both)
    links = co_spends(both)
    assert links.columns is None
    assert links.frame["chain"].n_unique() == 2
    alone = co_spends(both.chain_only("btc-testnet"))
    assert alone.columns is not None
    assert alone.frame.equals(co_spends(two).frame)
