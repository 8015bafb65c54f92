"""Whether the verbs of tracing were given what they can use; if not, one sentence says what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
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
    names = {one.name: one for one in POLICIES}
    if isinstance(policy, str):
        if policy not in names:
            raise TraceError(
                f"there is no policy {policy[:40]!r}", remedy=f"write one of {', '.join(names)}"
            )
        return names[policy]
    if not isinstance(policy, Policy):
        refuse(policy, "policy", f"pass one of {', '.join(names)}")
    return policy


def check_through(value: object, asset: Asset, *, fetching: bool) -> None:
    """Refuse meanings of another chain, on coins, or beside fetching: they are of what was read.

    Raises
    ------
    TraceError
        If they do not fit what is followed.
    """
    if value is None:
        return
    if getattr(getattr(value, "chain", None), "id", asset.chain) != asset.chain:
        raise TraceError(
            "the meanings are of transactions of another chain", remedy="make them of this one"
        )
    if fetching:
        raise TraceError(
            "meanings are of what was read before anything is fetched",
            remedy="fetch first, then say what transactions mean, and follow without fetch=",
        )


DIRECTIONS = ("forward", "backward")


def policy_for(policy: Policy | str | None, chain: str, direction: str = "forward") -> Policy:
    """Return a policy that has a meaning on a chain, in a direction.

    Raises
    ------
    TraceError
        If none was chosen, none has that name, or it has no meaning on coins, on balances, or
        backward; or if there is no such direction.
    """
    if direction not in DIRECTIONS:
        raise TraceError(
            f"there is no direction {str(direction)[:40]!r}",
            remedy=f"write {' or '.join(DIRECTIONS)}",
        )
    if policy is None:
        raise TraceError(
            "no policy was chosen: which part of a mixed balance a payment is made of is not on"
            " the chain, and who reads the result must know what was assumed",
            remedy=f"write policy= one of {', '.join(one.name for one in POLICIES)};"
            " trace_all(...) compares them",
        )
    found = policy_of(policy)
    coins = find_chain(chain).family == "utxo"
    why = found.coins if coins else found.accounts
    if why:
        fit = ", ".join(one.name for one in policies_for(chain))
        where = "coins" if coins else "balances"
        raise TraceError(
            f"{found.name} has no meaning on {where}: {why}", remedy=f"write one of {fit}"
        )
    if direction == "backward" and found.backward:
        fit = ", ".join(one.name for one in policies_for(chain, direction))
        raise TraceError(
            f"{found.name} cannot be followed backward: {found.backward}",
            remedy=f"write one of {fit}",
        )
    return found


def policies_for(chain: str, direction: str = "forward") -> tuple[Policy, ...]:
    """Return the policies that have a meaning on a chain, in a direction."""
    coins, back = find_chain(chain).family == "utxo", direction == "backward"
    fit = (one for one in POLICIES if not (one.coins if coins else one.accounts))
    return tuple(one for one in fit if not (back and one.backward))


def _ledger(value: object, name: str) -> None:
    expect(value, Ledger, name, "open it first: open_ledger('ledger')")


def _asset(value: object, name: str) -> None:
    expect(value, Asset, name, "pass native('btc') or token('tron', CONTRACT, 'USDT', 6)")


def _through(value: object, name: str) -> None:
    if value is not None and not callable(getattr(value, "passage", None)):
        refuse(value, name, "pass what transactions mean: meanings(ledger, tags)")


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


def _age(value: object, name: str) -> None:
    expect(value, (timedelta, type(None)), name, "pass a timedelta, such as timedelta(days=90)")


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
    "through": _through,
    "poisoning": _rule,
    "spread_unstated": _flag,
    "max_hops": _hops,
    "max_age": _age,
    "min_share": _whole,
    "min_sweeps": _whole,
    "min_unrelated": _whole,
    "min_funded": _whole,
    "min_pure": _whole,
    "min_amount": _base_units,
    "trifle": _base_units,
    "budget": _whole,
    "head": _whole,
    "tail": _whole,
}
"""What each parameter must be; those that may be left out may be None."""


def _holds(value: object, *columns: str) -> bool:
    frame = getattr(value, "frame", None)
    return isinstance(frame, pl.DataFrame) and {"chain", "address", *columns} <= {*frame.columns}
