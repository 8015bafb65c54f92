"""A small account chain with vendors, a network, services and wallets like the vendors, by hand.

*kelp* pays the network's collectors in five weeks, twice by a go-between of its own; *reed* pays an
exchange that pays the network; *moss* pays an agent that collects for eight and pays the network;
*fern* paid the network once; *dill* has nothing to do with it.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import polars as pl
from account_chains import DAY, HOT, HOUR, Accounts

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.ledger.ledger import Ledger

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
VENDORS = ("kelp", "reed", "moss", "fern", "dill")
NETWORK = ("lantern1", "lantern2")
WALLETS = 340


def habits(name: str, rng: Random) -> list[tuple[Any, ...]]:
    """Return ten payments of a wallet over ten weeks, to shops and a friend."""
    return [
        (
            f"{name}>{rng.choice(('shop1', 'shop2', 'shop3', f'friend{rng.randrange(90)}'))}"
            f":{rng.randrange(500, 1_500)}",
            rng.randrange(70) * DAY + rng.randrange(DAY),
        )
        for _ in range(10)
    ]


def payments(seed: int = 1) -> list[tuple[Any, ...]]:
    """Return all payments, in order of time."""
    rng = Random(seed)  # noqa: S311 - the same each time
    made = [one for n in range(WALLETS) for one in habits(f"w{n}", rng)]
    for name in VENDORS:
        made += habits(name, rng)
    for week in (1, 3, 5):
        made.append((f"kelp>lantern1:{400 + week}", week * 7 * DAY + 5))
    for week, between in ((7, "mule1"), (8, "mule2")):
        at = week * 7 * DAY
        made += [(f"kelp>{between}:600", at), (f"{between}>lantern2:590", at + 20 * HOUR)]
    made += [("reed>dep:900", (10 + 7 * k) * DAY) for k in range(4)]
    made += [("dep>hot:900", (10 + 7 * k) * DAY + 60) for k in range(4)]
    made += [("hot>lantern1:5000", (12 + 7 * k) * DAY) for k in range(4)]
    for k in range(4):
        made += [("moss>agent:700", (9 + 7 * k) * DAY)]
        made += [(f"c{n}>agent:50", (9 + 7 * k) * DAY + n) for n in range(7)]
        made += [("agent>lantern2:900", (10 + 7 * k) * DAY)]
    made.append(("fern>lantern1:3000", 33 * DAY))
    return sorted(made, key=lambda one: one[1])


@cache
def ledger(seed: int = 1, read: tuple[str, ...] | None = None) -> Ledger:
    """Return the ledger of all payments; ``read`` are those whose whole history was read."""
    return ON.ledger(payments(seed), read=read)


def tags() -> cw.Tags:
    return ON.tags(HOT)


def asked(**more: Any) -> cw.LinkTests:
    """Test all vendors, each by its own address, on terms that small ledgers allow."""
    given: dict[str, Any] = {"tags": tags(), "asset": TOKEN, **more}
    vendors = given.pop("vendors", [ON(one) for one in VENDORS])
    return cw.link_test(given.pop("of", None) or ledger(), vendors, [ON(one) for one in NETWORK],
                        **given)  # fmt: skip


def verdicts(found: cw.LinkTests) -> dict[str, str]:
    """Return the verdicts by name."""
    return {
        ON.name(vendor): said for vendor, said in found.frame.select("vendor", "verdict").rows()
    }


def answers(found: cw.LinkTests, name: str) -> dict[str, str]:
    """Return what is said of each innocent explanation of a vendor."""
    rows = found.explanations.filter(pl.col("vendor") == pl.lit(ON(name)))
    return dict(rows.select("explanation", "answer").iter_rows())
