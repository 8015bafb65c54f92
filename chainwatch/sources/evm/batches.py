"""Events that move several tokens at once (ERC-1155): a row for each, or none where it is nonsense.

The two lists are decoded by the ABI library; a list that is cut short, or of another length than
its sister, moves nothing that could be told.
"""

from __future__ import annotations

import polars as pl

MOST = 100_000
"""Tokens of one event; a block has no room for more."""


def in_batches(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the logs of ``TransferBatch`` with a row per token, and those that make no sense.

    Parameters
    ----------
    frame : polars.DataFrame
        Logs as ``log_columns`` gives them.

    Returns
    -------
    (polars.DataFrame, polars.DataFrame)
        The first with ``id`` and ``amount`` as 64 hexadecimal digits each.
    """
    found = [_lists(words) for words in frame["words"]]
    lists = frame.with_columns(
        pl.Series("id", [one and one[0] for one in found], pl.List(pl.String)),
        pl.Series("amount", [one and one[1] for one in found], pl.List(pl.String)),
    )
    sane = pl.col("id").is_not_null()
    return lists.filter(sane & (pl.col("id").list.len() > 0)).explode("id", "amount"), (
        frame.filter(pl.Series([one is None for one in found], dtype=pl.Boolean))
    )


def _lists(words: str) -> tuple[list[str], list[str]] | None:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    parties, data = words[: 3 * 64], words[3 * 64 :]
    if len(parties) < 3 * 64 or any(parties[k * 64 : k * 64 + 24].strip("0") for k in range(3)):
        return None
    try:
        ids, amounts = decode(("uint256[]", "uint256[]"), bytes.fromhex(data))
    except (DecodingError, ValueError, OverflowError):
        return None
    if len(ids) != len(amounts) or len(ids) > MOST:
        return None
    return [f"{one:064x}" for one in ids], [f"{one:064x}" for one in amounts]
