"""Who signed what: the parts of a transaction that its signatures tie to one another.

Whoever signs ``ALL`` or ``DEFAULT`` binds every input: he knew beside what he spends. ``SINGLE``,
``NONE`` and ``ANYONECANPAY`` leave room for the inputs or outputs of others. Sales of tokens are
made so: the seller signs his input alone, and the buyer adds his own beside it. What was read whole
and holds no signature binds nobody to anything, and stands alone likewise.
"""

from __future__ import annotations

from typing import Literal, get_args

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.addresses.unlocking import OPEN_FLAGS
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import InputError
from chainwatch.heuristics.link_rules import CO_SPEND, PARTIAL, SEVERAL_KEYS, UNREAD
from chainwatch.ledger.joint.two_of_two import perhaps_several_keys
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS, READ, REVEALED

UnreadFlags = Literal["by_height", "join", "undecided"]
"""What is made of inputs without flags; see :func:`chainwatch.heuristics.co_spend.co_spends`."""

_TX = ["chain", "tx"]
_BOUND, _UNREAD, _PARTIAL, _SHARED, _KEYLESS = range(5)


def checked(unread_flags: str) -> UnreadFlags:
    """Return a word for inputs without flags, refused if it has no meaning.

    Raises
    ------
    InputError
        If it is none of ``UnreadFlags``.
    """
    words: tuple[UnreadFlags, ...] = get_args(UnreadFlags)
    for word in words:
        if word == unread_flags:
            return word
    raise InputError(
        f"unread_flags cannot be {unread_flags!r}", remedy=f"choose among {', '.join(words)}"
    )


def signers(ledger: Ledger, *, revealed: bool = True) -> pl.DataFrame:
    """Return the input addresses of each transaction with how their signatures bind.

    An address that signs the whole transaction with one of its inputs is bound, however it signs
    another. Where one of its inputs leaves room and none is bound, the address stands alone, even
    beside an input of its own whose flags were not read.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    revealed : bool
        Count addresses that only the unlocking script names.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, address, group, shown``: how it is bound, the strongest tie first, and whether
        none of its inputs was read but only revealed.
    """
    rows = ledger.inputs.filter(pl.col("address").is_not_null())
    shown = pl.col("address_basis").eq_missing(pl.lit(REVEALED))
    if not revealed:
        rows = rows.filter(~shown)
    flags, open_ = pl.col("sighash"), pl.col("sighash").str.contains(OPEN_FLAGS)
    return (
        rows.group_by(*_TX, "address")
        .agg(
            (flags.is_not_null() & ~open_).any().alias("bound"),
            open_.any().fill_null(False).alias("partial"),
            perhaps_several_keys().any().alias("shared"),
            shown.all().alias("shown"),
        )
        .with_columns(
            pl.when(without_key())
            .then(_KEYLESS)
            # It signs the whole, but several may have signed together.
            .when("shared")
            .then(_SHARED)
            .when("bound")
            .then(_BOUND)
            .when("partial")
            .then(_PARTIAL)
            .otherwise(_UNREAD)
            .alias("group")
        )
        .select(*_TX, "address", "group", "shown")
        .collect()
    )


def pairs(ledger: Ledger, *, unread_flags: UnreadFlags, revealed: bool = True) -> pl.DataFrame:
    """Return of each transaction one address beside each of the others, and what ties the two.

    The one is the smallest of those that are tied most strongly: what the flags join, and no more,
    hangs together by the pairs that join.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, a, b, rule, basis, doubt``. ``rule`` is null where one of the two asks for no
        key; ``doubt`` is true where the flags leave open whether the two are one owner.
    """
    each = signers(ledger, revealed=revealed)
    keyed = each.filter(pl.col("group") != _KEYLESS)
    first = keyed.sort(*_TX, "group", "address").group_by(_TX, maintain_order=True).first()
    # A transaction that is known to be signed in parts may be so at every input.
    parted = keyed.group_by(_TX).agg((pl.col("group") == _PARTIAL).any().alias("parted"))
    rows = (
        each.join(first, on=_TX, suffix="_one")
        .join(parted, on=_TX)
        .filter(pl.col("address") != pl.col("address_one"))
        .with_columns(pl.max_horizontal("group", "group_one").alias("tie"))
    )
    one, other, tie = pl.col("address_one"), pl.col("address"), pl.col("tie")
    rules = {
        _BOUND: CO_SPEND,
        _UNREAD: UNREAD,
        _PARTIAL: PARTIAL,
        _SHARED: SEVERAL_KEYS,
        _KEYLESS: None,
    }
    unread = _unread_doubt(unread_flags) | pl.col("parted")
    return rows.select(
        *_TX,
        a=pl.when(one < other).then(one).otherwise(other),
        b=pl.when(one < other).then(other).otherwise(one),
        rule=tie.replace_strict(rules, return_dtype=pl.String),
        basis=pl.when(pl.col("shown") | pl.col("shown_one"))
        .then(pl.lit(REVEALED))
        .otherwise(pl.lit(READ)),
        doubt=tie.is_in([_PARTIAL, _SHARED]) | ((tie == _UNREAD) & unread),
    )


def open_spends(
    ledger: Ledger, *, unread_flags: UnreadFlags = "by_height", revealed: bool = True
) -> pl.DataFrame:
    """Return the transactions whose inputs may be of several owners, by their flags: ``chain, tx``.

    Whose change an output is cannot be told of these: one input may be a seller's.
    """
    found = pairs(ledger, unread_flags=unread_flags, revealed=revealed)
    return found.filter("doubt").select(_TX).unique()


def _unread_doubt(unread_flags: UnreadFlags) -> pl.Expr:
    """Return whether inputs without flags may be those of a sale."""
    if unread_flags != "by_height":
        return pl.lit(unread_flags == "undecided")
    known = {one.id: one.token_sales for one in all_chains() if one.token_sales is not None}
    since = pl.col("chain").replace_strict(known, default=None, return_dtype=pl.Int64)
    return (pl.col("tx") // (1 << POSITION_BITS) >= since).fill_null(False)
