"""Logs to rows: transfers of tokens, authority over them, and what issuers did to addresses.

It works on columns, many logs at once, and knows nothing of how they came. A log in the form of a
transfer that says nonsense (an address with more than twenty bytes, words that are missing) makes
no row: it is counted, and stands among what was set apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.accounts import rows_of, word_amounts
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import kept_topics
from chainwatch.sources.evm import events
from chainwatch.sources.evm.batches import in_batches
from chainwatch.sources.evm.fields import (
    Log,
    addresses_column,
    bytes_column,
    wrong,
)

ADDRESS = r"^0{24}"
"""How a word begins that holds an address: twelve bytes of zero."""

_KIND = f"{Kind.EVM:02x}"
_WORD = 64
"""Hexadecimal digits of a word."""


@dataclass(frozen=True)
class Read:
    """What logs say.

    Attributes
    ----------
    transfers, approvals, freezes : polars.DataFrame
        Rows of the schema.
    contract_logs : polars.DataFrame
        The logs themselves, of events of which they are kept.
    apart : dict of int to int
        By height, how many logs in the form of a transfer make no sense.
    """

    transfers: pl.DataFrame
    approvals: pl.DataFrame
    freezes: pl.DataFrame
    contract_logs: pl.DataFrame
    apart: dict[int, int]


def log_columns(logs: Sequence[Log], where: str) -> pl.DataFrame:
    """Return logs as columns: who logged, the event, its words as hexadecimal text, and its place.

    Returns
    -------
    polars.DataFrame
        ``contract, event, words, topics, log_index, tx_index, height, txid``: ``event`` is the
        first topic, ``words`` the others and the data, one after the other.

    Raises
    ------
    SourceError
        If a topic is not 32 bytes, or a number is none.
    """
    topics = [log.topics for log in logs]
    sizes = {len(topic) for one in topics for topic in one}
    counts = [len(one) for one in topics]
    if not sizes <= {66} or max(counts, default=0) > 4:
        raise wrong("a log has more than four topics, or one that is not 32 bytes", where)
    said = _digits(["".join([*log.topics, log.data]) for log in logs], counts, where)
    named = pl.Series(counts, dtype=pl.Int64)
    frame = pl.DataFrame({
        "contract": addresses_column([log.address for log in logs], "address", where),
        "said": said,
        "topics": named,
        "log_index": _numbers([log.log_index for log in logs], "logIndex", where),
        "tx_index": _numbers([log.tx_index for log in logs], "transactionIndex", where),
        "height": _numbers([log.block_number for log in logs], "blockNumber", where),
        "txid": bytes_column([log.tx_hash for log in logs], 32, "transactionHash", where),
    })  # fmt: skip
    first = pl.col("topics") > 0
    return frame.with_columns(
        pl.when(first).then(pl.col("said").str.slice(0, _WORD)).alias("event"),
        pl.when(first).then(pl.col("said").str.slice(_WORD)).otherwise("said").alias("words"),
    ).drop("said")


def _digits(texts: Sequence[str], counts: Sequence[int], where: str) -> pl.Series:
    """Return topics and data, written one after the other, as hexadecimal digits alone."""
    column = pl.Series(texts, dtype=pl.String)
    digits = column.str.replace_all("0x", "", literal=True)
    marks = column.str.len_bytes() - digits.str.len_bytes()
    whole = "".join(digits.to_list())
    try:
        sound = len(bytes.fromhex(whole)) * 2 == len(whole)
    except ValueError:
        sound = False
    if (
        not sound
        or (digits.str.len_bytes() % 2 == 1).any()
        or not (marks == pl.Series(counts, dtype=pl.UInt32) * 2 + 2).all()
    ):
        raise wrong("a log holds what is not hexadecimal", where)
    return digits if whole == whole.lower() else digits.str.to_lowercase()


def _numbers(texts: Sequence[str], what: str, where: str) -> pl.Series:
    digits = pl.Series(what, texts, pl.String)
    right = digits.str.contains(r"^0x[0-9a-fA-F]{1,15}$").all()
    if not right:
        raise wrong(f"a {what} is no hexadecimal number", where)
    return digits.str.strip_prefix("0x").str.to_integer(base=16, dtype=pl.Int64)


def read_logs(
    columns: pl.DataFrame, chain: Chain, times: dict[int, Any], senders: dict[bytes, bytes]
) -> Read:
    """Return the rows that logs make.

    Parameters
    ----------
    columns : polars.DataFrame
        As :func:`log_columns` gives them.
    chain : Chain
        Their chain.
    times : dict of int to datetime
        Times of blocks by height.
    senders : dict of bytes to bytes
        Who sent each transaction, by its id: an account's bundler, and who used an authorization.
    """
    number = pl.col("height") * (1 << schema.POSITION_BITS) + pl.col("tx_index")
    time = pl.col("height").replace_strict(times, default=None, return_dtype=schema.TIME)
    dated = columns.with_columns(number.alias("tx"), time.alias("time"))
    kept = kept_logs(dated, chain)
    parts = dated.filter(pl.col("event").is_not_null()).partition_by("event", as_dict=True)
    by_event = {str(key[0]): frame for key, frame in parts.items()}
    asked = _Asked(by_event, chain, senders)
    transfers = [
        *asked.transfers(), *asked.single(), *asked.batch(), *asked.wrapped(), *asked.destroyed(),
    ]  # fmt: skip
    approvals = [*asked.approvals(), *asked.all_or_none(), *asked.operations()]
    freezes = [frame for event in events.FROZEN for frame in asked.frozen(event)]
    return Read(
        pl.concat(transfers) if transfers else schema.TRANSFERS.empty(),
        pl.concat(approvals) if approvals else schema.APPROVALS.empty(),
        pl.concat(freezes) if freezes else schema.FREEZES.empty(),
        kept,
        asked.apart,
    )


def kept_logs(dated: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    """Return the logs of the events that are listed, word for word, in the schema."""
    topics = [topic.hex() for topic in sorted(kept_topics())]
    rows = dated.filter(pl.col("event").is_in(topics))
    names = ("txid", "log_index", "tx", "height", "time", "contract")
    given = {name: rows[name] for name in names}
    said: dict[str, pl.Expr] = {"topic0": pl.col("event")}
    for n in (1, 2, 3):
        word = pl.col("words").str.slice((n - 1) * _WORD, _WORD)
        said[f"topic{n}"] = pl.when(pl.col("topics") > n).then(word)
    said["data"] = pl.col("words").str.slice((pl.col("topics") - 1) * _WORD)
    told = rows.select(one.str.decode("hex").alias(name) for name, one in said.items())
    columns = {**given, **{name: told[name] for name in said}}
    return rows_of(schema.CONTRACT_LOGS, chain.id, columns, rows.height)


class _Asked:
    """Logs by event, and what of them made no sense."""

    def __init__(
        self, by_event: dict[str, pl.DataFrame], chain: Chain, senders: dict[bytes, bytes]
    ) -> None:
        self._by_event, self._chain, self._senders = by_event, chain, senders
        self.apart: dict[int, int] = {}

    def _of(
        self, event: str, words: int, addresses: tuple[int, ...],
        contracts: tuple[bytes, ...] | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Return the logs of an event that have so many words and addresses where they must be.

        ``contracts`` are those that are asked for; every one, if not given.
        """
        frame = self._by_event.get(events.topic(event))
        if frame is None:
            return pl.DataFrame()
        if contracts is not None:
            frame = frame.filter(pl.col("contract").is_in(contracts))
        sane = pl.col("words").str.len_bytes() == words * _WORD
        for place in addresses:
            sane &= pl.col("words").str.slice(place * _WORD, 24) == "0" * 24
        told = frame.with_columns(sane.alias("sane"))
        self._leave_out(told.filter(~pl.col("sane")))
        return told.filter("sane")

    def _leave_out(self, frame: pl.DataFrame) -> None:
        for height, count in frame.group_by("height").len().iter_rows():
            self.apart[height] = self.apart.get(height, 0) + count

    def _transfers(self, frame: pl.DataFrame, kind: str, **columns: Any) -> pl.DataFrame:
        given = {name: frame[name] for name in ("txid", "log_index", "tx", "height", "time",
                                                "contract")}  # fmt: skip
        told = {"kind": kind, "success": True, "signed": self._signed(frame, columns["sender"])}
        return rows_of(schema.TRANSFERS, self._chain.id, {**given, **told, **columns}, frame.height)

    def _signed(self, frame: pl.DataFrame, payer: pl.Series) -> pl.Series | None:
        """Return true where who pays sent the transaction; whether others agreed is not known."""
        if not self._senders:
            return None
        sent = frame["txid"].replace_strict(self._senders, default=None, return_dtype=pl.Binary)
        return pl.select(pl.when(sent == payer).then(pl.lit(True))).to_series()

    def transfers(self) -> list[pl.DataFrame]:
        """Return transfers of ERC-20 and ERC-721; the number of topics tells which."""
        frame = self._of(events.TRANSFER, 3, (0, 1))
        coin = events.listed(self._chain.coin_contracts, self._chain)
        frame = frame.filter(~pl.col("contract").is_in(coin)) if frame.height else frame
        if not frame.height:
            return []
        made = []
        unique = pl.col("topics") == 4
        for kind, mine in (("erc20", frame.filter(~unique)), ("erc721", frame.filter(unique))):
            parties = {"sender": address_at(mine, 0), "receiver": address_at(mine, 1)}
            if kind == "erc20":
                amount, wide = amount_at(mine, 2)
                made.append(self._transfers(mine, kind, **parties, amount=amount, amount_hex=wide))
            else:
                ids = number_at(mine, 2)
                made.append(self._transfers(mine, kind, **parties, amount=1, token_id=ids))
        return made

    def single(self) -> list[pl.DataFrame]:
        """Return transfers of ERC-1155 of one token each."""
        frame = self._of(events.TRANSFER_SINGLE, 5, (0, 1, 2))
        if not frame.height:
            return []
        amount, wide = amount_at(frame, 4)
        return [
            self._transfers(
                frame, "erc1155", sender=address_at(frame, 1), receiver=address_at(frame, 2),
                token_id=number_at(frame, 3), amount=amount, amount_hex=wide,
            )
        ]  # fmt: skip

    def batch(self) -> list[pl.DataFrame]:
        """Return transfers of ERC-1155 of several tokens: a row for each."""
        frame = self._by_event.get(events.topic(events.TRANSFER_BATCH))
        if frame is None:
            return []
        each, odd = in_batches(frame)
        self._leave_out(odd)
        if not each.height:
            return []
        amount, wide = amount_at(each.with_columns(words="amount"), 0)
        ids = number_at(each.with_columns(words="id"), 0)
        return [
            self._transfers(
                each, "erc1155", sender=address_at(each, 1), receiver=address_at(each, 2),
                token_id=ids, amount=amount, amount_hex=wide,
            )
        ]  # fmt: skip

    def wrapped(self) -> list[pl.DataFrame]:
        """Return what holders of wrapped coins wrapped and unwrapped."""
        made = []
        contracts = events.listed(self._chain.wrapped, self._chain)
        for event, kind in ((events.DEPOSIT, "wrap"), (events.WITHDRAWAL, "unwrap")):
            frame = self._of(event, 2, (0,), contracts)
            if not frame.height:
                continue
            holder, nobody = address_at(frame, 0), nobodies(frame.height)
            amount, wide = amount_at(frame, 1)
            sides = (nobody, holder) if kind == "wrap" else (holder, nobody)
            made.append(
                self._transfers(
                    frame, kind, sender=sides[0], receiver=sides[1], amount=amount, amount_hex=wide
                )
            )
        return made

    def destroyed(self) -> list[pl.DataFrame]:
        """Return what an issuer destroyed, where its contract says so by this event alone."""
        contracts = events.listed(self._chain.destroying, self._chain)
        frame = self._of(events.DESTROYED, 2, (0,), contracts)
        if not frame.height:
            return []
        amount, wide = amount_at(frame, 1)
        return [
            self._transfers(
                frame, "destroy", sender=address_at(frame, 0), receiver=nobodies(frame.height),
                amount=amount, amount_hex=wide,
            )
        ]  # fmt: skip

    def _approvals(self, frame: pl.DataFrame, kind: str, **columns: Any) -> pl.DataFrame:
        given = {name: frame[name] for name in ("txid", "log_index", "tx", "time", "contract")}
        return rows_of(
            schema.APPROVALS, self._chain.id, {**given, "kind": kind, **columns}, frame.height
        )

    def approvals(self) -> list[pl.DataFrame]:
        """Return approvals of an amount (ERC-20) or of one token (ERC-721)."""
        frame = self._of(events.APPROVAL, 3, (0, 1))
        if not frame.height:
            return []
        made = []
        unique = pl.col("topics") == 4
        for token, mine in ((False, frame.filter(~unique)), (True, frame.filter(unique))):
            spender = address_at(mine, 1)
            sides = {"owner": address_at(mine, 0), "spender": spender}
            if token:
                granted = somebody(spender)
                more = {"token_id": number_at(mine, 2), "granted": granted}
            else:
                amount, wide = amount_at(mine, 2)
                granted = amount.is_null() | (amount > 0)
                more = {"amount": amount, "amount_hex": wide, "granted": granted}
            made.append(self._approvals(mine, "approval", **sides, **more))
        return made

    def all_or_none(self) -> list[pl.DataFrame]:
        """Return authority over all tokens of an owner, given or taken back, and used."""
        made = []
        frame = self._of(events.APPROVAL_FOR_ALL, 3, (0, 1))
        if frame.height:
            granted = amount_at(frame, 2)[0].fill_null(1) > 0
            sides = {"owner": address_at(frame, 0), "spender": address_at(frame, 1)}
            made.append(self._approvals(frame, "approval_for_all", **sides, granted=granted))
        for event, granted_now in ((events.OPERATOR, True), (events.REVOKED, False)):
            frame = self._of(event, 2, (0, 1))
            if frame.height:
                sides = {"owner": address_at(frame, 1), "spender": address_at(frame, 0)}
                made.append(self._approvals(frame, "operator", **sides, granted=granted_now))
        made += self._sent_by_operators()
        frame = self._of(events.AUTHORIZATION_USED, 2, (0,))
        if frame.height:
            owner = address_at(frame, 0)
            sides = {"owner": owner, "spender": self._sent(frame, owner)}
            made.append(self._approvals(frame, "authorization_used", **sides, granted=True))
        return made

    def _sent_by_operators(self) -> list[pl.DataFrame]:
        """Return what ERC-777 moved: its event says by whom, and has no fixed length."""
        frame = self._by_event.get(events.topic(events.SENT), pl.DataFrame())
        if not frame.height:
            return []
        sane = (pl.col("topics") == 4) & (pl.col("words").str.len_bytes() >= 3 * _WORD)
        for place in range(3):
            sane &= pl.col("words").str.slice(place * _WORD, 24) == "0" * 24
        frame = frame.filter(sane)
        sides = {"owner": address_at(frame, 1), "spender": address_at(frame, 0)}
        return [self._approvals(frame, "operator_sent", **sides, granted=True)]

    def operations(self) -> list[pl.DataFrame]:
        """Return operations of smart accounts (ERC-4337): for whom who pays and sends them."""
        frame = self._of(events.USER_OPERATION, 7, (1, 2))
        if not frame.height:
            return []
        account, payer = address_at(frame, 1), address_at(frame, 2)
        amount, wide = amount_at(frame, 5)
        done = {"amount": amount, "amount_hex": wide,
                "granted": amount_at(frame, 4)[0].fill_null(1) > 0}  # fmt: skip
        made = self._approvals(
            frame, "user_operation", owner=account, spender=self._sent(frame, account), **done
        )
        paid = self._approvals(frame, "paymaster", owner=payer, spender=account, **done)
        return [made, paid.filter(somebody(payer))]

    def _sent(self, frame: pl.DataFrame, otherwise: pl.Series) -> pl.Series:
        """Return who sent the transaction of each log, or another where that is not known."""
        sent = [self._senders.get(txid) for txid in frame["txid"]]
        known = pl.Series("sent", sent, pl.Binary)
        return pl.select(pl.coalesce(known, otherwise)).to_series()

    def frozen(self, event: str) -> list[pl.DataFrame]:
        """Return what an issuer logged of an address under one event."""
        words = 2 if event == events.DESTROYED else 1
        frame = self._of(event, words, (0,))
        if not frame.height:
            return []
        amount, wide = amount_at(frame, 1) if words == 2 else (None, None)
        given = {name: frame[name] for name in ("txid", "log_index", "tx", "time", "contract")}
        columns = {
            **given, "address": address_at(frame, 0), "action": events.FROZEN[event],
            "amount": amount, "amount_hex": wide,
        }  # fmt: skip
        return [rows_of(schema.FREEZES, self._chain.id, columns, frame.height)]


def address_at(frame: pl.DataFrame, place: int) -> pl.Series:
    """Return the addresses that stand in one word of each log."""
    payload = pl.col("words").str.slice(place * _WORD + 24, 40)
    return frame.select((pl.lit(_KIND) + payload).str.decode("hex")).to_series()


def amount_at(frame: pl.DataFrame, place: int) -> tuple[pl.Series, pl.Series]:
    """Return (amount, amount_hex) of one word of each log."""
    word = pl.col("words").str.slice(place * _WORD, _WORD).str.decode("hex")
    return word_amounts(frame.select(word).to_series().to_list())


def number_at(frame: pl.DataFrame, place: int) -> pl.Series:
    """Return one word of each log as a whole number in decimal text."""
    words = frame.select(pl.col("words").str.slice(place * _WORD, _WORD)).to_series()
    return pl.Series([str(int(word, 16)) for word in words], dtype=pl.String)


def somebody(addresses: pl.Series) -> pl.Series:
    """Return which addresses are not the zero address."""
    return addresses.is_in(nobodies(1).implode()).not_()


def nobodies(count: int) -> pl.Series:
    """Return the zero address so many times."""
    return pl.Series([bytes([Kind.EVM]) + bytes(20)] * count, dtype=pl.Binary)
