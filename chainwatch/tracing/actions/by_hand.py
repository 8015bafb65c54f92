"""``by_hand``: a path that a person chooses, output by output, each with the reason why.

Nothing of it is computed but that the way exists: each output is made by the transaction that
spends the one before. How much of the first is in the last no policy said, and none is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import txid_text
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.graph import Edges
from chainwatch.results.mask import shown_sums
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.sentence import Sum, sentence
from chainwatch.results.table import TX, TXID, WHEN, Column, N, Rows, Table
from chainwatch.tracing.arguments import check
from chainwatch.tracing.chosen import Chosen, chosen_outputs
from chainwatch.tracing.ends.holders import NAMELESS
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.result import Trace
from chainwatch.tracing.subjects import subjects_of
from chainwatch.tracing.trace import trace as follow
from chainwatch.tracing.trace_tables import ENDS, STEPS
from chainwatch.tracing.walks.utxo_graph import Coin, Coins
from chainwatch.units import counted

PERSON = "a person"

CHOICES = Table(
    "choices",
    ("step",),
    "One row per output that a person chose, in order; the first is where the path begins.",
    (
        Column.number("step", "0 is the first output"),
        TX,
        TXID,
        N,
        WHEN,
        Column.party("address", "whom it pays; null for a script without an address"),
        Column.amount("value", "all that the output holds: no share of the first was computed"),
        Column.text("why", "the reason that the person gave"),
    ),
)

_BY = (
    Column.word("chosen_by", "a person, or the policy that computed the step"),
    Column.text("why", "the reason that the person gave; null of what was computed"),
)

HAND_STEPS = replace(
    STEPS.plus(*_BY),
    meaning="Steps that a person chose, then steps that a policy computed. Of a chosen one the"
    " amount is all that the output holds, and no traced value.",
)


@dataclass(frozen=True, repr=False, eq=False)
class HandPath(Result):
    """A path of outputs that a person chose; it is never changed: each step returns another.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`CHOICES`.
    asset : Asset
        The coin.
    ledger : Ledger
        Where its outputs stand.
    """

    frame: pl.DataFrame
    asset: Asset
    ledger: Ledger

    def tables(self) -> Mapping[str, Rows]:
        """Return the choices and their reasons: they are the content digest."""
        return {"choices": CHOICES.rows(self.frame)}

    def roles(self) -> Roles:
        """Return that the path passes through these addresses."""
        return Roles(on_the_way=parties_of(self.frame, chain=self.asset.chain))

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the choices and their reasons."""
        return (_chosen_finding(self),)

    def step(self, *, to: str | int, why: str) -> HandPath:
        """Go on to an output of the transaction that spends the last one.

        Parameters
        ----------
        to : str or int
            ``TXID:N``, or its place N alone.
        why : str
            Why this one: it stands in the report and in the digest.

        Raises
        ------
        TraceError
            If no transaction is known to spend the last output, the spender makes no such output,
            or no reason is given.
        """
        return step_by_hand(self, to=to, why=why)

    def trace(self, *, policy: Policy | str | None = None, **given: Any) -> HandTrace:
        """Go on from the last output by a policy.

        Parameters
        ----------
        policy : Policy or str
            As for :func:`chainwatch.tracing.trace.trace`.
        **given
            ``stop``, ``clusters``, ``max_hops``, ``max_age``, ``min_amount`` and
            ``spread_unstated``, as there.

        Raises
        ------
        TraceError
            As there.
        """
        return trace_by_hand(self, policy=policy, **given)

    def last(self) -> Chosen:
        """Return the last output."""
        txid, n = self.frame.select("txid", "n").row(-1)
        return Chosen(txid, n)

    def __repr__(self) -> str:
        return self.told(self)

    def told(self, within: Result) -> str:
        """Return it as it prints itself within a result, which says who may be shown."""
        values = shown_sums(within, [
            Sum(int(row["value"]), self.asset, frozenset({row["address"] or NAMELESS}))
            for row in self.frame.iter_rows(named=True)
        ])  # fmt: skip
        rows = [
            f"  {step:>3}  {value:>24}  chosen by a person"
            for step, value in zip(self.frame["step"], values, strict=True)
        ]
        return "\n".join([f"HandPath({counted(self.frame.height, 'output', 'outputs')})", *rows])


@dataclass(frozen=True, repr=False, eq=False)
class HandTrace(Result):
    """A path that a person chose, and what a policy follows from its last output on.

    Attributes
    ----------
    path : HandPath
        What the person chose.
    computed : Trace
        What was followed from there; all that is asked of traces is asked of this one.
    frame : polars.DataFrame
        Rows in :data:`HAND_STEPS`: ``chosen_by`` says which were chosen by a person, and why.
    """

    path: HandPath
    computed: Trace
    frame: pl.DataFrame

    @property
    def asset(self) -> Asset:
        """The coin."""
        return self.computed.asset

    @property
    def steps(self) -> pl.DataFrame:
        """All steps: those of the person first."""
        return self.frame

    @property
    def ends(self) -> pl.DataFrame:
        """Where the computed part ends; hops, payments, count from the last output chosen."""
        return self.computed.ends

    def tables(self) -> Mapping[str, Rows]:
        """Return choices, steps and ends: they are the content digest."""
        return {
            "steps": HAND_STEPS.rows(self.frame),
            "ends": ENDS.rows(self.ends),
            **self.path.tables(),
        }

    def edges(self) -> Sequence[Edges]:
        """Return every movement, and where value ends."""
        return Edges("steps", "source", "target"), Edges("ends", "address", "reason")

    def followed(self) -> pl.DataFrame:
        """Return whom the computed part follows."""
        return self.computed.followed()

    def roles(self) -> Roles:
        """Return what the computed part says, and that the path passes through its addresses."""
        found = self.computed.roles()
        return replace(found, on_the_way=found.on_the_way | self.path.roles().on_the_way)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return what a person chose, then where a policy leads from there."""
        return (_chosen_finding(self.path), *self.computed.findings(subjects))

    def __repr__(self) -> str:
        return f"HandTrace(\n{self.path.told(self)}\n{self.computed.told(self)})"


@recorded
def by_hand(ledger: Ledger, output: str, *, why: str, chain: str | None = None) -> HandPath:
    """Begin a path at an output, to be led on by hand and continued by a policy.

    Where a transaction mixes or an owner is known from elsewhere, a person may know better than
    any rule which output goes on. What he chose is kept apart from what is computed.

    Parameters
    ----------
    ledger : Ledger
        Where it was read.
    output : str
        ``TXID:N``.
    why : str
        Why the path begins there.
    chain : str, optional
        Alias or CAIP-2 id, where the ledger holds several.

    Returns
    -------
    HandPath
        ``.step(to=..., why=...)`` goes on by hand, ``.trace(policy=...)`` by a policy.

    Raises
    ------
    TraceError
        If the output was not read, none is named, or no reason is given.

    Fails when
    ----------
    The reason is wrong: whatever follows then follows a stranger. No check finds that.

    Examples
    --------
    >>> path = by_hand(ledger, "4a5e...:0", why="paid in the test purchase")  # doctest: +SKIP
    >>> path.step(to=1, why="the other output is the market's").trace(policy="fifo")
    ... # doctest: +SKIP
    """
    check(ledger=ledger)
    expect(output, str, "output", "write the output as TXID:N")
    _refuse_accounts(ledger, chain)
    named = subjects_of(output, None, chain, ledger)
    network = named.asset.chain
    if len(named.chosen) != 1 or named.chosen[0].n is None:
        raise TraceError(
            f"{output[:100]!r} names no single output", remedy="write the output as TXID:N"
        )
    coins = Coins.read(ledger, network)
    tx, n = next(iter(chosen_outputs(named.chosen, coins, ledger, network)))
    coin = next(one for one in coins.made(tx) if one.n == n)
    rows = [_choice(0, coin, tx, coins, _reason(why))]
    return HandPath(CHOICES.frame(rows), native(network), ledger)


@recorded
def step_by_hand(path: HandPath, *, to: str | int, why: str) -> HandPath:
    """Go on to an output of the transaction that spends the last one; see :class:`HandPath`."""
    expect(path, HandPath, "path", "begin one: by_hand(ledger, 'TXID:N', why='...')")
    coins = Coins.read(path.ledger.history, path.asset.chain)
    spender = _spender(path, coins)
    coin = _output(to, spender, path, coins)
    row = _choice(path.frame.height, coin, spender, coins, _reason(why))
    return replace(path, frame=pl.concat([path.frame, CHOICES.frame([row])]), record=None)


@recorded
def trace_by_hand(
    path: HandPath,
    *,
    policy: Policy | str | None = None,
    stop: object = None,
    clusters: Owners | None = None,
    max_hops: int | None = None,
    max_age: timedelta | None = None,
    min_amount: int = 0,
    spread_unstated: bool = False,
) -> HandTrace:
    """Go on from the last output of a path by a policy; see :meth:`HandPath.trace`."""
    expect(path, HandPath, "path", "begin one: by_hand(ledger, 'TXID:N', why='...')")
    chain = path.asset.chain
    found = follow(
        path.ledger, path.last().shown(chain), policy=policy, stop=stop, clusters=clusters,
        chain=chain, max_hops=max_hops, max_age=max_age, min_amount=min_amount,
        spread_unstated=spread_unstated,
    )  # fmt: skip
    computed = found.steps.with_columns(
        (pl.col("hop") + path.frame.height - 1).alias("hop"),
        pl.lit(found.policy).alias("chosen_by"),
        pl.lit(None, pl.String).alias("why"),
    )
    return HandTrace(path, found, pl.concat([_hand_steps(path), computed]))


def _refuse_accounts(ledger: Ledger, chain: str | None) -> None:
    """Refuse a chain without outputs, where one is named or the ledger has no other."""
    meant = [find_chain(chain)] if chain else [*ledger.chains]
    if len(meant) == 1 and meant[0].family != "utxo":
        raise TraceError(
            f"a path by hand leads from output to output, and {meant[0].name} has none",
            remedy="trace the transfer: trace(ledger, 'TXID:N', ...)",
        )


def _reason(why: str) -> str:
    expect(why, str, "why", "say in words why this output")
    if not why.strip():
        raise TraceError(
            "no reason is given", remedy="write why='...': it stands beside the step in the report"
        )
    return why.strip()


def _choice(step: int, coin: Coin, tx: int, coins: Coins, why: str) -> tuple[Any, ...]:
    place = coins.number(tx), coins.txid(tx), coin.n, coins.time(tx)
    return (step, *place, coin.address, coin.value, why)


def _spender(path: HandPath, coins: Coins) -> int:
    """Return the transaction that spends the last output, or say why none is known."""
    number, n = path.frame.select("tx", "n").row(-1)
    tx, said = coins.tx_of(number), path.last().shown(path.asset.chain)
    found = None if tx is None else coins.spender(tx, n)
    if found is not None:
        return found
    coin = None if tx is None else next((c for c in coins.made(tx) if c.n == n), None)
    if coin is None:
        raise TraceError(f"output {said} is not in the ledger", remedy="begin the path anew")
    if not coin.spendable:
        raise TraceError(f"output {said} cannot be spent: no key moves it")
    known = coins.unspent(coin)
    told = f"no spender was read: {known}" if isinstance(known, str) else f"unspent as of {known}"
    raise TraceError(
        f"output {said} leads no further: {told}",
        remedy="pull later blocks or the history of its address, or end the path here",
    )


def _output(to: str | int, spender: int, path: HandPath, coins: Coins) -> Coin:
    """Return the output of the spender that was chosen, or say which there are."""
    chain = path.asset.chain
    expect(to, (str, int), "to", "write the output as TXID:N, or its place alone")
    if isinstance(to, int):
        n: int | None = to
    else:
        named = subjects_of(to, None, chain).chosen
        if len(named) != 1 or named[0].n is None:
            raise TraceError(f"{to[:100]!r} names no output", remedy="write it as TXID:N")
        n = named[0].n if named[0].txid == coins.txid(spender) else None
    made = {one.n: one for one in coins.made(spender)}
    if n not in made:
        said, by = path.last().shown(chain), txid_text(coins.txid(spender), chain)
        asked = f"output {to}" if isinstance(to, int) else to
        places = ", ".join(map(str, sorted(made))) or "none that was read"
        raise TraceError(
            f"{asked} is not made by the transaction that spends {said}",
            remedy=f"that is {by}, with outputs {places}",
        )
    return made[n]


def _hand_steps(path: HandPath) -> pl.DataFrame:
    """Return the choices as steps from each output to the next."""
    rows = path.frame.to_dicts()
    subject = rows[0]["address"]
    made = [
        {
            "subject": subject, "source": before["address"], "target": after["address"],
            "source_tx": before["tx"], "source_n": before["n"], "tx": after["tx"],
            "txid": after["txid"], "n": after["n"], "time": after["time"],
            "amount": after["value"], "hop": after["step"], "imitates": None, "doubt": None,
            "chosen_by": PERSON, "why": after["why"],
        }
        for before, after in pairwise(rows)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=HAND_STEPS.schema, orient="row")


def _chosen_finding(path: HandPath) -> Finding:
    many = counted(path.frame.height, "output", "outputs")
    text = (
        "A person chose where this path begins and each output that it goes on to, for the reason"
        " beside it. The ledger shows that each is made by the transaction that spends the one"
        " before, and no more: nothing was computed of how much of the first is in the last, and"
        " values are those of whole outputs.",
    )
    return Finding(
        "A path that a person chose",
        text,
        CHOICES.rows(path.frame),
        path.asset,
        ("Another output of the same transaction may be the one that goes on.",),
        sentence(f"A person chose a path of {many}; what follows from its end on is computed."),
    )
