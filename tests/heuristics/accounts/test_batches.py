"""What a contract pays on whole in one transaction is paid by whoever gave it."""

from __future__ import annotations

from random import Random
from typing import Any

import polars as pl
import pytest
from account_chains import DAY, HOUR

import chainwatch as cw
from chainwatch.chains.catalogue import chain
from chainwatch.errors import InputError
from chainwatch.heuristics.accounts.deposit_reuse import deposit_reuse_production
from chainwatch.heuristics.accounts.facts import AccountFacts

ONE = {"id": "one"}
WAGES = [("boss>pay:12", 0, ONE), ("pay>ann:5", 0, ONE), ("pay>bob:7", 0, ONE)]


@pytest.fixture
def said(accounts):
    """Return each payment as ``payer>receiver:amount``, and whether it is certain."""

    def tell(rows: list[Any], **more: Any) -> set[tuple[str, bool | None]]:
        payees = more.pop("payees", 2)
        found = cw.batched_payments(accounts.ledger(rows, **more), payees=payees)
        names = found.frame.select("payer", "receiver", "amount", "certain").iter_rows()
        return {
            (f"{accounts.name(payer) if payer else '?'}>{accounts.name(to)}:{int(much)}", certain)
            for payer, to, much, certain in names
        }

    return tell


def test_wages_by_one_call(said) -> None:
    assert said(WAGES) == {("boss>ann:5", True), ("boss>bob:7", True)}


def test_of_the_coin_by_calls_inside(said) -> None:
    coin = {"id": "one", "coin": True}
    rows = [("boss>pay:12", 0, coin), *((text, 0, {**coin, "kind": "internal", "trace_path": path})
            for text, path in (("pay>ann:5", "0"), ("pay>bob:7", "1")))]  # fmt: skip
    assert said(rows) == {("boss>ann:5", True), ("boss>bob:7", True)}


def test_what_is_given_back_is_no_payment(said) -> None:
    rows = [("boss>pay:15", 0, ONE), *WAGES[1:], ("pay>boss:3", 0, ONE)]
    assert said(rows) == {("boss>ann:5", True), ("boss>bob:7", True)}


@pytest.mark.parametrize(
    "rows",
    [
        [("boss>pay:13", 0, ONE), *WAGES[1:]],  # it keeps a fee
        [("boss>pay:11", 0, ONE), *WAGES[1:]],  # it adds of its own
        WAGES[1:],  # of its own alone
        [("boss>pay:12", 0, {"id": "other"}), *WAGES[1:]],  # in two transactions
        [("boss>pay:12", 0, {**ONE, "token": "two"}), *WAGES[1:]],  # in two assets
        [("boss>pay:5", 0, ONE), ("pay>ann:5", 0, ONE)],  # one payee
        [("boss>pay:12", 0, {**ONE, "success": False}), *WAGES[1:]],
        [("boss>pay:12", 0, {**ONE, "signed": False}), *WAGES[1:]],
    ],
)
def test_what_is_no_batch(said, rows) -> None:
    assert said(rows) == set()


def test_one_payee_is_told_where_asked_for(said) -> None:
    rows = [("boss>pay:5", 0, ONE), ("pay>ann:5", 0, ONE)]
    assert said(rows, payees=1) == {("boss>ann:5", True)}
    with pytest.raises(InputError, match="a batch to 0"):
        said(rows, payees=0)


def test_where_several_give_nobody_knows_who_paid_whom(said) -> None:
    rows = [("boss>pay:6", 0, ONE), ("aide>pay:6", 0, ONE), *WAGES[1:]]
    assert said(rows) == {("?>ann:5", None), ("?>bob:7", None)}


def test_what_was_not_read_of_the_contract_may_stay_in_it(said) -> None:
    assert said(WAGES, read=["boss", "ann"]) == {("boss>ann:5", None), ("boss>bob:7", None)}
    assert said(WAGES, read=["pay"]) == {("boss>ann:5", True), ("boss>bob:7", True)}


def test_amounts_of_38_digits_are_added_exactly(said) -> None:
    much = 10**38 - 1
    rows = [(f"{pair}:{much}", 0, ONE) for pair in ("boss>pay", "boss>pay", "pay>ann", "pay>bob")]
    assert said(rows) == {(f"boss>{one}:{much}", True) for one in ("ann", "bob")}
    assert said([*rows[:3], (f"pay>bob:{much - 1}", 0, ONE)]) == set()


class TestByWayOfSeveral:
    """A contract may be given what it pays by another that keeps nothing."""

    ROWS = (("boss>route:12", 0, ONE), ("route>pay:12", 0, ONE), *WAGES[1:])

    def test_whoever_gave_first_paid(self, said) -> None:
        assert said(list(self.ROWS)) == {("boss>ann:5", True), ("boss>bob:7", True)}

    def test_each_on_the_way_must_be_known(self, said) -> None:
        found = said(list(self.ROWS), read=["pay", "boss"])
        assert found == {("boss>ann:5", None), ("boss>bob:7", None)}

    def test_a_contract_on_the_way_that_keeps_something_is_the_payer(self, said) -> None:
        rows = [("boss>route:13", 0, ONE), *self.ROWS[1:]]
        assert said(rows) == {("route>ann:5", True), ("route>bob:7", True)}

    def test_round_and_round_nobody_gave(self, said) -> None:
        rows = [("a>b:1", 0, ONE), ("b>a:1", 0, ONE), ("a>c:1", 0, ONE), ("c>a:1", 0, ONE)]
        assert {certain for _, certain in said(rows)} <= {None}

    def test_payments_are_made_once(self, accounts) -> None:
        facts = AccountFacts(accounts.ledger(list(self.ROWS)), chain("eth"))
        rows = facts.payments.select("sender", "receiver", "through").iter_rows()
        assert {tuple(map(accounts.name, row)) for row in rows} == {
            ("boss", "ann", "pay"), ("boss", "bob", "pay")
        }  # fmt: skip


def test_a_span_narrows_what_is_told(accounts) -> None:
    ledger = accounts.ledger([*WAGES, *((text, DAY, {"id": "two"}) for text, _, _ in WAGES)])
    assert cw.batched_payments(ledger).frame.height == 4
    assert cw.batched_payments(ledger.between("2023-06-02", None)).frame.height == 2


def test_it_says_how_much_is_undecided(accounts) -> None:
    rows = [*WAGES, ("x>box:2", 1, {"id": 2}), ("y>box:2", 1, {"id": 2}),
            ("box>u:1", 1, {"id": 2}), ("box>v:3", 1, {"id": 2})]  # fmt: skip
    found = cw.batched_payments(accounts.ledger(rows))
    assert repr(found) == "BatchedPayments(2 payments in 1 batches, 2 undecided)"
    assert found.undecided["payers"].to_list() == [2, 2]


def slow(rows: list[tuple[str, str, int, str]]) -> set[tuple[str, str | None, str, int]]:
    """Return transaction, payer, receiver and amount of batches, transaction by transaction."""
    found = set()
    for txid in {row[3] for row in rows}:
        mine = [row for row in rows if row[3] == txid]
        payers, many = {}, set()
        for contract in {sender for sender, *_ in mine}:
            gave = [row for row in mine if row[1] == contract]
            paid = [row for row in mine if row[0] == contract]
            if gave and sum(row[2] for row in gave) == sum(row[2] for row in paid):
                payers[contract] = {row[0] for row in gave}
                if len({row[1] for row in paid} - payers[contract]) >= 2:
                    many.add(contract)
        on_the_way, last = set(many), set(many)
        while last:
            one_payer = {next(iter(payers[c])) for c in last if len(payers[c]) == 1}
            last = {c for c in one_payer - on_the_way if len(payers.get(c, ())) == 1}
            on_the_way |= last
        for sender, to, much, _ in mine:
            if sender in on_the_way and to not in on_the_way:
                payer = origin(sender, payers, on_the_way)
                found |= {(txid, payer, to, much)} if payer != to else set()
    return found


def origin(contract: str, payers: dict[str, set[str]], on_the_way: set[str]) -> str | None:
    """Return whoever gave first; None where several did, or nobody."""
    at, seen = contract, {contract}
    while at in on_the_way:
        if len(payers[at]) != 1:
            return None
        (at,) = payers[at]
        if at in seen:
            return None
        seen.add(at)
    return at


@pytest.mark.parametrize("seed", range(40))
def test_it_is_what_is_found_one_by_one(accounts, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - the same each time
    rows = []
    for _ in range(60):
        sender, receiver = chance.sample("abcdef", 2)
        rows.append((sender, receiver, chance.choice([1, 1, 2, 3]), str(chance.randrange(9))))
    ledger = accounts.ledger([
        (f"{sender}>{to}:{much}", 0, {"id": txid}) for sender, to, much, txid in rows
    ])  # fmt: skip
    names = {accounts.txid(str(n)): str(n) for n in range(9)}
    found = {
        (names[txid], accounts.name(payer) if payer else None, accounts.name(to), int(much))
        for txid, payer, to, much in cw.batched_payments(ledger)
        .frame.select("txid", "payer", "receiver", "amount").iter_rows()
    }  # fmt: skip
    assert found == slow(rows)


class TestRules:
    """Rules on accounts read payments so rewritten: payees are siblings, and no owner."""

    def batch(self, day: int) -> list[Any]:
        one = {"id": f"batch {day}"}
        rows = [("boss>pay:10", day * DAY, one), ("pay>dep:5", day * DAY, one),
                ("pay>dep2:5", day * DAY, one)]  # fmt: skip
        swept = [("dep>hot:5", day * DAY + HOUR), ("dep2>hot:5", day * DAY + HOUR)]
        return [*rows, *swept]

    def test_who_pays_accounts_by_a_contract_pays_them(self, accounts) -> None:
        ledger = accounts.ledger([*self.batch(0), *self.batch(1)])
        for rule in (deposit_reuse_production(), deposit_reuse_production(deposits=1)):
            links = cw.account_links(ledger, tags=accounts.tags(), rules=[rule])
            veto = dict(rule.params)["deposits"] == 1
            assert accounts.pairs(links.frame) == {("boss", "dep", veto), ("boss", "dep2", veto)}

    def test_strangers_who_pay_by_one_contract_are_not_joined(self, accounts) -> None:
        rows = []
        for day, boss in enumerate(("ann", "bob", "ann", "bob")):
            one = {"id": f"batch {day}"}
            rows += [(f"{boss}>pay:10", day * DAY, one), (f"pay>dep {boss}:5", day * DAY, one),
                     (f"pay>x{day}:5", day * DAY, one),
                     (f"dep {boss}>hot:5", day * DAY + HOUR)]  # fmt: skip
        links = cw.account_links(accounts.ledger(rows), tags=accounts.tags())
        clusters = cw.cluster(links)
        assert clusters.why(accounts("ann"), accounts("dep ann")).joined
        assert not clusters.why(accounts("ann"), accounts("bob")).joined
        assert accounts("pay") not in {*links.frame["a"], *links.frame["b"]}


def test_no_transfer_is_lost_or_made(accounts) -> None:
    """Rewritten payments have the same sum for each receiver but the contract."""
    rows = [*WAGES, ("boss>cat:4", 1), ("pay>cat:9", 2)]
    facts = AccountFacts(accounts.ledger(rows), chain("eth"))
    sums = {
        name: dict(
            frame.filter(pl.col("receiver") != accounts("pay"))
            .group_by("receiver").agg(pl.col("amount").sum()).iter_rows()
        )
        for name, frame in (("as it stands", facts.movements), ("rewritten", facts.payments))
    }  # fmt: skip
    assert sums["as it stands"] == sums["rewritten"]
    told = facts.payments.filter(pl.col("through").is_not_null())
    assert [accounts.name(one) for one in told["sender"]] == ["boss", "boss"]
