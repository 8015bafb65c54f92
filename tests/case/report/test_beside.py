"""What stands beside findings: rates as the file has them, questions, words, methods, strength."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.case.report import method as methods
from chainwatch.case.report.critical_questions import (
    ANSWERED,
    ASKED_NOTHING,
    CATALOGUE,
    OPEN,
    PART,
    Evidence,
    answers,
    critical_questions,
)
from chainwatch.case.report.glossary import TERMS, glossary
from chainwatch.case.report.rates_used import (
    NO_CHANCE,
    NOT_MEASURED,
    OF_CUSTODY,
    rates_used,
    share_wrong,
)
from chainwatch.case.report.strength import (
    CONSISTENT,
    KINDS,
    NO_PERCENTAGES,
    READ,
    SCALE,
    UNKNOWN_KIND,
    answer,
    kind_of,
)
from chainwatch.evaluate.shares import Share
from chainwatch.heuristics.rates import Rate
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table

RATES = json.loads(
    (resources.files("chainwatch.heuristics") / "rates.json").read_text("utf-8")
)["rules"]  # fmt: skip
BY_NAME = {one.name: one for one in KINDS}


def finding(name: str) -> Finding:
    table = Table(name, (), "Some.", (Column.kind("rule", "which"),))
    return Finding("Some", (), table.rows(pl.DataFrame({"rule": ["x"]})))


class TestRates:
    """What is printed of rules is what was counted."""

    @pytest.mark.parametrize("rule", sorted(RATES))
    def test_every_rate_is_that_of_the_file_with_interval_and_basis(self, rule: str) -> None:
        (notes,) = rates_used(BY_NAME["owners"], [rule])
        one = RATES[rule]
        assert notes.lines == (NO_CHANCE,)
        assert notes.table is not None
        ((name, wrong, of, share, cases, basis),) = notes.table.rows
        assert (name, basis) == (rule, one["basis"])
        numbers = [int(text.replace(",", "")) for text in (wrong, of, cases)]
        assert numbers == [one["of"] - one["right"], one["of"], one["cases"]]
        rate, low, high = (float(text) for text in re.findall(r"\d+\.\d+", share))
        assert low <= rate <= high
        interval = Share(numbers[0], numbers[1], numbers[2]).interval
        assert interval is not None
        assert [low, high] == [round(100 * end, 2) for end in interval]
        assert "simulat" in basis

    def test_without_an_error_the_bound_is_three_over_the_cases(self) -> None:
        assert share_wrong(Rate(60, 60, 30, "made up")) == "0.00 %, 0.00 to 10.00 %"

    def test_what_nobody_measured_is_said_so(self) -> None:
        (notes,) = rates_used(BY_NAME["owners"], ["odd"])
        assert notes.table is not None
        assert notes.table.rows == (("odd", "", "", NOT_MEASURED, "", ""),)

    def test_custody_says_that_its_counts_are_simulated(self) -> None:
        (notes,) = rates_used(BY_NAME["custody"], [])
        assert notes.lines == (OF_CUSTODY, NO_CHANCE)
        assert "simulated services alone" in OF_CUSTODY

    def test_what_rests_on_no_rule_shows_no_rate(self) -> None:
        assert not list(rates_used(BY_NAME["counts"], ["co_spend"]))


class TestStrength:
    """The words of the scale."""

    def test_kinds_are_told_by_the_name_of_the_table(self) -> None:
        assert kind_of(finding("ends_by_reason")).name == "flow"
        assert kind_of(finding("after_2022_03_07")).strength == READ
        assert kind_of(finding("something_else")) is UNKNOWN_KIND
        assert UNKNOWN_KIND.strength == CONSISTENT, "of what is not known nothing strong is said"

    def test_no_name_belongs_to_two_kinds(self) -> None:
        names = [name for kind in KINDS for name in kind.tables]
        for name in names:
            assert sum(name.startswith(other) for other in names) == 1, name

    def test_an_answer_says_what_it_rests_on_and_where(self) -> None:
        told = answer([(READ, "Ten came in.", 4), (CONSISTENT, "It ended.", 0)], ["All agree."])
        assert told == (
            "Read from the chain: Ten came in. See Exhibit 4.",
            "Consistent with what was read: It ended.",
            "Consistent with what was read: All agree.",
        )

    def test_no_word_of_the_scale_bears_a_number(self) -> None:
        assert not re.search(r"\d|%|per cent", " ".join([NO_PERCENTAGES, *sum(SCALE, ())]))


class TestQuestions:
    """The catalogue of critical questions."""

    def test_every_kind_but_mere_counts_is_asked_something(self) -> None:
        for kind in (*KINDS, UNKNOWN_KIND):
            asked = list(answers(kind, Evidence(())))
            assert bool(asked) == (kind.name not in ASKED_NOTHING), kind.name

    def test_of_nothing_nothing_is_answered(self) -> None:
        for one in CATALOGUE:
            told = one.answered(Evidence(()))
            assert told.status in {OPEN, PART, ANSWERED}
            assert told.how
            assert not re.search(r"\d", told.how + one.text + one.would_answer)

    def test_a_range_answers_what_depends_on_the_method(self, otter_case) -> None:
        ledger, tags = otter_case.ledger, otter_case.tags
        vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
        one = cw.trace(ledger, vendor, policy="fifo", stop=tags.services())
        alone = dict(self.statuses(Evidence([one])))
        assert alone["Does it depend on the method of following?"] == OPEN
        both = Evidence([one, cw.trace_all(ledger, vendor, stop=tags.services())])
        assert dict(self.statuses(both))["Does it depend on the method of following?"] == ANSWERED
        (notes,) = critical_questions(BY_NAME["flow"], both)
        assert notes.table is not None
        assert notes.table.columns[0] == "question"

    def statuses(self, found: Evidence) -> list[tuple[str, str]]:
        return [(one.text, told.status) for one, told in answers(BY_NAME["flow"], found)]


class TestGlossary:
    """Words are explained where they are used, and nowhere else."""

    def test_only_what_is_used_is_explained(self) -> None:
        told = dict(glossary(["A tagged wallet paid through two CoinJoins by FIFO."]))
        assert set(told) == {"tag", "wallet", "CoinJoin", "FIFO"}
        assert glossary(["Nothing."]) == ()
        assert glossary(["stagger, walletless, gasket"]) == ()

    def test_the_words_of_the_scale_are_explained_where_they_stand(self) -> None:
        told = dict(glossary([f"{CONSISTENT}: nothing."]))
        assert list(told) == [CONSISTENT]

    def test_terms_are_in_order_and_each_is_found_by_its_own_word(self) -> None:
        words = [one.word for one in TERMS]
        assert words == sorted(words, key=str.lower)
        assert len(set(words)) == len(words)
        for one in TERMS:
            assert re.search(rf"\b(?:{one.found})\b", one.word, re.IGNORECASE), one.word


class TestMethod:
    """Sentences from the lineage."""

    def test_a_step_is_told_by_its_own_words(self, otter_case) -> None:
        links = cw.co_spends(otter_case.ledger)
        made = methods.method([cw.cluster(links).record])
        assert [note.heading for note in made.notes] == ["co_spends", "cluster"]
        (first, *_), second = (note.lines for note in made.notes)
        assert first == "Link the addresses whose coins one transaction spends together."
        assert second[1].startswith("large = 100 (")
        assert any(line.startswith("References: ") for line in second)
        assert "`" not in "".join(first + "".join(second))

    def test_what_a_recipe_calls_is_described(self) -> None:
        for step in (
            "trace",
            "trace_all",
            "exposure",
            "hosted",
            "counterparties",
            "flow",
            "case_figure",
            "services",
            "merge_tags",
            "named",
            "read_sanctions",
        ):
            assert methods.documented(step), step
        assert methods.documented("no such step") == ""


@pytest.mark.parametrize("edition", ["working", "disclosure"])
def test_the_report_of_the_market_says_all_of_it(demo_case, edition: str) -> None:
    folder: Path = demo_case.folder / edition
    page = (folder / "report.html").read_text("utf-8")
    one = RATES["co_spend"]
    rate = Rate(one["right"], one["of"], one["cases"], one["basis"])
    for words in (
        "Consistent with what was read: ", "See Exhibit ", share_wrong(rate), f"{one['cases']:,}",
        "Policy interval", "Open innocent explanations", "Critical questions", "What is unread",
        "How the results were made", "Glossary", NO_PERCENTAGES, "simulated owners",
    ):  # fmt: skip
        assert words in page, words
    table = page.partition(">Glossary</h2>")[2].partition("</table>")[0]
    rest = page.replace(table, "")
    for word in re.findall(r'<td class="[^"]*">([^<]*)</td>\s*<td', table):
        found = next((one.found for one in TERMS if one.word == word), re.escape(word))
        assert re.search(rf"\b(?:{found})\b", rest, re.IGNORECASE), word
    for name in ("results.json", "lineage.json"):
        told = json.loads((folder / name).read_bytes())
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert [row["content"] for row in manifest["results"]] == [
            row["content"] for row in told.get("results", manifest["results"])
        ]
        assert told["edition"] == edition
