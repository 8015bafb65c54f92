"""The interactive page as a file: exact, masked, the same twice, and allowed nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from benchmarks.interactive import made_up
from chainwatch import figures
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError, MissingExtra, OutputExists
from chainwatch.figures.interactive_page import page as page_module
from chainwatch.figures.interactive_page.arrange import arrange
from chainwatch.figures.interactive_page.chains import peel_chains
from chainwatch.figures.layout import Link
from chainwatch.heuristics import co_spend
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.secrets import Secrets
from chainwatch.privacy.roles import roles_of


@pytest.fixture(scope="module")
def world(otter_case: Any) -> dict[str, Any]:
    """Return the page of the made-up case with what it is made of."""
    pytest.importorskip("bokeh", reason="bokeh is not installed")
    tags = otter_case.tags
    clusters = cw.cluster(co_spend.co_spends(otter_case.ledger), tags=tags)
    vendors = tags.where(concept="vendor").addresses()
    trace = cw.trace(
        otter_case.ledger, vendors, policy="fifo", clusters=clusters, stop=tags.services()
    )
    case = cw.Case("otter", question="Whom does it reach?", mask_key=b"k" * 32)
    case.add(clusters, trace, tags)
    case.look_beside(otter_case.ledger)
    figure = figures.interactive(trace, clusters, tags, title="Otter")
    return {"case": case, "trace": trace, "figure": figure, "tags": tags, "clusters": clusters}


def data_of(html: str) -> dict[str, Any]:
    inner = html.partition('id="data">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(inner)
    return found


def test_every_script_is_allowed_by_its_digest_and_nothing_else_is(world: dict[str, Any]) -> None:
    html = world["figure"].shown(world["case"].edition("disclosure")).html()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for word in ("unsafe-eval", "script-src 'unsafe-inline'", "http:", "https:", "*", "data:"):
        assert word not in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"<(link|img|iframe|object|embed|base|form)\b", html.split("<script")[0])
    assert not re.search(r'(src|href)="(?!#)', re.sub(r"<script.*?</script>", "", html, flags=re.S))


@pytest.mark.parametrize("edition", ["working", "disclosure"])
def test_it_is_the_same_twice(world: dict[str, Any], edition: str) -> None:
    shown = world["case"].edition(edition)
    assert world["figure"].shown(shown).html() == world["figure"].shown(shown).html()


def test_movements_add_up_to_the_flows_exactly(world: dict[str, Any]) -> None:
    shown = world["case"].edition("working")
    trace = world["trace"]
    data = world["figure"].shown(shown).data
    flows = figures.flow(trace, world["clusters"], world["tags"]).flows(shown)
    nodes = data["nodes"]

    def entity(number: int) -> int:
        of = nodes[number]["of"]
        return number if of is None or nodes[of].get("chain") else of

    moved = sum(
        int(move["amount"])
        for move in data["moves"]
        if len({entity(one) for one in move["ends"]}) == 2
    )
    assert moved == sum(map(int, flows["amount"]))
    for move in data["moves"]:
        assert int(move["amount"]) == sum(int(row[2]) for row in move["rows"])
        assert move["count"] == len(move["rows"])
    listed = {row[0] for move in data["moves"] for row in move["rows"]}
    assert {txid[::-1].hex() for txid in trace.steps["txid"]} <= listed


def test_a_disclosure_page_names_nobody_whom_it_masks(world: dict[str, Any]) -> None:
    case, figure = world["case"], world["figure"]
    edition = case.edition("disclosure")
    masked = [party for party in case.parties() if edition.masks(*party)]
    ids = [txid for _, txid in edition.withheld]
    forms = {text(address, chain) for chain, address in masked}
    forms |= {one.hex() for _, address in masked for one in (address, address[1:])}
    forms |= {one.hex() for txid in ids for one in (txid, txid[::-1])}
    assert len(forms) > 200
    page = figure.shown(edition).html().lower()
    assert not [form for form in forms if form.lower() in page]
    page = figure.shown(case.edition("working")).html().lower()
    assert len([form for form in forms if form.lower() in page]) > 20


def test_what_hides_in_a_notebooks_frame_is_found(
    world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "bokeh_script", lambda: "/* searching all of it takes long */")
    case = world["case"]
    edition = case.edition("disclosure")
    masked = frozenset(party for party in case.parties() if edition.masks(*party))
    secrets = Secrets(masked, frozenset(edition.withheld), case.mask_key)
    page_module._packed.cache_clear()
    notebook = tmp_path / "notebook.ipynb"
    for name, clean in (("disclosure", True), ("working", False)):
        shown = world["figure"].shown(case.edition(name))
        (tmp_path / "page.html").write_text(shown.html(), "utf-8")
        assert searched(tmp_path, secrets).clean is clean
        html = shown.frame()
        output = {"output_type": "execute_result", "data": {"text/html": [html]}}
        notebook.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}]}))
        assert searched(tmp_path, secrets).clean is clean


def test_nobody_looked_so_no_transaction_is_shown(world: dict[str, Any]) -> None:
    edition = replace(world["case"].edition("disclosure"), withheld={})
    data = world["figure"].shown(edition).data
    assert all(not move["rows"] for move in data["moves"])
    told = json.dumps(data)
    assert not re.search(r'"(?!hmac)[^"]*\b[0-9a-f]{64}\b', told.replace("hmac-sha256:", "hmac"))


def test_what_was_not_read_and_where_value_ends_is_named(world: dict[str, Any]) -> None:
    data = world["figure"].shown(world["case"].edition("working")).data
    trace = world["trace"]
    said = {reason: amount for reason, amount, _ in data["ends"]}
    assert len(said) == trace.summary().height
    assert any(node["role"] == "unspent" for node in data["nodes"])


def test_the_smallest_flows_are_left_out_and_counted(world: dict[str, Any]) -> None:
    figure = figures.interactive(world["trace"], world["clusters"], world["tags"], top=5)
    data = figure.shown(world["case"].edition("working")).data
    assert dict(data["facts"])["Not drawn"].endswith("in all")
    whole = figures.flow(world["trace"], world["clusters"], world["tags"])
    flows = whole.flows(world["case"].edition("working"))
    assert dict(data["facts"])["Not drawn"].startswith(f"{flows.height - 5} smaller flows, ")
    with pytest.raises(InputError, match="0 flows shows nothing"):
        figures.interactive(world["trace"], top=0)


def test_files(world: dict[str, Any], tmp_path: Path) -> None:
    figure, edition = world["figure"], world["case"].edition("working")
    with pytest.raises(InputError, match="no name of a page"):
        figure.save(tmp_path / "page.pdf", edition)
    path = figure.save(tmp_path / "page.html", edition)
    with pytest.raises(OutputExists):
        figure.save(path, edition)
    before = path.read_bytes()
    figure.save(path, edition, replace=True)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_without_bokeh_it_says_so(
    world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_module.bokeh_script.cache_clear()
    monkeypatch.setattr(page_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"bokeh is not installed.*interactive"):
        world["figure"].save(tmp_path / "page.html", world["case"].edition("working"))
    assert not list(tmp_path.iterdir())
    html = world["trace"]._repr_html_()
    assert html.startswith("<pre")
    assert "iframe" not in html
    said = world["figure"]._repr_html_()
    assert "bokeh is not installed" in said
    assert "iframe" not in said


def test_it_prints_and_is_digested(world: dict[str, Any]) -> None:
    figure = world["figure"]
    assert repr(figure) == "InteractiveFigure('Otter', 81 steps)"
    assert figure.record.step == "interactive"
    other = figures.interactive(world["trace"], title="Other")
    assert figure.digest != other.digest


def test_runs_of_wallets_are_peel_chains() -> None:
    roles = ["subject", *["bystander"] * 8, "unspent"]
    flows = [(0, 1, 100), (1, 2, 90), (1, 9, 10), (2, 3, 80), (2, 9, 10), (3, 4, 70), (3, 9, 10),
             (4, 5, 35), (4, 6, 35), (5, 7, 35), (7, 8, 35)]  # fmt: skip
    # 4 pays two others the same: neither is most of it, so the run ends there and 5 begins one.
    assert peel_chains(roles, flows) == [(1, 2, 3, 4), (5, 7, 8)]
    assert peel_chains(roles, [*flows, (0, 3, 1)]) == [(5, 7, 8)]
    assert peel_chains(roles, []) == []
    assert peel_chains(["bystander"] * 3, [(0, 1, 5), (1, 2, 5), (2, 0, 5)]) == []


@pytest.mark.parametrize("engine", ["own", None])
def test_no_two_nodes_stand_in_one_place(engine: str | None) -> None:
    links = [Link(n, (n * 7 + 3) % 60, n + 1) for n in range(60)]
    places = arrange(60, links, engine)
    assert len(set(places)) == 60
    assert places == arrange(60, links, engine)
    columns: dict[int, list[int]] = {}
    for column, row in places:
        columns.setdefault(column, []).append(row)
    for rows in columns.values():
        ordered = sorted(rows)
        assert all(b - a >= 9 for a, b in pairwise(ordered))
    assert arrange(0, []) == []


def test_amounts_wider_than_a_float_stay_exact() -> None:
    came = 10**30 + 1
    trace = made_up(40, came)
    edition = Edition(WORKING, b"k" * 32, roles_of([trace]))
    data = figures.interactive(trace).shown(edition).data
    (subject,) = [node for node in data["nodes"] if node["role"] == "subject"]
    assert subject["out"] == [str(came), False]
    moved = sum(int(move["amount"]) for move in data["moves"])
    assert moved == sum(map(int, trace.steps["amount"]))
