"""003's programmes and calendar spreads in the chain, all rules on, on made-up curves."""

import copy
import dataclasses

import numpy as np
import pytest

from algorithm.marks import Marks
from portfolio.covariance import covariance, portfolio_vol
from portfolio.sleeves import class_budgets
from research.data.dataset import Dataset
from tests.helpers import (
    CALENDAR,
    CARRY,
    CROSS_SECTION,
    DIRECTIONAL,
    RELATIVE_VALUE,
    TREND,
    bent,
    close_market,
    construct,
    decide,
    forecasts_of,
    gate_of,
    gate_targets,
    instrument,
    made_up_dataset,
    made_up_history,
    made_up_instruments,
    rule_of,
    strategy_after,
    weekdays,
)
from universe.arrays import to_epoch_day
from universe.instruments import AssetClass

RULES = {
    "carry_rules": "smoothed cross_section relative_value calendar directional",
    "spread_max_age": 100,  # the third contract is often missing for weeks in this data
    "vol_span": 20,
    "forecast_step": 0.05,
    "max_spread_exposure": 50.0,
    "var_min_sessions": 100,
}
CARRY_SLEEVES = (CARRY, CROSS_SECTION, RELATIVE_VALUE, CALENDAR, DIRECTIONAL)
SESSIONS = 300


def markets():
    cls = AssetClass
    return [
        *made_up_instruments(),
        instrument("EQ3", multiplier=400.0),
        instrument("EQ4", multiplier=700.0),
        instrument("EQ5", multiplier=300.0),
        instrument("MT2", asset_class=cls.METAL, sector="base", multiplier=300.0),
        instrument("MT3", asset_class=cls.METAL, sector="base", multiplier=650.0),
    ]


CODES = [market.code for market in markets()]
CLASSES = np.array([str(market.asset_class) for market in markets()])
CLASS_OF = np.unique(CLASSES, return_inverse=True)[1]
N = len(CODES)


@pytest.fixture(scope="module")
def data():
    return bent(made_up_dataset(340, markets=markets()))


@pytest.fixture(scope="module")
def driven(data):
    return strategy_after(data, SESSIONS, **RULES)


@pytest.fixture
def warm(driven):
    strategy, plan, days = driven
    return copy.deepcopy(strategy), plan, days


def annual(strategy):
    return strategy.assets.sigma() * np.sqrt(252)


def annual_cov(strategy):
    correlation = strategy.observer.correlation.matrix(strategy.observer.returns)
    return covariance(correlation, annual(strategy) * strategy.bias.value)


def class_risk(strategy, plan, name):
    """Signed and gross risk of a sleeve's outright positions by class."""
    risk = (plan.sleeve_weights[name] * annual(strategy))[:N]
    risk = np.where(plan.sleeve_weights[name][:N] != 0, risk, 0.0)
    return {
        cls: (risk[cls == CLASSES].sum(), np.abs(risk[cls == CLASSES]).sum())
        for cls in set(CLASSES)
    }


def assert_neutral(strategy, plan):
    found = class_risk(strategy, plan, RELATIVE_VALUE)
    for cls, (net, _) in found.items():
        assert abs(net) < 1e-12, cls
    assert not plan.sleeve_weights[RELATIVE_VALUE][N:].any()
    return found


def breadth(strategy, plan):
    """Mean absolute forecast of the spreads with a budget, class by class."""
    found = np.abs(np.nan_to_num(forecasts_of(strategy)[CALENDAR]))
    return min(float(found @ class_budgets(CLASS_OF, plan.member[N:])), 1.0)


class TestThatTheBookHasAll:
    def test_every_sleeve_has_positions(self, warm):
        strategy, plan, _ = warm
        assert strategy.sleeves == (TREND, *CARRY_SLEEVES)
        for name in strategy.sleeves:
            part = slice(N, 2 * N) if name == CALENDAR else slice(0, N)
            assert np.count_nonzero(plan.sleeve_contracts[name][part]) >= 5, name
        assert np.count_nonzero(plan.contracts[N:]) >= 5
        assert plan.member.all()

    def test_only_the_calendar_sleeve_holds_spreads_and_nothing_else(self, warm):
        _, plan, _ = warm
        for name, contracts in plan.sleeve_contracts.items():
            other = slice(0, N) if name == CALENDAR else slice(N, 2 * N)
            assert not contracts[other].any(), name

    def test_sleeves_add_up_to_the_optimum_at_the_volatility_target(self, warm):
        strategy, plan, _ = warm
        total = np.sum(list(plan.sleeve_contracts.values()), axis=0)
        np.testing.assert_allclose(total, plan.optimal, atol=1e-9)
        found = portfolio_vol(plan.optimal * plan.unit_exposure, annual_cov(strategy))
        assert found == pytest.approx(plan.vol)
        assert found == pytest.approx(0.10)


class TestRiskShares:
    def test_carry_sleeves_share_their_budget_equally(self, warm):
        strategy, plan, _ = warm
        cov = annual_cov(strategy)
        vol = {name: portfolio_vol(w, cov) for name, w in plan.sleeve_weights.items()}
        assert vol[TREND] == pytest.approx(0.5, rel=1e-9)
        for name in CARRY_SLEEVES:
            share = breadth(strategy, plan) if name == CALENDAR else 1.0
            assert vol[name] == pytest.approx(0.1 * share, rel=1e-9), name

    def test_the_calendar_sleeve_has_the_less_the_fewer_spreads_have_a_forecast(self, warm):
        strategy, plan, _ = warm
        assert 0.2 < breadth(strategy, plan) < 1.0
        one = {name: np.full(N, np.nan) for name in strategy.sleeves}
        one[TREND] = np.ones(N)
        one[CALENDAR] = np.where(np.arange(N) == 0, 0.5, 0.0)
        cov = annual_cov(strategy)
        alone = construct(strategy, one, 1e8)
        share = 0.1 * 0.5 * class_budgets(CLASS_OF, alone.member[N:])[0]
        assert portfolio_vol(alone.sleeve_weights[CALENDAR], cov) == pytest.approx(share)
        assert portfolio_vol(alone.sleeve_weights[TREND], cov) == pytest.approx(0.5)

    @pytest.mark.parametrize("rules", ["calendar", "relative_value directional", "smoothed"])
    def test_whatever_the_programmes(self, data, rules):
        own = {**RULES, "carry_rules": rules, "trend_budget": 0.3}
        strategy, plan, _ = strategy_after(data, 60, **own)
        cov = annual_cov(strategy)
        assert len(plan.sleeve_weights) == 1 + len(rules.split())
        for name, weights in plan.sleeve_weights.items():
            expected = 0.7 / len(rules.split()) * (name != TREND)  # a year has no trend yet
            assert portfolio_vol(weights, cov) == pytest.approx(expected), name


class TestRelativeValue:
    def test_is_risk_neutral_in_every_class_with_opposite_sides(self, warm):
        strategy, plan, _ = warm
        found = assert_neutral(strategy, plan)
        for cls, (_, gross) in found.items():
            members = np.count_nonzero(cls == CLASSES)
            assert (gross > 0.01) == (members > 1), cls

    def test_is_long_the_higher_carry_of_a_class_and_short_the_lower(self, warm):
        """003: half of the markets each; with five the middle one has none."""
        strategy, plan, _ = warm
        sharpe = strategy.forecasts.carry.sharpe()
        for cls in ("equity", "metal"):
            index = np.flatnonzero(cls == CLASSES)
            ranked = index[np.argsort(sharpe[index])]
            sides = np.sign(np.round(plan.sleeve_weights[RELATIVE_VALUE][ranked], 12))
            half = len(index) // 2
            assert sides.tolist() == [-1] * half + [0] * (len(index) % 2) + [1] * half

    def test_every_market_has_the_same_risk(self, warm):
        strategy, plan, _ = warm
        risk = np.abs(plan.sleeve_weights[RELATIVE_VALUE] * annual(strategy))[:N]
        metal = risk[CLASSES == "metal"]
        assert np.sort(metal)[1:] == pytest.approx(metal.max())

    @pytest.mark.parametrize("code", ["EQ1", "EQ3", "MT2", "FX1"])
    def test_stays_neutral_without_a_market_that_is_excluded(self, warm, code):
        """Excluded after the forecasts were made over all members."""
        strategy, _, days = warm
        strategy.observe(days[0])
        forecasts = forecasts_of(strategy)
        strategy.screen.excluded[CODES.index(code)] = True
        plan = construct(strategy, forecasts, 5e7)
        assert not plan.member[CODES.index(code)]
        assert plan.sleeve_weights[RELATIVE_VALUE][CODES.index(code)] == 0
        assert_neutral(strategy, plan)
        strategy.observe(days[1])
        assert np.isnan(forecasts_of(strategy)[RELATIVE_VALUE][CODES.index(code)])
        assert_neutral(strategy, construct(strategy, forecasts_of(strategy), 5e7))

    @pytest.mark.parametrize("code", ["EQ1", "EQ4", "MT1"])
    def test_stays_neutral_while_a_market_is_closed_and_when_it_is_out(self, warm, code):
        strategy, _, days = warm
        market, budgets = CODES.index(code), []
        for bars in days[:15]:
            plan = decide(strategy, close_market(bars, market))
            assert_neutral(strategy, plan)
            budgets.append(bool(plan.member[market]))
        assert budgets[0]
        assert not budgets[-1]

    def test_is_neutral_in_all_sessions_of_small_funds(self, data):
        """NAV at which some markets are too big, from the first volatilities on."""
        strategy, _, days = strategy_after(data, 15, nav=1e6, **{**RULES, "min_position": 1.0})
        seen_excluded = set()
        for bars in days[:120]:
            plan = decide(strategy, bars, nav=1e6)
            assert_neutral(strategy, plan)
            seen_excluded |= set(np.flatnonzero(strategy.screen.excluded[:N]).tolist())
        assert 0 < len(seen_excluded) < N


class TestDirectional:
    def test_is_the_sign_of_smoothed_carry(self, warm):
        strategy, _, days = warm
        signs = set()
        for bars in days[:20]:
            strategy.observe(bars)
            found = forecasts_of(strategy)[DIRECTIONAL]
            carry = strategy.forecasts.carry
            np.testing.assert_array_equal(found, np.sign(carry.sharpe()))
            np.testing.assert_array_equal(found, np.sign(carry.mean.mean().mean(axis=0)))
            signs |= set(found.tolist())
        assert signs == {-1.0, 1.0}

    def test_classes_and_their_members_have_equal_risk(self, warm):
        strategy, plan, _ = warm
        risk = np.abs(plan.sleeve_weights[DIRECTIONAL] * annual(strategy))[:N]
        by_class = {cls: risk[cls == CLASSES] for cls in set(CLASSES)}
        total = {cls: r.sum() for cls, r in by_class.items()}
        for cls, r in by_class.items():
            assert r == pytest.approx(r[0]), cls
            assert total[cls] == pytest.approx(total["fx"]), cls

    def test_holds_nothing_where_carry_is_below_the_minimum(self, data):
        strategy, plan, _ = strategy_after(data, 200, **RULES, directional_minimum=0.3)
        sharpe = strategy.forecasts.carry.sharpe()
        small = np.abs(sharpe) < 0.3
        assert 0 < small.sum() < N
        np.testing.assert_array_equal(plan.sleeve_contracts[DIRECTIONAL][:N] == 0, small)


class TestBadLeg:
    @pytest.mark.parametrize("leg", ["far", "near"])
    def test_a_spike_in_one_leg_does_not_reach_the_value_of_the_fund(self, data, leg):
        strategy, plan, days = strategy_after(data, SESSIONS, **RULES)
        spreads = strategy.assets.spreads
        market = int(np.argmax(np.abs(plan.contracts[N:])))
        month = int(getattr(spreads, leg)[market])
        other = int(spreads.near[market] if leg == "far" else spreads.far[market])
        targets = strategy.snapshot.legs.target_contracts(plan.contracts)[market]
        holdings = {(market, m): n for m, n in targets.items()}
        before = days[0].quotes[market]
        assert {month, other} <= set(before)
        marks = Marks()
        marks.take(strategy.markets, days[0], holdings)
        strategy.observe(days[0])
        spiked = copy.deepcopy(days[1])
        true = spiked.quotes[market][month]
        spiked.quotes[market][month] = 1.5 * true
        marks.take(strategy.markets, spiked, holdings)
        strategy.observe(spiked)
        multiplier = strategy.instruments[market].multiplier * spiked.fx[market]
        wrong = 1e8 + targets[month] * 0.5 * true * multiplier
        held = strategy.snapshot.legs.held_assets(holdings)
        assert held[N + market] == plan.contracts[N + market]
        point = np.full(N, multiplier)
        missed = targets[month] * (true - before[month]) * multiplier  # till its next bar
        assert marks.trusted_value(wrong, holdings, point) == pytest.approx(1e8 - missed, abs=1e-6)
        assert abs(wrong - 1e8) > 10 * abs(missed)


class TestCalendar:
    def test_a_spread_whose_carry_has_ended_is_closed(self, data):
        strategy, plan, days = strategy_after(data, SESSIONS, **RULES)
        held = plan.contracts[N:] != 0
        assert held.sum() >= 3
        rule_of(strategy, "calendar").carry.max_age = 1
        closed = np.zeros(N, dtype=bool)
        for bars in days[:40]:
            plan = decide(strategy, bars)
            ended = np.isnan(forecasts_of(strategy)[CALENDAR]) & strategy.snapshot.tradable[N:]
            assert not plan.contracts[N:][ended].any()
            closed |= ended & held
        assert closed.any()

    def test_forecast_is_the_ratio_beyond_one(self, warm):
        strategy, _, days = warm
        beyond = 0
        for bars in days[:20]:
            strategy.observe(bars)
            found = forecasts_of(strategy)[CALENDAR]
            ratio = rule_of(strategy, "calendar").carry.sharpe()
            for value, x in zip(found, ratio, strict=True):
                expected = 0.0 if abs(x) <= 1 else float(np.clip(x - np.sign(x), -2, 2))
                assert value == pytest.approx(expected, abs=0.025 + 1e-9)  # half a step
            beyond += int((np.abs(ratio) > 1).sum())
        assert beyond > 50

    def test_carry_of_the_spread_is_that_of_its_legs(self, warm):
        strategy, _, days = warm
        strategy.observe(days[0])
        spreads = strategy.assets.spreads
        compared = 0
        for market, quotes in enumerate(days[0].quotes):
            months = sorted(quotes)
            if int(spreads.near[market]) not in months[1:]:
                continue  # closed, or the nearer neighbour has expired: the carry before is kept
            place = months.index(int(spreads.near[market]))
            before, near, far = months[place - 1 : place + 2]
            assert far == spreads.far[market]
            end = [strategy.markets.contracts[market][m].expiry for m in (before, near, far)]
            years = np.diff(end) / 365.25
            first, second = quotes[before] - quotes[near], quotes[near] - quotes[far]
            gain = first / years[0] - second / years[1]
            assert rule_of(strategy, "calendar").carry.raw[market] == pytest.approx(gain)
            compared += 1
        assert compared >= 3

    def test_a_market_of_two_contracts_has_no_spread(self, data):
        code = "EQ3"
        history = data.markets[code]
        only_two = made_up_history(
            history.instrument, weekdays(int(history.day[0]), 340), seed=3, quoted=2
        )
        thin = Dataset("thin", True, {**data.markets, code: only_two}, data.fx)
        strategy, plan, days = strategy_after(thin, 100, **RULES)
        market = CODES.index(code)
        held = np.zeros(N, dtype=bool)
        for bars in days[:80]:
            assert len(bars.quotes[market]) <= 2
            plan = decide(strategy, bars)
            assert not plan.member[N + market]
            held |= plan.contracts[N:] != 0
            targets = strategy.snapshot.legs.target_contracts(plan.contracts)[market]
            assert set(targets) == {int(strategy.markets.held[market])}
        assert plan.contracts[market] != 0
        assert held.tolist() == [k != market for k in range(N)]

    def test_legs_are_two_contracts_from_the_held_one_on_and_offset(self, warm):
        strategy, _, days = warm
        pairs = 0
        for bars in days:
            plan = decide(strategy, bars)
            spreads, targets = (
                strategy.assets.spreads,
                strategy.snapshot.legs.target_contracts(plan.contracts),
            )
            for market in np.flatnonzero(plan.contracts[N:]).tolist():
                listed = strategy.markets.contracts[market]
                near, far = int(spreads.near[market]), int(spreads.far[market])
                held = int(strategy.markets.held[market])
                assert listed[held].expiry <= listed[near].expiry < listed[far].expiry
                legs = targets[market]
                assert legs[far] == -plan.contracts[N + market]
                assert sum(legs.values()) == plan.contracts[market]
                pairs += 1
        assert pairs > 200

    def test_no_exposure_passes_the_cap_of_a_spread(self, data):
        own = {**RULES, "max_spread_exposure": 0.2}
        strategy, plan, days = strategy_after(data, 100, **own)
        at_the_cap = 0
        for bars in days[:30]:
            plan = decide(strategy, bars)
            exposure = np.abs(plan.contracts * plan.unit_exposure)[N:]
            tens = np.where(np.array(CODES) == "BD1", 6.2 / 6.5, 1.0)
            traded = plan.contracts[N:] != 0
            fresh = np.array([bool(q) for q in bars.quotes])
            assert np.all(exposure[traded & fresh] <= (0.2 * tens)[traded & fresh] * 1.000001)
            at_the_cap += int((exposure > 0.19).sum())
        assert at_the_cap > 10

    def test_without_an_end_of_its_own_it_is_closed_before_the_last_holding_day(self, warm):
        """The market's bars stop; its spread is to be closed when its near leg may not be held."""
        strategy, plan, days = warm
        market = int(np.argmax(np.abs(plan.contracts[N:])))
        last = int(strategy.assets.spreads.near_last[market])
        for day in range(days[0].day, last + 5):
            if (day + 3) % 7 > 4:
                continue
            template = close_market(days[0], market)
            after = decide(strategy, dataclasses.replace(template, day=day))
            following = day + 1 if (day + 3) % 7 < 4 else day + 3
            assert (after.contracts[N + market] == 0) == (last <= following)

    def test_a_spread_too_big_or_dear_is_left_out_and_named(self, data):
        dear = {
            code: dataclasses.replace(
                history, instrument=dataclasses.replace(history.instrument, half_spread=0.015)
            )
            for code, history in data.markets.items()
        }
        own = {**RULES, "cost_limit": 0.1, "cost_limit_out": 0.12}
        strategy, _, days = strategy_after(Dataset("dear", True, dear, data.fx), 15, **own)
        notes = [note for bars in days[:60] for note in decide(strategy, bars).notes]
        excluded = strategy.screen.excluded
        assert not excluded[:N].any()
        assert excluded[N:].any()
        named = {m: text for m, _, text in notes if "spread is too dear" in text}
        assert set(np.flatnonzero(excluded[N:]).tolist()) <= set(named)
        for market, text in named.items():
            assert text.startswith(f"{CODES[market]} spread is too dear")


class TestClosedDay:
    @pytest.mark.parametrize("code", ["EQ1", "EN1", "MT1", "FX1"])
    def test_changes_neither_the_markets_own_decision_nor_the_budgets(self, warm, code):
        strategy, plan, days = warm
        market = CODES.index(code)
        own = [market, N + market]
        forecasts = forecasts_of(strategy)
        pair = [getattr(strategy.assets.spreads, leg)[market] for leg in ("near", "far")]
        targets = strategy.snapshot.legs.target_contracts(plan.contracts)[market]
        everyone = copy.deepcopy(strategy)
        without = decide(strategy, close_market(days[0], market))
        full = decide(everyone, days[0])
        assert without.contracts[own].tolist() == plan.contracts[own].tolist()
        assert strategy.snapshot.legs.target_contracts(without.contracts)[market] == targets
        assert [getattr(strategy.assets.spreads, leg)[market] for leg in ("near", "far")] == pair
        for name, value in forecasts_of(strategy).items():
            if name not in (CROSS_SECTION, RELATIVE_VALUE):  # which compare with the others
                assert value[market] == forecasts[name][market], name
        np.testing.assert_array_equal(without.member, full.member)
        others = np.delete(np.arange(2 * N), own)
        assert np.abs(without.weights - full.weights)[others].max() < 0.05
        for name in (TREND, CARRY, DIRECTIONAL, CALENDAR):
            closed, open_ = without.sleeve_weights[name], full.sleeve_weights[name]
            assert np.array_equal(np.sign(closed)[others], np.sign(open_)[others]), name

    def test_of_one_far_leg_keeps_the_spread_and_trades_the_market(self, warm):
        strategy, plan, days = warm
        market = int(np.argmax(np.abs(plan.contracts[N:])))
        far = int(strategy.assets.spreads.far[market])
        bars = dataclasses.replace(days[0], quotes=[dict(q) for q in days[0].quotes])
        del bars.quotes[market][far]
        after = decide(strategy, bars)
        assert after.contracts[N + market] == plan.contracts[N + market]
        assert after.member[N + market]
        assert strategy.assets.spreads.far[market] == far

    def test_on_which_nothing_trades_changes_no_target(self, warm):
        strategy, plan, days = warm
        empty = days[0]
        for market in range(N):
            empty = close_market(empty, market)
        np.testing.assert_array_equal(decide(strategy, empty).contracts, plan.contracts)


class TestGate:
    @pytest.mark.parametrize("limit", [0.01, 0.03, 0.08])
    def test_no_book_with_spreads_leaves_it_above_the_limit(self, warm, limit):
        strategy, _, days = warm
        gate_of(strategy).limit = limit
        held, cut = np.zeros(2 * N, dtype=np.int64), 0
        for bars in days[:25]:
            plan = decide(strategy, bars)
            gated = gate_targets(strategy, plan.contracts, held, plan.unit_exposure)
            exposure = np.nan_to_num(gated.contracts * plan.unit_exposure)
            assert strategy.var_model().binding(exposure, 20) <= limit
            assert np.all(np.abs(gated.contracts) <= np.abs(plan.contracts))
            assert np.all(gated.contracts * plan.contracts >= 0)
            for market, legs in strategy.snapshot.legs.target_contracts(gated.contracts).items():
                assert sum(legs.values()) == gated.contracts[market]  # spreads stay whole
            cut += gated.scale < 1
            assert gated.contracts[N:].any() == (limit > 0.01) or gated.contracts.any()
            held = gated.contracts
        assert cut == (25 if limit < 0.05 else cut)

    def test_spreads_count_in_the_value_at_risk(self, warm):
        strategy, plan, days = warm
        plan = decide(strategy, days[0])
        model, exposure = strategy.var_model(), np.nan_to_num(plan.contracts * plan.unit_exposure)
        only = np.where(np.arange(2 * N) < N, 0.0, exposure)
        daily = np.sqrt(only @ model.cov_daily @ only)
        assert daily > 0.0005
        assert model.both(only, 20)[0] == pytest.approx(2.3263 * daily * np.sqrt(20), rel=0.35)


class TestPrefixInvariance:
    @pytest.mark.parametrize("cut", [120, 230])
    def test_decisions_with_all_rules_do_not_know_what_comes(self, data, cut):
        """Data removed, or turned wild, after the cut: the decisions up to it are the same."""
        first = to_epoch_day(np.datetime64("2015-01-05").item())
        day = int(weekdays(first, cut)[-1])
        wild = {
            code: dataclasses.replace(
                history, close=np.where(history.day > day, 3.0 * history.close, history.close)
            )
            for code, history in data.markets.items()
        }
        whole = self.decisions(data, cut, cut + 40)
        removed = self.decisions(data.between(0, day), cut, cut)
        other = self.decisions(Dataset("wild", True, wild, data.fx), cut, cut + 40)
        assert whole[: len(removed)] == removed
        assert whole[:cut] == other[:cut]
        assert whole[cut:] != other[cut:]
        assert any(len(legs) > 1 for day_targets in removed for legs in day_targets.values())

    @staticmethod
    def decisions(data, cut, sessions):
        strategy, plan, days = strategy_after(data, 1, **RULES)
        out = [strategy.snapshot.legs.target_contracts(plan.contracts)]
        for bars in days[: sessions - 1]:
            plan = decide(strategy, bars)
            out.append(strategy.snapshot.legs.target_contracts(plan.contracts))
        return out
