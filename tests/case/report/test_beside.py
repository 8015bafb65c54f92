"""What stands beside findings: rates as the file has them, questions, words, methods, strength."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.addresses.assets import Asset, native
from chainwatch.case.findings.account_leads import LEADS
from chainwatch.case.report import method as methods
from chainwatch.case.report.columns import one_piece
from chainwatch.case.report.critical_questions import (
    ANSWERED,
    ASKED_NOTHING,
    CATALOGUE,
    OPEN,
    PART,
    Answer,
    Evidence,
    answers,
    critical_questions,
)
from chainwatch.case.report.exhibits import Drawn, drawn_of
from chainwatch.case.report.glossary import TERMS, glossary
from chainwatch.case.report.rates_used import (
    NO_CHANCE,
    NOT_MEASURED,
    OF_CUSTODY,
    OTHER_TERMS,
    on_other_terms,
    rates_used,
    rules_of,
    share_wrong,
)
from chainwatch.case.report.strength import (
    CONSISTENT,
    KINDS,
    NO_PERCENTAGES,
    PROBABLE,
    READ,
    SCALE,
    SORTED,
    UNKNOWN_KIND,
    answer,
    kind_of,
    strength_of,
)
from chainwatch.case.schedule import TITLE as UNUSED
from chainwatch.evaluate.shares import Share
from chainwatch.figures.evidence.of_subjects import cluster_figures
from chainwatch.heuristics.rates import Rate
from chainwatch.results.provenance import Record
from chainwatch.results.result import Finding, Result
from chainwatch.results.table import Column, Table
from chainwatch.tracing.policies import POLICIES
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.triage.identity.identities import TITLE as SELLERS

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
        assert one_piece(notes.table.rows[0][3], right=notes.table.align[3] == "right")
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
        for kind in ("counts", "people", "identities", "shapes"):
            assert not list(rates_used(BY_NAME[kind], ["co_spend"])), kind

    def test_rules_are_those_of_the_finding_and_of_no_other_result(self, otter_case) -> None:
        links = cw.co_spends(otter_case.ledger)
        joined = cw.cluster(links)
        largest = joined.frame["cluster"].value_counts(sort=True)["cluster"][0]
        members = joined.frame.filter(pl.col("cluster") == largest)
        assert members.height > 2, "one link tells other owners than all of them"
        (owners,) = joined.findings(members.select("chain", "address"))
        one = links.frame.filter(pl.col("a").is_in(members["address"].implode()))[:1]
        first = cw.cluster(replace(links, frame=one, columns=None))
        (alone,) = first.findings(first.frame.select("chain", "address"))
        odd = first.forest.with_columns(rule=pl.lit("odd"))
        others = [links, joined, replace(first, forest=odd, columns=None)]
        assert rules_of(owners, others) == ("co_spend",)
        assert rules_of(alone, others) == ("odd",)
        paid = otter_case.ledger.outputs.select("chain", "address").drop_nulls().unique().collect()
        nobodys = paid.join(joined.frame, on=["chain", "address"], how="anti").sort("address")
        (lone,) = joined.findings(nobodys.head(1))
        assert rules_of(lone, others) == (), "links of other owners are not its"
        rows = LEADS.empty().with_columns(pl.lit("first_funder").alias("rule"))
        assert rules_of(Finding("Leads", (), LEADS.rows(rows)), others) == ()
        row = dict.fromkeys(LEADS.names) | {"rule": "first_funder"}
        lead = Finding("Leads", (), LEADS.rows(pl.DataFrame([row], schema=LEADS.schema)))
        assert rules_of(lead, others) == ("first_funder",)
        (notes,) = rates_used(kind_of(lead), rules_of(lead, others))
        assert notes.table is not None
        assert [one[0] for one in notes.table.rows] == ["first_funder"]
        assert rules_of(finding("people_by_role"), others) == ()

    def test_a_rate_of_other_terms_is_none_of_these_links(self) -> None:
        rows = [dict.fromkeys(LEADS.names) | {"rule": rule, "confidence": confidence}
                for rule, confidence in (("first_funder", None), ("activation", 0.5))]  # fmt: skip
        lead = Finding("Leads", (), LEADS.rows(pl.DataFrame(rows, schema=LEADS.schema)))
        others = on_other_terms(lead, [])
        assert others == {"first_funder"}
        (notes,) = rates_used(kind_of(lead), rules_of(lead, []), others=others)
        assert notes.table is not None
        told = {row[0]: row for row in notes.table.rows}
        assert told["first_funder"][-1] == f"{RATES['first_funder']['basis']}; {OTHER_TERMS}"
        assert told["activation"][-1] == RATES["activation"]["basis"]


class TestStrength:
    """The words of the scale."""

    def test_kinds_are_told_by_the_name_of_the_table(self) -> None:
        assert kind_of(finding("ends_by_reason")).name == "flow"
        assert kind_of(finding("counterparties_by_month_direction")).strength == READ
        assert kind_of(finding("something_else")) is UNKNOWN_KIND
        assert UNKNOWN_KIND.strength == CONSISTENT, "of what is not known nothing strong is said"

    @pytest.mark.parametrize(
        ("name", "kind", "strength"),
        [
            ("alerts_on_subjects", "shapes", PROBABLE),
            ("unhosted_payments", "unhosted", SORTED),
            ("after_2022_03_07", "unhosted", SORTED),
            ("poisoning_attempts", "looks", CONSISTENT),
            ("paid_to_look_alikes", "looks", CONSISTENT),
            ("order_bounds", "flow", CONSISTENT),
            ("not_read", "lacking", CONSISTENT),
            ("contested", "refusals", SORTED),
            ("account_leads", "leads", CONSISTENT),
            ("people_by_role", "people", CONSISTENT),
            ("links", "other", CONSISTENT),
            ("what_was_read", "counts", READ),
        ],
    )
    def test_what_a_rule_or_a_method_says_is_not_read_from_the_chain(
        self, name: str, kind: str, strength: str
    ) -> None:
        found = kind_of(finding(name))
        assert (found.name, found.strength) == (kind, strength)

    def test_nothing_found_is_nothing_probable(self) -> None:
        some, none = finding("alerts"), finding("alerts")
        assert none.rows is not None
        none = replace(none, rows=none.rows.table.rows(none.frame.clear()))
        assert (strength_of(some), strength_of(none)) == (PROBABLE, SORTED)
        table = Table("hosting", (), "Who.", (Column.kind("custody", "whose keys"),))
        for custody, strength in (
            ("hosted, probable", PROBABLE), ("one destination, custody undecided", SORTED),
        ):  # fmt: skip
            rows = table.rows(pl.DataFrame({"custody": [custody, "not shown to be hosted"]}))
            assert strength_of(Finding("Custody", (), rows)) == strength
        assert strength_of(finding("ends_by_reason")) == CONSISTENT

    def test_findings_without_a_table_are_known_by_their_heading(self) -> None:
        assert kind_of(Finding(UNUSED, ("Not used: trace (fifo).",))).name == "schedule"
        assert kind_of(Finding(SELLERS)).name == "identities"
        assert kind_of(Finding("The token")).name == "token"
        assert kind_of(Finding("Crossings at bridges")) is UNKNOWN_KIND

    def test_every_name_is_that_of_a_table(self) -> None:
        folder = Path(str(resources.files("chainwatch")))
        source = "\n".join(
            path.read_text("utf-8") for path in folder.rglob("*.py") if path.name != "strength.py"
        )
        for kind in KINDS:
            for name in kind.tables:
                assert re.search(rf'f?"{name}', source), name
            for title in kind.titles:
                assert f'"{title}"' in source, title

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

    def test_where_nothing_was_asked_all_is_open(self) -> None:
        """But whether it is the chain's own coin, which the finding itself says."""
        for asset in (None, COIN, TOKEN):
            for one in CATALOGUE:
                told = one.answered(Evidence((), asset)).status
                itself = one.text == "Is it the genuine token?" and asset is not None
                assert told == ((ANSWERED if asset is COIN else PART) if itself else OPEN), one.text

    def test_to_know_the_contract_is_not_to_know_that_it_is_genuine(self) -> None:
        (one,) = (one for one in CATALOGUE if one.text == "Is it the genuine token?")
        told = one.answered(Evidence((), TOKEN))
        assert (told.status, "coin" in told.how) == (PART, False)
        assert "issuer" in told.how
        assert "issuer" in one.would_answer

    def test_a_range_answers_what_depends_on_the_method(self, otter_case) -> None:
        ledger, tags = otter_case.ledger, otter_case.tags
        vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
        one = cw.trace(ledger, vendor, policy="fifo", stop=tags.services())
        many = cw.trace_all(ledger, vendor, stop=tags.services())
        assert self.method([one]) == OPEN
        differ = many.frame.filter(pl.col("low") != pl.col("high"))
        assert differ.height, "under these policies value ends at other places"
        assert self.method([one, many]) == PART
        assert "depends" in self.answer([one, many]).how
        kinds = many.kinds.filter(policy="fifo")
        summed = replace(many, kinds=pl.concat(
            [kinds.with_columns(policy=pl.lit(name)) for name in many.compared]
        ), every=many.every.clear())  # fmt: skip
        told = self.answer([one, summed])
        assert told.status == PART
        assert told.how.startswith(
            "of each kind of end every method says the same amount; at which"
        )
        same = agreeing(many)
        assert self.method([one, same]) == self.method([same]) == ANSWERED
        assert self.method([one, agreeing(many, ("fifo",))]) == PART, "one method is no comparison"
        assert self.method([one, same], TOKEN) == OPEN, "a range of another asset says nothing"
        back = replace(one, direction="backward")
        assert self.method([one, back, same]) == PART, "nor one of another way"
        whose = replace(one, subjects=one.subjects[:0])
        assert self.method([whose, same]) == PART, "nor one of other subjects"
        open_ = {name: replace(each, bounded=False) for name, each in same.traces.items()}
        assert self.method([one, replace(same, traces=open_)]) == PART
        (notes,) = critical_questions(BY_NAME["flow"], Evidence([one, many]))
        assert notes.table is not None
        assert notes.table.columns[0] == "question"

    def test_the_days_of_tags_are_told(self, otter_case) -> None:
        (one,) = (one for one in CATALOGUE if one.text == "Is a tag stale or wrong?")
        frame, day = otter_case.tags.frame, date(2024, 9, 27)

        def told(first: date | None, *said: date | None) -> Answer:
            rows = frame[: len(said)].with_columns(
                first_day=pl.lit(first, pl.Date), as_of=pl.Series(said, dtype=pl.Date)
            )
            return one.answered(Evidence([replace(otter_case.tags, frame=rows)]))

        assert told(None, None).status == OPEN
        listed = told(None, day, day)
        assert listed.status == PART
        assert listed.how == (
            "no tag states from when it holds; all were stated as of 2024-09-27, which says nothing"
            " of other days"
        )
        assert told(day, None).how == "all tags state from when they hold"
        assert "some were stated as of days from 2024-09-26 to 2024-09-27" in (
            told(day, day, date(2024, 9, 26), None).how
        )

    def test_what_is_only_drawn_was_followed(self, otter_case) -> None:
        vendor = otter_case.tags.where(label="Kelp (vendor at Otter)").addresses()
        one = cw.trace(otter_case.ledger, vendor, policy="fifo")
        drawn = Evidence([figures.flow(one)])
        assert drawn.told == drawn.traces == [one]
        assert Evidence([figures.flow(one)], TOKEN).told == []
        (order,) = (one for one in CATALOGUE if one.text.startswith("Do transfers that bear"))
        assert order.answered(drawn).status == ANSWERED
        assert order.answered(Evidence([replace(one, bounded=False)])).status == PART

    def test_who_joins_without_asking_for_mixes_answers_nothing(self, otter_case) -> None:
        (one,) = (one for one in CATALOGUE if one.text.startswith("Could strangers"))
        asked = cw.cluster(cw.co_spends(otter_case.ledger))
        never = cw.cluster(cw.co_spends(otter_case.ledger, unless=None))
        assert one.answered(Evidence([asked])).status == PART
        assert one.answered(Evidence([asked, never])).status == OPEN

    def method(self, results: list[Result], asset: Asset | None = None) -> str:
        return self.answer(results, asset).status

    def answer(self, results: list[Result], asset: Asset | None = None) -> Answer:
        wanted = "Does it depend on the method of following?"
        (one,) = (one for one in CATALOGUE if one.text == wanted)
        return one.answered(Evidence(results, asset))


VERBS_OF_CASES = (
    "trace", "trace_all", "trace_across", "trace_through_swaps", "exposure", "hosted", "paths",
    "service_roles", "converge", "counterparties", "roles", "alerts", "crossings", "received",
    "link_test", "rank", "explain", "fragility", "cluster", "co_spends", "change_links",
    "account_links", "early_warning", "action_sheet", "meanings",
)  # fmt: skip
"""What the questions of case files call."""


class TestFigures:
    """A finding cites the figures of its own results, and no other."""

    def test_figures_of_its_own_trace_alone_are_cited(self, otter_case) -> None:
        ledger, tags = otter_case.ledger, otter_case.tags
        vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
        one = cw.trace(ledger, vendor, policy="fifo", stop=tags.services())
        back = cw.trace(ledger, vendor, policy="fifo", direction="backward")
        reached = cw.exposure(one, tags)
        every = cw.trace_all(ledger, vendor, stop=tags.services())
        owners = cw.cluster(cw.co_spends(ledger))
        (path,) = cluster_figures(owners, vendor)
        read = cw.what_was_read(ledger)
        drawn = Drawn(
            [(drawn_of(figures.flow(one)), 3), (drawn_of(figures.flow(back)), 4), (reached, 5),
             (every, 6), (drawn_of(path), 7), (read, 8)],
            [(one, 9), (back, 10)], [one, back, reached, every, owners],
        )  # fmt: skip
        (ends,), (came,), (met,) = (each.findings(vendor) for each in (one, back, reached))
        assert drawn.of(ends) == drawn.of(replace(ends, title="Headed")) == (3, 5, 6)
        assert (drawn.steps_of(ends), drawn.steps_of(came)) == ((9,), (10,))
        assert drawn.of(came) == (4,)
        assert drawn.of(met) == (3, 5, 6)
        (whose,) = owners.findings(vendor)
        assert drawn.of(whose) == (7,)
        assert drawn.of(finding("not_read")) == (8,)
        assert drawn.of(finding("alerts")) == drawn.of(Finding("Words")) == ()
        assert drawn.of(finding("worth")) == (), "of which of two traces it is, nobody says"
        single = Drawn(drawn.figures, drawn.steps, [one])
        assert single.of(finding("worth")) == ()
        assert Drawn([(one, 3)], [], [one]).of(replace(finding("worth"), asset=one.asset)) == (3,)


COIN = native("eth")
TOKEN = Asset(COIN.chain, b"\x04" + b"\x11" * 20, "USDT", 6)


def agreeing(many: TraceRange, names: tuple[str, ...] = ("fifo", "lifo")) -> TraceRange:
    """Return a range of which every policy says what FIFO says."""

    def alike(rows: pl.DataFrame) -> pl.DataFrame:
        first = rows.filter(policy="fifo")
        return pl.concat([first.with_columns(policy=pl.lit(name)) for name in names])

    return replace(
        many, traces=dict.fromkeys(names, many.traces["fifo"]), every=many.every.clear(),
        destinations=alike(many.destinations), kinds=alike(many.kinds),
    )  # fmt: skip


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

    def test_every_policy_is_explained(self) -> None:
        for policy in POLICIES:
            told = dict(glossary([f"Followed by {policy.name}."]))
            assert any(one.lower() == policy.name for one in told), policy.name
        assert "can be opened" in dict(glossary(["custody undecided, can be opened"]))
        assert "poison" not in dict(glossary(["address poisoning"]))

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

    def test_names_of_one_entry_have_words_of_their_own_or_none(self) -> None:
        told = methods.meanings("trace")
        assert told["policy"] == "How balances are divided"
        assert told["direction"] == "Forward from the subjects, or backward to the sources"
        assert told["min_amount"] == "Base units below which nothing is followed"
        assert told["budget"] == "The most requests to it"
        assert methods.meanings("trace_all")["min_amount"] == told["min_amount"]
        assert methods.meanings("hosted")["min_funded"].startswith(
            "Fewest such addresses whose gas"
        )
        assert methods.meanings("converge")["hops"] == "The most payments to a place"
        assert (
            methods.meanings("service_roles")["min_pure"] == methods.meanings("hosted")["min_pure"]
        )
        assert methods._of_each(["a", "b"], "How many; and of whom.", "x") == {}
        inner = methods._of_each(["a"], "A folder (each of it; and below), or files. More.", "x")
        assert inner == {"a": "A folder (each of it; and below), or files"}

    def test_every_name_of_a_shared_entry_is_told_where_a_case_asks(self) -> None:
        for step in VERBS_OF_CASES:
            listed = re.search(
                r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", methods.documented(step),
                re.M | re.S,
            )  # fmt: skip
            heads = re.findall(r"^(\w+(?:, \w+)+)(?: :.*)?$", listed[1] if listed else "", re.M)
            names = {name for head in heads for name in head.split(", ")}
            assert names <= set(methods.meanings(step)), step

    def test_every_recorded_verb_but_those_that_measure_is_described(self) -> None:
        folder = Path(str(resources.files("chainwatch")))
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                marks = getattr(node, "decorator_list", ())
                if isinstance(node, ast.FunctionDef) and "recorded" in map(ast.unparse, marks):
                    told = methods.documented(node.name)
                    measures = path.name == "rates.py" or "_rates" in path.name
                    assert told or measures or "evaluate" in path.parts, node.name
                    assert not re.search(r"(?<![\w*])\*\w+\*(?!\w)|``", told), node.name
        for step in ("links +", "links made by hand", "referral_sheet", "health_release"):
            assert methods.documented(step), step

    def test_what_is_cut_says_where_all_of_it_stands(self) -> None:
        record = Record("trace", {"policy": "x" * 200}, (), "0" * 64)
        (note,) = methods.method([record]).notes
        assert note.lines[1].startswith(f"policy = {'x' * 160}… (whole in lineage.json)")

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
