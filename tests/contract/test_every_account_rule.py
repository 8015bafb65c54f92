"""What every rule that links accounts keeps: it explains itself, joins, refuses, and can be unsure.

A new rule is a line of ``ACCOUNT_RULES``, and is added to ``CASES`` with a chain on which it joins,
one that looks alike and joins nobody, and one of which too little was read.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl
import pytest
from account_chains import DAY, HOUR, Accounts

import chainwatch as cw
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ArgumentError, RuleError
from chainwatch.heuristics import accounts as package
from chainwatch.heuristics.accounts import (
    activation,
    airdrop,
    deposit_reuse,
    first_funder,
    permission,
    safe,
    self_authorization,
)
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES, DEFAULT
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.heuristics.accounts.link_rule import CLAIMS, LinkRule, link_rule
from chainwatch.heuristics.link_rules import TAKEN
from chainwatch.ledger.ledger import Ledger

ON = Accounts()


class Case(NamedTuple):
    """A rule, and three chains: it joins the pair, it joins nobody, it cannot tell."""

    rule: LinkRule
    joins: Ledger
    is_still: Ledger
    unknown: Ledger
    pair: tuple[str, str]
    tags: cw.Tags = ON.tags()


def swept(*payers: str) -> list[Any]:
    """Return payments into a deposit address that are swept one by one."""
    rows: list[Any] = []
    for day, payer in enumerate(payers):
        rows += [(f"{payer}>dep:9", day * DAY), ("dep>hot:9", day * DAY + HOUR)]
    return rows


_DEPOSITS = {
    "joins": ON.ledger(swept("ann", "ann", "bob")),
    "is_still": ON.ledger(swept("ann", "bob", "cat")),
    "unknown": ON.ledger(swept("ann", "ann"), read=["dep"]),
    "pair": ("ann", "dep"),
}

GAS = {"coin": True}


def given(*passed: tuple[Any, ...]) -> list[Any]:
    """Return an airdrop to four, and what is passed on."""
    gifts = [(f"giver>{one}:7", n, {"token": "drop"}) for n, one in enumerate("wxyz")]
    return [*gifts, *((text, minute, {"token": "drop"}) for text, minute in passed)]


_COLLECTED = given(("w>main:7", 60), ("x>main:7", 70))
_APPROVED = [("approval", "ann", "bob", 5, {"id": 0})]  # in a transaction of his own
_OF = {"txid": ON.txid("permission")}
_OWN = [("owner_key", "ann", "ann", 1, _OF)]
_SENT = [("ann>cat:1", 0, GAS), ("bob>cat:1", 1, GAS)]

_SAFE = [("SafeSetup", "safe", (["ann"], 1), 1, {"id": 1})]
_SWAP = [*_SAFE, ("RemovedOwner", "safe", "ann", 3, {"id": 3}),
         ("AddedOwner", "safe", "bob", 3, {"id": 3})]  # fmt: skip
_SIGNED = [("cat>safe:9", 0, GAS), ("ann>cat:1", 1, GAS), ("safe>cat:1", 2, {"id": 1}),
           ("ann>cat:1", 3, GAS), ("bob>cat:1", 5, GAS), ("safe>cat:2", 5, {"id": 4})]  # fmt: skip
_GROUP = [("SafeSetup", "safe", (["ann", "cat"], 1), 1, {"id": 1}), *_SWAP[1:]]
_MANY = [("SafeSetup", f"safe{n}", (["ann"], 1), 1, {"id": 1}) for n in range(3)]
_SOLD = [(event, f"safe{n}", whom, 3 + n, {"id": 3})
         for n in range(3)
         for event, whom in (("RemovedOwner", "ann"), ("AddedOwner", f"bob{n}"))]  # fmt: skip

CASES = {
    "activation": Case(
        activation.activation(activated=2),
        ON.ledger([("ann>cat:1", 0, GAS), ("ann>bob:1", 9, GAS)],
                  stakes=[("activate", "ann", "bob", 1)]),
        ON.ledger([("ann>cat:1", 0, GAS)],
                  stakes=[("activate", "ann", f"bob{n}", n) for n in range(3)]),
        ON.ledger([("ann>bob:1", 0, GAS)], stakes=[("activate", "ann", "bob", 1)], read=["ann"]),
        ("ann", "bob"),
    ),
    "airdrop_collected": Case(
        airdrop.airdrop_collected(recipients=4, seconds=60, most=2),
        ON.ledger(_COLLECTED),
        ON.ledger(given(("w>main:7", 60), ("x>main:6", 70), ("y>other:7", 70), ("z>giver:7", 80))),
        ON.ledger(_COLLECTED, read=["w", "x"]),
        ("w", "main"),
    ),
    "deposit_reuse": Case(deposit_reuse.deposit_reuse(), **_DEPOSITS),
    "deposit_reuse_known": Case(
        deposit_reuse.deposit_reuse_known(), **_DEPOSITS,
        tags=ON.tags(("hot", "shop"), ("dep", "shop", "deposit_wallet")),
    ),
    "deposit_reuse_production": Case(deposit_reuse.deposit_reuse_production(), **_DEPOSITS),
    "first_funder": Case(
        first_funder.first_funder(funded=2),
        ON.ledger([("ann>bob:1", 0, GAS), ("cat>bob:1", 1, GAS)]),
        ON.ledger([(f"ann>bob{n}:1", n, GAS) for n in range(3)]),
        ON.ledger([("ann>bob:1", 0, GAS)], read=["bob"]),
        ("ann", "bob"),
    ),
    "permission_key": Case(
        permission.permission_key(accounts=2),
        ON.ledger([("ann>bob:1", 0, GAS)], stakes=[*_OWN, ("owner_key", "ann", "bob", 1, _OF)]),
        ON.ledger([("ann>bob:1", 0, GAS)],
                  stakes=[*(("owner_key", f"ann{n}", "bob", n) for n in range(3)),
                          ("active_key", "cat", "dan", 5)]),
        ON.ledger([("ann>bob:1", 0, GAS)], stakes=[("owner_share", "ann", "bob", 1)]),
        ("ann", "bob"),
    ),
    "safe_key_change": Case(
        safe.safe_key_change(others=2),
        ON.ledger(_SIGNED, logs=_SWAP),
        ON.ledger(_SIGNED, logs=[*_GROUP, *_MANY, *_SOLD]),
        ON.ledger(_SIGNED, logs=_SWAP, logged=False),
        ("ann", "bob"),
    ),
    "safe_owner": Case(
        safe.safe_owner(safes=2),
        ON.ledger(_SIGNED, logs=_SAFE),
        ON.ledger(_SIGNED, logs=[*_GROUP[:1], *_MANY]),
        ON.ledger(_SIGNED, logs=_SWAP),
        ("ann", "safe"),
    ),
    "self_authorization": Case(
        self_authorization.self_authorization(owners=2),
        ON.ledger(_SENT, approvals=_APPROVED),
        ON.ledger(_SENT, approvals=[*(("approval", f"ann{n}", "bob", 5) for n in range(3)),
                                    ("approval", "ann", "token", 6)]),
        ON.ledger(_SENT[:1], approvals=_APPROVED),
        ("ann", "bob"),
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def links(case: Case, ledger: Ledger) -> cw.Links:
    return account_links(ledger, tags=case.tags, rules=[case.rule])


def makers() -> set[object]:
    """Return every maker of such rules in the package."""
    found = set()
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        names = vars(importlib.import_module(module.name)).values()
        found |= {maker for maker in names if callable(maker) and hasattr(maker, "link_rule")}
    return found


def test_the_catalogue_is_complete() -> None:
    assert len(set(ACCOUNT_RULES)) == len(ACCOUNT_RULES)
    assert set(ACCOUNT_RULES) == makers()
    assert [make().name for make in ACCOUNT_RULES] == sorted(CASES)
    assert {rule.name for rule in DEFAULT} <= set(CASES)
    assert set(CASES) <= set(TAKEN), "a statement could take the name of a rule"


def test_it_says_when_it_fails_and_what_it_rests_on(case: Case) -> None:
    for section in ("Fails when\n-----", "References\n-----"):
        assert section in case.rule.doc
    assert case.rule.refs
    for name, _ in case.rule.params:
        assert f"\n{name} : " in case.rule.doc, f"parameter {name} is not described"


def test_it_prints_itself_and_its_record_has_it(case: Case) -> None:
    assert str(case.rule).startswith(f"{case.rule.name}(")
    assert case.rule.identity() in links(case, case.joins).lineage()


def test_it_joins_is_still_and_cannot_tell(case: Case) -> None:
    pair = tuple(sorted(case.pair))
    assert (*pair, False) in ON.pairs(links(case, case.joins).frame)
    assert False not in links(case, case.is_still).frame["veto"].to_list()
    unknown = ON.pairs(links(case, case.unknown).frame)
    assert (*pair, None) in unknown
    assert {veto for *_, veto in unknown} == {None}


def test_why_and_cut(case: Case) -> None:
    clusters = cw.cluster(links(case, case.joins))
    one, other = map(ON, case.pair)
    told = clusters.why(one, other)
    assert told.joined
    assert set(told.frame["rule"]) == {case.rule.name}
    assert not told.frame["txid"].null_count()
    assert not clusters.cut(rule=case.rule.name).why(one, other, "eth").joined


def test_services_and_nobody_are_never_linked(case: Case) -> None:
    for ledger in (case.joins, case.is_still, case.unknown):
        frame = links(case, ledger).frame
        named = {*frame["a"], *frame["b"]}
        assert not named & {ON("hot"), ON("0"), ON("token")}


def test_the_order_of_rows_makes_no_difference(case: Case) -> None:
    for ledger in (case.joins, case.is_still, case.unknown):
        mixed = Ledger.from_tables({
            name: rows.sample(fraction=1, shuffle=True, seed=7)
            for name, rows in ledger.frames.items()
        })  # fmt: skip
        assert links(case, mixed).frame.equals(links(case, ledger).frame)


def test_what_was_not_read_never_turns_an_answer_round(case: Case) -> None:
    """With no history read, no pair joins that did not, and none is refused that joined."""
    for ledger in (case.joins, case.is_still):
        full = ON.pairs(links(case, ledger).frame)
        blind = Ledger.from_tables(
            {name: rows for name, rows in ledger.frames.items() if name != "coverage"}
        )
        assert False not in {veto for *_, veto in ON.pairs(links(case, blind).frame)}
        assert {pair[:2] for pair in ON.pairs(links(case, blind).frame)} >= {
            pair[:2] for pair in full if pair[2] is False
        }


def test_claims_have_their_columns(case: Case) -> None:
    facts = AccountFacts(case.joins, chain_of("eth"), case.tags)
    assert dict(case.rule.find(facts).schema) == CLAIMS


@pytest.mark.parametrize("make", ACCOUNT_RULES)
def test_parameters_are_plain_and_not_below_zero(make: Callable[..., LinkRule]) -> None:
    for name, value in make().params:
        if type(value) is int:
            with pytest.raises(RuleError, match=f"parameter {name}"):
                make(**{name: -1})
            with pytest.raises(ArgumentError, match=f"parameter {name}"):
                make(**{name: 1.5})


def test_two_rules_are_equal_by_digest() -> None:
    make = deposit_reuse.deposit_reuse
    assert make() == make(hours=12)
    assert make() != make(hours=13)
    assert make().made() != make(hours=13).made()
    assert len({make(), make(hours=12)}) == 1


def test_a_rule_that_does_not_say_when_it_fails_is_refused() -> None:
    def silent(facts: AccountFacts) -> pl.DataFrame:
        """Link everybody."""
        return pl.DataFrame(schema=CLAIMS)

    with pytest.raises(RuleError, match="does not say when it fails"):
        link_rule(refs=("nobody",))(silent)


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a rule on accounts"):
        account_links(Ledger.from_tables({}), rules=[cw.heuristics.coinjoin.JOINT])
