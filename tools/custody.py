"""Write docs/custody.md: how often rules for deposit addresses are right on simulated services.

Usage: ``python tools/custody.py judge`` judges the rules on the *test* part of the simulator, keeps
what was counted in docs/figures/custody.json and writes the page; ``python tools/custody.py page``
writes it anew from what was counted. Numbers of the rules were chosen on the *fit* part before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainwatch.simulate.owners.parts import TEST
from chainwatch.simulate.services.simulation import simulate_services
from chainwatch.tracing.custody.rates import (
    ALL,
    CUSTODY_RATES,
    TWIN_KINDS,
    CustodyRates,
    KnownCustody,
    custody_rates,
    known_custody,
)

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "custody.md"
COUNTED = ROOT / "docs" / "figures" / "custody.json"

WORLDS = 6
"""Chains of each kind, honest and adversarial."""

HEAD = """\
# How often rules for deposit addresses are right

Whose keys an address is held by is known here because it is simulated
([decision 38](decisions/0038-custody-needs-the-services-side.md)): {worlds} account chains of the
*test* part, half of them honest, half adversarial, each with three exchanges that sweep in
different ways, a payment processor, an exchange that no tag names, and *twins*: wallets of
somebody's own that pass all they get to one exchange, straight to its hot wallet. **Every figure is
conditional on the simulator**: it says how a rule behaves where people and services behave so, and
nothing of how many do. Numbers of the rules were chosen on the *fit* part, which shares neither
seeds nor time with it.

* *probable: the service's side* is what `cw.hosted` calls a probable deposit address: it passed all
  on to one service, and one funder paid its gas and that of others, or it was swept with others in
  one transaction that a known wallet of the service sent, and those others have depositors of their
  own. Where that is not shown custody is *undecided*.
* *one destination* asks for the first alone, as was done before. *Victor* and *production* are the
  published rules ([as they are built](../chainwatch/heuristics/accounts/deposit_address.py)).
  *several depositors* asks, instead of the service's side, for three depositors or more of each
  address.

A share says how many of how many; its interval (Wilson, 95 %) counts customers and owners of twins,
weighed by their addresses, as cases: what is of one of them is right or wrong for one reason. How
many of those called are wrong depends on how many twins there are; how many twins are called does
not. The page is written by `tools/custody.py`; `chainwatch evaluate custody` prints the same of
fewer chains.
"""

READING = """

## What to take from it

* A rule that asks how value was forwarded calls twins deposit addresses, for they forward alike. It
  tells where value goes on to, and nothing of whose keys those are.
* Where a service pays gas from its hot wallet, as it pays everybody, and sweeps one by one (cedar),
  nothing on the chain shows its side: custody of all its deposit addresses stays undecided. That is
  no error; it is what is known.
* Smart accounts of strangers whose payments one bundler sends together (*bundled*) look like a
  sweep. None is called probable, for no wallet of the service sent them. The services that sweep
  together here do so from their tagged hot wallets: where an untagged one does, custody of all its
  deposit addresses stays undecided, and fewer are found than here.
* On adversarial chains the default errs on two kinds: wallets that one runs for many unrelated
  people and cashes out at one exchange, with a gas wallet of his own, and rings that are paid by
  way of three shells each, more than the two payments that are looked at. *Probable* is no proof.

## Coin chains

On coin chains `cw.hosted` and `cw.service_roles` call deposit addresses by the same rule: all
that an address gets goes to tagged wallets of one service, and it was swept, twice, in one
transaction with others whose depositors are not the same. Whoever it spends together with must be
hosted too. Hot wallets are those that tags name; there is no gas to pay, so no gas wallets;
**cold wallets and wallets of a service that no tag names are not looked for there**. How often
deposit addresses of coin chains are right is **not measured**: the simulated services live on
account chains.
"""


def worlds(count: int) -> Iterator[KnownCustody]:
    """Yield the first chains of the test part: honest, then adversarial."""
    for hostile in (False, True):
        for seed in TEST.seeds[:count]:
            yield known_custody(simulate_services(seed, part="test", adversarial=hostile))


def first() -> CustodyRates:
    """Return the rates of the first chain alone: a test counts them again."""
    return custody_rates([next(worlds(1))])


def judge() -> None:
    """Judge the rules on the test part, keep what was counted and write the page."""
    keep(custody_rates(worlds(WORLDS)), first())
    write_page()


def keep(found: CustodyRates, alone: CustodyRates) -> None:
    """Keep what was counted, a row a line."""
    frames = {"rates": found.frame, "twins": found.twins, "first_rates": alone.frame,
              "first_twins": alone.twins}  # fmt: skip
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in frame.rows()) + "\n]"
        for name, frame in frames.items()
    ]
    COUNTED.write_text("{\n" + ",\n".join(told) + "\n}\n", "utf-8")


def counted() -> tuple[CustodyRates, CustodyRates]:
    """Return what was counted on all chains, and on the first alone."""
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return tuple(  # type: ignore[return-value]  # two of them
        CustodyRates(
            CUSTODY_RATES.frame(said[f"{which}rates"]), TWIN_KINDS.frame(said[f"{which}twins"])
        )
        for which in ("", "first_")
    )


def page(found: CustodyRates) -> str:
    """Return the page of what was counted."""
    return "\n".join([HEAD.format(worlds=2 * WORLDS), *_rates(found), *_twins(found)]) + READING


def _rates(found: CustodyRates) -> Iterator[str]:
    for basis in found.frame["basis"].unique().sort():
        yield f"## {basis[0].upper()}{basis[1:]}\n"
        yield "| rule | service | called so and wrong | deposit addresses found | twins called so |"
        yield "|---|---|---|---|---|"
        for row in found.frame.filter(basis=basis).iter_rows(named=True):
            of = {"basis": basis, "rule": row["rule"], "service": row["service"]}
            shares = [found.share(name, **of) for name in ("wrong", "found", "twins_called")]
            where = f"**{ALL}**" if row["service"] == ALL else row["service"]
            yield f"| {row['rule']} | {where} | {' | '.join(map(str, shares))} |"
        yield ""


def _twins(found: CustodyRates) -> Iterator[str]:
    yield "## Twins, by what their holder does\n"
    yield (
        "| chains | holder | wallets, owners | probable (wrong) | undecided | Victor | production |"
    )
    yield "|---|---|---|---|---|---|---|"
    said = ("probable", "undecided", "victor", "production")
    for row in found.twins.iter_rows(named=True):
        numbers = " | ".join(f"{row[name]:,}" for name in said)
        whose = f"{row['wallets']:,}, {row['owners']:,}"
        yield f"| {row['basis']} | {row['kind']} | {whose} | {numbers} |"


def write_page() -> None:
    """Write the page from what was counted."""
    PAGE.write_text(page(counted()[0]), "utf-8")


if __name__ == "__main__":
    {"judge": judge, "page": write_page}[sys.argv[1]]()
