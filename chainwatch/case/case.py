"""A case: results in the order in which they were found, why, and the files that leave the desk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.atomic import absolute, check_free, write_whole
from chainwatch.case.exports.catalogue import DEFAULT, chosen, write_exports
from chainwatch.case.exports.shown.case import ShownCase, shown_case
from chainwatch.case.exports.tables import write_tables
from chainwatch.case.interactive import write_pages
from chainwatch.case.log import OPENED, Log
from chainwatch.case.marking import marking
from chainwatch.case.record import NOTHING, CaseRecord, now
from chainwatch.case.report.document import document
from chainwatch.case.report.embedded import embed
from chainwatch.case.report.render import render_html, render_pdf
from chainwatch.case.seal import LOG, verify, write_seal
from chainwatch.errors import CaseError, ChainwatchError, MissingExtra
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.basis import basis_of
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition, annex
from chainwatch.privacy.leaks.secrets import MASKED, PARTIES, TRANSACTIONS
from chainwatch.privacy.leave import leave
from chainwatch.privacy.masked_view import MaskedView, masked_view, parties_by_transaction
from chainwatch.privacy.roles import sealed


@dataclass(repr=False)
class Case(CaseRecord):
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
    number : str
        Number of the case where it is kept, as the report gives it.
    tlp : str
        How far an edition may travel, by the Traffic Light Protocol 2.0: ``AMBER+STRICT`` if not
        given, and ``RED`` for the working edition.

    Examples
    --------
    >>> case = Case("otter", question="Whom does this vendor's money reach?")
    >>> case
    Case('otter', 0 results)
    """

    def view(self, edition: str = DISCLOSURE) -> MaskedView:
        """Return all that is written of the case in an edition; made once, until it grows."""
        if edition not in self.views:
            results = [result for result, _ in self.whole()]
            tips = frozenset(one.hash for one in self.basis.tips)
            self.views[edition] = masked_view(results, edition, self.mask_key, self.standing, tips)
        return self.views[edition]

    def edition(self, name: str) -> Edition:
        """Return an edition with the roles that the added results give."""
        return self.view(name).edition

    def shown(
        self, edition: str = DISCLOSURE, settings: Mapping[str, Any] | None = None
    ) -> ShownCase:
        """Return what an edition shows, as plain values: what every export is written from."""
        marked = marking(self.tlp, edition).removeprefix("TLP:").lower()
        return shown_case(self, self.view(edition), settings, tlp=marked)

    def look_beside(self, ledger: Ledger, *, acquired_stated: bool = True) -> None:
        """Read who stands in the transactions of the results, so that those are withheld as well.

        It notes as well when the data was acquired and up to which block, which the report says
        on its first page.

        Call it when all results are added: tables name payer and payee, a ledger all others. Until
        then the disclosure edition shows no transaction: each may be of somebody who is masked.

        Parameters
        ----------
        ledger : Ledger
            What the results were computed from.
        acquired_stated : bool
            False if nobody said when files of it were obtained: the report then says so, and when
            they were read.
        """
        self.basis = basis_of(ledger, stated=acquired_stated)
        self.standing = parties_by_transaction(ledger, [result for result, _ in self.whole()])
        self.views.clear()

    def write(
        self, folder: str | Path, *, edition: str = DISCLOSURE, reason: str = "",
        authority: str = "", exports: Iterable[str] = DEFAULT,
        settings: Mapping[str, Any] | None = None, replace: bool = False,
    ) -> Path:  # fmt: skip
        """Write one edition of the case: report, exports, figures, manifest, log, seal.

        Parameters
        ----------
        folder : path
            The folder. It appears when all is written, or not at all.
        edition : str
            ``disclosure`` (default) masks everyone but subjects, findings and services;
            ``working`` masks nobody and needs a reason and an authority, which go into the log.
        reason : str
            Why the working edition is needed.
        authority : str
            On whose authority it is written: an order, a file number, an office.
        exports : iterable of str
            In which formats, by their names in :mod:`chainwatch.case.exports.catalogue`.
        settings : mapping, optional
            What an export must be told that no chain says, by its name; see the export.
        replace : bool
            Put it in the place of an edition that was written there and is as its seal says.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputExists
            If the folder exists and may not be replaced.
        CaseError
            If a working edition is asked for without a reason, or without an authority; or an
            export that there is not.
        """
        names = tuple(line.name for line in chosen(exports))
        check_free(absolute(folder), _is_edition, replace=replace)
        self._note_desk()
        case = self.shown(edition, settings)
        self._open(case.view.edition, reason, authority)
        return write_whole(
            folder, lambda place: self._fill(place, case, names), ours=_is_edition, replace=replace
        )

    def write_annex(self, folder: str | Path, *, replace: bool = False) -> Path:
        """Write the key to the pseudonyms: for the court alone, kept apart from the disclosure.

        Parameters
        ----------
        folder : path
            The folder.
        replace : bool
            Put it in the place of an annex that was written there.

        Raises
        ------
        OutputExists
            If the folder exists and may not be replaced.
        """
        view = self.view(DISCLOSURE)

        def fill(place: Path) -> None:
            key = annex(view.edition, self.parties(), view.visible_pseudonyms())
            write_tables({"pseudonyms": key}, place)
            secret = place / _KEY_FILE
            secret.touch(mode=0o600)
            secret.write_text(self.mask_key.hex() + "\n", encoding="ascii")

        return write_whole(folder, fill, ours=_is_annex, replace=replace)

    def _open(self, edition: Edition, reason: str, authority: str) -> None:
        if edition.name != DISCLOSURE:
            given = leave(reason, authority)
            self._log(
                "write the working edition", given.reason, NOTHING, given.authority, kind=OPENED
            )

    def _fill(self, folder: Path, case: ShownCase, exports: tuple[str, ...]) -> None:
        view = case.view
        self._draw(folder / "figures", view)
        write_exports(case, folder, exports)
        doc = embed(view.text.plain(document(self, view)), self, view, folder)
        (folder / "report.html").write_bytes(render_html(doc, folder))
        try:
            (folder / "report.pdf").write_bytes(render_pdf(doc, folder))
        except MissingExtra as missing:  # the manifest says typst is absent; the page says it all
            (folder / "report.pdf.missing.txt").write_text(f"{missing}\n", encoding="utf-8")
        write_pages((result for result, _ in self.whole()), self.basis, view, folder)
        if view.edition.name == WORKING:
            write_tables(self._masked(), folder / MASKED)
        if self.origin is not None:
            self.origin.write(folder, view)
        self.schedule().write(folder, view.edition, view.text)
        log = self.log.told(view.edition.seal, view.text.text)
        (folder / LOG).write_bytes(log.lines())
        manifest = view.text.plain(self._manifest(view, exports)) | {"log": log.head()}
        write_seal(folder, manifest, self._run(log))

    def _masked(self) -> dict[str, pl.DataFrame]:
        """Return whom the disclosure masks and which transactions it withholds, for the desk alone.

        By these :func:`chainwatch.leaks` searches what is to leave it.
        """
        shown = self.edition(DISCLOSURE)
        beside = {(chain, one) for (chain, _), who in shown.withheld.items() for one in who if one}
        parties = sorted(one for one in self.parties() | beside if shown.masks(*one))
        rows = {
            PARTIES: [(chain, text(one, chain)) for chain, one in parties],
            TRANSACTIONS: [(chain, txid_text(one, chain)) for chain, one in sorted(shown.withheld)],
        }
        columns = {PARTIES: "address", TRANSACTIONS: "txid"}
        return {
            name.removesuffix(".csv"): pl.DataFrame(
                rows[name], schema={"chain": pl.String, columns[name]: pl.String}, orient="row"
            )
            for name in rows
        }

    def _run(self, told: Log) -> dict[str, Any]:
        """Return the times of the run; those of the log's entries are by the case's clock."""
        pairs = zip(told.entries, self.log.entries, strict=True)
        times = {one.digest(): self.times[own.digest()] for one, own in pairs}
        last = max(map(datetime.fromisoformat, times.values()), default=now())
        return {
            "started": self.started.isoformat(),
            "finished": max(now(), last).isoformat(),
            "seconds": round(time.perf_counter() - self.ticks, 3),
            "times": times,
        }

    def _draw(self, folder: Path, view: MaskedView) -> None:
        from chainwatch.figures.style import save_figure

        for one in view.drawn:
            folder.mkdir(exist_ok=True)  # without a figure there is no folder: nothing seals it
            figure = one.drawing.plot().get_figure(root=True)
            if figure is None:
                raise CaseError("a figure lost its drawing")
            save_figure(figure, folder / one.stem)

    def _manifest(self, view: MaskedView, exports: tuple[str, ...]) -> dict[str, Any]:
        edition = view.edition
        return {
            "case": self.name,
            "number": self.number,
            "title": self.title,
            "question": self.question,
            "edition": edition.name,
            "tlp": marking(self.tlp, edition.name),
            "statements": list(self.statements),
            "exports": list(exports),
            "rows_left_out": dict(view.left_out),
            "results": [
                {
                    "what": result.called,
                    "note": note,
                    "content": edition.digest(result.digest),
                    "record": sealed(result.record.as_dict(), edition) if result.record else None,
                }
                for result, note in self.results
            ],
        }


_KEY_FILE = "mask_key.txt"


def _is_edition(folder: Path) -> bool:
    """Tell whether a folder is an edition of a case and nothing else lies in it."""
    try:
        verify(folder)
    except ChainwatchError:
        return False
    return True


def _is_annex(folder: Path) -> bool:
    """Tell whether a folder holds a key to pseudonyms and nothing else."""
    whole = {_KEY_FILE, "pseudonyms.csv", "pseudonyms.parquet"}
    return {item.name for item in folder.iterdir()} == whole
