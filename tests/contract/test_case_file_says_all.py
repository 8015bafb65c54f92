"""Everything that Python and the command line can do, a case file says, or there is a reason not.

A public verb or a command that is new fails here until it has a line in one of the two tables.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import chainwatch as cw
from chainwatch.case.analyses import registry
from chainwatch.case.file.schema import case_schema
from chainwatch.case.file.source_tables import kinds
from chainwatch.cli import app
from chainwatch.clusters.recipe import Recipe
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.catalogue import RULES
from chainwatch.tracing.policies import POLICIES
from chainwatch.triage.link_test.link_test import link_test
from chainwatch.typologies.catalogue import TYPOLOGIES
from chainwatch.typologies.written import typologies_written

NOT = "not: "
"""What begins a reason."""

VERBS = {
    "account_links": "[[account_links]]",
    "action_sheet": "[[action_sheets]]",
    "add_timestamp": "not: it is put beside a bundle that is written",
    "addresses_of_xpub": "[[sources]] xpub_file",
    "alerts": "[[alerts]]",
    "anonymity_sets": "[[mixes]]",
    "ask": "[[rules]] rule",
    "batched_payments": "[[batched_payments]]",
    "build_index": "not: an index is built where it is needed, and says nothing",
    "bundle": "not: it is made of what was written",
    "by_hand": "[[paths_by_hand]]",
    "chain": "[subjects] chain",
    "change_labels": "not: a model is fitted before a case, and named by it",
    "change_links": "[owners] change",
    "change_model": "not: a model is fitted before a case, and named by it",
    "check": "not: every case checks what it read, and stops where it does not add up",
    "cluster": "[owners]",
    "co_spends": "[owners] recipe",
    "compare": "[[other_owners]]",
    "converge": "[[convergence]]",
    "counterparties": "[[counterparties]]",
    "coverage": "not: every case tells what was not read",
    "crossings": "[[crossings]]",
    "early_warning": "not: it counts sellers and names nobody: chainwatch health warn",
    "exposure": "[[exposures]]",
    "findings_using": "not: it is asked of a case that is written, in Python",
    "health_release": "not: it spends a privacy budget, once, and belongs to no case",
    "hits": "[case] analyses",
    "hosted": "[follow] custody",
    "interpretations": "[[mix_readings]]",
    "keep_apart": "[owners] apart",
    "key_set_changes": "[owners] key_sets",
    "leaks": "not: it searches what was written: chainwatch leaks FOLDER",
    "link_test": "[[link_tests]]",
    "make_facts": "[[alerts]] facts",
    "market_activity": "not: it counts and names nobody: chainwatch health",
    "meanings": "[case] analyses",
    "messages_of_logs": "[[crossings]] logs",
    "mix_leads": "[[mixes]] leads",
    "mixes": "[[mixes]] everywhere",
    "mixes_met": "[[mixes]]",
    "native": "[asset] chain",
    "net_changes": "[case] analyses",
    "open_ledger": "[[sources]] commit",
    "owners": "[owners]",
    "paths": "[[paths]]",
    "peel_chains": "[[peel_chains]]",
    "peel_links": "[owners] peel",
    "peel_steps": "[[peel_chains]] habits",
    "plain": "not: it prints a table, and every table is written as text",
    "pool_withdrawals": "[[pools]]",
    "prices_of": "[[exposures]] currency",
    "pull": "[[sources]]",
    "rank": "[[ranking]]",
    "read_actors": "[[tags]] kind",
    "read_change_model": "[owners] change_model",
    "read_facts": "[[alerts]] facts",
    "read_health_release": "not: it belongs to no case",
    "read_prices": "[[sources]]",
    "read_profiles": "[[identities]] profiles",
    "read_releases": "not: it belongs to no case",
    "read_sanctions": "[[tags]] as_of",
    "read_seizures": "[[tags]] publisher",
    "read_statement": "[[statements]]",
    "read_tags": "[[tags]]",
    "received": "[[received]]",
    "recipient_annex": "not: it is asked of what was written",
    "referral_sheet": "not: it leads to support, names nobody, and is handed out apart from a case",
    "replay": "not: it is asked of what was written",
    "resolve_name": "not: a name is asked of a node once; the case file then has the address",
    "roles": "[[people]]",
    "run_case": "[case]",
    "same_key": "[owners] one_key",
    "service_roles": "[follow] custody",
    "set_edition": "[case] editions",
    "set_privacy_budget": "not: it belongs to no case",
    "show": "not: it looks one thing up",
    "sign_bundle": "not: whoever hands a bundle over signs it",
    "slots": "[[mix_readings]] slots",
    "spread_tags": "[follow] spread_unstated",
    "stated_links": "[owners] stated",
    "tags_of": "not: tags that a ledger holds always count",
    "taint": "[[taints]]",
    "timestamp_request": "not: it is asked for a bundle that is written",
    "token": "[asset] contract",
    "trace": "[follow]",
    "trace_across": "[[crossings]] trace",
    "trace_all": "[[traces]] all_policies",
    "trace_through_swaps": "[[through_swaps]]",
    "use_network": "not: who runs a case says whom it may ask: --only-hosts, --online",
    "vendor_identities": "[[identities]]",
    "verify": "not: it is asked of what was written",
    "watch": "[[action_sheets]] watch",
    "what_was_read": "not: every case tells and draws it",
    "with_actors": "[[tags]] kind",
    "write_actorpack": "not: an export, which is written of tags and not of a case",
    "write_tagpack": "not: an export, which is written of tags and not of a case",
}  # fmt: skip
"""Every public verb: the table and the key by which a case file asks it, or why it does not."""

COMMANDS = {
    "status": "not: chainwatch run --check tells what a ledger holds",
    "check": "not: every case checks what it read",
    "index": "not: an index is built where it is needed",
    "show": "not: it looks one thing up",
    "clusters": "[owners]",
    "why": "not: it looks one thing up; the evidence of every link is in the tables",
    "change-labels": "not: a model is fitted before a case, and named by it",
    "trace": "[[traces]]",
    "exposure": "[[exposures]]",
    "action-sheet": "[[action_sheets]]",
    "received": "[[received]]",
    "crossings": "[[crossings]]",
    "trace-across": "[[crossings]] trace",
    "paths": "[[paths]]",
    "evaluate": "not: it measures rules where all is simulated",
    "resolve": "not: a name is asked of a node once; the case file then has the address",
    "mixes": "[[mixes]]",
    "pools": "[[pools]]",
    "meanings": "[case] analyses",
    "through-swaps": "[[through_swaps]]",
    "peel-chains": "[[peel_chains]]",
    "alerts": "[[alerts]]",
    "rank": "[[ranking]]",
    "converge": "[[convergence]]",
    "roles": "[[people]]",
    "leaks": "not: it searches what was written",
    "link-test": "[[link_tests]]",
    "new": "not: it writes the case file",
    "demo": "not: it works a case file of its own",
    "run": "[case]",
    "schema": "not: it tells what a case file may say",
    "verify": "not: it is asked of what was written",
    "bundle": "not: it is made of what was written",
    "replay": "not: it is asked of what was written",
    "sign": "not: whoever hands a bundle over signs it",
    "timestamp": "not: it is put beside a bundle that is written",
    "pull": "[[sources]]",
    "tags": "[[tags]]",
    "health": "not: it names nobody, and belongs to no case",
}
"""Every command, in the same way."""

SCHEMA = case_schema()


def verbs() -> list[str]:
    """Return the public functions; classes are what they return, or sources by ``[[sources]]``."""
    return sorted(name for name in cw.__all__ if inspect.isfunction(getattr(cw, name)))


def models(table: str) -> Iterator[dict[str, Any]]:
    """Yield what the schema has of a table; a list of several kinds of sources has several."""
    stack: list[Any] = [SCHEMA["properties"][table]]
    while stack:
        one = stack.pop()
        if "$ref" in one:
            yield SCHEMA["$defs"][one["$ref"].removeprefix("#/$defs/")]
        stack += [*one.get("anyOf", ()), *one.get("oneOf", ())]
        stack += [one["items"]] if "items" in one else []


@pytest.mark.parametrize(("name", "said"), [*VERBS.items(), *COMMANDS.items()])
def test_what_is_said_can_be_written(name: str, said: str) -> None:
    if said.startswith(NOT):
        assert len(said) > len(NOT) + 10
        return
    found = re.fullmatch(r"\[{1,2}(\w+)\]{1,2}(?: (\w+))?", said)
    assert found, said
    assert said.startswith("[[") == ("items" in SCHEMA["properties"][found[1]]), name
    if found[2]:
        assert any(found[2] in model["properties"] for model in models(found[1])), (name, said)


def test_every_public_verb_has_a_line() -> None:
    assert verbs() == sorted(VERBS)


def test_every_command_has_a_line() -> None:
    group: Any = typer.main.get_command(app.app)
    assert sorted(group.list_commands(None)) == sorted(COMMANDS)


def test_every_source_is_a_kind() -> None:
    entries = [SCHEMA["$defs"][one] for one in SCHEMA["$defs"]]
    named = {one["properties"]["kind"]["const"] for one in entries
             if "const" in one.get("properties", {}).get("kind", {})}  # fmt: skip
    assert named == set(kinds())


def test_every_policy_typology_rule_and_analysis_may_be_chosen() -> None:
    traces = SCHEMA["$defs"]["Traces"]["properties"]["policies"]["items"]["enum"]
    assert traces == [one.name for one in POLICIES]
    assert len(typologies_written([make.__name__ for make in TYPOLOGIES])) == len(TYPOLOGIES)
    rules = SCHEMA["$defs"]["RuleAsked"]["properties"]["rule"]["examples"]
    assert rules == [make.__name__ for make in RULES]
    accounts = SCHEMA["$defs"]["AccountLinks"]["properties"]["rules"]["items"]["anyOf"][0]["enum"]
    assert accounts == [make.__name__ for make in ACCOUNT_RULES]
    analyses = SCHEMA["$defs"]["Head"]["properties"]["analyses"]["items"]["enum"]
    assert analyses == registry.names()


GIVEN = {"ledger", "clusters", "network", "vendors", "chain", "asset", "tags", "links", "trace",
         "subjects", "stop", "poisoning", "fetch", "through", "services", "rates", "prices",
         "people", "sources", "entity", "facts", "hosted", "with_change", "spread_unstated",
         "bridges", "crossings", "ledgers", "apart", "recipe", "messages", "draws"}  # fmt: skip
"""Parameters that a case brings itself, or says under a name of its own."""

SAME = {
    "paths": ("[[paths]]", {"source", "target"}),
    "link_test": ("[[link_tests]]", set()),
    "converge": ("[[convergence]]", set()),
    "roles": ("[[people]]", {"subject_role"}),
    "trace": ("[[traces]]", {"policy", "budget"}),
    "trace_through_swaps": ("[[through_swaps]]", set()),
    "received": ("[[received]]", set()),
    "alerts": ("[[alerts]]", {"since", "until"}),
    "account_links": ("[[account_links]]", set()),
    "exposure": ("[[exposures]]", set()),
    "mixes_met": ("[[mixes]]", {"detectors"}),
    "batched_payments": ("[[batched_payments]]", set()),
    "interpretations": ("[[mix_readings]]", {"txid", "seconds"}),
    "counterparties": ("[[counterparties]]", set()),
    "crossings": ("[[crossings]]", set()),
    "vendor_identities": ("[[identities]]", set()),
    "pool_withdrawals": ("[[pools]]", set()),
    "service_roles": ("[follow]", set()),
}
"""Verbs whose parameters are keys of the same name, and those said otherwise."""


@pytest.mark.parametrize("verb", SAME)
def test_keys_have_the_names_of_parameters(verb: str) -> None:
    table, otherwise = SAME[verb]
    (model,) = models(table.strip("[]"))
    wanted = set(inspect.signature(getattr(cw, verb)).parameters) - GIVEN - otherwise
    assert wanted - set(model["properties"]) == set()


def test_a_link_test_takes_every_number_of_the_verb() -> None:
    (model,) = models("link_tests")
    numbers = {"hops", "days", "rate", "draws", "tests", "least", "crowd", "seed"}
    assert numbers <= set(inspect.signature(link_test).parameters)
    assert numbers <= set(model["properties"])


def test_a_recipe_can_be_said_whole() -> None:
    (model,) = models("owners")
    accounts = {"accounts", "accounts_at_least"}  # leads, which [[account_links]] asks for
    assert {*Recipe.__dataclass_fields__} - accounts <= set(model["properties"])
