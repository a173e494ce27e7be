import copy

import numpy as np
import pytest

from algorithm.decision import Account
from algorithm.settings import SettingsError
from algorithm.strategy import Strategy
from alpha.scale import Scale
from portfolio.covariance import covariance, portfolio_vol
from research.data.dataset import Dataset
from tests.helpers import (
    CARRY,
    MONDAY,
    TREND,
    close_market,
    construct,
    decide,
    forecasts_of,
    gate_of,
    gate_targets,
    governor_of,
    instrument,
    made_up_dataset,
    made_up_history,
    made_up_instruments,
    session,
    settings,
    strategy_after,
    weekdays,
)
from universe.instruments import AssetClass

CODES = [market.code for market in made_up_instruments()]
N = len(CODES)
SESSIONS = 330


@pytest.fixture(scope="module")
def driven(made_up):
    return strategy_after(made_up, SESSIONS)


@pytest.fixture
def warm(driven):
    """A strategy with a year of history, its last plan and the sessions to come."""
    strategy, plan, days = driven
    return copy.deepcopy(strategy), plan, days


def annual_cov(strategy):
    sigma = strategy.markets.sigma() * np.sqrt(252)
    return covariance(
        strategy.observer.correlation.matrix(strategy.observer.returns), sigma * strategy.bias.value
    )


class TestClosedDay:
    @pytest.mark.parametrize("market", range(N))
    def test_a_closed_market_keeps_contract_forecast_volatility_and_target(self, warm, market):
        strategy, plan, days = warm
        held, sigma = strategy.markets.held[market], strategy.markets.sigma()[market]
        forecasts = forecasts_of(strategy)
        after = decide(strategy, close_market(days[0], market))
        assert strategy.markets.held[market] == held
        assert strategy.markets.sigma()[market] == sigma
        for name, value in forecasts_of(strategy).items():
            assert value[market] == forecasts[name][market]
        assert after.contracts[market] == plan.contracts[market]

    @pytest.mark.parametrize("market", range(N))
    def test_it_moves_nobodys_budget(self, warm, market):
        strategy, _, days = warm
        closed, everyone = copy.deepcopy(strategy), strategy
        without, full = decide(closed, close_market(days[0], market)), decide(everyone, days[0])
        np.testing.assert_array_equal(without.member, full.member)
        others = np.arange(N) != market
        for name, value in forecasts_of(everyone).items():
            np.testing.assert_array_equal(forecasts_of(closed)[name][others], value[others])
        assert np.abs(without.weights - full.weights)[others].max() < 0.02

    def test_a_day_on_which_no_market_trades_changes_no_target(self, warm):
        strategy, plan, days = warm
        empty = days[0]
        for market in range(N):
            empty = close_market(empty, market)
        np.testing.assert_array_equal(decide(strategy, empty).contracts, plan.contracts)

    def test_a_market_that_stays_away_loses_its_budget_to_its_class(self, warm):
        strategy, plan, days = warm
        assert plan.member.all()
        for day in days[:15]:
            after = decide(strategy, close_market(day, 0))
        assert after.member.tolist() == [False] + [True] * (N - 1)
        assert after.optimal[0] == 0.0

    def test_a_target_that_cannot_trade_is_kept_not_closed(self, warm):
        strategy, plan, days = warm
        market = int(np.flatnonzero(plan.contracts)[0])
        for day in days[:15]:
            after = decide(strategy, close_market(day, market))
        assert after.contracts[market] == plan.contracts[market]


class TestStandardisedReturns:
    @pytest.mark.parametrize("closed", [0, 5, 15])
    def test_a_return_over_many_sessions_counts_as_that_many(self, warm, closed):
        """Five in seven calendar days are sessions; a weekend is no gap."""
        strategy, _, sessions = warm
        market = CODES.index("FX1")
        for day in sessions[:closed]:
            strategy.observe(close_market(day, market))
        sigma = strategy.markets.sigma()[market]
        gap = sessions[closed].day - strategy.markets.last_seen[market]
        days = gap * 5 / 7 if closed else 1.0
        seen = strategy.observe(sessions[closed])
        z = strategy.observer.returns.rows()[-1][market]
        assert z == pytest.approx(seen.ret[market] / sigma / np.sqrt(days), rel=1e-9)

    def test_a_closed_market_adds_a_zero(self, warm):
        strategy, _, sessions = warm
        strategy.observe(close_market(sessions[0], 2))
        z = strategy.observer.returns.rows()[-1]
        assert z[2] == 0.0
        assert z.any()


class TestConstruct:
    def test_sleeves_add_up_to_the_optimum(self, warm):
        _, plan, _ = warm
        total = plan.sleeve_contracts[TREND] + plan.sleeve_contracts[CARRY]
        np.testing.assert_allclose(total, plan.optimal, atol=1e-9)

    def test_volatility_is_the_target_exactly(self, made_up):
        for target in (0.05, 0.10, 0.20):
            strategy, plan, _ = strategy_after(made_up, SESSIONS, vol_target=target, vol_floor=0.01)
            assert plan.vol == pytest.approx(target, rel=1e-9)
            exposure = plan.optimal * plan.unit_exposure
            assert portfolio_vol(exposure, annual_cov(strategy)) == pytest.approx(target, rel=1e-9)

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_sleeves_have_their_shares_of_risk(self, made_up, share):
        strategy, plan, _ = strategy_after(made_up, SESSIONS, trend_budget=share)
        cov = annual_cov(strategy)
        trend, carry = (
            portfolio_vol(plan.sleeve_contracts[name] * plan.unit_exposure, cov)
            for name in (TREND, CARRY)
        )
        assert trend / (trend + carry) == pytest.approx(share)

    def test_a_sleeve_without_budget_is_empty(self, made_up):
        _, plan, _ = strategy_after(made_up, SESSIONS, trend_budget=1.0)
        assert not plan.sleeve_contracts[CARRY].any()
        assert plan.sleeve_contracts[TREND].all()

    def test_before_a_year_only_carry_is_traded(self, made_up):
        _, plan, _ = strategy_after(made_up, 150)
        assert not plan.sleeve_contracts[TREND].any()
        assert plan.sleeve_contracts[CARRY].any()

    def test_nothing_is_traded_before_there_is_a_volatility(self, made_up):
        _, plan, _ = strategy_after(made_up, 30)
        assert not plan.contracts.any()
        assert not plan.member.any()
        assert plan.vol == 0.0

    def test_contracts_are_proportional_to_the_fund(self, warm):
        strategy, _, days = warm
        other = copy.deepcopy(strategy)
        one, two = decide(strategy, days[0], nav=3e7), decide(other, days[0], nav=6e7)
        np.testing.assert_allclose(two.optimal, 2 * one.optimal, rtol=1e-9)
        np.testing.assert_allclose(two.weights, one.weights, rtol=1e-9)

    def test_sign_of_every_sleeve_is_that_of_its_forecast(self, warm):
        strategy, plan, _ = warm
        for name, forecast in forecasts_of(strategy).items():
            np.testing.assert_array_equal(
                np.sign(plan.sleeve_contracts[name]), np.sign(np.nan_to_num(forecast))
            )

    def test_whole_contracts_follow_the_optimum_within_the_band(self, made_up):
        _, plan, _ = strategy_after(made_up, SESSIONS, buffer=0.0)
        assert np.abs(plan.contracts - plan.optimal).max() <= 0.5
        assert plan.contracts.any()

    def test_the_order_of_markets_does_not_matter(self, made_up):
        _, plan, _ = strategy_after(made_up, SESSIONS)
        order = [3, 0, 5, 1, 4, 2]
        moved = made_up.select([CODES[k] for k in order])
        _, other, _ = strategy_after(moved, SESSIONS)
        np.testing.assert_allclose(other.optimal, plan.optimal[order], rtol=1e-9)
        np.testing.assert_array_equal(other.contracts, plan.contracts[order])

    def test_euro_contracts_are_sized_with_the_rate(self, warm):
        strategy, plan, _days = warm
        market = CODES.index("EQ2")
        price = strategy.markets.price[market]
        rate = strategy.observer.fx[market]
        assert rate != 1.0
        assert plan.unit_exposure[market] == pytest.approx(600 * price * rate / 5e7)

    def test_unknown_exchange_rate_means_no_position(self, made_up):
        blind = Dataset("no rates", True, made_up.markets, {})
        _, plan, _ = strategy_after(blind, 100)
        market = CODES.index("EQ2")
        assert plan.contracts[market] == 0
        assert not plan.member[market]
        assert plan.contracts.any()


class TestVolFloor:
    """Sleeves that nearly cancel are not levered up to the target, capped markets or not."""

    @staticmethod
    def opposed(made_up, **changes):
        strategy, _, days = strategy_after(made_up, SESSIONS, vol_floor=0.5, **changes)
        strategy.observe(days[0])
        forecasts = forecasts_of(strategy)
        share = np.array([0.7, 0.9, 0.8, 0.75, 0.85, 0.8])
        against = {TREND: forecasts[TREND], CARRY: -share * forecasts[TREND]}
        return construct(strategy, against, 5e7)

    def test_the_floor_holds_the_volatility_below_the_target(self, made_up):
        assert self.opposed(made_up).vol < 0.03

    def test_a_market_capped_by_liquidity_does_not_undo_the_floor(self, made_up):
        free = self.opposed(made_up)
        largest = int(np.argmax(np.abs(free.optimal)))
        limit = abs(free.optimal[largest]) * 0.9
        markets = made_up_instruments()
        cap = {CODES[largest]: limit / 0.25}
        thin = [
            instrument(**{**_fields(m), "adv_contracts": cap.get(m.code, m.adv_contracts)})
            for m in markets
        ]
        capped = self.opposed(_with_instruments(made_up, thin))
        assert abs(capped.optimal[largest]) == pytest.approx(limit)
        assert capped.vol <= free.vol


class TestScreens:
    def test_a_market_too_big_for_the_fund_is_left_out_and_reported(self, made_up):
        rich = strategy_after(made_up, 60, nav=5e7, min_position=0.5)[1]
        assert rich.member.all()
        strategy, poor, _ = strategy_after(made_up, 60, nav=4e5, min_position=0.5)
        assert strategy.screen.excluded.any()
        assert not (poor.member & strategy.screen.excluded).any()
        assert not poor.contracts[strategy.screen.excluded].any()

    def test_the_report_names_market_and_size(self, made_up):
        strategy, notes = self.noted(made_up, nav=4e5, min_position=0.5)
        assert {market for market, _, _ in notes} >= set(np.flatnonzero(strategy.screen.excluded))
        big = [note for note in notes if "traded again" not in note[2]]
        assert big
        for market, kind, text in big:
            assert kind == "universe"
            assert text.startswith(f"{CODES[market]} is too big for NAV 400,000")
            assert "at least 0.5 is asked" in text

    def test_a_market_too_dear_is_left_out_and_reported(self, made_up):
        dear = [
            instrument(**{**_fields(m), "half_spread": 5.0 if m.code == "FX1" else 0.01})
            for m in made_up_instruments()
        ]
        strategy, notes = self.noted(
            _with_instruments(made_up, dear),
            cost_limit=0.5,
            cost_limit_out=0.6,
            cost_by_speed=False,
        )
        assert strategy.screen.excluded.tolist() == [code == "FX1" for code in CODES]
        assert all("FX1 is too dear" in text for _, _, text in notes)
        assert notes

    def test_it_comes_back_when_the_fund_has_grown(self, made_up):
        strategy, _, days = strategy_after(made_up, 60, nav=4e5, min_position=0.5)
        excluded = strategy.screen.excluded.copy()
        notes = [note for day in days[:45] for note in decide(strategy, day, nav=5e7).notes]
        assert not strategy.screen.excluded.any()
        assert {m for m, _, text in notes if "traded again" in text} == set(
            np.flatnonzero(excluded)
        )

    @staticmethod
    def noted(data, nav=5e7, **changes):
        strategy, _, days = strategy_after(data, 1, nav=nav, **changes)
        notes = [note for day in days[:70] for note in decide(strategy, day, nav=nav).notes]
        return strategy, notes

    def test_positions_stay_within_the_share_of_daily_volume(self, made_up):
        thin = [instrument(**{**_fields(m), "adv_contracts": 100.0}) for m in made_up_instruments()]
        _, plan, _ = strategy_after(_with_instruments(made_up, thin), SESSIONS, max_adv=0.2)
        assert np.abs(plan.optimal).max() <= 0.2 * 100 + 1e-9
        assert plan.vol < 0.10

    def test_exposures_stay_within_the_cap_and_rates_count_by_dv01(self, made_up):
        _, free, _ = strategy_after(made_up, SESSIONS, max_exposure=20.0)
        _, plan, _ = strategy_after(made_up, SESSIONS, max_exposure=0.1)
        allowed = np.where(np.array(CODES) == "BD1", 0.1 * 6.2 / 6.5, 0.1)
        exposure = np.abs(plan.optimal * plan.unit_exposure)
        assert (np.abs(free.optimal * free.unit_exposure) > allowed).any()
        assert np.all(exposure <= allowed + 1e-12)
        assert exposure[CODES.index("BD1")] == pytest.approx(0.1 * 6.2 / 6.5)

    def test_small_trades_wait_for_the_cooldown(self, made_up):
        own = {"cooldown_sessions": 5, "buffer": 0.0, "whole_contracts": "rounding"}
        strategy, plan, days = strategy_after(made_up, 200, nav=3e6, **own)
        before, since, waited = plan.contracts, np.full(N, 99), 0
        for day in days[:60]:
            after = decide(strategy, day, nav=3e6).contracts
            small = (np.abs(after - before) <= 2) & (after * before > 0) & (after != before)
            assert np.all(since[small] >= 5)
            waited += int(small.sum())
            since = np.where(after != before, 0, since + 1)
            before = after
        assert waited > 3

    def test_what_a_capped_market_cannot_carry_goes_to_the_others(self, made_up):
        free = strategy_after(made_up, SESSIONS)[1]
        largest = int(np.argmax(np.abs(free.optimal)))
        limit = abs(free.optimal[largest]) * 0.5
        thin = [
            instrument(**{**_fields(m), "adv_contracts": limit / 0.25 if k == largest else 1e9})
            for k, m in enumerate(made_up_instruments())
        ]
        capped = strategy_after(_with_instruments(made_up, thin), SESSIONS)[1]
        others = np.arange(N) != largest
        assert abs(capped.optimal[largest]) <= limit + 1e-9
        assert np.all(np.abs(capped.optimal)[others] > np.abs(free.optimal)[others] * 1.01)
        assert capped.vol <= 0.10 + 1e-9


class TestCappedHedge:
    """A2 moves with A1 and is held against it; C1 is on its own."""

    FORECAST = np.array([1.0, -0.9, 0.4])

    @pytest.fixture(scope="class")
    @staticmethod
    def book():
        cls = AssetClass
        markets = [
            instrument("A1"),
            instrument("A2", asset_class=cls.FX, sector="g10"),
            instrument("C1", asset_class=cls.ENERGY, sector="gas"),
        ]
        days = weekdays(MONDAY, 320)
        histories = {
            market.code: made_up_history(market, days, seed, closed=0.0)
            for market, seed in zip(markets, (5, 5, 8), strict=True)
        }
        return Dataset("hedged", True, histories, {})

    def plan(self, book, limit=1e9):
        """Plan when the hedge may have at most ``limit`` contracts."""
        thin = [
            instrument(**{**_fields(h.instrument), "adv_contracts": limit / 0.25})
            if h.instrument.code == "A2"
            else h.instrument
            for h in book.markets.values()
        ]
        data = _with_instruments(book, thin)
        strategy, _, days = strategy_after(data, 300, trend_budget=1.0, max_adv=0.25)
        strategy.observe(days[0])
        forecasts = {TREND: self.FORECAST, CARRY: np.full(3, np.nan)}
        return strategy, construct(strategy, forecasts, 5e7)

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
    def test_the_book_is_cut_to_the_volatility_it_had_with_the_hedge(self, book, share):
        strategy, free = self.plan(book)
        assert annual_cov(strategy)[0, 1] > 0
        assert free.vol == pytest.approx(0.10)
        limit = abs(free.optimal[1]) * share
        clipped = free.optimal * free.unit_exposure * [1, share, 1]
        assert portfolio_vol(clipped, annual_cov(strategy)) > 0.101  # what the cap alone would do
        capped_strategy, capped = self.plan(book, limit)
        exposure = capped.optimal * capped.unit_exposure
        found = portfolio_vol(exposure, annual_cov(capped_strategy))
        assert found == pytest.approx(0.10)
        assert capped.vol == pytest.approx(found)
        assert abs(capped.optimal[1]) <= limit * (1 + 1e-9)
        assert np.all(np.abs(capped.optimal) <= np.abs(free.optimal) * (1 + 1e-9))
        np.testing.assert_array_equal(np.sign(capped.optimal), np.sign(self.FORECAST))

    def test_without_any_hedge_left_too(self, book):
        strategy, plan = self.plan(book, limit=1e-12)
        assert plan.contracts[1] == 0
        exposure = plan.optimal * plan.unit_exposure
        assert portfolio_vol(exposure, annual_cov(strategy)) <= 0.10 + 1e-9
        assert plan.contracts[0] > 0


class TestWholeContractCaps:
    @pytest.fixture(scope="class")
    @staticmethod
    def always_open():
        return made_up_dataset(330, closed=0.0)

    @pytest.mark.parametrize("nav", [2.5e6, 4e7])
    @pytest.mark.parametrize(
        ("exposure", "adv", "buffer"),
        [(0.12, 1e6, 0.0), (0.12, 1e6, 0.05), (20.0, 30.0, 0.0), (0.1, 30.0, 0.0)],
    )
    def test_no_target_exceeds_its_cap_after_rounding(
        self, always_open, nav, exposure, adv, buffer
    ):
        """Nor one that the band would keep when a fall of NAV lowers the cap."""
        markets = [
            instrument(**{**_fields(m), "adv_contracts": adv}) for m in made_up_instruments()
        ]
        data = _with_instruments(always_open, markets)
        own = {"max_exposure": exposure, "max_adv": 0.25, "buffer": buffer, "governor": "0.99 1"}
        strategy, _, days = strategy_after(data, 290, nav, **own)
        in_tens = np.where(np.array(CODES) == "BD1", 6.2 / 6.5, 1.0)
        at_the_cap, rng = 0, np.random.default_rng(3)
        for day in days:
            strategy.observe(day)
            nav *= 1 + 0.03 * rng.standard_normal()
            plan = construct(strategy, forecasts_of(strategy), nav)
            cap = np.minimum(exposure * in_tens, 0.25 * adv * plan.unit_exposure)
            found = np.abs(plan.contracts) * plan.unit_exposure
            assert np.all(found <= cap * (1 + 1e-9))
            at_the_cap += int((found + plan.unit_exposure > cap).sum())
            halved = strategy.trading.solve(plan.target, 0.5, strategy.snapshot).contracts
            assert np.all(np.abs(halved) * plan.unit_exposure <= cap * (1 + 1e-9))
        assert at_the_cap > 40


class TestMustExit:
    def test_a_contract_that_may_not_be_held_longer_is_closed(self, warm):
        strategy, plan, days = warm
        market = int(np.argmax(np.abs(plan.contracts)))
        strategy.observe(days[0])
        strategy.snapshot.must_exit[market] = True
        after = construct(strategy, forecasts_of(strategy), 5e7)
        assert after.contracts[market] == 0
        assert np.count_nonzero(after.contracts) == np.count_nonzero(plan.contracts) - 1

    def test_an_expired_contract_is_not_targeted_though_its_market_is_closed(self, warm):
        strategy, plan, days = warm
        market = int(np.argmax(np.abs(plan.contracts)))
        month = int(strategy.markets.held[market])
        expiry = strategy.markets.contracts[market][month].expiry
        day = close_market(days[-1], market)
        assert day.day > expiry
        assert decide(strategy, day).contracts[market] == 0


class TestRisk:
    def test_governor_on_the_target_then_gate_on_whole_contracts(self, made_up):
        strategy, plan, _ = strategy_after(made_up, SESSIONS, buffer=0.0)
        governor_of(strategy).update(5e7 / 0.94)
        walk = strategy.begin(Account(5e7))
        governed = walk.through("trade").traded
        assert walk.decision.scale == 0.8
        fractions = strategy.begin(Account(5e7)).through("target").target.optimal
        assert np.all(np.abs(governed) <= np.abs(fractions) * 0.8 + 0.5 + 1e-9)
        assert np.abs(governed).sum() < np.abs(plan.contracts).sum()
        gate_of(strategy).limit = 0.02
        gated = gate_targets(strategy, governed, governed * 0, plan.unit_exposure)
        assert np.all(np.abs(gated.contracts) <= np.abs(governed))
        assert np.fmax(gated.parametric, gated.historical) <= 0.02
        assert gated.contracts.any()

    def test_the_reference_portfolio_makes_the_relative_test(self, made_up):
        strategy, plan, _ = strategy_after(
            made_up, SESSIONS, var_reference="EQ1 0.6 BD1 0.4", var_test="relative"
        )
        gated = gate_targets(strategy, plan.contracts, plan.contracts, plan.unit_exposure)
        reference = np.array([0.6, 0, 0.4, 0, 0, 0])
        expected = 2.0 * strategy.var_model().binding(reference, 20)
        assert gated.limit == pytest.approx(expected)

    @pytest.mark.parametrize("test", ["relative", "both"])
    def test_a_reference_market_that_is_not_traded_stops_the_start(self, made_up, test):
        """Otherwise the relative limit would never apply, without a word."""
        with pytest.raises(SettingsError, match=r"var_reference names ES ZN.*not trade"):
            strategy_after(made_up, 1, var_test=test)

    def test_by_default_both_tests_gate_where_the_reference_is_traded(self, made_up):
        own = "EQ1 0.6 BD1 0.4"
        for reference, relative in ((own, True), ("ES 0.6 ZN 0.4", False)):
            strategy, plan, _ = strategy_after(
                made_up, SESSIONS, var_reference=reference, var_relative_limit=0.5
            )
            gated = gate_targets(strategy, plan.contracts, plan.contracts, plan.unit_exposure)
            assert (gated.limit < 0.2) == relative
            assert np.isfinite(gated.relative) == relative

    @pytest.mark.parametrize("test", ["absolute", "relative", "both"])
    def test_an_unknown_reference_market_stops_the_start_whatever_the_test(self, made_up, test):
        with pytest.raises(SettingsError, match=r"unknown market 'ESS'; did you mean 'ES'\?"):
            strategy_after(made_up, 1, var_test=test, var_reference="ESS 1")

    def test_before_the_reference_has_a_volatility_the_absolute_limit_applies(self, made_up):
        own = {"var_reference": "EQ1 0.6 BD1 0.4", "var_test": "relative"}
        strategy, plan, _ = strategy_after(made_up, 10, **own)
        gated = gate_targets(strategy, plan.contracts, plan.contracts, plan.unit_exposure)
        assert gated.limit == 0.20
        assert any("absolute" in step for step in gated.steps)

    def test_var_never_uses_less_than_the_current_volatility(self, warm):
        strategy, _, _ = warm
        sigma = strategy.var_model().sigma_daily
        assert np.all(sigma >= strategy.markets.vol.std() - 1e-15)
        assert np.all(sigma >= strategy.markets.sigma() - 1e-15)


class TestTargets:
    def test_every_market_with_a_contract_is_named(self, warm):
        strategy, plan, _ = warm
        found = strategy.snapshot.legs.target_contracts(plan.contracts)
        held = strategy.markets.held.tolist()
        assert found == {k: {held[k]: int(plan.contracts[k])} for k in range(N)}

    def test_a_market_that_never_had_a_bar_is_not(self):
        strategy = Strategy(settings(), [instrument("AA"), instrument("BB")])
        strategy.observe(session(MONDAY, {}, {}))
        assert strategy.snapshot.legs.target_contracts(np.array([0, 0])) == {}


def test_classes_share_the_budget_whatever_their_number_of_markets():
    """Three copies of one equity market together weigh what the only bond market weighs."""
    cls = AssetClass
    markets = [instrument(code) for code in ("A1", "A2", "A3")]
    markets.append(instrument("B1", asset_class=cls.BOND, sector="us bond", duration=5.0))
    data = made_up_dataset(120, markets=markets, closed=0.0)
    strategy, _, days = strategy_after(data, 100)
    strategy.observe(days[0])
    plan = construct(strategy, {TREND: np.ones(4), CARRY: np.full(4, np.nan)}, 5e7)
    risk = plan.optimal * plan.unit_exposure * strategy.markets.sigma()
    assert risk[:3].sum() == pytest.approx(risk[3])
    assert risk[0] == pytest.approx(risk[1])


def _fields(market):
    return {name: getattr(market, name) for name in type(market).__slots__}


def _with_instruments(data, markets):
    import dataclasses

    histories = {
        market.code: dataclasses.replace(data.markets[market.code], instrument=market)
        for market in markets
    }
    return Dataset(data.name, data.synthetic, histories, data.fx)


def test_a_class_that_a_scale_spares_is_cut_less(warm, monkeypatch):
    strategy, _, days = warm
    plain, tilted = copy.deepcopy(strategy), strategy
    for one, spared in ((plain, {}), (tilted, {"bond": 0.9})):
        said = Scale("regime", 0.6, spared=spared)
        monkeypatch.setattr(one.scale_named("regime"), "scale", lambda *_, said=said: said)
    before, after = decide(plain, days[0]), decide(tilted, days[0])
    bonds = np.array([m.asset_class == AssetClass.BOND for m in strategy.instruments])
    assert bonds.any()
    assert after.scale == before.scale
    np.testing.assert_allclose(
        after.target.optimal, before.target.optimal * np.where(bonds, 1.5, 1.0), rtol=1e-12
    )
    total = np.sum(list(after.target.sleeve_contracts.values()), axis=0)
    np.testing.assert_allclose(after.target.optimal, total, rtol=1e-12)
    expected = portfolio_vol(after.target.weights, after.cov)
    assert after.target.vol == pytest.approx(expected)
