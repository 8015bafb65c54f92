"""Movements of tokens of which TronGrid names no contract: the logs of their transaction name it.

Of contracts that it has not registered TronGrid lists movements with an empty ``token_info``.
Anybody can send such a token to anybody; without its contract it is no asset.
"""

from __future__ import annotations

from chainwatch.sources.evm import events
from chainwatch.sources.tron.fields import Info, Log, address, typed
from chainwatch.sources.tron.server import Server
from chainwatch.units import counted

_TRANSFER = events.topic(events.TRANSFER)
_WORD = 64


def contract_of(
    server: Server, txid: str, sender: bytes, receiver: bytes, value: int
) -> bytes | None:
    """Return the contract that logged a movement; None where not exactly one did.

    Parameters
    ----------
    server : Server
        Asked for what came of the transaction.
    txid : str
        The transaction.
    sender, receiver : bytes
        The parties that the list names.
    value : int
        The amount that it names.

    Raises
    ------
    SourceError
        If the answer is none, or of another transaction.
    """
    told, answer = server.post("/wallet/gettransactioninfobyid", {"value": txid})
    if not told:
        return None
    where = server.where(answer)
    info = typed(told, Info, where)
    if info.id.lower() != txid.lower():
        return None
    wanted = (sender[1:].hex(), receiver[1:].hex(), value)
    found = {address(log.address, server.chain, where) for log in info.log if _moved(log) == wanted}
    return next(iter(found)) if len(found) == 1 else None


def _moved(log: Log) -> tuple[str, str, int] | None:
    """Return whom and how much a log says was moved; None where it is no movement."""
    words = "".join(log.topics[1:]) + log.data.removeprefix("0x")
    if not log.topics or log.topics[0].lower() != _TRANSFER or len(words) != 3 * _WORD:
        return None
    try:
        value = int(words[2 * _WORD :], 16)
    except ValueError:
        return None
    return words[24:_WORD].lower(), words[_WORD + 24 : 2 * _WORD].lower(), value


def unnamed_said(txids: list[str]) -> str:
    """Return in words that movements stand in no row, for nobody says of which token they are."""
    several = counted(len(txids), "movement", "movements")
    return (
        f"{several} of tokens whose contract the server does not name, in no row, such as in"
        f" transaction {txids[0]}: the history is not called whole"
    )
