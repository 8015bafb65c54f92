"""Where following stops, and why: tagged parties, hosted deposits, joint transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import polars as pl

from chainwatch.attribution.naming import one_spelling
from chainwatch.attribution.resolve import (
    Framed,
    Owners,
    TagStatement,
    clustered,
    leading,
    statements_of,
    unstated,
)
from chainwatch.attribution.taxonomy import BRIDGING, HOLDING, MIXING, is_a
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import refuse
from chainwatch.heuristics.co_spend_columns import verdicts
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.among import among
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.asked import NOT_ASKED, Asked

HOSTED, MIXER, BRIDGE, TAGGED = "hosted service", "mixer", "bridge", "tagged party"
UNDECIDED, LURE, BURNT, FEE = "undecided mixer", "lure", "burnt", "fee"
POOL = "extension block"
UNSPENT, LATER, NOT_READ = "unspent", "spent outside the span", "not read"
UNREAD_BUDGET = "not read (budget)"
THRESHOLD, HOPS, AGE = "threshold", "hop limit", "age limit"
PAID_AWAY = "paid away"
EARLIER, MINTED = "made before the span", "newly made"
EXCHANGED, RECEIPT, PAYEE_UNDECIDED = "exchanged", "deposit for a receipt", "payee undecided"
LIQUIDITY_POOL, LENDING_POOL, STAKING_POOL = "liquidity pool", "lending pool", "staking pool"
EXCHANGE_UNDECIDED, GAS = "exchange undecided", "gas of a user operation"
CONTESTED = "contested"
CUSTODY_UNDECIDED = "custody undecided"
ONE_DESTINATION = f"one-destination wallet, {CUSTODY_UNDECIDED}"

REASONS: tuple[str, ...] = (
    HOSTED, MIXER, BRIDGE, TAGGED, ONE_DESTINATION, UNDECIDED, LURE, BURNT, FEE, POOL, UNSPENT,
    LATER, NOT_READ, UNREAD_BUDGET, THRESHOLD, HOPS, AGE, PAID_AWAY, EARLIER, MINTED,
    EXCHANGED, RECEIPT, PAYEE_UNDECIDED, LIQUIDITY_POOL, LENDING_POOL, STAKING_POOL, GAS,
    EXCHANGE_UNDECIDED,
)  # fmt: skip
"""Every reason for which a branch ends, written out."""

UNREAD: tuple[str, ...] = (NOT_READ, UNREAD_BUDGET)
"""Ends at what was not read: nobody could be or was asked, or a budget of requests was spent before
it was asked for. More that is read can take from both."""

STAYS: tuple[str, ...] = (HOSTED, MIXER, BRIDGE, TAGGED, ONE_DESTINATION, BURNT, UNSPENT, EXCHANGED,
                          RECEIPT, LIQUIDITY_POOL, LENDING_POOL, STAKING_POOL,
                          EXCHANGE_UNDECIDED)  # fmt: skip
"""Ends of value at the party that holds the address, unless a rule on its transaction made it one:
at any other it went on, or it was not read or not followed whether it did."""

_BY_CONCEPT = (
    *((concept, MIXER) for concept in MIXING),
    *((concept, BRIDGE) for concept in BRIDGING),
    *((concept, HOSTED) for concept in HOLDING),
)
"""What it means that value reached a concept or a narrower one; the first that fits.
Everybody else is a *tagged party*: no service, but asked for."""


CONFIRMED = 50
"""Level from which a tag confirms: the service's own data, an authority, tested by forensics. A
name tag of an explorer (20) or a forum's word (5) makes an end no more than probable."""


BASIS_OF_TAGS, DEPOSITS = "tag", "deposit address"
"""What wallets by role say where a tag gave the role, and of a customer's address."""

OPEN_CUSTODY = "undecided"
"""Certainty of custody where an address passes all on to one service, and nothing shows whether the
service holds its keys or somebody who cashes out there."""

BY_TAG, BY_CLUSTER = "tagged address", "cluster of a tagged address"
BY_CUSTODY, BY_RULE = "deposit address", "rule"
BY_DESTINATION, BY_ROLE = "one destination", "role of a service"
BY_REMAINDER, BY_SILENCE = "remainder", "no spender read"
BY_INPUT, BY_ORDER, BY_LAG = "unread input", "spent before it was made", "history cut short"
BY_ORIGIN, BY_OPENING = "no maker read", "held before"
BY_TRADE, BY_LIST, BY_OPERATION = "swaps of several", "listed contract", "user operation"

BASES: tuple[str, ...] = (
    BY_TAG,
    BY_CLUSTER,
    BY_CUSTODY,
    BY_DESTINATION,
    BY_ROLE,
    BY_RULE,
    BY_REMAINDER,
    BY_SILENCE,
    BY_INPUT,
    BY_ORDER,
    BY_LAG,
    BY_ORIGIN,
    BY_OPENING,
    *(BY_TRADE, BY_LIST, BY_OPERATION),
)
"""How an end came about: the address itself is tagged, another of its cluster is, all that it gets
goes on to one service and the service is seen to hold it, or that is open, it does what another
wallet of a service does, a rule speaks of the transaction; or of what was not read: it is what is
left of a balance whose history was not read to the end, no spender of a coin was read and nothing
says that there is none, another input of the spending transaction was not read, the spender stands
before what it spends, the history of the receiver was not read up to the payment, or, followed
backward, the transaction that made a coin was not read, or nothing was read by which what an
address held had come in; or it is a pool because several swapped with it, a contract that its chain
lists, or of a user operation. Sentences are worded by it."""


class End(NamedTuple):
    """Why a branch ends at an address or transaction, how sure that is, and how it came about.

    ``as_of`` is the block up to which a coin is known to be unspent, ``as_of_time`` its time; of a
    balance ``as_of_time`` alone is known, the end of what was read of its address.
    """

    reason: str
    detail: str
    service: str | None = None
    certainty: str | None = None
    basis: str | None = None
    as_of: int | None = None
    as_of_time: datetime | None = None


class Dated(NamedTuple):
    """An end that holds from one day to another; None is open."""

    first: date | None
    last: date | None
    end: End


@dataclass(frozen=True)
class Stops:
    """Ends by (chain, address), the one that speaks first; and rules on joint transactions.

    ``asked`` counts what was given.
    """

    by_address: Mapping[tuple[str, bytes], tuple[Dated, ...]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    asked: Asked = NOT_ASKED

    def at(self, chain: str, address: bytes | None, when: datetime | None) -> End | None:
        """Return the end at an address at a time, if it is one then.

        At an unknown time one that holds always, or else the first, which may not have held then.
        """
        found = self.by_address.get((chain, address)) if address is not None else None
        if not found:
            return None
        if when is None:
            always = (end for first, last, end in found if first is None and last is None)
            return next(always, None) or _perhaps(found[0].end)
        day = when.date()
        for first, last, end in found:
            if (first is None or first <= day) and (last is None or day <= last):
                return end
        return None


def _perhaps(end: End) -> End:
    told = f"{end.detail}; the day of the payment is not known, nor whether this held then"
    return end._replace(detail=told, certainty=end.certainty and "probable")


def at_a_service() -> pl.Expr:
    """Return the condition of an end at an address of a service, as far as anything shows."""
    return pl.col("service").is_not_null() & (pl.col("reason") != ONE_DESTINATION)


def reason_of(concepts: Sequence[str | None]) -> str:
    """Return why value ends at a party of whom tags say these concepts."""
    for broad, reason in _BY_CONCEPT:
        if any(concept is not None and is_a(concept, broad) for concept in concepts):
            return reason
    return TAGGED


@runtime_checkable
class _Opened(Protocol):
    """Hosted addresses of which a person opened some."""

    @property
    def opened(self) -> pl.DataFrame:
        """Those that were opened."""
        ...


def stops(
    stop: object, clusters: Owners | None, chain: str, *, spread_unstated: bool = False
) -> Stops:
    """Collect what to stop at: tags, hosted addresses, rules, or a sequence of them.

    What is said of the address itself speaks before what is said of another address of its
    cluster, and that before custody, whatever the order in which they are given. A tag is said of
    a cluster where its publisher says so, and where nothing is said if ``spread_unstated``. An
    address tagged
    at level ``CONFIRMED`` or above is *confirmed*; every other end is *probable*. One that two
    actors are named for with equal confidence is *contested*: no service is named, the detail
    names both. Where several tags name an address the most confident one that holds on the day of
    the payment speaks; a tag without dates holds always, and its end says so.

    Raises
    ------
    ArgumentError
        If something else is given.
    """
    items = [] if stop is None else list(stop) if isinstance(stop, (list, tuple)) else [stop]
    rules = tuple(item for item in items if isinstance(item, Rule))
    frames = [item.frame for item in items if isinstance(item, Framed)]
    if len(rules) + len(frames) < len(items):
        wrong = next(item for item in items if not isinstance(item, (Rule, Framed)))
        refuse(wrong, "stop", "pass tags, hosted addresses, rules, or a list of them")
    hosts = [frame for frame in frames if "certainty" in frame.columns]
    tags = [frame for frame in frames if "certainty" not in frame.columns]
    services = {name for frame in hosts for name in frame["service"].drop_nulls()}
    tagged = statements_of(tags[0], chain, *tags[1:], beside=services) if tags else {}
    found: dict[tuple[str, bytes], tuple[Dated, ...]] = {}
    _add(found, {(chain, address): _named(rows) for address, rows in tagged.items()})
    spread = clustered(tagged, clusters, chain, spread_unstated=spread_unstated)
    _add(found, {(chain, address): _shared(rows) for address, rows in spread.items()})
    spelled = one_spelling([*services, *(one.actor for rows in tagged.values() for one in rows)])
    for frame in hosts:
        _add(found, _hosts(frame, spelled))
    custody = [one for frame in hosts for one in _customers(frame)]
    open_custody = custody.count(OPEN_CUSTODY)
    asked = Asked(
        tagged=len(tagged) if tags else None,
        hosted=len(custody) - open_custody if hosts else None,
        one_destination=open_custody,
        opened=sum(item.opened.height for item in items if isinstance(item, _Opened)),
        mixes=find_chain(chain).family == "utxo",
        unstated=unstated(tagged, clusters, chain),
        spread_unstated=spread_unstated,
    )
    return Stops(found, rules, asked)


def _customers(frame: pl.DataFrame) -> list[str]:
    """Return how sure custody is of each deposit address and each that pays one service alone."""
    if not {"role", "rule"} <= set(frame.columns):
        return frame["certainty"].to_list()
    by_deeds = pl.col("rule") != BASIS_OF_TAGS
    whom = pl.col("role").is_in([DEPOSITS, *frame.filter(certainty=OPEN_CUSTODY)["role"]])
    return frame.filter(by_deeds & whom)["certainty"].to_list()


def _add(
    found: dict[tuple[str, bytes], tuple[Dated, ...]],
    more: Mapping[tuple[str, bytes], tuple[Dated, ...]],
) -> None:
    for key, ends in more.items():
        found[key] = (*found.get(key, ()), *ends)


def _hosts(
    frame: pl.DataFrame, spelled: Mapping[str, str]
) -> dict[tuple[str, bytes], tuple[Dated, ...]]:
    columns = ("chain", "address", "evidence", "service", "certainty")
    rule, role = (frame[name] if name in frame.columns else None for name in ("rule", "role"))
    found: dict[tuple[str, bytes], tuple[Dated, ...]] = {}
    for place, row in enumerate(frame.select(columns).iter_rows()):
        chain, address, told, service, certainty = row
        by_tag = rule is not None and rule[place] == BASIS_OF_TAGS
        basis = BY_TAG if by_tag else _basis(role, place)
        named = None if service is None else spelled.get(service)
        found[chain, address] = (Dated(None, None, _held(told, named, certainty, basis)),)
    return found


def _basis(role: pl.Series | None, place: int) -> str:
    """Return the basis of an end at a deposit address, or at another wallet of a service."""
    return BY_CUSTODY if role is None or role[place] == DEPOSITS else BY_ROLE


def _held(told: str, service: str | None, certainty: str, basis: str) -> End:
    """Return the end at an address of a service, or at one that passes all on to one service.

    Where nothing shows whether the service holds its keys, the end says so.
    """
    if certainty == OPEN_CUSTODY:
        return End(ONE_DESTINATION, told, service, certainty, BY_DESTINATION)
    return End(HOSTED, told, service, certainty, basis)


def _named(rows: tuple[TagStatement, ...]) -> tuple[Dated, ...]:
    """Return the ends of a tagged address; others that are named for it stand in the detail."""
    return tuple(Dated(first, last, _told(holding)) for first, last, holding in _days(rows))


def _told(rows: Sequence[TagStatement]) -> End:
    """Return the end at an address of which these tags hold; nobody's, if two say it equally."""
    one, top = rows[0], leading(rows)
    if len({row.actor for row in top}) > 1:
        reasons = {reason_of([row.concept for row in rows if row.actor == t.actor]) for t in top}
        named = ", ".join(sorted({f"{row.label} by {row.source}" for row in top}))
        detail = f"contested: tagged with equal confidence ({one.confidence}) {named}"
        reason = reasons.pop() if len(reasons) == 1 else TAGGED
        return End(reason, detail, None, CONTESTED, BY_TAG)
    others = sorted({other.actor for other in rows} - {one.actor})
    more = f"; other tags name {', '.join(others)}" if others else ""
    told = f"tagged {one.label} by {one.source} ({one.confidence}, {one.dated()}){more}"
    return _end(one, rows, told, "confirmed" if one.level >= CONFIRMED else "probable", BY_TAG)


def _days(
    rows: Sequence[TagStatement],
) -> Iterator[tuple[date | None, date | None, tuple[TagStatement, ...]]]:
    """Yield from when to when the same tags hold, and which; days on which none does are absent."""
    step = timedelta(days=1)
    changes = {row.first for row in rows if row.first} - {date.min}
    changes |= {row.last + step for row in rows if row.last and row.last < date.max}
    starts = [None, *sorted(changes)]
    for first, after in zip(starts, [*starts[1:], None], strict=True):
        last = after - step if after else None
        day = first or last or date.max
        holding = tuple(row for row in rows if row.holds(day))
        if holding:
            yield first, last, holding


def _shared(rows: tuple[TagStatement, ...]) -> tuple[Dated, ...]:
    """Return the ends of an address that shares a cluster with a tagged one."""
    return tuple(
        Dated(
            one.first,
            one.last,
            _end(
                one,
                rows,
                f"in one cluster with an address tagged {one.label} by {one.source}"
                f" ({one.confidence}, {one.dated()})",
                "probable",
                BY_CLUSTER,
            ),
        )
        for one in rows
    )


def _end(
    one: TagStatement, rows: Sequence[TagStatement], detail: str, certainty: str, basis: str
) -> End:
    reason = reason_of([other.concept for other in rows if other.actor == one.actor])
    # A tagged party that is no service is not named as one: it may be a victim or a bystander.
    return End(reason, detail, None if reason == TAGGED else one.actor, certainty, basis)


class Mixes:
    """What rules say of transactions in which strangers may mix, asked of those that matter.

    A rule on transactions speaks of one row at a time, and features that rest on others (the
    descent of a mix, what an earlier output was) are looked up in the whole ledger: so an answer
    is the same whichever others are asked.

    Attributes
    ----------
    rules : tuple of Rule
        Those that are asked.
    found : dict of int to End
        Numbers of transactions at which one says, or cannot deny, that strangers mix.
    """

    def __init__(
        self, ledger: Ledger, rules: Sequence[Rule], chain: str, index: Index | None = None
    ) -> None:
        self.rules = tuple(rules)
        self.found: dict[int, End] = {}
        self._asked: set[int] = set()
        self._ledger, self._chain, self._index = ledger.chain_only(chain), chain, index
        for rule in rules:
            if rule.on != "transactions":
                refuse(rule, "stop", f"pass rules on transactions; this one reads {rule.on}")

    @property
    def judged(self) -> int:
        """How many transactions were judged."""
        return len(self._asked)

    def ask(self, numbers: Iterable[int]) -> bool:
        """Judge transactions that were not judged before; tell whether any is, or may be, a mix."""
        new = sorted(set(numbers) - self._asked)
        if not new:
            return False
        self._asked.update(new)
        if self._index is None:
            found = joint_transactions(self._ledger, self.rules, self._chain, new)
        else:
            found = _by_rules((rule, self._hits(rule, new, self._index)) for rule in self.rules)
        self.found.update(found)
        return bool(found)

    def _hits(
        self, rule: Rule, numbers: Sequence[int], index: Index
    ) -> Iterator[tuple[int, bool | None]]:
        """Yield what a rule does not deny of transactions: most are asked of the index alone."""
        places = np.searchsorted(index.columns["tx_number"], numbers).astype(np.uint32)
        said = verdicts(self._ledger, index, places, rule)
        for k in np.flatnonzero(said).tolist():
            yield numbers[k], True if said[k] > 0 else None


def joint_transactions(
    ledger: Ledger, rules: Sequence[Rule], chain: str, numbers: Sequence[int] | None = None
) -> dict[int, End]:
    """Return the transactions at which a rule says, or cannot deny, that strangers mix.

    They are called by their numbers; only those in ``numbers`` are asked of, if it is given.
    A rule that says so speaks before one that cannot tell; the first of each is named.
    """
    if not rules:
        return {}
    of = ledger.chain_only(chain)
    asked = of if numbers is None else among(of, {chain: pl.Series("tx", numbers, pl.Int64)})
    table = features.transactions(asked)

    def hits(rule: Rule) -> Iterator[tuple[int, bool | None]]:
        found = apply(table, rule).filter(pl.col(VERDICT).is_null() | pl.col(VERDICT))
        yield from found.select("tx", VERDICT).iter_rows()

    return _by_rules((rule, hits(rule)) for rule in rules)


def _by_rules(hits: Iterable[tuple[Rule, Iterable[tuple[int, bool | None]]]]) -> dict[int, End]:
    """Return the end at each transaction: the first rule that says so, or else cannot deny it."""
    mixed: dict[int, End] = {}
    undecided: dict[int, End] = {}
    for rule, found in hits:
        for tx, verdict in found:
            if verdict:
                mixed.setdefault(tx, End(MIXER, f"{rule} holds", basis=BY_RULE))
            else:
                doubt = End(UNDECIDED, f"{rule} is unknown", basis=BY_RULE)
                undecided.setdefault(tx, doubt)
    return undecided | mixed
