"""What is said beside the ends of a trace: what it was asked to stop at, and what went astray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.heuristics.poisoning import PERHAPS_ASTRAY, PERHAPS_LURE
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.results.table import Column
from chainwatch.units import counted, total


@dataclass(frozen=True)
class Asked:
    """What a trace was asked to stop at, counted; None where it was not asked.

    Attributes
    ----------
    tagged : int or None
        Addresses of the chain that the tags name.
    hosted : int or None
        Probable deposit addresses.
    one_destination : int
        Addresses that pass all on to one service, whose custody is undecided.
    opened : int
        Of these, and of the probable ones, those that a person opened.
    judged : int or None
        Transactions that rules on mixes judged: those that traced value went into. None where no
        rule was given.
    trifle : int or None
        On account chains the largest amount of a trifle, 0 where no size of one was given; None
        on coin chains.
    mixes : bool
        Whether the chain is one on which strangers can build a transaction together.
    unstated : int
        Tags of clustered addresses that do not say whether they are of the whole cluster.
    spread_unstated : bool
        Whether these were taken to be.
    """

    tagged: int | None = None
    hosted: int | None = None
    one_destination: int = 0
    opened: int = 0
    judged: int | None = None
    trifle: int | None = None
    mixes: bool = False
    unstated: int = 0
    spread_unstated: bool = False

    def said(self) -> tuple[str, ...]:
        """Return a sentence on each thing that was asked, or was not."""
        parts = (self._tags(), self._custody(), self._rules(), self._lures(), self.unsaid())
        return tuple(filter(None, parts))

    def _tags(self) -> str:
        if self.tagged is None:
            return (
                "No tags were given to stop at: that no service is named does not say that none"
                " was reached."
            )
        if not self.tagged:
            return "No tag to stop at, of a service or a bank, names an address of this chain."
        named = counted(self.tagged, "address", "addresses")
        return f"The tags to stop at name {named} of this chain."

    def _custody(self) -> str:
        if self.hosted is None:
            return ""
        parts = [
            "A deposit address is probable where an address passes all it gets to tagged wallets of"
            " one service and something shows that the service holds its keys:"
            f" {counted(self.hosted, 'was', 'were')} found."
        ]
        if self.one_destination:
            many = counted(self.one_destination, "wallet", "wallets")
            parts.append(
                f"Of {many} that pay one service alone nothing shows who holds the keys: following"
                " ends there with custody undecided, and can be opened."
            )
        if self.opened:
            was = counted(self.opened, "such end was", "such ends were")
            parts.append(f"{was} opened by a person: following goes on behind.")
        return " ".join(parts)

    def _rules(self) -> str:
        if not self.mixes:
            return ""
        if self.judged is None:
            return "No rule on mixes was given: value was followed through whatever it entered."
        if not self.judged:
            return "The rules on mixes had no transaction to judge."
        return (
            "What enters a transaction that looks like a CoinJoin is not followed behind it;"
            f" {counted(self.judged, 'transaction was', 'transactions were')} judged."
        )

    def _lures(self) -> str:
        """Return that no trifle was judged, where that is so: none set apart is not none there."""
        return NO_TRIFLE if self.trifle == 0 else ""

    def unsaid(self) -> str:
        """Return how many tags leave open whether their cluster is meant; nothing for none."""
        if not self.unstated:
            return ""
        one, many = "tag of a clustered address does", "tags of clustered addresses do"
        done = "taken to be, as was asked" if self.spread_unstated else "not taken to be"
        each = "it was" if self.unstated == 1 else "they were"
        tags = counted(self.unstated, one, many)
        return f"{tags} not say whether the whole cluster is meant: {each} {done}."


DOUBT = Column.word(
    "doubt",
    "what the order of transfers leaves open of this one: whether it is a lure, or went to a"
    " look-alike; it counts as a payment",
)
NO_TRIFLE = (
    "No size of a trifle was given: whether a small payment is a lure of address poisoning was not"
    " judged."
)
NOT_ASKED = Asked()
"""Nothing was given to stop at."""


def astray(steps: pl.DataFrame, asset: Asset) -> list[Sentence]:
    """Return a sentence on steps to addresses that look like an earlier partner of the payer."""
    rows = steps.filter(pl.col("imitates").is_not_null())
    if not rows.height:
        return []
    whom = frozenset(rows["target"].drop_nulls())
    times = rows.select("txid", "n").n_unique()
    return [
        sentence(
            Sum(total(rows["amount"]), asset, whom),
            " of it was paid, in ",
            Sum(times, behind=whom, noun=("payment", "payments")),
            ", to an address that looks like an earlier partner of the payer: perhaps not to whom"
            " it was meant for. It is followed as any payment.",
        )
    ]


def too_wide(rows: pl.DataFrame, asset: Asset) -> str:
    """Return a sentence on transfers whose amount is wider than 38 digits, with what they move.

    Parameters
    ----------
    rows : polars.DataFrame
        With ``sender, receiver, amount_hex``.
    asset : Asset
        What they move.

    Returns
    -------
    Sentence or str
        Empty where there are none.
    """
    if not rows.height:
        return ""
    whom = frozenset(rows["sender"].drop_nulls()) | frozenset(rows["receiver"].drop_nulls())
    amounts = [int(text, 16) for text in rows["amount_hex"].drop_nulls()]
    return sentence(
        Sum(rows.height, behind=whom, noun=("transfer", "transfers")),
        " of an amount wider than 38 digits, ",
        Sum(sum(amounts), asset, whom),
        " in all, stand in no total and were not followed: what a balance paid after one may be of"
        " other value.",
    )


def in_doubt(origins: pl.DataFrame, steps: pl.DataFrame) -> list[str]:
    """Return a sentence on each doubt that the order of transfers leaves, with how many bear it."""
    places = ["txid", "n", "doubt"]
    rows = pl.concat([origins.select(places), steps.select(places)]).unique()
    return list(doubts_told(rows["doubt"]))


def doubts_told(doubts: pl.Series) -> Iterator[str]:
    """Yield in words how many payments may be lures, and how many may have gone astray."""
    for doubt, what in ((PERHAPS_LURE, "is a lure"), (PERHAPS_ASTRAY, "went to a look-alike")):
        count = int(doubts.drop_nulls().str.contains(doubt, literal=True).sum())
        if count:
            yield (
                f"Of {counted(count, 'payment', 'payments')} it is not known whether it {what}:"
                " nothing tells which of two transfers came first, or more addresses end alike than"
                " were compared. Each counts as a payment and is marked."
            )
