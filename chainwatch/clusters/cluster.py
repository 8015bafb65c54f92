"""From links to owners: connected components of the links that no veto stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.alarms import ALARMS, contradictions
from chainwatch.clusters.apart import Apart, Tagged, named
from chainwatch.clusters.columns import ClusterColumns, ColumnJoining
from chainwatch.clusters.explain import Explanation, explain, refused_between
from chainwatch.clusters.finding import opened_said, owners_finding
from chainwatch.clusters.forest import COLLAPSES, MEMBERS, OWNERS, REFUSED, Forest
from chainwatch.clusters.fragility import Fragility, fragility
from chainwatch.clusters.graph import ClusterGraph, Looked, cluster_graph
from chainwatch.clusters.groups import FrameGroups, Groups, told_members
from chainwatch.clusters.numbering import PLACE
from chainwatch.clusters.paths import FrameGrove, Paths
from chainwatch.clusters.regrow import LARGE, Terms, differing_ends, regrow
from chainwatch.errors import InputError, expect
from chainwatch.heuristics.link_columns import LinkColumns
from chainwatch.heuristics.links import BOTH_ENDS, FOREST, Links, canonical, told
from chainwatch.heuristics.predicted import shaken
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.deferred import Deferred
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result, digest_rows, recorded
from chainwatch.results.roles import Roles
from chainwatch.results.table import Rows
from chainwatch.results.text_frame import text_frame
from chainwatch.sanitize import preformatted
from chainwatch.units import counted


@dataclass(frozen=True, repr=False, eq=False)
class Clusters(Result):
    """Addresses grouped by owner, with the evidence that joined them.

    A cluster's id is its smallest address, so the same addresses always get the same id. An
    address that no link joins is a cluster of its own and stands in no table. Addresses are
    canonical bytes; :meth:`plain` returns them as text.

    Where a link joins addresses of two chains, each chain's part of the owner is a cluster with
    an id of that chain, and ``owners`` says which are one.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, address, cluster``: one row per address of a cluster of two or more, sorted.
    links : Links
        All links it was made from, contested ones included.
    forest : polars.DataFrame
        The links of the evidence forest: the maximum spanning forest by falling confidence, then
        transaction, then addresses.
    alarms : polars.DataFrame
        Clusters whose owner's tags, on all chains, name more than one actor: ``chain, cluster,
        addresses`` (tagged ones), ``actors``.
    collapses : polars.DataFrame
        Links that joined two large groups of like size, or differently tagged ones: ``chain, tx,
        txid, a, b, rule, addresses_a, addresses_b`` (on the two sides before), ``reason``.
    refused : polars.DataFrame
        Links that would have joined what must stay apart, with the reason: rows in
        :data:`chainwatch.clusters.forest.REFUSED`.
    owners : polars.DataFrame
        ``owner, chain, cluster``: clusters of several chains that are one owner's.
    terms : Terms
        On what terms the links were joined.
    opened : int
        Predictions that joined before evidence was rejected or came; they are not made again.
    columns : ClusterColumns or None
        The same by numbers; ``frame`` and ``forest`` are then made when first read. Internal.
    """

    trial = True
    frame: pl.DataFrame
    links: Links
    forest: pl.DataFrame
    alarms: pl.DataFrame
    collapses: pl.DataFrame = field(default_factory=COLLAPSES.empty)
    refused: pl.DataFrame = field(default_factory=REFUSED.empty)
    owners: pl.DataFrame = field(default_factory=OWNERS.empty)
    terms: Terms = field(default_factory=Terms)
    opened: int = 0
    columns: ClusterColumns | None = field(default=None, kw_only=True)

    def edges(self) -> Sequence[Edges]:
        """Return the links that join the clusters as edges: their direction means nothing."""
        return (Edges("forest", "a", "b", across="across"),)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "clusters": MEMBERS.rows(self.frame),
            "owners": OWNERS.rows(self.owners),
            "forest": told(self.forest, FOREST),
            "alarms": ALARMS.rows(self.alarms),
            "collapses": told(self.collapses, COLLAPSES),
            "refused": told(self.refused, REFUSED),
        }

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digest of each table, of columns where the frames are made of them."""
        if self.columns is None:
            return super().table_digests()
        small = {
            "owners": OWNERS.rows(self.owners),
            "alarms": ALARMS.rows(self.alarms),
            "collapses": told(self.collapses, COLLAPSES),
            "refused": told(self.refused, REFUSED),
        }
        return {name: digest_rows(rows) for name, rows in small.items()} | self.columns.digests()

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the addresses that are joined to the subjects."""
        return (owners_finding(subjects, self),)

    def roles(self) -> Roles:
        """Return who shares the roles that one address of a cluster has."""
        return Roles(clusters=self.frame)

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.columns or FrameGrove(self.forest))

    @cached_property
    def _groups(self) -> Groups:
        return self.columns or FrameGroups(self.frame, self.links)

    def path(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links from one address to another in walking order, in ``BOTH_ENDS``.

        Empty where nothing joins them. Chains are CAIP-2 ids, addresses canonical bytes.
        """
        return self._paths.between(chain, a, chain_b, b)

    def refused_between(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links that would have joined the clusters of two addresses."""
        return refused_between(self.refused, self._together(chain, a), self._together(chain_b, b))

    def _together(self, chain: str, address: bytes) -> pl.DataFrame:
        """Return all addresses of an owner, on all chains: ``chain, address``."""
        mine = self._groups.cluster_of(chain, address)
        if mine is None:
            return pl.DataFrame({"chain": [chain], "address": [address]})
        here = self.owners.filter((pl.col("chain") == chain) & (pl.col("cluster") == mine))
        ids = self.owners.filter(pl.col("owner").is_in(here["owner"].implode()))
        ids = pl.concat([ids.select("chain", "cluster"),
                         pl.DataFrame({"chain": [chain], "cluster": [mine]})]).unique()  # fmt: skip
        return self.frame.join(ids, on=["chain", "cluster"], how="semi").select(PLACE)

    def of(self, address: str | bytes, chain: str | Chain | None = None) -> bytes:
        """Return the id of the cluster an address is in: itself where nothing joins it.

        It is canonical bytes; ``addresses.text(bytes, chain)`` writes them out.
        """
        where, key = self._key(address, chain)
        return self._groups.cluster_of(where, key) or key

    def members(self, address: str | bytes, chain: str | Chain | None = None) -> list[bytes]:
        """Return all addresses of the cluster that an address is in, as sorted canonical bytes.

        They are those on its chain. :meth:`plain` returns them as text.
        """
        where, key = self._key(address, chain)
        return self._groups.members_of(where, key) or [key]

    def why(
        self, a: str | bytes, b: str | bytes, chain: str | Chain | None = None,
        chain_b: str | Chain | None = None,
    ) -> Explanation:  # fmt: skip
        """Return the path of links that joins two addresses, or why there is none.

        It is the path with the strongest weakest link, one reason among possibly many:
        :meth:`cut` says what is left without it, and :meth:`fragility` on what all rests.
        ``chainwatch.figures.path`` draws it.

        Parameters
        ----------
        a, b : str or bytes
            The two addresses.
        chain, chain_b : str or Chain, optional
            Chain of ``a``, where the links are of several, and of ``b``, where it is another.

        Raises
        ------
        AddressError
            If one of them is no address of the chain.
        InputError
            If the links are of several chains, or of none, and ``chain`` is not given.
        """
        where, start = self._key(a, chain)
        there, end = self._key(b, chain_b or chain)
        return explain(self, where, start, end, "" if there == where else there)

    @recorded
    def cut(
        self, *, rule: str | None = None, tx: str | bytes | None = None, tag: str | None = None
    ) -> Clusters:
        """Return the clusters that are left without some evidence.

        Only what the evidence touches is joined again; the result is that of joining all the
        other links from nothing, as :meth:`Links.without` leaves them.

        Parameters
        ----------
        rule : str, optional
            Without the links of this rule.
        tx : str or bytes, optional
            Without the links of this transaction.
        tag : str, optional
            Without the tags that name this actor (or, without actor, have this label): they join
            nothing, but raise alarms and keep owners apart.

        Raises
        ------
        InputError
            If nothing is named, or what is named is no evidence here.
        """
        if rule is None and tx is None and tag is None:
            raise InputError("nothing is cut", remedy="name a rule=, a tx= or a tag=")
        terms, touched = (self.terms, None) if tag is None else self.terms.without_tag(tag)
        # With less kept apart than when predictions were made, they are open.
        links = self.links if terms.apart is self.terms.apart else self.links.open()
        if tx is not None:
            links = links.without([tx])
        if rule is not None:
            links = links.without(rules=[rule])
        fell = self.opened + links.fell_open(self.links)
        return self._with(links, terms, [] if touched is None else [touched], fell)

    @recorded
    def update(self, links: Links) -> Clusters:
        """Return the clusters of other links, such as those of a ledger that has grown.

        Only what the links that are new or gone touch is joined again; the result is that of
        ``cluster(links)`` on the same terms.

        Parameters
        ----------
        links : Links
            All links, not only the new ones: ``clusters.links + more``. Predictions are undecided
            where other links join now; pass those of ``owners(...)`` to have them made anew.
        """
        expect(links, Links, "links", "pass links, as co_spends(ledger) returns them")
        grown = links.grown_from(self.links)
        return self._with(grown, self.terms, [], grown.fell_open(links))

    def _with(
        self, links: Links, terms: Terms, touched: Sequence[pl.DataFrame], opened: int
    ) -> Clusters:
        new = links.joining.select(BOTH_ENDS.names)
        ends = differing_ends(self.links.joining.select(BOTH_ENDS.names), new)
        before = Forest(self.frame, self.owners, self.forest, self.collapses, self.refused)
        made = _clusters(links, regrow(before, new, pl.concat([ends, *touched]), terms), terms)
        return replace(made, opened=opened)

    @recorded
    def at(self, threshold: float, *, unmeasured: bool = False) -> Clusters:
        """Return the clusters of the links whose own confidence is at least a threshold.

        The threshold is *per link*. It says nothing of how sure a cluster is: of a hundred links
        at 0.99 the odds are that one is wrong.

        Parameters
        ----------
        threshold : float
            From 0 to 1.
        unmeasured : bool
            Let links that nobody measured join as well; by default they join at no threshold.
        """
        links = self.links.at_least(threshold, unmeasured=unmeasured)
        fell = self.opened + links.fell_open(self.links)
        return replace(_joined(links, self.terms), opened=fell)

    def fragility(self, address: str | bytes, chain: str | Chain | None = None) -> Fragility:
        """Return the evidence without which the cluster of an address falls apart.

        Parameters
        ----------
        address : str or bytes
            Any address of the cluster; a cluster's id is one of them.
        chain : str or Chain, optional
            Its chain, where the links are of several.
        """
        where, key = self._key(address, chain)
        members = self._together(where, key).sort(PLACE)
        ends = (("chain", "a"), ("chain_b", "b"))
        links = self.links.joining
        for end in ends:  # a link between two clusters was refused, and ties nothing
            links = links.join(members, left_on=end, right_on=PLACE, how="semi")
        return fragility(links, members)

    def graph(self, ledger: Ledger, of: Looked, chain: str | Chain | None = None) -> ClusterGraph:
        """Return the clusters of some addresses, and what flowed between them and others.

        Parameters
        ----------
        ledger : Ledger
            Where the payments are.
        of : str, bytes or sequence of these
            Addresses whose clusters one looks at.
        chain : str or Chain, optional
            Their chain, where the links are of several.
        """
        asked = [of] if isinstance(of, (str, bytes)) else list(of)
        keys = [self._key(address, chain) for address in asked]
        looked = pl.DataFrame(sorted(set(keys)), schema={"chain": pl.String, "address": pl.Binary},
                              orient="row")  # fmt: skip
        expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
        return cluster_graph(ledger, self.frame, looked)

    def plain(self, table: str | bytes = "", chain: str | Chain | None = None) -> pl.DataFrame:
        """Return ``chain, address, cluster`` as texts for people; addresses are in clear.

        Parameters
        ----------
        table : str or bytes
            An address, for the cluster that it is in alone: no row where nothing joins it. Or
            another table, as :meth:`tables` names them.
        chain : str or Chain, optional
            Chain of the address, where the links are of several.
        """
        if isinstance(table, str) and table in set(self.tables()) - {"clusters"}:
            return super().plain(table)
        rows = self.frame.sort("chain", "cluster", "address")
        if table and table != "clusters":
            where, key = self._key(table, chain)
            mine = self._groups.cluster_of(where, key) or key
            rows = rows.filter((pl.col("chain") == where) & (pl.col("cluster") == mine))
        return text_frame(told_members(rows))

    def sizes(self) -> pl.DataFrame:
        """Return one row per cluster with its number of addresses, the largest first."""
        return text_frame(self._groups.sizes())

    def _key(self, address: str | bytes, chain: str | Chain | None) -> tuple[str, bytes]:
        expect(address, (str, bytes), "an address", "pass an address, as text or canonical bytes")
        found = [find_chain(chain).id] if chain else self.links.chains
        if len(found) != 1:
            names = [find_chain(name).alias for name in found] or ["btc"]
            of = f": there are links of {', '.join(names)}" if found else ""
            what = f"the chain of the address is not clear{of}"
            raise InputError(what, remedy=f"pass chain={names[0]!r}")
        return canonical(address, found[0])

    def __repr__(self) -> str:
        groups, across = self._groups, counted(self.owners["owner"].n_unique(), "owner", "owners")
        contested = groups.contested + self.refused.height
        return (
            f"Clusters({groups.clusters} of two or more addresses,"
            f" {counted(groups.height, 'address', 'addresses')},"
            f" {counted(contested, 'contested link', 'contested links')},{self.links.said_apart()}"
            f" {self.alarms.height} with tags of several actors,{opened_said(self.opened)}"
            f" {counted(self.collapses.height, 'join', 'joins')} to look at"
            + (f", {across} on several chains)" if self.owners.height else ")")
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>{preformatted(self.lineage())}"


@recorded
def cluster(
    links: Links, *, tags: Tagged | None = None, large: int = LARGE, apart: Apart | None = None
) -> Clusters:
    """Join what the links join, and keep for every join the evidence behind it.

    Wrong links show where two groups that each hang together by themselves meet in one
    transaction. Such a join is made all the same, and listed in ``collapses`` with its transaction
    for a person to judge.

    Parameters
    ----------
    links : Links
        Links of any rules. Refused and undecided ones join nothing and are reported.
    tags : Tags, optional
        Raises an alarm for each cluster whose tags name more than one actor. They never join.
    large : int
        Addresses from which on a group is large: a join of two such groups raises an alarm, where
        the smaller is a tenth of the whole or more, or has a hundred times as many addresses.
    apart : Apart, optional
        What must not come into one cluster, as :func:`keep_apart` returns it. Links join in the
        order of the forest; one that would bring together what must stay apart is refused and
        stands in ``refused`` with the reason.

    Returns
    -------
    Clusters
        The components, the evidence forest and the alarms.

    Raises
    ------
    InputError
        If ``large`` is below 2: then every join would raise an alarm.

    Fails when
    ----------
    One link is wrong: everything on both sides of it becomes one owner. Ask ``why`` of any two
    addresses that matter, and read the alarms. Where something must stay apart, a wrong link that
    comes early keeps out a right one that comes later.

    References
    ----------
    Kruskal 1956 for the forest; Harrigan and Fretter 2016 on why clusters grow, and collapse.
    """
    expect(links, Links, "links", "pass links, as co_spends(ledger) returns them")
    expect(large, int, "large", "pass a whole number")
    if apart is not None:
        expect(apart, Apart, "apart", "pass what keep_apart(...) returns")
    actors = None if tags is None else named(tags)
    if large < 2:
        raise InputError(f"a group of {large} is not large", remedy="give 2 or more addresses")
    terms = Terms(actors, apart, large)
    if isinstance(links.columns, LinkColumns):
        return _of_columns(links, links.columns, terms)
    return _joined(links, terms)


def _joined(links: Links, terms: Terms) -> Clusters:
    """Return what links of frames join; predictions only where what they rest on stands."""
    made = terms.grow(links.joining)
    if shaken(links.frame, links.ground, made.refused):
        links = links.open()
        made = terms.grow(links.joining)
    return _clusters(links, made, terms)


def _of_columns(links: Links, columns: LinkColumns, terms: Terms) -> Clusters:
    made = terms.join(joining := ColumnJoining(columns))
    found = ClusterColumns(columns, joining, made)
    frame, forest = found.views()
    alarms = contradictions(
        MEMBERS.empty() if terms.named is None else frame.get(), terms.named, OWNERS.empty()
    )
    return Clusters(
        frame, links, forest, alarms, made.collapses, made.refused, terms=terms, columns=found
    )


def _clusters(links: Links, made: Forest, terms: Terms) -> Clusters:
    alarms = contradictions(made.members, terms.named, made.owners)
    return Clusters(
        made.members, links, made.links, alarms, made.collapses, made.refused, made.owners, terms
    )
