"""Keys of ``[case]`` on its exports: in which formats it is written, and what they must be told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticKnownError

from chainwatch.case.exports.catalogue import registry
from chainwatch.case.exports.goaml_settings import GoamlSettings
from chainwatch.case.file.keys import OfKey


def _known_export(name: str) -> str:
    names = registry.names()
    if name not in names:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, names))})
    return name


def _with_names(schema: dict[str, Any]) -> None:
    schema["enum"] = registry.names()


ExportNames = Annotated[
    tuple[Annotated[str, AfterValidator(_known_export), Field(json_schema_extra=_with_names)], ...],
    Field(description="In which formats editions are written, beside report and figures."),
]
"""Names of the catalogue of exports."""

GoamlTable = Annotated[
    GoamlSettings | None,
    Field(description="What a goAML report needs and no chain says: `[case.goaml]`."),
]
"""Settings of a goAML report."""


def check_told(exports: Collection[str], goaml: GoamlSettings | None) -> None:
    """Refuse exports that are not told what no chain says, before anything is computed.

    Raises
    ------
    ValueError
        In one sentence.
    """
    if "goaml" in exports and goaml is None:
        raise OfKey(
            "a goAML report needs what no chain says; give [case.goaml] with rentity_id,"
            " currency_code_local and indicators",
            "exports",
        )


def settings_of(goaml: GoamlSettings | None) -> dict[str, Any]:
    """Return what exports must be told, by their names."""
    return {"goaml": goaml} if goaml is not None else {}
