"""YAML is read as the texts that stand there; what could harm is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainwatch import packed
from chainwatch.attribution.files.safe_yaml import Fields, Items, Node, Text, load
from chainwatch.errors import TagError


def read(tmp_path: Path, text: str | bytes) -> Node:
    path = tmp_path / "pack.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path, "pack.yaml")


def test_texts_are_not_guessed_at(tmp_path: Path) -> None:
    node = read(tmp_path, "a: 0x00ab\nb: NO\nc: 2020-01-02\nd: 1_000\ne: 012\nf: 1e3\n")
    assert isinstance(node, Fields)
    said = [item.value for item in node.values.values() if isinstance(item, Text)]
    assert said == ["0x00ab", "NO", "2020-01-02", "1_000", "012", "1e3"]


def test_lines_and_nulls(tmp_path: Path) -> None:
    node = read(tmp_path, "a: ~\nb:\nc: 'null'\nd: [x, y]\n")
    assert isinstance(node, Fields)
    assert [item.line for item in node.values.values()] == [1, 2, 3, 4]
    texts = {key: item for key, item in node.values.items() if isinstance(item, Text)}
    assert {key: item.null for key, item in texts.items()} == {"a": True, "b": True, "c": False}
    assert isinstance(node.values["d"], Items)


def test_an_alias_of_one_text_is_read(tmp_path: Path) -> None:
    node = read(tmp_path, "a: &s https://example.org\nb: *s\n")
    assert isinstance(node, Fields)
    assert isinstance(node.values["b"], Text)
    assert node.values["b"].value == "https://example.org"


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
    for before, name in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
)

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "billion laughs": (LAUGHS, r"alias 'a' stands for a list.*line 2"),
    "alias of itself": ("a: &a [*a]\n", r"alias 'a' stands for a list"),
    "alias of a mapping": ("a: &a {x: y}\nb: *a\n", r"alias 'a' stands for a list or mapping"),
    "merge key": ("a: 1\n<<: {b: 2}\n", r"a key that is no plain name at pack\.yaml line 2"),
    "same key": ("a: 1\nb: 2\na: 3\n", r"'a' stands there twice at pack\.yaml line 3"),
    "list as key": ("? [a, b]\n: c\n", r"nested too deeply|no plain name"),
    "python object": ("a: !!python/object/apply:os.system [ls]\n", r"YAML tag .*python/object"),
    "python name": ("a: !!python/name:os.system x\n", r"YAML tag .*python/name"),
    "unknown tag": ("a: !secret x\n", r"YAML tag '!secret'"),
    "deep nesting": ("[" * 5000 + "]" * 5000, r"nested too deeply|not readable"),
    "nesting that breaks the stack of yaml.compose": ("[" * 200_000, r"nested too deeply"),
    "deep block": ("\n".join(f"{' ' * n}a:" for n in range(40)), r"nested too deeply"),
    "second document": ("a: 1\n---\nb: 2\n", r"a second document at pack\.yaml line 2"),
    "NUL in the file": (b"a: x\x00y\n", r"not readable as YAML"),
    "NUL by escape": ('a: "x\\0y"\n', r"a NUL byte in a text at pack\.yaml line 1"),
    "no UTF-8": (b"a: \xff\xfe\xfa\n", r"not readable as YAML"),
    "tab": ("a:\n\tb: 1\n", r"not readable as YAML.*line 2"),
    "nothing": ("", r"an empty file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    text, sentence = REFUSED[name]
    with pytest.raises(TagError, match=sentence):
        read(tmp_path, text)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TagError, match=r"a text of 100,001 characters at pack\.yaml line 1"):
        read(tmp_path, "a: " + "x" * 100_001)
    monkeypatch.setattr(packed, "MAX_BYTES", 10)
    with pytest.raises(TagError, match=r"the file holds more than 10 bytes"):
        read(tmp_path, "a: 12345678")


def test_bound_on_files_is_200_mib() -> None:
    assert packed.MAX_BYTES == 200 * 2**20
