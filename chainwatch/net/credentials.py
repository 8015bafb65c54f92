"""Where a user and password for a server come from: a cookie file, the environment, a keyring."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainwatch.errors import InputError, MissingExtra, SourceError

_ENV, _KEYRING = "env:", "keyring:"
_LONGEST_COOKIE = 1_000


def password_of(given: str, user: str) -> str:
    """Return a password: what ``env:NAME`` or ``keyring:SERVICE`` names, else the text itself.

    Parameters
    ----------
    given : str
        The password, or the place of it.
    user : str
        Whose password the keyring is asked for.

    Raises
    ------
    InputError
        If there is none in that place.
    MissingExtra
        If a keyring is named and the package ``keyring`` is absent.
    """
    if given.startswith(_ENV):
        name = given.removeprefix(_ENV)
        found = os.environ.get(name)
        place = f"the environment variable {name}"
    elif given.startswith(_KEYRING):
        name = given.removeprefix(_KEYRING)
        found = _from_keyring(name, user)
        place = f"the keyring under {name!r} for the user {user!r}"
    else:
        return given
    if not found:
        raise InputError(f"there is no password in {place}", remedy="put it there, or name another")
    return found


def _from_keyring(name: str, user: str) -> str | None:
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        raise MissingExtra(
            "a password in a keyring needs the package keyring",
            remedy="install the package keyring, or use a cookie file or env:NAME",
        ) from None
    found = keyring.get_password(name, user)
    return found if isinstance(found, str) else None


def cookie_login(path: str | Path) -> Callable[[], tuple[str, str]]:
    """Return what reads user and password from a node's cookie file, anew for each request.

    A node writes another cookie each time it starts; the file is found missing or unreadable only
    when it is needed.
    """
    file = Path(path).expanduser()

    def login() -> tuple[str, str]:
        try:
            with file.open("rb") as handle:
                text = handle.read(_LONGEST_COOKIE).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SourceError(
                f"the node's cookie file cannot be read ({said})",
                where=file.name,
                remedy="check that the node runs and that you may read its .cookie",
                # A node takes its cookie away when it stops and writes another when it starts.
                passing=isinstance(error, FileNotFoundError),
            ) from None
        user, colon, password = text.partition(":")
        if not colon or not password:
            raise SourceError(
                "the file is no cookie of a node",
                where=file.name,
                remedy="name the file .cookie in the folder of the node's chain",
            )
        return user, password

    return login
