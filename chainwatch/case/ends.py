"""Where following ends in a case: by custody as its file asks for it, and by its limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.tags import Tags
from chainwatch.case.file.follow_keys import Follow
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.custody.roles import WalletRoles, service_roles


class ByCustody(NamedTuple):
    """Who keeps what deposit addresses get, and all wallets of services by role where asked for.

    What the case opens is left out of both: following goes on behind it.
    """

    hosts: Hosted
    roles: WalletRoles | None

    @property
    def stop(self) -> Hosted | WalletRoles:
        """Where following ends."""
        return self.hosts if self.roles is None else self.roles


def by_custody(
    ledger: Ledger, services: Tags, asset: Asset, follow: Follow, lure: Rule | None = None
) -> ByCustody:
    """Return at whose addresses following ends by what they do, without those that are opened."""
    asked: dict[str, Any] = {
        "asset": asset, "poisoning": lure, "min_share": follow.min_share,
        "min_sweeps": follow.min_sweeps, "min_unrelated": follow.min_unrelated,
        "min_funded": follow.min_funded, "min_pure": follow.min_pure,
    }  # fmt: skip
    at = hosted(ledger, services, **asked)
    roles = None
    if follow.custody == "roles":
        roles = service_roles(
            ledger, services, **asked, max_hours=follow.max_hours, max_left=follow.max_left,
            max_senders=follow.max_senders,
        )  # fmt: skip
    for one in follow.opened:
        # A wallet that collects, or a cold one, is no deposit address: only its role is opened.
        if roles is not None:
            roles = roles.open(one.address, why=one.why)
        if roles is None or _named(at, one.address):
            at = at.open(one.address, why=one.why)
    return ByCustody(at, roles)


def _named(at: Hosted, address: str) -> bool:
    return parse(address, at.asset.chain) in set(at.frame["address"])


def limits_of(follow: Follow) -> dict[str, Any]:
    """Return the limits of a trace as a case file says them."""
    age = None if follow.max_age is None else timedelta(days=follow.max_age)
    return {"max_hops": follow.max_hops, "max_age": age, "min_amount": follow.min_amount}
