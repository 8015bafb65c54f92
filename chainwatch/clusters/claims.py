"""Claims of transactions: the links of one's inputs stand together, and fall together.

Whoever spends several addresses at once claims all of them. Links tell that as a star around one
address, picked by its bytes. So where a link of the star is refused the others are as well: to
keep some would let bytes decide who gets whom.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels.graphs.components import Joined


class Stopped(NamedTuple):
    """Links that are refused: which, by what pair or actors, and whether only with their claim."""

    rows: NDArray[Any]
    because: NDArray[Any]
    actors: NDArray[Any]
    with_claim: NDArray[np.bool_]


def contradicted(
    claims: NDArray[Any], regions: NDArray[Any], made: Joined
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which links fall: of each region those of the first claim that is contradicted.

    Until then no claim was kept by half, so that all that joined before stands. What joined after
    it may rest on the half that was kept, and is joined again without it.

    Parameters
    ----------
    claims : array
        The number of the claim of each link, in the order in which they joined; -1 for none.
    regions : array
        For each link what it hangs together with by any links.
    made : Joined
        What joining them left.
    """
    none = np.zeros(len(claims), np.bool_)
    refused = np.sort(made.refused)
    refused = refused[claims[refused] >= 0]
    if not len(refused):
        return none
    numbers, counts = np.unique(claims, return_counts=True)
    several = counts[np.searchsorted(numbers, claims[refused])] > 1
    refused = refused[several]
    _, first = np.unique(regions[refused], return_index=True)
    fallen: NDArray[np.bool_] = np.isin(claims, claims[refused[first]])
    return fallen


def stopped(
    order: NDArray[Any], claims: NDArray[Any], made: Joined, fallen: NDArray[np.bool_]
) -> Stopped:
    """Return why links fall: each for itself, or for the first of its claim that was refused.

    Parameters
    ----------
    order : array
        The links in the order in which they joined.
    claims : array
        As in :func:`contradicted`.
    made : Joined
        What joining them left.
    fallen : array of bool
        Which of them fall; each was refused, or is of the claim of one that was.
    """
    own = np.full(len(order), -1, np.int64)
    own[made.refused] = np.arange(len(made.refused))
    first: dict[int, int] = {}
    for place in made.refused.tolist():
        first.setdefault(int(claims[place]), int(own[place]))
    places = np.flatnonzero(fallen)
    why = np.array(
        [own[one] if own[one] >= 0 else first[int(claims[one])] for one in places.tolist()],
        np.int64,
    )
    return Stopped(order[places], made.because[why], made.actors[:, why], own[places] < 0)
