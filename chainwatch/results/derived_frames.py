"""What polars makes of a frame for people is one too: a filter, a selection, a join, a group.

Polars collects most of what it makes into frames of its own class. So each of its methods that
returns a frame is taken over here, and what it returns is given back as a frame for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from inspect import signature
from typing import Any

import polars as pl

SEVERAL = "several"
"""Stands for the chain of a frame whose bytes may be of several: then they print as hexadecimal."""

GROUPS = ("group_by", "rolling", "group_by_dynamic")
"""Methods that return groups, of which a frame is made."""

Again = Callable[[pl.DataFrame, str], pl.DataFrame]
"""Makes a frame for people of a frame and the chain of its bytes."""


def derived(again: Again) -> dict[str, Callable[..., Any]]:
    """Return every method of a polars frame that returns one, so that it returns one for people.

    Parameters
    ----------
    again : callable
        Makes one of a frame and the CAIP-2 id of its chain.
    """
    found = {
        name: _keeping(method, again)
        for name, method in vars(pl.DataFrame).items()
        if callable(method)
        and not name.startswith("_")
        and signature(method).return_annotation == "DataFrame"
    }
    return found | {name: _grouping(getattr(pl.DataFrame, name), again) for name in GROUPS}


def _keeping(method: Callable[..., Any], again: Again) -> Callable[..., Any]:
    asked = signature(method)

    @wraps(method)
    def run(frame: pl.DataFrame, *args: Any, **given: Any) -> Any:
        made = method(frame, *args, **given)
        if made is frame or not isinstance(made, pl.DataFrame):
            return made
        others = [one for value in (*args, *given.values()) for one in _with_bytes(value)]
        of = str(getattr(frame, "network", ""))
        if others and not _of_one_chain(frame, others, asked.bind(frame, *args, **given).arguments):
            of = SEVERAL
        return again(made, of)

    return run


def _with_bytes(value: object) -> Iterator[pl.DataFrame | pl.Series]:
    """Yield the frames and columns of an argument that bring bytes along."""
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, pl.DataFrame) and pl.Binary in one.dtypes:
            yield one
        if isinstance(one, pl.Series) and one.dtype == pl.Binary:
            yield one


def _of_one_chain(
    frame: pl.DataFrame, others: Iterable[pl.DataFrame | pl.Series], given: Mapping[str, Any]
) -> bool:
    """Tell whether the bytes that are brought along are of the chain of the frame, row by row.

    A join that only picks rows brings none. Rows that say their chain say it where they are put
    below each other, or joined by it.
    """
    if given.get("how") in ("semi", "anti"):
        return True
    by = given.get("on") or ()
    by_chain = "chain" in ([by] if isinstance(by, str) else by)
    for one in others:
        same = getattr(one, "network", "") == getattr(frame, "network", "") != ""
        columns = one.columns if isinstance(one, pl.DataFrame) else []
        told = "chain" in columns and "chain" in frame.columns
        below = told and columns == frame.columns
        if not (told and (below or by_chain)) and not (same and not told):
            return False
    return True


def _grouping(method: Callable[..., Any], again: Again) -> Callable[..., Any]:
    @wraps(method)
    def run(frame: pl.DataFrame, *args: Any, **given: Any) -> Any:
        return Groups(method(frame, *args, **given), again, str(getattr(frame, "network", "")))

    return run


class Groups:
    """Groups of polars, of which a frame for people is made."""

    def __init__(self, groups: Any, again: Again, of: str) -> None:
        self._groups, self._again, self._of = groups, again, of

    def __iter__(self) -> Iterator[Any]:
        """Yield each group, as polars does."""
        return iter(self._groups)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._groups, name)
        if not callable(found):
            return found

        def run(*args: Any, **given: Any) -> Any:
            made = found(*args, **given)
            if isinstance(made, pl.DataFrame):
                return self._again(made, self._of)
            return Groups(made, self._again, self._of) if name == "having" else made

        return run
