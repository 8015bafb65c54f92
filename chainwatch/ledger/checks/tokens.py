"""Do the transfers of tokens add up, address by address, where all of them were read?

An address cannot pay away what it never had. Where every transfer of it was read from the beginning
and it paid more of a token than came, something moved that no transfer tells: the token's balances
move by themselves, its contract logs transfers that never were, or a source that claims a whole
history left some out. Whose fault it is cannot be told from here, so the verdict is *unread*, with
the tokens in words; of a token without such an address it holds.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import ZERO
from chainwatch.chains.base import Chain
from chainwatch.ledger.balances import (
    Reading,
    every_transfer,
    in_order,
    readings_of_blocks,
    unlisted_moves,
)
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.rows_apart import KIND
from chainwatch.units import counted, sums

NAME = "token balances"
ASSERTS = "no address paid more of a token than it received, where every transfer of it was read"
MOST_NAMED = 5
"""Tokens that a note names one by one; the others are counted."""

_COLUMNS = ("time", "sender", "receiver", "amount", "amount_hex")


class Short(NamedTuple):
    """A token of which an address paid more than it received, and by how much at the most."""

    contract: bytes
    addresses: int
    most: int
    whose: bytes

    def in_words(self, chain: Chain) -> str:
        """Return which token, and what is lacking."""
        token, one = (canonical.text(item, chain) for item in (self.contract, self.whose))
        paid = counted(self.addresses, "address", "addresses")
        return f"{token} ({paid} paid more than came, {one} by {self.most:,} base units)"


def token_verdicts(ledger: Ledger, chain: Chain) -> tuple[str, str, int, int, int, str] | None:
    """Return the row of a report on the tokens of a chain; None where none can be judged.

    Parameters
    ----------
    ledger : Ledger
        Its whole history.
    chain : Chain
        An account chain.

    Returns
    -------
    tuple
        ``name, chain, checked, failed, unread, note``: tokens whose transfers add up for each
        address that was read from its beginning, and those whose do not. What is known to move
        without transfers is not judged.

    Fails when
    ----------
    Nobody paid away what came without a transfer: nothing shows it.
    """
    judged, short = _judged(ledger, chain)
    if not judged:
        return None
    return NAME, chain.id, len(judged) - len(short), 0, len(short), _note(short, chain)


def _judged(ledger: Ledger, chain: Chain) -> tuple[set[bytes], list[Short]]:
    """Return the tokens of which some address was read wholly, and what others of these lack."""
    rows = _rows(ledger, chain)
    claims = _Claims.read(ledger, chain)
    paid, came = (sums(rows, ("contract", side)) for side in ("sender", "receiver"))
    judged: set[bytes] = set()
    lacks: dict[bytes, dict[bytes, int]] = {}
    for contract, address, first, last in _holders(rows).iter_rows():
        if every_transfer(claims.of(address, contract), (first, last)).why:
            continue
        judged.add(contract)
        out, given = (side.get((contract, address), 0) for side in (paid, came))
        if out is not None and given is not None and out > given:
            lacks.setdefault(contract, {})[address] = out - given
    return judged, [_shortest(contract, lacks[contract]) for contract in sorted(lacks)]


def _rows(ledger: Ledger, chain: Chain) -> pl.DataFrame:
    """Return transfers of tokens that took effect, or of which nobody says otherwise.

    Tokens known to move without transfers are left out, and those whose ids have amounts of their
    own, which are not added up.
    """
    token = pl.col("contract").is_not_null() & ~pl.col("kind").str.starts_with("erc1155")
    counts = pl.col("success").ne_missing(False)
    rows = ledger.transfers.filter((pl.col("chain") == chain.id) & token & counts)
    every = rows.select("contract", *_COLUMNS).collect()
    known = [one for one in every["contract"].unique() if unlisted_moves(chain.id, one)]
    return every.filter(~pl.col("contract").is_in(known))


def _holders(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``contract, address, first, last``: times are null where one is not known."""
    sides = [rows.select("contract", "time", address=side) for side in ("sender", "receiver")]
    time = pl.col("time")
    dated = [pl.when(~time.is_null().any()).then(one) for one in (time.min(), time.max())]
    held = pl.concat(sides).filter(~pl.col("address").is_in(sorted(ZERO)))
    seen = held.group_by("contract", "address").agg(dated[0].alias("first"), dated[1].alias("last"))
    return seen.sort("contract", "address")


class _Claims(NamedTuple):
    """From when to when sources claim to hold all of addresses, and whole blocks of all."""

    by_address: dict[bytes, list[tuple[bytes | None, Reading]]]
    blocks: tuple[Reading, ...]
    apart: set[tuple[bytes, bytes]]

    @classmethod
    def read(cls, ledger: Ledger, chain: Chain) -> _Claims:
        whole = pl.col("complete").fill_null(False) & (pl.col("kind") == "address")
        rows = ledger.coverage.filter((pl.col("chain") == chain.id) & whole).drop_nulls("address")
        found: dict[bytes, list[tuple[bytes | None, Reading]]] = {}
        columns = ("address", "contract", "from_time", "to_time")
        for address, contract, *span in rows.select(columns).collect().iter_rows():
            found.setdefault(address, []).append((contract, (span[0], span[1])))
        apart = ledger.coverage.filter((pl.col("chain") == chain.id) & (pl.col("kind") == KIND))
        named = apart.select("address", "contract").drop_nulls().unique().collect()
        return cls(found, readings_of_blocks(ledger, chain.id, coin=False), set(named.iter_rows()))

    def of(self, address: bytes, contract: bytes) -> tuple[Reading, ...]:
        """Return what was read of an address in a token; nothing where rows were set apart."""
        if (address, contract) in self.apart:
            return ()
        own = self.by_address.get(address, ())
        return in_order((*(span for only, span in own if only in (None, contract)), *self.blocks))


def _shortest(contract: bytes, lacks: dict[bytes, int]) -> Short:
    most = max(lacks.values())
    return Short(contract, len(lacks), most, min(one for one in lacks if lacks[one] == most))


def _note(short: list[Short], chain: Chain) -> str:
    if not short:
        return ASSERTS
    named = "; ".join(one.in_words(chain) for one in short[:MOST_NAMED])
    more = f"; and {len(short) - MOST_NAMED:,} more" if len(short) > MOST_NAMED else ""
    do = "do" if len(short) > 1 else "does"
    return (
        f"{counted(len(short), 'token', 'tokens')} {do} not add up, though every transfer of these"
        " addresses was read: balances move without transfers, transfers are told that never were,"
        f" or a source left some out: {named}{more}"
    )
