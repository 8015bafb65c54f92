"""Links that rest on no transaction: somebody said so, or it stands in a register."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.heuristics.link_rules import STATEMENT, TAKEN
from chainwatch.heuristics.links import BOTH_ENDS, Links, canonical, one_chain
from chainwatch.results.result import recorded


def stated_links(
    pairs: Sequence[tuple[str, str | bytes, str, str | bytes]],
    *,
    rule: str = STATEMENT,
    confidence: float | None = None,
) -> Links:
    """Return links that rest on no transaction: somebody said so, or it stands in a register.

    Parameters
    ----------
    pairs : sequence of (chain, address, chain, address)
        Which two addresses have one owner; they may be on two chains.
    rule : str
        What they rest on, as it will stand in column ``rule``: ``statement``, ``register``.
    confidence : float, optional
        Measured share of such links that are right; none, where nobody measured it.

    Raises
    ------
    AddressError
        If one is no address of its chain.
    InputError
        If a pair names one address twice, or the rule is one that reads a chain.

    Fails when
    ----------
    Whoever stated it was wrong, or lied. Nothing on a chain shows that the two have one owner.
    """
    if rule in TAKEN:
        raise InputError(f"what is stated does not rest on {rule!r}", remedy="name it otherwise")
    rows = [
        (chain, a, b, None, None, None, rule, confidence, False, None, chain_b)
        for chain, a, chain_b, b in sorted(set(map(_ends, pairs)))
    ]
    return statements(BOTH_ENDS.frame(rows))


def _ends(pair: tuple[str, str | bytes, str, str | bytes]) -> tuple[str, bytes, str, bytes]:
    expect(pair, tuple, "a pair", "give (chain, address, chain, address)")
    if len(pair) != 4:
        raise InputError(
            f"a pair has {len(pair)} parts", remedy="give (chain, address, chain, address)"
        )
    smaller, larger = sorted((canonical(pair[1], pair[0]), canonical(pair[3], pair[2])))
    return (*smaller, *larger)


@recorded
def statements(pairs: pl.DataFrame) -> Links:
    """Return rows in ``BOTH_ENDS`` as links; the record names them by their digest alone."""
    return Links(one_chain(pairs))
