"""Figures of a run against closed forms, pandas and scipy."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from research.engine.result import Fill, RunResult
from research.measures import performance as perf
from research.measures import tables as tables
from research.measures.summary import headline_figures, summary, var_breaches
from tests.research.fake_result import RESIDUAL, fake_result, small_result, weekdays
from universe.arrays import to_epoch_day


@pytest.fixture(scope="module")
def run() -> RunResult:
    return fake_result(900, 9, seed=3)


def epoch(text: str) -> int:
    return to_epoch_day(date.fromisoformat(text))


# --- returns -------------------------------------------------------------------------------------
def test_annual_return_is_compound_per_calendar_year() -> None:
    returns = np.full(730, 0.001)
    years = 2.0
    assert perf.annual_return(returns, years) == pytest.approx(1.001**365 - 1)
    assert perf.elapsed_years(np.array([0, 1461])) == pytest.approx(4.0)
    assert perf.growth(np.array([0.1, -0.5])).tolist() == pytest.approx([1.0, 1.1, 0.55])


def test_annual_return_is_unknown_for_a_short_run_and_minus_one_after_ruin() -> None:
    assert np.isnan(perf.annual_return(np.array([0.01]), 0.2))
    assert perf.annual_return(np.array([0.5, -1.2]), 1.0) == -1.0


def test_volatility_sharpe_skew_and_hit_rate() -> None:
    returns = np.array([0.01, -0.02, 0.03, 0.0, 0.015])
    deviation = pd.Series(returns).std()
    assert perf.annual_vol(returns, 252.0) == pytest.approx(deviation * 252**0.5)
    assert perf.sharpe(returns, 252.0) == pytest.approx(returns.mean() / deviation * 252**0.5)
    assert perf.skew(returns) == pytest.approx(stats.skew(returns))
    assert perf.hit_rate(returns) == pytest.approx(3 / 4)


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 5, [0.001] * 5])
def test_ratios_of_flat_or_single_returns_are_unknown(returns: list[float]) -> None:
    values = np.array(returns, dtype=float)
    assert np.isnan(perf.sharpe(values, 252.0))
    assert np.isnan(perf.skew(values))


def gross_returns(run: RunResult) -> np.ndarray:
    return np.asarray(run.returns + run.cost.sum(axis=1)[1:] / run.nav[:-1])


def test_returns_are_the_results_own_until_ruin(run: RunResult) -> None:
    np.testing.assert_allclose(perf.returns_of(run), run.returns, atol=1e-15)
    np.testing.assert_allclose(perf.returns_of(run, gross=True), gross_returns(run), atol=1e-15)
    broke = small_result([100.0, 50.0, -10.0, 0.0, 5.0])
    assert perf.returns_of(broke).tolist() == pytest.approx([-0.5, -1.2, 0.0, 0.0])


def test_rolling_volatility_is_pandas(run: RunResult) -> None:
    expected = pd.Series(run.returns).rolling(63).std().to_numpy() * run.sessions_a_year**0.5
    got = perf.rolling_vol(run)
    assert len(got) == len(run.nav)
    np.testing.assert_allclose(got[1:], expected, rtol=1e-9, atol=1e-12)
    wide = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(
        perf.rolling_std(wide, 10), pd.DataFrame(wide).rolling(10).std().to_numpy(), rtol=1e-9
    )
    assert np.isnan(perf.rolling_std(wide, 51)).all()


def test_months_compound_to_the_year_and_the_years_to_the_run(run: RunResult) -> None:
    table = perf.monthly_returns(run)
    filled = np.prod(1 + np.nan_to_num(table.months), axis=1) - 1
    np.testing.assert_allclose(table.year, filled, rtol=1e-12)
    assert np.prod(1 + table.year) == pytest.approx(run.nav[-1] / run.nav[0])
    index = pd.to_datetime(run.day[1:], unit="D")
    by_month = pd.Series(1 + run.returns, index=index).groupby([index.year, index.month]).prod()
    assert table.months[1, 4] == pytest.approx(by_month[1991, 5] - 1)


def test_a_month_without_a_session_is_unknown() -> None:
    day = np.array([epoch("2020-01-31"), epoch("2020-03-02"), epoch("2021-03-01")])
    table = perf.monthly_returns(small_result([100, 110, 121], day=day))
    assert table.years.tolist() == [2020, 2021]
    assert np.isnan(table.months[0, 1])
    assert table.months[0, 2] == pytest.approx(0.1)
    assert table.year.tolist() == pytest.approx([0.1, 0.1])


def test_worst_days_name_the_largest_losers() -> None:
    pnl = np.array([[0, 0, 0], [-5, -1, 4], [1, 0, 0], [-1, 0, 0]], dtype=float)
    result = small_result([100, 98, 99, 98], markets=3, pnl=pnl, var_one_day=np.full(4, 0.03))
    worst = perf.worst_days(result)
    assert [day.day for day in worst] == result.day[[1, 3]].tolist()
    assert worst[0].ret == pytest.approx(-0.02)
    assert worst[0].drivers == [("M0", pytest.approx(-0.05)), ("M1", pytest.approx(-0.01))]


# --- drawdown ------------------------------------------------------------------------------------
def test_drawdowns_with_their_dates() -> None:
    nav = np.array([100, 110, 99, 105, 120, 60, 90.0])
    day = weekdays(date(2020, 1, 1), 7)
    assert perf.drawdown_series(nav).tolist() == pytest.approx([0, 0, 0.1, 5 / 110, 0, 0.5, 0.25])
    deepest, other = perf.drawdowns(nav, day)
    assert (deepest.depth, deepest.recovered) == (pytest.approx(0.5), None)
    assert (deepest.peak, deepest.trough) == (day[4], day[5])
    assert (other.peak, other.trough, other.recovered) == (day[1], day[2], day[4])
    assert perf.max_drawdown(small_result([1, 2, 3])) is None


# --- value-at-risk -------------------------------------------------------------------------------
def test_an_exception_compares_the_loss_with_the_var_held_into_the_day() -> None:
    nav = [100, 98, 98, 95.06, 95.06, 90]
    var = np.array([0.019, 0.02, 0.031, 0.5, np.nan, 0.0])
    result = small_result(nav, var_one_day=var)
    (only,) = perf.var_exceptions(result)
    assert (only.day, only.loss, only.var) == (result.day[1], pytest.approx(0.02), 0.019)
    assert perf.var_tested(result).tolist() == [True, True, True, True, False]
    assert perf.var_periods(result)[-1].sessions == 4


def test_a_loss_without_a_position_overnight_is_no_test() -> None:
    result = small_result([100, 99, 98], var_one_day=np.zeros(3))
    assert perf.var_exceptions(result) == []
    assert perf.var_periods(result)[-1].zone == "untested"


@pytest.mark.parametrize(
    ("exceptions", "zone"), [(0, "green"), (4, "green"), (5, "yellow"), (9, "yellow"), (10, "red")]
)
def test_the_zones_of_250_sessions_are_basels(exceptions: int, zone: str) -> None:
    probability, got = perf.traffic_light(exceptions, 250, 0.99)
    assert got == zone
    expected = sum(stats.binom.pmf(k, 250, 0.01) for k in range(exceptions + 1))
    assert probability == pytest.approx(expected)


def test_periods_add_up_to_the_run(run: RunResult) -> None:
    for years in (1, 10):
        *parts, whole = perf.var_periods(run, years)
        assert sum(part.sessions for part in parts) == whole.sessions
        assert sum(part.exceptions for part in parts) == whole.exceptions
        assert whole.exceptions == len(perf.var_exceptions(run)) > 0
        assert whole.expected == pytest.approx(whole.sessions * 0.01)
    assert [part.label for part in perf.var_periods(run)] == ["1990-1999", "whole run"]


def test_the_confidence_comes_from_the_settings() -> None:
    assert perf.var_confidence(small_result([1, 1])) == 0.99
    assert perf.var_confidence(small_result([1, 1], settings={"var_confidence": "0.95"})) == 0.95


def test_breaches_follow_the_test_of_the_run() -> None:
    values = {"var_parametric": np.array([0.1, 0.25]), "var_relative": np.array([2.5, np.nan])}
    assert var_breaches(small_result([1, 1], **values)) == 1
    relative = {"var_test": "relative", "var_relative_limit": "2"}
    assert var_breaches(small_result([1, 1], settings=relative, **values)) == 1
    assert var_breaches(small_result([1, 1], settings={"var_test": "both"}, **values)) == 2


# --- attribution ---------------------------------------------------------------------------------
@pytest.mark.parametrize("net", [True, False])
def test_class_contributions_add_up_every_day(run: RunResult, net: bool) -> None:
    got = tables.class_contributions(run, net=net)
    np.testing.assert_allclose(np.sum(list(got.parts.values()), axis=0), got.total, atol=1e-15)
    expected = run.returns if net else gross_returns(run)
    np.testing.assert_allclose(got.total[1:], expected, atol=1e-15)
    assert np.abs(got.parts[tables.UNEXPLAINED]).max() < 1e-12
    assert set(got.parts) == {*run.classes, tables.UNEXPLAINED}


def test_sleeve_contributions_add_up_with_costs_and_residual(run: RunResult) -> None:
    got = tables.sleeve_contributions(run)
    assert list(got.parts) == ["trend", "carry", RESIDUAL, tables.COSTS, tables.UNEXPLAINED]
    np.testing.assert_allclose(np.sum(list(got.parts.values()), axis=0), run_total(run), atol=1e-15)
    assert got.parts[tables.COSTS].sum() < 0


def run_total(run: RunResult) -> np.ndarray:
    return np.concatenate([[0.0], run.returns])


def test_what_no_market_explains_is_shown_as_such() -> None:
    pnl = np.array([[0.0], [2.0], [0.0]])
    cost = np.array([[0.0], [0.5], [0.0]])
    result = small_result([100, 101, 102.01], pnl=pnl, cost=cost)
    parts = tables.class_contributions(result).parts
    assert parts["equity"].tolist() == pytest.approx([0, 0.015, 0])
    assert parts[tables.UNEXPLAINED].tolist() == pytest.approx([0, -0.005, 0.01])


# --- trading -------------------------------------------------------------------------------------
def trading_result() -> RunResult:
    nav = [1000.0, 1000.0, 2000.0, 2000.0]
    targets = np.array([[2, 0], [2, 0], [0, 0], [-1, 0]])
    weight = np.array([[0.2, 0.0], [0.3, 0.0], [0.0, 0.0], [-0.1, 0.0]])
    days = weekdays(date(2020, 12, 30), 4).tolist()
    fills = [
        Fill(days[1], "M0", 202101, 2, 1.0, 1.0, 0.5, "rebalance"),
        Fill(days[2], "M0", 202101, -2, 1.0, 1.0, 0.5, "roll"),
        Fill(days[2], "M0", 202103, 2, 1.0, 1.0, 0.5, "roll"),
        Fill(days[3], "M0", 202103, -1, 1.0, 0.0, 0.0, "expiry"),
        Fill(days[3], "M1", 202103, 5, 1.0, 1.0, 1.0, "rebalance"),
    ]
    cost = np.array([[0, 0], [1.5, 0], [3, 0], [0, 2.0]])
    roll_cost = np.array([[0, 0], [0, 0], [3.0, 0], [0, 0]])
    return small_result(
        nav,
        markets=2,
        day=np.array(days),
        targets=targets,
        weight=weight,
        contracts=np.array([[0, 0], [2, 0], [2, 0], [1, 5]]),
        fills=fills,
        cost=cost,
        roll_cost=roll_cost,
        active=np.array([[True, False]] * 4),
    )


def test_contract_values_come_from_targets_and_are_carried_over_gaps() -> None:
    value = tables.contract_values(trading_result())
    assert value[:, 0].tolist() == pytest.approx([100, 150, 150, 200])
    assert np.isnan(value[:, 1]).all()


def test_turnover_is_two_sided_and_by_reason() -> None:
    got = tables.turnover(trading_result())
    assert got.parts["rebalance"].tolist() == pytest.approx([0, 0.3, 0, 0])
    assert got.parts["roll"].tolist() == pytest.approx([0, 0, 0.6, 0])
    assert got.parts["expiry"].tolist() == pytest.approx([0, 0, 0, 0.1])
    assert got.unvalued == 1


def test_costs_split_into_trades_and_rolls_with_fees_in_both() -> None:
    result = trading_result()
    got = tables.costs(result)
    assert got["trades"].tolist() == pytest.approx([0, 0.0015, 0, 0.001])
    assert got["rolls"].tolist() == pytest.approx([0, 0, 0.003, 0])
    assert got["fees"].tolist() == pytest.approx([0, 0.0005, 0.001, 0.0005])
    assert tables.by_year(result, got["rolls"]) == {2020: 0.0, 2021: pytest.approx(0.003)}


def test_market_rows() -> None:
    first, second = tables.market_table(trading_result())
    assert (first.sessions, first.trades, first.rolls) == (4, 1, 1)
    assert first.contracts == pytest.approx(5 / 4)
    assert first.cost == pytest.approx(0.0045)
    assert first.net == pytest.approx(first.gross - first.cost)
    assert (second.sessions, second.trades, second.rolls, second.contracts) == (1, 1, 0, 5.0)


def test_market_rows_add_up_to_the_classes(run: RunResult) -> None:
    rows = tables.market_table(run)
    parts = tables.class_contributions(run).parts
    for name in set(run.classes):
        total = sum(row.net for row in rows if row.asset_class == name)
        assert total == pytest.approx(float(parts[name].sum()))
    assert sum(row.rolls for row in rows) == len([e for e in run.events if e.kind == "roll"])


def test_year_rows_agree_with_the_run(run: RunResult) -> None:
    rows = tables.year_table(run)
    assert sum(row.sessions for row in rows) == len(run.day) - 1
    assert np.prod([1 + row.ret for row in rows]) == pytest.approx(run.nav[-1] / run.nav[0])
    assert sum(row.exceptions for row in rows) == len(perf.var_exceptions(run))
    paid = sum(float(tables.costs(run)[name].sum()) for name in ("trades", "rolls"))
    assert sum(row.cost for row in rows) == pytest.approx(paid)
    assert all(row.drawdown >= 0 for row in rows)


def test_volatility_windows_and_band() -> None:
    year = small_result([1.0] * 81).sessions_a_year
    returns = np.tile([0.1, -0.1], 40) / year**0.5
    nav = 100 * np.concatenate([[1.0], np.cumprod(1 + returns)])
    (row,) = tables.vol_windows(small_result(nav.tolist()), (20, 500))
    assert (row.sessions, row.windows) == (20, 61)
    assert row.median == pytest.approx(0.1 * (20 / 19) ** 0.5)
    assert row.in_band == 1.0


def test_independent_equal_markets_diversify_by_the_root_of_their_number() -> None:
    share = np.random.default_rng(5).normal(size=(300, 4))
    share = np.linalg.qr(np.column_stack([np.ones(300), share]))[0][:, 1:]
    pnl = np.vstack([np.zeros((1, 4)), share])
    result = small_result([1.0] * 301, markets=4, pnl=pnl)
    assert tables.diversification(result, 300)[-1] == pytest.approx(2.0)
    same = small_result([1.0] * 301, markets=4, pnl=np.repeat(pnl[:, :1], 4, axis=1))
    assert tables.diversification(same, 300)[-1] == pytest.approx(1.0)


# --- summary -------------------------------------------------------------------------------------
def test_the_summary_says_what_a_reader_asks_first(run: RunResult) -> None:
    text = dict(summary(run))
    assert text["Annual return, net"].startswith(
        f"{100 * perf.annual_return(run.returns, perf.elapsed_years(run.day)):.1f} %".replace(
            "-", "−"
        )
    )
    numbers = {figure.label: figure.number for figure in headline_figures(run)}
    assert numbers["Sharpe ratio, net"] == pytest.approx(
        perf.sharpe(run.returns, run.sessions_a_year)
    )
    for label in ("Sharpe ratio, net", "Maximum drawdown", "Turnover per year, x NAV"):
        assert text[label]
    assert all(figure.meaning.endswith(".") for figure in headline_figures(run))
    assert sum(figure.tile for figure in headline_figures(run)) == 9


@pytest.mark.parametrize("days", [1, 2, 3, 30])
def test_short_runs_have_a_summary(days: int) -> None:
    result = fake_result(days, 3)
    assert len(summary(result)) == len(headline_figures(result))
    tables.market_table(result)
    tables.year_table(result)


def test_a_ruined_run_has_a_summary() -> None:
    result = small_result([100.0, 10.0, -5.0, -6.0])
    assert dict(summary(result))["Worst day"].startswith("−150.0 %")
