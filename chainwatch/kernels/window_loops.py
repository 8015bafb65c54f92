"""Loops over windows of time: who stands in each, and who stands nowhere else.

They are written so that they run compiled, over arrays, and uncompiled, over lists, and give the
same; nothing in them makes an array.
"""

from __future__ import annotations

from typing import Any


def windows(
    begin: Any, clock: Any, other: Any, again: Any, span: int, seen: Any, end: Any, different: Any,
    only: Any,
) -> None:  # fmt: skip
    """Look at the window that begins at each row of each list, and that lasts ``span``.

    ``seen`` is room, all zeros: how often each other stands in the window at hand.
    """
    for one in range(len(begin) - 1):
        row, stop = begin[one], begin[one + 1]
        last, there, alone = row, 0, 0
        for first in range(row, stop):
            while last < stop and clock[last] - clock[first] <= span:
                who = other[last]
                if who >= 0:
                    seen[who] += 1
                    if seen[who] == 1:
                        there += 1
                    if seen[who] == again[last]:
                        alone += 1
                last += 1
            end[first], different[first], only[first] = last, there, alone
            who = other[first]
            if who >= 0:
                if seen[who] == again[first]:
                    alone -= 1
                seen[who] -= 1
                if seen[who] == 0:
                    there -= 1
