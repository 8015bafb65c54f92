"""What is said of people: one role each, and every payment or tag that speaks for or against it."""

from __future__ import annotations

from chainwatch.ledger.schema import TAGS
from chainwatch.results.table import BEHIND, CHAIN, FIRST, LAST, Column, Table

VENDOR, MARKET, SERVICE, NETWORK = "vendor", "market", "service", "network"
DONOR, VICTIM, CONSUMER, BYSTANDER = "donor", "victim", "likely consumer", "bystander"
UNKNOWN = "unknown"
"""Stands where a role is possible and what would tell was not read, or not stated."""

ROLES = (VENDOR, MARKET, SERVICE, NETWORK, DONOR, VICTIM, CONSUMER, BYSTANDER)

ACCUSED = (VENDOR, MARKET, SERVICE, NETWORK)
"""Given by a tag, or to a subject of the case, and by no behaviour."""

TAG, SUBJECT, BEHAVIOUR, NOTHING = "tag", "subject of the case", "behaviour", "nothing"
"""On what a role rests."""

FITS, FITS_NOT, OPEN = "yes", "no", "unknown"
"""Whether payments are like those of a role."""

PEOPLE = Table(
    "people",
    ("chain", "address"),
    "One row per address of a party that pays or is paid by a subject or a tagged vendor, market or"
    " network, with its one role. *masked*: no disclosure shows it, whatever a finding, a tag or a"
    " trace would show, unless it is a subject of the case.",
    (
        CHAIN,
        Column.party("address", "the address"),
        Column.party("owner", "by which address its owner is called; itself without clusters"),
        Column.kind("role", "its role; unknown where what would tell was not read"),
        Column.word("basis", "a tag, a subject of the case, behaviour, or nothing"),
        Column.flag("masked", "is it masked whatever else would show it"),
        Column.word("behaves_like", "the role that its payments are like, or may be like"),
        Column.word("open", "why its role is not known, or why what it pays tells no more"),
        Column.flag("contradiction", "is a subject or a tagged party like one who is masked"),
    ),
)

EVIDENCE = Table(
    "people_evidence",
    ("chain", "owner", "says", "other", "label", "concept", "source", "first_day"),
    "Why: one row per tag that gives a role, and one per party to whom somebody paid in a way that"
    " tells. Of *payments* of which it was not read who paid them, each party that may have is"
    " listed.",
    (
        CHAIN,
        Column.party("owner", "whose role it is, as the table people calls its owner"),
        Column.kind("says", "the role that it speaks of"),
        Column.word("fits", "yes, no or unknown; tag of what a tag says"),
        Column.word("why", "what makes it so"),
        Column.party("other", "whom it paid; null of a tag"),
        Column.count("payments", "payments to that party"),
        Column.count("doubtful", "of these: others may have paid them"),
        Column.amount("amount", "what they add up to"),
        Column.amount("largest", "the largest of them"),
        Column.amount("back", "what that party paid back"),
        FIRST,
        LAST,
        TAGS["label"],
        TAGS["concept"],
        TAGS["source"],
        TAGS["first_day"],
        TAGS["last_day"],
    ),
)

BY_ROLE = Table(
    "people_by_role",
    ("role", "masked"),
    "How many parties have each role; the addresses of one owner are one party.",
    (
        PEOPLE["role"],
        PEOPLE["masked"],
        Column.count("parties", "parties, an owner counted once"),
        BEHIND,
    ),
    order=("role", "masked"),
)
