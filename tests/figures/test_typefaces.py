"""Typefaces: what can be drawn with and without the package for Chinese, Japanese and Korean."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainwatch.figures import style, typefaces

FACE = typefaces.east_asian_file()
NAMES = ("黑市交易所", "서울거래소", "東京カナ取引所")
needs_face = pytest.mark.skipif(FACE is None, reason="noto-cjk-sans-otc is not installed")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Go on as if the package were not installed."""
    monkeypatch.setattr(typefaces, "east_asian_file", lambda: None)
    typefaces.glyphs.cache_clear()
    yield
    typefaces.glyphs.cache_clear()


@pytest.mark.usefixtures("without")
def test_without_the_package_letters_are_written_out_and_known_to_be() -> None:
    assert typefaces.printable("黑 1") == "‹U+9ED1› 1"
    assert all(map(typefaces.unreadable, NAMES))
    assert not typefaces.unreadable("שוק شركة Kelp ‹›")
    assert typefaces.families("黑") == [typefaces.FONT]
    assert typefaces.folders() == [typefaces.font_folder()]


@needs_face
def test_with_it_every_name_can_be_read_in_its_own_forms() -> None:
    assert [typefaces.printable(name) for name in NAMES] == list(NAMES)
    assert not any(map(typefaces.unreadable, NAMES))
    assert [typefaces.families(name)[1][-2:] for name in NAMES] == ["SC", "KR", "JP"]


@needs_face
def test_names_are_drawn_without_a_warning_even_in_bold(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(), style.settings():
        warnings.simplefilter("error")
        for bold in (False, True):
            assert style.text_width(NAMES[0], 10.0, bold=bold) == pytest.approx(50.0, abs=2.0)
    assert not caplog.records


def test_arabic_and_hebrew_carry_two_marks_and_no_more() -> None:
    shadda, fatha, kasra = "\u0651", "\u064e", "\u0650"
    assert typefaces.printable(f"\u0628{shadda}{fatha}") == f"\u0628{fatha}{shadda}"
    assert typefaces.printable(f"\u0628{shadda}{fatha}{kasra}").endswith("›")


@pytest.mark.parametrize(
    "text", ["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "1,234.5 BTC", "Ωж"]
)
def test_widths_are_those_of_matplotlib(text: str) -> None:
    assert typefaces.set_width(text, 7.0) == pytest.approx(style.text_width(text, 7.0), rel=0.03)


@needs_face
@pytest.mark.parametrize("char", ["\uff1a", "\uff08", "、", "“", "ｶ", "黑"])
def test_every_character_that_can_be_drawn_has_a_width(char: str) -> None:
    """Marks of East Asian writing are no letters, and the typeface of the others lacks them."""
    assert typefaces.printable(char) == char
    for mono in (False, True):
        assert 0.2 < typefaces.set_width(char, 1.0, mono=mono) <= 1.0


def test_letters_that_join_take_no_more_room_than_is_kept() -> None:
    name = "شركة النخيل للصرافة"
    assert style.text_width(name, 7.0) <= typefaces.set_width(name, 7.0) * 1.02


def test_the_package_is_where_its_name_says() -> None:
    wanted = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert f'typefaces = ["{typefaces.EAST_ASIAN_PACKAGE}' in wanted.read_text("utf-8")
    assert "chainwatch[typefaces]" in typefaces.MISSING_FACE
