"""Write docs/coinjoins.md: how the detectors of mixes agree with published lists, and their alarms.

Usage: ``python tools/coinjoins.py`` with CHAINWATCH_DATA naming the folder of real chain data.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import chainwatch as cw
from chainwatch.addresses.scripts import classify
from chainwatch.heuristics import coinjoin
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import schema
from chainwatch.ledger.features import transactions

PAGE = Path(__file__).parent.parent / "docs" / "coinjoins.md"

HEAD = """\
# How the detectors of mixes do on real transactions

Two questions, on real mainnet transactions. Do the detectors of `heuristics/coinjoin/` agree with
lists that others published? And what do they take for a mix in blocks that nobody labelled?
Thresholds are those that the cited sources state; they were fixed before these figures were first
computed, and none was changed after. The page is written by `tools/coinjoins.py`.

## Agreement with published lists

The lists were found by the rules of Dumplings on mainnet. Agreement is not recall: a mix that those
rules missed is in no list, and nobody who took part has confirmed one. For the mixes of 2018 both
go by the fixed addresses of Wasabi's coordinator, so that agreement there says little; what the
rules without them say stands below it. Heights do not stand in the lists: their transactions are
put at heights of their year. Whirlpool's descent cannot be told here, for the mixes between were
not read. All transactions of a list hang together by their makers: read the intervals (Wilson,
95 %) as if they did not.

"""

TARGETS: Mapping[str, Sequence[Rule]] = {
    "wasabi1_2018": (
        coinjoin.wasabi1_coordinator(), coinjoin.wasabi1_mix(), coinjoin.wasabi1_levels(),
        coinjoin.DETECTORS["equal outputs"], coinjoin.JOINT,
    ),
    "whirlpool_early": (
        coinjoin.whirlpool_mix(), coinjoin.whirlpool_lineage(),
        coinjoin.DETECTORS["equal outputs"], coinjoin.JOINT,
    ),
    "whirlpool_tx0_early": (
        coinjoin.whirlpool_tx0(), coinjoin.whirlpool_mix(), coinjoin.DETECTORS["equal outputs"],
        coinjoin.JOINT,
    ),
    "postmix_wasabi1": (
        coinjoin.wasabi1_coordinator(), coinjoin.wasabi1_mix(), coinjoin.wasabi1_levels(),
        coinjoin.joinmarket_mix(), coinjoin.DETECTORS["equal outputs"], coinjoin.JOINT,
    ),
}  # fmt: skip
"""What is asked of each list: the rule made for it first."""

HEIGHTS = {"wasabi1_2018": 530_500, "postmix_wasabi1": 530_500, "whirlpool_early": 830_000,
           "whirlpool_tx0_early": 660_000}  # fmt: skip
"""Where the transactions of a list are put, one to a height: in blocks of their year."""

LISTS = {
    "wasabi1_2018": "mixes of Wasabi 1 in 2018",
    "whirlpool_early": "mixes of Whirlpool, March 2024",
    "whirlpool_tx0_early": "what Dumplings takes for Tx0s: transactions before a mix of Whirlpool",
    "postmix_wasabi1": "spends of mixed coins, some into further mixes: neither answer is right",
}

NAMES = {str(rule): f"{name}, all rules"
         for name, rule in coinjoin.DETECTORS.items()}  # fmt: skip
NAMES[str(coinjoin.JOINT)] = "the default veto (`JOINT`)"


class Row(NamedTuple):
    """A transaction of a list: id in wire order, inputs with their values, outputs."""

    txid: bytes
    spent: list[tuple[bytes, int, int, bytes]]
    paid: list[tuple[int, bytes]]


def read_list(path: Path) -> list[Row]:
    """Return the transactions of a list."""
    with gzip.open(path, "rt") as lines:
        items = [json.loads(line) for line in lines]
    return [
        Row(
            bytes.fromhex(item["txid"])[::-1],
            [(bytes.fromhex(t)[::-1], n, v, bytes.fromhex(s)) for t, n, v, s in item["ins"]],
            [(value, bytes.fromhex(script)) for value, script in item["outs"]],
        )
        for item in items
    ]


def ledger_of(rows: Sequence[Row], first: int) -> cw.Ledger:
    """Return a ledger in memory, each transaction in a block of its own."""
    tables: dict[str, list[dict[str, Any]]] = {"transactions": [], "inputs": [], "outputs": []}
    moment = datetime(2018, 1, 1, tzinfo=UTC)
    for height, row in enumerate(rows, first):
        key = {"chain": cw.chain("btc").id, "tx": schema.pack_tx(height, 1)}
        tables["transactions"].append(key | {
            "txid": row.txid, "block": bytes(32), "height": height, "position": 1, "time": moment,
            "version": 1, "locktime": 0, "size": 1, "weight": 4, "input_count": len(row.spent),
            "output_count": len(row.paid), "output_value": sum(v for v, _ in row.paid),
            "coinbase": False,
        })  # fmt: skip
        for n, (prev, place, value, script) in enumerate(row.spent):
            found = classify(script)
            tables["inputs"].append(key | {
                "n": n, "prev_txid": prev, "prev_n": place, "value": value, "sequence": 0,
                "address": found.address, "script_kind": found.kind,
            })  # fmt: skip
        for n, (value, script) in enumerate(row.paid):
            found = classify(script)
            tables["outputs"].append(key | {
                "n": n, "value": value, "script_kind": found.kind, "address": found.address,
                "script": None if found.address else script, "spendable": found.spendable,
            })  # fmt: skip
    kinds = {table.name: table.schema for table in schema.TABLES}
    frames = {
        name: pl.DataFrame([{column: row.get(column) for column in kinds[name]} for row in made],
                           schema=kinds[name])
        for name, made in tables.items()
    }  # fmt: skip
    return cw.Ledger.from_tables(frames)


def share(count: int, whole: int) -> str:
    """Return a share with its interval: Wilson's, and three over n where its end is open."""
    p, z = count / whole, 1.959964
    middle, reach = p + z * z / (2 * whole), z * sqrt(p * (1 - p) / whole + (z / whole) ** 2 / 4)
    low, high = ((middle + sign * reach) / (1 + z * z / whole) for sign in (-1, 1))
    low = max(0.0, 1 - 3 / whole) if count == whole else low
    high = min(1.0, 3 / whole) if count == 0 else high
    span = f"{100 * max(0.0, low if count else 0.0):.1f} to {100 * min(1.0, high):.1f} %"
    return f"{count} of {whole} ({span})"


def agreement(data: Path) -> Iterator[str]:
    """Yield the table of agreement, and the classes of what is not agreed upon."""
    yield "| list | rule | yes | unknown | no |\n|---|---|---|---|---|\n"
    apart: list[str] = []
    for name, rules in TARGETS.items():
        rows = read_list(data / "coinjoins" / f"{name}.jsonl.gz")
        frame = transactions(ledger_of(rows, HEIGHTS[name]))
        for rule in rules:
            answered = apply(frame, rule)
            counts = Counter(answered[VERDICT].to_list())
            told = NAMES.get(str(rule), f"`{str(rule).split('(')[0]}`")
            yield (
                f"| `{name}` | {told} | {share(counts[True], frame.height)} | {counts[None]}"
                f" | {counts[False]} |\n"
            )
            if (classes := CLASSES.get((name, str(rule).split("(")[0]))) and "&" not in str(rule):
                apart += _classes(name, rule, answered, classes)
    yield "".join(f"\n`{name}`: {words}.  " for name, words in LISTS.items()) + "\n"
    yield from ("\n## What is not agreed upon\n", *apart)


def _classes(
    name: str, rule: Rule, answered: pl.DataFrame, classes: Mapping[str, pl.Expr]
) -> Iterator[str]:
    """Yield how many transactions a rule does not say yes of, by the first reason that holds."""
    missed = answered.filter(~pl.col(VERDICT).fill_null(False))
    if missed.is_empty():
        return
    reason = pl.coalesce(*(pl.when(test).then(pl.lit(why)) for why, test in classes.items()))
    found = Counter(missed.select(reason.alias("why"))["why"].to_list())
    yield f"\n`{str(rule).split('(')[0]}` on `{name}`: {missed.height} not yes.\n\n"
    yield from (f"* {found[why]}: {why}\n" for why in [*classes, None] if found[why])


_OTHERS = pl.col("payments") - pl.col("premix_outputs") - pl.col("premix_fees")

CLASSES: Mapping[tuple[str, str], Mapping[str, pl.Expr]] = {
    ("whirlpool_tx0_early", "whirlpool_tx0"): {
        "a mix of Whirlpool itself: as many inputs as outputs, all of a pool's amount, no data":
            (pl.col("input_count") == pl.col("output_count"))
            & (pl.col("output_min") == pl.col("output_max")),
        "no output carries data": pl.col("op_returns") == 0,
        "several outputs carry data": pl.col("op_returns") > 1,
        "no output is just above a pool's amount": pl.col("premix_outputs") == 0,
        "no output is of a pool's fee": pl.col("premix_fees") == 0,
        "several outputs are of a pool's fee": pl.col("premix_fees") > 1,
        "more than two other outputs": _OTHERS > 2,
    },
    ("wasabi1_2018", "wasabi1_mix"): {
        "fewer than ten equal outputs": pl.col("equal_outputs") < 10,
        "fewer inputs than equal outputs": pl.col("input_count") < pl.col("equal_outputs"),
        "the equal amount is not about 0.1 bitcoin":
            (pl.col("equal_value") - 10_000_000).abs() > 2_000_000,
        "fewer than two amounts that one output has": pl.col("single_values") < 2,
        "an output of another kind than P2WPKH": pl.col("outputs_p2wpkh") < pl.col("output_count"),
        "an input of another kind than P2WPKH": pl.col("inputs_p2wpkh") < pl.col("input_count"),
    },
    ("wasabi1_2018", "wasabi1_levels"): {
        "fewer than ten inputs": pl.col("input_count") < 10,
        "fewer than three outputs at a level": pl.col("level_most") < 3,
        "an address is paid twice": pl.col("output_addresses") < pl.col("payments"),
        "one address has more than a tenth of the inputs":
            100 * pl.col("inputs_of_one") > 10 * pl.col("input_count"),
        "fewer input addresses than outputs of the fullest level":
            pl.col("input_addresses") < pl.col("level_most"),
        "the levels hold neither half of the outputs nor all but one change for each address":
            pl.lit(True),
    },
}  # fmt: skip
"""Why a rule does not say yes: conditions in the order in which they are tried."""


def alarms(data: Path) -> Iterator[str]:
    """Yield what the detectors find in whole blocks, one by one, and apart what they doubt."""
    yield "\n## Alarms in whole blocks\n\n"
    yield (
        "Blocks read alone: most inputs say whose they were, few how much they held. Nobody"
        " labelled these\ntransactions. Each *yes* is listed for a person to judge, *unknown*"
        " apart.\n\n"
        "| block | transactions | of several input addresses | yes | unknown |\n"
        "|---|---|---|---|---|\n"
    )
    sure: list[str] = []
    open_: list[str] = []
    for path in sorted((data / "blocks").glob("*.raw")):
        with tempfile.TemporaryDirectory() as folder:
            cw.pull(Path(folder) / "ledger", cw.BlockFiles(path))
            ledger = cw.open_ledger(Path(folder) / "ledger")
            frame, told = transactions(ledger), cw.mixes(ledger).frame
        several = frame.filter(pl.col("input_addresses") > 1).height
        whole = frame.join(told.drop("txid", "height", "time"), on=["chain", "tx"]).sort("tx")
        yes, unknown = whole.filter("is_mix"), whole.filter("maybe_mix")
        yield f"| {path.stem} | {frame.height} | {several} | {yes.height} | {unknown.height} |\n"
        sure += _listed(path.stem, yes)
        open_ += _listed(path.stem, unknown)
        sure += _listed(path.stem, whole.filter("tx0_shape"), "the shape of a Tx0 of Whirlpool")
    head = "| block | transaction | inputs | addresses | outputs | equal | of | says |\n"
    for title, rows in (("Yes, and the shape of a Tx0", sure), ("Unknown", open_)):
        yield f"\n### {title}\n\n{head}|---|---|---|---|---|---|---|---|\n"
        yield from rows


def _listed(block: str, rows: pl.DataFrame, said: str = "") -> Iterator[str]:
    for row in rows.iter_rows(named=True):
        yield (
            f"| {block} | `{row['txid'][::-1].hex()}` | {row['input_count']} |"
            f" {row['input_addresses']} | {row['output_count']} | {row['equal_outputs']} |"
            f" {row['equal_value']} | {said or row['protocols']} |\n"
        )


JUDGED = """
### What a person saw in them

* `40984b43...` and `dbb220ef...`, May 2014: 26 and 25 inputs of as many addresses, nine and ten of
  19 outputs of just 0.1 bitcoin, others near it. Consistent with SharedCoin, which was at work;
  nobody has confirmed it. `d69c66fa...` and `c1b75912...` of the same block look alike, and more of
  their outputs are unequal than equal; so they are doubted.
* Eight of the doubted ones of block 629999 have as many input addresses as equal outputs, all of
  one kind, and pay two or three kinds of wallets. Seven pay 23 to 100 at once, five of these the
  same 0.0114571 bitcoin five to nine times: consistent with one payer of fixed sums. `bf573b3b...`
  pays 10 bitcoin three times and 200 once.
* The Tx0s of block 574200 pay 0.0011 to 0.002 bitcoin, and Whirlpool's pool of 0.001 opened two
  years later: these are no Tx0s. Each spends what one or two addresses hold, so that nothing hangs
  on it but a link that is kept as any other would be.
"""
"""Written by hand; a test holds the page to the figures above it."""


def page(data: Path) -> str:
    """Return the page as Markdown."""
    return HEAD + "".join([*agreement(data), *alarms(data)]) + JUDGED


if __name__ == "__main__":
    place = os.environ.get("CHAINWATCH_DATA")
    if not place:
        sys.exit("set CHAINWATCH_DATA to the folder of real chain data")
    PAGE.write_text(page(Path(place) / "bitcoin"), encoding="utf-8")
