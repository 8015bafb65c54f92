"""Write docs/meanings.md: how often what transactions are said to mean is right, simulated.

Usage: ``python tools/meanings.py``. The *test* part of the simulator is judged; the one number of
the rules, how many must have swapped with a contract, was chosen on the *fit* part before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chainwatch.simulate.owners.parts import TEST
from chainwatch.simulate.swaps.simulation import simulate_swaps
from chainwatch.tracing.meaning.rates import MeaningRates, meaning_rates

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "meanings.md"

WORLDS = 4
"""Chains of each kind, honest and adversarial."""

HEAD = """\
# How often what transactions are said to mean is right

What every transaction means is known here because it is simulated ([decision
54](decisions/0054-what-a-transaction-means.md)): {worlds} account chains of the *test* part, half
of them honest, half adversarial, on which forty people swap at four pools, by a router or
straight, over one pool or two, for themselves and for others; wrap coins; pay through contracts,
in batches and by smart accounts; and give to pools and to a vault. **Every figure is conditional
on the simulator**: it says how the rules behave where contracts do what these do, and nothing of
how many do. No tag names a pool: each is found by trade alone. The number of initiators that this
takes (3) was chosen on the *fit* part, which shares neither seeds nor time with it.

*Said and not true* is, of all that is said and not undecided, what is not exactly so: who gave,
who got, both assets and both amounts, or payer, payee, asset and amount. *True and said* is, of
all that there is, what is said. A batch counts once for each who was paid. Intervals (Wilson, 95
%) count people as cases, weighed by what they do. `chainwatch evaluate meanings` prints the
same of fewer chains; this page is written by `tools/meanings.py`.
"""

READING = """\
## What to take from it

* Nothing that was said on honest chains was wrong. That is no surprise and no proof: amounts are
  exact, contracts are seen to be made, and every call was read.
* Swaps that are not said bring a reward beside, so that it is open what was got for what. They
  end as *undecided*, with their amount.
* *Paid among others* is never said: payments of two meet in one contract, and nothing on the
  chain tells who paid whom. A rule that pairs equal amounts would say it, and be right here, and
  be wrong wherever two pay the same.
* On adversarial chains payments to a friend look like swaps: through a contract of the payer's
  own, which gives a worthless token for them. Where it is used from one address nothing is said;
  where it is used from four, both ways, it is taken for a pool, and these payments for swaps. The
  friend is then missing from the trace. *Probable* is no proof: look at who uses a pool that no
  tag names.
* Mules who let the payer take on what they get are parties here because calls were read, and
  nothing shows them to be contracts. Without calls they would pass for contracts.
"""


def rates() -> MeaningRates:
    """Judge the first chains of the test part: honest, then adversarial."""
    return meaning_rates(
        simulate_swaps(seed, part="test", adversarial=hostile)
        for hostile in (False, True)
        for seed in TEST.seeds[:WORLDS]
    )


def page(found: MeaningRates) -> str:
    """Return the page of what was counted."""
    return "\n".join([HEAD.format(worlds=2 * WORLDS), *_tables(found), READING])


def _tables(found: MeaningRates) -> Iterator[str]:
    for basis in found.frame["basis"].unique().sort(descending=True):
        yield f"## {basis[0].upper()}{basis[1:]}\n"
        yield "| meaning | said and not true | true and said |"
        yield "|---|---|---|"
        for meaning in found.frame.filter(basis=basis)["meaning"]:
            shares = [
                found.share(name, basis=basis, meaning=meaning) for name in ("wrong", "found")
            ]
            yield f"| {meaning} | {' | '.join(map(str, shares))} |"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(page(rates()), "utf-8")
