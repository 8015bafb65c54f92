"""How much work stands behind the blocks of a branch, as far as their headers show it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from chainwatch.bitcoin.auxpow import check_own_work
from chainwatch.bitcoin.consensus import FieldError, work_of
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Reader

_SHORT = 1_000
"""Bytes of an answer that may hold a header beside little else."""

_HEADER_DIGITS = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{160}(?![0-9a-fA-F])")


def shown_work(header: Header, chain: Chain, source: str) -> int:
    """Return the work behind a header, which it must show; merged mining shows it elsewhere.

    Raises
    ------
    SourceError
        If it lacks the work that it claims.
    """
    try:
        check_own_work(header, consensus_of(chain))
    except FieldError as bad:
        raise SourceError(
            f"a header of the node's branch is none: {bad.what}",
            where=source,
            remedy="ask another node: this one is wrong or lies",
        ) from None
    return work_of(header.bits)


def kept_bits(reader: Reader, wanted: Iterable[bytes]) -> dict[bytes, int]:
    """Return the difficulty of blocks whose headers are kept in answers; the hash proves which."""
    left, found = set(wanted), dict[bytes, int]()
    if not left:
        return found
    short = pl.col("body").is_not_null() & pl.col("size").is_between(2 * HEADER_SIZE, _SHORT)
    for body in reader.scan("answers").filter(short).select("body").collect()["body"]:
        for digits in _HEADER_DIGITS.findall(body):
            header = Header.parse(bytes.fromhex(digits.decode()))
            if header.hash in left:
                found[header.hash] = header.bits
    return found
