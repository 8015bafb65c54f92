"""Links between the inputs of a transaction and its change, where rules leave just one output."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.completion import names_of
from chainwatch.errors import InputError, RuleError, expect
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import TAKEN
from chainwatch.heuristics.links import LINK_KEY, LINKS, Links
from chainwatch.heuristics.rates import MEASURED, Rates, made_by
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.heuristics.signing import UnreadFlags, checked, open_spends
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import REVEALED
from chainwatch.results.result import recorded

_TX = ["chain", "tx"]


@recorded
def change_links(
    ledger: Ledger, rule: Rule, *, unless: Rule | None = JOINT,
    unread_flags: UnreadFlags = "by_height", revealed: bool = True,
    name: str | None = None, rates: Rates = MEASURED,
) -> Links:  # fmt: skip
    """Link the one output that a rule does not rule out as change with the inputs.

    A transaction gives a link where it makes two or more payments, one of them cannot be ruled out
    and every other one is. Where some are unknown and at most one cannot be ruled out for certain,
    that one, or the only unknown one, is linked *undecided*: it joins nothing and is counted. The
    link is to the smallest input address that has a key; co-spending ties the others to it, and
    where flags leave that open the link is undecided too.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    rule : Rule
        On ``outputs``: true of an output that cannot be ruled out.
    unless : Rule or None
        A rule on transactions that says whether strangers built it together: *yes* refuses the
        link, *unknown* leaves it undecided.
    unread_flags, revealed
        As :func:`chainwatch.heuristics.co_spend.co_spends` takes them.
    name : str, optional
        What stands in column ``rule`` of the links; by default the text of the rule.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        At most one row per transaction.

    Raises
    ------
    RuleError
        If ``rule`` reads other features than outputs, or ``unless`` others than transactions.
    InputError
        If the name is empty or that of another rule, or ``unread_flags`` is no such word.

    Fails when
    ----------
    The rule rules out the change and not a payment: payer and payee become one owner. One such link
    is enough, and it is transitive. A transaction that pays a whole coin to one address has no
    change, and gives no link.

    References
    ----------
    Kalodner et al., USENIX Security 2020 (``unique_change``); Meiklejohn et al., IMC 2013.
    """
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    _check(name)
    answers = judged(ledger, rule, revealed=revealed)
    inputs = open_spends(ledger, unread_flags=checked(unread_flags), revealed=revealed)
    candidates = doubted(only_change(answers), inputs).with_columns(
        pl.lit(name or f"change: {rule}").alias("rule")
    )
    vetoes = joint(ledger, candidates, unless)
    return Links(as_links(candidates, vetoes, rates.column(made=made_by(unless, rule))))


def _check(name: str | None) -> None:
    """Refuse a name that links of a rule cannot have."""
    if name is not None and (not name.strip() or name in TAKEN):
        raise InputError(
            f"the links of a rule cannot be called {name!r}", remedy="leave it out, or give another"
        )


def judged(ledger: Ledger, rule: Rule, *, revealed: bool = True) -> pl.DataFrame:
    """Return the features of the outputs of a ledger with what a rule says of each.

    Without revealed addresses, transactions are left out whose inputs name no other.

    Raises
    ------
    RuleError
        If the rule reads other features than outputs.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(revealed, bool, "revealed", "pass True or False")
    expect(rule, Rule, "rule", "pass a rule on outputs, such as optimal_change()")
    if rule.on != "outputs":
        raise RuleError(f"{rule} reads {rule.on}", remedy="pass a rule on outputs")
    answers = apply(features.outputs(ledger), rule)
    return answers if revealed else answers.filter(pl.col("first_basis").ne_missing(REVEALED))


def doubted(candidates: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """Return candidates, not sure of those whose inputs may be of several owners: ``chain, tx``."""
    open_ = inputs.with_columns(pl.lit(True).alias("open"))
    found = candidates.join(open_, on=_TX, how="left", maintain_order="left")
    return found.with_columns(pl.col("sure") & pl.col("open").is_null()).drop("open")


def only_change(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the one output per transaction that may be its change.

    Parameters
    ----------
    answers : polars.DataFrame
        The features of outputs with a verdict.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, txid, time, n, address, first_input, basis, sure``: rows whose address and
        inputs have keys and differ. ``basis`` says how the input's address is known; ``sure`` is
        false where an unknown output makes it unknown.
    """
    paid = answers.filter((pl.col("payments") > 1) & pl.col("payment"))
    left = paid.filter(pl.col(VERDICT).ne_missing(False)).with_columns(
        pl.col(VERDICT).fill_null(False).sum().over(_TX).alias("kept"),
        pl.col(VERDICT).is_null().sum().over(_TX).alias("unknown"),
    )
    # Either the one that is not ruled out, beside unknown ones or not, or the only unknown one.
    one = pl.col(VERDICT) & (pl.col("kept") == 1)
    only_unknown = pl.col(VERDICT).is_null() & (pl.col("kept") == 0) & (pl.col("unknown") == 1)
    columns = (*_TX, "txid", "time", "n", "address", "first_input")
    sure = pl.col(VERDICT).fill_null(False) & (pl.col("unknown") == 0)
    found = left.filter(one.fill_null(False) | only_unknown).filter(linkable())
    return found.select(*columns, basis="first_basis", sure=sure)


def linkable() -> pl.Expr:
    """Return whether output and inputs have addresses with keys that are not one already."""
    named = pl.col("address").is_not_null() & pl.col("first_input").is_not_null()
    return named & ~without_key().fill_null(True) & pl.col("to_input").ne_missing(True)


def joint(ledger: Ledger, rows: pl.DataFrame, unless: Rule | None) -> pl.DataFrame:
    """Return for the transactions of rows whether strangers built them: ``chain, tx, veto``.

    Raises
    ------
    RuleError
        If ``unless`` reads other features than transactions.
    """
    expect(unless, (Rule, type(None)), "unless", "pass a rule, such as equal_outputs()")
    asked = rows.select(_TX).unique()
    if unless is None:
        return asked.with_columns(pl.lit(False).alias("veto"))
    if unless.on != "transactions":
        raise RuleError(f"{unless} reads {unless.on}", remedy="pass a rule on transactions")
    told = features.transactions(ledger).join(asked, on=_TX, how="semi")
    return apply(told, unless).select(*_TX, pl.col(VERDICT).alias("veto"))


def as_links(candidates: pl.DataFrame, vetoes: pl.DataFrame, confidence: pl.Expr) -> pl.DataFrame:
    """Return candidates as rows in ``LINKS``: refused, undecided, or joining."""
    sure, veto = pl.col("sure"), pl.col("veto")
    first, other = pl.col("first_input"), pl.col("address")
    return (
        candidates.join(vetoes, on=_TX, how="left")
        .with_columns(
            pl.when(first < other).then(first).otherwise(other).alias("a"),
            pl.when(first < other).then(other).otherwise(first).alias("b"),
            pl.when(sure | veto).then(veto).alias("veto"),
            confidence.alias("confidence"),
        )
        .select(pl.col(name).cast(kind) for name, kind in LINKS.schema.items())
        .sort(LINK_KEY)
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
