"""Exposure: arrivals at a tagged actor, what stays there, and what is no arrival."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from chainwatch.tracing.exposure import Exposure, exposure
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

CHAIN = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"


def tx(name: str, ins: list[Any], *outs: Any) -> dict[str, Any]:
    return {"id": name, "ins": ins, "outs": list(outs)}


def reached(desk: Any, txs: list[Any], *tags: Any, who: str = "a", owners: Any = None) -> Exposure:
    followed = trace(
        desk.coins(txs),
        [desk.coin(name) for name in who],
        policy=fifo,
        chain=CHAIN,
        clusters=owners,
    )
    return exposure(followed, desk.tags(*tags), clusters=owners)


def rows(found: Exposure) -> list[tuple[Any, ...]]:
    columns = ("actor", "arrived", "stayed", "arrivals", "hops")
    return [tuple(row) for row in found.frame.select(columns).iter_rows()]


def owners(desk: Any, *groups: str) -> Any:
    class Owners:
        frame = pl.DataFrame(
            [(CHAIN, desk.coin(name), desk.coin(group[0])) for group in groups for name in group],
            schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary},
            orient="row",
        )

    return Owners()


IN = tx("in", [], ("a", 10))


def test_arrived_and_stayed(desk: Any) -> None:
    txs = [
        IN,
        tx("pay", [("in", 0)], ("c", 6), ("a", 4)),
        tx("on", [("pay", 0)], ("x", 2), ("c", 4)),
    ]
    assert rows(reached(desk, txs, ("c", "camp", "donation"))) == [("camp", 6, 4, 1, 1)]


def test_several_inputs_make_one_arrival(desk: Any) -> None:
    txs = [tx("in", [], ("a", 3), ("a", 4)), tx("pay", [("in", 0), ("in", 1)], ("c", 7))]
    assert rows(reached(desk, txs, ("c", "camp"))) == [("camp", 7, 7, 1, 1)]


def test_movements_inside_an_actor_are_no_arrivals(desk: Any) -> None:
    txs = [IN, tx("pay", [("in", 0)], ("c", 10)), tx("move", [("pay", 0)], ("d", 10))]
    assert rows(reached(desk, txs, ("c", "camp"), ("d", "camp"))) == [("camp", 10, 10, 1, 1)]
    both = rows(reached(desk, txs, ("c", "camp"), ("d", "other")))
    assert both == [("camp", 10, 0, 1, 1), ("other", 10, 10, 1, 2)]


def test_value_that_leaves_and_comes_back_arrives_twice(desk: Any) -> None:
    txs = [IN, tx("pay", [("in", 0)], ("c", 10)), tx("out", [("pay", 0)], ("x", 10))]
    txs.append(tx("back", [("out", 0)], ("c", 10)))
    assert rows(reached(desk, txs, ("c", "camp"))) == [("camp", 20, 10, 2, 1)]


def test_a_tagged_subject_does_not_reach_itself(desk: Any) -> None:
    """Also not at an address of its cluster that received nothing else."""
    txs = [IN, tx("out", [("in", 0)], ("x", 10)), tx("back", [("out", 0)], ("b", 10))]
    tags = (("a", "me", "vendor"), ("b", "me", "vendor"))
    assert rows(reached(desk, txs, *tags, owners=owners(desk, "ab"))) == []


def test_a_subject_reaches_another(desk: Any) -> None:
    txs = [IN, tx("pay", [("in", 0)], ("b", 10))]
    found = reached(desk, txs, ("b", "other", "vendor"), who="ab")
    assert found.frame["subject"].to_list() == [desk.coin("a")]


class TestNames:
    PAY = (IN, tx("pay", [("in", 0)], ("d", 10)))

    def test_of_several_tags_the_surest_speaks_and_its_concepts_are_listed(self, desk: Any) -> None:
        sure = {"level": 60}
        tags = [("d", "a weak one"), ("d", "camp", "donation", sure)]
        tags.append(("d", "camp", "terrorism_financing", sure))
        found = reached(desk, list(self.PAY), *tags)
        assert found.frame.select("actor", "concept", "basis").rows() == [
            ("camp", "donation, terrorism_financing", "tagged address")
        ]

    def test_a_cluster_widens_an_actor(self, desk: Any) -> None:
        found = reached(desk, list(self.PAY), ("c", "camp"), owners=owners(desk, "cd"))
        assert found.frame["basis"].to_list() == ["cluster of a tagged address"]

    def test_a_cluster_of_two_actors_widens_neither(self, desk: Any) -> None:
        tags = (("c", "camp"), ("e", "shop"))
        assert rows(reached(desk, list(self.PAY), *tags, owners=owners(desk, "cde"))) == []

    def test_a_tag_that_did_not_hold_then_names_nobody(self, desk: Any) -> None:
        for days in ({"first_day": date(2023, 6, 2)}, {"last_day": date(2023, 5, 31)}):
            assert rows(reached(desk, list(self.PAY), ("d", "camp", "donation", days))) == []

    def test_the_html_is_escaped(self, desk: Any) -> None:
        found = reached(desk, list(self.PAY), ("d", "<script>"))
        assert "<script>" not in found._repr_html_()
