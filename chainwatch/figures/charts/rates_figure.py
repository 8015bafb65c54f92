"""``rates`` and ``reliability``: how often the links of rules were right, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.errors import expect
from chainwatch.evaluate.calibration import Calibration
from chainwatch.evaluate.evaluation import Evaluation
from chainwatch.evaluate.link_rates import wrong_links
from chainwatch.evaluate.shares import NOT_TESTABLE, Share
from chainwatch.figures import style
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, MARGIN, ROW, HEAD, LABEL = 640.0, 18.0, 20.0, 46.0, 8.0
"""Points: width, margins, height of a row, of the heading, size of the text."""

NAMES, NUMBERS = 210.0, 190.0
"""Points that the names on the left and the numbers on the right take."""

SQUARE, ABOVE, KEY = 300.0, 30.0, 250.0
"""Points: side of the reliability diagram, room for numbers above it, and width of its key."""

APART = 11.0
"""Points between two numbers above the reliability diagram, where all find room."""

ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Where the scale of rates may end: the first that holds all of them; it is cut in fifths."""


class Line(NamedTuple):
    """A row of the figure: a heading, or a name with its share."""

    name: str
    share: Share | None = None


def rates(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw which share of the links of each rule joins two owners, by recipe.

    A point is the share that was counted, the line through it the interval of 95 %, and the
    numbers stand beside it. An empty circle was counted on no error. Recipes in which a rule did
    the same stand in one row. Rules that join nobody are named below, and so is what the marks
    mean. All rows share one scale, which ends at a round figure.

    Parameters
    ----------
    evaluation : Evaluation
        What ``evaluate(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    """
    expect(evaluation, Evaluation, "evaluation", "pass what evaluate(...) returned")
    lines = _lines(evaluation)
    highest = max((line.share.interval.high for line in lines
                   if line.share and line.share.interval), default=1.0)  # fmt: skip
    ends = next(end for end in ENDS if end >= min(highest, 1.0))
    words = [row for text in (SCALE, MARKS, *_idle(evaluation))
             for row in style.wrap(text, WIDE - 2 * MARGIN, 7.0, lines=4)]  # fmt: skip
    tall = HEAD + ROW * len(lines) + MARGIN + 22.0 + 11.0 * len(words)
    with style.settings():
        ax = ax or style.new_axes(WIDE / 72, tall / 72)
        ax.set_xlim(0, WIDE)
        ax.set_ylim(0, tall)
        ax.set_axis_off()
        style.describe(ax, RATES, rates_text(evaluation))
        write(ax, MARGIN, tall - MARGIN, RATES, 10.0, bold=True)
        top = tall - HEAD
        bottom = top - ROW * len(lines)
        _scale(ax, ends, top + 8.0, bottom)
        for number, line in enumerate(lines):
            _row(ax, line, top - ROW * (number + 0.5), ends)
        for number, row in enumerate(words):
            write(ax, MARGIN, bottom - 28.0 - 11.0 * number, row, 7.0)
    return ax


RATES = "Links that join two owners, by rule"
SCALE = "Scale: the share of a rule's links that join two owners, wrongly."
MARKS = (
    "● counted; ○ counted without an error; the line through it is the interval of 95 %, in which"
    " the links of one owner are one case."
)


def rates_text(evaluation: Evaluation) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    told = [f"{line.name}: {line.share}." if line.share else f"{line.name}:"
            for line in _lines(evaluation)]  # fmt: skip
    return " ".join([f"{RATES}: share of wrong links.", *told, *_idle(evaluation)])


def _lines(evaluation: Evaluation) -> Sequence[Line]:
    """Return a heading for each basis, and a row for each rule and what it did in some recipes."""
    found: list[Line] = []
    for basis in evaluation.frame["basis"].unique(maintain_order=True):
        found.append(Line(basis))
        did: dict[tuple[str, Share], list[str]] = {}
        rows = evaluation.rules.filter(basis=basis)
        for recipe in evaluation.frame.filter(basis=basis)["recipe"]:
            for rule in rows.filter(recipe=recipe)["rule"]:
                share = evaluation.wrong_links(rule, basis=basis, recipe=recipe)
                if share.of:
                    did.setdefault((rule, share), []).append(recipe)
        by_rule = sorted(did.items(), key=lambda one: one[0][0])
        found += [Line(f"{rule}: {', '.join(who)}", share) for (rule, share), who in by_rule]
    return found


def _idle(evaluation: Evaluation) -> Sequence[str]:
    """Return which rules are left out, as they join nobody."""
    idle = sorted(
        rule
        for rule in evaluation.rules["rule"].unique()
        if not wrong_links(evaluation.rules, rule).of
    )
    return (f"Left out, as they join nobody: {', '.join(idle)}.",) if idle else ()


def _x(rate: float, highest: float) -> float:
    left, right = MARGIN + NAMES, WIDE - MARGIN - NUMBERS
    return left + (right - left) * min(rate / highest, 1.0)


def _scale(ax: Axes, highest: float, top: float, bottom: float) -> None:
    for fifth in range(6):
        x = _x(fifth / 5 * highest, highest)
        ax.plot([x, x], [bottom, top], color="#BBBBBB", linewidth=0.6, zorder=1)
        write(ax, x, bottom - 10.0, f"{20 * fifth * highest:g} %", 7.0, align="center")


def _row(ax: Axes, line: Line, y: float, highest: float) -> None:
    if line.share is None:
        heading = style.fit(printable(line.name), WIDE - 2 * MARGIN, LABEL, bold=True)
        write(ax, MARGIN, y, heading, LABEL, bold=True)
        return
    write(ax, MARGIN + 8.0, y, style.fit(printable(line.name), NAMES - 14.0, LABEL), LABEL)
    share, interval = line.share, line.share.interval
    if interval is None or share.rate is None:
        return
    low, high = (_x(end, highest) for end in interval)
    ax.plot([low, high], [y, y], color=INK, linewidth=1.4, zorder=2)
    ax.plot([_x(share.rate, highest)], [y], marker="o", markersize=5, color=INK, zorder=3,
            markerfacecolor=INK if share.count else "white")  # fmt: skip
    told = f"{share.count:,} of {share.of:,}: {_percent(share)}"
    write(ax, WIDE - MARGIN - NUMBERS + 12.0, y, style.fit(told, NUMBERS - 12.0, LABEL), LABEL)


def _percent(share: Share) -> str:
    """Return the share and its interval in percent, all to one decimal."""
    if share.interval is None or share.rate is None:
        return NOT_TESTABLE
    low, high = (100 * end for end in share.interval)
    between = f"{low:.1f} to {high:.1f}" if share.count else f"at most {high:.1f}"
    return f"{100 * share.rate:.1f} % ({between})"


class Point(NamedTuple):
    """A rule in the reliability diagram: its number, stated confidence, and what came true."""

    number: int
    rule: str
    stated: float
    share: Share


def reliability(calibration: Calibration, ax: Axes | None = None) -> Axes:
    """Draw stated confidences of links against the share that was right, with its interval.

    Rules on the dashed line say what is true; below it they promise too much. A rule's number
    stands above its point, and a key beside the diagram says which rule it is. Rules without a
    stated confidence have no place on the axis; they stand in the table.

    Parameters
    ----------
    calibration : Calibration
        What ``calibrate(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    """
    expect(calibration, Calibration, "calibration", "pass what calibrate(...) returned")
    points = _points(calibration)
    wide = 2 * MARGIN + 40.0 + SQUARE + 24.0 + KEY
    title = style.wrap(f"{RELIABILITY}, on {printable(calibration.basis)}", wide - 2 * MARGIN,
                       10.0, lines=3, bold=True)  # fmt: skip
    tall = MARGIN + 14.0 * len(title) + ABOVE + max(SQUARE, 14.0 * (len(points) + 1)) + 48.0
    with style.settings():
        ax = ax or style.new_axes(wide / 72, tall / 72)
        ax.set_xlim(0, wide)
        ax.set_ylim(0, tall)
        ax.set_axis_off()
        style.describe(ax, title[0], reliability_text(calibration))
        for number, row in enumerate(title):
            write(ax, MARGIN, tall - MARGIN - 14.0 * number, row, 10.0, bold=True)
        top = tall - MARGIN - 14.0 * len(title) - ABOVE
        _diagram(ax, points, top)
        _key(ax, points, MARGIN + 40.0 + SQUARE + 24.0, top)
    return ax


RELIABILITY = "Stated confidence of links, and the share that was right"


UPRIGHT = "share of links that were right (upright); rule by number:"


def _points(calibration: Calibration) -> list[Point]:
    """Return the rules that stand in the diagram, numbered by their stated confidence."""
    known = sorted(
        (stated, rule, share)
        for rule, stated, share in calibration.observed()
        if stated is not None and share.interval is not None
    )
    return [Point(n, rule, stated, share) for n, (stated, rule, share) in enumerate(known, 1)]


def _diagram(ax: Axes, points: Sequence[Point], top: float) -> None:
    """Draw axes, points with their intervals, and a number above each."""
    low = min([0.9, *(min(one.stated, *(one.share.interval or ())) for one in points)])
    low = int(low * 10) / 10
    left, bottom = MARGIN + 40.0, top - SQUARE

    def at(rate: float) -> float:
        return SQUARE * (rate - low) / (1 - low)

    ax.plot([left, left + SQUARE, left + SQUARE, left, left],
            [bottom, bottom, top, top, bottom], color=INK, linewidth=0.8, zorder=2)  # fmt: skip
    ax.plot([left, left + SQUARE], [bottom, top], color="#888888", linewidth=0.8, linestyle="--")
    for tenth in range(round(low * 10), 11):
        along = at(tenth / 10)
        write(ax, left + along, bottom - 8.0, f"{tenth / 10:.1f}", 7.5, align="center")
        write(ax, left - 5.0, bottom + along, f"{tenth / 10:.1f}", 7.5, align="right")
    write(
        ax, left + SQUARE / 2, bottom - 22.0, "stated confidence of a link", LABEL, align="center"
    )
    upright = style.fit(UPRIGHT, SQUARE, LABEL)
    write(ax, left, top + ABOVE - 4.0, upright, LABEL)
    spots = _spread_out([left + at(one.stated) for one in points], left, left + SQUARE)
    for one, spot in zip(points, spots, strict=True):
        x, interval = left + at(one.stated), one.share.interval or (0.0, 0.0)
        ends = [bottom + at(end) for end in interval]
        ax.plot([x, x], ends, color=INK, linewidth=1.2, zorder=3)
        ax.plot([x], [bottom + at(one.share.rate or 0.0)], marker="o", markersize=4, color=INK,
                zorder=4)  # fmt: skip
        ax.plot([spot, x], [top + 4.0, ends[1]], color="#AAAAAA", linewidth=0.5, zorder=1)
        write(ax, spot, top + 9.0, str(one.number), 7.0, align="center")


def _spread_out(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Return rising places as near to those wanted as keeps them apart and inside."""
    gap = min(APART, (high - low) / max(len(wanted) - 1, 1))
    places: list[float] = []
    for want in wanted:
        places.append(max(want, places[-1] + gap) if places else max(want, low))
    for back in range(len(places) - 1, -1, -1):
        end = high if back == len(places) - 1 else places[back + 1] - gap
        places[back] = min(places[back], end)
    return places


def _key(ax: Axes, points: Sequence[Point], x: float, top: float) -> None:
    """List the rules by their numbers, with what was stated and what came true."""
    write(ax, x + 18.0, top - 7.0, "rule", LABEL, bold=True)
    write(ax, x + KEY, top - 7.0, "stated, right", LABEL, bold=True, align="right")
    for one in points:
        y = top - 7.0 - 14.0 * one.number
        told = f"{one.stated:.3f}, {one.share.rate or 0.0:.3f}"
        write(ax, x + 12.0, y, str(one.number), 7.5, bold=True, align="right")
        room = KEY - 18.0 - style.text_width(told, 7.5) - 6.0
        write(ax, x + 18.0, y, style.fit(printable(one.rule), room, 7.5), 7.5)
        write(ax, x + KEY, y, told, 7.5, align="right")


def reliability_text(calibration: Calibration) -> str:
    """Return what the diagram shows, in words, for those who cannot see it."""
    told = [
        f"{rule}: stated {stated:.4f}, right {share}."
        for rule, stated, share in calibration.observed()
        if stated is not None
    ]
    return " ".join([f"Stated confidence against what came true, on {calibration.basis}.", *told])
