"""Whether a signed report shows what was sealed: a signature was added behind it, and nothing else.

It begins with all bytes of the sealed one, and that alone proves nothing: what is added behind them
can put other words on its pages, and whoever holds the key of the signer can sign that.
"""

from __future__ import annotations

import io
from typing import Any

_FREE = {
    "/Catalog": {"/AcroForm", "/Extensions"},
    "/Page": {"/Annots"},
    "/Metadata": {"/Length", "/Filter"},
    "": {"/ModDate", "/Producer"},
}
"""Entries that signing changes, by the type of the object; the facts about the file have none."""

_OF_FIELD = frozenset(
    {"/FT", "/T", "/Type", "/Subtype", "/F", "/Rect", "/P", "/V"}
)  # fmt: skip
"""Entries of a field that draws nothing and does nothing when a page is opened."""


def only_signed(reader: Any, field: Any, sealed: bytes) -> bool:
    """Tell whether a report was given a signature that cannot be seen, and nothing else.

    Parameters
    ----------
    reader : PdfFileReader
        The signed report, which begins with the bytes of the sealed one.
    field : DictionaryObject
        The field of its signature.
    sealed : bytes
        The sealed report.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    last = reader.xrefs.total_revisions - 1
    if last != PdfFileReader(io.BytesIO(sealed)).xrefs.total_revisions:
        return False
    before, xrefs = reader.get_historical_resolver(last - 1), reader.xrefs
    for key in ("/Root", "/Info"):
        ends = [one.trailer_view.raw_get(key).reference for one in (before, reader)]
        if ends[0] != ends[1]:
            return False
    there = {ref for number in range(last) for ref in xrefs.explicit_refs_in_revision(number)}
    written = xrefs.explicit_refs_in_revision(last)
    return _unseen(reader, field) and all(
        _as_before(before.get_object(ref), reader.get_object(ref), field)
        for ref in there & set(written)
    )


def _unseen(reader: Any, field: Any) -> bool:
    """Tell whether the field of a signature takes no room, draws nothing, and is the only one."""
    form = reader.root["/AcroForm"]
    fields = [one.reference for one in _raw(form["/Fields"])]
    alone = set(form) <= {"/Fields", "/SigFlags"} and fields == [field.container_ref]
    return alone and set(field) <= _OF_FIELD and not any(side != 0 for side in field["/Rect"])


def _as_before(old: Any, new: Any, field: Any) -> bool:
    """Tell whether an object is what it was, but for what signing changes."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return _written(old) == _written(new)
    kind = str(old.get("/Type", ""))
    named = (set(old) | set(new)) - _FREE.get(kind, set())
    if any(key not in old or key not in new for key in named):
        return False
    if any(_at(old, key) != _at(new, key) for key in named):
        return False
    if kind == "/Page" and not _one_more(old, new, field):
        return False
    return kind == "/Metadata" or getattr(old, "data", b"") == getattr(new, "data", b"")


def _one_more(old: Any, new: Any, field: Any) -> bool:
    """Tell whether a page has its marks and links as before, and one more: the signature's."""
    was, now = (_raw(page.get("/Annots", ())) for page in (old, new))
    more = now[len(was) :]
    known = [_written(one) for one in now[: len(was)]] == [_written(one) for one in was]
    return known and [one.reference for one in more] in ([], [field.container_ref])


def _raw(items: Any) -> list[Any]:
    """Return the items of an array as they are written: references, not what they lead to."""
    return [items.raw_get(place) for place in range(len(items))]


def _at(item: Any, key: str) -> bytes:
    return _written(item.raw_get(key))


def _written(value: Any) -> bytes:
    out = io.BytesIO()
    value.write_to_stream(out, None)
    return out.getvalue()


__all__ = ["only_signed"]
