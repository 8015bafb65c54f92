"""A case file: every key is known, and what does not fit is named."""

from __future__ import annotations

import copy
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from chainwatch.case.file.model import data_folder, inside, load_case, parse_case
from chainwatch.case.marking import label
from chainwatch.errors import CaseError, InputError

ROOT = Path(__file__).resolve().parents[3]

LEAST: dict[str, Any] = {
    "case": {"name": "x", "title": "X", "question": "Who?"},
    "sources": [{"kind": "block-files", "paths": ["b.dat"], "chain": "btc"}],
    "subjects": {"chain": "btc", "addresses": ["bc1q"]},
}


def changed(path: str, value: object) -> dict[str, Any]:
    table = copy.deepcopy(LEAST)
    *above, last = path.split(".")
    place: Any = table
    for key in above:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    return table


def test_the_least_case() -> None:
    found = parse_case(LEAST, where="x.toml")
    assert found.case.editions == ("disclosure",)
    assert found.follow.policy == "fifo"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_examples_fit(path: Path) -> None:
    assert load_case(path).case.name == path.stem


def test_the_demo_fits() -> None:
    with resources.as_file(resources.files("chainwatch").joinpath("otter.toml")) as path:
        assert load_case(path).case.name == "otter"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (
            "surprise",
            1,
            "unknown key 'surprise' in the case file at my.toml; the keys there are case",
        ),
        (
            "follow",
            {"polcy": "fifo"},
            "unknown key 'polcy' in [follow] at my.toml; perhaps 'policy'",
        ),
        ("case.colour", "red", "unknown key 'colour' in [case]"),
        ("case.name", "../x", "'name' in [case] is '../x'"),
        ("case.name", "A" * 100, "write small letters and digits, - and _"),
        ("case.editions", ["secret"], '"disclosure" or "working"'),
        ("sources", [], "[sources] is []"),
        ("tags", {"path": "x"}, "write [[tags]], in two brackets"),
        ("sources.0.paths", "b.dat", 'write a list, such as ["one"]'),
        (
            "sources.0.kind",
            "oracle",
            '[[sources]] number 1 is of no kind known at my.toml; write kind = "bitcoinlib" or ',
        ),
        (
            "sources.0.kind",
            "blocks",
            "number 1 is of the kind 'blocks', which is called 'block-files' now at my.toml; "
            'write kind = "block-files"',
        ),
        ("sources.0.kind", 7, "[[sources]] number 1 is of no kind known"),
        ("sources", {"kind": "block-files"}, "write [[sources]], in two brackets"),
        ("sources", [5], "[sources] is 5 at my.toml; write a table"),
        ("sources", [*LEAST["sources"], 5], "write a table"),
        ("sources.0.path", ["b.dat"], "perhaps 'paths' is meant"),
        ("sources.0.acquired", "2024-01-01", "unknown key 'acquired' in [[sources]] number 1"),
        ("sources.0.paths", [], "'paths' in [[sources]] number 1 is []"),
        ("sources.0.paths", [5], "write a text in quotes"),
        ("sources.0.height", -1, "it should be greater than or equal to 0"),
        ("sources.0.height", "5", "write a whole number, without quotes"),
        ("sources.0.keep_raw", "yes", "write true or false"),
        ("sources", [{"kind": "block-files"}], "[[sources]] number 1 lacks 'paths'"),
        (
            "sources.0.height",
            "high",
            "'height' in [[sources]] number 1 is 'high' at my.toml; write a whole",
        ),
        (
            "follow",
            {"policy": "magic"},
            "'policy' in [follow] is 'magic' at my.toml; write \"fifo\"",
        ),
        (
            "follow",
            {"min_share": 1001},
            "'min_share' in [follow] is 1001 at my.toml; it should be less than",
        ),
        ("follow", {"trifle": -1}, "'trifle' in [follow] is -1"),
        ("follow", {"trifle": 10**80}, "it should be less than or equal to 9999"),
        ("follow", {"max_age": 999_999_999_999}, "should be less than or equal to 100000"),
        ("traces", [{"max_age": 999_999_999_999}], "should be less than or equal to 100000"),
        ("case.title", "   ", "'title' in [case] does not fit: it is blank at my.toml"),
        ("subjects.concept", "vendor", "[subjects] does not fit: give addresses"),
        ("subjects.column", "wallet", "subjects"),
        ("subjects", {"chain": "btc"}, "subjects"),
        ("asset", {"chain": "tron", "contract": "T", "symbol": "U", "decimals": 39}, "decimals"),
        (
            "dates",
            [{"day": "yesterday", "name": "x"}],
            "'day' in [[dates]] number 1 is 'yesterday'",
        ),
        ("dates", [{"day": "7.3.2022", "name": "x"}], "write a day as 2022-03-07"),
        ("case", {"name": "x"}, "[case] lacks 'title'"),
    ],
)
def test_what_does_not_fit_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_case(changed(path, value), where="my.toml")
    said = str(caught.value)
    assert named in said
    assert "my.toml" in said
    assert "\n" not in said
    assert "pydantic" not in said
    assert "Input should" not in said


def test_what_a_stranger_wrote_is_shown_short() -> None:
    for table in (changed("case.name", "A" * 9999), changed("case." + "k" * 9999, 1)):
        with pytest.raises(CaseError) as caught:
            parse_case(table, where="my.toml")
        assert len(str(caught.value)) < 400


def test_of_a_mapping_the_key_is_named() -> None:
    mapping = {"chain": "tron", "kind": "trc20", "snder": "from"}
    table = changed("sources", [{"kind": "transfers", "path": "t.csv", "mapping": mapping}])
    with pytest.raises(CaseError) as caught:
        parse_case(table, where="my.toml")
    assert str(caught.value) == (
        "unknown key 'snder' in [sources.mapping] number 1 at my.toml; perhaps 'sender' is meant."
    )


def test_lists_in_lists_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(f"a = {'[' * 5_000}{']' * 5_000}")
    with pytest.raises(CaseError, match=r"lists in lists, too deep to be read at .*x\.toml"):
        load_case(tmp_path / "x.toml")


@pytest.mark.parametrize("text", ["[case", "= 1", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(CaseError, match="cannot be read") as caught:
        load_case(tmp_path / "x.toml")
    assert "x.toml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, said in (
        ("bytes.toml", "the case file cannot be read: it is no text in UTF-8"),
        ("missing.toml", "there is no such case file"),
        (".", "this is a folder, not a case file"),
    ):
        with pytest.raises(CaseError) as caught:
            load_case(tmp_path / name)
        assert str(caught.value).startswith(f"{said} at {tmp_path / name}"), name
        assert str(caught.value).count(str(tmp_path)) == 1, name
        assert "Errno" not in str(caught.value)


def test_where_the_data_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = tmp_path / "cases" / "x.toml"
    (tmp_path / "cases").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    assert data_folder(None, case) == tmp_path / "cases"
    monkeypatch.setenv("CHAINWATCH_DATA", str(tmp_path / "data"))
    assert data_folder(None, case) == tmp_path / "data"
    assert data_folder(tmp_path, case) == tmp_path
    with pytest.raises(InputError, match="--data FOLDER"):
        data_folder(tmp_path / "missing", case)
    with pytest.raises(InputError, match="the folder that CHAINWATCH_DATA names") as caught:
        inside(tmp_path / "data", "blocks.dat")
    assert "--data FOLDER" in str(caught.value)
    assert inside(tmp_path / "cases", "blocks.dat") == tmp_path / "cases" / "blocks.dat"


SERVERS: dict[str, dict[str, Any]] = {
    "bitcoinlib": {"endpoint_url": "https://e.example", "addresses": ["x"]},
    "electrum": {"host": "e.example", "port": 50002, "addresses": ["x"], "tls": True},
    "esplora": {"url": "https://e.example/api", "span": "5:", "timeout": 5},
    "evm": {"url": "https://e.example", "chain": "eth", "span": "5:7", "tracer": "debug"},
    "rest": {},
    "rpc": {"cookie": "node/.cookie", "batch": 3},
}
FILES: dict[str, dict[str, Any]] = {
    "block-files": {"paths": ["b.dat"]},
    "etl": {"transactions": ["t.json"], "blocks": ["b.json"]},
    "node-folder": {"path": "node", "workers": 2},
}
"""What is enough of each kind; of transfers see the examples."""


@pytest.mark.parametrize(("kind", "keys"), [*SERVERS.items(), *FILES.items()])
def test_every_source_has_a_table(kind: str, keys: dict[str, Any]) -> None:
    found = parse_case(changed("sources", [{"kind": kind, **keys}]), where="my.toml").sources[0]
    assert found.kind == kind
    assert {name: getattr(found, name) for name in keys} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in keys.items()
    }


@pytest.mark.parametrize(
    ("kind", "key", "value", "said"),
    [
        ("esplora", "span", "7", "no span of heights at my.toml; write it as 800000:800100"),
        ("esplora", "span", [5, 9], "write a text in quotes"),
        ("esplora", "spam", "5:9", "perhaps 'span' is meant"),
        ("esplora", "scripts", ["xyz"], "no bytes in hexadecimal"),
        ("esplora", "url", "https://me:s3cret@e.example", "stands in the address of the server"),
        ("esplora", "max_transactions", 0, "greater than or equal to 1"),
        ("esplora", "headers", {"X-Key": "s3cret"}, "never the secret itself at"),
        ("esplora", "headers", "X-Key: s3cret", "write a table of names and texts"),
        ("esplora", "url", ["https://me:s3cret@e.example"], "write a text in quotes"),
        ("esplora", "headers", {"X-Key": "env:HOME"}, "write env:CHAINWATCH_SECRET_NAME"),
        ("esplora", "headers", {"X-Key": "keyring:mail"}, "or keyring:chainwatch-NAME"),
        ("rpc", "password", "s3cret", "'password' in [[sources]] number 2 does not fit"),
        ("rpc", "password", ["s3cret"], "'password' in [[sources]] number 2"),
        ("bitcoinlib", "api_key", "s3cret", "never the secret itself"),
        ("bitcoinlib", "provider", "nobody", 'write "blockbook" or "blockstream" or "mempool"'),
        ("electrum", "port", "50002", "write a whole number"),
        ("electrum", "gap", 0, "greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_a_source(kind: str, key: str, value: object, said: str) -> None:
    """Said of the table that is wrong, and without repeating a secret."""
    tables = [*LEAST["sources"], {"kind": kind, **SERVERS[kind], key: value}]
    with pytest.raises(CaseError) as caught:
        parse_case(changed("sources", tables), where="my.toml")
    assert said in str(caught.value)
    assert "number 2" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_ledger_stands_alone() -> None:
    ledger = {"kind": "ledger", "path": "l"}
    assert parse_case(changed("sources", [ledger]), where="x").sources[0].kind == "ledger"
    for tables in ([ledger, ledger], [*LEAST["sources"], ledger]):
        with pytest.raises(CaseError) as caught:
            parse_case(changed("sources", tables), where="my.toml")
        assert str(caught.value) == (
            "[sources] does not fit: a ledger that exists is used as it is, so nothing can be read "
            "beside it at my.toml; leave out the other sources, or read them into it with "
            "chainwatch pull."
        )


def test_only_the_sources_that_are_named_are_loaded() -> None:
    code = (
        "import sys; from chainwatch.case.file.model import load_case; load_case(sys.argv[1]);"
        "print(*sorted({m.split('.')[2] for m in sys.modules if m.startswith('chainwatch.so')"
        " and m.count('.') > 1}))"
    )
    with resources.as_file(resources.files("chainwatch").joinpath("otter.toml")) as path:
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True,
            cwd=ROOT,
        )  # fmt: skip
    assert not {"electrum", "esplora", "bitcoin_core", "transfer_dump"} & set(done.stdout.split())
    assert "block_files" in done.stdout


ASKED: dict[str, dict[str, Any]] = {
    "account_links": {},
    "crossings": {},
    "mixes": {},
    "paths": {"target": "x"},
    "people": {},
}
"""What is enough of each question."""


@pytest.mark.parametrize(("name", "keys"), ASKED.items())
def test_every_question_has_a_table_and_may_be_asked_again(name: str, keys: dict[str, Any]) -> None:
    found = list(parse_case(changed(name, [keys, keys]), where="my.toml").asked())
    assert [one.line.name for one in found] == [name.replace("_", "-")] * 2
    assert [one.where.partition(" of ")[0] for one in found] == [
        f"[[{name}]] number 1", f"[[{name}]] number 2"
    ]  # fmt: skip


def test_questions_are_asked_in_the_order_of_the_file() -> None:
    table = LEAST | {"paths": [{"target": "x"}], "also": [], "mixes": [{}]}
    assert [one.line.name for one in parse_case(table, where="x").asked()] == ["paths", "mixes"]


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("paths", {}, "[[paths]] number 1 lacks 'target' at my.toml"),
        ("paths", {"target": []}, "'target' in [[paths]] number 1 is []"),
        ("paths", {"target": [5]}, "write a text in quotes"),
        ("paths", {"target": "x", "form": "y"}, "unknown key 'form' in [[paths]] number 1"),
        ("paths", {"target": "x", "by": "luck"}, 'write "value" or "hops" or "time" or "weakest"'),
        ("paths", {"target": "x", "k": True}, "'k' in [[paths]] number 1 is true"),
        ("paths", {"target": "x", "k": 0}, "greater than or equal to 1"),
        ("paths", {"target": "x", "chain": "bitcoin2"}, "unknown chain 'bitcoin2'"),
        ("paths", {"target": "x", "start": "yesterday"}, "write a day as 2022-03-07"),
        ("paths", {"target": "x", "opened": [{"address": "y"}]}, "lacks 'why'"),
        ("crossings", {"bridges": {"hop": {"moon": ["x"]}}}, "unknown chain 'moon'"),
        ("crossings", {"fee_at_most": 0.01}, "write a text in quotes"),
        ("crossings", {"assets": [[{"chain": "eth", "contract": "0x"}]]}, "decimals of the token"),
        ("mixes", {"everywhere": 1}, "write true or false"),
        ("mixes", {"limit": "8"}, "write a whole number, without quotes"),
        (
            "account_links",
            {"rules": ["magic"]},
            "does not fit: 'magic' is no rule at my.toml; write one of acti",
        ),
        ("account_links", {"at_least": 2}, "less than or equal to 1"),
        ("account_links", {"hosted": [{"chain": "x"}]}, "unknown chain 'x'"),
        ("path", {"target": "x"}, "perhaps 'paths' is meant"),
        ("also", {"asset": {"chain": "eth"}}, "[[also]] number 1 lacks 'subjects'"),
        ("also", {"subjects": {"chain": "btc"}}, "does not fit: give addresses"),
    ],
)
def test_what_does_not_fit_a_question(name: str, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_case(changed(name, [keys]), where="my.toml")
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)


LINES = """\
[case]
name = "x"
title = "X"
question = '''
[[paths]]
'''
[[sources]]
kind = "KIND"
paths = ["b.dat"]
chain = "btc"
[subjects]
chain = "CHAIN"
addresses = ["bc1q"]
[[paths]]
target = "x"
[[paths]]
target = "y"
k = COUNT
"""


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"COUNT": "0"}, 18),
        ({'target = "y"\n': ""}, 16),
        ({"CHAIN": "nowhere"}, 12),
        ({"KIND": "oracle"}, 8),
        ({"b.dat": 'b.dat", 5, "'}, 9),
        ({'name = "x"': 'name = "x"\ncolour = 1'}, 3),
        ({"[subjects]": "[surprise]\n[subjects]"}, 11),
        ({"[[sources]]": "[sources]"}, 7),
    ],
)
def test_an_error_names_the_line(tmp_path: Path, changes: dict[str, str], line: int) -> None:
    text = LINES
    for old, new in changes.items():
        text = text.replace(old, new, 1)
    for old, new in {"KIND": "block-files", "CHAIN": "btc", "COUNT": "2"}.items():
        text = text.replace(old, new)
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CaseError, match=rf"my\.toml line {line}[.;]"):
        load_case(tmp_path / "my.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "", '[[dates]]\nday = 2022-02-03T10:00:00\nname = "x"\n',
            "'day' in [[dates]] number 1 is 2022-02-03T10:00:00 at my.toml line 20; write a day as"
            " 2022-03-07.",
        ),
        (
            "", "[[dates]]\nday = 2022-02-30\n",
            "the case file cannot be read as TOML: invalid date or datetime at my.toml line 20;"
            " write a day that there is, as 2022-03-07, and a time as 2022-03-07T10:00:00Z.",
        ),
        (
            "[[sources]]", "[sources]",
            "[sources] is a table at my.toml line 7; write [[sources]], in two brackets.",
        ),
        (
            '[subjects]\nchain = "btc"\naddresses = ["bc1q"]\n', "",
            "the case file lacks 'subjects' at my.toml; write [subjects] with chain = \"btc\" and"
            ' addresses = ["..."], behind line 15.',
        ),
        (
            'title = "X"\n', "",
            "[case] lacks 'title' at my.toml line 1; write title = \"...\" (heading of the"
            " report).",
        ),
        (
            'target = "y"\n', "",
            "[[paths]] number 2 lacks 'target' at my.toml line 16; write target = [\"...\"] (who"
            " may have been reached).",
        ),
        (
            "", "[[also]]\n",
            "[[also]] number 1 lacks 'subjects' at my.toml line 19; write a table:"
            " [also.subjects].",
        ),
        (
            'title = "X"', 'title = "X"\neditions = ["working"]\nworking_reason = "r"',
            "'editions' in [case] does not fit: the working edition masks nobody, so"
            " that its reason and its authority must be told at my.toml line 4; give"
            " working_authority, or leave it out of editions.",
        ),
        (
            "", '[[tags]]\npath = "t"\nlabel = "y"\n',
            "'label' in [[tags]] number 1 does not fit: label is of kind sanctions at my.toml line"
            " 21; leave it out, or write that kind.",
        ),
        (
            "", '[owners]\nrecipe = "default"\nmost_rounds = 3\n',
            "'most_rounds' in [owners] does not fit: most_rounds bounds rounds of change, and none"
            " is joined at my.toml line 21; say which.",
        ),
        (
            'title = "X"', 'title = "X"\ntlp = "yellow"',
            "'tlp' in [case] is 'yellow' at my.toml line 4; write \"\" or \"RED\" or"
            ' "AMBER+STRICT" or "AMBER" or "GREEN" or "CLEAR".',
        ),
        (
            "", "[subjects]\n",
            "the case file cannot be read as TOML: the table [subjects] stands there twice at"
            " my.toml line 19; see examples/ for a whole case file.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence_with_its_line_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = LINES.replace("KIND", "block-files").replace("CHAIN", "btc").replace("COUNT", "2")
    text = text.replace(old, new, 1) if old else text + new
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load_case("my.toml")
    assert str(caught.value) == said


@pytest.mark.parametrize("said", ["amber", "AMBER", "TLP:AMBER", " tlp:Amber"])
def test_a_label_of_tlp_is_read_as_a_bundle_reads_it(said: str) -> None:
    assert parse_case(changed("case.tlp", said), where="x").case.tlp == label(said) == "AMBER"


def test_no_mark_of_the_checker_stands_in_a_sentence() -> None:
    mapping = {"chain": "tron", "kind": "trc20", "source": "s", "txid": "t",
               "sender": "f", "receiver": "r", "amount": 5}  # fmt: skip
    table = changed("sources", [{"kind": "transfers", "path": "t.csv", "mapping": mapping}])
    with pytest.raises(CaseError, match=r"^'amount' in \[sources.mapping\] number 1 is 5 at"):
        parse_case(table, where="my.toml")


def test_where_a_question_stands_is_kept_for_its_answer(tmp_path: Path) -> None:
    text = LINES.replace("KIND", "block-files").replace("CHAIN", "btc").replace("COUNT", "2")
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    places = [one.where for one in load_case(tmp_path / "my.toml").asked()]
    assert places == [
        f"[[paths]] number 1 of {tmp_path / 'my.toml'} line 14",
        f"[[paths]] number 2 of {tmp_path / 'my.toml'} line 16",
    ]


def test_each_group_of_subjects_is_a_case_of_its_own() -> None:
    token = {"chain": "tron", "contract": "T", "symbol": "U", "decimals": 6}
    more = [
        {"subjects": {"chain": "tron", "addresses": ["T1"]}, "asset": token},
        {"subjects": {"chain": "ltc", "addresses": ["L1"]}, "follow": {"policy": "haircut"}},
    ]
    table = changed("also", more) | {"follow": {"max_hops": 3}}
    found = list(parse_case(table, where="x").parts())
    assert [one.subjects.addresses[0] for one in found] == ["bc1q", "T1", "L1"]
    assert [one.asset and one.asset.symbol for one in found] == [None, "U", None]
    assert [one.follow.max_hops for one in found] == [3, 3, None]
    assert [one.follow.policy for one in found] == ["fifo", "fifo", "haircut"]
