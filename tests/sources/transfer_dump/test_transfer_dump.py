"""A table of transfers: each one once, each bad cell named, nothing of a bad table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset, native, token
from chainwatch.attribution.taxonomy import level
from chainwatch.chains.tron import TRON
from chainwatch.errors import AddressError, DumpError, InputError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.amounts import amounts
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.tracing.walks.transfer_order import histories

THEN = datetime(2024, 1, 2, tzinfo=UTC)
COLUMNS = ("wallet", "when", "id", "state", "from", "from_tag", "to", "to_tag", "amount", "token",
           "symbol", "decimals", "result")  # fmt: skip
MAPPING = {
    "chain": "tron", "kind": "trc20", "source": "an explorer", "txid": "id", "time": "when",
    "time_unit": "ms", "sender": "from", "receiver": "to", "amount": "amount",
    "contract": "token", "symbol": "symbol", "decimals": "decimals", "status": "state",
    "result": "result", "section": "wallet",
    "tags": {"sender": "from_tag", "receiver": "to_tag", "source": "name tags of an explorer",
             "concept": "exchange", "actor": r"^(.*?)(?:-Hot)?(?: \d+)?$"},
}  # fmt: skip
LARGEST = 2**256 - 1


class Empty:
    """A ledger that nothing was read into."""

    def scan(self, table: str) -> pl.LazyFrame:
        return next(one for one in schema.TABLES if one.name == table).empty().lazy()


def wallet(number: int) -> str:
    return canonical.text(b"\x11" + hashlib.sha256(bytes([number])).digest()[:20], TRON)


A, B, C, TOKEN = map(wallet, range(4))


def row(txid: int = 1, **how: object) -> dict[str, object]:
    """Return a row of the table: A pays B 5 units, as A's history has it."""
    return {
        "wallet": A, "when": 1_700_000_000_000, "id": f"{txid:064x}", "state": "0", "from": A,
        "from_tag": "", "to": B, "to_tag": "", "amount": 5, "token": TOKEN, "symbol": "USDT",
        "decimals": 6, "result": "SUCCESS", **how,
    }  # fmt: skip


def text_of(*rows: dict[str, object]) -> str:
    lines = [",".join(COLUMNS), *(",".join(str(r[c]) for c in COLUMNS) for r in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def read(put: Callable, tmp_path: Path) -> Callable[..., Ledger]:
    """Return a reader of rows (or of a whole text) into a new ledger."""
    count = iter(range(100))

    def reader(*rows: dict[str, object] | str, mapping: dict | None = None) -> Ledger:
        text = rows[0] if isinstance(rows[0], str) else text_of(*rows)
        path = put("dump.csv", text.encode())
        folder = tmp_path / f"ledger{next(count)}"
        pull(folder, TransferDump(path, DumpMapping.of(mapping or MAPPING), acquired=THEN))
        return open_ledger(folder)

    return reader


def test_a_row(read: Callable) -> None:
    found = read(
        row(state="2", result="REVERT"), mapping={**MAPPING, "failure": "REVERT"}
    ).transfers.collect()
    assert found.height == 1
    assert found.row(0, named=True) == {
        "chain": TRON.id, "txid": bytes(31) + b"\1", "kind": "trc20", "log_index": None,
        "trace_path": None, "occurrence": 0, "tx": None, "height": None,
        "time": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "contract": canonical.parse(TOKEN, TRON), "token_id": None,
        "sender": canonical.parse(A, TRON), "receiver": canonical.parse(B, TRON),
        "amount": 5, "amount_hex": None, "symbol": "USDT", "decimals": 6, "success": False,
        "status": "2", "order_uncertain": True, "sections": 1, "signed": None,
    }  # fmt: skip


def test_a_transfer_in_two_histories_is_one(read: Callable) -> None:
    found = read(row(), row(wallet=B)).transfers.collect()
    assert found.select("occurrence", "sections").rows() == [(0, 2)]


def test_the_largest_count_of_one_section_is_kept(read: Callable) -> None:
    """A's history has it twice and B's once: it happened twice."""
    found = read(row(), row(wallet=B), row()).transfers.sort("occurrence").collect()
    assert found.select("occurrence", "sections").rows() == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    "other",
    [{"txid": 2}, {"amount": 6}, {"to": C}, {"from": C}, {"token": C}],
)
def test_what_tells_transfers_apart(read: Callable, other: dict) -> None:
    found = read(row(), row(**other)).transfers.collect()
    assert found["occurrence"].to_list() == [0, 0]


def test_without_sections_every_row_counts(read: Callable) -> None:
    mapping = {key: value for key, value in MAPPING.items() if key != "section"}
    ledger = read(row(), row(wallet=B), mapping=mapping)
    assert sorted(ledger.transfers.collect()["occurrence"]) == [0, 1]
    assert ledger.coverage.collect()["kind"].to_list() == ["dump"]


def test_the_order_of_rows_does_not_matter(read: Callable) -> None:
    rows = [row(1), row(1, wallet=B, state="9"), row(2), row(2), row(2, wallet=B)]
    rows += [row(3, state="7"), row(3, state="8")]
    assert read(*rows).digest("transfers") == read(*reversed(rows)).digest("transfers")


def test_another_status_is_said(put: Callable, tmp_path: Path) -> None:
    path = put("dump.csv", text_of(row(state="1"), row(wallet=B, state="2")).encode())
    report = pull(tmp_path / "l", TransferDump(path, DumpMapping.of(MAPPING)))
    assert any("1 transfer has another status" in note for note in report.notes)
    smallest = min((A, B), key=lambda text: canonical.parse(text, TRON))
    kept = open_ledger(tmp_path / "l").transfers.collect()["status"].to_list()
    assert kept == ["1" if smallest == A else "2"]


def test_coverage_and_answer(read: Callable) -> None:
    ledger = read(row(1), row(2, when=1_600_000_000_000), row(3, wallet=B))
    digest = hashlib.sha256(
        text_of(row(1), row(2, when=1_600_000_000_000), row(3, wallet=B)).encode()
    ).digest()
    units = {r["unit"]: r for r in ledger.coverage.collect().iter_rows(named=True)}
    (whole,) = (unit for unit in units if unit.count("/") == 2)
    file, part = whole.rsplit("/", 1)
    assert file == f"dump/{digest.hex()}"
    assert len(bytes.fromhex(part)) == 8, "how it was read"
    assert set(units) == {whole, f"{whole}/{A}/{TOKEN}", f"{whole}/{B}/{TOKEN}"}
    early, late = (datetime.fromtimestamp(s, UTC) for s in (1_600_000_000, 1_700_000_000))
    first = units[f"{whole}/{A}/{TOKEN}"]
    assert (first["from_time"], first["to_time"]) == (early, late)
    assert first["address"] == canonical.parse(A, TRON)
    assert (first["kind"], units[whole]["kind"]) == ("address", "dump")
    assert all(r["complete"] is None and r["answer"] == digest for r in units.values())
    answer = ledger.answers.collect().row(0, named=True)
    assert (answer["digest"], answer["request"], answer["time"]) == (digest, "dump.csv", THEN)


def test_tags(read: Callable) -> None:
    ledger = read(row(1, to_tag="Binance-Hot 2"), row(2, to_tag="Binance-Hot 2"),
                  row(3, from_tag="Kuna"))  # fmt: skip
    tags = ledger.tags.sort("label").collect()
    assert tags.select("label", "actor", "concept", "source", "pack").rows() == [
        ("Binance-Hot 2", "binance", "exchange", "name tags of an explorer", "dump.csv"),
        ("Kuna", "kuna", "exchange", "name tags of an explorer", "dump.csv"),
    ]
    assert tags["address"].to_list() == [canonical.parse(B, TRON), canonical.parse(A, TRON)]
    assert tags["first_day"].null_count() == tags["last_day"].null_count() == 2
    assert set(tags.select("confidence", "level").rows()) == {("web_crawl", level("web_crawl"))}


@pytest.mark.parametrize(
    ("units", "amount", "wide"),
    [
        ("0", 0, None),
        (str(10**38 - 1), 10**38 - 1, None),
        (str(10**38), None, hex(10**38)),
        (str(LARGEST), None, hex(LARGEST)),
    ],
)
def test_wide_amounts(units: str, amount: int | None, wide: str | None) -> None:
    narrow, hexed = amounts(pl.Series([units]))
    assert narrow.to_list() == [amount]
    assert narrow.dtype == schema.AMOUNT
    assert hexed.to_list() == [wide]


def test_a_wide_amount_keeps_its_identity(read: Callable) -> None:
    found = read(row(amount=LARGEST), row(amount=LARGEST - 1)).transfers.collect()
    assert found["amount"].null_count() == 2
    assert sorted(found["amount_hex"]) == [hex(LARGEST - 1), hex(LARGEST)]


BAD_CELLS = [
    ("amount", "-5", DumpError, "amount"),
    ("amount", "5.0", DumpError, "amount"),
    ("amount", "5e6", DumpError, "amount"),
    ("amount", "", DumpError, "amount"),
    ("amount", " 5", DumpError, "amount"),
    ("amount", "\N{ARABIC-INDIC DIGIT FIVE}", DumpError, "amount"),
    ("amount", "NaN", DumpError, "amount"),
    ("amount", "0x10", DumpError, "amount"),
    ("amount", LARGEST + 1, DumpError, "amount"),
    ("amount", "1" * 101, DumpError, "amount"),
    ("when", "", DumpError, "no time between 2009 and 2100"),
    ("when", 1_700_000_000, DumpError, "no time between 2009 and 2100"),
    ("when", 1_700_000_000_000_000, DumpError, "no time between 2009 and 2100"),
    ("when", "-1", DumpError, "no time between 2009 and 2100"),
    ("when", "2023-01-01", DumpError, "no time between 2009 and 2100"),
    ("id", "12", AddressError, "transaction id"),
    ("id", "", AddressError, "transaction id"),
    ("id", A, AddressError, "transaction id"),
    ("from", A[:-1] + ("1" if A[-1] != "1" else "2"), AddressError, "checksum"),
    ("to", "", AddressError, "address"),
    ("to", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", AddressError, "address"),
    ("token", "USDT", AddressError, "address"),
    ("wallet", "x", AddressError, "address"),
    ("decimals", "6.0", DumpError, "decimals"),
    ("decimals", "256", DumpError, "decimals"),
    ("to_tag", "x" * 1001, DumpError, "name tag"),
]


@pytest.mark.parametrize(("column", "value", "error", "words"), BAD_CELLS)
def test_bad_cells_are_named(
    put: Callable, tmp_path: Path, column: str, value: object, error: type, words: str
) -> None:
    text = text_of(row(1), row(2, **{column: value}), row(3, **{column: value}))
    source = TransferDump(put("dump.csv", text.encode()), DumpMapping.of(MAPPING))
    with pytest.raises(error, match=words) as caught:
        pull(tmp_path / "l", source)
    assert f"dump.csv line 3, column '{column}'" in str(caught.value)
    assert caught.value.remedy
    assert not (tmp_path / "l").exists(), "a ledger without a commit is left behind"


def test_the_first_bad_line_is_named(put: Callable) -> None:
    text = text_of(row(1), row(2, decimals="x"), row(3, amount="x", id="x"))
    source = TransferDump(put("dump.csv", text.encode()), DumpMapping.of(MAPPING))
    with pytest.raises(DumpError, match="line 3, column 'decimals'"):
        list(source.batches(Empty()))


GOOD = text_of(row(1), row(2))
BAD_TABLES = {
    "empty": (b"", "no columns 'id'.*line 1"),
    "a column is missing": (GOOD.replace("amount", "quant").encode(), "no columns 'amount'"),
    "a column is there twice": (GOOD.replace("symbol", "id").encode(), "2 columns 'id'"),
    "a short row": (GOOD.encode() + b"a,b\n", "2 cells under 13 columns.*line 4"),
    "a long row": (GOOD[:-1].encode() + b",x\n", "14 cells.*line 3"),
    "a NUL byte": (GOOD.encode() + b"\0", "NUL byte.*line 4"),
    "UTF-16": (GOOD.encode("utf-16"), "NUL byte.*line 1.*UTF-8"),
    "Latin-1": (GOOD.replace("USDT", "Ä").encode("latin-1"), "not UTF-8.*line 2"),
    "an open quote": (GOOD.encode() + b'"abc', "no CSV.*line 4"),
    "a stray quote": (GOOD.encode() + b'"a"b,\n', "no CSV.*line 4"),
    "a huge cell": (GOOD.encode() + b"x" * 200_000, "no CSV.*line 4"),
}  # fmt: skip


@pytest.mark.parametrize("defect", BAD_TABLES)
def test_bad_tables_are_named(put: Callable, defect: str) -> None:
    data, words = BAD_TABLES[defect]
    source = TransferDump(put("dump.csv", data), DumpMapping.of(MAPPING))
    with pytest.raises(DumpError, match=words) as caught:
        list(source.batches(Empty()))
    assert caught.value.remedy


def test_lines_are_counted_through_quoted_breaks(put: Callable) -> None:
    text = text_of(row(1, symbol='"A\nB\r\nC"'), row(2, amount="x"))
    source = TransferDump(put("dump.csv", text.encode()), DumpMapping.of(MAPPING))
    with pytest.raises(DumpError, match="line 5"):
        list(source.batches(Empty()))


def test_a_byte_order_mark_and_other_line_ends_are_read(read: Callable) -> None:
    assert read("\ufeff" + GOOD.replace("\n", "\r\n")).transfers.collect().height == 2


def test_a_table_without_rows(read: Callable) -> None:
    ledger = read(text_of())
    assert ledger.transfers.collect().height == 0
    assert ledger.coverage.collect().height == 1


def test_one_transaction_has_one_time(put: Callable) -> None:
    text = text_of(row(1), row(2), row(1, to=C, when=1_700_000_000_001))
    source = TransferDump(put("dump.csv", text.encode()), DumpMapping.of(MAPPING))
    with pytest.raises(DumpError, match=r"another in line 4 at dump\.csv line 2"):
        list(source.batches(Empty()))


@pytest.mark.parametrize(
    ("unit", "text"),
    [("s", "1700000000"), ("ms", "1700000000000"), ("iso", "2023-11-14T22:13:20Z"),
     ("iso", "2023-11-14 22:13:20"), ("iso", "2023-11-15T00:13:20+02:00")],
)  # fmt: skip
def test_units_of_time(read: Callable, unit: str, text: str) -> None:
    found = read(row(when=text), mapping={**MAPPING, "time_unit": unit}).transfers.collect()
    assert found["time"].to_list() == [datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)]


def test_native_transfers_of_ethereum(put: Callable, tmp_path: Path) -> None:
    x, y = "0x" + "ab" * 20, "0x" + "CD" * 20
    text = f"tx,t,f,to,wei\n0x{'1f' * 32},2023-11-14T22:13:20,{x},{y.lower()},{10**20}\n"
    mapping = DumpMapping.of({
        "chain": "eth", "kind": "native", "source": "query", "txid": "tx", "time": "t",
        "time_unit": "iso", "sender": "f", "receiver": "to", "amount": "wei",
    })  # fmt: skip
    pull(tmp_path / "l", TransferDump(put("eth.csv", text.encode()), mapping))
    found = open_ledger(tmp_path / "l").transfers.collect().row(0, named=True)
    assert (found["txid"], found["amount"]) == (b"\x1f" * 32, 10**20)
    assert found["contract"] is found["success"] is found["status"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "x"}, "colour"),
        ({"tags": {"source": "s", "colour": "x"}}, r"tags\.colour"),
        ({"time_unit": "hours"}, "time_unit"),
        ({"chain": "btc"}, "no transfers between accounts"),
        ({"chain": "nochain"}, "unknown chain"),
        ({"amount": 3}, "amount"),
        ({"kind": "TRC 20"}, "kind"),
        ({"tags": {"source": "s", "actor": "(a)(b)"}}, "exactly one"),
        ({"tags": {"source": "s", "actor": "("}}, "not a regular expression"),
        ({"tags": {"source": "s", "confidence": "ownership"}}, "confidence and level together"),
        ({"tags": {"source": "s", "confidence": "x", "level": 101}}, "level"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(change: dict, words: str) -> None:
    with pytest.raises(DumpError, match=words):
        DumpMapping.of({**MAPPING, **change})


def test_a_mapping_from_toml(put: Callable) -> None:
    lines = [f"{key} = {value!r}" for key, value in MAPPING.items() if key != "tags"]
    lines += ["[tags]", *(f"{key} = {value!r}" for key, value in MAPPING["tags"].items())]
    text = "\n".join(lines).replace("\\\\", "\\")
    assert DumpMapping.load(put("m.toml", text.encode())) == DumpMapping.of(MAPPING)
    for bad in (b"x = ", b"\xff"):
        with pytest.raises(DumpError, match=r"cannot be read at bad\.toml"):
            DumpMapping.load(put("bad.toml", bad))
    with pytest.raises(DumpError, match=r"[Rr]equired"):
        DumpMapping.load(put("bad.toml", b"chain = 'tron'"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        pull(tmp_path / "l", TransferDump(tmp_path / "none.csv", DumpMapping.of(MAPPING)))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_in_words_or_read(data: st.DataObject) -> None:
    """Whatever stands in a table, it is rows or an error of ours."""
    text = bytearray(GOOD.encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    cut = bytes(text[: data.draw(st.none() | st.integers(0, len(text)))])
    source = TransferDump("unused.csv", DumpMapping.of(MAPPING), acquired=THEN)
    source._bytes = lambda: cut  # type: ignore[method-assign]
    try:
        (batch,) = source.batches(Empty())
    except (AddressError, DumpError):
        return
    for table in (schema.TRANSFERS, schema.COVERAGE, schema.ANSWERS, schema.TAGS):
        table.conform(batch.tables[table.name])


def asset_of(contract: str) -> Asset:
    return token("tron", contract, "T", 6)


class TestWhatADumpCovers:
    def test_a_section_speaks_of_the_tokens_it_lists(self, read: Callable) -> None:
        ledger = read(row(1), row(2, wallet=B, token=C, **{"from": B}))
        held = {token: set(histories(ledger, asset_of(token))) for token in (TOKEN, C)}
        assert held == {TOKEN: {canonical.parse(A, TRON)}, C: {canonical.parse(B, TRON)}}
        assert histories(ledger, native("tron")) == {}

    def test_a_table_of_the_coin_speaks_of_no_token(self, read: Callable) -> None:
        coin = {key: value for key, value in MAPPING.items() if key != "contract"}
        ledger = read(row(1), mapping=coin | {"kind": "native"})
        assert list(histories(ledger, native("tron"))) == [canonical.parse(A, TRON)]
        assert histories(ledger, asset_of(TOKEN)) == {}

    @pytest.mark.parametrize("kind", ["token", "erc20", "native", "bep20"])
    def test_a_kind_has_one_word(self, kind: str) -> None:
        with pytest.raises(DumpError, match="kind"):
            DumpMapping.of(MAPPING | {"kind": kind})


class TestSuccess:
    def test_a_known_word_speaks_for_silence(self, read: Callable) -> None:
        ledger = read(row(1, result=""), row(1, wallet=B, result="REVERT"), row(2))
        assert ledger.transfers.sort("txid").collect()["success"].to_list() == [False, True]

    def test_two_sections_that_contradict_are_refused(self, read: Callable) -> None:
        with pytest.raises(DumpError, match="took effect in one section and failed"):
            read(row(1), row(1, wallet=B, result="REVERT"))

    def test_two_alike_of_which_one_failed_are_no_contradiction(self, read: Callable) -> None:
        ledger = read(row(1), row(1, result="REVERT"), row(1, wallet=B))
        assert sorted(ledger.transfers.collect()["success"].to_list()) == [False, True]

    @pytest.mark.parametrize(
        ("first", "second", "said"),
        [("", "REVERT", "read this table first"), ("SUCCESS", "REVERT", "which table is right")],
    )
    def test_the_order_of_reading_decides_nothing(
        self, put: Callable, tmp_path: Path, first: str, second: str, said: str
    ) -> None:
        for number, word in enumerate((first, second)):
            path = put(f"{number}.csv", text_of(row(1, result=word), row(number + 2)).encode())
            dump = TransferDump(path, DumpMapping.of(MAPPING), acquired=THEN)
            if number:
                with pytest.raises(DumpError, match=said):
                    pull(tmp_path / "ledger", dump)
            else:
                pull(tmp_path / "ledger", dump)
