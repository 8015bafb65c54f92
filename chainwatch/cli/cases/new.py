"""``chainwatch new``: six questions, each answered or given as an option, and a case file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from chainwatch.cli.output import interruptible, say
from chainwatch.errors import ChainwatchError, InputError
from chainwatch.sanitize import isolated, visible

if TYPE_CHECKING:
    from chainwatch.addresses.assets import Asset
    from chainwatch.case.file.draft import Data, Draft
    from chainwatch.chains.base import Chain

T = TypeVar("T")

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The file to write; else NAME.toml.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="Short name of the case.")]
QuestionOption = Annotated[str | None, typer.Option("--question", help="What the case asks.")]
WhomOption = Annotated[
    list[str] | None,
    typer.Option(
        "--whom",
        help="Addresses to follow, or concept:CONCEPT or label:LABEL of tags. May be repeated.",
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Folder of a ledger, block files, a table, or https:// of a server.",
    ),
]
ChainOption = Annotated[
    str | None,
    typer.Option("--chain", help="Alias or CAIP-2 id; else by how the addresses are written."),
]
AssetOption = Annotated[
    str | None,
    typer.Option("--asset", help="A token: CONTRACT,SYMBOL,DECIMALS; else the chain's coin."),
]
InvestigatorOption = Annotated[str | None, typer.Option("--investigator", help="Who works on it.")]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tags", help="Tags that say who is a service. May be repeated."),
]
PolicyOption = Annotated[
    str, typer.Option("--policy", help="How balances are divided, such as haircut.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the data; else CHAINWATCH_DATA, else the file's."),
]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Ask nothing: take what is usual where nothing is said.")
]

QUESTION = "Where did the money go?"


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(new)


def new(
    file: FileArgument = None,
    name: NameOption = None,
    question: QuestionOption = None,
    whom: WhomOption = None,
    source: SourceOption = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    investigator: InvestigatorOption = None,
    tags: TagsOption = None,
    policy: PolicyOption = "fifo",
    data: DataOption = None,
    yes: YesOption = False,
) -> None:
    """Ask six questions and write a case file that runs, with comments.

    What is given as an option is not asked. An address alone is enough: its chain is guessed.

    Example: chainwatch new --name again --whom "label:Kelp (vendor at Otter)" --chain btc-regtest
    --source out/otter/ledger --tags out/otter/data/tags --data . --yes
    """
    with interruptible("interrupted; nothing was written"):
        given = _Given(
            name, question, tuple(whom or ()), source, chain, asset, investigator,
            tuple(tags or ()), policy, data, file,
        )  # fmt: skip
        if file is not None:
            _check(file)
        draft, base, guessed = _draft(given, _Asking(not yes))
        target = file or Path(f"{draft.name}.toml")
        _check(target)
        _write(target, draft)
    for line in _next(draft, target, base, data, guessed):
        say(line)


class _Given(NamedTuple):
    """What the options say."""

    name: str | None
    question: str | None
    whom: tuple[str, ...]
    source: str | None
    chain: str | None
    asset: str | None
    investigator: str | None
    tags: tuple[str, ...]
    policy: str
    data: Path | None
    file: Path | None


class _Asking(NamedTuple):
    """How what no option says comes about: by a question, again until it fits, or as is usual."""

    asks: bool

    def __call__(
        self, number: int, said: str | None, read: Callable[[str], T], *, words: str, option: str,
        usual: str | None = None,
    ) -> T:  # fmt: skip
        """Return an answer as ``read`` makes it."""
        if said is not None:
            return read(said)
        if not self.asks:
            if usual is None:
                raise InputError("nobody was asked, and nothing is usual", remedy=f"give {option}")
            return read(usual)
        while True:
            answer = _answer(f"{number} of 6. {words}", usual, option)
            try:
                return read(answer)
            except ChainwatchError as error:
                sys.stderr.write(f"  {visible(str(error))}\n")
                sys.stderr.flush()


def _answer(words: str, usual: str | None, option: str) -> str:
    """Return one line of the person at the desk; an empty one is what is usual."""
    shown = f" [{usual}]" if usual else ""
    try:
        said = input(f"{isolated(words + shown)}\n> ")
    except EOFError:
        raise InputError(
            "nobody answers", remedy=f"give {option}, or --yes to take what is usual"
        ) from None
    return said if said.strip() or usual is None else usual


def _check(file: Path) -> None:
    """Refuse a name that is taken."""
    from chainwatch.atomic import check_new
    from chainwatch.errors import OutputExists

    try:
        check_new(file)
    except OutputExists as error:
        raise OutputExists(
            error.what, where=error.where, remedy="name another file, or take it away first"
        ) from None


def _draft(given: _Given, ask: _Asking) -> tuple[Draft, Path, tuple[Chain, ...]]:
    """Return the draft, the data folder, and the chains between which the first was guessed."""
    from chainwatch.case.file import answers
    from chainwatch.case.file.draft import Draft
    from chainwatch.case.file.model import data_folder
    from chainwatch.sources.catalogue import LEDGER

    base = data_folder(given.data, (given.file or Path("case.toml")).absolute())
    tags, source = _check_options(given, base)
    usual = given.file.stem if given.file is not None else "mine"
    name = ask(
        1, given.name, lambda said: _free_name(said, given.file), option="--name", usual=usual,
        words="What is the case called? A short name, for files.",
    )  # fmt: skip
    question = ask(
        2, given.question, answers.some_words, option="--question", usual=QUESTION,
        words="What does it ask? The report begins with it.",
    )  # fmt: skip
    whom = ask(
        3, _whom_said(given.whom), lambda said: _whom(said, source, tags, may_ask=ask.asks),
        option="--whom",
        words="Whom does it follow? Addresses, or concept:CONCEPT or label:LABEL of tags.",
    )  # fmt: skip
    if not tags and _by_tag(whom) and ask.asks:
        tags = _tags_asked(3, ask, source, base)

    held = "ledger" if (base / "ledger").is_dir() else None
    data = ask(
        4, given.source, lambda said: _data(said, base, whom, tags, may_ask=ask.asks),
        option="--source", usual=held,
        words="Where is the data? The folder of a ledger, a file, or https:// of a server.",
    )  # fmt: skip
    if not tags and _by_tag(whom) and data.kind != LEDGER:
        tags = _tags_asked(4, ask, data, base)
    asset, guessed = _followed(given, ask, whom, data, base)
    investigator = ask(
        6, given.investigator, answers.some_words, option="--investigator", usual="not stated",
        words="Who works on it? The report names them.",
    )  # fmt: skip
    made = Draft(name, question, whom, asset, data, investigator, tags, given.policy)
    return made, base, guessed


def _check_options(given: _Given, base: Path) -> tuple[tuple[str, ...], Data | None]:
    """Refuse an option that does not fit before a question is answered; return tags and data."""
    from chainwatch.case.file import answers
    from chainwatch.chains.catalogue import chain

    answers.a_policy(given.policy)
    tags = tuple(answers.tags_said(one, base) for one in given.tags)
    source = answers.data_said(given.source, base) if given.source is not None else None
    if given.chain is not None:
        chain(given.chain)
    if given.investigator is not None:
        answers.some_words(given.investigator)
    return tags, source


def _free_name(said: str, file: Path | None) -> str:
    """Return a name of a case whose file, where no other is named, does not exist yet."""
    from chainwatch.case.file import answers

    name = answers.a_name(said)
    if file is None:
        _check(Path(f"{name}.toml"))
    return name


def _whom(
    said: str, source: Data | None, tags: tuple[str, ...], *, may_ask: bool
) -> tuple[str, ...]:
    """Return whom a text names, if the data can say who that is; tags may still be asked for."""
    from chainwatch.case.file import answers

    whom = answers.whom_named(said)
    if source is not None:
        _check_whom(whom, source, tags, may_ask=may_ask)
    return whom


def _data(
    said: str, base: Path, whom: tuple[str, ...], tags: tuple[str, ...], *, may_ask: bool
) -> Data:
    """Return where data is, if it can say who is followed."""
    from chainwatch.case.file import answers

    data = answers.data_said(said, base)
    _check_whom(whom, data, tags, may_ask=may_ask)
    return data


def _check_whom(whom: tuple[str, ...], data: Data, tags: tuple[str, ...], *, may_ask: bool) -> None:
    """Refuse data in which nobody can be found by a tag; where tags alone lack, they are asked."""
    from chainwatch.case.file.draft import SERVER, check_whom

    if data.kind == SERVER or not may_ask:
        check_whom(whom, data, tags)


def _tags_asked(number: int, ask: _Asking, source: Data | None, base: Path) -> tuple[str, ...]:
    """Return the path of the tags that name the subjects; none where a ledger holds them."""
    from chainwatch.case.file import answers
    from chainwatch.sources.catalogue import LEDGER

    ledger = source is None or source.kind == LEDGER

    def path_of(said: str) -> str:
        return answers.tags_said(said, base) if said.strip() or not ledger else ""

    found = ask(
        number, None, path_of, option="--tags", usual="" if ledger else None,
        words="Which file or folder of tags says who that is?"
        + (" Nothing, where the tags stand in a ledger." if ledger else ""),
    )  # fmt: skip
    return (found,) if found else ()


def _whom_said(whom: tuple[str, ...]) -> str | None:
    """Return what the options say of whom the case follows, as one text."""
    return " ".join(whom) if whom and not _by_tag(whom) else _one(whom)


def _by_tag(whom: tuple[str, ...]) -> bool:
    from chainwatch.case.file.draft import BY_TAG

    return any(one.strip().startswith(BY_TAG) for one in whom)


def _one(whom: tuple[str, ...]) -> str | None:
    """Return the one text that names subjects by a tag."""
    if len(whom) > 1:
        raise InputError(
            "--whom names a tag and others beside it",
            remedy="name one concept or label, or addresses; [[also]] follows others",
        )
    return whom[0] if whom else None


def _followed(
    given: _Given, ask: _Asking, whom: tuple[str, ...], data: Data, base: Path
) -> tuple[Asset, tuple[Chain, ...]]:
    """Return what is followed and where; the chain is guessed where nobody says it."""
    from chainwatch.case.file import answers

    able = answers.chains_that_fit(whom, data, base)
    said = given.chain
    if given.asset is not None:
        chain = said or (able[0].alias if able else None)
        if chain is None:
            raise InputError("--asset without a chain", remedy="name it with --chain")
        said = f"{chain}:{given.asset}"
    asset = ask(
        5, said, lambda text: answers.asset_said(text, whom), option="--chain",
        usual=able[0].alias if able else None,
        words="On which chain, and in what? A chain for its coin, or"
        " CHAIN:CONTRACT,SYMBOL,DECIMALS for a token.",
    )  # fmt: skip
    return asset, () if given.chain else able


def _write(target: Path, draft: Draft) -> None:
    from chainwatch.atomic import write_new

    write_new(target, draft.text().encode())


def _next(
    draft: Draft, target: Path, base: Path, data: Path | None, guessed: tuple[Chain, ...]
) -> Iterator[str]:
    """Yield what was written, what was guessed, who will learn what, and what to type next."""
    import shlex

    from chainwatch.case.file.draft import read_text
    from chainwatch.case.recipes.sources import hosts_asked
    from chainwatch.chains.catalogue import chain as find_chain

    yield f"written: {target}"
    chain = find_chain(draft.asset.chain)
    others = [one.alias for one in guessed if one != chain and one.mainnet == chain.mainnet]
    if chain in guessed and others:
        yield (
            f"the chain is a guess: {chain.alias}; such an address is written alike on"
            f" {', '.join(others)} (another one: --chain)"
        )
    hosts = list(hosts_asked(read_text(draft.text()).sources))
    for host in hosts:
        yield f"when it runs, {host} learns each address that is followed, and who asks"
    if not hosts:
        yield "when it runs, nobody is asked and no third party learns anything"
    if not draft.tags:
        yield "no tags are named: services are known by what their addresses do alone"
    given = f" --data {shlex.quote(str(data))}" if data is not None else ""
    leave = f" --only-hosts {','.join(hosts)}" if hosts else ""
    told = shlex.quote(str(target))
    yield f"check it:  chainwatch run {told}{given}{leave} --check"
    yield f"then:      chainwatch run {told}{given}{leave} --out {shlex.quote(f'out/{draft.name}')}"


__all__ = ["add_to", "new"]
