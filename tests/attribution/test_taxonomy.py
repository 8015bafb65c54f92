"""The concept tree is well formed, and asking for a concept finds what is narrower."""

from __future__ import annotations

import pytest

from chainwatch.attribution import taxonomy
from chainwatch.attribution.interpol import ABUSES, ENTITIES, SHARED, steps
from chainwatch.attribution.roles import role_of
from chainwatch.attribution.taxonomy import (
    ENDING,
    ancestors,
    broader,
    descendants,
    interpol_ids,
    is_a,
    known,
    level,
    of_tagpack,
    tagpack_id,
)
from chainwatch.errors import TagError
from chainwatch.results.roles import FINDING, SERVICE

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
    """TagPack's tree has 93 ids, INTERPOL's 99 and 6; 13 stand in both, and the rest is ours."""
    theirs = interpol_ids() - SHARED
    assert len(steps(ENTITIES)) == 99
    assert len(ABUSES) == 6
    assert len(interpol_ids()) == 105
    assert {name for name in broader() if not of_tagpack(name)} == theirs | set(taxonomy.OURS)
    assert len(broader()) == 93 + len(theirs) + len(taxonomy.OURS)
    assert not theirs & set(taxonomy.OURS)
    for name, (nearest, kind) in taxonomy.INTERPOL.items():
        assert broader()[name] == nearest
        assert nearest not in taxonomy.INTERPOL
        assert kind in ("same", "narrower")


def test_every_id_of_interpol_is_mapped_or_stands_beneath_its_own_root() -> None:
    """What has no counterpart stands as INTERPOL has it: beneath entity2, or beneath its own."""
    alone = interpol_ids() - SHARED - set(taxonomy.INTERPOL)
    theirs = steps(ENTITIES)
    for name in alone:
        assert "entity2" in ancestors(name)
        assert tagpack_id(name) == "concept"
        moved = {"dead_drop", "drop-ship"}  # ways of delivery: no service holds money in them
        assert name in moved or broader()[name] == theirs[name]
    assert not any(is_a(name, broad) for name in alone for broad in ENDING)


def test_what_both_lack_says_what_it_means() -> None:
    assert set(taxonomy.OURS) >= {
        "precursor_supplier", "organ_trafficking", "fundraising_campaign", "guarantee_platform",
        "money_exchange", "support_service",
    }  # fmt: skip
    for name, meaning in taxonomy.OURS.items():
        assert name in broader()
        assert len(meaning) > 20


def test_the_role_of_what_is_ours() -> None:
    roles = {name: role_of(name) for name in taxonomy.OURS}
    services = ("money_exchange", "support_service")
    nobody = ("fundraising_campaign",)
    assert roles == {
        name: SERVICE if name in services else None if name in nobody else FINDING
        for name in taxonomy.OURS
    }


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
        ("precursor_supplier", "vendor", True),
        ("precursor_supplier", "user", True),
        ("guarantee_platform", "market", True),
        ("organ_trafficking", "abuse", True),
        ("exchange", "actor", True),
        ("actor", "entity", True),
        ("BTC", "cryptocurrency", True),
        ("bridge", "defi_bridge", True),
        ("defi_bridge", "bridge", True),
        ("rug-pull", "scam", True),
        ("peer_to_peer_exchange", "service", False),
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
