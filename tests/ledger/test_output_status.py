"""What is known of an output, claim by claim: blocks, histories, both, and contradictions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.ledger.coverage import read_to
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus, owner_key

REGTEST = chain("btc-regtest").id
START = datetime(2023, 6, 1, tzinfo=UTC)
ME, SCRIPT = b"\x01" + b"m" * 20, b"\x21\x02" + b"k" * 32 + b"\xac"
Rows = Callable[[str, list[dict[str, object]]], pl.DataFrame]


def name(height: int, branch: str = "") -> bytes:
    return sha256(f"{branch}{height}".encode()).digest()


def day(height: int) -> datetime:
    return START + timedelta(days=height)


def block(height: int, branch: str = "", below: str | None = None) -> dict[str, Any]:
    """Return a whole block: a row of blocks; ``below`` is the branch of its parent."""
    parent = name(height - 1, branch if below is None else below)
    return {"height": height, "hash": name(height, branch), "parent": parent}


def history(
    height: int | None, source: str = "esplora", *, whole: bool | None = True, of: bytes = ME,
    branch: str = "", tail: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return a reading of a history, of an address or (where it is longer) of a script."""
    tip = None if height is None else name(height, branch)
    address = of if len(of) == 21 else None
    unit = f"{owner_key(address, of)}/{(tip or b'').hex()}{tail}/{source}"
    return {
        "unit": unit, "kind": "address" if address else "script", "height": height, "block": tip,
        "address": address, "complete": whole, "source": source,
        "to_time": None if height is None else day(height),
    }  # fmt: skip


@pytest.fixture
def read(frame: Rows) -> Callable[..., OutputStatus]:
    """Return what was read, of blocks and histories."""

    def make(*units: dict[str, Any]) -> OutputStatus:
        return OutputStatus.read(ledger_of(frame, *units), "btc-regtest")

    return make


def ledger_of(frame: Rows, *units: dict[str, Any]) -> Ledger:
    blocks = [
        {**unit, "chain": REGTEST, "time": day(unit["height"]), "version": 1, "merkle_root": b"",
         "bits": 1, "nonce": 1, "tx_count": 0, "size": 80}
        for unit in units if "hash" in unit
    ]  # fmt: skip
    covered = [
        {"unit": f"block/{unit['hash'].hex()}", "kind": "block", "height": unit["height"],
         "block": unit["hash"], "complete": True, "source": "node"} if "hash" in unit else unit
        for unit in units
    ]  # fmt: skip
    whole = [{**unit, "chain": REGTEST, "answer": bytes(32)} for unit in covered]
    return Ledger.from_tables(
        {"blocks": frame("blocks", blocks), "coverage": frame("coverage", whole)}
    )


def told(status: OutputStatus, height: int, of: bytes = ME, branch: str = "") -> str | None:
    """Return in words up to which block an output of a height is unspent."""
    owner = owner_key(of, None) if len(of) == 21 else owner_key(None, of)
    known = status.unspent(height, name(height, branch), owner)
    return None if known is None else str(known)


def test_a_run_of_blocks_speaks_up_to_its_end(read: Callable[..., OutputStatus]) -> None:
    status = read(*map(block, [0, 1, 2, 3, 6, 7]))
    assert told(status, 1) == "block 3 (2023-06-04), by blocks"
    assert told(status, 3) == "block 3 (2023-06-04), by blocks"
    assert told(status, 6) == "block 7 (2023-06-08), by blocks"
    assert told(status, 5) is None
    assert status.why_not(5, owner_key(ME, None)) == (
        "block 5 was not read whole, and no history of its address was"
    )


def test_blocks_that_are_not_linked_are_two_runs(read: Callable[..., OutputStatus]) -> None:
    status = read(block(0), block(1), block(2, below="x"))
    assert told(status, 0) == "block 1 (2023-06-02), by blocks"


def test_a_block_of_the_height_is_not_its_block(read: Callable[..., OutputStatus]) -> None:
    assert told(read(block(1, "other")), 1) is None


def test_a_history_speaks_up_to_its_tip(read: Callable[..., OutputStatus]) -> None:
    status = read(history(9))
    assert told(status, 5) == "block 9 (2023-06-10), by the history of the address from esplora"
    assert told(status, 9) is not None
    assert told(status, 10) is None
    assert status.why_not(10, owner_key(ME, None)).endswith(
        "the history of its address from esplora ends before it, at block 9"
    )
    assert told(status, 5, of=b"\x01" + b"o" * 20) is None


def test_the_history_of_a_script(read: Callable[..., OutputStatus]) -> None:
    status = read(history(9, of=SCRIPT))
    assert told(status, 5, SCRIPT) == (
        "block 9 (2023-06-10), by the history of the script from esplora"
    )
    assert told(status, 5) is None
    assert told(status, 5, SCRIPT + b"x") is None


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (history(None), "does not say up to which block it was read"),
        (history(9, whole=False), "does not claim to be whole"),
        (history(9, whole=None), "does not claim to be whole"),
    ],
)
def test_a_history_that_claims_too_little(
    read: Callable[..., OutputStatus], reading: dict[str, Any], words: str
) -> None:
    status = read(reading)
    assert told(status, 5) is None
    assert status.why_not(5, owner_key(ME, None)).endswith(words)


def test_the_highest_claim_holds(read: Callable[..., OutputStatus]) -> None:
    chain_to_6 = [block(height) for height in range(7)]
    assert told(read(*chain_to_6, history(9)), 2).startswith("block 9 ")  # type: ignore[union-attr]
    assert told(read(*chain_to_6, history(4)), 2) == "block 6 (2023-06-07), by blocks"
    assert told(read(*chain_to_6, history(6)), 2) == "block 6 (2023-06-07), by blocks"
    two = read(history(4, "electrum"), history(9, "esplora"))
    assert told(two, 2) == "block 9 (2023-06-10), by the history of the address from esplora"
    cut = read(history(4, "electrum"), history(9, "esplora", whole=False))
    assert told(cut, 2) == "block 4 (2023-06-05), by the history of the address from electrum"


def test_a_history_and_the_blocks_after_it_are_one_claim(
    read: Callable[..., OutputStatus],
) -> None:
    words = (
        "block 8 (2023-06-09), by the history of the address from esplora up to block 5,"
        " and by blocks after it"
    )
    assert told(read(history(5), block(6), block(7), block(8)), 2) == words
    assert told(read(history(5), block(4), block(5), block(6), block(7), block(8)), 2) == words
    assert told(read(history(5), block(7), block(8)), 2).startswith("block 5 ")  # type: ignore[union-attr]
    assert told(read(history(5), block(6, below="x"), block(7)), 2).startswith("block 5 ")  # type: ignore[union-attr]


def test_of_two_histories_the_one_that_blocks_go_on_from_may_reach_higher(
    read: Callable[..., OutputStatus],
) -> None:
    status = read(
        history(3, "electrum"), history(5), block(4), block(5, "y", below=""), block(6, "y")
    )
    assert told(status, 2) == (
        "block 6 (2023-06-07), by the history of the address from electrum up to block 3,"
        " and by blocks after it"
    )


def test_a_history_of_another_branch_says_nothing(read: Callable[..., OutputStatus]) -> None:
    status = read(block(4), history(4, branch="x"))
    assert told(status, 2) is None
    assert status.why_not(2, owner_key(ME, None)).endswith("ends on another branch of the chain")


def test_what_a_server_counts_against_it_is_heard_up_to_its_own_tip(
    read: Callable[..., OutputStatus],
) -> None:
    denied = history(9, "other", whole=False, tail="/partial/3")
    assert told(read(history(9), denied), 2) is None
    assert told(read(history(8), denied), 2) is None, "what is missing may lie below block 8"
    assert told(read(history(10), denied), 2).startswith("block 10 ")  # type: ignore[union-attr]
    assert told(read(history(9), history(9, "other", whole=False, tail="/newest/3")), 2) is not None


def test_two_branches(read: Callable[..., OutputStatus]) -> None:
    """An output of the stem is unspent in both, up to the end of the longer one."""
    stem = [block(0), block(1)]
    one, two = [block(2, "a", below="")], [block(2, "b", below=""), block(3, "b")]
    status = read(*stem, *one, *two)
    assert told(status, 1) == "block 3 (2023-06-04), by blocks"
    assert told(status, 2, branch="a") == "block 2 (2023-06-03), by blocks"
    assert told(status, 2, branch="b") == "block 3 (2023-06-04), by blocks"
    assert status.history_of(ME) is None, "payments of both branches are in the tables"


def test_a_spender_speaks_before_every_claim(read: Callable[..., OutputStatus]) -> None:
    status = read(block(1), block(2), history(9))
    said = status.status(1, name(1), owner_key(ME, None), spender=5 << 24, spendable=True)
    assert said == ("spent", None, None, "spent at height 5")
    burnt = status.status(1, name(1), owner_key(ME, None), spender=None, spendable=False)
    assert burnt[0] == "cannot be spent"


def test_the_history_of_an_address_needs_every_block_or_its_history(
    read: Callable[..., OutputStatus],
) -> None:
    assert str(read(block(0), block(1)).history_of(ME)) == "block 1 (2023-06-02), by blocks"
    assert read(block(1), block(2)).history_of(ME) is None
    assert read(block(0), block(2)).history_of(ME).height == 0  # type: ignore[union-attr]
    assert read(history(1), block(2)).history_of(ME).height == 2  # type: ignore[union-attr]


def test_a_block_of_an_export_without_its_parent_is_whole(frame: Rows) -> None:
    """It has no row in ``blocks``: its unit of coverage tells it and its time."""
    first = {"unit": "dump/1", "kind": "dump", "height": 4, "block": name(4), "complete": True,
             "source": "etl", "from_time": day(4)}  # fmt: skip
    ledger = ledger_of(frame, first, block(5))
    status = OutputStatus.read(ledger, "btc-regtest")
    assert told(status, 4) == "block 5 (2023-06-06), by blocks"
    alone = OutputStatus.read(ledger_of(frame, first), "btc-regtest")
    assert told(alone, 4) == "block 4 (2023-06-05), by blocks"


def test_headers_and_single_transactions_are_no_blocks(frame: Rows) -> None:
    ledger = ledger_of(frame, block(1), block(2))
    proven = {"chain": REGTEST, "unit": "transaction/2/1", "kind": "transaction", "height": 2,
              "block": name(2), "complete": True, "source": "esplora", "answer": b""}  # fmt: skip
    kept = ledger.coverage.filter(pl.col("height") == 1).collect()
    read = pl.concat([kept, frame("coverage", [proven])])
    other = Ledger.from_tables({**(ledger.frames or {}), "coverage": read})
    assert told(OutputStatus.read(other, "btc-regtest"), 1) == "block 1 (2023-06-02), by blocks"
    assert told(OutputStatus.read(other, "btc-regtest"), 2) is None


def test_how_far_was_read(frame: Rows) -> None:
    def said(*units: dict[str, Any]) -> list[str]:
        return [str(one) for one in read_to(ledger_of(frame, *units), "btc-regtest")]

    other = history(7, of=b"\x01" + b"o" * 20)
    end = "by the history of an address or script from esplora"
    assert said() == []
    assert said(block(1), block(4)) == ["block 4 (2023-06-05), by blocks"]
    assert said(history(2), history(7), other) == [f"block 7 (2023-06-08), {end}"]
    assert said(block(1), history(2), other) == [
        "block 1 (2023-06-02), by blocks",
        f"block 2 (2023-06-03), {end}",
        f"block 7 (2023-06-08), {end}",
    ]


def test_a_denial_at_an_unknown_height_speaks_against_every_history(
    read: Callable[..., OutputStatus],
) -> None:
    """A server that counts more than it lists, and does not say up to where, may mean any block."""
    denied = history(None, "other", whole=False, tail="/partial/3")
    assert told(read(history(9)), 2) is not None
    assert told(read(history(9), denied), 2) is None
