"""Outputs and transfers that are followed for themselves, whoever else's address they stand at.

A subject needs a name: that of a chosen output is its address, or where it has none and one key
alone, the address of that key; that of a transfer is its receiver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind, txid_text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.roles import Party, parties_of
from chainwatch.tracing.walks.base import CHOSEN
from chainwatch.tracing.walks.utxo_graph import Coin, Coins
from chainwatch.units import whole


class Chosen(NamedTuple):
    """A transaction, or one output or transfer of it by its place; None is all of them."""

    txid: bytes
    n: int | None

    def shown(self, chain: str) -> str:
        """Return it as text."""
        return txid_text(self.txid, chain) + ("" if self.n is None else f":{self.n}")


def chosen_outputs(
    chosen: Sequence[Chosen], coins: Coins, ledger: Ledger, chain: str
) -> dict[tuple[int, int], bytes]:
    """Return the outputs that were chosen, each with what its subject is called by.

    Raises
    ------
    TraceError
        If one was not read, lies outside the span, or has nobody to be called by.
    """
    found: dict[tuple[int, int], bytes] = {}
    for one in chosen:
        for tx in _transactions(one, coins, chain):
            for coin in coins.made(tx):
                if one.n in (None, coin.n) and (coin.spendable or one.n is not None):
                    found[tx, coin.n] = _name(one, coin, coins, ledger, chain)
    return found


def followed_parties(
    origins: pl.DataFrame, subjects: pl.DataFrame, chain: str
) -> tuple[set[Party], set[Party]]:
    """Return who is followed, and who is so for single outputs alone.

    An output stands for itself: the other addresses of its owner are no part of the question.
    """
    other = origins.filter(pl.col("kind") != CHOSEN)["subject"]
    picked = pl.col("subject").is_in(origins["subject"].implode())
    picked &= ~pl.col("subject").is_in(other.implode())
    whose, single = (
        {party for rows in (origins, subjects) for name in ("address", "subject")
         for party in parties_of(rows.filter(which), name, chain)}
        for which in (~picked, picked)
    )  # fmt: skip
    return whose, single - whose


def _transactions(one: Chosen, coins: Coins, chain: str) -> list[int]:
    """Return the transactions with an id that have the output: of some ids there are two."""
    read = coins.numbers_of(one.txid)
    if not read:
        raise TraceError(
            f"no transaction {txid_text(one.txid, chain)} of {find_chain(chain)} was read",
            remedy="check the id, or pull it into the ledger first",
        )
    inside = [tx for tx in read if coins.inside(tx)]
    if not inside:
        raise TraceError(
            f"transaction {txid_text(one.txid, chain)} lies outside the span that is looked at",
            remedy="look at a longer span",
        )
    places = {coin.n for tx in inside for coin in coins.made(tx)}
    if one.n is not None and one.n not in places:
        raise TraceError(
            f"transaction {txid_text(one.txid, chain)} has no output {one.n}",
            remedy=f"it has outputs 0 to {max(places)}"
            if places
            else "none of its outputs was read",
        )
    return inside


def _name(one: Chosen, coin: Coin, coins: Coins, ledger: Ledger, chain: str) -> bytes:
    if coin.address is not None:
        return coin.address
    if coin.kind == "p2pk" and coin.tx is not None:
        here = (pl.col("tx") == coins.number(coin.tx)) & (pl.col("n") == coin.n)
        keys = ledger.history.chain_only(chain).output_keys.filter(here).select("key").collect()
        if keys.height == 1:
            return bytes([Kind.P2PKH]) + hash160(keys.item())
    raise TraceError(
        f"output {Chosen(one.txid, coin.n).shown(chain)} has no address and no single key by which"
        " a subject could be called",
        remedy="choose other outputs of the transaction one by one, as TXID:N",
    )


def chosen_transfers(
    chosen: Sequence[Chosen], rows: pl.DataFrame, asset: Asset, wide: pl.DataFrame
) -> dict[tuple[bytes, int], bytes]:
    """Return the transfers that were chosen, each with its receiver.

    Parameters
    ----------
    chosen : sequence of Chosen
        Each is to be among the rows.
    rows : polars.DataFrame
        Movements of one asset in the span, with ``txid, n, sender, receiver``.
    asset : Asset
        What they move.
    wide : polars.DataFrame
        Movements of an amount wider than 38 digits, with ``amount_hex``.

    Raises
    ------
    TraceError
        If one is not among them, is wider than can be added up, or is of an address to itself: it
        moves nothing.
    """
    found: dict[tuple[bytes, int], bytes] = {}
    for one in chosen:
        ours = rows.filter(pl.col("txid") == one.txid).select("n", "sender", "receiver")
        if one.n is not None:
            ours = ours.filter(pl.col("n") == one.n)
        if ours.is_empty():
            _refuse_wide(one, wide, asset)
            raise TraceError(
                f"no transfer {one.shown(asset.chain)} of this asset was read in the span",
                remedy="check the id and the asset, look at a longer span, or pull it first",
            )
        moving = ours.filter(pl.col("sender").ne_missing(pl.col("receiver")))
        if moving.is_empty():
            raise TraceError(
                f"transfer {one.shown(asset.chain)} is of an address to itself: it moves nothing,"
                " so there is nothing to follow",
                remedy="choose the transfer by which it came in, or follow the address",
            )
        found |= {(one.txid, n): receiver for n, _, receiver in moving.iter_rows()}
    return found


def _refuse_wide(one: Chosen, wide: pl.DataFrame, asset: Asset) -> None:
    """Say of a transfer that was chosen and is too wide to be followed how much it moves."""
    ours = wide.filter(pl.col("txid") == one.txid).select("n", "amount_hex")
    for n, amount in ours.iter_rows():
        if one.n in (None, n):
            moved = asset.shown(whole(None, amount))
            raise TraceError(
                f"transfer {one._replace(n=n).shown(asset.chain)} moves {moved}, wider than the 38"
                " digits that can be added up",
                remedy="choose others: no token holds as much, so look at its contract",
            )
