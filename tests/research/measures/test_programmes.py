"""Leverage, expected and realised Sharpe ratio by programme, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from research.measures.programmes import programme_table
from tests.research.fake_result import small_result


def test_by_hand() -> None:
    """Two sessions with a position: exposure 2 at 4 % and 3 at 6 % are 0.5 for each per cent."""
    weight = np.array([[0.0, 0.0], [1.5, -0.5], [2.0, 1.0], [np.nan, 0.0]])
    vol, carry = np.array([0.0, 0.04, 0.06, 0.0]), np.array([0.0, 0.02, 0.06, 0.0])
    pnl = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, -1.0], [-1.0, 0.0]])
    names = ("directional", "calendar")
    run = small_result(
        [100.0] * 4,
        markets=2,
        sleeve_weight=dict.fromkeys(names, weight),
        sleeve_vol=dict.fromkeys(names, vol),
        sleeve_carry=dict.fromkeys(names, carry),
        sleeve_pnl=dict.fromkeys(names, pnl),
    )
    directional, calendar = programme_table(run)
    earned = np.array([0.01, 0.01, -0.01])
    year = run.sessions_a_year
    assert directional.leverage == pytest.approx(0.5)
    assert calendar.leverage == pytest.approx(1.0), "both legs of a spread"
    assert directional.expected == pytest.approx((0.5 + 1.0) / 2)
    ratio = earned.mean() / earned.std(ddof=1) * year**0.5
    assert directional.realised == pytest.approx(ratio)
    assert directional.vol == pytest.approx(earned.std(ddof=1) * year**0.5)


def test_without_a_record_of_sleeves_there_is_no_table() -> None:
    assert programme_table(small_result([1.0, 2.0])) == []
