"""Double SHA-256 by every way that there is: the same digests, and those of hashlib."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.errors import InputError
from chainwatch.kernels.hashing import sha256
from chainwatch.kernels.hashing.sha256 import WAYS, double_sha256, ways
from chainwatch.kernels.hashing.sha256_constants import ROUNDS, START


def expected(parts: list[bytes]) -> bytes:
    return hashlib.sha256(hashlib.sha256(b"".join(parts)).digest()).digest()


def test_the_constants_are_the_published_ones() -> None:
    assert START[0] == 0x6A09E667 and START[7] == 0x5BE0CD19  # noqa: PT018  # one list
    assert ROUNDS[0] == 0x428A2F98 and ROUNDS[63] == 0xC67178F2  # noqa: PT018


@pytest.mark.parametrize("way", WAYS)
def test_every_length_around_a_block(way: str) -> None:
    if way not in ways():
        pytest.skip(f"this system has no {way}")
    data = bytes(k * 7 % 256 for k in range(400))
    spans = np.array([[k % 3, k % 3 + k] for k in range(200)])
    made = double_sha256(data, spans, way)
    for row, (start, end) in zip(made, spans.tolist(), strict=True):
        assert row.tobytes() == expected([data[start:end]])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=150), min_size=3, max_size=3), max_size=6))
def test_spliced_spans_are_hashed_as_one(rows: list[list[bytes]]) -> None:
    data, spans = b"", []
    for parts in rows:
        bounds: list[int] = []
        for part in parts:
            bounds += [len(data), len(data) + len(part)]
            data += part + b"\xee"
        spans.append(bounds)
    table = np.array(spans, np.int64).reshape(-1, 6)
    digests = [expected(parts) for parts in rows]
    for way in ways():
        assert [row.tobytes() for row in double_sha256(data, table, way)] == digests, way


def test_spans_outside_are_refused() -> None:
    for bad in ([[-1, 3]], [[0, 11]], [[4, 3]], [[0, 1, 2]]):
        with pytest.raises(InputError):
            double_sha256(bytes(10), np.array(bad))


def test_a_way_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sha256, "ways", lambda: ("hashlib",))
    with pytest.raises(InputError, match="choose one of hashlib"):
        double_sha256(b"", np.empty((0, 2), np.int64), "sha_ni")


def test_without_numba_hashlib_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sha256, "find_spec", lambda name: None)
    ways.cache_clear()
    try:
        assert ways() == ("hashlib",)
    finally:
        ways.cache_clear()


FOLDER = """
from chainwatch.kernels import jit
print(jit.cache_folder())
"""


def folder(**surroundings: str) -> Path:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", FOLDER], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": root, **surroundings},
    )  # fmt: skip
    return Path(done.stdout.strip())


def test_machine_code_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    found = folder(NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert found.parent == tmp_path / "mine"
    assert found.stat().st_mode & 0o077 == 0


def test_a_source_folder_that_cannot_be_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainwatch.kernels import jit

    blocked = tmp_path / "site-packages"
    blocked.write_text("no folder can be made in here")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jit, "_HERE", blocked)
    monkeypatch.setattr(jit, "_digest", lambda: "0")
    monkeypatch.setattr(jit, "user_cache_path", lambda name: tmp_path / name)
    assert jit.cache_folder() == tmp_path / "chainwatch/kernels/loops-0"
    (tmp_path / "chainwatch/kernels/loops-0").chmod(0o777)
    with pytest.raises(PermissionError, match="alone"):
        jit.cache_folder()


LOOP = """
from chainwatch.kernels import jit

@jit.compiled
def loop(number):
    return number + 1
"""
COMPILING = """
import sys
import chainwatch.kernels
from chainwatch import progress

if sys.argv[1:] == ["told"]:
    progress.announce_by(print)
import strange
strange.loop(1)
chainwatch.kernels.__path__.append(sys.path[0] + "/ours")
from chainwatch.kernels.tried import loop
print(loop(1), loop(1.5))
"""


def test_the_first_compilation_is_announced_and_what_was_kept_is_not(tmp_path: Path) -> None:
    """Nothing is said of another's loop, of a second one, or where nobody looks."""
    script = tmp_path / "script.py"
    script.write_text(COMPILING)
    (tmp_path / "ours").mkdir()
    for name in ("strange.py", "ours/tried.py"):
        (tmp_path / name).write_text(LOOP)

    def said(*arguments: str, folder: str = "kept") -> list[str]:
        done = subprocess.run(
            [sys.executable, str(script), *arguments], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]),
                 "NUMBA_CACHE_DIR": str(tmp_path / folder)},
        )  # fmt: skip
        assert not done.stderr
        return done.stdout.splitlines()

    once = "compiling the inner loops for this machine; it takes some 10 s, once"
    assert said("told") == [once, "2 2.5"]
    assert said("told") == ["2 2.5"]
    assert said(folder="other") == ["2 2.5"]
    (tmp_path / "blocked").write_text("no folder can be made in here")
    first, result = said("told", folder="blocked")
    assert "and each time: no folder can be written to keep them (set NUMBA_CACHE_DIR)" in first
    assert result == "2 2.5"
