"""``run_case``: from a case file and its data to sealed folders, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.atomic import absolute, check_free, check_writable, write_whole
from chainwatch.attribution.statements.statement import Statement, read_statement
from chainwatch.attribution.tags import Tags
from chainwatch.case.analyses import registry
from chainwatch.case.case import Case
from chainwatch.case.exports.catalogue import chosen
from chainwatch.case.file.export_keys import check_told, settings_of
from chainwatch.case.file.model import (
    Asked,
    CaseFile,
    StatementFile,
    data_folder,
    inside,
    load_case,
)
from chainwatch.case.file.source_tables import LedgerTable
from chainwatch.case.findings.no_effect import no_effect_finding
from chainwatch.case.findings.stated import stated_finding
from chainwatch.case.ground import Ground, Part
from chainwatch.case.inputs import Input, inputs_of, noted_files
from chainwatch.case.origin import Origin
from chainwatch.case.recipes.account import add_account_findings
from chainwatch.case.recipes.chapter import PART_STEPS, Chapter
from chainwatch.case.recipes.named_parties import check_parties
from chainwatch.case.recipes.rerun import RERUN, Rerun, identity_of
from chainwatch.case.recipes.sources import (
    Leave,
    Reading,
    asked_since,
    check_leave,
    check_paths,
    read_sources,
)
from chainwatch.case.recipes.steps import Say, Steps
from chainwatch.case.recipes.subjects import called, check_named, subjects_of
from chainwatch.case.recipes.tags import as_they_stood, tags_and_files
from chainwatch.case.recipes.utxo import add_coin_findings
from chainwatch.case.record import Opened, new_mask_key, now
from chainwatch.case.seal import MANIFEST
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError, ChainwatchError
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import ANSWERS
from chainwatch.privacy.edition import DISCLOSURE
from chainwatch.privacy.session import opened
from chainwatch.results.headed import headed
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Privacy, Table
from chainwatch.sources import catalogue

LEDGER, ANNEX, DATA, README_FILE = "ledger", "annex", "data", "README.txt"
PARTS = (LEDGER, ANNEX, "disclosure", "working", RERUN, DATA, README_FILE)

README = """\
disclosure/  may leave the desk: others than subjects, findings and services are masked
working/     restricted: nobody is masked (only where the case file asks for it)
annex/       for the court alone: whom each pseudonym stands for, and the mask key
ledger/      restricted: what was read
rerun/       restricted: the case file and what it was run with
data/        of the demo alone: the simulated blocks, tags and truth, and the case file

Prove that a folder is as it was sealed:   chainwatch verify disclosure
Write the same bytes again:                chainwatch run CASE.toml --mask-key annex/mask_key.txt \\
                                               --acquired {acquired}
"""


@dataclass(frozen=True)
class RunReport:
    """A case that was run: the case, what was pulled, and the folders written."""

    case: Case
    folder: Path
    pulls: tuple[PullReport, ...]
    editions: dict[str, Path] = field(default_factory=dict)

    def moved(self, folder: Path) -> RunReport:
        """Return the same report of a folder that was renamed."""
        return with_(self, folder=folder, editions={name: folder / name for name in self.editions})

    def __repr__(self) -> str:
        where = ", ".join(sorted(self.editions))
        return f"RunReport({self.case.name!r}: {where} in {self.folder.name})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def run_case(
    case_file: str | Path, out: str | Path, *, data: str | Path | None = None,
    mask_key: bytes | None = None, acquired: datetime | None = None, replace: bool = False,
    only_hosts: Iterable[str] = (), online: bool = False, exports: Iterable[str] = (),
    say: Say | None = None,
) -> RunReport:  # fmt: skip
    """Read the sources of a case file, compute its findings and write its editions.

    Parameters
    ----------
    case_file : path
        TOML; see ``examples/``.
    out : path
        Folder to write. It must not exist, unless ``replace`` and an earlier run made it.
    data : path, optional
        Where the paths of the case file start; else ``CHAINWATCH_DATA``, else its own folder.
    mask_key : bytes, optional
        Secret of the pseudonyms. Random where none is given; the annex keeps it.
    acquired : datetime, optional
        When the files were acquired; now, where nothing is given.
    replace : bool
        Put the new folder in the place of an earlier run's.
    only_hosts : iterable of str
        Hosts (``host`` or ``host:port``) that sources may ask; nobody else is asked.
    online : bool
        Any public host may be asked; what they are asked stands in ``OUT.disclosures.jsonl``.
    exports : iterable of str
        Formats beside those that the case file names.
    say : function, optional
        Told in one line what is being done.

    Returns
    -------
    RunReport
        The case and its folders.

    Raises
    ------
    CaseError
        If the case file does not fit, or would ask a host without leave; nothing is written.
    """
    config = _with_exports(load_case(case_file), exports)
    base, target = data_folder(data, Path(case_file)), absolute(out)
    check_apart(target, base, Path(case_file))
    check_free(target, is_ours, replace=replace)
    check_writable(target)
    leave = Leave.of(only_hosts, online=online, beside=target)
    check_leave(config.sources, leave, str(case_file))
    check_ready(config, base)
    found: list[RunReport] = []

    def fill(place: Path) -> None:
        how: Any = {"mask_key": mask_key, "acquired": acquired, "leave": leave}
        found.append(work(config, base, place, say=say or _quiet, **how))

    write_whole(target, fill, ours=is_ours, replace=replace)
    return found[0].moved(target)


def _with_exports(config: CaseFile, names: Iterable[str]) -> CaseFile:
    """Return a case that is written in more formats, as if its file named them."""
    head = config.case
    more = [line.name for line in chosen(names) if line.name not in head.exports]
    try:
        check_told(more, head.goaml)
    except ValueError as error:
        raise CaseError(str(error), where="[case]", remedy="write it into the case file") from None
    wanted = head.model_copy(update={"exports": (*head.exports, *more)})
    return config.model_copy(update={"case": wanted})


def _quiet(_: str) -> None:
    """Say nothing."""


def work(
    config: CaseFile,
    base: Path,
    place: Path,
    *,
    mask_key: bytes | None,
    acquired: datetime | None,
    say: Say,
    leave: Leave | None = None,
) -> RunReport:
    """Work a case inside a folder that exists: ledger, editions, annex, README."""
    asks = leave or Leave()
    before = asks.log_file.stat().st_size if asks.log_file and asks.log_file.exists() else 0
    with Steps(say, steps_of(config)) as tell:
        with noted_files() as read:
            ledger, pulls = read_sources(
                config.sources, base, place / LEDGER, leave=asks, acquired=acquired, say=tell
            )
        notes = _notes(ledger, pulls, config)
        reading = Reading(ledger, notes, asked_since(asks.log_file, before))
        with noted_files() as used:
            case = compute(config, base, reading, mask_key=mask_key, acquired=acquired, tell=tell)
        if config.text:
            kept = _kept(config, reading, inputs_of(read, used, base), acquired)
            kept.write(place / RERUN)
            case.origin = Origin(kept.text, kept.inputs)
        editions = _write(case, config, place, tell)
    return RunReport(case, place, pulls, {name: place / name for name in editions})


def check_ready(config: CaseFile, base: Path) -> None:
    """Refuse, before all reading, what is not there and whoever is none of their chain."""
    check_paths(config.sources, base)
    check_named(config, base)


def steps_of(config: CaseFile) -> int:
    """Return in how many steps a case is worked."""
    asked = len(config.case.analyses) + len(list(config.asked()))
    parts = PART_STEPS * (1 + len(config.also))
    return len(config.sources) + 1 + parts + asked + 1 + len(set(config.case.editions))


def check_apart(target: Path, base: Path, case_file: Path) -> None:
    """Refuse to write where the data or the case file lies."""
    for what, path in (("data", base), ("case file", case_file)):
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(target)):
            raise CaseError(
                f"the output folder holds the {what}",
                where=str(target),
                remedy="name a folder of its own with --out",
            )


def is_ours(folder: Path) -> bool:
    """Tell whether an earlier run made a folder and nothing else lies in it."""
    return (
        (folder / DISCLOSURE / MANIFEST).is_file() or (folder / "working" / MANIFEST).is_file()
    ) and {item.name for item in folder.iterdir()} <= set(PARTS)


def _kept(
    config: CaseFile, reading: Reading, inputs: tuple[Input, ...], acquired: datetime | None
) -> Rerun:
    """Return what is kept so that the run can be made again."""
    ledger, notes, asked = reading
    first = config.sources[0]
    outside = first.path if isinstance(first, LedgerTable) else ""
    commit = ledger.commit.number if ledger.commit else 0
    identity, leaves = identity_of(ledger), tuple((one.reason, one.authority) for one in opened())
    return Rerun(config.text, inputs, acquired, notes, outside, commit, identity, leaves, asked)


def compute(
    config: CaseFile, base: Path, reading: Reading, *,
    mask_key: bytes | None, acquired: datetime | None, tell: Say,
    opened: Opened = opened,
) -> Case:  # fmt: skip
    """Return the case of a case file, computed from a ledger into which its sources were read.

    Parameters
    ----------
    config : CaseFile
        The case file.
    base : path
        The data folder.
    reading : Reading
        What was read.
    mask_key, acquired
        As `run_case`.
    tell : callable
        Told in one line what is done.
    opened : callable
        Says why the working edition was opened at the desk: in this session, if not given.
    """
    ledger, notes, told = reading
    tell("checking what was read")
    report = check(ledger)
    report.raise_for_failures()
    stated = [_stated(base, one) for one in config.statements]
    every, packs = tags_and_files(config, base, ledger)
    every = sum((one.tags for one in stated), every)
    tags, then = as_they_stood(config, every)
    check_parties(config, tags)
    case = _new_case(config, mask_key, acquired, opened)
    for whom, what in told:
        case.asked(whom, what)
    if then is not None:
        case.add(then, note="Which tags counted.")
    parts = tuple(_followed(case, config, base, ledger, tags, tell))
    ground = Ground(ledger, tags, base, parts)
    for said in stated:
        case.add(stated_finding(said, ledger), note="What others state of payments, to look up.")
        case.add(said, note="Every note, word for word; no trace follows it.")
    for one, part in zip(config.parts(), parts, strict=True):
        if (vain := no_effect_finding(one)) is not None:
            case.add(headed(vain, part.called), note="What the case file says in vain.")
    for name in config.case.analyses:
        line = registry.line(name)
        tell(f"analysing: {name}")
        case.add(line.load()(ledger, ground.subjects, tags), note=line.sentence)
    for question in config.asked():
        tell(f"answering: {question.line.name}")
        _answer(case, question, ground)
    case.add(_read(ledger, notes, packs), note="What the case rests on.")
    tell("looking who stands beside")
    case.look_beside(ledger, acquired_stated=acquired is not None or not _from_files(config))
    case.trials.stop()
    return case


def _new_case(
    config: CaseFile, mask_key: bytes | None, acquired: datetime | None, opened: Opened
) -> Case:
    """Return the case of a case file, as yet without results."""
    head = config.case
    case = Case(
        head.name,
        head.question,
        title=head.title,
        number=head.number,
        investigator=head.investigator,
        mask_key=mask_key or new_mask_key(),
        statements=head.statements,
        clock=(lambda: acquired.astimezone(UTC)) if acquired else now,
        opened=opened,
        tlp=head.tlp,
    )
    for said in filter(None, [head.hypothesis or head.planned_policy]):
        case.hypothesis(said if head.hypothesis else "none stated", policy=head.planned_policy)
    return case


def _followed(
    case: Case, config: CaseFile, base: Path, ledger: Ledger, tags: Tags, tell: Say
) -> Iterator[Part]:
    """Follow the value of each group of subjects by the recipe of its chain, and add all of it."""
    for one, name in zip(config.parts(), called(config), strict=True):
        subjects = subjects_of(one, base, tags)
        coins = find_chain(one.subjects.chain).family == "utxo"
        add = add_coin_findings if coins else add_account_findings
        yield add(Chapter(case, subjects, name, base, tell), one, ledger, tags, subjects)


def _answer(case: Case, question: Asked, ground: Ground) -> None:
    """Add what answers a question; what speaks against it is said with its place."""
    try:
        for answer in question.keys.answer(ground):
            for result in answer.told(ground.subjects):
                case.add(result, note=question.line.sentence, silent=True)
    except ChainwatchError as error:
        place = f"{question.where}, {error.where}" if error.where else question.where
        raise type(error)(error.what, where=place, remedy=error.remedy) from error


def _stated(base: Path, named: StatementFile) -> Statement:
    """Return what a statement says, read by the mapping that the case names."""
    mapping = inside(base, named.mapping) if named.mapping is not None else None
    return read_statement(inside(base, named.path), mapping, way=named.way)


READ = Table(
    "what_was_read",
    (),
    "Files and answers that the case rests on.",
    (
        ANSWERS["source"],
        ANSWERS["request"],
        ANSWERS["size"],
        Column(
            "digest", pl.String, Privacy.DIGEST,
            "SHA-256 of the raw bytes; made with a key (HMAC) where parties are masked, and then to"
            " be compared with no plain one",
            nullable=True,
        ),
    ),
)  # fmt: skip

COMPARED = (
    "A digest that begins with sha256 is that of the file itself, which anybody can compute who has"
    " it. One that begins with hmac-sha256 was made with the key of the case: it is not comparable"
    " with a plain digest of the file."
)


AS_PINNED = "the case file asks for that one"
LAST_THEN = "the last one then: commit in [[sources]] keeps to it when the ledger goes on"


def _notes(ledger: Ledger, pulls: Sequence[PullReport], config: CaseFile) -> tuple[str, ...]:
    """Return what the sources had to say; of a ledger that existed, as of which commit it is."""
    first = config.sources[0]
    if isinstance(first, LedgerTable) and ledger.commit is not None:
        return (
            f"A ledger that existed was used as it stood with its commit {ledger.commit.number}"
            f" ({AS_PINNED if first.commit else LAST_THEN}).",
        )
    return tuple(str(note) for report in pulls for note in report.notes)


def _read(ledger: Ledger, notes: Sequence[str], packs: Sequence[Input]) -> Finding:
    """Return what was read: files with their digests, and what the reading said of them."""
    rows = ledger.answers.select("source", "request", "size", "digest").collect()
    shown = rows.with_columns(pl.col("digest").bin.encode("hex")).sort("request")
    tags = READ.frame([("tags", one.path, one.size, one.sha256 or None) for one in packs])
    every = pl.concat([shown.select(READ.names), tags])
    return Finding("What was read", (*notes, COMPARED), READ.rows(every))


def _from_files(config: CaseFile) -> bool:
    """Tell whether a case reads files, of which only who obtained them knows when that was."""
    return any(
        "acquired" in {item.name for item in catalogue.entry(table.kind).all_parameters()}
        for table in config.sources
        if not isinstance(table, LedgerTable)
    )


def _write(case: Case, config: CaseFile, place: Path, tell: Steps) -> list[str]:
    # Disclosure first: what it says must not depend on whether a working edition is made.
    wanted: list[str] = sorted(set(config.case.editions))
    for name in wanted:
        tell(f"writing the {name} edition")
        case.write(
            place / name, edition=name, reason=config.case.working_reason,
            authority=config.case.working_authority, exports=config.case.exports,
            settings=settings_of(config.case.goaml),
        )  # fmt: skip
    case.write_annex(place / ANNEX)
    acquired = case.basis.last.isoformat() if case.basis.last else "TIME"
    told = README.format(acquired=acquired)
    (place / README_FILE).write_text(told, encoding="utf-8")
    return wanted
