"""Why two addresses are one owner: a path of links, or what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.clusters.forest import ACTOR, CLAIM, PAIR, REFUSED
from chainwatch.clusters.numbering import PLACE
from chainwatch.heuristics.link_rules import AFTER
from chainwatch.heuristics.links import BOTH_ENDS, LINKS, Links, told, with_chain_b
from chainwatch.heuristics.rates import counted_on
from chainwatch.ledger.schema import REVEALED
from chainwatch.results.mask import shown_address, shown_time, shown_txid
from chainwatch.results.plotted import Plotted
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.units import counted, share_text

STEPS = Table(
    "steps",
    ("step",),
    "One row per step; ``a`` is where the step before ended, ``b`` where the next begins.",
    (
        Column.number("step", "1, 2, ..."),
        *LINKS.pick("chain", "a", "b", "tx", "txid", "time", "rule", "confidence", "basis").columns,
    ),
)

CONTESTED = replace(LINKS, name="contested", meaning="Links that a veto refused or left undecided.")

STRENGTH = Table(
    "strength",
    (),
    "What can be said of the path as a whole; none of it is the confidence of the pair.",
    (
        Column.number("links", "links on the path"),
        Column.number("unmeasured", "of these, without a measured rate"),
        Column.number(
            "weakest_step",
            "of the measured links the step whose link is weakest, of several the first; null where"
            " none was measured",
        ),
        Column(
            "weakest", pl.Float64, Privacy.FLAG,
            "confidence of that link; null where nobody measured it", nullable=True,
        ),
        Column(
            "bound", pl.Float64, Privacy.FLAG,
            "1 less the sum of what each link lacks to 1, at least 0; null where a link was not"
            " measured",
            nullable=True,
        ),
    ),
)  # fmt: skip

SHOWN_STEPS = 40
"""Steps of a path that are printed; of a longer one the first, the last and the weakest are."""


class Evidenced(Protocol):
    """Clusters as an explanation needs them: their links, the path in them, what was refused."""

    @property
    def links(self) -> Links: ...

    def path(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links from one address to another in walking order, in ``BOTH_ENDS``."""
        ...

    def refused_between(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links that would have joined the clusters of two addresses."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Explanation(Plotted, Result):
    """The path of links between two addresses, each with its transaction and rule.

    It prints the two addresses that were asked for; the others on the way, their transactions and
    times as the edition allows (:func:`chainwatch.results.mask.show_by`). The frames hold
    all. ``chainwatch.figures.path(explanation)`` draws it.

    Attributes
    ----------
    chain, chain_b : str
        CAIP-2 ids of the chains of the two.
    a, b : bytes
        The two addresses, as canonical bytes.
    frame : polars.DataFrame
        Rows in ``STEPS``, walking from ``a`` to ``b``; empty if not joined. Where a step leads to
        another chain, with ``chain_b``.
    contested : polars.DataFrame
        Refused or undecided links that touch the two addresses, with their ``veto``.
    joined : bool
        Whether the two are one cluster.
    refused : polars.DataFrame
        Links that would have joined the two, had their clusters not to stay apart: rows in
        :data:`chainwatch.clusters.forest.REFUSED`.
    """

    chain: str
    a: bytes
    b: bytes
    frame: pl.DataFrame
    contested: pl.DataFrame
    joined: bool
    chain_b: str = ""
    refused: pl.DataFrame = field(default_factory=REFUSED.empty)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "steps": told(self.frame, STEPS),
            "strength": STRENGTH.rows(self.strength),
            "contested": told(self.contested, CONTESTED),
            "refused": told(self.refused, REFUSED),
        }

    @property
    def length(self) -> int:
        """How many links lie between the two."""
        return self.frame.height

    @property
    def weakest(self) -> int | None:
        """Of the measured links the step whose link is weakest, the first of several; else None.

        How sure a link is that nobody measured is not known: it is not called the weakest.
        """
        place = self.frame["confidence"].arg_min()
        return None if place is None else int(self.frame["step"][place])

    @cached_property
    def bound(self) -> float | None:
        """1 - sum(1 - p) over the links of the path, at least 0; None where one was not measured.

        All links of the path are right at least this often, whatever they have in common. That is
        no confidence of the pair: other paths may join the two, and one wrong link may not matter.
        """
        rates = self.frame["confidence"]
        if not self.joined or rates.null_count():
            return None
        # Exact, so that the order of the steps makes no difference.
        lacking = sum((1 - Fraction(rate) for rate in rates.to_list()), Fraction(0))
        return float(max(Fraction(0), 1 - lacking))

    @property
    def strength(self) -> pl.DataFrame:
        """Links, the weakest and a bound, in ``STRENGTH``; no row where nothing joins the two."""
        if self.frame.is_empty():
            return STRENGTH.empty()
        rates, at = self.frame["confidence"], self.weakest
        weakest = None if at is None else rates[at - 1]
        row = (self.length, rates.null_count(), at, weakest, self.bound)
        return STRENGTH.frame([row])

    def __repr__(self) -> str:
        a, b = text(self.a, self.chain), text(self.b, self.chain_b or self.chain)
        if self.length == 0 and self.joined:
            return f"{a} is one address."
        if not self.joined:
            stopped = self._stopped() or " No link at them was refused or is undecided."
            return f"Nothing joins {a} and {b}.{self._apart()}{stopped}"
        steps = counted(self.frame.height, "step", "steps")
        head = f"{a} and {b} are consistent with one owner, by {steps}:"
        return "\n".join([head, *self.told_steps(), *self.reading()]) + self._stopped("\n")

    def reading(self) -> tuple[str, ...]:
        """Return in words what can be said of the path, what not, and what it was counted on."""
        lacking = self.frame["confidence"].null_count()
        if self.bound is None:
            bound = (
                "How often the link is right is not known: it was not measured."
                if self.length == 1
                else f"How often {self._all()} right together is not known: of"
                f" {counted(lacking, 'link', 'links')} it was not measured."
            )
        else:
            bound = (
                f"In at least {share_text(self.bound)} of such cases {self._all()} right (1, less"
                " the share in which each link by itself is wrong)."
            )
        basis = counted_on(self.frame)
        return (
            *self._weakest(lacking),
            *([basis] if basis else []),
            (
                f"{bound} Neither figure says how probable one owner is: other links may join the"
                " two as well, and one wrong link may not matter."
            ),
        )

    def _weakest(self, lacking: int) -> Iterator[str]:
        """Yield which link is weakest, of those that were measured where not all were."""
        if self.weakest is None:
            return
        rate = _rate(self.frame["confidence"][self.weakest - 1])
        among = f"Of the {self.length - lacking:,} measured links the weakest" if lacking else (
            "Weakest link"
        )  # fmt: skip
        yield f"{among}: step {self.weakest} of {self.length} (confidence {rate})."

    def _all(self) -> str:
        return "the link is" if self.length == 1 else f"all {self.length:,} links are"

    def told_steps(self) -> Iterator[str]:
        """Yield the steps in words; of a long path the first, the last and the weakest."""
        half, skipped = SHOWN_STEPS // 2, 0
        for number, line in enumerate(self.lines(), 1):
            shown = number <= half or number > self.length - half or number == self.weakest
            if shown and skipped:
                yield f"... {skipped:,} more steps; .frame holds them all"
            if shown:
                yield line
            skipped = 0 if shown else skipped + 1

    def lines(self) -> Iterator[str]:
        """Yield each step in words, as the reader may see it."""
        names = self.passed()
        for row, one, two in zip(self.frame.iter_rows(named=True), names, names[1:], strict=False):
            yield f"{row['step']}. {one} and {two}: {self.evidence_of(row)}"

    def evidence_of(self, row: Mapping[str, Any]) -> str:
        """Return in words what a step rests on, as the reader may see it."""
        asked = {(self.chain, self.a), (self.chain_b or self.chain, self.b)}
        chain = row["chain"]
        ends = ((chain, row["a"]), (row.get("chain_b") or chain, row["b"]))
        parties = [address for where, address in ends if (where, address) not in asked]
        rate = _rate(row["confidence"])
        if row["txid"] is None:
            return f"{row['rule']}, on no transaction (confidence {rate})"
        when = shown_time(chain, row["time"], *parties) if row["time"] else "undated"
        txid = shown_txid(chain, row["txid"], *parties)
        shown = "; an address of it is only revealed" if row["basis"] == REVEALED else ""
        shown += "; predicted from all that joined its clusters" if row["rule"] == AFTER else ""
        return f"{row['rule']} in {txid} ({when}; confidence {rate}{shown})"

    def passed(self) -> list[str]:
        """Return how each address of the way is printed, from ``a`` to ``b``."""
        chains = self.frame["chain"].to_list()[1:]
        between = self.frame["a"].to_list()[1:]
        middle = [
            shown_address(chain, address, f"another address ({place} of {len(between)})")
            for place, (chain, address) in enumerate(zip(chains, between, strict=True), 1)
        ]
        ends = text(self.a, self.chain), text(self.b, self.chain_b or self.chain)
        return [ends[0], *middle, ends[1]]

    def _apart(self) -> str:
        """Say that links would have joined the two, and why they did not."""
        if self.refused.is_empty():
            return ""
        pairs, actors, claims = (
            self.refused.filter(pl.col("reason") == one).height for one in (PAIR, ACTOR, CLAIM)
        )
        reasons = [
            f"{counted(pairs, 'link', 'links')} because a pair of theirs must stay apart"
            if pairs else "",
            f"{counted(actors, 'link', 'links')} because tags name different actors"
            if actors else "",
            f"{counted(claims, 'link', 'links')} because what it stands or falls with must stay"
            " apart" if claims else "",
        ]  # fmt: skip
        return f" Refused between their clusters: {', '.join(filter(None, reasons))}."

    def _stopped(self, before: str = " ") -> str:
        if self.contested.is_empty():
            return ""
        counts = Links(self.contested).counts()
        beside = f", {counts['without_key']} to addresses that ask for no key"
        return (
            f"{before}Links at them that join nothing: {counts['refused']} refused,"
            f" {counts['undecided']} undecided{beside if counts['without_key'] else ''}."
        )


def _rate(confidence: float | None) -> str:
    return "not measured" if confidence is None else share_text(confidence)


@recorded
def explain(
    clusters: Evidenced, chain: str, a: bytes, b: bytes, chain_b: str = ""
) -> Explanation:  # fmt: skip
    """Walk the evidence forest from one address to the other.

    In a maximum spanning forest the one path between two addresses is the path whose weakest
    link is strongest. Where something must stay apart, it is so among the links that join.

    Parameters
    ----------
    clusters : Clusters
        What joins them, or not.
    chain : str
        CAIP-2 id of the chain of ``a``.
    a, b : bytes
        ``a``: the one address; ``b``: the other, both as canonical bytes.
    chain_b : str
        CAIP-2 id of the chain of ``b``; nothing, where it is the same.
    """
    there = chain_b or chain
    touching = clusters.links.contested_at([(chain, a), (there, b)])
    same = (chain, a) == (there, b)
    steps = BOTH_ENDS.empty() if same else clusters.path(chain, a, there, b)
    frame = steps.with_row_index("step", 1).with_columns(pl.col("step").cast(pl.Int64))
    joined = same or not steps.is_empty()
    refused = REFUSED.empty() if joined else clusters.refused_between(chain, a, there, b)
    return Explanation(
        chain, a, b, _narrow(frame, STEPS), _narrow(touching, LINKS), joined, there, refused
    )


def _narrow(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return rows in a table's columns, with the chain of b only where it is another."""
    across = not (frame["chain"] == frame["chain_b"]).all()
    return frame.select(*table.names, *(["chain_b"] if across else []))


def refused_between(
    refused: pl.DataFrame, one: pl.DataFrame, other: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """Return the links that would have joined two sides, had nothing kept them apart.

    They lead from one to the other, or from either to an input of one transaction, all of whose
    links fell together.

    Parameters
    ----------
    refused : polars.DataFrame
        Rows in ``REFUSED``.
    one, other : polars.DataFrame
        ``chain, address`` of the two sides.
    """
    rows = with_chain_b(refused)
    parts = [
        rows.join(left, left_on=["chain", "a"], right_on=PLACE, how="semi").join(
            right, left_on=["chain_b", "b"], right_on=PLACE, how="semi"
        )
        for left, right in ((one, other), (other, one))
    ]
    parts.append(_through_claims(rows, one, other))
    found = pl.concat(parts).unique().sort([*REFUSED.key, "chain_b"])
    return found if (found["chain"] != found["chain_b"]).any() else found.drop("chain_b")


def _through_claims(
    refused: pl.DataFrame, one: pl.DataFrame, other: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """Return the links that fell as one, or for one pair, and held addresses of two sides."""
    alone, paired = pl.col("tx").is_null(), pl.col("pair").is_not_null()
    claim = ["tx", "of_chain", "of_pair", "of_a"]
    fell = refused.with_columns(
        pl.when(~alone).then("chain").alias("of_chain"),
        pl.when(alone).then("pair").alias("of_pair"),
        pl.when(alone & ~paired).then("a").alias("of_a"),
    )
    touching = [
        pl.concat([
            fell.join(side, left_on=["chain", end], right_on=["chain", "address"], how="semi")
            for end in ("a", "b")
        ])
        for side in (one, other)
    ]  # fmt: skip
    both = [
        these.join(those, on=claim, how="semi", nulls_equal=True)
        for these, those in (touching, touching[::-1])
    ]
    return pl.concat(both).select(refused.columns)
