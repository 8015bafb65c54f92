"""All rules that link accounts, a line each; contract tests go over this list."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.completion import names_of
from chainwatch.heuristics.accounts.activation import activation
from chainwatch.heuristics.accounts.airdrop import airdrop_collected
from chainwatch.heuristics.accounts.deposit_reuse import (
    deposit_reuse,
    deposit_reuse_known,
    deposit_reuse_production,
)
from chainwatch.heuristics.accounts.first_funder import first_funder
from chainwatch.heuristics.accounts.link_rule import LinkRule
from chainwatch.heuristics.accounts.permission import permission_key
from chainwatch.heuristics.accounts.safe import safe_key_change, safe_owner
from chainwatch.heuristics.accounts.self_authorization import self_authorization

ACCOUNT_RULES: tuple[Callable[..., LinkRule], ...] = (
    activation,
    airdrop_collected,
    deposit_reuse,
    deposit_reuse_known,
    deposit_reuse_production,
    first_funder,
    permission_key,
    safe_key_change,
    safe_owner,
    self_authorization,
)

DEFAULT: tuple[LinkRule, ...] = (
    activation(),
    airdrop_collected(),
    deposit_reuse(),
    deposit_reuse_known(),
    deposit_reuse_production(),
    first_funder(),
)
"""Rules that are asked where nobody names others. Leave to move tokens and keys that may sign are
not among them: today they mostly speak of deceit. Owners of Safes are leads at most."""


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
