"""Texts of a table of transfers to typed values; the first cell that does not fit is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, DumpError, InputError
from chainwatch.ledger import schema
from chainwatch.sources.transfer_dump.amounts import (
    LARGEST_WORD,
    base_units,
    exact_double,
    whole_coins,
)
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.times import read_time

_LONGEST_TAG = 1_000
_REMEDY = "correct the cell, or the column in the mapping"

Cell = Callable[[str], Any]
DataType = pl.DataType | type[pl.DataType]
Problem = tuple[int, int, InputError]
"""Line, place of the column in the order of naming, and what is wrong."""


def read_cells(table: pl.DataFrame, mapping: DumpMapping, name: str) -> pl.DataFrame:
    """Return the table with every text read as what its column holds.

    Parameters
    ----------
    table : polars.DataFrame
        ``line`` and text columns, as :func:`chainwatch.sources.transfer_dump.table.read_table`
        gives.
    mapping : DumpMapping
        Says the unit of time, the words for success and the chain.
    name : str
        Name of the file, for error messages.

    Returns
    -------
    polars.DataFrame
        ``line, txid, time, height, position, log_index, trace_path, contract, token_id, sender,
        receiver, symbol, decimals, status, success, section, sender_tag, receiver_tag, units``
        (the exact amount as text); null where the mapping names no column, and where a cell may
        be empty and is: transaction and parties of the native coin, decimals, words, and the time
        beside a height. ``section`` is an address.

    Raises
    ------
    AddressError
        If the first bad cell should be an address or a transaction id.
    DumpError
        If it should be anything else.
    """
    columns: dict[str, pl.Series] = {"line": table["line"]}
    problems: list[Problem] = []
    for place, (column, (given, dtype, read)) in enumerate(_readers(mapping, table, name).items()):
        if given not in table.columns:
            columns[column] = pl.Series(column, [None] * table.height, dtype)
            continue
        values, problem = _convert(table[given], dtype, read)
        if problem:
            problems.append(_placed(problem, table["line"], place, given, mapping, name))
        else:
            columns[column] = values.rename(column)
    if mapping.history_of is not None:
        whose = canonical.parse(mapping.history_of, mapping.chain)
        columns["section"] = pl.Series("section", [whose] * table.height, pl.Binary)
    if undated := _undated(table, mapping):
        given = "time" if mapping.time else "height"
        problems.append(_placed(undated, table["line"], len(columns), given, mapping, name))
    if "decimals" in columns and "contract" in columns:
        columns["decimals"] = _decimals_of(columns, mapping)
        columns["units"], bad = _units(columns, table, mapping, name)
        problems += [
            _placed(one, table["line"], len(columns), "amount", mapping, name) for one in bad
        ]
    if problems:
        raise min(problems, key=lambda problem: problem[:2])[2]
    return pl.DataFrame(columns)


def _undated(table: pl.DataFrame, mapping: DumpMapping) -> tuple[int, InputError] | None:
    """Return the first row that has neither a time nor a height."""
    named = [one for one in ("time", "height") if one in table.columns]
    rows = table.select(pl.all_horizontal(pl.col(one) == "" for one in named)).to_series()
    if not rows.any():
        return None
    what = " and ".join(f"no {one}" for one in named)
    remedy = (
        "fill the cell, or leave the row out and say so: without it nothing orders the transfer"
    )
    return int(rows.arg_true()[0]), DumpError(f"the row has {what}", remedy=remedy)


def _readers(
    mapping: DumpMapping, table: pl.DataFrame, name: str
) -> dict[str, tuple[str, DataType, Cell]]:
    """Return source, type and reader of every column, in the order in which problems are named."""
    chain = chain_of(mapping.chain)
    address: Cell = partial(canonical.parse, chain=chain)
    txid: Cell = partial(canonical.parse_txid, chain=chain)
    payer = payee = address
    if mapping.is_native:  # rewards have no transaction, contract creations no receiver
        payer, payee = _or_null(address, _names_no_payer), _or_null(address, _names_no_payee)
        txid = _or_null(txid, _names_no_transaction)
    time: Cell = partial(read_time, unit=mapping.time_unit or "iso")
    if mapping.height is not None:
        time = _or_null(time)
    return {
        "txid": ("txid", pl.Binary, txid),
        "time": ("time", schema.TIME, time),
        "height": ("height", pl.Int64, _or_null(partial(_count, what="height", most=2**38))),
        "position": ("position", pl.Int64, _or_null(partial(_count, what="place", most=2**24))),
        "log_index": ("log_index", pl.Int64, PLACES["log_index"]),
        "trace_path": ("trace_path", pl.String, PLACES["trace_path"]),
        "contract": ("contract", pl.Binary, address),
        "token_id": ("token_id", pl.String, _or_null(_token_id)),
        "sender": ("sender", pl.Binary, payer),
        "receiver": ("receiver", pl.Binary, payee),
        "created": ("created", pl.Binary, _or_null(address)),
        "symbol": ("symbol", pl.String, _verbatim),
        "decimals": ("decimals", pl.Int64, _decimals),
        "status": ("status", pl.String, _verbatim),
        "success": ("result", pl.Boolean, success_of(mapping, table, name)),
        "section": ("section", pl.Binary, address),
        "sender_tag": ("sender_tag", pl.String, _tag),
        "receiver_tag": ("receiver_tag", pl.String, _tag),
    }


def _placed(
    problem: tuple[int, InputError], lines: pl.Series, place: int, given: str,
    mapping: DumpMapping, name: str,
) -> Problem:  # fmt: skip
    row, error = problem
    where = f"{name} line {lines[row]:,}, column {quoted(mapping.columns()[given])}"
    told = type(error)(error.what, where=where, remedy=error.remedy or _REMEDY)
    return lines[row], place, told


def _convert(
    texts: pl.Series, dtype: DataType, read: Cell
) -> tuple[pl.Series, tuple[int, InputError] | None]:
    """Read each distinct text once; stop at the first, in order of rows, that does not fit."""
    known: dict[str, Any] = {}
    for text in texts.unique(maintain_order=True):
        try:
            known[text] = read(text)
        except (AddressError, DumpError) as error:
            row = texts.index_of(text)
            return pl.Series([], dtype=dtype), (row or 0, error)
    made = pl.DataFrame({"text": pl.Series(list(known), dtype=pl.String),
                         "made": pl.Series(list(known.values()), dtype=dtype)})  # fmt: skip
    given = texts.rename("text").to_frame()
    return given.join(made, on="text", how="left", maintain_order="left")["made"], None


def _decimals_of(columns: dict[str, pl.Series], mapping: DumpMapping) -> pl.Series:
    """Return the decimals of each row: as its cell says, or the mapping."""
    if isinstance(mapping.decimals, int):
        return pl.Series("decimals", [mapping.decimals] * len(columns["line"]), pl.Int64)
    if not isinstance(mapping.decimals, dict):
        return columns["decimals"]
    given = mapping.decimals_by_contract()
    return pl.Series("decimals", [given.get(one) for one in columns["contract"]], pl.Int64)


def _units(
    columns: dict[str, pl.Series], table: pl.DataFrame, mapping: DumpMapping, name: str
) -> tuple[pl.Series, list[tuple[int, InputError]]]:
    """Return the amounts in base units as text, and what is wrong with them.

    An amount is null where whole coins have unknown decimals, or a double may have lost digits.
    """
    texts = _amount_texts(table, mapping, name)
    groups: list[tuple[pl.Series, Cell]] = [(pl.repeat(True, table.height, eager=True), base_units)]
    if mapping.amount_unit == "double":
        groups = [(groups[0][0], exact_double)]
    if mapping.amount_unit == "whole":
        _one_token(columns["contract"], mapping, name)
        known = columns["decimals"]
        _one_number(columns, mapping, name)
        if mapping.is_native:
            known = pl.repeat(chain_of(mapping.chain).decimals, table.height, eager=True)
        each = known.unique().drop_nulls()
        groups = [(known == one, partial(whole_coins, decimals=one)) for one in each]
    made, problems = pl.repeat(None, table.height, dtype=pl.String, eager=True), []
    for chosen, read in groups:
        rows = chosen.fill_null(False).arg_true()
        values, problem = _convert(texts.gather(rows), pl.String, read)
        if problem:
            problems.append((int(rows[problem[0]]), problem[1]))
        else:
            made = made.scatter(rows, values)
    return made.alias("units"), problems


def _amount_texts(table: pl.DataFrame, mapping: DumpMapping, name: str) -> pl.Series:
    """Return the amount of each row: of several columns the one that is not zero or empty."""
    names = [column for column in table.columns if column.startswith("amount")]
    if len(names) == 1:
        return table["amount"]
    filled = [pl.when(~pl.col(one).str.contains(r"^[0.,]*$")).then(one).alias(one) for one in names]
    found = pl.coalesce(filled)
    odd = table.filter(pl.any_horizontal(each != found for each in filled))
    if odd.height:
        raise DumpError(
            "the row has two amounts that differ",
            where=f"{name} line {odd['line'][0]:,}",
            remedy="name the one column of the amount in the mapping",
        )
    given = [pl.when(pl.col(one) != "").then(one) for one in names]
    return table.select(pl.coalesce(found, *given, pl.lit("")).alias("amount")).to_series()


def _one_token(contracts: pl.Series, mapping: DumpMapping, name: str) -> None:
    """Refuse one number of decimals for whole coins of several tokens: it would move the point."""
    count = contracts.n_unique()
    if isinstance(mapping.decimals, int) and count > 1:
        raise DumpError(
            f"the table holds {count:,} tokens, and one number of decimals is given for all",
            where=name,
            remedy="give decimals as a table, a number for each contract",
        )


def _one_number(columns: dict[str, pl.Series], mapping: DumpMapping, name: str) -> None:
    """Refuse whole coins of one contract with two numbers of decimals: one moves the point."""
    rows = pl.DataFrame([columns[one] for one in ("line", "contract", "decimals")])
    stated = rows.drop_nulls().sort("line")
    odd = stated.filter(pl.col("decimals") != pl.col("decimals").first().over("contract"))
    if odd.height:
        line, contract, decimals = odd.row(0)
        first, _, other = stated.filter(contract=contract).row(0)
        raise DumpError(
            f"contract {canonical.text(contract, mapping.chain)} has {decimals} decimals here and"
            f" {other} in line {first:,}, so that nobody knows what a whole token is",
            where=f"{name} line {line:,}",
            remedy="find out which is right and give decimals as a table, a number for each"
            " contract",
        )


def success_of(mapping: DumpMapping, table: pl.DataFrame, name: str) -> Cell:
    """Return the reader of the column that says whether a transfer took effect.

    Raises
    ------
    DumpError
        If no row has the word for *yes* and no word for *no* is given: every transfer would have
        failed, which is what a wrong word says too.
    """
    words = table["result"].unique().sort().to_list() if "result" in table.columns else []
    yes, no = _spelled(mapping.success), {_spelled(word) for word in mapping.failures}
    said = [word for word in words if _spelled(word) not in _NOTHING]
    if said and not no and yes not in {_spelled(word) for word in words}:
        seen = ", ".join(quoted(word) for word in said[:10])
        raise DumpError(
            f"no row says that a transfer took effect: none has {quoted(mapping.success)} in the"
            f" column {quoted(str(mapping.result))}, which has {seen}",
            where=name,
            remedy="write the word for yes as success in the mapping; if all of them failed, write"
            " the words for no as failure",
        )

    def read(text: str) -> bool | None:
        word = _spelled(text)
        if word == yes:
            return True
        every = not no or OTHERS in no
        return False if word in no or (word not in _NOTHING and every) else None

    return read


OTHERS = "*"
"""As a word for *no*: every word that is not the one for *yes*."""

_NOTHING = ("", "null", "none", "nan", "n/a", "<na>", "\\n", "-")
"""What stands in a table for nothing, unless the mapping gives it a meaning."""


def _spelled(word: str) -> str:
    """Return a word without capitals, and a whole number in its plain form."""
    return _plain(word.lower())


_POINT = re.compile(r"([0-9]{1,12})\.0+")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{1,10})")


def _plain(text: str) -> str:
    """Return a whole number in its plain form: 1 for the ``1.0`` of pandas and a node's ``0x1``."""
    if found := _POINT.fullmatch(text):
        return found[1]
    found = _HEX.fullmatch(text)
    return str(int(found[1], 16)) if found else text


def words_beside(table: pl.DataFrame, mapping: DumpMapping, name: str) -> tuple[str, ...]:
    """Return a note on the other words in the column of the result, and how each was read."""
    if "result" not in table.columns:
        return ()
    counts = table.group_by("result").len().sort("len", "result", descending=[True, False])
    read = success_of(mapping, table, name)
    meant = {True: "took effect", False: "failed", None: "unknown"}
    others = [row for row in counts.rows() if row[0] != mapping.success]
    seen = [f"{quoted(word)} ({count:,}: {meant[read(word)]})" for word, count in others]
    more = f" and {len(seen) - 10:,} more" if len(seen) > 10 else ""
    beside = f"beside {quoted(mapping.success)} the column {quoted(str(mapping.result))} has "
    return (beside + ", ".join(seen[:10]) + more,) if seen else ()


def _or_null(read: Cell, nothing: Callable[[str], bool] = lambda _: False) -> Cell:
    return lambda text: read(text) if text and not nothing(text) else None


def _says_nothing(text: str) -> bool:
    """Tell whether a cell is what programs write where there is nothing."""
    return text.lower() in _NOTHING


_WORDS = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+)*")
_LONGEST_WORDS = 24
_GENESIS = re.compile(r"GENESIS(?:_(?:0x)?[0-9a-fA-F]{40})?")
_NO_PAYEE = ("contract creation", "contract", "new contract")


def _names_no_payer(text: str) -> bool:
    return _says_nothing(text) or _is_words(text)


def _is_words(text: str) -> bool:
    """Tell whether words stand where a payer should: GENESIS, Block Reward.

    What could be left of a damaged address is none: digits, letters of mixed size, or digits of a
    hexadecimal number alone.
    """
    if len(text) > _LONGEST_WORDS or not _WORDS.fullmatch(text):
        return False
    each = re.split(r"[ _-]", text)
    even = all(one.isupper() or one.islower() or one.istitle() for one in each)
    return even and not set(text.lower()) <= set("abcdef")


def _names_no_payee(text: str) -> bool:
    """Tell whether nothing stands for the receiver, or what explorers write for a new contract."""
    return _says_nothing(text) or text.strip("[]()").lower() in _NO_PAYEE


def _names_no_transaction(text: str) -> bool:
    """Tell whether the genesis block is named where a transaction should."""
    return _GENESIS.fullmatch(text) is not None


def payers_in_words(table: pl.DataFrame, mapping: DumpMapping) -> tuple[str, ...]:
    """Return a note on the words that stand where a payer should, with how many rows have them."""
    if not mapping.is_native:
        return ()
    words = table.filter(pl.col("sender") != "").group_by("sender").len()
    found = [
        (word, count)
        for word, count in words.sort("sender").iter_rows()
        if _is_words(word) and not _says_nothing(word)
    ]
    shown = ", ".join(f"{quoted(word)} ({count:,})" for word, count in found[:10])
    more = f" and {len(found) - 10:,} more" if len(found) > 10 else ""
    return (f"words stand where a payer should: {shown}{more}",) if found else ()


def _count(text: str, what: str, most: int) -> int:
    plain = _plain(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12 and int(plain) < most):
        raise DumpError(f"{quoted(text)} is no {what}", remedy="write a whole number from 0 on")
    return int(plain)


def _path(text: str) -> str | None:
    numbers = text.replace(",", ".").replace("_", ".").split(".")
    if text and not all(one.isascii() and one.isdigit() and len(one) <= 9 for one in numbers):
        raise DumpError(f"{quoted(text)} is no place of a call", remedy="write it as 0.2.1")
    return ".".join(str(int(one)) for one in numbers) if text else None


PLACES: dict[str, Cell] = {
    "log_index": _or_null(partial(_count, what="place", most=2**31)),
    "trace_path": _path,
}
"""Readers of the place of a log and of a call."""


def _token_id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 100 and int(text) <= LARGEST_WORD):
        raise DumpError(f"{quoted(text)} is no id of a token", remedy="write it as a whole number")
    return str(int(text))


def _decimals(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
        raise DumpError(
            f"{quoted(text)} is no count of decimals (0 to 255)",
            remedy="correct the cell, or leave decimals out of the mapping",
        )
    return int(text) if text else None


def _verbatim(text: str) -> str | None:
    return text or None


def _tag(text: str) -> str | None:
    if len(text) > _LONGEST_TAG:
        raise DumpError(
            f"a name tag has {len(text):,} characters, more than {_LONGEST_TAG:,}",
            remedy="correct the cell, or leave the tags out of the mapping",
        )
    return text or None
