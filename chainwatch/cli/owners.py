"""Commands about owners: ``clusters``, ``why`` and ``change-labels``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.progress import watched

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.attribution.tags import Tags
    from chainwatch.clusters.apart import Apart
    from chainwatch.clusters.cluster import Clusters
    from chainwatch.ledger.ledger import Ledger

ChainOption = Annotated[
    str | None, typer.Option("--chain", help="Alias or CAIP-2 id, where it is in doubt.")
]
ChainBOption = Annotated[
    str | None, typer.Option("--chain-b", help="The chain of B, where it is another and in doubt.")
]
WithoutTxOption = Annotated[
    list[str] | None,
    typer.Option("--without-tx", help="Reject this transaction as evidence. May be repeated."),
]
WithoutRuleOption = Annotated[
    list[str] | None,
    typer.Option("--without-rule", help="Reject all links of this rule. May be repeated."),
]
TagsOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Tags that raise alarms; they join nobody. May be repeated."),
]

ApartOption = Annotated[
    list[str] | None,
    typer.Option(
        "--apart", metavar="A,B", help="Two addresses that must not be joined. May be repeated."
    ),
]
UnreadFlagsOption = Annotated[
    str,
    typer.Option(
        "--unread-flags",
        help="What inputs do whose signatures were not read: by_height, join or undecided.",
    ),
]
WithoutRevealedOption = Annotated[
    bool,
    typer.Option(
        "--without-revealed", help="Leave out addresses that only unlocking scripts name."
    ),
]

ChangeModelOption = Annotated[
    Path | None,
    typer.Option(
        "--change-model", help="Also join change by this model, for leads; each link says so."
    ),
]

MOST_SHOWN = 20
"""Clusters, members and pieces of evidence that are listed; the rest are counted."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (clusters, why, change_labels):
        app.command()(command)


def clusters(
    ledger: LedgerOption,
    address: Annotated[
        str, typer.Argument(metavar="[ADDRESS]", help="Only its cluster, and on what that rests.")
    ] = "",
    chain: ChainOption = None,
    tags: TagsOption = None,
    apart: ApartOption = None,
    without_tx: WithoutTxOption = None,
    without_rule: WithoutRuleOption = None,
    unread_flags: UnreadFlagsOption = "by_height",
    without_revealed: WithoutRevealedOption = False,
    change_model: ChangeModelOption = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the members here.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Group addresses into owners, list the largest clusters, and say what is doubtful.

    With an address its cluster is listed, and the evidence without which it falls apart.

    Example: chainwatch clusters --ledger out/otter/ledger --tags out/otter/data/tags
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = opened(ledger)
        of = _chain_of(address, read, chain) if address else ""
        terms = _Terms(
            tags, apart, without_tx, without_rule, unread_flags, not without_revealed, change_model
        )
        found = _owners(read, of or chain or only_chain(read), terms)
        lines = list(_one(found, address, of) if address else _largest(found))
        lines += _of_accounts(read, found, tagged=bool(tags))
    for line in lines:
        say(line)
    show(found)
    if csv:
        rows = found.plain(address, of) if address else found.plain()
        write_csv(csv, rows, replace=replace)


def why(
    a: Annotated[str, typer.Argument(metavar="A", help="An address.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another address.")],
    ledger: LedgerOption,
    chain: ChainOption = None,
    chain_b: ChainBOption = None,
    tags: TagsOption = None,
    apart: ApartOption = None,
    without_tx: WithoutTxOption = None,
    without_rule: WithoutRuleOption = None,
    unread_flags: UnreadFlagsOption = "by_height",
    without_revealed: WithoutRevealedOption = False,
    change_model: ChangeModelOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw it: an .svg or .png file.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Say why two addresses are held to have one owner, link by link, or why not.

    Example: chainwatch why bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0
    bcrt1qzup2h3c87x7ddyftjuxgs5p2kt5nfg5gyfj0d3 --ledger out/otter/ledger
    """
    check_named(picture, replace=replace)
    with interruptible():
        read = opened(ledger)
        here, there = _chain_of(a, read, chain), _chain_of(b, read, chain_b or chain)
        terms = _Terms(
            tags, apart, without_tx, without_rule, unread_flags, not without_revealed, change_model
        )
        owners = _owners(read, here, terms)
        found = owners.why(a, b, here, there)
        lines = [*_contradictions(_contradicted(owners, a, here))] if found.joined else []
        lines += _of_accounts(read, owners, tagged=bool(tags))
        if picture:
            from chainwatch.figures import path, save

            save(path(found), picture, replace=replace)
    show(found)
    for line in lines:
        say(line)


def change_labels(
    ledger: Annotated[
        list[Path], typer.Option("--ledger", help="Folder of a ledger. May be repeated.")
    ],
    tags: TagsOption = None,
    fit: Annotated[
        Path | None,
        typer.Option("--fit", help="Fit a model of change to them, and write it here."),
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Count the transactions whose change shared spending tells, and why others have no label.

    With --fit a random forest is fitted to them (scikit-learn), with its rates of error on owners
    that it was not fitted to.

    Example: chainwatch change-labels --ledger out/otter/ledger
    """
    check_named(fit, replace=replace)
    from chainwatch.trained.labels import change_labels as labelled
    from chainwatch.trained.training import change_model

    with interruptible(), watched("labelling change"):
        reads = [opened(one) for one in ledger]
        found = [labelled(one, tags=tags_in(tags, only_chain(one))) for one in reads]
        model = change_model(found) if fit else None
        if model and fit:
            model.write(fit, replace=replace)
    for labels in found:
        show(labels)
        for reason, transactions in labels.left_out.iter_rows():
            say(f"    {reason}: {transactions:,}")
    if model:
        show(model)


def tags_in(files: list[Path] | None, chain: str | None) -> Tags | None:
    """Return the tags of some files; None where none are named."""
    if not files:
        return None
    from chainwatch.attribution.tags import read_tags

    return read_tags(files, chain=chain)


def opened(ledger: Path) -> Ledger:
    """Return a ledger, opened."""
    from chainwatch.ledger.ledger import open_ledger

    return open_ledger(ledger)


def only_chain(ledger: Ledger) -> str | None:
    """Return the chain of a ledger of one: an address is of it, whether or not links name it."""
    return ledger.chains[0].id if len(ledger.chains) == 1 else None


def _contradicted(found: Clusters, address: str, chain: str) -> pl.DataFrame:
    """Return what tags say of the owner of an address that cannot all be true, as ``alarms``."""
    import polars as pl

    from chainwatch.clusters.alarms import contradictions

    key = found.of(address, chain)
    joined = pl.struct("chain", "cluster") == {"chain": chain, "cluster": key}
    if found.frame.filter(joined).height:
        return found.alarms.filter(joined)
    alone = pl.DataFrame([(chain, key, key)], found.frame.schema, orient="row")
    return contradictions(alone, found.terms.named, found.owners)


def _chain_of(address: str, ledger: Ledger, said: str | None) -> str:
    """Return the chain of an address: the one of the ledger's that it is written for.

    Where it is written alike on several, it is the one that was said.
    """
    from chainwatch.addresses.canonical import parse
    from chainwatch.addresses.diagnose import quoted
    from chainwatch.chains.catalogue import chain as chain_named
    from chainwatch.errors import AddressError, InputError

    able = []
    for one in ledger.chains:
        with suppress(AddressError):
            parse(address, one)
            able.append(one)
    named = chain_named(said) if said else None
    if len(able) == 1:
        return able[0].id
    if named is not None or len(ledger.chains) == 1:
        return named.id if named else ledger.chains[0].id
    if not ledger.chains:
        return chain_named("btc").id
    names = ", ".join(one.alias for one in able or ledger.chains)
    raise InputError(
        f"the chain of the address {quoted(address)} is not clear: {names}", remedy="add --chain"
    )


class _Terms(NamedTuple):
    """On what terms a command joins addresses."""

    tags: list[Path] | None
    apart: list[str] | None
    txids: list[str] | None
    rules: list[str] | None
    unread_flags: str
    revealed: bool
    change_model: Path | None


def _owners(ledger: Ledger, chain: str | None, terms: _Terms) -> Clusters:
    """Return the owners of a ledger on some terms, without the evidence that is rejected."""
    from chainwatch.clusters.recipe import WITH_ACCOUNTS, Recipe, owners
    from chainwatch.heuristics.signing import checked
    from chainwatch.trained.file import read_change_model

    flags, accounts = checked(terms.unread_flags), _has_accounts(ledger)
    change = read_change_model(terms.change_model).rule() if terms.change_model else None
    rules = WITH_ACCOUNTS.accounts if accounts else ()
    recipe = Recipe(change=change, unread_flags=flags, revealed=terms.revealed, accounts=rules)
    tags, apart = tags_in(terms.tags, chain), _kept_apart(terms.apart, chain)
    with watched("joining addresses"):
        found = owners(ledger, recipe=recipe, tags=tags, apart=apart)
        for txid in terms.txids or []:
            found = found.cut(tx=txid)
        for rule in terms.rules or []:
            found = found.cut(rule=rule)
        return found


def _has_accounts(ledger: Ledger) -> bool:
    return any(one.family != "utxo" for one in ledger.chains)


def _of_accounts(ledger: Ledger, found: Clusters, *, tagged: bool) -> Iterator[str]:
    """Yield how much rules on accounts are worth, where the ledger has accounts."""
    from chainwatch.heuristics.rates import MEASURED

    if not _has_accounts(ledger):
        return
    yield (
        "on chains of accounts nobody spends together: these are leads, each by a rule that is"
        " wrong as often as is said here; --without-rule takes one out"
    )
    for rule in sorted(set(found.links.joining["rule"]) & set(MEASURED.by_rule)):
        rate = MEASURED.by_rule[rule]
        yield f"  {rule}: {rate.right:,} of {rate.of:,} such links right ({rate.basis})"
    if not tagged:
        yield "without --tags no wallet of a service is known: deposit addresses link nobody"


def _kept_apart(pairs: list[str] | None, chain: str | None) -> Apart | None:
    """Return the pairs that must not be joined."""
    from chainwatch.clusters.apart import keep_apart
    from chainwatch.errors import InputError

    if not pairs:
        return None
    if chain is None:
        raise InputError("the chain of what is kept apart is not clear", remedy="add --chain")
    both = []
    for pair in pairs:
        a, comma, b = pair.partition(",")
        if not comma:
            raise InputError(f"--apart {pair} names one address", remedy="write A,B")
        both.append((chain, a.strip(), chain, b.strip()))
    return keep_apart(both, reason="stated with --apart")


def _largest(found: Clusters) -> Iterator[str]:
    """Yield the largest clusters with what tags say of them, then what a person should look at."""
    from chainwatch.addresses.canonical import text
    from chainwatch.chains.catalogue import chain as chain_of
    from chainwatch.units import counted

    rows, said = found.sizes(), _names(found)
    for chain, cluster, addresses in rows.head(MOST_SHOWN).iter_rows():
        names = "; ".join(said.get((chain, cluster), []))
        of = f"  ({names})" if names else ""
        size = counted(addresses, "address", "addresses")
        yield f"{chain_of(chain).alias}  {text(cluster, chain)}  {size}{of}"
    yield from _more(rows.height, "clusters")
    yield from _contradictions(found.alarms.head(MOST_SHOWN))
    yield from _more(found.alarms.height, "contradictions")
    for row in found.collapses.head(MOST_SHOWN).iter_rows(named=True):
        yield (
            f"look at {row['txid'][::-1].hex() if row['txid'] else 'a statement'}:"
            f" it joins {row['addresses_a']:,} to"
            f" {counted(row['addresses_b'], 'address', 'addresses')}"
            f" ({row['reason']})"
        )
    yield from _more(found.collapses.height, "joins to look at")


def _contradictions(alarms: pl.DataFrame) -> Iterator[str]:
    """Yield what tags say of an owner that cannot all be true."""
    from chainwatch.addresses.canonical import text

    for row in alarms.iter_rows(named=True):
        yield (
            f"tags contradict: {text(row['cluster'], row['chain'])} is said to be {row['actors']}"
        )


def _names(found: Clusters) -> dict[tuple[str, bytes], list[str]]:
    """Return what tags call members of the clusters, by chain and cluster."""
    if found.terms.named is None:
        return {}
    joined = found.frame.join(found.terms.named, on=["chain", "address"])
    names = joined.select("chain", "cluster", "name").unique().sort("chain", "cluster", "name")
    said: dict[tuple[str, bytes], list[str]] = {}
    for chain, cluster, name in names.iter_rows():
        said.setdefault((chain, cluster), []).append(name)
    return said


def _one(found: Clusters, address: str, chain: str) -> Iterator[str]:
    """Yield the members of one cluster, then the evidence on which it rests."""
    from chainwatch.units import counted

    rows = found.plain(address, chain)
    if rows.is_empty():
        yield f"nothing joins {address} to any other address"
        yield from _contradictions(_contradicted(found, address, chain))
        return
    yield f"consistent with one owner: {counted(rows.height, 'address', 'addresses')}"
    for one in rows["address"].head(MOST_SHOWN):
        yield f"  {one}"
    yield from _more(rows.height, "addresses")
    yield from _elsewhere(found, address, chain)
    yield from _contradictions(_contradicted(found, address, chain))
    fragile = found.fragility(address, chain)
    yield repr(fragile)
    pieces = fragile.plain()
    for row in pieces.head(MOST_SHOWN).iter_rows(named=True):
        yield (
            f"without {row['txid'] or 'a statement on ' + str(row['a'])} ({row['rules']}) it falls"
            f" into {row['parts']:,} parts: {counted(row['split_off'], 'address', 'addresses')}"
            " split off"
        )
    yield from _more(pieces.height, "pieces of evidence")


def _elsewhere(found: Clusters, address: str, chain: str) -> Iterator[str]:
    """Yield what the same owner has on other chains."""
    import polars as pl

    from chainwatch.chains.catalogue import chain as chain_of
    from chainwatch.units import counted

    mine = pl.struct("chain", "cluster") == {"chain": chain, "cluster": found.of(address, chain)}
    owner = found.owners.filter(mine)["owner"]
    others = found.owners.filter(pl.col("owner").is_in(owner.implode()) & ~mine)
    for _, other, cluster in others.iter_rows():
        rows = found.plain(cluster, other)["address"]
        size = counted(rows.len(), "address", "addresses")
        yield f"and, by links between chains, {size} on {chain_of(other).alias}"
        for one in rows.head(MOST_SHOWN):
            yield f"  {one}"
        yield from _more(rows.len(), "addresses")


def _more(count: int, what: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  and {count - MOST_SHOWN:,} more {what}"
