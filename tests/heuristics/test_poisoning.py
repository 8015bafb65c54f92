"""Address poisoning on account chains: who imitates whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset, native
from chainwatch.heuristics.poisoning import look_alike, poisoning, zero_value
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS

ETH = native("eth")
ME, SHOP, FRIEND = (b"\x10" + bytes([n]) * 20 for n in (1, 2, 3))
TWIN = b"\x10" + b"\x77" * 18 + SHOP[-2:]
START = datetime(2023, 6, 1, tzinfo=UTC)


def ledger(*rows, asset=ETH):
    made = [
        dict.fromkeys(TRANSFERS.schema) | {
            "chain": asset.chain, "txid": place.to_bytes(32, "big"), "kind": "native",
            "contract": asset.contract, "occurrence": 0, "time": START + timedelta(hours=place),
            "sender": sender, "receiver": receiver, "amount": amount, "order_uncertain": True,
            "sections": 1, **(more[0] if more else {}),
        }
        for place, (sender, receiver, amount, *more) in enumerate(rows)
    ]  # fmt: skip
    return Ledger.from_tables({"transfers": pl.DataFrame(made, schema=TRANSFERS.schema)})


def verdicts(rule, *rows):
    return apply(features.transfers(ledger(*rows), ETH), rule)[VERDICT].to_list()


def test_a_trifle_from_a_twin_is_a_look_alike():
    assert verdicts(look_alike(5), (ME, SHOP, 900), (TWIN, ME, 5)) == [False, True]


@pytest.mark.parametrize("amount", [6, 900])
def test_more_than_a_trifle_is_none(amount):
    assert verdicts(look_alike(5), (ME, SHOP, 901), (TWIN, ME, amount)) == [False, False]


def test_what_the_subject_pays_is_none():
    assert verdicts(look_alike(5), (ME, SHOP, 900), (ME, TWIN, 3)) == [False, False]


def test_the_one_that_traded_more_is_the_genuine_one():
    assert verdicts(look_alike(5), (ME, SHOP, 900), (SHOP, ME, 3), (TWIN, ME, 3)) == [
        False, False, True,
    ]  # fmt: skip


def test_of_two_that_traded_alike_neither_imitates_the_other():
    assert verdicts(look_alike(5), (ME, SHOP, 3), (TWIN, ME, 3), (SHOP, ME, 0)) == [False] * 3


def test_a_transfer_that_failed_is_no_trade():
    """Else a stranger could buy the better name with a transfer that never took effect."""
    failed = {"success": False}
    rows = (ME, SHOP, 900), (TWIN, ME, 10_000, failed), (SHOP, ME, 3), (TWIN, ME, 3)
    assert verdicts(look_alike(5), *rows) == [False, False, False, True]


def test_nobody_imitates_one_with_whom_only_others_traded():
    assert verdicts(look_alike(5), (FRIEND, SHOP, 900), (TWIN, ME, 3)) == [False, False]


def test_capitals_of_a_checksum_do_not_hide_a_twin():
    """EIP-55 capitals depend on the whole address: one ending, written in two ways."""
    tail = bytes.fromhex("abcdef")
    for number in range(200):
        one, other = (b"\x10" + bytes([number, side]) + b"\x55" * 15 + tail for side in (1, 2))
        texts = [canonical.text(item, "eth")[-4:] for item in (one, other)]
        if texts[0] != texts[1]:
            break
    assert texts[0] != texts[1]
    assert verdicts(look_alike(5), (ME, one, 900), (other, ME, 3)) == [False, True]


def test_nothing_is_a_payment_of_nothing():
    assert verdicts(zero_value(), (ME, SHOP, 0), (ME, SHOP, 1)) == [True, False]


def test_an_amount_too_wide_to_hold_is_unknown():
    wide = {"amount_hex": "ff" * 20}
    assert verdicts(poisoning(5), (ME, SHOP, 900), (TWIN, ME, None, wide)) == [False, None]


def test_no_transfers_no_rows():
    assert apply(features.transfers(Ledger(), ETH), poisoning(5)).height == 0


def test_order_of_rows_makes_no_difference():
    rows = [(ME, SHOP, 900), (TWIN, ME, 5), (FRIEND, ME, 7), (SHOP, ME, 1)]
    made = ledger(*rows)
    table = features.transfers(made, ETH)
    for seed in range(3):
        mixed = made.frames["transfers"].sample(fraction=1, shuffle=True, seed=seed)
        assert features.transfers(Ledger.from_tables({"transfers": mixed}), ETH).equals(table)


TRIFLE = 100_000
"""0.1 USDT in base units."""


def usdt_of(path):
    """Return the asset, and the USDT transfers of a table, each once though two wallets show it."""
    tron = native("tron").chain
    raw = pl.read_csv(path, infer_schema=False).filter(pl.col("token_abbr") == "USDT")
    asset = Asset(tron, canonical.parse(raw["token_id"].unique().item(), tron), "USDT", 6)
    said = ["timestamp", "tx_id", "from_address", "to_address", "quant"]
    rows = [
        (
            canonical.parse(row["from_address"], tron), canonical.parse(row["to_address"], tron),
            int(row["quant"]),
            {"txid": bytes.fromhex(row["tx_id"]), "kind": "trc20",
             "time": datetime.fromtimestamp(int(row["timestamp"]) / 1000, UTC)},
        )
        for row in raw.unique(said, maintain_order=True).iter_rows(named=True)
    ]  # fmt: skip
    return asset, ledger(*rows, asset=asset)


def test_listed_wallets_of_tron(real_data):
    """The figures in the docstring of ``look_alike``, counted again.

    They describe these transfers. Nobody labelled them: they are no rate of error.
    """
    asset, made = usdt_of(real_data / "tron" / "listed_wallet_transfers.csv")
    table = features.transfers(made, asset)
    twin = pl.col("from_twin") | pl.col("to_twin")
    groups = {
        "zero": pl.col("amount") == 0,
        "trifle": (pl.col("amount") > 0) & (pl.col("amount") < TRIFLE),
        "larger": pl.col("amount") >= TRIFLE,
    }
    counts = {
        name: (table.filter(group & twin).height, table.filter(group).height)
        for name, group in groups.items()
    }
    assert table.height == 4177
    assert counts == {"zero": (123, 123), "trifle": (68, 72), "larger": (0, 3982)}
