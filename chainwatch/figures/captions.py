"""What a flow figure says in words: how it was made, what it leaves out, and its main routes."""

from __future__ import annotations

from dataclasses import replace

from chainwatch.figures import style
from chainwatch.figures.fit import LOWEST, THINNEST
from chainwatch.figures.selection import DIGITS, Selection, Sum, percent, sum_text
from chainwatch.figures.style import ROLES
from chainwatch.units import counted

SPOKEN_ROUTES = 5
"""Flows that the description for screen readers names one by one."""


NOTHING = "Nothing to draw: no value was followed from one party to another."
"""Stands in a flow figure that has no flow."""


def caption_in_words(
    chosen: Selection, symbol: str, decimals: int, *, figure: str = "Flow figure",
    line: str = "band",
) -> str:  # fmt: skip
    """Describe the figure in a few sentences, for those who cannot see it."""
    if not chosen.moved.flows:
        return f"{figure} without any flow. {NOTHING}"
    routes = []
    for flow in chosen.flows[:SPOKEN_ROUTES]:
        ends = (chosen.nodes[flow.source], chosen.nodes[flow.target])
        names = [f"{style.shorten(end.label, 24)} ({ROLES[end.role].meaning})" for end in ends]
        total = Sum(1, flow.count, flow.amount or 0, flow.amount is None, flow.coarse)
        routes.append(f"{names[0]} to {names[1]} {sum_text(total, symbol, decimals)}")
    rest = len(chosen.flows) - len(routes)
    more = f"; and {counted(rest, f'smaller {line}', f'smaller {line}s')}" if rest else ""
    undrawn = chosen.moved.flows - chosen.drawn.flows
    left = counted(undrawn, "further flow is", "further flows are")
    others = f" {left} summed up as others." if undrawn else ""
    nodes = counted(len(chosen.nodes), "node", "nodes")
    return (
        f"{figure} of {nodes} and {counted(len(chosen.flows), line, f'{line}s')}; "
        f"{sum_text(chosen.drawn, symbol, decimals)} of {sum_text(chosen.moved, symbol, decimals)} "
        f"in all flows are drawn. Largest flows: {'; '.join(routes) or 'none'}{more}.{others}"
    )


def method(chosen: Selection, symbol: str, decimals: int, engine: str) -> str:
    """Return the part of the caption that says how the figure was made and what it leaves out."""
    bands = (
        f"Money runs from left to right; bands are as wide as their amounts, {THINNEST} pt at "
        f"least, and bars as high as the amounts beside them, {LOWEST:g} pt at least."
    )
    said = [bands, *drawn_of(chosen, symbol, decimals)]
    if rounded(chosen):
        said.append(
            "≈: rounded to protect others than subjects, findings and services; bands are rounded "
            "one by one, so that those at a bar may come to more or less than it."
        )
    said += digits_and_times(chosen)
    return " ".join([*said, f"Columns: {layout_in_words(engine)}."])


def drawn_of(chosen: Selection, symbol: str, decimals: int) -> list[str]:
    """Return how much of what moved is drawn, of what shares are, and what is unknown."""
    drawn, moved = chosen.drawn, chosen.moved
    coarse = drawn.coarse or moved.coarse
    share = (
        percent(drawn.amount, moved.amount, rounded=coarse) if moved.amount else "no known amount"
    )
    entering = Sum(1, 0, chosen.entering, coarse=not chosen.entering_exact)
    said = [
        f"Drawn: {'all' if drawn.flows == moved.flows else 'the largest'} {drawn.flows:,} of "
        f"{counted(moved.flows, 'flow', 'flows')} "
        f"({counted(moved.transfers, 'payment or end', 'payments and ends')}), "
        f"{sum_text(drawn, symbol, decimals)} of {sum_text(moved, symbol, decimals)} in all flows "
        f"({share}).",
        f"Percentages at nodes: the larger of what came in and went out, of the "
        f"{sum_text(entering, symbol, decimals)} that enter the figure; money that passes twice "
        f"counts twice.",
    ]
    if moved.unknown:
        unknown = counted(moved.unknown, "flow is", "flows are")
        said.append(f"{unknown} of unknown amount and drawn at least width.")
    return said


def rounded(chosen: Selection) -> bool:
    """Return whether any amount of the figure is rounded for privacy."""
    return chosen.moved.coarse or any(flow.coarse for flow in chosen.flows)


def digits_and_times(chosen: Selection) -> list[str]:
    """Return how exact the amounts are, and of which days the transfers."""
    exact = "" if rounded(chosen) else "; the tables hold them exactly"
    said = [f"Amounts to {DIGITS} digits{exact}."]
    if chosen.first and chosen.last:
        said.append(f"Transfers of {chosen.first:%Y-%m-%d} to {chosen.last:%Y-%m-%d} UTC.")
    return said


def layout_in_words(engine: str) -> str:
    """Return what a figure says of the engine that laid it out."""
    return "Graphviz dot" if engine == "dot" else "barycentre sweeps"


def others(chosen: Selection, symbol: str, decimals: int) -> list[str]:
    """Return one line per side for what is not drawn singly."""
    sides = (
        (chosen.others_out, "paid out by nodes drawn (marks at their right)"),
        (chosen.others_in, "paid in to nodes drawn, from nodes that are not (marks at their left)"),
        (chosen.elsewhere, "between nodes that are not drawn"),
    )
    return [
        f"others: {counted(total.flows, 'flow', 'flows')}, "
        f"{sum_text(total, symbol, decimals)}, {side}"
        for total, side in sides
        if total.flows
    ]


def elsewhere(chosen: Selection, symbol: str, decimals: int) -> list[str]:
    """Return the line on flows between nodes none of which is drawn; none where there are none."""
    return others(replace(chosen, others_in=Sum(), others_out=Sum()), symbol, decimals)
