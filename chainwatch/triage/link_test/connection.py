"""What connects one vendor with the network: its routes, who stands on them, and who beside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainwatch.attribution.resolve import TagStatement
from chainwatch.triage.link_test.judged import Ground
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import Rows, spread_out


@dataclass(frozen=True, eq=False)
class Connection:
    """What explanations are asked of.

    Attributes
    ----------
    ground : Ground
        What all tests share.
    party : int
        The vendor's number.
    said : tuple of TagStatement
        What tags say of the network's addresses.
    tagged : bool
        Whether tags were given at all.
    """

    ground: Ground
    party: int
    said: tuple[TagStatement, ...] = ()
    tagged: bool = True

    @property
    def flows(self) -> Flows:
        """All payments."""
        return self.ground.reach.flows

    @cached_property
    def steps(self) -> tuple[Rows, ...]:
        """The payments of the routes: those of the vendor, then those that can follow them."""
        found, flows = self.ground.reach, self.flows
        mine = flows.out_of.of(self.party)
        steps = [mine[found.value[mine] > 0]]
        for behind in found.levels[-2::-1]:
            before = steps[-1]
            before = before[~found.network[flows.payee[before]]]
            if not len(before):
                break
            begin, end = flows.out_of.between(
                flows.payee[before], flows.later(before), flows.within(before, found.span)
            )
            rows = np.unique(flows.out_of.rows[spread_out(begin, end)[1]])
            steps.append(rows[behind[rows] > 0])
        return tuple(steps)

    @cached_property
    def every(self) -> Rows:
        """All payments of the routes, each once."""
        return np.unique(np.concatenate(self.steps))

    @cached_property
    def arrivals(self) -> Rows:
        """The payments of the routes that reach the network."""
        return self.every[self.ground.reach.network[self.flows.payee[self.every]]]

    @cached_property
    def between(self) -> NDArray[np.int64]:
        """Who stands on the routes between the vendor and the network."""
        payees = np.unique(self.flows.payee[self.every])
        return payees[~self.ground.reach.network[payees]].astype(np.int64)

    @property
    def direct(self) -> bool:
        """Whether every route is a payment of the vendor's own to the network."""
        return bool(len(self.every)) and not len(self.between)

    @cached_property
    def unread(self) -> str:
        """What of the vendor's payments was not read, or that some of those between were not."""
        own = self.flows.lacking(self.party)
        if own or not any(map(self.flows.lacking, self.between.tolist())):
            return own
        return "not all payments of those between were read"

    @cached_property
    def dealt_with(self) -> NDArray[np.int64]:
        """Whom the vendor paid or was paid by, and whom those paid of its payees that hold none of
        others' money: the addresses at which a customer pays in are such."""
        flows, stopping = self.flows, self.ground.reach.stopping
        mine = np.unique(flows.payee[flows.out_of.of(self.party)])
        beyond = [
            flows.payee[flows.out_of.of(int(one))]
            for one in mine[~stopping[mine] & ~self.ground.reach.network[mine]]
        ]
        payers = flows.payer[flows.into.of(self.party)]
        found = np.unique(np.concatenate([mine, payers[payers >= 0], *beyond]))
        return found.astype(np.int64)

    def shared(self, *concepts: str) -> NDArray[np.int64]:
        """Return who of some concepts the vendor deals with and who pays the network too."""
        fits = self.ground.called(*concepts) & self.ground.pays_network
        return self.dealt_with[fits[self.dealt_with]]

    def shared_crowds(self) -> NDArray[np.int64]:
        """Return the same of those whom many pay and no tag calls a service."""
        fits = self.ground.crowded & self.ground.pays_network
        return self.dealt_with[fits[self.dealt_with]]

    def busiest(self) -> int:
        """Return by how many different payers whoever has most of those between is paid."""
        return int(self.flows.payers[self.between].max(initial=0))
