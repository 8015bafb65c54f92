"""All rules that link accounts, a line each; contract tests go over this list."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.completion import names_of
from chainwatch.heuristics.accounts.deposit_reuse import deposit_reuse, deposit_reuse_production
from chainwatch.heuristics.accounts.link_rule import LinkRule

ACCOUNT_RULES: tuple[Callable[..., LinkRule], ...] = (
    deposit_reuse,
    deposit_reuse_production,
)

DEFAULT: tuple[LinkRule, ...] = (
    deposit_reuse(),
    deposit_reuse_production(),
)
"""Rules that are asked where nobody names others."""


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
