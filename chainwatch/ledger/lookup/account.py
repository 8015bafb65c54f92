"""Summaries on account chains, from the transfers that name an address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.chains.base import Chain
from chainwatch.ledger.balances import OVERDRAWN, balance, in_order, movement_times, overdrawn
from chainwatch.ledger.block_readings import BlockRun, block_runs
from chainwatch.ledger.decimals import SILENT, Contract, Stated, doubts, stated, with_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.summaries import (
    BESIDE,
    PAID,
    SPENT,
    TOTALS,
    AddressSummary,
    TransactionSummary,
)
from chainwatch.ledger.lookup.utxo import proofs
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.unread.effect import effect_unread
from chainwatch.ledger.unread.left_by_budget import readings
from chainwatch.ledger.unread.rows_apart import MayHaveMoved, moved_by_asset
from chainwatch.units import AMOUNT, counted, split, sums, to_text, whole

_SHOWN = ("chain", "tx", "txid", "height", "time", "kind", "log_index", "trace_path", "contract",
          "token_id", "occurrence", "direction", "counterparty", "amount", "amount_hex", "symbol",
          "decimals", "success")  # fmt: skip

_SUMMED = tuple(name for name in TOTALS.names if name not in ("symbol", "decimals"))

_TRC10 = pl.col("contract").is_null() & pl.col("token_id").is_not_null()
_OF_SEVERAL = pl.col("kind").str.starts_with("erc1155")
_NUMBERED = _TRC10 | _OF_SEVERAL
"""Tokens told apart by a number alone: each number is an asset of its own, with amounts of its own.
They stand in the history, and in no total."""

Apart = Mapping[bytes | None, Mapping[str, MayHaveMoved]]
"""What an address may have paid and got in rows set apart, by contract."""


def account_address(ledger: Ledger, address: bytes, chain: Chain) -> AddressSummary:
    """Return the summary of an address.

    What took no effect stands in the history and in no total; what is not known to have is added
    up, and that is said. A balance needs fees and every movement from the first on; it is given for
    a token where the source claims all of it, and never for the native coin, for a token whose
    balances move without transfers or whose transfers do not add up, nor for one that rows set
    apart may have moved. Of a span, what has no time is left out, and that is said. Sums are exact,
    however wide.
    """
    listed = ledger.history.transfers_of(address, chain).collect()
    every = _directed(with_decimals(ledger, listed), address)
    spanned = ledger.start is not None or ledger.end is not None
    read = every.filter(pl.col("time").is_not_null()) if spanned else every
    if ledger.end is not None:
        read = read.filter(pl.col("time") < ledger.end)
    start = ledger.start
    history = read if start is None else read.filter(pl.col("time") >= start)
    claims = _claims(ledger, address)
    apart = moved_by_asset(ledger, chain, address)
    runs = block_runs(ledger.history, chain.id, coin=False)
    known = set(_known(read, claims, chain, runs))
    uneven = set(_uneven(ledger, read, known.difference(apart), chain))
    totals = _totals(history, read, claims, chain, known.difference(apart, uneven))
    undated = every["time"].null_count() if spanned else 0
    are = "is" if undated == 1 else "are"
    several = counted(undated, "transfer", "transfers")
    told = f"{several} of unknown time {are} left out of the span"
    unsure = doubts(ledger, chain.id, totals["contract"].to_list())
    claimed = bool(claims.height) and bool(claims["complete"].all())
    complete = claimed and not undated and not apart
    late = (*([told] if undated else []), *_in_no_total(history))
    words = (
        *_sentences(claims, _of_blocks(ledger, chain, runs), chain),
        *_unsure_of_effect(history, chain), *late,
        *_set_apart(apart, stated(ledger), chain), *_do_not_add_up(uneven, chain), *unsure,
    )  # fmt: skip
    return AddressSummary(chain, address, totals, history, _parties(history), complete, words)


def account_transaction(ledger: Ledger, txid: bytes, chain: Chain) -> TransactionSummary:
    """Return the summary of the transaction with an id."""
    rows = ledger.history.transfers.filter(pl.col("txid") == txid)
    listed = rows.sort("tx", "log_index", "trace_path", "kind", "occurrence").collect()
    moved = with_decimals(ledger, listed)
    number = moved["tx"].drop_nulls().min()
    number = None if number is None else int(number)  # type: ignore[arg-type]  # a number
    height = moved["height"].drop_nulls().min()
    if height is None and number is not None:
        height = number >> POSITION_BITS
    return TransactionSummary(
        chain, txid, number, height, None,  # type: ignore[arg-type]  # a number
        moved["time"].min(),  # type: ignore[arg-type]  # a column of times
        False, None, SPENT.empty(), PAID.empty(), moved, proofs(ledger, txid.hex()),
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
    rows = ledger.history.coverage.filter((pl.col("address") == address) & readings())
    return rows.select("kind", "contract", "complete", "source", "from_time", "to_time").sort(
        "source", "contract", "from_time", "to_time", nulls_last=True
    ).with_columns(pl.col("complete").fill_null(False)).collect()  # fmt: skip


def _of_blocks(ledger: Ledger, chain: Chain, runs: Sequence[BlockRun]) -> tuple[str, ...]:
    """Say in which blocks every transfer was read: of tokens and of the coin, where they differ."""
    coin = block_runs(ledger.history, chain.id, coin=True)
    same = tuple(coin) == tuple(runs)
    told = [("", runs)] if same else [(" of a token", runs), (" of the coin", coin)]
    none = () if coin or not runs else ("no block tells all that moved the coin",)
    each = (
        f"every transfer{what} in blocks {run.first:,} to {run.last:,} was read"
        for what, some in told for run in some
    )  # fmt: skip
    return (*each, *none)


def _sentences(claims: pl.DataFrame, blocks: tuple[str, ...], chain: Chain) -> tuple[str, ...]:
    if not claims.height and blocks:
        return blocks
    if not claims.height:
        return ("its history was not asked for: only transfers with addresses that were",)
    made = []
    for row in claims.iter_rows(named=True):
        claim = "claims to be whole" if row["complete"] else "does not claim to be whole"
        what = "its coin" if row["kind"] == "native" else "its transfers"
        if row["contract"]:
            what = f"the token {canonical.text(row['contract'], chain)}"
        until = "" if row["to_time"] is None else f" until {row['to_time']:%Y-%m-%d}"
        made.append(f"{what} was read from {row['source']}{until}, which {claim}")
    return (*dict.fromkeys(made), *blocks)


def _unsure_of_effect(history: pl.DataFrame, chain: Chain) -> Iterator[str]:
    """Yield that no source says of payments of the coin whether they took effect, by direction."""
    rows = history.filter(effect_unread())
    for way, told in (("in", "received"), ("out", "paid"), ("self", "paid to itself")):
        amounts = [
            whole(*row) or 0
            for row in rows.filter(direction=way).select("amount", "amount_hex").iter_rows()
        ]
        if amounts:
            much = f"{to_text(sum(amounts), chain.decimals, group=True)} {chain.symbol}"
            many = counted(len(amounts), "transfer", "transfers")
            each = ("it took effect: it counts", "they took effect: they count")[len(amounts) > 1]
            yield f"of {many}, {much} {told}, it is not known whether {each}"


def _set_apart(apart: Apart, known_of: Mapping[Contract, Stated], chain: Chain) -> Iterator[str]:
    """Yield what rows set apart may have moved of each asset, which no sum holds."""
    for contract, ways in apart.items():
        name = chain.symbol if contract is None else canonical.text(contract, chain)
        for way, (rows, amount, _) in ways.items():
            known: int | None = chain.decimals
            if contract is not None:
                known = known_of.get((chain.id, contract), SILENT).decimals
            much = "an amount that cannot be read"
            if amount is not None:
                much = f"{amount:,} base units"
                much = much if known is None else to_text(amount, known, group=True)
            here = counted(rows, "row was", "rows were")
            yield f"{here} set apart, in which it may have {way} {much} of {name}"


def _in_no_total(history: pl.DataFrame) -> Iterator[str]:
    for which, an, name in ((_TRC10, "a", "TRC-10"), (_OF_SEVERAL, "an", "ERC-1155")):
        if rows := history.filter(which).height:
            forms = f"transfer of {an} {name} token is", f"transfers of {name} tokens are"
            yield f"{counted(rows, *forms)} in the history and in no total"


def _uneven(
    ledger: Ledger, read: pl.DataFrame, known: Collection[bytes], chain: Chain
) -> Iterator[bytes]:
    """Yield the tokens that were read wholly and whose transfers do not add up all the same."""
    each = _sums(read)
    for contract in known:
        came, went = each.get(contract, (0, 0))
        short = came is not None and went is not None and went > came
        if short or overdrawn(ledger, Asset(chain.id, contract, "", 0)):
            yield contract


def _do_not_add_up(contracts: Collection[bytes], chain: Chain) -> Iterator[str]:
    for contract in sorted(contracts):
        yield f"of token {canonical.text(contract, chain)} no balance is known: {OVERDRAWN}"


def _totals(
    history: pl.DataFrame, read: pl.DataFrame, claims: pl.DataFrame, chain: Chain,
    sure: Collection[bytes | None],
) -> pl.DataFrame:  # fmt: skip
    """Return the sums per asset, null where an amount was not read; balances of what is sure.

    The native coin has a row only where anything was read of it: none is not zero.
    """
    now, ever = _sums(history), _sums(read)
    if claims.filter(pl.col("contract").is_null()).height:
        now.setdefault(None, (0, 0))  # its coin was read, and did not move
    rows = []
    for contract, (received, spent) in now.items():
        came, went = ever.get(contract, (0, 0))
        balance = None
        if contract in sure and came is not None and went is not None:
            balance = came - went
        sides = {"received": received, "spent": spent, "balance": balance}
        cells: dict[str, object] = {"chain": chain.id, "contract": contract}
        for name, amount in sides.items():
            cells[name], cells[f"{name}_hex"] = split(amount)
        rows.append(cells)
    made = pl.DataFrame(rows, schema={name: TOTALS.schema[name] for name in _SUMMED})
    shown = made.join(_shown(read), on=["chain", "contract"], how="left", nulls_equal=True)
    return shown.select(TOTALS.names).sort("chain", "contract", nulls_last=False)


def _known(
    read: pl.DataFrame, claims: pl.DataFrame, chain: Chain, runs: Sequence[BlockRun]
) -> Iterator[bytes]:
    """Yield the tokens whose transfers add up to the balance, as their balances are decided."""
    whole = claims.filter(pl.col("complete") & (pl.col("kind") == "address"))
    rows = whole.sort("from_time", "to_time").select("contract", "from_time", "to_time").rows()
    tokens = read.filter(pl.col("contract").is_not_null())
    for contract, times in movement_times(tokens, ("contract",)).items():
        told = [(first, last) for of, first, last in rows if of in (None, contract)]
        claimed = in_order((*told, *((run.from_time, run.to_time) for run in runs)))
        if not balance(chain.id, contract, claimed, times).why:
            yield contract


def _shown(read: pl.DataFrame) -> pl.DataFrame:
    """Return the symbol of each token, where all its rows state the same; and its decimals."""
    names = pl.col("symbol").drop_nulls()
    return read.group_by("chain", "contract").agg(
        pl.when(names.n_unique() == 1).then(names.first()).alias("symbol"),
        pl.col("decimals").first(),
    )


def _sums(rows: pl.DataFrame) -> dict[bytes | None, tuple[int | None, int | None]]:
    """Return what was received and spent of each asset by transfers that took effect."""
    moved = rows.filter(pl.col("success").ne_missing(False) & ~_NUMBERED)
    each = sums(moved, ("contract", "direction"))

    def side(contract: bytes | None, way: str) -> int | None:
        amounts = [each.get((contract, one), 0) for one in (way, "self")]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if len(known) == len(amounts) else None

    return {one: (side(one, "in"), side(one, "out")) for one in moved["contract"].unique()}


def _parties(history: pl.DataFrame) -> pl.DataFrame:
    keys = ["chain", "contract", "direction", "what", "counterparty"]
    between = (pl.col("direction") != "self") & pl.col("success").ne_missing(False) & ~_NUMBERED
    rows = history.filter(between).with_columns(pl.lit("address").alias("what"))
    times = rows.group_by(keys).agg(pl.col("txid").n_unique().cast(pl.Int64).alias("transactions"))
    each = sums(rows, keys)
    amounts = [split(each[key]) for key in times.select(keys).iter_rows()]
    return (
        times.with_columns(
            pl.Series("amount", [amount for amount, _ in amounts], AMOUNT),
            pl.Series("amount_hex", [wider for _, wider in amounts], pl.String),
        )
        .with_columns(pl.col("amount").alias("at_most"), pl.lit(None, AMOUNT).alias("beside"))
        .select(BESIDE.names)
        .sort(keys)
    )
