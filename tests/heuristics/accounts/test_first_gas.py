"""First gas, activation, leave to move tokens: who does so for few, and who serves everybody."""

from __future__ import annotations

from typing import Any

import pytest
from account_chains import Accounts

import chainwatch as cw
from chainwatch.heuristics.accounts.activation import activation
from chainwatch.heuristics.accounts.catalogue import DEFAULT
from chainwatch.heuristics.accounts.first_funder import first_funder
from chainwatch.heuristics.accounts.permission import permission_key
from chainwatch.heuristics.accounts.self_authorization import self_authorization

COIN = {"coin": True}


def linked(accounts: Accounts, rows: list[Any], rule: Any, tags: Any = None, **more: Any) -> Any:
    ledger = accounts.ledger(rows, **more)
    return accounts.pairs(cw.account_links(ledger, rules=[rule], tags=tags).frame)


class TestFirstFunder:
    RULE = first_funder(funded=3)

    def test_the_first_alone(self, accounts) -> None:
        rows = [("ann>bob:1", 1, COIN), ("bob>x:5", 1), ("cat>bob:5", 2, COIN), ("dan>bob:9", 0)]
        assert linked(accounts, rows, self.RULE) == {("ann", "bob", False)}

    def test_a_trifle_is_nobodys_gas(self, accounts) -> None:
        """Whoever sends a little to an address before its holder does is not its holder."""
        rows = [("bait>bob:1", 1, COIN), ("ann>bob:999", 2, COIN), ("bob>x:5", 3)]
        assert linked(accounts, rows, self.RULE) == set()
        assert linked(accounts, rows, first_funder(share=1)) == {("bait", "bob", False)}

    def test_what_came_after_it_first_paid_was_not_needed(self, accounts) -> None:
        rows = [("ann>bob:1", 1, COIN), ("bob>x:5", 3), ("cat>bob:999", 4, COIN)]
        assert linked(accounts, rows, self.RULE) == {("ann", "bob", False)}

    def test_an_exchange_that_pays_first_gas_owns_nobody(self, accounts) -> None:
        rows = [("hot>bob:1", 1, COIN), ("ann>bob:1", 2, COIN)]
        assert linked(accounts, rows, self.RULE, accounts.tags()) == set()

    def test_whoever_funds_many_serves_them(self, accounts) -> None:
        rows = [(f"pump>w{n}:1", n, COIN) for n in range(4)]
        assert {veto for *_, veto in linked(accounts, rows, self.RULE)} == {True}
        assert {veto for *_, veto in linked(accounts, rows[:3], self.RULE)} == {False}

    def test_many_that_were_funded_by_others_before_do_not_count(self, accounts) -> None:
        rows = [(f"cat{n}>w{n}:1", n, COIN) for n in range(4)]
        rows += [(f"pump>w{n}:1", 9, COIN) for n in range(4)]
        assert {veto for *_, veto in linked(accounts, rows, self.RULE)} == {False}

    def test_two_at_one_moment_leave_open_who_was_first(self) -> None:
        tron = Accounts("tron", placed=False)
        rows = [("ann>bob:1", 1, COIN), ("cat>bob:1", 1, COIN)]
        assert linked(tron, rows, self.RULE) == {("ann", "bob", None), ("bob", "cat", None)}
        assert linked(Accounts(), rows, self.RULE) == {("ann", "bob", False)}

    def test_a_payment_at_a_time_unknown_may_have_been_the_first(self, accounts) -> None:
        rows = [("ann>bob:1", 1, COIN), ("cat>bob:1", 2, COIN | {"height": None, "time": None,
                                                                  "tx": None})]  # fmt: skip
        assert {veto for *_, veto in linked(accounts, rows, self.RULE)} == {None}

    def test_the_gas_of_a_deposit_address_may_be_the_services(self, accounts) -> None:
        rows = [("gas>dep:1", 0, COIN), ("ann>dep:5", 1), ("dep>hot:5", 2)]
        assert linked(accounts, rows, self.RULE, accounts.tags()) == set()

    def test_contracts_and_who_made_them(self, accounts) -> None:
        made = ("creation", "dev", "dev", 0, {"contract": accounts("box")})
        rows = [("box>bob:1", 1, COIN), ("ann>box:1", 0, COIN)]
        assert linked(accounts, rows, self.RULE, approvals=[made]) == set()

    @pytest.mark.parametrize(
        ("read", "veto"), [(["ann", "bob"], False), (["ann"], None), (["bob"], None)]
    )
    def test_earlier_gas_and_other_accounts_may_be_unread(self, accounts, read, veto) -> None:
        rows = [("ann>bob:1", 1, COIN)]
        assert linked(accounts, rows, self.RULE, read=read) == {("ann", "bob", veto)}


class TestActivation:
    RULE = activation(activated=2)

    def test_of_few(self) -> None:
        tron = Accounts("tron", placed=False)
        rows = [("ann>x:1", 0, COIN), ("ann>bob:1", 3, COIN), ("ann>cat:1", 3, COIN)]
        stakes = [("activate", "ann", "bob", 1), ("activate", "ann", "cat", 2)]
        assert linked(tron, rows, self.RULE, stakes=stakes) == {
            ("ann", "bob", False), ("ann", "cat", False)
        }  # fmt: skip
        more = [*stakes, ("activate", "ann", "dan", 3)]
        assert {veto for *_, veto in linked(tron, rows, self.RULE, stakes=more)} == {True}

    def test_who_lends_energy_owns_nobody(self) -> None:
        tron = Accounts("tron")
        lent = [("lend", "ann", "bob", 1), ("vote", "ann", "cat", 1), ("other", "ann", "dan", 1)]
        assert linked(tron, [("ann>bob:1", 0, COIN)], self.RULE, stakes=lent) == set()

    def test_a_service(self) -> None:
        tron = Accounts("tron")
        stakes = [("activate", "hot", "bob", 1), ("activate", "bob", "bob", 1)]
        assert linked(tron, [("x>y:1", 0)], self.RULE, tron.tags(), stakes=stakes) == set()


class TestSelfAuthorization:
    RULE = self_authorization(owners=2)
    ROWS = tuple((f"{one}>x:1", n, COIN) for n, one in enumerate(("ann", "bob", "cat", "dan")))

    def test_it_is_off_unless_asked_for(self) -> None:
        assert self.RULE.name not in {rule.name for rule in DEFAULT}

    @pytest.mark.parametrize("kind", ["approval", "approval_for_all", "permit"])
    def test_between_two_accounts(self, accounts, kind) -> None:
        given = [(kind, "ann", "bob", 5, {"id": 0})]  # in a transaction of his own
        found = linked(accounts, [*self.ROWS], self.RULE, approvals=given)
        assert found == {("ann", "bob", False)}

    @pytest.mark.parametrize(
        "given",
        [
            ("approval", "ann", "bob", 5, {"granted": False}),  # taken back
            ("approval", "ann", "bob", 5, {"amount": 0}),
            ("approval", "ann", "ann", 5),
            ("approval", "ann", "token", 5),
            ("approval", "ann", "hot", 5),
            ("user_operation", "ann", "bob", 5),
            ("paymaster", "ann", "bob", 5),
            ("operator_sent", "ann", "bob", 5),
        ],
    )
    def test_what_is_none(self, accounts, given) -> None:
        found = linked(accounts, [*self.ROWS], self.RULE, accounts.tags(), approvals=[given])
        assert found == set()

    def test_a_contract_is_no_account(self, accounts) -> None:
        rows = [*self.ROWS[:1]]  # nothing shows that a key stands behind bob
        given = [("approval", "ann", "bob", 5)]
        assert linked(accounts, rows, self.RULE, approvals=given) == {("ann", "bob", None)}
        made = ("creation", "dev", "dev", 0, {"contract": accounts("bob")})
        assert linked(accounts, rows, self.RULE, approvals=[*given, made]) == set()

    def test_who_gets_leave_from_many_robs_or_serves_them(self, accounts) -> None:
        given = [("approval", one, "dan", 5) for one in ("ann", "bob", "cat")]
        found = linked(accounts, [*self.ROWS], self.RULE, approvals=given)
        assert {veto for *_, veto in found} == {True}


class TestPermissionKey:
    RULE = permission_key(accounts=2)
    ROWS = (("ann>bob:1", 0, COIN), ("cat>dan:1", 0, COIN))

    @staticmethod
    def keys(of: str, *given: tuple[str, str]) -> list[Any]:
        """Return the permissions of one transaction."""
        one = {"txid": Accounts("tron").txid(f"permission of {of}")}
        return [(kind, of, other, n, {**one, "n": n}) for n, (kind, other) in enumerate(given)]

    def linked(self, *stakes: Any, **more: Any) -> Any:
        return linked(Accounts("tron"), [*self.ROWS], self.RULE, stakes=stakes, **more)

    def test_it_is_off_unless_asked_for(self) -> None:
        assert self.RULE.name not in {rule.name for rule in DEFAULT}

    def test_a_second_key_beside_ones_own(self) -> None:
        given = self.keys("ann", ("owner_key", "ann"), ("owner_key", "bob"))
        assert self.linked(*given) == {("ann", "bob", False)}

    def test_whose_own_key_is_gone_was_handed_over(self) -> None:
        assert self.linked(*self.keys("ann", ("owner_key", "bob"))) == {("ann", "bob", None)}

    def test_owners_of_one_multisig_are_not_one_person(self) -> None:
        given = self.keys("ann", ("owner_share", "bob"), ("owner_share", "cat"))
        found = self.linked(*given)
        assert found == {("ann", "bob", None), ("ann", "cat", None)}

    def test_an_account_whose_keys_change_stays_one(self) -> None:
        """Each change is told by itself; nobody is joined with who signed before him."""
        first = self.keys("ann", ("owner_share", "bob"), ("owner_share", "cat"))
        later = [
            (*row[:3], row[3] + 9, {**row[4], "txid": Accounts("tron").txid("later")})
            for row in self.keys("ann", ("owner_share", "bob"), ("owner_share", "dan"))
        ]
        assert {veto for *_, veto in self.linked(*first, *later)} == {None}

    def test_a_key_of_many_accounts(self) -> None:
        given = [row for one in ("ann", "cat", "dan")
                 for row in self.keys(one, ("owner_key", one), ("owner_key", "bob"))]  # fmt: skip
        assert {veto for *_, veto in self.linked(*given)} == {True}
        assert {veto for *_, veto in self.linked(*given[:4])} == {False}

    def test_for_some_things_alone_is_not_everything(self) -> None:
        given = self.keys("ann", ("owner_key", "ann"), ("active_key", "bob"))
        assert self.linked(*given) == set()

    def test_what_was_not_read_may_hold_more_accounts(self) -> None:
        given = self.keys("ann", ("owner_key", "ann"), ("owner_key", "bob"))
        assert self.linked(*given, read=["ann"]) == {("ann", "bob", None)}

    def test_what_failed_gave_no_leave(self) -> None:
        given = self.keys("ann", ("owner_key", "ann"), ("owner_key", "bob"))
        assert self.linked(*((*row[:4], {**row[4], "success": False}) for row in given)) == set()


def test_a_bundler_and_a_paymaster_are_linked_to_nobody_by_any_rule(accounts) -> None:
    rows = [("bund>acct:1", 0, COIN), ("spon>acct:1", 1, COIN), ("acct>bund:1", 2, COIN),
            ("acct>dep:5", 3), ("dep>hot:5", 4)]  # fmt: skip
    approvals = [("user_operation", "acct", "bund", 3), ("paymaster", "spon", "acct", 3),
                 ("approval", "acct", "bund", 4)]  # fmt: skip
    ledger = accounts.ledger(rows, approvals=approvals, stakes=[("activate", "bund", "acct", 0)])
    rules = [*DEFAULT, self_authorization()]
    assert cw.account_links(ledger, tags=accounts.tags(), rules=rules).frame.is_empty()
