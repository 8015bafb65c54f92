"""What a bridge logged leads to a payout of its own, or is an open end: never to whatever fits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from eth_abi.abi import decode, encode
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.tracing.crossings.messages.by_identifier import (
    BY_ID,
    CONTRADICTS,
    OPEN,
    OTHER_NAME,
    UNREAD,
)
from chainwatch.tracing.crossings.search import OWN_TABLE, TOLD_ALIKE, UNLOGGED
from chainwatch.tracing.crossings.tables import BY_AMOUNT, CROSSED, NOT_MATCHED

ledgers = module_of("tracing/crossings/messages/test_in_ledgers")
copies, PAID, ledger_of = ledgers.copies, ledgers.PAID, ledgers.ledger_of
burn, burnt, minted = ledgers.burn, ledgers.burnt, ledgers.minted
GUID = bytes(range(32))
RIGHT = [(CROSSED, BY_ID)]


@pytest.fixture
def logs(sea: Any) -> Any:
    return copies.Logs(sea)


def ask(sea: Any, paid: list[Any], logs: list[Any], **more: Any) -> cw.Crossings:
    silent = more.pop("silent", ())
    within = more.pop("within", timedelta(minutes=10))
    return sea.crossings(  # type: ignore[no-any-return]  # of a fixture
        ledger_of(sea, paid, logs, silent=silent), within=within, **more
    )


def paid_in(sea: Any, minute: int = 5, tx: str = "in") -> Any:
    return sea.paid(sea.here, "thief", "pool", PAID, minute, tx)


def paid_out(sea: Any, amount: int = 990_000, minute: int = 10, tx: str = "out") -> Any:
    return sea.paid(sea.there, "relayer", "mule", amount, minute, tx)


def mint(sea: Any, minute: int, tx: str = "out") -> Any:
    return sea.paid(sea.there, "0", "mule", PAID - 130, minute, tx, kind="erc20_mint")


def unrelated(sea: Any) -> Any:
    """Return a payout of the bridge to somebody else, that fits by amount and time."""
    return sea.paid(sea.there, "pool", "innocent", 990_000, 11, "other")


def oft_sent(amount: int = PAID, tx: str = "in", due: int | None = None, there: int = 30184) -> Any:
    data = encode(["uint32", "uint256", "uint256"], [there, amount, amount if due is None else due])
    return "eth", tx, "OFTSent", [GUID, copies.word("thief")], data


def oft_received(amount: int = PAID, tx: str = "out", source: int = 30101, by: str = "pool") -> Any:
    data = encode(["uint32", "uint256"], [source, amount])
    return "base", tx, "OFTReceived", [GUID, copies.word("mule")], data, by


class TestSentAlone:
    """A message was sent: its deposit went there, and no payout that fits by amount is asked."""

    @pytest.mark.parametrize(("silent", "reason"), [((), OPEN), (("base",), UNREAD)])
    def test_its_other_side_is_not_found(
        self, sea: Any, logs: Any, silent: tuple[str, ...], reason: str
    ) -> None:
        paid = [paid_in(sea), unrelated(sea)]
        for sent in (logs.deposit(), oft_sent(), burnt(burn("mule", PAID)),
                     logs.burnt(7, logs.burn("mule", PAID))):  # fmt: skip
            found = ask(sea, paid, [sent], silent=silent)
            assert sea.told(found) == [(NOT_MATCHED, reason)]

    def test_what_comes_after_the_last_block_was_not_read(self, sea: Any, logs: Any) -> None:
        found = ask(sea, [paid_in(sea)], [logs.deposit()], within=timedelta(hours=1))
        assert sea.told(found) == [(NOT_MATCHED, UNREAD)]

    def test_it_goes_to_a_chain_that_was_not_read(self, sea: Any) -> None:
        """Of a chain that has no name here too: its number is not that of one that was read."""
        paid = [paid_in(sea), unrelated(sea)]
        for sent in (burnt(burn("mule", PAID), there=3), burnt(burn("mule", PAID), there=999),
                     oft_sent(there=30110)):  # fmt: skip
            assert sea.told(ask(sea, paid, [sent])) == [(NOT_MATCHED, UNREAD)]

    def test_only_a_copy_with_other_terms_was_received(self, sea: Any, logs: Any) -> None:
        paid = [paid_in(sea), paid_out(sea), unrelated(sea)]
        found = ask(sea, paid, [logs.deposit(), logs.fill(until=9)])
        assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]

    def test_its_payout_may_be_what_fits_another_deposit(self, sea: Any, logs: Any) -> None:
        """One of which the other side is not found may have been paid by any that fits."""
        other = sea.paid(sea.here, "ann", "pool", PAID, 6, "plain")
        paid = [paid_in(sea), other, unrelated(sea)]
        found = ask(sea, paid, [logs.deposit()], silent=["base"])
        assert [result for result, _ in sea.told(found)] == [NOT_MATCHED] * 2
        alone = ask(sea, paid[1:], [], silent=["base"])
        assert sea.told(alone) == [(CROSSED, BY_AMOUNT)]

    def test_a_trace_ends_there(self, sea: Any, logs: Any) -> None:
        stolen = sea.paid(sea.here, "victim", "thief", PAID, 1, "theft")
        ledger = ledger_of(sea, [stolen, paid_in(sea), unrelated(sea)], [logs.deposit()])
        found = sea.crossings(ledger, within=timedelta(minutes=10))
        subject = [text(sea.account("thief"), "eth")]
        traced = cw.trace_across(ledger, subject, found, asset=sea.here, policy="fifo", leads=True)
        assert [one.asset for one in traced.legs] == [sea.here]


class TestOnce:
    """A message is sent once, received once, and a payout answers one deposit."""

    def named(self, sea: Any) -> pl.DataFrame:
        return pl.DataFrame([{"chain": "eth", "txid": sea.txid("in"), "scheme": "cctp",
                              "side": "sent", "id": (7).to_bytes(32, "big").hex()}])  # fmt: skip

    def test_what_a_nonce_names_is_of_no_other_burn(self, sea: Any) -> None:
        """The other one's mint was not read; the match rests on the nonce, which is said."""
        paid = [paid_in(sea, 0), paid_in(sea, 5, "in 2"), mint(sea, 15)]
        said = [burnt(burn("mule", PAID)), burnt(burn("mule", PAID), "in 2"),
                minted(7, burn("mule", PAID, 130))]  # fmt: skip
        found = ask(sea, paid, said, messages=self.named(sea))
        assert sea.told(found) == [(CROSSED, BY_ID), (NOT_MATCHED, OPEN)]
        assert found.limits == (OWN_TABLE,)

    def test_an_identifier_that_was_sent_twice(self, sea: Any, logs: Any) -> None:
        paid = [paid_in(sea), paid_in(sea, 6, "in 2"), paid_out(sea, PAID)]
        found = ask(sea, paid, [oft_sent(), oft_sent(tx="in 2"), oft_received()])
        assert sea.told(found) == [(NOT_MATCHED, OPEN)] * 2
        paid[-1] = paid_out(sea)
        found = ask(sea, paid, [logs.deposit(), logs.deposit(tx="in 2"), logs.fill()])
        assert sea.told(found) == [(NOT_MATCHED, OPEN)] * 2

    def test_an_identifier_that_was_received_twice(self, sea: Any, logs: Any) -> None:
        paid = [paid_in(sea), paid_out(sea, PAID), paid_out(sea, PAID, 11, "out 2")]
        found = ask(sea, paid, [oft_sent(), oft_received(), oft_received(tx="out 2")])
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]
        paid = [paid_in(sea), paid_out(sea), paid_out(sea, minute=11, tx="out 2")]
        found = ask(sea, paid, [logs.deposit(), logs.fill(), logs.fill(tx="out 2")])
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]

    def test_two_identifiers_of_one_deposit_pay_once(self, sea: Any, logs: Any) -> None:
        row = {"scheme": "layerzero", "id": "x"}
        both = pl.DataFrame([
            {"chain": "eth", "txid": sea.txid("in"), "side": "sent", **row},
            {"chain": "base", "txid": sea.txid("other"), "side": "received", **row},
        ])  # fmt: skip
        paid = [paid_in(sea), paid_out(sea), unrelated(sea)]
        found = ask(sea, paid, [logs.deposit(), logs.fill()], messages=both)
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]


class TestAlike:
    """A burn that logs no nonce is told by its words only where all like it were read."""

    said = (burnt(burn("mule", PAID)), minted(7, burn("mule", PAID, 130)))

    def test_where_the_logs_before_it_were_read(self, sea: Any) -> None:
        found = ask(sea, [paid_in(sea), mint(sea, 10)], [*self.said])
        assert sea.told(found) == RIGHT
        assert found.limits == (f"1 deposit is {TOLD_ALIKE}",)

    @pytest.mark.parametrize("silent", ["eth", "base"])
    def test_where_logs_of_a_side_were_not_read(self, sea: Any, silent: str) -> None:
        found = ask(sea, [paid_in(sea), mint(sea, 10)], [*self.said], silent=[silent])
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]

    def test_where_another_may_lie_before_the_first_block(self, sea: Any) -> None:
        found = ask(sea, [paid_in(sea), mint(sea, 10)], [*self.said], within=timedelta(hours=4))
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]

    def test_no_mint_comes_before_its_burn(self, sea: Any) -> None:
        found = ask(sea, [paid_in(sea, 29), mint(sea, 0)], [*self.said])
        assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]


class TestTerms:
    def test_what_layerzero_says_is_due_must_arrive(self, sea: Any) -> None:
        for amount in (PAID, 5):
            paid = [paid_in(sea), paid_out(sea, amount)]
            found = ask(sea, paid, [oft_sent(due=amount), oft_received(amount)])
            assert sea.told(found) == RIGHT
            found = ask(sea, paid, [oft_sent(due=amount + 1), oft_received(amount)])
            assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]

    def test_both_sides_name_the_chain_of_the_other(self, sea: Any, logs: Any) -> None:
        paid = [paid_in(sea), paid_out(sea, PAID)]
        for source in (999, 30110):
            found = ask(sea, paid, [oft_sent(), oft_received(source=source)])
            assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]
        found = ask(sea, paid, [oft_sent(there=30110), oft_received()])
        assert sea.told(found) == [(NOT_MATCHED, UNREAD)]
        body = logs.burn("mule", PAID)
        sent, got = logs.burnt(7, body), logs.minted(7, body, "out")
        assert sea.told(ask(sea, paid, [sent, got])) == RIGHT
        [message] = decode(["bytes"], sent[-1])
        away = message[:8] + (3).to_bytes(4, "big") + message[12:]
        found = ask(sea, paid, [(*sent[:-1], encode(["bytes"], [away])), got])
        assert sea.told(found) == [(NOT_MATCHED, UNREAD)]

    def test_an_amount_wider_than_any_that_is_kept(self, sea: Any) -> None:
        paid = [paid_in(sea), paid_out(sea, PAID)]
        wide = 2**256 - 1
        for said in ([oft_sent(wide, due=PAID), oft_received()], [oft_sent(), oft_received(wide)]):
            assert sea.told(ask(sea, paid, said)) == [(NOT_MATCHED, CONTRADICTS)]

    def test_a_logged_payout_that_failed(self, sea: Any) -> None:
        paid = [paid_in(sea), paid_out(sea, PAID)._replace(more={"success": False})]
        found = ask(sea, paid, [oft_sent(), oft_received()])
        assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]


class TestWhoseContract:
    def test_one_bridge_under_two_names(self, sea: Any) -> None:
        pool = [sea.account("pool")]
        paid = [paid_in(sea), paid_out(sea, PAID)]
        found = ask(sea, paid, [oft_sent(), oft_received()],
                    bridges={"hop": {"eth": pool}, "skip": {"base": pool}})  # fmt: skip
        assert sea.told(found) == [(NOT_MATCHED, OTHER_NAME)]

    @pytest.mark.parametrize(
        ("last", "told"), [("2022-01-01", (NOT_MATCHED, OPEN)), ("2023-06-01", RIGHT[0])]
    )
    def test_a_contract_counts_on_the_days_of_its_tag(
        self, sea: Any, last: str, told: tuple[str, str]
    ) -> None:
        """The day of the transfers is the first of June 2023."""
        tags = sea.tags(("pool", "hop", {}), ("old", "hop", {"last_day": sea.day(last)}))
        paid = [paid_in(sea), paid_out(sea, PAID)]
        found = ask(sea, paid, [oft_sent(), oft_received(by="old")], bridges=tags)
        assert sea.told(found) == [told]

    def test_it_is_said_where_the_bridge_itself_paid_nothing(self, sea: Any, logs: Any) -> None:
        found = ask(sea, [paid_in(sea), paid_out(sea)], [logs.deposit()], silent=["base"])
        assert found.limits == (f"On base {UNLOGGED}",)
