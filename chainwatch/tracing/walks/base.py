"""What a walk over coins and one over balances share: the rows they leave, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chainwatch.addresses.assets import Asset
from chainwatch.tracing.balances import Lot, Lots, Mark, joined
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.stops import AGE, End, Stops
from chainwatch.tracing.walks.coin_ends import too_far, too_little
from chainwatch.units import counted

RECEIVED = "received"
OPENING = "opening, not read"
HELD = "held before the span"
AGAIN = "received, perhaps again"
CHOSEN = "chosen"
SWAPPED = "swapped for what was followed"

Row = dict[str, Any]
"""A row of a table; a *place* is one with ``tx, txid, n, time``."""


@dataclass(kw_only=True)
class Walk:
    """One walk: what it needs to know, and the rows it leaves.

    ``subject_of`` numbers the subject of every address of a subject, ``chosen`` that of every
    output or transfer that is followed for itself. ``back`` is the direction.
    """

    asset: Asset
    subjects: tuple[bytes, ...]
    subject_of: dict[bytes, int]
    policy: Policy
    stops: Stops
    chosen: Mapping[tuple[Any, int], int] = field(default_factory=dict)
    back: bool = False
    max_hops: int | None = None
    max_age: timedelta | None = None
    min_amount: int = 0
    origins: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)
    overlaps: list[Row] = field(default_factory=list)

    def stopped(self, address: bytes | None, when: datetime | None) -> End | None:
        """Return the end at an address, if it is one at that time."""
        return self.stops.at(self.asset.chain, address, when)

    def origin(
        self,
        place: Row,
        me: int,
        address: bytes | None,
        amount: int,
        kind: str,
        paid_by: bytes | None = None,
    ) -> Mark:
        """Start tracing an amount of a subject at an address and return its mark."""
        row = {"subject": self.subjects[me], "address": address, "amount": amount}
        self.origins.append({**row, "kind": kind, "paid_by": paid_by, **place})
        return Mark(me, 0, 0, self._since(place["time"]))

    def receive(
        self,
        place: Row,
        me: int,
        address: bytes | None,
        lots: Lots,
        kind: str,
        paid_by: bytes | None = None,
    ) -> Lots:
        """Return what a subject holds of lots it receives.

        What is clean becomes its own; what was traced from another subject stays with that one
        and is listed; what was its own already starts again at no hop.
        """
        others: dict[int, int] = {}
        for mark, amount in sums(lots):
            if mark.subject != me:
                others[mark.subject] = others.get(mark.subject, 0) + amount
        for other, amount in sorted(others.items()):
            row = {"subject": self.subjects[me], "other": self.subjects[other], "amount": amount}
            self.overlaps.append({**row, "txid": place["txid"], "n": place["n"]})
        clean = sum(lot.amount for lot in lots if lot.mark is None)
        if clean:
            self.origin(place, me, address, clean, kind, paid_by)
        own = Mark(me, 0, 0, self._since(place["time"]))
        return joined(
            Lot(lot.amount, lot.mark if lot.mark and lot.mark.subject != me else own)
            for lot in lots
        )

    def step(
        self,
        place: Row,
        mark: Mark,
        amount: int,
        source: bytes | None,
        target: bytes | None,
        came: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """Note that traced value moved from one address to another."""
        row = {"subject": self.subjects[mark.subject], "amount": amount, "hop": mark.hop}
        parties = {"source": source, "target": target, "source_tx": came[0], "source_n": came[1]}
        self.steps.append({**row, **parties, **place})

    def end(self, place: Row, address: bytes | None, lots: Lots, why: End) -> None:
        """Note that the traced part of lots ends, once for each subject."""
        by_subject: dict[int, tuple[int, int]] = {}
        for mark, amount in sums(lots):
            so_far, hop = by_subject.get(mark.subject, (0, 0))
            by_subject[mark.subject] = (so_far + amount, max(hop, mark.hop))
        for subject, (amount, hop) in sorted(by_subject.items()):
            row = {"subject": self.subjects[subject], "address": address, "amount": amount}
            self.ends.append({**row, "hop": hop, **why._asdict(), **place})

    def cut_off(self, address: bytes | None, lots: Lots) -> End | None:
        """Return the end by hops or amount. A subject's own address is never cut off."""
        if address in self.subject_of:
            return None
        marked = [(lot.amount, lot.mark) for lot in lots if lot.mark]
        if self.max_hops is not None and max(mark.hop for _, mark in marked) >= self.max_hops:
            return too_far(self.max_hops)
        if sum(amount for amount, _ in marked) < self.min_amount:
            return too_little(self.min_amount)
        return None

    def aged(self, place: Row, address: bytes | None, lots: Lots) -> Lots:
        """End the lots that are older than the limit, and return all, those as clean.

        An unknown time is no age. A subject's own address is never cut off.
        """
        limit, now = self.max_age, self._since(place["time"])
        if limit is None or not now or address in self.subject_of:
            return lots
        since = [one.mark.since if one.mark else 0 for one in lots]
        old = [bool(then) and abs(now - then) > limit.total_seconds() for then in since]
        gone = tuple(lot for lot, is_old in zip(lots, old, strict=True) if is_old)
        if gone:
            told = (
                f"more than {age_in_words(limit)} {'before' if self.back else 'after'} it came in"
            )
            self.end(place, address, gone, End(AGE, told))
        return joined(
            Lot(lot.amount, None if is_old else lot.mark)
            for lot, is_old in zip(lots, old, strict=True)
        )

    def _since(self, when: datetime | None) -> int:
        """Return a time as marks hold it: 0 where it is not known, or no age is asked for."""
        return 0 if self.max_age is None or when is None else int(when.timestamp())


def age_in_words(limit: timedelta) -> str:
    """Return a limit in words: in days, or where it is none in whole seconds."""
    days, rest = divmod(limit, timedelta(days=1))
    if not rest:
        return counted(days, "day", "days")
    return counted(int(limit.total_seconds()), "second", "seconds")


def traced(lots: Lots) -> bool:
    """Tell whether any lot is traced."""
    return any(lot.mark for lot in lots)


def sums(lots: Lots) -> Iterator[tuple[Mark, int]]:
    """Yield each mark among lots with its total, in order of marks, however old they are."""
    found: dict[Mark, int] = {}
    for lot in lots:
        if lot.mark:
            mark = lot.mark._replace(since=0) if lot.mark.since else lot.mark
            found[mark] = found.get(mark, 0) + lot.amount
    yield from sorted(found.items())


def moved(lots: Lots, source: int | None = None) -> Lots:
    """Return lots one hop further, on coin chains with the input by which they came."""
    return tuple(
        Lot(
            lot.amount,
            lot.mark
            and Mark(
                lot.mark.subject,
                lot.mark.hop + 1,
                lot.mark.source if source is None else source,
                lot.mark.since,
            ),
        )
        for lot in lots
    )
