"""One chain through every source: wherever two know a column, it is the same, digest by digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.bitcoin_core.rest import BitcoinRest
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc
from chainwatch.sources.bitcoin_etl.source import EtlJson
from chainwatch.sources.electrum.source import Electrum
from chainwatch.sources.esplora.source import Esplora
from chainwatch.sources.node_folder.source import NodeFolder

pytestmark = pytest.mark.live

CHAIN = "btc-regtest"
COIN = 10**8
HEIGHT = 122

BESIDE = {"esplora": {"blocks"}, "electrum": {"blocks"}, "etl_json": {"input_keys"}}
"""Tables that a source has no rows of: blocks of histories; keys that witnesses show, which
bitcoin-etl does not write."""


def exported(node: Any, folder: Path) -> tuple[Path, Path]:
    """Write what bitcoin-etl writes of a chain, from the node's own JSON; amounts as integers."""
    files = folder / "blocks.json", folder / "transactions.json"
    lines: tuple[list[dict], list[dict]] = ([], [])
    for height in range(node.height + 1):
        block = node("getblock", node("getblockhash", height), 2)
        coinbase = block["tx"][0]["vin"][0]["coinbase"]
        lines[0].append({
            "hash": block["hash"], "number": height, "size": block["size"],
            "stripped_size": block["strippedsize"], "weight": block["weight"],
            "version": block["version"], "merkle_root": block["merkleroot"],
            "timestamp": block["time"], "nonce": f"{block['nonce']:x}", "bits": block["bits"],
            "coinbase_param": coinbase, "transaction_count": len(block["tx"]),
        })  # fmt: skip
        lines[1].extend(_rows(block, height))
    for path, rows in zip(files, lines, strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return files


def _rows(block: dict, height: int) -> Iterator[dict]:
    for index, tx in enumerate(block["tx"]):
        spent = [item for item in tx["vin"] if "coinbase" not in item]
        yield {
            "hash": tx["txid"], "size": tx["size"], "virtual_size": tx["vsize"],
            "version": tx["version"], "lock_time": tx["locktime"], "block_number": height,
            "block_hash": block["hash"], "block_timestamp": block["time"], "index": index,
            "is_coinbase": not spent,
            "inputs": [
                {"index": n, "spent_transaction_hash": item["txid"],
                 "spent_output_index": item["vout"], "script_hex": item["scriptSig"]["hex"],
                 "sequence": item["sequence"], "type": None, "addresses": [], "value": None}
                for n, item in enumerate(spent)
            ],
            "outputs": [
                {"index": n, "script_hex": item["scriptPubKey"]["hex"],
                 "value": int(item["value"] * COIN)}
                for n, item in enumerate(tx["vout"])
            ],
        }  # fmt: skip


@pytest.fixture(scope="module")
def sources(
    bitcoind: Any, electrumx: Any, url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Source]:
    blocks, transactions = exported(bitcoind, tmp_path_factory.mktemp("etl"))
    scripts = bitcoind.scripts()
    made: list[Source] = [
        BitcoinRpc(bitcoind.url, cookie=bitcoind.cookie, chain=CHAIN),
        BitcoinRest(bitcoind.url, chain=CHAIN),
        NodeFolder(bitcoind.folder, chain=CHAIN),
        EtlJson(transactions, blocks, chain=CHAIN),
        Esplora(url, scripts=scripts, chain=CHAIN),
        Electrum(electrumx.host, electrumx.port, scripts=scripts, chain=CHAIN),
    ]
    return {source.name: source for source in made}


@pytest.fixture(scope="module")
def ledgers(
    sources: dict[str, Source], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ledger]:
    folder = tmp_path_factory.mktemp("ledgers")
    for name, source in sources.items():
        pull(folder / name, source)
    return {name: open_ledger(folder / name) for name in sources}


NAMES = ["bitcoin_rpc", "bitcoin_rest", "node_folder", "etl_json", "esplora", "electrum"]


@pytest.mark.parametrize("name", NAMES)
def test_what_two_know_is_the_same(
    name: str, sources: dict[str, Source], ledgers: dict[str, Ledger],
    by_column: Callable[..., dict[str, str]],
) -> None:  # fmt: skip
    """Compared with the node's RPC, which knows all."""
    source, ledger = sources[name], ledgers[name]
    genesis = name != "electrum"  # of its coinbase no such server hands out a history
    expected = by_column(ledgers["bitcoin_rpc"], genesis=genesis)
    found = by_column(ledger, genesis=genesis)
    assert found.keys() == expected.keys()
    unknown = set(source.unknown)
    beside = {column for column in found if column.partition(".")[0] in BESIDE.get(name, set())}
    differ = {column for column in found if found[column] != expected[column]}
    assert differ == (unknown | beside), "what a source cannot know is declared, and nothing else"
    assert check(ledger).ok
    heights = ledger.transactions.collect()["height"].unique().sort().to_list()
    assert heights == list(range(0 if genesis else 1, HEIGHT + 1))


def test_all_six_were_compared(sources: dict[str, Source]) -> None:
    assert list(sources) == NAMES
