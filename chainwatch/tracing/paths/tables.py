"""The tables of routes: what each column means, and what it may give away."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from chainwatch.results.table import BEHIND, FIRST, LAST, TX, TXID, WHEN, Column, N, Privacy, Table

ROUTE = Column.number("route", "number of the route, the best first")
SIDE = Column("side", pl.String, Privacy.SIDE, "source, looked at forward; or target, backward")
_TXID = Column("txid", pl.Binary, Privacy.TXID, TXID.meaning, nullable=True)
_OUTPUT = replace(_TXID, meaning="transaction of a single output that is meant alone, or null")
_TIME = Column(
    "time", pl.Datetime("us", "UTC"), Privacy.TIME, WHEN.meaning, nullable=True,
)  # fmt: skip
_CONTROL = Column(
    "control", pl.Float64, Privacy.FLAG,
    "confidence of the least sure of these; null where there is none, or it was not measured",
    nullable=True,
)  # fmt: skip

ROUTES = Table(
    "routes",
    ("route",),
    "One row per route. Control, flow and attribution are three numbers and never one: how sure it"
    " is that one hand holds both ends of each step that no value flows in, how much value arrives"
    " by the named policy, and how sure the names at both ends are.",
    (
        ROUTE,
        Column.party("source", "address of the source that it leaves"),
        Column.party("target", "address of the target that it reaches"),
        Column.number("hops", "payments, the first and the last with them"),
        FIRST,
        LAST,
        Column.amount(
            "amount", "the smallest amount on it: no more can have gone this way, and less may have"
        ),
        Column.party("narrowest", "whom that smallest amount was paid"),
        Column.amount(
            "flow", "what arrives along it under the haircut, rounded down; null where not known"
        ),
        Column.word("flow_unknown", "why the flow is not known"),
        Column.number("owners", "claims on owners that it rests on, those at its ends included"),
        _CONTROL,
        Column.number(
            "attribution", "the lower of the levels of the tags at both ends; null if one has none"
        ),
        Column("source_tag", pl.String, Privacy.NAME, "whom a tag names at the source",
               nullable=True),
        Column("target_tag", pl.String, Privacy.NAME, "whom a tag names at the target",
               nullable=True),
        Column.kind(
            "order", "whether it is there in every order of transfers of one time, or in some"
        ),
        Column.word("why", "what its rank rests on"),
        BEHIND,
    ),
)  # fmt: skip

ROUTES_FOUND = ROUTES.pick(
    "route", "source", "target", "hops", "first", "last", "amount", "narrowest", "flow", "control",
    "attribution", "order", "behind", name="routes_found", key=("route",),
)  # fmt: skip
"""What a report lists of routes."""

HOPS = Table(
    "hops",
    ("route", "hop"),
    "One row per payment of a route. Where its step is *control*, its payer is another address than"
    " was paid before, or another coin of it: an owner is claimed, and no value flows between.",
    (
        ROUTE,
        Column.number("hop", "payments since the source, this one included"),
        Column.party("source", "who pays"),
        Column.party("target", "who is paid"),
        TX,
        Column("txid", pl.Binary, Privacy.TXID, TXID.meaning),
        N,
        _TIME,
        Column.amount("amount", "what is paid"),
        Column.amount(
            "arrives", "what of the source's value is in it under the haircut, rounded down"
        ),
        Column.kind("step", "begins, flow or control: how it goes on from the payment before"),
        _CONTROL,
        Column.text("evidence", "what the step rests on"),
        Column.text("otherwise", "what else could explain it"),
        Column.kind("order", "whether it can follow in every order of one time, or in some"),
        Column.number("peel", "number of the peel chain on the route that it is part of, or null"),
    ),
)

CUTS = Table(
    "cuts",
    ("cut", "member"),
    "Smallest sets of transactions whose rejection ends every route: one row per transaction.",
    (
        Column.number("cut", "number of the set"),
        Column.number("member", "1, 2, ... in it"),
        TX,
        TXID,
        _TIME,
        Column.party("source", "a payer in it"),
        Column.party("target", "whom it pays on a route"),
    ),
)

LIMITS = Table(
    "limits",
    ("side", "reason", "time", "txid", "n", "address"),
    "One row per place where looking ended for a reason other than that nothing goes on there: a"
    " service, a mix, what was not read, or the budget. A route may lead on behind each.",
    (
        SIDE,
        Column.kind("reason", "why looking ended"),
        Column.party("address", "where"),
        TX,
        _TXID,
        N,
        _TIME,
        Column.amount(
            "amount", "what was met of it: forward what came there, backward what left it"
        ),
        Column.number("edges", "inputs and outputs, transfers or coins that were not looked at"),
        Column("service", pl.String, Privacy.SERVICE, "the service that tags name", nullable=True),
        Column.text("detail", "what more is known of the reason"),
    ),
)

PARTIES = Table(
    "parties",
    ("side", "address", "txid", "n"),
    "Every address of both ends, with the one that was given for it; and every single output, which"
    " stands for itself.",
    (
        SIDE,
        Column.party("given", "the address that was given, or at which an output stands"),
        Column.party("address", "an address of its owner; of an output, the same"),
        _OUTPUT,
        Column.place("n", "place of the single output in it, or null"),
    ),
)

EVERY, SOME = "every order", "some order"
"""Whether something holds in every order of transfers that bear one time, or in some."""

BEGINS, FLOW, CONTROL = "begins", "flow", "control"

SAME_AMOUNT = "outputs got this same amount"
"""Said of a payment of several payers beside which others got as much: strangers may mix there."""
