"""Which rows are the same transfer: in one table, and against what a ledger holds.

A log index (of calls: a place) is identity: two rows that share it are one transfer listed twice,
two that differ in it are two transfers, however alike. Without it a transfer is what transaction,
contract, parties and amount say, as often as that section of the table has it which has it most
often: the two histories of a payer and a payee report one transfer twice, one history reports two
equal transfers twice. Where one table names the index and another does not, a row without it is one
of those alike that have it, as far as they go.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import kinds_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import DumpError
from chainwatch.ingest.protocol import Reader
from chainwatch.ledger import schema
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.units import counted

_ALIKE = ["txid", "contract", "token_id", "sender", "receiver", "units"]
_PLACE = ["log_index", "trace_path"]
_SAID = ["status", "success", "symbol", "decimals"]
_PLACED = pl.any_horizontal(pl.col(_PLACE).is_not_null())
_IN_LEDGER = ["txid", "kind", "contract", "token_id", "sender", "receiver", "amount", "amount_hex"]


def each_once(
    cells: pl.DataFrame, mapping: DumpMapping, name: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return each transfer of a table once, with ``occurrence`` and ``sections``, and notes.

    Raises
    ------
    DumpError
        If rows with one log index say different things, or one transfer took effect and did not.
    """
    _check_places(cells, mapping, name)
    same = [*_ALIKE, *_PLACE]
    inside = [*same, "section"]
    told = cells.with_columns(_single(mapping).alias("single"))
    ranked = told.sort(*inside, *_SAID, "line").with_columns(
        pl.int_range(pl.len()).over(inside).alias("occurrence"),
        pl.len().over(inside).alias("count"),
        pl.col("section").n_unique().over(same).alias("sections"),
        pl.col("time", "height", "position").min().over("txid"),
    )
    most = ranked.filter(pl.col("count") == pl.col("count").max().over(same))
    section = pl.col("section")
    kept = most.filter(section.is_null() | (section == section.min().over(same)))
    once = kept.filter(~pl.col("single") | (pl.col("occurrence") == 0))
    settled = _settled(ranked, once)
    placed = pl.col("single").sum().over(_ALIKE)
    final = settled.filter(pl.col("single") | (pl.col("occurrence") >= placed))
    return final, _notes(ranked, kept, once, final)


def _single(mapping: DumpMapping) -> pl.Expr:
    """Tell of each row whether its place tells it from every other transfer."""
    return _PLACED if mapping.one_log_one_transfer else pl.lit(False)


def two_at_one_place(cells: pl.DataFrame, mapping: DumpMapping) -> pl.DataFrame:
    """Return the rows whose place in their transaction another, different transfer has too."""
    if not mapping.one_log_one_transfer:
        return cells.clear()
    different = pl.struct(_ALIKE).n_unique().over("txid", *_PLACE) > 1
    return cells.filter(_PLACED).filter(different).sort("line")


def _check_places(cells: pl.DataFrame, mapping: DumpMapping, name: str) -> None:
    """Refuse two different transfers with one log index in one transaction."""
    odd = two_at_one_place(cells, mapping)
    if odd.height:
        raise DumpError(
            f"two different transfers of transaction {odd['txid'][0].hex()} have one log index",
            where=f"{name} line {odd['line'][0]:,} and others",
            remedy="correct the column of the log index in the mapping, or the table",
        )


def _settled(ranked: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Return transfers with what any section says of their success; refuse contradictions.

    Among as many alike as are kept, as many took effect as the section says that says most, and
    as many failed. Of one transfer listed several times any row may say it.
    """
    success, same = pl.col("success"), [*_ALIKE, *_PLACE]
    once = pl.col("single").first()
    good, bad = success.sum(), (~success).sum()
    said = ranked.group_by("section", *same).agg(
        pl.when(once).then(good.clip(0, 1)).otherwise(good).alias("good"),
        pl.when(once).then(bad.clip(0, 1)).otherwise(bad).alias("bad"),
        pl.col("line").min(),
    )
    most = said.group_by(same).agg(pl.col("good", "bad").max(), pl.col("line").min())
    rows = kept.join(most, on=same, how="left", nulls_equal=True, suffix="_said")
    count = pl.col("occurrence").max().over(same) + 1
    odd = rows.filter(pl.col("good") + pl.col("bad") > count).sort("line_said")
    if odd.height:
        raise DumpError(
            f"transfer {odd['txid'][0].hex()} took effect in one section and failed in another",
            where=f"line {odd['line_said'][0]:,} and others",
            remedy="find out which is right and correct the table",
        )
    place, failed = pl.col("occurrence"), pl.col("bad")
    told = pl.when(place < failed).then(False).when(place < failed + pl.col("good")).then(True)
    silent = pl.col("good") + failed == 0
    return rows.with_columns(pl.when(silent).then("success").otherwise(told).alias("success"))


def _notes(
    ranked: pl.DataFrame, kept: pl.DataFrame, once: pl.DataFrame, final: pl.DataFrame
) -> tuple[str, ...]:
    notes = []
    listed = ranked.filter("single").height - once.filter("single").height
    if repeats := ranked.height - once.height - listed:
        several = counted(repeats, "row repeats", "rows repeat")
        notes.append(f"{several} a transfer that another section reports")
    if listed:
        notes.append(
            f"{counted(listed, 'row lists', 'rows list')} a transfer again that another row has,"
            " by its log index"
        )
    if unplaced := once.height - final.height:
        notes.append(
            f"{counted(unplaced, 'row', 'rows')} without a log index"
            f" {'repeats' if unplaced == 1 else 'repeat'} a transfer that another row has with one"
        )
    same = [*_ALIKE, *_PLACE, "occurrence"]
    for name in _SAID:
        odd = ranked.group_by(same).agg(pl.col(name).n_unique()).filter(pl.col(name) > 1).height
        if odd:
            notes.append(
                f"{counted(odd, 'transfer has', 'transfers have')} another {name} in another"
                " section; kept is that of the section with most repeats, then of the smallest"
                " address"
            )
    return tuple(notes)


def new_to(
    reader: Reader, transfers: pl.DataFrame, mapping: DumpMapping, name: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the transfers that are no other account of one that the ledger holds, and notes.

    Those with the very key of one that is held stay: storing leaves them out.

    Raises
    ------
    DumpError
        If the table contradicts the ledger, or says of transfers in it what was not said before:
        what was committed stays, so a later word could not change it, and the order of reading
        would decide.
    """
    ids = transfers.select("txid").unique().lazy()
    held = (
        reader.scan("transfers")
        .filter((pl.col("chain") == mapping.chain) & pl.col("kind").is_in(kinds_of(mapping.kind)))
        .join(ids, on="txid", how="semi")
        .collect()
    )
    if not held.height:
        return transfers, ()
    _check_success(transfers, held, name)
    _check_blocks(transfers, held, name)
    if not mapping.one_log_one_transfer:
        return transfers, ()
    _check_indexed(transfers, held, name)
    placed = held.filter(_PLACED).group_by(_IN_LEDGER).agg(pl.len().alias("placed"))
    matched = transfers.join(placed, on=_IN_LEDGER, how="left", nulls_equal=True)
    again = ~_PLACED & (pl.col("occurrence") < pl.col("placed").fill_null(0))
    new = matched.filter(~again).drop("placed")
    count = transfers.height - new.height
    held_so = counted(count, "transfer is", "transfers are")
    notes = (f"{held_so} in the ledger with a log index, which this table lacks",)
    return new, notes if count else ()


def _check_success(transfers: pl.DataFrame, held: pl.DataFrame, name: str) -> None:
    before = held.select(*schema.TRANSFERS.key, pl.col("success").alias("before"))
    same = transfers.join(before, on=schema.TRANSFERS.key, how="inner", nulls_equal=True)
    now, then = pl.col("success"), pl.col("before")
    odd = same.filter(now.is_not_null() & now.ne_missing(then)).sort("txid", "occurrence")
    if odd.height:
        what = f"whether {odd.height:,} transfers took effect"
        raise _differs(what, odd["txid"][0], name, known=odd["before"][0] is not None)


def _check_blocks(transfers: pl.DataFrame, held: pl.DataFrame, name: str) -> None:
    """Compare time and height of the transactions that both name."""
    for column in ("time", "height"):
        now = transfers.select("txid", column).drop_nulls().unique("txid")
        before = held.group_by("txid").agg(pl.col(column).min().alias("before"))
        differs = pl.col(column).ne_missing(pl.col("before"))
        odd = now.join(before, on="txid").filter(differs).sort("txid")
        if column == "height":  # where no height was known a time is, and orders well enough
            odd = odd.drop_nulls("before")
        if odd.height:
            known = odd["before"][0] is not None
            raise _differs(f"the {column} of its block", odd["txid"][0], name, known=known)


def _check_indexed(transfers: pl.DataFrame, held: pl.DataFrame, name: str) -> None:
    """Refuse a log index of another transfer, and one of a transfer that was read without."""
    indexed = transfers.filter(_PLACED)
    both = indexed.join(held, on=["txid", *_PLACE], nulls_equal=True, suffix="_held")
    rest = [column for column in _IN_LEDGER if column != "txid"]
    other = pl.any_horizontal(pl.col(one).ne_missing(pl.col(f"{one}_held")) for one in rest)
    odd = both.filter(other).sort("txid")
    if odd.height:
        raise _differs("what its log index stands for", odd["txid"][0], name, known=True)
    bare = held.filter(~_PLACED)
    known = indexed.join(held.select(schema.TRANSFERS.key), on=schema.TRANSFERS.key, how="anti",
                         nulls_equal=True)  # fmt: skip
    odd = known.join(bare, on=_IN_LEDGER, how="semi", nulls_equal=True).sort("txid")
    if odd.height:
        raise _differs("the log index", odd["txid"][0], name, known=False)


def _differs(what: str, txid: bytes, name: str, *, known: bool) -> DumpError:
    was = "contradicts the ledger on" if known else "says what the ledger does not of"
    return DumpError(
        f"the table {was} {what}",
        where=f"{name}, transaction {txid.hex()}",
        remedy="find out which table is right and read only that one into a new ledger"
        if known
        else "read this table first, into a new ledger",
    )


def certain_order(transfers: pl.DataFrame, mapping: DumpMapping) -> pl.Series:
    """Tell of each transfer whether its place in the chain is known.

    That is so where height and log index are known, and of the native coin where height and place
    of the transaction are. A log index that is counted anew in each transaction orders nothing
    between transactions: Tron counts so, and a table of another chain does where two transactions
    of one block share an index.
    """
    block = transfers["height"].is_not_null()
    if mapping.is_native:
        return block & transfers["tx"].is_not_null()
    shared = transfers.filter(pl.col("txid").n_unique().over("height", "log_index") > 1)
    shared = shared.drop_nulls(["height", "log_index"])
    by_block = chain_of(mapping.chain).family == "evm" and not shared.height
    indexed = transfers["log_index"].is_not_null()
    return block & indexed if by_block else block & indexed & transfers["tx"].is_not_null()
