"""Every format in which results leave the desk: a line each, with its writer and what opens it.

A writer gets what a case shows in an edition, and its folder; it writes new files and never over
old ones, the same bytes on each run. It masks nothing: what the edition hides it is not given.
A case is written in the formats that are asked for; the default is :data:`DEFAULT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.registry import Line, Registry

Writer = Callable[[ShownCase, Path], None]

EXPORTS: tuple[Line, ...] = (
    Line(
        "case-tags",
        "chainwatch.case.exports.case_tags:export_case_tags",
        "TagPack of what the case found, for GraphSense and chainwatch.",
    ),
    Line(
        "case-uco",
        "chainwatch.case.exports.case_uco:export_case_uco",
        "CASE/UCO as JSON-LD for tools of digital forensics.",
    ),
    Line(
        "followthemoney",
        "chainwatch.case.exports.followthemoney:export_followthemoney",
        "FollowTheMoney entities for Aleph and yente.",
    ),
    Line(
        "gexf",
        "chainwatch.case.exports.gexf:export_gexf",
        "Flows for Gephi, with times.",
    ),
    Line(
        "goaml",
        "chainwatch.case.exports.goaml:export_goaml",
        "A goAML report for a financial intelligence unit; it needs settings.",
    ),
    Line(
        "graphml",
        "chainwatch.case.exports.graphml:export_graphml",
        "Flows for Gephi, yEd, Cytoscape, networkx.",
    ),
    Line(
        "i2",
        "chainwatch.case.exports.i2:export_i2",
        "CSV for i2 Analyst's Notebook.",
    ),
    Line(
        "maltego",
        "chainwatch.case.exports.maltego:export_maltego",
        "CSV for the import wizard of Maltego.",
    ),
    Line(
        "misp",
        "chainwatch.case.exports.misp:export_misp",
        "An event for MISP.",
    ),
    Line(
        "neo4j",
        "chainwatch.case.exports.neo4j:export_neo4j",
        "CSV for neo4j-admin import.",
    ),
    Line(
        "stix",
        "chainwatch.case.exports.stix:export_stix",
        "A STIX 2.1 bundle for OpenCTI and other intelligence platforms.",
    ),
    Line(
        "tables",
        "chainwatch.case.exports.tables:export_tables",
        "Tables for spreadsheets (CSV) and dataframes (Parquet), and a data dictionary.",
    ),
)
"""Those that chainwatch brings, written out, by name."""

DEFAULT = ("graphml", "tables")
"""Those in which a case is written where nobody says in which."""

registry = Registry("an export", EXPORTS)


def register(name: str, target: str | Writer, sentence: str) -> None:
    """Let cases be written in one more format, which is then asked for by its name.

    Parameters
    ----------
    name : str
        What ``exports`` and the manifest call it.
    target : str or callable
        ``module:function``, or a function of a
        :class:`chainwatch.case.exports.shown.case.ShownCase` and the folder of the case.
    sentence : str
        What opens its files.

    Raises
    ------
    CaseError
        If another format has the name, or name or sentence are none.
    """
    registry.register(name, target, sentence)


def chosen(names: Iterable[str]) -> tuple[Line, ...]:
    """Return the formats of some names, each once, sorted by name.

    Raises
    ------
    CaseError
        If there is no such format: it lists those that there are.
    """
    return tuple(registry.line(name) for name in sorted(set(names)))


def write_exports(case: ShownCase, folder: Path, names: Iterable[str] = DEFAULT) -> None:
    """Write a case, as an edition shows it, in some formats."""
    for line in chosen(names):
        line.load()(case, folder)
