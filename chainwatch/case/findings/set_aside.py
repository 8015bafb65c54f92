"""What a case on an account chain sets apart: lures, other tokens, failures, ties, the unread."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.symbols import looks_like
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.decimals import doubts, with_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS
from chainwatch.ledger.unread.left_by_budget import readings
from chainwatch.results.result import Finding
from chainwatch.results.sentence import Sum, joined, sentence
from chainwatch.results.table import (
    BEHIND,
    CONTRACT,
    FIRST,
    LAST,
    Column,
    Privacy,
    Table,
)
from chainwatch.sanitize import visible
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BY_REMAINDER
from chainwatch.tracing.stops import UNREAD as AT_UNREAD
from chainwatch.tracing.trace_tables import BOUNDS
from chainwatch.tracing.walks.base import HELD, OPENING
from chainwatch.units import counted, total

OTHER_TOKENS = Table(
    "other_tokens",
    (),
    "Transfers of other assets, counted: one row for each contract.",
    (
        CONTRACT,
        Column.text("symbol", "each symbol that its rows show; null of the native coin"),
        Column.number("decimals", "decimals of the contract, as its rows agree"),
        Column.kind(
            "looks",
            "does its symbol look like that of the asset, the coin or a stablecoin: look-alike"
            " symbol; counterfeit, where a transfer of it also had no authority",
        ),
        Column.count("count", "transfers"),
        FIRST,
        LAST,
    ),
)

ALIKE, COUNTERFEIT = "look-alike symbol", "counterfeit"

STATUSES = Table(
    "statuses",
    (),
    "Status words of the source, counted.",
    (
        TRANSFERS["status"],
        TRANSFERS["success"],
        Column.count("count", "transfers"),
        Column("of_zero", pl.Int64, Privacy.TALLY, "those that move nothing"),
    ),
)

ORDER_BOUNDS = BOUNDS.pick("reason", "service", "low", "high", "behind", name="order_bounds")

NOT_READ_ROWS = Table(
    "not_read",
    (),
    "What the case cannot know, as amounts.",
    (
        Column.word("what", "what was not read"),
        Column.amount("amount", "how much of it"),
        Column.number("addresses", "addresses concerned"),
        BEHIND,
    ),
)

UNREAD = "history not read"
"""What is known of a receiver of whom no more than the payment was read."""


def other_tokens_finding(ledger: Ledger, subjects: pl.DataFrame, asset: Asset) -> Finding:
    """Return what else was transferred, by contract, added to nothing.

    Unique tokens of the contract of the asset are among it; the native coin is no contract.
    """
    who = subjects["address"].to_list()
    found = ledger.transfers.filter(
        (pl.col("chain") == asset.chain)
        & asset.of_transfers().ne_missing(True)  # null of the native coin: no such contract
        & (pl.col("sender").is_in(who) | pl.col("receiver").is_in(who))
    )
    rows = (
        with_authority(ledger, found.collect())
        .group_by("contract")
        .agg(
            pl.col("symbol").drop_nulls().unique().sort().alias("symbols"),
            pl.len().cast(pl.Int64).alias("count"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            (~pl.col("signed")).fill_null(False).any().alias("forged"),
        )
        .sort(["count", "contract"], descending=[True, False])
    )
    named = rows.with_columns(pl.lit(asset.chain).alias("chain"), symbol=_symbols(rows["symbols"]))
    rows = _looking(with_decimals(ledger, named), asset)
    return Finding(
        "Other tokens, set apart",
        (
            f"{_others(rows, asset)} They are added to nothing: a symbol is not a token, and names"
            " such as these are mostly advertising.",
            *_imitating(rows),
            *(f"Of {doubt}." for doubt in doubts(ledger, asset.chain, rows["contract"].to_list())),
        ),
        OTHER_TOKENS.rows(rows.select(OTHER_TOKENS.names)),
        asset,
    )


def _symbols(listed: pl.Series) -> pl.Series:
    """Return the symbols of each contract in one text, each made harmless; null of none."""
    texts = [" | ".join(visible(one) for one in symbols) or None for symbols in listed]
    return pl.Series("symbol", texts, pl.String)


def _others(rows: pl.DataFrame, asset: Asset) -> str:
    """Return in words how many transfers are of how many contracts, and of the native coin."""
    coin = pl.col("contract").is_null()
    tokens, native_ = rows.filter(~coin), int(rows.filter(coin)["count"].sum())
    count = int(tokens["count"].sum())
    said = (
        f"{counted(count, 'transfer is', 'transfers are')} of"
        f" {counted(tokens.height, 'other contract', 'other contracts')}"
    )
    if asset.contract is not None and asset.contract in tokens["contract"]:
        said += ", one of them that of the asset itself, whose unique tokens are another asset"
    return f"{said}, and {native_:,} of {chain_of(asset.chain).symbol}." if native_ else f"{said}."


def _looking(rows: pl.DataFrame, asset: Asset) -> pl.DataFrame:
    """Add what a contract's symbol looks like, and whether it is a counterfeit."""
    pairs = zip(rows["symbols"].to_list(), rows["contract"].to_list(), strict=True)
    alike = pl.Series(
        [any(looks_like(one, contract, asset) for one in symbols) for symbols, contract in pairs],
        dtype=pl.Boolean,
    )
    kind = pl.when("forged").then(pl.lit(COUNTERFEIT)).otherwise(pl.lit(ALIKE))
    return rows.with_columns(pl.when(alike).then(kind).alias("looks"))


def _imitating(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return a sentence on contracts whose symbol looks like one that is known."""
    alike = rows.filter(pl.col("looks").is_not_null())
    if not alike.height:
        return ()
    forged = alike.filter(pl.col("looks") == COUNTERFEIT).height
    bear = counted(alike.height, "contract bears", "contracts bear")
    return (
        f"{bear} a symbol that looks like that of the asset, the coin or a stablecoin. Bridged"
        " tokens do so too; a counterfeit is named only where a transfer of it had no authority of"
        f" its sender, as far as that was read: {forged}.",
    )


def statuses_finding(ledger: Ledger, subjects: pl.DataFrame, asset: Asset) -> Finding:
    """Return the status words of the source, counted and verbatim."""
    who = subjects["address"].to_list()
    rows = (
        ledger.transfers.filter(
            asset.of_transfers() & (pl.col("sender").is_in(who) | pl.col("receiver").is_in(who))
        )
        .group_by("status", "success")
        .agg(
            pl.len().cast(pl.Int64).alias("count"),
            (pl.col("amount") == 0).sum().cast(pl.Int64).alias("of_zero"),
        )
        .sort("status")
        .collect()
    )
    return Finding(
        "Status words of the source",
        (
            "The source gives each row a status whose meaning it does not document. It is kept"
            " verbatim and decides nothing; whether a transfer took effect is read from its result"
            " column alone.",
        ),
        STATUSES.rows(rows),
        asset,
    )


def order_finding(followed: Trace) -> Finding:
    """Return both bounds where only the time orders transfers."""
    spread = followed.bounds.filter(pl.col("low") != pl.col("high")).height
    return Finding(
        "Order of transfers that bear one time",
        (
            f"Of {followed.ties} transfers that share block or time with another nothing tells the"
            f" place there. {_tried(followed)}; "
            + (
                "no total changes." if not spread else f"{spread} totals change, as the table says."
            ),
        ),
        ORDER_BOUNDS.rows(followed.bounds_told().frame),
        followed.asset,
    )


def _tried(followed: Trace) -> str:
    if not followed.ties or followed.orders == 1:
        return "None of them touches the balance of another, so that their order changes nothing"
    if followed.bounded:
        return f"The trace was computed in all {followed.orders} orders that can make a difference"
    return (
        f"The trace was computed in {followed.orders} of the possible orders, which is no bound:"
        " others may give other totals"
    )


def unread_finding(
    ledger: Ledger, followed: Trace, direct: Counterparties, paid: pl.DataFrame
) -> Finding:
    """Return what the case cannot know, as amounts, and what each differs from the others by.

    ``paid`` are the payments of subjects without a probable host, each with what of it was traced.
    """
    asset = followed.asset
    ended = followed.ends.filter(pl.col("reason").is_in(AT_UNREAD))
    left = pl.col("basis").eq_missing(BY_REMAINDER)
    unread, stayed = ended.filter(~left), ended.filter(left)
    here = paid.filter((pl.col("onward") == UNREAD) & ~pl.col("other_subject"))
    trifles, apart = _untraced(here, followed)
    amount = total(unread["amount"])
    beside = "the native coin" if followed.asset.contract else "tokens, what fees took"
    read = ledger.coverage.filter(readings())
    histories = len(read.select("address").drop_nulls().unique().collect())
    whom = frozenset(here["counterparty"].drop_nulls())
    bridge = sentence(
        " (of ", Sum(total(here["amount"]), asset, whom), " paid to others, ",
        Sum(trifles, asset, whom), " came from trifles of address poisoning, nobody's)",
    ) if trifles else sentence()  # fmt: skip
    rest = Sum(total(stayed["amount"]), asset, frozenset(stayed["address"].drop_nulls()))
    if apart:
        bridge = sentence(
            bridge, " (", Sum(apart, asset, whom),
            " paid to others was not followed from a service or past a limit)",
        )  # fmt: skip
    what = []
    if amount or trifles or apart:
        onward = Sum(amount, asset, frozenset(unread["address"].drop_nulls()))
        what.append(sentence("where ", onward, " went on to", bridge))
    if rest.number:
        what.append(sentence("whether ", rest, " was paid on or is still held"))
    return Finding(
        "Not read",
        (
            f"{_whose(histories)} Balances before the first row, {beside}, and every history of a"
            " counterparty are not read. No figure here is a balance with its owner.",
        ),
        NOT_READ_ROWS.rows(_unread_rows(followed, direct, here, unread, stayed)),
        followed.asset,
        headline=sentence(
            "Not read: ",
            joined(", ", what),
            ", and " if what else "",
            "the origin of all that came in.",
        ),
    )


def _whose(histories: int) -> str:
    """Return in a sentence whose transfers the file says that it holds."""
    if not histories:
        return "The file does not say whose transfers it holds, nor that it holds all of anybody's."
    many = counted(histories, "address", "addresses")
    return f"The file holds the transfers of {many} and does not say that it holds all of them."


def _untraced(here: pl.DataFrame, followed: Trace) -> tuple[int, int]:
    """Return what of payments was not traced: out of trifles, at most what came so, and the rest.

    A payment of a subject that is a service itself is not followed either.
    """
    gap = total(here["amount"]) - total(here["traced"])
    trifles = min(gap, total(followed.balances["trifles"]))
    return trifles, gap - trifles


def _unread_rows(
    followed: Trace,
    direct: Counterparties,
    here: pl.DataFrame,
    unread: pl.DataFrame,
    stayed: pl.DataFrame,
) -> pl.DataFrame:
    lured = followed.balances.filter(pl.col("trifles") > 0)
    traced = total(here["traced"])
    farther = total(unread["amount"]) - traced
    trifles, apart = _untraced(here, followed)
    others, ended, kept = here["counterparty"], unread["address"], stayed["address"]
    rows = [
        Lack(f"paid by unhosted subjects to {OTHERS}", total(here["amount"]), others),
        _judged(f"paid by unhosted subjects to such {FROM_TRIFLES}", trifles, direct, whose=others),
        Lack(f"paid to such others and not followed: {BEYOND}", apart, None, others, if_any=True),
        Lack(f"followed by other ways to {UNREAD_ONES}", farther, None, ended, if_any=True),
        Lack(f"followed to {UNREAD_ONES}", traced + farther, ended),
        Lack(f"left in balances whose {TO_THE_END}", total(stayed["amount"]), kept, if_any=True),
        _judged(
            f"{TRIFLES} received by subjects", total(lured["trifles"]), direct, lured["address"]
        ),
        Lack(
            "moved to or from subjects in amounts wider than 38 digits, in no total",
            None,
            direct.wide["sender"],
            if_any=True,
        ),
        *_beginnings(followed, direct),
    ]
    told = [row.cells() for row in rows if row.amount or row.if_read() or not row.if_any]
    return NOT_READ_ROWS.frame(told)


def _judged(
    what: str,
    amount: int,
    direct: Counterparties,
    counted: pl.Series | None = None,
    whose: pl.Series | None = None,
) -> Lack:
    """Return a row on trifles; its amount is unknown where no size of one was given."""
    if direct.trifle or amount:
        return Lack(what, amount, counted, whose)
    return Lack(f"{what}: {UNJUDGED}", None, None, whose)


UNREAD_ONES, OTHERS = (f"{who} whose history was not read" for who in ("addresses", "others"))
FROM_TRIFLES = "others out of trifles (nobody's)"
BEYOND = "from a service, or past a limit"
TO_THE_END = "history was not read to the end: paid on or held"
TRIFLES = "trifles of address poisoning"
UNJUDGED = "not judged, for no size of a trifle was given"


def _beginnings(followed: Trace, direct: Counterparties) -> Iterator[Lack]:
    """Yield where the value of subjects came from, as far as that was not read."""
    opening, before = (followed.origins.filter(pl.col("kind") == kind) for kind in (OPENING, HELD))
    came = direct.frame.filter(pl.col("direction") == "in")
    shown, held = total(opening["amount"]), total(before["amount"])
    received = followed.amount - shown - held
    yield Lack("paid by subjects beyond what was read to have come in", shown, opening["address"])
    payers = came["counterparty"]
    yield Lack("received by subjects: origin beyond the payer not read", received, payers)
    yield Lack("held by subjects before the span", held, before["address"], if_any=True)


class Lack(NamedTuple):
    """A row of what was not read: whose addresses are counted, and whose money it is.

    One that is there ``if_any`` says nothing where its amount is zero.
    """

    what: str
    amount: int | None
    counted: pl.Series | None
    whose: pl.Series | None = None
    if_any: bool = False

    def if_read(self) -> bool:
        """Return whether an amount that cannot be told was moved by anybody."""
        return self.amount is None and self.counted is not None and self.counted.len() > 0

    def cells(self) -> tuple[str, Decimal | None, int | None, str]:
        """Return the row as the table holds it."""
        whose = self.whose if self.whose is not None else self.counted
        who = sorted(set(() if whose is None else whose.drop_nulls()))
        number = None if self.counted is None else self.counted.n_unique()
        amount = None if self.amount is None else Decimal(self.amount)
        return self.what, amount, number, ",".join(one.hex() for one in who)
