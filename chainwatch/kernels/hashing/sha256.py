"""Double SHA-256 over many spans of bytes, by the fastest way that this machine has.

``sha_ni`` uses the processor's SHA instructions, ``compiled`` plain arithmetic in machine code,
``hashlib`` Python's own. All give the same digests; a test compares them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.errors import InputError

WAYS = ("sha_ni", "compiled", "hashlib")
"""From the fastest to the one that is always there."""


def double_sha256(
    data: bytes | NDArray[np.uint8], spans: NDArray[np.int64], way: str | None = None
) -> NDArray[np.uint8]:
    """Return SHA-256 of SHA-256 of spliced spans.

    Parameters
    ----------
    data : bytes or array of uint8
        What the spans are of.
    spans : array of int64, shape (n, 2 k)
        Per row the start and the end of k spans, hashed one after the other; an empty one has
        both equal.
    way : str, optional
        One of :data:`WAYS`; the fastest that there is, if not given.

    Returns
    -------
    array of uint8, shape (n, 32)

    Raises
    ------
    InputError
        If a span is not within the data, or the way is not to be had here.
    """
    chosen = fastest() if way is None else way
    source = np.frombuffer(data, np.uint8)
    jobs = np.ascontiguousarray(spans, np.int64)
    _check(source.size, jobs, chosen)
    if chosen == "hashlib":
        return _by_hashlib(source, jobs)
    from chainwatch.kernels.hashing.sha256_loops import hash_spans

    made = np.empty((jobs.shape[0], 32), np.uint8)
    hash_spans(source, jobs, made, compiled_way(chosen))
    return made


def compiled_way(way: str) -> int | None:
    """Return what the compiled loops take for a way: ``None`` for the SHA instructions."""
    return None if way == "sha_ni" else 0


@cache
def ways() -> tuple[str, ...]:
    """Return the ways that this machine has, the fastest first."""
    if find_spec("numba") is None:
        return WAYS[2:]
    return WAYS if _has_instructions() else WAYS[1:]


def fastest() -> str:
    """Return the fastest way that this machine has."""
    return ways()[0]


def _has_instructions() -> bool:
    from llvmlite import binding  # type: ignore[import-untyped]  # it has no types

    features: Any = binding.get_host_cpu_features()
    # The shuffles need SSSE3, and vzeroupper AVX; no processor has the first without the others
    # but an emulator might.
    return all(features.get(name) for name in ("sha", "ssse3", "avx"))


def _check(size: int, spans: NDArray[np.int64], way: str) -> None:
    if way not in ways():
        raise InputError(
            f"this machine cannot hash by {way!r}", remedy=f"choose one of {', '.join(ways())}"
        )
    if spans.ndim != 2 or spans.shape[1] % 2:
        raise InputError(
            f"spans of shape {spans.shape} are no pairs of start and end",
            remedy="give one row of starts and ends per digest",
        )
    starts, ends = spans[:, ::2], spans[:, 1::2]
    if spans.size and ((starts < 0) | (ends < starts) | (ends > size)).any():
        raise InputError(
            f"a span lies outside the {size:,} bytes",
            remedy="keep 0 <= start <= end <= the number of bytes",
        )


def _by_hashlib(source: NDArray[np.uint8], spans: NDArray[np.int64]) -> NDArray[np.uint8]:
    view = source.data
    digests = bytearray()
    for row in spans.tolist():
        once = hashlib.sha256()
        for start, end in zip(row[::2], row[1::2], strict=True):
            once.update(view[start:end])
        digests += hashlib.sha256(once.digest()).digest()
    return np.frombuffer(bytes(digests), np.uint8).reshape(len(spans), 32)
