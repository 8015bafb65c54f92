"""A case file on three chains that asks every question, beside the verbs and numbers by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import many_chains as world
import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.case.seal import verify
from chainwatch.heuristics.coinjoin import PREPARATION, equal_outputs
from chainwatch.heuristics.coinjoin.detectors import DETECTORS
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.secrets import Secrets
from chainwatch.results.result import Finding, Result
from chainwatch.tracing.crossings.across_result import TraceAcross
from chainwatch.tracing.mixers.met import MixesMet

CASE = f"""
[case]
name = "questions"
title = "Questions"
question = "Where did it go, and whose is it?"
editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "a court"

[[sources]]
kind = "ledger"
path = "ledger"

[[tags]]
path = "tags.csv"

[subjects]
chain = "btc-regtest"
label = "K the vendor"

[[also]]
asset = {world.table_of(world.HERE)}
[also.subjects]
chain = "eth"
addresses = ["{world.account("ann")}"]

[[paths]]
target = "harbour"

[[paths]]
name = "ann and the shop"
source = "{world.account("ann")}"
target = ["shop"]
chain = "eth"
by = "hops"
k = 1

[[mixes]]

[[crossings]]
assets = [[{world.table_of(world.HERE)}, {world.table_of(world.THERE)}]]
trace = true
leads = true

[[account_links]]
"""

MASKED = {
    "btc-regtest": ("A", "B", "C", "D", "V", "W", "X", "Y"),
    "eth": ("bob", "cat", "ann2", "dep2", "dep3", "new", "eve"),
}
"""Whom the disclosure edition names nowhere."""


class Asked(NamedTuple):
    """The case, the folder of its data, and what a desk has of them."""

    report: RunReport
    ledger: Ledger
    tags: cw.Tags

    def found(self, kind: type[Result]) -> list[Any]:
        return [one for one, _ in self.report.case.results if type(one) is kind]

    def page(self, edition: str) -> str:
        return (self.report.editions[edition] / "report.html").read_text("utf-8")

    def table(self, edition: str, name: str) -> pl.DataFrame:
        folder = self.report.editions[edition] / "tables"
        return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


@pytest.fixture(scope="module")
def asked(small_ledger: Callable[[str], Ledger], tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("questions")
    world.write(folder, small_ledger)
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    report = run_case(
        folder / "case.toml", folder / "out", data=folder, mask_key=bytes(range(32)),
        acquired=datetime(2023, 10, 1, tzinfo=UTC),
    )  # fmt: skip
    tags = cw.read_tags(folder / "tags.csv")
    return Asked(report, cw.open_ledger(folder / "ledger"), tags)


def test_no_artefact_of_its_disclosure_leaks(asked: Asked) -> None:
    """Routes, crossings, mixes and accounts, on two chains: every file is searched."""
    editions = asked.report.editions
    annex = editions["disclosure"].parent / "annex"
    found = cw.leaks(editions["disclosure"], working=editions["working"], annex=annex)
    assert found.clean, found
    assert found.searched.filter(kind="masked address")["number"][0] >= 15
    leaky = cw.leaks(editions["working"] / "tables", working=editions["working"], annex=annex)
    assert leaky.frame["who"].n_unique() >= 10, "the search finds what is there"


def test_each_answer_is_what_the_verb_finds(asked: Asked) -> None:
    """The keys of a table reach the parameters of its verb, and nothing else does."""
    ledger, tags, services = asked.ledger, asked.tags, asked.tags.services()
    usd = world.usd(world.HERE)
    first, second = asked.found(cw.Paths)
    vendor, desk = tags.where(label="K the vendor"), tags.where(actor="harbour")
    by_value = cw.paths(ledger, vendor.addresses(), desk.addresses(), stop=[services], tags=tags,
                        asset=cw.native("btc-regtest"))  # fmt: skip
    by_hops = cw.paths(
        ledger, world.account("ann"), tags.where(actor="shop").addresses(), stop=[services],
        tags=tags, asset=usd, by="hops", k=1, poisoning=poisoning(0),
    )  # fmt: skip
    assert (first.digest, second.digest) == (by_value.digest, by_hops.digest)
    (crossed,) = asked.found(cw.Crossings)
    groups = [(usd, world.usd(world.THERE))]
    assert crossed.digest == cw.crossings(ledger, bridges=tags, assets=groups).digest
    judged = cw.hosted(ledger, services, asset=usd, poisoning=poisoning(0))
    leads = cw.account_links(ledger, tags=tags, hosted=judged, at_least=0.9)
    assert leads.digest in {one.digest for one in asked.found(Links)}
    (met,) = asked.found(MixesMet)
    (followed,) = [one for one in asked.found(cw.Trace) if one.asset.symbol == "rBTC"]
    stop = equal_outputs() & ~PREPARATION
    owners = cw.cluster(cw.co_spends(ledger, unless=stop), tags=tags)
    by_hand = cw.mixes_met(ledger, followed, clusters=owners,
                           detectors={**DETECTORS, "stop of this case": stop})  # fmt: skip
    assert met.frame.equals(by_hand.frame)
    assert met.digest == by_hand.digest


def test_the_numbers_are_those_of_the_few_lines(asked: Asked) -> None:
    first, second = asked.found(cw.Paths)
    assert first.routes.select("hops", "amount", "flow").rows() == [
        (2, Decimal(590_000), Decimal(590_000))
    ]
    assert second.routes["hops"].to_list() == [2]
    (met,) = asked.found(MixesMet)
    row = met.frame.row(0, named=True)
    assert (row["amount"], row["outputs"], row["set_most"]) == (295_000, 4, 4)
    assert row["interpretations"] == "131"
    (crossed,) = asked.found(cw.Crossings)
    assert crossed.frame["result"].to_list() == ["crossed", "not matched"]
    (across, other) = asked.found(TraceAcross)
    assert [leg.asset.symbol for leg in across.legs] == ["rBTC"]
    assert [(leg.asset.chain, leg.amount) for leg in other.legs][1] == (
        cw.chain("base").id, 6_990_000
    )  # fmt: skip


def test_accounts_are_leads_and_join_nobody(asked: Asked) -> None:
    (told,) = [one for one in asked.found(Finding) if one.name == "account_leads"]
    rows = told.frame.filter(rule="deposit_reuse_known")
    assert rows["verdict"].to_list() == ["undecided"]
    assert rows["transactions"].to_list() == [2]
    links = [one for one in asked.found(Links) if "co_spend" not in set(one.frame["rule"])]
    assert [one.counts()["joining"] for one in links] == [0]
    assert all("eth" not in str(one.frame["chain"].unique()) for one in asked.found(cw.Clusters))


@pytest.mark.parametrize("edition", ["disclosure", "working"])
def test_every_answer_stands_in_the_report_under_a_heading_of_its_own(
    asked: Asked, edition: str
) -> None:
    page = asked.page(edition)
    for heading in (
        "Routes from one party to the other: the subjects to harbour",
        "Routes from one party to the other: ann and the shop",
        "Mixes that value ended in: rBTC on btc-regtest",
        "Crossings at bridges",
        "Deposits of USD on eth",
        "Across chains: USD on eth",
        "Accounts that may have one owner",
        "Where the value ends: rBTC on btc-regtest",
        "Where the value ends: USD on eth",
    ):
        assert page.count(f">{heading}</h2>") >= 1, heading
    assert "Each of 2 transactions ends all routes if it is rejected" in page
    assert "A match by amount and time is a lead and no proof" in page
    assert "no chance that two rows are of one owner" in page
    assert "None of these links joins anybody in this case" in page
    assert "Looking forward from the source ended at" in page
    for name in ("routes", "routes_2", "flow", "flow_2"):
        assert (asked.report.editions[edition] / "figures" / f"{name}.svg").is_file()


def test_no_edition_for_others_names_a_bystander(asked: Asked) -> None:
    folder = asked.report.editions["disclosure"]
    coins, accounts = (cw.chain(name).id for name in MASKED)
    named = {(coins, parse(world.coin(name), coins)) for name in MASKED["btc-regtest"]}
    named |= {(accounts, parse(world.account(name), accounts)) for name in MASKED["eth"]}
    assert searched(folder, Secrets(frozenset(named))).frame.is_empty()
    working = asked.report.editions["working"]
    open_ = [
        searched(working / part, Secrets(frozenset(named))) for part in ("report.html", "tables")
    ]
    assert len({who for found in open_ for who in found.frame["who"]}) == len(named)
    hops = asked.table("disclosure", "hops")
    assert set(hops["source"]) & {world.coin("K")}
    assert "590000" not in hops.write_csv()


def test_all_of_it_is_sealed_with_its_digest_and_why(asked: Asked) -> None:
    folder = asked.report.editions["working"]
    verify(folder)
    verify(asked.report.editions["disclosure"])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    told = {row["what"]: row for row in manifest["results"]}
    for verb in ("paths", "mixes_met", "crossings", "trace_across", "account_links"):
        assert told[verb]["record"]["step"] == verb
        assert told[verb]["note"].endswith(".")
        assert told[verb]["content"]
