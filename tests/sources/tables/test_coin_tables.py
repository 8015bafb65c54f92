"""Tables of coin chains in every form of dump: proven, and the same rows as from block files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import regtest_chain
from module_of import module_of

import chainwatch as cw
from chainwatch.errors import DumpError
from chainwatch.sources.tables.coins import satoshi

etl = module_of("sources/bitcoin_etl/test_bitcoin_etl")
coins = module_of("recorded/make_coins")
RECORDED = Path(__file__).parents[2] / "recorded"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported() -> tuple[Rows, Rows]:
    """Return blocks and transactions as bitcoin-etl exports them."""
    blocks, transactions = etl.exported(regtest_chain.Chain().grow(11).blocks)
    return blocks, transactions


def given(paths: list[Path]) -> cw.KnownTable:
    """Return the tables of a form as a source; the first is that of transactions."""
    beside = {path.stem.rpartition("_")[2]: path for path in paths[1:]}
    return cw.KnownTable(paths[0], chain="btc-regtest", **beside)  # type: ignore[arg-type]


def listed(path: Path, rows: Rows) -> Path:
    path.write_bytes(coins.content(path.name, rows))
    return path


def written(folder: Path, form: str, blocks: Rows, txs: Rows) -> cw.KnownTable:
    return given(coins.write(folder, form, blocks, txs))


@pytest.mark.parametrize("form", coins.FORMS)
def test_every_form_gives_the_rows_of_bitcoin_etl(
    tmp_path: Path, exported: tuple[Rows, Rows], form: str
) -> None:
    blocks, txs = exported
    plain = cw.EtlJson(
        listed(tmp_path / "t.json", txs), listed(tmp_path / "b.json", blocks), chain="btc-regtest"
    )
    source = written(tmp_path, form, blocks, txs)
    for name, one in (("plain", plain), ("known", source)):
        cw.pull(tmp_path / name, one)
    ours, theirs = (cw.open_ledger(tmp_path / name).digests() for name in ("known", "plain"))
    for table in ("blocks", "transactions", "outputs", "inputs"):
        assert ours[table] == theirs[table], table
    ledger = cw.open_ledger(tmp_path / "known")
    assert set(ledger.coverage.collect()["source"]) == {coins.FORMS[form][0]}
    files = {path.name for path in (source.path, *source.beside.values())}
    assert set(ledger.answers.collect()["request"]) == files
    cw.check(ledger).raise_for_failures()


@pytest.mark.parametrize("form", coins.FORMS)
def test_an_amount_that_is_not_the_true_one_is_refused(
    tmp_path: Path, exported: tuple[Rows, Rows], form: str
) -> None:
    blocks, txs = json.loads(json.dumps(exported))
    txs[-1]["outputs"][0]["value"] += 1
    with pytest.raises(DumpError):
        cw.pull(tmp_path / "ledger", written(tmp_path, form, blocks, txs))


def test_blocks_are_asked_for(tmp_path: Path, exported: tuple[Rows, Rows]) -> None:
    path = listed(tmp_path / "t.json", exported[1])
    with pytest.raises(DumpError, match="its blocks are not given"):
        cw.pull(tmp_path / "ledger", cw.KnownTable(path, chain="btc-regtest"))


def test_every_satoshi_comes_back_from_its_double() -> None:
    """The largest supply has 2.1e15 satoshi, and doubles are apart by less than half of one."""
    steps = [1, 2, 3, 5, 7, 11, 10**8, 5 * 10**9, 2_099_999_997_690_000]
    for value in [*steps, *(2_099_999_997_690_000 - k for k in range(2_000)), *range(2_000)]:
        assert satoshi(value / 10**8, "x") == value


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-9, -1.0, 1e300, float("nan"), float("inf")])
def test_a_double_of_no_satoshi_is_refused(value: float) -> None:
    with pytest.raises(DumpError):
        satoshi(value, "x")


@pytest.fixture(scope="module")
def small() -> tuple[Rows, Rows]:
    """Return the rows that the recorded dumps are made of."""
    blocks, txs = coins.recorded()
    return blocks, txs


def recorded(form: str, small: tuple[Rows, Rows]) -> list[Path]:
    return [RECORDED / name for name in coins.FORMS[form][1](*small)]


def test_every_dump_is_as_it_is_made(small: tuple[Rows, Rows]) -> None:
    for _, tables in coins.FORMS.values():
        for name, rows in tables(*small).items():
            if not name.endswith(".parquet"):
                assert (RECORDED / name).read_bytes() == coins.content(name, rows), name


@pytest.mark.parametrize("form", coins.FORMS)
def test_every_recorded_dump_gives_the_blocks_that_it_was_made_of(
    tmp_path: Path, small: tuple[Rows, Rows], form: str
) -> None:
    source = given(recorded(form, small))
    assert source.name == coins.FORMS[form][0]
    report = cw.pull(tmp_path / "known", source)
    assert report.notes[0].endswith(f"is read as {source.name!r}")
    (tmp_path / "blocks.dat").write_bytes(
        regtest_chain.framed(*regtest_chain.Chain().grow(5).blocks)
    )
    cw.pull(tmp_path / "plain", cw.BlockFiles(tmp_path / "blocks.dat", "btc-regtest"))
    known, plain = (cw.open_ledger(tmp_path / name) for name in ("known", "plain"))
    assert known.blocks.collect().height == 6
    key = ["txid", "n", "value", "script", "address"]
    ids = {name: one.transactions.select("tx", "txid") for name, one in
           (("known", known), ("plain", plain))}  # fmt: skip
    ours, theirs = (
        one.outputs.join(ids[name], on="tx").select(key).collect().sort("txid", "n")
        for name, one in (("known", known), ("plain", plain))
    )
    assert ours.equals(theirs)
    assert cw.pull(tmp_path / "known", source).units == 0
    cw.check(known).raise_for_failures()


HEADED = (
    ("Blockchair", "coin_blockchair_transactions.tsv", "block_id", "block_idx"),
    ("Blockchair", "coin_blockchair_blocks.tsv", "merkle_root", "merkleroot"),
    ("Blockchair", "coin_blockchair_inputs.tsv", "spending_index", "spendingindex"),
    ("bitcoin-etl", "coin_etl_transactions.json", "block_timestamp", "block_timestmp"),
)


@pytest.mark.parametrize(("form", "name", "column", "wrong"), HEADED)
def test_a_wrong_header_names_the_column_and_the_closest(
    tmp_path: Path, small: tuple[Rows, Rows], form: str, name: str, column: str, wrong: str
) -> None:
    paths = []
    for path in recorded(form, small):
        paths.append(tmp_path / path.name)
        data = path.read_bytes()
        if path.name == name:
            data = data.replace(column.encode(), wrong.encode())
        paths[-1].write_bytes(data)
    with pytest.raises(DumpError) as raised:
        cw.pull(tmp_path / "ledger", given(paths))
    assert column in str(raised.value)
    assert wrong in str(raised.value)
