"""``read_change_model``: a model out of its file, checked number by number and by its digest.

The file is JSON of numbers and texts. Nothing in it is executed, and what does not add up to the
digest that it states is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn

from polars.exceptions import PolarsError

from chainwatch.change_models.measure import MEASURED
from chainwatch.change_models.model import FORMAT, ChangeModel
from chainwatch.change_models.trees import Thresholds, Trees, rows_of
from chainwatch.errors import InputError, expect
from chainwatch.packed import file_bytes

_KEYS = {"format", "digest", "thresholds", "terms", "measured", "trees"}

_BRANCHES = 5
"""Numbers of a node: feature, at_most, low, high, share."""


def read_change_model(path: PurePath | str) -> ChangeModel:
    """Return the model that ``ChangeModel.write`` wrote into a file.

    Parameters
    ----------
    path : path
        The file, packed or not.

    Raises
    ------
    InputError
        If it is no such file, its trees are none, or its content has another digest than it states.

    Fails when
    ----------
    The file was replaced together with its digest: note the digest where a case is decided.
    """
    expect(path, (str, PurePath), "path", "pass the name of the file")
    name = str(path)
    if not Path(path).is_file():
        raise InputError("there is no such file", where=name, remedy="name a written model")
    said = _json(file_bytes(Path(path), name), name)
    try:
        thresholds = Thresholds(**said["thresholds"])
        trees = Trees(rows_of(_nodes(said["trees"])))
        measured = MEASURED.frame(tuple(row) for row in said["measured"])
        model = ChangeModel(MEASURED.conform(measured), trees, thresholds, said["terms"])
        digest = model.digest
    except (TypeError, ValueError, KeyError, OverflowError, PolarsError) as error:
        _refuse(f"its content does not fit: {error}", name, error)
    if digest != said["digest"]:
        _refuse(f"its content has the digest {digest}, and it states {said['digest']!r:.80}", name)
    return model


def _json(data: bytes, name: str) -> Mapping[str, Any]:
    """Return what a file holds, which must be an object with the keys of a model."""
    try:
        said = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _refuse("it is no JSON", name, error)
    if not isinstance(said, dict) or said.get("format") != FORMAT or set(said) != _KEYS:
        _refuse(f"it is not of the format {FORMAT!r}", name)
    if not isinstance(said["terms"], dict):
        _refuse("its terms are no table", name)
    return said


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _nodes(trees: Any) -> list[list[tuple[int, ...]]]:
    """Return nodes as whole numbers; a truth value is none."""
    found = [[tuple(row) for row in tree] for tree in trees]
    for tree in found:
        for row in tree:
            if len(row) != _BRANCHES or any(type(number) is not int for number in row):
                raise ValueError("a node is not five whole numbers")
    return found


def _refuse(what: str, name: str, cause: Exception | None = None) -> NoReturn:
    raise InputError(
        f"the change model cannot be read: {what}", where=name,
        remedy="take the file as it was written, or fit the model anew",
    ) from cause  # fmt: skip
