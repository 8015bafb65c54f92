"""Rows set apart may have moved value: no balance and nothing unspent is claimed over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import parse
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import histories, unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.tracing.policies import POLICIES, fifo, lifo
from chainwatch.tracing.trace import trace

V, S, M = ("0x" + one * 20 for one in ("0a", "0b", "0c"))
DUSD, ODD = "0x" + "0d" * 20, "0x" + "0e" * 20
ETH = native("eth")
COINS = {
    "chain": "eth", "kind": "native", "source": "q", "txid": "tx", "time": "time",
    "time_unit": "iso", "sender": "from", "receiver": "to", "amount": "value",
    "result": "ok", "success": "1", "failure": "0", "section": "of",
}  # fmt: skip
TOKENS = COINS | {
    "kind": "erc20",
    "contract": "token",
    "amount_unit": "whole",
    "decimals": {DUSD: 6},
}
HEAD = "tx,time,token,from,to,value,ok,of\n"

Read = Callable[..., Ledger]
Row = tuple[Any, ...]


def row(
    number: int, sender: str, receiver: str, value: object, of: str = S, coin: str = "", ok: int = 1
) -> str:
    time = f"2023-05-{number:02} 10:00:00"
    return f"0x{number:064x},{time},{coin},{sender},{receiver},{value},{ok},{of}\n"


@pytest.fixture
def read(put: Callable[..., Path], tmp_path: Path) -> Read:
    """Return a reader of rows into a new ledger."""

    def reader(*rows: str, mapping: dict[str, Any] = COINS) -> Ledger:
        path = put("t.csv", (HEAD + "".join(rows)).encode())
        pull(tmp_path / "ledger", TransferDump(path, DumpMapping.of(mapping)))
        return open_ledger(tmp_path / "ledger")

    return reader


LEFT = "left, by what was read"
"""No table claims to hold every transfer, so that nothing of it is called unspent."""


def ends(ledger: Ledger, asset: Asset = ETH, **more: Any) -> dict[str, int]:
    found = trace(ledger, [V], **{"policy": fifo, "asset": asset} | more)
    kept = pl.col("detail").str.starts_with("left of what was read to come in")
    named = found.ends.with_columns(reason=pl.when(kept).then(pl.lit(LEFT)).otherwise("reason"))
    rows = named.group_by("reason").agg(pl.col("amount").sum())
    return {reason: int(amount) for reason, amount in rows.iter_rows()}


BALANCES = [one for one in POLICIES if not one.accounts and one.follows]


class TestWhatIsLeftOfABalance:
    def test_a_contract_may_have_been_paid_with_it(self, read: Read) -> None:
        """S holds 7 of 10 by the transfers, and paid 4 for a contract: 3 are there still."""
        ledger = read(row(1, V, S, 10), row(2, S, "", 4), row(3, S, M, 3))
        assert ends(ledger) == {"not read": 3 + 4, LEFT: 3}
        found = trace(ledger, [V], policy=fifo, asset=ETH).ends.filter(pl.col("amount") == 4)
        assert "1 row of this address was set apart" in found["detail"][0]
        assert "may have been paid so" in found["detail"][0]

    def test_what_came_in_first_went_out_first(self, read: Read) -> None:
        """Five came from a stranger before: two for a contract are of these."""
        ledger = read(row(1, M, S, 5), row(2, V, S, 3), row(3, S, "", 2), row(4, S, M, 1))
        assert ends(ledger) == {LEFT: 3}
        assert ends(ledger, policy=lifo) == {"not read": 1 + 2}

    @pytest.mark.parametrize("policy", BALANCES)
    def test_whatever_the_policy(self, read: Read, policy: Any) -> None:
        ledger = read(row(1, V, S, 10), row(2, S, "", 400), row(3, S, M, 3))
        assert ends(ledger, policy=policy) == {"not read": 10}

    def test_what_failed_or_moved_nothing_takes_nothing(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, S, "", 4, ok=0), row(3, S, "", 0), row(4, S, M, 3))
        assert ends(ledger) == {"not read": 3, LEFT: 7}

    def test_what_came_in_by_a_reward_takes_nothing(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, "", S, 4), row(4, S, M, 3))
        assert ends(ledger) == {"not read": 3, LEFT: 7}

    def test_what_came_after_the_span_takes_nothing_from_it(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(4, S, M, 3), row(6, S, "", 4))
        assert ends(ledger.between(None, "2023-05-05")) == {"not read": 3, LEFT: 7}
        assert ends(ledger.between(None, "2023-05-08")) == {"not read": 7, LEFT: 3}

    def test_a_row_that_two_sections_list_counts_once(self, read: Read) -> None:
        twice = [row(2, S, "", 4, of=one) for one in (S, M)]
        ledger = read(row(1, V, S, 10), *twice, row(3, S, M, 3), row(5, S, M, 0, of=M))
        assert ends(ledger)["not read"] == 4

    def test_an_amount_that_cannot_be_read_may_be_all_of_it(self, read: Read) -> None:
        """Of a token whose decimals nobody gave no amount is known, of another it is."""
        moved = [row(1, V, S, 10, coin=DUSD), row(2, V, S, 10, coin=ODD)]
        ledger = read(*moved, row(3, S, M, 4, coin=ODD), mapping=TOKENS)
        assert ends(ledger, token("eth", DUSD, "DUSD", 6)) == {LEFT: 10_000_000}


def test_a_token_of_unknown_decimals_beside_one_that_was_read(read: Read, put: Any) -> None:
    """Another table gave the transfers of ODD: what the first could not read may be all of it."""
    first = read(row(1, V, S, 10, coin=DUSD), row(3, S, M, 4, coin=ODD), mapping=TOKENS)
    path = put("more.csv", (HEAD + row(2, V, S, 10, coin=ODD) + row(9, V, S, 1, coin=ODD)).encode())
    assert first.store is not None
    pull(first.store.path, TransferDump(path, DumpMapping.of(TOKENS | {"decimals": {ODD: 6}})))
    assert ends(open_ledger(first.store.path), token("eth", ODD, "ODD", 6)) == {
        "not read": 11_000_000
    }


class TestWhatIsSaid:
    def test_of_an_address(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, S, "", 4), row(3, "", S, 5), row(4, S, M, 3))
        said = " ".join(address_summary(ledger, S, "eth").coverage)
        assert "1 row was set apart, in which it may have paid 0.000000000000000004 of ETH" in said
        assert "1 row was set apart, in which it may have got 0.000000000000000005 of ETH" in said
        assert "set apart" not in " ".join(address_summary(ledger, M, "eth").coverage)

    def test_of_a_chain(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, S, "", 4), row(3, S, "", 6), row(4, "", S, 5))
        facts = unread(ledger).filter(pl.col("what") == "rows set apart")
        assert sorted(facts.select("count", "amount").iter_rows()) == [(1, 5), (2, 10)]

    def test_a_token_whose_amounts_cannot_be_read_has_no_amount(self, read: Read) -> None:
        rows = row(1, V, S, 10, coin=DUSD), row(2, V, S, 10, coin=ODD)
        facts = unread(read(*rows, mapping=TOKENS)).filter(pl.col("what") == "rows set apart")
        assert facts.select("count", "amount").rows() == [(1, None)]

    def test_by_check(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, S, "", 4), row(3, S, "", 6), row(4, "", S, 5))
        (told,) = check(ledger).frame.filter(pl.col("name") == "amount").to_dicts()
        assert (told["checked"], told["failed"], told["unread"]) == (1, 0, 3)

    def test_a_row_set_apart_is_no_history(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(2, M, "", 4), row(3, S, M, 3))
        assert histories(ledger)["address"].to_list() == [parse(S, "eth")]

    def test_it_shows_how_far_its_section_was_read(self, read: Read) -> None:
        ledger = read(row(1, V, S, 10), row(3, S, "", 0), row(5, S, M, 3, of=M))
        end = trace(ledger, [V], policy=fifo, asset=ETH).ends
        (kept,) = end.filter(pl.col("address") == parse(S, "eth")).to_dicts()
        assert kept["reason"] == "not read", "S moved more than its own section has"
        assert "until 2023-05-03" in kept["detail"]


def test_a_balance_that_a_source_vouches_for_is_not_given_over_rows_set_apart(
    read: Read,
) -> None:
    rows = [row(1, V, S, 10, coin=DUSD), row(2, S, M, 1, coin=ODD)]
    ledger = read(*rows, mapping=TOKENS)
    tables = {name: ledger.table(name).collect() for name in ("transfers", "coverage")}
    whole = tables["coverage"].with_columns(
        pl.when(pl.col("kind") == "address").then(True).alias("complete"),
        pl.when(pl.col("kind") != "address").then("from_time").alias("from_time"),
    )

    def balances(coverage: pl.DataFrame, contract: str) -> list[Any]:
        both = tables["transfers"].with_columns(pl.lit(parse(contract, "eth")).alias("contract"))
        units = coverage.with_columns(
            pl.when(pl.col("kind") == "address").then(parse(contract, "eth"))
            .otherwise("contract").alias("contract")
        )  # fmt: skip
        made = Ledger.from_tables({"transfers": both, "coverage": units})
        return address_summary(made, S, "eth").totals["balance"].to_list()

    assert balances(whole, DUSD) == [10_000_000]
    assert balances(whole, ODD) == [None]
    assert balances(whole.filter(pl.col("kind") != "apart"), ODD) == [10_000_000]
