"""Who may be shown outside the desk: subjects, findings and services, read off the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from chainwatch.attribution.tags import Tags
from chainwatch.attribution.taxonomy import is_a
from chainwatch.clusters.cluster import Clusters
from chainwatch.provenance import Result
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.custody import Hosted
from chainwatch.tracing.trace import Trace
from chainwatch.triage.privacy import FINDING, SERVICE, SUBJECT, Edition, Party

_RANK = {SUBJECT: 0, FINDING: 1, SERVICE: 2}
_FINDINGS = ("abuse", "vendor", "dark_market", "market", "perpetrator")
_HIDDEN = ("victim",)


def roles_of(results: Iterable[Result]) -> dict[Party, str]:
    """Return the role of every address that is not a bystander.

    Subjects of traces and of lists of counterparties, addresses tagged with a concept of abuse
    or service, hosted addresses, the ends of traces at services, and the clusters of all these.
    Where an address has several roles, subject speaks before finding before service.
    """
    found: dict[Party, str] = {}
    listed = list(results)
    for result in listed:
        for party, role in _roles(result):
            _keep(found, party, role)
    for result in listed:
        if isinstance(result, Clusters):
            _spread(found, result.frame)
    return found


def _keep(found: dict[Party, str], party: Party, role: str) -> None:
    if party not in found or _RANK[role] < _RANK[found[party]]:
        found[party] = role


def _roles(result: Result) -> Iterable[tuple[Party, str]]:
    if isinstance(result, Trace):
        chain = result.asset.chain
        for name in ("address", "subject"):
            yield from (((chain, item), SUBJECT) for item in result.origins[name].to_list())
        served = result.ends.filter(pl.col("service").is_not_null())["address"].drop_nulls()
        yield from (((chain, item), SERVICE) for item in served.to_list())
    elif isinstance(result, Counterparties):
        items = result.frame["subject"].unique().to_list()
        yield from (((result.asset.chain, item), SUBJECT) for item in items)
    elif isinstance(result, Hosted):
        rows = result.frame.select("chain", "address").iter_rows()
        yield from (((chain, address), SERVICE) for chain, address in rows)
    elif isinstance(result, Tags):
        for chain, address, concept in result.frame.select(
            "chain", "address", "concept"
        ).iter_rows():
            role = _of_concept(concept)
            if role:
                yield (chain, address), role


def _of_concept(concept: str | None) -> str | None:
    if concept is None or any(is_a(concept, hidden) for hidden in _HIDDEN):
        return None
    if any(is_a(concept, one) for one in _FINDINGS):
        return FINDING
    return SERVICE if is_a(concept, "service") else None


def _spread(found: dict[Party, str], members: pl.DataFrame) -> None:
    """Give every address of a cluster the first role that one of its addresses has."""
    rows = list(members.select("chain", "address", "cluster").iter_rows())
    of: dict[Party, str] = {}
    for chain, address, cluster in rows:
        if (chain, address) in found:
            _keep(of, (chain, cluster), found[chain, address])
    for chain, address, cluster in rows:
        if (chain, cluster) in of:
            _keep(found, (chain, address), of[chain, cluster])


def sealed(record: Mapping[str, Any], edition: Edition) -> dict[str, Any]:
    """Return a record with every digest in it as the edition may show it."""
    return {
        key: edition.seal(str(value)) if key == "content" else _seal(value, edition)
        for key, value in record.items()
    }


def _seal(value: Any, edition: Edition) -> Any:
    if isinstance(value, str) and value.startswith("sha256:"):
        return f"sha256:{edition.seal(value.removeprefix('sha256:'))}"
    if isinstance(value, Mapping):
        return sealed(value, edition)
    if isinstance(value, (list, tuple)):
        return [_seal(item, edition) for item in value]
    return value
