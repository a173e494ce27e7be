"""Training on the sessions so far: labels, usable features, models, the document (A8)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np

from alpha.regime.document import RegimeDocument
from alpha.regime.features import NAMES, PRICE_FEATURES
from alpha.regime.labels import LabelKind, LabelOf, label, look_ahead, thresholds
from alpha.regime.models import ModelError, ModelKind, RegimeModel, fit, usable_columns
from universe.arrays import TRADING_DAYS, FloatArray, IntArray
from universe.counts import count_text

LEAST_YEARS = 5


class TrainingError(ValueError):
    """No model can be trained, in a sentence; the one in force stays."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a training depends on.

    Attributes
    ----------
    model : ModelKind
    kind : LabelKind
    of : LabelOf
    horizon : int
        Sessions ahead that a label looks.
    tail : float
        Share of training sessions whose fall is bad.
    window : int
        Sessions that train; 0 is all.
    folds : int
        Purged folds of the calibration.
    features : tuple of str
        Those that may be used.
    """

    model: ModelKind = ModelKind.LOGISTIC
    kind: LabelKind = LabelKind.AHEAD
    of: LabelOf = LabelOf.BALANCED
    horizon: int = 21
    tail: float = 0.10
    window: int = 0
    folds: int = 5
    features: tuple[str, ...] = NAMES

    def as_strings(self) -> dict[str, str]:
        """For the document."""
        values = {**asdict(self), "features": " ".join(self.features)}
        return {name: str(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class History:
    """Sessions so far.

    Attributes
    ----------
    day : int array of shape (n,)
    rows : float array of shape (n, n_features)
        As ``RegimeFeatures`` gave them.
    equity, balanced : float arrays of shape (n,)
        Returns.
    """

    day: IntArray
    rows: FloatArray
    equity: FloatArray
    balanced: FloatArray

    def until(self, end: int) -> History:
        """The first ``end`` sessions."""
        return History(self.day[:end], self.rows[:end], self.equity[:end], self.balanced[:end])


def train(history: History, plan: TrainingPlan) -> RegimeDocument:
    """Train after the last session of the history.

    The last ``horizon`` sessions have no label yet and are left out. Two models: on every usable
    feature, and on those of prices alone for days on which a macro series is missing.

    Raises
    ------
    TrainingError
        With fewer than five years of labels, one class only, or no usable feature.
    """
    returns = history.equity if plan.of == LabelOf.EQUITY else history.balanced
    credit = history.rows[:, NAMES.index("credit_baa")]
    measures = look_ahead(returns, credit, plan.horizon, plan.kind)
    labelled = np.flatnonzero(np.isfinite(measures.fall))
    if plan.window:
        labelled = labelled[labelled >= len(returns) - plan.window]
    least = LEAST_YEARS * TRADING_DAYS
    if len(labelled) < least:
        raise TrainingError(
            f"regime model: {count_text(len(labelled), 'session')} with a known label; "
            f"{least:,} are needed"
        )
    limits = thresholds(measures, labelled, plan.tail)
    bad, _ = label(measures, limits)
    today = history.rows[-1]
    allowed = np.array([NAMES.index(name) for name in plan.features], dtype=np.int64)
    kept, notes = usable_columns(
        plan.features, history.rows[np.ix_(labelled, allowed)], today[allowed]
    )
    columns = np.sort(allowed[kept])
    prices = columns[columns < len(PRICE_FEATURES)]
    models: list[RegimeModel] = []
    for chosen in (columns, prices):
        if not len(chosen) or (models and len(chosen) == len(columns)):
            continue
        whole = labelled[np.isfinite(history.rows[np.ix_(labelled, chosen)]).all(axis=1)]
        names = [NAMES[column] for column in chosen.tolist()]
        try:
            if len(whole) < least:
                raise ModelError(
                    f"{count_text(len(whole), 'session')} with all features; {least} are needed"
                )
            rows = history.rows[np.ix_(whole, chosen)]
            models.append(
                fit(plan.model, names, rows, bad[whole], horizon=plan.horizon, folds=plan.folds)
            )
        except ModelError as error:
            notes.append(f"no model of {count_text(len(chosen), 'feature')}: {error}")
    if not models:
        raise TrainingError("regime model: " + ("; ".join(notes) or "no feature is usable"))
    digest = hashlib.sha256(np.ascontiguousarray(history.rows[labelled]).tobytes())
    digest.update(np.packbits(bad[labelled]).tobytes())
    return RegimeDocument(
        int(history.day[-1]),
        int(history.day[labelled[0]]),
        int(history.day[labelled[-1]]),
        digest.hexdigest(),
        plan.as_strings(),
        {"fall": limits.fall, "vol": limits.vol, "credit": limits.credit},
        float(bad[labelled].mean()),
        tuple(models),
        tuple(notes),
    )
