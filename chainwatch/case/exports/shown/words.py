"""What exports say of payments, links, names and ends in words: one sentence for all formats."""

from __future__ import annotations

from chainwatch.case.exports.shown.case import CaseHead
from chainwatch.case.exports.shown.confidence import attribution, control, custody
from chainwatch.case.exports.shown.parts import (
    COARSE,
    End,
    Name,
    OwnerLink,
    Payment,
    Ref,
    ShownFinding,
    chain_words,
    is_masked,
)

NO_ADDRESS = "no address, or none that was read"

WITHHELD_ID = "transaction withheld"
TO_MASKED = "it leads to somebody masked"

SHARED = "Several parties stand under this word; two statements need not be of the same one."

PSEUDONYM = "Somebody masked, under a keyed pseudonym. No address."

RATE_HIDDEN = "confidence in control: not shown"

CONTROL = "Consistent with one owner; nobody's identity follows from it."


def party_words(ref: Ref | None) -> str:
    """Return how a party is called in a sentence."""
    return NO_ADDRESS if ref is None else ref[1]


def payment_words(one: Payment) -> str:
    """Return a payment in a sentence: how much, what the amount is, when, and what is withheld."""
    told = [f"{one.text} from {party_words(one.source)} to {party_words(one.target)}"]
    told.append(f"amount: {one.measure}, {_units(one.amount, coarse=one.coarse)}")
    if one.asset.contract:
        told.append(f"token contract {one.asset.contract}")
    told += _shared(one.chain, one.time, coarse=one.coarse, rows=one.rows, noun="payments")
    told += _withheld(one.source, one.target) if one.withheld else []
    told += [f"in doubt: {one.doubt}"] if one.doubt else []
    return "; ".join(told) + "."


def link_words(one: OwnerLink) -> str:
    """Return a link in a sentence: the rule, whether it joins, its rate, and what it rests on."""
    hidden = "whether it joins is not shown" if one.coarse else "undecided, joins nothing"
    joins = {True: "joins", False: "refused by a veto, joins nothing", None: hidden}[one.joins]
    told = [f"{one.rule or 'rule not shown'}: {one.a[1]} and {one.b[1]}", joins]
    told.append(RATE_HIDDEN if one.coarse and one.rate is None else control(one.rule, one.rate))
    told += _shared(one.a[0], one.time, coarse=one.coarse, rows=one.rows, noun="links")
    told += _withheld(one.a, one.b) if one.withheld else []
    return "; ".join(told) + f". {CONTROL}"


def name_words(one: Name) -> str:
    """Return what a tag says in a sentence: of what, who published it, when, and how sure."""
    told = [f"called {one.label}" if one.label else "tagged"]
    told += [f"said to be: {', '.join(one.concepts)}"] if one.concepts else []
    told += [f"actor {one.actor}"] if one.actor else []
    told.append(f"source: {one.source or 'not stated'}")
    told += [f"stated on {one.as_of}"] if one.as_of else ["day of the statement not known"]
    told += [f"holds from {one.first_day}"] if one.first_day else []
    told += [f"holds until {one.last_day}"] if one.last_day else []
    told.append(attribution(one.level, one.confidence))
    return "; ".join(told) + "."


def end_words(one: End) -> str:
    """Return in a sentence where following stops, and why."""
    amount = one.asset.text(one.amount, coarse=one.coarse)
    told = [f"{amount} ends at {party_words(one.party)}", f"reason: {one.reason or 'several'}"]
    told += [f"service: {one.service}"] if one.service else []
    told += [f"basis: {one.basis}"] if one.basis else []
    told += [custody(one.certainty)] if one.certainty else []
    told += [one.detail] if one.detail and one.detail != "withheld" else []
    told.append(f"amount: {one.measure}, {_units(one.amount, coarse=one.coarse)}")
    told += _shared(one.chain, one.time, coarse=one.coarse, rows=one.rows, noun="ends")
    told += _withheld(one.party) if one.withheld else []
    return "; ".join(told) + "."


def finding_words(one: ShownFinding) -> str:
    """Return a finding with what could innocently explain it, a paragraph a line."""
    innocent = [f"Could be innocent: {text}" for text in one.innocent]
    told = [*([one.headline] if one.headline else []), *one.text, *innocent]
    return "\n".join(told) or "Its table says it all: see the report."


def head_words(head: CaseHead) -> str:
    """Return what a case asks and rests on, and what its edition hides, a paragraph a line."""
    told = [f"Question: {head.question}", *(f"Stated by others: {one}" for one in head.statements)]
    if head.acquired is None:
        told.append("Data acquired: not stated.")
    else:
        told.append(f"Data acquired: {head.acquired:%Y-%m-%dT%H:%M:%SZ}.")
    told += [f"Read up to ({chain}): {words}" for chain, words in head.reached]
    if head.edition == "disclosure":
        told.append(
            "Disclosure edition: subjects, findings and services are named, everyone else is"
            " masked; transactions that lead to somebody masked are withheld; ≈ marks amounts that"
            f" were rounded. Rows that name masked parties alone are left out: {head.left_out}."
        )
    else:
        told.append("Working edition: nobody is masked. Restricted, for the desk.")
    told.append("Findings are consistent with what they say; they do not prove who somebody is.")
    return "\n".join(told)


def _withheld(*refs: Ref | None) -> list[str]:
    """Return that a transaction is withheld, and why where the parties of its row show it.

    Elsewhere somebody else stands in it, or nobody looked who does.
    """
    why = any(ref is not None and is_masked(ref[1]) for ref in refs)
    return [f"{WITHHELD_ID}: {TO_MASKED}" if why else WITHHELD_ID]


def _units(amount: int | None, *, coarse: bool) -> str:
    if amount is None:
        return "unknown"
    return f"{COARSE} {amount} base units" if coarse else f"{amount} base units"


def _shared(chain: str, time: str, *, coarse: bool, rows: str, noun: str) -> list[str]:
    told = [f"on {chain_words(chain)}"]
    told += [f"time {time}"] if time else ["time not shown"]
    told += [f"sum of {rows} {noun}"] if rows else []
    told += ["rounded, because somebody masked stands in it"] if coarse else []
    return told
