"""What an exchange of the case would produce of a customer, and the mapping that reads it."""

from __future__ import annotations

import csv
import io

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.units import to_text

MAPPING = """\
# Which column of statement.csv says what; see `chainwatch tags statement --help`.
source = "{exchange}, production on a customer (simulated)"
address = "Deposit Address"
txid = "Transaction"
time = "Credited (UTC)"
asset = "Asset"
amount = "Amount"
customer = "Customer"
status = "Status"
way = "deposit"
chain = "btc-regtest"
tag = "deposit address at {exchange}"
tag_way = "deposit"
actor = "{actor}"
concept = "deposit_wallet"
confidence = "service_data"
"""


def production(
    payments: pl.DataFrame, coins: pl.DataFrame, exchange: str, customer: str
) -> dict[str, bytes]:
    """Return the deposits that an exchange credited to a customer, and their mapping, as files.

    Parameters
    ----------
    payments, coins : polars.DataFrame
        The truth of the case.
    exchange, customer : str
        Owners in it.
    """
    mine = payments.filter(to_owner=exchange, beneficiary=customer, purpose="deposit")
    paid = mine.join(coins.select("txid", "n", "address"), on=["txid", "n"])
    told = io.StringIO(newline="")
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow(["Credited (UTC)", "Customer", "Asset", "Amount", "Deposit Address",
                     "Transaction", "Status"])  # fmt: skip
    for row in paid.sort("height", "txid", "n").iter_rows(named=True):
        writer.writerow([
            f"{row['time']:%Y-%m-%d %H:%M:%S}", f"C-{customer.upper()}", "BTC",
            to_text(row["amount"], BITCOIN_REGTEST.decimals),
            text(row["address"], BITCOIN_REGTEST), txid_text(row["txid"], BITCOIN_REGTEST),
            "credited",
        ])  # fmt: skip
    mapping = MAPPING.format(exchange=exchange, actor=exchange.lower())
    return {"statement.csv": told.getvalue().encode(), "statement.toml": mapping.encode()}
