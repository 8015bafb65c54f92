"""Extension blocks: what a block says of coins moved to where amounts and parties are hidden.

Since block 2,257,920 of Litecoin the last transaction of each block (there called HogEx) ties it to
a block of MimbleWimble, which follows it. It spends its predecessor's first output, which is worth
all that lies hidden, and the outputs of the block that move coins in (``mweb_pegin``), made by
anybody; it pays what lies hidden now (``mweb_hogaddr``) and whomever coins were moved out to. So it
joins no owners, and nothing says which of the coins that went in come out of it.

Before its inputs stand ``00 08``, as ``00 01`` stands for witnesses, and one byte ``00`` before its
lock time; its id is taken over the form without them. The extension block itself is not read: its
bytes count for the size of the block, and prove nothing.

References
----------
LIP-0002 (extension blocks), LIP-0003 (MimbleWimble); ``primitives/transaction.h`` and
``primitives/block.h`` of Litecoin Core.
"""

from __future__ import annotations

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.consensus import MARKS, FieldError, Tx
from chainwatch.chains.base import Chain, Forms

FLAG = 0x08
"""Where ``01`` stands for witnesses."""

POOL = "mweb_hogaddr"
"""Kind of the output that holds all that lies in extension blocks."""

ENTRY = "mweb_pegin"
"""Kind of the outputs by which coins go into them."""

OUT_OF_PLACE = "a transaction ends in an extension block, and is not the last of several"
WITHIN = "a transaction carries a part of an extension block, which no block has"


def is_integrating(tx: Tx, chain: Chain) -> bool:
    """Tell whether a transaction ties a block to its extension block, by its first output."""
    return bool(chain.forms & Forms.EXTENSION) and (
        classify(tx.outputs[0][1], chain.forms).kind == POOL
    )


def as_stated(tx: Tx, size: int, chain: Chain) -> Tx:
    """Return a transaction put together of its fields with its marks, if its stated size has them.

    Parameters
    ----------
    tx : Tx
        Without marks.
    size : int
        Bytes that a source states of it.
    chain : Chain
        Its chain.
    """
    marked = size == tx.size + MARKS and is_integrating(tx, chain)
    return tx._replace(size=size, extended=True) if marked else tx


def check_rest(data: bytes, position: int, txs: list[Tx]) -> None:
    """Refuse what follows the last transaction of a block, unless an extension block may.

    Raises
    ------
    FieldError
        If anything follows where nothing may, or nothing where a byte says whether there is one.
    IndexError
        If that byte is missing.
    """
    left = len(data) - position
    follows = bool(txs) and txs[-1].extended
    if follows and (data[position] == 1 or (data[position] == 0 and left == 1)):
        return
    if left or follows:
        raise FieldError(f"{left:,} bytes follow the last transaction", position)
