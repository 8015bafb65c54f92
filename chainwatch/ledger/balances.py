"""What is known of a balance of an account chain: as of when, or why not. Decided here alone.

Transfers add up to a balance only where all of them were read, and where nothing else moves it.
Three things are asked: whether what came in is still there (``kept``), for which the history has
to be whole from the first movement to the last; whether every transfer was read
(``every_transfer``), for which it has to be whole from the beginning; and what the balance is
(``balance``), for which nothing else may move it either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import ZERO, Asset
from chainwatch.addresses.silent_moves import silent_moves
from chainwatch.ledger.block_readings import block_runs
from chainwatch.ledger.ledger import Ledger
from chainwatch.units import sums

Reading = tuple[datetime | None, datetime | None]
"""From when to when the history of an address was read; None is open."""

Times = tuple[datetime | None, datetime | None]
"""Time of the first and of the last movement of an address; None is not known."""

UNCLAIMED = "the source does not claim to hold all of its transfers"
BROKEN = "what sources claim to hold wholly does not reach from its first movement to its last"
BEGUN = "what came before the first that was read is not known"
FEES = "fees, rewards and calls between contracts move balances of the coin without a transfer"

OVERDRAWN = "its transfers do not add up: an address paid more than it received"


class Held(NamedTuple):
    """What is known of a balance: ``why`` says what is unknown, and is empty where nothing is.

    ``as_of`` is up to when it is known; None is all that was read.
    """

    why: str = ""
    as_of: datetime | None = None


def histories(
    ledger: Ledger, asset: Asset, *, claimed: bool = False
) -> dict[bytes, tuple[Reading, ...]]:
    """Return the addresses whose history in an asset was read, and from when to when.

    What was read in one asset says nothing of another: of a unit of kind *address* a contract
    speaks of that token alone, and none of every asset; *native* speaks of the coin alone.

    Parameters
    ----------
    ledger : Ledger
        Whose coverage is asked.
    asset : Asset
        Whose transfers.
    claimed : bool
        Only readings whose source claims to hold all; else those too that may lack transfers.
    """
    contract = pl.col("contract")
    one = contract.is_null() if asset.contract is None else contract == asset.contract
    whole = (pl.col("kind") == "address") & (contract.is_null() | one)
    coin = (pl.col("kind") == "native") & (asset.contract is None)
    told = pl.col("complete").fill_null(False) if claimed else pl.lit(True)
    rows = (
        ledger.coverage.filter((pl.col("chain") == asset.chain) & (whole | coin) & told)
        .filter(pl.col("address").is_not_null())
        .select("address", "from_time", "to_time")
        .sort("address", "from_time", "to_time")
        .collect()
    )
    found: dict[bytes, tuple[Reading, ...]] = {}
    for address, first, last in rows.iter_rows():
        found[address] = (*found.get(address, ()), (first, last))
    return _with_blocks(found, ledger, asset)


def readings_of_blocks(ledger: Ledger, chain: str, *, coin: bool) -> tuple[Reading, ...]:
    """Return from when to when whole blocks tell every movement of the coin, or of every token."""
    runs = block_runs(ledger, chain, coin=coin)
    return tuple((run.from_time, run.to_time) for run in runs)


def in_order(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return readings in the order of their start; one that is open comes first."""

    def start(one: Reading) -> tuple[bool, float, bool, float]:
        first, last = one
        return (first is not None, first.timestamp() if first else 0.0,
                last is None, last.timestamp() if last else 0.0)  # fmt: skip

    return tuple(sorted(readings, key=start))


def _with_blocks(
    found: dict[bytes, tuple[Reading, ...]], ledger: Ledger, asset: Asset
) -> dict[bytes, tuple[Reading, ...]]:
    """Add to what was read of single addresses what whole blocks tell of all."""
    runs = readings_of_blocks(ledger, asset.chain, coin=asset.contract is None)
    if not runs:
        return found
    rows = ledger.history.transfers.filter(asset.of_transfers())
    sides = [rows.select(address=side) for side in ("sender", "receiver")]
    named = pl.concat(sides).unique().collect()["address"]
    return {
        address: in_order((*found.get(address, ()), *runs)) for address in sorted({*found, *named})
    }


def covered(readings: Sequence[Reading], when: datetime | None) -> bool:
    """Tell whether a moment lies in what was read; an unknown one does where all was read."""
    if when is None:
        return (None, None) in readings
    return any(
        (first is None or first <= when) and (last is None or when <= last)
        for first, last in readings
    )


def read_until(readings: Sequence[Reading], when: datetime | None) -> datetime | None:
    """Return up to when the readings that hold a moment go without a gap; None is open.

    ``readings`` are in order of their start, as :func:`histories` gives them.
    """
    until = when
    for first, last in readings:
        if covered([(first, last)], until):
            if last is None:
                return None
            until = last
    return until


def unlisted_moves(chain: str, contract: bytes | None) -> str:
    """Return by what balances of an asset move without transfers; empty where no way is known.

    Of a native coin there is one always: what fees take is in no transfer.
    """
    moves = silent_moves(chain, contract)
    if moves is not None:
        return moves.caveat
    return FEES if contract is None else ""


def overdrawn(ledger: Ledger, asset: Asset) -> bool:
    """Tell whether the transfers of a token are proven not to add up to its balances.

    Every transfer of it was read, by whole blocks from its first one on, and yet some address paid
    more than it received. So balances of the contract move without transfers (by rebasing, fees on
    transfer, or a first supply that no log tells): what they say of any other address is no balance
    either. Where a source merely claims a history, its claim may be what is wrong.

    Fails when
    ----------
    Nobody paid away what came without a transfer: nothing shows it.
    """
    if asset.contract is None or unlisted_moves(asset.chain, asset.contract):
        return False
    key = ("overdrawn", ledger.commit and ledger.commit.number, ledger.chain, asset)
    return ledger.kept(key, lambda: _overdrawn(ledger.history, asset))


def _overdrawn(whole: Ledger, asset: Asset) -> bool:
    blocks = readings_of_blocks(whole, asset.chain, coin=False)
    if all(first is not None for first, _ in blocks):
        return False
    # Tokens with an id are counted like others: each stands for one. Where ids have amounts of
    # their own they are not added up at all.
    of = (pl.col("chain") == asset.chain) & (pl.col("contract") == asset.contract)
    counts = pl.col("success").ne_missing(False) & ~pl.col("kind").str.starts_with("erc1155")
    columns = ("time", "sender", "receiver", "amount", "amount_hex")
    rows = whole.transfers.filter(of & counts).select(columns).collect()
    paid, came = (sums(rows, (side,)) for side in ("sender", "receiver"))
    times = movement_times(rows, ("sender", "receiver"))
    return any(
        not every_transfer(blocks, times[address]).why
        for (address,), out in paid.items()
        if address not in ZERO and out is not None
        if (given := came.get((address,), 0)) is not None and out > given
    )


def kept(claimed: Sequence[Reading], times: Times, finish: datetime | None = None) -> Held:
    """Return whether all movements from the first to the last were read, and as of when.

    Parameters
    ----------
    claimed : sequence of Reading
        Readings whose source claims to hold all of the address, in order of their start.
    times : Times
        Its first and last movement that is known, before ``finish``.
    finish : datetime, optional
        End of the span that is looked at.
    """
    if not claimed:
        return Held(UNCLAIMED)
    if (None, None) in claimed:
        return Held(as_of=finish)
    first, last = times
    if first is None or last is None or not covered(claimed, first):
        return Held(BROKEN)
    until = read_until(claimed, first)
    if until is not None and until < last:
        return Held(BROKEN)
    return Held(as_of=finish if until is None or (finish and finish <= until) else until)


def balance(chain: str, contract: bytes | None, claimed: Sequence[Reading], times: Times) -> Held:
    """Return whether transfers add up to the balance of an address in a token, and as of when.

    Of the coin they never do: what a chain began with is in no transfer.
    """
    if moves := unlisted_moves(chain, contract):
        return Held(moves)
    return every_transfer(claimed, times)


def every_transfer(claimed: Sequence[Reading], times: Times) -> Held:
    """Return whether every transfer of an address was read, from its beginning, and as of when."""
    found = kept(claimed, times)
    if found.why or any(first is None for first, _ in claimed):
        return found
    return Held(BEGUN)


@dataclass(frozen=True)
class Balances:
    """What is known of the balances of some addresses in one asset.

    Attributes
    ----------
    moves : str
        By what balances of the asset move without transfers; empty where no way is known.
    claimed : mapping of bytes to tuple of Reading
        Readings of each address that claim to be whole.
    times : mapping of bytes to Times
        First and last movement of each.
    finish : datetime or None
        End of the span.
    """

    moves: str
    claimed: Mapping[bytes, tuple[Reading, ...]]
    times: Mapping[bytes, Times]
    finish: datetime | None = None

    @classmethod
    def read(cls, ledger: Ledger, asset: Asset, rows: pl.DataFrame) -> Balances:
        """Read what a ledger claims; ``rows`` are the asset's transfers: time, sender, receiver."""
        seen = rows if ledger.end is None else rows.filter(pl.col("time") < ledger.end)
        claimed = histories(ledger, asset, claimed=True)
        moves = unlisted_moves(asset.chain, asset.contract)
        if overdrawn(ledger, asset):
            moves = OVERDRAWN
        runs = asset.contract is None and readings_of_blocks(ledger, asset.chain, coin=True)
        if runs:  # of the coin whole blocks alone tell fees, rewards and calls
            moves, claimed = "", dict.fromkeys(claimed, runs)
        return cls(
            moves,
            claimed,
            movement_times(seen, ("sender", "receiver")),
            ledger.end,
        )

    def kept(self, address: bytes) -> Held:
        """Return whether what came into a balance is known to be there, and as of when."""
        if self.moves:
            return Held(self.moves)
        times = self.times.get(address, (None, None))
        return kept(self.claimed.get(address, ()), times, self.finish)

    def every_transfer(self, address: bytes) -> Held:
        """Return whether every transfer of an address was read, whatever else moves balances."""
        times = self.times.get(address, (None, None))
        return every_transfer(self.claimed.get(address, ()), times)


def movement_times(rows: pl.DataFrame, sides: Iterable[str]) -> dict[bytes, Times]:
    """Return the first and the last time of the rows of each address; None where one has none."""
    both = pl.concat(rows.select("time", pl.col(side).alias("address")) for side in sides)
    timeless = pl.col("time").is_null().any()
    found = both.group_by("address").agg(
        pl.when(~timeless).then(pl.col("time").min()).alias("first"),
        pl.when(~timeless).then(pl.col("time").max()).alias("last"),
    )
    return {address: (first, last) for address, first, last in found.iter_rows()}
