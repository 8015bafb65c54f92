"""Other bytes for the same addresses give the same owners, whatever they rest on."""

from __future__ import annotations

from random import Random

import pytest
from conftest import Spent, Written, ledger_of

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import chain
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.recipe import Recipe, owners
from chainwatch.heuristics import change
from chainwatch.heuristics.change import change_links
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.keys.same_key import same_key
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.statements import stated_links

CHAIN = chain("btc-regtest").id
KEYS = 8
ROUND = ~change.power_of_ten(1)
FLAGS = (None, "ALL", "ALL", "ALL", "SINGLE|ANYONECANPAY")
WORLDS, SHARE = 20, 5


def form(kind: Kind, held: bytes) -> bytes:
    return bytes((kind,)) + (hash160(b"\0\x14" + held) if kind == Kind.P2SH else held)


class World:
    """What was paid and stated among places, each a key and the form in which it is paid."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)  # noqa: S311 - a test, not a secret
        kinds = (Kind.P2WPKH, Kind.P2WPKH, Kind.P2WPKH, Kind.P2PKH, Kind.P2SH)
        self.places = sorted({(rng.randrange(KEYS), rng.choice(kinds)) for _ in range(12)})
        self.spends = []
        for _ in range(rng.randrange(3, 9)):
            ins = rng.sample(self.places, rng.choice([1, 1, 2, 3]))
            outs = rng.sample(self.places, rng.choice([2, 2, 3]))
            self.spends.append((
                [(one, rng.choice(FLAGS)) for one in ins],
                [(one, rng.choice([30, 33, 33, 50])) for one in outs],
            ))  # fmt: skip
        self.stated = [rng.sample(self.places, 2) for _ in range(rng.choice([0, 2, 3]))]
        self.apart = [rng.sample(self.places, 2) for _ in range(rng.choice([0, 1, 1, 2]))]
        self.gone = rng.randrange(len(self.spends))


class Named:
    """A world with bytes for its keys."""

    def __init__(self, world: World, names: list[int]) -> None:
        self.bytes = {(key, kind): form(kind, hash160(bytes([names[key]])))
                      for key, kind in world.places}  # fmt: skip
        self.back = {one: place for place, one in self.bytes.items()}
        written = []
        for number, (ins, outs) in enumerate(world.spends, 1):
            spent = [Spent(90, script_of(self.bytes[one]), sighash=flag) for one, flag in ins]
            paid = [(value, script_of(self.bytes[one])) for one, value in outs]
            written.append(Written(bytes([number]) * 32, spent, paid))
        self.ledger = ledger_of(written)
        self.apart = keep_apart(self._pairs(world.apart))
        self.stated = stated_links(self._pairs(world.stated))
        self.gone = bytes([world.gone + 1]) * 32

    def _pairs(self, pairs):
        return [(CHAIN, self.bytes[a], CHAIN, self.bytes[b]) for a, b in pairs]

    def groups(self, found: Clusters):
        rows = found.frame.group_by("cluster").agg("address")["address"]
        return {frozenset(self.back[one] for one in group) for group in rows}


def spends(named: Named) -> Links:
    return co_spends(named.ledger, unless=None) + same_key(named.ledger)


def made(named: Named):
    """Yield owners by every way in which they come about."""
    recipe = Recipe(change=ROUND, unless=None)
    whole = owners(named.ledger, recipe=recipe)
    apart = owners(named.ledger, recipe=recipe, apart=named.apart)
    yield from (whole, apart, cluster(whole.links, apart=named.apart))
    beside = spends(named) + change_links(named.ledger, ROUND, unless=None) + named.stated
    for terms in (None, named.apart):
        found = cluster(beside, apart=terms)
        yield from (found, found.at(0.95, unmeasured=True), found.at(0, unmeasured=False))
    for found in (whole, apart):
        yield found.at(0.9)
        yield found.update(found.links + named.stated)
        for rule in sorted(set(found.links.frame["rule"])):
            yield found.cut(rule=rule)
        if named.gone in set(found.links.frame["txid"]):
            yield found.cut(tx=named.gone)


@pytest.mark.parametrize("start", range(0, WORLDS, SHARE))
def test_no_other_bytes_make_other_owners(start):
    joined = 0
    for seed in range(start, start + SHARE):
        world = World(seed)
        names = list(range(KEYS))
        one = Named(world, names)
        Random(seed).shuffle(names)  # noqa: S311 - a test, not a secret
        other = Named(world, names)
        for number, (left, right) in enumerate(zip(made(one), made(other), strict=True)):
            assert one.groups(left) == other.groups(right), (seed, number)
            joined += left.frame.height
    assert joined > 200, "the worlds join somebody"
