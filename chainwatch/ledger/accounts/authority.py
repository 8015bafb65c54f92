"""Whether a sender of tokens signed a transfer or gave authority for it. Decided here alone.

A contract writes what it likes of anybody. That nobody agreed is said only where all that could
have agreed was read: every block from the one that made the contract to that of the transfer, with
its logs and its calls, on a chain whose rules are known. Then a transfer has no authority if its
sender did not send the transaction, did not call the contract in it, never let anybody move tokens
of that contract, and never had to do with the contract in a transaction of its own: whoever put
tokens into a lending pool agreed to its rules too, though no event says so. Everything else stays
unknown. What issuers make and destroy are kinds of their own, and are not judged.
"""

from __future__ import annotations

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.block_readings import block_runs
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS

MADE, CALLED = "creation", "call"
"""Kinds of ``approvals`` that traces give: a contract was made; who paid called the token."""

OPERATORS = ("operator", "operator_sent")
"""Kinds that only ERC-777 has: who may move tokens of everybody by default no event says."""

JUDGED = ("erc20", "erc721", "erc1155")
"""Kinds of transfers that are judged."""

_OF = ["chain", "contract"]
_PERSON = [*_OF, "sender"]


def with_authority(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Return transfers with ``signed`` told where the ledger knows enough.

    What is true stays so; what is unknown becomes true where the sender sent the transaction, and
    false where all that could give authority was read and nothing does.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span, up to the commit that it is looked at as of.
    rows : polars.DataFrame
        Transfers of it, with ``chain, txid, kind, contract, sender, tx, signed``.

    Fails when
    ----------
    A contract lets somebody move tokens and logs nothing, though the standard asks for it: an
    allowance that its program gives to one exchange, or an issuer who may move what others hold.
    The owner then gave none indeed, but tokens did move.
    """
    open_ = pl.col("signed").is_null() & pl.col("kind").is_in(JUDGED)
    asked = (
        rows.with_row_index("row")
        .filter(open_ & pl.col("contract").is_not_null() & pl.col("tx").is_not_null())
        .filter(pl.col("sender") != pl.col("contract"))
        .select("row", *_OF, "txid", "sender", "tx")
    )
    if not asked.height:
        return rows
    judged = _judged(ledger.history, asked)
    told = rows.with_row_index("row").join(judged, on="row", how="left", maintain_order="left")
    signed = pl.coalesce("signed", "agreed").alias("signed")
    return told.with_columns(signed).drop("row", "agreed")


def _judged(ledger: Ledger, asked: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, agreed`` of transfers: true, false, or null where it is not known."""
    contracts = asked.select(_OF).unique().lazy()
    given = ledger.approvals.join(contracts, on=_OF, how="semi").filter(pl.col("tx").is_not_null())
    made = given.filter(pl.col("kind") == MADE).group_by(_OF).agg(pl.col("tx").min().alias("made"))
    known = asked.lazy().join(made, on=_OF, how="left")
    known = known.join(_senders(ledger, asked), on=["chain", "txid"], how="left")
    known = known.join(_dealt(ledger, contracts), on=_PERSON, how="left")
    consent = given.filter(~pl.col("kind").is_in([MADE, *OPERATORS]))
    consent = consent.group_by(*_OF, sender="owner").agg(pl.col("tx").min().alias("consent"))
    known = known.join(consent, on=_PERSON, how="left")
    operators = given.filter(pl.col("kind").is_in(OPERATORS))
    operators = operators.group_by(_OF).agg(pl.col("tx").min().alias("operators"))
    found = known.join(operators, on=_OF, how="left").collect()
    found = found.join(_read_whole(ledger, found), on="row", how="left")
    own = pl.col("by") == pl.col("sender")
    silent = pl.all_horizontal(
        *((pl.col(name) > pl.col("tx")).fill_null(True) for name in ("dealt", "consent",
                                                                     "operators"))
    )  # fmt: skip
    nobody = pl.col("whole").fill_null(False) & pl.col("by").is_not_null() & silent
    agreed = pl.when(own).then(True).when(nobody).then(False).alias("agreed")
    return found.select("row", agreed)


def _senders(ledger: Ledger, asked: pl.DataFrame) -> pl.LazyFrame:
    """Return ``chain, txid, by``: who sent each transaction."""
    wanted = asked.select("chain", "txid").unique().lazy()
    paid = ledger.transfers.filter(pl.col("kind") == "native")
    return (
        paid.join(wanted, on=["chain", "txid"], how="semi")
        .group_by("chain", "txid").agg(pl.col("sender").first().alias("by"))
    )  # fmt: skip


def _dealt(ledger: Ledger, contracts: pl.LazyFrame) -> pl.LazyFrame:
    """Return from when on somebody had to do with a contract in a transaction of its own."""
    moved = ledger.transfers.join(contracts, on=_OF, how="semi").filter(pl.col("tx").is_not_null())
    sides = pl.concat([
        moved.select(*_OF, "txid", "tx", sender=side) for side in ("sender", "receiver")
    ])  # fmt: skip
    sent = ledger.transfers.filter(pl.col("kind") == "native").select("chain", "txid", "sender")
    own = sides.join(sent, on=["chain", "txid", "sender"], how="semi")
    return own.group_by(_PERSON).agg(pl.col("tx").min().alias("dealt"))


def _read_whole(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, whole``: all blocks since the contract was made were read, with calls."""
    parts = []
    for (chain,), mine in rows.filter(pl.col("made").is_not_null()).group_by("chain"):
        # Who may move tokens on Tron is told by no rule here: nothing is called unsigned there.
        known = chain_of(str(chain)).family == "evm"
        runs = block_runs(ledger, str(chain), coin=True) if known else ()
        first, last = (pl.Series([getattr(run, end) for run in runs], dtype=pl.Int64)
                       for end in ("first", "last"))  # fmt: skip
        spans = pl.DataFrame({"first": first, "last": last})
        heights = mine.select(
            "row", low=pl.col("made") // (1 << POSITION_BITS),
            high=pl.col("tx") // (1 << POSITION_BITS),
        )  # fmt: skip
        inside = heights.join(spans, how="cross").filter(
            (pl.col("first") <= pl.col("low")) & (pl.col("high") <= pl.col("last"))
        )
        parts.append(inside.select("row").unique().with_columns(whole=pl.lit(True)))
    none = pl.DataFrame(schema={"row": rows.schema["row"], "whole": pl.Boolean})
    return pl.concat([none, *parts])
