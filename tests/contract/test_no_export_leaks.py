"""No export of a disclosure holds whom it masks: random ledgers, every format, every writing.

The files are searched as :func:`chainwatch.leaks` searches them: for addresses in any text, in
hexadecimal, base64 and bytes, for withheld transactions in both orders, and for the mask key.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_cases import GOAML
from worded_case import KEY, Words, worded_case

import chainwatch as cw
from chainwatch.addresses.canonical import parse, parse_txid
from chainwatch.case.exports.catalogue import registry, write_exports
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.result import Leaks
from chainwatch.privacy.leaks.secrets import Secrets

SETTINGS = {"goaml": {**GOAML, "submission_date": date(2023, 7, 1)}}
"""What exports must be told that no case says."""

STRANGERS = ("amy", "bob", "carl", "dora", "emil", "fay", "gus", "hal")
ENDS = ("host1", "host2", "host3")

strangers = st.sampled_from(STRANGERS)
payments = st.lists(
    st.tuples(
        st.sampled_from(("kelp", "wrack", *STRANGERS)),
        st.sampled_from((*STRANGERS, *ENDS, "kelp")),
        st.integers(1, 10**9),
    ),
    min_size=2,
    max_size=14,
)


def case_of(paid: list[tuple[str, str, int]]) -> cw.Case:
    rows = [("giver>kelp:900000001", 1), ("giver>wrack:400000007", 2)]
    rows += [
        (f"{payer}>{payee}:{amount}", minute)
        for minute, (payer, payee, amount) in enumerate(paid, 10)
        if payer != payee
    ]
    return worded_case(Words(), rows)


def secrets_of(case: cw.Case) -> Secrets:
    """Return whom the disclosure masks and which transactions it withholds."""
    parties, transactions = case._masked().values()
    return Secrets(
        frozenset((chain, parse(said, chain)) for chain, said in parties.iter_rows()),
        frozenset((chain, parse_txid(said, chain)) for chain, said in transactions.iter_rows()),
        KEY,
    )


def given_away(case: cw.Case, edition: str, names: list[str]) -> Leaks:
    with tempfile.TemporaryDirectory() as place:
        write_exports(case.shown(edition, SETTINGS), Path(place), names)
        return searched(Path(place), secrets_of(case))


@settings(max_examples=6)
@given(payments)
def test_no_export_gives_anybody_away(paid: list[tuple[str, str, int]]) -> None:
    case = case_of(paid)
    assert secrets_of(case).parties, "nobody is masked: the search would prove nothing"
    found = given_away(case, "disclosure", registry.names())
    assert not found.frame.height, found.frame
    assert not found.unread.height, found.unread


OF_SUBJECTS = {"case-tags"}
"""Formats that name nobody but subjects and services in any edition."""


@pytest.mark.parametrize("name", registry.names())
def test_the_search_reads_every_format(name: str) -> None:
    """In the working edition nobody is masked, and the same search finds them."""
    paid = [("kelp", "amy", 400_000_000), ("amy", "host1", 300_000_000)]
    found = given_away(case_of(paid), "working", [name])
    kinds = set(found.frame["kind"])
    assert ("masked address" in kinds) == (name not in OF_SUBJECTS), kinds
