"""Whom a text names: an address first, then the names that tags give."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.errors import AddressError, InputError
from chainwatch.tracing.named import addresses_named, parties_named

ONE, TWO, THREE, FOUR = (f"0x{digit * 40}" for digit in "1234")


@pytest.fixture
def tags(tmp_path: Path) -> cw.Tags:
    rows = [
        f"{ONE},Shop desk,Harbour,exchange,eth", f"{TWO},harbour,,vendor,eth",
        f"{THREE},a vendor,Kay,vendor,eth", f"{FOUR},Kay,,vendor,base",
    ]  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(["address,label,actor,concept,chain", *rows, ""]))
    return cw.read_tags(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ([ONE], [ONE]),
        ([ONE, " " + TWO, ONE], [ONE, TWO]),
        (["HARBOUR"], [ONE]),
        (["shop  DESK"], [ONE]),
        (["a vendor"], [THREE]),
        (["exchange"], [ONE]),
        (["vendor"], [TWO, THREE]),
        (["service"], [ONE]),
        (["Kay", "Harbour"], [THREE, ONE]),
    ],
)
def test_what_is_meant(tags: cw.Tags, named: list[str], found: list[str]) -> None:
    rows = addresses_named([one.strip() for one in named], tags, "eth")
    assert rows["address"].to_list() == [parse(one, "eth") for one in found]
    assert rows["chain"].unique().to_list() == ["eip155:1"]


def test_outputs_and_transfers_stay_as_they_stand(tags: cw.Tags) -> None:
    place, whole = f"{'ab' * 32}:1", "cd" * 32
    found = parties_named([place, "Harbour", whole], tags, "eth")
    assert found == [ONE, place, whole]
    frame = parties_named(["Harbour"], tags, "eth")
    assert isinstance(frame, pl.DataFrame)
    assert frame.equals(addresses_named(["Harbour"], tags, "eth"))


def test_another_chain_has_other_names(tags: cw.Tags) -> None:
    assert addresses_named(["kay"], tags, "base")["address"].to_list() == [parse(FOUR, "base")]
    with pytest.raises(InputError, match="no address of base, and no tag calls anybody so"):
        addresses_named(["Harbour"], tags, "base")


def test_what_names_nobody(tags: cw.Tags) -> None:
    with pytest.raises(InputError, match="'nobody' is no address of eth, and no tag"):
        addresses_named(["nobody"], tags, "eth")
    with pytest.raises(AddressError):
        addresses_named(["Harbour"], None, "eth")
    with pytest.raises(AddressError):
        addresses_named(["vitalik.eth"], tags, "eth")
