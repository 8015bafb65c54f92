"""What partners are told in numbers: each transfer once, what was moved, and nothing simulated."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from shown_cases import ACCOUNTS, ACQUIRED, shown, token_case

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse, text, txid_text
from chainwatch.case.exports.case_uco import case_uco_bytes
from chainwatch.case.exports.followthemoney import ftm_bytes
from chainwatch.case.exports.goaml import goaml_bytes
from chainwatch.case.exports.i2 import export_i2
from chainwatch.case.exports.misp import misp_bytes
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import ELSEWHERE, NOT_JUDGED, control
from chainwatch.case.exports.shown.network_tables import network_tables
from chainwatch.case.exports.shown.parts import OwnerLink, Payment, ShownAsset, ShownParty
from chainwatch.case.exports.shown.transfers import transfers_of
from chainwatch.case.exports.shown.words import link_words
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


def at(
    place: int | None, amount: int, table: str = "steps", *, subject: bool = False,
    rounded: bool = False,
) -> Payment:  # fmt: skip
    """Return a row of a traced value; the second of a place is of another subject, worded alike."""
    said = 10**9 if rounded else amount
    doubt = "of another subject" if subject else ""
    return replace(
        STEP, place=place, amount=said, table=table, doubt=doubt, coarse=rounded
    )  # fmt: skip


def moved(amount: int) -> Payment:
    """Return a row of what was moved, whose place no table tells."""
    return replace(WHOLE, amount=amount)


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
        ((at(1, 30), at(2, 7), moved(30), moved(7)), [30, 7]),
        ((at(1, 7), at(2, 30), moved(30), moved(7)), [30, 7]),
        ((at(1, 30), at(2, 30), at(3, 1), moved(1), moved(30), moved(30)), [1, 30, 30]),
        ((at(1, 4), at(2, 5), moved(30), moved(7)), [30, 7]),  # parts: of which is not known
        ((at(1, 8), at(2, 5), at(3, 1), moved(30), moved(7)), [30, 7, None]),  # one moved unread
        ((at(1, 31), moved(30)), [30, None]),  # no part of it
        ((at(1, 4), at(1, 4, subject=True), moved(5)), [5]),  # of two subjects
        ((at(1, 30), at(2, 7), at(1, 30, table="x"), moved(30), moved(7)), [30, 7]),
        ((at(None, 30), at(None, 7), moved(7), moved(30)), [7, 30]),
        ((at(None, 31), moved(7), moved(30)), [7, 30, None]),
        ((replace(moved(30), place=1), replace(moved(7), place=2), moved(30), moved(7)), [30, 7]),
        ((at(1, 0, rounded=True), at(2, 0, rounded=True), moved(9), moved(8)), [9, 8]),
    ],
)
def test_each_transfer_is_counted_once(
    rows: tuple[Payment, ...], amounts: list[int | None]
) -> None:
    found = transfers_of(rows)
    assert [one.amount for one in found] == amounts
    assert sum(len(one.told) for one in found) == len(rows)
    assert set(rows) == {row for one in found for row in one.told}


def test_a_traced_value_stands_beside_the_transfer_that_moved_as_much() -> None:
    found = transfers_of((at(1, 7), at(2, 30), moved(30), moved(7)))
    assert [[row.amount for row in one.told] for one in found] == [[30, 30], [7, 7]]


@cache
def several_in_one(amounts: tuple[int, ...]) -> ShownCase:
    """Return a case in which one transaction holds transfers of these amounts to one payee."""
    paid: list[Any] = [("giver>kelp:90000001", 1), ("kelp>amy:50000003", 10)]
    paid += [(f"kelp>host:{amount}", 11, {"id": "x"}) for amount in amounts]
    ledger = ACCOUNTS.ledger(paid, read=["kelp"])
    named = {"label": "An exchange", "actor": "exchange-one"}
    tags = ACCOUNTS.tags(("host", "", "exchange", named), ("kelp", "kelp", "vendor"))
    asset = Asset(ACCOUNTS.chain, ACCOUNTS("token"), "USDT", 6)
    subjects = tags.where(concept="vendor").addresses()
    trace = cw.trace(
        ledger, subjects, policy="fifo", asset=asset, stop=tags.where(concept="service")
    )
    made = cw.Case("several", "?", mask_key=bytes(16), clock=lambda: ACQUIRED)
    made.add(tags, trace, cw.counterparties(ledger, subjects, asset=asset))
    made.look_beside(ledger)
    made.basis = replace(made.basis, first=ACQUIRED, last=ACQUIRED)
    return shown(made, "working")


@pytest.mark.parametrize("amounts", [(30000002, 7), (5, 5, 1), (4,), (9, 9)])
def test_several_transfers_of_one_transaction_are_each_told_once(amounts: tuple[int, ...]) -> None:
    case = several_in_one(amounts)
    host = text(ACCOUNTS("host"), "eth")
    (txid,) = {one.txid for one in case.payments if one.target == (ACCOUNTS.chain, host)}
    places = {one.place for one in case.payments if one.txid == txid and one.table == "steps"}
    assert len(places) == len(amounts), "the trace tells a place of each"
    coins = sorted(case.payments[0].asset.coins(amount) or "" for amount in amounts)
    ftm = [one for one in ftm_payments(case) if one["transactionNumber"] == [txid]]
    assert sorted(value for one in ftm for value in one["amount"]) == coins
    assert len(ftm) == len(amounts)
    found = [one for one in misp_values(case) if host in one[0]]
    assert sorted(value for _, values in found for value in values) == coins
    assert len(found) == len(amounts)


def test_what_several_paid_to_one_output_is_nobodys_amount() -> None:
    btc = ShownAsset("bip122:000000000019d6689c085ae165831e93", "", "BTC", 8)
    one = replace(WHOLE, chain=btc.chain, asset=btc, source=(btc.chain, "a"), place=0, amount=5)
    other = replace(one, source=(btc.chain, "b"))
    change = replace(one, place=1, amount=2)
    found = transfers_of((one, other, change))
    assert [(f.payment.source, f.place, f.amount) for f in found] == [
        ((btc.chain, "a"), 0, None), ((btc.chain, "a"), 1, 2), ((btc.chain, "b"), 0, None),
    ]  # fmt: skip


def told_of(result: Any, ledger: Any) -> ShownCase:
    made = cw.Case("told", "?", mask_key=bytes(16), clock=lambda: ACQUIRED).add(result)
    made.look_beside(ledger)
    return shown(made, "working")


def test_a_hop_of_routes_is_what_was_moved_and_one_payment() -> None:
    asset = Asset(ACCOUNTS.chain, ACCOUNTS("token"), "USDT", 6)
    paid = [("kelp>amy:100", 1), ("amy>bob:60", 2), ("amy>carl:40", 3), ("bob>host:60", 4),
            ("carl>host:40", 5)]  # fmt: skip
    ledger = ACCOUNTS.ledger(paid, read=["kelp", "amy", "bob", "carl"])
    found = cw.paths(ledger, [ACCOUNTS("kelp")], [ACCOUNTS("host")], asset=asset)
    assert found.hops.height == 6, "two routes share their first payment"
    case = told_of(found, ledger)
    hops = [one for one in case.payments if one.table == "hops"]
    assert sorted(one.amount or 0 for one in hops) == [40, 40, 60, 60, 100]
    assert {(one.measure, one.moved) for one in hops} == {("what was moved", True)}
    assert sum(one.amount or 0 for one in transfers_of(hops)) == 300


def test_where_ends_went_is_told_by_the_transaction_that_moved_them() -> None:
    asset = Asset(ACCOUNTS.chain, ACCOUNTS("token"), "USDT", 6)
    early: list[Any] = [("giver>kelp:100", 1), ("kelp>amy:60", 2), ("kelp>amy:40", 3)]
    ledger = ACCOUNTS.ledger(early, read=["kelp", "amy"])
    later = ACCOUNTS.ledger([*early, ("amy>bob:70", 40, {"id": "later"})], read=["kelp", "amy"])
    trace = cw.trace(ledger, [ACCOUNTS("kelp")], policy="fifo", asset=asset)
    case = told_of(cw.watch(trace, later), later)
    (move,) = (one for one in case.payments if one.table == "moves")
    assert (move.amount, move.moved, move.time) == (70, True, "2023-06-01T00:40:00Z")
    (by,) = later.transfers.collect().filter(amount=70)["txid"]
    assert move.txid == txid_text(by, "eth")


def test_a_transfer_too_wide_to_trace_has_no_policy() -> None:
    wide = 10**40
    asset = Asset(ACCOUNTS.chain, ACCOUNTS("token"), "USDT", 6)
    more = {"amount": None, "amount_hex": hex(wide)}
    paid: list[Any] = [("giver>kelp:100", 1), ("kelp>amy:1", 2, more), ("kelp>amy:40", 3)]
    ledger = ACCOUNTS.ledger(paid, read=["kelp", "amy"])
    trace = cw.trace(ledger, [ACCOUNTS("kelp")], policy="fifo", asset=asset)
    assert trace.unknown.height == 1
    told = {(one.measure, one.amount) for one in told_of(trace, ledger).payments}
    assert told == {("traced value (fifo)", 40), ("what was moved", wide)}
    made = cw.Case("told", "?", mask_key=bytes(16), clock=lambda: ACQUIRED).add(trace)
    made.look_beside(ledger)
    hidden = [one for one in shown(made, "disclosure").payments if one.table == "unknown"]
    assert [one.amount for one in hidden] == [None], "no digit of it is beside somebody masked"


@pytest.mark.parametrize(
    ("payment", "strength"),
    [
        (WHOLE, "Confirmed"),
        (STEP, "Unconfirmed"),
        (replace(WHOLE, coarse=True), "Unconfirmed"),
        (replace(WHOLE, rows="2-5"), "Unconfirmed"),
        (replace(WHOLE, doubt="a look-alike"), "Unconfirmed"),
        (replace(WHOLE, measure="how much", moved=False), "Unconfirmed"),
    ],
)
def test_only_what_a_chain_shows_is_confirmed_in_i2(
    payment: Payment, strength: str, tmp_path: Path
) -> None:
    export_i2(case_of(payment), tmp_path)
    with (tmp_path / "i2" / "links.csv").open(encoding="utf-8", newline="") as file:
        assert [row["Strength"] for row in csv.DictReader(file)] == [strength]


BSC = "eip155:56"


def on_two_chains(worths: dict[str, str]) -> ShownCase:
    """Return a case in which one id is of a transaction of Ethereum and of one of another chain."""
    there = tuple((BSC, one[1]) for one in (A, B))
    other = replace(
        WHOLE, chain=BSC, source=there[0], target=there[1], amount=3 * COIN,
        asset=ShownAsset(BSC, "", "BNB", 18),
    )  # fmt: skip
    case = case_of(WHOLE, other, local_amounts=worths)
    more = [ShownParty(*ref, False, False, "subject", (), "") for ref in there]
    case.__dict__["parties"] = (*case.parties, *more)
    return case


def test_goaml_never_takes_two_chains_for_one_transaction() -> None:
    with pytest.raises(CaseError, match="several chains: eth") as error:
        goaml_bytes(on_two_chains({TXID: "900"}))
    assert f'"eth:{TXID}"' in str(error.value)
    named = on_two_chains({f"eth:{TXID}": "900", f"{BSC}:{TXID}": "7"})
    told = [
        (one.findtext("transactionnumber"), one.findtext("transaction_location"),
         one.findtext("amount_local"), one.findtext("transaction_description").split(" from")[0])
        for one in etree.fromstring(goaml_bytes(named)).iter("transaction")
    ]  # fmt: skip
    bsc = chain(BSC).alias
    assert sorted(told) == sorted([
        (f"eth:{TXID}", "eth (eip155:1)", "900", "0.5 ETH"),
        (f"{bsc}:{TXID}", f"{bsc} ({BSC})", "7", "3 BNB"),
    ])  # fmt: skip


def test_a_hidden_rule_is_not_said_to_be_undecided_or_unmeasured() -> None:
    hidden = replace(SIMULATED_LINK, rule="", rate=None, joins=None, coarse=True, rows="1")
    words = link_words(hidden)
    assert words.startswith("rule not shown: ")
    assert "whether it joins is not shown" in words
    assert "confidence in control: not shown" in words
    assert "undecided" in link_words(replace(SIMULATED_LINK, joins=None))
    (link,) = (
        json.loads(line) for line in ftm_bytes(case_of(links=(hidden,))).splitlines()
        if b'"schema":"UnknownLink"' in line
    )  # fmt: skip
    assert "status" not in link["properties"]


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
