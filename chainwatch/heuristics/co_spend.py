"""Rules that link addresses to one owner through a transaction."""

from __future__ import annotations

import polars as pl

from chainwatch.completion import names_of
from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.ask import joint_transactions
from chainwatch.heuristics.co_spend_columns import Signing, co_spend_columns
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import NO_KEY
from chainwatch.heuristics.links import LINK_KEY, LINKS, Links
from chainwatch.heuristics.rates import MEASURED, Rates, made_by
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.signing import UnreadFlags, checked, pairs
from chainwatch.ledger.index.index import only_index
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded


@recorded
def co_spends(
    ledger: Ledger, *, unless: Rule | None = JOINT, unread_flags: UnreadFlags = "by_height",
    revealed: bool = True, rates: Rates = MEASURED,
) -> Links:  # fmt: skip
    """Link the addresses whose coins one transaction spends together.

    Whoever signs a transaction must hold the keys of all its inputs; as a rule that is one owner.
    Each transaction links its smallest input address to every other one, which joins the same
    addresses as all pairs would. Links are kept whatever ``unless`` says of the transaction:
    *yes* marks them refused, *unknown* marks them undecided, and neither joins. An address that
    asks for no key, such as an anchor, joins nobody: its links are refused, as ``no_key``.

    Only signatures that bind every input say that their owner knew beside whom he spends. An input
    that is signed otherwise, or read whole and without a signature, stands alone: its links stand
    under ``partial_signing``, undecided, as one owner does so too. Where no flag was read they
    stand under ``co_spend_unread_flags``, and to an output that several keys spend, of one owner or
    of several, undecided under ``several_keys``.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains give no links.
    unless : Rule or None
        A rule on transactions that says whether strangers built it together. None joins mixes as
        well: do so only to show what the veto changes.
    unread_flags : {"by_height", "join", "undecided"}
        What inputs do of which no signature was read: join, stay undecided, or the latter from the
        height of the first sales of tokens on (``Chain.token_sales``), if the chain has one. Beside
        an input that is signed in part they are always undecided.
    revealed : bool
        False leaves out addresses that no output read, but only unlocking scripts name. Links that
        rest on one have the basis *revealed*.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        One row per transaction and further input address.

    Raises
    ------
    RuleError, InputError
        If ``unless`` reads other features than transactions, or ``unread_flags`` is no such word.

    Fails when
    ----------
    Strangers sign together (CoinJoin, PayJoin, settlements, sales that both sides sign ``ALL``), a
    service spends for many customers (the cluster is then the service), or keys were sold. Inputs
    that were not read, or have no address, link nothing. A miner can make some scripts name an
    address that is not theirs: look at the basis. Channels of taproot do not show themselves.

    References
    ----------
    Nakamoto 2008, section 10; Meiklejohn et al., IMC 2013; Nick 2015; Harrigan and Fretter 2016.
    """
    _check(ledger, unless, rates)
    checked(unread_flags)
    expect(revealed, bool, "revealed", "pass True or False")
    return _made(ledger, unless, Signing(unread_flags, revealed), rates)


_TX = ["chain", "tx"]


def _check(ledger: Ledger, unless: Rule | None, rates: Rates) -> None:
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(unless, (Rule, type(None)), "unless", "pass a rule, such as equal_outputs()")
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    if unless is not None and unless.on != "transactions":
        raise RuleError(f"{unless} reads {unless.on}", remedy="pass a rule on transactions")


def _made(ledger: Ledger, unless: Rule | None, signing: Signing, rates: Rates) -> Links:
    """Return the links by the numbers of an index where there is one, else from the tables."""
    index = only_index(ledger)
    if index is not None:
        return co_spend_columns(ledger, index, unless, signing, rates).links()
    found = pairs(ledger, unread_flags=signing.unread_flags, revealed=signing.revealed)
    return _links(ledger, found, unless, rates)


def _links(ledger: Ledger, found: pl.DataFrame, unless: Rule | None, rates: Rates) -> Links:
    """Return pairs with what the veto, keys and flags say of them."""
    keyless, doubt = pl.col("rule").is_null(), pl.when("doubt").then(None).otherwise(False)
    judged = found.join(joint_transactions(ledger, found, unless), on=_TX, how="left").with_columns(
        # What a detector says of strangers outweighs what the flags leave open.
        (pl.col("veto") | keyless | doubt).alias("veto"),
        pl.col("rule").fill_null(NO_KEY),
    )
    frame = judged.with_columns(rates.column(made=made_by(unless)).alias("confidence"))
    return Links(
        frame.select(pl.col(name).cast(kind) for name, kind in LINKS.schema.items()).sort(LINK_KEY)
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
