"""``bundle``, ``verify``, ``replay``, ``sign`` and ``timestamp``, in turn on one case."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import bagit
import pytest
from signing_authorities import Authority, key_file, stamp
from small_case import ACQUIRED, KEY, write_data

from chainwatch.case.recipes.run import run_case

Run = Callable[..., tuple[int, str, str]]
WORD = "not a secret"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder ``out`` with a run of the small case, and its data."""
    room = tmp_path_factory.mktemp("commands")
    file = write_data(room / "data")
    run_case(file, room / "out", data=room / "data", mask_key=KEY, acquired=ACQUIRED)
    shutil.copytree(room / "data", room / "out" / "data")
    return room / "out"


def test_from_bundle_to_signature(
    run: Run, worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = tmp_path / "bag"
    asked = ("bundle", worked, "--to", bag, "--edition", "working")
    status, _, err = run(*asked)
    assert (status, "was asked for without a reason" in err) == (1, True)
    status, out, _ = run(*asked, "--reason", "to rerun", "--authority", "a court")
    assert (status, "Bundle(working of small, TLP:RED" in out) == (0, True)
    digest = re.findall(r"sha256:([0-9a-f]{64})", out)[0]
    status, out, _ = run("verify", bag, "--seal", digest)
    assert status == 0
    assert "it is the bundle that was expected" in out
    assert "nobody signed it" in out

    status, out, err = run("replay", bag)
    assert (status, "files are the same to the byte" in out) == (0, True), err

    root = Authority.make("Ministry of Tests")
    monkeypatch.setenv("CHAINWATCH_SECRET_SIGN", WORD)
    status, out, _ = run("sign", bag, "--key", key_file(tmp_path / "me.p12", root, "Ada", WORD))
    assert (status, out.count("written: ")) == (0, 2)
    assert run("timestamp", bag, "--request", tmp_path / "q")[0] == 0
    (tmp_path / "a").write_bytes(stamp(root, (tmp_path / "q").read_bytes(), datetime.now(UTC)))
    assert run("timestamp", bag, "--answer", tmp_path / "a")[0] == 0
    assert run("timestamp", bag)[0] == 1
    pem = root.pem(tmp_path / "root.pem")
    for more, vouched in (((), 2), (("--trust-time", pem), 3)):
        status, out, _ = run("verify", bag, "--trust", pem, *more)
        assert (status, out.count("vouched for by a certificate that you trust")) == (0, vouched)
    assert digest in out, "signed, it is the same bundle"


def test_a_difference_ends_with_a_status(run: Run, worked: Path, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    run("bundle", worked, "--to", bag, "--edition", "working", "--reason", "r",
        "--authority", "a")  # fmt: skip
    rerun = bag / "data" / "extract" / "rerun" / "rerun.json"
    facts = json.loads(rerun.read_bytes())
    rerun.write_text(json.dumps({**facts, "notes": ["a source said so"]}))
    bagit.Bag(str(bag)).save(manifests=True)
    status, out, _ = run("replay", bag)
    assert status == 1
    assert re.search(r"result \d+ \(finding: What was read\) is another: sha256:", out)


def test_a_status_for_what_was_touched(run: Run, worked: Path, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    assert run("bundle", worked, "--to", bag)[0] == 0
    (bag / "data" / "edition" / "report.html").write_text("another")
    status, _, err = run("verify", bag)
    assert status == 1
    assert err.startswith("chainwatch: ")
    assert err.count("\n") == 1
