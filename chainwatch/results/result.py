"""``Result``: what every verb returns, and the decorator that records how it came about.

A result is frozen and declares itself: its tables with a privacy class for each column, the
findings that it brings to a report, the roles that it gives to addresses, and what is drawn of
it. Whatever shows, masks, digests or exports results asks these and knows no kind of result.
"""

from __future__ import annotations

import copy
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path, PurePath
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    runtime_checkable,
)

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.atomic import check_new, write_new
from chainwatch.errors import InputError
from chainwatch.results.deferred import Deferred, Deferring
from chainwatch.results.graph import Edges, Shown, facts_of_asset, graph_of, graphml_of
from chainwatch.results.mask import shown_sentence, shown_tables
from chainwatch.results.noticed import one_verb, told
from chainwatch.results.plain import plain_frame
from chainwatch.results.provenance import Record, digest_frame, digest_json, software
from chainwatch.results.roles import NO_ROLES, NOBODY, Party, Roles
from chainwatch.results.table import Rows
from chainwatch.results.text_frame import text_frame
from chainwatch.sanitize import preformatted, visible
from chainwatch.units import counted

if TYPE_CHECKING:
    import networkx as nx

P = ParamSpec("P")


R = TypeVar("R")


class Drawing(Protocol):
    """Something that is drawn when an edition is known, so that it passes the mask."""

    @property
    def asset(self) -> Asset | None:
        """What its amounts are of; None where it has none, or has them of several."""
        ...

    def shown(self, edition: Any, redact: Callable[[str], str] = str) -> Any:
        """Return it as an edition shows it, strangers' words in it redacted.

        What is returned has ``stem`` (of its files), ``heading``, ``caption`` (what must be known
        to read it, which ``plot`` writes into the picture), ``alt`` (what it shows, in words),
        ``flows`` (the rows behind it, with ``source`` and ``target``) and ``plot(ax=None)``.
        """
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Result(Deferring, ABC):
    """What a verb found; frozen.

    A kind of result is a frozen dataclass that says its :meth:`tables`; all else has an answer
    that fits where nothing is said.

    Attributes
    ----------
    record : Record or None
        How it came about; None where it was made by hand.
    """

    trial: ClassVar[bool] = False
    """Whether another choice of method would have given another: cases log it as tried."""

    record: Record | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Let its frames print themselves for people; see :mod:`chainwatch.results.text_frame`."""
        self.put_off()
        chain = chain_of_result(self)
        for name, value in vars(self).items():
            of_another = chain and getattr(value, "network", chain) != chain
            if type(value) is pl.DataFrame or (of_another and isinstance(value, pl.DataFrame)):
                object.__setattr__(self, name, text_frame(value, chain))

    @abstractmethod
    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest, by the names of their files."""

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digest of each of its tables, computed when first read.

        A kind of result whose frames are views of other columns computes them from those.
        """
        return {name: digest_rows(rows) for name, rows in self.tables().items()}

    def words(self) -> Mapping[str, Any] | None:
        """Return what it says beside its tables, which is digested as well; None if nothing."""
        return None

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the sections that it brings to a report, in order.

        ``subjects`` are those of all results of the case: ``chain, address``.
        """
        return ()

    def roles(self) -> Roles:
        """Return what it says of who may be shown; see :mod:`chainwatch.results.roles`."""
        return NO_ROLES

    def followed(self) -> pl.DataFrame:
        """Return the subjects whom it follows: ``chain, address``."""
        return NOBODY

    def names(self) -> Iterable[tuple[str, Party]]:
        """Yield the names that it gives to addresses, each with the address.

        Where an edition masks all addresses of a name, it says the name nowhere.
        """
        return ()

    def drawings(self) -> Sequence[Drawing]:
        """Return what is drawn of it in a report."""
        return ()

    def tests_run(self) -> int:
        """Return how many tests of significance it is, each of which could come out by chance."""
        return 0

    def against(self) -> Sequence[str]:
        """Return in sentences what of it speaks against what the case asks, without amounts."""
        return ()

    def edges(self) -> Sequence[Edges]:
        """Return which of its tables are edges, and between which of their columns."""
        return ()

    @property
    def called(self) -> str:
        """What the log of a case calls it: the verb that made it."""
        return self.record.step if self.record else type(self).__name__.lower()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its content: of its rows and words, never of the time of a run."""
        return digest_result(self)

    def lineage(self) -> str:
        """Return how it came about, the latest step first."""
        return self.record.tree() if self.record else f"{self.called} made by hand"

    def plain(self, table: str = "") -> pl.DataFrame:
        """Return a table for people: addresses and ids as text, amounts in coins too; in clear.

        Parameters
        ----------
        table : str
            Which, as :meth:`tables` names them; the first, where nothing is said.

        Raises
        ------
        InputError
            If there is no such table.
        """
        asset = getattr(self, "asset", None)
        return text_frame(plain_frame(self.tables(), table, asset, chain_of_result(self)))

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return it as a graph of networkx: a node per party, an edge per row, masked as it prints.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes are texts. Amounts are integers in base units, and texts in coins; of the graph
            as a whole it is said which ``asset``, its ``decimals``, the ``edition`` and the
            ``digest`` of the result.

        Raises
        ------
        InputError
            If the result has no edges.
        """
        edges, asset = tuple(self.edges()), getattr(self, "asset", None)
        if not edges:
            raise InputError(
                f"a {type(self).__name__} has no edges between parties",
                remedy="make a graph of a trace, of counterparties, of links or of clusters",
            )
        edition, frames = shown_tables(self)
        tables = {
            name: Shown(frames[name], self.tables()[name].table)
            for name in {one.table for one in edges}
        }
        said = {"result": self.called, "edition": edition, "digest": self.digest}
        return graph_of(edges, tables, asset, {**said, **facts_of_asset(asset)})

    def to_graphml(self, path: PurePath | str, *, replace: bool = False) -> str:
        """Write :meth:`to_networkx` as GraphML into a file and return its SHA-256.

        Parameters
        ----------
        path : path
            The file.
        replace : bool
            Put it in the place of a file of that name.

        Raises
        ------
        InputError
            If the result has no edges.
        OutputExists
            If the file exists and may not be replaced.
        """
        check_new(Path(path), replace=replace)
        return write_new(Path(path), graphml_of(self.to_networkx()), replace=replace)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{rows.frame.height:,} {name}" for name, rows in self.tables().items())
        return f"{type(self).__name__}({sizes})"

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


@dataclass(frozen=True, repr=False, eq=False)
class Finding(Result):
    """One section of a report: a table that answers a question, with the words beside it.

    Attributes
    ----------
    title : str
        Heading.
    text : tuple of str
        Paragraphs: what the table shows, how it was computed, what it does not show.
    rows : Rows or None
        Its table, with addresses and transaction ids as canonical bytes: the edition shows or
        masks them. The table's name is that of its files. None where the text is all.
    asset : Asset or None
        Says on which chain the addresses are and in what unit the amounts.
    innocent : tuple of str
        What could innocently explain it.
    headline : str
        One sentence for the summary on the first page.
    """

    title: str
    text: tuple[str, ...] = ()
    rows: Rows | None = None
    asset: Asset | None = None
    innocent: tuple[str, ...] = ()
    headline: str = ""

    @property
    def name(self) -> str:
        """Name of its table; nothing where it has none."""
        return self.rows.table.name if self.rows else ""

    @property
    def frame(self) -> pl.DataFrame:
        """Its rows."""
        return self.rows.frame if self.rows else pl.DataFrame()

    @property
    def called(self) -> str:
        """What the log of a case calls it."""
        return f"finding: {self.title}"

    def tables(self) -> Mapping[str, Rows]:
        """Return its table."""
        return {self.name: self.rows} if self.rows else {}

    def words(self) -> Mapping[str, Any]:
        """Return what is said beside the table: it is digested as well."""
        return {
            "title": self.title,
            "text": list(self.text),
            "headline": self.headline,
            "innocent": list(self.innocent),
        }

    def __repr__(self) -> str:
        return f"Finding({visible(self.title)!r}, {counted(self.frame.height, 'row', 'rows')})"

    def _repr_html_(self) -> str:
        text = " ".join(shown_sentence(self, one, self.rows) for one in self.text)
        title, words = (escape(visible(item)) for item in (self.title, text))
        return f"<p><b>{title}</b><br>{words}</p>"


def chain_of_result(result: Result) -> str:
    """Return the CAIP-2 id of the one chain that a result is of; nothing where rows say theirs."""
    asset, chain = getattr(result, "asset", None), getattr(result, "chain", "")
    return str(getattr(asset, "chain", "") or getattr(chain, "id", chain) or "")


@runtime_checkable
class Identified(Protocol):
    """Anything that can say what it holds, wherever it is kept and whenever it was read."""

    def identity(self) -> Mapping[str, Any]: ...


def digest_result(result: Result) -> str:
    """Return one digest over all tables of a result, and over its words where it has any."""
    return content_of(result).get()


def content_of(result: Result) -> Deferred[str]:
    """Return the digest of a result as it is now, computed when it is first read.

    The rows are held until then. They stay what they are now: a frame that somebody changes in
    place leaves its copies alone, which share their rows with it.
    """
    digests = result.table_digests()
    words = result.words()

    def digest() -> str:
        parts: dict[str, Any] = {name: one.get() for name, one in digests.items()}
        return digest_json({"tables": parts, "words": words} if words is not None else parts)

    return Deferred(digest)


def digest_rows(rows: Rows) -> Deferred[str]:
    """Return the digest of a table as it is now, computed when it is first read."""
    frame, key = rows.frame.clone(), rows.key
    return Deferred(lambda: digest_frame(frame, key))


def with_record(result: R, record: Record) -> R:
    """Return a result with the record of how it came about; nothing that was put off is made."""
    made = copy.copy(result)
    object.__setattr__(made, "record", record)
    return made


def _described(value: object) -> Any:
    """Return what a parameter was, digests of results computed when first read."""
    if isinstance(value, Deferred):
        return f"sha256:{value.get()}"
    if isinstance(value, dict):
        return {key: _described(item) for key, item in value.items()}
    return [_described(item) for item in value] if isinstance(value, list) else value


def _describe(value: object) -> Any:
    """Return a parameter as plain data: results and frames by digest, rules by their text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Result):
        record = value.record
        return content_of(value) if record is None else Deferred(lambda: record.content)
    if isinstance(value, pl.DataFrame):
        frame = value.clone()
        return Deferred(lambda: digest_frame(frame))
    if isinstance(value, Identified):
        return _describe(value.identity())
    if isinstance(value, PurePath):
        return value.name  # the folders above say whose machine it was, not what was read
    if isinstance(value, Mapping):
        return {str(key): _describe(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_described(_describe(item)) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_describe(item) for item in value]
    name = getattr(value, "__name__", None)
    return name if callable(value) and name else str(value)


def _records(value: object) -> Iterable[Record]:
    if isinstance(value, Result):
        if value.record:
            yield value.record
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _records(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _records(item)


def _bound(
    name: str, signature: inspect.Signature, /, *args: object, **kwargs: object
) -> inspect.BoundArguments:
    """Return arguments by their names; one that is missing is told with the verb that lacks it."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}; see help(chainwatch.{name})") from None


def recorded(verb: Callable[P, R]) -> Callable[P, R]:
    """Attach to what a public verb returns the record of how it came about.

    The verb returns a frozen dataclass with a ``record`` field; its body holds no bookkeeping.
    Results among the arguments are replaced by their digests and become the inputs.
    """
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = _bound(verb.__name__, signature, *args, **kwargs)
        bound.apply_defaults()
        with one_verb():
            result = verb(*args, **kwargs)
        if not isinstance(result, Result):
            raise TypeError(f"{verb.__name__} must return a Result, not {type(result).__name__}")
        if cast(Any, type(result)).__dataclass_params__.repr:  # it would print all, in clear
            raise TypeError(
                f"declare {type(result).__name__} with repr=False, as every result is declared"
            )
        given = list(bound.arguments.values())
        params = {name: _describe(value) for name, value in bound.arguments.items()}
        record = Record(
            step=verb.__name__,
            params=cast(Any, Deferred(lambda: _described(params))),
            inputs=tuple(record for value in given for record in _records(value)),
            content=cast(Any, content_of(result)),
            software=software(),
        )
        made = with_record(result, record)
        told(made)
        return made

    return wrapped
