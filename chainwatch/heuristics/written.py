"""Rules as people write them, in case files: ``fresh_address() & ~since(height=500000)``.

A rule is read as it prints itself, and nothing else is: names of the catalogue, their parameters by
name, and ``& | ~`` with brackets. What a stranger writes is never run.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from chainwatch.completion import names_of
from chainwatch.errors import ChainwatchError, InputError
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.accounts.link_rule import LinkRule
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.coinjoin import JOINT, PREPARATION
from chainwatch.heuristics.rule import Rule

LONGEST = 6_000
"""Characters of a rule; what stops links by default prints itself in less than 2,000."""

DEEPEST = 60
"""Brackets within brackets, and one condition behind another."""

NAMED: Mapping[str, Rule] = {"JOINT": JOINT, "PREPARATION": PREPARATION}
"""Combinations that have a name of their own: mixes, and who prepares coins for one."""

_MAKERS: Mapping[str, Callable[..., Rule]] = {make.__name__: make for make in RULES}
_OF_ACCOUNTS: Mapping[str, Callable[..., LinkRule]] = {
    make.__name__: make for make in ACCOUNT_RULES
}
_HOW = "write names of rules with & | ~ and brackets, such as equal_outputs(min_equal=4) | JOINT"


def rule_written(text: str, *, on: str | None = None) -> Rule:
    """Return the rule that a text says.

    Parameters
    ----------
    text : str
        As a rule prints itself; a name without brackets has its usual parameters.
    on : str, optional
        The features that it must read: ``outputs``, ``transactions`` or ``transfers``.

    Raises
    ------
    InputError
        If it is none; nothing of it was run.
    """
    made = _made(_tree(text), 0)
    if on is not None and made.on != on:
        raise InputError(
            f"the rule {text!r:.60} is on {made.on}, not on {on}",
            remedy=f"write one of {', '.join(rules_on(on))}",
        )
    return made


def account_rule_written(text: str) -> LinkRule:
    """Return the rule on accounts that a text says, such as ``first_funder(funded=10)``.

    Raises
    ------
    InputError
        If it is none.
    """
    name, given = _call(_tree(text))
    found: LinkRule = _with(_maker(name, _OF_ACCOUNTS), name, given)
    return found


def rules_on(on: str) -> list[str]:
    """Return the names of the rules that read some features and need no number."""
    able = (name for name, make in _MAKERS.items() if not _wanted(make))
    return sorted(name for name in able if _spec_on(_MAKERS[name]) == on)


def _wanted(make: Callable[..., Any]) -> bool:
    given = inspect.signature(make).parameters.values()
    return any(one.default is inspect.Parameter.empty for one in given)


def _spec_on(make: Callable[..., Rule]) -> str:
    spec: Any = make.__dict__["spec"]
    return str(spec.on)


def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise InputError("a rule is too long", remedy=f"write up to {LONGEST:,} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{text!r:.60} is no rule", remedy=_HOW) from None


def _made(node: ast.expr, depth: int) -> Rule:
    """Return the rule of one node; whatever is neither a rule nor joins two is refused."""
    if depth > DEEPEST:
        raise InputError("a rule is too deep", remedy=f"write up to {DEEPEST} in one another")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return ~_made(node.operand, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
        left, right = _made(node.left, depth + 1), _made(node.right, depth + 1)
        if left.on != right.on:
            raise InputError(
                f"a rule joins conditions on {left.on} and on {right.on}",
                remedy="join those of one kind",
            )
        return left & right if isinstance(node.op, ast.BitAnd) else left | right
    name, given = _call(node)
    if name in NAMED and not given:
        return NAMED[name]
    found: Rule = _with(_maker(name, _MAKERS), name, given)
    return found


def _call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    """Return name and parameters of a call, or of a name that stands alone."""
    if isinstance(node, ast.Name):
        return node.id, {}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        return node.func.id, {_key(one): _value(one.value) for one in node.keywords}
    raise InputError("a part of a rule is no name of one with parameters by name", remedy=_HOW)


def _key(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise InputError("a parameter of a rule has no name", remedy=_HOW)
    return keyword.arg


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            "a parameter of a rule is no plain value", remedy="write a number, a text or a list"
        ) from None


def _maker(name: str, makers: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    if name not in makers:
        more = [*NAMED] if makers is _MAKERS else []
        raise InputError(
            f"{name!r:.60} is no rule", remedy=f"write one of {', '.join(sorted([*makers, *more]))}"
        )
    return makers[name]


def _with(make: Callable[..., Any], name: str, given: Mapping[str, Any]) -> Any:
    """Return a rule with its parameters; what does not fit is said in one sentence."""
    try:
        return make(**given)
    except ChainwatchError as error:
        raise InputError(f"{name}: {error.what}", remedy=error.remedy) from error
    except TypeError:
        known = ", ".join(inspect.signature(make).parameters) or "none"
        raise InputError(
            f"the parameters of {name} do not fit", remedy=f"it takes {known}"
        ) from None


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)


__all__ = ["account_rule_written", "rule_written", "rules_on"]
