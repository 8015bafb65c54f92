"""A case file: what ``chainwatch run`` reads, for people who do not program."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from chainwatch.case.analyses import registry
from chainwatch.case.file.diagnose import misfit, not_toml
from chainwatch.case.file.source_tables import LedgerTable, SourceTable, kinds_of, table_of
from chainwatch.errors import CaseError, InputError
from chainwatch.ledger.look_alikes import TAILS
from chainwatch.tracing.custody.hosted import SWEPT
from chainwatch.tracing.policies import POLICIES

DATA_VARIABLE = "CHAINWATCH_DATA"


_POLICIES = [policy.name for policy in POLICIES]


def _known_policy(name: str) -> str:
    if name not in _POLICIES:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, _POLICIES))})
    return name


def _known_analysis(name: str) -> str:
    names = registry.names()
    if name not in names:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, names))})
    return name


def _with_names(schema: dict[str, Any]) -> None:
    schema["enum"] = registry.names()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Strict):
    """What the case is called and asks, and which editions are written."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    title: str
    question: str
    number: str = ""
    investigator: str = "not stated"
    editions: Annotated[tuple[Literal["disclosure", "working"], ...], Field(min_length=1)] = (
        "disclosure",
    )
    working_reason: str = ""
    statements: tuple[str, ...] = ()
    analyses: tuple[
        Annotated[str, AfterValidator(_known_analysis), Field(json_schema_extra=_with_names)],
        ...,
    ] = ()


class TagFiles(_Strict):
    """TagPacks or plain lists."""

    path: str
    chain: str | None = None


class StatementFile(_Strict):
    """What an exchange produced or a tool exported: notes and tags, never chain data."""

    path: str
    mapping: str | None = None
    way: Literal["deposit", "withdrawal"] | None = None


class Subjects(_Strict):
    """Whom the case follows: listed addresses, a column of a CSV, or all with a tag."""

    chain: str
    addresses: tuple[str, ...] = ()
    csv: str | None = None
    column: str | None = None
    concept: str | None = None
    label: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Subjects:
        ways = [bool(self.addresses), self.csv is not None, bool(self.concept or self.label)]
        if sum(ways) != 1 or (self.csv is None) != (self.column is None):
            raise ValueError("give addresses, or csv with column, or concept and label")
        return self


class Token(_Strict):
    """The token of an account chain, by contract; without a contract it is the chain's coin."""

    chain: str
    contract: str | None = None
    symbol: str | None = None
    decimals: Annotated[int, Field(ge=0, le=38)] | None = None

    @model_validator(mode="after")
    def _shown(self) -> Token:
        if self.contract is not None and (self.symbol is None or self.decimals is None):
            raise ValueError("give the symbol and the decimals of the token beside its contract")
        return self


class OpenedEnd(_Strict):
    """An end by custody behind which following goes on, and why a person wants that."""

    address: str
    why: Annotated[str, Field(min_length=1)]


class Follow(_Strict):
    """How value is followed.

    ``custody`` says at whose addresses it ends by what they do: deposit addresses and wallets that
    pay one service alone, or these with the hot, cold and gas wallets of services. ``max_age`` is
    in days.
    """

    policy: Annotated[
        str, AfterValidator(_known_policy), Field(json_schema_extra={"enum": [*_POLICIES]})
    ] = "fifo"
    trifle: Annotated[int, Field(ge=0)] = 0
    alike_head: Annotated[int, Field(ge=0)] = 0
    alike_tail: Annotated[int, Field(ge=TAILS[0], le=TAILS[-1])] = 4
    min_share: Annotated[int, Field(ge=1, le=1000)] = 980
    min_sweeps: Annotated[int, Field(ge=SWEPT)] = SWEPT
    min_equal: Annotated[int, Field(ge=2)] = 3
    custody: Literal["deposits", "roles"] = "deposits"
    max_hops: int | None = None
    max_age: Annotated[int, Field(ge=1)] | None = None
    min_amount: Annotated[int, Field(ge=0)] = 0
    spread_unstated: bool = False
    opened: tuple[OpenedEnd, ...] = ()


class NamedDay(_Strict):
    """A day that splits the payments in before and after."""

    day: date
    name: str


class CaseFile(_Strict):
    """A whole case file."""

    case: Head
    sources: Annotated[tuple[SourceTable, ...], Field(min_length=1)]
    tags: tuple[TagFiles, ...] = ()
    statements: tuple[StatementFile, ...] = ()
    subjects: Subjects
    asset: Token | None = None
    follow: Follow = Follow()
    dates: tuple[NamedDay, ...] = ()

    @field_validator("sources")
    @classmethod
    def _ledger_alone(cls, sources: tuple[SourceTable, ...]) -> tuple[SourceTable, ...]:
        if len(sources) > 1 and any(isinstance(item, LedgerTable) for item in sources):
            raise ValueError(
                "a ledger that exists is used as it is, so nothing can be read beside it; leave "
                "out the other sources, or read them into it with chainwatch pull"
            )
        return sources


def case_model(kinds: tuple[str, ...]) -> type[CaseFile]:
    """Return the model of a case file whose sources are of these kinds; only they are loaded."""
    tables = [table_of(kind) for kind in kinds] or [LedgerTable]
    one: Any = tables[0]
    if len(tables) > 1:
        one = Annotated[Union[tuple(tables)], Field(discriminator="kind")]  # noqa: UP007
    listed = Annotated[tuple[one, ...], Field(min_length=1)]
    made: type[CaseFile] = create_model(
        "CaseFile", __base__=CaseFile, __doc__=CaseFile.__doc__, sources=(listed, ...)
    )
    return made


def load_case(path: str | Path) -> CaseFile:
    """Read a case file.

    Raises
    ------
    CaseError
        Naming the file, the key and what is wrong with it.
    """
    return parse_case(_toml(Path(path)), where=str(path))


def _toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, or say in one sentence why there is none."""
    if path.is_dir():
        raise CaseError(
            "this is a folder, not a case file", where=str(path), remedy="name a TOML file"
        )
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        what, remedy = "there is no such case file", "check the path"
    except OSError as error:
        what, remedy = f"the case file cannot be read: {error.strerror or error}", None
    except UnicodeDecodeError:
        what, remedy = "the case file cannot be read: it is no text in UTF-8", "name a TOML file"
    except ValueError as error:  # also what TOML itself refuses, with line and column
        what, remedy = not_toml(text, str(error))
    raise CaseError(what, where=str(path), remedy=remedy)


def parse_case(table: dict[str, Any], *, where: str) -> CaseFile:
    """Make a case of plain data.

    Raises
    ------
    CaseError
        Naming the first key that does not fit.
    """
    model = case_model(kinds_of(table, where))
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise misfit(error.errors(include_url=False), model, where) from None


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
    return found
