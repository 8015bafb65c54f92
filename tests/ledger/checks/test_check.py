"""The checks: an honest chain passes; each corruption fails exactly the checks it must."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.errors import ConservationError, LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import CheckReport, check
from chainwatch.ledger.checks.invariants import CHECKS
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

Tables = dict[str, pl.DataFrame]
Rows = Callable[[str, list[dict[str, object]]], pl.DataFrame]
REGTEST, BTC = chain("btc-regtest").id, chain("btc").id
SPLIT, JOIN = schema.pack_tx(2, 1), schema.pack_tx(3, 1)
COINBASE_2, COINBASE_3 = schema.pack_tx(2, 0), schema.pack_tx(3, 0)
SUBSIDY = 50 * 10**8


def put(tables: Tables, name: str, where: pl.Expr, **values: object) -> None:
    """Overwrite columns of the rows of a table that a condition names."""
    rows = tables[name]
    literal = {key: pl.lit(value, rows.schema[key]) for key, value in values.items()}
    tables[name] = rows.with_columns(
        pl.when(where).then(value).otherwise(key).alias(key) for key, value in literal.items()
    )


def pay(tables: Tables, tx: int, more: int) -> None:
    """Raise the first output of a transaction, and its sum, by an amount."""
    first = (pl.col("tx") == tx) & (pl.col("n") == 0)
    value = pl.when(first).then(pl.col("value") + more).otherwise("value")
    tables["outputs"] = tables["outputs"].with_columns(value=value)
    total = pl.when(tx=tx).then(pl.col("output_value") + more).otherwise("output_value")
    tables["transactions"] = tables["transactions"].with_columns(output_value=total)


def drop(tables: Tables, name: str, where: pl.Expr) -> None:
    tables[name] = tables[name].filter(~where)


def repeat(tables: Tables, name: str) -> None:
    tables[name] = pl.concat([tables[name], tables[name].tail(1)])


def failed(report: CheckReport) -> set[str]:
    return set(report.frame.filter(pl.col("failed") > 0)["name"])


def row(report: CheckReport, name: str) -> dict[str, object]:
    return report.frame.row(by_predicate=pl.col("name") == name, named=True)


def counts(report: CheckReport, name: str) -> tuple[object, ...]:
    found = row(report, name)
    return found["checked"], found["failed"], found["unread"]


tx, n, height = pl.col("tx"), pl.col("n"), pl.col("height")
FIRST_OF_SPLIT = (tx == SPLIT) & (n == 0)
SECOND_OF_JOIN = (tx == JOIN) & (n == 1)


def overpay(tables: Tables) -> None:
    """Pay 2 coins more than the inputs hold; the coinbase gives up its claim on lost fees."""
    pay(tables, JOIN, 2 * 10**8)
    pay(tables, COINBASE_3, -2 * 10**8)


def wrap(tables: Tables) -> None:
    """Pay 2**64 more than is stated, which a sum in 64 bits would not see."""
    genesis = tables["outputs"].filter(tx=0)
    paid = [2**63 - 1, 2**63 - 1, SUBSIDY + 2]
    more = [
        genesis.with_columns(n=pl.lit(at, pl.Int64), value=pl.lit(value, pl.Int64))
        for at, value in enumerate(paid)
    ]
    tables["outputs"] = pl.concat([tables["outputs"].filter(tx != 0), *more])
    put(tables, "transactions", tx == 0, output_count=3)


def show_key(tables: Tables, tx: int, times: int) -> None:
    """Let the first input of a transaction show a key, so many times."""
    row = {"chain": REGTEST, "tx": tx, "n": 0, "k": 0, "required": 1, "key": b"\x02"}
    tables["input_keys"] = pl.DataFrame(times * [row], schema=schema.INPUT_KEYS.schema)


CORRUPTIONS: dict[str, tuple[Callable[[Tables], None], set[str]]] = {
    "fee": (overpay, {"fee"}),
    "reward": (lambda t: pay(t, COINBASE_2, 1), {"reward"}),
    "output value": (
        lambda t: put(t, "transactions", tx == schema.pack_tx(0, 0), output_value=SUBSIDY - 1),
        {"output value"},
    ),
    "output value that wraps in 64 bits": (wrap, {"output value"}),
    "input count": (
        lambda t: put(t, "transactions", tx == JOIN, input_count=3), {"input count"},
    ),
    "a coinbase that spends": (
        lambda t: put(t, "transactions", tx == JOIN, coinbase=True), {"input count", "reward"},
    ),
    "output count": (
        lambda t: put(t, "transactions", tx == SPLIT, output_count=3), {"output count"},
    ),
    "an output without transaction": (
        lambda t: put(t, "output_keys", tx == JOIN, tx=JOIN + 1), {"parts"},
    ),
    "a key without transaction": (lambda t: show_key(t, JOIN + 1, 1), {"parts"}),
    "unique input_keys": (lambda t: show_key(t, JOIN, 2), {"unique input_keys"}),
    "prevout value": (lambda t: put(t, "inputs", tx == SPLIT, value=SUBSIDY + 1), {"prevout"}),
    "prevout address": (lambda t: put(t, "inputs", tx == SPLIT, address=b"\x03x"), {"prevout"}),
    "prevout address lost": (lambda t: put(t, "inputs", tx == SPLIT, address=None), {"prevout"}),
    "an unlocking names another": (
        lambda t: put(t, "inputs", tx == SPLIT, address_basis="disputed"), {"unlocked"}
    ),
    "prevout kind": (lambda t: put(t, "inputs", tx == SPLIT, script_kind="p2tr"), {"prevout"}),
    "prevout txid": (lambda t: put(t, "inputs", tx == SPLIT, prev_txid=bytes(32)), {"prevout"}),
    "prevout that is not there": (
        lambda t: put(t, "inputs", tx == SPLIT, prev_tx=schema.pack_tx(1, 9)), {"prevout"},
    ),
    "prevout that is younger": (
        lambda t: put(t, "inputs", tx == SPLIT, prev_tx=schema.pack_tx(9, 0)), {"prevout"},
    ),
    "spent twice": (
        lambda t: put(t, "inputs", SECOND_OF_JOIN, prev_n=0), {"spent once", "prevout"},
    ),
    "parent": (lambda t: put(t, "blocks", height == 2, parent=bytes(32)), {"parent"}),
    "parent of the first": (lambda t: put(t, "blocks", height == 0, parent=b"x"), {"parent"}),
    "tx count too high": (lambda t: put(t, "blocks", height == 1, tx_count=2), {"tx count"}),
    "place": (lambda t: put(t, "transactions", tx == COINBASE_2, position=5), {"place"}),
    "time": (
        lambda t: put(t, "transactions", tx == SPLIT, time=datetime(2024, 1, 1, tzinfo=UTC)),
        {"place"},
    ),
    "amount": (lambda t: pay(t, schema.pack_tx(0, 0), -SUBSIDY - 1), {"amount"}),
    "unique coverage": (lambda t: repeat(t, "coverage"), {"unique coverage"}),
    "unique output_keys": (lambda t: repeat(t, "output_keys"), {"unique output_keys"}),
    "unique blocks": (lambda t: repeat(t, "blocks"), {"unique blocks"}),
    "unique outputs": (
        lambda t: repeat(t, "outputs"), {"unique outputs", "output value", "output count"},
    ),
    "unique inputs": (
        lambda t: repeat(t, "inputs"), {"unique inputs", "input count", "spent once"},
    ),
    "unique transactions": (
        lambda t: repeat(t, "transactions"), {"unique transactions", "tx count"},
    ),
}  # fmt: skip


def test_an_honest_chain_passes_every_check_on_coins(tables: Tables) -> None:
    report = check(Ledger.from_tables(tables))
    assert report.ok
    report.raise_for_failures()
    assert report.frame["unread"].sum() == 0
    held = {f"unique {name}" for name in tables}
    plain = {item.name for item in CHECKS if not item.name.startswith("unique")}
    assert set(report.frame["name"]) == plain | held
    assert [item.name for item in CHECKS if item.name in plain | held] == list(report.frame["name"])
    assert counts(report, "fee") == (2, 0, 0)
    assert counts(report, "spent once") == (3, 0, 0)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_fails_its_own_checks(tables: Tables, name: str) -> None:
    spoil, told = CORRUPTIONS[name]
    spoil(tables)
    report = check(Ledger.from_tables(tables))
    assert failed(report) == told
    assert not report.ok
    with pytest.raises(ConservationError, match=r"checks? of the ledger failed"):
        report.raise_for_failures()


def test_every_check_on_coins_has_a_corruption() -> None:
    told = set().union(*(names for _, names in CORRUPTIONS.values()))
    elsewhere = {"one block", "transaction"} | {
        f"unique {name}"
        for name in (
            "transfers",
            "approvals",
            "freezes",
            "stakes",
            "contract_logs",
            "answers",
            "tags",
            "prices",
        )
    }
    assert told | elsewhere == {item.name for item in CHECKS}


def test_two_blocks_at_one_height(tables: Tables) -> None:
    other = (
        tables["blocks"]
        .filter(height=3)
        .with_columns(
            hash=pl.lit(b"other"), tx_count=pl.lit(0, pl.Int64), nonce=pl.lit(9, pl.Int64)
        )
    )
    tables["blocks"] = pl.concat([tables["blocks"], other])
    assert failed(check(Ledger.from_tables(tables))) == {"one block"}


def test_one_block_at_two_heights(tables: Tables) -> None:
    """A server of histories that shows an old header at a new height doubles a coinbase."""
    moved = {"height": 9, "tx": schema.pack_tx(9, 0)}
    again = tables["transactions"].filter(pl.col("tx") == COINBASE_3)
    coins = tables["outputs"].filter(pl.col("tx") == COINBASE_3)
    for name, rows in (("transactions", again), ("outputs", coins)):
        kept = {key: value for key, value in moved.items() if key in rows.columns}
        tables[name] = pl.concat([tables[name], rows.with_columns(**{
            key: pl.lit(value, pl.Int64) for key, value in kept.items()})])  # fmt: skip
    assert "one block" in failed(check(Ledger.from_tables(tables)))


@pytest.mark.parametrize(
    ("other", "wrong"), [({}, 0), ({"time": None}, 0), ({"height": 8}, 1), ({"tx": 9}, 1)]
)
def test_two_places_of_one_transaction(frame: Rows, other: dict[str, object], wrong: int) -> None:
    base: dict[str, object] = {
        "chain": chain("eth").id, "txid": b"t", "kind": "native", "occurrence": 0,
        "time": datetime(2023, 6, 1, tzinfo=UTC), "sender": b"a", "receiver": b"b", "amount": 1,
        "order_uncertain": False, "sections": 1, "height": 7, "tx": schema.pack_tx(7, 3),
    }  # fmt: skip
    rows = frame("transfers", [base, {**base, "kind": "erc20", "log_index": 0, **other}])
    assert counts(check(Ledger.from_tables({"transfers": rows})), "transaction") == (1, wrong, 0)
    log = {**base, "log_index": 0, "contract": b"c", "owner": b"a", "spender": b"b"}
    later = {**log, "time": datetime(2023, 6, 2, tzinfo=UTC)}
    told = {"transfers": frame("transfers", [base]), "approvals": frame("approvals", [later])}
    assert counts(check(Ledger.from_tables(told)), "transaction") == (1, 1, 0)


@pytest.mark.parametrize(
    "name",
    ["transfers", "approvals", "freezes", "stakes", "contract_logs", "answers", "tags", "prices"],
)
def test_a_row_twice_in_any_table(frame: Rows, name: str) -> None:
    filled: dict[str, object] = {
        "chain": "tron:0x2b6653dc", "txid": b"t", "kind": "k", "occurrence": 0, "source": "s",
        "time": datetime(2023, 6, 1, tzinfo=UTC), "sender": b"a", "receiver": b"b", "amount": 1,
        "order_uncertain": True, "sections": 1, "digest": b"d", "request": "r", "size": 1,
        "address": b"a", "label": "l", "confidence": "c", "level": 1, "pack": "p", "definer": True,
        "currency": "EUR", "granularity": "day", "price": "1", "log_index": 0, "contract": b"c",
        "owner": b"a", "spender": b"b", "action": "freeze", "n": 0, "contract_type": "c",
        "topic0": b"e", "data": b"",
    }  # fmt: skip
    rows = frame(name, [filled, filled])
    assert failed(check(Ledger.from_tables({name: rows}))) == {f"unique {name}"}


def test_a_negative_transfer_fails_and_one_too_wide_is_unread(frame: Rows) -> None:
    base: dict[str, object] = {
        "chain": chain("eth").id, "txid": b"t", "kind": "erc20", "occurrence": 0,
        "time": datetime(2023, 6, 1, tzinfo=UTC), "sender": b"a", "receiver": b"b",
        "order_uncertain": False, "sections": 1,
    }  # fmt: skip
    amounts = [10**38 - 1, -1, None]
    rows = [{**base, "log_index": at, "amount": amount} for at, amount in enumerate(amounts)]
    report = check(Ledger.from_tables({"transfers": frame("transfers", rows)}))
    assert counts(report, "amount") == (2, 1, 1)
    assert set(report.frame["name"]) == {"transaction", "amount", "unique transfers"}


# -- what is unread is counted, not judged


def test_an_unread_input_leaves_fee_and_reward_unread(tables: Tables) -> None:
    put(tables, "inputs", tx == SPLIT, value=None, prev_tx=None, address=None, script_kind=None)
    for name in ("transactions", "outputs"):
        drop(tables, name, tx == schema.pack_tx(1, 0))
    drop(tables, "coverage", height == 1)
    pay(tables, COINBASE_2, 10**8)  # cannot be judged any more
    report = check(Ledger.from_tables(tables))
    assert report.ok
    assert counts(report, "fee") == (1, 0, 1)
    assert counts(report, "reward") == (2, 0, 2)
    assert counts(report, "prevout") == (2, 0, 1)
    assert counts(report, "tx count") == (3, 0, 1)
    assert repr(report) == "CheckReport(21 checks, nothing failed, 6 verdicts unread)"


def test_a_missing_input_row_is_not_a_missing_value(tables: Tables) -> None:
    drop(tables, "inputs", SECOND_OF_JOIN)
    report = check(Ledger.from_tables(tables))
    assert failed(report) == {"input count"}
    assert counts(report, "fee") == (1, 0, 1)


def test_an_output_of_a_block_that_was_not_read_is_unread(tables: Tables) -> None:
    for name in ("blocks", "transactions", "outputs", "coverage"):
        low = height <= 1 if "height" in tables[name].columns else tx <= schema.pack_tx(1, 0)
        drop(tables, name, low)
    report = check(Ledger.from_tables(tables))
    assert report.ok
    assert counts(report, "prevout") == (2, 0, 1)
    assert counts(report, "parent") == (1, 0, 1)
    assert counts(report, "fee") == (2, 0, 0)


def test_a_block_read_in_part_is_unread_unless_it_claims_to_be_whole(tables: Tables) -> None:
    drop(tables, "transactions", tx == COINBASE_3)
    drop(tables, "outputs", tx == COINBASE_3)
    whole = check(Ledger.from_tables(tables))
    assert failed(whole) == {"tx count"}
    drop(tables, "coverage", height == 3)
    part = check(Ledger.from_tables(tables))
    assert part.ok
    assert counts(part, "tx count") == (3, 0, 1)
    assert counts(part, "reward") == (3, 0, 1)


def test_without_its_block_a_place_is_unread(tables: Tables) -> None:
    drop(tables, "blocks", height == 2)
    report = check(Ledger.from_tables(tables))
    assert report.ok
    assert counts(report, "place") == (4, 0, 2)
    assert counts(report, "parent") == (2, 0, 1)


def test_two_spends_of_which_one_is_unresolved_are_unread(tables: Tables) -> None:
    put(tables, "inputs", SECOND_OF_JOIN, prev_n=0)
    put(tables, "inputs", tx == JOIN, prev_tx=None, value=None, address=None, script_kind=None)
    for name in ("transactions", "outputs", "blocks", "coverage"):
        drop(tables, name, height == 2 if "height" in tables[name].columns else tx // 2**24 == 2)
    drop(tables, "inputs", tx == SPLIT)
    report = check(Ledger.from_tables(tables))
    assert failed(report) == {"spent once"}, "twice the same unread output is twice, whatever it is"
    put(tables, "inputs", SECOND_OF_JOIN, prev_tx=SPLIT)
    assert counts(check(Ledger.from_tables(tables)), "spent once") == (0, 0, 1)


def test_a_span_does_not_hide_a_failure(tables: Tables) -> None:
    pay(tables, COINBASE_2, 1)
    ledger = Ledger.from_tables(tables).between("2023-06-01T03:00", None)
    assert failed(check(ledger)) == {"reward"}


# -- the subsidy


@pytest.mark.parametrize(
    ("alias", "at", "allowed"),
    [
        ("btc", 0, 50 * 10**8),
        ("btc", 209_999, 50 * 10**8),
        ("btc", 210_000, 25 * 10**8),
        ("btc", 840_000, 312_500_000),
        ("btc", 6_929_999, 1),
        ("btc", 6_930_000, 0),
        ("btc", 64 * 210_000, 0),
        ("btc-testnet", 210_000, 25 * 10**8),
        ("btc-signet", 210_000, 25 * 10**8),
        ("btc-regtest", 149, 50 * 10**8),
        ("btc-regtest", 150, 25 * 10**8),
        ("ltc", 839_999, 50 * 10**8),
        ("ltc", 840_000, 25 * 10**8),
    ],
)
def test_the_subsidy_halves(tables: Tables, alias: str, at: int, allowed: int) -> None:
    for more, ok in ((0, True), (1, False)):
        one = {name: rows.head(1) for name, rows in tables.items() if name != "inputs"}
        one.pop("output_keys")
        network = chain(alias).id
        for name in one:
            one[name] = one[name].with_columns(chain=pl.lit(network))
        for name in ("blocks", "transactions", "coverage"):
            one[name] = one[name].with_columns(height=pl.lit(at, pl.Int64))
        for name in ("transactions", "outputs"):
            one[name] = one[name].with_columns(tx=pl.lit(schema.pack_tx(at, 0)))
        one["transactions"] = one["transactions"].with_columns(output_value=pl.lit(allowed + more))
        one["outputs"] = one["outputs"].with_columns(value=pl.lit(allowed + more))
        report = check(Ledger.from_tables(one))
        assert failed(report) == (set() if ok else {"reward"})


def test_a_chain_without_a_schedule_is_not_judged(tables: Tables) -> None:
    assert chain("doge").consensus.halving is None
    pay(tables, COINBASE_2, 10**12)
    doge = {
        name: rows.with_columns(chain=pl.lit(chain("doge").id)) for name, rows in tables.items()
    }
    report = check(Ledger.from_tables(doge))
    assert report.ok
    assert counts(report, "reward") == (0, 0, 4)
    assert "not judged for Dogecoin" in str(row(report, "reward")["note"])


# -- the report


def test_a_failure_names_its_place(tables: Tables) -> None:
    put(tables, "inputs", tx == SPLIT, value=SUBSIDY + 1)
    report = check(Ledger.from_tables(tables))
    assert str(row(report, "prevout")["note"]).endswith(
        "first that fails is at height 2, position 1"
    )
    assert counts(report, "prevout") == (3, 1, 0)
    with pytest.raises(ConservationError, match=f"1 check .* at {REGTEST}: .*position 1"):
        report.raise_for_failures()


def test_chains_are_reported_apart(tables: Tables) -> None:
    other = {name: rows.with_columns(chain=pl.lit(BTC)) for name, rows in tables.items()}
    pay(other, COINBASE_2, 1)
    both = {name: pl.concat([rows, other[name]]) for name, rows in tables.items()}
    report = check(Ledger.from_tables(both))
    bad = report.frame.filter(pl.col("failed") > 0)
    assert bad.select("name", "chain").rows() == [("reward", BTC)]
    assert report.frame["chain"].is_sorted()


def test_the_report_is_a_result_with_its_record(tables: Tables) -> None:
    first, again = (check(Ledger.from_tables(tables)) for _ in range(2))
    assert first.record is not None
    assert first.record == again.record
    assert first.record.step == "check"
    assert repr(first) == "CheckReport(21 checks, nothing failed, 0 verdicts unread)"
    repeat(tables, "coverage")
    bad = check(Ledger.from_tables(tables))
    assert repr(bad) == "CheckReport(21 checks, 1 failed, 0 verdicts unread)"


def test_html_is_escaped(tables: Tables) -> None:
    named = {name: rows.with_columns(chain=pl.lit("<script>")) for name, rows in tables.items()}
    shown = check(Ledger.from_tables(named))._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


# Files ------------------------------------------------------------------------------------------


def _committed(folder: Path, tables: dict[str, pl.DataFrame]) -> Ledger:
    with open_writer(Store.create(folder)) as writer:
        writer.commit(tables, source="test", chain="btc-regtest", what="blocks")
        writer.compact()
    return open_ledger(folder)


def test_files_are_as_they_were_written(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    ledger = _committed(tmp_path, tables)
    row = check(ledger).frame.row(0, named=True)
    assert row["name"] == "files"
    assert (row["checked"], row["failed"], row["unread"]) == (len(_parquet(ledger)), 0, 0)


def _parquet(ledger: Ledger) -> list[Path]:
    assert ledger.store is not None
    assert ledger.commit is not None
    return [
        path
        for table, version in {**ledger.commit.versions, "commits": None}.items()
        for path in delta.files(ledger.store.path / table, version)
    ]


def test_any_changed_byte_is_found(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    ledger = _committed(tmp_path, tables)
    for path in _parquet(ledger):
        data = path.read_bytes()
        for place in (4, len(data) // 2, len(data) - 5):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(LedgerError, match="not as they were written") as caught:
                check(ledger)
            assert str(caught.value.where).endswith(f"{path.parent.name}/{path.name}")
        path.write_bytes(data)
    assert check(ledger).ok


def _spoil(path: Path) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def _outputs(folder: Path) -> Path:
    return next((folder / "outputs").glob("*.parquet"))


def test_no_rewriting_makes_a_change_look_right(tables: Tables, tmp_path: Path) -> None:
    """Merging files, or leaving rows out, would give what was changed a digest of its own."""
    for name in ("compact", "forget"):
        with open_writer(Store.create(tmp_path / name)) as writer:
            for heights in ([0, 1], [2, 3]):
                inside = pl.col("tx") // 2**schema.POSITION_BITS
                outputs = tables["outputs"].filter(inside.is_in(heights))
                writer.commit({"outputs": outputs}, source="t", chain="btc-regtest", what="some")
            _spoil(_outputs(tmp_path / name))
            rewrite = {
                "compact": writer.compact,
                "forget": partial(writer.forget, "btc-regtest", 0, source="t", what="all"),
            }
            with pytest.raises(LedgerError, match=r"as it was written|cannot be read"):
                rewrite[name]()
        with open_writer(Store.open(tmp_path / name)):
            pass
        with pytest.raises(LedgerError, match="1 files of the ledger are not as they were"):
            check(open_ledger(tmp_path / name))


@pytest.mark.parametrize("point", ["before compact commits", "before compact transfers"])
def test_a_death_does_not_make_a_change_look_right(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Putting tables back writes old files into Delta's log anew."""
    with open_writer(Store.create(tmp_path)) as writer:
        for k in range(2):
            prices = pl.DataFrame(
                [{"chain": f"x{k}", "currency": "EUR", "granularity": "day", "price": "1",
                  "time": datetime(2023, 6, 1, tzinfo=UTC), "source": "t"}],
                schema=schema.PRICES.schema, orient="row",
            )  # fmt: skip
            parts = {"prices": prices} | ({"outputs": tables["outputs"]} if not k else {})
            writer.commit(parts, source="t", chain="btc-regtest", what="some")

        def dies(at: str) -> None:
            if at == point:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(delta, "fault", dies)
            with pytest.raises(KeyboardInterrupt):
                writer.compact()
    _spoil(_outputs(tmp_path))
    with open_writer(Store.open(tmp_path)) as writer:
        writer.commit({}, source="t", chain="btc-regtest", what="nothing")
    with pytest.raises(LedgerError, match="1 files of the ledger are not as they were"):
        check(open_ledger(tmp_path))


def test_a_death_after_a_commit_leaves_no_file_unlisted(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(at: str) -> None:
        if at == "after commits":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, open_writer(Store.create(tmp_path)) as writer:
        patch.setattr(delta, "fault", dies)
        with pytest.raises(KeyboardInterrupt):
            writer.commit(tables, source="t", chain="btc-regtest", what="some")
    with (tmp_path / "files.sha256").open("ab") as handle:
        handle.write(b"0123")  # a line that was cut off
    with open_writer(Store.open(tmp_path)) as writer:
        writer.commit({}, source="t", chain="btc-regtest", what="nothing")
    row = check(open_ledger(tmp_path)).frame.row(0, named=True)
    assert (row["name"], row["failed"], row["unread"]) == ("files", 0, 0)


def test_a_file_that_is_gone_is_found(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    ledger = _committed(tmp_path, tables)
    _parquet(ledger)[0].unlink()
    with pytest.raises(LedgerError, match="1 files of the ledger are not as they were written"):
        check(ledger)


def test_files_that_were_never_listed_are_counted(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    ledger = _committed(tmp_path, tables)
    (tmp_path / "files.sha256").unlink()
    row = check(ledger).frame.row(0, named=True)
    assert (row["checked"], row["unread"]) == (0, len(_parquet(ledger)))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="this system has no sha256sum")
def test_the_list_is_one_that_other_programs_read(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    _committed(tmp_path, tables)
    done = subprocess.run(["sha256sum", "-c", "--quiet", "files.sha256"], cwd=tmp_path, check=False)
    assert done.returncode == 0
