"""Red flags that no chain shows: what they are, in which category, and what fact they need.

Of these an answer is never *clean*: it is *not observable*. They are those of the FATF's report on
red flag indicators of September 2020, told in our words, and one that cases of this kind ask for:
who buys before a listing. What needs facts that can be given, such as advertisements and reviews,
is asked by typologies, which are *not observable* without these.
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
        "transactions",
        "many kinds of virtual assets are dealt in, though each costs fees and none a reason",
        "orders and fees inside the exchange",
    ),
    RedFlag(
        "patterns",
        "somebody deals with the same few others again and again at a large gain or loss",
        "orders and counterparties inside the exchange: an account that was taken over",
    ),
    RedFlag(
        "patterns",
        "many unrelated wallets pay one account, and all of it is changed to money of a state",
        "the exchange's payouts to bank accounts; the wallets' payments alone are asked",
    ),
    RedFlag(
        "anonymity",
        "the address from which somebody logs in is not where he says he lives",
        "IP addresses and the customer's record",
    ),
    RedFlag(
        "anonymity",
        "somebody runs an exchange between persons without a licence, for customers of his own",
        "licences, and what customers were told",
    ),
    RedFlag(
        "anonymity",
        "cash machines for coins are used where crime is high, at fees without a reason",
        "places and fees of the machines, and who stood before them",
    ),
    RedFlag(
        "senders_recipients",
        "a customer declines to show papers, or to say where his money is from",
        "what was asked and answered (KYC)",
    ),
    RedFlag(
        "senders_recipients",
        "a customer does not know whom he pays, or says what is not so",
        "what was asked and answered (KYC)",
    ),
    RedFlag(
        "senders_recipients",
        "a customer is known from forums of crime, or to authorities",
        "what is public of the customer, and records of authorities",
    ),
    RedFlag(
        "senders_recipients",
        "what is written beside a payment speaks of crime",
        "messages between the parties, where the chain has no field for them",
    ),
    RedFlag(
        "source_of_funds",
        "who owns the money cannot be told: companies without business, offerings without names",
        "registers of companies and of buyers",
    ),
    RedFlag(
        "source_of_funds",
        "a card that is filled with virtual assets draws much cash",
        "the card's issuer",
    ),
    RedFlag(
        "geography",
        "money goes to or comes from exchanges of a country far from where the customer is",
        "where the customer is, and where the account's exchange is",
    ),
)
"""All of them. What payments show of the report's other flags is asked by typologies."""


__all__ = ["NOT_OBSERVABLE", "RedFlag"]
