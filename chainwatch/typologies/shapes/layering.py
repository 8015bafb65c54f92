"""Layering: relays side by side, each paid by the same several and paying the same several."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels.graphs.components import roots
from chainwatch.typologies.bursts import HOUR
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, Rows, spread_out
from chainwatch.typologies.shapes import relays as relays_file
from chainwatch.typologies.shapes.relays import BUSY, once, quiet, too_busy
from chainwatch.typologies.shapes.scatter_gather import unread_relays
from chainwatch.typologies.typology import Answer, Claim, NotJudged, typology

WIDE = "parties that deal with more relays than are compared"


@typology(
    fatf="patterns",
    benign="Agents of one season buy from the same suppliers and sell to the same shops.",
    refs=("amlsim", "fatf2020"),
    rests_on=(relays_file,),
)
def layering(
    flows: Flows, wide: int = 2, hours: int = 168, passed_on: int = 80, most: int = 50,
    widest: int = 50,
) -> Iterator[Answer]:  # fmt: skip
    """Several relays are each paid by the same parties, and each pays the same parties on.

    A relay is paid first and pays then, within ``hours`` in all, most of what it was paid: it is
    empty afterwards. Two relays are of one layer if at least ``wide`` parties pay both and at least
    ``wide`` are paid by both, services left out; layers are what hangs together so.

    Parameters
    ----------
    wide : int
        Parties that two relays have in common, at least, on either side.
    hours : int
        From the first to the last payment of a relay, and between the first payments of two.
    passed_on : int
        A relay pays at least so many percent of what it was paid, and no more than all.
    most : int
        A party with more payments is no relay.
    widest : int
        A party that deals with more relays tells nothing: it is left out and counted.

    Fails when
    ----------
    Each relay deals with others; relays are used again; a relay is paid once more after it paid.

    References
    ----------
    AMLSim, for the shapes that it calls *stack* and *bipartite*; FATF, Virtual Assets Red Flag
    Indicators, September 2020. The numbers are of practice, and no source measured them.
    """
    if busy := too_busy(flows, most):
        yield NotJudged(BUSY, busy)
    relay = once(flows, quiet(flows, most), hours * HOUR, passed_on)
    above, wider = _pairs(flows, relay, flows.payer, flows.payee, wide, widest)
    below, broader = _pairs(flows, relay, flows.payee, flows.payer, wide, widest)
    if wider + broader:
        yield NotJudged(WIDE, wider + broader)
    pairs = np.intersect1d(above, below)
    a, b = np.divmod(pairs, max(len(flows.parties), 1))
    first = np.zeros(len(flows.parties), np.int64)
    first[relay] = flows.clock[flows.into.rows[flows.into.ptr[:-1][relay]]]
    near = np.abs(first[a] - first[b]) <= hours * HOUR
    yield from _layers(flows, a[near].astype(np.int32), b[near].astype(np.int32))


def _pairs(
    flows: Flows, relay: NDArray[np.bool_], outer: NDArray[np.int32], inner: NDArray[np.int32],
    wide: int, widest: int,
) -> tuple[NDArray[np.int64], int]:  # fmt: skip
    """Return pairs of relays with enough parties in common, and the parties left out as too wide.

    A pair is one number: the smaller relay times all parties, and the larger one.
    """
    count = max(len(flows.parties), 1)
    rows = np.flatnonzero((inner != NOBODY) & (outer != NOBODY))
    rows = rows[relay[inner[rows]] & ~flows.services[outer[rows]]]
    met = np.unique(outer[rows].astype(np.int64) * count + inner[rows])
    owner, member = np.divmod(met, count)
    ptr = np.searchsorted(owner, np.arange(len(flows.parties) + 1))
    sizes = np.diff(ptr)
    place = np.arange(len(met))
    kept = sizes[owner] <= widest
    ends = np.where(kept, ptr[owner + 1] if len(owner) else place, place + 1)
    runs, others = spread_out(place + 1, ends)
    pairs, times = np.unique(member[runs] * count + member[others], return_counts=True)
    return pairs[times >= wide], int((sizes > widest).sum())


def _layers(flows: Flows, a: NDArray[np.int32], b: NDArray[np.int32]) -> Iterator[Claim]:
    """Yield a claim for each group of relays that hang together."""
    if not len(a):
        return
    root = roots(a, b, len(flows.parties))
    met = np.unique(np.concatenate([a, b]))
    met = met[np.argsort(root[met], kind="stable")]
    for members in np.split(met, np.flatnonzero(np.diff(root[met])) + 1):
        into, out = (
            np.sort(np.concatenate([side.of(int(relay)) for relay in members]))
            for side in (flows.into, flows.out_of)
        )
        yield _claim(flows, members, into, out)


def _claim(flows: Flows, members: NDArray[np.int32], into: Rows, out: Rows) -> Claim:
    payers = len(set(flows.payer[into].tolist()) - {NOBODY})
    payees = len(set(flows.payee[out].tolist()))
    return Claim(
        int(flows.payee[into[0]]),
        f"{len(members)} relays were paid by {payers} parties and paid {payees} on, some the same"
        " for each two of them",
        {"in": into, "out": out},
        ("in",),
        unread_relays(flows, into),
    )
