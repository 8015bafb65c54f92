"""A command line that does not fit, in one sentence: of which command, and what to write."""

from __future__ import annotations

import re
from typing import Any

import typer

from chainwatch.errors import InputError

USAGE: type[Exception] = typer.BadParameter.__bases__[0]
"""Whatever is wrong with a command line; of its kinds Typer names only this one in public."""

WRONG_USAGE = 2
"""Status where the command line itself does not fit, as is usual."""

_MEANT = re.compile(r"Did you mean (?:one of: )?(.+)\?")


def asks_for_help(error: Any) -> bool:
    """Return whether nothing at all was given, so that the help is what is wanted."""
    return type(error).__name__ == "NoArgsIsHelpError"


def misused(error: Any) -> InputError:
    """Return what does not fit in a command line, with what to write in its place.

    Parameters
    ----------
    error : USAGE
        As Typer raises it.
    """
    command = _command(error.ctx)
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        return _no_option(error, command)
    if type(error).__name__ == "MissingParameter" and error.param is not None:
        told = re.split("[.;]", getattr(error.param, "help", None) or "")[0]
        what = f"{command} lacks {_parameter(error.param)}" + (f": {_small(told)}" if told else "")
        return InputError(what, remedy=_example(error.ctx, command))
    what, _, more = str(error.format_message()).strip().partition(". ")
    meant = _MEANT.search(more)
    remedy = f"perhaps {meant[1]} is meant" if meant else _commands(error.ctx)
    what = re.sub(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"\1 is too much", what)
    what = f"{command}: {_small(what).rstrip('.')}"
    return InputError(what, remedy=remedy or _example(error.ctx, command))


def _small(text: str) -> str:
    """Return a sentence as it goes on in another one; an abbreviation keeps its capitals."""
    return text if text[1:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def _no_option(error: Any, command: str) -> InputError:
    """Return that an option is not known: perhaps it is another, or no option at all."""
    given = str(error.option_name)
    close = sorted(error.possibilities or ())
    if close:
        return InputError(
            f"{command} has no option {given!r}", remedy=f"perhaps {' or '.join(close)} is meant"
        )
    takes = [_parameter(one) for one in _parameters(error.ctx) if _is_argument(one)]
    nor = f", and {' or '.join(takes)} does not begin with a hyphen" if takes else ""
    return InputError(
        f"{command} has no option {given!r}{nor}", remedy=_example(error.ctx, command)
    )


def _command(context: Any) -> str:
    """Return the command by its name, without that of the program."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(names) or "chainwatch"


def _parameters(context: Any) -> list[Any]:
    return list(context.command.params) if context is not None else []


def _is_argument(parameter: Any) -> bool:
    return getattr(parameter, "param_type_name", "") == "argument"


def _parameter(parameter: Any) -> str:
    """Return a parameter as the help writes it: ``--ledger``, ``ADDRESS|TXID``."""
    if _is_argument(parameter):
        return str(parameter.metavar or parameter.name).upper()
    return str(parameter.opts[0])


def _commands(context: Any) -> str:
    """Return which commands there are, where one is to be named."""
    names = getattr(context.command, "list_commands", None) if context is not None else None
    return f"the commands are {', '.join(names(context))}" if names else ""


def _example(context: Any, command: str) -> str:
    """Return the example of a command's help, or where to look."""
    text = str(getattr(getattr(context, "command", None), "help", "") or "")
    for part in re.split(r"\n\s*\n", text):
        words = part.replace("\b", "").split()
        if words[:1] == ["Example:"]:
            return f"for example: {' '.join(words[1:])}"
    whole = command if command == "chainwatch" else f"chainwatch {command}"
    return f"{whole} --help tells what it takes"
