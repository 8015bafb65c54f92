"""What a goAML report needs and no chain says: who reports, to whom, in which codes.

The codes are those of ``goaml_codes.csv``, which names its source; an authority that has others is
told by ``own_codes``, and then they are taken as they are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from chainwatch.errors import CaseError
from chainwatch.sanitize import clipped

NEUTRAL = "-"
"""What the code lists themselves write where something is not known."""

FRACTION, LARGEST = 13, 7_900_000_000_000_000
"""Digits of a fraction that an amount of the schema may have, and what it stays below."""


@cache
def code_lists() -> Mapping[str, frozenset[str]]:
    """Return the codes of each list of the schema."""
    found: dict[str, set[str]] = {}
    text = resources.files(__package__ or "").joinpath("goaml_codes.csv").read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            name, code = line.split(",", 1)
            found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


class GoamlSettings(BaseModel):
    """Who reports, to whom, in which codes: what a goAML report needs and no chain says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rentity_id: Annotated[
        int,
        Field(strict=True, ge=1, description="Number of who reports, given by the authority."),
    ]
    currency_code_local: Annotated[
        str, Field(description="Currency of the country of the authority, such as EUR.")
    ]
    indicators: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Codes of report indicators, of the authority's own list."),
    ]
    report_code: Annotated[str, Field(description="Kind of report.")] = "SAR"
    submission_code: Annotated[str, Field(description="How it is submitted: E or M.")] = "E"
    submission_date: Annotated[
        date | None,
        Field(description="Day of submission; when the data was acquired, if not given."),
    ] = None
    entity_reference: Annotated[
        str, Field(max_length=255, description="The reporter's own number; else that of the case.")
    ] = ""
    rentity_branch: Annotated[str, Field(max_length=255, description="Branch that reports.")] = ""
    fiu_ref_number: Annotated[
        str, Field(max_length=255, description="Number that the authority asks to be quoted.")
    ] = ""
    action: Annotated[str, Field(max_length=8000, description="What the reporter has done.")] = ""
    institution_code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=50,
            description="What the schema must have as the institution of an address, which has"
            " none; `-` is unknown.",
        ),
    ] = NEUTRAL
    local_amounts: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="What transactions were worth in the local currency, by their ids, as"
            " decimal texts; `eth:0x...` where one id is of two chains. These are reported as"
            " transactions. Of others nobody said it, and the schema has no place for them but"
            " words.",
        ),
    ]
    own_codes: Annotated[
        bool, Field(strict=True, description="The authority has code lists of its own.")
    ] = False

    @field_validator("local_amounts")
    @classmethod
    def _worths(cls, given: dict[str, str]) -> dict[str, str]:
        return {txid: _worth(txid, said) for txid, said in given.items()}

    @model_validator(mode="after")
    def _codes(self) -> GoamlSettings:
        said = (
            ("currency_code_local", "currency_type", (self.currency_code_local,)),
            ("indicators", "report_indicator_type", self.indicators),
            ("report_code", "report_type", (self.report_code,)),
            ("submission_code", "submission_type", (self.submission_code,)),
        )
        for key, name, codes in said:
            unknown = [one for one in codes if one not in code_lists()[name]]
            if unknown and not self.own_codes:
                raise ValueError(
                    f"{key}: {clipped(unknown[0], 40)!r} is not in the code list {name} that comes"
                    " with chainwatch; say own_codes = true if the authority has another"
                )
        return self


def _worth(txid: str, said: str) -> str:
    """Return what a transaction was worth as a plain decimal, or refuse what is none."""
    found = re.fullmatch(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?", said)
    whole, fraction = (found[1], (found[2] or "").rstrip("0")) if found else ("", "")
    if not found or len(fraction) > FRACTION or int(whole) >= LARGEST:
        raise ValueError(
            f"{clipped(said, 40)!r}, as what {clipped(txid, 80)} was worth, is no plain decimal of"
            f" zero or more, of at most {FRACTION} decimals and below {LARGEST}; write it in digits"
            " without a sign, such as 12.50"
        )
    return f"{int(whole)}.{fraction}" if fraction else str(int(whole))


def goaml_settings(given: object) -> GoamlSettings:
    """Return the settings of a report, of a mapping or as they are.

    Raises
    ------
    CaseError
        If one is missing or does not fit: it names the first.
    """
    if isinstance(given, GoamlSettings):
        return given
    what: Any = given if isinstance(given, Mapping) else {}
    try:
        return GoamlSettings.model_validate(dict(what))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "goaml"
        raise CaseError(
            f"a goAML report needs {key}, which no chain says: {first['msg']}",
            where="[case.goaml] of a case file, or settings={'goaml': {...}}",
            remedy="give rentity_id, currency_code_local and indicators",
        ) from None
