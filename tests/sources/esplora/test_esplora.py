"""Esplora: rows of real answers, and an explorer that errs, lies, stalls and reorganises."""

from __future__ import annotations

import copy
import itertools
import json
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import extension_chain
import httpx2
import polars as pl
import pytest
import stamina
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, NetworkRefused, NoAnswer, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import read_to
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary
from chainwatch.ledger.storage.store import Store
from chainwatch.net.policy import use_network
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.esplora.fields import (
    History,
    Transaction,
    from_hex,
    read_transaction,
    typed,
)
from chainwatch.sources.esplora.rows import Proven, proven_rows
from chainwatch.sources.esplora.source import Esplora
from chainwatch.tracing.trace import trace

CHAIN = "btc-regtest"
COIN = 10**8
OF_TRANSACTIONS = ("transactions", "inputs", "outputs", "output_keys", "input_keys")
Change = Callable[[str, Any], Any]


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "asked.jsonl"
    with use_network(log_file=path), stamina.set_testing(True, attempts=3, cap=True):
        yield path


@pytest.fixture(scope="session")
def explorers() -> ModuleType:
    """Return the module with the small server that the live tests use as well."""
    return module_of("live/esplora_server")


# Bytes of blocks to what a node says of them -----------------------------------------------------


class Bytes:
    """Reads the fields of a serialised block, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def count(self) -> int:
        first = self.take(1)[0]
        return first if first < 0xFD else self.number({0xFD: "<H", 0xFE: "<I", 0xFF: "<Q"}[first])

    def sized(self) -> bytes:
        return self.take(self.count())


def told_output(value: int, script: bytes) -> dict[str, Any]:
    told = {"hex": script.hex()}
    if address := classify(script).address:
        told["address"] = canonical.text(address, CHAIN)
    return {"value": Decimal(value) / COIN, "scriptPubKey": told}


def told_transaction(read: Bytes, digest: Callable[[bytes], bytes]) -> dict[str, Any]:
    start = read.at
    version = read.number("<i")
    flag = read.data[read.at + 1] if read.data[read.at] == 0 else 0
    witnessed, extended = flag == 1, flag == 8
    read.at += 2 * (flag > 0)
    body = read.at
    inputs = []
    for _ in range(read.count()):
        txid, n, script = read.take(32), read.number("<I"), read.sized()
        part: dict[str, Any] = {"sequence": read.number("<I")}
        if txid == bytes(32):
            part["coinbase"] = script.hex()
        else:
            part |= {"txid": txid[::-1].hex(), "vout": n, "scriptSig": {"hex": script.hex()}}
        inputs.append(part)
    outputs = [told_output(read.number("<q"), read.sized()) for _ in range(read.count())]
    stem = read.data[body : read.at]
    for part in inputs * witnessed:
        part["txinwitness"] = [read.sized().hex() for _ in range(read.count())]
    read.at += extended
    locktime = read.take(4)
    whole, stripped = read.data[start : read.at], read.data[start : start + 4] + stem + locktime
    return {
        "txid": digest(stripped)[::-1].hex(), "hex": whole.hex(), "version": version,
        "locktime": struct.unpack("<I", locktime)[0], "vin": inputs, "vout": outputs,
        "size": len(whole), "weight": 3 * len(stripped) + len(whole) - 3 * extended,
    }  # fmt: skip


def told_block(raw: bytes, height: int, digest: Callable[[bytes], bytes]) -> dict[str, Any]:
    read = Bytes(raw)
    version, parent, root = read.number("<i"), read.take(32), read.take(32)
    time, bits, nonce = (read.number("<I") for _ in range(3))
    txs = [told_transaction(read, digest) for _ in range(read.count())]
    return {
        "hash": digest(raw[:80])[::-1].hex(), "height": height, "version": version, "time": time,
        "previousblockhash": parent[::-1].hex() if height else None, "nonce": nonce, "tx": txs,
        "merkleroot": root[::-1].hex(), "bits": f"{bits:08x}", "size": len(raw),
    }  # fmt: skip


def address_of(number: int, maker: ModuleType) -> str:
    return canonical.text(classify(maker.p2pkh(number)).address or b"", CHAIN)


@pytest.fixture(scope="session")
def busy(maker: ModuleType) -> list[bytes]:
    """Return a chain in which one address has 70 transactions: three pages."""
    chain, shop = maker.Chain(), maker.p2pkh(200)
    for _ in range(35):
        txs = []
        for _ in range(3 if len(chain.coins) > 3 else 0):
            txid, n, value = chain.coins.pop(0)
            outputs = [(1_000, shop), (value - 2_000, maker.p2pkh(n + 1))]
            made = maker.spend([(txid, n)], outputs, witness=[b"sig", b"key"])
            chain.coins.append((made.txid, 1, value - 2_000))
            txs.append(made)
        chain.add(txs)
    assert len(txs) == 3
    return chain.blocks


class Site:
    """An explorer behind a transport: what a test changes, it answers changed."""

    def __init__(self, explorers: ModuleType, maker: ModuleType, blocks: list[bytes]) -> None:
        self.explorers, self.maker = explorers, maker
        self.change: Change = lambda path, value: value
        self.asked: list[str] = []
        self.load(blocks)

    def load(self, blocks: list[bytes], waiting: list[dict[str, Any]] | None = None) -> None:
        told = [told_block(raw, height, self.maker.sha256d) for height, raw in enumerate(blocks)]
        self.explorer = self.explorers.Explorer(told, waiting or [])

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/api")
        self.asked.append(path)
        try:
            value = self.explorer.answer(path)
        except self.explorers.NotFound:
            value = httpx2.Response(404, text="Not found")
        value = self.change(path, copy.deepcopy(value))
        if isinstance(value, Exception):
            raise value
        if isinstance(value, httpx2.Response):
            return value
        return httpx2.Response(200, text=value if isinstance(value, str) else json.dumps(value))

    def source(self, addresses: list[str] | None = None, **how: Any) -> Esplora:
        how = {"chain": CHAIN, "per_second": 1e9, "attempts": 3} | how
        transport = httpx2.MockTransport(self.handle)
        return Esplora("https://explorer.example/api", addresses or [], transport=transport, **how)


@pytest.fixture
def site(explorers: ModuleType, maker: ModuleType, busy: list[bytes]) -> Site:
    return Site(explorers, maker, busy)


@pytest.fixture
def shop(maker: ModuleType) -> str:
    return address_of(200, maker)


def rows(path: Path, table: str) -> pl.DataFrame:
    frame = open_ledger(path).table(table).collect()
    key = [name for name in ("tx", "n", "k") if name in frame.columns]
    return frame.sort(key) if key else frame


# What it yields ----------------------------------------------------------------------------------


def test_a_history_equals_the_blocks(site: Site, shop: str, busy: list[bytes], tmp_path: Path,
                                     put: Callable[..., Path]) -> None:  # fmt: skip
    pull(tmp_path / "blocks", BlockFiles([put("b.dat", site.maker.framed(*busy))], CHAIN))
    report = pull(tmp_path / "l", site.source([shop]))
    held = rows(tmp_path / "l", "transactions")["tx"].implode()
    for table in OF_TRANSACTIONS:
        one, other = rows(tmp_path / "l", table), rows(tmp_path / "blocks", table)
        other = other.filter(pl.col("tx").is_in(held))
        if table == "inputs":
            one, other = one.drop("prev_tx"), other.drop("prev_tx")
        assert one.equals(other), table
    assert report.rows("transactions") > 75
    assert report.unread_inputs == 0
    assert report.rows("blocks") == 0
    assert check(open_ledger(tmp_path / "l")).ok


def test_coverage_and_answers(site: Site, shop: str, tmp_path: Path) -> None:
    report = pull(tmp_path, site.source([shop]))
    ledger = open_ledger(tmp_path)
    coverage, answers = ledger.coverage.collect(), ledger.answers.collect()
    address = canonical.parse(shop, CHAIN)
    (mine,) = coverage.filter(pl.col("kind") == "address").rows(named=True)
    assert report.tip is not None
    assert mine["unit"] == f"address/{address.hex()}/{report.tip[::-1].hex()}"
    assert (mine["address"], mine["block"], mine["complete"]) == (address, report.tip, True)
    assert mine["height"] == 35
    assert set(coverage["answer"]) <= set(answers["digest"])
    proofs = answers.filter(pl.col("request").str.contains("merkle-proof"))
    assert proofs.height == report.rows("transactions")
    assert proofs["body"].null_count() == 0
    assert set(answers["host"]) == {"explorer.example"}
    bare = tmp_path / "bare"
    pull(bare, site.source([shop], keep_raw=False))
    pages = open_ledger(bare).answers.filter(pl.col("request").str.contains("/txs")).collect()
    assert pages["body"].null_count() == pages.height > 2


def test_the_coins_of_whole_histories_are_unspent_as_of_their_tip(
    site: Site, shop: str, maker: ModuleType, tmp_path: Path
) -> None:
    """No block was read; eight histories were, and they say what became of every coin of theirs."""
    pull(tmp_path, site.source([shop, *(address_of(number, maker) for number in range(1, 8))]))
    ledger = open_ledger(tmp_path)
    followed = trace(ledger, [shop], policy="fifo", chain=CHAIN)
    assert followed.ends.height > 75
    assert set(followed.ends.select("reason", "as_of").rows()) == {("unspent", 35)}
    (said,) = set(followed.ends["detail"])
    assert said == "unspent as of block 35 (2023-11-15), by the history of the address from esplora"
    assert followed.unspent_as_of() == " as of block 35 (2023-11-15)"
    outs = transaction_summary(ledger, followed.ends["txid"][0], CHAIN).outputs
    assert outs.filter(address=canonical.parse(shop, CHAIN))["status"].to_list() == ["unspent"]
    assert str(address_summary(ledger, shop).read_to).startswith("block 35 (2023-11-15), by the ")
    (tip,) = read_to(ledger, CHAIN)
    assert tip.height == 35


def test_batches_keep_the_protocol(site: Site, shop: str, tmp_path: Path) -> None:
    tables = {table.name: table for table in schema.TABLES}

    class Empty:
        def scan(self, table: str) -> pl.LazyFrame:
            return tables[table].empty().lazy()

    runs = []
    for _ in range(2):
        batches = [batch for batch in site.source([shop]).batches(Empty()) if batch.units]
        for batch in batches:
            assert sorted(batch.tables["coverage"]["unit"]) == sorted(batch.units)
            for name, frame in batch.tables.items():
                assert tables[name].conform(frame).equals(frame)
                assert not frame.select(tables[name].key).is_duplicated().any()
        runs.append([(batch.units, batch.what, batch.tables["coverage"]) for batch in batches])
    assert [run[:2] for run in runs[0]] == [run[:2] for run in runs[1]]
    units = [unit for batch in runs[0] for unit in batch[0]]
    assert len(set(units)) == len(units)


def test_a_second_pull_adds_nothing_and_asks_little(site: Site, shop: str, tmp_path: Path) -> None:
    pull(tmp_path, site.source([shop]))
    digests = open_ledger(tmp_path).digests()
    site.asked.clear()
    report = pull(tmp_path, site.source([shop]))
    assert (report.commits, report.units) == (0, 0)
    assert open_ledger(tmp_path).digests() == digests
    assert not any("/address/" in path or "/tx/" in path for path in site.asked)


def test_later_blocks_ask_only_for_what_is_new(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    site.load(busy[:-3])
    pull(tmp_path, site.source([shop]))
    site.load(busy)
    site.asked.clear()
    report = pull(tmp_path, site.source([shop]))
    assert report.rows("transactions") == 9
    assert sum("/txs" in path for path in site.asked) == 1
    pull(tmp_path / "whole", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path, table).equals(rows(tmp_path / "whole", table))


def test_it_goes_on_after_an_interruption(site: Site, shop: str, tmp_path: Path) -> None:
    proofs = itertools.count()

    def dies(path: str, value: Any) -> Any:
        if path.endswith("merkle-proof") and next(proofs) == 60:
            raise KeyboardInterrupt
        return value

    site.change = dies
    with pytest.raises(KeyboardInterrupt):
        pull(tmp_path / "l", site.source([shop]), batch_rows=1)
    assert rows(tmp_path / "l", "transactions").height == 50
    site.change = lambda path, value: value
    site.asked.clear()
    again = pull(tmp_path / "l", site.source([shop]))
    proven = sum("merkle-proof" in path for path in site.asked)
    pull(tmp_path / "m", site.source([shop]))
    assert proven == again.rows("transactions") < 60
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))


def test_two_addresses_that_pay_each_other(
    site: Site, shop: str, maker: ModuleType, tmp_path: Path
) -> None:
    both = [shop, address_of(1, maker), shop]
    pull(tmp_path, site.source(both))
    held = rows(tmp_path, "transactions")
    assert not held["tx"].is_duplicated().any()
    assert check(open_ledger(tmp_path)).ok


def test_whole_blocks_equal_the_blocks(
    site: Site, busy: list[bytes], tmp_path: Path, put: Callable[..., Path]
) -> None:
    pull(tmp_path / "blocks", BlockFiles([put("b.dat", site.maker.framed(*busy))], CHAIN))
    pull(tmp_path / "l", site.source(span=(0, 36)))
    for table in ("blocks", *OF_TRANSACTIONS):
        assert open_ledger(tmp_path / "l").digest(table) == (
            open_ledger(tmp_path / "blocks").digest(table)
        ), table


@pytest.mark.parametrize("named", [True, False])
def test_blocks_that_end_in_extension_blocks(
    named: bool, site: Site, tmp_path: Path, put: Callable[..., Path]
) -> None:
    """Some servers write the programs there as addresses; they are nobody's."""
    made, chain = extension_chain.chain().blocks, "ltc-regtest"
    site.load(made)

    def change(path: str, value: Any) -> Any:
        for tx in value if isinstance(value, list) and "/txs" in path else ():
            for out in tx["vout"]:
                script = bytes.fromhex(out["scriptpubkey"])
                out.pop("scriptpubkey_address", None)
                if named and script[:1] in (b"\x58", b"\x59"):
                    program = bytes([6, script[0] - 0x50]) + script[2:]
                    out["scriptpubkey_address"] = canonical.text(program, chain)
            for part in tx["vin"]:
                (part["prevout"] or {}).pop("scriptpubkey_address", None)
        return value

    site.change = change
    pull(tmp_path / "blocks", BlockFiles([put("b.dat", site.maker.framed(*made))], chain))
    pull(tmp_path / "l", site.source(span=(0, 6), chain=chain))
    for table in ("blocks", *OF_TRANSACTIONS):
        assert open_ledger(tmp_path / "l").digest(table) == (
            open_ledger(tmp_path / "blocks").digest(table)
        ), table


def test_single_transactions(site: Site, tmp_path: Path) -> None:
    txid = site.explorer.blocks[20]["tx"][1]["txid"]
    report = pull(tmp_path, site.source(transactions=[txid, txid]))
    assert (report.rows("transactions"), report.units) == (1, 1)
    again = pull(tmp_path, site.source(transactions=[txid]))
    assert (again.commits, again.skipped) == (0, 1)
    inputs = rows(tmp_path, "inputs")
    assert inputs["value"].null_count() == 0
    assert inputs["prev_tx"].null_count() == inputs.height


def test_unconfirmed_transactions_are_counted(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    last = site.explorer.blocks[-1]["tx"][-1]
    made = maker.spend([(bytes.fromhex(last["txid"])[::-1], 0)], [(900, maker.p2pkh(200))])
    site.load(busy, [told_transaction(Bytes(made.raw), maker.sha256d)])
    report = pull(tmp_path, site.source([shop]))
    assert report.notes == (f"{shop}: 1 unconfirmed transactions were not read",)
    assert made.txid not in set(rows(tmp_path, "transactions")["txid"])


def test_a_history_that_is_too_long_is_cut_and_said_to_be(
    site: Site, shop: str, tmp_path: Path
) -> None:
    report = pull(tmp_path, site.source([shop], max_transactions=30))
    assert report.rows("transactions") == 30
    assert report.notes == (
        f"{shop}: more than 30 transactions: the older ones were not read; ask for more with"
        " max_transactions (--max-transactions)",
    )
    mine = rows(tmp_path, "coverage").filter(pl.col("kind") == "address")
    assert mine["complete"].to_list() == [False]
    heights = rows(tmp_path, "transactions")["height"]
    assert heights.min() > 20
    whole = pull(tmp_path, site.source([shop]))
    assert whole.rows("transactions") > 40


def test_progress_is_told(site: Site, shop: str, tmp_path: Path) -> None:
    lines: list[str] = []
    pull(tmp_path, site.source([shop], progress=lines.append))
    assert lines[0].startswith(f"{shop}: 25 of ")
    assert lines[-1].endswith("proven")


def test_the_disclosure_log_lists_every_question(
    site: Site, shop: str, log: Path, tmp_path: Path
) -> None:
    pull(tmp_path / "l", site.source([shop]))
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["asked"] for line in asked] == [f"GET /api{path}" for path in site.asked]
    assert {line["host"] for line in asked} == {"explorer.example"}
    assert any(shop in line["asked"] for line in asked)


def test_offline_asks_nobody(site: Site, shop: str, tmp_path: Path) -> None:
    with use_network(offline=True), pytest.raises(NetworkRefused):
        pull(tmp_path / "l", site.source([shop]))
    assert site.asked == []


@pytest.mark.parametrize("how", [{"max_transactions": 0}, {"span": (3, 3)}, {"span": (-1, 2)},
                                 {"transactions": [b"short"]}, {"transactions": ["zz"]},
                                 {"addresses": ["1nonsense"]}])  # fmt: skip
def test_questions_that_make_no_sense(site: Site, how: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        site.source(**how)


# An explorer that errs or lies -------------------------------------------------------------------


def first_page(path: str) -> bool:
    return path.endswith("/txs")


def on(select: Callable[[str], bool], change: Callable[[Any], Any]) -> Change:
    """Return a change of the answers to the paths selected."""

    def changed(path: str, value: Any) -> Any:
        if not select(path) or isinstance(value, httpx2.Response):
            return value
        made = change(value)
        return value if made is None else made

    return changed


def in_tx(*steps: Any, to: Any) -> Change:
    """Set one field of the second transaction of the first page."""

    def change(page: Any) -> None:
        place = page[1]
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = to

    return on(first_page, change)


def proof(change: Callable[[Any], Any]) -> Change:
    return on(lambda path: path.endswith("merkle-proof"), change)


def header(change: Callable[[str], str]) -> Change:
    return on(lambda path: path.endswith("/header"), change)


def text(body: str) -> Callable[[Any], httpx2.Response]:
    return lambda _: httpx2.Response(200, text=body)


OTHER_SCRIPT = "0014" + "ab" * 20

LIES: dict[str, tuple[Change, str]] = {
    "value of an output": (in_tx("vout", 0, "value", to=1_001), "do not hash"),
    "script of an output": (in_tx("vout", 1, "scriptpubkey", to=OTHER_SCRIPT), "do not hash"),
    "id": (in_tx("txid", to="ab" * 32), "do not hash"),
    "previous output": (in_tx("vin", 0, "vout", to=7), "do not hash"),
    "sequence": (in_tx("vin", 0, "sequence", to=0), "do not hash"),
    "locktime": (in_tx("locktime", to=1), "do not hash"),
    "version": (in_tx("version", to=1), "do not hash"),
    "script of an input": (in_tx("vin", 0, "scriptsig", to="52"), "do not hash"),
    "witness longer": (in_tx("vin", 0, "witness", to=["00" * 9]), "size"),
    "size": (in_tx("size", to=1), "size"),
    "weight": (in_tx("weight", to=1), "size"),
    "value as text": (in_tx("vout", 0, "value", to="1000"), "`int`, got `str`"),
    "value as a float": (in_tx("vout", 0, "value", to=1000.0), "`int`"),
    "value as a true": (in_tx("vout", 0, "value", to=True), "`int`, got `bool`"),
    "value below zero": (in_tx("vout", 0, "value", to=-1), ">= 0"),
    "value that is huge": (in_tx("vout", 0, "value", to=2**64), "form of Esplora"),
    "value beyond all size": (in_tx("vout", 0, "value", to=10**4_000), "form of Esplora"),
    "value above the supply": (in_tx("vout", 0, "value", to=21 * 10**14 + 1), "do not hash"),
    "no value": (in_tx("vout", 0, to={"scriptpubkey": "00"}), "missing required field `value`"),
    "script that is no hex": (in_tx("vout", 0, "scriptpubkey", to="76 a9"), "not hexadecimal"),
    "script of odd length": (in_tx("vout", 0, "scriptpubkey", to="76a"), "not hexadecimal"),
    "address of somebody else": (
        in_tx("vout", 0, "scriptpubkey_address", to="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
        "is not the address of the script",
    ),
    "address of another chain": (
        in_tx("vout", 0, "scriptpubkey_address", to="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        "is not the address of the script",
    ),
    "value of a prevout": (in_tx("vin", 0, "prevout", "value", to=5), "do not add up"),
    "script of a prevout": (
        in_tx("vin", 0, "prevout", "scriptpubkey", to=OTHER_SCRIPT), "not the address",
    ),
    "prevout above the supply": (
        in_tx("vin", 0, "prevout", "value", to=21 * 10**14 + 1), "more than the supply",
    ),
    "fee": (in_tx("fee", to=1), "do not add up"),
    "coinbase that is none": (in_tx("vin", 0, "is_coinbase", to=True), "coinbase out of place"),
    "no block": (in_tx("status", "block_hash", to=None), "without its block"),
    "height as text": (in_tx("status", "block_height", to="7"), "got `str`"),
    "no list": (on(first_page, lambda page: {"txs": page}), "`array`, got `object`"),
    "null": (on(first_page, text("null")), "`array`, got `null`"),
    "truncated": (on(first_page, lambda page: json.dumps(page)[:-100]), "no JSON"),
    "NaN": (on(first_page, lambda page: json.dumps(page).replace("1000", "NaN")), "no JSON"),
    "an output that is left out": (in_tx("vout", to=[]), "no input or output"),
    "block of another height": (in_tx("status", "block_height", to=36), "above the tip"),
    "proof of another place": (proof(lambda made: made | {"pos": made["pos"] ^ 1}),
                               "does not lead|another place"),
    "proof of another height": (proof(lambda made: made | {"block_height": 3}), "another place"),
    "proof that is too short": (proof(lambda made: made | {"merkle": []}), "proves nothing"),
    "proof without end": (proof(lambda made: made | {"merkle": ["00" * 32] * 60}),
                          "proves nothing"),
    "proof of nothing": (proof(lambda made: made | {"merkle": ["00" * 32] * len(made["merkle"])}),
                         "does not lead"),
    "place below zero": (proof(lambda made: made | {"pos": -1}), ">= 0"),
    "proof in capitals": (proof(lambda made: made | {"merkle": ["AB" * 32]}), "matching regex"),
    "header cut off": (header(lambda made: made[:-2]), "79 bytes are no block header"),
    "header that is no hex": (header(lambda made: "zz" * 80), "not hexadecimal"),
    "header without work": (header(lambda made: made[:-8] + "00000000"), "proof of work"
                            "|another block"),
    "tip that is no hash": (on(lambda path: path.endswith("tip/hash"), text("busy")),
                            "no block hash"),
    "another first block": (on(lambda path: path == "/block-height/0", text("00" * 32)),
                            "the server is not of Bitcoin regtest"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("lie", LIES)
def test_lies_are_caught_and_nothing_is_written(
    site: Site, shop: str, tmp_path: Path, lie: str
) -> None:
    site.change, said = LIES[lie]
    Store.create(tmp_path / "l")
    with pytest.raises(InputError, match=said) as caught:
        pull(tmp_path / "l", site.source([shop]))
    assert "explorer.example" in str(caught.value)
    assert rows(tmp_path / "l", "transactions").height == 0


def test_a_proof_for_another_transaction(site: Site, shop: str, tmp_path: Path) -> None:
    other = site.explorer.blocks[30]["tx"][1]["txid"]
    wrong = site.explorer.answer(f"/tx/{other}/merkle-proof")
    site.change = proof(lambda made: wrong)
    with pytest.raises(SourceError, match=r"another place in the chain|does not lead"):
        pull(tmp_path / "l", site.source([shop]))


def test_a_header_of_another_block(site: Site, shop: str, tmp_path: Path) -> None:
    other = site.explorer.answer(f"/block/{site.explorer.blocks[3]['hash']}/header")
    site.change = header(lambda made: other)
    with pytest.raises(SourceError, match="another block"):
        pull(tmp_path / "l", site.source([shop]))


def test_a_prevout_that_its_transaction_denies(
    site: Site, maker: ModuleType, tmp_path: Path
) -> None:
    """Two prevouts are altered so that sums and fee still fit: the transactions here deny it."""
    miner = address_of(1, maker)

    def lie(page: Any) -> None:
        for tx in page:
            prevout = tx["vin"][0]["prevout"]
            if prevout:
                prevout["value"] += 5
                tx["fee"] += 5

    site.change = on(lambda path: "/txs" in path, lie)
    Store.create(tmp_path / "l")
    with pytest.raises(SourceError, match="what it is said to spend is not output"):
        pull(tmp_path / "l", site.source([miner]))
    assert rows(tmp_path / "l", "inputs").height == 0


def test_a_prevout_that_the_ledger_denies(site: Site, shop: str, tmp_path: Path) -> None:
    pull(tmp_path, site.source(span=(0, 21)))

    def lie(tx: Any) -> None:
        tx["vin"][0]["prevout"]["value"] += 5
        tx["fee"] += 5

    txid = site.explorer.blocks[21]["tx"][1]["txid"]
    site.change = on(lambda path: path == f"/tx/{txid}", lie)
    with pytest.raises(InputError, match="what the source says"):
        pull(tmp_path, site.source(transactions=[txid]))


def test_a_prevout_that_is_not_given_is_unknown(site: Site, shop: str, tmp_path: Path) -> None:
    def forget(page: Any) -> None:
        for tx in page:
            tx["vin"][0]["prevout"] = None

    site.change = on(lambda path: "/txs" in path, forget)
    report = pull(tmp_path, site.source([shop]))
    inputs = rows(tmp_path, "inputs")
    unread = inputs.filter(pl.col("value").is_null())
    assert unread.height == report.unread_inputs > 0
    assert unread["address"].null_count() == unread["script_kind"].null_count() == unread.height


def test_pages_that_never_end(site: Site, shop: str, tmp_path: Path) -> None:
    page = site.explorer.answer(f"/address/{shop}/txs")
    site.change = on(lambda path: "/txs/chain" in path, lambda _: page)
    with pytest.raises(SourceError, match="repeats transaction"):
        pull(tmp_path / "l", site.source([shop]))
    assert len(site.asked) < 20


def test_pages_out_of_order(site: Site, shop: str, tmp_path: Path) -> None:
    site.change = on(lambda path: "/txs" in path, lambda page: page[::-1])
    with pytest.raises(SourceError, match=r"repeats|newest to the oldest"):
        pull(tmp_path / "l", site.source([shop]))


def test_a_transaction_that_has_nothing_to_do_with_it(
    site: Site, shop: str, maker: ModuleType, tmp_path: Path
) -> None:
    foreign = site.explorer.found[site.explorer.blocks[1]["tx"][0]["txid"]]
    site.change = on(first_page, lambda page: [*page, foreign])
    with pytest.raises(SourceError, match="has nothing to do with it"):
        pull(tmp_path / "l", site.source([shop]))


def test_a_history_with_a_hole_is_not_called_complete(
    site: Site, shop: str, tmp_path: Path
) -> None:
    site.change = on(first_page, lambda page: page[:3] + page[4:])
    report = pull(tmp_path, site.source([shop]))
    assert any("transactions and lists" in note for note in report.notes)
    assert any("base units received and lists" in note for note in report.notes)
    mine = rows(tmp_path, "coverage").filter(pl.col("kind") == "address")
    assert mine["complete"].to_list() == [False]


def test_blocks_that_are_not_whole(site: Site, tmp_path: Path) -> None:
    def pages(path: str) -> bool:
        return "/txs/" in path and path.startswith("/block/")

    def other_witness(page: Any) -> None:
        for tx in page[1:]:
            tx["vin"][0]["witness"] = ["aa" * 3, "bb" * 3]

    lies = {
        "do not make up the block": on(pages, lambda page: page[:-1]),
        "merkle root": on(pages, lambda page: [page[0], *page[:0:-1]]),
        "do not link": on(
            lambda path: path == f"/block/{site.explorer.blocks[9]['hash']}",
            lambda made: made | {"height": 8},
        ),
        "witnesses do not hash": on(pages, other_witness),
    }
    for said, lie in lies.items():
        site.change = lie
        with pytest.raises(SourceError, match=said):
            pull(tmp_path / said[:6], site.source(span=(0, 36)))


# A network that fails ----------------------------------------------------------------------------

TROUBLE = {
    "time-out": lambda: httpx2.ReadTimeout("slow"),
    "reset": lambda: httpx2.ReadError("reset"),
    "broken off": lambda: httpx2.RemoteProtocolError("cut"),
    "no connection": lambda: httpx2.ConnectError("refused"),
    "429": lambda: httpx2.Response(429, headers={"retry-after": "0"}),
    "500": lambda: httpx2.Response(500, text="oops"),
    "503": lambda: httpx2.Response(503),
}


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_that_passes_changes_nothing(
    site: Site, shop: str, tmp_path: Path, trouble: str
) -> None:
    """Every ninth question fails at first, whatever it is: the ledger is the same."""
    turns = itertools.count(1)
    site.change = lambda path, value: value if next(turns) % 9 else TROUBLE[trouble]()
    report = pull(tmp_path / "l", site.source([shop]))
    site.change = lambda path, value: value
    pull(tmp_path / "m", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))
    assert report.notes == ()


@pytest.mark.fault
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("after", [0, 3, 12, 60])
def test_trouble_that_stays_is_an_error(
    site: Site, shop: str, tmp_path: Path, trouble: str, after: int
) -> None:
    turns = itertools.count()
    site.change = lambda path, value: value if next(turns) < after else TROUBLE[trouble]()
    with pytest.raises(NoAnswer, match=r"explorer\.example"):
        pull(tmp_path / "l", site.source([shop]))
    site.change = lambda path, value: value
    pull(tmp_path / "l", site.source([shop]))
    pull(tmp_path / "m", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))


@pytest.mark.parametrize("place", ["http://169.254.169.254/", "https://10.0.0.1/", "//[::1]/"])
def test_redirects_to_private_places(site: Site, shop: str, tmp_path: Path, place: str) -> None:
    site.change = on(first_page, lambda _: httpx2.Response(302, headers={"location": place}))
    with pytest.raises(NetworkRefused, match="sends us on to"):
        pull(tmp_path / "l", site.source([shop]))


def test_yesterdays_tip_is_said_to_be(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    pull(tmp_path, site.source([shop]))
    before = rows(tmp_path, "transactions")
    site.load(busy[:-5])
    report = pull(tmp_path, site.source([shop]))
    assert any("it is behind" in note for note in report.notes)
    assert rows(tmp_path, "transactions").equals(before)


def branch(maker: ModuleType, blocks: list[bytes], depth: int, extra: int) -> list[bytes]:
    """Return a chain in which the last blocks are replaced by others."""
    chain = maker.Chain(blocks=blocks[: len(blocks) - depth])
    for _ in range(depth + extra):
        chain.add(tail=b"\x00other")
    return chain.blocks


@pytest.mark.fault
def test_a_reorganisation_between_pages(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    """The history is read again, of the new branch alone."""
    other = branch(maker, busy, 6, 1)

    def switch(path: str, value: Any) -> Any:
        if "/txs/chain" in path and len(site.explorer.blocks) == len(busy):
            site.load(other)
        return value

    site.change = switch
    pull(tmp_path / "l", site.source([shop]))
    site.change = lambda path, value: value
    pull(tmp_path / "m", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))
    assert rows(tmp_path / "l", "transactions")["height"].max() <= len(busy) - 7


def test_a_chain_that_never_comes_to_rest(site: Site, shop: str, tmp_path: Path) -> None:
    site.change = on(lambda path: path == "/block-height/35", text("00" * 32))
    with pytest.raises(SourceError, match="reorganised 5 times"):
        pull(tmp_path / "l", site.source([shop]))


@pytest.mark.fault
def test_a_reorganisation_while_transactions_are_proven(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    other = branch(maker, busy, 15, 1)
    proofs = itertools.count()

    def switch(path: str, value: Any) -> Any:
        if path.endswith("merkle-proof") and next(proofs) == 85:
            site.load(other)
        return value

    site.change = switch
    report = pull(tmp_path / "l", site.source([shop]), batch_rows=1)
    assert any("the chain was reorganised" in note for note in report.notes)
    site.change = lambda path, value: value
    pull(tmp_path / "m", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))


@pytest.mark.fault
def test_a_reorganisation_between_pulls_is_a_new_commit(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    pull(tmp_path / "l", site.source([shop]))
    before = rows(tmp_path / "l", "transactions")
    first = open_ledger(tmp_path / "l").as_of(1)
    site.load(branch(maker, busy, 6, 1))
    report = pull(tmp_path / "l", site.source([shop]))
    assert any("the chain was reorganised" in note for note in report.notes)
    pull(tmp_path / "m", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path / "l", table).equals(rows(tmp_path / "m", table))
    assert first.transactions.collect().sort("tx").equals(before)


def test_a_branch_that_is_shorter_replaces_nothing(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    pull(tmp_path / "l", site.source([shop]))
    before = rows(tmp_path / "l", "transactions")
    site.load(branch(maker, busy, 6, -3))
    with pytest.raises(SourceError, match="differs from the ledger's, and is lower"):
        pull(tmp_path / "l", site.source([shop]))
    assert rows(tmp_path / "l", "transactions").equals(before)


def test_blocks_that_do_not_link_replace_nothing(
    site: Site, shop: str, busy: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    pull(tmp_path / "l", site.source([shop]))
    before = rows(tmp_path / "l", "transactions")
    site.load(branch(maker, busy, 6, 1))
    loose = branch(maker, busy, 12, 7)
    mixed = [*site.explorer.blocks[:33], told_block(loose[33], 33, maker.sha256d)]
    site.explorer = site.explorers.Explorer(mixed + site.explorer.blocks[34:])
    with pytest.raises(SourceError, match="do not link"):
        pull(tmp_path / "l", site.source([shop]))
    assert rows(tmp_path / "l", "transactions").equals(before)


# Real answers ------------------------------------------------------------------------------------


def recorded(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        value = json.loads(path.read_text())
        for tx in value if isinstance(value, list) else [value]:
            if "vin" in tx:
                yield path.stem, tx


def test_real_transactions_hash_to_their_ids_and_give_rows(real_data: Path) -> None:
    """The recorded ones: values, addresses and sizes are those of the explorer."""
    chain = chain_of("btc")
    taken = list(recorded(real_data / "bitcoin" / "esplora"))
    assert len(taken) == 60
    for name, tx in taken:
        read = read_transaction(typed(tx, Transaction, name), chain, name)
        assert read.tx.txid[::-1].hex() == tx["txid"]
        header = Header(read.block or b"", 1, bytes(32), bytes(32),
                             tx["status"]["block_time"], 0, 0)  # fmt: skip
        proven = Proven(read, PlacedTx(read.tx, header, read.height or 0, 7), bytes(32))
        made = proven_rows([proven], chain, source="esplora")
        for table in (*OF_TRANSACTIONS, "coverage"):
            wanted = {item.name: item for item in schema.TABLES}[table]
            assert wanted.conform(made[table]).equals(made[table])
        outputs, inputs = made["outputs"], made["inputs"]
        assert outputs["value"].to_list() == [part["value"] for part in tx["vout"]]
        assert shown(outputs) == [part.get("scriptpubkey_address") for part in tx["vout"]]
        prevouts = [part["prevout"] for part in tx["vin"]]
        assert inputs["value"].to_list() == [part["value"] for part in prevouts]
        assert shown(inputs) == [part.get("scriptpubkey_address") for part in prevouts]
        (row,) = made["transactions"].rows(named=True)
        assert (row["size"], row["weight"]) == (tx["size"], tx["weight"])
        assert inputs["value"].sum() - row["output_value"] == tx["fee"]


def shown(frame: pl.DataFrame) -> list[str | None]:
    found: list[str | None] = canonical.text_series(frame["address"], "btc").to_list()
    return found


def test_a_real_bare_multisig_has_keys_and_no_address(real_data: Path) -> None:
    tx = json.loads((real_data / "bitcoin" / "esplora" / "bare-multisig.json").read_text())
    read = read_transaction(typed(tx, Transaction, "x"), chain_of("btc"), "x")
    header = Header(read.block or b"", 1, bytes(32), bytes(32), 0, 0, 0)
    proven = Proven(read, PlacedTx(read.tx, header, read.height or 0, 7), bytes(32))
    made = proven_rows([proven], chain_of("btc"), source="esplora")
    (bare,) = made["outputs"].filter(pl.col("script_kind") == "multisig").rows(named=True)
    assert (bare["address"], bare["script"].hex()) == (None, tx["vout"][0]["scriptpubkey"])
    assert made["output_keys"].select("n", "required").rows() == [(0, 1), (0, 1)]


def test_a_real_count_of_an_address(real_data: Path, site: Site, tmp_path: Path) -> None:
    """The recorded counts of the first address, before a page that lists the newest 50."""
    folder = real_data / "bitcoin" / "esplora"
    counts = json.loads((folder / "satoshi-genesis-address.json").read_text())
    stats = typed(counts, History, "x").chain_stats
    assert (stats.tx_count, stats.funded_txo_sum) == (56_893, 5_710_665_717)
    script = bytes.fromhex("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac")
    for tx in json.loads((folder / "satoshi-genesis-txs.json").read_text()):
        read = read_transaction(typed(tx, Transaction, "x"), chain_of("btc"), "x")
        assert script in {paid for _, paid in read.tx.outputs}


# What was read before ----------------------------------------------------------------------------


def listed_without(blocks: set[int]) -> Change:
    """Leave the transactions of some heights out of every page."""
    return on(
        lambda path: "/address/" in path and "/txs" in path,
        lambda page: [tx for tx in page if tx["status"].get("block_height") not in blocks],
    )


def history_rows(path: Path) -> list[tuple[int, bool]]:
    mine = rows(path, "coverage").filter(pl.col("kind") == "address").sort("height", "unit")
    return list(mine.select("height", "complete").rows())


def test_a_later_reading_with_a_hole_is_not_called_complete(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    """The server counts what it leaves out; the hole is closed when it lists it again."""
    site.load(busy[:-3])
    pull(tmp_path, site.source([shop]))
    site.load(busy)
    site.change = listed_without({33, 34})
    report = pull(tmp_path, site.source([shop]))
    assert any("transactions and lists" in note for note in report.notes)
    assert any("base units received and lists" in note for note in report.notes)
    assert history_rows(tmp_path) == [(32, True), (35, False)]
    assert not address_summary(open_ledger(tmp_path), shop, CHAIN).complete
    site.change = lambda path, value: value
    chain = site.maker.Chain(blocks=list(busy))
    chain.add()
    site.load(chain.blocks)
    again = pull(tmp_path, site.source([shop]))
    assert again.notes == ()
    assert history_rows(tmp_path)[-1] == (36, True)
    pull(tmp_path / "whole", site.source([shop]))
    for table in OF_TRANSACTIONS:
        assert rows(tmp_path, table).equals(rows(tmp_path / "whole", table))


def test_a_hole_in_the_first_reading_is_found_by_the_next_server(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    """A server without an index called an empty history whole; the next one counts otherwise."""
    empty = {"chain_stats": {"tx_count": 0}, "mempool_stats": {"tx_count": 0}}
    site.load(busy[:-3])
    site.change = lambda path, value: (
        ([] if "/txs" in path else empty) if path.startswith("/address/") else value
    )
    pull(tmp_path, site.source([shop]))
    assert history_rows(tmp_path) == [(32, True)]
    site.change = lambda path, value: value
    site.load(busy)
    report = pull(tmp_path, site.source([shop]))
    assert report.rows("transactions") == 93
    assert history_rows(tmp_path) == [(32, True), (35, True)]


def test_a_server_that_lists_less_than_the_ledger_holds(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    pull(tmp_path, site.source(span=(0, 36)))
    empty = {"chain_stats": {"tx_count": 0}, "mempool_stats": {"tx_count": 0}}
    site.change = lambda path, value: (
        ([] if "/txs" in path else empty) if path.startswith("/address/") else value
    )
    report = pull(tmp_path, site.source([shop]))
    assert any("the ledger holds 93 transactions of it" in note for note in report.notes)
    assert history_rows(tmp_path) == [(35, False)]


def test_what_is_spent_is_counted_without_the_server_saying_so(
    site: Site, maker: ModuleType, tmp_path: Path
) -> None:
    """Prevouts that are not given: spends are found by the outputs that they name."""
    miner = address_of(1, maker)

    def forget(page: Any) -> None:
        for tx in page:
            tx["vin"][0]["prevout"] = None

    def spends_nothing(path: str, value: Any) -> Any:
        if path == f"/address/{miner}":
            value["chain_stats"]["spent_txo_sum"] = 0
        return hide(path, value)

    hide = on(lambda path: "/txs" in path, forget)
    site.change = hide
    assert pull(tmp_path / "l", site.source([miner])).notes == ()
    assert history_rows(tmp_path / "l") == [(35, True)]
    site.change = spends_nothing
    report = pull(tmp_path / "m", site.source([miner]))
    assert any("counts 0 base units spent and lists" in note for note in report.notes)
    assert history_rows(tmp_path / "m") == [(35, False)]


def test_a_history_that_was_cut_is_not_read_again(
    site: Site, shop: str, busy: list[bytes], tmp_path: Path
) -> None:
    site.load(busy[:-1])
    pull(tmp_path, site.source([shop], max_transactions=50))
    site.load(busy)
    site.asked.clear()
    report = pull(tmp_path, site.source([shop], max_transactions=50))
    assert sum("/txs" in path for path in site.asked) == 1
    assert report.rows("transactions") == 3
    assert report.notes[0].startswith(f"{shop}: more than 53 transactions: the older ones")
    assert "max_transactions (--max-transactions)" in report.notes[0]
    assert history_rows(tmp_path) == [(34, False), (35, False)]
    chain = site.maker.Chain(blocks=list(busy))
    chain.add()
    site.load(chain.blocks)
    whole = pull(tmp_path, site.source([shop]))
    assert whole.rows("transactions") == 40
    assert history_rows(tmp_path)[-1] == (36, True)


def test_a_transaction_in_a_whole_block_that_lacks_it(
    site: Site, shop: str, tmp_path: Path
) -> None:
    """Otherwise it would be taken for read before, and be missing from a complete history."""
    whole = site.explorer.blocks[20]["hash"]
    moved = [tx["txid"] for tx in site.explorer.blocks[30]["tx"]]

    def move(page: Any) -> None:
        for tx in page:
            if tx["txid"] in moved:
                tx["status"]["block_hash"] = whole

    site.change = on(lambda path: "/address/" in path and "/txs" in path, move)
    for name, spans in (("before", [(0, 21), None]), ("together", [(0, 21)])):
        if len(spans) == 2:
            pull(tmp_path / name, site.source(span=spans[0]))
        with pytest.raises(SourceError, match="was read whole and does not hold it"):
            pull(tmp_path / name, site.source([shop], span=spans[-1]))


def test_every_answer_that_a_row_rests_on_is_kept(site: Site, shop: str, tmp_path: Path) -> None:
    """Tip, heights and blocks too: whoever doubts a height can see who said so, and when."""
    pull(tmp_path, site.source([shop], span=(0, 3)))
    answers = open_ledger(tmp_path).answers.collect()
    asked = {f"GET /api{path}" for path in site.asked}
    assert set(answers["request"]) == asked
    places = answers.filter(pl.col("request").str.contains(r"/block(s/tip|-height)?/"))
    assert places["body"].null_count() == 0
    assert f"GET /api/block/{site.explorer.blocks[-1]['hash']}" in asked


@pytest.mark.parametrize("height", [2**31, 2**45, 2**53 - 1])
def test_heights_that_no_chain_has(site: Site, tmp_path: Path, height: int) -> None:
    txid = site.explorer.blocks[20]["tx"][1]["txid"]

    def lift(tx: Any) -> None:
        tx["status"]["block_height"] = height

    site.change = on(lambda path: path == f"/tx/{txid}", lift)
    with pytest.raises(SourceError, match="form of Esplora"):
        pull(tmp_path / "l", site.source(transactions=[txid]))


def test_a_span_is_half_open(site: Site, tmp_path: Path) -> None:
    pull(tmp_path / "l", site.source(span=(30, 33)))
    assert sorted(rows(tmp_path / "l", "blocks")["height"]) == [30, 31, 32]
    report = pull(tmp_path / "m", site.source(span=(33, None)))
    assert sorted(rows(tmp_path / "m", "blocks")["height"]) == [33, 34, 35]
    assert report.notes == ()
    above = pull(tmp_path / "m", site.source(span=(33, 37)))
    assert above.notes == ("the server's chain ends at height 35",)


def test_what_stands_in_place_of_a_hash_is_not_repeated() -> None:
    with pytest.raises(SourceError, match="a text of 11 characters is not hexadecimal") as caught:
        from_hex("k3y-SECRET!", "here")
    assert "SECRET" not in repr(caught.value)
