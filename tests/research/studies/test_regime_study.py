"""The regime study from data to page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpha.regime import models, train
from alpha.regime.policy import Policy
from alpha.regime.train import TrainingError
from research.data.errors import DataError
from research.engine.engine import EmbeddedEngine
from research.studies.regime_study import OFF, ON, run_regime
from research.studies.study_commands import Place
from research.studies.trials import TrialRegister
from tests.helpers import made_up_dataset, regime_markets, settings, with_macro
from universe.arrays import from_epoch_day

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data():
    return with_macro(made_up_dataset(720, seed=2, markets=regime_markets(), closed=0.0))


@pytest.fixture(scope="module")
def chosen(data):
    days = np.unique(next(iter(data.markets.values())).day)
    return settings(
        start=from_epoch_day(int(days[545])).isoformat(),
        end=from_epoch_day(int(days[-1])).isoformat(),
        regime_least=530,
        regime_full=0.2,
        var_min_sessions=60,
    )


def place(folder: Path) -> Place:
    return Place(folder / "out", folder / "rows", TrialRegister(folder))


def test_rows_forecasts_and_page(tmp_path, monkeypatch, data, chosen):
    monkeypatch.setattr(train, "LEAST_YEARS", 1)
    where = place(tmp_path)
    page = run_regime(data, chosen, where).read_text(encoding="utf-8")
    result = json.loads((where.out / "result.json").read_text())
    off, on = result["rows"]
    assert (off["name"], on["name"]) == (OFF, ON)
    promised = {"net_sharpe", "delta", "low", "high", "max_drawdown", "cost", "trials"}
    assert promised <= set(off)
    assert promised | {"brier", "brier_climatology", "auc"} <= set(on)
    assert on["trials"] == where.register.count(data.fingerprint()) == 2
    with (where.out / "p_off.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert 150 < len(lines) <= 175
    known = [line for line in lines if line["p_off"] and line["bad"]]
    errors = [(float(line["p_off"]) - float(line["bad"])) ** 2 for line in known]
    assert result["brier"] == pytest.approx(np.mean(errors))
    assert json.loads((where.out / "regime-model.json").read_text())["models"]
    for words in ("Reliability", "Brier skill over climatology", "vol_balanced_20"):
        assert words in page


def test_what_cannot_be_trained_is_said(tmp_path, data, chosen):
    with pytest.raises(TrainingError, match="no training in 3; the last: regime model"):
        run_regime(data, chosen, place(tmp_path))
    with pytest.raises(TrainingError, match="the first training takes 2520"):
        run_regime(data, replace(chosen, regime_least=2520), place(tmp_path))
    with pytest.raises(DataError, match="no series of the regime's features is there"):
        run_regime(data.with_macro({}, []), chosen, place(tmp_path))


def told(data, chosen, last=None):
    """What was decided on every session, up to one, with the model and the orders."""
    engine, out = EmbeddedEngine(data, chosen), {}
    for bars in engine.feed:
        if last is not None and bars.session.day > last:
            break
        engine.step(bars)
        if engine.decision is not None:
            made, scale = engine.decision, engine.strategy.scale_named("regime")
            figures = tuple(made.figures.get(name) for name in ("p_off", "base_rate"))
            orders = [(one.market, one.month, one.quantity) for one in made.orders]
            out[made.day] = (figures, made.left_by("regime"), scale.text, orders)
    return out


def changed_after(data, day):
    """Other prices, rates and macro series from the day after on."""
    markets = {}
    for code, one in data.markets.items():
        factor = np.where(one.day > day, 1.7 + 0.2 * np.sin(one.day), 1.0)
        prices = {name: getattr(one, name) * factor for name in ("open", "high", "low", "close")}
        markets[code] = replace(one, **prices)
    fx = {
        name: replace(one, rate=np.where(one.day > day, 2.0, one.rate))
        for name, one in data.fx.items()
    }
    macro = {
        name: replace(one, value=np.where(one.day > day, 3.0 * one.value, one.value))
        for name, one in data.macro.items()
    }
    return replace(data, markets=markets, fx=fx).with_macro(macro, [])


def test_what_follows_a_date_changes_nothing_on_it(monkeypatch, data, chosen):
    monkeypatch.setattr(train, "LEAST_YEARS", 1)
    monkeypatch.setattr(models, "calibrate", lambda *_: (0.0, 1.0))  # noise too moves something
    monkeypatch.setattr(Policy, "wanted", lambda _, probability, rate: 1.0 - 0.5 * probability)
    days = np.unique(next(iter(data.markets.values())).day)
    some = data.between(0, int(days[390]))
    start, end = (from_epoch_day(int(days[k])).isoformat() for k in (340, 390))
    chosen = replace(
        chosen, start=start, end=end, regime_least=310, regime_refit=10, regime_band=0.0
    )
    whole = told(some, chosen)
    assert len({text for _, _, text, _ in whole.values()}) > 3
    assert len({share for _, share, _, _ in whole.values()}) > 20
    for day in np.random.default_rng(15).choice(sorted(whole), 20, replace=False).tolist():
        again = told(changed_after(some, day), chosen, day)
        assert again == {key: value for key, value in whole.items() if key <= day}
