"""No export of a disclosure holds whom it masks: random ledgers, every format, every writing.

The files are searched as :func:`chainwatch.leaks` searches them: for addresses in any text, in
hexadecimal, base64 and bytes, for withheld transactions in both orders, and for the mask key.
"""

from __future__ import annotations

import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_cases import GOAML
from worded_case import KEY, Words, worded_case

import chainwatch as cw
from chainwatch.addresses.canonical import parse, parse_txid
from chainwatch.case.exports.catalogue import registry, write_exports
from chainwatch.case.exports.goaml import goaml_bytes
from chainwatch.case.exports.goaml_settings import GoamlSettings
from chainwatch.errors import CaseError
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.result import Leaks
from chainwatch.privacy.leaks.secrets import PARTIES, TRANSACTIONS, Secrets

SETTINGS: dict[str, Any] = {"goaml": {**GOAML, "submission_date": date(2023, 7, 1)}}
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


def given_away(
    case: cw.Case, edition: str, names: list[str], told: dict[str, Any] = SETTINGS
) -> Leaks:
    with tempfile.TemporaryDirectory() as place:
        write_exports(case.shown(edition, told), Path(place), names)
        return searched(Path(place), secrets_of(case))


@settings(max_examples=6)
@given(payments)
def test_no_export_gives_anybody_away(paid: list[tuple[str, str, int]]) -> None:
    case = case_of(paid)
    assert secrets_of(case).parties, "nobody is masked: the search would prove nothing"
    found = given_away(case, "disclosure", registry.names())
    assert not found.frame.height, found.frame
    assert not found.unread.height, found.unread


PAID = [("kelp", "amy", 400_000_000), ("amy", "host1", 300_000_000)]
WORTHS = "local_amounts"
"""The setting whose keys are ids of transactions, and whose values are numbers."""


@cache
def paid_case() -> cw.Case:
    case = case_of(PAID)
    case.trials.stop()  # it is kept, and hears of nothing that other tests try
    return case


def texts_of_settings() -> list[str]:
    """Return the settings of a goAML report that are texts, or hold some."""
    fields = GoamlSettings.model_fields.items()
    return [name for name, one in fields if "str" in str(one.annotation) and name != WORTHS]


def naming(key: str, words: str) -> dict[str, Any]:
    """Return settings of which one says some words."""
    said = (words,) if key == "indicators" else words
    return {"goaml": {**SETTINGS["goaml"], "own_codes": True, key: said}}


@pytest.mark.parametrize("model", [False, True], ids=["as a mapping", "of a case file"])
@pytest.mark.parametrize("key", texts_of_settings())
def test_no_setting_gives_anybody_away(key: str, model: bool) -> None:
    case = paid_case()
    parties, transactions = case._masked().values()
    short = key == "institution_code"  # no room for an id
    for who in (parties["address"][0], *transactions["txid"].head(0 if short else 1)):
        told = naming(key, f"{who}\x00\u202e")
        told = {"goaml": GoamlSettings(**told["goaml"])} if model else told
        found = given_away(case, "disclosure", ["goaml"], told)
        assert not found.frame.height, found.frame
        assert not found.unread.height, found.unread
        said = goaml_bytes(case.shown("disclosure", told)).decode()
        assert "masked" in said or "withheld" in said
        assert "\x00" not in said
        assert "\u202e" not in said


def test_the_worth_of_a_withheld_transaction_is_refused() -> None:
    case = paid_case()
    for txid in case._masked()[TRANSACTIONS.removesuffix(".csv")]["txid"]:
        told = {"goaml": {**SETTINGS["goaml"], WORTHS: {txid: "5"}}}
        with pytest.raises(CaseError, match="is shown in this edition"):
            goaml_bytes(case.shown("disclosure", told))


def test_settings_say_in_the_working_edition_what_they_said() -> None:
    case = paid_case()
    (who, *_) = case._masked()[PARTIES.removesuffix(".csv")]["address"]
    told = naming("action", f"Funds of {who} were frozen")
    assert f"Funds of {who} were frozen".encode() in goaml_bytes(case.shown("working", told))


OF_SUBJECTS = {"case-tags"}
"""Formats that name nobody but subjects and services in any edition."""


@pytest.mark.parametrize("name", registry.names())
def test_the_search_reads_every_format(name: str) -> None:
    """In the working edition nobody is masked, and the same search finds them."""
    found = given_away(paid_case(), "working", [name])
    kinds = set(found.frame["kind"])
    assert ("masked address" in kinds) == (name not in OF_SUBJECTS), kinds
