"""``chainwatch pull``: a command for each source of the catalogue, made of the source's parameters.

A command loads its own source and no other; the list of commands loads none. Passwords and keys
are read from the environment, a keyring, a cookie file or a prompt; a command line is seen by
others, and so takes none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

import chainwatch as cw
from chainwatch.cli.names import NamesOption, address_named
from chainwatch.cli.options import (
    EVERY,
    EveryOption,
    FollowOption,
    HostsOption,
    LedgerOption,
    OfflineOption,
    asking,
    hosts_of,
)
from chainwatch.cli.pulling.source_options import (
    REQUIRED,
    Given,
    option_name,
    options_of,
    written_of,
)
from chainwatch.cli.pulling.targets import (
    SUBJECT_OPTIONS,
    follow_subjects,
    pull_subjects,
    subjects_of,
)
from chainwatch.sources import catalogue

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Source
    from chainwatch.sources.catalogue import Entry

_LOGGED = (
    "What it was asked stands in LEDGER.disclosures.jsonl. Others on this machine see a command "
    "line: to them a file tells nothing."
)


class SourceCommand(TyperCommand):
    """A command as a list shows it; what it takes is known when it is called or asked for help."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.sentence, rich_markup_mode=None)
        self._entry = entry

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Load the source, and go on with its own command."""
        return source_command(self._entry).make_context(*arguments, **named)


class SourceCommands(TyperGroup):
    """The commands of the catalogue."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all sources."""
        return [entry.name for entry in catalogue.entries()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a source without loading it, or None."""
        self.commands = {entry.name: SourceCommand(entry) for entry in catalogue.entries()}
        return self.commands.get(cmd_name)


def policy(
    context: typer.Context, offline: OfflineOption = False, only_hosts: HostsOption = ""
) -> None:
    """Read chain data into a ledger.

    What a command asks of third parties stands in LEDGER.disclosures.jsonl beside it.
    """
    if offline or only_hosts:
        from chainwatch.net.policy import use_network

        context.with_resource(use_network(offline=offline, only_hosts=hosts_of(only_hosts)))


def source_command(entry: Entry) -> Any:
    """Return the whole command of a source, with an option for each of its parameters."""
    made = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    made.command(entry.name, help=_help(entry))(_callback(entry))
    return typer.main.get_command(made)


def _help(entry: Entry) -> str:
    parts = [entry.sentence, entry.text("Notes"), _LOGGED if entry.server else ""]
    if fails := entry.text("Fails when"):
        parts.append(f"Fails when: {fails}")
    # A paragraph behind this mark is not wrapped: a command that is broken cannot be copied.
    parts += [f"\b\nExample: {line}" for line in entry.text("Examples").split("\n\n") if line]
    return "\n\n".join(filter(None, parts))


def _callback(entry: Entry) -> Callable[..., None]:
    """Return the function behind a command, with the signature that typer reads."""

    def command(**given: Any) -> None:
        _pull(entry, given)

    taken = list(_taken(entry))
    signature = inspect.Signature([
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation,
            default=inspect.Parameter.empty if default is REQUIRED else default,
        )
        for name, annotation, default in taken
    ])  # fmt: skip
    command.__signature__ = signature  # type: ignore[attr-defined]  # as inspect documents it
    command.__annotations__ = {name: annotation for name, annotation, _ in taken}
    return command


def _taken(entry: Entry) -> Iterator[Given]:
    """Yield all that a command takes: the source's own, then what every command has."""
    yield from options_of(entry)
    if entry.addresses:
        for name, (annotation, default) in SUBJECT_OPTIONS.items():
            yield name, annotation, default
        if _has_names(entry):
            yield "names_node", NamesOption, None
    yield "ledger", LedgerOption, REQUIRED
    if entry.server:
        yield "offline", OfflineOption, False
        yield "only_hosts", HostsOption, ""
    if entry.grows:
        yield "follow", FollowOption, False
        yield "every", EveryOption, EVERY


def _has_names(entry: Entry) -> bool:
    """Tell whether addresses of a source's chains can have names of ENS."""
    chains = [one.default for one in entry.parameters() if one.name == "chain"]
    return any(isinstance(one, str) and cw.chain(one).family == "evm" for one in chains)


def _pull(entry: Entry, given: dict[str, Any]) -> None:
    from chainwatch.sources.subjects import Subjects
    from chainwatch.sources.values import check_wanted, constructor_values

    parameters = {item.name: item for item in entry.parameters()}

    def named(name: str) -> str:
        return option_name(parameters[name])

    written = written_of(entry, given)
    whose = entry.addresses.name if entry.addresses else ""
    listed = written.pop(whose, None)
    values = constructor_values(parameters.values(), written, path=Path, named=named)
    subjects = subjects_of(listed, given) if whose else Subjects()
    check_wanted(parameters.values(), {**values, whose: subjects}, named)
    source = entry.load()

    def made(wanted: list[bytes]) -> Source:
        found: Source = source(**({**values, whose: wanted} if whose else values))
        return found

    ledger, chain = given["ledger"], str(given.get("chain", ""))
    with asking(
        ledger, offline=given.get("offline", False), only_hosts=given.get("only_hosts", "")
    ):
        node = given.get("names_node")
        whom = tuple(address_named(one, node, chain) for one in subjects.addresses)
        subjects = replace(subjects, addresses=whom)
        if given.get("follow"):
            follow_subjects(ledger, made, subjects, chain, given["every"])
        else:
            pull_subjects(ledger, made, subjects, chain)
