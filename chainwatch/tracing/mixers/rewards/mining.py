"""Claims of rewards for deposits: how long one lay in its pool, and so which withdrawal took it.

A pool that rewards deposits gives points for each block that one lies there. Who takes points out
says in clear how many. If they are of one deposit, their number is the rate of its pool times the
blocks between it and its withdrawal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chainwatch.tracing.mixers.given_tables import Claim
from chainwatch.tracing.mixers.pools import Deposit, History, Withdrawal
from chainwatch.units import counted

MOVES: tuple[int, ...] = (*range(-8, 0), *range(1, 9))
"""By how many blocks each claim is moved, to see how often one pair fits by chance."""

Heights = Mapping[int, int]
"""How many there are of each height."""


class Pair(NamedTuple):
    """A deposit and a withdrawal of one pool that are as far apart as a claim says."""

    pool: bytes
    deposit: Deposit
    withdrawal: Withdrawal


class Fit(NamedTuple):
    """What a claim fits.

    Attributes
    ----------
    claim : Claim
        The claim.
    pairs : int
        Pairs of a deposit and a withdrawal that are as many blocks apart as it says.
    pair : Pair or None
        The pair, where it is one alone.
    own : bool
        Whether pairs of its recipient alone were looked at, as it paid in or was paid out.
    moves, matched : int
        How often it was moved by some blocks, and how often one pair alone fitted then.
    """

    claim: Claim
    pairs: int
    pair: Pair | None
    own: bool
    moves: int
    matched: int


class _Sides(NamedTuple):
    """Heights of a pool's deposits and withdrawals, and of those of a claim's recipient.

    ``mine`` are his deposits and his withdrawals; None where nobody's are picked out.
    """

    rate: int
    paid: Heights
    taken: Heights
    mine: tuple[Heights, Heights] | None

    def count(self, blocks: int) -> int:
        """Return how many pairs are so many blocks apart, with a side of his where he has any."""
        if self.mine is None:
            return _pairs(self.paid, self.taken, blocks)
        paid, taken = self.mine
        sides = _pairs(paid, self.taken, blocks) + _pairs(self.paid, taken, blocks)
        return sides - _pairs(paid, taken, blocks)


def fits(read: Sequence[History], claims: Iterable[Claim]) -> Iterator[Fit]:
    """Yield what each claim fits, in the pools of which a rate is known.

    Where its recipient paid into one of them, or was paid out of one, pairs with a side of his are
    looked at, else all. A withdrawal after the claim cannot be what it was for.
    """
    pools = [one for one in read if one.pool.points is not None]
    for claim in claims:
        known = [one for one in pools if one.pool.asset.chain == claim.chain]
        own = any(claim.recipient in _parties(one) for one in known)
        sides = {one.pool.key: _sides(one, claim, own=own) for one in known}
        many = _fitting(sides, claim.points, 0)
        pair = next(_found(known, sides, claim)) if many == 1 else None
        moved = [_fitting(sides, claim.points, blocks) for blocks in MOVES]
        yield Fit(claim, many, pair, own, len(moved), moved.count(1))


def _heights(acts: Iterable[Deposit | Withdrawal]) -> Iterator[int]:
    return (one.at.height for one in acts if one.at.height is not None)


def _parties(history: History) -> frozenset[bytes | None]:
    return frozenset(one.depositor for one in history.deposits) | frozenset(
        one.recipient for one in history.withdrawals
    )


def _sides(history: History, claim: Claim, *, own: bool) -> _Sides:
    before = _before(history, claim)
    paid, taken = Counter(_heights(history.deposits)), Counter(_heights(before))
    rate, who = history.pool.points or 1, claim.recipient
    if not own:
        return _Sides(rate, paid, taken, None)
    mine = (
        Counter(_heights(one for one in history.deposits if one.depositor == who)),
        Counter(_heights(one for one in before if one.recipient == who)),
    )
    return _Sides(rate, paid, taken, mine)


def _before(history: History, claim: Claim) -> list[Withdrawal]:
    """Return the withdrawals that a claim can be for: none after it."""
    last = claim.height
    return [
        one for one in history.withdrawals
        if one.at.height is not None and (last is None or one.at.height <= last)
    ]  # fmt: skip


def _pairs(paid: Heights, taken: Heights, blocks: int) -> int:
    return sum(paid.get(height - blocks, 0) * many for height, many in taken.items())


def _blocks(points: int, rate: int, moved: int) -> int | None:
    """Return how many blocks a claim tells at a rate; None where that is no number above 0."""
    blocks, rest = divmod(points, rate)
    return blocks + moved if not rest and blocks + moved > 0 else None


def _fitting(sides: Mapping[bytes, _Sides], points: int, moved: int) -> int:
    """Return how many pairs a claim fits in all pools, if it were of some blocks more or less."""
    told = ((one, _blocks(points, one.rate, moved)) for one in sides.values())
    return sum(one.count(blocks) for one, blocks in told if blocks is not None)


def _found(read: Sequence[History], sides: Mapping[bytes, _Sides], claim: Claim) -> Iterator[Pair]:
    """Yield the pairs that a claim fits."""
    for history in read:
        one = sides[history.pool.key]
        blocks = _blocks(claim.points, one.rate, 0)
        if blocks is None or not one.count(blocks):
            continue
        placed: dict[int | None, list[Deposit]] = defaultdict(list)
        for paid in history.deposits:
            placed[paid.at.height].append(paid)
        for taken in _before(history, claim):
            for paid in placed.get((taken.at.height or 0) - blocks, ()):
                if one.mine is None or claim.recipient in (paid.depositor, taken.recipient):
                    yield Pair(history.pool.key, paid, taken)


def told_of(found: Sequence[Fit], read: Sequence[History]) -> Iterator[str]:
    """Yield in sentences what claims fit, how often that is chance, and what was not asked."""
    one, several = (sum(fit.pairs == 1 for fit in found), sum(fit.pairs > 1 for fit in found))
    none = len(found) - one - several
    yield (
        f"Of {counted(len(found), 'claim', 'claims')} of rewards {one:,}"
        f" {'fits' if one == 1 else 'fit'} one pair of deposit and withdrawal alone, {several:,}"
        f" several, {none:,} none: one for several deposits adds them up, and fits none, or a"
        " wrong pair by chance."
    )
    moves, matched = (sum(getattr(fit, name) for fit in found) for name in ("moves", "matched"))
    yield (
        f"Moved by one to {MOVES[-1]} blocks either way, claims fit one pair alone in {matched:,}"
        f" of {counted(moves, 'try', 'tries')}: as often that is chance."
    )
    silent = sum(history.pool.points is None for history in read)
    if silent:
        yield (
            f"Of {counted(silent, 'pool', 'pools')} no rate was given: claims for deposits there"
            " are not told, and one of another pool may be."
        )
    dark = sum(
        sum(one.at.height is None for one in history.deposits)
        + sum(one.at.height is None for one in history.withdrawals)
        for history in read
    )
    if dark:
        yield (
            f"Of {counted(dark, 'deposit or withdrawal', 'deposits and withdrawals')} no height is"
            " known: no claim is held to them."
        )
