"""What a flow figure says in words: how it was made, what it leaves out, and its main routes."""

from __future__ import annotations

from chainwatch.figures import style
from chainwatch.figures.fit import LOWEST, THINNEST
from chainwatch.figures.selection import DIGITS, Selection, Sum, percent, sum_text
from chainwatch.figures.style import ROLES
from chainwatch.units import counted

SPOKEN_ROUTES = 5
"""Flows that the description for screen readers names one by one."""


def caption_in_words(chosen: Selection, symbol: str, decimals: int) -> str:
    """Describe the figure in a few sentences, for those who cannot see it."""
    if not chosen.moved.flows:
        return "Flow figure without any flow."
    routes = []
    for flow in chosen.flows[:SPOKEN_ROUTES]:
        ends = (chosen.nodes[flow.source], chosen.nodes[flow.target])
        names = [f"{style.shorten(end.label, 24)} ({ROLES[end.role].meaning})" for end in ends]
        total = Sum(1, flow.count, flow.amount or 0, flow.amount is None, flow.coarse)
        routes.append(f"{names[0]} to {names[1]} {sum_text(total, symbol, decimals)}")
    rest = len(chosen.flows) - len(routes)
    more = f"; and {counted(rest, 'smaller band', 'smaller bands')}" if rest else ""
    undrawn = chosen.moved.flows - chosen.drawn.flows
    left = counted(undrawn, "further flow is", "further flows are")
    others = f" {left} summed up as others." if undrawn else ""
    nodes = counted(len(chosen.nodes), "node", "nodes")
    return (
        f"Flow figure of {nodes} and {counted(len(chosen.flows), 'band', 'bands')}; "
        f"{sum_text(chosen.drawn, symbol, decimals)} of {sum_text(chosen.moved, symbol, decimals)} "
        f"moved are drawn. Largest flows: {'; '.join(routes) or 'none'}{more}.{others}"
    )


def method(chosen: Selection, symbol: str, decimals: int, engine: str) -> str:
    """Return the part of the caption that says how the figure was made and what it leaves out."""
    drawn, moved = chosen.drawn, chosen.moved
    share = percent(drawn.amount, moved.amount) if moved.amount else "no known amount"
    entering = Sum(1, 0, chosen.entering, coarse=not chosen.entering_exact)
    said = [
        f"Money runs from left to right; bands are as wide as their amounts, {THINNEST} pt at "
        f"least, and bars as high as the amounts beside them, {LOWEST:g} pt at least.",
        f"Drawn: {'all' if drawn.flows == moved.flows else 'the largest'} {drawn.flows:,} of "
        f"{counted(moved.flows, 'flow', 'flows')} "
        f"({counted(moved.transfers, 'transfer', 'transfers')}), "
        f"{sum_text(drawn, symbol, decimals)} of {sum_text(moved, symbol, decimals)} moved "
        f"({share}).",
        f"Percentages at nodes: the larger of what came in and went out, of the "
        f"{sum_text(entering, symbol, decimals)} that enter the figure; money that passes twice "
        f"counts twice.",
    ]
    if moved.unknown:
        unknown = counted(moved.unknown, "flow is", "flows are")
        said.append(f"{unknown} of unknown amount and drawn at least width.")
    rounded = moved.coarse or any(flow.coarse for flow in chosen.flows)
    if rounded:
        said.append(
            "≈: rounded to protect others than subjects, findings and services; bands are rounded "
            "one by one, so that those at a bar may come to more or less than it."
        )
    exact = "" if rounded else "; the tables hold them exactly"
    said.append(f"Amounts to {DIGITS} digits{exact}.")
    if chosen.first and chosen.last:
        said.append(f"Transfers of {chosen.first:%Y-%m-%d} to {chosen.last:%Y-%m-%d} UTC.")
    layout = "Graphviz dot" if engine == "dot" else "barycentre sweeps"
    return " ".join([*said, f"Columns: {layout}."])


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
