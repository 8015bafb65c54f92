"""The concept tree is well formed, and asking for a concept finds what is narrower."""

from __future__ import annotations

import pytest

from chainwatch.attribution import taxonomy
from chainwatch.attribution.taxonomy import ancestors, broader, descendants, is_a, known, level
from chainwatch.errors import TagError

LINES = taxonomy.TREE.splitlines()


def test_no_id_stands_twice() -> None:
    names = [line.strip() for line in LINES]
    assert len(names) == len(set(names)) == len(broader())


def test_every_step_in_is_one_level() -> None:
    depth = -1
    for line in LINES:
        indent, rest = divmod(len(line) - len(line.lstrip()), 4)
        assert rest == 0
        assert indent <= depth + 1, line
        depth = indent
    assert [line for line in LINES if not line.startswith(" ")] == ["concept"]


def test_every_concept_reaches_the_root() -> None:
    for name in broader():
        assert name == "concept" or ancestors(name)[-1] == "concept"


def test_tree_holds_the_tagpack_ids_and_the_additions() -> None:
    """TagPack's tree has 93 ids; what is more is from INTERPOL, each beneath its nearest one."""
    assert len(broader()) == 93 + len(taxonomy.INTERPOL)
    for name, (nearest, kind) in taxonomy.INTERPOL.items():
        assert broader()[name] == nearest
        assert nearest not in taxonomy.INTERPOL
        assert kind in ("same", "narrower")


@pytest.mark.parametrize(
    ("concept", "other", "expected"),
    [
        ("exchange", "service", True),
        ("service", "exchange", False),
        ("service", "service", True),
        ("terrorism", "abuse", True),
        ("pyramid_scheme", "financial_crime", True),
        ("dark_market", "market", True),
        ("market", "dark_market", False),
        ("tumbler", "mixing_service", True),
        ("mixing_service", "tumbler", True),
        ("defi_dex_pair", "dex", True),
        ("vendor", "user", True),
        ("vendor", "service", False),
        ("customer", "vendor", False),
        ("coinjoin", "mixing_service", False),
    ],
)
def test_is_a(concept: str, other: str, expected: bool) -> None:
    assert is_a(concept, other) is expected


def test_descendants_are_those_whose_ancestors_hold_it() -> None:
    plain = [name for name in broader() if name not in taxonomy.INTERPOL]
    for name in plain:
        assert descendants(name) == {other for other in broader() if name in ancestors(other)}
        assert name not in descendants(name)


def test_nearest_tagpack_id() -> None:
    assert taxonomy.tagpack_id("vendor") == "user"
    assert taxonomy.tagpack_id("exchange") == "exchange"


def test_unknown_concept_lists_what_looks_like_it() -> None:
    with pytest.raises(TagError, match=r"no concept 'exchnge'.*pack\.yaml.*did you mean exchange"):
        known("exchnge", where="pack.yaml")


def test_levels_rise_from_unknown_to_override() -> None:
    assert min(taxonomy.LEVELS, key=lambda name: taxonomy.LEVELS[name]) == "unknown"
    assert level("authority_data") == 60
    assert all(0 <= value <= 100 for value in taxonomy.LEVELS.values())
    with pytest.raises(TagError, match="no confidence level 'sure'"):
        level("sure")
