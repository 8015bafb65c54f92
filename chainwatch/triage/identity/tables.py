"""The tables of vendor profiles: what markets show, what links two of them, where each is paid."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import BEHIND, CHAIN, Column, Privacy, Table

JOINS, LEAD, NOT = "joins", "lead", "does not join"
"""What a link of two profiles does."""

_PROFILE = Column.number("profile", "number of the profile, in the order of market and handle")


def _stranger(name: str, meaning: str) -> Column:
    return Column(name, pl.String, Privacy.STRANGER, meaning, nullable=True)


PROFILES = Table(
    "profiles",
    ("profile",),
    "What markets show of sellers: one row per market and handle.",
    (
        _PROFILE,
        Column.number("identity", "number of who sells; profiles that a key joins share it"),
        Column.word("market", "where the profile stood"),
        _stranger("handle", "the name of the seller there"),
        _stranger("fingerprint", "of its OpenPGP key, in one form"),
        _stranger("contacts", "ways to reach it, in one form, joined by semicolons"),
        Column.flag("proven", "did somebody see a message signed by the key; null is not stated"),
        # Market, sales and days together would find the seller again: they stay on the desk.
        _stranger("sales", "sales or reviews that the market shows; null is not stated"),
        _stranger("first_day", "first day it was seen"),
        _stranger("last_day", "last day it was seen"),
        Column("source", pl.String, Privacy.TEXT, "who saw it"),
    ),
)

LINKED = Table(
    "profile_links",
    ("a", "b", "by"),
    "What two profiles have in common, and whether it joins them. No transaction is behind it.",
    (
        Column.number("a", "number of a profile"),
        Column.number("b", "number of another"),
        Column.word("by", "key, contact, or handle"),
        Column.kind("verdict", "joins, is a lead, or does not join"),
        Column.word("why", "why it does or does not"),
    ),
)

PLACES = Table(
    "paid_at",
    ("identity", "chain", "address", "by", "profile"),
    "Where sellers are paid, as adverts and records of markets say: links without a transaction.",
    (
        Column.number("identity", "number of who sells"),
        _PROFILE,
        CHAIN,
        Column.party("address", "the address"),
        Column.word("by", "what says so: an advert, or a withdrawal in a market's records"),
        Column.count("rows", "rows that say so"),
        Column("first_day", pl.Date, Privacy.TEXT, "first day of these rows", nullable=True),
        Column("last_day", pl.Date, Privacy.TEXT, "last day of these rows", nullable=True),
        Column("source", pl.String, Privacy.TEXT, "who says so"),
        BEHIND,
    ),
)
