"""Commands that follow value: ``trace``, ``exposure`` and ``action-sheet``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.custody import CustodyOption, OpenOption, custody
from chainwatch.cli.options import (
    AuthorityOption,
    EditionOption,
    HostsOption,
    LedgerOption,
    ReasonOption,
    asking,
    check_edition,
    show_in,
)
from chainwatch.cli.output import interruptible, names_in, say, show
from chainwatch.cli.pulling.histories import (
    ApiOption,
    BudgetOption,
    FetchOption,
    KeyOption,
    histories_of,
)
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.addresses.assets import Asset
    from chainwatch.attribution.resolve import Owners
    from chainwatch.attribution.tags import Tags
    from chainwatch.cli.custody import Custody
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.results.result import Result
    from chainwatch.tracing.result import Trace

POLICIES_TOLD = "How balances are divided, such as fifo; there is no default."

FOLLOWING: tuple[tuple[str, Any, Any], ...] = (
    ("subjects", Annotated[list[str], typer.Argument(
        metavar="SUBJECT", help="Addresses, outputs or transfers TXID:N, or TXID.")], ...),
    ("ledger", LedgerOption, ...),
    ("policy", Annotated[str | None, typer.Option("--policy", help=POLICIES_TOLD)], None),
    ("chain", Annotated[str | None, typer.Option(
        "--chain", help="Alias or CAIP-2 id, where it is in doubt.")], None),
    ("asset", Annotated[str | None, typer.Option(
        "--asset", help="On account chains: native, or CONTRACT,SYMBOL,DECIMALS.")], None),
    ("clusters", Annotated[bool, typer.Option(
        "--clusters", help="On coin chains: subjects and services are whole clusters.")], False),
    ("mixes", Annotated[bool, typer.Option(
        "--mixes", help="On coin chains: value ends where strangers mix, or may.")], False),
    ("custody", CustodyOption, None),
    ("open", OpenOption, None),
    ("max_hops", Annotated[int | None, typer.Option(
        "--max-hops", help="End after so many payments from the subject.")], None),
    ("max_age", Annotated[int | None, typer.Option(
        "--max-age", help="End at payments more than so many days after value came in.")], None),
    ("min_amount", Annotated[int, typer.Option(
        "--min-amount", help="End below so many base units, such as satoshi.")], 0),
    ("out", Annotated[Path | None, typer.Option(
        "--out", help="New folder for tables, picture and report.")], None),
    ("edition", EditionOption, "disclosure"),
    ("reason", ReasonOption, ""),
    ("authority", AuthorityOption, ""),
)  # fmt: skip
"""What every command that follows value takes: name, what it is, and what it is if left out."""

StopOption = Annotated[
    list[Path] | None,
    typer.Option("--stop", help="Tags: value ends at their services. May be repeated."),
]
TagsOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Tags: whom to look for and to stop at. May be repeated."),
]
DirectionOption = Annotated[
    str, typer.Option("--direction", help="forward, to where it went; or backward.")
]
CurrencyOption = Annotated[
    str | None,
    typer.Option("--currency", help="Also worth in this currency, by the ledger's prices: EUR."),
]
PriceSourceOption = Annotated[
    str | None,
    typer.Option("--price-source", help="Whose prices, where several publish them."),
]


@dataclass(frozen=True)
class Following:
    """The values of :data:`FOLLOWING`."""

    subjects: list[str]
    ledger: Path
    policy: str | None
    chain: str | None
    asset: str | None
    clusters: bool
    mixes: bool
    custody: str | None
    open: list[str] | None
    max_hops: int | None
    max_age: int | None
    min_amount: int
    out: Path | None
    edition: str
    reason: str
    authority: str


def following(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all share, before its own; it gets them as one value."""
    names = [name for name, _, _ in FOLLOWING]

    @wraps(command)
    def run(**given: Any) -> None:
        asked = Following(**{name: given.pop(name) for name in names})
        command(asked, **given)

    _, *own = signature(command, eval_str=True).parameters.values()
    shared = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is ... else default,
            annotation=kind,
        )
        for name, kind, default in FOLLOWING
    ]
    taken = [*shared, *(one.replace(kind=Parameter.KEYWORD_ONLY) for one in own)]  # fmt: skip
    run.__dict__["__signature__"] = Signature(taken)
    run.__annotations__ = {one.name: one.annotation for one in taken}
    del run.__dict__["__wrapped__"]
    return run


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (trace, exposure, action_sheet):
        app.command()(command)


@following
def trace(
    asked: Following,
    all_policies: Annotated[
        bool,
        typer.Option("--all-policies", help="Follow under each: a range, no confidence interval."),
    ] = False,
    direction: DirectionOption = "forward",
    stop: StopOption = None,
    fetch: FetchOption = None,
    api: ApiOption = None,
    key: KeyOption = None,
    budget: BudgetOption = 100,
    only_hosts: HostsOption = "",
) -> None:
    """Follow what subjects received to where it ended, or backward to where it came from.

    With --custody value also ends at addresses that do what a service's do, confirmed by no tag;
    --open goes on behind one.

    With --fetch what the ledger lacks is asked for as the trace goes; a ledger that does not
    exist is made. What a third party was asked stands in LEDGER.disclosures.jsonl. --api says whose
    interface the server has, as in --fetch https://eth.blockscout.com/api --api blockscout.

    Example: chainwatch trace bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy fifo
    --stop out/otter/data/tags --custody deposits --ledger out/otter/ledger --out out/followed
    """
    with interruptible("interrupted; nothing was written"):
        _check_edition(asked)
        _check_fetch(asked, fetch)
        read = _open(asked.ledger, new=fetch is not None)
        given = _given(asked, read, direction, _tags(stop, asked.chain))
        _check_choice(asked.policy, read, given, every=all_policies)
        held = _held(given)
        if fetch:
            given |= {"fetch": histories_of(fetch, given["chain"], api, key), "budget": budget}
        with asking(asked.ledger, only_hosts=only_hosts), watched("following"):
            verb: Any = cw.trace_all if all_policies else cw.trace
            policy = {} if all_policies else {"policy": asked.policy}
            found = verb(read, asked.subjects, **given, **policy)
        show(found)
        if fetch:
            read = found.fetched.ledger
        for line in _asked(found):
            say(line)
        if asked.out:
            say(f"{asked.edition}: {_write(asked.out, read, asked, found, *held)}")


@following
def exposure(
    asked: Following,
    tags: TagsOption = None,
    stop: StopOption = None,
    currency: CurrencyOption = None,
    price_source: PriceSourceOption = None,
) -> None:
    """Sum up how much of what subjects received reached those whom tags name.

    Value ends at the services of --stop, or else at those of --tags. With --currency each sum has
    its worth by the prices of the ledger, at the hour of each payment, or else its day.

    Example: chainwatch exposure bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy haircut
    --tags out/otter/data/tags --ledger out/otter/ledger
    """
    with interruptible("interrupted; nothing was written"):
        read, named = _open(asked.ledger), _tags(tags, asked.chain)
        if named is None:
            raise InputError("no tags were named", remedy="pass --tags")
        given = _given(asked, read, "forward", _tags(stop, asked.chain) or named)
        _check_choice(asked.policy, read, given, every=False)
        _check_edition(asked)
        with watched("following"):
            followed = cw.trace(read, asked.subjects, policy=asked.policy, **given)
            found = cw.exposure(
                followed, named, clusters=given["clusters"], ledger=read if currency else None,
                currency=currency, price_source=price_source,
            )  # fmt: skip
        names = names_in([named])
        for row in found.plain().iter_rows(named=True):
            said = f"{row['actor']} ({row['concept'] or 'tagged without a concept'})"
            amounts = f"{row['arrived_coins']} arrived, {row['stayed_coins']} stayed"
            say(f"{said}: {amounts}, {row['hops']} or more hops away ({row['basis']})", names)
        if found.prices:
            for line in _worth(found):
                say(line, names)
        if found.order_open:
            say(f"{found.order_open} The amounts above are those of one order.", names)
        show(found, names)
        if asked.out:
            held = _held(given)
            say(f"{asked.edition}: {_write(asked.out, read, asked, followed, found, *held)}")


def _worth(found: Any) -> Iterator[str]:
    """Yield in words what each category was worth, and of what the prices are."""
    from chainwatch.ledger.prices import minor_digits

    for row in found.categories.iter_rows(named=True):
        if row["fiat"] is not None:
            whom = row["entity"] or row["category"]
            worth = f"{row['fiat']:,.{minor_digits(row['currency'])}f} {row['currency']}"
            yield f"{whom}, {row['reason']}: worth {worth}"
    yield from found.not_read()


@following
def action_sheet(
    asked: Following, tags: TagsOption = None, direction: DirectionOption = "forward"
) -> None:
    """List where somebody could act on what subjects received, and sum up the rest by reason.

    With --out also a request to preserve records for each service, in clear: each is told its own
    addresses and the payments there, and nothing of anybody else. The folder holds the case in
    case/ and the requests in requests/; the issuer of a token gets one too.

    Example: chainwatch action-sheet bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy fifo
    --tags out/otter/data/tags --ledger out/otter/ledger --out out/acting
    """
    with interruptible("interrupted; nothing was written"):
        _check_edition(asked)
        read, named = _open(asked.ledger), _tags(tags, asked.chain)
        given = _given(asked, read, direction, named)
        _check_choice(asked.policy, read, given, every=False)
        with watched("following"):
            followed = cw.trace(read, asked.subjects, policy=asked.policy, **given)
            found = cw.action_sheet(followed, tags=named, ledger=read)
        show(found, names_in([named] if named else []))
        if asked.out:
            _write_sheet(asked.out, read, asked, followed, found, *_held(given))
            say(f"{asked.edition}: {asked.out / CASE}")
            say(f"requests, in clear, each for its addressee alone: {asked.out / REQUESTS}")


CASE, REQUESTS = "case", "requests"
"""Folders of an action sheet: the sealed case, and a text for each service."""


def _write_sheet(
    out: Path, ledger: Ledger, asked: Following, followed: Trace, found: cw.ActionSheet,
    *held: Result,
) -> None:  # fmt: skip
    """Write the case, and the requests beside it: they are no part of what is sealed."""
    from chainwatch.atomic import write_new, write_whole

    def fill(place: Path) -> None:
        _write(place / CASE, ledger, asked, followed, found, *held)
        (place / REQUESTS).mkdir()
        for number, (service, said) in enumerate(found.requests().items(), 1):
            write_new(place / REQUESTS / f"{number:02}_{_file_name(service)}.md", said.encode())

    write_whole(out, fill)


def _file_name(service: str) -> str:
    """Return a name as a part of a file's name: letters and digits of any file system."""
    return re.sub(r"[^a-z0-9]+", "_", service.casefold()).strip("_")[:40] or "service"


def _open(ledger: Path, *, new: bool = False) -> Ledger:
    from chainwatch.ledger.ledger import open_ledger
    from chainwatch.ledger.storage.store import Store

    if new and not ledger.exists():
        Store.create(ledger)
    return open_ledger(ledger)


def _tags(files: list[Path] | None, chain: str | None) -> Tags | None:
    return cw.read_tags(files, chain=chain) if files else None


def _given(asked: Following, ledger: Ledger, direction: str, tags: Tags | None) -> dict[str, Any]:
    """Return what is handed to the verb; the chain is that of a ledger of one."""
    chain = asked.chain or (ledger.chains[0].id if len(ledger.chains) == 1 else None)
    age = None if asked.max_age is None else timedelta(days=asked.max_age)
    asset = asset_named(asked.asset, chain)
    held = custody(asked.custody, asked.open, ledger, tags, asset, chain)
    return {
        "chain": chain, "asset": asset, "direction": direction,
        "max_hops": asked.max_hops, "max_age": age, "min_amount": asked.min_amount,
        "stop": stops_of(tags, held, mixes=asked.mixes), "clusters": _clusters(asked, ledger),
    }  # fmt: skip


def stops_of(tags: Tags | None, held: Custody | None, *, mixes: bool) -> list[Any]:
    """Return where value ends: at services, and by custody and at mixes where that is asked."""
    from chainwatch.heuristics.coinjoin import JOINT

    services = [tags.services()] if tags else []
    return [*services, *([held] if held is not None else []), *([JOINT] if mixes else [])]


def _held(given: dict[str, Any]) -> list[Result]:
    """Return what custody was found in, to be shown beside what was followed."""
    return [one for one in given["stop"] if isinstance(one, (cw.Hosted, cw.WalletRoles))]


def _check_fetch(asked: Following, fetch: str | None) -> None:
    """Refuse custody of what is only being fetched: the verdict would hang on the budget."""
    if fetch and asked.custody:
        raise InputError(
            "--custody and --fetch: custody is judged of whole histories, which are read as value"
            " reaches them: where it ends would depend on the budget and the order of answers",
            remedy="run with --fetch first, then again with --custody and without --fetch",
        )


def _clusters(asked: Following, ledger: Ledger) -> Owners | None:
    """Return the clusters of the default recipe, if they are asked for."""
    if not asked.clusters:
        return None
    if not any(one.family == "utxo" for one in ledger.chains):
        raise InputError(
            "--clusters on a ledger without coins", remedy="leave it out: nothing is spent together"
        )
    with watched("clusters"):
        return cw.owners(ledger)


def asset_named(text: str | None, chain: str | None) -> Asset | None:
    """Return the asset that ``--asset`` says: the chain's own coin, or a token by its contract."""
    if text is None:
        return None
    if chain is None:
        raise InputError("--asset without a chain", remedy="name it with --chain")
    if text == "native":
        return cw.native(chain)
    contract, symbol, decimals = ([*text.split(","), "", ""])[:3]
    if text.count(",") != 2 or not contract or not symbol or not decimals.isdecimal():
        raise InputError(
            f"{text!r} names no asset",
            remedy="write --asset native, or --asset CONTRACT,SYMBOL,DECIMALS",
        )
    return cw.token(chain, contract, symbol, int(decimals))


def _check_choice(
    policy: str | None, ledger: Ledger, given: dict[str, Any], *, every: bool
) -> None:
    """Refuse what chooses no policy, or one beside all; say which there are, and why."""
    from chainwatch.tracing.arguments import policies_for
    from chainwatch.tracing.policies import POLICIES

    if every and policy:
        raise InputError(f"--policy {policy} and --all-policies", remedy="give one of them")
    if every or policy:
        return
    chains = {given["chain"] or one.id for one in ledger.chains}
    told = [policies_for(chain, given["direction"]) for chain in sorted(chains)]
    fit = [one.name for one in POLICIES if any(one in some for some in told)]
    raise InputError(
        "no policy was chosen: which part of a mixed balance a payment is made of is not on the"
        " chain, and who reads the result must know what was assumed",
        remedy=f"write --policy with one of {', '.join(fit)}, or --all-policies",
    )


def _check_edition(asked: Following) -> None:
    """Refuse what could not be written, before anything is followed; show all in its edition."""
    from chainwatch.atomic import absolute, check_free

    check_edition(asked.edition, asked.reason, asked.authority)
    if asked.out:
        check_free(absolute(asked.out))
    show_in(asked.edition, asked.reason, asked.authority)


def _asked(found: Any) -> tuple[str, ...]:
    """Return what following was asked to stop at: the same under every policy."""
    one = found if isinstance(found, cw.Trace) else next(iter(found.traces.values()))
    return one.asked.said()


def _write(out: Path, ledger: Ledger, asked: Following, *found: Result) -> Path:
    """Write a case of what was found: every table, the flow picture and the report, sealed."""
    from chainwatch.figures import flow

    name = "Value that was followed" if out.name == CASE else out.name
    case = cw.Case(name, question="Where did the subjects' money go, or come from?")
    for one in found:
        case.add(one)
        for drawn in _drawn(one):
            case.add(flow(drawn, title=f"Followed by {drawn.policy}", ledger=ledger))
    case.look_beside(ledger)
    return case.write(out, edition=asked.edition, reason=asked.reason, authority=asked.authority)


def _drawn(found: Result) -> list[Trace]:
    """Return the traces that are drawn: itself, or of a range those that lie in it."""
    if isinstance(found, cw.TraceRange):
        return [found.traces[name] for name in found.compared]
    return [found] if isinstance(found, cw.Trace) else []
