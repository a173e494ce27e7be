"""Breaches by what is held, and what no fund could have had."""

from __future__ import annotations

import numpy as np
import pytest

from research.measures.activity import activity_table
from research.measures.held_risk import held_breaches
from research.measures.performance import returns_of
from research.measures.plausible import implausible
from research.measures.summary import headline_figures
from tests.research.fake_result import fake_result, small_result


def test_breaches_last_until_a_close_within_the_limit() -> None:
    var = np.array([0.1, 0.21, 0.25, 0.2, np.nan, 0.3])
    run = small_result([1.0] * 6, var_held=var)
    first, last = held_breaches(run)
    assert (first.sessions, first.highest, first.cured) == (2, 0.25, True)
    assert (first.first, first.last) == (run.day[1], run.day[2])
    assert (last.sessions, last.cured) == (1, False)
    found = {figure.label: figure for figure in headline_figures(run)}
    assert found["Sessions above the VaR limit, held"].number == 3
    assert found["Sessions above the VaR limit, held"].detail.startswith("2 breaches, longest 2")
    assert found["Highest VaR 99 %, 20 business days, held"].number == 0.3


def test_a_run_without_the_record_says_so() -> None:
    run = small_result([1.0] * 3)
    assert held_breaches(run) == []
    found = {figure.label: figure for figure in headline_figures(run)}
    assert "not in this run's record" in found["Sessions above the VaR limit"].meaning


def test_an_ordinary_run_is_plausible() -> None:
    assert implausible(fake_result(600, 8)) == []
    assert implausible(small_result([1.0])) == []
    assert implausible(small_result([100.0] * 3)) == []


@pytest.mark.parametrize(
    ("nav", "sentence"),
    [
        ([100.0, 40.0, -6e15, 5.0], "NAV is −6e15 on 2020-01-03: the fund was ruined"),
        ([100.0, np.nan, 100.0], "NAV is not a number from 2020-01-02 on"),
        ([1e9, 5e11, 2e13], "NAV reaches 2e13, more than all futures markets hold"),
        ([100.0, 100.0, 190.0, 190.0], "NAV changes by 90 % on 2020-01-03 alone"),
        ([100.0, 106.0] * 20, "volatility is"),
        ((100 * np.cumprod(1.001 + 0.002 * np.sin(np.arange(300)))).tolist(), "the Sharpe ratio"),
    ],
)
def test_what_no_fund_could_have_had_is_said(nav: list[float], sentence: str) -> None:
    assert any(text.startswith(sentence) for text in implausible(small_result(nav)))


def test_leverage_beyond_reason_is_said() -> None:
    run = small_result([100.0] * 3, weight=np.full((3, 1), -150.0))
    assert implausible(run) == ["gross exposure is 150 x NAV on average"]


def test_activity_is_of_what_is_recorded_by_name() -> None:
    half = np.array([1.0, 0.5, np.nan, 1.0])
    run = small_result([1.0] * 4, scales={"regime": half}, stages={"limits": np.ones(4)})
    regime, limits = activity_table(run)
    assert (regime.kind, regime.sessions, regime.share, regime.least) == (
        "exposure scale",
        1,
        0.25,
        0.5,
    )
    assert regime.mean == pytest.approx(0.875)
    assert (limits.name, limits.kind, limits.sessions) == ("limits", "risk stage", 0)
    plain = small_result([1.0] * 4, gate_scale=half)
    assert [row.name for row in activity_table(plain)] == ["governor", "VaR gate"]
    assert activity_table(plain)[1].sessions == 1


def test_interest_and_foreign_cash_are_figures_where_recorded() -> None:
    day = np.array([0, 366, 731])
    run = small_result(
        [100.0, 110.0, 121.0],
        day=day,
        interest=np.array([0.0, 2.0, 2.2]),
        fx_cash=np.array([10.0, -11.0, 0.0]),
    )
    found = {figure.label: figure for figure in headline_figures(run)}
    years = 731 / 365.25
    assert found["Interest on cash per year, % of NAV"].number == pytest.approx(4 / years)
    excess = 1.08 ** (2 / years) - 1
    assert found["Annual return in excess of interest, net"].number == pytest.approx(excess)
    gains = np.array([0.08, 0.08])
    assert returns_of(run, excess=True) == pytest.approx(gains)
    assert returns_of(run) == pytest.approx([0.1, 0.1])
    assert found["Cash in other currencies, of NAV"].number == pytest.approx(0.2 / 3)
    assert "Interest on cash per year, % of NAV" not in dict(
        (figure.label, 0) for figure in headline_figures(small_result([1.0] * 3))
    )
