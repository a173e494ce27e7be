import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.seasonal import FEWEST_SESSIONS, SeasonalAdjuster


def brute_force(frame, shrinkage):
    """Adjusted ratio of every row from the rows before it, looked up anew each time."""
    out = []
    for k, row in enumerate(frame.itertuples()):
        past = frame.iloc[:k].dropna(subset="ratio")
        past = past[past.near != row.near]
        by_contract = past.groupby("near").ratio.agg(["mean", "size"])
        by_contract = by_contract[by_contract["size"] >= FEWEST_SESSIONS]["mean"]
        by_month = by_contract.groupby(by_contract.index % 100).agg(["mean", "size"])
        adjusted = row.ratio
        if row.near % 100 in by_month.index:
            mean, years = by_month.loc[row.near % 100]
            adjusted -= years / (years + shrinkage) * (mean - by_month["mean"].mean())
        out.append(adjusted)
    return np.array(out)


def near_months(sessions_each, months=(3, 5, 7, 9, 12), years=range(2010, 2014)):
    """Near contract by session, each for a number of sessions."""
    contracts = [100 * y + m for y in years for m in months]
    return np.repeat(np.array(contracts, dtype=np.int64), sessions_each)


def run(adjuster, ratio, near, seen=None):
    seen = np.ones(ratio.shape, dtype=bool) if seen is None else seen
    return np.array([adjuster.update(r, m, s) for r, m, s in zip(ratio, near, seen, strict=True)])


class TestSeasonalAdjuster:
    @settings(max_examples=4, deadline=None)
    @given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 2.0]))
    def test_equals_brute_force(self, seed, shrinkage):
        rng = np.random.default_rng(seed)
        near = near_months(rng.integers(1, 9, size=20))
        ratio = rng.normal(size=len(near))
        ratio[rng.random(len(near)) < 0.1] = np.nan
        frame = pd.DataFrame({"near": near, "ratio": ratio})
        found = run(SeasonalAdjuster(1, shrinkage), ratio[:, None], near[:, None])[:, 0]
        np.testing.assert_allclose(found, brute_force(frame, shrinkage), atol=1e-12)

    def test_by_hand(self):
        """A year of +0.3 in March and -0.1 in September; the next March is half believed at k=1."""
        adjuster = SeasonalAdjuster(1, 1.0)
        near = near_months(6, (3, 9), (2010, 2011))
        ratio = np.where(near % 100 == 3, 0.3, -0.1)
        found = run(adjuster, ratio[:, None], near[:, None])[:, 0]
        assert found[:12].tolist() == ratio[:12].tolist()  # nothing known in the first year
        assert found[12] == pytest.approx(0.3 - 0.5 * (0.3 - 0.1))
        # by September March has two years of 0.3, September one of -0.1
        assert found[18] == pytest.approx(-0.1 - 0.5 * (-0.1 - 0.1))

    @given(st.integers(0, 10**6), st.integers(1, 100))
    @settings(max_examples=20, deadline=None)
    def test_does_not_look_ahead(self, seed, cut):
        rng = np.random.default_rng(seed)
        near = np.stack([near_months(6), near_months(6, (1, 4, 7, 10, 11))], axis=1)
        ratio, seen = rng.normal(size=near.shape), rng.random(near.shape) < 0.9
        other = ratio.copy()
        other[cut:] = rng.normal(size=other[cut:].shape) * 100
        full = run(SeasonalAdjuster(2), ratio, near, seen)
        changed = run(SeasonalAdjuster(2), other, near, seen)
        np.testing.assert_array_equal(full[:cut], changed[:cut])

    def test_gas_whose_plain_slope_misleads(self):
        """Every winter the far month is dearer, every summer cheaper: the slope follows the season.

        The market itself falls by 4 % a year along the curve, which is carry of +0.04, and with the
        season the plain slope says the opposite for half of the year.
        """
        season = 0.5 * np.cos(2 * np.pi * np.arange(12) / 12)
        near = near_months(21, range(1, 13), range(2000, 2031))
        rng = np.random.default_rng(0)
        ratio = 0.04 + season[near % 100 - 1] + 0.01 * rng.normal(size=len(near))
        found = run(SeasonalAdjuster(1, 2.0), ratio[:, None], near[:, None])[:, 0]
        last = near // 100 == 2030
        assert (ratio[last] < 0).mean() > 0.35
        assert (found[last] > 0).mean() > 0.95
        # what is left of the season after 30 years is 2 parts of 32
        left = pd.Series(found[last] - 0.04).groupby(near[last]).mean()
        np.testing.assert_allclose(left, season * 2 / 32, atol=0.01)

    def test_a_change_of_this_year_is_kept(self):
        """Scarcity this March: the adjustment takes the usual March away, not the scarcity."""
        near = near_months(10, (3, 9), range(2000, 2011))
        ratio = np.where(near % 100 == 3, 0.3, -0.3)
        ratio[near == 201003] = 0.9
        found = run(SeasonalAdjuster(1, 0.0), ratio[:, None], near[:, None])[:, 0]
        np.testing.assert_allclose(found[near == 201003], 0.6)
        np.testing.assert_allclose(found[near == 200909], 0.0, atol=1e-12)

    def test_a_market_that_always_has_one_near_month_is_left_as_it_is(self):
        near = near_months(10, (9,), range(2000, 2010))
        ratio = np.random.default_rng(1).normal(size=len(near))
        found = run(SeasonalAdjuster(1), ratio[:, None], near[:, None])[:, 0]
        np.testing.assert_allclose(found, ratio, atol=1e-12)

    @pytest.mark.parametrize("month", [0, -5, 200013, 200000])
    def test_no_month_no_adjustment_and_no_memory(self, month):
        adjuster = SeasonalAdjuster(1)
        near = np.array([month])
        for _ in range(10):
            assert adjuster.update(np.array([1.0]), near, np.array([True]))[0] == 1.0
        assert adjuster.contract[0] == 0
        assert adjuster.sessions[0] == 0

    def test_a_returning_old_contract_is_not_a_second_year(self):
        adjuster = SeasonalAdjuster(1)
        near = np.repeat([200003, 200005, 200003, 200005, 200007], 6).astype(np.int64)
        run(adjuster, np.ones((30, 1)), near[:, None])
        assert adjuster.years[:, 0].tolist() == [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]

    def test_a_contract_seen_too_briefly_is_no_year(self):
        adjuster = SeasonalAdjuster(1)
        near = np.repeat([200003, 200005, 200007], [FEWEST_SESSIONS - 1, FEWEST_SESSIONS, 1])
        run(adjuster, np.ones((len(near), 1)), near[:, None])
        assert adjuster.years[:, 0].nonzero()[0].tolist() == [4]

    def test_restart(self):
        rng = np.random.default_rng(3)
        near = near_months(6)[:, None]
        ratio = rng.normal(size=near.shape)
        whole, first, second = (SeasonalAdjuster(1) for _ in range(3))
        expected = run(whole, ratio, near)
        run(first, ratio[:70], near[:70])
        for key in SeasonalAdjuster.STATE:
            setattr(second, key, getattr(first, key).copy())
        np.testing.assert_array_equal(run(second, ratio[70:], near[70:]), expected[70:])

    def test_bad_shrinkage_is_named(self):
        with pytest.raises(ValueError, match="shrinkage_years is -1; it must be 0 or more"):
            SeasonalAdjuster(1, -1)
