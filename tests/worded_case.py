"""A small case on a token whose every text is given: of tags, services, token, case and notes.

Two accounts are subjects; their money goes through strangers to services, by which it ends,
and part of it stays. Everything that a case can say in words of strangers stands in it once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from account_chains import Accounts

import chainwatch as cw
from chainwatch import figures
from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import Kind
from chainwatch.case.record import Clock
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.basis import Basis
from chainwatch.results.result import Finding, Result
from chainwatch.results.table import Column, Table

KEY = bytes(range(16))
ACQUIRED = datetime(2023, 7, 1, tzinfo=UTC)
PAYMENTS = (
    ("giver>kelp:90000001", 1), ("giver>wrack:40000007", 2), ("kelp>amy:50000003", 10),
    ("kelp>host1:30000002", 11), ("amy>host1:20000005", 12), ("amy>bob:25000004", 13),
    ("bob>host3:24000009", 14), ("wrack>carl:35000006", 15), ("carl>host2:34000008", 16),
    ("buyer>kelp:1234567", 20),
)  # fmt: skip
"""Who pays whom how many base units of the token, and at which minute."""

SUBJECTS = ("kelp", "wrack")


@dataclass(frozen=True)
class Named(Accounts):
    """Accounts whose addresses are like any other: their bytes do not spell their names."""

    def __call__(self, name: str) -> bytes:
        """Return the address of a name."""
        if name == "0":
            return super().__call__(name)
        return bytes([Kind.EVM]) + sha256(name.encode()).digest()[:20]


@dataclass(frozen=True)
class Words:
    """What stands where in a case; ``services`` are those of ``host1``, ``host2`` and so on.

    Where there is no ``label``, the wallets of services bear the names of these.
    """

    label: str = "a shop"
    actor: str = "shop"
    services: tuple[str, ...] = ("exchange one", "exchange two", "souk")
    subject: str = "Kelp (vendor)"
    symbol: str = "USDT"
    title: str = "A small case"
    question: str = "Whom does the money reach?"
    number: str = "12/23"
    investigator: str = "A. N. Other"
    statement: str = "The seller says that it is theirs."
    note: str = "A first look."
    finding: str = "They know each other."


WORDS = Table(
    "words",
    (),
    "What strangers said of parties.",
    (
        Column.party("who", "of whom"),
        Column.text("said", "what was said"),
        Column.amount("change", "by how much what they hold changed"),
    ),
)

ACCOUNTS = Named("eth")


def asset_of(words: Words) -> Asset:
    """Return the token of the case."""
    return Asset(ACCOUNTS.chain, ACCOUNTS("token"), words.symbol, 6)


def ledger_of(payments: Iterable[tuple[str, int]] = PAYMENTS) -> Ledger:
    """Return the ledger of the case."""
    return ACCOUNTS.ledger(list(payments))


def tags_of(words: Words) -> cw.Tags:
    """Return the tags of the case: of subjects, and of the wallets of services."""
    said = [
        (f"host{number}", service, "exchange", {"label": words.label or service})
        for number, service in enumerate(words.services, 1)
    ]
    more = {"label": words.subject, "actor": None}
    return ACCOUNTS.tags(*said, *((who, words.actor, "vendor", more) for who in SUBJECTS))


def results_of(words: Words, payments: Iterable[tuple[str, int]] = PAYMENTS) -> list[Result]:
    """Return the results of the case."""
    ledger, tags, asset = ledger_of(payments), tags_of(words), asset_of(words)
    subjects = tags.where(concept="vendor").addresses()
    trace = cw.trace(
        ledger, subjects, policy="fifo", asset=asset, stop=tags.where(concept="service")
    )
    rows = WORDS.frame(
        [(ACCOUNTS("kelp"), words.finding, -5)]
        + [(ACCOUNTS("host1"), service, 12) for service in words.services]
    )
    finding = Finding(
        words.finding, (words.finding,), WORDS.rows(rows), asset, (words.finding,), words.finding
    )
    return [tags, trace, cw.exposure(trace, tags), figures.flow(trace, None, tags), finding]


def worded_case(
    words: Words, payments: Iterable[tuple[str, int]] = PAYMENTS, clock: Clock | None = None
) -> cw.Case:
    """Return the case, ready to be written: who stands beside its parties was read."""
    case = cw.Case(
        "words", words.question, words.title, words.investigator, KEY,
        statements=(words.statement,), number=words.number,
        clock=clock or (lambda: ACQUIRED),
    )  # fmt: skip
    payments = tuple(payments)
    for result in results_of(words, payments):
        case.add(result, note=words.note)
    case.look_beside(ledger_of(payments))
    case.basis = Basis(ACQUIRED, ACQUIRED)
    return case
