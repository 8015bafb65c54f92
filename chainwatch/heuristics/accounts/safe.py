"""Owners of a Safe: an account of several keys, whose contract logs who may sign for it.

Several owners are a group and never one owner: of them nothing is said, whoever of them comes and
goes. Where one owner alone may sign, he controls the Safe; and where he hands it to another key, it
was his own, or the Safe was sold, stolen, or belongs to a firm whose people change. Both rules are
off unless asked for. Any contract may log what a Safe would: what its owner did not do himself is
undecided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import claims, link_rule
from chainwatch.ledger.accounts.contract_events import SAFE, events_of
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.block_readings import BlockRun
from chainwatch.ledger.schema import POSITION_BITS

_SETUP, _ADDED, _REMOVED, _THRESHOLD = (
    "SafeSetup(address,address[],uint256,address,address)",
    "AddedOwner(address)",
    "RemovedOwner(address)",
    "ChangedThreshold(uint256)",
)
_WORD = 32

MOST_OWNERS = 1_000
"""Owners of one setup; a list that is longer makes no sense."""


class Turn(NamedTuple):
    """What one transaction changed of a Safe; owners are None where they are not known."""

    safe: bytes
    txid: bytes
    tx: int | None
    time: datetime | None
    before: frozenset[bytes] | None
    owners: frozenset[bytes] | None
    added: tuple[bytes, ...]
    removed: tuple[bytes, ...]


class Claim(NamedTuple):
    """That two are one, the turn that shows it, and from when to when logs must have been read.

    ``known`` is whether the owners before and after are, and the order of the turns.
    """

    safe: bytes
    one: bytes
    other: bytes
    tx: int | None
    txid: bytes
    time: datetime | None
    known: bool
    begin: int | None
    end: int | None


@link_rule(refs=("safe-contracts",))
def safe_owner(facts: AccountFacts, *, safes: int = 3) -> pl.DataFrame:
    """Who alone may sign for a Safe and always did, as he showed by using it himself.

    Undecided where the owner was another before or after, or several were; where he sent no
    transaction in which the Safe paid or changed; and where not every log was read since its setup.

    Parameters
    ----------
    safes : int
        Whoever is the only owner of more opens them for others: he joins nobody.

    Fails when
    ----------
    The Safe is a firm's, and its owner works there; he was brought to call a contract that only
    logs like a Safe; a module that was added to it acts for somebody else.

    References
    ----------
    OwnerManager.sol and Safe.sol of safe-smart-account: ``SafeSetup`` is logged since version
    1.3.0, so that the first owners of older ones are not known. The cap was chosen on the *fit*
    part of simulated Safes.
    """
    found = _frame([one for turns in _histories(facts) for one in _alone(turns)])
    used = _used(facts)
    last = used.group_by("safe").agg(pl.col("used").max())
    known = found.join(last, on="safe", how="left").with_columns(
        end=pl.max_horizontal("end", "used")
    )
    own = used.select("safe", one="sender", acted=pl.lit(True)).unique()
    acted = known.join(own, on=["safe", "one"], how="left")
    many = pl.col("safe").n_unique().over("one") > safes
    return _judged(facts, acted, many, ("one",))


@link_rule(refs=("safe-contracts",))
def safe_key_change(facts: AccountFacts, *, others: int = 2) -> pl.DataFrame:
    """Who alone may sign for a Safe, and the key that took his place by his own transaction.

    The new key may be added first and the old one removed later, as long as no third came between.
    Undecided where he did not send the transaction that named the new key; where that one never
    sent a transaction in which the Safe paid or changed; and where not every log was read since the
    setup. Several owners are a group: that one of them is replaced links nobody.

    Parameters
    ----------
    others : int
        Whoever took part in such changes with more others opens Safes for people, or trades with
        them: he joins nobody.

    Fails when
    ----------
    The Safe is sold or given away; that of a firm changes its only keeper; a robber has its owner's
    key, or brought him to sign.

    References
    ----------
    ``swapOwner``, ``addOwnerWithThreshold`` and ``removeOwner`` in OwnerManager.sol of
    safe-smart-account. The cap was chosen on the *fit* part of simulated Safes.
    """
    found = _frame([one for turns in _histories(facts) for one in _replaced(turns)])
    both = [found.select(who=one, whom=two) for one, two in (("one", "other"), ("other", "one"))]
    met = pl.concat(both).unique().group_by("who").agg(pl.len().alias("met"))
    busy = met.filter(pl.col("met") > others)["who"].implode()
    many = pl.col("one").is_in(busy) | pl.col("other").is_in(busy)
    # He named the new key himself, and who has it used it.
    sent = found.join(facts.sent, left_on=["txid", "one"], right_on=["txid", "sender"], how="semi")
    key = ["safe", "one", "other", "txid"]
    uses = sent.join(_used(facts), left_on=["safe", "other"], right_on=["safe", "sender"])
    acted = uses.filter(pl.col("used") > pl.col("tx")).select(key).unique()
    acted = acted.with_columns(acted=pl.lit(True))
    return _judged(facts, found.join(acted, on=key, how="left"), many, ("one", "other"))


def _alone(turns: Sequence[Turn]) -> Iterator[Claim]:
    """Yield whoever was the only owner of a Safe, at the first turn at which he was."""
    always = len({turn.owners for turn in turns}) == 1
    told: set[bytes] = set()
    for turn in turns:
        if turn.owners is not None and len(turn.owners) == 1 and not turn.owners <= told:
            told |= turn.owners
            yield _claim(turn, min(turn.owners), turn.safe, always, turns[0], turns[-1])


def _replaced(turns: Sequence[Turn]) -> Iterator[Claim]:
    """Yield whose place as the only owner of a Safe another took, at the turn that named him."""
    sole: frozenset[bytes] = frozenset()
    seen: frozenset[bytes] = frozenset()
    named: dict[bytes, Turn] = {}
    for turn in turns:
        if turn.owners is None:
            if len(turn.added) == len(turn.removed) == 1 and turn.added != turn.removed:
                yield _claim(turn, turn.removed[0], turn.added[0], False, turns[0], turn)
            sole, seen, named = frozenset(), frozenset(), {}
            continue
        named |= dict.fromkeys(turn.added, turn)
        seen |= turn.owners
        if len(turn.owners) == 1:
            if sole and turn.owners != sole and seen == sole | turn.owners:
                old, new = min(sole), min(turn.owners)
                yield _claim(named[new], old, new, named[new].before == sole, turns[0], turn)
            sole = seen = turn.owners
            named = {}


def _claim(turn: Turn, one: bytes, other: bytes, known: bool, begin: Turn, end: Turn) -> Claim:
    return Claim(
        turn.safe, one, other, turn.tx, turn.txid, turn.time, known, begin.tx, end.tx
    )  # fmt: skip


def _frame(rows: Sequence[Claim]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "safe": pl.Binary, "one": pl.Binary, "other": pl.Binary, "tx": pl.Int64,
        "txid": pl.Binary, "time": pl.Datetime("us", "UTC"), "known": pl.Boolean,
        "begin": pl.Int64, "end": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _judged(
    facts: AccountFacts, rows: pl.DataFrame, many: pl.Expr, whose: Sequence[str]
) -> pl.DataFrame:
    """Return claims on accounts that a key stands behind: refused, undecided or joining."""
    safes = frozenset(_logs(facts)["contract"])
    barred = addresses(facts.public | facts.contracts | safes).implode()
    public = addresses(facts.public).implode()
    read = addresses(facts.read(None)).implode()
    known = [pl.col(one).is_in(read) for one in whose]
    sure = pl.all_horizontal("known", "acted", "read", *known)
    told = rows.with_columns(read=_read(facts, rows, whose))
    kept = pl.all_horizontal(~pl.col(one).is_in(barred) for one in whose)
    judged = told.with_columns(veto=pl.when(many).then(True).when(sure).then(False))
    return claims(judged.filter(kept, ~pl.col("safe").is_in(public)))


def _read(facts: AccountFacts, rows: pl.DataFrame, whose: Sequence[str]) -> pl.Series:
    """Return whether all logs were read from the setup on, and ever since the accounts moved.

    Who has many Safes is known only where the logs were read for as long as he was there.
    """
    runs = log_runs(facts.ledger, facts.chain.id, events_of(SAFE))
    moved = facts.movements.select("time", pl.concat_list("sender", "receiver").alias("who"))
    first = (
        moved.explode("who")
        .group_by("who")
        .agg(pl.col("time").min(), pl.col("time").has_nulls().alias("untimed"))
    )
    since = {who: None if untimed else time for who, time, untimed in first.iter_rows()}
    answers = []
    for begin, end, *accounts in rows.select("begin", "end", *whose).iter_rows():
        times = [since[one] for one in accounts if one in since]
        placed = begin is not None and end is not None
        answers.append(placed and any(_covers(run, begin, end, times) for run in runs))
    return pl.Series(answers, dtype=pl.Boolean)


def _covers(run: BlockRun, begin: int, end: int, times: Sequence[datetime | None]) -> bool:
    """Tell whether a run of blocks reaches from one transaction to another, and back to times."""
    if begin >> POSITION_BITS < run.first or end >> POSITION_BITS > run.last:
        return False
    return run.from_time is None or all(time and run.from_time <= time for time in times)


def _used(facts: AccountFacts) -> pl.DataFrame:
    """Return who sent a transaction in which a Safe paid or changed: ``safe, sender, used``."""
    logs = _logs(facts).select("txid", safe="contract", used="tx")
    safes = logs["safe"].unique().implode()
    paid = facts.movements.filter(pl.col("sender").is_in(safes))
    rows = pl.concat([logs, paid.select("txid", safe="sender", used="tx")]).unique()
    return rows.join(facts.sent, on="txid").select("safe", "sender", "used").unique()


def _logs(facts: AccountFacts) -> pl.DataFrame:
    """Return what contracts logged as a Safe would, in order."""
    topics = [event.topic for event in events_of(SAFE)]
    here = (pl.col("chain") == facts.chain.id) & pl.col("topic0").is_in(topics)
    order = ["contract", "tx", "time", "txid", "log_index"]
    return facts.ledger.contract_logs.filter(here).collect().sort(order, nulls_last=True)


def _histories(facts: AccountFacts) -> Iterator[list[Turn]]:
    """Yield what is known of each Safe, transaction by transaction."""
    kind = bytes([Kind.TRON if facts.chain.family == "tron" else Kind.EVM])
    names = {event.topic: event.text for event in events_of(SAFE)}
    rows = _logs(facts).iter_rows(named=True)
    for safe, logs in groupby(rows, key=lambda row: row["contract"]):
        listed = list(logs)
        state = _State(kind, placed=all(row["tx"] is not None for row in listed))
        turns = []
        for txid, each in groupby(listed, key=lambda row: row["txid"]):
            before, state.added, state.removed = state.owners, [], []
            for row in each:
                state.read(names[row["topic0"]], row)
            turns.append(Turn(
                safe, txid, row["tx"], row["time"], before, state.settled(), tuple(state.added),
                tuple(state.removed),
            ))  # fmt: skip
        yield turns


@dataclass
class _State:
    """Who owns a Safe after what was read of it. None: its setup was not read, or logs contradict.

    ``placed`` is false where the order of its logs is not known.
    """

    kind: bytes
    placed: bool
    owners: frozenset[bytes] | None = None
    threshold: int = 0
    added: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    begun: bool = False

    def read(self, event: str, row: dict[str, Any]) -> None:
        """Read one log; what makes no sense leaves the owners unknown for good."""
        first, self.begun = not self.begun, True
        if event == _SETUP:
            self._set_up(row["data"], first=first and self.placed)
        elif event == _THRESHOLD:
            self.threshold = int.from_bytes(row["data"])
        elif (owner := self._owner(row)) is None:
            self.owners = None
        elif event == _ADDED:
            self.added.append(owner)
            self._change(owner, frozenset(), frozenset({owner}))
        else:
            self.removed.append(owner)
            self._change(owner, frozenset({owner}), frozenset())

    def settled(self) -> frozenset[bytes] | None:
        """Return the owners after a transaction, if so many can sign as must."""
        if self.owners is not None and not 1 <= self.threshold <= len(self.owners):
            self.owners = None
        return self.owners

    def _change(self, owner: bytes, old: frozenset[bytes], new: frozenset[bytes]) -> None:
        if self.owners is not None:
            fits = (owner in self.owners) == bool(old)
            self.owners = (self.owners - old) | new if fits else None

    def _set_up(self, data: bytes, *, first: bool) -> None:
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        try:
            owners, threshold, *_ = decode(("address[]", "uint256", "address", "address"), data)
        except (DecodingError, ValueError, OverflowError):
            owners, threshold = (), 0
        made = frozenset(self.kind + bytes.fromhex(one[2:]) for one in owners)
        sane = first and 0 < len(made) == len(owners) <= MOST_OWNERS
        self.owners, self.threshold = (made if sane else None), threshold

    def _owner(self, row: dict[str, Any]) -> bytes | None:
        """Return whom a log names: in the data up to version 1.3.0, and as a topic since then."""
        word: bytes = row["data"] if row["topic1"] is None else row["topic1"]
        if len(word) != _WORD or any(word[:12]):
            return None
        return self.kind + word[12:]
