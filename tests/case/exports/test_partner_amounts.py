"""What partners are told in numbers: each transfer once, what was moved, and nothing simulated."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from lxml import etree
from shown_cases import shown, token_case

from chainwatch.addresses.canonical import parse, text
from chainwatch.case.exports.case_uco import case_uco_bytes
from chainwatch.case.exports.followthemoney import ftm_bytes
from chainwatch.case.exports.goaml import goaml_bytes
from chainwatch.case.exports.misp import misp_bytes
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import ELSEWHERE, NOT_JUDGED, control
from chainwatch.case.exports.shown.network_tables import network_tables
from chainwatch.case.exports.shown.parts import OwnerLink, Payment, ShownAsset, ShownParty
from chainwatch.case.exports.shown.transfers import transfers_of
from chainwatch.case.exports.stix import on_another_chain, stix_bytes
from chainwatch.chains.catalogue import chain
from chainwatch.errors import CaseError
from chainwatch.heuristics.rates import MEASURED

ETH = ShownAsset("eip155:1", "", "ETH", 18)
A, B = (("eip155:1", text(b"\x10" + bytes([n] * 20), "eth")) for n in (1, 2))
TXID = "0x" + "ab" * 32
COIN = 10**18
STEP = Payment(
    "eip155:1", TXID, False, 3, "2023-06-01T00:10:00Z", A, B, ETH, COIN // 100, False, "",
    "traced value (fifo)", "", "steps",
)  # fmt: skip
WHOLE = replace(
    STEP, place=None, amount=COIN // 2, measure="what was moved", table="payments", moved=True
)
SIMULATED_LINK = OwnerLink(
    A, B, "change", "", "", False, MEASURED.confidence("change"), True, False, ""
)


@cache
def base(edition: str = "working") -> ShownCase:
    return shown(token_case(), edition, local_amounts={})


def case_of(*payments: Payment, links: tuple[OwnerLink, ...] = (), **settings: Any) -> ShownCase:
    """Return a case that shows two addresses and these payments and links."""
    whole = base()
    made = replace(whole, settings={"goaml": {**whole.settings["goaml"], **settings}})
    parties = [
        ShownParty(*ref, masked=False, shared=False, role="subject", names=(), cluster="")
        for ref in (A, B)
    ]
    for name, value in (("payments", payments), ("links", links), ("parties", tuple(parties)),
                        ("ends", ()), ("unread", ())):  # fmt: skip
        made.__dict__[name] = value  # what is computed once is given
    return made


def ftm_payments(case: ShownCase) -> list[dict[str, list[str]]]:
    lines = map(json.loads, ftm_bytes(case).splitlines())
    return [one["properties"] for one in lines if one["schema"] == "Payment"]


def misp_values(case: ShownCase) -> list[tuple[str, list[str]]]:
    pytest.importorskip("pymisp", reason="pymisp is not installed")
    event = json.loads(misp_bytes(case))["Event"]
    return [
        (
            one["comment"],
            [a["value"] for a in one["Attribute"] if a["object_relation"] == "value"],
        )
        for one in event["Object"]
        if one["name"] == "cryptocurrency-transaction"
    ]


def foreign(case: ShownCase) -> list[str | None]:
    return [one.text for one in etree.fromstring(goaml_bytes(case)).iter("foreign_amount")]


def test_a_transfer_that_two_tables_tell_is_one_with_what_was_moved() -> None:
    case = case_of(STEP, WHOLE, local_amounts={TXID: "900"})
    (one,) = ftm_payments(case)
    assert one["amount"] == ["0.5"]
    assert any("0.01 ETH" in said and "traced value (fifo)" in said for said in one["description"])
    ((comment, values),) = misp_values(case)
    assert values == ["0.5"]
    assert "0.01 ETH" in comment
    assert foreign(case) == ["0.5", "0.5"]  # who pays, who is paid


def test_a_traced_value_alone_is_no_amount() -> None:
    case = case_of(STEP, local_amounts={TXID: "900"})
    (one,) = ftm_payments(case)
    assert "amount" not in one
    assert "0.01 ETH" in one["description"][0]
    ((comment, values),) = misp_values(case)
    assert values == []
    assert "0.01 ETH" in comment
    assert foreign(case) == []
    assert b"0.01 ETH" in goaml_bytes(case)


def test_the_measures_of_a_case_are_told_apart() -> None:
    told = {(one.measure, one.moved) for one in base().payments}
    assert told == {("traced value (fifo)", False), ("what was moved", True)}


@pytest.mark.parametrize(
    ("rows", "amounts"),
    [
        ((WHOLE, replace(WHOLE, table="payments_2")), [COIN // 2]),
        ((WHOLE, WHOLE), [COIN // 2, COIN // 2]),  # one table: two transfers that read the same
        ((replace(WHOLE, place=1), replace(WHOLE, place=2), WHOLE), [COIN // 2, COIN // 2]),
        ((replace(WHOLE, place=1), replace(WHOLE, place=1, table="x"), STEP), [COIN // 2, None]),
        ((STEP, replace(STEP, table="steps_2", amount=7)), [None]),
        ((replace(WHOLE, txid="", withheld=True),) * 2, [None, None]),
        ((replace(WHOLE, coarse=True),), [None]),
        ((replace(WHOLE, rows="2-5"),), [None]),
        ((replace(WHOLE, amount=None),), [None]),
        ((WHOLE, replace(WHOLE, asset=replace(ETH, contract="0x1"))), [COIN // 2, COIN // 2]),
    ],
)
def test_each_transfer_is_counted_once(
    rows: tuple[Payment, ...], amounts: list[int | None]
) -> None:
    found = transfers_of(rows)
    assert [one.amount for one in found] == amounts
    assert sum(len(one.told) for one in found) == len(rows)
    assert set(rows) == {row for one in found for row in one.told}


def test_more_decimals_than_a_token_may_have_are_never_whole_coins() -> None:
    far = replace(WHOLE, asset=ShownAsset("eip155:1", "", "ETH", 60))
    assert far.asset.coins(far.amount) is None
    assert far.text == f"{COIN // 2} base units of ETH"
    case = case_of(far, local_amounts={TXID: "900"})
    assert network_tables(case).relations["coins"].to_list() == [None]
    assert "amount" not in ftm_payments(case)[0]
    assert misp_values(case)[0][1] == []
    assert foreign(case) == []
    assert ShownAsset("eip155:1", "", "ETH", 38).coins(10**37) == "0.1"


@pytest.mark.parametrize(
    ("given", "said"),
    [("12.50", "12.5"), ("0", "0"), ("007", "7"), ("0.0", "0"), ("0.1234567890123", None)],
)
def test_a_worth_is_written_as_a_plain_decimal(given: str, said: str | None) -> None:
    case = case_of(WHOLE, local_amounts={TXID: given})
    (worth,) = etree.fromstring(goaml_bytes(case)).iter("amount_local")
    assert worth.text == (said or given)


@pytest.mark.parametrize(
    "given",
    ["-5", "+4", "-0", "", ".", "5.", ".5", "1e3", " 5", "5\n", "\u0665", "1,000", "NaN",
     "0.12345678901234", "7900000000000000", "9" * 5000],
)  # fmt: skip
def test_a_worth_that_is_no_amount_is_refused(given: str) -> None:
    with pytest.raises(CaseError, match=r"no plain decimal of zero or more") as error:
        goaml_bytes(case_of(WHOLE, local_amounts={TXID: given}))
    assert "local_amounts" in str(error.value)


LONG = "256 of 256 simulated links were right; at least 98.68 % by the interval of 95 % over 229"


@pytest.mark.parametrize("write", [stix_bytes, misp_bytes, case_uco_bytes, ftm_bytes, goaml_bytes])
def test_a_simulated_rate_is_its_counts_in_words_alone(write: Any) -> None:
    pytest.importorskip("stix2", reason="stix2 is not installed")
    pytest.importorskip("pymisp", reason="pymisp is not installed")
    said = write(case_of(links=(SIMULATED_LINK,))).decode()
    assert LONG in said
    assert "conditional on the simulator" in said
    assert "estimative-language" not in said
    assert '"confidence":' not in said
    assert "ConfidenceFacet" not in said
    assert "98 of 100" not in said


def test_link_analysis_is_told_the_counts_too() -> None:
    (rate,) = network_tables(case_of(links=(SIMULATED_LINK,))).relations["rate"].to_list()
    assert rate.startswith(LONG)
    assert rate.endswith("conditional on the simulator")


def test_every_rate_of_the_package_says_that_it_is_simulated() -> None:
    for rule in MEASURED.by_rule:
        assert "simulated links" in control(rule, MEASURED.confidence(rule))


def test_a_rate_of_others_is_not_told_by_our_counts() -> None:
    for rule, rate in (("change", 0.5), ("unheard of", 0.9)):
        assert control(rule, rate) == f"confidence in control: {ELSEWHERE}"
    assert control("change", None) == "confidence in control: no measured rate"


def test_a_level_of_a_tag_confirms_nothing() -> None:
    pytest.importorskip("stix2", reason="stix2 is not installed")
    case = base()
    assert any(name.level is not None for party in case.parties for name in party.names)
    event = json.loads(misp_bytes(case))["Event"]
    tags = [tag["name"] for one in event["Object"] for attribute in one["Attribute"]
            for tag in attribute.get("Tag", ())]  # fmt: skip
    assert set(tags) == set(NOT_JUDGED)
    assert NOT_JUDGED[1] == 'admiralty-scale:information-credibility="6"'
    assert "of 100 in TagPack's ranking of sources" in json.dumps(event)
    assert '"confidence":' not in stix_bytes(case).decode()


def test_one_text_on_two_chains_is_two_wallets() -> None:
    pytest.importorskip("stix2", reason="stix2 is not installed")
    one = text(parse("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "btc-testnet"), "btc-testnet")
    chains = [chain(name).id for name in ("btc-testnet", "btc-testnet4", "btc-signet")]
    case = case_of()
    case.__dict__["parties"] = tuple(
        ShownParty(name, one, False, False, "subject", (), "") for name in chains
    )
    found = [item for item in json.loads(stix_bytes(case))["objects"]
             if item["type"] == "cryptocurrency-wallet"]  # fmt: skip
    assert [item["value"] for item in found] == [one] * 3
    assert len({item["id"] for item in found}) == 3


@pytest.mark.parametrize(
    ("name", "said", "shared"),
    [
        ("btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", False),  # Bitcoin Cash never writes it so
        ("btc", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", False),  # nor does Litecoin
        ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", False),
        ("btc-regtest", "mtuy7iFRqAbnYWsNRNJWQyJX6EUdXujxq6", True),
        ("btc-signet", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", True),
        ("btc-regtest", "bcrt1qk3nzf79uqn2vfmah8sjkfq8z478gc2e6msg36n", False),
        ("eth", A[1], True),
        ("eip155:999999", A[1], True),  # a chain of which nothing but the id is known
    ],
)
def test_whether_a_text_is_of_one_chain_is_read_off_the_text(
    name: str, said: str, shared: bool
) -> None:
    assert on_another_chain(chain(name).id, said) is shared
