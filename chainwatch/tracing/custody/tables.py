"""The tables of custody: addresses that pass one service alone, and what is shown of each."""

from __future__ import annotations

from dataclasses import replace

from chainwatch.results.table import CHAIN, FIRST, LAST, SERVICE, Column, Table
from chainwatch.tracing.custody.service_side import KINDS
from chainwatch.tracing.stops import OPEN_CUSTODY

HOSTED_ADDRESSES = Table(
    "hosted",
    ("chain", "address"),
    "Addresses that pass all they get to one service, each with what shows whose keys they are.",
    (
        CHAIN,
        Column.party("address", "the address"),
        SERVICE,
        Column.text("labels", "labels of the wallets that it passed everything to"),
        Column.amount("received", "what it received until its last payment to the service"),
        Column.amount("forwarded", "what of it went to the service"),
        Column.count("sweeps", "payments to the service"),
        Column.count("receipts", "payments that it received"),
        FIRST,
        LAST,
        Column.word(
            "certainty",
            f"probable where something shows that the service holds its keys, else {OPEN_CUSTODY}",
        ),
        Column.text("evidence", "what speaks for it, in a sentence"),
        Column.word("shown_by", f"what shows the service's side: {', '.join(KINDS)}; or nothing"),
        Column.party("gas_funder", "who pays its gas, and that of others of the service"),
        Column.count("funded", "such addresses whose gas that funder pays"),
        Column.count("batches", "payments made in one transaction with others of the service"),
        Column.count("depositors", "addresses that paid it, wallets of services apart"),
        Column.count("unrelated", "addresses without a common depositor among those that show it"),
    ),
)

OPENED = replace(
    HOSTED_ADDRESSES.plus(Column.text("why", "the reason that a person gave")),
    name="opened",
    meaning="Addresses at which following would end, opened by a person: it goes on behind them.",
)

PROBABLE_DEPOSITS = HOSTED_ADDRESSES.pick(
    "chain", "address", "service", "received", "forwarded", "sweeps", "certainty", "shown_by",
    name="hosting",
)  # fmt: skip

PASSED_ON = replace(
    HOSTED_ADDRESSES,
    name="passed_on",
    meaning="Addresses that passed all on to one service, in too few payments to show anything.",
)

VICTOR = Column.flag("victor", "Victor's rule: deposits were passed on one by one, soon and whole")
MATCHES = Column.count("matched", "payments to the service that match one deposit before them")
PRODUCTION = Column.flag(
    "production", "the production rule: within a day of its first deposit, about all, to one alone"
)

ROLES = Table(
    "roles",
    ("chain", "address"),
    "Addresses of services by what they are used for, each with how that is known.",
    (
        CHAIN,
        HOSTED_ADDRESSES["address"],
        Column.word(
            "role",
            "deposit address, one-destination wallet, hot wallet, cold wallet, gas wallet, wallet",
        ),
        SERVICE,
        Column.word(
            "certainty",
            "confirmed by a tag of a service's own data, an authority or a test; probable by"
            f" another tag or by what it does; {OPEN_CUSTODY}",
        ),
        Column.word("rule", "what says so: a tag, or which behaviour"),
        Column.text("evidence", "what speaks for it, in a sentence"),
        Column.count("rests_on", "addresses or payments that it rests on"),
    ),
    order=("role", "certainty", "service"),
)

OPENED_ROLES = replace(
    ROLES.plus(Column.text("why", "the reason that a person gave")),
    name="opened",
    meaning="Addresses at which following would end by what they do, opened by a person.",
)

FORWARDING = Table(
    "forwarding",
    ("address", "service"),
    "Of every address that paid a tagged wallet of a service, what each rule says of it.",
    (
        CHAIN,
        HOSTED_ADDRESSES["address"],
        SERVICE,
        Column.count("payments", "payments to the service"),
        HOSTED_ADDRESSES["depositors"],
        Column.flag("one_destination", "it passed all on to this service, in two payments or more"),
        HOSTED_ADDRESSES["certainty"],
        VICTOR,
        MATCHES,
        PRODUCTION,
    ),
)
