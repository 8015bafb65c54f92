"""Whom the questions of a case file name: a name that no tag has is told before all following."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.attribution.tags import Tags
from chainwatch.case.file.model import Asked, CaseFile
from chainwatch.case.file.source_tables import LedgerTable, SourceTable
from chainwatch.errors import AddressError, CaseError, InputError
from chainwatch.sources import catalogue
from chainwatch.tracing.named import parties_named


def check_parties(config: CaseFile, tags: Tags) -> None:
    """Refuse a question about somebody whom neither an address nor a tag names.

    Parameters
    ----------
    config : CaseFile
        The case file.
    tags : Tags
        All tags of the case.

    Raises
    ------
    CaseError
        Naming the first such text, with table, key and line.
    """
    for error in _unnamed(config, tags):
        raise error


def unnamed_so_far(config: CaseFile, tags: Tags) -> Iterator[str]:
    """Yield whom questions name that no tag has yet, where what is read may still bring tags.

    Raises
    ------
    CaseError
        As :func:`check_parties`, where nothing that is read brings any.
    """
    if not config.statements and not any(map(_may_bring_tags, config.sources)):
        check_parties(config, tags)
        return
    for error in _unnamed(config, tags):
        yield f"  {error.where}: {error.what}; what is read must name them"


def _unnamed(config: CaseFile, tags: Tags) -> Iterator[CaseError]:
    for one in config.asked():
        for key in one.keys.parties:
            if (named := getattr(one.keys, key)) and (error := _misnamed(named, tags, one, config)):
                where = f"{key} in {one.where}"
                yield CaseError(error.what, where=where, remedy=error.remedy)


def _misnamed(
    named: tuple[str, ...], tags: Tags, asked: Asked, config: CaseFile
) -> InputError | None:
    """Return why texts name nobody on the chain of a question."""
    keys = asked.keys
    token, chain = getattr(keys, "asset", None), getattr(keys, "chain", None)
    try:
        parties_named(named, tags, (token and token.chain) or chain or config.subjects.chain)
    except (AddressError, InputError) as error:
        return error
    return None


def _may_bring_tags(table: SourceTable) -> bool:
    """Tell whether reading a source may add tags: a table with name tags, or another's source."""
    if isinstance(table, LedgerTable):
        return False
    mapping = getattr(table, "mapping", None)
    return table.kind in catalogue.REGISTERED or getattr(mapping, "tags", None) is not None


__all__ = ["check_parties", "unnamed_so_far"]
