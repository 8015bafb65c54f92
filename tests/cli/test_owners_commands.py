"""``chainwatch clusters`` and ``why``: owners, the evidence, and what is left without it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import many_chains as world
import pytest
import regtest_chain as maker

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind, text
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.clusters.cluster import cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.simulate.signers.simulation import simulate_signers
from chainwatch.sources.block_files import BlockFiles

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def otter(otter_case: Any, tmp_path: Path) -> Path:
    """Return a copy of the ledger of the simulated case."""
    shutil.copytree(otter_case.ledger.store.path, tmp_path / "l")
    return tmp_path / "l"


@pytest.fixture(scope="module")
def largest(otter_case: Any) -> list[str]:
    """Return the members of the largest cluster, as texts."""
    found = cluster(co_spends(otter_case.ledger))
    chain, first, _ = found.sizes().row(0)
    return [text(one, chain) for one in found.members(first)]


def test_the_largest_clusters_stand_first(run: Run, otter: Path, largest: list[str]) -> None:
    status, out, err = run("clusters", "--ledger", otter)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"btc-regtest  {largest[0]}  {len(largest)} addresses"
    sizes = [
        int(found[1]) for found in map(re.compile(r"  (\d+) addresses$").search, lines) if found
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 20
    assert re.fullmatch(r"  and \d+ more clusters", lines[20])
    assert lines[-1].startswith("Clusters(")


def test_a_cluster_is_listed_with_the_evidence_it_rests_on(
    run: Run, otter: Path, largest: list[str], tmp_path: Path
) -> None:
    status, out, _ = run("clusters", largest[-1], "--ledger", otter, "--csv", tmp_path / "c.csv")
    assert status == 0
    assert out.startswith(f"consistent with one owner: {len(largest)} addresses\n")
    assert "Fragility(" in out
    written = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()
    assert len(written) == 1 + len(largest)


def test_rejected_evidence_joins_nobody(run: Run, otter: Path, largest: list[str]) -> None:
    a, b = largest[0], largest[-1]
    status, joined, _ = run("why", a, b, "--ledger", otter, "--picture", "why.svg")
    assert status == 0
    assert joined.startswith(f"{a} and {b} are consistent with one owner")
    assert Path("why.svg").read_text(encoding="utf-8").startswith("<?xml")
    found = re.findall(r"[0-9a-f]{64}", joined)
    without = [word for txid in found for word in ("--without-tx", txid)]
    apart = run("why", a, b, "--ledger", otter, *without)[1]
    assert not set(found) & set(re.findall(r"[0-9a-f]{64}", apart))
    nothing = run("why", a, b, "--ledger", otter, "--without-rule", "co_spend")[1]
    assert nothing.startswith(f"Nothing joins {a} and {b}.")


def test_an_address_that_nothing_joins(run: Run, otter: Path) -> None:
    alone = "bcrt1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnard0ew"
    status, out, err = run("clusters", alone, "--ledger", otter)
    assert (status, err) == (0, "")
    assert out.startswith(f"nothing joins {alone} to any other address")


def test_what_is_no_evidence_is_refused(run: Run, otter: Path) -> None:
    status, _, err = run("clusters", "--ledger", otter, "--without-rule", "nonsense")
    assert status == 1
    assert "no link has such a rule" in err
    status, _, err = run("why", "nonsense", "nonsense", "--ledger", otter)
    assert status == 1
    assert "nonsense" in err


@pytest.fixture
def contradicted(largest: list[str], tmp_path: Path) -> Path:
    """Return tags that give two members of the largest cluster to two actors."""
    rows = [
        f"btc-regtest,{one},x,{who},s" for one, who in zip(largest, ("ann", "bob"), strict=False)
    ]
    file = tmp_path / "said.csv"
    file.write_text("chain,address,label,actor,source\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_a_contradiction_is_said_wherever_its_cluster_is(
    run: Run, otter: Path, largest: list[str], contradicted: Path
) -> None:
    said = f"tags contradict: {largest[0]} is said to be ann; bob"
    for command in (["clusters"], ["clusters", largest[-1]], ["why", largest[0], largest[1]]):
        status, out, _ = run(*command, "--ledger", otter, "--tags", contradicted)
        assert status == 0
        assert said in out.splitlines()
        assert said not in run(*command, "--ledger", otter)[1]


def test_what_is_named_apart_is_not_joined(run: Run, otter: Path, largest: list[str]) -> None:
    a, b = largest[:2]
    asked = ("why", a, b, "--ledger", otter)
    assert "consistent with one owner" in run(*asked)[1]
    status, out, _ = run(*asked, "--apart", f"{a},{b}")
    assert status == 0
    assert "must stay apart" in out
    status, _, err = run(*asked, "--apart", a)
    assert status != 0
    assert "names one address" in err


def test_a_word_for_unread_flags_without_meaning_is_refused(run: Run, otter: Path) -> None:
    status, _, err = run("clusters", "--ledger", otter, "--unread-flags", "never")
    assert status != 0
    assert "unread_flags cannot be 'never'" in err
    assert run("clusters", "--ledger", otter, "--unread-flags", "join")[0] == 0
    assert run("clusters", "--ledger", otter, "--without-revealed")[0] == 0


KEYS = [b"\2" + bytes([one]) * 32 for one in range(1, 5)]
SIGNATURE = b"\x30\x44" + 2 * (b"\2\x20" + b"\x11" * 32)


def names(alias: str) -> list[str]:
    return [text(bytes((Kind.P2PKH,)) + hash160(key), alias) for key in KEYS]


def spent_together(folder: Path, alias: str, groups: list[list[int]], flag: int) -> None:
    """Write and read a chain on which the keys of each group are spent together."""
    built = maker.Chain()
    for _ in range(3):
        built.add()
    txid, place, value = built.coins[0]
    order = [key for group in groups for key in group]
    each = value // len(order) - 1000
    locks = [script_of(bytes((Kind.P2PKH,)) + hash160(KEYS[key])) for key in order]
    pay = maker.spend([(txid, place)], [(each, lock) for lock in locks])
    built.add([pay])
    made, at = [], 0
    for group in groups:
        inputs = b""
        for key in group:
            unlock = maker.sized(SIGNATURE + bytes([flag])) + maker.sized(KEYS[key])
            inputs += pay.txid + at.to_bytes(4, "little") + maker.sized(unlock) + b"\xff" * 4
            at += 1
        left = (len(group) * each - 5000).to_bytes(8, "little") + maker.sized(maker.p2pkh(99))
        raw = b"\1\0\0\0" + bytes([len(group)]) + inputs + b"\1" + left + bytes(4)
        made.append(maker.Made(raw, raw))
    built.add(made)
    file = folder / f"{alias}.dat"
    file.write_bytes(maker.framed(*built.blocks, magic=chain_of(alias).magic))
    cw.pull(folder / "two", cw.BlockFiles(file, chain=alias))


@pytest.fixture
def two_chains(tmp_path: Path) -> Path:
    """Return a ledger of two chains on which the first two keys are spent together."""
    spent_together(tmp_path, "btc-regtest", [[0, 1]], 1)
    spent_together(tmp_path, "bch-regtest", [[0, 1], [2, 3]], 0x41)
    return tmp_path / "two"


def said_of(folder: Path, alias: str, *said: tuple[str, str]) -> Path:
    file = folder / "of_two.csv"
    rows = [f"{alias},{address},{who},{who},s\n" for address, who in said]
    file.write_text("chain,address,label,actor,source\n" + "".join(rows), encoding="utf-8")
    return file


def test_an_owner_of_two_chains_is_told_whole(run: Run, two_chains: Path) -> None:
    coin, cash = names("btc-regtest"), names("bch-regtest")
    status, out, _ = run("clusters", coin[0], "--ledger", two_chains, "--chain", "btc-regtest")
    assert status == 0
    assert "and, by links between chains, 2 addresses on bch-regtest" in out.splitlines()
    assert all(f"  {one}" in out.splitlines() for one in (*coin[:2], *cash[:2]))
    told = ("why", coin[0], cash[1], "--ledger", two_chains)
    status, out, _ = run(*told, "--chain", "btc-regtest")  # only one of the chains writes B so
    assert status == 0
    assert out.startswith(f"{coin[0]} and {cash[1]} are consistent with one owner")
    named = run("why", coin[0], coin[1], "--ledger", two_chains, "--chain", "btc-regtest",
                "--chain-b", "bch-regtest")  # fmt: skip
    assert named[0] == 0
    assert "consistent with one owner" in named[1]
    status, _, err = run(*told)
    assert status == 1
    assert "is not clear: btc-regtest, bch-regtest; add --chain" in err


def test_what_contradicts_on_one_chain_is_not_said_of_another(
    run: Run, two_chains: Path, tmp_path: Path
) -> None:
    coin, cash = names("btc-regtest"), names("bch-regtest")
    tags = said_of(tmp_path, "bch-regtest", (cash[0], "alice"), (cash[1], "bob"))
    asked = ("--ledger", two_chains, "--tags", tags, "--without-rule", "same_key")
    for command in (["clusters", coin[0]], ["why", *coin[:2]]):
        assert "tags contradict" not in run(*command, *asked, "--chain", "btc-regtest")[1]
    assert "tags contradict" in run("clusters", cash[0], *asked)[1]


def test_tags_that_contradict_an_address_alone_are_said(
    run: Run, otter: Path, tmp_path: Path
) -> None:
    alone = "bcrt1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnard0ew"
    tags = said_of(tmp_path, "btc-regtest", (alone, "alice"), (alone, "bob"))
    out = run("clusters", alone, "--ledger", otter, "--tags", tags)[1]
    assert f"tags contradict: {alone} is said to be alice; bob" in out.splitlines()


def test_on_account_chains_a_deposit_address_joins_who_pays_it(run: Run, tmp_path: Path) -> None:
    ann, bob, dep, hot = (f"0x{letter * 40}" for letter in "abdc")
    rows = [
        f"{'0x' + 'ee' * 20},{sender},{receiver},5,0x{place:064x},0,{1_000 * day + place},"
        f"2023-06-{day + 1:02}T00:{place:02}:00Z"
        for day in range(4)
        for place, (sender, receiver) in enumerate([(ann if day % 2 else bob, dep), (dep, hot)],
                                                   2 * day)
    ]  # fmt: skip
    table = tmp_path / "token_transfers.csv"
    head = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number"
    table.write_text("\n".join([f"{head},block_timestamp", *rows, ""]), encoding="utf-8")
    tags = tmp_path / "tags.csv"
    tags.write_text(f"address,label,actor,concept\n{hot},hot,shop,hot_wallet\n", encoding="utf-8")
    ledger = ("--ledger", tmp_path / "accounts")
    assert run("pull", "table", table, "--chain", "eth", *ledger)[0] == 0
    status, out, err = run("clusters", *ledger)
    assert status == 0, err
    assert "links rest on habits" in out
    assert "without --tags no wallet of a service is known" in out
    status, out, err = run("why", ann, bob, *ledger, "--tags", tags)
    assert status == 0, err
    assert "Nothing joins" in out  # a table claims no whole history of anybody
    assert "deposit_reuse: 0 join, 0 refused, 2 undecided; " in out
    assert run("why", ann, bob, *ledger, "--tags", tags, "--leads")[0] == 0


def test_custody_that_is_judged_shows_who_pays_a_deposit_address(run: Run, tmp_path: Path) -> None:
    world.write_accounts(tmp_path)
    asked = ("--ledger", tmp_path / "ledger", "--tags", tmp_path / "tags.csv", "--chain", "eth")
    ann, two = world.account("ann"), world.account("ann2")
    usd = f"{world.account('token')},USD,6"
    status, out, err = run("why", ann, two, *asked)
    assert (status, err) == (0, "")
    assert "deposit_reuse_known" not in out
    status, out, err = run("why", ann, two, *asked, "--hosted", usd)
    assert (status, err) == (0, "")
    assert "  deposit_reuse_known: 0 join, 0 refused, " in out, "a lead, unless it is asked for"
    out = run("why", ann, two, *asked, "--hosted", usd, "--leads", "--without-rule",
              "deposit_reuse", "--without-rule", "deposit_reuse_production")[1]  # fmt: skip
    assert "consistent with one owner" in out
    for chain, asset, said in (
        ("eth", "USD", "write --asset native, or --asset CONTRACT,SYMBOL,DECIMALS"),
        ("btc", usd, "no chain of accounts that it is on"),
    ):
        status, _, err = run("clusters", *asked[:4], "--chain", chain, "--hosted", asset)
        assert (status, said in err) == (1, True), err
    status, _, err = run("clusters", *asked[:2], "--chain", "eth", "--hosted", usd)
    assert (status, "--hosted without tags" in err) == (1, True)


def test_keys_that_change_join_where_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    place = simulate_signers(3, part="fit", blocks=20).write(tmp_path / "chain")
    cw.pull(place / "ledger", BlockFiles(place / "blocks.dat", "btc-regtest"))
    found = cw.key_set_changes(cw.open_ledger(place / "ledger")).joining.row(0, named=True)
    a, b = (text(found[side], found["chain"]) for side in "ab")
    asked = ("why", a, b, "--ledger", place / "ledger")
    assert run(*asked)[1].startswith(f"Nothing joins {a} and {b}.")
    status, out, err = run(*asked, "--key-sets")
    assert status == 0, err
    assert out.startswith(f"{a} and {b} are consistent with one owner")
    assert "key_set_change" in out
    kept = run(*asked, "--key-sets", "--without-rule", "key_set_change")[1]
    assert kept.startswith("Nothing joins")
    status, out, err = run("clusters", "--ledger", place / "ledger", "--key-sets")
    assert status == 0, err
    assert "Clusters(" in out
