"""The regime study from data to page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpha.regime import train
from alpha.regime.train import TrainingError
from research.data.errors import DataError
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
