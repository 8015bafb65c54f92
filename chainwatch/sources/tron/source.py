"""Histories of accounts of Tron from TronGrid, or from a server that answers like it.

What is listed is the server's word: a list bears no proof. Ids are held to the signed bytes of
their transactions where these are given, and what changes a balance of TRX is added up and held to
the balance that the server states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, InputError
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame
from chainwatch.net.client import Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
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
from chainwatch.sources.tron.history import History, Uniques, read_history
from chainwatch.sources.tron.server import LARGEST_PAGE, Server, Tip, judge
from chainwatch.sources.tron.totals import stated_balance, unequal
from chainwatch.sources.tron.unread_entries import unread_units

if TYPE_CHECKING:
    import httpx2

KEY_HEADER = "TRON-PRO-API-KEY"
MOST_ROWS = 20_000
"""Rows of each list of a history that are read unless the user asks for more."""


class TronGrid:
    """TronGrid as a source of histories.

    Parameters
    ----------
    url : str
        Base of the API, such as ``https://api.trongrid.io``.
    addresses : iterable of str or bytes
        Whose histories are read.
    chain : str or Chain
        Alias or CAIP-2 id; the server's first block must be its own.
    own : bool, optional
        The server is one's own; by default if its host is a private or loopback address.
    max_rows : int
        Rows of each list of a history; what is newer is left out and said to be.
    key : str, optional
        Key of the API; it is shown nowhere.
    keep_raw : bool
        Keep the answers in ``answers``.
    progress : callable, optional
        Called with one line of text after each history.
    per_second : float, optional
        Requests a second; no limit for your own server, else 4.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.
    transport
        As for :class:`chainwatch.net.client.Client`.

    Notes
    -----
    A stranger's server learns which addresses you look at. What is read is final: the tip is the
    highest block that the network confirmed, so no reorganisation reaches it.

    Examples
    --------
    chainwatch pull trongrid https://api.trongrid.io TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk
    --key env:TRONGRID_KEY --ledger ledger

    Fails when
    ----------
    The server leaves rows out: of tokens nothing shows it. Movements of tokens are listed without
    height and place in their transaction, so the order of two of one block is not known. A unique
    token that denies the interface of unique tokens is counted like money.

    References
    ----------
    https://developers.tron.network/reference (TronGrid v1, java-tron HTTP API).
    """

    name = "trongrid"

    unknown = ("transfers.tx", "transfers.log_index", "stakes.tx")
    """Lists tell no place of a transaction in its block, nor of a log in its transaction."""

    def __init__(
        self, url: Annotated[str, Argument(), Asked()],
        addresses: Annotated[Iterable[str | bytes], Argument(), Addresses(), Wanted()] = (), *,
        chain: str | Chain = "tron", own: bool | None = None,
        max_rows: Annotated[int, AtLeast(1)] = MOST_ROWS,
        key: Annotated[str | None, Option("--key"), Secret()] = None, keep_raw: bool = True,
        progress: Annotated[Callable[[str], None] | None, OnlyInPython()] = None,
        per_second: float | None = None, timeout: float = 30.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        if self.network.family != "tron":
            raise ChainError(f"{self.network.name} is no chain of Tron", remedy="name it: tron")
        given = [addresses] if isinstance(addresses, str | bytes) else addresses
        self.addresses = tuple(dict.fromkeys(_address(one, self.network) for one in given))
        if max_rows < 1:
            raise InputError(
                f"a list of at most {max_rows} rows is none", remedy="ask for at least 1"
            )
        self.max_rows, self.keep_raw, self._progress = max_rows, keep_raw, progress
        self._own = is_own_host(split_url(url, self.name).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=self._own, per_second=per_second,
            headers={KEY_HEADER: key} if key else None, timeout=timeout, max_bytes=LARGEST_PAGE,
            attempts=attempts, judge=judge, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        asked = f"{len(self.addresses)} histories"
        return f"TronGrid({self._client.host!r}, {asked}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the history of each address.

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
            server.check_chain()
            tip, units = server.tip(), read_units(reader, self.chain)
            unique = Uniques(server)
            for whose in self.addresses:
                unit = f"address/{whose.hex()}/{canonical.txid_text(tip.hash, self.network)}"
                if unit in units:
                    yield Batch({}, (unit,), f"{self._text(whose)}, read before")
                    continue
                since = _read_until(reader, self.chain, whose)
                if since > tip.millis:
                    note = "the server is behind what the ledger holds; nothing was asked"
                    yield Batch({}, (), "", notes=(f"{self._text(whose)}: {note}",))
                    continue
                found = read_history(server, whose, tip, since, self.max_rows, unique)
                yield self._batch(server, whose, tip, found, since)

    def _batch(self, server: Server, whose: bytes, tip: Tip, found: History, since: int) -> Batch:
        name, tables, notes = self._text(whose), found.rows.frames(), found.notes(self._text(whose))
        complete = found.whole and not (found.unnamed or found.unread)
        if complete and not since:
            stated = stated_balance(server, whose, tip)
            if stated is not None and (said := unequal(tables, whose, stated, self.network)):
                complete = False
                notes.append(f"{name}: {said}")
        suffix = "" if found.whole else f"/oldest/{self.max_rows}"
        unit = f"address/{whose.hex()}/{canonical.txid_text(tip.hash, self.network)}{suffix}"
        until = tip.time if found.whole else found.rows.latest()
        row: dict[str, Any] = {
            "chain": self.chain, "unit": unit, "kind": "address", "height": tip.height,
            "block": tip.hash, "address": whose, "to_time": until, "complete": complete,
            "source": self.name, "answer": found.tokens.answer,
        }  # fmt: skip
        units = [row, *unread_units(found.unread, row, suffix)]
        tables |= {"coverage": coverage_frame(units), "answers": answers_frame(server.take())}
        if self._progress:
            self._progress(f"{name}: {sum(frame.height for frame in tables.values()):,} rows")
        names = tuple(str(one["unit"]) for one in units)
        return Batch(tables, names, name, tip=tip.hash, notes=tuple(notes))

    def _text(self, whose: bytes) -> str:
        return canonical.text(whose, self.network)


def _address(given: str | bytes, chain: Chain) -> bytes:
    if isinstance(given, str):
        return canonical.parse(given, chain)
    canonical.text(given, chain)
    return given


def _read_until(reader: Reader, chain: str, whose: bytes) -> int:
    """Return from when on a history is yet to be read, in milliseconds; zero from the beginning."""
    rows = reader.scan("coverage").filter(
        (pl.col("chain") == chain) & (pl.col("address") == whose)
        & pl.col("unit").str.starts_with(f"address/{whose.hex()}/")
        & pl.col("complete") & pl.col("contract").is_null()
    )  # fmt: skip
    last = rows.select(pl.col("to_time").dt.epoch("ms").max()).collect().item()
    return 0 if last is None else int(last) + 1
