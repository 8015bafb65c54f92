"""What is known of an output: spent, unspent as of some block, or not known. Decided here alone.

Three things speak of an output: an input that spends it; the run of whole blocks that begins with
its own; and a whole history of its address or script, up to the block at which it was read. A
history and the blocks that follow it make one claim. Of several claims the highest holds, and an
input that spends the output speaks before all of them, wherever it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS, TIME
from chainwatch.ledger.whole_blocks import WholeBlocks

DENIED = "partial"
"""Stands in the unit of a history whose transactions are fewer than its own server counts."""

BY_BLOCKS = "by blocks"
"""How a claim is made that rests on whole blocks alone."""

SPENT, UNSPENT, NOT_KNOWN, UNSPENDABLE = "spent", "unspent", "not known", "cannot be spent"
STATUSES = (SPENT, UNSPENT, NOT_KNOWN, UNSPENDABLE)


class AsOf(NamedTuple):
    """A block up to which something is known: height, hash, time of its header, and by what."""

    height: int
    block: bytes | None
    time: datetime | None
    by: str

    def __str__(self) -> str:
        return f"{block_text(self.height, self.time)}, {self.by}"


def block_text(height: int, time: datetime | None) -> str:
    """Return a block in words: its height, and the day that its header states."""
    return f"block {height:,} ({day_text(time)})"


def day_text(time: datetime | None) -> str:
    """Return the day of a block in words."""
    return "its date was not read" if time is None else f"{time:%Y-%m-%d}"


class History(NamedTuple):
    """What the readings of one address or script up to one block say.

    ``height`` is None where the source told none. ``whole`` is true where one of them claims to
    hold all, and no reading up to that block or a later one lists less than its server counts.
    """

    height: int | None
    block: bytes | None
    time: datetime | None
    source: str
    whole: bool


def owner_key(address: bytes | None, script: bytes | None) -> str:
    """Return how units of coverage name the owner of an output: its address, or its script."""
    if address is not None:
        return f"address/{address.hex()}"
    return f"script/{hashlib.sha256(script or b'').hexdigest()}"


@dataclass(frozen=True, eq=False)
class OutputStatus:
    """All that was read of one chain, ready to be asked about outputs.

    Attributes
    ----------
    blocks : WholeBlocks
        The blocks read whole.
    histories : mapping of str to tuple of History
        By :func:`owner_key`, one per block at which it was read, the lowest first.
    """

    blocks: WholeBlocks
    histories: Mapping[str, tuple[History, ...]]

    @classmethod
    def read(cls, ledger: Ledger, chain: Chain | str) -> OutputStatus:
        """Load what was read of a chain, whatever the span of the ledger."""
        return cls(WholeBlocks.read(ledger, chain), _histories(ledger, chain))

    @property
    def of_scripts(self) -> bool:
        """Whether the history of any output script was read."""
        return any(owner.startswith("script/") for owner in self.histories)

    def unspent(self, height: int, block: bytes | None, owner: str) -> AsOf | None:
        """Return up to which block no input can have spent an output without being read.

        Parameters
        ----------
        height, block : int, bytes or None
            The block of the transaction that made it.
        owner : str
            From :func:`owner_key`.

        Returns
        -------
        AsOf or None
            The highest such block; None where nothing that was read speaks of the output.

        Fails when
        ----------
        A server leaves a transaction out of a history and its counts with it.
        """
        return _highest(self._from_block(height, block), *self._from_histories(owner, height))

    def history_of(self, address: bytes) -> AsOf | None:
        """Return up to which block every payment to and by an address was read."""
        histories = self._from_histories(owner_key(address, None), 0)
        return _highest(self.every_block(), *histories)

    def history_ends(self) -> list[AsOf]:
        """Return where the last whole history of each address and script ends."""
        found = []
        for told in self.histories.values():
            ends = [
                AsOf(height, block, time, f"by the history of an address or script from {source}")
                for height, block, time, source, whole in told
                if whole and height is not None
            ]
            found += ends[-1:]
        return found

    def read_until(self, addresses: pl.Series) -> pl.DataFrame:
        """Return up to which block every payment to and by some addresses was read.

        Parameters
        ----------
        addresses : polars.Series
            Canonical bytes, each once.

        Returns
        -------
        polars.DataFrame
            ``address, top, until``: height and time of that block, as :meth:`history_of` has them
            for one address. Null where nothing says so.
        """
        blocks = self.every_block()
        said: dict[bytes, AsOf | None] = {}
        if self.histories:
            for address in addresses:
                own = self._from_histories(owner_key(address, None), 0)
                said[address] = _highest(blocks, *own)
        ends = [said.get(address, blocks) for address in addresses]
        return pl.DataFrame(
            {
                "address": addresses,
                "top": pl.Series([end and end.height for end in ends], dtype=pl.Int64),
                "until": pl.Series([end and end.time for end in ends], dtype=TIME),
            }
        )

    def unspent_rows(self, rows: pl.DataFrame) -> pl.Series:
        """Return of outputs for which no input was read whether they are known to be unspent.

        Parameters
        ----------
        rows : polars.DataFrame
            ``height, block, address, script``, as :meth:`unspent` asks for them.

        Returns
        -------
        polars.Series
            True where :meth:`unspent` names a block, else null.
        """
        key = ["height", "block"]
        whole = self.blocks.frame.select("height", block="hash", whole=pl.lit(True))
        found = rows.join(whole, on=key, how="left", maintain_order="left")["whole"]
        if not self.histories:
            return found
        answers = found.to_list()
        for place, (height, block, address, script) in enumerate(
            rows.select(*key, "address", "script").iter_rows()
        ):
            if answers[place] is None:
                owner = owner_key(address, script)
                known = owner in self.histories and self.unspent(height, block, owner)
                answers[place] = True if known else None
        return pl.Series("whole", answers, pl.Boolean)

    def every_block(self) -> AsOf | None:
        """Return the block up to which every block from the first on was read whole."""
        first = self.blocks.rows_at(0)
        if not first or self.blocks.forked:
            return None
        return self._from_block(*self.blocks.place(first[0])[:2])

    def status(
        self, height: int, block: bytes | None, owner: str, *, spender: int | None, spendable: bool
    ) -> tuple[str, int | None, datetime | None, str]:
        """Return what is known of an output: status, height and time as of which, and how.

        Parameters
        ----------
        height, block, owner : int, bytes or None, str
            As for :meth:`unspent`.
        spender : int or None
            Number of the transaction that spends it, as far as one was read.
        spendable : bool
            False where no key can move it.
        """
        if spender is not None:
            return SPENT, None, None, f"spent at height {spender >> POSITION_BITS:,}"
        if not spendable:
            return UNSPENDABLE, None, None, "no key moves it"
        known = self.unspent(height, block, owner)
        if known is None:
            return NOT_KNOWN, None, None, f"no spender was read: {self.why_not(height, owner)}"
        return UNSPENT, known.height, known.time, f"unspent as of {known}"

    def why_not(self, height: int, owner: str) -> str:
        """Return in words why nothing speaks of an output: what would have to be read."""
        kind = owner.partition("/")[0]
        lacking = f"block {height:,} was not read whole"
        told = self.histories.get(owner, ())
        if not told:
            return f"{lacking}, and no history of its {kind} was"
        last = told[-1]
        said = f"{lacking}, and the history of its {kind} from {last.source}"
        if not any(one.whole for one in told):
            return f"{said} does not claim to be whole"
        dated = [one.height for one in told if one.whole and one.height is not None]
        if not dated:
            return f"{said} does not say up to which block it was read"
        if max(dated) < height:
            return f"{said} ends before it, at block {max(dated):,}"
        return f"{said} ends on another branch of the chain"

    def _from_block(self, height: int, block: bytes | None) -> AsOf | None:
        row = self.blocks.row(height, block)
        if row is None:
            return None
        return AsOf(*self.blocks.place(int(self.blocks.top[row])), BY_BLOCKS)

    def _from_histories(self, owner: str, height: int) -> Iterator[AsOf]:
        """Yield how far each history reaches, with the blocks that follow the one it ends at."""
        for tip, block, time, source, whole in self.histories.get(owner, ()):
            if not whole or tip is None or tip < height or not self._on_branch(tip, block):
                continue
            by = f"by the history of the {owner.partition('/')[0]} from {source}"
            row = self.blocks.reach(tip, block)
            place = (tip, block, time) if row is None else self.blocks.place(row)
            if place[0] > tip:
                by += f" up to block {tip:,}, and by blocks after it"
            yield AsOf(*place, by)

    def _on_branch(self, height: int, block: bytes | None) -> bool:
        """Tell whether a block may be of the branch whose blocks were read."""
        others = self.blocks.rows_at(height)
        return block is None or not others or self.blocks.row(height, block) is not None


def _highest(*claims: AsOf | None) -> AsOf | None:
    """Return the highest claim, of several the first: blocks are proof, histories a word."""
    return max((one for one in claims if one), key=lambda one: one.height, default=None)


def _histories(ledger: Ledger, chain: Chain | str) -> dict[str, tuple[History, ...]]:
    """Return the readings of each address and script, one per block at which they were made."""
    whole = pl.col("complete").fill_null(False)
    parts = pl.col("unit").str.split("/")
    owner = pl.concat_str(parts.list.slice(0, 2).list.join("/"))
    address = pl.concat_str(pl.lit("address/"), pl.col("address").bin.encode("hex"))
    rows = (
        ledger.history.chain_only(chain)
        .coverage.filter(pl.col("kind").is_in(["address", "script"]))
        .with_columns(
            pl.when(pl.col("address").is_null()).then(owner).otherwise(address).alias("owner")
        )
        .group_by("owner", "height", "block")
        .agg(
            pl.col("to_time").max(),
            pl.col("source").sort_by(whole, "unit").last(),
            whole.any().alias("whole"),
            pl.col("unit").str.contains(f"/{DENIED}/", literal=True).any().alias("denied"),
        )
        .sort("owner", "height", "block", nulls_last=False)
        .select("owner", "height", "block", "to_time", "source", "whole", "denied")
        .collect()
    )
    found: dict[str, list[History]] = {}
    for (name, *_), own in rows.group_by("owner", maintain_order=True):
        lacking = own.filter("denied")["height"].to_list()
        for height, block, time, source, whole, _ in own.drop("owner").iter_rows():
            # What a server counts and does not list may lie below any block up to its own tip,
            # and where its tip is not known below any block at all.
            heard = whole and not any(
                height is None or tip is None or height <= tip for tip in lacking
            )
            found.setdefault(str(name), []).append(History(height, block, time, source, heard))
    return {name: tuple(told) for name, told in found.items()}
