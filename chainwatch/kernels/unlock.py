"""What unlocks inputs, in bulk: flags of signatures, and addresses that show themselves.

The compiled way of :mod:`chainwatch.addresses.unlocking`; tests hold the two together.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.unlocking import FLAGS
from chainwatch.chains.base import Forms
from chainwatch.kernels.hashing.sha256 import compiled_way, fastest

_P2WSH = 4


class Unlocked(NamedTuple):
    """What unlocks inputs says of them, a row each.

    ``scripts`` has start and end of the plain multisig that shows itself, both 0 without one.
    """

    flags: pl.Series
    addresses: pl.Series
    quorums: pl.Series
    scripts: NDArray[np.int64]


def unlocked(
    data: NDArray[np.uint8], spans: NDArray[np.int64], *, forms: Forms, way: str | None = None
) -> Unlocked:
    """Return the flags of the signatures of inputs, and the addresses and quorums they reveal.

    Parameters
    ----------
    data : array of uint8
        Bytes that were parsed.
    spans : array of int64, shape (n, 3)
        Start and end of the script of each input, and where its witness begins (the number of its
        items), -1 without one.
    forms : Forms
        As in :func:`chainwatch.addresses.unlocking.signature_flags`.
    way : str, optional
        How to hash; see :mod:`chainwatch.kernels.hashing.sha256`.

    Returns
    -------
    Unlocked
        Series of n rows: texts of flags, canonical addresses, texts of quorums; null where there
        is none; and where scripts lie.
    """
    from chainwatch.kernels.unlock_loops import OTHER, read_unlocks

    count = len(spans)
    flags, kinds = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    quorums, hashes = np.zeros(count, np.uint16), np.zeros((count, 32), np.uint8)
    scripts = np.zeros((count, 2), np.int64)
    how = fastest() if way is None else way
    chosen = compiled_way(how if how != "hashlib" else "compiled")
    read_unlocks(
        data, np.ascontiguousarray(spans, np.int64), int(forms),
        flags, kinds, quorums, scripts, hashes, chosen,
    )  # fmt: skip
    texts = _texts().gather(flags.astype(np.uint32))
    return Unlocked(texts, _addresses(kinds, hashes), _quorums(quorums, OTHER), scripts)


def _quorums(quorums: NDArray[np.uint16], other: int) -> pl.Series:
    """Return the text of each quorum, null where it is 0."""
    found = pl.DataFrame({"of": quorums})
    each = found.unique().with_columns(
        text=pl.when(pl.col("of") == other)
        .then(pl.lit("other"))
        .when(pl.col("of") > 0)
        .then(pl.format("{}-of-{}", pl.col("of") // 256, pl.col("of") % 256))
    )
    return found.join(each, on="of", how="left", maintain_order="left")["text"]


@cache
def _texts() -> pl.Series:
    """Return the text of every set of flags, by its bits."""
    named = [
        ",".join(name for k, name in enumerate(FLAGS) if bits >> k & 1) or None
        for bits in range(1 << len(FLAGS))
    ]
    return pl.Series(named, dtype=pl.String)


def _addresses(kinds: NDArray[np.uint8], hashes: NDArray[np.uint8]) -> pl.Series:
    """Join kinds and hashes to addresses, null where the kind is 0."""
    rows = np.concatenate([kinds[:, None], hashes], axis=1)
    whole = pl.Series(rows.reshape(-1)).reshape(rows.shape).cast(pl.List(pl.UInt8))
    size = pl.when(pl.col("kind") == _P2WSH).then(33).otherwise(21)
    frame = pl.DataFrame({"row": whole.cast(pl.Binary), "kind": kinds})
    cut = pl.when(pl.col("kind") > 0).then(pl.col("row").bin.slice(0, size))
    return frame.select(cut).to_series()
