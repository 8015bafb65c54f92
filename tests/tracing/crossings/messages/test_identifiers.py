"""What memos and messages say comes first, and what they leave open is not guessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.matching import NONE_FITS
from chainwatch.tracing.crossings.messages.by_identifier import (
    BY_ID,
    BY_MEMO,
    CONTRADICTS,
    OPEN,
    UNREAD,
)
from chainwatch.tracing.crossings.messages.identifiers import SCHEMES, messages_of
from chainwatch.tracing.crossings.messages.memos import memo_of_script, pushed, read_memo
from chainwatch.tracing.crossings.tables import (
    BY_AMOUNT,
    CROSSED,
    GIVEN_BACK,
    NOT_MATCHED,
    PAYER_UNREAD,
    SAME_CHAIN,
)

BTC = chain_of("btc-regtest").id
ETHER = native("eth")


def memo(words: str) -> tuple[str, int, str]:
    """Return an OP_RETURN output that carries a memo."""
    return f"\x6a{chr(len(words))}{words}", 0, "null_data"


@pytest.fixture
def swap(sea: Any, desk: Any) -> Callable[..., cw.Crossings]:
    """Return what becomes of a deposit of ether that a vault of bitcoin may answer."""

    def ask(out: list[Any], *, inside: str = "", payer: str = "vault", **more: Any) -> cw.Crossings:
        ether = sea.ledger([
            sea.paid(ETHER, "ann", "vault", 10**18, 30, "deposit"),
            *more.pop("also", []),
        ], read=[("vault", "")])  # fmt: skip
        coins: Ledger = desk.coins([
            {"id": "mined", "ins": [], "outs": [(payer, 50_000)]},
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(5)),
            {"id": "paid out", "ins": [("mined", 0)], "outs": out},
        ])  # fmt: skip
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        given = {"bridges": vaults, "assets": [ETHER, native("btc-regtest")]}
        return cw.crossings([ether, coins], **(given | more))

    return ask


def hash_of(sea: Any) -> str:
    return txid_text(sea.txid("deposit"), "eth").removeprefix("0x").upper()


def first(found: cw.Crossings) -> tuple[str, str | None]:
    row = found.frame.row(by_predicate=pl.col("chain") == ETHER.chain, named=True)
    return row["result"], row["evidence"] or row["reason"]


def test_a_payout_bears_the_hash_of_what_was_paid_in(sea: Any, desk: Any, swap: Any) -> None:
    found = swap([("bob", 9_000), ("vault", 40_000), memo(f"OUT:{hash_of(sea)}")])
    assert first(found) == (CROSSED, BY_MEMO)
    out = found.payouts.row(0, named=True)
    assert (out["receiver"], int(out["amount"]), out["chain"]) == (desk.coin("bob"), 9_000, BTC)
    assert out["identifier"] == f"thorchain {hash_of(sea).lower()}"
    assert found.leads == 0
    assert "is a lead" not in "\n".join(found.lines())


@pytest.mark.parametrize("words", ["OUT:", "OUT:" + "F" * 64, "OUT:1234", "out of gas", "=:X:Y"])
def test_a_memo_that_names_no_deposit_here_matches_nothing(sea: Any, swap: Any, words: str) -> None:
    found = swap([("bob", 9_000), memo(words)])
    assert first(found)[0] == NOT_MATCHED


def test_a_memo_counts_only_where_the_vault_itself_signed(sea: Any, swap: Any) -> None:
    """Anybody can write a hash into a transaction of his own."""
    found = swap([("bob", 9_000), memo(f"OUT:{hash_of(sea)}")], payer="mallory")
    assert first(found)[0] == NOT_MATCHED


def test_several_payments_beside_one_memo_leave_it_open(sea: Any, swap: Any) -> None:
    found = swap([("bob", 9_000), ("cid", 8_000), memo(f"OUT:{hash_of(sea)}")])
    assert first(found) == (NOT_MATCHED, OPEN)


def test_several_deposits_in_one_transaction_leave_it_open(sea: Any, swap: Any) -> None:
    also = [sea.paid(ETHER, "eve", "vault", 10**17, 30, "deposit", kind="internal",
                     trace_path="0")]  # fmt: skip
    found = swap([("bob", 9_000), memo(f"OUT:{hash_of(sea)}")], also=also)
    assert found.frame.filter(chain=ETHER.chain)["reason"].to_list() == [OPEN, OPEN]


class TestPaidInByCoins:
    """A memo beside a deposit says whom the payer wants paid; the answer lies elsewhere."""

    def ask(
        self, sea: Any, desk: Any, words: str, out: list[dict[str, Any]], **more: Any
    ) -> cw.Crossings:
        coins = desk.coins([
            {"id": "mined", "ins": [], "outs": [("ann", 50_000)]},
            {"id": "paid in", "ins": [("mined", 0)], "outs": [
                ("vault", 9_000), ("ann", 40_000), memo(words)]},
            {"id": "given back", "ins": [("paid in", 0)], "outs": [("ann", 8_500), *more.pop(
                "beside", [])]},
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(40)),
        ])  # fmt: skip
        ether = sea.ledger([
            sea.paid(ETHER, "vault", "bob", 10**17, 30, "out"),
            sea.paid(ETHER, "vault", "cid", 10**16, 31, "out"),
        ], read=[("vault", "")])  # fmt: skip
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        rows = [
            {"chain": "eth", "txid": sea.txid("out"), "id": txid_text(desk.txid("paid in"), BTC),
             "side": "received", "scheme": "thorchain", **one}
            for one in out
        ]  # fmt: skip
        given = {"bridges": vaults, "assets": [ETHER, native("btc-regtest")]}
        return cw.crossings(
            [ether, coins], messages=pl.DataFrame(rows) if rows else None, **(given | more)
        )

    def test_the_memo_says_which_of_two_payments_is_meant(self, sea: Any, desk: Any) -> None:
        for name, amount in (("bob", 10**17), ("cid", 10**16)):
            words = f"=:ETH.ETH:{text(sea.account(name), 'eth')}:0"
            found = self.ask(sea, desk, words, [{}])
            assert found.frame["result"].to_list() == [CROSSED]
            out = found.payouts.row(0, named=True)
            assert (out["receiver"], int(out["amount"])) == (sea.account(name), amount)

    def test_a_payment_to_another_than_the_memo_names_contradicts_it(
        self, sea: Any, desk: Any
    ) -> None:
        words = f"=:ETH.ETH:{text(sea.account('eve'), 'eth')}:0"
        found = self.ask(sea, desk, words, [{}])
        assert found.frame["reason"].to_list() == [CONTRADICTS]

    def test_a_name_instead_of_an_address_tells_nothing(self, sea: Any, desk: Any) -> None:
        found = self.ask(sea, desk, "=:e:wallet.name:0", [{}])
        assert found.frame["reason"].to_list() == [OPEN]

    def test_what_is_given_back(self, sea: Any, desk: Any) -> None:
        hash_ = txid_text(desk.txid("paid in"), BTC).upper()
        found = self.ask(sea, desk, "=:e:wallet.name:0", [], beside=[memo(f"REFUND:{hash_}")])
        assert found.frame["result"].to_list() == [GIVEN_BACK]
        assert found.payouts["receiver"].to_list() == [desk.coin("ann")]
        swapped = self.ask(sea, desk, "=:e:wallet.name:0", [], beside=[memo(f"OUT:{hash_}")])
        assert swapped.frame["result"].to_list() == [SAME_CHAIN]


class TestMessages:
    """A table of what bridges logged."""

    def rows(self, sea: Any) -> list[Any]:
        return [
            sea.paid(sea.here, "ann", "pool", 1_000, 0, "in"),
            sea.paid(sea.here, "eve", "pool", 1_000, 0, "in too"),
            sea.paid(sea.there, "pool", "bob", 999, 10, "out"),
            sea.paid(sea.there, "pool", "cid", 999, 11, "out too"),
        ]

    def sides(self, sea: Any, *rows: tuple[Any, ...]) -> pl.DataFrame:
        """Return messages ``(chain, transaction, id, side[, more])`` of CCTP."""
        return pl.DataFrame(
            {"chain": chain, "txid": txid_text(sea.txid(tx), chain), "id": id_, "side": side,
             "scheme": "cctp", **(more[0] if more else {})}
            for chain, tx, id_, side, *more in rows
        )  # fmt: skip

    def test_they_tell_apart_what_amounts_cannot(self, sea: Any) -> None:
        """Two equal deposits and two equal payouts, crosswise."""
        said = self.sides(
            sea, ("eth", "in", "0:7", "sent"), ("base", "out too", "0:7", "received"),
            ("eth", "in too", "0:8", "sent"), ("base", "out", "0:8", "received"),
        )  # fmt: skip
        found = sea.crossings(sea.ledger(self.rows(sea)), messages=said)
        assert sea.told(found) == [(CROSSED, BY_ID)] * 2
        assert found.payouts["receiver"].to_list() == [sea.account("cid"), sea.account("bob")]
        assert found.payouts["identifier"].to_list() == ["cctp 0:7", "cctp 0:8"]

    def test_what_one_explains_is_no_candidate_of_the_other(self, sea: Any) -> None:
        said = self.sides(sea, ("eth", "in", "0:7", "sent"), ("base", "out too", "0:7", "received"))
        found = sea.crossings(sea.ledger(self.rows(sea)), messages=said)
        assert sea.told(found) == [(CROSSED, BY_ID), (CROSSED, BY_AMOUNT)]
        elsewhere = self.sides(
            sea, ("base", "out", "0:9", "received"), ("base", "out too", "0:10", "received")
        )
        found = sea.crossings(sea.ledger(self.rows(sea)), messages=elsewhere)
        assert sea.told(found) == [(NOT_MATCHED, NONE_FITS)] * 2

    def test_one_that_leads_to_what_was_not_read_is_no_licence_to_guess(self, sea: Any) -> None:
        said = self.sides(
            sea, ("eth", "in", "0:7", "sent"), ("base", "never read", "0:7", "received")
        )
        rows = [self.rows(sea)[0], self.rows(sea)[2]]
        assert sea.told(sea.crossings(sea.ledger(rows))) == [(CROSSED, BY_AMOUNT)]
        found = sea.crossings(sea.ledger(rows), messages=said)
        assert sea.told(found) == [(NOT_MATCHED, UNREAD)]

    def test_tokens_that_are_newly_made_are_payouts_where_a_message_says_so(self, sea: Any) -> None:
        rows = [
            sea.paid(sea.here, "ann", "pool", 1_000, 0, "in"),
            sea.paid(sea.there, "0", "bob", 990, 10, "out", kind="erc20_mint"),
            sea.paid(sea.there, "0", "fee", 10, 10, "out", kind="erc20_mint"),
        ]
        sides = [("eth", "in", "0:7", "sent"), ("base", "out", "0:7", "received")]
        open_ = sea.crossings(sea.ledger(rows), messages=self.sides(sea, *sides))
        assert sea.told(open_) == [(NOT_MATCHED, OPEN)]
        sides[1] = ("base", "out", "0:7", "received", {"amount": 990})
        sides[0] = ("eth", "in", "0:7", "sent", {"amount": None})
        found = sea.crossings(sea.ledger(rows), messages=self.sides(sea, *sides))
        assert sea.told(found) == [(CROSSED, BY_ID)]
        assert found.payouts["receiver"].to_list() == [sea.account("bob")]

    def test_a_relayer_pays_from_a_wallet_of_its_own(self, sea: Any) -> None:
        rows = [
            sea.paid(sea.here, "ann", "pool", 1_000, 0, "in"),
            sea.paid(sea.there, "relayer", "bob", 990, 10, "out"),
        ]
        to = {"receiver": text(sea.account("bob"), "base")}
        sides = self.sides(
            sea, ("eth", "in", "1:5", "sent", {"receiver": None}),
            ("base", "out", "1:5", "received", to),
        )  # fmt: skip
        found = sea.crossings(sea.ledger(rows), messages=sides)
        assert sea.told(found) == [(CROSSED, BY_ID)]
        assert found.payouts["address"].to_list() == [sea.account("relayer")]

    def test_a_payout_before_its_deposit_contradicts_it(self, sea: Any) -> None:
        rows = [
            sea.paid(sea.here, "ann", "pool", 1_000, 200, "in"),
            sea.paid(sea.there, "pool", "bob", 990, 10, "out"),
        ]
        said = self.sides(sea, ("eth", "in", "0:7", "sent"), ("base", "out", "0:7", "received"))
        found = sea.crossings(sea.ledger(rows), messages=said)
        assert sea.told(found) == [(NOT_MATCHED, CONTRADICTS)]

    @pytest.mark.parametrize(("stated", "told"), [(999, True), (998, False), (10**40, False)])
    def test_a_payment_of_another_amount_than_is_stated_contradicts_it(
        self, sea: Any, stated: int, *, told: bool
    ) -> None:
        """To the unit; and what bears an identifier is no candidate of another deposit."""
        rows = self.rows(sea)[:3]
        said = self.sides(
            sea, ("eth", "in", "0:7", "sent", {"amount": None}),
            ("base", "out", "0:7", "received", {"amount": str(stated)}),
        )  # fmt: skip
        if stated >= 10**38:
            with pytest.raises(InputError, match="row 2"):
                sea.crossings(sea.ledger(rows), messages=said)
            return
        found = sea.crossings(sea.ledger(rows), messages=said)
        first = (CROSSED, BY_ID) if told else (NOT_MATCHED, CONTRADICTS)
        assert sea.told(found) == [first, (NOT_MATCHED, NONE_FITS)]

    def test_a_message_counts_in_any_spelling_and_once(self, sea: Any) -> None:
        said = self.sides(
            sea, ("eth", "in", "0xAB", "sent"), ("base", "out", "ab", "received"),
            ("base", "out", " AB ", "received"),
        )  # fmt: skip
        found = sea.crossings(sea.ledger(self.rows(sea)), messages=said)
        assert sea.told(found)[0] == (CROSSED, BY_ID)
        assert found.payouts.filter(crossing=0).height == 1

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"side": "in"}, "side 'in' at row 1 of the table of messages; write one of sent"),
            ({"scheme": "telepathy"}, "scheme 'telepathy'"),
            ({"id": "  "}, "a message without an id at row 1"),
            ({"amount": 998.5}, "the amount '998.5' at row 1"),
            ({"amount": "-1"}, "the amount '-1'"),
        ],
    )
    def test_a_row_that_does_not_fit_is_named(
        self, sea: Any, change: dict[str, Any], told: str
    ) -> None:
        row = {"chain": "eth", "txid": "0x" + "ab" * 32, "id": "7", "side": "sent"}
        with pytest.raises(InputError, match=told):
            messages_of(pl.DataFrame([row | change]))
        with pytest.raises(InputError, match="has no column 'side'"):
            messages_of(pl.DataFrame([row]).drop("side"))
        with pytest.raises(AddressError):
            messages_of(pl.DataFrame([row | {"txid": "seven"}]))


def test_a_payer_that_was_not_read_may_be_the_bridge_itself(sea: Any, desk: Any) -> None:
    coins = desk.coins([
        {"id": "mined", "ins": [], "outs": [("miner", 1)]},
        {"id": "in", "ins": [("?",)], "outs": [("vault", 9_000)]},
    ])  # fmt: skip
    vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
    found = cw.crossings(
        [coins, sea.ledger([])], bridges=vaults, assets=[(ETHER, native("btc-regtest"))]
    )
    assert found.frame["reason"].to_list() == [PAYER_UNREAD]


class TestMemos:
    def test_swaps_say_whom_to_pay(self) -> None:
        for words in ("=:BTC.BTC:bc1qx:1:t:30", "SWAP:BTC.BTC:bc1qx", "s:b:bc1qx/0x7a"):
            found = read_memo(words)
            assert found is not None
            assert (found.kind, found.destination) == ("swap", "bc1qx")

    @pytest.mark.parametrize("words", ["", "hello", "=", "ADD:BTC.BTC", "OUT:xyz", "REFUND:"])
    def test_other_words_are_none(self, words: str) -> None:
        assert read_memo(words) is None

    def test_pushes_of_every_size_are_read_and_cut_ones_are_not(self) -> None:
        data = b"OUT:" + b"ab" * 32
        whole = [
            b"\x6a\x44" + data, b"\x6a\x4c\x44" + data, b"\x6a\x4d\x44\x00" + data,
            b"\x6a\x4e\x44\x00\x00\x00" + data, b"\x6a\x02" + data[:2] + b"\x42" + data[2:],
        ]  # fmt: skip
        for script in whole:
            assert pushed(script) == data
            found = memo_of_script(script)
            assert found is not None
            assert found.paid_in == "ab" * 32
        for script in (b"", b"\x51", whole[0][:-1], b"\x6a\x4d\x44", b"\x6a\x76", b"\x6a\x01\xff"):
            assert memo_of_script(script) is None


def test_every_scheme_says_what_its_identifier_is_and_who_says_so() -> None:
    assert len({one.name for one in SCHEMES}) == len(SCHEMES)
    assert all(one.identifier and one.source for one in SCHEMES)
