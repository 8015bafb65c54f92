"""The whole history of one address or script from an Esplora server, at one tip.

All pages are read before any transaction is used, so that what the transactions say of each other
is compared first. A history is that of a moment: the tip must still be in the best chain when the
last page has been read, and what is in later blocks is left for the next reading. What was read
before is not asked again as long as it makes up, with what is new, what the server counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.merkle import LIAR
from chainwatch.errors import SourceError
from chainwatch.ingest.known_history import KnownHistory
from chainwatch.ingest.reorg import MOST_RESTARTS, Moved
from chainwatch.ingest.targets import Target
from chainwatch.ledger.output_status import DENIED
from chainwatch.net.client import Answer
from chainwatch.sources.esplora.fields import History, Read
from chainwatch.sources.esplora.server import BestBlock, Server
from chainwatch.sources.esplora.totals import check_stories, differences

LARGEST_HISTORY = 512 << 20
"""Bytes of pages; a history that is longer is read in part."""

_MORE = "ask for more with max_transactions (--max-transactions)"
_WHOLE = "their pages are too long for one history: read the blocks themselves, from a node"


def touches(target: Target, read: Read) -> bool:
    """Tell whether a transaction pays or spends from a target, as far as is said."""
    if any(script == target.script for _, script in read.tx.outputs):
        return True
    spent = () if read.coinbase else read.spent
    return any(item is None or item.script == target.script for item in spent)


def _path(target: Target) -> str:
    return (
        f"/scripthash/{target.digest.hex()}"
        if target.address is None
        else (f"/address/{target.name}")
    )


@dataclass(frozen=True)
class Earlier:
    """How far a history was read before.

    Attributes
    ----------
    whole : int
        Height up to which the ledger has everything; -1 without such a reading.
    newest, count : int
        Height from which downwards it has the newest transactions of a reading that was cut, and
        how many; -1 without one.
    by_size : bool
        It was cut because its pages were too long, not after a number of transactions.
    """

    whole: int = -1
    newest: int = -1
    count: int = 0
    by_size: bool = False

    def reach(self, most: int) -> int:
        """Return the height down to which to read, where ``most`` transactions are wanted."""
        enough = self.by_size or self.count >= most
        return max(self.whole, self.newest) if enough else self.whole


@dataclass
class Found:
    """A history: its confirmed transactions, newest first, and what is to be said of it.

    ``cut`` is "newest" or "largest" where the older ones were left out for their number or size,
    and ``count`` are those newest ones that were read before.
    """

    counts: History
    answer: Answer
    reads: list[Read] = field(default_factory=list)
    waiting: int = 0
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    cut: str = ""
    count: int = 0

    @property
    def suffix(self) -> str:
        """What sets the unit of a history apart that is not complete."""
        kind = self.cut or DENIED
        return "" if self.complete else f"/{kind}/{self.count + len(self.reads)}"


def read_history(
    server: Server, target: Target, tip: BestBlock, *, earlier: Earlier, held: KnownHistory,
    most: int, progress: Callable[[str], None] | None,
) -> tuple[Found, BestBlock]:  # fmt: skip
    """Read the pages of a history, down to what was read before.

    Parameters
    ----------
    server, target, tip
        Whom to ask, about what, and as of which block.
    earlier : Earlier
        How far it was read before.
    held : Held
        What the ledger holds of it. If that and what is new is not what the server counts, all is
        read again; if it is not then either, the history is not complete.
    most : int
        Transactions after which the reading stops.
    progress : callable or None
        Called with one line after each page.

    Returns
    -------
    (Found, BestBlock)
        The transactions that are new and not above the tip; and the tip, which is a later one if
        a block came in between.

    Raises
    ------
    SourceError
        If a page repeats what was there, is out of order, or is of somebody else, or if the
        server tells two stories of one output.
    Moved
        If the chain was reorganised.
    """
    known_to, attempts = earlier.reach(most), 1
    while True:
        found = _pages(server, target, known_to, most, progress)
        if known_to > earlier.whole and found.complete:
            found.cut, found.count = "largest" if earlier.by_size else "newest", earlier.count
            found.complete = False
        if server.hash_at(tip.height) != tip.hash:
            raise Moved
        differ = _differences(found, target, held, known_to, tip) if found.complete else []
        if differ and attempts < MOST_RESTARTS and server.hash_at(tip.height + 1):
            attempts, tip = attempts + 1, server.tip()  # one came between the counts and the pages
        elif differ and known_to >= 0:
            known_to = -1
        else:
            return _finished(server, target, found, tip, differ), tip


def _differences(
    found: Found, target: Target, held: KnownHistory, known_to: int, tip: BestBlock
) -> list[str]:
    return differences(
        target.name, target.script, found.counts.chain_stats, found.reads, held, known_to,
        tip.height,
    )  # fmt: skip


def _finished(
    server: Server, target: Target, found: Found, tip: BestBlock, differ: list[str]
) -> Found:
    """Return a history without what stands above the tip, and with all that is to be said."""
    low = [read for read in found.reads if (read.height or 0) <= tip.height]
    if len(low) < len(found.reads) and server.hash_at(tip.height + 1) is None:
        raise SourceError(
            "a transaction is said to stand above the tip of the chain",
            where=f"{server.client.host}, {target.name}",
            remedy="pull again, for a block may have gone; if it stays, ask another server",
        )
    found.reads = low
    found.complete &= not differ
    found.notes += differ
    if found.cut:
        remedy = _MORE if found.cut == "newest" else _WHOLE
        found.notes.append(
            f"{target.name}: more than {found.count + len(low):,} transactions: the older ones"
            f" were not read; {remedy}"
        )
    check_stories(found.reads, server.client.host)
    return found


def _pages(
    server: Server, target: Target, known_to: int, most: int,
    progress: Callable[[str], None] | None,
) -> Found:  # fmt: skip
    counts, answer = server.history(_path(target))
    found = Found(counts, answer, waiting=counts.mempool_stats.tx_count)
    where = f"{server.client.host}, {target.name}"
    size, seen, lowest = 0, set[bytes](), None
    for page, length in _each_page(server, target):
        size += length
        _check_page(page, target, seen, where)
        heights = [read.height for read in page if read.height is not None]
        if heights and lowest is not None and max(heights) > lowest:
            raise SourceError(
                "the pages do not run from the newest to the oldest", where=where,
                remedy="pull again, for the chain may have changed; if it stays, ask another"
                " server",
            )  # fmt: skip
        lowest = min(heights, default=lowest)
        found.reads += [r for r in page if r.height is not None and r.height > known_to]
        if progress:
            progress(f"{target.name}: {len(found.reads):,} of {counts.chain_stats.tx_count:,}")
        if len(found.reads) > most or size > LARGEST_HISTORY:
            found.cut = "newest" if len(found.reads) > most else "largest"
            found.complete = False
            del found.reads[most:]
            return found
        if lowest is not None and lowest <= known_to:
            return found
        if len(found.reads) == counts.chain_stats.tx_count:
            break
    return found


def _check_page(page: list[Read], target: Target, seen: set[bytes], where: str) -> None:
    for read in page:
        if read.tx.txid in seen:
            raise SourceError(
                f"a page repeats transaction {hash_text(read.tx.txid)}", where=where,
                remedy="ask another server: this one does not come to an end",
            )  # fmt: skip
        seen.add(read.tx.txid)
        if not touches(target, read):
            raise SourceError(
                f"transaction {hash_text(read.tx.txid)} has nothing to do with it", where=where,
                remedy=LIAR,
            )  # fmt: skip


def _each_page(server: Server, target: Target) -> Iterator[tuple[list[Read], int]]:
    """Yield the transactions and bytes of each page until one is empty."""
    path = f"{_path(target)}/txs"
    while True:
        page, answer = server.transactions(path)
        confirmed = [read for read in page if read.height is not None]
        yield page, len(answer.body)
        if not confirmed:
            return
        path = f"{_path(target)}/txs/chain/{hash_text(confirmed[-1].tx.txid)}"
