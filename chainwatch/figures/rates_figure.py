"""``rates`` and ``reliability``: how often recipes and rules were right, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.errors import expect
from chainwatch.evaluate.calibration import Calibration
from chainwatch.evaluate.evaluation import Evaluation
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

SQUARE = 420.0
"""Points: side of the reliability diagram."""


class Line(NamedTuple):
    """A row of the figure: a heading, or a name with its share."""

    name: str
    share: Share | None = None


def rates(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw how many owners each recipe merged with another, and how many links of its rules err.

    A point is the share that was counted, the line through it the interval of 95 %, and the
    numbers stand beside it. An empty circle was counted on no error; a row without a point was
    not testable. All rows share one scale, from nothing to the largest upper end.

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
    tall = HEAD + ROW * len(lines) + MARGIN + 12.0
    with style.settings():
        ax = ax or style.new_axes(WIDE / 72, tall / 72)
        ax.set_xlim(0, WIDE)
        ax.set_ylim(0, tall)
        ax.set_axis_off()
        ax.set_label(rates_text(evaluation))
        write(ax, MARGIN, tall - MARGIN, "Owners merged with another, and wrong links of each rule",
              10.0, bold=True)  # fmt: skip
        top = tall - HEAD
        _scale(ax, highest, top + 8.0, top - ROW * len(lines))
        for number, line in enumerate(lines):
            _row(ax, line, top - ROW * (number + 0.5), highest)
    return ax


def rates_text(evaluation: Evaluation) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    told = [f"{line.name}: {line.share}" if line.share else f"{line.name}:"
            for line in _lines(evaluation)]  # fmt: skip
    return "Share of owners merged with another by recipe, and of wrong links by rule. " + " ".join(
        f"{one}." for one in told
    )


def _lines(evaluation: Evaluation) -> Sequence[Line]:
    found: list[Line] = []
    for basis in evaluation.frame["basis"].unique(maintain_order=True):
        found.append(Line(basis))
        for recipe in evaluation.frame.filter(basis=basis)["recipe"]:
            of = {"basis": basis, "recipe": recipe}
            found.append(Line(recipe, evaluation.share("owners_merged", **of)))
            found += [
                Line(f"  links by {rule}", evaluation.wrong_links(rule, **of))
                for rule in evaluation.rules.filter(basis=basis, recipe=recipe)["rule"]
            ]
    return found


def _x(rate: float, highest: float) -> float:
    left, right = MARGIN + NAMES, WIDE - MARGIN - NUMBERS
    return left + (right - left) * min(rate / highest, 1.0)


def _scale(ax: Axes, highest: float, top: float, bottom: float) -> None:
    for part in (0.0, 0.5, 1.0):
        x = _x(part * highest, highest)
        ax.plot([x, x], [bottom, top], color="#BBBBBB", linewidth=0.6, zorder=1)
        write(ax, x, bottom - 10.0, f"{100 * part * highest:.3g} %", 7.0, align="center")


def _row(ax: Axes, line: Line, y: float, highest: float) -> None:
    if line.share is None:
        write(ax, MARGIN, y, style.fit(printable(line.name), WIDE - 2 * MARGIN, LABEL, bold=True),
              bold=True)  # fmt: skip
        return
    write(ax, MARGIN + 8.0, y, style.fit(printable(line.name), NAMES - 14.0, LABEL))
    share, interval = line.share, line.share.interval
    told = NOT_TESTABLE
    if interval is not None and share.rate is not None:
        low, high = (_x(end, highest) for end in interval)
        ax.plot([low, high], [y, y], color=INK, linewidth=1.4, zorder=2)
        filled = INK if share.count else "white"
        ax.plot([_x(share.rate, highest)], [y], marker="o", markersize=5, color=filled,
                markeredgecolor=INK, zorder=3)  # fmt: skip
        told = f"{share.count:,} of {share.of:,}; {100 * interval.low:.3g} to" \
               f" {100 * interval.high:.3g} %"  # fmt: skip
    write(ax, WIDE - MARGIN - NUMBERS + 12.0, y, told, 7.5)


def reliability(calibration: Calibration, ax: Axes | None = None) -> Axes:
    """Draw stated confidences against the share that came true, and return the Axes.

    On the diagonal a confidence means what it says; below it, it says too much. The line through
    a point is the interval of 95 % with owners as its cases. Rules without a confidence are left
    out.

    Parameters
    ----------
    calibration : Calibration
        What ``calibrate(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new square figure.
    """
    expect(calibration, Calibration, "calibration", "pass what calibrate(...) returned")
    points = [(rule, stated, share, share.interval) for rule, stated, share
              in calibration.observed()]  # fmt: skip
    drawn = [(rule, stated, share, interval) for rule, stated, share, interval in points
             if stated is not None and interval is not None]  # fmt: skip
    with style.settings():
        ax = ax or style.new_axes(SQUARE / 72, SQUARE / 72)
        ax.set_label(reliability_text(calibration))
        ax.set_position((0.14, 0.12, 0.82, 0.76))
        low = min([0.9, *(min(stated, interval.low) for _, stated, _, interval in drawn)])
        ends = (low - 0.02 * (1 - low), 1 + 0.02 * (1 - low))
        ax.plot(ends, ends, color="#888888", linewidth=0.8, linestyle="--", zorder=1)
        for number, (rule, stated, share, interval) in enumerate(sorted(drawn), 1):
            ax.plot([stated, stated], [*interval], color=INK, linewidth=1.2, zorder=2)
            ax.plot([stated], [share.rate or 0.0], marker="o", markersize=5, color=INK, zorder=3)
            ax.annotate(
                f"{number} {printable(rule)}", (stated, interval.low), fontsize=7.5,
                xytext=(-4, -3), textcoords="offset points", ha="right", va="top",
            )  # fmt: skip
        ax.set_xlim(ends)
        ax.set_ylim(ends)
        ax.set_xlabel("stated confidence of a link", fontsize=LABEL)
        ax.set_ylabel("links that were right", fontsize=LABEL)
        ax.tick_params(labelsize=7.5)
        title = style.fit(f"Reliability on {printable(calibration.basis)}", SQUARE * 0.84, 9.0)
        ax.set_title(title, fontsize=9.0, loc="left", parse_math=False)
    return ax


def reliability_text(calibration: Calibration) -> str:
    """Return what the diagram shows, in words, for those who cannot see it."""
    told = [
        f"{rule}: stated {stated:.4f}, right {share}."
        for rule, stated, share in calibration.observed()
        if stated is not None
    ]
    return " ".join([f"Stated confidence against what came true, on {calibration.basis}.", *told])
