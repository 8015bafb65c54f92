"""Custody: who passes all on to one service, and all that speaks against saying so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from account_histories import minutes

from chainwatch.addresses.assets import native
from chainwatch.errors import TraceError
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ledger.balances import BEGUN, BROKEN
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.custody.sweeps import BESIDE
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.stops import HOSTED, ONE_DESTINATION
from chainwatch.tracing.trace import trace

START = datetime(2023, 6, 1, tzinfo=UTC)
"""When the first transfer of a ledger of these tests was made; the others follow by the minute."""

COIN = native("btc-regtest")
SWEPT_TWICE = (("o", "d", 10), ("d", "s", 4), ("d", "s", 6))


def accounts(desk: Any, rows: Any, *tags: Any, read: str = "dexs", **more: Any) -> Hosted:
    ledger = desk.paid(rows, read=read, complete=None) if isinstance(rows, list) else rows
    named = desk.tags(*(tags or (("s", "shop"), ("t", "shop"))), chain=desk.asset.chain)
    return hosted(ledger, named, asset=desk.asset, **more)


def coins(desk: Any, txs: Any, *tags: Any, **more: Any) -> Hosted:
    ledger = desk.coins(txs) if isinstance(txs, list) else txs
    return hosted(ledger, desk.tags(*(tags or (("s", "shop"),))), asset=COIN, **more)


def names(found: Hosted) -> str:
    return "".join(address[1:].decode().lstrip(".") for address in found.frame["address"])


def tx(name: str, ins: list[Any], *outs: Any) -> dict[str, Any]:
    return {"id": name, "ins": ins, "outs": list(outs)}


class TestAccounts:
    DEPOSIT = (("o", "d", 10), ("d", "s", 6), ("p", "d", 10), ("d", "t", 14))

    def test_a_deposit_address_and_its_evidence(self, desk: Any) -> None:
        found = accounts(desk, list(self.DEPOSIT))
        row = found.frame.row(0, named=True)
        assert (row["address"], row["service"]) == (desk.account("d"), "shop")
        assert (int(row["received"]), int(row["forwarded"])) == (20, 20)
        assert (row["sweeps"], row["receipts"], row["certainty"]) == (2, 2, "undecided")
        assert row["evidence"] == (
            "all 2 payments, 20 TOK of 20 TOK received, went to shop wallet;"
            " nothing that was read shows whether the service holds its keys or somebody who cashes"
            " out there; the source does not claim to hold all of its transfers"
        )

    def test_a_claim_of_completeness_is_heard(self, desk: Any) -> None:
        ledger = desk.paid(list(self.DEPOSIT), read="d", complete=True)
        assert "claim" not in accounts(desk, ledger).frame["evidence"][0]

    @pytest.mark.parametrize(
        ("spans", "why"),
        [
            ([(None, None)], ""),
            ([(None, 2), (1, None)], ""),
            ([(None, 1), (2, None)], BROKEN),  # a payment between the two may be unread
            ([(None, 2)], BROKEN),
            ([(1, None)], BROKEN),
            ([(0, None)], BEGUN),
        ],
    )
    def test_a_hole_in_what_was_read_is_said(
        self, desk: Any, spans: list[tuple[int | None, int | None]], why: str
    ) -> None:
        """Two whole readings with a hole between them do not hold every payment."""
        ledger = desk.paid(list(self.DEPOSIT))
        units = [
            {
                "chain": desk.asset.chain, "unit": f"dump/{n}", "kind": "address",
                "source": "test", "address": desk.account("d"), "answer": bytes(32),
                "complete": True, "from_time": minutes(START, first),
                "to_time": minutes(START, last),
            }
            for n, (first, last) in enumerate(spans)
        ]  # fmt: skip
        coverage = pl.DataFrame(units, schema=ledger.frames["coverage"].schema)
        read = Ledger.from_tables({**ledger.frames, "coverage": coverage})
        evidence = accounts(desk, read).frame["evidence"][0]
        assert evidence.endswith(f"; {why}" if why else "who cashes out there")

    def test_a_claim_for_another_asset_says_nothing(self, desk: Any) -> None:
        other = desk.account("other")
        ledger = desk.paid(list(self.DEPOSIT), read="d", complete=True, read_contract=other)
        assert accounts(desk, ledger).frame.is_empty()

    def test_a_single_payment_straight_to_the_hot_wallet_shows_nothing(self, desk: Any) -> None:
        """Somebody who pays out once to an exchange looks the same: it is listed, and no stop."""
        rows = [("o", "d", 10), ("d", "s", 10)]
        found = accounts(desk, rows)
        assert names(found) == ""
        assert found.few["evidence"][0].startswith("its only payment, 10 TOK of 10 TOK")
        told = " ".join(map(str, found.findings(NOBODY)[0].text))
        assert "1 more address did so in too few payments to show anything" in told
        assert found.roles().customers == set()
        assert found.roles().doubtful == {(desk.asset.chain, desk.account("d"))}

    def test_a_trace_goes_on_behind_one_sweep_and_stops_at_two(self, desk: Any) -> None:
        once = [("o", "a", 10), ("a", "d", 10), ("d", "s", 10)]
        twice = [*once, ("a", "d", 7), ("o", "d", 3), ("d", "s", 10)]
        for rows, at in ((once, "s"), (twice, "d")):
            ledger = desk.paid(rows, read="ad")
            services = desk.tags(("s", "shop"), chain=desk.asset.chain)
            hosts = hosted(ledger, services, asset=desk.asset)
            got = trace(ledger, [desk.account("a")], policy=fifo, stop=[services, hosts],
                        asset=desk.asset)  # fmt: skip
            assert [end for end in desk.ends(got) if end[0] in (HOSTED, ONE_DESTINATION)] == [
                (HOSTED if at == "s" else ONE_DESTINATION, at)
            ]
        assert names(accounts(desk, twice, read="ad")) == "d"
        assert names(accounts(desk, twice, read="ad", min_sweeps=3)) == ""

    @pytest.mark.parametrize(
        "more",
        [
            [("d", "x", 1)],  # it paid somebody else
            [("d", "u", 1)],  # another service
            [("d", "x", None)],  # somebody else, an unknown amount
            [("d", "s", None)],  # the service, an unknown amount
            [("o", "d", None)],  # it received an unknown amount
            [("o", "d", 1, 0)],  # more than a fiftieth stayed
        ],
    )
    def test_what_speaks_against_it(self, desk: Any, more: list[Any]) -> None:
        tags = (("s", "shop"), ("t", "shop"), ("u", "other"))
        assert names(accounts(desk, list(self.DEPOSIT), *tags)) == "d"
        assert names(accounts(desk, [*self.DEPOSIT, *more], *tags)) == ""

    @pytest.mark.parametrize(
        "more",
        [
            [("d", "x", 0)],  # anybody can write a transfer of nothing
            [("d", "x", 5, None, {"success": False})],
            [("d", "d", 5)],
            [("d", "x", 5, None, {"contract": b"\x10" + bytes(19) + b"\x01"})],
        ],
    )
    def test_what_does_not(self, desk: Any, more: list[Any]) -> None:
        assert names(accounts(desk, [*self.DEPOSIT, *more])) == "d"

    @pytest.mark.parametrize(("forwarded", "found"), [(979, ""), (980, "d"), (1000, "d")])
    def test_the_share_is_exact(self, desk: Any, forwarded: int, found: str) -> None:
        for unit in (1, 10**33):
            half = forwarded * unit // 2
            rows = [("o", "d", 1000 * unit), ("d", "s", half), ("d", "s", forwarded * unit - half)]
            assert names(accounts(desk, rows)) == found

    def test_more_paid_than_received_is_said(self, desk: Any) -> None:
        found = accounts(desk, [("o", "d", 10), ("d", "s", 5), ("d", "s", 20)])
        assert "it paid 15 TOK more than was read to come in" in found.frame["evidence"][0]

    def test_who_was_not_read_or_received_nothing_is_not_judged(self, desk: Any) -> None:
        rows = [("o", "n", 9), ("n", "s", 4), ("n", "s", 5), ("e", "s", 9), ("e", "s", 9)]
        assert names(accounts(desk, rows)) == ""
        assert names(accounts(desk, rows, read="ne")) == "n"

    def test_a_history_of_another_token_is_none(self, desk: Any) -> None:
        ledger = desk.paid(list(self.DEPOSIT), read="d", read_contract=desk.account("spam"))
        assert names(accounts(desk, ledger)) == ""

    def test_the_services_own_wallets_are_no_deposits(self, desk: Any) -> None:
        rows = [*self.DEPOSIT, ("s", "t", 6)]
        assert names(accounts(desk, rows)) == "d"

    def test_a_wallet_of_two_services_is_nobodys(self, desk: Any) -> None:
        rows = list(SWEPT_TWICE)
        assert names(accounts(desk, rows, ("s", "shop"), ("s", "other"))) == ""
        surer = ("s", "other", "exchange", {"level": 60})
        assert accounts(desk, rows, ("s", "shop"), surer).frame["service"].to_list() == ["other"]

    def test_a_mixer_or_a_campaign_hosts_nobody(self, desk: Any) -> None:
        rows = list(SWEPT_TWICE)
        assert names(accounts(desk, rows, ("s", "shop"))) == "d"
        for concept in ("mixing_service", "donation", "vendor"):
            assert names(accounts(desk, rows, ("s", "shop", concept))) == ""

    def test_a_tag_that_did_not_hold_then_names_nobody(self, desk: Any) -> None:
        rows = list(SWEPT_TWICE)
        for days in ({"first_day": date(2023, 6, 2)}, {"last_day": date(2023, 5, 31)}):
            assert names(accounts(desk, rows, ("s", "shop", "exchange", days))) == ""

    def test_lures_stand_on_neither_side(self, desk: Any) -> None:
        rows = [("pp.........xxxx", "d", 10), ("qq.........xxxx", "d", 1), ("d", "s", 4)]
        rows += [("d", "s", 6)]
        found = accounts(desk, rows, poisoning=poisoning(2), min_share=1000)
        assert found.frame["received"].cast(pl.Int64).to_list() == [10]
        assert names(accounts(desk, rows, min_share=1000)) == ""

    def test_a_span_does_not_hide_what_speaks_against_it(self, desk: Any) -> None:
        ledger = desk.paid([*self.DEPOSIT, ("d", "x", 1)], read="d")
        assert names(accounts(desk, ledger.between(None, "2023-06-01T00:04"))) == ""


class TestCoins:
    IN = (tx("in", [], ("d", 10), ("e", 10), ("x", 10)),)
    AGAIN = (tx("more", [], ("d", 5)), tx("again", [("more", 0)], ("s", 5)))

    def test_swept_alone_and_together(self, desk: Any) -> None:
        txs = [*self.IN, tx("sweep", [("in", 0), ("in", 1)], ("s", 19))]
        assert names(coins(desk, txs)) == ""
        assert coins(desk, txs).few["evidence"][0].startswith("its only payment, 0.0000001 rBTC of")
        txs += [
            tx("more", [], ("d", 5), ("e", 5)),
            tx("again", [("more", 0), ("more", 1)], ("s", 9)),
        ]
        found = coins(desk, txs)
        assert names(found) == "de"
        assert found.frame["evidence"][0].startswith("all 2 payments, 0.00000015 rBTC of")
        assert "unread" not in found.frame["evidence"][0]

    @pytest.mark.parametrize(
        "outs",
        [
            [("s", 9), ("d", 1)],  # change to itself
            [("s", 9), ("f", 1)],  # change to a fresh address
            [("s", 9), ("k", 1, "p2pk")],  # somebody without an address
            [("s", 9), ("u", 1)],  # two services at once
            [("x", 9)],
        ],
    )
    def test_what_speaks_against_it(self, desk: Any, outs: list[Any]) -> None:
        tags = (("s", "shop"), ("u", "other"))
        txs = [*self.IN, tx("sweep", [("in", 0)], *outs), *self.AGAIN]
        assert names(coins(desk, txs, *tags)) == ""

    def test_an_op_return_pays_nobody(self, desk: Any) -> None:
        sweep = tx("sweep", [("in", 0)], ("s", 9), ("note", 0, "null_data"))
        assert names(coins(desk, [*self.IN, sweep, *self.AGAIN])) == "d"

    def test_who_ever_paid_elsewhere_is_not_hosted(self, desk: Any) -> None:
        txs = [tx("in", [], ("d", 10), ("d", 10)), tx("sweep", [("in", 0)], ("s", 10)), *self.AGAIN]
        assert names(coins(desk, txs, min_share=500)) == "d"
        assert names(coins(desk, [*txs, tx("pay", [("in", 1)], ("x", 9))], min_share=500)) == ""

    def test_a_span_does_not_hide_it(self, desk: Any) -> None:
        txs = [tx("in", [], ("d", 10), ("d", 10)), tx("sweep", [("in", 0)], ("s", 10)), *self.AGAIN]
        assert names(coins(desk, txs, min_share=500)) == "d"
        ledger = desk.coins([*txs, tx("pay", [("in", 1)], ("x", 9))])
        assert names(coins(desk, ledger.between(None, "2023-06-01T00:35"), min_share=500)) == ""

    def test_what_is_unspent_counts_as_received(self, desk: Any) -> None:
        txs = [tx("in", [], ("d", 10), ("d", 10)), tx("sweep", [("in", 0)], ("s", 10)), *self.AGAIN]
        assert names(coins(desk, txs)) == ""

    @pytest.mark.parametrize("how", ["gap", "input"])
    def test_reading_that_leaves_gaps_is_said(self, desk: Any, how: str) -> None:
        sweep = tx("sweep", [("in", 0)], ("s", 10))
        last = [tx("more", [], ("d", 5)), tx("again", [("more", 0)], ("s", 5))]
        more = tx("other", [("?",)], ("x", 1)) if how == "input" else tx("other", [], ("x", 1))
        ledger = desk.coins([*self.IN, sweep, *last, more], unlinked=[4] if how == "gap" else [])
        assert "are unread" in coins(desk, ledger).frame["evidence"][0]

    @pytest.mark.parametrize(
        ("table", "gone"),
        [("outputs", "q"), ("outputs", "s"), ("inputs", "e"), ("outputs", "note")],
    )
    def test_a_payment_of_which_not_every_row_was_read_is_not_judged(
        self, desk: Any, table: str, gone: str
    ) -> None:
        """What is lacking may be change, or a coin of somebody who pays elsewhere."""
        change = [("q", 4)] if gone == "q" else [("note", 0, "null_data")]
        txs = [
            tx("in", [], ("d", 10), ("d", 10), ("e", 1), ("e", 1)),
            tx("sweep", [("in", 0), ("in", 2)], ("s", 6), *change),
            tx("again", [("in", 1), ("in", 3)], ("s", 6), *change),
        ]
        ledger = desk.coins(txs)
        assert names(coins(desk, ledger)) == ("" if gone == "q" else "de")
        rows = ledger.frames[table]
        first = pl.col("tx") == rows["tx"].max()
        mine = pl.col("address").eq_missing(None if gone == "note" else desk.coin(gone))
        lacking = Ledger.from_tables({**ledger.frames, table: rows.filter(~(first & mine))})
        assert names(coins(desk, lacking)) == ""
        both = Ledger.from_tables(
            {**ledger.frames, table: rows.filter((pl.col("tx") == rows["tx"].min()) | ~mine)}
        )
        assert names(coins(desk, both)) == ""

    def test_with_whom_it_spends_together_may_be_unread(self, desk: Any) -> None:
        txs = [*self.IN, tx("sweep", [("in", 0), ("?",)], ("s", 19)), *self.AGAIN]
        assert coins(desk, txs).frame["evidence"][0].endswith(BESIDE)

    def test_nobody_is_hosted_without_tags(self, desk: Any) -> None:
        empty = desk.tags(("s", "shop")).where(concept="market")
        found = hosted(desk.coins(list(self.IN)), empty, asset=COIN)
        assert found.frame.is_empty()
        assert repr(found) == (
            "Hosted(0 probable deposit addresses: none; custody undecided of 0: none)"
        )


@pytest.mark.parametrize("more", [{"min_share": 0}, {"min_share": 1001}, {"min_sweeps": 1}])
def test_what_makes_no_sense_is_refused(desk: Any, more: dict[str, int]) -> None:
    with pytest.raises(TraceError, match="per mille"):
        accounts(desk, [("o", "d", 1)], **more)
