"""Differences between books and their intervals: identities, arch's bootstrap, known effects."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap

from research.measures import paired
from research.measures.bootstrap import BLOCK, interval, resample_counts, sharpe_ratios
from research.measures.paired import Books, align, by_decade, compare, figures, in_crises
from research.measures.performance import drawdown_series, growth, sharpe


def books(days: int = 900, seed: int = 0, first: int = 11_000) -> Books:
    rng = np.random.default_rng(seed)
    base = rng.standard_normal(days) * 0.01 + 0.0003
    table = np.column_stack([base, base + 0.0004, rng.standard_normal(days) * 0.01, base])
    cost = np.full((days, 4), 1e-5) * [1, 2, 3, 1]
    return Books(("base", "more", "other", "same"), np.arange(first, first + days), table, cost)


def test_figures_are_those_of_the_other_measures() -> None:
    some = books()
    ratio, fall, tail, cost = figures(some, [np.arange(900)])[0]
    for k in range(4):
        column = some.returns[:, k]
        assert ratio[k] == pytest.approx(sharpe(column, some.year))
        assert fall[k] == pytest.approx(drawdown_series(growth(column)).max())
        assert tail[k] == pytest.approx(-np.sort(column)[:9].mean())
        assert cost[k] == pytest.approx(some.cost[0, k] * some.year)


def test_sharpe_intervals_are_those_of_the_counts() -> None:
    some = books()
    counts = resample_counts(900, 400, seed=3)
    drawn = sharpe_ratios(counts, some.returns, np.ones((900, 4), dtype=bool), some.year)
    low, high = interval(drawn - drawn[:, [0]], 0.9)
    for k, estimate in enumerate(compare(some, "base", samples=400, seed=3)):
        assert estimate.low["sharpe"] == pytest.approx(low[k], abs=1e-9)
        assert estimate.high["sharpe"] == pytest.approx(high[k], abs=1e-9)


def test_fall_is_measured_along_the_resampled_path() -> None:
    some = books(300)
    falls = []
    for drawn in StationaryBootstrap(BLOCK, some.returns[:, 2], seed=3).bootstrap(200):
        falls.append(drawdown_series(growth(drawn[0][0])).max())
    alone = Books(("o", "o2"), some.day, some.returns[:, [2, 2]] * [1, 0], some.cost[:, :2])
    estimate = compare(alone, "o2", samples=200, seed=3)[0]
    assert estimate.high["drawdown"] == pytest.approx(np.quantile(falls, 0.95))


def test_the_same_book_differs_by_nothing_and_a_sure_gain_is_sure() -> None:
    estimates = {one.name: one for one in compare(books(), "base", samples=200)}
    same = estimates["same"]
    assert {*same.delta.values(), *same.low.values(), *same.high.values()} == {0.0}
    assert estimates["more"].low["sharpe"] > 0.5
    assert estimates["other"].low["sharpe"] < estimates["other"].high["sharpe"]
    assert estimates["more"].delta["cost"] == pytest.approx(1e-5 * books().year)


def test_unknown_costs_stay_unknown_and_a_flat_book_has_no_ratio() -> None:
    some = books()
    some.cost[:, 2] = np.nan
    some.returns[:, 1] = 0.0
    estimates = {one.name: one for one in compare(some, "base", samples=100)}
    assert np.isnan(estimates["other"].value["cost"])
    assert np.isnan(estimates["other"].high["cost"])
    assert np.isnan(estimates["more"].value["sharpe"])


def test_align_keeps_common_sessions() -> None:
    one, two = np.arange(0, 400, 2), np.arange(0, 400, 1)
    day, table = align([one, two], [one * 1.0, two * 1.0])
    assert day.tolist() == one.tolist()
    np.testing.assert_array_equal(table[:, 0], table[:, 1])
    with pytest.raises(ValueError, match="0 sessions in common"):
        align([one, one + 1], [one * 1.0, one * 1.0])


def test_decades_and_crises() -> None:
    some = books(6000, first=10_600)  # 1999-01-09 on
    decades = by_decade(some, "base", samples=50)
    assert list(decades) == ["1999", "2000-2009", "2010-2015"]
    inside = some.part((some.day >= 10_957) & (some.day < 14_610))
    expected = compare(inside, "base", samples=50)
    assert decades["2000-2009"] == expected
    crises = in_crises(some)
    assert list(crises) == ["2000-2002", "2008", "2011"]
    window = (some.day > 13_795) & (some.day <= 14_312)  # 2007-10-09, 2009-03-09
    assert crises["2008"]["other"] == pytest.approx(np.prod(1 + some.returns[window, 2]) - 1)


def test_unknown_base() -> None:
    with pytest.raises(ValueError, match="base is 'none'"):
        compare(books(), "none")


def test_figures_are_named() -> None:
    assert figures(books(), [np.arange(900)] * 3).shape == (3, len(paired.FIGURES), 4)


def test_the_tail_of_a_path_counts_a_day_as_often_as_it_is_drawn() -> None:
    some, rng = books(), np.random.default_rng(1)
    best = np.argsort(some.returns[:, 0])[-3:]
    paths = [*rng.integers(900, size=(20, 900)), np.resize(best, 900)]
    for rows, found in zip(paths, figures(some, paths)[:, 2], strict=True):
        expected = -np.sort(some.returns[rows], axis=0)[:9].mean(axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
