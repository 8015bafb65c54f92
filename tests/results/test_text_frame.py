"""Frames print themselves for people, and stay the frames that they are."""

from __future__ import annotations

import copy

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from chainwatch.addresses.canonical import parse
from chainwatch.addresses.scripts import classify
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError, ChainError
from chainwatch.results.text_frame import MOST_ROWS, plain, text_frame

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
    assert plain(derived)["address"].to_list() == [ADDRESS.hex()], "of which chain, nothing says"
    assert plain(FRAME.with_columns(chain=pl.lit("every chain")))["txid"][0] == ID.hex()
    assert plain(FRAME.with_columns(chain=pl.lit(BTC)))["chain"].unique().to_list() == ["btc"]
    with pytest.raises(ChainError):
        plain(FRAME, "moon")
    with pytest.raises(ArgumentError, match="give a frame of a result"):
        plain([ADDRESS])  # type: ignore[arg-type]


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
