"""Words of the report explained to people who never saw a blockchain; only those that it uses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from chainwatch.case.report.strength import SCALE


class Term(NamedTuple):
    """A word, how it is found in a text, and what it means."""

    word: str
    found: str
    meaning: str


TERMS: tuple[Term, ...] = (
    Term("address", r"address(es)?", "A number to which a payment can be made, like that of an"
         " account. Anybody can make as many as he likes; it bears no name."),
    Term("base units", r"base units?", "The smallest part of a coin or token. Files hold amounts in"
         " these, so that nothing is rounded."),
    Term("block", r"blocks?", "A page of the public ledger: payments that were confirmed"
         " together, in order, with a date."),
    Term("bridge", r"bridges?", "A service that takes value on one chain and pays it out on"
         " another."),
    Term("can be opened", r"can be opened", "Following ends there, as at a service. Whoever has"
         " grounds to take the address for its holder's own asks for it, and following goes on."),
    Term("chain", r"chains?", "A public ledger of payments that many computers keep together. What"
         " stands in it can be read by all and changed by none."),
    Term("change", r"change", "What a payer gets back from his own payment, as from a bank note,"
         " mostly at a new address of his."),
    Term("clean_first", r"clean_first", "Traced money is taken to be paid out last, after all other"
         " money of the balance. A method of computing."),
    Term("cluster", r"clusters?", "Addresses that are taken to be one owner's, with the"
         " transactions that say so."),
    Term("co-spending", r"co-?spend(s|ing)?|co_spends?", "Coins of several addresses are spent in"
         " one transaction: who signs for all of them mostly holds them all."),
    Term("CoinJoin", r"coinjoins?", "A transaction in which strangers pay together, so that nobody"
         " sees whose coin became which."),
    Term("custody", r"custody", "Who holds the keys of an address: a service for its customers, or"
         " somebody for himself."),
    Term("deposit address", r"deposit address(es)?", "An address that a service gives to one"
         " customer. The service holds its keys; what arrives is booked to the customer."),
    Term("digest", r"digests?|sha-?256", "A number computed of a file. If one letter of the file"
         " changes, so does the number."),
    Term("disclosure edition", r"disclosure edition", "The form of the report that may leave the"
         " office: whoever is no subject, finding or service is masked."),
    Term("exchange", r"exchanges?", "A business that trades coins for money, and holds them for its"
         " customers."),
    Term("fee", r"fees?", "What a payer leaves to whoever confirms the transaction."),
    Term("FIFO", r"fifo", "First in, first out: what came in first is taken to be paid out first."
         " A method of computing."),
    Term("gas", r"gas", "The fee of a transaction on some chains, paid in the chain's own coin."),
    Term("haircut", r"haircut", "Each payment is taken to hold the same share of traced money as"
         " the balance that it is made of. A method of computing."),
    Term("HMAC", r"hmac(-sha256)?", "A digest made with a secret, so that nobody can try out what"
         " it is of."),
    Term("hop", r"hops?", "One payment on the way from an address to the next."),
    Term("hosted service", r"hosted services?", "A service that holds coins for its customers, such"
         " as an exchange."),
    Term("input", r"inputs?", "What a transaction spends: a part of an earlier payment."),
    Term("LIFO", r"lifo", "Last in, first out: what came in last is taken to be paid out first."
         " A method of computing."),
    Term("lineage", r"lineage|provenance", "How a result came about: each step with what it was"
         " given."),
    Term("lowest_balance", r"lowest_balance|lowest intermediate balance", "No more of the"
         " traced money is left in an account than the least that it held since. A method of"
         " computing."),
    Term("masked", r"masked|pseudonyms?", "Somebody who is left out by name because the report is"
         " not about him. A pseudonym stands for him."),
    Term("mixer", r"mixers?|mixes", "A service or transaction that mixes coins of many, so that"
         " none can be followed through it."),
    Term("output", r"outputs?", "What a transaction pays to one address."),
    Term("poison", r"poison", "Every payment from a balance with any traced money is marked whole:"
         " that shows where traced money can have come, and not how much. A method of computing."),
    Term("poisoning", r"poisoning|look-?alikes?", "A payment of nothing or next to nothing from an"
         " address that looks like a known one, in the hope that somebody copies it."),
    Term("policy", r"polic(y|ies)", "The method by which it is computed which money was paid out,"
         " where money of several sources lies together."),
    Term("seal", r"seals?|sealed", "A digest over all files of the case: it shows whether one was"
         " changed."),
    Term("seniority", r"seniority", "Traced money is taken to be paid out first, before all other"
         " money of the balance. A method of computing."),
    Term("simulated", r"simulat(ed|or)", "Made by a computer, where everybody's part is known: it"
         " shows how a rule does, and nothing of how people behave."),
    Term("subject", r"subjects?", "An address that the case asks about."),
    Term("sweep", r"sweeps?", "A service collects what lies at its deposit addresses."),
    Term("tag", r"tags?|tagged", "What somebody says an address is, with the source."),
    Term("taint_in_highest_out", r"taint_in_highest_out", "In each transaction traced money is"
         " taken to go to the largest payment first. A method of computing."),
    Term("token", r"tokens?", "A kind of money that a program on a chain keeps, known by the"
         " address of that program and not by its name."),
    Term("transaction", r"transactions?", "One payment as the chain records it. It may spend"
         " several coins and pay several addresses."),
    Term("unspent", r"unspent", "Not paid on, up to the block and day that are named."),
    Term("UTC", r"utc", "World time; Central European time is one or two hours ahead of it."),
    Term("wallet", r"wallets?", "The addresses that one person or business holds the keys of."),
)  # fmt: skip
"""Every term, in the order of the alphabet."""


def glossary(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the terms that texts use, and the words of the scale that they use.

    Parameters
    ----------
    texts : iterable of str
        All that the report says.
    """
    said = "\n".join(texts)
    terms = [
        (one.word, one.meaning)
        for one in TERMS
        if re.search(rf"\b(?:{one.found})\b", said, re.IGNORECASE)
    ]
    scale = [(word, f"{meaning[0].upper()}{meaning[1:]}.") for word, meaning in SCALE
             if word in said]  # fmt: skip
    return tuple(sorted([*terms, *scale], key=lambda pair: pair[0].lower()))
