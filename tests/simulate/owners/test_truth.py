"""The truth is whole, adds up, and is what other readers find in the blocks."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from chainwatch.addresses.scripts import classify
from chainwatch.ledger.checks.check import check


def rows(frame):
    return list(frame.iter_rows(named=True))


def held_at(world):
    spans = defaultdict(list)
    for row in rows(world.truth.addresses):
        spans[row["address"]].append(row)

    def owner(address, height):
        fit = [
            row
            for row in spans[address]
            if (row["from_height"] is None or row["from_height"] <= height)
            and (row["to_height"] is None or height <= row["to_height"])
        ]
        assert len(fit) == 1, "an address has one holder at each height"
        return fit[0]["owner"]

    return owner


def test_every_transaction_of_the_chain_is_told_in_its_order(world):
    assert world.truth.transactions["txid"].to_list() == world.order
    told = zip(world.order, world.truth.transactions["height"], strict=True)
    assert all(world.txs[txid].height == height for txid, height in told)


def test_every_output_is_told_as_it_stands_in_the_blocks(world):
    made = {(row["txid"], row["n"]): row for row in rows(world.truth.outputs)}
    count = 0
    for tx in world.txs.values():
        if tx.height == 0:
            continue
        for n, (value, script) in enumerate(tx.outputs):
            row, form = made[tx.txid, n], classify(script)
            assert (row["value"], row["address"], row["height"]) == (value, form.address, tx.height)
            assert row["script_kind"] == form.kind
            count += 1
    assert count == len(made)


def test_value_is_conserved_and_nothing_is_spent_twice(world):
    value = {
        (tx.txid, n): out for tx in world.txs.values() for n, (out, _) in enumerate(tx.outputs)
    }
    fees = defaultdict(int)
    for txid in world.order:
        tx = world.txs[txid]
        if tx.inputs[0].txid != bytes(32):
            held = sum(value.pop((spent.txid, spent.n)) for spent in tx.inputs)
            fee = held - sum(out for out, _ in tx.outputs)
            assert fee >= 0
            fees[tx.height] += fee
    for tx in world.txs.values():
        if tx.inputs[0].txid == bytes(32) and tx.height:
            minted = 50 * 10**8 >> (tx.height // 150)
            assert sum(out for out, _ in tx.outputs) == minted + fees[tx.height]


def test_every_input_is_told_with_who_held_it_then(world):
    owner = held_at(world)
    told = rows(world.truth.inputs)
    read = [
        (txid, n, spent.txid, spent.n)
        for txid in world.order
        for n, spent in enumerate(world.txs[txid].inputs)
        if spent.txid != bytes(32)
    ]
    assert [(row["txid"], row["n"], row["prev_txid"], row["prev_n"]) for row in told] == read
    held = [row for row in told if row["address"] is not None]
    assert all(row["owner"] == owner(row["address"], row["height"]) for row in held)


def test_every_address_has_an_owner_at_each_height_it_is_paid_at(world):
    owner = held_at(world)
    for row in rows(world.truth.outputs):
        if row["address"] is not None:
            assert row["owner"] == owner(row["address"], row["height"])
    nobody = world.truth.addresses.filter(pl.col("owner").is_null())
    assert nobody["role"].to_list() == ["anyone"], "the anchor alone is anybody's"


def test_keys_change_hands_and_only_they_have_two_rows(honest):
    twice = honest.truth.addresses.filter(pl.col("address").is_duplicated())
    assert twice.height >= 2
    for _, spans in twice.group_by("address", maintain_order=True):
        assert spans["owner"].n_unique() == spans.height
        before, after = spans.sort("from_height", nulls_last=False).rows(named=True)[:2]
        assert before["to_height"] + 1 == after["from_height"]
    bought = twice.filter(pl.col("from_height").is_not_null())
    spent = honest.truth.inputs.join(bought, on=["address", "owner"], how="semi")
    assert spent.height, "a bought key is used"


def test_channels_belong_to_two(honest):
    pairs = honest.truth.addresses.filter(role="channel")
    assert pairs.height
    for row in rows(pairs):
        assert len(row["holders"]) == 2
        assert row["owner"] == " & ".join(row["holders"])
    others = honest.truth.addresses.filter(~pl.col("role").is_in(["channel", "escrow"]))
    assert others["holders"].list.len().max() == 1


def test_spent_outputs_name_who_spends_them(world):
    spent = world.truth.inputs.select("prev_txid", "prev_n", by="txid")
    made = world.truth.outputs.join(
        spent, left_on=["txid", "n"], right_on=["prev_txid", "prev_n"], how="left"
    )
    assert made["spent_by"].equals(made["by"].alias("spent_by"), null_equal=True)
    assert made["spent_by"].drop_nulls().len() == world.truth.inputs.height


def test_change_is_the_spenders_own(world):
    payers = world.truth.inputs.group_by("txid").agg(pl.col("owner").unique().alias("payers"))
    change = world.truth.outputs.filter("change").join(payers, on="txid")
    assert change.height > 500
    assert change.select(pl.col("owner").is_in(pl.col("payers")).all()).item()


def test_joint_says_whether_several_owners_spend(world):
    owners = world.truth.inputs.group_by("txid").agg(pl.col("owner").drop_nulls().n_unique())
    told = world.truth.transactions.join(owners, on="txid")
    assert told["joint"].to_list() == (told["owner"] > 1).to_list()
    assert (told["payer"].is_null() == told["joint"]).all()


def test_a_ledger_reads_the_same_outputs_from_the_blocks(world):
    ids = world.ledger.transactions.select("tx", "txid")
    read = world.ledger.outputs.join(ids, on="tx").filter(pl.col("tx") >= 1 << 24)
    columns = ["txid", "n", "value", "address", "script_kind"]
    read = read.select(columns).sort("txid", "n").collect()
    assert read.equals(world.truth.outputs.select(columns).sort("txid", "n"))


def test_a_ledger_reads_the_same_inputs_from_the_blocks(world):
    ids = world.ledger.transactions.select("tx", "txid")
    columns = ["txid", "n", "prev_txid", "prev_n", "address"]
    read = world.ledger.inputs.join(ids, on="tx").select(columns).sort("txid", "n").collect()
    assert read.equals(world.truth.inputs.select(columns).sort("txid", "n"))


def test_a_ledger_of_it_passes_every_check(world):
    report = check(world.ledger)
    report.raise_for_failures()
    assert report.frame["checked"].sum() > 20_000
    # Outputs that imitate a victim's key are told as undecided: they cannot make a ledger fail.
    forged = world.ledger.inputs.filter(pl.col("address_basis") == "disputed").collect().height
    unlocked = report.frame.filter(pl.col("name") == "unlocked")
    assert unlocked["unread"].to_list() == [forged]
    assert (forged > 0) == world.truth.adversarial
