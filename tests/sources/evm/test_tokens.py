"""What contracts call their tokens: kept where it can be shown, and left out where it cannot."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from evm_chain import TOKEN, Node, small, word
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.tokens import DECIMALS, SYMBOL, decimals_of, symbol_of

blocks = module_of("sources/evm/test_blocks")


def as_text(text: str, size: int | None = None) -> str:
    raw = text.encode()
    padded = raw.hex() + "0" * (-len(raw.hex()) % 64)
    return "0x" + word(32) + word(len(raw) if size is None else size) + padded


def test_names_are_asked_for_once(tmp_path: Path) -> None:
    words = {(TOKEN, SYMBOL): as_text("TUSD"), (TOKEN, DECIMALS): "0x" + word(6)}
    node = Node(small(), words=words)
    ledger = blocks.read(tmp_path / "l", node, batch=1, at_once=1)
    rows = ledger.transfers.filter(pl.col("contract").is_not_null()).collect()
    assert set(rows["symbol"]) == {"TUSD"}
    assert set(rows["decimals"]) == {6}
    assert node.asked.count("eth_call") == 2
    coins = ledger.transfers.filter(pl.col("contract").is_null()).collect()
    assert coins["symbol"].null_count() == coins.height
    who = canonical.parse("0x" + word(2)[24:], "eth-dev")
    told = str(address_summary(ledger, who, "eth-dev").facts())
    assert "received 0.001, spent 0.0004, balance 0.0006" in told, told
    assert "TUSD" in told


def test_nobody_need_be_asked(tmp_path: Path) -> None:
    node = Node(small())
    blocks.read(tmp_path / "l", node, names=False)
    assert "eth_call" not in node.asked


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (as_text("USDT"), "USDT"), ("0x" + b"MKR".hex().ljust(64, "0"), "MKR"),
        (as_text(""), None), (as_text("x" * 33), None), (as_text("x" * 1_000_000), None),
        (as_text("abc", 2**255), None), (as_text("abc", 90), None), ("0x", None), ("0xff", None),
        ("0x" + word(64) + word(3) + "61" * 32, None), ("0x" + "ff" * 32, None),
    ],
)  # fmt: skip
def test_symbols(data: str, told: str | None) -> None:
    assert symbol_of(bytes.fromhex(data[2:])) == told


@pytest.mark.parametrize(("number", "told"), [(0, 0), (18, 18), (38, 38), (39, None), (77, None),
                                              (2**255, None)])  # fmt: skip
def test_decimals(number: int, told: int | None) -> None:
    assert decimals_of(number.to_bytes(32, "big")) == told
    assert decimals_of(b"") is None
