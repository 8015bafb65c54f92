"""A ledger that somebody spoilt: a history dropped, a file twice, rows shuffled, seeds overlapping.

The files are read as a user's are. Whatever was done to them, ends add up to origins, what is
missing is a named amount, and nothing is called unspent that rests on what was not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.simulate.theft import Theft, theft
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.result import Trace
from chainwatch.units import total

TOKEN = "0x" + "ee" * 20
ASSET = cw.token("eth", TOKEN, "TOK", 0)
START = datetime(2023, 5, 1, tzinfo=UTC)
MAPPING = DumpMapping.of({
    "chain": "eth", "kind": "erc20", "source": "test", "txid": "tx", "time": "time",
    "time_unit": "iso", "sender": "from", "receiver": "to", "amount": "value",
    "contract": "token", "section": "section", "log_index": "log",
})  # fmt: skip
WAYS = [(one, way) for way in ("forward", "backward") for one in policies_for("eth", way)]
every_way = pytest.mark.parametrize(
    ("policy", "direction"), WAYS, ids=[f"{one.name}-{way}" for one, way in WAYS]
)

Move = tuple[str, str, int]
MOVES: list[Move] = [
    ("o", "v", 100), ("p", "m", 30), ("v", "m", 90), ("m", "x", 70), ("m", "y", 40), ("x", "e", 65),
    ("y", "v", 5),
]  # fmt: skip
"""v gets 100 and pays m 90; m, who has 30 of its own, pays x and y; x pays the exchange e."""


def account(name: str) -> str:
    return "0x" + name.encode().hex().rjust(40, "0")


def lines(moves: Sequence[Move], sections: str) -> list[str]:
    """Return the rows of histories: each transfer once in the section of each party read."""
    return [
        f"0x{at + 1:064x},{START + timedelta(minutes=at):%Y-%m-%d %H:%M:%S},{TOKEN},"
        f"{account(payer)},{account(paid)},{value},{at},{account(section)}\n"
        for section in sections
        for at, (payer, paid, value) in enumerate(moves)
        if section in (payer, paid)
    ]


class Desk:
    """Writes files and pulls them into ledgers, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def read(self, *files: Iterable[str]) -> cw.Ledger:
        self.count += 1
        into = self.folder / f"ledger{self.count}"
        for number, rows in enumerate(files):
            path = self.folder / f"t{self.count}_{number}.csv"
            head = "tx,time,token,from,to,value,log,section\n"
            path.write_text(head + "".join(rows), encoding="utf-8")
            cw.pull(into, cw.TransferDump(path, MAPPING, acquired=START), progress=False)
        return cw.open_ledger(into)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("files"))


def followed(ledger: cw.Ledger, who: str = "v", **given: Any) -> Trace:
    return cw.trace(ledger, [account(one) for one in who], asset=ASSET, **given)


def told(trace: Trace) -> dict[tuple[str, str | None], int]:
    """Return the sums of ends by reason and address, called by its letter."""
    sums: dict[tuple[str, str | None], int] = {}
    for reason, address, amount in trace.ends.select("reason", "address", "amount").iter_rows():
        name = None if address is None else address[-1:].decode()
        sums[reason, name] = sums.get((reason, name), 0) + int(amount)
    return sums


def reconciled(trace: Trace) -> None:
    """Ends add up to origins, and nothing unspent lies where no history was read."""
    trace.check()
    if trace.conserves:
        assert total(trace.ends["amount"]) == trace.amount


@pytest.fixture(scope="module")
def spoilt(files: Desk) -> list[cw.Ledger]:
    """The same histories, read as they are and then in ways that should change nothing."""
    rows = lines(MOVES, "vmx")
    mixed = rows.copy()
    Random(7).shuffle(mixed)  # noqa: S311 - the same each time
    return [
        files.read(rows), files.read(rows, rows), files.read(mixed), files.read(rows, mixed),
        files.read(rows[:5], mixed, rows[3:]), files.read(rows + rows),
    ]  # fmt: skip


@every_way
def test_a_file_read_twice_and_rows_in_another_order_change_nothing(
    spoilt: list[cw.Ledger], policy: Any, direction: str
) -> None:
    """Also where the second file has the same rows in other bytes, and others beside them."""
    whole, *others = (followed(one, policy=policy, direction=direction) for one in spoilt)
    reconciled(whole)
    assert whole.amount > 0
    for again in others:
        assert again.digest == whole.digest


def test_the_whole_ledger_by_hand(spoilt: list[cw.Ledger]) -> None:
    """By FIFO m's own 30 pay first: 40 of v's go to x and 40 to y. x pays its 30 first too.

    A table does not say that it is whole: what lies after its last row is not called unspent.
    """
    whole = followed(spoilt[0], policy="fifo")
    assert told(whole) == {
        ("not read", "v"): 15, ("not read", "m"): 10, ("not read", "y"): 40, ("not read", "e"): 35,
        ("not read", "x"): 5,
    }  # fmt: skip
    bases = dict(whole.ends.group_by("basis").agg(pl.col("amount").sum()).iter_rows())
    assert bases == {"remainder": 30, None: 75}
    assert whole.amount == 105


def test_a_dropped_history_is_a_named_amount(files: Desk) -> None:
    """What v paid m is named there; nobody is said to hold or to have got any of it."""
    dropped = followed(files.read(lines(MOVES, "vx")), policy="fifo")
    assert told(dropped) == {("not read", "v"): 15, ("not read", "m"): 90}
    assert "the history of this address was not read" in dropped.ends["detail"].to_list()
    assert "addresses whose history was not read" in dropped.findings(pl.DataFrame())[0].headline


def test_a_dropped_receipt_of_the_subject_is_a_named_origin(files: Desk) -> None:
    """Without the 100 that came in v pays 90 of what was never read to come in."""
    less = [row for row in lines(MOVES, "vmx") if f",{account('o')}," not in row]
    found = followed(files.read(less), policy="fifo")
    kinds = dict(found.origins.group_by("kind").agg(pl.col("amount").sum()).iter_rows())
    assert {kind: int(amount) for kind, amount in kinds.items()} == {
        "opening, not read": 90, "received": 5,
    }  # fmt: skip
    reconciled(found)


def test_seeds_that_overlap_share_each_unit_once(spoilt: list[cw.Ledger]) -> None:
    """v pays m 90: the units stay v's and are listed; the 5 that y pays back are v's own again."""
    found = followed(spoilt[0], "vm", policy="fifo")
    came = found.origins.group_by("subject").agg(pl.col("amount").sum())
    assert {row[0][-1:]: int(row[1]) for row in came.iter_rows()} == {b"v": 105, b"m": 30}
    assert [int(one) for one in found.overlaps["amount"]] == [90]
    reconciled(found)


Spoilt = tuple[str, cw.Ledger, cw.Ledger, cw.Ledger]


@pytest.fixture(scope="module")
def random_ledgers(files: Desk) -> list[Spoilt]:
    """Of random histories: one that is dropped, and without it spoilt, plain, and whole."""
    found = []
    for seed in range(4):
        chance = Random(seed)  # noqa: S311 - the same each time
        drawn = [(chance.choice("oabcde"), chance.choice("abcde"), chance.randint(1, 9))
                 for _ in range(25)]  # fmt: skip
        moves = [one for one in drawn if one[0] != one[1]]
        gone = chance.choice("cde")
        kept = "".join(one for one in "abcde" if one != gone)
        rows, again = lines(moves, kept), lines(moves, kept)
        chance.shuffle(again)
        plain, whole = files.read(rows), files.read(lines(moves, "abcde"))
        found.append((gone, files.read(rows[::2], again, rows), plain, whole))
    return found


@every_way
def test_all_at_once_on_random_histories(
    random_ledgers: list[Spoilt], policy: Any, direction: str
) -> None:
    """A history is dropped, a file given twice, rows shuffled, and subjects pay each other."""
    named = 0
    for gone, bad, plain, whole in random_ledgers:
        found, clean, full = (
            followed(one, "ab", policy=policy, direction=direction) for one in (bad, plain, whole)
        )
        reconciled(found)
        assert found.digest == clean.digest
        assert "unspent" not in set(found.ends["reason"])
        named += told(found).get(("not read", gone), 0)
        if direction == "forward" and policy.conserves and policy.follows:
            within(found, full)
    assert named > 0 or not policy.follows


def within(found: Trace, full: Trace) -> None:
    """The full answer lies within what the spoilt one says can still come."""
    unread = total(found.ends.filter(pl.col("reason") == "not read")["amount"])
    slack = found.steps.height if found.policy == "haircut" else 0
    before, after = told(found), told(full)
    for key, amount in after.items():
        if key[0] != "not read":
            assert before.get(key, 0) - slack <= amount <= before.get(key, 0) + unread + slack


def framed_blocks(raw: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little") + 8
        found.append(raw[at : at + size])
        at += size
    return found


@pytest.fixture(scope="module")
def stolen() -> Theft:
    return theft()


@pytest.fixture(scope="module")
def whole(stolen: Theft, tmp_path_factory: pytest.TempPathFactory) -> cw.Ledger:
    return of_blocks(tmp_path_factory.mktemp("whole"), framed_blocks(stolen.blocks))


def of_blocks(folder: Path, *files: Sequence[bytes]) -> cw.Ledger:
    for number, part in enumerate(files):
        path = folder / f"{number}.dat"
        path.write_bytes(b"".join(part))
        cw.pull(folder / "ledger", cw.BlockFiles(path, chain="btc-regtest"), progress=False)
    return cw.open_ledger(folder / "ledger")


class TestBlocks:
    def test_blocks_twice_and_in_another_order_change_nothing(
        self, stolen: Theft, whole: cw.Ledger, tmp_path: Path
    ) -> None:
        blocks = framed_blocks(stolen.blocks)
        mixed = blocks.copy()
        Random(3).shuffle(mixed)  # noqa: S311 - the same each time
        spoilt = of_blocks(tmp_path, [*mixed, *blocks[:20]], blocks)
        for policy in policies_for("btc"):
            one, two = (cw.trace(it, stolen.stolen, policy=policy) for it in (whole, spoilt))
            assert one.digest == two.digest

    @pytest.mark.parametrize("back", [1, 6, 9])
    def test_a_block_that_is_missing_has_a_height_and_what_lies_there_an_amount(
        self, stolen: Theft, whole: cw.Ledger, tmp_path: Path, back: int
    ) -> None:
        """Whichever block of the story is cut out: ends add up; what may have been spent in it is
        unspent as of the block before, and what was said of any coin is true of the whole chain."""
        blocks = framed_blocks(stolen.blocks)
        gap = len(blocks) - 3 - back
        cut = of_blocks(tmp_path, [*blocks[:gap], *blocks[gap + 1 :]])
        heights = dict(stolen.coins.select("txid", "height").iter_rows())
        spent = {(row["txid"], row["n"]): heights.get(row["spent_by"])
                 for row in stolen.coins.iter_rows(named=True)}  # fmt: skip
        open_ = 0
        for policy in policies_for("btc"):
            full, found = (cw.trace(one, stolen.stolen, policy=policy) for one in (whole, cut))
            reconciled(found)
            assert found.amount == stolen.amount
            for row in found.ends.filter(reason="unspent").iter_rows(named=True):
                height = spent[row["txid"], row["n"]]
                assert row["as_of"] == gap - 1 or row["as_of"] == len(blocks) - 1
                assert height is None or height > row["as_of"]
                open_ += row["as_of"] == gap - 1
            assert full.ends.filter(reason="unspent")["as_of"].unique().to_list() == [120]
            unread = found.ends.filter(reason="not read")
            assert unread["basis"].null_count() == 0
            open_ += unread.height
        assert open_ > 0
