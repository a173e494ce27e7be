"""Optimiser, dynamic mix of sleeves and whole contracts inside the chain of a day."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from algorithm.decision import Account
from algorithm.decision_line import events_of
from algorithm.state import dependencies
from algorithm.strategy import Strategy
from execution.costs import slippage, spread_slippage
from portfolio.cone_programme import installed
from portfolio.optimiser import SLACK
from portfolio.trade import Trades
from research.engine.feed import Feed
from tests.helpers import made_up_dataset, settings

WARM = 262
"""Sessions observed before the first decision."""

needs_solver = pytest.mark.skipif(not installed(), reason="clarabel is not installed")


@pytest.fixture(scope="module")
def data():
    """Instruments and snapshots: what is observed is the same under all of these settings."""
    found = made_up_dataset(WARM + 140)
    feed = Feed(found, 0, 10**6)
    strategy = Strategy(settings(), [h.instrument for h in found.markets.values()])
    for market, contracts in enumerate(feed.contracts()):
        for contract in contracts:
            strategy.list_contract(market, contract)
    return strategy.instruments, [strategy.observe(bars.session) for bars in feed]


def walked(data, sessions=8, nav=5e7, prepare=None, first=WARM, **changes):
    """The decisions on some sessions as far as whole contracts, and their strategy."""
    instruments, snapshots = data
    strategy = Strategy(settings(**changes), instruments)
    if prepare is not None:
        prepare(strategy)
    out = []
    for snapshot in snapshots[first : first + sessions]:
        strategy.take(snapshot)
        out.append(strategy.begin(Account(nav)).through("trade"))
    return strategy, out


def free_of_cost(strategy):
    optimiser = strategy.builder.optimiser
    optimiser._cost = optimiser._cost * 0.0
    optimiser._impact = replace(optimiser._impact, alpha=0.0)


@needs_solver
class TestOptimiser:
    def test_without_costs_it_is_the_plain_portfolio(self, data):
        _, plain = walked(data, var_limit=1.0)
        for scope in ("whole", "sleeves"):
            _, found = walked(data, var_limit=1.0, optimiser=scope, prepare=free_of_cost)
            open_days = [
                (one, other)
                for one, other in zip(plain, found, strict=True)
                if one.snapshot.tradable.all()  # what cannot trade is fixed, others make up for it
            ]
            assert len(open_days) > 3
            for one, other in open_days:
                np.testing.assert_allclose(other.target.optimal, one.target.optimal, rtol=1e-9)

    @pytest.mark.parametrize("scope", ["whole", "sleeves"])
    def test_turnover_falls_as_trades_cost_more(self, data, scope):
        def turnover(trades):
            _, found = walked(data, 12, optimiser=scope, cost_trades=trades)
            weights = np.array([one.target.weights for one in found])
            return np.abs(np.diff(weights, axis=0)).sum()

        costs = [turnover(trades) for trades in (0.0, 10.0, 100.0)]
        assert costs[0] > costs[1] > costs[2]

    def test_sleeves_add_up_and_limits_hold(self, data):
        limits = {"cap_gross": 1.5, "max_exposure": 0.4, "optimiser_net": 0.5}
        for scope in ("whole", "sleeves"):
            for mean in ("implied", "forecasts"):
                _, found = walked(data, 6, optimiser=scope, optimiser_mean=mean, **limits)
                for one in found:
                    target = one.target
                    parts = sum(target.sleeve_contracts.values())
                    np.testing.assert_allclose(parts, target.optimal, atol=1e-9)
                    assert target.reasons == ()
                    size = np.abs(target.weights).sum()
                    assert abs(target.weights.sum()) <= 0.5 + SLACK * (size + SLACK)
                    assert np.abs(target.weights).max() <= 0.4 * 1.06
                    assert target.vol <= 0.10 + 1e-9

    @pytest.mark.parametrize("scope", ["whole", "sleeves"])
    def test_costs_change_the_portfolio_and_not_its_volatility(self, data, scope):
        _, plain = walked(data)
        _, found = walked(data, optimiser=scope)
        _, own = walked(data, optimiser=scope, optimiser_risk="own")
        for one, other, less in zip(plain, found, own, strict=True):
            assert less.target.vol < 0.99 * one.target.vol
            assert other.target.vol > less.target.vol
            if scope == "whole" and one.snapshot.tradable.all():
                assert other.target.vol == pytest.approx(one.target.vol, rel=1e-9)
            assert np.abs(other.target.weights - one.target.weights).max() > 0.003

    def test_means_from_forecasts_make_another_portfolio(self, data):
        _, implied = walked(data, 3, optimiser="whole")
        _, forecasts = walked(data, 3, optimiser="whole", optimiser_mean="forecasts")
        assert np.abs(forecasts[-1].target.weights - implied[-1].target.weights).max() > 0.05

    def test_a_var_limit_that_allows_next_to_nothing_is_kept(self, data):
        _, found = walked(data, 2, optimiser="whole", var_limit=0.005, var_headroom=0.9)
        for one in found:
            assert one.target.vol <= 0.01

    def test_state_is_named(self, data):
        own = {"optimiser": "sleeves", "sleeve_mix": "dynamic", "mix_window": 250}
        strategy, _ = walked(data, 3, **own)
        parts = strategy.builder.components()
        assert set(parts) == {"optimiser", "mix", "mix.results"}
        depends = dependencies(strategy)
        for name, part in parts.items():
            assert all(getattr(part, key) is not None for key in part.STATE)
            assert "trend_rules" in depends[name]
        assert parts["optimiser"].contracts.any()
        assert parts["mix"].weights.any()


def test_without_a_solver_the_plain_portfolio_and_the_reason(data, monkeypatch):
    _, plain = walked(data, 2)
    monkeypatch.setitem(sys.modules, "clarabel", None)
    strategy, found = walked(data, 2, optimiser="whole")
    for one, other in zip(plain, found, strict=True):
        np.testing.assert_allclose(other.target.optimal, one.target.optimal, rtol=1e-9)
        assert "clarabel is not installed" in other.target.reasons[0][1]
        assert any(text.startswith("optimiser: clarabel") for text in other.sentences())
        events = events_of(other, [i.code for i in strategy.instruments], [])
        assert [event.kind for event in events if "clarabel" in event.detail] == ["optimiser"]


class TestDynamicMix:
    def test_shares_follow_what_sleeves_earned(self, data):
        own = {"sleeve_mix": "dynamic", "mix_window": 250, "mix_shrinkage": 0.5}
        strategy, found = walked(data, 135, **own)
        mix = strategy.builder.mix
        results = mix.mix.results[: mix.mix.count]
        assert len(results) == 134
        made = [one.target.sleeve_weights for one in found[:-1]]
        for k, name in enumerate(strategy.sleeves):
            for session in (0, 77, 133):
                unit = made[session][name]
                unit = unit / np.sqrt(unit @ found[session].cov @ unit)
                ret = found[session + 1].snapshot.ret
                assert results[session, k] == pytest.approx(float(unit @ ret))
        ratio = results.mean(axis=0) / results.std(axis=0)
        better = strategy.sleeves[int(np.argmax(ratio))]
        assert found[0].target.sleeve_weights.keys() == mix.shares.keys()
        assert 0.5 < mix.shares[better] <= 0.65
        assert sum(mix.shares.values()) == pytest.approx(1.0)

    def test_fixed_shares_by_default(self, data):
        strategy, _ = walked(data, 1)
        assert strategy.builder.mix is None
        assert strategy.builder.components() == {}


class TestWholeContracts:
    def test_a_small_fund_tracks_better_than_by_rounding(self, data):
        _, apart = walked(data, 30, nav=4e5, whole_contracts="rounding", buffer=0.0)
        _, together = walked(data, 30, nav=4e5, buffer=0.0)
        errors = [[one.tracking_error for one in run] for run in (apart, together)]
        assert np.mean(errors[1]) < np.mean(errors[0])
        assert all(np.isfinite(errors[0] + errors[1]))

    def test_a_fund_that_buys_no_contract_is_told_once(self, data):
        _, found = walked(data, 3, nav=500.0)
        assert not any(one.contracts.any() for one in found)
        told = [text for one in found for text in one.sentences() if "buys no contract" in text]
        assert told == ["whole contracts: NAV 500 buys no contract of any market's position"]

    def test_sleeves_that_cancel_are_told_once(self, data):
        """As those of one market by itself do whenever they disagree."""

        def opposed(strategy):
            build = strategy.builder.build
            strategy.builder.build = lambda forecasts, *rest: build(
                {"trend": forecasts["trend"], "carry": -forecasts["trend"]}, *rest
            )

        _, found = walked(data, 3, prepare=opposed)
        assert not any(one.contracts.any() for one in found)
        told = [text for one in found for text in one.sentences() if "cancel" in text]
        assert told == [
            "whole contracts: trend and carry ask for opposite positions of the same risk: they"
            " cancel"
        ]

    def test_a_hedge_is_named_once(self, data):
        def against(strategy):
            solve = strategy.trading.solve

            def hedged(target, scale, snapshot):
                contrary = np.arange(len(target.optimal)) == 2
                side = -np.sign(target.optimal).astype(np.int64)
                contracts = np.where(contrary, side, solve(target, scale, snapshot).contracts)
                return Trades(contracts, contrary)

            strategy.trading.solve = hedged

        _, found = walked(data, 3, prepare=against)
        [text] = [text for one in found for text in one.sentences() if "hedge" in text]
        assert text.startswith(f"whole contracts: {found[0].traded[2]:+d} BD1 against ")

    def test_hedges_can_be_ruled_out(self, data):
        _, found = walked(data, 20, nav=3e5, buffer=0.0, contrary_contracts=False)
        for one in found:
            assert np.all(one.traded * np.sign(one.target.optimal) >= 0)


def test_what_restless_markets_cost_reaches_every_part_that_asks(data):
    """The multiple of the orders is in the optimiser's costs too; off, nothing differs."""
    (instruments, snapshots), made = data, []
    for power in (1.0, 0.0):
        strategy = Strategy(settings(optimiser="whole", cost_vol_power=power), instruments)
        strategy.take(snapshots[-1])
        made.append(strategy)
    strategy, quiet = made
    last, snapshot, n = strategy.begin(Account(1e8)).decision, snapshots[-1], len(instruments)
    norm = (snapshot.sigma - 0.7 * snapshot.current_sigma) / 0.3
    ratio = np.maximum(snapshot.current_sigma / norm, 1.0)[:n]
    assert (ratio > 1.0).any()
    np.testing.assert_allclose(strategy.order_stress(last), ratio)
    assert quiet.order_stress(last).tolist() == [1.0] * n
    day = SimpleNamespace(snapshot=snapshot, average=np.ones(n), unit=np.ones(n), volumes=1.0)
    spread = np.array([one.half_spread for one in strategy.instruments]) / snapshot.price[:n]
    restless, usual = (one.builder.optimiser._costs(day) for one in (strategy, quiet))
    trades = strategy.settings.cost_trades
    np.testing.assert_allclose(restless.trade - usual.trade, trades * (ratio - 1.0) * spread)
    np.testing.assert_allclose(restless.impact, ratio * usual.impact)


@pytest.mark.parametrize("roll_orders", ["legs", "spread"])
def test_the_optimiser_holds_what_rolls_will_cost(data, roll_orders):
    """Spread, fee and impact of every roll of an average position, as its orders will pay them."""
    instruments, snapshots = data
    listed = [replace(one, spread_listed=True) for one in instruments]
    strategy = Strategy(
        settings(optimiser="whole", roll_orders=roll_orders, roll_sessions=4), listed
    )
    strategy.take(snapshots[-1])
    n, snapshot, volumes, average = len(listed), snapshots[-1], 4.0, 80.0
    unit = np.full(n, 1e-4)
    day = SimpleNamespace(snapshot=snapshot, average=average * unit, unit=unit, volumes=volumes)
    rolled = slippage if roll_orders == "legs" else spread_slippage
    model = {"impact": strategy.settings.impact}
    held = strategy.builder.optimiser._costs(day).hold
    for k, one in enumerate(listed):
        sigma = snapshot.sigma[k] * snapshot.price[k] / np.sqrt(volumes)
        paid = rolled(one, average / 4, sigma, **model) + one.fee / one.multiplier
        yearly = 2 * len(one.hold_months) * paid / snapshot.price[k]
        np.testing.assert_allclose(held[k], yearly, rtol=1e-12)


def test_volumes_that_grow_with_the_fund_keep_costs_and_limits_of_its_size(data):
    """At four times the capital: four times the contracts, half the sigma that makes impact."""
    cash, thin = 5e7, {"max_adv": 0.001}
    _, alone = walked(data, 2, nav=cash, **thin)
    strategy, grown = walked(data, 2, nav=4 * cash, volumes="fund", **thin)
    _, today = walked(data, 2, nav=4 * cash, **thin)
    for one, four, other in zip(alone, grown, today, strict=True):
        np.testing.assert_allclose(four.target.limit, 4 * one.target.limit)
        np.testing.assert_allclose(four.target.weights, one.target.weights)
        assert (other.target.limit <= four.target.limit).all()
        assert (other.target.limit < four.target.limit).any()
    last = grown[-1]
    np.testing.assert_allclose(strategy.order_sigma(last), 0.5 * last.snapshot.sigma_price)


@needs_solver
def test_volumes_that_grow_with_the_fund_keep_the_optimum(data):
    _, alone = walked(data, 2, nav=5e7, optimiser="whole", impact=1.0)
    _, grown = walked(data, 2, nav=4 * 5e7, optimiser="whole", impact=1.0, volumes="fund")
    for one, four in zip(alone, grown, strict=True):
        np.testing.assert_allclose(four.target.weights, one.target.weights, atol=1e-8)
