"""A case: results in the order in which they were found, why, and the files that leave the desk."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from chainwatch.case import masking
from chainwatch.case.document import document
from chainwatch.case.exports import EXPORTS, write_exports
from chainwatch.case.exports.tables import write_tables
from chainwatch.case.finding import Finding
from chainwatch.case.log import Log
from chainwatch.case.place import absolute, check_free, write_whole
from chainwatch.case.report import render_html, render_pdf
from chainwatch.case.roles import sealed
from chainwatch.case.seal import LOG, write_seal
from chainwatch.case.sections import brought
from chainwatch.errors import CaseError, MissingExtra
from chainwatch.figures.traced import FlowFigure
from chainwatch.ledger.ledger import Ledger
from chainwatch.legible import visible
from chainwatch.provenance import Result, digest_result
from chainwatch.triage.desk import opened
from chainwatch.triage.hidden import parties
from chainwatch.triage.privacy import DISCLOSURE, Edition, Party, annex
from chainwatch.triage.spoken import Spoken

NOTHING = "0" * 64
"""Content digest of an act that adds no result."""

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the time; tests and the demo give a case another clock."""
    return datetime.now(UTC)


def new_mask_key() -> bytes:
    """Return a new secret for pseudonyms."""
    return secrets.token_bytes(32)


@dataclass
class Case:
    """An append-only log of results, and the files that an opposing expert reruns.

    A case computes nothing: results are made by verbs and added with the reason for them.

    Parameters
    ----------
    name : str
        Short name, used for files.
    question : str
        What the case asks.
    title : str
        Heading of the report.
    investigator : str
        Who works on it; written into the log.
    mask_key : bytes, optional
        Secret for pseudonyms, at least 16 bytes. Made at random where none is given; with the
        same key the same bytes are written again.
    statements : tuple of str
        What others state and the case takes as given, quoted with its source.

    Examples
    --------
    >>> case = Case("otter", question="Whom does this vendor's money reach?")
    >>> case
    Case('otter', 0 results)
    """

    name: str
    question: str
    title: str = ""
    investigator: str = "not stated"
    mask_key: bytes = field(default_factory=new_mask_key, repr=False)
    statements: tuple[str, ...] = ()
    clock: Clock = field(default=now, repr=False)
    log: Log = field(default_factory=lambda: Log([]), repr=False)
    standing: masking.Standing = field(default_factory=dict, repr=False)
    results: list[tuple[Result, str]] = field(default_factory=list, repr=False)
    times: list[str] = field(default_factory=list, repr=False)
    desk_reasons: int = field(default=0, repr=False)
    started: datetime = field(default_factory=now, repr=False)
    ticks: float = field(default_factory=time.perf_counter, repr=False)

    def __post_init__(self) -> None:
        Edition(DISCLOSURE, self.mask_key)  # refuses a short key now, not at the first export
        self._note_desk()

    def add(self, *results: Result, note: str = "") -> Case:
        """Add results, with the reason why; nothing is ever taken out again.

        A result whose content the case holds already is noted in the log and not added twice.

        Raises
        ------
        CaseError
            If one of them is no result; then none is added.
        """
        for result in results:
            if not isinstance(result, Result):
                raise CaseError(
                    f"a {type(result).__name__} cannot be added to a case",
                    remedy="add what a verb returned, such as a trace or clusters",
                )
        self._note_desk()
        for result in results:
            content = digest_result(result)
            held = content in {entry.content for entry in self.log.entries}
            again = " again: the case holds it already" if held else ""
            self._log(f"add {_called(result)}{again}", note, content)
            if not held:
                self.results.append((result, note))
        return self

    def _note_desk(self) -> None:
        """Write into the log why the working edition was opened since the last look."""
        for reason in opened()[self.desk_reasons :]:
            self._log("open the working edition at the desk", reason, NOTHING)
            self.desk_reasons += 1

    def _log(self, what: str, why: str, content: str) -> None:
        self.log.append(self.investigator, what, why, content)
        self.times.append(self.clock().isoformat())

    def edition(self, name: str) -> Edition:
        """Return an edition with the roles that the added results give."""
        return masking.edition_of(self._results(), name, self.mask_key, self.standing)

    def look_beside(self, ledger: Ledger) -> None:
        """Read who stands in the transactions of the results, so that those are withheld as well.

        Call it when all results are added: tables name payer and payee, a ledger all others.
        """
        self.standing = masking.beside(ledger, self._results())

    def _results(self) -> list[Result]:
        return [result for result, _ in self.whole()]

    def whole(self) -> list[tuple[Result, str]]:
        """Return the results with their notes, and the sections that they bring to the report."""
        found = brought([result for result, _ in self.results])
        return [*self.results, *((finding, "") for finding in found)]

    def parties(self) -> set[Party]:
        """Return every address that stands in any result."""
        return set().union(*(parties(result) for result, _ in self.results))

    def write(self, folder: str | Path, *, edition: str = DISCLOSURE, reason: str = "") -> Path:
        """Write one edition of the case: report, tables, graph, figures, manifest, log, seal.

        Parameters
        ----------
        folder : path
            A folder that does not exist yet. It appears when all is written, or not at all.
        edition : str
            ``disclosure`` (default) masks everyone but subjects, findings and services;
            ``working`` masks nobody and needs a reason, which goes into the log.
        reason : str
            Why the working edition is needed.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputExists
            If the folder exists.
        CaseError
            If a working edition is asked for without a reason.
        """
        check_free(absolute(folder))
        self._note_desk()
        shown = self.edition(edition)
        self._open(shown, reason)
        return write_whole(folder, lambda place: self._fill(place, shown))

    def write_annex(self, folder: str | Path) -> Path:
        """Write the key to the pseudonyms: for the court alone, kept apart from the disclosure."""
        shown = self.edition(DISCLOSURE)

        def fill(place: Path) -> None:
            key = annex(shown, self.parties(), masking.standing_in(self._results(), shown))
            write_tables({"pseudonyms": key}, place)
            secret = place / "mask_key.txt"
            secret.touch(mode=0o600)
            secret.write_text(self.mask_key.hex() + "\n", encoding="ascii")

        return write_whole(folder, fill)

    def _open(self, edition: Edition, reason: str) -> None:
        if edition.name != DISCLOSURE:
            if not reason.strip():
                raise CaseError(
                    "the working edition masks nobody and was asked for without a reason",
                    remedy="pass reason='...'",
                )
            self._log("write the working edition", reason, NOTHING)

    def _fill(self, folder: Path, edition: Edition) -> None:
        said = Spoken(edition, self.parties())
        tables = {
            name: said.frame(frame)
            for name, frame in masking.tables_of(self._results(), edition).items()
        }
        write_exports("tables", tables, folder / "tables")
        figures = self._figures(folder, edition, said)
        doc = said.plain(document(self, edition, figures))
        (folder / "report.html").write_bytes(render_html(doc, folder))
        try:
            (folder / "report.pdf").write_bytes(render_pdf(doc, folder))
        except MissingExtra as missing:  # the manifest says typst is absent; the page says it all
            (folder / "report.pdf.missing.txt").write_text(f"{missing}\n", encoding="utf-8")
        log = self.log.told(edition.seal, said.text)
        (folder / LOG).write_bytes(log.lines())
        manifest = said.plain(self._manifest(edition)) | {"log": log.head()}
        write_seal(folder, manifest, self._run())

    def _run(self) -> dict[str, Any]:
        """Return the times of the run; those of the log's entries are by the case's clock."""
        return {
            "started": self.started.isoformat(),
            "finished": now().isoformat(),
            "seconds": round(time.perf_counter() - self.ticks, 3),
            "times": self.times,
        }

    def _figures(self, folder: Path, edition: Edition, said: Spoken) -> dict[int, str]:
        from chainwatch.figures.style import save_figure

        (folder / "figures").mkdir()
        (folder / "graph").mkdir()
        drawn: dict[int, str] = {}
        for number, (result, _) in enumerate(self.results):
            if isinstance(result, FlowFigure):
                stem = f"flow_{len(drawn) + 1}" if drawn else "flow"
                figure = replace(result, title=said.text(result.title))
                drawing = figure.plot(edition).get_figure(root=True)
                if drawing is None:
                    raise CaseError("a figure lost its drawing")
                save_figure(drawing, folder / "figures" / stem)
                flows = said.frame(figure.flows(edition))
                write_exports("flows", flows, folder / "graph" / stem)
                drawn[number] = stem
        return drawn

    def _manifest(self, edition: Edition) -> dict[str, Any]:
        return {
            "case": self.name,
            "title": self.title,
            "question": self.question,
            "edition": edition.name,
            "statements": list(self.statements),
            "exports": sorted(EXPORTS),
            "rows_left_out": masking.left_out_of(self._results(), edition),
            "results": [
                {
                    "what": _called(result),
                    "note": note,
                    "content": edition.digest(digest_result(result)),
                    "record": sealed(result.record.as_dict(), edition) if result.record else None,
                }
                for result, note in self.results
            ],
        }

    def __repr__(self) -> str:
        return f"Case({self.name!r}, {len(self.results)} results)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{entry.number}</td><td>{_safe(entry.what)}</td><td>{_safe(entry.why)}</td></tr>"
            for entry in self.log.entries
        )
        head = f"<p><b>{_safe(self.name)}</b>: {_safe(self.question)}</p>"
        return f"{head}<table><tr><th></th><th>what</th><th>why</th></tr>{rows}</table>"


def _safe(text: str) -> str:
    return escape(visible(text))


def _called(result: Result) -> str:
    if isinstance(result, Finding):
        return f"finding: {result.title}"
    return result.record.step if result.record else type(result).__name__.lower()
