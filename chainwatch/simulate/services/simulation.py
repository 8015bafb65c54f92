"""``simulate_services``: exchanges and processors of an account chain, and who looks like them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import ArgumentError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import COVERAGE
from chainwatch.ledger.schema import TRANSFERS as ROWS
from chainwatch.simulate.owners.parts import part_of
from chainwatch.simulate.services.custodians import FORWARDER, PLAIN, STATION, Custodian
from chainwatch.simulate.services.people import CASH_OUT, FARM, MERCHANT, RING, Crowd
from chainwatch.simulate.services.world import NETWORK, TOKEN, UNIT, Chain

DAY = 86_400


@dataclass(frozen=True)
class SimulatedServices:
    """A chain of services, with the truth about every address.

    Attributes
    ----------
    part, seed, adversarial : str, int, bool
        How it was made.
    transfers : polars.DataFrame
        In the columns of the ledger's ``transfers``.
    truth : polars.DataFrame
        ``address, role, holder, customer, kind``: what it is used for, whose keys they are, whose
        money it is, and of which kind the holder is.
    wallets : dict of str to bytes
        The hot wallet of each service that tags name.
    """

    part: str
    seed: int
    adversarial: bool
    transfers: pl.DataFrame
    truth: pl.DataFrame
    wallets: dict[str, bytes]

    @property
    def asset(self) -> Asset:
        """The token that people pay with."""
        return TOKEN

    def ledger(self) -> Ledger:
        """Return it as a ledger in which the history of every address was read."""
        rows = [
            {"chain": NETWORK, "unit": f"address/{one.hex()}", "kind": "address", "address": one,
             "complete": True, "source": "simulated", "answer": bytes(32)}
            for one in self.truth["address"]
        ]  # fmt: skip
        coverage = pl.DataFrame(rows, schema=COVERAGE.schema, orient="row")
        return Ledger.from_tables({"transfers": self.transfers, "coverage": coverage})


def simulate_services(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    days: int = 45,
    people: int = 160,
) -> SimulatedServices:
    """Simulate services that sweep in different ways, their customers, and wallets that look alike.

    Five services: an exchange that pays gas from a wallet of its own, one whose contracts forward
    many deposits at once, one that sweeps one by one, a payment processor with addresses for single
    invoices, and an exchange that no tag names. Twins pass all they get to the hot wallet of a
    service from wallets of their own: people who cash out, merchants whom many pay, rings of one
    owner, farms that collect an airdrop, smart accounts of strangers whose payments one bundler
    sends together. In an adversarial chain rings hide behind shells and pay their own gas, and
    somebody runs wallets for many and cashes them out at one exchange.

    Parameters
    ----------
    seed, part : int, str
        Seeds belong to a part: rates are chosen by ``fit`` and judged on ``test``.
    adversarial : bool
        Whether many try to mislead.
    days, people : int
        How long it lasts, and how many have accounts.

    Raises
    ------
    ArgumentError
        If the seed is not of the part, or there are too few days or people.
    """
    mine = part_of(part, seed)
    if days < 10 or people < 20:
        raise ArgumentError(
            f"{days} days of {people} people show no custody", remedy="10 days, 20 people or more"
        )
    kind = "adversarial" if adversarial else "honest"
    label = f"services {part} {seed} {kind}"
    chain = Chain(label, Random(label), mine.start)  # noqa: S311 - repeats itself
    services = _services(chain)
    crowd = Crowd(chain)
    crowd.join(people, services)
    _twins(crowd, services, adversarial=adversarial)
    _live(chain, crowd, services, days)
    truth = pl.DataFrame([vars(one) for one in chain.truth.values()], orient="row")
    rows = pl.DataFrame(chain.rows, schema=ROWS.schema, orient="row")
    named = {one.name: one.hot for one in services if one.known}
    return SimulatedServices(part, seed, adversarial, rows, truth, named)


def _services(chain: Chain) -> list[Custodian]:
    return [
        Custodian(chain, "alder", STATION),
        Custodian(chain, "birch", FORWARDER),
        Custodian(chain, "cedar", PLAIN),
        Custodian(chain, "dogwood", FORWARDER, kind="payment processor", once=True),
        Custodian(chain, "elm", STATION, known=False),
    ]


def _twins(crowd: Crowd, services: list[Custodian], *, adversarial: bool) -> None:
    """Add the wallets that look like deposit addresses of one of the three exchanges."""
    chain = crowd.chain
    for at in services[:3]:
        for _ in range(12):
            owner = f"{CASH_OUT} {len(crowd.twins)}"
            gas = at.hot if chain.chance(50) else crowd.pump
            payers = [crowd.anybody().wallet for _ in range(chain.between(1, 3))]
            crowd.twin(CASH_OUT, owner, at, payers, gas)
        for _ in range(5):
            owner = f"{MERCHANT} {len(crowd.twins)}"
            payers = [crowd.anybody().wallet for _ in range(chain.between(8, 30))]
            crowd.twin(MERCHANT, owner, at, payers, crowd.pump)
        crowd.ring(RING, chain.between(5, 12), at, shells=0)
        for _ in range(4):
            crowd.smart(at)
    _airdrop(crowd, services[0])
    if adversarial:
        crowd.ring(RING, 26, services[0], shells=1)
        crowd.ring(RING, 26, services[0], shells=3)
        crowd.operator(30, services[0])


def _airdrop(crowd: Crowd, at: Custodian) -> None:
    """Let one pay the same to everybody; a farm claims it many times and cashes it out twice."""
    chain = crowd.chain
    giver = chain.address("outside", "airdrop", "airdrop", "airdrop")
    owner = f"{FARM} {len(crowd.twins)}"
    for _ in range(10):
        crowd.twin(FARM, owner, at, [giver], crowd.pump)
    claims = [one.wallet for one in crowd.people] + [one.wallet for one in crowd.twins[-10:]]
    chain.balances[giver] = 3_000 * 400 * UNIT
    for to in claims:
        chain.pay(giver, to, 400 * UNIT)
    others = [chain.address("outside", "outside", "outside", "outside") for _ in range(1_000)]
    for to in others:
        chain.pay(giver, to, 400 * UNIT)


def _live(chain: Chain, crowd: Crowd, services: list[Custodian], days: int) -> None:
    """Let every day pass: people and twins at any hour, sweeps every few, storage at its end."""
    for day in range(1, days + 1):
        todo: list[tuple[int, Callable[[], None]]] = []
        for _ in range(len(crowd.people) // 2):
            todo.append((chain.between(0, DAY - 3_600), crowd.spend))
        for twin in crowd.twins:
            if chain.chance(18):
                todo.append((chain.between(0, DAY - 3_600), lambda one=twin: crowd.cash(one)))  # type: ignore[misc]
        for service in services:
            for hour in range(chain.between(0, 5), 24, 6):
                todo.append((hour * 3_600, service.sweep))
            todo.append((DAY - 60, service.store))
        if day % 9 == 0:
            todo.append((chain.between(0, DAY - 3_600), crowd.bundle))
        for when, act in sorted(todo, key=lambda one: one[0]):
            chain.now = max(chain.now, day * DAY + when)
            act()
