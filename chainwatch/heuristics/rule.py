"""A rule is a named, composable condition that answers true, false or *unknown*, and prints itself.

A rule is a function of its parameters that returns a narwhals expression over a feature frame
(:mod:`chainwatch.ledger.features`). Rules combine with ``& | ~``; unknown (null) flows through
them as in three-valued logic and is never filled.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

import narwhals.stable.v2 as nw
import polars as pl
from narwhals.stable.v2.typing import IntoFrame

from chainwatch.errors import RuleError
from chainwatch.heuristics.question import Params, bound, called, check_plain, is_plain, told
from chainwatch.ledger.features import FRAMES
from chainwatch.results.provenance import digest_bytes, digest_json

VERDICT = "verdict"
"""Column of a rule's answer: true, false, or null for *unknown*."""

P = ParamSpec("P")
Frame = TypeVar("Frame", bound=IntoFrame)


@dataclass(frozen=True)
class RuleSpec:
    """What is said once of a rule: its name, features, sources and known weaknesses.

    ``source`` is the SHA-256 of the text of its function.
    """

    name: str
    on: str
    refs: tuple[str, ...]
    looks_ahead: bool
    doc: str
    source: str


Answering = Callable[["nw.DataFrame[Any]"], "nw.Series[Any]"]
"""What answers the rows of a frame in memory: true, false or null, each row by itself."""


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """A condition, or a combination of conditions; two are equal if their digests are.

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
    answers : callable or None
        Of a leaf that no expression can say, such as a fitted model: what answers rows of a frame
        in memory. ``expr`` then reads its answers, in a column named by the text of the leaf.
    """

    op: str
    parts: tuple[Rule, ...]
    spec: RuleSpec | None
    params: Params
    expr: nw.Expr
    answers: Answering | None = None

    def __and__(self, other: Rule) -> Rule:
        return _combine("and", self, other)

    def __or__(self, other: Rule) -> Rule:
        return _combine("or", self, other)

    def __invert__(self) -> Rule:
        return Rule("not", (self,), None, (), ~self.expr)

    def __bool__(self) -> NoReturn:
        raise RuleError("rules combine with & | ~", remedy="do not write and, or, not")

    def __str__(self) -> str:
        if self.op == "leaf" and self.spec:
            return called(self.spec.name, self.params)
        if self.op == "not":
            return f"~{_grouped(self.parts[0])}"
        return (" & " if self.op == "and" else " | ").join(_grouped(part) for part in self.parts)

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, Rule) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())

    @property
    def on(self) -> str:
        """Name of the feature frame that the rule reads."""
        return next(leaf.spec.on for leaf in self.leaves() if leaf.spec)

    def leaves(self) -> Iterator[Rule]:
        """Yield the conditions it is made of, left to right, each once."""
        seen: dict[str, Rule] = {}
        stack = [self]
        while stack:
            part = stack.pop()
            if part.op == "leaf":
                seen.setdefault(str(part), part)
            stack.extend(reversed(part.parts))
        yield from seen.values()

    def identity(self) -> str:
        """Return what a record says of it: its text, and what its code was."""
        return f"{self} [code {self.digest()[:12]}]"

    def digest(self) -> str:
        """Return the SHA-256 of the tree: names, parameters and the source text of each leaf."""
        return digest_json(_tree(self))


def _grouped(rule: Rule) -> str:
    return f"({rule})" if rule.op in ("and", "or") else str(rule)


def _combine(op: str, left: Rule, right: object) -> Rule:
    if not isinstance(right, Rule):
        raise RuleError(f"a rule combines with a rule, not with {type(right).__name__}")
    if left.on != right.on:
        raise RuleError(
            f"{left} reads {left.on} and {right} reads {right.on}",
            remedy="combine rules that read the same features",
        )
    named = {str(leaf): leaf for leaf in left.leaves()}
    for leaf in right.leaves():
        if named.get(str(leaf), leaf) != leaf:
            raise RuleError(f"two different rules print as {leaf}", remedy="rename one of them")
    expr = left.expr & right.expr if op == "and" else left.expr | right.expr
    return Rule(op, (left, right), None, (), expr)


def _tree(rule: Rule) -> list[Any]:
    if rule.op == "leaf" and rule.spec:
        return ["leaf", rule.spec.name, rule.spec.on, told(rule.params), rule.spec.source]
    return [rule.op, *(_tree(part) for part in rule.parts)]


def rule(
    *, on: str, refs: tuple[str, ...] = (), looks_ahead: bool = False
) -> Callable[[Callable[P, nw.Expr]], Callable[P, Rule]]:
    """Turn a function of parameters that returns an expression into a maker of rules.

    The expression must speak of one row: what it says of a transaction may not depend on which
    others stand in the frame. All that it rests on must be a parameter, so that the rule prints it.

    Parameters
    ----------
    on : str
        Feature frame it reads: one of :data:`chainwatch.ledger.features.FRAMES`.
    refs : tuple of str
        Keys of the sources that it rests on.
    looks_ahead : bool
        True if an answer once given can change as the chain grows.

    Raises
    ------
    RuleError
        If there is no such frame, or the function does not say when it fails, reads a variable
        of the function around it, or has no source text to digest.
    """
    if on not in FRAMES:
        raise RuleError(f"there are no features {on!r}", remedy=f"read one of {', '.join(FRAMES)}")

    def wrap(make: Callable[P, nw.Expr]) -> Callable[P, Rule]:
        name = make.__name__
        spec = RuleSpec(name, on, refs, looks_ahead, explained(make), _source(make))
        signature = inspect.signature(make)

        @functools.wraps(make)
        def build(*args: P.args, **kwargs: P.kwargs) -> Rule:
            params = bound(signature, args, kwargs, partial(check_plain, name))
            return Rule("leaf", (), spec, params, make(*args, **kwargs))

        build.spec = spec  # type: ignore[attr-defined]  # read by spec_of
        return build

    return wrap


def decide(yes: nw.Expr, possible: nw.Expr) -> nw.Expr:
    """Return true where ``yes`` holds, false where it is not even ``possible``, else null.

    Where something that was not read decides whether it is possible, it is unknown as well.
    """
    return (
        nw.when(yes)
        .then(nw.lit(True))
        .when(~(yes | possible))
        .then(nw.lit(False))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def spec_of(make: Callable[..., Rule]) -> RuleSpec:
    """Return what is said once of a rule, by its maker, such as a line of the catalogue."""
    spec: RuleSpec = make.spec  # type: ignore[attr-defined]  # every maker of rules has it
    return spec


def explained(make: Callable[..., object]) -> str:
    """Return the docstring of a rule, which must say when the rule fails."""
    doc = inspect.getdoc(make) or ""
    if "Fails when" not in doc:
        raise RuleError(
            f"rule {make.__name__} does not say when it fails",
            remedy="add a 'Fails when' section to its docstring",
        )
    return doc


def _source(make: Callable[..., object]) -> str:
    """Return the SHA-256 of a rule's text, which must be all that the rule rests on."""
    read = inspect.getclosurevars(make)
    numbers = (name for name, value in read.globals.items() if is_plain(value))
    around = sorted({*read.nonlocals, *numbers})
    if around:
        raise RuleError(
            f"rule {make.__name__} reads {', '.join(around)} from around it",
            remedy="make it a parameter of the rule",
        )
    try:
        text = inspect.getsource(make)
    except (OSError, TypeError) as error:
        raise RuleError(
            f"the text of rule {make.__name__} cannot be read, so it would have no digest",
            remedy="write it in a file or a notebook cell",
        ) from error
    return digest_bytes(textwrap.dedent(text).encode())


def apply(features: Frame, condition: Rule) -> Frame:
    """Add one column per leaf, named by its text, and the verdict of the whole rule.

    Parameters
    ----------
    features : polars.DataFrame, polars.LazyFrame, or any frame that narwhals reads
        The frame the rule reads; one row per transaction or transfer.
    condition : Rule
        What to ask of each row.

    Returns
    -------
    frame of the same kind
        The rows with Boolean columns; null is *unknown*. No row is dropped. Columns of the same
        name (an earlier verdict) are replaced.

    Raises
    ------
    RuleError
        If the frame lacks a column that the rule reads, a leaf does not answer true or false, or
        the frame is not in memory and a leaf needs that.
    """
    columns = {str(leaf): leaf.expr for leaf in condition.leaves()} | {VERDICT: condition.expr}
    try:
        frame: Any = nw.from_native(features)
        for leaf in condition.leaves():
            if leaf.answers is not None:
                frame = _answered(frame, leaf, leaf.answers)
        answered = frame.with_columns(**columns)
        # A lazy frame learns only here that a column is not there.
        kinds = answered.collect_schema()
    except (nw.exceptions.ColumnNotFoundError, pl.exceptions.ColumnNotFoundError) as error:
        raise RuleError(
            f"{condition} reads a column that is not there ({error})",
            remedy=f"apply it to the features of {condition.on}",
        ) from error
    for name in columns:
        if kinds[name] != nw.Boolean:
            raise RuleError(f"{name} answers {kinds[name]}, not true or false")
    native: Frame = answered.to_native()
    return native


def _answered(frame: Any, leaf: Rule, answers: Answering) -> Any:
    """Return a frame with what answers a leaf that is no expression, in a column named by it."""
    if not isinstance(frame, nw.DataFrame):
        raise RuleError(
            f"{leaf} answers frames in memory, and this one is lazy", remedy="collect it first"
        )
    return frame.with_columns(answers(frame).alias(str(leaf)))
