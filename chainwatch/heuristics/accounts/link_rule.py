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
from typing import Any, Concatenate, ParamSpec

import polars as pl

from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.accounts import batches, deposit_address
from chainwatch.heuristics.accounts import facts as facts_file
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.heuristics.rule import explained, is_plain
from chainwatch.results.provenance import digest_bytes, digest_json

P = ParamSpec("P")

CLAIMS: dict[str, pl.DataType | type[pl.DataType]] = {
    "one": pl.Binary, "other": pl.Binary, "tx": pl.Int64, "txid": pl.Binary,
    "time": pl.Datetime("us", "UTC"), "veto": pl.Boolean,
}  # fmt: skip
"""What a rule returns: two accounts, the transaction that shows it, and whether that joins them
(*false*), was refused for what speaks against it (*true*), or cannot be told (null)."""


@dataclass(frozen=True, eq=False, repr=False)
class LinkRule:
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
    params: tuple[tuple[str, Any], ...]
    refs: tuple[str, ...]
    doc: str
    source: str
    find: Callable[[AccountFacts], pl.DataFrame]

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params)
        return f"{self.name}({given})"

    __repr__ = __str__

    def identity(self) -> str:
        """Return what a record says of it: its text, and what its code was."""
        return f"{self} [code {self.source[:12]}]"

    def digest(self) -> str:
        """Return the SHA-256 of its name, its parameters and the text of its file."""
        params = [[name, repr(value)] for name, value in self.params]
        return digest_json([self.name, params, self.source])

    def made(self) -> str:
        """Return on what terms its links are made, as a rate names them."""
        return f"rule sha256:{digest_json(str(self))}"

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, LinkRule) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())


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
        text = "\n".join(inspect.getsource(file) for file in files)
        source = digest_bytes(text.encode())
        signature = inspect.signature(find)
        own = signature.replace(parameters=list(signature.parameters.values())[1:])

        @functools.wraps(find)
        def build(*args: P.args, **kwargs: P.kwargs) -> LinkRule:
            bound = own.bind(*args, **kwargs)
            bound.apply_defaults()
            for key, value in bound.arguments.items():
                if not is_plain(value):
                    raise RuleError(
                        f"parameter {key} of rule {name} is of type {type(value).__name__}",
                        remedy="give a number, a text, or a tuple of these",
                    )
                if own.parameters[key].annotation in ("int", int):
                    expect(value, int, f"parameter {key} of rule {name}", "give a whole number")
                    if value < 0:
                        raise RuleError(
                            f"parameter {key} of rule {name} is {value}", remedy="give 0 or more"
                        )
            params = tuple(bound.arguments.items())
            return LinkRule(
                name, params, refs, doc, source, lambda facts: find(facts, *args, **kwargs)
            )

        build.__signature__ = own  # type: ignore[attr-defined]  # what inspection shows
        build.link_rule = name  # type: ignore[attr-defined]  # how the list is proven complete
        return build

    return wrap


def claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as claims, in one order, each once."""
    kept = rows.select(pl.col(name).cast(kind) for name, kind in CLAIMS.items())
    return kept.unique().sort(*CLAIMS, nulls_last=True)
