"""How often a host is asked: a pace that all connections of the process to it keep together."""

from __future__ import annotations

import threading
import time

from chainwatch.errors import InputError


class Pace:
    """When a host may be asked next."""

    def __init__(self) -> None:
        self._lock, self._next = threading.Lock(), 0.0

    def wait(self, per_second: float) -> None:
        """Sleep until it is this question's turn; the next one's is ``1 / per_second`` later."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / per_second
        if turn > now:
            time.sleep(turn - now)


_paces: dict[str, Pace] = {}


def pace(host: str) -> Pace:
    """Return the pace of a host, the same for all that ask it."""
    return _paces.setdefault(host, Pace())


def checked_rate(per_second: float | None, *, own: bool, third_party: float) -> float | None:
    """Return how many questions a second a host is asked; None means without a limit.

    Parameters
    ----------
    per_second : float, optional
        What the user asked for; not given, one's own host has no limit.
    own : bool
        The host is the user's own.
    third_party : float
        Questions a second to any other host, if nothing was asked for.

    Raises
    ------
    InputError
        If it is no number above zero.
    """
    if per_second is None:
        return None if own else third_party
    if not per_second > 0:  # NaN is not above zero either
        raise InputError(
            f"{per_second} questions a second is no pace",
            remedy="give a number above 0, such as 0.5 for one question in two seconds, or none "
            "to leave it as it is",
        )
    return per_second
