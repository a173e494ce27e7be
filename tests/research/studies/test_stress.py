from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from research.studies.stress import StressDesk, held_exposure, history_with, weekly_stress
from risk.replay import PriceHistory
from risk.stress import SHOCKS
from tests.research.fake_result import small_result
from universe.arrays import from_epoch_day, to_epoch_day
from universe.master import MASTER

CODES = ["ES", "ZN"]
START = to_epoch_day(date(1999, 1, 4))


def desk(rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    price = 100 * np.cumprod(1 + 0.01 * rng.standard_normal((rows, 2)), axis=0)
    seen = np.ones(price.shape, dtype=bool)
    history = PriceHistory(
        CODES, ["equity", "bond"], START + np.arange(rows), price - 30, price, seen
    )
    return StressDesk(history, [MASTER[code] for code in CODES])


def run(sessions=30):
    held = np.tile([[2, -3]], (sessions, 1))
    weight = np.tile([[0.5, -1.2]], (sessions, 1))
    return small_result([100.0] * sessions, 2, contracts=held, targets=held, weight=weight)


def test_exposure_of_what_is_held():
    assert held_exposure(run())[0] == pytest.approx([0.5, -1.2])


def test_once_a_week_on_its_last_session():
    result = run(30)
    found = weekly_stress(result, desk())
    days = [from_epoch_day(day) for day in found]
    assert [d.weekday() for d in days[:-1]] == [4] * (len(days) - 1)
    assert days[-1] == from_epoch_day(int(result.day[-1]))
    assert len({d.isocalendar()[:2] for d in days}) == len(days)


def test_an_episode_is_replayed_from_the_year_after_it():
    made = desk()
    names = {
        year: [one.name for one in made.tests(to_epoch_day(date(year, 6, 1)), np.ones(2))]
        for year in (2001, 2002, 2008, 2009)
    }
    assert len(names[2001]) == len(SHOCKS)
    assert names[2002][-1] == "2001 September"
    assert "2008 credit crisis" not in names[2008]
    assert names[2009][-1] == "2008 credit crisis"


def test_a_test_knows_nothing_after_its_day():
    """The same results when all prices after the day are others."""
    day = to_epoch_day(date(2005, 6, 1))
    one, other = desk(), desk()
    later = other._history.day > day
    other._history.adjusted[later] = 1e6
    other._history.price[later] = 1.0
    exposure = np.array([1.0, -1.0])
    found = [r.profit for r in one.tests(day, exposure)]
    assert found == [r.profit for r in other.tests(day, exposure)]


def test_other_markets_are_refused():
    made = desk()
    with pytest.raises(ValueError, match="same markets in the same order"):
        StressDesk(made._history, [MASTER["ZN"], MASTER["ES"]])


def test_prices_from_elsewhere_take_the_place_of_the_record_s_and_reach_further_back():
    """Of the markets that both have; the other one's are as they were."""
    own = desk(300)._history
    days = np.array([START - 3, START - 1, START + 1])
    price = np.array([[50.0], [51.0], [52.0]])
    panel = SimpleNamespace(
        codes=["CL", "ZN"], day=days, adjusted=np.hstack([price, price - 7]),
        positive_price=np.hstack([price, price]), seen=np.array([[True, True]] * 3),
    )  # fmt: skip
    found = history_with(own, panel)
    assert found.day.tolist() == sorted({*days.tolist(), *own.day.tolist()})
    back = np.isin(found.day, own.day)
    assert (found.adjusted[back, 0] == own.adjusted[:, 0]).all()
    assert not found.seen[~back, 0].any()
    theirs = np.isin(found.day, days)
    assert found.adjusted[theirs, 1].tolist() == [43.0, 44.0, 45.0]
    assert found.price[theirs, 1].tolist() == [50.0, 51.0, 52.0]
    assert found.seen[:, 1].tolist() == theirs.tolist()
