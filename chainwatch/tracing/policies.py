"""Policies say which part of a mixed balance a payment is made of; each is one small function.

A policy takes the lots of a balance in the order in which they came in, and the payments made
from it in order, and says which lots each payment takes and which stay. It splits lots but never
changes a sum, :func:`poison` apart. The fee is a payment like any other, and the last. A policy is
a method of computing, not a finding of law; which one a court would follow depends on the place
and the parties: see ``docs/policies.md``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from chainwatch.tracing.balances import (
    Balance,
    Blend,
    Lot,
    Lots,
    NewestFirst,
    OldestFirst,
    OneKindFirst,
    Reach,
)

SEARCHES_BACK = "it chooses lots by whether they are traced, so that what it says read from the end"
"""Begins why a policy that prefers one kind of lot has no backward direction."""


class Policy:
    """A way to divide a balance among payments; call it with lots and payments.

    Parameters
    ----------
    begin : callable
        Makes the empty balance whose discipline it is. Its docstring is the policy's.
    order : callable, optional
        Gives the places of the payments of one coin transaction in the order in which they are
        met; by default as they stand.
    conserves : bool
        Whether what it traces adds up to what came in.
    follows : bool
        Whether what is paid out is followed to whom it went.
    coins, accounts : str
        Why it has no meaning on coin chains, on balances of accounts; empty where it has one.
    backward : str
        Why it cannot be read backward; empty where it can.

    Attributes
    ----------
    oldest_first : bool
        Whether it takes the oldest lots, whatever their marks.
    unmarked : callable
        Makes the balance of which is paid before anything is traced.
    """

    def __init__(
        self,
        begin: Callable[[], Balance],
        order: Callable[[Sequence[int]], Sequence[int]] | None = None,
        *,
        conserves: bool = True,
        follows: bool = True,
        coins: str = "",
        accounts: str = "",
        backward: str = "",
    ) -> None:
        functools.update_wrapper(self, begin)
        self.begin = begin
        self.name: str = begin.__name__
        self._order = order or _as_they_stand
        self.conserves, self.follows = conserves, follows
        self.coins, self.accounts, self.backward = coins, accounts, backward
        made = begin()
        self.oldest_first = type(made) is OldestFirst
        # Before anything is traced, a preference for one kind of lot decides nothing.
        self.unmarked = begin if isinstance(made, (OldestFirst, Blend)) else OldestFirst

    def __call__(self, lots: Sequence[Lot], payments: Sequence[int]) -> tuple[list[Lots], Lots]:
        """Divide lots among payments: the lots of each, and those that stay."""
        balance = self.begin()
        balance.put(lots)
        parts: list[Lots] = [()] * len(payments)
        for place in self._order(payments):
            parts[place] = balance.take(payments[place])
        return parts, balance.lots()

    def __repr__(self) -> str:
        return self.name


def _policy(
    order: Callable[[Sequence[int]], Sequence[int]] | None = None, **facts: bool | str
) -> Callable[[Callable[[], Balance]], Policy]:
    return lambda begin: Policy(begin, order, **facts)  # type: ignore[arg-type]


def _as_they_stand(payments: Sequence[int]) -> range:
    return range(len(payments))


def _smallest_first(payments: Sequence[int]) -> list[int]:
    return sorted(range(len(payments)), key=lambda place: payments[place])


def _largest_first(payments: Sequence[int]) -> list[int]:
    return sorted(range(len(payments)), key=lambda place: -payments[place])


@_policy()
def fifo() -> Balance:
    """First in, first out: each payment takes the oldest lots that are left.

    It is lossless: the same order read backwards leads from any payment to its origin.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first (for a coin transaction its inputs in order).
    payments : sequence of int
        Amounts paid from it, in order (for a coin transaction its outputs, then the fee).

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, neighbours of one mark joined, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The order in which value came in is not known, or was chosen by whoever wants it lost: a small
    payment first moves all that comes after. Somebody who keeps apart what he holds, in his mind
    or in his books, does not spend first what came first.

    References
    ----------
    Clayton's Case (1816) in English law; Anderson, Shumailov and Ahmed, "Making Bitcoin Legal",
    2018, for coins.
    """
    return OldestFirst()


@_policy()
def lifo() -> Balance:
    """Last in, first out: each payment takes the newest lots that are left.

    In a coin transaction the inputs are taken from the last to the first. Like :func:`fifo` it is
    lossless and can be read from either end.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first.
    payments : sequence of int
        Amounts paid from it, in order.

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, newest first, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The order of inputs was shuffled, as many wallets do: it then says nothing of time. A steady
    float below the newest money is never touched, however long it lies there.

    References
    ----------
    *United States v. Banco Cafetero Panama*, 797 F.2d 1154 (2d Cir. 1986) names it among the
    orders that a claimant may choose; Möser, Böhme and Breuker, 2014, for coins.
    """
    return NewestFirst()


@_policy()
def haircut() -> Balance:
    """Proportional: each payment holds the same share of traced value as the balance does.

    Whole base units only: shares are rounded down cumulatively, so that the sum is exact after
    every payment. Several subjects are traced **together**. Traces of parts of a seed are rounded
    each for itself and may differ from that of the whole by base units: they are never added up.

    Parameters
    ----------
    lots : sequence of Lot
        The balance; its order does not matter.
    payments : sequence of int
        Amounts paid from it, in order.

    Returns
    -------
    (list of Lots, Lots)
        The traced lots of each payment and its clean rest, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    Read as a statement about coins: after a few large wallets everybody holds a share, most of
    them below anything that matters. Say from what share on a branch is followed no further.

    References
    ----------
    Möser, Böhme and Breuker, "Towards Risk Scoring of Bitcoin Transactions", 2014; rateable
    sharing among claimants in *Re Diplock* [1948] Ch 465.
    """
    return Blend()


@_policy(
    conserves=False,
)
def poison() -> Balance:
    """Any traced value in a balance marks every payment from it, in full.

    It tells **reach**, not value: what it reports does not add up to what came in, and an amount
    is the size of what was reached. Nothing that another policy traces lies outside it.

    Parameters
    ----------
    lots : sequence of Lot
        The balance.
    payments : sequence of int
        Amounts paid from it.

    Returns
    -------
    (list of Lots, Lots)
        Each payment as one lot, traced if anything was, and what stays.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    Read as an amount. One base unit sent to a large service marks all that the service ever pays;
    anybody can so mark anybody.

    References
    ----------
    Möser, Böhme and Breuker, 2014; Möser and Narayanan, "Effective Cryptocurrency Regulation
    Through Blacklisting", 2019.
    """
    return Reach()


@_policy(backward=f"{SEARCHES_BACK} would prefer what the way there did not")
def seniority() -> Balance:
    """Traced value first: a payment takes traced lots as long as there are any.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first.
    payments : sequence of int
        Amounts paid from it, in order.

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, traced ones first, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The holder pays bills from a large clean balance: all that he pays is then taken for the
    traced value, and nothing of it is found where it lies.

    References
    ----------
    *Re Oatway* [1903] 2 Ch 356, where what was bought first was traced and the rest dissipated;
    Möser and Narayanan, 2019.
    """
    return OneKindFirst(traced=True)


@_policy(_smallest_first, backward=f"{SEARCHES_BACK} would prefer what the way there did not")
def clean_first() -> Balance:
    """Clean value first: a payment takes traced lots only when nothing else is left.

    In a coin transaction the smallest outputs are met first, the fee last: what is traced
    gathers in the largest outputs.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first.
    payments : sequence of int
        Amounts paid from it, in order.

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, clean ones first, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    Anybody can keep a clean float: as long as it covers what he pays, nothing is ever traced out
    of his balance.

    References
    ----------
    *Re Hallett's Estate* (1880) 13 Ch D 696: a trustee is taken to spend his own money first;
    Tironsakkul and others, "Tracking Mixed Bitcoins", 2020, for coins.
    """
    return OneKindFirst(traced=False)


@_policy(
    _largest_first,
    accounts="the largest of payments that are made over time is known only when all are made",
    backward=f"{SEARCHES_BACK} would prefer what the way there did not",
)
def taint_in_highest_out() -> Balance:
    """Traced inputs to the largest outputs: in each transaction the largest output is met first.

    Parameters
    ----------
    lots : sequence of Lot
        The inputs of a coin transaction, in order.
    payments : sequence of int
        Its outputs, then the fee, which is met last.

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, traced ones first, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The largest output is somebody else's: a payment to a service that is larger than the change.

    References
    ----------
    Tironsakkul, Maarek, Eross and Just, "Probing the Mystery of Cryptocurrency Theft", 2019.
    """
    return OneKindFirst(traced=True)


@_policy(
    follows=False,
    coins="a coin is spent whole: no balance lies between what comes in and what is paid",
    backward=f"{SEARCHES_BACK} would prefer what the way there did not",
)
def lowest_balance() -> Balance:
    """Lowest intermediate balance: what is left of the traced value in the account it came to.

    The holder is taken to pay his own money first. As soon as the balance falls below what came
    in traced, the difference is gone, and what he pays in later does not restore it: of each
    deposit no more is left than the lowest balance since. What was paid away is a named end and
    is not followed.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first.
    payments : sequence of int
        Amounts paid from it, in order.

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, clean ones first, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The order of payments is not known: a deposit of own money before or after the low changes
    what is left. A later deposit was meant to make good what was taken.

    References
    ----------
    *James Roscoe (Bolton) Ltd v Winder* [1915] 1 Ch 62, which limits *Re Hallett's Estate*.
    """
    return OneKindFirst(traced=False)


def least(marked: int, payments: Sequence[int]) -> list[int]:
    """Return how much of a marked part each payment holds at least, whoever divided the whole.

    A payment larger than all that is not marked is made of the marked part for the rest. This is
    arithmetic and no policy: it holds of every way to divide a balance that is paid out whole.

    Parameters
    ----------
    marked : int
        The marked part of the balance, in base units.
    payments : sequence of int
        All that is paid from the balance, the fee included: their sum is the balance.

    Returns
    -------
    list of int
        One minimum per payment. Together they are never more than ``marked``: where ``k`` payments
        exceed what is not marked, they lose it ``k`` times and the whole holds it once.
    """
    unmarked = sum(payments) - marked
    return [max(0, payment - unmarked) for payment in payments]


POLICIES: tuple[Policy, ...] = (
    fifo,
    lifo,
    haircut,
    poison,
    seniority,
    clean_first,
    taint_in_highest_out,
    lowest_balance,
)
"""All policies, written out."""


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return [policy.name for policy in POLICIES]
