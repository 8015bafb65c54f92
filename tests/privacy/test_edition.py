"""Editions: who is masked, what a pseudonym gives away, and what rounding leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.addresses.canonical import parse, text
from chainwatch.chains.catalogue import chain
from chainwatch.errors import InputError
from chainwatch.privacy.edition import (
    BANDS,
    DISCLOSURE,
    POOLED,
    WORKING,
    Edition,
    annex,
    band,
    coarse,
)
from chainwatch.results.roles import SUBJECT

TRON = chain("tron").id
BTC = chain("btc").id
KEY = bytes(range(32))
ONE = parse("TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC", "tron")
OTHER = parse("TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk", "tron")
TXID = bytes(range(32))
TIME = datetime(2022, 3, 7, 12, 30, tzinfo=UTC)


def edition(name: str = DISCLOSURE, **more: object) -> Edition:
    return Edition(name, KEY, {(TRON, ONE): SUBJECT}, **more)  # type: ignore[arg-type]


def test_who_is_shown_and_who_is_masked() -> None:
    assert edition().name_of(TRON, ONE) == text(ONE, "tron")
    masked = edition().name_of(TRON, OTHER)
    assert masked.startswith("masked-")
    assert len(masked) == len("masked-") + 10
    assert edition(WORKING).name_of(TRON, OTHER) == text(OTHER, "tron")
    assert edition().name_of(TRON, None) == ""


def test_a_pseudonym_depends_on_key_and_chain_and_nothing_else() -> None:
    name = edition().pseudonym(TRON, OTHER)
    assert Edition(DISCLOSURE, KEY).pseudonym(TRON, OTHER) == name
    assert Edition(DISCLOSURE, KEY[::-1]).pseudonym(TRON, OTHER) != name
    assert edition().pseudonym(BTC, OTHER) != name


def test_the_pooled_share_one_word() -> None:
    name = edition().pseudonym(TRON, OTHER)
    assert edition(pooled=frozenset({name})).name_of(TRON, OTHER) == POOLED


def test_the_key_is_in_no_repr() -> None:
    said = repr(edition(withheld={(TRON, TXID): frozenset({OTHER})}))
    assert KEY.hex() not in said
    assert repr(KEY) not in said
    assert repr(ONE) not in said


@pytest.mark.parametrize(("name", "key"), [("secret", KEY), (DISCLOSURE, KEY[:15])])
def test_what_is_no_edition(name: str, key: bytes) -> None:
    with pytest.raises(InputError) as caught:
        Edition(name, key)
    assert key.hex() not in str(caught.value)


def test_ids_and_times_beside_parties() -> None:
    plain = edition()
    assert plain.txid(TRON, TXID, ONE) == TXID.hex()
    assert plain.txid(TRON, TXID, ONE, OTHER) == "withheld"
    assert edition(withheld={(TRON, TXID): frozenset({OTHER})}).txid(TRON, TXID, ONE) == "withheld"
    assert plain.txid(TRON, None, ONE) == ""
    assert plain.time(TRON, TIME, ONE) == "2022-03-07T12:30:00Z"
    assert plain.time(TRON, TIME, OTHER) == "2022-03"
    assert edition(WORKING).txid(TRON, TXID, OTHER) == TXID.hex()


def test_digests_leave_the_desk_keyed() -> None:
    plain = "0" * 64
    assert edition(WORKING).digest(plain) == f"sha256:{plain}"
    keyed = edition().digest(plain)
    assert keyed.startswith("hmac-sha256:")
    assert plain not in keyed
    assert Edition(DISCLOSURE, KEY[::-1]).digest(plain) != keyed


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, 0), (4, 4), (15_193, 20_000), (14_999, 10_000), (95, 100), (-15_193, -20_000)],
)
def test_coarse(amount: int, expected: int) -> None:
    assert coarse(amount) == expected


@given(st.integers(-(10**38), 10**38))
def test_coarse_keeps_one_digit_and_errs_by_half(amount: int) -> None:
    found = coarse(amount)
    size = 10 ** max(0, len(str(abs(amount))) - 1)
    assert len(str(abs(found)).rstrip("0")) <= 1
    assert abs(found - amount) * 2 <= size
    assert coarse(found) == found
    assert coarse(-amount) == -found


@given(st.integers(1, 10**30), st.integers(1, 10**30))
def test_coarse_keeps_the_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert coarse(low) <= coarse(high)


@given(st.integers(0, 10_000))
def test_band_holds_its_count(count: int) -> None:
    name = band(count)
    low, _, high = name.partition("-")
    if name == "more than 100":
        assert count > 100
    else:
        assert int(low) <= count <= int(high or low)


def test_bands_leave_no_gap() -> None:
    tops = [top for top, _ in BANDS]
    firsts = [int(name.partition("-")[0]) for _, name in BANDS]
    assert firsts == [0, *(top + 1 for top in tops[:-1])]


def test_annex_lists_the_masked_alone() -> None:
    pooled = frozenset({edition().pseudonym(TRON, OTHER)})
    frame = annex(edition(pooled=pooled), {(TRON, ONE), (TRON, OTHER)}, set())
    assert frame.rows() == [(TRON, edition().pseudonym(TRON, OTHER), POOLED, text(OTHER, "tron"))]
    assert annex(edition(WORKING), {(TRON, OTHER)}, set()).height == 0
    assert annex(edition(), set(), set()).schema == dict.fromkeys(frame.columns, pl.String)


def test_annex_says_what_stands_where() -> None:
    name = edition().pseudonym(TRON, OTHER)
    assert annex(edition(), {(TRON, OTHER)}, {name})["shown"].to_list() == [name]
    assert annex(edition(), {(TRON, OTHER)}, set())["shown"].to_list() == [""]


def test_annex_refuses_pseudonyms_that_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Edition, "pseudonym", lambda *_: "masked-aaaaaaaaaa")
    with pytest.raises(InputError, match="another mask key"):
        annex(Edition(DISCLOSURE, KEY), {(TRON, ONE), (TRON, OTHER)}, set())
