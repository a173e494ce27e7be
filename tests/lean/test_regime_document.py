"""A regime document that does not fit, in the ObjectStore of the real LEAN's live mode."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest

from algorithm.lean_regime import model_key
from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.engine.engine import EmbeddedEngine
from research.lean.export import export_lean
from research.lean.project_config import changed_settings
from research.lean.runner import Launcher
from research.open_data import DataRequest, open_data
from research.rehearsal.judge import read_left
from research.rehearsal.parts import LOG, STORE, RehearsalError, Stage, compile_parts
from research.rehearsal.rehearse import sessions_between
from research.rehearsal.run import run
from research.synthetic.market import synthetic_market
from risk.regime import RegimeScale
from tests.helpers import with_foresight
from universe.arrays import from_epoch_day, to_epoch_day

pytestmark = [pytest.mark.lean, pytest.mark.slow]

CODES = ["ES", "ZN", "GC"]
KEPT = model_key("trend-carry")
SETTINGS = Settings(
    start="2006-11-14",
    end="2006-11-15",
    markets=" ".join(CODES),
    warmup_days=2400,
    regime_least=1550,
    regime_of="equity",
    charts="off",
)


def regime_of(dataset: Dataset, settings: Settings) -> RegimeScale:
    """The scale as a run leaves it."""
    engine = EmbeddedEngine(dataset, settings)
    engine.run()
    scale = engine.strategy.scale_named(RegimeScale.NAME)
    assert isinstance(scale, RegimeScale)
    return scale


@pytest.fixture(scope="module")
def data(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lean") / "data"
    dataset = synthetic_market(11, codes=CODES, end=date(2006, 12, 29))
    export_lean(with_foresight(dataset), folder, lean_data, day_sessions=True)
    return folder


@pytest.fixture(scope="module")
def parts(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return compile_parts(launcher, tmp_path_factory.mktemp("parts"))
    except RehearsalError as error:
        if ".NET SDK" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"version": 99}, "regime model: version 99, this program reads 1"),
        ({}, "regime model: trained under other settings (tail)"),
    ],
    ids=["version", "settings"],
)
def test_it_is_refused_by_name_and_the_runs_own_model_counts(
    launcher: Launcher, data: Path, parts: Path, tmp_path: Path, other: dict[str, int], why: str
) -> None:
    dataset = open_data(DataRequest(folder=data, codes=CODES))
    first, second = sessions_between(dataset, SETTINGS)
    foreign = json.loads(regime_of(dataset, replace(SETTINGS, regime_tail=0.2)).text) | other
    assert from_epoch_day(foreign["trained"]) < first
    seen = regime_of(dataset, SETTINGS).history.count
    own = replace(SETTINGS, regime_least=seen - 1)  # the first training is due on the first evening

    store = tmp_path / STORE / KEPT
    store.parent.mkdir(parents=True)
    store.write_text(json.dumps(foreign), encoding="utf-8")
    stage = Stage(launcher, parts, data, changed_settings(own), own.cash)
    span = datetime.combine(first, time(13)), datetime.combine(second, time(23, 45))
    run(stage, tmp_path, span, [], lambda _: None)

    log = (tmp_path / LOG).read_text(encoding="utf-8", errors="replace")
    assert f"{KEPT}: {why}" in log
    decisions = read_left(tmp_path).decisions
    days = [to_epoch_day(first), to_epoch_day(second)]
    assert list(decisions) == days
    scales = [
        next(scale for scale in decisions[day].scales if scale.name == RegimeScale.NAME)
        for day in days
    ]
    assert scales[0].value == 1.0
    assert "p_off" not in scales[0].figures
    said = [event.detail for event in decisions[days[0]].events if event.kind == "regime"]
    assert any("exposure is not scaled: no model" in text for text in said)
    assert 0.0 < scales[1].figures["p_off"] < 1.0
    assert json.loads(store.read_text(encoding="utf-8"))["trained"] == days[0]
    assert f"{KEPT}: regime model of {first}" in log
