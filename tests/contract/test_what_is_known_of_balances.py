"""Two hundred small account chains, read in part: a trace and a look-up say the same of a balance.

What is known is worked out anew here, plainly, half day by half day: an address is known from its
first movement on as long as some reading that claims to be whole holds each half day.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import polars as pl
import pytest

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import text
from chainwatch.case.case import Case
from chainwatch.case.exports.catalogue import write_exports
from chainwatch.figures import flow
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.tracing.trace import trace

DAYS, CHAINS = 12, 200
START = datetime(2024, 1, 1, tzinfo=UTC)
WHO = [b"\x10" + bytes([n]) * 20 for n in range(1, 5)]
OUTSIDE = b"\x10" + b"\x99" * 20
TOKEN = token("eth", "0x" + "77" * 20, "TOK", 0)
USDT = token("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6)


class Window(NamedTuple):
    """A reading: of whom, from which day to which (None is open), and whether it claims all."""

    who: bytes
    first: int | None
    last: int | None
    whole: bool | None

    def holds(self, half: int) -> bool:
        first, last = (None if day is None else 2 * day for day in (self.first, self.last))
        return (first is None or first <= half) and (last is None or half <= last)


class Chain(NamedTuple):
    """Payments ``(day, sender, receiver, amount)``, the windows read, and the ledger of them."""

    paid: list[tuple[int, bytes, bytes, int]]
    read: list[tuple[int, bytes, bytes, int]]
    windows: list[Window]
    ledger: Ledger


def when(day: int) -> datetime:
    return START + timedelta(days=day)


def payments(rng: random.Random) -> list[tuple[int, bytes, bytes, int]]:
    """Return payments of a day each; nobody pays more than there is."""
    held = dict.fromkeys(WHO, 0)
    made = []
    for day in range(DAYS):
        able = [one for one in WHO if held[one] > 0]
        payer = rng.choice([OUTSIDE, *able])
        amount = rng.randint(1, 50 if payer == OUTSIDE else held[payer])
        payee = rng.choice([one for one in (*WHO, OUTSIDE) if one != payer])
        for one, sum_ in ((payer, -amount), (payee, amount)):
            if one in held:
                held[one] += sum_
        made.append((day, payer, payee, amount))
    return made


def made_up(seed: int, asset: Asset) -> Chain:
    rng = random.Random(seed)  # noqa: S311  # the same each time
    paid, windows, read = payments(rng), [], set()
    for _ in range(rng.randint(1, 6)):
        first, last = sorted(rng.sample(range(DAYS), 2))
        window = Window(rng.choice(WHO), rng.choice([None, first]), rng.choice([None, last]),
                        rng.choice([True, True, False, None]))  # fmt: skip
        windows.append(window)
        inside = [one for one in paid if window.who in one[1:3] and window.holds(2 * one[0])]
        read |= set(inside if window.whole else rng.sample(inside, rng.randint(0, len(inside))))
    listed = sorted(read)
    rows = [
        dict.fromkeys(schema.TRANSFERS.schema) | {
            "chain": asset.chain, "txid": bytes([day]) * 32, "occurrence": 0, "time": when(day),
            "kind": "erc20" if asset.contract else "native", "contract": asset.contract,
            "sender": payer, "receiver": payee, "amount": amount, "order_uncertain": True,
            "sections": 1,
        }
        for day, payer, payee, amount in listed
    ]  # fmt: skip
    units = [
        dict.fromkeys(schema.COVERAGE.schema) | {
            "chain": asset.chain, "unit": f"window/{n}", "kind": "address", "source": "test",
            "address": one.who, "answer": bytes(32), "complete": one.whole,
            "from_time": None if one.first is None else when(one.first),
            "to_time": None if one.last is None else when(one.last),
        }
        for n, one in enumerate(windows)
    ]  # fmt: skip
    ledger = Ledger.from_tables({
        "transfers": pl.DataFrame(rows, schema=schema.TRANSFERS.schema),
        "coverage": pl.DataFrame(units, schema=schema.COVERAGE.schema),
    })  # fmt: skip
    return Chain(paid, listed, windows, ledger)


def known_to(chain: Chain, who: bytes, *, beginning: bool) -> int | None:
    """Return the last half day up to which an address is known, or None where it is not."""
    mine = [one[0] for one in chain.read if who in one[1:3]]
    whole = [one for one in chain.windows if one.who == who and one.whole]
    if not mine or (beginning and not any(one.first is None for one in whole)):
        return None
    half, end = 2 * min(mine), None
    while half <= 2 * DAYS and any(one.holds(half) for one in whole):
        half, end = half + 1, half
    return end if end is not None and end >= 2 * max(mine) else None


def balance_at(chain: Chain, who: bytes, half: int) -> int:
    """Return what an address holds in truth, by all payments, read or not."""
    inside = [one for one in chain.paid if 2 * one[0] <= half]
    came = sum(amount for _, _, payee, amount in inside if payee == who)
    return came - sum(amount for _, payer, _, amount in inside if payer == who)


def test_a_trace_calls_unspent_what_is_known_to_be_there() -> None:
    seen = {"unspent": 0, "not known": 0}
    for seed in range(CHAINS):
        chain = made_up(seed, TOKEN)
        if not chain.read:
            continue
        ends = trace(chain.ledger, WHO[0], policy="fifo", asset=TOKEN).ends
        left = ends.filter(
            (pl.col("reason") == "unspent") | (pl.col("basis") == "remainder"),
        )
        for row in left.iter_rows(named=True):
            end = known_to(chain, row["address"], beginning=False)
            assert (row["reason"] == "unspent") is (end is not None), seed
            seen["unspent" if end is not None else "not known"] += 1
            if end is None:
                continue
            mine = ends.filter(reason="unspent", address=row["address"])["amount"]
            assert sum(map(int, mine)) <= balance_at(chain, row["address"], end), seed
            until = None if end == 2 * DAYS else START + timedelta(days=end / 2)
            assert row["as_of_time"] == until, seed
    assert min(seen.values()) > 25, seen


def test_a_look_up_gives_the_balance_that_is_known() -> None:
    given = 0
    for seed in range(CHAINS):
        chain = made_up(seed, TOKEN)
        for who in WHO:
            if not any(who in one[1:3] for one in chain.read):
                continue
            rows = address_summary(chain.ledger, who, "eth").totals
            (said,) = rows.filter(pl.col("contract").is_not_null())["balance"].to_list()
            end = known_to(chain, who, beginning=True)
            assert (said is None) is (end is None), seed
            if end is not None:
                given += 1
                assert said == balance_at(chain, who, end), seed
    assert given > 50


@pytest.mark.parametrize("asset", [USDT, native("eth")], ids=str)
def test_what_moves_without_transfers_is_known_to_neither(asset: Asset) -> None:
    held = 0
    for seed in range(40):
        chain = made_up(seed, asset)
        if not chain.read:
            continue
        ends = trace(chain.ledger, WHO[0], policy="fifo", asset=asset).ends
        assert "unspent" not in set(ends["reason"]), seed
        assert ends["as_of_time"].null_count() == ends.height
        held += ends.filter(basis="remainder").height
        for who in WHO:
            balances = address_summary(chain.ledger, who, "eth").totals["balance"]
            assert balances.null_count() == balances.len(), seed
    assert held > 5


def exported(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table as it was written for spreadsheets."""
    with (folder / "tables" / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_exports_say_the_same(tmp_path: Path) -> None:
    """Files are read as anybody reads them, and held to the plain recomputation again."""
    seen = {"unspent": 0, "not known": 0, "balances": 0}
    for seed in range(0, CHAINS, 8):
        chain, folder = made_up(seed, TOKEN), tmp_path / str(seed)
        if not chain.read:
            continue
        looked = [one for one in WHO if any(one in paid[1:3] for paid in chain.read)]
        followed = trace(chain.ledger, WHO[0], policy="fifo", asset=TOKEN)
        case = Case("x", "?", mask_key=bytes(32)).add(followed, flow(followed))
        case.add(*(address_summary(chain.ledger, who, "eth") for who in looked))
        folder.mkdir()
        write_exports(case.shown("working"), folder)
        named = {text(who, "eth"): who for who in WHO}
        unspent: dict[str, int] = {}
        for row in exported(folder, "ends"):
            if row["reason"] == "unspent" or row["basis"] == "remainder":
                end = known_to(chain, named[row["address"]], beginning=False)
                assert (row["reason"] == "unspent") is (end is not None), seed
                seen["unspent" if end is not None else "not known"] += 1
            if row["reason"] == "unspent":
                unspent[row["address"]] = unspent.get(row["address"], 0) + int(row["amount"])
        for address, amount in unspent.items():
            end = known_to(chain, named[address], beginning=False)
            assert end is not None
            assert amount <= balance_at(chain, named[address], end), seed
        for place, who in enumerate(looked):
            rows = exported(folder, "totals" if not place else f"totals_{place + 1}")
            (said,) = (row["balance"] for row in rows if row["contract"])
            end = known_to(chain, who, beginning=True)
            assert said == ("" if end is None else str(balance_at(chain, who, end))), seed
            seen["balances"] += end is not None
        assert lying(folder) == sum(unspent.values()), seed
    assert min(seen.values()) > 5, seen


def lying(folder: Path) -> int:
    """Return how much lies unspent, as the graph of flows tells it."""
    paths = list((folder / "graph").glob("*.graphml"))
    if not paths:
        return 0
    graph = nx.read_graphml(paths[0], force_multigraph=True)
    return sum(
        int(edge["amount"])
        for _, target, edge in graph.edges(data=True)
        if graph.nodes[target]["role"] == "unspent"
    )
