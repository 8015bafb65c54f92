"""A case: results in the order in which they were found, why, and the files that leave the desk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.atomic import absolute, check_free, write_whole
from chainwatch.case.exports.catalogue import registry, write_exports
from chainwatch.case.exports.tables import write_tables
from chainwatch.case.record import NOTHING, CaseRecord, now
from chainwatch.case.report.document import document
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
            self.views[edition] = masked_view(results, edition, self.mask_key, self.standing)
        return self.views[edition]

    def edition(self, name: str) -> Edition:
        """Return an edition with the roles that the added results give."""
        return self.view(name).edition

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
        authority: str = "", replace: bool = False,
    ) -> Path:  # fmt: skip
        """Write one edition of the case: report, tables, graph, figures, manifest, log, seal.

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
            If a working edition is asked for without a reason, or without an authority.
        """
        check_free(absolute(folder), _is_edition, replace=replace)
        self._note_desk()
        view = self.view(edition)
        self._open(view.edition, reason, authority)
        return write_whole(
            folder, lambda place: self._fill(place, view), ours=_is_edition, replace=replace
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
            self._log("write the working edition", given.reason, NOTHING, given.authority)

    def _fill(self, folder: Path, view: MaskedView) -> None:
        self._draw(folder / "figures", view)
        write_exports(view, folder)
        doc = view.text.plain(document(self, view))
        (folder / "report.html").write_bytes(render_html(doc, folder))
        try:
            (folder / "report.pdf").write_bytes(render_pdf(doc, folder))
        except MissingExtra as missing:  # the manifest says typst is absent; the page says it all
            (folder / "report.pdf.missing.txt").write_text(f"{missing}\n", encoding="utf-8")
        if view.edition.name == WORKING:
            write_tables(self._masked(), folder / MASKED)
        log = self.log.told(view.edition.seal, view.text.text)
        (folder / LOG).write_bytes(log.lines())
        manifest = view.text.plain(self._manifest(view)) | {"log": log.head()}
        write_seal(folder, manifest, self._run())

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

    def _run(self) -> dict[str, Any]:
        """Return the times of the run; those of the log's entries are by the case's clock."""
        return {
            "started": self.started.isoformat(),
            "finished": now().isoformat(),
            "seconds": round(time.perf_counter() - self.ticks, 3),
            "times": self.times,
        }

    def _draw(self, folder: Path, view: MaskedView) -> None:
        from chainwatch.figures.style import save_figure

        for one in view.drawn:
            folder.mkdir(exist_ok=True)  # without a figure there is no folder: nothing seals it
            figure = one.drawing.plot().get_figure(root=True)
            if figure is None:
                raise CaseError("a figure lost its drawing")
            save_figure(figure, folder / one.stem)

    def _manifest(self, view: MaskedView) -> dict[str, Any]:
        edition = view.edition
        return {
            "case": self.name,
            "number": self.number,
            "title": self.title,
            "question": self.question,
            "edition": edition.name,
            "statements": list(self.statements),
            "exports": registry.names(),
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
