"""``chainwatch crossings``: what the library says of deposits, on screen and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.cli.routes.crossings import of_chain
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

Run = Callable[..., tuple[int, str, str]]
SEA: Any = module_of("tracing/crossings/conftest")
POOL = text(SEA.account("pool"), "eth")
ASSET = "=".join(
    f"{chain}:{text(one.contract, chain)},USD,6"
    for chain, one in (("eth", SEA.HERE), ("base", SEA.THERE))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of two deposits, of which one payout alone fits the first and none the second."""
    place = tmp_path_factory.mktemp("sea") / "ledger"
    made = SEA.ledger_of([
        SEA.paid(SEA.HERE, "ann", "pool", 1_000_000, 0, "in"),
        SEA.paid(SEA.HERE, "eve", "pool", 77, 1, "in too"),
        SEA.paid(SEA.THERE, "pool", "bob", 995_000, 10, "out"),
    ])  # fmt: skip
    with open_writer(Store.create(place)) as writer:
        tables = {name: made.table(name).collect() for name in ("transfers", "coverage")}
        writer.commit(tables, source="test", chain=SEA.ETH, what="two deposits")
    return place


def bridges() -> list[str]:
    return [word for chain in ("eth", "base") for word in ("--bridge", f"hop={chain}:{POOL}")]


def test_it_prints_what_the_library_says(
    run: Run, folder: Path, tmp_path: Path, working: None
) -> None:
    asked = ("crossings", "--ledger", folder, *bridges(), "--asset", ASSET)
    status, out, err = run(*asked, "--csv", tmp_path / "rows.csv")
    assert (status, err) == (0, "")
    found = cw.crossings(cw.open_ledger(folder), bridges=SEA.BRIDGE, assets=[(SEA.HERE, SEA.THERE)])
    assert out.endswith(repr(found) + "\n")
    assert (
        f"1 USD to hop on eth\n    {txid_text(SEA.txid_of('in'), 'eth')}:0  crossed: amount" in out
    )
    assert f"0.995 USD to {text(SEA.account('bob'), 'base')} on base" in out
    assert "not matched: none within the caps" in out
    assert "is a lead and no proof" in out
    rows = pl.read_csv(tmp_path / "rows.csv", infer_schema=False)
    assert rows["amount"].to_list() == ["1000000", "77"]
    assert run(*asked, "--csv", tmp_path / "rows.csv")[0] == 1


def test_who_crossed_is_masked_on_the_screen(run: Run, folder: Path) -> None:
    status, out, err = run("crossings", "--ledger", folder, *bridges(), "--asset", ASSET)
    assert (status, err) == (0, "")
    assert "USD to hop on eth  crossed: amount and time" in out
    assert "    USD paid out on base" in out
    assert "USD to hop on eth  not matched: none within the caps" in out
    for secret in ("0x", "0.995", "1 USD", "0.000077", f"{SEA.START:%Y-%m-%d}"):
        assert secret not in out


def test_as_data_with_messages_and_caps(run: Run, folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "messages.csv"
    said.write_text(
        "chain,txid,id,side,scheme\n"
        f"eth,{txid_text(SEA.txid_of('in too'), 'eth')},0:7,sent,cctp\n"
        f"base,{txid_text(SEA.txid_of('out'), 'base')},0:7,received,cctp\n"
    )
    asked = ("crossings", "--ledger", folder, *bridges(), "--asset", ASSET, "--json")
    status, out, err = run(*asked, "--messages", said, "--within", "5", "--fee-at-most", "0")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert [row["result"] for row in told["crossings"]] == ["not matched", "crossed"]
    assert told["crossing_payouts"][0]["identifier"] == "cctp 0:7"


def test_messages_in_the_ledger_need_no_table(run: Run, tmp_path: Path) -> None:
    """Both commands: the second goes on behind the bridge."""
    told: Any = module_of("tracing/crossings/messages/test_in_ledgers")
    sea, logs = SEA.Sea(SEA.HERE, SEA.THERE, SEA.BRIDGE), told.Logs
    made = told.ledger_of(sea, told.paid_of(sea), [logs.deposit(), logs.fill()])
    names = ("blocks", "transfers", "contract_logs", "coverage")
    with open_writer(Store.create(tmp_path / "ledger")) as writer:
        tables = {name: made.table(name).collect() for name in names}
        writer.commit(tables, source="test", chain=SEA.ETH, what="a deposit and its payout")
    asked = ("--ledger", tmp_path / "ledger", *bridges(), "--asset", ASSET)
    status, out, err = run("crossings", *asked, "--json")
    assert (status, err) == (0, "")
    [paid] = json.loads(out)["crossing_payouts"]
    assert (paid["evidence"], paid["identifier"]) == ("identifier", "across 1:7")
    thief, here = text(SEA.account("thief"), "eth"), text(SEA.HERE.contract, "eth")
    status, out, err = run(
        "trace-across", thief, "--of", f"eth:{here},USD,6", "--policy", "poison",
        "--stop", _services(tmp_path), *asked,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "paid out on base (identifier; followed)" in out


def _services(folder: Path) -> Path:
    """Return tags of a service that nobody pays here."""
    path = folder / "services.csv"
    path.write_text(f"address,label,concept,chain\n0x{'ab' * 20},a bank,exchange,eth\n")
    return path


@pytest.mark.parametrize(
    ("said", "chain", "rest"),
    [
        ("eth:0x12", "eip155:1", "0x12"), ("eip155:8453:0x12", "eip155:8453", "0x12"),
        ("bch:bitcoincash:qq", cw.chain("bch").id, "bitcoincash:qq"),
        ("bitcoincash:qq", "", "bitcoincash:qq"), ("0x12", "", "0x12"),
    ],
)  # fmt: skip
def test_a_chain_before_a_colon(said: str, chain: str, rest: str) -> None:
    assert of_chain(said) == (chain, rest)


@pytest.mark.parametrize("command", [("crossings",), ("trace-across", "ab" * 20)])
def test_tags_without_a_bridge_are_told_in_terms_of_the_command_line(
    run: Run, folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    tags = tmp_path / "tags.csv"
    tags.write_text(f"address,label,concept,chain\n0x{'ab' * 20},a bank,exchange,eth\n")
    status, _, err = run(*command, "--ledger", folder, "--tags", tags)
    assert status == 1
    assert "no tag says that an address is a bridge" in err
    assert "name them by --bridge NAME=CHAIN:ADDRESS" in err
    assert "bridges=" not in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no bridge is named; give one of --tags and --bridge"),
        (["--bridge", "hop"], "'hop' names no bridge; write NAME=CHAIN:ADDRESS"),
        ([*bridges(), "--asset", "USD"], "'USD' names no asset; write CHAIN:native"),
        ([*bridges(), "--messages", "nowhere.csv"], "there is no file of messages"),
        ([*bridges(), "--fee-at-most", "2"], "write a share from 0 to below 1"),
    ],
)
def test_what_does_not_fit_is_said(run: Run, folder: Path, words: list[str], told: str) -> None:
    status, _, err = run("crossings", "--ledger", folder, *words)
    assert status == 1
    assert told in err
