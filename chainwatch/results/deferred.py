"""Values that are made when they are first asked for: digests of large results, and their frames.

A frozen dataclass that derives from :class:`Deferring` takes a :class:`Deferred` for any field
without a default; whoever reads the field gets the value, which is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

T = TypeVar("T")

_HELD = "_deferred"


class Deferred(Generic[T]):
    """A value that is made when it is first asked for, once; what it was made of is then let go.

    Whoever hands one out sees to it that the value is the same whenever it is made: it may rest on
    nothing that can be changed meanwhile.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._lock = Lock()
        self._value: T

    def get(self) -> T:
        """Return the value."""
        with self._lock:
            if self._make is not None:
                self._value, self._make = self._make(), None
        return self._value

    def __reduce__(self) -> tuple[Any, ...]:
        return _given, (self.get(),)  # what is kept or sent elsewhere is the value


def _given(value: T) -> Deferred[T]:
    return Deferred(lambda: value)


class Deferring:
    """Base of frozen dataclasses whose fields may be given as :class:`Deferred`.

    They call :meth:`put_off` in ``__post_init__``.
    """

    def put_off(self) -> None:
        """Set aside the fields that are given as deferred, so that reading one makes it."""
        mine = vars(self)
        later = {name: value for name, value in mine.items() if isinstance(value, Deferred)}
        for name in later:
            del mine[name]
        if later:
            mine[_HELD] = later

    def deferred(self, name: str) -> bool:
        """Tell whether a field was put off and nobody has asked for it yet."""
        return name not in vars(self) and name in vars(self).get(_HELD, {})

    if not TYPE_CHECKING:  # a type checker is to see the fields, and no others

        def __getattr__(self, name: str) -> Any:
            held = vars(self).get(_HELD, {})
            if name not in held:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            value = vars(self)[name] = held[name].get()
            return value
