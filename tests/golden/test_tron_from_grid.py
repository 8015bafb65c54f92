"""The Tron case read from a server that answers like TronGrid: it finds what the table finds."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from module_of import module_of
from tron_grid import TronGridServer, served
from tron_world import World

from chainwatch.attribution.tags import tags_of
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.net.policy import use_network
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.sources.tron.source import TronGrid
from chainwatch.tracing.counterparties import Counterparties, counterparties
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace

EXAMPLE = Path(__file__).parents[2] / "examples" / "tron_15_22.toml"
SAME = ("tx_id", "timestamp", "from_address", "to_address", "quant", "token_id", "token_abbr",
        "token_decimal")  # fmt: skip


def world_of(path: Path) -> World:
    """Return a chain with the transfers of the table, as often as any one history has them."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    with path.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            counts[tuple(row[name] for name in SAME)][row["wallet"]] += 1
    world = World()
    for (txid, time, sender, receiver, amount, contract, symbol, decimals), by in counts.items():
        world.tokens += [{
            "transaction_id": txid, "block_timestamp": int(time), "from": sender, "to": receiver,
            "value": amount, "type": "Transfer",
            "token_info": {"address": contract, "symbol": symbol, "decimals": int(decimals)},
        }] * max(by.values())  # fmt: skip
    tip = world._block("tip")
    tip["block_header"]["raw_data"]["timestamp"] = 1_800_000_000_000
    return world


class Found(NamedTuple):
    ledger: Ledger
    hosts: Hosted
    direct: Counterparties
    followed: Trace


@pytest.fixture(scope="module")
def both(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Found]:
    """Return what is found in the table, and what is found when histories are asked for."""
    config = tomllib.loads(EXAMPLE.read_text("utf-8"))
    [source] = config["sources"]
    path, folder = real_data / source["path"], tmp_path_factory.mktemp("grid")
    pull(folder / "csv", TransferDump(path, DumpMapping.model_validate(source["mapping"])))
    listed = pl.read_csv(real_data / config["subjects"]["csv"])["wallet"].to_list()
    with use_network(log_file=folder / "log"), served(TronGridServer(world_of(path))) as url:
        report = pull(folder / "grid", TronGrid(url, listed))
    assert report.notes == ()
    tags = tags_of(open_ledger(folder / "csv"))
    made = [found(open_ledger(folder / name), tags, listed, config) for name in ("csv", "grid")]
    return made[0], made[1]


def found(ledger: Ledger, tags: Any, listed: list[str], config: dict[str, Any]) -> Found:
    usdt, how = module_of("golden/test_tron_15_22").token(**config["asset"]), config["follow"]
    services, lure = tags.where(concept="service"), poisoning(how["trifle"])
    hosts = hosted(ledger, services, asset=usdt, poisoning=lure, min_share=how["min_share"])
    direct = counterparties(ledger, listed, asset=usdt, tags=tags, trifle=how["trifle"])
    followed = trace(
        ledger, listed, policy=fifo, stop=[services, hosts], asset=usdt, poisoning=lure
    )
    return Found(ledger, hosts, direct, followed)


def test_the_transfers_are_the_same(both: tuple[Found, Found]) -> None:
    what = ["txid", "time", "contract", "sender", "receiver", "amount", "amount_hex", "occurrence",
            "symbol", "decimals", "success", "signed"]  # fmt: skip
    of_table, of_grid = (one.ledger.transfers.select(what).collect().sort(what) for one in both)
    assert of_grid.height == 4_213
    assert of_grid.equals(of_table)


def test_who_holds_the_keys(both: tuple[Found, Found]) -> None:
    of_table, of_grid = (one.hosts for one in both)
    assert of_grid.frame.drop("evidence").equals(of_table.frame.drop("evidence"))
    # A server claims to list all; a table does not.
    assert (
        of_table.frame["evidence"]
        .str.ends_with("does not claim to hold all of its transfers")
        .all()
    )
    assert not of_grid.frame["evidence"].str.contains("does not claim").any()
    assert of_grid.few.drop("evidence").equals(of_table.few.drop("evidence"))
    assert of_grid.frame.height == 15


def test_whom_they_paid_and_what_only_looks_like_it(both: tuple[Found, Found]) -> None:
    of_table, of_grid = (one.direct for one in both)
    assert of_grid.frame.drop("status").equals(of_table.frame.drop("status"))
    assert of_grid.poisoning.height == of_table.poisoning.height == 191


def test_where_it_ended(both: tuple[Found, Found]) -> None:
    of_table, of_grid = (one.followed for one in both)
    assert of_grid.steps.equals(of_table.steps)
    assert of_grid.origins.equals(of_table.origins)
    what = ["reason", "address", "service", "amount", "time"]
    assert of_grid.ends.select(what).sort(what).equals(of_table.ends.select(what).sort(what))
    assert of_grid.amount == 10_463_753_852_030


def test_every_history_is_claimed_to_be_whole(both: tuple[Found, Found]) -> None:
    covered = both[1].ledger.coverage.collect()
    assert covered.height == 20
    assert covered["complete"].all()
