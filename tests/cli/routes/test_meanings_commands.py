"""Commands that look at account chains: what transactions mean, and value through swaps."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.simulate.swaps.simulation import SimulatedSwaps, simulate_swaps

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made() -> SimulatedSwaps:
    return simulate_swaps(1, part="fit", deeds=120, people=12)


@pytest.fixture(autouse=True)
def _opened(made: SimulatedSwaps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands are what is tried here: whatever folder is named, the ledger is this one."""
    ledger = made.ledger()
    monkeypatch.setattr(cw, "open_ledger", lambda _: ledger)


def test_meanings_are_counted_and_written(run: Run, made: SimulatedSwaps, tmp_path: Path) -> None:
    file = tmp_path / "meanings.csv"
    status, said, _ = run("meanings", "--ledger", "l", "--csv", file)
    assert status == 0
    assert "swap (probable, trade)" in said
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    swaps = {row["txid"] for row in rows if row["meaning"] == "swap"}
    true = {"0x" + one.txid.hex() for one in made.truth if one.meaning == "swap"}
    assert swaps <= true
    assert len(swaps) > 10
    assert run("meanings", "--ledger", "l", "--csv", file)[0] == 1, "the file is there"


def test_net_changes_are_told_instead(run: Run) -> None:
    status, said, _ = run("meanings", "--ledger", "l", "--changes")
    assert (status, said.splitlines()[0].partition("(")[0]) == (0, "NetChanges")


def test_value_is_followed_through_swaps(run: Run, made: SimulatedSwaps, tmp_path: Path) -> None:
    known = cw.meanings(made.ledger()).frame.filter(meaning="swap", certainty="probable")
    one = next(one for one in made.truth if one.txid in {*known["txid"]} and one.asset)
    assert one.asset is not None
    who, token = (text(at, "eth") for at in (one.payer, one.asset))
    asked = ("through-swaps", who, "--asset", f"{token},TOK,6", "--ledger", "l")
    status, said, _ = run(*asked, "--policy", "fifo", "--csv", tmp_path / "swaps.csv")
    assert status == 0
    assert said.startswith("ThroughSwaps(fifo, ")
    assert "exchanged" in said
    assert "0x" + one.txid.hex() in (tmp_path / "swaps.csv").read_text("utf-8")
    status, _, err = run(*asked)
    assert status == 1
    assert "no policy was chosen" in err


def test_value_ends_at_the_services_of_stop_or_of_tags_or_at_none(
    run: Run, made: SimulatedSwaps, tmp_path: Path
) -> None:
    """Whoever is paid the most is called an exchange here: that he is a stop changes the trace."""
    known = cw.meanings(made.ledger()).frame.filter(meaning="swap", certainty="probable")
    one = next(one for one in made.truth if one.txid in {*known["txid"]} and one.asset)
    assert one.asset is not None
    who, token = (text(at, "eth") for at in (one.payer, one.asset))
    asked = ("through-swaps", who, "--asset", f"{token},TOK,6", "--ledger", "l",
             "--policy", "fifo")  # fmt: skip
    status, plain, _ = run(*asked)
    steps = cw.trace_through_swaps(
        made.ledger(), [who], asset=made.asset(one.asset), policy="fifo",
        through=cw.meanings(made.ledger()),
    ).tables()["steps"].frame  # fmt: skip
    paid = steps.filter(source=one.payer)["target"].unique().sort()
    bank = next(at for at in paid if at not in {*cw.meanings(made.ledger()).pools["address"]})
    tags = tmp_path / "bank.csv"
    tags.write_text("chain,address,label,actor,concept,source\n"
                    f"eth,{text(bank, 'eth')},bank,bank,exchange,list\n", "utf-8")  # fmt: skip
    assert "bank" not in plain
    for words in (("--tags", tags), ("--stop", tags), ("--tags", tags, "--stop", tags)):
        status, said, err = run(*asked, *words)
        assert (status, err) == (0, "")
        assert "hosted service: bank" in said, words
    assert run(*asked, "--tags", tags, "--no-stop")[1] == plain
    status, _, err = run(*asked, "--stop", tags, "--no-stop")
    assert status == 1
    assert "--stop and --no-stop" in err


def test_rates_of_meanings(run: Run) -> None:
    asked = ("evaluate", "meanings", "--worlds", 1, "--fit")
    told = json.loads(run(*asked, "--json")[1])
    assert {row["meaning"] for row in told["meaning_rates"]} >= {"swap", "batch", "wrap"}
    assert "said and not true" in run(*asked)[1]
    status, _, err = run(*asked, "--picture", "rates.svg")
    assert status == 1
    assert "rates of meanings have no picture" in err
