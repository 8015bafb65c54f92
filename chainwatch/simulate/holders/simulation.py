"""``simulate_holders``: owners of accounts and all that looks like one person, with exact truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

import polars as pl

from chainwatch.errors import ArgumentError, expect
from chainwatch.ledger.account_schema import APPROVALS, STAKES
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import COVERAGE
from chainwatch.ledger.schema import TRANSFERS as ROWS
from chainwatch.simulate.holders.look_alikes import LookAlikes
from chainwatch.simulate.holders.people import Society
from chainwatch.simulate.holders.world import HolderChain
from chainwatch.simulate.owners.parts import part_of
from chainwatch.simulate.services.custodians import FORWARDER, PLAIN, STATION, Custodian
from chainwatch.simulate.services.world import DEPOSIT

DAY = 86_400


@dataclass(frozen=True)
class SimulatedHolders:
    """A chain of accounts, with the truth about every owner.

    Attributes
    ----------
    part, seed, adversarial, network : str, int, bool, str
        How it was made.
    chain : str
        CAIP-2 id.
    tables : dict of str to polars.DataFrame
        ``transfers``, ``approvals`` and ``stakes`` in the columns of a ledger.
    truth : polars.DataFrame
        ``address, role, holder, customer, kind``: of deposit addresses the holder is the service,
        and the customer whose account it is.
    kinds : polars.DataFrame
        ``txid, kind``: what each transaction is.
    wallets : dict of str to bytes
        The hot wallet of each service that tags name.
    """

    part: str
    seed: int
    adversarial: bool
    network: str
    chain: str
    tables: dict[str, pl.DataFrame]
    truth: pl.DataFrame
    kinds: pl.DataFrame
    wallets: dict[str, bytes]

    @property
    def owners(self) -> pl.DataFrame:
        """Who owns what: ``address, owner``; of a deposit address whose account it is."""
        whose = pl.when(pl.col("role") == DEPOSIT).then("customer").otherwise("holder")
        return self.truth.select("address", whose.alias("owner"))

    def ledger(self) -> Ledger:
        """Return it as a ledger in which the history of every address was read."""
        rows = [
            {"chain": self.chain, "unit": f"address/{one.hex()}", "kind": "address",
             "address": one, "complete": True, "source": "simulated", "answer": bytes(32)}
            for one in self.truth["address"]
        ]  # fmt: skip
        coverage = pl.DataFrame(rows, schema=COVERAGE.schema, orient="row")
        return Ledger.from_tables({**self.tables, "coverage": coverage})


def simulate_holders(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    network: Literal["eth", "tron"] = "eth",
    days: int = 60,
    people: int = 60,
) -> SimulatedHolders:
    """Simulate people with several wallets, their accounts, and strangers who look like one owner.

    People deposit from each of their wallets, pay rent and friends into others' accounts, are paid
    wages by a batch contract or straight into their account, give a new wallet its first gas or let
    an exchange, a friend or a seller do so; some have smart accounts whose operations a bundler
    sends and a sponsor pays. One airdrop is brought together by its owners or sold wallet by
    wallet. On Tron some give an account a second key, or share it. Desks and shops are paid by
    many, some cash out from wallets of their own, and drainers get leave to move the tokens of
    strangers, or keys of theirs. In an adversarial chain an attacker pays into others' accounts,
    farms collect in parts, and a buyer pays in cash, of which no chain tells.

    Parameters
    ----------
    seed, part : int, str
        Seeds belong to a part: numbers are chosen by ``fit`` and judged on ``test``.
    adversarial : bool
        Whether many try to mislead.
    network : str
        ``tron`` has activations, and no smart accounts.
    days, people : int
        How long it lasts, and how many people there are.

    Raises
    ------
    ArgumentError
        If the seed is not of the part, the network is another, or days or people are too few.
    """
    mine = part_of(part, seed)
    expect(adversarial, bool, "adversarial", "pass True or False")
    if network not in ("eth", "tron"):
        raise ArgumentError("network is none that is simulated", remedy="eth or tron")
    if days < 20 or people < 20:
        raise ArgumentError(
            f"{days} days of {people} people show no owners", remedy="20 days, 20 people or more"
        )
    label = f"holders {network} {part} {seed} {'adversarial' if adversarial else 'honest'}"
    chain = HolderChain(label, Random(label), mine.start, network=network)  # noqa: S311 - repeats
    society = Society(chain, _services(chain))
    society.join(people)
    others = LookAlikes(society, adversarial)
    _live(society, others, days)
    return SimulatedHolders(
        part, seed, adversarial, network, chain.id, _tables(chain),
        pl.DataFrame([vars(one) for one in chain.truth.values()], orient="row"),
        pl.DataFrame({"txid": list(chain.told), "kind": list(chain.told.values())}),
        {one.name: one.hot for one in society.services if one.known},
    )  # fmt: skip


def _services(chain: HolderChain) -> list[Custodian]:
    return [
        Custodian(chain, "alder", STATION),
        Custodian(chain, "birch", FORWARDER),
        Custodian(chain, "cedar", PLAIN),
        Custodian(chain, "dogwood", FORWARDER, kind="payment processor", once=True),
    ]


def _tables(chain: HolderChain) -> dict[str, pl.DataFrame]:
    rows = {"transfers": (chain.rows, ROWS), "approvals": (chain.approvals, APPROVALS),
            "stakes": (chain.stakes, STAKES)}  # fmt: skip
    return {
        name: pl.DataFrame(made, schema=table.schema, orient="row")
        for name, (made, table) in rows.items()
    }


def _live(society: Society, others: LookAlikes, days: int) -> None:
    """Let every day pass: people at any hour, sweeps every few, wages and rent once a month."""
    chain = society.chain
    for day in range(1, days + 1):
        todo: list[tuple[int, Callable[[], None]]] = []
        for _ in range(len(society.holders) // 3):
            todo.append((chain.between(0, DAY - 3_600), society.spend))
        for _ in range(2):
            todo.append((chain.between(0, DAY - 3_600), others.trade))
        for one in others.cashing:
            if chain.chance(15):
                todo.append((chain.between(0, DAY - 3_600), lambda one=one: others.cash(one)))  # type: ignore[misc]
        for service in society.services:
            todo += [(hour * 3_600, service.sweep) for hour in range(chain.between(0, 5), 24, 6)]
            todo.append((DAY - 60, service.store))
        if day % 20 == 5:
            todo.append((chain.between(0, DAY // 2), society.month))
        if day == 10:
            todo += [(DAY // 3, others.give_away), (DAY // 2, others.approve)]
        if day == 12 and chain.network == "tron":
            todo.append((DAY // 2, others.share_keys))
        if others.adversarial and day % 10 == 7:
            todo.append((DAY // 4, others.bait))
        for when, act in sorted(todo, key=lambda one: one[0]):
            chain.now = max(chain.now, day * DAY + when)
            act()
