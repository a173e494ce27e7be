"""Optimiser, dynamic mix of sleeves and whole contracts inside the chain of a day."""

import sys

import numpy as np
import pytest

from algorithm.decision_line import events_of
from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from portfolio.cone_programme import installed
from tests.helpers import decide, made_up_dataset, settings, strategy_after

SESSIONS = 280
needs_solver = pytest.mark.skipif(not installed(), reason="clarabel is not installed")


@pytest.fixture(scope="module")
def data():
    return made_up_dataset(SESSIONS + 40)


def walked(data, sessions=12, nav=5e7, prepare=None, **changes):
    """Decisions on the sessions after the first ``SESSIONS``."""
    strategy, _, rest = strategy_after(data, SESSIONS, nav, **changes)
    if prepare is not None:
        prepare(strategy)
    return strategy, [decide(strategy, day, nav).decision for day in rest[:sessions]]


def free_of_cost(strategy):
    optimiser = strategy.builder.optimiser
    optimiser._cost = optimiser._cost * 0.0
    optimiser._impact = 0.0


@needs_solver
class TestOptimiser:
    def test_without_costs_it_is_the_plain_portfolio(self, data):
        _, plain = walked(data, var_limit=1.0)
        for scope in ("whole", "sleeves"):
            _, found = walked(data, var_limit=1.0, optimiser=scope, prepare=free_of_cost)
            for one, other in zip(plain[1:], found[1:], strict=True):
                np.testing.assert_allclose(other.target.optimal, one.target.optimal, rtol=1e-9)

    @pytest.mark.parametrize("scope", ["whole", "sleeves"])
    def test_turnover_falls_as_trades_cost_more(self, data, scope):
        def turnover(trades):
            _, found = walked(data, 25, optimiser=scope, cost_trades=trades)
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
                    assert abs(target.weights.sum()) <= 0.5 + 1e-6
                    assert np.abs(target.weights).max() <= 0.4 * 1.06
                    assert target.vol <= 0.10 + 1e-9

    def test_means_from_forecasts_make_another_portfolio(self, data):
        _, implied = walked(data, 3, optimiser="whole")
        _, forecasts = walked(data, 3, optimiser="whole", optimiser_mean="forecasts")
        assert np.abs(forecasts[-1].target.weights - implied[-1].target.weights).max() > 0.05

    def test_contradictory_limits_are_a_reason_not_an_error(self, data):
        _, found = walked(data, 2, optimiser="whole", var_limit=0.005, var_headroom=0.9)
        for one in found:
            assert one.target.vol <= 0.01
            assert one.contracts.any() or one.target.reasons or one.contract_steps

    def test_state_survives(self, data):
        own = {"optimiser": "sleeves", "sleeve_mix": "dynamic", "mix_window": 250}
        strategy, _ = walked(data, 6, **own)
        again = Strategy(settings(**own), strategy.instruments)
        assert load_state(again, save_state(strategy)).whole
        for mine, theirs in (
            (again.builder.optimiser.contracts, strategy.builder.optimiser.contracts),
            (again.builder.mix.weights, strategy.builder.mix.weights),
            (again.builder.mix.mix.results, strategy.builder.mix.mix.results),
        ):
            np.testing.assert_array_equal(mine, theirs)
            assert theirs.any()


def test_without_a_solver_the_plain_portfolio_and_the_reason(data, monkeypatch):
    _, plain = walked(data, 2)
    monkeypatch.setitem(sys.modules, "clarabel", None)
    strategy, found = walked(data, 2, optimiser="whole")
    for one, other in zip(plain, found, strict=True):
        np.testing.assert_allclose(other.target.optimal, one.target.optimal, rtol=1e-9)
        assert "clarabel is not installed" in other.target.reasons[0]
        assert any(text.startswith("optimiser: clarabel") for text in other.sentences())
        events = events_of(other, [i.code for i in strategy.instruments], [])
        assert [event.kind for event in events if "clarabel" in event.detail] == ["optimiser"]


class TestDynamicMix:
    def test_shares_follow_what_sleeves_earned(self, data):
        strategy, _, rest = strategy_after(data, 60, sleeve_mix="dynamic", mix_window=250)
        mix = strategy.builder.mix
        assert mix.shares == {"trend": 0.5, "carry": 0.5}
        earned = {name: [] for name in mix.shares}
        for day in rest:
            held = dict(zip(mix.shares, mix.weights, strict=True))
            plan = decide(strategy, day)
            for name, weights in held.items():
                earned[name].append(float(weights @ strategy.snapshot.ret))
            ex_ante = [np.sqrt(weights @ plan.decision.cov @ weights) for weights in mix.weights]
            assert ex_ante == pytest.approx([1.0, 1.0])
        filled = mix.mix.count
        assert mix.mix.results[:filled].shape[1] == 2
        better = max(earned, key=lambda name: np.mean(earned[name]) / np.std(earned[name]))
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
        assert np.mean(errors[1]) < 0.98 * np.mean(errors[0])
        assert all(np.isfinite(errors[0] + errors[1]))

    def test_a_fund_that_buys_no_contract_is_told_once(self, data):
        _, found = walked(data, 3, nav=500.0)
        assert not any(one.contracts.any() for one in found)
        strategy, _, rest = strategy_after(data, SESSIONS - 200, nav=5e7)
        told = [decide(strategy, day, 500.0).decision.sentences() for day in rest[:3]]
        assert sum("buys no contract" in text for texts in told for text in texts) == 1

    def test_hedges_are_named_and_can_be_ruled_out(self, data):
        _, free = walked(data, 30, nav=3e5, buffer=0.0)
        assert any("against" in text for one in free for text in one.contract_steps)
        _, own = walked(data, 30, nav=3e5, buffer=0.0, contrary_contracts=False)
        for one in own:
            asked = np.sign(one.target.optimal)
            assert np.all(one.traded * asked >= 0)
