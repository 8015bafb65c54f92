"""What a case found as tags: read back by PyYAML and by our reader, and only of who is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from worded_case import ACCOUNTS, Words, asset_of, ledger_of, tags_of, worded_case

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.case.exports.case_tags import (
    FOLDER,
    NOTHING,
    PACK,
    export_case_tags,
    tags_found,
)
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import ELSEWHERE
from chainwatch.case.exports.shown.parts import OwnerLink
from chainwatch.heuristics.rates import MEASURED

PACK_FIELDS = {
    "title", "creator", "description", "label", "currency", "confidence", "is_cluster_definer",
    "category", "abuse", "concepts", "actor", "source", "lastmod", "context", "tags",
}  # fmt: skip
"""Fields that GraphSense's TagPack has in a header; a tag has these and an address."""


def written(case: cw.Case, folder: Path, edition: str = "disclosure") -> list[dict[str, Any]]:
    """Return the tags of a pack as PyYAML reads them, each with what its header says."""
    export_case_tags(case.shown(edition), folder)
    pack = yaml.safe_load((folder / FOLDER / PACK).read_text("utf-8"))
    assert set(pack) <= PACK_FIELDS
    assert {"title", "creator", "tags"} <= set(pack)
    for tag in pack["tags"]:
        assert set(tag) <= PACK_FIELDS - {"title", "creator", "tags"} | {"address"}
    return [pack | tag for tag in pack["tags"]]


def test_subjects_are_tagged_and_nobody_else(tmp_path: Path) -> None:
    case = worded_case(Words())
    found = {tag["address"]: tag for tag in written(case, tmp_path)}
    wanted = {text(ACCOUNTS(who), "eth") for who in ("kelp", "wrack")}
    assert set(found) == wanted
    for tag in found.values():
        assert tag["label"] == "Subject of A small case"
        assert (tag["source"], tag["confidence"]) == ("case 12/23", "manual_transaction")
        assert tag["is_cluster_definer"] is False
        assert "vendor" not in str(tag), "what others say is not said again"
    read = cw.read_tags(tmp_path / FOLDER / PACK)
    assert not read.rejected.height
    assert set(read.frame["address"]) == {ACCOUNTS("kelp"), ACCOUNTS("wrack")}


def test_the_working_edition_tags_no_bystander(tmp_path: Path) -> None:
    found = written(worded_case(Words()), tmp_path, "working")
    assert {tag["label"] for tag in found} == {"Subject of A small case"}


def test_one_owner_is_told_with_the_rules(
    small_ledger: Callable[..., cw.Ledger], named: Callable[[str], bytes], tmp_path: Path
) -> None:
    ledger = small_ledger("""
        fund: coinbase -> A=60_000 B=50_000 Z=40_000
        pay: fund/0 fund/1 -> C=100_000 A=9_000
    """)
    clusters = cw.cluster(cw.co_spends(ledger))
    a, b = (text(named(name), "btc-regtest") for name in "AB")
    trace = cw.trace(ledger, a, policy="fifo", clusters=clusters, chain="btc-regtest")
    case = cw.Case("one", "Who?", mask_key=bytes(16)).add(clusters, trace)
    case.look_beside(ledger)
    found = {tag["address"]: tag for tag in written(case, tmp_path)}
    assert found[a]["confidence"] == "manual_transaction"
    if b in found:  # followed with its cluster, or tagged for it: never both
        said = f"Consistent with one owner with {a} (by which rule is not shown)"
        assert found[b]["label"] in (said, "Subject of one")
    assert text(named("Z"), "btc-regtest") not in found


RATE = MEASURED.confidence("co_spend")


def owners_of(case: cw.Case, *links: OwnerLink) -> ShownCase:
    """Return what a case shows, with two members of one cluster, the first whom it follows."""
    made = case.shown("working")
    kelp, amy = (made.party["eip155:1", text(ACCOUNTS(who), "eth")] for who in ("kelp", "amy"))
    two = [replace(one, cluster=kelp.text, role="subject") for one in (kelp, amy)]
    made.__dict__["parties"] = tuple(two)
    made.__dict__["party"] = {one.ref: one for one in two}
    made.__dict__["links"] = links
    return made


@pytest.mark.parametrize(
    ("rule", "rate", "said"),
    [
        (
            "co_spend",
            MEASURED.confidence("co_spend"),
            "{right:,} of {of:,} simulated links were right",
        ),
        ("co_spend", None, "no measured rate"),
        ("mine", 0.5, ELSEWHERE.partition(";")[0]),
    ],
)
def test_a_label_says_how_sure_it_is(rule: str, rate: float | None, said: str) -> None:
    kelp, amy = (("eip155:1", text(ACCOUNTS(who), "eth")) for who in ("kelp", "amy"))
    link = OwnerLink(kelp, amy, rule, "", "", False, rate, True, False, "")
    refused = replace(link, rule="refused", joins=False)
    tags = tags_found(owners_of(worded_case(Words()), link, refused)).frame
    (label,) = tags.filter(pl.col("confidence") == "heuristic")["label"]
    counts = MEASURED.by_rule["co_spend"]
    wanted = said.format(right=counts.right, of=counts.of)
    assert label == f"Consistent with one owner with {kelp[1]} ({rule}: {wanted})"
    (context,) = tags.filter(pl.col("confidence") == "heuristic")["context"]
    if rule == "co_spend" and rate is not None:
        assert "conditional on the simulator" in context
    assert "refused" not in context


def with_deposits(certainty: str) -> cw.Case:
    """Return a case whose money ends at an address that sends all on to a service."""
    paid = [("giver>kelp:900000001", 1)]
    for n in range(4):
        paid += [(f"kelp>dep:1000000{n}", 10 + 20 * n), (f"ann{n}>other{n}:700000{n}", 11 + 20 * n)]
        paid += [(f"dep>host1:1000000{n}", 15 + 20 * n), (f"other{n}>host1:700000{n}", 16 + 20 * n)]
    words = Words()
    ledger, tags = ledger_of(paid), tags_of(words)
    hosts = cw.hosted(ledger, tags.where(concept="service"), asset=asset_of(words))
    told = hosts.frame.with_columns(
        pl.lit(certainty).alias("certainty"), pl.lit("batch sweeps").alias("shown_by")
    )
    hosts = replace(hosts, frame=pl.DataFrame(told))
    subjects = tags.where(concept="vendor").addresses()
    trace = cw.trace(ledger, subjects, policy="fifo", asset=asset_of(words), stop=hosts)
    case = worded_case(words, paid).add(hosts, trace)
    case.look_beside(ledger)
    return case


def test_deposit_addresses_are_told_with_their_evidence(tmp_path: Path) -> None:
    found = {tag["address"]: tag for tag in written(with_deposits("probable"), tmp_path, "working")}
    deposit = found[text(ACCOUNTS("dep"), "eth")]
    assert deposit["label"] == "exchange one: deposit address (probable)"
    assert deposit["confidence"] == "heuristic"
    for said in ('"certainty":"probable"', '"shown_by":"batch sweeps"'):
        assert said in deposit["context"]


def test_undecided_custody_is_no_tag(tmp_path: Path) -> None:
    found = written(with_deposits("undecided"), tmp_path, "working")
    assert {tag["label"] for tag in found} == {"Subject of A small case"}


def test_a_case_that_found_nothing_says_so(tmp_path: Path) -> None:
    case = cw.Case("none", "Who?", mask_key=bytes(16))
    export_case_tags(case.shown(), tmp_path)
    assert [item.name for item in (tmp_path / FOLDER).iterdir()] == [NOTHING]
