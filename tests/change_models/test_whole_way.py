"""From chains to labels, a model and links: fitted to some simulated chains, judged on another."""

from __future__ import annotations

from chainwatch.change_models.fit import Growth
from chainwatch.change_models.labels import change_labels
from chainwatch.change_models.measure import HELD_OUT, NAMED
from chainwatch.change_models.rates import change_rates
from chainwatch.change_models.training import change_model
from chainwatch.evaluate.simulated import simulated_worlds


def test_a_model_of_some_chains_is_right_on_another(fitting):
    made = simulated_worlds([0, 1], part="fit", adversarial=True, blocks=60)
    labels = [change_labels(world.ledger) for world in made]
    model = change_model(labels, growth=Growth(trees=30, depth=6), false_positive_rate=0.05,
                         false_negative_rate=0.1)  # fmt: skip
    assert model.share(NAMED, HELD_OUT).of > 0
    found = change_rates(simulated_worlds([2], part="fit", blocks=20), {"fitted": model.rule()})
    (row,) = found.frame.iter_rows(named=True)
    assert row["right"] > 50
    assert row["wrong"] * 10 < row["right"]
