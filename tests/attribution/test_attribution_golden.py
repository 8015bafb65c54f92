"""Real packs, real lists and real blocks: what is read, what is not, and the payments they hold."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.attribution.sanctions import hits, read_sanctions
from chainwatch.attribution.seizures import read_seizures
from chainwatch.attribution.tags import Tags, read_tags
from chainwatch.attribution.validity import statement
from chainwatch.case.exports.tagpack import write_tagpack
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.block_files import BlockFiles

DATA = Path(os.environ.get("CHAINWATCH_DATA") or "no-data")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="CHAINWATCH_DATA names no folder of real data"
)

PACKS = {
    # pack: (tags listed, tags not taken)
    "aft-alqaeda-forfeit_vc.yaml": (155, 0),
    "blender_io.yaml": (45, 0),
    "exchange-wallets-huobi.yaml": (58, 14),
    "hydra.yaml": (117, 0),
    "interpol-real_services.yaml": (10, 0),
    "lazarus.yaml": (21, 0),
    "ofac.yaml": (572, 17),
    "tornado_cash.yaml": (39, 1),
    "twitter_hack_scam.yaml": (3, 0),
    "usdt_blacklist.yaml": (774, 0),
    "walletexplorer.yaml": (386, 0),
}


@pytest.fixture(scope="module")
def packs() -> Tags:
    return read_tags(DATA / "labels" / "tagpacks")


@pytest.fixture(scope="module")
def ofac() -> Tags:
    folder = DATA / "labels" / "ofac_2024-09-27"
    return read_sanctions(folder, publisher="OFAC", as_of=date(2024, 9, 27))


def test_every_tag_of_the_real_packs_is_taken_or_counted(packs: Tags) -> None:
    taken = packs.frame.group_by("pack").agg(
        pl.struct("chain", "address", "label", "source").n_unique().alias("count")
    )
    missed = packs.rejected.group_by("file").agg(pl.len().alias("count"))
    found = {
        name: (
            sum(part.filter(pl.col(key) == name)["count"].sum() for part, key in parts),
            missed.filter(pl.col("file") == name)["count"].sum(),
        )
        for parts in [((taken, "pack"), (missed, "file"))]
        for name in PACKS
    }
    assert found == PACKS
    assert set(packs.frame["pack"]) == set(PACKS)
    assert packs.undated == len(packs), "no pack states a first valid day"


def test_the_reasons_are_those_of_the_packs(packs: Tags) -> None:
    reasons = packs.rejected.filter(~pl.col("reason").str.contains("is not supported"))
    told = reasons.select("file", "reason").sort("file", "reason").rows()
    assert [name for name, _ in told] == ["ofac.yaml"] * 4 + ["tornado_cash.yaml"]
    assert "is an address of Tron, not of Bitcoin" in told[0][1]
    assert all("USDT without a network" in reason for _, reason in told[1:4])
    assert "has white space around it" in told[4][1]
    unsupported = packs.rejected.height - reasons.height
    assert unsupported == 27


def test_the_taxonomy_finds_services_among_them(packs: Tags) -> None:
    assert len(packs.where(concept="service").addresses()) == 608
    assert len(packs.where(concept="market").addresses()) == 133
    assert len(packs.where(concept="extremism").addresses()) == 155
    assert len(packs.where(concept="user", actor="lazarusgroup").addresses()) == 21


@pytest.mark.parametrize("name", sorted(PACKS))
def test_real_packs_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    tags = read_tags(DATA / "labels" / "tagpacks" / name)
    again = read_tags(write_tagpack(tags, tmp_path / name, "Again", "A test"))
    assert again.frame.equals(tags.frame)
    assert again.rejected.is_empty()


@pytest.mark.parametrize("name", sorted(PACKS))
def test_real_packs_go_in_and_out_unchanged(name: str, tmp_path: Path) -> None:
    """To the byte, what cannot be taken as a tag included."""
    pack = DATA / "labels" / "tagpacks" / name
    written = write_tagpack(read_tags(pack), tmp_path / name, like=pack)
    assert written.read_bytes() == pack.read_bytes()


def test_every_line_of_the_lists_is_taken_or_counted(ofac: Tags) -> None:
    lines = sum(
        len(path.read_text().split())
        for path in (DATA / "labels" / "ofac_2024-09-27").glob("*.txt")
    )
    assert lines == 654 == len(ofac) + ofac.rejected.height
    names = ("btc", "bch", "eth", "ltc", "tron")
    counts = {name: len(ofac.where(chain=name)) for name in names}
    assert counts == {"btc": 434, "bch": 7, "eth": 162, "ltc": 10, "tron": 17}
    reasons = ofac.rejected["reason"]
    assert reasons.str.contains("is not supported").sum() == 16
    assert reasons.str.contains("form of neither ETH nor TRX").sum() == 7
    misplaced = ofac.rejected.filter(pl.col("file") == "sanctioned_addresses_XBT.txt")
    assert misplaced.height == 1
    assert "is an address of Tron, not of Bitcoin" in misplaced["reason"][0]


def test_orders_that_were_forfeited_are_told_with_their_days() -> None:
    orders = read_seizures(
        DATA / "labels" / "nbctf_addresses.csv", publisher="NBCTF", as_of="2024-12-31"
    )
    counts = dict(orders.counts().select("concept", "addresses").iter_rows())
    assert counts == {"seizure_order": 187, "forfeiture": 187}
    assert len(orders) == 2 * 189, "two addresses stand in two orders"
    reasons = orders.rejected["reason"]
    assert len(reasons) == 191 - 189
    assert reasons.str.contains("its base58 checksum does not match").all(), "as it was published"
    assert orders.undated == len(orders), "the list tells no day of an order or a forfeiture"
    known = {
        day: len(orders.as_of(day))
        for day in ("2021-06-30", "2021-07-01", "2022-03-07", "2023-06-28", "2024-12-30")
    }
    assert known == {
        "2021-06-30": 0, "2021-07-01": 53, "2022-03-07": 100, "2023-06-28": 145, "2024-12-30": 189,
    }  # fmt: skip
    assert orders.as_of("2024-12-30").where(concept="forfeiture").frame.is_empty()


def test_a_finding_of_the_day_before_a_delisting_is_found_again(ofac: Tags, packs: Tags) -> None:
    """OFAC designated Tornado Cash on 2022-08-08 and took it off its list on 2025-03-21."""
    cash = packs.where(actor="tornado").addresses()
    listed = ofac.kept(lambda rows: rows.join(cash, on=["chain", "address"], how="semi"))
    assert len(listed) > 30
    today = ofac.retract(
        listed, on="2025-03-21", held_until="2025-03-20", by="OFAC", why="delisted"
    )
    assert today.as_of("2025-03-20").frame.equals(ofac.frame)
    assert len(today.on("2025-03-21")) == len(ofac) - len(listed)
    assert len(today.on("2025-03-20")) == len(ofac)
    row = today.kept(lambda rows: rows.join(cash, on=["chain", "address"], how="semi"))
    said = statement(row.frame.row(0, named=True), date(2025, 3, 22))
    assert said.endswith("(after delisting: not a payment to a listed party)")


GOLDEN = {
    # height: (payment's day, txid, base units)
    574_200: (date(2019, 5, 2), ("41f366c2", "8dad"), 38_796_959),
    629_999: (date(2020, 5, 11), ("42628722", "94a7"), 84_928_038),
}


@pytest.mark.parametrize("height", sorted(GOLDEN))
def test_payments_to_listed_addresses_are_found(ofac: Tags, height: int, tmp_path: Path) -> None:
    block = DATA / "bitcoin" / "blocks" / f"{height}.raw"
    pull(tmp_path / "ledger", BlockFiles([block], chain="btc", height=height))
    result = hits(open_ledger(tmp_path / "ledger"), ofac)
    payments = result.frame.filter(pl.col("direction") == "to")
    day, (begin, end), value = GOLDEN[height]
    assert payments.height == 1
    row = payments.row(0, named=True)
    txid = canonical.txid_text(row["txid"], "btc")
    assert txid.startswith(begin)
    assert txid.endswith(end)
    assert (row["height"], row["n"], row["value"]) == (height, 0, Decimal(value))
    assert row["time"].date() == day
    sentence = f"listed as of 2024-09-27; designation date unknown; payment {day}"
    assert set(result.said["timing"]) == {sentence}
    unread = result.unread["inputs"].sum()
    assert unread > 0, "most spent outputs of one block were not read, and that is said"
    assert f"{unread:,} inputs unread" in repr(result)
    assert digest_frame(result.frame) == digest_frame(result.frame.reverse())
