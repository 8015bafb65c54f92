"""``chainwatch trace-across``: legs, ends and crossings as the library tells them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

Run = Callable[..., tuple[int, str, str]]
SEA: Any = module_of("tracing/crossings/conftest")
POOL, THIEF, MULE = (text(SEA.account(name), "eth") for name in ("pool", "thief", "mule"))
HERE, THERE = (
    f"{chain}:{text(one.contract, chain)},USD,6"
    for chain, one in (("eth", SEA.HERE), ("base", SEA.THERE))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sea") / "ledger"
    made = SEA.ledger_of([
        SEA.paid(SEA.HERE, "victim", "thief", 1_000_000, 0, "theft"),
        SEA.paid(SEA.HERE, "thief", "pool", 1_000_000, 5, "in"),
        SEA.paid(SEA.THERE, "pool", "mule", 995_000, 15, "out"),
    ], read=[("pool", ""), ("thief", ""), ("mule", "")])  # fmt: skip
    with open_writer(Store.create(place)) as writer:
        tables = {name: made.table(name).collect() for name in ("transfers", "coverage")}
        writer.commit(tables, source="test", chain=SEA.ETH, what="a theft")
    return place


def asked(folder: Path, *more: object) -> list[object]:
    bridges = [word for chain in ("eth", "base") for word in ("--bridge", f"hop={chain}:{POOL}")]
    return ["trace-across", THIEF, "--ledger", folder, *bridges, "--asset", f"{HERE}={THERE}",
            "--of", HERE, "--policy", "fifo", *more]  # fmt: skip


def test_it_prints_what_the_library_follows(
    run: Run, folder: Path, tmp_path: Path, working: None
) -> None:
    status, out, err = run(*asked(folder, "--leads", "--out", tmp_path / "ferry"))
    assert (status, err) == (0, "")
    ledger = cw.open_ledger(folder)
    known = cw.crossings(ledger, bridges=SEA.BRIDGE, assets=[(SEA.HERE, SEA.THERE)])
    found = cw.trace_across(
        ledger, [SEA.account("thief")], known, policy="fifo", leads=True, asset=SEA.HERE
    )
    assert repr(found) in out
    assert "crossing 1 by hop: 1 USD on eth, of which 1 traced, in 0x" in out
    assert f"0.995 USD to {MULE} on base in 0x" in out
    assert "(amount and time; followed)" in out
    assert (tmp_path / "ferry" / "report.html").is_file()
    page = (tmp_path / "ferry" / "report.html").read_text("utf-8")
    assert "Before any crossing: USD on eth" in page
    assert "Where leg 1 ends: USD on base (lead)" in page
    assert MULE not in page
    assert run(*asked(folder, "--out", tmp_path / "ferry"))[0] == 1


def test_who_is_paid_behind_a_bridge_is_masked_on_the_screen(run: Run, folder: Path) -> None:
    status, out, _ = run(*asked(folder, "--leads"))
    assert status == 0
    assert "crossing 1 by hop: paid in on eth" in out
    assert "    paid out on base (amount and time; followed)" in out
    assert "leg 0 on eth: 1 USD from 1 subject" in out
    assert "leg 1 on base: USD of an amount that this edition withholds from 1 payout" in out
    for secret in (MULE, "0.995", "0x"):
        assert secret not in out


def test_without_leads_it_ends_at_the_bridge(run: Run, folder: Path) -> None:
    status, out, _ = run(*asked(folder))
    assert status == 0
    assert "1 USD  bridge at hop (a lead that was not asked for)" in out
    assert "leg 1" not in out


def test_without_a_policy_it_says_which_there_are(run: Run, folder: Path) -> None:
    words = [word for word in asked(folder) if word not in ("--policy", "fifo")]
    status, _, err = run(*words)
    assert status == 1
    assert "no policy was chosen" in err


def test_backward(run: Run, folder: Path, working: None) -> None:
    words = [MULE if word == THIEF else word for word in asked(folder, "--leads")]
    words[words.index("--of") + 1] = THERE
    status, out, err = run(*words, "--direction", "backward")
    assert (status, err) == (0, "")
    assert "0.995 USD to" in out
    assert ", of which 0.995 traced, in 0x" in out
    assert "leg 1 on eth: 1 USD from 1 deposit, over 1 crossing (lead)" in out


def test_value_ends_at_the_services_of_the_tags_that_name_the_bridge(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    """Those of --stop go before; bridges named by --bridge alone name no service."""
    tags, other = tmp_path / "tags.csv", tmp_path / "other.csv"
    head = "chain,address,label,actor,concept,source\n"
    bridges = "".join(f"{chain},{POOL},hop,hop,defi_bridge,list\n" for chain in ("eth", "base"))
    cex = f"base,{MULE},cex,cex,exchange,list\n"
    tags.write_text(head + bridges + cex, "utf-8")
    other.write_text(head + f"base,{POOL},hop,hop,defi_bridge,list\n", "utf-8")
    words = [word for word in asked(folder, "--leads") if word != "--bridge"]
    words = [word for word in words if not str(word).startswith("hop=")] + ["--tags", tags]
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "0.995 USD  hosted service at cex" in out
    assert "at cex" not in run(*words, "--stop", other)[1]
    assert "at cex" in run(*asked(folder, "--leads", "--stop", tags))[1]
