"""Summaries on account chains, from the transfers that name an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.ledger.balances import balance, movement_times
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.summaries import PAID, TOTALS, AddressSummary, TransactionSummary
from chainwatch.ledger.lookup.utxo import proofs
from chainwatch.ledger.rows_apart import KIND, MayHaveMoved, moved_by_asset
from chainwatch.ledger.schema import INPUTS, POSITION_BITS
from chainwatch.units import AMOUNT, counted, exact_sum, to_text

_SHOWN = ("chain", "tx", "txid", "height", "time", "kind", "log_index", "trace_path", "contract",
          "token_id", "occurrence", "direction", "counterparty", "amount", "symbol", "decimals",
          "success")  # fmt: skip


Apart = Mapping[bytes | None, Mapping[str, MayHaveMoved]]
"""What an address may have paid and got in rows set apart, by contract."""


def account_address(ledger: Ledger, address: bytes, chain: Chain) -> AddressSummary:
    """Return the summary of an address.

    What took no effect stands in the history and in no total. A balance needs fees and every
    movement from the first on; it is given for a token where the source claims all of it, and
    never for the native coin, for a token whose balances move without transfers, nor for one that
    rows set apart may have moved. Of a span, what has no time is left out, and that is said.
    """
    every = _directed(ledger.history.transfers_of(address, chain).collect(), address)
    spanned = ledger.start is not None or ledger.end is not None
    read = every.filter(pl.col("time").is_not_null()) if spanned else every
    if ledger.end is not None:
        read = read.filter(pl.col("time") < ledger.end)
    start = ledger.start
    history = read if start is None else read.filter(pl.col("time") >= start)
    claims = _claims(ledger, address)
    apart = moved_by_asset(ledger, chain, address)
    totals = _totals(history, read, claims, chain, apart)
    undated = every["time"].null_count() if spanned else 0
    told = f"{undated:,} transfers of unknown time are left out of the span"
    complete = bool(claims.height) and bool(claims["complete"].all()) and not undated and not apart
    return AddressSummary(
        chain, address, totals, history, _parties(history), complete,
        (*_sentences(claims), *([told] if undated else []), *_set_apart(apart, totals, chain)),
    )  # fmt: skip


def account_transaction(ledger: Ledger, txid: bytes, chain: Chain) -> TransactionSummary:
    """Return the summary of the transaction with an id."""
    rows = ledger.history.transfers.filter(pl.col("txid") == txid)
    moved = rows.sort("tx", "log_index", "trace_path", "kind", "occurrence").collect()
    number = moved["tx"].drop_nulls().min()
    number = None if number is None else int(number)  # type: ignore[arg-type]  # a number
    height = moved["height"].drop_nulls().min()
    if height is None and number is not None:
        height = number >> POSITION_BITS
    return TransactionSummary(
        chain, txid, number, height, None,  # type: ignore[arg-type]  # a number
        moved["time"].min(),  # type: ignore[arg-type]  # a column of times
        False, None, INPUTS.empty(), PAID.empty(), moved, proofs(ledger, txid.hex()),
    )  # fmt: skip


def _directed(rows: pl.DataFrame, address: bytes) -> pl.DataFrame:
    """Add which way each transfer goes, as the address sees it, and who is on the other side."""
    sends, receives = pl.col("sender") == address, pl.col("receiver") == address
    way = pl.when(sends & receives).then(pl.lit("self")).when(sends).then(pl.lit("out"))
    made = rows.with_columns(
        way.otherwise(pl.lit("in")).alias("direction"),
        pl.when(sends).then("receiver").otherwise("sender").alias("counterparty"),
    )
    return made.select(_SHOWN).sort("time", *[name for name in _SHOWN if name != "time"])


def _claims(ledger: Ledger, address: bytes) -> pl.DataFrame:
    """Return the units of coverage that speak of an address."""
    rows = ledger.history.coverage.filter((pl.col("address") == address) & (pl.col("kind") != KIND))
    return rows.select("kind", "contract", "complete", "source", "from_time", "to_time").sort(
        "source", "contract", "from_time", "to_time", nulls_last=True
    ).with_columns(pl.col("complete").fill_null(False)).collect()  # fmt: skip


def _sentences(claims: pl.DataFrame) -> tuple[str, ...]:
    if not claims.height:
        return ("its history was not asked for: only transfers with addresses that were",)
    made = []
    for row in claims.iter_rows(named=True):
        claim = "claims to be whole" if row["complete"] else "does not claim to be whole"
        what = "its coin" if row["kind"] == "native" else "its transfers"
        what = "one token" if row["contract"] else what
        until = "" if row["to_time"] is None else f" until {row['to_time']:%Y-%m-%d}"
        made.append(f"{what} was read from {row['source']}{until}, which {claim}")
    return tuple(dict.fromkeys(made))


def _set_apart(apart: Apart, totals: pl.DataFrame, chain: Chain) -> Iterator[str]:
    """Yield what rows set apart may have moved of each asset, which no sum holds."""
    decimals = dict(totals.select("contract", "decimals").iter_rows()) | {None: chain.decimals}
    for contract, ways in apart.items():
        name = chain.symbol if contract is None else canonical.text(contract, chain)
        for way, (rows, amount, _) in ways.items():
            known = decimals.get(contract)
            much = "an amount that cannot be read"
            if amount is not None:
                much = f"{amount:,} base units"
                much = much if known is None else to_text(amount, known, group=True)
            here = counted(rows, "row was", "rows were")
            yield f"{here} set apart, in which it may have {way} {much} of {name}"


def _totals(
    history: pl.DataFrame, read: pl.DataFrame, claims: pl.DataFrame, chain: Chain, apart: Apart
) -> pl.DataFrame:
    """Return the sums per asset; null where an amount was not read.

    The native coin has a row only where anything was read of it: none is not zero.
    """
    keys = ["chain", "contract"]
    now, ever = _sums(history), _sums(read)
    balances = ever.select(*keys, (pl.col("received") - pl.col("spent")).alias("balance"))
    sure = [one for one in _known(read, claims, chain) if one not in apart]
    held = pl.col("contract").is_in(pl.Series(sure, dtype=pl.Binary).implode())
    return (
        _with_coin(now, claims, chain)
        .join(balances, on=keys, how="left", nulls_equal=True)
        .join(_shown(read), on=keys, how="left", nulls_equal=True)
        .with_columns(pl.when(held).then("balance").alias("balance"))
        .select(TOTALS.names)
        .sort(keys, nulls_last=False)
    )


def _known(read: pl.DataFrame, claims: pl.DataFrame, chain: Chain) -> Iterator[bytes]:
    """Yield the tokens whose transfers add up to the balance, as their balances are decided."""
    whole = claims.filter(pl.col("complete") & (pl.col("kind") == "address"))
    rows = whole.sort("from_time", "to_time").select("contract", "from_time", "to_time").rows()
    tokens = read.filter(pl.col("contract").is_not_null())
    for contract, times in movement_times(tokens, ("contract",)).items():
        claimed = [(first, last) for of, first, last in rows if of in (None, contract)]
        if not balance(chain.id, contract, claimed, times).why:
            yield contract


def _with_coin(sums: pl.DataFrame, claims: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    """Add the native coin where its history was read and holds nothing."""
    asked = claims.filter(pl.col("contract").is_null()).height > 0
    if not asked or sums["contract"].null_count():
        return sums
    nothing = {"chain": [chain.id], "contract": [None], "received": [0], "spent": [0]}
    return pl.concat([sums, pl.DataFrame(nothing, schema=sums.schema)])


def _shown(read: pl.DataFrame) -> pl.DataFrame:
    """Return symbol and decimals of each token, where all rows that state any state the same."""

    def one(name: str) -> pl.Expr:
        stated = pl.col(name).drop_nulls()
        return pl.when(stated.n_unique() == 1).then(stated.first()).alias(name)

    return read.group_by("chain", "contract").agg(one("symbol"), one("decimals"))


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    took_effect = rows.filter(pl.col("success").ne_missing(False))
    unread = pl.col("amount").is_null()

    def side(*ways: str) -> pl.Expr:
        ours = pl.col("direction").is_in(ways)
        total = exact_sum(pl.col("amount").filter(ours))
        return pl.when(~(unread & ours).any()).then(total)

    return took_effect.group_by("chain", "contract").agg(
        side("in", "self").alias("received"), side("out", "self").alias("spent")
    )


def _parties(history: pl.DataFrame) -> pl.DataFrame:
    keys = ["chain", "contract", "direction", "what", "counterparty"]
    rows = history.filter((pl.col("direction") != "self") & pl.col("success").ne_missing(False))
    unread = pl.col("amount").is_null().any()
    return (
        rows.with_columns(pl.lit("address").alias("what"))
        .group_by(keys)
        .agg(
            pl.col("txid").n_unique().cast(pl.Int64).alias("transactions"),
            pl.when(~unread).then(exact_sum("amount")).alias("amount"),
        )
        .with_columns(pl.col("amount").alias("at_most"), pl.lit(None, AMOUNT).alias("beside"))
        .sort(keys)
    )
