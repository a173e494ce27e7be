import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.rules.ewmac import EWMAC_SCALARS, Ewmac
from alpha.rules.tsmom import Tsmom
from alpha.scaling import DIVERSIFICATION_MULTIPLIER, combine
from tests.helpers import walk
from universe.arrays import from_epoch_day

ONE = np.array([True])
WEIGHTS = (0.2, 0.3, 0.5)
SIGMA = 0.01


def brute_force(returns, skip, sigma, weights=WEIGHTS, cap=2.0):
    """000's formula on a list of daily returns, each momentum summed by slicing."""
    returns = np.asarray(returns)
    recent = returns[: len(returns) - skip]
    momentum, exposure = 0.0, np.zeros(252)
    for weight, horizon in zip(np.array(weights) / sum(weights), (63, 126, 252), strict=True):
        momentum += weight * recent[len(returns) - horizon :].sum()
        exposure[skip:horizon] += weight
    spread = sigma * np.sqrt((exposure**2).sum()) * np.sqrt(2 / np.pi)
    return np.sign(momentum) * min(abs(momentum) / spread, cap)


def follow(returns, *, skip=21, threshold=0.25, months=None, sigma=SIGMA, cap=2.0):
    """A one-market rule after each session: (forecast, whether flipped)."""
    rule = Tsmom(1, WEIGHTS, skip, threshold, cap)
    out = []
    for k, value in enumerate(returns):
        month = months[k] if months is not None else 200001 + k
        flipped = rule.update(np.array([value]), np.array([sigma]), month, ONE)
        out.append((float(rule.forecast()[0]), bool(flipped[0])))
    return out


class TestTsmomFormula:
    @pytest.mark.parametrize("skip", [0, 5, 21, 62])
    def test_equals_brute_force_on_the_returns(self, skip):
        returns = np.random.default_rng(skip).normal(0.0003, SIGMA, 330)
        returns[0] = 0.0  # the first session of a market has no return
        found = follow(returns, skip=skip)
        for k in (252, 253, 290, 329):
            assert found[k][0] == pytest.approx(brute_force(returns[: k + 1], skip, SIGMA))

    def test_hand_made_series_with_one_move(self):
        """A 3 % rise 100 sessions ago is in the 6 and 12 month momentum, not in the 3 month one."""
        returns = np.zeros(300)
        returns[-101] = 0.03
        momentum = (0.3 + 0.5) * 0.03
        weights = np.zeros(252)
        weights[21:63], weights[63:126], weights[126:] = 1.0, 0.8, 0.5
        scale = SIGMA * np.sqrt((weights**2).sum()) * np.sqrt(2 / np.pi)
        assert follow(returns)[-1][0] == pytest.approx(momentum / scale)

    def test_the_last_month_is_skipped(self):
        rng = np.random.default_rng(0)
        returns = rng.normal(0, SIGMA, 300)
        shocked = returns.copy()
        shocked[-21:] += 0.05
        assert follow(shocked)[-1][0] == pytest.approx(follow(returns)[-1][0])
        shocked[-22] += 0.01
        assert follow(shocked)[-1][0] > follow(returns)[-1][0]

    def test_no_forecast_without_a_year(self):
        found = [forecast for forecast, _ in follow(np.full(260, 0.001))]
        assert np.isnan(found[:252]).all()
        assert np.isfinite(found[252:]).all()

    def test_no_forecast_without_a_volatility(self):
        for sigma in (np.nan, 0.0):
            assert np.isnan(follow(np.full(260, 0.001), sigma=sigma)[-1][0])

    def test_is_capped_on_both_sides(self):
        assert follow(np.full(260, 0.05))[-1][0] == 2.0
        assert follow(np.full(260, -0.05), cap=1.5)[-1][0] == -1.5

    def test_mean_absolute_value_is_about_one_for_a_random_walk(self):
        """The cap at 2 takes E|N| = 0.798 to 0.751: the mean is 0.94 of the uncapped 1."""
        markets = 3000
        rng = np.random.default_rng(7)
        capped, free = (Tsmom(markets, WEIGHTS, 21, 0.25, cap) for cap in (2.0, 100.0))
        for _ in range(253):
            returns = SIGMA * rng.standard_normal(markets)
            for rule in (capped, free):
                rule.update(returns, np.full(markets, SIGMA), 200001, np.full(markets, True))
        assert np.mean(np.abs(free.forecast())) == pytest.approx(1.0, abs=0.04)
        assert np.mean(np.abs(capped.forecast())) == pytest.approx(0.941, abs=0.04)
        assert np.abs(capped.forecast()).max() == 2.0

    @settings(max_examples=15)
    @given(st.floats(0.1, 50), st.integers(0, 1000))
    def test_returns_and_volatility_scaled_together_change_nothing(self, factor, seed):
        returns = np.random.default_rng(seed).normal(0, SIGMA, 254)
        scaled = follow(returns * factor, sigma=SIGMA * factor)[-1][0]
        assert scaled == pytest.approx(follow(returns)[-1][0], rel=1e-9)

    def test_weights_count_relative_to_their_sum(self):
        returns = np.random.default_rng(2).normal(0, SIGMA, 260)
        rules = [Tsmom(1, w, 21, 0.25, 2.0) for w in ((0.2, 0.3, 0.5), (0.4, 0.6, 1.0))]
        for value in returns:
            for rule in rules:
                rule.update(np.array([value]), np.array([SIGMA]), 1, ONE)
        assert rules[0].forecast() == pytest.approx(rules[1].forecast())


class TestTsmomCalendar:
    @staticmethod
    def trending(seed=1, count=330):
        """Strong steady trend, so that the daily check has nothing to flip."""
        returns = np.random.default_rng(seed).normal(0.001, SIGMA / 5, count)
        days = [from_epoch_day(14_000 + k) for k in range(count)]
        return returns, [day.year * 100 + day.month for day in days], days

    def test_changes_only_on_the_first_session_of_a_month(self):
        returns, months, _ = self.trending()
        found = [forecast for forecast, _ in follow(returns, months=months, sigma=0.05)]
        changes = [k for k in range(253, 330) if found[k] != found[k - 1]]
        firsts = [k for k in range(253, 330) if months[k] != months[k - 1]]
        assert changes == firsts
        assert len(firsts) >= 2

    def test_a_market_closed_on_the_first_recomputes_with_its_next_bar(self):
        returns, months, days = self.trending()
        rule = Tsmom(1, WEIGHTS, 21, 0.25, 2.0)
        history = []
        for k, value in enumerate(returns):
            closed = days[k].day in (1, 2)
            rule.update(np.array([value]), np.array([0.05]), months[k], np.array([not closed]))
            history.append(float(rule.forecast()[0]))
        changes = {days[k].day for k in range(280, 330) if history[k] != history[k - 1]}
        assert changes == {3}

    @staticmethod
    def reversal(size):
        """A mild up-trend, then in the middle of a month one fall that ``size`` scales."""
        returns = np.full(300, 0.0004)
        returns[270] = -size
        return returns, [200001] * 252 + [200002] * 48

    def flips(self, size, threshold):
        returns, months = self.reversal(size)
        found = follow(returns, months=months, threshold=threshold)
        return [k for k, (_, flipped) in enumerate(found) if flipped], found

    def test_flips_on_a_sign_change_beyond_the_threshold_only(self):
        large, found = self.flips(0.4, 0.25)
        assert large == [270 + 21]  # when the fall leaves the skipped month
        assert found[290][0] > 0.25
        assert found[291][0] < -0.25
        returns, _ = self.reversal(0.4)
        assert found[291][0] == pytest.approx(brute_force(returns[:292], 21, SIGMA))

    def test_does_not_flip_below_the_threshold(self):
        assert self.flips(0.4, 2.5)[0] == []

    def test_does_not_act_on_a_change_without_change_of_sign(self):
        flipped, found = self.flips(0.02, 0.0)
        assert flipped == []
        assert len({forecast for forecast, _ in found[253:]}) == 1

    def test_threshold_is_compared_with_the_fresh_forecast(self):
        returns, _ = self.reversal(0.12)
        fresh = brute_force(returns[:292], 21, SIGMA)
        assert -1.9 < fresh < -0.05
        assert self.flips(0.12, -fresh * 1.001)[0] == []
        assert self.flips(0.12, -fresh * 0.999)[0] == [291]

    def test_the_monthly_recompute_is_no_flip(self):
        returns = np.concatenate([np.full(270, 0.0004), np.full(60, -0.02)])
        months = [200001] * 290 + [200002] * 40
        found = follow(returns, months=months, threshold=9.0)
        assert not any(flipped for _, flipped in found)
        assert found[289][0] > 0
        assert found[291][0] == found[290][0]

    def test_an_unseen_market_keeps_everything(self):
        rule = Tsmom(2, WEIGHTS, 21, 0.0, 2.0)
        rng = np.random.default_rng(0)
        for _ in range(260):
            rule.update(rng.normal(0, SIGMA, 2), np.full(2, SIGMA), 1, np.array([True, True]))
        kept = rule.forecast()[0]
        for month in range(2, 60):
            ret = np.array([np.nan, -0.03])
            rule.update(ret, np.full(2, SIGMA), month, np.array([False, True]))
        assert rule.forecast()[0] == kept
        assert rule.forecast()[1] == -2.0


def _lean_ema(prices, period):
    """LEAN's indicator, as 001 uses it: the simple average of ``period`` values, then 2/(n+1)."""
    value = float(sum(prices[:period]) / period)
    for price in prices[period:]:
        value = price * (2.0 / (period + 1)) + value * (1.0 - 2.0 / (period + 1))
    return value


def published(prices, sigma_price, spans=(16, 32, 64)):
    """001's forecast on its scale of 10, one value at the end of the prices."""
    scalars = {64: 1.91, 32: 2.79, 16: 4.1, 8: 5.95, 4: 8.53, 2: 12.1}
    forecasts = []
    for n in spans:
        fast, slow = (_lean_ema(prices, span) for span in (n, 4 * n))
        forecasts.append(max(min((fast - slow) / sigma_price * scalars[n], 20), -20))
    multiplier = {1: 1.0, 2: 1.02, 3: 1.03, 4: 1.23, 5: 1.25, 6: 1.27}[len(spans)]
    return max(min(np.mean(forecasts) * multiplier, 20), -20), forecasts


def crossovers(prices, spans=(16, 32, 64), cap=2.0):
    rule = Ewmac(1, spans, cap)
    for price in prices:
        rule.update(np.array([price]), ONE)
    return rule


class TestEwmac:
    def test_published_scalars(self):
        assert EWMAC_SCALARS == {64: 1.91, 32: 2.79, 16: 4.1, 8: 5.95, 4: 8.53, 2: 12.1}

    def test_published_diversification_multipliers(self):
        table = [1.0, 1.02, 1.03, 1.23, 1.25, 1.27, 1.29, 1.32, 1.34]
        assert [DIVERSIFICATION_MULTIPLIER[n] for n in range(1, 10)] == table

    @given(st.integers(0, 10**6), st.sampled_from([(16, 32, 64), (2, 4, 8, 16), (8,), (64, 2)]))
    def test_equals_001(self, seed, spans):
        prices = walk(seed, 300)
        sigma_price = 0.012 * prices[-1]
        total, each = published(prices, sigma_price, spans)
        rule = crossovers(prices, spans)
        assert rule.forecast(np.array([sigma_price]))[0] * 10 == pytest.approx(total, abs=1e-9)
        found = rule.by_span(np.array([sigma_price]))[:, 0] * 10
        np.testing.assert_allclose(found, each, atol=1e-9)

    @settings(max_examples=25)
    @given(st.floats(1e-3, 1e4))
    def test_price_and_volatility_scaled_together_change_nothing(self, factor):
        prices = walk(11, 280)
        one = crossovers(prices).forecast(np.array([0.9]))[0]
        scaled = crossovers(prices * factor).forecast(np.array([0.9 * factor]))[0]
        assert scaled == pytest.approx(one, rel=1e-9)

    def test_a_constant_added_to_all_prices_changes_nothing(self):
        """What makes it indifferent to the anchor of an additive series."""
        prices = walk(12, 280)
        one = crossovers(prices).forecast(np.array([0.9]))[0]
        assert crossovers(prices - 500.0).forecast(np.array([0.9]))[0] == pytest.approx(one)

    def test_a_span_counts_after_four_times_its_length(self):
        rule = Ewmac(1, (2, 4), 2.0)
        ready = []
        for price in walk(1, 17):
            rule.update(np.array([price]), ONE)
            ready.append(np.isfinite(rule.by_span(np.array([1.0]))[:, 0]).tolist())
        assert ready[6] == [False, False]
        assert ready[7] == [True, False]
        assert ready[14] == [True, False]
        assert ready[15] == [True, True]

    def test_the_multiplier_is_that_of_the_ready_spans(self):
        rule = crossovers(100 + 0.1 * np.arange(10), (2, 4))
        by_span = rule.by_span(np.array([1.0]))[:, 0]
        assert np.isnan(by_span[1])
        assert rule.forecast(np.array([1.0]))[0] == pytest.approx(by_span[0] * 1.0)

    def test_sign_follows_the_trend_and_the_cap_binds(self):
        up = crossovers(100 + np.arange(300.0))
        assert up.forecast(np.array([0.5]))[0] == 2.0
        down = crossovers(500 - np.arange(300.0))
        assert down.forecast(np.array([0.5]))[0] == -2.0

    @pytest.mark.parametrize("sigma", [np.nan, 0.0])
    def test_no_forecast_without_a_volatility(self, sigma):
        assert np.isnan(crossovers(walk(1, 300)).forecast(np.array([sigma]))[0])

    def test_mean_absolute_value_is_about_one_for_random_walks(self):
        """Carver's scalars were fitted on real markets; on random walks they give 1 within 30 %."""
        markets = 1500
        rng = np.random.default_rng(3)
        rule = Ewmac(markets, (16, 32, 64), 2.0)
        price = np.full(markets, 100.0)
        for _ in range(400):
            price = price + rng.standard_normal(markets)
            rule.update(price, np.full(markets, True))
        mean = np.mean(np.abs(rule.forecast(np.ones(markets))))
        assert 0.7 < mean < 1.3


class TestCombine:
    MULTIPLIER = np.array([0.0, 1.0, 1.5])

    def test_hand_example(self):
        forecasts = np.array([[1.0, np.nan, np.nan, 2.0], [0.0, -0.5, np.nan, 2.0]])
        found = combine(forecasts, self.MULTIPLIER, 2.0)
        np.testing.assert_array_equal(found, [0.75, -0.5, np.nan, 2.0])

    @given(st.lists(st.floats(-2, 2), min_size=2, max_size=2))
    def test_never_beyond_the_cap(self, pair):
        found = combine(np.array([[pair[0]], [pair[1]]]), self.MULTIPLIER, 1.2)
        assert abs(found[0]) <= 1.2
