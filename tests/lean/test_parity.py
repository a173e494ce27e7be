"""The strategy in the real engine: it runs, and decides and earns what the embedded engine does."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from algorithm.lean_regime import model_key
from algorithm.settings import Settings
from algorithm.state import PREVIOUS_STATE_KEY, STATE_KEY, load_state
from algorithm.strategy import Strategy
from alpha.carry_sources import Source
from research.data.import_pysystemtrade import load_pysystemtrade
from research.data.macro_series import MacroSeries
from research.engine.engine import EmbeddedEngine, run_backtest
from research.lean.export import export_lean
from research.lean.parity import run_parity
from research.lean.read import read_lean
from research.open_data import DataRequest, open_data
from research.studies.peers import LIMITLESS
from research.synthetic.market import synthetic_market
from tests.helpers import with_foresight
from universe.arrays import from_epoch_day, to_epoch_day
from universe.master import MASTER

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("launcher")]

ROOT = Path(__file__).resolve().parents[2]
SYNTHETIC = "ES FESX ZN 6E GC CL ZC VX"
REAL = "ES FESX ZN 6E GC CL ZC B"


@pytest.fixture(scope="module")
def synthetic_run(lean_data, tmp_path_factory):
    """Both engines over two synthetic years, in EUR too, with a state document every evening."""
    folder = tmp_path_factory.mktemp("synthetic")
    data = folder / "data"
    export_lean(synthetic_market(codes=SYNTHETIC.split()), data, lean_data, day_sessions=True)
    settings = Settings(start="2009-01-05", end="2010-12-31", warmup_days=500, state="always")
    return data, run_parity(data, settings, folder / "out", ROOT / "main.py")


def test_targets_fills_and_account_agree_on_synthetic_data(synthetic_run):
    report, result, _ = synthetic_run[1]
    assert report.differences == []
    assert report.sessions > 480
    assert report.max_bp < 1e-3
    assert {fill.market for fill in result.fills} == set(SYNTHETIC.split())
    assert any(fill.reason == "roll" for fill in result.fills)


@pytest.fixture(scope="module")
def every_rule_run(lean_data, tmp_path_factory):
    """Both engines with every trend and carry rule, calendar spreads and macro series."""
    folder = tmp_path_factory.mktemp("rules")
    data = folder / "data"
    dataset = synthetic_market(codes=SYNTHETIC.split())
    day = np.arange(to_epoch_day(date(2006, 1, 2)), to_epoch_day(date(2011, 1, 1)))
    day = day[(day + 3) % 7 < 5]
    wave = np.sin(day / 300.0)
    macro = {
        name: MacroSeries(name, day, level + 0.01 * wave)
        for name, level in (("usd.3m", 0.01), ("usd.2y", 0.02), ("usd.10y", 0.04), ("eur.3m", 0.0))
    }
    export_lean(dataset.with_macro(macro, []), data, lean_data, day_sessions=True)
    settings = Settings(
        start="2009-01-05",
        end="2009-12-31",
        warmup_days=500,
        trend_rules="tsmom ewmac breakout",
        forecast_multiplier="estimated",
        carry_rules="smoothed cross_section relative_value calendar directional",
        carry_source="class",
        cost_limit=10.0,  # the impact on their legs makes spreads too dear for a fund of this size
        cost_limit_out=10.0,
        state="end",
    )
    return data, run_parity(data, settings, folder / "out", ROOT / "main.py")


def test_every_rule_agrees_with_calendar_spreads_and_macro_series(every_rule_run):
    report, result, _ = every_rule_run[1]
    assert report.differences == []
    assert report.max_bp < 1e-3
    assert result.spread_targets.any()
    assert (result.carry_source == Source.YIELD_CURVE).any()


@pytest.fixture(scope="module")
def regime_run(lean_data, tmp_path_factory):
    """Both engines with a regime model that is trained on the way and cuts exposure."""
    folder = tmp_path_factory.mktemp("regime")
    data = folder / "data"
    dataset = synthetic_market(11, codes=["ES", "ZN", "GC"], end=date(2007, 3, 30))
    export_lean(with_foresight(dataset), data, lean_data, day_sessions=True)
    settings = Settings(
        start="2006-03-01",
        end="2006-12-29",
        warmup_days=2200,
        regime_least=1300,
        regime_refit=21,
        regime_of="equity",
        regime_full=0.4,
        regime_bonds=0.5,
        state="end",
    )
    return data, run_parity(data, settings, folder / "out", ROOT / "main.py")


def test_the_regime_acts_alike_and_its_model_is_kept(regime_run):
    report, result, run = regime_run[1]
    assert report.differences == []
    assert report.max_bp < 1e-3
    assert np.isfinite(result.figures["p_off"][-120:]).all()
    assert result.scales["regime"].min() < 0.95
    document = json.loads((run.object_store / model_key("trend-carry")).read_text(encoding="utf-8"))
    last = from_epoch_day(document["trained"]).isoformat()
    assert "2006-11-20" < last <= result.settings["end"]
    log = run.log.read_text(encoding="utf-8")
    assert f"regime model of {last}" in log


def calm_and_rising(history):
    """A market at a third of its volatility, and 12 % a year on top."""
    factor = np.exp(0.12 / 365.0 * (history.day - history.day[0]))
    start = float(history.close[0])
    prices = {name: getattr(history, name) for name in ("open", "high", "low", "close")}
    calm = {name: start * (price / start) ** (1 / 3) * factor for name, price in prices.items()}
    return replace(history, **calm)


def favourable(first, last):
    """Series under which every vote of the direction sleeve is positive."""
    day = np.arange(to_epoch_day(first), to_epoch_day(last))
    day = day[(day + 3) % 7 < 5]
    fall = np.linspace(0.01, 0.0, len(day))  # rates and spreads are below their means
    level = {"eur.de.10y": 0.02, "eur.de.2y": 0.01, "eur.euribor": 0.01, "credit.spread": 0.02}
    made = {name: MacroSeries(name, day, value + fall) for name, value in level.items()}
    flat = {"us.cape": 15.0, "usd.10y": 0.02, "eur.dividend_price": 0.05}
    constant = {name: MacroSeries(name, day, np.full(len(day), v)) for name, v in flat.items()}
    return made | constant


def test_a_fall_within_a_session_ends_the_leverage_of_the_direction_sleeve(lean_data, tmp_path):
    """The close is where it was: only the low of LEAN's daily bar tells of it."""
    first, last = date(2008, 1, 2), date(2010, 6, 30)
    dataset = synthetic_market(codes=["FESX", "ZN", "GC", "6E"], start=first, end=last)
    markets = {**dataset.markets, "FESX": calm_and_rising(dataset.markets["FESX"])}
    calm = replace(dataset, markets=markets).with_macro(favourable(first, last), [])
    chosen = {
        "start": "2010-01-04",
        "end": "2010-04-30",
        "warmup_days": "700",
        "other_rules": "direction",
        "other_budget": "0.8",
        "trend_budget": "0.1",
        "buffer": "0.05",
    }
    settings = Settings.parse({**chosen, **LIMITLESS})  # so that nothing hides the sleeve
    before = run_backtest(calm, settings)
    exposure = before.forecasts["direction"][:, before.markets.index("FESX")]
    levered = np.flatnonzero(exposure[:-1] == 2.0)
    row = int(levered[levered > 20][0]) + 1  # held at 2 since the close before
    one, day = markets["FESX"], int(before.day[row])
    low = np.where(one.day == day, 0.86 * one.close, one.low)
    fallen = replace(calm, markets={**markets, "FESX": replace(one, low=low)})
    export_lean(fallen, tmp_path / "data", lean_data, day_sessions=True)
    report, result, run = run_parity(
        tmp_path / "data", settings, tmp_path / "out", ROOT / "main.py"
    )
    assert report.differences == []
    assert report.max_bp < 1e-3
    now = result.forecasts["direction"][:, result.markets.index("FESX")]
    np.testing.assert_array_equal(now[:row], exposure[:row])
    assert (now[row], exposure[row]) == (1.0, 2.0)
    held = [one.targets[row, one.markets.index("FESX")] for one in (result, before)]
    assert 0 < held[0] < held[1]
    said = "within a session: reset to 1"
    assert [event.epoch_day for event in result.events if said in event.detail] == [day]
    assert run.log.read_text(encoding="utf-8").count(said) == 1


@pytest.mark.parametrize("run_of", ["synthetic_run", "every_rule_run", "regime_run"])
def test_the_state_that_lean_leaves_is_the_embedded_engines(run_of, request):
    data, (_, result, run) = request.getfixturevalue(run_of)
    settings = Settings.parse(result.settings)
    dataset = open_data(DataRequest(folder=data, codes=result.markets))
    engine = EmbeddedEngine(dataset, settings)
    engine.run()
    document = (run.object_store / STATE_KEY).read_text(encoding="utf-8")
    restored = Strategy(settings, engine.strategy.instruments)
    load_state(restored, document)
    for name, component in engine.strategy.components().items():
        other = restored.components()[name]
        for key in component.STATE:
            own, theirs = getattr(component, key), getattr(other, key)
            if name == "macro":
                assert own == theirs
                continue
            if key == "last_quotes":  # ragged, in order of arrival
                assert [dict(map(tuple, q)) for q in own] == [dict(map(tuple, q)) for q in theirs]
                continue
            if np.asarray(own).dtype.kind not in "biuf":  # sentences, names, open commands
                assert own == theirs, f"{name}.{key}"
                continue
            assert np.allclose(own, theirs, rtol=1e-9, atol=1e-12, equal_nan=True), f"{name}.{key}"


def test_lean_keeps_the_document_of_the_evening_before(synthetic_run):
    _, (_, result, run) = synthetic_run
    strategy = Strategy(Settings.parse(result.settings), [MASTER[m] for m in result.markets])
    load_state(strategy, (run.object_store / PREVIOUS_STATE_KEY).read_text(encoding="utf-8"))
    assert strategy.day == result.day[-2]
    assert "a restart would use an older state" not in run.log.read_text(encoding="utf-8")


def test_the_engine_itself_reports_a_clean_run(synthetic_run):
    _, (_, result, run) = synthetic_run
    assert run.state["Status"] == "Completed"
    assert int(run.statistics["Total Orders"].replace(",", "")) >= len(result.fills)
    log = run.log.read_text(encoding="utf-8")
    for trouble in ("ConversionRateZero", "SecurityPriceZero", "INVALID", "Insufficient"):
        assert trouble not in log


def test_no_position_outlives_its_last_holding_day(synthetic_run):
    data, (_, result, _) = synthetic_run
    engine = EmbeddedEngine(
        read_lean(data, MASTER).select(result.markets), Settings.parse(result.settings)
    )
    last = {
        (instrument.code, month): contract.last_holding
        for instrument, known in zip(
            engine.strategy.instruments, engine.strategy.markets.contracts, strict=True
        )
        for month, contract in known.items()
    }
    position: dict[tuple[str, int], int] = {}
    for fill in result.fills:
        key = (fill.market, fill.month)
        position[key] = position.get(key, 0) + fill.quantity
        late = fill.epoch_day > last[key]
        assert not late, f"{key} traded on {from_epoch_day(fill.epoch_day)}"
    open_at_end = {key for key, quantity in position.items() if quantity}
    assert all(last[key] > result.day[-1] for key in open_at_end)


def test_targets_fills_and_account_agree_on_real_data(futures_data, lean_data, tmp_path):
    dataset = load_pysystemtrade(futures_data, MASTER, codes=REAL.split())
    days = (np.datetime64("2014-01-01"), np.datetime64("2017-12-31"))
    first, last = (int(day.astype("datetime64[D]").astype(int)) for day in days)
    export_lean(dataset.between(first, last), tmp_path / "data", lean_data, day_sessions=True)
    settings = Settings(start="2015-07-01", end="2017-06-30", warmup_days=400)
    report, _, _ = run_parity(tmp_path / "data", settings, tmp_path / "out", ROOT / "main.py")
    assert report.differences == []
    assert report.sessions > 480
    assert report.max_bp < 1e-3
