"""The JSON Schema of a case file, so that an editor can complete its keys and mark what is wrong.

It is made of the models and of the catalogue, with the sources that others registered. As
``case.schema.json`` it lies beside this module, without those.
"""

from __future__ import annotations

import json
from typing import Any

from chainwatch.case.analyses import questions
from chainwatch.case.file.model import case_model
from chainwatch.case.file.source_tables import kinds
from chainwatch.sources.documentation import parameter_texts

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:chainwatch:case-file"
"""What the schema calls itself: a name, and no address that an editor would ask."""

LEAST: dict[str, Any] = {
    "case": {"name": "mine", "title": "My case", "question": "Where did it go?"},
    "sources": [{"kind": "ledger", "path": "ledger"}],
    "subjects": {"chain": "btc", "addresses": ["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"]},
}
"""The least case file there can be."""


def case_schema() -> dict[str, Any]:
    """Return the schema of a case file, as plain data; every source of the catalogue is loaded.

    Fails when
    ----------
    What only several keys together decide, such as how subjects are named, is not in it, nor is
    what a path or an address must be: a file that fits may still be refused.
    """
    model = case_model(tuple(kinds()), questions.lines)
    made: dict[str, Any] = _without_null(model.model_json_schema())
    for defined in made["$defs"].values():
        _describe(defined)
    return {"$schema": DIALECT, "$id": ID, **made, "title": "A case file of chainwatch",
            "examples": [LEAST]}  # fmt: skip


def schema_text() -> str:
    """Return the schema as it is shipped and printed."""
    return json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(defined: dict[str, Any]) -> None:
    """Let each key say what it means where the table tells it in a list of its keys."""
    told = str(defined.get("description", ""))
    if "Attributes\n---" not in told:
        return
    meant = parameter_texts(told)
    for name, one in defined.get("properties", {}).items():
        if name in meant:
            one.setdefault("description", meant[name])
    defined["description"] = told.partition("\n\n")[0]


def _without_null(schema: Any) -> Any:
    """Return a schema without null, which TOML does not have: what is not given is left out."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if value is not None}
    ways = [way for way in kept.get("anyOf", []) if way != {"type": "null"}]
    if len(ways) == 1:
        del kept["anyOf"]
        return {**ways[0], **kept}
    return {**kept, "anyOf": ways} if ways else kept
