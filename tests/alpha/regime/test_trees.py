"""Trees against LightGBM, and Shapley values against all orders of the features."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest

from alpha.regime.models import BOOSTER
from alpha.regime.trees import Trees, TreesError


def boosted(n: int = 1500, features: int = 5, rounds: int = 25, seed: int = 0, **changes):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, features))
    bad = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.standard_normal(n) > 1
    options = {**BOOSTER, "min_data_in_leaf": 30, **changes}
    data = lightgbm.Dataset(rows, bad.astype(float), params={"verbosity": -1})
    return rows, lightgbm.train(options, data, num_boost_round=rounds)


@pytest.fixture(scope="module")
def pair():
    rows, booster = boosted()
    return rows, booster, Trees(booster.model_to_string(), 5)


def test_log_odds_are_the_librarys(pair) -> None:
    rows, booster, trees = pair
    found = [trees.log_odds(row) for row in rows[:300]]
    np.testing.assert_allclose(found, booster.predict(rows[:300], raw_score=True), atol=1e-12)


def test_shapley_values_add_up_and_are_the_librarys(pair) -> None:
    rows, booster, trees = pair
    values, expected = trees.explain(rows[:200])
    theirs = booster.predict(rows[:200], pred_contrib=True)
    np.testing.assert_allclose(values, theirs[:, :-1], atol=1e-12)
    assert expected == pytest.approx(theirs[0, -1], abs=1e-12)
    log_odds = np.array([trees.log_odds(row) for row in rows[:200]])
    assert np.abs(values.sum(axis=1) + expected - log_odds).max() < 1e-9


def test_shapley_values_by_their_definition() -> None:
    """Over all subsets, with a tree walked both ways where a feature is not given."""
    rows, booster = boosted(n=400, rounds=2, seed=3)
    trees = Trees(booster.model_to_string(), 5)
    dumped = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]

    def walked(node, row, given) -> float:
        if "leaf_value" in node:
            return float(node["leaf_value"])
        left, right = node["left_child"], node["right_child"]
        if node["split_feature"] in given:
            goes_left = row[node["split_feature"]] <= node["threshold"]
            return walked(left if goes_left else right, row, given)
        size = [one.get("internal_count", one.get("leaf_count")) for one in (left, right)]
        parts = [walked(one, row, given) for one in (left, right)]
        return (size[0] * parts[0] + size[1] * parts[1]) / sum(size)

    values, _ = trees.explain(rows[:5])
    for row, found in zip(rows[:5], values, strict=True):
        for feature in range(5):
            others = [k for k in range(5) if k != feature]
            total = 0.0
            for size in range(5):
                weight = factorial(size) * factorial(4 - size) / factorial(5)
                for some in combinations(others, size):
                    total += weight * sum(
                        walked(tree, row, {*some, feature}) - walked(tree, row, set(some))
                        for tree in dumped
                    )
            assert found[feature] == pytest.approx(total, abs=1e-12)


def test_a_tree_without_a_split() -> None:
    rows, booster = boosted(n=200, rounds=3, min_data_in_leaf=150)
    trees = Trees(booster.model_to_string(), 5)
    assert trees.log_odds(rows[0]) == pytest.approx(booster.predict(rows[:1], raw_score=True)[0])
    values, expected = trees.explain(rows[:3])
    assert not values.any()
    assert expected == pytest.approx(trees.log_odds(rows[0]))


def test_text_that_is_no_booster(pair) -> None:
    text = pair[1].model_to_string()
    with pytest.raises(TreesError, match="holds no tree"):
        Trees("", 5)
    with pytest.raises(TreesError, match="more than 2 features"):
        Trees(text, 2)
    with pytest.raises(TreesError, match="other than plain numerical"):
        Trees(text.replace("decision_type=2", "decision_type=1"), 5)
    with pytest.raises(TreesError, match="cannot be read"):
        Trees(text.replace("threshold=", "thresh="), 5)
    with pytest.raises(TreesError, match="damaged"):
        Trees(text.replace("left_child=1", "left_child=0"), 5)
    with pytest.raises(TreesError, match=r"damaged|cannot be read"):
        Trees(text.replace("leaf_value=", "leaf_value=nan "), 5)
