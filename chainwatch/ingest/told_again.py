"""Transfers that two sources tell in different words: one movement is to be counted once.

Lists of explorers tell no log index; blocks do. Some tell every log of a token as if amounts were
moved, or the deposit of a wrapped coin as tokens made; others know the ids that they move, and what
was deposited. Tracers number calls among all calls, or among those that can move something. And
some do not say whether a transaction took effect. A row is left out where the ledger tells its
movement already, as well or better. What is in a ledger in fewer words cannot be given more later,
so that the other order is refused.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import InputError

_MOVED = ["chain", "txid", "contract", "token_id", "sender", "receiver", "amount", "amount_hex"]
_ALIKE = [*_MOVED, "as_token", "failed"]
_LOG = ["chain", "txid", "log_index", "contract"]
_OF = ["chain", "txid", "contract"]
_BETWEEN = [*_OF, "sender", "receiver"]
_KEY = [*_MOVED, "kind", "log_index", "trace_path", "occurrence"]
_PLACED = pl.col("log_index").is_not_null() | pl.col("trace_path").is_not_null()
_ALWAYS = ("native", "fee", "fee_burnt", "reward")
"""Kinds that have no place in their transaction, whoever tells them."""

_AS_TOKEN = {"wrap": "erc20_mint", "unwrap": "erc20_burn", "deposit": "internal"}
"""What whoever does not know a contract calls its deposits and withdrawals, and the coins that
the contract of a coin pays out when they come from the chain below."""

_CALLS = ("internal", "deposit")

_PLAIN = r"^(erc20|trc20)(_mint|_burn)?$"
"""Kinds that logs of other kinds are told as by whoever knows no better."""

_UNIQUE = r"^(erc721|erc1155|trc721)(_mint|_burn)?$"
"""Kinds of contracts whose tokens have ids: none is of these and of the plain kinds as well."""


def told_already(rows: pl.DataFrame, held: pl.LazyFrame) -> pl.DataFrame:
    """Return transfers but those that a ledger tells already in as many words or more.

    Parameters
    ----------
    rows : polars.DataFrame
        Transfers to be stored, in the columns of the schema.
    held : polars.LazyFrame
        Those of the ledger.

    Raises
    ------
    InputError
        If one comes with its place, its kind or its failure, which the ledger holds without; if a
        log is of two kinds of which neither is told for want of knowing better; or if a log, or a
        payment by a transaction itself, is told otherwise.

    Fails when
    ----------
    Two calls alike in all but their number are told one by each of two sources.
    """
    judged = ~pl.col("kind").is_in(_ALWAYS)
    mine = rows.filter(judged)
    ids = rows.lazy().select("chain", "txid").unique()
    near = _near(rows, held).join(ids, on=["chain", "txid"], how="semi")
    known = near.select(
        *_MOVED, "kind", "log_index", "trace_path", "occurrence", "success"
    ).collect()
    if not known.height:
        return rows
    _refuse_late_failures(rows, known)
    rows = _without_other_kinds(rows, mine, known)
    _refuse_other_stories(rows, known)
    known = _with_token_kind(known.filter(judged))
    _refuse_late_places(_with_token_kind(mine), known)
    rows = _without_other_numbers(rows, known)
    return _without_bare(rows, known)


def _near(rows: pl.DataFrame, held: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out what lies at other heights: most files are then not read."""
    if rows["height"].has_nulls():
        return held
    height = pl.col("height")
    inside = height.is_between(rows["height"].min(), rows["height"].max())
    return held.filter(height.is_null() | inside)


def _with_token_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what is compared beside what was moved: what failed is not what took effect."""
    return rows.with_columns(
        as_token=pl.col("kind").replace(_AS_TOKEN), failed=pl.col("success").eq_missing(False)
    )


def _without_bare(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows without a place of which the ledger has as many with one."""
    counts = known.filter(_PLACED).group_by(_ALIKE).agg(pl.len().alias("told"))
    judged = ~pl.col("kind").is_in(_ALWAYS)
    again = ~_PLACED & judged & (pl.col("occurrence") < pl.col("told").fill_null(0))
    joined = _with_token_kind(rows).join(
        counts, on=_ALIKE, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.filter(~again).drop("told", "as_token", "failed")


def _without_other_kinds(
    rows: pl.DataFrame, mine: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """Leave out what the ledger tells of a kind that says more: of logs, and of tokens with ids.

    Who names no place may give an id as the amount: there the parties tell which it is.
    """
    logs, unique = pl.col("log_index").is_not_null(), pl.col("kind").str.contains(_UNIQUE)
    plain = pl.col("kind").str.contains(_PLAIN)
    for place, ours, theirs in ((_LOG, logs, logs), (_BETWEEN, plain & ~_PLACED, unique)):
        told = _other_kinds(mine.filter(ours), known.filter(theirs), place)
        better = plain & ~pl.col("held_kind").str.contains(_PLAIN)
        _refuse_kinds(told.filter(~better))
        again = rows.filter(ours).join(
            told.select(*place, "kind"), on=[*place, "kind"], how="semi", nulls_equal=True
        )
        rows = rows.join(again.select(_KEY), on=_KEY, how="anti", nulls_equal=True,
                         maintain_order="left")  # fmt: skip
    for ours, theirs in ((plain, unique), (unique, plain)):
        _refuse_kinds(_other_kinds(rows.filter(ours), known.filter(theirs), _OF))
    return rows


def _other_kinds(come: pl.DataFrame, had: pl.DataFrame, place: list[str]) -> pl.DataFrame:
    """Return places at which another kind is held than comes: ``kind, held_kind``."""
    held = had.select(*place, held_kind="kind").unique()
    both = come.select(*place, "kind").unique().join(held, on=place, nulls_equal=True)
    return both.filter(pl.col("kind") != pl.col("held_kind")).sort(*place, "kind", "held_kind")


def _refuse_kinds(told: pl.DataFrame) -> None:
    for row in told.head(1).iter_rows(named=True):
        raise InputError(
            f"a log comes as {row['kind']}, which the ledger holds as {row['held_kind']}",
            where=f"transaction {txid_text(row['txid'], row['chain'])}",
            remedy="read the source that tells kinds of tokens apart first, into a new ledger",
        )


def _without_other_numbers(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Leave out calls that the ledger has under other numbers: as many as it has alike."""
    calls, path = pl.col("kind").is_in(_CALLS), pl.col("trace_path")
    place = [*_ALIKE, "trace_path"]
    had = known.filter(calls & path.is_not_null())
    come = _with_token_kind(rows.filter(calls & path.is_not_null()))
    if not had.height or not come.height:
        return rows
    spare = (
        had.join(come, on=place, how="anti", nulls_equal=True)
        .group_by(_ALIKE)
        .agg(pl.len().alias("spare"))
    )
    again = (
        come.join(had, on=place, how="anti", nulls_equal=True, maintain_order="left")
        .join(spare, on=_ALIKE, nulls_equal=True, maintain_order="left")
        .filter(pl.int_range(pl.len()).over(_ALIKE) < pl.col("spare"))
    )
    return rows.join(
        again.select(_KEY), on=_KEY, how="anti", nulls_equal=True, maintain_order="left"
    )


def _refuse_other_stories(rows: pl.DataFrame, known: pl.DataFrame) -> None:
    """Refuse what says otherwise of a log, or of what a transaction itself pays to whom.

    A transaction pays its receiver once, and a fee once to each who gets one. Of calls nobody can
    say so, for their numbers differ.
    """
    paid, logs = pl.col("kind").is_in(_ALWAYS), pl.col("log_index").is_not_null()
    told = [*_MOVED, "kind", "log_index", "trace_path"]
    for which, place in ((paid, ["chain", "txid", "kind", "sender", "receiver", "trace_path"]),
                         (logs, [*_LOG, "kind"])):  # fmt: skip
        had = known.filter(which)
        other = (
            rows.filter(which)
            .select(told)
            .join(had.select(told), on=told, how="anti", nulls_equal=True)
            .join(had.select(place).unique(), on=place, how="semi", nulls_equal=True)
            .sort("chain", "txid", "log_index", "amount")
        )
        for row in other.head(1).iter_rows(named=True):
            index = row["log_index"]
            what = "a payment" if index is None else f"log {index}"
            amount = row["amount_hex"] if row["amount"] is None else f"{row['amount']:,}"
            raise InputError(
                f"{what} of {amount} base units, of which the ledger tells another amount or party",
                where=f"transaction {txid_text(row['txid'], row['chain'])}",
                remedy="find out which source is right, and read only that one into a new ledger",
            )


def _refuse_late_places(rows: pl.DataFrame, known: pl.DataFrame) -> None:
    bare = known.filter(~_PLACED).select(_ALIKE).unique()
    late = rows.filter(_PLACED).join(bare, on=_ALIKE, how="semi", nulls_equal=True).sort("txid")
    for chain, txid in late.select("chain", "txid").head(1).iter_rows():
        raise InputError(
            f"{late.height:,} transfers come with their place in a transaction, which the ledger"
            " holds without",
            where=f"transaction {txid_text(txid, chain)}",
            remedy="read the source that tells places first, into a new ledger",
        )


def _refuse_late_failures(rows: pl.DataFrame, known: pl.DataFrame) -> None:
    """Refuse what failed where the ledger does not know it: it counts there as perhaps paid."""
    silent = known.filter(pl.col("success").is_null()).select(*_MOVED, "kind").unique()
    failed = rows.filter(pl.col("success").not_())
    late = failed.join(silent, on=[*_MOVED, "kind"], how="semi", nulls_equal=True).sort("txid")
    for chain, txid in late.select("chain", "txid").head(1).iter_rows():
        raise InputError(
            f"{late.height:,} transfers failed, of which the ledger does not know whether they took"
            " effect",
            where=f"transaction {txid_text(txid, chain)}",
            remedy="read the source that tells it first, into a new ledger",
        )
