"""The command line: a thin reader that calls the library and prints what it answers."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from chainwatch.cli import (
    evaluate,
    leaks,
    ledger,
    names,
    owners,
    received,
    roles,
    tags,
    trace,
)
from chainwatch.cli.cases import bundles, new
from chainwatch.cli.health.commands import health_app
from chainwatch.cli.options import hosts_of
from chainwatch.cli.output import (
    Interrupted,
    interruptible,
    names_in,
    note,
    report_of,
    say,
    why_no_pdf,
)
from chainwatch.cli.pulling import pull
from chainwatch.cli.routes import (
    crossings,
    meanings,
    mixes,
    paths,
    peel_chains,
    pools,
    trace_across,
)
from chainwatch.cli.triage import converge, link_test, rank
from chainwatch.cli.typologies import alerts
from chainwatch.cli.usage import USAGE, WRONG_USAGE, asks_for_help, misused
from chainwatch.errors import ChainwatchError, InputError
from chainwatch.progress import announce_by
from chainwatch.sanitize import visible

if TYPE_CHECKING:
    from chainwatch.case.recipes.run import RunReport

app = typer.Typer(
    name="chainwatch",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
pull_app = typer.Typer(cls=pull.SourceCommands, no_args_is_help=True)
app.add_typer(pull_app, name="pull")
pull_app.callback()(pull.policy)
ledger.add_to(app)
owners.add_to(app)
trace.add_to(app)
received.add_to(app)
crossings.add_to(app)
trace_across.add_to(app)
paths.add_to(app)
evaluate.add_to(app)
names.add_to(app)
mixes.add_to(app)
pools.add_to(app)
meanings.add_to(app)
peel_chains.add_to(app)
alerts.add_to(app)
rank.add_to(app)
converge.add_to(app)
roles.add_to(app)
leaks.add_to(app)
bundles.add_to(app)
link_test.add_to(app)
new.add_to(app)
app.add_typer(tags.tags_app, name="tags")
app.add_typer(health_app, name="health")

OutOption = Annotated[Path, typer.Option("--out", help="Folder to write.")]

AskedOption = Annotated[
    str,
    typer.Option(
        "--only-hosts",
        help="Servers that the case file may ask: host or host:port, by commas. "
        "What they are asked stands in OUT.disclosures.jsonl.",
    ),
]
OnlineOption = Annotated[
    bool, typer.Option("--online", help="It may ask every public server that it names.")
]
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check",
        "--dry-run",
        help="Only say what it would read, ask and follow: nothing is asked or written.",
    ),
]

FAILED, INTERRUPTED = 1, 130


def _tell_version(wanted: bool) -> None:
    """Print the version and end, before anything else of the command line is looked at."""
    if wanted:
        from importlib.metadata import version

        say(f"chainwatch {version('chainwatch')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Follow illicit money across public blockchains, and prove every step."""


@app.command()
def demo(out: OutOption = Path("out/otter")) -> None:
    """Work the made-up case Otter, and print what was found beside the truth.

    Example: chainwatch demo --out out/otter
    """
    with interruptible("interrupted; nothing was written"):
        from chainwatch.cli.demo import run_demo

        lines = run_demo(out, say=note)
        say(next(lines))  # comes once the folder is whole
    with interruptible():
        for line in lines:
            say(line)


@app.command()
def run(
    case_file: Annotated[Path, typer.Argument(help="TOML file of the case; see examples/.")],
    out: Annotated[Path | None, typer.Option("--out", help="Default: out/<name of file>.")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of the data; else CHAINWATCH_DATA, else the file's."),
    ] = None,
    mask_key: Annotated[
        Path | None, typer.Option("--mask-key", help="File with the key of an earlier run.")
    ] = None,
    acquired: Annotated[
        str | None,
        typer.Option(
            "--acquired",
            help="When the data was acquired: 2024-09-27T12:00Z; without a zone it is UTC.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of an earlier run.")
    ] = False,
    only_hosts: AskedOption = "",
    online: OnlineOption = False,
    check: CheckOption = False,
    export: Annotated[
        list[str] | None,
        typer.Option("--export", help="Write it in this format too, such as stix; repeat it."),
    ] = None,
) -> None:
    """Work a case from its file to sealed folders.

    Example: chainwatch run out/otter/data/case.toml --out out/mine --export stix
    """
    target = out or Path("out") / case_file.stem
    if check:
        _plan(case_file, target, data, hosts_of(only_hosts), replace=replace, online=online)
        return
    with interruptible("interrupted; nothing was written"):
        from chainwatch.case.recipes.run import run_case
        from chainwatch.privacy.mask_key import read_mask_key

        report = run_case(
            case_file,
            target,
            data=data,
            replace=replace,
            say=note,
            mask_key=read_mask_key(mask_key) if mask_key else None,
            acquired=_moment(acquired) if acquired else None,
            only_hosts=hosts_of(only_hosts),
            online=online,
            exports=export or (),
        )
    _tell(report)


def _plan(
    case_file: Path, out: Path, data: Path | None, hosts: tuple[str, ...], *, replace: bool,
    online: bool,
) -> None:  # fmt: skip
    """Say what a run would do; the status is 1 if it would ask somebody without leave."""
    from chainwatch.case.recipes.plan import plan_case

    with interruptible():
        found = plan_case(
            case_file, out, data=data, replace=replace, only_hosts=hosts, online=online
        )
    for line in found.lines:
        say(line)
    if found.refused:
        raise typer.Exit(FAILED)


def _tell(report: RunReport) -> None:
    """Print what a case found, and where its reports lie."""
    results = [result for result, _ in report.case.whole()]
    names = names_in(results)
    for result in results:
        headline = getattr(result, "headline", "")
        if headline:
            say(f"- {headline}", names)
    for name, folder in sorted(report.editions.items()):
        say(f"{name}: {report_of(folder)}")
    for said in sorted(set(map(why_no_pdf, report.editions.values())) - {""}):
        say(said)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a case file, for editors; registered sources are in it.

    Example: chainwatch schema > case.schema.json
    """
    from chainwatch.case.file.schema import schema_text

    for line in schema_text().splitlines():
        say(line)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a time", remedy="write --acquired 2024-09-27T12:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def main() -> None:
    """Run the command line; an error is one sentence on stderr and a status that is not zero."""
    announce_by(note)
    try:
        with interruptible():
            status = app(standalone_mode=False)
    except Interrupted as stop:
        _tell_interrupted(str(stop))
    except (KeyboardInterrupt, typer.Abort):  # in between, as while a command is being loaded
        _tell_interrupted("interrupted")
    except USAGE as error:
        _tell_misuse(error)
    except ChainwatchError as error:
        sys.stderr.write(f"chainwatch: {visible(str(error))}\n")
        sys.exit(FAILED)
    except BrokenPipeError:  # whoever read the lines, such as head, has gone
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - flushed at exit, into nothing
        sys.exit(FAILED)
    except OSError as error:
        place = f" at {error.filename}" if error.filename else ""
        sys.stderr.write(f"chainwatch: {visible(f'{error.strerror or error}{place}')}.\n")
        sys.exit(FAILED)
    except _unreadable() as error:
        said = visible(str(error).splitlines()[0] if str(error) else type(error).__name__)
        sys.stderr.write(
            f"chainwatch: a table cannot be read ({said}); run chainwatch check --ledger LEDGER,"
            " which names the file that is not as it was written.\n"
        )
        sys.exit(FAILED)
    else:
        _end(status)


def _end(status: object) -> None:
    """End with the status that a command gave, where it gave one."""
    if status == INTERRUPTED:  # while the command line itself was read
        _tell_interrupted("interrupted")
    if isinstance(status, int) and status:
        sys.exit(status)


def _tell_misuse(error: Any) -> NoReturn:
    """Say in one sentence what does not fit in the command line; without any word, its help."""
    if asks_for_help(error):
        error.show()
    else:
        sys.stderr.write(f"chainwatch: {visible(str(misused(error)))}\n")
    sys.exit(WRONG_USAGE)


def _unreadable() -> type[Exception] | tuple[()]:
    """Return what polars raises where a file of a table is damaged; nothing if it is not loaded."""
    polars: Any = sys.modules.get("polars")
    return polars.exceptions.PolarsError if polars else ()


def _tell_interrupted(said: str) -> NoReturn:
    sys.stderr.write(f"\nchainwatch: {visible(said)}.\n")
    sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
