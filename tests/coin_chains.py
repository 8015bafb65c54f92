"""Random small coin chains for the laws of tracing: unread inputs, blocks, burns."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

OWNERS = "abcdes"


@st.composite
def coin_chains(
    draw: st.DrawFn, *, unread: bool = True, largest: int = 9, txs: int = 12
) -> list[dict[str, Any]]:
    """Draw transactions for ``desk.coins``: each spends some free coins, or makes a new one.

    The first makes a coin of some value.

    Parameters
    ----------
    unread : bool
        Whether some inputs spend what was not read, of a known or an unknown value.
    largest : int
        Most base units of a newly made coin.
    txs : int
        Most transactions.
    """
    free: list[tuple[str, int, int]] = []
    found: list[dict[str, Any]] = []
    height = 0
    for place in range(draw(st.integers(2, txs))):
        count = draw(st.integers(0, min(4, len(free))))
        spent = [free.pop(draw(st.integers(0, len(free) - 1))) for _ in range(count)]
        ins: list[tuple[Any, ...]] = [(who, n) for who, n, _ in spent]
        left = sum(value for *_, value in spent)
        if unread and place and draw(st.integers(0, 9)) == 0:
            more = draw(st.integers(0, largest))
            ins.append(draw(st.sampled_from([("?",), (f"old{place}", 0, more, "a")])))
            left += more
        if not ins:
            left = draw(st.integers(1, largest))
        outs: list[tuple[Any, ...]] = []
        for _ in range(draw(st.integers(1, 4))):
            value = draw(st.integers(0 if place else 1, left)) if left else 0
            left -= value
            kind = draw(st.sampled_from(["p2pkh"] * 7 + ["null_data"])) if place else "p2pkh"
            outs.append((draw(st.sampled_from(OWNERS)), value, kind))
        height += draw(st.integers(0, 1)) if place else 0
        name = f"t{place}"
        found.append({"id": name, "ins": ins, "outs": outs, "height": height})
        free += [(name, n, out[1]) for n, out in enumerate(outs) if out[2] != "null_data"]
    return found


def coins_of(txs: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the outputs that can be followed: those of some value that a key can move."""
    return [
        (tx["id"], n)
        for tx in txs
        for n, (_, value, kind) in enumerate(tx["outs"])
        if value and kind != "null_data"
    ]
