"""Who may be shown outside the desk: subjects, findings and services, read off the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from chainwatch.attribution.tags import Tags
from chainwatch.attribution.taxonomy import is_a
from chainwatch.clusters.cluster import Clusters
from chainwatch.privacy.edition import FINDING, SERVICE, SUBJECT, Edition, Party
from chainwatch.results.provenance import Result, recorded
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.custody import Hosted
from chainwatch.tracing.result import Trace

_RANK = {SUBJECT: 0, FINDING: 1, SERVICE: 2}
_FINDINGS = ("abuse", "vendor", "dark_market", "market", "perpetrator")
_HIDDEN = ("victim",)

SWEPT = 2
"""Sweeps from which a probable deposit address is named to others: one is weak evidence."""


def roles_of(results: Iterable[Result]) -> dict[Party, str]:
    """Return the role of every address that is not a bystander.

    Subjects of traces and of lists of counterparties, addresses tagged with a concept of abuse
    or service, the ends of traces at services, and the contracts of tokens. Clusters pass on what
    a tag or a case says of one of their addresses. Where an address has several roles, subject
    speaks before finding before service.

    A deposit address stands for one customer of a service. Only those at which a trace ends are
    shown, and of these only those swept ``SWEPT`` times or more: who passed something on to an
    exchange once may be anybody. The others of the same service concern nobody here, and neither
    do addresses that any tag calls a victim's.
    """
    found: dict[Party, str] = {}
    listed = list(results)
    for party, role in (pair for result in listed for pair in _spreading(result)):
        _keep(found, party, role)
    victims = set().union(*(_victims(result) for result in listed))
    customers = {
        party for result in listed if isinstance(result, Hosted) for party in _rows(result.frame)
    }
    for result in listed:
        if isinstance(result, Clusters):
            _spread(found, result.frame, customers | victims)
    seldom = {
        party
        for result in listed
        if isinstance(result, Hosted)
        for party in _rows(result.frame.filter(pl.col("sweeps") < SWEPT))
    }
    for party in {party for result in listed for party in _alone(result)} - seldom:
        _keep(found, party, SERVICE)
    return {party: role for party, role in found.items() if role == SUBJECT or party not in victims}


def _rows(frame: pl.DataFrame) -> Iterable[Party]:
    yield from frame.select("chain", "address").iter_rows()


def _keep(found: dict[Party, str], party: Party, role: str) -> None:
    if party not in found or _RANK[role] < _RANK[found[party]]:
        found[party] = role


def _spreading(result: Result) -> Iterable[tuple[Party, str]]:
    """Yield the roles that the other addresses of a cluster share."""
    if isinstance(result, Trace):
        chain = result.asset.chain
        for frame in (result.origins, result.subjects):
            for name in ("address", "subject"):
                yield from (((chain, item), SUBJECT) for item in frame[name].to_list())
    elif isinstance(result, Counterparties):
        items = result.frame["subject"].unique().to_list()
        yield from (((result.asset.chain, item), SUBJECT) for item in items)
    elif isinstance(result, Tags):
        columns = ("chain", "address", "concept")
        for chain, address, concept in result.frame.select(columns).iter_rows():
            role = _of_concept(concept)
            if role:
                yield (chain, address), role


def _alone(result: Result) -> Iterable[Party]:
    """Yield the addresses that are shown without their clusters: ends at services, contracts."""
    if isinstance(result, Trace):
        served = result.ends.filter(pl.col("service").is_not_null())["address"].drop_nulls()
        yield from ((result.asset.chain, item) for item in served.to_list())
    asset = getattr(result, "asset", None)
    for frame, _ in result.tables().values():
        if asset and "contract" in frame.columns and frame["contract"].dtype == pl.Binary:
            yield from ((asset.chain, item) for item in frame["contract"].drop_nulls().to_list())
    if asset and asset.contract is not None:
        yield asset.chain, asset.contract


def _victims(result: Result) -> set[Party]:
    if not isinstance(result, Tags):
        return set()
    rows = result.frame.filter(
        pl.col("concept").is_in([one for one in result.frame["concept"].unique() if _hidden(one)])
    )
    return set(_rows(rows))


def _hidden(concept: str | None) -> bool:
    return concept is not None and any(is_a(concept, one) for one in _HIDDEN)


def _of_concept(concept: str | None) -> str | None:
    if concept is None or _hidden(concept):
        return None
    if any(is_a(concept, one) for one in _FINDINGS):
        return FINDING
    return SERVICE if is_a(concept, "service") else None


@recorded
def named(tags: Tags) -> Tags:
    """Return the tags that may name a counterparty in any edition: of services and findings."""
    concepts = [one for one in tags.frame["concept"].unique().to_list() if _of_concept(one)]
    victims = pl.DataFrame(
        sorted(_victims(tags)), schema={"chain": pl.String, "address": pl.Binary}, orient="row"
    )
    rows = tags.frame.filter(pl.col("concept").is_in(concepts))
    return replace(tags, frame=rows.join(victims, on=["chain", "address"], how="anti"))


def _spread(found: dict[Party, str], members: pl.DataFrame, apart: set[Party]) -> None:
    """Give every address of a cluster the first role that one of its addresses has.

    Those set apart get no role of a service this way.
    """
    rows = list(members.select("chain", "address", "cluster").iter_rows())
    of: dict[Party, str] = {}
    for chain, address, cluster in rows:
        if (chain, address) in found:
            _keep(of, (chain, cluster), found[chain, address])
    for chain, address, cluster in rows:
        role = of.get((chain, cluster))
        if role and not (role == SERVICE and (chain, address) in apart):
            _keep(found, (chain, address), role)


def sealed(record: Mapping[str, Any], edition: Edition) -> dict[str, Any]:
    """Return a record with every digest in it as the edition may show it."""
    return {
        key: edition.digest(str(value)) if key == "content" else _seal(value, edition)
        for key, value in record.items()
    }


def _seal(value: Any, edition: Edition) -> Any:
    if isinstance(value, str) and value.startswith("sha256:"):
        return edition.digest(value.removeprefix("sha256:"))
    if isinstance(value, Mapping):
        return sealed(value, edition)
    if isinstance(value, (list, tuple)):
        return [_seal(item, edition) for item in value]
    return value
