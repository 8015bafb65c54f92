"""What a case file may ask for beyond its recipe, a line each: by name, or by a table of keys.

An *analysis* is a verb of ledger, subjects and tags, and is asked for by its name in ``analyses``.
A *question* has keys of its own and is asked for by a table, ``[[paths]]``, as often as needed: its
class says the keys and gives the answer (:mod:`chainwatch.case.questions.question`).

What is found declares its own tables, findings and roles, so that it reaches the report, both
editions and the digests by its line alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from chainwatch.attribution.hits import TagHits, hits
from chainwatch.attribution.tags import Tags
from chainwatch.case.registry import Line, Registry
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result
from chainwatch.tracing.meaning.changes import NetChanges, net_changes
from chainwatch.tracing.meaning.meanings import Meanings, meanings

Verb = Callable[[Ledger, pl.DataFrame, Tags], Result]
"""``verb(ledger, subjects, tags)``; subjects are ``chain, address``."""

ANALYSES: tuple[Line, ...] = (
    Line(
        "meanings",
        "chainwatch.case.analyses:what_transactions_mean",
        "What transactions of an account chain mean: who paid whom behind contracts, and swaps.",
    ),
    Line(
        "net-changes",
        "chainwatch.case.analyses:what_transactions_changed",
        "What each transaction of an account chain changed, by account and asset.",
    ),
    Line(
        "tag-hits",
        "chainwatch.case.analyses:tag_hits",
        "Every payment of the ledger to or from a tagged address, and what its date allows to say.",
    ),
)
"""Those that chainwatch brings, written out, by name."""

QUESTIONS: tuple[Line, ...] = (
    Line(
        "account-links",
        "chainwatch.case.questions.account_links:AccountLinks",
        "Accounts that may have one owner, by what they do: leads, of which none joins.",
    ),
    Line(
        "action-sheets",
        "chainwatch.case.questions.following.action_sheets:ActionSheets",
        "Where somebody could act on what was followed.",
    ),
    Line(
        "alerts",
        "chainwatch.case.questions.alerts:Alerts",
        "Shapes of payments that laundering has, each beside the innocent business like it.",
    ),
    Line(
        "batched-payments",
        "chainwatch.case.questions.looking.batched_payments:Batches",
        "Payments that contracts made for somebody in one transaction.",
    ),
    Line(
        "convergence",
        "chainwatch.case.questions.convergence:Convergence",
        "Who is reached by the money of several vendors, or pays several, more than by chance.",
    ),
    Line(
        "counterparties",
        "chainwatch.case.questions.following.counterparties:CounterpartiesOf",
        "Who paid somebody and whom they paid, in one asset.",
    ),
    Line(
        "crossings",
        "chainwatch.case.questions.crossings:Crossings",
        "What became of deposits at bridges, on all chains that the case read.",
    ),
    Line(
        "exposures",
        "chainwatch.case.questions.following.exposures:Exposures",
        "Whom followed value reached, with what it was worth.",
    ),
    Line(
        "identities",
        "chainwatch.case.questions.looking.identities:Identities",
        "Which profiles on markets are one seller, and where each is paid.",
    ),
    Line(
        "link-tests",
        "chainwatch.case.questions.link_tests:LinkTest",
        "Whether links of vendors to a network are more than chance, one test for each.",
    ),
    Line(
        "mix-readings",
        "chainwatch.case.questions.looking.mix_readings:MixReadings",
        "In how many ways single mixes can be of several parties.",
    ),
    Line(
        "mixes",
        "chainwatch.case.questions.mixes:Mixes",
        "What can be counted of the mixes in which followed value ends.",
    ),
    Line(
        "other-owners",
        "chainwatch.case.questions.looking.other_owners:OtherOwners",
        "What other rules would join, beside what the case joins.",
    ),
    Line(
        "paths",
        "chainwatch.case.questions.paths:Paths",
        "The best routes by which money of one party reached another.",
    ),
    Line(
        "paths-by-hand",
        "chainwatch.case.questions.following.paths_by_hand:PathsByHand",
        "Outputs that a person chose, and what lies behind them.",
    ),
    Line(
        "peel-chains",
        "chainwatch.case.questions.looking.peel_chains:PeelChainsOf",
        "Chains of transactions that peel small parts off one coin.",
    ),
    Line(
        "people",
        "chainwatch.case.questions.people:People",
        "One role for each party of the case, and whom its disclosure may never show.",
    ),
    Line(
        "pools",
        "chainwatch.case.questions.looking.pools:Pools",
        "Of which deposits the withdrawals from pools can be.",
    ),
    Line(
        "ranking",
        "chainwatch.case.questions.ranking:Ranking",
        "What to look at first, by danger to the public, with every score open to its parts.",
    ),
    Line(
        "received",
        "chainwatch.case.questions.following.received:ReceivedBy",
        "What somebody received, by a named method and by every other.",
    ),
    Line(
        "rules",
        "chainwatch.case.questions.looking.rules:RuleAsked",
        "What a rule of the catalogue says of all that was read.",
    ),
    Line(
        "taints",
        "chainwatch.case.questions.following.taints:Taints",
        "How much of every output of a coin chain is traced.",
    ),
    Line(
        "through-swaps",
        "chainwatch.case.questions.following.through_swaps:SwapsThrough",
        "Value followed on in every asset that it was swapped for.",
    ),
    Line(
        "traces",
        "chainwatch.case.questions.following.traces:Traces",
        "Value followed by other policies, backward, or within other limits.",
    ),
)
"""Those that chainwatch brings; ``[[account_links]]`` is the table of ``account-links``."""

registry = Registry("an analysis", ANALYSES)
questions = Registry("a question", QUESTIONS)


def register(name: str, target: str | Verb, sentence: str) -> None:
    """Let case files ask for one more analysis.

    Parameters
    ----------
    name : str
        What a case file writes in ``analyses``.
    target : str or callable
        ``module:verb``, or a verb of ledger, subjects and tags that returns a `Result`.
    sentence : str
        What it finds; the note beside it in the log.

    Raises
    ------
    CaseError
        If another analysis has the name, or name or sentence are none.
    """
    registry.register(name, target, sentence)


def register_question(name: str, target: str | type[Any], sentence: str) -> None:
    """Let case files ask one more question, by a table with keys of its own.

    Parameters
    ----------
    name : str
        Its table, with ``-`` for ``_``: ``account-links`` is asked by ``[[account_links]]``.
    target : str or type
        ``module:class``, or the class, of
        :class:`chainwatch.case.questions.question.Question`.
    sentence : str
        What it finds; the note beside it in the log.

    Raises
    ------
    CaseError
        If another question has the name, or name or sentence are none.
    """
    questions.register(name, target, sentence)


def table_of(line: Line) -> str:
    """Return the table by which a case file asks a question."""
    return line.name.replace("-", "_")


def asked_in(table: Mapping[str, Any]) -> tuple[Line, ...]:
    """Return the questions that a case file asks, in the order of their first tables."""
    lines = {table_of(line): line for line in questions.lines}
    return tuple(lines[name] for name in table if name in lines)


def tag_hits(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> TagHits:
    """Return every payment to or from a tagged address, whoever the subjects are."""
    return hits(ledger, tags)


def what_transactions_mean(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> Meanings:
    """Return what the transactions of an account chain mean, whoever the subjects are."""
    return meanings(ledger, tags)


def what_transactions_changed(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> NetChanges:
    """Return what transactions of an account chain changed, whoever the subjects are."""
    return net_changes(ledger)
