"""Many addresses are looked up at once as they are one by one, whatever their bytes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.chains.catalogue import chain
from chainwatch.kernels.intern import bytes_of, order_of
from chainwatch.ledger.index import searching
from chainwatch.ledger.index.index import Index

KEYS = st.lists(
    st.binary(max_size=40)
    | st.builds(lambda end: b"\x01" * 20 + end, st.binary(max_size=3))
    | st.builds(bytes, st.integers(0, 20)),
    max_size=40,
    unique=True,
)


def index_of(addresses: list[bytes]) -> Index:
    """Return the columns of an index that its addresses stand in."""
    values, starts = bytes_of(pl.Series(addresses, dtype=pl.Binary))
    order = order_of(values, starts).astype(np.uint32)
    columns = {"addr_bytes": values, "addr_ptr": starts, "addr_order": order}
    return Index(chain("btc"), 0, columns)


@pytest.mark.parametrize("step", [1, 3, searching._STEP])
@given(KEYS, KEYS, st.randoms(use_true_random=False))
def test_it_is_what_looking_up_one_by_one_gives(step, held, others, pick) -> None:
    index = index_of(held)
    wanted = [*held, *others, None]
    pick.shuffle(wanted)
    before, searching._STEP = searching._STEP, step
    try:
        found = index.ranks_of(pl.Series(wanted, dtype=pl.Binary))
    finally:
        searching._STEP = before
    slow = [None if one is None else index.rank_of(one) for one in wanted]
    assert found.tolist() == [-1 if one is None else one for one in slow]


def test_in_portions_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [bytes([1, n, *range(19)]) for n in range(50)]
    index = index_of(addresses)
    whole = index.ranks_of(pl.Series(addresses[::2]))
    monkeypatch.setattr(searching, "_MOST", 7)
    assert index.ranks_of(pl.Series(addresses[::2])).tolist() == whole.tolist()
    assert index.ranks_of(pl.Series([], dtype=pl.Binary)).tolist() == []
    assert index_of([]).ranks_of(pl.Series(addresses)).tolist() == [-1] * 50
