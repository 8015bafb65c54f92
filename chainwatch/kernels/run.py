"""Run a loop: compiled where numba is installed, as plain Python where it is not, the same result.

Numba is imported, and its half a second spent, when the first loop is run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np


def available() -> bool:
    """Say whether the compiled loops can be had: numba is installed."""
    return find_spec("numba") is not None


def run(loop: Callable[..., Any], compiled: bool | None, *arguments: Any) -> Any:
    """Run a loop over arrays, or over lists whose contents are then the arrays'.

    Parameters
    ----------
    loop : callable
        A loop of ours that makes no array.
    compiled : bool or None
        Compile it; None where numba is installed.
    *arguments
        What the loop takes; arrays that can be written hold afterwards what it wrote.
    """
    if available() if compiled is None else compiled:
        return _compiled(loop)(*arguments)
    arrays = [isinstance(one, np.ndarray) for one in arguments]
    lists = [one.tolist() if array else one for one, array in zip(arguments, arrays, strict=True)]
    answer = loop(*lists)
    for one, array, changed in zip(arguments, arrays, lists, strict=True):
        if array and one.flags.writeable:  # what is not is only read
            one[:] = changed
    return answer


@functools.cache
def _compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    from chainwatch.kernels.jit import compiled

    return compiled(loop)
