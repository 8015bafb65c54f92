"""Loops over groups of dense numbers: who is tied to whom, what stands twice, rows by owner.

They are written so that they run compiled, over arrays, and uncompiled, over lists, and give the
same; nothing in them makes an array. :mod:`chainwatch.kernels.graphs.groups` makes the room they
need and says what it means.
"""

from __future__ import annotations

from typing import Any

GAPS = (1750, 701, 301, 132, 57, 23, 10, 4, 1)
"""Steps of a Shell sort, after Ciura 2001; written where it is used: compiled loops call none of
ours."""

BOUND, UNREAD, PARTIAL, SHARED, LOOSE = range(5)
"""How a member is tied to its group: the strongest tie first; the loose bind nobody."""

TIED, OPEN, SHOWN, OF_TWO, SKIPPED = 1, 2, 4, 8, 16
"""Marks of a member: it binds the whole group, or leaves room; is only shown; is of two; left out.
"""

SOME_SHOWN, PARTED = 8, 16
"""What is told of a tie besides its strength: an end is only shown; a member leaves room."""


def stars(
    begin: Any, member: Any, marks: Any, none: int, rank: Any, asked: Any, loose: Any, room: Any,
    a: Any, b: Any, group: Any, tie: Any,
) -> int:  # fmt: skip
    """Tie the members of each group to one of them; return how many ties."""
    ties = 0
    for one in range(len(begin) - 1):
        if begin[one + 1] - begin[one] < 2 or (len(asked) > 0 and asked[one] == 0):
            continue
        count = 0
        for row in range(begin[one], begin[one + 1]):
            if member[row] != none and marks[row] & 16 == 0:
                room[count] = rank[member[row]] * 16 + (marks[row] ^ 4)
                count += 1
        if count < 2:
            continue
        for gap in GAPS:
            for place in range(gap, count):
                moved, k = room[place], place
                while k >= gap and room[k - gap] > moved:
                    room[k] = room[k - gap]
                    k -= gap
                room[k] = moved
        different = 1
        for place in range(1, count):
            if room[place] >> 4 == room[different - 1] >> 4:
                room[different - 1] |= room[place] & 15  # what any of its rows shows
            else:
                room[different] = room[place]
                different += 1
        if different < 2:
            continue
        first, strongest, parted = -1, 4, 0
        for place in range(different):
            # The marks of a member become its tie, from bound to loose.
            bits = room[place] & 15
            kind = 0 if bits & 1 else 2 if bits & 2 else 1
            if bits & 8:
                kind = 3
            if loose[room[place] >> 4]:
                kind = 4
            room[place] = (room[place] >> 4 << 4) + kind + (0 if bits & 4 else 8)
            if kind < strongest:
                first, strongest = place, kind
            if kind == 2:
                parted = 16
        if first < 0:
            continue
        for place in range(different):
            if place != first:
                a[ties] = room[min(place, first)] >> 4
                b[ties] = room[max(place, first)] >> 4
                weaker = max(room[place] & 7, room[first] & 7)
                shown = (room[place] | room[first]) & 8
                group[ties], tie[ties] = one, weaker + shown + parted
                ties += 1
    return ties


def repeated(begin: Any, value: Any, above: int, groups: Any, room: Any, found: Any) -> None:
    """Mark the groups in which a value above a bound stands twice."""
    for at in range(len(groups)):
        one = groups[at]
        count = 0
        for row in range(begin[one], begin[one + 1]):
            if value[row] > above:
                room[count] = value[row]
                count += 1
        for gap in GAPS:
            for place in range(gap, count):
                moved, k = room[place], place
                while k >= gap and room[k - gap] > moved:
                    room[k] = room[k - gap]
                    k -= gap
                room[k] = moved
        found[at] = 0
        for k in range(1, count):
            if room[k] == room[k - 1]:
                found[at] = 1
                break


def listed(owner: Any, none: int, begin: Any, fill: Any, rows: Any) -> None:
    """Write the rows of each owner side by side."""
    for row in range(len(owner)):
        if owner[row] != none:
            begin[owner[row] + 1] += 1
    for one in range(len(fill)):
        fill[one] = begin[one]
        begin[one + 1] += begin[one]
    for row in range(len(owner)):
        one = owner[row]
        if one != none:
            rows[fill[one]] = row
            fill[one] += 1
