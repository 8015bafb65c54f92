"""A case as a TagPack: what it found of addresses that its edition shows, as tags for others.

Three things are found, and nothing that a tag of somebody else said is said again:

* whom the case follows: *Subject of* its title (``manual_transaction``);
* who is thought to have one owner with a subject, by the rules that joined them (``heuristic``);
* which addresses are deposit addresses of a service, shown by what they do (``heuristic``).

GraphSense shows labels alone, so each says itself how sure it is: *consistent with* one owner, with
what was measured of the rules that say so.

Whoever is masked has no tag, in the working edition bystanders neither. No tag is a cluster
definer: others decide by their own rules whom it reaches. ``lastmod`` is the day on which the last
of the data was acquired, so that the same case gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.atomic import write_new
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.taxonomy import LEVELS
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.confidence import rate_words
from chainwatch.case.exports.shown.parts import Ref
from chainwatch.case.exports.tagpack import write_tagpack
from chainwatch.ledger.schema import TAGS
from chainwatch.results.plain import chains_of
from chainwatch.results.provenance import canonical_json
from chainwatch.results.roles import SUBJECT
from chainwatch.results.table import Privacy
from chainwatch.sanitize import clipped

FOLDER, PACK, NOTHING = "tagpack", "case_tags.yaml", "nothing_found.txt"

BY_HAND, BY_RULE = "manual_transaction", "heuristic"
"""TagPack's levels: the investigators chose whom to follow; a rule joined the others."""

DEPOSIT = "deposit_wallet"
SURE = ("confirmed", "probable")
CONSISTENT = "Consistent with one owner with"
UNMEASURED = "no measured rate"
NOT_SHOWN = "by which rule is not shown"
LONGEST, MOST_CONTEXT = 240, 960
"""Characters of a label, and of a text of its context; the tables of the case hold the whole."""


class CaseTag(NamedTuple):
    """One tag: of whom, what, how sure, which concept, and what stands behind it."""

    ref: Ref
    label: str
    confidence: str
    concept: str | None
    context: dict[str, str]


def export_case_tags(case: ShownCase, folder: Path) -> None:
    """Write ``tagpack/case_tags.yaml``; where nothing was found, a file that says so."""
    (folder / FOLDER).mkdir()
    tags = tags_found(case)
    if not len(tags):
        words = "The case found nothing that it could say of an address that this edition shows.\n"
        write_new(folder / FOLDER / NOTHING, words.encode())
        return
    write_tagpack(
        tags, folder / FOLDER / PACK, clipped(case.head.title, LONGEST) or case.head.name,
        clipped(case.head.investigator, LONGEST) or "not stated",
        description=f"What a case found, in its {case.head.edition} edition.",
    )  # fmt: skip


def tags_found(case: ShownCase) -> Tags:
    """Return what a case found of addresses that its edition shows."""
    found = [*_followed(case), *_one_owner(case), *_deposits(case)]
    return make_tags(pl.DataFrame(
        [_row(case, one) for one in found], schema=TAGS.schema, orient="row"
    ))  # fmt: skip


def _row(case: ShownCase, one: CaseTag) -> dict[str, Any]:
    head, (chain, said) = case.head, one.ref
    told = {"case": clipped(head.number or head.name, LONGEST), "edition": head.edition}
    row: dict[str, Any] = dict.fromkeys(TAGS.schema)
    return row | {
        "chain": chain, "address": parse(said, chain), "label": clipped(one.label, LONGEST),
        "concept": one.concept, "source": clipped(f"case {head.number or head.name}", LONGEST),
        "confidence": one.confidence, "level": LEVELS[one.confidence], "pack": PACK,
        "definer": False, "as_of": None if head.acquired is None else head.acquired.date(),
        "context": canonical_json(told | one.context).decode(),
    }  # fmt: skip


def _subjects(case: ShownCase) -> set[Ref]:
    """Return whom results follow: those whom their tables name as the subject of a row."""
    found: set[Ref] = set()
    for name, said in case.view.declared.items():
        frame, column = case.view.tables[name], "subject"
        if column in frame.columns and said.table[column].privacy is Privacy.PARTY:
            chains = chains_of(frame, said.asset)
            found |= set(zip(chains, frame[column].to_list(), strict=True))
    return {ref for ref in found if _shown(case, ref)}


def _shown(case: ShownCase, ref: Ref) -> bool:
    """Tell whether a party is an address that is a subject's in this edition."""
    party = case.party.get(ref)
    return party is not None and not party.masked and party.role == SUBJECT


def _followed(case: ShownCase) -> Iterator[CaseTag]:
    for ref in sorted(_subjects(case)):
        yield CaseTag(ref, f"Subject of {case.head.title}", BY_HAND, None, {"found": "followed"})


def _one_owner(case: ShownCase) -> Iterator[CaseTag]:
    followed = _subjects(case)
    for members in case.clusters.values():
        whose = sorted(one.ref for one in members if one.ref in followed)
        if not whose:
            continue
        for one in members:
            if one.ref not in followed and _shown(case, one.ref):
                rules = _rules(case, one.ref)
                context = {
                    "found": "one owner",
                    "rules": clipped("; ".join(sorted(rules)), MOST_CONTEXT),
                    "rates": clipped(_measured(rules), MOST_CONTEXT),
                }
                yield CaseTag(
                    one.ref, f"{CONSISTENT} {whose[0][1]} ({_measured(rules, short=True)})",
                    BY_RULE, None,
                    context | {"with": whose[0][1]},
                )  # fmt: skip


def _rules(case: ShownCase, ref: Ref) -> dict[str, str]:
    """Return the rules that joined an address to others, each with its rate in words."""
    joined = [link for link in case.links if ref in (link.a, link.b) and link.joins]
    shown = sorted((link for link in joined if link.rule and not link.coarse), key=repr)
    return {link.rule: rate_words(link.rule, link.rate) for link in shown}


def _measured(rules: Mapping[str, str], *, short: bool = False) -> str:
    """Return what was measured of rules in words; where short, the counts alone."""
    told = [
        f"{rule}: {(rate.partition(';')[0] if short else rate) or UNMEASURED}"
        for rule, rate in sorted(rules.items())
    ]
    return ("; " if short else ". ").join(told) or NOT_SHOWN


def _deposits(case: ShownCase) -> Iterator[CaseTag]:
    """Yield the deposit addresses that the case found: not those that a tag calls so."""
    for name, said in case.view.declared.items():
        if said.table.name != "hosted":
            continue
        frame = case.view.tables[name]
        chains = chains_of(frame, said.asset)
        for chain, row in zip(chains, frame.iter_rows(named=True), strict=True):
            party = case.party.get((chain, row["address"]))
            if party is None or party.masked or row.get("rounded"):
                continue
            if row["certainty"] not in SURE:
                continue  # custody that is undecided is no finding
            sure = row["certainty"] or ""
            told = {"found": "deposit address", "certainty": sure,
                    "shown_by": row["shown_by"] or ""}  # fmt: skip
            yield CaseTag(
                party.ref, f"{row['service']}: deposit address ({sure})", BY_RULE, DEPOSIT,
                {key: clipped(value, LONGEST) for key, value in told.items()},
            )  # fmt: skip
