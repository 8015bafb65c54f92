"""The whole history of one address or script from an Esplora server, at one tip.

All pages are read before any transaction is used, so that what the transactions say of each other
is compared first. A history is that of a moment: the tip must still be in the best chain when the
last page has been read, and what is in later blocks is left for the next reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chainwatch import addresses
from chainwatch.chains import Chain
from chainwatch.errors import SourceError
from chainwatch.scripts import classify, script_of
from chainwatch.sources.esplora_json import History, Read
from chainwatch.sources.esplora_rows import shown
from chainwatch.sources.esplora_server import Server, Tip
from chainwatch.sources.http import Answer

LARGEST_HISTORY = 512 << 20
"""Bytes of pages; a history that is longer is read in part."""

MOST_RESTARTS = 5
"""Times that a reading is begun again because the chain went on or was reorganised meanwhile."""


class Moved(Exception):
    """The tip as of which something was read is no longer in the best chain."""


@dataclass(frozen=True)
class Target:
    """An address or a script whose history is read."""

    script: bytes
    address: bytes | None
    name: str
    path: str
    key: str

    def touches(self, read: Read) -> bool:
        """Tell whether a transaction pays or spends from it, as far as is said."""
        if any(script == self.script for _, script in read.tx.outputs):
            return True
        spent = () if read.coinbase else read.spent
        return any(item is None or item.script == self.script for item in spent)


def address_target(given: str | bytes, chain: Chain) -> Target:
    """Return the target of an address, as text or canonical bytes."""
    address = addresses.parse(given, chain) if isinstance(given, str) else given
    name = addresses.text(address, chain)
    return Target(script_of(address), address, name, f"/address/{name}", f"address/{address.hex()}")


def script_target(script: bytes, chain: Chain) -> Target:
    """Return the target of an output script that has no address."""
    found = classify(script, witness=chain.hrp is not None).address
    if found is not None:
        return address_target(found, chain)
    key = hashlib.sha256(script).hexdigest()
    return Target(script, None, f"script {key}", f"/scripthash/{key}", f"script/{key}")


@dataclass
class Found:
    """A history: its confirmed transactions, newest first, and what is to be said of it."""

    counts: History
    answer: Answer
    reads: list[Read] = field(default_factory=list)
    waiting: int = 0
    complete: bool = True
    notes: list[str] = field(default_factory=list)


def read_history(
    server: Server, target: Target, tip: Tip, *, known_to: int, most: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[Found, Tip]:  # fmt: skip
    """Read all pages of a history.

    Parameters
    ----------
    server, target, tip
        Whom to ask, about what, and as of which block.
    known_to : int
        Height up to which an earlier reading has everything; -1 without one.
    most : int
        Transactions after which the reading stops.
    progress : callable, optional
        Called with one line after each page.

    Returns
    -------
    (Found, Tip)
        The transactions above ``known_to`` and not above the tip; and the tip, which is a later
        one if a block came in between.

    Raises
    ------
    SourceError
        If a page repeats what was there, is out of order, or is of somebody else, or if the
        server tells two stories of one output.
    Moved
        If the chain was reorganised.
    """
    for attempt in range(MOST_RESTARTS):
        found = _pages(server, target, known_to, most, progress)
        if server.hash_at(tip.height) != tip.hash:
            raise Moved
        differ = _differences(found, target) if found.complete and known_to < 0 else []
        if differ and attempt + 1 < MOST_RESTARTS and server.hash_at(tip.height + 1):
            tip = server.tip()  # a block came between the counts and the pages
            continue
        found.complete &= not differ
        found.notes += differ
        held = [read for read in found.reads if (read.height or 0) <= tip.height]
        if len(held) < len(found.reads) and server.hash_at(tip.height + 1) is None:
            raise SourceError(
                "a transaction is said to stand above the tip of the chain",
                where=f"{server.client.host}, {target.name}",
            )
        found.reads = held
        check_stories(found.reads, server.client.host)
        return found, tip
    raise AssertionError("the last attempt returns")  # pragma: no cover


def _pages(
    server: Server, target: Target, known_to: int, most: int,
    progress: Callable[[str], None] | None,
) -> Found:  # fmt: skip
    counts, answer = server.history(target.path)
    found = Found(counts, answer, waiting=counts.mempool_stats.tx_count)
    where = f"{server.client.host}, {target.name}"
    size, seen, lowest = 0, set[bytes](), None
    for page, length in _each_page(server, target):
        size += length
        confirmed = [read for read in page if read.height is not None]
        for read in page:
            if read.tx.txid in seen:
                raise SourceError(
                    f"a page repeats transaction {shown(read.tx.txid)}", where=where,
                    remedy="ask another server: this one does not come to an end",
                )  # fmt: skip
            seen.add(read.tx.txid)
            if not target.touches(read):
                raise SourceError(
                    f"transaction {shown(read.tx.txid)} has nothing to do with it", where=where
                )
        heights = [read.height or 0 for read in confirmed]
        if heights and lowest is not None and max(heights) > lowest:
            raise SourceError("the pages do not run from the newest to the oldest", where=where)
        lowest = min(heights, default=lowest)
        found.reads += [read for read in confirmed if (read.height or 0) > known_to]
        if progress:
            progress(f"{target.name}: {len(found.reads):,} of {counts.chain_stats.tx_count:,}")
        if len(found.reads) > most or size > LARGEST_HISTORY:
            return _cut(found, target, most)
        if lowest is not None and lowest <= known_to:
            return found
        if len(found.reads) == counts.chain_stats.tx_count:
            break
    return found


def _each_page(server: Server, target: Target) -> Iterator[tuple[list[Read], int]]:
    """Yield the transactions and bytes of each page until one is empty."""
    path = f"{target.path}/txs"
    while True:
        page, answer = server.transactions(path)
        confirmed = [read for read in page if read.height is not None]
        yield page, len(answer.body)
        if not confirmed:
            return
        path = f"{target.path}/txs/chain/{shown(confirmed[-1].tx.txid)}"


def _cut(found: Found, target: Target, most: int) -> Found:
    found.complete = False
    del found.reads[most:]
    found.notes.append(f"{target.name}: more than {len(found.reads):,} transactions: the older"
                       " ones were not read")  # fmt: skip
    return found


def _differences(found: Found, target: Target) -> list[str]:
    """Return in words where the sums of a history are not those that the server states of it."""
    stats = found.counts.chain_stats
    outputs = [output for read in found.reads for output in read.tx.outputs]
    prevouts = [item for read in found.reads for item in read.spent if item is not None]
    paid = sum(value for value, script in outputs if script == target.script)
    spent = sum(item.value for item in prevouts if item.script == target.script)
    sums = (
        ("transactions", stats.tx_count, len(found.reads)),
        ("base units received", stats.funded_txo_sum, paid),
        ("base units spent", stats.spent_txo_sum, spent),
    )
    return [
        f"{target.name}: the server counts {stated:,} {what} and lists {listed:,}"
        for what, stated, listed in sums
        if stated != listed
    ]


def check_stories(reads: list[Read], host: str) -> None:
    """Refuse a server that says of an output what the transaction that made it does not.

    Raises
    ------
    SourceError
        If a prevout differs from the output of a transaction that is here too, or two
        transactions spend one output.
    """
    made = {read.tx.txid: read.tx.outputs for read in reads}
    spent: set[tuple[bytes, int]] = set()
    for read in reads:
        if read.coinbase:
            continue
        where = f"{host}, transaction {shown(read.tx.txid)}"
        for (txid, n, _), item in zip(read.tx.inputs, read.spent, strict=True):
            if (txid, n) in spent:
                raise SourceError("two transactions spend one output", where=where)
            spent.add((txid, n))
            outputs = made.get(txid)
            if outputs is None:
                continue
            if n >= len(outputs) or (item and (item.value, item.script) != outputs[n]):
                raise SourceError(
                    f"what it is said to spend is not output {n} of {shown(txid)}",
                    where=where,
                    remedy="ask another server: this one is wrong or lies",
                )
