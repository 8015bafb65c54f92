"""A rule that links accounts: a named question to a whole chain that answers with pairs.

What links two accounts is seldom in one row: a deposit address is one by all that it did. So such
a rule reads the facts of a chain (:mod:`chainwatch.heuristics.accounts.facts`) and returns claims,
each with the transaction that shows it. Like any rule it prints itself with its parameters, says
when it fails, and has a digest.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec

import polars as pl

from chainwatch.errors import RuleError
from chainwatch.heuristics.accounts import batches, deposit_address
from chainwatch.heuristics.accounts import facts as facts_file
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.heuristics.question import (
    Params,
    Question,
    bound,
    check_plain,
    digest_of_files,
    is_whole,
    without_first,
)
from chainwatch.heuristics.rule import explained
from chainwatch.results.provenance import digest_json

P = ParamSpec("P")

CLAIMS: dict[str, pl.DataType | type[pl.DataType]] = {
    "one": pl.Binary, "other": pl.Binary, "tx": pl.Int64, "txid": pl.Binary,
    "time": pl.Datetime("us", "UTC"), "veto": pl.Boolean,
}  # fmt: skip
"""What a rule returns: two accounts, the transaction that shows it, and whether that joins them
(*false*), was refused for what speaks against it (*true*), or cannot be told (null)."""


@dataclass(frozen=True, eq=False, repr=False)
class LinkRule(Question):
    """A rule that links accounts, with its parameters; two are equal if their digests are.

    Attributes
    ----------
    name : str
        As it stands in column ``rule`` of links.
    params : tuple of (str, value)
        All of its parameters.
    refs : tuple of str
        Keys of the sources that it rests on.
    doc : str
        What it says, and when it fails.
    source : str
        The SHA-256 of the file that it stands in and of those that all rules rest on.
    find : callable
        Claims of it in the facts of a chain: rows in :data:`CLAIMS`.
    """

    name: str
    params: Params
    refs: tuple[str, ...]
    doc: str
    source: str
    find: Callable[[AccountFacts], pl.DataFrame]

    def made(self) -> str:
        """Return on what terms its links are made, as a rate names them."""
        return f"rule sha256:{digest_json(str(self))}"


def link_rule(
    *, refs: tuple[str, ...]
) -> Callable[[Callable[Concatenate[AccountFacts, P], pl.DataFrame]], Callable[P, LinkRule]]:
    """Turn a function of facts and parameters into a maker of rules.

    Parameters
    ----------
    refs : tuple of str
        Keys of the sources that it rests on.

    Raises
    ------
    RuleError
        If the function does not say when it fails, or a parameter is no number, text or tuple.
    """

    def wrap(find: Callable[Concatenate[AccountFacts, P], pl.DataFrame]) -> Callable[P, LinkRule]:
        name, doc = find.__name__, explained(find)
        files = (sys.modules[find.__module__], facts_file, batches, deposit_address)
        source, own = digest_of_files(files), without_first(find)

        @functools.wraps(find)
        def build(*args: P.args, **kwargs: P.kwargs) -> LinkRule:
            params = bound(own, args, kwargs, partial(_check, name))
            return LinkRule(
                name, params, refs, doc, source, lambda facts: find(facts, *args, **kwargs)
            )

        build.__signature__ = own  # type: ignore[attr-defined]  # what inspection shows
        build.link_rule = name  # type: ignore[attr-defined]  # how the list is proven complete
        return build

    return wrap


def _check(name: str, parameter: inspect.Parameter, value: Any) -> None:
    check_plain(name, parameter, value)
    if is_whole(parameter) and value < 0:
        raise RuleError(
            f"parameter {parameter.name} of rule {name} is {value}", remedy="give 0 or more"
        )


def claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as claims, in one order, each once."""
    kept = rows.select(pl.col(name).cast(kind) for name, kind in CLAIMS.items())
    return kept.unique().sort(*CLAIMS, nulls_last=True)
