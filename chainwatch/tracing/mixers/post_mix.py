"""Post-mix errors: what users of a mix did before or after it that tells their outputs apart.

Each is a lead with the transaction that shows it. None of them joins owners anywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from chainwatch.heuristics.co_spend import co_spends
from chainwatch.ledger.among import among
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.mixers.mixed_outputs import Mix

TOGETHER = "outputs of one mix spent together"
WITH_CHANGE = "change of the mix spent with a mixed output"
OTHER_CHANGE = "change of another mix spent with a mixed output"
FUNDS = "paid to an address that funds the mix"
BEFORE = "paid to an address used before"
AGAIN = "paid to an address that is paid again"

KINDS: tuple[str, ...] = (TOGETHER, WITH_CHANGE, OTHER_CHANGE, FUNDS, BEFORE, AGAIN)
"""Every kind of error, written out."""

Place = tuple[str, int, int]
"""An output: chain, number of the transaction, place in it."""

Key = tuple[str, int]


class Error(NamedTuple):
    """What tells outputs of a mix apart.

    ``places`` are of outputs of one value of the mix. ``tied`` says whether they are tied to some
    who brought coins, and not only to each other. Where it is ``undecided`` whether the evidence
    shows one owner, nothing follows.
    """

    mix: Key
    kind: str
    places: tuple[int, ...]
    evidence: Key
    tied: bool
    undecided: bool


class _Spend(NamedTuple):
    """Outputs of mixes that one transaction spends, those together that one owner signed for."""

    key: Key
    outputs: tuple[Place, ...]
    undecided: bool


def errors_of(ledger: Ledger, mixes: Sequence[Mix]) -> list[Error]:
    """Return the errors of the users of mixes, in order.

    Parameters
    ----------
    ledger : Ledger
        What was read; what came after its span counts as well.
    mixes : sequence of Mix
        In the order of the chain.
    """
    found = [*_by_spends(ledger, mixes), *_by_addresses(ledger, mixes)]
    return sorted(found, key=lambda one: (one.mix, KINDS.index(one.kind), one.evidence, one.places))


def _by_spends(ledger: Ledger, mixes: Sequence[Mix]) -> Iterator[Error]:
    """Yield what those give away who spend outputs of mixes together."""
    equal = {
        (*mix.key, out.n): value
        for mix in mixes for value, outs in mix.values() for out in outs
    }  # fmt: skip
    change = {(*mix.key, out.n) for mix in mixes for out in mix.changes()}
    for spend in _spends(ledger, mixes):
        mixed: dict[tuple[Key, int], list[int]] = defaultdict(list)
        for place in spend.outputs:
            if place in equal:
                mixed[place[:2], equal[place]].append(place[2])
        changes = {place[:2] for place in spend.outputs if place in change}
        for (key, _), places in sorted(mixed.items()):
            more = (key, tuple(sorted(places)), spend.key)
            if len(places) > 1:
                yield _error(TOGETHER, *more, tied=False, undecided=spend.undecided)
            if key in changes:
                yield _error(WITH_CHANGE, *more, tied=True, undecided=spend.undecided)
            if changes - {key}:
                yield _error(OTHER_CHANGE, *more, tied=False, undecided=spend.undecided)


def _error(
    kind: str, mix: Key, places: tuple[int, ...], evidence: Key, *, tied: bool, undecided: bool
) -> Error:
    return Error(mix, kind, places, evidence, tied, undecided)


def _spends(ledger: Ledger, mixes: Sequence[Mix]) -> Iterator[_Spend]:
    """Yield which outputs of mixes are spent together, by whom one owner may stand.

    Two inputs are of one owner where co-spending joins them. A transaction that is a mix joins
    nobody; in one that may be a mix, or is signed in parts, it is undecided.
    """
    keys = [mix.key for mix in mixes]
    of = pl.DataFrame(keys, schema={"chain": pl.String, "prev_tx": pl.Int64}, orient="row")
    rows = (
        ledger.history.inputs.join(of.lazy(), on=["chain", "prev_tx"], how="semi")
        .select("chain", "tx", "prev_tx", "prev_n", "address")
        .sort("chain", "tx", "prev_tx", "prev_n")
        .collect()
    )
    several = rows.filter(pl.len().over("chain", "tx") > 1)
    sure, open_ = _links(ledger, several)
    for (chain, tx), part in several.group_by(["chain", "tx"], maintain_order=True):
        key = (str(chain), int(str(tx)))
        spent = [
            ((key[0], prev_tx, n), address)
            for prev_tx, n, address in part.select("prev_tx", "prev_n", "address").iter_rows()
        ]
        decided = _together(spent, sure[key])
        wider = _together(spent, [*sure[key], *open_[key]])
        yield from (_Spend(key, group, False) for group in decided)
        yield from (_Spend(key, group, True) for group in wider if group not in decided)


Links = Mapping[Key, Sequence[tuple[bytes, bytes]]]


def _links(ledger: Ledger, several: pl.DataFrame) -> tuple[Links, Links]:
    """Return by transaction which addresses co-spending joins, and which it may join."""
    found: tuple[dict[Key, Any], dict[Key, Any]] = (defaultdict(list), defaultdict(list))
    if several.is_empty():
        return found
    numbers = {str(chain): rows["tx"].unique() for (chain,), rows in several.group_by("chain")}
    links = co_spends(among(ledger.history, numbers)).frame
    for chain, tx, a, b, veto in links.select("chain", "tx", "a", "b", "veto").iter_rows():
        if not veto:
            found[veto is None][chain, tx].append((a, b))
    return found


def _together(
    spent: Sequence[tuple[Place, bytes | None]], links: Sequence[tuple[bytes, bytes]]
) -> list[tuple[Place, ...]]:
    """Return the outputs, several at a time, whose addresses links join or that have one."""
    above: dict[bytes, bytes] = {}

    def top(address: bytes) -> bytes:
        while (next_one := above.get(address, address)) != address:
            address = next_one
        return address

    for a, b in links:
        first, second = sorted((top(a), top(b)))
        if first != second:
            above[second] = first
    groups: dict[bytes, list[Place]] = defaultdict(list)
    for place, address in spent:
        if address is not None:
            groups[top(address)].append(place)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _by_addresses(ledger: Ledger, mixes: Sequence[Mix]) -> Iterator[Error]:
    """Yield which mixed outputs are paid to an address that is known from elsewhere."""
    seen = _seen(ledger, mixes)
    for mix in mixes:
        for _, outs in mix.values():
            for out in outs:
                if out.address is None:
                    continue
                more = (mix.key, (out.n,))
                if out.address in mix.funding:
                    yield _error(FUNDS, *more, mix.key, tied=True, undecided=False)
                first, later = seen[mix.key[0], out.address, mix.key[1]]
                if first is not None:
                    at = (mix.key[0], first)
                    yield _error(BEFORE, *more, at, tied=False, undecided=False)
                if later is not None:
                    yield _error(AGAIN, *more, (mix.key[0], later), tied=False, undecided=False)


def _seen(
    ledger: Ledger, mixes: Sequence[Mix]
) -> dict[tuple[str, bytes, int], tuple[int | None, int | None]]:
    """Return of each address that a mix pays the first payment to it before, and the next after."""
    paid = [
        (mix.key[0], out.address, mix.key[1])
        for mix in mixes for _, outs in mix.values() for out in outs if out.address is not None
    ]  # fmt: skip
    schema = {"chain": pl.String, "address": pl.Binary, "mix": pl.Int64}
    wanted = pl.DataFrame(paid, schema=schema, orient="row").unique()
    rows = (
        ledger.history.outputs.join(wanted.lazy(), on=["chain", "address"], how="inner")
        .group_by("chain", "address", "mix")
        .agg(
            pl.col("tx").filter(pl.col("tx") < pl.col("mix")).min().alias("before"),
            pl.col("tx").filter(pl.col("tx") > pl.col("mix")).min().alias("after"),
        )
        .collect()
    )
    return {(chain, address, mix): (one, two) for chain, address, mix, one, two in rows.iter_rows()}
