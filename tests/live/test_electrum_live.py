"""A real Electrum server: the rows that a node gives, each proven, and none of another branch."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import ChainError, NetworkRefused, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.net.policy import use_network
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc
from chainwatch.sources.electrum.source import Electrum

pytestmark = pytest.mark.live
Node = Any
Server = Any
"""The fixtures' classes: a conftest is not imported."""

CHAIN = "btc-regtest"


def electrum(server: Server, **options: Any) -> Electrum:
    return Electrum(server.host, server.port, **{"chain": CHAIN, **options})


@pytest.fixture(scope="module")
def whole(bitcoind: Node, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("whole") / "ledger"
    pull(folder, BitcoinRpc(bitcoind.url, cookie=bitcoind.cookie, chain=CHAIN))
    return open_ledger(folder)


def test_every_script_of_the_chain_gives_the_node_s_columns(
    bitcoind: Node, electrumx: Server, whole: Ledger, tmp_path: Path,
    by_column: Callable[..., dict[str, str]],
) -> None:  # fmt: skip
    source = electrum(electrumx, scripts=bitcoind.scripts())
    pull(tmp_path / "ledger", source)
    ledger = open_ledger(tmp_path / "ledger")
    # Of the genesis coinbase no server hands out a history.
    expected = by_column(whole, genesis=False)
    found = by_column(ledger, genesis=False)
    assert {name for name in expected if expected[name] != found[name]} == set(source.unknown)
    assert len(expected) - len(source.unknown) == 49
    check(ledger).raise_for_failures()
    again = pull(tmp_path / "ledger", electrum(electrumx, scripts=bitcoind.scripts()))
    assert (again.commits, again.skipped) == (0, len(bitcoind.scripts()))


def test_one_address(bitcoind: Node, electrumx: Server, whole: Ledger, tmp_path: Path) -> None:
    reused = whole.outputs.filter(pl.col("script_kind") == "p2wpkh").group_by("address").len()
    address = reused.sort("len", "address").collect()["address"][-1]
    pull(tmp_path / "ledger", electrum(electrumx, addresses=[address]))
    ledger = open_ledger(tmp_path / "ledger")
    paid = whole.outputs.filter(pl.col("address") == address).select("tx")
    spent = whole.inputs.filter(pl.col("address") == address).select("tx")
    expected = pl.concat([paid, spent]).unique().sort("tx").collect()
    assert ledger.transactions.select("tx").sort("tx").collect().equals(expected)
    assert ledger.inputs.collect()["value"].null_count() == 0
    covered = ledger.coverage.collect().row(by_predicate=pl.col("kind") == "address", named=True)
    tip = bitcoind("getbestblockhash")
    assert covered["unit"] == f"address/{address.hex()}/{tip}"
    assert (covered["kind"], covered["address"], covered["complete"]) == ("address", address, True)
    assert covered["height"] == bitcoind.height


def test_the_proofs_are_kept(electrumx: Server, whole: Ledger, tmp_path: Path) -> None:
    address = whole.outputs.drop_nulls("address").first().collect()["address"][0]
    pull(tmp_path / "ledger", electrum(electrumx, addresses=[address]))
    answers = open_ledger(tmp_path / "ledger").answers.collect()
    for method in ("get_merkle", "block.header", "get_history", "headers.subscribe"):
        kept = answers.filter(pl.col("request").str.contains(method, literal=True))
        assert kept.height
        assert [hashlib.sha256(body).digest() for body in kept["body"]] == kept["digest"].to_list()


def test_a_reorganisation(
    new_node: Callable[..., Node], new_electrumx: Callable[..., Server], tmp_path: Path,
    by_column: Callable[..., dict[str, str]],
) -> None:  # fmt: skip
    node = new_node()
    for k in range(20):
        node.mine(f"raw(51{k % 3 + 1:02x})")
    server = new_electrumx(node)
    pull(tmp_path / "ledger", electrum(server, scripts=node.scripts()))
    before = open_ledger(tmp_path / "ledger")
    old = by_column(before)
    node.reorganise(6)
    await_tip(server, node)
    report = pull(tmp_path / "ledger", electrum(server, scripts=node.scripts()))
    assert any("reorganised" in note for note in report.notes)
    after = open_ledger(tmp_path / "ledger")
    pull(tmp_path / "fresh", electrum(server, scripts=node.scripts()))
    assert by_column(after) == by_column(open_ledger(tmp_path / "fresh")) != old
    assert by_column(after.as_of(before.commit.number)) == old  # type: ignore[union-attr]


def await_tip(server: Server, node: Node) -> None:
    import time

    from chainwatch.sources.electrum.messages import Question
    from chainwatch.sources.electrum.wire import ElectrumWire

    with ElectrumWire(
        server.host, server.port, source="test", own=True, timeout=5, attempts=1
    ) as wire:
        for _ in range(100):
            asked = [Question("blockchain.headers.subscribe")]
            if wire.ask(asked)[0].value["height"] == node.height:
                return
            wire.close()
            time.sleep(0.1)
    pytest.fail("the Electrum server does not follow")


def test_tls(electrumx: Server, whole: Ledger, tmp_path: Path) -> None:
    if electrumx.certificate is None:
        pytest.skip("this system has no openssl to make a certificate with")
    pem = electrumx.certificate.read_text()
    right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    address = whole.outputs.drop_nulls("address").first().collect()["address"][0]

    def source(**options: Any) -> Electrum:
        return Electrum(
            electrumx.host, electrumx.tls_port, addresses=[address], chain=CHAIN, **options
        )

    report = pull(tmp_path / "ledger", source(fingerprint=right.upper()))
    assert report.units == 1 + report.rows("transactions") > 1
    with pytest.raises(SourceError, match=f"another certificate, of fingerprint {right}"):
        pull(tmp_path / "other", source(fingerprint="0" * 64))
    with pytest.raises(SourceError, match="certificate cannot be trusted"):
        pull(tmp_path / "other", source(tls=True))


def test_another_chain_is_refused(electrumx: Server, tmp_path: Path) -> None:
    genesis = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    with pytest.raises(ChainError, match="not of Bitcoin: it names the genesis block 0f9188"):
        pull(tmp_path / "ledger", electrum(electrumx, addresses=[genesis], chain="btc"))


def test_offline_asks_nothing(electrumx: Server, tmp_path: Path) -> None:
    with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
        pull(tmp_path / "ledger", electrum(electrumx, scripts=[b"\x51"]))
