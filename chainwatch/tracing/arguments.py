"""Whether the verbs of tracing were given what they can use; if not, one sentence says what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import TraceError, expect, refuse
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.policies import POLICIES, Policy


def check(**given: object) -> None:
    """Refuse arguments of the wrong kind; which kind a parameter is of, its name says.

    Raises
    ------
    ArgumentError
        Naming the first that does not fit, and what to pass instead.
    """
    for name, value in given.items():
        _CHECKS[name](value, name)


def check_tags(value: object, name: str = "tags") -> None:
    """Refuse what has no rows of tags."""
    if not _holds(value, "label", "actor"):
        refuse(value, name, "pass tags as read_tags(...) returns them")


def policy_of(policy: Policy | str) -> Policy:
    """Return a policy; one of :data:`POLICIES` may be given by its name, as case files do.

    Raises
    ------
    TraceError
        If no policy has that name; the sentence lists them.
    """
    names = {one.__name__: one for one in POLICIES}
    if isinstance(policy, str):
        if policy not in names:
            raise TraceError(
                f"there is no policy {policy[:40]!r}", remedy=f"write one of {', '.join(names)}"
            )
        return names[policy]
    if not callable(policy):
        refuse(policy, "policy", f"pass one of {', '.join(names)}")
    return policy


def _ledger(value: object, name: str) -> None:
    expect(value, Ledger, name, "open it first: open_ledger('ledger')")


def _asset(value: object, name: str) -> None:
    expect(value, Asset, name, "pass native('btc') or token('tron', CONTRACT, 'USDT', 6)")


def _some_tags(value: object, name: str) -> None:
    if value is not None:
        check_tags(value, name)


def _clusters(value: object, name: str) -> None:
    if value is not None and not _holds(value, "cluster"):
        refuse(value, name, "pass clusters as cluster(links) returns them")


def _rule(value: object, name: str) -> None:
    expect(value, (Rule, type(None)), name, "pass a rule")


def _whole(value: object, name: str) -> None:
    expect(value, int, name, "pass a whole number")


def _hops(value: object, name: str) -> None:
    if value is not None:
        _whole(value, name)


def _base_units(value: object, name: str) -> None:
    expect(value, int, name, "give whole base units, such as 100_000 for 0.001 BTC")


def _flag(value: object, name: str) -> None:
    expect(value, bool, name, "pass True or False")


_CHECKS: Mapping[str, Callable[[object, str], None]] = {
    "ledger": _ledger,
    "asset": _asset,
    "services": check_tags,
    "tags": _some_tags,
    "clusters": _clusters,
    "poisoning": _rule,
    "spread_unstated": _flag,
    "max_hops": _hops,
    "min_share": _whole,
    "min_sweeps": _whole,
    "min_amount": _base_units,
    "trifle": _base_units,
    "head": _whole,
    "tail": _whole,
}
"""What each parameter must be; those that may be left out may be None."""


def _holds(value: object, *columns: str) -> bool:
    frame = getattr(value, "frame", None)
    return isinstance(frame, pl.DataFrame) and {"chain", "address", *columns} <= {*frame.columns}
