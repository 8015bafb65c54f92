"""``trace_through_swaps``: follow value on in the asset that it was swapped for, asset by asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.base import Chain
from chainwatch.errors import ConservationError, TraceError, expect
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.decimals import stated
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded
from chainwatch.tracing.arguments import check, check_through, policy_for
from chainwatch.tracing.balances import Lots
from chainwatch.tracing.chosen import Chosen
from chainwatch.tracing.meaning.carrying import Given, carried_by, given_to, spread
from chainwatch.tracing.meaning.flows import Payment
from chainwatch.tracing.meaning.meanings import Meanings
from chainwatch.tracing.meaning.passages import Standing, Swapped, swapped
from chainwatch.tracing.meaning.pools import WRAPPED
from chainwatch.tracing.meaning.reading import COIN, AssetKey
from chainwatch.tracing.meaning.through_result import ThroughSwaps, assets_of
from chainwatch.tracing.meaning.through_tables import SWAPS
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.stops import stops
from chainwatch.tracing.subjects import Subjects, subjects_of
from chainwatch.tracing.trace import Along, along, walk_of
from chainwatch.tracing.walks.base import Walk, sums
from chainwatch.tracing.walks.passage import MoveKey


@recorded
def trace_through_swaps(
    ledger: Ledger, subjects: Subjects, *, through: Meanings, policy: Policy | str | None = None,
    asset: Asset | None = None, stop: object = None, clusters: Owners | None = None,
    poisoning: Rule | None = None, max_hops: int | None = None, max_age: timedelta | None = None,
    spread_unstated: bool = False, assets: Sequence[Asset] = (), direction: str = "forward",
) -> ThroughSwaps:  # fmt: skip
    """Follow what subjects receive in one asset, and on in every asset that it is swapped for.

    In each asset one walk follows all that comes into it. What is given in a swap ends there, and
    the same share of what was got begins in the other asset, lot for lot; backward the reverse.
    Each asset adds up by itself.

    Parameters
    ----------
    ledger, subjects, clusters, poisoning, max_hops, max_age, spread_unstated, direction
        As :func:`chainwatch.tracing.trace.trace` has them. Hops are payments: of a swap the one
        into it.
    stop : tags, hosted addresses, rules or a list of them, optional
        Where following ends, beside pools: by default at services by the tags of ``through``.
    through : Meanings
        What the transactions of the ledger mean: :func:`meanings`.
    policy : Policy or str
        How balances are divided, in every asset; one that conserves value and follows it.
    asset : Asset
        What the subjects receive.
    assets : sequence of Asset
        How others are shown; the decimals of the rest are as the ledger states them.

    Returns
    -------
    ThroughSwaps
        A trace for each asset, and the swaps that join them.

    Raises
    ------
    TraceError, ConservationError
        As ``trace``; and if a subject is a pool, or the policy has no shares to carry.

    Fails when
    ----------
    A pool pays less than an asset is worth, or more: what was got is followed. A contract is none,
    and taken for one (:func:`meanings`): value goes on in what was no price of it.

    References
    ----------
    Foskett v McKeown [2001] 1 AC 102 (House of Lords; purchasers against the trustee's estate):
    following an asset is one thing, tracing value into its substitute another. TRacer (2023).
    """
    limits = {"max_hops": max_hops, "max_age": max_age, "back": direction == "backward"}
    check(ledger=ledger, clusters=clusters, poisoning=poisoning, spread_unstated=spread_unstated)
    check(max_hops=max_hops, max_age=max_age)
    expect(through, Meanings, "through", "pass what transactions mean: meanings(ledger, tags)")
    of = subjects_of(subjects, asset, None, ledger)
    check_through(through, of.asset, fetching=False)
    chosen = _sharing(policy_for(policy, of.asset.chain, direction))
    named = through.services if stop is None else stop
    at = stops(named, clusters, of.asset.chain, spread_unstated=spread_unstated)
    walk = walk_of(of, clusters, chosen, at, limits)
    _refuse_pools(walk, through)
    return _followed(_Following(ledger, walk, of.chosen, poisoning, through, tuple(assets)))


def _followed(following: _Following) -> ThroughSwaps:
    """Return what is found once no swap brings more."""
    following.run()
    return following.result()


def _sharing(policy: Policy) -> Policy:
    if not policy.conserves or not policy.follows:
        why = "tells reach, and no share" if policy.follows else "follows nothing that is paid away"
        raise TraceError(
            f"{policy.name} {why}: there is nothing to carry on into another asset",
            remedy="write policy= one that conserves value and follows it, such as fifo or haircut",
        )
    return policy


def _refuse_pools(walk: Walk, through: Meanings) -> None:
    for address in sorted(walk.subject_of):
        if through.known.holds(address, (walk.asset.contract, None)):
            raise TraceError(
                f"{text(address, walk.asset.chain)} is a pool, which holds the value of many",
                remedy="follow whoever gave to it or got of it",
            )


@dataclass
class _Following:
    """Walks in one asset after the other, until no swap brings more."""

    ledger: Ledger
    walk: Walk
    chosen: Sequence[Chosen]
    poisoning: Rule | None
    through: Meanings
    assets: Sequence[Asset]
    made: dict[AssetKey, Along] = field(default_factory=dict)
    carried: dict[AssetKey, dict[MoveKey, Lots]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the swaps by what they give and what they bring."""
        self.first: AssetKey = (self.walk.asset.contract, None)
        self.named = {
            one.contract: one for one in self.assets if one.chain == self.walk.asset.chain
        }
        named = {*self.walk.subject_of, *(one.txid for one in self.chosen if one.n is not None)}
        standing = Standing(self.walk.stops, frozenset(named))
        forward = swapped(self.through.meant, self.through.known, standing, self.walk.asset.chain)
        self.swaps = [one.turned() for one in forward] if self.walk.back else list(forward)
        self.out_of: dict[AssetKey, set[AssetKey]] = {}
        self.into: dict[AssetKey, list[Swapped]] = {}
        for swap in self.swaps:
            self.out_of.setdefault(swap.gave, set()).add(swap.got)
            self.into.setdefault(swap.got, []).append(swap)

    @property
    def given(self) -> dict[AssetKey, Given]:
        """Lots that came to pools, by asset."""
        return {asset: made.given for asset, made in self.made.items()}

    def run(self) -> None:
        """Walk in the asset of the subjects, then in each that swaps bring more into.

        A swap brings what came to it earlier. So what the swaps of a chain bring is right after as
        many rounds as there are swaps one behind the other, and then stays.
        """
        due, rounds = {self.first}, 0
        while due:
            rounds += 1
            if rounds > len(self.swaps) + 2:
                raise ConservationError(
                    "what swaps bring does not come to rest",
                    remedy="report it: no figure of this trace may be used",
                )
            for asset in sorted(due, key=_order):
                self._follow(asset)
            due = {asset for asset in self._reached(due) if self._brings_more(asset)}

    def _reached(self, assets: set[AssetKey]) -> set[AssetKey]:
        return set().union(*(self.out_of.get(asset, set()) for asset in assets))

    def _brings_more(self, asset: AssetKey) -> bool:
        now = carried_by(self.into[asset], self.given)
        if now == self.carried.get(asset, {}):
            return False
        self.carried[asset] = now
        return True

    def _follow(self, asset: AssetKey) -> None:
        first = asset == self.first
        walk = self.walk if first else replace(
            self.walk, asset=self._asset(asset), subjects=self.made[self.first].subjects,
            subject_of={},
        )  # fmt: skip
        self.made[asset] = along(
            self.ledger, walk, self.chosen if first else (), self.poisoning, self.through,
            self.carried.get(asset, {}),
        )  # fmt: skip

    def _asset(self, asset: AssetKey) -> Asset:
        """Return an asset as it was named, or by its contract and the decimals of the ledger."""
        chain = self.walk.asset.chain
        if asset == COIN:
            return native(chain)
        contract = asset[0] or b""
        if contract in self.named:
            return self.named[contract]
        pool, coin = self.through.known.get(contract), native(chain)
        if pool is not None and pool.kind == WRAPPED:
            return Asset(chain, contract, f"W{coin.symbol}", coin.decimals)
        said = stated(self.ledger).get((chain, contract))
        name = text(contract, chain)
        return Asset(chain, contract, f"{name[:6]}…{name[-4:]}", (said and said.decimals) or 0)

    def result(self) -> ThroughSwaps:
        """Return what was followed, when it adds up."""
        rest = sorted(self.made.keys() - {self.first}, key=_order)
        traces = tuple(self.made[asset].trace for asset in (self.first, *rest))
        rows = SWAPS.frame(row for swap in self.swaps for row in self._rows(swap))
        chain: Chain = self.through.chain
        sums_up = assets_of(traces, rows, chain)
        found = ThroughSwaps(_all_open(traces) if rows.height else traces, rows, sums_up, chain)
        found.check()
        return found

    def _rows(self, swap: Swapped) -> Iterator[tuple[object, ...]]:
        """Yield what a swap gave and brought of each subject."""
        lots = given_to(swap, self.given.get(swap.gave, {}))
        if lots is None:
            return
        came = self.given[swap.gave]
        made = spread(lots, [(pay.key.key, pay.amount) for pay in swap.beginning])
        sides = ("got", "gave") if self.walk.back else ("gave", "got")
        for row, pay in enumerate(swap.ending):
            yield from self._side(swap, sides[0], row, pay, came.get(pay.key.key, ()))
        for row, pay in enumerate(swap.beginning):
            yield from self._side(swap, sides[1], row, pay, made[pay.key.key])

    def _side(
        self, swap: Swapped, side: str, row: int, pay: Payment, lots: Lots
    ) -> Iterator[tuple[object, ...]]:
        asset = self.walk.asset if pay.asset == self.first else self._asset(pay.asset)
        by_subject: dict[int, int] = {}
        for mark, amount in sums(lots):
            by_subject[mark.subject] = by_subject.get(mark.subject, 0) + amount
        whole, one, subjects = swap.transaction, swap.meaning, self.made[self.first].subjects
        for number, traced in sorted(by_subject.items()):
            yield (
                asset.chain, whole.txid, swap.part, row, whole.tx, whole.time, one.kind,
                one.certainty, one.basis, side, subjects[number], pay.payer, pay.payee,
                pay.asset[0], asset.decimals, pay.amount, traced,
            )  # fmt: skip


def _all_open(traces: Sequence[Any]) -> tuple[Any, ...]:
    """Say of every trace that its order is open where that of one is: swaps carry it over."""
    if all(one.bounded and not one.others for one in traces):
        return tuple(traces)
    return tuple(replace(one, bounded=False) for one in traces)


def _order(asset: AssetKey) -> tuple[bytes, str]:
    return asset[0] or b"", asset[1] or ""
