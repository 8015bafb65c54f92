"""The command line: what it prints, and one sentence and a status for whatever goes wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from case_texts import USDT, token_case

from chainwatch.addresses.canonical import text
from chainwatch.ingest.pull import pull
from chainwatch.sources.block_files import BlockFiles

ROOT = Path(__file__).resolve().parent.parent
ONE, TWO = "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC", "TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk"

CASE = token_case(ONE)
HEAD = "tx,time,from,to,quant,token,symbol,decimals\n"
ROW = f"{'ab' * 32},1640000000000,{TWO},{ONE},5,{USDT},USDT,6\n"

Run = Callable[..., tuple[int, str, str]]


def sentence(err: str) -> str:
    """Return the one sentence of an error; what was being done may stand before it."""
    lines = [line for line in err.splitlines() if not line.startswith("· ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert lines[0].startswith("chainwatch: ")
    assert lines[0].endswith(".")
    return lines[0]


def small(folder: Path, *, case: str = CASE, rows: str = HEAD + ROW) -> Path:
    (folder / "t.csv").write_text(rows)
    (folder / "small.toml").write_text(case)
    return folder / "small.toml"


def test_a_run(run: Run, tmp_path: Path) -> None:
    status, out, err = run("run", small(tmp_path), "--out", "out", "--acquired", "2024-01-01")
    assert status == 0, err
    assert "- 0 of 1 listed address" in out
    assert f"disclosure: {tmp_path / 'out' / 'disclosure' / 'report.pdf'}" in out
    assert err.splitlines()[0] == "· reading t.csv"
    status, out, err = run("verify", "out/disclosure")
    assert status == 0
    assert "are as this seal says: sha256:" in out
    assert err == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((HEAD, HEAD.replace("quant", "amount")), ["t.csv", "quant"]),
        ((",5,", ",-5,"), ["t.csv", "line 2", "-5"]),
        ((",5,", ",5.5,"), ["t.csv", "line 2", "5.5"]),
        ((",5,", ",NaN,"), ["t.csv", "line 2"]),
        ((TWO, TWO[:-1] + "x"), ["t.csv", "line 2", TWO[:-1]]),
        (("1640000000000", "yesterday"), ["t.csv", "line 2", "yesterday"]),
        (("ab" * 32, "abc"), ["t.csv", "line 2", "abc"]),
    ],
)
def test_rows_that_do_not_fit(
    run: Run, tmp_path: Path, change: tuple[str, str], said: list[str]
) -> None:
    case = small(tmp_path, rows=(HEAD + ROW).replace(*change))
    status, out, err = run("run", case, "--out", "deep/out")
    assert (status, out) == (1, "")
    for word in said:
        assert word in sentence(err)
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "small"', 'name = "small"\ncolour = 1'), "unknown key 'colour' in [case]"),
        (("[case]", "[case"), "cannot be read"),
        (('chain = "tron"\naddresses', 'chain = "moon"\naddresses'), "unknown chain 'moon'"),
        ((f'["{ONE}"]', f'["{ONE[:-1]}x"]'), ONE[:-1]),
        (("[subjects]", '[[tags]]\npath = "pack.yaml"\n[subjects]'), "pack.yaml"),
        (("t.csv", "u.csv"), "u.csv"),
    ],
)
def test_case_files_that_do_not_fit(
    run: Run, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    case = small(tmp_path, case=CASE.replace(*change, 1))
    (tmp_path / "pack.yaml").write_text(
        f"title: t\ncreator: c\nsource: s\ncurrency: TRX\nsurprise: 1\ntags:\n- address: {ONE}\n"
    )
    status, out, err = run("run", case, "--out", "out")
    assert (status, out) == (1, "")
    assert said in sentence(err)
    assert not (tmp_path / "out").exists()


def test_a_case_file_asks_nobody_without_leave(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    server = '[[sources]]\nkind = "rest"\nurl = "https://node.example"\n[subjects]'
    case = small(tmp_path, case=CASE.replace("[subjects]", server))
    status, out, err = run("run", case, "--out", "out")
    assert (status, out) == (1, "")
    assert "would ask node.example:443 (rest)" in sentence(err)
    assert "--only-hosts node.example:443, or every public host with --online" in sentence(err)
    assert "names no host" in sentence(run("run", case, "--only-hosts", ",")[2])
    for given in (("--only-hosts", "node.example"), ("--online",)):
        status, _, err = run("run", case, "--out", "out", *given)
        assert status == 1
        assert "no address of node.example" in sentence(err)
    assert not (tmp_path / "out").exists()


def test_folders_and_files_that_are_not_there(run: Run, tmp_path: Path) -> None:
    case = small(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "key").write_text("abcd")
    sanctions = ("tags", "hits", "--ledger", "x", "--sanctions", "y")
    for arguments, said in (
        (("run", "missing.toml"), "there is no such case file at missing.toml"),
        (("run", "taken"), "this is a folder, not a case file"),
        (("run", case, "--out", "taken", "--replace"), "holds no earlier run of chainwatch"),
        (("run", case, "--out", "taken"), "the output folder exists"),
        (("run", case, "--out", "."), "the output folder holds the data"),
        (("run", case, "--out", "/"), "cannot be an output folder"),
        (("run", case, "--out", tmp_path), "the output folder holds the data"),
        (("run", case, "--data", "missing"), "the data folder does not exist"),
        (("run", case, "--mask-key", "key"), "the mask key cannot be read"),
        (("run", case, "--mask-key", "nokey"), "the mask key is missing"),
        (("run", case, "--acquired", "soon"), "'soon' is not a time"),
        (("verify", "taken"), "no sealed case is here"),
        (("verify", "missing"), "no sealed case is here"),
        (("tags", "hits", "--ledger", "missing", "--tags", "missing.yaml"), "missing"),
        (("tags", "hits", "--ledger", "missing"), "no tags were named"),
        ((*sanctions, "--publisher", "O", "--as-of", "soon"), "'soon' is not a day; give the day"),
        ((*sanctions, "--publisher", "O"), "with --as-of YYYY-MM-DD"),
        ((*sanctions, "--as-of", "2024-09-27"), "say who keeps them with --publisher"),
        (("pull", "block-files", ".", "--ledger", "l"), "this is a folder"),
        (("pull", "block-files", "missing.dat", "--ledger", "l"), "missing.dat"),
        (("pull", "block-files", case, "--ledger", "l", "--chain", "moon"), "unknown chain 'moon'"),
        (("demo", "--out", "taken"), "the output folder exists"),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (1, ""), arguments
        assert said in sentence(err), arguments
    kept = sorted(item.name for item in tmp_path.iterdir())
    assert kept == ["key", "small.toml", "t.csv", "taken"]


def test_blocks_cut_short(run: Run, tmp_path: Path, otter_case) -> None:
    (tmp_path / "cut.dat").write_bytes(otter_case.otter.blocks[:-50])
    status, out, err = run(
        "pull", "block-files", "cut.dat", "--ledger", "ledger", "--chain", "btc-regtest"
    )
    assert status == 0, err
    lost = [line for line in out.splitlines() if "cut.dat" in line]
    assert lost, "the part that gives no block is not named"
    assert any(re.search(r"byte [\d,]+", line) for line in lost), "no position is named"


def test_pulling_and_finding_tags(run: Run, tmp_path: Path, otter_case) -> None:
    files = otter_case.otter.write(tmp_path / "case")
    blocks = files / "blocks.dat"
    status, out, err = run("pull", "block-files", blocks, "--ledger", "l", "--chain", "btc-regtest")
    assert status == 0, err
    assert "nothing failed" in out
    lines = out.splitlines()
    assert lines[0] == "pull from block_files (btc-regtest)"
    assert lines[1].startswith("  added ")
    assert lines[2].startswith("  "), "a report of several lines has lost its line breaks"
    arguments = ("tags", "hits", "--ledger", "l", "--tags", files / "tags" / "campaign.yaml")
    status, out, err = run(*arguments, "--csv", "Hits of today.csv")
    assert status == 0, err
    assert "Lantern campaign" in out
    assert (tmp_path / "Hits of today.csv").read_text().startswith("chain,height,time,")
    status, _, err = run(*arguments, "--csv", "Hits of today.csv")
    assert status == 1
    assert "exists" in sentence(err)


def test_what_strangers_wrote_cannot_act_on_the_terminal(run: Run, tmp_path: Path) -> None:
    name = "x\x1b[2J\u202e.toml"
    status, out, err = run("run", name)
    assert status == 1
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err
    assert "‹U+001B›" in sentence(err)


SHOWN = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --history --ledger out/otter/ledger"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "run lacks CASE_FILE: TOML file of the case; for example: chainwatch run out/"),
        (("nonsense",), "chainwatch: no such command 'nonsense'; the commands are status, "),
        (("sho",), "chainwatch: no such command 'sho'; perhaps 'show' is meant."),
        (("run", "x.toml", "--colour"), "run has no option '--colour'"),
        (("run", "x.toml", "y"), "run: y is too much; for example: chainwatch run out/"),
        (("pull", "nothing"), "pull: no such command 'nothing'; the commands are bitcoinlib, "),
        (("tags", "list", "--fnd", "x"), "tags list has no option '--fnd'; perhaps "),
        (
            ("status",),
            "status lacks --ledger: folder of the ledger; for example: chainwatch status",
        ),
        (
            ("show", "-1", "--ledger", "l"),
            "show has no option '-1', and ADDRESS|TXID does not begin with a hyphen; for example:"
            f" chainwatch show {SHOWN}.",
        ),
        (("show", "--ledger", "l"), "show lacks ADDRESS|TXID: what to look up; for example: "),
        (("pull", "esplora", "http://x", "--gap", "x"), "pull esplora: invalid value for '--gap'"),
        (("run", "x\x1b[2J", "y\x1b[2J"), "run: y"),
    ],
)
def test_a_command_line_that_does_not_fit(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert sentence(err).removeprefix("chainwatch: ").startswith(said)


@pytest.mark.parametrize("arguments", [(), ("pull",), ("tags",)])
def test_without_a_word_the_help_is_shown(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert status == 2
    assert "Usage:" in out + err
    assert "Commands:" in out + err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case:\n  name: mine\n", "this is YAML, and no case file at c.yaml; a case file is TOML"),
        ("# mine\n---\n- a\n", "this is YAML, and no case file at c.yaml; a case file is TOML"),
        ("title: x\ntags:\n- label: y\n", "a TagPack is named in the case file, under [[tags]]"),
        ('{"case": {"name": "mine"}}', "this is JSON, and no case file at c.yaml; a case file is"),
        ("[case\n", "the case file cannot be read as TOML: "),
        ("hello", "the case file cannot be read as TOML: "),
        ("\ufeff[case]\n", "[case] lacks 'name'"),
    ],
)
def test_another_file_in_place_of_a_case_file(
    run: Run, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    status, _, err = run("run", "c.yaml")
    assert status == 1
    assert said in sentence(err)


def test_help(run: Run) -> None:
    for arguments in (("--help",), ("run", "--help"), ("tags", "hits", "--help")):
        status, out, _ = run(*arguments)
        assert status == 0
        assert "Usage:" in out
    assert "Example: chainwatch run" in run("run", "--help")[1]


def test_tags_that_were_not_taken_are_told(run: Run, tmp_path: Path, otter_case) -> None:
    otter_case.otter.write(tmp_path / "case")
    pull(tmp_path / "l", BlockFiles(tmp_path / "case" / "blocks.dat", chain="btc-regtest"))
    (tmp_path / "list.txt").write_text("nonsense\x1b\n" * 12)
    hits = ("tags", "hits", "--ledger", "l", "--tags", "list.txt")
    status, out, err = run(*hits)
    assert (status, out) == (1, "")
    assert "a list without its chain" in sentence(err)
    status, out, err = run(*hits, "--chain", "btc-regtest")
    assert (status, out) == (1, ""), "that nothing was taken looks like no hits"
    assert sentence(err).startswith("chainwatch: no tag was taken; ")
    told = [line for line in err.splitlines() if line.startswith("· not taken: ")]
    assert len(told) == 11
    assert told[0].startswith("· not taken: list.txt line 1: ")
    assert told[-1] == "· not taken: 2 more"
    assert "\x1b" not in err
    taken = text(otter_case.tags.frame["address"][0], "btc-regtest")
    (tmp_path / "list.txt").write_text(f"nonsense\n{taken}\n")
    status, out, err = run(*hits, "--chain", "btc-regtest")
    assert status == 0
    assert "1 row on 1 address," in out
    assert "not taken: list.txt line 1: " in err.splitlines()[0]


def interrupting(said: str = "") -> Callable[..., None]:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt(said)

    return stopped


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("chainwatch.case.recipes.run.run_case", ("run", "small.toml")),
        ("chainwatch.cli.demo.otter", ("demo", "--out", "out")),
    ],
)
def test_an_interrupted_run_says_that_nothing_was_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str, arguments: tuple[str, ...]
) -> None:
    small(tmp_path)
    monkeypatch.setattr(verb, interrupting("3 commits are kept"))
    status, out, err = run(*arguments)
    assert (status, out) == (130, "")
    assert err.endswith("\nchainwatch: interrupted; nothing was written.\n")


def test_an_interrupted_pull_says_what_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small(tmp_path)
    command = ("pull", "block-files", "t.csv", "--ledger", "l")
    said = "interrupted; 3 commits are kept; the same command goes on from there"
    monkeypatch.setattr("chainwatch.ingest.pull.pull", interrupting(f"{said}\x1b[2J"))
    assert run(*command) == (130, "", f"\nchainwatch: {said}‹U+001B›[2J.\n")
    monkeypatch.setattr("chainwatch.ingest.pull.pull", interrupting())
    assert run(*command) == (130, "", "\nchainwatch: interrupted.\n")


@pytest.mark.skipif(os.name == "nt", reason="this system has no such signal")
def test_the_key_itself_interrupts(tmp_path: Path) -> None:
    """Ctrl-C in a process of its own, whatever the parser of the command line does with it."""
    code = (
        "import os, signal, sys;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import chainwatch.case.recipes.run as run; from chainwatch.cli import app;"
        "run.run_case = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT);"
        "sys.argv = ['chainwatch', 'run', 'x.toml']; app.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 130
    assert done.stderr == "\nchainwatch: interrupted; nothing was written.\n"


def test_a_bad_address_in_a_list_of_subjects_is_placed(run: Run, tmp_path: Path) -> None:
    listed = CASE.replace(f'addresses = ["{ONE}"]', 'csv = "who.csv"\ncolumn = "wallet"')
    (tmp_path / "who.csv").write_text(f"n,wallet\n1,{ONE}\n2,vitalik.eth\n")
    status, _, err = run("run", small(tmp_path, case=listed), "--out", "out")
    assert status == 1
    assert "'vitalik.eth' is an ENS name" in sentence(err)
    assert "who.csv line 3; " in sentence(err)


def test_verifying_the_folder_above(run: Run, tmp_path: Path) -> None:
    status, _, err = run("run", small(tmp_path), "--out", "out", "--acquired", "2024-01-01")
    assert status == 0, err
    status, out, err = run("verify", "out")
    assert (status, out) == (1, "")
    assert f"verify {Path('out') / 'disclosure'}" in sentence(err)


def test_trouble_of_the_system(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/disk/x")

    monkeypatch.setattr("chainwatch.case.recipes.run.run_case", full)
    status, _, err = run("run", small(tmp_path))
    assert status == 1
    assert sentence(err) == "chainwatch: No space left on device at /disk/x."


@pytest.mark.skipif(os.name == "nt", reason="this system has no such pipe")
def test_whoever_reads_may_leave(tmp_path: Path, otter_case) -> None:
    files = otter_case.otter.write(tmp_path / "case")
    pull(tmp_path / "l", BlockFiles(files / "blocks.dat", chain="btc-regtest"))
    command = [sys.executable, "-m", "chainwatch.cli.app", "tags", "hits"]
    command += ["--ledger", str(tmp_path / "l"), "--tags", str(files / "tags")]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_installed_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainwatch.cli.app", "run", "missing.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    sentence(done.stderr)
