"""``chainwatch leaks``: what the library finds, and a status that stops a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain

Run = Callable[..., tuple[int, str, str]]
BTC = chain("btc").id
NOBODY = text(b"\x01" + bytes(range(20)), BTC)


def case(folder: Path, said: str) -> Path:
    for name in ("disclosure", "working/masked", "annex"):
        (folder / name).mkdir(parents=True)
    (folder / "annex" / "mask_key.txt").write_text("0123456789abcdef" * 2)
    (folder / "annex" / "pseudonyms.csv").write_text(f"chain,address\n{BTC},{NOBODY}\n")
    masked = folder / "working" / "masked"
    (masked / "masked_parties.csv").write_text(f"chain,address\n{BTC},{NOBODY}\n")
    (masked / "withheld_transactions.csv").write_text("chain,txid\n")
    (folder / "disclosure" / "a.csv").write_text(said)
    return folder


def test_a_leak_ends_with_a_status_and_is_not_repeated(run: Run, tmp_path: Path) -> None:
    folder = case(tmp_path / "case", f"a\n{NOBODY}\n")
    status, out, _ = run("leaks", folder, "--csv", tmp_path / "leaks.csv")
    assert status == 1
    assert "a.csv, line 2: masked address, text (masked-" in out
    assert NOBODY not in out + (tmp_path / "leaks.csv").read_text()
    rows = pl.read_csv(tmp_path / "leaks.csv")
    assert rows["file"].unique().to_list() == ["a.csv"]


def test_a_clean_case_ends_well(run: Run, tmp_path: Path) -> None:
    folder = case(tmp_path / "case", "a\nnothing\n")
    status, out, _ = run("leaks", folder)
    assert status == 0
    assert out.startswith("Leaks(0 leaks in 1 file")
    status, out, _ = run("leaks", folder / "disclosure", "--working", folder / "working")
    assert status == 1, "without the key not all could be looked for"
    assert "not looked for: mask key" in out
    key = ("--key-file", folder / "annex" / "mask_key.txt")
    assert run("leaks", folder / "disclosure", "--working", folder / "working", *key)[0] == 0


def test_a_missing_key_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    folder = case(tmp_path / "case", "")
    status, _, err = run("leaks", folder / "disclosure", "--key-file", tmp_path / "none.txt")
    assert status == 1
    assert "the mask key is missing: there is no such file" in err
    status, _, err = run("leaks", folder / "disclosure")
    assert "nothing says whom to look for" in err
    assert "--" not in err or status == 1
