"""What transactions mean: each meaning, what makes it, and what leaves it undecided."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from chainwatch.errors import InputError, TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.meaning.meanings import meanings
from chainwatch.tracing.trace import trace

SURE, PERHAPS, OPEN = "confirmed", "probable", "undecided"


@pytest.fixture
def dex(kit: Any) -> Any:
    """Return tags of a pool, a lender and a place to stake."""
    return kit.tags(("p", "Dex", "defi_dex"), ("lend", "Lender", "defi_lending"),
                    ("stake", "Staking", "defi_staking"))  # fmt: skip


def test_a_contract_that_passes_all_on_is_no_party(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("a", ("a", "r", "X", 100), ("r", "c", "X", 100))
    found = meanings(chain.ledger())
    assert kit.told(found) == [("passed through", SURE, "paid", "a", "c", "X", 100)]
    assert [kit.name(one) for one in found.passed["address"]] == ["r"]
    assert found.passed["is_contract"].to_list() == [True]


def test_where_nothing_shows_a_contract_it_is_probable(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "X", 100), ("r", "c", "X", 100))
    assert kit.told(meanings(chain.ledger(calls=False)))[0][:2] == ("passed through", PERHAPS)


def test_whose_tokens_another_takes_on_is_a_party_unless_he_is_a_contract(kit: Any) -> None:
    """A mule lets the payer take the tokens on: he moves nothing himself, and never acts."""
    chain = kit.chain()
    chain.tx("a", ("a", "mule", "X", 100), ("mule", "c", "X", 100))
    assert kit.told(meanings(chain.ledger())) == []
    chain.made("mule")
    assert kit.told(meanings(chain.ledger()))[0][:2] == ("passed through", SURE)


def test_whoever_calls_a_token_in_a_transaction_of_another_is_a_contract(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "X", 100), ("r", "c", "X", 100))
    chain.called("r", "X")
    assert kit.told(meanings(chain.ledger()))[0][:2] == ("passed through", SURE)


def test_an_account_that_lets_code_act_for_it_has_a_key(kit: Any) -> None:
    chain = kit.chain()
    chain.made("b")
    chain.tx("a", ("a", "b", "X", 100), ("b", "c", "X", 100))
    chain.called("b", "X", kind="delegation")
    assert kit.told(meanings(chain.ledger())) == []


def test_whoever_sends_transactions_is_a_party_whatever_he_passes_on(kit: Any) -> None:
    """A mule whose tokens are moved on in the transaction in which he gets them holds a key."""
    chain = kit.chain()
    chain.tx("mule", ("mule", "z", "ETH", 1))
    chain.tx("a", ("a", "mule", "X", 100), ("mule", "c", "X", 100))
    assert kit.told(meanings(chain.ledger())) == []


def test_a_batch_has_one_payer_and_what_comes_back_is_not_paid(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "ETH", 100), ("r", "b", "ETH", 60), ("r", "c", "ETH", 39),
             ("r", "a", "ETH", 1))  # fmt: skip
    assert kit.told(meanings(chain.ledger())) == [
        ("batch", SURE, "paid", "a", "b", "ETH", 60), ("batch", SURE, "paid", "a", "c", "ETH", 39),
    ]  # fmt: skip


def test_several_payers_of_one_are_known_each(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("s", ("a", "r", "X", 5), ("b", "r", "X", 7), ("r", "c", "X", 12))
    assert kit.told(meanings(chain.ledger())) == [
        ("collected", SURE, "paid", "a", "c", "X", 5),
        ("collected", SURE, "paid", "b", "c", "X", 7),
    ]  # fmt: skip


def test_several_payers_of_several_are_undecided_even_if_amounts_fit(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("s", ("a", "r", "X", 5), ("b", "r", "X", 7), ("r", "c", "X", 5), ("r", "d", "X", 7))
    assert kit.told(meanings(chain.ledger())) == [
        ("pairs undecided", OPEN, "paid", "a", None, "X", 5),
        ("pairs undecided", OPEN, "paid", "b", None, "X", 7),
        ("pairs undecided", OPEN, "paid", None, "c", "X", 5),
        ("pairs undecided", OPEN, "paid", None, "d", "X", 7),
    ]  # fmt: skip


def test_what_comes_to_one_of_several_payers_may_be_anothers(kit: Any) -> None:
    """Either he got five of his own back, or the other paid him five and he paid ninety."""
    chain = kit.chain()
    chain.made("r")
    chain.tx(
        "s", ("a", "r", "X", 100), ("b", "r", "X", 5), ("r", "a", "X", 5), ("r", "c", "X", 100)
    )
    found = kit.told(meanings(chain.ledger()))
    assert {row[:2] for row in found} == {("pairs undecided", OPEN)}


def test_who_receives_and_pays_in_one_flow_leaves_it_open(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("b", ("b", "z", "ETH", 1))
    chain.tx("s", ("a", "r", "X", 9), ("r", "b", "X", 9), ("b", "r", "X", 4), ("r", "c", "X", 4))
    assert {row[:2] for row in kit.told(meanings(chain.ledger()))} == {("pairs undecided", OPEN)}


def test_two_routers_in_one_transaction_are_two_flows(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r", "q")
    chain.tx("s", ("a", "r", "X", 5), ("r", "c", "X", 5), ("b", "q", "X", 7), ("q", "d", "X", 7))
    assert [row[3:5] for row in kit.told(meanings(chain.ledger()))] == [("a", "c"), ("b", "d")]


def test_a_swap_through_a_router_at_a_tagged_pool(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("a", ("a", "r", "X", 100), ("r", "p", "X", 100), ("p", "r", "Y", 50),
             ("r", "a", "Y", 50))  # fmt: skip
    assert kit.told(meanings(chain.ledger(), dex)) == [
        ("swap", SURE, "gave", "a", "p", "X", 100), ("swap", SURE, "got", "p", "a", "Y", 50),
    ]  # fmt: skip


def test_a_swap_over_two_pools_to_somebody_else_with_a_fee_for_a_third(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("a", ("a", "r", "X", 100), ("r", "fee", "X", 3), ("r", "p", "X", 97),
             ("p", "q", "W", 40), ("q", "b", "Y", 50))  # fmt: skip
    tags = kit.tags(("p", "Dex", "defi_dex"), ("q", "Dex", "defi_dex"))
    assert kit.told(meanings(chain.ledger(), tags)) == [
        ("swap", SURE, "gave", "a", "p", "X", 97), ("swap", SURE, "got", "q", "b", "Y", 50),
        ("passed through", SURE, "paid", "a", "fee", "X", 3),
    ]  # fmt: skip


def test_a_swap_with_a_stranger_is_undecided(kit: Any) -> None:
    """Whoever gives him a worthless token for it was paid, and the value is his."""
    chain = kit.chain()
    chain.made("q")
    chain.tx("a", ("a", "q", "X", 100), ("q", "a", "JUNK", 10**9))
    found = meanings(chain.ledger())
    assert [row[:3] for row in kit.told(found)] == [("swap", OPEN, "gave"), ("swap", OPEN, "got")]
    assert "not shown to be a pool" in found.frame["detail"][0]


def test_a_pool_on_one_side_alone_makes_no_swap(kit: Any, dex: Any) -> None:
    """Of a router that was not read it is not seen that it gave to a pool what it got."""
    chain = kit.chain()
    out = chain.tx("a", ("a", "q", "X", 100), ("p", "a", "Y", 50))
    into = chain.tx("a", ("a", "p", "X", 100), ("q", "a", "Y", 50))
    found = meanings(chain.ledger(), dex)
    assert [row[:5] for row in kit.told(found, out)] == [
        ("swap", OPEN, "gave", "a", "q"), ("swap", OPEN, "got", "p", "a"),
    ]  # fmt: skip
    assert [row[:5] for row in kit.told(found, into)] == [
        ("swap", OPEN, "gave", "a", "p"), ("swap", OPEN, "got", "q", "a"),
    ]  # fmt: skip
    reasons = []
    for txid in (out, into):
        followed = trace(chain.ledger(), [f"0x{txid.hex()}"], asset=kit.asset("X"), policy="fifo",
                         through=found)  # fmt: skip
        row = followed.ends.row(0, named=True)
        reasons.append((kit.name(row["address"]), row["reason"], row["certainty"]))
    assert reasons[1] == ("p", "exchange undecided", OPEN)
    assert reasons[0][0] == "q"
    assert not reasons[0][1].startswith("exchange")


@pytest.mark.parametrize(("others", "sure"), [(1, OPEN), (2, PERHAPS)])
def test_several_who_swap_make_a_contract_a_pool(kit: Any, others: int, sure: str) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "p", "X", 100), ("p", "a", "Y", 50))
    for n in range(others):
        chain.tx(f"u{n}", (f"u{n}", "p", "Y", 5), ("p", f"u{n}", "X", 9))
    found = meanings(chain.ledger(), min_traders=3)
    assert {row[1] for row in kit.told(found)} == {sure}
    assert meanings(chain.ledger(), min_traders=4).pools.filter(basis="trade").is_empty()


def test_who_only_takes_in_is_a_shop_however_many_swap_with_it(kit: Any) -> None:
    chain = kit.chain()
    for n in range(5):
        chain.tx(f"u{n}", (f"u{n}", "p", "X", 5), ("p", f"u{n}", "JUNK", 9))
    assert {row[1] for row in kit.told(meanings(chain.ledger()))} == {OPEN}


def test_one_who_swaps_often_makes_nobody_a_pool(kit: Any) -> None:
    chain = kit.chain()
    for _ in range(9):
        chain.tx("a", ("a", "p", "X", 100), ("p", "a", "Y", 50))
    assert {row[1] for row in kit.told(meanings(chain.ledger()))} == {OPEN}


def test_whoever_holds_a_key_is_no_pool_however_many_swap_with_him(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("p", ("p", "z", "ETH", 1))
    for n in range(5):
        chain.tx(f"u{n}", (f"u{n}", "p", "Y", 5), ("p", f"u{n}", "X", 9))
    assert {row[1] for row in kit.told(meanings(chain.ledger()))} == {OPEN}


def test_a_tagged_service_is_no_pool_whatever_it_trades(kit: Any) -> None:
    chain = kit.chain()
    for n in range(5):
        chain.tx(f"u{n}", (f"u{n}", "p", "Y", 5), ("p", f"u{n}", "X", 9))
    tags = kit.tags(("p", "Broker", "exchange"))
    assert meanings(chain.ledger(), tags).pools.filter(basis="trade").is_empty()


def test_wrapping_is_one_for_one(kit: Any) -> None:
    chain = kit.chain()
    wrap = chain.tx("a", ("a", "WETH", "ETH", 7), ("0", "a", "WETH", 7))
    unwrap = chain.tx("a", ("a", "0", "WETH", 3), ("WETH", "a", "ETH", 3))
    uneven = chain.tx("a", ("a", "WETH", "ETH", 7), ("0", "a", "WETH", 6))
    found = meanings(chain.ledger())
    assert kit.told(found, wrap) == [
        ("wrap", SURE, "gave", "a", "WETH", "ETH", 7), ("wrap", SURE, "got", "0", "a", "WETH", 7),
    ]  # fmt: skip
    assert [row[:3] for row in kit.told(found, unwrap)] == [
        ("unwrap", SURE, "gave"), ("unwrap", SURE, "got"),
    ]  # fmt: skip
    assert {row[1] for row in kit.told(found, uneven)} == {OPEN}


def test_coins_swapped_over_the_wrapped_coin_are_one_swap(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "ETH", 10), ("r", "WETH", "ETH", 10), ("0", "r", "WETH", 10),
             ("r", "p", "WETH", 10), ("p", "a", "Y", 50))  # fmt: skip
    assert kit.told(meanings(chain.ledger(), dex)) == [
        ("swap", SURE, "gave", "a", "WETH", "ETH", 10), ("swap", SURE, "got", "p", "a", "Y", 50),
    ]  # fmt: skip


def test_liquidity_goes_in_and_out(kit: Any) -> None:
    chain = kit.chain()
    into = chain.tx("a", ("a", "p", "X", 100), ("a", "p", "Y", 50), ("0", "a", "p", 70))
    out = chain.tx("a", ("a", "p", "p", 70), ("p", "0", "p", 70), ("p", "a", "X", 90),
                   ("p", "a", "Y", 55))  # fmt: skip
    found = meanings(chain.ledger(), kit.tags(("p", "Dex", "defi_dex_pair")))
    assert {row[:2] for row in kit.told(found, into)} == {("liquidity added", SURE)}
    assert {row[:2] for row in kit.told(found, out)} == {("liquidity removed", SURE)}
    assert [row[2:] for row in kit.told(found, out)] == [
        ("gave", "a", "0", "p", 70), ("got", "p", "a", "X", 90), ("got", "p", "a", "Y", 55),
    ]  # fmt: skip


def test_lenders_and_stakers_by_tag_and_by_receipt(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    lent = chain.tx("a", ("a", "lend", "X", 100), ("0", "a", "lend", 99))
    staked = chain.tx("a", ("a", "stake", "X", 4))
    vault = chain.tx("a", ("a", "v", "X", 5), ("0", "a", "v", 5))
    found = meanings(chain.ledger(), dex)
    assert {row[:2] for row in kit.told(found, lent)} == {("lending deposit", SURE)}
    assert kit.told(found, staked) == [("staking deposit", SURE, "gave", "a", "stake", "X", 4)]
    shows_no_pool = [
        ("deposited for a receipt", OPEN, "gave", "a", "v", "X", 5),
        ("deposited for a receipt", OPEN, "got", "0", "a", "v", 5),
    ]
    assert kit.told(found, vault) == shows_no_pool
    for n in range(3):
        chain.tx(f"u{n}", (f"u{n}", "v", "X", 5), ("0", f"u{n}", "v", 5))
    assert kit.told(meanings(chain.ledger(), dex), vault) == shows_no_pool, "it gave nothing back"
    chain.tx("u0", ("u0", "0", "v", 5), ("v", "u0", "X", 5))
    more = meanings(chain.ledger(), dex)
    assert {row[:2] for row in kit.told(more, vault)} == {("deposited for a receipt", PERHAPS)}


def test_borrowing_against_a_pledge_is_no_swap(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "lend", "X", 100), ("lend", "a", "Y", 40))
    assert kit.told(meanings(chain.ledger(), dex)) == [
        ("lending deposit", SURE, "gave", "a", "lend", "X", 100),
        ("paid out of a pool", SURE, "got", "lend", "a", "Y", 40),
    ]  # fmt: skip
    mixed = chain.tx("a", ("a", "p", "X", 100), ("lend", "a", "Y", 40))
    assert {row[:2] for row in kit.told(meanings(chain.ledger(), dex), mixed)} == {("swap", OPEN)}


def test_a_user_operation_is_its_accounts_whoever_sends_and_pays_it(kit: Any) -> None:
    chain = kit.chain()
    chain.made("s", "master")
    chain.tx("bundler", ("s", "z", "X", 5), ("entry", "bundler", "ETH", 2),
             ops=[kit.op("s", "master")], to="entry")  # fmt: skip
    assert kit.told(meanings(chain.ledger())) == [
        ("gas of a user operation", SURE, "paid", "entry", "bundler", "ETH", 2),
        ("user operation", SURE, "paid", "s", "z", "X", 5),
    ]  # fmt: skip


def test_a_smart_account_that_passes_on_is_still_a_party(kit: Any) -> None:
    chain = kit.chain()
    chain.made("s")
    chain.tx("bundler", ("b", "s", "X", 5), ("s", "z", "X", 5), ops=[kit.op("s")], to="entry")
    assert kit.told(meanings(chain.ledger())) == [
        ("user operation", SURE, "paid", "s", "z", "X", 5)
    ]


def test_an_operation_that_another_contract_logs_hides_nobody(kit: Any) -> None:
    """Anybody's contract may log an operation of anybody: the sender stays the payer."""
    chain = kit.chain()
    chain.made("own", "victim")
    chain.tx("a", ("a", "own", "X", 5), ("own", "z", "X", 5), ops=[kit.op("victim", entry="own")])
    assert kit.told(meanings(chain.ledger())) == [
        ("passed through", SURE, "paid", "a", "z", "X", 5)
    ]


def test_coins_that_an_entry_point_pays_to_others_are_no_gas(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("bundler", ("s", "entry", "ETH", 5), ("entry", "z", "ETH", 5), ops=[kit.op("s")],
             to="entry")  # fmt: skip
    assert kit.told(meanings(chain.ledger())) == [
        ("passed through", SURE, "paid", "s", "z", "ETH", 5)
    ]  # fmt: skip


def test_of_calls_that_were_not_read_nothing_is_decided(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "p", "X", 100), ("p", "a", "Y", 50))
    found = meanings(chain.ledger(calls=False), dex)
    assert {row[1] for row in kit.told(found)} == {OPEN}
    assert found.frame["detail"][0].startswith("calls between contracts were not read")
    by_history = meanings(chain.ledger(whole=False, of=["a"]), dex)
    assert {row[1] for row in kit.told(by_history)} == {SURE}
    other = meanings(chain.ledger(whole=False, of=["b"]), dex)
    assert {row[1] for row in kit.told(other)} == {OPEN}


def test_several_assets_got_for_one_are_undecided(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "p", "X", 100), ("p", "a", "Y", 50), ("p", "a", "Z", 1))
    assert {row[:2] for row in kit.told(meanings(chain.ledger(), dex))} == {("swap", OPEN)}


def test_each_of_several_who_swap_together_gets_his_own(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.tx("s", ("a", "p", "X", 10), ("b", "p", "X", 30), ("p", "a", "Y", 5), ("p", "b", "Y", 15))
    assert kit.told(meanings(chain.ledger(), dex)) == [
        ("swap", SURE, "gave", "a", "p", "X", 10), ("swap", SURE, "got", "p", "a", "Y", 5),
        ("swap", SURE, "gave", "b", "p", "X", 30), ("swap", SURE, "got", "p", "b", "Y", 15),
    ]  # fmt: skip


def test_what_failed_and_what_nobody_signed_means_nothing(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("a", ("a", "r", "X", 9, {"success": False}), ("r", "c", "X", 9, {"success": False}))
    chain.tx("a", ("v", "r", "F", 9, {"signed": False}), ("r", "c", "F", 9, {"signed": False}))
    found = meanings(chain.ledger())
    assert kit.told(found) == []
    assert found.unsigned == 2
    (said,) = found.findings(pl.DataFrame())
    assert said.text[1] == "Left out: 2 logs of transfers that nobody let happen."


def test_an_amount_wider_than_columns_leaves_its_asset_open(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    wide = {"amount": None, "amount_hex": hex(2**200)}
    chain.tx("a", ("a", "r", "X", 9, wide), ("r", "c", "X", 9, wide))
    assert kit.told(meanings(chain.ledger())) == []


def test_what_came_back_in_an_unknown_amount_leaves_the_swap_open(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    wide = {"amount": None, "amount_hex": hex(2**200)}
    chain.tx("a", ("a", "p", "X", 9), ("p", "a", "Z", 9, wide))
    assert kit.told(meanings(chain.ledger(), dex)) == [
        ("paid into a pool", OPEN, "gave", "a", "p", "X", 9)
    ]  # fmt: skip


def test_coins_that_an_entry_point_keeps_may_be_taken_out(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("bundler", ("s", "entry", "ETH", 5), ("entry", "bundler", "ETH", 2), ops=[kit.op("s")],
             to="entry")  # fmt: skip
    assert kit.told(meanings(chain.ledger())) == [
        ("gas of a user operation", PERHAPS, "paid", "s", "entry", "ETH", 5),
        ("gas of a user operation", SURE, "paid", "entry", "bundler", "ETH", 2),
    ]  # fmt: skip


def test_why_a_transaction_means_what_it_means(kit: Any, dex: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    swap = chain.tx("a", ("a", "r", "X", 100), ("r", "p", "X", 100), ("p", "a", "Y", 50))
    chain.tx("b", ("b", "r", "X", 1), ("r", "c", "X", 1))
    plain = chain.tx("a", ("a", "c", "X", 1))
    found = meanings(chain.ledger(), dex)
    one = found.why(f"0x{swap.hex()}")
    assert one.digest == found.why(swap).digest != found.digest
    assert [row[:1] for row in kit.told(one)] == [("swap",), ("swap",)]
    assert [kit.name(address) for address in one.passed["address"]] == ["r"]
    assert one.pools.select("address", "service", "detail").rows() == [
        (kit.at("p"), "Dex", "tagged Dex contract by list (service_data, undated)")
    ]  # fmt: skip
    with pytest.raises(InputError, match="means nothing beyond its payments, or was not read"):
        found.why(plain)


def test_what_is_refused(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "c", "X", 1))
    with pytest.raises(TraceError, match="one swap with somebody makes nobody a pool"):
        meanings(chain.ledger(), min_traders=1)
    with pytest.raises(TraceError, match="holds coins, not balances"):
        meanings(chain.ledger(), chain="btc")
    with pytest.raises(TraceError, match="the ledger holds none"):
        meanings(Ledger.from_tables({}))


def test_the_summary_counts_meanings_and_not_rows(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "ETH", 100), ("r", "b", "ETH", 60), ("r", "c", "ETH", 40))
    found = meanings(chain.ledger())
    assert found.summary().rows() == [("batch", SURE, "net change", 1)]
    assert repr(found).splitlines()[1].split() == ["1", "batch", "(confirmed,", "net", "change)"]
    assert found.digest == meanings(chain.ledger()).digest


@pytest.mark.parametrize(
    ("said", "sure"),
    [
        ([("p", "Dex", "defi_dex", 5), ("p", "Bank", "exchange", 50)], OPEN),
        ([("p", "Dex", "defi_dex", 50), ("p", "Bank", "exchange", 50)], OPEN),
        ([("p", "Dex", "defi_dex", 50), ("p", "Bridge", "defi_bridge", 50)], OPEN),
        ([("p", "Dex", "defi_dex", 50), ("p", "Bank", "exchange", 5)], SURE),
        ([("p", "Dex", "defi_dex", 50), ("p", "Dex", "defi", 50)], SURE),
        ([("p", "Dex", "defi_dex", 5), ("p", "Dex", "service", 50)], PERHAPS),
    ],
)
def test_the_more_confident_tag_or_a_contradiction_decides(
    kit: Any, said: list[Any], sure: str
) -> None:
    """Who may as well hold the money of its customers is no price of anything: it ends there."""
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 10))
    chain.tx("a", ("a", "p", "X", 10), ("p", "a", "Y", 5))
    found = meanings(chain.ledger(), kit.tags(*said))
    assert [row[1] for row in kit.told(found)] == [sure, sure]
    followed = trace(chain.ledger(), [kit.at("a")], asset=kit.asset("X"), policy="fifo",
                     through=found)  # fmt: skip
    row = followed.ends.row(0, named=True)
    assert (kit.name(row["address"]), row["certainty"], int(row["amount"])) == ("p", sure, 10)


def test_the_more_confident_tag_says_what_a_pool_is_for(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "p", "X", 10), ("p", "a", "Y", 5))
    said = kit.tags(("p", "Dex", "defi_dex", 50), ("p", "Lender", "defi_lending", 5))
    assert {row[:2] for row in kit.told(meanings(chain.ledger(), said))} == {("swap", SURE)}
