"""One movement that two sources tell in different words is counted once, or the second refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import evm_chain as evm
import polars as pl
import pytest
from evm_chain import Call, Chain, Node, Tx, address, log, word

from chainwatch.addresses.canonical import parse
from chainwatch.errors import InputError
from chainwatch.ingest.pull import pull
from chainwatch.ingest.told_again import told_already
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.tables.source import KnownTable

A, B = (parse(address(number), "eth") for number in (0xAA01, 0xAA02))
NUMBER = {"token_id": "77"}
NOBODY, TOKEN, TXID = b"\x10" + bytes(20), b"\x10" + b"\x7e" * 20, b"\x01" * 32


def row(kind: str, **more: Any) -> dict[str, Any]:
    """Return a transfer as one source tells it."""
    told = {
        "chain": "eip155:1", "txid": TXID, "kind": kind, "sender": A, "receiver": B,
        "amount": Decimal(77), "occurrence": 0, "height": 7, "success": True, "sections": 1,
        "order_uncertain": False, "contract": None if kind == "internal" else TOKEN,
    }  # fmt: skip
    return {name: {**told, **more}.get(name) for name in schema.TRANSFERS.schema}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row")


def left(come: pl.DataFrame, held: pl.DataFrame) -> int:
    return told_already(come, held.lazy()).height


def test_a_row_without_a_place_is_one_of_those_that_have_one() -> None:
    held = table(row("erc20", log_index=3), row("erc20", log_index=5))
    bare = [row("erc20", occurrence=n) for n in range(3)]
    assert left(table(*bare[:2]), held) == 0
    assert left(table(*bare), held) == 1
    assert left(table(row("erc20", amount=Decimal(78))), held) == 1
    with pytest.raises(InputError, match="come with their place"):
        left(held, table(*bare[:1]))


def test_what_says_more_of_a_log_stays() -> None:
    unique = table(row("erc721", log_index=3, amount=Decimal(1), **NUMBER))
    as_amount = table(row("erc20", log_index=3))
    assert left(as_amount, unique) == 0
    with pytest.raises(InputError, match="comes as erc721, which the ledger holds as erc20"):
        left(unique, as_amount)
    with pytest.raises(InputError, match="comes as erc1155, which the ledger holds as erc721"):
        left(table(row("erc1155", log_index=3, **NUMBER)), unique)


def test_a_contract_of_tokens_with_ids_has_no_plain_ones() -> None:
    """Also where whoever tells them names no place: his amount may be the id."""
    unique = table(row("erc721", log_index=3, amount=Decimal(1), **NUMBER))
    for amount in (77, 1):
        assert left(table(row("erc20", amount=Decimal(amount))), unique) == 0
    assert left(table(row("erc20", contract=b"\x10" * 21)), unique) == 1
    for other in (row("erc20", log_index=4), row("erc20", receiver=A)):
        with pytest.raises(InputError, match="comes as erc20, which the ledger holds as erc721"):
            left(table(other), unique)
    with pytest.raises(InputError, match="comes as erc721, which the ledger holds as erc20"):
        left(table(row("erc721", amount=Decimal(1), **NUMBER)), table(row("erc20", log_index=3)))
    wrapped = table(row("wrap", log_index=0, sender=NOBODY), row("erc20", log_index=1))
    assert left(wrapped, wrapped) == 2


def test_what_failed_is_not_what_took_effect() -> None:
    failed = table(row("internal", trace_path="0", success=False))
    assert left(table(row("internal", trace_path="1")), failed) == 1
    assert left(table(row("internal", trace_path="1", success=False)), failed) == 0
    assert left(table(row("internal", trace_path="1", success=None)), table(
        row("internal", trace_path="0"))) == 0  # fmt: skip
    gone = table(row("erc20", log_index=3, success=False))
    assert left(table(row("erc20")), gone) == 1


def test_a_deposit_of_a_wrapped_coin_is_no_second_mint() -> None:
    held = table(row("wrap", log_index=0, sender=NOBODY))
    assert left(table(row("erc20_mint", sender=NOBODY)), held) == 0
    assert left(table(row("erc20_mint", sender=NOBODY, log_index=0)), held) == 0
    assert left(table(row("erc20_burn", receiver=NOBODY)), held) == 1


def test_calls_under_other_numbers_are_the_same_calls() -> None:
    held = table(*(row("internal", trace_path=path) for path in ("0", "1")))
    numbered_anew = told_already(
        table(*(row("internal", trace_path=path) for path in ("1", "2"))), held.lazy()
    )
    assert numbered_anew["trace_path"].to_list() == ["1"]  # alike in all: left out as a repetition
    assert left(table(*(row("internal", trace_path=path) for path in "234")), held) == 1
    assert left(table(row("internal", trace_path="2", amount=Decimal(9))), held) == 1
    assert left(held, held) == 2


def test_coins_that_came_from_the_chain_below_are_no_second_call() -> None:
    """Blocks tell them by the log of the contract that pays them, explorers as a call of it."""
    held = table(*(row("deposit", contract=None, trace_path=f"log {n}") for n in (1, 5)))
    calls = [row("internal", trace_path=f"0.{n}") for n in range(3)]
    assert left(table(*calls), held) == 1
    assert left(held, table(*calls[:1])) == 1
    bare = [row("internal", occurrence=n) for n in range(3)]
    assert left(table(*bare), held) == 1
    assert left(table(row("internal", trace_path="0", amount=Decimal(9))), held) == 1
    with pytest.raises(InputError, match="come with their place"):
        left(held, table(*bare[:1]))


def test_a_failure_does_not_come_too_late() -> None:
    silent = table(row("native", contract=None, success=None))
    failed = table(row("native", contract=None, success=False))
    assert left(silent, failed) == 1  # alike in all that identifies it
    assert left(table(row("native", contract=None)), silent) == 1
    with pytest.raises(InputError, match="does not know whether they took effect"):
        left(failed, silent)


def test_two_stories_of_one_place_are_refused() -> None:
    paid, log_ = row("native", contract=None), row("erc20", log_index=3)
    for told in (paid, log_):
        with pytest.raises(InputError, match="tells another amount or party"):
            left(table({**told, "amount": Decimal(6)}), table(told))
    with pytest.raises(InputError, match="log 3 of 77 base units"):
        left(table({**log_, "receiver": A}), table(log_))
    for kind in ("fee", "fee_burnt", "reward"):
        fee = row(kind, contract=None)
        with pytest.raises(InputError, match="tells another amount or party"):
            left(table({**fee, "amount": Decimal(6)}), table(fee))
        assert left(table({**fee, "receiver": A}), table(fee)) == 1
    batch = [row("erc1155", log_index=4, amount=Decimal(n), **NUMBER) for n in (1, 2)]
    assert left(table(*batch), table(*batch)) == 2
    assert left(table({**paid, "receiver": A}), table(paid)) == 1  # a call that a list names so


def test_other_transactions_are_left_alone() -> None:
    held = table(row("erc20", log_index=3))
    assert left(table(row("erc20", txid=b"\x02" * 32)), held) == 1


def blocks(folder: Path, chain: Chain) -> None:
    source = EvmBlocks(
        "http://127.0.0.1:8545", chain="eth", transport=Node(chain).transport, names=False
    )
    pull(folder, source, progress=False)


def unique_token() -> tuple[Chain, str]:
    """Return a chain in which a unique token changes hands, and a dump that calls its id an
    amount."""
    nft = log([evm.TRANSFER, *(f"0x{word(address(n))}" for n in (0xAA01, 0xAA02)), f"0x{word(77)}"],
              "0x", address(0x5E))  # fmt: skip
    chain = Chain(chain_id=1).add().add(Tx(Call(address(0xAA01), address(0x5E)), [nft]))
    txid = chain.blocks[1]["transactions"][0]["hash"]
    header = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number"
    cells = (address(0x5E), address(0xAA01), address(0xAA02), 77, txid, 0, 1)
    return chain, f"{header}\n{','.join(map(str, cells))}\n"


def test_a_ledger_of_both(tmp_path: Path) -> None:
    chain, dump = unique_token()
    (tmp_path / "dump.csv").write_text(dump)
    blocks(tmp_path / "ledger", chain)
    pull(tmp_path / "ledger", KnownTable(tmp_path / "dump.csv", chain="eth"), progress=False)
    (totals,) = address_summary(open_ledger(tmp_path / "ledger"), B, "eth").totals.filter(
        pl.col("contract").is_not_null()
    ).iter_rows(named=True)  # fmt: skip
    assert totals["received"] == 1


@pytest.mark.parametrize("grown", [10, 0])
def test_a_token_that_grows_by_itself_has_no_known_balances(grown: int, tmp_path: Path) -> None:
    moves = [(NOBODY, A, 100), (A, B, 100 + grown)]
    chain = Chain(chain_id=1).add()
    for sender, receiver, amount in moves:
        sides = (f"0x{word('0x' + one[1:].hex())}" for one in (sender, receiver))
        told = log([evm.TRANSFER, *sides], f"0x{word(amount)}")
        chain = chain.add(Tx(Call(address(0xAA01), evm.TOKEN), [told]))
    blocks(tmp_path, chain)
    ledger = open_ledger(tmp_path)
    for who, amount in ((A, 0), (B, 100)):
        found = address_summary(ledger, who, "eth")
        (balance,) = found.totals.filter(pl.col("contract").is_not_null())["balance"]
        assert balance == (None if grown else amount)
        assert ("no balance is known" in str(found.coverage)) is bool(grown)
