"""All that an interactive page knows, as plain data: texts that are safe to show, and integers.

Amounts are texts of digits, for they may be larger than a browser's numbers are exact. Nodes are
numbered: first entities, then the addresses that a cluster opens into, then peel chains, which open
into entities. A move says from which node to which something passed, and what stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.figures.interactive_page.arrange import arrange
from chainwatch.figures.interactive_page.chains import peel_chains
from chainwatch.figures.interactive_page.evidence import Behind
from chainwatch.figures.layout import Link
from chainwatch.figures.style import ROLES
from chainwatch.privacy.drawn.flow_rows import FlowRow, FlowRows
from chainwatch.privacy.edition import POOLED, band
from chainwatch.privacy.flow_totals import Totals
from chainwatch.sanitize import clipped

LABEL, LONG = 300, 2_000
"""Characters of a name, and of another text, that a page shows; longer ones are cut."""

CHAIN_ROLE = "bystander"
"""Role of a peel chain that is drawn as one: that of those who stand in it."""


@dataclass(frozen=True)
class Shown:
    """A trace as an edition shows it, before it is a page.

    Attributes
    ----------
    flows, rows, sums : polars.DataFrame, FlowRows, Totals
        The flows, what stands behind them, and what they add up to.
    behind : mapping of str to Behind
        What stands behind nodes.
    places : mapping of str to (str, int or None)
        Address of each node, and how many it stands for.
    asset : Asset
        What the amounts are of.
    words : mapping of str to str
        ``title``, ``caption`` and ``edition``.
    facts : sequence of (str, str)
        What must be known to read it, as names and values.
    ends : sequence of (str, str, str)
        Where the value ends: why, how much, in how many places.
    """

    flows: pl.DataFrame
    rows: FlowRows
    sums: Totals
    behind: Mapping[str, Behind]
    places: Mapping[str, tuple[str, int | None]]
    asset: Asset
    words: Mapping[str, str]
    facts: Sequence[tuple[str, str]]
    ends: Sequence[tuple[str, str, str]]


def payload(shown: Shown) -> dict[str, Any]:
    """Return what a page knows of a trace, ready to be written as JSON."""
    made = _Made(shown)
    made.entities()
    made.addresses()
    made.chains()
    return {
        "words": {name: clipped(text, LONG) for name, text in shown.words.items()},
        "unit": clipped(shown.asset.symbol, 12),
        "decimals": shown.asset.decimals,
        "facts": [[clipped(cell, LONG) for cell in fact] for fact in shown.facts],
        "ends": [[clipped(cell, LABEL) for cell in end] for end in shown.ends],
        "roles": [
            {"key": key, "letter": role.letter, "meaning": role.meaning, "colour": role.colour}
            for key, role in ROLES.items()
            if any(node["role"] == key for node in made.nodes)
        ],
        "nodes": made.nodes,
        "moves": made.moves,
    }


@dataclass
class _Made:
    """The nodes and moves of a page as they are made."""

    shown: Shown
    nodes: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    member: dict[tuple[int, str], int] = field(default_factory=dict)

    def entities(self) -> None:
        """Make a node of each entity, where it stands among the others."""
        rows = self.shown.flows.rows(named=True)
        for row in rows:
            for end in ("source", "target"):
                if row[end] not in self.place:
                    self.place[row[end]] = len(self.nodes)
                    self.nodes.append(
                        self._entity(row[end], row[f"{end}_label"], row[f"{end}_role"])
                    )
        for row in rows:
            if row["folded"]:
                self.nodes[self.place[row["target"]]]["folded"] = True
        links = [
            Link(self.place[row["source"]], self.place[row["target"]], max(int(row["amount"]), 1))
            for row in rows
        ]
        for node, (column, at) in zip(self.nodes, arrange(len(self.nodes), links), strict=True):
            node["at"] = [column, at]
        self._sums(rows)

    def _entity(self, name: str, label: str, role: str) -> dict[str, Any]:
        address, size = self.shown.places.get(name, ("", None))
        behind = self.shown.behind.get(address) or Behind()
        return {
            "name": clipped(label or name, LABEL),
            "role": role,
            "of": None,
            "address": clipped(address, LABEL),
            "size": size,
            "tags": [[clipped(cell, LABEL) for cell in tag] for tag in behind.tags],
            "members": behind.members if behind.size > 1 else [],
            "more": behind.size - len(behind.members),
            "links": [[clipped(cell, LABEL) for cell in link] for link in behind.links],
            "links_more": behind.link_count - len(behind.links),
        }

    def _sums(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Say of each entity what came in and what went out, as far as that may be said."""
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for row in rows:
            pair = (row["source"], row["target"])
            pairs.setdefault(("in", row["target"]), []).append(pair)
            pairs.setdefault(("out", row["source"]), []).append(pair)
        for (side, name), listed in pairs.items():
            amount, coarse = self.shown.sums.of(listed, name)
            self.nodes[self.place[name]][side] = [str(amount), coarse]

    def addresses(self) -> None:
        """Make moves of all flows: between addresses where all of it may be shown so."""
        rows = self.shown.rows
        for flow in self.shown.flows.iter_rows(named=True):
            pair = (flow["source"], flow["target"])
            ends = (self.place[pair[0]], self.place[pair[1]])
            listed, withheld = rows.shown.get(pair, ()), rows.withheld.get(pair, 0)
            if withheld or not listed:
                self._move(ends, flow, listed)
                continue
            for sides, group in _by_sides(listed).items():
                parts = (self._leaf(ends[0], sides[0]), self._leaf(ends[1], sides[1]))
                self._move(parts, None, group)
        for name, listed in rows.inside.items():
            at = self.place.get(name, -1)
            for sides, group in _by_sides(listed).items() if at >= 0 else ():
                parts = (self._leaf(at, sides[0]), self._leaf(at, sides[1]))
                if parts[0] != parts[1]:
                    self._move(parts, None, group)

    def _leaf(self, entity: int, address: str) -> int:
        """Return the node of an address of an entity; the entity where it is none of several."""
        if address not in self.nodes[entity]["members"]:
            return entity
        key = (entity, address)
        if key not in self.member:
            self.member[key] = len(self.nodes)
            self.nodes.append(
                {
                    "name": address,
                    "role": self.nodes[entity]["role"],
                    "of": entity,
                    "address": address,
                    "size": 1,
                    "at": self.nodes[entity]["at"],
                }
            )
        return self.member[key]

    def _move(
        self, ends: tuple[int, int], flow: Mapping[str, Any] | None, rows: Sequence[FlowRow]
    ) -> None:
        """Add what passes between two nodes: as the flow says, or the rows where it is None."""
        move: dict[str, Any] = {"ends": list(ends)}
        if flow is None:
            move |= {"amount": str(sum(row.amount for row in rows)), "count": len(rows)}
        else:
            move |= {"amount": str(int(flow["amount"])), "count": flow["count"]}
            move |= {"withheld": True} | ({"coarse": True} if flow["coarse"] else {})
        move["rows"] = [
            [row.txid, row.time, str(row.amount), clipped(row.why, LABEL)] for row in rows
        ]
        self.moves.append(move)

    def chains(self) -> None:
        """Make a node of each peel chain, into which its entities fold.

        How many masked parties it stands for is said as a band, as everywhere.
        """
        names = list(self.place)
        flows = [
            (self.place[row["source"]], self.place[row["target"]], int(row["amount"]))
            for row in self.shown.flows.iter_rows(named=True)
        ]
        entities = len(self.place)
        for run in peel_chains([node["role"] for node in self.nodes[:entities]], flows):
            for one in run:
                self.nodes[one]["of"] = len(self.nodes)
            first, last = self.nodes[run[0]], self.nodes[run[-1]]
            masked = any(names[one].startswith(POOLED) for one in run)
            self.nodes.append(
                {
                    "name": f"peel chain of {band(len(run)) if masked else len(run)}",
                    "role": CHAIN_ROLE,
                    "chain": True,
                    "of": None,
                    "address": "",
                    "size": None,
                    "in": first.get("in"),
                    "out": last.get("out"),
                    "at": first["at"],
                }
            )


def _by_sides(rows: Iterable[FlowRow]) -> dict[tuple[str, str], list[FlowRow]]:
    found: dict[tuple[str, str], list[FlowRow]] = {}
    for row in rows:
        found.setdefault(row.sides, []).append(row)
    return dict(sorted(found.items()))
