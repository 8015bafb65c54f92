"""A typology: a named question to the payments of one asset that answers with claims.

What looks like laundering is seldom in one payment: it is in who pays how many, how soon, how
alike. So a typology reads the payments between owners (:mod:`chainwatch.typologies.flows`) and
claims shapes, each with the payments that make it, and always beside the innocent business that has
the same shape: its *benign twin*. It prints itself with its parameters, says when it fails, and has
a digest. A claim is a reason to look, and no proof of anything.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Concatenate, NamedTuple, ParamSpec

import numpy as np

from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.question import (
    Params,
    Question,
    bound,
    digest_of_files,
    is_plain,
    without_first,
)
from chainwatch.heuristics.rule import explained
from chainwatch.typologies import flows as flows_file
from chainwatch.typologies import lists as lists_file
from chainwatch.typologies.facts import NO_FACTS
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import Rows
from chainwatch.units import counted

P = ParamSpec("P")

FATF = (
    "transactions", "patterns", "anonymity", "senders_recipients", "source_of_funds", "geography",
)  # fmt: skip
"""The six categories of red flags of the FATF's report of September 2020."""

NEEDS = (
    "clusters", "tags", "prices", "coin chain", "account chain", "reviews", "advertisements",
    "list prices", "closures", "published addresses",
)  # fmt: skip
"""What a typology may need, and is not asked without; the last five are facts from outside."""

WEAK, PLAIN = "weak", "plain"
STRENGTHS = (PLAIN, WEAK)
"""How much a typology says: *weak* where no source describes its numbers, where innocent business
has the very same payments, or where more of its alerts were measured to be wrong than right. The
sentence of a claim of a weak one begins with that business: ``as a shop is paid: ...``."""


class Claim(NamedTuple):
    """One shape that was found.

    Attributes
    ----------
    party : int
        Number of the party whose doing it is.
    why : str
        One sentence: what was found, with its counts. No amount stands in it: amounts stand in
        columns, where an edition can round them.
    rows : mapping of str to sequence of int
        The payments that make it, by their role in the shape.
    adds : tuple of str
        The roles whose payments are what is at stake: its amount, each payment once. All, where
        none is named.
    unknown : str
        What the answer rests on and was not read, in words; nothing where all was.
    """

    party: int
    why: str
    rows: Mapping[str, Rows | Sequence[int]]
    adds: tuple[str, ...] = ()
    unknown: str = ""

    def every(self) -> Rows:
        """Return the payments of all roles, each once, in order."""
        return _joined(self.rows.values())

    def counted(self) -> Rows:
        """Return the payments that its amount adds up, each once, in order."""
        return _joined(self.rows[role] for role in self.adds or self.rows)


class Lacking(NamedTuple):
    """What was not given, so that a typology could not be asked: ``what``, in words."""

    what: str


class NotJudged(NamedTuple):
    """Parties or payments that a typology left out, why, and how many: a cap, or no price."""

    why: str
    number: int


Answer = Claim | Lacking | NotJudged

Asking = Callable[Concatenate[Flows, P], Iterable[Answer]]
"""A function of payments and parameters that yields what it answers."""


@dataclass(frozen=True)
class Found:
    """What a typology answered: claims in order, and what it could not judge."""

    claims: tuple[Claim, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Typology(Question):
    """A named question to payments, with its parameters; two are equal if their digests are.

    Attributes
    ----------
    name : str
        As it stands in column ``typology`` of alerts.
    params : tuple of (str, value)
        All of its parameters.
    fatf : str
        Category of the FATF's red flags that it speaks to: one of :data:`FATF`.
    benign : str
        The innocent business with the same shape, in one sentence.
    needs : tuple of str
        Of :data:`NEEDS`, what it is not asked without.
    strength : str
        Of :data:`STRENGTHS`: *weak* ones say so wherever they are shown.
    refs : tuple of str
        Keys of the sources that it rests on.
    doc : str
        What it says, and when it fails.
    source : str
        The SHA-256 of the file that it stands in, and of those that it rests on.
    ask : callable
        What it answers of payments, as it yields it; :meth:`find` puts it in order.
    """

    name: str
    params: Params
    fatf: str
    benign: str
    needs: tuple[str, ...]
    strength: str
    refs: tuple[str, ...]
    doc: str
    source: str
    ask: Callable[[Flows], Iterable[Answer]] = field(compare=False)

    def __str__(self) -> str:
        said = super().__str__()
        return said if self.strength == PLAIN else f"{said} ({self.strength})"

    def find(self, flows: Flows) -> Found:
        """Return what it claims of payments: nothing is read but these.

        Claims stand in the order of their first payments. One whose payers are not all known to
        have wanted a payment is open, whatever else it rests on.
        """
        if missing := tuple(Lacking(said) for said in self._missing(flows)):
            return Found(lacking=missing)
        answers = list(self.ask(flows))
        claims = [_sure(flows, one) for one in answers if isinstance(one, Claim)]
        claims.sort(key=lambda one: (one.every().tolist(), one.party, one.why))
        return Found(
            tuple(claims),
            tuple(one for one in answers if isinstance(one, Lacking)),
            tuple(one for one in answers if isinstance(one, NotJudged)),
        )

    def _missing(self, flows: Flows) -> Iterator[str]:
        coins = flows.coins
        there = {
            "clusters": flows.clusters is not None,
            "tags": flows.tags is not None or bool(flows.names),
            "prices": flows.prices is not None, "coin chain": coins, "account chain": not coins,
            **(NO_FACTS if flows.facts is None else flows.facts).given(),
        }  # fmt: skip
        yield from (one for one in self.needs if not there[one])


def typology(
    *, fatf: str, benign: str, needs: tuple[str, ...] = (), strength: str = PLAIN,
    refs: tuple[str, ...], rests_on: tuple[Any, ...] = (),
) -> Callable[[Asking[P]], Callable[P, Typology]]:  # fmt: skip
    """Turn a function of payments and parameters into a maker of typologies.

    The function yields what it answers: claims, and what it could not judge.

    Parameters
    ----------
    fatf : str
        Category of the FATF's red flags: one of :data:`FATF`.
    benign : str
        The innocent business with the same shape, in one sentence.
    needs : tuple of str
        What it is not asked without: of :data:`NEEDS`.
    strength : str
        Of :data:`STRENGTHS`.
    refs : tuple of str
        Keys of the sources that it rests on.
    rests_on : tuple of modules
        Whose text is in its digest, beside that of its own file, of ``flows`` and of ``lists``.

    Raises
    ------
    RuleError
        If the function does not say when it fails, the category, a need or the strength is
        unknown, the twin is no sentence, or a parameter is neither a whole number nor a text.
    """

    def wrap(find: Asking[P]) -> Callable[P, Typology]:
        name, doc = find.__name__, explained(find)
        _check(name, fatf, benign, needs, strength)
        files = (
            sys.modules[find.__module__],
            flows_file,
            lists_file,
            sys.modules[__name__],
            *rests_on,
        )
        source, own = digest_of_files(files), without_first(find)

        @functools.wraps(find)
        def build(*args: P.args, **kwargs: P.kwargs) -> Typology:
            params = bound(own, args, kwargs, partial(_check_parameter, name))
            return Typology(
                name, params, fatf, benign, needs, strength, refs, doc, source,
                lambda flows: find(flows, *args, **kwargs),
            )  # fmt: skip

        build.__signature__ = own  # type: ignore[attr-defined]  # what inspection shows
        build.typology = name  # type: ignore[attr-defined]  # how the list is proven complete
        return build

    return wrap


def _check(name: str, fatf: str, benign: str, needs: tuple[str, ...], strength: str) -> None:
    if fatf not in FATF:
        raise RuleError(
            f"typology {name} is of the category {fatf!r}", remedy=f"write {', '.join(FATF)}"
        )
    if not benign.endswith("."):
        raise RuleError(
            f"typology {name} does not say in a sentence what innocent business looks the same",
            remedy="pass benign='... .'",
        )
    if unknown := [one for one in needs if one not in NEEDS]:
        raise RuleError(f"typology {name} needs {unknown[0]!r}", remedy=f"write {', '.join(NEEDS)}")
    if strength not in STRENGTHS:
        raise RuleError(
            f"typology {name} is of the strength {strength!r}",
            remedy=f"write {' or '.join(STRENGTHS)}",
        )


def _check_parameter(name: str, parameter: inspect.Parameter, value: object) -> None:
    what = f"parameter {parameter.name} of typology {name}"
    if not is_plain(value) or isinstance(value, float):
        raise RuleError(
            f"{what} is of type {type(value).__name__}",
            remedy="give a whole number, a text, or a tuple of these",
        )
    if not isinstance(parameter.default, int):
        return
    expect(value, int, what, "give a whole number")
    if isinstance(value, int) and value < 0:
        raise RuleError(f"{what} is {value}", remedy="give 0 or more")


def _joined(parts: Iterable[Rows | Sequence[int]]) -> Rows:
    found = [np.asarray(part, np.int64) for part in parts]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _sure(flows: Flows, claim: Claim) -> Claim:
    """Return a claim, open where not every payer is known to have wanted its payment."""
    loose = int((~flows.agreed[claim.every()]).sum())
    if not loose:
        return claim
    one, many = "payment it was", "payments it was"
    said = f"of {counted(loose, one, many)} not read whether the payer wanted it"
    return claim._replace(unknown="; ".join(filter(None, (claim.unknown, said))))


__all__ = [
    "FATF",
    "NEEDS",
    "PLAIN",
    "STRENGTHS",
    "WEAK",
    "Answer",
    "Asking",
    "Claim",
    "Found",
    "Lacking",
    "NotJudged",
    "Typology",
    "typology",
]
