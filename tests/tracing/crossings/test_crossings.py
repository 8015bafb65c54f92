"""Deposits at a bridge: matched where one payout alone could be theirs, and else left open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.errors import ArgumentError, TraceError
from chainwatch.tracing.crossings.matching import (
    NONE_FITS,
    NOT_READ,
    RIVALS,
    RIVALS_NOT_READ,
    SEVERAL,
    UNCLEAR,
)
from chainwatch.tracing.crossings.tables import (
    BY_AMOUNT,
    CROSSED,
    NO_OTHER_SIDE,
    NOT_MATCHED,
    UNKNOWN,
)

LEAD = [(CROSSED, BY_AMOUNT)]


def test_a_deposit_and_the_one_payout_that_fits_it(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
    ])  # fmt: skip
    found = sea.crossings(ledger)
    assert sea.told(found) == LEAD
    row, out = found.frame.row(0, named=True), found.payouts.row(0, named=True)
    assert (row["payer"], int(row["amount"]), row["candidates"]) == (
        sea.account("ann"), 1_000_000, 1,
    )  # fmt: skip
    assert (out["receiver"], int(out["amount"]), out["crossing"]) == (
        sea.account("bob"),
        995_000,
        0,
    )
    assert (row["chain"], out["chain"]) == (sea.here.chain, sea.there.chain)
    assert "is a lead and no proof" in repr(found)


def test_two_ledgers_say_the_same_as_one(sea: Any) -> None:
    came = sea.paid(sea.here, "ann", "pool", 1_000_000, 0, "in")
    went = sea.paid(sea.there, "pool", "bob", 995_000, 10, "out")
    apart = [
        sea.ledger([came], read=[("pool", sea.here.chain)]),
        sea.ledger([went._replace(more={"occurrence": 1})], read=[("pool", sea.there.chain)]),
    ]
    assert sea.crossings(apart).digest == sea.crossings(sea.ledger([came, went])).digest
    with pytest.raises(TraceError, match="stands in two of the ledgers"):
        sea.crossings([apart[0], apart[0]])


@pytest.mark.parametrize(
    ("amount", "minute", "fits"),
    [
        (990_000, 10, True), (989_999, 10, False),  # the fee is one percent at most
        (1_000_000, 10, True), (1_000_001, 10, False),  # nothing more than was paid in
        (995_000, 120, True), (995_000, 120.02, False),  # within two hours
        (995_000, 0, True), (995_000, -0.02, False),  # at the same time, and not before
    ],
)  # fmt: skip
def test_the_caps_hold_to_the_unit_and_the_second(
    sea: Any, amount: int, minute: float, *, fits: bool
) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", amount, minute),
    ])  # fmt: skip
    assert sea.told(sea.crossings(ledger)) == (LEAD if fits else [(NOT_MATCHED, NONE_FITS)])


def test_an_amount_altered_by_one_unit_is_within_no_cap_of_nothing(sea: Any) -> None:
    """Where a bridge takes no fee, one unit less is another amount."""
    for amount, told in ((1_000_000, LEAD), (999_999, [(NOT_MATCHED, NONE_FITS)])):
        ledger = sea.ledger([
            sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
            sea.paid(sea.there, "pool", "bob", amount, 10),
        ])  # fmt: skip
        assert sea.told(sea.crossings(ledger, fee_at_most=0)) == told


def test_two_payouts_that_fit_leave_it_open(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
        sea.paid(sea.there, "pool", "cid", 996_000, 90),
    ])  # fmt: skip
    found = sea.crossings(ledger)
    assert sea.told(found) == [(NOT_MATCHED, SEVERAL)]
    assert found.frame["candidates"].to_list() == [2]
    assert found.payouts.is_empty()


def test_two_equal_deposits_leave_their_payouts_open(sea: Any) -> None:
    both = [
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.here, "eve", "pool", 1_000_000, 0),
    ]
    out = sea.paid(sea.there, "pool", "bob", 995_000, 10)
    one = sea.crossings(sea.ledger([*both, out]))
    assert sea.told(one) == [(NOT_MATCHED, RIVALS)] * 2
    two = sea.crossings(sea.ledger([*both, out, out._replace(tx="other", receiver="cid")]))
    assert sea.told(two) == [(NOT_MATCHED, SEVERAL)] * 2


def test_a_relayer_that_pays_several_at_once_is_matched_to_none(sea: Any) -> None:
    """Three deposits, and one payment of their sum: no amount is that of one deposit."""
    deposits = [
        sea.paid(sea.here, name, "pool", amount, place)
        for place, (name, amount) in enumerate([("ann", 300), ("eve", 500), ("fay", 700)])
    ]
    batch = sea.paid(sea.there, "pool", "relayer", 1_500, 20)
    found = sea.crossings(sea.ledger([*deposits, batch]))
    assert sea.told(found) == [(NOT_MATCHED, NONE_FITS)] * 3
    split = [sea.paid(sea.there, "pool", "bob", 500, minute) for minute in (10, 11)]
    whole = sea.paid(sea.here, "ann", "pool", 1_000, 0)
    assert sea.told(sea.crossings(sea.ledger([whole, *split]))) == [(NOT_MATCHED, NONE_FITS)]


def test_identical_times_are_within_the_caps_and_order_nothing(sea: Any) -> None:
    """All at one moment: the order of rows decides nothing."""
    rows = [
        sea.paid(sea.here, "ann", "pool", 1_000, 5, "a"),
        sea.paid(sea.here, "eve", "pool", 2_000, 5, "b"),
        sea.paid(sea.there, "pool", "bob", 999, 5, "c"),
        sea.paid(sea.there, "pool", "cid", 1_999, 5, "d"),
    ]
    found = sea.crossings(sea.ledger(rows))
    assert sea.told(found) == LEAD * 2
    assert sea.crossings(sea.ledger(rows[::-1])).digest == found.digest


class TestWhatWasNotRead:
    """A match is the only one only where all that could be another was read."""

    def rows(self, sea: Any) -> list[Any]:
        return [
            sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
            sea.paid(sea.there, "pool", "bob", 995_000, 10),
        ]

    def test_the_other_side(self, sea: Any) -> None:
        ledger = sea.ledger(self.rows(sea), read=[("pool", sea.here.chain)])
        found = sea.crossings(ledger)
        assert sea.told(found) == [(NOT_MATCHED, NOT_READ)]
        assert found.frame["candidates"].to_list() == [1]  # said, and not taken

    def test_the_other_side_is_in_no_ledger(self, sea: Any) -> None:
        ledger = sea.ledger(self.rows(sea)[:1], read=[("pool", sea.here.chain)])
        found = sea.crossings(ledger)
        assert sea.told(found) == [(NOT_MATCHED, NOT_READ)]
        assert "addresses on chains that were not read: base" in repr(found)

    def test_the_side_that_others_pay_in_on(self, sea: Any) -> None:
        ledger = sea.ledger(self.rows(sea), read=[("pool", sea.there.chain)])
        assert sea.told(sea.crossings(ledger)) == [(NOT_MATCHED, RIVALS_NOT_READ)]

    @pytest.mark.parametrize(("until", "told"), [(120, LEAD), (119, [(NOT_MATCHED, NOT_READ)])])
    def test_the_end_of_the_time_in_which_it_may_be_paid(
        self, sea: Any, until: float, told: Any
    ) -> None:
        assert sea.told(sea.crossings(sea.ledger(self.rows(sea), until=until))) == told

    def test_another_address_of_the_bridge(self, sea: Any) -> None:
        bridge = {"hop": {**sea.bridge["hop"], "base": [sea.account("pool"), sea.account("other")]}}
        ledger = sea.ledger(self.rows(sea))
        assert sea.told(sea.crossings(ledger, bridges=bridge)) == [(NOT_MATCHED, NOT_READ)]
        both = sea.ledger(self.rows(sea), read=[("pool", ""), ("other", "")])
        assert sea.told(sea.crossings(both, bridges=bridge)) == LEAD

    def test_an_amount_and_a_time(self, sea: Any) -> None:
        came, went = self.rows(sea)
        wide = {"amount": None, "amount_hex": hex(10**40)}
        for rows, why in [
            ([came._replace(more=wide), went], UNKNOWN),
            ([came, went._replace(more=wide)], UNCLEAR),
        ]:
            assert sea.told(sea.crossings(sea.ledger(rows))) == [(NOT_MATCHED, why)]
        other = sea.paid(sea.there, "pool", "cid", 0, 30)._replace(more=wide)
        assert sea.told(sea.crossings(sea.ledger([came, went, other]))) == [(NOT_MATCHED, SEVERAL)]

    def test_a_bridge_that_has_one_side_only(self, sea: Any) -> None:
        found = sea.crossings(sea.ledger(self.rows(sea)), bridges={"hop": {"eth": [
            sea.account("pool")]}})  # fmt: skip
        assert sea.told(found) == [(NOT_MATCHED, NO_OTHER_SIDE)]


def test_the_same_key_on_two_chains_is_no_crossing(sea: Any) -> None:
    """Two parties on different chains, of whom no bridge was read."""
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "eve", 1_000_000, 0),
        sea.paid(sea.there, "eve", "ann", 1_000_000, 5),
    ])  # fmt: skip
    assert sea.crossings(ledger).frame.is_empty()


def test_what_a_bridge_moves_between_its_own_addresses_is_no_deposit(sea: Any) -> None:
    own = sea.account("vault")
    bridge = {"hop": {"eth": [sea.account("pool"), own], "base": [sea.account("pool"), own]}}
    ledger = sea.ledger([
        sea.paid(sea.here, "vault", "pool", 500, 0),
        sea.paid(sea.here, "ann", "pool", 1_000, 1),
        sea.paid(sea.there, "vault", "pool", 999, 2),
        sea.paid(sea.there, "pool", "bob", 998, 3),
    ], read=[("pool", ""), ("vault", "")])  # fmt: skip
    found = sea.crossings(ledger, bridges=bridge)
    assert sea.told(found) == LEAD
    assert found.payouts["receiver"].to_list() == [sea.account("bob")]


def test_amounts_of_other_decimals_are_compared_exactly(sea: Any) -> None:
    fine = Asset(sea.there.chain, sea.there.contract, "USD", 18)
    for amount, told in ((10**18, LEAD), (10**18 + 1, [(NOT_MATCHED, NONE_FITS)])):
        ledger = sea.ledger([
            sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
            sea.paid(fine, "pool", "bob", amount, 10),
        ])  # fmt: skip
        assert sea.told(sea.crossings(ledger, assets=[(sea.here, fine)])) == told


def test_assets_that_nobody_said_stand_for_one_another_match_never(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
    ])  # fmt: skip
    found = sea.crossings(ledger, assets=[sea.here, sea.there])
    assert sea.told(found) == [(NOT_MATCHED, NO_OTHER_SIDE)]
    coins = sea.crossings(ledger, assets=None)
    assert coins.frame.is_empty()
    assert "1 payment to bridges in assets that were not named" in repr(coins)


def test_a_token_of_the_bridge_itself_is_burnt_and_made(sea: Any) -> None:
    bridge = {"mint": {"eth": [sea.here.contract], "base": [sea.there.contract]}}
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "0", 1_000, 0, kind="erc20_burn"),
        sea.paid(sea.there, "0", "bob", 1_000, 10, kind="erc20_mint"),
    ], read=[("usd on eth", ""), ("usd on base", "")])  # fmt: skip
    found = sea.crossings(ledger, bridges=bridge)
    assert sea.told(found) == LEAD
    assert found.frame["payer"].to_list() == [sea.account("ann")]
    assert found.payouts["receiver"].to_list() == [sea.account("bob")]


def test_what_a_bridge_wraps_for_itself_is_neither_paid_in_nor_out(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "0", "pool", 1_000, 0, kind="wrap"),
        sea.paid(sea.there, "pool", "0", 1_000, 5, kind="unwrap"),
        sea.paid(sea.here, "ann", "pool", 1_000, 1),
        sea.paid(sea.there, "pool", "bob", 999, 10),
    ])  # fmt: skip
    found = sea.crossings(ledger)
    assert sea.told(found) == LEAD
    assert found.frame["payer"].to_list() == [sea.account("ann")]


def test_the_span_narrows_deposits_and_never_what_answers_them(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 50),
        sea.paid(sea.here, "eve", "pool", 1_000_000, 40),
    ])  # fmt: skip
    found = sea.crossings(ledger.between(None, "2023-06-01T00:30"))
    assert sea.told(found) == [(NOT_MATCHED, RIVALS)]
    assert sea.told(sea.crossings(ledger.between("2023-06-02", None))) == []


class TestWhatIsAskedWrongly:
    def test_nobody_is_a_bridge(self, sea: Any) -> None:
        ledger = sea.ledger([])
        with pytest.raises(TraceError, match="no bridge is named"):
            sea.crossings(ledger, bridges={})
        with pytest.raises(ArgumentError, match="bridges"):
            sea.crossings(ledger, bridges=["0x12"])
        clash = {"hop": {"eth": [sea.account("pool")]}, "skip": {"eth": [sea.account("pool")]}}
        with pytest.raises(TraceError, match="hop and skip are both named for one address"):
            sea.crossings(ledger, bridges=clash)

    @pytest.mark.parametrize("fee", ["1", "-0.1", "x", "1/0"])
    def test_a_fee_that_is_none(self, sea: Any, fee: str) -> None:
        with pytest.raises(TraceError, match="share"):
            sea.crossings(sea.ledger([]), fee_at_most=fee)

    def test_a_fee_that_is_not_exact(self, sea: Any) -> None:
        with pytest.raises(ArgumentError, match="as text or fraction"):
            sea.crossings(sea.ledger([]), fee_at_most=0.01)

    def test_a_time_that_is_none(self, sea: Any) -> None:
        with pytest.raises(TraceError, match="above nothing"):
            sea.crossings(sea.ledger([]), within=timedelta(0))

    def test_an_asset_twice(self, sea: Any) -> None:
        with pytest.raises(TraceError, match="named twice"):
            sea.crossings(sea.ledger([]), assets=[sea.here, (sea.here, sea.there)])
        with pytest.raises(ArgumentError, match="assets"):
            sea.crossings(sea.ledger([]), assets=sea.here)


def test_tags_say_who_is_a_bridge_and_when(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
    ])  # fmt: skip
    found = sea.crossings(ledger, bridges=sea.tags(("pool", "hop", {}), ("cex", "cex", {
        "concept": "exchange"})))  # fmt: skip
    assert sea.told(found) == LEAD
    assert found.bridges.frame["actor"].unique().to_list() == ["hop"]
    ended = sea.tags(("pool", "hop", {"last_day": sea.day("2023-05-31")}))
    assert sea.crossings(ledger, bridges=ended).frame.is_empty()
    with pytest.raises(TraceError, match="no tag says that an address is a bridge"):
        sea.crossings(ledger, bridges=sea.tags(("cex", "cex", {"concept": "exchange"})))


def test_what_is_shown_masks_nobody_wrongly(sea: Any) -> None:
    """A row is of the chain of its own address: both sides print as addresses of theirs."""
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
    ])  # fmt: skip
    found = sea.crossings(ledger)
    plain, paid = found.plain(), found.plain("crossing_payouts")
    assert (plain["chain"][0], paid["chain"][0]) == ("eth", "base")
    assert plain["amount_coins"].to_list() == ["1"]
    assert paid["amount_coins"].to_list() == ["0.995"]
    case = cw.Case("ferry", "Where did it go?").add(found)
    names = {name for result, _ in case.whole() for name in result.tables()}
    assert {"crossings", "crossing_payouts", "deposits_at_bridges"} <= names
