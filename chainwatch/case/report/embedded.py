"""The data that a report carries within it: tables behind its exhibits, digests, the lineage.

``results.json`` and ``lineage.json`` are written into the folder before the report is made, and the
report embeds them as they lie there, with the CSV of every exhibit. The manifest is written last:
it lists the report and these files, and the report embeds no manifest, so that no digest is of
itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainwatch.case.record import CaseRecord
from chainwatch.case.report.elements import CaseDocument, Embedded, Section
from chainwatch.case.seal import FORMAT, pretty
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.privacy.roles import sealed
from chainwatch.results.provenance import digest_bytes

RESULTS, LINEAGE = "results.json", "lineage.json"

MIME = {".csv": "text/csv", ".json": "application/json"}
"""Types of the files that are embedded, by their ending."""

WHAT = (
    Embedded(RESULTS, "Results: their digests"),
    Embedded(LINEAGE, "Lineage: how each result came about, with all parameters"),
)


def embed(document: CaseDocument, case: CaseRecord, view: MaskedView, folder: Path) -> CaseDocument:
    """Write the data that a report embeds into the case's folder, and name it in the document.

    Parameters
    ----------
    document : CaseDocument
        The report, as the edition says it.
    case : CaseRecord
        Whose results and lineage are written.
    view : MaskedView
        Its edition.
    folder : Path
        Where its tables lie already.
    """
    for name, data in _written(case, view).items():
        (folder / name).write_bytes(pretty(view.text.plain(data)))
    tables = tuple(
        Embedded(path, caption)
        for path, caption in dict(_tables(document.sections)).items()
        if (folder / path).is_file()
    )
    return replace(document, embedded=tuple(_sealed(one, folder) for one in (*tables, *WHAT)))


def _sealed(one: Embedded, folder: Path) -> Embedded:
    return replace(one, sha256=digest_bytes((folder / one.path).read_bytes()))


def _tables(sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
    for section in sections:
        for table in section.tables:
            if table.exhibit and table.file:
                yield f"tables/{table.file}.csv", f"Exhibit {table.exhibit}: {table.caption}"


def _written(case: CaseRecord, view: MaskedView) -> dict[str, dict[str, Any]]:
    edition = view.edition
    head = {"format": FORMAT, "case": case.name, "edition": edition.name}
    told = [(result, note, edition.digest(result.digest)) for result, note in case.results]
    return {
        RESULTS: {
            **head,
            "results": [
                {"what": result.called, "note": note, "content": digest}
                for result, note, digest in told
            ],
        },
        LINEAGE: {
            **head,
            "lineage": [
                {"content": digest, "record": sealed(result.record.as_dict(), edition)}
                for result, _, digest in told
                if result.record
            ],
        },
    }
