"""What an account must have by its history, held to the balance that a server states."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from chainwatch.addresses.canonical import text as address_text
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.sources.tron.fields import LIAR, amount
from chainwatch.sources.tron.server import Server, Tip
from chainwatch.units import to_text

COIN_KINDS = ("native", "internal", "fee_burnt", "reward")
"""Kinds of transfers that move TRX."""


def stated_balance(server: Server, whose: bytes, tip: Tip) -> int | None:
    """Return the balance of TRX that the server states as of a block.

    None where it has moved on meanwhile, and so speaks of another block.
    """
    value, answer = server.post(
        "/walletsolidity/getaccount",
        {"address": address_text(whose, server.chain), "visible": True},
    )
    where = server.where(answer)
    if not isinstance(value, dict):
        raise SourceError("the account is no object", where=where, remedy=LIAR)
    held = amount(value, "balance", where)
    return held if server.tip().hash == tip.hash else None


def balance(tables: Mapping[str, pl.DataFrame], whose: bytes) -> int | None:
    """Return the balance of TRX that rows add up to; None where one says not what it moved."""
    found = 0
    if "transfers" in tables:
        coin = tables["transfers"].filter(
            pl.col("kind").is_in(COIN_KINDS) & pl.col("success").ne_missing(False)
        )
        for side, sign in (("receiver", 1), ("sender", -1)):
            mine = coin.filter(pl.col(side) == whose)["amount"]
            found += sign * sum(map(int, mine))
    if "stakes" in tables:
        moved = tables["stakes"].filter(address=whose)["moved"]
        if moved.null_count():
            return None
        found += sum(map(int, moved))
    return found


def unequal(
    tables: Mapping[str, pl.DataFrame], whose: bytes, stated: int, chain: Chain
) -> str | None:
    """Return in words that what was listed does not add up to what is stated; None where it does.

    Of a history with a transaction of which it is not said what it moved nothing is known.
    """
    found = balance(tables, whose)
    if found is None or found == stated:
        return None
    shown = [to_text(one, chain.decimals, group=True) for one in (stated, found)]
    return (
        f"the server states a balance of {shown[0]} {chain.symbol}, and what it lists adds up to"
        f" {shown[1]}: it leaves something out"
    )
