"""Histories of accounts of EVM chains from explorers: Etherscan v2, Blockscout, and their like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import made_or_burnt
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, InputError
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame
from chainwatch.ledger import schema
from chainwatch.ledger.unread.rows_apart import GOT, KIND, PAID
from chainwatch.net.client import Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sources.explorer.fields import (
    ACTIONS,
    LISTS,
    Moved,
    OddToken,
    Place,
    Row,
    blockscout,
    etherscan,
)
from chainwatch.sources.explorer.lists import Listed, by_blocks, by_marks
from chainwatch.sources.explorer.server import LARGEST_PAGE, Server, Tip, judge
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
from chainwatch.units import LARGEST_AMOUNT, counted

if TYPE_CHECKING:
    import httpx2

Api = Literal["etherscan", "blockscout", "compatible"]
MOST_ROWS = 50_000
"""Rows of each list of a history that are read unless the user asks for more."""

_ALIKE = [name for name in schema.TRANSFERS.key if name != "occurrence"]


class Explorer:
    """An explorer of an EVM chain as a source of histories.

    Parameters
    ----------
    url : str
        Base of the API, such as ``https://api.etherscan.io/v2/api`` or
        ``https://eth.blockscout.com/api``.
    addresses : iterable of str or bytes
        Whose histories are read.
    chain : str or Chain
        Alias or CAIP-2 id.
    api : {"etherscan", "blockscout", "compatible"}
        Etherscan v2; Blockscout's own lists; or lists in the form of Etherscan's on a server with
        Blockscout's JSON-RPC.
    key : str, optional
        Key of the API; it is shown nowhere.
    confirmations : int
        Blocks above the one up to which is read.
    own : bool, optional
        The server is one's own; by default if its host is a private or loopback address.
    max_rows : int
        Rows of each list of a history; what is newer is left out and said to be.
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
    A stranger's server learns which addresses you look at. Fees are in no list: balances of the
    coin are unknown.

    Examples
    --------
    chainwatch pull explorer https://api.etherscan.io/v2/api
    0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045 --key env:ETHERSCAN_KEY --ledger ledger

    Fails when
    ----------
    The server leaves rows out: nothing shows it. Etherscan does not say of which chain it answers,
    and gives no place of a movement of tokens in its transaction, so the order of two of one
    transaction is not known. A reorganisation deeper than ``confirmations`` is not seen. Wrapped
    coins that somebody sent to the zero address are taken for unwrapped, where Blockscout lists it.
    A delegatecall that is listed as a plain call, with the value of the call it stands in, counts
    as a payment that nobody made.

    References
    ----------
    https://docs.etherscan.io (API v2), https://docs.blockscout.com (API v2, JSON-RPC).
    """

    name = "explorer"

    def __init__(
        self, url: Annotated[str, Argument(), Asked()],
        addresses: Annotated[Iterable[str | bytes], Argument(), Addresses(), Wanted()] = (), *,
        chain: str | Chain = "eth", api: Api = "etherscan",
        key: Annotated[str | None, Option("--key"), Secret()] = None,
        confirmations: Annotated[int, AtLeast(0)] = 64, own: bool | None = None,
        max_rows: Annotated[int, AtLeast(1)] = MOST_ROWS, keep_raw: bool = True,
        progress: Annotated[Callable[[str], None] | None, OnlyInPython()] = None,
        per_second: float | None = None, timeout: float = 30.0,
        attempts: Annotated[int, AtLeast(1)] = 5,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        if self.network.family != "evm":
            raise ChainError(f"{self.network.name} is no EVM chain", remedy="name one, such as eth")
        if api not in ("etherscan", "blockscout", "compatible"):
            raise InputError(
                f"{api!r} is no API", remedy="give etherscan, blockscout or compatible"
            )
        if max_rows < 1 or confirmations < 0:
            raise InputError(
                f"at most {max_rows} rows, {confirmations} confirmations",
                remedy="ask for at least 1 row, and no fewer than 0 confirmations",
            )
        given = [addresses] if isinstance(addresses, str | bytes) else addresses
        self.addresses = tuple(dict.fromkeys(_address(one, self.network) for one in given))
        self.api, self.confirmations, self.max_rows = api, confirmations, max_rows
        self.keep_raw, self._progress = keep_raw, progress
        self._own = is_own_host(split_url(url, self.name).hostname or "") if own is None else own
        self._client = Client(
            url, source=self.name, own=self._own, per_second=per_second,
            secret_query={"apikey": key} if key else None, timeout=timeout,
            max_bytes=LARGEST_PAGE, attempts=attempts, judge=judge, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        asked = f"{len(self.addresses)} histories"
        return f"Explorer({self._client.host!r}, {asked}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the history of each address.

        Raises
        ------
        ChainError
            If the server says that it is of another chain.
        SourceError
            If an answer is wrong in any way that can be seen; what was yielded before was right.
        NetworkRefused
            If the policy of the process forbids to ask.
        """
        with self._client as client:
            server = Server(client, self.network, self.name, self.keep_raw)
            by = server.proxied if self.api == "etherscan" else server.by_rpc
            tip, units = by(self.confirmations), read_units(reader, self.chain)
            for whose in self.addresses:
                name = canonical.text(whose, self.network)
                unit = f"address/{whose.hex()}/{canonical.txid_text(tip.hash, self.network)}"
                if unit in units:
                    yield Batch({}, (unit,), f"{name}, read before")
                    continue
                since = _read_until(reader, self.chain, whose)
                if since > tip.height:
                    note = "the server is behind what the ledger holds; nothing was asked"
                    yield Batch({}, (), "", notes=(f"{name}: {note}",))
                    continue
                yield self._history(server, whose, name, tip, since)

    def _history(self, server: Server, whose: bytes, name: str, tip: Tip, since: int) -> Batch:
        lists = {one: self._list(server, one, name, tip, since) for one in self._lists()}
        apart: list[OddToken] = []
        moves = [
            move for what, listed in lists.items()
            for move in self._moves(what, listed, whose, tip, apart)
        ]  # fmt: skip
        again = sum(one.again for one in lists.values())
        apart += [OddToken("a batch of ERC-1155 that may list one id twice")] * again
        cut = any(one.cut for one in lists.values())
        transfers = rows_of(moves, self.network)
        odd = sum(move.odd for move in moves)
        notes = [f"{name}: its history was cut, and a part of it was not read"] if cut else []
        if odd:
            what = counted(odd, "movement", "movements")
            notes.append(f"{name}: {what} of tokens with a symbol or decimals that cannot be right,"
                         " which are left out of the row")  # fmt: skip
        if apart:
            what = counted(len(apart), "movement", "movements")
            kinds = ", ".join(dict.fromkeys(map(str, apart)))
            notes.append(f"{name}: {what} of tokens set apart: {kinds}")
        suffix = f"/some/{self.max_rows}" if cut else ""
        unit = f"address/{whose.hex()}/{canonical.txid_text(tip.hash, self.network)}{suffix}"
        row: dict[str, Any] = {
            "chain": self.chain, "unit": unit, "kind": "address", "height": tip.height,
            "block": tip.hash, "address": whose, "to_time": tip.time, "complete": not cut,
            "source": self.name, "answer": list(lists.values())[-1].answer,
        }  # fmt: skip
        tables = {
            **({"transfers": transfers} if transfers.height else {}),
            "coverage": coverage_frame([row, *_apart(row, apart)]),
            "answers": answers_frame(server.take()),
        }  # fmt: skip
        if self._progress:
            self._progress(f"{name}: {transfers.height:,} transfers")
        units = tuple(tables["coverage"]["unit"])
        return Batch(tables, units, name, tip=tip.hash, notes=tuple(notes))

    def _lists(self) -> tuple[str, ...]:
        return LISTS if self.api == "blockscout" else ACTIONS

    def _list(self, server: Server, what: str, name: str, tip: Tip, since: int) -> Listed:
        if self.api == "blockscout":

            def inside(row: Row, at: Place) -> bool:
                return since <= at.height(row, "block_number", "block") <= tip.height

            path = f"/v2/addresses/{name}/{what}"
            return by_marks(server.client, server.noted, path, self.max_rows, server.at, inside)
        asked: dict[str, str | int] = {
            "chainid": server.number, "module": "account", "action": what, "address": name,
        }  # fmt: skip
        span = (since, tip.height)
        return by_blocks(server.client, server.noted, "", asked, span, self.max_rows, server.at)

    def _moves(
        self, what: str, listed: Listed, whose: bytes, tip: Tip, apart: list[OddToken]
    ) -> Iterator[Moved]:
        """Yield what a list says that moved; what is of a kind of its own goes to ``apart``."""
        at = Place(self.network, listed.where)
        coin = {canonical.parse(text, self.network) for text in self.network.coin_contracts}
        for row in listed.rows.values():
            read = blockscout if self.api == "blockscout" else etherscan
            try:
                move = read(what, row, at, tip.time)
            except OddToken as odd:
                apart.append(odd)
                continue
            if move is None or move.contract in coin:
                continue  # the coin shown as a token: its own lists tell it
            if whose not in (move.sender, move.receiver):
                raise at.wrong("a movement has nothing to do with the account it is listed of")
            yield move


def _apart(row: dict[str, Any], apart: Sequence[OddToken]) -> list[dict[str, Any]]:
    """Return the units that count what was set apart of a history: by token and way, if known."""
    counts: Counter[tuple[bytes | None, str]] = Counter()
    for one in apart:
        way = PAID if one.sender == row["address"] else GOT
        counts[one.contract, way if one.contract else ""] += 1
    base, _, cut = str(row["unit"]).partition("/some/")
    end = f"/some/{cut}" if cut else ""
    return [
        {
            **row, "kind": KIND, "complete": None, "apart": count, "contract": contract,
            "unit": f"{base}/unread/{way}/{contract.hex()}{end}" if contract
            else f"{row['unit']}/apart/token",
        }
        for (contract, way), count in counts.items()
    ]  # fmt: skip


def rows_of(moves: Iterable[Moved], chain: Chain) -> pl.DataFrame:
    """Return transfers of the schema: those alike in all that identifies are counted."""
    rows, count = [], Counter[tuple[Any, ...]]()
    for move in moves:
        fits, token = move.amount <= LARGEST_AMOUNT, move.contract is not None
        known = move.position is not None
        placed = known and (not token or move.log_index is not None)
        row: dict[str, Any] = {
            "chain": chain.id, "txid": move.txid, "kind": move.kind, "log_index": move.log_index,
            "trace_path": move.trace_path, "contract": move.contract, "token_id": move.token_id,
            "sender": move.sender, "receiver": move.receiver,
            "amount": move.amount if fits else None,
            "amount_hex": None if fits else hex(move.amount), "symbol": move.symbol,
            "tx": schema.pack_tx(move.height, move.position or 0) if known else None,
            "height": move.height, "time": move.time, "decimals": move.decimals,
            "success": move.success, "status": None,
            "signed": True if move.kind == "native" else None,  # by whose transaction it is
            "sections": 1,
            "order_uncertain": not placed if move.kind != "internal" else True,
        }  # fmt: skip
        alike = tuple(row[name] for name in _ALIKE)
        row["occurrence"] = count[alike]
        count[alike] += 1
        rows.append({name: row[name] for name in schema.TRANSFERS.schema})
    frame = _named(pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row"), chain)
    keyed = pl.col("log_index").is_not_null() | pl.col("trace_path").is_not_null()
    native = pl.col("kind") == "native"
    return frame.filter(~((keyed | native) & (pl.col("occurrence") > 0)))


def _named(frame: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    """Return transfers with the kinds that blocks give them.

    Wrapping and unwrapping coins is no transfer of the contract: Blockscout lists it as one from
    the zero address and to it.
    """
    wrapped = [canonical.parse(text, chain) for text in chain.wrapped]
    named = frame.with_columns(made_or_burnt(pl.col("kind")).alias("kind"))
    kind = pl.col("kind").replace({"erc20_mint": "wrap", "erc20_burn": "unwrap"})
    there = pl.col("contract").is_in(wrapped) & pl.col("contract").is_not_null()
    return named.with_columns(pl.when(there).then(kind).otherwise("kind").alias("kind"))


def _address(given: str | bytes, chain: Chain) -> bytes:
    if isinstance(given, str):
        return canonical.parse(given, chain)
    canonical.text(given, chain)
    return given


def _read_until(reader: Reader, chain: str, whose: bytes) -> int:
    """Return the height from which on a history is yet to be read."""
    rows = reader.scan("coverage").filter(
        (pl.col("chain") == chain) & (pl.col("address") == whose)
        & pl.col("unit").str.starts_with(f"address/{whose.hex()}/")
        & pl.col("complete") & pl.col("contract").is_null()
    )  # fmt: skip
    last = rows.select(pl.col("height").max()).collect().item()
    return 0 if last is None else int(last) + 1
