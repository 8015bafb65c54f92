"""The rule of amount and time against a plain one: three chains, wrong clocks, gaps, unknowns."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random

from chainwatch.tracing.crossings.matching import (
    MATCHED,
    NONE_FITS,
    NOT_READ,
    RIVALS,
    RIVALS_NOT_READ,
    SEVERAL,
    UNCLEAR,
    Caps,
    Ordered,
    Party,
    Traffic,
)

CHAINS = ("coins", "one", "two")
SLACK = {"coins": 7, "one": 0, "two": 0}
CAPS = Caps(20, Fraction(1, 10), SLACK)


def plain_fit(deposit: Party, payout: Party) -> bool:
    if deposit.chain == payout.chain:
        return False
    early = late = True
    if deposit.time is not None and payout.time is not None:
        slack = 7 if "coins" in (deposit.chain, payout.chain) else 0
        early = payout.time >= deposit.time - slack
        late = payout.time <= deposit.time + 20 + slack
    right = True
    if deposit.value is not None and payout.value is not None:
        right = Fraction(9, 10) * deposit.value <= payout.value <= deposit.value
    return early and late and right


def plain(deposit: Party, deposits: list[Party], payouts: list[Party], unread: set[int]) -> str:
    """Return the word of the rule: every pair is looked at; ``unread`` are moments nobody read."""
    fit = [one for one in payouts if plain_fit(deposit, one)]
    assert deposit.time is not None
    if len(fit) > 1:
        return SEVERAL
    if unread & set(range(deposit.time - 7, deposit.time + 28)):
        return NOT_READ
    if not fit:
        return NONE_FITS
    if None in (fit[0].time, fit[0].value):
        return UNCLEAR
    if any(plain_fit(one, fit[0]) for one in deposits if one.number != deposit.number):
        return RIVALS
    assert fit[0].time is not None
    if unread & set(range(fit[0].time - 27, fit[0].time + 8)):
        return RIVALS_NOT_READ
    return MATCHED


def some(rng: Random, count: int, unknown: int) -> list[Party]:
    found = []
    for number in range(count):
        time, value = rng.randrange(400), rng.choice([100, 100, 95, 90, 89, rng.randrange(1, 200)])
        hidden = rng.randrange(100)
        found.append(Party(
            number, rng.choice(CHAINS), None if hidden < unknown else time,
            None if unknown <= hidden < 2 * unknown else value,
        ))  # fmt: skip
    return found


def test_every_word_is_that_of_a_plain_search() -> None:
    words: Counter[str] = Counter()
    for seed in range(240):
        rng = Random(seed)  # noqa: S311 - repeats itself
        count, unknown, gap = rng.choice([6, 14, 30]), seed % 2, rng.randrange(400)
        deposits, payouts = some(rng, count, unknown), some(rng, count, unknown)
        unread = set(range(gap, gap + 10))

        def read(_: str, first: int, last: int, unread: set[int] = unread) -> bool:
            return not unread & set(range(first, last + 1))

        traffic = Traffic(Ordered(deposits), Ordered(payouts), CAPS, read)
        for one in deposits:
            if one.time is not None and one.value is not None:
                verdict = traffic.judge(one)
                assert verdict.word == plain(one, deposits, payouts, unread)
                assert verdict.candidates == sum(plain_fit(one, out) for out in payouts)
                words[verdict.word] += 1
    wanted = (SEVERAL, NOT_READ, NONE_FITS, UNCLEAR, RIVALS, RIVALS_NOT_READ, MATCHED)
    assert all(words[word] > 2 for word in wanted), words


def test_a_deposit_moved_in_time_is_no_rival_of_itself() -> None:
    deposit, payout = Party(0, "one", 0, 100), Party(0, "two", 5, 100)
    traffic = Traffic(Ordered([deposit]), Ordered([payout]), CAPS, lambda *_: True)
    assert traffic.judge(deposit).word == MATCHED
    assert traffic.judge(deposit._replace(time=3)).word == MATCHED
    assert traffic.judge(deposit._replace(time=3, number=1)).word == RIVALS


def test_amounts_of_any_size_are_exact() -> None:
    """One part in 10^40 above the cap is above it."""
    caps = Caps(20, Fraction(1, 10**40), SLACK)
    for value, word in ((10**80 - 10**40, MATCHED), (10**80 - 10**40 - 1, NONE_FITS)):
        deposit, payout = Party(0, "one", 0, 10**80), Party(0, "two", 5, value)
        traffic = Traffic(Ordered([deposit]), Ordered([payout]), caps, lambda *_: True)
        assert traffic.judge(deposit).word == word
