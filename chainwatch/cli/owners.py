"""Commands about owners: ``clusters``, ``why`` and ``change-labels``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from chainwatch.cli.cluster_lines import contradicted, contradiction_lines, largest, one_cluster
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.attribution.tags import Tags
    from chainwatch.clusters.apart import Apart
    from chainwatch.clusters.cluster import Clusters
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.tracing.custody.hosted import Hosted

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

KeySetsOption = Annotated[
    bool,
    typer.Option(
        "--key-sets",
        help="Also join multisigs with those of nearly the same keys that took their place.",
    ),
]

LeadsOption = Annotated[
    bool,
    typer.Option(
        "--leads",
        help="On account chains: let links join that are not shown to be right nine times in ten;"
        " without it none joins today.",
    ),
]

HostedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hosted",
        metavar="ASSET",
        help="On account chains: judge custody in it (native, or CONTRACT,SYMBOL,DECIMALS); who is"
        " paid into a probable deposit address counts as its customer. May be repeated.",
    ),
]


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
    key_sets: KeySetsOption = False,
    leads: LeadsOption = False,
    hosted: HostedOption = None,
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
            tags,
            apart,
            without_tx,
            without_rule,
            unread_flags,
            not without_revealed,
            change_model,
            key_sets,
            leads,
            hosted,
        )
        found = _owners(read, of or chain or only_chain(read), terms)
        lines = list(one_cluster(found, address, of) if address else largest(found))
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
    key_sets: KeySetsOption = False,
    leads: LeadsOption = False,
    hosted: HostedOption = None,
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
            tags,
            apart,
            without_tx,
            without_rule,
            unread_flags,
            not without_revealed,
            change_model,
            key_sets,
            leads,
            hosted,
        )
        owners = _owners(read, here, terms)
        found = owners.why(a, b, here, there)
        lines = [*contradiction_lines(contradicted(owners, a, here))] if found.joined else []
        lines += _of_accounts(read, owners, tagged=bool(tags))
        if picture:
            from chainwatch.figures import path, save

            save(path(found), picture, replace=replace)
    show(found)
    for line in lines:
        say(line)
    if change_model:
        from chainwatch.change_models.file import read_change_model

        for votes in read_change_model(change_model).on_path(read, found):
            show(votes)


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
    from chainwatch.change_models.labels import change_labels as labelled
    from chainwatch.change_models.training import change_model

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
    key_sets: bool
    leads: bool
    hosted: list[str] | None


def _owners(ledger: Ledger, chain: str | None, terms: _Terms) -> Clusters:
    """Return the owners of a ledger on some terms, without the evidence that is rejected."""
    from chainwatch.change_models.file import read_change_model
    from chainwatch.clusters.recipe import LEADS, WITH_ACCOUNTS, Recipe, owners
    from chainwatch.heuristics.signing import checked

    flags, accounts = checked(terms.unread_flags), _has_accounts(ledger)
    change = read_change_model(terms.change_model).rule() if terms.change_model else None
    of_accounts = LEADS if terms.leads else WITH_ACCOUNTS
    recipe = Recipe(
        change=change, unread_flags=flags, revealed=terms.revealed,
        accounts=of_accounts.accounts if accounts else (),
        accounts_at_least=of_accounts.accounts_at_least, key_sets=terms.key_sets,
    )  # fmt: skip
    tags, apart = tags_in(terms.tags, chain), _kept_apart(terms.apart, chain)
    judged = _judged(ledger, tags, terms.hosted, chain)
    with watched("joining addresses"):
        found = owners(ledger, recipe=recipe, tags=tags, apart=apart, hosted=judged)
        for txid in terms.txids or []:
            found = found.cut(tx=txid)
        for rule in terms.rules or []:
            found = found.cut(rule=rule)
        return found


def _judged(
    ledger: Ledger, tags: Tags | None, assets: list[str] | None, chain: str | None
) -> list[Hosted]:
    """Return whose custody is judged, in each asset that ``--hosted`` names."""
    from chainwatch.chains.catalogue import chain as chain_named
    from chainwatch.cli.trace import asset_named
    from chainwatch.errors import InputError
    from chainwatch.tracing.custody.hosted import hosted

    if not assets:
        return []
    if tags is None:
        raise InputError(
            "--hosted without tags: nobody knows whose wallets are paid",
            remedy="pass the tags of services with --tags",
        )
    if chain is None or chain_named(chain).family == "utxo":
        raise InputError(
            "--hosted names an asset, and no chain of accounts that it is on",
            remedy="name the chain with --chain, or leave --hosted out",
        )
    services, named = tags.services(), [asset_named(one, chain) for one in assets]
    with watched("custody"):
        return [hosted(ledger, services, asset=one) for one in named if one is not None]


def _has_accounts(ledger: Ledger) -> bool:
    return any(one.family != "utxo" for one in ledger.chains)


def _of_accounts(ledger: Ledger, found: Clusters, *, tagged: bool) -> Iterator[str]:
    """Yield how much rules on accounts are worth, where the ledger has accounts."""
    from chainwatch.heuristics.link_rules import OF_ACCOUNTS
    from chainwatch.heuristics.rates import MEASURED

    if not _has_accounts(ledger):
        return
    yield (
        "on chains of accounts nobody spends together: links rest on habits, and are right as often"
        " as is said here where owners are simulated"
    )
    links = found.links.frame
    for rule in OF_ACCOUNTS:
        mine, rate = links.filter(rule=rule), MEASURED.by_rule[rule]
        if mine.height:
            joining, open_ = mine.filter(veto=False).height, mine["veto"].null_count()
            yield (
                f"  {rule}: {joining:,} join, {mine.height - joining - open_:,} refused,"
                f" {open_:,} undecided; {rate.right:,} of {rate.of:,} right"
                f" ({100 * rate.right / rate.of:.1f} %)"
            )
    yield (
        "without --leads those join that are shown to be right nine times in ten, by the lower end"
        " of the interval of their rate, and today no rule is; with it all join"
    )
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
