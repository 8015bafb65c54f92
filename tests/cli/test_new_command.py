"""``chainwatch new``: six questions, each checked at once, and a case file that runs."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import many_chains as world
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chainwatch.addresses.assets import native
from chainwatch.case.file.draft import Data, Draft, read_text, toml_text
from chainwatch.case.file.model import CaseFile, load_case
from chainwatch.cli import app
from chainwatch.errors import CaseError, InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.sources.catalogue import entries

ROOT = Path(__file__).resolve().parents[2]
BTC = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
EVM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
API = "https://mempool.space/api"

Run = Callable[..., tuple[int, str, str]]


def test_an_address_alone_is_enough(run: Run, tmp_path: Path) -> None:
    status, out, err = run("new", "--whom", BTC, "--source", API, "--yes")
    assert (status, err) == (0, "")
    assert "mempool.space:443 learns each address that is followed, and who asks" in out
    assert "--only-hosts mempool.space:443 --check" in out
    made = load_case(tmp_path / "mine.toml")
    assert (made.case.name, made.case.question) == ("mine", "Where did the money go?")
    assert made.subjects.addresses == (BTC,)
    assert made.sources[0].kind == "esplora"
    assert made.case.editions == ("disclosure",)
    assert made.follow.policy == "fifo"


@pytest.mark.parametrize(
    ("whom", "source", "kind", "chain"),
    [
        (TRON, "https://api.trongrid.io", "trongrid", "tron"),
        (EVM, "https://eth.blockscout.com/api", "explorer", "eth"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", API, "esplora", "btc"),
        ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", API, "esplora", "ltc"),
    ],
)
def test_the_chain_and_the_source_are_guessed(
    run: Run, tmp_path: Path, whom: str, source: str, kind: str, chain: str
) -> None:
    status, out, err = run("new", "my.toml", "--whom", whom, "--source", source, "--yes")
    assert status == 0, err
    made = tomllib.loads((tmp_path / "my.toml").read_text("utf-8"))
    assert made["sources"][0]["kind"] == kind
    assert made["subjects"]["chain"] == chain
    assert ("the chain is a guess" in out) == (whom in (EVM, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"))
    assert made["sources"][0].get("api") == ("blockscout" if chain == "eth" else None)


def test_six_questions_are_asked_again_until_each_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    answers = [
        "Bad Name", "harbour", "", "bc1q", "vitalik.eth", TRON, "nowhere.csv",
        "https://api.trongrid.io", "eth", f"tron:{TRON},USDT,6", "R. Officer",
    ]  # fmt: skip
    done = CliRunner().invoke(app.app, ["new"], input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    for number in range(1, 7):
        assert f"{number} of 6. " in done.stdout
    assert len(done.stderr.splitlines()) == 5, "one sentence for each answer that did not fit"
    assert "'Bad Name' cannot name a case" in done.stderr
    assert "an address of Tron, not of Ethereum" in done.stderr
    made = load_case(tmp_path / "harbour.toml")
    assert made.case.investigator == "R. Officer"
    assert made.asset is not None
    assert (made.asset.symbol, made.asset.decimals) == ("USDT", 6)


def asked(
    monkeypatch: pytest.MonkeyPatch, folder: Path, answers: list[str], *options: str
) -> tuple[str, str]:
    """Answer the questions, and return what was asked and what was refused."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    done = CliRunner().invoke(app.app, ["new", *options], input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_tags_are_asked_for_where_they_name_whom_a_case_follows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vendors.csv").write_text("address,label\n", encoding="utf-8")
    (tmp_path / "dump.csv").write_text("a,b\n", encoding="utf-8")
    answers = ["kelp", "", "label:Kelp", "none.csv", "vendors.csv", "dump.csv", "btc", ""]
    told, refused = asked(monkeypatch, tmp_path, answers)
    assert "3 of 6. Which file or folder of tags says who that is?" in told
    assert refused.splitlines() == [
        "  there is no such file or folder at none.csv; give a file or folder of tags."
    ]
    made = load_case(tmp_path / "kelp.toml")
    assert [one.path for one in made.tags] == ["vendors.csv"]
    assert made.subjects.label == "Kelp"


def test_no_answer_is_lost_where_data_and_tags_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vendors.csv").write_text("address,label\n", encoding="utf-8")
    (tmp_path / "dump.csv").write_text("a,b\n", encoding="utf-8")
    (tmp_path / "taken.toml").write_text("mine", encoding="utf-8")
    answers = ["taken", "kelp", "", "label:Kelp", "", API, "dump.csv", "", "vendors.csv", "btc", ""]
    told, refused = asked(monkeypatch, tmp_path, answers)
    assert "4 of 6. Which file or folder of tags says who that is?" in told
    first, second, third = refused.splitlines()
    assert "the file exists already at taken.toml" in first
    assert "a server is asked for addresses" in second
    assert "no place was named" in third
    assert [one.path for one in load_case(tmp_path / "kelp.toml").tags] == ["vendors.csv"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--source", "none.csv"), "there is no such file or folder"),
        (("--chain", "bitcoin2"), "unknown chain"),
        (("--investigator", " "), "nothing was said"),
        (("--policy", "best"), "is no policy"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_the_first_question(
    run: Run, options: tuple[str, ...], said: str
) -> None:
    status, out, err = run("new", *options)
    assert (status, out) == (1, "")
    assert said in err


UNCOMMENTED = re.compile(r"^#(?=\[|[a-z_]+ = )", re.MULTILINE)


def test_what_a_draft_offers_behind_a_hash_fits() -> None:
    text = Draft("x", "?", (BTC,), native("btc"), Data("table", "b.csv")).text()
    lines = text.splitlines()
    offered = [n for n, line in enumerate(lines) if UNCOMMENTED.match(line)]
    assert len(offered) == 9
    for first in offered:  # a table with its keys, or a key alone
        taken, last = [*lines], first
        while last in offered and (last == first or not lines[last].startswith("#[")):
            taken[last] = lines[last][1:]
            last += 1
        if lines[first].startswith("#[") or lines[first - 1].startswith("# "):
            assert read_text("\n".join(taken))
    whole = read_text(UNCOMMENTED.sub("", text))
    assert [one.line.name for one in whole.asked()] == ["paths", "link-tests", "action-sheets"]
    assert (whole.follow.max_hops, whole.follow.min_amount) == (10, 100_000)
    assert [one.path for one in whole.tags] == ["tags"]


def test_a_terminal_and_nobody_who_answers(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "chainwatch", "new", "--name", "x"]
    done = subprocess.run(
        asked, capture_output=True, text=True, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "chainwatch: nobody answers; give --question, or --yes to take what is usual.\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no terminal of POSIX")
def test_in_a_terminal(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    asked = [sys.executable, "-m", "chainwatch", "new", "--whom", BTC, "--source", API]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    env.pop("CHAINWATCH_DATA", None)
    answers = [b"desk\n", b"\n", b"\n", b"\n"]
    with subprocess.Popen(
        asked, stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=env
    ) as done:
        os.close(theirs)
        shown, answered = b"", 0
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other side was closed
                break
            if shown.count(b"> ") > answered < len(answers):
                os.write(ours, answers[answered])
                answered += 1
        else:
            done.kill()
    os.close(ours)
    assert done.returncode == 0, shown.decode()
    assert b"4 of 6" not in shown, "what an option says is not asked"
    assert load_case(tmp_path / "desk.toml").case.name == "desk"


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine", encoding="utf-8")
    status, _, err = run("new", "--whom", BTC, "--source", API, "--yes")
    assert status == 1
    assert err == (
        "chainwatch: the file exists already at mine.toml; name another file, or take it away"
        " first.\n"
    )
    assert (tmp_path / "mine.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (("--source", API), "nobody was asked, and nothing is usual; give --whom"),
        (("--whom", BTC), "nothing is usual; give --source"),
        (("--whom", "label:x", "--source", API, "--chain", "btc"), "a server is asked for addr"),
        (("--whom", "label:", "--source", API), "names nobody"),
        (("--whom", "label:x", "--whom", BTC, "--source", API), "names a tag and others"),
        (("--whom", f"{BTC} {TRON}", "--source", API), "name those of one chain"),
        (("--whom", BTC, "--source", API, "--chain", "bitcoin2"), "unknown chain"),
        (("--whom", BTC, "--source", API, "--asset", f"{EVM},X,6"), "no tokens that a case"),
        (("--whom", BTC, "--source", API, "--policy", "best"), "is no policy; write fifo or"),
        (("--whom", BTC, "--source", "https://a:b@c.example"), "a user or password stands in"),
        (("--whom", BTC, "--source", "/etc/hostname"), "lies outside of the folder"),
        (("--whom", BTC, "--source", API, "--tags", "no.csv"), "there is no such file or folder"),
        (("--whom", "5" * 64, "--source", API), "transaction id"),
        (("--whom", BTC, "--source", API, "--data", "none"), "the data folder does not exist"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    run: Run, tmp_path: Path, given_: tuple[str, ...], said: str
) -> None:
    status, _, err = run("new", *given_, "--yes")
    assert status == 1
    assert err.count("\n") == 1
    assert said in err
    assert not list(tmp_path.iterdir())


def test_what_it_writes_of_a_ledger_runs(
    run: Run, tmp_path: Path, small_ledger: Callable[[str], Ledger]
) -> None:
    world.write(tmp_path, small_ledger)
    asked = ("--whom", "label:K the vendor", "--tags", "tags.csv", "--yes")
    status, out, err = run("new", "--name", "kay", *asked, "--chain", "btc-regtest",
                           "--source", "ledger")  # fmt: skip
    assert status == 0, err
    assert "nobody is asked and no third party learns anything" in out
    status, out, err = run("run", "kay.toml", "--check")
    assert status == 0, err
    assert "uses the ledger ledger as of its commit 3" in out
    assert "follows all whom tags call K the vendor on btc-regtest, in rBTC, by fifo" in out
    assert not (tmp_path / "out").exists()
    status, out, err = run("run", "kay.toml", "--out", "done")
    assert status == 0, err
    assert (tmp_path / "done" / "disclosure" / "report.html").is_file()


HOSTILE = ('"]\n[case]\nname="x"', "'''\n\"\"\"", "\\", "\u202egnp", "<script>", "=cmd|' /C'!A0",
           "\x00\x1b[2J", "#set page(", "x" * 10_000, "\r\n[[sources]]",
           "\U0001d54f\U000e0041")  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_answers_are_text_and_open_no_table(said: str) -> None:
    made = draft(said)
    read = made.read_back()
    assert read.case.question == said
    assert read.case.investigator == said
    assert len(read.sources) == 1
    assert all(one.isprintable() or one == "\n" for one in made.draft.text())


@given(st.text())
def test_any_text_comes_back_as_it_was(said: str) -> None:
    assert tomllib.loads(f"a = {toml_text(said)}")["a"] == said


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InputError, match="half of a character"):
        toml_text("\ud800")


class Made:
    """A draft, and what is read of it."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def read_back(self) -> CaseFile:
        from chainwatch.case.file.draft import read_text

        return read_text(self.draft.text())


def draft(said: str) -> Made:
    return Made(
        Draft("x", said, (BTC,), native("btc"), Data("table", said), investigator=said,
              tags=(said,))
    )  # fmt: skip


def test_a_name_by_tag_needs_tags() -> None:
    with pytest.raises(CaseError, match="no tags are named"):
        Draft("x", "?", ("label:x",), native("btc"), Data("block-files", "b.dat"))


GENESIS = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    "29ab5f49ffff001d1dac2b7c01010000000100000000000000000000000000000000000000000000000000000000"
    "00000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c"
    "6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100"
    "f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f"
    "4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
FRAMED = bytes.fromhex("f9beb4d9") + len(GENESIS).to_bytes(4, "little") + GENESIS


@pytest.mark.parametrize(
    ("file", "holds", "kind"),
    [
        ("0.raw", GENESIS, "block-files"),
        ("blocks", FRAMED, "block-files"),
        ("export.dat", b"from,to,value\n", "table"),
        ("export", b"PAR1" + bytes(9), "table"),
        ("long.csv", b"a" * 4095 + "\u00e9\n".encode(), "table"),
    ],
)
def test_what_a_file_is_is_seen_by_what_it_holds(
    run: Run, tmp_path: Path, file: str, holds: bytes, kind: str
) -> None:
    (tmp_path / file).write_bytes(holds)
    status, _, err = run("new", "--whom", BTC, "--source", file, "--chain", "btc", "--yes")
    assert status == 0, err
    assert load_case(tmp_path / "mine.toml").sources[0].kind == kind
    if kind == "block-files":
        assert run("run", "mine.toml", "--check")[0] == 0


@pytest.mark.parametrize("holds", [b"\x89PNG\r\n\x1a\n" + bytes(200), "a,b\n".encode("utf-16")])
def test_a_file_that_is_neither_is_refused_at_once(run: Run, tmp_path: Path, holds: bytes) -> None:
    (tmp_path / "blocks.dat").write_bytes(holds)
    status, _, err = run("new", "--whom", BTC, "--source", "blocks.dat", "--yes")
    assert status == 1
    assert "the file holds neither blocks nor a table at blocks.dat; name block files" in err


LOOKED_INTO = {
    "block-files": 'paths = ["x"]\nchain = "btc"',
    "etl": 'transactions = ["x"]\nblocks = ["x"]\nchain = "btc"',
    "prices": 'path = "x"\nchain = "btc"',
    "table": 'path = "x"\nchain = "btc"',
    "transfers": 'path = "x"\nmapping = { chain = "eth", kind = "native", source = "s",'
    ' txid = "t", sender = "f", receiver = "r", amount = "a", height = "h" }',
}


@pytest.mark.parametrize("kind", LOOKED_INTO)
@pytest.mark.parametrize("holds", [b"\x89PNG\r\n\x1a\n" + bytes(200), b"\xff\xfea\0,\0b\0\n\0"])
def test_a_check_opens_each_file(run: Run, tmp_path: Path, kind: str, holds: bytes) -> None:
    (tmp_path / "x").write_bytes(holds)
    (tmp_path / "mine.toml").write_text(
        f'[case]\nname = "mine"\ntitle = "T"\nquestion = "?"\n[[sources]]\nkind = "{kind}"\n'
        f'{LOOKED_INTO[kind]}\n[subjects]\nchain = "btc"\naddresses = ["{BTC}"]\n',
        encoding="utf-8",
    )
    status, out, err = run("run", "mine.toml", "--check")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "at x" in err


def test_every_source_of_files_can_be_looked_into() -> None:
    of_files = [one for one in entries() if one.server is None]
    assert [one.name for one in of_files if not hasattr(one.load(), "look")] == ["node-folder"]
    assert {one.name for one in of_files} - {"node-folder"} == {*LOOKED_INTO}
