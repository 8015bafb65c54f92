"""The ledger: spans, late prevouts, commits, chains, digests and what it shows of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain
from chainwatch.errors import AddressError, ChainError, InputError, LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import coverage
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.units import LARGEST_AMOUNT

Tables = dict[str, pl.DataFrame]
Rows = Callable[[str, list[dict[str, object]]], pl.DataFrame]
REGTEST = chain("btc-regtest")
SPLIT, JOIN = schema.pack_tx(2, 1), schema.pack_tx(3, 1)
UNREAD = ("prev_tx", "value", "address", "script_kind", "address_basis")
NAMES = [table.name for table in schema.TABLES]


def height_of(ledger: Ledger) -> list[int]:
    return sorted(ledger.transactions.collect()["height"].to_list())


def unread(tables: Tables) -> Tables:
    """Return the tables as if nothing that is spent had been read when the inputs were."""
    nothing = [pl.lit(None, tables["inputs"].schema[name]).alias(name) for name in UNREAD]
    return {**tables, "inputs": tables["inputs"].with_columns(nothing)}


def transfer_rows(amounts: list[int | None]) -> list[dict[str, object]]:
    return [
        {
            "chain": chain("tron").id, "txid": bytes([n]), "kind": "trc20",
            "occurrence": 0, "time": datetime(2023, 6, 1 + n, tzinfo=UTC), "sender": b"\x11" * 21,
            "receiver": bytes([0x11, n]) * 10, "amount": amount,
            "amount_hex": hex(10**40) if amount is None else None, "order_uncertain": True,
            "sections": 1,
        }
        for n, amount in enumerate(amounts)
    ]  # fmt: skip


# -- tables


def test_a_property_for_every_table(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    for table in schema.TABLES:
        rows = getattr(ledger, table.name)
        assert rows.collect_schema() == pl.Schema(table.schema)
        assert rows.collect().height == len(tables.get(table.name, []))


def test_an_empty_ledger_is_fine(tmp_path: Path) -> None:
    Store.create(tmp_path / "ledger")
    for ledger in (Ledger.from_tables({}), Ledger(), open_ledger(tmp_path / "ledger")):
        assert ledger.chains == ()
        assert coverage(ledger).height == 0
        assert set(ledger.digests()) == set(NAMES)
        assert check(ledger).ok


def test_from_tables_refuses_what_does_not_fit(tables: Tables) -> None:
    with pytest.raises(LedgerError, match="no table 'blob'"):
        Ledger.from_tables({"blob": tables["blocks"]})
    with pytest.raises(LedgerError, match="table blocks"):
        Ledger.from_tables({"blocks": tables["blocks"].drop("hash")})
    with pytest.raises(LedgerError, match="no table 'record'"):
        Ledger.from_tables(tables).table("record")


def test_a_ledger_is_never_changed(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    with pytest.raises(AttributeError):
        ledger.start = datetime(2023, 1, 1, tzinfo=UTC)  # type: ignore[misc]  # frozen
    tables.clear()
    assert ledger.blocks.collect().height == 4


# -- spans


@pytest.mark.parametrize(
    ("start", "end", "heights"),
    [
        ("2023-06-01", "2023-06-02", [0, 1, 2, 2, 3, 3]),
        ("2023-06-01T01:00", "2023-06-01T03:00", [1, 2, 2]),
        ("2023-06-01 01:00:00.000001", "2023-06-01T03:00Z", [2, 2]),
        ("2023-06-01T03:00+02:00", None, [1, 2, 2, 3, 3]),
        (None, datetime(2023, 6, 1, 1), [0]),  # noqa: DTZ001 a naive bound means UTC
        (date(2023, 6, 1), datetime(2023, 6, 1, 2, tzinfo=timezone(timedelta(hours=1))), [0]),
        (date(2023, 6, 2), None, []),
        (None, None, [0, 1, 2, 2, 3, 3]),
    ],
)
def test_a_span_is_half_open_and_utc(
    tables: Tables, start: str, end: str, heights: list[int]
) -> None:
    ledger = Ledger.from_tables(tables).between(start, end)
    assert height_of(ledger) == heights
    numbers = set(ledger.transactions.collect()["tx"])
    for name in ("inputs", "outputs", "output_keys"):
        kept = tables[name].filter(pl.col("tx").is_in(numbers)).height
        assert ledger.table(name).collect().height == kept


@pytest.mark.parametrize(
    "bound",
    ["", "yesterday", "2023-13-01", "1.6.2023", 20230601, 1.5, True, b"2023-06-01", "9" * 999],
)
def test_a_bound_that_is_no_time(bound: object) -> None:
    with pytest.raises(InputError, match="is no time") as caught:
        Ledger().between(bound, None)  # type: ignore[arg-type]  # what a user may type
    assert len(str(caught.value)) < 200


def test_a_span_that_ends_before_it_starts() -> None:
    for start in ("2023-06-02", "2023-06-01"):
        with pytest.raises(InputError, match="is empty; give the earlier time first"):
            Ledger().between(start, "2023-06-01")
    with pytest.raises(InputError, match="out of range"):
        Ledger().between("0001-01-01T00:00+14:00", None)


def test_a_span_within_a_span_is_what_both_share(tables: Tables) -> None:
    wide = Ledger.from_tables(tables).between("2023-06-01T01:00", "2023-06-01T03:00")
    assert height_of(wide.between("2023-06-01T02:00", None)) == [2, 2]
    assert height_of(wide.between(None, "2023-06-01T02:00")) == [1]
    assert height_of(wide.between("2020-01-01", "2030-01-01")) == [1, 2, 2]
    assert height_of(wide.between("2023-06-01T03:00", None)) == []


def test_history_is_never_truncated(tables: Tables) -> None:
    ledger = Ledger.from_tables(unread(tables)).between("2023-06-01T03:00", None)
    assert height_of(ledger) == [3, 3]
    assert height_of(ledger.history) == [0, 1, 2, 2, 3, 3]
    # What an input of the span spends is older than the span, and known all the same.
    assert ledger.inputs.collect()["value"].null_count() == 0
    assert ledger.coverage.collect().height == 4


def test_transfers_are_in_the_span_by_their_own_time(frame: Rows) -> None:
    ledger = Ledger.from_tables({"transfers": frame("transfers", transfer_rows([1, 2, 3]))})
    assert ledger.between("2023-06-02", "2023-06-03").transfers.collect()["amount"].to_list() == [2]


# -- what inputs spend


@pytest.mark.parametrize(("shown", "basis"), [(None, "read"), (b"\x03" + bytes(20), "disputed")])
def test_what_only_the_unlocking_named_is_held_to_the_output(
    tables: Tables, shown: bytes | None, basis: str
) -> None:
    """Read later, the output speaks; where the unlocking named another, that is a finding."""
    right = pl.col("address")
    named = right if shown is None else pl.lit(shown)
    at = tables["inputs"].with_columns(named=named)["named"]
    late = unread(tables)
    late["inputs"] = late["inputs"].with_columns(address=at, address_basis=pl.lit(schema.REVEALED))
    ledger = Ledger.from_tables(late)
    found = ledger.inputs.collect()
    key = ["tx", "n"]
    assert found.sort(key)["address"].equals(tables["inputs"].sort(key)["address"])
    assert set(found["address_basis"]) == {basis}
    assert check(ledger).ok == (basis == "read")


def test_an_output_that_names_nobody_denies_what_was_revealed(tables: Tables) -> None:
    late = unread(tables)
    late["inputs"] = late["inputs"].with_columns(
        address=pl.lit(b"\x01" + bytes(20)), address_basis=pl.lit(schema.REVEALED)
    )
    keyed = tables["outputs"].with_columns(
        address=pl.lit(None, pl.Binary), script_kind=pl.lit("p2pk"), script=pl.lit(b"\x02\xac")
    )
    found = Ledger.from_tables({**late, "outputs": keyed}).inputs.collect()
    assert found["address"].null_count() == found.height
    assert set(found["address_basis"]) == {"disputed"}


def test_what_was_unread_is_filled_from_what_was_read_later(tables: Tables) -> None:
    late = Ledger.from_tables(unread(tables))
    assert late.digest("inputs") == Ledger.from_tables(tables).digest("inputs")


def test_what_was_not_read_stays_null(tables: Tables) -> None:
    given = unread(tables)
    given["outputs"] = given["outputs"].filter(~((pl.col("tx") == SPLIT) & (pl.col("n") == 1)))
    found = Ledger.from_tables(given).inputs.collect().sort("tx", "n")
    assert found["value"].to_list() == [50 * 10**8, 30 * 10**8, None]
    assert [found[name][2] for name in UNREAD] == [None] * 5
    assert found.columns == list(schema.INPUTS.schema)


def test_an_absent_address_stays_absent(tables: Tables) -> None:
    """A P2PK output has no address: null beside a value is not *unread*."""
    bare = pl.col("tx") == schema.pack_tx(1, 0)
    p2pk = {"address": pl.lit(None, pl.Binary), "script_kind": pl.lit("p2pk")}
    given = unread(tables)
    given["outputs"] = given["outputs"].with_columns(
        pl.when(bare).then(value).otherwise(name).alias(name) for name, value in p2pk.items()
    )
    row = Ledger.from_tables(given).inputs.filter(pl.col("tx") == SPLIT).collect()
    assert (row["value"][0], row["address"][0], row["script_kind"][0]) == (50 * 10**8, None, "p2pk")


def test_what_the_source_said_is_kept(tables: Tables) -> None:
    """A value that came with the input is not replaced; the check compares the two."""
    known = tables["inputs"].with_columns(prev_tx=pl.lit(None, pl.Int64), value=pl.col("value") + 1)
    found = Ledger.from_tables({**tables, "inputs": known}).inputs.collect().sort("tx", "n")
    assert found["prev_tx"].to_list() == [schema.pack_tx(1, 0), SPLIT, SPLIT]
    assert found["value"].to_list() == known.sort("tx", "n")["value"].to_list()
    assert found["address"].to_list() == known.sort("tx", "n")["address"].to_list()


def test_a_txid_used_twice_means_the_latest_before_the_spend(tables: Tables) -> None:
    """BIP30: coinbases of equal txid at heights 0, 1 and 3; the spend at height 2 means 1."""
    same = tables["transactions"].filter(height=1)["txid"][0]
    given = unread(tables)
    again = pl.col("coinbase") & pl.col("height").is_in([0, 3])
    given["transactions"] = given["transactions"].with_columns(
        txid=pl.when(again).then(pl.lit(same)).otherwise("txid")
    )
    given["outputs"] = given["outputs"].with_columns(
        value=pl.when(tx=schema.pack_tx(0, 0)).then(7).otherwise("value")
    )
    found = Ledger.from_tables(given).inputs.filter(pl.col("tx") == SPLIT).collect()
    assert (found["prev_tx"].to_list(), found["value"].to_list()) == (
        [schema.pack_tx(1, 0)],
        [50 * 10**8],
    )


def test_a_spend_before_its_output_is_not_believed(tables: Tables) -> None:
    given = unread(tables)
    given["inputs"] = given["inputs"].with_columns(tx=pl.lit(0), n=pl.int_range(3))
    assert Ledger.from_tables(given).inputs.collect()["value"].null_count() == 3


def test_a_later_commit_fills_an_earlier_input(tmp_path: Path, tables: Tables) -> None:
    whole = unread(tables)
    store = Store.create(tmp_path / "ledger")
    with open_writer(store) as pen:
        for newest in (True, False):  # the spending blocks are read first
            late = pl.col("tx") >= schema.pack_tx(2, 0)
            part = {
                name: rows.filter(late if newest else ~late)
                for name, rows in whole.items()
                if "tx" in rows.columns
            }
            pen.commit(part, source="test", chain=REGTEST.id, what="part")
    ledger = open_ledger(tmp_path / "ledger")
    nulls = [ledger.as_of(at).inputs.collect()["value"].null_count() for at in (1, 2)]
    assert nulls == [1, 0]
    assert ledger.digest("inputs") == Ledger.from_tables(tables).digest("inputs")


# -- commits and chains


def test_as_of_a_commit(tmp_path: Path, tables: Tables) -> None:
    store = Store.create(tmp_path / "ledger")
    with open_writer(store) as pen:
        pen.commit({"blocks": tables["blocks"].head(2)}, source="t", chain="c", what="first")
        ledger = open_ledger(tmp_path / "ledger")
        pen.commit({"blocks": tables["blocks"].tail(2)}, source="t", chain="c", what="second")
    assert ledger.blocks.collect().height == 2
    head = open_ledger(tmp_path / "ledger").between("2023-06-01T01:00", None)
    assert head.blocks.collect().height == 3
    assert head.as_of(1).blocks.collect().height == 1
    assert head.as_of(store.commit(2)).digests() == head.digests()
    with pytest.raises(LedgerError, match="no commit 3"):
        head.as_of(3)
    with pytest.raises(LedgerError, match="in memory"):
        Ledger.from_tables(tables).as_of(1)


def test_a_ledger_opened_before_the_first_commit_stays_empty(
    tmp_path: Path, tables: Tables
) -> None:
    store = Store.create(tmp_path / "ledger")
    ledger = open_ledger(tmp_path / "ledger")
    with open_writer(store) as pen:
        pen.commit({"blocks": tables["blocks"]}, source="t", chain="c", what="first")
    assert ledger.blocks.collect().height == 0
    assert ledger.as_of(1).blocks.collect().height == 4


def test_chains_and_one_chain_only(tables: Tables, frame: Rows) -> None:
    both = Ledger.from_tables({**tables, "transfers": frame("transfers", transfer_rows([1]))})
    assert [item.alias for item in both.chains] == ["btc-regtest", "tron"]
    one = both.chain_only("tron").between("2023-01-01", "2024-01-01")
    assert [item.alias for item in one.chains] == ["tron"]
    assert (one.blocks.collect().height, one.transfers.collect().height) == (0, 1)
    assert one.history.chain == chain("tron").id
    with pytest.raises(ChainError, match="unknown chain"):
        both.chain_only("bitcoin gold")


# -- addresses


def test_outputs_of_an_address(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    wanted = tables["outputs"].filter(tx=SPLIT, n=1)["address"][0]
    for given in (wanted, text(wanted, REGTEST)):
        found = ledger.outputs_of(given, "btc-regtest").collect()
        assert found.select("tx", "n").rows() == [(SPLIT, 1)]
    assert ledger.outputs_of(wanted, "btc").collect().height == 0
    assert (
        ledger.between("2023-06-01T03:00", None).outputs_of(wanted, REGTEST).collect().height == 0
    )
    with pytest.raises(AddressError):
        ledger.outputs_of("bc1nonsense", "btc-regtest")


def test_transfers_of_an_address(frame: Rows) -> None:
    ledger = Ledger.from_tables({"transfers": frame("transfers", transfer_rows([1, 2]))})
    assert ledger.transfers_of(b"\x11" * 21, "tron").collect().height == 2
    assert ledger.transfers_of(bytes([0x11, 1]) * 10, "tron").collect()["amount"].to_list() == [2]
    assert ledger.transfers_of(b"\x11" * 21, "eth").collect().height == 0


# -- digests and summary


def test_digests_follow_content_not_order(tables: Tables) -> None:
    shuffled = {name: rows.reverse() for name, rows in tables.items()}
    whole = Ledger.from_tables(tables).digests()
    assert Ledger.from_tables(shuffled).digests() == whole
    changed = {**tables, "blocks": tables["blocks"].with_columns(nonce=pl.lit(8))}
    other = Ledger.from_tables(changed).digests()
    assert [name for name in NAMES if other[name] != whole[name]] == ["blocks"]


def test_summary_counts_each_chain(tables: Tables, frame: Rows) -> None:
    given = {**tables, "transfers": frame("transfers", transfer_rows([1, None, LARGEST_AMOUNT]))}
    given["inputs"] = unread(tables)["inputs"]
    given["outputs"] = given["outputs"].filter(pl.col("tx") != SPLIT)
    rows = {row["chain"]: row for row in coverage(Ledger.from_tables(given)).to_dicts()}
    coins, account = rows[REGTEST.id], rows[chain("tron").id]
    counts = ("blocks", "transactions", "inputs", "outputs", "transfers", "unread_inputs")
    assert [coins[name] for name in counts] == [4, 6, 3, 5, 0, 2]
    assert [account[name] for name in counts] == [0, 0, 0, 0, 3, 0]
    assert (coins["first_height"], coins["last_height"]) == (0, 3)
    assert (account["first_height"], account["last_height"]) == (None, None)
    assert account["last_time"] == datetime(2023, 6, 3, tzinfo=UTC)


# -- what it shows of itself


def test_repr_is_short_and_reads_no_table(tmp_path: Path, tables: Tables) -> None:
    path = tmp_path / "<b>otter & co"
    with open_writer(Store.create(path)) as pen:
        pen.commit({"blocks": tables["blocks"]}, source="<script>", chain="c", what="a & b")
    ledger = open_ledger(path).chain_only("btc-regtest").between("2023-06-01", None)
    for log in path.glob("*/*.parquet"):
        log.unlink()
    assert repr(ledger) == (
        "Ledger(<b>otter & co, commit 1, btc-regtest, 2023-06-01T00:00:00Z to open)"
    )
    shown = ledger._repr_html_()
    assert "&lt;b&gt;otter &amp; co" in shown
    assert "&lt;script&gt;: a &amp; b" in shown
    assert "<script" not in shown
    assert repr(Ledger.from_tables(tables)) == "Ledger(in memory)"
