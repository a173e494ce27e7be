"""Probability of a bad regime: logistic regression or boosted trees, calibrated out of fold (A8).

A fitted model is plain numbers and, for trees, the booster's text. Its own inference is numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from alpha.regime.folds import purged_folds
from alpha.regime.trees import Trees, TreesError
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.counts import count_text

WIDEST: Final = 4.0
"""Standardised features are cut here, so that a day without example cannot be certain."""

BOOSTER: Final[Mapping[str, Any]] = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 126,
    "lambda_l2": 10.0,
    "use_missing": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}
"""Small trees with half a year of sessions in a leaf: neighbouring sessions repeat each other."""

ROUNDS: Final = 60
PENALTY: Final = 0.05
"""C of the logistic regression: inverse of its penalty."""


class ModelError(ValueError):
    """A model cannot be fitted or read; the sentence says why."""


class ModelKind(StrEnum):
    """What a model is."""

    LOGISTIC = "logistic"
    BOOSTED = "boosted"


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """A fitted model.

    Attributes
    ----------
    kind : ModelKind
    features : tuple of str
    mean, scale : float arrays of shape (n_features,)
        Of the training rows.
    weights : float array of shape (n_features,)
        Of a logistic regression, on standardised features; empty for trees.
    intercept : float
    trees : str
        Booster's text; empty for a logistic regression.
    calibration : (float, float)
        Probability is ``1 / (1 + exp(-(a + b log_odds)))``; b is at least 0.
    base_rate : float
        Share of bad sessions in training.
    """

    kind: ModelKind
    features: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    intercept: float
    trees: str
    calibration: tuple[float, float]
    base_rate: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a document."""
        return {
            "kind": str(self.kind),
            "features": list(self.features),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
            "trees": self.trees,
            "calibration": list(self.calibration),
            "base_rate": self.base_rate,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RegimeModel:
        """A model from a document.

        Raises
        ------
        ModelError
            If a value is missing, of another length or not finite, or the trees are damaged.
        """
        try:
            slope = [float(one) for one in values["calibration"]]
            mean, scale, weights_of = (
                np.array(values[name], dtype=np.float64) for name in ("mean", "scale", "weights")
            )
            model = cls(
                ModelKind(values["kind"]),
                tuple(str(name) for name in values["features"]),
                mean,
                scale,
                weights_of,
                float(values["intercept"]),
                str(values["trees"]),
                (slope[0], slope[1]),
                float(values["base_rate"]),
            )
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise ModelError(f"model cannot be read ({error})") from error
        count = len(model.features)
        weights = count if model.kind == ModelKind.LOGISTIC else 0
        numbers = [*slope, model.intercept, model.base_rate, *model.mean, *model.scale]
        if not count or (len(model.mean), len(model.scale), len(model.weights)) != (
            count,
            count,
            weights,
        ):
            raise ModelError(f"model has not as many numbers as its {count} features")
        if not np.all(np.isfinite([*numbers, *model.weights])) or not model.scale.min() > 0:
            raise ModelError(
                "model has a number that is not finite, or a scale that is not positive"
            )
        Predictor(model)
        return model


class Predictor:
    """Evaluates a model a day at a time.

    Parameters
    ----------
    model : RegimeModel

    Raises
    ------
    ModelError
        If its trees cannot be read.
    """

    def __init__(self, model: RegimeModel) -> None:
        self.model = model
        self._trees: Trees | None = None
        if model.kind == ModelKind.BOOSTED:
            try:
                self._trees = Trees(model.trees, len(model.features))
            except TreesError as error:
                raise ModelError(str(error)) from error

    def log_odds(self, row: FloatArray) -> float:
        """Before calibration, for a finite row of shape (n_features,)."""
        if self._trees is not None:
            return self._trees.log_odds(row)
        model = self.model
        return float(standardised(row, model.mean, model.scale) @ model.weights + model.intercept)

    def probability(self, row: FloatArray) -> float:
        """Calibrated probability of a bad regime."""
        a, b = self.model.calibration
        return logistic(a + b * self.log_odds(row))

    def explain(self, rows: FloatArray) -> tuple[FloatArray, float]:
        """Shapley values in log-odds before calibration, (n, n_features), and their base.

        Exact for both kinds: of trees path dependent, of a logistic regression with independent
        features, each weight times the distance from the training mean.
        """
        if self._trees is not None:
            return self._trees.explain(rows)
        model = self.model
        return standardised(rows, model.mean, model.scale) * model.weights, model.intercept


def logistic(log_odds: float) -> float:
    """``1 / (1 + exp(-x))`` without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    grown = math.exp(log_odds)
    return grown / (1.0 + grown)


def standardised(rows: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """Rows less their mean over their scale, cut at ``WIDEST``."""
    return np.asarray(np.clip((rows - mean) / scale, -WIDEST, WIDEST))


def fit(
    kind: ModelKind,
    features: Sequence[str],
    rows: FloatArray,
    bad: BoolArray,
    *,
    horizon: int,
    folds: int = 5,
) -> RegimeModel:
    """Fit on all rows, and calibrate on what models of the purged folds say of the others.

    Parameters
    ----------
    kind : ModelKind
    features : sequence of str
    rows : float array of shape (n, n_features)
        Finite, in the order of time; none constant.
    bad : bool array of shape (n,)
    horizon : int
        Sessions that a label looks ahead; also the embargo.
    folds : int

    Raises
    ------
    ModelError
        If the rows have one class only, no fold can be left out, or the library fails.
    """
    if bad.all() or not bad.any():
        raise ModelError(f"all {len(bad)} training sessions are of one class")
    held_out = np.full(len(bad), np.nan)
    for train, test in purged_folds(len(bad), folds, horizon, horizon):
        if bad[train].all() or not bad[train].any():
            continue  # a fold without both classes cannot tell them apart
        held_out[test] = _fitted(kind, rows[train], bad[train]).log_odds(rows[test])
    known = np.isfinite(held_out)
    if not known.any() or bad[known].all() or not bad[known].any():
        raise ModelError("no fold leaves both classes to train and to calibrate on")
    whole = _fitted(kind, rows, bad)
    return RegimeModel(
        kind,
        tuple(features),
        whole.mean,
        whole.scale,
        whole.weights,
        whole.intercept,
        whole.text,
        calibrate(held_out[known], bad[known]),
        float(bad.mean()),
    )


def _fitted(kind: ModelKind, rows: FloatArray, bad: BoolArray) -> _Fit:
    """A fit; what a library raises is no reason to stop: the model in force stays."""
    try:
        return _Fit(kind, rows, bad)
    except ImportError:
        raise
    except Exception as error:
        raise ModelError(f"the library cannot fit ({type(error).__name__}: {error})") from error


class _Fit:
    """One fit of the library."""

    def __init__(self, kind: ModelKind, rows: FloatArray, bad: BoolArray) -> None:
        self.mean = rows.mean(axis=0)
        centred = rows - self.mean
        scale = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(rows))
        self.scale = np.where(scale > 1e-12, scale, 1.0)
        self.weights: FloatArray = np.zeros(0)
        self.intercept, self.text, self._booster = 0.0, "", None
        if kind == ModelKind.LOGISTIC:
            from sklearn.linear_model import LogisticRegression

            model = LogisticRegression(C=PENALTY, solver="newton-cholesky", tol=1e-8)
            model.fit(np.clip(centred / self.scale, -WIDEST, WIDEST), bad)
            self.weights = np.asarray(model.coef_[0], dtype=np.float64)
            self.intercept = float(model.intercept_[0])
        else:
            import lightgbm

            data = lightgbm.Dataset(rows, bad.astype(np.float64), params={"verbosity": -1})
            self._booster = lightgbm.train(dict(BOOSTER), data, num_boost_round=ROUNDS)
            self.text = self._booster.model_to_string(num_iteration=-1).partition("\nparameters")[0]

    def log_odds(self, rows: FloatArray) -> FloatArray:
        """Before calibration, (n,)."""
        if self._booster is not None:
            return np.asarray(self._booster.predict(rows, raw_score=True, num_threads=1))
        return np.asarray(standardised(rows, self.mean, self.scale) @ self.weights + self.intercept)


def calibrate(log_odds: FloatArray, bad: BoolArray) -> tuple[float, float]:
    """Intercept and slope of the logistic curve from log-odds to the rate of bad sessions.

    By maximum likelihood (Platt, 1999). Where the slope comes out negative the scores mislead: the
    slope is 0 then and every probability the base rate.
    """
    from scipy.optimize import minimize

    x, y = log_odds, bad.astype(np.float64)
    spread = float(x.std())
    rate = float(y.mean())
    prior = math.log(rate / (1.0 - rate))
    if not spread > 1e-9:
        return prior, 0.0
    centre = float(x.mean())
    z = (x - centre) / spread

    def loss(of: FloatArray) -> tuple[float, FloatArray]:
        score = of[0] + of[1] * z
        value = float(np.mean(np.logaddexp(0.0, score) - y * score))
        error = 1.0 / (1.0 + np.exp(-score)) - y
        return value, np.array([error.mean(), (error * z).mean()])

    found = minimize(loss, np.array([prior, 1.0]), jac=True, method="L-BFGS-B").x
    if found[1] <= 0:
        return prior, 0.0
    slope = float(found[1]) / spread
    return float(found[0]) - slope * centre, slope


def usable_columns(
    names: Sequence[str], rows: FloatArray, today: FloatArray, share: float = 0.8
) -> tuple[IntArray, list[str]]:
    """Columns that can train a model and be known today, and why each other one is left out.

    Parameters
    ----------
    names : sequence of str
    rows : float array of shape (n, n_names)
    today : float array of shape (n_names,)
    share : float
        Of the rows that a column must be known on.
    """
    keep, reasons = [], []
    known = np.isfinite(rows)
    for column, name in enumerate(names):
        values = rows[known[:, column], column]
        if not math.isfinite(today[column]):
            reasons.append(f"{name} is not known today")
        elif len(values) < share * len(rows):
            reasons.append(
                f"{name} is known on {len(values)} of {count_text(len(rows), 'session')} only"
            )
        elif not values.std() > 1e-12:
            reasons.append(f"{name} is constant")
        else:
            keep.append(column)
    return np.array(keep, dtype=np.int64), reasons
