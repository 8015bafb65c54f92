"""What a source can be given: its own constructor's parameters, as everybody else reads them.

The command line, the case file, its schema and the documentation are made of what stands here. It
is read from the constructor: the annotation says what a value is, the text under *Parameters* in
the docstring of the class says what it does. Where an annotation cannot say enough, the marks of
this module stand beside it in ``typing.Annotated``.
"""

from __future__ import annotations

import builtins
import inspect
import types
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from chainwatch.errors import InputError
from chainwatch.sources.documentation import parameter_texts

Kind = Literal[
    "text", "path", "integer", "number", "flag", "heights", "bytes", "choice", "table", "unknown"
]
"""What one value is; *heights* are a span A:B, *bytes* are hexadecimal, a *table* has a file."""


@dataclass(frozen=True)
class Argument:
    """On the command line it stands in its place, without a name of its own."""


@dataclass(frozen=True)
class Option:
    """The name that the command line has for it, such as ``--header`` or ``--tls/--plain``."""

    flag: str


@dataclass(frozen=True)
class AtLeast:
    """A number below this one makes no sense."""

    least: int


@dataclass(frozen=True)
class Secret:
    """It is never written out: what stands there is where it is kept, ``env:`` or ``keyring:``.

    Attributes
    ----------
    user : str
        The parameter with the user that a keyring is asked for; its own name, if not given.
    looked_up : bool
        The source itself takes the place and looks there when it needs the secret.
    """

    user: str = ""
    looked_up: bool = False


@dataclass(frozen=True)
class Asked:
    """Whom the source asks: a web address, or a host whose port is the parameter named here."""

    port: str = ""


@dataclass(frozen=True)
class Addresses:
    """Whose histories are read: listed, in a file, or all addresses of an extended public key."""


@dataclass(frozen=True)
class Wanted:
    """It says what is to be read; where none of these is given, there is nothing to read."""


@dataclass(frozen=True)
class Grows:
    """What it names grows while it lies there, so that it can be read again and again."""


@dataclass(frozen=True)
class OnlyInPython:
    """Neither the command line nor a case file can give it: a clock, a transport of a test."""


Mark = TypeVar(
    "Mark", Argument, Option, AtLeast, Secret, Asked, Addresses, Wanted, Grows, OnlyInPython
)

_SPAN = tuple[int, int | None]
_SINGLE: dict[object, Kind] = {
    bool: "flag", Path: "path", str: "text", float: "number", int: "integer", bytes: "bytes",
    _SPAN: "heights",
}  # fmt: skip
"""What a type is; of several that one parameter takes, the first of this list counts."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a source.

    Attributes
    ----------
    name : str
        As in the constructor.
    kind : str
        What one value is.
    several, keyed : bool
        It is a list of such values, or a table of names with such values.
    required : bool
        There is no default.
    default : object
        What the constructor takes where nothing is given.
    help : str
        What the docstring says of it.
    choices : tuple of str
        The words to choose among.
    table : type or None
        The class of a table; it has ``load(path)``.
    marks : tuple
        What stands beside its annotation.
    """

    name: str
    kind: Kind
    several: bool = False
    keyed: bool = False
    required: bool = False
    default: Any = None
    help: str = ""
    choices: tuple[str, ...] = ()
    table: Any = None
    marks: tuple[object, ...] = ()

    def mark(self, kind: type[Mark]) -> Mark | None:
        """Return the mark of a kind, or None."""
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)


class _Unloaded:
    """Stands for a name that only a type checker loads; whatever is made of it is unknown."""

    def __getattr__(self, name: str) -> _Unloaded:
        if name.startswith("__"):  # what Python itself looks for: it is not there
            raise AttributeError(name)
        return self

    def __or__(self, _: object) -> _Unloaded:
        return self

    __ror__ = __getitem__ = __or__


class _Names(dict[str, object]):
    """Names of an annotation: what the module lacks is unloaded, and no error."""

    def __init__(self, known: Collection[str]) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, name: str) -> object:
        if name in self._known or hasattr(builtins, name):
            raise KeyError(name)
        return _Unloaded()


def parameters_of(source: type) -> tuple[Parameter, ...]:
    """Return the parameters of a source, in the order of its constructor.

    Raises
    ------
    InputError
        If one is of a type that cannot be written down and is not :class:`OnlyInPython`.
    """
    maker = inspect.unwrap(source.__init__)  # type: ignore[misc]  # of the class, not of an object
    names = _Names(getattr(maker, "__globals__", {}))
    hints = inspect.get_annotations(maker, locals=names, eval_str=True)
    texts = parameter_texts(inspect.getdoc(source) or "")
    _, *given = inspect.signature(maker).parameters.values()
    return tuple(_parameter(item, hints.get(item.name), texts, source) for item in given)


def _parameter(
    item: inspect.Parameter, hint: object, texts: Mapping[str, str], source: type
) -> Parameter:
    annotation, marks = _apart(hint)
    said = _said(annotation)
    in_python = any(isinstance(mark, OnlyInPython) for mark in marks)
    if not in_python and (said["kind"] == "unknown" or _unnamed(item)):
        raise InputError(
            f"the parameter {item.name!r} of {source.__name__} cannot be written as text",
            remedy="annotate it with str, Path, int, float, bool, bytes, a Literal, a list of "
            "these, a span of heights or a class with load(path), or mark it OnlyInPython()",
        )
    required = item.default is inspect.Parameter.empty
    default = None if required else item.default
    text = texts.get(item.name, "")
    return Parameter(item.name, required=required, default=default, help=text, marks=marks, **said)


def _unnamed(item: inspect.Parameter) -> bool:
    return item.kind not in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)


def _apart(hint: object) -> tuple[object, tuple[object, ...]]:
    """Return the bare annotation and the marks that stand beside it."""
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        return bare, tuple(marks)
    return hint, ()


def _members(annotation: object) -> list[object]:
    union = get_origin(annotation) in (Union, types.UnionType)
    found = get_args(annotation) if union else (annotation,)
    return [member for member in found if member is not type(None)]


def _said(annotation: object) -> dict[str, Any]:
    """Return what an annotation says of a value, as fields of :class:`Parameter`."""
    members = _members(annotation)
    for member in members:
        origin, inner = get_origin(member), get_args(member)
        if _is_list(member):
            return {**_one(_members(inner[0])), "several": True}
        if isinstance(origin, type) and issubclass(origin, Mapping) and inner[:1] == (str,):
            return {**_one(_members(inner[1])), "keyed": True}
    return _one(members)


def _is_list(member: object) -> bool:
    origin, inner = get_origin(member), get_args(member)
    if not isinstance(origin, type) or issubclass(origin, Mapping):
        return False
    if origin is tuple:
        return len(inner) == 2 and inner[1] is ...
    return issubclass(origin, Iterable) and len(inner) == 1


def _one(members: list[object]) -> dict[str, Any]:
    for member in members:
        if get_origin(member) is Literal and all(isinstance(w, str) for w in get_args(member)):
            return {"kind": "choice", "choices": get_args(member)}
    for known, kind in _SINGLE.items():
        if known in members:
            return {"kind": kind}
    for member in members:
        if isinstance(member, type) and callable(getattr(member, "load", None)):
            return {"kind": "table", "table": member}
    return {"kind": "unknown"}
