"""``chainwatch trace`` and ``exposure``: what the library says, and a folder that masks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import explorer_site
import polars as pl
import pytest
from tron_grid import TronGridServer, served
from tron_world import World, account, base58

import chainwatch as cw
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.cli.trace import FOLLOWING, asset_named
from chainwatch.errors import InputError
from chainwatch.heuristics import coinjoin

Run = Callable[..., tuple[int, str, str]]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


class Otter(NamedTuple):
    """A copy of the simulated case: its ledger, the file of its tags, and both as the library's."""

    folder: Path
    tag_files: Path
    ledger: cw.Ledger
    tags: cw.Tags


@pytest.fixture
def otter(otter_case: Any, tmp_path: Path) -> Otter:
    kept = otter_case.ledger.store.path
    shutil.copytree(kept, tmp_path / "l")
    shutil.copytree(kept.parent / "case" / "tags", tmp_path / "t")
    return Otter(tmp_path / "l", tmp_path / "t", otter_case.ledger, otter_case.tags)


def test_without_a_policy_it_says_which_there_are_and_why(run: Run, otter: Otter) -> None:
    for command, more in (("trace", ()), ("exposure", ("--tags", otter.tag_files))):
        status, out, err = run(command, KELP, "--ledger", otter.folder, *more)
        assert (status, out) == (1, "")
        assert "which part of a mixed balance a payment is made of is not on the chain" in err
        assert "fifo, lifo, haircut, poison, seniority, clean_first, taint_in_highest_out" in err
        assert "lowest_balance" not in err
    status, _, err = run("trace", KELP, "--ledger", otter.folder, "--direction", "backward")
    assert "with one of fifo, lifo, haircut, poison, or --all-policies" in err


def test_it_prints_what_the_library_says(run: Run, otter: Otter) -> None:
    status, out, err = run(
        "trace", KELP, "--ledger", otter.folder, "--policy", "fifo", "--stop", otter.tag_files
    )
    assert (status, err) == (0, "")
    found = cw.trace(otter.ledger, KELP, policy="fifo", stop=otter.tags.services())
    assert out.splitlines() == [*repr(found).splitlines(), *found.asked.said()]


def test_all_policies_are_a_range_and_no_interval(run: Run, otter: Otter) -> None:
    asked = ("trace", KELP, "--ledger", otter.folder, "--all-policies")
    status, out, _ = run(*asked, "--max-hops", 2, "--min-amount", 1000)
    assert status == 0
    found = cw.trace_all(otter.ledger, KELP, max_hops=2, min_amount=1000)
    assert out.startswith(repr(found))
    assert "no confidence interval" in out
    status, _, err = run(*asked, "--policy", "fifo")
    assert (status, "give one of them" in err) == (1, True)


def test_backward_from_an_output(run: Run, otter: Otter) -> None:
    row = cw.trace(otter.ledger, KELP, policy="lifo").steps.row(0, named=True)
    place = f"{txid_text(row['txid'], 'btc-regtest')}:{row['n']}"
    status, out, err = run(
        "trace", place, "--ledger", otter.folder, "--policy", "lifo", "--direction", "backward"
    )
    assert (status, err) == (0, "")
    found = cw.trace(otter.ledger, place, policy="lifo", direction="backward")
    assert out.startswith(repr(found))


def test_a_folder_masks_bystanders_unless_a_reason_is_given(
    run: Run, otter: Otter, tmp_path: Path
) -> None:
    asked = ("trace", KELP, "--ledger", otter.folder, "--policy", "fifo", "--stop", otter.tag_files)
    assert run(*asked, "--out", tmp_path / "out")[0] == 0
    cw.verify(tmp_path / "out")
    for name in ("tables/steps.csv", "tables/ends.csv", "figures/flow.svg", "report.html"):
        assert (tmp_path / "out" / name).is_file(), name
    followed = cw.trace(otter.ledger, KELP, policy="fifo", stop=otter.tags.services())
    strangers = {
        text(one, "btc-regtest")
        for one in set(followed.steps["target"].drop_nulls())
        - set(followed.ends.drop_nulls("service")["address"])
        - set(followed.subjects["address"])
    }
    assert len(strangers) > 5
    told = "".join(one.read_text("utf-8") for one in (tmp_path / "out").rglob("*.csv"))
    assert not [one for one in strangers if one in told]
    status, _, err = run(*asked, "--out", tmp_path / "open", "--edition", "working")
    assert (status, "say it with --reason" in err) == (1, True)
    assert not (tmp_path / "open").exists()
    more = ("--edition", "working", "--reason", "a test", "--authority", "a court")
    assert run(*asked, "--out", tmp_path / "open", *more)[0] == 0
    steps = pl.read_csv(tmp_path / "open" / "tables" / "steps.csv", infer_schema=False)
    assert strangers & set(steps["target"])


def test_the_screen_is_of_the_edition_that_is_asked_for(
    run: Run, otter: Otter, working: None
) -> None:
    """What few masked parties hold is rounded; what a named service got is exact in both."""
    followed = cw.trace(otter.ledger, KELP, policy="fifo", stop=otter.tags.services())
    clear = repr(followed)
    cw.set_edition("disclosure")
    masked = repr(followed)
    assert "≈" in masked
    assert "≈" not in clear
    services = [line for line in clear.splitlines() if "hosted service" in line]
    assert services
    assert set(services) <= set(masked.splitlines())
    asked = ("trace", KELP, "--policy", "fifo", "--ledger", otter.folder, "--stop",
             otter.tag_files)  # fmt: skip
    assert run(*asked)[1].startswith(masked)
    more = ("--edition", "working", "--reason", "a test", "--authority", "a court")
    assert run(*asked, *more)[1].startswith(clear)
    assert run(*asked)[1].startswith(masked), "the next command asks anew"
    assert "say it with --reason" in run(*asked, "--edition", "working")[2]
    assert "say it with --authority" in run(*asked, *more[:-2])[2]


def test_a_folder_of_all_policies_has_a_picture_of_each_that_conserves(
    run: Run, otter: Otter, tmp_path: Path
) -> None:
    status, _, err = run(
        "trace", KELP, "--ledger", otter.folder, "--all-policies", "--stop", otter.tag_files,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert (status, err) == (0, "")
    found = cw.trace_all(otter.ledger, KELP, stop=otter.tags.services())
    assert len(list((tmp_path / "out" / "figures").glob("*.svg"))) == len(found.compared)
    assert (tmp_path / "out" / "tables" / "policies_by_kind.csv").is_file()
    assert "no confidence interval" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_what_cannot_be_written_is_refused_before_anything_is_followed(
    run: Run, otter: Otter, tmp_path: Path
) -> None:
    asked = ("trace", KELP, "--ledger", otter.folder, "--policy", "fifo", "--out")
    status, out, err = run(*asked, otter.folder)
    assert (status, out) == (1, "")
    assert "exists" in err
    status, out, err = run(*asked, tmp_path / "new", "--edition", "secret")
    assert (status, out) == (1, "")
    assert "write --edition disclosure or working" in err


def test_exposure_names_whom_value_reached(run: Run, otter: Otter, tmp_path: Path) -> None:
    status, out, err = run(
        "exposure", KELP, "--ledger", otter.folder, "--tags", otter.tag_files, "--policy",
        "haircut", "--out", tmp_path / "out",
    )  # fmt: skip
    assert (status, err) == (0, "")
    services = otter.tags.services()
    found = cw.exposure(cw.trace(otter.ledger, KELP, policy="haircut", stop=services), otter.tags)
    rows = found.plain()
    assert rows.height > 1
    for row, line in zip(rows.iter_rows(named=True), out.splitlines(), strict=False):
        assert line.startswith(f"{row['actor']} ({row['concept']}): {row['arrived_coins']} arrived")
    assert (tmp_path / "out" / "tables" / "exposure.csv").is_file()
    status, _, err = run("exposure", KELP, "--ledger", otter.folder, "--policy", "fifo")
    assert (status, "pass --tags" in err) == (1, True)


MAPPING = """
chain = "tron"
kind = "trc20"
source = "an explorer"
txid = "id"
time = "time"
time_unit = "s"
sender = "from"
receiver = "to"
amount = "amount"
contract = "token"
"""


def test_a_token_on_balances(run: Run, tmp_path: Path) -> None:
    """30 come in and 20 are paid: of one token, in a ledger of one chain."""
    payer, subject, shop, token = (text(b"\x11" + bytes([k]) * 20, "tron") for k in range(4))
    rows = [(payer, subject, 30), (subject, shop, 20)]
    lines = [
        f"{n:064x},{1_700_000_000 + n},{a},{b},{amount},{token}"
        for n, (a, b, amount) in enumerate(rows, 1)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["id,time,from,to,amount,token", *lines, ""]))
    (tmp_path / "m.toml").write_text(MAPPING)
    assert run("pull", "transfers", "t.csv", "--mapping", "m.toml", "--ledger", "l")[0] == 0
    status, _, err = run("trace", subject, "--ledger", "l")
    assert (status, "clean_first, lowest_balance, or --all-policies" in err) == (1, True)
    asked = ("trace", subject, "--ledger", "l", "--asset", f"{token},USDT,1")
    status, out, err = run(*asked, "--policy", "fifo")
    assert (status, err) == (0, "")
    assert out.startswith("Trace(fifo, 3 USDT from 1 subject, ")
    status, _, err = run(*asked, "--policy", "fifo", "--clusters")
    assert (status, "--clusters on a ledger without coins" in err) == (1, True)
    status, out, err = run(*asked, "--all-policies", "--out", "out")
    assert (status, err) == (0, "")
    assert "lowest_balance stands apart" in out
    kinds = pl.read_csv(tmp_path / "out" / "tables" / "policies_by_kind.csv", infer_schema=False)
    assert "lowest_balance" in kinds["policy"].to_list()


def test_an_asset_is_a_coin_or_a_token() -> None:
    usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    assert asset_named(None, None) is None
    assert asset_named("native", "eth") == cw.native("eth")
    assert asset_named(f"{usdt},USDT,6", "tron") == cw.token("tron", usdt, "USDT", 6)
    for wrong in ("USDT", f"{usdt},USDT", f"{usdt},USDT,six", f"{usdt},,6", f"{usdt},U,6,7", ""):
        with pytest.raises(InputError, match="write --asset native, or"):
            asset_named(wrong, "tron")
    with pytest.raises(InputError, match="name it with --chain"):
        asset_named("native", None)


def test_a_ledger_of_tron_grows_from_one_address(run: Run, tmp_path: Path) -> None:
    """TronGrid is asked as the trace goes; every question stands in the log beside the ledger."""
    world = World()
    for sender, receiver, amount in (("m", "a", 9), ("a", "b", 6), ("b", "c", 5), ("x", "y", 4)):
        world.token("payer", "coin", (sender, receiver, amount))
    token = f"{base58(account('coin'))},TOK,6"
    with served(TronGridServer(world)) as url:
        status, out, err = run(
            "trace", base58(account("a")), "--chain", "tron", "--asset", token, "--policy", "fifo",
            "--fetch", url, "--ledger", tmp_path / "l", "--budget", "60",
        )  # fmt: skip
        assert (status, err) == (0, "")
        assert "0.000009 TOK from 1 subject" in out
        status, _, err = run(
            "trace", base58(account("a")), "--chain", "btc", "--policy", "fifo", "--fetch", url,
            "--ledger", tmp_path / "l", "--key", "env:NOT_THERE",
        )  # fmt: skip
        assert status == 1
        assert "NOT_THERE" in err
    found = cw.trace(cw.open_ledger(tmp_path / "l"), base58(account("a")), policy="fifo",
                     asset=cw.token("tron", base58(account("coin")), "TOK", 6))  # fmt: skip
    assert found.ends.select("reason", "amount").sort("amount").rows() == [
        ("unspent", 1), ("unspent", 3), ("unspent", 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("api", "path"),
    [(None, "/v2/api"), ("etherscan", "/v2/api"), ("blockscout", "/api"), ("compatible", "/api")],
)
def test_whose_interface_an_explorer_has(
    run: Run, tmp_path: Path, api: str | None, path: str
) -> None:
    world = explorer_site.EvmWorld()
    a = explorer_site.account("a")
    world.do("c", "a", 9 * 10**18)
    world.do("a", "b", 6 * 10**18)
    more = ("--api", api) if api else ()
    site = explorer_site.ExplorerSite(world)
    with explorer_site.served(site) as url:
        status, out, err = run(
            "trace", a, "--chain", "eth", "--policy", "fifo", "--fetch", f"{url}{path}",
            "--asset", "native", "--ledger", tmp_path / "l", "--budget", "60", *more,
        )  # fmt: skip
    assert (status, err) == (0, "")
    assert "9 ETH from 1 subject" in out
    assert any("/addresses/" in one for one in site.asked) == (api == "blockscout")


@pytest.mark.parametrize(
    ("chain", "api", "told"),
    [("eth", "trongrid", "write etherscan or blockscout or compatible"),
     ("tron", "blockscout", "write trongrid"), ("btc", "etherscan", "write esplora")],
)  # fmt: skip
def test_an_interface_of_another_chain(
    run: Run, tmp_path: Path, chain: str, api: str, told: str
) -> None:
    status, _, err = run(
        "trace", "x", "--chain", chain, "--policy", "fifo", "--fetch", "https://a.example",
        "--ledger", tmp_path / "l", "--api", api,
    )  # fmt: skip
    assert status == 1
    assert told in err


def test_clusters_mixes_and_age_are_those_of_the_library(run: Run, otter: Otter) -> None:
    asked = ("--ledger", otter.folder, "--policy", "haircut", "--clusters", "--mixes")
    status, out, err = run("trace", KELP, *asked, "--max-age", 30, "--stop", otter.tag_files)
    assert (status, err) == (0, "")
    owners = cw.owners(otter.ledger)
    found = cw.trace(
        otter.ledger, KELP, policy="haircut", stop=[otter.tags.services(), coinjoin.JOINT],
        clusters=owners, max_age=timedelta(days=30),
    )  # fmt: skip
    assert out.splitlines() == [*repr(found).splitlines(), *found.asked.said()]
    assert "age limit" in out
    status, out, err = run("exposure", KELP, *asked, "--tags", otter.tag_files)
    assert (status, err) == (0, "")
    followed = cw.trace(
        otter.ledger, KELP, policy="haircut", stop=[otter.tags.services(), coinjoin.JOINT],
        clusters=owners,
    )  # fmt: skip
    assert repr(cw.exposure(followed, otter.tags, clusters=owners)) in out
    status, out, err = run("action-sheet", KELP, *asked, "--tags", otter.tag_files)
    assert (status, err) == (0, "")
    assert out.startswith(repr(cw.action_sheet(followed, tags=otter.tags, ledger=otter.ledger)))


@pytest.mark.parametrize(
    ("kind", "verb", "name"),
    [("deposits", cw.hosted, "hosted"), ("roles", cw.service_roles, "roles")],
)
def test_custody_by_behaviour_is_that_of_the_library(
    run: Run, otter: Otter, tmp_path: Path, kind: str, verb: Any, name: str
) -> None:
    asked = ("--ledger", otter.folder, "--policy", "fifo", "--custody", kind)
    services = otter.tags.services()
    at = verb(otter.ledger, services, asset=cw.native("btc-regtest"))
    found = cw.trace(otter.ledger, KELP, policy="fifo", stop=[services, at])
    status, out, err = run(
        "trace", KELP, *asked, "--stop", otter.tag_files, "--out", tmp_path / "out"
    )
    assert (status, err) == (0, "")
    told = [*repr(found).splitlines(), *found.asked.said()]
    assert out.splitlines()[:-1] == told
    assert "(probable, deposit address)" in out
    assert (tmp_path / "out" / "tables" / f"{name}.csv").is_file()
    status, out, err = run("exposure", KELP, *asked, "--tags", otter.tag_files)
    assert (status, err) == (0, "")
    assert repr(cw.exposure(found, otter.tags)) in out
    status, out, err = run("action-sheet", KELP, *asked, "--tags", otter.tag_files)
    assert (status, err) == (0, "")
    assert out.startswith(repr(cw.action_sheet(found, tags=otter.tags, ledger=otter.ledger)))


def test_an_end_by_custody_is_opened(run: Run, otter: Otter, tmp_path: Path) -> None:
    services = otter.tags.services()
    at = cw.hosted(otter.ledger, services, asset=cw.native("btc-regtest"))
    ends = cw.trace(otter.ledger, KELP, policy="fifo", stop=[services, at]).ends
    place = text(ends.filter(basis="deposit address")["address"][0], "btc-regtest")
    why = "its holder told where he cashes out = here"
    asked = ("trace", KELP, "--ledger", otter.folder, "--policy", "fifo", "--stop", otter.tag_files)
    more = ("--custody", "deposits", "--open", f"{place}={why}")
    status, out, err = run(*asked, *more, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    opened = at.open(place, why=why)
    found = cw.trace(otter.ledger, KELP, policy="fifo", stop=[services, opened])
    assert out.startswith(repr(found))
    assert "1 such end was opened by a person: following goes on behind." in out
    assert why in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--custody", "deposits"), "--custody without tags"),
        (("--custody", "keys", "--stop", "t"), "write --custody deposits or roles"),
        (("--open", f"{KELP}=because", "--stop", "t"), "--open without --custody"),
        (("--custody", "deposits", "--open", KELP, "--stop", "t"), "write --open ADDRESS=WHY"),
        (("--custody", "roles", "--open", f"{KELP}=why", "--stop", "t"), "nothing to open"),
        (("--custody", "roles", "--stop", "t", "--fetch", "http://x"), "fetch first"),
    ],
)
def test_custody_that_cannot_be_asked_for(
    run: Run, otter: Otter, more: tuple[str, ...], said: str
) -> None:
    asked = ("trace", KELP, "--ledger", otter.folder, "--policy", "fifo")
    given = [otter.tag_files if one == "t" else one for one in more]
    status, out, err = run(*asked, *given)
    assert (status, out) == (1, "")
    assert said in err


def test_the_three_commands_share_their_options(run: Run) -> None:
    helps = [run(command, "--help")[1] for command in ("trace", "exposure", "action-sheet")]
    for name, _, _ in FOLLOWING[1:]:
        assert all(f"--{name.replace('_', '-')} " in said for said in helps), name
