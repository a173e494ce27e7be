"""Variable leverage: closed forms, the libraries' own forecasts, simulated processes, prefixes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from arch import arch_model
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tsa.arima_process import arma_generate_sample

from risk import leverage_fit, variable_leverage
from risk.leverage_fit import FitError, Garch, fit_arma, fit_garch
from risk.variable_leverage import (
    LeveragePlan,
    VariableLeverage,
    adjusted,
    compressed,
    optimal_leverage,
)

PLAN = LeveragePlan(ar=1, ma=0, least=24, window=600)


def simulated_garch(count: int, seed: int = 5) -> np.ndarray:
    """Daily returns of a GARCH(1,1) with 16 % of annual volatility."""
    omega, alpha, beta, mean = 2e-6, 0.08, 0.90, 4e-4
    rng = np.random.default_rng(seed)
    variance, out = omega / (1 - alpha - beta), []
    for z in rng.standard_normal(count).tolist():
        shock = math.sqrt(variance) * z
        out.append(mean + shock)
        variance = omega + alpha * shock**2 + beta * variance
    return np.array(out)


def sessions(count: int, seed: int = 1) -> list[tuple[int, float]]:
    days = np.busday_offset("2001-01-01", np.arange(count), roll="forward")
    months = days.astype("datetime64[M]").astype(int)
    returns = simulated_garch(count, seed)
    return [
        (int((1970 + m // 12) * 100 + m % 12 + 1), float(r))
        for m, r in zip(months, returns, strict=True)
    ]


@pytest.fixture(scope="module")
def history() -> list[tuple[int, float]]:
    return sessions(700)


def walked(model: VariableLeverage, history: list[tuple[int, float]]) -> list[tuple[float, ...]]:
    out = []
    for month, ret in history:
        assert model.take(month, ret) == []
        out.append((model.mean, model.variance, model.optimal, model.leverage))
    return out


@pytest.fixture(scope="module")
def run(history) -> tuple[VariableLeverage, list[tuple[float, ...]]]:
    model = VariableLeverage(PLAN)
    return model, walked(model, history)


# --- fits ----------------------------------------------------------------------------------------
def test_variance_is_archs_own_forecast():
    returns = simulated_garch(1500)
    ours = fit_garch(returns)
    theirs = arch_model(100 * returns, mean="Constant", vol="GARCH", rescale=False)
    found = theirs.fit(disp="off")
    ahead = found.forecast(horizon=1).variance.to_numpy()[-1, 0]
    assert ours.variance == pytest.approx(ahead / 1e4, rel=1e-9)
    assert (ours.alpha, ours.beta) == pytest.approx((0.08, 0.90), abs=0.08)
    step = ours.following(0.02)
    fixed = theirs.fix(found.params.to_numpy())
    longer = arch_model(
        100 * np.append(returns, 0.02), mean="Constant", vol="GARCH", rescale=False
    ).fix(fixed.params.to_numpy())
    assert step == pytest.approx(
        longer.forecast(horizon=1).variance.to_numpy()[-1, 0] / 1e4, rel=1e-6
    )


def test_mean_of_a_simulated_autoregression():
    rng = np.random.default_rng(3)
    noise = arma_generate_sample([1, -0.6], [1], 800, scale=0.02, distrvs=rng.standard_normal)
    forecast = fit_arma(noise + 0.01, 1, 0)
    expected = 0.01 + 0.6 * noise[-1]
    assert forecast == pytest.approx(expected, abs=0.004)
    assert fit_arma(noise + 0.01, 0, 0) == pytest.approx(np.mean(noise + 0.01), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.full(80, 0.01), "do not move"), (np.append(np.zeros(79), np.nan), "not all finite")],
)
def test_returns_that_cannot_be_fitted(values, words):
    with pytest.raises(FitError, match=words):
        fit_arma(values, 1, 1)
    with pytest.raises(FitError, match=words):
        fit_garch(values)


# --- leverage ------------------------------------------------------------------------------------
def test_kelly_is_where_growth_is_greatest():
    mean, variance = 0.006, 1e-4
    best = optimal_leverage(mean, variance)
    grid = np.linspace(-5, 15, 4001)
    growth = grid * mean - 0.5 * grid**2 * 21 * variance  # of a lognormal, a month
    assert best == pytest.approx(grid[np.argmax(growth)], abs=0.005)
    assert optimal_leverage(mean, variance, 0.5) == pytest.approx(best / 2)


def test_the_transformation_is_that_of_002():
    raw = np.random.default_rng(2).normal(1.0, 8.0, 400)
    step = np.log(np.where(raw > 1, raw, 0.0) + np.e)
    expected = pd.Series(step).ewm(alpha=0.05).mean().clip(upper=3.0)
    np.testing.assert_allclose(adjusted(raw, 0.05, 3.0), expected, rtol=1e-12)
    assert compressed(1.0) == 1.0
    assert compressed(1.0001) > math.log(1 + math.e)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.01, 1.0))
def test_leverage_is_always_between_1_and_the_cap(raw, alpha):
    out = adjusted(np.array(raw), alpha, 3.0)
    assert np.all((out >= 1.0 - 1e-12) & (out <= 3.0))


def test_it_is_the_transformation_of_its_optimum(run, history):
    _, said = run
    table = np.array(said)
    known = np.isfinite(table[:, 2])
    assert 100 < known.sum() < len(history) - 500  # 24 whole months come first
    np.testing.assert_allclose(table[known, 2], table[known, 0] / (21 * table[known, 1]))
    np.testing.assert_allclose(table[known, 3], adjusted(table[known, 2], 0.05, 3.0), rtol=1e-12)


def test_months_are_whole_ones(run, history):
    model, _ = run
    frame = pd.DataFrame(history, columns=["month", "ret"])
    by_month = frame.groupby("month").ret.apply(lambda r: np.prod(1 + r) - 1).to_numpy()
    np.testing.assert_allclose(model.months, by_month[1:-1], rtol=1e-12)
    np.testing.assert_array_equal(model.days, frame.ret.to_numpy()[-600:])


def test_the_mean_is_forward_filled(run, history):
    _, said = run
    means = np.array([one[0] for one in said])
    months = np.array([one[0] for one in history])
    changed = np.flatnonzero(means[1:] != means[:-1]) + 1
    changed = changed[np.isfinite(means[changed - 1])]
    assert np.all(months[changed] != months[changed - 1])


def test_nothing_later_changes_what_was_said(run, history):
    _, said = run
    cut = 600
    other = [(month, -0.9 * ret) for month, ret in history[cut:]]
    again = walked(VariableLeverage(PLAN), [*history[:cut], *other])
    np.testing.assert_array_equal(again[:cut], said[:cut])
    assert again[-1] != said[-1]


def test_a_restored_model_goes_on_as_if_nothing_had_happened(run, history):
    _, said = run
    first, again = VariableLeverage(PLAN), VariableLeverage(PLAN)
    walked(first, history[:640])
    kept = {name: getattr(first, name) for name in VariableLeverage.STATE}
    for name, value in again.from_state(kept).items():
        setattr(again, name, value)
    np.testing.assert_array_equal(walked(again, history[640:]), said[640:])


def test_a_fit_that_fails_keeps_the_last_good_one(monkeypatch, history):
    model = VariableLeverage(PLAN)
    walked(model, history[:600])
    before = model.mean, model.daily[:4].tolist()

    def fails(*_):
        raise FitError("GARCH(1,1) did not converge")

    monkeypatch.setattr(variable_leverage, "fit_arma", fails)
    monkeypatch.setattr(variable_leverage, "fit_garch", fails)
    notes = [note for month, ret in history[600:630] for note in model.take(month, ret)]
    assert notes[0] == "GARCH(1,1) did not converge; the last expected return stays"
    assert notes[1] == "GARCH(1,1) did not converge; the last parameters of the variance stays"
    assert (model.mean, model.daily[:4].tolist()) == before
    assert model.variance == pytest.approx(
        Garch(*before[1], model.variance).variance
    )  # the recursion goes on
    assert math.isfinite(model.leverage)


def test_a_fit_that_never_worked_is_said(history, monkeypatch):
    model = VariableLeverage(PLAN)
    notes = [note for month, _ in history[:560] for note in model.take(month, 0.0)]
    assert notes[0] == "monthly returns do not move; there is no expected return yet"
    assert math.isnan(model.leverage)


@pytest.mark.parametrize("ret", [math.nan, math.inf, -1.0])
def test_a_return_that_is_none(ret):
    with pytest.raises(ValueError, match="must be a finite number above -1"):
        VariableLeverage(PLAN).take(200101, ret)


def test_a_state_that_is_none(run):
    model, _ = run
    good = {name: getattr(model, name) for name in VariableLeverage.STATE}
    with pytest.raises(ValueError, match="not of this window"):
        model.from_state({**good, "days": np.zeros(601)})
    with pytest.raises(ValueError, match="is none"):
        model.from_state({**good, "months": np.array([np.nan])})


def test_libraries_that_are_missing(monkeypatch):
    assert leverage_fit.missing_libraries() == ""
    monkeypatch.setattr(leverage_fit, "find_spec", lambda name: None)
    assert leverage_fit.missing_libraries() == "arch and statsmodels"
