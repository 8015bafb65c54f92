"""``[[sources]]`` of a case file: a table for each source of the catalogue, and for a ledger.

The keys of a table are the parameters of its source's constructor. A stranger's case file is
hostile: its paths are confined to the data folder when they are used, and the only secrets that it
may name are those that were put aside for chainwatch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    create_model,
)

from chainwatch.case.file.lines import Written
from chainwatch.errors import CaseError, InputError
from chainwatch.sources import catalogue
from chainwatch.sources.catalogue import LEDGER, Entry
from chainwatch.sources.parameters import Addresses, Asked, AtLeast, Parameter, Secret
from chainwatch.sources.values import PLACES, checked_url, heights, hexadecimal
from chainwatch.units import counted

SECRETS = ("env:CHAINWATCH_SECRET_", "keyring:chainwatch")
"""Where the secrets lie that a case file may name: it could send any other to a host of its own."""

RENAMED = {"blocks": "block-files"}
"""Kinds that had another name once."""

_HEIGHTS, _HEX = r"^[0-9]*:[0-9]*$", r"^([0-9A-Fa-f]{2})+$"
_SECRET = r"^(env:CHAINWATCH_SECRET_|keyring:chainwatch)"  # noqa: S105 - a pattern of places


class SourceTable(BaseModel):
    """What a case is read from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str


class LedgerTable(SourceTable):
    """Use a ledger that exists, as it is: nothing is read into it, and nothing is copied."""

    kind: Literal["ledger"]
    path: Annotated[str, Field(description="Folder of the ledger, inside the data folder.")]
    commit: Annotated[
        Annotated[int, Strict()] | None,
        Field(
            ge=1,
            description="Keep to what the ledger held with this commit, whatever was read since;"
            " the last, if not given.",
        ),
    ] = None


class HistoriesTable(SourceTable):
    """Read histories of addresses: of those listed, of a file, or of an extended public key."""

    addresses_file: Annotated[str, Field(description="File with an address a line.")] = ""
    xpub_file: Annotated[str, Field(description="File with extended public keys.")] = ""
    gap: Annotated[
        int,
        Strict(),
        Field(ge=1, description="Unused addresses in a row that end a branch of the key."),
    ] = 20
    kinds: Annotated[
        tuple[str, ...], Field(description="Script types of the key's addresses.")
    ] = ()
    branches: Annotated[
        tuple[Annotated[int, Strict()], ...],
        Field(description="Branches below the key; 0 and 1 if not given. -1: it is one."),
    ] = ()


def kinds() -> list[str]:
    """Return the kinds of sources that a case file may name."""
    return sorted([LEDGER, *(entry.name for entry in catalogue.entries())])


def source_table(kind: str) -> type[SourceTable]:
    """Return the model of a table; the source of that kind is loaded.

    Raises
    ------
    InputError
        If there is no such source, or a parameter of it cannot be a key.
    """
    if kind == LEDGER:
        return LedgerTable
    entry = catalogue.entry(kind)
    base = HistoriesTable if entry.addresses else SourceTable
    fields = {"kind": (Literal[kind], ...)} | {
        item.name: (_annotation(item), _default(item)) for item in entry.parameters()
    }
    if taken := [name for name in fields if name != "kind" and hasattr(BaseModel, name)]:
        raise InputError(
            f"the parameter {taken[0]!r} of {entry.place} cannot be a key of a case file",
            remedy="call it otherwise",
        )
    name = "".join(word.capitalize() for word in kind.split("-"))
    made: type[SourceTable] = create_model(name, __base__=base, __doc__=entry.sentence, **fields)  # type: ignore[call-overload]
    return made


def _default(item: Parameter) -> object:
    if item.required:
        return ...
    return () if item.several else item.default


def _annotation(item: Parameter) -> Any:
    one: Any = _one(item)
    about = Field(description=item.help or None)
    if item.several:
        least = Field(min_length=1 if item.required else 0)
        return Annotated[tuple[one, ...], least, about]
    if item.keyed:
        return Annotated[dict[str, one], _unshown(dict), about]
    return Annotated[one, about]


def _one(item: Parameter) -> Any:
    """Return what one value must be, and what a schema can say of it."""
    if item.mark(Secret):
        return Annotated[_text(_checked_secret, _SECRET), _unshown(str)]
    if item.mark(Asked):
        return Annotated[_text(checked_url), _unshown(str)]
    least = item.mark(AtLeast)
    bound = Field(ge=least.least) if least else Field()
    match item.kind:
        case "integer":
            return Annotated[int, Strict(), bound]
        case "number":
            return Annotated[float, Strict(), bound]
        case "flag":
            return Annotated[bool, Strict()]
        case "heights":
            return _text(_checked_heights, _HEIGHTS)
        case "bytes":
            return _text(_checked_bytes, _HEX)
        case "choice":
            return Literal[item.choices]
        case "table":
            return item.table
        case _:
            return str


def _text(check: Callable[[str], str], pattern: str = "") -> Any:
    extra: dict[str, Any] = {"pattern": pattern} if pattern else {}
    return Annotated[str, AfterValidator(check), Field(json_schema_extra=extra or None)]


def _checked_secret(text: str) -> str:
    said = "a case file may only name secrets that were put aside for it"
    if not text.startswith(PLACES):
        said = "it takes the place of a secret, never the secret itself"
    if not text.startswith(SECRETS):
        remedy = "write env:CHAINWATCH_SECRET_NAME or keyring:chainwatch-NAME, and put it there"
        raise InputError(said, remedy=remedy)
    return text


def _unshown(kind: type) -> BeforeValidator:
    """Refuse what is of another type without showing it: it may hold a secret."""

    def check(value: object) -> object:
        if not isinstance(value, kind):
            word = "a text in quotes" if kind is str else "a table of names and texts"
            raise InputError("it is of another type", remedy=f"write {word}")
        return value

    return BeforeValidator(check)


def _checked_heights(text: str) -> str:
    heights(text)
    return text


def _checked_bytes(text: str) -> str:
    hexadecimal(text)
    return text


def kinds_of(table: Mapping[str, Any], written: Written) -> tuple[str, ...]:
    """Return the kinds that a case file names, each once and in order.

    Raises
    ------
    CaseError
        If one is none, or has another name now.
    """
    listed = table.get("sources")
    tables = listed if isinstance(listed, list) else []
    found = [item.get("kind") for item in tables if isinstance(item, dict)]
    known = kinds()
    for number, kind in enumerate(found, 1):
        place, where = f"[[sources]] number {number}", written.at("sources", number - 1, "kind")
        if isinstance(kind, str) and kind in RENAMED:
            new = RENAMED[kind]
            raise CaseError(
                f"{place} is of the kind {kind!r}, which is called {new!r} now",
                where=where,
                remedy=f'write kind = "{new}"',
            )
        if kind not in known:
            remedy = " or ".join(f'"{name}"' for name in known)
            raise CaseError(
                f"{place} is of no kind known", where=where, remedy=f"write kind = {remedy}"
            )
    return tuple(sorted({str(kind) for kind in found}))


def written_of(table: SourceTable, entry: Entry) -> dict[str, Any]:
    """Return what a table says of the parameters of its source; what it leaves out is left out."""
    names = {item.name for item in entry.parameters()} & table.model_fields_set
    return {name: getattr(table, name) for name in names}


def servers_of(tables: Sequence[SourceTable]) -> Iterator[tuple[SourceTable, Entry, Parameter]]:
    """Yield the tables whose source asks a server, with the parameter that says which."""
    for table in tables:
        entry = None if isinstance(table, LedgerTable) else catalogue.entry(table.kind)
        if entry is not None and entry.server is not None:
            yield table, entry, entry.server


def paths_of(table: SourceTable) -> Iterator[str]:
    """Yield the files and folders that a table names, as it writes them."""
    if isinstance(table, LedgerTable):
        yield table.path
        return
    if isinstance(table, HistoriesTable):
        yield from filter(None, (table.addresses_file, table.xpub_file))
    for item in catalogue.entry(table.kind).parameters():
        value = getattr(table, item.name)
        if item.kind == "path" and value:
            yield from value if item.several else [value]


def what_is_read(table: SourceTable) -> str:
    """Return what a table reads, for people: its files by path, or whom it asks."""
    if isinstance(table, LedgerTable):
        return table.path
    found: list[str] = []
    for item in catalogue.entry(table.kind).parameters():
        value = getattr(table, item.name)
        if item.kind == "path" and item.required:
            found += value if item.several else [value]
        elif item.mark(Addresses) and value:
            found.append(counted(len(value), "address", "addresses"))
    return ", ".join(found) or table.kind
