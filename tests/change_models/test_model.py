"""A model of change: fitted the same each time, read back the same, judged by whole numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import numpy as np
import polars as pl
import pytest

from chainwatch.change_models.features import NAMES, array_of
from chainwatch.change_models.file import read_change_model
from chainwatch.change_models.fit import Growth, grow
from chainwatch.change_models.measure import (
    CALLED,
    CHOOSE,
    FIT,
    FOUND,
    HELD_OUT,
    MISSED,
    NAMED,
    WRONG,
    counted_parts,
    pooled,
    tenth,
    thresholds,
)
from chainwatch.change_models.training import change_model
from chainwatch.change_models.trees import Thresholds
from chainwatch.errors import ArgumentError, InputError, OutputExists

SMALL = Growth(trees=10, depth=4, smallest_leaf=2)


@pytest.fixture(scope="module")
def model(labels, fitting):
    return change_model(labels(60), growth=SMALL)


def test_what_differs_is_told_apart_and_counted_on_owners_held_out(model):
    for part in (FIT, CHOOSE, HELD_OUT):
        assert model.share(CALLED, part).count == 0
        assert model.share(FOUND, part).count == model.share(FOUND, part).of > 0
        assert model.share(MISSED, part).count == model.share(WRONG, part).count == 0
    assert sum(model.share(NAMED, part).of for part in (FIT, CHOOSE, HELD_OUT)) == 180
    rate = model.false_positive_rate
    owners = rate.of // 3
    assert rate.cases == owners  # three outputs of each are one case
    assert rate.interval.high == min(1, 3 / owners)
    assert "asked for at most 0.001 of payments called change" in repr(model)


def test_its_record_says_how_it_was_fitted(model):
    assert model.record.step == "change_model"
    assert "false_positive_rate=0.001" in model.lineage()
    assert "'trees': 10" in model.lineage()


def test_the_same_labels_give_the_same_model_in_any_order(model, labels):
    assert change_model([labels(60)], growth=SMALL).digest == model.digest
    two = [labels(30), labels(30, first=30)]
    assert change_model(two, growth=SMALL).digest == change_model(two[::-1], growth=SMALL).digest
    other = change_model(labels(60), growth=SMALL._replace(seed=1))
    assert other.digest != model.digest
    assert other.terms["growth"]["seed"] == 1


def test_scores_agree_with_those_of_the_library(fitting):
    """Ours rounds each leaf to a ten thousandth, and nothing else."""
    from sklearn.ensemble import RandomForestClassifier

    random = Random("agree")  # noqa: S311 - a test, not a secret
    values = np.array([[random.randrange(4) for _ in NAMES] for _ in range(400)])
    is_change = np.array([random.random() < (row[0] + row[5]) / 7 for row in values])
    growth = Growth(trees=15, depth=6, smallest_leaf=3, seed=9)
    trees = grow(values, is_change, growth)
    forest = RandomForestClassifier(
        n_estimators=15, max_depth=6, min_samples_leaf=3, random_state=9, n_jobs=1
    ).fit(values.astype(np.float32), is_change)
    theirs = forest.predict_proba(values.astype(np.float32))[:, 1]
    ours = trees.bounds(values).low / trees.most
    assert np.abs(ours - theirs).max() <= 0.5 / 10_000 + 1e-12
    assert len(set(ours.round(6))) > 50


def test_owners_are_in_one_part_and_the_parts_have_their_tenths(labels):
    rows = pooled([labels(1_000)])
    parts = rows.select("base", "part").unique()
    assert parts.height == parts["base"].n_unique() == 1_000
    sizes = dict(parts["part"].value_counts().iter_rows())
    assert abs(sizes[FIT] - 600) < 50
    assert abs(sizes[CHOOSE] - 200) < 40
    assert {tenth("a", bytes([one])) for one in range(200)} == set(range(10))


@pytest.mark.parametrize("rates", [(0.001, 0.05), (0.1, 0.3), (0.29, 0.5), (0.5, 0.9)])
def test_thresholds_are_the_first_that_keep_the_rates(rates):
    random = Random(f"thresholds {rates}")  # noqa: S311 - a test, not a secret
    for size in (1, 3, 100):
        pay, change = ([random.randrange(50) for _ in range(size)] for _ in range(2))
        found = thresholds(np.array(pay), np.array(change), *rates)
        allowed, missed = (round(1_000 * rate) * size // 1_000 for rate in rates)
        at_least = min(t for t in range(52) if sum(one >= t for one in pay) <= allowed)
        below = max(t for t in range(52) if sum(one < t for one in change) <= missed)
        assert found == Thresholds(at_least, min(below, at_least))


def test_where_even_the_largest_score_is_reached_nothing_is_called_change():
    assert thresholds(np.array([10, 10]), np.array([10]), 0.001, 0.05) == (11, 10)


def test_what_is_counted_is_worked_out_by_hand():
    """Four transactions of two owners: named right, named wrongly, both called, and neither."""
    scores = [(9, 1), (2, 8), (8, 9), (5, 5)]
    rows = pl.DataFrame([
        {"set": 0, "chain": "c", "base": b"a" if tx < 3 else b"b", "tx": tx, "n": n,
         "is_change": n == 0, "part": HELD_OUT, "score": score}
        for tx, pair in enumerate(scores) for n, score in enumerate(pair)
    ])  # fmt: skip
    found = counted_parts(rows, Thresholds(8, 4)).filter(part=HELD_OUT)
    assert found.select("what", "count", "of", "owners", "squares").rows() == [
        (CALLED, 2, 4, 2, 10),
        (FOUND, 2, 4, 2, 10),
        (MISSED, 1, 4, 2, 10),
        (NAMED, 2, 4, 2, 10),
        (WRONG, 1, 2, 1, 4),
    ]
    none = counted_parts(rows, Thresholds(8, 4)).filter(part=FIT)
    assert none["of"].to_list() == [0] * 5


def test_labels_of_which_something_is_unknown_are_left_out_and_counted(labels, fitting):
    found = labels(60)
    gap = pl.when(pl.col("tx") == 1 << 24).then(None).otherwise("fresh").alias("fresh")
    frame = found.examples.with_columns(gap)
    other = type(found)(found.frame, frame, found.left_out, found.base)
    model = change_model(other, growth=SMALL)
    assert model.terms["unknown"] == 1
    assert sum(model.share(NAMED, part).of for part in (FIT, CHOOSE, HELD_OUT)) == 179


def test_what_cannot_be_fitted_is_refused(labels, fitting):
    with pytest.raises(InputError, match="of the labelled owners fall to the part"):
        change_model(labels(2))
    with pytest.raises(InputError, match="no labels to fit to"):
        change_model([])
    with pytest.raises(InputError, match="the same"):
        change_model([labels(60), labels(60)])
    for rate in (0.0, 1.0, float("nan")):
        with pytest.raises(InputError, match="is no rate"):
            change_model(labels(60), false_positive_rate=rate)
    with pytest.raises(ArgumentError, match="labels"):
        change_model([labels(60).examples])
    with pytest.raises(ArgumentError, match="growth"):
        change_model(labels(60), growth=(10,))


def test_a_written_model_is_read_back_whole(model, tmp_path):
    path = tmp_path / "model.json"
    model.write(path)
    assert read_change_model(path).digest == model.digest
    assert str(read_change_model(path).rule()) == str(model.rule())
    with pytest.raises(OutputExists):
        model.write(path)
    assert model.write(path, replace=True) == model.write(tmp_path / "again.json")


def test_a_model_judges_where_nothing_could_be_fitted(model, labels, tmp_path):
    model.write(tmp_path / "model.json")
    code = f"""
import sys
sys.modules["sklearn"] = None
from chainwatch.change_models.file import read_change_model
model = read_change_model({str(tmp_path / "model.json")!r})
import numpy as np
print(model.trees.bounds(np.array([[1] * 12, [0] * 12, [-1] * 12])).low.tolist())
assert not any(name.startswith("sklearn.") for name in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    values = np.array([[1] * 12, [0] * 12, [-1] * 12])
    assert json.loads(done.stdout) == model.trees.bounds(values).low.tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data["trees"][0][-1].__setitem__(4, 1), "has the digest"),
        (lambda data: data["thresholds"].__setitem__("below", 0), "has the digest"),
        (lambda data: data["terms"].__setitem__("source", "an oracle"), "has the digest"),
        (lambda data: data["measured"][1].__setitem__(2, 0), "has the digest"),
        (lambda data: data["measured"][-1].__setitem__(3, 10**30), "does not fit"),
        (lambda data: data["trees"][0][0].__setitem__(1, 0.5), "five whole numbers"),
        (lambda data: data["trees"][0][0].__setitem__(1, True), "five whole numbers"),
        (lambda data: data["trees"][0][0].__setitem__(2, 0), "no node behind it"),
        (lambda data: data["terms"].__setitem__("features", ["fresh"]), "other features"),
        (lambda data: data["terms"].pop("growth"), "the terms of a change model say"),
        (lambda data: data.__setitem__("terms", []), "terms are no table"),
        (lambda data: data.__setitem__("more", 1), "not of the format"),
        (lambda data: data.__setitem__("format", "pickle"), "not of the format"),
        (lambda data: data["thresholds"].__setitem__("at_least", 10**9), "no scores"),
        (lambda data: data.__setitem__("trees", []), "there is none"),
    ],
)
def test_a_file_that_is_no_model_is_refused(model, tmp_path, change, said):
    data = model.as_data()
    change(data)
    (tmp_path / "model.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=said):
        read_change_model(tmp_path / "model.json")


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, '{"format": NaN}', "null", "\xff"])
def test_other_files_are_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="the change model cannot be read"):
        read_change_model(tmp_path / "model.json")
    with pytest.raises(InputError, match="no such file"):
        read_change_model(tmp_path / "none.json")


def test_the_arrays_of_labels_hold_their_features(labels):
    values = array_of(labels(1).examples)
    assert values.shape == (6, len(NAMES))
    assert values[:, NAMES.index("last")].tolist() == [0, 1] * 3
