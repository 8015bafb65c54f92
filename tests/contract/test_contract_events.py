"""What every event owes of which ledgers keep the logs: a text, a reader, and its edition."""

from __future__ import annotations

import hashlib
import re

import pytest
from eth_hash.auto import keccak

from chainwatch.ledger.accounts.contract_events import (
    CONTRACT_EVENTS,
    EDITION,
    SAFE,
    TORNADO,
    ContractEvent,
    events_of,
    kept_topics,
)
from chainwatch.tracing.crossings.messages.identifiers import SCHEMES
from chainwatch.tracing.crossings.messages.layouts import BRIDGING

BEGUN = {1: "eef1af", 2: "78ad59"}
"""Beginning of the SHA-256 of the texts that each edition began with, in their order of letters."""


@pytest.mark.parametrize("edition", range(1, EDITION + 1))
def test_an_edition_keeps_the_events_it_began_with(edition: int) -> None:
    """What was read by it claims all of them: one that is added later has the next edition."""
    texts = "\n".join(sorted(one.text for one in CONTRACT_EVENTS if one.since <= edition))
    assert hashlib.sha256(texts.encode()).hexdigest()[:6] == BEGUN[edition]


def test_every_edition_is_written_down() -> None:
    assert {*BEGUN} == {one.since for one in CONTRACT_EVENTS} == {*range(1, EDITION + 1)}


@pytest.mark.parametrize("event", CONTRACT_EVENTS, ids=lambda one: one.text[:40])
def test_the_topic_is_the_hash_of_the_text(event: ContractEvent) -> None:
    assert re.fullmatch(
        r"[A-Z]\w*\((\w+(\[\])?|\([\w,]+\))(,(\w+(\[\])?|\([\w,]+\)))*\)", event.text
    )
    assert event.topic == keccak(event.text.encode())
    assert event.topic in kept_topics()


def test_no_two_events_share_a_topic() -> None:
    assert len(kept_topics()) == len(CONTRACT_EVENTS)


def test_every_event_of_a_bridge_is_read_and_no_other() -> None:
    """Those of accounts with several owners are read by who asks for owners, and of points by who
    asks for pools."""
    assert {*BRIDGING} == {*CONTRACT_EVENTS} - {*events_of(SAFE, TORNADO)}
    assert {one.of for one in BRIDGING} <= {scheme.name for scheme in SCHEMES}
