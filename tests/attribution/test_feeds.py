"""Events of MISP and bundles of STIX are read for their addresses, as a stranger's JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.files import feed_json
from chainwatch.attribution.files.feed_json import abuses, day_at, instant_of_text
from chainwatch.attribution.files.stix_pattern import addresses_of
from chainwatch.errors import TagError

ONE, TWO, THREE = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in (1, 2, 3))
BECH = canonical.text(b"\x03" + bytes(20), "btc")
ETH = canonical.text(b"\x10" + bytes(20), "eth")
TRON = canonical.text(b"\x11" + bytes(20), "tron")


def feed(tmp_path: Path, said: object, **how: Any) -> cw.Tags:
    path = tmp_path / "feed.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    return cw.read_tags(path, **how)


def attribute(value: str, kind: str = "btc", **more: object) -> dict[str, object]:
    return {"type": kind, "value": value, "uuid": "u1", "timestamp": "1465681304", **more}


def event(*attributes: object, **more: object) -> dict[str, object]:
    said = {
        "info": "Ransom notes", "uuid": "e1", "date": "2016-06-09", "Orgc": {"name": "CERT"},
        "Attribute": list(attributes), **more,
    }  # fmt: skip
    return {"Event": said}


def test_an_event_says_who_said_what_and_when(tmp_path: Path) -> None:
    noted = attribute(
        ONE, comment="note 3", category="Financial fraud", first_seen="2016-01-02T00:00:00Z",
        Tag=[{"name": "malware_classification:malware-category=\"Ransomware\""}],
    )  # fmt: skip
    link = attribute("https://x.example", "url")
    read = feed(tmp_path, event(noted, link, Tag=[{"name": "tlp:green"}]))
    assert read.rejected.is_empty()
    row = read.frame.row(0, named=True)
    assert row.pop("context") == json.dumps({
        "uuid": "u1", "comment": "note 3", "category": "Financial fraud",
        "first_seen": "2016-01-02T00:00:00Z",
        "tags": ["tlp:green", "malware_classification:malware-category=\"Ransomware\""],
    })  # fmt: skip
    assert row == {
        "chain": cw.chain("btc").id, "address": canonical.parse(ONE, "btc"),
        "label": "Ransom notes", "concept": "ransomware", "actor": None,
        "source": "MISP event e1, CERT", "confidence": "unknown", "level": 5, "first_day": None,
        "last_day": None, "as_of": date(2016, 6, 11), "pack": "feed.json", "definer": None,
    }  # fmt: skip


def test_objects_say_the_currency_by_their_symbol(tmp_path: Path) -> None:
    def coin(symbol: str | None, value: str, relation: str = "address-crypto") -> dict[str, object]:
        kind = "btc" if relation == "address" else "text"
        held = [attribute(value, kind, object_relation=relation)]
        held += [{"type": "text", "object_relation": "symbol", "value": symbol}] if symbol else []
        return {"name": "coin-address", "Attribute": held}

    things = [coin("ETH", ETH), coin("TRX", TRON, "address"), coin(None, BECH), coin("XMR", "4abc"),
              coin(None, ETH)]  # fmt: skip
    other = {"name": "person", "Attribute": [attribute("a name", "text", object_relation="text")]}
    read = feed(tmp_path, event(Object=[*things, other]))
    assert set(read.frame["chain"]) == {cw.chain(one).id for one in ("btc", "eth", "tron")}
    reasons = sorted(read.rejected["reason"])
    assert reasons[0] == "network 'XMR' is not supported"
    assert reasons[1].startswith("no currency is stated, and it may be of eth, base")
    assert set(feed(tmp_path, event(Object=things), chain="eth").frame["chain"]) == {
        cw.chain(one).id for one in ("btc", "eth", "tron")
    }


def test_what_is_deleted_said_twice_or_no_address_is_rejected_with_its_reason(
    tmp_path: Path,
) -> None:
    said = event(
        attribute(ONE), attribute(TWO, deleted=True), attribute(ONE, uuid="u2"),
        attribute(ETH, uuid="u3"), attribute("", uuid="u4"), attribute("4abc", "xmr", uuid="u5"),
    )  # fmt: skip
    read = feed(tmp_path, said)
    assert len(read) == 1
    reasons = dict(read.rejected.select("position", "reason").iter_rows())
    assert "is an address of Ethereum, Base" in reasons.pop("attribute u3")
    assert reasons == {
        "attribute u1": "its publisher deleted it",
        "attribute u2": "says again what the file says elsewhere",
        "attribute u4": "no address stands there",
        "attribute u5": "network 'XMR' is not supported",
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda one: one,
        lambda one: one["Event"],
        lambda one: {"response": [one]},
        lambda one: {"response": {"Event": one["Event"]}},
        lambda one: [one],
        lambda one: [one["Event"]],
    ],
)
def test_an_event_is_found_however_it_is_wrapped(tmp_path: Path, wrapped: Any) -> None:
    assert len(feed(tmp_path, wrapped(event(attribute(ONE))))) == 1


WALLET = "cryptocurrency-wallet--b6ae6083-875f-5fe9-84b9-89e168f89406"
INDICATOR = "indicator--22692bd4-1b7f-52cb-a0b6-81d3ec1f24f1"
MADE = {"created": "2024-01-02T23:30:00.000Z", "modified": "2024-03-04T00:30:00.000Z"}


def bundle(*things: Mapping[str, object]) -> dict[str, object]:
    return {"type": "bundle", "id": "bundle--1", "objects": list(things)}


def named(kind: str, name: str, **more: object) -> dict[str, object]:
    return {"type": kind, "id": f"{kind}--{name}", "name": name, **more}


def tie(source: str, target: str, **more: object) -> dict[str, object]:
    known = f"relationship--{source}{target}"
    return {"type": "relationship", "id": known, "source_ref": source, "target_ref": target,
            "relationship_type": "indicates", **more}  # fmt: skip


def wallet(value: str = BECH, **more: object) -> dict[str, object]:
    return {"type": "cryptocurrency-wallet", "id": WALLET, "value": value, **more}


def indicator(pattern: str, **more: object) -> dict[str, object]:
    return {
        "type": "indicator", "id": INDICATOR, "pattern": pattern, "pattern_type": "stix",
        "valid_from": "2024-01-02T23:30:00Z", **MADE, **more,
    }  # fmt: skip


def test_a_wallet_has_the_name_of_its_holder(tmp_path: Path) -> None:
    holder = named("identity", "Otter Exchange")
    read = feed(tmp_path, bundle(wallet(holder_ref="identity--Otter Exchange"), holder))
    row = read.frame.row(0, named=True)
    assert (row["label"], row["actor"]) == ("Otter Exchange", "Otter Exchange")
    assert row["source"] == f"STIX {WALLET}, publisher not stated"
    assert (row["as_of"], row["first_day"], row["last_day"]) == (None, None, None)
    assert row["context"] == json.dumps({"id": WALLET})


def test_an_indicator_has_the_names_that_are_tied_to_it(tmp_path: Path) -> None:
    publisher = named("identity", "CERT")
    malware = named("malware", "Locker", malware_types=["ransomware"])
    read = feed(tmp_path, bundle(
        indicator(f"[cryptocurrency-wallet:value = '{BECH}']", created_by_ref="identity--CERT",
                  labels=["extortion"], confidence=70),
        publisher, malware, named("threat-actor", "Crew"),
        tie(INDICATOR, "malware--Locker"), tie("threat-actor--Crew", INDICATOR),
        tie(INDICATOR, "malware--Gone", revoked=True), named("malware", "Gone"),
    ))  # fmt: skip
    assert sorted(read.frame["concept"]) == ["extortion", "ransomware"]
    row = read.frame.row(0, named=True)
    assert (row["label"], row["actor"]) == ("Crew; Locker", None)
    assert row["source"] == f"STIX {INDICATOR}, CERT"
    assert row["as_of"] == date(2024, 3, 4)
    assert json.loads(row["context"])["confidence"] == 70
    assert row["first_day"] is None, "the day of the export is no first day"


def test_a_wallet_has_the_names_of_the_indicator_on_it(tmp_path: Path) -> None:
    seen = {"type": "observed-data", "id": "observed-data--1", "object_refs": [WALLET]}
    read = feed(tmp_path, bundle(
        wallet(), seen, indicator("[domain-name:value = 'x.example']"),
        tie(INDICATOR, "observed-data--1"), tie("campaign--Aid", "observed-data--1"),
        named("campaign", "Aid"),
    ))  # fmt: skip
    assert read.frame["label"].to_list() == ["Aid"]


PATTERNS = {
    "one": (f"[cryptocurrency-wallet:value = '{ONE}']", [ONE]),
    "or": (f"[x-cryptocurrency-wallet:address='{ONE}' OR cryptocurrency-wallet:value='{TWO}']",
           [ONE, TWO]),
    "in": (f"[cryptocurrency-wallet:value IN ('{ONE}', '{TWO}','{THREE}')]", [ONE, TWO, THREE]),
    "among others": (f"[file:name = 'a\\'b' AND cryptocurrency-wallet:value = '{ONE}']", [ONE]),
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_name_addresses(tmp_path: Path, name: str) -> None:
    pattern, addresses = PATTERNS[name]
    read = feed(tmp_path, bundle(indicator(pattern)), chain="btc")
    found = [canonical.text(one, "btc") for one in read.frame["address"]]
    assert sorted(found) == sorted(addresses)


@pytest.mark.parametrize(
    "pattern",
    [
        f"[cryptocurrency-wallet:value != '{ONE}']",
        f"[cryptocurrency-wallet:value NOT = '{ONE}']",
        f"[NOT cryptocurrency-wallet:value = '{ONE}']",
        f"[cryptocurrency-wallet:value NOT IN ('{ONE}')]",
    ],
)
def test_what_a_pattern_excludes_is_no_tag(tmp_path: Path, pattern: str) -> None:
    read = feed(tmp_path, bundle(indicator(pattern)), chain="btc")
    assert len(read) == 0
    reason = "the pattern is of all addresses but this one"
    assert read.rejected["reason"].to_list() == [reason]


def test_a_pattern_made_to_be_slow_is_quick(tmp_path: Path) -> None:
    hostile = "[cryptocurrency-wallet:value IN ('a'" + " " * 90_000 + "'" + "\\a" * 4_000
    with pytest.raises(TagError, match="the STIX bundle names no cryptocurrency address"):
        feed(tmp_path, bundle(indicator(hostile)), chain="btc")


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("2024-05-06T00:00:00Z", date(2024, 5, 5)),
        ("2024-05-06T00:00:01.000Z", date(2024, 5, 6)),
        (None, None),
    ],
)
def test_until_when_an_indicator_is_valid(tmp_path: Path, until: str | None, last: object) -> None:
    said = indicator(f"[cryptocurrency-wallet:value = '{BECH}']", valid_until=until)
    assert feed(tmp_path, bundle(said)).frame["last_day"].to_list() == [last]


def test_the_last_version_of_an_object_stands_and_a_revoked_one_does_not(tmp_path: Path) -> None:
    pattern = f"[cryptocurrency-wallet:value = '{BECH}']"
    old, new = indicator(pattern, name="old"), indicator(pattern, name="new")
    new["modified"] = "2024-03-05T00:00:00.000Z"
    assert feed(tmp_path, bundle(new, old)).frame["label"].to_list() == ["new"]
    read = feed(tmp_path, bundle(old, {**new, "revoked": True}))
    assert len(read) == 0
    assert read.rejected["reason"].to_list() == ["its publisher revoked it"]


def test_attributes_that_misp_exports_are_read(tmp_path: Path) -> None:
    said = {
        "type": "x-misp-attribute", "id": "x-misp-attribute--1", "x_misp_type": "btc",
        "x_misp_value": ONE, "x_misp_comment": "a note", "labels": ['misp:type="btc"'], **MADE,
    }  # fmt: skip
    row = feed(tmp_path, bundle(said)).frame.row(0, named=True)
    assert row["label"] == "STIX x-misp-attribute--1"
    assert json.loads(row["context"])["x_misp_comment"] == "a note"


def test_an_address_that_may_be_of_several_chains_needs_its_chain(tmp_path: Path) -> None:
    said = bundle(wallet(ONE))
    reason = "no currency is stated, and it may be of btc, bch: name the chain"
    assert feed(tmp_path, said).rejected["reason"].to_list() == [reason]
    assert len(feed(tmp_path, said, chain="btc")) == 1
    assert len(feed(tmp_path, bundle(wallet(BECH)), chain="eth")) == 1, "it is one of Bitcoin alone"
    assert feed(tmp_path, bundle(wallet("abc"))).rejected["reason"].to_list() == [
        "no currency is stated, and it is an address of no chain known here"
    ]


HOSTILE = {
    "no JSON": ('{"Event": ', r"cannot be read \(not JSON: .*\) at feed\.json line 1"),
    "a key twice": ('{"Event": {}, "Event": {}}', "a key stands twice in one object"),
    "not a number": ('{"Event": NaN}', "NaN is no number"),
    "a deep one": ("[" * 100_000, "not JSON"),
    "a long number": ('{"Event": ' + "9" * 5_000 + "}", "not JSON"),
    "not UTF-8": ("\\x", "not JSON"),
    "no feed": ('{"type": "report"}', r"no MISP event and no STIX bundle\) at feed\.json"),
    "a text": ('"Event"', "no MISP event and no STIX bundle"),
    "nothing in it": ('{"Event": {"Attribute": []}}', "the MISP event names no cryptocurrency"),
    "an empty bundle": ('{"type": "bundle"}', "the STIX bundle names no cryptocurrency address"),
    "things of other forms": (
        '{"type": "bundle", "objects": [1, null, {"type": "indicator", "pattern": 5},'
        ' {"type": "relationship", "source_ref": [], "target_ref": {}},'
        ' {"type": "observed-data", "object_refs": "x"}]}', "names no cryptocurrency address",
    ),
    "attributes of other forms": (
        '{"Event": {"Attribute": {"type": "btc"}, "Object": [{"Attribute": 5}, 6], "Orgc": []}}',
        "names no cryptocurrency address",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    text, sentence = HOSTILE[name]
    with pytest.raises(TagError, match=sentence):
        feed(tmp_path, text)


def test_very_many_values_are_refused_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_json, "MOST_VALUES", 10)
    with pytest.raises(TagError, match="the file holds more than 10 values"):
        feed(tmp_path, "[" + "1," * 20 + "1]")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a\u202eb", "a\x1b[2J", "x" * 9_999])
def test_hostile_names_are_kept_and_shown_safely(tmp_path: Path, text: str) -> None:
    read = feed(tmp_path, event(attribute(ONE, comment=text), info=text))
    assert read.frame["label"].to_list() == [text]
    assert json.loads(read.frame["context"][0])["comment"] == text
    for column in ("label", "context", "source"):
        assert read.plain()[column][0].isprintable()
    assert "<script" not in read._repr_html_()


def test_a_feed_goes_into_a_pack_and_back(tmp_path: Path) -> None:
    read = feed(tmp_path, bundle(wallet(), indicator(f"[cryptocurrency-wallet:value = '{BECH}']")))
    again = cw.read_tags(cw.write_tagpack(read, tmp_path / "pack.yaml", "T", "C"))
    assert again.frame.drop("pack").equals(read.frame.drop("pack"))


def test_a_folder_of_feeds(tmp_path: Path) -> None:
    for number, address in enumerate((ONE, TWO)):
        (tmp_path / f"{number}.json").write_text(json.dumps(event(attribute(address))))
    assert len(cw.read_tags(tmp_path, kind="feed")) == 2


@pytest.mark.parametrize(
    ("said", "day"),
    [
        (1465681304, date(2016, 6, 11)), ("2024-01-02T23:30:00-05:00", date(2024, 1, 3)),
        ("2024-01-02", date(2024, 1, 2)), ("9" * 30, None), (True, None), (None, None), (-5, None),
        ("2024-13-01", None), ({}, None),
    ],
)  # fmt: skip
def test_days(said: object, day: date | None) -> None:
    assert day_at(said) == day


def test_only_abuses_are_taken_from_words() -> None:
    assert abuses(["service", "exchange", "a", "", "x=", "Money Laundering"]) == (
        "money_laundering",
    )
    assert abuses([]) == ()


BY_BECH = f"[cryptocurrency-wallet:value = '{BECH}']"


def both_ways(tmp_path: Path, *things: Mapping[str, object]) -> cw.Tags:
    """Return what a bundle says, which the order of its objects must not decide."""
    read = [feed(tmp_path, bundle(*order), chain="btc") for order in (things, things[::-1])]
    assert read[0].frame.equals(read[1].frame)
    assert read[0].rejected.equals(read[1].rejected)
    return read[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.500Z"),
        ("2024-01-01T00:00:00.45Z", "2024-01-01T00:00:00.5Z"),
        ("2024-01-01T00:00:00.0000001Z", "2024-01-01T00:00:00.00000012Z"),
        ("2024-01-01T00:00:00.500Z", "2024-01-01T00:00:00.5Z"),
        ("2024-01-01T05:59:59+05:00", "2024-01-01T01:00:00Z"),
        ("2024-01-01T00:00:00Z", "soon"),
    ],
)
def test_a_later_revocation_counts_however_its_time_is_written(
    tmp_path: Path, before: str, after: str
) -> None:
    old = indicator(BY_BECH, modified=before)
    read = both_ways(tmp_path, old, indicator(BY_BECH, modified=after, revoked=True))
    assert len(read) == 0
    assert read.rejected["reason"].to_list() == ["its publisher revoked it"]


def test_what_is_said_anew_after_a_revocation_stands(tmp_path: Path) -> None:
    old = indicator(BY_BECH, modified="2024-01-01T12:00:00.5Z", revoked=True)
    new = indicator(BY_BECH, modified="2024-01-01T13:00:00.6+01:00", name="anew")
    assert both_ways(tmp_path, old, new).frame["label"].to_list() == ["anew"]


def test_of_versions_of_one_time_the_content_decides(tmp_path: Path) -> None:
    read = both_ways(tmp_path, indicator(BY_BECH, name="one"), indicator(BY_BECH, name="two"))
    assert read.frame["label"].to_list() == ["two"]
    loose = [{key: value for key, value in wallet(one).items() if key != "id"}
             for one in (BECH, canonical.text(b"\x03" + bytes([7] * 20), "btc"))]  # fmt: skip
    assert len(both_ways(tmp_path, *loose)) == 2


def test_a_revoked_object_gives_no_name(tmp_path: Path) -> None:
    gone = named("malware", "Locker", revoked=True, malware_types=["ransomware"])
    other = {**indicator("[url:value = 'x']", revoked=True), "id": "indicator--2"}
    read = both_ways(
        tmp_path, wallet(), indicator(BY_BECH, name="own"), gone, tie(INDICATOR, gone["id"]),  # type: ignore[arg-type]
        other, named("campaign", "Aid"), tie("indicator--2", WALLET),
        tie("indicator--2", "campaign--Aid"),
    )  # fmt: skip
    assert sorted(read.frame["label"]) == [f"STIX {WALLET}", "own"]
    assert read.frame["concept"].null_count() == 2


@pytest.mark.parametrize("kind", ["targets", "related-to", "impersonates", "mitigates", "", None])
def test_a_victim_gives_no_name(tmp_path: Path, kind: str | None) -> None:
    read = both_ways(
        tmp_path, indicator(BY_BECH), named("malware", "Locker"), named("identity", "Hospital"),
        tie(INDICATOR, "malware--Locker"),
        tie(INDICATOR, "identity--Hospital", relationship_type=kind),
    )  # fmt: skip
    assert read.frame["label"].to_list() == ["Locker"]


def test_two_things_of_one_name_both_say_their_words(tmp_path: Path) -> None:
    one = named("malware", "Locker", malware_types=["ransomware"])
    two = {**named("malware", "Locker", labels=["extortion"]), "id": "malware--2"}
    read = both_ways(
        tmp_path, indicator(BY_BECH), one, two,
        tie(INDICATOR, "malware--Locker"), tie(INDICATOR, "malware--2"),
    )  # fmt: skip
    assert sorted(read.frame["concept"]) == ["extortion", "ransomware"]
    assert set(read.frame["label"]) == {"Locker"}


@pytest.mark.parametrize(
    "pattern",
    [
        f"[NOT (cryptocurrency-wallet:value = '{ONE}')]",
        f"[NOT ( url:value = 'x' OR cryptocurrency-wallet:value IN ('{ONE}') )]",
        f"[not cryptocurrency-wallet:value = '{ONE}']",
        f"[cryptocurrency-wallet:value not in ('{ONE}')]",
        f"[url:value = 'x'] AND NOT [cryptocurrency-wallet:value = '{ONE}']",
    ],
)
def test_of_a_pattern_with_a_not_no_address_is_taken(tmp_path: Path, pattern: str) -> None:
    read = feed(tmp_path, bundle(indicator(pattern)), chain="btc")
    assert len(read) == 0
    (reason,) = read.rejected["reason"].to_list()
    assert reason.startswith("the pattern ")


def test_what_a_text_of_a_pattern_says_is_no_comparison(tmp_path: Path) -> None:
    pattern = f"[url:value = 'a NOT cryptocurrency-wallet:value = ' OR x:y = '{TWO}' OR " + (
        f"cryptocurrency-wallet:value = '{ONE}']"
    )
    read = feed(tmp_path, bundle(indicator(pattern)), chain="btc")
    assert read.frame["address"].to_list() == [canonical.parse(ONE, "btc")]
    assert read.rejected.is_empty()


@pytest.mark.parametrize("hostile", ["'" + "\\'" * 49_000, "cryptocurrency-wallet:value='" * 3_000])
def test_texts_that_do_not_end_are_quick(hostile: str) -> None:
    began = time.process_time()
    found = [address for address, _ in addresses_of("[x:y = " + hostile)]
    assert set(found) <= {"cryptocurrency-wallet:value="}
    assert time.process_time() - began < 5


@pytest.mark.parametrize("said", ["garbage", 5, "5", True, [], "2024-13-01T00:00:00Z", "9" * 70])
@pytest.mark.parametrize("name", ["valid_until", "modified"])
def test_a_time_that_is_none_rejects_the_tag(tmp_path: Path, name: str, said: object) -> None:
    read = feed(tmp_path, bundle(indicator(BY_BECH, **{name: said})))
    assert len(read) == 0
    (reason,) = read.rejected["reason"].to_list()
    assert reason.startswith(f"{name} '")
    assert reason.endswith("is no time")


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("2024-05-06T02:00:00+02:00", date(2024, 5, 5)), ("2024-05-06T00:00:00+02:00",
        date(2024, 5, 5)), ("2024-05-06T00:00:00.001Z", date(2024, 5, 6)),
        ("2024-05-06", date(2024, 5, 6)),
    ],
)  # fmt: skip
def test_the_last_day_is_one_of_utc(tmp_path: Path, until: str, last: date) -> None:
    read = feed(tmp_path, bundle(indicator(BY_BECH, valid_until=until)))
    assert read.frame["last_day"].to_list() == [last]


def test_the_last_version_of_an_attribute_stands(tmp_path: Path) -> None:
    """An event that was exported twice: what was deleted or changed since does not stand."""
    old = event(attribute(ONE, timestamp="999999999"), attribute(TWO, uuid="u2", timestamp=5))
    new = event(
        attribute(ONE, timestamp="1000000000", deleted=True),
        attribute(THREE, uuid="u2", timestamp="10"),
    )
    for both in ([old, new], [new, old]):
        read = feed(tmp_path, {"response": both})
        assert read.frame["address"].to_list() == [canonical.parse(THREE, "btc")]
        assert read.rejected["reason"].to_list() == ["its publisher deleted it"]


def test_of_what_an_event_says_twice_the_latest_stands(tmp_path: Path) -> None:
    one, two = attribute(ONE, comment="old"), attribute(ONE, uuid="u2", timestamp="1700000000")
    for both in ([one, two], [two, one]):
        read = feed(tmp_path, event(*both))
        assert read.frame["as_of"].to_list() == [date(2023, 11, 14)]
        assert read.rejected["position"].to_list() == ["attribute u1"]


@pytest.mark.parametrize(
    ("said", "day", "reason"),
    [
        ("0", date(2016, 6, 9), None), (None, date(2016, 6, 9), None),
        ("9" * 20, None, f"timestamp '{'9' * 20}' is no time"),
        ("soon", None, "timestamp 'soon' is no time"),
    ],
)  # fmt: skip
def test_the_time_of_an_attribute(
    tmp_path: Path, said: object, day: date | None, reason: str | None
) -> None:
    read = feed(tmp_path, event(attribute(ONE, timestamp=said)))
    assert read.frame["as_of"].to_list() == ([day] if day else [])
    assert read.rejected["reason"].to_list() == ([reason] if reason else [])


def test_a_time_that_no_calendar_has_is_none() -> None:
    for said in ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"):
        assert instant_of_text(said) is None
