"""What shows that a service holds the keys of one-destination addresses, and not their owners.

Passing all on to one exchange is what a wallet of somebody's own does too. What such a wallet does
not have is what the service does for many customers at once: it pays the gas of their deposit
addresses, and sweeps several in one transaction. One owner of many wallets can do both for himself,
so that it counts only among addresses whose depositors have nothing to do with each other. On
account chains strangers stand together in a transaction too, if a relayer brings what each of them
signed: there it counts only where the service's own wallet sent it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from chainwatch.tracing.custody.sweeps import Flows
from chainwatch.units import counted

MIN_UNRELATED = 3
"""Addresses without a depositor in common, of those that share a funder or a transaction."""

MIN_FUNDED = 20
"""Addresses to which a funder pays gas: with fewer it may be one person's own."""

MIN_PURE = 900
"""Of 1,000 addresses that a funder pays, how many must pass all on to one service: who sells gas
to everybody serves customers of every service, and wallets that pay anybody."""

GAS, BATCH = "shared gas funder", "batch sweeps"
KINDS = (GAS, BATCH)
"""What shows the service's side."""


class Bars(NamedTuple):
    """How much is asked for: see the constants of this module."""

    unrelated: int = MIN_UNRELATED
    funded: int = MIN_FUNDED
    pure: int = MIN_PURE


class Side(NamedTuple):
    """What shows the service's side of one address.

    ``unrelated`` are the addresses without a common depositor in the largest group that shows it,
    or in the largest of all where none does.
    """

    kinds: tuple[str, ...] = ()
    funder: bytes | None = None
    funded: int = 0
    batches: int = 0
    depositors: int = 0
    unrelated: int = 0
    told: str = ""


@dataclass(frozen=True)
class _Group:
    """Addresses that one funder pays, or that are swept together."""

    members: Set[bytes]
    unrelated: int


@dataclass
class CustodySide:
    """Judges one-destination addresses together: what one shows rests on the others.

    ``service`` is that of each such address. ``parties`` are those who paid it, and who paid them.

    Fails when
    ----------
    A service sends in one transaction what its users signed, and the logs that say so were not
    read; or it takes from wallets of their own what they approved before. A wallet that no tag
    names sends its sweeps, or their fees were not read: they show nothing then.
    """

    flows: Flows
    service: Mapping[bytes, str]
    bars: Bars
    parties: dict[bytes, set[bytes]] = field(default_factory=dict)
    payers: dict[bytes, set[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.payers = {
            address: who for address, who in _grouped(self.flows.payers, "address").items()
            if address in self.service
        }  # fmt: skip
        above = _grouped(self.flows.before, "payer")
        for address, who in self.payers.items():
            beyond = set().union(*(above.get(one, set()) for one in who))
            self.parties[address] = who | beyond

    def unrelated(self, members: Iterable[bytes]) -> int:
        """Return how many of these have, two by two, no depositor in common.

        They are taken greedily, those of fewest depositors first: a lower bound. Of whom no
        depositor is known nothing is known of whose he is, and he does not count.
        """
        found, seen = 0, set[bytes]()
        known = ((len(self.parties[one]), one) for one in members if self.parties.get(one))
        for _, one in sorted(known):
            if self.parties[one].isdisjoint(seen):
                found += 1
                seen |= self.parties[one]
        return found

    def judge(self) -> dict[bytes, Side]:
        """Return what shows the service's side of each address."""
        gas = self._gas()
        batch = self._batches({(self.service[one], of) for one, (of, _) in gas.items()})
        return {address: self._side(address, gas, batch) for address in sorted(self.service)}

    def _side(
        self,
        address: bytes,
        gas: Mapping[bytes, tuple[bytes, _Group]],
        batch: Mapping[bytes, tuple[int, _Group]],
    ) -> Side:
        told, kinds = [], []
        funder, funded = gas.get(address, (None, None))
        times, together = batch.get(address, (0, None))
        if funded:
            kinds.append(GAS)
            told.append(
                f"its gas came from an address that pays the gas of {len(funded.members):,} such"
                f" addresses, {funded.unrelated:,} of them without a common depositor"
            )
        if together and together.unrelated >= self.bars.unrelated and times > 1:
            kinds.append(BATCH)
            told.append(
                f"{counted(times, 'payment was', 'payments were')} made in one transaction with"
                f" other such addresses, {together.unrelated:,} of them without a common depositor"
            )
        groups = [group.unrelated for group in (funded, together) if group]
        return Side(
            tuple(kinds),
            funder,
            len(funded.members) if funded else 0,
            times,
            len(self.payers.get(address, ())),
            max(groups, default=0),
            "; ".join(told),
        )

    def _gas(self) -> dict[bytes, tuple[bytes, _Group]]:
        """Return the gas wallet of each address that has one; of several the largest speaks."""
        found: dict[bytes, tuple[bytes, _Group]] = {}
        for funder, paid in sorted(_grouped(self.flows.gas, "funder").items()):
            for service in sorted({self.service[one] for one in paid if one in self.service}):
                mine = {one for one in paid if self.service.get(one) == service}
                if (
                    funder in mine
                    or len(mine) < self.bars.funded
                    or len(mine) * 1000 < len(paid) * self.bars.pure
                ):
                    continue
                group = _Group(mine, self.unrelated(mine))
                if group.unrelated < self.bars.unrelated:
                    continue
                for one in mine:
                    if one not in found or len(found[one][1].members) < len(mine):
                        found[one] = (funder, group)
        return found

    def _batches(self, pumps: Set[tuple[str, bytes]]) -> dict[bytes, tuple[int, _Group]]:
        """Return how often each address was swept with others of its service, and with whom.

        Who swept them holds the keys of all in such a transaction, and so of all that any two
        transactions have in common: those are one group.
        """
        together: dict[bytes, set[bytes]] = {}
        times: Counter[bytes] = Counter()
        sent = _grouped(self.flows.sent.select("address", "batch"), "batch")
        for batch, members in sent.items():
            for service in {self.service[one] for one in members if one in self.service}:
                mine = {one for one in members if self.service.get(one) == service}
                if len(mine) > 1 and self._swept_by(batch, service, pumps):
                    times.update(mine)
                    joined = mine.union(*(together.get(one, ()) for one in mine))
                    together |= dict.fromkeys(joined, joined)
        groups = {id(who): _Group(who, self.unrelated(who)) for who in together.values()}
        return {one: (times[one], groups[id(who)]) for one, who in together.items()}

    def _swept_by(self, batch: bytes, service: str, pumps: Set[tuple[str, bytes]]) -> bool:
        """Say whether who holds the keys of a service built a transaction.

        On account chains that is a wallet which tags give to it, or one that pays the gas of its
        deposit addresses; of coins every owner signs what all others pay.
        """
        if self.flows.sent_by is None:
            return True
        found = self.flows.sent_by.get(batch)
        return found is not None and (found.service == service or (service, found.sender) in pumps)


def _grouped(pairs: pl.DataFrame, by: str) -> dict[bytes, set[bytes]]:
    """Return pairs as sets, by one of the two columns."""
    (other,) = (name for name in pairs.columns if name != by)
    found: dict[bytes, set[bytes]] = {}
    for one, two in pairs.select(by, other).iter_rows():
        found.setdefault(one, set()).add(two)
    return found
