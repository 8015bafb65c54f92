"""How the careful mislead: every campaign of crime in an adversarial town changes its habits."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import DAY, Pay, Town

SLOWER, SHAVED, HIDDEN = "slower", "shaved", "hidden"
WAYS = (SLOWER, SHAVED, HIDDEN)
"""All takes twice as long; each amount is up to a tenth less than it was; and half as many payments
again go to and fro between its parties and people and shops."""


def evade(town: Town) -> dict[int, str]:
    """Change the payments of every campaign of crime in one of the ways; return by which."""
    ways = {one.number: town.one_of(WAYS) for one in town.campaigns if one.crime}
    first: dict[int, int] = {}
    for row in town.rows:
        if row.campaign is not None:
            first[row.campaign] = min(first.get(row.campaign, row.second), row.second)
    town.rows = [
        _changed(town, row, ways[row.campaign], first[row.campaign])
        if row.campaign is not None and row.campaign in ways
        else row
        for row in town.rows
    ]
    for one in town.campaigns:
        if ways.get(one.number) == HIDDEN:
            _hide(town, one.number)
    return ways


def _changed(town: Town, row: Pay, way: str, first: int) -> Pay:
    if way == SLOWER:
        late = first + 2 * (row.second - first)
        return row._replace(second=min(late, town.days * DAY - 1))
    if way == SHAVED:
        return row._replace(amount=max(row.amount * town.between(900, 1_000) // 1_000, 1))
    return row


def _hide(town: Town, number: int) -> None:
    rows = [row for row in town.rows if row.campaign == number]
    named = {party for party, (_, campaign) in town.entities.items() if campaign == number}
    mine = sorted({party for row in rows for party in row[:2]} & named)
    town.running = None
    for _ in range(len(rows) // 2 if mine else 0):
        row, party = town.one_of(rows), town.one_of(mine)
        day = town.at(town.between(0, town.days))
        amount = max(row.amount * town.between(20, 120) // 100, 1)
        if town.chance(50):
            town.pay(town.person(), party, 0, day, base=amount)
        else:
            town.pay(party, town.one_of(town.shops), 0, day, base=amount)


__all__ = ["HIDDEN", "SHAVED", "SLOWER", "WAYS", "evade"]
