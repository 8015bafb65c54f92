"""Whether a group grew more than all others did: they are one count, however few they are.

Of what was counted in a window and before it, a share is the group's own. If whatever happened
happened to all, the share is the same in both, and the group's count in the window, given all four
sums of the table, is hypergeometric (Fisher's exact test): nobody has to know by how much all grew,
so that a season, an outage or a peak of the whole market drops out, and few counts are enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainwatch.errors import extra

Array = NDArray[np.float64]

FEWEST = 8
"""How many of all others the weeks before must let one expect in the longest window. Of fewer one
cannot tell whether they tripled or stayed: three times as many is seen by chance."""


def share_bound(own: tuple[Array, Array], others: tuple[Array, Array]) -> Array:
    """Return a bound on the chance of so large a share of the window, where all grew alike.

    Parameters
    ----------
    own, others : pairs of arrays
        What was counted in the window and before it, of each group and of all others together, each
        divided by how much more it varies than Poisson counts do.

    Returns
    -------
    array
        The chance of the count itself over one minus the ratio of the next chance to it: chances
        of a hypergeometric count fall ever faster, so the tail is below that geometric sum.

    Raises
    ------
    MissingExtra
        If scipy is not installed.

    References
    ----------
    Fisher, JRSS 98, 1935. Przyborowski and Wilenski, Biometrika 31, 1940.
    """
    (now, before), (others_now, others_before) = own, others
    chance = (
        _choose(now, before)
        + _choose(others_now, others_before)
        - _choose(now + others_now, before + others_before)
    )
    ratio = before * others_now / ((now + 1) * (others_before + 1))
    rest = np.where(ratio < 1, 1 - ratio, 1.0)
    return np.where(ratio < 1, np.minimum(1, np.exp(chance) / rest), 1.0)


def _choose(one: Array, other: Array) -> Array:
    """Return the logarithm of how many ways there are to choose one sum out of both."""
    with extra("statistics", "scipy"):
        from scipy.special import gammaln
    found: Array = gammaln(one + other + 1) - gammaln(one + 1) - gammaln(other + 1)
    return found


__all__ = ["FEWEST", "share_bound"]
