"""Who may be shown outside the desk, put together from what each result says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from chainwatch.privacy.edition import Edition
from chainwatch.privacy.mask_rows import asset_of, columns_of, parties
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Result
from chainwatch.results.roles import FINDING, SERVICE, SUBJECT, Party, Roles
from chainwatch.results.table import Privacy

_RANK = {SUBJECT: 0, FINDING: 1, SERVICE: 2}


def roles_of(results: Iterable[Result]) -> dict[Party, str]:
    """Return the role of every address that is not a bystander.

    Subjects, addresses tagged with a concept of abuse or service, the ends of traces at services,
    and the contracts of tokens. Clusters pass on what is said of one of their addresses, of a tag
    where its publisher says it of the whole cluster; where nothing is said, only if a result was
    asked to take it so. Where an address has several roles, subject speaks before finding before
    service.

    A deposit address stands for one customer of a service. Only those at which a trace ends are
    shown, and of these only those that are shown by more than one sweep. The others of the same
    service concern nobody here, and neither do addresses that any tag calls a victim's, nor private
    persons whom tags call vendors or the like and whom no result on subjects meets.
    """
    listed = list(results)
    said = _of_the_case(listed, [result.roles() for result in listed])
    found: dict[Party, str] = {}
    for one in said:
        for party, role in one.spreading.items():
            _keep(found, party, role)
        if any(other.spread_unstated for other in said):
            for party, role in one.unstated.items():
                _keep(found, party, role)
    protected = frozenset[Party]().union(*(one.protected for one in said))
    customers = frozenset[Party]().union(*(one.customers for one in said))
    for one in said:
        if one.clusters is not None:
            _spread(found, one.clusters, customers | protected)
    for one in said:
        for party, role in (*one.unstated.items(), *one.single.items()):
            _keep(found, party, role)
    for party in _alone(listed, said):
        _keep(found, party, SERVICE)
    return {
        party: role for party, role in found.items() if role == SUBJECT or party not in protected
    }


def _of_the_case(results: list[Result], said: list[Roles]) -> list[Roles]:
    """Return what results say, without findings among the tagged whom nothing here meets.

    Met is who stands in a row of a result that has subjects, and whoever is of one cluster with
    them.
    """
    met = set[Party]()
    for result, one in zip(results, said, strict=True):
        if SUBJECT in {*one.spreading.values(), *one.single.values()}:
            met |= parties(result)
    for one in said:
        if one.clusters is not None:
            met |= _joined_to(met, one.clusters)
    unmet = set[Party]().union(*(one.if_met for one in said)) - met
    return [
        replace(
            one,
            spreading=_without(one.spreading, unmet),
            unstated=_without(one.unstated, unmet),
            single=_without(one.single, unmet),
        )
        for one in said
    ]


def _without(roles: Mapping[Party, str], unmet: set[Party]) -> dict[Party, str]:
    return {who: role for who, role in roles.items() if role != FINDING or who not in unmet}


def _joined_to(met: set[Party], members: pl.DataFrame) -> set[Party]:
    rows = list(members.select("chain", "address", "cluster").iter_rows())
    theirs = {(chain, cluster) for chain, address, cluster in rows if (chain, address) in met}
    return {(chain, address) for chain, address, cluster in rows if (chain, cluster) in theirs}


def _alone(results: list[Result], said: list[Roles]) -> frozenset[Party]:
    """Return who is shown without the others of a cluster: where value ends, and contracts."""
    doubtful = frozenset[Party]().union(*(one.doubtful for one in said))
    ends = frozenset[Party]().union(*(one.alone for one in said))
    return ends.union(*(_contracts(result) for result in results)) - doubtful


def _contracts(result: Result) -> set[Party]:
    """Return the contracts of tokens that a result names: they are nobody's wallets."""
    asset = asset_of(result)
    found = {(asset.chain, asset.contract)} if asset and asset.contract is not None else set()
    for rows in result.tables().values():
        chains = chains_of(rows.frame, asset)
        for name in columns_of(rows, Privacy.CONTRACT):
            cells = zip(chains, rows.frame[name].to_list(), strict=True)
            found |= {(chain, item) for chain, item in cells if chain and item is not None}
    return found


def _keep(found: dict[Party, str], party: Party, role: str) -> None:
    if party not in found or _RANK[role] < _RANK[found[party]]:
        found[party] = role


def _spread(found: dict[Party, str], members: pl.DataFrame, apart: frozenset[Party]) -> None:
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
