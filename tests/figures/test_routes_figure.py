"""Routes as cards: what each says, what is claimed is broken, and nobody masked is named."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.patches import Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures.case_figures import case_figure
from chainwatch.figures.style import save_figure
from chainwatch.tracing.paths.tables import CONTROL

KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


@pytest.fixture(scope="module")
def found(otter_case: Any) -> cw.Paths:
    """Return routes of the made-up case: some follow coins, one rests on an owner."""
    tags, ledger = otter_case.tags, otter_case.ledger
    return cw.paths(
        ledger, KELP, tags.where(actor="harbour"), tags=tags, clusters=cw.owners(ledger),
        by="weakest",
    )  # fmt: skip


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


def cards(ax: Any) -> list[Rectangle]:
    return [item for item in ax.patches if isinstance(item, Rectangle)]


def test_a_card_says_day_amount_parties_and_what_else_could_be(
    found: cw.Paths, working: None
) -> None:
    told = texts(figures.routes(found))
    first = found.hops.row(0, named=True)
    amount = found.asset.shown(int(first["amount"]))
    assert f"1. {first['time']:%Y-%m-%d}  {amount}" in told
    assert any(one.startswith("from bcrt1qtt0") for one in told)
    assert any(one.startswith("or: coins of ") for one in told)
    assert found.answer() in " ".join(told)
    for number in found.routes["route"]:
        assert any(one.startswith(f"Route {number}: ") for one in told)


def test_a_claim_is_broken_and_a_peel_chain_one_card(found: cw.Paths, working: None) -> None:
    ax = figures.routes(found)
    claimed = found.hops.filter(step=CONTROL).height
    broken = [one for one in cards(ax) if one.get_linestyle() == "--"]
    assert len(broken) == claimed > 0
    peels = found.hops.drop_nulls("peel")
    folded = [one for one in texts(ax) if "peel chain of" in one]
    assert len(folded) == peels.select("route", "peel").unique().height > 0
    drawn = found.hops.height - peels.height + len(folded)
    assert len(cards(ax)) == drawn


def test_who_is_masked_stands_nowhere(found: cw.Paths) -> None:
    told = " ".join([*texts(figures.routes(found)), figures.routes(found).get_label()])
    ends = {*found.parties["address"], *found.parties["given"]}
    masked = {*found.hops["source"], *found.hops["target"]} - ends
    assert len(masked) > 5
    for one in masked:
        assert text(one, found.asset.chain)[:12] not in told
    assert "between parties whom this edition masks" in told
    amounts = {int(one) for one in [*found.hops["amount"], *found.routes["amount"]]}
    exact = {found.asset.shown(one) for one in amounts if len(str(one).rstrip("0")) > 1}
    assert len(exact) > 5
    assert not any(f"{one} " in told for one in exact)


def test_it_is_the_same_file_each_time_and_fits_a_case(found: cw.Paths, tmp_path: Any) -> None:
    digests = [save_figure(figures.routes(found).figure, tmp_path / name) for name in ("a", "b")]
    assert digests[0] == digests[1]
    drawn = case_figure(found, kind="routes")
    assert drawn.drawings() == (drawn,)
    with pytest.raises(InputError, match="no figure 'timeline' of a Paths"):
        case_figure(found, kind="timeline")


def test_what_is_no_route_is_refused(found: cw.Paths, otter_case: Any) -> None:
    with pytest.raises(InputError, match="top is 0"):
        figures.routes(found, top=0)
    with pytest.raises(ArgumentError):
        figures.routes(otter_case.tags)
    assert len(cards(figures.routes(found, top=1))) == int(found.routes["hops"][0])


def test_without_a_route_it_says_so(otter_case: Any) -> None:
    tags = otter_case.tags
    none = cw.paths(otter_case.ledger, tags.where(actor="lantern"), KELP)
    told = " ".join(texts(figures.routes(none)))
    assert "No route was found among what was read" in told


def test_what_is_claimed_is_told_alike_in_every_edition(
    found: cw.Paths, otter_case: Any, working: None
) -> None:
    tags, ledger = otter_case.tags, otter_case.ledger
    again = cw.paths(
        ledger, KELP, tags.where(actor="lantern"), tags=tags, clusters=cw.owners(ledger)
    )
    cw.set_edition("disclosure")
    other = cw.paths(
        ledger, KELP, tags.where(actor="lantern"), tags=tags, clusters=cw.owners(ledger)
    )
    assert again.digest == other.digest
    last = again.hops.group_by("route", maintain_order=True).last()
    assert all("whom it pays is the target, one owner by" in one for one in last["evidence"])
    assert last["control"].null_count() == 0
