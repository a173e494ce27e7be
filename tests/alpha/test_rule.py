"""What a rule of one's own is held to, when it is registered and when it forecasts."""

from types import SimpleNamespace

import numpy as np
import pytest

from alpha.rules import RULES
from alpha.rules.rule import Rule, Style, registered

INPUTS = SimpleNamespace(settings=SimpleNamespace(forecast_cap=2.0))


class Mine(Rule):
    NAME, SLEEVE, STYLE = "mine", "mine", Style.OTHER
    MEANING = "an example"
    GIVEN = np.array([1.0, np.nan, -2.0])

    def signal(self, view):
        return self.GIVEN


def like(**changes):
    return type("Another", (Mine,), changes)


def test_the_rules_of_the_project_stand_side_by_side():
    assert registered(*RULES) == RULES


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([Mine, like()], "Mine and Another are both named 'mine'"),
        ([like(NAME="my rule")], "has the name 'my rule'"),
        ([like(SLEEVE="rounding, limits")], "the sleeve 'rounding, limits'; allowed are small"),
        ([like(SLEEVE="trend")], "mine of the style other is in the sleeve 'trend'"),
        ([like(STYLE=Style.TREND)], "mine of the style trend is in the sleeve 'mine'"),
        ([Mine, like(NAME="b", STYLE=Style.CARRY)], "mine and b share the sleeve 'mine' and"),
        ([Mine, like(NAME="b", ON_SPREADS=True)], "differ in ON_SPREADS"),
        ([Mine, like(NAME="b", NEUTRAL=True)], "differ in NEUTRAL"),
        ([like(STATE=("mean",))], "rule mine has STATE and no DEPENDS"),
    ],
)
def test_what_cannot_stand_beside_others_is_refused(rules, sentence):
    with pytest.raises(ValueError, match=sentence):
        registered(*RULES, *rules)


def walked(rule):
    rows = [SimpleNamespace()] * 2
    views = type("Views", (list,), {"seen": SimpleNamespace(seen=np.ones((2, 3), bool))})(rows)
    return rule(INPUTS).walk(views)[0]


def test_a_signal_is_taken_as_it_is():
    np.testing.assert_array_equal(walked(Mine), [Mine.GIVEN] * 2)
    wide = like(COMPARES=True, GIVEN=np.array([1.0, -30.0, np.nan]))
    np.testing.assert_array_equal(walked(wide), [wide.GIVEN] * 2)


@pytest.mark.parametrize(
    ("given", "compares", "sentence"),
    [
        (np.zeros(2), False, r"rule mine: signal has shape \(2,\); it must be \(3,\)"),
        (np.array(0.5), False, r"signal has shape \(\)"),
        (np.array([0.0, np.nan, 2.5]), False, r"size 2\.5; allowed are forecasts within ±2 and"),
        (np.array([0.0, -np.inf, 1.0]), False, "size inf"),
        (np.array([0.0, -np.inf, 1.0]), True, "size inf; allowed are finite numbers and NaN"),
    ],
)
def test_a_signal_that_is_none_is_refused(given, compares, sentence):
    with pytest.raises(ValueError, match=sentence):
        walked(like(GIVEN=given, COMPARES=compares))
