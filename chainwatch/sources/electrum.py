"""Histories of addresses from an Electrum server, every transaction proven.

Nothing a server says of a transaction is believed: its bytes must hash to its id and are parsed
here, its place is proven by a Merkle branch to a header with its proof of work, and what it spends
is read from the bytes of the transactions before it. What stays the server's word is that a history
is whole, and that the blocks are those of the best chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from chainwatch import addresses as address_book
from chainwatch.chains import Chain
from chainwatch.chains import chain as chain_of
from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.ledger import schema
from chainwatch.legible import clipped
from chainwatch.scripts import LARGEST_SCRIPT, classify, script_of
from chainwatch.sources.base import Batch, Reader, read_units
from chainwatch.sources.block_checks import consensus_of
from chainwatch.sources.block_links import shown
from chainwatch.sources.electrum_history import Histories
from chainwatch.sources.electrum_rows import History, TooLong
from chainwatch.sources.electrum_wire import ElectrumWire
from chainwatch.sources.forks import Known, Tip, check_network, stale_part
from chainwatch.sources.http_answer import answers_frame
from chainwatch.sources.network import is_own_host

MOST_RESTARTS = 3
"""Times that one history is begun again because the chain was reorganised meanwhile."""

_ASKED_AT_ONCE, _READ_AT_ONCE = 100, 1_000
"""Histories asked for, and transactions read, before a batch is made."""

_REFUSED = "/refused"
"""Ends the unit of a history that was not had: it may be tried again at the same tip."""


class _Moved(Exception):
    """The chain was reorganised while a history was read."""


@dataclass(frozen=True)
class Target:
    """A script whose history is read, and its address if it has one."""

    script: bytes
    address: bytes | None
    label: str

    @property
    def hash(self) -> str:
        """The name by which Electrum servers know the script."""
        return hashlib.sha256(self.script).digest()[::-1].hex()

    def unit(self, tip: Tip) -> str:
        """Return the unit of coverage that its history up to a tip is."""
        if self.address is not None:
            return f"address/{self.address.hex()}/{shown(tip.hash)}"
        return f"script/{hashlib.sha256(self.script).hexdigest()}/{shown(tip.hash)}"


class Electrum:
    """An Electrum server as a source of address histories.

    Parameters
    ----------
    host, port : str, int
        The server.
    tls : bool
        Speak TLS; the certificate must be that of the host, signed by an authority.
    fingerprint : str, optional
        SHA-256 of the server's certificate, which then needs no authority; implies ``tls``.
    addresses : iterable of str or bytes
        Addresses as text or canonical bytes.
    scripts : iterable of bytes
        Output scripts that have no address, such as bare multisig.
    chain : str or Chain
        Alias or CAIP-2 id; the server's genesis block must be that of it.
    own : bool, optional
        The server is yours, and may be at a private address; seen from the host, if not given.
    most : int
        Transactions of one history; a longer one is not read, and is listed as incomplete.
    keep_raw : bool
        Keep the answers with transactions too. Histories, proofs and headers are always kept.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one question.
    per_second : float, optional
        Questions a second; 20 for third parties, else no limit.

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
        self, host: str, port: int, *, tls: bool = False, fingerprint: str | None = None,
        addresses: Iterable[str | bytes] = (), scripts: Iterable[bytes] = (),
        chain: str | Chain = "btc", own: bool | None = None, most: int = 50_000,
        keep_raw: bool = False, timeout: float = 30.0, attempts: int = 5,
        per_second: float | None = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.targets = _targets(addresses, scripts, self.network)
        self._keep_raw, self._most = keep_raw, most
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
        """Yield one batch per address or script that was not read up to the server's tip.

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
            server = Histories(wire, self.network, source=self.name, keep_raw=self._keep_raw)
            known = Known(server, reader)
            server.check_features()
            tip = server.tip()
            check_network(server, tip.height)
            for _ in range(MOST_RESTARTS):
                stale = stale_part(known, tip)
                if stale is not None:
                    server.forget(stale.stale or 0)
                    yield stale
                try:
                    yield from self._histories(server, known, tip)
                    return
                except _Moved:
                    server.forget_headers()
                    tip = server.tip()
        raise SourceError(
            f"the chain was reorganised {MOST_RESTARTS} times while it was read",
            where=self._wire.host,
            remedy="try again later",
        )

    def _histories(self, server: Histories, known: Known, tip: Tip) -> Iterator[Batch]:
        """Yield one history after the other, each only if the tip still stands when it is read."""
        read = read_units(known.reader, self.chain)
        held = tuple(target.unit(tip) for target in self.targets if target.unit(tip) in read)
        if held:
            yield Batch({}, held, "histories read before")
        todo = [target for target in self.targets if target.unit(tip) not in read]
        for low in range(0, len(todo), _ASKED_AT_ONCE):
            group = todo[low : low + _ASKED_AT_ONCE]
            names = [(target.hash, target.label) for target in group]
            found = server.histories(names, tip, self._most)
            for few in _loads(list(zip(group, found, strict=True))):
                for batch in self._standing(server, known.reader, few, tip):
                    known.recent.update(server.places(batch.tables.get("transactions"), tip))
                    yield batch

    def _standing(self, server: Histories, reader: Reader, some: _Some, tip: Tip) -> list[Batch]:
        """Return batches that were read while one tip stood."""
        try:
            batches = self._read(server, reader, some, tip)
        except NoAnswer:
            raise
        except SourceError:
            # What was asked for may be gone with the block that it stood in.
            if server.hash_now(tip.height) != tip.hash:
                raise _Moved from None
            raise
        if server.hash_now(tip.height) != tip.hash:
            raise _Moved
        return batches

    def _read(self, server: Histories, reader: Reader, some: _Some, tip: Tip) -> list[Batch]:
        histories = [found for _, found in some if isinstance(found, History)]
        rows = iter(server.rows(histories, reader))
        at = datetime.fromtimestamp(server.header(tip.height).time, UTC)
        batches = []
        for target, found in some:
            whole, unit = isinstance(found, History), target.unit(tip)
            notes: tuple[str, ...] = ()
            if isinstance(found, TooLong):
                tables = {"answers": answers_frame([found.answer.row(self.name, keep=True)])}
                unit += _REFUSED
                notes = (f"the history of {target.label} was not read: {found.what}",)
            else:
                tables = next(rows)
            tables["coverage"] = self._covered(target, tip, at, found.answer.digest, unit, whole)
            batches.append(Batch(tables, (unit,), target.label, tip=tip.hash, notes=notes))
        return batches

    def _covered(
        self, target: Target, tip: Tip, at: datetime, digest: bytes, unit: str, whole: bool
    ) -> pl.DataFrame:
        row = {
            "chain": self.chain, "unit": unit, "height": tip.height, "block": tip.hash,
            "kind": "script" if target.address is None else "address",
            "address": target.address, "contract": None, "from_time": None, "to_time": at,
            "complete": whole, "source": self.name, "answer": digest,
        }  # fmt: skip
        return pl.DataFrame([row], schema=schema.COVERAGE.schema, orient="row")


_Some = list[tuple[Target, History | TooLong]]


def _loads(found: _Some) -> Iterator[_Some]:
    """Yield histories in groups that fit into memory together; a large one is on its own."""
    some: _Some = []
    count = 0
    for target, history in found:
        size = len(history.places) if isinstance(history, History) else 0
        if some and count + size > _READ_AT_ONCE:
            yield some
            some, count = [], 0
        some.append((target, history))
        count += size
    if some:
        yield some


def _targets(
    addresses: Iterable[str | bytes], scripts: Iterable[bytes], chain: Chain
) -> tuple[Target, ...]:
    found: dict[bytes, Target] = {}
    for given in [addresses] if isinstance(addresses, (str, bytes)) else addresses:
        named = address_book.parse(given, chain) if isinstance(given, str) else given
        script = script_of(named)
        found[script] = Target(script, named, address_book.text(named, chain))
    for script in scripts:
        if not 0 < len(script) <= LARGEST_SCRIPT:
            raise InputError(f"{len(script):,} bytes are no output script that can be spent")
        address = classify(script, witness=chain.hrp is not None).address
        label = f"script {clipped(script.hex(), 80)}"
        found.setdefault(
            script,
            Target(script, address, address_book.text(address, chain) if address else label),
        )
    return tuple(found.values())
