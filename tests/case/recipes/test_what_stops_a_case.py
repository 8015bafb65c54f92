"""What stops a case before or while it runs: one clear sentence, and nothing half-written."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import many_chains as world
import polars as pl
import pytest

from chainwatch.case.analyses import questions
from chainwatch.case.file.model import load_case
from chainwatch.case.recipes.plan import plan_case
from chainwatch.case.recipes.run import run_case, steps_of
from chainwatch.case.recipes.steps import Steps
from chainwatch.case.seal import verify
from chainwatch.errors import ChainwatchError
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.progress import count, watched

CASE = f"""\
[case]
name = "kay"
title = "Kay"
question = "Where did it go?"
editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "nobody's"
[[sources]]
kind = "ledger"
path = "ledger"
commit = 2
[[tags]]
path = "tags.csv"
[subjects]
chain = "btc-regtest"
addresses = ["{world.coin("K")}"]
[[also]]
[also.subjects]
chain = "eth"
addresses = ["{world.account("ann")}"]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, small_ledger: Callable[[str], Ledger]) -> Path:
    folder = tmp_path_factory.mktemp("data")
    world.write(folder, small_ledger)
    return folder


def case(data: Path, text: str = CASE, *changes: tuple[str, str]) -> Path:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    place = data / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.toml"
    place.write_text(text, encoding="utf-8")
    return place


REFUSED = {
    "a ledger that lacks the commit": (
        ("commit = 2", "commit = 9"),
        "the case keeps to commit 9 of a ledger, and there is no commit 9",
    ),
    "no such ledger": (('path = "ledger"', 'path = "ledgers"'), "there is no file or folder 'led"),
    "tags that are not there": (('"tags.csv"', '"tag.csv"'), "tag.csv"),
    "another chain's address": (
        (world.coin("K"), world.account("ann")),
        "[subjects] addresses of {file} line 16",
    ),
    "another chain's address further down": (
        (world.account("ann"), world.coin("K")),
        "[also.subjects] addresses of {file} line 20",
    ),
    "a tag that names nobody": (
        (f'addresses = ["{world.coin("K")}"]', 'label = "nobody"'),
        "the case has no subject; check [subjects] against the tags",
    ),
    "a question about somebody whom no tag names": (
        ("[[also]]\n", '[[paths]]\ntarget = "harbor"\n[[also]]\n'),
        "'harbor' is no address of btc-regtest, and no tag calls anybody so at target in [[paths]]"
        " number 1 of {file} line 17; write an address, or a name as the tags have it.",
    ),
    "a party that is named on another chain": (
        ("[[also]]\n", '[[link_tests]]\nnetwork = "shop"\nchain = "btc"\n[[also]]\n'),
        "'shop' is no address of btc, and no tag calls anybody so at network in [[link_tests]]",
    ),
    "an empty list": ((f'addresses = ["{world.coin("K")}"]', "addresses = []"), "give addresses"),
    "a key misspelt": (("question =", "quesion ="), "line 4; perhaps 'question' is meant"),
    "a day that is none": (('name = "kay"', 'name = "kay"\ntags_as_of = "2022"'), "write a day as"),
    "a time for a day": (
        ('name = "kay"', 'name = "kay"\ntags_as_of = 2022-03-07T12:30:00'),
        "write a day as 2022-03-07",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_one_sentence_before_anything_is_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    change, said = REFUSED[why]
    file = case(data, CASE, change)
    for verb in (plan_case, run_case):
        with pytest.raises(ChainwatchError) as caught:
            verb(file, tmp_path / "out")
        assert said.format(file=file) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.iterdir())


def test_what_is_read_may_bring_the_tags_that_a_question_needs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    (data / "t.csv").write_text("t,f,r,a,h,n,m\n", encoding="utf-8")
    table = """kind = "transfers"
path = "t.csv"
[sources.mapping]
chain = "eth"
kind = "native"
source = "s"
txid = "t"
sender = "f"
receiver = "r"
amount = "a"
height = "h"
"""
    named = '[sources.mapping.tags]\nsender = "n"\nreceiver = "m"\nsource = "c"\n'
    ledger = 'kind = "ledger"\npath = "ledger"\ncommit = 2\n'
    asked = ("[[also]]\n", '[[paths]]\ntarget = "harbor"\n[[also]]\n')
    told = str(plan_case(case(data, CASE, asked, (ledger, table + named)), tmp_path / "out"))
    assert "target in [[paths]] number 1 of" in told
    assert "no tag calls anybody so; what is read must name them" in told
    with pytest.raises(ChainwatchError, match="no tag calls anybody so at target in"):
        plan_case(case(data, CASE, asked, (ledger, table)), tmp_path / "out")


def test_every_question_that_reads_names_says_in_which_keys() -> None:
    reads = re.compile(r"(?:whom|parties_named|addresses_named)\((?!self\b, )[^)]*self\.(\w+)")
    for line in questions.lines:
        keys = line.load()
        text = inspect.getsource(keys)
        assert {*reads.findall(text)} <= {*keys.parties}, line.name
        assert ("_named(" in text or "whom(" in text) == bool(keys.parties), line.name
        assert {*keys.parties} <= {*keys.model_fields}


def test_a_folder_that_cannot_be_made(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    file = case(data)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for verb in (plan_case, run_case):
        with pytest.raises(ChainwatchError, match="a file stands where a folder would have to be"):
            verb(file, tmp_path / "file" / "out")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for verb in (plan_case, run_case):
        with pytest.raises(ChainwatchError, match="nothing may be written into this folder"):
            verb(file, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_case_keeps_to_the_commit_it_names(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    assert open_ledger(data / "ledger").commit.number == 3
    assert [one.alias for one in open_ledger(data / "ledger", commit=1).chains] == ["btc-regtest"]
    plan = plan_case(case(data), tmp_path / "out")
    assert "uses the ledger ledger as of its commit 2" in plan.lines
    assert "asks nobody: no third party learns anything" in plan.lines
    assert not any("base:" in line for line in plan.lines), "the third commit is of base"
    assert not list(tmp_path.iterdir())

    said: list[str] = []
    made = run_case(case(data), tmp_path / "out", say=said.append)
    steps = [line for line in said if ": done in " not in line]
    assert len(steps) == steps_of(load_case(case(data)))
    page = (made.editions["disclosure"] / "report.html").read_text("utf-8")
    assert "as it stood with its commit 2 (the case file asks for that one)" in page
    text = case(data).read_text("utf-8")
    assert (made.editions["working"] / "case.toml").read_text("utf-8") == text
    assert not (made.editions["disclosure"] / "case.toml").exists(), "it may name who is masked"
    digests = {
        name: json.loads((folder / "inputs.json").read_text("utf-8"))["case_file"]
        for name, folder in made.editions.items()
    }
    assert digests["working"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert digests["disclosure"].startswith("hmac-sha256:"), "a digest would confirm a guess"
    assert all(verify(folder) for folder in made.editions.values())


def test_ctrl_c_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    lines = ["opening ledger", "joining addresses", "writing the working edition"]
    for stop in lines:

        def say(line: str, stop: str = stop) -> None:
            if line == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_case(case(data), tmp_path / "out", say=say)
        assert not list(tmp_path.iterdir())


def test_steps_are_told_and_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("chainwatch.progress._watching", [shown.append])
    said: list[str] = []
    with Steps(said.append, 2) as tell:
        tell("reading")
        count("payments followed", 1000)
        count("payments followed", 1001)
        tell("writing")
        with watched("the report") as inner:
            assert inner is not None
            inner("page 3")
    assert said == ["reading", "writing"]
    assert shown == [
        "1 of 2: reading", "1 of 2: reading: 1,000 payments followed", "2 of 2: writing",
        "2 of 2: writing: the report", "2 of 2: writing: the report: page 3",
    ]  # fmt: skip


def test_a_long_step_says_in_a_log_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 65.0, 65.0, 66.0])
    monkeypatch.setattr("chainwatch.case.recipes.steps.time.monotonic", lambda: next(clock))
    said: list[str] = []
    with Steps(said.append, 2) as tell:
        tell("following")
        tell("writing")
    assert said == ["following", "following: done in 65 s", "writing"]


def test_a_plan_tells_whom_it_would_ask(data: Path, tmp_path: Path) -> None:
    server = ('kind = "ledger"\npath = "ledger"\ncommit = 2', 'kind = "esplora"\n'
              'url = "https://e.example/api"\nchain = "btc"\naddresses = '
              '["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"]')  # fmt: skip
    found = plan_case(case(data, CASE, server), tmp_path / "out", data=data)
    assert found.hosts == found.refused == ("e.example:443",)
    assert "it has no leave: --only-hosts e.example:443" in str(found)
    free = plan_case(case(data, CASE, server), tmp_path / "out", data=data,
                     only_hosts=["e.example"])  # fmt: skip
    assert free.refused == ()
    assert pl.Series([str(free)]).str.contains("reads 1 address, as esplora").all()
