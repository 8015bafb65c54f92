"""Chooses the kind of a table by its header; what is nearly one, or may be two, is asked."""

from __future__ import annotations

from difflib import get_close_matches

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError
from chainwatch.sources.tables.known import SHAPES, SIBLINGS
from chainwatch.sources.tables.shape import Shape, find

_NEARLY = 0.6
"""Share of the columns of a kind that a table must have for the kind to be named as meant."""


def choose(header: list[str], name: str, wanted: str | None = None) -> Shape:
    """Return the kind of table that a header is of.

    The one with the most columns stands: relatives of one table have those of the others and more.

    Parameters
    ----------
    header : list of str
        Names of the columns.
    name : str
        Name of the file, for error messages.
    wanted : str, optional
        Name of the kind, where somebody says it.

    Raises
    ------
    DumpError
        If no kind fits, or several equally; the sentence names the missing column and the closest
        that is there, or those that fit. Of a table that stands beside those of transfers it says
        what it is and where it belongs.
    """
    if wanted is not None:
        return _wanted(header, name, wanted)
    fitting = [shape for shape in SHAPES if not shape.missing(header)]
    if not fitting:
        raise _none(header, name)
    most = max(len(shape.needs()) for shape in fitting)
    best = [shape for shape in fitting if len(shape.needs()) == most]
    if len(best) > 1:
        names = " or ".join(quoted(shape.name) for shape in best)
        raise DumpError(
            f"the header fits {names}", where=name, remedy="say which: name it as shape"
        )
    others = [one for one in fitting if not _within(one, best[0])]
    if others:
        names = " and ".join(quoted(one.name) for one in (best[0], *others))
        raise DumpError(
            f"the header has the columns of {names} together", where=name,
            remedy="give a table of each, or say which is meant: name it as shape",
        )  # fmt: skip
    return best[0]


def _within(one: Shape, other: Shape) -> bool:
    """Tell whether a kind is a relative of another that has its columns and more."""
    return one is other or {*one.columns.values()} <= {*other.columns.values(), *other.may.values()}


def _wanted(header: list[str], name: str, wanted: str) -> Shape:
    known = {shape.name: shape for shape in SHAPES}
    if wanted not in known:
        close = get_close_matches(wanted, known, n=1, cutoff=0.4)
        meant = f"perhaps {close[0]!r} is meant" if close else f"known are {', '.join(known)}"
        raise DumpError(f"no kind of table is called {quoted(wanted)}", remedy=meant)
    missing = known[wanted].missing(header)
    if missing:
        raise DumpError(_lacks(known[wanted], missing, header), where=name, remedy=_MAP)
    return known[wanted]


def _none(header: list[str], name: str) -> DumpError:
    if not any(header):
        return DumpError(
            "the file is empty: it has neither a header nor a row", where=name,
            remedy="leave it out, or export it anew; what it should hold was not read",
        )  # fmt: skip
    for sibling in SIBLINGS:
        if {*sibling.columns} <= {*header}:
            return DumpError(
                f"the table is {sibling.name!r}: {sibling.holds}", where=name,
                remedy=sibling.remedy,
            )  # fmt: skip

    def has(shape: Shape) -> float:
        needs = shape.needs()
        return (len(needs) - len(shape.missing(header))) / len(needs)

    nearest = max(SHAPES, key=lambda shape: (has(shape), len(shape.needs())))
    if has(nearest) >= _NEARLY:
        return DumpError(_lacks(nearest, nearest.missing(header), header), where=name, remedy=_MAP)
    shown = ", ".join(quoted(column) for column in header[:30])
    return DumpError(
        f"the header is of no kind of table that is known; it has {shown or 'no columns'}",
        where=name, remedy=_MAP,
    )  # fmt: skip


_MAP = (
    "correct the header, or read the table as transfers with a mapping of your own (pull transfers)"
)


def _lacks(shape: Shape, missing: list[str], header: list[str]) -> str:
    """Return which columns a table lacks to be of a kind, and which of its own come closest."""
    used = {find(column, header) for column in shape.needs()}
    free = [column for column in header if column not in used]
    told = []
    for column in missing[:5]:
        twice = next((one for one in column.split("|") if header.count(one) > 1), None)
        if twice is not None:
            told.append(f"{quoted(twice)}, which stands there {header.count(twice)} times")
            continue
        lower = {one.lower(): one for one in free}
        near_ones = [
            match for one in column.split("|")
            for match in get_close_matches(one.lower(), lower, n=1, cutoff=0.6)
        ]  # fmt: skip
        close = near_ones[:1]
        near = f" (the closest is {quoted(lower[close[0]])})" if close else ""
        named = " or ".join(quoted(one) for one in column.split("|"))
        told.append(f"{named}{near}")
    return f"the table is nearly {shape.name!r}, and lacks the column {', '.join(told)}"
