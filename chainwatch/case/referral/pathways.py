"""Support pathways as the user gives them: who helps, how to reach them, when, in what language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from chainwatch.errors import InputError, refuse

LONGEST, MOST = 300, 60
"""Characters of a field, and pathways of a sheet."""

LARGEST = 1 << 20


@dataclass(frozen=True)
class Pathway:
    """One way to support.

    Attributes
    ----------
    name : str
        Who helps, as they call themselves.
    contact : str
        How to reach them.
    hours : str
        When.
    languages : str
        In which languages.
    offers : str
        What they do, if it is said.
    cost : str
        What it costs, if it is said.
    """

    name: str
    contact: str
    hours: str
    languages: str
    offers: str = ""
    cost: str = ""


_FIELDS = tuple(one.name for one in fields(Pathway))
_REQUIRED = ("name", "contact", "hours", "languages")


def read_pathways(given: Path | str | Sequence[Mapping[str, Any]]) -> tuple[Pathway, ...]:
    """Return pathways of a TOML file, with a table ``[[pathway]]`` each, or of dictionaries.

    Raises
    ------
    InputError
        If there are none or too many, or one lacks a field or has one that is not known.
    """
    where = "pathways"
    if isinstance(given, (str, Path)):
        where, rows = str(given), _read(Path(given))
    elif isinstance(given, Sequence):
        rows = list(given)
    else:
        refuse(given, "pathways", "name a TOML file, or pass dictionaries")
    if not 1 <= len(rows) <= MOST:
        raise InputError(
            f"{len(rows)} pathways", where=where, remedy=f"give 1 to {MOST}, a [[pathway]] each"
        )
    return tuple(_pathway(row, f"{where}, pathway {n}") for n, row in enumerate(rows, 1))


def _read(file: Path) -> list[Any]:
    if not file.is_file() or file.stat().st_size > LARGEST:
        raise InputError("no file of pathways", where=str(file), remedy="name a TOML file")
    try:
        said = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            "the pathways cannot be read", where=str(file), remedy="write TOML: [[pathway]]"
        ) from error
    rows = said.get("pathway", [])
    if set(said) - {"pathway"} or not isinstance(rows, list):
        raise InputError(
            "the file holds other things than pathways", where=str(file),
            remedy="write [[pathway]] tables alone",
        )  # fmt: skip
    return rows


def _pathway(row: object, where: str) -> Pathway:
    if not isinstance(row, Mapping):
        raise InputError("a pathway is no table", where=where, remedy="write [[pathway]]")
    texts = {key: _joined(value) for key, value in row.items()}
    odd = sorted(str(key) for key in set(texts) - set(_FIELDS))
    lacks = [one for one in _REQUIRED if not (texts.get(one) or "").strip()]
    if odd or lacks:
        raise InputError(
            f"a pathway lacks {', '.join(lacks)}" if lacks else f"{odd[0]!r:.40} is no field",
            where=where, remedy=f"write {', '.join(_FIELDS)}",
        )  # fmt: skip
    for key, value in texts.items():
        if value is None or len(value) > LONGEST:
            raise InputError(
                f"{key} is no text of up to {LONGEST} characters", where=where, remedy="shorten it"
            )
    return Pathway(**{key: str(value).strip() for key, value in texts.items()})


def _joined(value: object) -> str | None:
    """Return a text, or a list of texts joined; None for anything else."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else None


__all__ = ["Pathway", "read_pathways"]
