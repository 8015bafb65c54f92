"""The text of a small case file on a token, as tests of cases, commands and editions write it."""

from __future__ import annotations

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def token_case(
    subject: str,
    *,
    name: str = "small",
    title: str = "A small case",
    question: str = "Who?",
    path: str = "t.csv",
    head: str = "",
    mapping: str = "",
    more: str = "",
    chain: str = "tron",
    kind: str = "trc20",
    time_unit: str = "ms",
    contract: str = USDT,
    symbol: str = "USDT",
) -> str:
    """Return a case file that reads one table of transfers of a token of six decimals.

    Parameters
    ----------
    subject : str
        The one subject.
    name, title, question : str
        Of the case.
    path : str
        The table, with the columns ``tx, time, from, to, quant, token, symbol, decimals``.
    head, mapping, more : str
        Further lines of ``[case]`` and of the mapping, and further tables at the end.
    chain, kind, time_unit, contract, symbol : str
        What is transferred, and where.
    """
    return f"""
[case]
name = "{name}"
title = "{title}"
question = "{question}"
{head}
[[sources]]
kind = "transfers"
path = "{path}"
[sources.mapping]
chain = "{chain}"
kind = "{kind}"
source = "a small file"
txid = "tx"
time = "time"
time_unit = "{time_unit}"
sender = "from"
receiver = "to"
amount = "quant"
contract = "token"
symbol = "symbol"
decimals = "decimals"
{mapping}
[subjects]
chain = "{chain}"
addresses = ["{subject}"]

[asset]
chain = "{chain}"
contract = "{contract}"
symbol = "{symbol}"
decimals = 6
{more}"""
