"""``Tags``: who says that an address is what, since when, how surely; and what was not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from html import escape
from pathlib import Path

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.attribution.conflicts import find_conflicts
from chainwatch.attribution.contact import says, words_of
from chainwatch.attribution.files.readers import Said
from chainwatch.attribution.files.several import read_paths
from chainwatch.attribution.naming import holds_part
from chainwatch.attribution.rejections import REJECTED, one_per_key, quoted, rejected_frame
from chainwatch.attribution.roles import named_rows, roles_of_tags
from chainwatch.attribution.taxonomy import ENDING, descendants, known, level
from chainwatch.attribution.validity import day_of
from chainwatch.attribution.withdrawal import (
    WITHDRAWN,
    said_by,
    standing,
    taken_apart,
    withdrawn,
)
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import TagError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import Result, recorded
from chainwatch.results.roles import Party, Roles
from chainwatch.results.table import Rows
from chainwatch.results.text_frame import text_frame
from chainwatch.units import counted


@dataclass(frozen=True, repr=False, eq=False)
class Tags(Result):
    """Attributions of addresses, one row per tag and concept.

    Make them with :func:`read_tags`, :func:`tags_of` or
    :func:`chainwatch.attribution.sanctions.read_sanctions`. They are never changed: each method
    returns others.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of ``schema.TAGS``, sorted by its key.
    rejected : polars.DataFrame
        What was read and not taken: ``file, position, text, reason``. The text is a stranger's.
    gone : polars.DataFrame
        Tags that were withdrawn, with the day, by whom and why; they speak no more. See
        :meth:`retract` and :meth:`as_of`.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame = field(default_factory=rejected_frame)
    gone: pl.DataFrame = field(default_factory=WITHDRAWN.empty)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of; ``withdrawn`` where there are any."""
        said = {"tags": TAGS.rows(self.frame), "rejected": REJECTED.rows(self.rejected)}
        return said if self.gone.is_empty() else {**said, "withdrawn": WITHDRAWN.rows(self.gone)}

    def roles(self) -> Roles:
        """Return that who is tagged with a concept of abuse is a finding, or a service, or hidden.

        See :mod:`chainwatch.attribution.roles`.
        """
        return roles_of_tags(self.frame)

    def names(self) -> Iterator[tuple[str, Party]]:
        """Yield what its rows call each address: label and actor."""
        columns = ("chain", "address", "label", "actor")
        for frame in (self.frame, self.gone):
            for chain, address, *names in frame.select(columns).iter_rows():
                yield from ((name, (chain, address)) for name in names if name)

    def kept(self, keep: Callable[[pl.DataFrame], pl.DataFrame]) -> Tags:
        """Return the rows that a filter keeps, of those that stand and of those withdrawn."""
        return replace(self, frame=keep(self.frame), gone=keep(self.gone))

    @recorded
    def services(self) -> Tags:
        """Return the rows of those who hold or mix the money of many, to stop a trace at.

        Exchanges and other services, banks, bridges, mixers, and wallets that services call their
        own (hot, warm, cold, deposit): the concepts of ``taxonomy.ENDING`` and narrower ones.
        """
        ending = sorted({one for broad in ENDING for one in (broad, *descendants(broad))})
        return self.kept(lambda frame: frame.filter(pl.col("concept").is_in(ending)))

    @recorded
    def where(
        self,
        concept: str | None = None,
        actor: str | None = None,
        label: str | None = None,
        chain: Chain | str | None = None,
        source: str | None = None,
        min_level: int | str | None = None,
        matching: str | None = None,
        channel: str | None = None,
        substance: str | None = None,
    ) -> Tags:
        """Return the rows that fit everything that is given; what fits nothing says so.

        Parameters
        ----------
        concept : str, optional
            Concept id; narrower concepts fit too, so ``service`` finds exchanges.
        actor, label, source : str, optional
            ``actor``: its exact text; ``label``: its exact text; ``source``: its exact text.
        chain : Chain or str, optional
            Chain, alias or CAIP-2 id.
        min_level : int or str, optional
            Lowest level of confidence, as a number from 0 to 100 or by name.
        matching : str, optional
            Any part of a label or an actor, in capitals or not: to look for somebody. What a case
            rests on is better named by an exact ``label`` or ``actor``.
        channel : str, optional
            Where a contact began, as the context says: ``messaging``, ``darknet_market``, ..
        substance : str, optional
            Class of substances, as the context says; narrower classes fit too, so
            ``synthetic_opioids`` finds ``nitazenes``.

        Raises
        ------
        TagError
            If there is no such concept, channel or class; the sentence lists those that look like
            it.
        """
        fits = [pl.lit(True)]
        if concept is not None:
            fits.append(pl.col("concept").is_in([known(concept), *descendants(concept)]))
        if chain is not None:
            fits.append(pl.col("chain") == chain_of(chain).id)
        if min_level is not None:
            least = level(min_level) if isinstance(min_level, str) else min_level
            fits.append(pl.col("level") >= least)
        for name, value in (("actor", actor), ("label", label), ("source", source)):
            if value is not None:
                fits.append(pl.col(name) == value)

        def fitting(frame: pl.DataFrame) -> pl.DataFrame:
            rows = frame.filter(fits)
            if matching is not None:
                rows = rows.filter(holds_part(rows, matching))
            if channel is not None or substance is not None:
                rows = rows.filter(says(rows, channel, substance))
            return rows

        return self.kept(fitting)

    @recorded
    def on(self, day: date | str) -> Tags:
        """Return the tags that hold on a day; undated ones stay, and :attr:`undated` counts them.

        A bound that is not stated excludes nothing: whether an undated tag held on that day is
        not known.
        """
        moment = day_of(day)
        begun = pl.col("first_day").is_null() | (pl.col("first_day") <= moment)
        lasts = pl.col("last_day").is_null() | (pl.col("last_day") >= moment)
        return self.kept(lambda frame: frame.filter(begun & lasts))

    @recorded
    def as_of(self, day: date | str) -> Tags:
        """Return what had been said by a day, so that what was found then is found again.

        Left out is what was said later; what was withdrawn later stands again. An act of an
        authority (a designation, an order) was public on its first day, though the list that tells
        it may be younger; that it would end later was not. A tag that does not tell when it was
        said stays, and :attr:`unsaid` counts those.

        :meth:`on` is another question: which tags hold on a day, whenever they were said. What one
        could know on a day of that day is ``tags.as_of(day).on(day)``.
        """
        frame, gone = said_by(self.frame, self.gone, day_of(day))
        return make_tags(frame, self.rejected, gone)

    @recorded
    def retract(
        self, which: Tags, *, on: date | str, by: str, why: str,
        held_until: date | str | None = None,
    ) -> Tags:  # fmt: skip
        """Withdraw tags: they speak no more from a day on, and are kept with by whom and why.

        :func:`chainwatch.findings_using` tells which results rest on them.

        Parameters
        ----------
        which : Tags
            The tags to withdraw, such as ``tags.where(label=...)``.
        on : datetime.date or str
            Day of the withdrawal.
        by, why : str
            ``by``: who withdraws them; ``why``: for what reason.
        held_until : datetime.date or str, optional
            Last day on which they were right, of what ended: a delisting. They go on to speak of
            the days until then.

        Raises
        ------
        TagError
            If none of them stands here, it is not said by whom or why, or one was said after the
            day, or began after the last day.

        Examples
        --------
        >>> cash = tags.where(label="tornado.cash")  # doctest: +SKIP
        >>> tags.retract(cash, on="2025-03-21", held_until="2025-03-20", by="OFAC", why="delisted")
        ... # doctest: +SKIP
        """
        expect(which, Tags, "the tags to withdraw", "pass tags, such as tags.where(label=...)")
        if not by.strip() or not why.strip():
            raise TagError("a withdrawal without by whom or why", remedy="say both")
        rows = self.frame.join(which.frame, on=list(TAGS.key), how="semi", nulls_equal=True)
        if rows.is_empty():
            raise TagError("none of these tags stands here", remedy="look at tags.where(...) first")
        day = day_of(on)
        if (rows["as_of"] > day).any():
            raise TagError(f"a tag was said after {day}", remedy="check the day of the withdrawal")
        frames = [self.frame]
        if held_until is not None:
            last = day_of(held_until)
            if (rows["first_day"] > last).any():
                raise TagError(f"a tag began after {last}", remedy="check the last day")
            ended = rows.with_columns(last_day=pl.lit(last), as_of=pl.lit(day))
            frames.append(ended.select(self.frame.columns))
        gone = pl.concat([self.gone, withdrawn(rows, day, by, why)])
        return make_tags(pl.concat(frames), self.rejected, gone)

    @property
    def unsaid(self) -> int:
        """Rows that do not tell on which day their source said so."""
        return self.frame["as_of"].null_count()

    @property
    def undated(self) -> int:
        """Rows without a first valid day."""
        return self.frame["first_day"].null_count()

    def addresses(self, chain: Chain | str | None = None) -> pl.DataFrame:
        """Return the distinct ``(chain, address)``, of one chain or of all, sorted."""
        rows = text_frame(self.frame.select("chain", "address").unique().sort("chain", "address"))
        return rows if chain is None else rows.filter(pl.col("chain") == chain_of(chain).id)

    def of(self, address: bytes | str, chain: Chain | str) -> pl.DataFrame:
        """Return the rows of one address, given as text or canonical bytes."""
        wanted = canonical.parse(address, chain) if isinstance(address, str) else address
        here = pl.col("chain") == chain_of(chain).id
        return text_frame(self.frame.filter(here & (pl.col("address") == wanted)))

    def conflicts(self) -> pl.DataFrame:
        """Return where tags name two owners for one address at the same time.

        See :func:`chainwatch.attribution.conflicts.find_conflicts`.
        """
        return text_frame(find_conflicts(self.frame))

    def __add__(self, other: Tags) -> Tags:
        """Return both together; see :func:`merge_tags`."""
        if not isinstance(other, Tags):
            return NotImplemented
        return merge_tags(self, other)

    def plain(self, table: str = "tags") -> pl.DataFrame:
        """Return the rows as texts for people, safe on a terminal; addresses are in clear."""
        if table != "tags":
            return super().plain(table)
        texts = [
            canonical.text(address, chain)
            for chain, address in self.frame.select("chain", "address").iter_rows()
        ]
        days = ("first_day", "last_day", "as_of")
        rows = self.frame.select(
            pl.col("chain").map_elements(lambda name: chain_of(name).alias, pl.String),
            pl.Series("address", texts, pl.String),
            *(_shown(name) for name in ("label", "concept", "actor", "source", "confidence")),
            *(pl.col(day).dt.to_string("%Y-%m-%d") for day in days),
            _shown("pack"),
            pl.col("definer"),
            *words_of(self.frame),
            _shown("context"),
        ).with_columns(pl.col("first_day").fill_null("undated"))
        return text_frame(rows)

    def counts(self) -> pl.DataFrame:
        """Return ``concept, addresses, undated`` per concept, the largest first."""
        return (
            self.frame.group_by("concept")
            .agg(
                pl.struct("chain", "address").n_unique().cast(pl.Int64).alias("addresses"),
                pl.struct("chain", "address").filter(pl.col("first_day").is_null())
                .n_unique().cast(pl.Int64).alias("undated"),
            )
            .sort("addresses", "concept", descending=[True, False])
        )  # fmt: skip

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        if self.record and self.record.step == "where" and not len(self):
            given = {name: said for name, said in self.record.params.items() if name != "self"}
            asked = ", ".join(
                f"{name}={said!r}" for name, said in given.items() if said is not None
            )
            return f"Tags(no row fits {quoted(asked)})"
        return (
            f"Tags({counted(len(self), 'row', 'rows')} on"
            f" {counted(self.addresses().height, 'address', 'addresses')},"
            f" {self.undated:,} undated, {self.rejected.height:,} not taken{self._gone})"
        )

    @property
    def _gone(self) -> str:
        return f", {self.gone.height:,} withdrawn" if self.gone.height else ""

    def _repr_html_(self) -> str:
        head = "<tr><th>concept</th><th>addresses</th><th>undated</th></tr>"
        rows = "".join(
            f"<tr><td>{escape(quoted(concept or 'none stated'))}</td>"
            f"<td>{count:,}</td><td>{undated:,}</td></tr>"
            for concept, count, undated in self.counts().iter_rows()
        )
        return f"<p>{escape(repr(self))}</p><table>{head}{rows}</table>"


@recorded
def merge_tags(first: Tags, second: Tags) -> Tags:
    """Return two sets of tags as one; the order does not matter and nothing is lost.

    Rows that are equal become one. Of rows with the same key and other values (two versions of one
    pack, say) the latest ``as_of`` stands, then the lower confidence; the others are listed among
    the rejected with what they say.
    """
    frames = pl.concat([first.frame, second.frame])
    notes = pl.concat([first.rejected, second.rejected])
    return make_tags(frames, notes, pl.concat([first.gone, second.gone]))


@recorded
def read_tags(
    path_or_paths: str | Path | Sequence[str | Path],
    *,
    chain: Chain | str | None = None,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
    compiled: str | Path | None = None,
) -> Tags:
    """Read TagPacks, tables, plain lists of addresses, and feeds of MISP and STIX.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
        A folder (every TagPack in it and below; ``config.yaml`` and ActorPacks are passed over and
        noted among the rejected), one TagPack, a table (``.csv``, ``.tsv``), a plain list
        (``.txt``, one address a line), or an event of MISP or a bundle of STIX 2.1 (``.json``).
        Each may be packed as ``.gz``. Files of one name from several paths are told apart by their
        folders.
    chain : Chain or str, optional
        Chain of a list, and of tags in packs, tables and feeds that state no network.
    kind : str, optional
        ``tagpack``, ``table``, ``list`` or ``feed`` where a file's name does not tell, or to take
        these files of a folder.
    columns : mapping of str to str, optional
        Of tables: what is said, such as ``address``, ``label``, ``concept``, ``actor``,
        ``source``, ``first_day``, to the name of the column that says it. What is not named is in
        the column of its own name, if there is one.
    compiled : path, optional
        A folder in which what was read of each file is kept, so that it is not parsed again; see
        :mod:`chainwatch.attribution.files.compiled`. The tags are the same as without.

    Returns
    -------
    Tags
        What a list or a table leaves unsaid stays unsaid: no concept, confidence *unknown*,
        undated. Rows that are not taken are kept in ``rejected``, each with its reason.
        :func:`chainwatch.attribution.sanctions.read_sanctions` reads lists of designations.

    Raises
    ------
    TagError
        If a file breaks its format, or what was compiled of it was changed; the sentence names
        file, tag, line and remedy.
    """
    expect(path_or_paths, (str, Path, Sequence), "the path", "name a file, a folder or several")
    given = [path_or_paths] if isinstance(path_or_paths, (str, Path)) else path_or_paths
    network = chain_of(chain).alias if chain is not None else None
    said = Said(network, columns, None if compiled is None else Path(compiled))
    parts = read_paths([Path(path) for path in given], said, kind=kind)
    frames = [TAGS.empty(), *(frame for frame, _ in parts)]
    return make_tags(pl.concat(frames), pl.concat([rejected_frame(), *(note for _, note in parts)]))


@recorded
def named(tags: Tags) -> Tags:
    """Return the tags that may name a counterparty in any edition: of services and findings."""
    return tags.kept(named_rows)


@recorded
def tags_of(ledger: Ledger) -> Tags:
    """Return the tags that are kept with a ledger."""
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    return make_tags(ledger.tags.collect())


def make_tags(
    frame: pl.DataFrame, rejected: pl.DataFrame | None = None, gone: pl.DataFrame | None = None
) -> Tags:
    """Return rows of ``schema.TAGS`` as ``Tags``: sorted, equal rows once, keys unique.

    Of rows with one key and other values the latest ``as_of`` stands, then the lower level. Rows
    that were withdrawn, as ``gone`` or their context says, do not stand.
    """
    rows, told = taken_apart(TAGS.conform(frame))
    left = pl.concat([told] if gone is None else [gone, told]).unique().sort(WITHDRAWN.names)
    stand = standing(rows, left)
    passed = [rejected_frame() if rejected is None else rejected]
    if stand.select(TAGS.key).is_duplicated().any():
        stand, notes = one_per_key(stand)
        passed.append(notes)
    notes = pl.concat(passed).unique(maintain_order=True)
    return Tags(stand.sort(TAGS.key, nulls_last=True), notes, left)


def _shown(name: str) -> pl.Expr:
    return pl.col(name).map_elements(quoted, pl.String)
