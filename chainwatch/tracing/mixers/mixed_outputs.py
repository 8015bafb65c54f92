"""The equal outputs of mixes, and how many parties can have paid for those of one value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.keyless import why_open
from chainwatch.attribution.resolve import Owners
from chainwatch.ledger.among import among
from chainwatch.ledger.joint.funding import DUST, MOST_PAID, PAID_PER_MILLE, PAID_SATOSHI, covered
from chainwatch.ledger.ledger import Ledger

ONE_EACH = frozenset({"JoinMarket", "Wasabi 1", "Whirlpool"})
"""Protocols that give a party one output of a value. Wasabi 2 gives a party several, and of equal
outputs alone nothing is known."""


class Paid(NamedTuple):
    """An output of a mix above dust that can be spent: its place, its payee and its value."""

    n: int
    address: bytes | None
    script: bytes | None
    value: int

    @property
    def payee(self) -> tuple[bytes | None, bytes | None]:
        """Who is paid: an address, or a script where there is none."""
        return self.address, None if self.address else self.script


@dataclass(frozen=True)
class Mix:
    """A transaction that is or may be a mix.

    Attributes
    ----------
    row : mapping
        What the detectors say of it.
    outputs : tuple of Paid
        What it pays, without dust and data.
    brought : mapping
        What each party brings at least that can be told apart: an address, an owner where owners
        are known, or an input without an address.
    unread : int
        Inputs of which no value was read: each may be one more party, and hold any amount.
    funding : frozenset of bytes
        Addresses that it spends from.
    """

    row: Mapping[str, Any]
    outputs: tuple[Paid, ...]
    brought: Mapping[Any, int]
    unread: int
    funding: frozenset[bytes] = field(default_factory=frozenset)

    @property
    def key(self) -> tuple[str, int]:
        """Its chain and number."""
        return self.row["chain"], self.row["tx"]

    @property
    def one_each(self) -> bool:
        """Whether each party takes one output of a value, as far as its protocol is known."""
        named = set(str(self.row["protocols"] or "").split(", "))
        return bool(self.row["is_mix"]) and bool(named & ONE_EACH) and "Wasabi 2" not in named

    def values(self) -> Iterator[tuple[int, tuple[Paid, ...]]]:
        """Yield each value that several payees get, the largest first, with its outputs."""
        by_value: dict[int, list[Paid]] = defaultdict(list)
        for out in self.outputs:
            by_value[out.value].append(out)
        for value, outs in sorted(by_value.items(), reverse=True):
            if payees(outs) > 1:
                yield value, tuple(outs)

    def changes(self) -> tuple[Paid, ...]:
        """Return the outputs whose value no other payee gets: change, as a rule, or a payment."""
        equal = {value for value, _ in self.values()}
        return tuple(out for out in self.outputs if out.value not in equal)

    def parties(self, value: int, equal: int) -> tuple[int, int]:
        """Return how many parties can have paid for equal outputs of a value, one each.

        Returns
        -------
        tuple of int
            As many as can be shown to hold enough, and more than which there cannot be. Parties of
            one owner cannot be told from two: that there are as many is not said.
        """
        goal = value - min(max(value * PAID_PER_MILLE // 1000, PAID_SATOSHI), value // MOST_PAID)
        small = sorted(amount for amount in self.brought.values() if amount < goal)
        large = len(self.brought) - len(small)
        least = large + covered(small, goal)
        most = large + min(sum(small) // goal, len(small) // 2) + self.unread
        return min(equal, least), min(equal, most)


def payees(outs: Iterable[Paid]) -> int:
    """Return how many payees there are: distinct addresses, or scripts where there is none."""
    return len({out.payee for out in outs})


def read_mixes(ledger: Ledger, judged: pl.DataFrame, clusters: Owners | None) -> list[Mix]:
    """Return the transactions that detectors judged, with what they bring and pay.

    Parameters
    ----------
    ledger : Ledger
        Where they are.
    judged : polars.DataFrame
        Rows of mixes.
    clusters : Owners, optional
        Inputs of one owner are of one party.
    """
    numbers = {str(chain): rows["tx"] for (chain,), rows in judged.group_by("chain")}
    some = among(ledger.history, numbers)
    inputs = _by_tx(some.inputs.select("chain", "tx", "n", "address", "value").collect())
    paid = some.outputs.filter((pl.col("value") > DUST) & pl.col("spendable"))
    outputs = _by_tx(paid.select("chain", "tx", "n", "address", "script", "value").collect())
    stated = {
        (chain, tx): int(count)
        for chain, tx, count in some.transactions.select("chain", "tx", "input_count")
        .collect()
        .iter_rows()
    }
    owner = _owners(clusters)
    return [
        _mix(row, inputs[key], outputs[key], stated[key], owner)
        for row in judged.sort("chain", "tx").iter_rows(named=True)
        for key in [(row["chain"], row["tx"])]
    ]


def _mix(
    row: Mapping[str, Any], spent: Sequence[tuple[Any, ...]], paid: Sequence[tuple[Any, ...]],
    stated: int, owner: Mapping[tuple[str, bytes], bytes],
) -> Mix:  # fmt: skip
    brought: dict[Any, int] = defaultdict(int)
    unread = stated - len(spent)
    for n, address, value in spent:
        if value is None:
            unread += 1
        elif address is None or not why_open(address):  # a coin that anybody spends is nobody's
            key = n if address is None else owner.get((row["chain"], address), address)
            brought[key] += value
    funding = frozenset(address for _, address, _ in spent if address is not None)
    return Mix(row, tuple(Paid(*out) for out in paid), dict(brought), unread, funding)


def _by_tx(frame: pl.DataFrame) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    found: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
    for chain, tx, *rest in frame.sort("chain", "tx", "n").iter_rows():
        found[chain, tx].append(tuple(rest))
    return found


def _owners(clusters: Owners | None) -> dict[tuple[str, bytes], bytes]:
    if clusters is None:
        return {}
    rows = clusters.frame.select("chain", "address", "cluster")
    return {(chain, address): cluster for chain, address, cluster in rows.iter_rows()}
