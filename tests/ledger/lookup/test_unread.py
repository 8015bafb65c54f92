"""Look-ups where something is not read, or is nobody's address: what is said, and in no total."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from chainwatch.addresses.bip32 import hash160
from chainwatch.bitcoin.block import parse_block
from chainwatch.chains.catalogue import chain
from chainwatch.ingest.rows.blocks import BlockRows
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.tracing.trace import trace

Tables = dict[str, pl.DataFrame]
REGTEST = "btc-regtest"
KEY = b"\x02" + b"k" * 32
LONG_KEY = b"\x04" + b"k" * 64


def script_of_key(key: bytes) -> bytes:
    return bytes([len(key)]) + key + b"\xac"


def tables_of(blocks: list[bytes], alias: str = REGTEST, *, turned: int = 0) -> Tables:
    """Return the rows of blocks; in the block of height ``turned`` the order is the other way."""
    rows = BlockRows(chain(alias), source="test")
    for height, raw in enumerate(blocks):
        block = parse_block(raw, chain(REGTEST), name="made")
        if turned and height == turned:
            block.txs[1:] = block.txs[:0:-1]
        rows.add(block, height, bytes(32))
    return rows.frames()


def kept(tables: Tables, folder: Path, alias: str = REGTEST) -> Ledger:
    """Return a ledger on disk with an index."""
    with open_writer(Store.create(folder)) as writer:
        writer.commit(tables, source="test", chain=chain(alias).id, what="all")
    ledger = open_ledger(folder)
    build_index(ledger)
    return ledger


@pytest.fixture
def bare(maker: ModuleType) -> list[bytes]:
    """A chain that pays keys and the addresses of the same keys."""
    made = maker.Chain().grow(2)
    p2pkh = b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"
    one = maker.spend([made.coins[0][:2]], [(70, script_of_key(KEY)), (5, p2pkh), (9, p2pkh)])
    two = maker.spend([made.coins[1][:2]], [(30, script_of_key(KEY)), (8, script_of_key(LONG_KEY))])
    made.add([one, two])
    made.add([maker.spend([(one.txid, 0)], [(60, maker.p2pkh(250))])])
    return made.blocks


@pytest.mark.parametrize("index", [False, True])
def test_coins_of_the_bare_key_stand_beside_an_address(
    bare: list[bytes], tmp_path: Path, index: bool
) -> None:
    ledger = kept(tables_of(bare), tmp_path / "ledger")

    def found(key: bytes, kind: int) -> tuple[list[tuple[int, str]], int]:
        got = address_summary(ledger, bytes([kind]) + hash160(key), REGTEST, index=index)
        return got.bare_keys.select("value", "status").rows(), got.received

    both = [(70, "spent"), (30, "unspent")]
    assert found(KEY, 1) == (both, 14)
    assert found(KEY, 3) == (both, 0), "of the same key another address"
    assert found(LONG_KEY, 1) == ([(8, "unspent")], 0)
    assert found(LONG_KEY, 3) == ([], 0), "a witness program takes no long key"
    assert found(KEY, 2) == ([], 0)
    got = address_summary(ledger, b"\x01" + hash160(KEY), REGTEST, index=index)
    assert got.facts()["bare key"] == (
        "2 outputs, 0.000001 rBTC in all, of which 0.0000003 rBTC are known to be unspent:"
        " paid to the bare key of this address; counted in no total of it"
    )
    assert got.bare_keys["as_of"].to_list() == [None, 4]
    early = ledger.between(None, got.bare_keys["time"][0])
    assert address_summary(early, got.address, REGTEST, index=index).bare_keys.is_empty()
    assert check(ledger).ok


def test_an_index_of_other_keys_is_found(bare: list[bytes], tmp_path: Path) -> None:
    from chainwatch.errors import LedgerError
    from chainwatch.ledger.index.index import open_index
    from chainwatch.ledger.index.verify import check_index

    ledger = kept(tables_of(bare), tmp_path / "ledger")
    made = open_index(ledger, REGTEST)
    assert made is not None
    check_index(made, ledger)
    for name in ("bare_n", "bare_size", "bare_hash"):
        wrong = dict(made.columns) | {name: made.columns[name] ^ 1}
        with pytest.raises(LedgerError, match="bare keys"):
            check_index(type(made)(made.chain, made.commit, wrong), ledger)


@pytest.fixture
def chained(maker: ModuleType) -> tuple[list[bytes], bytes, bytes]:
    """Two transactions of one block, the second spends the first; their ids."""
    made = maker.Chain().grow(2)
    parent = maker.spend([made.coins[0][:2]], [(100, maker.p2pkh(201))])
    child = maker.spend([(parent.txid, 0)], [(90, maker.p2pkh(203))])
    made.add([parent, child])
    return made.blocks, parent.txid, child.txid


MINE = b"\x01" + sha256(bytes([201])).digest()[:20]


@pytest.mark.parametrize("index", [False, True])
def test_a_spend_that_stands_before_its_parent_on_bitcoin_cash(
    chained: tuple[list[bytes], bytes, bytes], tmp_path: Path, index: bool
) -> None:
    blocks, parent, _ = chained
    network = "bch-regtest"
    ledger = kept(tables_of(blocks, network, turned=3), tmp_path / "l", network)
    found = address_summary(ledger, MINE, network, index=index)
    assert (found.complete, found.spent, found.balance) == (True, 100, 0)
    assert transaction_summary(ledger, parent, network, index=index).outputs["status"][0] == "spent"
    assert check(ledger).ok


@pytest.mark.parametrize("index", [False, True])
def test_no_balance_where_an_input_names_another_owner_than_its_output(
    chained: tuple[list[bytes], bytes, bytes], tmp_path: Path, index: bool
) -> None:
    """An export may state another owner of what is spent: ``check`` fails, both are in doubt."""
    blocks, parent, _ = chained
    tables = tables_of(blocks)
    other = b"\x01" + bytes(20)
    stated = pl.col("prev_txid") == parent
    tables["inputs"] = tables["inputs"].with_columns(
        value=pl.when(stated).then(100).otherwise("value"),
        script_kind=pl.when(stated).then(pl.lit("p2pkh")).otherwise("script_kind"),
        address=pl.when(stated).then(pl.lit(other)).otherwise("address"),
        address_basis=pl.when(stated).then(pl.lit(schema.READ)).otherwise("address_basis"),
    )
    ledger = kept(tables, tmp_path / "l")
    assert not check(ledger).ok
    for address in (MINE, other):
        found = address_summary(ledger, address, REGTEST, index=index)
        assert (found.balance, found.complete) == (None, False)
        assert "contradict each other" in found.facts()["read"]


def test_the_order_of_bitcoin_cash_is_free_since_2018_only(
    chained: tuple[list[bytes], bytes, bytes],
) -> None:
    """Below height 556,767 parents stand first, and what does not is damaged."""
    for first, whole in ((556_767, True), (556_766, False)):
        rows = BlockRows(chain("bch"), source="test")
        block = parse_block(chained[0][3], chain(REGTEST), name="made")
        block.txs[1:] = block.txs[:0:-1]
        rows.add(block, first, bytes(32))
        ledger = Ledger.from_tables(rows.frames())
        spent = ledger.inputs.filter(pl.col("value") == 100).collect()
        assert spent.height == whole
        failed = check(ledger).frame.filter(pl.col("failed") > 0)["name"].to_list()
        assert ("prevout" in failed) is not whole


@pytest.mark.parametrize("index", [False, True])
def test_the_same_on_a_chain_whose_blocks_are_ordered_is_no_balance(
    chained: tuple[list[bytes], bytes, bytes], tmp_path: Path, index: bool
) -> None:
    """Every block was read and an input is unread all the same: nothing is claimed, check fails."""
    blocks, parent, child = chained
    ledger = kept(tables_of(blocks, turned=3), tmp_path / "l")
    found = address_summary(ledger, MINE, REGTEST, index=index)
    assert (found.complete, found.balance, found.read_to) == (False, None, None)
    assert "what is spent by 1 input that may be its own was not read" in found.coverage
    other = address_summary(ledger, b"\x01" + bytes(20), REGTEST, index=index)
    assert other.balance is None, "it can be anybody's"
    (paid,) = transaction_summary(ledger, parent, REGTEST, index=index).outputs.to_dicts()
    assert paid["status"] == "spent"
    assert paid["spender"] == ledger.transactions.filter(txid=child).collect()["tx"].item()
    assert dict(unread(ledger).select("what", "count").rows())["inputs"] == 1
    failed = check(ledger).frame.filter(pl.col("failed") > 0)
    assert failed.select("name", "failed").rows() == [("prevout", 1)]
    followed = trace(ledger, [MINE], policy="fifo", chain=REGTEST)
    assert followed.ends.select("reason", "detail").rows() == [
        ("not read", "spent at height 3, before it was made: run check(ledger)")
    ]


def test_an_input_of_nothing_fails_only_where_every_block_below_was_read(
    chained: tuple[list[bytes], bytes, bytes], maker: ModuleType
) -> None:
    made = maker.Chain(list(chained[0]))
    made.add([maker.spend([(b"n" * 32, 0)], [(5, maker.p2pkh(202))])])
    tables = tables_of(made.blocks)
    assert not check(Ledger.from_tables(tables)).ok
    assert address_summary(Ledger.from_tables(tables), MINE, REGTEST).balance is None
    below = pl.col("height") > 0
    lacking = {**tables, "coverage": tables["coverage"].filter(below)}
    assert check(Ledger.from_tables(lacking)).ok
    # A history that is whole says of each input whether it is the address's own.
    mine = {
        "chain": chain(REGTEST).id, "unit": f"address/{MINE.hex()}/tip", "kind": "address",
        "height": 4, "block": tables["blocks"]["hash"][4], "address": MINE, "complete": True,
        "source": "server", "answer": bytes(32),
    }  # fmt: skip
    told = pl.DataFrame([mine], schema=schema.COVERAGE.schema, orient="row")
    lacking["coverage"] = pl.concat([lacking["coverage"], told])
    found = address_summary(Ledger.from_tables(lacking), MINE, REGTEST)
    assert (found.balance, str(found.read_to)) == (
        0, "block 4 (2023-11-14), by the history of the address from server"
    )  # fmt: skip


def test_what_passed_between_two_is_bounded_transaction_by_transaction(
    small_ledger: Callable[[str], Ledger], named: Callable[[str], bytes]
) -> None:
    ledger = small_ledger("""
        one: A=60_000 B=50_000 -> C=10_000 D=90_000
        two: A=3_000 -> C=2_000 A=900
        out: C=10_000 ? -> B=15_000 A=4_000
    """)
    found = address_summary(ledger, named("C"))
    rows = found.counterparties.select("direction", "counterparty", "amount", "at_most", "beside")
    assert rows.filter(direction="in").sort("beside").rows() == [
        ("in", named("B"), None, Decimal(10_000), Decimal(50_000)),
        ("in", named("A"), None, Decimal(12_000), Decimal(63_000)),
    ]
    assert rows.filter(direction="out").sort("beside").rows() == [
        ("out", named("A"), None, Decimal(4_000), Decimal(4_000)),
        ("out", named("B"), None, Decimal(10_000), Decimal(15_000)),
    ]


def test_a_balance_says_as_of_which_block_it_holds(maker: ModuleType) -> None:
    """The coin of block 3 is spent in block 4, which was not read; blocks 5 and 6 were."""
    made = maker.Chain().grow(2)
    paid = maker.spend([made.coins[0][:2]], [(70, maker.p2pkh(250))])
    made.add([paid])
    made.add([maker.spend([(paid.txid, 0)], [(60, maker.p2pkh(251))])])
    made.grow(2)
    rows = BlockRows(chain(REGTEST), source="test")
    for height, raw in enumerate(made.blocks):
        if height != 4:
            rows.add(parse_block(raw, chain(REGTEST), name="made"), height, bytes(32))
    ledger = Ledger.from_tables(rows.frames())
    held = ledger.outputs.filter(pl.col("value") == 70).collect().row(0, named=True)
    facts = address_summary(ledger, held["address"], REGTEST).facts()
    assert facts["balance"].startswith("0.0000007 rBTC as of block 3 (")
    assert (
        "of what follows only 2 later blocks that do not join on; the highest is block 6"
        in (facts["read"])
    )


def test_what_was_spent_of_an_unread_value_is_not_zero(
    real_ledger: Callable[..., Ledger],
) -> None:
    """A block alone names who spends, and not how much."""
    address, paid = b"\x01" + b"s" * 20, b"\x00\x14" + b"p" * 20
    made = real_ledger([(bytes([1]) * 32, [(None, None)], [(5, paid)])], "btc")
    assert made.frames is not None
    named = made.frames["inputs"].with_columns(
        address=pl.lit(address), address_basis=pl.lit("revealed")
    )
    ledger = Ledger.from_tables({**made.frames, "inputs": named})
    found = address_summary(ledger, address, chain="btc")
    assert found.history["spent"].to_list() == [None]
    assert (found.spent, found.balance) == (None, None)
    assert "spent 0" not in repr(found)
