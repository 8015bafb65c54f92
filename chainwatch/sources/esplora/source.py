"""Histories, transactions and blocks from an Esplora server: mempool.space, Blockstream, one's own.

Every transaction must hash to its id and be proven to its place in a block by a Merkle branch and
a header with its proof of work, or nothing of it is written. An address asked of a stranger's
server is told to a stranger: see :mod:`chainwatch.net.policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from chainwatch.addresses import canonical as address_texts
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.ingest import reorg
from chainwatch.ingest.known_history import NOTHING, held_histories
from chainwatch.ingest.protocol import Batch, Reader, Span, checked_span, read_units
from chainwatch.ingest.reorg import MOST_RESTARTS, Known, Moved, check_network, stale_part
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame, time_of
from chainwatch.ingest.targets import Target, targets_of
from chainwatch.net.client import Auth, Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sources.esplora.blocks import read_span
from chainwatch.sources.esplora.fields import Read
from chainwatch.sources.esplora.history import (
    Found,
    read_history,
    touches,
)
from chainwatch.sources.esplora.reading import (
    Run,
    behind,
    check_tip,
    earlier_reading,
    unread,
)
from chainwatch.sources.esplora.rows import proven_rows
from chainwatch.sources.esplora.server import Server
from chainwatch.sources.parameters import (
    Addresses,
    Argument,
    Asked,
    AtLeast,
    OnlyInPython,
    Option,
    Secret,
    Wanted,
)

if TYPE_CHECKING:
    import httpx2

LARGEST_PAGE = 128 << 20
"""Bytes of one answer: 25 transactions with large witnesses, written in hexadecimal three times."""

MOST_TRANSACTIONS = 10_000
"""Transactions of one history that are read unless the user asks for more."""

_TOGETHER = 25
"""Transactions that make a batch."""


class Esplora:
    """An Esplora server as a source.

    Parameters
    ----------
    url : str
        Base of the API, such as ``https://blockstream.info/api``.
    addresses : iterable of str or bytes
        Whose histories are read.
    scripts : iterable of bytes
        Output scripts whose histories are read; for those that have no address.
    transactions : iterable of str or bytes
        Single transactions, by their id.
    span : (int, int or None), optional
        Heights of whole blocks to read, half-open; without an end, up to the tip.
    chain : str or Chain
        Alias or CAIP-2 id; the server must begin with its first block.
    own : bool, optional
        The server is one's own; by default if its host is a private or loopback address.
    max_transactions : int
        Transactions of one history; what is older is left out and said to be.
    keep_raw : bool
        Keep the answers with the transactions in ``answers``; proofs and headers always are.
    progress : callable, optional
        Called with one line of text after each page.
    per_second : float, optional
        Requests a second; no limit for your own server, else 4.
    headers : mapping of str to str, optional
        Header fields with a key in them; their values are shown nowhere.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.
    auth, transport
        As for :class:`chainwatch.net.client.Client`.

    Notes
    -----
    A stranger's server learns which addresses you look at, all of an extended key's too.

    Examples
    --------
    chainwatch pull esplora https://mempool.space/api --addresses-file seized.txt --ledger ledger

    Fails when
    ----------
    The server leaves transactions out and its counts with them: completeness is its word, held
    only against what the ledger has. So are
    the height and the branch of a block, beyond its proof of work; what an input spends where the
    transaction that made it is not read; and a ``wtxid``, which the id does not cover.

    References
    ----------
    BIP37 (partial Merkle trees), BIP141 (witness ids).
    """

    name = "esplora"

    unknown: tuple[str, ...] = ()
    """Of what it reports it knows every column; histories report no rows of ``blocks``."""

    def __init__(
        self, url: Annotated[str, Argument(), Asked()],
        addresses: Annotated[Iterable[str | bytes], Argument(), Addresses(), Wanted()] = (), *,
        scripts: Annotated[Iterable[bytes], Option("--script"), Wanted()] = (),
        transactions: Annotated[Iterable[str | bytes], Option("--transaction"), Wanted()] = (),
        span: Annotated[Span | None, Wanted()] = None, chain: str | Chain = "btc",
        own: bool | None = None, max_transactions: Annotated[int, AtLeast(1)] = MOST_TRANSACTIONS,
        keep_raw: bool = True,
        progress: Annotated[Callable[[str], None] | None, OnlyInPython()] = None,
        per_second: float | None = None,
        headers: Annotated[Mapping[str, str] | None, Option("--header"), Secret()] = None,
        auth: Annotated[Auth | None, OnlyInPython()] = None, timeout: float = 30.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.targets = targets_of(addresses, scripts, self.network)
        self.transactions = tuple(dict.fromkeys(_txid(item, self.network) for item in transactions))
        self.span, self.max_transactions, self.keep_raw = (
            checked_span(span), max_transactions, keep_raw
        )  # fmt: skip
        if max_transactions < 1:
            raise InputError(
                f"a history of at most {max_transactions} transactions is none",
                remedy="ask for at least 1",
            )
        self._progress = progress
        self._own = is_own_host(split_url(url, self.name).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=self._own, per_second=per_second, headers=headers,
            auth=auth, timeout=timeout, max_bytes=LARGEST_PAGE, attempts=attempts,
            transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        asked = f"{len(self.targets)} histories, {len(self.transactions)} transactions"
        return f"Esplora({self._client.host!r}, {asked}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield what was asked for: blocks, then single transactions, then histories.

        Raises
        ------
        ChainError
            If the server is of another chain.
        SourceError
            If an answer is wrong in any way that can be seen; what was yielded before was right.
        NetworkRefused
            If the policy of the process forbids to ask.
        """
        with self._client as client:
            server = Server(client, self.network, self.name, self.keep_raw)
            known = Known(server, reader)
            tip = server.tip()
            check_network(server, tip.height)
            run = Run(server, known, tip, read_units(reader, self.chain))
            again = tuple(self._asked_again(run.units))
            yield Batch({}, again, "read before", notes=behind(known, tip))
            for _ in range(MOST_RESTARTS):
                stale = stale_part(known, reorg.Tip(run.tip.height, run.tip.hash, run.tip.height))
                if stale is not None:
                    yield stale
                    run.units = read_units(reader, self.chain)
                run.held = held_histories(known, self.targets)
                try:
                    yield from self._all(run)
                    return
                except Moved:
                    pass
                except NoAnswer:
                    raise
                except SourceError:
                    # What was orphaned a moment ago is not to be found: no error of the server.
                    if server.hash_at(run.tip.height) == run.tip.hash:
                        raise
                server.take()
                run.tip = server.tip()
        raise SourceError(
            f"the chain was reorganised {MOST_RESTARTS} times while it was read",
            where=self._client.host,
            remedy="try again later, or ask another server",
            passing=True,
        )

    def _all(self, run: Run) -> Iterator[Batch]:
        if self.span:
            yield from read_span(run, self.span, self._wanted, self._tell)
        yield from self._singles(run)
        for target in self.targets:
            yield from self._history(run, target)

    def _wanted(self, read: Read) -> bool:
        asked = read.tx.txid in self.transactions
        return asked or any(touches(target, read) for target in self.targets)

    def _asked_again(self, units: set[str]) -> Iterator[str]:
        """Yield the units of single transactions that were read before."""
        asked = {hash_text(txid) for txid in self.transactions}
        parts = [unit.split("/") for unit in units if unit.startswith("transaction/")]
        yield from sorted("/".join(part) for part in parts if part[2] in asked)

    def _singles(self, run: Run) -> Iterator[Batch]:
        read_before = {unit.rpartition("/")[2] for unit in self._asked_again(run.units)}
        for txid in self.transactions:
            if hash_text(txid) in read_before:
                continue
            read = run.server.transaction(txid)
            if read.height is None or read.height > run.tip.height:
                note = f"transaction {hash_text(txid)} is not confirmed and was not read"
                yield Batch({}, (), "", notes=(note,))
                continue
            yield from self._placed(run, [read], f"transaction {hash_text(txid)}")

    def _history(self, run: Run, target: Target) -> Iterator[Batch]:
        unit = f"{target.key}/{hash_text(run.tip.hash)}"
        if unit in run.units:
            yield Batch({}, (unit,), f"{target.name}, read before")
            return
        found, run.tip = read_history(
            run.server, target, run.tip, earlier=earlier_reading(run.known, target),
            held=run.held.get(target.key, NOTHING), most=self.max_transactions,
            progress=self._progress,
        )  # fmt: skip
        yield from self._placed(run, found.reads, target.name)
        check_tip(run.server, run.tip)
        batch = self._covered(run, target, found)
        run.units.update(batch.units)
        run.known.recent[run.tip.height] = (run.tip.hash, run.tip.header.bits)
        yield batch

    def _placed(self, run: Run, reads: list[Read], what: str) -> Iterator[Batch]:
        """Prove transactions, the oldest first, and yield them a few at a time."""
        new = unread(run, reads)
        new.sort(key=lambda read: (read.height or 0, read.tx.txid))
        for start in range(0, len(new), _TOGETHER):
            placed = []
            for read in new[start : start + _TOGETHER]:
                placed.append(run.server.place(read, read.height or 0, read.block or b""))
            check_tip(run.server, run.tip)
            run.known.recent |= {
                p.height: (p.header.hash, p.header.bits) for p in (item.placed for item in placed)
            }
            placed.sort(key=lambda item: item.placed.number)
            tables = proven_rows(placed, self.network, source=self.name)
            tables["answers"] = answers_frame(run.server.take())
            done = tuple(tables["coverage"]["unit"])
            run.units.update(done)
            self._tell(f"{what}: {start + len(placed):,} of {len(new):,} proven")
            yield Batch(tables, done, what, tip=run.tip.hash)

    def _covered(self, run: Run, target: Target, found: Found) -> Batch:
        tip, unit = run.tip, f"{target.key}/{hash_text(run.tip.hash)}{found.suffix}"
        if found.waiting:
            waiting = f"{target.name}: {found.waiting:,} unconfirmed transactions were not read"
            found.notes.append(waiting)
        row: dict[str, Any] = {
            "chain": self.chain, "unit": unit, "kind": target.kind,
            "height": tip.height, "block": tip.hash, "address": target.address,
            "to_time": time_of(tip.header), "complete": found.complete, "source": self.name,
            "answer": found.answer.digest,
        }  # fmt: skip
        tables = {"coverage": coverage_frame([row]), "answers": answers_frame(run.server.take())}
        return Batch(tables, (unit,), target.name, tip=tip.hash, notes=tuple(found.notes))

    def _tell(self, line: str) -> None:
        if self._progress:
            self._progress(line)


def _txid(given: str | bytes, chain: Chain) -> bytes:
    if isinstance(given, str):
        return address_texts.parse_txid(given, chain)
    if len(given) != 32:
        raise InputError(
            f"{len(given)} bytes are no transaction id",
            remedy="give its 32 bytes in wire order, or its id as text",
        )
    return given
