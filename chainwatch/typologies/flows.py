"""``Flows``: who paid whom, of one asset of one chain, in an order that holds.

It is what typologies read. Coin chains and account chains look alike here. A party is an owner:
the cluster of an address, or the address alone. What cannot be told is counted and never guessed:
a payer who may be one of several, outputs to no address, transfers without a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.taxonomy import ENDING, is_a
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import Prices
from chainwatch.ledger.schema import TIME
from chainwatch.typologies.facts import Facts
from chainwatch.typologies.lists import NOBODY, Lists, Rows, lists_of, narrow, others_of
from chainwatch.units import AMOUNT

OWN = "stayed with its owner"
"""What is no payment: change, and what somebody paid himself."""

SECOND = 1_000_000
"""Clocks count microseconds."""


class Name(NamedTuple):
    """Whom a tag names: ``actor`` is None where two are named with equal confidence."""

    actor: str | None
    concept: str | None


class Unlocked(NamedTuple):
    """By what keys the coins of payments were unlocked, as far as scripts showed it.

    Attributes
    ----------
    quorum : array of int32
        Of each payment the place in ``quorums`` of what all inputs of its transaction asked for;
        ``NOBODY`` where that was not read, or differs.
    quorums : tuple of str
        Such as ``2-of-3``, each once.
    keys : callable
        Of some payments the public keys that the scripts of their inputs show, a set for each;
        empty where none was read.
    """

    quorum: NDArray[np.int32]
    quorums: tuple[str, ...]
    keys: Callable[[Rows], Sequence[frozenset[bytes]]]


def nothing_unlocked() -> None:
    """Say that nothing is told of the keys of payments: of account chains."""


@dataclass(frozen=True, eq=False, repr=False)
class Flows:
    """Payments between owners, in order.

    Of two payments the later one has the greater ``order``; where that is equal nothing tells which
    came first, or both are of one transaction. ``clock`` never runs backwards: where a block states
    an earlier time than one before it, the time of the latter holds on. ``time`` is as the block
    states it.

    Attributes
    ----------
    asset : Asset
        What was paid.
    parties : polars.Series
        The owners by their ids, canonical bytes, sorted; the place of each is its number.
    payer, payee : array of int32
        Numbers of parties; ``NOBODY`` is a payer who is not known. No payment is to its payer.
    amount : array of int64, or of int of any width
        Base units, above zero.
    clock, time : array of int64
        Microseconds since 1970.
    order : array of int64
        Rank in time, see above.
    tx, place : array of int64
        Number of the transaction, and place of the output or log in it; -1 where none is known.
    deed : array of int64
        Equal for payments of one transaction, different for those of others.
    agreed : array of bool
        Whether the payer is known to have wanted it; see ``AccountFacts.payments``.
    payer_name, payee_name : array of int32
        Places in ``names``: whom tags name at either side on that day; ``NOBODY`` for no tag.
    names : tuple of Name
        Each name once.
    txids : callable
        Ids of the transactions of some payments.
    reading : callable
        Of a party's id what of its history was not read, in words; nothing where all was.
    shared : array of int64
        Of each party the transactions with a payer who is not known in which it may be that payer.
    mined : array of bool
        Which parties were paid newly mined coins, beside what is here.
    left : mapping of str to int
        What is no payment here, by the reason, counted.
    prices : Prices or None
        What the asset was worth.
    ledger, tags, clusters : Ledger, Framed, Framed or None
        What it was made of.
    facts : Facts or None
        What is known from outside of the chain.
    unlocking : callable
        What tells by which keys payments were unlocked, where anything does; it is asked once.
    """

    asset: Asset
    parties: pl.Series
    payer: NDArray[np.int32]
    payee: NDArray[np.int32]
    amount: NDArray[Any]
    clock: NDArray[np.int64]
    time: NDArray[np.int64]
    order: NDArray[np.int64]
    tx: NDArray[np.int64]
    place: NDArray[np.int64]
    deed: NDArray[np.int64]
    agreed: NDArray[np.bool_]
    payer_name: NDArray[np.int32]
    payee_name: NDArray[np.int32]
    names: tuple[Name, ...]
    txids: Callable[[Rows], pl.Series]
    reading: Callable[[bytes], str]
    shared: NDArray[np.int64]
    mined: NDArray[np.bool_]
    left: Mapping[str, int] = field(default_factory=dict)
    prices: Prices | None = None
    ledger: Ledger | None = None
    tags: Framed | None = None
    clusters: Framed | None = None
    facts: Facts | None = None
    unlocking: Callable[[], Unlocked | None] = nothing_unlocked

    def __len__(self) -> int:
        return len(self.payer)

    @cached_property
    def into(self) -> Lists:
        """The payments that each party received."""
        return lists_of(self.payee, len(self.parties))

    @cached_property
    def out_of(self) -> Lists:
        """The payments that each party made, as far as the payer is known."""
        return lists_of(self.payer, len(self.parties))

    @cached_property
    def payers(self) -> NDArray[np.int64]:
        """How many different payers each party has, as far as they are known."""
        return others_of(self.into, self.payer[self.into.rows])

    @cached_property
    def payees(self) -> NDArray[np.int64]:
        """How many different payees each party has."""
        return others_of(self.out_of, self.payee[self.out_of.rows])

    @cached_property
    def unlocked(self) -> Unlocked | None:
        """By which keys payments were unlocked; None where nothing tells of any."""
        return self.unlocking()

    def unlocked_by(self, quorum: str) -> NDArray[np.bool_]:
        """Return which payments were unlocked by a quorum such as ``2-of-3``, all inputs alike."""
        told = self.unlocked
        if told is None or quorum not in told.quorums:
            return np.zeros(len(self), np.bool_)
        found: NDArray[np.bool_] = told.quorum == told.quorums.index(quorum)
        return found

    @property
    def coins(self) -> bool:
        """Whether the chain is one of coins; else it is one of accounts."""
        return find_chain(self.asset.chain).family == "utxo"

    @property
    def unknown(self) -> int:
        """How many payments have a payer who is not known."""
        return int((self.payer == NOBODY).sum())

    def later(self, rows: Rows) -> Rows:
        """Return of each payment the first that is certainly later than it."""
        return np.searchsorted(self.order, self.order[rows], side="right")

    def within(self, rows: Rows, span: int) -> Rows:
        """Return of each payment the first that is more than a span later, microseconds."""
        return np.searchsorted(self.clock, self.clock[rows] + span, side="right")

    def number_of(self, party: bytes) -> int | None:
        """Return the number of a party by its id; None where it neither pays nor is paid."""
        place = self.parties.search_sorted(party)
        there = place < len(self.parties) and self.parties[place] == party
        return place if there else None

    def lacking(self, party: int) -> str:
        """Return what of a party's payments is not known, in words; nothing where all were read.

        Where it is empty, a payment that is not here was not made. It is asked for once.
        """
        if party not in self._lacking:
            self._lacking[party] = self._told(party)
        return self._lacking[party]

    @cached_property
    def _lacking(self) -> dict[int, str]:
        return {}

    def _told(self, party: int) -> str:
        said = [self.reading(self.parties[party])]
        if self.mined[party]:
            said.append("it was paid newly mined coins too, which are no payments here")
        if several := int(self.shared[party]):
            said.append(f"who pays is not known in {several} transactions that spend its coins")
        return "; ".join(filter(None, said))

    # Whom tags name.

    def named(self, side: str, concept: str) -> NDArray[np.bool_]:
        """Return which payments have, at one side, somebody who is tagged with a concept that day.

        Parameters
        ----------
        side : str
            ``payer`` or ``payee``.
        concept : str
            An id of the taxonomy; narrower ones count.
        """
        return self._with(side, (concept,))

    def served(self, side: str) -> NDArray[np.bool_]:
        """Return which payments have a service at one side: who holds or mixes others' money."""
        return self._with(side, ENDING)

    def _with(self, side: str, concepts: Sequence[str]) -> NDArray[np.bool_]:
        fits = [
            one.concept is not None and any(is_a(one.concept, broad) for broad in concepts)
            for one in self.names
        ]
        found: NDArray[np.bool_] = np.array([*fits, False], np.bool_)[self._names_at(side)]
        return found

    def _names_at(self, side: str) -> NDArray[np.int32]:
        if side not in ("payer", "payee"):
            raise InputError(f"{side!r} is no side of a payment", remedy="write payer or payee")
        return self.payer_name if side == "payer" else self.payee_name

    @cached_property
    def services(self) -> NDArray[np.bool_]:
        """Which parties tags call a service on the day of any of their payments."""
        return self.parties_named(*ENDING)

    def parties_named(self, *concepts: str) -> NDArray[np.bool_]:
        """Return which parties are tagged with a concept on the day of any of their payments."""
        found = np.zeros(len(self.parties), np.bool_)
        for side, who in (("payer", self.payer), ("payee", self.payee)):
            found[who[self._with(side, concepts) & (who != NOBODY)]] = True
        return found

    def actor(self, party: int) -> str | None:
        """Return the actor whom tags name at any payment of a party, the latest first."""
        if not self.names:
            return None
        sides = ((self.into, self.payee_name), (self.out_of, self.payer_name))
        rows = [(row, int(name[row])) for one, name in sides for row in one.of(party).tolist()]
        said = [self.names[name].actor for _, name in sorted(rows, reverse=True) if name != NOBODY]
        return next((one for one in said if one), None)

    # What payments were worth.

    def worth(self, currency: str, amounts: NDArray[Any], rows: Rows) -> NDArray[Any]:
        """Return what amounts were worth in minor units, rounded down; -1 where it is not known.

        Parameters
        ----------
        currency : str
            ISO 4217 code.
        amounts : array
            Base units.
        rows : array of int64
            A payment at the time of each amount.

        Raises
        ------
        InputError
            If no prices were given.
        """
        if self.prices is None:
            raise InputError("payments without prices", remedy="pass prices=read_prices(...)")
        given = pl.DataFrame({"time": _times(self.time[rows]), "amount": _decimals(amounts)})
        found = self.prices.of_rows(given, self.asset, currency)["value"].fill_null(-1)
        return np.array([int(one) for one in found.to_list()], object)

    def by_worth(self, currency: str) -> tuple[Rows, NDArray[Any]]:
        """Return all payments from the least worth to the most, and what they were worth.

        In minor units, rounded down; those without a price stand first, at -1. An empty currency
        stands for base units of the asset. It is asked for once.
        """
        if currency not in self._by_worth:
            every = np.arange(len(self), dtype=np.int64)
            worth = self.worth(currency, self.amount, every) if currency else self.amount
            values = narrow(worth)
            order = np.argsort(values, kind="stable")
            self._by_worth[currency] = (every[order], values[order])
        return self._by_worth[currency]

    @cached_property
    def _by_worth(self) -> dict[str, tuple[Rows, NDArray[Any]]]:
        return {}

    # What is shown.

    def decimals(self, rows: Rows | slice) -> pl.Series:
        """Return the amounts of some payments as columns of results hold them."""
        return _decimals(self.amount[rows])

    def total(self, rows: Rows) -> int:
        """Return what some payments add up to, exactly."""
        return sum(map(int, self.amount[rows].tolist()))

    def shown(self, rows: Rows) -> pl.DataFrame:
        """Return some payments as rows: ``payer, payee, amount, time, tx, txid, place``."""
        who = {
            side: self.parties.gather(pl.Series(codes[rows]).cast(pl.Int64).set(
                pl.Series(codes[rows] == NOBODY), None))
            for side, codes in (("payer", self.payer), ("payee", self.payee))
        }  # fmt: skip
        at = {
            name: pl.Series(one[rows]).set(pl.Series(one[rows] < 0), None)
            for name, one in (("tx", self.tx), ("place", self.place))
        }
        return pl.DataFrame(
            {
                **who, "amount": self.decimals(rows), "time": _times(self.time[rows]),
                "tx": at["tx"], "txid": self.txids(rows), "place": at["place"],
            }
        )  # fmt: skip

    @property
    def frame(self) -> pl.DataFrame:
        """All payments as rows, in order; see :meth:`shown`."""
        return self.shown(np.arange(len(self), dtype=np.int64))

    def __repr__(self) -> str:
        return (
            f"Flows({len(self):,} payments of {self.asset.symbol} between"
            f" {len(self.parties):,} parties, {self.unknown:,} of a payer who is not known)"
        )


def _decimals(amounts: NDArray[Any]) -> pl.Series:
    return pl.Series("amount", amounts.tolist(), pl.Int128).cast(AMOUNT)


def _times(micros: NDArray[np.int64]) -> pl.Series:
    return pl.Series("time", micros, pl.Int64).cast(TIME)


__all__ = ["NOBODY", "OWN", "SECOND", "Flows", "Name", "Rows", "Unlocked", "nothing_unlocked"]
