"""What anybody's contract logs of others joins nobody: a payer must have wanted his payment."""

from __future__ import annotations

from typing import Any

import pytest
from account_chains import DAY, HOUR, Accounts

import chainwatch as cw
from chainwatch.heuristics.accounts.airdrop import airdrop_collected
from chainwatch.heuristics.accounts.deposit_reuse import (
    deposit_reuse,
    deposit_reuse_known,
    deposit_reuse_production,
)
from chainwatch.heuristics.accounts.first_funder import first_funder
from chainwatch.heuristics.accounts.self_authorization import self_authorization

FAKE = {"token": "fake", "signed": None}
UNSAID = {"signed": None}
KNOWN = deposit_reuse_known()
TAGGED = (("hot", "shop", "hot_wallet"), ("dep", "shop", "deposit_wallet"))


def swept(payer: str, more: dict[str, Any] | None = None) -> list[Any]:
    """Return two payments into a deposit address, each swept by a token alike an hour later."""
    return [
        one
        for day in range(2)
        for one in (
            (f"{payer}>dep:{100 + day}", day * DAY, {"id": f"{payer} {day}", **(more or {})}),
            (f"dep>hot:{100 + day}", day * DAY + HOUR, {**(more or {})}),
        )
    ]


def linked(accounts: Accounts, rows: list[Any], *rules: Any, **more: Any) -> set[Any]:
    ledger = accounts.ledger(rows, **more)
    tags = accounts.tags(*(TAGGED if KNOWN in rules else TAGGED[:1]))
    return accounts.pairs(cw.account_links(ledger, tags=tags, rules=rules).frame)


@pytest.mark.parametrize("rule", [deposit_reuse(), deposit_reuse_production(), KNOWN], ids=str)
def test_a_token_of_anybodys_joins_no_stranger(accounts, rule) -> None:
    rows = [*swept("bob"), *swept("ann", FAKE)]
    assert linked(accounts, rows, rule) == {("bob", "dep", False), ("ann", "dep", None)}
    recipe, tags = cw.Recipe(accounts=(rule,)), accounts.tags(*TAGGED[: 1 + (rule == KNOWN)])
    found = cw.owners(accounts.ledger(rows), recipe=recipe, tags=tags)
    assert found.members(accounts("ann")) == [accounts("ann")]
    assert found.members(accounts("bob")) == sorted(map(accounts, ("bob", "dep")))


def test_who_sent_the_transaction_wanted_it(accounts) -> None:
    """By what he called in it, or by its fee: a payment by its sender's own transaction links."""
    paid = swept("ann", UNSAID)
    for kind in ("native", "fee_burnt", "fee"):
        own = [("ann>token:0", d * DAY, {"coin": True, "kind": kind, "id": f"ann {d}"})
               for d in range(2)]  # fmt: skip
        assert linked(accounts, [*paid, *own], KNOWN) == {("ann", "dep", False)}
        assert linked(accounts, [*paid, own[0]], KNOWN) == {("ann", "dep", None)}  # once is chance
        eve = [(text.replace("ann>", "eve>"), *rest) for text, *rest in own]
        assert linked(accounts, [*paid, *eve], KNOWN) == {("ann", "dep", None)}


def test_the_coin_needs_no_word_of_its_sender(accounts) -> None:
    coin = {"coin": True, "signed": None}
    inside = {**coin, "kind": "internal", "trace_path": "0"}
    for more in (coin, inside):
        assert linked(accounts, swept("ann", more), KNOWN) == {("ann", "dep", False)}


def test_a_token_of_anybodys_keeps_nobody_apart(accounts) -> None:
    """Nor does a crowd that it names turn what was paid indeed into a refusal."""
    crowd = [(f"x{n}>dep:5", n, FAKE) for n in range(25)]
    rows = [*swept("ann"), *swept("ann", {**FAKE, "id": None}), *crowd]
    rows = [(text, minute, {k: v for k, v in more.items() if v is not None or k == "signed"})
            for text, minute, more in rows]  # fmt: skip
    assert ("ann", "dep", False) in linked(accounts, rows, KNOWN)
    assert ("ann", "dep", None) not in linked(accounts, rows, KNOWN)


def test_a_batch_is_wanted_by_whoever_gave_it_what_it_paid(accounts) -> None:
    def batch(signed: bool | None) -> list[Any]:
        return [
            (text, day * DAY, {"id": f"batch {day}", "signed": given})
            for day in range(2)
            for text, given in (
                ("ann>disperse:12", signed), ("disperse>dep:5", None), ("disperse>dan:7", None)
            )
        ]  # fmt: skip

    assert ("ann", "dep", False) in linked(accounts, batch(True), KNOWN)
    forged = linked(accounts, batch(None), KNOWN)
    assert ("ann", "dep", None) in forged
    assert False not in {veto for *_, veto in forged}


def test_an_airdrop_is_collected_by_those_who_wanted_it(accounts) -> None:
    rule = airdrop_collected(recipients=4, seconds=60, most=3)
    gifts = [(f"eve>{one}:7", n, FAKE) for n, one in enumerate(("ann", "bob", "x", "y"))]

    def passed(*signed: bool | None) -> set[Any]:
        rows = [
            (f"{who}>main:7", DAY + n, {**FAKE, "signed": word})
            for n, (who, word) in enumerate(zip(("ann", "bob"), signed, strict=True))
        ]
        return linked(accounts, [*gifts, *rows], rule)

    assert passed(True, True) == {("ann", "main", False), ("bob", "main", False)}
    assert passed(None, None) == {("ann", "main", None), ("bob", "main", None)}
    assert passed(True, None) == {("ann", "main", None), ("bob", "main", None)}


def test_a_forged_payment_begins_no_account(accounts) -> None:
    """Dust would be all that it had, were its first payment what anybody logs of it."""
    coin = {"coin": True}
    rows = [("eve>ann:1", 0, coin), ("ann>x:5", 1, FAKE), ("dan>ann:1000", 2, coin),
            ("ann>shop:3", 3, coin)]  # fmt: skip
    assert not {pair for pair in linked(accounts, rows, first_funder()) if "eve" in pair}
    begun = [rows[0], ("ann>x:1", 1, coin), *rows[2:]]
    assert linked(accounts, begun, first_funder()) >= {("ann", "eve", False)}


def test_a_forged_leave_is_undecided(accounts) -> None:
    rows = [("ann>cat:1", 0, {"coin": True}), ("eve>cat:1", 1, {"coin": True})]
    for of, veto in ((0, False), (1, None), ("another", None)):
        given = [("approval", "ann", "eve", 5, {"id": of})]
        found = linked(accounts, rows, self_authorization(), approvals=given)
        assert found == {("ann", "eve", veto)}
