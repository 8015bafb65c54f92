"""The tables of a trace: what each column means, and what it may give away."""

from __future__ import annotations

from chainwatch.ledger.schema import TRANSFERS
from chainwatch.results.table import (
    BEHIND,
    SERVICE,
    TIME,
    TX,
    TXID,
    WHEN,
    Column,
    N,
    Privacy,
    Table,
)
from chainwatch.tracing.asked import DOUBT

_SUBJECT = Column.party("subject", "whose value it is")
_AMOUNT = Column.amount("amount", "traced value")
ROW_KEY = ("txid", "n", "subject")

ORIGINS = Table(
    "origins",
    ROW_KEY,
    """Value at which tracing starts. ``kind`` is

- *received*;
- *held before the span*: what came in before the span, and was read. On account chains all that
  the balance held when the span begins, at the place of what last came in; on coin chains the
  coins that are spent in the span;
- *opening, not read*: a subject pays with what was not read to have come in, at any time. On coin
  chains the place is that of the coin, as far as it is known, and the time that of the payment; on
  account chains the place is that of the payment which shows it;
- *chosen*: an output or transfer that was named itself;
- *received, perhaps again*: it comes from a transaction into which value of the same subject went
  and ended, because strangers mix there or another input was not read. Some of it may be counted
  twice.

Backward on account chains, what a subject received is an origin at its place, and what it held when
the span begins, or before all that was read, where it paid that in the span or holds it still.
""",
    (
        _SUBJECT,
        Column.party("address", "where it came in"),
        TX,
        TXID,
        N,
        WHEN,
        _AMOUNT,
        Column.kind("kind", "how it came in"),
        Column.party("paid_by", "who paid it; known on account chains"),
        DOUBT,
    ),
)

STEPS = Table(
    "steps",
    ROW_KEY,
    "One row per movement of traced value from one address to the next.",
    (
        _SUBJECT,
        Column.party("source", "address that it leaves"),
        Column.party("target", "address that it reaches"),
        Column.elsewhere(
            "source_tx", "number of the transaction by which it had come to the source"
        ),
        Column.elsewhere("source_n", "place of the output or transfer there"),
        TX,
        TXID,
        N,
        WHEN,
        _AMOUNT,
        Column.number("hop", "payments since the origin, this one included"),
        Column.party("imitates", "earlier partner of the source whom the target looks like"),
        DOUBT,
    ),
)

ENDS = Table(
    "ends",
    ROW_KEY,
    "One row per place where following stops. ``n`` is -1 where it is the fee of a transaction.",
    (
        _SUBJECT,
        Column.party("address", "where it lies; null for fees and scripts without an address"),
        TX,
        TXID,
        N,
        WHEN,
        _AMOUNT,
        Column.number("hop", "payments since the origin"),
        Column.kind("reason", "why following stops"),
        Column.text("detail", "what more is known of the reason"),
        SERVICE,
        Column.word(
            "certainty", "confirmed, probable, unknown (of what no transfer shows), or null"
        ),
        Column.kind(
            "basis",
            "how the end came about: by a tag of the address, by one of another address of"
            " its cluster, as a deposit address, by a rule; or what exactly was not read: the rest"
            " of a history, a spender, another input; null where the reason says it",
        ),
        Column.place("as_of", "height of the block up to which a coin is known to be unspent"),
        Column(
            "as_of_time",
            TIME,
            Privacy.TIME,
            "time of that block; on account chains the end of what was read of the address",
            nullable=True,
        ),
    ),
)

OVERLAPS = Table(
    "overlaps",
    ROW_KEY,
    "Value that reached a subject already traced from another: the first trace keeps it.",
    (_SUBJECT, Column.party("other", "from whom it was traced already"), TXID, N, _AMOUNT),
)

BOUNDS = Table(
    "bounds",
    ("reason", "service"),
    "The smallest and largest total of each kind of end, under the orders tried.",
    (
        ENDS["reason"],
        SERVICE,
        Column.amount("low", "smallest total"),
        Column.amount("high", "largest total"),
        BEHIND,
    ),
)

SUBJECTS = Table(
    "subjects",
    ("subject", "address"),
    "Every address of every subject, also those that received nothing.",
    (_SUBJECT, Column.party("address", "one of its addresses")),
)

UNKNOWN = Table(
    "unknown",
    ("txid", "n"),
    "Transfers of an amount wider than 38 digits from or to an address value was traced through:"
    " they are in no total, and what was paid after them may be of other lots.",
    (
        Column.party("sender", "who sends it"),
        Column.party("receiver", "who receives it"),
        TRANSFERS["amount_hex"],
        TX,
        TXID,
        N,
        WHEN,
    ),
)

BALANCES = Table(
    "balances",
    ("subject", "address"),
    "On account chains one row per address of a subject. What it held before, received and got as"
    " trifles adds up to what it paid, sent as bait and held at the end, to the last base unit.",
    (
        _SUBJECT,
        Column.party("address", "one of its addresses"),
        Column.amount("before", "what it must have held before all that was read"),
        Column.amount("received", "what it was paid"),
        Column.amount(
            "trifles",
            "trifles of address poisoning in its balance: nobody's; none where no size of a trifle"
            " was given, so that none was judged",
        ),
        Column.amount("paid", "what it paid"),
        Column.amount("bait", "what it sent as bait itself"),
        Column.amount("held", "what it held at the end"),
    ),
)

ENDS_BY_REASON = Table(
    "ends_by_reason",
    (),
    "Where the value of a trace ends.",
    (
        ENDS["reason"],
        SERVICE,
        ENDS["certainty"],
        ENDS["basis"],
        _AMOUNT,
        Column.count("ends", "places at which it ends so"),
        BEHIND,
    ),
    order=("-amount",),
)
