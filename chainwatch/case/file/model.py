"""A case file: what ``chainwatch run`` reads, for people who do not program."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from chainwatch.case.analyses import asked_in, questions, registry, table_of
from chainwatch.case.exports.catalogue import DEFAULT
from chainwatch.case.file.diagnose import misfit, not_toml
from chainwatch.case.file.export_keys import ExportNames, GoamlTable, check_told
from chainwatch.case.file.follow_keys import Follow as Follow
from chainwatch.case.file.keys import ChainName, OfKey, Planned, Said, Strict, Token
from chainwatch.case.file.lines import Written
from chainwatch.case.file.owner_keys import OwnerKeys
from chainwatch.case.file.source_tables import LedgerTable, SourceTable, kinds_of, source_table
from chainwatch.case.inputs import note_read
from chainwatch.case.registry import Line
from chainwatch.errors import CaseError, InputError

DATA_VARIABLE = "CHAINWATCH_DATA"


def _known_analysis(name: str) -> str:
    names = registry.names()
    if name not in names:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, names))})
    return name


def _with_names(schema: dict[str, Any]) -> None:
    schema["enum"] = registry.names()


class Head(Planned):
    """What the case is called and asks, and which editions are written."""

    name: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Short, for files.")
    ]
    title: Annotated[Said, Field(description="Heading of the report.")]
    question: Annotated[Said, Field(description="What the case asks.")]
    number: Annotated[str, Field(description="Number of the case where it is kept.")] = ""
    investigator: Annotated[str, Field(description="Who works on it.")] = "not stated"
    editions: Annotated[
        tuple[Literal["disclosure", "working"], ...],
        Field(min_length=1, description="Which are written; working masks nobody."),
    ] = ("disclosure",)
    working_reason: Annotated[
        str, Field(description="Why the working edition is needed; it goes into the log.")
    ] = ""
    working_authority: Annotated[
        str,
        Field(
            description="On whose authority it is written: an order, a file number, an office; it"
            " goes into the log."
        ),
    ] = ""
    statements: Annotated[
        tuple[str, ...], Field(description="What others state, quoted with its source.")
    ] = ()
    tags_as_of: Annotated[
        date | None,
        Field(
            description="Count what tags had said by this day, so that what was found then is"
            " found again; all, if not given."
        ),
    ] = None
    analyses: Annotated[
        tuple[
            Annotated[str, AfterValidator(_known_analysis), Field(json_schema_extra=_with_names)],
            ...,
        ],
        Field(description="Analyses that are asked for by name."),
    ] = ()
    exports: ExportNames = DEFAULT
    goaml: GoamlTable = None

    @model_validator(mode="after")
    def _exports_told(self) -> Head:
        check_told(self.exports, self.goaml)
        return self

    @model_validator(mode="after")
    def _leave(self) -> Head:
        given = {"working_reason": self.working_reason, "working_authority": self.working_authority}
        lacking = [name for name, value in given.items() if not value.strip()]
        if "working" in self.editions and lacking:
            raise OfKey(
                "the working edition masks nobody, so that its reason and its authority must be"
                f" told; give {' and '.join(lacking)}, or leave it out of editions",
                "editions",
            )
        return self


class TagFiles(Strict):
    """TagPacks, tables, lists and feeds; and acts of authorities, with publisher and day."""

    path: Annotated[str, Field(description="File or folder, inside the data folder.")]
    chain: Annotated[str | None, Field(description="Chain of what names none.")] = None
    kind: Annotated[
        Literal["tagpack", "table", "list", "feed", "sanctions", "seizures", "actors"] | None,
        Field(
            description="What it is; its name tells, if not given. sanctions are lists of"
            " designations, an address a line, seizures a table of orders, actors a pack that says"
            " who the actors of tags are."
        ),
    ] = None
    columns: Annotated[
        dict[str, str],
        Field(
            default_factory=dict, description="Of a table or orders: what is said to its column."
        ),
    ]
    publisher: Annotated[str, Field(description="Whose designations or orders they are.")] = ""
    as_of: Annotated[
        date | None, Field(description="Day on which the list of an authority stood so.")
    ] = None
    label: Annotated[str | None, Field(description="What designations call each address.")] = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> TagFiles:
        act = self.kind in ("sanctions", "seizures")
        if act and not (self.publisher.strip() and self.as_of):
            raise OfKey(
                f"{self.kind} need publisher and as_of; say whose they are, and as of which day",
                "kind",
            )
        if not act and (self.publisher or self.as_of):
            raise OfKey(
                "publisher and as_of are of kind sanctions and seizures; leave them out, or write"
                " that kind",
                "publisher" if self.publisher else "as_of",
            )
        if self.label is not None and self.kind != "sanctions":
            raise OfKey("label is of kind sanctions; leave it out, or write that kind", "label")
        if self.columns and self.kind not in ("table", "seizures", None):
            raise OfKey(f"{self.kind} have no columns to name; leave columns out", "columns")
        if self.chain is not None and self.kind == "sanctions":
            raise OfKey(
                "the names of lists of sanctions say their chains; leave chain out", "chain"
            )
        return self


class StatementFile(Strict):
    """What an exchange produced or a tool exported: notes and tags, never chain data."""

    path: Annotated[str, Field(description="File, inside the data folder.")]
    mapping: Annotated[
        str | None, Field(description="Mapping of its columns; a known header needs none.")
    ] = None
    way: Annotated[
        Literal["deposit", "withdrawal"] | None,
        Field(description="What its rows are, where no column says it."),
    ] = None


class Subjects(Strict):
    """Whom the case follows: listed addresses, a column of a CSV, or all with a tag."""

    chain: Annotated[ChainName, Field(description="Alias or CAIP-2 id.")]
    addresses: Annotated[tuple[str, ...], Field(description="The addresses.")] = ()
    csv: Annotated[str | None, Field(description="A table of them, inside the data folder.")] = None
    column: Annotated[str | None, Field(description="The column of it.")] = None
    concept: Annotated[str | None, Field(description="All whom tags give this concept.")] = None
    label: Annotated[str | None, Field(description="All whom tags give this label.")] = None

    @model_validator(mode="after")
    def _one_way(self) -> Subjects:
        ways = [bool(self.addresses), self.csv is not None, bool(self.concept or self.label)]
        if sum(ways) != 1 or (self.csv is None) != (self.column is None):
            raise ValueError("give addresses, or csv with column, or concept and label")
        return self


class NamedDay(Strict):
    """A day that splits the payments in before and after."""

    day: Annotated[date, Field(description="The day; it counts as after.")]
    name: Annotated[str, Field(description="How the report calls it.")]


class Also(Strict):
    """Further subjects, on the same chain or another, whose value is followed like the first's."""

    subjects: Annotated[Subjects, Field(description="Whom: as [subjects].")]
    asset: Annotated[Token | None, Field(description="In what: as [asset].")] = None
    follow: Annotated[
        Follow | None, Field(description="How it is followed; as [follow] says, if not given.")
    ] = None


class Asked(NamedTuple):
    """A question that a case file asks: its line in the catalogue, its keys, and where it stands.

    ``keys`` are a :class:`chainwatch.case.questions.question.Question`.
    """

    line: Line
    keys: Any
    where: str


class CaseFile(Strict):
    """A whole case file."""

    case: Annotated[Head, Field(description="What it is called and asks.")]
    sources: Annotated[
        tuple[SourceTable, ...], Field(min_length=1, description="What it is read from.")
    ]
    tags: Annotated[tuple[TagFiles, ...], Field(description="Who says who is what.")] = ()
    statements: Annotated[
        tuple[StatementFile, ...], Field(description="What exchanges and tools state.")
    ] = ()
    subjects: Annotated[Subjects, Field(description="Whom it follows.")]
    asset: Annotated[
        Token | None, Field(description="In what; the coin of the chain, if not given.")
    ] = None
    owners: Annotated[
        OwnerKeys | None,
        Field(description="Who holds which addresses; what is spent together, if not given."),
    ] = None
    follow: Annotated[Follow, Field(description="How value is followed.")] = Follow()
    dates: Annotated[
        tuple[NamedDay, ...], Field(description="Days that split payments in before and after.")
    ] = ()
    also: Annotated[tuple[Also, ...], Field(description="Further subjects.")] = ()
    _written: Written = PrivateAttr(default_factory=lambda: Written("the case file"))
    _asked: tuple[Line, ...] = PrivateAttr(default=())

    @field_validator("sources")
    @classmethod
    def _ledger_alone(cls, sources: tuple[SourceTable, ...]) -> tuple[SourceTable, ...]:
        if len(sources) > 1 and any(isinstance(item, LedgerTable) for item in sources):
            raise ValueError(
                "a ledger that exists is used as it is, so nothing can be read beside it; leave "
                "out the other sources, or read them into it with chainwatch pull"
            )
        return sources

    @property
    def text(self) -> str:
        """The file that it was read from; nothing where it was given as plain data."""
        return self._written.text

    def at(self, *place: str | int) -> str:
        """Return the name of the file with the line of a table or key."""
        return self._written.at(*place)

    def parts(self) -> Iterator[CaseFile]:
        """Yield the case of each group of subjects by itself: of [subjects], then of [[also]]."""
        yield self
        for one in self.also:
            yield self.model_copy(
                update={
                    "subjects": one.subjects, "asset": one.asset,
                    "follow": one.follow or self.follow, "also": (),
                }
            )  # fmt: skip

    def asked(self) -> Iterator[Asked]:
        """Yield the questions that it asks, in its order."""
        for line in self._asked:
            name = table_of(line)
            for number, keys in enumerate(getattr(self, name)):
                place = f"[[{name}]] number {number + 1} of {self._written.at(name, number)}"
                yield Asked(line, keys, place)


def case_model(kinds: tuple[str, ...], asked: Sequence[Line] = ()) -> type[CaseFile]:
    """Return the model of a case file with sources of these kinds and these questions.

    Only they are loaded.
    """
    tables = [source_table(kind) for kind in kinds] or [LedgerTable]
    one: Any = tables[0]
    if len(tables) > 1:
        one = Annotated[Union[tuple(tables)], Field(discriminator="kind")]  # noqa: UP007
    told = "What it is read from."
    listed = Annotated[tuple[one, ...], Field(min_length=1, description=told)]
    more: dict[str, Any] = {table_of(line): (_tables(line), ()) for line in asked}
    made: type[CaseFile] = create_model(
        "CaseFile", __base__=CaseFile, __doc__=CaseFile.__doc__, sources=(listed, ...), **more
    )
    return made


def _tables(line: Line) -> Any:
    """Return the type of the tables of a question."""
    if table_of(line) in CaseFile.model_fields:
        raise CaseError(
            f"the question {line.name!r} has the name of a table of every case file",
            remedy="register it under another name",
        )
    one: Any = line.load()
    return Annotated[tuple[one, ...], Field(description=line.sentence)]


def load_case(path: str | Path) -> CaseFile:
    """Read a case file.

    Raises
    ------
    CaseError
        Naming the file, the key and what is wrong with it.
    """
    text, table = _toml(Path(path))
    return parse_case(table, where=str(path), text=text)


def _toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a TOML file and its content, or say in one sentence why there is none."""
    if path.is_dir():
        raise CaseError(
            "this is a folder, not a case file", where=str(path), remedy="name a TOML file"
        )
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        what, remedy = "there is no such case file", "check the path"
    except OSError as error:
        what, remedy = f"the case file cannot be read: {error.strerror or error}", None
    except UnicodeDecodeError:
        what, remedy = "the case file cannot be read: it is no text in UTF-8", "name a TOML file"
    except RecursionError:
        what, remedy = "the case file holds lists in lists, too deep to be read", "write it anew"
    except ValueError as error:  # also what TOML itself refuses, with line and column
        raise not_toml(text, str(error), str(path)) from None
    raise CaseError(what, where=str(path), remedy=remedy)


def parse_case(table: dict[str, Any], *, where: str, text: str = "") -> CaseFile:
    """Make a case of plain data.

    Parameters
    ----------
    table : dict
        What TOML reads.
    where : str
        What errors call the file.
    text : str
        The file, from which they tell the line.

    Raises
    ------
    CaseError
        Naming the first key that does not fit.
    """
    written, asked = Written(where, text), asked_in(table)
    model = case_model(kinds_of(table, written), asked)
    try:
        made = model.model_validate(table)
    except ValidationError as error:
        more = [table_of(line) for line in questions.lines]
        raise misfit(error.errors(include_url=False), model, written, more) from None
    made._written, made._asked = written, asked
    return made


def data_folder(given: str | Path | None, case_file: Path) -> Path:
    """Return the folder that paths of a case start from: given, by variable, or the file's own.

    Raises
    ------
    InputError
        If the folder does not exist.
    """
    named = given or os.environ.get(DATA_VARIABLE) or case_file.parent
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(
            "the data folder does not exist",
            where=str(folder),
            remedy=f"pass --data FOLDER or set {DATA_VARIABLE}",
        )
    return folder


def inside(base: Path, path: str) -> Path:
    """Return a path of a case file below the data folder: a stranger's case file reads no other.

    Raises
    ------
    InputError
        If the path is absolute or leads out of the folder.
    """
    found, variable = base / path, os.environ.get(DATA_VARIABLE)
    if variable and Path(variable) == base and not found.exists():
        raise InputError(
            f"there is no such file in the folder that {DATA_VARIABLE} names",
            where=str(found),
            remedy="pass --data FOLDER where the case has its own, or unset the variable",
        )
    if Path(path).is_absolute() or not found.resolve().is_relative_to(base.resolve()):
        raise InputError(
            "a case file may only name files inside the data folder",
            where=path,
            remedy="put the file there, or name another folder with --data",
        )
    note_read(found)
    return found
