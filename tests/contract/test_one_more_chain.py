"""A chain of one's own: facts in one file, and every part of the library knows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.chains import catalogue
from chainwatch.chains.base import COIN, Chain, Consensus, utxo_chain
from chainwatch.errors import BlockError, ChainError

CHAINS = "chainwatch.chains"
SHARED = (f"{CHAINS}.base", f"{CHAINS}.catalogue")
MAGIC = b"toy!"
PAYEES = 5, 6, 7
"""Numbers from which the maker of blocks makes scripts."""


def first_block(maker: ModuleType) -> bytes:
    made: bytes = maker.block_of(bytes(32), 0, [maker.coinbase(0, [(50 * COIN, maker.p2pkh(0))])])
    return made


def blocks(maker: ModuleType) -> list[bytes]:
    """Return four blocks; in the last, which goes by ids, a child stands before its parent."""
    chain = maker.Chain(blocks=[first_block(maker)])
    chain.add()
    chain.add()
    txid, n, value = chain.coins[0]
    one, two, three = (maker.p2pkh(number) for number in PAYEES)
    for fee in range(100):
        parent = maker.spend([(txid, n)], [(value - fee, one)])
        child = maker.spend([(parent.txid, 0)], [(value - COIN, two), (COIN - fee, one)])
        last = maker.spend([(child.txid, 0)], [(value - COIN, three)])
        if last.txid[::-1] < child.txid[::-1] < parent.txid[::-1]:
            break
    chain.add([last, child, parent])
    made: list[bytes] = chain.blocks
    return made


@pytest.fixture
def toy(maker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """Return a chain that is known until the test ends."""
    monkeypatch.setattr(catalogue, "_known", list(catalogue._known))
    return catalogue.register(
        utxo_chain(
            "toy",
            "Toycoin",
            "TOY",
            genesis=maker.sha256d(first_block(maker)[:80])[::-1].hex(),
            magic=MAGIC.hex(),
            p2pkh=0x41,
            p2sh=0x42,
            hrp="toy",
            mainnet=False,
            consensus=Consensus(
                supply=21_000_000 * COIN,
                easiest=2**255 - 1,
                bip34_height=1,
                order="by_id",
                first_subsidy=50 * COIN,
                halving=150,
            ),
        )
    )


@pytest.fixture
def ledger(toy: Chain, maker: ModuleType, tmp_path: Path) -> cw.Ledger:
    path = tmp_path / "blk00000.dat"
    path.write_bytes(maker.framed(*blocks(maker), magic=MAGIC))
    cw.pull(tmp_path / "ledger", cw.BlockFiles(path, chain="toy"))
    return cw.open_ledger(tmp_path / "ledger")


def payee(number: int, maker: ModuleType) -> bytes:
    return b"\x01" + bytes(maker.p2pkh(number)[3:23])


def test_its_ledger_knows_it(ledger: cw.Ledger, toy: Chain) -> None:
    assert ledger.chains == (toy,)
    assert ledger.transactions.collect()["height"].to_list() == [0, 1, 2, 3, 3, 3, 3]


def test_its_addresses_are_read_and_written(toy: Chain, maker: ModuleType) -> None:
    for address in (payee(5, maker), b"\x03" + bytes(20)):
        assert canonical.parse(canonical.text(address, toy), "toy") == address
    assert canonical.text(b"\x03" + bytes(20), toy).startswith("toy1")


def test_it_is_shown(ledger: cw.Ledger, toy: Chain, maker: ModuleType) -> None:
    found = cw.show(ledger, canonical.text(payee(5, maker), toy))
    assert "toy" in repr(found)
    assert "TOY" in repr(found)


def test_a_child_before_its_parent_is_tied_to_it(ledger: cw.Ledger) -> None:
    """Where blocks go by ids, numbers alone do not say who may spend from whom."""
    inputs = ledger.inputs.collect()
    assert inputs["prev_tx"].null_count() == 0
    assert (inputs["prev_tx"] > inputs["tx"]).sum() == 2
    assert cw.check(ledger).ok


def test_value_is_followed_from_a_parent_that_stands_later(
    ledger: cw.Ledger, maker: ModuleType
) -> None:
    found = cw.trace(ledger, [payee(5, maker)], policy="fifo", chain="toy")
    paid = found.ends.filter(pl.col("reason") == "unspent")
    assert set(paid["address"]) == {payee(5, maker), payee(7, maker)}
    assert int(found.amount) == int(found.ends["amount"].sum())


def test_its_blocks_are_not_those_of_another(toy: Chain, maker: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "blk00000.dat"
    path.write_bytes(maker.framed(*blocks(maker), magic=MAGIC))
    with pytest.raises(BlockError, match=f"blocks of {toy.name}, not of Bitcoin regtest"):
        cw.pull(tmp_path / "ledger", cw.BlockFiles(path, chain="btc-regtest"))


def names_of_chains(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that decide by a chain's alias, or take the facts of one chain."""
    for node in ast.walk(tree):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            asked = [node.slice]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
            asked = node.args[:1]
        if any(isinstance(part, ast.Attribute) and part.attr == "alias" for part in asked):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CHAINS):
            yield from () if node.module in SHARED else (node.lineno,)


def test_no_code_decides_by_the_name_of_a_chain() -> None:
    """What chains differ in stands in their files; simulated money is of one of them."""
    root = Path(cw.__file__).parent
    apart = {root / "chains", root / "simulate"}
    files = [path for path in root.rglob("*.py") if not apart.intersection(path.parents)]
    found = {
        f"{path.relative_to(root)}:{line}"
        for path in files
        for line in names_of_chains(ast.parse(path.read_text("utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    "code",
    [
        "x = chain.alias == 'btc'",
        "if chain.alias in NAMES: pass",
        "x = NAMES[self.network.alias]",
        "x = NAMES.get(chain.alias, ())",
        "from chainwatch.chains.bitcoin import BITCOIN",
    ],
)
def test_that_check_bites(code: str) -> None:
    assert list(names_of_chains(ast.parse(code))) == [1]


def test_nothing_of_it_is_left() -> None:
    with pytest.raises(ChainError, match="unknown chain 'toy'"):
        catalogue.chain("toy")


@pytest.mark.parametrize(
    "change", [{"alias": "BTC"}, {"id": "BIP122:X"}, {"alias": "x\n<b>"}, {"id": "../.."}]
)
def test_no_chain_takes_the_name_of_another(
    change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "_known", list(catalogue.CHAINS))
    other = {"id": "bip122:" + "2" * 32, "alias": "evil"} | change
    if change == {"id": "BIP122:X"}:
        other["id"] = catalogue.chain("btc").id.upper().replace("BIP122", "bip122")
    with pytest.raises(ChainError):
        catalogue.register(replace(catalogue.chain("btc"), name="Evil", **other))
    assert catalogue.chain("BTC").name == "Bitcoin"
