"""Red flags that no chain shows: what they are, in which category, and what fact they need.

Of these an answer is never *clean*: it is *not observable*. They are those of the FATF's report on
red flag indicators of September 2020, told in our words, and two that cases of this kind ask for.
"""

from __future__ import annotations

from typing import NamedTuple


class RedFlag(NamedTuple):
    """A sign that payments alone cannot show.

    Attributes
    ----------
    fatf : str
        Its category.
    flag : str
        What one would see.
    needs : str
        The fact that it needs, and who has it.
    """

    fatf: str
    flag: str
    needs: str


NOT_OBSERVABLE: tuple[RedFlag, ...] = (
    RedFlag(
        "transactions",
        "one virtual asset is changed for another at a loss, or at fees without a reason",
        "orders and fees inside the exchange",
    ),
    RedFlag(
        "transactions",
        "what was deposited at an exchange leaves it at once, without a trade",
        "the account's trades inside the exchange",
    ),
    RedFlag(
        "patterns",
        "a new customer's first deposit is large, and does not fit who he says he is",
        "the customer's profile at the exchange (KYC)",
    ),
    RedFlag(
        "patterns",
        "a new customer trades or withdraws all of it on the first day",
        "when the account was opened, and its trades",
    ),
    RedFlag(
        "patterns",
        "one account is used by several people, or from several networks",
        "log-ins and IP addresses of the account",
    ),
    RedFlag(
        "patterns",
        "virtual assets are changed to money of a state at a loss",
        "the exchange's payouts to bank accounts",
    ),
    RedFlag(
        "anonymity",
        "a customer comes by way of Tor, a VPN, or a domain registered to hide its owner",
        "IP addresses and domains",
    ),
    RedFlag(
        "anonymity",
        "many wallets that seem unrelated are run from one device or IP address",
        "devices and IP addresses",
    ),
    RedFlag(
        "anonymity",
        "value is changed at an exchange into a coin that hides its payments",
        "the account's trades inside the exchange",
    ),
    RedFlag(
        "senders_recipients",
        "accounts are opened under several names, or with papers that are false or shared",
        "the papers of the customers (KYC)",
    ),
    RedFlag(
        "senders_recipients",
        "somebody who does not know the trade, or is much older than other customers, moves much",
        "age and knowledge of the customer (KYC): the profile of a mule or a victim",
    ),
    RedFlag(
        "senders_recipients",
        "an account's papers, e-mail or phone change often",
        "changes of the customer's records",
    ),
    RedFlag(
        "source_of_funds",
        "an account is fed by cards or bank transfers of others, or by cash, and emptied at once",
        "the exchange's receipts of money of states",
    ),
    RedFlag(
        "source_of_funds",
        "most of a customer's wealth is from offerings of coins, or cannot be explained",
        "the customer's own account of his wealth",
    ),
    RedFlag(
        "geography",
        "an exchange is used that has no licence where its customers are, or its rules are weak",
        "seats, licences and customers of exchanges",
    ),
    RedFlag(
        "geography",
        "a business moved its seat to where the rules are weaker, or has none",
        "the register of companies",
    ),
    RedFlag(
        "patterns",
        "somebody buys a token shortly before an exchange lists it",
        "the times of listings, as the exchange announced them",
    ),
    RedFlag(
        "senders_recipients",
        "a payment of the price of an advertisement is made minutes before it appears",
        "times and prices of advertisements",
    ),
)
"""All of them, by category as the report orders them; the last two are of methods of cases."""


__all__ = ["NOT_OBSERVABLE", "RedFlag"]
