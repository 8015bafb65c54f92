"""How often links of each rule were right where owners are known: what confidences rest on.

The file ``rates.json`` holds a line per rule as it stands in column ``rule`` of links: how many
were right, of how many, what they were counted on, and on what terms the links were made: a rate
says nothing of links of the same name that were made on others. Evaluation writes it; nobody types
a rate. A rule that is not in it has no confidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from math import sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from chainwatch.completion import names_of
from chainwatch.errors import InputError
from chainwatch.heuristics.rule import Rule
from chainwatch.results.provenance import digest_json
from chainwatch.units import share_text

Z95 = 1.959963984540054
"""The normal deviate of a two-sided interval of 95 %, as evaluation has it in its intervals."""

_FIELDS = {"right", "of", "cases", "basis"}


def made_by(unless: Rule | None, rule: Rule | None = None) -> str:
    """Return on what terms links are made, as a rate names them: veto and rule by their digests.

    Parameters
    ----------
    unless : Rule or None
        What stops links.
    rule : Rule or None
        The rule on change that makes them, where one does.
    """
    said = f"unless {_named(unless)}"
    return said if rule is None else f"{said}, change {_named(rule)}"


def _named(rule: Rule | None) -> str:
    return "nothing" if rule is None else f"sha256:{digest_json(str(rule))}"


@dataclass(frozen=True)
class Rate:
    """So many links of so many were right.

    Attributes
    ----------
    right, of : int
        Links, counted where owners are known.
    cases : int
        Independent cases behind them: the links of one owner are right or wrong together.
    basis : str
        What they were counted on, such as the seeds of a simulator.
    made : str or None
        On what terms the links were made, as :func:`made_by` says it; None holds for any.

    Raises
    ------
    InputError
        If the numbers are none of a share, or nobody says what they were counted on.
    """

    right: int
    of: int
    cases: int
    basis: str
    made: str | None = None

    def __post_init__(self) -> None:
        whole = all(type(number) is int for number in (self.right, self.of, self.cases))
        if not whole or not 0 <= self.right <= self.of or not 1 <= self.cases <= self.of:
            raise InputError(
                f"{self.right!r} of {self.of!r} in {self.cases!r} cases is no rate",
                remedy="give whole numbers, the second not below the others, and a case at least",
            )
        if not isinstance(self.basis, str) or not self.basis.strip():
            raise InputError("a rate does not say what it was counted on", remedy="name its basis")
        if not isinstance(self.made, (str, type(None))):
            raise InputError(
                "the terms of a rate are no text", remedy="leave them out, or give one"
            )

    def holds(self, made: str | None) -> bool:
        """Tell whether it says anything of links that are made on some terms; None: its own."""
        return made is None or self.made is None or self.made == made

    @property
    def confidence(self) -> float:
        """The share that was right, and never more than so many cases can show.

        Of n cases without an error, up to 3/n may be wrong still (a bound of 95 %).
        """
        return min(self.right / self.of, max(0.0, 1 - 3 / self.cases))

    @property
    def at_least(self) -> float:
        """The lower end of the interval of 95 % around the share: what it is known to reach.

        References
        ----------
        Wilson 1927, of so many cases; three over n where none was wrong, as for the confidence.
        """
        if self.right in (0, self.of):
            return 0.0 if self.right == 0 else max(0.0, 1 - 3 / self.cases)
        n, p, z = self.cases, self.right / self.of, Z95
        reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (p + z * z / (2 * n) - reach) / (1 + z * z / n)


@dataclass(frozen=True, eq=False)
class Rates:
    """Measured rates, by rule.

    Attributes
    ----------
    path : Path or None
        The file they are read from when they are first asked for; None is the one that comes with
        the package.
    """

    path: Path | None = field(default=None)

    @cached_property
    def by_rule(self) -> Mapping[str, Rate]:
        """The rate of each rule.

        Raises
        ------
        InputError
            If the file is not as it should be.
        """
        said = self._said
        if not isinstance(said, dict) or set(said) != {"rules"}:
            raise self._wrong('it holds {"rules": ...} and nothing else')
        rules = said["rules"]
        if not isinstance(rules, dict):
            raise self._wrong("rules are named, each with its rate")
        found = {}
        for name, one in rules.items():
            if not isinstance(one, dict) or set(one) - {"made"} != _FIELDS:
                raise self._wrong(f"rule {name!r} needs {', '.join(sorted(_FIELDS))}")
            found[name] = Rate(**one)
        return MappingProxyType(found)

    def confidence(self, rule: str, made: str | None = None) -> float | None:
        """Return the share of links of a rule that are right.

        Parameters
        ----------
        rule : str
            As in column ``rule``.
        made : str, optional
            On what terms they are made; if not given, on those on which they were measured.

        Returns
        -------
        float or None
            None where nobody measured links that were made so.
        """
        rate = self.by_rule.get(rule)
        return None if rate is None or not rate.holds(made) else rate.confidence

    def at_least(self, rule: str, made: str | None = None) -> float | None:
        """Return the share of links of a rule that is right at least, by the interval of its rate.

        None where nobody measured links that were made so, as :meth:`confidence` takes it.
        """
        rate = self.by_rule.get(rule)
        return None if rate is None or not rate.holds(made) else rate.at_least

    def column(self, rule: str = "rule", *, made: str | None = None) -> pl.Expr:
        """Return the confidence of each link made on some terms, by the column of its rule."""
        known = {name: self.confidence(name, made) for name in self.by_rule}
        return pl.col(rule).replace_strict(known, default=None, return_dtype=pl.Float64)

    def identity(self) -> Mapping[str, Any]:
        """Return the digest of all rates, as it stands in the record of what rests on them."""
        return {"rates": f"sha256:{digest_json(self._said)}"}

    @cached_property
    def _said(self) -> Any:
        own = resources.files("chainwatch.heuristics") / "rates.json"
        text = (self.path or own).read_text("utf-8")
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._wrong(f"it is no JSON ({error})") from error

    def _wrong(self, what: str) -> InputError:
        name = self.path.name if self.path else "rates.json"
        return InputError(f"the rates in {name} cannot be read: {what}", remedy="write them anew")


MEASURED = Rates()
"""The rates that come with the package."""


def basis_of(rule: str, confidence: float, rates: Rates = MEASURED) -> str:
    """Return what a confidence was counted on, in words; nothing where that is not known.

    Parameters
    ----------
    rule : str
        As in column ``rule`` of links.
    confidence : float
        That of its links: another than the measured one was counted by somebody else.
    rates : Rates
        What was measured.
    """
    rate = rates.by_rule.get(rule)
    if rate is None or rate.confidence != confidence:
        return ""
    return f"{rate.right:,} of {rate.of:,} links, {rate.basis.partition(',')[0]}"


def counted_on(links: pl.DataFrame, rates: Rates = MEASURED) -> str:
    """Return in sentences what the confidences of links were counted on; nothing if none has one.

    Parameters
    ----------
    links : polars.DataFrame
        Rows with ``rule`` and ``confidence``.
    rates : Rates
        What was measured.
    """
    pairs = links.select("rule", "confidence").drop_nulls().unique().sort("rule", "confidence")
    told = []
    for rule, confidence in pairs.iter_rows():
        basis = basis_of(rule, confidence, rates)
        told.append(
            f"{rule} was right in {basis}." if basis
            else f"What {share_text(confidence)} of {rule} was counted on is not known."
        )  # fmt: skip
    return " ".join(told)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
