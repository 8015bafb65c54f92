"""``simulate_bridges``: people who cross between two chains, and what they are paid out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Literal

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import COVERAGE
from chainwatch.ledger.schema import TRANSFERS as ROWS
from chainwatch.simulate.bridges.world import ASSETS, UNIT, Place, Shores
from chainwatch.simulate.owners.parts import part_of

DAY, MINUTE = 86_400, 60

PAID, LATE, DEAR, UNPAID, BATCH, SPLIT, SHADOW = (
    "paid",
    "paid late",
    "paid at a high fee",
    "never paid",
    "paid with others",
    "paid in parts",
    "shadow of another",
)
"""What becomes of a deposit: its own payout within two hours and one percent; after more than two
hours; for more than one percent; nothing that is on these chains; a payment of several at once by
way of a wallet that nobody names; two payments; and like the first, but made right after a
deposit of the same amount, so that nobody can tell the two apart."""

KINDS = {
    False: ((PAID, 800), (LATE, 90), (DEAR, 40), (UNPAID, 40), (BATCH, 30)),
    True: ((PAID, 560), (LATE, 120), (DEAR, 60), (UNPAID, 60), (BATCH, 40), (SPLIT, 60),
           (SHADOW, 100)),
}  # fmt: skip
"""How many of a thousand deposits are of which kind, honest and adversarial."""

ROUND = (50, 100, 100, 200, 250, 500, 1_000, 1_000, 2_000, 5_000)
"""Amounts that people like; four of ten deposits are of one of them."""

TOGETHER = 3
"""Deposits that one payment to the forwarding wallet answers."""

TRUTH: dict[str, pl.DataType | type[pl.DataType]] = {
    "chain": pl.String, "txid": pl.Binary, "n": pl.Int64, "kind": pl.String,
    "payout_chain": pl.String, "payout_txid": pl.Binary, "payout_n": pl.Int64,
}  # fmt: skip

Event = tuple[int, int, Callable[[int], object]]


@dataclass(frozen=True)
class SimulatedBridges:
    """Two chains and a bridge between them, with the truth about every deposit.

    Attributes
    ----------
    part, seed, adversarial : str, int, bool
        How it was made.
    transfers : polars.DataFrame
        In the columns of the ledger's ``transfers``.
    truth : polars.DataFrame
        ``chain, txid, n`` of each deposit, ``kind``, and ``payout_chain, payout_txid, payout_n`` of
        the one payout that answers it alone; null where there is none.
    pool : bytes
        The address of the bridge, alike on both chains.
    span : tuple of datetime
        From when to when its history was read.
    """

    part: str
    seed: int
    adversarial: bool
    transfers: pl.DataFrame
    truth: pl.DataFrame
    pool: bytes
    span: tuple[datetime, datetime]

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The token on each chain."""
        return tuple(ASSETS.values())

    @property
    def bridges(self) -> dict[str, dict[str, list[str | bytes]]]:
        """Who is a bridge, as its addresses are named."""
        return {"ferry": {name: [self.pool] for name in ASSETS}}

    def messages(self) -> pl.DataFrame:
        """Return what both sides of each answered deposit would log: a row for each side."""
        known = self.truth.filter(pl.col("payout_txid").is_not_null()).with_row_index("id")
        id_ = pl.col("id").cast(pl.String)
        sides = {"sent": ("chain", "txid"), "received": ("payout_chain", "payout_txid")}
        return pl.concat(
            known.select(chain=on, txid=txid, id=id_, side=pl.lit(side))
            for side, (on, txid) in sides.items()
        )

    def ledger(self) -> Ledger:
        """Return it as a ledger in which the history of the bridge was read, in its span."""
        rows = [
            {"chain": one.chain, "unit": f"address/{self.pool.hex()}/{one.chain}",
             "kind": "address", "address": self.pool, "complete": True, "source": "simulated",
             "answer": bytes(32), "from_time": self.span[0], "to_time": self.span[1]}
            for one in self.assets
        ]  # fmt: skip
        coverage = pl.DataFrame(rows, schema=COVERAGE.schema, orient="row")
        return Ledger.from_tables({"transfers": self.transfers, "coverage": coverage})


def simulate_bridges(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    days: int = 10,
    deposits: int = 1_000,
) -> SimulatedBridges:
    """Simulate a bridge that pays from a pool on each of two chains, and who crosses it.

    Most deposits are answered within an hour, less a fee of up to six in a thousand. Some are
    answered late, dearly, in a batch by way of another wallet, or never. The bridge also answers
    deposits of a third chain that nobody reads, a third as many as those of both: their payouts
    match others by chance. In an adversarial world some payouts are split, and some deposits are
    shadowed by one of the same amount.

    Parameters
    ----------
    seed, part : int, str
        Seeds belong to a part: caps are chosen by ``fit`` and judged on ``test``.
    adversarial : bool
        Whether some try to mislead.
    days, deposits : int
        How long it lasts, and how many are paid in.

    Raises
    ------
    ArgumentError
        If the seed is not of the part, or it is too short for a control.
    """
    mine = part_of(part, seed)
    if days < 5 or deposits < 1:
        raise ArgumentError(
            f"{days} days of {deposits} deposits show no crossings", remedy="5 days or more"
        )
    label = f"bridges {part} {seed} {'adversarial' if adversarial else 'honest'}"
    shores = Shores(label, Random(label), mine.start)  # noqa: S311 - repeats itself
    traffic = Traffic(shores, adversarial, days * DAY)
    traffic.run(deposits)
    truth = pl.DataFrame(traffic.truth, schema=TRUTH, orient="row")
    rows = pl.DataFrame(shores.rows, schema=ROWS.schema, orient="row")
    ends = mine.start, mine.start + days * DAY + DAY // 4
    first, last = (datetime.fromtimestamp(one, UTC) for one in ends)
    return SimulatedBridges(part, seed, adversarial, rows, truth, traffic.pool, (first, last))


@dataclass
class Traffic:
    """Deposits and payouts of one bridge, each at its second."""

    shores: Shores
    adversarial: bool
    last: int
    truth: list[tuple[object, ...]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    batches: dict[str, list[int]] = field(default_factory=dict)
    counted: int = 0

    def __post_init__(self) -> None:
        """Fill the pools, and let somebody forward what is paid for several."""
        self.pool, self.forwarder = self.shores.address(), self.shores.address()
        for on in ASSETS:
            self.shores.mint(on, self.pool, 10**9 * UNIT)

    def run(self, deposits: int) -> None:
        """Let so many deposits be made, and a third as many be answered that nobody reads."""
        for _ in range(deposits):
            self._at(self.shores.between(0, self.last), self._deposit)
        for _ in range(deposits // 3):
            self._at(self.shores.between(0, self.last), self._foreign)
        while self.events:
            second, _, happen = heappop(self.events)
            happen(second)

    def _at(self, second: int, happen: Callable[[int], object]) -> None:
        self.counted += 1
        heappush(self.events, (second, self.counted, happen))

    def _amount(self) -> int:
        if self.shores.chance(400):
            return ROUND[self.shores.rng.randrange(len(ROUND))] * UNIT
        size = 10 ** self.shores.between(1, 3)
        return self.shores.between(2 * size * UNIT, 20 * size * UNIT)

    def _sides(self) -> tuple[str, str]:
        here, there = ("eth", "base") if self.shores.chance(500) else ("base", "eth")
        return here, there

    def _less(self, amount: int, least: int, most: int) -> int:
        """Return an amount less a fee of so many of ten thousand."""
        return amount - amount * self.shores.between(least, most) // 10_000

    def _foreign(self, second: int) -> None:
        """Answer a deposit that was made where nobody reads."""
        on, _ = self._sides()
        to, amount = self.shores.address(), self._less(self._amount(), 2, 60)
        self.shores.pay(on, self.pool, to, amount, second)

    def _deposit(self, second: int) -> None:
        kind = self._kind()
        here, there = self._sides()
        amount = self._amount()
        first = self._pay_in(here, amount, second)
        if kind == SHADOW:
            self._answer(PAID, first, there, amount, second)
            after = second + self.shores.between(0, 20 * MINUTE)
            self._at(after, lambda now: self._answer(
                SHADOW, self._pay_in(here, amount, now), there, amount, now))  # fmt: skip
            return
        self._answer(kind, first, there, amount, second)

    def _kind(self) -> str:
        kinds = KINDS[self.adversarial]
        pick = self.shores.rng.randrange(sum(count for _, count in kinds))
        for kind, count in kinds:
            if pick < count:
                return kind
            pick -= count
        raise ConservationError("no kind of a deposit was drawn")  # a defect

    def _pay_in(self, on: str, amount: int, second: int) -> Place:
        who = self.shores.address()
        self.shores.mint(on, who, amount)
        return self.shores.pay(on, who, self.pool, amount, second)

    def _answer(self, kind: str, place: Place, there: str, amount: int, second: int) -> None:
        """Let what was paid in be answered later, as its kind has it."""
        lag = self.shores.between(MINUTE, 50 * MINUTE)
        if kind == LATE:
            lag = self.shores.between(121 * MINUTE, 330 * MINUTE)
        to, less = self.shores.address(), self._less(amount, 2, 60)
        if kind == DEAR:
            less = self._less(amount, 120, 400)
        if kind == UNPAID:
            self._known(place, kind, None)
        elif kind == BATCH:
            self._known(place, kind, None)
            waiting = self.batches.setdefault(there, [])
            waiting.append(less)
            if len(waiting) == TOGETHER:
                due = self.batches.pop(there)
                self._at(second + lag, lambda now: self._forward(there, due, now))
        elif kind == SPLIT:
            self._known(place, kind, None)
            part = less * self.shores.between(300, 700) // 1_000
            for share in (part, less - part):
                self._at(second + lag, partial(self._out, there, to, share))
        else:
            self._at(second + lag, lambda now: self._known(
                place, kind, self._out(there, to, less, now)))  # fmt: skip

    def _out(self, on: str, to: bytes, amount: int, second: int) -> Place:
        return self.shores.pay(on, self.pool, to, amount, second)

    def _forward(self, on: str, due: list[int], second: int) -> None:
        """Pay what is due to several together, to the wallet that pays each of them."""
        self._out(on, self.forwarder, sum(due), second)
        for amount in due:
            self.shores.pay(on, self.forwarder, self.shores.address(), amount, second)

    def _known(self, place: Place, kind: str, paid: Place | None) -> None:
        self.truth.append((*place, kind, *(paid or (None, None, None))))
