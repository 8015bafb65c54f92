"""What of a case file does not fit, in one sentence: table, key, and what to write there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from chainwatch.case.file.lines import Place, Written
from chainwatch.errors import CaseError
from chainwatch.sanitize import clipped

_YAML = re.compile(r"(?:---|-\s|[\w\"'.-]+\s*:(?:\s|$))")
_IN_TOML = 'a case file is TOML: [case], below it name = "mine", and so on; '

_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_TWICE = re.compile(r"Cannot declare \('([^']*)',\) twice")
_NO_DAY = "write a day that there is, as 2022-03-07, and a time as 2022-03-07T10:00:00Z"

_MARK = re.compile(r"(?:[a-z]+-)*[a-z]+(?:\[.*\])?")
"""How pydantic calls a type among several that a value may be of."""

LONGEST_SHOWN = 60
"""Characters of a key or value that are repeated."""

_EXAMPLES = "see examples/ for a whole case file"

_TABLES = {
    "case": '[case] with name = "mine", title = "My case" and question = "Where did it go?"',
    "sources": '[[sources]] with kind = "block-files", paths = ["blk00000.dat"] and chain = "btc"',
    "subjects": '[subjects] with chain = "btc" and addresses = ["..."]',
}
"""What to write of the tables that every case file has."""

_WRITE = {
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number, without quotes",
    "string_type": "write a text in quotes",
    "bool_type": "write true or false",
    "too_short": "give at least one",
}
"""What to write instead, by the kind of misfit."""


def not_toml(text: str, said: str, name: str) -> CaseError:
    """Return the error that says what a file is that TOML refuses, and what to write.

    Parameters
    ----------
    text : str
        The file.
    said : str
        Why TOML refuses it, with line and column.
    name : str
        What errors call the file.
    """
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and line[0] not in "#%"), "")
    if first.startswith("{"):
        return CaseError("this is JSON, and no case file", where=name, remedy=_IN_TOML + _EXAMPLES)
    if _YAML.match(first):
        pack = any(line.startswith("tags:") for line in lines)
        tags = "a TagPack is named in the case file, under [[tags]]; " if pack else ""
        return CaseError(
            "this is YAML, and no case file", where=name, remedy=tags + _IN_TOML + _EXAMPLES
        )
    found = _AT_LINE.search(said)
    why = said[: found.start()] if found else said
    last = len(text.splitlines())
    line = f" line {found[1] or last}" if found else ""
    if twice := _TWICE.match(why):
        why = f"the table [{twice[1]}] stands there twice"
    remedy = _NO_DAY if why.startswith("Invalid date") else _EXAMPLES
    what = f"the case file cannot be read as TOML: {why[:1].lower()}{why[1:]}"
    return CaseError(what, where=f"{name}{line}", remedy=remedy)


def misfit(
    errors: Sequence[Mapping[str, Any]], case: type[BaseModel], written: Written,
    more: Sequence[str] = (),
) -> CaseError:  # fmt: skip
    """Return the error that says what to mend first.

    A key that is not known comes before one that is missing: it may be the missing one misspelt.

    Parameters
    ----------
    errors : sequence of mapping
        What pydantic found.
    case : type
        The model that the file did not fit.
    written : Written
        The file.
    more : sequence of str
        Tables that the model does not have, and that a case file may.
    """
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    place, models = _walk(case, first["loc"])
    if key := getattr(first.get("ctx", {}).get("error"), "key", ""):
        place = (*place, key)
    beside = more if len(place) == 1 else ()
    what, remedy = _sentence(first, place, models, beside)
    if first["type"] == "missing" and len(place) == 1 and written.text:
        remedy += f", behind line {len(written.text.splitlines())}"
    return CaseError(what, where=written.at(*place), remedy=remedy)


def _walk(case: type[BaseModel], loc: Place) -> tuple[Place, list[type[BaseModel]]]:
    """Return the place without pydantic's own marks, and the models its last key may be of."""
    place: list[str | int] = []
    holders, models, several = [case], [case], False
    for part in loc:
        if isinstance(part, int):
            place.append(part)
        elif place and isinstance(place[-1], int) and (chosen := _of_kind(models, part)):
            models = chosen
        else:
            if several and _MARK.fullmatch(part):
                continue
            place.append(part)
            holders = models
            found = [item.model_fields[part] for item in models if part in item.model_fields]
            models = [model for field in found for model in _models(field.annotation)]
            several = not models and any(_of_several(field.annotation) for field in found)
    return tuple(place), holders


def _of_several(annotation: object) -> bool:
    """Tell whether a value may be of several types: pydantic says which of them it tried."""
    of = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    return len(set(of) - {type(None)}) > 1


def _of_kind(models: Sequence[type[BaseModel]], kind: str) -> list[type[BaseModel]]:
    """Return the models of a kind: pydantic names the one it chose by it."""
    fields = [(model, model.model_fields.get("kind")) for model in models]
    return [model for model, field in fields if field and kind in get_args(field.annotation)]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _table(place: Place) -> str:
    """Return a table as it is written in the file: ``[follow]``, ``[[sources]] number 2``."""
    names = ".".join(str(part) for part in place if isinstance(part, str))
    numbers = [part + 1 for part in place if isinstance(part, int)]
    if not names:
        return "the case file"
    named = clipped(names, LONGEST_SHOWN)
    listed = bool(place) and isinstance(place[-1], int)
    table = f"[[{named}]]" if listed else f"[{named}]"
    return f"{table} number {numbers[0]}" if numbers else table


def _sentence(
    error: Mapping[str, Any], place: Place, models: Sequence[type[BaseModel]], beside: Sequence[str]
) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    at = max((n for n, part in enumerate(place) if isinstance(part, str)), default=0)
    key, table = clipped(place[at] if place else "", LONGEST_SHOWN), _table(place[:at])
    if kind == "extra_forbidden":
        return f"unknown key {key!r} in {table}", _meant(key, models, beside)
    if kind == "missing":
        return _lacking(key, table, models)
    if kind in ("value_error", "rule"):
        told = context.get("said" if kind == "rule" else "error", "")
        said, _, advice = str(told).rstrip(".").partition("; ")
        return f"{_named(key, table)} does not fit: {said}", advice or _EXAMPLES
    shown = clipped(_as_written(error["input"]), LONGEST_SHOWN)
    return f"{_named(key, table)} is {shown}", _instead(error, key)


def _lacking(key: str, table: str, models: Sequence[type[BaseModel]]) -> tuple[str, str]:
    """Return what is missing, and what to write there."""
    if table == "the case file" and key in _TABLES:
        return f"{table} lacks {key!r}", f"write {_TABLES[key]}"
    field = next((one.model_fields[key] for one in models if key in one.model_fields), None)
    if field is None:
        return f"{table} lacks {key!r}", _EXAMPLES
    if any(_models(field.annotation)):
        above = table.strip("[").partition("]")[0]
        return f"{table} lacks {key!r}", f"write a table: [{above}.{key}]"
    told = (field.description or "").partition(". ")[0].rstrip(".")
    meant = f" ({told[:1].lower()}{told[1:]})" if told else ""
    return f"{table} lacks {key!r}", f"write {key} = {_example(field.annotation)}{meant}"


def _example(annotation: object) -> str:
    """Return a value of a type as a case file writes it."""
    of = [one for one in get_args(annotation) if one is not type(None)]
    match get_origin(annotation):
        case found if found in (Union, UnionType):
            return _example(of[0])
        case found if found is Annotated:
            return _example(of[0])
        case found if found is Literal:
            return _as_written(of[0]).replace("'", '"')
        case found if found in (tuple, list):
            return f"[{_example(of[0])}]"
        case found if found is dict:
            return "{ ... }"
    known = {bool: "true", int: "1", float: "0.5", date: "2022-03-07"}
    return known.get(annotation, '"..."') if isinstance(annotation, type) else '"..."'


def _as_written(value: object) -> str:
    """Return a value as a case file writes it; a table is called one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_written, value))}]"
    return repr(value)


def _named(key: str, table: str) -> str:
    return f"[{key}]" if table == "the case file" else f"{key!r} in {table}"


def _meant(key: str, models: Sequence[type[BaseModel]], beside: Sequence[str]) -> str:
    known = [name for model in models for name in model.model_fields]
    known += [name for name in beside if name not in known]
    close = get_close_matches(key, known, n=1)
    return f"perhaps {close[0]!r} is meant" if close else f"the keys there are {', '.join(known)}"


def _or(context: Mapping[str, Any]) -> str:
    return str(context.get("expected")).replace("', '", "' or '").replace("'", '"')


def _instead(error: Mapping[str, Any], key: str) -> str:
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind.startswith(("date", "time")):
        return "write a day as 2022-03-07"
    if kind == "literal_error":
        return f"write {_or(context)}"
    if kind == "string_pattern_mismatch":
        return "write small letters and digits" + (", - and _" if "_-" in str(context) else "")
    if kind == "tuple_type":
        tables = isinstance(error["input"], dict)
        return f"write [[{key}]], in two brackets" if tables else 'write a list, such as ["one"]'
    if kind == "model_type":
        return f"write a table: [{key}]"
    said = str(error["msg"]).replace("Input should be", "it should be")
    return _WRITE.get(kind) or clipped(said, 2 * LONGEST_SHOWN)
