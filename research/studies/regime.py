"""The regime model walked forward: what it said, and whether it was worth saying (A8, V2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from alpha.regime.document import RegimeDocument, Voice
from alpha.regime.features import NAMES
from alpha.regime.labels import LabelOf, Measures, Thresholds, label, look_ahead
from alpha.regime.policy import Policy
from alpha.regime.train import History, TrainingError, TrainingPlan, train
from research.measures.probability import Score, scores
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.counts import count_text

REFIT = 63
"""Sessions between two trainings: a quarter."""

LEAST = 2520
"""Sessions of the first training: ten years."""

VOLATILITY = "vol_balanced_20"
"""The one feature of the simple model that the others must beat."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RegimeWalk:
    """Forecasts out of sample, and what came of them.

    Attributes
    ----------
    day : int array of shape (n,)
    probability : float array of shape (n,)
        NaN where no model could speak.
    base_rate : float array of shape (n,)
        Share of bad sessions in the training in force: climatology.
    bad, known : bool arrays of shape (n,)
        By the thresholds of the training in force; ``known`` where the sessions ahead are over.
    past : float array of shape (n,)
        Whether the last session with a known label was bad; NaN before there is one.
    documents : list of RegimeDocument
    notes : list of (int, str)
        Epoch day and reason of every training that failed.
    """

    day: IntArray
    probability: FloatArray
    base_rate: FloatArray
    bad: BoolArray
    known: BoolArray
    past: FloatArray
    documents: list[RegimeDocument]
    notes: list[tuple[int, str]]

    def share(self, policy: Policy) -> FloatArray:
        """Exposure that the policy leaves after every session, (n,)."""
        out = np.ones(len(self.day))
        now = 1.0
        for row, (probability, rate) in enumerate(
            zip(self.probability.tolist(), self.base_rate.tolist(), strict=True)
        ):
            out[row] = now = policy.next_share(now, probability, rate)
        return out


def walk_regime(
    history: History,
    plan: TrainingPlan,
    *,
    first: int | None = None,
    every: int = REFIT,
    least: int = LEAST,
    progress: Progress | None = None,
) -> RegimeWalk:
    """Train on the sessions so far, speak for the next quarter, and so on, as the strategy does.

    Parameters
    ----------
    history : History
    plan : TrainingPlan
    first : int, optional
        Epoch day from which forecasts are wanted; the earliest there can be unless given.
    every, least : int
        Sessions between trainings, and before the first.
    progress : callable, optional

    Raises
    ------
    TrainingError
        If there are not more sessions than ``least``.
    """
    n = len(history.day)
    wanted = least if first is None else max(int(np.searchsorted(history.day, first)), least)
    start = wanted - (wanted - least) % every
    if wanted >= n:
        raise TrainingError(f"regime: {count_text(n, 'session')}; the first training takes {least}")
    returns = history.equity if plan.of == LabelOf.EQUITY else history.balanced
    credit = history.rows[:, NAMES.index("credit_baa")]
    measures = look_ahead(returns, credit, plan.horizon, plan.kind)
    walk = _Walk(n)
    begins = range(start, n, every)
    for step, begin in enumerate(begins):
        walk.train(history.until(begin), plan)
        walk.speak(history, measures, plan, range(begin, min(begin + every, n)))
        if progress is not None:
            progress(step + 1, len(begins))
    return walk.result(history.day, wanted)


class _Walk:
    def __init__(self, n: int) -> None:
        self.probability = np.full(n, np.nan)
        self.base_rate = np.full(n, np.nan)
        self.bad = np.zeros(n, dtype=bool)
        self.known = np.zeros(n, dtype=bool)
        self.past = np.full(n, np.nan)
        self.documents: list[RegimeDocument] = []
        self.notes: list[tuple[int, str]] = []

    def train(self, history: History, plan: TrainingPlan) -> None:
        try:
            self.documents.append(train(history, plan))
        except TrainingError as error:
            self.notes.append((int(history.day[-1]), str(error)))

    def speak(self, history: History, measures: Measures, plan: TrainingPlan, rows: range) -> None:
        """Forecasts of the rows by the last document, and what was true of them."""
        if not self.documents:
            return
        document = self.documents[-1]
        voice = Voice(document)
        limits = Thresholds(**document.thresholds)
        bad, known = label(measures, limits)
        for row in rows:
            self.probability[row], _ = voice.probability(history.rows[row])
            self.base_rate[row] = document.base_rate
            self.bad[row], self.known[row] = bad[row], known[row]
            if row >= plan.horizon:
                self.past[row] = float(bad[row - plan.horizon])

    def result(self, day: IntArray, start: int) -> RegimeWalk:
        part = slice(start, None)
        return RegimeWalk(
            day[part],
            self.probability[part],
            self.base_rate[part],
            self.bad[part],
            self.known[part],
            self.past[part],
            self.documents,
            self.notes,
        )


def simple_plan(plan: TrainingPlan) -> TrainingPlan:
    """A logistic regression on realised volatility alone, under the same label."""
    return replace(plan, model=type(plan.model)("logistic"), features=(VOLATILITY,))


def persistence(walk: RegimeWalk) -> FloatArray:
    """Forecast that the last known state goes on, as often as it has done so far, (n,).

    The rates are of the sessions whose label was known by then; climatology where there are none.
    """
    horizon = int(walk.documents[0].settings["horizon"]) if walk.documents else 0
    out = walk.base_rate.copy()
    hits = np.zeros(2)
    count = np.zeros(2)
    for row in range(len(walk.day)):
        then = row - horizon
        if then >= 0 and walk.known[then] and np.isfinite(walk.past[then]):
            state = int(walk.past[then])
            count[state] += 1
            hits[state] += walk.bad[then]
        if np.isfinite(walk.past[row]) and count[int(walk.past[row])] >= REFIT:
            state = int(walk.past[row])
            out[row] = hits[state] / count[state]
    return out


def judge(walk: RegimeWalk, simple: RegimeWalk) -> dict[str, Score]:
    """Scores over the sessions on which both models spoke and the label is known."""
    rows = walk.known & np.isfinite(walk.probability) & np.isfinite(simple.probability)
    others = {
        "climatology": walk.base_rate[rows],
        "persistence": persistence(walk)[rows],
        "volatility alone": simple.probability[rows],
    }
    return scores(walk.probability[rows], walk.bad[rows], others)


def verdict(found: dict[str, Score]) -> str:
    """In a sentence whether the model has skill."""
    over = found["skill over climatology"]
    text = f"Brier skill over climatology {over.value:.3f} ({over.low:.3f} to {over.high:.3f})"
    if over.low > 0:
        simple = found["skill over volatility alone"]
        if simple.high < 0:
            return f"The model has skill, and volatility alone has more. {text}."
        more = "and over" if simple.low > 0 else "but none that is sure over"
        return f"The model has skill, {more} volatility alone. {text}."
    return f"The model has no skill that could be told from luck. {text}."
