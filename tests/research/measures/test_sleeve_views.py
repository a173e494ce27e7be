"""Agreement of the sleeves against plain loops, its profit, flips and carry sources."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.carry_sources import Source
from research.engine.result import Event, RunResult
from research.measures.signal_events import flip_table, flips_by_year, source_table
from research.measures.sleeve_views import (
    SHOWN,
    State,
    agreement,
    agreement_signs,
    agreement_table,
    can_agree,
    held_state,
    monthly_shares,
    monthly_strength,
    months_of,
    state_profit,
)
from research.measures.tables import over_nav
from research.pages.run_files import write_agreement_csv
from tests.research.fake_result import fake_result, small_result

NAN = math.nan


def sleeves(*, active: Any = None, **forecasts: list[float]) -> RunResult:
    """One session of several markets with the given forecasts, by sleeve."""
    rows = {name.replace("_", " "): np.array([values]) for name, values in forecasts.items()}
    n = len(next(iter(forecasts.values())))
    there = np.ones((1, n), bool) if active is None else np.array([active])
    return small_result([100.0], markets=n, forecasts=rows, active=there)


def random_run(seed: int, days: int = 60, markets: int = 5) -> RunResult:
    rng = np.random.default_rng(seed)
    steps = np.round(rng.normal(0, 1, (3, days, markets)) * 2) / 2
    steps[rng.random(steps.shape) < 0.15] = np.nan
    names = ("trend", "carry", "directional")
    pnl = rng.normal(0, 1, (days, markets))
    return small_result(
        (100 + rng.normal(0, 1, days)).tolist(),
        markets=markets,
        pnl=pnl,
        sleeve_pnl={"trend": 0.5 * pnl, "carry": 0.5 * pnl},
        forecasts=dict(zip(names, steps, strict=True)),
        active=rng.random((days, markets)) < 0.9,
    )


# --- states --------------------------------------------------------------------------------------
def test_signs_of_two_sleeves() -> None:
    run = sleeves(
        trend=[1.0, -2.0, 1.0, 0.0, 1.0, NAN, 0.0, NAN],
        carry=[0.25, -0.5, -1.0, -1.0, NAN, 2.0, 0.0, NAN],
    )
    found = agreement(run)
    a, c, one, none = State.AGREE, State.CONFLICT, State.ONE_ONLY, State.NONE
    assert found.state[0].tolist() == [a, a, c, one, one, one, none, none]
    np.testing.assert_allclose(found.strength[0], [0.5, 1.0, -1.0, 0, 0, 0, NAN, NAN])
    assert found.name == "carry"


def test_several_sleeves_count_by_their_mean_and_calendar_does_not() -> None:
    run = sleeves(
        trend=[1.0, 1.0, 1.0, 1.0],
        carry=[1.0, NAN, 0.3, NAN],
        relative_value=[-0.5, -1.0, -0.3, NAN],
        calendar=[-9.0, 9.0, -9.0, -9.0],
    )
    found = agreement(run)
    assert found.others == ["carry", "relative value"]
    assert found.name == "the other sleeves"
    assert found.state[0].tolist() == [
        State.AGREE,
        State.CONFLICT,
        State.ONE_ONLY,
        State.ONE_ONLY,
    ]
    np.testing.assert_allclose(found.strength[0], [0.5, -1.0, 0.0, 0.0])


def test_what_rounding_leaves_of_opposite_forecasts_is_flat() -> None:
    run = sleeves(trend=[1.0], carry=[0.1 + 0.2], directional=[-0.3])
    assert agreement(run).state[0, 0] == State.ONE_ONLY


def test_a_market_that_may_not_be_traded_wants_nothing() -> None:
    run = sleeves(trend=[1.0, 1.0], carry=[1.0, 1.0], active=[True, False])
    assert agreement(run).state[0].tolist() == [State.AGREE, State.NONE]


@pytest.mark.parametrize("names", [["carry"], ["trend"], ["trend", "calendar"], []])
def test_a_run_without_two_outright_sleeves_is_named(names: list[str]) -> None:
    run = small_result([1.0, 2.0], forecasts={name: np.zeros((2, 1)) for name in names})
    assert not can_agree(run)
    with pytest.raises(ValueError, match=f"are {', '.join(names) or 'none'}: agreement needs"):
        agreement(run)


def test_signs_in_numbers_tell_flat_from_unknown() -> None:
    run = sleeves(
        trend=[1.0, -2.0, 1.0, 0.0, 1.0, NAN, 0.0, NAN, 1.0, NAN],
        carry=[0.25, -0.5, -1.0, -1.0, NAN, 2.0, 0.0, NAN, 1.0, NAN],
        calendar=[1.0] * 10,
        active=[True] * 8 + [False, True],
    )
    expected = [1, 1, -1, 0, 0, 0, 0, NAN, NAN, NAN]
    np.testing.assert_array_equal(agreement_signs(run), [expected])
    lone = sleeves(trend=[1.0, -1.0], calendar=[1.0, 1.0])
    assert np.isnan(agreement_signs(lone)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_states_are_those_of_a_plain_loop(seed: int) -> None:
    run = random_run(seed, days=12)
    found = agreement(run)
    for t, i in np.ndindex(found.state.shape):
        trend = run.forecasts["trend"][t, i]
        others = [run.forecasts[name][t, i] for name in ("carry", "directional")]
        known = [value for value in others if not math.isnan(value)]
        other = sum(known) / len(known) if known else 0.0
        trend = 0.0 if math.isnan(trend) else float(trend)
        if not run.active[t, i]:
            trend = other = 0.0
        if trend == 0 and other == 0:
            expected, strength = State.NONE, NAN
        elif trend == 0 or other == 0:
            expected, strength = State.ONE_ONLY, 0.0
        else:
            same = (trend > 0) == (other > 0)
            expected = State.AGREE if same else State.CONFLICT
            strength = (1 if same else -1) * math.sqrt(abs(trend * other))
        assert found.state[t, i] == expected
        np.testing.assert_allclose(found.strength[t, i], strength)


# --- profit --------------------------------------------------------------------------------------
def test_profit_belongs_to_the_close_on_which_the_position_was_decided() -> None:
    # decided after close 1, filled in session 2, held into session 3: only that profit is in
    # agreement
    days = 6
    trend = np.zeros((days, 1))
    trend[1] = 1.0
    run = small_result(
        [100.0] * days,
        pnl=np.array([[0.0], [1], [2], [4], [8], [16]]),
        forecasts={"trend": trend, "carry": np.ones((days, 1))},
    )
    daily = state_profit(run, agreement(run))
    np.testing.assert_allclose(daily[State.AGREE], [0, 0, 0, 0.04, 0, 0])
    np.testing.assert_allclose(daily[State.ONE_ONLY], [0, 0, 0.02, 0, 0.08, 0.16])
    np.testing.assert_allclose(daily[State.NONE], [0, 0.01, 0, 0, 0, 0])


def test_a_later_day_changes_no_earlier_state_or_profit() -> None:
    run, other = random_run(1), random_run(2)
    for name in run.forecasts:
        other.forecasts[name][:30] = run.forecasts[name][:30]
    for name in ("pnl", "active", "nav"):
        getattr(other, name)[:30] = getattr(run, name)[:30]
    whole, part = agreement(run), agreement(other)
    np.testing.assert_array_equal(whole.state[:30], part.state[:30])
    np.testing.assert_array_equal(whole.strength[:30], part.strength[:30])
    for kind in State:
        ours, theirs = state_profit(run, whole)[kind], state_profit(other, part)[kind]
        np.testing.assert_array_equal(ours[:30], theirs[:30])
    # a session's own forecast, and the one before, cannot move its profit's state
    other.forecasts["trend"][29:] *= -1
    np.testing.assert_array_equal(
        held_state(agreement(other).state)[:31], held_state(part.state)[:31]
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_profits_of_all_states_add_up_to_gross(seed: int) -> None:
    run = random_run(seed)
    found = agreement(run)
    daily = state_profit(run, found)
    np.testing.assert_allclose(
        np.sum(list(daily.values()), axis=0), over_nav(run, run.pnl).sum(axis=1), atol=1e-12
    )
    rows = agreement_table(run, found)
    assert [row.name for row in rows] == [*sorted(set(run.classes)), "all"]
    whole, years = rows[-1], (run.day[-1] - run.day[0]) / 365.25
    for kind in SHOWN:
        annual = whole.profit[kind].annual
        assert annual == pytest.approx(daily[kind].sum() / years)
        assert annual == pytest.approx(sum(row.profit[kind].annual for row in rows[:-1]))
        assert whole.trend[kind].annual == pytest.approx(0.5 * annual)
        assert whole.share[kind] * whole.days == pytest.approx(
            sum(row.share[kind] * row.days for row in rows[:-1] if row.days)
        )
    assert sum(whole.share.values()) == pytest.approx(1.0)


def test_sharpe_ratios_are_of_the_sessions_in_the_state() -> None:
    run = random_run(3, days=300, markets=1)
    run.classes[0] = "bond"
    found = agreement(run)
    frame = pd.DataFrame({"r": run.pnl[:, 0] / np.append(np.nan, run.nav[:-1])})
    frame["state"] = pd.Series(found.state[:, 0]).shift(2)
    (row, _) = agreement_table(run, found)
    for kind in SHOWN:
        mine = frame.loc[frame["state"] == kind, "r"]
        got = row.profit[kind]
        assert got.sessions == len(mine)
        daily = mine.mean() / mine.std()
        assert got.sharpe == pytest.approx(daily * run.sessions_a_year**0.5)
        error = (run.sessions_a_year * (1 + daily**2 / 2) / len(mine)) ** 0.5
        assert got.error == pytest.approx(error)


def test_nothing_earned_has_no_ratio() -> None:
    run = sleeves(trend=[1.0], carry=[1.0])
    (_, whole) = agreement_table(run, agreement(run))
    assert whole.share[State.AGREE] == 1.0
    assert math.isnan(whole.profit[State.AGREE].sharpe)
    assert math.isnan(whole.profit[State.AGREE].error)
    blind = sleeves(trend=[NAN], carry=[NAN])
    (_, whole) = agreement_table(blind, agreement(blind))
    assert whole.days == 0
    assert math.isnan(whole.share[State.CONFLICT])


# --- table of all market-days -------------------------------------------------------------------
def test_agreement_csv_is_the_states_of_the_report(tmp_path: Path) -> None:
    run = random_run(6)
    path = write_agreement_csv(run, tmp_path / "agreement.csv")
    table = pd.read_csv(path, index_col="date", parse_dates=True)
    assert list(table.columns) == [*run.markets, "data"]
    assert table.index.equals(pd.to_datetime(run.day, unit="D").rename("date"))
    assert set(table.pop("data")) == {"hand-made"}
    wanted = {State.AGREE: 1.0, State.CONFLICT: -1.0, State.ONE_ONLY: 0.0}
    for t, row in enumerate(agreement(run).state):
        for i, state in enumerate(row):
            values = [float(one[t, i]) for one in run.forecasts.values()]
            blind = not run.active[t, i] or all(math.isnan(value) for value in values)
            got = float(table.iloc[t, i])
            expected = NAN if blind else wanted.get(State(state), 0.0)
            assert got == expected or (math.isnan(got) and math.isnan(expected))
    assert set(np.unique(table.to_numpy()[~table.isna().to_numpy()])) == {-1.0, 0.0, 1.0}
    assert ",1," in path.read_text()


def test_a_run_that_cannot_agree_leaves_empty_cells(tmp_path: Path) -> None:
    run = small_result([1.0, 2.0], forecasts={"trend": np.ones((2, 1))})
    path = write_agreement_csv(run, tmp_path / "agreement.csv")
    lines = ["date,M0,data", "2020-01-01,,hand-made", "2020-01-02,,hand-made"]
    assert path.read_text().splitlines() == lines


# --- months --------------------------------------------------------------------------------------
def test_months_are_pandas() -> None:
    run = random_run(4, days=150)
    found = agreement(run)
    month = pd.to_datetime(run.day, unit="D").to_period("M")
    first, _ = months_of(run)
    expected = month.unique().to_timestamp()
    assert pd.to_datetime(first, unit="D").equals(pd.DatetimeIndex(expected))
    strength = pd.DataFrame(found.strength).groupby(month).mean()
    np.testing.assert_allclose(monthly_strength(run, found), strength.to_numpy())
    counts = pd.DataFrame(found.state).stack().groupby(lambda key: month[key[0]]).value_counts()
    table = counts.unstack(fill_value=0)
    wanted = table[[int(kind) for kind in SHOWN]]
    shares = monthly_shares(run, found)
    for kind in SHOWN:
        np.testing.assert_allclose(shares[kind], wanted[int(kind)] / wanted.sum(axis=1))


# --- flips and sources ---------------------------------------------------------------------------
def test_flips_are_counted_by_class_and_year() -> None:
    run = fake_result(600, 8)
    first, last = run.markets[0], run.markets[-1]
    days = run.day[[10, 20, 400]].tolist()
    run.events[:] = [
        Event(days[0], "flip", first, "x"),
        Event(days[1], "flip", first, "x"),
        Event(days[2], "flip", last, "x"),
        Event(days[2], "roll", last, "x"),
        Event(days[2], "flip", "unknown", "x"),
    ]
    rows = {row.name: row for row in flip_table(run)}
    assert (rows["all"].flips, rows["all"].markets) == (3, 2)
    assert (rows[run.classes[0]].flips, rows[run.classes[0]].markets) == (2, 1)
    assert rows["all"].per_year == pytest.approx(3 * run.sessions_a_year / run.active.sum())
    by_year = flips_by_year(run)
    assert set(by_year) == set(run.classes)
    assert by_year[run.classes[0]] == {1990: 2.0, 1991: 0.0, 1992: 0.0}
    assert by_year[run.classes[-1]] == {1990: 0.0, 1991: 1.0, 1992: 0.0}


def test_sources_are_shares_of_active_market_days() -> None:
    active = np.array([[True, True], [True, True], [False, True], [True, True]])
    source = np.array([[0, 1], [1, 6], [8, 6], [1, 6]])
    run = small_result([1.0] * 4, 2, active=active, carry_source=source)
    bond, equity, whole = source_table(run)
    assert (equity.name, equity.days) == ("equity", 3)
    assert list(whole.share) == [Source.NONE, Source.BASIS, Source.TERM_STRUCTURE]
    assert equity.share[Source.BASIS] == pytest.approx(2 / 3)
    assert bond.share[Source.TERM_STRUCTURE] == pytest.approx(3 / 4)
    assert whole.share[Source.NONE] == pytest.approx(1 / 7)
    assert sum(whole.share.values()) == pytest.approx(1.0)
    assert source_table(small_result([1.0])) == []


def test_sources_of_another_shape_are_refused() -> None:
    run = small_result([1.0] * 4, carry_source=np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"shape \(4, 2\), must be \(days, markets\), \(4, 1\)"):
        source_table(run)
