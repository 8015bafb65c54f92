"""``account_links``: every reason to think that two accounts have one owner, by the rules asked."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.attribution.resolve import Framed
from chainwatch.chains.base import Chain
from chainwatch.completion import names_of
from chainwatch.errors import InputError, RuleError, expect
from chainwatch.heuristics.accounts.catalogue import DEFAULT
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.heuristics.accounts.link_rule import LinkRule
from chainwatch.heuristics.links import LINK_KEY, LINKS, Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded


@recorded
def account_links(
    ledger: Ledger,
    *,
    tags: Framed | None = None,
    hosted: Framed | Sequence[Framed] | None = None,
    rules: Sequence[LinkRule] = DEFAULT,
    at_least: float = 0.0,
    rates: Rates = MEASURED,
) -> Links:
    """Link accounts that rules say may have one owner, on chains of accounts.

    Rules rest on all that was read; links are those whose transaction lies in the span of the
    ledger. What cannot be told, mostly for a history that was not read, is *undecided*; what a cap
    speaks against is *refused*. Neither joins anybody.

    Parameters
    ----------
    ledger : Ledger
        Account chains; coin chains give no links.
    tags : Tags, optional
        Who is a service. Deposit addresses are known by the wallets that they pass on to, so
        without tags no rule on deposits links anybody; services themselves join nobody.
    hosted : Hosted or sequence of Hosted, optional
        Addresses whose custody was judged, as ``cw.hosted`` returns them, of one asset or several:
        probable ones are known to be deposit addresses.
    rules : sequence of LinkRule
        Which, from :mod:`chainwatch.heuristics.accounts.catalogue`.
    at_least : float
        Links of rules that are not shown to be right so often, or that nobody measured, are leads
        and undecided. What counts is the lower end of the interval, adversarial chains included.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        One row per rule, pair of accounts and transaction that shows it. A deposit address in them
        is an account at a service: its keys are the service's.

    Raises
    ------
    RuleError, InputError
        If two rules have one name, and could not be told apart; if ``at_least`` is no share.

    Fails when
    ----------
    As each rule says of itself: ``help`` of its maker. A service that tags do not name looks like
    somebody who deals with many; caps alone keep it from joining them.

    References
    ----------
    Victor, FC 2020, for rules on accounts; the others stand with each rule.
    """
    judged = _listed(hosted)
    _check(ledger, tags, judged, rules, rates, at_least)
    read = [AccountFacts(ledger.history, chain, tags, judged) for chain in account_chains(ledger)]
    found = [_links(facts, rule, rates) for facts in read for rule in rules]
    rows = _in_span(ledger, pl.concat([LINKS.empty(), *found]))
    sure = [rule.name for rule in rules if _is_sure(rule, rates, at_least)]
    return Links(_leads(rows, sure).sort(LINK_KEY))


def _listed(hosted: Framed | Sequence[Framed] | None) -> tuple[Framed, ...]:
    if isinstance(hosted, Sequence):
        return tuple(hosted)
    return () if hosted is None else (hosted,)


def account_chains(ledger: Ledger) -> list[Chain]:
    """Return the chains of a ledger that have accounts."""
    return [chain for chain in ledger.chains if chain.family != "utxo"]


def _is_sure(rule: LinkRule, rates: Rates, at_least: float) -> bool:
    """Tell whether links of a rule are shown to be right so often."""
    shown = rates.at_least(rule.name, rule.made())
    return at_least == 0 or (shown is not None and shown >= at_least)


def _leads(rows: pl.DataFrame, sure: list[str]) -> pl.DataFrame:
    """Return links of which those of rules that are not sure enough are undecided."""
    veto = pl.when(pl.col("veto") | pl.col("rule").is_in(sure)).then("veto")
    return rows.with_columns(veto.alias("veto"))


def _in_span(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    if ledger.start is not None:
        rows = rows.filter(pl.col("time") >= ledger.start)
    return rows if ledger.end is None else rows.filter(pl.col("time") < ledger.end)


def _check(
    ledger: Ledger, tags: Framed | None, hosted: Sequence[Framed], rules: Sequence[LinkRule],
    rates: Rates, at_least: float,
) -> None:  # fmt: skip
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    expect(tags, (Framed, type(None)), "tags", "pass tags, as read_tags returns them")
    for one in hosted:
        expect(one, Framed, "hosted", "pass what hosted(...) returns")
    if not 0 <= at_least <= 1:
        raise InputError(f"a confidence of {at_least}", remedy="give a number from 0 to 1")
    for rule in rules:
        expect(rule, LinkRule, "a rule on accounts", "pass one, such as deposit_reuse()")
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RuleError(
            f"two rules link as {', '.join(twice)}", remedy="ask each in a call of its own"
        )


def _links(facts: AccountFacts, rule: LinkRule, rates: Rates) -> pl.DataFrame:
    """Return what a rule claims of one chain as rows in ``LINKS``."""
    one, other = pl.col("one"), pl.col("other")
    rows = rule.find(facts).with_columns(
        chain=pl.lit(facts.chain.id),
        a=pl.min_horizontal(one, other),
        b=pl.max_horizontal(one, other),
        rule=pl.lit(rule.name),
        basis=pl.lit(None, pl.String),
    )
    measured = rows.with_columns(confidence=rates.column(made=rule.made()))
    return measured.select(pl.col(name).cast(kind) for name, kind in LINKS.schema.items())


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
