"""Roles: subjects, findings and service ends are shown, and nobody else by mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.tags import Tags, make_tags, named
from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.ledger.schema import TAGS
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.roles import roles_of, sealed
from chainwatch.results.roles import FINDING, SERVICE, SUBJECT
from chainwatch.tracing.asked import Asked
from chainwatch.tracing.counterparties import PAYMENTS, Counterparties
from chainwatch.tracing.custody.hosted import Hosted
from chainwatch.tracing.custody.tables import HOSTED_ADDRESSES
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace_tables import ENDS, ORIGINS, OVERLAPS, STEPS

TRON = chain("tron").id
A, B, C, D = (
    parse(word, "tron")
    for word in (
        "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC",
        "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt",
        "TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk",
        "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq",
    )
)
USDT = Asset(TRON, D, "USDT", 6)
TIME = datetime(2022, 3, 7, tzinfo=UTC)


def frame(schema: dict, *rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema, orient="row")


def tags(*pairs: tuple[bytes, str | None], definer: bool | None = True) -> Tags:
    base = {"chain": TRON, "label": "x", "source": "s", "confidence": "web_crawl", "level": 20}
    base |= {"definer": definer, "pack": "p"}
    rows = [base | {"address": address, "concept": concept} for address, concept in pairs]
    return make_tags(frame(TAGS.schema, *rows))


def trace(*, ends_at: bytes | None = None) -> Trace:
    origin = {"subject": A, "address": A, "txid": bytes(32), "n": 0, "time": TIME, "amount": 1}
    end = origin | {"address": ends_at, "service": "exchange", "reason": "hosted service"}
    end.pop("kind", None)
    ends = frame(ENDS.schema, end) if ends_at else frame(ENDS.schema)
    return Trace(
        USDT,
        "fifo",
        frame(ORIGINS.schema, origin),
        frame(STEPS.schema),
        ends,
        frame(OVERLAPS.schema),
    )


def meets(*addresses: bytes) -> Counterparties:
    """Return the payments of the subject A to others."""
    base = {"subject": A, "direction": "out", "time": TIME, "amount": 1}
    rows = [base | {"counterparty": item} for item in addresses]
    empty = pl.DataFrame()
    return Counterparties(frame(PAYMENTS.schema, *rows), empty, empty, USDT)


def hosted(*addresses: bytes) -> Hosted:
    return Hosted(
        frame(HOSTED_ADDRESSES.schema, *({"chain": TRON, "address": item} for item in addresses)),
        USDT,
    )


def joined(*pairs: tuple[bytes, bytes]) -> Clusters:
    base = {"chain": TRON, "tx": 1, "txid": bytes(32), "time": TIME, "rule": "r", "veto": False}
    rows = [base | {"a": min(pair), "b": max(pair)} for pair in pairs]
    return cluster(Links(frame(LINKS.schema, *rows)))


def role(results: list, address: bytes) -> str | None:
    return roles_of(results).get((TRON, address))


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        ("exchange", SERVICE),
        ("vendor", FINDING),
        ("drugs", FINDING),
        ("terrorism_financing", FINDING),
        ("dark_market", FINDING),
        ("sanction", FINDING),
        ("victim", None),
        ("customer", None),
        ("donation", None),
        (None, None),
    ],
)
def test_tags(concept: str | None, expected: str | None) -> None:
    assert role([tags((B, concept)), meets(B)], B) == expected


@pytest.mark.parametrize("concept", ["exchange", "market", "dark_market", "sanction", "black_list"])
def test_services_markets_and_published_lists_are_named_by_a_tag_alone(concept: str) -> None:
    assert role([tags((B, concept))], B) in (SERVICE, FINDING)
    assert role([tags((B, concept), (B, "scam"))], B) == FINDING


@pytest.mark.parametrize(
    "concepts",
    [("vendor",), ("vendor", "drugs"), ("donation", "terrorism_financing"), ("perpetrator",),
     ("scam",), ("customer", "drugs")],
)  # fmt: skip
def test_a_person_is_not_named_for_being_tagged(concepts: tuple[str, ...]) -> None:
    """Only who is met by the money of a subject, or is of one cluster with such a one."""
    for definer in (True, False, None):
        told = tags(*((B, concept) for concept in concepts), definer=definer)
        assert role([told], B) is None
        assert role([told, meets(C)], B) is None
        assert role([told, joined((B, D))], B) is None
        assert role([told, joined((B, D))], D) is None
        assert role([told, meets(C), joined((B, D))], B) is None
        assert role([told, meets(B)], B) == FINDING
        assert role([told, meets(C), joined((B, C))], B) == FINDING


def test_a_victim_is_never_shown_by_a_tag() -> None:
    both = tags((C, "victim"), (C, "ransomware"), (B, "ransomware"))
    assert role([both, meets(B, C)], C) is None
    assert role([both, meets(B, C)], B) == FINDING
    assert role([both, meets(B), joined((B, C))], C) is None


def test_subjects_speak_first() -> None:
    assert role([tags((A, "exchange")), trace()], A) == SUBJECT
    assert role([tags((A, "victim")), trace()], A) == SUBJECT
    payment = {"subject": A, "direction": "in", "counterparty": B, "time": TIME, "amount": 1}
    empty = pl.DataFrame()
    direct = Counterparties(frame(PAYMENTS.schema, payment), empty, empty, USDT)
    assert role([direct], A) == SUBJECT
    assert role([direct], B) is None


def test_customers_of_a_service_are_bystanders_unless_value_ends_there() -> None:
    assert role([hosted(B)], B) is None
    assert role([hosted(B), trace(ends_at=B)], B) == SERVICE


def test_a_cluster_passes_roles_on_but_not_to_customers() -> None:
    assert role([tags((C, "vendor")), joined((C, B)), meets(B)], B) == FINDING
    assert role([tags((C, "vendor")), joined((C, B)), meets(B)], C) == FINDING
    assert role([tags((C, "vendor")), joined((C, B)), meets(C)], B) == FINDING
    assert role([tags((A, "exchange")), joined((A, B))], B) == SERVICE
    assert role([tags((A, "exchange")), joined((A, B)), hosted(B)], B) is None
    # One customer at whom a trace ends does not show the others swept with it.
    assert role([trace(ends_at=B), joined((B, C))], C) is None


@pytest.mark.parametrize("concept", ["vendor", "exchange"])
def test_a_tag_of_one_address_shows_that_address_alone(concept: str) -> None:
    for definer in (False, None):
        said = [tags((C, concept), definer=definer), joined((C, B)), meets(C)]
        assert role(said, C) is not None
        assert role(said, B) is None


def test_what_nothing_is_said_of_spreads_where_a_result_was_asked_to() -> None:
    asked = replace(trace(), asked=Asked(spread_unstated=True))
    for definer, expected in ((None, FINDING), (False, None)):
        said = [tags((B, "vendor"), definer=definer), joined((B, C)), asked, meets(B)]
        assert (role(said, B), role(said, C)) == (FINDING, expected)


def test_a_tokens_contract_is_nobodys_wallet() -> None:
    assert role([trace()], D) == SERVICE


def test_nobody_else() -> None:
    assert roles_of([]) == {}
    assert set(roles_of([trace(ends_at=B)])) == {(TRON, item) for item in (A, B, D)}


def test_tags_that_may_name_a_counterparty() -> None:
    found = named(tags((A, "exchange"), (B, "victim"), (B, "scam"), (C, "donation"), (D, None)))
    assert found.frame["address"].to_list() == [A]
    assert found.record is not None


def test_digests_in_records_are_sealed() -> None:
    record = {
        "content": "ab" * 32,
        "params": {"frame": "sha256:" + "cd" * 32, "list": ["sha256:" + "ef" * 32], "n": 5},
        "inputs": [{"content": "01" * 32}],
    }
    said = str(sealed(record, Edition(DISCLOSURE, bytes(16))))
    for digest in ("ab" * 32, "cd" * 32, "ef" * 32, "01" * 32):
        assert digest not in said
    assert said.count("hmac-sha256:") == 4
    assert sealed(record, Edition(WORKING, bytes(16)))["params"] == record["params"]


@pytest.mark.parametrize(("sweeps", "shown"), [(1, None), (2, SERVICE), (7, SERVICE)])
def test_who_went_to_an_exchange_once_is_not_named(sweeps: int, shown: str | None) -> None:
    row = {"chain": TRON, "address": B, "sweeps": sweeps}
    once = Hosted(frame(HOSTED_ADDRESSES.schema, row), USDT)
    assert role([trace(ends_at=B), once], B) == shown
    assert role([trace(ends_at=A), once, hosted(A)], A) == SUBJECT
