"""The ledger of releases: what is spent is spent, and nobody changes it unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.errors import ArgumentError, InputError, ReleaseRefused
from chainwatch.triage.health import release_file
from chainwatch.triage.health.budget import exact
from chainwatch.triage.health.releases import decimal_text, keep_answer, spend, written

YEAR = (date(2024, 1, 1), date(2025, 1, 1))
BTC = "bip122:000000000019d6689c085ae165831e93"


def begun(folder: Path, epsilon: str = "1", delta: str = "0", **more: Any) -> Path:
    file = folder / "releases.jsonl"
    said = {"chains": "btc", "since": YEAR[0], "until": YEAR[1], "who": "a desk", "why": "a test"}
    cw.set_privacy_budget(file, epsilon=epsilon, delta=delta, **said | more)
    return file


def take(file: Path, epsilon: str, delta: str = "0", chain: str = BTC) -> release_file.Entry:
    cost = (Decimal(epsilon), Decimal(delta))
    return spend(file, chain, YEAR, cost, ("a desk", "a bulletin"), {"by": ["week"]})


def test_ten_tenths_are_one_and_the_eleventh_is_refused(tmp_path: Path) -> None:
    file = begun(tmp_path)
    for _ in range(10):
        take(file, "0.1")
    before = file.read_bytes()
    with pytest.raises(ReleaseRefused, match=r"asks for epsilon 0\.1 and 0 is left of the budget"):
        take(file, "0.1")
    with pytest.raises(ReleaseRefused, match=r"asks for epsilon 0\.0{29}1 "):
        take(file, "1e-30")
    assert file.read_bytes() == before


@pytest.mark.parametrize("with_head", [False, True])
def test_a_link_is_another_name_and_no_second_budget(tmp_path: Path, with_head: bool) -> None:
    file, folder = begun(tmp_path), tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "other.jsonl"
    link.symlink_to(file)
    if with_head:
        link.with_name("other.jsonl.head").symlink_to(file.with_name("releases.jsonl.head"))
    take(link, "0.7")
    assert link.is_symlink()
    for name in (file, link):
        with pytest.raises(ReleaseRefused, match=r"0\.3 is left"):
            take(name, "0.4")
    keep_answer(link, take(file, "0.3"), {"counts": []})
    with pytest.raises(ReleaseRefused, match="set already, by entry 1"):
        begun(folder / "..", epsilon="9")
    assert cw.read_releases(link).head == cw.read_releases(file).head
    with release_file.alone(link), pytest.raises(ReleaseRefused), release_file.alone(file, 0.1):
        pass
    kept = {one.name for one in folder.iterdir()}
    assert kept == {"other.jsonl", *(["other.jsonl.head"] if with_head else [])}


def test_a_link_to_where_no_ledger_is_begins_it_there(tmp_path: Path) -> None:
    link = tmp_path / "releases.jsonl"
    link.symlink_to(tmp_path / "real.jsonl")
    begun(tmp_path)
    assert link.is_symlink()
    assert (tmp_path / "real.jsonl.head").is_file()
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(InputError, match="links lead to each other"):
        take(link, "0.1")


def test_a_hard_link_is_refused_before_the_two_drift_apart(tmp_path: Path) -> None:
    file = begun(tmp_path)
    (tmp_path / "second").hardlink_to(file)
    with pytest.raises(InputError, match="has a second name"):
        take(file, "0.1")
    (tmp_path / "second").unlink()
    take(file, "0.1")


def test_a_new_file_says_that_nothing_tells_of_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "releases.jsonl"
    ask: dict[str, Any] = {"chains": "btc", "epsilon": 1, "who": "a", "why": "b"}
    first = cw.set_privacy_budget(file, since=YEAR[0], until=YEAR[1], **ask)
    assert first.begun
    assert "A new file was begun. Nothing here tells whether there was an earlier" in repr(first)
    second = cw.set_privacy_budget(file, since=YEAR[1], until="2026-01-01", **ask)
    assert not second.begun
    assert "new file" not in repr(second) + repr(cw.read_releases(file))


def test_delta_is_a_budget_too(tmp_path: Path) -> None:
    file = begun(tmp_path, delta="1e-6")
    take(file, "0.1", "1e-6")
    with pytest.raises(ReleaseRefused, match=r"asks for delta 0\.0000001 and 0 is left"):
        take(file, "0.1", "1e-7")


def test_what_has_no_budget_is_refused(tmp_path: Path) -> None:
    file = begun(tmp_path)
    with pytest.raises(ReleaseRefused, match="no budget is set for payments of eip155:1"):
        take(file, "0.1", chain="eip155:1")
    wide = (date(2023, 12, 31), date(2024, 2, 1))
    with pytest.raises(ReleaseRefused, match="no budget is set"):
        spend(file, BTC, wide, (Decimal(1), Decimal(0)), ("a", "b"), {})
    with pytest.raises(InputError, match="no ledger of releases is here"):
        take(tmp_path / "another.jsonl", "0.1")


def test_a_budget_is_set_once(tmp_path: Path) -> None:
    file = begun(tmp_path)
    with pytest.raises(ReleaseRefused, match="set already, by entry 1"):
        begun(
            tmp_path, epsilon="100", chains=["ltc", "btc"], since="2024-12-31", until="2026-01-01"
        )
    begun(tmp_path, since="2025-01-01", until="2026-01-01")
    begun(tmp_path, chains="ltc")
    assert cw.read_releases(file).frame["kind"].to_list() == ["budget"] * 3


@pytest.mark.parametrize("change", ["edit", "drop", "cut", "empty", "remove", "headless", "add"])
def test_a_file_that_was_changed_is_found_and_nothing_released(tmp_path: Path, change: str) -> None:
    file = begun(tmp_path)
    for _ in range(3):
        take(file, "0.2")
    head, lines = file.with_name("releases.jsonl.head"), file.read_bytes().splitlines(True)
    match change:
        case "edit":
            file.write_bytes(b"".join(lines).replace(b'"epsilon":"0.2"', b'"epsilon":"0.1"', 1))
        case "drop":
            file.write_bytes(b"".join([*lines[:1], *lines[2:]]))
        case "cut":
            file.write_bytes(b"".join(lines[:2]))
        case "empty":
            file.write_bytes(b"")
        case "remove":
            file.unlink()
        case "headless":
            head.unlink()
        case "add":
            file.write_bytes(b"".join([*lines, lines[-1]]))
    for act in (lambda: take(file, "0.1"), lambda: cw.read_releases(file),
                lambda: begun(tmp_path, chains="ltc")):  # fmt: skip
        with pytest.raises(InputError, match=r"was changed|was cut|was removed|head of the ledger"):
            act()


def test_last_spending_cannot_be_dropped_unseen(tmp_path: Path) -> None:
    file = begun(tmp_path)
    take(file, "1")
    file.write_bytes(file.read_bytes().splitlines(True)[0])
    with pytest.raises(InputError, match="was cut or changed"):
        take(file, "1")


def test_a_head_noted_elsewhere_finds_a_file_made_anew(tmp_path: Path) -> None:
    file = begun(tmp_path)
    noted = cw.read_releases(file).head
    take(file, "0.5")
    assert cw.read_releases(file, head=noted).frame.height == 2
    for one in tmp_path.iterdir():
        one.unlink()
    begun(tmp_path, why="another ground")
    with pytest.raises(InputError, match="no entry of the head that was noted"):
        cw.read_releases(file, head=noted)


def test_a_crash_between_file_and_head_counts_as_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = begun(tmp_path)

    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(release_file, "write_head", crash)
        with pytest.raises(KeyboardInterrupt):
            take(file, "0.7")
    with pytest.raises(ReleaseRefused, match=r"0\.3 is left"):
        take(file, "0.4")
    take(file, "0.3")
    assert cw.read_releases(file).frame["epsilon_left"].to_list() == ["1", "0.3", "0"]


def test_an_answer_is_kept_and_found(tmp_path: Path) -> None:
    file = begun(tmp_path)
    paid = take(file, "0.5")
    head = keep_answer(file, paid, {"counts": [3, -1]})
    found = cw.read_releases(file, head=head)
    assert found.answer(paid.number)["counts"] == [3, -1]
    assert "1 release, head" in repr(found)
    with pytest.raises(InputError, match="no answer of a release 1"):
        found.answer(1)


RACE = """
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from chainwatch.errors import ReleaseRefused
from chainwatch.triage.health.releases import spend
sys.stdin.readline()
year = (date(2024, 1, 1), date(2025, 1, 1))
try:
    spend(Path(sys.argv[1]), sys.argv[2], year, (Decimal("0.6"), Decimal(0)), ("a", "b"), {})
    print("spent")
except ReleaseRefused as error:
    print(error)
"""


def test_two_processes_cannot_both_spend_the_last(tmp_path: Path) -> None:
    file = begun(tmp_path)
    command = [sys.executable, "-c", RACE, str(file), BTC]
    racing = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for one in racing:  # all have begun by then, and wait for a line
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].strip() for one in racing)
    assert said[0] == "spent"
    assert all("asks for epsilon 0.6 and 0.4 is left" in one for one in said[1:])
    kinds = [json.loads(line)["kind"] for line in file.read_text().splitlines()]
    assert kinds == ["budget", "release"]


def test_who_holds_the_file_is_waited_for_and_then_told(tmp_path: Path) -> None:
    file = begun(tmp_path)
    with (
        release_file.alone(file),
        pytest.raises(ReleaseRefused, match="another process writes") as told,
        release_file.alone(file, patience=0.1),
    ):
        pass
    assert told.value.passing


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "nan",
        "inf",
        "1e-31",
        "1e9",
        "much",
        1001,
        "1_0",
        "\u0661",
        "\u0660.\u0665",
        " 0.5",
        "0.5\n",
        "+1",
        "1.0.0",
        "1e",
        "\uff11",
        "9" * 101,
        "0x1",
        "",
        ".",
    ],
)
def test_what_is_no_budget(tmp_path: Path, value: Any) -> None:
    with pytest.raises(InputError, match="epsilon"):
        begun(tmp_path, epsilon=value)
    assert list(tmp_path.iterdir()) == []


def test_a_truth_value_is_no_number_and_silence_no_reason(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        exact(True, "epsilon")
    with pytest.raises(InputError, match="why is not said"):
        begun(tmp_path, why=" ")


@pytest.mark.parametrize("value", ["0.5", ".5", "5e-1", "5E-01", "0.50", 0.5, Decimal("0.5")])
def test_one_number_in_all_its_ways(value: Any) -> None:
    assert exact(value, "epsilon") == Decimal("0.5")


@given(st.decimals(min_value="0.0001", max_value=900, places=12, allow_nan=False))
def test_numbers_read_back_as_written(value: Decimal) -> None:
    assert exact(written(value), "epsilon") == value
    assert Decimal(decimal_text(Fraction(value))) == value


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("release", {"budget": 1, "epsilon": "-5", "delta": "0"}),
        ("release", {"budget": 2, "epsilon": "0.1", "delta": "0"}),
        ("release", {"budget": [1], "epsilon": "0.1", "delta": "0"}),
        ("release", {"epsilon": "0.1", "delta": "0"}),
        ("answer", {"release": 1, "budget": 1, "counts": []}),
        ("budget", {"population": [], "epsilon": "9", "delta": "0"}),
        ("gift", {}),
    ],
)
def test_an_entry_that_fits_the_chain_and_says_what_none_says_is_refused(
    tmp_path: Path, kind: str, said: dict[str, Any]
) -> None:
    file = begun(tmp_path)
    take(file, "0.5")
    entries = release_file.read_entries(file)
    forged = release_file.Entry(3, kind, "2024-01-01", "a", "b", said, entries[-1].digest())
    release_file.append(file, entries, forged)
    for act in (lambda: take(file, "0.1"), lambda: cw.read_releases(file),
                lambda: begun(tmp_path, chains="ltc")):  # fmt: skip
        with pytest.raises(InputError, match="an entry that chainwatch did not write"):
            act()


@pytest.mark.parametrize("line", [b"{}", b"[" * 3_000, b"\xff", b'{"number": 1}', b"null"])
def test_lines_that_are_no_entries(tmp_path: Path, line: bytes) -> None:
    file = begun(tmp_path)
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(InputError, match="does not follow the one before it"):
        cw.read_releases(file)


@settings(max_examples=12)  # each entry is brought to the disk
@given(st.lists(st.decimals(min_value="0.05", max_value="0.6", places=2), max_size=8))
def test_what_is_spent_is_never_more_than_was_set_and_nothing_that_fits_is_refused(
    asked: list[Decimal],
) -> None:
    with TemporaryDirectory() as folder:
        file, spent = begun(Path(folder)), Fraction(0)
        for one in asked:
            fits = spent + Fraction(one) <= 1
            if fits:
                take(file, str(one))
                spent += Fraction(one)
            else:
                with pytest.raises(ReleaseRefused):
                    take(file, str(one))
        left = cw.read_releases(file).frame["epsilon_left"][-1]
        assert Fraction(left) == 1 - spent
