"""Whoever pays one deposit address again and again has the account behind it; others have not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from account_chains import DAY, HOUR, Accounts

import chainwatch as cw
from chainwatch.attribution.naming import of_customers
from chainwatch.attribution.resolve import clustered, statements_of
from chainwatch.clusters.recipe import LEADS, WITH_ACCOUNTS
from chainwatch.errors import ArgumentError, InputError, RuleError
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.deposit_reuse import (
    deposit_reuse,
    deposit_reuse_known,
    deposit_reuse_production,
)
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.ledger.ledger import Ledger

VICTOR, MADE = deposit_reuse(), deposit_reuse_production()


def swept(*payers: str, to: str = "dep", at: str = "hot", amount: int = 100) -> list[Any]:
    """Return payments into a deposit address, an hour before each is swept; a day apart."""
    rows: list[Any] = []
    for day, payer in enumerate(payers):
        rows += [(f"{payer}>{to}:{amount + day}", day * DAY), (f"{to}>{at}:{amount + day}",
                                                                day * DAY + HOUR)]  # fmt: skip
    return rows


TWICE = swept("ann", "bob", "ann", "bob")


def linked(
    accounts: Accounts, rows: Ledger | list[Any], *rules: Any, tags: Any = None
) -> set[tuple[str, str, bool | None]]:
    ledger = rows if isinstance(rows, Ledger) else accounts.ledger(rows)
    found = account_links(ledger, tags=tags or accounts.tags(), rules=rules or (VICTOR,))
    return accounts.pairs(found.frame)


@pytest.mark.parametrize("rule", [VICTOR, MADE], ids=str)
def test_two_wallets_of_one_customer_are_linked_by_their_account(accounts, rule) -> None:
    assert linked(accounts, TWICE, rule) == {("ann", "dep", False), ("bob", "dep", False)}
    links = account_links(accounts.ledger(TWICE), tags=accounts.tags(), rules=[rule])
    clusters = cw.cluster(links)
    assert clusters.members(accounts("ann")) == sorted(map(accounts, ("ann", "bob", "dep")))
    told = str(clusters.why(accounts("ann"), accounts("bob")))
    assert "by 2 steps" in told
    assert told.count(f"{rule.name} in ") == 2


def test_each_payment_beyond_the_first_is_evidence_and_can_be_rejected(accounts) -> None:
    rows = swept("ann", "ann", "ann")
    clusters = cw.cluster(
        account_links(accounts.ledger(rows), tags=accounts.tags(), rules=[VICTOR])
    )
    second, third = ("0x" + accounts.txid(place).hex() for place in (2, 4))
    joined = clusters.cut(tx=second)
    assert joined.why(accounts("ann"), accounts("dep")).joined
    assert not joined.cut(tx=third).why(accounts("ann"), accounts("dep"), "eth").joined
    assert clusters.cut(rule="deposit_reuse").frame.is_empty()
    with pytest.raises(InputError, match="no link has such a txid"):
        clusters.cut(tx="0x" + accounts.txid(0).hex())


@pytest.mark.parametrize(
    "rows",
    [
        swept("ann", "bob"),  # each once: anybody pays another's account once
        swept("ann", "ann", at="safe"),  # to nobody that tags name
        [*swept("ann", "ann"), ("dep>other:5", 5 * DAY)],  # to two services
        [("ann>dep:100", 0), ("ann>dep:101", 1), ("dep>hot:150", HOUR), ("dep>hot:51", DAY)],
        [*swept("ann", "ann"), ("big>dep:900000", 9 * DAY)],  # a trifle of what came in
    ],
)
def test_what_is_too_little(accounts, rows) -> None:
    tags = accounts.tags(("hot", "shop"), ("other", "mall"))
    assert linked(accounts, rows, tags=tags) == set()


@pytest.mark.parametrize(
    ("late", "found"), [(12 * HOUR, {("ann", "dep", False)}), (12 * HOUR + 1, set())]
)
def test_soon_and_whole(accounts, late: int, found: set[Any]) -> None:
    rows = [*swept("ann"), ("ann>dep:7", DAY), ("dep>hot:7", DAY + late)]
    assert linked(accounts, rows) == found
    short = [*swept("ann"), ("ann>dep:7", DAY), ("dep>hot:6", DAY + HOUR)]
    assert linked(accounts, short) == set()


def test_of_the_coin_a_hundredth_may_stay_behind(accounts) -> None:
    coin, cent = {"coin": True}, 10**16
    rows = [(f"ann>dep:{3 * cent}", 0, coin), (f"dep>hot:{2 * cent}", 1, coin)] * 2
    assert linked(accounts, rows) == {("ann", "dep", False)}
    more = [(f"ann>dep:{3 * cent}", 0, coin), (f"dep>hot:{2 * cent - 1}", 1, coin)] * 2
    assert linked(accounts, more) == set()


@pytest.mark.parametrize("rule", [VICTOR, MADE], ids=str)
class TestInnocentTwins:
    def test_nobody_is_linked_through_a_hot_wallet(self, accounts, rule) -> None:
        rows = [*swept("ann", "ann"), *swept("bob", "bob", to="dep2")]
        found = linked(accounts, rows, rule)
        assert found == {("ann", "dep", False), ("bob", "dep2", False)}
        rows += [("ann>hot:5", 8 * DAY), ("bob>hot:5", 8 * DAY)] * 3
        assert linked(accounts, rows, rule) == found

    def test_a_desk_that_many_pay_again_and_again_joins_nobody(self, accounts, rule) -> None:
        rows = swept(*("ann", "bob", "cat", "dan") * 2)
        assert {veto for *_, veto in linked(accounts, rows, rule)} <= {True}
        few = swept(*("ann", "bob", "cat") * 2)
        assert {veto for *_, veto in linked(accounts, few, rule)} == {False}

    def test_a_shop_that_many_pay_once_joins_nobody(self, accounts, rule) -> None:
        once = [f"payer{n}" for n in range(19)]
        rows = swept("ann", "ann", *once, amount=10**6)
        loose = {"deposit_reuse": deposit_reuse, "deposit_reuse_production":
                 deposit_reuse_production}[rule.name]  # fmt: skip
        assert linked(accounts, rows, loose(share=0)) == {("ann", "dep", False)}
        rows += swept(*[f"payer{n}" for n in range(21)], amount=10**6)
        assert {veto for *_, veto in linked(accounts, rows, loose(share=0))} <= {True}

    def test_whoever_pays_many_accounts_joins_nobody(self, accounts, rule) -> None:
        rows = [row for n in range(21) for row in swept("pay", "pay", to=f"dep{n}")]
        assert {veto for *_, veto in linked(accounts, rows, rule)} == {True}
        assert {veto for *_, veto in linked(accounts, rows[4:], rule)} == {False}

    def test_another_service_that_pays_a_customer_out_is_no_customer(self, accounts, rule) -> None:
        tags = accounts.tags(("hot", "shop"), ("mix", "mall", "mixing_service"))
        assert linked(accounts, swept("mix", "mix", "ann", "ann"), rule, tags=tags) == {
            ("ann", "dep", False)
        }

    def test_twice_in_one_transaction_is_once(self, accounts, rule) -> None:
        one = {"id": "one"}
        rows = [("ann>dep:5", 0, one), ("ann>dep:6", 0, one), ("dep>hot:5", 1, {"id": "two"}),
                ("dep>hot:6", 1, {"id": "two"})]  # fmt: skip
        assert linked(accounts, rows, rule) == set()
        again = [*rows, *((text, DAY) for text, *_ in rows)]
        assert linked(accounts, again, rule) == {("ann", "dep", False)}

    def test_who_deals_with_thousands_is_no_customer(self, accounts, rule) -> None:
        """Its history was read, and it pays few deposit addresses: a service that no tag names."""
        rows = [(f"ann>x{n}:1", n) for n in range(1_000)]
        assert linked(accounts, [*rows, *swept("ann", "ann")], rule) == set()
        assert linked(accounts, [*rows[1:], *swept("ann", "ann")], rule) == {
            ("ann", "dep", False)
        }  # fmt: skip

    def test_a_bundler_and_a_paymaster_are_no_customers(self, accounts, rule) -> None:
        rows = swept("ann", "ann", "bund", "bund", "payer", "payer")
        given = [("user_operation", "ann", "bund", 1), ("paymaster", "payer", "ann", 1)]
        ledger = accounts.ledger(rows, approvals=given)
        assert linked(accounts, ledger, rule) == {("ann", "dep", False)}

    def test_a_contract_may_pay_for_many_unless_it_is_an_account(self, accounts, rule) -> None:
        made = ("creation", "dev", "dev", 0, {"contract": accounts("ann")})
        ledger = accounts.ledger(TWICE, approvals=[made])
        assert ("ann", "dep", None) in linked(accounts, ledger, rule)
        account = ("user_operation", "ann", "bund", 1)
        ledger = accounts.ledger(TWICE, approvals=[made, account])
        assert ("ann", "dep", False) in linked(accounts, ledger, rule)

    def test_what_nobody_signed_and_what_failed_is_no_payment(self, accounts, rule) -> None:
        for column in ({"signed": False}, {"success": False}):
            rows = [
                (*row, column) if row[0].startswith("bob") else row
                for row in swept("ann", "ann", "bob", "bob")
            ]
            found = linked(accounts, rows, deposit_reuse_production(share=0), deposit_reuse())
            assert not any("bob" in pair for pair in found)


@pytest.mark.parametrize("rule", [VICTOR, MADE], ids=str)
@pytest.mark.parametrize(
    ("read", "veto"), [(("ann", "dep"), False), (("dep",), None), (("ann",), None), ((), None)]
)
def test_what_was_not_read_joins_nobody(accounts, rule, read, veto) -> None:
    """Whoever was not read may serve many, and what was not read of an address may be a crowd."""
    ledger = accounts.ledger(swept("ann", "ann"), read=read)
    assert linked(accounts, ledger, rule) == {("ann", "dep", veto)}
    clusters = cw.cluster(account_links(ledger, tags=accounts.tags(), rules=[rule]))
    assert clusters.frame.height == (2 if veto is False else 0)


def test_without_tags_nobody_is_linked(accounts) -> None:
    assert account_links(accounts.ledger(TWICE)).frame.is_empty()


def test_the_span_narrows_links_and_not_what_they_rest_on(accounts) -> None:
    ledger = accounts.ledger(TWICE).between("2023-06-04", None)
    assert linked(accounts, ledger) == {("bob", "dep", False)}


def test_a_sweep_of_the_same_moment_follows_only_where_places_are_told() -> None:
    """In the other order nothing was passed on."""
    rows = [("ann>dep:5", 0), ("dep>hot:5", 0), ("ann>dep:6", 0), ("dep>hot:6", 0)]
    for made, found in ((Accounts("tron"), {("ann", "dep", False)}),
                        (Accounts("tron", placed=False), set())):  # fmt: skip
        assert linked(made, rows) == found


def test_where_no_place_is_told_the_id_alone_is_evidence() -> None:
    tron = Accounts("tron", placed=False)
    links = account_links(tron.ledger(TWICE), tags=tron.tags(), rules=[VICTOR])
    assert links.frame["tx"].null_count() == links.frame.height == 2
    assert "rest on no transaction" not in repr(links)
    clusters = cw.cluster(links)
    told = clusters.why(tron("ann"), tron("bob"))
    assert told.joined
    assert tron.txid(4) in told.frame["txid"].to_list()
    assert not clusters.cut(tx=tron.txid(4)).why(tron("ann"), tron("bob")).joined


def test_a_number_without_an_id_is_none_and_on_coins_both_are_told(accounts) -> None:
    frame = account_links(accounts.ledger(TWICE), tags=accounts.tags(), rules=[VICTOR]).frame
    none = pl.lit(None)
    Links(frame.with_columns(none.cast(pl.Int64).alias("tx")))
    with pytest.raises(InputError, match="column tx of a link is null"):
        Links(frame.with_columns(none.cast(pl.Binary).alias("txid")))
    coins = frame.with_columns(none.cast(pl.Int64).alias("tx"), chain=pl.lit(cw.chain("btc").id))
    with pytest.raises(InputError, match="column tx of a link is null"):
        Links(coins)


@pytest.mark.parametrize("rule", [VICTOR, MADE], ids=str)
def test_amounts_at_the_edge_of_what_a_column_holds(accounts, rule) -> None:
    """A token of anybody's may state any amount: no sum of it stops the rest."""
    rows = swept("ann", "ann", amount=10**38 - 5)
    assert linked(accounts, rows, rule) == {("ann", "dep", False)}


def test_what_is_right_too_seldom_is_a_lead(accounts) -> None:
    """It is kept and undecided; what nobody measured is no surer than that."""
    ledger, tags = accounts.ledger(TWICE), accounts.tags()
    rate = account_links(ledger, tags=tags, rules=[VICTOR]).frame["confidence"][0]
    shown = MEASURED.at_least("deposit_reuse", VICTOR.made())
    assert shown is not None
    assert shown < rate
    for rule, least, veto in (
        (VICTOR, shown, False), (VICTOR, shown + 0.001, None), (VICTOR, rate, None),
        (deposit_reuse(hours=11), 0.01, None), (deposit_reuse(hours=11), 0.0, False),
    ):  # fmt: skip
        links = account_links(ledger, tags=tags, rules=[rule], at_least=least)
        assert {one for *_, one in accounts.pairs(links.frame)} == {veto}
    crowd = accounts.ledger(swept(*("ann", "bob", "cat", "dan") * 2))
    links = account_links(crowd, tags=tags, rules=[VICTOR], at_least=1.0)
    assert {one for *_, one in accounts.pairs(links.frame)} == {True}
    with pytest.raises(InputError, match="a confidence of 2"):
        account_links(ledger, at_least=2)


@pytest.mark.parametrize(
    ("right", "veto"), [(9_000, None), (9_200, None), (9_300, False), (10_000, False)]
)
def test_owners_join_what_is_shown_to_be_right_nine_times_in_ten(
    accounts, tmp_path: Path, right: int, veto: bool | None
) -> None:
    """Of 400 cases 92 % may be 88.9 % still, and 93 % no less than 90.1 %."""
    rate = {"right": right, "of": 10_000, "cases": 400, "basis": "made up", "made": VICTOR.made()}
    path = tmp_path / "rates.json"
    path.write_text(json.dumps({"rules": {VICTOR.name: rate}}), "utf-8")
    recipe = replace(WITH_ACCOUNTS, accounts=(VICTOR,))
    found = cw.owners(
        accounts.ledger(TWICE), recipe=recipe, tags=accounts.tags(), rates=Rates(path)
    )
    assert {one for *_, one in accounts.pairs(found.links.frame)} == {veto}


def test_no_rule_on_accounts_is_shown_to_be_right_so_often_today() -> None:
    """Whoever measures anew and finds one says so in help and pages, which say that none is."""
    for rule in WITH_ACCOUNTS.accounts:
        shown = MEASURED.at_least(rule.name, rule.made())
        assert shown is not None
        assert shown < WITH_ACCOUNTS.accounts_at_least == 0.9


def test_owners_join_no_leads_unless_asked(accounts) -> None:
    ledger, tags = accounts.ledger(TWICE), accounts.tags()
    assert cw.owners(ledger, tags=tags).frame.is_empty()
    found = cw.owners(ledger, recipe=WITH_ACCOUNTS, tags=tags)
    assert found.frame.is_empty()
    assert found.links.counts()["undecided"] == found.links.frame.height == 4
    assert cw.owners(ledger, recipe=LEADS, tags=tags).frame.height == 3
    with pytest.raises(ArgumentError, match="a rule on accounts"):
        cw.Recipe(accounts=(cw.heuristics.coinjoin.JOINT,))


def test_two_rules_of_one_name_are_refused(accounts) -> None:
    with pytest.raises(RuleError, match="two rules link as deposit_reuse"):
        account_links(accounts.ledger(TWICE), rules=[VICTOR, deposit_reuse(hours=1)])


def test_coins_have_no_accounts(small_ledger) -> None:
    assert account_links(small_ledger("pay: A=9 B=8 -> C=7")).frame.is_empty()


class TestKnown:
    """Those whose custody a tag or what was judged of it shows."""

    RULE = deposit_reuse_known()

    def test_by_a_tag(self, accounts) -> None:
        rows = [("ann>dep:5", 0), ("ann>dep:6", 1), ("bob>dep:7", 2)]  # never swept
        tags = accounts.tags(("dep", "shop", "deposit_wallet"))
        assert linked(accounts, rows, self.RULE, tags=tags) == {("ann", "dep", False)}

    def test_by_custody_that_was_judged(self, accounts) -> None:
        class Judged:
            frame = pl.DataFrame({
                "chain": [accounts.chain] * 2, "address": [accounts("dep"), accounts("out")],
                "certainty": ["probable", "undecided"],
            })  # fmt: skip

        rows = [*swept("ann", "ann"), *swept("bob", "bob", to="out")]
        links = account_links(
            accounts.ledger(rows), tags=accounts.tags(), hosted=Judged(), rules=[self.RULE]
        )
        assert accounts.pairs(links.frame) == {("ann", "dep", False)}

    def test_by_custody_in_several_assets(self, accounts) -> None:
        def judged(name: str) -> Any:
            row = {"chain": [accounts.chain], "address": [accounts(name)]}
            frame = pl.DataFrame({**row, "certainty": ["probable"]})
            return type("Judged", (), {"frame": frame})()

        rows = [*swept("ann", "ann"), *swept("bob", "bob", to="out")]
        ledger, both = accounts.ledger(rows), [judged("dep"), judged("out")]
        links = account_links(ledger, tags=accounts.tags(), hosted=both, rules=[self.RULE])
        assert accounts.pairs(links.frame) == {("ann", "dep", False), ("bob", "out", False)}
        with pytest.raises(ArgumentError, match="pass what hosted"):
            account_links(ledger, hosted=["dep"])
        made = cw.owners(ledger, recipe=LEADS, tags=accounts.tags(), hosted=both)
        assert "deposit_reuse_known" in set(made.links.frame["rule"])

    def test_gas_that_a_service_pays_is_no_deposit(self, accounts) -> None:
        tags = accounts.tags(("hot", "shop"), ("dep", "shop", "deposit_wallet"))
        coin = {"coin": True}
        gas = [("gas>dep:5", n, coin) for n in range(3)]
        assert linked(accounts, gas, self.RULE, tags=tags) == set()
        swept_on = [*gas, ("dep>hot:15", 9, coin)]
        assert linked(accounts, swept_on, self.RULE, tags=tags) == {("dep", "gas", False)}

    def test_who_pays_many_accounts_once_and_one_often_serves_many(self, accounts) -> None:
        names = [f"dep{n}" for n in range(21)]
        tags = accounts.tags(*((name, "shop", "deposit_wallet") for name in names))
        rows = [(f"pay>{name}:5", n) for n, name in enumerate(names)]
        rows += [("pay>dep0:5", 30), ("pay>dep0:5", 31)]
        found = linked(accounts, rows, deposit_reuse_known(payments=3), tags=tags)
        assert found == {("dep0", "pay", True)}

    def test_a_customer_is_no_customer_of_whom_he_is_paid_by(self, accounts) -> None:
        """The hot wallet pays out to a deposit address, and another deposit address pays it."""
        tags = accounts.tags(
            ("hot", "shop"), ("dep", "shop", "deposit_wallet"), ("dep2", "shop", "deposit_wallet")
        )
        rows = [("hot>dep:5", 0), ("hot>dep:5", 1), ("dep2>dep:5", 2), ("dep2>dep:5", 3)]
        assert linked(accounts, rows, self.RULE, tags=tags) == set()


class TestTagsOfDepositWallets:
    """They name who holds the keys, and say nothing of the customer whose account it is."""

    TAGS = (("hot", "shop"), ("dep", "shop", "deposit_wallet", {"definer": True}),
            ("dep2", "mall", "deposit_wallet", {"definer": True}))  # fmt: skip
    ROWS = (*swept("ann", "ann", "bob", "bob"), *swept("ann", "ann", to="dep2"))

    @pytest.fixture
    def found(self, accounts) -> cw.Clusters:
        tags = accounts.tags(*self.TAGS)
        links = account_links(accounts.ledger(self.ROWS), tags=tags, rules=[deposit_reuse_known()])
        return cw.cluster(links, tags=tags, apart=cw.keep_apart(tags=tags))

    def test_accounts_at_two_services_are_one_owners(self, accounts, found) -> None:
        assert found.members(accounts("ann")) == sorted(map(accounts, ("ann", "bob", "dep",
                                                                       "dep2")))  # fmt: skip
        assert found.refused.is_empty()
        assert found.alarms.is_empty()

    def test_they_make_no_service_of_their_customer(self, accounts, found) -> None:
        said = statements_of(accounts.tags(*self.TAGS).frame, accounts.chain)
        assert accounts("ann") not in clustered(said, found, accounts.chain, spread_unstated=True)
        roles = accounts.tags(*self.TAGS).roles()
        assert not any(roles.spreading)

    def test_what_is_said_of_his_own_wallet_is_said_of_him(self, accounts, found) -> None:
        own = accounts.tags(*self.TAGS, ("ann", "otter", "vendor", {"definer": True}))
        said = statements_of(own.frame, accounts.chain)
        spread = clustered(said, found, accounts.chain)
        assert {one.actor for one in spread[accounts("bob")]} == {"otter"}

    def test_on_coin_chains_clusters_are_of_keys(self) -> None:
        chains = [cw.chain("btc").id, cw.chain("eth").id]
        columns = {"address": [b"a", b"a"], "concept": ["deposit_wallet"] * 2}
        rows = pl.DataFrame({"chain": chains, **columns})
        assert of_customers(rows).to_list() == [False, True]
        assert of_customers(rows.drop("concept")).to_list() == [False, False]
