"""Names of strangers: visible, and set apart where they run from right to left."""

from __future__ import annotations

import doctest
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch import sanitize
from chainwatch.sanitize import apart, direction, isolated, passages, turns, visible

FSI, LRI, PDI = "\u2068", "\u2066", "\u2069"
ARABIC, HEBREW = "شركة النخيل", "שוק הצללים"
CHINESE, KOREAN, JAPANESE = "黑市交易所", "서울거래소", "東京カナ取引所"


def test_long_lines_of_a_notebook_are_wrapped_and_harmless() -> None:
    said = sanitize.preformatted("a <b>\n  c")
    assert said.endswith(">a &lt;b&gt;\n  c</pre>")
    assert 'style="white-space: pre-wrap; overflow-wrap: anywhere"' in said


def test_the_examples_hold() -> None:
    assert doctest.testmod(sanitize).failed == 0


@pytest.mark.parametrize("name", [ARABIC, HEBREW])
def test_a_name_moves_nothing_that_stands_beside_it(name: str) -> None:
    assert isolated(f"{name} 300 USDT") == f"{FSI}{name}{PDI} 300 USDT"
    assert isolated(f"paid to {name} (probable)") == f"paid to {FSI}{name}{PDI} (probable)"
    assert isolated(f"{name}, {name}") == f"{FSI}{name}, {name}{PDI}"


@pytest.mark.parametrize("name", [CHINESE, KOREAN, JAPANESE, "Kelp", ""])
def test_what_runs_from_left_to_right_is_left_as_it_is(name: str) -> None:
    assert isolated(f"{name} 300 USDT") == f"{name} 300 USDT"
    assert apart(name) == name


def test_brackets_and_digits_of_a_name_stay_with_it() -> None:
    branch = f"{HEBREW} (סניף)"
    assert isolated(f"{branch} 300 USDT") == f"{FSI}{branch}{PDI} 300 USDT"
    numbered = f"{ARABIC} 7"
    assert isolated(f"{numbered} 300 USDT") == f"{FSI}{ARABIC}{PDI} 7 300 USDT"  # whose 7 it is?
    assert isolated(f"{numbered} 300 USDT", [numbered]) == f"{FSI}{numbered}{PDI} 300 USDT"
    longer = [numbered, f"{numbered} (فرع)"]
    assert isolated(f"at {longer[1]}: 5", longer) == f"at {FSI}{longer[1]}{PDI}: 5"


def test_marks_that_a_stranger_wrote_are_written_out() -> None:
    assert isolated(f"{PDI}{HEBREW}\u202e") == f"‹U+2069›{FSI}{HEBREW}{PDI}‹U+202E›"


def test_a_paragraph_has_the_direction_of_most_of_its_words() -> None:
    assert direction(f"{ARABIC} received 300 USDT") == "ltr"  # ours, though it begins with a name
    assert direction("من تصل إليه أموال كشك 300 USDT؟") == "rtl"
    assert direction(f"{ARABIC} 7 (فرع) received 3 USDT", [f"{ARABIC} 7 (فرع)"]) == "ltr"
    assert direction(ARABIC, [ARABIC]) == "rtl"
    assert direction("") == direction("300") == direction(CHINESE) == "ltr"


SOME = st.text(
    st.sampled_from("ab12 ()[],.\u05d0\u05d1\u0628\u0661\u064b\u2068\u2069\n黑"), max_size=30
)


@given(SOME, st.lists(SOME, max_size=3))
def test_the_pieces_are_the_text_and_every_letter_is_in_its_kind(
    text: str, names: list[str]
) -> None:
    pieces = list(passages(text, names))
    assert "".join(part for part, _ in pieces) == text
    assert not any(turns(part) for part, turned in pieces if not turned)
    said = isolated(text, names)
    assert re.sub(f"[{FSI}{LRI}{PDI}]", "", said) == visible(text)
    depth = 0
    for char in said:
        depth += {FSI: 1, LRI: 1, PDI: -1}.get(char, 0)
        assert depth in (0, 1, 2)
        if depth == 0:
            assert unicodedata.bidirectional(char) not in {"R", "AL", "AN"}
    assert depth == 0
