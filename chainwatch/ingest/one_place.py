"""One place for a transaction: two times, blocks or positions are refused, whoever tells them.

Rows that are alike in all that identifies them are held to each other where they are stored
(:mod:`chainwatch.ingest.deduplicate`). Here everything else that tells of one transaction is: its
fee beside its tokens, authority beside payments, a list that knows no height beside a block. What
a source does not say contradicts nobody. So are blocks: a height has one block and one time, and a
place in it one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import InputError
from chainwatch.ingest.protocol import UNITS, Reader
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import LOGS
from chainwatch.ledger.block_readings import INTERNAL
from chainwatch.ledger.checks.places import OF_TRANSACTIONS, PLACED, told_places

_LINKED = (
    "block",
    INTERNAL,
    LOGS,
    "apart",
    "gap",
    "damaged",
    "cut",
    "unplaced",
    "prices",
    "budget",
)
"""Kinds of coverage of whole blocks, which link to each other: none of these has a transaction of
another; and those that tell of none."""

_MOST_ANSWERS = 3


@dataclass(frozen=True)
class _Odd:
    """Two answers to one question: of what, which fact, and what is said of it."""

    of: str
    key: Any
    fact: str
    values: tuple[Any, Any]


def refuse_two_places(tables: Mapping[str, pl.DataFrame], reader: Reader, chain: str) -> None:
    """Refuse rows that give a transaction, or a height, another place than is told already.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Rows that come, by table, with the coverage that they belong to.
    reader : Reader
        The ledger they are to be stored in.
    chain : str
        Their chain.

    Raises
    ------
    InputError
        For the first transaction or height of which two different things are said, with the
        SHA-256 of the answers or files that say them.

    Fails when
    ----------
    Of two chains of whole blocks, read with a gap between, each holds one transaction: a check of
    the ledger finds that.
    """
    come = _told({name: rows.lazy() for name, rows in tables.items()}, chain).collect()
    if not come.height:
        return
    held = _told({name: reader.scan(name) for name in PLACED}, chain)
    for odd in _odd(come, held, _whole_blocks(tables, reader, chain)):
        raise _refusal(odd, tables, reader, chain)


def _told(tables: Mapping[str, pl.LazyFrame], chain: str) -> pl.LazyFrame:
    mine = {name: rows.filter(pl.col("chain") == chain) for name, rows in tables.items()
            if name in PLACED}  # fmt: skip
    return told_places(mine)


def _whole_blocks(tables: Mapping[str, pl.DataFrame], reader: Reader, chain: str) -> bool:
    """Tell whether everything is of whole blocks, so that no transaction is told twice."""
    mine = reader.scan(UNITS).filter(pl.col("chain") == chain).select("kind")
    both = pl.concat([mine, tables[UNITS].lazy().select("kind")] if UNITS in tables else [mine])
    return not both.filter(~pl.col("kind").is_in(_LINKED)).head(1).collect().height


def _odd(come: pl.DataFrame, held: pl.LazyFrame, whole_blocks: bool) -> Iterator[_Odd]:
    if not whole_blocks:
        yield from _two_answers("txid", OF_TRANSACTIONS, come, held)
    for key, facts in (("height", ("hash", "time")), ("tx", ("txid",))):
        asked = come[key].drop_nulls()
        inside = pl.col(key).is_between(asked.min(), asked.max())
        if asked.len():
            yield from _two_answers(key, facts, come, held.filter(inside))


def _two_answers(
    key: str, facts: tuple[str, ...], come: pl.DataFrame, held: pl.LazyFrame
) -> Iterator[_Odd]:
    """Yield for each fact the first of what comes of which two different things are said."""
    told = come.lazy().select(key, *facts).drop_nulls(key)
    near = held.select(key, *facts).join(told.select(key).unique(), on=key, how="semi")
    ends = [end for fact in facts for end in (_low(fact), _high(fact))]
    differ = pl.any_horizontal(pl.col(f"{one} low") != pl.col(f"{one} high") for one in facts)
    spread = pl.concat([told, near]).group_by(key).agg(ends).filter(differ)
    odd = spread.collect(engine="streaming").sort(key)
    for fact in facts:
        low, high = f"{fact} low", f"{fact} high"
        rows = odd.filter(pl.col(low) != pl.col(high)).select(key, low, high)
        for row in rows.head(1).iter_rows():
            yield _Odd(key, row[0], fact, (row[1], row[2]))


def _low(fact: str) -> pl.Expr:
    return pl.col(fact).min().alias(f"{fact} low")


def _high(fact: str) -> pl.Expr:
    return pl.col(fact).max().alias(f"{fact} high")


def _refusal(
    odd: _Odd, tables: Mapping[str, pl.DataFrame], reader: Reader, chain: str
) -> InputError:
    names = {"hash": "block", "txid": "transaction", "tx": "position"}
    first, second = (_shown(odd.fact, value, chain) for value in odd.values)
    frames = {name: rows.lazy() for name, rows in tables.items()}
    held = {name: reader.scan(name) for name in (*_PARTIES, UNITS)}
    said = [
        f"{what} {words}"
        for what, found in (("what comes is told by", frames), ("the ledger by", held))
        if (words := _answers(odd, found, chain))
    ]
    right = "find out which is right, and read only that into a new ledger"
    return InputError(
        f"two answers give one {_OF[odd.of]} two {names.get(odd.fact, odd.fact)}s, {first} and"
        f" {second}",
        where=f"transaction {txid_text(odd.key, chain)}" if odd.of == "txid" else _place(odd),
        remedy="; ".join((*said, right)),
    )


_OF = {"txid": "transaction", "height": "height", "tx": "position in a block"}


def _shown(fact: str, value: Any, chain: str) -> str:
    if fact in ("hash", "txid"):
        return txid_text(value, chain)
    if fact == "time":
        return f"{value:%Y-%m-%d %H:%M:%S.%f} UTC".replace(".000000", "")
    return f"{value % (1 << schema.POSITION_BITS):,}" if fact == "tx" else f"{value:,}"


def _place(odd: _Odd) -> str:
    height = odd.key if odd.of == "height" else odd.key >> schema.POSITION_BITS
    position = odd.key % (1 << schema.POSITION_BITS)
    return f"height {height:,}" + (f", position {position:,}" if odd.of == "tx" else "")


_PARTIES = {
    "transfers": ("sender", "receiver"), "approvals": ("owner", "spender"),
    "freezes": ("address",), "stakes": ("address", "other"),
    "contract_logs": (),
    "inputs": ("address",), "outputs": ("address",), "blocks": (), "transactions": (),
}  # fmt: skip


def _answers(odd: _Odd, tables: Mapping[str, pl.LazyFrame], chain: str) -> str:
    """Say by which answers or files the odd thing is told: units of its block, parties or dump."""
    numbers, parties = _rows_of(odd, tables, chain)
    heights = [number >> schema.POSITION_BITS for number in numbers]
    heights += [odd.key] if odd.of == "height" else []
    blocks = pl.col("kind").is_in(["block", INTERNAL, LOGS, "transaction"])
    near = (blocks & pl.col("height").is_in(heights)) | pl.col("address").is_in(parties)
    near |= pl.col("kind").is_in(["dump", "script"])
    if UNITS not in tables or not (numbers or parties or odd.of == "height"):
        return ""
    units = tables[UNITS].filter((pl.col("chain") == chain) & near)
    found = units.select("source", "answer").drop_nulls().unique().sort("source", "answer")
    rows = found.head(_MOST_ANSWERS).collect()
    return ", ".join(f"{source} (SHA-256 {digest.hex()})" for source, digest in rows.iter_rows())


def _rows_of(
    odd: _Odd, tables: Mapping[str, pl.LazyFrame], chain: str
) -> tuple[list[int], list[bytes]]:
    """Return numbers and parties of the rows that tell the odd thing."""
    numbers: set[int] = set()
    parties: set[bytes] = set()
    for name, sides in _PARTIES.items():
        if name not in tables:
            continue
        rows = tables[name].filter(pl.col("chain") == chain)
        columns = rows.collect_schema().names()
        if odd.of in columns:
            mine = rows.filter(pl.col(odd.of) == odd.key)
        elif "tx" in columns and numbers:
            mine = rows.filter(pl.col("tx").is_in(sorted(numbers)))
        else:
            continue
        found = mine.select([one for one in ("tx", *sides) if one in columns]).collect()
        for column in found.columns:
            (numbers if column == "tx" else parties).update(found[column].drop_nulls())
    return sorted(numbers), sorted(parties)
