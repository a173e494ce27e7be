import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.ewm import Ema, EwmMean, EwmStd, Ring

MARKETS = 4


def holed_series(seed, rows=160, markets=MARKETS, closed=0.3):
    """Values and whether a market has an observation; the hidden values are huge, to be noticed."""
    rng = np.random.default_rng(seed)
    value = rng.standard_normal((rows, markets)).cumsum(axis=0) + 50
    seen = rng.random((rows, markets)) >= closed
    return np.where(seen, value, 1e9), seen


def observed(value, seen, market, until):
    """The market's own observations up to and including row ``until``."""
    return pd.Series(value[: until + 1, market][seen[: until + 1, market]])


def last(series):
    return series.iloc[-1] if len(series) else np.nan


seeds = st.integers(0, 10**6)


class TestEwmMean:
    @given(seeds)
    def test_equals_pandas_on_each_markets_own_observations(self, seed):
        value, seen = holed_series(seed)
        mine = EwmMean(MARKETS, (5, 20))
        for row in range(len(value)):
            mine.update(value[row], seen[row])
            if row not in (2, 6, 40, len(value) - 1):
                continue
            for k, span in enumerate((5, 20)):
                for market in range(MARKETS):
                    own = observed(value, seen, market, row)
                    expected = last(own.ewm(span=span, min_periods=span).mean())
                    assert mine.mean()[k, market] == pytest.approx(expected, rel=1e-12, nan_ok=True)

    def test_is_nan_until_span_observations_were_made(self):
        mine = EwmMean(1, (3,))
        ready = []
        for _ in range(4):
            mine.update(np.array([2.0]), np.array([True]))
            ready.append(float(mine.mean()[0, 0]))
        assert np.isnan(ready[:2]).all()
        assert ready[2:] == pytest.approx([2.0, 2.0])

    def test_nothing_seen_changes_nothing(self):
        value, seen = holed_series(1)
        mine = EwmMean(MARKETS, (5,))
        for row in range(30):
            mine.update(value[row], seen[row])
        before = mine.mean().copy()
        for _ in range(50):
            mine.update(np.full(MARKETS, np.nan), np.zeros(MARKETS, dtype=bool))
        np.testing.assert_array_equal(mine.mean(), before)


class TestEma:
    @given(seeds)
    def test_equals_pandas_seeded_with_the_simple_average(self, seed):
        value, seen = holed_series(seed)
        mine = Ema(MARKETS, (2, 16, 64))
        for row in range(len(value)):
            mine.update(value[row], seen[row])
            if row not in (0, 3, 50, len(value) - 1):
                continue
            for k, span in enumerate((2, 16, 64)):
                for market in range(MARKETS):
                    own = observed(value, seen, market, row)
                    if len(own) >= span:
                        own = pd.concat([pd.Series([own.iloc[:span].mean()]), own.iloc[span:]])
                        own = own.ewm(span=span, adjust=False).mean()
                    else:
                        own = own.expanding().mean()
                    expected = last(own)
                    found = mine.value[k, market]
                    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)

    def test_hand_computed(self):
        mine = Ema(1, (3,))  # alpha 1/2
        for value in (10.0, 20.0, 60.0, 50.0):
            mine.update(np.array([value]), np.array([True]))
        assert mine.value[0, 0] == 40.0  # mean of three is 30, then half way to 50


class TestEwmStd:
    @given(seeds)
    def test_equals_pandas_and_its_long_run_mean(self, seed):
        value, seen = holed_series(seed)
        value = np.where(seen, value / 1e3, value)
        mine = EwmStd(MARKETS, span=8, window=30)
        for row in range(len(value)):
            mine.update(value[row], seen[row])
            if row not in (5, 15, 60, len(value) - 1):
                continue
            for market in range(MARKETS):
                std = observed(value, seen, market, row).ewm(span=8, min_periods=8).std()
                assert mine.std()[market] == pytest.approx(last(std), rel=1e-7, nan_ok=True)
                recent = std.dropna().iloc[-30:]
                expected = recent.mean() if len(recent) else np.nan
                assert mine.long_run()[market] == pytest.approx(expected, rel=1e-7, nan_ok=True)

    def test_constant_series_has_no_volatility(self):
        mine = EwmStd(1, span=5, window=10)
        for _ in range(40):
            mine.update(np.array([0.1]), np.array([True]))
        assert mine.std()[0] == pytest.approx(0.0, abs=1e-8)

    def test_unbiased_for_independent_returns(self):
        rng = np.random.default_rng(0)
        mine = EwmStd(4000, span=10, window=10)
        for _ in range(12):  # few rows: the biased estimator would be 10 % low
            mine.update(2.0 * rng.standard_normal(4000), np.ones(4000, dtype=bool))
        assert np.mean(mine.std() ** 2) == pytest.approx(4.0, rel=0.03)


class TestRing:
    @given(seeds, st.integers(2, 9))
    def test_lag_equals_indexing_from_the_end(self, seed, length):
        value, seen = holed_series(seed, rows=40)
        mine = Ring(MARKETS, length)
        for row in range(len(value)):
            mine.push(value[row], seen[row])
            for sessions in range(length):
                found = mine.lag(sessions)
                for market in range(MARKETS):
                    own = observed(value, seen, market, row).to_numpy()
                    expected = own[-1 - sessions] if len(own) > sessions else np.nan
                    assert found[market] == pytest.approx(expected, nan_ok=True)

    def test_a_lag_beyond_the_ring_is_refused_and_named(self):
        with pytest.raises(ValueError, match=r"lag is 3.*below the ring's 3"):
            Ring(1, 3).lag(3)
