"""Options that several commands share, and what is made of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from chainwatch.errors import InputError

ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Put the new file in the place of an old one.")
]

LedgerOption = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Open no connection at all.")]
HostsOption = Annotated[
    str, typer.Option("--only-hosts", help="Ask only these: host or host:port, by commas.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", help="Keep up with the tip until Ctrl-C is pressed.")
]
EveryOption = Annotated[float, typer.Option("--every", help="Seconds between two pulls.", min=1)]

EditionOption = Annotated[
    str,
    typer.Option(
        "--edition", help="Of folder and screen: disclosure masks bystanders, or working."
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why the working edition is needed.")]
AuthorityOption = Annotated[
    str,
    typer.Option("--authority", help="On whose authority it is opened: an order, a file number."),
]

EVERY = 30.0
"""Seconds between two pulls, where nothing else is said: a few a block on the quickest chains."""


@contextmanager
def asking(ledger: Path, *, offline: bool = False, only_hosts: str = "") -> Iterator[None]:
    """Put the policy of a command in force, and log what third parties are asked.

    The log lies beside the ledger, so that a copy of the ledger does not take it along.
    """
    from chainwatch.net.policy import use_network

    place = ledger.absolute()
    log = place.with_name(f"{place.name}.disclosures.jsonl")
    with use_network(offline=offline, only_hosts=hosts_of(only_hosts), log_file=log):
        yield


def check_edition(edition: str, reason: str, authority: str) -> None:
    """Refuse an edition that there is none of, and the working one without reason or authority."""
    from chainwatch.privacy.edition import EDITIONS, WORKING
    from chainwatch.privacy.leave import leave

    if edition not in EDITIONS:
        raise InputError(
            f"unknown edition {edition!r}", remedy=f"write --edition {' or '.join(EDITIONS)}"
        )
    if edition == WORKING:
        leave(reason, authority, asked=("--reason", "--authority"))


def show_in(edition: str, reason: str, authority: str) -> None:
    """Show all that a command prints in an edition, once it is checked."""
    from chainwatch.privacy.edition import WORKING
    from chainwatch.privacy.session import set_edition

    check_edition(edition, reason, authority)
    if edition == WORKING:
        set_edition(edition, reason=reason, authority=authority)


def hosts_of(text: str) -> tuple[str, ...]:
    """Return the hosts of a list with commas; a list of none but commas is an error."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if text and not found:
        raise InputError("--only-hosts names no host", remedy="write --only-hosts a.example,b")
    return found
