"""Write docs/links.md: how often the link test is right on simulated vendors.

Usage: ``python tools/links.py judge [COUNT]`` judges the next so many of the frozen seeds of the
*test* part that were not judged yet (all, where nothing is said), keeps what was counted in
docs/figures/links.json, a world a line, and writes the page and the rates of the package once all
were; ``python tools/links.py page`` writes both anew from what was counted. Numbers of the test
were chosen on the *fit* part before. To judge anew after a change of the test, remove the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import polars as pl

from chainwatch.simulate.networks.simulation import simulate_vendor_links
from chainwatch.simulate.owners.parts import TEST
from chainwatch.triage.link_test.judged import Terms
from chainwatch.triage.link_test.measured import FILE, Measured, terms_of
from chainwatch.triage.link_test.rates import (
    LINK_KINDS,
    LINK_WORLDS,
    LinkRates,
    Ordinary,
    added,
    link_rates,
    ordinary,
)

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "links.md"
COUNTED = ROOT / "docs" / "figures" / "links.json"
RATES = ROOT / "chainwatch" / "triage" / "link_test" / FILE

WIDTH = 100

SEEDS = {False: TEST.seeds[100:150], True: TEST.seeds[100:110]}
"""The frozen seeds, honest and adversarial: none was judged before the test was last changed."""

HEAD = """\
# How often a link is said and is not there

```python
tests = cw.link_test(ledger, vendors, network, tags=tags, clusters=owners)
tests.plain("link_tests")  # a verdict each; "link_explanations": what else could be
tests.why(vendor)  # one vendor in sentences; tests.routes(vendor), tests.values(vendor)
```

`chainwatch link-test vendor lantern --tags tags --clusters --ledger ledger` does the same, masked
unless `--edition working` is given with `--reason` and `--authority`; `[[link_tests]]` asks it in a
case file.

Whether a vendor pays a network is known here because it is simulated ([decision
63](decisions/0063-is-the-link-real.md)): half a year of payments of forty thousand people, with
shops, five exchanges, two payment processors, a market, an airdrop, and two hundred vendors, of
whom twenty pay the collectors of a network, straight or by one or two go-betweens, in parts and
with delays, a tenth to a third of what they otherwise pay. The other 180 have what looks like it.
All are tested by `cw.link_test` as it is by default: {hops} hops, {days} days between payments, a
false discovery rate of {rate}, shares from {least} on, and whoever is paid by {crowd} others ends a
route. For 200 dependent tests that takes 23,512 matched wallets and as many draws; who has fewer is
*not testable*, and counts as missed. **Every figure is conditional on the simulator**: it says how
the test behaves where vendors, wallets and networks behave so, and nothing of how many do. The
numbers above were chosen on the *fit* part, which shares neither seeds nor time with these worlds.

*False among the called* is the mean over worlds of the share of the called that have no link; its
bound is one-sided, and the larger of Student's and of what Poisson's exact bound on false ones
leaves. Intervals of single kinds (Wilson, 95 %) count worlds as cases. The page is written by
`tools/links.py`; `chainwatch evaluate links` prints the same of fewer worlds.
"""

READING = """\
*Explained* are those called of whom an innocent explanation is *likely*: the finding says so beside
each. p-values are counted however small the share that reached the network, before it is asked
whether it is worth calling; the larger of the two questions counts.

## Ordinary wallets

{ordinary}

## What to take from it

* The traps that join the customers of an exchange or a payment processor do not make a route: it
  ends at the service, by its tag or because many pay it.
* Vendors who buy from the network's supporters are not like matched wallets: their p-values are
  small more often than they would be by chance. What keeps them from being called is that little of
  their money goes on. A share that is worth calling is asked for beside a p-value for this reason.
* The *payment agent of a few* is the case in which the test is wrong: nobody names it, fewer pay it
  than end a route, and nothing on the chain tells it from a go-between of all. Nearly all who use
  it are called. Their explanation *payment processor* is *likely*, for one go-between collects from
  many: look at who it is before anything is said of its customers.
* A link that is one payment, or lies within seven days, is never called. It is a route, and
  `cw.paths` tells it; it is no pattern.

## Likelihood ratio

{ratio}
"""


def judge(most: int | None = None) -> None:
    """Judge worlds that were not judged yet; then ordinary wallets, and write the page."""
    found = counted()
    done = set() if found is None else set(found.worlds.select("basis", "seed").rows())
    left = [
        (seed, hostile)
        for hostile, seeds in SEEDS.items()
        for seed in seeds
        if (basis(hostile), seed) not in done
    ]
    for seed, hostile in left[:most]:
        one = link_rates([simulate_vendor_links(seed, part="test", adversarial=hostile)])
        found = one if found is None else added(found, one)
        keep(found)
    if found is not None and len(left) <= (most or len(left)):
        made = (simulate_vendor_links(seed, part="test") for seed in SEEDS[True])
        several = [ordinary(one, Terms()) for one in made]
        keep(found, Ordinary(*map(sum, zip(*several, strict=True))))
        write_page()


def basis(hostile: bool) -> str:
    """Return what the worlds of a kind are called."""
    return f"simulated vendors, {'adversarial' if hostile else 'honest'} (test part)"


def keep(found: LinkRates, wallets: Ordinary | None = None) -> None:
    """Keep what was counted, a row a line."""
    frames = {"kinds": found.frame, "worlds": found.worlds}
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in frame.rows()) + "\n]"
        for name, frame in frames.items()
    ]
    if wallets is not None:
        told.append(f'"ordinary": {json.dumps(wallets._asdict())}')
    COUNTED.write_text("{\n" + ",\n".join(told) + "\n}\n", "utf-8")


def counted() -> LinkRates | None:
    """Return what was counted so far."""
    if not COUNTED.is_file():
        return None
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return LinkRates(LINK_KINDS.frame(said["kinds"]), LINK_WORLDS.frame(said["worlds"]))


def counted_ordinary() -> Ordinary:
    """Return what was counted of ordinary wallets."""
    return Ordinary(**json.loads(COUNTED.read_text("utf-8"))["ordinary"])


def page(found: LinkRates, wallets: Ordinary) -> str:
    """Return the page of what was counted."""
    head = HEAD.format(**terms_of(Terms()))
    tables = [line for hostile in SEEDS for line in _tables(found, basis(hostile))]
    reading = READING.format(ratio=_ratio(rates(found)), ordinary=_ordinary(wallets))
    return "\n".join([head, *tables, reading])


def _ordinary(told: Ordinary) -> str:
    return fill(
        f"In {len(SEEDS[True])} of the honest worlds 200 ordinary wallets with as many payments as"
        f" vendors were tested as if they were vendors. Of these {told.wallets:,} the test called"
        f" {told.called:,}; {told.p05:,} had a p-value of 0.05 or less, {told.p01:,} of 0.01, and"
        f" {told.p001:,} of 0.001. Most wallets never reach the network twice, so that their"
        " p-value is 1: the test errs towards saying too little.",
        WIDTH,
    )


def _tables(found: LinkRates, of: str) -> Iterator[str]:
    false, links = found.false_proportion(of), found.found_of(of)
    rows = found.of(of)
    least = int(rows["found"].to_numpy().min())
    yield f"## {of[0].upper()}{of[1:]}\n"
    yield f"{rows.height} worlds, seeds {rows['seed'].min()} to {rows['seed'].max()}.\n"
    yield "| | |\n|---|---|"
    yield f"| false among the called, mean | {100 * false.mean:.2f} % |"
    yield f"| its upper bound, 95 % | {100 * false.high:.2f} % |"
    yield f"| links found of 20, mean | {links.mean:.2f} |"
    yield f"| its interval, 95 % | {links.low:.2f} to {links.high:.2f} |"
    yield f"| in the worst world | {least} |"
    yield f"| worlds in which 15 or more are found | {rows.filter(pl.col('found') >= 15).height} |"
    yield f"| links not testable, in all | {int(rows['not_testable'].sum())} |\n"
    yield (
        "| kind of vendor | called | explained | no route | not testable | p ≤ 0.05 | p ≤ 0.01 |"
        " p ≤ 0.001 |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    counts = ("explained", "no_route", "not_testable", "p05", "p01", "p001")
    for row in found.frame.filter(basis=of).iter_rows(named=True):
        called = found.share_of("called", basis=of, kind=row["kind"])
        yield f"| {row['kind']} | {called} | {' | '.join(f'{row[one]:,}' for one in counts)} |"
    yield ""


def rates(found: LinkRates) -> Measured:
    """Return what comes with the package, of honest worlds."""
    rows = found.of(basis(False))
    others = rows["vendors"].sum() - rows["linked"].sum()
    return Measured(
        terms_of(Terms()), rows.height, int(rows["found"].sum()), int(rows["linked"].sum()),
        int(rows["wrong"].sum()), int(others),
    )  # fmt: skip


def _ratio(told: Measured) -> str:
    ratio = told.ratio()
    if ratio is None:
        return "None can be stated."
    return fill(
        f"Links are found in {told.power}; vendors without one are called in {told.false}. Worlds"
        " count as cases, for the vendors of one share a network and all wallets beside. The ratio"
        " that is stated is the lower end of the one over the upper end of the other, **at least"
        f" {ratio.at_least:,.2f}** ({ratio.strength} support), never more. It compares that a"
        " vendor pays the network again and again with that it pays as wallets like it do. It is"
        " not how probable a link is: that depends on what else is known.",
        WIDTH,
    )


def write_page() -> None:
    """Write the page, and the rates of the package, from what was counted."""
    found = counted()
    if found is None:
        sys.exit("nothing was counted yet: run python tools/links.py judge")
    PAGE.write_text(page(found, counted_ordinary()), "utf-8")
    RATES.write_text(json.dumps(rates(found)._asdict(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["page"]:
        write_page()
    else:
        judge(int(sys.argv[2]) if len(sys.argv) > 2 else None)
