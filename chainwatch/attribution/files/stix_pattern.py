"""Addresses in patterns of STIX indicators: those that a comparison names, and none it excludes.

A pattern is read for its comparisons alone. What stands in the texts of others is no comparison,
and of a pattern with a NOT no address is taken: which of them it excludes depends on brackets,
precedence and the observations around it, and a wrong guess would tag who is meant to be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WALLETS = ("cryptocurrency-wallet", "x-cryptocurrency-wallet", "x-cryptocurrency-address")
"""Kinds of observables that are an address."""

_KINDS = "|".join(re.escape(kind) for kind in WALLETS)
_TEXT = r"'(?:[^'\\]|\\.)*+'"
# A text that does not end takes all that follows, so that no part of it is tried again.
_OTHER_TEXT = r"'(?:[^'\\]|\\.)*+'?"
_SCAN = re.compile(
    rf"((?i:NOT)\s++)?(?<![\w-])(?:{_KINDS}):(?:value|address)\s*+"
    rf"(=|!=|(?i:NOT)\s*+!?=|(?i:IN)\b|(?i:NOT)\s++(?i:IN)\b)\s*+"
    rf"({_TEXT}|\(\s*+(?:{_TEXT}\s*+(?:,\s*+)?)++\))|{_OTHER_TEXT}"
)
_NOT = re.compile(r"(?<![\w:.'-])NOT(?![\w:.'-])", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPED = re.compile(r"\\(.)")

EXCLUDED = "the pattern is of all addresses but this one"
NEGATED = "the pattern has a NOT: which of its addresses it excludes is not read"


def addresses_of(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses that a pattern names, and why one does not count, or an empty text.

    Examples
    --------
    >>> list(addresses_of("[cryptocurrency-wallet:value = 'a']"))
    [('a', '')]
    >>> [why[:21] for _, why in addresses_of("[NOT (cryptocurrency-wallet:value = 'a')]")]
    ['the pattern has a NOT']
    """
    negated = NEGATED if _NOT.search(re.sub(_OTHER_TEXT, "''", pattern)) else ""
    for found in _SCAN.finditer(pattern):
        before, how, literals = found.groups()
        if literals is None:
            continue
        excluded = before or how.upper() not in ("=", "IN")
        for literal in _LITERAL.findall(literals):
            yield _ESCAPED.sub(r"\1", literal), EXCLUDED if excluded else negated
