"""Look-ups: one answer from index and tables, honest where something is unread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.errors import AddressError, ArgumentError, LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary, show, transaction_summary
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

Tables = dict[str, pl.DataFrame]
SUBSIDY = 50 * 10**8
TRON = chain("tron").id


@pytest.fixture(scope="module")
def indexed(otter_case: Any, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Return a copy of the simulated ledger with an index."""
    folder = tmp_path_factory.mktemp("indexed") / "ledger"
    tables = {t.name: otter_case.ledger.table(t.name).collect() for t in schema.TABLES}
    with open_writer(Store.create(folder)) as writer:
        writer.commit(tables, source="test", chain=chain("btc-regtest").id, what="all")
    ledger = open_ledger(folder)
    build_index(ledger)
    return ledger


def assert_alike(ours: Any, theirs: Any) -> None:
    for name, rows in ours.tables().items():
        frame, key, other = rows.frame, rows.key, theirs.tables()[name].frame
        assert frame.schema == other.schema, name
        assert frame.equals(other, null_equal=True), name
        assert frame.select(key).is_duplicated().sum() == 0, name
    assert ours._repr_html_() == theirs._repr_html_()
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("what", [None, ["x"], pl.DataFrame({"address": ["x"]}), 3.5])
def test_what_is_neither_address_nor_transaction_is_refused_in_words(
    indexed: Ledger, what: Any
) -> None:
    with pytest.raises(ArgumentError, match="pass one address or transaction id"):
        show(indexed, what)


def test_addresses_from_index_and_tables(indexed: Ledger) -> None:
    every = indexed.outputs.select("address").drop_nulls().unique().collect()["address"].sort()
    middle = indexed.transactions.select(pl.col("time").median()).collect().item()
    for ledger in (indexed, indexed.between(middle, None), indexed.between(None, middle)):
        for one in every.gather_every(97).to_list():
            assert_alike(address_summary(ledger, one), address_summary(ledger, one, index=False))


def test_transactions_from_index_and_tables(indexed: Ledger) -> None:
    for txid in indexed.transactions.collect().sort("tx")["txid"].gather_every(90).to_list():
        ours, theirs = (transaction_summary(indexed, txid, index=way) for way in (True, False))
        assert_alike(ours, theirs)
        assert (ours.fee, ours.block, ours.tx) == (theirs.fee, theirs.block, theirs.tx)


def test_all_balances_add_up_to_what_was_mined(indexed: Ledger) -> None:
    """Over all addresses: received is what outputs pay to them, and nothing is spent twice."""
    paid = indexed.outputs.filter(pl.col("address").is_not_null()).collect()
    every = paid["address"].unique().sort().to_list()[:150]
    for one in every:
        found = address_summary(indexed, one)
        assert found.received == paid.filter(pl.col("address") == one)["value"].sum()
        assert found.balance == found.received - found.spent >= 0


def test_an_address_of_the_small_chain(tables: Tables, named: Callable[[str], bytes]) -> None:
    ledger = Ledger.from_tables(tables)
    split = tables["outputs"].filter(pl.col("tx") == schema.pack_tx(2, 1))
    mine, other = split["address"].to_list()
    found = address_summary(ledger, mine)
    assert (found.received, found.spent, found.balance) == (30 * 10**8, 30 * 10**8, 0)
    assert found.transactions == 2
    assert found.history["tx"].to_list() == [schema.pack_tx(2, 1), schema.pack_tx(3, 1)]
    assert found.last_seen - found.first_seen == timedelta(hours=1)
    assert found.counterparties["amount"].null_count() == 3, "what passed is in no transaction"
    rows = found.counterparties.select("direction", "what", "counterparty", "at_most", "beside")
    miner = tables["inputs"]["address"][0]
    assert rows.rows() == [
        ("in", "address", miner, Decimal(30 * 10**8), Decimal(SUBSIDY)),
        ("out", "no address", None, Decimal(30 * 10**8), Decimal(SUBSIDY - 1500)),
        ("with", "address", other, Decimal(0), Decimal(20 * 10**8 - 1000)),
    ]
    assert found.complete
    assert found.coverage == ("every block from 0 to 3 (2023-06-01) was read",)


def test_a_span_narrows_history_and_no_balance(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    times = tables["blocks"]["time"].to_list()
    mine = tables["inputs"]["address"][1]
    late = address_summary(ledger.between(times[3], None), mine)
    assert (late.received, late.spent, late.balance) == (0, 30 * 10**8, 0)
    early = address_summary(ledger.between(None, times[3]), mine)
    assert (early.received, early.spent, early.balance) == (30 * 10**8, 0, 30 * 10**8)


def test_no_balance_where_a_block_is_missing(tables: Tables) -> None:
    height = pl.col("tx") // 2**schema.POSITION_BITS
    lacking = {
        name: rows.filter((pl.col("height") if "height" in rows.columns else height) != 1)
        for name, rows in tables.items()
    }
    found = address_summary(Ledger.from_tables(lacking), tables["inputs"]["address"][1])
    assert found.received == 30 * 10**8
    assert found.balance is None
    assert not found.complete
    assert "unknown" in repr(found)
    assert "no balance is given" in found.coverage[-1]


def test_a_header_alone_is_no_block_read(tables: Tables) -> None:
    tables["coverage"] = tables["coverage"].filter(pl.col("height") != 2)
    assert (
        address_summary(Ledger.from_tables(tables), tables["inputs"]["address"][1]).balance is None
    )


@pytest.mark.parametrize(("whole", "height", "balance"), [(True, 3, 0), (True, 2, None),
                                                          (False, 3, None)])  # fmt: skip
def test_a_history_that_was_read_by_address(
    tables: Tables, whole: bool, height: int, balance: int | None
) -> None:
    mine = tables["inputs"]["address"][1]
    row = tables["coverage"].tail(1).with_columns(
        pl.lit(f"address/{mine.hex()}").alias("unit"), pl.lit("address").alias("kind"),
        pl.lit(mine).alias("address"), pl.lit(whole).alias("complete"),
        pl.lit(height, pl.Int64).alias("height"),
    )  # fmt: skip
    tables["coverage"] = pl.concat([tables["coverage"].head(1), row])
    assert address_summary(Ledger.from_tables(tables), mine).balance == balance


def test_what_was_not_read_is_said(small_ledger: Callable[[str], Ledger],
                                   named: Callable[[str], bytes]) -> None:  # fmt: skip
    ledger = small_ledger("mix: A=60_000 ? pk:K=50_000 -> B=70_000 data=0")
    found = address_summary(ledger, named("B"))
    names = ("direction", "what", "transactions", "at_most", "beside")
    assert found.counterparties.select(names).rows() == [
        ("in", "address", 1, Decimal(60_000), Decimal(60_000)),
        ("in", "no address", 1, Decimal(50_000), Decimal(50_000)),
        ("in", "not read", 1, Decimal(70_000), None),
    ]
    made = transaction_summary(ledger, ledger.transactions.collect()["txid"][0])
    assert made.fee is None
    assert "3 (1 not read)" in repr(made)


def test_a_span_is_said(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    mine = tables["inputs"]["address"][1]
    found = address_summary(ledger.between("2030-01-01", "2031-01-01"), mine)
    assert found.received == 0
    assert found.coverage[0] == (
        "only what lies between 2030-01-01T00:00:00Z and 2031-01-01T00:00:00Z is shown"
    )
    assert "2030-01-01" in found._repr_html_()
    assert not any("only what lies" in words for words in address_summary(ledger, mine).coverage)


def test_a_key_given_for_an_address_is_not_repeated(tables: Tables) -> None:
    key = (
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD"
        "265TMg7usUDFdp6W1EGMcet8"
    )
    with pytest.raises(AddressError, match="extended") as caught:
        address_summary(Ledger.from_tables(tables), key)
    assert key[:12] not in str(caught.value)
    assert "not repeated here" in str(caught.value)


def test_a_transaction_of_the_small_chain(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    number = schema.pack_tx(2, 1)
    made = transaction_summary(ledger, number)
    assert (made.fee, made.height, made.coinbase) == (1000, 2, False)
    assert made.block == tables["blocks"]["hash"][2]
    assert made.outputs["spender"].to_list() == [schema.pack_tx(3, 1)] * 2
    assert (
        made.tx
        == transaction_summary(ledger, made.txid).tx
        == transaction_summary(ledger, made.text).tx
        == number
    )
    assert transaction_summary(ledger, schema.pack_tx(1, 0)).fee is None


def test_the_proof_is_found(tables: Tables) -> None:
    txid = tables["transactions"]["txid"][1]
    row = {"digest": bytes(32), "source": "s", "request": f"/tx/{txid[::-1].hex()}/merkle-proof",
           "host": "h", "time": tables["blocks"]["time"][0], "size": 2, "body": b"{}"}  # fmt: skip
    tables["answers"] = pl.DataFrame([row], schema=schema.ANSWERS.schema)
    ledger = Ledger.from_tables(tables)
    assert transaction_summary(ledger, txid).proof["body"].to_list() == [b"{}"]
    assert transaction_summary(ledger, tables["transactions"]["txid"][2]).proof.height == 0


def test_what_is_not_there_is_an_error(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    for unknown in (bytes(32), "ab" * 32, 5):
        with pytest.raises(LedgerError, match="no such transaction"):
            transaction_summary(ledger, unknown)
    never = address_summary(ledger, b"\x03" + bytes(20))
    assert (never.received, never.balance, never.transactions, never.first_seen) == (0, 0, 0, None)
    several = "Ethereum, Base, OP Mainnet, Arbitrum One, BNB Smart Chain or Polygon PoS"
    with pytest.raises(AddressError, match=f"an address of {several}, not of Bitcoin regtest"):
        address_summary(ledger, "0x" + "00" * 20)


def test_two_transactions_of_one_id_are_not_mixed(tables: Tables) -> None:
    rows = tables["transactions"]
    ids = rows["txid"].to_list()
    tables["transactions"] = rows.with_columns(pl.Series("txid", [ids[0], *ids[:1], *ids[2:]]))
    ledger = Ledger.from_tables(tables)
    with pytest.raises(LedgerError, match="2 transactions have this id"):
        transaction_summary(ledger, ids[0])
    assert transaction_summary(ledger, schema.pack_tx(1, 0)).height == 1


def test_reprs_name_no_bystander(indexed: Ledger) -> None:
    from chainwatch.addresses.canonical import text

    mine = indexed.inputs.select("address").drop_nulls().collect()["address"][0]
    found = address_summary(indexed, mine)
    shown = repr(found) + found._repr_html_()
    others = found.counterparties["counterparty"].drop_nulls().to_list()
    assert others
    assert not [one for one in others if text(one, "btc-regtest") in shown or one.hex() in shown]
    made = transaction_summary(indexed, found.history["txid"][0])
    shown = repr(made) + made._repr_html_()
    named = pl.concat([made.inputs["address"], made.outputs["address"]]).drop_nulls().to_list()
    assert not [one for one in named if text(one, "btc-regtest") in shown]


def transfer(
    k: int, sender: bytes, receiver: bytes, amount: int | None, **more: Any
) -> dict[str, Any]:
    row = dict.fromkeys(schema.TRANSFERS.schema)
    return row | {
        "chain": TRON, "txid": bytes([k]) * 32, "kind": "trc20", "occurrence": 0, "contract": USDT,
        "time": pl.datetime(2024, 1, 1 + k, time_zone="UTC"), "sender": sender,
        "receiver": receiver, "amount": amount, "order_uncertain": True, "sections": 1,
    } | more  # fmt: skip


USDT, A, B, C = (b"\x11" + bytes([k]) * 20 for k in (9, 1, 2, 3))


@pytest.fixture
def accounts() -> Ledger:
    rows = [
        transfer(1, B, A, 100), transfer(2, A, C, 30), transfer(3, A, A, 5),
        transfer(4, C, A, 7, success=False), transfer(5, B, A, 2, contract=None, kind="native"),
    ]  # fmt: skip
    times = [row.pop("time") for row in rows]
    names = {k: v for k, v in schema.TRANSFERS.schema.items() if k != "time"}
    frame = pl.DataFrame(rows, schema=names)
    when = pl.concat([pl.select(time=time) for time in times])["time"].cast(schema.TIME)
    return Ledger.from_tables({"transfers": frame.with_columns(when)})


def test_an_account(accounts: Ledger) -> None:
    found = address_summary(accounts, A)
    totals = found.totals.select("contract", "received", "spent", "balance").rows()
    assert totals == [(None, Decimal(2), Decimal(0), None), (USDT, Decimal(105), Decimal(35), None)]
    assert (found.received, found.spent, found.balance) == (2, 0, None)
    assert found.history["direction"].to_list() == ["in", "out", "self", "in", "in"]
    rows = found.counterparties.select("contract", "direction", "counterparty", "amount").rows()
    assert sorted(rows, key=str) == sorted(
        [(None, "in", B, Decimal(2)), (USDT, "in", B, Decimal(100)), (USDT, "out", C, Decimal(30))],
        key=str,
    )
    assert "not asked for" in found.coverage[0]
    assert found.coverage[1] == (
        "of 1 transfer, 0.000002 TRX received, it is not known whether it took effect: it counts"
    )
    assert "tokens" in found._repr_html_()


def test_the_balance_of_a_token_that_was_read_wholly(accounts: Ledger) -> None:
    row = dict.fromkeys(schema.COVERAGE.schema) | {
        "chain": TRON, "unit": "u", "kind": "address", "address": A, "contract": USDT,
        "complete": True, "source": "s", "answer": bytes(32),
    }  # fmt: skip
    assert accounts.frames is not None
    tables = {**accounts.frames, "coverage": pl.DataFrame([row], schema=schema.COVERAGE.schema)}
    found = address_summary(Ledger.from_tables(tables), A)
    assert found.totals["balance"].to_list() == [None, Decimal(70)]


def test_an_account_transaction(accounts: Ledger) -> None:
    made = transaction_summary(accounts, bytes([2]) * 32)
    assert made.transfers["amount"].to_list() == [Decimal(30)]
    assert (made.tx, made.fee, made.block, made.inputs.height) == (None, None, None, 0)
    assert "transfers 1" in repr(made)


def test_the_index_is_used_where_it_is(
    indexed: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from chainwatch.ledger.lookup import finder

    def never(self: object, *args: object) -> None:
        raise AssertionError("the tables were scanned")

    mine = indexed.outputs.select("address").drop_nulls().collect()["address"][0]
    txid = indexed.transactions.collect()["txid"][0]
    monkeypatch.setattr(finder.Scans, "touching", never)
    monkeypatch.setattr(finder.Scans, "_of", never)
    assert address_summary(indexed, mine).transactions
    assert transaction_summary(indexed, txid).txid == txid


@pytest.mark.parametrize("form", [str, bytes])
def test_the_hash_of_a_block_is_called_one(otter_case: Any, form: type) -> None:
    """Explorers put both into one box; the ledger knows which of the two it holds."""
    ledger = otter_case.ledger
    block, height = ledger.blocks.sort("height").select("hash", "height").collect().row(5)
    given = block if form is bytes else block[::-1].hex()
    words = f"is the hash of block {height:,} of Bitcoin regtest, not the id of a transaction"
    with pytest.raises(LedgerError, match=words):
        transaction_summary(ledger, given)
    back = block[::-1] if form is bytes else block.hex()
    with pytest.raises(LedgerError, match="of Bitcoin regtest, written backwards, not the id"):
        transaction_summary(ledger, back)


def test_an_id_written_backwards_is_called_so(otter_case: Any) -> None:
    txid = otter_case.ledger.transactions.first().collect()["txid"][0]
    with pytest.raises(LedgerError, match=f"written backwards.*{txid[::-1].hex()}"):
        transaction_summary(otter_case.ledger, txid.hex())


def test_the_hash_of_a_block_not_read_is_seen_by_its_zeros(otter_case: Any) -> None:
    name = "00000000000000000001eb0f5d7e4b1d2c3a4f5e6b7c8d9e0f1a2b3c4d5e6f70"
    with pytest.raises(LedgerError, match="by its zeros this is the hash of a block"):
        transaction_summary(otter_case.ledger, name)
    with pytest.raises(LedgerError, match="no such transaction at 10"):
        transaction_summary(otter_case.ledger, f"10{name[2:]}")
