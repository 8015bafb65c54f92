"""What an input spends, as far as it is known; by whose word is for the caller to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.chains.base import Chain
from chainwatch.errors import BlockError

Output = tuple[int, bytes]
"""Value in base units, and script."""

Outputs = list[Output]
"""The outputs of a transaction, in order."""


class SpentOutput(NamedTuple):
    """What is known of the output that an input spends; each field is a column of ``inputs``."""

    value: int | None = None
    script_kind: str | None = None
    address: bytes | None = None


NOT_KNOWN = SpentOutput()
"""Of an input of which nobody says what it spends."""


def spent_output(output: Output | None, chain: Chain) -> SpentOutput:
    """Return what an input spends from value and script; ``NOT_KNOWN`` of None."""
    if output is None:
        return NOT_KNOWN
    value, script = output
    found = classify(script, chain.forms)
    return SpentOutput(value, found.kind, found.address)


def spent_by(tx: Tx, made: Mapping[bytes, Outputs], chain: Chain) -> list[SpentOutput]:
    """Return what each input of a transaction spends, of outputs by txid.

    Raises
    ------
    BlockError
        If an input spends an output that its transaction does not have.
    """
    found = []
    for n, (txid, place, _) in enumerate(tx.inputs):
        outputs = made.get(txid)
        if outputs is not None and place >= len(outputs):
            raise BlockError(
                f"input {n} spends output {place} of a transaction that has fewer",
                where=f"transaction {hash_text(tx.txid)}",
                remedy="read the address again, or from another source",
            )
        found.append(spent_output(None if outputs is None else outputs[place], chain))
    return found
