"""A rule is a named, composable condition that answers true, false or *unknown*, and prints itself.

A rule is a function of its parameters that returns a narwhals expression over a feature frame
(:mod:`chainwatch.ledger.features`). Rules combine with ``& | ~``; unknown (null) flows through
them as in three-valued logic and is never filled.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import narwhals.stable.v2 as nw
import polars as pl

from chainwatch.errors import RuleError
from chainwatch.provenance import digest_json

VERDICT = "verdict"
"""Column of a rule's answer: true, false, or null for *unknown*."""


@dataclass(frozen=True)
class RuleSpec:
    """What is said once of a rule: its name, features, sources and known weaknesses."""

    name: str
    on: str
    refs: tuple[str, ...]
    looks_ahead: bool
    doc: str
    source: str


@dataclass(frozen=True)
class Rule:
    """A condition, or a combination of conditions.

    Attributes
    ----------
    op : str
        ``leaf``, ``and``, ``or`` or ``not``.
    parts : tuple of Rule
        What it combines; empty for a leaf.
    spec : RuleSpec or None
        What a leaf is.
    params : tuple of (str, value)
        The parameters of a leaf, all of them.
    expr : narwhals expression
        The condition.
    """

    op: str
    parts: tuple[Rule, ...]
    spec: RuleSpec | None
    params: tuple[tuple[str, Any], ...]
    expr: nw.Expr

    def __and__(self, other: Rule) -> Rule:
        return _combine("and", self, other, self.expr & other.expr)

    def __or__(self, other: Rule) -> Rule:
        return _combine("or", self, other, self.expr | other.expr)

    def __invert__(self) -> Rule:
        return Rule("not", (self,), None, (), ~self.expr)

    def __bool__(self) -> NoReturn:
        raise RuleError("rules combine with & | ~", remedy="do not write and, or, not")

    def __str__(self) -> str:
        if self.op == "leaf" and self.spec:
            given = ", ".join(f"{name}={value!r}" for name, value in self.params)
            return f"{self.spec.name}({given})"
        if self.op == "not":
            return f"~{_grouped(self.parts[0])}"
        return (" & " if self.op == "and" else " | ").join(_grouped(part) for part in self.parts)

    __repr__ = __str__

    @property
    def on(self) -> str:
        """Name of the feature frame that the rule reads."""
        return next(leaf.spec.on for leaf in self.leaves() if leaf.spec)

    def leaves(self) -> Iterator[Rule]:
        """Yield the conditions it is made of, left to right, each once."""
        seen: dict[str, Rule] = {}
        stack = [self]
        while stack:
            rule = stack.pop()
            if rule.op == "leaf":
                seen.setdefault(str(rule), rule)
            stack.extend(reversed(rule.parts))
        yield from seen.values()

    def digest(self) -> str:
        """Return the SHA-256 of the tree: names, parameters and the source text of each leaf."""
        return digest_json(_tree(self))


def _grouped(rule: Rule) -> str:
    return f"({rule})" if rule.op in ("and", "or") else str(rule)


def _combine(op: str, left: Rule, right: Rule, expr: nw.Expr) -> Rule:
    if not isinstance(right, Rule):
        raise RuleError(f"a rule combines with a rule, not with {type(right).__name__}")
    if left.on != right.on:
        raise RuleError(
            f"{left} reads {left.on} and {right} reads {right.on}",
            remedy="combine rules that read the same features",
        )
    return Rule(op, (left, right), None, (), expr)


def _tree(rule: Rule) -> list[Any]:
    if rule.op == "leaf" and rule.spec:
        return [
            "leaf",
            rule.spec.name,
            [[key, repr(value)] for key, value in rule.params],
            rule.spec.source,
        ]
    return [rule.op, *(_tree(part) for part in rule.parts)]


def rule(
    *, on: str, refs: tuple[str, ...] = (), looks_ahead: bool = False
) -> Callable[[Callable[..., nw.Expr]], Callable[..., Rule]]:
    """Turn a function of parameters that returns an expression into a maker of rules.

    Parameters
    ----------
    on : str
        Feature frame it reads: ``transactions``, ``outputs`` or ``transfers``.
    refs : tuple of str
        Keys of the sources that it rests on.
    looks_ahead : bool
        True if the answer can change as the chain grows.

    Raises
    ------
    RuleError
        If the function has no docstring or does not say when it fails.
    """

    def wrap(make: Callable[..., nw.Expr]) -> Callable[..., Rule]:
        doc = inspect.getdoc(make) or ""
        if "Fails when" not in doc:
            raise RuleError(
                f"rule {make.__name__} does not say when it fails",
                remedy="add a 'Fails when' section to its docstring",
            )
        text = hashlib.sha256(inspect.getsource(make).encode()).hexdigest()
        spec = RuleSpec(make.__name__, on, refs, looks_ahead, doc, text)
        signature = inspect.signature(make)

        @functools.wraps(make)
        def build(*args: Any, **kwargs: Any) -> Rule:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return Rule("leaf", (), spec, tuple(bound.arguments.items()), make(*args, **kwargs))

        build.spec = spec  # type: ignore[attr-defined]  # a label that contract tests read
        return build

    return wrap


def apply(features: pl.DataFrame, condition: Rule) -> pl.DataFrame:
    """Add one column per leaf, named by its text, and the verdict of the whole rule.

    Parameters
    ----------
    features : polars.DataFrame
        The frame the rule reads; one row per transaction, output or transfer.
    condition : Rule
        What to ask of each row.

    Returns
    -------
    polars.DataFrame
        The rows with Boolean columns; null is *unknown*. No row is dropped.

    Raises
    ------
    RuleError
        If the frame lacks a column that the rule reads.
    """
    columns = {str(leaf): leaf.expr for leaf in condition.leaves()} | {VERDICT: condition.expr}
    frame = nw.from_native(features)
    try:
        return frame.with_columns(**columns).to_native()
    except (nw.exceptions.ColumnNotFoundError, pl.exceptions.ColumnNotFoundError) as error:
        raise RuleError(
            f"{condition} reads a column that is not there ({error})",
            remedy=f"apply it to the features of {condition.on}",
        ) from error
