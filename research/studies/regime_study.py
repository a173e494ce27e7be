"""The regime model on a page: forecasts, their scores, and what following them would have made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from algorithm.settings import Settings
from alpha.regime.document import Voice
from alpha.regime.features import BOND, EQUITY, NAMES
from alpha.regime.models import ModelKind, Predictor
from alpha.regime.series import SOURCES
from alpha.regime.train import History, TrainingError
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.measures.probability import Score, reliability
from research.pages.files import write_atomically
from research.pages.study_page import Section, write_study
from research.pages.text import day_text, percent, signed
from research.studies.comparison import compare_rows
from research.studies.regime import RegimeWalk, judge, simple_plan, verdict, walk_regime
from research.studies.regime_data import regime_history
from research.studies.study_commands import Place, check_length
from research.studies.study_row import StudyRequest
from universe.arrays import FloatArray, from_epoch_day, to_epoch_day

OFF, ON = "regime off", "regime on"

SPELLED = {"log_loss": "log loss", "auc": "area under the curve"}
"""Figures as the page names them."""

LONGEST = 20_000
"""Most calendar days of warm-up that the settings allow."""


def run_regime(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Walk the model forward over the data and write ``regime.html`` and ``p_off.csv``.

    The strategy is run with and without the scale. Both observe the data from the first session of
    ES and ZN on, so that the model has as much history as there is; macro series are the dataset's.

    Raises
    ------
    DataError
        If the dataset has no macro series that is a feature, or not both markets.
    TrainingError
        If the data is too short, or no training succeeds.
    StudyError
        As ``run_study`` and ``check_length``.
    """
    if not set(dataset.macro) & set(SOURCES):
        raise DataError(f"no series of the regime's features is there: {', '.join(SOURCES)}")
    missing = [code for code in (EQUITY, BOND) if code not in dataset.markets]
    if missing:
        raise DataError(f"the regime is told from {EQUITY} and {BOND}; {missing[0]} is not there")
    check_length(dataset, settings)
    first = to_epoch_day(settings.first_day)
    settings = replace(settings, warmup_days=_warm_up(dataset, settings))
    plan, policy = settings.regime_plan, settings.regime_policy
    history = regime_history(dataset, settings)
    every, least = settings.regime_refit, settings.regime_least
    walk = walk_regime(history, plan, first=first, every=every, least=least)
    if not walk.documents:
        raise TrainingError(f"no training in {len(walk.notes)}; the last: {walk.notes[-1][1]}")
    plans = [simple_plan(plan), *(replace(plan, model=k) for k in ModelKind if k != plan.model)]
    simple, *others = (
        walk_regime(history, one, first=first, every=every, least=least) for one in plans
    )
    judged = {str(plan.model): judge(walk, simple)}
    judged |= {
        str(one.model): judge(other, simple) for one, other in zip(plans[1:], others, strict=True)
    }
    found = judged[str(plan.model)]
    share = walk.share(policy)
    write_atomically(place.out / "p_off.csv", _csv(walk, share))
    write_atomically(place.out / "regime-model.json", walk.documents[-1].text())
    requests = [
        StudyRequest(name, replace(settings, regime=on).as_strings())
        for name, on in ((OFF, False), (ON, True))
    ]
    rows = place.rows("regime", requests, dataset)
    comparison = compare_rows(
        "regime",
        rows,
        OFF,
        data_name=dataset.name,
        synthetic=dataset.synthetic,
        register=place.register,
        notes=[verdict(found), *_what_happened(walk, share)],
    )
    text = (
        f"A {plan.model} model of {len(NAMES)} features, trained every {settings.regime_refit} "
        f"sessions on the sessions so far, tells the probability that the next {plan.horizon} "
        "sessions are bad."
    )
    sections = [_scores(judged), _curve(walk), _importance(history, walk), _left_out(walk)]
    figures = _figures(found) | {
        "models": {name: _numbers(scores) for name, scores in judged.items()},
        "exposure_cut": float((share < 1.0).mean()),
    }
    promised = {name: figures[name] for name in ("brier", "brier_climatology", "auc")}
    rows_out = comparison.document()["rows"]
    rows_out = [row | promised if row["name"] == ON else row for row in rows_out]
    extra = {**figures, "rows": rows_out}
    return write_study(comparison, place.out, "Regime", text, sections, extra)


def _warm_up(dataset: Dataset, settings: Settings) -> int:
    """Calendar days before the start: from the first session of both markets on, and their own."""
    first = to_epoch_day(settings.first_day)
    begin = max(int(dataset.markets[code].day[0]) for code in (EQUITY, BOND))
    return min(max(first - begin, 0) + settings.warmup_days, LONGEST)


def _csv(walk: RegimeWalk, share: FloatArray) -> str:
    lines = ["date,p_off,base_rate,share,bad"]
    for day, probability, rate, left, bad, known in zip(
        walk.day.tolist(),
        walk.probability.tolist(),
        walk.base_rate.tolist(),
        share.tolist(),
        walk.bad.tolist(),
        walk.known.tolist(),
        strict=True,
    ):
        cells = [_cell(one) for one in (probability, rate, left)]
        truth = str(int(bad)) if known else ""
        lines.append(",".join([from_epoch_day(day).isoformat(), *cells, truth]))
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return repr(value) if np.isfinite(value) else ""


def _figures(found: dict[str, Score]) -> dict[str, Any]:
    return {
        "brier": found["brier"].value,
        "brier_climatology": found["brier of climatology"].value,
        "auc": found["auc"].value,
        "scores": _numbers(found),
    }


def _numbers(found: dict[str, Score]) -> dict[str, dict[str, float]]:
    return {
        name: {"value": one.value, "low": one.low, "high": one.high} for name, one in found.items()
    }


def _what_happened(walk: RegimeWalk, share: FloatArray) -> list[str]:
    cut = share < 1.0
    text = (
        f"Exposure is cut on {percent(float(cut.mean()))} of sessions and changes "
        f"{int(np.count_nonzero(np.diff(share))):,} times; bad were "
        f"{percent(float(walk.bad[walk.known].mean()))} of sessions."
    )
    failed = [f"{day_text(day)}: {reason}" for day, reason in walk.notes[:3]]
    return [text, *(f"Training failed on {one}." for one in failed)]


def _scores(judged: dict[str, dict[str, Score]]) -> Section:
    """Figures of the model in use, then of the other kind, each with its interval."""
    first, *_ = judged.values()
    lines = []
    for name in first:
        cells = [SPELLED.get(name, name).replace("brier", "Brier score")]
        for found in judged.values():
            one = found[name]
            cells += [signed(one.value, 3), f"{signed(one.low, 3)} to {signed(one.high, 3)}"]
        lines.append(cells)
    head = [cell for kind in judged for cell in (kind, "interval")]
    return Section(
        "How good the probabilities were",
        "Out of sample, with 90 % intervals of the block bootstrap; the first model is the one in "
        "use. Skill is 1 less the Brier score over that of a simpler forecast.",
        ("Figure", *head),
        lines,
    )


def _curve(walk: RegimeWalk) -> Section:
    rows = walk.known & np.isfinite(walk.probability)
    lines = [
        (percent(one.forecast), percent(one.happened), f"{one.sessions:,}")
        for one in reliability(walk.probability[rows], walk.bad[rows])
    ]
    return Section(
        "Reliability",
        "How often it was bad when the model said so.",
        ("said", "happened", "sessions"),
        lines,
    )


def _importance(history: History, walk: RegimeWalk) -> Section:
    """Mean size of the Shapley values of the last model, and those of the last session."""
    document = walk.documents[-1]
    model = document.models[0]
    columns = np.array([NAMES.index(name) for name in model.features])
    rows = history.rows[:, columns]
    rows = rows[np.isfinite(rows).all(axis=1)][-2520:]
    values, _ = Predictor(model).explain(rows)
    size = np.abs(values).mean(axis=0)
    today = Voice(document).explain(history.rows[-1])
    lines = [
        (
            model.features[k],
            signed(float(size[k]), 3),
            signed(today.get(model.features[k], np.nan), 3),
        )
        for k in np.argsort(-size).tolist()
    ]
    return Section(
        "What it listens to",
        "Shapley values of the last model in log-odds before calibration: their mean size over ten "
        "years, and those of the last session.",
        ("Feature", "mean size", "last session"),
        lines,
    )


def _left_out(walk: RegimeWalk) -> Section:
    notes: Sequence[str] = walk.documents[-1].notes or ("nothing",)
    return Section(
        "Left out of the last training", "With the reason.", ("",), [(note,) for note in notes]
    )
