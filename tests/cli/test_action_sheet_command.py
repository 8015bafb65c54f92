"""``chainwatch action-sheet``: what the library says, a sealed case, and a request per service."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.cli.trace import _file_name

Run = Callable[..., tuple[int, str, str]]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


def asked(otter_case: Any, tmp_path: Path) -> tuple[Any, ...]:
    """Copy the simulated case, and return the command on it."""
    kept = otter_case.ledger.store.path
    shutil.copytree(kept, tmp_path / "l")
    shutil.copytree(kept.parent / "case" / "tags", tmp_path / "t")
    return ("action-sheet", KELP, "--ledger", tmp_path / "l", "--tags", tmp_path / "t",
            "--policy", "fifo")  # fmt: skip


def sheet_of(otter_case: Any) -> cw.ActionSheet:
    services = otter_case.tags.services()
    found = cw.trace(otter_case.ledger, KELP, policy="fifo", stop=services)
    return cw.action_sheet(found, tags=otter_case.tags, ledger=otter_case.ledger)


def test_it_prints_what_the_library_says(run: Run, otter_case: Any, tmp_path: Path) -> None:
    status, out, err = run(*asked(otter_case, tmp_path))
    assert (status, err) == (0, "")
    assert out.rstrip("\n") == repr(sheet_of(otter_case))


def test_it_writes_a_sealed_case_and_a_request_for_each_service(
    run: Run, otter_case: Any, tmp_path: Path
) -> None:
    status, said, err = run(*asked(otter_case, tmp_path), "--out", tmp_path / "acting")
    assert (status, err) == (0, "")
    assert "in clear, each for its addressee alone" in said
    folder, sheet = tmp_path / "acting", sheet_of(otter_case)
    cw.verify(folder / "case")
    rows = pl.read_csv(folder / "case" / "tables" / "actions.csv", infer_schema=False)
    hidden = sheet.frame.filter(pl.col("service").is_null())["address"].drop_nulls()
    masked = {text(one, "btc-regtest") for one in hidden} - {KELP}
    assert masked
    assert not masked & set(rows["address"])
    requests = sheet.requests()
    assert requests
    written = sorted((folder / "requests").iterdir())
    assert [one.read_text("utf-8") for one in written] == list(requests.values())
    assert [one.name for one in written] == [
        f"{number:02}_{_file_name(service)}.md" for number, service in enumerate(requests, 1)
    ]


def test_a_folder_that_exists_is_left_alone(run: Run, otter_case: Any, tmp_path: Path) -> None:
    (tmp_path / "acting").mkdir()
    status, out, err = run(*asked(otter_case, tmp_path), "--out", tmp_path / "acting")
    assert (status, out) == (1, "")
    assert "acting" in err
    assert not [*(tmp_path / "acting").iterdir()]


def test_without_a_policy_it_says_which_there_are(
    run: Run, otter_case: Any, tmp_path: Path
) -> None:
    status, _, err = run(*asked(otter_case, tmp_path)[:-2])
    assert status == 1
    assert "no policy was chosen" in err


def test_a_name_makes_no_path() -> None:
    assert _file_name("../../etc/Passwd") == "etc_passwd"
    assert _file_name("\u05e9\u05d5\u05e7") == "service"
    assert len(_file_name("a" * 300)) == 40
