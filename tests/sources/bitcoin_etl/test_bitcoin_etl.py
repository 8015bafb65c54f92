"""Exports of bitcoin-etl to a ledger: proven field by field, in whatever form they come."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import extension_chain
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_answers import block_of_answer

from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.spent import SpentOutput
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import BlockError, DumpError, InputError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.ledger.whole_blocks import proven_parent
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.bitcoin_etl.fields import EtlInput, spent_of
from chainwatch.sources.bitcoin_etl.source import EtlJson
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.node_folder.files import Masked, frames, node_files
from chainwatch.sources.node_folder.source import NodeFolder

THEN = datetime(2024, 1, 2, tzinfo=UTC)
EXTENSION = 1 + 16 * 20 + 3
"""Bytes of a block that its plain transactions do not account for."""
CHAIN_DATA = ("blocks", "transactions", "inputs", "outputs", "output_keys", "input_keys")
Row = dict[str, Any]


class Bytes:
    """Reads a block from its bytes, apart from the parser of the package."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self) -> int:
        first = self.take(1)[0]
        return first if first < 0xFD else self.number({0xFD: "<H", 0xFE: "<I", 0xFF: "<Q"}[first])

    def transaction(self) -> Row:
        start, version = self.at, self.number("<i")
        flag = self.data[self.at + 1] if self.data[self.at] == 0 else 0
        self.take(2 if flag else 0)
        body = self.at
        inputs = [
            {"spent_transaction_hash": self.take(32)[::-1].hex(),
             "spent_output_index": self.number("<I"), "script_hex": self.take(self.count()).hex(),
             "sequence": self.number("<I")}
            for _ in range(self.count())
        ]  # fmt: skip
        outputs = [
            {"value": self.number("<q"), "script_hex": self.take(self.count()).hex()}
            for _ in range(self.count())
        ]
        stem = self.data[body : self.at]
        for _ in inputs if flag == 1 else ():
            for _ in range(self.count()):
                self.take(self.count())
        self.take(1 if flag == 8 else 0)
        locktime = self.take(4)
        stripped = self.data[start : start + 4] + stem + locktime
        size = self.at - start
        weight = 3 * len(stripped) + size - (3 if flag == 8 else 0)
        for items in (inputs, outputs):
            for index, item in enumerate(items):
                item["index"] = index
        return {
            "hash": sha256d(stripped)[::-1].hex(), "size": size, "version": version,
            "virtual_size": (weight + 3) // 4,
            "lock_time": int.from_bytes(locktime, "little"), "inputs": inputs, "outputs": outputs,
        }  # fmt: skip


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def exported(blocks: Sequence[bytes]) -> tuple[list[Row], list[Row]]:
    """Return the rows that bitcoin-etl would export of blocks, lowest first."""
    headers, txs = [], []
    for height, raw in enumerate(blocks):
        read = Bytes(raw)
        version, _ = read.number("<i"), read.take(32)
        root = read.take(32)[::-1].hex()
        time, bits, nonce = (read.number("<I") for _ in range(3))
        name = sha256d(raw[:80])[::-1].hex()
        inside = [read.transaction() for _ in range(read.count())]
        headers.append({
            "hash": name, "size": len(raw), "stripped_size": None, "weight": None,
            "number": height, "version": version, "merkle_root": root, "timestamp": time,
            "nonce": f"{nonce:x}", "bits": f"{bits:08x}",
            "coinbase_param": inside[0]["inputs"][0]["script_hex"],
            "transaction_count": len(inside),
        })  # fmt: skip
        for index, tx in enumerate(inside):
            tx |= {"block_number": height, "block_hash": name, "block_timestamp": time,
                   "is_coinbase": index == 0, "index": index}  # fmt: skip
        inside[0]["inputs"] = []
        txs += inside
    return headers, txs


def lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def rows(short_chain: list[bytes]) -> tuple[list[Row], list[Row]]:
    return exported(short_chain)


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., EtlJson]:
    """Return a writer of exports: ``source(blocks, transactions)`` gives the source."""

    def write(blocks: list[Row] | str, txs: list[Row] | str) -> EtlJson:
        paths = [tmp_path / "transactions.json", tmp_path / "blocks.json"]
        for path, given_rows in zip(paths, (txs, blocks), strict=True):
            path.write_text(given_rows if isinstance(given_rows, str) else lines(given_rows))
        return EtlJson(*paths, chain="btc-regtest", acquired=THEN)

    return write


def ledger_of(folder: Path, source: object) -> Ledger:
    pull(folder, source)
    return open_ledger(folder)


def same(one: Ledger, two: Ledger, unknown: tuple[str, ...] = EtlJson.unknown) -> None:
    """Compare column by column what both sources know."""
    for table in CHAIN_DATA:
        frames_of = [ledger.table(table).collect() for ledger in (one, two)]
        key = [name for name in ("height", "tx", "n", "k") if name in frames_of[0].columns]
        for column in frames_of[0].columns:
            if f"{table}.{column}" in unknown:
                continue
            names = list(dict.fromkeys([*key, column]))
            assert digest_frame(frames_of[0].select(names)) == digest_frame(
                frames_of[1].select(names)
            ), f"{table}.{column}"


@pytest.fixture
def plain(short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path) -> Ledger:
    path = put("plain.dat", maker.framed(*short_chain))
    return ledger_of(tmp_path / "plain", BlockFiles(path, "btc-regtest", acquired=THEN))


def test_it_reads_what_block_files_read(
    rows: tuple[list[Row], list[Row]], source: Callable, plain: Ledger, tmp_path: Path
) -> None:
    ledger = ledger_of(tmp_path / "l", source(*rows))
    same(ledger, plain)
    assert check(ledger).ok
    assert set(ledger.coverage.collect()["unit"]) == set(plain.coverage.collect()["unit"])
    again = pull(tmp_path / "l", source(*rows))
    assert (again.commits, again.skipped) == (0, 12)


FORMS: dict[str, Callable[[list[Row], list[Row]], tuple[Any, Any]]] = {
    "one list": lambda b, t: (json.dumps(b), json.dumps(t, indent=1)),
    "a mark of its encoding": lambda b, t: ("\ufeff" + lines(b), "\ufeff" + json.dumps(t)),
    "blocks in reverse": lambda b, t: (b[::-1], t),
    "transactions in reverse": lambda b, t: (b, t[::-1]),
    "without index": lambda b, t: (b, [tx | {"index": None} for tx in t]),
    "rows twice": lambda b, t: ([*b, *b[3:5]], [*t, *t[2:9]]),
    "empty lines": lambda b, t: ("\n" + lines(b) + "\n\n", lines(t).replace("\n", "\r\n\n")),
    "more fields": lambda b, t: ([row | {"item_id": "x"} for row in b],
                                 [row | {"type": "transaction", "fee": -5} for row in t]),
    "no virtual size": lambda b, t: (b, [tx | {"virtual_size": None} for tx in t]),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_an_export(
    form: str, rows: tuple[list[Row], list[Row]], source: Callable, plain: Ledger, tmp_path: Path
) -> None:
    same(ledger_of(tmp_path / "l", source(*FORMS[form](*rows))), plain)


def test_several_files(rows: tuple[list[Row], list[Row]], plain: Ledger, tmp_path: Path) -> None:
    paths: dict[str, list[Path]] = {"b": [], "t": []}
    for name, part in zip("bt", rows, strict=True):
        for k in range(3):
            paths[name].append(tmp_path / f"{name}{k}.json")
            paths[name][-1].write_text(lines(part[k::3]))
    ledger = ledger_of(tmp_path / "l", EtlJson(paths["t"], paths["b"], chain="btc-regtest"))
    same(ledger, plain)


@pytest.mark.parametrize("marks", [True, False])
def test_blocks_that_end_in_extension_blocks(
    marks: bool, maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    """Node and export agree; some exports leave out what is neither body nor witness."""
    made = extension_chain.chain().blocks
    blocks, txs = exported(made)
    if not marks:
        for tx in txs:
            ends = tx["outputs"][0]["script_hex"].startswith("5820")
            tx["size"] -= 3 if ends else 0
    for path, given_rows in (("t.json", txs), ("b.json", blocks)):
        put(path, lines(given_rows).encode())
    path = put("made.dat", maker.framed(*made))
    plain = ledger_of(tmp_path / "plain", BlockFiles(path, "ltc-regtest", acquired=THEN))
    source = EtlJson(tmp_path / "t.json", tmp_path / "b.json", chain="ltc-regtest", acquired=THEN)
    if marks:
        same(ledger_of(tmp_path / "l", source), plain)
        return
    with pytest.raises(DumpError, match="sizes of its transactions do not add up"):
        pull(tmp_path / "l", source)  # whose block says more than its transactions
    for row in blocks:
        row["size"] = len(Bytes(made[row["number"]]).data) - EXTENSION * (row["number"] > 3)
    put("b.json", lines(blocks).encode())
    found = ledger_of(tmp_path / "l", source)
    same(found, plain, (*EtlJson.unknown, "blocks.size", "transactions.size"))


def test_a_part_of_a_chain(
    rows: tuple[list[Row], list[Row]], source: Callable, maker: ModuleType, put: Callable,
    short_chain: list[bytes], plain: Ledger, tmp_path: Path,
) -> None:  # fmt: skip
    """The lowest block has no parent: it is no row, and its unit leaves room for a whole one."""
    blocks, txs = rows
    part = source(blocks[5:], [tx for tx in txs if tx["block_number"] >= 5])
    report = pull(tmp_path / "l", part)
    assert report.notes == ("the parent of block 5 is not there: the block itself is left out",)
    ledger = open_ledger(tmp_path / "l")
    assert ledger.blocks.collect().sort("height")["height"].to_list() == list(range(6, 12))
    units = ledger.coverage.sort("height").collect()
    assert units["kind"].to_list() == ["dump"] + ["block"] * 6
    assert pull(tmp_path / "l", part).commits == 0
    whole = put("all.dat", maker.framed(*short_chain))
    same(ledger_of(tmp_path / "l", BlockFiles(whole, "btc-regtest", acquired=THEN)), plain)


def test_what_is_spent_is_taken_from_an_enriched_export(
    rows: tuple[list[Row], list[Row]], source: Callable, plain: Ledger, tmp_path: Path
) -> None:
    blocks, txs = rows
    paid = {(tx["hash"], out["index"]): out for tx in txs for out in tx["outputs"]}
    from chainwatch.addresses.canonical import text
    from chainwatch.addresses.scripts import classify

    for tx in txs:
        for item in tx["inputs"]:
            out = paid[item["spent_transaction_hash"], item["spent_output_index"]]
            address = classify(bytes.fromhex(out["script_hex"])).address
            assert address is not None
            item |= {"value": out["value"], "type": "pubkeyhash", "required_signatures": 1,
                     "addresses": [text(address, "btc-regtest")]}  # fmt: skip
    batches = [batch.tables["inputs"] for batch in source(blocks, txs).batches(Nothing())]
    inputs = pl.concat(batches)
    assert inputs.height > 5
    expected = plain.inputs.sort("tx", "n").collect()
    for column in ("value", "address", "script_kind"):
        assert inputs[column].to_list() == expected[column].to_list()
    txs[-1]["inputs"][0]["value"] += 1
    with pytest.raises(BlockError, match="is not what that output says"):
        pull(tmp_path / "l", source(blocks, txs))


@pytest.mark.parametrize(
    "said",
    [{"type": "witness_v0_keyhash", "addresses": []}, {"type": None, "addresses": []},
     {"type": "pubkeyhash"}, {"type": "pubkeyhash", "addresses": None},
     {"type": "scripthash", "addresses": ["a", "b"]},
     {"type": "nonstandard", "addresses": ["nonstandard" + "0" * 40]},
     {"type": "nonstandard", "addresses": []}, {"type": "nulldata", "addresses": []},
     {"type": "witness_unknown", "addresses": []}, {"type": "anchor", "addresses": []}],
)  # fmt: skip
def test_an_address_that_an_export_leaves_out_is_not_said(
    said: Row, rows: tuple[list[Row], list[Row]], source: Callable, plain: Ledger, tmp_path: Path,
    short_chain: list[bytes], maker: ModuleType, put: Callable,
) -> None:  # fmt: skip
    blocks, txs = rows
    paid = {(tx["hash"], out["index"]): out for tx in txs for out in tx["outputs"]}
    for tx in txs:
        for item in tx["inputs"]:
            out = paid[item["spent_transaction_hash"], item["spent_output_index"]]
            item |= {"value": out["value"], **said}
    part = source([row for row in blocks if row["number"] >= 6],
                  [row for row in txs if row["block_number"] >= 6])  # fmt: skip
    ledger = ledger_of(tmp_path / "l", part)
    unread = ledger.inputs.filter(pl.col("prev_tx").is_null()).collect()
    assert unread.height > 0
    for column in ("value", "address", "script_kind", "address_basis"):
        assert unread[column].null_count() == unread.height
    # What is spent comes from the blocks that are read later, and nothing stays beside it.
    whole = put("all.dat", maker.framed(*short_chain))
    same(ledger_of(tmp_path / "l", BlockFiles(whole, "btc-regtest", acquired=THEN)), plain)


@pytest.mark.parametrize(("kind", "name"), [("pubkey", "p2pk"), ("multisig", "multisig")])
def test_a_spent_key_has_a_value_and_no_address(kind: str, name: str) -> None:
    item = EtlInput(0, "00" * 32, 0, "", 0, type=kind, value=5, addresses=("whatever",))
    assert spent_of(item, chain_of("btc")) == SpentOutput(5, name)


class Nothing:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return next(t for t in schema.TABLES if t.name == table).empty().lazy()


def change(where: str, k: int, name: str, value: Any) -> Callable[[list[Row], list[Row]], None]:
    def harm(blocks: list[Row], txs: list[Row]) -> None:
        row = (blocks if where == "b" else txs)[k]
        row[name] = value(row[name]) if callable(value) else value

    return harm


def out(k: int, name: str, value: Callable[[Any], Any]) -> Callable[[list[Row], list[Row]], None]:
    def harm(blocks: list[Row], txs: list[Row]) -> None:
        txs[k]["outputs"][0][name] = value(txs[k]["outputs"][0][name])

    return harm


def swap(blocks: list[Row], txs: list[Row]) -> None:
    pair = next(k for k, tx in enumerate(txs) if not tx["is_coinbase"])
    txs[pair]["index"], txs[pair - 1]["index"] = 0, 1


def spent(name: str, value: Any) -> Callable[[list[Row], list[Row]], None]:
    def harm(blocks: list[Row], txs: list[Row]) -> None:
        next(tx for tx in txs if tx["inputs"])["inputs"][0][name] = value

    return harm


FAULTS: dict[str, tuple[Callable[[list[Row], list[Row]], Any], str]] = {
    "an amount": (out(-1, "value", lambda v: v + 1), "do not hash to its id"),
    "an amount of a coinbase": (out(2, "value", lambda v: v + 1), "hash to its id as exported"),
    "a floating amount": (out(-1, "value", float), "no row of bitcoin-etl"),
    "an amount below nothing": (out(-1, "value", lambda v: -v), "outside the supply"),
    "an amount beyond all": (out(-1, "value", lambda v: 10**30), "outside the supply"),
    "a script": (out(-1, "script_hex", lambda v: "00" + v), "do not hash to its id"),
    "no hexadecimal": (out(-1, "script_hex", lambda v: "zz"), "no row of a block"),
    "a sequence": (spent("sequence", 7), "do not hash to its id"),
    "a sequence out of range": (spent("sequence", 2**40), "out of range"),
    "an origin": (spent("spent_output_index", 9), "do not hash to its id"),
    "a spent amount out of range": (spent("value", 2**70), "no amount"),
    "a spent address": (lambda b, t: [spent("value", 5)(b, t), spent("addresses", ["x"])(b, t)],
                        "is not an address"),
    "a txid": (change("t", -1, "hash", "00" * 32), "do not hash to its id"),
    "a txid of the wrong length": (change("t", -1, "hash", "00"), "no row of a block"),
    "a version": (change("t", -1, "version", 9), "do not hash to its id"),
    "a lock time": (change("t", -1, "lock_time", 9), "do not hash to its id"),
    "a size too small": (change("t", -1, "size", 60), "larger than its size"),
    "a virtual size": (change("t", -1, "virtual_size", 60), "do not fit its content"),
    "no size": (lambda b, t: t[-1].update(size=None, virtual_size=None), "size .* is missing"),
    "a size": (lambda b, t: t[-1].update(size=t[-1]["size"] + 4, virtual_size=None), "add up"),
    "a size of a block": (change("b", -1, "size", 999), "add up"),
    "a height of a transaction": (change("t", -1, "block_number", 3), "not those of its block"),
    "a time of a transaction": (change("t", -1, "block_timestamp", 3), "not those of its block"),
    "another order": (swap, "coinbase out of place|merkle root"),
    "a transaction that is gone": (lambda b, t: t.pop(), "1 of 2 transactions|0 of 1"),
    "a transaction too many": (lambda b, t: t.append(t[0] | {"block_hash": b[-1]["hash"],
        "block_number": b[-1]["number"], "block_timestamp": b[-1]["timestamp"]}), "of 2 transac"),
    "two of one id": (lambda b, t: t.append(t[-1] | {"size": 999}), "twice, differently"),
    "a block that is gone": (lambda b, t: b.pop(), "not among the blocks"),
    "a block twice": (lambda b, t: b.append(b[-1] | {"size": 5}), "twice, differently"),
    "a nonce": (change("b", -1, "nonce", "5"), "do not hash to its own hash"),
    "a nonce out of range": (change("b", -1, "nonce", "5" * 9), "no 32-bit number"),
    "a time": (change("b", -1, "timestamp", 5), "not those of its block|do not hash"),
    "a time out of range": (change("b", -1, "timestamp", 2**40), "no row of a block"),
    "a merkle root": (change("b", -1, "merkle_root", "11" * 32), "do not hash to its own hash"),
    "a hash": (change("b", -1, "hash", "11" * 32), "not among the blocks"),
    "bits": (change("b", -1, "bits", "1d00ffff"), "do not hash to its own hash"),
    "a height": (change("b", 0, "number", 7), "not at height 7|do not hash|not those of"),
    "a height beyond all": (change("b", -1, "number", 2**70), "no number of a block|do not hash"),
    "a height below nothing": (change("b", 0, "number", -1), "no number of a block|not those"),
    "a coinbase": (change("b", -1, "coinbase_param", "51" * 101), "not at height 11|legal form"),
    "no field": (lambda b, t: t[-1].pop("outputs"), "missing required field `outputs`"),
    "no block in a row": (lambda b, t: t[-1].pop("block_hash"), "no row of a transaction"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_and_never_a_wrong_row(
    fault: str, rows: tuple[list[Row], list[Row]], source: Callable, tmp_path: Path
) -> None:
    harm, words = FAULTS[fault]
    harm(*rows)
    made = source(*rows)
    if fault == "an amount of a coinbase":
        # Its sequence number is not exported, so that it can be told, but not be refused.
        report = pull(tmp_path / "l", made)
        assert report.notes == (f"the coinbase of block 2 does not {words}",)
        return
    with pytest.raises(InputError, match=words) as caught:
        pull(tmp_path / "l", made)
    assert "transactions.json" in str(caught.value) or "blocks.json" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


BROKEN = {
    "nothing": ("", "no row"),
    "no JSON": ("hello\n", "no row of"),
    "cut off": ('{"hash": "00", "block_ha', "no row of"),
    "a list cut off": ('[{"hash": "00"}, ', "no JSON, or is cut off"),
    "a number": ("5\n", "no row of"),
    "deep": ("[" * 100_000, "no JSON, or is cut off"),
    "other bytes": ("\udcff{}", "no row of"),
}


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "nothing"])
def test_broken_files(name: str, rows: tuple[list[Row], list[Row]], tmp_path: Path) -> None:
    data, words = BROKEN[name]
    paths = [tmp_path / "transactions.json", tmp_path / "blocks.json"]
    for broken in range(2):
        for k, path in enumerate(paths):
            good = lines(rows[1 - k]).encode()
            path.write_bytes(data.encode("utf-8", "surrogateescape") if k == broken else good)
        with pytest.raises(DumpError, match=words):
            list(EtlJson(*paths, chain="btc-regtest").batches(Nothing()))


@given(data=st.data())
@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_any_flipped_byte_is_refused_or_says_the_same(
    data: st.DataObject, short_chain: list[bytes], tmp_path: Path
) -> None:
    """Byte by byte: what is read is what was written, or a sentence says why not."""
    headers, txs = exported(short_chain[:5])
    text = bytearray(lines(txs).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] = data.draw(st.integers(0, 255))
    paths = [tmp_path / "transactions.json", tmp_path / "blocks.json"]
    paths[0].write_bytes(text)
    paths[1].write_text(lines(headers))
    try:
        batches = list(EtlJson(*paths, chain="btc-regtest", acquired=THEN).batches(Nothing()))
    except InputError:
        return
    if any(batch.notes for batch in batches):
        return
    paths[0].write_text(lines(txs))
    good = list(EtlJson(*paths, chain="btc-regtest", acquired=THEN).batches(Nothing()))
    for ours, theirs in zip(batches, good, strict=True):
        for table in CHAIN_DATA:
            assert ours.tables[table].equals(theirs.tables[table])


def test_arguments(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file at none\.json"):
        EtlJson(tmp_path / "none.json", tmp_path / "none.json")
    with pytest.raises(InputError, match="no file was given"):
        EtlJson([], [])
    (tmp_path / "a.json").write_text("")
    assert repr(EtlJson(tmp_path / "a.json", [tmp_path / "a.json"], chain="ltc")) == (
        "EtlJson('a.json', 'a.json', chain='ltc')"
    )


def test_the_real_regtest_chain_equals_its_node_folder(real_data: Path, tmp_path: Path) -> None:
    """122 blocks with segwit and taproot spends: every column that both sources know."""
    archive = real_data / "bitcoin" / "datadirs" / "regtest_knots29.tar.xz"
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "node", filter="data")
    folder = node_files(tmp_path / "node", chain_of("btc-regtest"))
    file: Masked = folder.blocks(0)
    with file.path.open("rb") as handle:
        blocks = [
            file.read(handle, frame.offset, frame.size)
            for frame in frames(file, chain_of("btc-regtest"))
        ]
    names = ("transactions.json", "blocks.json")
    for name, part in zip(names, reversed(exported(blocks)), strict=True):
        (tmp_path / name).write_text(lines(part))
    theirs = ledger_of(tmp_path / "a", NodeFolder(tmp_path / "node", chain="btc-regtest"))
    source = EtlJson(*(tmp_path / name for name in names), chain="btc-regtest")
    ours = ledger_of(tmp_path / "b", source)
    assert ours.blocks.collect().height == 123
    same(ours, theirs)
    wtxids = [ledger.transactions.collect()["wtxid"].null_count() for ledger in (ours, theirs)]
    assert wtxids[0] > wtxids[1]


def test_a_block_from_answers(short_chain: list[bytes]) -> None:
    headers, txs = exported(short_chain)
    raw = short_chain[5]
    head, inside = headers[5], [tx for tx in txs if tx["block_number"] == 5]
    read = Bytes(raw)
    read.take(81)
    parts = []
    for _ in inside:
        start = read.at
        read.transaction()
        parts.append(raw[start : read.at].hex())
    answer = {
        "hash": head["hash"], "version": head["version"], "merkleroot": head["merkle_root"],
        "previousblockhash": headers[4]["hash"], "time": head["timestamp"], "bits": head["bits"],
        "nonce": int(head["nonce"], 16), "tx": [tx["hash"] for tx in inside],
    }  # fmt: skip
    ids = dict(zip(answer["tx"], parts, strict=True))
    assert block_of_answer(answer, ids) == raw
    assert block_of_answer(answer, {txid: {"hex": part} for txid, part in ids.items()}) == raw
    whole = answer | {"tx": [{"txid": txid, "hex": part} for txid, part in ids.items()]}
    assert block_of_answer(whole) == raw
    for wrong in (answer, {}, answer | {"nonce": None}, whole | {"tx": 5}, whole | {"time": "x"}):
        with pytest.raises(BlockError, match="lacks what a block is made of"):
            block_of_answer(wrong)
    with pytest.raises(BlockError, match="does not hash to the hash of the answer"):
        block_of_answer(whole | {"nonce": 0 if answer["nonce"] else 1})


# Reorganisations ---------------------------------------------------------------------------------


def test_a_longer_branch_is_followed(
    branches: tuple[list[bytes], list[bytes]], source: Callable, tmp_path: Path
) -> None:
    one, two = map(exported, branches)
    before = ledger_of(tmp_path / "l", source(*one))
    report = pull(tmp_path / "l", source(*two))
    assert any("of height 9 and above is left out" in note for note in report.notes)
    fresh = ledger_of(tmp_path / "fresh", source(*two))
    same(open_ledger(tmp_path / "l"), fresh, unknown=())
    assert open_ledger(tmp_path / "l").as_of(1).digest("blocks") == before.digest("blocks")
    again = pull(tmp_path / "l", source(*one))
    assert again.commits == 0
    assert len(again.notes) == 2
    assert all(note.endswith("another branch has as much work or more") for note in again.notes)


def test_both_branches_in_one_export(
    branches: tuple[list[bytes], list[bytes]], source: Callable, tmp_path: Path
) -> None:
    one, two = map(exported, branches)
    mixed = source(one[0] + two[0][9:], one[1] + [tx for tx in two[1] if tx["block_number"] > 8])
    report = pull(tmp_path / "l", mixed)
    assert sum("was left out" in note for note in report.notes) == 2
    same(open_ledger(tmp_path / "l"), ledger_of(tmp_path / "m", source(*two)), unknown=())


def test_an_export_that_begins_above_the_fork_says_what_to_do(
    branches: tuple[list[bytes], list[bytes]], source: Callable, tmp_path: Path
) -> None:
    one, (blocks, txs) = map(exported, branches)
    before = ledger_of(tmp_path / "l", source(*one)).digests()
    high = source(blocks[10:], [tx for tx in txs if tx["block_number"] > 9])
    with pytest.raises(DumpError, match=r"reorganised there.*export from a lower height on"):
        pull(tmp_path / "l", high)
    assert open_ledger(tmp_path / "l").digests() == before


def test_single_transactions_of_the_other_branch_say_what_to_do(
    branches: tuple[list[bytes], list[bytes]], source: Callable, tmp_path: Path
) -> None:
    """An export without the parent of its lowest block leaves that block's transactions alone."""
    (blocks, txs), two = map(exported, branches)
    pull(tmp_path / "l", source(blocks[9:10], [tx for tx in txs if tx["block_number"] == 9]))
    with pytest.raises(InputError, match=r"the chain was reorganised.*pull again from the source"):
        pull(tmp_path / "l", source(*two))


class TestAParentThatComesLater:
    """An export that begins above what was read, and then the blocks below it from files."""

    def parts(self, source: Callable, rows: Any, put: Callable, maker: ModuleType, raw: Any) -> Any:
        blocks, txs = ([row for row in some if row.get("number", row.get("block_number")) >= 4]
                       for some in rows)  # fmt: skip
        below = BlockFiles(put("below.dat", maker.framed(*raw)), "btc-regtest", acquired=THEN)
        return source(blocks, txs), below

    @pytest.mark.parametrize("later", [False, True])
    def test_in_either_order_the_chain_is_one(
        self, later: bool, rows: Any, source: Callable, short_chain: list[bytes], put: Callable,
        maker: ModuleType, plain: Ledger, tmp_path: Path,
    ) -> None:  # fmt: skip
        parts = self.parts(source, rows, put, maker, short_chain[:4])
        for one in parts if later else reversed(parts):
            pull(tmp_path / "l", one)
        ledger = open_ledger(tmp_path / "l")
        assert OutputStatus.read(ledger, "btc-regtest").every_block() == (
            OutputStatus.read(plain, "btc-regtest").every_block()
        )
        paid = plain.outputs.filter(pl.col("address").is_not_null()).collect()["address"].unique()
        for address in paid.sort():
            here, there = (address_summary(one, address, "btc-regtest") for one in (ledger, plain))
            assert here.totals.equals(there.totals)
            assert here.totals["balance"].null_count() == 0
        assert check(ledger).ok

    def test_a_block_beside_the_parent_is_none(
        self, rows: Any, source: Callable, short_chain: list[bytes], put: Callable,
        maker: ModuleType, tmp_path: Path,
    ) -> None:  # fmt: skip
        """Without block 3 the export hangs in the air."""
        for one in self.parts(source, rows, put, maker, short_chain[:3]):
            pull(tmp_path / "l", one)
        told = OutputStatus.read(open_ledger(tmp_path / "l"), "btc-regtest").every_block()
        assert told is not None
        assert told.height == 2


def test_only_the_parent_fits_the_rest_of_a_header(short_chain: list[bytes]) -> None:
    headers = [Header.parse(raw) for raw in short_chain]
    hashes = [one.hash for one in headers]
    for header, before in zip(headers[1:], hashes, strict=False):
        assert proven_parent(header.hash, header.beside_parent(), hashes) == before
        others = [one for one in hashes if one != before]
        assert proven_parent(header.hash, header.beside_parent(), others) is None
