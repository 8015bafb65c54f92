"""Who is followed: addresses in any form, of one chain; and what is asked back where unclear."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import text
from chainwatch.errors import AddressError, ChainError, InputError, TraceError
from chainwatch.tracing.subjects import subjects_of, widened

CHAIN = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"


def frame(*rows: tuple[str, bytes]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={"chain": pl.String, "address": pl.Binary}, orient="row")


def test_texts_bytes_and_frames_are_one(desk: Any) -> None:
    a, b = desk.coin("a"), desk.coin("b")
    forms: list[Any] = [[a, b, a], (b, a), [text(b, CHAIN), a], frame((CHAIN, b), (CHAIN, a))]
    assert {subjects_of(form, None, "btc-regtest") for form in forms} == {
        (native("btc-regtest"), (a, b), ())
    }
    assert subjects_of(frame((CHAIN, b)), None, None) == (native("btc-regtest"), (b,), ())


@pytest.mark.parametrize("shape", [lambda a: a, lambda a: text(a, CHAIN)])
def test_one_address_needs_no_list(desk: Any, shape: Any) -> None:
    assert subjects_of(shape(desk.coin("a")), None, CHAIN).addresses == (desk.coin("a"),)


@pytest.mark.parametrize(
    ("subjects", "asset", "chain", "words"),
    [
        ([], None, "btc", "there is no subject"),
        (frame(), None, "btc", "there is no subject"),
        (frame(), None, None, "there is no subject"),
        (["x"], None, None, "chain of the subjects is not clear"),
        (frame((CHAIN, b""), ("eip155:1", b"")), None, None, "2 chains"),
        (frame(("eip155:1", b"")), None, "btc", "no subject is on btc: they are on eip155:1"),
        (frame((CHAIN, b"")), native("eth"), None, "no subject is on eth"),
        (pl.DataFrame({"address": [b""]}), None, "btc", "has columns address"),
        (["x"], native("eth"), "btc", "the asset is on eth, not on btc"),
    ],
)
def test_what_is_not_clear_is_asked_back(
    subjects: Any, asset: Asset | None, chain: str | None, words: str
) -> None:
    with pytest.raises(TraceError, match=words):
        subjects_of(subjects, asset, chain)


def test_an_account_chain_needs_an_asset(desk: Any) -> None:
    with pytest.raises(TraceError, match="Ethereum holds many assets"):
        subjects_of(desk.account("a"), None, "eth")


def test_a_coin_chain_has_no_tokens(desk: Any) -> None:
    with pytest.raises(TraceError, match="no token contracts"):
        subjects_of(desk.coin("a"), Asset(CHAIN, b"x", "X", 0), None)


@pytest.mark.parametrize("wrong", ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "x" * 34, ""])
def test_a_text_of_another_chain_is_refused(wrong: str) -> None:
    with pytest.raises(AddressError):
        subjects_of([wrong], None, "btc-regtest")


def test_bytes_of_another_chain_are_refused(desk: Any) -> None:
    with pytest.raises(AddressError, match="EVM"):
        subjects_of([desk.account("a")], None, "btc-regtest")


def test_an_unknown_chain_is_refused(desk: Any) -> None:
    with pytest.raises(ChainError, match="unknown chain"):
        subjects_of([desk.coin("a")], None, "bitcoinn")


def test_of_one_cluster_the_smallest_given_gives_the_name(desk: Any) -> None:
    class Owners:
        frame = pl.DataFrame(
            [(CHAIN, desk.coin(name), desk.coin("a")) for name in "abcd"]
            + [("eip155:1", desk.coin("z"), desk.coin("a"))],
            schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary},
            orient="row",
        )

    found = widened((desk.coin("c"), desk.coin("d"), desk.coin("x")), CHAIN, Owners())
    assert found == {desk.coin(name): desk.coin("c") for name in "abcd"} | {
        desk.coin("x"): desk.coin("x")
    }


class TestAssets:
    def test_an_asset_is_its_contract_and_never_its_symbol(self, desk: Any) -> None:
        rows = [("o", "a", 5), ("o", "a", 9, 1, {"contract": desk.account("spam")})]
        transfers = desk.paid(rows, read="a").frames["transfers"]
        assert transfers.filter(desk.asset.of_transfers())["amount"].to_list() == [5]

    def test_the_native_coin_moves_inside_calls_too(self, desk: Any) -> None:
        coin = native("eth")
        kinds = ["native", "internal", "erc20"]
        rows = [("o", "a", 1, i, {"kind": kind}) for i, kind in enumerate(kinds)]
        transfers = desk.paid(rows, asset=coin).frames["transfers"]
        assert transfers.filter(coin.of_transfers())["kind"].to_list() == ["native", "internal"]

    @pytest.mark.parametrize(
        ("given", "error"),
        [
            (("btc", "x", "X", 0), ChainError),
            (("eth", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "X", 0), AddressError),
            (("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "X", -1), InputError),
        ],
    )
    def test_what_is_no_token_is_refused(self, given: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            token(*given)

    def test_it_shows_amounts_and_says_which_it_is(self) -> None:
        usdt = token("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", 6)
        assert usdt.shown(1_234_500_000) == "1,234.5 USDT"
        assert usdt.shown(None, symbol=False) == "unknown"
        assert "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" in str(usdt)
        assert str(native("btc")).startswith("BTC (bip122:")
