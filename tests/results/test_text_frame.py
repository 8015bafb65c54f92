"""Frames print themselves for people, and stay the frames that they are."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import parse
from chainwatch.addresses.scripts import classify
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError, ChainError
from chainwatch.results.derived_frames import derived
from chainwatch.results.text_frame import MOST_ROWS, plain, text_frame
from chainwatch.tracing.exposure import Exposure

WORD = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
ADDRESS, ID = parse(WORD, "btc"), bytes(31) + b"\x01"
BTC = chain("btc").id
FRAME = pl.DataFrame({"address": [ADDRESS, None], "txid": [ID, ID], "script": [ADDRESS, b""]})


def test_bytes_print_as_text_in_the_working_edition(working: None) -> None:
    frame = text_frame(FRAME, BTC)
    for said in (repr(frame), str(frame), frame._repr_html_()):
        assert WORD in said
        assert "01" + "00" * 31 in said
        assert ADDRESS.hex() in said, "a script is no address, whatever it looks like"
        assert "binary" not in said


def test_the_chain_of_a_row_is_the_one_it_names(working: None) -> None:
    frame = FRAME.with_columns(pl.Series("chain", [chain("ltc").id, None]))
    assert "ltc1q" in repr(text_frame(frame, BTC))
    assert ID.hex() in repr(text_frame(frame, BTC)), "a row that names none is told in hexadecimal"


def test_nothing_is_told_while_somebody_is_masked() -> None:
    for said in (repr(text_frame(FRAME, BTC)), text_frame(FRAME, BTC)._repr_html_()):
        assert "21 bytes" in said
        assert "working edition" in said
        assert WORD not in said
        assert "\\x" not in said


def test_it_is_the_same_frame(working: None) -> None:
    frame = text_frame(FRAME, BTC)
    assert_frame_equal(pl.DataFrame(frame), FRAME)
    assert frame.filter(pl.col("address") == ADDRESS).height == 1
    again, args = frame.__reduce__()  # as it is kept in a file, or sent to another process
    for other in (frame.head(1), frame[:1], copy.copy(frame), again(*args)):
        assert WORD in repr(other)


def test_of_a_large_frame_the_first_rows_are_printed(working: None) -> None:
    frame = text_frame(pl.DataFrame({"address": [ADDRESS] * 1234}), BTC)
    assert repr(frame).count(WORD) == MOST_ROWS
    assert repr(frame).endswith("\n1,224 more of 1,234 rows")
    assert "<p>1,224 more of 1,234 rows</p>" in frame._repr_html_()


def test_any_frame_can_be_made_plain() -> None:
    derived = text_frame(FRAME, BTC).filter(pl.col("address").is_not_null())
    assert plain(derived, "btc").row(0) == (WORD, "01" + "00" * 31, ADDRESS.hex())
    assert plain(text_frame(FRAME, BTC))["address"].to_list() == [WORD, None]
    assert plain(derived)["address"].to_list() == [WORD], "a frame of bitcoin makes one of bitcoin"
    assert plain(FRAME)["address"].to_list() == [ADDRESS.hex(), None], "of which, nothing says"
    assert plain(FRAME.with_columns(chain=pl.lit("every chain")))["txid"][0] == ID.hex()
    assert plain(FRAME.with_columns(chain=pl.lit(BTC)))["chain"].unique().to_list() == ["btc"]
    with pytest.raises(ChainError):
        plain(FRAME, "moon")
    with pytest.raises(ArgumentError, match="give a frame of a result"):
        plain([ADDRESS])  # type: ignore[arg-type]


MADE: dict[str, Callable[[pl.DataFrame], Any]] = {
    "select": lambda one: one.select("address", "txid"),
    "with_columns": lambda one: one.with_columns(twice=pl.col("address")),
    "filter": lambda one: one.filter(pl.col("address").is_not_null()),
    "sort": lambda one: one.sort("address"),
    "rename": lambda one: one.rename({"address": "who"}),
    "drop": lambda one: one.drop("script"),
    "join": lambda one: one.join(one.select("txid"), on="txid", how="semi"),
    "group_by": lambda one: one.group_by("address").agg(pl.len()),
    "having": lambda one: one.group_by("address").having(pl.len() > 0).agg(pl.len()),
    "groups": lambda one: next(iter(one.group_by("txid")))[1],
    "cast": lambda one: one.cast({"script": pl.Binary}),
    "unique": lambda one: one.unique(),
    "slice": lambda one: one[["address"]],
    "partition": lambda one: one.partition_by("txid")[0],
}
"""What people make of a frame, each in one way."""


@pytest.mark.parametrize("way", sorted(MADE))
def test_what_is_made_of_a_frame_prints_as_it_does(
    way: str, request: pytest.FixtureRequest
) -> None:
    made = MADE[way](text_frame(FRAME.with_columns(behind=pl.lit("03aa")), BTC))
    for said in (repr(made), made._repr_html_()):
        assert "21 bytes" in said
        assert WORD not in said
        assert "\\x" not in said
        assert "03aa" not in said
    request.getfixturevalue("working")
    for said in (repr(made), made._repr_html_()):
        assert WORD in said
        assert "\\x" not in said
        assert "03aa" not in said


def test_every_method_that_makes_a_frame_makes_one_for_people() -> None:
    """As polars says it: whatever it adds is taken over as well, or fails here."""
    makes = {name for name, method in inspect.getmembers(pl.DataFrame, inspect.isfunction)
             if not name.startswith("_")
             and inspect.signature(method).return_annotation in ("DataFrame", "GroupBy",
                "RollingGroupBy", "DynamicGroupBy")}  # fmt: skip
    assert makes == derived(text_frame).keys()
    assert {"select", "filter", "join", "group_by", "unpivot"} <= makes
    own = type(text_frame(FRAME, BTC))
    assert all(getattr(own, name) is not getattr(pl.DataFrame, name) for name in makes)


def test_bytes_that_may_be_of_another_chain_are_told_as_no_address(working: None) -> None:
    """The same bytes are another address there, or none."""
    btc, ltc = text_frame(FRAME, BTC), text_frame(FRAME, chain("ltc").id)
    more: dict[str, Any] = {"on": "address", "how": "left"}
    for other in (ltc, FRAME):
        joined = btc.join(other.rename({"txid": "second"}), **more)
        assert WORD not in repr(joined)
        assert ADDRESS.hex() in repr(joined)
        assert WORD in repr(btc.join(other, on="address", how="semi")), "it brings none along"
    assert WORD in repr(btc.join(btc.rename({"txid": "second"}), **more))
    assert WORD in repr(btc.join(pl.DataFrame({"txid": [ID], "x": [1]}).drop("txid"), how="cross"))
    assert ADDRESS.hex() in repr(btc.hstack([FRAME["address"].alias("other")]))
    assert ADDRESS.hex() in repr(btc.vstack(ltc))
    rows = [one.with_columns(chain=pl.lit(of)) for one, of in ((btc, BTC), (ltc, chain("ltc").id))]
    both = repr(rows[0].vstack(rows[1]))
    assert WORD in both
    assert "ltc1q" in both, "each row says its chain"
    on = rows[0].join(rows[1].rename({"txid": "second"}), on=["chain", "address"], how="left")
    assert WORD in repr(on)
    assert WORD not in repr(rows[0].join(rows[1].rename({"txid": "second"}), on="address"))


def test_a_result_of_a_chain_says_of_which_its_frames_are(working: None) -> None:
    """A frame that was made of one of another chain keeps nothing of that."""
    made = Exposure(text_frame(FRAME, BTC), native("ltc"))
    assert "ltc1q" in repr(made.frame)
    assert WORD not in repr(made.frame)


def test_frames_of_two_chains_and_plain_ones_join() -> None:
    """What a trace holds is joined with addresses of tags, whatever chains their classes name."""
    frames = [text_frame(FRAME, BTC), text_frame(FRAME, chain("ltc").id), text_frame(FRAME), FRAME]
    for one in frames:
        for other in frames:
            assert one.join(other, on="address", how="semi").height == 1
            assert pl.concat([one, other]).height == 4
    assert not isinstance(FRAME, type(frames[0]))


def test_an_address_as_long_as_an_id_is_an_address() -> None:
    """A witness program of 30 bytes makes one of 32; what is an id is told by its column."""
    found = classify(b"\x52\x1e" + bytes(range(30))).address
    assert found is not None
    assert len(found) == 32
    frame = pl.DataFrame({"address": [found], "txid": [found]})
    shown = plain(frame, "btc")
    assert shown["address"].item().startswith("bc1z")
    assert shown["txid"].item() == found[::-1].hex()
