"""Replay: elsewhere the same digests, the first difference named, and disclosures opened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bagit
import polars as pl
import pytest
from small_case import OTHERS

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.handed_out import handed_out_log
from chainwatch.case.bundle.replay import compared
from chainwatch.errors import CaseError
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.mask_key import recipient_key
from chainwatch.results.provenance import digest_bytes

ROOT = Path(__file__).resolve().parents[3]
KEY = bytes(range(32))


def elsewhere(bag: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Replay a bundle in a fresh process, elsewhere, in another zone and order of hashing."""
    kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "SYSTEMROOT")
    surroundings = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "chainwatch.cli.app", "replay", str(bag)],
        cwd=cwd, capture_output=True, text=True, check=False, encoding="utf-8",
        env={**surroundings, "PYTHONPATH": str(ROOT), "TZ": "Asia/Kathmandu", "LC_ALL": "C",
             "PYTHONHASHSEED": "7", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_a_fresh_machine_gets_every_digest(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    room = tmp_path / "a folder with blanks"
    bag = Path(shutil.copytree(bundles["working"].folder, room / "bag"))
    done = elsewhere(bag, room)
    assert done.returncode == 0, done.stderr
    results = len(json.loads((bag / "data/edition/manifest.json").read_bytes())["results"])
    assert f"{results} results have the digest that the bundle gives" in done.stdout
    assert "the input files were not read again" in " ".join(done.stdout.split())
    assert [item.name for item in room.iterdir()] == ["bag"], "nothing is left"


def test_the_first_difference_is_named(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    given = bundles["working"].folder / "data" / "edition"
    made = Path(shutil.copytree(given, tmp_path / "made"))
    assert compared(tmp_path, given, made).same
    (made / "report.html").write_text("another")
    (made / "tables" / "answers.csv").write_text("new")
    found = compared(tmp_path, given, made)
    assert (found.same, found.files) == (False, 0)
    assert found.difference.startswith("the file report.html is another: sha256:")
    manifest = json.loads((made / "manifest.json").read_bytes())
    third = manifest["results"][2]
    third["content"] = "sha256:" + "0" * 64
    manifest["versions"]["polars"] = "0"
    (made / "manifest.json").write_text(json.dumps(manifest))
    said = compared(tmp_path, given, made).difference
    assert said.startswith(f"result 3 ({third['what']}) is another: sha256:")
    manifest["results"].pop()
    third["content"] = json.loads((given / "manifest.json").read_bytes())["results"][2]["content"]
    (made / "manifest.json").write_text(json.dumps(manifest))
    assert compared(tmp_path, given, made).difference.endswith("is not made again")


def test_another_extract_gives_another_result(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    """Whoever makes the bag anew cannot make the results that the ledger does not give."""
    bag = Path(shutil.copytree(bundles["working"].folder, tmp_path / "bag"))
    path = bag / "data" / "extract" / "ledger" / "transfers.parquet"
    pl.read_parquet(path).head(3).write_parquet(path)
    bagit.Bag(str(bag)).save(manifests=True)
    with pytest.raises(CaseError, match="a table of the extract is not the one that was read"):
        cw.replay(bag)


@pytest.fixture(scope="module")
def ours(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """The disclosure for one recipient, and for another under another marking."""
    room, data = tmp_path_factory.mktemp("recipients"), small_run.parent / "data"
    return (
        cw.bundle(small_run, room / "a", recipient="Office A", data=data, reason="request 1"),
        cw.bundle(small_run, room / "b", recipient="Office B", data=data, tlp="green"),
    )


def test_two_recipients_cannot_join_what_they_were_given(
    ours: tuple[Bundle, Bundle], small_run: Path
) -> None:
    manifests = [
        json.loads((one.folder / "data/edition/manifest.json").read_bytes()) for one in ours
    ]
    contents = [{row["content"] for row in one["results"]} for one in manifests]
    assert not contents[0] & contents[1]
    assert [one["tlp"] for one in manifests] == ["TLP:AMBER+STRICT", "TLP:GREEN"]
    assert "Recipient: Office A" in (ours[0].folder / "bag-info.txt").read_text()
    assert "TLP: TLP:GREEN" in (ours[1].folder / "bag-info.txt").read_text()
    editions = [Edition(DISCLOSURE, recipient_key(KEY, name)) for name in ("Office A", "Office B")]
    names = {one.pseudonym("bip122:x", bytes(20)) for one in (*editions, Edition(DISCLOSURE, KEY))}
    assert len(names) == 3
    assert recipient_key(KEY, " Office A ") == editions[0].key
    annex = cw.recipient_annex(small_run, "Office A")
    assert set(OTHERS) <= set(annex["address"])
    for row in annex.iter_rows(named=True):
        address = parse(row["address"], row["chain"])
        assert row["pseudonym"] == editions[0].pseudonym(row["chain"], address)
        assert row["pseudonym"] != row["of_the_case"]
    noted = [json.loads(line) for line in handed_out_log(small_run).read_bytes().splitlines()]
    mine = [one for one in noted if one["for"] == "Office A"]
    assert [(one["why"], one["content"]) for one in mine] == [("request 1", ours[0].digest)]
    lines = handed_out_log(small_run).read_bytes().splitlines()
    assert [one["previous"] for one in noted[1:]] == [digest_bytes(line) for line in lines[:-1]]


def test_a_disclosure_is_replayed_with_its_opened_annex(
    ours: tuple[Bundle, Bundle], small_run: Path, tmp_path: Path
) -> None:
    data = small_run.parent / "data"
    found = cw.replay(ours[0].folder, annex=small_run / "annex", run=small_run, data=data)
    assert found.same, found.difference
    assert found.results > 5
    (tmp_path / "key.txt").write_text("00" * 32)
    with pytest.raises(CaseError, match="this annex does not open the bundle"):
        cw.replay(ours[0].folder, annex=tmp_path / "key.txt", run=small_run, data=data)
    with pytest.raises(CaseError, match="verify works on it; to replay it, give --annex"):
        cw.replay(ours[0].folder)


def test_a_ledger_that_has_moved_on(small_run: Path, tmp_path: Path) -> None:
    """What was read since is not carried, and another ledger in its place is refused."""
    run = Path(shutil.copytree(small_run, tmp_path / "run"))
    more = {"edition": "working", "reason": "r", "authority": "a",
            "data": small_run.parent / "data"}  # fmt: skip
    rows = cw.open_ledger(run / "ledger").transfers.collect().head(1)
    with open_writer(Store.open(run / "ledger")) as writer:
        again = rows.with_columns(log_index=pl.lit(99, rows.schema["log_index"]))
        writer.commit({"transfers": again}, source="test", chain="", what="later")
    made = cw.bundle(run, tmp_path / "bag", **more)
    carried = pl.read_parquet(made.folder / "data/extract/ledger/transfers.parquet")
    assert carried.height == 4
    shutil.rmtree(run / "ledger")
    Store.create(run / "ledger")
    with pytest.raises(CaseError, match="the ledger has no commit"):
        cw.bundle(run, tmp_path / "other", **more)


def test_files_in_place_of_the_ledger(small_run: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(small_run.parent / "data", tmp_path / "data"))
    more = {"edition": "working", "reason": "r", "authority": "a", "data": data, "files": True}
    made = cw.bundle(small_run, tmp_path / "bag", **more)
    extract = made.folder / "data" / "extract"
    assert not (extract / "ledger").exists()
    assert (extract / "files" / "transfers.csv").is_file()
    found = cw.replay(made.folder)
    assert (found.same, found.inputs_read) == (True, True)
    assert "the input files were read again" in repr(found)
    with (data / "transfers.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(CaseError, match="a file was changed since the case read it"):
        cw.bundle(small_run, tmp_path / "other", **more)
