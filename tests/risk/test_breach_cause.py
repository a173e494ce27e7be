from dataclasses import replace

import numpy as np
import pytest

from risk.account import RiskAccount
from risk.breach_cause import Cause, cause
from risk.limit_measures import AbsoluteVar, Drawdown
from risk.var import VarModel

VAR = AbsoluteVar(20)


def model(sigma=0.01):
    return VarModel(np.eye(2) * sigma**2, np.full(2, sigma), np.zeros((0, 2)))


def account(contracts=(10, 0), unit=0.05, sigma=0.01, **changes):
    held, exposure = np.array(contracts), np.full(2, unit)
    return replace(RiskAccount(1, 1e6, held, exposure, model(sigma)), **changes)


BEFORE = account()  # 2.326 x 0.5 x 1 % x sqrt(20) = 5.2 %


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (account((25, 0)), Cause.POSITIONS),
        (account(unit=0.12), Cause.PRICES),
        (account(sigma=0.03), Cause.MODEL),
        (account((12, 0), unit=0.06, sigma=0.02), Cause.MODEL),
        (account((20, 0), unit=0.06, sigma=0.011), Cause.POSITIONS),
    ],
)
def test_the_step_that_raised_it_most(now, expected):
    assert cause(VAR, 0, BEFORE, now, 0.1) is expected


def test_a_figure_that_is_not_above_its_limit_has_none():
    for now in (BEFORE, account(model=None)):
        with pytest.raises(ValueError, match="not above its limit"):
            cause(VAR, 0, BEFORE, now, 0.1)


def test_one_that_lasts_was_there_before():
    assert cause(VAR, 0, account((30, 0)), account((30, 0), sigma=0.02), 0.1) is Cause.LASTING


def test_a_model_that_was_not_known_before_is_unknown():
    assert cause(VAR, 0, account(model=None), account((40, 0)), 0.1) is Cause.UNKNOWN


def test_what_the_account_itself_moved_is_not_the_books():
    now = replace(BEFORE, drawdown=0.3)
    assert cause(Drawdown(), 0, replace(BEFORE, drawdown=0.1), now, 0.2) is Cause.ACCOUNT
