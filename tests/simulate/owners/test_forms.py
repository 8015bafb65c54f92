"""Each habit and each mix occurs, and has the form that its protocol publishes."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from chainwatch.addresses.scripts import classify
from chainwatch.simulate.owners.coinjoins import DENOMINATIONS
from chainwatch.simulate.owners.whirlpool import POOLS

MIXES = {"joinmarket", "wasabi1.0", "wasabi1.1", "wasabi2", "whirlpool", "stonewall_x2"}
KINDS = {
    "anchor claim", "batch", "channel close", "channel open", "coinbase", "coinjoin",
    "consolidation", "crowdfunding", "deposit", "donation", "dust", "escrow open", "escrow release",
    "fee bump", "migration", "move", "padding", "payjoin", "payment", "peel", "purchase", "reunion",
    "sale of mined coins", "split", "sweep", "token mint", "token sale", "tx0", "withdrawal",
}  # fmt: skip
TRICKS = {
    "dust", "equal_batch", "equal_split", "equal_trifles", "forced_reuse", "looks_joint",
    "sale_signed_in_full",
}  # fmt: skip
HOSTILE = {"fake_change", "forged_key", "hidden_spend", "imitation", "unequal_mix"}


def of(world, **what):
    """Yield transactions of a kind with the values and kinds of what they spend and make."""
    told = world.truth.transactions.filter(**what)
    made = {
        key: (value, kind)
        for *key_, value, kind in world.truth.outputs.select(
            "txid", "n", "value", "script_kind"
        ).iter_rows()
        for key in [tuple(key_)]
    }
    assert told.height, f"nothing is {what}"
    for txid in told["txid"]:
        tx = world.txs[txid]
        outs = [(value, classify(script).kind) for value, script in tx.outputs]
        yield tx, [made[one.txid, one.n] for one in tx.inputs], outs


def most_frequent(outs):
    return Counter(value for value, _ in outs).most_common(1)[0]


def test_everything_happens(honest, hostile):
    told = honest.truth.transactions
    assert set(told["kind"]) == KINDS
    assert set(told.filter(kind="coinjoin")["protocol"]) == MIXES
    assert set(told["trick"].drop_nulls()) == TRICKS
    assert set(told.filter(kind="token sale")["protocol"]) == {"offer", "signed in full"}
    assert set(told.filter(kind="channel close")["protocol"]) == {"cooperative", "unilateral"}
    assert set(hostile.truth.transactions["trick"].drop_nulls()) >= HOSTILE
    joint = set(told.filter("joint")["kind"])
    assert joint == {"coinjoin", "payjoin", "token sale", "crowdfunding", "channel open"}


def test_every_kind_of_lock_is_paid_and_spent(honest):
    spent = honest.truth.outputs.filter(pl.col("spent_by").is_not_null())
    assert set(spent["script_kind"]) == {
        "p2a", "p2pk", "p2pkh", "p2sh", "p2tr", "p2wpkh", "p2wsh"
    }  # fmt: skip


def test_some_old_wallets_show_long_keys(honest):
    told = honest.truth.inputs
    scripts = [honest.txs[txid].scripts[n] for txid, n in told.select("txid", "n").iter_rows()]
    assert any(len(one) in (138, 139) and one[-66:-64] == b"\x41\x04" for one in scripts)


def test_habits_differ_in_every_field(honest):
    ids = honest.truth.transactions.filter(kind="payment")["txid"].to_list()
    txs = [honest.txs[txid] for txid in ids]
    assert {tx.version for tx in txs} == {1, 2}
    assert {tx.inputs[0].sequence for tx in txs} == {0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF}
    behind = {tx.height - 1 - tx.locktime for tx in txs if tx.locktime}
    assert min(behind) == 0
    assert max(behind) > 5, "lock times are the tip, and now and then before it"
    assert any(tx.locktime == 0 for tx in txs)
    sizes = {len(w[0]) for tx in txs for w in tx.witnesses if len(w) == 2}
    assert sizes == {71, 72}, "some wallets look for short signatures, some do not"


def test_change_stands_in_every_place(honest):
    ids = honest.truth.transactions.filter(kind="payment").select("txid")
    pairs = honest.truth.outputs.join(ids, on="txid").group_by("txid").agg("n", "change")
    places = Counter(
        n for row in pairs.iter_rows(named=True)
        for n, is_change in zip(row["n"], row["change"], strict=True) if is_change
    )  # fmt: skip
    assert places[0] > 100
    assert places[1] > 100


def test_joinmarket(honest):
    for _, ins, outs in of(honest, protocol="joinmarket"):
        value, count = most_frequent(outs)
        assert count >= 4
        assert len(outs) - count <= count
        assert {kind for _, kind in ins + outs} == {"p2wpkh"}
        assert sum(held >= value for held, _ in ins) >= count


def test_wasabi_with_one_level(honest):
    for _, ins, outs in of(honest, protocol="wasabi1.0"):
        value, count = most_frequent(outs)
        assert count >= 10
        assert len(ins) >= count
        assert abs(value - 10_000_000) <= 500_000
        assert {kind for _, kind in ins + outs} == {"p2wpkh"}
        assert sum(n == 1 for n in Counter(v for v, _ in outs).values()) >= 2


def test_wasabi_with_several_levels(honest):
    seen = set()
    for _, _, outs in of(honest, protocol="wasabi1.1"):
        values = Counter(value for value, _ in outs)
        base = most_frequent(outs)[0]
        seen |= {level for level in range(5) if values[base << level] > 1}
    assert seen >= {0, 1, 2}


def test_wasabi_of_many_denominations(honest):
    for _, ins, outs in of(honest, protocol="wasabi2"):
        values = [value for value, _ in outs]
        assert len(ins) >= 50
        assert [held for held, _ in ins] == sorted((held for held, _ in ins), reverse=True)
        assert values == sorted(values, reverse=True)
        assert sum(value in DENOMINATIONS for value in values) > 0.8 * len(values)
        assert {kind for _, kind in ins + outs} <= {"p2wpkh", "p2tr"}
    assert DENOMINATIONS[-1] >= 5_000
    assert {5_000, 8_192, 6_561, 13_122, 20_000, 100_000_000} <= set(DENOMINATIONS)


def test_whirlpool(honest):
    mixes = set(honest.truth.transactions.filter(kind="coinjoin", protocol="whirlpool")["txid"])
    first = set()
    for tx, ins, outs in of(honest, kind="coinjoin", protocol="whirlpool"):
        pool = outs[0][0]
        assert len(ins) == len(outs) == 5
        assert pool in POOLS
        assert {value for value, _ in outs} == {pool}
        entering = [held for held, _ in ins if held > pool]
        assert len(entering) >= 1
        assert max(entering) <= pool + 110_000
        stays = sum(one.txid in mixes for one in tx.inputs)
        assert stays == 5 - len(entering)
        if not stays:
            assert pool not in first, "a pool has one first mix"
            first.add(pool)
    owners = honest.truth.inputs.filter(pl.col("txid").is_in(list(mixes)))
    assert owners.group_by("txid").agg(pl.col("owner").n_unique())["owner"].unique().to_list() == [
        5
    ]


def test_what_prepares_for_whirlpool_has_one_owner(honest):
    for tx, _, outs in of(honest, kind="tx0"):
        assert sum(kind == "null_data" for _, kind in outs) == 1
        value, count = most_frequent([out for out in outs if out[1] != "null_data"])
        pool = next(pool for pool in POOLS if 100 <= value - pool <= 110_000)
        assert 2 <= count <= 70
        others = [held for held, kind in outs if kind != "null_data" and held != value]
        assert POOLS[pool] in others
        assert len(others) <= 2
        assert len(set(owners_of(honest, tx.txid))) == 1


def owners_of(world, txid):
    return world.truth.inputs.filter(txid=txid)["owner"].to_list()


@pytest.mark.parametrize(("protocol", "count"), [("stonewall", 1), ("stonewall_x2", 2)])
def test_stonewall_looks_alike_with_one_owner_and_with_two(honest, protocol, count):
    for tx, ins, outs in of(honest, protocol=protocol):
        twice = [n for n in Counter(value for value, _ in outs).values() if n > 1]
        assert len(ins) == 2
        assert len(outs) == 4
        assert twice == [2]
        assert len(set(owners_of(honest, tx.txid))) == count


def test_payjoin_has_two_owners_and_nothing_equal(hostile):
    found = list(of(hostile, kind="payjoin"))
    assert len(found) > 100, "it is frequent among the hostile"
    for tx, ins, outs in found:
        assert len(ins) == len(outs) == 2
        assert len(set(owners_of(hostile, tx.txid))) == 2


def test_equal_batches_and_splits_have_one_owner(honest):
    for tx, ins, outs in of(honest, trick="equal_batch"):
        assert most_frequent(outs)[1] >= 3
        assert len(set(owners_of(honest, tx.txid))) == 1
        assert len(ins) > 1, "it pays from several addresses"


def test_dust_is_thrown_at_many(honest):
    for _, _, outs in of(honest, trick="dust"):
        assert len(outs) > 90
        assert len({value for value, _ in outs}) < 4
    bait = honest.truth.outputs.filter(purpose="bait")
    swallowed = bait.filter(pl.col("spent_by").is_not_null())
    assert swallowed.height > 20, "some of it is spent with other coins"


def test_channels(honest):
    for _, ins, _ in of(honest, kind="channel close"):
        assert [kind for _, kind in ins] == ["p2wsh"]
    for tx, _, _ in of(honest, protocol="unilateral"):
        assert tx.locktime >> 24 == 0x20
        assert tx.inputs[0].sequence >> 24 == 0x80
    closed = honest.truth.transactions.filter(kind="channel close").select("txid")
    paid = honest.truth.outputs.join(closed, on="txid").filter(pl.col("owner").is_not_null())
    both = paid.group_by("txid").agg(pl.col("owner").n_unique())
    assert (both["owner"] == 2).sum() > 0.7 * both.height
    assert not paid["change"].any(), "neither balance is change"


def test_anchors_are_spent_by_strangers(honest):
    claims = honest.truth.inputs.join(
        honest.truth.transactions.filter(kind="anchor claim").select("txid"), on="txid"
    )
    assert claims["owner"].null_count() >= 2
    assert claims.filter(pl.col("owner").is_null())["sighash"].is_null().all()


def test_keys_are_used_under_several_locks(honest):
    """The key that unlocks P2PKH or P2WPKH of one owner unlocks another of his addresses."""
    shown = {}
    for row in honest.truth.inputs.iter_rows(named=True):
        tx = honest.txs[row["txid"]]
        stack, script = tx.witnesses[row["n"]], tx.scripts[row["n"]]
        key = stack[1] if len(stack) == 2 else script[-33:]
        if len(key) == 33 and key[0] in (2, 3):
            shown.setdefault(key, set()).add((row["address"], row["owner"]))
    several = [held for held in shown.values() if len({address for address, _ in held}) > 1]
    assert several
    assert all(len({owner for _, owner in held}) == 1 for held in several)


def test_the_markets_key_stands_in_escrows_of_many(honest):
    escrows = honest.truth.addresses.filter(role="escrow")
    assert escrows["owner"].n_unique() > 5
    assert all(len(holders) == 3 for holders in escrows["holders"])
    spent = honest.truth.inputs.join(escrows.select("address"), on="address", how="semi")
    scripts = [honest.txs[txid].witnesses[n][-1] for txid, n in spent.select("txid", "n").rows()]
    last = {script[-35:-2] for script in scripts}
    assert len(scripts) > 3
    assert len(last) == 1
