"""How much of its session a trade takes."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy.integrate import quad

from execution.planning import Terms, plan_of
from execution.schedules import horizon_curve, twap_curve
from execution.settings import MinuteSettings
from execution.urgency import best_share, costs_of_time, half_life_of
from tests.helpers import instrument
from universe.setting import SettingsError

sizes, lives = st.floats(1e-7, 1.0), st.floats(1.0, 500.0)


@pytest.mark.parametrize("half_life", [0.2, 3.0, 200.0])
def test_what_is_lost_is_the_mean_over_the_trade(half_life):
    share = 0.4
    _, lost = costs_of_time(np.array([share]), 0.01, 0.1, 0.7, half_life)
    gone, _ = quad(lambda t: 0.7 * (1.0 - 2.0 ** (-t / half_life)), 0.0, share)
    assert lost[0] == pytest.approx(gone / share)


def test_the_closed_form_of_lasting_signals():
    """Impact α·sqrt(s / T) against edge·ln 2 / h · T / 2."""
    size, half_life, edge = 1e-4, 20.0, 2.0
    by_hand = (0.1 * size**0.5 * half_life / (edge * log(2.0))) ** (2.0 / 3.0)
    assert 0.05 < by_hand < 0.9
    found = best_share(size, 0.1, edge, half_life, 10_000)
    assert found == pytest.approx(by_hand, rel=0.02)


@given(sizes, lives, lives)
@limits(max_examples=40, deadline=None)
def test_larger_trades_and_longer_signals_take_longer(size, one, other):
    short, long = sorted((one, other))
    assert best_share(size, 0.1, 0.5, short, 60) <= best_share(size, 0.1, 0.5, long, 60)
    smaller = best_share(0.1 * size, 0.1, 0.5, short, 60)
    assert smaller <= best_share(size, 0.1, 0.5, short, 60)
    assert best_share(size, 0.1, 0.5, inf, 60) == 1.0
    assert best_share(size, 0.0, 0.5, short, 60) == pytest.approx(1 / 60)


def test_sleeves_are_weighed_by_what_they_ask_for():
    """Rates 1/10 and 1/40 of three contracts to one."""
    asked = {"trend": -3.0, "carry": 1.0}
    assert half_life_of(asked, {"trend": 10.0, "carry": 40.0}) == pytest.approx(4 / 0.325)
    assert half_life_of(asked, {"trend": 10.0, "other": 1.0}) == pytest.approx(4 / 0.3)
    assert half_life_of(asked, {}) == half_life_of({}, {"trend": 10.0}) == inf


def test_a_plan_of_the_settings():
    class Sets(MinuteSettings):
        impact = 0.1

    chosen = Sets(execution_algorithm="horizon", signal_edge=2.0)
    market = instrument(adv_contracts=1e5)
    terms = Terms(0.25, 2.0, 50.0, 0, half_life=20.0)
    _, plan = plan_of(chosen, market, 10, 450, terms)
    share = best_share(1e-4, 0.1, 2.0, 20.0, 450)
    assert plan.curve.tolist() == horizon_curve(450, share).tolist()
    assert plan.curve[round(450 * share) - 1] == pytest.approx(1.0)
    _, roll = plan_of(chosen, market, 10, 450, Terms(0.25, 2.0, 50.0, 0))
    assert roll.curve.tolist() == twap_curve(450).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trend", "must be pairs of a sleeve"),
        ("trend 0", "has 0 sessions for trend; 1 and more is allowed"),
        ("trend soon", "signal_half_lives"),
    ],
)
def test_half_lives_that_are_none_are_refused(text, said):
    with pytest.raises(SettingsError, match=said):
        MinuteSettings(signal_half_lives=text)
    with pytest.raises(ValueError, match="a horizon of 0 of the session"):
        horizon_curve(10, 0)
