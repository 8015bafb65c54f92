"""The ends of a trace in words: one phrase for each kind of end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainwatch.addresses.assets import Asset
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.tracing.ends.doubts import UNKNOWN_WAY
from chainwatch.tracing.stops import (
    BURNT,
    BY_CLUSTER,
    BY_CUSTODY,
    BY_DESTINATION,
    BY_INPUT,
    BY_LAG,
    BY_OPENING,
    BY_ORDER,
    BY_ORIGIN,
    BY_REMAINDER,
    BY_ROLE,
    BY_SILENCE,
    EARLIER,
    EXCHANGE_UNDECIDED,
    EXCHANGED,
    FEE,
    GAS,
    HOSTED,
    LENDING_POOL,
    LIQUIDITY_POOL,
    LURE,
    MINTED,
    MIXER,
    NOT_READ,
    ONE_DESTINATION,
    PAID_AWAY,
    PAYEE_UNDECIDED,
    POOL,
    RECEIPT,
    STAKING_POOL,
    UNDECIDED,
    UNREAD_BUDGET,
    UNSPENT,
)

_ENDED = {
    MIXER: "into a transaction that looks like a CoinJoin, and not followed behind it",
    UNDECIDED: "into a transaction that may be a CoinJoin, and not followed behind it",
    UNSPENT: "unspent in {ends}",
    NOT_READ: "sent on to addresses whose history was not read",
    BURNT: "burnt",
    FEE: "network fees",
    PAID_AWAY: "paid away from where it came in, and not made good since",
    MINTED: "newly made by blocks",
    EARLIER: "from before the span that is looked at",
    POOL: "into extension blocks, where nothing can be followed",
    EXCHANGED: "exchanged for another asset",
    EXCHANGE_UNDECIDED: "given to pools, of which it is open what was got for it",
    RECEIPT: "given to a contract that made a receipt for it",
    LIQUIDITY_POOL: "put into liquidity pools, where the value of many lies",
    LENDING_POOL: "lent to pools, where the value of many lies",
    STAKING_POOL: "staked in pools, where the value of many lies",
    GAS: "for the gas of user operations",
    PAYEE_UNDECIDED: "paid among others through a contract, of which it is open who paid whom",
}


_UNREAD = {
    BY_REMAINDER: "of which it was not read whether it was paid on or is still held",
    BY_SILENCE: "in {ends} of which it was not read whether spent or still unspent",
    BY_INPUT: "spent together with inputs that were not read, and not followed behind them",
    BY_ORDER: "in {ends} that the ledger spends before they are made: run check",
    BY_ORIGIN: "in {ends} of which the transaction that made them was not read",
    BY_LAG: "sent on to addresses whose history was not read up to then",
    BY_OPENING: "in {ends} of which it was not read how that had come in",
}
"""What of :data:`NOT_READ` was not read, where its basis says more than the reason."""

_CAME = {
    **_ENDED,
    MIXER: "out of a transaction that looks like a CoinJoin, and not followed before it",
    UNDECIDED: "out of a transaction that may be a CoinJoin, and not followed before it",
    NOT_READ: "from addresses whose history was not read",
    MINTED: "newly made",
    LURE: "from trifles of address poisoning",
    POOL: "out of extension blocks, where nothing can be followed",
    EXCHANGED: "got for another asset",
    EXCHANGE_UNDECIDED: "got of pools, of which it is open what was given for it",
    RECEIPT: "got back for a receipt",
    LIQUIDITY_POOL: "out of liquidity pools, where the value of many lies",
    LENDING_POOL: "out of lending pools, where the value of many lies",
    STAKING_POOL: "out of staking pools, where the value of many lies",
}
"""Of a trace that is followed backward: where value came from."""

_UNREAD_THERE = {
    **_UNREAD,
    BY_INPUT: "out of transactions of which an input was not read, and not followed before them",
    BY_LAG: "from addresses whose history was not read up to then",
}

_AT = {
    BY_CUSTODY: "a deposit address at ",
    BY_DESTINATION: "a wallet that pays nobody but ",
    BY_ROLE: "an address that behaves as a wallet of ",
    BY_CLUSTER: "an address that co-spending joins to a tagged one of ",
}
"""Whose address it is, where it is not the tagged one itself: whoever is tagged holds a wallet of
the service, and whoever passes all on to it is taken to be its customer's where the service is seen
to hold the keys."""


_SAID_BY_BASIS = frozenset({HOSTED, ONE_DESTINATION})
BUDGET_SPENT = ", as the budget of requests was spent"
CUSTODY_OPEN = "custody undecided, can be opened"


def in_words(
    row: Mapping[str, Any],
    asset: Asset,
    as_of: str,
    *,
    balances: bool,
    back: bool = False,
    place: int | None = None,
) -> Sentence:
    """Return one kind of end in words.

    Parameters
    ----------
    row : mapping
        A row of :data:`chainwatch.tracing.trace_tables.ENDS_BY_REASON`.
    asset : Asset
        What the amount is of.
    as_of : str
        As of when value is unspent, in words that go on from the phrase.
    balances : bool
        Whether value lies in balances rather than in coins.
    back : bool
        Whether it was followed backward: then an end is where it came from.
    place : int, optional
        Which row of the finding's table it is: what is rounded there is rounded in words too.
    """
    reason, service, certainty = str(row["reason"]), row["service"], row["certainty"]
    told = (None if reason in _SAID_BY_BASIS else reason, certainty)
    sure = CUSTODY_OPEN if reason == ONE_DESTINATION else ", ".join(filter(None, told))
    words: list[str | Sum] = [Sum(int(row["amount"]), asset, row=place), " "]
    ended, unread = (_CAME, _UNREAD_THERE) if back else (_ENDED, _UNREAD)
    if service:
        words.append(
            f"paid {'by' if back else 'to'} {_AT.get(row['basis'], '')}{service}"
            + (f" ({sure})" if sure else "")
        )
    elif reason == HOSTED:
        words.append(f"paid {'by' if back else 'to'} a service that no tag names ({certainty})")
    elif (read := NOT_READ if reason == UNREAD_BUDGET else reason) in ended:
        one, many = ("balance", "balances") if balances else ("coin", "coins")
        form = unread.get(row["basis"] or "", ended[read])
        before, mark, after = form.partition("{ends}")
        words += [before, *([Sum(int(row["ends"]), row=place, noun=(one, many))] if mark else [])]
        words += [after, as_of if reason == UNSPENT else ""]
        words += [BUDGET_SPENT if reason == UNREAD_BUDGET else ""]
    else:
        words.append(f"not followed further ({reason})")
    if certainty == UNKNOWN_WAY:
        words.append(", if it is the subject's, which is not known")
    return sentence(*words)
