"""Histories of addresses from an Electrum server, every transaction proven.

Nothing a server says of a transaction is believed: its bytes must hash to its id and are parsed
here, its place is proven by a Merkle branch to a header with its proof of work, and what it spends
is read from the bytes of the transactions before it. What stays the server's word is that a history
is whole, and that the blocks are those of the best chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.ingest.known_history import KnownHistory, held_histories, unlisted
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.reorg import MOST_RESTARTS, Known, Moved, check_network, stale_part
from chainwatch.ingest.rows.evidence import coverage_frame, time_of
from chainwatch.ingest.targets import Target, targets_of
from chainwatch.ledger import schema
from chainwatch.ledger.output_status import DENIED
from chainwatch.net.policy import is_own_host
from chainwatch.sources.electrum.headers import ElectrumHeaders, HeaderAt
from chainwatch.sources.electrum.history import Histories
from chainwatch.sources.electrum.rows import History, Part, Place, TooLong, unrepeated
from chainwatch.sources.electrum.wire import ElectrumWire
from chainwatch.sources.parameters import (
    Addresses,
    Argument,
    Asked,
    AtLeast,
    Option,
    Wanted,
)

_REFUSED = "/refused"
"""Ends the unit of a history that was not had: it may be tried again at the same tip."""


class Electrum:
    """An Electrum server as a source of address histories.

    Parameters
    ----------
    host : str
        The server, by name or address.
    port : int
        Its port.
    tls : bool, optional
        Speak TLS, where the certificate must be that of the host, signed by an authority. Not
        given: with every server that is not your own. A connection in clear all on the way can
        read and alter; proofs hold there too, a history may be cut.
    fingerprint : str, optional
        SHA-256 of the server's certificate, which then needs no authority; implies ``tls``.
    addresses : iterable of str or bytes
        Whose histories are read.
    scripts : iterable of bytes
        Output scripts that have no address, such as bare multisig.
    chain : str or Chain
        Alias or CAIP-2 id; the server's genesis block must be that of it.
    own : bool, optional
        The server is yours, and may be at a private address; seen from the host, if not given.
    max_transactions : int
        Transactions of one history; a longer one is not read, and is listed as incomplete.
    keep_raw : bool
        Keep the answers with transactions too. Histories, proofs and headers are always kept.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one question.
    per_second : float, optional
        Questions a second, above 0; 20 for third parties, else no limit. All sources that ask a
        host keep one pace together.

    Raises
    ------
    InputError
        If an address, a script, the server or a limit is none.

    Notes
    -----
    A stranger's server learns which addresses you look at, all of an extended key's too.

    Examples
    --------
    chainwatch pull electrum 127.0.0.1:50001 --addresses-file seized.txt --ledger ledger

    Fails when
    ----------
    The server leaves a transaction out of a history, or shows blocks with work that are not of
    the best chain: neither can be seen from one server. The coinbase of the genesis block, which
    servers do not hand out, is never listed.

    References
    ----------
    Electrum protocol 1.4; BIP37 (Merkle branches).
    """

    name = "electrum"
    unknown: tuple[str, ...] = tuple(f"blocks.{name}" for name in schema.BLOCKS.schema)

    def __init__(
        self, host: Annotated[str, Argument(), Asked(port="port")], port: int, *,
        tls: Annotated[bool | None, Option("--tls/--plain")] = None,
        fingerprint: str | None = None,
        addresses: Annotated[Iterable[str | bytes], Argument(), Addresses(), Wanted()] = (),
        scripts: Annotated[Iterable[bytes], Option("--script"), Wanted()] = (),
        chain: str | Chain = "btc", own: bool | None = None,
        max_transactions: Annotated[int, AtLeast(1)] = 50_000, keep_raw: bool = False,
        timeout: float = 30.0, attempts: Annotated[int, AtLeast(1)] = 5,
        per_second: float | None = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.targets = targets_of(addresses, scripts, self.network)
        self.max_transactions, self._keep_raw = max_transactions, keep_raw
        if max_transactions < 1:
            raise InputError(
                f"max_transactions is {max_transactions}, so that no history could be read",
                remedy="give a number from 1 on, or leave it out",
            )
        self._wire = ElectrumWire(
            host, port, source=self.name, own=is_own_host(host) if own is None else own, tls=tls,
            fingerprint=fingerprint, timeout=timeout, attempts=attempts, per_second=per_second,
        )  # fmt: skip

    def __repr__(self) -> str:
        count = len(self.targets)
        return f"Electrum({self._wire.host!r}, {count} scripts, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield histories not yet read up to the server's tip: transactions, then the claim to all.

        A transaction is a unit of its own and is asked for once. That a history is whole is said
        last, when all of it is read and the tip still stands.

        Raises
        ------
        ChainError
            If the server is of another network.
        SourceError
            If it contradicts itself, or what it says does not hash to what it should.
        NoAnswer
            If it cannot be reached.
        """
        with self._wire as wire:
            headers = ElectrumHeaders(wire, self.network, source=self.name)
            server = Histories(wire, headers, source=self.name, keep_raw=self._keep_raw)
            known = Known(headers, reader)
            headers.check_features()
            best = headers.best()
            check_network(headers, best.height)
            for _ in range(MOST_RESTARTS):
                stale = stale_part(known, best.tip)
                if stale is not None:
                    server.forget(stale.stale or 0)
                    yield stale
                try:
                    yield from self._histories(server, known, best)
                    return
                except Moved:
                    headers.forget()
                    best = headers.best()
        raise SourceError(
            f"the chain was reorganised {MOST_RESTARTS} times while it was read",
            where=self._wire.host,
            remedy="try again later",
            passing=True,
        )

    def _histories(self, server: Histories, known: Known, best: HeaderAt) -> Iterator[Batch]:
        """Yield what of each history is not read, as many together as fit into memory."""
        tip = best.fields.hash
        read = read_units(known.reader, self.chain)
        held = tuple(_unit(target, tip) for target in self.targets if _unit(target, tip) in read)
        if held:
            yield Batch({}, held, "histories read before")
        todo = [target for target in self.targets if _unit(target, tip) not in read]
        names = [(target.digest[::-1].hex(), target.name) for target in todo]
        targets, holds = iter(todo), held_histories(known, todo)
        for found in server.histories(names, best.height, self.max_transactions):
            some = list(zip(itertools.islice(targets, len(found)), found, strict=True))
            yield from self._read(server, known, some, best, holds)

    def _read(
        self, server: Histories, known: Known, some: _Some, best: HeaderAt,
        holds: Mapping[str, KnownHistory],
    ) -> Iterator[Batch]:  # fmt: skip
        """Yield the transactions of some histories, and each history once it is read."""
        listed = [found.places if isinstance(found, History) else () for _, found in some]
        new = server.unread(listed, known.reader)
        queue = [place for places in new for place in places]
        labels = [target.name for (target, _), mine in zip(some, new, strict=True) for _ in mine]
        ends = itertools.accumulate(map(len, new))
        waiting = list(zip(ends, some, strict=True))
        done = 0
        for part, now in self._standing(server, queue, best):
            known.recent |= part.blocks
            if part.places:
                server.hand_on(part.places)
                what = labels[done : done + len(part.places)]
                done += len(part.places)
                yield _batch(part, what, best)
            while waiting and waiting[0][0] <= done:
                _, (target, found) = waiting.pop(0)
                known.recent[best.height] = best.place
                yield self._covered(target, found, best, now, holds[target.key])

    def _standing(
        self, server: Histories, queue: list[Place], best: HeaderAt
    ) -> Iterator[tuple[Part, HeaderAt]]:
        """Yield each part that was read while the tip stood, with the header that shows it does."""
        parts = server.parts(queue)
        while True:
            try:
                part = next(parts, None)
            except NoAnswer:
                raise
            except SourceError:
                # What was asked for may be gone with the block that it stood in.
                if server.headers.read_anew(best.height).fields.hash != best.fields.hash:
                    raise Moved from None
                raise
            if part is None:
                return
            now = server.headers.read_anew(best.height)
            if now.fields.hash != best.fields.hash:
                raise Moved
            yield part, now

    def _covered(
        self,
        target: Target,
        found: History | TooLong,
        best: HeaderAt,
        now: HeaderAt,
        held: KnownHistory,
    ) -> Batch:
        """Return the claim to a whole history up to a tip, or why it was not read."""
        tip = best.fields.hash
        unit = _unit(target, tip)
        notes: tuple[str, ...] = ()
        if isinstance(found, TooLong):
            unit += _REFUSED
            notes = (f"the history of {target.name} was not read: {found.what}",)
        else:
            listed = {txid for txid, _ in found.places}
            notes = tuple(unlisted(target.name, held, listed, best.height))
            unit += f"/{DENIED}/{len(listed)}" if notes else ""
        row = {
            "chain": self.chain, "unit": unit, "height": best.height, "block": tip,
            "kind": target.kind, "address": target.address, "to_time": time_of(best.fields),
            "complete": not notes, "source": self.name,
            "answer": found.answer.digest,
        }  # fmt: skip
        answers = (found.answer, best.answer, now.answer)
        kept = unrepeated([answer.row(self.name, keep=True) for answer in answers])
        tables = {"coverage": coverage_frame([row]), "answers": kept}
        return Batch(tables, (unit,), target.name, tip=tip, notes=notes)


_Some = list[tuple[Target, History | TooLong]]


def _unit(target: Target, tip: bytes) -> str:
    """Return the unit of coverage that a history up to a block is."""
    return f"{target.key}/{hash_text(tip)}"


def _batch(part: Part, labels: list[str], best: HeaderAt) -> Batch:
    """Return a part as a batch of transactions, named after the histories it is of."""
    what = labels[0] if labels[0] == labels[-1] else f"{labels[0]} to {labels[-1]}"
    return Batch(part.tables, tuple(part.tables["coverage"]["unit"]), what, tip=best.fields.hash)
