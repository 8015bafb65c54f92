"""``referral_sheet``: a page for deflection programmes, with pathways to support and nobody's data.

Deflection leads a person to support instead of into a prosecution. The page says which substances
are about and who helps; it names no person, no payment and no case, before or after it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from html import unescape
from importlib import resources
from pathlib import Path
from typing import Any, cast

import polars as pl

from chainwatch.atomic import write_new
from chainwatch.attribution.contact import SUBSTANCES, known_substance
from chainwatch.case.referral.leaks import Known, check_leaks
from chainwatch.case.referral.pathways import Pathway, read_pathways
from chainwatch.case.referral.words import check_words
from chainwatch.errors import InputError, expect
from chainwatch.results.provenance import Record, software
from chainwatch.results.result import Result, content_of, with_record
from chainwatch.results.table import Column, Rows, Table
from chainwatch.sanitize import visible

PATHWAYS = Table(
    "pathways",
    ("name", "contact"),
    "Support pathways of a referral sheet, as the user gave them.",
    (
        Column.text("name", "who helps, as they call themselves"),
        Column.text("contact", "how to reach them"),
        Column.text("hours", "when"),
        Column.text("languages", "in which languages"),
        Column.text("offers", "what they do, if it is said"),
        Column.text("cost", "what it costs, if it is said"),
    ),
)

LONGEST = 600
"""Characters of the emergency line and of the note."""


@dataclass(frozen=True, repr=False, eq=False)
class ReferralSheet(Result):
    """A page with pathways to support.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``PATHWAYS``.
    region : str
        For where it is.
    substances : tuple of str
        Classes of substances.
    html : str
        The page: it loads nothing and runs nothing.
    """

    frame: pl.DataFrame
    region: str
    substances: tuple[str, ...]
    html: str

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the digest is of."""
        return {"pathways": PATHWAYS.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return what the page says beside its pathways."""
        return {"region": self.region, "substances": list(self.substances), "html": self.html}

    def write(self, path: Path | str, *, replace: bool = False) -> str:
        """Write the page into a file, and return its SHA-256.

        Raises
        ------
        OutputExists
            If the file exists and may not be replaced.
        """
        return write_new(Path(path), self.html.encode(), replace=replace)

    def __repr__(self) -> str:
        return (
            f"ReferralSheet({self.frame.height} pathways, {len(self.substances)} classes of"
            " substances; it names nobody)"
        )


def referral_sheet(
    *, pathways: Path | str | Sequence[Mapping[str, Any]], region: str,
    substances: Sequence[str] = (), emergency: str = "", note: str = "",
    results: Sequence[Result] = (), names: Sequence[str] = (),
) -> ReferralSheet:  # fmt: skip
    """Make a page that leads to support, in words that shame nobody, with no personal data.

    Parameters
    ----------
    pathways : path or sequence of mappings
        A TOML file with a ``[[pathway]]`` each, or dictionaries: ``name``, ``contact``, ``hours``,
        ``languages``, and ``offers`` and ``cost`` where that is said.
    region : str
        For where it is, in words.
    substances : sequence of str
        Classes of substances that are about, by their ids.
    emergency, note : str
        Whom to call in danger, and anything else that should stand on it.
    results, names : sequence of Result, sequence of str
        What the case found and who else is known: none of their names and addresses may stand on
        the page. They are looked for, and go no further.

    Raises
    ------
    InputError
        If a field holds an address, a transaction id, a key or the name of a party, a word that
        shames people, or a pathway lacks what one needs to reach it.

    Fails when
    ----------
    A name of a person stands in a field whom no result names: nobody can tell it from the name of
    a service. Have a person read the page before it is handed out.
    """
    known = Known(results, names)
    given = read_pathways(pathways)
    sold = tuple(sorted({known_substance(one) for one in substances}))
    texts = {"region": region, "emergency": emergency, "note": note}
    for field, said in texts.items():
        expect(said, str, field, "write it in words")
        if len(said) > LONGEST:
            raise InputError(f"{field} is too long", remedy=f"write up to {LONGEST} characters")
    if not region.strip():
        raise InputError("no region is named", remedy="say where: region='Utrecht'")
    for number, one in enumerate(given, 1):
        texts |= {f"pathway {number}, {key}": said for key, said in vars(one).items()}
    for field, said in texts.items():
        check_leaks(said, field, known)
        check_words(said, field)
    page = _page(given, sold, region, emergency, note)
    _check_page(page, known)
    made = ReferralSheet(PATHWAYS.frame(map(astuple, given)), region, sold, page)
    # How it came about says neither what the case found nor whose names were looked for.
    params = {"region": region, "substances": list(sold)}
    content = cast(Any, content_of(made))
    return with_record(made, Record("referral_sheet", params, (), content, software()))


def _page(
    pathways: Sequence[Pathway], substances: Sequence[str], region: str, emergency: str, note: str
) -> str:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = visible
    named = [SUBSTANCES[one].euda or SUBSTANCES[one].unodc or one for one in substances]
    return environment.from_string(_template()).render(
        pathways=pathways, substances=named, region=region.strip(), emergency=emergency.strip(),
        note=note.strip(),
    )  # fmt: skip


@cache
def _template() -> str:
    return (resources.files("chainwatch.case") / "templates" / "referral.html").read_text("utf-8")


def _check_page(page: str, known: Known) -> None:
    """Refuse a page on which, as it is written, somebody is named or shamed."""
    body = page[page.index("<body>") :]
    said = unescape(re.sub(r"<[^>]*>", " ", body))
    check_leaks(said, "the page", known)
    check_words(said, "the page")


__all__ = ["PATHWAYS", "ReferralSheet", "referral_sheet"]
