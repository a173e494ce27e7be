import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import (
    INITIAL,
    MULTIPLE,
    YOUNG,
    MarginDates,
    MarginModel,
    margin_over_rolls,
)
from universe.master import MASTER

BOOK = [MASTER["ES"], MASTER["CL"]]
VALUE = np.array([100_000.0, 50_000.0])
SEEN = np.ones(2, dtype=bool)
DATES = MarginDates(
    np.array([1000, 1500]), np.array([5500.0, 11000.0]), np.array([5000.0, 10000.0])
)


def model(sessions=600, sigma=0.01, dates=None, seed=0):
    made = MarginModel(BOOK, dates or {})
    rng = np.random.default_rng(seed)
    for _ in range(sessions):
        made.update(sigma * rng.standard_normal(2), SEEN)
    return made


class TestModel:
    def test_without_dates_it_is_the_multiple_of_value_and_volatility(self):
        initial, maintenance = model(5000).margins(900, VALUE)
        expected = 0.01 * VALUE * [MULTIPLE[i.asset_class] for i in BOOK]
        assert maintenance == pytest.approx(expected, rel=0.2)
        assert initial == pytest.approx(INITIAL * maintenance)

    def test_volatility_by_another_path(self):
        rng = np.random.default_rng(1)
        ret = 0.01 * rng.standard_normal((200, 2))
        made = MarginModel(BOOK, {})
        for row in ret:
            made.update(row, SEEN)

        def weighted(x, span):
            variance = 0.0
            for k, value in enumerate(x, start=1):
                weight = max(2 / (span + 1), 1 / k)
                variance = (1 - weight) * variance + weight * value**2
            return variance

        worst = [max(weighted(ret[:, j], 63), weighted(ret[:, j], 504)) for j in range(2)]
        expected = np.sqrt(worst) * VALUE * [MULTIPLE[i.asset_class] for i in BOOK]
        assert made.margins(900, VALUE)[1] == pytest.approx(expected)

    def test_a_dated_margin_holds_from_its_day_on(self):
        made = model(dates={"ES": DATES})
        before = made.margins(999, VALUE)[1]
        assert before == pytest.approx(model().margins(999, VALUE)[1])
        initial, maintenance = made.margins(1000, VALUE)
        assert (initial[0], maintenance[0]) == (5500.0, 5000.0)
        assert maintenance[1] == before[1]  # beside it the model
        assert made.margins(1500, VALUE)[1][0] == 10_000.0

    def test_an_old_one_is_raised_with_the_value_but_not_lowered(self):
        made = model(dates={"ES": DATES})
        made.margins(1000, VALUE)
        assert made.margins(1090, VALUE * 2)[1][0] == 5000.0
        assert made.margins(1091, VALUE * 2)[1][0] == pytest.approx(10_000.0)
        assert made.margins(1092, VALUE / 2)[1][0] == 5000.0

    def test_a_young_market_is_unknown_unless_dated(self):
        made = model(YOUNG - 1, dates={"ES": DATES})
        assert np.isnan(made.margins(999, VALUE)[0]).all()
        assert made.margins(1000, VALUE)[0][0] == 5500.0
        assert np.isnan(model().margins(999, VALUE * np.nan)[0]).all()

    @given(st.integers(900, 2000), st.integers(0, 100))
    def test_nothing_after_the_day_matters(self, day, seed):
        later = MarginDates(np.array([day + 1]), np.array([1e9]), np.array([1e9]))
        without, with_later = model(100, seed=seed), model(100, dates={"ES": later}, seed=seed)
        found, expected = with_later.margins(day, VALUE)[0], without.margins(day, VALUE)[0]
        assert found == pytest.approx(expected)

    def test_a_closed_session_changes_nothing(self):
        made = model()
        before = made.margins(900, VALUE)[0]
        made.update(np.array([0.5, 0.5]), np.zeros(2, dtype=bool))
        assert np.array_equal(made.margins(900, VALUE)[0], before)

    @pytest.mark.parametrize(
        ("days", "margins", "text"),
        [([2, 1], [1.0, 1.0], "must rise"), ([1, 2], [1.0, 0.0], "must be positive"),
         ([1], [1.0, 1.0], "one length")],
    )  # fmt: skip
    def test_dates_that_make_no_sense_are_refused(self, days, margins, text):
        with pytest.raises(ValueError, match=text):
            MarginDates(np.array(days), np.array(margins), np.array(margins))


class TestRolls:
    def test_by_hand(self):
        """Two contracts at 1000 roll into 1200 over two sessions from the first on."""
        found = margin_over_rolls(
            np.array([-2, 0]), np.array([1000.0, np.nan]), np.array([1200.0, np.nan]),
            np.array([1, 0]), window=2, days=4,
        )  # fmt: skip
        assert found.tolist() == [2000, 2000, 2200, 2400, 2400]

    def test_no_window_is_refused(self):
        with pytest.raises(ValueError, match="window is 0"):
            margin_over_rolls(
                np.ones(1, dtype=int), np.ones(1), np.ones(1), np.zeros(1, dtype=int), 0, 5
            )
