import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.curves import LONGER_AGES, TENORS, MacroState, YieldCurve
from universe.macro_format import series_info

CURVE = YieldCurve((0.25, 2.0, 10.0), (0.01, 0.02, 0.036))

rates = st.floats(-0.05, 0.2)


@st.composite
def curves(draw):
    tenors = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=8)))
    yields = draw(st.lists(rates, min_size=len(tenors), max_size=len(tenors)))
    return YieldCurve(tuple(t / 10 for t in tenors), tuple(yields))


class TestYieldCurve:
    @given(curves(), st.floats(0, 60))
    def test_equals_numpy(self, curve, years):
        expected = np.interp(years, curve.tenors_years, curve.yields)
        assert curve.at(years) == pytest.approx(expected, abs=1e-15)

    def test_hits_its_tenors(self):
        assert [CURVE.at(t) for t in CURVE.tenors_years] == list(CURVE.yields)

    def test_is_flat_beyond_its_ends(self):
        assert CURVE.at(0.0) == 0.01
        assert CURVE.at(40.0) == 0.036

    @given(rates, st.floats(0, 60), st.floats(0, 60))
    def test_one_tenor_is_a_flat_curve(self, value, tenor, years):
        curve = YieldCurve((tenor,), (value,))
        assert curve.at(years) == value

    @pytest.mark.parametrize(
        ("tenors", "yields", "sentence"),
        [
            ((), (), "0 tenors and 0 yields; it needs at least one"),
            ((1.0, 2.0), (0.01,), "2 tenors and 1 yields"),
            ((-1.0,), (0.01,), "tenor is -1.0 years; it must be 0 or more"),
            ((math.nan,), (0.01,), "tenor is nan years"),
            ((1.0,), (math.nan,), "yield at 1 years is nan"),
            ((1.0,), (-1.0,), "above -1"),
            ((1.0, 1.0), (0.01, 0.02), "tenor 1 years occurs twice"),
            ((5.0, 2.0), (0.01, 0.02), "tenor 2 years comes after 5"),
        ],
    )
    def test_bad_curves_are_named(self, tenors, yields, sentence):
        with pytest.raises(ValueError, match=sentence):
            YieldCurve(tenors, yields)

    @pytest.mark.parametrize("years", [-0.1, math.nan, math.inf])
    def test_bad_maturities_are_named(self, years):
        with pytest.raises(ValueError, match=f"asked at {years} years"):
            CURVE.at(years)


updates = st.lists(
    st.tuples(
        st.integers(-50, 50),
        st.sampled_from(["usd.3m", "usd.10y", "vix.spot"]),
        st.one_of(rates, st.just(math.nan)),
    ),
    max_size=30,
)


def fed(history, max_age=10):
    macro = MacroState(max_age)
    for day, name, value in history:
        macro.update(day, {name: value})
    return macro


class TestMacroState:
    @given(updates, st.integers(-60, 70), st.integers(0, 20))
    def test_equals_a_search_through_the_history(self, history, day, max_age):
        macro = fed(history, max_age)
        for name in ("usd.3m", "usd.10y", "vix.spot"):
            own = [(d, v) for d, n, v in history if n == name and not math.isnan(v)]
            newest = max((d for d, _ in own), default=None)
            fresh = newest is not None and newest <= day <= newest + max_age
            found = macro.value(name, day)
            if fresh:
                assert found == [v for d, v in own if d == newest][-1]
            else:
                assert math.isnan(found)

    @pytest.mark.parametrize(("age", "known"), [(0, True), (10, True), (11, False)])
    def test_age(self, age, known):
        assert math.isnan(fed([(100, "usd.3m", 0.05)]).value("usd.3m", 100 + age)) is not known

    @pytest.mark.parametrize(("max_age", "kept"), [(0, 100), (10, 100), (150, 150)])
    def test_dividend_yields_are_published_monthly_and_live_longer(self, max_age, kept):
        macro = fed([(100, "es.dividend_yield", 0.02), (100, "usd.3m", 0.05)], max_age)
        assert macro.max_age("es.dividend_yield") == kept
        assert macro.value("es.dividend_yield", 100 + kept) == 0.02
        assert math.isnan(macro.value("es.dividend_yield", 101 + kept))
        assert macro.value("usd.3m", 100 + max_age) == 0.05
        assert math.isnan(macro.value("usd.3m", 101 + max_age))

    def test_a_monthly_series_has_no_gap(self):
        """Two publications in a row may be a month and some weeks apart, never an age apart."""
        macro, name = MacroState(), "es.dividend_yield"
        for day in range(400):
            if day % 31 == 20 and day // 31 != 5:  # one month is not published at all
                macro.update(day, {name: 0.01 + day})
            assert math.isnan(macro.value(name, day)) == (day < 20)

    def test_ages_are_of_series_that_exist(self):
        for part, days in LONGER_AGES.items():
            assert series_info(f"es.{part}").unit == "fraction a year"
            assert days > MacroState().max_age("usd.3m")

    @given(updates, st.integers(-60, 70), st.integers(0, 20))
    def test_values_of_one_day_equal_a_search_through_the_history(self, history, day, max_age):
        names, macro = ("usd.3m", "usd.10y"), fed(history, max_age)
        own = [{d: v for d, n, v in history if n == name and not math.isnan(v)} for name in names]
        found = macro.of_one_day(names, day)
        newest = {max(values, default=None) for values in own}
        (known,) = newest if len(newest) == 1 else (None,)
        if known is None or not known <= day <= known + max_age:
            assert found is None
        else:
            assert found == [values[known] for values in own]

    def test_what_becomes_known_later_is_not_known_today(self):
        macro = fed([(100, "usd.3m", 0.05)])
        assert math.isnan(macro.value("usd.3m", 99))
        assert macro.curve("usd", 99) is None

    def test_an_older_value_does_not_replace_a_newer_one(self):
        assert fed([(100, "usd.3m", 0.05), (99, "usd.3m", 0.01)]).value("usd.3m", 100) == 0.05

    def test_a_correction_of_the_same_day_does(self):
        assert fed([(100, "usd.3m", 0.05), (100, "usd.3m", 0.01)]).value("usd.3m", 100) == 0.01

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_a_number_leaves_the_last_value(self, value):
        assert fed([(100, "usd.3m", 0.05), (101, "usd.3m", value)]).value("usd.3m", 101) == 0.05

    @given(updates)
    def test_survives_a_restart_through_json(self, history):
        macro, restored = fed(history), MacroState()
        for key in MacroState.STATE:
            setattr(restored, key, json.loads(json.dumps(getattr(macro, key))))
        assert restored.latest == macro.latest
        for day in (0, 20, 60):
            macro.update(day, {"usd.3m": 0.01})
            restored.update(day, {"usd.3m": 0.01})
            assert restored.curve("usd", day) == macro.curve("usd", day)

    def test_curve_has_the_fresh_tenors_of_its_currency_in_order(self):
        macro = MacroState()
        macro.update(80, {"usd.2y": 0.09})  # stale by 100
        macro.update(100, {"usd.10y": 0.04, "usd.3m": -0.001, "usd.overnight": 0.03})
        macro.update(100, {"eur.10y": 0.02, "eur.it.10y": 0.05, "vix.m1": 20.0, "usd.x": 1.0})
        curve = macro.curve("usd", 100)
        assert curve.tenors_years == (1 / 365.25, 0.25, 10.0)
        assert curve.yields == (0.03, -0.001, 0.04)
        assert macro.curve("eur", 100).yields == (0.02,)
        assert macro.curve("eur.it", 100).yields == (0.05,)
        assert macro.curve("jpy", 100) is None

    def test_a_curve_never_fails_on_what_was_published(self):
        """A value that is no yield is left out rather than stopping the day."""
        macro = fed([(0, "usd.3m", -1.5), (0, "usd.10y", 0.03)])
        assert macro.curve("usd", 0).yields == (0.03,)

    def test_tenors_ascend(self):
        assert list(TENORS.values()) == sorted(set(TENORS.values()))

    def test_bad_age_is_named(self):
        with pytest.raises(ValueError, match="max_age_days is -1; it must be 0 or more"):
            MacroState(-1)
